#include "core/persist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crypto.h"
#include "core/persist_hash.h"

#define URI    "https://ca.example/acct/123"
#define HASHED "https://ca.example/account-hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define THUMB  "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" /* RFC 7638 section 3.1 */

static int setup(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}

static struct persist record_of(const char *issuer, const char *uri)
{
    return (struct persist){
        .issuer = issuer,
        .issuer_len = strlen(issuer),
        .account_uri = uri,
        .account_uri_len = strlen(uri),
        .until_s = PERSIST_NO_END,
    };
}

static void assert_text(const char *bytes, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(bytes, expected, len);
}

/* The texts are the examples of draft-ietf-acme-dns-persist-00 to -02, section 10, and of Let's Encrypt's tests. */
static const struct {
    const char *issuer, *uri;
    enum persist_form form;
    enum persist_policy policy;
    int64_t until_s;
    const char *text;
} published[] = {
    {"authority.example", URI, PERSIST_FORM_OPEN, PERSIST_POLICY_NONE, PERSIST_NO_END,
     "authority.example; accounturi=" URI},
    {"authority.example", URI, PERSIST_FORM_OPEN, PERSIST_POLICY_WILDCARD, PERSIST_NO_END,
     "authority.example; accounturi=" URI "; policy=wildcard"},
    {"authority.example", URI, PERSIST_FORM_OPEN, PERSIST_POLICY_NONE, 1721952000,
     "authority.example; accounturi=" URI "; persistUntil=1721952000"},
    {"authority.example", URI, PERSIST_FORM_OPEN, PERSIST_POLICY_WILDCARD, 1721952000,
     "authority.example; accounturi=" URI "; policy=wildcard; persistUntil=1721952000"},
    {"authority.example", HASHED, PERSIST_FORM_HASHED, PERSIST_POLICY_NONE, PERSIST_NO_END,
     "authority.example; accounturi=" HASHED},
    {"authority.example", HASHED, PERSIST_FORM_HASHED, PERSIST_POLICY_WILDCARD, PERSIST_NO_END,
     "authority.example; accounturi=" HASHED "; policy=wildcard"},
    {"authority.example", HASHED, PERSIST_FORM_HASHED, PERSIST_POLICY_NONE, 1721952000,
     "authority.example; accounturi=" HASHED "; persistUntil=1721952000"},
    {"authority.example", HASHED, PERSIST_FORM_HASHED, PERSIST_POLICY_WILDCARD, 1721952000,
     "authority.example; accounturi=" HASHED "; policy=wildcard; persistUntil=1721952000"},
    {"ca1.example", "https://ca1.example/account-hash/sha-256/wjZNvLpIgf7zrr9KQo7zCLaG2Ea67KS4o4cAwSepsls",
     PERSIST_FORM_HASHED, PERSIST_POLICY_WILDCARD, PERSIST_NO_END,
     "ca1.example; accounturi=https://ca1.example/account-hash/sha-256/"
     "wjZNvLpIgf7zrr9KQo7zCLaG2Ea67KS4o4cAwSepsls; policy=wildcard"},
    {"letsencrypt.org", "http://letsencrypt.org:4000/acme/reg/1", PERSIST_FORM_OPEN, PERSIST_POLICY_NONE, 0,
     "letsencrypt.org; accounturi=http://letsencrypt.org:4000/acme/reg/1; persistUntil=0"},
    {"xn--bcher-kva.example", "urn:uuid:8e5700ea-a4bf-41c7-8a77-e990661dcc6a", PERSIST_FORM_OPEN,
     PERSIST_POLICY_NONE, PERSIST_UNTIL_MAX_S,
     "xn--bcher-kva.example; accounturi=urn:uuid:8e5700ea-a4bf-41c7-8a77-e990661dcc6a; persistUntil=253402300799"},
    {"a", "a:b", PERSIST_FORM_OPEN, PERSIST_POLICY_NONE, PERSIST_NO_END, "a; accounturi=a:b"},
};

static void a_record_is_built_as_the_drafts_write_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(published); i++) {
        struct persist p = record_of(published[i].issuer, published[i].uri);
        struct text_fault fault;
        char out[PERSIST_TEXT_MAX];
        size_t len;
        p.policy = published[i].policy;
        p.until_s = published[i].until_s;
        assert_int_equal(persist_build(out, &len, &p, &fault), ERR_OK);
        assert_string_equal(out, published[i].text);
        assert_int_equal(len, strlen(out));
    }
}

static void what_was_built_is_read_back_in_its_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(published); i++) {
        struct persist p;
        struct text_fault fault = {.part = "untouched"};
        assert_int_equal(persist_parse(&p, published[i].text, strlen(published[i].text), &fault), ERR_OK);
        assert_text(p.issuer, p.issuer_len, published[i].issuer);
        assert_text(p.account_uri, p.account_uri_len, published[i].uri);
        assert_int_equal(p.form, published[i].form);
        assert_int_equal(p.policy, published[i].policy);
        assert_int_equal(p.until_s, published[i].until_s);
        assert_string_equal(fault.part, "untouched");
    }
}

static void other_spellings_that_cas_take_are_read(void **state)
{
    static const struct {
        const char *text;
        enum persist_policy policy;
        int64_t until_s;
    } rows[] = {
        {"ca.example;accounturi=" URI, PERSIST_POLICY_NONE, PERSIST_NO_END},
        {"  ca.example  ;  accounturi  =  " URI "  ;\tpolicy\t=\twildcard\t;  persistUntil  =  4102444800  ",
         PERSIST_POLICY_WILDCARD, 4102444800},
        {"ca.example;ACCOUNTURI=" URI ";pOlIcY=wIlDcArD;PERSISTUNTIL=17", PERSIST_POLICY_WILDCARD, 17},
        {"ca.example;persistUntil=1;policy=wildcard;accounturi=" URI, PERSIST_POLICY_WILDCARD, 1},
        {"ca.example;accounturi=" URI ";policy=notwildcard", PERSIST_POLICY_UNKNOWN, PERSIST_NO_END},
        {"ca.example;accounturi=" URI ";policy=", PERSIST_POLICY_UNKNOWN, PERSIST_NO_END},
        {"ca.example;accounturi=" URI ";foo=bar;a-b=c=d;f1=", PERSIST_POLICY_NONE, PERSIST_NO_END},
        {"ca.example;accounturi=" URI ";persistUntil=007", PERSIST_POLICY_NONE, 7},
        {"ca.example;accounturi=" URI ";persistUntil=000", PERSIST_POLICY_NONE, 0},
        {"ca.example;accounturi=" URI ";persistUntil=9223372036854775807", PERSIST_POLICY_NONE, INT64_MAX},
        {"ca.example;a=;b=;c=;d=;e=;f=;g=;h=;i=;j=;k=;l=;m=;n=;o=;accounturi=" URI, PERSIST_POLICY_NONE,
         PERSIST_NO_END},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct persist p;
        struct text_fault fault;
        assert_int_equal(persist_parse(&p, rows[i].text, strlen(rows[i].text), &fault), ERR_OK);
        assert_text(p.issuer, p.issuer_len, "ca.example");
        assert_text(p.account_uri, p.account_uri_len, URI);
        assert_int_equal(p.form, PERSIST_FORM_OPEN);
        assert_int_equal(p.policy, rows[i].policy);
        assert_int_equal(p.until_s, rows[i].until_s);
    }
}

#define NOT_PRINTABLE "an octet that is not printable ASCII"
#define NO_CHARACTER  "a character that is no letter, digit or hyphen"
#define NO_TAG        "a character that no tag has there"

static void a_malformed_record_is_refused_with_part_reason_and_place(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        const char *part, *what;
        size_t offset;
    } rows[] = {
        {"", ERR_SYNTAX, "issuer", "nothing", 0},
        {"   ", ERR_SYNTAX, "issuer", "nothing", 3},
        {";accounturi=" URI, ERR_SYNTAX, "issuer", "nothing", 0},
        {"  ;accounturi=" URI, ERR_SYNTAX, "issuer", "nothing", 2},
        {"ca.example.;accounturi=" URI, ERR_SYNTAX, "issuer", "a final dot", 10},
        {" ca.Example;accounturi=" URI, ERR_SYNTAX, "issuer", "an upper-case letter", 4},
        {"ca..example;accounturi=" URI, ERR_SYNTAX, "issuer", "an empty label", 3},
        {".;accounturi=" URI, ERR_SYNTAX, "issuer", "an empty label", 0},
        {".ca;accounturi=" URI, ERR_SYNTAX, "issuer", "an empty label", 0},
        {"-ca.example", ERR_SYNTAX, "issuer", "a hyphen at the start of a label", 0},
        {"ca.-example", ERR_SYNTAX, "issuer", "a hyphen at the start of a label", 3},
        {"ca-.example", ERR_SYNTAX, "issuer", "a hyphen at the end of a label", 2},
        {"ca.example-", ERR_SYNTAX, "issuer", "a hyphen at the end of a label", 10},
        {"ca_1.example", ERR_SYNTAX, "issuer", NO_CHARACTER, 2},
        {"ca .example", ERR_SYNTAX, "issuer", NO_CHARACTER, 2},
        {"accounturi=" URI, ERR_SYNTAX, "issuer", NO_CHARACTER, 10},
        {"b\xc3\xbc.example", ERR_SYNTAX, "issuer", "a character that is not ASCII", 1},
        {"ca.example", ERR_SYNTAX, "record", "accounturi missing", 10},
        {"ca.example;policy=wildcard", ERR_SYNTAX, "record", "accounturi missing", 26},
        {"ca.example;", ERR_SYNTAX, "record", "a semicolon at the end", 10},
        {"ca.example;accounturi=a:b;", ERR_SYNTAX, "record", "a semicolon at the end", 25},
        {"ca.example;accounturi=a:b;  ", ERR_SYNTAX, "record", "a semicolon at the end", 25},
        {"ca.example;;accounturi=a:b", ERR_SYNTAX, "record", "an empty parameter", 10},
        {"ca.example; \t;accounturi=a:b", ERR_SYNTAX, "record", "an empty parameter", 10},
        {"ca.example;accounturi=a:b; invalid", ERR_SYNTAX, "record", "a parameter without =", 27},
        {"ca.example;accounturi=a:b;=abc", ERR_SYNTAX, "record", "no tag before =", 26},
        {"ca.example;accounturi=a:b; = abc", ERR_SYNTAX, "record", "no tag before =", 27},
        {"ca.example;accounturi=a:b;bad tag=1", ERR_SYNTAX, "record", NO_TAG, 29},
        {"ca.example;accounturi=a:b;\nweird=1", ERR_SYNTAX, "record", NO_TAG, 26},
        {"ca.example;accounturi=a:b;-a=1", ERR_SYNTAX, "record", NO_TAG, 26},
        {"ca.example;accounturi=a:b;a-=1", ERR_SYNTAX, "record", NO_TAG, 27},
        {"ca.example;accounturi=a:b;a_b=1", ERR_SYNTAX, "record", NO_TAG, 27},
        {"ca.example;accounturi=a:b;b\xc3\xbc=1", ERR_SYNTAX, "record", NO_TAG, 27},
        {"ca.example;accounturi=a:b;accounturi=a:b", ERR_SYNTAX, "record", "a tag for the second time", 26},
        {"ca.example;ACCOUNTURI=a:b;accounturi=c:d", ERR_SYNTAX, "record", "a tag for the second time", 26},
        {"ca.example;policy=a;policy=a", ERR_SYNTAX, "record", "a tag for the second time", 20},
        {"ca.example;persistUntil=1;persistuntil=1", ERR_SYNTAX, "record", "a tag for the second time", 26},
        {"ca.example;foo=1;accounturi=a:b;Foo=2", ERR_SYNTAX, "record", "a tag for the second time", 32},
        {"ca.example;a=;b=;c=;d=;e=;f=;g=;h=;i=;j=;k=;l=;m=;n=;o=;p=;accounturi=a:b", ERR_RANGE, "record",
         "too many parameters", 59},
        {"ca.example;accounturi=", ERR_SYNTAX, "accounturi", "nothing", 22},
        {"ca.example;accounturi= ; policy=a", ERR_SYNTAX, "accounturi", "nothing", 23},
        {"ca.example;accounturi=acct/123", ERR_SYNTAX, "accounturi", "no scheme such as https:", 22},
        {"ca.example;accounturi=123", ERR_SYNTAX, "accounturi", "no scheme such as https:", 22},
        {"ca.example;accounturi=1a:b", ERR_SYNTAX, "accounturi", "no scheme such as https:", 22},
        {"ca.example;accounturi=:b", ERR_SYNTAX, "accounturi", "no scheme such as https:", 22},
        {"ca.example;accounturi=https:", ERR_SYNTAX, "accounturi", "nothing behind the scheme", 28},
        {"ca.example;accounturi=a:b c", ERR_SYNTAX, "accounturi", "a blank", 25},
        {"ca.example;accounturi=a:\xc3\xbc", ERR_SYNTAX, "accounturi", NOT_PRINTABLE, 24},
        {"ca.example;accounturi=a:b;policy=wild card", ERR_SYNTAX, "value", "a blank", 37},
        {"ca.example;accounturi=a:b;new=one\ttwo", ERR_SYNTAX, "value", "a blank", 33},
        {"ca.example;accounturi=a:b;new=\x01", ERR_SYNTAX, "value", NOT_PRINTABLE, 30},
        {"ca.example;accounturi=a:b;new=\x7f", ERR_SYNTAX, "value", NOT_PRINTABLE, 30},
        {"ca.example;accounturi=a:b;persistUntil=soon", ERR_SYNTAX, "persistUntil", "no decimal number", 39},
        {"ca.example;accounturi=a:b;persistUntil=", ERR_SYNTAX, "persistUntil", "no decimal number", 39},
        {"ca.example;accounturi=a:b;persistUntil=-1", ERR_SYNTAX, "persistUntil", "no decimal number", 39},
        {"ca.example;accounturi=a:b;persistUntil=+1", ERR_SYNTAX, "persistUntil", "no decimal number", 39},
        {"ca.example;accounturi=a:b;persistUntil=1.5", ERR_SYNTAX, "persistUntil", "no decimal number", 39},
        {"ca.example;accounturi=a:b;persistUntil=2027-01-01", ERR_SYNTAX, "persistUntil", "no decimal number", 39},
        {"ca.example;accounturi=a:b;persistUntil=9223372036854775808", ERR_RANGE, "persistUntil",
         "too large a number", 39},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct persist p;
        struct text_fault fault = {0};
        assert_int_equal(persist_parse(&p, rows[i].text, strlen(rows[i].text), &fault), rows[i].e);
        assert_string_equal(fault.part, rows[i].part);
        assert_string_equal(fault.what, rows[i].what);
        assert_int_equal(fault.offset, rows[i].offset);
        assert_true(strlen(fault.accepted) > 0);
    }
}

static void a_record_text_needs_no_nul_and_a_nul_is_no_character(void **state)
{
    static const char text[] = "ca.example;accounturi=a:bc";
    static const char with_nul[] = "ca.example;accounturi=a:b\0c";
    struct persist p;
    struct text_fault fault;

    (void)state;
    assert_int_equal(persist_parse(&p, text, sizeof text - 2, &fault), ERR_OK);
    assert_text(p.account_uri, p.account_uri_len, "a:b");
    assert_int_equal(persist_parse(&p, with_nul, sizeof with_nul - 1, &fault), ERR_SYNTAX);
    assert_int_equal(fault.offset, 25);
    assert_int_equal(persist_parse(&p, NULL, 0, &fault), ERR_SYNTAX);
}

/* Labels of 63 letters up to len characters. */
static void fill_domain(char *out, size_t len)
{
    memset(out, 'a', len);
    for (size_t i = 63; i < len; i += 64)
        out[i] = '.';
    out[len] = '\0';
}

static void lengths_are_bounded(void **state)
{
    char text[PERSIST_LEN_MAX + 1];
    char domain[PERSIST_ISSUER_LEN_MAX + 2];
    char uri[PERSIST_URI_LEN_MAX + 2] = "https://ca.example/";
    char out[PERSIST_TEXT_MAX];
    size_t len;
    struct persist p, again;
    struct text_fault fault = {0};

    (void)state;
    memset(uri + strlen(uri), 'a', PERSIST_URI_LEN_MAX - strlen(uri));
    fill_domain(domain, PERSIST_ISSUER_LEN_MAX);
    p = record_of(domain, uri);
    p.policy = PERSIST_POLICY_WILDCARD;
    p.until_s = PERSIST_UNTIL_MAX_S;
    assert_int_equal(persist_build(out, &len, &p, &fault), ERR_OK);
    assert_int_equal(persist_parse(&again, out, len, &fault), ERR_OK);
    assert_text(again.issuer, again.issuer_len, domain);
    assert_text(again.account_uri, again.account_uri_len, uri);

    uri[PERSIST_URI_LEN_MAX] = 'a';
    p = record_of("ca.example", uri);
    assert_int_equal(persist_build(out, &len, &p, &fault), ERR_RANGE);
    assert_string_equal(fault.part, "accounturi");
    assert_int_equal(fault.offset, PERSIST_URI_LEN_MAX);

    fill_domain(domain, PERSIST_ISSUER_LEN_MAX + 1);
    p = record_of(domain, URI);
    assert_int_equal(persist_build(out, &len, &p, &fault), ERR_RANGE);
    assert_string_equal(fault.what, "too long");
    assert_int_equal(fault.offset, PERSIST_ISSUER_LEN_MAX);

    memset(domain, 'a', 64);
    p = record_of(domain, URI);
    p.issuer_len = 63;
    assert_int_equal(persist_build(out, &len, &p, &fault), ERR_OK);
    p.issuer_len = 64;
    assert_int_equal(persist_build(out, &len, &p, &fault), ERR_RANGE);
    assert_string_equal(fault.what, "a label over 63 characters");
    assert_int_equal(fault.offset, 63);

    memset(text, ' ', sizeof text);
    memcpy(text, "ca.example;accounturi=a:b", 25);
    assert_int_equal(persist_parse(&p, text, PERSIST_LEN_MAX, &fault), ERR_OK);
    assert_int_equal(persist_parse(&p, text, PERSIST_LEN_MAX + 1, &fault), ERR_RANGE);
    assert_string_equal(fault.what, "too long");
    assert_int_equal(fault.offset, PERSIST_LEN_MAX);
}

static void what_no_record_can_hold_is_not_built(void **state)
{
    static const struct {
        const char *issuer, *uri;
        int64_t until_s;
        enum err e;
        const char *part, *what;
        size_t offset;
    } rows[] = {
        {"", URI, PERSIST_NO_END, ERR_SYNTAX, "issuer", "nothing", 0},
        {"LetsEncrypt.org", URI, PERSIST_NO_END, ERR_SYNTAX, "issuer", "an upper-case letter", 0},
        {"letsencrypt.org.", URI, PERSIST_NO_END, ERR_SYNTAX, "issuer", "a final dot", 15},
        {"letsencrypt.org;", URI, PERSIST_NO_END, ERR_SYNTAX, "issuer", NO_CHARACTER, 15},
        {" letsencrypt.org", URI, PERSIST_NO_END, ERR_SYNTAX, "issuer", NO_CHARACTER, 0},
        {"ca.example", "", PERSIST_NO_END, ERR_SYNTAX, "accounturi", "nothing", 0},
        {"ca.example", "a:b; policy=wildcard", PERSIST_NO_END, ERR_SYNTAX, "accounturi",
         "a semicolon, which ends a value,", 3},
        {"ca.example", "a:b c", PERSIST_NO_END, ERR_SYNTAX, "accounturi", "a blank", 3},
        {"ca.example", "a:b\tc", PERSIST_NO_END, ERR_SYNTAX, "accounturi", "a blank", 3},
        {"ca.example", "a:b\n", PERSIST_NO_END, ERR_SYNTAX, "accounturi", NOT_PRINTABLE, 3},
        {"ca.example", "a:\xc3\xbc", PERSIST_NO_END, ERR_SYNTAX, "accounturi", NOT_PRINTABLE, 2},
        {"ca.example", "123", PERSIST_NO_END, ERR_SYNTAX, "accounturi", "no scheme such as https:", 0},
        {"ca.example", URI, -2, ERR_RANGE, "persistUntil", "a time before 1970", 0},
        {"ca.example", URI, INT64_MIN, ERR_RANGE, "persistUntil", "a time before 1970", 0},
        {"ca.example", URI, PERSIST_UNTIL_MAX_S + 1, ERR_RANGE, "persistUntil",
         "a time after the year 9999 (milliseconds?)", 0},
        {"ca.example", URI, INT64_MAX, ERR_RANGE, "persistUntil", "a time after the year 9999 (milliseconds?)", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct persist p = record_of(rows[i].issuer, rows[i].uri);
        struct text_fault fault = {0};
        char out[PERSIST_TEXT_MAX];
        size_t len;
        p.until_s = rows[i].until_s;
        assert_int_equal(persist_build(out, &len, &p, &fault), rows[i].e);
        assert_string_equal(fault.part, rows[i].part);
        assert_string_equal(fault.what, rows[i].what);
        assert_int_equal(fault.offset, rows[i].offset);
    }
}

static void a_fault_says_what_where_and_what_is_accepted(void **state)
{
    struct persist p;
    struct text_fault fault;
    char text[TEXT_FAULT_TEXT_MAX];

    (void)state;
    assert_int_equal(persist_parse(&p, "CA.example; accounturi=a:b", 26, &fault), ERR_SYNTAX);
    assert_string_equal(
        text_fault_format(&fault, text),
        "issuer: an upper-case letter at character 1; accepted: a domain name in lower case without "
        "final dot, such as letsencrypt.org, in at most 253 letters, digits and hyphens; other scripts "
        "as A-labels (xn--...)");
}

static void a_record_warns_before_its_end_and_has_ended_from_then_on(void **state)
{
    static const struct {
        int64_t until_s, now_s, within_s;
        enum persist_term term;
    } rows[] = {
        {PERSIST_NO_END, INT64_MAX, INT64_MAX, PERSIST_TERM_STANDS},
        {PERSIST_NO_END, 0, 0, PERSIST_TERM_STANDS},
        {1000, 999, 0, PERSIST_TERM_STANDS},
        {1000, 1000, 0, PERSIST_TERM_ENDED}, /* the fraction of this second is behind it */
        {1000, 1001, 0, PERSIST_TERM_ENDED},
        {1000, 899, 100, PERSIST_TERM_STANDS},
        {1000, 900, 100, PERSIST_TERM_ENDS_SOON},
        {1000, 999, 100, PERSIST_TERM_ENDS_SOON},
        {1000, 1000, 100, PERSIST_TERM_ENDED},
        {0, 0, 0, PERSIST_TERM_ENDED},
        {0, -1, 1, PERSIST_TERM_ENDS_SOON},
        {INT64_MAX, 1800000000, 100, PERSIST_TERM_STANDS},
        {INT64_MAX, INT64_MIN, INT64_MAX, PERSIST_TERM_STANDS},
        {0, INT64_MIN, INT64_MAX, PERSIST_TERM_STANDS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct persist p = record_of("ca.example", URI);
        p.until_s = rows[i].until_s;
        assert_int_equal(persist_term(&p, rows[i].now_s, rows[i].within_s), rows[i].term);
    }
}

/* Section 10.2 of -02; the third has no slash at the end of its prefix, which is the CA's affair. */
static void a_hashed_uri_is_what_the_draft_computes(void **state)
{
    static const struct {
        const char *prefix, *domain, *uri;
    } rows[] = {
        {"https://ca.example/account-hash/", "example.com", HASHED},
        {"https://ca.example/account-hash/", "*",
         "https://ca.example/account-hash/sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"},
        {"urn:x:", "example.com", "urn:x:sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct persist_hash in = {
            .prefix = rows[i].prefix, .domain = rows[i].domain, .thumbprint = THUMB, .account_url = URI};
        struct text_fault fault;
        char out[PERSIST_URI_TEXT_MAX];
        assert_int_equal(persist_hash_format(out, &in, &fault), ERR_OK);
        assert_string_equal(out, rows[i].uri);
        assert_true(persist_hash_is_uri(out, strlen(out)));
    }
}

static void each_input_of_a_hashed_uri_is_checked(void **state)
{
    static const struct {
        const char *prefix, *domain, *thumbprint, *url;
        enum err e;
        const char *part, *what;
        size_t offset;
    } rows[] = {
        {"", "a", THUMB, URI, ERR_SYNTAX, "account hash prefix", "nothing", 0},
        {"/hash/", "a", THUMB, URI, ERR_SYNTAX, "account hash prefix", "no scheme such as https:", 0},
        {"a:b;", "a", THUMB, URI, ERR_SYNTAX, "account hash prefix", "a semicolon, which ends a value,", 3},
        {"a:b c", "a", THUMB, URI, ERR_SYNTAX, "account hash prefix", "a blank", 3},
        {"a:b", "", THUMB, URI, ERR_SYNTAX, "domain", "nothing", 0},
        {"a:b", "Example.com", THUMB, URI, ERR_SYNTAX, "domain", "an upper-case letter", 0},
        {"a:b", "example.com.", THUMB, URI, ERR_SYNTAX, "domain", "a final dot", 11},
        {"a:b", "*.example.com", THUMB, URI, ERR_SYNTAX, "domain", NO_CHARACTER, 0},
        {"a:b", "**", THUMB, URI, ERR_SYNTAX, "domain", NO_CHARACTER, 0},
        {"a:b", "_validation-persist.a", THUMB, URI, ERR_SYNTAX, "domain", NO_CHARACTER, 0},
        {"a:b", "a", "", URI, ERR_SYNTAX, "thumbprint", "too short", 0},
        {"a:b", "a", "NzbLsXh8", URI, ERR_SYNTAX, "thumbprint", "too short", 8},
        {"a:b", "a", THUMB "=", URI, ERR_SYNTAX, "thumbprint", "too long", 43},
        {"a:b", "a", "NzbL+Xh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", URI, ERR_SYNTAX, "thumbprint",
         "a character outside the base64url alphabet", 4},
        {"a:b", "a", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt", URI, ERR_SYNTAX, "thumbprint",
         "a last character that no encoding of 32 octets has", 42},
        {"a:b", "a", THUMB, "", ERR_SYNTAX, "account URL", "nothing", 0},
        {"a:b", "a", THUMB, "http://ca.example/acct/123", ERR_SYNTAX, "account URL", "no https://", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct persist_hash in = {.prefix = rows[i].prefix,
                                  .domain = rows[i].domain,
                                  .thumbprint = rows[i].thumbprint,
                                  .account_url = rows[i].url};
        struct text_fault fault = {0};
        char out[PERSIST_URI_TEXT_MAX];
        assert_int_equal(persist_hash_format(out, &in, &fault), rows[i].e);
        assert_string_equal(fault.part, rows[i].part);
        assert_string_equal(fault.what, rows[i].what);
        assert_int_equal(fault.offset, rows[i].offset);
        assert_true(strlen(fault.accepted) > 0);
    }
}

static void inputs_of_a_hashed_uri_have_bounds_that_fit_together(void **state)
{
    char domain[PERSIST_DOMAIN_LEN_MAX + 2];
    char prefix[PERSIST_URI_LEN_MAX - 51 + 2] = "https://ca.example/";
    char url[1024 + 1] = "https://ca.example/";
    char out[PERSIST_URI_TEXT_MAX];
    char text[TEXT_FAULT_TEXT_MAX];
    struct persist_hash in = {.prefix = prefix, .domain = domain, .thumbprint = THUMB, .account_url = url};
    struct text_fault fault = {0};

    (void)state;
    assert_int_equal(sizeof PERSIST_OWNER_LABEL + PERSIST_DOMAIN_LEN_MAX, 253); /* the NUL counts for the dot */
    memset(prefix + strlen(prefix), 'a', sizeof prefix - 2 - strlen(prefix));
    memset(url + strlen(url), 'a', sizeof url - 1 - strlen(url));
    fill_domain(domain, PERSIST_DOMAIN_LEN_MAX);
    assert_int_equal(persist_hash_format(out, &in, &fault), ERR_OK);
    assert_int_equal(strlen(out), PERSIST_URI_LEN_MAX);

    prefix[sizeof prefix - 2] = 'a';
    assert_int_equal(persist_hash_format(out, &in, &fault), ERR_RANGE);
    assert_string_equal(fault.part, "account hash prefix");
    assert_non_null(strstr(text_fault_format(&fault, text), "973"));
    prefix[sizeof prefix - 2] = '\0';
    fill_domain(domain, PERSIST_DOMAIN_LEN_MAX + 1);
    assert_int_equal(persist_hash_format(out, &in, &fault), ERR_RANGE);
    assert_string_equal(fault.part, "domain");
    assert_non_null(strstr(text_fault_format(&fault, text), "233"));
}

static void a_hashed_uri_is_told_from_an_open_one(void **state)
{
#define C43 "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define C64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define C86 C43 C43
    static const struct {
        const char *uri;
        bool hashed;
    } rows[] = {
        {HASHED, true},
        {"a:sha-256/" C43, true},
        {"a:b/sha-384/" C64, true},
        {"a:b/sha-512/" C86, true},
        {"a:b/sha3-256/" C43, true},
        {"a:b/blake2b-256/" C43, true},
        {"a:b/sha-256-128/0123456789abcdef012345", false}, /* cut hashes are not for this */
        {"a:b/sha-384/" C43, false},
        {"a:b/sha-256/" C43 "a", false},
        {"a:b/sha-256/" C43 "=", false},
        {"a:b/SHA-256/" C43, false}, /* the exact name counts */
        {"a:b/md5/" C43, false},
        {C43, false},
        {URI, false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(persist_hash_is_uri(rows[i].uri, strlen(rows[i].uri)), rows[i].hashed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_built_as_the_drafts_write_it),
        cmocka_unit_test(what_was_built_is_read_back_in_its_parts),
        cmocka_unit_test(other_spellings_that_cas_take_are_read),
        cmocka_unit_test(a_malformed_record_is_refused_with_part_reason_and_place),
        cmocka_unit_test(a_record_text_needs_no_nul_and_a_nul_is_no_character),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(what_no_record_can_hold_is_not_built),
        cmocka_unit_test(a_fault_says_what_where_and_what_is_accepted),
        cmocka_unit_test(a_record_warns_before_its_end_and_has_ended_from_then_on),
        cmocka_unit_test(a_hashed_uri_is_what_the_draft_computes),
        cmocka_unit_test(each_input_of_a_hashed_uri_is_checked),
        cmocka_unit_test(inputs_of_a_hashed_uri_have_bounds_that_fit_together),
        cmocka_unit_test(a_hashed_uri_is_told_from_an_open_one),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
