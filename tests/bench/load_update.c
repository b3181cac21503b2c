/* Sends DNS UPDATE messages (RFC 2136) signed with TSIG (RFC 8945, hmac-sha256) over UDP to any server that takes
 * them, and says in one line of JSON what came of it. Each message deletes the TXT RRset of a name and adds one
 * value, as ACME clients do. Each client has one message on its way.
 *
 * The keys are the lines of a file, "name key-name base64"; client k of n takes lines k, k + n, k + 2 n … in turn.
 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"
#include "message.h"
#include "options.h"
#include "questions.h"

#define CLIENTS_MOST  1000
#define MESSAGE_ROOM  1024
#define KEYS_MOST     100000
#define LINE_ROOM     512
#define NAME_ROOM     256
#define SECRET_ROOM   96
#define MAC_LEN       32
#define EVENTS        128
#define WAIT_MS       100
#define LOST_NS       (5ull * NS_PER_S)
#define OPCODE_UPDATE 0x2800
#define TYPE_SOA      6
#define TYPE_TXT      16
#define TYPE_TSIG     250
#define CLASS_IN      1
#define CLASS_ANY     255
#define FUDGE_S       300
#define ALGORITHM     "hmac-sha256"

struct options {
    uint16_t port;
    const char *keys, *zone;
    double seconds, warm_s;
    unsigned clients;
    struct processes watched;
};

struct key {
    char name[NAME_ROOM];     /* to be updated */
    char key_name[NAME_ROOM]; /* in lower case, as it is signed */
    uint8_t secret[SECRET_ROOM];
    size_t secret_len;
};

struct client {
    int fd;
    size_t key;
    uint16_t id;
    uint64_t sent_ns;
};

struct counts {
    uint64_t done, refused, unsigned_replies, lost;
    uint64_t rcodes[RCODE_COUNT];
    struct histogram latency;
};

struct load {
    struct options options;
    struct key *keys;
    size_t n_keys;
    uint64_t n_values;
    int epoll;
    struct client *clients;
    struct counts counts;
};

/* ---- keys ---- */

static void key_parse(struct key *k, const char *line, const char *path)
{
    char secret[SECRET_ROOM];
    size_t len;
    int n;

    if (sscanf(line, "%255s %255s %95s", k->name, k->key_name, secret) != 3)
        die("a line of %s is not \"name key-name base64\"", path);
    len = strlen(secret);
    n = EVP_DecodeBlock(k->secret, (const unsigned char *)secret, (int)len);
    if (n < 0)
        die("a secret in %s is not base64", path);
    for (size_t i = len; i > 0 && secret[i - 1] == '='; i--)
        n--; /* padding is counted as octets */
    k->secret_len = (size_t)n;
}

static void keys_read(struct load *l)
{
    FILE *f = fopen(l->options.keys, "re");
    char line[LINE_ROOM];

    l->keys = calloc(KEYS_MOST, sizeof *l->keys);
    if (f == NULL || l->keys == NULL)
        die_errno(l->options.keys);
    while (l->n_keys < KEYS_MOST && fgets(line, sizeof line, f) != NULL)
        key_parse(&l->keys[l->n_keys++], line, l->options.keys);
    (void)fclose(f); /* only read */
    if (l->n_keys == 0)
        die("%s has no lines", l->options.keys);
}

/* ---- messages ---- */

static void put_time(struct message *m, uint64_t seconds)
{
    put_u16(m, (unsigned)(seconds >> 32));
    put_u32(m, (uint32_t)seconds);
}

/* RFC 8945 section 4.3.3: what is signed besides the message. */
static void sign(uint8_t mac[MAC_LEN], const struct message *m, const struct key *k, uint64_t seconds)
{
    uint8_t room[2 * MESSAGE_ROOM];
    struct message all = {.out = room, .cap = sizeof room};
    unsigned len = MAC_LEN;

    put_bytes(&all, m->out, m->len);
    put_name(&all, k->key_name);
    put_u16(&all, CLASS_ANY);
    put_u32(&all, 0);
    put_name(&all, ALGORITHM);
    put_time(&all, seconds);
    put_u16(&all, FUDGE_S);
    put_u16(&all, 0); /* no error */
    put_u16(&all, 0); /* nothing else */
    if (HMAC(EVP_sha256(), k->secret, (int)k->secret_len, all.out, all.len, mac, &len) == NULL || len != MAC_LEN)
        die("cannot sign");
}

static void put_tsig(struct message *m, const struct key *k, uint16_t id)
{
    uint64_t seconds = (uint64_t)time(NULL);
    uint8_t mac[MAC_LEN];
    size_t rdlen_at;

    sign(mac, m, k, seconds);
    put_name(m, k->key_name);
    put_u16(m, TYPE_TSIG);
    put_u16(m, CLASS_ANY);
    put_u32(m, 0);
    rdlen_at = m->len;
    put_u16(m, 0);
    put_name(m, ALGORITHM);
    put_time(m, seconds);
    put_u16(m, FUDGE_S);
    put_u16(m, MAC_LEN);
    put_bytes(m, mac, sizeof mac);
    put_u16(m, id);
    put_u16(m, 0);
    put_u16(m, 0);
    m->out[rdlen_at] = (uint8_t)((m->len - rdlen_at - 2) >> 8);
    m->out[rdlen_at + 1] = (uint8_t)(m->len - rdlen_at - 2);
    m->out[DNS_HEADER_LEN - 1] = 1; /* ARCOUNT, which was 0 when it was signed */
}

static void put_update(struct message *m, const struct load *l, const struct key *k, uint16_t id)
{
    char value[BENCH_VALUE_LEN + 1];

    bench_value(value, l->n_values);
    put_u16(m, id);
    put_u16(m, OPCODE_UPDATE);
    put_u16(m, 1); /* zone */
    put_u16(m, 0);
    put_u16(m, 2); /* updates */
    put_u16(m, 0);
    put_name(m, l->options.zone);
    put_u16(m, TYPE_SOA);
    put_u16(m, CLASS_IN);
    put_name(m, k->name); /* delete the RRset, RFC 2136 section 2.5.2 */
    put_u16(m, TYPE_TXT);
    put_u16(m, CLASS_ANY);
    put_u32(m, 0);
    put_u16(m, 0);
    put_name(m, k->name); /* add a record, section 2.5.1 */
    put_u16(m, TYPE_TXT);
    put_u16(m, CLASS_IN);
    put_u32(m, 0);
    put_u16(m, BENCH_VALUE_LEN + 1);
    put_u8(m, BENCH_VALUE_LEN);
    put_bytes(m, value, BENCH_VALUE_LEN);
    put_tsig(m, k, id);
}

static void client_update(struct load *l, struct client *c)
{
    uint8_t room[MESSAGE_ROOM];
    struct message m = {.out = room, .cap = sizeof room};

    c->id++;
    l->n_values++;
    put_update(&m, l, &l->keys[c->key], c->id);
    c->sent_ns = now_ns();
    if (send(c->fd, m.out, m.len, 0) != (ssize_t)m.len)
        die_errno("send (is there a server?)");
}

static void client_next(struct load *l, struct client *c)
{
    c->key += l->options.clients;
    if (c->key >= l->n_keys)
        c->key %= l->options.clients < l->n_keys ? l->options.clients : l->n_keys;
    client_update(l, c);
}

static void client_read(struct load *l, struct client *c)
{
    uint8_t msg[MESSAGE_ROOM];
    ssize_t n = recv(c->fd, msg, sizeof msg, MSG_DONTWAIT);
    unsigned rcode;

    if (n < DNS_HEADER_LEN || ((unsigned)msg[0] << 8 | msg[1]) != c->id)
        return;
    rcode = answer_rcode(msg);
    l->counts.rcodes[rcode]++;
    if (rcode == 0) {
        l->counts.done++;
        l->counts.unsigned_replies += msg[DNS_HEADER_LEN - 1] == 0; /* ARCOUNT: no TSIG */
        histogram_add(&l->counts.latency, now_ns() - c->sent_ns);
    } else if (l->counts.refused++ == 0) {
        (void)fprintf(stderr, "load_update: rcode %u\n", rcode);
    }
    client_next(l, c);
}

/* ---- the run ---- */

static void run_until(struct load *l, uint64_t end_ns)
{
    struct epoll_event events[EVENTS];
    uint64_t at_ns;

    while ((at_ns = now_ns()) < end_ns) {
        int n = epoll_wait(l->epoll, events, EVENTS, WAIT_MS);

        if (n < 0 && errno != EINTR)
            die_errno("epoll_wait");
        for (int i = 0; i < n; i++)
            client_read(l, events[i].data.ptr);
        for (unsigned i = 0; n == 0 && i < l->options.clients; i++) {
            if (at_ns - l->clients[i].sent_ns < LOST_NS)
                continue;
            l->counts.lost++;
            client_update(l, &l->clients[i]);
        }
    }
}

static void load_open(struct load *l)
{
    struct sockaddr_in addr = loopback(l->options.port);

    keys_read(l);
    l->n_values = now_ns(); /* values that no earlier run has sent */
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->clients = calloc(l->options.clients, sizeof *l->clients);
    if (l->epoll < 0 || l->clients == NULL)
        die_errno("epoll_create1, or memory");
    for (unsigned i = 0; i < l->options.clients; i++) {
        struct client *c = &l->clients[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

        c->key = i % l->n_keys;
        c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&addr, sizeof addr) != 0 ||
            epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
            die_errno("a socket");
    }
}

static void load_close(struct load *l)
{
    for (unsigned i = 0; i < l->options.clients; i++)
        (void)close(l->clients[i].fd);
    (void)close(l->epoll);
    free(l->clients);
    free(l->keys);
}

static void print(const struct counts *c, const struct cpu_reading *from, const struct cpu_reading *to)
{
    (void)printf("{");
    cpu_print(stdout, from, to);
    (void)printf("\"done\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"unsigned\": %" PRIu64 ", \"lost\": %" PRIu64
                 ", ",
                 c->done, c->refused, c->unsigned_replies, c->lost);
    rcodes_print(stdout, c->rcodes);
    (void)printf(", ");
    latency_print(stdout, &c->latency);
    (void)printf("}\n");
}

static void measure(struct load *l)
{
    struct cpu_reading from, to;

    for (unsigned i = 0; i < l->options.clients; i++)
        client_update(l, &l->clients[i]);
    run_until(l, now_ns() + (uint64_t)(l->options.warm_s * NS_PER_S));
    memset(&l->counts, 0, sizeof l->counts);
    cpu_read(&from, &l->options.watched);
    run_until(l, from.at_ns + (uint64_t)(l->options.seconds * NS_PER_S));
    cpu_read(&to, &l->options.watched);
    print(&l->counts, &from, &to);
}

static void read_options(struct options *o, int argc, char **argv)
{
    const struct option_row rows[] = {
        OPTION_ROW_PORT(&o->port),
        {"--keys", "FILE", OPTION_TEXT, &o->keys, 0, 0, OPTION_MUST},
        {"--clients", "N", OPTION_COUNT, &o->clients, 1, CLIENTS_MOST, OPTION_MAY},
        OPTION_ROW_SECONDS(&o->seconds),
        OPTION_ROW_WARM(&o->warm_s),
        OPTION_ROW_PIDS(&o->watched),
    };

    options_read(rows, sizeof rows / sizeof rows[0], argc, argv);
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);

    if (l == NULL)
        die("no memory");
    l->options = (struct options){.zone = BENCH_ZONE, .seconds = 1.0, .warm_s = 0.2, .clients = 1};
    read_options(&l->options, argc, argv);
    load_open(l);
    measure(l);
    load_close(l);
    free(l);
    return 0;
}
