/* Hostile octets as the effects of a journal entry: what decodes must encode to the same octets. The first octet is
 * the format that the entry claims to be in. */
#include "fuzz.h"

#include <string.h>

#include "core/effect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct entry e;
    enum err err;

    if (len < 1)
        return 0;
    entry_init(&e);
    err = effects_decode(&e, data[0], data + 1, len - 1);
    if (err == ERR_OK) {
        uint8_t *bytes = NULL;
        size_t n = 0;

        FUZZ_CHECK(effects_encode(&e, &bytes, &n) == ERR_OK);
        FUZZ_CHECK(n == len - 1 && memcmp(bytes, data + 1, n) == 0);
        free(bytes);
    } else {
        FUZZ_CHECK(e.n_effects == 0);
    }
    entry_fini(&e);
    return 0;
}
