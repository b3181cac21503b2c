#include "api/request_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define MANY 20000

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, REQUEST_ID_LEN);
}

static void ids_are_two_groups_of_four_and_never_twice(void **state)
{
    static char ids[MANY][REQUEST_ID_LEN + 1];
    struct request_ids source;

    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    assert_int_equal(request_ids_init(&source), ERR_OK);
    for (size_t i = 0; i < MANY; i++) {
        request_ids_take(&source, ids[i]);
        assert_int_equal(strlen(ids[i]), REQUEST_ID_LEN);
        assert_int_equal(strspn(ids[i], "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 4);
        assert_int_equal(ids[i][4], '-');
        assert_int_equal(strspn(ids[i] + 5, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 4);
    }
    qsort(ids, MANY, sizeof ids[0], compare);
    for (size_t i = 1; i < MANY; i++)
        assert_true(compare(ids[i - 1], ids[i]) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_two_groups_of_four_and_never_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
