/* Bodies of the acme-dns door from hostile octets. What jansson takes for JSON is JSON here too; what is said of a
 * body fits to what was read of it; and a list of networks that was accepted is accepted again, and stays as it is.
 */
#include "fuzz.h"

#include <string.h>

#include <jansson.h>

#include "api/acmedns_json.h"
#include "api/json_scan.h"

#define ARENA_MAX ((size_t)64 << 20)

static void check_scan(const char *body, size_t len)
{
    struct json_scan_value value;
    size_t rest = SIZE_MAX;
    enum err e = json_scan(&value, &rest, body, len);
    json_t *second = json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    FUZZ_CHECK(rest <= len);
    if (e == ERR_OK)
        FUZZ_CHECK(value.text >= body && value.text + value.len + rest == body + len && value.len > 0);
    if (second != NULL && memchr(body, '\0', len) == NULL) /* jansson takes a NUL for the end */
        FUZZ_CHECK(e == ERR_OK && json_scan_is_blank(body + len - rest, rest));
    json_decref(second);
}

static void check_update(const char *body, size_t len)
{
    struct acmedns_update update;
    struct arena arena;

    arena_init(&arena, ARENA_MAX);
    FUZZ_CHECK(acmedns_update_decode(&update, &arena, body, len) == ERR_OK);
    FUZZ_CHECK((update.subdomain.text == NULL) == (update.problem[0] != '\0'));
    FUZZ_CHECK(strlen(update.problem) < ACMEDNS_PROBLEM_MAX);
    FUZZ_CHECK(update.subdomain.len <= JSON_SCAN_DECODED_MAX(len) && update.txt.len <= JSON_SCAN_DECODED_MAX(len));
    arena_fini(&arena);
}

static void check_again(const struct acmedns_register *first, struct arena *arena)
{
    static const char before[] = "{\"allowfrom\":";
    size_t len = strlen(first->allowfrom);
    size_t whole = sizeof before - 1 + len + 1;
    char *body = arena_alloc(arena, whole + 1);
    struct acmedns_register again;
    struct acmedns_string bad;

    FUZZ_CHECK(body != NULL);
    (void)snprintf(body, whole + 1, "%s%s}", before, first->allowfrom);
    FUZZ_CHECK(acmedns_register_decode(&again, &bad, arena, body, whole) == ERR_OK);
    FUZZ_CHECK(strcmp(again.allowfrom, first->allowfrom) == 0 && again.n_networks == first->n_networks);
    for (size_t i = 0; i < again.n_networks; i++)
        FUZZ_CHECK(addr_equal(&again.networks[i].addr, &first->networks[i].addr) &&
                   again.networks[i].prefix_len == first->networks[i].prefix_len);
}

static void check_register(const char *body, size_t len)
{
    struct acmedns_register reg;
    struct acmedns_string bad;
    struct arena arena;
    enum err e;

    arena_init(&arena, ARENA_MAX);
    e = acmedns_register_decode(&reg, &bad, &arena, body, len);
    FUZZ_CHECK(e == ERR_OK || e == ERR_SYNTAX || e == ERR_RANGE);
    FUZZ_CHECK((e == ERR_SYNTAX) == (reg.problem[0] != '\0'));
    if (e == ERR_RANGE)
        FUZZ_CHECK(bad.text != NULL);
    if (e == ERR_OK)
        check_again(&reg, &arena);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check_scan((const char *)data, len);
    check_update((const char *)data, len);
    check_register((const char *)data, len);
    return 0;
}
