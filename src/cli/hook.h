/* cli/hook.h -- what ACME clients call to add and to remove challenge values: `riposte hook …`. One thread.
 *
 * A hook depends on no PATH, HOME or terminal, is bounded in time, and says what is wrong before the certificate
 * authority is asked, for whom a failed validation counts. What this machine cannot find out (a firewall that lets
 * no question out) is said and does not stop anything: the server's reply to the change means that it is served. */
#ifndef CLI_HOOK_H
#define CLI_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/client_commands.h"

#define HOOK_TIMEOUT_MS     ((int64_t)60 * 1000)
#define HOOK_CHALLENGES_MAX 128 /* of one call; authorities allow 100 names in a certificate */

/* One value of one domain. */
struct hook_challenge {
    const char *domain; /* as the client says it: "shop.example.com", with or without "*." or "_acme-challenge.";
                         * or the name that the CNAME points at, of clients that follow it themselves */
    char value[CLIENT_CHALLENGE_LEN + 1];
};

struct hook {
    const struct cli *cli;
    struct client_options options;
    int64_t deadline_ms, work_until_ms; /* clock_mono_ms(); between them there is time to take a value back */
    bool asks_no_dns;                   /* --no-dns: this machine sees another DNS than the world does */
    int argc;                           /* what is left behind the options */
    char **argv;
};

/* Take the options in front of the client's own arguments, which are taken as they are: values may begin with
 * hyphens. False: wrong usage, which has been explained. */
MUST_USE bool hook_take(struct hook *h, const struct cli *cli, int argc, char **argv);
/* Copy a value. False: it is no challenge value, which has been explained. */
MUST_USE bool hook_set_value(struct hook_challenge *c, const char *value);
/* Look at the CNAMEs, add the values, and wait until all name servers have them. Gives an exit status; after a
 * failure none of the values is left where it could be removed. */
int hook_add(const struct hook *h, const struct hook_challenge *challenges, size_t n);
/* Remove the values. Trouble is said, but the exit status is 0: the certificate is there, and values end by
 * themselves. */
int hook_remove(const struct hook *h, const struct hook_challenge *challenges, size_t n);
/* Say on stderr what is wrong with how the client called. Gives EXIT_STATUS_FAILED. */
int hook_refuse(const char *format, ...) PRINTF_LIKE(1, 2);

int run_hook_certbot(const struct cli *cli, int argc, char **argv);
int run_hook_dehydrated(const struct cli *cli, int argc, char **argv);
int run_hook_uacme(const struct cli *cli, int argc, char **argv);
int run_hook_exec(const struct cli *cli, int argc, char **argv);

#endif
