/* Reading what comes with a request: members of its body, arguments of its query. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/admin_json.h"
#include "base/quantity.h"

#define MS_PER_S       1000
#define SHOWN_MAX      100 /* octets of what came in that are told back */
#define TIME_LEN       20  /* of the shortest: 2026-11-21T02:58:41Z */
#define TIME_DIGITS    19
#define MINUTES_PER_H  60
#define S_PER_MINUTE   60
#define OFFSET_LEN     6 /* +01:00 */
#define WORDS_TEXT_MAX 64

const char *const action_words[ACTION_WORDS] = {"add", "remove", "read", "manage", "administer"};
const char *const kind_words[KIND_WORDS] = {"challenge", "pinned"};

void problem_say(struct problem *p, enum refusal reason, const char *detail, ...)
{
    va_list args;

    if (problem_is(p))
        return;
    p->reason = reason;
    va_start(args, detail);
    (void)vsnprintf(p->detail, sizeof p->detail, detail, args);
    va_end(args);
}

bool problem_is(const struct problem *p)
{
    return p->reason != REFUSAL_NONE;
}

static void say_no_memory(struct problem *p)
{
    problem_say(p, REFUSAL_FULL, "out of memory");
}

/* ---- bodies ---- */

static bool is_known(const char *member, const char *const *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(member, known[i]) == 0)
            return true;
    return false;
}

static void check_members(const struct body *b, const char *const *known, size_t n)
{
    const char *member;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)b->object, member, value)
    {
        const char *nearest;
        if (is_known(member, known, n))
            continue;
        nearest = text_nearest(member, known, n);
        problem_say(b->problem, REFUSAL_UNKNOWN_FIELD,
                    "the request has a member \"%s%.*s\", which means nothing here", b->where, SHOWN_MAX, member);
        if (nearest != NULL)
            (void)snprintf(b->problem->hint, sizeof b->problem->hint, "did you mean \"%s%s\"?", b->where, nearest);
        return;
    }
}

void body_init(struct body *b, const json_t *json, struct arena *arena, struct problem *problem,
               const char *const *known, size_t n)
{
    *b = (struct body){.object = json, .arena = arena, .problem = problem, .where = ""};
    if (json != NULL && !json_is_object(json)) {
        b->object = NULL;
        problem_say(problem, REFUSAL_MALFORMED, "the body is not a JSON object");
    }
    check_members(b, known, n);
}

/* NULL: not there, null, or a problem is known already. */
static const json_t *find(const struct body *b, const char *member)
{
    const json_t *value = b->object != NULL && !problem_is(b->problem) ? json_object_get(b->object, member) : NULL;

    return json_is_null(value) ? NULL : value;
}

static void say_type(const struct body *b, const char *member, const char *wanted)
{
    problem_say(b->problem, REFUSAL_MALFORMED, "%s%s: %s is wanted", b->where, member, wanted);
}

bool body_has(const struct body *b, const char *member)
{
    return b->object != NULL && json_object_get(b->object, member) != NULL;
}

/* Go into an object that is called so in b; false: it is none, or has members that are not known. */
static bool descend(const struct body *b, struct body *out, const json_t *value, const char *member,
                    const char *const *known, size_t n)
{
    char where[SHOWN_MAX];

    if (!json_is_object(value)) {
        say_type(b, member, "an object");
        return false;
    }
    (void)snprintf(where, sizeof where, "%s%s.", b->where, member);
    *out = *b;
    out->object = value;
    out->where = arena_copy(b->arena, where, strlen(where));
    if (out->where == NULL)
        say_no_memory(b->problem);
    else
        check_members(out, known, n);
    return !problem_is(b->problem);
}

bool body_object(const struct body *b, struct body *out, const char *member, const char *const *known, size_t n)
{
    const json_t *value = find(b, member);

    return value != NULL && descend(b, out, value, member, known, n);
}

/* A copy of a string; NULL: a problem. */
static const char *copy_string(const struct body *b, const char *member, const json_t *value)
{
    const char *copy;

    if (!json_is_string(value)) {
        say_type(b, member, "a text");
        return NULL;
    }
    copy = arena_copy(b->arena, json_string_value(value), json_string_length(value));
    if (copy == NULL)
        say_no_memory(b->problem);
    return copy;
}

const char *body_text(const struct body *b, const char *member)
{
    const json_t *value = find(b, member);

    return value != NULL ? copy_string(b, member, value) : NULL;
}

const char *body_needed(const struct body *b, const char *member)
{
    const char *text = body_text(b, member);

    if (text == NULL)
        problem_say(b->problem, REFUSAL_MALFORMED, "%s%s is needed", b->where, member);
    return text;
}

bool body_flag(const struct body *b, const char *member, bool otherwise)
{
    const json_t *value = find(b, member);

    if (value == NULL)
        return otherwise;
    if (!json_is_boolean(value))
        say_type(b, member, "true or false");
    return json_is_true(value);
}

uint32_t body_u32(const struct body *b, const char *member, uint32_t min)
{
    const json_t *value = find(b, member);
    json_int_t n = value != NULL ? json_integer_value(value) : 0;

    if (value == NULL)
        return 0;
    if (json_is_integer(value) && n >= (json_int_t)min && n <= (json_int_t)UINT32_MAX)
        return (uint32_t)n;
    problem_say(b->problem, REFUSAL_MALFORMED, "%s%s: a number of at least %" PRIu32 " is wanted, or null",
                b->where, member, min);
    return 0;
}

int64_t body_time(const struct body *b, const char *member)
{
    const char *text = body_text(b, member);
    int64_t at = 0;

    if (text != NULL && time_parse_rfc3339(&at, text, strlen(text)) != ERR_OK)
        problem_say(b->problem, REFUSAL_MALFORMED, "%s%s: \"%.*s\" is not a time such as 2026-11-21T02:58:41Z",
                    b->where, member, SHOWN_MAX, text);
    return at;
}

int64_t body_duration_s(const struct body *b, const char *member, int64_t otherwise)
{
    const char *text = body_text(b, member);
    int64_t ms = 0;

    if (text == NULL)
        return otherwise;
    if (quantity_parse_duration_ms(&ms, text, strlen(text)) != ERR_OK)
        problem_say(b->problem, REFUSAL_MALFORMED, "%s%s: \"%.*s\" is not a time such as 24h, 30m or 90d", b->where,
                    member, SHOWN_MAX, text);
    return (ms + MS_PER_S - 1) / MS_PER_S;
}

/* ---- lists ---- */

/* A list's elements; false: it is not there, or a problem. */
static bool find_list(const struct body *b, const char *member, const json_t **list)
{
    *list = find(b, member);
    if (*list != NULL && !json_is_array(*list)) {
        say_type(b, member, "a list");
        return false;
    }
    return *list != NULL;
}

size_t body_list(const struct body *b, const char *member)
{
    const json_t *list;

    return find_list(b, member, &list) ? json_array_size(list) : 0;
}

bool body_item(const struct body *b, struct body *out, const char *member, size_t i, const char *const *known,
               size_t n)
{
    char item[SHOWN_MAX];
    const json_t *list;

    if (!find_list(b, member, &list))
        return false;
    (void)snprintf(item, sizeof item, "%s[%zu]", member, i);
    return descend(b, out, json_array_get(list, i), item, known, n);
}

/* Room for one more than n elements, so that an empty list is no NULL. */
static void *make_list(const struct body *b, size_t n, size_t size)
{
    void *list = arena_alloc(b->arena, (n + 1) * size);

    if (list == NULL)
        say_no_memory(b->problem);
    return list;
}

const char *const *body_texts(const struct body *b, const char *member, size_t *n)
{
    const json_t *list;
    const char **texts;

    *n = 0;
    if (!find_list(b, member, &list))
        return NULL;
    texts = make_list(b, json_array_size(list), sizeof *texts);
    if (texts == NULL)
        return NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        texts[i] = copy_string(b, member, json_array_get(list, i));
        if (texts[i] == NULL)
            return NULL;
    }
    *n = json_array_size(list);
    return texts;
}

const struct net *body_nets(const struct body *b, const char *member, size_t *n)
{
    size_t n_texts;
    const char *const *texts = body_texts(b, member, &n_texts);
    struct net *nets;

    *n = 0;
    if (texts == NULL)
        return NULL;
    nets = make_list(b, n_texts, sizeof *nets);
    if (nets == NULL)
        return NULL;
    for (size_t i = 0; i < n_texts; i++) {
        if (net_parse(&nets[i], texts[i], strlen(texts[i])) != ERR_OK) {
            problem_say(b->problem, REFUSAL_BAD_NETWORK, "%s%s: \"%.*s\" is not a network", b->where, member,
                        SHOWN_MAX, texts[i]);
            (void)snprintf(
                b->problem->hint, sizeof b->problem->hint,
                "a network is written 192.0.2.0/24 or 2001:db8::/32; one address is ADDRESS/32 or ADDRESS/128");
            return NULL;
        }
    }
    *n = n_texts;
    return nets;
}

const struct name_ref *body_names(const struct body *b, const char *member, size_t *n)
{
    size_t n_texts;
    const char *const *texts = body_texts(b, member, &n_texts);
    struct name_ref *refs;

    *n = 0;
    if (texts == NULL)
        return NULL;
    refs = make_list(b, n_texts, sizeof *refs);
    if (refs == NULL)
        return NULL;
    for (size_t i = 0; i < n_texts; i++)
        refs[i] = (struct name_ref){NAME_REF_ANY, texts[i], strlen(texts[i])};
    *n = n_texts;
    return refs;
}

static void say_words(const struct body *b, const char *member, const char *text, const char *const *words,
                      size_t n)
{
    char all[WORDS_TEXT_MAX] = "";
    size_t len = 0;

    for (size_t i = 0; i < n && len < sizeof all; i++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "", words[i]);
    problem_say(b->problem, REFUSAL_MALFORMED, "%s%s: \"%.*s\" is not one of %s", b->where, member, SHOWN_MAX, text,
                all);
}

static unsigned read_words(const struct body *b, const char *member, const char *const *words, size_t n_words)
{
    size_t n;
    const char *const *texts = body_texts(b, member, &n);
    unsigned bits = 0;

    for (size_t i = 0; texts != NULL && i < n; i++) {
        size_t k = 0;
        while (k < n_words && strcmp(texts[i], words[k]) != 0)
            k++;
        if (k == n_words)
            say_words(b, member, texts[i], words, n_words);
        else
            bits |= 1u << k;
    }
    return bits;
}

unsigned body_actions(const struct body *b, const char *member)
{
    return read_words(b, member, action_words, ACTION_WORDS);
}

unsigned body_kinds(const struct body *b, const char *member)
{
    return read_words(b, member, kind_words, KIND_WORDS);
}

/* ---- times ---- */

/* n digits at text as a number; false: others are there. */
static bool take_digits(int *out, const char *text, size_t n)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

/* "+01:00" or "Z", all of it; minutes to subtract. */
static enum err parse_offset(int *minutes, const char *text, size_t len)
{
    int hours, rest;

    *minutes = 0;
    if (len == 1 && (text[0] == 'Z' || text[0] == 'z'))
        return ERR_OK;
    if (len != OFFSET_LEN || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
        !take_digits(&hours, text + 1, 2) || !take_digits(&rest, text + 4, 2))
        return ERR_SYNTAX;
    if (hours > 23 || rest > 59)
        return ERR_RANGE;
    *minutes = (hours * MINUTES_PER_H + rest) * (text[0] == '-' ? -1 : 1);
    return ERR_OK;
}

/* The first 19 characters. */
static enum err parse_clock(struct tm *tm, const char *text)
{
    struct tm there;

    *tm = (struct tm){0};
    if (!take_digits(&tm->tm_year, text, 4) || !take_digits(&tm->tm_mon, text + 5, 2) ||
        !take_digits(&tm->tm_mday, text + 8, 2) || !take_digits(&tm->tm_hour, text + 11, 2) ||
        !take_digits(&tm->tm_min, text + 14, 2) || !take_digits(&tm->tm_sec, text + 17, 2) || text[4] != '-' ||
        text[7] != '-' || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':' ||
        text[16] != ':')
        return ERR_SYNTAX;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
        return ERR_RANGE;
    there = *tm;
    (void)timegm(&there); /* moves what is outside of the calendar, such as February 30 */
    return tm->tm_sec == 60 || (there.tm_mday == tm->tm_mday && there.tm_mon == tm->tm_mon) ? ERR_OK : ERR_RANGE;
}

enum err time_parse_rfc3339(int64_t *real_s, const char *text, size_t len)
{
    size_t at = TIME_DIGITS;
    int minutes;
    struct tm tm;
    enum err e;

    if (len < TIME_LEN)
        return ERR_SYNTAX;
    e = parse_clock(&tm, text);
    if (e != ERR_OK)
        return e;
    if (text[at] == '.') {
        size_t first = ++at;
        int digit;
        while (at < len && take_digits(&digit, text + at, 1))
            at++;
        if (at == first)
            return ERR_SYNTAX;
    }
    e = parse_offset(&minutes, text + at, len - at);
    if (e != ERR_OK)
        return e;
    *real_s = (int64_t)timegm(&tm) - (int64_t)minutes * S_PER_MINUTE;
    return *real_s > 0 ? ERR_OK : ERR_RANGE; /* before 1970 nothing has happened; 0 is "never" */
}

/* ---- queries ---- */

bool query_flag(const char *name, const char *text, struct problem *problem)
{
    if (text == NULL || strcmp(text, "0") == 0 || strcmp(text, "false") == 0)
        return false;
    if (text[0] != '\0' && strcmp(text, "1") != 0 && strcmp(text, "true") != 0)
        problem_say(problem, REFUSAL_MALFORMED, "%s: 1 or 0 is wanted", name);
    return true;
}

uint64_t query_number(const char *name, const char *text, uint64_t otherwise, uint64_t max, struct problem *problem)
{
    uint64_t n = otherwise;

    if (text != NULL && quantity_parse_uint(&n, text, strlen(text), max) != ERR_OK) {
        problem_say(problem, REFUSAL_MALFORMED, "%s: \"%.*s\" is not a number from 0 to %" PRIu64, name, SHOWN_MAX,
                    text, max);
        return otherwise;
    }
    return n;
}

int64_t query_time(const char *name, const char *text, int64_t otherwise, struct problem *problem)
{
    int64_t at = otherwise;

    if (text != NULL && time_parse_rfc3339(&at, text, strlen(text)) != ERR_OK) {
        problem_say(problem, REFUSAL_MALFORMED, "%s: \"%.*s\" is not a time such as 2026-11-21T02:58:41Z", name,
                    SHOWN_MAX, text);
        return otherwise;
    }
    return at;
}
