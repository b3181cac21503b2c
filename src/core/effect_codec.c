/* The encoding of effects, EFFECT_FORMAT 1: a count (32 bits), then per effect its kind (16 bits) and its row, all
 * numbers big-endian; texts, octets and lists with their length in front.
 *
 * Each row is described once, by a function that walks its fields in order and, by the codec's direction, writes
 * each or reads it: so that decoding is the inverse of encoding by construction. Encoding walks a copy of the row,
 * so that the fields may be passed as places to read into either way. */
#include "core/effect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "core/value_set.h"

#define EFFECT_ROOM 256 /* octets in an encoding at first: an effect of a claim fits */

struct codec {
    struct wire_writer *w; /* encoding, else NULL */
    struct wire_reader *r; /* decoding, else NULL */
    struct arena *arena;   /* decoding: for what the rows point at */
};

/* ---- numbers ---- */

static void code_u8(struct codec *c, uint8_t *v)
{
    if (c->w != NULL)
        wire_put_u8(c->w, *v);
    else
        *v = wire_get_u8(c->r);
}

static void code_u16(struct codec *c, uint16_t *v)
{
    if (c->w != NULL)
        wire_put_u16(c->w, *v);
    else
        *v = wire_get_u16(c->r);
}

static void code_u32(struct codec *c, uint32_t *v)
{
    if (c->w != NULL)
        wire_put_u32(c->w, *v);
    else
        *v = wire_get_u32(c->r);
}

static void code_u64(struct codec *c, uint64_t *v)
{
    if (c->w != NULL)
        wire_put_u64(c->w, *v);
    else
        *v = wire_get_u64(c->r);
}

static void code_i64(struct codec *c, int64_t *v)
{
    uint64_t bits = (uint64_t)*v;

    code_u64(c, &bits);
    *v = (int64_t)bits; /* two's complement both ways (gcc and clang promise it) */
}

static void corrupt_unless(struct codec *c, bool right)
{
    if (c->r != NULL && !right)
        wire_fail(c->r, ERR_CORRUPT);
}

static void code_bool(struct codec *c, bool *v)
{
    uint8_t octet = *v ? 1 : 0;

    code_u8(c, &octet);
    corrupt_unless(c, octet <= 1);
    *v = octet == 1;
}

/* A set of flags, none outside of all. */
static void code_flags(struct codec *c, unsigned *v, unsigned all)
{
    uint32_t bits = *v;

    code_u32(c, &bits);
    corrupt_unless(c, (bits & ~all) == 0);
    *v = bits;
}

/* ---- octets and texts ---- */

/* len octets: written from bytes, or read and returned as they lie in the input; NULL after an error and when
 * encoding. */
static const uint8_t *code_octets(struct codec *c, const void *bytes, size_t len)
{
    if (c->r != NULL)
        return wire_get_bytes(c->r, len);
    wire_put_bytes(c->w, bytes, len);
    return NULL;
}

static void code_fixed(struct codec *c, uint8_t *bytes, size_t len)
{
    const uint8_t *read = code_octets(c, bytes, len);

    if (read != NULL)
        memcpy(bytes, read, len);
}

/* A copy in the arena, with a NUL behind it. */
static const char *keep(struct codec *c, const uint8_t *bytes, size_t len)
{
    const char *kept = arena_copy(c->arena, bytes, len);

    if (kept == NULL)
        wire_fail(c->r, ERR_MEMORY);
    return kept;
}

static void code_text(struct codec *c, const char **text)
{
    uint32_t len = c->w != NULL && *text != NULL ? (uint32_t)strlen(*text) : 0;
    const uint8_t *read;

    code_u32(c, &len);
    read = code_octets(c, *text, len);
    if (c->w != NULL)
        return;
    *text = NULL;
    if (read == NULL)
        return;
    corrupt_unless(c, memchr(read, '\0', len) == NULL);
    *text = keep(c, read, len);
}

/* Octets with a length of 16 bits. */
static void code_bytes(struct codec *c, const uint8_t **bytes, uint16_t *len)
{
    const uint8_t *read;

    code_u16(c, len);
    read = code_octets(c, *bytes, *len);
    if (c->w != NULL)
        return;
    *bytes = NULL;
    if (read != NULL)
        *bytes = (const uint8_t *)keep(c, read, *len);
}

static void code_rdata(struct codec *c, struct rdata *rdata)
{
    code_bytes(c, &rdata->bytes, &rdata->len);
}

/* The count of a list whose members take min_octets or more each, and, when decoding, room for it in the arena:
 * never more than the octets that are left can fill. NULL: empty, encoding, or an error (*n is then 0 when
 * decoding). */
static void *code_list(struct codec *c, size_t *n, size_t member_size, size_t min_octets)
{
    uint32_t count = (uint32_t)*n;
    void *room = NULL;

    assert(*n <= UINT32_MAX);
    code_u32(c, &count);
    if (c->w != NULL)
        return NULL;
    corrupt_unless(c, count <= wire_left(c->r) / min_octets);
    *n = c->r->err == ERR_OK ? count : 0;
    if (*n == 0)
        return NULL;
    room = arena_alloc(c->arena, *n * member_size);
    if (room == NULL) {
        wire_fail(c->r, ERR_MEMORY);
        *n = 0;
    }
    return room;
}

/* ---- parts of rows ---- */

static void code_addr(struct codec *c, struct addr *a)
{
    code_u8(c, &a->family);
    if (c->r != NULL)
        memset(a->b, 0, sizeof a->b);
    if (a->family == ADDR_V4)
        code_fixed(c, a->b, 4);
    else if (a->family == ADDR_V6)
        code_fixed(c, a->b, 16);
    else
        corrupt_unless(c, a->family == ADDR_NONE || a->family == ADDR_LOCAL);
}

static void code_nets(struct codec *c, size_t *n, const struct net **nets)
{
    struct net *room = code_list(c, n, sizeof *room, 2);

    for (size_t i = 0; i < *n; i++) {
        struct net net = {0};

        if (c->w != NULL)
            net = (*nets)[i];
        code_addr(c, &net.addr);
        code_u8(c, &net.prefix_len);
        corrupt_unless(c, (net.addr.family == ADDR_V4 && net.prefix_len <= 32) ||
                              (net.addr.family == ADDR_V6 && net.prefix_len <= 128));
        if (room != NULL)
            room[i] = net;
    }
    if (c->r != NULL)
        *nets = room;
}

static void code_ids(struct codec *c, size_t *n, const uint32_t **ids)
{
    uint32_t *room = code_list(c, n, sizeof *room, sizeof *room);

    for (size_t i = 0; i < *n; i++) {
        uint32_t id = c->w != NULL ? (*ids)[i] : 0;

        code_u32(c, &id);
        if (room != NULL)
            room[i] = id;
    }
    if (c->r != NULL)
        *ids = room;
}

static void code_texts(struct codec *c, size_t *n, const char *const **texts)
{
    const char **room = code_list(c, n, sizeof *room, sizeof(uint32_t));

    for (size_t i = 0; i < *n; i++) {
        const char *text = c->w != NULL ? (*texts)[i] : NULL;

        code_text(c, &text);
        if (room != NULL)
            room[i] = text;
    }
    if (c->r != NULL)
        *texts = room;
}

/* A domain name: its length and its octets, which must be one whole uncompressed name. Length 0: not set. */
static void code_owner(struct codec *c, struct name *n)
{
    const uint8_t *read;
    struct wire_reader inner;

    code_u8(c, &n->len);
    read = code_octets(c, n->b, n->len);
    if (c->w != NULL)
        return;
    if (read == NULL || n->len == 0) {
        *n = (struct name){0};
        return;
    }
    wire_reader_init(&inner, read, n->len);
    corrupt_unless(c, name_decode(&inner, n) == ERR_OK && wire_left(&inner) == 0 && n->len == inner.len);
}

static void code_soa(struct codec *c, struct soa *soa)
{
    code_owner(c, &soa->mname);
    code_owner(c, &soa->rname);
    code_u32(c, &soa->refresh_s);
    code_u32(c, &soa->retry_s);
    code_u32(c, &soa->expire_s);
    code_u32(c, &soa->minimum_s);
    code_u32(c, &soa->ttl_s);
}

#define RECORD_MIN_OCTETS 9 /* length of the owner, type, TTL, length of the rdata */

static void code_records(struct codec *c, size_t *n, const struct record **records)
{
    struct record *room = code_list(c, n, sizeof *room, RECORD_MIN_OCTETS);

    for (size_t i = 0; i < *n; i++) {
        struct record record = {0};

        if (c->w != NULL)
            record = (*records)[i];
        code_owner(c, &record.owner);
        code_u16(c, &record.type);
        code_u32(c, &record.ttl_s);
        code_rdata(c, &record.rdata);
        if (room != NULL)
            room[i] = record;
    }
    if (c->r != NULL)
        *records = room;
}

/* The row of size bytes that a decoded effect is to point at; when encoding there is nothing to keep. */
static void *keep_row(struct codec *c, const void *row, size_t size)
{
    void *kept = arena_alloc(c->arena, size);

    if (kept == NULL)
        wire_fail(c->r, ERR_MEMORY);
    else
        memcpy(kept, row, size);
    return kept;
}

/* ---- rows ---- */

static void code_claim(struct codec *c, struct effect *f)
{
    struct effect_claim *row = &f->u.claim;

    code_u32(c, &row->name);
    code_u32(c, &row->credential);
    code_u32(c, &row->slot);
    code_u64(c, &row->order);
    code_i64(c, &row->added_s);
    code_i64(c, &row->expires_s);
    code_addr(c, &row->network);
    code_u8(c, &row->door);
    corrupt_unless(c, row->door < DOOR_COUNT);
    code_bool(c, &row->pinned);
    code_rdata(c, &row->rdata);
    if (c->r != NULL && c->r->err == ERR_OK)
        corrupt_unless(c, value_rdata_is_valid(row->rdata.bytes, row->rdata.len));
}

static void code_name(struct codec *c, struct effect *f)
{
    struct effect_name row = {0};

    if (c->w != NULL)
        row = *f->u.name;
    code_u32(c, &row.id);
    code_u32(c, &row.account);
    code_u32(c, &row.zone);
    code_owner(c, &row.owner);
    code_i64(c, &row.created_s);
    code_i64(c, &row.retired_s);
    code_bool(c, &row.subtree);
    code_texts(c, &row.n_domains, &row.domains);
    if (c->r != NULL)
        f->u.name = keep_row(c, &row, sizeof row);
}

static void code_account(struct codec *c, struct effect *f)
{
    struct effect_account *row = &f->u.account;

    code_u32(c, &row->id);
    code_text(c, &row->name);
    code_text(c, &row->note);
    code_i64(c, &row->created_s);
    code_i64(c, &row->deleted_s);
    code_u32(c, &row->names_max);
    code_bool(c, &row->disabled);
    code_bool(c, &row->unclaimed);
}

static void code_credential(struct codec *c, struct effect *f)
{
    struct effect_credential row = {0};

    if (c->w != NULL)
        row = *f->u.credential;
    code_u32(c, &row.id);
    code_fixed(c, row.uuid.b, sizeof row.uuid.b);
    code_u32(c, &row.account);
    code_text(c, &row.label);
    code_flags(c, &row.actions, ACTION_ADD | ACTION_REMOVE | ACTION_READ | ACTION_MANAGE | ACTION_ADMINISTER);
    code_flags(c, &row.kinds, VALUE_KIND_CHALLENGE | VALUE_KIND_PINNED);
    code_nets(c, &row.n_networks, &row.networks);
    code_text(c, &row.allowfrom);
    code_bool(c, &row.networks_invalid);
    code_i64(c, &row.created_s);
    code_i64(c, &row.expires_s);
    code_i64(c, &row.revoked_s);
    code_ids(c, &row.n_names, &row.names);
    if (c->r != NULL)
        f->u.credential = keep_row(c, &row, sizeof row);
}

static void code_secret(struct codec *c, struct effect *f)
{
    struct effect_secret *row = &f->u.secret;

    code_u32(c, &row->id);
    code_u32(c, &row->credential);
    code_u8(c, &row->kind);
    corrupt_unless(c, row->kind >= SECRET_SHA256 && row->kind <= SECRET_TSIG);
    code_bytes(c, &row->data, &row->len);
    corrupt_unless(c, row->len <= SECRET_DATA_MAX);
    code_i64(c, &row->starts_s);
    code_i64(c, &row->ends_s);
}

static void code_grant(struct codec *c, struct effect *f)
{
    code_u32(c, &f->u.grant.name);
    code_u32(c, &f->u.grant.account);
}

static void code_token(struct codec *c, struct effect *f)
{
    struct effect_token row = {0};

    if (c->w != NULL)
        row = *f->u.token;
    code_u32(c, &row.id);
    code_u32(c, &row.account);
    code_fixed(c, row.sha256, sizeof row.sha256);
    code_i64(c, &row.created_s);
    code_i64(c, &row.expires_s);
    code_i64(c, &row.revoked_s);
    code_u32(c, &row.count_max);
    code_u32(c, &row.used);
    code_nets(c, &row.n_networks, &row.networks);
    code_text(c, &row.labels);
    if (c->r != NULL)
        f->u.token = keep_row(c, &row, sizeof row);
}

static void code_alias(struct codec *c, struct effect *f)
{
    struct effect_alias row = {0};

    if (c->w != NULL)
        row = *f->u.alias;
    code_u32(c, &row.id);
    code_u32(c, &row.name);
    code_owner(c, &row.fqdn);
    code_bool(c, &row.served);
    if (c->r != NULL)
        f->u.alias = keep_row(c, &row, sizeof row);
}

static void code_zone(struct codec *c, struct effect *f)
{
    struct effect_zone row = {0};
    struct zone_spec *spec = &row.spec;
    uint8_t caa;

    if (c->w != NULL)
        row = *f->u.zone;
    caa = (uint8_t)spec->challenge_caa;
    code_u32(c, &row.id);
    code_owner(c, &spec->apex);
    code_soa(c, &spec->soa);
    code_records(c, &spec->n_records, &spec->records);
    code_u8(c, &caa);
    corrupt_unless(c, caa <= CHALLENGE_CAA_DENY);
    spec->challenge_caa = (enum challenge_caa)caa;
    code_u32(c, &spec->value_ttl_s);
    code_u32(c, &spec->pinned_ttl_s);
    if (c->r != NULL)
        f->u.zone = keep_row(c, &row, sizeof row);
}

static void code_zone_removed(struct codec *c, struct effect *f)
{
    struct effect_zone row = {0};

    if (c->w != NULL)
        row.id = f->u.zone->id;
    code_u32(c, &row.id);
    if (c->r != NULL)
        f->u.zone = keep_row(c, &row, sizeof row);
}

static void code_serial(struct codec *c, struct effect *f)
{
    code_u32(c, &f->u.serial.zone);
    code_u32(c, &f->u.serial.serial);
}

static void code_restored(struct codec *c, struct effect *f)
{
    code_u64(c, &f->u.restored.ended_seq);
    code_i64(c, &f->u.restored.ended_s);
    code_bool(c, &f->u.restored.exactly);
}

typedef void code_row(struct codec *c, struct effect *f);

/* The function of a kind's row; NULL: not a kind that this program knows. */
static code_row *code_row_of(unsigned kind)
{
    static code_row *const rows[] = {
        [EFFECT_CLAIM_ADDED] = code_claim,
        [EFFECT_CLAIM_RENEWED] = code_claim,
        [EFFECT_CLAIM_REMOVED] = code_claim,
        [EFFECT_CLAIM_EVICTED] = code_claim,
        [EFFECT_CLAIM_EXPIRED] = code_claim,
        [EFFECT_NAME_MADE] = code_name,
        [EFFECT_NAME_SET] = code_name,
        [EFFECT_NAME_RETIRED] = code_name,
        [EFFECT_NAME_REVIVED] = code_name,
        [EFFECT_ACCOUNT_MADE] = code_account,
        [EFFECT_ACCOUNT_SET] = code_account,
        [EFFECT_ACCOUNT_DELETED] = code_account,
        [EFFECT_CREDENTIAL_MADE] = code_credential,
        [EFFECT_CREDENTIAL_SET] = code_credential,
        [EFFECT_CREDENTIAL_REVOKED] = code_credential,
        [EFFECT_SECRET_ADDED] = code_secret,
        [EFFECT_SECRET_SET] = code_secret,
        [EFFECT_SECRET_ENDED] = code_secret,
        [EFFECT_GRANT_MADE] = code_grant,
        [EFFECT_GRANT_ENDED] = code_grant,
        [EFFECT_TOKEN_MADE] = code_token,
        [EFFECT_TOKEN_USED] = code_token,
        [EFFECT_TOKEN_REVOKED] = code_token,
        [EFFECT_ALIAS_MADE] = code_alias,
        [EFFECT_ALIAS_ENDED] = code_alias,
        [EFFECT_ZONE_SET] = code_zone,
        [EFFECT_ZONE_REMOVED] = code_zone_removed,
        [EFFECT_ZONE_SERIAL] = code_serial,
        [EFFECT_ALIAS_SERIAL] = code_serial,
        [EFFECT_RESTORED] = code_restored,
    };

    return kind < ARRAY_LEN(rows) ? rows[kind] : NULL;
}

/* ---- entries ---- */

static void encode_all(const struct entry *e, struct wire_writer *w)
{
    struct codec c = {.w = w};

    assert(e->n_effects <= UINT32_MAX);
    wire_put_u32(w, (uint32_t)e->n_effects);
    for (size_t i = 0; i < e->n_effects && w->err == ERR_OK; i++) {
        struct effect f = e->effects[i];
        code_row *code = code_row_of(f.kind);

        assert(code != NULL);
        wire_put_u16(w, (uint16_t)f.kind);
        code(&c, &f);
    }
}

enum err effects_encode(const struct entry *e, uint8_t **out, size_t *len)
{
    *out = NULL;
    *len = 0;
    /* What does not fit is encoded again into twice the room. The ceiling is what the entry itself takes in memory.
     */
    for (size_t cap = (e->n_effects + 1) * EFFECT_ROOM; cap <= SIZE_MAX / 2; cap *= 2) {
        uint8_t *bytes = malloc(cap);
        struct wire_writer w;

        if (bytes == NULL)
            return ERR_MEMORY;
        wire_writer_init(&w, bytes, cap);
        encode_all(e, &w);
        if (w.err == ERR_OK) {
            *out = bytes;
            *len = w.len;
            return ERR_OK;
        }
        free(bytes);
    }
    return ERR_MEMORY;
}

static void decode_one(struct codec *c, struct entry *e)
{
    struct effect f = {0};
    unsigned kind = wire_get_u16(c->r);
    code_row *code = code_row_of(kind);

    if (code == NULL) { /* the end of the input is no kind either, but then the first error stays */
        wire_fail(c->r, ERR_VERSION);
        return;
    }
    f.kind = (enum effect_kind)kind;
    code(c, &f);
    if (c->r->err == ERR_OK && entry_add(e, &f) != ERR_OK)
        wire_fail(c->r, ERR_MEMORY);
}

enum err effects_decode(struct entry *e, unsigned format, const uint8_t *bytes, size_t len)
{
    struct wire_reader r;
    struct codec c = {.r = &r, .arena = &e->arena};
    uint32_t n;

    e->n_effects = 0;
    if (format != EFFECT_FORMAT)
        return ERR_VERSION;
    wire_reader_init(&r, bytes, len);
    n = wire_get_u32(&r);
    for (uint32_t i = 0; i < n && r.err == ERR_OK; i++)
        decode_one(&c, e);
    corrupt_unless(&c, wire_left(&r) == 0);
    if (r.err == ERR_OK)
        return ERR_OK;
    e->n_effects = 0;
    return r.err == ERR_SHORT ? ERR_CORRUPT : r.err;
}
