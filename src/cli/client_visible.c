#include "cli/client_visible.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define WHY_MAX       512
#define PAUSE_MS      500
#define RCODE_NOERROR 0
#define TXT_MAX       4096

/* What a name server says; the later ones outweigh the earlier when its addresses differ. */
enum word { WORD_NONE, WORD_SILENT, WORD_SEEN, WORD_MISSING };

struct look {
    struct visible *out;
    struct lookup *lookup;
    const struct name *name;
    const char *value;
    struct lookup_zone zone;
};

/* In lower case: resolvers play with it (0x20), and people need not. */
static const char *show(const struct name *n, char out[NAME_TEXT_MAX])
{
    struct name folded = *n;

    name_fold(&folded);
    return name_format(&folded, out);
}

static void put_name(struct text *out, const struct name *n)
{
    char text[NAME_TEXT_MAX];

    text_put(out, show(n, text));
}

/* The TXT records of the answer, whoever owns them: a resolver shows those behind a CNAME. *n is how many. */
static bool has_value(const struct lookup_reply *reply, const char *value, size_t *n)
{
    const struct lookup_record *r;
    size_t at = 0, len = 0;
    char text[TXT_MAX];
    bool found = false;

    for (*n = 0; (r = lookup_next(reply, LOOKUP_ANSWER, NULL, RR_TXT, &at)) != NULL; (*n)++)
        found = found ||
                (lookup_txt(r, text, sizeof(text), &len) && len == strlen(value) && memcmp(text, value, len) == 0);
    return found;
}

static void explain(struct look *k, size_t i, const struct lookup_reply *reply, size_t n)
{
    const struct name *server = &k->zone.names[k->zone.servers[i].name];
    char rcode[LOOKUP_RCODE_TEXT_MAX], name[NAME_TEXT_MAX], text[NAME_TEXT_MAX];

    if (k->out->fault.len > 0)
        return;
    text_printf(&k->out->fault, "the value %s is not at ", k->value);
    put_name(&k->out->fault, k->name);
    text_put(&k->out->fault, " (");
    put_name(&k->out->fault, server);
    if (reply->rcode != RCODE_NOERROR)
        text_printf(&k->out->fault, " answers: %s)", lookup_rcode_format(reply->rcode, rcode));
    else
        text_printf(&k->out->fault, " answers: %zu other value%s)", n, n == 1 ? "" : "s");
    if (strlen(show(server, text)) + strlen(show(k->name, name)) < NAME_TEXT_MAX - 32)
        (void)snprintf(k->out->dig, NAME_TEXT_MAX, "dig +norec @%.480s %.480s TXT", text, name);
}

static enum word ask_server(struct look *k, size_t i)
{
    struct lookup_question q = {.name = *k->name, .type = RR_TXT};
    struct lookup_reply *reply = NULL;
    enum lookup_result r = lookup_ask(k->lookup, &k->zone.servers[i].at, &q, &reply);
    enum word word = r == LOOKUP_NO_ROUTE ? WORD_NONE : WORD_SILENT;
    size_t n;

    if (r == LOOKUP_ANSWERED) {
        word = has_value(reply, k->value, &n) ? WORD_SEEN : WORD_MISSING;
        if (word == WORD_MISSING)
            explain(k, i, reply, n);
    }
    lookup_reply_free(reply);
    return word;
}

static void ask_all(struct look *k)
{
    enum word of[LOOKUP_NAMES_MAX] = {WORD_NONE};
    size_t n[WORD_MISSING + 1] = {0};
    struct visible *out = k->out;

    text_fini(&out->fault);
    lookup_forget(k->lookup);
    for (size_t i = 0; i < k->zone.n_servers; i++) {
        enum word word = ask_server(k, i);

        if (word > of[k->zone.servers[i].name])
            of[k->zone.servers[i].name] = word;
    }
    for (size_t i = 0; i < k->zone.n_names; i++)
        n[of[i]]++;
    out->seen = n[WORD_SEEN];
    out->silent = n[WORD_SILENT];
    out->servers = n[WORD_SEEN] + n[WORD_SILENT] + n[WORD_MISSING];
    out->state = n[WORD_MISSING] > 0 ? VISIBLE_NO : n[WORD_SEEN] > 0 ? VISIBLE_YES : VISIBLE_UNKNOWN;
}

/* Another round. When the time was over before anybody answered, what was seen before counts. */
static void look_again(struct look *k)
{
    struct visible before = *k->out;

    text_init(&k->out->fault, VISIBLE_FAULT_MAX);
    ask_all(k);
    if (k->out->state == VISIBLE_UNKNOWN) {
        text_fini(&k->out->fault);
        *k->out = before;
    } else {
        text_fini(&before.fault);
    }
}

/* No server answers this machine: the resolver may have a way to them. */
static void ask_resolver(struct look *k)
{
    struct lookup_reply *reply = NULL;
    enum lookup_result r = lookup_resolve(k->lookup, k->name, RR_TXT, 0, &reply);
    struct visible *out = k->out;
    size_t n;

    if (r == LOOKUP_ANSWERED && has_value(reply, k->value, &n)) {
        out->state = VISIBLE_YES;
        out->by_resolver = true;
    } else { /* that it does not know the value may be what it heard before */
        text_fini(&out->fault);
        text_put(&out->fault, "no name server of ");
        put_name(&out->fault, &out->zone);
        text_put(&out->fault, " answers this machine, and the resolver does not show the value");
    }
    lookup_reply_free(reply);
}

static void wait_a_little(int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_mono_ms(&clock_system);
    struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

    if (left_ms > 0 && left_ms < PAUSE_MS)
        pause.tv_nsec = (long)left_ms * 1000000L;
    (void)nanosleep(&pause, NULL);
}

void visible_wait(struct visible *out, struct lookup *l, const struct name *name, const char *value,
                  int64_t until_ms)
{
    struct look k = {.out = out, .lookup = l, .name = name, .value = value};
    char why[WHY_MAX];

    memset(out, 0, sizeof(*out));
    text_init(&out->fault, VISIBLE_FAULT_MAX);
    out->state = VISIBLE_UNKNOWN;
    if (lookup_find_zone(l, name, &k.zone, why, sizeof(why)) != LOOKUP_ANSWERED) {
        text_printf(&out->fault, "the name servers of the value's zone cannot be found: %s", why);
        return;
    }
    out->zone = k.zone.apex;
    ask_all(&k);
    while (out->state == VISIBLE_NO && clock_mono_ms(&clock_system) < until_ms) {
        wait_a_little(until_ms);
        look_again(&k);
    }
    if (out->state == VISIBLE_UNKNOWN)
        ask_resolver(&k);
}

void visible_fini(struct visible *v)
{
    text_fini(&v->fault);
}
