/* The rows of the hooks, and how each ACME client calls its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "base/crypto.h"
#include "cli/hook.h"

/* ---- certbot: everything comes in the environment ---- */

/* Both hooks get the same variables, and a clean-up also CERTBOT_AUTH_OUTPUT, what the addition has printed. But
 * certbot keeps that in its own environment: in the next certificate of the same `certbot renew` the addition gets
 * the output of the last clean-up. So it is a clean-up only if that is about this value, or if it is empty: then
 * the hook was called by a script that keeps our output to itself. */
static bool is_certbot_cleanup(const char *value)
{
    const char *output = getenv("CERTBOT_AUTH_OUTPUT");

    return output != NULL && (output[0] == '\0' || strstr(output, value) != NULL);
}

int run_hook_certbot(const struct cli *cli, int argc, char **argv)
{
    const char *domain = getenv("CERTBOT_DOMAIN"), *value = getenv("CERTBOT_VALIDATION");
    struct hook_challenge c = {.domain = domain};
    struct hook h;
    bool is_cleanup;

    if (!hook_take(&h, cli, argc, argv))
        return EXIT_STATUS_USAGE;
    if (h.argc > 1 || (h.argc == 1 && strcmp(h.argv[0], "auth") != 0 && strcmp(h.argv[0], "cleanup") != 0))
        return hook_refuse("certbot takes no argument but auth or cleanup, which may be left out");
    if (domain == NULL || value == NULL)
        return hook_refuse("CERTBOT_DOMAIN and CERTBOT_VALIDATION are not set: this is for certbot, as "
                           "--manual-auth-hook and --manual-cleanup-hook");
    if (getenv("CERTBOT_TOKEN") != NULL)
        return hook_refuse("certbot wants an http-01 challenge for %s; call it with --preferred-challenges dns",
                           domain);
    if (!hook_set_value(&c, value))
        return EXIT_STATUS_FAILED;
    is_cleanup = h.argc == 1 ? strcmp(h.argv[0], "cleanup") == 0 : is_certbot_cleanup(value);
    return is_cleanup ? hook_remove(&h, &c, 1) : hook_add(&h, &c, 1);
}

/* ---- dehydrated: a verb, then DOMAIN TOKEN VALUE, once or (HOOK_CHAIN) for all domains ---- */

int run_hook_dehydrated(const struct cli *cli, int argc, char **argv)
{
    struct hook_challenge *c;
    struct hook h;
    int status = EXIT_STATUS_DONE;
    size_t n = 0;

    if (!hook_take(&h, cli, argc, argv))
        return EXIT_STATUS_USAGE;
    if (h.argc < 1)
        return hook_refuse("dehydrated calls its hook with a verb, such as deploy_challenge");
    if (strcmp(h.argv[0], "deploy_challenge") != 0 && strcmp(h.argv[0], "clean_challenge") != 0)
        return EXIT_STATUS_DONE; /* there are many, and more to come: none of them is for us */
    if (h.argc < 4 || (h.argc - 1) % 3 != 0 || (h.argc - 1) / 3 > HOOK_CHALLENGES_MAX)
        return hook_refuse("%s wants DOMAIN TOKEN VALUE, once or for up to %d domains", h.argv[0],
                           HOOK_CHALLENGES_MAX);
    c = calloc(HOOK_CHALLENGES_MAX, sizeof(*c));
    if (c == NULL)
        return hook_refuse("no memory");
    for (int i = 1; i < h.argc && status == EXIT_STATUS_DONE; i += 3) {
        c[n].domain = h.argv[i];
        if (!hook_set_value(&c[n++], h.argv[i + 2]))
            status = EXIT_STATUS_FAILED;
    }
    if (status == EXIT_STATUS_DONE)
        status = strcmp(h.argv[0], "deploy_challenge") == 0 ? hook_add(&h, c, n) : hook_remove(&h, c, n);
    free(c);
    return status;
}

/* ---- uacme: METHOD TYPE IDENT TOKEN AUTH ---- */

int run_hook_uacme(const struct cli *cli, int argc, char **argv)
{
    struct hook_challenge c;
    struct hook h;

    if (!hook_take(&h, cli, argc, argv))
        return EXIT_STATUS_USAGE;
    if (h.argc != 5)
        return hook_refuse("uacme calls its hook with METHOD TYPE IDENT TOKEN AUTH");
    if (strcmp(h.argv[1], "dns-01") != 0)
        return EXIT_STATUS_FAILED; /* declined: uacme offers every type in turn */
    c.domain = h.argv[2];
    if (!hook_set_value(&c, h.argv[4]))
        return EXIT_STATUS_FAILED;
    if (strcmp(h.argv[0], "begin") == 0)
        return hook_add(&h, &c, 1);
    if (strcmp(h.argv[0], "done") == 0 || strcmp(h.argv[0], "failed") == 0)
        return hook_remove(&h, &c, 1);
    return hook_refuse("uacme has no method \"%s\"", h.argv[0]);
}

/* ---- exec, as lego calls it: present|cleanup FQDN VALUE, or in RAW mode present|cleanup -- DOMAIN TOKEN KEYAUTH
 * -- */

/* RFC 8555 section 8.4: the digest of the key authorization. */
static bool set_digest(struct hook_challenge *c, const char *key_authorization)
{
    uint8_t digest[SHA256_LEN];

    if (crypto_sha256(digest, key_authorization, strlen(key_authorization)) != ERR_OK)
        return false;
    (void)base64url_encode(c->value, digest, sizeof(digest));
    return true;
}

int run_hook_exec(const struct cli *cli, int argc, char **argv)
{
    struct hook_challenge c;
    struct hook h;
    bool is_cleanup;
    int at = 1;

    if (!hook_take(&h, cli, argc, argv))
        return EXIT_STATUS_USAGE;
    if (h.argc > 1 && strcmp(h.argv[1], "--") == 0)
        at = 2;
    if (h.argc - at != 2 && h.argc - at != 3)
        return hook_refuse("wanted is: present|cleanup FQDN VALUE, or present|cleanup DOMAIN TOKEN KEYAUTH");
    is_cleanup = strcmp(h.argv[0], "cleanup") == 0;
    if (!is_cleanup && strcmp(h.argv[0], "present") != 0)
        return hook_refuse("\"%s\" is neither present nor cleanup", h.argv[0]);
    c.domain = h.argv[at];
    if (!(h.argc - at == 2 ? hook_set_value(&c, h.argv[at + 1]) : set_digest(&c, h.argv[at + 2])))
        return EXIT_STATUS_FAILED;
    return is_cleanup ? hook_remove(&h, &c, 1) : hook_add(&h, &c, 1);
}

/* ---- the rows ---- */

#define HOOK_OPTIONS                                                                                               \
    "[--timeout TIME] [--storage FILE] [--server URL] [--ca-file FILE] [--resolver ADDRESS,…] [--no-dns]"
#define HOOK_HELP                                                                                                  \
    "Looks whether _acme-challenge.DOMAIN is a CNAME to the domain's name at all name servers of the domain, "     \
    "adds\n"                                                                                                       \
    "the value, and waits until all name servers of the responder answer with it: all within 60s, or --timeout.\n" \
    "When something is wrong it says what, how to mend and how to see it, and ends with status 1. The "            \
    "credentials\n"                                                                                                \
    "are those of riposte client. It needs no PATH, HOME or terminal. Where this machine sees another DNS than "   \
    "the\n"                                                                                                        \
    "world (split horizon), --resolver names one that sees the world's, or --no-dns leaves the looking out.\n"

const struct command hook_commands[] = {
    {"hook certbot", HOOK_OPTIONS " [auth|cleanup]", "certbot's --manual-auth-hook and --manual-cleanup-hook",
     HOOK_HELP "\nWhich of the two hooks it is, it sees by itself.\n\n"
               "example: certbot certonly --manual --preferred-challenges dns -d shop.example.com \\\n"
               "             --manual-auth-hook '/usr/local/bin/riposte hook certbot' \\\n"
               "             --manual-cleanup-hook '/usr/local/bin/riposte hook certbot'\n",
     run_hook_certbot},
    {"hook dehydrated", HOOK_OPTIONS " VERB ARGUMENT…", "dehydrated's hook; with HOOK_CHAIN or without",
     HOOK_HELP "\nVerbs other than deploy_challenge and clean_challenge do nothing. dehydrated wants a file for "
               "HOOK:\n" RIPOSTE_LIBEXECDIR "/hook-dehydrated\n",
     run_hook_dehydrated},
    {"hook uacme", HOOK_OPTIONS " METHOD TYPE IDENT TOKEN AUTH", "uacme's hook program",
     HOOK_HELP "\nChallenges other than dns-01 are declined. uacme wants a file for -h:\n" RIPOSTE_LIBEXECDIR
               "/hook-uacme\n",
     run_hook_uacme},
    {"hook exec", HOOK_OPTIONS " present|cleanup FQDN VALUE", "lego's provider exec, default and RAW mode",
     HOOK_HELP "\nlego wants a file for EXEC_PATH: " RIPOSTE_LIBEXECDIR "/hook-exec\nFor hooks of your own, too:\n"
               "example: riposte hook exec present _acme-challenge.shop.example.com. VALUE\n",
     run_hook_exec},
    {NULL, NULL, NULL, NULL, NULL},
};
