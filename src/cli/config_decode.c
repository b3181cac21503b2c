/* From texts to values, strictly, as the rows say. Each parser puts a sentence into *why when it refuses. */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/config_impl.h"

#define WHY_MAX        700
#define MAIL_LOCAL_MAX NAME_LABEL_MAX
/* So that a generated label (a UUID) and its length octet still fit below the apex. */
#define APEX_LEN_MAX   (NAME_MAX_LEN - 37)

/* ---- numbers ---- */

static void store_number(void *out, size_t size, uint64_t number)
{
    const uint8_t u8 = (uint8_t)number;
    const uint16_t u16 = (uint16_t)number;
    const uint32_t u32 = (uint32_t)number;

    switch (size) {
    case sizeof(u8):
        memcpy(out, &u8, size);
        break;
    case sizeof(u16):
        memcpy(out, &u16, size);
        break;
    case sizeof(u32):
        memcpy(out, &u32, size);
        break;
    default:
        assert(size == sizeof(number));
        memcpy(out, &number, size);
    }
}

static void say_range(const struct config_row *row, struct text *why)
{
    text_put(why, "not in range: ");
    config_row_describe(row, why);
}

static bool is_all_digits(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static enum err take_number(const struct config_row *row, enum err e, uint64_t number, uint64_t divisor, void *out,
                            const char *wanted, struct text *why)
{
    if (e == ERR_SYNTAX) {
        text_put(why, wanted);
        return ERR_SYNTAX;
    }
    if (e != ERR_OK || number < row->min || number > row->max) {
        say_range(row, why);
        return ERR_SYNTAX;
    }
    if (number % divisor != 0) {
        text_put(why, "whole seconds are wanted here");
        return ERR_SYNTAX;
    }
    store_number(out, row->out_size, number / divisor);
    return ERR_OK;
}

static enum err decode_time(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    int64_t ms = 0;
    enum err e = quantity_parse_duration_ms(&ms, text, strlen(text));

    (void)arena;
    return take_number(row, e, (uint64_t)ms, row->kind == CONFIG_TIME_S ? 1000 : 1, out,
                       is_all_digits(text) ? "a time needs a unit: 24h, 30m, 45s"
                                           : "a time is one number and one unit: 500ms, 45s, 30m, 24h, 30d",
                       why);
}

static enum err decode_size(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    uint64_t octets = 0;
    enum err e = quantity_parse_size(&octets, text, strlen(text));

    (void)arena;
    return take_number(row, e, octets, 1, out, "a size is a number of octets, or of KiB, MiB or GiB: 4096, 4KiB",
                       why);
}

static enum err decode_count(const struct config_row *row, struct arena *arena, const char *text, void *out,
                             struct text *why)
{
    uint64_t number = 0;
    enum err e = quantity_parse_uint(&number, text, strlen(text), UINT64_MAX);

    (void)arena;
    return take_number(row, e, number, 1, out, "a whole number is wanted", why);
}

static enum err decode_rate(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    struct rate rate;
    enum err e = quantity_parse_rate(&rate, text, strlen(text));

    (void)arena;
    if (e == ERR_SYNTAX)
        text_put(why, "a rate is a number for each second, minute or hour: 10/s, 10/m, 10/h");
    else if (e != ERR_OK || rate.amount > row->max)
        say_range(row, why);
    else
        memcpy(out, &rate, sizeof(rate));
    return why->len > 0 ? ERR_SYNTAX : ERR_OK;
}

/* ---- words and texts ---- */

static enum err decode_word(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    const char *between = "";

    (void)arena;
    for (const struct config_word *w = row->words; w->word != NULL; w++) {
        if (strcmp(w->word, text) != 0)
            continue;
        if (!w->is_later) {
            memcpy(out, &w->value, sizeof(w->value));
            return ERR_OK;
        }
        text_put(why, "is not in this version, only: ");
    }
    if (why->len == 0)
        text_put(why, "is not one of: ");
    for (const struct config_word *w = row->words; w->word != NULL; w++) {
        if (w->is_later)
            continue;
        text_printf(why, "%s%s", between, w->word);
        between = ", ";
    }
    return ERR_SYNTAX;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

static enum err decode_text(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    size_t len = strlen(text);
    const char *copy;

    if (len < row->min)
        text_put(why, "a text is wanted that is not empty");
    else if (len > row->max)
        text_printf(why, "longer than %" PRIu64 " octets", row->max);
    else if (!is_printable(text))
        text_put(why, "there is a line break or another control character in it");
    if (why->len > 0)
        return ERR_SYNTAX;
    copy = arena_copy(arena, text, len);
    memcpy(out, &copy, sizeof(copy));
    return copy != NULL ? ERR_OK : ERR_MEMORY;
}

static enum err decode_path(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    size_t len = strlen(text);

    if ((len > 0 || row->min > 0) && text[0] != '/')
        text_put(why, "an absolute path is wanted, from /");
    else if (len > 0 && text[len - 1] == '/')
        text_put(why, "this is a folder; the path of a file is wanted");
    return why->len > 0 ? ERR_SYNTAX : decode_text(row, arena, text, out, why);
}

/* The part behind http:// or https://, or NULL. */
static const char *behind_scheme(const char *text)
{
    if (strncmp(text, "https://", 8) == 0)
        return text + 8;
    return strncmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

static enum err decode_url(const struct config_row *row, struct arena *arena, const char *text, void *out,
                           struct text *why)
{
    const char *host = behind_scheme(text);
    char trimmed[2048];
    size_t len = strlen(text);

    if (len > 0 && (host == NULL || strchr("/:?#", host[0]) != NULL || strpbrk(text, " \"<>?#") != NULL))
        text_put(why, "a URL is wanted, such as https://auth.example.org or https://example.org/acme; no ? or #");
    else if (len >= sizeof(trimmed))
        text_put(why, "too long");
    if (why->len > 0)
        return ERR_SYNTAX;
    while (len > 0 && text[len - 1] == '/')
        len--; /* paths that begin with / are put behind it */
    (void)snprintf(trimmed, sizeof(trimmed), "%.*s", (int)len, text);
    return decode_text(row, arena, trimmed, out, why);
}

static enum err decode_origin(const struct config_row *row, struct arena *arena, const char *text, void *out,
                              struct text *why)
{
    const char *host = behind_scheme(text);

    if (strcmp(text, "*") != 0 && (host == NULL || host[0] == '\0' || strpbrk(host, "/ \"<>?#@*") != NULL))
        text_put(why, "a web origin is wanted, without a path: https://tools.example.org; or * for all");
    return why->len > 0 ? ERR_SYNTAX : decode_text(row, arena, text, out, why);
}

/* ---- names ---- */

/* Letters, digits, hyphens and underscores: what may be printed anywhere without escapes. */
static bool has_plain_labels(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr("-_.", *text) == NULL)
            return false;
    }
    return true;
}

static enum err parse_plain_name(struct name *out, const char *text, struct text *why)
{
    enum err e = name_parse(out, text, strlen(text));

    if (e == ERR_RANGE)
        text_put(why, "a label is longer than 63 octets, or the name longer than 255");
    else if (e != ERR_OK)
        text_put(why, "not a domain name");
    else if (!has_plain_labels(text))
        text_put(why, "a name of letters, digits, hyphens and underscores is wanted (others in their xn-- form)");
    return why->len > 0 ? ERR_SYNTAX : ERR_OK;
}

static enum err decode_zone_name(const struct config_row *row, struct arena *arena, const char *text, void *out,
                                 struct text *why)
{
    struct name *name = out;

    (void)row;
    (void)arena;
    if (parse_plain_name(name, text, why) == ERR_OK && name->len == 1)
        text_put(why, "the root cannot be a zone of this server");
    else if (why->len == 0 && name->len > APEX_LEN_MAX)
        text_put(why, "so long that no challenge name fits below it");
    if (why->len > 0) {
        name->len = 0;
        return ERR_SYNTAX;
    }
    name_fold(name);
    return ERR_OK;
}

static enum err decode_host(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    struct name *name = out;
    struct addr a;

    (void)arena;
    if (addr_parse(&a, text, strlen(text)) == ERR_OK)
        text_put(why, "a name is wanted, not an address");
    else if (parse_plain_name(name, text, why) == ERR_OK && name_labels(name) < 2)
        text_printf(why, "the whole name is wanted, such as %s", row->example);
    if (why->len > 0) {
        name->len = 0;
        return ERR_SYNTAX;
    }
    return ERR_OK;
}

/* The part before the @ becomes one label, dots and all (RFC 1035 section 8). */
static enum err decode_mail(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    const char *at = strrchr(text, '@');
    size_t local_len = at != NULL ? (size_t)(at - text) : 0;
    struct name domain = {.len = 0};

    (void)row;
    (void)arena;
    if (local_len == 0 || memchr(text, '@', local_len) != NULL || strpbrk(text, " \"\\<>()[],;:") != NULL ||
        !is_printable(text))
        text_put(why, "a mail address is wanted, such as hostmaster@example.org");
    else if (local_len > MAIL_LOCAL_MAX)
        text_put(why, "more than 63 octets before the @ do not fit into a SOA record");
    else if (parse_plain_name(&domain, at + 1, why) == ERR_OK && domain.len == 1)
        text_put(why, "a mail address is wanted, such as hostmaster@example.org");
    if (why->len == 0 && name_prepend(out, text, local_len, &domain) != ERR_OK)
        text_put(why, "longer than 255 octets");
    return why->len > 0 ? ERR_SYNTAX : ERR_OK;
}

/* ---- addresses ---- */

static enum err decode_address(const struct config_row *row, struct arena *arena, const char *text, void *out,
                               struct text *why)
{
    (void)row;
    (void)arena;
    if (addr_parse(out, text, strlen(text)) == ERR_OK)
        return ERR_OK;
    text_put(why, "not an IPv4 or IPv6 address");
    return ERR_SYNTAX;
}

static enum err decode_network(const struct config_row *row, struct arena *arena, const char *text, void *out,
                               struct text *why)
{
    struct addr a;

    (void)row;
    (void)arena;
    if (net_parse(out, text, strlen(text)) == ERR_OK)
        return ERR_OK;
    if (addr_parse(&a, text, strlen(text)) == ERR_OK)
        text_printf(why, "a network needs a prefix length: \"%s/%d\" is this one address", text,
                    a.family == ADDR_V4 ? 32 : 128);
    else
        text_put(why, "a network is wanted, such as \"192.0.2.0/24\" or \"2001:db8::/32\"");
    return ERR_SYNTAX;
}

static enum err decode_endpoint(const struct config_row *row, struct arena *arena, const char *text, void *out,
                                struct text *why)
{
    struct endpoint *at = out;
    enum err e = endpoint_parse(at, text, strlen(text));
    struct addr a;

    (void)arena;
    if (e == ERR_OK && at->kind == ENDPOINT_UNIX && row->kind == CONFIG_IP_PORT)
        text_put(why, "DNS is not served on unix sockets");
    else if (e == ERR_RANGE && strncmp(text, "unix:", 5) == 0)
        text_printf(why, "a socket's path has at most %d octets", ENDPOINT_PATH_MAX - 1);
    else if (e == ERR_RANGE)
        text_put(why, "a port is at most 65535");
    else if (e != ERR_OK && addr_parse(&a, text, strlen(text)) == ERR_OK)
        text_printf(why,
                    a.family == ADDR_V6 ? "the port is missing: \"[%s]:%d\"" : "the port is missing: \"%s:%d\"",
                    text, row->kind == CONFIG_IP_PORT ? 53 : 8053);
    else if (e != ERR_OK)
        text_printf(why, "an address with a port is wanted: \"192.0.2.1:53\", \"[2001:db8::1]:53\"%s",
                    row->kind == CONFIG_ENDPOINT ? ", or \"unix:/path\"" : "");
    if (why->len > 0) {
        *at = (struct endpoint){.port = 0};
        return ERR_SYNTAX;
    }
    return ERR_OK;
}

static enum err decode_resolver(const struct config_row *row, struct arena *arena, const char *text, void *out,
                                struct text *why)
{
    (void)row;
    (void)arena;
    if (lookup_server_parse(out, text, strlen(text)) == ERR_OK)
        return ERR_OK;
    text_put(why, "the address of a resolver is wanted: \"9.9.9.9\", \"192.0.2.53:5353\", \"[2620:fe::fe]:53\"");
    return ERR_SYNTAX;
}

/* ---- rows ---- */

typedef enum err decode_fn(const struct config_row *row, struct arena *arena, const char *text, void *out,
                           struct text *why);

static const struct {
    decode_fn *decode;
    size_t element_size; /* in a list */
} kinds[] = {
    [CONFIG_SECTION] = {NULL, 0},
    [CONFIG_SECTIONS] = {NULL, 0},
    [CONFIG_TIME_S] = {decode_time, sizeof(int64_t)},
    [CONFIG_TIME_MS] = {decode_time, sizeof(int64_t)},
    [CONFIG_SIZE] = {decode_size, sizeof(uint64_t)},
    [CONFIG_COUNT] = {decode_count, sizeof(uint64_t)},
    [CONFIG_RATE] = {decode_rate, sizeof(struct rate)},
    [CONFIG_WORD] = {decode_word, sizeof(int)},
    [CONFIG_TEXT] = {decode_text, sizeof(const char *)},
    [CONFIG_PATH] = {decode_path, sizeof(const char *)},
    [CONFIG_URL] = {decode_url, sizeof(const char *)},
    [CONFIG_ORIGIN] = {decode_origin, sizeof(const char *)},
    [CONFIG_ZONE] = {decode_zone_name, sizeof(struct name)},
    [CONFIG_HOST] = {decode_host, sizeof(struct name)},
    [CONFIG_MAIL] = {decode_mail, sizeof(struct name)},
    [CONFIG_ADDRESS] = {decode_address, sizeof(struct addr)},
    [CONFIG_IP_PORT] = {decode_endpoint, sizeof(struct endpoint)},
    [CONFIG_ENDPOINT] = {decode_endpoint, sizeof(struct endpoint)},
    [CONFIG_NETWORK] = {decode_network, sizeof(struct net)},
    [CONFIG_RESOLVER] = {decode_resolver, sizeof(struct lookup_server)},
};

const struct config_row *config_row_find(const char *path)
{
    const struct config_row *row = config_rows;

    while (strcmp(row->path, path) != 0)
        row++;
    return row;
}

enum err config_decode_text(const struct config_row *row, struct arena *arena, const char *text, void *out,
                            struct text *why)
{
    return kinds[row->kind].decode(row, arena, text, out, why);
}

/* One text from the file at path, or a default (path NULL), which is always right. */
static enum err decode_one(struct config_impl *c, const struct config_row *row, const char *path, const char *text,
                           void *out)
{
    char quoted[CONFIG_QUOTED_MAX];
    struct text why;
    enum err e;

    text_init(&why, WHY_MAX);
    e = config_decode_text(row, &c->arena, text, out, &why);
    if (e == ERR_SYNTAX) {
        bool is_word = row->kind == CONFIG_WORD; /* "x" is not one of: … */

        assert(path != NULL);
        config_tree_complain(c->root, &c->errors, path, "%s%s%s", config_quoted(text, strlen(text), quoted),
                             is_word ? " " : ": ", why.bytes);
        e = c->errors.err;
    }
    text_fini(&why);
    return e;
}

static enum err decode_scalar(struct config_impl *c, const struct config_row *row, const char *path,
                              const char *text, char *out)
{
    const char *key;
    size_t key_len;

    if (text != NULL)
        return decode_one(c, row, path, text, out + row->out_offset);
    if (row->fallback != NULL)
        return decode_one(c, row, NULL, row->fallback, out + row->out_offset);
    key = config_row_key(row, &key_len);
    config_tree_complain(c->root, &c->errors, path, "missing; write for example %.*s: %s", (int)key_len, key,
                         row->example);
    return c->errors.err;
}

static size_t count_items(const char *items)
{
    size_t n = 0;

    while (*items != '\0') {
        size_t len = strcspn(items, " ");

        n++;
        items += len + (items[len] == ' ');
    }
    return n;
}

static enum err decode_default_list(struct config_impl *c, const struct config_row *row, char *elements)
{
    const char *item = row->fallback;
    enum err e = ERR_OK;

    while (*item != '\0' && e == ERR_OK) {
        size_t len = strcspn(item, " ");
        const char *text = arena_copy(&c->arena, item, len);

        e = text != NULL ? decode_one(c, row, NULL, text, elements) : ERR_MEMORY;
        elements += kinds[row->kind].element_size;
        item += len + (item[len] == ' ');
    }
    return e;
}

static enum err decode_list(struct config_impl *c, const struct config_row *row, const char *path, const char *raw,
                            char *out)
{
    size_t size = kinds[row->kind].element_size;
    bool is_said = config_tree_has(c->root, path);
    char *const *texts;
    uint32_t n_raw;
    size_t n;
    char *elements;
    enum err e = ERR_OK;

    memcpy(&texts, raw + row->raw_offset, sizeof(texts));
    memcpy(&n_raw, raw + row->raw_count_offset, sizeof(n_raw));
    n = is_said ? n_raw : count_items(row->fallback);
    elements = arena_alloc(&c->arena, n > 0 ? n * size : 1);
    if (elements == NULL)
        return ERR_MEMORY;
    if (!is_said)
        e = decode_default_list(c, row, elements);
    for (size_t i = 0; is_said && i < n && e == ERR_OK; i++) {
        char below[CONFIG_PATH_TEXT_MAX];

        config_path(below, "%s[%zu]", path, i);
        e = decode_one(c, row, below, texts[i], elements + i * size);
    }
    memcpy(out + row->out_offset, &elements, sizeof(elements));
    memcpy(out + row->out_count_offset, &n, sizeof(n));
    return e;
}

/* What of a row's path belongs below its group's mapping. */
static const char *tail_of(const struct config_row *row)
{
    static const char *const heads[] = {
        [CONFIG_GROUP_FILE] = "",
        [CONFIG_GROUP_ZONE] = "zones[].",
        [CONFIG_GROUP_NAME_SERVER] = "zones[].name-servers[].",
        [CONFIG_GROUP_LISTEN] = "api.listen[].",
    };

    return row->path + strlen(heads[row->group]);
}

enum err config_decode_group(struct config_impl *c, enum config_group group, const char *prefix, const void *raw,
                             void *out)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < config_rows_n && e == ERR_OK; i++) {
        const struct config_row *row = &config_rows[i];
        char path[CONFIG_PATH_TEXT_MAX];
        const char *text;

        if (row->group != group || config_row_is_section(row))
            continue;
        config_path(path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", tail_of(row));
        if (config_row_is_list(row)) {
            path[strlen(path) - 2] = '\0';
            e = decode_list(c, row, path, raw, out);
        } else {
            memcpy(&text, (const char *)raw + row->raw_offset, sizeof(text));
            e = decode_scalar(c, row, path, text, out);
        }
    }
    return e;
}

/* ---- comparing ---- */

static bool elements_equal(const struct config_row *row, const void *a, const void *b, size_t size)
{
    const char *x, *y;

    switch ((int)row->kind) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_URL:
    case CONFIG_ORIGIN:
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        return x == y || (x != NULL && y != NULL && strcmp(x, y) == 0);
    case CONFIG_IP_PORT:
    case CONFIG_ENDPOINT:
        return endpoint_equal(a, b);
    default:
        return memcmp(a, b, size) == 0; /* no padding in any of them */
    }
}

static bool rows_equal(const struct config_row *row, const char *a, const char *b)
{
    size_t size = kinds[row->kind].element_size;
    const char *x, *y;
    size_t n, m;

    if (!config_row_is_list(row))
        return elements_equal(row, a + row->out_offset, b + row->out_offset, row->out_size);
    memcpy(&n, a + row->out_count_offset, sizeof(n));
    memcpy(&m, b + row->out_count_offset, sizeof(m));
    memcpy(&x, a + row->out_offset, sizeof(x));
    memcpy(&y, b + row->out_offset, sizeof(y));
    for (size_t i = 0; n == m && i < n; i++) {
        if (!elements_equal(row, x + i * size, y + i * size, size))
            return false;
    }
    return n == m;
}

void config_group_differences(enum config_group group, const void *a, const void *b, bool only_after_restart,
                              struct text *out)
{
    for (size_t i = 0; i < config_rows_n; i++) {
        const struct config_row *row = &config_rows[i];

        if (row->group != group || config_row_is_section(row) ||
            (only_after_restart && row->applies != CONFIG_AFTER_RESTART) || rows_equal(row, a, b))
            continue;
        text_printf(out, "%s%.*s", out->len > 0 ? ", " : "",
                    (int)(strlen(row->path) - (config_row_is_list(row) ? 2 : 0)), row->path);
    }
}
