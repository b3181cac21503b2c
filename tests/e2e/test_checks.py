"""riposte check zone, riposte check domain and POST /v1/checks, each mistake made once for real."""

import itertools
import json
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest
import requests

import world as world_module
from checkworld import API, OWN, PARENTS, RESOLVER, SPARE, SPARE_2, VALIDATOR, ZONE, Answerer, CheckWorld, relay_to

numbers = itertools.count()
CHECK_FAILED = 7


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    world_module.need_namespace()
    w = CheckWorld(tmp_path_factory.mktemp("checks"))
    yield w
    w.stop()


@pytest.fixture
def net(internet):
    internet.reset()
    return internet


@pytest.fixture
def at():
    """Put a name server at an address for the length of a test."""
    running = []

    def start(*args, **kw):
        running.append(Answerer(*args, **kw))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def findings(net, *args, config=None, status=None):
    """The findings of the one check that was made."""
    done = net.run("--json", *args, config=config)
    assert status is None or done.returncode == status, done.stdout + done.stderr
    checks = json.loads(done.stdout)["checks"]
    assert len(checks) == 1
    return checks[0]["findings"]


def failures(found, about=None):
    return [f for f in found if f["level"] == "fail" and about in (None, f["about"])]


def only_failure(found, about):
    failed = failures(found)
    assert [f["about"] for f in failed] == [about], found
    return failed[0]


def details(found, level="ok"):
    return "\n".join(f["detail"] for f in found if f["level"] == level)


# ---- check zone ----


def test_a_zone_that_is_delegated_as_configured_is_good(net):
    found = findings(net, "check", "zone", status=0)
    good = details(found)
    assert "parent example.org: NS ns1.auth.example.org at all 2 of its servers, TTL 300" in good
    assert "glue: the addresses of 1 name server" in good
    assert OWN + " UDP: AA, SOA serial" in good and OWN + " TCP: AA, SOA serial" in good and "same as here" in good
    assert "NODATA and NXDOMAIN carry the SOA through the resolver " + RESOLVER in good
    notes = details(found, "note")
    assert "one name server only" in notes and "asked from this machine" in notes


def test_for_people_each_failure_has_the_way_out_and_the_dig_that_shows_it(net):
    net.replace("example.org.", "ns1.auth.example.org. A", "ns1.auth.example.org. A " + SPARE)
    net.apply()
    done = net.run("check", "zone", ZONE)
    assert done.returncode == CHECK_FAILED
    lines = done.stdout.splitlines()
    assert lines[0] == ZONE and lines[-1] == "1 failure"
    place = next(i for i, line in enumerate(lines) if line.startswith("  FAIL"))
    assert lines[place] == "  FAIL  glue: the parent gives ns1.auth.example.org A %s; this server is %s" % (SPARE, OWN)
    assert "change the A record of ns1.auth.example.org" in lines[place + 1]
    assert lines[place + 2].strip() in ["see it:  dig +norec @%s auth.example.org NS" % a for a in PARENTS]


def test_glue_that_is_missing_is_found(net):
    config = net.write_config(net.folder / "two.yaml", name_servers=[{"name": "ns1." + ZONE, "addresses": [OWN, SPARE]}])
    failed = failures(findings(net, "check", "zone", config=config, status=CHECK_FAILED), "glue")
    assert ["does not give ns1.auth.example.org A " + SPARE in f["detail"] for f in failed] == [True]


def test_a_parent_server_without_the_delegation_is_found(net):
    net.zones[1].records["example.org."] = []
    net.apply()
    failed = only_failure(findings(net, "check", "zone", status=CHECK_FAILED), "delegation")
    assert "ns2.parent.test (%s) has no NS records for auth.example.org (NXDOMAIN)" % PARENTS[1] in failed["detail"]
    assert "auth.example.org. IN NS ns1.auth.example.org." in failed["fix"]


def test_name_servers_that_only_one_side_knows_are_found(net):
    net.replace("example.org.", "auth.example.org. NS", "auth.example.org. NS ns9.parent.test.")
    net.add("parent.test.", "ns9.parent.test. A " + OWN)
    net.apply()
    failed = failures(findings(net, "check", "zone", status=CHECK_FAILED), "delegation")
    assert "no NS ns1.auth.example.org at 2 of its 2 servers" in failed[0]["detail"]
    assert "NS ns9.parent.test, which is not in the configuration" in failed[1]["detail"] and len(failed) == 2


@pytest.fixture
def two_addresses(net):
    """The delegation has a second address, the spare one."""
    net.add("example.org.", "ns1.auth.example.org. A " + SPARE)
    net.apply()
    return net.write_config(net.folder / "two.yaml", name_servers=[{"name": "ns1." + ZONE, "addresses": [OWN, SPARE]}])


def test_closed_tcp_is_found(net, two_addresses, at):
    at(SPARE, relay_to(OWN), tcp=False)
    failed = only_failure(findings(net, "check", "zone", config=two_addresses, status=CHECK_FAILED), "servers")
    assert failed["detail"].startswith(SPARE + " TCP: refused the connection")
    assert "Open TCP port 53" in failed["fix"] and failed["see"] == "dig +tcp +norec @%s auth.example.org SOA" % SPARE


def test_an_address_that_is_silent_is_found(net, two_addresses, at):
    at(SPARE, lambda query: None)
    failed = failures(findings(net, "check", "zone", config=two_addresses, status=CHECK_FAILED), "servers")
    assert SPARE + " UDP: timed out after 3 s" in [f["detail"] for f in failed]


def test_another_server_at_our_address_is_found(net, two_addresses, at):
    def other(query):
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "SOA", "ns1. host. 7 1 1 1 1"))
        return reply

    at(SPARE, other)
    failed = failures(findings(net, "check", "zone", config=two_addresses, status=CHECK_FAILED), "servers")
    assert any(f["detail"].startswith(SPARE + " UDP: SOA serial 7, but this server has") for f in failed)


def test_nothing_without_a_soa_is_found(net, two_addresses, at):
    def bare(query):
        reply = dns.query.udp(query, OWN, timeout=2)
        reply.authority = []
        return reply

    at(SPARE, bare)
    failed = failures(findings(net, "check", "zone", config=two_addresses, status=CHECK_FAILED), "servers")
    assert any("NXDOMAIN with the SOA is wanted" in f["detail"] and "without it" in f["detail"] for f in failed)


def test_an_address_without_a_way_there_is_a_note(net):
    net.add("example.org.", "ns1.auth.example.org. AAAA 2001:db8::10")
    net.apply()
    config = net.write_config(net.folder / "six.yaml", name_servers=[{"name": "ns1." + ZONE, "addresses": [OWN, "2001:db8::10"]}])
    found = findings(net, "check", "zone", config=config, status=0)
    assert "not asked, since this machine has no way there: 2001:db8::10" in details(found, "note")


def test_without_the_server_the_serials_are_not_compared(net):
    config = net.write_config(net.folder / "away.yaml", admin={"socket": str(net.folder / "nobody.sock")})
    done = net.run("--json", "check", "zone", config=config)
    assert done.returncode == 0 and "nobody.sock" in done.stderr
    assert "same as here" not in done.stdout


def test_only_zones_of_the_configuration_are_checked(net):
    done = net.run("check", "zone", "example.net")
    assert done.returncode == 3 and "there is: auth.example.org" in done.stderr


# ---- check domain ----


def a_name(net, label=None, point=True):
    """A domain of example.com that is declared at a new name, and points at it."""
    label = label or "shop%d" % next(numbers)
    domain = label + ".example.com"
    name = net.admin("name", "create", "--account", "infra", "--create-account", "--domain", domain)["name"]
    if point:
        net.add("example.com.", "_acme-challenge.%s CNAME %s." % (label, name))
        net.apply()
    return domain, name


VALUE = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"


def test_a_domain_that_is_set_up_is_good(net):
    domain, name = a_name(net)
    found = findings(net, "check", "domain", domain, status=0)
    good = details(found)
    assert "_acme-challenge.%s -> CNAME %s, TTL 300, one hop, same at 2 of 2 server addresses" % (domain, name) in good
    assert "%s is served here; no value at present" % name in good
    assert "CAA: no records from %s upwards" % domain in good
    assert "every name server address answers the same over UDP and TCP (1 address)" in good
    assert "the resolver %s gets answers for TXT and CAA" % RESOLVER in good
    assert "none of check.resolvers says that it validates" in details(found, "note")


def test_nobody_asked_is_a_finding_until_somebody_does(net):
    domain, name = a_name(net)
    net.admin("value", "add", name, VALUE)
    time.sleep(5.5)  # an authority has had its time
    found = findings(net, "check", "domain", domain, status=0)
    assert "1 live value, the newest" in details(found)
    note = next(f for f in found if f["about"] == "trace")
    assert note["level"] == "note" and "nobody asked at all" in note["detail"] and "never the value" in note["fix"]
    dns.query.udp(dns.message.make_query("_acme-challenge." + domain, "TXT"), RESOLVER, timeout=5)
    assert "TXT was asked" in details(findings(net, "check", "domain", domain, status=0))


def test_many_values_are_compared_over_tcp(net):
    domain, name = a_name(net)
    net.admin("value", "add", name, *["%02d" % i + VALUE[2:] for i in range(40)])
    assert "40 live values" in details(findings(net, "check", "domain", domain, status=0))


def test_a_txt_in_the_place_of_the_cname_is_found(net):
    domain, name = a_name(net, point=False)
    net.add("example.com.", '_acme-challenge.%s 3600 TXT "oldvalue"' % domain.split(".")[0])
    net.apply()
    failed = only_failure(findings(net, "check", "domain", domain, status=CHECK_FAILED), "cname")
    assert "has no CNAME: ns" in failed["detail"] and 'answers TXT "oldvalue", TTL 3600' in failed["detail"]
    assert "a TXT record stands where the CNAME must be" in failed["fix"]
    assert "_acme-challenge.%s. IN CNAME %s." % (domain, name) in failed["fix"]


def test_no_cname_at_all_is_found(net):
    domain, name = a_name(net, point=False)
    failed = only_failure(findings(net, "check", "domain", domain, status=CHECK_FAILED), "cname")
    assert "NXDOMAIN" in failed["detail"] and "IN CNAME %s." % name in failed["fix"]


def test_one_server_that_differs_is_found(net):
    domain, name = a_name(net)
    net.zones[1].replace("example.com.", "_acme-challenge.", "_acme-challenge.%s CNAME old.%s." % (domain.split(".")[0], ZONE))
    net.apply()
    found = findings(net, "check", "domain", domain, status=CHECK_FAILED)
    failed = only_failure(found, "cname")
    assert "differs for _acme-challenge.%s" % domain in failed["detail"] and "CNAME old.auth.example.org" in failed["detail"]


def test_a_name_that_is_not_there_is_found(net):
    net.add("example.com.", "_acme-challenge.ghost CNAME nothing.%s." % ZONE)
    net.apply()
    found = findings(net, "check", "domain", "ghost.example.com", status=CHECK_FAILED)
    assert "nothing.auth.example.org lies in a zone of this server, but there is no such name" in only_failure(found, "target")["detail"]


def test_the_name_of_another_domain_is_found(net):
    domain, name = a_name(net, point=False)
    _, other = a_name(net, point=False)
    net.add("example.com.", "_acme-challenge.%s CNAME %s." % (domain.split(".")[0], other))
    net.apply()
    failed = only_failure(findings(net, "check", "domain", domain, status=CHECK_FAILED), "target")
    assert "leads to %s, but the name for this domain is %s" % (other, name) in failed["detail"]


def test_a_cname_to_somewhere_else_is_found(net):
    domain, name = a_name(net, point=False)
    net.add("example.com.", "_acme-challenge.%s CNAME elsewhere" % domain.split(".")[0], 'elsewhere TXT "x"')
    net.apply()
    failed = only_failure(findings(net, "check", "domain", domain, status=CHECK_FAILED), "cname")
    assert "the CNAME ends at elsewhere.example.com, which is no name of this server" in failed["detail"]


def test_circles_and_long_chains_are_found(net):
    domain, _ = a_name(net, point=False)
    label = domain.split(".")[0]
    net.add("example.com.", "_acme-challenge.%s CNAME a.%s" % (label, label), "a.%s CNAME _acme-challenge.%s" % (label, label))
    net.add("example.com.", "_acme-challenge.long CNAME h0", *["h%d CNAME h%d" % (i, i + 1) for i in range(12)])
    net.apply()
    assert "in a circle" in failures(findings(net, "check", "domain", domain), "cname")[0]["detail"]
    failed = failures(findings(net, "check", "domain", "long.example.com"), "cname")
    assert "more than 10 CNAMEs" in failed[0]["detail"]


def test_two_hops_are_good_and_said(net):
    domain, name = a_name(net, point=False)
    net.add("example.com.", "_acme-challenge.%s CNAME via" % domain.split(".")[0], "via CNAME %s." % name)
    net.apply()
    assert "2 CNAMEs one after the other" in details(findings(net, "check", "domain", domain, status=0), "note")


CAA = [
    # records at DOMAIN, at example.com, arguments; what the failure says, None: none, and what good news or notes say
    ([], ['0 issue "letsencrypt.org"'], [], None, "letsencrypt.org may issue"),
    ([], ['0 issue "letsencrypt.org"'], ["--ca", "zerossl"], "sectigo.com may not issue", ""),
    ([], ['0 issue ";"'], [], "letsencrypt.org may not issue", ""),
    (['0 issue "letsencrypt.org"'], ['0 issue ";"'], [], None, "may issue"),
    (['0 issue ";"'], ['0 issue "letsencrypt.org"'], [], "may not issue", ""),
    ([], ['0 iodef "mailto:a@example.com"'], [], None, "no restriction of this kind"),
    ([], ['0 issue "letsencrypt.org"', '0 issuewild ";"'], [], None, "but not for *."),
    ([], ['0 issue "letsencrypt.org"', '128 future "x"'], [], "critical", ""),
    ([], ['0 issue "letsencrypt.org; validationmethods=http-01"'], [], "not through DNS", ""),
    ([], ['0 issue "letsencrypt.org; validationmethods=http-01,dns-01"'], [], None, "may issue"),
    ([], ['0 issue "letsencrypt.org; accounturi=https://acme.example/1"'], [], None, "only for the ACME account https://acme.example/1"),
    ([], ['0 issue "letsencrypt.org; accounturi=a; accounturi=b"'], [], "there twice", ""),
]


@pytest.mark.parametrize("at_domain,above,args,wrong,right", CAA)
def test_what_caa_permits(net, at_domain, above, args, wrong, right):
    domain, _ = a_name(net)
    net.add("example.com.", *["%s CAA %s" % (domain.split(".")[0], r) for r in at_domain], *["@ CAA " + r for r in above])
    net.apply()
    found = findings(net, "check", "domain", domain, *args, status=CHECK_FAILED if wrong else 0)
    if wrong:
        assert wrong in only_failure(found, "caa")["detail"]
    else:
        assert right in details(found) + details(found, "note")


def test_wildcards_have_their_own_permission(net):
    domain, _ = a_name(net)
    net.add("example.com.", '@ CAA 0 issue "letsencrypt.org"', '@ CAA 0 issuewild ";"')
    net.apply()
    failed = only_failure(findings(net, "check", "domain", "*." + domain, status=CHECK_FAILED), "caa")
    assert "may not issue wildcards" in failed["detail"] and '0 issuewild "letsencrypt.org"' in failed["fix"]


def test_caa_follows_a_cname_of_the_domain(net):
    domain, _ = a_name(net)
    net.add("example.com.", "%s CNAME web" % domain.split(".")[0], 'web CAA 0 issue "pki.goog"')
    net.apply()
    failed = only_failure(findings(net, "check", "domain", domain, status=CHECK_FAILED), "caa")
    assert "web.example.com has" in failed["detail"] and "pki.goog" in failed["detail"]
    assert findings(net, "check", "domain", domain, "--ca", "google", status=0)


def zone_in_a_few_lines(origin, address, target, caa_rcode=dns.rcode.NOERROR):
    """The answers of a zone that has a name server, and a CNAME at _acme-challenge."""

    def answer(query):
        reply = dns.message.make_response(query)
        name, kind = query.question[0].name, query.question[0].rdtype
        reply.flags |= dns.flags.AA
        soa = dns.rrset.from_text(origin + ".", 300, "IN", "SOA", "ns.%s. host. 1 1 1 1 1" % origin)
        text = name.to_text().lower()
        if kind == dns.rdatatype.CAA:
            reply.set_rcode(caa_rcode)
        if text == origin + "." and kind == dns.rdatatype.SOA:
            reply.answer.append(soa)
        elif text == origin + "." and kind == dns.rdatatype.NS:
            reply.answer.append(dns.rrset.from_text(name, 300, "IN", "NS", "ns.%s." % origin))
        elif text == "ns.%s." % origin and kind == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(name, 300, "IN", "A", address))
        elif text == "_acme-challenge.%s." % origin:
            reply.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", target + "."))
        else:
            reply.authority.append(soa)
        return reply

    return answer


def test_a_server_that_fails_for_caa_is_found(net, at):
    _, target = a_name(net, label="slow", point=False)
    net.add("example.com.", "slow NS ns.slow", "ns.slow A " + SPARE_2)
    net.apply()
    at(SPARE_2, zone_in_a_few_lines("slow.example.com", SPARE_2, target, dns.rcode.SERVFAIL))
    failed = failures(findings(net, "check", "domain", "slow.example.com", status=CHECK_FAILED))
    assert {f["about"] for f in failed} == {"caa", "resolver"}
    assert "ns.slow.example.com (%s) answers SERVFAIL for slow.example.com" % SPARE_2 in failed[0]["detail"]


def test_an_own_address_that_lags_or_has_no_tcp_is_found(net, two_addresses, at):
    domain, name = a_name(net)
    net.admin("value", "add", name, VALUE)

    def empty(query):
        reply = dns.query.udp(query, OWN, timeout=2)
        if query.question[0].rdtype == dns.rdatatype.TXT:
            reply.answer = []
        return reply

    at(SPARE, empty, tcp=False)
    said = [f["detail"] for f in failures(findings(net, "check", "domain", domain, config=two_addresses, status=CHECK_FAILED), "servers")]
    assert any(SPARE in d and "over TCP refused the connection" in d for d in said), said
    assert any(SPARE in d and "answers 0 values" in d and "answers 1" in d for d in said), said


def test_a_delegation_to_another_machine_is_found(net, at):
    domain, name = a_name(net)
    net.replace("example.org.", "ns1.auth.example.org. A", "ns1.auth.example.org. A " + SPARE)
    net.apply()

    zone = zone_in_a_few_lines(ZONE, SPARE, "nothing")

    def other(query):
        reply = zone(query)
        if query.question[0].name.to_text().lower().startswith(name):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif query.question[0].name.to_text().lower() == "ns1." + ZONE + ".":
            reply.authority = []
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 0, "IN", "A", SPARE))
        return reply

    at(SPARE, other)
    config = net.write_config(net.folder / "elsewhere.yaml", name_servers=[{"name": "ns." + ZONE, "addresses": [SPARE]}])
    failed = failures(findings(net, "check", "domain", domain, config=config, status=CHECK_FAILED), "servers")
    assert "that there is no such name" in failed[0]["detail"] and "riposte check zone" in failed[0]["fix"]


def test_dnssec_is_what_the_validating_resolver_says(net):
    config = net.write_config(net.folder / "validator.yaml", resolvers=(RESOLVER, VALIDATOR))
    name = net.admin("name", "create", "--account", "infra", "--create-account", "--domain", "example.org", "--label", "dnssec%d" % next(numbers))["name"]
    net.add("example.org.", "_acme-challenge CNAME %s." % name)
    net.apply()
    good = details(findings(net, "check", "domain", "example.org", config=config, status=0))
    assert "example.org is signed, the chain is valid; auth.example.org is not signed, and its delegation is proven insecure" in good
    net.broken_dnssec = True
    net.apply()
    net.forget()
    failed = failures(findings(net, "check", "domain", "example.org", config=config, status=CHECK_FAILED), "dnssec")
    assert "the resolver %s says SERVFAIL, and answers when it is told not to validate" % VALIDATOR in failed[0]["detail"]
    assert not failures(findings(net, "check", "domain", "example.org", status=0))


def make_certificate(folder, *names):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem", "-subj", "/CN=x", "-addext", "subjectAltName=" + ",".join(names)], check=True, capture_output=True)
    return str(folder / "cert.pem")


def test_every_domain_of_a_certificate_has_a_line(net, tmp_path):
    good, _ = a_name(net)
    bad, _ = a_name(net, point=False)
    certificate = make_certificate(tmp_path, "DNS:" + good, "DNS:*." + good, "DNS:" + bad, "IP:192.0.2.1")
    done = net.run("check", "domain", "--certificate", certificate)
    lines = done.stdout.splitlines()
    assert done.returncode == CHECK_FAILED and len(lines) == 4, done.stdout
    assert lines[:2] == ["ok    " + good, "ok    *." + good] and lines[3] == "2 ok, 1 FAIL"
    assert lines[2].startswith("FAIL  %s: _acme-challenge.%s has no CNAME" % (bad, bad))
    assert "1 other name in the certificate" in done.stderr
    report = json.loads(net.run("--json", "check", "domain", "--certificate", certificate).stdout)
    assert [c["ok"] for c in report["checks"]] == [True, True, False] and report["ok"] is False


def test_waiting_ends_when_it_is_good(net):
    domain, name = a_name(net, point=False)

    def point():
        time.sleep(2)
        net.add("example.com.", "_acme-challenge.%s CNAME %s." % (domain.split(".")[0], name))
        net.apply()

    thread = threading.Thread(target=point)
    thread.start()
    began = time.monotonic()
    done = net.run("check", "domain", domain, "--wait", "60s")
    thread.join()
    assert done.returncode == 0 and 2 < time.monotonic() - began < 30, done.stdout
    assert net.run("check", "domain", "nobody.example.com", "--wait", "1s").returncode == CHECK_FAILED


def test_a_domain_is_checked_without_a_server_and_without_a_configuration_too(net, tmp_path):
    domain, name = a_name(net)
    config = net.write_config(net.folder / "away.yaml", admin={"socket": str(net.folder / "nobody.sock")})
    done = net.run("--json", "check", "domain", domain, config=config)
    assert done.returncode == 0 and "nobody.sock" in done.stderr
    notes = details(json.loads(done.stdout)["checks"][0]["findings"], "note")
    assert "the server could not be asked what it holds there" in notes


@pytest.mark.parametrize("args,says", [
    ([], "which domain?"), (["not a domain"], "is no domain name"), (["example.com", "--ca", "nobody"], "is not known; one of letsencrypt"),
    (["example.com", "--wait", "soon"], "a time is wanted"),
])
def test_what_cannot_be_meant_is_explained(net, args, says):
    done = net.run("check", "domain", *args)
    assert done.returncode == 2 and says in done.stderr


def test_a_file_that_is_no_certificate_is_explained(net, tmp_path):
    (tmp_path / "x.pem").write_text("hello")
    done = net.run("check", "domain", "--certificate", str(tmp_path / "x.pem"))
    assert done.returncode == 1 and "there is no certificate in it" in done.stderr


# ---- POST /v1/checks ----


def post(body, credential=None, **kw):
    headers = {"Authorization": "Bearer %s.%s" % (credential["credential"], credential["secret"])} if credential else {}
    return requests.post(API + "/v1/checks", json=body, headers=headers, timeout=40, **kw)


@pytest.fixture
def holder(net):
    domain, name = a_name(net)
    credential = net.admin("credential", "create", "--name", name, "--label", "web%d" % next(numbers))
    return domain, name, credential


def test_a_holder_checks_a_domain_of_its_own(net, holder):
    domain, name, credential = holder
    net.admin("value", "add", name, VALUE)
    reply = post({"domain": domain}, credential)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["domain"] == domain and body["name"] == name and body["ok"] is True
    assert "1 live value" in details(body["findings"])
    net.add("example.com.", '@ CAA 0 issue "pki.goog"')
    net.apply()
    assert post({"domain": domain, "ca": "google"}, credential).json()["ok"] is True
    wild = post({"domain": "*." + domain}, credential).json()
    assert wild["domain"] == "*." + domain and wild["ok"] is False
    assert "may not issue wildcards" in only_failure(wild["findings"], "caa")["detail"]


def test_other_domains_are_not_there(net, holder):
    _, _, credential = holder
    other, _ = a_name(net)
    for domain in (other, "example.net", "x." + other):
        reply = post({"domain": domain}, credential)
        assert reply.status_code == 404 and reply.json()["type"] == "/problems/not-found"
    assert post({"domain": other}).status_code == 401


@pytest.mark.parametrize("body,status", [({}, 400), ({"domain": "x y"}, 400), ({"domain": 5}, 400), ({"domain": "a.b", "x": 1}, 400)])
def test_what_cannot_be_read_is_refused(net, holder, body, status):
    assert post(body, holder[2]).status_code in (status, 422)


def test_an_authority_that_is_not_known_is_refused(net, holder):
    reply = post({"domain": holder[0], "ca": "nobody"}, holder[2])
    assert reply.status_code in (400, 422) and "is not known" in reply.json()["detail"]


def test_servers_on_private_addresses_are_not_asked_for_a_holder(net, holder, at):
    """Who may declare domains must not be able to look into the networks that the server is in."""
    _, name, credential = holder
    net.admin("name", "set", name, "--domain", "+inside.example.com")
    net.add("example.com.", "inside NS ns.inside", "ns.inside A 127.0.0.77")
    net.apply()
    server = at("127.0.0.77", zone_in_a_few_lines("inside.example.com", "127.0.0.77", name))
    body = post({"domain": "inside.example.com"}, credential).json()
    assert body["ok"] is False and "only administrators may have private addresses asked" in details(body["findings"], "note")
    assert server.peers == {RESOLVER}
    assert findings(net, "check", "domain", "inside.example.com", status=0)
    assert server.peers > {RESOLVER}


def test_few_checks_run_at_a_time(net, holder, at):
    domain, name, credential = holder
    net.add("example.com.", "dead NS ns.dead", "ns.dead A " + SPARE_2)
    net.apply()
    net.admin("name", "set", name, "--domain", "+dead.example.com")
    at(SPARE_2, lambda query: None)
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(post({"domain": "dead.example.com"}, credential))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    codes = sorted(r.status_code for r in replies)
    assert codes.count(503) >= 1 and codes.count(200) >= 1 and set(codes) <= {200, 503}
    busy = next(r for r in replies if r.status_code == 503)
    assert busy.json()["type"] == "/problems/full" and int(busy.headers["Retry-After"]) > 0


def test_a_check_under_way_does_not_hold_up_the_end(net, holder, at):
    domain, name, credential = holder
    net.add("example.com.", *["late NS ns%d.late" % i for i in range(6)], *["ns%d.late A %s" % (i, a) for i, a in enumerate([SPARE, SPARE_2] * 3)])
    net.apply()
    net.admin("name", "set", name, "--domain", "+late.example.com")
    at(SPARE, lambda query: None)
    at(SPARE_2, lambda query: None)
    def ask():
        try:
            post({"domain": "late.example.com"}, credential)
        except requests.RequestException:
            pass

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(1)
    began = time.monotonic()
    assert net.riposte.stop() == 0
    assert time.monotonic() - began < 5
    thread.join()
    net.parts.remove(net.riposte)
    net.riposte = net.start_riposte()
    net.parts.append(net.riposte)
