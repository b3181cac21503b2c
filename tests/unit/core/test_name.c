#include "core/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define LABEL_61 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"
#define NAME_254 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_61 /* 255 octets on the wire */

_Static_assert(sizeof LABEL_63 - 1 == 63 && sizeof LABEL_61 - 1 == 61, "as named");

static struct name parsed(const char *text)
{
    struct name n;

    assert_int_equal(name_parse(&n, text, strlen(text)), ERR_OK);
    return n;
}

static void assert_text(const struct name *n, const char *text)
{
    char buf[NAME_TEXT_MAX];

    assert_string_equal(name_format(n, buf), text);
}

static void assert_padded(const struct name *n)
{
    for (size_t i = n->len; i < sizeof n->b; i++)
        assert_int_equal(n->b[i], 0);
}

static void presentation_form_becomes_wire_form(void **state)
{
    static const struct {
        const char *text;
        const char *wire;
        size_t len;
    } cases[] = {
        {".", "", 1},
        {"a", "\1a", 3},
        {"a.", "\1a", 3},
        {"Example.ORG", "\7Example\3ORG", 13},
        {"_acme-challenge.x", "\17_acme-challenge\1x", 19},
        {"a\\.b.c", "\3a.b\1c", 7},
        {"a\\046b.c", "\3a.b\1c", 7},
        {"\\000.c", "\1\0\1c", 5},
        {"\\255\\\\", "\2\xff\\", 4},
        {"a\\ b", "\3a b", 5},
        {"*.x", "\1*\1x", 5},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct name n;
        memset(&n, 0xee, sizeof n);
        assert_int_equal(name_parse(&n, cases[i].text, strlen(cases[i].text)), ERR_OK);
        assert_int_equal(n.len, cases[i].len);
        assert_memory_equal(n.b, cases[i].wire, cases[i].len);
        assert_padded(&n);
    }
}

static void bad_presentation_form_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *text;
        enum err want;
    } cases[] = {
        {"", ERR_SYNTAX},           {"..", ERR_SYNTAX},
        {".a", ERR_SYNTAX},         {"a..b", ERR_SYNTAX},
        {"a..", ERR_SYNTAX},        {"a\\", ERR_SYNTAX},
        {"a\\25", ERR_SYNTAX},      {"a\\2x5", ERR_SYNTAX},
        {"a\\256", ERR_SYNTAX},     {"a b", ERR_SYNTAX},
        {"a\tb", ERR_SYNTAX},       {"m\xc3\xbcnchen", ERR_SYNTAX},
        {"a\x7f", ERR_SYNTAX},      {LABEL_63 "x", ERR_RANGE},
        {NAME_254 "x", ERR_RANGE},  {NAME_254 "xx.", ERR_RANGE},
        {NAME_254 ".a", ERR_RANGE}, {LABEL_63 "x.org", ERR_RANGE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct name n;
        assert_int_equal(name_parse(&n, cases[i].text, strlen(cases[i].text)), cases[i].want);
    }
}

static void the_longest_name_and_label_are_accepted(void **state)
{
    struct name n = parsed(NAME_254);

    (void)state;
    assert_int_equal(n.len, 255);
    assert_int_equal(name_labels(&n), 4);
    assert_text(&n, NAME_254);
    n = parsed(NAME_254 ".");
    assert_int_equal(n.len, 255);
    assert_int_equal(parsed(LABEL_63).len, 65);
}

static void relative_names_are_completed_with_the_origin(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {{"www", "www.example.org"}, {"a.b", "a.b.example.org"},       {"www.", "www"},
                 {"@", "example.org"},       {"www\\.", "www\\..example.org"}, {".", "."},
                 {"\\@", "\\@.example.org"}};
    struct name origin = parsed("example.org"), long_origin = parsed(LABEL_63 "." LABEL_63 "." LABEL_63),
                root = parsed(".");
    struct name n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(name_parse_relative(&n, cases[i].text, strlen(cases[i].text), &origin), ERR_OK);
        assert_text(&n, cases[i].want);
        assert_padded(&n);
    }
    assert_int_equal(name_parse_relative(&n, LABEL_61, 61, &long_origin), ERR_OK);
    assert_int_equal(n.len, 255);
    assert_int_equal(name_parse_relative(&n, LABEL_61 "x", 62, &long_origin), ERR_RANGE);
    assert_int_equal(name_parse_relative(&n, NAME_254, strlen(NAME_254), &root), ERR_OK);
    assert_int_equal(name_parse_relative(&n, "", 0, &origin), ERR_SYNTAX);
    assert_int_equal(name_parse_relative(&n, "a..", 3, &origin), ERR_SYNTAX);
}

/* 250 octets that all need \DDD, in four labels: the longest text there is. */
static void the_longest_text_fits_and_comes_back(void **state)
{
    uint8_t wire[NAME_MAX_LEN] = {0};
    char text[NAME_TEXT_MAX];
    struct name n, again;
    size_t at = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t len = i < 3 ? 63 : 61;
        wire[at++] = len;
        memset(wire + at, i < 2 ? 0x00 : 0xff, len);
        at += len;
    }
    name_set(&n, wire, sizeof wire);
    assert_padded(&n);
    name_format(&n, text);
    assert_int_equal(strlen(text), 250 * 4 + 3);
    assert_int_equal(name_parse(&again, text, strlen(text)), ERR_OK);
    assert_memory_equal(&again, &n, sizeof n);
}

/* Any name: labels of random length and octets. */
static struct name random_name(void)
{
    struct name n = parsed(".");
    unsigned labels = (unsigned)(random() % 12);

    for (unsigned i = 0; i < labels; i++) {
        uint8_t label[NAME_LABEL_MAX];
        size_t len = 1 + (size_t)(random() % (random() % 4 == 0 ? NAME_LABEL_MAX : 6));
        for (size_t j = 0; j < len; j++)
            label[j] = (uint8_t)random();
        if (name_prepend(&n, label, len, &n) != ERR_OK)
            break;
    }
    return n;
}

static void text_and_wire_of_any_name_give_it_back(void **state)
{
    (void)state;
    srandom(7);
    for (int i = 0; i < 5000; i++) {
        struct name n = random_name(), again;
        struct wire_reader r;
        char text[NAME_TEXT_MAX];

        name_format(&n, text);
        assert_int_equal(name_parse(&again, text, strlen(text)), ERR_OK);
        assert_memory_equal(&again, &n, sizeof n);
        wire_reader_init(&r, n.b, n.len);
        assert_int_equal(name_decode(&r, &again), ERR_OK);
        assert_int_equal(r.pos, n.len);
        assert_memory_equal(&again, &n, sizeof n);
        for (size_t len = 0; len < n.len; len++) {
            wire_reader_init(&r, n.b, len);
            assert_int_equal(name_decode(&r, &again), ERR_SHORT);
            assert_int_equal(r.err, ERR_SHORT);
        }
    }
}

static void compressed_names_are_followed_and_the_reader_stands_behind_the_pointer(void **state)
{
    static const uint8_t msg[] = "\3org\0\7Example\xc0\x00\3www\xc0\x05\xc0\x0f!";
    struct wire_reader r;
    struct name n;

    (void)state;
    wire_reader_init(&r, msg, sizeof msg - 1);
    assert_int_equal(name_decode(&r, &n), ERR_OK);
    assert_text(&n, "org");
    assert_int_equal(r.pos, 5);
    assert_int_equal(name_decode(&r, &n), ERR_OK);
    assert_text(&n, "Example.org");
    assert_int_equal(r.pos, 15);
    assert_int_equal(name_decode(&r, &n), ERR_OK);
    assert_text(&n, "www.Example.org");
    assert_int_equal(r.pos, 21);
    assert_int_equal(name_decode(&r, &n), ERR_OK);
    assert_text(&n, "www.Example.org");
    assert_padded(&n);
    assert_int_equal(wire_get_u8(&r), '!');
}

static void hostile_names_are_refused(void **state)
{
    static const struct {
        const char *msg;
        size_t len, at;
        enum err want;
    } cases[] = {
        {"", 0, 0, ERR_SHORT},
        {"\1", 1, 0, ERR_SHORT},
        {"\3ab", 3, 0, ERR_SHORT},
        {"\1a", 2, 0, ERR_SHORT},
        {"\xc0", 1, 0, ERR_SHORT},
        {"\xc0\x00", 2, 0, ERR_SYNTAX},         /* to itself */
        {"\xc0\x02\0", 3, 0, ERR_SYNTAX},       /* forwards */
        {"\1a\xc0\x00", 4, 0, ERR_SYNTAX},      /* to the name that it ends */
        {"\1a\xc0\x01", 4, 0, ERR_SYNTAX},      /* into that name */
        {"\xc0\x02\xc0\x00", 4, 2, ERR_SYNTAX}, /* a pair */
        {"\0\xc0\x00\xc0\x03", 5, 3, ERR_SYNTAX},
        {"\xff\xff", 2, 0, ERR_SYNTAX}, /* past the end */
        {"\x40", 1, 0, ERR_SYNTAX},
        {"\x80\0", 2, 0, ERR_SYNTAX},
        {"\1a\xbf", 3, 0, ERR_SYNTAX},
        {"\5ab\xc0\x00", 5, 3, ERR_SHORT}, /* the target's label reaches past the end of the message */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_reader r;
        struct name n;
        wire_reader_init(&r, (const uint8_t *)cases[i].msg, cases[i].len);
        assert_non_null(wire_get_bytes(&r, cases[i].at));
        assert_int_equal(name_decode(&r, &n), cases[i].want);
        assert_int_equal(r.err, cases[i].want);
        assert_int_equal(name_decode(&r, &n), cases[i].want); /* stays failed */
    }
}

static void a_wire_name_of_256_octets_is_refused_also_through_pointers(void **state)
{
    uint8_t msg[600];
    struct wire_reader r;
    struct name n;
    size_t at = 0;

    (void)state;
    for (unsigned i = 0; i < 127; i++) {
        msg[at++] = 1;
        msg[at++] = 'x';
    }
    msg[at++] = 0;
    wire_reader_init(&r, msg, at);
    assert_int_equal(name_decode(&r, &n), ERR_OK);
    assert_int_equal(n.len, 255);
    assert_int_equal(name_labels(&n), 127);
    msg[at] = 1;
    msg[at + 1] = 'y';
    msg[at + 2] = 0xc0;
    msg[at + 3] = 0;
    assert_non_null(r.start);
    wire_reader_init(&r, msg, at + 4);
    assert_non_null(wire_get_bytes(&r, at));
    assert_int_equal(name_decode(&r, &n), ERR_SYNTAX);
    msg[at - 1] = 1;
    msg[at] = 'y';
    msg[at + 1] = 0;
    wire_reader_init(&r, msg, at + 2);
    assert_int_equal(name_decode(&r, &n), ERR_SYNTAX);
    msg[0] = 2; /* and an even one: 254 octets before the root label */
    memmove(msg + 3, msg + 2, 300);
    msg[2] = 'x';
    msg[at] = 0;
    wire_reader_init(&r, msg, at + 1);
    assert_int_equal(name_decode(&r, &n), ERR_SYNTAX);
}

/* Whatever the octets, decoding ends, stays inside and gives a well-formed name. */
static void decoding_survives_random_messages(void **state)
{
    unsigned good = 0;

    (void)state;
    srandom(9);
    for (int i = 0; i < 100000; i++) {
        size_t len = (size_t)(random() % 40);
        uint8_t *msg = malloc(len + 1);
        struct wire_reader r;
        struct name n;
        enum err e;

        assert_non_null(msg);
        for (size_t j = 0; j < len; j++)
            msg[j] = (uint8_t)(random() % 4 == 0 ? 0xc0 : random() % 20);
        msg = realloc(msg, len > 0 ? len : 1); /* the sanitizer watches its end */
        assert_non_null(msg);
        wire_reader_init(&r, msg, len);
        (void)wire_get_bytes(&r, (size_t)(random() % 20) % (len + 1));
        e = name_decode(&r, &n);
        if (e == ERR_OK) {
            struct name again;
            struct wire_reader second;
            good++;
            assert_true(r.pos <= len);
            wire_reader_init(&second, n.b, n.len);
            assert_int_equal(name_decode(&second, &again), ERR_OK);
            assert_memory_equal(&again, &n, sizeof n);
        } else {
            assert_true(e == ERR_SYNTAX || e == ERR_SHORT);
        }
        free(msg);
    }
    assert_true(good > 1000);
}

static void folding_touches_ascii_letters_only(void **state)
{
    uint8_t wire[256 + 8] = {0};
    struct name n;
    size_t at = 0;

    (void)state;
    for (unsigned first = 0; first < 256; first += 63) { /* in pieces: all octet values as content */
        unsigned count = 256 - first < 63 ? 256 - first : 63;
        at = 0;
        wire[at++] = (uint8_t)count;
        for (unsigned c = first; c < first + count; c++)
            wire[at++] = (uint8_t)c;
        wire[at++] = 0;
        name_set(&n, wire, at);
        name_fold(&n);
        assert_int_equal(n.b[0], count);
        for (unsigned c = first; c < first + count; c++)
            assert_int_equal(n.b[1 + c - first], c >= 'A' && c <= 'Z' ? c + 32 : c);
        assert_padded(&n);
    }
    n = parsed(NAME_254);
    for (size_t i = 0; i < n.len; i++)
        if (n.b[i] >= 'a' && n.b[i] <= 'z')
            n.b[i] = (uint8_t)(n.b[i] - 32);
    name_fold(&n);
    assert_text(&n, NAME_254);
}

static void equality_disregards_case_but_not_content(void **state)
{
    struct name a = parsed("WWW.Example.org"), b = parsed("www.eXAMPLE.ORG"), c = parsed("www.example.orh");
    struct name at = parsed("\\@"), tick = parsed("`"), brace = parsed("{"), bracket = parsed("[");

    (void)state;
    assert_true(name_equal(&a, &b));
    assert_false(name_equal(&a, &c));
    assert_false(name_equal(&at, &tick)); /* differ in the bit of case, but are no letters */
    assert_false(name_equal(&brace, &bracket));
    b = parsed("www.example.org.x");
    assert_false(name_equal(&a, &b));
    a = parsed(NAME_254);
    b = a;
    assert_true(name_equal(&a, &b));
    b.b[253] ^= 1;
    assert_false(name_equal(&a, &b));
}

static void at_or_below_goes_by_labels(void **state)
{
    static const struct {
        const char *name, *apex;
        bool at_or_below, below;
    } cases[] = {
        {"example.org", "example.org", true, false},
        {"a.EXAMPLE.org", "example.ORG", true, true},
        {"a.b.example.org", "example.org", true, true},
        {"badexample.org", "example.org", false, false},
        {"org", "example.org", false, false},
        {"example.com", "example.org", false, false},
        {"anything", ".", true, true},
        {".", ".", true, false},
        {"x\\003org", "org", false, false}, /* its octets end like the apex, but inside a label */
        {"a.x\\007example\\003org", "example.org", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct name n = parsed(cases[i].name), apex = parsed(cases[i].apex);
        assert_int_equal(name_is_at_or_below(&n, &apex), cases[i].at_or_below);
        assert_int_equal(name_is_below(&n, &apex), cases[i].below);
    }
}

static void stripping_takes_labels_off_and_ends_at_the_root(void **state)
{
    static const char *const want[] = {"a.b.c", "b.c", "c", ".", ".", "."};
    struct name n = parsed("a.b.c"), out;

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
        name_strip(&out, &n, i);
        assert_text(&out, want[i]);
        assert_padded(&out);
    }
    name_strip(&n, &n, 2); /* in place */
    assert_text(&n, "c");
    assert_padded(&n);
}

static void prepending_checks_both_limits(void **state)
{
    struct name root = parsed("."), parent = parsed(LABEL_63 "." LABEL_63 "." LABEL_63), n;

    (void)state;
    assert_int_equal(name_prepend(&n, "a", 0, &root), ERR_RANGE);
    assert_int_equal(name_prepend(&n, LABEL_63 "x", 64, &root), ERR_RANGE);
    assert_int_equal(name_prepend(&n, LABEL_63, 63, &root), ERR_OK);
    assert_text(&n, LABEL_63);
    assert_int_equal(name_prepend(&n, LABEL_61 "x", 62, &parent), ERR_RANGE);
    assert_int_equal(name_prepend(&n, LABEL_61, 61, &parent), ERR_OK);
    assert_int_equal(n.len, 255);
    assert_int_equal(name_prepend(&root, "a.b", 3, &root), ERR_OK); /* in place, any octets */
    assert_text(&root, "a\\.b");
}

static void labels_are_counted_without_the_root_and_the_first_is_given(void **state)
{
    struct name root = parsed("."), n = parsed("shop.example.com");
    size_t len = 9;

    (void)state;
    assert_int_equal(name_labels(&root), 0);
    assert_int_equal(name_labels(&n), 3);
    assert_memory_equal(name_first_label(&n, &len), "shop", 4);
    assert_int_equal(len, 4);
    (void)name_first_label(&root, &len);
    assert_int_equal(len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presentation_form_becomes_wire_form),
        cmocka_unit_test(bad_presentation_form_is_refused_with_its_reason),
        cmocka_unit_test(the_longest_name_and_label_are_accepted),
        cmocka_unit_test(relative_names_are_completed_with_the_origin),
        cmocka_unit_test(the_longest_text_fits_and_comes_back),
        cmocka_unit_test(text_and_wire_of_any_name_give_it_back),
        cmocka_unit_test(compressed_names_are_followed_and_the_reader_stands_behind_the_pointer),
        cmocka_unit_test(hostile_names_are_refused),
        cmocka_unit_test(a_wire_name_of_256_octets_is_refused_also_through_pointers),
        cmocka_unit_test(decoding_survives_random_messages),
        cmocka_unit_test(folding_touches_ascii_letters_only),
        cmocka_unit_test(equality_disregards_case_but_not_content),
        cmocka_unit_test(at_or_below_goes_by_labels),
        cmocka_unit_test(stripping_takes_labels_off_and_ends_at_the_root),
        cmocka_unit_test(prepending_checks_both_limits),
        cmocka_unit_test(labels_are_counted_without_the_root_and_the_first_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
