/* cli/admin.h -- the subcommands that talk to the running server; the rows are in admin.c. Each returns an
 * exit_status. */
#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"

/* admin_rfc2136.c: print a credential with its TSIG key as nsupdate, lego and certbot store it. */
void show_rfc2136(const json_t *c, const json_t *name, const json_t *server);

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
int run_value_pin(const struct cli *cli, int argc, char **argv);
int run_value_unpin(const struct cli *cli, int argc, char **argv);
int run_value_persist(const struct cli *cli, int argc, char **argv);
int run_value_account_label(const struct cli *cli, int argc, char **argv);

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

int run_journal(const struct cli *cli, int argc, char **argv);
int run_refusals(const struct cli *cli, int argc, char **argv);
int run_trace(const struct cli *cli, int argc, char **argv);

/* ---- what they share ---- */

/* A path with `%` places filled by escaped texts: admin_path(&t, "/v1/names/%/values", name). One text per '%'. */
void admin_path(struct text *path, const char *pattern, const char *const *texts);
/* Append "&MEMBER=TEXT", escaped, when the option "--MEMBER" was given. path has a query already. */
void admin_put_query(struct text *path, const struct args *a, const char *option);

/* One call with a client of its own; see client_call(). Finishes path. */
MUST_USE int admin_call(const struct cli *cli, const char *method, struct text *path, json_t *body, json_t **out);
/* The same, for what ends a command: with --json the reply is printed (a reply without a body as {"done": true}),
 * and *out is NULL, as it is after a failure: then there is nothing to show to people. */
MUST_USE int admin_ask(const struct cli *cli, const char *method, struct text *path, json_t *body, json_t **out);
/* A whole command: get what is at the path, filled by the one argument, and show it. */
int admin_show(const struct cli *cli, const char *pattern, void (*show)(const json_t *reply), int argc,
               char **argv);
/* All pages of a list: gives an array of the items, or NULL as admin_ask() does. path may have a query already;
 * finishes it. */
MUST_USE int admin_list(const struct cli *cli, struct text *path, json_t **items);

/* Put a text, a list, or a time of an option into body, when the option was given. */
void admin_put_text(json_t *body, const char *member, const struct args *a, const char *option);
void admin_put_list(json_t *body, const char *member, const struct args *a, const char *option);
MUST_USE bool admin_put_time(json_t *body, const char *member, const struct args *a, const char *option);

/* Ask before something that cannot be taken back; true with --yes. Without a terminal the answer is no, and says
 * --yes. */
MUST_USE bool admin_confirm(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The values of a name as a table (name show, value list); items as in GET …/values. */
void admin_show_values(const json_t *values);
/* Of one of the items. */
bool admin_value_is_pinned(const json_t *value);
/* Pin value at name; the rest as admin_ask(). */
MUST_USE int admin_pin(const struct cli *cli, const char *name, const char *value, json_t **reply);
/* If text is a dns-persist-01 record that no authority takes any more, or not for long, say so. */
void admin_warn_of_persist(FILE *to, const char *text);

#endif
