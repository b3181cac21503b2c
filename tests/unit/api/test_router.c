#include "api/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define SERVES_A 1u
#define SERVES_B 2u

static const struct route rows[] = {
    {"POST", "/update", SERVES_A, GROUP_UPDATE, 0, 0, NULL},
    {"POST", "/register", SERVES_A, GROUP_REGISTER, ROUTE_REGISTRATION, 0, NULL},
    {"GET", "/health", SERVES_A | SERVES_B, GROUP_HEALTH, 0, 0, NULL},
};
static const struct route more[] = {
    {"GET", "/v1/names/{name}", SERVES_B, GROUP_ADMIN, 0, 0, NULL},
    {"DELETE", "/v1/names/{name}", SERVES_B, GROUP_ADMIN, 0, 0, NULL},
    {"PATCH", "/v1/names/{name}", SERVES_B, GROUP_ADMIN, 0, 0, NULL},
    {"PUT", "/v1/names/{name}/values/{text}", SERVES_B, GROUP_ADMIN, 0, 0, NULL},
};
static const struct route_table tables[] = {{rows, 3}, {more, 4}};

static struct route_match find(unsigned serves, unsigned flags, const char *method, const char *path)
{
    struct route_match m;

    route_find(&m, tables, 2, serves, flags, method, path);
    return m;
}

static void a_row_is_found_by_method_and_path(void **state)
{
    struct route_match m = find(SERVES_A, 0, "POST", "/update");

    (void)state;
    assert_int_equal(m.outcome, ROUTE_FOUND);
    assert_ptr_equal(m.route, &rows[0]);
    assert_int_equal(m.n_params, 0);
    assert_int_equal(find(SERVES_A, 0, "POST", "////update").outcome, ROUTE_FOUND);
    assert_int_equal(find(SERVES_A, 0, "POST", "https://host:1/update").outcome, ROUTE_FOUND);
    assert_int_equal(find(SERVES_A, 0, "POST", "https://host").outcome, ROUTE_NOT_FOUND);
    assert_int_equal(find(SERVES_A, 0, "POST", "").outcome, ROUTE_NOT_FOUND);
}

static void rows_of_other_addresses_are_not_there(void **state)
{
    (void)state;
    assert_int_equal(find(SERVES_B, 0, "POST", "/update").outcome, ROUTE_NOT_FOUND);
    assert_int_equal(find(SERVES_B, 0, "GET", "/update").outcome, ROUTE_NOT_FOUND);
    assert_int_equal(find(SERVES_B, 0, "GET", "/health").outcome, ROUTE_FOUND);
    assert_int_equal(find(0, ROUTE_REGISTRATION, "GET", "/health").outcome, ROUTE_NOT_FOUND);
}

static void registration_is_there_while_it_is_open(void **state)
{
    (void)state;
    assert_int_equal(find(SERVES_A, 0, "POST", "/register").outcome, ROUTE_NOT_FOUND);
    assert_int_equal(find(SERVES_A, ROUTE_REGISTRATION, "POST", "/register").outcome, ROUTE_FOUND);
    assert_int_equal(find(SERVES_A, 0, "POST", "/Register").outcome, ROUTE_NOT_FOUND);
}

static void parameters_are_whole_segments(void **state)
{
    struct route_match m = find(SERVES_B, 0, "PUT", "/v1/names/a%2Fb.example/values/x%20y");
    char text[16] = "x%20y%2";

    (void)state;
    assert_int_equal(m.outcome, ROUTE_FOUND);
    assert_int_equal(m.n_params, 2);
    assert_memory_equal(m.params[0].name, "name", m.params[0].name_len);
    assert_int_equal(m.params[0].raw_len, strlen("a%2Fb.example"));
    assert_memory_equal(m.params[1].raw, "x%20y", 5);
    assert_int_equal(route_percent_decode(text, strlen(text)), 5);
    assert_memory_equal(text, "x y%2", 5);
    assert_int_equal(find(SERVES_B, 0, "GET", "/v1/names/").outcome, ROUTE_NOT_FOUND);
    assert_int_equal(find(SERVES_B, 0, "PUT", "/v1/names//values/x").outcome, ROUTE_NOT_FOUND);
}

static void percent_signs_that_start_nothing_stay(void **state)
{
    char text[] = "%zz%4%41%";

    (void)state;
    assert_int_equal(route_percent_decode(text, strlen(text)), 7);
    assert_memory_equal(text, "%zz%4A%", 7);
}

static void other_methods_are_listed_once_and_sorted(void **state)
{
    struct route_match m = find(SERVES_B, 0, "POST", "/v1/names/x");

    (void)state;
    assert_int_equal(m.outcome, ROUTE_NOT_ALLOWED);
    assert_string_equal(m.allow, "DELETE, GET, OPTIONS, PATCH");
    m = find(SERVES_A, 0, "OPTIONS", "/update");
    assert_int_equal(m.outcome, ROUTE_OPTIONS);
    assert_string_equal(m.allow, "OPTIONS, POST");
    assert_int_equal(find(SERVES_A, 0, "HEAD", "/health").outcome, ROUTE_NOT_ALLOWED);
    assert_int_equal(find(SERVES_A, 0, "FROBNICATE", "/health").outcome, ROUTE_NOT_ALLOWED);
}

static void redirects_go_to_rows_of_the_same_method(void **state)
{
    struct route_match m = find(SERVES_B, 0, "PUT", "/V1/names/A%2fb/../A%2fb//values/T/");
    char location[64];

    (void)state;
    assert_int_equal(m.outcome, ROUTE_REDIRECT);
    assert_true(route_format_location(&m, location, sizeof location));
    assert_string_equal(location, "/v1/names/A%2fb/values/T");
    assert_false(route_format_location(&m, location, 10));
    assert_int_equal(find(SERVES_A, 0, "GET", "/update/").outcome, ROUTE_NOT_FOUND);
    assert_int_equal(find(SERVES_A, 0, "POST", "/../../update").outcome, ROUTE_REDIRECT);
    assert_int_equal(find(SERVES_A, 0, "POST", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/../update").outcome,
                     ROUTE_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_found_by_method_and_path),
        cmocka_unit_test(rows_of_other_addresses_are_not_there),
        cmocka_unit_test(registration_is_there_while_it_is_open),
        cmocka_unit_test(parameters_are_whole_segments),
        cmocka_unit_test(percent_signs_that_start_nothing_stay),
        cmocka_unit_test(other_methods_are_listed_once_and_sorted),
        cmocka_unit_test(redirects_go_to_rows_of_the_same_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
