/* Names that come and go: empty non-terminals, growth, and random histories against a naive model. */
#include "core/table.h"

#include "core/table_fixture.h"

#include <stdio.h>

static struct table *table_with_zone(void)
{
    struct table *t = new_table();
    struct table_batch *b = new_batch(t);

    put_zone(b, 1, "z.example", 1);
    table_batch_publish(b);
    return t;
}

static void publish_put(struct table *t, const char *owner, const char *text)
{
    struct table_batch *b = new_batch(t);

    put(b, 1, owner, text);
    table_batch_publish(b);
}

static void publish_take(struct table *t, const char *owner)
{
    struct table_batch *b = new_batch(t);

    take(b, owner);
    table_batch_publish(b);
}

static void the_names_above_a_name_exist_without_rrsets_up_to_the_apex(void **state)
{
    struct table *t = table_with_zone();

    (void)state;
    publish_put(t, "a.b.c.z.example", "v");
    assert_txt(t, "a.b.c.z.example", "v");
    assert_txt(t, "b.c.z.example", NULL);
    assert_txt(t, "c.z.example", NULL);
    assert_int_equal(node_flags(find(t, "c.z.example")), 0);
    assert_int_equal(table_zone_id(table_node_zone(t, find(t, "c.z.example"))), 1);
    assert_null(find(t, "z.example")); /* the apex is a node of its own making */
    assert_null(find(t, "x.b.c.z.example"));
    assert_int_equal(table_counts(t).nodes, 3);
    table_free(t);
}

static void an_empty_non_terminal_goes_with_the_last_name_below(void **state)
{
    struct table *t = table_with_zone();

    (void)state;
    publish_put(t, "1.b.c.z.example", "v");
    publish_put(t, "2.b.c.z.example", "v");
    publish_put(t, "3.c.z.example", "v");
    publish_take(t, "1.b.c.z.example");
    assert_null(find(t, "1.b.c.z.example"));
    assert_non_null(find(t, "b.c.z.example"));
    publish_take(t, "2.b.c.z.example");
    assert_null(find(t, "b.c.z.example"));
    assert_non_null(find(t, "c.z.example"));
    publish_take(t, "3.c.z.example");
    assert_null(find(t, "c.z.example"));
    assert_int_equal(table_counts(t).nodes, 0);
    table_reclaim(t);
    table_free(t);
}

static void a_removed_name_with_others_below_becomes_an_empty_non_terminal(void **state)
{
    struct table *t = table_with_zone();

    (void)state;
    publish_put(t, "b.z.example", "b");
    publish_put(t, "a.b.z.example", "a");
    publish_take(t, "b.z.example");
    assert_txt(t, "b.z.example", NULL);
    publish_take(t, "b.z.example"); /* there is none any more: nothing happens */
    assert_txt(t, "b.z.example", NULL);
    publish_put(t, "b.z.example", "again");
    assert_txt(t, "b.z.example", "again");
    publish_take(t, "a.b.z.example");
    assert_txt(t, "b.z.example", "again"); /* it is not empty */
    publish_take(t, "b.z.example");
    assert_null(find(t, "b.z.example"));
    assert_int_equal(table_counts(t).nodes, 0);
    table_free(t);
}

static void one_batch_may_mix_names_above_and_below_in_any_order(void **state)
{
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);

    (void)state;
    put(b, 1, "a.b.c.d.z.example", "1");
    put(b, 1, "c.d.z.example", "2");
    put(b, 1, "x.b.c.d.z.example", "3");
    put(b, 1, "z.example", "apex");
    take(b, "d.z.example");
    table_batch_publish(b);
    assert_int_equal(table_counts(t).nodes, 6);
    assert_txt(t, "d.z.example", NULL);
    b = new_batch(t);
    take(b, "c.d.z.example");
    take(b, "a.b.c.d.z.example");
    take(b, "x.b.c.d.z.example");
    put(b, 1, "b.c.d.z.example", "4");
    table_batch_publish(b);
    assert_int_equal(table_counts(t).nodes, 4);
    assert_txt(t, "b.c.d.z.example", "4");
    assert_txt(t, "c.d.z.example", NULL);
    b = new_batch(t);
    put(b, 1, "n.b.c.d.z.example", "5");
    take(b, "b.c.d.z.example");
    table_batch_publish(b);
    assert_txt(t, "b.c.d.z.example", NULL);
    b = new_batch(t);
    take(b, "n.b.c.d.z.example");
    take(b, "z.example");
    table_batch_publish(b);
    assert_int_equal(table_counts(t).nodes, 0);
    table_free(t);
}

/* ---- the naive model ---- */

#define MODEL_NAMES  340 /* all names of up to four labels out of a, b, c, d */
#define MODEL_LABELS 4

struct model {
    bool is_there[MODEL_NAMES];
    int value[MODEL_NAMES];
    char owners[MODEL_NAMES][32];
};

/* A tree in an array: the four names below name i are 4i + 4 to 4i + 7. */
static void model_init(struct model *m)
{
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < MODEL_NAMES; i++) {
        char label = (char)('a' + i % MODEL_LABELS);
        if (i < MODEL_LABELS) {
            (void)snprintf(m->owners[i], sizeof m->owners[i], "%c.z.example", label);
        } else {
            memcpy(m->owners[i] + 2, m->owners[i / MODEL_LABELS - 1], sizeof m->owners[i] - 2);
            m->owners[i][0] = label;
            m->owners[i][1] = '.';
        }
    }
}

static bool model_exists(const struct model *m, size_t i)
{
    if (m->is_there[i])
        return true;
    for (size_t j = 4 * i + 4; j < 4 * i + 8 && j < MODEL_NAMES; j++)
        if (model_exists(m, j))
            return true;
    return false;
}

static void model_compare(const struct model *m, const struct table *t)
{
    size_t exist = 0;

    for (size_t i = 0; i < MODEL_NAMES; i++) {
        char text[16];
        if (!model_exists(m, i)) {
            assert_null(find(t, m->owners[i]));
            continue;
        }
        exist++;
        (void)snprintf(text, sizeof text, "%d", m->value[i]);
        assert_txt(t, m->owners[i], m->is_there[i] ? text : NULL);
    }
    assert_int_equal(table_counts(t).nodes, exist);
}

static void random_batch(struct model *m, struct table *t, int step)
{
    struct table_batch *b = new_batch(t);
    struct model before = *m;
    bool touched[MODEL_NAMES] = {0};
    int n = 1 + (int)(random() % (random() % 8 == 0 ? 200 : 6));
    /* Long times of growth and of shrinking, so that empty non-terminals come and go. */
    int puts = step / 80 % 2 == 0 ? 60 : 20;

    for (int k = 0; k < n; k++) {
        size_t i = (size_t)(random() % MODEL_NAMES);
        char text[16];
        if (touched[i])
            continue;
        touched[i] = true;
        m->is_there[i] = random() % 100 < puts;
        m->value[i] = step;
        (void)snprintf(text, sizeof text, "%d", step);
        if (m->is_there[i])
            put(b, 1, m->owners[i], text);
        else
            take(b, m->owners[i]);
    }
    if (random() % 10 == 0) {
        table_batch_free(b);
        *m = before;
        return;
    }
    table_batch_publish(b);
    if (random() % 3 == 0)
        table_reclaim(t);
}

static void random_histories_agree_with_a_naive_model(void **state)
{
    static struct model m;
    struct table *t = table_with_zone();
    struct table_counts empty = table_counts(t);

    (void)state;
    srandom(11);
    model_init(&m);
    for (int step = 1; step <= 800; step++) {
        random_batch(&m, t, step);
        model_compare(&m, t);
    }
    for (size_t i = 0; i < MODEL_NAMES; i++) {
        m.is_there[i] = false;
        publish_take(t, m.owners[i]);
    }
    model_compare(&m, t);
    table_reclaim(t);
    assert_int_equal(table_counts(t).nodes, empty.nodes);
    table_free(t);
}

/* ---- many ---- */

#define MANY 60000u

static struct name many_name(uint32_t i)
{
    char text[80];

    (void)snprintf(text, sizeof text, "%08x-5f0c-4c43-9f56-%012x.z.example", i * 2654435761u, i);
    return name_of(text);
}

static void load_many(struct table *t, uint32_t from, uint32_t to, const char *text)
{
    struct table_batch *b = new_batch(t);

    for (uint32_t i = from; i < to; i++) {
        struct name n = many_name(i);
        assert_int_equal(table_batch_put(b, txt_node(1, &n, NODE_CHALLENGE, text)), ERR_OK);
    }
    table_batch_publish(b);
}

static void names_stay_findable_while_the_table_grows_and_shrinks(void **state)
{
    struct table *t = table_with_zone();
    struct table_batch *b;

    (void)state;
    load_many(t, 0, MANY / 2, NULL);                    /* in one */
    for (uint32_t at = MANY / 2; at < MANY; at += 1000) /* and in steps */
        load_many(t, at, at + 1000, NULL);
    table_reclaim(t);
    assert_int_equal(table_counts(t).nodes, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        struct name n = many_name(i);
        assert_non_null(find_name(t, &n));
    }
    b = new_batch(t);
    for (uint32_t i = 0; i < MANY; i += 2) {
        struct name n = many_name(i);
        assert_int_equal(table_batch_remove(b, &n), ERR_OK);
    }
    table_batch_publish(b);
    table_reclaim(t);
    assert_int_equal(table_counts(t).nodes, MANY / 2);
    for (uint32_t i = 0; i < MANY; i++) {
        struct name n = many_name(i);
        assert_int_equal(find_name(t, &n) != NULL, i % 2);
    }
    table_free(t);
}

static void a_name_costs_what_it_should(void **state)
{
    /* A record of 43 characters is 56 octets: name, type, class, TTL, RDLENGTH, the length octet and the text. */
    static const struct rdata values[2] = {{(const uint8_t *)"+0123456789012345678901234567890123456789012", 44},
                                           {(const uint8_t *)"+1123456789012345678901234567890123456789012", 44}};
    static const struct rrset set = {RR_TXT, 0, 2, values};
    struct table *t = table_with_zone();
    struct table_counts before = table_counts(t);
    struct table_batch *b;
    uint64_t idle, used;

    (void)state;
    load_many(t, 0, MANY, NULL);
    idle = (table_counts(t).bytes - before.bytes) / MANY;
    b = new_batch(t);
    for (uint32_t i = 0; i < MANY; i++) {
        struct name owner = many_name(i);
        struct node_spec spec = {.owner = &owner, .zone = 1, .sets = &set, .n_sets = 1};
        struct node *n = NULL;
        assert_int_equal(node_new(&n, &spec), ERR_OK);
        assert_int_equal(table_batch_put(b, n), ERR_OK);
    }
    table_batch_publish(b);
    used = (table_counts(t).bytes - before.bytes) / MANY;
    assert_in_range(idle, 80 + 11, 80 + 15); /* a slot is 8 octets, and two thirds of them at most are taken */
    assert_in_range(used, 192 + 11, 192 + 15);
    table_free(t);
}

static void names_that_come_and_go_do_not_make_the_table_grow(void **state)
{
    struct table *t = table_with_zone();
    uint64_t before = table_counts(t).bytes;

    (void)state;
    load_many(t, 0, 2000, NULL);
    for (uint32_t i = 2000; i < 42000; i++) {
        struct table_batch *b = new_batch(t);
        struct name n = many_name(i);
        assert_int_equal(table_batch_put(b, txt_node(1, &n, 0, NULL)), ERR_OK);
        n = many_name(i - 2000);
        assert_int_equal(table_batch_remove(b, &n), ERR_OK);
        table_batch_publish(b);
        if (i % 100 == 0)
            table_reclaim(t);
        /* Segments of eight names differ much in their size, but deleted marks must not add up. */
        assert_true(table_counts(t).bytes - before < 2000 * (80 + 48));
    }
    assert_int_equal(table_counts(t).nodes, 2000);
    for (uint32_t i = 40000; i < 42000; i++) {
        struct name n = many_name(i);
        assert_non_null(find_name(t, &n));
    }
    table_free(t);
}

static void room_of_names_that_are_gone_is_given_back_by_those_that_follow(void **state)
{
    struct table *t = table_with_zone();
    uint64_t before = table_counts(t).bytes;
    struct table_batch *b;

    (void)state;
    load_many(t, 0, 50000, NULL);
    b = new_batch(t);
    for (uint32_t i = 0; i < 50000; i++) {
        struct name n = many_name(i);
        assert_int_equal(table_batch_remove(b, &n), ERR_OK);
    }
    table_batch_publish(b);
    for (uint32_t round = 0; round < 200; round++) {
        b = new_batch(t);
        for (uint32_t i = 0; i < 500; i++) {
            struct name n = many_name(50000 + round * 500 + i);
            assert_int_equal(table_batch_put(b, txt_node(1, &n, 0, NULL)), ERR_OK);
            n = many_name(50000 + round * 500 + i - 500);
            assert_int_equal(table_batch_remove(b, &n), ERR_OK);
        }
        table_batch_publish(b);
        table_reclaim(t);
    }
    assert_int_equal(table_counts(t).nodes, 500);
    assert_true(table_counts(t).bytes - before < 1000000); /* a full table of 50000 takes 4000000 */
    table_free(t);
}

static void many_names_below_one_missing_name_share_it(void **state)
{
    struct table *t = table_with_zone();
    struct table_batch *b = new_batch(t);
    uint64_t before = table_counts(t).bytes;
    char text[64];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "n%u.sub%u.z.example", i, i % 3);
        put(b, 1, text, "v");
    }
    table_batch_publish(b);
    assert_int_equal(table_counts(t).nodes, 20003);
    assert_true(table_counts(t).bytes - before < 20003 * (64 + 22)); /* no segment got room for thousands of them */
    b = new_batch(t);
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "n%u.sub%u.z.example", i, i % 3);
        take(b, text);
    }
    table_batch_publish(b);
    assert_int_equal(table_counts(t).nodes, 0);
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_names_above_a_name_exist_without_rrsets_up_to_the_apex),
        cmocka_unit_test(an_empty_non_terminal_goes_with_the_last_name_below),
        cmocka_unit_test(a_removed_name_with_others_below_becomes_an_empty_non_terminal),
        cmocka_unit_test(one_batch_may_mix_names_above_and_below_in_any_order),
        cmocka_unit_test(random_histories_agree_with_a_naive_model),
        cmocka_unit_test(names_stay_findable_while_the_table_grows_and_shrinks),
        cmocka_unit_test(a_name_costs_what_it_should),
        cmocka_unit_test(names_that_come_and_go_do_not_make_the_table_grow),
        cmocka_unit_test(room_of_names_that_are_gone_is_given_back_by_those_that_follow),
        cmocka_unit_test(many_names_below_one_missing_name_share_it),
    };

    return cmocka_run_group_tests(tests, prepare_crypto, NULL);
}
