#include "base/hmac.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>

static const struct {
    const char *digest; /* as OpenSSL calls it */
    size_t len;
    bool needed;
} algorithms[HMAC_ALGORITHMS] = {
    [HMAC_SHA256] = {"SHA2-256", 32, true}, [HMAC_SHA384] = {"SHA2-384", 48, true},
    [HMAC_SHA512] = {"SHA2-512", 64, true}, [HMAC_SHA224] = {"SHA2-224", 28, false},
    [HMAC_SHA1] = {"SHA1", 20, false},      [HMAC_MD5] = {"MD5", 16, false},
};

/* Written under pthread_once, constant from then on, kept until the process ends. */
static struct {
    EVP_MAC *hmac;
    bool is_there[HMAC_ALGORITHMS];
} fetched;

size_t hmac_len(enum hmac_algorithm algorithm)
{
    assert((unsigned)algorithm < HMAC_ALGORITHMS);
    return algorithms[algorithm].len;
}

static void fetch(void)
{
    fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    for (size_t i = 0; i < HMAC_ALGORITHMS; i++) {
        EVP_MD *md = EVP_MD_fetch(NULL, algorithms[i].digest, NULL);

        fetched.is_there[i] = md != NULL;
        EVP_MD_free(md);
    }
}

enum err hmac_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (pthread_once(&once, fetch) != 0 || fetched.hmac == NULL)
        return ERR_CRYPTO;
    for (size_t i = 0; i < HMAC_ALGORITHMS; i++)
        if (algorithms[i].needed && !fetched.is_there[i])
            return ERR_CRYPTO;
    return ERR_OK;
}

enum err hmac_compute(uint8_t out[HMAC_LEN_MAX], enum hmac_algorithm algorithm, const uint8_t *key, size_t key_len,
                      const struct hmac_part *parts, size_t n)
{
    char *digest = (char *)(uintptr_t)algorithms[algorithm].digest; /* only read: OSSL_PARAM has no const */
    OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                            OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *context;
    size_t len = 0;
    bool done;

    assert(fetched.hmac != NULL && (unsigned)algorithm < HMAC_ALGORITHMS);
    if (!fetched.is_there[algorithm])
        return ERR_CRYPTO;
    context = EVP_MAC_CTX_new(fetched.hmac);
    done = context != NULL && EVP_MAC_init(context, key, key_len, params) == 1;
    for (size_t i = 0; done && i < n; i++)
        done = EVP_MAC_update(context, parts[i].bytes, parts[i].len) == 1;
    done = done && EVP_MAC_final(context, out, &len, HMAC_LEN_MAX) == 1 && len == algorithms[algorithm].len;
    EVP_MAC_CTX_free(context);
    return done ? ERR_OK : ERR_CRYPTO;
}
