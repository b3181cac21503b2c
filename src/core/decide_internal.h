/* core/decide_internal.h -- what the files of decide() and import.c share; nobody else includes it. Committer's
 * thread.
 *
 * A decision has two halves. The first looks, and may refuse; the second emits effects and cannot refuse any more,
 * so that a refusal changes nothing. Functions of the first half leave a refusal in the result and return ERR_OK:
 * their callers ask is_refused(). Errors are those of decide(). */
#ifndef CORE_DECIDE_INTERNAL_H
#define CORE_DECIDE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/decide.h"
#include "core/domain.h"

/* One decision under way. */
struct deciding {
    struct decide *d;
    struct state *s;
    const struct request *r;
    struct entry *e;
    struct result *res;
    const struct credential *credential; /* of an AUTH_SECRET caller, once it has proved it; else NULL */
    uint32_t proved;                     /* the slow secret that it was proved with; 0: none */
};

#define NETWORKS_MAX 256 /* of one credential or token */
#define NAMES_MAX    256 /* in the scope of one credential */
#define DOMAINS_MAX  256 /* of one name */
#define ALIASES_MAX  64  /* of one name: each has nodes of its own */

/* ---- saying it: decide_say.c ---- */

/* Leave a refusal in the result; returns ERR_OK. The detail has no final stop. */
enum err refuse(struct deciding *c, enum refusal why, const char *detail, ...) PRINTF_LIKE(3, 4);
/* The way out, beside the refusal. */
void hint(struct deciding *c, const char *text, ...) PRINTF_LIKE(2, 3);
bool is_refused(const struct deciding *c);

/* Short printable forms for details; longer ones are cut. Used as show_printable(…).text in one expression. */
struct shown {
    char text[128];
};
struct shown show_printable(const char *text, size_t len); /* what is not printable ASCII becomes '?' */
struct shown show_wire(const struct name *n);
struct shown show_name(const struct state *s, const struct name_entry *n);
struct shown show_account(const struct state *s, uint32_t account);
struct shown show_credential(const struct credential *cred); /* its label, or its id */
struct shown show_uuid(const struct uuid *u);
struct shown show_nets(const struct net *nets, size_t n);
struct shown show_addr(const struct addr *a);
struct shown show_time(int64_t real_s);

/* ---- doing it: decide_rows.c ---- */

/* Append the effect and fold it. What it points at lives in c->e->arena. */
MUST_USE enum err emit(struct deciding *c, const struct effect *f);

/* The whole row as it is, copied into the entry's arena, to be changed and emitted. NULL: out of memory. */
MUST_USE struct effect_account *row_of_account(struct deciding *c, const struct account *a);
MUST_USE struct effect_name *row_of_name(struct deciding *c, const struct name_entry *n);
MUST_USE struct effect_credential *row_of_credential(struct deciding *c, const struct credential *cred);
MUST_USE struct effect_token *row_of_token(struct deciding *c, const struct token *t);
MUST_USE enum err emit_account(struct deciding *c, enum effect_kind kind, const struct effect_account *row);
MUST_USE enum err emit_name(struct deciding *c, enum effect_kind kind, struct effect_name *row);
MUST_USE enum err emit_credential(struct deciding *c, enum effect_kind kind, struct effect_credential *row);
MUST_USE enum err emit_token(struct deciding *c, enum effect_kind kind, struct effect_token *row);
MUST_USE enum err copy_rdata(struct deciding *c, struct rdata *out, const struct value *v);
/* End one claim. kind is EFFECT_CLAIM_REMOVED, _EVICTED or _EXPIRED; rdata is in the entry's arena. */
MUST_USE enum err emit_claim_end(struct deciding *c, enum effect_kind kind, uint32_t name,
                                 const struct claim *claim, const struct rdata *rdata);
struct claim_filter {
    const struct credential *of; /* NULL: of everybody */
    bool pinned_too;
    const struct addr *network; /* not NULL: of this client network, or of a smaller order than old_before */
    uint64_t old_before;
};
/* End the claims on one value that the filter names; none is fine. */
MUST_USE enum err emit_value_end(struct deciding *c, enum effect_kind kind, uint32_t name,
                                 const struct rdata *rdata, const struct claim_filter *which);
/* The same on all values of a name, as removals; the values concerned are added to res->removed. */
MUST_USE enum err emit_claims_removed(struct deciding *c, uint32_t name, const struct claim_filter *which);
/* Revoke a credential; its secrets stay, so that its holder is told the reason. */
MUST_USE enum err emit_revocation(struct deciding *c, const struct credential *cred);
MUST_USE enum err emit_token_revocation(struct deciding *c, const struct token *t);
/* Give a credential a new secret, which goes into res->secret. */
MUST_USE enum err emit_new_secret(struct deciding *c, uint32_t credential);
/* The same with a TSIG key, which is kept sealed; c->d->seal is there. */
MUST_USE enum err emit_new_tsig_key(struct deciding *c, uint32_t credential);
/* The slow secret that the caller has just proved, if any, becomes a fast one with the same start and end. */
MUST_USE enum err replace_proved(struct deciding *c);
/* A random version 4 UUID that no credential has. */
MUST_USE enum err fresh_uuid(struct deciding *c, struct uuid *out);
/* Copies in the entry's arena; n 0 gives NULL with ERR_OK. */
MUST_USE enum err copy_nets(struct deciding *c, const struct net **out, const struct net *nets, size_t n);
MUST_USE enum err copy_text(struct deciding *c, const char **out, const char *text); /* NULL is "" */

/* ---- finding what is meant: decide_find.c. *out is NULL when refused ---- */

bool name_is_live(const struct state *s, const struct name_entry *n); /* not retired, and its zone is served */
/* A name that a credential lists, while it may act on it: live, and of its account or granted to that. NULL: not.
 */
struct name_entry *name_within(const struct state *s, const struct credential *cred, uint32_t id);
bool has_in_scope(const struct credential *cred, uint32_t name); /* lists it, whether it may act on it or not */
bool is_caller(const struct deciding *c, const struct credential *cred); /* whatever has changed of it since */
/* Whether the name is below one that the credential lists, may act on, and that is set to take in all below it. */
bool name_in_subtree(const struct state *s, const struct credential *cred, const struct name_entry *n);
/* Any live name: for administrators. */
MUST_USE enum err find_name(struct deciding *c, const struct name_ref *ref, struct name_entry **out);
/* A live name in the caller's scope; administrators have all in theirs. */
MUST_USE enum err find_name_in_scope(struct deciding *c, const struct name_ref *ref, struct name_entry **out);
/* An account that is not deleted. */
MUST_USE enum err find_account(struct deciding *c, const char *name, struct account **out);
/* Any credential that the caller can see (core/viewer.h), revoked ones too. */
MUST_USE enum err find_credential(struct deciding *c, const struct credential_ref *ref,
                                  const struct credential **out);
/* The live credential with a label at a name; NULL: none. */
const struct credential *find_labelled(const struct state *s, const char *label, uint32_t name);
/* The zone of an apex in presentation form, or, when text is NULL, the first one of the settings. */
MUST_USE enum err find_zone(struct deciding *c, const char *apex, struct zone_state **out);

/* Who stands in the way of a new name. */
enum owner_standing {
    OWNER_FREE,
    OWNER_TAKEN,   /* it, or one above or below, is live and of another account (it itself: of any) */
    OWNER_RETIRED, /* it is a tombstone, or one above or below is and of another account */
    OWNER_STATIC,  /* a static record is there */
};
/* Look at owner and everything above and below it. *by: who stands in the way, NULL for static records. */
enum owner_standing owner_standing(const struct state *s, const struct name *owner, uint32_t account,
                                   const struct name_entry **by);
/* The same without what is below it, which takes a look at every name. */
enum owner_standing owner_standing_upwards(const struct state *s, const struct name *owner, uint32_t account,
                                           const struct name_entry **by);

/* ---- what may be said of a name: decide_name.c. False: refused ---- */

/* Labels below an apex as the owner of a name. */
bool read_owner(struct deciding *c, struct name *out, const char *label, const struct name *apex);
bool read_domain(struct deciding *c, char out[DOMAIN_TEXT_MAX], const char *text);
/* Say who stands in the way of owner; nothing for OWNER_FREE. */
void refuse_standing(struct deciding *c, const struct name *owner, enum owner_standing standing,
                     const struct name_entry *by);
/* Retire a name, with all that is at it. */
MUST_USE enum err emit_retirement(struct deciding *c, uint32_t name);

/* ---- of an account: decide_account.c ---- */

bool account_name_is_acceptable(struct deciding *c, const char *name); /* false: refused */
/* Whether the request leaves the account as it is. */
bool account_is_same(const struct account *a, const struct request_account *req);
/* Put what the request has into the row. */
MUST_USE enum err account_change_row(struct deciding *c, const struct request_account *req,
                                     struct effect_account *row);

/* ---- of a credential: decide_credential.c ---- */

#define ACTIONS_DEFAULT (unsigned)(ACTION_ADD | ACTION_REMOVE | ACTION_READ)

/* Whether the caller may give these actions and kinds; false: refused. */
bool powers_are_acceptable(struct deciding *c, const struct request_credential *req);
/* The syntax of a label; false: refused. */
bool credential_label_is_acceptable(struct deciding *c, const char *label);
/* Whether a TSIG key can be made when one is wanted; false: refused. */
bool key_can_be_sealed(struct deciding *c, bool is_wanted);
bool credential_has_nets(const struct credential *cred, const struct net *nets, size_t n);
/* Put what the request has, but for the scope, into the row of cred (NULL: a new one's); *changed: that is
 * something else than before. */
MUST_USE enum err credential_change_row(struct deciding *c, const struct request_credential *req,
                                        struct effect_credential *row, const struct credential *cred,
                                        bool *changed);

/* ---- aliases: decide_alias.c ---- */

/* What a request does to the aliases of a name; in the entry's arena. */
struct alias_changes {
    uint32_t *ended; /* ids */
    size_t n_ended, cap_ended;
    struct name *made; /* folded */
    size_t n_made;
};
/* What the request says about aliases, for a live name. May refuse. */
MUST_USE enum err aliases_read(struct deciding *c, struct alias_changes *out, const struct name_entry *n);
MUST_USE enum err aliases_emit(struct deciding *c, const struct alias_changes *changes, uint32_t name);
/* End all of the name's. */
MUST_USE enum err aliases_emit_ended(struct deciding *c, uint32_t name);
/* Whether no zone of the settings would lie at, above or below an alias; false: refused. */
bool aliases_stay_clear(struct deciding *c, const struct settings *set);

/* ---- conditions that several kinds share: decide_check.c. False: refused ---- */

bool account_has_room(struct deciding *c, const struct account *a); /* quota of names */
/* The same for what an account is to have all together; names_max 0: limits.names. */
bool names_are_within_quota(struct deciding *c, const char *account, size_t names, uint32_t names_max);
bool space_is_left(struct deciding *c);                        /* for new names */
bool note_is_acceptable(struct deciding *c, const char *note); /* NULL is */
bool networks_are_acceptable(struct deciding *c, size_t n);
bool expiry_is_acceptable(struct deciding *c, int64_t expires_s);

/* ---- what a caller with `manage` may hand out and take back: decide_manage.c. Administrators: everything ---- */

/* Limit a new credential to what the caller itself has: networks and the end that the request leaves out are its
 * own. False: refused, the request wants more. */
bool row_is_within_caller(struct deciding *c, struct effect_credential *row);
/* Whether all that a credential may do is within what the caller may. False: refused. */
bool credential_is_within_caller(struct deciding *c, const struct credential *cred);

/* ---- the kinds: one function each ---- */

MUST_USE enum err decide_value_add(struct deciding *c);
MUST_USE enum err decide_value_remove(struct deciding *c);
MUST_USE enum err decide_update(struct deciding *c);
MUST_USE enum err decide_register(struct deciding *c);
MUST_USE enum err decide_account_create(struct deciding *c);
MUST_USE enum err decide_account_set(struct deciding *c);
MUST_USE enum err decide_account_delete(struct deciding *c);
MUST_USE enum err decide_name_create(struct deciding *c);
MUST_USE enum err decide_name_set(struct deciding *c);
MUST_USE enum err decide_name_delete(struct deciding *c);
MUST_USE enum err decide_credential_create(struct deciding *c);
MUST_USE enum err decide_credential_set(struct deciding *c);
MUST_USE enum err decide_credential_rotate(struct deciding *c);
MUST_USE enum err decide_credential_revoke(struct deciding *c);
MUST_USE enum err decide_token_create(struct deciding *c);
MUST_USE enum err decide_token_revoke(struct deciding *c);
MUST_USE enum err decide_apply(struct deciding *c);
MUST_USE enum err decide_configure(struct deciding *c);
MUST_USE enum err decide_expire(struct deciding *c);
MUST_USE enum err decide_prune(struct deciding *c);
MUST_USE enum err decide_look(struct deciding *c);

#endif
