#include "core/refusal.h"

#include "base/attr.h"

static const struct {
    const char *word;
    const char *title;
} texts[REFUSAL_COUNT] = {
    [REFUSAL_NONE] = {"none", "Nothing was refused"},
    [REFUSAL_MALFORMED] = {"malformed", "The request cannot be read"},
    [REFUSAL_UNKNOWN_FIELD] = {"unknown-field", "The request has a field that is not known"},
    [REFUSAL_NOT_A_CHALLENGE_VALUE] = {"not-a-challenge-value", "This is not a challenge value"},
    [REFUSAL_VALUE_TOO_LONG] = {"value-too-long", "The value does not fit into an answer"},
    [REFUSAL_BAD_LABEL] = {"bad-label", "This cannot be a name here"},
    [REFUSAL_LABEL_TAKEN] = {"label-taken", "The name belongs to somebody already"},
    [REFUSAL_LABEL_RETIRED] = {"label-retired", "The name was used before and is retired"},
    [REFUSAL_BAD_NETWORK] = {"bad-network", "This is not a network"},
    [REFUSAL_UNAUTHENTICATED] = {"unauthenticated", "No such credential, or the wrong secret"},
    [REFUSAL_NETWORK] = {"network", "This credential may not be used from this address"},
    [REFUSAL_EXPIRED] = {"expired", "This credential has expired"},
    [REFUSAL_DISABLED] = {"disabled", "The account is disabled"},
    [REFUSAL_REVOKED] = {"revoked", "This credential was revoked"},
    [REFUSAL_NAME_NOT_IN_SCOPE] = {"name-not-in-scope", "This credential may not change that name"},
    [REFUSAL_ACTION_NOT_IN_SCOPE] = {"action-not-in-scope", "This credential may not do that"},
    [REFUSAL_KIND_NOT_IN_SCOPE] = {"kind-not-in-scope", "This credential may not set values of that kind"},
    [REFUSAL_NOT_YOUR_VALUE] = {"not-your-value", "The value was added by somebody else"},
    [REFUSAL_NOT_FOUND] = {"not-found", "There is no such thing"},
    [REFUSAL_CONFLICT] = {"conflict", "This contradicts what is there already"},
    [REFUSAL_NAME_IN_USE] = {"name-in-use", "The name still holds values"},
    [REFUSAL_QUOTA] = {"quota", "The quota is used up"},
    [REFUSAL_RATE] = {"rate", "Too many requests"},
    [REFUSAL_TOO_LARGE] = {"too-large", "The request is too large"},
    [REFUSAL_REGISTRATION_CLOSED] = {"registration-closed", "Registration is not open to this client"},
    [REFUSAL_STORE_UNAVAILABLE] = {"store-unavailable", "The store cannot be written at the moment"},
    [REFUSAL_OUTCOME_UNKNOWN] = {"outcome-unknown", "The store failed in the middle of the change"},
    [REFUSAL_FULL] = {"full", "The server has no room"},
    [REFUSAL_STARTING] = {"starting", "The server is still starting"},
};

const char *refusal_word(enum refusal r)
{
    return (unsigned)r < ARRAY_LEN(texts) ? texts[r].word : "unknown";
}

const char *refusal_title(enum refusal r)
{
    return (unsigned)r < ARRAY_LEN(texts) ? texts[r].title : "Refused";
}
