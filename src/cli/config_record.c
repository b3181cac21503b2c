#include "cli/config_record.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"

#define RDATA_MAX  65535
#define LABELS_MAX 128 /* of a name: 255 octets of one-octet labels, RFC 1035 section 2.3.4 */
#define TOKEN_MAX  16  /* "IN", "TYPE65535", a TTL */

/* ---- words of a line ---- */

struct token {
    const char *text;
    size_t len;
};

static struct token take_token(const char **p)
{
    struct token t = {*p + strspn(*p, " \t"), 0};

    t.len = strcspn(t.text, " \t");
    *p = t.text + t.len;
    *p += strspn(*p, " \t");
    return t;
}

static bool token_is(const struct token *t, const char *word)
{
    return text_equal_nocase(t->text, t->len, word, strlen(word));
}

/* Quotes closed, one line, no comment: what a zone file could have and a line of ours must not. */
static enum err check_quoting(const char *text, struct text *why)
{
    bool is_quoted = false;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        else if (*p == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && *p == ';')
            text_put(why, "a ; outside of quotes would begin a comment");
        else if (!is_quoted && (*p == '(' || *p == ')'))
            text_put(why, "a record is one line, without parentheses");
        if (why->len > 0)
            return ERR_SYNTAX;
    }
    if (is_quoted)
        text_put(why, "a quote is not closed");
    return is_quoted ? ERR_SYNTAX : ERR_OK;
}

/* ---- data ---- */

static const char *reason_for(uint16_t type, ldns_status status)
{
    if (status == LDNS_STATUS_SYNTAX_SUPERFLUOUS_TEXT_ERR)
        return "there is something behind the record that does not belong to it";
    switch (type) {
    case RR_A:
        return "not an IPv4 address";
    case RR_AAAA:
        return "not an IPv6 address";
    case RR_CAA:
        return "CAA data is a number, a word and a quoted text, such as 0 issue \"letsencrypt.org\"";
    case RR_TXT:
        return "TXT data is one or more texts of at most 255 octets each, best in quotes";
    case RR_CNAME:
    case RR_PTR:
        return "one domain name is wanted";
    case RR_MX:
        return "MX data is a preference and a domain name, such as 10 mail.example.org.";
    default:
        return NULL;
    }
}

/* The n-th word of the data must be the very number that ldns made of it: it reads 65537 as 1. */
static enum err check_numbers(const ldns_rr *rr, const char *text, struct text *why)
{
    if (strncmp(text, "\\#", 2) == 0)
        return ERR_OK; /* RFC 3597: octets, not words */
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        struct token word = take_token(&text);
        uint64_t max, number;

        switch ((int)ldns_rdf_get_type(rdf)) {
        case LDNS_RDF_TYPE_INT8:
            max = UINT8_MAX;
            break;
        case LDNS_RDF_TYPE_INT16:
            max = UINT16_MAX;
            break;
        case LDNS_RDF_TYPE_INT32:
            max = UINT32_MAX;
            break;
        default:
            continue;
        }
        if (quantity_parse_uint(&number, word.text, word.len, max) != ERR_OK) {
            text_printf(why, "\"%.*s\" is not a number from 0 to %llu", word.len > 40 ? 40 : (int)word.len,
                        word.text, (unsigned long long)max);
            return ERR_SYNTAX;
        }
    }
    return ERR_OK;
}

static enum err copy_data(struct rdata *out, struct arena *arena, const ldns_rr *rr)
{
    ldns_buffer *buffer = ldns_buffer_new(RDATA_MAX);
    enum err e = ERR_MEMORY;

    if (buffer == NULL)
        return ERR_MEMORY;
    if (ldns_rr_rdata2buffer_wire(buffer, rr) == LDNS_STATUS_OK && ldns_buffer_position(buffer) <= RDATA_MAX) {
        size_t len = ldns_buffer_position(buffer);
        const char *bytes = arena_copy(arena, ldns_buffer_begin(buffer), len);

        if (bytes != NULL) {
            *out = (struct rdata){(const uint8_t *)bytes, (uint16_t)len};
            e = ERR_OK;
        }
    }
    ldns_buffer_free(buffer);
    return e;
}

/* Let ldns read the line; *rr is given on ERR_OK. */
static enum err read_line(ldns_rr **rr, uint16_t type, const char *text, const struct name *origin,
                          struct text *why)
{
    char type_text[RR_TYPE_TEXT_MAX];
    ldns_rdf *dname = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin->len, origin->b);
    const char *reason;
    struct text line;
    ldns_status status;
    enum err e = ERR_OK;

    text_init(&line, 2 * (size_t)RDATA_MAX);
    text_printf(&line, ". 0 IN %s %s", rr_type_format(type, type_text), text);
    if (dname == NULL || line.err != ERR_OK) {
        e = ERR_MEMORY;
    } else {
        status = ldns_rr_new_frm_str(rr, line.bytes, 0, dname, NULL);
        reason = reason_for(type, status);
        if (status == LDNS_STATUS_MEM_ERR) {
            e = ERR_MEMORY;
        } else if (status != LDNS_STATUS_OK) {
            if (reason != NULL)
                text_put(why, reason);
            else
                text_printf(why, "not the data of a %s record (ldns: %s)", type_text,
                            ldns_get_errorstr_by_id(status));
            e = ERR_SYNTAX;
        }
    }
    text_fini(&line);
    ldns_rdf_deep_free(dname);
    return e;
}

enum err config_record_parse_data(struct config_record *out, struct arena *arena, uint16_t type, const char *text,
                                  const struct name *origin, struct text *why)
{
    ldns_rr *rr = NULL;
    enum err e = check_quoting(text, why);

    if (e == ERR_OK)
        e = read_line(&rr, type, text, origin, why);
    if (e != ERR_OK)
        return e;
    e = check_numbers(rr, text, why);
    out->record.type = type;
    if (e == ERR_OK)
        e = copy_data(&out->record.rdata, arena, rr);
    if (e == ERR_OK) {
        ldns_rr2canonical(rr);
        e = copy_data(&out->canonical, arena, rr);
    }
    ldns_rr_free(rr);
    return e;
}

enum err config_record_set_address(struct config_record *out, struct arena *arena, uint16_t type,
                                   const uint8_t *bytes, size_t len)
{
    const char *copy = arena_copy(arena, bytes, len);

    if (copy == NULL)
        return ERR_MEMORY;
    out->record.type = type;
    out->record.rdata = (struct rdata){(const uint8_t *)copy, (uint16_t)len};
    out->canonical = out->record.rdata;
    return ERR_OK;
}

enum err config_record_set_name(struct config_record *out, struct arena *arena, uint16_t type,
                                const struct name *name)
{
    struct name folded = *name;
    const char *given = arena_copy(arena, name->b, name->len);
    const char *canonical;

    name_fold(&folded);
    canonical = arena_copy(arena, folded.b, folded.len);
    if (given == NULL || canonical == NULL)
        return ERR_MEMORY;
    out->record.type = type;
    out->record.rdata = (struct rdata){(const uint8_t *)given, name->len};
    out->canonical = (struct rdata){(const uint8_t *)canonical, folded.len};
    return ERR_OK;
}

/* ---- whole lines ---- */

static enum err parse_ttl(uint32_t *out, const struct token *t, struct text *why)
{
    uint64_t seconds = 0;
    int64_t ms = 0;
    enum err e = quantity_parse_uint(&seconds, t->text, t->len, CONFIG_RECORD_TTL_MAX_S);

    if (e == ERR_SYNTAX && quantity_parse_duration_ms(&ms, t->text, t->len) == ERR_OK && ms % 1000 == 0) {
        seconds = (uint64_t)ms / 1000;
        e = seconds > CONFIG_RECORD_TTL_MAX_S ? ERR_RANGE : ERR_OK;
    }
    if (e == ERR_OK)
        *out = (uint32_t)seconds;
    else
        text_printf(why, "\"%.*s\": a TTL is seconds, 0 to %d, or a time such as 5m or 1h",
                    t->len > 40 ? 40 : (int)t->len, t->text, CONFIG_RECORD_TTL_MAX_S);
    return e == ERR_OK ? ERR_OK : ERR_SYNTAX;
}

static enum err parse_type(uint16_t *out, const struct token *t, struct text *why)
{
    char word[TOKEN_MAX];
    ldns_rr_type type;

    (void)snprintf(word, sizeof(word), "%.*s", (int)t->len, t->text);
    type = t->len < sizeof(word) ? ldns_get_rr_type_by_name(word) : 0;
    if (type == 0 || (unsigned)type > UINT16_MAX) {
        text_printf(why, "\"%.*s\" is no record type", t->len > 40 ? 40 : (int)t->len, t->text);
        return ERR_SYNTAX;
    }
    *out = (uint16_t)type;
    return ERR_OK;
}

/* TTL, class and type, behind the owner. */
static enum err parse_middle(struct config_record *out, const char **p, struct text *why)
{
    bool has_ttl = false, has_class = false;
    struct token t = take_token(p);

    while (t.len > 0) {
        if (t.text[0] >= '0' && t.text[0] <= '9' && !has_ttl) {
            has_ttl = true;
            if (parse_ttl(&out->record.ttl_s, &t, why) != ERR_OK)
                return ERR_SYNTAX;
        } else if (token_is(&t, "IN") && !has_class) {
            has_class = true;
        } else if (token_is(&t, "CH") || token_is(&t, "HS") || token_is(&t, "CS")) {
            text_put(why, "the class is IN for all records here");
            return ERR_SYNTAX;
        } else {
            return parse_type(&out->record.type, &t, why);
        }
        t = take_token(p);
    }
    text_put(why, "a record is: owner, TTL (may be missing), type, data; for example www 300 A 192.0.2.1");
    return ERR_SYNTAX;
}

enum err config_record_parse(struct config_record *out, struct arena *arena, const char *text,
                             const struct name *origin, struct text *why)
{
    const char *p = text;
    struct token owner;
    enum err e;

    if (text[0] == ' ' || text[0] == '\t') {
        text_put(why, "a record begins with its owner: a name, or @ for the origin");
        return ERR_SYNTAX;
    }
    owner = take_token(&p);
    out->record.ttl_s = CONFIG_RECORD_TTL_DEFAULT_S;
    e = name_parse_relative(&out->record.owner, owner.text, owner.len, origin);
    if (e != ERR_OK) {
        text_printf(why, "\"%.*s\" is no domain name%s", owner.len > 80 ? 80 : (int)owner.len, owner.text,
                    e == ERR_RANGE ? ": too long" : "");
        return ERR_SYNTAX;
    }
    name_fold(&out->record.owner);
    e = parse_middle(out, &p, why);
    return e == ERR_OK ? config_record_parse_data(out, arena, out->record.type, p, origin, why) : e;
}

/* ---- order ---- */

static size_t label_offsets(const struct name *n, uint8_t out[LABELS_MAX])
{
    size_t count = 0;

    for (size_t at = 0; n->b[at] != 0 && count < LABELS_MAX; at += (size_t)n->b[at] + 1)
        out[count++] = (uint8_t)at;
    return count;
}

static int compare_octets(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* Both folded. Label by label from the root. */
static int compare_names(const struct name *a, const struct name *b)
{
    uint8_t at_a[LABELS_MAX], at_b[LABELS_MAX];
    size_t n = label_offsets(a, at_a);
    size_t m = label_offsets(b, at_b);

    while (n > 0 && m > 0) {
        const uint8_t *x = a->b + at_a[--n];
        const uint8_t *y = b->b + at_b[--m];
        int order = compare_octets(x + 1, x[0], y + 1, y[0]);

        if (order != 0)
            return order;
    }
    return (n > m) - (n < m);
}

int config_record_compare(const struct config_record *a, const struct config_record *b)
{
    int order = compare_names(&a->record.owner, &b->record.owner);

    if (order == 0)
        order = (a->record.type > b->record.type) - (a->record.type < b->record.type);
    if (order == 0)
        order = compare_octets(a->canonical.bytes, a->canonical.len, b->canonical.bytes, b->canonical.len);
    if (order == 0)
        order = (a->order > b->order) - (a->order < b->order);
    return order;
}
