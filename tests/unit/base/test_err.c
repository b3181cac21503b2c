#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void every_error_has_a_phrase_of_its_own(void **state)
{
    (void)state;
    for (int a = ERR_OK; a <= ERR_CRYPTO; a++) {
        assert_true(strlen(err_text((enum err)a)) > 0);
        for (int b = ERR_OK; b < a; b++)
            assert_string_not_equal(err_text((enum err)a), err_text((enum err)b));
    }
    assert_string_equal(err_text(ERR_FULL), "no room");
}

static void phrases_are_lower_case(void **state)
{
    (void)state;
    for (int e = ERR_OK; e <= ERR_CRYPTO; e++)
        for (const char *c = err_text((enum err)e); *c != '\0'; c++)
            assert_true(*c == ' ' || (*c >= 'a' && *c <= 'z'));
}

static void a_number_that_is_no_error_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(err_text((enum err)1000), "unknown error");
    assert_string_equal(err_text((enum err)(ERR_CRYPTO + 1)), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_phrase_of_its_own),
        cmocka_unit_test(phrases_are_lower_case),
        cmocka_unit_test(a_number_that_is_no_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
