/* core/state_internal.h -- how struct state is built; for state*.c, expiry.c and publish.c only. Committer's
 * thread.
 *
 * Rows are found by id in arrays of chunks, and by what else they are known as in hash indexes of ids. Both grow in
 * pieces, so that no array ever exists twice. */
#ifndef CORE_STATE_INTERNAL_H
#define CORE_STATE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "core/name_row.h"
#include "core/state.h"
#include "core/value_set.h"

/* ---- rows by id (state_index.c) ---- */

struct ids {
    void ***chunks;
    size_t n_chunks;
    uint32_t last; /* the highest id */
};

void *ids_get(const struct ids *a, uint32_t id); /* NULL: none */
/* Put row (not NULL) at a->last + 1. ERR_MEMORY. */
MUST_USE enum err ids_append(struct ids *a, void *row);
void ids_fini(struct ids *a, void (*free_row)(void *row));

/* ---- rows of a slab by id, each with a mark (state_index.c) ---- */

struct ref_chunk;

struct refs {
    struct ref_place {
        struct ref_chunk *at;
        uint32_t n_marks; /* in the chunk */
    } * chunks;
    size_t n_chunks;
    uint32_t last; /* the highest id */
};

uint32_t refs_get(const struct refs *a, uint32_t id); /* as of slab_ref(); 0: there is no such id */
void refs_set(struct refs *a, uint32_t id, uint32_t ref);
MUST_USE enum err refs_append(struct refs *a, uint32_t ref); /* at a->last + 1; ERR_MEMORY */
void refs_mark(struct refs *a, uint32_t id);                 /* one that is there */
void refs_unmark(struct refs *a, uint32_t id);
bool refs_is_marked(const struct refs *a, uint32_t id);
/* The first marked id above `after`, 0: none. Few marks among many ids are found quickly. */
uint32_t refs_next_marked(const struct refs *a, uint32_t after);
void refs_fini(struct refs *a); /* the rows are the slab's */

/* ---- ids by hash (state_index.c) ---- */

#define INDEX_SEGMENTS 64 /* each grows by itself: the peak is one segment twice */

/* A set of (hash, id) pairs; the same hash may have many ids. Zeroed is empty. */
struct index {
    struct index_segment {
        uint64_t *slots; /* 0: empty; else 32 bits of the hash, then the id */
        uint32_t cap;
        uint32_t n;
    } segments[INDEX_SEGMENTS];
};

struct index_walk {
    const struct index_segment *segment;
    uint32_t tag;
    size_t at;
};

/* Nothing happens when the pair is there already. id is not 0. ERR_MEMORY. */
MUST_USE enum err index_put(struct index *x, uint64_t hash, uint32_t id);
/* Room for about n pairs in all, so that putting them does not grow it bit by bit. ERR_MEMORY: part of it. */
MUST_USE enum err index_reserve(struct index *x, uint32_t n);
void index_remove(struct index *x, uint64_t hash, uint32_t id); /* nothing happens when the pair is not there */
/* The ids whose hash is likely the same: compare what they stand for. 0 ends. No change of the index in between. */
struct index_walk index_walk(const struct index *x, uint64_t hash);
uint32_t index_next(struct index_walk *w);
void index_fini(struct index *x);

/* ---- the earliest expiry (expiry.c) ---- */

struct expiry_entry {
    uint32_t expires_s; /* the earliest of the name's claims; what is after 2106 counts as then */
    uint32_t name;
};

/* A binary heap of the names that have claims that expire; each knows its place (row_expiry_place()). */
struct expiry {
    struct expiry_entry *heap;
    size_t n, cap;
};

/* The name has got a row with the values vs, and its place was so far place, 0: none. ERR_MEMORY. */
MUST_USE enum err expiry_update(struct state *s, struct node *row, const struct value_set *vs, uint32_t place);
void expiry_fini(struct expiry *x);

/* ---- zones (state_zone.c) ---- */

/* Owner names, folded and sorted. */
struct owners {
    struct name *names;
    size_t n;
};

struct zone_row {
    struct zone_state z;  /* first: looked at as such */
    void *block;          /* what z.spec.records and their rdata are in */
    bool static_dirty;    /* its static part is to be staged, not just its serial */
    bool staged;          /* the table knows it */
    struct owners owners; /* of the static part, as last staged */
    struct owners next;   /* state_stage() at work: as it will be; else empty */
};

void zone_row_free(void *row);
struct zone_row *state_zone_row(const struct state *s, uint32_t id);
/* True when the name is answered by DNS: not retired, in a zone that is not removed. */
bool name_entry_is_served(const struct state *s, const struct name_entry *n);

/* ---- aliases (state_alias.c) ---- */

struct alias_row {
    struct alias a;      /* first: looked at as such */
    uint32_t next_dirty; /* of state_stage(): an alias's id; 0: the last one */
    bool dirty;          /* its zone is to be staged, or taken away */
    bool served_changed; /* needs a step of its serial */
    bool staged;         /* the table knows it */
    bool ended;          /* found by nobody else any more; kept until the table does not know it */
};

/* By id; ended ones too. NULL: not there. */
struct alias_row *alias_row(const struct state *s, uint32_t id);
/* Those of a name, ended ones too: begin with walk = aliases_of(…); NULL ends. */
struct index_walk aliases_of(const struct state *s, uint32_t name);
struct alias_row *aliases_next(const struct state *s, struct index_walk *walk, uint32_t name);
/* True when DNS answers for it. */
bool alias_is_mounted(const struct state *s, const struct alias_row *row);
/* The owner that another one, at or below `from`, has below `to` instead. False: it would be too long. */
bool owner_moved(const struct name *owner, const struct name *from, const struct name *to, struct name *out);
/* What DNS shows of the name is another now: so it is at the aliases of it and of the names above. */
void aliases_mark_served(struct state *s, const struct name_entry *n);
/* The zone is another, has gone or has come back: so have the aliases of its names. */
void aliases_mark_zone(struct state *s, uint32_t zone);
/* The marks of state_stage() are done with. */
void aliases_clear_marks(struct state *s);
void aliases_fini(struct state *s);

/* ---- credentials (state_credential.c) ---- */

/* Rows that others have taken the place of. */
struct outdated {
    struct credential **rows;
    size_t n, cap;
};

MUST_USE enum err make_admin_credential(struct state *s, const char *label); /* ERR_MEMORY */
void credentials_fini(struct state *s);

/* ---- the state ---- */

/* Claims of a name that are being collected, and what the state has counted of them. */
struct collected {
    struct value_set *values;
    const struct name_entry *row; /* the name's, as it was; NULL: none is being collected */
    uint32_t name;
    uint32_t n_before, claims_before;
    size_t pinned_before;
    bool changed;
    bool distinct_changed; /* what DNS shows */
};

/* Room for the work on one name, and rows that are outdated. */
struct name_work {
    struct value_set sets[2];
    struct value_set *values;  /* of one row: what was looked at or changed last */
    const struct node *valued; /* the row; NULL: none */
    struct collected collected;
    struct row_room row;
    struct node **outdated;
    size_t n_outdated, cap_outdated;
};

struct state {
    struct siphash_key key;
    struct table *table; /* with the rows of names, in its slab */
    bool table_is_given; /* it is somebody else's */
    struct ids accounts, tokens, zones;
    struct slab *rows;       /* of credentials */
    struct refs credentials; /* marked: used, and that is not stored */
    struct outdated outdated;
    struct refs names;        /* marked: to be staged */
    struct name_work *naming; /* its own block, since looking at a name changes it */
    struct index by_account_name, by_domain, by_uuid, by_token, by_apex;
    struct index by_owner; /* of names that are not in the table, by table_hash(); others are found there */
    uint32_t last_secret;
    uint32_t last_alias;
    struct account *admin;               /* ACCOUNT_ADMIN */
    struct credential *admin_credential; /* CREDENTIAL_ADMIN; in rows too */
    struct grant *grants;
    size_t n_grants, cap_grants;
    struct alias_row **aliases; /* by id */
    size_t n_aliases, cap_aliases;
    struct index by_alias;      /* by fqdn; without ended ones */
    struct index by_alias_name; /* by name */
    uint32_t dirty_aliases;     /* id of the first of a list by next_dirty; 0: none */
    struct expiry expiry;
    struct state_counts counts;
    uint64_t seq;
    int64_t time_s;
    bool positioned; /* state_set_position() has ended loading */
};

uint64_t hash_owner(const struct state *s, const struct name *owner); /* any case */
/* Without regard to ASCII case; used for texts up to what a domain name can be, longer ones hash by their
 * beginning. */
uint64_t hash_text(const struct state *s, const char *text, size_t len);
uint64_t hash_bytes(const struct state *s, const void *bytes, size_t len);

/* ---- names (state_name.c) ---- */

/* The name of a folded owner, with the table's hash of it; NULL: none. */
struct name_entry *state_find_name(const struct state *s, const struct name *folded, uint64_t hash);
/* Put a row in the place of the name's, with the spec's content, and values that were taken from the state's; its
 * TTL and its place in the index of expiries are found here. ERR_MEMORY, ERR_RANGE. */
MUST_USE enum err state_put_row(struct state *s, struct row_spec *spec);
/* The name's values, to be changed: they are no row's until they are put into one. */
struct value_set *state_take_values(const struct state *s, const struct name_entry *n);
void name_folded_owner(const struct state *s, const struct name_entry *n, struct name *out);
/* A row of the same content: with the TTL that the zone has now, and not in the table. */
MUST_USE enum err state_remake_row(struct state *s, const struct name_entry *n);
/* Give back what was outdated until now. */
void state_forget_outdated(struct state *s);
MUST_USE enum err state_names_init(struct state *s); /* ERR_MEMORY */
void state_names_fini(struct state *s);

void state_mark_dirty(struct state *s, const struct name_entry *n); /* to be staged */
/* The same, and its zone needs a serial: what DNS shows of the name is another now. Nothing happens in a removed
 * zone. */
void state_mark_served(struct state *s, const struct name_entry *n);

/* ---- folding, one function a payload (state_fold.c, state_access.c, state_zone.c) ---- */

typedef enum err fold_row(struct state *s, const struct effect *f);

fold_row fold_zone_set, fold_zone_removed, fold_zone_serial;     /* state_zone.c */
fold_row fold_credential_made, fold_credential_set;              /* state_credential.c */
fold_row fold_secret_added, fold_secret_set, fold_secret_ended;  /* state_credential.c */
fold_row fold_grant_made, fold_grant_ended;                      /* state_access.c */
fold_row fold_alias_made, fold_alias_ended, fold_alias_serial;   /* state_alias.c */
fold_row fold_token_made, fold_token_set;                        /* state_access.c */
fold_row fold_account_made, fold_account_set;                    /* state_fold.c */
fold_row fold_name_made, fold_name_set;                          /* state_name.c */
fold_row fold_claim_added, fold_claim_renewed, fold_claim_ended; /* state_claim.c */
void token_free(void *row);

#endif
