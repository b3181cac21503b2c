/* Writing, and pages; reading is in admin_body.c. */
#include "api/admin_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "base/uuid.h"
#include "core/name.h"

#define US_PER_S        1000000
#define ESCAPED_OCTET   4 /* \DDD */
#define NET_V6_OF_CLAIM 64

/* ---- writing ---- */

const char *time_format_us(int64_t real_us, char out[JSON_TIME_MAX])
{
    int64_t fraction = ((real_us % US_PER_S) + US_PER_S) % US_PER_S;
    char whole[CLOCK_TEXT_MAX];

    clock_format_rfc3339((real_us - fraction) / US_PER_S, whole);
    whole[strcspn(whole, "Z")] = '\0';
    (void)snprintf(out, JSON_TIME_MAX, "%.20s.%06uZ", whole, (unsigned)fraction % US_PER_S);
    return out;
}

json_t *json_time(int64_t real_s)
{
    char text[CLOCK_TEXT_MAX];

    return real_s == 0 ? json_null() : json_string(clock_format_rfc3339(real_s, text));
}

json_t *json_time_us(int64_t real_us)
{
    char text[JSON_TIME_MAX];

    return json_string(time_format_us(real_us, text));
}

static json_t *json_escaped(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len * ESCAPED_OCTET + 1);
    size_t n = 0;
    json_t *string;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '\\')
            text[n++] = (char)bytes[i];
        else
            n += (size_t)snprintf(text + n, ESCAPED_OCTET + 1, "\\%03u", (unsigned)bytes[i]);
    }
    string = json_stringn(text, n);
    free(text);
    return string;
}

json_t *json_bytes(const void *bytes, size_t len)
{
    json_t *string = NULL;

    if (len == 0)
        return json_string("");
    if (memchr(bytes, '\0', len) == NULL)
        string = json_stringn(bytes, len); /* NULL when it is not UTF-8 */
    return string != NULL ? string : json_escaped(bytes, len);
}

json_t *json_addr(const struct addr *a)
{
    char text[ADDR_TEXT_MAX];

    return json_string(addr_format(a, text));
}

json_t *json_client_network(const struct addr *a)
{
    struct net net = {*a, NET_V6_OF_CLAIM};
    char text[NET_TEXT_MAX];

    return a->family == ADDR_V6 ? json_string(net_format(&net, text)) : json_addr(a);
}

json_t *json_nets(const struct net *nets, size_t n)
{
    json_t *list = json_array();
    char text[NET_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        if (json_array_append_new(list, json_string(net_format(&nets[i], text))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *json_owner(const struct state *s, const struct name_entry *n)
{
    char text[NAME_TEXT_MAX];
    struct name owner;

    name_owner(s, n, &owner);
    return json_string(name_format(&owner, text));
}

json_t *json_label(const struct state *s, const struct name_entry *n)
{
    const struct zone_state *zone = state_zone(s, name_zone(n));
    uint8_t wire[NAME_MAX_LEN + 1] = {0};
    char text[NAME_TEXT_MAX];
    struct name owner, relative;
    size_t len;

    name_owner(s, n, &owner);
    len = (size_t)owner.len - zone->spec.apex.len;
    memcpy(wire, owner.b, len); /* the root label behind it is there already */
    name_set(&relative, wire, len + 1);
    return json_string(name_format(&relative, text));
}

json_t *json_account(const struct state *s, uint32_t account)
{
    const struct account *a = account != ACCOUNT_ADMIN ? state_account(s, account) : NULL;

    return a != NULL ? json_string(a->name) : json_null();
}

/* The words for the bits that are set. */
static json_t *json_words(unsigned bits, const char *const *words, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        if ((bits & 1u << i) != 0 && json_array_append_new(list, json_string(words[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *json_actions(unsigned actions)
{
    return json_words(actions, action_words, ACTION_WORDS);
}

json_t *json_kinds(unsigned kinds)
{
    return json_words(kinds, kind_words, KIND_WORDS);
}

bool json_put(json_t *object, const char *member, json_t *value)
{
    return json_object_set_new(object, member, value) == 0;
}

bool json_put_credential(json_t *object, const struct state *s, uint32_t credential)
{
    const struct credential *c = state_credential(s, credential);
    char uuid[UUID_TEXT_LEN + 1];

    if (c == NULL || credential == CREDENTIAL_ADMIN)
        return json_put(object, "credential", json_null()) &&
               json_put(object, "label",
                        c != NULL ? json_bytes(credential_label(c), strlen(credential_label(c))) : json_string(""));
    return json_put(object, "credential", json_string(uuid_format(&c->uuid, uuid))) &&
           json_put(object, "label", json_bytes(credential_label(c), strlen(credential_label(c))));
}

/* ---- pages ---- */

void page_init(struct page *p, const char *limit, const char *after, struct problem *problem)
{
    *p = (struct page){.items = json_array()};
    p->limit = (size_t)query_number("limit", limit, PAGE_DEFAULT, UINT32_MAX, problem);
    if (p->limit == 0)
        problem_say(problem, REFUSAL_MALFORMED, "limit: a page has at least one item");
    if (p->limit > PAGE_MAX)
        p->limit = PAGE_MAX;
    p->at = (uint32_t)query_number("after", after, 0, UINT32_MAX, problem);
}

void page_fini(struct page *p)
{
    json_decref(p->items);
    p->items = NULL;
}

bool page_jump(struct page *p, uint32_t id)
{
    if (p->items == NULL)
        return false;
    p->more = p->n >= p->limit || p->parts >= PAGE_PARTS_MAX || p->visits >= PAGE_VISITS_MAX;
    if (p->more)
        return false;
    p->visits++;
    p->at = id;
    return true;
}

uint32_t page_next(struct page *p, uint32_t last)
{
    return p->at < last && page_jump(p, p->at + 1) ? p->at : 0;
}

void page_add(struct page *p, json_t *item, size_t parts)
{
    p->n++;
    p->parts += parts;
    if (json_array_append_new(p->items, item) != 0)
        page_fini(p);
}

json_t *page_give(struct page *p)
{
    json_t *list = json_object();
    char next[16];
    bool done = p->items != NULL && json_object_set(list, "items", p->items) == 0;

    (void)snprintf(next, sizeof next, "%" PRIu32, p->at);
    if (done && p->more)
        done = json_put(list, "next", json_string(next));
    page_fini(p);
    if (done)
        return list;
    json_decref(list);
    return NULL;
}
