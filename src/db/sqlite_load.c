/* Loading: one ordered scan a table, in one consistent view, read ahead by a thread (db/sqlite_ahead.h). Each row
 * becomes the effects that would have made it, and state_fold() takes it from there: what is loaded and what is
 * decided go one way. Rows come in the order of their ids and after the rows that they refer to. Lists come behind
 * their row, as a number and so many rows. All that is read stays where it is until the next row.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite_ahead.h"
#include "db/sqlite_store.h"
#include "db/sqlite_tail.h"

#define PROGRESS_ROWS 100000              /* a report each */
#define EXPECTED_MAX  ((uint64_t)1 << 24) /* room for so many is made ahead, whatever a damaged store says */

/* Lists of the row at hand, as large as the largest until now. */
struct lists {
    struct record *records;
    size_t cap_records;
    const char **texts;
    size_t cap_texts;
    struct claim_list claims;
    uint32_t *ids;
    size_t cap_ids;
    struct net *nets;
    size_t cap_nets;
};

struct loader {
    sqlite3 *db;
    struct state *s;
    uint64_t seq;
    const struct store_progress *progress; /* may be NULL */
    struct lists lists;
    struct tail tail; /* of the journal */
    uint64_t last_credential;
    size_t scan;      /* the one at hand */
    const char *what; /* its table, for progress and errors */
    uint64_t rows, last_id;
    char said[AHEAD_SAID_MAX]; /* what SQLite said; "": look at db */
};

static void lists_fini(struct lists *l)
{
    free(l->records);
    free((void *)l->texts);
    free(l->claims.claims);
    free(l->ids);
    free(l->nets);
}

/* How many rows follow in a list. Each has a cell at least, so that a wrong number asks for no room. */
static size_t row_count(struct row *r)
{
    return (size_t)row_int_to(r, r->cells.end - r->cells.at);
}

static enum err fold(struct loader *ld, const struct effect *f)
{
    return state_fold(ld->s, ld->seq, f);
}

/* ---- zones ---- */

static void read_rdata(struct row *r, struct rdata *out)
{
    size_t len;

    out->bytes = row_blob(r, &len);
    out->len = (uint16_t)len;
    if (len > UINT16_MAX)
        r->err = ERR_CORRUPT;
}

static void read_record(struct row *r, struct record *out)
{
    row_name(r, &out->owner);
    out->type = (uint16_t)row_int_to(r, UINT16_MAX);
    out->ttl_s = row_u32(r);
    read_rdata(r, &out->rdata);
}

/* The static records of a zone. */
static enum err read_records(struct lists *l, struct row *r, struct zone_spec *spec)
{
    size_t n = row_count(r);
    void *grown = l->records;
    enum err e = array_reserve(&grown, &l->cap_records, n, sizeof *l->records);

    l->records = grown;
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < n && r->err == ERR_OK; i++)
        read_record(r, &l->records[i]);
    spec->records = l->records;
    spec->n_records = n;
    return r->err;
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

static enum err load_zone(struct loader *ld, struct row *r)
{
    struct effect_zone zone = {.id = 0};
    struct effect_zone *z = &zone;
    struct effect f = {.kind = EFFECT_ZONE_SET, .u.zone = z};
    struct effect serial = {.kind = EFFECT_ZONE_SERIAL};
    bool removed;
    enum err e;

    z->id = row_u32(r);
    removed = row_bool(r);
    row_name(r, &z->spec.apex);
    serial.u.serial = (struct effect_serial){.zone = z->id, .serial = row_u32(r)};
    read_soa(r, &z->spec.soa);
    z->spec.challenge_caa = row_bool(r) ? CHALLENGE_CAA_DENY : CHALLENGE_CAA_NONE;
    z->spec.value_ttl_s = row_u32(r);
    z->spec.pinned_ttl_s = row_u32(r);
    e = r->err == ERR_OK ? read_records(&ld->lists, r, &z->spec) : r->err;
    if (e == ERR_OK)
        e = fold(ld, &f);
    if (e == ERR_OK && serial.u.serial.serial != 0)
        e = fold(ld, &serial);
    f.kind = EFFECT_ZONE_REMOVED;
    return e == ERR_OK && removed ? fold(ld, &f) : e;
}

/* ---- accounts and names ---- */

static enum err load_account(struct loader *ld, struct row *r)
{
    struct effect f = {.kind = EFFECT_ACCOUNT_MADE};
    struct effect_account *a = &f.u.account;

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

/* Texts that belong to a row. */
static enum err read_texts(struct lists *l, struct row *r, const char *const **out, size_t *n)
{
    void *grown = (void *)l->texts;
    enum err e;

    *n = row_count(r);
    e = array_reserve(&grown, &l->cap_texts, *n, sizeof *l->texts);
    l->texts = (const char **)grown;
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < *n && r->err == ERR_OK; i++)
        l->texts[i] = row_text(r);
    *out = l->texts;
    return r->err;
}

/* The claims of a name, into the list; they point into held. Their credentials come later. */
static enum err read_claims(struct loader *ld, struct row *r, uint32_t name, struct entry *held)
{
    struct claim_list *claims = &ld->lists.claims;
    size_t n_rows = row_count(r);
    enum err e = n_rows > 1 ? ERR_CORRUPT : r->err;

    if (e == ERR_OK && n_rows == 1)
        e = claims_read(r, name, held);
    if (e == ERR_OK)
        e = tail_lay_over(&ld->tail, name, held, claims);
    for (size_t i = 0; e == ERR_OK && i < claims->n; i++) {
        if (claims->claims[i].credential > ld->last_credential)
            e = ERR_CORRUPT;
    }
    return e;
}

static enum err load_name(struct loader *ld, struct row *r)
{
    struct effect_name n = {.id = row_u32(r)};
    struct entry held;
    enum err e;

    n.account = row_u32(r);
    n.zone = row_u32(r);
    row_name(r, &n.owner);
    n.created_s = row_int(r);
    n.retired_s = row_int(r);
    n.subtree = row_bool(r);
    e = r->err == ERR_OK ? read_texts(&ld->lists, r, &n.domains, &n.n_domains) : r->err;
    entry_init(&held);
    if (e == ERR_OK)
        e = read_claims(ld, r, n.id, &held);
    if (e == ERR_OK)
        e = state_load_name(ld->s, &n, ld->lists.claims.claims, ld->lists.claims.n);
    entry_fini(&held);
    return e;
}

/* ---- credentials and their secrets ---- */

static enum err read_ids(struct lists *l, struct row *r, const uint32_t **out, size_t *n)
{
    void *grown = l->ids;
    enum err e;

    *n = row_count(r);
    e = array_reserve(&grown, &l->cap_ids, *n, sizeof *l->ids);
    l->ids = grown;
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < *n && r->err == ERR_OK; i++)
        l->ids[i] = row_u32(r);
    *out = l->ids;
    return r->err;
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

/* The use of a credential, if it was used. It is noted before the next row comes, so that its room is made once. */
static enum err load_observation(struct loader *ld, struct row *r, uint32_t credential)
{
    struct credential_use use = {0};
    size_t n = row_count(r);
    enum err e;

    if (n == 0 || r->err != ERR_OK)
        return r->err;
    use.at_s = row_int(r);
    row_addr(r, &use.from);
    use.door = (uint8_t)row_int_to(r, DOOR_COUNT - 1);
    if (r->err != ERR_OK)
        return r->err;
    e = state_observe(ld->s, credential, &use);
    if (e == ERR_OK)
        state_observation_stored(ld->s, credential);
    return e;
}

static enum err load_credential(struct loader *ld, struct row *r)
{
    struct effect_credential c = {.id = row_u32(r)};
    struct effect f = {.kind = EFFECT_CREDENTIAL_MADE, .u.credential = &c};
    enum err e;

    read_fixed(r, c.uuid.b, sizeof c.uuid.b);
    c.account = row_u32(r);
    c.label = row_text(r);
    c.actions = row_u32(r);
    c.kinds = row_u32(r);
    c.n_networks = row_nets(r, &ld->lists.nets, &ld->lists.cap_nets);
    c.networks = c.n_networks > 0 ? ld->lists.nets : NULL;
    c.allowfrom = row_text(r);
    c.networks_invalid = row_bool(r);
    c.created_s = row_int(r);
    c.expires_s = row_int(r);
    c.revoked_s = row_int(r);
    e = r->err == ERR_OK ? read_ids(&ld->lists, r, &c.names, &c.n_names) : r->err;
    if (e == ERR_OK)
        e = fold(ld, &f);
    return e == ERR_OK ? load_observation(ld, r, c.id) : e;
}

/* One that has ended is made and ended again, so that its id counts as given out. */
static enum err load_secret(struct loader *ld, struct row *r)
{
    struct effect f = {.kind = EFFECT_SECRET_ADDED};
    struct effect_secret *c = &f.u.secret;
    static const uint8_t nothing[1] = {0};
    bool ended;
    size_t len;
    enum err e;

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

static enum err load_grant(struct loader *ld, struct row *r)
{
    struct effect f = {.kind = EFFECT_GRANT_MADE};

    f.u.grant.name = row_u32(r);
    f.u.grant.account = row_u32(r);
    return r->err == ERR_OK ? fold(ld, &f) : r->err;
}

static enum err load_token(struct loader *ld, struct row *r)
{
    struct effect_token t = {.id = row_u32(r)};
    struct effect f = {.kind = EFFECT_TOKEN_MADE, .u.token = &t};

    t.account = row_u32(r);
    read_fixed(r, t.sha256, sizeof t.sha256);
    t.created_s = row_int(r);
    t.expires_s = row_int(r);
    t.revoked_s = row_int(r);
    t.count_max = row_u32(r);
    t.used = row_u32(r);
    t.n_networks = row_nets(r, &ld->lists.nets, &ld->lists.cap_nets);
    t.networks = t.n_networks > 0 ? ld->lists.nets : NULL;
    t.labels = row_text(r);
    return r->err == ERR_OK ? fold(ld, &f) : r->err;
}

static enum err load_alias(struct loader *ld, struct row *r)
{
    struct effect_alias a = {.id = row_u32(r)};
    struct effect f = {.kind = EFFECT_ALIAS_MADE, .u.alias = &a};
    struct effect serial = {.kind = EFFECT_ALIAS_SERIAL};
    bool ended;
    enum err e;

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

/* ---- the tables ---- */

typedef enum err load_row(struct loader *ld, struct row *r);

struct scan {
    const char *what;
    const char *last_id_sql;
    load_row *load;
    struct ahead_query query;
};

/* Account 0 and credential 0 are no rows of the state. */
static const struct scan scans[] = {
    {"zones",
     "SELECT max(id) FROM zones",
     load_zone,
     {AHEAD_SELECT("id",
                   "id, removed, apex, serial, mname, rname, refresh_s, retry_s, expire_s, minimum_s, ttl_s, "
                   "challenge_caa, value_ttl_s, pinned_ttl_s",
                   "FROM zones ORDER BY id"),
      {AHEAD_SELECT("zone", "owner, type, ttl_s, rdata", "FROM zone_records ORDER BY zone, place")}}},
    {"accounts",
     "SELECT max(id) FROM accounts",
     load_account,
     {AHEAD_SELECT("id", "id, name, note, created_s, deleted_s, names_max, disabled, unclaimed",
                   "FROM accounts WHERE id > 0 ORDER BY id"),
      {NULL}}},
    {"names",
     "SELECT max(id) FROM names",
     load_name,
     {AHEAD_SELECT("id", "id, account, zone, owner, created_s, retired_s, subtree", "FROM names ORDER BY id"),
      {AHEAD_SELECT("name", "domain", "FROM name_domains ORDER BY name, place"),
       AHEAD_SELECT("name", "format, held", "FROM claims ORDER BY name")}}},
    {"credentials",
     "SELECT max(id) FROM credentials",
     load_credential,
     {AHEAD_SELECT("id",
                   "id, uuid, account, label, actions, kinds, networks, allowfrom, networks_invalid, created_s, "
                   "expires_s, revoked_s",
                   "FROM credentials WHERE id > 0 ORDER BY id"),
      {AHEAD_SELECT("credential", "name", "FROM credential_names ORDER BY credential, place"),
       AHEAD_SELECT("credential", "last_used_s, last_from, door", "FROM observations ORDER BY credential")}}},
    {"secrets",
     "SELECT max(id) FROM secrets",
     load_secret,
     {AHEAD_SELECT("id", "id, credential, kind, data, starts_s, ends_s, ended", "FROM secrets ORDER BY id"),
      {NULL}}},
    {"grants",
     "SELECT max(name) FROM grants",
     load_grant,
     {AHEAD_SELECT("name", "name, account", "FROM grants ORDER BY name, account"), {NULL}}},
    {"tokens",
     "SELECT max(id) FROM tokens",
     load_token,
     {AHEAD_SELECT("id", "id, account, sha256, created_s, expires_s, revoked_s, count_max, used, networks, labels",
                   "FROM tokens ORDER BY id"),
      {NULL}}},
    {"aliases",
     "SELECT max(id) FROM aliases",
     load_alias,
     {AHEAD_SELECT("id", "id, name, fqdn, served, serial, ended", "FROM aliases ORDER BY id"), {NULL}}},
};

static const struct ahead_query *query_at(size_t i)
{
    return i < ARRAY_LEN(scans) ? &scans[i].query : NULL;
}

/* ---- loading ---- */

static enum err find_last_id(sqlite3 *db, const char *sql, uint64_t *out)
{
    int64_t id = 0;
    enum err e = conn_number(db, sql, 0, &id);

    *out = (uint64_t)id;
    return e;
}

/* The last id of each table, before the connection is the reading's. */
static enum err find_last_ids(struct loader *ld, uint64_t last_ids[ARRAY_LEN(scans)])
{
    enum err e = find_last_id(ld->db, "SELECT max(id) FROM credentials", &ld->last_credential);

    for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(scans); i++) {
        ld->what = scans[i].what;
        e = find_last_id(ld->db, scans[i].last_id_sql, &last_ids[i]);
    }
    return e;
}

static void report(struct loader *ld, uint64_t id)
{
    if (ld->progress != NULL && ld->progress->report != NULL && ld->rows % PROGRESS_ROWS == 0)
        ld->progress->report(ld->progress->arg, ld->what, id, ld->last_id);
}

/* Reading has come to a scan, or past the last one. */
static void come_to(struct loader *ld, size_t scan, const uint64_t last_ids[ARRAY_LEN(scans)])
{
    if (scan == ld->scan || scan == ARRAY_LEN(scans))
        return;
    ld->scan = scan;
    ld->what = scans[scan].what;
    ld->last_id = last_ids[scan];
    ld->rows = 0;
}

static enum err load_one(struct loader *ld, struct row *r)
{
    struct row first = *r;
    int64_t id = row_int(&first);
    enum err e;

    ld->rows++;
    e = scans[ld->scan].load(ld, r);
    if (e == ERR_OK && r->cells.at != r->cells.end)
        e = ERR_CORRUPT; /* more in a list than there can be */
    state_forget_rows(ld->s);
    if (e == ERR_OK)
        report(ld, (uint64_t)id);
    return e;
}

static enum err load_tables(struct loader *ld)
{
    uint64_t last_ids[ARRAY_LEN(scans)];
    struct ahead *ahead = NULL;
    struct row r = {0};
    size_t scan;
    enum err e = find_last_ids(ld, last_ids);

    if (e == ERR_OK)
        e = state_expect_credentials(
            ld->s, (uint32_t)(ld->last_credential < EXPECTED_MAX ? ld->last_credential : EXPECTED_MAX));
    if (e == ERR_OK)
        e = ahead_new(&ahead, ld->db, query_at);
    if (e != ERR_OK)
        return e;
    ld->scan = ARRAY_LEN(scans);
    while (e == ERR_OK && ahead_next(ahead, &r, &scan)) {
        come_to(ld, scan, last_ids);
        e = load_one(ld, &r);
    }
    if (e == ERR_OK) {
        come_to(ld, scan, last_ids);
        e = r.err;
        (void)snprintf(ld->said, sizeof ld->said, "%s", ahead_said(ahead));
    } else {
        (void)snprintf(ld->said, sizeof ld->said, "%s", err_text(e));
    }
    ahead_free(&ahead);
    return e;
}

static void say_why(const struct loader *ld, enum err e, struct text *why)
{
    if (e == ERR_CORRUPT)
        text_printf(
            why, "the table %s is damaged near row %" PRIu64 " (riposte check store says more; restore a backup)",
            ld->what, ld->rows);
    else if (e == ERR_MEMORY)
        text_printf(why, "cannot read the table %s: %s", ld->what, err_text(e));
    else
        text_printf(why, "cannot read the table %s: %s", ld->what,
                    ld->said[0] != '\0' ? ld->said : sqlite3_errmsg(ld->db));
}

/* The tail of the journal, and then the tables with it. */
static enum err load_all(struct loader *ld, struct waiting *waiting)
{
    enum err e;

    ld->what = "journal";
    e = tail_read(&ld->tail, ld->db, waiting);
    if (e == ERR_OK)
        e = load_tables(ld);
    if (e != ERR_OK)
        return e;
    ld->what = "journal";
    return tail_fold_serials(&ld->tail, ld->s, ld->seq);
}

enum err sqlite_load_from(sqlite3 *db, struct state *s, struct waiting *waiting, const struct store_progress *p,
                          struct text *why)
{
    struct loader ld = {.db = db, .s = s, .progress = p, .what = "meta"};
    int64_t time_s = 0;
    enum err e = conn_position(db, &ld.seq, &time_s);

    if (e == ERR_OK)
        e = load_all(&ld, waiting);
    if (e == ERR_OK)
        state_set_position(s, ld.seq, time_s);
    if (e == ERR_OK) {
        ld.what = "names"; /* that is where an error comes from */
        e = state_fill(s);
    }
    if (e != ERR_OK)
        say_why(&ld, e, why);
    lists_fini(&ld.lists);
    tail_fini(&ld.tail);
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
    waiting_fini(&store->waiting);
    e = sqlite_load_from(store->db, s, store->mode == STORE_SERVE ? &store->waiting : NULL, p, why);
    store->is_loaded = e == ERR_OK;
    (void)sqlite3_db_release_memory(store->db); /* pages that were read once */
    if (conn_exec(store->db, "COMMIT") != ERR_OK && e == ERR_OK) {
        text_printf(why, "cannot read %s: %s", store->path, sqlite3_errmsg(store->db));
        e = ERR_IO;
    }
    return e;
}
