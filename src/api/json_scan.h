/* api/json_scan.h -- JSON text (RFC 8259) walked through in place: checked first, then read member by member. No
 * allocation, any thread. Accepts what Go's encoding/json accepts, bytes that are no UTF-8 inside of strings too.
 */
#ifndef API_JSON_SCAN_H
#define API_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define JSON_SCAN_DEPTH_MAX 10000 /* as in Go */

enum json_scan_kind {
    JSON_SCAN_OBJECT,
    JSON_SCAN_ARRAY,
    JSON_SCAN_STRING,
    JSON_SCAN_NUMBER,
    JSON_SCAN_BOOL,
    JSON_SCAN_NULL
};

/* One value of a checked text: from its first byte to behind its last. */
struct json_scan_value {
    enum json_scan_kind kind;
    const char *text;
    size_t len;
};

/* Check the first value in len bytes at text, blanks before it skipped. *rest is how many bytes follow it.
 * ERR_SYNTAX: no JSON (also: nothing but blanks, or deeper than JSON_SCAN_DEPTH_MAX). *rest then counts from the
 * beginning of what cannot stand there; 0: it ends too early. */
MUST_USE enum err json_scan(struct json_scan_value *out, size_t *rest, const char *text, size_t len);
bool json_scan_is_blank(const char *text, size_t len);

const char *json_scan_kind_word(enum json_scan_kind k); /* "a string", "null", … for people */

/* Walk through the members of an object or the elements of an array. key is a string; not set for arrays. */
struct json_scan_iter {
    const char *p, *end;
};
struct json_scan_iter json_scan_enter(const struct json_scan_value *container);
bool json_scan_next(struct json_scan_iter *it, struct json_scan_value *key, struct json_scan_value *value);

/* Decode a string value; out has room for JSON_SCAN_DECODED_MAX(value->len). Returns the length. */
#define JSON_SCAN_DECODED_MAX(len) ((len)*3) /* a byte that is no UTF-8 becomes the three of U+FFFD */
size_t json_scan_decode(char *out, const struct json_scan_value *value);

#endif
