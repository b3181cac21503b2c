#include "api/problems.h"

#include <string.h>

#include "api/admin_internal.h"

#define EXPLANATION_MAX 4096

static const char *const explanations[REFUSAL_COUNT] = {
    [REFUSAL_NONE] = "Nothing was refused.\n",
    [REFUSAL_MALFORMED] =
        "The request could not be read: its JSON, a member of it, an argument or the path is not what is expected\n"
        "there. The detail names the place. GET /v1/openapi.yaml describes all requests.\n",
    [REFUSAL_UNKNOWN_FIELD] =
        "The request has a member that means nothing here. It is refused rather than ignored, because a misspelt\n"
        "\"expires\" would make a credential that never ends. The hint names the nearest member that there is.\n",
    [REFUSAL_NOT_A_CHALLENGE_VALUE] =
        "A challenge value is 43 characters of base64url, the SHA-256 of a key authorization (RFC 8555 section "
        "8.4).\n"
        "Send that digest and not the key authorization itself. Any other text has to be pinned, which takes a\n"
        "credential for pinned values.\n",
    [REFUSAL_VALUE_TOO_LONG] = "The value is larger than all that one DNS answer may hold (values.max-response), "
                               "or than the half of it that\n"
                               "may be pinned.\n",
    [REFUSAL_BAD_LABEL] = "A label has 1 to 63 letters, digits, hyphens and underscores; a name has one to four of "
                          "them below its zone.\n",
    [REFUSAL_LABEL_TAKEN] =
        "The name, or one above or below it, belongs to somebody. A name belongs to one account, with everything\n"
        "below it. Choose another label, or leave it out and let the server choose.\n",
    [REFUSAL_LABEL_RETIRED] =
        "The name was used before and removed. CNAMEs may still point at it, and whoever got it could get\n"
        "certificates for their domains; so it is not given away again. An administrator who knows better can say\n"
        "\"revive\".\n",
    [REFUSAL_BAD_NETWORK] =
        "A network is written 192.0.2.0/24 or 2001:db8::/32; one address is ADDRESS/32 or ADDRESS/128.\n",
    [REFUSAL_UNAUTHENTICATED] = "No credential was named, there is none with this id, or the secret is not its "
                                "secret; which of them, only the\n"
                                "administrator is told (riposte refusals). Send Authorization: Bearer ID.SECRET, "
                                "or basic authentication with\n"
                                "both.\n",
    [REFUSAL_NETWORK] = "The secret is right, but this credential may be used from certain networks only, and the "
                        "request came from\n"
                        "elsewhere. GET /v1/self shows the networks, and the address as the server sees it. Behind "
                        "a reverse proxy\n"
                        "that is the proxy's, unless api.trusted-proxies names it.\n",
    [REFUSAL_EXPIRED] =
        "The secret is right, but the credential has expired, or the change would outlive who makes it. An\n"
        "administrator can set another end: riposte credential set ID --expires 90d.\n",
    [REFUSAL_DISABLED] =
        "The secret is right, but the account of the credential is disabled. An administrator can enable it:\n"
        "riposte account enable ACCOUNT.\n",
    [REFUSAL_REVOKED] =
        "The secret is right, but the credential was revoked. That is for ever; a new one has to be made.\n",
    [REFUSAL_NAME_NOT_IN_SCOPE] =
        "The credential may act on certain names only, and this is not one of them. GET /v1/self lists them. A\n"
        "frequent cause is a client that was set up with the data of another host.\n",
    [REFUSAL_ACTION_NOT_IN_SCOPE] = "The credential lacks an action that this takes: add, remove, read, manage or "
                                    "administer. GET /v1/self lists\n"
                                    "those that it has.\n",
    [REFUSAL_KIND_NOT_IN_SCOPE] =
        "The credential may change challenge values, or pinned values, and this is the other kind.\n",
    [REFUSAL_NOT_YOUR_VALUE] = "The value is there, but another credential has added it, and each ends its own "
                               "claims only. A credential with\n"
                               "the action manage can end those of all.\n",
    [REFUSAL_NOT_FOUND] = "There is no such thing; or there is, and it is not in the scope of the credential, "
                          "which looks the same.\n",
    [REFUSAL_CONFLICT] = "The request contradicts what is there already. The detail says what it is.\n",
    [REFUSAL_NAME_IN_USE] = "The name still holds values, and somebody may be in the middle of a validation. Wait "
                            "until they have expired,\n"
                            "or say ?force=1.\n",
    [REFUSAL_QUOTA] = "An account, a token, a credential or a name has as many of something as it may have. The "
                      "detail says of what,\n"
                      "and how many.\n",
    [REFUSAL_RATE] = "Too many changes of one account, or too many failing authentications of one client. "
                     "Retry-After says when to\n"
                     "come again. A right secret is never refused because of others' failures.\n",
    [REFUSAL_TOO_LARGE] = "The body, or a list in it, is larger than what is taken (api.max-body).\n",
    [REFUSAL_REGISTRATION_CLOSED] = "Registration is not open to this client (registration.allow). Ask an "
                                    "administrator for a registration token,\n"
                                    "or for a name and a credential.\n",
    [REFUSAL_STORE_UNAVAILABLE] = "The store cannot be written at the moment. The change was not applied, and will "
                                  "not be later: send it again\n"
                                  "after Retry-After. DNS goes on answering meanwhile.\n",
    [REFUSAL_OUTCOME_UNKNOWN] = "The store failed in the middle of the change. It may be there after the next "
                                "start, or not. Sending it again\n"
                                "is harmless.\n",
    [REFUSAL_FULL] = "The server has no room for this at the moment: memory, disk, or places for those who wait.\n",
    [REFUSAL_STARTING] = "The server is still loading its store. Send it again after Retry-After.\n",
};

const char *problem_explain(enum refusal reason)
{
    return (unsigned)reason < REFUSAL_COUNT ? explanations[reason] : "";
}

/* The refusal with a word; REFUSAL_NONE: there is none. */
static enum refusal find_reason(const char *word)
{
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
        if (strcmp(refusal_word((enum refusal)i), word) == 0)
            return (enum refusal)i;
    return REFUSAL_NONE;
}

void admin_problem(struct http_request *rq)
{
    size_t len;
    const char *word = http_param(rq, "code", &len);
    enum refusal reason = word != NULL ? find_reason(word) : REFUSAL_NONE;
    struct text text;

    if (reason == REFUSAL_NONE) {
        http_reply_problem(rq, REFUSAL_NOT_FOUND, "there is no problem of this name", NULL);
        return;
    }
    text_init(&text, EXPLANATION_MAX);
    text_printf(&text, "%s (%u)\n\n%s.\n\n%s", refusal_word(reason), http_status_of(reason), refusal_title(reason),
                problem_explain(reason));
    http_reply_text(rq, 200, HTTP_TYPE_TEXT, &text);
}
