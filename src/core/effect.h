/* core/effect.h -- what changes do to the state: the content of the journal.
 *
 * Folding effects decides nothing: each carries all that is needed, so every reader of a journal arrives at the
 * same state, whatever its configuration or clock. "Row" effects carry the whole new row; several kinds share a
 * payload, so that the journal says what happened (made, set, revoked) while folding them is one thing. Pointers
 * are borrowed from the entry's arena. Plain data. */
#ifndef CORE_EFFECT_H
#define CORE_EFFECT_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/uuid.h"
#include "core/door.h"
#include "core/rr.h"
#include "core/settings.h"

#define EFFECT_FORMAT 1 /* of the encoding below; stored with each entry */

enum effect_kind { /* numbers are stored: never change or reuse one */
                   EFFECT_CLAIM_ADDED = 1,
                   EFFECT_CLAIM_RENEWED = 2,
                   EFFECT_CLAIM_REMOVED = 3,
                   EFFECT_CLAIM_EVICTED = 4,
                   EFFECT_CLAIM_EXPIRED = 5,
                   EFFECT_NAME_MADE = 10,
                   EFFECT_NAME_SET = 11,
                   EFFECT_NAME_RETIRED = 12,
                   EFFECT_NAME_REVIVED = 13,
                   EFFECT_ACCOUNT_MADE = 20,
                   EFFECT_ACCOUNT_SET = 21,
                   EFFECT_ACCOUNT_DELETED = 22,
                   EFFECT_CREDENTIAL_MADE = 30,
                   EFFECT_CREDENTIAL_SET = 31,
                   EFFECT_CREDENTIAL_REVOKED = 32,
                   EFFECT_SECRET_ADDED = 35,
                   EFFECT_SECRET_SET = 36,
                   EFFECT_SECRET_ENDED = 37,
                   EFFECT_GRANT_MADE = 40,
                   EFFECT_GRANT_ENDED = 41,
                   EFFECT_TOKEN_MADE = 50,
                   EFFECT_TOKEN_USED = 51,
                   EFFECT_TOKEN_REVOKED = 52,
                   EFFECT_ALIAS_MADE = 60,
                   EFFECT_ALIAS_ENDED = 61,
                   EFFECT_ALIAS_SERIAL = 62,
                   EFFECT_ZONE_SET = 70,
                   EFFECT_ZONE_REMOVED = 71,
                   EFFECT_ZONE_SERIAL = 72,
                   EFFECT_RESTORED = 80,
};

/* Ids are dense, start at 1 and are never reused. Account 0 and credential 0 are the administrator on the admin
 * socket. */
#define ACCOUNT_ADMIN    0u
#define CREDENTIAL_ADMIN 0u

#define CLAIM_ORDER_SHIFT 16 /* order = journal position << 16 | place in the entry: age and order of claims */

struct effect_claim {
    uint32_t name;
    uint32_t credential;
    uint32_t slot;       /* smallest number that no live claim of the name has; identifies the claim in the store */
    uint64_t order;      /* of the last add or renewal */
    int64_t added_s;     /* journal time of the last add or renewal */
    int64_t expires_s;   /* 0: never */
    struct addr network; /* of the client, /32 or /64 */
    uint8_t door;
    bool pinned;
    struct rdata rdata; /* of the TXT record: character-strings */
};

struct effect_name {
    uint32_t id;
    uint32_t account;
    uint32_t zone;
    struct name owner; /* case as registered */
    int64_t created_s;
    int64_t retired_s; /* 0: live; else a tombstone since then */
    bool subtree;
    size_t n_domains;
    const char *const *domains;
};

#define ACCOUNT_NAME_MAX 64 /* with the NUL */
#define NOTE_MAX         256
#define LABEL_MAX        64

struct effect_account {
    uint32_t id;
    const char *name; /* [a-z0-9][a-z0-9._-]{0,62} */
    const char *note;
    int64_t created_s;
    int64_t deleted_s;
    uint32_t names_max; /* 0: limits.names */
    bool disabled;
    bool unclaimed; /* made by a registration without token */
};

enum action { ACTION_ADD = 1, ACTION_REMOVE = 2, ACTION_READ = 4, ACTION_MANAGE = 8, ACTION_ADMINISTER = 16 };
enum value_kind { VALUE_KIND_CHALLENGE = 1, VALUE_KIND_PINNED = 2 };

struct effect_credential {
    uint32_t id;
    struct uuid uuid;
    uint32_t account;
    const char *label;
    unsigned actions; /* enum action */
    unsigned kinds;   /* enum value_kind */
    size_t n_networks;
    const struct net *networks;
    const char *allowfrom; /* as the client gave it, JSON array, for the acme-dns dialect; "" when none */
    bool networks_invalid; /* stored networks cannot be read: denied everywhere */
    int64_t created_s;
    int64_t expires_s; /* 0: never */
    int64_t revoked_s; /* 0: not */
    size_t n_names;
    const uint32_t *names; /* ids */
};

enum secret_kind {
    SECRET_SHA256 = 1,
    SECRET_BCRYPT = 2, /* imported, at most one a credential; replaced by the first at its first use */
    SECRET_TSIG = 3,
};
#define SECRET_DATA_MAX 128

struct effect_secret {
    uint32_t id;
    uint32_t credential;
    uint8_t kind; /* enum secret_kind */
    uint16_t len;
    const uint8_t *data; /* hash, crypt text, or sealed key */
    int64_t starts_s;
    int64_t ends_s; /* 0: never */
};

struct effect_grant {
    uint32_t name;
    uint32_t account;
};

struct effect_token {
    uint32_t id;
    uint32_t account;
    uint8_t sha256[32];
    int64_t created_s, expires_s, revoked_s;
    uint32_t count_max; /* 0: no limit */
    uint32_t used;
    size_t n_networks;
    const struct net *networks;
    const char *labels; /* pattern for chosen labels; "" when none */
};

struct effect_alias {
    uint32_t id;
    uint32_t name;
    struct name fqdn;
    bool served;
};

struct effect_zone {
    uint32_t id;
    struct zone_spec spec;
};

struct effect_serial {
    uint32_t zone; /* ALIAS_SERIAL: the alias */
    uint32_t serial;
};

/* The store was made from a backup: the entry of this effect is the first after it. Positions go on from where the
 * store that was replaced ended, so there may be a gap before that entry. Nothing of the state changes. */
struct effect_restored {
    uint64_t ended_seq; /* where the journal of the backup ended */
    int64_t ended_s;
    bool exactly; /* nothing was kept of the store that was replaced */
};

struct effect {
    enum effect_kind kind;
    union {
        struct effect_claim claim;
        struct effect_name *name; /* big rows by pointer */
        struct effect_account account;
        struct effect_credential *credential;
        struct effect_secret secret;
        struct effect_grant grant;
        struct effect_token *token;
        struct effect_alias *alias;
        struct effect_zone *zone; /* ZONE_SET; ZONE_REMOVED uses the id only */
        struct effect_serial serial;
        struct effect_restored restored;
    } u;
};

#define REQUEST_ID_LEN 9 /* "7Q2K-0M1D" */

/* Enough for a value that is added and another one that is evicted, without malloc. */
#define ENTRY_FIRST_EFFECTS 2
#define ENTRY_FIRST         256

/* One journal entry: what one request did. */
struct entry {
    uint64_t seq; /* journal position, from 1 */
    int64_t time_s;
    uint32_t account; /* of the credential; 0 for the administrator and the server itself */
    uint32_t credential;
    enum door door;
    struct addr client;
    char request_id[REQUEST_ID_LEN + 1];
    size_t n_effects, cap_effects;
    struct effect *effects;
    struct arena arena; /* of everything the effects point at */
    struct effect first_effects[ENTRY_FIRST_EFFECTS];
    alignas(max_align_t) unsigned char first[ENTRY_FIRST]; /* the arena's */
};

#define ENTRY_ARENA_MAX ((size_t)16 << 20)

/* From here to entry_fini() it stays where it is: it points into itself. */
void entry_init(struct entry *e);
void entry_fini(struct entry *e);
/* Append a copy of *f; what it points at must live in e->arena, or as long as e. ERR_MEMORY. */
MUST_USE enum err entry_add(struct entry *e, const struct effect *f);

bool effect_is_of_claim(enum effect_kind k); /* its payload is u.claim */

/* A word for people: "value-added", "name-retired", … */
const char *effect_word(enum effect_kind k);

/* Encode all effects of e in EFFECT_FORMAT; gives *out (free it) of *len bytes. ERR_MEMORY. */
MUST_USE enum err effects_encode(const struct entry *e, uint8_t **out, size_t *len);
/* Decode into e->effects and e->arena. ERR_VERSION: a format or kind that this program does not know; ERR_CORRUPT:
 * not an encoding (also for every truncation); ERR_MEMORY. e then has no effects. decode(encode(e)) gives e. */
MUST_USE enum err effects_decode(struct entry *e, unsigned format, const uint8_t *bytes, size_t len);

#endif
