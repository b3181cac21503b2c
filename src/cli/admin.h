/* cli/admin.h -- the subcommands that talk to the running server; the rows are in admin.c. Each returns an
 * exit_status. */
#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include <jansson.h>

#include "base/text.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"

int run_status(const struct cli *cli, int argc, char **argv);
int run_reload(const struct cli *cli, int argc, char **argv);

int run_account_list(const struct cli *cli, int argc, char **argv);
int run_account_show(const struct cli *cli, int argc, char **argv);
int run_account_create(const struct cli *cli, int argc, char **argv);
int run_account_set(const struct cli *cli, int argc, char **argv);
int run_account_disable(const struct cli *cli, int argc, char **argv);
int run_account_enable(const struct cli *cli, int argc, char **argv);
int run_account_delete(const struct cli *cli, int argc, char **argv);

int run_name_list(const struct cli *cli, int argc, char **argv);
int run_name_show(const struct cli *cli, int argc, char **argv);
int run_name_create(const struct cli *cli, int argc, char **argv);
int run_name_set(const struct cli *cli, int argc, char **argv);
int run_name_delete(const struct cli *cli, int argc, char **argv);

int run_value_list(const struct cli *cli, int argc, char **argv);
int run_value_add(const struct cli *cli, int argc, char **argv);
int run_value_remove(const struct cli *cli, int argc, char **argv);

int run_credential_list(const struct cli *cli, int argc, char **argv);
int run_credential_show(const struct cli *cli, int argc, char **argv);
int run_credential_create(const struct cli *cli, int argc, char **argv);
int run_credential_set(const struct cli *cli, int argc, char **argv);
int run_credential_rotate(const struct cli *cli, int argc, char **argv);
int run_credential_revoke(const struct cli *cli, int argc, char **argv);

int run_token_list(const struct cli *cli, int argc, char **argv);
int run_token_show(const struct cli *cli, int argc, char **argv);
int run_token_create(const struct cli *cli, int argc, char **argv);
int run_token_revoke(const struct cli *cli, int argc, char **argv);

int run_refusals(const struct cli *cli, int argc, char **argv);
int run_trace(const struct cli *cli, int argc, char **argv);

/* ---- what they share ---- */

/* A path with `%` places filled by escaped texts: admin_path(&t, "/v1/names/%/values", name). One text per '%'. */
void admin_path(struct text *path, const char *pattern, const char *const *texts);

/* One call with a client of its own; see client_call(). */
MUST_USE int admin_call(const struct cli *cli, const char *method, const struct text *path, json_t *body,
                        json_t **out);

/* All pages of a list: gives an array of the items. path may have a query already. */
MUST_USE int admin_list(const struct cli *cli, const struct text *path, json_t **items);

/* Put a text, a list, or a time of an option into body, when the option was given. */
void admin_put_text(json_t *body, const char *member, const struct args *a, const char *option);
void admin_put_list(json_t *body, const char *member, const struct args *a, const char *option);
MUST_USE bool admin_put_time(json_t *body, const char *member, const struct args *a, const char *option);

/* Ask before something that cannot be taken back; true with --yes. Without a terminal the answer is no, and says
 * --yes. */
MUST_USE bool admin_confirm(const struct cli *cli, const char *question);

/* The values of a name as a table (name show, value list); items as in GET …/values. */
void admin_show_values(const json_t *values);

#endif
