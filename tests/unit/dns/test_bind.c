#include "dns/listening.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/bind_why.h"
#include "dns/bind.h"

#define HOLDER_COMM "port-holder"

static size_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

/* A bound socket of this process, -1 when the port is taken; *at learns its port. */
static int try_hold(int type, struct endpoint *at)
{
    struct sockaddr_storage sa;
    socklen_t len = endpoint_to_sockaddr(at, &sa);
    struct addr addr;
    int on = 1;
    int fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (sa.ss_family == AF_INET6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
    if (bind(fd, (const struct sockaddr *)&sa, len) != 0) {
        close(fd);
        return -1;
    }
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 8), 0);
    len = sizeof sa;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    addr_from_sockaddr(&addr, &at->port, (const struct sockaddr *)&sa);
    return fd;
}

static int hold(int type, struct endpoint *at)
{
    int fd = try_hold(type, at);

    assert_true(fd >= 0);
    return fd;
}

/* UDP and TCP on one port. */
static void hold_both(int fds[2], struct endpoint *at)
{
    do {
        at->port = 0;
        fds[0] = hold(SOCK_DGRAM, at);
        fds[1] = try_hold(SOCK_STREAM, at);
        if (fds[1] < 0)
            close(fds[0]);
    } while (fds[1] < 0);
}

/* Keep the sockets of this process open in another one, which is what the port is then held by. */
static pid_t holder_start(int fd)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_NAME, HOLDER_COMM);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)alarm(60);
        pause();
        _exit(0);
    }
    close(fd);
    for (unsigned i = 0; i < 500; i++) { /* until it has its name */
        char path[64];
        char comm[32] = "";
        FILE *file;

        (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
        file = fopen(path, "re");
        if (file != NULL && fgets(comm, sizeof comm, file) == NULL)
            comm[0] = '\0';
        if (file != NULL)
            fclose(file);
        if (strcmp(comm, HOLDER_COMM "\n") == 0)
            break;
        (void)poll(NULL, 0, 10);
    }
    return pid;
}

static void holder_end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Bind what fails, and give what it says. */
static void expect_failure(const struct endpoint *listen, size_t n, enum err expected, struct text *why)
{
    struct dns_settings settings = {.listen = listen, .n_listen = n, .workers = 2, .udp_size = 1232};
    struct dns_server *server;
    size_t before = open_descriptors();

    text_init(why, WHY_MAX);
    assert_int_equal(dns_server_bind(&server, &settings, NULL, why), expected);
    assert_null(server);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(why->err, ERR_OK);
    assert_true(why->len > 0 && why->bytes[why->len - 1] == '\n');
}

static void expect_line(const struct text *why, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void expect_line(const struct text *why, const char *fmt, ...)
{
    char line[512];
    const char *at;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    at = strstr(why->bytes, line);
    if (at == NULL || (at != why->bytes && at[-1] != '\n'))
        fail_msg("expected a line that begins with\n%s\nin\n%s", line, why->bytes);
}

static size_t problems(const struct text *why)
{
    size_t n = 0;

    for (const char *at = why->bytes; *at != '\0'; at = strchr(at, '\n') + 1)
        n += *at != ' ';
    return n;
}

/* ---- binding ---- */

static void port_0_gives_udp_and_tcp_the_same_port(void **state)
{
    const struct endpoint listen[] = {endpoint_of("127.0.0.1:0"), endpoint_of("[::1]:0"), endpoint_of("0.0.0.0:0")};
    struct dns_settings settings = {.listen = listen, .n_listen = 3, .workers = 2};
    struct bound b;
    struct text why;

    (void)state;
    text_init(&why, WHY_MAX);
    assert_int_equal(bind_all(&b, &settings, 2, &why), ERR_OK);
    assert_int_equal(b.n_sockets, 9);
    assert_false(b.activated);
    for (size_t i = 0; i < b.n_sockets; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        struct addr addr;
        uint16_t port;

        assert_int_equal(getsockname(b.sockets[i].fd, (struct sockaddr *)&sa, &len), 0);
        addr_from_sockaddr(&addr, &port, (const struct sockaddr *)&sa);
        assert_int_equal(port, b.at[b.sockets[i].listener].port);
        assert_true(port != 0);
    }
    bind_close(&b);
    bind_close(&b);
    text_fini(&why);
}

static void an_address_that_is_not_there_yet_can_be_bound(void **state)
{
    const struct endpoint listen[] = {endpoint_of("198.51.100.77:0"), endpoint_of("[2001:db8::77]:0")};
    struct dns_settings settings = {.listen = listen, .n_listen = 2, .workers = 1};
    struct dns_server *server;
    struct text why;

    (void)state;
    text_init(&why, WHY_MAX);
    if (dns_server_bind(&server, &settings, NULL, &why) != ERR_OK)
        fail_msg("%s", why.bytes);
    dns_server_stop(server);
    text_fini(&why);
}

static void a_port_held_by_another_program_is_explained(void **state)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct endpoint at = endpoint_of("127.0.0.77:0");
        pid_t pid = holder_start(hold(types[i], &at));
        const char *proto = types[i] == SOCK_DGRAM ? "UDP" : "TCP";
        struct text why;

        expect_failure(&at, 1, ERR_EXISTS, &why);
        expect_line(&why, "cannot bind %s 127.0.0.77:%u: address already in use\n", proto, (unsigned)at.port);
        expect_line(&why, "    127.0.0.77:%u is held by " HOLDER_COMM ": stop that program", (unsigned)at.port);
        assert_int_equal(problems(&why), 1);
        text_fini(&why);
        holder_end(pid);
    }
}

/* As systemd-resolved does it on 127.0.0.53. */
static void a_wildcard_that_includes_a_held_address_gets_the_advice_to_name_addresses(void **state)
{
    struct endpoint at = endpoint_of("127.0.0.53:0");
    pid_t pid = holder_start(hold(SOCK_DGRAM, &at));
    struct endpoint any = endpoint_of("0.0.0.0:0");
    struct text why;

    (void)state;
    any.port = at.port;
    expect_failure(&any, 1, ERR_EXISTS, &why);
    expect_line(&why, "cannot bind UDP 0.0.0.0:%u: address already in use\n", (unsigned)at.port);
    expect_line(&why,
                "    127.0.0.53:%u is held by " HOLDER_COMM
                ", and 0.0.0.0 includes it. Name this machine's own addresses instead:\n        ",
                (unsigned)at.port);
    assert_null(strstr(why.bytes, "\"127.0.0.1:"));
    assert_int_equal(problems(&why), 1);
    text_fini(&why);
    holder_end(pid);
}

static void an_address_that_a_wildcard_includes_is_explained(void **state)
{
    struct endpoint any = endpoint_of("0.0.0.0:0");
    pid_t pid = holder_start(hold(SOCK_DGRAM, &any));
    struct endpoint at = endpoint_of("127.0.0.1:0");
    struct text why;

    (void)state;
    at.port = any.port;
    expect_failure(&at, 1, ERR_EXISTS, &why);
    expect_line(&why, "    0.0.0.0:%u is held by " HOLDER_COMM ", which includes 127.0.0.1: ", (unsigned)any.port);
    text_fini(&why);
    holder_end(pid);
}

static void all_failures_are_collected(void **state)
{
    struct endpoint listen[] = {endpoint_of("127.0.0.1:0"), endpoint_of("127.0.0.2:0"), endpoint_of("[::1]:0")};
    int fds[] = {hold(SOCK_DGRAM, &listen[0]), hold(SOCK_STREAM, &listen[2])};
    struct text why;

    (void)state;
    expect_failure(listen, 3, ERR_EXISTS, &why);
    expect_line(&why, "cannot bind UDP 127.0.0.1:%u: ", (unsigned)listen[0].port);
    expect_line(&why, "cannot bind TCP [::1]:%u: ", (unsigned)listen[2].port);
    assert_int_equal(problems(&why), 2);
    text_fini(&why);
    close(fds[0]);
    close(fds[1]);
}

static void addresses_that_include_each_other_are_told_so(void **state)
{
    struct endpoint listen[] = {endpoint_of("127.0.0.1:0"), endpoint_of("127.0.0.1:0")};
    struct text why;

    (void)state;
    close(hold(SOCK_DGRAM, &listen[0]));
    listen[1].port = listen[0].port;
    expect_failure(listen, 2, ERR_EXISTS, &why);
    expect_line(&why, "    127.0.0.1:%u is held by another line of this configuration: remove one",
                (unsigned)listen[0].port);
    text_fini(&why);
}

/* SO_REUSEPORT must not let two servers of one user share a port and lose half of the questions each. */
static void two_servers_do_not_share_an_address(void **state)
{
    struct listening l;
    struct text why;

    (void)state;
    listening_open(&l, (const char *const[]){"127.0.0.1:0", NULL});
    expect_failure(l.at, 1, ERR_EXISTS, &why);
    text_fini(&why);
    listening_close(&l);
}

static void a_privileged_port_without_the_capability_is_explained(void **state)
{
    const struct endpoint at = endpoint_of("127.0.0.1:1");
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        struct dns_settings settings = {.listen = &at, .n_listen = 1, .workers = 1};
        struct dns_server *server;
        struct text why;
        bool good;

        text_init(&why, WHY_MAX);
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        if (dns_server_bind(&server, &settings, NULL, &why) != ERR_IO)
            _exit(2); /* this machine lets anyone bind it */
        good = strstr(why.bytes, "cannot bind UDP 127.0.0.1:1: permission denied\n") == why.bytes &&
               strstr(why.bytes, "\n    ports below 1024 need CAP_NET_BIND_SERVICE") != NULL &&
               strstr(why.bytes, "setcap cap_net_bind_service=+ep /") != NULL && problems(&why) == 1;
        if (!good)
            (void)fputs(why.bytes, stderr);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void reasons_say_the_way_out(void **state)
{
    static const struct bind_key key = {"dns.listen", "", ""};
    static const struct {
        enum ip_proto proto;
        const char *at;
        int errnum;
        const char *says;
    } rows[] = {
        {IP_PROTO_UDP, "[::]:53", EAFNOSUPPORT,
         "cannot bind UDP [::]:53: address family not supported by protocol\n"},
        {IP_PROTO_UDP, "[::]:53", EAFNOSUPPORT, "this machine has no IPv6: remove the address from dns.listen"},
        {IP_PROTO_TCP, "[::]:53", EADDRNOTAVAIL, "IPv6 is switched off on this machine"},
        {IP_PROTO_TCP, "198.51.100.1:53", EADDRNOTAVAIL,
         "no interface of this machine has that address. It has:\n"},
        {IP_PROTO_UDP, "[fe80::1]:53", EINVAL, "a link-local address belongs to one interface"},
        {IP_PROTO_UDP, "127.0.0.1:65000", EACCES, "a security policy of this machine forbids it"},
        {IP_PROTO_UDP, "127.0.0.1:53", EMFILE, "raise LimitNOFILE"},
        {IP_PROTO_TCP, "127.0.0.1:1", EADDRINUSE, "the holder was not found"},
        {IP_PROTO_TCP, "127.0.0.1:1", 99999, "cannot bind TCP 127.0.0.1:1: error 99999\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint at = endpoint_of(rows[i].at);
        struct text why;

        text_init(&why, WHY_MAX);
        bind_why(&why, &key, rows[i].proto, &at, rows[i].errnum);
        if (strstr(why.bytes, rows[i].says) == NULL)
            fail_msg("%s\nis not in\n%s", rows[i].says, why.bytes);
        assert_int_equal(problems(&why), 1);
        text_fini(&why);
    }
}

/* ---- activation ---- */

static void passed_sockets_of_the_named_addresses_are_served(void **state)
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];
    struct dns_listener_status status;
    struct listening l;
    struct endpoint at = endpoint_of("127.0.0.1:0");
    int fds[2];
    int fd;

    (void)state;
    hold_both(fds, &at);
    for (size_t i = 0; i < 2; i++) /* as systemd passes them, and as we would not have them for UDP */
        assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    listening_init(&l, (const char *const[]){"127.0.0.1:0", NULL});
    l.listen[0] = at;
    l.settings.workers = 8; /* there are as many as sockets */
    listening_bind_passed(&l, &(struct dns_passed){fds, 2});
    listening_start(&l);
    assert_int_equal(dns_server_listeners(l.server, &status, 1), 1);
    assert_true(status.activated);
    assert_int_equal(status.workers, 1);
    fd = client_open(SOCK_DGRAM, &at);
    for (uint16_t i = 0; i < 3; i++) {
        client_send(fd, msg, query_put(msg, ANSWER_IS_OURS, i));
        assert_true(client_receive(fd, msg, sizeof msg, WAIT_MS) > 0);
        assert_int_equal(answer_count(msg), 2);
        assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0); /* whoever shares it may do that at any time */
    }
    close(fd);
    fd = client_open(SOCK_STREAM, &at);
    close(fd);
    listening_close(&l);
    assert_int_equal(fcntl(fds[0], F_GETFD), -1); /* taken, and closed */
}

static int option_of(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof value;

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, option, &value, &len), 0);
    return value;
}

static void a_passed_tcp_socket_gets_the_options_that_connections_inherit(void **state)
{
    struct listening l;
    struct endpoint at = endpoint_of("127.0.0.1:0");
    int fds[2];
    int type = 0;
    socklen_t len = sizeof type;

    (void)state;
    hold_both(fds, &at);
    assert_int_equal(getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &type, &len), 0);
    listening_init(&l, (const char *const[]){"127.0.0.1:0", NULL});
    l.listen[0] = at;
    listening_bind_passed(&l, &(struct dns_passed){fds, 2});
    assert_int_equal(option_of(fds[type == SOCK_STREAM ? 0 : 1], TCP_NODELAY), 1);
    assert_int_equal(option_of(fds[type == SOCK_STREAM ? 0 : 1], TCP_QUICKACK), 0);
    assert_true(option_of(fds[type == SOCK_STREAM ? 0 : 1], TCP_DEFER_ACCEPT) > 0);
    listening_start(&l);
    listening_close(&l);
}

static void a_passed_wildcard_socket_replies_from_the_address_asked(void **state)
{
    uint8_t msg[ANSWER_MAX + NAME_PAD];
    struct endpoint at = endpoint_of("0.0.0.0:0");
    struct listening l;
    int fds[2];
    int fd;

    (void)state;
    hold_both(fds, &at);
    listening_init(&l, (const char *const[]){"0.0.0.0:0", NULL});
    l.listen[0] = at;
    listening_bind_passed(&l, &(struct dns_passed){fds, 2});
    listening_start(&l);
    at = (struct endpoint){ENDPOINT_IP, {ADDR_V4, {127, 0, 0, 9}}, at.port, ""};
    fd = client_open(SOCK_DGRAM, &at);
    client_send(fd, msg, query_put(msg, ANSWER_IS_OURS, 1));
    assert_true(client_receive(fd, msg, sizeof msg, WAIT_MS) > 0);
    close(fd);
    listening_close(&l);
}

/* Pass n sockets, which are taken and closed, and give what is wrong with them. */
static void expect_mismatch(const int *fds, size_t n, const struct endpoint *listen, size_t n_listen,
                            struct text *why)
{
    struct dns_settings settings = {.listen = listen, .n_listen = n_listen, .workers = 1};
    struct dns_passed passed = {fds, n};
    struct dns_server *server;

    text_init(why, WHY_MAX);
    assert_int_equal(dns_server_bind(&server, &settings, &passed, why), ERR_NOT_FOUND);
    assert_null(server);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fcntl(fds[i], F_GETFD), -1);
}

static void an_address_without_passed_sockets_gets_the_lines_to_add(void **state)
{
    struct endpoint listen[] = {endpoint_of("127.0.0.1:0"), endpoint_of("[::]:53")};
    struct text why;
    int fds[2];

    (void)state;
    hold_both(fds, &listen[0]);
    expect_mismatch(fds, 2, listen, 2, &why);
    expect_line(&why,
                "dns.listen names [::]:53, systemd passed 127.0.0.1:%u only: add ListenDatagram=[::]:53 and "
                "ListenStream=[::]:53 to riposte-dns.socket",
                (unsigned)listen[0].port);
    assert_int_equal(problems(&why), 1);
    text_fini(&why);
}

static void an_address_with_one_of_two_sockets_gets_the_line_to_add(void **state)
{
    static const struct {
        int type;
        const char *has, *wants;
    } rows[] = {{SOCK_DGRAM, "UDP", "ListenStream"}, {SOCK_STREAM, "TCP", "ListenDatagram"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint at = endpoint_of("127.0.0.1:0");
        int fd = hold(rows[i].type, &at);
        struct text why;

        expect_mismatch(&fd, 1, &at, 1, &why);
        expect_line(&why,
                    "dns.listen names 127.0.0.1:%u, systemd passed it for %s only: add %s=127.0.0.1:%u to "
                    "riposte-dns.socket\n",
                    (unsigned)at.port, rows[i].has, rows[i].wants, (unsigned)at.port);
        assert_int_equal(problems(&why), 1);
        text_fini(&why);
    }
}

static void a_passed_socket_that_is_not_named_is_an_error(void **state)
{
    struct endpoint at = endpoint_of("127.0.0.1:0");
    struct endpoint other = endpoint_of("127.0.0.2:0");
    struct text why;
    int fds[3];

    (void)state;
    hold_both(fds, &at);
    fds[2] = hold(SOCK_DGRAM, &other);
    expect_mismatch(fds, 3, &at, 1, &why);
    expect_line(
        &why,
        "systemd passed 127.0.0.2:%u, which dns.listen does not name: add \"127.0.0.2:%u\" there, or remove "
        "ListenDatagram=127.0.0.2:%u from riposte-dns.socket\n",
        (unsigned)other.port, (unsigned)other.port, (unsigned)other.port);
    text_fini(&why);
}

static void a_descriptor_that_is_no_listening_socket_is_an_error(void **state)
{
    struct endpoint at = endpoint_of("127.0.0.1:0");
    struct text why;
    int fds[4];

    (void)state;
    hold_both(fds, &at);
    fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fds[3] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_mismatch(fds, 4, &at, 1, &why);
    assert_int_equal(problems(&why), 2);
    text_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_gives_udp_and_tcp_the_same_port),
        cmocka_unit_test(an_address_that_is_not_there_yet_can_be_bound),
        cmocka_unit_test(a_port_held_by_another_program_is_explained),
        cmocka_unit_test(a_wildcard_that_includes_a_held_address_gets_the_advice_to_name_addresses),
        cmocka_unit_test(an_address_that_a_wildcard_includes_is_explained),
        cmocka_unit_test(all_failures_are_collected),
        cmocka_unit_test(addresses_that_include_each_other_are_told_so),
        cmocka_unit_test(two_servers_do_not_share_an_address),
        cmocka_unit_test(a_privileged_port_without_the_capability_is_explained),
        cmocka_unit_test(reasons_say_the_way_out),
        cmocka_unit_test(passed_sockets_of_the_named_addresses_are_served),
        cmocka_unit_test(a_passed_tcp_socket_gets_the_options_that_connections_inherit),
        cmocka_unit_test(a_passed_wildcard_socket_replies_from_the_address_asked),
        cmocka_unit_test(an_address_without_passed_sockets_gets_the_lines_to_add),
        cmocka_unit_test(an_address_with_one_of_two_sockets_gets_the_line_to_add),
        cmocka_unit_test(a_passed_socket_that_is_not_named_is_an_error),
        cmocka_unit_test(a_descriptor_that_is_no_listening_socket_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
