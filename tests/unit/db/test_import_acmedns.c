/* Importing acme-dns's database, in every variant of its schema, made here as its versions make it. */
#include "db/import_acmedns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "base/crypto.h"
#include "base/log.h"
#include "db/harness.h"
#include "db/import_acmedns_internal.h"

#define U1   "00000000-0000-4000-8000-000000000001"
#define U2   "00000000-0000-4000-8000-000000000002"
#define U3   "00000000-0000-4000-8000-000000000003"
#define S1   "11111111-0000-4000-8000-000000000001"
#define S2   "22222222-0000-4000-8000-000000000002"
#define HASH "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga"
#define V(c) c "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* a challenge value */

#define ACMEDNS "CREATE TABLE acmedns (Name TEXT, Value TEXT); INSERT INTO acmedns VALUES ('db_version', '1');"
#define RECORDS                                                                                                    \
    "CREATE TABLE records (Username TEXT UNIQUE NOT NULL PRIMARY KEY, Password TEXT UNIQUE NOT NULL,"              \
    " Subdomain TEXT UNIQUE NOT NULL, AllowFrom TEXT);"
#define TXT   "CREATE TABLE txt (Subdomain TEXT NOT NULL, Value TEXT NOT NULL DEFAULT '', LastUpdate INT);"
/* Without uniqueness, as forks have it; every row here may have the same hash then. */
#define LOOSE "CREATE TABLE records (Username TEXT, Password TEXT, Subdomain TEXT, AllowFrom TEXT);"

#define RECORD(user, sub, allow)                                                                                   \
    "INSERT INTO records VALUES ('" user "', CAST('" HASH "' AS BLOB), '" sub "', " allow ");"

struct fixture {
    struct harness *h;
    char db[128];
    struct import_acmedns_options o;
    struct import_acmedns_report report;
    struct text why;
};

static void make_db(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    (void)temp_path(&f->h->dir, f->db, "acme-dns.db");
    (void)unlink(f->db);
    assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static struct fixture begin(void **state)
{
    struct harness *h = *state;
    struct fixture f = {.h = h};

    f.o = (struct import_acmedns_options){.store_path = h->path, .settings = &h->settings, .clock = &h->clock};
    return f;
}

static enum err import(struct fixture *f)
{
    struct acmedns_source *src = NULL;
    enum err e;

    f->report = (struct import_acmedns_report){0};
    text_fini(&f->why);
    text_init(&f->why, 4096);
    text_init(&f->report.notes, IMPORT_NOTES_MAX);
    e = acmedns_source_open(&src, f->db, f->db, &f->why);
    if (e == ERR_OK)
        e = import_acmedns(src, &f->o, &f->report, &f->why);
    acmedns_source_free(src);
    assert_int_equal(e == ERR_OK, f->why.len == 0);
    return e;
}

static void end(struct fixture *f)
{
    text_fini(&f->why);
    text_fini(&f->report.notes);
}

static enum err import_again(struct fixture *f)
{
    text_fini(&f->report.notes);
    return import(f);
}

#define assert_imported(f)                                                                                         \
    do {                                                                                                           \
        if (import(f) != ERR_OK)                                                                                   \
            fail_msg("%s", (f)->why.bytes);                                                                        \
    } while (0)

static struct state *stored(struct fixture *f)
{
    struct store *st = open_store(f->h->path, STORE_READ);
    struct state *s = load_state(st);

    st->ops->close(st);
    return s;
}

static const struct name_entry *name_at(const struct state *s, const char *label)
{
    char text[300];
    struct name owner;

    (void)snprintf(text, sizeof text, "%s.auth.example.org", label);
    owner = parse_name(text);
    return state_name_by_owner(s, &owner);
}

static const struct credential *credential_with(const struct state *s, const char *uuid)
{
    struct uuid u;

    assert_int_equal(uuid_parse(&u, uuid, strlen(uuid)), ERR_OK);
    return state_credential_by_uuid(s, &u);
}

/* The values of a name as one text, oldest first, of each its first character. */
static void initials(const struct state *s, const char *label, char *out)
{
    const struct name_entry *n = name_at(s, label);

    assert_non_null(n);
    for (size_t i = 0; i < name_n_values(n); i++)
        *out++ = (char)name_values(s, n)->values[i].rdata[1];
    *out = '\0';
}

static void every_variant_of_the_schema_gives_the_same(void **state)
{
    static const struct {
        const char *what, *sql;
    } rows[] = {
        {"version 1", ACMEDNS RECORDS TXT RECORD(U1, S1, "'[]'") "INSERT INTO txt VALUES ('" S1 "', '" V(
                          "b") "', 20), ('" S1 "', '" V("a") "', 10);"},
        {"password as text",
         ACMEDNS RECORDS TXT "INSERT INTO records VALUES ('" U1 "', '" HASH "', '" S1 "', '[]');"
                             "INSERT INTO txt VALUES ('" S1 "', '" V("a") "', 1), ('" S1 "', '" V("b") "', 2);"},
        {"migrated from 0.1: two columns more",
         ACMEDNS "CREATE TABLE records (Username TEXT UNIQUE NOT NULL PRIMARY KEY, Password TEXT UNIQUE NOT NULL,"
                 " Subdomain TEXT UNIQUE NOT NULL, Value TEXT, LastActive INT, AllowFrom TEXT);" TXT
                 "INSERT INTO records VALUES ('" U1 "', CAST('" HASH "' AS BLOB), '" S1 "', 'old', 7, '[]');"
                 "INSERT INTO txt VALUES ('" S1 "', '" V("a") "', 1), ('" S1 "', '" V("b") "', 2);"},
        {"a fork's columns, in another order and case", ACMEDNS
         "CREATE TABLE records (id INTEGER PRIMARY KEY, description TEXT, allowfrom TEXT, SUBDOMAIN TEXT,"
         " password BLOB, username TEXT, CreatedAt TEXT);"
         "CREATE TABLE txt (Subdomain TEXT, Value TEXT, InsertDate TEXT);"
         "INSERT INTO records VALUES (1, 'x', '[]', '" S1 "', '" HASH "', '" U1 "', 'now');"
         "INSERT INTO txt VALUES ('" S1 "', '" V("b") "', '2024-02-01'), ('" S1 "', '" V("a") "', '2024-01-01');"},
        {"no times at all",
         RECORDS "CREATE TABLE txt (Subdomain TEXT, Value TEXT);" RECORD(
             U1, S1, "'[]'") "INSERT INTO txt VALUES ('" S1 "', '" V("a") "'), ('" S1 "', '" V("b") "');"},
        {"version twice and 2",
         ACMEDNS "INSERT INTO acmedns VALUES ('db_version', '2');" RECORDS TXT RECORD(
             U1, S1, "'[]'") "INSERT INTO txt VALUES ('" S1 "', '" V("a") "', 5), ('" S1 "', '" V("b") "', 5);"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f = begin(state);
        const struct credential *cred;
        struct state *s;
        char values[16];
        print_message("%s\n", rows[i].what);
        (void)unlink(f.h->path);
        make_db(&f, rows[i].sql);
        assert_imported(&f);
        assert_int_equal(f.report.records, 1);
        assert_int_equal(f.report.imported, 1);
        assert_int_equal(f.report.values_taken, 2);
        assert_string_equal(f.report.notes.bytes, "");
        s = stored(&f);
        initials(s, S1, values);
        assert_string_equal(values, "ab");
        cred = credential_with(s, U1);
        assert_non_null(cred);
        assert_int_equal(credential_n_names(cred), 1);
        assert_int_equal(credential_names(cred)[0], name_id(name_at(s, S1)));
        assert_int_equal(credential_n_networks(cred), 0);
        assert_false(credential_networks_invalid(cred));
        assert_int_equal(credential_n_secrets(cred), 1);
        assert_int_equal(credential_secret(s, cred, 0).kind, SECRET_BCRYPT);
        assert_memory_equal(credential_secret(s, cred, 0).data, HASH, 60);
        assert_string_equal(state_account(s, cred->account)->name, S1);
        assert_int_equal(state_counts(s).names_unclaimed, 0);
        state_free(s);
        end(&f);
    }
}

static void the_order_is_of_time_then_of_rows_and_ages_begin_now(void **state)
{
    struct fixture f = begin(state);
    const struct name_entry *n;
    struct state *s;
    char values[16];

    harness_use_fake_clock(f.h);
    make_db(&f,
            RECORDS TXT RECORD(U1, S1, "'[]'") "INSERT INTO txt VALUES ('" S1 "', '" V("c") "', 9), ('" S1 "', '" V(
                "d") "', 9), ('" S1 "', '', 0), ('" S1
                     "', '" V("a") "', 1), ('" S1 "', '" V("c") "', 1), ('" S1 "', 'short', 9);");
    assert_imported(&f);
    assert_int_equal(f.report.values_taken, 3);
    assert_int_equal(f.report.values_doubled, 1);
    assert_int_equal(f.report.values_empty, 1);
    assert_int_equal(f.report.values_refused, 1);
    s = stored(&f);
    initials(s, S1, values);
    assert_string_equal(values, "acd"); /* c counts from where it came first */
    n = name_at(s, S1);
    assert_int_equal(name_values(s, n)->values[0].claims[0].added_s, TIME_0);
    assert_int_equal(name_values(s, n)->values[0].claims[0].expires_s, TIME_0 + 72 * 3600);
    assert_int_equal(name_values(s, n)->values[0].claims[0].credential, credential_with(s, U1)->id);
    state_free(s);
    end(&f);
}

static void more_values_than_an_answer_holds_leave_the_newest(void **state)
{
    struct fixture f = begin(state);
    struct state *s;

    make_db(&f, RECORDS TXT RECORD(U1, S1, "'[]'") "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                                   " WHERE i < 70) INSERT INTO txt SELECT '" S1
                                                   "', printf('%043d', i), i FROM n;");
    assert_imported(&f);
    assert_int_equal(f.report.values_taken, 64);
    assert_int_equal(f.report.values_refused, 6);
    s = stored(&f);
    assert_int_equal(name_n_values(name_at(s, S1)), 64);
    assert_memory_equal(name_values(s, name_at(s, S1))->values[63].rdata + 1,
                        "0000000000000000000000000000000000000000070", 43);
    state_free(s);
    end(&f);
}

static void networks_that_cannot_be_read_deny(void **state)
{
    static const struct {
        const char *allow; /* SQL */
        size_t networks;
        bool denied;
        const char *note;
    } rows[] = {
        {"'[]'", 0, false, NULL},
        {"' [ ] '", 0, false, NULL},
        {"'null'", 0, false, NULL},
        {"'[\"192.0.2.0/24\"]'", 1, false, NULL},
        {"'[\"192.0.2.0/24\",\"2001:db8::/32\"]'", 2, false, NULL},
        {"'[\"[2001:db8::]/32\"]'", 1, false, NULL},
        {"'[\"192.0.2.0\\/24\", \"\\u0031.0.0.0/8\"]'", 2, false, NULL},
        {"'[\"192.0.2.0/24\", \"10.0.0.5\"]'", 1, false, "\"10.0.0.5\" is no network and was left out"},
        {"'[\"10.0.0.5\"]'", 0, true, "--networks 10.0.0.5/32"},
        {"'[\"2001:db8::1\"]'", 0, true, "--networks 2001:db8::1/128"},
        {"'[\"\"]'", 0, true, "lets it in from anywhere"},
        {"'[null]'", 0, true, "lets it in from anywhere"},
        {"NULL", 0, true, "refuses this login"},
        {"''", 0, true, "refuses this login"},
        {"'10.0.0.0/8'", 0, true, "refuses this login"},
        {"'[\"10.0.0.0/8\"'", 0, true, "refuses this login"},
        {"'[\"10.0.0.0/8\",]'", 0, true, "refuses this login"},
        {"'[\"10.0.0.0/8\"] x'", 0, true, "refuses this login"},
        {"'[5]'", 0, true, "refuses this login"},
        {"'{}'", 0, true, "refuses this login"},
        {"'[\"\\x\"]'", 0, true, "refuses this login"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f = begin(state);
        const struct credential *cred;
        struct state *s;
        char sql[1000];
        print_message("%s\n", rows[i].allow);
        (void)unlink(f.h->path);
        (void)snprintf(sql, sizeof sql,
                       RECORDS TXT "INSERT INTO records VALUES ('" U1 "', '" HASH "', '" S1 "', %s);",
                       rows[i].allow);
        make_db(&f, sql);
        assert_imported(&f);
        assert_int_equal(f.report.imported, 1);
        assert_int_equal(f.report.denied, rows[i].denied);
        if (rows[i].note == NULL)
            assert_string_equal(f.report.notes.bytes, "");
        else
            assert_non_null(strstr(f.report.notes.bytes, rows[i].note));
        s = stored(&f);
        cred = credential_with(s, U1);
        assert_int_equal(credential_networks_invalid(cred), rows[i].denied);
        assert_int_equal(credential_n_networks(cred), rows[i].networks);
        state_free(s);
        end(&f);
    }
}

static void what_cannot_be_taken_over_is_told_and_left_out(void **state)
{
    static const struct {
        const char *record, *note;
    } rows[] = {
        {RECORD("no-uuid", S2, "'[]'"), "(user no-uuid): its user name is no UUID"},
        {RECORD("00000000-0000-0000-0000-000000000000", S2, "'[]'"), "nil UUID"},
        {"INSERT INTO records VALUES ('" U2 "', 'plain', '" S2 "', '[]');", "no bcrypt hash"},
        {"INSERT INTO records VALUES ('" U2 "', NULL, '" S2 "', '[]');", "no bcrypt hash"},
        {RECORD(U2, "", "'[]'"), "cannot be a label"},
        {RECORD(U2, "a b", "'[]'"), "\"a b\" cannot be a label"},
        {RECORD(U2, "a.b", "'[]'"), "\"a.b\" cannot be a label"},
        {RECORD(U2, "11111111-0000-4000-8000-000000000001", "'[]'"), "belongs to account"},
        {RECORD(U2, "NS", "'[]'"), "static record"},
        {RECORD(U1, S2, "'[]'"), "in the database twice"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f = begin(state);
        struct name www = parse_name("ns.auth.example.org");
        const struct record records[] = {f.h->ns,
                                         {.owner = www, .type = RR_NS, .ttl_s = 60, .rdata = f.h->ns.rdata}};
        struct record a = records[1];
        const uint8_t address[4] = {192, 0, 2, 1};
        struct record both[2] = {f.h->ns, a};
        char sql[2000];
        struct state *s;
        both[1].type = RR_A;
        both[1].rdata = (struct rdata){address, sizeof address};
        f.h->zone.records = both;
        f.h->zone.n_records = 2;
        (void)unlink(f.h->path);
        (void)snprintf(sql, sizeof sql, "%s%s", LOOSE TXT RECORD(U1, S1, "'[]'"), rows[i].record);
        make_db(&f, sql);
        assert_imported(&f);
        assert_int_equal(f.report.imported, 1);
        assert_int_equal(f.report.refused, 1);
        if (strstr(f.report.notes.bytes, rows[i].note) == NULL)
            fail_msg("%s: %s", rows[i].note, f.report.notes.bytes);
        s = stored(&f);
        assert_int_equal(state_counts(s).credentials, 1);
        assert_int_equal(state_counts(s).names, 1);
        state_free(s);
        f.h->zone.records = &f.h->ns;
        f.h->zone.n_records = 1;
        end(&f);
    }
}

static void the_case_of_subdomains_is_kept(void **state)
{
    struct fixture f = begin(state);
    const struct name_entry *n;
    struct name owner;
    struct state *s;

    make_db(&f, LOOSE TXT RECORD(U1, "AbC", "'[]'") RECORD(U2, "aBc", "'[]'"));
    assert_imported(&f);
    assert_int_equal(f.report.imported, 1);
    assert_int_equal(f.report.refused, 1); /* DNS knows one of them only */
    s = stored(&f);
    n = name_at(s, "abc");
    name_owner(s, n, &owner);
    assert_memory_equal(owner.b, "\3AbC", 4);
    assert_string_equal(state_account(s, name_account(n))->name, "abc");
    state_free(s);
    end(&f);
}

static void values_without_an_account_stay_behind(void **state)
{
    struct fixture f = begin(state);
    struct state *s;

    make_db(&f, RECORDS TXT RECORD(U1, S1, "'[]'") "INSERT INTO txt VALUES ('" S1 "', '" V(
                    "a") "', 1), ('gone', '" V("b") "', 1), ('', '" V("c") "', 1);");
    assert_imported(&f);
    assert_int_equal(f.report.orphans, 2);
    assert_int_equal(f.report.values_taken, 1);
    assert_non_null(strstr(f.report.notes.bytes, "a value of gone, which has no account"));
    s = stored(&f);
    assert_int_equal(state_counts(s).values, 1);
    assert_null(name_at(s, "gone"));
    state_free(s);
    end(&f);
}

static void importing_again_changes_nothing(void **state)
{
    struct fixture f = begin(state);
    struct state *s;
    uint64_t seq;

    make_db(&f, LOOSE TXT RECORD(U1, S1, "'[]'") RECORD(U2, S2, "'[\"10.0.0.5\"]'") "INSERT INTO txt VALUES ('" S1
                                                                                    "', '" V("a") "', 1);");
    assert_imported(&f);
    s = stored(&f);
    seq = state_seq(s);
    state_free(s);
    assert_int_equal(import_again(&f), ERR_OK);
    assert_int_equal(f.report.imported, 0);
    assert_int_equal(f.report.present, 2);
    assert_int_equal(f.report.refused, 0);
    assert_string_equal(f.report.notes.bytes, "");
    s = stored(&f);
    assert_int_equal(state_seq(s), seq);
    state_free(s);
    /* What came since is taken over. */
    make_db(&f, LOOSE TXT RECORD(U1, S1, "'[]'") RECORD(U3, "new", "'[]'"));
    assert_int_equal(import_again(&f), ERR_OK);
    assert_int_equal(f.report.imported, 1);
    assert_int_equal(f.report.present, 1);
    end(&f);
}

static void a_dry_run_writes_nothing_and_says_the_same(void **state)
{
    struct fixture f = begin(state);
    struct stat sb;
    struct state *s;

    make_db(&f, RECORDS TXT RECORD(U1, S1, "'[]'") "INSERT INTO txt VALUES ('" S1 "', '" V("a") "', 1);");
    f.o.mode = IMPORT_DRY_RUN;
    assert_imported(&f);
    assert_int_equal(f.report.imported, 1);
    assert_int_equal(f.report.values_taken, 1);
    assert_int_not_equal(stat(f.h->path, &sb), 0);
    harness_start(f.h); /* beside a server too */
    assert_int_equal(import_again(&f), ERR_OK);
    assert_int_equal(f.report.imported, 1);
    harness_stop(f.h);
    s = stored(&f);
    assert_int_equal(state_counts(s).credentials, 0);
    state_free(s);
    end(&f);
}

static void a_store_that_is_served_is_left_alone(void **state)
{
    struct fixture f = begin(state);

    make_db(&f, RECORDS TXT RECORD(U1, S1, "'[]'"));
    harness_start(f.h);
    assert_int_equal(import(&f), ERR_BUSY);
    assert_non_null(strstr(f.why.bytes, "in use"));
    harness_stop(f.h);
    end(&f);
}

static void a_disk_that_fails_anywhere_leaves_all_or_nothing(void **state)
{
    struct fixture f = begin(state);
    enum err e = ERR_IO;

    harness_start(f.h);
    harness_stop(f.h);
    make_db(&f, LOOSE TXT RECORD(U1, S1, "'[]'") RECORD(U2, S2, "'[]'"));
    for (int n = 1; n < 100 && e != ERR_OK; n++) {
        struct state *s;
        uint64_t there;
        vfs_fail_arm(&f.h->vfs, n, VFS_WRITE | VFS_SYNC, SQLITE_IOERR_WRITE, 1);
        e = n == 1 ? import(&f) : import_again(&f);
        vfs_fail_disarm(&f.h->vfs);
        s = stored(&f);
        there = state_counts(s).names;
        assert_int_equal(there, state_counts(s).credentials);
        assert_int_equal(there, state_counts(s).secrets_bcrypt);
        if (e == ERR_OK || there != 0)
            assert_int_equal(there, 2);
        state_free(s);
    }
    assert_int_equal(e, ERR_OK);
    end(&f);
}

static void all_can_go_into_one_account_and_another_zone(void **state)
{
    struct fixture f = begin(state);
    struct zone_spec zones[2] = {f.h->zone, f.h->zone};
    struct name owner = parse_name(S1 ".two.example.org");
    const struct name_entry *n;
    struct state *s;

    zones[1].apex = parse_name("two.example.org");
    f.h->settings.zones = zones;
    f.h->settings.n_zones = 2;
    f.h->ns.owner = zones[0].apex;
    zones[1].n_records = 0;
    f.o.zone = "two.Example.org.";
    f.o.account = "legacy";
    make_db(&f, LOOSE TXT RECORD(U1, S1, "'[]'") RECORD(U2, S2, "'[]'"));
    assert_imported(&f);
    s = stored(&f);
    n = state_name_by_owner(s, &owner);
    assert_non_null(n);
    assert_string_equal(state_account(s, name_account(n))->name, "legacy");
    assert_int_equal(state_account(s, name_account(n))->names, 2);
    assert_int_equal(state_counts(s).accounts, 1);
    state_free(s);
    f.o.zone = "three.example.org";
    assert_int_equal(import_again(&f), ERR_NOT_FOUND);
    f.o.zone = NULL;
    f.o.account = "No Account";
    assert_int_equal(import_again(&f), ERR_NOT_FOUND);
    end(&f);
}

static void what_is_no_database_of_acme_dns_is_told(void **state)
{
    static const struct {
        const char *sql, *why;
    } rows[] = {
        {"CREATE TABLE x (y);", "no table records with a column Username"},
        {"CREATE TABLE records (Username, Password, Subdomain);", "with a column AllowFrom"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f = begin(state);
        make_db(&f, rows[i].sql);
        assert_int_equal(import(&f), ERR_CORRUPT);
        assert_non_null(strstr(f.why.bytes, rows[i].why));
        (void)unlink(f.db);
        assert_int_equal(import_again(&f), ERR_IO);
        assert_non_null(strstr(f.why.bytes, "no such file"));
        end(&f);
    }
}

static void a_file_of_version_0_1_without_values_is_fine(void **state)
{
    struct fixture f = begin(state);

    make_db(&f, RECORDS RECORD(U1, S1, "'[]'"));
    assert_imported(&f);
    assert_int_equal(f.report.imported, 1);
    assert_int_equal(f.report.values_taken, 0);
    end(&f);
}

static void a_large_database_is_one_change_set(void **state)
{
    struct fixture f = begin(state);
    struct state *s;

    make_db(&f, LOOSE TXT "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                          " INSERT INTO records SELECT printf('00000000-0000-4000-8000-%012d', i), CAST('" HASH
                          "' AS BLOB), printf('sub-%d', i), '[]' FROM n;"
                          "INSERT INTO txt SELECT Subdomain, printf('%043d', rowid), rowid FROM records;");
    assert_imported(&f);
    assert_int_equal(f.report.imported, 5000);
    assert_int_equal(f.report.values_taken, 5000);
    s = stored(&f);
    assert_int_equal(state_counts(s).credentials, 5000);
    assert_int_equal(state_counts(s).values, 5000);
    assert_int_equal(state_counts(s).secrets_bcrypt, 5000);
    state_free(s);
    text_fini(&f.why);
    assert_int_equal(store_check_sqlite(f.h->path, &f.why), ERR_OK); /* the journal folds to the tables */
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_variant_of_the_schema_gives_the_same, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(the_order_is_of_time_then_of_rows_and_ages_begin_now, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(more_values_than_an_answer_holds_leave_the_newest, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(networks_that_cannot_be_read_deny, harness_set_up, harness_tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_taken_over_is_told_and_left_out, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(the_case_of_subdomains_is_kept, harness_set_up, harness_tear_down),
        cmocka_unit_test_setup_teardown(values_without_an_account_stay_behind, harness_set_up, harness_tear_down),
        cmocka_unit_test_setup_teardown(importing_again_changes_nothing, harness_set_up, harness_tear_down),
        cmocka_unit_test_setup_teardown(a_dry_run_writes_nothing_and_says_the_same, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_is_served_is_left_alone, harness_set_up, harness_tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_anywhere_leaves_all_or_nothing, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(all_can_go_into_one_account_and_another_zone, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_database_of_acme_dns_is_told, harness_set_up, harness_tear_down),
        cmocka_unit_test_setup_teardown(a_file_of_version_0_1_without_values_is_fine, harness_set_up,
                                        harness_tear_down),
        cmocka_unit_test_setup_teardown(a_large_database_is_one_change_set, harness_set_up, harness_tear_down),
    };

    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    return crypto_init() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
