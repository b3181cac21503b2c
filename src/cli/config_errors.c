#include "cli/config_errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_TEXT_MAX 1024
#define QUOTED_OCTETS  60 /* of the text that is shown; each may become four characters */

void config_errors_init(struct config_errors *errors, struct arena *arena)
{
    errors->arena = arena;
    errors->n_kept = 0;
    errors->n = 0;
    errors->err = ERR_OK;
}

void config_errors_add(struct config_errors *errors, unsigned line, unsigned column, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    const char *copy;
    va_list args;

    errors->n++;
    if (errors->n_kept == CONFIG_ERRORS_KEPT)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    copy = arena_copy(errors->arena, text, strlen(text));
    if (copy == NULL) {
        errors->err = ERR_MEMORY;
        return;
    }
    errors->kept[errors->n_kept++] = (struct config_error){line, column, copy};
}

static int compare_places(const void *a, const void *b)
{
    const struct config_error *x = a;
    const struct config_error *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

void config_errors_report(struct config_errors *errors, const char *path, struct text *out)
{
    qsort(errors->kept, errors->n_kept, sizeof(errors->kept[0]), compare_places);
    for (size_t i = 0; i < errors->n_kept; i++) {
        const struct config_error *error = &errors->kept[i];

        if (error->line > 0)
            text_printf(out, "%s:%u:%u: %s\n", path, error->line, error->column, error->text);
        else
            text_printf(out, "%s: %s\n", path, error->text);
    }
    if (errors->n > errors->n_kept)
        text_printf(out, "%s: and %zu more\n", path, errors->n - errors->n_kept);
}

const char *config_quoted(const char *text, size_t len, char out[CONFIG_QUOTED_MAX])
{
    size_t shown = len > QUOTED_OCTETS ? QUOTED_OCTETS : len;
    char *end = out;

    *end++ = '"';
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c < 0x7f)
            *end++ = (char)c;
        else
            end += snprintf(end, 5, "\\x%02x", c);
    }
    (void)snprintf(end, 6, "%s\"", shown < len ? "..." : "");
    return out;
}
