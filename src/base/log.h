/* base/log.h -- one event a line, to stderr. Any thread; one write() a line, so lines never mix.
 *
 *     log_event(LOG_WARN, "store-failed", log_str("path", path), log_err("reason", e));
 *
 * Text:  2026-11-21T02:58:41Z warning store-failed path=/x/y reason="no room"
 * JSON:  {"time":"2026-11-21T02:58:41.120Z","level":"warning","event":"store-failed","path":"/x/y","reason":"no
 * room"} In journald (JOURNAL_STREAM names stderr) the text form has a "<4>" priority prefix and no time. Bytes
 * outside printable ASCII are escaped; a line is cut at LOG_LINE_MAX. Never a secret, a hash or a header. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#define LOG_LINE_MAX 2048

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum log_field_kind { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_ADDR, LOG_FIELD_MS };

struct log_field {
    const char *key;
    enum log_field_kind kind;
    const char *str;
    size_t str_len;
    int64_t num;
    const struct addr *addr;
};

struct log_field log_str(const char *key, const char *value); /* NULL prints as "-" */
struct log_field log_strn(const char *key, const char *value, size_t len);
struct log_field log_int(const char *key, int64_t value);
struct log_field log_ms(const char *key, int64_t microseconds); /* printed as milliseconds, one decimal */
struct log_field log_addr(const char *key, const struct addr *a);
struct log_field log_err(const char *key, enum err e);
struct log_field log_errno(const char *key, int errnum); /* strerror's text */

/* Process-wide and atomic; may be called again on reload. Before the first call: info, auto. */
void log_configure(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

#define log_event(level, event, ...)                                                                               \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                                           \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* For messages that a peer can cause: at most one line an interval, with the count of those held back. */
struct log_limit {
    int64_t next_mono_ms;
    uint64_t held_back;
};
/* True: log now, and *held_back says how many were not logged since the last time. Owner thread of l only. */
bool log_limit_pass(struct log_limit *l, int64_t mono_ms, int64_t interval_ms, uint64_t *held_back);

#endif
