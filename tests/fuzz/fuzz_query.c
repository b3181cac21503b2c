/* Hostile octets as a DNS query, answered from a small table: over UDP and over TCP, with the table and while
 * loading. What comes out must be a message that our own reader reads to its last octet, within its limit. */
#include "dns/world.h"
#include "fuzz.h"

#include "base/wire.h"

static void skip_record(struct wire_reader *r)
{
    struct name owner;

    FUZZ_CHECK(name_decode(r, &owner) == ERR_OK);
    (void)wire_get_u64(r); /* type, class and TTL */
    (void)wire_get_bytes(r, wire_get_u16(r));
}

static void check_response(const uint8_t *msg, size_t len)
{
    struct wire_reader r;
    unsigned questions, records;

    FUZZ_CHECK(len >= DNS_HEADER_LEN && (msg[2] & 0x80) != 0);
    wire_reader_init(&r, msg, len);
    (void)wire_get_u32(&r);
    questions = wire_get_u16(&r);
    records = wire_get_u16(&r);
    records += wire_get_u16(&r);
    records += wire_get_u16(&r);
    FUZZ_CHECK(questions <= 1);
    if (questions == 1) {
        struct name name;

        FUZZ_CHECK(name_decode(&r, &name) == ERR_OK);
        (void)wire_get_u32(&r);
    }
    for (; records > 0; records--)
        skip_record(&r);
    FUZZ_CHECK(r.err == ERR_OK && wire_left(&r) == 0);
}

static void ask(struct world *w, const uint8_t *data, size_t len, enum query_transport transport)
{
    size_t cap = transport == QUERY_UDP ? DNS_UDP_READ_MAX : DNS_MESSAGE_MAX;
    uint8_t *msg = malloc(cap + NAME_PAD);
    size_t n;

    FUZZ_CHECK(msg != NULL);
    memset(msg, 0xa5, cap + NAME_PAD);
    if (len > cap)
        len = cap;
    if (len > 0)
        memcpy(msg, data, len);
    n = world_ask(w, msg, len, transport);
    FUZZ_CHECK(n <= (transport == QUERY_UDP ? w->answerer.says.udp_size : DNS_MESSAGE_MAX));
    if (n > 0)
        check_response(msg, n);
    else
        FUZZ_CHECK(len < DNS_HEADER_LEN || (data[2] & 0x80) != 0);
    free(msg);
}

/* Of the leak checker, when there is one: the table packs addresses into slots, which it cannot see through. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void open_for_good(struct world *w)
{
    if (__lsan_disable != NULL)
        __lsan_disable();
    world_open(w);
    if (__lsan_enable != NULL)
        __lsan_enable();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct world world; /* one for the whole run; the program has no other state */

    if (world.table == NULL)
        open_for_good(&world);
    world.answerer.table = world.table;
    ask(&world, data, len, QUERY_UDP);
    ask(&world, data, len, QUERY_TCP);
    world.answerer.table = NULL;
    ask(&world, data, len, QUERY_UDP);
    return 0;
}
