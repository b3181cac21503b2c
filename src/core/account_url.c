#include "core/account_url.h"

#include "base/text.h"

static const char scheme[] = "https://";

#define SCHEME_LEN (sizeof scheme - 1)

static enum err fail(struct text_fault *fault, enum err e, const char *what, size_t offset)
{
    *fault = (struct text_fault){
        .part = "account URL",
        .what = what,
        .accepted = "the https:// URL that the CA gave to the account (Location of newAccount), exactly as it is, "
                    "in at most 1024 printable ASCII characters without blanks",
        .offset = offset,
    };
    return e;
}

static bool ends_host(char c)
{
    return c == '/' || c == '?' || c == '#'; /* RFC 3986 section 3.2 */
}

enum err account_url_check(const char *url, size_t len, struct text_fault *fault)
{
    if (len == 0)
        return fail(fault, ERR_SYNTAX, "nothing", 0);
    if (len > ACCOUNT_URL_LEN_MAX)
        return fail(fault, ERR_RANGE, "too long", ACCOUNT_URL_LEN_MAX);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)url[i];
        if (c == ' ' || c == '\t')
            return fail(fault, ERR_SYNTAX, "a blank", i);
        if (c < 0x21 || c > 0x7e)
            return fail(fault, ERR_SYNTAX, "an octet that is not printable ASCII", i);
    }
    if (len < SCHEME_LEN || !text_equal_nocase(url, SCHEME_LEN, scheme, SCHEME_LEN))
        return fail(fault, ERR_SYNTAX, "no https://", 0);
    if (len == SCHEME_LEN || ends_host(url[SCHEME_LEN]))
        return fail(fault, ERR_SYNTAX, "no host", SCHEME_LEN);
    return ERR_OK;
}
