#include "dns/tsig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/signing.h"

#define ROOM 1024

static struct signing signing;

/* Messages that another implementation (dnspython) has signed: a question, and the reply to it. */
static const struct vector {
    const char *request, *reply;
    size_t mac_len;
} vectors[] = {
    {"1234000000010000000000010461757468076578616d706c65036f726700000600012438453537303045412d613462662d343163372d3"
     "86137"
     "372d6539393036363164636336610000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020dc280faefe6e3"
     "da23a"
     "7b2b53d8fbdca7c9256479062093020a420f79b8c71783123400000000",
     "1234840500010000000000010461757468076578616d706c65036f726700000600012438453537303045412d613462662d343163372d3"
     "86137"
     "372d6539393036363164636336610000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c00204ef29599db9a9"
     "3c31f"
     "40d3993d1c138177f2f25441c75f08621fca0c4bc49fcf123400000000",
     32},
    {"1234000000010000000000010461757468076578616d706c65036f726700000600012438453537303045412d613462662d343163372d3"
     "86137"
     "372d6539393036363164636336610000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c0040ffa947e4b2490"
     "29a1a"
     "c69511d221930a281199c6579227c60319a5a6c93c30be9a58173512d60e601b0ffb84bfb991a62f584e36cd90d00f91cf9e2538fa011"
     "91234"
     "00000000",
     "1234840500010000000000010461757468076578616d706c65036f726700000600012438453537303045412d613462662d343163372d3"
     "86137"
     "372d6539393036363164636336610000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c0040e869fb0eb32c9"
     "61b7b"
     "5cea5a602880504009cf9102d8a29a01c0a67af392000da3ad34536d5bb34b1275dace1049fd6fd535cd565ff6008a00e21a04275de81"
     "91234"
     "00000000",
     64},
};

static size_t unhex(uint8_t *out, const char *hex)
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++) {
        unsigned octet;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
        out[i] = (uint8_t)octet;
    }
    return len;
}

static int open_signing(void **state)
{
    (void)state;
    rcu_register_thread();
    signing_open(&signing);
    return 0;
}

static int close_signing(void **state)
{
    (void)state;
    signing_close(&signing);
    rcu_unregister_thread();
    return 0;
}

/* False: there is no well-formed TSIG record. */
static bool check_at(struct tsig *t, const uint8_t *msg, size_t len, int64_t now_s)
{
    const struct tsig_check how = {.keys = signing.keys, .now_s = now_s};
    uint8_t copy[ROOM + NAME_PAD] = {0};
    struct query q;

    assert_true(len <= ROOM);
    memcpy(copy, msg, len);
    query_parse(&q, copy, len, QUERY_TCP);
    return q.tsig_at != 0 && tsig_check(t, copy, q.tsig_at, q.tsig_len, &how);
}

static void requests_of_others_are_verified_and_replies_are_signed_as_others_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        uint8_t request[ROOM], reply[ROOM], ours[ROOM];
        size_t len = unhex(request, vectors[i].request), reply_len = unhex(reply, vectors[i].reply);
        size_t record_len, mac_at;
        struct tsig t;

        assert_true(check_at(&t, request, len, SIGNING_NOW));
        assert_int_equal(t.error, TSIG_NOERROR);
        assert_true(t.is_signed);
        assert_true(uuid_equal(&t.credential, &signing.credential));
        assert_int_equal(t.secret, SIGNING_SECRET);
        assert_int_equal(t.mac_len, vectors[i].mac_len);
        record_len = tsig_reply_len(&t);
        memcpy(ours, reply, reply_len - record_len);
        ours[11]--; /* the record is not counted yet */
        assert_int_equal(tsig_sign(&t, ours, reply_len - record_len, SIGNING_NOW), reply_len);
        mac_at = reply_len - 6 - vectors[i].mac_len;
        assert_memory_equal(ours + mac_at, reply + mac_at, reply_len - mac_at);
        assert_memory_equal(ours, reply, reply_len - record_len);
        tsig_wipe(&t);
    }
}

static void times_up_to_the_fudge_are_right_and_others_are_told_ours(void **state)
{
    static const struct {
        int64_t off_s;
        enum tsig_error error;
    } rows[] = {{0, TSIG_NOERROR},     {300, TSIG_NOERROR},      {-300, TSIG_NOERROR},
                {301, TSIG_BADTIME},   {-301, TSIG_BADTIME},     {1 - SIGNING_NOW, TSIG_BADTIME},
                {86400, TSIG_BADTIME}, {INT32_MAX, TSIG_BADTIME}};
    uint8_t request[ROOM];
    size_t len = unhex(request, vectors[0].request);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t reply[ROOM];
        struct tsig t;
        size_t n;

        assert_true(check_at(&t, request, len, SIGNING_NOW + rows[i].off_s));
        assert_int_equal(t.error, rows[i].error);
        assert_true(t.is_signed);
        memcpy(reply, request, DNS_HEADER_LEN);
        memset(reply + 4, 0, 8);
        n = tsig_sign(&t, reply, DNS_HEADER_LEN, SIGNING_NOW + rows[i].off_s);
        assert_int_equal(n, DNS_HEADER_LEN + tsig_reply_len(&t));
        assert_int_equal(reply[n - 1 - (rows[i].error == TSIG_BADTIME ? 6 : 0)],
                         rows[i].error == TSIG_BADTIME ? 6 : 0); /* length of other data */
        tsig_wipe(&t);
    }
}

/* The header's id is not signed (the original one is), and names are compared without their case. */
static void every_change_of_one_bit_is_noticed(void **state)
{
    uint8_t msg[ROOM];
    size_t len = unhex(msg, vectors[0].request), tsig_at = DNS_HEADER_LEN + 18 + 4;

    (void)state;
    for (size_t bit = 16; bit < len * 8; bit++) {
        size_t at = bit / 8;
        uint8_t was = msg[at];
        struct tsig t;

        msg[at] ^= (uint8_t)(1u << bit % 8);
        if (check_at(&t, msg, len, SIGNING_NOW) && t.error == TSIG_NOERROR) {
            assert_true(at >= tsig_at);
            assert_true((was ^ msg[at]) == 0x20 && was >= 'A');
        }
        msg[at] = was;
    }
}

static void every_cut_is_no_signature(void **state)
{
    uint8_t msg[ROOM];
    size_t len = unhex(msg, vectors[0].request);
    struct tsig t;

    (void)state;
    for (size_t cut = 0; cut < len; cut++)
        assert_false(check_at(&t, msg, cut, SIGNING_NOW));
    assert_true(check_at(&t, msg, len, SIGNING_NOW));
}

static void a_key_that_is_unknown_gives_nothing_to_sign_with(void **state)
{
    static const struct seal_key seal = {{3}};
    uint8_t msg[ROOM], reply[ROOM] = {0};
    size_t len = unhex(msg, vectors[0].request), n, unreadable;
    struct keyring *was = signing.keys;
    struct state *empty;
    struct tsig t;

    (void)state;
    assert_int_equal(state_new(&empty, NULL), ERR_OK);
    assert_int_equal(keyring_new(&signing.keys), ERR_OK);
    assert_int_equal(keyring_stage_all(signing.keys, &seal, empty, &unreadable), ERR_OK);
    keyring_publish(signing.keys);
    assert_true(check_at(&t, msg, len, SIGNING_NOW));
    assert_int_equal(t.error, TSIG_BADKEY);
    assert_false(t.is_signed);
    n = tsig_sign(&t, reply, DNS_HEADER_LEN, SIGNING_NOW);
    assert_int_equal(n, DNS_HEADER_LEN + tsig_reply_len(&t));
    assert_int_equal(reply[11], 1);
    keyring_free(signing.keys);
    state_free(empty);
    signing.keys = was;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_others_are_verified_and_replies_are_signed_as_others_do),
        cmocka_unit_test(times_up_to_the_fudge_are_right_and_others_are_told_ours),
        cmocka_unit_test(every_change_of_one_bit_is_noticed),
        cmocka_unit_test(every_cut_is_no_signature),
        cmocka_unit_test(a_key_that_is_unknown_gives_nothing_to_sign_with),
    };

    return cmocka_run_group_tests(tests, open_signing, close_signing);
}
