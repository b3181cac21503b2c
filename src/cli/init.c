/* `riposte init`: a configuration file from as little as an origin and an address, and what remains to be done. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/args.h"
#include "cli/config_impl.h"
#include "cli/config_local.h"
#include "cli/config_sample.h"
#include "cli/setup.h"
#include "cli/show.h"

#define ADDRESSES_MAX 16
#define FILE_MODE     0640
#define FOLDER_MODE   0755
#define SERVICE_GROUP "riposte"
#define PARENT_TTL_S  86400
#define RECORD_MAX    (2 * NAME_TEXT_MAX + 64)
#define WHY_MAX       ((size_t)64 << 10)

struct init {
    const char *origin_text, *contact, *output;
    bool json;
    struct addr addresses[ADDRESSES_MAX];
    size_t n_addresses;
    struct name origin, parent, server;
    struct text addresses_text, listen_text, contact_text;
};

/* ---- arguments ---- */

static int add_address(struct init *in, const struct args *a, const char *text, size_t len)
{
    struct addr addr;

    if (addr_parse(&addr, text, len) != ERR_OK)
        return args_refuse(a, "not an IPv4 or IPv6 address: \"%.*s\"", (int)len, text);
    for (size_t i = 0; i < in->n_addresses; i++) {
        if (addr_equal(&in->addresses[i], &addr))
            return args_refuse(a, "this address is there twice: \"%.*s\"", (int)len, text);
    }
    if (in->n_addresses == ADDRESSES_MAX)
        return args_refuse(a, "more than %d addresses", ADDRESSES_MAX);
    in->addresses[in->n_addresses++] = addr;
    return EXIT_STATUS_DONE;
}

static int take_arguments(struct init *in, const struct cli *cli, int argc, char **argv)
{
    static const struct option_spec options[] = {
        {"--address", OPTION_LIST}, {"--contact", OPTION_TEXT}, {"--output", OPTION_TEXT}};
    struct args a;
    int status = EXIT_STATUS_DONE;

    if (!args_parse(&a, cli->command, options, ARRAY_LEN(options), 0, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    if (a.n_rest == 0)
        return args_refuse(&a, "the ORIGIN is missing: the zone that this server will answer for, such as "
                               "auth.example.org");
    if (args_list_len(&a, "--address") == 0)
        return args_refuse(&a, "--address is missing: where the world reaches this server");
    in->origin_text = a.rest[0];
    in->json = cli->json;
    in->contact = args_text(&a, "--contact");
    in->output = args_text(&a, "--output") != NULL ? args_text(&a, "--output") : cli->config_path;
    for (size_t i = 0; i < args_list_len(&a, "--address") && status == EXIT_STATUS_DONE; i++) {
        size_t len;
        const char *text = args_list_at(&a, "--address", i, &len);

        status = add_address(in, &a, text, len);
    }
    return status;
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
    if (name_prepend(&in->server, "ns1", 3, &in->origin) != ERR_OK) {
        fprintf(stderr, "riposte init: origin: \"%s\": too long\n", in->origin_text);
        return EXIT_STATUS_USAGE;
    }
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
static bool make_folder(const char *command, const char *path)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    bool is_there = folder != NULL;

    if (slash != NULL && slash != folder) {
        *slash = '\0';
        if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) {
            fprintf(stderr, "riposte %s: cannot make the folder %s: %s\n", command, folder, strerror(errno));
            is_there = false;
        }
    }
    free(folder);
    return is_there;
}

/* Readable by the service and by nobody else: it may name secrets' places. *has_group: whether there is such a
 * group. */
static bool set_access(int fd, bool *has_group)
{
    const struct group *group = getgrnam(SERVICE_GROUP);

    *has_group = group != NULL && fchown(fd, (uid_t)-1, group->gr_gid) == 0;
    return fchmod(fd, FILE_MODE) == 0;
}

int setup_write_file(const char *command, const char *path, const struct text *file, const char *remark)
{
    bool has_group = false, is_written;
    int fd;

    if (!make_folder(command, path))
        return EXIT_STATUS_FAILED;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0 && errno == EEXIST) {
        fprintf(stderr,
                "riposte %s: %s is there already and was left as it is; edit it, or name another with --output\n",
                command, path);
        return EXIT_STATUS_CONFLICT;
    }
    if (fd < 0) {
        fprintf(stderr, "riposte %s: cannot make %s: %s%s\n", command, path, strerror(errno),
                errno == EACCES ? "; run this as root, or name another place with --output" : "");
        return EXIT_STATUS_FAILED;
    }
    is_written = set_access(fd, &has_group) && fd_write_all(fd, file->bytes, file->len) && fsync(fd) == 0;
    if (!is_written)
        fprintf(stderr, "riposte %s: cannot write %s: %s\n", command, path, strerror(errno));
    (void)close(fd); /* after fsync() there is nothing left to fail */
    if (!is_written) {
        (void)unlink(path);
        return EXIT_STATUS_FAILED;
    }
    if (remark != NULL)
        printf("wrote %s (mode 0640%s)%s\n", path, has_group ? ", group " SERVICE_GROUP : "", remark);
    return EXIT_STATUS_DONE;
}

/* ---- what remains ---- */

/* One record that the parent zone needs, without indentation; i 0 is the NS, the rest its addresses. */
static void format_record(const struct init *in, size_t i, char *out, size_t cap)
{
    char origin[NAME_TEXT_MAX], server[NAME_TEXT_MAX], addr[ADDR_TEXT_MAX];
    int width;

    (void)name_format(&in->origin, origin);
    (void)name_format(&in->server, server);
    width = (int)(strlen(server) - strlen(origin));
    if (i == 0)
        (void)snprintf(out, cap, "%s.%*s %d IN NS   %s.", origin, width, "", PARENT_TTL_S, server);
    else
        (void)snprintf(out, cap, "%s. %d IN %s %s", server, PARENT_TTL_S,
                       in->addresses[i - 1].family == ADDR_V6 ? "AAAA" : "A   ",
                       addr_format(&in->addresses[i - 1], addr));
}

static void print_records(const struct init *in, FILE *to)
{
    char record[RECORD_MAX];

    for (size_t i = 0; i <= in->n_addresses; i++) {
        format_record(in, i, record, sizeof(record));
        fprintf(to, "   %s\n", record);
    }
}

static void print_json(const struct init *in, const char *path)
{
    char record[RECORD_MAX];
    json_t *records = json_array();

    for (size_t i = 0; i <= in->n_addresses; i++) {
        format_record(in, i, record, sizeof(record));
        (void)json_array_append_new(records, json_string(record));
    }
    show_json(json_pack("{s:s, s:o}", "file", path, "parent-records", records));
}

static void print_next_steps(const struct init *in, const char *path, FILE *to)
{
    char parent[NAME_TEXT_MAX];
    bool is_usual = strcmp(path, CONFIG_PATH_DEFAULT) == 0;

    fprintf(to, "Next: 1. %s%s\n", is_usual ? "systemctl enable --now riposte" : "riposte serve -c ",
            is_usual ? "" : path);
    if (name_labels(&in->parent) > 0)
        fprintf(to, "      2. put these records into %s, at whoever serves it:\n\n",
                name_format(&in->parent, parent));
    else
        fprintf(to, "      2. put these records into the zone above, at whoever serves it:\n\n");
    print_records(in, to);
    fprintf(to, "\n      3. riposte check zone%s%s\n", is_usual ? "" : " -c ", is_usual ? "" : path);
}

static int produce(struct init *in)
{
    const char *path = in->output;
    struct text file;
    int status;

    text_init(&file, CONFIG_FILE_MAX);
    status = make_file(in, &file);
    if (status == EXIT_STATUS_DONE && strcmp(path, "-") == 0) {
        if (fwrite(file.bytes, 1, file.len, stdout) != file.len || fflush(stdout) != 0)
            status = EXIT_STATUS_FAILED;
        print_next_steps(in, "FILE", stderr);
    } else if (status == EXIT_STATUS_DONE) {
        status = setup_write_file("init", path, &file, in->json ? NULL : "; every key is explained in it");
        if (status == EXIT_STATUS_DONE && in->json)
            print_json(in, path);
        else if (status == EXIT_STATUS_DONE)
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
    status = take_arguments(&in, cli, argc, argv);
    if (status == EXIT_STATUS_DONE)
        status = work_out_names(&in);
    if (status == EXIT_STATUS_DONE) {
        work_out_addresses(&in);
        status = produce(&in);
    }
    text_fini(&in.addresses_text);
    text_fini(&in.listen_text);
    text_fini(&in.contact_text);
    return status;
}
