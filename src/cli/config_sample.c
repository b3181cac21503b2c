#include "cli/config_sample.h"

#include <string.h>

#include "cli/config_schema.h"

#define WIDTH 100 /* of comments, with their indentation */

static const char head[] =
    "# riposte.yaml -- try with: riposte check config        all of it: man riposte.yaml\n"
    "#\n"
    "# Only zones, with one origin, contact and name server, must be said; everything else shows its default.\n"
    "# times need a unit: 500ms 10s 5m 24h 30d           sizes are octets, or KiB MiB GiB\n"
    "# rates are 10/s 10/m 10/h                          ${NAME} and ${NAME:-text} come from the environment; $$ "
    "is a $\n"
    "# addresses are always quoted: \"[::1]:53\"\n"
    "# (R) takes effect on reload (riposte reload), (S) needs a restart\n";

static void put_indent(struct text *out, size_t indent)
{
    for (size_t i = 0; i < indent; i++)
        text_put_char(out, ' ');
}

/* One paragraph of words, wrapped. */
static void put_wrapped(struct text *out, size_t indent, const char *words, size_t len)
{
    size_t column = 0;

    for (size_t at = 0; at < len;) {
        size_t word = 0;

        while (at + word < len && words[at + word] != ' ')
            word++;
        if (column > 0 && column + 1 + word > WIDTH) {
            text_put(out, "\n");
            column = 0;
        }
        if (column == 0) {
            put_indent(out, indent);
            text_put(out, "#");
            column = indent + 1;
        }
        text_put(out, " ");
        text_put_bytes(out, words + at, word);
        column += 1 + word;
        at += word + (at + word < len);
    }
    text_put(out, "\n");
}

static void put_comment(struct text *out, size_t indent, const char *help)
{
    while (*help != '\0') {
        size_t len = strcspn(help, "\n");

        if (help[0] == ' ') { /* an example, as it is */
            put_indent(out, indent);
            text_put(out, "#   ");
            text_put_bytes(out, help + 1, len - 1);
            text_put(out, "\n");
        } else {
            put_wrapped(out, indent, help, len);
        }
        help += len + (help[len] == '\n');
    }
}

static void put_kind(struct text *out, size_t indent, const struct config_row *row)
{
    put_indent(out, indent);
    text_put(out, row->applies == CONFIG_AFTER_RESTART ? "# (S) " : "# (R) ");
    config_row_describe(row, out);
    text_put(out, "\n");
}

/* Two blanks for each level, two more for each "- " on the way. */
static size_t indent_of(const struct config_row *row)
{
    size_t indent = 0;

    for (const char *p = row->path; *p != '\0'; p++) {
        if (*p == '.')
            indent += 2;
        if (*p == '[' && p[2] == '.')
            indent += 2;
    }
    return indent;
}

static bool is_first_of_entry(size_t i)
{
    return i > 0 && config_rows[i - 1].kind == CONFIG_SECTIONS;
}

static void put_row(struct text *out, size_t i, const char *given)
{
    const struct config_row *row = &config_rows[i];
    size_t indent = indent_of(row);
    size_t key_len;
    const char *key = config_row_key(row, &key_len);
    bool is_entry = is_first_of_entry(i);

    if (strchr(row->path, '.') == NULL)
        text_put(out, "\n"); /* each section stands apart */
    put_comment(out, indent - (is_entry ? 2 : 0), row->help);
    if (!config_row_is_section(row))
        put_kind(out, indent - (is_entry ? 2 : 0), row);
    put_indent(out, indent - (is_entry ? 2 : 0));
    text_put(out, is_entry ? "- " : "");
    text_put_bytes(out, key, key_len);
    text_put(out, ":");
    if (!config_row_is_section(row)) {
        text_put(out, " ");
        config_row_put_value(row, given, out);
    }
    text_put(out, "\n");
}

void config_sample_write(const struct config_sample_value *values, size_t n, struct text *out)
{
    text_put(out, head);
    for (size_t i = 0; i < config_rows_n; i++) {
        /* What has an example has no useful default: the addresses of a name server. */
        const char *given = config_rows[i].example;

        for (size_t k = 0; k < n; k++) {
            if (strcmp(values[k].path, config_rows[i].path) == 0)
                given = values[k].text;
        }
        put_row(out, i, given);
    }
}
