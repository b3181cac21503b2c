/* Sockets are passed on descriptors from 3 on, which the test runner's own files may hold: each case runs in a
 * child of its own, which puts there what it needs and ends with 0 when all was as it should be. */
#include "cli/activation.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cli/capture.h"

#define HIGH_FD 100

#define TRIES 100

/* -1: somebody has the port. */
static int try_bind(int type, uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, type, 0);

    if (fd < 0)
        _exit(90);
    if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static int bound(int type)
{
    int fd = try_bind(type, 0);

    if (fd < 0)
        _exit(90);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        _exit(91);
    return ntohs(sa.sin_port);
}

/* A datagram socket and a stream socket on one port, which may be another program's for one of them. */
static void bind_pair(int *udp, int *tcp)
{
    for (int i = 0; i < TRIES; i++) {
        *udp = bound(SOCK_DGRAM);
        *tcp = try_bind(SOCK_STREAM, port_of(*udp));
        if (*tcp >= 0)
            return;
        (void)close(*udp);
    }
    _exit(92);
}

/* Put the sockets on 3, 4, … and say so in the environment. */
static void pass(const int *fds, int n, const char *names)
{
    char text[16];

    for (int i = 0; i < n; i++)
        (void)dup2(fds[i], HIGH_FD + i);
    for (int i = 0; i < n; i++)
        (void)dup2(HIGH_FD + i, ACTIVATION_FIRST_FD + i);
    (void)snprintf(text, sizeof(text), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", text, 1);
    (void)snprintf(text, sizeof(text), "%d", n);
    (void)setenv("LISTEN_FDS", text, 1);
    if (names != NULL)
        (void)setenv("LISTEN_FDNAMES", names, 1);
    else
        (void)unsetenv("LISTEN_FDNAMES");
}

/* Run one case in a child. */
static void in_a_child(bool (*is_right)(void))
{
    int status = 0;
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(is_right() ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool takes(enum err wanted, struct activation *a, const char *says)
{
    struct text why;
    bool is_right;

    text_init(&why, 4096);
    is_right = activation_take(a, &why) == wanted && strstr(why.bytes, says) != NULL;
    text_fini(&why);
    return is_right;
}

static bool without_the_variables_nothing_was_passed(void)
{
    struct activation a;

    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_PID");
    return takes(ERR_OK, &a, "") && a.n_dns == 0 && a.n_api == 0;
}

static bool what_is_meant_for_another_process_is_left_alone(void)
{
    struct activation a;

    (void)setenv("LISTEN_FDS", "2", 1);
    (void)setenv("LISTEN_PID", "1", 1);
    return takes(ERR_OK, &a, "") && a.n_dns == 0 && a.n_api == 0 && getenv("LISTEN_FDS") != NULL;
}

static bool named_sockets_are_told_apart_by_their_names(void)
{
    const int fds[] = {bound(SOCK_STREAM), bound(SOCK_DGRAM), bound(SOCK_STREAM)};
    struct activation a;

    pass(fds, 3, "riposte-api:riposte-dns:riposte-dns");
    return takes(ERR_OK, &a, "") && a.n_dns == 2 && a.dns[0] == 4 && a.dns[1] == 5 && a.n_api == 1 &&
           a.api[0] == 3 && getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL &&
           getenv("LISTEN_FDNAMES") == NULL && fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(5, F_GETFD) == FD_CLOEXEC;
}

static bool an_unnamed_stream_on_a_dns_port_is_for_dns(void)
{
    int udp, same, other = bound(SOCK_STREAM);
    struct activation a;

    bind_pair(&udp, &same);
    pass((const int[]){other, same, udp}, 3, NULL);
    return takes(ERR_OK, &a, "") && a.n_dns == 2 && a.dns[0] == 5 && a.dns[1] == 4 && a.n_api == 1 && a.api[0] == 3;
}

static bool fewer_names_than_sockets_leave_the_rest_unnamed(void)
{
    const int fds[] = {bound(SOCK_STREAM), bound(SOCK_STREAM)};
    struct activation a;

    pass(fds, 2, "riposte-dns");
    return takes(ERR_OK, &a, "") && a.n_dns == 1 && a.dns[0] == 3 && a.n_api == 1 && a.api[0] == 4;
}

static bool a_descriptor_that_is_no_socket_is_an_error(void)
{
    int fd = open("/dev/null", O_RDONLY);
    struct activation a;

    pass(&fd, 1, NULL);
    return takes(ERR_SYNTAX, &a, "descriptor 3");
}

static bool too_many_are_an_error(void)
{
    struct activation a;

    pass(NULL, 0, NULL);
    (void)setenv("LISTEN_FDS", "65", 1);
    return takes(ERR_RANGE, &a, "65 sockets were passed");
}

static bool numbers_that_are_none_are_an_error(void)
{
    static const char *const wrong[] = {"", "x", "-1", "1x", "99999999999"};
    struct activation a;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        pass(NULL, 0, NULL);
        (void)setenv("LISTEN_FDS", wrong[i], 1);
        if (!takes(ERR_SYNTAX, &a, "is not a number"))
            return false;
    }
    return true;
}

/* A socket to be notified at, in the abstract space or as a file. */
static bool is_notified(const char *address)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    char got[64] = "";

    memcpy(sa.sun_path, address, strlen(address));
    if (address[0] == '@')
        sa.sun_path[0] = '\0';
    if (bind(fd, (const struct sockaddr *)&sa,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address))) != 0)
        return false;
    (void)setenv("NOTIFY_SOCKET", address, 1);
    activation_notify("READY=1");
    return recv(fd, got, sizeof(got) - 1, 0) == 7 && strcmp(got, "READY=1") == 0;
}

static bool the_service_manager_is_notified_at_a_path_or_an_abstract_name(void)
{
    char path[64], abstract[64];
    bool is_right;

    (void)snprintf(path, sizeof(path), "/tmp/riposte-notify-%d", (int)getpid());
    (void)snprintf(abstract, sizeof(abstract), "@riposte-notify-%d", (int)getpid());
    is_right = is_notified(path);
    (void)unlink(path);
    return is_right && is_notified(abstract);
}

static bool without_a_manager_nothing_happens(void)
{
    static const char *const nowhere[] = {"", "x", "relative/path", "/tmp/there/is/no/such/socket"};

    (void)unsetenv("NOTIFY_SOCKET");
    activation_notify("READY=1");
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        (void)setenv("NOTIFY_SOCKET", nowhere[i], 1);
        activation_notify("READY=1");
    }
    return true;
}

#define CASE(name)                                                                                                 \
    static void child_##name(void **state)                                                                         \
    {                                                                                                              \
        (void)state;                                                                                               \
        in_a_child(name);                                                                                          \
    }

CASE(without_the_variables_nothing_was_passed)
CASE(what_is_meant_for_another_process_is_left_alone)
CASE(named_sockets_are_told_apart_by_their_names)
CASE(an_unnamed_stream_on_a_dns_port_is_for_dns)
CASE(fewer_names_than_sockets_leave_the_rest_unnamed)
CASE(a_descriptor_that_is_no_socket_is_an_error)
CASE(too_many_are_an_error)
CASE(numbers_that_are_none_are_an_error)
CASE(the_service_manager_is_notified_at_a_path_or_an_abstract_name)
CASE(without_a_manager_nothing_happens)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_without_the_variables_nothing_was_passed),
        cmocka_unit_test(child_what_is_meant_for_another_process_is_left_alone),
        cmocka_unit_test(child_named_sockets_are_told_apart_by_their_names),
        cmocka_unit_test(child_an_unnamed_stream_on_a_dns_port_is_for_dns),
        cmocka_unit_test(child_fewer_names_than_sockets_leave_the_rest_unnamed),
        cmocka_unit_test(child_a_descriptor_that_is_no_socket_is_an_error),
        cmocka_unit_test(child_too_many_are_an_error),
        cmocka_unit_test(child_numbers_that_are_none_are_an_error),
        cmocka_unit_test(child_the_service_manager_is_notified_at_a_path_or_an_abstract_name),
        cmocka_unit_test(child_without_a_manager_nothing_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
