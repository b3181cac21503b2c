#include "core/account_label.h"

#include <stdint.h>
#include <string.h>

#include "base/crypto.h"
#include "core/account_url.h"

#define HASH_LEN_USED 10 /* octets: two groups of 40 bits, so that base32 has nothing to pad */
#define GROUP_LEN     5  /* octets in a group of base32, which is 8 characters */
#define GROUP_CHARS   8

/* out: HASH_LEN_USED * 8 / 5 characters, no NUL. */
static void encode_base32(char *out, const uint8_t bytes[HASH_LEN_USED])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

    for (size_t group = 0; group < HASH_LEN_USED; group += GROUP_LEN) {
        uint64_t bits = 0;
        for (size_t i = 0; i < GROUP_LEN; i++)
            bits = bits << 8 | bytes[group + i];
        for (size_t i = GROUP_CHARS; i-- > 0;)
            *out++ = alphabet[bits >> (5 * i) & 0x1f];
    }
}

enum err account_label_from_url(struct account_label *out, const char *url, size_t len, struct text_fault *fault)
{
    static const char behind[] = "._acme-challenge";
    uint8_t hash[SHA256_LEN];
    enum err e = account_url_check(url, len, fault);

    if (e == ERR_OK)
        e = crypto_sha256(hash, url, len);
    if (e != ERR_OK)
        return e;
    out->label[0] = '_';
    encode_base32(out->label + 1, hash);
    out->label[ACCOUNT_LABEL_LEN] = '\0';
    _Static_assert(ACCOUNT_LABEL_LEN + sizeof behind == sizeof out->prefix, "label, dot and _acme-challenge");
    memcpy(out->prefix, out->label, ACCOUNT_LABEL_LEN);
    memcpy(out->prefix + ACCOUNT_LABEL_LEN, behind, sizeof behind);
    return ERR_OK;
}
