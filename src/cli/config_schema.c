#include "cli/config_schema.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "cli/config_impl.h"

#define SECOND ((uint64_t)1000) /* times are in milliseconds here */
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    ((uint64_t)1 << 10)
#define MIB    ((uint64_t)1 << 20)
#define GIB    ((uint64_t)1 << 30)

static_assert(sizeof(int) == sizeof(enum challenge_caa) && sizeof(int) == sizeof(enum api_tls) &&
                  sizeof(int) == sizeof(enum registration_allow) && sizeof(int) == sizeof(enum tsig_legacy) &&
                  sizeof(int) == sizeof(enum accept_values) && sizeof(int) == sizeof(enum log_level) &&
                  sizeof(int) == sizeof(enum log_format),
              "words are stored as ints");

static const struct config_word words_challenge_caa[] = {
    {"none", CHALLENGE_CAA_NONE, false}, {"deny", CHALLENGE_CAA_DENY, false}, {NULL, 0, false}};
static const struct config_word words_tsig_legacy[] = {
    {"refuse", TSIG_LEGACY_REFUSE, false}, {"allow", TSIG_LEGACY_ALLOW, false}, {NULL, 0, false}};
static const struct config_word words_accept[] = {
    {"challenge", ACCEPT_CHALLENGE, false}, {"text", ACCEPT_TEXT, false}, {NULL, 0, false}};
static const struct config_word words_serves[] = {
    {"acme-dns", SERVES_ACMEDNS, false}, {"httpreq", SERVES_HTTPREQ, false}, {"v1", SERVES_V1, false},
    {"health", SERVES_HEALTH, false},    {"metrics", SERVES_METRICS, false}, {NULL, 0, false}};
static const struct config_word words_tls[] = {
    {"none", API_TLS_NONE, false}, {"files", API_TLS_FILES, false}, {"acme", 0, true}, {NULL, 0, false}};
static const struct config_word words_plaintext[] = {
    {"refuse", CONFIG_PLAINTEXT_REFUSE, false}, {"allow", CONFIG_PLAINTEXT_ALLOW, false}, {NULL, 0, false}};
static const struct config_word words_allow[] = {{"none", REGISTRATION_NONE, false},
                                                 {"token", REGISTRATION_TOKEN, false},
                                                 {"networks", REGISTRATION_NETWORKS, false},
                                                 {"anyone", REGISTRATION_ANYONE, false},
                                                 {NULL, 0, false}};
static const struct config_word words_level[] = {{"error", LOG_ERROR, false},
                                                 {"warning", LOG_WARN, false},
                                                 {"info", LOG_INFO, false},
                                                 {"debug", LOG_DEBUG, false},
                                                 {NULL, 0, false}};
static const struct config_word words_format[] = {{"auto", LOG_FORMAT_AUTO, false},
                                                  {"text", LOG_FORMAT_TEXT, false},
                                                  {"json", LOG_FORMAT_JSON, false},
                                                  {NULL, 0, false}};

/* From which member of the raw structure, to which of the decoded one. */
#define FROM(s, member)      .raw_offset = offsetof(struct s, member)
#define FROM_LIST(s, member) FROM(s, member), .raw_count_offset = offsetof(struct s, member##_count)
#define TO(s, member)        .out_offset = offsetof(struct s, member), .out_size = sizeof(((struct s *)NULL)->member)
#define TO_LIST(s, member, n_)                                                                                     \
    .out_offset = offsetof(struct s, member), .out_size = sizeof(void *), .out_count_offset = offsetof(struct s, n_)
#define ZONE(raw, out)   .group = CONFIG_GROUP_ZONE, FROM(raw_zone, raw), TO(config_zone, out)
#define LISTEN(raw, out) .group = CONFIG_GROUP_LISTEN, FROM(raw_listen, raw), TO(config_listen, out)
#define FILE_(raw, out)  FROM(raw_config, raw), TO(config_impl, out)

/* clang-format off */
const struct config_row config_rows[] = {
{"zones[]", .kind = CONFIG_SECTIONS, .help =
 "The zones that this server answers for: at least one; the first is where registration puts new names. An "
 "origin, a contact and one name server are all that must be said."},
{"zones[].origin", .kind = CONFIG_ZONE, .example = "auth.example.org", ZONE(origin, origin), .help =
 "The name of the zone, as the parent zone delegates it to this server."},
{"zones[].contact", .kind = CONFIG_MAIL, .example = "hostmaster@example.org", ZONE(contact, rname), .help =
 "The mail address of whoever looks after the zone, for its SOA record. One outside of the zone is best: the zone "
 "gets no mail."},
{"zones[].name-servers[]", .kind = CONFIG_SECTIONS, .group = CONFIG_GROUP_ZONE, .help =
 "The NS records of the zone, the first also as the SOA's primary server. The parent zone must have the same ones."},
{"zones[].name-servers[].name", .kind = CONFIG_HOST, .group = CONFIG_GROUP_NAME_SERVER,
 .example = "ns1.auth.example.org",
 FROM(raw_name_server, name), TO(config_name_server, name), .help =
 "The server's name, in full."},
{"zones[].name-servers[].addresses[]", .kind = CONFIG_ADDRESS, .group = CONFIG_GROUP_NAME_SERVER, .fallback = "",
 .example = "203.0.113.10 2001:db8::10", FROM_LIST(raw_name_server, addresses),
 TO_LIST(config_name_server, addresses, n_addresses), .help =
 "Its addresses, as the world reaches it. Needed for names inside of the zone: they are served, and are the glue "
 "in the parent zone. Names elsewhere have theirs elsewhere."},
{"zones[].records[]", .kind = CONFIG_TEXT, .group = CONFIG_GROUP_ZONE, .min = 1, .max = 65535, .fallback = "",
 FROM_LIST(raw_zone, records), TO_LIST(config_zone, records, n_records), .help =
 "Static records in presentation format: owner, TTL (3600 if none), type, data; names without a final dot are "
 "below the origin, @ is the origin itself. Any type but SOA, DNAME and those of DNSSEC; no wildcards, and no NS: "
 "delegations below the zone are not served. The first line makes https://ORIGIN/ find the API:\n"
 " records:\n"
 "   - \"@ 300 IN A 203.0.113.10\"\n"
 "   - \"www CNAME host.example.org.\""},
{"zones[].caa[]", .kind = CONFIG_TEXT, .group = CONFIG_GROUP_ZONE, .min = 1, .max = 4096, .fallback = "",
 FROM_LIST(raw_zone, caa), TO_LIST(config_zone, caa, n_caa), .help =
 "The CAA records of the origin (RFC 8659): which CAs may issue certificates for it, and for every name below it "
 "that has no CAA of its own. For example:\n"
 " caa: ['0 issue \"letsencrypt.org\"']"},
{"zones[].challenge-caa", .kind = CONFIG_WORD, .fallback = "none", .words = words_challenge_caa,
 ZONE(challenge_caa, challenge_caa), .help =
 "none: challenge names have no CAA records. deny: they have issue \";\" and issuewild \";\", so that nobody gets "
 "a certificate for his own name in this zone; recommended when registration.allow is not none."},
{"zones[].negative-ttl", .kind = CONFIG_TIME_S, .max = DAY, .fallback = "0s", ZONE(negative_ttl, negative_ttl_s),
 .help =
 "The TTL of the SOA record, and so for how long resolvers remember that a name holds nothing yet. 0s: a question "
 "that comes too early leaves no trace; 1s to 5s under floods of random names."},
{"zones[].soa-minimum", .kind = CONFIG_TIME_S, .max = DAY, .fallback = "300s", ZONE(soa_minimum, soa_minimum_s),
 .help =
 "The MINIMUM field of the SOA record. Only resolvers that ignore the record's TTL use it; zone checkers want "
 "300s or more."},

{"values", .kind = CONFIG_SECTION, .help =
 "The TXT values at challenge names."},
{"values.ttl", .kind = CONFIG_TIME_S, .max = DAY, .fallback = "0s", FILE_(values.ttl, value_ttl_s), .help =
 "TTL of the answers. 0s: a domain and its wildcard, which are validated one after the other, must not meet a "
 "cache."},
{"values.pinned-ttl", .kind = CONFIG_TIME_S, .max = 7 * DAY, .fallback = "300s",
 FILE_(values.pinned_ttl, pinned_ttl_s), .help =
 "TTL of a name that holds only pinned values."},
{"values.lifetime", .kind = CONFIG_TIME_S, .max = 3650 * DAY, .fallback = "72h",
 FILE_(values.lifetime, config.settings.values.lifetime_s), .help =
 "For how long a value stays after it was last added; 0s: for ever. Slow CAs come back after a day, and old "
 "values are harmless."},
{"values.grace", .kind = CONFIG_TIME_S, .max = 30 * DAY, .fallback = "1h",
 FILE_(values.grace, config.settings.values.grace_s), .help =
 "When a name is full, a value older than this makes room whoever added it; younger ones only if their holder has "
 "the most."},
{"values.max-response", .kind = CONFIG_SIZE, .min = 1024, .max = 64000, .fallback = "4096",
 FILE_(values.max_response, max_response), .help =
 "Octets of the TXT answer as the CA's resolver passes it on, and with that how many values fit: 512 are set "
 "aside for the CNAME and the longer question there, which leaves room for 64. CAs were seen to give up above "
 "4096."},
{"values.accept", .kind = CONFIG_WORD, .fallback = "challenge", .words = words_accept,
 FILE_(values.accept, config.settings.values.accept), .help =
 "challenge: 43 base64url characters (RFC 8555 section 8.4). text: any text, which is for tests and makes a "
 "public notice board."},

{"dns", .kind = CONFIG_SECTION, .help =
 "The DNS side."},
{"dns.listen[]", .kind = CONFIG_IP_PORT, .applies = CONFIG_AFTER_RESTART, .fallback = "0.0.0.0:53 [::]:53",
 FROM_LIST(raw_config, dns.listen), TO_LIST(config_impl, config.dns.listen, config.dns.n_listen), .help =
 "Where to answer, UDP and TCP. Naming this machine's own addresses instead of 0.0.0.0 and [::] is a little "
 "faster, and leaves others (systemd-resolved on 127.0.0.53) theirs. Sockets from systemd must be of the same "
 "addresses."},
{"dns.workers", .kind = CONFIG_COUNT, .applies = CONFIG_AFTER_RESTART, .max = 16, .fallback = "0",
 FILE_(dns.workers, config.dns.workers), .help =
 "Threads that answer UDP. 0: one for each core, at most 16."},
{"dns.udp-size", .kind = CONFIG_SIZE, .min = 512, .max = 4096, .fallback = "1232",
 FILE_(dns.udp_size, config.dns.udp_size), .help =
 "Largest UDP answer, and the EDNS buffer size that is announced. What does not fit is asked again over TCP."},
{"dns.identity", .kind = CONFIG_TEXT, .min = 1, .max = DNS_IDENTITY_MAX - 1, .fallback = "none",
 FILE_(dns.identity, identity), .help =
 "What NSID and id.server tell: none, hostname (this machine's), or a text of your own."},
{"dns.tcp-connections", .kind = CONFIG_COUNT, .min = 4, .max = 100000, .fallback = "1000",
 FILE_(dns.tcp_connections, config.dns.tcp_connections), .help =
 "TCP connections in total; one client (/32, /56) gets a quarter of them."},
{"dns.tcp-idle", .kind = CONFIG_TIME_MS, .min = 100, .max = 10 * MINUTE, .fallback = "10s",
 FILE_(dns.tcp_idle, config.dns.tcp_idle_ms), .help =
 "A TCP connection on which nothing happens is closed after this time."},
{"dns.tsig-legacy", .kind = CONFIG_WORD, .fallback = "refuse", .words = words_tsig_legacy,
 FILE_(dns.tsig_legacy, config.dns.tsig_legacy), .help =
 "For DNS UPDATE and signed questions. refuse: signatures with hmac-sha256, hmac-sha384 and hmac-sha512 only. allow: "
 "also hmac-md5, hmac-sha1 and hmac-sha224, which old clients use unless they are told otherwise."},

{"api", .kind = CONFIG_SECTION, .help =
 "The HTTP side."},
{"api.listen[]", .kind = CONFIG_SECTIONS, .applies = CONFIG_AFTER_RESTART, .help =
 "Where to listen, and what is served there; [] for nowhere: then only the admin socket changes anything."},
{"api.listen[].address", .kind = CONFIG_ENDPOINT, .applies = CONFIG_AFTER_RESTART, .example = "127.0.0.1:8053",
 LISTEN(address, at), .help =
 "An address with a port, or \"unix:/path\" for a unix socket."},
{"api.listen[].serves[]", .kind = CONFIG_WORD, .applies = CONFIG_AFTER_RESTART, .group = CONFIG_GROUP_LISTEN,
 .fallback = "acme-dns httpreq v1 health metrics", .words = words_serves, FROM_LIST(raw_listen, serves),
 TO_LIST(config_listen, serves, n_serves), .help =
 "acme-dns: /register and /update as acme-dns has them, and /delete. httpreq: /present and /cleanup, for lego, "
 "Traefik, acme.sh and others. v1: Riposte's own interface, with a credential's id and secret; docs/api.md. health: "
 "/live and /health. metrics: /metrics, for Prometheus. Leave v1 and metrics out on a public address."},
{"api.listen[].tls", .kind = CONFIG_WORD, .applies = CONFIG_AFTER_RESTART, .fallback = "none", .words = words_tls,
 LISTEN(tls, tls), .help =
 "none: plain HTTP. files: HTTPS with the certificate and key named below."},
{"api.listen[].certificate", .kind = CONFIG_PATH, .applies = CONFIG_AFTER_RESTART, .max = 4095, .fallback = "",
 LISTEN(certificate, certificate), .help =
 "File with the certificate and its chain, PEM; read again when it changes. Not there yet: this address stays "
 "closed, all else runs, /health says so, and it opens when the file appears."},
{"api.listen[].key", .kind = CONFIG_PATH, .applies = CONFIG_AFTER_RESTART, .max = 4095, .fallback = "", LISTEN(key,
 key), .help =
 "File with the certificate's private key, PEM; read again when it changes."},
{"api.listen[].plaintext", .kind = CONFIG_WORD, .applies = CONFIG_AFTER_RESTART, .fallback = "refuse",
 .words = words_plaintext, LISTEN(plaintext, plaintext), .help =
 "allow: plain HTTP on an address that is neither loopback nor a unix socket, for use behind a proxy or in a "
 "container's own network: passwords cross that network unprotected."},
{"api.base-url", .kind = CONFIG_URL, .max = 1024, .fallback = "", FILE_(api.base_url, config.api.base_url), .help =
 "The API as clients see it, for instructions that are printed. \"\": made from the first address."},
{"api.trusted-proxies[]", .kind = CONFIG_NETWORK, .fallback = "", FROM_LIST(raw_config, api.trusted_proxies),
 TO_LIST(config_impl, config.api.trusted_proxies, config.api.n_trusted_proxies), .help =
 "Networks of proxies whose X-Forwarded-For counts: the client is the right-most address there that is in none of "
 "them."},
{"api.cors-origins[]", .kind = CONFIG_ORIGIN, .max = 1024, .fallback = "", FROM_LIST(raw_config, api.cors_origins),
 TO_LIST(config_impl, config.api.cors_origins, config.api.n_cors_origins), .help =
 "Web pages whose scripts may call the API, such as https://tools.example.org; \"*\" for all, as acme-dns does. "
 "With none, no web page that a colleague opens can register names from inside of your network."},
{"api.max-body", .kind = CONFIG_SIZE, .min = 512, .max = 16 * MIB, .fallback = "4KiB",
 FILE_(api.max_body, config.api.max_body), .help =
 "Largest request body."},
{"api.request-timeout", .kind = CONFIG_TIME_MS, .min = 100, .max = 10 * MINUTE, .fallback = "15s",
 FILE_(api.request_timeout, config.api.request_timeout_ms), .help =
 "For the whole of a request, however slowly it drips in."},
{"api.commit-timeout", .kind = CONFIG_TIME_MS, .min = 100, .max = 10 * MINUTE, .fallback = "10s",
 FILE_(api.commit_timeout, config.commit_timeout_ms), .help =
 "For how long a change waits for a busy or failing disk before it is refused with 503. Clients wait about 30s."},
{"api.connections", .kind = CONFIG_COUNT, .applies = CONFIG_AFTER_RESTART, .min = 4, .max = 100000,
 .fallback = "1000",
 FILE_(api.connections, config.api.connections), .help =
 "Connections in total; one client gets a quarter of them."},

{"registration", .kind = CONFIG_SECTION, .help =
 "Who may make names through the API. The command line (riposte name create) does not need this."},
{"registration.allow", .kind = CONFIG_WORD, .fallback = "none", .words = words_allow,
 FILE_(registration.allow, config.settings.registration.allow), .help =
 "none: nobody. token: who has a registration token (riposte token create). networks: who comes from one of the "
 "networks below. anyone: everybody, which on a public address is an invitation."},
{"registration.networks[]", .kind = CONFIG_NETWORK, .fallback = "", FROM_LIST(raw_config, registration.networks),
 TO_LIST(config_impl, config.settings.registration.networks, config.settings.registration.n_networks), .help =
 "For allow: networks. A request with X-Forwarded-For from a peer that is not in api.trusted-proxies is refused: "
 "where it comes from is unknown."},
{"registration.rate", .kind = CONFIG_RATE, .max = 1000000, .fallback = "10/m",
 FILE_(registration.rate, config.settings.registration.rate), .help =
 "Registrations of one client (/32, /56) for networks and anyone, 60 in a burst; 0/s: no limit. A token has its "
 "own count."},
{"registration.prune-unused", .kind = CONFIG_TIME_S, .max = 3650 * DAY, .fallback = "0s",
 FILE_(registration.prune_unused, config.settings.registration.prune_unused_s), .help =
 "A name that was registered without a token this long ago and was never used since is retired; 0s: never, else at "
 "least 24h. It never held a value, no credential of it was ever used, and nobody gave it a domain or a label."},

{"limits", .kind = CONFIG_SECTION, .help =
 "What one account, and all together, may use."},
{"limits.changes", .kind = CONFIG_RATE, .max = 1000000, .fallback = "10/s",
 FILE_(limits.changes, config.settings.limits.changes), .help =
 "Changes of one account, 1000 in a burst; 0/s: no limit. Keeps one tenant from filling the disk with journal."},
{"limits.names", .kind = CONFIG_COUNT, .min = 1, .max = 100000000, .fallback = "1000",
 FILE_(limits.names, config.settings.limits.names), .help =
 "Names of one account."},
{"limits.names-unclaimed", .kind = CONFIG_COUNT, .max = 100000000, .fallback = "10000",
 FILE_(limits.names_unclaimed, config.settings.limits.names_unclaimed), .help =
 "Names of accounts that registration made without a token, all together."},
{"limits.free-space", .kind = CONFIG_SIZE, .max = 1024 * GIB, .fallback = "64MiB",
 FILE_(limits.free_space, config.settings.limits.free_space), .help =
 "With less free space than this on the store's disk there are no registrations, and a warning; values still work."},

{"store", .kind = CONFIG_SECTION, .help =
 "Where everything is kept."},
{"store.path", .kind = CONFIG_PATH, .applies = CONFIG_AFTER_RESTART, .min = 2, .max = 4000,
 .fallback = "/var/lib/riposte/riposte.db", FILE_(store.path, config.store_path), .help =
 "The database, on a local disk; never NFS. Its folder is made when it is missing."},
{"store.key", .kind = CONFIG_PATH, .applies = CONFIG_AFTER_RESTART, .max = 4000, .fallback = "",
 FILE_(store.key, config.store_key), .help =
 "The file with the key that seals what must be kept readable: the TSIG keys of credentials. \"\": the file `key` in "
 "the folder of the database. Made at the first start, readable by the service alone. It is not in backups of the "
 "database: keep a copy apart from them."},
{"store.journal", .kind = CONFIG_TIME_S, .max = 36500 * DAY, .fallback = "400d",
 FILE_(store.journal, config.journal_keep_s), .help =
 "For how long the journal, which is the audit trail, is kept; 0s: for ever."},

{"admin", .kind = CONFIG_SECTION, .help =
 "The socket that the command line uses."},
{"admin.socket", .kind = CONFIG_PATH, .applies = CONFIG_AFTER_RESTART, .min = 2, .max = ENDPOINT_PATH_MAX - 1,
 .fallback = "/run/riposte/admin.sock", FILE_(admin.socket, config.api.admin_socket), .help =
 "Root, the service's user and the members of the group below may do everything through it."},
{"admin.group", .kind = CONFIG_TEXT, .applies = CONFIG_AFTER_RESTART, .max = 32, .fallback = "riposte",
 FILE_(admin.group, admin_group), .help =
 "The group of the socket. \"\": none; not there: none either."},
{"user", .kind = CONFIG_TEXT, .applies = CONFIG_AFTER_RESTART, .max = 32, .fallback = "riposte",
 FILE_(user, config.user), .help =
 "Whom to become after binding when started as root; \"\": stay who we are. Ignored when not started as root."},

{"log", .kind = CONFIG_SECTION, .help =
 "The log, which goes to stderr (systemd: the journal)."},
{"log.level", .kind = CONFIG_WORD, .fallback = "info", .words = words_level, FILE_(log.level, config.log_level),
 .help =
 "The least important events that are written."},
{"log.format", .kind = CONFIG_WORD, .fallback = "auto", .words = words_format, FILE_(log.format,
 config.log_format), .help =
 "auto: text at a terminal and in systemd's journal, else json."},
{"trace", .kind = CONFIG_COUNT, .applies = CONFIG_AFTER_RESTART, .max = 16777216, .fallback = "65536",
 FILE_(trace, config.trace_records), .help =
 "How many of the last questions for challenge names, and what was told, are kept in memory for riposte trace; 64 "
 "octets each. 0: none."},

{"check", .kind = CONFIG_SECTION, .help =
 "For riposte check, POST /v1/checks and the hooks. Never used to answer a question."},
{"check.resolvers[]", .kind = CONFIG_RESOLVER, .fallback = "",
 FROM_LIST(raw_config, check.resolvers), TO_LIST(config_impl, config.check.resolvers, config.check.n_resolvers),
 .help =
 "Resolvers that look from elsewhere, best ones that validate DNSSEC; at most 8, with a port or without: "
 "[\"9.9.9.9\", \"1.1.1.1\"]. []: those of this machine find the authoritative servers, and DNSSEC is not "
 "checked."},
{"check.ca", .kind = CONFIG_TEXT, .min = 1, .max = 253, .fallback = "letsencrypt.org",
 FILE_(check.ca, config.check.ca), .help =
 "The CA whose permission is looked for in CAA records, unless --ca says another: its CAA name, such as "
 "letsencrypt.org, or a word that riposte check domain --ca knows, such as zerossl."},
};
/* clang-format on */

const size_t config_rows_n = ARRAY_LEN(config_rows);

const char *config_later_key(const char *path)
{
    static const struct {
        const char *path, *note;
    } notes[] = {
        {"dns.rate-limit", "this version does not limit DNS answers; remove the line"},
        {"secondaries", "this version has no zone transfers; remove the section"},
        {"zones[].secondaries", "this version has no zone transfers; remove the key"},
        {"dnssec", "this version does not sign; remove the section"},
        {"zones[].dnssec", "this version does not sign; remove the key"},
        {"certificate", "certificates come from files in this version: api.listen[].certificate and key"},
    };

    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        if (strcmp(notes[i].path, path) == 0)
            return notes[i].note;
    }
    return NULL;
}

bool config_row_is_section(const struct config_row *row)
{
    return row->kind == CONFIG_SECTION || row->kind == CONFIG_SECTIONS;
}

bool config_row_is_list(const struct config_row *row)
{
    size_t len = strlen(row->path);

    return !config_row_is_section(row) && len > 2 && strcmp(row->path + len - 2, "[]") == 0;
}

const char *config_row_key(const struct config_row *row, size_t *len)
{
    const char *dot = strrchr(row->path, '.');
    const char *key = dot != NULL ? dot + 1 : row->path;

    *len = strcspn(key, "[");
    return key;
}
