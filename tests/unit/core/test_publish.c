/* What the state stages: read from the batch before it is published. */
#include "core/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "base/scarce_memory.h"
#include "base/wire.h"
#include "core/table_internal.h"

#define OK(e) assert_int_equal((e), ERR_OK)

/* ---- notes of a batch ---- */

#define NOTE_TEXT_MAX 512
#define NOTES_MAX     64

struct note {
    char owner[NAME_TEXT_MAX]; /* or "zone 1", "alias 1" */
    char text[NOTE_TEXT_MAX]; /* "" : removed; of a node: "flags zone: TYPE ttl rdata rdata, TYPE … + additional" */
};

struct notes {
    struct note notes[NOTES_MAX];
    size_t n;
};

static void say(char text[NOTE_TEXT_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(char text[NOTE_TEXT_MAX], const char *fmt, ...)
{
    size_t len = strlen(text);
    va_list args;

    va_start(args, fmt);
    assert_in_range(vsnprintf(text + len, NOTE_TEXT_MAX - len, fmt, args), 0, NOTE_TEXT_MAX - len - 1);
    va_end(args);
}

/* TXT as text, all else as hex. */
static void say_rdata(char text[NOTE_TEXT_MAX], uint16_t type, const uint8_t *rdata, size_t len)
{
    char decoded[256];

    say(text, " ");
    if (type == RR_TXT) {
        len = value_decode_text(decoded, rdata, len);
        say(text, "%.*s", (int)len, decoded);
        return;
    }
    for (size_t i = 0; i < len; i++)
        say(text, "%02x", (unsigned)rdata[i]);
}

/* One record behind its owner: its type when it is the first of its set. */
static void say_record(char text[NOTE_TEXT_MAX], struct wire_reader *r, bool first, bool with_type)
{
    uint16_t type = wire_get_u16(r);
    uint32_t ttl_s;
    uint16_t len;
    char type_text[RR_TYPE_TEXT_MAX];

    (void)wire_get_u16(r);
    ttl_s = wire_get_u32(r);
    len = wire_get_u16(r);
    if (first && with_type)
        say(text, " %s %u", rr_type_format(type, type_text), (unsigned)ttl_s);
    say_rdata(text, type, wire_get_bytes(r, len), len);
    assert_int_equal(r->err, ERR_OK);
}

static void say_records(char text[NOTE_TEXT_MAX], const uint8_t *records, size_t len, size_t count)
{
    struct wire_reader r;

    wire_reader_init(&r, records, len);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(wire_get_u16(&r), 0xc00c);
        say_record(text, &r, i == 0, true);
    }
}

static void say_zone(char text[NOTE_TEXT_MAX], uint32_t table_id)
{
    say(text, table_id % 2 == 0 ? "%u" : "alias %u", (unsigned)table_id / 2);
}

static void say_additional(char text[NOTE_TEXT_MAX], const struct answer_set *set)
{
    struct wire_reader r;
    struct name owner;
    char owner_text[NAME_TEXT_MAX];

    wire_reader_init(&r, set->additional, set->additional_len);
    for (size_t i = 0; i < set->additional_count; i++) {
        OK(name_decode(&r, &owner));
        say(text, " + %s", name_format(&owner, owner_text));
        say_record(text, &r, true, false);
    }
}

static void say_node(char text[NOTE_TEXT_MAX], const struct table *t, const struct node *n)
{
    struct answer_set set;

    say(text, "%s%s%s", (n->flags & NODE_APEX) != 0 ? "apex " : "", (n->flags & NODE_CHALLENGE) != 0 ? "name " : "",
        (n->flags & NODE_PINNED) != 0 ? "pinned " : "");
    say_zone(text, n->zone);
    say(text, ":");
    for (size_t i = 0; i < n->n_sets; i++) {
        assert_true(node_find_set(t, n, n->sets[i].type, &set));
        say_records(text, set.records, set.len, set.count);
        say_additional(text, &set);
    }
}

/* One note an owner: the table allows no more. */
static void note(struct notes *b, const char *owner, const char *text)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->notes[i].owner, owner) == 0)
            fail_msg("%s twice in a batch", owner);
    assert_in_range(b->n, 0, NOTES_MAX - 1);
    (void)snprintf(b->notes[b->n].owner, sizeof b->notes[b->n].owner, "%s", owner);
    (void)snprintf(b->notes[b->n].text, sizeof b->notes[b->n].text, "%s", text);
    b->n++;
}

/* The zone that the batch makes, or else the one that is there. */
static const struct table_zone *zone_with(const struct table_batch *b, uint32_t id)
{
    for (size_t i = 0; i < b->n_zones; i++)
        if (b->zones[i].id == id && b->zones[i].zone != NULL)
            return b->zones[i].zone;
    return zone_index_get(atomic_load(&b->t->zones), id);
}

static void note_zone(struct notes *notes, const struct zone_change *change)
{
    const struct table_zone *z = change->zone;
    char owner[NOTE_TEXT_MAX] = "", text[NOTE_TEXT_MAX] = "", apex[NAME_TEXT_MAX];
    uint32_t minimum;

    if (change->id % 2 == 0)
        say(owner, "zone ");
    say_zone(owner, change->id);
    if (z != NULL) {
        memcpy(&minimum, z->records + z->soa_len - sizeof minimum, sizeof minimum);
        say(text, "%s %u minimum %u", name_format(&z->apex, apex), (unsigned)z->serial, (unsigned)be32toh(minimum));
        say_records(text, z->records + z->soa_len, z->caa_len, z->caa_count);
    }
    note(notes, owner, text);
}

static void note_step(struct notes *notes, const struct table_batch *b, const struct batch_step *step)
{
    char owner_text[NAME_TEXT_MAX], text[NOTE_TEXT_MAX] = "";
    struct name owner;

    if (step->kind == BATCH_EMPTY)
        return;
    node_owner(step->node, zone_with(b, step->node->zone), &owner);
    if (step->kind == BATCH_PUT)
        say_node(text, b->t, step->node);
    note(notes, name_format(&owner, owner_text), text);
}

/* Stage, take notes, publish. */
static enum err try_stage(struct state *s, struct notes *notes)
{
    struct table_batch *b = NULL;
    enum err e = table_batch_new(&b, state_table(s));

    notes->n = 0;
    if (e != ERR_OK)
        return e;
    e = state_stage(s, b);
    if (e != ERR_OK) {
        table_batch_free(b);
        return e;
    }
    for (size_t i = 0; i < b->n_zones; i++)
        note_zone(notes, &b->zones[i]);
    for (size_t i = 0; i < b->n_steps; i++)
        note_step(notes, b, &b->steps[i]);
    table_batch_publish(b);
    table_reclaim(state_table(s));
    return ERR_OK;
}

/* ---- looking at the notes ---- */

static void stage(struct state *s, struct notes *b)
{
    OK(try_stage(s, b));
}

/* What was put for the owner, "" when it was removed, "-" when nothing was said. */
static const char *staged(const struct notes *b, const char *owner)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->notes[i].owner, owner) == 0)
            return b->notes[i].text;
    return "-";
}

#define NAME_1 "a.auth.example.org"

/* A state that has been staged once. */
static struct state *staged_state(struct notes *b)
{
    struct state *s = small_state();

    OK(fold_serial(s, 1, 7));
    stage(s, b);
    return s;
}

/* ---- names ---- */

static void the_first_staging_has_everything_and_the_next_nothing(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    assert_int_equal(b.n, 3);
    assert_string_equal(staged(&b, "zone 1"), "auth.example.org 7 minimum 300");
    assert_string_equal(staged(&b, "auth.example.org"), "apex 1:");
    assert_string_equal(staged(&b, NAME_1), "name 1:");
    stage(s, &b);
    assert_int_equal(b.n, 0);
    state_free(s);
}

static void values_are_staged_newest_first_with_the_ttl_of_values(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "old"));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 1, 11), "new"));
    OK(fold_serial(s, 1, 8));
    stage(s, &b);
    assert_int_equal(b.n, 2);
    assert_string_equal(staged(&b, NAME_1), "name 1: TXT 0 new old");
    assert_string_equal(staged(&b, "zone 1"), "auth.example.org 8 minimum 300");
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(1, 1, 0, 10), "old"));
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(1, 1, 1, 11), "new"));
    stage(s, &b);
    assert_int_equal(b.n, 1);
    assert_string_equal(staged(&b, NAME_1), "name 1:");
    state_free(s);
}

static void renewals_and_other_claims_on_a_value_change_no_answer(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "v"));
    OK(fold_serial(s, 1, 8));
    stage(s, &b);
    OK(fold_value(s, EFFECT_CLAIM_RENEWED, claim_row(1, 1, 0, 11), "v"));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, CREDENTIAL_ADMIN, 1, 12), "v"));
    OK(fold_value(s, EFFECT_CLAIM_REMOVED, claim_row(1, 1, 0, 11), "v"));
    OK(fold_credential(s, EFFECT_CREDENTIAL_MADE, credential_row(2, 1)));
    assert_false(state_zone_needs_serial(s, 1));
    stage(s, &b);
    assert_int_equal(b.n, 1); /* its row knows of the claims */
    assert_string_equal(staged(&b, NAME_1), "name 1: TXT 0 v");
    state_free(s);
}

static void a_name_of_pinned_values_only_has_their_ttl(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);
    struct effect_claim pinned = claim_row(1, CREDENTIAL_ADMIN, 0, 10);

    (void)state;
    pinned.pinned = true;
    OK(fold_value(s, EFFECT_CLAIM_ADDED, pinned, "p"));
    stage(s, &b);
    assert_string_equal(staged(&b, NAME_1), "name pinned 1: TXT 300 p");
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 1, 11), "v"));
    stage(s, &b);
    assert_string_equal(staged(&b, NAME_1), "name 1: TXT 0 v p");
    OK(fold_value(s, EFFECT_CLAIM_EXPIRED, claim_row(1, 1, 1, 11), "v"));
    stage(s, &b);
    assert_string_equal(staged(&b, NAME_1), "name pinned 1: TXT 300 p");
    state_free(s);
}

static void a_retired_name_is_removed_and_a_revived_one_comes_back(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);
    struct effect_name row = name_row(1, 1, 1, "A.auth.example.org");

    (void)state;
    row.retired_s = 50;
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
    stage(s, &b);
    assert_int_equal(b.n, 1);
    assert_string_equal(staged(&b, NAME_1), "");
    row.retired_s = 0;
    OK(fold_name(s, EFFECT_NAME_REVIVED, row));
    stage(s, &b);
    assert_string_equal(staged(&b, NAME_1), "name 1:");
    row = name_row(2, 1, 1, "tomb.auth.example.org"); /* as loaded: it never was in DNS */
    row.retired_s = 60;
    OK(fold_name(s, EFFECT_NAME_MADE, row));
    stage(s, &b);
    assert_int_equal(b.n, 0);
    state_free(s);
}

/* ---- zones ---- */

static const uint8_t address[] = {192, 0, 2, 1};
static const uint8_t address6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

static struct record record_of(const char *owner, uint16_t type, const void *rdata, size_t len)
{
    return (struct record){
        .owner = name_from(owner), .type = type, .ttl_s = 60, .rdata = {.bytes = rdata, .len = (uint16_t)len}};
}

static void set_records(struct state *s, uint32_t zone, const char *apex, const struct record *records, size_t n)
{
    struct effect_zone row = zone_row_of(zone, apex);

    row.spec.records = records;
    row.spec.n_records = n;
    OK(fold_zone(s, EFFECT_ZONE_SET, row));
}

static void static_owners_get_nodes_with_the_addresses_of_name_servers(void **state)
{
    struct name ns1 = name_from("NS1.auth.example.org");
    struct name ns2 = name_from("ns.example.net");
    struct record records[] = {
        record_of("ns1.auth.example.org", RR_AAAA, address6, sizeof address6),
        record_of("auth.example.org", RR_NS, ns1.b, ns1.len),
        record_of("auth.example.org", RR_A, address, sizeof address),
        record_of("auth.example.org", RR_NS, ns2.b, ns2.len),
        record_of("NS1.auth.example.org", RR_A, address, sizeof address),
        record_of("www.x.auth.example.org", RR_A, address, sizeof address),
    };
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    set_records(s, 1, "auth.example.org", records, ARRAY_LEN(records));
    stage(s, &b);
    assert_int_equal(b.n, 4);
    assert_string_equal(staged(&b, "auth.example.org"),
                        "apex 1: A 60 c0000201 NS 60 034e5331046175746807"
                        "6578616d706c65036f726700"
                        " 026e73076578616d706c65036e657400"
                        " + ns1.auth.example.org 20010db8000000000000000000000001 + ns1.auth.example.org c0000201");
    assert_string_equal(staged(&b, "ns1.auth.example.org"),
                        "1: A 60 c0000201 AAAA 60 20010db8000000000000000000000001");
    assert_string_equal(staged(&b, "www.x.auth.example.org"), "1: A 60 c0000201");
    assert_string_equal(staged(&b, "zone 1"), "auth.example.org 7 minimum 300");
    state_free(s);
}

static void static_owners_that_vanish_are_removed(void **state)
{
    struct record records[] = {
        record_of("www.auth.example.org", RR_A, address, sizeof address),
        record_of("x.auth.example.org", RR_A, address, sizeof address),
    };
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    set_records(s, 1, "auth.example.org", records, 2);
    stage(s, &b);
    set_records(s, 1, "auth.example.org", records, 1);
    stage(s, &b);
    assert_string_equal(staged(&b, "x.auth.example.org"), "");
    assert_string_equal(staged(&b, "www.auth.example.org"), "1: A 60 c0000201");
    assert_string_equal(staged(&b, "auth.example.org"), "apex 1:");
    set_records(s, 1, "auth.example.org", NULL, 0);
    stage(s, &b);
    assert_string_equal(staged(&b, "x.auth.example.org"), "-");
    assert_string_equal(staged(&b, "www.auth.example.org"), "");
    state_free(s);
}

static void a_serial_alone_stages_the_zone_alone(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    OK(fold_serial(s, 1, 9));
    stage(s, &b);
    assert_int_equal(b.n, 1);
    assert_string_equal(staged(&b, "zone 1"), "auth.example.org 9 minimum 300");
    state_free(s);
}

static void the_switch_gives_challenge_names_two_caa_records(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);
    struct effect_zone row = zone_row_of(1, "auth.example.org");

    (void)state;
    row.spec.challenge_caa = CHALLENGE_CAA_DENY;
    OK(fold_zone(s, EFFECT_ZONE_SET, row));
    stage(s, &b);
    assert_string_equal(staged(&b, "zone 1"),
                        "auth.example.org 7 minimum 300 CAA 300 000569737375653b 0009697373756577696c643b");
    state_free(s);
}

static void another_ttl_stages_the_names_with_values(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);
    struct effect_zone row = zone_row_of(1, "auth.example.org");

    (void)state;
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "idle.auth.example.org")));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "v"));
    stage(s, &b);
    row.spec.value_ttl_s = 5;
    OK(fold_zone(s, EFFECT_ZONE_SET, row));
    stage(s, &b);
    assert_string_equal(staged(&b, NAME_1), "name 1: TXT 5 v");
    assert_string_equal(staged(&b, "idle.auth.example.org"), "-");
    state_free(s);
}

static void a_removed_zone_takes_all_its_owners_out_and_brings_them_back(void **state)
{
    struct record www = record_of("www.auth.example.org", RR_A, address, sizeof address);
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    set_records(s, 1, "auth.example.org", &www, 1);
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 0, 10), "v"));
    stage(s, &b);
    OK(fold_zone(s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
    stage(s, &b);
    assert_int_equal(b.n, 4);
    assert_string_equal(staged(&b, "zone 1"), "");
    assert_string_equal(staged(&b, "auth.example.org"), "");
    assert_string_equal(staged(&b, "www.auth.example.org"), "");
    assert_string_equal(staged(&b, NAME_1), "");
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(1, 1, 1, 11), "w"));
    stage(s, &b);
    assert_int_equal(b.n, 0);
    set_records(s, 1, "auth.example.org", NULL, 0);
    stage(s, &b);
    assert_int_equal(b.n, 3);
    assert_string_equal(staged(&b, NAME_1), "name 1: TXT 0 w v");
    state_free(s);
}

static void a_zone_that_was_removed_before_it_was_staged_stages_nothing(void **state)
{
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    OK(fold_zone(s, EFFECT_ZONE_SET, zone_row_of(2, "b.example.net")));
    OK(fold_zone(s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 2}));
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 2, "x.b.example.net")));
    stage(s, &b);
    assert_int_equal(b.n, 0);
    state_free(s);
}

static void a_zone_may_be_replaced_by_one_above_it_in_one_batch(void **state)
{
    struct record outer[] = {
        record_of("auth.example.org", RR_A, address, sizeof address),
        record_of("a.auth.example.org", RR_A, address, sizeof address),
    };
    struct record www = record_of("www.auth.example.org", RR_A, address, sizeof address);
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    set_records(s, 1, "auth.example.org", &www, 1);
    stage(s, &b);
    OK(fold_zone(s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 1}));
    set_records(s, 2, "example.org", outer, 2);
    stage(s, &b);
    assert_string_equal(staged(&b, "zone 1"), "");
    assert_string_equal(staged(&b, "example.org"), "apex 2:");
    assert_string_equal(staged(&b, "auth.example.org"), "2: A 60 c0000201");
    assert_string_equal(staged(&b, "a.auth.example.org"), "2: A 60 c0000201");
    assert_string_equal(staged(&b, "www.auth.example.org"), "");
    state_free(s);
}

static void a_name_and_a_static_owner_may_take_each_others_place_in_one_batch(void **state)
{
    struct record www = record_of("www.auth.example.org", RR_A, address, sizeof address);
    struct record at_name = record_of(NAME_1, RR_A, address, sizeof address);
    struct effect_name row = name_row(1, 1, 1, NAME_1);
    struct notes b;
    struct state *s = staged_state(&b);

    (void)state;
    set_records(s, 1, "auth.example.org", &www, 1);
    stage(s, &b);
    row.retired_s = 50;
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
    set_records(s, 1, "auth.example.org", &at_name, 1);
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "www.auth.example.org")));
    stage(s, &b);
    assert_string_equal(staged(&b, NAME_1), "1: A 60 c0000201");
    assert_string_equal(staged(&b, "www.auth.example.org"), "name 1:");
    set_records(s, 1, "auth.example.org", NULL, 0); /* a tombstone is left there */
    stage(s, &b);
    assert_string_equal(staged(&b, NAME_1), "");
    state_free(s);
}

/* ---- failing ---- */

static struct effect_alias alias_row(uint32_t id, uint32_t name, const char *fqdn)
{
    return (struct effect_alias){.id = id, .name = name, .fqdn = name_from(fqdn), .served = true};
}

/* Something of every kind to stage. */
static struct state *busy_state(void)
{
    struct record records[] = {
        record_of("auth.example.org", RR_A, address, sizeof address),
        record_of("x.auth.example.org", RR_A, address, sizeof address),
    };
    struct effect_name row = name_row(1, 1, 1, NAME_1);
    struct notes b;
    struct state *s = small_state();

    set_records(s, 1, "auth.example.org", records, 2);
    set_records(s, 2, "b.example.net", NULL, 0);
    OK(fold_name(s, EFFECT_NAME_MADE, name_row(2, 1, 1, "b.auth.example.org")));
    OK(fold_alias(s, EFFECT_ALIAS_MADE, alias_row(1, 2, "_a.example.net")));
    stage(s, &b);
    OK(fold_alias(s, EFFECT_ALIAS_ENDED, alias_row(1, 2, "_a.example.net")));
    OK(fold_alias(s, EFFECT_ALIAS_MADE, alias_row(2, 2, "_b.example.net")));
    set_records(s, 1, "auth.example.org", records, 1);
    OK(fold_zone(s, EFFECT_ZONE_REMOVED, (struct effect_zone){.id = 2}));
    row.retired_s = 5;
    OK(fold_name(s, EFFECT_NAME_RETIRED, row));
    OK(fold_value(s, EFFECT_CLAIM_ADDED, claim_row(2, 1, 0, 10), "v"));
    return s;
}

static void after_any_failure_the_marks_are_still_there(void **state)
{
    static struct notes whole, b;
    struct state *s = busy_state();
    long failed = 1;

    (void)state;
    stage(s, &whole);
    state_free(s);
    for (long at = 0; failed > 0; at++) {
        enum err e;

        assert_true(at < 200);
        s = busy_state();
        scarce_memory(at);
        e = try_stage(s, &b);
        failed = scarce_end();
        assert_true(failed > 0 || at >= 8);
        if (e != ERR_OK) {
            assert_int_equal(e, ERR_MEMORY);
            stage(s, &b);
        }
        assert_int_equal(b.n, whole.n);
        for (size_t i = 0; i < whole.n; i++)
            assert_string_equal(staged(&b, whole.notes[i].owner), whole.notes[i].text);
        stage(s, &b);
        assert_int_equal(b.n, 0);
        state_free(s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_staging_has_everything_and_the_next_nothing),
        cmocka_unit_test(values_are_staged_newest_first_with_the_ttl_of_values),
        cmocka_unit_test(renewals_and_other_claims_on_a_value_change_no_answer),
        cmocka_unit_test(a_name_of_pinned_values_only_has_their_ttl),
        cmocka_unit_test(a_retired_name_is_removed_and_a_revived_one_comes_back),
        cmocka_unit_test(static_owners_get_nodes_with_the_addresses_of_name_servers),
        cmocka_unit_test(static_owners_that_vanish_are_removed),
        cmocka_unit_test(a_serial_alone_stages_the_zone_alone),
        cmocka_unit_test(the_switch_gives_challenge_names_two_caa_records),
        cmocka_unit_test(another_ttl_stages_the_names_with_values),
        cmocka_unit_test(a_removed_zone_takes_all_its_owners_out_and_brings_them_back),
        cmocka_unit_test(a_zone_that_was_removed_before_it_was_staged_stages_nothing),
        cmocka_unit_test(a_zone_may_be_replaced_by_one_above_it_in_one_batch),
        cmocka_unit_test(a_name_and_a_static_owner_may_take_each_others_place_in_one_batch),
        cmocka_unit_test(after_any_failure_the_marks_are_still_there),
    };

    int failed;

    rcu_register_thread();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_unregister_thread();
    return failed;
}
