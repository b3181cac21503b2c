/* The door for UPDATE between answer_compose() and a sink that the test plays. */
#include "dns/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/signing.h"

#define ROOM (DNS_MESSAGE_MAX + NAME_PAD)

/* A sink that keeps one request until the test has decided. */
struct sink {
    struct request *request;
    change_done *done;
    void *arg;
    unsigned submitted;
    enum err refuses;
};

struct field {
    struct world world;
    struct signing signing;
    struct sink sink;
    struct update_door *door;
    int fds[2]; /* replies are sent to the first, over a pair of sockets */
    struct update_mail mail;
    struct update *conn; /* of the TCP route */
    uint8_t msg[ROOM];
};

static enum err submit(void *self, struct request *r, change_done *done, void *arg)
{
    struct sink *s = self;

    if (s->refuses != ERR_OK)
        return s->refuses;
    assert_null(s->request);
    s->request = r;
    s->done = done;
    s->arg = arg;
    s->submitted++;
    return ERR_OK;
}

static void decided(struct field *f, const struct result *res)
{
    request_free(f->sink.request);
    f->sink.request = NULL;
    f->sink.done(f->sink.arg, res, NULL);
}

static int open_field(void **state)
{
    struct field *f = calloc(1, sizeof *f);
    struct change_sink sink = {.submit = submit};

    assert_non_null(f);
    world_open(&f->world);
    signing_open(&f->signing);
    sink.self = &f->sink;
    assert_int_equal(update_door_new(&f->door, &sink), ERR_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, f->fds), 0);
    assert_int_equal(update_mail_init(&f->mail, eventfd(0, EFD_NONBLOCK)), ERR_OK);
    f->world.answerer.keys = f->signing.keys;
    f->world.answerer.updates = f->door;
    f->world.answerer.now_us = clock_real_us(&clock_system);
    *state = f;
    return 0;
}

static int close_field(void **state)
{
    struct field *f = *state;

    update_door_close(f->door);
    update_door_free(f->door);
    (void)close(f->mail.wake_fd);
    update_mail_fini(&f->mail);
    (void)close(f->fds[0]);
    (void)close(f->fds[1]);
    signing_close(&f->signing);
    world_close(&f->world);
    free(f);
    return 0;
}

static void route_udp(void *arg, struct update *u)
{
    struct field *f = arg;

    u->fd = f->fds[1];
    u->to_len = 0; /* connected */
}

static void route_tcp(void *arg, struct update *u)
{
    struct field *f = arg;

    u->mail = &f->mail;
    u->conn = f;
    f->conn = u;
}

static void unroute_tcp(void *arg, struct update *u)
{
    struct field *f = arg;

    assert_ptr_equal(f->conn, u);
    f->conn = NULL;
}

/* Send what is in f->msg; returns the length of the reply that is there now. */
static size_t send_msg(struct field *f, size_t len, enum query_transport transport)
{
    const struct answer_peer peer = {.from = (const struct sockaddr *)(const void *)&f->world.client,
                                     .transport = transport,
                                     .route = transport == QUERY_UDP ? route_udp : route_tcp,
                                     .unroute = transport == QUERY_UDP ? NULL : unroute_tcp,
                                     .route_arg = f};
    struct query q;

    query_parse(&q, f->msg, len, transport);
    return answer_compose(&f->world.answerer, &q, &peer, f->msg,
                          transport == QUERY_UDP ? DNS_UDP_READ_MAX : DNS_MESSAGE_MAX);
}

#define VALUE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* A signed UPDATE that adds a value; id makes it another message. */
static size_t put_update(struct field *f, uint16_t id)
{
    size_t len = signing_update_head(f->msg, id, 0, 1);

    len += signing_record(f->msg + len, "idle", CLASS_IN, 60, VALUE);
    return signing_sign(f->msg, len, (uint64_t)(f->world.answerer.now_us / 1000000));
}

/* The RCODE of the reply that was sent over UDP; -1: none. */
static int received(struct field *f)
{
    uint8_t reply[2048];
    ssize_t n = recv(f->fds[0], reply, sizeof reply, MSG_DONTWAIT);

    if (n < 0)
        return -1;
    assert_true(n > DNS_HEADER_LEN);
    assert_int_equal(reply[2] & 0xf8, 0x80 | OPCODE_UPDATE << 3);
    assert_int_equal(reply[11], 1); /* signed */
    return reply[3] & 0xf;
}

static void a_request_has_what_the_message_says(void **state)
{
    struct field *f = *state;
    const struct request *r;
    char owner[NAME_TEXT_MAX];

    assert_int_equal(send_msg(f, put_update(f, 1), QUERY_UDP), 0);
    r = f->sink.request;
    assert_non_null(r);
    assert_int_equal(r->kind, REQUEST_UPDATE);
    assert_int_equal(r->caller.door, DOOR_UPDATE);
    assert_int_equal(r->caller.auth, AUTH_TSIG);
    assert_true(uuid_equal(&r->caller.credential, &f->signing.credential));
    assert_int_equal(r->caller.tsig_secret, SIGNING_SECRET);
    assert_int_equal(r->caller.client.family, ADDR_V4);
    assert_string_equal(r->caller.request_id, "dns-1");
    assert_int_equal(r->u.update.n_ops, 1);
    assert_int_equal(r->u.update.ops[0].kind, UPDATE_ADD);
    assert_string_equal(name_format(r->u.update.ops[0].owner, owner), "idle." WORLD_ZONE);
    assert_memory_equal(r->u.update.ops[0].value.text, VALUE, 43);
    assert_int_equal(received(f), -1);
    decided(f, &(struct result){.outcome = OUTCOME_DONE});
    assert_int_equal(received(f), RCODE_NOERROR);
    assert_int_equal(received(f), -1);
}

static void what_became_of_a_request_is_one_rcode(void **state)
{
    static const struct {
        struct result res;
        enum dns_rcode rcode;
    } rows[] = {
        {{.outcome = OUTCOME_DONE}, RCODE_NOERROR},
        {{.outcome = OUTCOME_UNKNOWN, .refusal = REFUSAL_OUTCOME_UNKNOWN}, RCODE_SERVFAIL},
        {{.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_STORE_UNAVAILABLE}, RCODE_SERVFAIL},
        {{.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_RATE}, RCODE_SERVFAIL},
        {{.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_NAME_NOT_IN_SCOPE}, RCODE_REFUSED},
        {{.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_CONFLICT}, RCODE_REFUSED},
        {{.outcome = OUTCOME_REFUSED,
          .refusal = REFUSAL_CONFLICT,
          .condition_failed = true,
          .condition = CONDITION_NAME_IN_USE},
         RCODE_NXDOMAIN},
        {{.outcome = OUTCOME_REFUSED,
          .refusal = REFUSAL_CONFLICT,
          .condition_failed = true,
          .condition = CONDITION_NAME_NOT_IN_USE},
         RCODE_YXDOMAIN},
        {{.outcome = OUTCOME_REFUSED,
          .refusal = REFUSAL_CONFLICT,
          .condition_failed = true,
          .condition = CONDITION_SET_EXISTS},
         RCODE_NXRRSET},
        {{.outcome = OUTCOME_REFUSED,
          .refusal = REFUSAL_CONFLICT,
          .condition_failed = true,
          .condition = CONDITION_SET_ABSENT},
         RCODE_YXRRSET},
        {{.outcome = OUTCOME_REFUSED,
          .refusal = REFUSAL_CONFLICT,
          .condition_failed = true,
          .condition = CONDITION_RECORD_EXISTS},
         RCODE_NXRRSET},
    };
    struct field *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(send_msg(f, put_update(f, (uint16_t)(100 + i)), QUERY_UDP), 0);
        decided(f, &rows[i].res);
        assert_int_equal(received(f), rows[i].rcode);
    }
}

static void a_repetition_waits_for_the_first_and_then_gets_its_outcome(void **state)
{
    struct field *f = *state;

    assert_int_equal(send_msg(f, put_update(f, 2), QUERY_UDP), 0);
    assert_int_equal(send_msg(f, put_update(f, 2), QUERY_UDP), 0);
    assert_true(send_msg(f, put_update(f, 2), QUERY_TCP) > 0);
    assert_int_equal(f->msg[3] & 0xf, RCODE_SERVFAIL);
    assert_int_equal(f->sink.submitted, 1);
    decided(f, &(struct result){.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_NOT_YOUR_VALUE});
    assert_int_equal(received(f), RCODE_REFUSED);
    assert_int_equal(received(f), -1);
    assert_true(send_msg(f, put_update(f, 2), QUERY_UDP) > 0);
    assert_int_equal(f->msg[3] & 0xf, RCODE_REFUSED);
    assert_int_equal(f->sink.submitted, 1);
    assert_int_equal(send_msg(f, put_update(f, 3), QUERY_UDP), 0); /* another message */
    decided(f, &(struct result){.outcome = OUTCOME_DONE});
    assert_int_equal(received(f), RCODE_NOERROR);
}

static void what_failed_for_the_moment_is_tried_again(void **state)
{
    struct field *f = *state;

    assert_int_equal(send_msg(f, put_update(f, 4), QUERY_UDP), 0);
    decided(f, &(struct result){.outcome = OUTCOME_UNKNOWN, .refusal = REFUSAL_OUTCOME_UNKNOWN});
    assert_int_equal(received(f), RCODE_SERVFAIL);
    assert_int_equal(send_msg(f, put_update(f, 4), QUERY_UDP), 0);
    decided(f, &(struct result){.outcome = OUTCOME_DONE});
    assert_int_equal(received(f), RCODE_NOERROR);
    f->sink.refuses = ERR_FULL;
    assert_true(send_msg(f, put_update(f, 5), QUERY_UDP) > 0);
    assert_int_equal(f->msg[3] & 0xf, RCODE_SERVFAIL);
    assert_true(send_msg(f, put_update(f, 6), QUERY_TCP) > 0);
    assert_null(f->conn);
    f->sink.refuses = ERR_OK;
    assert_int_equal(send_msg(f, put_update(f, 5), QUERY_UDP), 0);
    decided(f, &(struct result){.outcome = OUTCOME_DONE});
    assert_int_equal(received(f), RCODE_NOERROR);
}

static void replies_over_tcp_come_by_mail(void **state)
{
    struct field *f = *state;
    struct update *u;
    eventfd_t times;

    assert_int_equal(send_msg(f, put_update(f, 7), QUERY_TCP), 0);
    assert_null(update_mail_take(&f->mail));
    decided(f, &(struct result){.outcome = OUTCOME_DONE});
    assert_int_equal(eventfd_read(f->mail.wake_fd, &times), 0);
    u = update_mail_take(&f->mail);
    assert_non_null(u);
    assert_ptr_equal(u->conn, f);
    assert_null(u->next);
    assert_true(u->len > DNS_HEADER_LEN);
    assert_null(update_mail_take(&f->mail));
    update_free(u);
}

static void unsigned_and_foreign_updates_get_no_further(void **state)
{
    struct field *f = *state;
    size_t len = signing_update_head(f->msg, 8, 0, 0);

    assert_int_equal(send_msg(f, len, QUERY_UDP), len);
    assert_int_equal(f->msg[3] & 0xf, RCODE_REFUSED);
    len = signing_update_head(f->msg, 8, 0, 0);
    f->msg[DNS_HEADER_LEN + 1] = 'x'; /* xuth.example.org */
    assert_int_equal(send_msg(f, len, QUERY_UDP), len);
    assert_int_equal(f->msg[3] & 0xf, RCODE_NOTAUTH);
    f->world.answerer.updates = NULL;
    assert_true(send_msg(f, put_update(f, 9), QUERY_UDP) > 0);
    assert_int_equal(f->msg[3] & 0xf, RCODE_REFUSED);
    f->world.answerer.updates = f->door;
    f->world.answerer.table = NULL;
    assert_true(send_msg(f, put_update(f, 9), QUERY_UDP) > 0);
    assert_int_equal(f->msg[3] & 0xf, RCODE_SERVFAIL);
    assert_int_equal(f->sink.submitted, 0);
}

static void refused_signatures_are_reported_some_a_second(void **state)
{
    struct field *f = *state;
    unsigned reported = 0;

    for (unsigned i = 0; i < 100; i++) {
        size_t len = put_update(f, (uint16_t)(200 + i));

        f->msg[DNS_HEADER_LEN + 18 + 4 + 1] ^= 1; /* after it was signed: the owner of the record */
        assert_true(send_msg(f, len, QUERY_UDP) > 0);
        assert_int_equal(f->msg[3] & 0xf, RCODE_NOTAUTH);
        if (f->sink.request == NULL)
            continue;
        assert_non_null(f->sink.request->caller.tsig_problem);
        assert_non_null(strstr(f->sink.request->caller.tsig_problem, "BADSIG"));
        assert_true(uuid_equal(&f->sink.request->caller.credential, &f->signing.credential));
        assert_int_equal(f->sink.request->u.update.n_ops, 0);
        decided(f, &(struct result){.outcome = OUTCOME_REFUSED, .refusal = REFUSAL_UNAUTHENTICATED});
        reported++;
    }
    assert_int_equal(reported, 10);
    assert_int_equal(received(f), -1);
}

struct closer {
    struct update_door *door;
    atomic_bool closed;
};

static void *close_door(void *arg)
{
    struct closer *c = arg;

    update_door_close(c->door);
    atomic_store(&c->closed, true);
    return NULL;
}

static void closing_waits_for_what_was_taken(void **state)
{
    struct field *f = *state;
    struct closer c = {.door = f->door};
    pthread_t thread;

    assert_int_equal(send_msg(f, put_update(f, 10), QUERY_UDP), 0);
    assert_int_equal(pthread_create(&thread, NULL, close_door, &c), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* shorter only makes the test say less */
    assert_false(atomic_load(&c.closed));
    decided(f, &(struct result){.outcome = OUTCOME_DONE});
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(received(f), RCODE_NOERROR);
    assert_true(send_msg(f, put_update(f, 11), QUERY_UDP) > 0);
    assert_int_equal(f->msg[3] & 0xf, RCODE_SERVFAIL);
    assert_true(send_msg(f, put_update(f, 10), QUERY_UDP) > 0); /* what is remembered is said all the same */
    assert_int_equal(f->msg[3] & 0xf, RCODE_NOERROR);
}

/* ---- decoding ---- */

static enum dns_rcode decode(struct field *f, size_t len, struct request **out)
{
    struct query q;

    *out = request_new(REQUEST_UPDATE, DOOR_UPDATE);
    assert_non_null(*out);
    query_parse(&q, f->msg, len, QUERY_TCP);
    assert_int_equal(q.verdict, QUERY_UPDATE);
    return update_decode(*out, &q, f->msg, len);
}

static void operations_and_conditions_are_read_in_their_order(void **state)
{
    struct field *f = *state;
    size_t len = signing_update_head(f->msg, 1, 3, 3);
    struct request *r;

    len += signing_record(f->msg + len, "a", CLASS_ANY, 0, NULL);
    len += signing_record(f->msg + len, "b", CLASS_NONE, 0, NULL);
    len += signing_record(f->msg + len, "C", CLASS_IN, 0, "x");
    len += signing_record(f->msg + len, "d", CLASS_ANY, 0, NULL);
    len += signing_record(f->msg + len, "e", CLASS_NONE, 0, "gone");
    len += signing_record(f->msg + len, "f", CLASS_IN, 0x7fff, "new");
    assert_int_equal(decode(f, len, &r), RCODE_NOERROR);
    assert_int_equal(r->u.update.n_conditions, 3);
    assert_int_equal(r->u.update.conditions[0].kind, CONDITION_SET_EXISTS);
    assert_int_equal(r->u.update.conditions[1].kind, CONDITION_SET_ABSENT);
    assert_int_equal(r->u.update.conditions[2].kind, CONDITION_RECORD_EXISTS);
    assert_int_equal(r->u.update.conditions[2].rdata.len, 2);
    assert_int_equal(r->u.update.conditions[2].owner->b[1], 'c'); /* folded */
    assert_int_equal(r->u.update.n_ops, 3);
    assert_int_equal(r->u.update.ops[0].kind, UPDATE_REMOVE_SET);
    assert_int_equal(r->u.update.ops[1].kind, UPDATE_REMOVE);
    assert_memory_equal(r->u.update.ops[1].value.text, "gone", 4);
    assert_int_equal(r->u.update.ops[2].kind, UPDATE_ADD);
    assert_int_equal(r->u.update.ops[2].value.len, 3);
    assert_int_equal(r->u.update.ops[2].value.lifetime_s, -1);
    request_free(r);
}

static void a_form_error_anywhere_wins(void **state)
{
    struct field *f = *state;
    size_t head = signing_update_head(f->msg, 1, 0, 2), len = head;
    struct request *r;

    len += signing_record(f->msg + len, "a", CLASS_IN, 0, "x");
    f->msg[len - 12 + 1] = 0; /* type 0 */
    f->msg[len - 12] = 0;
    len = head + signing_record(f->msg + head, "a", CLASS_IN, 0, "x");
    f->msg[head + 5] = RR_A; /* refused */
    len += signing_record(f->msg + len, "b", CLASS_ANY, 1, NULL);
    assert_int_equal(decode(f, len, &r), RCODE_FORMERR);
    request_free(r);
    len = head + signing_record(f->msg + head, "a", CLASS_IN, 0, "x");
    f->msg[head + 5] = RR_A;
    len += signing_record(f->msg + len, "b", CLASS_IN, 1, "y");
    assert_int_equal(decode(f, len, &r), RCODE_REFUSED);
    request_free(r);
}

static void more_than_is_possible_is_refused_before_it_is_read(void **state)
{
    struct field *f = *state;
    struct query q;
    struct request *r = request_new(REQUEST_UPDATE, DOOR_UPDATE);
    size_t len = signing_update_head(f->msg, 1, 0, UPDATE_OPS_MAX + 1);

    assert_non_null(r);
    memset(&q, 0, sizeof q);
    q.name = world_name(WORLD_ZONE);
    q.question_len = (uint16_t)(len - DNS_HEADER_LEN);
    assert_int_equal(update_decode(r, &q, f->msg, len), RCODE_REFUSED);
    request_free(r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_field, close_field)
    const struct CMUnitTest tests[] = {
        TEST(a_request_has_what_the_message_says),
        TEST(what_became_of_a_request_is_one_rcode),
        TEST(a_repetition_waits_for_the_first_and_then_gets_its_outcome),
        TEST(what_failed_for_the_moment_is_tried_again),
        TEST(replies_over_tcp_come_by_mail),
        TEST(unsigned_and_foreign_updates_get_no_further),
        TEST(refused_signatures_are_reported_some_a_second),
        TEST(closing_waits_for_what_was_taken),
        TEST(operations_and_conditions_are_read_in_their_order),
        TEST(a_form_error_anywhere_wins),
        TEST(more_than_is_possible_is_refused_before_it_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
