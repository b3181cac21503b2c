/* base/text.h -- a text that grows up to a ceiling. Owned by one thread. The bytes always end in a NUL, which len
 * does not count. Remembers its first error (ERR_MEMORY, or ERR_FULL at the ceiling); after it, puts do nothing. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct text {
    char *bytes; /* never NULL: an empty text points at a static "" */
    size_t len;
    size_t cap;
    size_t max; /* len never passes it */
    enum err err;
};

void text_init(struct text *t, size_t max);
void text_fini(struct text *t); /* frees; t is then as after text_init */
void text_put(struct text *t, const char *str);
void text_put_bytes(struct text *t, const void *bytes, size_t len);
void text_put_char(struct text *t, char c);
void text_printf(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Give the bytes away (caller frees) and become empty; NULL when an error was remembered. */
MUST_USE char *text_give(struct text *t);

/* Case-insensitive in ASCII only, whatever the locale. */
bool text_equal_nocase(const char *a, size_t a_len, const char *b, size_t b_len);
/* The candidate that is nearest to word (edit distance at most 2 and less than half of it), or NULL: "did you
 * mean". */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

#endif
