/* What a function prints: everything that goes to a descriptor (1 or 2) between begin and end. */
#ifndef TEST_CLI_CAPTURE_H
#define TEST_CLI_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CAPTURE_MAX 65536

struct capture {
    FILE *stream;
    FILE *file;
    int saved;
    char text[CAPTURE_MAX];
};

static inline void capture_begin(struct capture *c, FILE *stream)
{
    c->stream = stream;
    c->file = tmpfile();
    assert_non_null(c->file);
    (void)fflush(stream);
    c->saved = dup(fileno(stream));
    assert_true(c->saved >= 0);
    assert_true(dup2(fileno(c->file), fileno(stream)) >= 0);
}

static inline const char *capture_end(struct capture *c)
{
    size_t n;

    (void)fflush(c->stream);
    assert_true(dup2(c->saved, fileno(c->stream)) >= 0);
    (void)close(c->saved);
    rewind(c->file);
    n = fread(c->text, 1, sizeof(c->text) - 1, c->file);
    c->text[n] = '\0';
    (void)fclose(c->file);
    return c->text;
}

#endif
