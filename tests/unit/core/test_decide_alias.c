/* Aliases: who may be one, what they stand for, and what ends them. */
#include "decide_fixture.h"

#include "core/resolve.h"

#define ALIAS "_acme-challenge.shop.example.com"

static struct request change(const struct world *w, const char *name, const char *const *add, size_t n_add,
                             const char *const *take, size_t n_take)
{
    struct request r = request_of(w, REQUEST_NAME_SET, AUTH_LOCAL);

    r.u.name.name = ref_of(NAME_REF_ANY, name);
    r.u.name.aliases_add = add;
    r.u.name.n_aliases_add = n_add;
    r.u.name.aliases_remove = take;
    r.u.name.n_aliases_remove = n_take;
    return r;
}

static enum refusal add_alias(struct world *w, const char *name, const char *fqdn)
{
    struct request r = change(w, name, &fqdn, 1, NULL, 0);

    return ask(w, &r);
}

static enum refusal end_alias(struct world *w, const char *name, const char *fqdn)
{
    struct request r = change(w, name, NULL, 0, &fqdn, 1);

    return ask(w, &r);
}

static const struct alias *alias_at(const struct world *w, const char *fqdn)
{
    struct name n = name_of(fqdn);

    return state_alias_at(w->s, &n);
}

/* Accounts "shop" with the names shop and _acct.shop, and "mail" with the name mail. */
static struct world *world_with_names(void)
{
    struct world *w = world_new();

    (void)make_account(w, "shop");
    (void)make_account(w, "mail");
    (void)make_name(w, "shop", "shop");
    (void)make_name(w, "shop", "_acct.shop");
    (void)make_name(w, "mail", "mail");
    return w;
}

/* ---- who may be one ---- */

static void only_names_that_no_host_has_can_be_aliases(void **state)
{
    static const char label63[] = "_23456789012345678901234567890123456789012345678901234567890123";
    char longest[256], too_long[260], label64[80];
    struct {
        const char *fqdn;
        enum refusal refusal;
    } rows[] = {
        {"_acme-challenge.example.com", REFUSAL_NONE},
        {"_acme-challenge.Example.NET.", REFUSAL_NONE},
        {"_validation-persist.example.com", REFUSAL_NONE},
        {"_a.b", REFUSAL_NONE},
        {longest, REFUSAL_NONE},
        {too_long, REFUSAL_MALFORMED},
        {label64, REFUSAL_MALFORMED},
        {"acme-challenge.example.com", REFUSAL_MALFORMED},
        {"www._acme-challenge.example.com", REFUSAL_MALFORMED},
        {"*._acme-challenge.example.com", REFUSAL_MALFORMED},
        {"_acme-challenge", REFUSAL_MALFORMED},
        {"_acme-challenge.*.example.com", REFUSAL_MALFORMED},
        {"_acme-challenge.b\xc3\xbc.example.com", REFUSAL_MALFORMED},
        {"_acme\\032challenge.example.com", REFUSAL_MALFORMED},
        {"_acme-challenge..example.com", REFUSAL_MALFORMED},
        {"_acme-challenge.exa mple.com", REFUSAL_MALFORMED},
        {"", REFUSAL_MALFORMED},
        {".", REFUSAL_MALFORMED},
        {"_acme-challenge.auth.example.org", REFUSAL_CONFLICT}, /* below a zone */
        {"_x.shop.auth.example.org", REFUSAL_CONFLICT},
    };
    struct world *w = world_with_names();

    (void)state;
    (void)snprintf(longest, sizeof longest, "%s.%s.%s.%.61s", label63, label63 + 0, label63, label63);
    assert_int_equal(strlen(longest), 253);
    (void)snprintf(too_long, sizeof too_long, "%sa", longest);
    (void)snprintf(label64, sizeof label64, "%s4.example.com", label63);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(refusal_word(add_alias(w, "shop", rows[i].fqdn)), refusal_word(rows[i].refusal));
        if (rows[i].refusal != REFUSAL_NONE)
            assert_true(w->res.hint[0] != '\0');
        else
            assert_int_equal(end_alias(w, "shop", rows[i].fqdn), REFUSAL_NONE);
    }
    assert_int_equal(state_aliases_of(w->s, 1, NULL, 0), 0);
    world_free(w);
}

static void an_alias_lies_neither_at_nor_above_nor_below_a_zone(void **state)
{
    static const struct {
        const char *apex;
        const char *detail;
    } rows[] = {
        {"_acme-challenge.example.com", "at"},
        {"x._acme-challenge.example.com", "above"},
        {"example.com", "below"},
        {"com", "below"},
    };
    struct world *w = world_with_names();

    (void)state;
    w->settings.n_zones = 2;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->zones[1] = zone_of(rows[i].apex);
        assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
        assert_int_equal(add_alias(w, "shop", "_acme-challenge.example.com"), REFUSAL_CONFLICT);
        assert_non_null(strstr(w->res.detail, rows[i].detail));
        assert_non_null(strstr(w->res.detail, rows[i].apex));
    }
    w->settings.n_zones = 1; /* a zone that is gone stands in nobody's way */
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_int_equal(add_alias(w, "shop", "_acme-challenge.example.com"), REFUSAL_NONE);
    world_free(w);
}

static void an_alias_lies_neither_at_nor_above_nor_below_another(void **state)
{
    static const struct {
        const char *name, *fqdn;
        enum refusal refusal;
    } rows[] = {
        {"mail", ALIAS, REFUSAL_CONFLICT},
        {"mail", "_ACME-challenge.SHOP.example.com.", REFUSAL_CONFLICT},
        {"mail", "_x." ALIAS, REFUSAL_CONFLICT},
        {"_acct.shop", ALIAS, REFUSAL_CONFLICT},
        {"_acct.shop", "_acct." ALIAS, REFUSAL_CONFLICT},
        {"shop", "_x." ALIAS, REFUSAL_CONFLICT},
        {"shop", ALIAS, REFUSAL_NONE}, /* it is */
        {"shop", "_ACME-challenge.SHOP.example.com.", REFUSAL_NONE},
        {"mail", "_acme-challenge.example.com", REFUSAL_NONE}, /* beside it */
        {"mail", "_acme-challenge.w.shop.example.com", REFUSAL_NONE},
    };
    struct world *w = world_with_names();

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(refusal_word(add_alias(w, rows[i].name, rows[i].fqdn)), refusal_word(rows[i].refusal));
        if (rows[i].refusal != REFUSAL_NONE) {
            assert_non_null(strstr(w->res.detail, "account shop"));
            assert_true(w->res.hint[0] != '\0');
        }
    }
    assert_int_equal(add_alias(w, "mail", "_y.com"), REFUSAL_NONE);
    assert_int_equal(add_alias(w, "shop", "_acme-challenge.x._y.com"), REFUSAL_CONFLICT);
    assert_int_equal(add_alias(w, "shop", "_z.b._a.net"), REFUSAL_NONE);
    assert_int_equal(add_alias(w, "mail", "_a.net"), REFUSAL_CONFLICT);
    assert_non_null(strstr(w->res.detail, "above"));
    world_free(w);
}

static void one_request_is_done_as_a_whole_or_not_at_all(void **state)
{
    static const char *const add[] = {"_a.example.com", "_A.example.com.", "_b.example.com", "_x._b.example.com"};
    static const char *const renamed[] = {"_c.example.com"};
    struct world *w = world_with_names();
    struct request r = change(w, "shop", add, 4, NULL, 0);

    (void)state;
    assert_refused(w, &r, REFUSAL_CONFLICT);
    r = change(w, "shop", add, 3, NULL, 0);
    assert_done(w, &r);
    assert_int_equal(effects_of(w, EFFECT_ALIAS_MADE), 2);
    assert_done(w, &r);
    assert_false(w->res.is_change);
    r = change(w, "shop", add, 3, add, 1); /* ended and made again */
    assert_done(w, &r);
    assert_int_equal(effects_of(w, EFFECT_ALIAS_MADE), 1);
    assert_int_equal(effects_of(w, EFFECT_ALIAS_ENDED), 1);
    r = change(w, "shop", renamed, 1, add, 3);
    assert_done(w, &r);
    assert_int_equal(effects_of(w, EFFECT_ALIAS_ENDED), 2);
    assert_int_equal(state_aliases_of(w->s, 1, NULL, 0), 1);
    assert_non_null(alias_at(w, "_c.example.com"));
    assert_int_equal(end_alias(w, "mail", "_c.example.com"), REFUSAL_NONE); /* not one of its own */
    assert_false(w->res.is_change);
    assert_non_null(alias_at(w, "_c.example.com"));
    assert_int_equal(end_alias(w, "shop", "never.example.com"), REFUSAL_MALFORMED);
    world_free(w);
}

static void the_number_of_aliases_of_a_name_is_bounded(void **state)
{
    static char texts[65][32];
    const char *list[65];
    struct world *w = world_with_names();
    struct request r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        (void)snprintf(texts[i], sizeof texts[i], "_acme-challenge.d%zu.example", i);
        list[i] = texts[i];
    }
    r = change(w, "shop", list, 65, NULL, 0);
    assert_refused(w, &r, REFUSAL_TOO_LARGE);
    r = change(w, "shop", list, 64, NULL, 0);
    assert_done(w, &r);
    r = change(w, "shop", list + 64, 1, NULL, 0);
    assert_refused(w, &r, REFUSAL_QUOTA);
    r = change(w, "shop", list + 64, 1, list, 1);
    assert_done(w, &r);
    r = change(w, "mail", list, 1, NULL, 0);
    assert_done(w, &r);
    world_free(w);
}

static void holders_cannot_make_aliases(void **state)
{
    static const char *const fqdn = ALIAS;
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "shop", "web1");
    struct request r = request_by(w, REQUEST_NAME_SET, &h);

    (void)state;
    empower(w, &h, ACTION_ADD | ACTION_MANAGE, 0);
    r.u.name.name = ref_of(NAME_REF_ANY, "shop");
    r.u.name.aliases_add = &fqdn;
    r.u.name.n_aliases_add = 1;
    assert_refused(w, &r, REFUSAL_ACTION_NOT_IN_SCOPE);
    world_free(w);
}

/* ---- what they stand for ---- */

static enum refusal add_as(struct world *w, const struct holder *h, enum name_ref_kind kind, const char *name,
                           unsigned number)
{
    struct challenge ch = challenge_of("alias", number);
    struct value_text v = text_of(ch.text);
    struct request r = values_request(request_by(w, REQUEST_VALUE_ADD, h), name, &v, 1);

    r.u.values.name.kind = kind;
    return ask(w, &r);
}

static void an_alias_stands_for_its_name_at_every_door_that_takes_owners(void **state)
{
    static const struct {
        enum name_ref_kind kind;
        const char *text;
        bool is_found;
    } rows[] = {
        {NAME_REF_OWNER, ALIAS, true},
        {NAME_REF_OWNER, "_Acme-Challenge.SHOP.example.com.", true},
        {NAME_REF_FQDN, ALIAS ".", true},
        {NAME_REF_ANY, ALIAS, true},
        {NAME_REF_SUBDOMAIN, ALIAS, false},
        {NAME_REF_OWNER, "_acme-challenge.other.example.com", false},
        {NAME_REF_OWNER, "shop.example.com", false},
        {NAME_REF_OWNER, "_acct." ALIAS, false}, /* below it, and the name does not take in what is below */
        {NAME_REF_OWNER, "_none." ALIAS, false},
    };
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "shop", "web1");

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        enum refusal got = add_as(w, &h, rows[i].kind, rows[i].text, i);

        assert_string_equal(refusal_word(got),
                            refusal_word(rows[i].is_found ? REFUSAL_NONE : REFUSAL_NAME_NOT_IN_SCOPE));
        if (rows[i].is_found)
            assert_int_equal(w->res.name, 1);
    }
    assert_int_equal(values_at(w, 1), 4);
    assert_int_equal(end_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(add_as(w, &h, NAME_REF_OWNER, ALIAS, 99), REFUSAL_NAME_NOT_IN_SCOPE);
    world_free(w);
}

static void another_accounts_alias_is_out_of_scope(void **state)
{
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "mail", "mx1");

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(add_as(w, &h, NAME_REF_OWNER, ALIAS, 1), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_int_equal(add_as(w, &h, NAME_REF_FQDN, "_acct." ALIAS, 1), REFUSAL_NAME_NOT_IN_SCOPE);
    world_free(w);
}

static void subtree(struct world *w, const char *name, bool yes)
{
    struct request r = request_of(w, REQUEST_NAME_SET, AUTH_LOCAL);

    r.u.name.name = ref_of(NAME_REF_ANY, name);
    r.u.name.has_subtree = true;
    r.u.name.subtree = yes;
    assert_done(w, &r);
}

static void a_subtree_takes_in_the_names_below_directly_and_through_the_alias(void **state)
{
    struct world *w = world_with_names();
    struct holder shop = make_holder(w, "shop", "web1"), below = make_holder(w, "_acct.shop", "web2");
    struct holder mail = make_holder(w, "mail", "mx1");
    struct viewer sees = viewer_of(w->s, shop.id);

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(add_as(w, &below, NAME_REF_OWNER, "_acct." ALIAS, 0),
                     REFUSAL_NONE); /* its own, by another name */
    assert_int_equal(w->res.name, 2);
    assert_int_equal(add_as(w, &below, NAME_REF_OWNER, ALIAS, 0), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_false(viewer_sees_name(&sees, w->s, state_name(w->s, 2)));
    subtree(w, "shop", true);
    assert_int_equal(add_as(w, &shop, NAME_REF_OWNER, "_acct." ALIAS, 1), REFUSAL_NONE);
    assert_int_equal(w->res.name, 2);
    assert_int_equal(add_as(w, &shop, NAME_REF_FQDN, "_acct.shop.auth.example.org", 2), REFUSAL_NONE);
    assert_int_equal(values_at(w, 2), 3);
    sees = viewer_of(w->s, shop.id);
    assert_true(viewer_sees_name(&sees, w->s, state_name(w->s, 2)));
    assert_int_equal(add_as(w, &shop, NAME_REF_OWNER, "_none." ALIAS, 3), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_int_equal(add_as(w, &shop, NAME_REF_OWNER, "mail.auth.example.org", 3), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_int_equal(add_as(w, &mail, NAME_REF_OWNER, "_acct." ALIAS, 3), REFUSAL_NAME_NOT_IN_SCOPE);
    assert_int_equal(add_as(w, &below, NAME_REF_OWNER, ALIAS, 3), REFUSAL_NAME_NOT_IN_SCOPE);
    subtree(w, "shop", false);
    assert_int_equal(add_as(w, &shop, NAME_REF_OWNER, "_acct." ALIAS, 4), REFUSAL_NAME_NOT_IN_SCOPE);
    world_free(w);
}

static void people_find_the_name_by_its_alias(void **state)
{
    static const struct viewer everything = {.sees_all = true};
    struct name_ref ref = ref_of(NAME_REF_ANY, ALIAS), below = ref_of(NAME_REF_ANY, "_acct." ALIAS);
    struct world *w = world_with_names();
    struct result why;

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(name_id(state_resolve_name(w->s, &everything, &ref, &why)), 1);
    assert_int_equal(name_id(state_resolve_name(w->s, &everything, &below, &why)), 2);
    world_free(w);
}

/* ---- conditions of an UPDATE ---- */

static void conditions_see_what_dns_shows_at_an_alias(void **state)
{
    static const uint8_t ns[] = {2, 'n', 's', 0};
    struct name at = name_of(ALIAS), below = name_of("_acct." ALIAS), nothing = name_of("_none." ALIAS);
    struct record records[] = {{.owner = name_of("auth.example.org"), .type = RR_NS, .rdata = {ns, sizeof ns}},
                               {.owner = name_of("auth.example.org"), .type = RR_MX, .rdata = {ns, sizeof ns}}};
    struct challenge ch = challenge_of("condition", 0);
    uint8_t rdata[64];
    struct rdata value = {.bytes = rdata, .len = (uint16_t)value_encode_text(rdata, ch.text, VALUE_CHALLENGE_LEN)};
    const struct {
        struct update_condition condition;
        bool holds;
    } rows[] = {
        {{.kind = CONDITION_NAME_IN_USE, .owner = &at}, true},
        {{.kind = CONDITION_NAME_IN_USE, .owner = &nothing}, false},
        {{.kind = CONDITION_NAME_NOT_IN_USE, .owner = &below}, true}, /* it is there, and has no record */
        {{.kind = CONDITION_SET_EXISTS, .owner = &at, .type = RR_SOA}, true},
        {{.kind = CONDITION_SET_EXISTS, .owner = &at, .type = RR_NS}, true},
        {{.kind = CONDITION_SET_EXISTS, .owner = &at, .type = RR_TXT}, true},
        {{.kind = CONDITION_SET_ABSENT, .owner = &at, .type = RR_MX}, true},
        {{.kind = CONDITION_SET_EXISTS, .owner = &below, .type = RR_SOA}, false},
        {{.kind = CONDITION_RECORD_EXISTS, .owner = &at, .rdata = value, .type = RR_TXT}, true},
        {{.kind = CONDITION_RECORD_EXISTS, .owner = &below, .rdata = value, .type = RR_TXT}, false},
    };
    struct world *w = world_with_names();
    struct holder h = make_holder(w, "shop", "web1");

    (void)state;
    w->zones[0].records = records;
    w->zones[0].n_records = ARRAY_LEN(records);
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(add(w, &h, "shop", ch.text), REFUSAL_NONE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = request_by(w, REQUEST_UPDATE, &h);

        r.u.update = (struct request_update){.n_conditions = 1, .conditions = &rows[i].condition};
        assert_string_equal(refusal_word(ask(w, &r)),
                            refusal_word(rows[i].holds ? REFUSAL_NONE : REFUSAL_CONFLICT));
    }
    world_free(w);
}

/* ---- ends ---- */

static void a_removed_name_takes_its_aliases_along(void **state)
{
    struct world *w = world_with_names();
    struct request r = request_of(w, REQUEST_NAME_DELETE, AUTH_LOCAL);

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(add_alias(w, "shop", "_b.example"), REFUSAL_NONE);
    r.u.name.name = ref_of(NAME_REF_ANY, "shop");
    assert_done(w, &r);
    assert_int_equal(effects_of(w, EFFECT_ALIAS_ENDED), 2);
    assert_null(alias_at(w, ALIAS));
    assert_int_equal(add_alias(w, "mail", ALIAS), REFUSAL_NONE);
    assert_int_equal(alias_at(w, ALIAS)->name, 3);
    world_free(w);
}

/* However it was retired. */
static void a_name_that_comes_back_has_no_aliases(void **state)
{
    struct world *w = world_with_names();
    struct request r = request_of(w, REQUEST_NAME_CREATE, AUTH_LOCAL);
    struct effect_name row = {.id = 3, .account = 2, .zone = 1, .owner = name_of("mail.auth.example.org")};
    struct effect f = {.kind = EFFECT_NAME_RETIRED, .u.name = &row};

    (void)state;
    assert_int_equal(add_alias(w, "mail", ALIAS), REFUSAL_NONE);
    row.created_s = name_created_s(state_name(w->s, 3));
    row.retired_s = NOW;
    assert_int_equal(state_fold(w->s, w->seq, &f), ERR_OK);
    assert_int_equal(state_fold(w->replica, w->seq, &f), ERR_OK);
    r.u.name.account = "mail";
    r.u.name.label = "mail";
    r.u.name.revive = true;
    assert_done(w, &r);
    assert_int_equal(effects_of(w, EFFECT_ALIAS_ENDED), 1);
    assert_null(alias_at(w, ALIAS));
    world_free(w);
}

static void a_zone_cannot_be_configured_onto_an_alias(void **state)
{
    static const char *const apexes[] = {ALIAS, ("x." ALIAS), "shop.example.com", "example.com"};
    struct world *w = world_with_names();
    struct settings set = w->settings;

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    set.n_zones = 2;
    for (size_t i = 0; i < ARRAY_LEN(apexes); i++) {
        w->zones[1] = zone_of(apexes[i]);
        assert_int_equal(configure(w, &set), REFUSAL_CONFLICT);
        assert_non_null(strstr(w->res.detail, ALIAS));
        assert_non_null(strstr(w->res.hint, "--alias -" ALIAS));
    }
    w->zones[1] = zone_of("w.example.com");
    assert_int_equal(configure(w, &set), REFUSAL_NONE);
    w->zones[1] = zone_of("example.com");
    assert_int_equal(end_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(configure(w, &set), REFUSAL_NONE);
    world_free(w);
}

/* A holder of the name adds a value, and says which name by an owner. */
static enum refusal add_by_owner(struct world *w, const char *name, const char *owner)
{
    struct holder h = make_holder(w, name, "owner");
    struct challenge ch = challenge_of("owner", 1);
    struct value_text value = text_of(ch.text);
    struct request r = values_request(request_by(w, REQUEST_VALUE_ADD, &h), owner, &value, 1);

    r.u.values.name = ref_of(NAME_REF_OWNER, owner);
    return ask(w, &r);
}

/* A zone that is taken out of the configuration takes its names' aliases out of DNS: they are in nobody's way,
 * until it comes back. */
static void aliases_of_a_zone_that_is_gone_stand_in_nobodys_way(void **state)
{
    struct world *w = world_with_names();
    struct settings gone = w->settings, both = w->settings;

    (void)state;
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(add_alias(w, "shop", "_b.example"), REFUSAL_NONE);
    w->zones[1] = zone_of("example.com");
    gone.zones = &w->zones[1];
    assert_int_equal(configure(w, &gone), REFUSAL_NONE);
    both.n_zones = 2;
    assert_int_equal(configure(w, &both), REFUSAL_CONFLICT);
    w->d.settings = &gone;
    (void)make_name(w, "mail", "new");
    assert_int_equal(add_alias(w, "new.example.com", "_b.example"), REFUSAL_NONE); /* taken over */
    assert_int_equal(effects_of(w, EFFECT_ALIAS_ENDED), 1);
    assert_int_equal(alias_at(w, "_b.example")->name, 4);
    (void)make_name(w, "mail", "_acme-challenge.shop");
    assert_int_equal(add_by_owner(w, "_acme-challenge.shop", ALIAS), REFUSAL_NONE);
    w->d.settings = &w->settings;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_non_null(alias_at(w, ALIAS));
    world_free(w);
}

/* ---- serials ---- */

static uint32_t serial_at(const struct world *w, const char *fqdn)
{
    return alias_at(w, fqdn)->serial;
}

static void each_alias_has_a_serial_that_steps_when_its_own_data_change(void **state)
{
    struct world *w = world_with_names();
    struct holder shop = make_holder(w, "shop", "web1"), mail = make_holder(w, "mail", "mx1");
    struct holder below = make_holder(w, "_acct.shop", "web2");
    struct challenge ch[4];
    uint32_t was;

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(ch); i++)
        ch[i] = challenge_of("serial", i);
    assert_int_equal(add_alias(w, "shop", ALIAS), REFUSAL_NONE);
    assert_int_equal(add_alias(w, "mail", "_b.example"), REFUSAL_NONE);
    assert_int_equal(serial_at(w, ALIAS), NOW);
    assert_int_equal(serial_at(w, "_b.example"), NOW);
    assert_int_equal(add(w, &shop, "shop", ch[0].text), REFUSAL_NONE);
    assert_int_equal(serial_at(w, ALIAS), NOW + 1);
    assert_int_equal(effects_of(w, EFFECT_ALIAS_SERIAL), 1);
    assert_int_equal(serial_at(w, "_b.example"), NOW);
    assert_int_equal(add(w, &shop, "shop", ch[0].text), REFUSAL_NONE); /* renewed: nothing that DNS shows */
    assert_int_equal(serial_at(w, ALIAS), NOW + 1);
    later(w, 100);
    assert_int_equal(add(w, &below, "_acct.shop", ch[1].text), REFUSAL_NONE);
    assert_int_equal(serial_at(w, ALIAS), NOW + 100);
    assert_int_equal(add(w, &mail, "mail", ch[2].text), REFUSAL_NONE);
    assert_int_equal(serial_at(w, ALIAS), NOW + 100);
    assert_int_equal(serial_at(w, "_b.example"), NOW + 100);
    was = serial_at(w, ALIAS);
    w->zones[0].soa.minimum_s++;
    assert_int_equal(configure(w, &w->settings), REFUSAL_NONE);
    assert_int_equal(serial_at(w, ALIAS), was + 1);
    (void)make_name(w, "shop", "_new.shop");
    assert_int_equal(serial_at(w, ALIAS), was + 2);
    world_free(w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_that_no_host_has_can_be_aliases),
        cmocka_unit_test(an_alias_lies_neither_at_nor_above_nor_below_a_zone),
        cmocka_unit_test(an_alias_lies_neither_at_nor_above_nor_below_another),
        cmocka_unit_test(one_request_is_done_as_a_whole_or_not_at_all),
        cmocka_unit_test(the_number_of_aliases_of_a_name_is_bounded),
        cmocka_unit_test(holders_cannot_make_aliases),
        cmocka_unit_test(an_alias_stands_for_its_name_at_every_door_that_takes_owners),
        cmocka_unit_test(another_accounts_alias_is_out_of_scope),
        cmocka_unit_test(a_subtree_takes_in_the_names_below_directly_and_through_the_alias),
        cmocka_unit_test(people_find_the_name_by_its_alias),
        cmocka_unit_test(conditions_see_what_dns_shows_at_an_alias),
        cmocka_unit_test(a_removed_name_takes_its_aliases_along),
        cmocka_unit_test(a_name_that_comes_back_has_no_aliases),
        cmocka_unit_test(a_zone_cannot_be_configured_onto_an_alias),
        cmocka_unit_test(aliases_of_a_zone_that_is_gone_stand_in_nobodys_way),
        cmocka_unit_test(each_alias_has_a_serial_that_steps_when_its_own_data_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
