/* What spans several keys outside of the zones, and the last steps from decoded texts to what the layers take. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/authority.h"
#include "cli/config_impl.h"

#define LISTEN_MAX 64 /* of each kind: as many as can be passed by a service manager */

static void complain_listen(struct config_impl *c, size_t i, const char *key, const char *why)
{
    char path[CONFIG_PATH_TEXT_MAX];
    char at[ENDPOINT_TEXT_MAX];

    config_path(path, "api.listen[%zu]%s", i, key);
    config_tree_complain(c->root, &c->errors, path, "%s: %s", endpoint_format(&c->listen[i].at, at), why);
}

/* Port 0 stands for any free one, so it may be there many times. */
static bool is_same_place(const struct endpoint *a, const struct endpoint *b)
{
    return a->kind != 0 && endpoint_equal(a, b) && !(a->kind == ENDPOINT_IP && a->port == 0);
}

static void check_dns_listen(struct config_impl *c)
{
    const struct dns_settings *dns = &c->config.dns;
    char path[CONFIG_PATH_TEXT_MAX];
    char at[ENDPOINT_TEXT_MAX];

    if (dns->n_listen == 0)
        config_tree_complain(c->root, &c->errors, "dns.listen", "at least one address is needed");
    if (dns->n_listen > LISTEN_MAX) {
        config_tree_complain(c->root, &c->errors, "dns.listen", "more than %d addresses", LISTEN_MAX);
        return;
    }
    for (size_t i = 0; i < dns->n_listen; i++) {
        for (size_t k = 0; k < i; k++) {
            config_path(path, "dns.listen[%zu]", i);
            if (is_same_place(&dns->listen[i], &dns->listen[k]))
                config_tree_complain(c->root, &c->errors, path, "\"%s\" is there a second time",
                                     endpoint_format(&dns->listen[i], at));
        }
    }
}

/* True when what the key says was found wrong before: nothing can be concluded from it. */
static bool is_broken(const struct config_impl *c, size_t i, const char *key)
{
    char path[CONFIG_PATH_TEXT_MAX];
    bool is_exact;
    const struct config_node *node;

    config_path(path, "api.listen[%zu]%s", i, key);
    node = config_tree_find(c->root, path, &is_exact);
    return is_exact && node->is_broken;
}

static void check_tls(struct config_impl *c, size_t i)
{
    const struct config_listen *l = &c->listen[i];
    bool is_public = l->at.kind == ENDPOINT_IP && !addr_is_loopback(&l->at.addr);

    if (l->at.kind == 0 || l->certificate == NULL || l->key == NULL || is_broken(c, i, ".tls") ||
        is_broken(c, i, ".plaintext"))
        return;
    if (l->tls == API_TLS_FILES && l->certificate[0] == '\0')
        complain_listen(c, i, ".certificate", "tls: files needs a certificate, the path of a PEM file");
    if (l->tls == API_TLS_FILES && l->key[0] == '\0')
        complain_listen(c, i, ".key", "tls: files needs a key, the path of a PEM file");
    if (l->tls == API_TLS_NONE && (l->certificate[0] != '\0' || l->key[0] != '\0'))
        complain_listen(c, i, l->certificate[0] != '\0' ? ".certificate" : ".key",
                        "is not used with tls: none; write tls: files, or remove it");
    if (l->tls == API_TLS_FILES && l->plaintext == CONFIG_PLAINTEXT_ALLOW)
        complain_listen(c, i, ".plaintext", "there is no plain HTTP with tls: files; remove one of the two");
    if (l->tls == API_TLS_NONE && is_public && l->plaintext == CONFIG_PLAINTEXT_REFUSE)
        complain_listen(c, i, ".address",
                        "passwords would cross the network unprotected.\n"
                        "    Either serve HTTPS here: tls: files, with certificate and key,\n"
                        "    or, behind a proxy or in a container's own network only: plaintext: allow");
}

static unsigned serves_of(struct config_impl *c, size_t i)
{
    const struct config_listen *l = &c->listen[i];
    char key[64];
    unsigned serves = 0;

    if (l->n_serves == 0)
        complain_listen(c, i, ".serves", "nothing is served; remove the address, or leave serves out for all");
    for (size_t k = 0; k < l->n_serves; k++) {
        (void)snprintf(key, sizeof(key), ".serves[%zu]", k);
        if ((serves & (unsigned)l->serves[k]) != 0)
            complain_listen(c, i, key, "this is there a second time");
        serves |= (unsigned)l->serves[k];
    }
    return serves;
}

static void check_api_places(struct config_impl *c, size_t i)
{
    const struct endpoint *at = &c->listen[i].at;

    for (size_t k = 0; k < i; k++) {
        if (is_same_place(at, &c->listen[k].at))
            complain_listen(c, i, ".address", "is there a second time");
    }
    for (size_t k = 0; k < c->config.dns.n_listen && c->config.dns.n_listen <= LISTEN_MAX; k++) {
        if (is_same_place(at, &c->config.dns.listen[k]))
            complain_listen(c, i, ".address", "dns.listen has this address and port too");
    }
    if (at->kind == ENDPOINT_UNIX && c->config.api.admin_socket != NULL &&
        strcmp(at->path, c->config.api.admin_socket) == 0)
        complain_listen(c, i, ".address",
                        "this is admin.socket; whoever may use the API must not be an administrator");
}

static enum err finish_api(struct config_impl *c)
{
    struct api_listen *listen = arena_alloc(&c->arena, (c->n_listen + 1) * sizeof(*listen));

    if (listen == NULL)
        return ERR_MEMORY;
    if (c->n_listen > LISTEN_MAX) {
        config_tree_complain(c->root, &c->errors, "api.listen", "more than %d addresses", LISTEN_MAX);
        return c->errors.err;
    }
    for (size_t i = 0; i < c->n_listen; i++) {
        const struct config_listen *l = &c->listen[i];

        check_tls(c, i);
        check_api_places(c, i);
        listen[i] = (struct api_listen){
            .at = l->at, .serves = serves_of(c, i), .tls = l->tls, .certificate = l->certificate, .key = l->key};
    }
    c->config.api.listen = listen;
    c->config.api.n_listen = c->n_listen;
    c->config.api.registration = c->config.settings.registration.allow;
    c->config.api.values_budget = c->config.settings.values.budget;
    if (c->admin_group != NULL && c->admin_group[0] != '\0')
        c->config.api.admin_group = c->admin_group;
    return c->errors.err;
}

static void finish_identity(struct config_impl *c)
{
    char *out = c->config.dns.identity;
    char host[256] = "";

    if (c->identity == NULL || strcmp(c->identity, "none") == 0)
        return;
    if (strcmp(c->identity, "hostname") != 0) {
        (void)snprintf(out, DNS_IDENTITY_MAX, "%s", c->identity);
        return;
    }
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        config_tree_complain(c->root, &c->errors, "dns.identity", "this machine has no host name; write a text");
    else if (strlen(host) >= DNS_IDENTITY_MAX)
        config_tree_complain(c->root, &c->errors, "dns.identity",
                             "this machine's host name is longer than %d octets; write a text",
                             DNS_IDENTITY_MAX - 1);
    else
        memcpy(out, host, strlen(host) + 1);
}

#define PRUNE_UNUSED_MIN_S (24 * 3600)

static void check_registration(struct config_impl *c)
{
    const struct registration_settings *r = &c->config.settings.registration;

    if (r->allow == REGISTRATION_NETWORKS && r->n_networks == 0)
        config_tree_complain(c->root, &c->errors, "registration.networks",
                             "allow: networks lets nobody in without networks; add some, or write allow: none");
    if (r->prune_unused_s != 0 && r->prune_unused_s < PRUNE_UNUSED_MIN_S)
        config_tree_complain(c->root, &c->errors, "registration.prune-unused",
                             "who has just registered needs more time: at least 24h, or 0s for never");
}

static void check_check(struct config_impl *c)
{
    struct authority_names names;

    if (c->config.check.n_resolvers > LOOKUP_RESOLVERS_MAX)
        config_tree_complain(c->root, &c->errors, "check.resolvers", "more than %d resolvers",
                             LOOKUP_RESOLVERS_MAX);
    if (c->config.check.ca != NULL && authority_find(&names, c->config.check.ca) != ERR_OK)
        config_tree_complain(c->root, &c->errors, "check.ca",
                             "\"%s\": a CAA name is wanted, such as letsencrypt.org, or one of: " AUTHORITY_WORDS,
                             c->config.check.ca);
}

enum err config_finish(struct config_impl *c)
{
    struct settings *s = &c->config.settings;

    if (c->max_response >= VALUE_RESPONSE_RESERVE) /* 0 when it could not be read */
        s->values.budget = c->max_response - VALUE_RESPONSE_RESERVE;
    finish_identity(c);
    check_registration(c);
    check_dns_listen(c);
    check_check(c);
    return finish_api(c);
}
