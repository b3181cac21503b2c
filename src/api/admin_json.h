/* api/admin_json.h -- JSON of the admin socket: how times, networks, names and values are written, how members of a
 * body and arguments of a query are read, and pages of lists. Knows no request. Any thread; what takes parts of the
 * state: where that may be read. Makers of values give NULL when memory is out. */
#ifndef API_ADMIN_JSON_H
#define API_ADMIN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "core/change.h"
#include "core/refusal.h"
#include "core/state.h"

/* The words for the bits of enum action and enum value_kind, in their order. */
#define ACTION_WORDS 5
#define KIND_WORDS   2
extern const char *const action_words[ACTION_WORDS];
extern const char *const kind_words[KIND_WORDS];

/* ---- writing ---- */

#define JSON_TIME_MAX 40
/* RFC 3339 in UTC with microseconds, "2026-11-21T02:58:41.000120Z". Returns out. */
const char *time_format_us(int64_t real_us, char out[JSON_TIME_MAX]);
json_t *json_time(int64_t real_s); /* null for 0 */
json_t *json_time_us(int64_t real_us);
/* Bytes that are UTF-8 without NUL are that text. Others, which only doors without JSON can bring in, are shown as
 * DNS presents them (RFC 1035 section 5.1): a backslash, and all but printable ASCII, as \DDD. */
json_t *json_bytes(const void *bytes, size_t len);
json_t *json_addr(const struct addr *a);
/* The network of a claim: the address itself for IPv4, a /64 for IPv6. */
json_t *json_client_network(const struct addr *a);
json_t *json_nets(const struct net *nets, size_t n);
json_t *json_owner(const struct state *s, const struct name_entry *n); /* without final dot */
json_t *json_label(const struct state *s, const struct name_entry *n); /* relative to its zone */
json_t *json_account(const struct state *s, uint32_t account);         /* its name; null for the administrator */
json_t *json_actions(unsigned actions);
json_t *json_kinds(unsigned kinds);
/* Set object's "credential" (its UUID; null for the administrator) and "label". False: no memory. */
MUST_USE bool json_put_credential(json_t *object, const struct state *s, uint32_t credential);
/* json_object_set_new(); false also when value is NULL. */
MUST_USE bool json_put(json_t *object, const char *member, json_t *value);

/* ---- reading ---- */

/* Why something cannot be read; reason REFUSAL_NONE: it can. */
struct problem {
    enum refusal reason;
    char detail[RESULT_DETAIL_MAX];
    char hint[RESULT_DETAIL_MAX];
};
/* Say it, unless something was said already. */
void problem_say(struct problem *p, enum refusal reason, const char *detail, ...) PRINTF_LIKE(3, 4);
bool problem_is(const struct problem *p);

/* A body, or an object in it. Members are read one by one; the first trouble is kept, and what is read after it is
 * nothing. Texts are copied into the arena. A member that is null is not there, unless a function says more. */
struct body {
    const json_t *object;
    struct arena *arena;
    struct problem *problem;
    const char *where; /* "" or "limits.": for people */
};

/* json is an object, or NULL for an empty body, with no members but the n known ones; REFUSAL_UNKNOWN_FIELD names
 * another. */
void body_init(struct body *b, const json_t *json, struct arena *arena, struct problem *problem,
               const char *const *known, size_t n);
/* A member that is an object; false: it is not there (or there is a problem). */
MUST_USE bool body_object(const struct body *b, struct body *out, const char *member, const char *const *known,
                          size_t n);
/* How many elements a member that is a list has; 0: it is empty, not there, or a problem. */
size_t body_list(const struct body *b, const char *member);
/* The i-th of them, which is an object; false: a problem. */
MUST_USE bool body_item(const struct body *b, struct body *out, const char *member, size_t i,
                        const char *const *known, size_t n);
bool body_has(const struct body *b, const char *member);           /* also when it is null */
const char *body_text(const struct body *b, const char *member);   /* NULL: not there */
const char *body_needed(const struct body *b, const char *member); /* the same, a problem when it is not there */
bool body_flag(const struct body *b, const char *member, bool otherwise);
uint32_t body_u32(const struct body *b, const char *member, uint32_t min); /* 0: not there, or null */
int64_t body_time(const struct body *b, const char *member);               /* Unix seconds; 0: not there, or null */
/* A list of texts; *n is 0 and the result NULL when it is not there, or a problem. */
const char *const *body_texts(const struct body *b, const char *member, size_t *n);
const struct net *body_nets(const struct body *b, const char *member, size_t *n);
/* A list of texts, each a name as people say it. */
const struct name_ref *body_names(const struct body *b, const char *member, size_t *n);
unsigned body_actions(const struct body *b, const char *member);
unsigned body_kinds(const struct body *b, const char *member);
/* A duration such as "24h" in seconds, rounded up; otherwise when it is not there. */
int64_t body_duration_s(const struct body *b, const char *member, int64_t otherwise);

/* "2026-11-21T02:58:41Z", with a fraction (dropped) or a numeric offset (RFC 3339 section 5.6). ERR_SYNTAX,
 * ERR_RANGE. */
MUST_USE enum err time_parse_rfc3339(int64_t *real_s, const char *text, size_t len);

/* A query argument that is a flag: "", "1" and "true", or NULL, "0" and "false". */
bool query_flag(const char *name, const char *text, struct problem *problem);
uint64_t query_number(const char *name, const char *text, uint64_t otherwise, uint64_t max,
                      struct problem *problem);
int64_t query_time(const char *name, const char *text, int64_t otherwise, struct problem *problem);

/* ---- pages ---- */

#define PAGE_DEFAULT    100
#define PAGE_MAX        1000
/* The committer looks at no more ids and writes no more parts than these for one page: changes are waiting. */
#define PAGE_VISITS_MAX 100000
#define PAGE_PARTS_MAX  20000

/* One page of things with ids, in their order. */
struct page {
    size_t limit, n, parts;
    uint32_t at; /* the id that was looked at last */
    uint32_t visits;
    bool more;
    json_t *items; /* NULL: out of memory */
};

void page_init(struct page *p, const char *limit, const char *after, struct problem *problem);
void page_fini(struct page *p);
/* The next id up to last to look at; 0: the page ends here. */
uint32_t page_next(struct page *p, uint32_t last);
/* The same where ids are found otherwise: id, above those before it, is next. False: the page ends before it. */
MUST_USE bool page_jump(struct page *p, uint32_t id);
/* Takes item (NULL: out of memory), whose size is about `parts` members. */
void page_add(struct page *p, json_t *item, size_t parts);
/* Gives {"items": […], "next": "…"}; the page is then empty. NULL: out of memory. */
json_t *page_give(struct page *p);

#endif
