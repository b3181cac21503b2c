/* Claims and serials against the journal: the tables may have any of them that is not older than they say, so it is
 * the state that was loaded which is compared. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite_check.h"

#define FINDINGS_MAX 20 /* of each sort; more help nobody */

bool check_find(struct findings *f)
{
    return f->n++ < FINDINGS_MAX;
}

enum err check_encode_claim(const struct effect_claim *c, uint8_t **bytes, size_t *len)
{
    struct effect f = {.kind = EFFECT_CLAIM_ADDED, .u.claim = *c};
    const struct entry one = {.effects = &f, .n_effects = 1};

    return effects_encode(&one, bytes, len);
}

static uint32_t state_serial(const struct state *s, bool is_alias, uint32_t id)
{
    const struct alias *alias = is_alias ? state_alias(s, id) : NULL;
    const struct zone_state *zone = is_alias ? NULL : state_zone(s, id);

    return alias != NULL ? alias->serial : zone != NULL ? zone->serial : 0;
}

static enum err compare_serials(const struct state *s, sqlite3 *replayed, bool is_alias, struct findings *f)
{
    struct row r = {0};
    enum err e = conn_prepare(
        replayed, is_alias ? "SELECT id, serial FROM aliases WHERE ended = 0" : "SELECT id, serial FROM zones",
        &r.st);

    while (e == ERR_OK && row_next(&r)) {
        uint32_t id = row_u32(&r);

        if (row_u32(&r) != state_serial(s, is_alias, id) && check_find(f))
            text_printf(f->report, "fold: %s: the serial of row %" PRIu32 " is not as the journal says\n",
                        is_alias ? "aliases" : "zones", id);
    }
    (void)sqlite3_finalize(r.st); /* r.err has it */
    return e != ERR_OK ? e : r.err;
}

/* A walk over the claims of all names, by name and slot. */
struct claim_walk {
    const struct state *s;
    uint32_t name;
    struct entry held; /* of the name */
    size_t at;
};

/* NULL: there are no more, or *e is not ERR_OK. */
static const struct effect_claim *walk_claim(struct claim_walk *w, enum err *e)
{
    while (*e == ERR_OK && w->at == w->held.n_effects && w->name < state_last_name(w->s)) {
        entry_fini(&w->held);
        entry_init(&w->held);
        w->at = 0;
        *e = claims_of(w->s, ++w->name, &w->held);
        claims_sort(&w->held);
    }
    return *e == ERR_OK && w->at < w->held.n_effects ? &w->held.effects[w->at].u.claim : NULL;
}

static void say_claim(struct findings *f, uint32_t name, uint32_t slot, const char *what)
{
    if (check_find(f))
        text_printf(f->report, "fold: claims: row %" PRIu32 "/%" PRIu32 " %s\n", name, slot, what);
}

static enum err compare_claim(const struct effect_claim *c, struct row *r, struct findings *f)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t made_len;
    const uint8_t *made = row_blob(r, &made_len);
    enum err e = check_encode_claim(c, &bytes, &len);

    if (e == ERR_OK && (len != made_len || memcmp(bytes, made, len) != 0))
        say_claim(f, c->name, c->slot, "is not as the journal says");
    free(bytes);
    return e;
}

/* Walk both in the order of names and slots. */
static enum err merge_claims(struct claim_walk *w, struct row *r, struct findings *f)
{
    enum err e = ERR_OK;
    const struct effect_claim *c = walk_claim(w, &e);
    bool has_row = row_next(r);

    while (e == ERR_OK && (c != NULL || has_row)) {
        uint32_t name = has_row ? row_u32(r) : UINT32_MAX;
        uint32_t slot = has_row ? row_u32(r) : UINT32_MAX;
        bool is_first = c != NULL && (!has_row || c->name < name || (c->name == name && c->slot < slot));
        bool is_both = !is_first && c != NULL && c->name == name && c->slot == slot;

        if (is_first)
            say_claim(f, c->name, c->slot, "is not in the journal");
        else if (!is_both)
            say_claim(f, name, slot, "of the journal is missing");
        else
            e = compare_claim(c, r, f);
        r->at = is_first ? 0 : r->at; /* the row is looked at again */
        w->at += is_first || is_both;
        if (!is_first)
            has_row = row_next(r);
        if (e == ERR_OK)
            c = walk_claim(w, &e);
    }
    return e != ERR_OK ? e : r->err;
}

static enum err compare_claims(const struct state *s, sqlite3 *replayed, struct findings *f)
{
    struct claim_walk w = {.s = s};
    struct row r = {0};
    enum err e = conn_prepare(replayed, "SELECT name, slot, made FROM replayed ORDER BY name, slot", &r.st);

    entry_init(&w.held);
    if (e == ERR_OK)
        e = merge_claims(&w, &r, f);
    entry_fini(&w.held);
    (void)sqlite3_finalize(r.st); /* r.err has it */
    return e;
}

enum err check_state(const struct state *s, sqlite3 *replayed, struct findings *f)
{
    enum err e = compare_serials(s, replayed, false, f);

    if (e == ERR_OK)
        e = compare_serials(s, replayed, true, f);
    return e == ERR_OK ? compare_claims(s, replayed, f) : e;
}
