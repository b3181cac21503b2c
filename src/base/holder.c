/* The kernel lists sockets with their inodes in /proc/net/{udp,udp6,tcp,tcp6}; the links in /proc/PID/fd lead from
 * an inode to a process. */
#include "base/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLDERS_MAX      16
#define SOCKET_LINES_MAX 200000 /* read of one /proc/net file */
#define LINKS_MAX        500000 /* followed in /proc/PID/fd, all processes together */
#define LINE_MAX_LEN     512
#define COMM_MAX         15 /* the kernel cuts the name of a process there */
#define TCP_STATE_LISTEN 0x0A
#define HEX_V4           8
#define HEX_V6           32
#define WORD_HEX         8

struct find {
    const struct endpoint *want;
    enum ip_proto proto;
    struct holder *out;
    size_t cap;
    size_t n;
    uint64_t inodes[HOLDERS_MAX];
    size_t links_left;
};

static bool is_any(const struct addr *a)
{
    struct endpoint at = {.kind = ENDPOINT_IP, .addr = *a};

    return endpoint_is_wildcard(&at);
}

static bool in_the_way(const struct endpoint *want, const struct endpoint *held)
{
    if (want->port != held->port)
        return false;
    if (want->addr.family == held->addr.family)
        return is_any(&want->addr) || is_any(&held->addr) || addr_equal(&want->addr, &held->addr);
    /* An IPv6 wildcard socket takes IPv4 too unless it is IPV6_V6ONLY, which /proc does not tell. */
    return want->addr.family == ADDR_V4 && is_any(&held->addr);
}

/* The kernel prints an address as 32-bit words in its own byte order. */
static bool parse_hex_addr(struct addr *out, const char *hex)
{
    size_t len = strlen(hex);
    uint32_t words[4] = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (len != HEX_V4 && len != HEX_V6)
        return false;
    for (size_t i = 0; i < len / WORD_HEX; i++)
        if (sscanf(hex + i * WORD_HEX, "%8" SCNx32, &words[i]) != 1)
            return false;
    memcpy(&v4.sin_addr, words, sizeof v4.sin_addr);
    memcpy(&v6.sin6_addr, words, sizeof v6.sin6_addr);
    addr_from_sockaddr(out, NULL, len == HEX_V4 ? (const void *)&v4 : (const void *)&v6);
    return true;
}

/* sl: local_address remote_address state queues timers retransmits uid timeout inode */
static bool parse_line(const char *line, struct endpoint *at, unsigned *state, uint64_t *inode)
{
    char hex[HEX_V6 + 1];
    unsigned port;

    if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%4x %*s %x %*s %*s %*s %*u %*u %" SCNu64, hex, &port, state, inode) != 4)
        return false;
    *at = (struct endpoint){.kind = ENDPOINT_IP, .port = (uint16_t)port};
    return parse_hex_addr(&at->addr, hex);
}

/* The sockets of a SO_REUSEPORT group are told once. */
static bool is_known(const struct find *f, const struct endpoint *at)
{
    for (size_t i = 0; i < f->n; i++)
        if (endpoint_equal(&f->out[i].at, at))
            return true;
    return false;
}

static void find_sockets(struct find *f, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[LINE_MAX_LEN];

    if (file == NULL)
        return;
    for (size_t i = 0; i < SOCKET_LINES_MAX && f->n < f->cap && fgets(line, sizeof line, file) != NULL; i++) {
        struct endpoint at;
        unsigned state;
        uint64_t inode;

        if (!parse_line(line, &at, &state, &inode) || !in_the_way(f->want, &at) || is_known(f, &at))
            continue;
        if (f->proto == IP_PROTO_TCP && state != TCP_STATE_LISTEN)
            continue;
        f->inodes[f->n] = inode;
        f->out[f->n++] = (struct holder){.at = at};
    }
    (void)fclose(file); /* only read */
}

static void printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

/* Read the start of a small file; NUL-terminated, "" when it cannot be read. */
static void read_start(int dir, const char *name, char *out, size_t cap)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);

    out[n < 0 ? 0 : n] = '\0';
    if (fd >= 0)
        (void)close(fd); /* only read */
}

/* The name of a process: comm, or the whole of argv[0]'s last part where comm is cut ("systemd-resolve"). */
static void process_name(int dir, char out[HOLDER_NAME_MAX])
{
    char comm[COMM_MAX + 2];
    char argv0[LINE_MAX_LEN];
    const char *base;

    read_start(dir, "comm", comm, sizeof comm);
    comm[strcspn(comm, "\n")] = '\0';
    read_start(dir, "cmdline", argv0, sizeof argv0);
    base = strrchr(argv0, '/');
    base = base != NULL ? base + 1 : argv0;
    if (strlen(comm) != COMM_MAX || strncmp(base, comm, COMM_MAX) != 0)
        base = comm;
    (void)snprintf(out, HOLDER_NAME_MAX, "%.*s", HOLDER_NAME_MAX - 1, base);
    printable(out);
}

static void match_link(struct find *f, int process, pid_t pid, const char *target)
{
    uint64_t inode;

    if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
        return;
    for (size_t i = 0; i < f->n; i++) {
        if (f->inodes[i] != inode || f->out[i].pid != 0)
            continue;
        f->out[i].pid = pid;
        process_name(process, f->out[i].name);
    }
}

/* Look through the descriptors of one process; process is its directory in /proc. */
static void search_process(struct find *f, int process, pid_t pid)
{
    int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *links = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (links == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while (f->links_left > 0 && (entry = readdir(links)) != NULL) {
        char target[sizeof "socket:[18446744073709551615]"];
        ssize_t len = readlinkat(fd, entry->d_name, target, sizeof target - 1);

        f->links_left--;
        if (len < 0)
            continue;
        target[len] = '\0';
        match_link(f, process, pid, target);
    }
    (void)closedir(links);
}

static void find_processes(struct find *f)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    if (proc == NULL)
        return;
    while ((entry = readdir(proc)) != NULL) {
        int process;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        process = openat(dirfd(proc), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (process < 0)
            continue;
        search_process(f, process, (pid_t)strtol(entry->d_name, NULL, 10));
        (void)close(process);
    }
    (void)closedir(proc);
}

size_t holder_find(struct holder *out, size_t cap, enum ip_proto proto, const struct endpoint *want)
{
    struct find f = {.want = want, .proto = proto, .out = out, .links_left = LINKS_MAX};
    bool udp = proto == IP_PROTO_UDP;

    f.cap = cap < HOLDERS_MAX ? cap : HOLDERS_MAX;
    if (want->addr.family == ADDR_V4)
        find_sockets(&f, udp ? "/proc/net/udp" : "/proc/net/tcp");
    if (want->addr.family == ADDR_V6 || f.n == 0)
        find_sockets(&f, udp ? "/proc/net/udp6" : "/proc/net/tcp6");
    if (f.n > 0)
        find_processes(&f);
    return f.n;
}
