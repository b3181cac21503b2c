/* All that the public functions of core/state.h show, as text: two states with the same text are the same. */
#ifndef TESTS_DB_STATE_DUMP_H
#define TESTS_DB_STATE_DUMP_H

#include <inttypes.h>

#include "base/text.h"
#include "core/state.h"

static inline void dump_hex(struct text *t, const void *bytes, size_t len)
{
    text_put_char(t, ' ');
    for (size_t i = 0; i < len; i++)
        text_printf(t, "%02x", ((const uint8_t *)bytes)[i]);
}

static inline void dump_wire_name(struct text *t, const struct name *n)
{
    dump_hex(t, n->b, n->len);
}

static inline void dump_zone(struct text *t, const struct zone_state *z)
{
    const struct soa *soa = &z->spec.soa;

    text_printf(t, "zone %u removed=%d serial=%u caa=%d ttl=%u,%u soa=%u,%u,%u,%u,%u", z->id, z->removed, z->serial,
                (int)z->spec.challenge_caa, z->spec.value_ttl_s, z->spec.pinned_ttl_s, soa->refresh_s, soa->retry_s,
                soa->expire_s, soa->minimum_s, soa->ttl_s);
    dump_wire_name(t, &z->spec.apex);
    dump_wire_name(t, &soa->mname);
    dump_wire_name(t, &soa->rname);
    for (size_t i = 0; i < z->spec.n_records; i++) {
        const struct record *r = &z->spec.records[i];
        text_printf(t, " record %u %u", r->type, r->ttl_s);
        dump_wire_name(t, &r->owner);
        dump_hex(t, r->rdata.bytes, r->rdata.len);
    }
    text_put_char(t, '\n');
}

static inline void dump_nets(struct text *t, const struct net *nets, size_t n)
{
    char one[NET_TEXT_MAX];

    for (size_t i = 0; i < n; i++)
        text_printf(t, " %s", net_format(&nets[i], one));
}

static inline void dump_claims(struct text *t, const struct value *v)
{
    char addr[ADDR_TEXT_MAX];

    for (size_t i = 0; i < v->n_claims; i++) {
        const struct claim *c = &v->claims[i];
        text_printf(t,
                    "  claim slot=%u by=%u order=%" PRIu64 " added=%" PRId64 " expires=%" PRId64
                    " %s door=%u pinned=%d\n",
                    c->slot, c->credential, c->order, c->added_s, c->expires_s, addr_format(&c->network, addr),
                    c->door, c->pinned);
    }
}

static inline void dump_name(struct text *t, const struct state *s, const struct name_entry *n)
{
    const struct value_set *vs = name_values(s, n);
    struct name owner;

    text_printf(t, "name %u account=%u zone=%u created=%" PRId64 " retired=%" PRId64 " subtree=%d octets=%u",
                name_id(n), name_account(n), name_zone(n), name_created_s(n), name_retired_s(n),
                name_has_subtree(n), name_octets(n));
    name_owner(s, n, &owner);
    dump_hex(t, owner.b, owner.len);
    for (size_t i = 0; i < name_n_domains(n); i++)
        text_printf(t, " %s", name_domain(n, i));
    for (uint32_t a = 1; a <= state_last_account(s); a++) {
        if (state_is_granted(s, name_id(n), a))
            text_printf(t, " granted:%u", a);
    }
    text_put_char(t, '\n');
    for (size_t i = 0; i < vs->n; i++) {
        text_put(t, " value");
        dump_hex(t, vs->values[i].rdata, vs->values[i].rdlen);
        text_put_char(t, '\n');
        dump_claims(t, &vs->values[i]);
    }
}

enum dump_what { DUMP_STATE, DUMP_WITH_OBSERVATIONS };

static inline void dump_credential(struct text *t, const struct state *s, const struct credential *c,
                                   enum dump_what what)
{
    char id[UUID_TEXT_LEN + 1];
    char addr[ADDR_TEXT_MAX];
    struct credential_use use = credential_last_use(c);

    text_printf(t,
                "credential %u %s account=%u %s actions=%u kinds=%u allow=%s invalid=%d %" PRId64 ",%" PRId64
                ",%" PRId64,
                c->id, uuid_format(&c->uuid, id), c->account, credential_label(c), credential_actions(c),
                credential_kinds(c), credential_allowfrom(c), credential_networks_invalid(c),
                credential_created_s(s, c), credential_expires_s(c), credential_revoked_s(c));
    dump_nets(t, credential_networks(c), credential_n_networks(c));
    for (size_t i = 0; i < credential_n_names(c); i++)
        text_printf(t, " name:%u", credential_names(c)[i]);
    for (size_t i = 0; i < credential_n_secrets(c); i++) {
        const struct secret x = credential_secret(s, c, i);
        text_printf(t, " secret %u kind=%u %" PRId64 "-%" PRId64, x.id, x.kind, x.starts_s, x.ends_s);
        dump_hex(t, x.data, x.len);
    }
    if (what == DUMP_WITH_OBSERVATIONS)
        text_printf(t, " used=%" PRId64 " from=%s door=%u", use.at_s, addr_format(&use.from, addr), use.door);
    text_put_char(t, '\n');
}

static inline void dump_token(struct text *t, const struct token *k)
{
    text_printf(t, "token %u account=%u %" PRId64 ",%" PRId64 ",%" PRId64 " %u/%u labels=%s", k->id, k->account,
                k->created_s, k->expires_s, k->revoked_s, k->used, k->count_max, k->labels);
    dump_hex(t, k->sha256, sizeof k->sha256);
    dump_nets(t, k->networks, k->n_networks);
    text_put_char(t, '\n');
}

static inline void dump_rest(struct text *t, const struct state *s)
{
    struct state_counts c = state_counts(s);

    for (uint32_t id = 1; id <= state_last_alias(s); id++) {
        const struct alias *a = state_alias(s, id);
        if (a == NULL)
            continue;
        text_printf(t, "alias %u name=%u served=%d serial=%u", a->id, a->name, a->served, a->serial);
        dump_wire_name(t, &a->fqdn);
        text_put_char(t, '\n');
    }
    text_printf(t, "last %u %u %u %u %u %u %u seq=%" PRIu64 " time=%" PRId64 " expiry=%" PRId64 "\n",
                state_last_account(s), state_last_name(s), state_last_credential(s), state_last_secret(s),
                state_last_token(s), state_last_zone(s), state_last_alias(s), state_seq(s), state_time_s(s),
                state_next_expiry(s));
    text_printf(t,
                "counts %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                " %" PRIu64 " %" PRIu64 "\n",
                c.accounts, c.names, c.tombstones, c.values, c.claims, c.pinned, c.credentials, c.tokens,
                c.names_unclaimed);
}

static inline void dump_state(struct text *t, const struct state *s, enum dump_what what)
{
    for (uint32_t id = 1; id <= state_last_zone(s); id++)
        dump_zone(t, state_zone(s, id));
    for (uint32_t id = 1; id <= state_last_account(s); id++) {
        const struct account *a = state_account(s, id);
        text_printf(t, "account %u %s note=%s %" PRId64 ",%" PRId64 " max=%u disabled=%d unclaimed=%d names=%u\n",
                    a->id, a->name, a->note != NULL ? a->note : "", a->created_s, a->deleted_s, a->names_max,
                    a->disabled, a->unclaimed, a->names);
    }
    for (uint32_t id = 1; id <= state_last_name(s); id++)
        dump_name(t, s, state_name(s, id));
    for (uint32_t id = 1; id <= state_last_credential(s); id++)
        dump_credential(t, s, state_credential(s, id), what);
    for (uint32_t id = 1; id <= state_last_token(s); id++)
        dump_token(t, state_token(s, id));
    dump_rest(t, s);
}

#endif
