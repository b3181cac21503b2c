#include "api/cors.h"

#include <string.h>

#include "base/attr.h"
#include "base/text.h"

static bool is_word(const struct cors_text *t, const char *word)
{
    return text_equal_nocase(t->text, t->len, word, strlen(word));
}

static bool origin_matches(const char *pattern, const struct cors_text *origin)
{
    const char *star = strchr(pattern, '*');
    size_t before, after;

    if (star == NULL)
        return is_word(origin, pattern);
    before = (size_t)(star - pattern);
    after = strlen(star + 1);
    return origin->len >= before + after && text_equal_nocase(origin->text, before, pattern, before) &&
           text_equal_nocase(origin->text + origin->len - after, after, star + 1, after);
}

static enum cors_answer ask_origin(const struct cors_rules *rules, const struct cors_text *origin)
{
    enum cors_answer answer = CORS_NONE;

    if (origin->text == NULL || origin->len == 0)
        return CORS_NONE;
    for (size_t i = 0; i < rules->n; i++) {
        if (strcmp(rules->origins[i], "*") == 0)
            return CORS_ALL;
        if (origin_matches(rules->origins[i], origin))
            answer = CORS_ORIGIN;
    }
    return answer;
}

static bool method_is_allowed(const struct cors_text *method)
{
    return method->text != NULL &&
           (is_word(method, "GET") || is_word(method, "POST") || is_word(method, "OPTIONS"));
}

static bool header_is_allowed(const struct cors_text *header)
{
    static const char *const allowed[] = {"accept", "content-type", "origin", "x-requested-with"};

    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (is_word(header, allowed[i]))
            return true;
    return false;
}

static bool headers_are_allowed(const struct cors_text *headers)
{
    size_t i = 0;

    while (headers->text != NULL && i < headers->len) {
        struct cors_text one = {headers->text + i, 0};
        while (i < headers->len && headers->text[i] != ',' && headers->text[i] != ' ') {
            one.len++;
            i++;
        }
        if (one.len > 0 && !header_is_allowed(&one))
            return false;
        i++;
    }
    return true;
}

enum cors_answer cors_actual(const struct cors_rules *rules, const struct cors_question *q)
{
    return method_is_allowed(&q->method) ? ask_origin(rules, &q->origin) : CORS_NONE;
}

enum cors_answer cors_preflight(const struct cors_rules *rules, const struct cors_question *q)
{
    return headers_are_allowed(&q->headers) ? cors_actual(rules, q) : CORS_NONE;
}
