#include "dns/listening.h"

#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define BURST   100
#define CLIENTS 64

/* Ask over UDP and expect the two values. */
static void expect_answer(int fd, uint16_t id)
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];

    client_send(fd, msg, query_put(msg, ANSWER_IS_OURS, id));
    assert_true(client_receive(fd, msg, sizeof msg, WAIT_MS) > DNS_HEADER_LEN);
    assert_int_equal(answer_id(msg), id);
    assert_int_equal(answer_rcode(msg), RCODE_NOERROR);
    assert_int_equal(answer_count(msg), 2);
}

static void expect_answer_at(const struct endpoint *at)
{
    int fd = client_open(SOCK_DGRAM, at);

    expect_answer(fd, 7);
    close(fd);
}

static void explicit_addresses_of_both_families_answer(void **state)
{
    struct listening l;

    (void)state;
    listening_open(&l, (const char *const[]){"127.0.0.1:0", "[::1]:0", "127.0.0.2:0", NULL});
    for (size_t i = 0; i < 3; i++)
        expect_answer_at(&l.at[i]);
    listening_close(&l);
}

/* A connected client takes a reply only from the address that it asked. */
static void a_wildcard_listener_replies_from_the_address_asked(void **state)
{
    static const char *const asked[] = {"127.0.0.1:0", "127.0.0.2:0", "127.9.8.7:0"};
    struct listening l;

    (void)state;
    listening_open(&l, (const char *const[]){"0.0.0.0:0", "[::]:0", NULL});
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct endpoint at = endpoint_of(asked[i]);

        at.port = l.at[0].port;
        expect_answer_at(&at);
    }
    l.listen[0] = endpoint_of("[::1]:0");
    l.listen[0].port = l.at[1].port;
    expect_answer_at(&l.listen[0]);
    listening_close(&l);
}

static void two_workers_answer_every_client(void **state)
{
    struct listening l;
    struct dns_listener_status status;
    int fds[CLIENTS];

    (void)state;
    listening_init(&l, (const char *const[]){"127.0.0.1:0", NULL});
    l.settings.workers = 2;
    listening_bind(&l);
    assert_int_equal(dns_server_threads(l.server), 3);
    listening_start(&l);
    for (uint16_t i = 0; i < CLIENTS; i++) {
        fds[i] = client_open(SOCK_DGRAM, &l.at[0]);
        expect_answer(fds[i], i);
        close(fds[i]);
    }
    assert_int_equal(dns_server_listeners(l.server, &status, 1), 1);
    assert_int_equal(status.workers, 2);
    assert_int_equal(status.questions, CLIENTS);
    assert_false(status.activated);
    listening_close(&l);
}

static void send_burst(int fd, unsigned n)
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];

    for (uint16_t i = 0; i < n; i++)
        client_send(fd, msg, query_put(msg, ANSWER_IS_OURS, i));
}

static void receive_burst(int fd, unsigned n)
{
    bool seen[BURST] = {false};
    uint8_t msg[ANSWER_MAX + NAME_PAD];

    assert_true(n <= BURST);
    for (unsigned i = 0; i < n; i++) {
        assert_true(client_receive(fd, msg, sizeof msg, WAIT_MS) > 0);
        assert_true(answer_id(msg) < n && !seen[answer_id(msg)]);
        assert_int_equal(answer_count(msg), 2);
        seen[answer_id(msg)] = true;
    }
}

static void bursts_of_more_than_a_batch_are_answered(void **state)
{
    struct listening l;
    int fd;

    (void)state;
    listening_open(&l, (const char *const[]){"0.0.0.0:0", NULL});
    l.at[0] = (struct endpoint){ENDPOINT_IP, {ADDR_V4, {127, 0, 0, 1}}, l.at[0].port, ""};
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    for (unsigned n = 1; n <= BURST; n += 33) {
        send_burst(fd, n);
        receive_burst(fd, n);
    }
    close(fd);
    listening_close(&l);
}

static void stop_answers_the_datagrams_that_were_received(void **state)
{
    struct listening l;
    int fd;

    (void)state;
    listening_init(&l, (const char *const[]){"127.0.0.1:0", NULL});
    listening_bind(&l);
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    send_burst(fd, BURST);
    listening_start(&l);
    listening_close(&l);
    receive_burst(fd, BURST);
    close(fd);
}

static void stop_answers_what_tcp_has_received(void **state)
{
    uint8_t frame[ANSWER_MAX + NAME_PAD];
    struct listening l;
    size_t len;
    int fd;

    (void)state;
    listening_init(&l, (const char *const[]){"127.0.0.1:0", NULL});
    listening_bind(&l);
    fd = client_open(SOCK_STREAM, &l.at[0]); /* waits in the backlog: nobody accepts yet */
    len = query_put(frame + 2, ANSWER_IS_OURS, 9);
    frame[0] = 0;
    frame[1] = (uint8_t)len;
    client_send(fd, frame, len + 2);
    listening_start(&l);
    listening_close(&l);
    assert_true(client_receive(fd, frame, sizeof frame, WAIT_MS) > 2);
    assert_int_equal(answer_id(frame + 2), 9);
    assert_int_equal(answer_count(frame + 2), 2);
    assert_true(client_is_closed(fd, WAIT_MS));
    close(fd);
}

static void an_idle_server_stops_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct listening l;
        int64_t before;

        listening_init(&l, (const char *const[]){"127.0.0.1:0", "[::1]:0", NULL});
        l.settings.workers = 3;
        listening_bind(&l);
        listening_start(&l);
        before = test_now_ms();
        dns_server_stop(l.server);
        assert_true(test_now_ms() - before < 1000);
        l.server = NULL;
        listening_close(&l);
    }
}

static void a_datagram_over_the_read_size_is_a_format_error(void **state)
{
    uint8_t msg[DNS_UDP_READ_MAX + 100] = {0};
    struct listening l;
    int fd;

    (void)state;
    listening_open(&l, (const char *const[]){"127.0.0.1:0", NULL});
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    (void)query_put(msg, ANSWER_IS_OURS, 3);
    client_send(fd, msg, sizeof msg);
    assert_true(client_receive(fd, msg, sizeof msg, WAIT_MS) >= DNS_HEADER_LEN);
    assert_int_equal(answer_id(msg), 3);
    assert_int_equal(answer_rcode(msg), RCODE_FORMERR);
    close(fd);
    listening_close(&l);
}

static void what_is_no_query_gets_silence(void **state)
{
    static const uint8_t response[DNS_HEADER_LEN] = {1, 2, 0x80};
    struct listening l;
    int fd;

    (void)state;
    listening_open(&l, (const char *const[]){"127.0.0.1:0", NULL});
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    client_send(fd, "", 0);
    client_send(fd, response, sizeof response - 1);
    client_send(fd, response, sizeof response);
    expect_answer(fd, 5); /* the first that comes */
    assert_int_equal(listening_metric(&l, "riposte_dns_dropped_total "), 3);
    close(fd);
    listening_close(&l);
}

#define CLIENTS_IN_TURN 5

/* Of a burst by several clients in turn, every third is no query. */
static void send_holed(const int fds[CLIENTS_IN_TURN])
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];

    for (uint16_t i = 0; i < BURST; i++) {
        size_t len = query_put(msg, ANSWER_IS_OURS, i);

        msg[2] |= i % 3 == 0 ? 0x80 : 0; /* a response */
        client_send(fds[i % CLIENTS_IN_TURN], msg, len);
    }
}

static void receive_holed(const int fds[CLIENTS_IN_TURN])
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];

    for (uint16_t i = 0; i < BURST; i++) {
        if (i % 3 == 0)
            continue;
        assert_true(client_receive(fds[i % CLIENTS_IN_TURN], msg, sizeof msg, WAIT_MS) > 0);
        assert_int_equal(answer_id(msg), i); /* each gets its own, in order */
        assert_int_equal(answer_count(msg), 2);
    }
    for (unsigned i = 0; i < CLIENTS_IN_TURN; i++)
        assert_int_equal(client_receive(fds[i], msg, sizeof msg, 0), -1);
}

/* What was sent before the start comes in whole batches, and the second burst meets what the first has left. */
static void silence_in_a_batch_disturbs_nobodys_reply(void **state)
{
    static const char *const listen[] = {"127.0.0.1:0", "0.0.0.0:0"};
    int fds[CLIENTS_IN_TURN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(listen); i++) {
        struct listening l;
        struct endpoint at = endpoint_of("127.0.0.1:0");

        listening_init(&l, (const char *const[]){listen[i], NULL});
        listening_bind(&l);
        at.port = l.at[0].port;
        for (unsigned k = 0; k < CLIENTS_IN_TURN; k++)
            fds[k] = client_open(SOCK_DGRAM, &at);
        send_holed(fds);
        listening_start(&l);
        receive_holed(fds);
        send_holed(fds);
        receive_holed(fds);
        for (unsigned k = 0; k < CLIENTS_IN_TURN; k++)
            close(fds[k]);
        listening_close(&l);
    }
}

static void while_loading_the_answer_is_servfail(void **state)
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];
    struct listening l;
    int fd;

    (void)state;
    listening_init(&l, (const char *const[]){"127.0.0.1:0", NULL});
    l.slot.current = NULL;
    listening_bind(&l);
    listening_start(&l);
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    client_send(fd, msg, query_put(msg, ANSWER_IS_OURS, 1));
    assert_true(client_receive(fd, msg, sizeof msg, WAIT_MS) > 0);
    assert_int_equal(answer_rcode(msg), RCODE_SERVFAIL);
    assert_null(table_slot_swap(&l.slot, l.world.table));
    expect_answer(fd, 2);
    close(fd);
    listening_close(&l);
}

static void a_reload_changes_the_udp_size_and_the_identity(void **state)
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];
    struct listening l;
    int fd;

    (void)state;
    listening_open(&l, (const char *const[]){"127.0.0.1:0", NULL});
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    for (unsigned i = 0; i < 4; i++) {
        bool large = i % 2 == 1;

        l.settings.udp_size = large ? ANSWER_MAX : 512;
        (void)snprintf(l.settings.identity, sizeof l.settings.identity, "round%u", i);
        dns_server_retune(l.server, &l.settings);
        client_send(fd, msg, query_put(msg, ANSWER_IS_LONG, 1));
        assert_true(client_receive(fd, msg, sizeof msg, WAIT_MS) > 0);
        assert_int_equal(answer_truncated(msg), !large);
        assert_int_equal(answer_count(msg), large ? 64 : 0);
    }
    close(fd);
    listening_close(&l);
}

static void metrics_and_status_work_before_the_start(void **state)
{
    struct dns_listener_status status[2];
    struct listening l;
    struct addr from;

    (void)state;
    listening_init(&l, (const char *const[]){"127.0.0.1:0", "[::1]:0", NULL});
    listening_bind(&l);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_open "), 0);
    assert_int_equal(dns_server_listeners(l.server, status, 1), 1);
    assert_int_equal(dns_server_listeners(l.server, status, 2), 2);
    assert_true(status[1].udp && status[1].tcp && status[1].at.port != 0);
    assert_int_equal(status[1].questions, 0);
    assert_false(dns_server_sources_hidden(l.server, &from));
    dns_server_stop(NULL);
    listening_close(&l);
}

static void questions_from_loopback_are_no_hidden_sources(void **state)
{
    struct listening l;
    struct addr from;
    int fd;

    (void)state;
    listening_open(&l, (const char *const[]){"127.0.0.1:0", NULL});
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    for (uint16_t i = 0; i < 150; i++)
        expect_answer(fd, i);
    assert_false(dns_server_sources_hidden(l.server, &from));
    close(fd);
    listening_close(&l);
}

static void questions_are_traced(void **state)
{
    struct name name = world_name(ANSWER_IS_OURS);
    struct trace_record records[4];
    struct listening l;
    int fd;

    (void)state;
    listening_open(&l, (const char *const[]){"127.0.0.1:0", "127.0.0.2:0", NULL});
    fd = client_open(SOCK_DGRAM, &l.at[1]);
    expect_answer(fd, 4);
    assert_int_equal(trace_read(l.trace, trace_name_hash(l.trace, &name), 0, records, 4), 1);
    assert_int_equal(records[0].listener, 1);
    assert_int_equal(records[0].count, 2);
    assert_true(records[0].time_us > 0);
    close(fd);
    listening_close(&l);
}

/* ---- a link that takes less than an answer, in a network of its own ---- */

static bool small_network(int mtu)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_mtu = mtu};
    int fd = unshare(CLONE_NEWNET) == 0 ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    bool done = fd >= 0 && ioctl(fd, SIOCSIFMTU, &lo) == 0;

    lo.ifr_flags = IFF_UP;
    done = done && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

/* The namespace is the thread's, and inherited by the threads that it starts. */
static void *ask_over_a_small_link(void *arg)
{
    const uint8_t opt[] = {0, 0, RR_OPT, ANSWER_MAX >> 8, ANSWER_MAX & 0xff, 0, 0, 0, 0, 0, 0};
    uint8_t msg[ANSWER_MAX + NAME_PAD];
    bool *ran = arg;
    struct listening l;
    size_t asked;
    int fd;

    if (!small_network(600))
        return NULL;
    listening_init(&l, (const char *const[]){"127.0.0.1:0", NULL});
    l.settings.udp_size = ANSWER_MAX;
    listening_bind(&l);
    listening_start(&l);
    fd = client_open(SOCK_DGRAM, &l.at[0]);
    asked = query_put(msg, ANSWER_IS_LONG, 6);
    client_send(fd, msg, asked);
    assert_int_equal(client_receive(fd, msg, sizeof msg, WAIT_MS), asked); /* both end with an OPT record */
    assert_true(answer_truncated(msg));
    assert_int_equal(answer_count(msg), 0);
    assert_memory_equal(msg + asked - sizeof opt, opt, sizeof opt);
    assert_int_equal(listening_metric(&l, "riposte_dns_truncated_total "), 1);
    expect_answer(fd, 7);
    assert_int_equal(listening_metric(&l, "riposte_dns_send_failed_total "), 0);
    close(fd);
    listening_close(&l);
    *ran = true;
    return NULL;
}

static void an_answer_that_the_link_does_not_take_goes_out_truncated(void **state)
{
    pthread_t thread;
    bool ran = false;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, ask_over_a_small_link, &ran), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (!ran)
        skip(); /* not allowed to make a network */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explicit_addresses_of_both_families_answer),
        cmocka_unit_test(a_wildcard_listener_replies_from_the_address_asked),
        cmocka_unit_test(two_workers_answer_every_client),
        cmocka_unit_test(bursts_of_more_than_a_batch_are_answered),
        cmocka_unit_test(stop_answers_the_datagrams_that_were_received),
        cmocka_unit_test(stop_answers_what_tcp_has_received),
        cmocka_unit_test(an_idle_server_stops_at_once),
        cmocka_unit_test(a_datagram_over_the_read_size_is_a_format_error),
        cmocka_unit_test(what_is_no_query_gets_silence),
        cmocka_unit_test(silence_in_a_batch_disturbs_nobodys_reply),
        cmocka_unit_test(while_loading_the_answer_is_servfail),
        cmocka_unit_test(a_reload_changes_the_udp_size_and_the_identity),
        cmocka_unit_test(metrics_and_status_work_before_the_start),
        cmocka_unit_test(questions_from_loopback_are_no_hidden_sources),
        cmocka_unit_test(questions_are_traced),
        cmocka_unit_test(an_answer_that_the_link_does_not_take_goes_out_truncated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
