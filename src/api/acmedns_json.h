/* api/acmedns_json.h -- the bodies of the acme-dns door, read as the reference reads them. No allocation but from
 * the arena that is given; any thread.
 *
 * The reference decodes with Go's encoding/json into one structure for both paths, and clients depend on what
 * follows from that: names match without regard to ASCII case, of doubled members the last one counts, null changes
 * nothing, members that are not asked for must still have the right type where errors are reported (/register), and
 * are what they are where they are not (/update). A tree of another library's making has lost the doubled members
 * and their order, so the text itself is read here, member by member. Invalid UTF-8 and lone surrogates become
 * U+FFFD, as there.
 *
 * Different from the reference: the two letters beyond ASCII that Go folds onto "k" and "s" are not folded. */
#ifndef API_ACMEDNS_JSON_H
#define API_ACMEDNS_JSON_H

#include <stddef.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"

/* A decoded string, in the arena; text NULL: the member was not there. */
struct acmedns_string {
    const char *text;
    size_t len;
};

#define ACMEDNS_PROBLEM_MAX 80

struct acmedns_update {
    struct acmedns_string subdomain, txt;
    char problem[ACMEDNS_PROBLEM_MAX]; /* why there is no subdomain, what and where, for people; "": there is one */
};

/* Read the first JSON value of a body; what follows it does not matter. Fields that could not be read stay empty:
 * of a body that is no JSON, or no object, all of them; behind a username that is no UUID those that follow.
 * ERR_MEMORY: nothing can be said. */
MUST_USE enum err acmedns_update_decode(struct acmedns_update *out, struct arena *arena, const char *body,
                                        size_t len);

struct acmedns_register {
    char problem[ACMEDNS_PROBLEM_MAX]; /* ERR_SYNTAX: what is wrong where, for people */
    size_t n_networks;
    const struct net *networks;
    const char *allowfrom; /* compact JSON array of the entries without square brackets; "[]" when there are none */
};

/* An empty body is fine; else it must be one JSON value, an object or null, with nothing behind it.
 * ERR_SYNTAX: malformed_json_payload. ERR_RANGE: invalid_allowfrom_cidr, and *bad is the first such entry.
 * ERR_MEMORY. */
MUST_USE enum err acmedns_register_decode(struct acmedns_register *out, struct acmedns_string *bad,
                                          struct arena *arena, const char *body, size_t len);

#endif
