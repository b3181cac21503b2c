/* Files of riposte apply from hostile octets: what is refused has at least one line that says why; what is accepted
 * has a body that is written and read back as the same, with an account in each row. */
#include "fuzz.h"

#include <string.h>

#include "cli/accounts_file.h"

static void check_body(json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_t *again = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *accounts = json_object_get(body, "accounts");
    json_t *account;
    size_t i;

    FUZZ_CHECK(again != NULL && json_equal(body, again));
    FUZZ_CHECK(json_is_array(accounts));
    json_array_foreach(accounts, i, account) FUZZ_CHECK(json_is_string(json_object_get(account, "account")));
    json_decref(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char place[ACCOUNTS_PLACE_MAX];
    struct accounts_file *f;
    struct text report;
    json_t *body;

    text_init(&report, (size_t)16 << 20);
    FUZZ_CHECK(accounts_file_parse(&f, "f", (const char *)data, len, &report) == ERR_OK);
    FUZZ_CHECK((f == NULL) == (report.len > 0));
    if (f != NULL) {
        body = accounts_file_body(f);
        check_body(body);
        json_decref(body);
        FUZZ_CHECK(accounts_file_place(f, "accounts[0].names[0]: x", place));
    }
    accounts_file_free(f);
    text_fini(&report);
    return 0;
}
