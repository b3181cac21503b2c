/* Names from hostile octets: as a message with a name at the offset that the first two octets give, and as text.
 * What is accepted is a well-formed name that survives formatting and parsing. */
#include "fuzz.h"

#include <string.h>

#include "base/wire.h"
#include "core/name.h"

/* Labels, lengths and zeros behind, as the header promises. */
static void check_name(const struct name *n)
{
    size_t at = 0;

    FUZZ_CHECK(n->len >= 1 && n->len <= NAME_MAX_LEN);
    while (n->b[at] != 0) {
        FUZZ_CHECK(n->b[at] <= NAME_LABEL_MAX);
        at += (size_t)n->b[at] + 1;
        FUZZ_CHECK(at < n->len);
    }
    FUZZ_CHECK(at + 1 == n->len);
    for (at = n->len; at < sizeof n->b; at++)
        FUZZ_CHECK(n->b[at] == 0);
}

static void check_text(const struct name *n)
{
    char text[NAME_TEXT_MAX];
    struct name again;

    name_format(n, text);
    FUZZ_CHECK(name_parse(&again, text, strlen(text)) == ERR_OK);
    check_name(&again);
    FUZZ_CHECK(again.len == n->len && memcmp(again.b, n->b, n->len) == 0);
}

static void decode(const uint8_t *data, size_t len)
{
    struct wire_reader r;
    struct name n;

    if (len < 2)
        return;
    wire_reader_init(&r, data, len);
    (void)wire_get_bytes(&r, wire_get_u16(&r));
    if (r.err != ERR_OK)
        return;
    if (name_decode(&r, &n) != ERR_OK) {
        FUZZ_CHECK(r.err != ERR_OK && wire_left(&r) == 0);
        return;
    }
    check_name(&n);
    check_text(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct name n;

    decode(data, len);
    if (len > 0 && name_parse(&n, (const char *)data, len) == ERR_OK) {
        check_name(&n);
        check_text(&n);
    }
    return 0;
}
