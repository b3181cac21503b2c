/* core/state.h -- accounts, names, values, credentials, tokens and zones as they are at the end of the journal.
 *
 * Owned by the committer's thread; others look at it only inside change_sink.inspect() or a change_done callback,
 * which run there. It is changed by folding effects and by nothing else. What DNS shows of it is staged into a
 * table_batch. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/bucket.h"
#include "base/err.h"
#include "core/effect.h"
#include "core/table.h"

struct claim {
    uint32_t credential;
    uint32_t slot;
    uint64_t order;
    int64_t added_s;
    int64_t expires_s;
    struct addr network;
    uint8_t door;
    bool pinned;
    uint8_t kept_len; /* octets of it in the row that it was read from, since when it is the same; 0: none */
    uint32_t kept_at; /* where in the row's claims they are */
};

struct value {
    const uint8_t *rdata; /* character-strings */
    struct claim *claims; /* at least one */
    uint32_t n_claims;
    uint16_t rdlen;
    bool is_kept; /* rdata is where the name's records were read from */
};

/* The distinct values of a name, oldest first by the newest claim of each. */
struct value_set {
    struct value *values;
    struct claim *claims; /* of all of them */
    uint64_t *holders;    /* value_set_victim() at work: who holds each value */
    uint32_t n, n_claims;
    uint32_t n_pinned; /* claims */
    uint32_t octets;   /* sum of value_octets() */
    uint32_t cap_values, cap_claims;
    const uint8_t *kept_claims; /* of the row that they were read from, or put into; NULL: none */
    const uint8_t *kept_records;
};

/* A name: its row, see core/name_row.h. A change of the name makes another row; one that is outdated can be read
 * until the request that made the change has been decided, and says what was. */
struct name_entry;

uint32_t name_id(const struct name_entry *n);
uint32_t name_account(const struct name_entry *n);
uint32_t name_zone(const struct name_entry *n);
int64_t name_created_s(const struct name_entry *n);
int64_t name_retired_s(const struct name_entry *n); /* 0: it is not */
bool name_has_subtree(const struct name_entry *n);
size_t name_n_domains(const struct name_entry *n);
const char *name_domain(const struct name_entry *n, size_t i); /* below name_n_domains() */
uint32_t name_n_values(const struct name_entry *n);            /* distinct ones */
uint32_t name_octets(const struct name_entry *n);              /* sum of value_octets() */

/* There may be millions of accounts: members are ordered so that no room is lost between them. */
struct account {
    uint32_t id;
    uint32_t names_max;
    uint32_t names; /* live ones */
    bool disabled, unclaimed;
    bool changes_known; /* the bucket has been set up */
    int64_t created_s, deleted_s;
    struct bucket changes; /* not state: the rate limit's level */
    char *note;            /* NULL: none */
    char name[];
};

struct secret {
    uint32_t id;
    uint16_t len;
    uint8_t kind;
    const uint8_t *data;
    int64_t starts_s, ends_s;
};

/* That a credential was used is an observation, not a change. */
struct credential_use {
    int64_t at_s; /* 0: never */
    struct addr from;
    uint8_t door;
};

/* How a credential's row begins; the rest has no fixed place (core/credential_row.h) and is read by the functions
 * below. So it is only pointed at, never copied. A row does not change, but for its last use: a change of the
 * credential makes another one, which state_credential() finds from then on. The outdated one, and what was read of
 * it, stays as it was until state_forget_rows(). */
struct credential {
    struct uuid uuid;
    uint32_t id, account;
};

struct token {
    uint32_t id, account;
    uint8_t sha256[32];
    int64_t created_s, expires_s, revoked_s;
    uint32_t count_max, used;
    size_t n_networks;
    struct net *networks;
    char *labels;
};

struct zone_state {
    uint32_t id;
    bool removed;
    struct zone_spec spec; /* owned copy */
    uint32_t serial;       /* 0: none yet */
    bool dirty;            /* zone itself to be staged */
    bool served_changed;   /* needs a step of its serial */
};

struct alias {
    uint32_t id, name;
    struct name fqdn; /* folded */
    bool served;
    uint32_t serial; /* of its zone, when it is served; 0: none yet */
};

struct grant {
    uint32_t name, account;
};

struct state;

/* With a table of its own, where the rows of names live and which state_stage() makes batches for; it hashes names
 * with a copy of name_key, NULL: with one by lot. ERR_MEMORY, ERR_CRYPTO. */
MUST_USE enum err state_new(struct state **out, const struct siphash_key *name_key);
void state_free(struct state *s); /* with its table, unless that was given away; NULL is fine */
/* The table is the caller's from now on, who frees it after the state. */
struct table *state_give_table(struct state *s);
struct table *state_table(const struct state *s);

/* ---- folding ---- */

/* Fold one effect of the entry at position seq. ERR_CORRUPT: it does not fit the state (then the journal or the
 * tables are damaged); ERR_MEMORY: the state may be changed in part and must be given up. */
MUST_USE enum err state_fold(struct state *s, uint64_t seq, const struct effect *f);

/* From here to state_end_claims() what is folded about claims of a name is collected and then makes one new row,
 * since each costs as much as the name has values. In between name_values() says what has become of them so far,
 * everything else about the name is as it was; what the effects point at has to stay until the end. The end comes
 * by itself with this call for another name, and with any other effect; the same name goes on. ERR_CORRUPT: there
 * is no such name; ERR_MEMORY: of another name, as of state_end_claims(). */
MUST_USE enum err state_begin_claims(struct state *s, uint32_t name);
/* ERR_MEMORY, ERR_RANGE: as after state_fold(), but the name is as it was before. Nothing to do without a
 * beginning. */
MUST_USE enum err state_end_claims(struct state *s);
/* An effect could not be folded: all that was collected is forgotten, the name is as it was. */
void state_drop_claims(struct state *s);
bool state_collects(const struct state *s, uint32_t name);

/* While loading: so many credentials are about to come. ERR_MEMORY. */
MUST_USE enum err state_expect_credentials(struct state *s, uint32_t n);
/* While loading, before state_set_position(): fold EFFECT_NAME_MADE and, for each of its claims, EFFECT_CLAIM_ADDED
 * at once, so that no row is made for nothing. The credentials of the claims may come later; the caller sees to it
 * that they do. The name is not found by its owner until state_fill(). Errors as of state_fold(). */
MUST_USE enum err state_load_name(struct state *s, const struct effect_name *made,
                                  const struct effect_claim *claims, size_t n_claims);

/* ---- looking (NULL: not there). Deleted accounts, retired names, revoked credentials are found: look at their
 * times ---- */

struct account *state_account(const struct state *s, uint32_t id);
struct account *state_account_by_name(const struct state *s, const char *name, size_t len);
struct name_entry *state_name(const struct state *s, uint32_t id);
void name_owner(const struct state *s, const struct name_entry *n, struct name *out); /* case as registered */
/* Its values, until the next call for any name, or the next change. */
const struct value_set *name_values(const struct state *s, const struct name_entry *n);
struct name_entry *state_name_by_owner(const struct state *s, const struct name *owner); /* any case */
const struct credential *state_credential(const struct state *s, uint32_t id);
const struct credential *state_credential_by_uuid(const struct state *s, const struct uuid *uuid);
struct token *state_token(const struct state *s, uint32_t id);
struct token *state_token_by_hash(const struct state *s, const uint8_t sha256[32]);
struct zone_state *state_zone(const struct state *s, uint32_t id);
/* A removed one too: when it comes back it has its old id, and its names. */
struct zone_state *state_zone_by_apex(const struct state *s, const struct name *apex);
/* The zone of ours that holds owner, not removed; NULL: none. */
struct zone_state *state_zone_of(const struct state *s, const struct name *owner);
/* True when a static record of the zone stands at, above (below the apex) or below owner, or owner is an apex. */
bool state_static_conflicts(const struct state *s, const struct name *owner);
/* Live names that list the domain; at most cap ids are written; returns how many there are in all. */
size_t state_names_by_domain(const struct state *s, const char *domain, size_t len, uint32_t *ids, size_t cap);
bool state_is_granted(const struct state *s, uint32_t name, uint32_t account);
const struct alias *state_alias(const struct state *s, uint32_t id);                /* valid until it is ended */
const struct alias *state_alias_at(const struct state *s, const struct name *fqdn); /* any case */
/* The alias at or above owner, the nearest one; NULL: none. */
const struct alias *state_alias_over(const struct state *s, const struct name *owner);
/* The owner that is meant by one at an alias, or below a served one: the same below the alias's name. False: there
 * is no such alias, or its own name is not live (another zone may have the owner meanwhile), or the owner would be
 * too long; *out is then unspecified. Whether there is a name, and a live one, is not looked at. */
bool state_alias_target(const struct state *s, const struct name *owner, struct name *out);
/* The owners that the name has at served aliases, of its own and of names above it, folded; at most cap are
 * written, and their number is returned. */
size_t state_alias_places(const struct state *s, const struct name_entry *n, struct name *out, size_t cap);
/* The aliases of a name; at most cap ids are written; returns how many there are in all. */
size_t state_aliases_of(const struct state *s, uint32_t name, uint32_t *ids, size_t cap);
/* Ids run from 1 to these, with holes never; iterate with the functions above. */
uint32_t state_last_account(const struct state *s);
uint32_t state_last_name(const struct state *s);
uint32_t state_last_credential(const struct state *s);
uint32_t state_last_secret(const struct state *s);
uint32_t state_last_token(const struct state *s);
uint32_t state_last_zone(const struct state *s);
uint32_t state_last_alias(const struct state *s);
uint64_t state_seq(const struct state *s);   /* of the newest entry folded */
int64_t state_time_s(const struct state *s); /* its journal time; never goes back */
/* The first call ends loading: zones that have a serial do not need a new one for what was folded until then. */
void state_set_position(struct state *s, uint64_t seq, int64_t time_s);

struct state_counts {
    uint64_t accounts, names, tombstones, values, claims, pinned, credentials, tokens, names_unclaimed;
    uint64_t secrets_bcrypt; /* of credentials that are not revoked */
};
struct state_counts state_counts(const struct state *s); /* kept up to date, no scan */

/* ---- what a credential has ---- */

uint8_t credential_actions(const struct credential *c); /* enum action */
uint8_t credential_kinds(const struct credential *c);   /* enum value_kind */
const char *credential_label(const struct credential *c);
const char *credential_allowfrom(const struct credential *c);
int64_t credential_expires_s(const struct credential *c);
int64_t credential_revoked_s(const struct credential *c);
/* The next two may be derived from the name that it is for, so s is the state that it is of. */
int64_t credential_created_s(const struct state *s, const struct credential *c);
/* Secrets are in the order of their ids; the data of one are the row's. */
struct secret credential_secret(const struct state *s, const struct credential *c, size_t i);
uint32_t credential_n_secrets(const struct credential *c); /* ended ones are dropped */
uint32_t credential_n_names(const struct credential *c);
const uint32_t *credential_names(const struct credential *c); /* all of its scope */
uint32_t credential_n_networks(const struct credential *c);
const struct net *credential_networks(const struct credential *c);
bool credential_networks_invalid(const struct credential *c);
int64_t credential_last_used_s(const struct credential *c); /* 0: never */
struct credential_use credential_last_use(const struct credential *c);

/* Note that a credential of the state, not the administrator's, was used; its row may be another then. ERR_MEMORY:
 * it is not noted. */
MUST_USE enum err state_observe(struct state *s, uint32_t credential, const struct credential_use *use);
bool state_is_observed(const struct state *s, uint32_t credential); /* and that is not stored yet */
void state_observation_stored(struct state *s, uint32_t credential);
/* Outdated rows are given back: nobody looks any more at what he has of a credential from before. To be called
 * again and again by who folds or decides, or else they add up: after a batch, or after each row when loading. */
void state_forget_rows(struct state *s);

/* ---- expiry ---- */

/* The time of the earliest expiry of any claim, 0: none. */
int64_t state_next_expiry(const struct state *s);
/* Up to cap claims that expire at or before now_s: (name id, slot) pairs. Returns how many were written. */
struct claim_ref {
    uint32_t name, slot;
};
size_t state_expired(const struct state *s, int64_t now_s, struct claim_ref *out, size_t cap);

/* ---- publication ---- */

/* Make nodes and zones for everything that DNS shows and that changed since the last call, into b. ERR_MEMORY, and
 * what table.h refuses: the state keeps its marks, b is to be freed. On success the marks are gone: publish b, or
 * give up the state. */
MUST_USE enum err state_stage(struct state *s, struct table_batch *b);
/* Put everything that DNS shows into the state's table at once: at the end of loading, before anybody reads it. The
 * same as staging and publishing it, with less memory and in less time. ERR_CORRUPT: two names have one owner;
 * ERR_MEMORY, ERR_FULL. After an error the state is to be given up. */
MUST_USE enum err state_fill(struct state *s);
/* True when a zone has changed in what it serves since its serial was last set: decide() then adds
 * EFFECT_ZONE_SERIAL. */
bool state_zone_needs_serial(const struct state *s, uint32_t zone);
/* The same for aliases, EFFECT_ALIAS_SERIAL: one that needs it, behind `after` (0: the first one); 0: no more. */
uint32_t state_alias_needing_serial(const struct state *s, uint32_t after);

#endif
