"""What is answered: flags, names, types, negative answers, EDNS, truncation. Octets go in, and every response is also
held against what is true of all of them (dnshelp.check_always). Over UDP and TCP where both must say the same."""

import contextlib
import random

import dns.rdatatype
import pytest

from dnshelp import (
    AA, AD, ANY, BADVERS, CD, CH, CO, DO, FORMERR, HS, IN, NOERROR, NONE, NOTAUTH, NOTIMP, NXDOMAIN, RA, RD, REFUSED, TC, Z,
    a_value, ask, frame, message, opt_record, option, query, question, read_frame, record, wire_name,
)
from dnsworld import BIG_TXTS, COUNTS, LABEL_63, MANY_LABELS, MIXED_CASE

TRANSPORTS = pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])


def rdata(reply):
    return sorted((dns.rdatatype.to_text(rd.rdtype), rd.to_text()) for _, rd in reply.answer)


# ---- header: RFC 1035 section 4.1.1, RFC 8906 section 3.1 ----

FLAG_ROWS = {"none": 0, "aa": AA, "tc": TC, "rd": RD, "ra": RA, "z": Z, "ad": AD, "cd": CD, "all": AA | TC | RD | RA | Z | AD | CD}


@TRANSPORTS
@pytest.mark.parametrize("flags", FLAG_ROWS.values(), ids=FLAG_ROWS)
def test_flags_of_a_query_are_ignored_but_rd_and_cd_which_come_back(world, client, flags, tcp):
    for name, qtype in ((world.zone, "SOA"), (world.holding[7], "TXT")):
        reply = client.ask(query(name, qtype, flags=flags), tcp)
        assert reply.rcode == NOERROR and reply.an > 0
        assert reply.flags == 0x8000 | AA | (flags & (RD | CD))


@pytest.mark.parametrize("flags", FLAG_ROWS.values(), ids=FLAG_ROWS)
def test_negative_answers_and_refusals_have_the_same_flags(world, client, flags):
    kept = flags & (RD | CD)
    assert client.udp(query("nothing." + world.zone, flags=flags)).flags == 0x8000 | AA | kept | NXDOMAIN
    assert client.udp(query(world.valueless, flags=flags)).flags == 0x8000 | AA | kept
    assert client.udp(query("example.com", flags=flags)).flags == 0x8000 | kept | REFUSED
    assert client.udp(message(flags=flags, counts=(0, 0, 0, 0))).flags == 0x8000 | kept | FORMERR


def test_an_rcode_in_a_query_is_ignored(world, client):
    for rcode in range(1, 16):
        reply = client.udp(query(world.zone, "SOA", rcode=rcode))
        assert reply.rcode == NOERROR and reply.an == 1


# ---- opcodes: RFC 8906 section 3.1.4; genreport "opcode", "opcodeflg" ----

@TRANSPORTS
@pytest.mark.parametrize("opcode", [opcode for opcode in range(1, 16) if opcode != 5])  # 5, UPDATE: test_update.py
def test_other_opcodes_are_notimp_and_a_bare_header(world, client, opcode, tcp):
    everything = AA | TC | RD | RA | Z | AD | CD
    for flags in (0, everything):
        for body, counts in (
            (b"", (0, 0, 0, 0)),
            (question(world.zone, "SOA"), (1, 0, 0, 0)),
            (question(world.zone, "SOA") + opt_record(), (1, 0, 0, 1)),
            (question(world.zone, "SOA") + record(world.zone, 16, IN, 0, b"\1x"), (1, 0, 1, 0)),
            (b"\xff" * 7, (1, 2, 3, 4)),
        ):
            reply = client.ask(message(body, flags=flags, opcode=opcode, counts=counts), tcp)
            assert reply.rcode == NOTIMP and reply.opcode == opcode and len(reply.wire) == 12


# ---- classes ----

CHAOS_NAMES = ["version.bind", "version.server", "id.server", "hostname.bind", "Version.BIND"]


@TRANSPORTS
@pytest.mark.parametrize("name", CHAOS_NAMES)
def test_the_server_does_not_tell_about_itself_unless_configured(client, name, tcp):
    for qtype in ("TXT", "ANY", "A"):
        reply = client.ask(query(name, qtype, CH, edns=1232), tcp)
        assert reply.rcode == REFUSED and reply.ede == 18


def test_chaos_names_that_nobody_knows_are_refused(world, client):
    for name in ("authors.bind", ".", world.zone, world.holding[1]):
        reply = client.udp(query(name, "TXT", CH, edns=1232))
        assert reply.rcode == REFUSED and reply.ede is not None


@pytest.mark.parametrize("qclass", [0, 2, HS, 5, NONE, 256, 65535])
def test_other_classes_are_refused(world, client, qclass):
    for name in (world.zone, world.holding[7], "example.com"):
        reply = client.udp(query(name, "TXT", qclass, edns=1232))
        assert reply.rcode == REFUSED and reply.ede == 21


def test_class_any_is_answered_without_authority(world, client):
    reply = client.udp(query(world.holding[7], "TXT", ANY))
    assert reply.rcode == NOERROR and reply.an == 7 and not reply.has(AA)
    assert not client.udp(query(world.valueless, "TXT", ANY)).has(AA)
    reply = client.udp(query("nothing." + world.zone, "TXT", ANY))
    assert reply.rcode == NXDOMAIN and not reply.has(AA)


# ---- values ----

@TRANSPORTS
@pytest.mark.parametrize("n", COUNTS)
def test_a_name_has_exactly_its_values(world, client, n, tcp):
    name = world.holding[n]
    reply = client.ask(query(name, "TXT", edns=1232), tcp)
    if reply.has(TC):
        assert n > 20 and not tcp
        return
    assert reply.rcode == NOERROR and reply.has(AA) and reply.ns == 0
    assert sorted(reply.texts()) == sorted(v.encode() for v in world.values[name])
    (rrset,) = reply.message.answer
    assert rrset.ttl == 1 and all(len(rd.strings) == 1 for rd in rrset)
    assert all(owner == b"\xc0\x0c" for owner in [reply.wire[12 + len(reply.question):][i * 56:i * 56 + 2] for i in range(n)])


# UDP with 512 octets takes 7 values and with 1232 it takes 20; the 55-octet names of registration are meant.
@pytest.mark.parametrize("n,edns,fits", [
    (1, None, True), (7, None, True), (8, None, False), (20, None, False), (64, None, False),
    (7, 512, True), (8, 512, False), (7, 0, True), (8, 0, False), (8, 511, False), (8, 513, False), (8, 600, True),
    (20, 1232, True), (21, 1232, False), (20, 1201, False), (20, 1202, True), (21, 4096, False), (20, 65535, True),
    (64, 1232, False), (64, 4096, False), (64, 65535, False),
])
def test_what_does_not_fit_is_truncated_whole_and_comes_over_tcp(world, client, n, edns, fits):
    name = world.holding[n]
    sent = query(name, "TXT", edns=edns)
    reply = client.udp(sent)
    assert reply.has(TC) == (not fits)
    assert reply.rcode == NOERROR and reply.edns == (edns is not None)
    assert reply.an == (n if fits else 0)
    whole = client.tcp(sent)
    assert whole.an == n and whole.has(AA) and whole.edns == (edns is not None)


def test_a_truncated_answer_is_header_question_and_opt(world, client):
    reply = client.udp(query(world.holding[64], "TXT", edns=4096))
    assert reply.has(TC) and reply.has(AA) and len(reply.wire) == 12 + len(reply.question) + 11
    reply = client.udp(query(world.holding[64], "TXT"))
    assert reply.has(TC) and len(reply.wire) == 12 + len(reply.question)


# ---- what exists is never NXDOMAIN: RFC 8020; contract 2.3 points 1 and 2 ----

TYPES = ["A", "NS", "MD", "MF", "CNAME", "SOA", "MB", "MG", "MR", "NULL", "WKS", "PTR", "HINFO", "MINFO", "MX", "TXT", "RP",
         "AFSDB", "X25", "ISDN", "RT", "NSAP", "NSAP-PTR", "SIG", "KEY", "PX", "GPOS", "AAAA", "LOC", "NXT", "SRV", "NAPTR",
         "KX", "CERT", "A6", "DNAME", "APL", "DS", "SSHFP", "IPSECKEY", "RRSIG", "NSEC", "DNSKEY", "DHCID", "NSEC3",
         "NSEC3PARAM", "TLSA", "SMIMEA", "HIP", "CDS", "CDNSKEY", "OPENPGPKEY", "CSYNC", "TYPE63", "SVCB", "HTTPS", "SPF",
         "NID", "L32", "L64", "LP", "EUI48", "EUI64", "URI", "CAA", "AVC", "TYPE260", "TYPE666", "TYPE1000", "TYPE32768",
         "TYPE32769", "TYPE65280", "TYPE65535"]
APEX_HAS = {"A", "NS", "SOA", "MX", "TXT", "AAAA", "CAA"}


@pytest.mark.parametrize("qtype", TYPES)
def test_every_type_at_every_name_that_exists(world, client, qtype):
    """genreport's type tests, at the apex and everywhere else."""
    has = {
        world.zone: APEX_HAS,
        world.valueless: set(),
        world.holding[7]: {"TXT"},
        world.deep: {"TXT"},
        "www." + world.zone: {"A", "AAAA"},
        "x.y.deep." + world.zone: set(),
        "_tcp." + world.zone: set(),
        "of.a.branch." + world.zone: set(),
        "ns1." + world.zone: {"A", "AAAA"},
        world.denied: {"TXT", "CAA"},
    }
    for name, types in has.items():
        for edns in (None, 1232):
            reply = client.udp(query(name, qtype, edns=edns))
            assert reply.rcode == NOERROR and reply.has(AA), (name, reply.message)
            if qtype in types:
                assert reply.an > 0 and reply.ns == 0
            else:
                assert reply.is_nodata(), (name, reply.message)


META = {"TYPE0": NOERROR, "TKEY": NOERROR, "MAILA": NOERROR, "MAILB": NOERROR, "RRSIG": NOERROR, "OPT": FORMERR, "TSIG": FORMERR,
        "TYPE128": FORMERR}


@TRANSPORTS
@pytest.mark.parametrize("qtype,rcode", META.items())
def test_types_that_no_zone_has_get_some_answer(world, client, qtype, rcode, tcp):
    for name in (world.zone, world.holding[7]):
        reply = client.ask(query(name, qtype, edns=1232), tcp)
        assert reply.rcode == rcode
        if rcode == NOERROR:
            assert reply.is_nodata()
        else:
            assert reply.question and reply.ede == (30 if qtype == "TYPE128" else None)


@pytest.mark.parametrize("qtype", ["TXT", "A", "CAA", "NS", "SOA", "AAAA", "DS", "ANY", "TYPE666"])
def test_names_that_do_not_exist(world, client, qtype):
    for name in ("nothing." + world.zone, "a.nothing." + world.zone, "below." + world.holding[7],
                 "_acme-challenge." + world.zone,
                 "below.www." + world.zone, "x.below." + world.valueless, "\\000." + world.zone, "*." + world.zone,
                 "deep2." + world.zone, "eep." + world.zone, "nothing." + world.other, "x" + world.holding[1],
                 # a registered label counts only where it was registered (the reference looks at nothing else)
                 world.holding[7].split(".")[0] + ".other." + world.zone, world.holding[7].split(".")[0] + "." + world.other):
        reply = client.udp(query(name, qtype))
        assert reply.is_nxdomain() and reply.has(AA), name


@pytest.mark.parametrize("qtype", ["TXT", "A", "CAA", "NS", "SOA", "ANY"])
def test_retired_names_do_not_exist_for_any_type(world, client, qtype):
    for name in (world.retired, world.retired_deep, "below." + world.retired, "retired-branch." + world.zone):
        assert client.udp(query(name, qtype)).is_nxdomain(), name


@pytest.mark.parametrize("tree", [lambda w: "w.x.y.deep." + w.zone, lambda w: w.deep, lambda w: MANY_LABELS + "." + w.zone,
                                  lambda w: "_sip._tcp." + w.zone], ids=["static", "challenge", "many-labels", "underscore"])
def test_an_empty_non_terminal_is_no_nxdomain(world, client, tree):
    """A resolver that asks downwards, label by label, must never be told that there is nothing below."""
    name = tree(world)
    below = name[:-len(world.zone) - 1].split(".")
    for i in range(1, len(below)):
        for qtype in ("NS", "A", "TXT"):
            assert client.udp(query(".".join(below[i:]) + "." + world.zone, qtype)).is_nodata()


@pytest.mark.parametrize("name", ["example.com", "com", "org", ".", "example.org", "xauth.example.org", "auth.example.com", "uth.example.org",
                                  "example.net", "a.b.c.d.e.f.example"])
@pytest.mark.parametrize("qtype", ["A", "NS", "SOA", "TXT", "CAA", "ANY", "DS"])
def test_names_elsewhere_are_refused_without_referral(client, name, qtype):
    reply = client.udp(query(name, qtype, edns=1232))
    assert reply.rcode == REFUSED and reply.ede == 20 and not reply.has(AA)
    assert (reply.an, reply.ns, reply.ar) == (0, 0, 1)
    plain = client.udp(query(name, qtype))
    assert plain.rcode == REFUSED and (plain.an, plain.ns, plain.ar) == (0, 0, 0)


def test_ds_at_the_apex_is_nodata_of_the_child(world, client):
    reply = client.udp(query(world.zone, "DS"))
    assert reply.is_nodata() and reply.soa[0].to_text() == world.zone + "."


# ---- negative answers ----

def test_negative_ttl_is_zero_by_default_and_the_minimum_300(world, client):
    for name in ("nothing." + world.zone, world.valueless, "x.y.deep." + world.zone, "dangling." + world.zone):
        owner, ttl, soa = client.udp(query(name, "A")).soa
        assert (owner.to_text(), ttl, soa.minimum) == (world.zone + ".", 0, 300)
    soa = client.udp(query(world.zone, "SOA"))
    assert soa.an == 1 and soa.message.answer[0].ttl == 0 and soa.has(AA)


def test_negative_ttl_is_the_lesser_of_soa_ttl_and_minimum(world, client):
    assert client.udp(query("nothing." + world.other)).soa[1] == 300
    assert client.udp(query(world.other, "SOA")).message.answer[0].ttl == 600


@pytest.mark.parametrize("name", ["nothing", "a.b.c.d.nothing", "X" * 63, "www"])
def test_the_soa_of_a_negative_answer_is_the_same_as_the_apex_has(world, client, name):
    for zone in (world.zone, world.other):
        asked = client.udp(query(zone, "SOA")).answer[0][1]
        owner, _, soa = client.udp(query(name + "." + zone, "TXT")).soa
        assert soa == asked and owner.to_text() == zone + "."


# ---- apex ----

def test_the_apex(world, client):
    soa = client.udp(query(world.zone, "SOA")).answer[0][1]
    assert soa.mname.to_text() == "ns1.%s." % world.zone
    assert soa.rname.to_text() == "host\\.master.example.org."
    # What zone checkers want (Zonemaster ZONE02 to ZONE06).
    assert soa.refresh >= 14400 and 3600 <= soa.retry < soa.refresh and soa.expire >= max(604800, soa.refresh)
    assert 300 <= soa.minimum <= 86400

    ns = client.udp(query(world.zone, "NS", edns=1232))
    assert rdata(ns) == [("NS", "ns.example.com."), ("NS", "ns1.auth.example.org."), ("NS", "ns2.auth.example.org.")]
    glue = sorted((rrset.name.to_text(), rd.to_text()) for rrset, rd in ns.additional)
    assert glue == [("ns1.auth.example.org.", "2001:db8::10"), ("ns1.auth.example.org.", "203.0.113.10"),
                    ("ns2.auth.example.org.", "203.0.113.20")]

    assert rdata(client.udp(query(world.zone, "A"))) == [("A", "203.0.113.10")]
    assert rdata(client.udp(query(world.zone, "AAAA"))) == [("AAAA", "2001:db8::10")]
    assert rdata(client.udp(query(world.zone, "MX"))) == [("MX", "10 mail.example.org.")]
    assert rdata(client.udp(query(world.zone, "CAA"))) == [("CAA", '0 iodef "mailto:Sec@example.org"'),
                                                          ("CAA", '0 issue "letsencrypt.org; validationmethods=dns-01"')]


def test_name_servers_have_the_addresses_of_the_glue(world, client):
    for name, qtype, address in (("ns1", "A", "203.0.113.10"), ("ns1", "AAAA", "2001:db8::10"), ("ns2", "A", "203.0.113.20")):
        assert rdata(client.udp(query("%s.%s" % (name, world.zone), qtype))) == [(qtype, address)]
    assert client.udp(query("ns2." + world.zone, "AAAA")).is_nodata()


def test_caa_of_challenge_names(world, client):
    assert client.udp(query(world.holding[7], "CAA")).is_nodata()
    reply = client.udp(query(world.denied, "CAA"))
    assert reply.has(AA) and rdata(reply) == [("CAA", '0 issue ";"'), ("CAA", '0 issuewild ";"')]
    for name in (world.other, "www." + world.other):
        assert client.udp(query(name, "CAA")).is_nodata(), "deny is for challenge names only"
    assert client.udp(query("nothing." + world.other, "CAA")).is_nxdomain()


# ---- static records ----

def test_static_records_come_back_as_they_were_written(world, client):
    zone = world.zone
    assert client.udp(query("dkim." + zone)).texts() == [MIXED_CASE.encode()], "case of RDATA is kept"
    (apex,) = client.udp(query(zone, "TXT")).answer
    assert apex[1].strings == (b"v=spf1 -ALL", b"Second STRING")
    assert rdata(client.udp(query("www." + zone, "A"))) == [("A", "203.0.113.11"), ("A", "203.0.113.12")]
    assert rdata(client.udp(query("_sip._tcp." + zone, "SRV"))) == [("SRV", "10 20 5060 www.%s." % zone)]
    (svcb,) = client.udp(query("svc." + zone, "SVCB")).answer
    assert svcb[1].to_text() == '1 . alpn="h2"'
    assert rdata(client.udp(query("odd\\046dot\\000\\255." + zone, "A"))) == [("A", "203.0.113.16")]
    assert client.udp(query("odd.dot\\000\\255." + zone, "A")).is_nxdomain(), "a dot in a label is no dot between labels"
    for name, ttl in (("www", 300), ("dkim", 60)):
        reply = client.udp(query("%s.%s" % (name, zone), "A" if name == "www" else "TXT"))
        assert reply.message.answer[0].ttl == ttl


def test_an_answer_of_nearly_64_kib_comes_over_tcp(world, client):
    sent = query("big." + world.zone, "TXT", edns=65535)
    assert client.udp(sent).has(TC)
    reply = client.tcp(sent)
    assert reply.an == BIG_TXTS - 1 and len(reply.wire) > 59000


CHAINS = [
    # what is asked, and the owners and types of the answer
    ("alias1", "A", [("alias1", "CNAME"), ("alias2", "CNAME"), ("www", "A"), ("www", "A")], None),
    ("alias1", "CNAME", [("alias1", "CNAME")], None),
    ("alias2", "AAAA", [("alias2", "CNAME"), ("www", "AAAA")], None),
    ("alias1", "TXT", [("alias1", "CNAME"), ("alias2", "CNAME")], "nodata"),
    ("alias1", "ANY", [("alias1", "CNAME")], None),
    ("empty", "A", [("empty", "CNAME")], "nodata"),
    ("dangling", "A", [("dangling", "CNAME")], "nxdomain"),
    ("outside", "A", [("outside", "CNAME")], None),
    ("other", "A", [("other", "CNAME"), ("www.@other", "A")], None),
    ("loop1", "A", [("loop1", "CNAME"), ("loop2", "CNAME")], None),
    ("itself", "A", [("itself", "CNAME")], None),
    ("itself", "CNAME", [("itself", "CNAME")], None),
]


@TRANSPORTS
@pytest.mark.parametrize("name,qtype,owners,end", CHAINS)
def test_cnames_are_followed_inside_of_our_zones(world, client, name, qtype, owners, end, tcp):
    reply = client.ask(query("%s.%s" % (name, world.zone), qtype), tcp)
    full = [(o.replace("@other", world.other) if "@" in o else "%s.%s" % (o, world.zone), t) for o, t in owners]
    assert reply.has(AA)
    assert sorted((rrset.name.to_text()[:-1], dns.rdatatype.to_text(rd.rdtype)) for rrset, rd in reply.answer) == sorted(full)
    assert reply.rcode == (NXDOMAIN if end == "nxdomain" else NOERROR)
    assert reply.ns == (1 if end else 0)
    if end:
        assert reply.soa[0].to_text() == world.zone + "."


# ---- ANY: RFC 8482 ----

@TRANSPORTS
def test_any_gets_one_rrset_txt_first(world, client, tcp):
    for name, first in ((world.holding[7], "TXT"), (world.zone, "TXT"), ("dkim." + world.zone, "TXT"), (world.denied, "TXT")):
        reply = client.ask(query(name, "ANY"), tcp)
        assert reply.rcode == NOERROR and {dns.rdatatype.to_text(rd.rdtype) for _, rd in reply.answer} == {first}
    (rrset,) = client.ask(query("www." + world.zone, "ANY"), tcp).message.answer
    assert rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
    assert client.ask(query(world.valueless, "ANY"), tcp).is_nodata()
    assert client.ask(query("x.y.deep." + world.zone, "ANY"), tcp).is_nodata()


# ---- transfers: RFC 5936 ----

def soa_record(zone):
    return record(zone, 6, IN, 0, b"\0\0" + b"\0" * 20)


TRANSFERS = [  # name, type, transport, rcode
    ("zone", "AXFR", False, FORMERR), ("zone", "AXFR", True, REFUSED), ("zone", "IXFR", False, REFUSED), ("zone", "IXFR", True, REFUSED),
    ("www", "AXFR", True, NOTAUTH), ("nothing", "AXFR", True, NOTAUTH), ("elsewhere", "AXFR", True, NOTAUTH),
    ("elsewhere", "IXFR", False, NOTAUTH), ("elsewhere", "AXFR", False, FORMERR),
]


@pytest.mark.parametrize("which,qtype,tcp,rcode", TRANSFERS)
def test_transfers(world, client, which, qtype, tcp, rcode):
    name = {"zone": world.zone, "www": "www." + world.zone, "nothing": "nothing." + world.zone, "elsewhere": "example.com"}[which]
    for soa in ((), (soa_record(name),)) if qtype == "IXFR" else ((),):
        sent = message(question(name, qtype) + b"".join(soa) + opt_record(), counts=(1, 0, len(soa), 1))
        reply = client.ask(sent, tcp)
        assert reply.rcode == rcode and reply.edns
        assert reply.ede == {REFUSED: 18, NOTAUTH: 20}.get(rcode)


# ---- names on the wire: RFC 4343, RFC 2181 section 11 ----

def random_case(name):
    return "".join(random.choice((c.upper(), c.lower())) for c in name)


@TRANSPORTS
def test_case_of_the_question_does_not_matter_and_comes_back(world, client, tcp):
    """0x20: the whole question, octet for octet, and owners that point at it."""
    for _ in range(20):
        for name, qtype, n in ((world.holding[7], "TXT", 7), ("www." + world.zone, "A", 2), (world.zone, "SOA", 1), (world.deep, "TXT", 1)):
            asked = random_case(name)
            reply = client.ask(query(asked, qtype), tcp)
            assert reply.an == n and reply.question == question(asked, qtype)
            assert all(rrset.name.to_text() == asked + "." for rrset in reply.message.answer)
        asked = random_case("Nothing." + world.zone)
        reply = client.ask(query(asked), tcp)
        assert reply.is_nxdomain() and reply.question == question(asked)
        assert asked.endswith(reply.soa[0].to_text()[:-1])


def test_only_ascii_letters_have_two_cases(world, client):
    for a, b in (("@", "`"), ("[", "{"), ("\\192", "\\224")):
        name = wire_name("odd\\046dot\\000\\255." + world.zone)
        assert client.udp(message(question(name, "A"))).an == 1
        assert client.udp(query(a + "x." + world.zone, "A")).is_nxdomain()
        assert client.udp(query(b + "x." + world.zone, "A")).is_nxdomain()
    assert client.udp(query("odd\\014dot\\000\\255." + world.zone, "A")).is_nxdomain()


LONG = {
    "63-octet-label": (lambda z: LABEL_63 + "." + z, 1),
    "63-octet-label-in-capitals": (lambda z: LABEL_63.upper() + "." + z, 1),
    "another-63-octet-label": (lambda z: "a" * 62 + "b." + z, 0),
    "longest-name": (lambda z: MANY_LABELS + "." + z, 1),
    "longest-name-in-capitals": (lambda z: MANY_LABELS.upper() + "." + z, 1),
    "longest-name-another": (lambda z: "b" + MANY_LABELS[1:] + "." + z, 0),
}


@TRANSPORTS
@pytest.mark.parametrize("make,n", LONG.values(), ids=LONG)
def test_long_labels_and_names(world, client, make, n, tcp):
    for edns in (None, 512, 1232):
        reply = client.ask(query(make(world.zone), "A", edns=edns), tcp)
        assert reply.an == n and (reply.is_nxdomain() or n == 1)


def test_a_name_of_255_octets_and_one_of_127_labels(world, client):
    zone = wire_name(world.zone)
    # 255 octets, below the zone: four long labels.
    room = 255 - len(zone)
    prefix = b""
    while room > 0:
        take = min(room - 1, 63)
        if room - 1 - take == 1:
            take -= 1
        prefix += bytes([take]) + b"q" * take
        room -= take + 1
    assert len(prefix + zone) == 255
    assert client.udp(message(question(prefix + zone, "A"))).is_nxdomain()
    assert client.udp(message(question(prefix + zone, "A") + opt_record(), counts=(1, 0, 0, 1))).is_nxdomain()
    labels_127 = b"\1x" * 127 + b"\0"
    assert len(labels_127) == 255
    reply = client.udp(message(question(labels_127, "A") + opt_record(), counts=(1, 0, 0, 1)))
    assert reply.rcode == REFUSED and reply.question[:-4] == labels_127


@pytest.mark.parametrize("label", [b"\0", b"\xff" * 63, b".", b"a.b", b"\\", b" ", b"_", b"-", b"*", b"\xc3\xa4", b"a\0b"])
def test_odd_octets_in_labels_are_octets(world, client, label):
    name = bytes([len(label)]) + label + wire_name(world.zone)
    reply = client.udp(message(question(name, "TXT")))
    assert reply.is_nxdomain() and reply.question == question(name, "TXT")


# ---- EDNS: RFC 6891 ----

EDNS_GOOD = {
    "plain": opt_record(),
    "size-0": opt_record(0), "size-511": opt_record(511), "size-512": opt_record(512), "size-4096": opt_record(4096),
    "size-65535": opt_record(65535),
    "option-100": opt_record(options=option(100)),
    "option-100-with-data": opt_record(options=option(100, b"data")),
    "options-of-every-kind": opt_record(options=b"".join(option(c, b"\1\2\3") for c in (0, 1, 2, 5, 6, 7, 9, 13, 14, 20, 26946, 65001, 65535))),
    "ecs": opt_record(options=option(8, b"\0\1\x18\0\xc6\x33\x64")),
    "ecs-nonsense": opt_record(options=option(8, b"\xff")),
    "expire": opt_record(options=option(9)),
    "cookie": opt_record(options=option(10, b"12345678")),
    "keepalive-over-udp": opt_record(options=option(11)),
    "padding": opt_record(options=option(12, b"\0" * 100)),
    "nsid": opt_record(options=option(3)), "nsid-with-data": opt_record(options=option(3, b"x")),
    "optlist": opt_record(options=option(3) + option(8, b"\0\1\x18\0\xc6\x33\x64") + option(9) + option(10, b"12345678")),
    "same-option-twice": opt_record(options=option(100, b"a") * 2),
    "flag-0080": opt_record(flags=0x0080), "all-flags-but-do": opt_record(flags=0x7fff), "co": opt_record(flags=CO),
    "do": opt_record(flags=DO), "do-and-co": opt_record(flags=DO | CO), "all-flags": opt_record(flags=0xffff),
    "extended-rcode": opt_record(extended_rcode=255),
    "long-options": opt_record(options=option(65001, b"x" * 2000)),
}


@TRANSPORTS
@pytest.mark.parametrize("opt", EDNS_GOOD.values(), ids=EDNS_GOOD)
def test_edns_is_answered_with_edns_and_options_are_not_echoed(world, client, opt, tcp):
    for name, qtype, rcode in ((world.zone, "SOA", NOERROR), (world.holding[7], "TXT", NOERROR), (world.valueless, "TXT", NOERROR),
                               ("nothing." + world.zone, "TXT", NXDOMAIN), ("example.com", "A", REFUSED)):
        reply = client.ask(query(name, qtype, edns=opt), tcp)
        assert reply.rcode == rcode and reply.edns and reply.message.payload == 1232
        assert set(reply.options) <= {15}
        flags = int.from_bytes(opt[7:9], "big")
        assert (reply.message.ednsflags & DO != 0) == (flags & DO != 0)


def test_no_edns_in_the_query_none_in_the_reply(world, client):
    for name in (world.zone, world.holding[7], world.holding[64], "nothing." + world.zone, "example.com"):
        for tcp in (False, True):
            assert not client.ask(query(name), tcp).edns


@TRANSPORTS
@pytest.mark.parametrize("version", [1, 2, 100, 255])
@pytest.mark.parametrize("options", [b"", option(100), option(3), b"\0", b"\0\3\xff\xff"], ids=["none", "unknown", "nsid", "leftover", "overrun"])
def test_other_versions_of_edns_are_badvers(world, client, version, options, tcp):
    """What is in a version that we do not speak may mean anything: its options are not looked at."""
    for flags in (0, DO):
        for name in (world.zone, world.holding[7], "example.com"):
            sent = query(name, "SOA", edns=opt_record(version=version, flags=flags, options=options))
            reply = client.ask(sent, tcp)
            assert reply.rcode == BADVERS and reply.flags & 15 == 0 and reply.message.edns == 0
            assert reply.question == question(name, "SOA") and not reply.options
            assert (reply.message.ednsflags & DO != 0) == (flags == DO)


EDNS_BAD = {
    "two": (opt_record() * 2, 2),
    "two-around-another-record": (opt_record() + record(b"\0", 1, IN, 0, b"\1\2\3\4") + opt_record(), 3),
    "owner-not-root": (opt_record(owner=b"\1x\0"), 1),
    "owner-a-pointer-to-the-question": (opt_record(owner=b"\xc0\x0c"), 1),
    "length-past-the-end": (opt_record(length=1), 1),
    "length-65535": (opt_record(length=65535), 1),
    "option-past-the-record": (opt_record(options=b"\0\3\0\5abc"), 1),
    "one-octet-left-over": (opt_record(options=option(100) + b"\0"), 1),
    "two-octets-left-over": (opt_record(options=option(100) + b"\0\0"), 1),
    "three-octets-left-over": (opt_record(options=option(100) + b"\0\0\0"), 1),
    "counted-but-missing": (b"", 1),
    "one-of-two-missing": (opt_record(), 2),
}


@TRANSPORTS
@pytest.mark.parametrize("records,n", EDNS_BAD.values(), ids=EDNS_BAD)
def test_malformed_edns_is_formerr(world, client, records, n, tcp):
    reply = client.ask(message(question(world.zone, "SOA") + records, counts=(1, 0, 0, n)), tcp)
    assert reply.rcode == FORMERR


def test_the_opt_record_may_stand_anywhere_in_the_additional_section(world, client):
    a = record(world.zone, 1, IN, 0, b"\1\2\3\4")
    for records, n in ((a + opt_record(), 2), (opt_record() + a, 2), (a + opt_record() + a, 3), (a * 30 + opt_record(4096), 31)):
        for tcp in (False, True):
            reply = client.ask(message(question(world.holding[7], "TXT") + records, counts=(1, 0, 0, n)), tcp)
            assert reply.rcode == NOERROR and reply.an == 7 and reply.edns


@TRANSPORTS
def test_a_signature_that_nobody_can_check_is_badkey(world, client, tcp):
    """A TSIG record of an unknown key, at its place behind the OPT record: RFC 8945 section 5.2.1. More: test_update.py."""
    algorithm = wire_name("hmac-sha256")
    tsig = record("key.example", 250, ANY, 0, algorithm + b"\0" * 6 + b"\1\x2c" + b"\0\x20" + b"m" * 32 + b"\0\0" + b"\0\0" + b"\0\0")
    sent = message(question(world.zone, "SOA") + opt_record() + tsig, counts=(1, 0, 0, 2))
    with client.connect() if tcp else contextlib.nullcontext(client.socket) as s:
        s.send(frame(sent) if tcp else sent)
        wire = read_frame(s) if tcp else s.recv(65535)
    assert wire[:2] == sent[:2] and wire[3] & 15 == NOTAUTH
    assert wire[4:12] == bytes((0, 1, 0, 0, 0, 0, 0, 2)) and wire.endswith(b"\0\0" + sent[:2] + b"\0\x11" + b"\0\0")


def test_a_cookie_without_a_question_is_formerr(client):
    """RFC 7873 section 5.4 is for servers with cookies."""
    reply = client.udp(message(opt_record(options=option(10, b"12345678")), counts=(0, 0, 0, 1)))
    assert reply.rcode == FORMERR and reply.edns and not reply.options


# ---- ISC's genreport, its option table (facts, section 4.2) ----

GENREPORT = {
    # query of the apex; rcode; an OPT record comes back; the SOA is in the answer
    "dns": (dict(qtype="SOA"), NOERROR, False, True),
    "aa": (dict(qtype="SOA", flags=AA), NOERROR, False, True),
    "ad": (dict(qtype="SOA", flags=AD), NOERROR, False, True),
    "cd": (dict(qtype="SOA", flags=CD), NOERROR, False, True),
    "ra": (dict(qtype="SOA", flags=RA), NOERROR, False, True),
    "rd": (dict(qtype="SOA", flags=RD), NOERROR, False, True),
    "tc": (dict(qtype="SOA", flags=TC), NOERROR, False, True),
    "zflag": (dict(qtype="SOA", flags=Z), NOERROR, False, True),
    "type666": (dict(qtype="TYPE666"), NOERROR, False, False),
    "edns": (dict(qtype="SOA", edns=opt_record(4096)), NOERROR, True, True),
    "edns1": (dict(qtype="SOA", edns=opt_record(4096, version=1)), BADVERS, True, False),
    "edns@512": (dict(qtype="DNSKEY", edns=opt_record(512, flags=DO)), NOERROR, True, False),
    "ednsopt": (dict(qtype="SOA", edns=opt_record(4096, options=option(100))), NOERROR, True, True),
    "edns1opt": (dict(qtype="SOA", edns=opt_record(4096, version=1, options=option(100))), BADVERS, True, False),
    "do": (dict(qtype="SOA", edns=opt_record(4096, flags=DO)), NOERROR, True, True),
    "docd": (dict(qtype="SOA", flags=CD, edns=opt_record(4096, flags=DO)), NOERROR, True, True),
    "edns1do": (dict(qtype="SOA", edns=opt_record(4096, version=1, flags=DO)), BADVERS, True, False),
    "ednsflags": (dict(qtype="SOA", edns=opt_record(4096, flags=0x0080)), NOERROR, True, True),
    "optlist": (dict(qtype="SOA", edns=EDNS_GOOD["optlist"]), NOERROR, True, True),
    "ednsnsid": (dict(qtype="SOA", edns=opt_record(4096, options=option(3))), NOERROR, True, True),
    "ednscookie": (dict(qtype="SOA", edns=opt_record(4096, options=option(10, b"12345678"))), NOERROR, True, True),
    "ednsexpire": (dict(qtype="SOA", edns=opt_record(4096, options=option(9))), NOERROR, True, True),
    "ednssubnet": (dict(qtype="SOA", edns=opt_record(4096, options=option(8, b"\0\1\0\0"))), NOERROR, True, True),
    "edns1nsid": (dict(qtype="SOA", edns=opt_record(4096, version=1, options=option(3))), BADVERS, True, False),
    "edns1cookie": (dict(qtype="SOA", edns=opt_record(4096, version=1, options=option(10, b"12345678"))), BADVERS, True, False),
    "edns1expire": (dict(qtype="SOA", edns=opt_record(4096, version=1, options=option(9))), BADVERS, True, False),
    "edns1subnet": (dict(qtype="SOA", edns=opt_record(4096, version=1, options=option(8, b"\0\1\0\0"))), BADVERS, True, False),
    "bind11": (dict(qtype="SOA", edns=opt_record(4096, flags=DO, options=option(3) + option(10, b"12345678"))), NOERROR, True, True),
    "dig11": (dict(qtype="SOA", flags=RD | AD, edns=opt_record(4096, options=option(10, b"12345678"))), NOERROR, True, True),
}


@pytest.mark.parametrize("sent,rcode,edns,soa", GENREPORT.values(), ids=GENREPORT)
def test_genreport(world, client, sent, rcode, edns, soa):
    for tcp in (False, True):  # "tcp" and "ednstcp" of the table: all of it over TCP as well
        reply = client.ask(query(world.zone, **sent), tcp)
        assert reply.rcode == rcode and reply.edns == edns
        assert reply.has(AA) == (rcode == NOERROR)
        assert bool([1 for _, rd in reply.answer if rd.rdtype == dns.rdatatype.SOA]) == soa
        assert not reply.options
        if "edns@512" in GENREPORT and sent is GENREPORT["edns@512"][0] and not tcp:
            assert len(reply.wire) <= 512


# ---- the serial ----

def test_the_serial_of_a_zone_moves_with_its_values_only(make_riposte):
    """Contract 2.3 point 10: one step for what DNS shows, none for what it does not."""
    server = make_riposte()
    def serial():
        return ask(server, server.zone, "SOA").answer[0][0].serial

    account = server.register()
    before = serial()
    value = a_value()
    assert server.update(account, value).status_code == 200
    after = serial()
    assert before < after
    assert server.update(account, value).status_code == 200, "a renewal changes nothing that is served"
    assert serial() == after
    assert server.update({**account, "password": "x" * 40}, a_value()).status_code == 401
    assert serial() == after
    assert server.update(account, a_value()).status_code == 200
    assert serial() > after
