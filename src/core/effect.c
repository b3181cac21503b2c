#include "core/effect.h"

#include <stdlib.h>

#define FIRST_EFFECTS 4

void entry_init(struct entry *e)
{
    *e = (struct entry){0};
    arena_init(&e->arena, ENTRY_ARENA_MAX);
}

void entry_fini(struct entry *e)
{
    free(e->effects);
    arena_fini(&e->arena);
    entry_init(e);
}

enum err entry_add(struct entry *e, const struct effect *f)
{
    if (e->n_effects == e->cap_effects) {
        size_t cap = e->cap_effects > 0 ? e->cap_effects * 2 : FIRST_EFFECTS;
        struct effect *grown = reallocarray(e->effects, cap, sizeof *grown);

        if (grown == NULL)
            return ERR_MEMORY;
        e->effects = grown;
        e->cap_effects = cap;
    }
    e->effects[e->n_effects++] = *f;
    return ERR_OK;
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
