/* Telling people what became of their requests, and keeping the refusals. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "db/committer_internal.h"

#define RETRY_S 5 /* a disk that is busy or full is not well again at once */

void answer_unavailable(struct result *res, const char *detail)
{
    *res = (struct result){.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_STORE_UNAVAILABLE, .retry_s = RETRY_S};
    (void)snprintf(res->detail, sizeof res->detail, "%s; it was not applied and never will be", detail);
}

void answer_unknown(struct result *res)
{
    *res = (struct result){.outcome = OUTCOME_UNKNOWN, .refusal = REFUSAL_OUTCOME_UNKNOWN, .retry_s = RETRY_S};
    (void)snprintf(
        res->detail, sizeof res->detail,
        "the store failed while the change was being written; it may have been applied or not, and a repeat is "
        "harmless");
}

static void count(struct committer *c, enum door door, enum request_kind kind, enum outcome outcome)
{
    (void)atomic_fetch_add_explicit(&c->changes[door][kind][outcome], 1, memory_order_relaxed);
}

/* The label of the credential, or the id that was offered. */
static void describe_caller(struct refusal_record *rec, const struct state *s, const struct caller *caller)
{
    const struct credential *cred = s != NULL ? state_credential(s, rec->credential) : NULL;
    char id[UUID_TEXT_LEN + 1];

    if (caller->auth == AUTH_LOCAL)
        (void)snprintf(rec->who, sizeof rec->who, "administrator");
    else if (caller->auth == AUTH_TOKEN)
        (void)snprintf(rec->who, sizeof rec->who, "(token)");
    else if ((caller->auth == AUTH_SECRET || caller->auth == AUTH_TSIG) && cred != NULL &&
             rec->credential != CREDENTIAL_ADMIN && credential_label(cred)[0] != '\0')
        (void)snprintf(rec->who, sizeof rec->who, "%.39s", credential_label(cred));
    else if (caller->auth == AUTH_SECRET || caller->auth == AUTH_TSIG)
        (void)snprintf(rec->who, sizeof rec->who, "%s", uuid_format(&caller->credential, id));
}

static void describe_text(struct refusal_record *rec, const char *text, size_t len)
{
    (void)snprintf(rec->name, sizeof rec->name, "%.*s", len < sizeof rec->name ? (int)len : (int)sizeof rec->name,
                   text != NULL ? text : "");
}

/* The name that was found, or what was asked for. */
static void describe_name(struct refusal_record *rec, const struct state *s, const struct request *r, uint32_t id)
{
    const struct name_entry *n = id != 0 ? state_name(s, id) : NULL;
    struct name owner;
    char text[NAME_TEXT_MAX];

    if (n != NULL) {
        name_owner(s, n, &owner);
        (void)name_format(&owner, text);
        describe_text(rec, text, strlen(text));
    } else if (r->kind == REQUEST_VALUE_ADD || r->kind == REQUEST_VALUE_REMOVE) {
        describe_text(rec, r->u.values.name.text, r->u.values.name.len);
    } else if (r->kind == REQUEST_UPDATE && r->u.update.n_ops > 0) {
        (void)name_format(r->u.update.ops[0].owner, text);
        describe_text(rec, text, strlen(text));
    } else if (r->kind == REQUEST_NAME_CREATE && r->u.name.label != NULL) {
        describe_text(rec, r->u.name.label, strlen(r->u.name.label));
    } else if (r->kind == REQUEST_NAME_SET || r->kind == REQUEST_NAME_DELETE) {
        describe_text(rec, r->u.name.name.text, r->u.name.name.len);
    }
}

/* r NULL: it belongs to somebody else at the moment. */
static void record_refusal(struct committer *c, const struct caller *caller, const struct request *r,
                           const struct result *res)
{
    const struct state *s = r != NULL ? c->state : NULL;
    struct refusal_record rec = {
        .time_us = clock_real_us(c->o.clock),
        .door = caller->door,
        .reason = res->refusal,
        .client = caller->client,
        .account = res->account,
        .credential = res->credential,
    };

    memcpy(rec.request_id, caller->request_id, sizeof rec.request_id);
    describe_caller(&rec, s, caller);
    if (r != NULL)
        describe_name(&rec, s, r, res->name);
    (void)snprintf(rec.detail, sizeof rec.detail, "%.*s", (int)sizeof rec.detail - 1, res->detail);
    refusals_add(c->o.refusals, &rec);
}

/* What only the end of the batch shows: the serial that carries the change. */
static void complete(const struct committer *c, struct result *res)
{
    const struct name_entry *n = res->name != 0 ? state_name(c->state, res->name) : NULL;

    if (res->outcome == OUTCOME_DONE && n != NULL)
        res->serial = state_zone(c->state, name_zone(n))->serial;
}

static void answer(struct committer *c, struct item *it, struct result *res)
{
    const struct request *r = it->request;

    complete(c, res);
    count(c, r->caller.door, r->kind, res->outcome);
    if (res->outcome != OUTCOME_DONE)
        record_refusal(c, &r->caller, r, res);
    if (res->evicted_young > 0)
        (void)atomic_fetch_add_explicit(&c->evicted_young, res->evicted_young, memory_order_relaxed);
    if (it->done != NULL)
        it->done(it->arg, res, c->state);
}

void answer_displaced(struct committer *c, struct item *it)
{
    struct result res = {.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_RATE, .retry_s = RETRY_S};

    (void)snprintf(res.detail, sizeof res.detail,
                   "too many different secrets wait for being compared with what was imported from acme-dns");
    answer(c, it, &res);
    item_free(it);
}

void answer_unchecked(struct committer *c, struct item *it)
{
    struct result res;

    answer_unavailable(&res, "the server is stopping");
    answer(c, it, &res);
    item_free(it);
}

void answer_running(struct committer *c)
{
    bool answer_it[BATCH_MAX];
    size_t n = queue_end_running(c, answer_it);

    for (size_t i = 0; i < n; i++) {
        if (answer_it[i])
            answer(c, c->running[i], &c->results[i]);
        crypto_wipe(c->results[i].secret, sizeof c->results[i].secret);
    }
    for (size_t i = 0; i < n; i++)
        item_free(c->running[i]);
}

void answer_overdue(struct committer *c, const struct overdue *o)
{
    struct result res;

    if (o->state == ITEM_RUNNING)
        answer_unknown(&res);
    else if (o->state == ITEM_CHECKING)
        answer_unavailable(&res, "the secret could not be compared in time with what was imported from acme-dns");
    else
        answer_unavailable(&res, "the store did not take the change in time");
    count(c, o->caller.door, o->kind, res.outcome);
    record_refusal(c, &o->caller, NULL, &res);
    if (o->done != NULL)
        o->done(o->arg, &res, NULL);
}

void answer_all_queued_unavailable(struct committer *c)
{
    for (;;) {
        queue_take(c, BATCH_MAX);
        if (c->n_running == 0)
            return;
        for (size_t i = 0; i < c->n_running; i++)
            answer_unavailable(&c->results[i], "the server is stopping and its store has failed");
        answer_running(c);
    }
}
