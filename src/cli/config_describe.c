/* Rows for people: types, ranges and values as the file writes them. */
#include <inttypes.h>
#include <string.h>

#include "base/quantity.h"
#include "cli/config_schema.h"

static void put_size(struct text *out, uint64_t octets)
{
    if (octets >= UINT64_C(1) << 30 && octets % (UINT64_C(1) << 30) == 0)
        text_printf(out, "%" PRIu64 "GiB", octets >> 30);
    else if (octets >= UINT64_C(1) << 20 && octets % (UINT64_C(1) << 20) == 0)
        text_printf(out, "%" PRIu64 "MiB", octets >> 20);
    else
        text_printf(out, "%" PRIu64, octets);
}

static void put_range(const struct config_row *row, struct text *out)
{
    char low[QUANTITY_TEXT_MAX], high[QUANTITY_TEXT_MAX];

    switch ((int)row->kind) {
    case CONFIG_TIME_S:
    case CONFIG_TIME_MS:
        text_printf(out, ", %s to %s", quantity_format_duration_ms((int64_t)row->min, low),
                    quantity_format_duration_ms((int64_t)row->max, high));
        break;
    case CONFIG_SIZE:
        text_put(out, ", ");
        put_size(out, row->min);
        text_put(out, " to ");
        put_size(out, row->max);
        break;
    case CONFIG_COUNT:
        text_printf(out, ", %" PRIu64 " to %" PRIu64, row->min, row->max);
        break;
    case CONFIG_RATE:
        text_printf(out, ", at most %" PRIu64, row->max);
        break;
    case CONFIG_TEXT:
        text_printf(out, " of at most %" PRIu64 " octets", row->max);
        break;
    default:
        break;
    }
}

static void put_words(const struct config_row *row, struct text *out)
{
    const char *between = config_row_is_list(row) ? "list of: " : "one of: ";

    for (const struct config_word *w = row->words; w->word != NULL; w++) {
        if (w->is_later)
            continue;
        text_printf(out, "%s%s", between, w->word);
        between = ", ";
    }
}

void config_row_describe(const struct config_row *row, struct text *out)
{
    static const struct {
        enum config_kind kind;
        const char *one, *many;
    } nouns[] = {
        {CONFIG_SECTION, "section", "section"},
        {CONFIG_SECTIONS, "list of sections", "list of sections"},
        {CONFIG_TIME_S, "time", "times"},
        {CONFIG_TIME_MS, "time", "times"},
        {CONFIG_SIZE, "size", "sizes"},
        {CONFIG_COUNT, "number", "numbers"},
        {CONFIG_RATE, "rate", "rates"},
        {CONFIG_TEXT, "text", "texts, each"},
        {CONFIG_PATH, "absolute path", "absolute paths"},
        {CONFIG_URL, "http or https URL", "URLs"},
        {CONFIG_ORIGIN, "web origin", "web origins"},
        {CONFIG_ZONE, "domain name", "domain names"},
        {CONFIG_HOST, "host name", "host names"},
        {CONFIG_MAIL, "mail address", "mail addresses"},
        {CONFIG_ADDRESS, "IP address", "IP addresses"},
        {CONFIG_IP_PORT, "address with port", "addresses with port"},
        {CONFIG_ENDPOINT, "address with port, or unix:/path", "addresses"},
        {CONFIG_NETWORK, "network", "networks"},
        {CONFIG_RESOLVER, "IP address, with a port or without", "IP addresses, with a port or without"},
    };
    bool is_list = config_row_is_list(row);

    if (row->kind == CONFIG_WORD) {
        put_words(row, out);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(nouns); i++) {
        if (nouns[i].kind == row->kind)
            text_printf(out, "%s%s", is_list ? "list of " : "", is_list ? nouns[i].many : nouns[i].one);
    }
    put_range(row, out);
}

/* Words, numbers and quantities stand as they are; everything else is quoted, so that nobody has to know when YAML
 * needs it. */
static bool is_bare(const struct config_row *row, const char *item, size_t len)
{
    switch ((int)row->kind) {
    case CONFIG_TIME_S:
    case CONFIG_TIME_MS:
    case CONFIG_SIZE:
    case CONFIG_COUNT:
    case CONFIG_RATE:
    case CONFIG_WORD:
        return true;
    default:
        break;
    }
    for (size_t i = 0; i < len; i++) {
        char c = item[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9' && i > 0) &&
            !(i == 0 && c == '/') && !(i > 0 && strchr("-._/@", c) != NULL))
            return false;
    }
    return len > 0;
}

static void put_item(const struct config_row *row, const char *item, size_t len, struct text *out)
{
    if (!config_row_is_list(row) && is_bare(row, item, len)) {
        text_put_bytes(out, item, len);
        return;
    }
    if (row->kind == CONFIG_WORD) {
        text_put_bytes(out, item, len);
        return;
    }
    text_put_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (item[i] == '"' || item[i] == '\\')
            text_put_char(out, '\\');
        if (item[i] == '$')
            text_put_char(out, '$'); /* a dollar of its own, not the environment's */
        text_put_char(out, item[i]);
    }
    text_put_char(out, '"');
}

void config_row_put_value(const struct config_row *row, const char *given, struct text *out)
{
    const char *item = given != NULL ? given : row->fallback != NULL ? row->fallback : row->example;
    const char *between = "";

    if (!config_row_is_list(row)) {
        put_item(row, item, strlen(item), out);
        return;
    }
    text_put_char(out, '[');
    while (*item != '\0') {
        size_t len = strcspn(item, " ");

        text_put(out, between);
        put_item(row, item, len, out);
        item += len + (item[len] == ' ');
        between = ", ";
    }
    text_put_char(out, ']');
}
