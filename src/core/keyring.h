/* core/keyring.h -- the opened TSIG keys of all credentials, published under liburcu (QSBR) for the DNS threads.
 *
 * Readers take no lock, allocate nothing and never wait. The one writer, the committer's thread, prepares what
 * changes aside, where memory may run out, and publishes it after the commit, which cannot fail. What was replaced
 * is wiped and freed after a grace period. Keys of revoked credentials stay: their holder is told the reason,
 * signed. */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/seal.h"
#include "base/uuid.h"
#include "core/state.h"
#include "core/tsig_key.h"

struct keyring_key {
    uint32_t secret; /* its id: never that of another key */
    int64_t starts_s, ends_s;
    uint8_t bytes[TSIG_KEY_LEN];
};

/* The keys of one credential: while it is rotated there are several under one name. Immutable. */
struct keyring_entry {
    struct uuid credential;
    struct keyring_entry *next; /* the writer's */
    size_t n;
    struct keyring_key keys[];
};

struct keyring;

MUST_USE enum err keyring_new(struct keyring **out); /* ERR_MEMORY, ERR_CRYPTO (no randomness for the hash key) */
void keyring_free(struct keyring *k);                /* when no reader is left; wipes; NULL is fine */

/* ---- writing: committer's thread; one staging at a time ---- */

/* Prepare the keys of every credential whose secrets the entries change, as s has them now. ERR_MEMORY: nothing is
 * staged. seal NULL: there is no key, so that none can be opened. */
MUST_USE enum err keyring_stage(struct keyring *k, const struct seal_key *seal, const struct state *s,
                                const struct entry *const *entries, size_t n);
/* Prepare all keys of s anew; what is published now and not in s goes. *unreadable: secrets that could not be
 * opened. ERR_MEMORY as above. */
MUST_USE enum err keyring_stage_all(struct keyring *k, const struct seal_key *seal, const struct state *s,
                                    size_t *unreadable);
/* Make what is staged visible. When it returns, every reader that starts a read section sees it. */
void keyring_publish(struct keyring *k);
void keyring_unstage(struct keyring *k); /* give it up; nothing staged is fine */
/* Wipe and free what was replaced; waits for a grace period when there is anything. Never before a reply. */
void keyring_reclaim(struct keyring *k);

/* ---- reading: DNS threads, inside a read section ---- */

/* The keys of a credential; NULL: it has none. */
const struct keyring_entry *keyring_find(const struct keyring *k, const struct uuid *credential);
bool keyring_key_is_live(const struct keyring_key *key, int64_t now_s);

#endif
