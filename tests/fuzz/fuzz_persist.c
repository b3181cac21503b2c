/* Records of dns-persist-01 from hostile octets. What is accepted can be built again, and that spelling reads back
 * as the same record; what is refused has a fault inside the text. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "core/persist.h"

static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static void check_inside(const char *part, size_t part_len, const char *text, size_t len)
{
    FUZZ_CHECK(part_len > 0 && part_len <= len);
    FUZZ_CHECK(part >= text && part <= text + (len - part_len));
}

static void check_again(struct persist p)
{
    char out[PERSIST_TEXT_MAX];
    size_t len;
    struct persist again;
    struct text_fault fault;

    if (p.until_s > PERSIST_UNTIL_MAX_S) {
        FUZZ_CHECK(p.policy == PERSIST_POLICY_UNKNOWN || persist_build(out, &len, &p, &fault) == ERR_RANGE);
        return;
    }
    if (p.policy == PERSIST_POLICY_UNKNOWN)
        p.policy = PERSIST_POLICY_NONE;
    FUZZ_CHECK(persist_build(out, &len, &p, &fault) == ERR_OK);
    FUZZ_CHECK(len == strlen(out));
    FUZZ_CHECK(persist_parse(&again, out, len, &fault) == ERR_OK);
    FUZZ_CHECK(same_text(p.issuer, p.issuer_len, again.issuer, again.issuer_len));
    FUZZ_CHECK(same_text(p.account_uri, p.account_uri_len, again.account_uri, again.account_uri_len));
    FUZZ_CHECK(p.form == again.form && p.policy == again.policy && p.until_s == again.until_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    struct text_fault fault = {0};
    char told[TEXT_FAULT_TEXT_MAX];
    struct persist p;
    enum err e = persist_parse(&p, text, len, &fault);

    FUZZ_CHECK(e == ERR_OK || e == ERR_SYNTAX || e == ERR_RANGE);
    if (e != ERR_OK) {
        FUZZ_CHECK(fault.offset <= len && fault.part != NULL && fault.what != NULL && fault.accepted != NULL);
        FUZZ_CHECK(strlen(text_fault_format(&fault, told)) > 0);
        return 0;
    }
    FUZZ_CHECK(fault.part == NULL && p.until_s >= PERSIST_NO_END);
    check_inside(p.issuer, p.issuer_len, text, len);
    check_inside(p.account_uri, p.account_uri_len, text, len);
    check_again(p);
    return 0;
}
