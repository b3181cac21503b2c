#include "options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define HOUR_S     3600.0
#define BASE_TEN   10
#define USAGE_ROOM 1024
#define DASHES_LEN 2
#define UNKNOWN    '?'

uint64_t option_number(const char *name, const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;
    uint64_t v;

    errno = 0;
    v = strtoull(text, &end, BASE_TEN);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || v < least || v > most)
        die("%s is a number from %" PRIu64 " to %" PRIu64 ", not \"%s\"", name, least, most, text);
    return v;
}

double option_seconds(const char *name, const char *text)
{
    char *end = NULL;
    double v = strtod(text, &end);

    if (end == text || *end != '\0' || !(v > 0.0 && v <= HOUR_S))
        die("%s is a number of seconds above 0, at most 3600, not \"%s\"", name, text);
    return v;
}

static _Noreturn void usage(const struct option_row *rows, size_t n, const char *program)
{
    const char *name = strrchr(program, '/');
    char text[USAGE_ROOM] = "";
    size_t len = 0;

    for (size_t i = 0; i < n && len < sizeof text; i++) {
        bool must = rows[i].need == OPTION_MUST;

        len += (size_t)snprintf(text + len, sizeof text - len, " %s%s%s%s%s", must ? "" : "[", rows[i].name,
                                rows[i].word != NULL ? " " : "", rows[i].word != NULL ? rows[i].word : "",
                                must ? "" : "]");
    }
    die("usage: %s%s", name != NULL ? name + 1 : program, text);
}

static void option_take(const struct option_row *row, const char *text)
{
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)row->to = true;
        break;
    case OPTION_PORT:
        *(uint16_t *)row->to = (uint16_t)option_number(row->name, text, row->least, row->most);
        break;
    case OPTION_COUNT:
        *(unsigned *)row->to = (unsigned)option_number(row->name, text, row->least, row->most);
        break;
    case OPTION_NUMBER:
        *(uint64_t *)row->to = option_number(row->name, text, row->least, row->most);
        break;
    case OPTION_SECONDS:
        *(double *)row->to = option_seconds(row->name, text);
        break;
    case OPTION_TEXT:
        *(const char **)row->to = text;
        break;
    case OPTION_PIDS:
        processes_parse(row->to, text);
        break;
    }
}

void options_read(const struct option_row *rows, size_t n, int argc, char **argv)
{
    struct option longs[OPTIONS_MOST + 1] = {0};
    bool given[OPTIONS_MOST] = {0};
    int found, at = 0;

    assert(n <= OPTIONS_MOST);
    for (size_t i = 0; i < n; i++)
        longs[i] = (struct option){.name = rows[i].name + DASHES_LEN,
                                   .has_arg = rows[i].kind == OPTION_FLAG ? no_argument : required_argument};
    while ((found = getopt_long(argc, argv, "", longs, &at)) != -1) {
        if (found == UNKNOWN)
            usage(rows, n, argv[0]);
        given[at] = true;
        option_take(&rows[at], optarg);
    }
    for (size_t i = 0; i < n; i++)
        if (rows[i].need == OPTION_MUST && !given[i])
            usage(rows, n, argv[0]);
    if (optind != argc)
        usage(rows, n, argv[0]);
}
