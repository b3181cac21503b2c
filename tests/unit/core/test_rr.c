#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/change.h"
#include "core/door.h"
#include "core/refusal.h"
#include "core/rr.h"

static void every_type_survives_formatting_and_parsing(void **state)
{
    (void)state;
    for (uint32_t type = 0; type <= UINT16_MAX; type++) {
        char text[RR_TYPE_TEXT_MAX];
        uint16_t back = 0;

        rr_type_format((uint16_t)type, text);
        assert_int_equal(rr_type_parse(&back, text, strlen(text)), ERR_OK);
        assert_int_equal(back, type);
    }
}

static void types_are_read_without_regard_to_case(void **state)
{
    uint16_t type = 0;

    (void)state;
    assert_int_equal(rr_type_parse(&type, "caa", 3), ERR_OK);
    assert_int_equal(type, RR_CAA);
    assert_int_equal(rr_type_parse(&type, "type65280", 9), ERR_OK);
    assert_int_equal(type, 65280);
}

static void what_is_no_type_is_refused(void **state)
{
    static const char *const wrong[] = {"", "TX", "TXTT", "TYPE", "TYPE65536", "TYPE01", "TYPE-1", " TXT", "257"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        uint16_t type = 4711;

        assert_int_equal(rr_type_parse(&type, wrong[i], strlen(wrong[i])), ERR_SYNTAX);
        assert_int_equal(type, 4711);
    }
}

static void every_refusal_and_request_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < REFUSAL_COUNT; i++) {
        assert_non_null(refusal_word((enum refusal)i));
        assert_true(strlen(refusal_title((enum refusal)i)) > 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(refusal_word((enum refusal)i), refusal_word((enum refusal)j));
    }
    for (int i = 0; i < REQUEST_KINDS; i++)
        assert_string_not_equal(request_kind_word((enum request_kind)i), "unknown");
    for (int i = 1; i < DOOR_COUNT; i++)
        assert_string_not_equal(door_word((enum door)i), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_survives_formatting_and_parsing),
        cmocka_unit_test(types_are_read_without_regard_to_case),
        cmocka_unit_test(what_is_no_type_is_refused),
        cmocka_unit_test(every_refusal_and_request_has_a_word_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
