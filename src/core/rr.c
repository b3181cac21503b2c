#include "core/rr.h"

#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "base/text.h"

static const struct {
    uint16_t type;
    const char *word;
} words[] = {
    {RR_A, "A"},           {RR_NS, "NS"},       {RR_CNAME, "CNAME"}, {RR_SOA, "SOA"},     {RR_PTR, "PTR"},
    {RR_HINFO, "HINFO"},   {RR_MX, "MX"},       {RR_TXT, "TXT"},     {RR_AAAA, "AAAA"},   {RR_SRV, "SRV"},
    {RR_DNAME, "DNAME"},   {RR_OPT, "OPT"},     {RR_DS, "DS"},       {RR_RRSIG, "RRSIG"}, {RR_NSEC, "NSEC"},
    {RR_DNSKEY, "DNSKEY"}, {RR_NSEC3, "NSEC3"}, {RR_SVCB, "SVCB"},   {RR_HTTPS, "HTTPS"}, {RR_NXNAME, "NXNAME"},
    {RR_TKEY, "TKEY"},     {RR_TSIG, "TSIG"},   {RR_IXFR, "IXFR"},   {RR_AXFR, "AXFR"},   {RR_MAILB, "MAILB"},
    {RR_MAILA, "MAILA"},   {RR_ANY, "ANY"},     {RR_CAA, "CAA"},
};

const char *rr_type_format(uint16_t type, char out[RR_TYPE_TEXT_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].type == type) {
            (void)snprintf(out, RR_TYPE_TEXT_MAX, "%s", words[i].word);
            return out;
        }
    }
    (void)snprintf(out, RR_TYPE_TEXT_MAX, "TYPE%u", (unsigned)type);
    return out;
}

enum err rr_type_parse(uint16_t *out, const char *text, size_t len)
{
    static const char prefix[] = "TYPE"; /* RFC 3597 section 5 */
    const size_t prefix_len = sizeof(prefix) - 1;
    uint64_t number;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_equal_nocase(text, len, words[i].word, strlen(words[i].word))) {
            *out = words[i].type;
            return ERR_OK;
        }
    }
    if (len <= prefix_len || !text_equal_nocase(text, prefix_len, prefix, prefix_len) ||
        quantity_parse_uint(&number, text + prefix_len, len - prefix_len, UINT16_MAX) != ERR_OK)
        return ERR_SYNTAX;
    *out = (uint16_t)number;
    return ERR_OK;
}
