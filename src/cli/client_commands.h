/* cli/client_commands.h -- what the commands on an ACME host have in common (client …, hook …): where the
 * credentials are, how long they may take, whom they ask. They need no configuration and no running server on this
 * machine. */
#ifndef CLI_CLIENT_COMMANDS_H
#define CLI_CLIENT_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "cli/args.h"
#include "cli/client_pointing.h"
#include "cli/client_server.h"
#include "cli/client_storage.h"
#include "cli/client_visible.h"
#include "cli/command.h"
#include "cli/lookup.h"
#include "core/domain.h"

#define CLIENT_STORAGE_PATH    RIPOSTE_SYSCONFDIR "/riposte/client.json"
#define CLIENT_WHY_MAX         ((size_t)64 << 10)
#define CLIENT_CHALLENGE_LEN   43 /* SHA-256 in base64url, RFC 8555 section 8.4 */
#define CLIENT_CHALLENGE_LABEL "_acme-challenge."

/* Rows of an option table that all of them have. */
#define CLIENT_OPTIONS                                                                                             \
    {"--storage", OPTION_TEXT}, {"--server", OPTION_TEXT}, {"--ca-file", OPTION_TEXT},                             \
    {                                                                                                              \
        "--resolver", OPTION_LIST                                                                                  \
    }

struct client_options {
    const char *storage;     /* path; --storage, RIPOSTE_CLIENT_STORAGE, or CLIENT_STORAGE_PATH */
    const char *server;      /* base URL; NULL: --server was not given */
    const char *server_else; /* RIPOSTE_CLIENT_SERVER: for accounts that have none; NULL: not set */
    const char *ca_file;     /* NULL: the system's authorities; --ca-file, RIPOSTE_CA_FILE */
    struct lookup_server resolvers[LOOKUP_RESOLVERS_MAX];
    size_t n_resolvers; /* 0: the system's */
};

/* From the rows of CLIENT_OPTIONS and the environment, and make the process ready to use them. False: something is
 * wrong with them, which has been explained. */
MUST_USE bool client_options_take(struct client_options *o, const struct args *a);
/* A time of an option, fallback_ms when it was not given. False: it is none, which has been explained. */
MUST_USE bool client_duration(const struct args *a, const char *option, int64_t fallback_ms, int64_t *out);

/* client_storage_open(); a warning when others can read it. NULL: explained on stderr; *status is then the exit
 * status. */
struct client_storage *client_open(const struct client_options *o, const struct cli *cli, int *status);
/* Where an account's values go: --server, or what the file says, or RIPOSTE_CLIENT_SERVER; NULL: nobody says. */
const char *client_url(const struct client_options *o, const struct client_account *account);

/* "1 name server", "4 of 4 …": "all 4 servers of example.com", "2 of 4 servers of example.com". Appends. */
void client_put_servers(struct text *out, size_t good, size_t all, const struct name *zone);

/* Say on stderr what is wrong, the way out (may be NULL or empty) and the command by which to see it (may be "").
 */
void client_explain(const char *command, const struct text *fault, const struct text *fix, const char *dig);

int run_client_register(const struct cli *cli, int argc, char **argv);
int run_client_test(const struct cli *cli, int argc, char **argv);

#endif
