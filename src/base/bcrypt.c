#include "base/bcrypt.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define COST_AT 4 /* "$2a$" */
#define SALT_AT 7 /* "$2a$10$" */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* bcrypt's own base64: "./A-Za-z0-9". */
static bool is_in_alphabet(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '.' && c <= '9');
}

bool bcrypt_is_hash(const char *text, size_t len)
{
    int cost;

    if (len != BCRYPT_TEXT_LEN || memcmp(text, "$2", 2) != 0 || strchr("aby", text[2]) == NULL || text[2] == '\0' ||
        text[3] != '$' || !is_digit(text[COST_AT]) || !is_digit(text[COST_AT + 1]) || text[SALT_AT - 1] != '$')
        return false;
    cost = (text[COST_AT] - '0') * 10 + text[COST_AT + 1] - '0';
    if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
        return false;
    for (size_t i = SALT_AT; i < len; i++)
        if (!is_in_alphabet(text[i]))
            return false;
    return true;
}

enum err bcrypt_check(const char *secret, const char *hash, bool *is_right)
{
    struct crypt_data *data = calloc(1, sizeof *data); /* 32 KiB: too much for some stacks */
    const char *made;
    enum err e = ERR_OK;

    *is_right = false;
    if (data == NULL)
        return ERR_MEMORY;
    made = crypt_r(secret, hash, data);
    /* A failure is NULL or a text that begins with '*' (crypt(3)). */
    if (made == NULL || made[0] == '*')
        e = ERR_CRYPTO;
    else
        *is_right = strlen(made) == BCRYPT_TEXT_LEN && crypto_equal(made, hash, BCRYPT_TEXT_LEN);
    crypto_wipe(data, sizeof *data);
    free(data);
    return e;
}
