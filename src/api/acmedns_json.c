#include "api/acmedns_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/json_scan.h"
#include "base/text.h"
#include "base/uuid.h"

/* The members of the reference's structure. */
enum member { MEMBER_USERNAME, MEMBER_PASSWORD, MEMBER_SUBDOMAIN, MEMBER_TXT, MEMBER_ALLOWFROM, MEMBER_COUNT };

static const char *const member_names[MEMBER_COUNT] = {
    [MEMBER_USERNAME] = "username", [MEMBER_PASSWORD] = "password",   [MEMBER_SUBDOMAIN] = "subdomain",
    [MEMBER_TXT] = "txt",           [MEMBER_ALLOWFROM] = "allowfrom",
};

#define MEMBER_NAME_RAW_MAX (2 + 6 * 9) /* the longest name with every letter as an escape, in quotes */

struct decoded {
    struct arena *arena;
    struct acmedns_string strings[MEMBER_COUNT]; /* USERNAME: unused */
    bool has_allowfrom;
    struct json_scan_value allowfrom; /* the array that came last */
    bool mistyped;                    /* a member had the wrong type; the first that did: */
    enum member mistyped_member;
    enum json_scan_kind mistyped_kind; /* of allowfrom JSON_SCAN_ARRAY: one of its elements */
    bool ended;                        /* a username that is no UUID ends the reading at once */
};

/* MEMBER_COUNT: none of them. */
static enum member find_member(const struct json_scan_value *key)
{
    char name[JSON_SCAN_DECODED_MAX(MEMBER_NAME_RAW_MAX)];
    size_t len;

    if (key->len > MEMBER_NAME_RAW_MAX)
        return MEMBER_COUNT;
    len = json_scan_decode(name, key);
    for (enum member m = 0; m < MEMBER_COUNT; m++)
        if (text_equal_nocase(name, len, member_names[m], strlen(member_names[m])))
            return m;
    return MEMBER_COUNT;
}

static enum err decode_string(struct acmedns_string *out, struct arena *arena, const struct json_scan_value *value)
{
    char *text = arena_alloc(arena, JSON_SCAN_DECODED_MAX(value->len));

    if (text == NULL)
        return ERR_MEMORY;
    out->len = json_scan_decode(text, value);
    out->text = text;
    return ERR_OK;
}

static void set_mistyped(struct decoded *d, enum member m, const struct json_scan_value *value)
{
    if (d->mistyped)
        return;
    d->mistyped = true;
    d->mistyped_member = m;
    d->mistyped_kind = value->kind;
}

static enum err take_username(struct decoded *d, const struct json_scan_value *value)
{
    struct acmedns_string name;
    struct uuid ignored;

    if (value->kind != JSON_SCAN_STRING) {
        set_mistyped(d, MEMBER_USERNAME, value);
        return ERR_OK;
    }
    if (decode_string(&name, d->arena, value) != ERR_OK)
        return ERR_MEMORY;
    d->ended = uuid_parse(&ignored, name.text, name.len) != ERR_OK;
    return ERR_OK;
}

/* Elements that are null are empty strings to the reference: no CIDR, but well typed. */
static void take_allowfrom(struct decoded *d, const struct json_scan_value *value)
{
    struct json_scan_iter it;
    struct json_scan_value unused, element;

    if (value->kind != JSON_SCAN_ARRAY) {
        set_mistyped(d, MEMBER_ALLOWFROM, value);
        return;
    }
    it = json_scan_enter(value);
    while (json_scan_next(&it, &unused, &element))
        if (element.kind != JSON_SCAN_STRING && element.kind != JSON_SCAN_NULL)
            set_mistyped(d, MEMBER_ALLOWFROM, value);
    d->has_allowfrom = true;
    d->allowfrom = *value;
}

static enum err take_member(struct decoded *d, enum member m, const struct json_scan_value *value)
{
    if (m == MEMBER_COUNT)
        return ERR_OK;
    if (value->kind == JSON_SCAN_NULL) {
        if (m == MEMBER_ALLOWFROM)
            d->has_allowfrom = false; /* a list becomes no list; for all others null changes nothing */
        return ERR_OK;
    }
    if (m == MEMBER_USERNAME)
        return take_username(d, value);
    if (m == MEMBER_ALLOWFROM) {
        take_allowfrom(d, value);
        return ERR_OK;
    }
    if (value->kind != JSON_SCAN_STRING) {
        set_mistyped(d, m, value);
        return ERR_OK;
    }
    return decode_string(&d->strings[m], d->arena, value);
}

static enum err take_object(struct decoded *d, const struct json_scan_value *object)
{
    struct json_scan_iter it = json_scan_enter(object);
    struct json_scan_value key, value;
    enum err e = ERR_OK;

    while (e == ERR_OK && !d->ended && json_scan_next(&it, &key, &value))
        e = take_member(d, find_member(&key), &value);
    return e;
}

/* ---- saying what is wrong ---- */

/* rest: octets from what cannot stand there, or blanks before it, to the end. */
static void explain_syntax(char out[ACMEDNS_PROBLEM_MAX], const char *body, size_t len, size_t rest)
{
    while (rest > 0 && json_scan_is_blank(body + len - rest, 1))
        rest--;
    if (len == 0)
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "the body is empty");
    else if (json_scan_is_blank(body, len))
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "the body holds nothing but blanks");
    else if (rest == 0)
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "the body ends in the middle of its JSON");
    else
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "the body is no JSON from octet %zu on", len - rest + 1);
}

static void explain_kind(char out[ACMEDNS_PROBLEM_MAX], const struct json_scan_value *value)
{
    (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "the body is %s, not an object", json_scan_kind_word(value->kind));
}

static void explain_members(char out[ACMEDNS_PROBLEM_MAX], const struct decoded *d)
{
    const char *name = member_names[d->mistyped_member];
    const char *kind = json_scan_kind_word(d->mistyped_kind);

    if (d->ended)
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "\"username\" is no UUID");
    else if (d->mistyped && d->mistyped_member != MEMBER_ALLOWFROM)
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "\"%s\" is %s, not a string", name, kind);
    else if (d->mistyped && d->mistyped_kind != JSON_SCAN_ARRAY)
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "\"%s\" is %s, not a list of strings", name, kind);
    else if (d->mistyped)
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "\"%s\" is a list, but not of strings", name);
    else
        (void)snprintf(out, ACMEDNS_PROBLEM_MAX, "the body has no \"%s\"", member_names[MEMBER_SUBDOMAIN]);
}

enum err acmedns_update_decode(struct acmedns_update *out, struct arena *arena, const char *body, size_t len)
{
    struct decoded d = {.arena = arena};
    struct json_scan_value value;
    size_t rest;
    enum err e;

    *out = (struct acmedns_update){0};
    if (json_scan(&value, &rest, body, len) != ERR_OK) {
        explain_syntax(out->problem, body, len, rest);
        return ERR_OK;
    }
    if (value.kind != JSON_SCAN_OBJECT) {
        explain_kind(out->problem, &value);
        return ERR_OK;
    }
    e = take_object(&d, &value);
    if (e != ERR_OK)
        return e;
    out->subdomain = d.strings[MEMBER_SUBDOMAIN];
    out->txt = d.strings[MEMBER_TXT];
    if (out->subdomain.text == NULL)
        explain_members(out->problem, &d);
    return ERR_OK;
}

/* "[2001:db8::]/32" is taken by the reference, which strips square brackets wherever they stand. */
static size_t strip_brackets(char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] != '[' && text[i] != ']')
            text[n++] = text[i];
    return n;
}

static size_t count_elements(const struct json_scan_value *array)
{
    struct json_scan_iter it = json_scan_enter(array);
    struct json_scan_value unused, element;
    size_t n = 0;

    while (json_scan_next(&it, &unused, &element))
        n++;
    return n;
}

/* One entry: what a CIDR consists of needs no escape in JSON. */
static enum err take_network(struct net *net, struct text *json, struct acmedns_string *bad, struct arena *arena,
                             const struct json_scan_value *element)
{
    char *text = arena_alloc(arena, JSON_SCAN_DECODED_MAX(element->len));
    size_t len = 0;

    if (text == NULL)
        return ERR_MEMORY;
    if (element->kind == JSON_SCAN_STRING)
        len = strip_brackets(text, json_scan_decode(text, element));
    *bad = (struct acmedns_string){text, len};
    if (net_parse(net, text, len) != ERR_OK)
        return ERR_RANGE;
    text_put(json, json->len > 1 ? ",\"" : "\"");
    text_put_bytes(json, text, len);
    text_put_char(json, '"');
    return ERR_OK;
}

static enum err take_networks(struct acmedns_register *out, struct acmedns_string *bad, struct arena *arena,
                              const struct json_scan_value *array)
{
    struct net *nets = arena_alloc(arena, (count_elements(array) + 1) * sizeof *nets);
    struct json_scan_iter it = json_scan_enter(array);
    struct json_scan_value unused, element;
    struct text json;
    enum err e = nets != NULL ? ERR_OK : ERR_MEMORY;

    text_init(&json, array->len + 2);
    text_put_char(&json, '[');
    while (e == ERR_OK && json_scan_next(&it, &unused, &element)) {
        e = take_network(&nets[out->n_networks], &json, bad, arena, &element);
        out->n_networks++;
    }
    text_put_char(&json, ']');
    if (e == ERR_OK) {
        out->networks = nets;
        out->allowfrom = json.err == ERR_OK ? arena_copy(arena, json.bytes, json.len) : NULL;
        if (out->allowfrom == NULL)
            e = ERR_MEMORY;
    }
    text_fini(&json);
    return e;
}

enum err acmedns_register_decode(struct acmedns_register *out, struct acmedns_string *bad, struct arena *arena,
                                 const char *body, size_t len)
{
    struct decoded d = {.arena = arena};
    struct json_scan_value value;
    size_t rest;
    enum err e;

    *out = (struct acmedns_register){.allowfrom = "[]"};
    *bad = (struct acmedns_string){NULL, 0};
    if (len == 0)
        return ERR_OK;
    if (json_scan(&value, &rest, body, len) != ERR_OK || !json_scan_is_blank(body + len - rest, rest)) {
        explain_syntax(out->problem, body, len, rest);
        return ERR_SYNTAX;
    }
    if (value.kind == JSON_SCAN_NULL)
        return ERR_OK;
    if (value.kind != JSON_SCAN_OBJECT) {
        explain_kind(out->problem, &value);
        return ERR_SYNTAX;
    }
    e = take_object(&d, &value);
    if (e != ERR_OK)
        return e;
    if (d.ended || d.mistyped) {
        explain_members(out->problem, &d);
        return ERR_SYNTAX;
    }
    return d.has_allowfrom ? take_networks(out, bad, arena, &d.allowfrom) : ERR_OK;
}
