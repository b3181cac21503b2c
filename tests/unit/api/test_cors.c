#include "api/cors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"

static struct cors_text text(const char *s)
{
    return (struct cors_text){s, s != NULL ? strlen(s) : 0};
}

static const char *const nobody[] = {NULL};
static const char *const all[] = {"*"};
static const char *const some[] = {"https://ui.example", "https://*.shop.example"};

static const struct {
    const char *const *origins;
    size_t n;
    const char *origin, *method, *headers;
    enum cors_answer actual, preflight;
} rows[] = {
    {nobody, 0, "https://ui.example", "POST", NULL, CORS_NONE, CORS_NONE},
    {all, 1, "https://ui.example", "POST", NULL, CORS_ALL, CORS_ALL},
    {all, 1, NULL, "POST", NULL, CORS_NONE, CORS_NONE},
    {all, 1, "", "POST", NULL, CORS_NONE, CORS_NONE},
    {all, 1, "https://x", "PUT", NULL, CORS_NONE, CORS_NONE},
    {all, 1, "https://x", "get", "", CORS_ALL, CORS_ALL},
    {all, 1, "https://x", "POST", "Content-Type, accept,X-REQUESTED-WITH , origin", CORS_ALL, CORS_ALL},
    {all, 1, "https://x", "POST", "x-api-user", CORS_ALL, CORS_NONE},
    {all, 1, "https://x", "POST", "accept,x-api-key", CORS_ALL, CORS_NONE},
    {some, 2, "https://UI.example", "POST", NULL, CORS_ORIGIN, CORS_ORIGIN},
    {some, 2, "https://ui.example.evil", "POST", NULL, CORS_NONE, CORS_NONE},
    {some, 2, "https://a.shop.example", "POST", NULL, CORS_ORIGIN, CORS_ORIGIN},
    {some, 2, "https://.shop.exampl", "POST", NULL, CORS_NONE, CORS_NONE},
    {some, 2, "http://a.shop.example", "POST", NULL, CORS_NONE, CORS_NONE},
};

static void origins_methods_and_headers_decide(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cors_rules rules = {rows[i].origins, rows[i].n};
        struct cors_question q = {text(rows[i].origin), text(rows[i].method), text(rows[i].headers)};
        if (cors_actual(&rules, &q) != rows[i].actual || cors_preflight(&rules, &q) != rows[i].preflight)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_methods_and_headers_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
