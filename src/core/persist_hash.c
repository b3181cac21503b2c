#include "core/persist_hash.h"

#include <stdint.h>
#include <string.h>

#include "base/base64url.h"
#include "base/crypto.h"
#include "base/wire.h"
#include "core/account_url.h"
#include "core/persist_parts.h"

static const char behind_prefix[] = "sha-256/";

#define TAIL_LEN       (sizeof behind_prefix - 1 + PERSIST_THUMBPRINT_LEN) /* behind the prefix */
#define HASH_INPUT_MAX (1 + PERSIST_DOMAIN_LEN_MAX + PERSIST_THUMBPRINT_LEN + ACCOUNT_URL_LEN_MAX)

/* 43 characters carry 258 bits: the last two are 0. Anything else was mistyped. */
static bool ends_in_zero_bits(char last)
{
    return strchr("AEIMQUYcgkosw048", last) != NULL;
}

static enum err fail(struct text_fault *fault, const char *what, size_t offset)
{
    *fault = (struct text_fault){
        .part = "thumbprint",
        .what = what,
        .accepted = "the account key's SHA-256 JWK thumbprint in base64url without padding, 43 characters",
        .offset = offset,
    };
    return ERR_SYNTAX;
}

static enum err check_thumbprint(const char *text, struct text_fault *fault)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len && i < PERSIST_THUMBPRINT_LEN; i++)
        if (!base64url_is_text(text + i, 1))
            return fail(fault, "a character outside the base64url alphabet", i);
    if (len < PERSIST_THUMBPRINT_LEN)
        return fail(fault, "too short", len);
    if (len > PERSIST_THUMBPRINT_LEN)
        return fail(fault, "too long", PERSIST_THUMBPRINT_LEN);
    if (!ends_in_zero_bits(text[len - 1]))
        return fail(fault, "a last character that no encoding of 32 octets has", len - 1);
    return ERR_OK;
}

static enum err check_domain(const char *domain, struct text_fault *fault)
{
    struct persist_part part = {
        .name = "domain",
        .bytes = domain,
        .len = strlen(domain),
        .max = PERSIST_DOMAIN_LEN_MAX,
        .accepted =
            "the domain that the record is for, in lower case without *. in front or a dot at the end, in at "
            "most 233 letters, digits and hyphens; other scripts as A-labels (xn--...); or * for all domains",
    };

    return strcmp(domain, "*") == 0 ? ERR_OK : persist_check_domain(part, fault);
}

static enum err check_prefix(const char *prefix, struct text_fault *fault)
{
    struct persist_part part = {
        .name = "account hash prefix",
        .bytes = prefix,
        .len = strlen(prefix),
        .max = PERSIST_URI_LEN_MAX - TAIL_LEN,
        .accepted =
            "accountHashPrefix from \"meta\" of the CA's directory, such as https://ca.example/account-hash/, in "
            "at most 973 printable ASCII characters without blanks and semicolons",
    };

    _Static_assert(PERSIST_URI_LEN_MAX - TAIL_LEN == 973, "as the text says");
    return persist_check_uri(part, fault);
}

static enum err check(const struct persist_hash *in, struct text_fault *fault)
{
    enum err e = check_prefix(in->prefix, fault);

    if (e == ERR_OK)
        e = check_domain(in->domain, fault);
    if (e == ERR_OK)
        e = check_thumbprint(in->thumbprint, fault);
    if (e == ERR_OK)
        e = account_url_check(in->account_url, strlen(in->account_url), fault);
    return e;
}

/* The parts are known to fit. */
static enum err hash_parts(uint8_t out[SHA256_LEN], const struct persist_hash *in)
{
    uint8_t input[HASH_INPUT_MAX];
    struct wire_writer w;

    wire_writer_init(&w, input, sizeof input);
    wire_put_u8(&w, (uint8_t)strlen(in->domain));
    wire_put_bytes(&w, in->domain, strlen(in->domain));
    wire_put_bytes(&w, in->thumbprint, PERSIST_THUMBPRINT_LEN); /* the 43 characters, not the 32 octets */
    wire_put_bytes(&w, in->account_url, strlen(in->account_url));
    return w.err != ERR_OK ? w.err : crypto_sha256(out, input, w.len);
}

enum err persist_hash_format(char out[PERSIST_URI_TEXT_MAX], const struct persist_hash *in,
                             struct text_fault *fault)
{
    uint8_t hash[SHA256_LEN];
    size_t len;
    enum err e = check(in, fault);

    if (e == ERR_OK)
        e = hash_parts(hash, in);
    if (e != ERR_OK)
        return e;
    len = strlen(in->prefix);
    memcpy(out, in->prefix, len);
    memcpy(out + len, behind_prefix, sizeof behind_prefix - 1);
    (void)base64url_encode(out + len + sizeof behind_prefix - 1, hash, sizeof hash); /* 43 and the NUL */
    return ERR_OK;
}

bool persist_hash_is_uri(const char *uri, size_t len)
{
    static const struct {
        const char *behind_prefix;
        size_t hash_len; /* characters */
    } rows[] = {
        {"sha-256/", 43},  {"sha-384/", 64},     {"sha-512/", 86},     {"sha3-256/", 43},    {"sha3-384/", 64},
        {"sha3-512/", 86}, {"blake2s-256/", 43}, {"blake2b-256/", 43}, {"blake2b-512/", 86},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t name_len = strlen(rows[i].behind_prefix);
        const char *hash;
        if (len < name_len + rows[i].hash_len)
            continue;
        hash = uri + len - rows[i].hash_len;
        if (memcmp(hash - name_len, rows[i].behind_prefix, name_len) == 0 &&
            base64url_is_text(hash, rows[i].hash_len))
            return true;
    }
    return false;
}
