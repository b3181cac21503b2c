/* The import itself: everything is decided on the state as it is in the store, entry by entry of some hundred
 * accounts, and written as one batch: one transaction, so nothing is ever half imported. */
#include "db/import_acmedns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bcrypt.h"
#include "base/crypto.h"
#include "db/import_acmedns_internal.h"
#include "db/sqlite_conn.h"
#include "db/store.h"

#define ENTRY_EFFECTS 4000 /* an entry has room for 65536, the place of a claim in it being 16 bits */
#define ENTRY_OCTETS  ((size_t)4 << 20)

struct importing {
    const struct acmedns_source *src;
    const struct import_acmedns_options *o;
    struct import_acmedns_report *report;
    struct text *why;
    struct store *store; /* NULL: a dry run without one */
    struct state *state;
    struct decide d;
    struct import_target target;
    struct entry **entries; /* with effects, but for the last one under way */
    size_t n_entries, cap_entries;
    uint64_t stored_seq;
    uint32_t credentials_before;
    struct import_text *values; /* of one account */
    size_t cap_values;
};

/* ---- notes ---- */

static struct text *begin_note(struct importing *im)
{
    struct text *notes = &im->report->notes;

    if (notes->len + 1024 > IMPORT_NOTES_MAX || notes->err != ERR_OK) {
        im->report->notes_left_out++;
        return NULL;
    }
    return notes;
}

static void put_printable(struct text *out, const struct import_text *t)
{
    for (size_t i = 0; i < t->len && i < 64; i++)
        text_put_char(out, t->text[i] >= ' ' && t->text[i] <= '~' ? t->text[i] : '?');
}

static void note_refused(struct importing *im, const struct acmedns_record *r, const char *reason)
{
    struct text *notes = begin_note(im);

    im->report->refused++;
    if (notes == NULL)
        return;
    text_put(notes, "not imported: ");
    put_printable(notes, &r->subdomain);
    text_put(notes, " (user ");
    put_printable(notes, &r->username);
    text_printf(notes, "): %s\n", reason);
}

static void note_networks(struct importing *im, const struct acmedns_record *r, const struct uuid *uuid,
                          const struct allowfrom *allow)
{
    char id[UUID_TEXT_LEN + 1];
    struct text *notes;

    if (allow->kind == ALLOWFROM_OPEN || (allow->kind == ALLOWFROM_LIST && allow->n_bad == 0))
        return;
    if (allow->kind == ALLOWFROM_LIST)
        im->report->partial++;
    else
        im->report->denied++;
    notes = begin_note(im);
    if (notes == NULL)
        return;
    put_printable(notes, &r->subdomain);
    if (allow->kind == ALLOWFROM_GARBAGE)
        text_put(notes, ": its allowfrom is no list (acme-dns refuses this login): imported as denied");
    else if (allow->kind == ALLOWFROM_NONE)
        text_printf(notes,
                    ": allowfrom \"%s\" is no network: imported as denied (acme-dns lets it in from anywhere)",
                    allow->bad);
    else
        text_printf(notes, ": allowfrom \"%s\" is no network and was left out, as acme-dns does", allow->bad);
    text_printf(notes, "; set it with: riposte credential set %s --networks %s\n", uuid_format(uuid, id),
                allow->suggestion[0] != '\0' ? allow->suggestion : "NET,...");
}

/* ---- entries ---- */

static struct entry *current(struct importing *im)
{
    return im->n_entries > 0 ? im->entries[im->n_entries - 1] : NULL;
}

/* The entry that the next effects go into. */
static MUST_USE enum err open_entry(struct importing *im)
{
    struct entry *e = current(im);
    enum err err;

    if (e != NULL && e->n_effects == 0)
        return ERR_OK;
    err = array_reserve((void **)&im->entries, &im->cap_entries, im->n_entries + 1, sizeof(struct entry *));
    if (err != ERR_OK)
        return err;
    e = calloc(1, sizeof *e);
    if (e == NULL)
        return ERR_MEMORY;
    entry_init(e);
    im->entries[im->n_entries++] = e;
    im->d.seq = im->stored_seq + im->n_entries;
    import_entry_begin(e, &im->d);
    return ERR_OK;
}

static bool is_full(const struct entry *e)
{
    return e->n_effects >= ENTRY_EFFECTS || e->arena.total >= ENTRY_OCTETS;
}

static void drop_empty_entry(struct importing *im)
{
    struct entry *e = current(im);

    if (e == NULL || e->n_effects > 0)
        return;
    entry_fini(e);
    free(e);
    im->n_entries--;
}

/* ---- one account ---- */

/* The first value of a subdomain. */
static size_t first_value(const struct acmedns_source *src, const struct import_text *subdomain)
{
    size_t low = 0;
    size_t high = src->n_values;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (import_text_compare(&src->values[middle].subdomain, subdomain) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The values of a subdomain, oldest first. */
static MUST_USE enum err gather_values(struct importing *im, const struct import_text *subdomain, size_t *n)
{
    const struct acmedns_source *src = im->src;

    *n = 0;
    for (size_t i = first_value(src, subdomain);
         i < src->n_values && import_text_compare(&src->values[i].subdomain, subdomain) == 0; i++) {
        enum err e = array_reserve((void **)&im->values, &im->cap_values, *n + 1, sizeof *im->values);
        if (e != ERR_OK)
            return e;
        im->values[(*n)++] = src->values[i].value;
    }
    return ERR_OK;
}

static void count_account(struct importing *im, const struct acmedns_record *r, const struct import_account *a,
                          const struct allowfrom *allow, const struct import_result *res)
{
    struct import_acmedns_report *rep = im->report;

    rep->imported++;
    rep->with_networks += allow->kind != ALLOWFROM_OPEN ? 1u : 0u;
    rep->values_taken += res->values_taken;
    rep->values_doubled += res->values_doubled;
    rep->values_refused += res->values_refused;
    note_networks(im, r, &a->uuid, allow);
}

/* True: this import made it, for another row. */
static bool was_just_made(const struct importing *im, const struct uuid *uuid)
{
    const struct credential *cred = state_credential_by_uuid(im->state, uuid);

    return cred != NULL && cred->id > im->credentials_before;
}

static MUST_USE enum err import_record(struct importing *im, const struct acmedns_record *r)
{
    struct import_account a = {.label = r->subdomain, .hash = r->password};
    struct allowfrom allow;
    struct import_result res;
    enum err e = gather_values(im, &r->subdomain, &a.n_values);

    if (e != ERR_OK)
        return e;
    a.values = im->values;
    if (r->username.len != UUID_TEXT_LEN || uuid_parse(&a.uuid, r->username.text, r->username.len) != ERR_OK)
        note_refused(im, r, "its user name is no UUID");
    else if (r->password.text == NULL || !bcrypt_is_hash(r->password.text, r->password.len))
        note_refused(im, r, "its password is no bcrypt hash that is known here");
    else if (was_just_made(im, &a.uuid))
        note_refused(im, r, "its user name is in the database twice; the first was imported");
    else {
        allowfrom_parse(&allow, &r->allowfrom);
        a.n_networks = allow.n_networks;
        a.networks = allow.networks;
        a.networks_invalid = allow.kind == ALLOWFROM_NONE || allow.kind == ALLOWFROM_GARBAGE;
        e = import_account(&im->d, &im->target, &a, current(im), &res);
        if (e == ERR_OK && res.outcome == IMPORT_DONE)
            count_account(im, r, &a, &allow, &res);
        else if (e == ERR_OK && res.outcome == IMPORT_REFUSED)
            note_refused(im, r, res.detail);
        else if (e == ERR_OK)
            im->report->present++;
    }
    return e;
}

static MUST_USE enum err import_records(struct importing *im)
{
    enum err e = open_entry(im);

    for (size_t i = 0; i < im->src->n_records && e == ERR_OK; i++) {
        e = import_record(im, &im->src->records[i]);
        state_forget_rows(im->state);
        if (e == ERR_OK && is_full(current(im)))
            e = open_entry(im);
    }
    drop_empty_entry(im);
    im->report->records = im->src->n_records;
    im->report->values_empty = im->src->n_empty;
    return e;
}

static int compare_subdomains(const void *a, const void *b)
{
    const struct acmedns_record *const *x = a;
    const struct acmedns_record *const *y = b;

    return import_text_compare(&(*x)->subdomain, &(*y)->subdomain);
}

/* Values whose account is gone: acme-dns goes on serving them for ever, since nobody can change them. Here each
 * value has an owner, so they stay behind. */
static MUST_USE enum err count_orphans(struct importing *im)
{
    const struct acmedns_source *src = im->src;
    const struct acmedns_record **sorted = calloc(src->n_records + 1, sizeof(const struct acmedns_record *));
    size_t at = 0;

    if (sorted == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < src->n_records; i++)
        sorted[i] = &src->records[i];
    qsort(sorted, src->n_records, sizeof(const struct acmedns_record *), compare_subdomains);
    for (size_t i = 0; i < src->n_values; i++) {
        const struct import_text *subdomain = &src->values[i].subdomain;
        struct text *notes;
        while (at < src->n_records && import_text_compare(&sorted[at]->subdomain, subdomain) < 0)
            at++;
        if (at < src->n_records && import_text_compare(&sorted[at]->subdomain, subdomain) == 0)
            continue;
        im->report->orphans++;
        notes = begin_note(im);
        if (notes == NULL)
            continue;
        text_put(notes, "not imported: a value of ");
        put_printable(notes, subdomain);
        text_put(notes, ", which has no account in the database (acme-dns serves it for ever)\n");
    }
    free(sorted);
    return ERR_OK;
}

/* ---- the store ---- */

static MUST_USE enum err load(struct importing *im)
{
    const char *path = im->o->store_path;
    enum err e = state_new(&im->state, NULL);

    if (e != ERR_OK) {
        text_put(im->why, err_text(e));
        return e;
    }
    if (im->o->mode == IMPORT_FOR_GOOD)
        e = store_open_sqlite(&im->store, path, STORE_SERVE, im->why);
    else if (access(path, F_OK) == 0)
        e = store_open_sqlite(&im->store, path, STORE_READ, im->why);
    else if (errno != ENOENT) {
        text_printf(im->why, "cannot look at %s: %s", path, strerror(errno));
        e = ERR_IO;
    }
    if (e == ERR_OK && im->store != NULL)
        e = im->store->ops->load(im->store, im->state, &(struct store_progress){0}, im->why);
    return e;
}

/* The zones as the configuration has them, as the server's start would do it. */
static MUST_USE enum err configure(struct importing *im)
{
    struct request r = {.kind = REQUEST_CONFIGURE,
                        .caller = {.door = DOOR_SERVER, .auth = AUTH_SERVER, .client = {.family = ADDR_LOCAL}},
                        .u.configure = im->o->settings};
    struct result res;
    enum err e = open_entry(im);

    if (e == ERR_OK)
        e = decide(&im->d, &r, current(im), &res);
    if (e != ERR_OK) {
        text_put(im->why, err_text(e));
        return e;
    }
    if (res.outcome == OUTCOME_DONE) {
        drop_empty_entry(im); /* it says that the server did it */
        return ERR_OK;
    }
    text_printf(im->why, "%s%s%s", res.detail, res.hint[0] != '\0' ? "; " : "", res.hint);
    return ERR_RANGE;
}

static MUST_USE enum err commit(struct importing *im)
{
    struct store_batch b = {.entries = (const struct entry *const *)im->entries, .n = im->n_entries};
    enum err e;

    if (im->n_entries == 0)
        return ERR_OK;
    e = decide_serials(&im->d, current(im));
    if (e == ERR_OK && im->o->mode == IMPORT_FOR_GOOD)
        e = im->store->ops->apply(im->store, im->stored_seq, &b);
    if (e == ERR_UNKNOWN)
        text_printf(im->why, "%s failed while the import was written: look at the disk and import again",
                    im->o->store_path);
    else if (e != ERR_OK)
        text_printf(im->why, "%s could not be written: %s%s; nothing was imported", im->o->store_path,
                    e == ERR_FULL ? "the disk is full: " : "", err_text(e));
    return e;
}

static void fini(struct importing *im)
{
    import_target_fini(&im->target);
    for (size_t i = 0; i < im->n_entries; i++) {
        entry_fini(im->entries[i]);
        free(im->entries[i]);
    }
    free(im->entries);
    free(im->values);
    state_free(im->state);
    if (im->store != NULL)
        im->store->ops->close(im->store);
}

static MUST_USE enum err find_target(struct importing *im)
{
    char why[RESULT_DETAIL_MAX];
    bool ok;
    enum err e = import_target_init(&im->target, &im->d, im->o->zone, im->o->account, why, &ok);

    if (e == ERR_OK && !ok) {
        text_put(im->why, why);
        return ERR_NOT_FOUND;
    }
    return e;
}

static void begin(struct importing *im)
{
    int64_t now_s = clock_real_s(im->o->clock);

    if (now_s < state_time_s(im->state))
        now_s = state_time_s(im->state);
    im->stored_seq = state_seq(im->state);
    im->credentials_before = state_last_credential(im->state);
    im->d = (struct decide){.state = im->state,
                            .settings = im->o->settings,
                            .now_s = now_s,
                            .mono_ms = clock_mono_ms(im->o->clock),
                            .random = crypto_random};
}

enum err import_acmedns(const struct acmedns_source *src, const struct import_acmedns_options *o,
                        struct import_acmedns_report *out, struct text *why)
{
    struct importing im = {.src = src, .o = o, .report = out, .why = why};
    enum err e = load(&im);

    if (e == ERR_OK) {
        begin(&im);
        e = configure(&im);
    }
    if (e == ERR_OK)
        e = find_target(&im);
    if (e == ERR_OK)
        e = import_records(&im);
    if (e == ERR_OK)
        e = count_orphans(&im);
    if (e == ERR_OK)
        e = commit(&im);
    if (e != ERR_OK && why->len == 0)
        text_put(why, err_text(e));
    fini(&im);
    return e;
}
