#include "dns/listening.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "dns/tcp.h"
#include "dns/tcp_limits.h"
#include "dns/tcp_stream.h"

#define FRAME_MAX   (TCP_FRAME_LEN + ANSWER_MAX + NAME_PAD)
#define PIPELINED   300
#define MANY        3000
#define SHORT_MS    300
#define TOGETHER    200
#define CROWD       400
#define TRIES       5
#define PARTED      3 /* questions on one connection */
#define ACK_LATE_MS 40
#define SLACK_MS    50 /* clocks that are read at different moments */

static size_t frame_put(uint8_t *frame, const char *name, uint16_t id)
{
    size_t len = query_put(frame + TCP_FRAME_LEN, name, id);

    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    return TCP_FRAME_LEN + len;
}

static void receive_exactly(int fd, uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = client_receive(fd, bytes, len, WAIT_MS);

        assert_true(n > 0);
        bytes += n;
        len -= (size_t)n;
    }
}

/* Read one answer with the given id and number of records, which is never truncated. */
static void expect_frame(int fd, uint16_t id, unsigned records)
{
    uint8_t frame[FRAME_MAX];
    size_t len;

    receive_exactly(fd, frame, TCP_FRAME_LEN);
    len = (size_t)frame[0] << 8 | frame[1];
    assert_true(len >= DNS_HEADER_LEN && len <= ANSWER_MAX);
    receive_exactly(fd, frame, len);
    assert_int_equal(answer_id(frame), id);
    assert_false(answer_truncated(frame));
    assert_int_equal(answer_count(frame), records);
}

static void expect_served(int fd, uint16_t id)
{
    uint8_t frame[FRAME_MAX];

    client_send(fd, frame, frame_put(frame, ANSWER_IS_OURS, id));
    expect_frame(fd, id, 2);
}

static void open_with(struct listening *l, uint32_t connections, int64_t idle_ms)
{
    listening_init(l, (const char *const[]){"127.0.0.1:0", "[::1]:0", NULL});
    l->settings.tcp_connections = connections;
    l->settings.tcp_idle_ms = idle_ms;
    listening_bind(l);
    listening_start(l);
}

static int connect_from(const struct listening *l, const char *from)
{
    return client_open_from(SOCK_STREAM, &l->at[0], from);
}

static int connect_to(const struct listening *l)
{
    return connect_from(l, NULL);
}

/* ---- framing ---- */

static void a_connection_serves_one_question_after_the_other(void **state)
{
    struct dns_listener_status status[2];
    struct listening l;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    for (size_t i = 0; i < 2; i++) {
        int fd = client_open(SOCK_STREAM, &l.at[i]);

        for (uint16_t id = 1; id <= 10; id++)
            expect_served(fd, id);
        close(fd);
    }
    assert_int_equal(dns_server_listeners(l.server, status, 2), 2);
    assert_int_equal(status[0].questions, 10);
    assert_int_equal(status[1].questions, 10);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_connections_total "), 2);
    listening_close(&l);
}

static void pipelined_questions_in_one_write_are_answered_in_order(void **state)
{
    static uint8_t bytes[PIPELINED * 128];
    struct listening l;
    size_t len = 0;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    fd = connect_to(&l);
    for (uint16_t id = 0; id < PIPELINED; id++)
        len += frame_put(bytes + len, ANSWER_IS_OURS, id);
    client_send(fd, bytes, len);
    for (uint16_t id = 0; id < PIPELINED; id++)
        expect_frame(fd, id, 2);
    close(fd);
    listening_close(&l);
}

/* What one read brings is answered with one write: both answers are there as soon as the first is. */
static void answers_to_one_read_come_with_one_write(void **state)
{
    uint8_t bytes[FRAME_MAX];
    struct listening l;
    size_t len;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    fd = connect_to(&l);
    len = frame_put(bytes, ANSWER_IS_OURS, 1);
    len += frame_put(bytes + len, ANSWER_IS_OURS, 2);
    client_send(fd, bytes, len);
    len = (size_t)client_receive(fd, bytes, sizeof bytes, WAIT_MS);
    assert_true(len < sizeof bytes);
    assert_int_equal(len, 2 * (TCP_FRAME_LEN + ((size_t)bytes[0] << 8 | bytes[1])));
    close(fd);
    listening_close(&l);
}

static void questions_that_come_octet_by_octet_are_answered(void **state)
{
    uint8_t bytes[FRAME_MAX];
    struct listening l;
    size_t len;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    fd = connect_to(&l);
    len = frame_put(bytes, ANSWER_IS_OURS, 1);
    len += frame_put(bytes + len, ANSWER_IS_LONG, 2);
    for (size_t i = 0; i < len; i++)
        client_send(fd, bytes + i, 1);
    expect_frame(fd, 1, 2);
    expect_frame(fd, 2, 64);
    close(fd);
    listening_close(&l);
}

/* With Nagle's algorithm the second part waits for the acknowledgement of the first, which may be put off by 40 ms.
 */
static void a_client_that_sends_the_length_alone_need_not_wait_for_its_acknowledgement(void **state)
{
    uint8_t frame[FRAME_MAX];
    struct listening l;
    int64_t least = WAIT_MS;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    for (uint16_t id = 0; id < TRIES; id++) {
        int64_t before = test_now_ms();
        int fd = connect_to(&l);
        size_t len = frame_put(frame, ANSWER_IS_OURS, id);

        for (unsigned n = 0; n < PARTED; n++) {
            client_send(fd, frame, TCP_FRAME_LEN);
            client_send(fd, frame + TCP_FRAME_LEN, len - TCP_FRAME_LEN);
            expect_frame(fd, id, 2);
        }
        least = test_now_ms() - before < least ? test_now_ms() - before : least;
        close(fd);
    }
    assert_true(least < ACK_LATE_MS);
    listening_close(&l);
}

static void a_message_of_the_greatest_length_is_read_whole(void **state)
{
    static uint8_t bytes[TCP_FRAME_LEN + DNS_MESSAGE_MAX + FRAME_MAX];
    struct listening l;
    size_t len = TCP_FRAME_LEN + DNS_MESSAGE_MAX;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    fd = connect_to(&l);
    (void)frame_put(bytes, ANSWER_IS_OURS, 1); /* followed by zeros */
    bytes[0] = 0xff;
    bytes[1] = 0xff;
    len += frame_put(bytes + len, ANSWER_IS_OURS, 2);
    client_send(fd, bytes, len);
    expect_frame(fd, 1, 2);
    expect_frame(fd, 2, 2);
    close(fd);
    listening_close(&l);
}

static void what_cannot_be_a_message_ends_the_connection_after_what_was_asked_before(void **state)
{
    struct listening l;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    for (uint8_t len = 0; len < DNS_HEADER_LEN; len++) {
        uint8_t bytes[FRAME_MAX];
        size_t at = frame_put(bytes, ANSWER_IS_OURS, 1);
        int fd = connect_to(&l);

        bytes[at++] = 0;
        bytes[at++] = len;
        client_send(fd, bytes, at);
        expect_frame(fd, 1, 2);
        assert_true(client_is_closed(fd, WAIT_MS));
        close(fd);
    }
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_open "), 0);
    listening_close(&l);
}

static void a_client_that_closes_its_side_is_still_answered(void **state)
{
    uint8_t bytes[FRAME_MAX];
    struct listening l;
    size_t len;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    fd = connect_to(&l);
    len = frame_put(bytes, ANSWER_IS_LONG, 1);
    len += frame_put(bytes + len, ANSWER_IS_OURS, 2);
    client_send(fd, bytes, len + 1); /* and the start of a third one, that never comes */
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_frame(fd, 1, 64);
    expect_frame(fd, 2, 2);
    assert_true(client_is_closed(fd, WAIT_MS));
    close(fd);
    listening_close(&l);
}

static void responses_sent_to_us_get_no_answer(void **state)
{
    uint8_t bytes[FRAME_MAX] = {0, DNS_HEADER_LEN, 0, 1, 0x80};
    struct listening l;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    fd = connect_to(&l);
    client_send(fd, bytes, TCP_FRAME_LEN + DNS_HEADER_LEN);
    expect_served(fd, 2);
    close(fd);
    listening_close(&l);
}

static void connections_that_come_together_are_all_served(void **state)
{
    uint8_t frame[FRAME_MAX];
    struct listening l;
    int fds[TOGETHER];

    (void)state;
    open_with(&l, 4 * TOGETHER, WAIT_MS);
    for (uint16_t id = 0; id < TOGETHER; id++) {
        fds[id] = connect_to(&l);
        client_send(fds[id], frame, frame_put(frame, ANSWER_IS_OURS, id));
    }
    for (uint16_t id = 0; id < TOGETHER; id++)
        expect_frame(fds[id], id, 2);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_open "), TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++)
        close(fds[i]);
    listening_close(&l);
}

/* The kernel hands a connection over with its first question, or after a second without one. */
static void a_client_that_says_nothing_counts_after_a_while_and_is_served_then(void **state)
{
    struct listening l;
    int64_t end = test_now_ms() + WAIT_MS;
    int silent;
    int fd;

    (void)state;
    open_with(&l, 100, 60000);
    silent = connect_to(&l);
    fd = connect_to(&l);
    expect_served(fd, 1);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_open "), 1);
    while (listening_metric(&l, "riposte_dns_tcp_open ") != 2)
        assert_true(test_now_ms() < end);
    expect_served(silent, 2);
    close(silent);
    close(fd);
    listening_close(&l);
}

/* ---- backpressure ---- */

/* Some ten megabytes of answers to a client that first only writes. */
static void a_slow_reader_gets_every_answer(void **state)
{
    uint8_t frame[FRAME_MAX];
    struct listening l;
    uint16_t sent = 0;
    size_t at = 0;
    size_t len;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    fd = connect_to(&l);
    len = frame_put(frame, ANSWER_IS_LONG, sent);
    for (;;) {
        ssize_t n = send(fd, frame + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        struct pollfd writable = {.fd = fd, .events = POLLOUT};

        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            if (poll(&writable, 1, SHORT_MS) == 0)
                break; /* the server has stopped reading */
            continue;
        }
        at += (size_t)n;
        if (at < len)
            continue;
        at = 0;
        if (++sent == MANY)
            break;
        len = frame_put(frame, ANSWER_IS_LONG, sent);
    }
    assert_true(sent > 100);
    for (uint16_t id = 0; id < sent; id++)
        expect_frame(fd, id, 64);
    if (at > 0)
        client_send(fd, frame + at, len - at);
    else
        client_send(fd, frame, frame_put(frame, ANSWER_IS_LONG, sent));
    expect_frame(fd, sent, 64);
    close(fd);
    listening_close(&l);
}

static void a_client_that_never_reads_is_closed(void **state)
{
    uint8_t frame[FRAME_MAX];
    size_t len = frame_put(frame, ANSWER_IS_LONG, 1);
    struct listening l;
    int64_t end = test_now_ms() + WAIT_MS;
    int fd;

    (void)state;
    open_with(&l, 100, SHORT_MS);
    fd = connect_to(&l);
    while (listening_metric(&l, "riposte_dns_tcp_timeouts_total ") == 0) {
        struct pollfd writable = {.fd = fd, .events = POLLOUT};

        assert_true(test_now_ms() < end);
        if (poll(&writable, 1, 10) == 1)
            (void)send(fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    while (listening_metric(&l, "riposte_dns_tcp_open ") != 0)
        assert_true(test_now_ms() < end);
    close(fd);
    listening_close(&l);
}

static void a_client_that_never_reads_does_not_keep_the_server_from_stopping(void **state)
{
    uint8_t frame[FRAME_MAX];
    size_t len = frame_put(frame, ANSWER_IS_LONG, 1);
    struct listening l;
    int64_t before;
    int fd;

    (void)state;
    open_with(&l, 100, 60000);
    fd = connect_to(&l);
    for (struct pollfd writable = {.fd = fd, .events = POLLOUT}; poll(&writable, 1, SHORT_MS) == 1;)
        (void)send(fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    before = test_now_ms();
    listening_close(&l);
    assert_true(test_now_ms() - before < WAIT_MS);
    close(fd);
}

static void clients_that_vanish_do_no_harm(void **state)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct listening l;
    int fd;

    (void)state;
    open_with(&l, 1000, WAIT_MS);
    for (unsigned i = 0; i < 30; i++) {
        uint8_t bytes[FRAME_MAX];
        size_t len = frame_put(bytes, ANSWER_IS_LONG, 1);

        fd = connect_to(&l);
        for (unsigned n = 0; n < i; n++)
            (void)send(fd, bytes, n % 3 == 0 ? len / 2 : len, MSG_NOSIGNAL); /* it may be closed: that is no DNS */
        if (i % 2 == 0)
            assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        close(fd);
    }
    fd = connect_to(&l);
    expect_served(fd, 1);
    close(fd);
    listening_close(&l);
}

/* ---- limits ---- */

static void the_idle_time_shrinks_as_the_connections_fill(void **state)
{
    static const struct {
        uint32_t open, most;
        int64_t ms;
    } rows[] = {
        {0, 100, 10000}, {1, 100, 10000}, {50, 100, 10000}, {51, 100, 9800},  {75, 100, 5000},
        {90, 100, 2000}, {99, 100, 1250}, {100, 100, 1250}, {200, 100, 1250}, {1, 1, 1250},
        {0, 1, 10000},   {1, 0, 1250},    {1, 2, 10000},    {2, 2, 1250},     {UINT32_MAX - 1, UINT32_MAX, 1250},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(tcp_idle_now_ms(10000, rows[i].open, rows[i].most), rows[i].ms);
}

static void what_is_accepted_in_one_go_depends_on_what_else_there_was_to_do(void **state)
{
    static const struct {
        uint64_t events;
        unsigned accepts;
    } rows[] = {{0, 1}, {1, 1}, {7, 1}, {8, 2}, {80, 11}, {503, 63}, {504, 64}, {505, 64}, {UINT64_MAX, 64}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(tcp_accepts_now(rows[i].events), rows[i].accepts);
}

static void an_idle_connection_is_closed_after_the_idle_time(void **state)
{
    struct listening l;
    int64_t before;
    int fd;

    (void)state;
    open_with(&l, 100, SHORT_MS);
    before = test_now_ms();
    fd = connect_to(&l);
    assert_true(client_is_closed(fd, WAIT_MS));
    assert_true(test_now_ms() - before >= SHORT_MS - SLACK_MS);
    assert_true(test_now_ms() - before < WAIT_MS);
    close(fd);
    fd = connect_to(&l);
    expect_served(fd, 1);
    before = test_now_ms();
    assert_true(client_is_closed(fd, WAIT_MS));
    assert_true(test_now_ms() - before >= SHORT_MS - SLACK_MS);
    close(fd);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_timeouts_total "), 2);
    listening_close(&l);
}

static void octets_of_an_incomplete_question_do_not_keep_a_connection(void **state)
{
    uint8_t frame[FRAME_MAX];
    struct listening l;
    int64_t before;
    size_t at = 0;
    int fd;

    (void)state;
    (void)frame_put(frame, ANSWER_IS_OURS, 1);
    open_with(&l, 100, SHORT_MS);
    fd = connect_to(&l);
    before = test_now_ms();
    while (!client_is_closed(fd, 20)) {
        assert_true(test_now_ms() - before < WAIT_MS);
        if (send(fd, frame + at, 1, MSG_NOSIGNAL) == 1)
            at = (at + 1) % 60; /* the question has more octets */
    }
    assert_true(test_now_ms() - before < 4 * SHORT_MS);
    close(fd);
    listening_close(&l);
}

static void a_reload_shortens_the_idle_time_of_open_connections(void **state)
{
    struct listening l;
    int64_t before;
    int fd;

    (void)state;
    open_with(&l, 100, 60000);
    fd = connect_to(&l);
    expect_served(fd, 1);
    before = test_now_ms();
    l.settings.tcp_idle_ms = SHORT_MS;
    dns_server_retune(l.server, &l.settings);
    assert_true(client_is_closed(fd, WAIT_MS));
    assert_true(test_now_ms() - before < 1000 + SHORT_MS);
    close(fd);
    listening_close(&l);
}

static void a_client_network_gets_a_quarter_of_the_connections(void **state)
{
    int64_t end = test_now_ms() + WAIT_MS;
    struct listening l;
    int fds[2];
    int fd;

    (void)state;
    open_with(&l, 8, WAIT_MS);
    for (uint16_t i = 0; i < 2; i++) {
        fds[i] = connect_to(&l);
        expect_served(fds[i], i);
    }
    fd = connect_to(&l);
    assert_true(client_is_closed(fd, WAIT_MS));
    close(fd);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_refused_total "), 1);
    fd = connect_from(&l, "127.0.0.2"); /* another client */
    expect_served(fd, 1);
    close(fd);
    close(fds[0]);
    while (listening_metric(&l, "riposte_dns_tcp_open ") > 1)
        assert_true(test_now_ms() < end);
    fd = connect_to(&l); /* there is room again */
    expect_served(fd, 1);
    close(fd);
    close(fds[1]);
    listening_close(&l);
}

/* Four connections in all, one for each client. */
static void fill(const struct listening *l, int fds[4])
{
    static const char *const from[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"};

    for (uint16_t i = 0; i < 4; i++) {
        fds[i] = connect_from(l, from[i]);
        expect_served(fds[i], i);
    }
}

static void when_all_are_in_use_the_longest_idle_one_makes_room(void **state)
{
    struct listening l;
    int fds[4];
    int fd;

    (void)state;
    open_with(&l, 4, 60000);
    fill(&l, fds);
    expect_served(fds[0], 9); /* now the second is the oldest */
    fd = connect_from(&l, "127.0.0.6");
    expect_served(fd, 1);
    assert_true(client_is_closed(fds[1], WAIT_MS));
    for (size_t i = 0; i < 4; i++)
        if (i != 1)
            expect_served(fds[i], 2);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_open "), 4);
    close(fd);
    for (size_t i = 0; i < 4; i++)
        close(fds[i]);
    listening_close(&l);
}

/* So that what was found ready is at times gone when its turn comes. */
static void a_question_may_cross_with_the_end_of_its_connection(void **state)
{
    static const char *const from[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4",
                                       "127.0.0.5", "127.0.0.6", "127.0.0.7"};
    int fds[ARRAY_LEN(from)];
    uint8_t frame[FRAME_MAX];
    struct listening l;
    int fd;

    (void)state;
    open_with(&l, 4, 60000);
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        fds[i] = connect_from(&l, from[i]);
    for (uint16_t id = 0; id < CROWD; id++) {
        size_t len = frame_put(frame, ANSWER_IS_OURS, id);
        size_t i = id % ARRAY_LEN(from);

        for (size_t n = 0; n < ARRAY_LEN(from); n++)
            (void)send(fds[n], frame, len, MSG_NOSIGNAL); /* some have been closed in favour of others */
        close(fds[i]);
        fds[i] = connect_from(&l, from[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        close(fds[i]);
    fd = connect_from(&l, "127.0.0.8");
    expect_served(fd, 1);
    close(fd);
    listening_close(&l);
}

static void when_all_are_busy_the_new_one_is_refused(void **state)
{
    uint8_t frame[FRAME_MAX];
    size_t len = frame_put(frame, ANSWER_IS_OURS, 5);
    struct listening l;
    int fds[4];
    int fd;

    (void)state;
    (void)frame_put(frame + len, ANSWER_IS_OURS, 6);
    open_with(&l, 4, 60000);
    fill(&l, fds);
    for (size_t i = 0; i < 4; i++) {
        client_send(fds[i], frame, len + len / 2); /* one and a half questions; answered when both parts are read */
        expect_frame(fds[i], 5, 2);
    }
    fd = connect_from(&l, "127.0.0.6");
    assert_true(client_is_closed(fd, WAIT_MS));
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_refused_total "), 1);
    for (size_t i = 0; i < 4; i++) {
        client_send(fds[i], frame + len + len / 2, len - len / 2);
        expect_frame(fds[i], 6, 2);
        close(fds[i]);
    }
    close(fd);
    listening_close(&l);
}

/* The lowest descriptor that is free, so that a limit there leaves none. */
static rlim_t first_free_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    close(fd);
    return (rlim_t)fd;
}

static void without_descriptors_connections_are_refused_and_later_taken_again(void **state)
{
    struct rlimit before;
    struct rlimit low;
    struct sockaddr_storage sa;
    struct listening l;
    socklen_t len;
    int64_t end;
    int fd;

    (void)state;
    open_with(&l, 100, WAIT_MS);
    len = endpoint_to_sockaddr(&l.at[0], &sa);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = first_free_descriptor();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&sa, len), 0);
    assert_true(client_is_closed(fd, WAIT_MS));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(fd);
    end = test_now_ms() + WAIT_MS;
    fd = connect_to(&l);
    expect_served(fd, 1); /* waits for the end of the pause */
    assert_true(test_now_ms() < end);
    assert_int_equal(listening_metric(&l, "riposte_dns_tcp_refused_total "), 1);
    close(fd);
    listening_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_one_question_after_the_other),
        cmocka_unit_test(pipelined_questions_in_one_write_are_answered_in_order),
        cmocka_unit_test(answers_to_one_read_come_with_one_write),
        cmocka_unit_test(questions_that_come_octet_by_octet_are_answered),
        cmocka_unit_test(a_client_that_sends_the_length_alone_need_not_wait_for_its_acknowledgement),
        cmocka_unit_test(a_message_of_the_greatest_length_is_read_whole),
        cmocka_unit_test(what_cannot_be_a_message_ends_the_connection_after_what_was_asked_before),
        cmocka_unit_test(a_client_that_closes_its_side_is_still_answered),
        cmocka_unit_test(responses_sent_to_us_get_no_answer),
        cmocka_unit_test(connections_that_come_together_are_all_served),
        cmocka_unit_test(a_client_that_says_nothing_counts_after_a_while_and_is_served_then),
        cmocka_unit_test(a_slow_reader_gets_every_answer),
        cmocka_unit_test(a_client_that_never_reads_is_closed),
        cmocka_unit_test(a_client_that_never_reads_does_not_keep_the_server_from_stopping),
        cmocka_unit_test(clients_that_vanish_do_no_harm),
        cmocka_unit_test(the_idle_time_shrinks_as_the_connections_fill),
        cmocka_unit_test(what_is_accepted_in_one_go_depends_on_what_else_there_was_to_do),
        cmocka_unit_test(an_idle_connection_is_closed_after_the_idle_time),
        cmocka_unit_test(octets_of_an_incomplete_question_do_not_keep_a_connection),
        cmocka_unit_test(a_reload_shortens_the_idle_time_of_open_connections),
        cmocka_unit_test(a_client_network_gets_a_quarter_of_the_connections),
        cmocka_unit_test(when_all_are_in_use_the_longest_idle_one_makes_room),
        cmocka_unit_test(a_question_may_cross_with_the_end_of_its_connection),
        cmocka_unit_test(when_all_are_busy_the_new_one_is_refused),
        cmocka_unit_test(without_descriptors_connections_are_refused_and_later_taken_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
