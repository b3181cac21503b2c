/* Hostile octets behind a right signature, as the prerequisites, updates and additional records of an UPDATE, and
 * as they are. The sink decides at once, as the first octet says. What comes out must be a message that our own
 * reader reads to its last octet; what reaches the sink must be within its bounds, and inside the zone. */
#include "dns/signing.h"
#include "fuzz.h"

#include "base/wire.h"
#include "core/value_set.h"
#include "dns/update.h"

#define HEAD_LEN 4 /* octets of the input before the records: outcome, counts */

struct field {
    struct world world;
    struct signing signing;
    struct update_door *door;
    struct result result;
    uint16_t id;
};

static void check_op(const struct update_op *op)
{
    struct name zone = world_name(WORLD_ZONE);

    FUZZ_CHECK(name_is_at_or_below(op->owner, &zone));
    FUZZ_CHECK(op->kind == UPDATE_REMOVE_SET || op->value.text != NULL);
    for (size_t i = 0; i < op->value.len; i++)
        FUZZ_CHECK(*(volatile const char *)(op->value.text + i) == op->value.text[i]);
}

static void check_condition(const struct update_condition *c)
{
    struct name zone = world_name(WORLD_ZONE);

    FUZZ_CHECK(name_is_at_or_below(c->owner, &zone));
    FUZZ_CHECK(c->kind != CONDITION_RECORD_EXISTS || value_rdata_is_valid(c->rdata.bytes, c->rdata.len));
}

static enum err submit(void *self, struct request *r, change_done *done, void *arg)
{
    struct field *f = self;

    FUZZ_CHECK(r->kind == REQUEST_UPDATE && r->u.update.n_ops <= UPDATE_OPS_MAX &&
               r->u.update.n_conditions <= UPDATE_CONDITIONS_MAX);
    for (size_t i = 0; i < r->u.update.n_ops; i++)
        check_op(&r->u.update.ops[i]);
    for (size_t i = 0; i < r->u.update.n_conditions; i++)
        check_condition(&r->u.update.conditions[i]);
    request_free(r);
    done(arg, &f->result, NULL);
    return ERR_OK;
}

static void route(void *arg, struct update *u)
{
    (void)arg;
    u->fd = -1; /* the reply goes nowhere */
}

static void check_response(const uint8_t *msg, size_t len)
{
    unsigned questions, records;
    struct wire_reader r;
    struct name name;

    wire_reader_init(&r, msg, len);
    (void)wire_get_u32(&r);
    questions = wire_get_u16(&r);
    records = wire_get_u16(&r);
    records += wire_get_u16(&r);
    records += wire_get_u16(&r);
    for (; questions > 0; questions--) {
        FUZZ_CHECK(name_decode(&r, &name) == ERR_OK);
        (void)wire_get_u32(&r);
    }
    for (; records > 0; records--) {
        FUZZ_CHECK(name_decode(&r, &name) == ERR_OK);
        (void)wire_get_u64(&r);
        (void)wire_get_bytes(&r, wire_get_u16(&r));
    }
    FUZZ_CHECK(r.err == ERR_OK && wire_left(&r) == 0 && (msg[2] & 0x80) != 0);
}

static void ask(struct field *f, uint8_t *msg, size_t len)
{
    const struct answer_peer peer = {.from = (const struct sockaddr *)(const void *)&f->world.client,
                                     .transport = QUERY_UDP,
                                     .route = route,
                                     .route_arg = f};
    struct query q;

    query_parse(&q, msg, len, QUERY_UDP);
    if (q.verdict == QUERY_LOOKUP)
        q.hash = table_hash(f->world.table, &q.name);
    len = answer_compose(&f->world.answerer, &q, &peer, msg, DNS_UDP_READ_MAX);
    if (len > 0)
        check_response(msg, len);
}

/* Of the leak checker, when there is one: the table packs addresses into slots, which it cannot see through. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void open_for_good(struct field *f)
{
    struct change_sink sink = {.submit = submit, .self = f};

    if (__lsan_disable != NULL)
        __lsan_disable();
    world_open(&f->world);
    signing_open(&f->signing);
    FUZZ_CHECK(update_door_new(&f->door, &sink) == ERR_OK);
    if (__lsan_enable != NULL)
        __lsan_enable();
    f->world.answerer.keys = f->signing.keys;
    f->world.answerer.updates = f->door;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct field field; /* one for the whole run; the program has no other state */
    struct field *f = &field;
    uint8_t *msg;
    size_t n;

    if (f->door == NULL)
        open_for_good(f);
    if (len < HEAD_LEN || len > DNS_UDP_READ_MAX - 512)
        return 0;
    msg = calloc(1, DNS_UDP_READ_MAX + NAME_PAD);
    FUZZ_CHECK(msg != NULL);
    f->result = (struct result){.outcome = (enum outcome)(data[0] % (OUTCOME_UNKNOWN + 1)),
                                .refusal = (enum refusal)(data[0] % REFUSAL_COUNT),
                                .condition_failed = (data[0] & 0x80) != 0,
                                .condition = (enum condition_kind)(data[0] % (CONDITION_RECORD_EXISTS + 1))};
    n = signing_update_head(msg, f->id++, data[1], data[2]);
    msg[11] = data[3] % 4;
    memcpy(msg + n, data + HEAD_LEN, len - HEAD_LEN);
    n = signing_sign(msg, n + len - HEAD_LEN, SIGNING_NOW);
    ask(f, msg, n);
    memset(msg, 0, DNS_UDP_READ_MAX + NAME_PAD);
    memcpy(msg, data, len);
    ask(f, msg, len);
    free(msg);
    return 0;
}
