#include "core/effect.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void entry_init(struct entry *e)
{
    memset(e, 0, offsetof(struct entry, first_effects));
    arena_init_with(&e->arena, ENTRY_ARENA_MAX, e->first, sizeof e->first);
}

void entry_fini(struct entry *e)
{
    if (e->effects != e->first_effects)
        free(e->effects);
    arena_fini(&e->arena);
    entry_init(e);
}

static enum err make_room(struct entry *e)
{
    bool is_first = e->effects == e->first_effects;
    size_t cap = e->cap_effects * 2;
    struct effect *grown;

    if (e->effects == NULL) {
        e->effects = e->first_effects;
        e->cap_effects = ENTRY_FIRST_EFFECTS;
        return ERR_OK;
    }
    grown = reallocarray(is_first ? NULL : e->effects, cap, sizeof *grown);
    if (grown == NULL)
        return ERR_MEMORY;
    if (is_first)
        memcpy(grown, e->first_effects, sizeof e->first_effects);
    e->effects = grown;
    e->cap_effects = cap;
    return ERR_OK;
}

enum err entry_add(struct entry *e, const struct effect *f)
{
    enum err err = e->n_effects == e->cap_effects ? make_room(e) : ERR_OK;

    if (err == ERR_OK)
        e->effects[e->n_effects++] = *f;
    return err;
}

bool effect_is_of_claim(enum effect_kind k)
{
    return k >= EFFECT_CLAIM_ADDED && k <= EFFECT_CLAIM_EXPIRED;
}

const char *effect_word(enum effect_kind k)
{
    static const char *const words[] = {
        [EFFECT_CLAIM_ADDED] = "value-added",
        [EFFECT_CLAIM_RENEWED] = "value-renewed",
        [EFFECT_CLAIM_REMOVED] = "value-removed",
        [EFFECT_CLAIM_EVICTED] = "value-evicted",
        [EFFECT_CLAIM_EXPIRED] = "value-expired",
        [EFFECT_NAME_MADE] = "name-made",
        [EFFECT_NAME_SET] = "name-set",
        [EFFECT_NAME_RETIRED] = "name-retired",
        [EFFECT_NAME_REVIVED] = "name-revived",
        [EFFECT_ACCOUNT_MADE] = "account-made",
        [EFFECT_ACCOUNT_SET] = "account-set",
        [EFFECT_ACCOUNT_DELETED] = "account-deleted",
        [EFFECT_CREDENTIAL_MADE] = "credential-made",
        [EFFECT_CREDENTIAL_SET] = "credential-set",
        [EFFECT_CREDENTIAL_REVOKED] = "credential-revoked",
        [EFFECT_SECRET_ADDED] = "secret-added",
        [EFFECT_SECRET_SET] = "secret-set",
        [EFFECT_SECRET_ENDED] = "secret-ended",
        [EFFECT_GRANT_MADE] = "grant-made",
        [EFFECT_GRANT_ENDED] = "grant-ended",
        [EFFECT_TOKEN_MADE] = "token-made",
        [EFFECT_TOKEN_USED] = "token-used",
        [EFFECT_TOKEN_REVOKED] = "token-revoked",
        [EFFECT_ALIAS_MADE] = "alias-made",
        [EFFECT_ALIAS_ENDED] = "alias-ended",
        [EFFECT_ALIAS_SERIAL] = "alias-serial",
        [EFFECT_ZONE_SET] = "zone-set",
        [EFFECT_ZONE_REMOVED] = "zone-removed",
        [EFFECT_ZONE_SERIAL] = "zone-serial",
        [EFFECT_RESTORED] = "restored",
    };

    return k < ARRAY_LEN(words) && words[k] != NULL ? words[k] : "unknown";
}
