/* cli/check_facts.h -- what a check wants to know of the server's state, asked over its admin socket or /v1; and
 * the domains of a certificate. One thread. */
#ifndef CLI_CHECK_FACTS_H
#define CLI_CHECK_FACTS_H

#include "base/attr.h"
#include "base/text.h"
#include "cli/check.h"
#include "cli/client.h"

/* Goes silent after the first call that found no server: that has been explained on stderr. */
struct check_facts {
    struct client *client; /* NULL: there is no server to ask */
    bool is_remote;
    bool is_off;
    const struct check_here *here;
};

/* Without a configuration and a URL there is nobody to ask, and nothing is said about it. */
void check_facts_init(struct check_facts *f, const struct cli *cli, const struct check_here *here);
void check_facts_fini(struct check_facts *f);
/* Valid as long as f. */
struct check_source check_facts_source(struct check_facts *f);

#define CERTIFICATE_NAMES_MAX 1000

struct certificate_names {
    size_t n;
    size_t n_others;                    /* addresses, mail addresses: no matter of DNS-01 */
    char (*names)[DOMAIN_TEXT_MAX + 2]; /* as they stand there: "shop.example.com", "*.example.com" */
};

/* The DNS names of the first certificate in a PEM file, each once. ERR_IO, ERR_SYNTAX, ERR_NOT_FOUND (no DNS
 * names), ERR_RANGE (more than CERTIFICATE_NAMES_MAX), ERR_MEMORY: *why says which, and why. */
MUST_USE enum err certificate_names_load(struct certificate_names *out, const char *path, struct text *why);
void certificate_names_fini(struct certificate_names *c);

#endif
