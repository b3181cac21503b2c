#include "cli/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/wire.h"

#define ID 0x1234

/* ---- messages ---- */

struct message {
    uint8_t bytes[65535];
    struct wire_writer w;
};

static struct name a_name(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static struct lookup_question a_question(const char *name, uint16_t type)
{
    return (struct lookup_question){.name = a_name(name), .type = type};
}

static void begin(struct message *m, uint16_t flags, const struct lookup_question *q, unsigned an, unsigned ns,
                  unsigned ar)
{
    wire_writer_init(&m->w, m->bytes, sizeof m->bytes);
    wire_put_u16(&m->w, ID);
    wire_put_u16(&m->w, flags);
    wire_put_u16(&m->w, 1);
    wire_put_u16(&m->w, (uint16_t)an);
    wire_put_u16(&m->w, (uint16_t)ns);
    wire_put_u16(&m->w, (uint16_t)ar);
    wire_put_bytes(&m->w, q->name.b, q->name.len);
    wire_put_u16(&m->w, q->type);
    wire_put_u16(&m->w, CLASS_IN);
}

/* A record whose owner is the question's name. */
static void put_record(struct message *m, uint16_t type, uint32_t ttl_s, const void *rdata, size_t len)
{
    wire_put_u16(&m->w, 0xc00c);
    wire_put_u16(&m->w, type);
    wire_put_u16(&m->w, CLASS_IN);
    wire_put_u32(&m->w, ttl_s);
    wire_put_u16(&m->w, (uint16_t)len);
    wire_put_bytes(&m->w, rdata, len);
}

static enum lookup_result parse(struct lookup_reply **out, const struct message *m, const struct lookup_question *q)
{
    return lookup_parse(out, m->bytes, m->w.len, ID, q);
}

#define NOERROR_AA 0x8400

static void a_reply_becomes_flags_and_records(void **state)
{
    static struct message m;
    struct lookup_question q = a_question("_acme-challenge.example.com", RR_TXT);
    struct name target = a_name("x.auth.example.org");
    struct lookup_reply *r;
    const struct lookup_record *rec;
    size_t at = 0, len;
    char text[300];

    (void)state;
    begin(&m, 0x8400 | 0x0080 | 0x0020, &q, 2, 0, 1);
    put_record(&m, RR_CNAME, 300, target.b, target.len);
    put_record(&m, RR_TXT, 0, "\3abc\2de", 7);
    wire_put_bytes(&m.w, "\0\0\x29\4\xd0\1\0\0\0\0\0", 11); /* OPT with an extended RCODE of 1 << 4 */
    assert_int_equal(parse(&r, &m, &q), LOOKUP_ANSWERED);
    assert_true(r->aa && r->ra && r->ad && !r->tc && r->case_kept && !r->over_tcp);
    assert_int_equal(r->rcode, 16);
    assert_int_equal(r->n, 2);
    rec = lookup_next(r, LOOKUP_ANSWER, &q.name, RR_CNAME, &at);
    assert_non_null(rec);
    assert_int_equal(rec->ttl_s, 300);
    assert_true(name_equal(&rec->target, &target));
    assert_null(lookup_next(r, LOOKUP_ANSWER, &q.name, RR_CNAME, &at));
    at = 0;
    rec = lookup_next(r, LOOKUP_ANSWER, NULL, RR_TXT, &at);
    assert_true(lookup_txt(rec, text, sizeof text, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(text, "abcde", 5);
    assert_true(lookup_txt(rec, text, 5, &len));
    assert_false(lookup_txt(rec, text, 4, &len));
    at = 0;
    assert_null(lookup_next(r, LOOKUP_AUTHORITY, NULL, RR_ANY, &at));
    lookup_reply_free(r);
}

static void names_inside_may_be_compressed(void **state)
{
    static struct message m;
    struct name server = a_name("ns1.auth.example.org");
    struct lookup_question q = a_question("auth.example.org", RR_SOA);
    struct lookup_reply *r;
    const struct lookup_record *rec;
    size_t at = 0;
    static const uint8_t soa[] = {3, 'n', 's', '1', 0xc0, 12, 1, 'h', 0xc0, 17, 0, 0, 0, 9, 0,
                                  0, 0,   1,   0,   0,    0,  2, 0,   0,    0,  3, 0, 0, 1, 44};

    (void)state;
    begin(&m, NOERROR_AA, &q, 0, 1, 0);
    put_record(&m, RR_SOA, 60, soa, sizeof soa);
    assert_int_equal(parse(&r, &m, &q), LOOKUP_ANSWERED);
    rec = lookup_next(r, LOOKUP_AUTHORITY, &q.name, RR_SOA, &at);
    assert_non_null(rec);
    assert_int_equal(rec->serial, 9);
    assert_int_equal(rec->minimum_s, 300);
    assert_true(name_equal(&rec->target, &server));
    lookup_reply_free(r);
}

static void a_message_that_ends_early_is_malformed_wherever_it_ends(void **state)
{
    static struct message m;
    struct lookup_question q = a_question("example.com", RR_NS);
    struct lookup_reply *r;

    (void)state;
    begin(&m, NOERROR_AA, &q, 1, 0, 0);
    put_record(&m, RR_NS, 60, "\2ns\xc0\x0c", 5);
    assert_int_equal(parse(&r, &m, &q), LOOKUP_ANSWERED);
    lookup_reply_free(r);
    for (size_t len = 0; len < m.w.len; len++) {
        assert_int_equal(lookup_parse(&r, m.bytes, len, ID, &q), LOOKUP_MALFORMED);
        assert_null(r);
    }
}

static void a_truncated_message_may_be_cut_anywhere_behind_its_question(void **state)
{
    static struct message m;
    struct lookup_question q = a_question("example.com", RR_NS);
    struct lookup_reply *r;

    (void)state;
    begin(&m, NOERROR_AA | 0x0200, &q, 1, 0, 0);
    put_record(&m, RR_NS, 60, "\2ns\xc0\x0c", 5);
    assert_int_equal(lookup_parse(&r, m.bytes, m.w.len - 3, ID, &q), LOOKUP_ANSWERED);
    assert_true(r->tc);
    assert_int_equal(r->n, 0);
    lookup_reply_free(r);
}

static void what_does_not_answer_the_question_is_malformed(void **state)
{
    static struct message m;
    struct lookup_question q = a_question("example.com", RR_TXT), other = a_question("example.net", RR_TXT);
    struct lookup_question other_type = a_question("example.com", RR_CAA);
    struct lookup_reply *r;

    (void)state;
    begin(&m, NOERROR_AA, &q, 0, 0, 0);
    assert_int_equal(parse(&r, &m, &other), LOOKUP_MALFORMED);
    assert_int_equal(parse(&r, &m, &other_type), LOOKUP_MALFORMED);
    assert_int_equal(lookup_parse(&r, m.bytes, m.w.len, ID + 1, &q), LOOKUP_MALFORMED);
    m.bytes[2] = 0x04; /* a question */
    assert_int_equal(parse(&r, &m, &q), LOOKUP_MALFORMED);
    m.bytes[2] = 0x80 | 0x28; /* UPDATE */
    assert_int_equal(parse(&r, &m, &q), LOOKUP_MALFORMED);
    begin(&m, NOERROR_AA, &q, 0, 0, 0);
    m.bytes[5] = 2; /* two questions */
    assert_int_equal(parse(&r, &m, &q), LOOKUP_MALFORMED);
    m.bytes[5] = 0; /* none is good for errors only */
    assert_int_equal(parse(&r, &m, &q), LOOKUP_MALFORMED);
    m.bytes[3] = 1;
    m.w.len = 12;
    assert_int_equal(parse(&r, &m, &q), LOOKUP_ANSWERED);
    assert_int_equal(r->rcode, 1);
    lookup_reply_free(r);
}

static void a_question_in_another_case_is_the_same_but_said(void **state)
{
    static struct message m;
    struct lookup_question sent = a_question("ExAmPlE.cOm", RR_TXT), came = a_question("example.com", RR_TXT);
    struct lookup_reply *r;

    (void)state;
    begin(&m, NOERROR_AA, &came, 0, 0, 0);
    assert_int_equal(parse(&r, &m, &sent), LOOKUP_ANSWERED);
    assert_false(r->case_kept);
    lookup_reply_free(r);
}

static void more_records_than_bytes_or_than_the_bound_are_malformed(void **state)
{
    static struct message m;
    struct lookup_question q = a_question("example.com", RR_TXT);
    struct lookup_reply *r;

    (void)state;
    begin(&m, NOERROR_AA, &q, 65535, 65535, 65535);
    assert_int_equal(parse(&r, &m, &q), LOOKUP_MALFORMED);
    begin(&m, NOERROR_AA, &q, LOOKUP_RECORDS_MAX, 0, 0);
    for (unsigned i = 0; i < LOOKUP_RECORDS_MAX; i++)
        put_record(&m, RR_TXT, 0, "\1x", 2);
    assert_int_equal(parse(&r, &m, &q), LOOKUP_ANSWERED);
    assert_int_equal(r->n, LOOKUP_RECORDS_MAX);
    lookup_reply_free(r);
    begin(&m, NOERROR_AA, &q, LOOKUP_RECORDS_MAX + 1, 0, 0);
    for (unsigned i = 0; i <= LOOKUP_RECORDS_MAX; i++)
        put_record(&m, RR_TXT, 0, "\1x", 2);
    assert_int_equal(parse(&r, &m, &q), LOOKUP_MALFORMED);
}

static void rdata_that_a_name_does_not_fill_is_malformed(void **state)
{
    static const struct {
        uint16_t type;
        const char *rdata;
        size_t len;
    } bad[] = {{RR_NS, "\2ns\xc0\x0c!", 6},
               {RR_CNAME, "", 0},
               {RR_CNAME, "\xc0\x7f", 2},
               {RR_SOA, "\0\0\0\0\0\0", 6},
               {RR_NS, "\5ns", 3}};
    static struct message m;
    struct lookup_question q = a_question("example.com", RR_NS);
    struct lookup_reply *r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        begin(&m, NOERROR_AA, &q, 1, 0, 0);
        put_record(&m, bad[i].type, 1, bad[i].rdata, bad[i].len);
        assert_int_equal(parse(&r, &m, &q), LOOKUP_MALFORMED);
    }
}

static void addresses_and_texts_of_the_wrong_form_are_refused(void **state)
{
    const uint8_t bytes[16] = {192, 0, 2, 1};
    struct lookup_record rec = {.type = RR_A, .rdata = bytes, .rdata_len = 4};
    struct addr addr;
    char text[ADDR_TEXT_MAX], out[8];
    size_t len;

    (void)state;
    assert_int_equal(lookup_address(&rec, &addr), ERR_OK);
    assert_string_equal(addr_format(&addr, text), "192.0.2.1");
    rec.rdata_len = 5;
    assert_int_equal(lookup_address(&rec, &addr), ERR_SYNTAX);
    rec.type = RR_AAAA;
    rec.rdata_len = 16;
    assert_int_equal(lookup_address(&rec, &addr), ERR_OK);
    rec.type = RR_TXT;
    assert_int_equal(lookup_address(&rec, &addr), ERR_SYNTAX);
    rec.rdata = (const uint8_t *)"\3ab";
    rec.rdata_len = 3;
    assert_false(lookup_txt(&rec, out, sizeof out, &len));
    rec.rdata_len = 0;
    assert_false(lookup_txt(&rec, out, sizeof out, &len));
}

/* ---- servers ---- */

static void servers_are_read_and_written(void **state)
{
    static const struct {
        const char *text, *shown;
        enum err e;
    } rows[] = {
        {"9.9.9.9", "9.9.9.9", ERR_OK},
        {"9.9.9.9:53", "9.9.9.9", ERR_OK},
        {"127.0.0.1:5353", "127.0.0.1:5353", ERR_OK},
        {"2620:fe::fe", "2620:fe::fe", ERR_OK},
        {"[2620:fe::fe]:5353", "[2620:fe::fe]:5353", ERR_OK},
        {"dns.quad9.net", NULL, ERR_SYNTAX},
        {"9.9.9.9:0", NULL, ERR_SYNTAX},
        {"9.9.9.9:99999", NULL, ERR_RANGE},
        {"unix:/run/x", NULL, ERR_SYNTAX},
        {"", NULL, ERR_SYNTAX},
    };
    char shown[LOOKUP_SERVER_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lookup_server s;

        assert_int_equal(lookup_server_parse(&s, rows[i].text, strlen(rows[i].text)), rows[i].e);
        if (rows[i].shown != NULL)
            assert_string_equal(lookup_server_format(&s, shown), rows[i].shown);
    }
}

static void the_systems_resolvers_are_read_from_its_file(void **state)
{
    static const char file[] =
        "# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\nnameserver\t2001:db8::1  \r\n"
        "nameserver fe80::1%eth0\nnameserver\nnameservers 192.0.2.8\nnameserver x\nnameserver 192.0.2.2";
    char path[] = "/tmp/riposte-resolv-XXXXXX", text[LOOKUP_SERVER_TEXT_MAX];
    struct lookup_server out[4];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file, sizeof file - 1), sizeof file - 1);
    (void)close(fd);
    assert_int_equal(lookup_system_resolvers(path, out, 4), 3);
    assert_string_equal(lookup_server_format(&out[0], text), "192.0.2.1");
    assert_string_equal(lookup_server_format(&out[1], text), "2001:db8::1");
    assert_string_equal(lookup_server_format(&out[2], text), "192.0.2.2");
    assert_int_equal(lookup_system_resolvers(path, out, 2), 2);
    (void)unlink(path);
    assert_int_equal(lookup_system_resolvers(path, out, 4), 0);
}

/* ---- asking ---- */

enum manner {
    ANSWER,
    TRUNCATE, /* over UDP */
    SILENT,
    NO_EDNS,        /* FORMERR to a question with OPT */
    NONSENSE_FIRST, /* a datagram that is no answer, then the answer */
    NONSENSE,
    CLOSE, /* over TCP, at once */
};

/* A name server for the length of a test. */
struct server {
    enum manner manner;
    int udp, tcp;
    atomic_int asked_udp, asked_tcp, with_edns;
    atomic_bool stop;
    pthread_t thread;
    struct lookup_server at;
};

/* The reply to a question; its length. */
static size_t answer(struct server *s, const uint8_t *question, size_t len, uint8_t *out, bool over_tcp)
{
    struct message m;
    struct name name;
    struct wire_reader in;
    struct lookup_question q;
    bool edns;

    wire_reader_init(&in, question, len);
    (void)wire_get_bytes(&in, 10);
    edns = wire_get_u16(&in) == 1;
    if (edns)
        atomic_fetch_add(&s->with_edns, 1);
    assert_int_equal(name_decode(&in, &name), ERR_OK);
    q = (struct lookup_question){.name = name, .type = wire_get_u16(&in)};
    begin(&m, NOERROR_AA, &q, 1, 0, 0);
    if (s->manner == NO_EDNS && edns) {
        begin(&m, 0x8001, &q, 0, 0, 0);
    } else if (s->manner == TRUNCATE && !over_tcp) {
        begin(&m, NOERROR_AA | 0x0200, &q, 0, 0, 0);
    } else {
        put_record(&m, RR_TXT, 0, "\2ok", 3);
    }
    memcpy(out, m.bytes, m.w.len);
    memcpy(out, question, 2);
    return m.w.len;
}

static void serve_udp(struct server *s)
{
    uint8_t question[512], reply[1024];
    struct sockaddr_in peer;
    socklen_t peer_len = sizeof peer;
    ssize_t len = recvfrom(s->udp, question, sizeof question, 0, (struct sockaddr *)&peer, &peer_len);
    size_t reply_len;

    atomic_fetch_add(&s->asked_udp, 1);
    if (len <= 0 || s->manner == SILENT)
        return;
    reply_len = answer(s, question, (size_t)len, reply, false);
    if (s->manner == NONSENSE_FIRST || s->manner == NONSENSE) {
        reply[0] ^= 0xff;
        (void)sendto(s->udp, reply, reply_len, 0, (struct sockaddr *)&peer, peer_len);
        reply[0] ^= 0xff;
    }
    if (s->manner != NONSENSE)
        (void)sendto(s->udp, reply, reply_len, 0, (struct sockaddr *)&peer, peer_len);
}

static void serve_tcp(struct server *s)
{
    uint8_t question[514], reply[1026];
    int fd = accept(s->tcp, NULL, NULL);
    ssize_t len;
    size_t reply_len;

    atomic_fetch_add(&s->asked_tcp, 1);
    if (fd >= 0 && s->manner != CLOSE) {
        len = recv(fd, question, sizeof question, 0);
        if (len > 2) {
            reply_len = answer(s, question + 2, (size_t)len - 2, reply + 2, true);
            reply[0] = (uint8_t)(reply_len >> 8);
            reply[1] = (uint8_t)reply_len;
            (void)send(fd, reply, reply_len + 1, MSG_NOSIGNAL); /* in two pieces */
            (void)send(fd, reply + reply_len + 1, 1, MSG_NOSIGNAL);
        }
    }
    if (fd >= 0)
        (void)close(fd);
}

static void *serve(void *arg)
{
    struct server *s = arg;

    while (!atomic_load(&s->stop)) {
        struct pollfd p[2] = {{.fd = s->udp, .events = POLLIN}, {.fd = s->tcp, .events = POLLIN}};

        if (poll(p, 2, 20) <= 0)
            continue;
        if (p[0].revents != 0)
            serve_udp(s);
        if (p[1].revents != 0)
            serve_tcp(s);
    }
    return NULL;
}

static void start_server(struct server *s, enum manner manner)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;

    memset(s, 0, sizeof *s);
    s->manner = manner;
    s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->tcp, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(getsockname(s->tcp, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(listen(s->tcp, 5), 0);
    assert_int_equal(bind(s->udp, (struct sockaddr *)&sa, sizeof sa), 0);
    s->at.port = ntohs(sa.sin_port);
    assert_int_equal(addr_parse(&s->at.addr, "127.0.0.1", 9), ERR_OK);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop_server(struct server *s)
{
    atomic_store(&s->stop, true);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->udp);
    (void)close(s->tcp);
}

/* One question; the reply is freed, what it was is in *over_tcp. */
static enum lookup_result ask(struct lookup *l, const struct server *s, enum lookup_way way, bool *over_tcp)
{
    struct lookup_question q = a_question("_acme-challenge.shop.example.com", RR_TXT);
    struct lookup_reply *r;
    enum lookup_result result;

    q.way = way;
    result = lookup_ask(l, &s->at, &q, &r);
    assert_int_equal(r != NULL, result == LOOKUP_ANSWERED);
    if (r != NULL && over_tcp != NULL)
        *over_tcp = r->over_tcp;
    if (r != NULL && !r->tc)
        assert_true(r->case_kept && r->n == 1);
    lookup_reply_free(r);
    return result;
}

static void init(struct lookup *l)
{
    const struct lookup_server none = {.port = 53};

    assert_int_equal(lookup_init(l, &none, 1), ERR_OK);
    l->timeout_ms = 200;
}

static void a_server_is_asked_over_udp_or_tcp(void **state)
{
    static const struct {
        enum manner manner;
        enum lookup_way way;
        enum lookup_result result;
        bool over_tcp;
    } rows[] = {
        {ANSWER, LOOKUP_AUTO, LOOKUP_ANSWERED, false},   {ANSWER, LOOKUP_TCP, LOOKUP_ANSWERED, true},
        {TRUNCATE, LOOKUP_AUTO, LOOKUP_ANSWERED, true},  {TRUNCATE, LOOKUP_UDP, LOOKUP_ANSWERED, false},
        {NO_EDNS, LOOKUP_AUTO, LOOKUP_ANSWERED, false},  {NONSENSE_FIRST, LOOKUP_UDP, LOOKUP_ANSWERED, false},
        {NONSENSE, LOOKUP_UDP, LOOKUP_MALFORMED, false}, {SILENT, LOOKUP_AUTO, LOOKUP_TIMED_OUT, false},
        {CLOSE, LOOKUP_TCP, LOOKUP_CLOSED, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool over_tcp = rows[i].over_tcp;
        struct server s;
        struct lookup l;

        init(&l);
        start_server(&s, rows[i].manner);
        assert_int_equal(ask(&l, &s, rows[i].way, &over_tcp), rows[i].result);
        assert_int_equal(over_tcp, rows[i].over_tcp);
        stop_server(&s);
    }
}

static void a_server_that_was_silent_twice_is_not_waited_for_again(void **state)
{
    struct server s;
    struct lookup l;
    int asked;

    (void)state;
    init(&l);
    start_server(&s, SILENT);
    assert_int_equal(ask(&l, &s, LOOKUP_UDP, NULL), LOOKUP_TIMED_OUT);
    assert_int_equal(ask(&l, &s, LOOKUP_UDP, NULL), LOOKUP_TIMED_OUT);
    asked = atomic_load(&s.asked_udp);
    assert_int_equal(asked, 4); /* each question is repeated once */
    assert_int_equal(ask(&l, &s, LOOKUP_UDP, NULL), LOOKUP_TIMED_OUT);
    assert_int_equal(atomic_load(&s.asked_udp), asked);
    lookup_forget(&l);
    assert_int_equal(ask(&l, &s, LOOKUP_UDP, NULL), LOOKUP_TIMED_OUT);
    assert_int_equal(atomic_load(&s.asked_udp), asked + 2);
    stop_server(&s);
}

static void a_closed_port_is_told_from_silence(void **state)
{
    struct server s;
    struct lookup l;

    (void)state;
    init(&l);
    start_server(&s, ANSWER);
    stop_server(&s);
    assert_int_equal(ask(&l, &s, LOOKUP_UDP, NULL), LOOKUP_CLOSED);
    assert_int_equal(ask(&l, &s, LOOKUP_TCP, NULL), LOOKUP_CLOSED);
}

static void the_deadline_and_the_stop_flag_end_all_waiting(void **state)
{
    atomic_bool stop = false;
    struct server s;
    struct lookup l;
    int64_t began_ms = clock_mono_ms(&clock_system);

    (void)state;
    init(&l);
    start_server(&s, SILENT);
    l.timeout_ms = 60000;
    l.deadline_ms = began_ms + 100;
    assert_int_equal(ask(&l, &s, LOOKUP_UDP, NULL), LOOKUP_OUT_OF_TIME);
    assert_int_equal(ask(&l, &s, LOOKUP_UDP, NULL), LOOKUP_OUT_OF_TIME);
    l.deadline_ms = 0;
    l.stop = &stop;
    atomic_store(&stop, true);
    assert_int_equal(ask(&l, &s, LOOKUP_TCP, NULL), LOOKUP_OUT_OF_TIME);
    assert_true(clock_mono_ms(&clock_system) - began_ms < 5000);
    stop_server(&s);
}

static void resolvers_are_asked_until_one_answers(void **state)
{
    struct server silent, good;
    struct lookup l;
    struct lookup_reply *r;
    struct name name = a_name("example.com");

    (void)state;
    start_server(&silent, SILENT);
    start_server(&good, ANSWER);
    assert_int_equal(lookup_init(&l, (struct lookup_server[]){silent.at, good.at}, 2), ERR_OK);
    l.timeout_ms = 100;
    assert_int_equal(lookup_resolve(&l, &name, RR_TXT, 0, &r), LOOKUP_ANSWERED);
    assert_int_equal(r->n, 1);
    lookup_reply_free(r);
    l.n_resolvers = 1;
    assert_int_equal(lookup_resolve(&l, &name, RR_TXT, 0, &r), LOOKUP_TIMED_OUT);
    assert_null(r);
    l.n_resolvers = 0;
    assert_int_equal(lookup_resolve(&l, &name, RR_TXT, 0, &r), LOOKUP_NO_ROUTE);
    stop_server(&silent);
    stop_server(&good);
}

static int prepare(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_becomes_flags_and_records),
        cmocka_unit_test(names_inside_may_be_compressed),
        cmocka_unit_test(a_message_that_ends_early_is_malformed_wherever_it_ends),
        cmocka_unit_test(a_truncated_message_may_be_cut_anywhere_behind_its_question),
        cmocka_unit_test(what_does_not_answer_the_question_is_malformed),
        cmocka_unit_test(a_question_in_another_case_is_the_same_but_said),
        cmocka_unit_test(more_records_than_bytes_or_than_the_bound_are_malformed),
        cmocka_unit_test(rdata_that_a_name_does_not_fill_is_malformed),
        cmocka_unit_test(addresses_and_texts_of_the_wrong_form_are_refused),
        cmocka_unit_test(servers_are_read_and_written),
        cmocka_unit_test(the_systems_resolvers_are_read_from_its_file),
        cmocka_unit_test(a_server_is_asked_over_udp_or_tcp),
        cmocka_unit_test(a_server_that_was_silent_twice_is_not_waited_for_again),
        cmocka_unit_test(a_closed_port_is_told_from_silence),
        cmocka_unit_test(the_deadline_and_the_stop_flag_end_all_waiting),
        cmocka_unit_test(resolvers_are_asked_until_one_answers),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
