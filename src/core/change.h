/* core/change.h -- requests for changes, as every door makes them, and what came of them.
 *
 * A door decodes its protocol into a request and nothing more; who may do what is decided in the committer, where
 * the state at that point in the order is known. A request is one piece of memory with its arena. */
#ifndef CORE_CHANGE_H
#define CORE_CHANGE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/uuid.h"
#include "core/door.h"
#include "core/effect.h"
#include "core/refusal.h"
#include "core/settings.h"

#define SECRET_TEXT_LEN 40 /* of what the server makes: 240 random bits, base64url */
#define TOKEN_TEXT_LEN  44 /* "rpt_" and 40 such characters */
#define TOKEN_PREFIX    "rpt_"

enum auth_kind {
    AUTH_NONE,   /* nobody: registration without token */
    AUTH_SECRET, /* credential and secret */
    AUTH_TSIG,   /* credential, proved to the door by the signature of one of its TSIG keys */
    AUTH_TOKEN,  /* registration token */
    AUTH_LOCAL,  /* the admin socket vouches: may do everything */
    AUTH_SERVER, /* the program itself: expiry, configuration */
};

struct caller {
    enum door door;
    enum auth_kind auth;
    struct uuid credential;   /* AUTH_SECRET, AUTH_TSIG */
    uint32_t tsig_secret;     /* AUTH_TSIG: the id of the key that signed */
    const char *tsig_problem; /* AUTH_TSIG: why the signature was refused, static storage; NULL: it was right */
    char secret[TOKEN_TEXT_LEN + 1]; /* AUTH_SECRET: 40 characters; AUTH_TOKEN: the token; wiped with the request */
    struct addr client;
    bool client_unknown; /* came with X-Forwarded-For through a peer that is not a trusted proxy */
    char request_id[REQUEST_ID_LEN + 1];
};

enum request_kind {
    REQUEST_VALUE_ADD,
    REQUEST_VALUE_REMOVE,
    REQUEST_UPDATE,
    REQUEST_REGISTER,
    REQUEST_ACCOUNT_CREATE,
    REQUEST_ACCOUNT_SET,
    REQUEST_ACCOUNT_DELETE,
    REQUEST_NAME_CREATE,
    REQUEST_NAME_SET,
    REQUEST_NAME_DELETE,
    REQUEST_CREDENTIAL_CREATE,
    REQUEST_CREDENTIAL_SET,
    REQUEST_CREDENTIAL_ROTATE,
    REQUEST_CREDENTIAL_REVOKE,
    REQUEST_TOKEN_CREATE,
    REQUEST_TOKEN_REVOKE,
    REQUEST_APPLY,
    REQUEST_CONFIGURE,
    REQUEST_EXPIRE,
    REQUEST_PRUNE, /* the server's: names that were registered and never used */
    REQUEST_LOOK,  /* changes nothing: whether its caller may look at the state */
    REQUEST_KINDS
};

/* How a request says which name it means. */
enum name_ref_kind {
    NAME_REF_OWNER,     /* a domain name in presentation form */
    NAME_REF_SUBDOMAIN, /* acme-dns: must be, byte for byte, the owner relative to its zone of a name in scope */
    NAME_REF_FQDN,      /* programs: an owner, or "_acme-challenge.D" where D is a domain that one has */
    NAME_REF_ANY, /* people: an owner, a label in any zone, or a domain (also "*.D", "_acme-challenge.D") that one
                     has */
};

struct name_ref {
    enum name_ref_kind kind;
    const char *text;
    size_t len;
};

struct value_text {
    const char *text;
    size_t len;
    int64_t lifetime_s; /* -1: as configured */
    bool pinned;
};

struct request_values { /* VALUE_ADD: all or none; VALUE_REMOVE */
    /* NULL, or what is wrong where in a body that the door could not read: then that is what a caller with the
     * right secret is refused for. A door that must not tell strangers leaves the refusing to the decision. */
    const char *malformed;
    struct name_ref name;
    size_t n;
    const struct value_text *values;
    bool all;  /* VALUE_REMOVE: all values of the caller (with `manage` or AUTH_LOCAL: of everybody), n is 0 */
    bool mine; /* with all: the caller's own ones, also with `manage` */
};

/* What must be true before an update is applied (RFC 2136 section 2.4), and the RCODE that says that it is not. */
enum condition_kind {
    CONDITION_NAME_IN_USE,     /* NXDOMAIN */
    CONDITION_NAME_NOT_IN_USE, /* YXDOMAIN */
    CONDITION_SET_EXISTS,      /* NXRRSET */
    CONDITION_SET_ABSENT,      /* YXRRSET */
    CONDITION_RECORD_EXISTS,   /* NXRRSET; those of one owner are the whole set, no more and no less */
};

struct update_condition {
    enum condition_kind kind;
    uint16_t type;
    const struct name *owner; /* folded */
    struct rdata rdata;       /* CONDITION_RECORD_EXISTS, of a TXT record */
};

enum update_op_kind {
    UPDATE_ADD,
    UPDATE_REMOVE,     /* exactly this value */
    UPDATE_REMOVE_SET, /* what the caller itself has added from the same client network, or before the grace */
};

struct update_op {
    enum update_op_kind kind;
    const struct name *owner; /* folded */
    struct value_text value;  /* ADD, REMOVE */
};

#define UPDATE_CONDITIONS_MAX 128 /* of one request */
#define UPDATE_OPS_MAX        512

/* UPDATE: the conditions hold and all operations are done, in their order, or nothing is. */
struct request_update {
    size_t n_conditions;
    const struct update_condition *conditions;
    size_t n_ops;
    const struct update_op *ops;
};

struct request_register {
    size_t n_networks;
    const struct net *networks;
    const char *allowfrom; /* JSON array as answered and kept; "" is [] */
};

/* Optional members of *_SET requests: what is not `has_…` stays. */
struct request_account {
    const char *name;
    bool has_note, has_disabled, has_names_max;
    const char *note;
    bool disabled;
    uint32_t names_max;
};

struct request_name {
    struct name_ref name; /* SET, DELETE */
    const char *account;  /* CREATE: owner; SET: new owner or NULL */
    const char *label;    /* CREATE: one to four labels below the apex, or NULL: one is generated */
    const char *zone;     /* CREATE: apex, or NULL: the first zone */
    size_t n_domains_add, n_domains_remove;
    const char *const *domains_add;
    const char *const *domains_remove;
    bool has_domains;                       /* APPLY: domains_add is all of them */
    size_t n_aliases_add, n_aliases_remove; /* SET */
    const char *const *aliases_add;
    const char *const *aliases_remove;
    bool has_subtree, subtree;
    bool force;  /* DELETE: also with live values */
    bool revive; /* CREATE: the administrator knows that the label is retired */
};

struct credential_ref {
    const char *text;     /* UUID, or a label */
    struct name_ref name; /* with a label: in the scope of which name; text NULL: none */
};

struct request_credential {
    struct credential_ref credential; /* SET, ROTATE, REVOKE */
    const char *label;                /* CREATE; SET: NULL stays */
    const char *account;              /* CREATE: whose the names must be, or NULL */
    size_t n_names; /* CREATE: at least one; SET: the scope with has_names, else what comes into it */
    const struct name_ref *names;
    size_t n_names_remove; /* SET without has_names: what leaves the scope */
    const struct name_ref *names_remove;
    bool has_names, has_actions, has_networks, has_expires;
    unsigned actions; /* CREATE without has_actions: add, remove, read */
    unsigned kinds;   /* 0: challenge */
    size_t n_networks;
    const struct net *networks;
    int64_t expires_s; /* absolute; 0: never */
    int64_t overlap_s; /* ROTATE: how long old secrets go on */
    bool tsig;         /* CREATE, ROTATE: the new secret is a TSIG key; ROTATE ends secrets of that kind only */
    bool with_values;  /* REVOKE: its claims too */
};

struct request_token {
    const char *account;
    uint32_t count;    /* 0: no limit */
    int64_t expires_s; /* absolute; 0: never */
    size_t n_networks;
    const struct net *networks;
    const char *labels;
    uint32_t id; /* REVOKE */
};

/* APPLY: how accounts, with their names and credentials, are to be. What a row leaves out stays as it is, and is
 * the default where the thing is new. */
struct apply_account {
    struct request_account account;
    size_t n_names;
    /* Each says its owner: as a NAME_REF_OWNER in `name`, or (its text NULL) with label and zone. domains_add is
     * all of them, with has_domains. */
    const struct request_name *names;
    size_t n_credentials;
    /* Each says its label, which is unique in the account; its names are some of `names` above. */
    const struct request_credential *credentials;
};

#define APPLY_ACCOUNTS_MAX    1000
#define APPLY_NAMES_MAX       5000 /* all together */
#define APPLY_CREDENTIALS_MAX 5000

enum apply_mode { APPLY_PLAN_ONLY, APPLY_FOR_GOOD };

struct apply_plan;

struct request_apply {
    size_t n_accounts;
    const struct apply_account *accounts;
    enum apply_mode mode;
    bool prune;              /* retire names and revoke credentials that the accounts have beside these */
    bool force;              /* with prune: also names with live values */
    const char *expected;    /* the id of the plan that was looked at before; another is refused. NULL: any */
    struct apply_plan *plan; /* core/apply.h; written by the decision, the request's: request_free() frees it */
};

/* What a caller wants to look at, and so what it takes. What it sees is another question: core/viewer.h. */
enum look {
    LOOK_AT_SELF,   /* a right secret. Done also when only the network or the expiry would refuse a change: then the
                       result's refusal, detail and hint say so */
    LOOK_AT_OWN,    /* a credential that can be used now */
    LOOK_AT_NAMES,  /* that, with the action read or manage */
    LOOK_AT_SERVER, /* that, with the action administer */
};

/* What computing a slow hash (SECRET_BCRYPT) has shown about the caller's secret. Bound to the hash, so that it
 * says nothing about another that the credential may have by now. */
struct proof {
    bool is_made;
    bool is_right;
    uint16_t len;
    uint8_t hash[SECRET_DATA_MAX];
};

#define REQUEST_ARENA_MAX ((size_t)4 << 20)
#define REQUEST_FIRST     512

struct request {
    enum request_kind kind;
    struct caller caller;
    struct proof proof; /* the sink's */
    int64_t
        deadline_mono_ms; /* after it a queued request is refused; 0: the sink's commit timeout from submission */
    union {
        struct request_values values;
        struct request_update update;
        struct request_register registration;
        struct request_account account;
        struct request_name name;
        struct request_credential credential;
        struct request_token token;
        struct request_apply apply;
        enum look look;
        const struct settings *configure; /* REQUEST_CONFIGURE: becomes the settings when it is done; the caller
                                             keeps it alive until a later REQUEST_CONFIGURE is done */
    } u;
    struct arena arena;                                      /* of everything that the request points at */
    struct request *next;                                    /* of queues; the sink's once submitted */
    alignas(max_align_t) unsigned char first[REQUEST_FIRST]; /* the arena's: enough for a value, without malloc */
};

/* Gives an empty request; NULL: out of memory. */
MUST_USE struct request *request_new(enum request_kind kind, enum door door);
MUST_USE enum err request_set_value(struct request *r, const struct name_ref *name, const char *text, size_t len);
void request_free(struct request *r);               /* wipes the secret; NULL is fine */
const char *request_kind_word(enum request_kind k); /* "value-add", … for logs and metrics */

enum outcome { OUTCOME_DONE, OUTCOME_REFUSED, OUTCOME_UNKNOWN };

#define RESULT_DETAIL_MAX 320

/* What became of a request. Valid during the done callback; whoever needs it later copies it (it is one piece). */
struct result {
    enum outcome outcome;
    enum refusal refusal;           /* OUTCOME_REFUSED; OUTCOME_UNKNOWN has REFUSAL_OUTCOME_UNKNOWN */
    char detail[RESULT_DETAIL_MAX]; /* the thing and the reason, one sentence without final stop; "" when done */
    char hint[RESULT_DETAIL_MAX];   /* the way out, often a command; may be "" */
    uint32_t retry_s;               /* REFUSAL_RATE, _STORE_UNAVAILABLE, …: when to try again; 0: not known */
    bool authenticated;             /* the secret was right, so the true reason may be told */
    bool is_change;                 /* false: done, but there was nothing to change */
    uint64_t seq;                   /* the journal's position that holds it */
    uint32_t account, credential, name; /* ids concerned or made; 0: none */
    uint32_t token;
    uint32_t serial;               /* of the zone of the name, after it */
    bool condition_failed;         /* UPDATE, REFUSAL_CONFLICT: one of its conditions does not hold, and is */
    enum condition_kind condition; /* of this kind */
    unsigned added, renewed, removed, evicted, evicted_young;
    const struct entry *entry;       /* with all effects; during the done callback only, NULL: none, or in a copy */
    const struct apply_plan *plan;   /* APPLY that is done: as entry */
    char secret[TOKEN_TEXT_LEN + 1]; /* REGISTER, CREDENTIAL_CREATE, ROTATE: shown once; TOKEN_CREATE: the token */
};

struct state;

/* Called exactly once for a submitted request, on the committer's thread or, when a deadline passed, on its
 * watchdog thread: then state is NULL. Must not block. */
typedef void change_done(void *arg, const struct result *result, const struct state *state);

#endif
