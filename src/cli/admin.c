#include "cli/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/show.h"

#define PATH_MAX_LEN 8192
#define PAGE_LIMIT   "500"
#define AFTER_MAX    512 /* of a position in a list */
#define FORMS        "acme-dns|lego|cert-manager|caddy|acme.sh|httpreq|rfc2136|env"
#define END_OF_COMMANDS                                                                                            \
    {                                                                                                              \
        NULL, NULL, NULL, NULL, NULL                                                                               \
    }

void admin_path(struct text *path, const char *pattern, const char *const *texts)
{
    text_init(path, PATH_MAX_LEN);
    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '%') {
            text_put_char(path, *pattern);
            continue;
        }
        client_escape(path, *texts, strlen(*texts));
        texts++;
    }
}

void admin_put_query(struct text *path, const struct args *a, const char *option)
{
    const char *text = args_text(a, option);

    if (text == NULL)
        return;
    text_printf(path, "&%s=", option + strlen("--"));
    client_escape(path, text, strlen(text));
}

static int call(const struct cli *cli, const char *method, const char *path, json_t *body, json_t **out)
{
    struct client *c = client_new(cli);
    int result;

    if (c == NULL) {
        json_decref(body);
        return EXIT_STATUS_FAILED;
    }
    result = client_call(c, method, path, body, out);
    client_free(c);
    return result;
}

static bool is_too_long(const struct text *path)
{
    if (path->err != ERR_OK)
        fputs("riposte: an argument is too long\n", stderr);
    return path->err != ERR_OK;
}

int admin_call(const struct cli *cli, const char *method, struct text *path, json_t *body, json_t **out)
{
    int result = EXIT_STATUS_USAGE;

    if (out != NULL)
        *out = NULL;
    if (is_too_long(path))
        json_decref(body);
    else
        result = call(cli, method, path->bytes, body, out);
    text_fini(path);
    return result;
}

/* With --json: print it, and leave nothing to show. */
static void print_json_if_asked(const struct cli *cli, json_t **reply)
{
    if (!cli->json)
        return;
    show_json(*reply != NULL ? *reply : json_pack("{s:b}", "done", 1));
    *reply = NULL;
}

int admin_ask(const struct cli *cli, const char *method, struct text *path, json_t *body, json_t **out)
{
    int result = admin_call(cli, method, path, body, out);

    if (result == EXIT_STATUS_DONE)
        print_json_if_asked(cli, out);
    return result;
}

int admin_show(const struct cli *cli, const char *pattern, void (*show)(const json_t *reply), int argc, char **argv)
{
    struct args a;
    struct text path;
    json_t *reply = NULL;
    int result;

    if (!args_parse(&a, cli->command, NULL, 0, 1, 1, argc, argv))
        return EXIT_STATUS_USAGE;
    admin_path(&path, pattern, a.rest);
    result = admin_ask(cli, "GET", &path, NULL, &reply);
    if (reply != NULL)
        show(reply);
    json_decref(reply);
    return result;
}

/* One page behind the item `after`, "" for the first; its items are added to all. */
static int add_page(const struct cli *cli, const struct text *path, char *after, size_t after_cap, json_t *all)
{
    char joint = strchr(path->bytes, '?') != NULL ? '&' : '?';
    struct text page;
    json_t *reply = NULL;
    int result;

    text_init(&page, PATH_MAX_LEN);
    text_printf(&page, "%s%climit=" PAGE_LIMIT, path->bytes, joint);
    if (after[0] != '\0') {
        text_put(&page, "&after=");
        client_escape(&page, after, strlen(after));
    }
    result = admin_call(cli, "GET", &page, NULL, &reply);
    if (result == EXIT_STATUS_DONE) {
        (void)json_array_extend(all, json_object_get(reply, "items"));
        (void)snprintf(after, after_cap, "%s", show_text(reply, "next"));
    }
    json_decref(reply);
    return result;
}

int admin_list(const struct cli *cli, struct text *path, json_t **items)
{
    char after[AFTER_MAX] = "";
    int result = EXIT_STATUS_USAGE;

    *items = json_array();
    if (!is_too_long(path)) {
        do {
            result = add_page(cli, path, after, sizeof(after), *items);
        } while (result == EXIT_STATUS_DONE && after[0] != '\0');
    }
    text_fini(path);
    if (result == EXIT_STATUS_DONE) {
        print_json_if_asked(cli, items);
    } else {
        json_decref(*items);
        *items = NULL;
    }
    return result;
}

void admin_put_text(json_t *body, const char *member, const struct args *a, const char *option)
{
    const char *text = args_text(a, option);

    if (text != NULL)
        (void)json_object_set_new(body, member, json_string(text));
}

void admin_put_list(json_t *body, const char *member, const struct args *a, const char *option)
{
    json_t *list;
    size_t n = args_list_len(a, option);

    if (args_text(a, option) == NULL)
        return;
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *text = args_list_at(a, option, i, &len);

        (void)json_array_append_new(list, json_stringn(text, len));
    }
    (void)json_object_set_new(body, member, list);
}

bool admin_put_time(json_t *body, const char *member, const struct args *a, const char *option)
{
    char text[CLOCK_TEXT_MAX];
    int64_t at;

    if (args_text(a, option) == NULL)
        return true;
    if (!args_time(a, option, 1, &at))
        return false;
    (void)json_object_set_new(body, member, json_string(clock_format_rfc3339(at, text)));
    return true;
}

bool admin_confirm(const struct cli *cli, const char *format, ...)
{
    char answer[16];
    va_list ap;

    if (cli->yes)
        return true;
    fprintf(stderr, "riposte %s: ", cli->command->words);
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    if (!isatty(STDIN_FILENO)) {
        fputs(" Nobody is there to answer; --yes says yes\n", stderr);
        return false;
    }
    fputs(" [y/N] ", stderr);
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* The examples are about the same small world: team shop-team, domain shop.example.com, machine web1. */
const struct command admin_commands[] = {
    {"status", "", "what the running server does and how it is",
     "Shows zones, listeners, who may register, and the store. Warnings stand at the end.\n\n"
     "    riposte status\n"
     "    riposte status --url https://auth.example.org --token-file ~/.riposte-admin\n",
     run_status},
    {"reload", "", "read the configuration again, all or nothing",
     "Errors are shown and nothing is applied; keys that need a restart are named.\n\n"
     "    riposte check config && riposte reload\n",
     run_reload},
    {"account list", "[--all]", "the teams that own names",
     "Deleted accounts are shown with --all.\n\n"
     "    riposte account list\n",
     run_account_list},
    {"account show", "ACCOUNT", "one account",
     "With its note, whether it is disabled, and how many names it may have.\n\n"
     "    riposte account show shop-team\n",
     run_account_show},
    {"account create", "ACCOUNT [--names N] [--note TEXT]", "make an account",
     "ACCOUNT is a word of your choice: a-z, 0-9, dot, hyphen, underscore. --names is how many names it may have. "
     "One that\n"
     "is there already is left as it is, but for what the options say.\n\n"
     "    riposte account create shop-team --note 'Ada, 4711'\n",
     run_account_create},
    {"account set", "ACCOUNT [--names N] [--note TEXT]", "change an account",
     "What is not named stays as it is.\n\n"
     "    riposte account set shop-team --names 50\n",
     run_account_set},
    {"account disable", "ACCOUNT", "refuse every change by an account's credentials",
     "Values stay and are served until they expire; riposte account enable takes it back.\n\n"
     "    riposte account disable shop-team\n",
     run_account_disable},
    {"account enable", "ACCOUNT", "the opposite of account disable", "    riposte account enable shop-team\n",
     run_account_enable},
    {"account delete", "ACCOUNT", "delete an account that has no names left",
     "Its names are retired first, each with riposte name delete.\n\n"
     "    riposte account delete shop-team\n",
     run_account_delete},
    {"name list", "[--account A] [--domain D] [--idle 90d] [--retired]", "challenge names",
     "--idle shows names that have not been changed for so long.\n\n"
     "    riposte name list --account shop-team --idle 90d\n",
     run_name_list},
    {"name show", "NAME", "one name with its values and credentials",
     "NAME is a name, its label, or a domain that is pointed at it.\n\n"
     "    riposte name show shop.example.com\n",
     run_name_show},
    {"name create", "--account A [--create-account] [--label L] [--zone Z] [--domain D,…] [--revive]",
     "make a challenge name",
     "Prints the CNAME to create at the domain's own DNS provider. Without --label one is made up. The account "
     "must be\n"
     "there, unless --create-account says that it may be made now. --revive gives out a retired name again.\n\n"
     "    riposte name create --account shop-team --domain shop.example.com\n",
     run_name_create},
    {"name set", "NAME [--domain +D,-D] [--alias +FQDN,-FQDN] [--subtree yes|no] [--account A]", "change a name",
     "--domain notes, with +, a domain that is pointed at the name, or takes it back with -; --alias does so with "
     "a "
     "domain name\n"
     "that clients may update in place of the name. With --subtree yes credentials of the name may change the "
     "names "
     "below it too.\n"
     "--account gives it to another team.\n\n"
     "    riposte name set shop.example.com --domain +www.example.com\n",
     run_name_set},
    {"name delete", "NAME [--force]", "retire a name",
     "It is denied from then on and never given to anybody by itself: CNAMEs may still point at it. A name that "
     "still holds\n"
     "values is only retired with --force.\n\n"
     "    riposte name delete shop.example.com\n",
     run_name_delete},
    {"value list", "NAME", "the values of a name, newest first",
     "Who added each, when, and until when it stays. Pinned ones stand in full below.\n\n"
     "    riposte value list shop.example.com\n",
     run_value_list},
    {"value add", "NAME TEXT… [--lifetime 72h]", "add values by hand",
     "A value that begins with a hyphen is written behind --.\n\n"
     "    riposte value add shop.example.com -- ztdi0QNo1dGi7kcWkVJzcNPaWqjDdBdIyfzJpXa5R1E\n",
     run_value_add},
    {"value remove", "NAME TEXT… | --all", "remove values, whoever added them",
     "--all removes pinned ones too.\n\n"
     "    riposte value remove shop.example.com -- ztdi0QNo1dGi7kcWkVJzcNPaWqjDdBdIyfzJpXa5R1E\n",
     run_value_remove},
    {"value pin", "NAME TEXT", "add a text that stays until it is removed",
     "Any text: it neither expires nor gives way to others. Pinned texts may take half of the room of a name. For "
     "a "
     "record\n"
     "of dns-persist-01 riposte value persist writes the text.\n\n"
     "    riposte value pin shop.example.com 'a text for whoever asks'\n",
     run_value_pin},
    {"value unpin", "NAME TEXT", "remove a pinned text",
     "The text in full, as riposte value list shows it.\n\n"
     "    riposte value unpin shop.example.com 'a text for whoever asks'\n",
     run_value_unpin},
    {"value persist",
     "NAME --issuer D --account-uri U [--wildcard] [--until DATE] [--thumbprint T --hash-prefix P [--domain D]]",
     "build and pin a dns-persist-01 record",
     "It permits one account at one authority to get certificates for the domain, without a new value each time: "
     "until DATE,\n"
     "or until riposte value unpin. Authorities ask for it at _validation-persist.<domain>; the CNAME that leads "
     "here from\n"
     "there is printed. --issuer is what the authority calls itself in CAA records; --account-uri is the account's "
     "URL, which\n"
     "ACME clients store. --wildcard permits what is below the domain too, and wildcards.\n"
     "Authorities that want the account hashed (draft version 02) say so with an accountHashPrefix in their "
     "directory: that is\n"
     "--hash-prefix, and --thumbprint is of the account's key. The hash is of one domain: the name's, or --domain "
     "('*' for all).\n\n"
     "    riposte value persist shop.example.com --issuer letsencrypt.org \\\n"
     "        --account-uri https://acme-v02.api.letsencrypt.org/acme/acct/1234 --until 2027-12-31\n",
     run_value_persist},
    {"value account-label", "ACCOUNT-URL", "the label of an ACME account for dns-account-01",
     "Each account validates at a label of its own in front of _acme-challenge, and so has a CNAME of its own "
     "there. Computed\n"
     "here: no server is needed. --quiet prints the label alone.\n\n"
     "    riposte value account-label https://acme-v02.api.letsencrypt.org/acme/acct/1234\n",
     run_value_account_label},
    {"credential list", "[--name N] [--account A] [--unused] [--revoked]", "who may change what",
     "--unused shows those that were never used, --revoked also those that have ended.\n\n"
     "    riposte credential list --name shop.example.com\n",
     run_credential_list},
    {"credential show", "CRED [--name N]", "one credential",
     "CRED is its id, or its label together with --name.\n\n"
     "    riposte credential show web1 --name shop.example.com\n",
     run_credential_show},
    {"credential create",
     "--name N[,N…] [--label TEXT] [--actions add,remove,read,manage] [--kinds challenge,pinned] [--networks "
     "NET,…] "
     "[--expires 90d] [--tsig] [--as " FORMS "]",
     "make a credential for a name",
     "The secret is shown once, now: keep what is printed where nobody else can read it. --as prints what a client "
     "stores:\n"
     "lego, cert-manager (their JSON map; Traefik too), caddy (the block of a Caddyfile), acme-dns (the reply of "
     "/register),\n"
     "acme.sh or env (shell variables), httpreq (the environment of lego and Traefik), rfc2136 (makes a TSIG key "
     "instead, for\n"
     "DNS UPDATE: nsupdate, lego, certbot). --tsig makes a TSIG key and prints it plainly.\n"
     "The actions are add, remove, read (these three if none are named), manage (also what others added), and "
     "administer (all of\n"
     "the server over --url; given on the server's own machine only). Values that stay until they are removed need "
     "--kinds pinned.\n\n"
     "    umask 077; riposte credential create --name shop.example.com --label web1 --as lego > web1.json\n",
     run_credential_create},
    {"credential set",
     "CRED [--name N] [--label TEXT] [--names N,…] [--actions …] [--kinds …] [--networks NET,…] [--expires T]",
     "change a credential",
     "In --names, +NAME adds and -NAME takes away. --networks '' allows every address again.\n\n"
     "    riposte credential set web1 --name shop.example.com --networks 198.51.100.0/24\n",
     run_credential_set},
    {"credential rotate", "CRED [--name N] [--overlap 24h] [--tsig] [--as " FORMS "]",
     "give a credential a new secret",
     "The old one goes on for the overlap (default: it ends at once). --as prints the new one as a client stores "
     "it.\n\n"
     "    umask 077; riposte credential rotate web1 --name shop.example.com --overlap 24h --as lego > web1.json\n",
     run_credential_rotate},
    {"credential revoke", "CRED [--name N] [--with-values]", "end a credential at once",
     "Its live values stay unless --with-values is given. Certificates that were obtained with it are not "
     "revoked.\n\n"
     "    riposte credential revoke web1 --name shop.example.com\n",
     run_credential_revoke},
    {"token list", "", "registration tokens",
     "Without their secrets, which are shown once.\n\n"
     "    riposte token list\n",
     run_token_list},
    {"token show", "ID", "one registration token",
     "ID is the number in riposte token list.\n\n"
     "    riposte token show 3\n",
     run_token_show},
    {"token create", "--account A [--count N] [--expires 30d] [--networks NET,…] [--labels PATTERN]",
     "make a registration token",
     "Whoever has it may register names in that account, and nothing else. It is shown once, and goes into the "
     "path of a\n"
     "client's base URL: https://auth.example.org/r/TOKEN\n"
     "PATTERN makes the labels of its names: web-* is web- and 8 generated characters, ? is one of them.\n\n"
     "    riposte token create --account shop-team --count 20 --expires 30d --labels 'shop-*'\n",
     run_token_create},
    {"token revoke", "ID", "end a registration token",
     "Names that were made with it stay, and so do their credentials.\n\n"
     "    riposte token revoke 3\n",
     run_token_revoke},
    {"journal", "[--since T|SEQ] [--name N] [--account A] [--credential C] [--request ID] [--follow]",
     "what was changed, by whom, in order",
     "The last day, or all that there is of what a name, account, credential or request did; --since is a time or "
     "the number\n"
     "of a change. --follow goes on with what comes; with --json then an object a line.\n\n"
     "    riposte journal --name shop.example.com --since 7d\n",
     run_journal},
    {"refusals", "[--since 1h] [--account A] [--request ID] [--follow]",
     "what was refused lately, and the true reason",
     "The id of a request is in every reply's Riposte-Request header. --follow goes on with what comes.\n\n"
     "    riposte refusals --since 10m\n",
     run_refusals},
    {"trace", "NAME [--since 1h] [--follow]", "who asked for a name, and what was told",
     "Questions and changes in their order. --follow goes on with what comes: start it, then the client.\n\n"
     "    riposte trace shop.example.com --since 1h\n",
     run_trace},
    END_OF_COMMANDS,
};
