/* credential create --as rfc2136: what clients of DNS UPDATE store. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "cli/admin.h"
#include "cli/show.h"

#define SERVER_UNKNOWN "SERVER"
#define DNS_PORT       53

/* The first address at which the server answers DNS and that can be named; false: it listens on all of them. */
static bool find_server(const json_t *server, struct endpoint *out)
{
    const json_t *listeners = json_object_get(server, "dns"), *one;
    size_t i;

    json_array_foreach(listeners, i, one)
    {
        const char *text = show_text(one, "address");

        if (endpoint_parse(out, text, strlen(text)) == ERR_OK && !endpoint_is_wildcard(out))
            return true;
    }
    return false;
}

void show_rfc2136(const json_t *c, const json_t *name, const json_t *server)
{
    char host[ADDR_TEXT_MAX] = SERVER_UNKNOWN, with_port[ENDPOINT_TEXT_MAX] = SERVER_UNKNOWN ":53";
    const char *key = show_text(c, "credential"), *secret = show_text(c, "secret");
    struct endpoint at;
    bool is_known = find_server(server, &at);
    unsigned port = DNS_PORT;

    if (is_known) {
        (void)addr_format(&at.addr, host);
        (void)endpoint_format(&at, with_port);
        port = at.port;
    }
    printf("# DNS UPDATE (RFC 2136) for %s\n", show_text(name, "name"));
    if (!is_known)
        printf("# Put the address at which clients reach this server in place of %s.\n", SERVER_UNKNOWN);
    printf("\n# nsupdate -k FILE, acme.sh (NSUPDATE_KEY), uacme, dehydrated: a key file\n"
           "key \"%s\" {\n    algorithm hmac-sha256;\n    secret \"%s\";\n};\n",
           key, secret);
    printf("\n# knsupdate -k FILE: a line\nhmac-sha256:%s:%s\n", key, secret);
    printf("\n# lego (--dns rfc2136), Traefik: environment\n"
           "RFC2136_NAMESERVER='%s'\nRFC2136_TSIG_KEY='%s.'\nRFC2136_TSIG_SECRET='%s'\n"
           "RFC2136_TSIG_ALGORITHM='hmac-sha256.'\n",
           with_port, key, secret);
    printf("\n# certbot (certbot-dns-rfc2136): the file of --dns-rfc2136-credentials\n"
           "dns_rfc2136_server = %s\ndns_rfc2136_port = %u\ndns_rfc2136_name = %s.\ndns_rfc2136_secret = %s\n"
           "dns_rfc2136_algorithm = HMAC-SHA256\n",
           host, port, key, secret);
}
