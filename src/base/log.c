/* A line is put together on the stack from pieces that go in whole or not at all. The first piece that does not fit
 * cuts the line: nothing follows but the mark `cut=true`, for which room is kept, so that a cut JSON line is JSON
 * too.
 *
 * Level and form are process-wide: the one mutable datum of this file, two atomics. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define CUT_ROOM            24 /* for the longest end of a line: `","cut":true}` and a line feed */
#define RFC3339_SECONDS_LEN 19 /* "2026-11-21T02:58:41", before the fraction */
#define US_PER_S            1000000
#define US_PER_MS           1000

enum form { FORM_UNDECIDED, FORM_TEXT, FORM_JOURNAL, FORM_JSON };

static atomic_int current_level = LOG_INFO;
static atomic_int current_form = FORM_UNDECIDED; /* decided by the first line, or by log_configure() */

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
static const char *const level_priorities[] = {/* sd-daemon(3) */
                                               [LOG_ERROR] = "<3>",
                                               [LOG_WARN] = "<4>",
                                               [LOG_INFO] = "<6>",
                                               [LOG_DEBUG] = "<7>"};

struct line {
    enum form form;
    bool cut;
    size_t len;
    char bytes[LOG_LINE_MAX];
};

struct log_field log_strn(const char *key, const char *value, size_t len)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_STR, .str = value, .str_len = value != NULL ? len : 0};
}

struct log_field log_str(const char *key, const char *value)
{
    return log_strn(key, value, value != NULL ? strlen(value) : 0);
}

struct log_field log_int(const char *key, int64_t value)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_INT, .num = value};
}

struct log_field log_ms(const char *key, int64_t microseconds)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_MS, .num = microseconds};
}

struct log_field log_addr(const char *key, const struct addr *a)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_ADDR, .addr = a};
}

struct log_field log_err(const char *key, enum err e)
{
    return log_str(key, err_text(e));
}

struct log_field log_errno(const char *key, int errnum)
{
    const char *text = strerrordesc_np(errnum); /* unlike strerror(): static storage, any thread, no locale */

    return log_str(key, text != NULL ? text : "unknown error");
}

/* $JOURNAL_STREAM names the device and inode of the stream that the journal reads (systemd.exec(5)). */
static bool stderr_is_journal(const struct stat *st)
{
    const char *named = getenv("JOURNAL_STREAM");
    char ours[64];

    if (named == NULL)
        return false;
    (void)snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
    return strcmp(named, ours) == 0;
}

static enum form decide_form(enum log_format format)
{
    struct stat st;

    if (format == LOG_FORMAT_JSON)
        return FORM_JSON;
    if (fstat(STDERR_FILENO, &st) == 0 && stderr_is_journal(&st))
        return FORM_JOURNAL;
    if (format == LOG_FORMAT_TEXT || isatty(STDERR_FILENO))
        return FORM_TEXT;
    return FORM_JSON;
}

void log_configure(enum log_level level, enum log_format format)
{
    int saved = errno;

    atomic_store_explicit(&current_form, (int)decide_form(format), memory_order_relaxed);
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    errno = saved;
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static enum form line_form(void)
{
    int form = atomic_load_explicit(&current_form, memory_order_relaxed);

    if (form == FORM_UNDECIDED) {
        form = (int)decide_form(LOG_FORMAT_AUTO);
        atomic_store_explicit(&current_form, form, memory_order_relaxed);
    }
    return (enum form)form;
}

static void put_bytes(struct line *l, const char *bytes, size_t len)
{
    if (l->cut || l->len + len > sizeof l->bytes - CUT_ROOM) {
        l->cut = true;
        return;
    }
    memcpy(l->bytes + l->len, bytes, len);
    l->len += len;
}

static void put(struct line *l, const char *str)
{
    put_bytes(l, str, strlen(str));
}

/* One byte of a quoted string, escaped where the form or our word (printable ASCII only) asks for it. JSON has no
 * escape for a byte, so a byte is the code point of its number there. */
static void put_escaped(struct line *l, char c)
{
    char escaped[8];
    unsigned byte = (uint8_t)c;

    if (c == '"' || c == '\\')
        (void)snprintf(escaped, sizeof escaped, "\\%c", c);
    else if (c == '\n' || c == '\r' || c == '\t')
        (void)snprintf(escaped, sizeof escaped, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (byte >= 0x20 && byte < 0x7f)
        (void)snprintf(escaped, sizeof escaped, "%c", c);
    else
        (void)snprintf(escaped, sizeof escaped, l->form == FORM_JSON ? "\\u%04x" : "\\x%02x", byte);
    put(l, escaped);
}

/* In text, a plain word stands without quotes. */
static bool is_plain(const char *str, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (str[i] <= ' ' || str[i] >= 0x7f || str[i] == '"' || str[i] == '\\' || str[i] == '=')
            return false;
    return len > 0;
}

static void put_string(struct line *l, const char *str, size_t len)
{
    size_t before = l->len;

    if (l->form != FORM_JSON && is_plain(str, len)) {
        put_bytes(l, str, len);
        if (!l->cut)
            return;
        l->cut = false; /* too long to be put whole: byte by byte, in quotes */
    }
    put(l, "\"");
    for (size_t i = 0; i < len && !l->cut; i++)
        put_escaped(l, str[i]);
    if (l->len == before)
        return;
    l->bytes[l->len++] = '"'; /* out of CUT_ROOM, where the string was cut */
}

static void put_ms(struct line *l, int64_t us)
{
    int64_t tenths = us / 100 + (us % 100 >= 50 ? 1 : 0) - (us % 100 <= -50 ? 1 : 0);
    uint64_t magnitude = tenths < 0 ? -(uint64_t)tenths : (uint64_t)tenths;
    char number[32];

    (void)snprintf(number, sizeof number, "%s%" PRIu64 ".%" PRIu64, tenths < 0 ? "-" : "", magnitude / 10,
                   magnitude % 10);
    put(l, number);
}

static void put_int(struct line *l, int64_t v)
{
    char number[32];

    (void)snprintf(number, sizeof number, "%" PRId64, v);
    put(l, number);
}

static void put_addr(struct line *l, const struct addr *a)
{
    static const struct addr none = {.family = ADDR_NONE};
    char text[ADDR_TEXT_MAX];

    addr_format(a != NULL ? a : &none, text);
    put_string(l, text, strlen(text));
}

static void put_key(struct line *l, const char *key)
{
    char head[128];
    int len = snprintf(head, sizeof head, l->form == FORM_JSON ? ",\"%s\":" : " %s=", key);

    assert(len > 0 && (size_t)len < sizeof head); /* keys are literals of ours */
    (void)len;
    put(l, head);
}

static void put_field(struct line *l, const struct log_field *f)
{
    size_t before = l->len;
    size_t value;

    put_key(l, f->key);
    value = l->len;
    switch (f->kind) {
    case LOG_FIELD_STR:
        if (f->str == NULL)
            put_string(l, "-", 1);
        else
            put_string(l, f->str, f->str_len);
        break;
    case LOG_FIELD_INT:
        put_int(l, f->num);
        break;
    case LOG_FIELD_ADDR:
        put_addr(l, f->addr);
        break;
    case LOG_FIELD_MS:
        put_ms(l, f->num);
        break;
    }
    if (l->cut && l->len == value)
        l->len = before; /* no key without a value */
}

/* Time, level and event. */
static void put_head(struct line *l, enum log_level level, const char *event)
{
    int64_t now_us = clock_real_us(&clock_system);
    char time[CLOCK_TEXT_MAX];
    char milli[8];

    if (l->form == FORM_JOURNAL) {
        put(l, level_priorities[level]);
    } else if (l->form == FORM_TEXT) {
        put(l, clock_format_rfc3339(now_us / US_PER_S, time));
        put(l, " ");
    } else {
        (void)snprintf(milli, sizeof milli, ".%03dZ", (int)(now_us % US_PER_S / US_PER_MS) % 1000);
        clock_format_rfc3339(now_us / US_PER_S, time);
        put(l, "{\"time\":\"");
        put_bytes(l, time, RFC3339_SECONDS_LEN);
        put(l, milli);
        put(l, "\",\"level\":\"");
    }
    put(l, level_names[level]);
    put(l, l->form == FORM_JSON ? "\",\"event\":" : " ");
    put_string(l, event, strlen(event));
}

static void put_end(struct line *l)
{
    const char *cut = "";
    const char *end = l->form == FORM_JSON ? "}\n" : "\n";

    if (l->cut)
        cut = l->form == FORM_JSON ? ",\"cut\":true" : " cut=true";
    for (; *cut != '\0'; cut++)
        l->bytes[l->len++] = *cut;
    for (; *end != '\0'; end++)
        l->bytes[l->len++] = *end;
    assert(l->len <= sizeof l->bytes);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    int saved = errno;
    struct line l;
    ssize_t written;

    if (!log_is_on(level))
        return;
    l.form = line_form();
    l.cut = false;
    l.len = 0;
    put_head(&l, level, event);
    for (size_t i = 0; i < n && !l.cut; i++)
        put_field(&l, &fields[i]);
    put_end(&l);
    do
        written = write(STDERR_FILENO, l.bytes, l.len);
    while (written < 0 && errno == EINTR); /* any other failure: there is nowhere to say so */
    errno = saved;
}

bool log_limit_pass(struct log_limit *l, int64_t mono_ms, int64_t interval_ms, uint64_t *held_back)
{
    if (mono_ms < l->next_mono_ms) {
        l->held_back++;
        return false;
    }
    *held_back = l->held_back;
    l->held_back = 0;
    l->next_mono_ms = mono_ms + interval_ms;
    return true;
}
