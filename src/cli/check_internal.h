/* cli/check_internal.h -- what the files of the engine share; for check_*.c only. */
#ifndef CLI_CHECK_INTERNAL_H
#define CLI_CHECK_INTERNAL_H

#include "cli/check.h"

#define RCODE_NOERROR  0
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3
#define RCODE_REFUSED  5

#define CHECK_WHY_MAX 512

struct check_cached {
    enum lookup_result result;
    char why[CHECK_WHY_MAX];
    struct lookup_zone zone;
};

/* One server's answer. */
struct check_answer {
    const struct lookup_server *at;
    const struct name *server;
    enum lookup_result result;
    struct lookup_reply *reply; /* LOOKUP_ANSWERED */
};

struct check_answers {
    size_t n, n_answered;
    struct check_answer items[LOOKUP_SERVERS_MAX];
};

/* check_ask.c */
void check_progress(struct check *c, const char *format, ...) PRINTF_LIKE(2, 3);
/* The servers of a zone. NULL: they cannot be found, and *why (CHECK_WHY_MAX) says why. Valid until the next call.
 */
const struct lookup_zone *check_servers(struct check *c, const struct name *apex, char *why);
/* The servers of the zone that a name lies in. The same. */
const struct lookup_zone *check_zone_of(struct check *c, const struct name *name, char *why);
/* Ask the zone's servers, until `enough` of them have answered. Those that do not answer are reported, once in a
 * check. */
void check_ask_all(struct check *c, const char *about, const struct lookup_zone *zone, const struct name *name,
                   uint16_t type, enum lookup_way way, size_t enough, struct check_answers *out);
void check_answers_fini(struct check_answers *a);
/* Report a server that did not answer, once a check. */
void check_report_silence(struct check *c, const char *about, const struct lookup_server *at,
                          const struct name *server, enum lookup_way way, enum lookup_result result,
                          const struct name *name, uint16_t type);
/* At the end: which addresses this machine has no way to. */
void check_report_unreachable(struct check *c);
/* "ns1.example.org (192.0.2.1)". Returns out. */
#define CHECK_SERVER_MAX (NAME_TEXT_MAX + LOOKUP_SERVER_TEXT_MAX + 4)
const char *check_server_text(const struct lookup_server *at, const struct name *server,
                              char out[CHECK_SERVER_MAX]);
/* Add "dig +norec @ADDR NAME TYPE" to the last finding. */
void check_see(struct check *c, const struct lookup_server *at, const struct name *name, uint16_t type,
               enum lookup_way way);

/* check_chain.c: from _acme-challenge.DOMAIN to where it ends. */
struct check_chain {
    struct name name;   /* _acme-challenge.DOMAIN */
    struct name target; /* where it ends; len 0: nowhere that is of use, and that has been reported */
    unsigned hops;
    bool is_here; /* the target is in a zone of this server, or an alias of it */
};
/* declared: what is known of the domain's name. */
void check_follow(struct check *c, const char *domain, const struct check_fact *declared, struct check_chain *out);

/* check_target.c: what there is at the target, and that all its servers say the same. */
void check_target(struct check *c, const char *domain, const struct check_chain *chain,
                  const struct check_fact *declared);

/* check_caa.c: does the closest CAA set permit the authority? */
void check_caa(struct check *c, const char *domain, enum check_wildcard wildcard);

/* One CAA set's verdict (RFC 8659 section 4, RFC 8657). */
enum caa_verdict { CAA_PERMITTED, CAA_FORBIDDEN, CAA_CRITICAL, CAA_METHOD, CAA_BROKEN };
struct caa_judgement {
    enum caa_verdict verdict;
    char record[300];  /* the record that decided, as text; "" when there is none */
    char account[300]; /* accounturi of the permission; "" */
};
/* rdatas: n CAA records. */
void caa_judge(struct caa_judgement *out, const struct rdata *rdatas, size_t n, const struct authority_names *ca,
               enum check_wildcard wildcard);

/* check_elsewhere.c: through the resolvers that were given, and DNSSEC. */
void check_elsewhere(struct check *c, const char *domain, const struct check_chain *chain);

#endif
