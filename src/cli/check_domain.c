/* Could a certificate for a domain be had? */
#include <string.h>

#include "cli/check_internal.h"

#define CHALLENGE_LABEL "_acme-challenge"

void check_domain(struct check *c, const char *domain, enum check_wildcard wildcard)
{
    struct check_fact declared = {.knowledge = CHECK_UNKNOWN};
    struct check_chain chain = {.hops = 0};
    struct name name;

    if (name_parse(&name, domain, strlen(domain)) != ERR_OK ||
        name_prepend(&chain.name, CHALLENGE_LABEL, strlen(CHALLENGE_LABEL), &name) != ERR_OK) {
        finding_fail(c->findings, "domain",
                     "%s is no domain name, or too long for one with _acme-challenge in front", domain);
        return;
    }
    if (c->source.look != NULL)
        c->source.look(c->source.self, domain, &declared);
    check_follow(c, domain, &declared, &chain);
    if (chain.target.len > 0)
        check_target(c, domain, &chain, &declared);
    check_caa(c, domain, wildcard);
    check_elsewhere(c, domain, &chain);
    check_report_unreachable(c);
}
