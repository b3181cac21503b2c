#include "cli/args.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "base/text.h"

static size_t find_spec(const struct args *a, const char *option, size_t len)
{
    size_t i = 0;

    while (i < a->n_specs && (strlen(a->specs[i].name) != len || strncmp(a->specs[i].name, option, len) != 0))
        i++;
    return i;
}

int args_refuse(const struct args *a, const char *format, ...)
{
    const struct command *c = a->command;
    va_list ap;

    fprintf(stderr, "riposte %s: ", c->words);
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: riposte %s%s%s\n", c->words, c->usage[0] != '\0' ? " " : "", c->usage);
    return EXIT_STATUS_USAGE;
}

static bool refuse_unknown(const struct args *a, const char *option)
{
    const char *names[ARGS_OPTIONS_MAX];
    const char *nearest;

    for (size_t i = 0; i < a->n_specs; i++)
        names[i] = a->specs[i].name;
    nearest = text_nearest(option, names, a->n_specs);
    if (nearest != NULL)
        (void)args_refuse(a, "no option %s; did you mean %s?", option, nearest);
    else
        (void)args_refuse(a, "no option %s", option);
    return false;
}

static bool add_list(struct args *a, size_t spec, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, ",");

        if (a->n_list == ARGS_VALUES_MAX) {
            (void)args_refuse(a, "more than %d values", ARGS_VALUES_MAX);
            return false;
        }
        if (len > 0) {
            a->list[a->n_list].spec = spec;
            a->list[a->n_list].text = text;
            a->list[a->n_list].len = len;
            a->n_list++;
        }
        text += len + (text[len] == ',');
    }
    return true;
}

/* Take the option at argv[*i], as "--name value" or "--name=value". */
static bool take_option(struct args *a, int *i, int argc, char **argv)
{
    const char *option = argv[*i];
    const char *equals = strchr(option, '=');
    size_t len = equals != NULL ? (size_t)(equals - option) : strlen(option);
    size_t spec = find_spec(a, option, len);
    const char *value;

    if (spec == a->n_specs)
        return refuse_unknown(a, option);
    if (a->specs[spec].kind == OPTION_FLAG && equals == NULL) {
        a->texts[spec] = "";
        return true;
    }
    if (a->specs[spec].kind == OPTION_FLAG || (equals == NULL && *i + 1 >= argc)) {
        (void)args_refuse(a, "%s %s", a->specs[spec].name, equals != NULL ? "takes no value" : "needs a value");
        return false;
    }
    value = equals != NULL ? equals + 1 : argv[++*i];
    a->texts[spec] = value;
    return a->specs[spec].kind != OPTION_LIST || add_list(a, spec, value);
}

bool args_parse(struct args *a, const struct command *command, const struct option_spec *specs, size_t n_specs,
                size_t min_rest, size_t max_rest, int argc, char **argv)
{
    bool only_rest = false;

    assert(n_specs <= ARGS_OPTIONS_MAX);
    memset(a, 0, sizeof(*a));
    a->command = command;
    a->specs = specs;
    a->n_specs = n_specs;
    for (int i = 0; i < argc; i++) {
        if (!only_rest && strcmp(argv[i], "--") == 0) {
            only_rest = true;
        } else if (!only_rest && strncmp(argv[i], "--", 2) == 0) {
            if (!take_option(a, &i, argc, argv))
                return false;
        } else if (a->n_rest < ARGS_VALUES_MAX) {
            a->rest[a->n_rest++] = argv[i];
        } else {
            (void)args_refuse(a, "more than %d arguments", ARGS_VALUES_MAX);
            return false;
        }
    }
    if (a->n_rest >= min_rest && a->n_rest <= max_rest)
        return true;
    if (a->n_rest > max_rest)
        (void)args_refuse(a, "unexpected argument \"%s\"", a->rest[max_rest]);
    else
        (void)args_refuse(a, "an argument is missing");
    return false;
}

const char *args_text(const struct args *a, const char *option)
{
    size_t spec = find_spec(a, option, strlen(option));

    assert(spec < a->n_specs);
    return a->texts[spec];
}

bool args_flag(const struct args *a, const char *option)
{
    return args_text(a, option) != NULL;
}

size_t args_list_len(const struct args *a, const char *option)
{
    size_t spec = find_spec(a, option, strlen(option));
    size_t n = 0;

    for (size_t i = 0; i < a->n_list; i++)
        n += a->list[i].spec == spec;
    return n;
}

const char *args_list_at(const struct args *a, const char *option, size_t i, size_t *len)
{
    size_t spec = find_spec(a, option, strlen(option));

    for (size_t k = 0; k < a->n_list; k++) {
        if (a->list[k].spec != spec || i-- > 0)
            continue;
        *len = a->list[k].len;
        return a->list[k].text;
    }
    *len = 0;
    return NULL;
}

/* A date, or RFC 3339 in UTC. A day or hour that does not exist is no date: timegm() would take it for another. */
static bool parse_date(const char *text, int64_t *out)
{
    struct tm tm, again;
    const char *end;
    time_t at;

    memset(&tm, 0, sizeof(tm));
    end = strptime(text, "%Y-%m-%d", &tm);
    if (end != NULL && *end == 'T')
        end = strptime(end, "T%H:%M:%SZ", &tm);
    if (end == NULL || *end != '\0')
        return false;
    again = tm;
    at = timegm(&again);
    *out = (int64_t)at;
    return again.tm_mday == tm.tm_mday && again.tm_sec == tm.tm_sec;
}

bool args_time(const struct args *a, const char *option, int direction, int64_t *out)
{
    const char *text = args_text(a, option);
    int64_t ms;

    assert(text != NULL);
    if (quantity_parse_duration_ms(&ms, text, strlen(text)) == ERR_OK) {
        *out = clock_real_s(&clock_system) + direction * (ms / 1000);
        return true;
    }
    if (parse_date(text, out))
        return true;
    fprintf(stderr, "riposte %s: %s \"%s\": a time is 90d, 24h, 30m or 45s, or a date such as 2027-01-31\n",
            a->command->words, option, text);
    return false;
}
