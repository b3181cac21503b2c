/* Replies of name servers, as the checks and hooks read them: whatever comes, records lie inside of the message and
 * names are well formed; and what CAA records say is judged without looking past them. */
#include "fuzz.h"

#include <string.h>

#include "cli/check_internal.h"

#define RECORDS_MAX 64

static void look_at(const struct lookup_reply *r, const struct lookup_record *rec)
{
    char text[NAME_TEXT_MAX], txt[512];
    struct addr addr;
    size_t len;

    FUZZ_CHECK(rec->owner.len >= 1 && rec->owner.len <= NAME_MAX_LEN);
    FUZZ_CHECK(strlen(name_format(&rec->owner, text)) < sizeof text);
    FUZZ_CHECK(rec->rdata >= r->message);
    if (rec->target.len > 0)
        FUZZ_CHECK(strlen(name_format(&rec->target, text)) < sizeof text);
    if (lookup_txt(rec, txt, sizeof txt, &len))
        FUZZ_CHECK(len < rec->rdata_len && len <= sizeof txt);
    if (lookup_address(rec, &addr) == ERR_OK)
        FUZZ_CHECK(addr.family == ADDR_V4 || addr.family == ADDR_V6);
}

static void judge(const struct lookup_reply *r)
{
    struct rdata set[RECORDS_MAX];
    struct authority_names ca;
    struct caa_judgement j;
    const struct lookup_record *rec;
    size_t at = 0, n = 0;

    while (n < RECORDS_MAX && (rec = lookup_next(r, LOOKUP_ANSWER, NULL, RR_CAA, &at)) != NULL)
        set[n++] = (struct rdata){rec->rdata, rec->rdata_len};
    FUZZ_CHECK(authority_find(&ca, "letsencrypt") == ERR_OK);
    caa_judge(&j, set, n, &ca, CHECK_PLAIN);
    FUZZ_CHECK(n > 0 || j.verdict == CAA_PERMITTED);
    FUZZ_CHECK(strlen(j.record) < sizeof j.record && strlen(j.account) < sizeof j.account);
    caa_judge(&j, set, n, &ca, CHECK_WILDCARD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char name[] = "_acme-challenge.auth.example.org";
    struct lookup_question q = {.type = RR_TXT};
    struct lookup_reply *r;

    FUZZ_CHECK(name_parse(&q.name, name, strlen(name)) == ERR_OK);
    if (lookup_parse(&r, data, len, 0x1234, &q) != LOOKUP_ANSWERED) {
        FUZZ_CHECK(r == NULL);
        return 0;
    }
    FUZZ_CHECK(r->n <= LOOKUP_RECORDS_MAX && (r->n == 0 || len >= 12 + 11 * r->n));
    for (size_t i = 0; i < r->n; i++)
        look_at(r, &r->record[i]);
    judge(r);
    lookup_reply_free(r);
    return 0;
}
