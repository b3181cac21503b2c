#include "core/secret.h"

#include <assert.h>
#include <string.h>

#include "base/base64url.h"

#define SECRET_BYTES     30
#define TOKEN_PREFIX_LEN (sizeof TOKEN_PREFIX - 1)

static_assert((SECRET_BYTES * 4 + 2) / 3 == SECRET_TEXT_LEN, "240 bits are 40 characters");
static_assert(TOKEN_PREFIX_LEN + SECRET_TEXT_LEN == TOKEN_TEXT_LEN, "a token is a prefix and a secret");

enum err secret_make(char text[SECRET_TEXT_LEN + 1], secret_random *random)
{
    uint8_t bytes[SECRET_BYTES];
    enum err e = random(bytes, sizeof bytes);

    text[0] = '\0';
    if (e == ERR_OK)
        (void)base64url_encode(text, bytes, sizeof bytes);
    crypto_wipe(bytes, sizeof bytes);
    return e;
}

enum err token_make(char text[TOKEN_TEXT_LEN + 1], secret_random *random)
{
    enum err e = secret_make(text + TOKEN_PREFIX_LEN, random);

    if (e == ERR_OK)
        memcpy(text, TOKEN_PREFIX, TOKEN_PREFIX_LEN);
    else
        text[0] = '\0';
    return e;
}

enum err secret_hash(uint8_t out[SHA256_LEN], const char *text)
{
    return crypto_sha256(out, text, strlen(text));
}
