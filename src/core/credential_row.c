#include "core/credential_row.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "base/crypto.h"

/* ---- the forms ---- */

#define ACTIONS_BITS 5
#define KINDS_BITS   2
#define DOOR_BITS    3
#define ACTIONS_MASK ((1u << ACTIONS_BITS) - 1u)
#define KINDS_MASK   ((1u << KINDS_BITS) - 1u)
#define DOOR_MASK    ((1u << DOOR_BITS) - 1u)

_Static_assert(DOOR_COUNT <= DOOR_MASK + 1, "a door fits its bits");
_Static_assert(ACTION_ADMINISTER <= ACTIONS_MASK && VALUE_KIND_PINNED <= KINDS_MASK,
               "actions and kinds fit theirs");

/* Where a usual credential was last used from; what follows the time of that. */
enum from { FROM_NEVER, FROM_LOCAL, FROM_V4, FROM_V6 };

static const uint8_t from_octets[] = {[FROM_NEVER] = 0, [FROM_LOCAL] = 0, [FROM_V4] = 4, [FROM_V6] = 16};
static const uint8_t from_family[] = {
    [FROM_NEVER] = ADDR_NONE, [FROM_LOCAL] = ADDR_LOCAL, [FROM_V4] = ADDR_V4, [FROM_V6] = ADDR_V6};

/* In the place of the difference of ids. */
#define SECRET_NONE INT16_MAX
#define SECRET_FAR  INT16_MIN /* the id is in the tail */

/* How both forms begin. What comes after is_general is of the usual one. */
struct head {
    struct credential c;
    unsigned is_general : 1;
    unsigned actions : ACTIONS_BITS;
    unsigned kinds : KINDS_BITS;
    unsigned from : 2; /* enum from */
    unsigned door : DOOR_BITS;
    unsigned has_created : 1; /* not when its name was */
    unsigned has_starts : 1;  /* the secret: not when the credential was made */
    unsigned has_label : 1;
    int16_t secret; /* its id, as a difference to the credential's */
};

/* Times are of 32 bits. The tail: time of the last use, address of that; created_s; starts_s; the secret's id;
 * the label with its NUL. */
struct usual {
    struct head head;
    uint32_t name;
    uint8_t hash[SHA256_LEN];
    uint8_t tail[];
};

_Static_assert(offsetof(struct usual, tail) == 64, "there are millions of them");

struct general_secret {
    int64_t starts_s, ends_s;
    uint32_t id;
    uint16_t len;
    uint8_t kind;
};

/* Behind the secrets: the names, the networks, the secrets' data, the label and allowfrom with their NULs. */
struct general {
    struct head head;
    uint32_t n_secrets;
    int64_t created_s, expires_s, revoked_s, last_used_s;
    uint32_t n_names, n_networks;
    struct addr last_from;
    uint8_t last_door, actions, kinds;
    bool networks_invalid;
    struct general_secret secrets[];
};

_Static_assert(alignof(struct general) <= 8, "a block of a slab does");
_Static_assert(sizeof(struct general_secret) % alignof(uint32_t) == 0, "names lie behind secrets");
_Static_assert(alignof(struct net) == 1, "networks lie behind anything");

static const struct head *head_of(const struct credential *c)
{
    return (const void *)c;
}

static const struct usual *usual_of(const struct credential *c)
{
    return (const void *)c;
}

static const struct general *general_of(const struct credential *c)
{
    return (const void *)c;
}

static bool is_general(const struct credential *c)
{
    return head_of(c)->is_general != 0;
}

/* ---- the tail of the usual form ---- */

static size_t use_octets(const struct head *h)
{
    return h->from == FROM_NEVER ? 0 : sizeof(uint32_t) + from_octets[h->from];
}

static size_t created_at(const struct head *h)
{
    return use_octets(h);
}

static size_t starts_at(const struct head *h)
{
    return created_at(h) + (h->has_created ? sizeof(uint32_t) : 0);
}

static size_t id_at(const struct head *h)
{
    return starts_at(h) + (h->has_starts ? sizeof(uint32_t) : 0);
}

static size_t label_at(const struct head *h)
{
    return id_at(h) + (h->secret == SECRET_FAR ? sizeof(uint32_t) : 0);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

static bool fits_u32(int64_t value)
{
    return value >= 0 && value <= UINT32_MAX;
}

static enum from from_of(const struct credential_use *use)
{
    switch (use->from.family) {
    case ADDR_LOCAL:
        return FROM_LOCAL;
    case ADDR_V4:
        return FROM_V4;
    case ADDR_V6:
        return FROM_V6;
    default:
        return FROM_NEVER;
    }
}

static bool use_is_usual(const struct credential_use *use)
{
    bool was_used = use->at_s != 0;

    return fits_u32(use->at_s) && use->door <= DOOR_MASK && was_used == (from_of(use) != FROM_NEVER) &&
           (was_used || use->door == 0);
}

static void put_use(struct usual *row, const struct credential_use *use)
{
    if (row->head.from == FROM_NEVER)
        return;
    row->head.door = use->door & DOOR_MASK;
    put_u32(row->tail, (uint32_t)use->at_s);
    memcpy(row->tail + sizeof(uint32_t), use->from.b, from_octets[row->head.from]);
}

/* ---- making one ---- */

static bool secrets_are_usual(const struct credential_parts *p)
{
    const struct secret *secret = p->secrets;

    if (p->n_secrets == 0)
        return true;
    return p->n_secrets == 1 && secret->kind == SECRET_SHA256 && secret->len == SHA256_LEN && secret->ends_s == 0 &&
           (secret->starts_s == p->created_s || fits_u32(secret->starts_s));
}

static bool is_usual(const struct credential_parts *p)
{
    return p->n_names == 1 && p->n_networks == 0 && !p->networks_invalid && p->allowfrom[0] == '\0' &&
           p->expires_s == 0 && p->revoked_s == 0 && p->actions <= ACTIONS_MASK && p->kinds <= KINDS_MASK &&
           (p->created_s == p->name_created_s || fits_u32(p->created_s)) && secrets_are_usual(p) &&
           use_is_usual(&p->last_use);
}

static int16_t secret_place(const struct credential_parts *p)
{
    int64_t difference;

    if (p->n_secrets == 0)
        return SECRET_NONE;
    difference = (int64_t)p->secrets[0].id - p->id;
    return difference > SECRET_FAR && difference < SECRET_NONE ? (int16_t)difference : SECRET_FAR;
}

static struct credential front_of(const struct credential_parts *p)
{
    return (struct credential){.uuid = p->uuid, .id = p->id, .account = p->account};
}

static struct head usual_head(const struct credential_parts *p)
{
    return (struct head){
        .c = front_of(p),
        .actions = p->actions & ACTIONS_MASK,
        .kinds = p->kinds & KINDS_MASK,
        .from = from_of(&p->last_use) & 3u,
        .has_created = p->created_s != p->name_created_s,
        .has_starts = p->n_secrets > 0 && p->secrets[0].starts_s != p->created_s,
        .has_label = p->label[0] != '\0',
        .secret = secret_place(p),
    };
}

static void put_usual(struct usual *row, const struct credential_parts *p)
{
    const struct head *h = &row->head;

    row->head = usual_head(p);
    row->name = p->names[0];
    if (p->n_secrets > 0)
        memcpy(row->hash, p->secrets[0].data, sizeof row->hash);
    else
        memset(row->hash, 0, sizeof row->hash);
    put_use(row, &p->last_use);
    if (h->has_created)
        put_u32(row->tail + created_at(h), (uint32_t)p->created_s);
    if (h->has_starts)
        put_u32(row->tail + starts_at(h), (uint32_t)p->secrets[0].starts_s);
    if (h->secret == SECRET_FAR)
        put_u32(row->tail + id_at(h), p->secrets[0].id);
    if (h->has_label)
        memcpy(row->tail + label_at(h), p->label, strlen(p->label) + 1);
}

static uint8_t *put_octets(uint8_t *at, const void *octets, size_t n)
{
    if (n > 0)
        memcpy(at, octets, n);
    return at + n;
}

static void put_general(struct general *row, const struct credential_parts *p)
{
    uint8_t *at = (uint8_t *)&row->secrets[p->n_secrets];

    *row = (struct general){
        .head = {.c = front_of(p), .is_general = 1},
        .n_secrets = (uint32_t)p->n_secrets,
        .created_s = p->created_s,
        .expires_s = p->expires_s,
        .revoked_s = p->revoked_s,
        .last_used_s = p->last_use.at_s,
        .n_names = (uint32_t)p->n_names,
        .n_networks = (uint32_t)p->n_networks,
        .last_from = p->last_use.from,
        .last_door = p->last_use.door,
        .actions = p->actions,
        .kinds = p->kinds,
        .networks_invalid = p->networks_invalid,
    };
    at = put_octets(at, p->names, p->n_names * sizeof *p->names);
    at = put_octets(at, p->networks, p->n_networks * sizeof *p->networks);
    for (size_t i = 0; i < p->n_secrets; i++) {
        const struct secret *from = &p->secrets[i];

        row->secrets[i] = (struct general_secret){.starts_s = from->starts_s,
                                                  .ends_s = from->ends_s,
                                                  .id = from->id,
                                                  .len = from->len,
                                                  .kind = from->kind};
        at = put_octets(at, from->data, from->len);
    }
    at = put_octets(at, p->label, strlen(p->label) + 1);
    (void)put_octets(at, p->allowfrom, strlen(p->allowfrom) + 1);
}

void credential_row_put(struct credential *row, const struct credential_parts *p)
{
    if (is_usual(p))
        put_usual((void *)row, p);
    else
        put_general((void *)row, p);
}

/* ---- sizes ---- */

static size_t usual_size(const struct head *h, const char *label)
{
    return offsetof(struct usual, tail) + label_at(h) + (h->has_label ? strlen(label) + 1 : 0);
}

size_t credential_row_size(const struct credential_parts *p)
{
    size_t octets = offsetof(struct general, secrets);
    struct head h;

    if (is_usual(p)) {
        h = usual_head(p);
        return usual_size(&h, p->label);
    }
    octets += p->n_secrets * sizeof(struct general_secret) + p->n_names * sizeof *p->names +
              p->n_networks * sizeof *p->networks + strlen(p->label) + 1 + strlen(p->allowfrom) + 1;
    for (size_t i = 0; i < p->n_secrets; i++)
        octets += p->secrets[i].len;
    return octets;
}

size_t credential_row_octets(const struct credential *c)
{
    const char *allowfrom;

    if (!is_general(c))
        return usual_size(head_of(c), credential_label(c));
    allowfrom = credential_allowfrom(c); /* comes last */
    return (size_t)(allowfrom + strlen(allowfrom) + 1 - (const char *)c);
}

/* ---- reading ---- */

uint8_t credential_actions(const struct credential *c)
{
    return is_general(c) ? general_of(c)->actions : (uint8_t)head_of(c)->actions;
}

uint8_t credential_kinds(const struct credential *c)
{
    return is_general(c) ? general_of(c)->kinds : (uint8_t)head_of(c)->kinds;
}

int64_t credential_row_created_s(const struct credential *c, int64_t name_created_s)
{
    const struct usual *u = usual_of(c);

    if (is_general(c))
        return general_of(c)->created_s;
    return u->head.has_created ? get_u32(u->tail + created_at(&u->head)) : name_created_s;
}

int64_t credential_expires_s(const struct credential *c)
{
    return is_general(c) ? general_of(c)->expires_s : 0;
}

int64_t credential_revoked_s(const struct credential *c)
{
    return is_general(c) ? general_of(c)->revoked_s : 0;
}

uint32_t credential_n_names(const struct credential *c)
{
    return is_general(c) ? general_of(c)->n_names : 1;
}

const uint32_t *credential_names(const struct credential *c)
{
    const struct general *g = general_of(c);

    return is_general(c) ? (const void *)&g->secrets[g->n_secrets] : &usual_of(c)->name;
}

uint32_t credential_n_networks(const struct credential *c)
{
    return is_general(c) ? general_of(c)->n_networks : 0;
}

const struct net *credential_networks(const struct credential *c)
{
    return is_general(c) ? (const void *)(credential_names(c) + general_of(c)->n_names) : NULL;
}

bool credential_networks_invalid(const struct credential *c)
{
    return is_general(c) && general_of(c)->networks_invalid;
}

/* The data of the i-th secret of a general one; i may be their number. */
static const uint8_t *data_at(const struct credential *c, size_t i)
{
    const struct general *g = general_of(c);
    const uint8_t *at = (const void *)(credential_networks(c) + g->n_networks);

    for (size_t j = 0; j < i; j++)
        at += g->secrets[j].len;
    return at;
}

const char *credential_label(const struct credential *c)
{
    const struct usual *u = usual_of(c);

    if (is_general(c))
        return (const char *)data_at(c, general_of(c)->n_secrets);
    return u->head.has_label ? (const char *)u->tail + label_at(&u->head) : "";
}

const char *credential_allowfrom(const struct credential *c)
{
    const char *label = credential_label(c);

    return is_general(c) ? label + strlen(label) + 1 : "";
}

uint32_t credential_n_secrets(const struct credential *c)
{
    return is_general(c) ? general_of(c)->n_secrets : head_of(c)->secret != SECRET_NONE;
}

static uint32_t usual_secret_id(const struct usual *u)
{
    uint32_t difference = (uint32_t)u->head.secret;

    return u->head.secret == SECRET_FAR ? get_u32(u->tail + id_at(&u->head)) : u->head.c.id + difference;
}

static struct secret usual_secret(const struct usual *u, int64_t name_created_s)
{
    const struct head *h = &u->head;

    return (struct secret){
        .id = usual_secret_id(u),
        .len = sizeof u->hash,
        .kind = SECRET_SHA256,
        .data = u->hash,
        .starts_s =
            h->has_starts ? get_u32(u->tail + starts_at(h)) : credential_row_created_s(&h->c, name_created_s),
    };
}

struct secret credential_row_secret(const struct credential *c, size_t i, int64_t name_created_s)
{
    const struct general_secret *secret;

    assert(i < credential_n_secrets(c));
    if (!is_general(c))
        return usual_secret(usual_of(c), name_created_s);
    secret = &general_of(c)->secrets[i];
    return (struct secret){.id = secret->id,
                           .len = secret->len,
                           .kind = secret->kind,
                           .data = data_at(c, i),
                           .starts_s = secret->starts_s,
                           .ends_s = secret->ends_s};
}

int64_t credential_last_used_s(const struct credential *c)
{
    if (is_general(c))
        return general_of(c)->last_used_s;
    return head_of(c)->from != FROM_NEVER ? get_u32(usual_of(c)->tail) : 0;
}

struct credential_use credential_last_use(const struct credential *c)
{
    const struct head *h = head_of(c);
    struct credential_use use = {.at_s = credential_last_used_s(c)};

    if (is_general(c)) {
        use.from = general_of(c)->last_from;
        use.door = general_of(c)->last_door;
        return use;
    }
    if (h->from == FROM_NEVER)
        return use;
    use.from.family = from_family[h->from];
    memcpy(use.from.b, usual_of(c)->tail + sizeof(uint32_t), from_octets[h->from]);
    use.door = h->door;
    return use;
}

bool credential_row_use(struct credential *row, const struct credential_use *use)
{
    struct general *g = (void *)row;
    struct usual *u = (void *)row;

    if (!is_general(row)) {
        if (!use_is_usual(use) || u->head.from != (unsigned)from_of(use))
            return false;
        put_use(u, use);
        return true;
    }
    g->last_used_s = use->at_s;
    g->last_from = use->from;
    g->last_door = use->door;
    return true;
}

void credential_row_parts(struct credential_parts *out, const struct credential *c, int64_t name_created_s,
                          struct secret *secrets)
{
    *out = (struct credential_parts){
        .uuid = c->uuid,
        .id = c->id,
        .account = c->account,
        .actions = credential_actions(c),
        .kinds = credential_kinds(c),
        .networks_invalid = credential_networks_invalid(c),
        .label = credential_label(c),
        .allowfrom = credential_allowfrom(c),
        .secrets = secrets,
        .names = credential_names(c),
        .networks = credential_networks(c),
        .n_secrets = credential_n_secrets(c),
        .n_names = credential_n_names(c),
        .n_networks = credential_n_networks(c),
        .created_s = credential_row_created_s(c, name_created_s),
        .expires_s = credential_expires_s(c),
        .revoked_s = credential_revoked_s(c),
        .name_created_s = name_created_s,
        .last_use = credential_last_use(c),
    };
    for (size_t i = 0; i < out->n_secrets; i++)
        secrets[i] = credential_row_secret(c, i, name_created_s);
}
