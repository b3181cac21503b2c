#include "core/tsig_key.h"

#include <assert.h>
#include <string.h>

#include "base/base64url.h"
#include "base/crypto.h"
#include "core/effect.h"

static_assert(TSIG_SEALED_LEN <= SECRET_DATA_MAX, "a sealed key is kept like any secret");
static_assert((TSIG_KEY_LEN + 2) / 3 * 4 == TSIG_KEY_TEXT_LEN, "256 bits are 43 characters and one of padding");
static_assert(TSIG_KEY_TEXT_LEN <= TOKEN_TEXT_LEN, "a result has room for it");

/* What a key is sealed for, so that nobody who can write the database moves it to another credential. */
struct purpose {
    char bytes[sizeof "riposte tsig " - 1 + sizeof(((struct uuid *)0)->b)];
};

static struct purpose purpose_of(const struct uuid *credential)
{
    static const char what[] = "riposte tsig ";
    struct purpose p;

    memcpy(p.bytes, what, sizeof what - 1);
    memcpy(p.bytes + sizeof what - 1, credential->b, sizeof credential->b);
    return p;
}

/* The alphabet of RFC 4648 section 4 instead of section 5, and padding. */
static void encode(char text[TSIG_KEY_TEXT_LEN + 1], const uint8_t key[TSIG_KEY_LEN])
{
    size_t len = base64url_encode(text, key, TSIG_KEY_LEN);

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '-')
            text[i] = '+';
        else if (text[i] == '_')
            text[i] = '/';
    }
    memset(text + len, '=', TSIG_KEY_TEXT_LEN - len);
    text[TSIG_KEY_TEXT_LEN] = '\0';
}

enum err tsig_key_make(char text[TSIG_KEY_TEXT_LEN + 1], uint8_t sealed[TSIG_SEALED_LEN],
                       const struct seal_key *seal, const struct uuid *credential, secret_random *random)
{
    struct purpose purpose = purpose_of(credential);
    uint8_t key[TSIG_KEY_LEN];
    enum err e = random(key, sizeof key);

    text[0] = '\0';
    if (e == ERR_OK)
        e = seal_close(sealed, seal, purpose.bytes, sizeof purpose.bytes, key, sizeof key);
    if (e == ERR_OK)
        encode(text, key);
    crypto_wipe(key, sizeof key);
    return e;
}

enum err tsig_key_open(uint8_t key[TSIG_KEY_LEN], const struct seal_key *seal, const struct uuid *credential,
                       const uint8_t *sealed, size_t len)
{
    struct purpose purpose = purpose_of(credential);

    if (len != TSIG_SEALED_LEN)
        return ERR_CORRUPT;
    return seal_open(key, seal, purpose.bytes, sizeof purpose.bytes, sealed, len);
}
