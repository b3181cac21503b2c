/* What each kind of effect does to the state tables, those of claims apart: one statement, or few, each prepared
 * once.
 *
 * Rows are written whole ("put": insert, or replace what has the key); that they fit the state was decided before,
 * when the effect was folded. An end that finds nothing to end is ERR_CORRUPT. */
#include "db/sqlite_store.h"

#define PUT_ROW(table, columns, marks, sets)                                                                       \
    "INSERT INTO " table " (" columns ") VALUES (" marks ") ON CONFLICT " sets

static const char *const sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_POSITION] = "SELECT seq, max(seq, coalesce((SELECT max(seq) FROM journal), 0)) FROM meta",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_JOURNAL] = "INSERT INTO journal (" JOURNAL_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STMT_META] = "UPDATE meta SET seq = ?, time_s = max(time_s, ?)",
    [STMT_BACKUP] = "UPDATE meta SET last_backup_s = max(last_backup_s, ?)",
    [STMT_OBSERVE] = PUT_ROW("observations", "credential, last_used_s, last_from, door", "?, ?, ?, ?",
                             "(credential) DO UPDATE SET last_used_s = excluded.last_used_s,"
                             " last_from = excluded.last_from, door = excluded.door"),
    /* Not as PUT_ROW: without foreign keys this overwrites the row where it lies, with one search. */
    [STMT_CLAIMS_PUT] = "INSERT OR REPLACE INTO claims (name, format, held) VALUES (?, ?, ?)",
    [STMT_CLAIMS_END] = "DELETE FROM claims WHERE name = ?",
    [STMT_NAME_PUT] = PUT_ROW("names", "id, account, zone, owner, folded, created_s, retired_s, subtree",
                              "?, ?, ?, ?, ?, ?, ?, ?",
                              "(id) DO UPDATE SET account = excluded.account, zone = excluded.zone,"
                              " owner = excluded.owner, folded = excluded.folded, created_s = excluded.created_s,"
                              " retired_s = excluded.retired_s, subtree = excluded.subtree"),
    [STMT_NAME_DOMAINS_CLEAR] = "DELETE FROM name_domains WHERE name = ?",
    [STMT_NAME_DOMAIN_PUT] = "INSERT INTO name_domains (name, place, domain) VALUES (?, ?, ?)",
    [STMT_ACCOUNT_PUT] = PUT_ROW("accounts", "id, name, note, created_s, deleted_s, names_max, disabled, unclaimed",
                                 "?, ?, ?, ?, ?, ?, ?, ?",
                                 "(id) DO UPDATE SET name = excluded.name, note = excluded.note,"
                                 " created_s = excluded.created_s, deleted_s = excluded.deleted_s,"
                                 " names_max = excluded.names_max, disabled = excluded.disabled,"
                                 " unclaimed = excluded.unclaimed"),
    [STMT_CREDENTIAL_PUT] = PUT_ROW("credentials",
                                    "id, uuid, account, label, actions, kinds, networks, allowfrom,"
                                    " networks_invalid, created_s, expires_s, revoked_s",
                                    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
                                    "(id) DO UPDATE SET uuid = excluded.uuid, account = excluded.account,"
                                    " label = excluded.label, actions = excluded.actions, kinds = excluded.kinds,"
                                    " networks = excluded.networks, allowfrom = excluded.allowfrom,"
                                    " networks_invalid = excluded.networks_invalid,"
                                    " created_s = excluded.created_s, expires_s = excluded.expires_s,"
                                    " revoked_s = excluded.revoked_s"),
    [STMT_CREDENTIAL_NAMES_CLEAR] = "DELETE FROM credential_names WHERE credential = ?",
    [STMT_CREDENTIAL_NAME_PUT] = "INSERT INTO credential_names (credential, place, name) VALUES (?, ?, ?)",
    [STMT_SECRET_PUT] =
        PUT_ROW("secrets", "id, credential, kind, data, starts_s, ends_s, ended", "?, ?, ?, ?, ?, ?, 0",
                "(id) DO UPDATE SET credential = excluded.credential, kind = excluded.kind,"
                " data = excluded.data, starts_s = excluded.starts_s, ends_s = excluded.ends_s"),
    [STMT_SECRET_END] = "UPDATE secrets SET ended = 1, data = zeroblob(0) WHERE id = ? AND ended = 0",
    [STMT_GRANT_PUT] = "INSERT INTO grants (name, account) VALUES (?, ?)",
    [STMT_GRANT_END] = "DELETE FROM grants WHERE name = ? AND account = ?",
    [STMT_TOKEN_PUT] = PUT_ROW("tokens",
                               "id, account, sha256, created_s, expires_s, revoked_s, count_max, used, networks,"
                               " labels",
                               "?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
                               "(id) DO UPDATE SET account = excluded.account, sha256 = excluded.sha256,"
                               " created_s = excluded.created_s, expires_s = excluded.expires_s,"
                               " revoked_s = excluded.revoked_s, count_max = excluded.count_max,"
                               " used = excluded.used, networks = excluded.networks, labels = excluded.labels"),
    [STMT_ALIAS_PUT] = "INSERT INTO aliases (id, name, fqdn, served, serial, ended) VALUES (?, ?, ?, ?, 0, 0)",
    [STMT_ALIAS_SERIAL] = "UPDATE aliases SET serial = ? WHERE id = ?",
    [STMT_ALIAS_END] = "UPDATE aliases SET ended = 1 WHERE id = ? AND ended = 0",
    [STMT_ZONE_PUT] = PUT_ROW("zones",
                              "id, removed, apex, serial, mname, rname, refresh_s, retry_s, expire_s, minimum_s,"
                              " ttl_s, challenge_caa, value_ttl_s, pinned_ttl_s",
                              "?, 0, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
                              "(id) DO UPDATE SET removed = 0, apex = excluded.apex, mname = excluded.mname,"
                              " rname = excluded.rname, refresh_s = excluded.refresh_s,"
                              " retry_s = excluded.retry_s, expire_s = excluded.expire_s,"
                              " minimum_s = excluded.minimum_s, ttl_s = excluded.ttl_s,"
                              " challenge_caa = excluded.challenge_caa, value_ttl_s = excluded.value_ttl_s,"
                              " pinned_ttl_s = excluded.pinned_ttl_s"),
    [STMT_ZONE_REMOVE] = "UPDATE zones SET removed = 1 WHERE id = ? AND removed = 0",
    [STMT_ZONE_SERIAL] = "UPDATE zones SET serial = ? WHERE id = ?",
    [STMT_ZONE_RECORDS_CLEAR] = "DELETE FROM zone_records WHERE zone = ?",
    [STMT_ZONE_RECORD_PUT] =
        "INSERT INTO zone_records (zone, place, owner, type, ttl_s, rdata) VALUES (?, ?, ?, ?, ?, ?)",
};

enum err apply_stmts_init(struct apply_stmts *s, sqlite3 *db)
{
    enum err e = ERR_OK;

    s->db = db;
    for (size_t i = 0; e == ERR_OK && i < STMT_COUNT; i++)
        e = conn_prepare(db, sql[i], &s->st[i]);
    return e;
}

void apply_stmts_fini(struct apply_stmts *s)
{
    for (size_t i = 0; i < STMT_COUNT; i++)
        (void)sqlite3_finalize(s->st[i]); /* says again what its last step said; NULL is fine */
    *s = (struct apply_stmts){0};
}

/* Run a statement whose only value is an id. */
static enum err run_with_id(struct apply_stmts *s, enum apply_stmt which, int64_t id)
{
    struct stmt_use u = stmt_begin(s->st[which]);

    stmt_int(&u, id);
    return stmt_run(&u);
}

static enum err run_one_with_id(struct apply_stmts *s, enum apply_stmt which, int64_t id)
{
    struct stmt_use u = stmt_begin(s->st[which]);

    stmt_int(&u, id);
    return stmt_run_one(&u);
}

static enum err put_domains(struct apply_stmts *s, const struct effect_name *n)
{
    enum err e = run_with_id(s, STMT_NAME_DOMAINS_CLEAR, n->id);

    for (size_t i = 0; e == ERR_OK && i < n->n_domains; i++) {
        struct stmt_use u = stmt_begin(s->st[STMT_NAME_DOMAIN_PUT]);
        stmt_int(&u, n->id);
        stmt_int(&u, (int64_t)i);
        stmt_text(&u, n->domains[i]);
        e = stmt_run(&u);
    }
    return e;
}

static enum err put_name(struct apply_stmts *s, const struct effect *f)
{
    const struct effect_name *n = f->u.name;
    struct stmt_use u = stmt_begin(s->st[STMT_NAME_PUT]);
    struct name folded = n->owner;
    enum err e;

    name_fold(&folded);
    stmt_int(&u, n->id);
    stmt_int(&u, n->account);
    stmt_int(&u, n->zone);
    stmt_name(&u, &n->owner);
    stmt_name(&u, &folded);
    stmt_int(&u, n->created_s);
    stmt_int(&u, n->retired_s);
    stmt_int(&u, n->subtree);
    e = stmt_run(&u);
    return e == ERR_OK ? put_domains(s, n) : e;
}

static enum err put_account(struct apply_stmts *s, const struct effect *f)
{
    const struct effect_account *a = &f->u.account;
    struct stmt_use u = stmt_begin(s->st[STMT_ACCOUNT_PUT]);

    stmt_int(&u, a->id);
    stmt_text(&u, a->name);
    stmt_text(&u, a->note);
    stmt_int(&u, a->created_s);
    stmt_int(&u, a->deleted_s);
    stmt_int(&u, a->names_max);
    stmt_int(&u, a->disabled);
    stmt_int(&u, a->unclaimed);
    return stmt_run(&u);
}

static enum err put_scope(struct apply_stmts *s, const struct effect_credential *c)
{
    enum err e = run_with_id(s, STMT_CREDENTIAL_NAMES_CLEAR, c->id);

    for (size_t i = 0; e == ERR_OK && i < c->n_names; i++) {
        struct stmt_use u = stmt_begin(s->st[STMT_CREDENTIAL_NAME_PUT]);
        stmt_int(&u, c->id);
        stmt_int(&u, (int64_t)i);
        stmt_int(&u, c->names[i]);
        e = stmt_run(&u);
    }
    return e;
}

static enum err put_credential(struct apply_stmts *s, const struct effect *f)
{
    const struct effect_credential *c = f->u.credential;
    struct stmt_use u = stmt_begin(s->st[STMT_CREDENTIAL_PUT]);
    enum err e;

    stmt_int(&u, c->id);
    stmt_blob(&u, c->uuid.b, sizeof c->uuid.b);
    stmt_int(&u, c->account);
    stmt_text(&u, c->label);
    stmt_int(&u, c->actions);
    stmt_int(&u, c->kinds);
    stmt_nets(&u, c->networks, c->n_networks);
    stmt_text(&u, c->allowfrom);
    stmt_int(&u, c->networks_invalid);
    stmt_int(&u, c->created_s);
    stmt_int(&u, c->expires_s);
    stmt_int(&u, c->revoked_s);
    e = stmt_run(&u);
    return e == ERR_OK ? put_scope(s, c) : e;
}

static enum err put_secret(struct apply_stmts *s, const struct effect *f)
{
    const struct effect_secret *c = &f->u.secret;
    struct stmt_use u = stmt_begin(s->st[STMT_SECRET_PUT]);

    stmt_int(&u, c->id);
    stmt_int(&u, c->credential);
    stmt_int(&u, c->kind);
    stmt_blob(&u, c->data, c->len);
    stmt_int(&u, c->starts_s);
    stmt_int(&u, c->ends_s);
    return stmt_run(&u);
}

static enum err end_secret(struct apply_stmts *s, const struct effect *f)
{
    return run_one_with_id(s, STMT_SECRET_END, f->u.secret.id);
}

static enum err write_grant(struct apply_stmts *s, const struct effect *f)
{
    struct stmt_use u = stmt_begin(s->st[f->kind == EFFECT_GRANT_MADE ? STMT_GRANT_PUT : STMT_GRANT_END]);

    stmt_int(&u, f->u.grant.name);
    stmt_int(&u, f->u.grant.account);
    return stmt_run_one(&u);
}

static enum err put_token(struct apply_stmts *s, const struct effect *f)
{
    const struct effect_token *t = f->u.token;
    struct stmt_use u = stmt_begin(s->st[STMT_TOKEN_PUT]);

    stmt_int(&u, t->id);
    stmt_int(&u, t->account);
    stmt_blob(&u, t->sha256, sizeof t->sha256);
    stmt_int(&u, t->created_s);
    stmt_int(&u, t->expires_s);
    stmt_int(&u, t->revoked_s);
    stmt_int(&u, t->count_max);
    stmt_int(&u, t->used);
    stmt_nets(&u, t->networks, t->n_networks);
    stmt_text(&u, t->labels);
    return stmt_run(&u);
}

static enum err put_alias(struct apply_stmts *s, const struct effect *f)
{
    const struct effect_alias *a = f->u.alias;
    struct stmt_use u = stmt_begin(s->st[STMT_ALIAS_PUT]);

    stmt_int(&u, a->id);
    stmt_int(&u, a->name);
    stmt_name(&u, &a->fqdn);
    stmt_int(&u, a->served);
    return stmt_run(&u);
}

static enum err end_alias(struct apply_stmts *s, const struct effect *f)
{
    return run_one_with_id(s, STMT_ALIAS_END, f->u.alias->id);
}

static enum err put_records(struct apply_stmts *s, const struct effect_zone *z)
{
    enum err e = run_with_id(s, STMT_ZONE_RECORDS_CLEAR, z->id);

    for (size_t i = 0; e == ERR_OK && i < z->spec.n_records; i++) {
        const struct record *r = &z->spec.records[i];
        struct stmt_use u = stmt_begin(s->st[STMT_ZONE_RECORD_PUT]);
        stmt_int(&u, z->id);
        stmt_int(&u, (int64_t)i);
        stmt_name(&u, &r->owner);
        stmt_int(&u, r->type);
        stmt_int(&u, r->ttl_s);
        stmt_blob(&u, r->rdata.bytes, r->rdata.len);
        e = stmt_run(&u);
    }
    return e;
}

static enum err put_zone(struct apply_stmts *s, const struct effect *f)
{
    const struct effect_zone *z = f->u.zone;
    struct stmt_use u = stmt_begin(s->st[STMT_ZONE_PUT]);
    enum err e;

    stmt_int(&u, z->id);
    stmt_name(&u, &z->spec.apex);
    stmt_name(&u, &z->spec.soa.mname);
    stmt_name(&u, &z->spec.soa.rname);
    stmt_int(&u, z->spec.soa.refresh_s);
    stmt_int(&u, z->spec.soa.retry_s);
    stmt_int(&u, z->spec.soa.expire_s);
    stmt_int(&u, z->spec.soa.minimum_s);
    stmt_int(&u, z->spec.soa.ttl_s);
    stmt_int(&u, z->spec.challenge_caa);
    stmt_int(&u, z->spec.value_ttl_s);
    stmt_int(&u, z->spec.pinned_ttl_s);
    e = stmt_run(&u);
    return e == ERR_OK ? put_records(s, z) : e;
}

/* Its row stays, with the serial: names refer to it, and should it come back, its serial goes on. */
static enum err remove_zone(struct apply_stmts *s, const struct effect *f)
{
    return run_one_with_id(s, STMT_ZONE_REMOVE, f->u.zone->id);
}

static enum err put_serial(struct apply_stmts *s, const struct effect *f)
{
    bool is_alias = f->kind == EFFECT_ALIAS_SERIAL;
    struct stmt_use u = stmt_begin(s->st[is_alias ? STMT_ALIAS_SERIAL : STMT_ZONE_SERIAL]);

    stmt_int(&u, f->u.serial.serial);
    stmt_int(&u, f->u.serial.zone);
    return stmt_run_one(&u);
}

/* Only the journal tells of it. */
static enum err write_nothing(struct apply_stmts *s, const struct effect *f)
{
    (void)s;
    (void)f;
    return ERR_OK;
}

struct writer {
    enum effect_kind kind;
    enum err (*write)(struct apply_stmts *s, const struct effect *f);
};

static const struct writer writers[] = {
    {EFFECT_ZONE_SERIAL, put_serial},
    {EFFECT_NAME_MADE, put_name},
    {EFFECT_NAME_SET, put_name},
    {EFFECT_NAME_RETIRED, put_name},
    {EFFECT_NAME_REVIVED, put_name},
    {EFFECT_ACCOUNT_MADE, put_account},
    {EFFECT_ACCOUNT_SET, put_account},
    {EFFECT_ACCOUNT_DELETED, put_account},
    {EFFECT_CREDENTIAL_MADE, put_credential},
    {EFFECT_CREDENTIAL_SET, put_credential},
    {EFFECT_CREDENTIAL_REVOKED, put_credential},
    {EFFECT_SECRET_ADDED, put_secret},
    {EFFECT_SECRET_SET, put_secret},
    {EFFECT_SECRET_ENDED, end_secret},
    {EFFECT_GRANT_MADE, write_grant},
    {EFFECT_GRANT_ENDED, write_grant},
    {EFFECT_TOKEN_MADE, put_token},
    {EFFECT_TOKEN_USED, put_token},
    {EFFECT_TOKEN_REVOKED, put_token},
    {EFFECT_ALIAS_MADE, put_alias},
    {EFFECT_ALIAS_ENDED, end_alias},
    {EFFECT_ALIAS_SERIAL, put_serial},
    {EFFECT_ZONE_SET, put_zone},
    {EFFECT_ZONE_REMOVED, remove_zone},
    {EFFECT_RESTORED, write_nothing},
};

enum err effect_write(struct apply_stmts *s, const struct effect *f)
{
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        if (writers[i].kind == f->kind)
            return writers[i].write(s, f);
    }
    return ERR_VERSION; /* of a journal that a newer program wrote; our own effects are all above */
}
