/* Fetching an algorithm takes locks and searches providers, hence once. What is fetched is the one mutable datum of
 * this file: written under pthread_once, constant from then on, kept until the process ends. */
#include "base/crypto.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/hmac.h"

static struct {
    EVP_MD *sha256;
    pthread_key_t context_key; /* EVP_MD_CTX of the thread, freed when it ends */
} fetched;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void fetch(void)
{
    if (pthread_key_create(&fetched.context_key, free_context) != 0)
        return;
    fetched.sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL); /* NULL is how crypto_init() learns of a failure */
}

enum err crypto_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (pthread_once(&once, fetch) != 0 || fetched.sha256 == NULL || RAND_status() != 1)
        return ERR_CRYPTO;
    return hmac_init();
}

enum err crypto_random(void *out, size_t len)
{
    if (len == 0 || RAND_bytes_ex(NULL, out, len, 0) == 1)
        return ERR_OK;
    memset(out, 0, len);
    return ERR_CRYPTO;
}

/* The calling thread's context, made at its first use; NULL without memory. */
static EVP_MD_CTX *thread_context(void)
{
    EVP_MD_CTX *context = pthread_getspecific(fetched.context_key);

    if (context != NULL)
        return context;
    context = EVP_MD_CTX_new();
    if (context != NULL && pthread_setspecific(fetched.context_key, context) != 0) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return context;
}

enum err crypto_sha256(uint8_t out[SHA256_LEN], const void *bytes, size_t len)
{
    EVP_MD_CTX *context;

    assert(fetched.sha256 != NULL); /* crypto_init() was called and its result looked at */
    context = thread_context();
    if (context == NULL || EVP_DigestInit_ex2(context, fetched.sha256, NULL) != 1 ||
        EVP_DigestUpdate(context, bytes, len) != 1 || EVP_DigestFinal_ex(context, out, NULL) != 1)
        return ERR_CRYPTO;
    return ERR_OK;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *bytes, size_t len)
{
    if (len > 0)
        OPENSSL_cleanse(bytes, len);
}
