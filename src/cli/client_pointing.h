/* cli/client_pointing.h -- whether _acme-challenge.DOMAIN is a CNAME to our name at all servers of the domain: what
 * a host looks at before it asks a certificate authority, for whom a failed validation counts. One thread; blocks.
 *
 * It asks the domain's own servers, found through the resolver; the resolver is never asked for the challenge name
 * itself as long as a server answers, so that it does not remember that there is nothing yet. */
#ifndef CLI_CLIENT_POINTING_H
#define CLI_CLIENT_POINTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "cli/lookup.h"

#define POINTING_HOPS_MAX  8 /* CNAMEs one behind the other; authorities follow about as many */
#define POINTING_FAULT_MAX ((size_t)8192)

enum pointing_state {
    POINTING_RIGHT,     /* at all servers that answered, and one did at least; or the resolver says so */
    POINTING_PARTLY,    /* at some of them: it is on its way, or one of them is behind */
    POINTING_WRONG,     /* at none of them */
    POINTING_DELEGATED, /* the challenge name is a zone of its own: there the value itself must be */
    POINTING_UNKNOWN,   /* nobody answered: this machine cannot tell */
};

struct pointing {
    enum pointing_state state;
    struct name challenge; /* _acme-challenge.DOMAIN */
    struct name zone;      /* the one whose servers were asked (the last, behind several CNAMEs) */
    size_t servers, right; /* name servers that count: they answered, or should have */
    size_t silent;         /* of those, without an answer */
    bool by_resolver;      /* what is said comes from the resolver: no server answered */
    unsigned hops;
    struct text fault;       /* unless right or delegated: what is wrong, without a full stop */
    struct text fix;         /* the way out; may be empty */
    char dig[NAME_TEXT_MAX]; /* the command by which to see it; may be "" */
};

/* Look once. domain as domain_normalise() gives it, target is our name. out is to be finished in any case. */
void pointing_look(struct pointing *out, struct lookup *l, const char *domain, const struct name *target);
void pointing_fini(struct pointing *p);

#endif
