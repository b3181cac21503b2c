/* Names that strangers registered and never used, as an ordinary change: some at a time. They become tombstones
 * like any removed name, so that nobody else gets them. */
#include <stdlib.h>

#include "core/decide_internal.h"

/* A credential as a registration makes it, that nobody has used or touched since. */
static bool is_untouched(const struct state *s, const struct credential *cred)
{
    const struct account *a = state_account(s, cred->account);

    return a != NULL && a->unclaimed && credential_last_used_s(cred) == 0 && credential_revoked_s(cred) == 0 &&
           credential_label(cred)[0] == '\0' && credential_n_names(cred) == 1;
}

#define SPARED UINT32_MAX

/* For each name the one credential that is for it, when that is untouched; SPARED when there is more to it; 0:
 * none.
 */
static void find_holders(const struct state *s, uint32_t *holders)
{
    for (uint32_t id = 1; id <= state_last_credential(s); id++) {
        const struct credential *cred = state_credential(s, id);
        for (size_t i = 0; i < credential_n_names(cred); i++) {
            uint32_t *holder = &holders[credential_names(cred)[i]];
            *holder = *holder == 0 && is_untouched(s, cred) ? id : SPARED;
        }
    }
}

static bool is_forgotten(const struct state *s, const struct name_entry *n, uint32_t holder, int64_t before_s)
{
    return holder != 0 && holder != SPARED && name_retired_s(n) == 0 && name_created_s(n) <= before_s &&
           name_n_values(n) == 0 && name_n_domains(n) == 0 &&
           name_account(n) == state_credential(s, holder)->account && state_aliases_of(s, name_id(n), NULL, 0) == 0;
}

enum err decide_prune(struct deciding *c)
{
    int64_t unused_s = c->d->settings->registration.prune_unused_s;
    uint32_t last = state_last_name(c->s);
    uint32_t *holders = unused_s > 0 ? calloc((size_t)last + 1, sizeof *holders) : NULL;
    enum err e = ERR_OK;

    if (holders == NULL)
        return ERR_OK; /* off; or without memory, when it can wait */
    find_holders(c->s, holders);
    for (uint32_t id = 1; id <= last && e == ERR_OK && c->e->n_effects < PRUNE_NAMES_MAX; id++) {
        const struct name_entry *n = state_name(c->s, id);
        if (is_forgotten(c->s, n, holders[id], c->d->now_s - unused_s))
            e = emit_retirement(c, id);
    }
    free(holders);
    return e;
}
