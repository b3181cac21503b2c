#include "cli/findings.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void findings_init(struct findings *f)
{
    memset(f, 0, sizeof(*f));
}

void findings_fini(struct findings *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->items[i].detail);
        free(f->items[i].fix);
        free(f->items[i].see);
    }
    free(f->items);
    findings_init(f);
}

static char *PRINTF_LIKE(2, 0) make_text(struct findings *f, const char *format, va_list ap)
{
    char text[FINDING_TEXT_MAX];
    char *copy;

    (void)vsnprintf(text, sizeof(text), format, ap);
    for (char *p = text; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~')
            *p = '?';
    }
    copy = strdup(text);
    if (copy == NULL)
        f->err = ERR_MEMORY;
    return copy;
}

static void PRINTF_LIKE(4, 0)
    add(struct findings *f, enum finding_level level, const char *about, const char *format, va_list ap)
{
    struct finding *items;

    f->failures += level == FINDING_FAIL;
    if (f->n == FINDINGS_MAX)
        return;
    items = realloc(f->items, (f->n + 1) * sizeof(*items));
    if (items == NULL) {
        f->err = ERR_MEMORY;
        return;
    }
    f->items = items;
    f->items[f->n] = (struct finding){.level = level, .about = about, .detail = make_text(f, format, ap)};
    f->n++;
}

void finding_ok(struct findings *f, const char *about, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    add(f, FINDING_OK, about, format, ap);
    va_end(ap);
}

void finding_note(struct findings *f, const char *about, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    add(f, FINDING_NOTE, about, format, ap);
    va_end(ap);
}

void finding_fail(struct findings *f, const char *about, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    add(f, FINDING_FAIL, about, format, ap);
    va_end(ap);
}

static void PRINTF_LIKE(3, 0) set(struct findings *f, char **at, const char *format, va_list ap)
{
    free(*at);
    *at = make_text(f, format, ap);
}

void finding_fix(struct findings *f, const char *format, ...)
{
    va_list ap;

    if (f->n == 0)
        return;
    va_start(ap, format);
    set(f, &f->items[f->n - 1].fix, format, ap);
    va_end(ap);
}

void finding_see(struct findings *f, const char *format, ...)
{
    va_list ap;

    if (f->n == 0)
        return;
    va_start(ap, format);
    set(f, &f->items[f->n - 1].see, format, ap);
    va_end(ap);
}

const char *finding_word(enum finding_level level)
{
    static const char *const words[] = {[FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_FAIL] = "fail"};

    return words[level];
}

static bool put(json_t *object, const char *member, const char *text)
{
    return text == NULL || json_object_set_new(object, member, json_string(text)) == 0;
}

json_t *findings_json(const struct findings *f)
{
    json_t *list = f->err == ERR_OK ? json_array() : NULL;

    for (size_t i = 0; list != NULL && i < f->n; i++) {
        const struct finding *one = &f->items[i];
        json_t *object = json_object();
        bool is_whole = put(object, "level", finding_word(one->level)) && put(object, "about", one->about) &&
                        put(object, "detail", one->detail) && put(object, "fix", one->fix) &&
                        put(object, "see", one->see);

        if (!is_whole)
            json_decref(object);
        if (!is_whole || json_array_append_new(list, object) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

void findings_print(const struct findings *f, FILE *to)
{
    static const char *const words[] = {[FINDING_OK] = "ok  ", [FINDING_NOTE] = "note", [FINDING_FAIL] = "FAIL"};

    for (size_t i = 0; i < f->n; i++) {
        const struct finding *one = &f->items[i];

        fprintf(to, "  %s  %s\n", words[one->level], one->detail != NULL ? one->detail : "(no memory)");
        if (one->fix != NULL)
            fprintf(to, "        %s\n", one->fix);
        if (one->see != NULL)
            fprintf(to, "        see it:  %s\n", one->see);
    }
    if (f->err != ERR_OK)
        fputs("  FAIL  there was not enough memory for everything that was found\n", to);
}
