/* cli/client_visible.h -- whether a value is at all name servers of the zone that our name lies in, which is what
 * an authority will see. One thread; blocks. */
#ifndef CLI_CLIENT_VISIBLE_H
#define CLI_CLIENT_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "cli/lookup.h"

#define VISIBLE_FAULT_MAX ((size_t)8192)

enum visible_state {
    VISIBLE_YES,     /* at all that answered, and one did at least; or through the resolver */
    VISIBLE_NO,      /* one of them has not got it, in spite of the time that it had */
    VISIBLE_UNKNOWN, /* nobody answered: this machine cannot tell */
};

struct visible {
    enum visible_state state;
    struct name zone;
    size_t servers, seen, silent; /* name servers, as in struct pointing */
    bool by_resolver;
    struct text fault; /* unless yes: what is wrong, and how to see it */
    char dig[NAME_TEXT_MAX];
};

/* Look until all that answer have the value as TXT at name, or until_ms (clock_mono_ms) is over. Looks once in any
 * case. out is to be finished in any case. */
void visible_wait(struct visible *out, struct lookup *l, const struct name *name, const char *value,
                  int64_t until_ms);
void visible_fini(struct visible *v);

#endif
