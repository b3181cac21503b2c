/* Loading: one ordered scan a table, in one consistent view. Each row becomes the effects that would have made it,
 * and state_fold() takes it from there: what is loaded and what is decided go one way. Rows come in the order of
 * their ids and after the rows that they refer to. Lists are read along with their row, from a second ordered scan.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "db/sqlite_store.h"

#define PROGRESS_ROWS   100000             /* a report each */
#define LIST_OCTETS_MAX ((size_t)64 << 20) /* of one row */

struct loader {
    sqlite3 *db;
    struct state *s;
    uint64_t seq;
    const struct store_progress *progress; /* may be NULL */
    struct arena arena;                    /* of the row at hand */
    struct net *nets;
    size_t cap_nets;
    struct effect_claim *claims;
    size_t cap_claims;
    uint64_t last_credential;
    const char *what; /* the table at hand, for progress and errors */
    uint64_t rows, last_id;
};

/* The rows of a second table that belong to the row at hand. */
struct list {
    struct row r;
    bool has; /* a row is waiting */
    uint32_t of;
};

static void list_step(struct list *l)
{
    l->has = row_next(&l->r);
    if (l->has)
        l->of = row_u32(&l->r);
}

static enum err list_open(struct list *l, sqlite3 *db, const char *sql)
{
    enum err e;

    *l = (struct list){0};
    e = conn_prepare(db, sql, &l->r.st);
    if (e == ERR_OK)
        list_step(l);
    return e != ERR_OK ? e : l->r.err;
}

/* True: the waiting row belongs to `of`. */
static bool list_is_at(const struct list *l, uint32_t of)
{
    return l->has && l->r.err == ERR_OK && l->of == of;
}

/* A row that belongs to nobody is left over at the end. */
static enum err list_close(struct list *l, enum err e)
{
    if (e == ERR_OK)
        e = l->r.err;
    if (e == ERR_OK && l->has)
        e = ERR_CORRUPT;
    (void)sqlite3_finalize(l->r.st); /* r.err has it */
    return e;
}

static enum err fold(struct loader *ld, const struct effect *f)
{
    return state_fold(ld->s, ld->seq, f);
}

static void report(struct loader *ld, uint64_t id)
{
    ld->rows++;
    if (ld->progress != NULL && ld->progress->report != NULL && ld->rows % PROGRESS_ROWS == 0)
        ld->progress->report(ld->progress->arg, ld->what, id, ld->last_id);
}

#define LISTS 2

typedef enum err load_row(struct loader *ld, struct row *r, struct list lists[LISTS]);

struct scan {
    const char *what;
    const char *sql;
    const char *last_id_sql;
    load_row *load;
    const char *list_sql[LISTS]; /* NULL: there is none */
};

static enum err last_id(struct loader *ld, const char *sql, uint64_t *out)
{
    int64_t id = 0;
    enum err e = conn_number(ld->db, sql, 0, &id);

    *out = (uint64_t)id;
    return e;
}

static enum err run_scan(struct loader *ld, const struct scan *scan)
{
    struct row r = {0};
    struct list lists[LISTS] = {0};
    enum err e = last_id(ld, scan->last_id_sql, &ld->last_id);

    ld->what = scan->what;
    ld->rows = 0;
    if (e == ERR_OK)
        e = conn_prepare(ld->db, scan->sql, &r.st);
    for (size_t i = 0; e == ERR_OK && i < LISTS && scan->list_sql[i] != NULL; i++)
        e = list_open(&lists[i], ld->db, scan->list_sql[i]);
    while (e == ERR_OK && row_next(&r)) {
        int64_t id = sqlite3_column_int64(r.st, 0);
        e = scan->load(ld, &r, lists);
        state_forget_rows(ld->s);
        if (ld->arena.total > 0)
            arena_fini(&ld->arena);
        report(ld, (uint64_t)id);
    }
    if (e == ERR_OK)
        e = r.err;
    (void)sqlite3_finalize(r.st); /* r.err has it */
    for (size_t i = 0; i < LISTS; i++)
        e = list_close(&lists[i], e);
    return e;
}

/* ---- zones ---- */

static void read_record(struct loader *ld, struct list *l, struct record *out)
{
    const uint8_t *bytes;
    size_t len;
    char *copy;

    row_name(&l->r, &out->owner);
    out->type = (uint16_t)row_int_to(&l->r, UINT16_MAX);
    out->ttl_s = row_u32(&l->r);
    bytes = row_blob(&l->r, &len);
    copy = arena_copy(&ld->arena, bytes != NULL ? (const char *)bytes : "", len);
    if (len > UINT16_MAX)
        l->r.err = ERR_CORRUPT;
    else if (copy == NULL)
        l->r.err = ERR_MEMORY;
    out->rdata = (struct rdata){.bytes = (const uint8_t *)copy, .len = (uint16_t)len};
}

/* The static records of a zone into the arena. */
static enum err read_records(struct loader *ld, struct list *l, uint32_t zone, struct zone_spec *spec)
{
    struct record *records = NULL;
    size_t cap = 0;
    size_t n = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && list_is_at(l, zone)) {
        void *grown = records;
        e = array_reserve(&grown, &cap, n + 1, sizeof *records);
        records = grown;
        if (e != ERR_OK)
            break;
        read_record(ld, l, &records[n++]);
        list_step(l);
        e = l->r.err;
    }
    if (e == ERR_OK && n > 0) {
        spec->records = (const struct record *)arena_copy(&ld->arena, records, n * sizeof *records);
        spec->n_records = n;
        e = spec->records == NULL ? ERR_MEMORY : ERR_OK;
    }
    free(records);
    return e;
}

static void read_soa(struct row *r, struct soa *soa)
{
    row_name(r, &soa->mname);
    row_name(r, &soa->rname);
    soa->refresh_s = row_u32(r);
    soa->retry_s = row_u32(r);
    soa->expire_s = row_u32(r);
    soa->minimum_s = row_u32(r);
    soa->ttl_s = row_u32(r);
}

static enum err load_zone(struct loader *ld, struct row *r, struct list lists[LISTS])
{
    struct effect_zone *z = arena_alloc(&ld->arena, sizeof *z);
    struct effect f = {.kind = EFFECT_ZONE_SET, .u.zone = z};
    struct effect serial = {.kind = EFFECT_ZONE_SERIAL};
    bool removed;
    enum err e;

    if (z == NULL)
        return ERR_MEMORY;
    z->id = row_u32(r);
    removed = row_bool(r);
    row_name(r, &z->spec.apex);
    serial.u.serial = (struct effect_serial){.zone = z->id, .serial = row_u32(r)};
    read_soa(r, &z->spec.soa);
    z->spec.challenge_caa = row_bool(r) ? CHALLENGE_CAA_DENY : CHALLENGE_CAA_NONE;
    z->spec.value_ttl_s = row_u32(r);
    z->spec.pinned_ttl_s = row_u32(r);
    e = r->err == ERR_OK ? read_records(ld, &lists[0], z->id, &z->spec) : r->err;
    if (e == ERR_OK)
        e = fold(ld, &f);
    if (e == ERR_OK && serial.u.serial.serial != 0)
        e = fold(ld, &serial);
    f.kind = EFFECT_ZONE_REMOVED;
    return e == ERR_OK && removed ? fold(ld, &f) : e;
}

/* ---- accounts and names ---- */

static enum err load_account(struct loader *ld, struct row *r, struct list *none)
{
    struct effect f = {.kind = EFFECT_ACCOUNT_MADE};
    struct effect_account *a = &f.u.account;

    (void)none;
    a->id = row_u32(r);
    a->name = row_text(r);
    a->note = row_text(r);
    a->created_s = row_int(r);
    a->deleted_s = row_int(r);
    a->names_max = row_u32(r);
    a->disabled = row_bool(r);
    a->unclaimed = row_bool(r);
    return r->err == ERR_OK ? fold(ld, &f) : r->err;
}

/* Texts that belong to a row, into the arena. */
static enum err read_texts(struct loader *ld, struct list *l, uint32_t of, const char *const **out, size_t *n)
{
    void *array = NULL;
    size_t cap = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && list_is_at(l, of)) {
        const char *text = row_text(&l->r);
        size_t len = strlen(text);
        e = array_reserve(&array, &cap, *n + 1, sizeof(char *));
        if (e != ERR_OK)
            break;
        ((const char **)array)[*n] = arena_copy(&ld->arena, text, len);
        if (((const char **)array)[(*n)++] == NULL)
            e = ERR_MEMORY;
        list_step(l);
        if (e == ERR_OK)
            e = l->r.err;
    }
    if (e == ERR_OK && *n > 0) {
        *out = (const char *const *)(void *)arena_copy(&ld->arena, array, *n * sizeof(char *));
        e = *out == NULL ? ERR_MEMORY : ERR_OK;
    }
    free(array);
    return e;
}

static void read_claim(struct loader *ld, struct row *r, struct effect_claim *c)
{
    const uint8_t *bytes;
    size_t len;

    c->slot = row_u32(r);
    c->credential = row_u32(r);
    c->order = (uint64_t)row_int_to(r, INT64_MAX);
    c->added_s = row_int(r);
    c->expires_s = row_int(r);
    row_addr(r, &c->network);
    c->door = (uint8_t)row_int_to(r, DOOR_COUNT - 1);
    c->pinned = row_bool(r);
    bytes = row_blob(r, &len);
    c->rdata.len = (uint16_t)len;
    c->rdata.bytes = (const uint8_t *)arena_copy(&ld->arena, bytes != NULL ? (const char *)bytes : "", len);
    if (len > UINT16_MAX || c->credential > ld->last_credential)
        r->err = ERR_CORRUPT;
    else if (c->rdata.bytes == NULL)
        r->err = ERR_MEMORY;
}

/* The claims of a name; *out is the loader's. Their credentials come later, with all ids up to the last. */
static enum err read_claims(struct loader *ld, struct list *l, uint32_t name, size_t *n)
{
    enum err e = ERR_OK;

    *n = 0;
    while (e == ERR_OK && list_is_at(l, name)) {
        e = array_reserve((void **)&ld->claims, &ld->cap_claims, *n + 1, sizeof *ld->claims);
        if (e != ERR_OK)
            break;
        ld->claims[*n] = (struct effect_claim){.name = name};
        read_claim(ld, &l->r, &ld->claims[*n]);
        ++*n;
        e = l->r.err;
        list_step(l);
    }
    return e == ERR_OK ? l->r.err : e;
}

static enum err load_name(struct loader *ld, struct row *r, struct list lists[LISTS])
{
    struct effect_name n = {.id = row_u32(r)};
    size_t n_claims = 0;
    enum err e;

    n.account = row_u32(r);
    n.zone = row_u32(r);
    row_name(r, &n.owner);
    n.created_s = row_int(r);
    n.retired_s = row_int(r);
    n.subtree = row_bool(r);
    e = r->err == ERR_OK ? read_texts(ld, &lists[0], n.id, &n.domains, &n.n_domains) : r->err;
    if (e == ERR_OK)
        e = read_claims(ld, &lists[1], n.id, &n_claims);
    return e == ERR_OK ? state_load_name(ld->s, &n, ld->claims, n_claims) : e;
}

/* ---- credentials and their secrets ---- */

static enum err read_ids(struct loader *ld, struct list *l, uint32_t of, const uint32_t **out, size_t *n)
{
    void *array = NULL;
    size_t cap = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && list_is_at(l, of)) {
        e = array_reserve(&array, &cap, *n + 1, sizeof(uint32_t));
        if (e != ERR_OK)
            break;
        ((uint32_t *)array)[(*n)++] = row_u32(&l->r);
        list_step(l);
        e = l->r.err;
    }
    if (e == ERR_OK && *n > 0) {
        *out = (const uint32_t *)(void *)arena_copy(&ld->arena, array, *n * sizeof(uint32_t));
        e = *out == NULL ? ERR_MEMORY : ERR_OK;
    }
    free(array);
    return e;
}

/* Octets of a fixed length. */
static void read_fixed(struct row *r, uint8_t *out, size_t len)
{
    size_t got;
    const uint8_t *bytes = row_blob(r, &got);

    if (got == len && bytes != NULL)
        memcpy(out, bytes, len);
    else if (r->err == ERR_OK)
        r->err = ERR_CORRUPT;
}

/* The use of a credential. It is noted before the next row comes, so that its room is made once. */
static enum err load_observation(struct loader *ld, struct list *l, uint32_t credential)
{
    struct credential_use use = {0};
    enum err e;

    if (!list_is_at(l, credential))
        return l->r.err;
    use.at_s = row_int(&l->r);
    row_addr(&l->r, &use.from);
    use.door = (uint8_t)row_int_to(&l->r, DOOR_COUNT - 1);
    if (l->r.err != ERR_OK)
        return l->r.err;
    e = state_observe(ld->s, credential, &use);
    if (e != ERR_OK)
        return e;
    state_observation_stored(ld->s, credential);
    list_step(l);
    return l->r.err;
}

static enum err load_credential(struct loader *ld, struct row *r, struct list lists[LISTS])
{
    struct effect_credential c = {.id = row_u32(r)};
    struct effect f = {.kind = EFFECT_CREDENTIAL_MADE, .u.credential = &c};
    enum err e;

    read_fixed(r, c.uuid.b, sizeof c.uuid.b);
    c.account = row_u32(r);
    c.label = row_text(r);
    c.actions = row_u32(r);
    c.kinds = row_u32(r);
    c.n_networks = row_nets(r, &ld->nets, &ld->cap_nets);
    c.networks = c.n_networks > 0 ? ld->nets : NULL;
    c.allowfrom = row_text(r);
    c.networks_invalid = row_bool(r);
    c.created_s = row_int(r);
    c.expires_s = row_int(r);
    c.revoked_s = row_int(r);
    e = r->err == ERR_OK ? read_ids(ld, &lists[0], c.id, &c.names, &c.n_names) : r->err;
    if (e == ERR_OK)
        e = fold(ld, &f);
    return e == ERR_OK ? load_observation(ld, &lists[1], c.id) : e;
}

/* One that has ended is made and ended again, so that its id counts as given out. */
static enum err load_secret(struct loader *ld, struct row *r, struct list *none)
{
    struct effect f = {.kind = EFFECT_SECRET_ADDED};
    struct effect_secret *c = &f.u.secret;
    static const uint8_t nothing[1] = {0};
    bool ended;
    size_t len;
    enum err e;

    (void)none;
    c->id = row_u32(r);
    c->credential = row_u32(r);
    c->kind = (uint8_t)row_int_to(r, UINT8_MAX);
    c->data = row_blob(r, &len);
    if (len > SECRET_DATA_MAX)
        return ERR_CORRUPT;
    c->len = (uint16_t)len;
    c->starts_s = row_int(r);
    c->ends_s = row_int(r);
    ended = row_bool(r);
    if (r->err != ERR_OK)
        return r->err;
    if (ended) {
        c->data = nothing;
        c->len = sizeof nothing;
    }
    e = fold(ld, &f);
    f.kind = EFFECT_SECRET_ENDED;
    return e == ERR_OK && ended ? fold(ld, &f) : e;
}

/* ---- the rest ---- */

static enum err load_grant(struct loader *ld, struct row *r, struct list *none)
{
    struct effect f = {.kind = EFFECT_GRANT_MADE};

    (void)none;
    f.u.grant.name = row_u32(r);
    f.u.grant.account = row_u32(r);
    return r->err == ERR_OK ? fold(ld, &f) : r->err;
}

static enum err load_token(struct loader *ld, struct row *r, struct list *none)
{
    struct effect_token t = {.id = row_u32(r)};
    struct effect f = {.kind = EFFECT_TOKEN_MADE, .u.token = &t};

    (void)none;
    t.account = row_u32(r);
    read_fixed(r, t.sha256, sizeof t.sha256);
    t.created_s = row_int(r);
    t.expires_s = row_int(r);
    t.revoked_s = row_int(r);
    t.count_max = row_u32(r);
    t.used = row_u32(r);
    t.n_networks = row_nets(r, &ld->nets, &ld->cap_nets);
    t.networks = t.n_networks > 0 ? ld->nets : NULL;
    t.labels = row_text(r);
    return r->err == ERR_OK ? fold(ld, &f) : r->err;
}

static enum err load_alias(struct loader *ld, struct row *r, struct list *none)
{
    struct effect_alias a = {.id = row_u32(r)};
    struct effect f = {.kind = EFFECT_ALIAS_MADE, .u.alias = &a};
    struct effect serial = {.kind = EFFECT_ALIAS_SERIAL};
    bool ended;
    enum err e;

    (void)none;
    a.name = row_u32(r);
    row_name(r, &a.fqdn);
    a.served = row_bool(r);
    serial.u.serial = (struct effect_serial){.zone = a.id, .serial = row_u32(r)};
    ended = row_bool(r);
    e = r->err == ERR_OK ? fold(ld, &f) : r->err;
    if (e == ERR_OK && serial.u.serial.serial != 0)
        e = fold(ld, &serial);
    f.kind = EFFECT_ALIAS_ENDED;
    return e == ERR_OK && ended ? fold(ld, &f) : e;
}

/* Account 0 and credential 0 are no rows of the state. */
static const struct scan scans[] = {
    {"zones",
     "SELECT id, removed, apex, serial, mname, rname, refresh_s, retry_s, expire_s, minimum_s, ttl_s, "
     "challenge_caa,"
     " value_ttl_s, pinned_ttl_s FROM zones ORDER BY id",
     "SELECT max(id) FROM zones",
     load_zone,
     {"SELECT zone, owner, type, ttl_s, rdata FROM zone_records ORDER BY zone, place"}},
    {"accounts",
     "SELECT id, name, note, created_s, deleted_s, names_max, disabled, unclaimed FROM accounts WHERE id > 0"
     " ORDER BY id",
     "SELECT max(id) FROM accounts",
     load_account,
     {NULL}},
    {"names",
     "SELECT id, account, zone, owner, created_s, retired_s, subtree FROM names ORDER BY id",
     "SELECT max(id) FROM names",
     load_name,
     {"SELECT name, domain FROM name_domains ORDER BY name, place",
      "SELECT name, slot, credential, place, added_s, expires_s, network, door, pinned, rdata FROM claims"
      " ORDER BY name, slot"}},
    {"credentials",
     "SELECT id, uuid, account, label, actions, kinds, networks, allowfrom, networks_invalid, created_s, expires_s,"
     " revoked_s FROM credentials WHERE id > 0 ORDER BY id",
     "SELECT max(id) FROM credentials",
     load_credential,
     {"SELECT credential, name FROM credential_names ORDER BY credential, place",
      "SELECT credential, last_used_s, last_from, door FROM observations ORDER BY credential"}},
    {"secrets",
     "SELECT id, credential, kind, data, starts_s, ends_s, ended FROM secrets ORDER BY id",
     "SELECT max(id) FROM secrets",
     load_secret,
     {NULL}},
    {"grants",
     "SELECT name, account FROM grants ORDER BY name, account",
     "SELECT max(name) FROM grants",
     load_grant,
     {NULL}},
    {"tokens",
     "SELECT id, account, sha256, created_s, expires_s, revoked_s, count_max, used, networks, labels FROM tokens"
     " ORDER BY id",
     "SELECT max(id) FROM tokens",
     load_token,
     {NULL}},
    {"aliases",
     "SELECT id, name, fqdn, served, serial, ended FROM aliases ORDER BY id",
     "SELECT max(id) FROM aliases",
     load_alias,
     {NULL}},
};

static void say_why(sqlite3 *db, const struct loader *ld, enum err e, struct text *why)
{
    if (e == ERR_CORRUPT)
        text_printf(
            why, "the table %s is damaged near row %" PRIu64 " (riposte check store says more; restore a backup)",
            ld->what, ld->rows);
    else
        text_printf(why, "cannot read the table %s: %s", ld->what,
                    e == ERR_MEMORY ? err_text(e) : sqlite3_errmsg(db));
}

enum err sqlite_load_from(sqlite3 *db, struct state *s, const struct store_progress *p, struct text *why)
{
    struct loader ld = {.db = db, .s = s, .progress = p, .what = "meta"};
    int64_t time_s = 0;
    enum err e;

    arena_init(&ld.arena, LIST_OCTETS_MAX);
    e = conn_position(db, &ld.seq, &time_s);
    if (e == ERR_OK)
        e = last_id(&ld, "SELECT max(id) FROM credentials", &ld.last_credential);
    for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(scans); i++)
        e = run_scan(&ld, &scans[i]);
    if (e == ERR_OK) {
        ld.what = "journal"; /* what the tables do not have yet */
        e = sqlite_replay(db, s);
    }
    if (e == ERR_OK)
        state_set_position(s, ld.seq, time_s);
    if (e == ERR_OK) {
        ld.what = "names"; /* that is where an error comes from */
        e = state_fill(s);
    }
    if (e != ERR_OK)
        say_why(db, &ld, e, why);
    arena_fini(&ld.arena);
    free(ld.nets);
    free(ld.claims);
    return e;
}

enum err sqlite_load(struct store *st, struct state *s, const struct store_progress *p, struct text *why)
{
    struct sqlite_store *store = (struct sqlite_store *)st;
    enum err e = conn_exec(store->db, "BEGIN");

    if (e != ERR_OK) {
        text_printf(why, "cannot read %s: %s", store->path, sqlite3_errmsg(store->db));
        return e;
    }
    e = sqlite_load_from(store->db, s, p, why);
    (void)sqlite3_db_release_memory(store->db); /* pages that were read once */
    if (conn_exec(store->db, "COMMIT") != ERR_OK && e == ERR_OK) {
        text_printf(why, "cannot read %s: %s", store->path, sqlite3_errmsg(store->db));
        e = ERR_IO;
    }
    return e;
}
