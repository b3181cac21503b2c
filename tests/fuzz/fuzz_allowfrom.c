/* Whatever a database has as AllowFrom: never more networks than fit, and open to everybody only when it says so.
 */
#include "fuzz.h"

#include <string.h>

#include "db/import_acmedns_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct import_text text = {.text = (const char *)data, .len = len};
    struct allowfrom out;

    allowfrom_parse(&out, &text);
    FUZZ_CHECK(out.n_networks <= IMPORT_NETWORKS_MAX);
    FUZZ_CHECK((out.kind == ALLOWFROM_LIST) == (out.n_networks > 0));
    FUZZ_CHECK(strlen(out.bad) < sizeof out.bad && strlen(out.suggestion) < sizeof out.suggestion);
    if (out.kind == ALLOWFROM_OPEN) {
        FUZZ_CHECK(out.n_bad == 0);
        FUZZ_CHECK(memchr(data, '[', len) != NULL || memchr(data, 'n', len) != NULL);
    }
    return 0;
}
