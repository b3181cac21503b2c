/* GET /v1/self: who am I, and what may I do. The one look that also those get whom only their network or their
 * expiry keeps out: they are the ones who need to know. */
#include <string.h>

#include "api/admin_internal.h"

#define ACTIONS_ALL ((1u << ACTION_WORDS) - 1)
#define KINDS_ALL   ((1u << KIND_WORDS) - 1)

static bool put_holder(json_t *object, const struct state *s, const struct viewer *v)
{
    const struct credential *c = v->credential;

    return json_put_credential(object, s, c->id) && json_put(object, "account", json_account(s, c->account)) &&
           json_put(object, "actions", json_actions(credential_actions(c))) &&
           json_put(object, "kinds", json_kinds(credential_kinds(c))) &&
           json_put(object, "names", admin_json_scope(s, v, c)) &&
           json_put(object, "networks", json_nets(credential_networks(c), credential_n_networks(c))) &&
           json_put(object, "expires", json_time(credential_expires_s(c)));
}

/* On the admin socket: nobody's credential, and all rights. */
static bool put_administrator(json_t *object, const struct state *s)
{
    return json_put_credential(object, s, CREDENTIAL_ADMIN) && json_put(object, "account", json_null()) &&
           json_put(object, "actions", json_actions(ACTIONS_ALL)) &&
           json_put(object, "kinds", json_kinds(KINDS_ALL)) && json_put(object, "names", json_array()) &&
           json_put(object, "networks", json_array()) && json_put(object, "expires", json_null());
}

/* Why a change would be refused. */
static bool put_refused(json_t *object, const struct result *result)
{
    if (result == NULL || result->refusal == REFUSAL_NONE)
        return true;
    return json_put(object, "refused", json_string(refusal_word(result->refusal))) &&
           json_put(object, "detail", json_bytes(result->detail, strlen(result->detail))) &&
           json_put(object, "hint", json_bytes(result->hint, strlen(result->hint)));
}

static void look_at_self(struct http_request *rq, const struct result *result, const struct state *state)
{
    json_t *object = NULL;
    struct viewer v;

    if (!admin_viewer(&v, rq, result, state))
        return;
    object = json_object();
    if (!(v.credential != NULL ? put_holder(object, state, &v) : put_administrator(object, state)) ||
        !json_put(object, "address", json_addr(http_client(rq))) || !put_refused(object, result)) {
        json_decref(object);
        object = NULL;
    }
    http_reply_json(rq, 200, object);
}

void admin_self(struct http_request *rq)
{
    admin_inspect(rq, LOOK_AT_SELF, look_at_self, NULL);
}
