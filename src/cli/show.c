#include "cli/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define VALUE_SHOWN_WHOLE 12
#define MINUTE_S          60
#define HOUR_S            3600
#define DAY_S             86400
#define SHORT_ID          8  /* octets of a UUID that tell a few credentials apart */
#define DATE_LEN          10 /* "2026-11-14" */
#define SECONDS_LEN       19 /* "2026-11-14T02:58:41" */
#define MILLISECONDS_LEN  23
#define ROWS_AT_FIRST     64

void show_table_init(struct show_table *t, const char *const *headings)
{
    memset(t, 0, sizeof(*t));
    while (headings[t->columns] != NULL)
        t->columns++;
    for (size_t i = 0; i < t->columns; i++)
        show_cell(t, headings[i]);
}

/* Give a place for one more cell. Cells beyond what memory holds are left out: the table is for people, and then
 * there is a greater trouble. */
static bool make_room(struct show_table *t)
{
    size_t cap = t->cap == 0 ? ROWS_AT_FIRST * t->columns : t->cap * 2;
    void *grown;

    if (t->n_cells < t->cap)
        return true;
    grown = realloc(t->cells, cap * sizeof(*t->cells));
    if (grown == NULL)
        return false;
    t->cells = grown;
    t->cap = cap;
    return true;
}

void show_cell(struct show_table *t, const char *text)
{
    char *cell = make_room(t) ? strdup(text[0] != '\0' ? text : "-") : NULL;

    if (cell == NULL)
        return;
    t->cells[t->n_cells++] = cell;
    for (char *c = cell; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
}

void show_cell_format(struct show_table *t, const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    show_cell(t, text);
    free(text);
}

void show_cell_int(struct show_table *t, int64_t n)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", (long long)n);
    show_cell(t, text);
}

/* Columns on the screen: continuation bytes of UTF-8 take none. */
static size_t width(const char *cell)
{
    size_t n = 0;

    for (; *cell != '\0'; cell++)
        n += ((unsigned char)*cell & 0xc0) != 0x80;
    return n;
}

static void print_cells(struct show_table *t)
{
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t w = width(t->cells[i]);

        if (w > t->widths[i % t->columns])
            t->widths[i % t->columns] = w;
    }
    for (size_t i = 0; i < t->n_cells; i++) {
        bool is_last = (i + 1) % t->columns == 0;
        int pad = is_last ? 0 : (int)(t->widths[i % t->columns] - width(t->cells[i]) + 2);

        printf("%s%*s%s", t->cells[i], pad, "", is_last ? "\n" : "");
    }
}

static void drop_cells(struct show_table *t)
{
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    t->n_cells = 0;
}

void show_table_flush(struct show_table *t)
{
    if (t->n_cells <= (t->has_begun ? 0 : t->columns))
        return;
    print_cells(t);
    drop_cells(t);
    t->has_begun = true;
    (void)fflush(stdout); /* what cannot be written shows at the end of the program */
}

void show_table_end(struct show_table *t, const char *none)
{
    show_table_flush(t);
    if (!t->has_begun && none != NULL)
        puts(none);
    drop_cells(t);
    free(t->cells);
    memset(t, 0, sizeof(*t));
}

const char *show_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text != NULL ? text : "";
}

int64_t show_int(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

const char *show_joined(const json_t *array, char *out, size_t cap)
{
    static const char more[] = " …";
    size_t len = 0;
    size_t i;
    json_t *item;

    (void)snprintf(out, cap, "-");
    json_array_foreach(array, i, item)
    {
        const char *text = json_string_value(item);
        size_t room = i + 1 < json_array_size(array) ? sizeof(more) : 1;
        size_t needed = strlen(text != NULL ? text : "?") + (len > 0);

        if (len + needed + room > cap) {
            (void)snprintf(out + len, cap - len, "%s", len > 0 ? more : more + 1);
            break;
        }
        len += (size_t)snprintf(out + len, cap - len, "%s%s", len > 0 ? " " : "", text != NULL ? text : "?");
    }
    return out;
}

int64_t show_parse_time(const char *rfc3339)
{
    struct tm tm;

    memset(&tm, 0, sizeof(tm));
    if (rfc3339 == NULL || strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
        return 0;
    return (int64_t)timegm(&tm);
}

const char *show_age(const char *rfc3339, char out[SHOW_AGE_MAX])
{
    int64_t at = show_parse_time(rfc3339);
    int64_t age = clock_real_s(&clock_system) - at;
    int64_t distance = age < 0 ? -age : age;
    int64_t unit = distance < 2 * MINUTE_S ? 1
                   : distance < 2 * HOUR_S ? MINUTE_S
                   : distance < 3 * DAY_S  ? HOUR_S
                                           : DAY_S;
    const char *word = unit == 1 ? "s" : unit == MINUTE_S ? "min" : unit == HOUR_S ? "h" : "d";

    if (at == 0)
        (void)snprintf(out, SHOW_AGE_MAX, "-");
    else if (age < 0)
        (void)snprintf(out, SHOW_AGE_MAX, "in %lld %s", (long long)(distance / unit), word);
    else
        (void)snprintf(out, SHOW_AGE_MAX, "%lld %s ago", (long long)(distance / unit), word);
    return out;
}

const char *show_when(const char *rfc3339, char out[SHOW_WHEN_MAX])
{
    size_t len = strlen(rfc3339);

    if (show_parse_time(rfc3339) == 0)
        (void)snprintf(out, SHOW_WHEN_MAX, "-");
    else
        (void)snprintf(out, SHOW_WHEN_MAX, "%.*s %.*s", DATE_LEN, rfc3339,
                       (len > SECONDS_LEN && rfc3339[SECONDS_LEN] == '.' ? MILLISECONDS_LEN : SECONDS_LEN) -
                           DATE_LEN - 1,
                       rfc3339 + DATE_LEN + 1);
    return out;
}

const char *show_label(const json_t *credential, char out[SHOW_LABEL_MAX])
{
    const char *label = show_text(credential, "label");

    if (label[0] != '\0')
        (void)snprintf(out, SHOW_LABEL_MAX, "%s", label);
    else
        (void)snprintf(out, SHOW_LABEL_MAX, "%.*s", SHORT_ID, show_text(credential, "credential"));
    return out;
}

const char *show_networks(const json_t *credential, char out[SHOW_LIST_MAX])
{
    const json_t *networks = json_object_get(credential, "networks");

    if (json_is_true(json_object_get(credential, "networks-invalid")))
        (void)snprintf(out, SHOW_LIST_MAX, "cannot be read: denied");
    else if (json_array_size(networks) == 0)
        (void)snprintf(out, SHOW_LIST_MAX, "any");
    else
        show_joined(networks, out, SHOW_LIST_MAX);
    return out;
}

const char *show_value(const char *value, char out[SHOW_VALUE_MAX])
{
    size_t len = strlen(value);

    if (len <= VALUE_SHOWN_WHOLE)
        (void)snprintf(out, SHOW_VALUE_MAX, "%s", value);
    else
        (void)snprintf(out, SHOW_VALUE_MAX, "%.4s…%s", value, value + len - 4);
    return out;
}

void show_json(json_t *j)
{
    (void)json_dumpf(j, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
    json_decref(j);
}

void show_json_line(const json_t *j)
{
    (void)json_dumpf(j, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
    (void)fflush(stdout);
}
