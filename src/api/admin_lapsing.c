/* What of dns-persist-01 needs a person: records that authorities take no more, or not for long. */
#include <string.h>

#include "api/admin_internal.h"
#include "core/persist.h"
#include "core/value_set.h"

static json_t *json_lapsing(const struct state *s, const struct name_entry *n, const struct persist *p)
{
    json_t *object = json_object();

    if (json_put(object, "name", json_owner(s, n)) &&
        json_put(object, "issuer", json_bytes(p->issuer, p->issuer_len)) &&
        json_put(object, "until", json_time(p->until_s)))
        return object;
    json_decref(object);
    return NULL;
}

/* Is v a record that has ended, or ends soon? Then *p has it; its texts point into text. */
static bool is_lapsing(struct persist *p, char text[PERSIST_TEXT_MAX], const struct value *v, int64_t now_s)
{
    struct text_fault fault;
    size_t len;

    if (!value_is_pinned(v) || v->rdlen >= PERSIST_TEXT_MAX)
        return false;
    len = value_decode_text(text, v->rdata, v->rdlen);
    return persist_parse(p, text, len, &fault) == ERR_OK &&
           persist_term(p, now_s, PERSIST_SOON_S) != PERSIST_TERM_STANDS;
}

bool admin_note_lapsing(json_t *list, const struct state *s, const struct name_entry *n, int64_t now_s)
{
    const struct value_set *vs = name_values(s, n);
    char text[PERSIST_TEXT_MAX];
    struct persist p;

    for (size_t i = 0; i < vs->n && json_array_size(list) < LAPSING_MAX; i++) {
        if (is_lapsing(&p, text, &vs->values[i], now_s) && json_array_append_new(list, json_lapsing(s, n, &p)) != 0)
            return false;
    }
    return true;
}
