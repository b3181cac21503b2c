#include "cli/config.h"

#include "cli/config_fixture.h"

/* ---- what is accepted ---- */

static void the_smallest_file_has_all_defaults(void **state)
{
    struct config *c = load(ZONE);
    char text[ENDPOINT_TEXT_MAX];

    (void)state;
    assert_string_equal(c->path, "f");
    assert_int_equal(c->settings.n_zones, 1);
    assert_int_equal(c->settings.zones[0].value_ttl_s, 0);
    assert_int_equal(c->settings.zones[0].pinned_ttl_s, 300);
    assert_int_equal(c->settings.zones[0].challenge_caa, CHALLENGE_CAA_NONE);
    assert_int_equal(c->settings.values.lifetime_s, 72 * 3600);
    assert_int_equal(c->settings.values.grace_s, 3600);
    assert_int_equal(c->settings.values.budget, 3584);
    assert_int_equal(c->settings.values.accept, ACCEPT_CHALLENGE);
    assert_int_equal(c->settings.registration.allow, REGISTRATION_NONE);
    assert_int_equal(c->settings.registration.n_networks, 0);
    assert_int_equal(c->settings.registration.rate.amount, 10);
    assert_int_equal(c->settings.registration.rate.per_s, 60);
    assert_int_equal(c->settings.limits.changes.amount, 10);
    assert_int_equal(c->settings.limits.changes.per_s, 1);
    assert_int_equal(c->settings.limits.names, 1000);
    assert_int_equal(c->settings.limits.names_unclaimed, 10000);
    assert_int_equal(c->settings.limits.free_space, 64 << 20);
    assert_int_equal(c->dns.n_listen, 2);
    assert_string_equal(endpoint_format(&c->dns.listen[0], text), "0.0.0.0:53");
    assert_string_equal(endpoint_format(&c->dns.listen[1], text), "[::]:53");
    assert_int_equal(c->dns.workers, 0);
    assert_int_equal(c->dns.udp_size, 1232);
    assert_string_equal(c->dns.identity, "");
    assert_int_equal(c->dns.tcp_connections, 1000);
    assert_int_equal(c->dns.tcp_idle_ms, 10000);
    assert_int_equal(c->api.n_listen, 1);
    assert_string_equal(endpoint_format(&c->api.listen[0].at, text), "127.0.0.1:8053");
    assert_int_equal(c->api.listen[0].serves,
                     SERVES_ACMEDNS | SERVES_HTTPREQ | SERVES_V1 | SERVES_HEALTH | SERVES_METRICS);
    assert_int_equal(c->api.listen[0].tls, API_TLS_NONE);
    assert_int_equal(c->api.connections, 1000);
    assert_string_equal(c->api.admin_socket, "/run/riposte/admin.sock");
    assert_string_equal(c->api.admin_group, "riposte");
    assert_string_equal(c->api.base_url, "");
    assert_int_equal(c->api.n_trusted_proxies, 0);
    assert_int_equal(c->api.n_cors_origins, 0);
    assert_int_equal(c->api.max_body, 4096);
    assert_int_equal(c->api.request_timeout_ms, 15000);
    assert_int_equal(c->api.registration, REGISTRATION_NONE);
    assert_int_equal(c->commit_timeout_ms, 10000);
    assert_string_equal(c->store_path, "/var/lib/riposte/riposte.db");
    assert_string_equal(c->store_key, "");
    assert_int_equal(c->dns.tsig_legacy, TSIG_LEGACY_REFUSE);
    assert_int_equal(c->journal_keep_s, 400 * 86400);
    assert_string_equal(c->user, "riposte");
    assert_int_equal(c->log_level, LOG_INFO);
    assert_int_equal(c->log_format, LOG_FORMAT_AUTO);
    assert_int_equal(c->trace_records, 65536);
    config_free(c);
}

static void every_key_is_taken(void **state)
{
    struct config *c = load(ZONE "values:\n"
                                 "  ttl: 1s\n"
                                 "  pinned-ttl: 5m\n"
                                 "  lifetime: 0s\n"
                                 "  grace: 30m\n"
                                 "  max-response: 64000\n"
                                 "  accept: text\n"
                                 "dns:\n"
                                 "  listen: [\"127.0.0.1:0\", \"[::1]:5300\"]\n"
                                 "  workers: 16\n"
                                 "  udp-size: 4KiB\n"
                                 "  identity: here\n"
                                 "  tcp-connections: 4\n"
                                 "  tcp-idle: 500ms\n"
                                 "api:\n"
                                 "  listen:\n"
                                 "    - address: \"unix:/run/riposte/api.sock\"\n"
                                 "      serves: [metrics]\n"
                                 "    - address: \"0.0.0.0:443\"\n"
                                 "      tls: files\n"
                                 "      certificate: /etc/tls/cert.pem\n"
                                 "      key: /etc/tls/key.pem\n"
                                 "    - {address: \"192.0.2.1:80\", plaintext: allow}\n"
                                 "  base-url: https://example.org/acme/\n"
                                 "  trusted-proxies: [\"127.0.0.1/32\", \"2001:db8::/32\"]\n"
                                 "  cors-origins: [\"*\", https://tools.example.org]\n"
                                 "  max-body: 1MiB\n"
                                 "  request-timeout: 1m\n"
                                 "  commit-timeout: 250ms\n"
                                 "  connections: 50\n"
                                 "registration:\n"
                                 "  allow: networks\n"
                                 "  networks: [\"10.0.0.0/8\"]\n"
                                 "  rate: 5/h\n"
                                 "limits:\n"
                                 "  changes: 0/s\n"
                                 "  names: 5\n"
                                 "  names-unclaimed: 0\n"
                                 "  free-space: 1GiB\n"
                                 "store:\n"
                                 "  path: /srv/r.db\n"
                                 "  journal: 0s\n"
                                 "admin:\n"
                                 "  socket: /tmp/a.sock\n"
                                 "  group: \"\"\n"
                                 "user: \"\"\n"
                                 "log: {level: warning, format: json}\n"
                                 "trace: 0\n");
    char text[NET_TEXT_MAX];

    (void)state;
    assert_int_equal(c->settings.zones[0].value_ttl_s, 1);
    assert_int_equal(c->settings.zones[0].pinned_ttl_s, 300);
    assert_int_equal(c->settings.values.lifetime_s, 0);
    assert_int_equal(c->settings.values.grace_s, 1800);
    assert_int_equal(c->settings.values.budget, 64000 - VALUE_RESPONSE_RESERVE);
    assert_int_equal(c->settings.values.accept, ACCEPT_TEXT);
    assert_int_equal(c->dns.listen[0].port, 0);
    assert_int_equal(c->dns.listen[1].addr.family, ADDR_V6);
    assert_int_equal(c->dns.workers, 16);
    assert_int_equal(c->dns.udp_size, 4096);
    assert_string_equal(c->dns.identity, "here");
    assert_int_equal(c->dns.tcp_connections, 4);
    assert_int_equal(c->dns.tcp_idle_ms, 500);
    assert_int_equal(c->api.n_listen, 3);
    assert_int_equal(c->api.listen[0].at.kind, ENDPOINT_UNIX);
    assert_int_equal(c->api.listen[0].serves, SERVES_METRICS);
    assert_int_equal(c->api.listen[1].tls, API_TLS_FILES);
    assert_string_equal(c->api.listen[1].certificate, "/etc/tls/cert.pem");
    assert_string_equal(c->api.listen[1].key, "/etc/tls/key.pem");
    assert_int_equal(c->api.listen[2].at.port, 80);
    assert_string_equal(c->api.base_url, "https://example.org/acme");
    assert_int_equal(c->api.n_trusted_proxies, 2);
    assert_string_equal(net_format(&c->api.trusted_proxies[1], text), "2001:db8::/32");
    assert_int_equal(c->api.n_cors_origins, 2);
    assert_string_equal(c->api.cors_origins[0], "*");
    assert_string_equal(c->api.cors_origins[1], "https://tools.example.org");
    assert_int_equal(c->api.max_body, 1 << 20);
    assert_int_equal(c->api.request_timeout_ms, 60000);
    assert_int_equal(c->commit_timeout_ms, 250);
    assert_int_equal(c->api.connections, 50);
    assert_int_equal(c->api.registration, REGISTRATION_NETWORKS);
    assert_int_equal(c->settings.registration.n_networks, 1);
    assert_int_equal(c->settings.registration.rate.per_s, 3600);
    assert_int_equal(c->settings.limits.changes.amount, 0);
    assert_int_equal(c->settings.limits.names, 5);
    assert_int_equal(c->settings.limits.names_unclaimed, 0);
    assert_int_equal(c->settings.limits.free_space, 1 << 30);
    assert_string_equal(c->store_path, "/srv/r.db");
    assert_int_equal(c->journal_keep_s, 0);
    assert_string_equal(c->api.admin_socket, "/tmp/a.sock");
    assert_null(c->api.admin_group);
    assert_string_equal(c->user, "");
    assert_int_equal(c->log_level, LOG_WARN);
    assert_int_equal(c->log_format, LOG_FORMAT_JSON);
    assert_int_equal(c->trace_records, 0);
    config_free(c);
}

static void sections_and_lists_without_content_count_as_not_there(void **state)
{
    struct config *c = load("zones:\n"
                            "  - origin: auth.example.org\n"
                            "    contact: hostmaster@example.org\n"
                            "    name-servers: [{name: ns1.example.net, addresses: }]\n"
                            "    records:\n"
                            "    caa:\n"
                            "dns:\n"
                            "api:\n"
                            "  listen:\n"
                            "values:\n");

    (void)state;
    assert_int_equal(c->dns.n_listen, 2);
    assert_int_equal(c->api.n_listen, 1);
    assert_int_equal(c->settings.zones[0].n_records, 1);
    config_free(c);
}

static void an_empty_api_listen_is_no_listener(void **state)
{
    struct config *c = load(ZONE "api: {listen: []}\n");

    (void)state;
    assert_int_equal(c->api.n_listen, 0);
    config_free(c);
}

static void identity_hostname_is_this_machines(void **state)
{
    struct config *c = load(ZONE "dns: {identity: hostname}\n");

    (void)state;
    assert_true(strlen(c->dns.identity) > 0);
    assert_string_not_equal(c->dns.identity, "hostname");
    config_free(c);
}

/* ---- errors ---- */

static void all_errors_come_at_once_sorted_by_line(void **state)
{
    (void)state;
    assert_report(
        "registration:\n"
        "  allow: true\n"
        "zones:\n"
        "  - origin: auth.example.org\n"
        "    contact: nobody\n"
        "    name-server:\n"
        "      - name: ns1.auth.example.org\n"
        "    records:\n"
        "      - \"@ 300 IN A 203.0.113.10\"\n"
        "      - \"www 300 IN A 1.2.3.400\"\n"
        "values:\n"
        "  lifetime: 24\n"
        "  lifetime: 24h\n"
        "dns: [1]\n"
        "store:\n"
        "  key: key\n"
        "dnssec: {}\n",
        "f:2:10: registration.allow: \"true\" is not one of: none, token, networks, anyone\n"
        "f:4:5: zones[0].name-servers: missing; at least one name server is needed, each with a name and its "
        "addresses\n"
        "f:5:14: zones[0].contact: \"nobody\": a mail address is wanted, such as hostmaster@example.org\n"
        "f:6:5: zones[0]: unknown key \"name-server\"; did you mean \"name-servers\"?\n"
        "f:10:9: zones[0].records[1]: \"www 300 IN A 1.2.3.400\": not an IPv4 address\n"
        "f:12:13: values.lifetime: \"24\": a time needs a unit: 24h, 30m, 45s\n"
        "f:13:3: values: \"lifetime\" is here a second time, first in line 12\n"
        "f:14:6: dns: keys are wanted here, such as \"listen: ...\"\n"
        "f:16:8: store.key: \"key\": an absolute path is wanted, from /\n"
        "f:17:1: unknown key \"dnssec\"; this version does not sign; remove the section\n");
}

static void values_are_read_strictly(void **state)
{
    static const struct {
        const char *yaml;     /* behind ZONE */
        const char *expected; /* of line 5, or whole */
    } rows[] = {
        {"values: {ttl: 1x}\n",
         "f:5:15: values.ttl: \"1x\": a time is one number and one unit: 500ms, 45s, 30m, 24h, 30d\n"},
        {"values: {ttl: 1500ms}\n", "f:5:15: values.ttl: \"1500ms\": whole seconds are wanted here\n"},
        {"values: {ttl: 25h}\n", "f:5:15: values.ttl: \"25h\": not in range: time, 0s to 1d\n"},
        {"values: {ttl: -1s}\n",
         "f:5:15: values.ttl: \"-1s\": a time is one number and one unit: 500ms, 45s, 30m, 24h, 30d\n"},
        {"values: {ttl: 99999999999999999999d}\n",
         "f:5:15: values.ttl: \"99999999999999999999d\": not in range: time, 0s to 1d\n"},
        {"values: {max-response: 1023}\n",
         "f:5:24: values.max-response: \"1023\": not in range: size, 1024 to 64000\n"},
        {"values: {max-response: 64001}\n",
         "f:5:24: values.max-response: \"64001\": not in range: size, 1024 to 64000\n"},
        {"values: {max-response: 4k}\n",
         "f:5:24: values.max-response: \"4k\": a size is a number of octets, or of KiB, MiB or GiB: 4096, 4KiB\n"},
        {"dns: {workers: 17}\n", "f:5:16: dns.workers: \"17\": not in range: number, 0 to 16\n"},
        {"dns: {workers: 12x}\n", "f:5:16: dns.workers: \"12x\": a whole number is wanted\n"},
        {"dns: {workers: 0x10}\n", "f:5:16: dns.workers: \"0x10\": a whole number is wanted\n"},
        {"limits: {changes: 10}\n",
         "f:5:19: limits.changes: \"10\": a rate is a number for each second, minute or hour: 10/s, 10/m, 10/h\n"},
        {"limits: {changes: 9999999/s}\n",
         "f:5:19: limits.changes: \"9999999/s\": not in range: rate, at most 1000000\n"},
        {"trace:\n", "f:5:7: trace: there is no value; write one, or leave the line out for the default\n"},
        {"trace: [1]\n", "f:5:8: trace: one text is wanted, not a list\n"},
        {"trace: {a: 1}\n",
         "f:5:8: trace: one text is wanted, not a mapping; a text with \": \" in it is quoted\n"},
        {"log: {level: loud}\n", "f:5:14: log.level: \"loud\" is not one of: error, warning, info, debug\n"},
        {"log: {level: INFO}\n", "f:5:14: log.level: \"INFO\" is not one of: error, warning, info, debug\n"},
        {"store: {path: riposte.db}\n", "f:5:15: store.path: \"riposte.db\": an absolute path is wanted, from /\n"},
        {"store: {path: \"\"}\n", "f:5:15: store.path: \"\": an absolute path is wanted, from /\n"},
        {"store: {path: /srv/}\n",
         "f:5:15: store.path: \"/srv/\": this is a folder; the path of a file is wanted\n"},
        {"dns: {identity: \"\"}\n", "f:5:17: dns.identity: \"\": a text is wanted that is not empty\n"},
        {"dns: {identity: \"a\\tb\"}\n",
         "f:5:17: dns.identity: \"a\\x09b\": there is a line break or another control character in it\n"},
        {"user: \"a\\0b\"\n", "f:5:7: user: there is a NUL octet in this text\n"},
        {"dns: {listen: \"0.0.0.0:53\"}\n", "f:5:15: dns.listen: a list is wanted: [\"0.0.0.0:53\"]\n"},
        {"dns: {listen: []}\n", "f:5:15: dns.listen: at least one address is needed\n"},
        {"dns: {listen: [\"127.0.0.1\"]}\n",
         "f:5:16: dns.listen[0]: \"127.0.0.1\": the port is missing: \"127.0.0.1:53\"\n"},
        {"dns: {listen: [\"::1\"]}\n", "f:5:16: dns.listen[0]: \"::1\": the port is missing: \"[::1]:53\"\n"},
        {"dns: {listen: [\"localhost:53\"]}\n",
         "f:5:16: dns.listen[0]: \"localhost:53\": an address with a port is wanted: "
         "\"192.0.2.1:53\", \"[2001:db8::1]:53\"\n"},
        {"dns: {listen: [\"127.0.0.1:65536\"]}\n",
         "f:5:16: dns.listen[0]: \"127.0.0.1:65536\": a port is at most 65535\n"},
        {"dns: {listen: [\"unix:/x\"]}\n",
         "f:5:16: dns.listen[0]: \"unix:/x\": DNS is not served on unix sockets\n"},
        {"dns: {listen: [\"127.0.0.1:53\", \"127.0.0.1:53\"]}\n",
         "f:5:32: dns.listen[1]: \"127.0.0.1:53\" is there a second time\n"},
        {"registration: {networks: [\"10.0.0.5\"]}\n", "f:5:27: registration.networks[0]: \"10.0.0.5\": a network "
                                                       "needs a prefix length: \"10.0.0.5/32\" is this one "
                                                       "address\n"},
        {"registration: {networks: [\"10.0.0.0/33\"]}\n",
         "f:5:27: registration.networks[0]: \"10.0.0.0/33\": a network is wanted, such as \"192.0.2.0/24\" or "
         "\"2001:db8::/32\"\n"},
        {"registration: {allow: networks}\n", "f:5:15: registration.networks: allow: networks lets nobody in "
                                              "without networks; add some, or write allow: "
                                              "none\n"},
        {"api: {base-url: example.org}\n", "f:5:17: api.base-url: \"example.org\": a URL is wanted, such as "
                                           "https://auth.example.org or https://example.org/acme; no ? or #\n"},
        {"api: {cors-origins: [\"https://a.example/x\"]}\n",
         "f:5:22: api.cors-origins[0]: \"https://a.example/x\": a web origin is wanted, without a path: "
         "https://tools.example.org; or * for all\n"},
        {"tracee: 1\n", "f:5:1: unknown key \"tracee\"; did you mean \"trace\"?\n"},
        {"dnssec: {}\n", "f:5:1: unknown key \"dnssec\"; this version does not sign; remove the section\n"},
        {"check:\n  ca: x\n",
         "f:6:7: check.ca: \"x\": a CAA name is wanted, such as letsencrypt.org, or one of: letsencrypt, zerossl, "
         "sectigo, google, ssl.com, digicert, amazon, globalsign, buypass, actalis, certum, harica\n"},
        {"check: {resolvers: [dns.quad9.net]}\n",
         "f:5:21: check.resolvers[0]: \"dns.quad9.net\": the address of a resolver is wanted: \"9.9.9.9\", "
         "\"192.0.2.53:5353\", \"[2620:fe::fe]:53\"\n"},
        {"check: {resolvers: [1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1]}\n",
         "f:5:20: check.resolvers: more than 8 resolvers\n"},
        {"dns: {rate-limit: 0/s}\n",
         "f:5:7: dns: unknown key \"rate-limit\"; this version does not limit DNS answers; "
         "remove the line\n"},
        {"xyzzyxyzzy: 1\n", "f:5:1: unknown key \"xyzzyxyzzy\"\n"},
        {"? [a]\n: 1\ntrace: 0\n", "f:5:3: a list stands where a key is wanted; is a quote missing? Addresses are "
                                   "always quoted: \"[::1]:53\"\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[2048];

        (void)snprintf(yaml, sizeof(yaml), "%s%s", ZONE, rows[i].yaml);
        assert_report(yaml, rows[i].expected);
    }
}

static void api_listeners_are_checked_together(void **state)
{
    static const struct {
        const char *yaml;
        const char *expected;
    } rows[] = {
        {"    - serves: [health]\n", "f:7:7: api.listen[0].address: missing; write for example address: "
                                     "127.0.0.1:8053\n"},
        {"    - address: \"0.0.0.0:80\"\n",
         "f:7:16: api.listen[0].address: 0.0.0.0:80: passwords would cross the network unprotected.\n"
         "    Either serve HTTPS here: tls: files, with certificate and key,\n"
         "    or, behind a proxy or in a container's own network only: plaintext: allow\n"},
        {"    - {address: \"127.0.0.1:80\", tls: files}\n",
         "f:7:7: api.listen[0].certificate: 127.0.0.1:80: tls: files needs a certificate, the path of a PEM file\n"
         "f:7:7: api.listen[0].key: 127.0.0.1:80: tls: files needs a key, the path of a PEM file\n"},
        {"    - {address: \"127.0.0.1:80\", certificate: /c}\n",
         "f:7:46: api.listen[0].certificate: 127.0.0.1:80: is not used with tls: none; write tls: files, or remove "
         "it\n"},
        {"    - {address: \"192.0.2.1:80\", tls: files, plaintext: allow, certificate: /c, key: /k}\n",
         "f:7:56: api.listen[0].plaintext: 192.0.2.1:80: there is no plain HTTP with tls: files; remove one of the "
         "two\n"},
        {"    - {address: \"192.0.2.1:80\", tls: acme}\n",
         "f:7:38: api.listen[0].tls: \"acme\" is not in this version, only: none, files\n"},
        {"    - {address: \"127.0.0.1:80\", serves: [v2, health, health]}\n",
         "f:7:42: api.listen[0].serves[0]: \"v2\" is not one of: acme-dns, httpreq, v1, health, metrics\n"
         "f:7:54: api.listen[0].serves[2]: 127.0.0.1:80: this is there a second time\n"},
        {"    - {address: \"127.0.0.1:80\", serves: []}\n",
         "f:7:41: api.listen[0].serves: 127.0.0.1:80: nothing is served; remove the address, or leave serves out "
         "for "
         "all\n"},
        {"    - address: \"127.0.0.1:80\"\n    - address: \"127.0.0.1:80\"\n",
         "f:8:16: api.listen[1].address: 127.0.0.1:80: is there a second time\n"},
        {"    - address: \"unix:/run/riposte/admin.sock\"\n",
         "f:7:16: api.listen[0].address: unix:/run/riposte/admin.sock: this is admin.socket; whoever may use the "
         "API "
         "must not be an administrator\n"},
        {"    - address: \"127.0.0.1:53\"\ndns:\n  listen: [\"127.0.0.1:53\"]\n",
         "f:7:16: api.listen[0].address: 127.0.0.1:53: dns.listen has this address and port too\n"},
        {"    - address: \"unix:relative\"\n",
         "f:7:16: api.listen[0].address: \"unix:relative\": an address with a port is wanted: \"192.0.2.1:53\", "
         "\"[2001:db8::1]:53\", or \"unix:/path\"\n"},
        {"    - \"127.0.0.1:80\"\n", "f:7:7: api.listen[0]: keys are wanted here, such as \"address: ...\"\n"},
    };
    struct config *c;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[2048];

        (void)snprintf(yaml, sizeof(yaml), "%sapi:\n  listen:\n%s", ZONE, rows[i].yaml);
        assert_report(yaml, rows[i].expected);
    }
    c = load(ZONE "dns: {listen: [\"127.0.0.1:0\", \"127.0.0.1:0\"]}\n"
                  "api: {listen: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]}\n");
    assert_int_equal(c->api.n_listen, 2); /* port 0 is a free one each time */
    config_free(c);
}

/* ---- places and reload ---- */

static void places_of_keys_are_known(void **state)
{
    static const struct {
        const char *key;
        unsigned line, column;
    } rows[] = {{"zones[0].origin", 2, 13}, {"dns.listen[1]", 6, 27}, {"dns.listen", 6, 11}, {"dns.workers", 6, 3},
                {"dns.listen[7]", 6, 11},   {"store.path", 0, 0},     {"trace", 7, 8},       {"", 0, 0},
                {"zones[0].records", 2, 5}, {"zones[1].origin", 2, 3}};
    struct config *c = load(ZONE "dns:\n  listen: [\"127.0.0.1:53\", \"[::1]:53\"]\ntrace: 0\n");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned line = 99, column = 99;

        config_where(c, rows[i].key, &line, &column);
        assert_int_equal(line, rows[i].line);
        if (line != 0 && strcmp(rows[i].key, "dns.listen[1]") != 0)
            assert_int_equal(column, rows[i].column);
    }
    config_free(c);
}

static void only_keys_that_need_a_restart_are_differences(void **state)
{
    static const struct {
        const char *yaml;
        const char *expected;
    } rows[] = {
        {"", ""},
        {"values: {ttl: 5s}\nlog: {level: debug}\n", ""},
        {"store: {path: /srv/r.db}\n", "store.path"},
        {"dns: {listen: [\"127.0.0.1:53\"], workers: 2, udp-size: 512}\n", "dns.listen, dns.workers"},
        {"dns: {listen: [\"0.0.0.0:53\", \"[::]:53\"]}\n", ""},
        {"dns: {listen: [\"[::]:53\", \"0.0.0.0:53\"]}\n", "dns.listen"},
        {"api: {listen: [], connections: 5}\nuser: me\n", "api.connections, user, api.listen"},
        {"api: {listen: [{address: \"127.0.0.1:8053\", serves: [health]}]}\n", "api.listen"},
        {"api: {listen: [{address: \"127.0.0.1:8053\"}], base-url: \"http://x\"}\n", ""},
        {"admin: {socket: /x/y, group: z}\ntrace: 1\n", "admin.socket, admin.group, trace"},
    };
    struct config *running = load(ZONE);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[1024];
        struct config *next;
        struct text differences;

        (void)snprintf(yaml, sizeof(yaml), "%s%s", ZONE, rows[i].yaml);
        next = load(yaml);
        text_init(&differences, 4096);
        config_restart_differences(running, next, &differences);
        assert_string_equal(differences.bytes, rows[i].expected);
        text_fini(&differences);
        config_free(next);
    }
    config_free(running);
}

static void a_file_that_cannot_be_read_is_an_io_error(void **state)
{
    struct config *c = NULL;
    struct text report;
    unsigned n = 7;

    (void)state;
    text_init(&report, REPORT_MAX);
    assert_int_equal(config_load(&c, "/nonexistent/riposte.yaml", &report, &n), ERR_IO);
    assert_int_equal(n, 0);
    assert_non_null(strstr(report.bytes, "/nonexistent/riposte.yaml: cannot be read: No such file or directory"));
    text_fini(&report);
    assert_int_equal(config_load(&c, "/", &report, &n), ERR_IO);
    assert_null(c);
    text_fini(&report);
    config_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_file_has_all_defaults),
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(sections_and_lists_without_content_count_as_not_there),
        cmocka_unit_test(an_empty_api_listen_is_no_listener),
        cmocka_unit_test(identity_hostname_is_this_machines),
        cmocka_unit_test(all_errors_come_at_once_sorted_by_line),
        cmocka_unit_test(values_are_read_strictly),
        cmocka_unit_test(api_listeners_are_checked_together),
        cmocka_unit_test(places_of_keys_are_known),
        cmocka_unit_test(only_keys_that_need_a_restart_are_differences),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_io_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
