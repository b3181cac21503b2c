/* Zones and static records of the configuration. */
#include "cli/config_fixture.h"

#include <ldns/ldns.h>

/* A zone with one static record, quoted for YAML in single quotes, in line 5. */
static void record_yaml(const char *record, char *out, size_t cap)
{
    (void)snprintf(out, cap,
                   "zones:\n"
                   "  - origin: auth.example.org\n"
                   "    contact: hostmaster@example.org\n"
                   "    name-servers: [{name: ns1.example.net}]\n"
                   "    records: ['%s']\n",
                   record);
}

/* The record as ldns shows it again: a second opinion on what we keep. */
static void format_record(const struct record *r, char *out, size_t cap)
{
    ldns_rr *rr = NULL;
    uint8_t wire[70000];
    size_t len = 0, at = 0;
    char *text;

    memcpy(wire, r->owner.b, r->owner.len);
    len = r->owner.len;
    wire[len++] = (uint8_t)(r->type >> 8);
    wire[len++] = (uint8_t)r->type;
    wire[len++] = 0;
    wire[len++] = CLASS_IN;
    for (int shift = 24; shift >= 0; shift -= 8)
        wire[len++] = (uint8_t)(r->ttl_s >> shift);
    wire[len++] = (uint8_t)(r->rdata.len >> 8);
    wire[len++] = (uint8_t)r->rdata.len;
    memcpy(wire + len, r->rdata.bytes, r->rdata.len);
    len += r->rdata.len;
    assert_int_equal(ldns_wire2rr(&rr, wire, len, &at, LDNS_SECTION_ANSWER), LDNS_STATUS_OK);
    assert_int_equal(at, len);
    text = ldns_rr2str(rr);
    assert_non_null(text);
    (void)snprintf(out, cap, "%s", text);
    free(text);
    ldns_rr_free(rr);
}

static void records_of_many_types_are_kept_as_written(void **state)
{
    static const struct {
        const char *record;
        const char *expected;
    } rows[] = {
        {"@ 300 IN A 203.0.113.10", "auth.example.org.\t300\tIN\tA\t203.0.113.10\n"},
        {"@ A 203.0.113.10", "auth.example.org.\t3600\tIN\tA\t203.0.113.10\n"},
        {"www IN 300 A 203.0.113.10", "www.auth.example.org.\t300\tIN\tA\t203.0.113.10\n"},
        {"WWW in 5m aaaa 2001:DB8::1", "www.auth.example.org.\t300\tIN\tAAAA\t2001:db8::1\n"},
        {"www.auth.example.org. 0 A 192.0.2.1", "www.auth.example.org.\t0\tIN\tA\t192.0.2.1\n"},
        {"a 604800 A 192.0.2.1", "a.auth.example.org.\t604800\tIN\tA\t192.0.2.1\n"},
        {"a.b.c.d.e.f TXT \"Case Kept\" x", "a.b.c.d.e.f.auth.example.org.\t3600\tIN\tTXT\t\"Case Kept\" \"x\"\n"},
        {"t TXT \"\"", "t.auth.example.org.\t3600\tIN\tTXT\t\"\"\n"},
        {"t TXT \"a;b(c)\" \"d\\\"e\"", "t.auth.example.org.\t3600\tIN\tTXT\t\"a;b(c)\" \"d\\\"e\"\n"},
        {"www CNAME Host.Example.ORG.", "www.auth.example.org.\t3600\tIN\tCNAME\tHost.Example.ORG.\n"},
        {"www CNAME Host", "www.auth.example.org.\t3600\tIN\tCNAME\tHost.auth.example.org.\n"},
        {"www CNAME @", "www.auth.example.org.\t3600\tIN\tCNAME\tauth.example.org.\n"},
        {"@ MX 0 .", "auth.example.org.\t3600\tIN\tMX\t0 .\n"},
        {"@ MX 65535 mail", "auth.example.org.\t3600\tIN\tMX\t65535 mail.auth.example.org.\n"},
        {"_x._tcp SRV 1 2 3 h", "_x._tcp.auth.example.org.\t3600\tIN\tSRV\t1 2 3 h.auth.example.org.\n"},
        {"@ HTTPS 1 . alpn=h2", "auth.example.org.\t3600\tIN\tHTTPS\t1 . alpn=h2\n"},
        {"@ CAA 128 issue \";\"", "auth.example.org.\t3600\tIN\tCAA\t128 issue \";\"\n"},
        {"_443._tcp TLSA 3 1 1 00ff", "_443._tcp.auth.example.org.\t3600\tIN\tTLSA\t3 1 1 00ff\n"},
        {"x TYPE65280 \\# 3 00ff10", "x.auth.example.org.\t3600\tIN\tTYPE65280\t\\# 3 00ff10\n"},
        {"x TYPE1 \\# 4 c0000201", "x.auth.example.org.\t3600\tIN\tA\t192.0.2.1\n"},
        {"a\\.b A 192.0.2.1", "a\\.b.auth.example.org.\t3600\tIN\tA\t192.0.2.1\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[1024], shown[4096];
        const struct zone_spec *z;
        struct config *c;
        bool is_found = false;

        record_yaml(rows[i].record, yaml, sizeof(yaml));
        c = load(yaml);
        z = &c->settings.zones[0];
        assert_int_equal(z->n_records, 2); /* with the NS record */
        for (size_t k = 0; k < z->n_records; k++) {
            format_record(&z->records[k], shown, sizeof(shown));
            is_found = is_found || strcmp(shown, rows[i].expected) == 0;
        }
        if (!is_found)
            print_error("not found: %s", rows[i].expected);
        assert_true(is_found);
        config_free(c);
    }
}

static void records_that_cannot_be_served_are_refused(void **state)
{
    static const struct {
        const char *record;
        const char *why;
    } rows[] = {
        {"www A 1.2.3.400", "not an IPv4 address"},
        {"www A 1.2.3", "not an IPv4 address"},
        {"www A", "not an IPv4 address"},
        {"www AAAA 1.2.3.4", "not an IPv6 address"},
        {"www A 1.2.3.4 5", "there is something behind the record that does not belong to it"},
        {"www", "a record is: owner, TTL (may be missing), type, data; for example www 300 A 192.0.2.1"},
        {"www 300 IN", "a record is: owner, TTL (may be missing), type, data; for example www 300 A 192.0.2.1"},
        {" A 1.2.3.4", "a record begins with its owner: a name, or @ for the origin"},
        {"www FOO bar", "\"FOO\" is no record type"},
        {"www 1.2.3.4", "\"1.2.3.4\": a TTL is seconds, 0 to 604800, or a time such as 5m or 1h"},
        {"www 604801 A 1.2.3.4", "\"604801\": a TTL is seconds, 0 to 604800, or a time such as 5m or 1h"},
        {"www 99999999999 A 1.2.3.4", "\"99999999999\": a TTL is seconds, 0 to 604800, or a time such as 5m or 1h"},
        {"www 300 300 A 1.2.3.4", "\"300\" is no record type"},
        {"www CH TXT a", "the class is IN for all records here"},
        {"a..b A 1.2.3.4", "\"a..b\" is no domain name"},
        {"@ MX 65536 a", "\"65536\" is not a number from 0 to 65535"},
        {"@ MX -1 a", "\"-1\" is not a number from 0 to 65535"},
        {"@ MX 10", "MX data is a preference and a domain name, such as 10 mail.example.org."},
        {"@ SRV 1 2 99999 h", "\"99999\" is not a number from 0 to 65535"},
        {"@ CAA 256 issue \"x\"", "\"256\" is not a number from 0 to 255"},
        {"@ TXT \"open", "a quote is not closed"},
        {"@ TXT a;b", "a ; outside of quotes would begin a comment"},
        {"@ TXT ( a )", "a record is one line, without parentheses"},
        {"www CNAME a b", "there is something behind the record that does not belong to it"},
        {"www CNAME a..b", "one domain name is wanted"},
        {"www.example.org. A 1.2.3.4",
         "the owner is outside of the zone; a name with a final dot is taken as it stands"},
        {"* A 1.2.3.4", "wildcards are not served"},
        {"*.x TXT a", "wildcards are not served"},
        {"x DNAME y", "DNAME is not served"},
        {"@ SOA a b 1 2 3 4 5", "the SOA record is made from origin, contact and name-servers"},
        {"@ NS ns", "the zone's own NS records are made from name-servers"},
        {"sub NS ns", "delegations below the zone are not served"},
        {"@ DS 1 13 2 00", "records of DNSSEC are not served: this version does not sign"},
        {"@ NSEC3PARAM 1 0 0 -", "records of DNSSEC are not served: this version does not sign"},
        {"@ TYPE46 \\# 1 00", "records of DNSSEC are not served: this version does not sign"},
        {"@ TYPE255 \\# 0", "this type exists in questions and protocol only, not in zones"},
        {"@ TYPE41 \\# 0", "this type exists in questions and protocol only, not in zones"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[1024], expected[1024], quoted[CONFIG_QUOTED_MAX];

        record_yaml(rows[i].record, yaml, sizeof(yaml));
        (void)snprintf(expected, sizeof(expected), "f:5:15: zones[0].records[0]: %s: %s\n",
                       config_quoted(rows[i].record, strlen(rows[i].record), quoted), rows[i].why);
        assert_report(yaml, expected);
    }
}

#define HEAD                                                                                                       \
    "zones:\n"                                                                                                     \
    "  - origin: auth.example.org\n"                                                                               \
    "    contact: hostmaster@example.org\n"                                                                        \
    "    name-servers: [{name: ns1.auth.example.org, addresses: [\"192.0.2.1\"]}]\n"

static void records_beside_each_other_are_checked(void **state)
{
    (void)state;
    assert_report(
        HEAD "    records:\n"
             "      - \"@ CNAME x\"\n"
             "      - \"www CNAME x\"\n"
             "      - \"www TXT a\"\n"
             "      - \"two CNAME x\"\n"
             "      - \"two CNAME y\"\n"
             "      - \"ns1 3600 A 192.0.2.1\"\n"
             "      - \"ns1 300 A 192.0.2.2\"\n"
             "      - \"d CNAME Host\"\n"
             "      - \"d CNAME HOST\"\n"
             "      - \"t 1 TXT a\"\n"
             "      - \"t 2 TXT b\"\n",
        "f:6:9: zones[0].records[0]: \"auth.example.org\": a CNAME cannot stand at the origin, which has SOA "
        "and NS records\n"
        "f:7:9: zones[0].records[1]: \"www.auth.example.org\": a CNAME stands alone, but there are other "
        "records of this name\n"
        "f:9:9: zones[0].records[3]: \"two.auth.example.org\": a CNAME stands alone, but there are other "
        "records of this name\n"
        "f:10:9: zones[0].records[4]: \"two.auth.example.org\": a CNAME stands alone, but there are other "
        "records of this name\n"
        "f:11:9: zones[0].records[5]: \"ns1.auth.example.org\": this record is there already, from "
        "zones[0].name-servers[0].addresses[0]\n"
        "f:12:9: zones[0].records[6]: \"ns1.auth.example.org\": the TTL is 300 here and 3600 in "
        "zones[0].records[5]; records of one name and type share it\n"
        "f:13:9: zones[0].records[7]: \"d.auth.example.org\": a CNAME stands alone, but there are other "
        "records of this name\n"
        "f:14:9: zones[0].records[8]: \"d.auth.example.org\": this record is there already, from "
        "zones[0].records[7]\n"
        "f:16:9: zones[0].records[10]: \"t.auth.example.org\": the TTL is 2 here and 1 in "
        "zones[0].records[9]; records of one name and type share it\n");
}

static void name_servers_are_checked(void **state)
{
    (void)state;
    assert_report(
        "zones:\n"
        "  - origin: auth.example.org\n"
        "    contact: hostmaster@example.org\n"
        "    name-servers:\n"
        "      - name: ns1.auth.example.org\n"
        "      - name: ns2.example.net\n"
        "        addresses: [\"192.0.2.1\"]\n"
        "      - name: alias.auth.example.org\n"
        "      - name: ns.other.example\n"
        "      - name: NS2.example.net\n"
        "      - name: 192.0.2.7\n"
        "      - addresses: [\"nowhere\"]\n"
        "      - name: ns1\n"
        "    records: [\"alias CNAME x\"]\n"
        "  - origin: other.example\n"
        "    contact: hostmaster@example.org\n"
        "    name-servers: []\n",
        "f:5:15: zones[0].name-servers[0].name: \"ns1.auth.example.org\" is inside of a zone of this server "
        "and has no addresses; write them beside it: addresses: [\"203.0.113.10\"]\n"
        "f:7:20: zones[0].name-servers[1].addresses: \"ns2.example.net\": is outside of this zone and has its "
        "addresses elsewhere; leave them out here\n"
        "f:8:15: zones[0].name-servers[2].name: \"alias.auth.example.org\" is a CNAME; the name of a name "
        "server must have addresses itself\n"
        "f:9:15: zones[0].name-servers[3].name: \"ns.other.example\" is inside of a zone of this server and has "
        "no addresses; write them beside it: addresses: [\"203.0.113.10\"]\n"
        "f:10:15: zones[0].name-servers[4].name: \"auth.example.org\": this record is there already, from "
        "zones[0].name-servers[1].name\n"
        "f:11:15: zones[0].name-servers[5].name: \"192.0.2.7\": a name is wanted, not an address\n"
        "f:12:9: zones[0].name-servers[6].name: missing; write for example name: ns1.auth.example.org\n"
        "f:12:21: zones[0].name-servers[6].addresses[0]: \"nowhere\": not an IPv4 or IPv6 address\n"
        "f:13:15: zones[0].name-servers[7].name: \"ns1\": the whole name is wanted, such as "
        "ns1.auth.example.org\n"
        "f:17:19: zones[1].name-servers: at least one name server is needed\n");
}

static void name_server_addresses_may_stand_in_records(void **state)
{
    struct config *c = load("zones:\n"
                            "  - origin: auth.example.org\n"
                            "    contact: hostmaster@example.org\n"
                            "    name-servers: [{name: ns1.auth.example.org.}, {name: ns.b.example}]\n"
                            "    records: [\"ns1 A 192.0.2.1\"]\n"
                            "  - origin: b.example\n"
                            "    contact: hostmaster@example.org\n"
                            "    name-servers: [{name: ns.b.example, addresses: [\"::1\"]}]\n");

    (void)state;
    assert_int_equal(c->settings.n_zones, 2);
    config_free(c);
}

static void origins_and_contacts_are_checked(void **state)
{
    static const struct {
        const char *origin, *contact;
        const char *expected;
    } rows[] = {
        {".", "a@b.c", "f:2:13: zones[0].origin: \".\": the root cannot be a zone of this server\n"},
        {"\"\"", "a@b.c", "f:2:13: zones[0].origin: \"\": not a domain name\n"},
        {"a..b", "a@b.c", "f:2:13: zones[0].origin: \"a..b\": not a domain name\n"},
        {"\"*.b\"", "a@b.c",
         "f:2:13: zones[0].origin: \"*.b\": a name of letters, digits, hyphens and underscores is "
         "wanted (others in their xn-- form)\n"},
        {"a.b", "b.c",
         "f:3:14: zones[0].contact: \"b.c\": a mail address is wanted, such as hostmaster@example.org\n"},
        {"a.b", "\"@b.c\"",
         "f:3:14: zones[0].contact: \"@b.c\": a mail address is wanted, such as hostmaster@example.org\n"},
        {"a.b", "a@b@c",
         "f:3:14: zones[0].contact: \"a@b@c\": a mail address is wanted, such as hostmaster@example.org\n"},
        {"a.b", "a@.",
         "f:3:14: zones[0].contact: \"a@.\": a mail address is wanted, such as hostmaster@example.org\n"},
        {"a.b", "a@b..c", "f:3:14: zones[0].contact: \"a@b..c\": not a domain name\n"},
        {"a.b", "a b@c",
         "f:3:14: zones[0].contact: \"a b@c\": a mail address is wanted, such as hostmaster@example.org\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[1024];

        (void)snprintf(yaml, sizeof(yaml),
                       "zones:\n  - origin: %s\n    contact: %s\n    name-servers: [{name: x.y}]\n", rows[i].origin,
                       rows[i].contact);
        assert_report(yaml, rows[i].expected);
    }
    assert_report("zones: []\n", "f:1:8: zones: at least one zone is needed\n");
    assert_report("trace: 0\n",
                  "f:1:1: zones: missing; at least one zone is needed, with origin, contact and name-servers\n");
    assert_report(
        "zones:\n  -\n",
        "f:2:4: zones[0].contact: missing; write for example contact: hostmaster@example.org\n"
        "f:2:4: zones[0].name-servers: missing; at least one name server is needed, each with a name and its "
        "addresses\n"
        "f:2:4: zones[0].origin: missing; write for example origin: auth.example.org\n");
}

static void zones_are_neither_doubled_nor_nested(void **state)
{
    (void)state;
    assert_report(
        "zones:\n"
        "  - {origin: a.example, contact: x@y.z, name-servers: [{name: x.y}]}\n"
        "  - {origin: A.Example., contact: x@y.z, name-servers: [{name: x.y}]}\n"
        "  - {origin: b.a.example, contact: x@y.z, name-servers: [{name: x.y}]}\n"
        "  - {origin: example, contact: x@y.z, name-servers: [{name: x.y}]}\n"
        "  - {origin: xa.exampl, contact: x@y.z, name-servers: [{name: x.y}]}\n",
        "f:3:14: zones[1].origin: \"a.example\": zones[0] has the same origin\n"
        "f:4:14: zones[2].origin: \"b.a.example\" lies inside of zones[0], \"a.example\": zones cannot be inside "
        "one another; names of several labels can\n"
        "f:5:14: zones[3].origin: \"example\" lies around zones[0], \"a.example\": zones cannot be inside one "
        "another; names of several labels can\n");
}

static void caa_lines_are_records_of_the_origin(void **state)
{
    struct config *c = load(HEAD "    caa: ['0 issue \"letsencrypt.org\"', '0 issuewild \";\"']\n"
                                 "    challenge-caa: deny\n");
    const struct zone_spec *z = &c->settings.zones[0];
    char shown[1024];

    (void)state;
    assert_int_equal(z->n_records, 4);
    assert_int_equal(z->challenge_caa, CHALLENGE_CAA_DENY);
    format_record(&z->records[1], shown, sizeof(shown));
    assert_string_equal(shown, "auth.example.org.\t3600\tIN\tCAA\t0 issue \"letsencrypt.org\"\n");
    config_free(c);
    assert_report(
        HEAD "    caa: ['0 issue letsencrypt.org', 'issue \"x\"']\n",
        "f:5:11: zones[0].caa[0]: \"0 issue letsencrypt.org\": CAA data is a number, a word and a quoted text, "
        "such as 0 issue \"letsencrypt.org\"\n"
        "f:5:38: zones[0].caa[1]: \"issue \"x\"\": CAA data is a number, a word and a quoted text, such as 0 "
        "issue \"letsencrypt.org\"\n");
}

static void soa_is_made_from_origin_contact_and_first_name_server(void **state)
{
    struct config *c = load("zones:\n"
                            "  - origin: AUTH.example.org.\n"
                            "    contact: first.last@Example.org\n"
                            "    name-servers: [{name: Ns2.example.net}, {name: ns1.example.net}]\n"
                            "    negative-ttl: 5s\n"
                            "    soa-minimum: 10m\n");
    const struct zone_spec *z = &c->settings.zones[0];
    char name[NAME_TEXT_MAX];

    (void)state;
    assert_string_equal(name_format(&z->apex, name), "auth.example.org");
    assert_string_equal(name_format(&z->soa.mname, name), "Ns2.example.net");
    assert_string_equal(name_format(&z->soa.rname, name), "first\\.last.Example.org");
    assert_int_equal(z->soa.refresh_s, 14400);
    assert_int_equal(z->soa.retry_s, 3600);
    assert_int_equal(z->soa.expire_s, 1209600);
    assert_int_equal(z->soa.minimum_s, 600);
    assert_int_equal(z->soa.ttl_s, 5);
    config_free(c);
}

static void records_are_sorted_canonically_with_folded_owners(void **state)
{
    static const char *const expected[] = {
        "auth.example.org.\t3600\tIN\tNS\tns1.auth.example.org.\n",
        "auth.example.org.\t60\tIN\tA\t192.0.2.9\n",
        "a.auth.example.org.\t3600\tIN\tTXT\t\"b\"\n",
        "z.a.auth.example.org.\t3600\tIN\tA\t192.0.2.1\n",
        "b.auth.example.org.\t3600\tIN\tA\t192.0.2.1\n",
        "b.auth.example.org.\t3600\tIN\tA\t192.0.2.2\n",
        "ns1.auth.example.org.\t3600\tIN\tA\t192.0.2.1\n",
    };
    static const size_t order[] = {1, 0, 2, 3, 4, 5, 6}; /* A is type 1, NS is 2 */
    struct config *c = load(HEAD "    records:\n"
                                 "      - \"b A 192.0.2.2\"\n"
                                 "      - \"B A 192.0.2.1\"\n"
                                 "      - \"z.A A 192.0.2.1\"\n"
                                 "      - \"@ 60 A 192.0.2.9\"\n"
                                 "      - \"a TXT b\"\n");
    const struct zone_spec *z = &c->settings.zones[0];

    (void)state;
    assert_int_equal(z->n_records, ARRAY_LEN(expected));
    for (size_t i = 0; i < z->n_records; i++) {
        char shown[1024];

        format_record(&z->records[i], shown, sizeof(shown));
        assert_string_equal(shown, expected[order[i]]);
    }
    config_free(c);
}

static void a_set_too_large_for_any_answer_is_refused(void **state)
{
    struct text yaml;
    struct config *c = NULL;
    struct text report;
    unsigned n = 0;

    (void)state;
    text_init(&yaml, REPORT_MAX);
    text_init(&report, REPORT_MAX);
    text_put(&yaml, HEAD "    records:\n");
    for (int i = 0; i < 240; i++) {
        text_printf(&yaml, "      - \"big TXT %0250d\"\n", i);
    }
    assert_int_equal(config_parse(&c, "f", yaml.bytes, yaml.len, &report, &n), ERR_SYNTAX);
    assert_int_equal(n, 1);
    assert_non_null(strstr(report.bytes, "the records of this name and type do not fit into one answer"));
    text_fini(&report);
    text_fini(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_many_types_are_kept_as_written),
        cmocka_unit_test(records_that_cannot_be_served_are_refused),
        cmocka_unit_test(records_beside_each_other_are_checked),
        cmocka_unit_test(name_servers_are_checked),
        cmocka_unit_test(name_server_addresses_may_stand_in_records),
        cmocka_unit_test(origins_and_contacts_are_checked),
        cmocka_unit_test(zones_are_neither_doubled_nor_nested),
        cmocka_unit_test(caa_lines_are_records_of_the_origin),
        cmocka_unit_test(soa_is_made_from_origin_contact_and_first_name_server),
        cmocka_unit_test(records_are_sorted_canonically_with_folded_owners),
        cmocka_unit_test(a_set_too_large_for_any_answer_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
