/* UPDATE: several operations on several names as one change, under conditions (RFC 2136). */
#include <string.h>

#include "core/authorize.h"
#include "core/decide_values.h"
#include "core/value_set.h"

#define CLAIM_BITS_V4 32
#define CLAIM_BITS_V6 64

/* ---- conditions: RFC 2136 section 3.2 ---- */

/* The challenge name of an owner, when DNS shows it; NULL: none. */
static const struct name_entry *shown_name(const struct state *s, const struct name *owner)
{
    struct name target;
    const struct name_entry *n = state_name_by_owner(s, state_alias_target(s, owner, &target) ? &target : owner);

    return n != NULL && name_is_live(s, n) ? n : NULL;
}

/* The records of a zone with an owner; type 0: of all types. */
static size_t count_static(const struct zone_state *zone, const struct name *owner, uint16_t type)
{
    size_t count = name_equal(owner, &zone->spec.apex) && (type == 0 || type == RR_SOA) ? 1 : 0;

    for (size_t i = 0; i < zone->spec.n_records; i++)
        if ((type == 0 || zone->spec.records[i].type == type) && name_equal(&zone->spec.records[i].owner, owner))
            count++;
    return count;
}

/* The apex of an alias has the SOA and the name servers of its name's zone. */
static size_t count_alias_apex(const struct zone_state *zone, uint16_t type)
{
    size_t count = 0;

    if (type == 0 || type == RR_SOA)
        count += count_static(zone, &zone->spec.apex, RR_SOA);
    if (type == 0 || type == RR_NS)
        count += count_static(zone, &zone->spec.apex, RR_NS);
    return count;
}

/* How many records DNS shows at an owner; type 0: of all types. */
static size_t count_records(const struct state *s, const struct name *owner, uint16_t type)
{
    const struct name_entry *n = shown_name(s, owner);
    const struct zone_state *zone = n != NULL ? state_zone(s, name_zone(n)) : state_zone_of(s, owner);
    const struct alias *alias = state_alias_at(s, owner);
    size_t count;

    if (zone == NULL)
        return 0;
    count = n != NULL && alias != NULL && alias->name == name_id(n) ? count_alias_apex(zone, type)
                                                                    : count_static(zone, owner, type);
    if (n != NULL && (type == 0 || type == RR_TXT))
        count += name_n_values(n);
    if (n != NULL && (type == 0 || type == RR_CAA) && zone->spec.challenge_caa == CHALLENGE_CAA_DENY)
        count++;
    return count;
}

static bool rdata_equal(const struct rdata *a, const struct rdata *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool has_txt(const struct state *s, const struct name *owner, const struct rdata *rdata)
{
    const struct zone_state *zone = state_zone_of(s, owner);
    const struct name_entry *n = shown_name(s, owner);

    if (n != NULL && value_set_find(name_values(s, n), rdata->bytes, rdata->len) != NULL)
        return true;
    for (size_t i = 0; zone != NULL && i < zone->spec.n_records; i++) {
        const struct record *r = &zone->spec.records[i];

        if (r->type == RR_TXT && name_equal(&r->owner, owner) && rdata_equal(&r->rdata, rdata))
            return true;
    }
    return false;
}

/* The distinct records that the request wants at an owner. */
static size_t count_wanted_records(const struct request_update *req, const struct name *owner)
{
    size_t count = 0;

    for (size_t i = 0; i < req->n_conditions; i++) {
        const struct update_condition *one = &req->conditions[i];
        bool is_first = one->kind == CONDITION_RECORD_EXISTS && name_equal(one->owner, owner);

        for (size_t j = 0; is_first && j < i; j++)
            is_first = req->conditions[j].kind != CONDITION_RECORD_EXISTS ||
                       !name_equal(req->conditions[j].owner, owner) ||
                       !rdata_equal(&req->conditions[j].rdata, &one->rdata);
        count += is_first ? 1u : 0u;
    }
    return count;
}

/* The first one that wants a record at its owner: it alone counts the others, since a request of nothing but such
 * would else take long. */
static bool counts_records(const struct request_update *req, const struct update_condition *one)
{
    for (const struct update_condition *other = req->conditions; other < one; other++)
        if (other->kind == CONDITION_RECORD_EXISTS && name_equal(other->owner, one->owner))
            return false;
    return true;
}

static bool condition_holds(const struct deciding *c, const struct update_condition *one)
{
    switch (one->kind) {
    case CONDITION_NAME_IN_USE:
        return count_records(c->s, one->owner, 0) > 0;
    case CONDITION_NAME_NOT_IN_USE:
        return count_records(c->s, one->owner, 0) == 0;
    case CONDITION_SET_EXISTS:
        return count_records(c->s, one->owner, one->type) > 0;
    case CONDITION_SET_ABSENT:
        return count_records(c->s, one->owner, one->type) == 0;
    case CONDITION_RECORD_EXISTS:
        break;
    }
    return has_txt(c->s, one->owner, &one->rdata) &&
           (!counts_records(&c->r->u.update, one) ||
            count_records(c->s, one->owner, RR_TXT) == count_wanted_records(&c->r->u.update, one->owner));
}

static const char *condition_text(enum condition_kind kind)
{
    switch (kind) {
    case CONDITION_NAME_IN_USE:
        return "has no record";
    case CONDITION_NAME_NOT_IN_USE:
        return "has records";
    case CONDITION_SET_EXISTS:
        return "has no record of the type";
    case CONDITION_SET_ABSENT:
        return "has records of the type";
    case CONDITION_RECORD_EXISTS:
        break;
    }
    return "does not have exactly these records";
}

/* False: refused. */
static bool conditions_hold(struct deciding *c)
{
    const struct request_update *req = &c->r->u.update;

    for (size_t i = 0; i < req->n_conditions; i++) {
        const struct update_condition *one = &req->conditions[i];

        if (condition_holds(c, one))
            continue;
        c->res->condition_failed = true;
        c->res->condition = one->kind;
        (void)refuse(c, REFUSAL_CONFLICT, "a prerequisite of the update does not hold: %s %s",
                     show_wire(one->owner).text, condition_text(one->kind));
        return false;
    }
    return true;
}

/* ---- operations ---- */

/* One operation, read. */
struct step {
    enum update_op_kind kind;
    uint32_t name;
    struct wanted wanted; /* ADD */
    struct rdata rdata;   /* REMOVE */
};

/* Claims that an exact removal ends: one's own; with `manage` everybody's. */
static struct claim_filter exact_reach(const struct deciding *c)
{
    return (struct claim_filter){
        .of = caller_manages(c) ? NULL : c->credential,
        .pinned_too = caller_manages(c) || (credential_kinds(c->credential) & VALUE_KIND_PINNED) != 0,
    };
}

/* The name of an operation, and whether the caller may do that to it. May refuse. */
static MUST_USE enum err find_target(struct deciding *c, const struct update_op *op, struct name_entry **out)
{
    char text[NAME_TEXT_MAX];
    struct name_ref ref = {.kind = NAME_REF_OWNER, .text = name_format(op->owner, text)};
    enum err e;

    ref.len = strlen(text);
    e = find_name_in_scope(c, &ref, out);
    if (e != ERR_OK || is_refused(c))
        return e;
    if (c->res->name == 0)
        c->res->name = name_id((*out));
    if (op->kind == UPDATE_ADD && caller_may(c, ACTION_ADD))
        (void)caller_may_use(c, VALUE_KIND_CHALLENGE);
    else if (op->kind != UPDATE_ADD && !caller_manages(c))
        (void)caller_may(c, ACTION_REMOVE);
    return ERR_OK;
}

/* May refuse. */
static MUST_USE enum err read_step(struct deciding *c, struct step *step, const struct update_op *op)
{
    struct claim_filter reach = exact_reach(c);
    const struct value *v;
    struct name_entry *n;
    enum err e = find_target(c, op, &n);

    if (e != ERR_OK || is_refused(c))
        return e;
    *step = (struct step){.kind = op->kind, .name = name_id(n)};
    switch (op->kind) {
    case UPDATE_ADD:
        return wanted_read(c, &step->wanted, &op->value);
    case UPDATE_REMOVE:
        e = removal_read(c, &step->rdata, &op->value);
        if (e != ERR_OK || is_refused(c))
            return e;
        v = value_set_find(name_values(c->s, n), step->rdata.bytes, step->rdata.len);
        if (v != NULL)
            (void)value_is_removable(c, v, &reach);
        break;
    case UPDATE_REMOVE_SET:
        break;
    }
    return ERR_OK;
}

/* Whether what is added fits, for each name. May refuse. */
static MUST_USE enum err check_room(struct deciding *c, const struct step *steps, size_t n)
{
    struct wanted *room = arena_alloc(&c->e->arena, (n + 1) * sizeof *room);

    if (room == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct wanted_values all = {.values = room};
        bool is_first = steps[i].kind == UPDATE_ADD;

        for (size_t j = 0; is_first && j < i; j++)
            is_first = steps[j].kind != UPDATE_ADD || steps[j].name != steps[i].name;
        for (size_t j = i; is_first && j < n; j++)
            if (steps[j].kind == UPDATE_ADD && steps[j].name == steps[i].name)
                wanted_put(&all, &steps[j].wanted);
        if (is_first && !wanted_fit(c, state_name(c->s, steps[i].name), &all))
            return ERR_OK;
    }
    return ERR_OK;
}

/* ACME clients send the removal of a whole set before they add, and some when they clean up: it must not take away
 * what other hosts with the same key have just added, nor what is pinned. */
static MUST_USE enum err remove_set(struct deciding *c, uint32_t name)
{
    struct addr network = addr_prefix(&c->r->caller.client, CLAIM_BITS_V4, CLAIM_BITS_V6);
    struct claim_filter own = {.of = c->credential, .network = &network, .old_before = c->d->old_before};

    return emit_claims_removed(c, name, &own);
}

static MUST_USE enum err remove_one(struct deciding *c, uint32_t name, const struct rdata *rdata)
{
    struct claim_filter reach = exact_reach(c);
    size_t before = c->e->n_effects;
    enum err e = emit_value_end(c, EFFECT_CLAIM_REMOVED, name, rdata, &reach);

    c->res->removed += c->e->n_effects > before ? 1u : 0u;
    return e;
}

static MUST_USE enum err do_step(struct deciding *c, const struct step *step, size_t place)
{
    enum err e = state_begin_claims(c->s, step->name);

    if (e != ERR_OK)
        return e;
    switch (step->kind) {
    case UPDATE_ADD:
        return wanted_add(c, step->name, &step->wanted, place);
    case UPDATE_REMOVE:
        return remove_one(c, step->name, &step->rdata);
    case UPDATE_REMOVE_SET:
        break;
    }
    return remove_set(c, step->name);
}

static MUST_USE enum err evict_from(struct deciding *c, uint32_t name)
{
    enum err e = state_begin_claims(c->s, name);

    return e == ERR_OK ? values_evict(c, name) : e;
}

enum err decide_update(struct deciding *c)
{
    const struct request_update *req = &c->r->u.update;
    struct step *steps;
    enum err e = ERR_OK;

    if (c->credential == NULL)
        return refuse(c, REFUSAL_UNAUTHENTICATED, "an update is made by a credential");
    if (req->n_ops > UPDATE_OPS_MAX || req->n_conditions > UPDATE_CONDITIONS_MAX)
        return refuse(c, REFUSAL_TOO_LARGE, "%zu operations in one update; at most %d are possible", req->n_ops,
                      UPDATE_OPS_MAX);
    if (!conditions_hold(c))
        return ERR_OK;
    steps = arena_alloc(&c->e->arena, (req->n_ops + 1) * sizeof *steps);
    if (steps == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < req->n_ops && e == ERR_OK && !is_refused(c); i++)
        e = read_step(c, &steps[i], &req->ops[i]);
    if (e == ERR_OK && !is_refused(c))
        e = check_room(c, steps, req->n_ops);
    if (e != ERR_OK || is_refused(c) || (req->n_ops > 0 && !change_is_within_rate(c)))
        return e;
    for (size_t i = 0; i < req->n_ops && e == ERR_OK; i++)
        e = do_step(c, &steps[i], i);
    for (size_t i = 0; i < req->n_ops && e == ERR_OK; i++)
        if (steps[i].kind == UPDATE_ADD)
            e = evict_from(c, steps[i].name);
    if (e == ERR_OK && c->res->name != 0)
        c->res->serial = state_zone(c->s, name_zone(state_name(c->s, c->res->name)))->serial;
    return e;
}
