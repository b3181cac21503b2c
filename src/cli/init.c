/* `riposte init`: a configuration file from as little as an origin and an address, and what remains to be done. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/config_impl.h"
#include "cli/config_local.h"
#include "cli/config_sample.h"
#include "cli/setup.h"

#define ADDRESSES_MAX 16
#define FILE_MODE     0640
#define FOLDER_MODE   0755
#define SERVICE_GROUP "riposte"
#define PARENT_TTL_S  86400
#define WHY_MAX       ((size_t)64 << 10)

struct init {
    const char *origin_text, *contact, *output;
    struct addr addresses[ADDRESSES_MAX];
    size_t n_addresses;
    struct name origin, parent, server;
    struct text addresses_text, listen_text, contact_text;
};

/* ---- arguments ---- */

static int usage(const char *what, const char *text)
{
    fprintf(stderr,
            "riposte init: %s%s%s%s\nusage: riposte init ORIGIN --address A ... [--contact MAIL] [--output FILE]\n",
            what, text != NULL ? " \"" : "", text != NULL ? text : "", text != NULL ? "\"" : "");
    return EXIT_STATUS_USAGE;
}

static int add_address(struct init *in, const char *text)
{
    struct addr a;

    if (addr_parse(&a, text, strlen(text)) != ERR_OK)
        return usage("not an IPv4 or IPv6 address:", text);
    for (size_t i = 0; i < in->n_addresses; i++) {
        if (addr_equal(&in->addresses[i], &a))
            return usage("this address is there twice:", text);
    }
    if (in->n_addresses == ADDRESSES_MAX)
        return usage("too many addresses, from", text);
    in->addresses[in->n_addresses++] = a;
    return EXIT_STATUS_DONE;
}

static int take_option(struct init *in, const char *option, const char *argument)
{
    if (strcmp(option, "--address") != 0 && strcmp(option, "--contact") != 0 && strcmp(option, "--output") != 0)
        return usage("no such option:", option);
    if (argument == NULL)
        return usage("an argument is missing behind", option);
    if (strcmp(option, "--address") == 0)
        return add_address(in, argument);
    if (strcmp(option, "--contact") == 0)
        in->contact = argument;
    else
        in->output = argument;
    return EXIT_STATUS_DONE;
}

static int take_arguments(struct init *in, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        int status;

        if (argv[i][0] != '-') {
            if (in->origin_text != NULL)
                return usage("one origin only, not also", argv[i]);
            in->origin_text = argv[i];
            continue;
        }
        status = take_option(in, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (status != EXIT_STATUS_DONE)
            return status;
        i++;
    }
    if (in->origin_text == NULL)
        return usage("the ORIGIN is missing: the zone that this server will answer for, such as auth.example.org",
                     NULL);
    if (in->n_addresses == 0)
        return usage("--address is missing: where the world reaches this server", NULL);
    return EXIT_STATUS_DONE;
}

/* ---- what the file says ---- */

/* Hold one text against the row of its key, with the same rules and words as the file's. */
static int check_value(const char *path, const char *text, void *out)
{
    struct arena arena;
    struct text why;
    enum err e;

    arena_init(&arena, WHY_MAX);
    text_init(&why, WHY_MAX);
    e = config_decode_text(config_row_find(path), &arena, text, out, &why);
    if (e == ERR_SYNTAX)
        fprintf(stderr, "riposte init: %s: \"%s\": %s\n", strrchr(path, '.') + 1, text, why.bytes);
    text_fini(&why);
    arena_fini(&arena);
    return e == ERR_OK ? EXIT_STATUS_DONE : EXIT_STATUS_USAGE;
}

static int work_out_names(struct init *in)
{
    char name[NAME_TEXT_MAX];
    struct name rname;
    int status = check_value("zones[].origin", in->origin_text, &in->origin);

    if (status != EXIT_STATUS_DONE)
        return status;
    name_strip(&in->parent, &in->origin, 1);
    if (name_prepend(&in->server, "ns1", 3, &in->origin) != ERR_OK)
        return usage("too long:", in->origin_text);
    if (in->contact != NULL)
        text_put(&in->contact_text, in->contact);
    else /* mail for a zone that has no mail is best sent to the one above */
        text_printf(&in->contact_text, "hostmaster@%s",
                    name_format(name_labels(&in->parent) > 0 ? &in->parent : &in->origin, name));
    return check_value("zones[].contact", in->contact_text.bytes, &rname);
}

/* The given addresses when all of them are this machine's own: then everybody else's sockets stay theirs. */
static void work_out_addresses(struct init *in)
{
    char text[ADDR_TEXT_MAX];
    bool is_local = true;

    for (size_t i = 0; i < in->n_addresses; i++) {
        const struct addr *a = &in->addresses[i];
        const char *between = i > 0 ? " " : "";

        (void)addr_format(a, text);
        text_printf(&in->addresses_text, "%s%s", between, text);
        text_printf(&in->listen_text, a->family == ADDR_V6 ? "%s[%s]:53" : "%s%s:53", between, text);
        is_local = is_local && config_address_is_local(a) == CONFIG_LOCAL_YES;
    }
    if (!is_local) {
        text_fini(&in->listen_text);
        text_put(&in->listen_text, config_row_find("dns.listen[]")->fallback);
    }
}

/* What is written must be what the server accepts, whatever the rows and texts are made of. */
static int make_file(const struct init *in, struct text *out)
{
    char origin[NAME_TEXT_MAX], server[NAME_TEXT_MAX];
    const struct config_sample_value values[] = {
        {"zones[].origin", name_format(&in->origin, origin)},
        {"zones[].contact", in->contact_text.bytes},
        {"zones[].name-servers[].name", name_format(&in->server, server)},
        {"zones[].name-servers[].addresses[]", in->addresses_text.bytes},
        {"dns.listen[]", in->listen_text.bytes},
    };
    struct config *c = NULL;
    struct text report;
    unsigned n = 0;
    enum err e;

    config_sample_write(values, ARRAY_LEN(values), out);
    text_init(&report, WHY_MAX);
    e = out->err;
    if (e == ERR_OK)
        e = config_parse(&c, "riposte init", out->bytes, out->len, &report, &n);
    if (e != ERR_OK)
        fprintf(stderr, "%sriposte init: nothing was written\n", report.bytes);
    config_free(c);
    text_fini(&report);
    return e == ERR_OK ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}

/* ---- writing ---- */

/* One level: a typing mistake in a long path should not become a tree of folders. */
static bool make_folder(const char *path)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    bool is_there = folder != NULL;

    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) {
            fprintf(stderr, "riposte init: cannot make the folder %s: %s\n", folder, strerror(errno));
            is_there = false;
        }
    }
    free(folder);
    return is_there;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Readable by the service and by nobody else: it may name secrets' places. *has_group: whether there is such a
 * group. */
static bool set_access(int fd, bool *has_group)
{
    const struct group *group = getgrnam(SERVICE_GROUP);

    *has_group = group != NULL && fchown(fd, (uid_t)-1, group->gr_gid) == 0;
    return fchmod(fd, FILE_MODE) == 0;
}

static int write_file(const char *path, const struct text *file)
{
    bool has_group = false, is_written;
    int fd;

    if (!make_folder(path))
        return EXIT_STATUS_FAILED;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0 && errno == EEXIST) {
        fprintf(stderr,
                "riposte init: %s is there already and was left as it is; edit it, or name another with --output\n",
                path);
        return EXIT_STATUS_CONFLICT;
    }
    if (fd < 0) {
        fprintf(stderr, "riposte init: cannot make %s: %s\n", path, strerror(errno));
        return EXIT_STATUS_FAILED;
    }
    is_written = set_access(fd, &has_group) && write_all(fd, file->bytes, file->len) && fsync(fd) == 0;
    if (!is_written)
        fprintf(stderr, "riposte init: cannot write %s: %s\n", path, strerror(errno));
    (void)close(fd); /* after fsync() there is nothing left to fail */
    if (!is_written) {
        (void)unlink(path);
        return EXIT_STATUS_FAILED;
    }
    printf("wrote %s (mode 0640%s); every key is explained in it\n", path,
           has_group ? ", group " SERVICE_GROUP : "");
    return EXIT_STATUS_DONE;
}

/* ---- what remains ---- */

static void print_records(const struct init *in, FILE *to)
{
    char origin[NAME_TEXT_MAX + 1], server[NAME_TEXT_MAX + 1], addr[ADDR_TEXT_MAX];
    int width;

    (void)name_format(&in->origin, origin);
    (void)name_format(&in->server, server);
    width = (int)strlen(server) + 1;
    fprintf(to, "   %s.%*s %d IN NS   %s.\n", origin, width - (int)strlen(origin) - 1, "", PARENT_TTL_S, server);
    for (size_t i = 0; i < in->n_addresses; i++)
        fprintf(to, "   %s. %d IN %s %s\n", server, PARENT_TTL_S,
                in->addresses[i].family == ADDR_V6 ? "AAAA" : "A   ", addr_format(&in->addresses[i], addr));
}

static void print_next_steps(const struct init *in, const char *path, FILE *to)
{
    char parent[NAME_TEXT_MAX], origin[NAME_TEXT_MAX], addr[ADDR_TEXT_MAX];
    bool is_usual = strcmp(path, CONFIG_PATH_DEFAULT) == 0;

    fprintf(to, "Next: 1. %s%s\n", is_usual ? "systemctl enable --now riposte" : "riposte serve -c ",
            is_usual ? "" : path);
    if (name_labels(&in->parent) > 0)
        fprintf(to, "      2. put these records into %s, at whoever serves it:\n\n",
                name_format(&in->parent, parent));
    else
        fprintf(to, "      2. put these records into the zone above, at whoever serves it:\n\n");
    print_records(in, to);
    fprintf(to, "\n      3. see that it answers:  dig +norec @%s %s SOA\n", addr_format(&in->addresses[0], addr),
            name_format(&in->origin, origin));
}

static int produce(struct init *in, const char *path)
{
    struct text file;
    int status;

    text_init(&file, CONFIG_FILE_MAX);
    status = make_file(in, &file);
    if (status == EXIT_STATUS_DONE && strcmp(path, "-") == 0) {
        if (fwrite(file.bytes, 1, file.len, stdout) != file.len || fflush(stdout) != 0)
            status = EXIT_STATUS_FAILED;
        print_next_steps(in, "FILE", stderr);
    } else if (status == EXIT_STATUS_DONE) {
        status = write_file(path, &file);
        if (status == EXIT_STATUS_DONE)
            print_next_steps(in, path, stdout);
    }
    text_fini(&file);
    return status;
}

int setup_init(const struct cli *cli, int argc, char **argv)
{
    struct init in = {.origin_text = NULL};
    int status;

    text_init(&in.addresses_text, WHY_MAX);
    text_init(&in.listen_text, WHY_MAX);
    text_init(&in.contact_text, WHY_MAX);
    status = take_arguments(&in, argc, argv);
    if (status == EXIT_STATUS_DONE)
        status = work_out_names(&in);
    if (status == EXIT_STATUS_DONE) {
        work_out_addresses(&in);
        status = produce(&in, in.output != NULL ? in.output : cli->config_path);
    }
    text_fini(&in.addresses_text);
    text_fini(&in.listen_text);
    text_fini(&in.contact_text);
    return status;
}
