/* Rows of credentials: what they hold, and in how many octets. The sources are compiled in here with an allocator
 * that can fail. */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static struct {
    bool armed;
    unsigned long left; /* allocations that succeed before one fails */
} allocator;

static bool may_allocate(void)
{
    if (!allocator.armed || allocator.left > 0) {
        allocator.left -= allocator.armed ? 1 : 0;
        return true;
    }
    allocator.armed = false;
    return false;
}

static void *failing_calloc(size_t n, size_t size)
{
    return may_allocate() ? calloc(n, size) : NULL;
}

static void *failing_reallocarray(void *block, size_t n, size_t size)
{
    return may_allocate() ? reallocarray(block, n, size) : NULL;
}

static void *failing_aligned_alloc(size_t align, size_t size)
{
    return may_allocate() ? aligned_alloc(align, size) : NULL;
}

#define calloc(n, size)              failing_calloc(n, size)
#define reallocarray(block, n, size) failing_reallocarray(block, n, size)
#define aligned_alloc(align, size)   failing_aligned_alloc(align, size)
#include "base/slab.c"
#include "core/state_credential.c"
#undef calloc
#undef reallocarray
#undef aligned_alloc

#include "core/rows.h"

#define OK(e)      assert_int_equal((e), ERR_OK)
#define NO_ROOM(e) assert_int_equal((e), ERR_MEMORY)
#define MADE_S     100 /* of the name, see name_row() */
#define REGISTERED 64
#define USED_V4    72
#define USED_LOCAL 72
#define USED_V6    88

static const uint8_t hash[SHA256_LEN] = {0x5a, 1, 2, 3, [SHA256_LEN - 1] = 0xa5};
static const uint8_t other_hash[SHA256_LEN] = {7, [SHA256_LEN - 1] = 9};
static const uint32_t only_name[] = {1};
static const uint32_t two_names[] = {2, 1};
static const struct net nets[] = {{.addr = {.family = ADDR_V4, .b = {192, 0, 2, 0}}, .prefix_len = 24},
                                  {.addr = {.family = ADDR_V6, .b = {0x20, 1}}, .prefix_len = 16}};
static const struct addr over_v4 = {.family = ADDR_V4, .b = {192, 0, 2, 7}};
static const struct addr over_v6 = {.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8, [15] = 7}};
static const struct addr over_socket = {.family = ADDR_LOCAL};

/* ---- a row by itself ---- */

static const struct secret usual_secrets[] = {
    {.id = 70010, .kind = SECRET_SHA256, .len = SHA256_LEN, .data = hash, .starts_s = MADE_S}};

static struct credential_parts usual_parts(void)
{
    return (struct credential_parts){
        .uuid = {.b = {1, 2, 3, [15] = 16}},
        .id = 70000,
        .account = 4000000000u,
        .actions = ACTION_ADD | ACTION_REMOVE | ACTION_READ,
        .kinds = VALUE_KIND_CHALLENGE,
        .label = "",
        .allowfrom = "",
        .secrets = usual_secrets,
        .n_secrets = 1,
        .names = only_name,
        .n_names = 1,
        .created_s = MADE_S,
        .name_created_s = MADE_S,
    };
}

static void with_label(struct credential_parts *p)
{
    p->label = "web1";
}
static void with_allowfrom(struct credential_parts *p)
{
    p->allowfrom = "[]";
}
static void with_all_actions(struct credential_parts *p)
{
    p->actions = 31;
    p->kinds = 3;
}
static void with_unknown_action(struct credential_parts *p)
{
    p->actions = 32;
}
static void with_unknown_kind(struct credential_parts *p)
{
    p->kinds = 255;
}
static void with_bad_networks(struct credential_parts *p)
{
    p->networks_invalid = true;
}
static void with_networks(struct credential_parts *p)
{
    p->networks = nets;
    p->n_networks = 2;
}
static void with_two_names(struct credential_parts *p)
{
    p->names = two_names;
    p->n_names = 2;
}
static void without_names(struct credential_parts *p)
{
    p->n_names = 0;
    p->name_created_s = 0;
}
static void with_end(struct credential_parts *p)
{
    p->expires_s = 5;
}
static void revoked(struct credential_parts *p)
{
    p->revoked_s = 6;
}
static void made_later(struct credential_parts *p)
{
    p->created_s = MADE_S + 1;
}
static void made_at_the_last_second(struct credential_parts *p)
{
    p->created_s = UINT32_MAX;
}
static void made_in_the_far_future(struct credential_parts *p)
{
    p->created_s = (int64_t)UINT32_MAX + 1;
}
static void made_before_1970(struct credential_parts *p)
{
    p->created_s = -1;
}
static void made_as_its_name_in_the_far_future(struct credential_parts *p)
{
    p->created_s = p->name_created_s = INT64_MAX;
}
static void used_v4(struct credential_parts *p)
{
    p->last_use = (struct credential_use){1, over_v4, DOOR_ACMEDNS};
}
static void used_v6(struct credential_parts *p)
{
    p->last_use = (struct credential_use){UINT32_MAX, over_v6, DOOR_SERVER};
}
static void used_locally(struct credential_parts *p)
{
    p->last_use = (struct credential_use){9, over_socket, DOOR_V1};
}
static void used_from_nowhere(struct credential_parts *p)
{
    p->last_use.at_s = 9;
}
static void used_before_1970(struct credential_parts *p)
{
    p->last_use = (struct credential_use){-9, over_v4, DOOR_V1};
}
static void used_in_the_far_future(struct credential_parts *p)
{
    p->last_use = (struct credential_use){INT64_MAX, over_v4, DOOR_V1};
}
static void used_through_an_unknown_door(struct credential_parts *p)
{
    p->last_use = (struct credential_use){9, over_v4, 8};
}
static void used_at_no_time(struct credential_parts *p)
{
    p->last_use.from = over_v4;
}
static void as_it_is(struct credential_parts *p)
{
    (void)p;
}

/* Which secrets. */
static void without_secret(struct credential_parts *p)
{
    p->n_secrets = 0;
}

#define SECRET_VARIANT(name, ...)                                                                                  \
    static void name(struct credential_parts *p)                                                                   \
    {                                                                                                              \
        static const struct secret variant[] = {__VA_ARGS__};                                                      \
        p->secrets = variant;                                                                                      \
        p->n_secrets = ARRAY_LEN(variant);                                                                         \
    }
#define OF_HASH .kind = SECRET_SHA256, .len = SHA256_LEN, .data = hash
SECRET_VARIANT(with_secret_just_near, {.id = 70000 + 32766, OF_HASH, .starts_s = MADE_S})
SECRET_VARIANT(with_secret_just_far, {.id = 70000 + 32767, OF_HASH, .starts_s = MADE_S})
SECRET_VARIANT(with_older_secret_just_near, {.id = 70000 - 32767, OF_HASH, .starts_s = MADE_S})
SECRET_VARIANT(with_older_secret_just_far, {.id = 70000 - 32768, OF_HASH, .starts_s = MADE_S})
SECRET_VARIANT(with_secret_at_the_end, {.id = UINT32_MAX, OF_HASH, .starts_s = MADE_S})
SECRET_VARIANT(with_secret_from_ever, {.id = 70010, OF_HASH})
SECRET_VARIANT(with_rotated_secret, {.id = 1, OF_HASH, .starts_s = UINT32_MAX})
SECRET_VARIANT(with_secret_of_the_far_future, {.id = 1, OF_HASH, .starts_s = INT64_MAX})
SECRET_VARIANT(with_ending_secret, {.id = 70010, OF_HASH, .starts_s = MADE_S, .ends_s = 5})
SECRET_VARIANT(with_short_secret, {.id = 70010, .kind = SECRET_SHA256, .len = 3, .data = hash, .starts_s = MADE_S})
SECRET_VARIANT(with_key, {.id = 70010, .kind = SECRET_TSIG, .len = SHA256_LEN, .data = hash, .starts_s = MADE_S})
SECRET_VARIANT(with_two_secrets, {.id = 7, OF_HASH, .starts_s = 1, .ends_s = 2},
               {.id = 8, .kind = SECRET_BCRYPT, .len = 5, .data = other_hash, .starts_s = -3, .ends_s = 4})

struct variant {
    void (*vary)(struct credential_parts *p);
    size_t octets; /* of the row; 0: general */
};

static const struct variant secret_variants[] = {
    {as_it_is, 64},
    {without_secret, 64},
    {with_secret_just_near, 64},
    {with_older_secret_just_near, 64},
    {with_secret_just_far, 68},
    {with_older_secret_just_far, 68},
    {with_secret_at_the_end, 68},
    {with_secret_from_ever, 68},
    {with_rotated_secret, 72},
    {with_secret_of_the_far_future, 0},
    {with_ending_secret, 0},
    {with_short_secret, 0},
    {with_key, 0},
    {with_two_secrets, 0},
};

static const struct variant variants[] = {
    {as_it_is, 64},
    {with_label, 64 + 5},
    {with_all_actions, 64},
    {used_v4, 72},
    {used_v6, 84},
    {used_locally, 68},
    {with_allowfrom, 0},
    {with_unknown_action, 0},
    {with_unknown_kind, 0},
    {with_bad_networks, 0},
    {with_networks, 0},
    {with_two_names, 0},
    {without_names, 0},
    {with_end, 0},
    {revoked, 0},
    {made_in_the_far_future, 0},
    {made_before_1970, 0},
    {used_from_nowhere, 0},
    {used_before_1970, 0},
    {used_in_the_far_future, 0},
    {used_through_an_unknown_door, 0},
    {used_at_no_time, 0},
};

static void assert_secrets(const struct credential_parts *p, const struct secret *secrets)
{
    for (size_t i = 0; i < p->n_secrets; i++) {
        assert_int_equal(secrets[i].id, p->secrets[i].id);
        assert_int_equal(secrets[i].kind, p->secrets[i].kind);
        assert_int_equal(secrets[i].len, p->secrets[i].len);
        assert_memory_equal(secrets[i].data, p->secrets[i].data, p->secrets[i].len);
        assert_int_equal(secrets[i].starts_s, p->secrets[i].starts_s);
        assert_int_equal(secrets[i].ends_s, p->secrets[i].ends_s);
    }
}

static void assert_holds(const struct credential *c, const struct credential_parts *p)
{
    struct credential_parts got;
    struct secret secrets[2];

    assert_int_equal(credential_n_secrets(c), p->n_secrets);
    credential_row_parts(&got, c, p->name_created_s, secrets);
    assert_true(uuid_equal(&got.uuid, &p->uuid));
    assert_int_equal(got.id, p->id);
    assert_int_equal(got.account, p->account);
    assert_int_equal(got.actions, p->actions);
    assert_int_equal(got.kinds, p->kinds);
    assert_int_equal(got.networks_invalid, p->networks_invalid);
    assert_string_equal(got.label, p->label);
    assert_string_equal(got.allowfrom, p->allowfrom);
    assert_int_equal(got.n_names, p->n_names);
    for (size_t i = 0; i < p->n_names; i++)
        assert_int_equal(got.names[i], p->names[i]);
    assert_int_equal((uintptr_t)got.names % _Alignof(uint32_t), 0);
    assert_int_equal(got.n_networks, p->n_networks);
    for (size_t i = 0; i < p->n_networks; i++)
        assert_memory_equal(&got.networks[i], &p->networks[i], sizeof p->networks[i]);
    assert_int_equal(got.created_s, p->created_s);
    assert_int_equal(got.expires_s, p->expires_s);
    assert_int_equal(got.revoked_s, p->revoked_s);
    assert_int_equal(got.last_use.at_s, p->last_use.at_s);
    assert_true(addr_equal(&got.last_use.from, &p->last_use.from));
    assert_int_equal(got.last_use.door, p->last_use.door);
    assert_secrets(p, secrets);
}

/* The sanitizer sees what is written or read outside of the block. */
static size_t assert_kept(const struct credential_parts *p)
{
    size_t octets = credential_row_size(p);
    struct credential *row = malloc(octets);

    assert_non_null(row);
    credential_row_put(row, p);
    assert_int_equal(credential_row_octets(row), octets);
    assert_holds(row, p);
    free(row);
    return octets;
}

static void a_row_holds_whatever_there_is_in_the_octets_that_it_takes(void **state)
{
    static void (*const makings[])(struct credential_parts * p) = {as_it_is, made_later, made_at_the_last_second,
                                                                   made_as_its_name_in_the_far_future};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        for (size_t j = 0; j < ARRAY_LEN(secret_variants); j++) {
            struct credential_parts p = usual_parts();
            size_t octets;

            variants[i].vary(&p);
            secret_variants[j].vary(&p);
            octets = assert_kept(&p);
            if (variants[i].octets > 0 && secret_variants[j].octets > 0)
                assert_int_equal(octets, variants[i].octets + secret_variants[j].octets - 64);
            else
                assert_true(octets > 96); /* general */
            for (size_t k = 0; k < ARRAY_LEN(makings); k++) {
                makings[k](&p);
                (void)assert_kept(&p);
            }
        }
    }
}

static void every_two_details_go_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        for (size_t j = 0; j < ARRAY_LEN(variants); j++) {
            struct credential_parts p = usual_parts();

            variants[i].vary(&p);
            variants[j].vary(&p);
            (void)assert_kept(&p);
        }
    }
}

static void a_time_of_its_own_takes_four_octets(void **state)
{
    struct credential_parts p = usual_parts();

    (void)state;
    made_later(&p); /* and its secret begins when its name was made */
    assert_int_equal(assert_kept(&p), 64 + 4 + 4);
    without_secret(&p);
    assert_int_equal(assert_kept(&p), 64 + 4);
    p = usual_parts();
    made_as_its_name_in_the_far_future(&p);
    with_secret_from_ever(&p);
    assert_int_equal(assert_kept(&p), 64 + 4);
}

/* ---- rows of a state ---- */

/* Credential 2 as a registration makes it, with secret 2. */
static struct effect_credential registered_row(void)
{
    struct effect_credential row = credential_row(2, 1);

    row.label = "";
    row.names = only_name;
    row.n_names = 1;
    row.created_s = MADE_S;
    return row;
}

static struct effect_secret hash_row(uint32_t id)
{
    return (struct effect_secret){
        .id = id, .credential = 2, .kind = SECRET_SHA256, .len = SHA256_LEN, .data = hash, .starts_s = MADE_S};
}

struct world {
    struct state *s;
    size_t octets_before;
};

static struct world world_new(void)
{
    struct world w = {.s = small_state()};

    state_forget_rows(w.s);
    w.octets_before = slab_octets(w.s->rows);
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_MADE, registered_row()));
    OK(fold_secret(w.s, EFFECT_SECRET_ADDED, hash_row(2)));
    return w;
}

/* What credential 2 takes. */
static size_t octets_of(const struct world *w)
{
    state_forget_rows(w->s);
    return slab_octets(w->s->rows) - w->octets_before;
}

static void a_registered_credential_takes_64_octets(void **state)
{
    struct world w = world_new();
    const struct credential *c;

    (void)state;
    assert_int_equal(octets_of(&w), REGISTERED);
    c = state_credential(w.s, 2);
    assert_int_equal(credential_created_s(w.s, c), MADE_S);
    assert_int_equal(credential_secret(w.s, c, 0).id, 2);
    assert_int_equal(credential_secret(w.s, c, 0).starts_s, MADE_S);
    assert_memory_equal(credential_secret(w.s, c, 0).data, hash, SHA256_LEN);
    assert_ptr_equal(state_credential_by_uuid(w.s, &c->uuid), c);
    state_free(w.s);
}

static void use_it(const struct world *w, int64_t at_s, const struct addr *from, enum door door)
{
    const struct credential_use use = {.at_s = at_s, .from = *from, .door = (uint8_t)door};
    struct credential_use got;

    OK(state_observe(w->s, 2, &use));
    got = credential_last_use(state_credential(w->s, 2));
    assert_int_equal(got.at_s, at_s);
    assert_int_equal(credential_last_used_s(state_credential(w->s, 2)), at_s);
    assert_true(addr_equal(&got.from, from));
    assert_int_equal(got.door, door);
}

static void a_use_takes_few_octets_and_the_next_one_none(void **state)
{
    struct world w = world_new();
    const struct credential *c;

    (void)state;
    use_it(&w, 500, &over_v4, DOOR_ACMEDNS);
    assert_int_equal(octets_of(&w), USED_V4);
    c = state_credential(w.s, 2);
    use_it(&w, 501, &over_v4, DOOR_V1);
    assert_ptr_equal(state_credential(w.s, 2), c); /* the row itself */
    use_it(&w, 502, &over_v6, DOOR_UPDATE);
    assert_int_equal(octets_of(&w), USED_V6);
    use_it(&w, 503, &over_socket, DOOR_ADMIN);
    assert_int_equal(octets_of(&w), USED_LOCAL);
    use_it(&w, INT64_MAX, &over_v4, DOOR_V1); /* fits only what is general */
    use_it(&w, 504, &over_v4, DOOR_V1);
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_SET, registered_row()));
    assert_int_equal(credential_last_used_s(state_credential(w.s, 2)), 504); /* an observation stays */
    assert_int_equal(octets_of(&w), USED_V4);
    state_free(w.s);
}

static void a_use_is_noted_until_it_is_stored(void **state)
{
    struct world w = world_new();

    (void)state;
    assert_false(state_is_observed(w.s, 2));
    use_it(&w, 500, &over_v4, DOOR_ACMEDNS);
    assert_true(state_is_observed(w.s, 2));
    assert_false(state_is_observed(w.s, 1));
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_SET, registered_row()));
    assert_true(state_is_observed(w.s, 2));
    state_observation_stored(w.s, 2);
    assert_false(state_is_observed(w.s, 2));
    assert_int_equal(credential_last_used_s(state_credential(w.s, 2)), 500);
    state_free(w.s);
}

static void what_becomes_usual_again_becomes_small_again(void **state)
{
    struct world w = world_new();
    struct effect_credential row = registered_row();

    (void)state;
    row.networks = nets;
    row.n_networks = 2;
    row.allowfrom = "[\"192.0.2.0/24\"]";
    row.expires_s = 77;
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_SET, row));
    assert_true(octets_of(&w) > 2 * REGISTERED);
    assert_memory_equal(credential_secret(w.s, state_credential(w.s, 2), 0).data, hash, SHA256_LEN);
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_SET, registered_row()));
    assert_int_equal(octets_of(&w), REGISTERED);
    state_free(w.s);
}

static void secrets_come_by_id_and_the_last_one_makes_it_small(void **state)
{
    struct world w = world_new();
    struct effect_secret old = hash_row(2);
    struct effect_secret slow = {
        .id = 4, .credential = 2, .kind = SECRET_BCRYPT, .len = 5, .data = other_hash, .starts_s = 7};
    const struct credential *c;

    (void)state;
    OK(fold_secret(w.s, EFFECT_SECRET_ADDED, hash_row(3)));
    OK(fold_secret(w.s, EFFECT_SECRET_ADDED, slow));
    assert_int_equal(state_counts(w.s).secrets_bcrypt, 1);
    old.ends_s = 99;
    OK(fold_secret(w.s, EFFECT_SECRET_SET, old));
    c = state_credential(w.s, 2);
    assert_int_equal(credential_n_secrets(c), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(credential_secret(w.s, c, i).id, i + 2);
    assert_int_equal(credential_secret(w.s, c, 0).ends_s, 99);
    assert_memory_equal(credential_secret(w.s, c, 2).data, other_hash, 5);
    OK(fold_secret(w.s, EFFECT_SECRET_ENDED, old));
    OK(fold_secret(w.s, EFFECT_SECRET_ENDED, slow));
    assert_int_equal(state_counts(w.s).secrets_bcrypt, 0);
    assert_int_equal(octets_of(&w), REGISTERED);
    assert_int_equal(credential_secret(w.s, state_credential(w.s, 2), 0).id, 3);
    OK(fold_secret(w.s, EFFECT_SECRET_ENDED, hash_row(3)));
    assert_int_equal(credential_n_secrets(state_credential(w.s, 2)), 0);
    assert_int_equal(octets_of(&w), REGISTERED);
    assert_int_equal(fold_secret(w.s, EFFECT_SECRET_ENDED, hash_row(3)), ERR_CORRUPT);
    state_free(w.s);
}

/* More than a credential may have: a state takes what a journal says. */
static void many_secrets_are_kept(void **state)
{
    struct world w = world_new();
    const struct credential *c;

    (void)state;
    for (uint32_t id = 3; id < 40; id++)
        OK(fold_secret(w.s, EFFECT_SECRET_ADDED, hash_row(id)));
    c = state_credential(w.s, 2);
    assert_int_equal(credential_n_secrets(c), 38);
    for (uint32_t i = 0; i < 38; i++)
        assert_int_equal(credential_secret(w.s, c, i).id, i + 2);
    state_free(w.s);
}

static void an_outdated_row_stays_as_it_was_until_it_is_forgotten(void **state)
{
    struct world w = world_new();
    struct effect_credential row = registered_row();
    const struct credential *first, *second;

    (void)state;
    assert_int_equal(octets_of(&w), REGISTERED);
    first = state_credential(w.s, 2);
    row.label = "web1";
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_SET, row));
    second = state_credential(w.s, 2);
    row.label = "web2";
    row.revoked_s = 9;
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_REVOKED, row));
    assert_string_equal(credential_label(first), "");
    assert_string_equal(credential_label(second), "web1");
    assert_int_equal(credential_secret(w.s, first, 0).id, 2);
    assert_string_equal(credential_label(state_credential(w.s, 2)), "web2");
    assert_int_equal(credential_revoked_s(second), 0);
    assert_true(slab_octets(w.s->rows) - w.octets_before > 2 * REGISTERED);
    OK(fold_credential(w.s, EFFECT_CREDENTIAL_SET, registered_row()));
    assert_int_equal(octets_of(&w), REGISTERED);
    state_free(w.s);
}

static enum err give_label(struct state *s)
{
    struct effect_credential row = registered_row();

    row.label = "web1";
    return fold_credential(s, EFFECT_CREDENTIAL_SET, row);
}

static enum err give_secret(struct state *s)
{
    return fold_secret(s, EFFECT_SECRET_ADDED, hash_row(3));
}

static enum err note_use(struct state *s)
{
    return state_observe(s, 2, &(struct credential_use){.at_s = 500, .from = over_v4, .door = DOOR_V1});
}

/* So that the next row and the list of outdated ones need memory. */
static void fill_up(struct state *s)
{
    state_forget_rows(s);
    s->rows->at = s->rows->end = NULL;
    memset(s->rows->spare, 0, sizeof s->rows->spare);
    memset(s->rows->has_spare, 0, sizeof s->rows->has_spare);
    s->outdated.cap = 0;
}

/* Each allocation fails once. */
static void without_memory_a_credential_stays_as_it_was(void **state)
{
    static enum err (*const changes[])(struct state * s) = {give_label, give_secret, note_use};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        enum err e = ERR_MEMORY;

        for (unsigned long left = 0; e != ERR_OK; left++) {
            struct world w = world_new();
            const struct credential *c;

            fill_up(w.s);
            c = state_credential(w.s, 2);
            allocator.left = left;
            allocator.armed = true;
            e = changes[i](w.s);
            allocator.armed = false;
            if (e == ERR_OK) {
                assert_true(left >= 2); /* the list, a region */
                assert_ptr_not_equal(state_credential(w.s, 2), c);
            } else {
                NO_ROOM(e);
                assert_ptr_equal(state_credential(w.s, 2), c);
                assert_string_equal(credential_label(c), "");
                assert_int_equal(credential_n_secrets(c), 1);
                assert_int_equal(credential_last_used_s(c), 0);
                assert_false(state_is_observed(w.s, 2));
                assert_int_equal(w.s->outdated.n, 0);
            }
            state_free(w.s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_holds_whatever_there_is_in_the_octets_that_it_takes),
        cmocka_unit_test(every_two_details_go_together),
        cmocka_unit_test(a_time_of_its_own_takes_four_octets),
        cmocka_unit_test(a_registered_credential_takes_64_octets),
        cmocka_unit_test(a_use_takes_few_octets_and_the_next_one_none),
        cmocka_unit_test(a_use_is_noted_until_it_is_stored),
        cmocka_unit_test(what_becomes_usual_again_becomes_small_again),
        cmocka_unit_test(secrets_come_by_id_and_the_last_one_makes_it_small),
        cmocka_unit_test(many_secrets_are_kept),
        cmocka_unit_test(an_outdated_row_stays_as_it_was_until_it_is_forgotten),
        cmocka_unit_test(without_memory_a_credential_stays_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
