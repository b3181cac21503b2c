#include "base/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/crypto.h"

#define FORMAT    1 /* the first octet; then nonce, ciphertext, tag */
#define NONCE_AT  1
#define CIPHER_AT (NONCE_AT + SEAL_NONCE_LEN)

enum err seal_close(uint8_t *out, const struct seal_key *key, const void *context, size_t context_len,
                    const void *plain, size_t len)
{
    EVP_CIPHER_CTX *c;
    int n = 0, ignored = 0;
    bool done;

    if (len > INT_MAX || context_len > INT_MAX || crypto_random(out + NONCE_AT, SEAL_NONCE_LEN) != ERR_OK)
        return ERR_CRYPTO;
    out[0] = FORMAT;
    c = EVP_CIPHER_CTX_new();
    done = c != NULL && EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key->bytes, out + NONCE_AT, NULL) == 1 &&
           EVP_EncryptUpdate(c, NULL, &ignored, context, (int)context_len) == 1 &&
           EVP_EncryptUpdate(c, out + CIPHER_AT, &n, plain, (int)len) == 1 && (size_t)n == len &&
           EVP_EncryptFinal_ex(c, out + CIPHER_AT + len, &ignored) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_LEN, out + CIPHER_AT + len) == 1;
    EVP_CIPHER_CTX_free(c);
    return done ? ERR_OK : ERR_CRYPTO;
}

enum err seal_open(uint8_t *out, const struct seal_key *key, const void *context, size_t context_len,
                   const uint8_t *sealed, size_t sealed_len)
{
    uint8_t tag[SEAL_TAG_LEN];
    EVP_CIPHER_CTX *c;
    size_t len;
    int n = 0;
    bool ready, right;

    if (sealed_len < SEAL_OVERHEAD || sealed_len > INT_MAX || context_len > INT_MAX)
        return ERR_CORRUPT;
    if (sealed[0] != FORMAT)
        return ERR_VERSION;
    len = sealed_len - SEAL_OVERHEAD;
    memcpy(tag, sealed + CIPHER_AT + len, sizeof tag);
    c = EVP_CIPHER_CTX_new();
    ready = c != NULL && EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key->bytes, sealed + NONCE_AT, NULL) == 1 &&
            EVP_DecryptUpdate(c, NULL, &n, context, (int)context_len) == 1 &&
            EVP_DecryptUpdate(c, out, &n, sealed + CIPHER_AT, (int)len) == 1 &&
            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LEN, tag) == 1;
    right = ready && EVP_DecryptFinal_ex(c, out + len, &n) == 1;
    EVP_CIPHER_CTX_free(c);
    if (right)
        return ERR_OK;
    crypto_wipe(out, len);
    return ready ? ERR_CORRUPT : ERR_CRYPTO;
}
