#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP            64
#define NEAREST_LEN_MAX      64 /* longer words are not compared: no key or command is */
#define NEAREST_DISTANCE_MAX 2

/* What an empty text points at. Never written: cap is 0 then, and only what is below cap is written. */
static char *nothing(void)
{
    static const char empty[1] = "";

    return (char *)(uintptr_t)empty;
}

static void become_empty(struct text *t)
{
    t->bytes = nothing();
    t->len = 0;
    t->cap = 0;
}

void text_init(struct text *t, size_t max)
{
    become_empty(t);
    t->max = max < SIZE_MAX ? max : SIZE_MAX - 1; /* one more for the NUL */
    t->err = ERR_OK;
}

static void release(struct text *t)
{
    if (t->cap != 0)
        free(t->bytes);
    become_empty(t);
}

void text_fini(struct text *t)
{
    release(t);
    t->err = ERR_OK;
}

/* Make room for len bytes more and the NUL; false, and the error remembered, when there is none. */
static bool reserve(struct text *t, size_t len)
{
    size_t need;
    size_t cap;
    char *bytes;

    if (t->err != ERR_OK)
        return false;
    if (t->max - t->len < len) {
        t->err = ERR_FULL;
        return false;
    }
    need = t->len + len + 1;
    if (need <= t->cap)
        return true;
    cap = t->cap > SIZE_MAX / 2 ? need : t->cap * 2;
    if (cap < FIRST_CAP)
        cap = FIRST_CAP;
    if (cap < need)
        cap = need;
    if (cap > t->max + 1)
        cap = t->max + 1;
    bytes = realloc(t->cap != 0 ? t->bytes : NULL, cap);
    if (bytes == NULL) {
        t->err = ERR_MEMORY;
        return false;
    }
    t->bytes = bytes;
    t->cap = cap;
    return true;
}

void text_put_bytes(struct text *t, const void *bytes, size_t len)
{
    if (len == 0 || !reserve(t, len))
        return;
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    t->bytes[t->len] = '\0';
}

void text_put(struct text *t, const char *str)
{
    text_put_bytes(t, str, strlen(str));
}

void text_put_char(struct text *t, char c)
{
    text_put_bytes(t, &c, 1);
}

void text_printf(struct text *t, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0) {
        if (t->err == ERR_OK)
            t->err = ERR_FULL; /* over INT_MAX bytes: no other way to fail with the formats that we use */
        return;
    }
    if (len == 0 || !reserve(t, (size_t)len))
        return;
    va_start(args, fmt);
    (void)vsnprintf(t->bytes + t->len, (size_t)len + 1, fmt, args);
    va_end(args);
    t->len += (size_t)len;
}

char *text_give(struct text *t)
{
    char *bytes = NULL;

    if (t->err == ERR_OK && t->cap == 0 && reserve(t, 0))
        t->bytes[0] = '\0';
    if (t->err == ERR_OK) {
        bytes = t->bytes;
        become_empty(t);
    }
    release(t);
    return bytes;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool text_equal_nocase(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len)
        return false;
    for (size_t i = 0; i < a_len; i++)
        if (fold(a[i]) != fold(b[i]))
            return false;
    return true;
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's: insertions, deletions and replacements. Both at most NEAREST_LEN_MAX long. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NEAREST_LEN_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            size_t replaced = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
            row[j] = min(replaced, min(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[b_len];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strlen(word);
    size_t best = NEAREST_DISTANCE_MAX + 1;
    const char *nearest = NULL;

    if (len > NEAREST_LEN_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t candidate_len = strlen(candidates[i]);
        size_t distance;
        if (candidate_len > NEAREST_LEN_MAX)
            continue;
        distance = edit_distance(word, len, candidates[i], candidate_len);
        if (distance < best && distance * 2 < len) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
