"""DNS UPDATE under TSIG, and signed questions: facts 3.8 and 3.9, and the habits of real clients (facts "RFC 2136 clients")."""

import base64
import hashlib
import hmac
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

from dnshelp import a_value, ask, values

ZONE = "auth.example.org"
OTHER = "second.example.net"
CONFIG = {
    "zones": [
        {
            "origin": ZONE,
            "contact": "hostmaster@example.org",
            "name-servers": [{"name": "ns1." + ZONE, "addresses": ["127.0.0.1"]}],
            "records": ["www 60 IN A 203.0.113.30", 'note 60 IN TXT "static"'],
        },
        {
            "origin": OTHER,
            "contact": "hostmaster@example.org",
            "name-servers": [{"name": "ns1." + ZONE}],
        },
    ],
    "limits": {"changes": "0/s"},
}
ALGORITHMS = {
    "hmac-sha256": hashlib.sha256,
    "hmac-sha384": hashlib.sha384,
    "hmac-sha512": hashlib.sha512,
    "hmac-sha224": hashlib.sha224,
    "hmac-sha1": hashlib.sha1,
    "hmac-md5.sig-alg.reg.int": hashlib.md5,
}
BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22


class Update(dns.update.UpdateMessage):
    """Names are whole ones, with or without the final dot."""

    def add(self, name, *rest):
        super().add(dns.name.from_text(name), *rest)

    def delete(self, name, *rest):
        super().delete(dns.name.from_text(name), *rest)


class Key:
    """A credential with a TSIG key."""

    def __init__(self, server, *names, more=()):
        made = server.admin_json("credential", "create", "--name", ",".join(names), "--tsig", *more)
        self.server = server
        self.id = made["credential"]
        self.secret = made["secret"]
        self.names = names
        self.name = names[0]

    def tsig(self, algorithm="hmac-sha256", suffix="."):
        return dns.tsig.Key(self.id + suffix, self.secret, algorithm)

    def update(self, zone=ZONE, **kw):
        made = Update(zone)
        made.use_tsig(self.tsig(**kw))
        return made

    def send(self, message, tcp=False, source=None, timeout=10):
        """The reply, whose signature dnspython has verified."""
        send = dns.query.tcp if tcp else dns.query.udp
        reply = send(message, self.server.dns_addr[0], port=self.server.dns_addr[1], timeout=timeout, source=source)
        assert reply.had_tsig, reply
        return reply

    def add(self, value, name=None, **kw):
        up = self.update()
        up.add(name or self.name, 120, "TXT", '"%s"' % value)
        return self.send(up, **kw)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from conftest import Riposte

    made = Riposte(tmp_path_factory.mktemp("update"), CONFIG)
    made.start()
    made.admin("account", "create", "team", check=True)
    yield made
    made.stop()


@pytest.fixture
def make_name(server):
    def make(*more):
        return server.admin_json("name", "create", "--account", "team", *more)["name"]

    return make


@pytest.fixture
def key(server, make_name):
    return Key(server, make_name())


transports = pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])


# ---- adding and removing ----


@transports
def test_a_value_is_served_when_the_reply_is_there(server, key, tcp):
    value = a_value()
    reply = key.add(value, tcp=tcp)
    assert reply.rcode() == 0 and reply.opcode() == dns.opcode.UPDATE
    assert values(server, key.name) == {value}
    shown = server.admin_json("value", "list", key.name)
    assert value in str(shown) and '"update"' in str(shown).replace("'", '"')


@transports
def test_one_value_is_removed_exactly(server, key, tcp):
    one, two = a_value(), a_value()
    key.add(one), key.add(two)
    up = key.update()
    up.delete(key.name, "TXT", '"%s"' % one)
    assert key.send(up, tcp=tcp).rcode() == 0
    assert values(server, key.name) == {two}
    assert key.send(up, tcp=tcp).rcode() == 0, "what is gone can be removed again"


def test_the_requested_ttl_does_not_count(server, key):
    key.add(a_value())
    assert ask(server, key.name, tcp=True).answer[0].ttl == 0


def test_several_names_change_together_or_not_at_all(server, make_name):
    key = Key(server, make_name(), make_name())
    first, second = key.names
    a, b = a_value(), a_value()
    up = key.update()
    up.add(first, 60, "TXT", '"%s"' % a)
    up.add(second, 60, "TXT", '"%s"' % b)
    assert key.send(up).rcode() == 0
    assert (values(server, first), values(server, second)) == ({a}, {b})
    up = key.update()
    up.delete(first, "TXT", '"%s"' % a)
    up.add("nobody." + ZONE, 60, "TXT", '"%s"' % a_value())
    assert key.send(up).rcode() == dns.rcode.REFUSED
    assert values(server, first) == {a}
    journal = server.admin_json("value", "list", first)
    assert a in str(journal)


def test_removals_and_additions_keep_their_order(server, key):
    value = a_value()
    up = key.update()
    up.add(key.name, 60, "TXT", '"%s"' % value)
    up.delete(key.name, "TXT", '"%s"' % value)
    assert key.send(up).rcode() == 0
    assert values(server, key.name) == set()
    up = key.update()
    up.delete(key.name, "TXT")
    up.add(key.name, 60, "TXT", '"%s"' % value)
    assert key.send(up).rcode() == 0
    assert values(server, key.name) == {value}


def test_a_removed_set_spares_what_other_clients_with_the_same_key_have_just_added(server, key):
    one, two, three = a_value(), a_value(), a_value()
    key.add(one, source="127.0.0.11"), key.add(two, source="127.0.0.12")
    up = key.update()
    up.delete(key.name, "TXT")
    up.add(key.name, 120, "TXT", '"%s"' % three)
    assert key.send(up, source="127.0.0.11").rcode() == 0
    assert values(server, key.name) == {two, three}
    up = key.update()
    up.delete(key.name)  # all sets of the name: the same
    assert key.send(up, source="127.0.0.12").rcode() == 0
    assert values(server, key.name) == {three}


def test_a_removed_set_takes_along_what_is_older_than_the_grace(make_riposte):
    server = make_riposte({**CONFIG, "values": {"grace": "1s"}})
    server.admin("account", "create", "team", check=True)
    key = Key(server, server.admin_json("name", "create", "--account", "team")["name"])
    old = a_value()
    key.add(old, source="127.0.0.11")
    other = Key(server, server.admin_json("name", "create", "--account", "team")["name"])
    deadline = time.monotonic() + 20
    while values(server, key.name) and time.monotonic() < deadline:
        time.sleep(0.5)
        other.add(a_value())  # the journal goes on
        up = key.update()
        up.delete(key.name, "TXT")
        assert key.send(up, source="127.0.0.12").rcode() == 0
    assert values(server, key.name) == set()


def test_a_removed_set_spares_values_of_other_credentials_and_pinned_ones(server, key):
    mine, theirs, pinned = a_value(), a_value(), a_value()
    key.add(mine)
    Key(server, key.name).add(theirs)
    server.admin("value", "add", key.name, "--", pinned, check=True)
    up = key.update()
    up.delete(key.name, "TXT")
    assert key.send(up).rcode() == 0
    assert values(server, key.name) == {theirs, pinned}


def test_another_credentials_value_cannot_be_removed(server, key):
    theirs = a_value()
    Key(server, key.name).add(theirs)
    up = key.update()
    up.delete(key.name, "TXT", '"%s"' % theirs)
    assert key.send(up).rcode() == dns.rcode.REFUSED
    assert values(server, key.name) == {theirs}
    reason = server.admin_json("refusals")
    assert any(r["reason"] == "not-your-value" and r["door"] == "update" for r in listed(reason))


def listed(reply):
    return reply["items"] if isinstance(reply, dict) else reply


@pytest.mark.parametrize(
    "what",
    ["another name", "apex", "static", "no challenge value", "other type", "type A", "delete type", "delete apex"],
)
def test_what_is_not_in_scope_is_refused_and_signed(server, key, make_name, what):
    up = key.update()
    value = '"%s"' % a_value()
    if what == "another name":
        up.add(make_name(), 60, "TXT", value)
    elif what == "apex":
        up.add(ZONE, 60, "TXT", value)
    elif what == "static":
        up.add("note." + ZONE, 60, "TXT", value)
    elif what == "no challenge value":
        up.add(key.name, 60, "TXT", '"v=spf1 -all"')
    elif what == "other type":
        up.add(key.name, 60, "CNAME", "example.com.")
    elif what == "type A":
        up.add(key.name, 60, "A", "192.0.2.1")
    elif what == "delete type":
        up.delete(key.name, "CAA")
    else:
        up.delete(ZONE)
    before = ask(server, ZONE, "SOA").answer[0][0].serial
    assert key.send(up).rcode() == dns.rcode.REFUSED
    assert ask(server, ZONE, "SOA").answer[0][0].serial == before


def test_what_a_credential_may_not_is_refused(server, make_name):
    name = make_name()
    adder = Key(server, name, more=("--actions", "add"))
    value = a_value()
    assert adder.add(value).rcode() == 0
    up = adder.update()
    up.delete(name, "TXT")
    assert adder.send(up).rcode() == dns.rcode.REFUSED
    elsewhere = Key(server, name, more=("--networks", "192.0.2.0/24"))
    assert elsewhere.add(a_value()).rcode() == dns.rcode.REFUSED
    assert values(server, name) == {value}


def test_a_revoked_key_is_refused_signed_and_the_reason_is_kept(server, key):
    server.admin("credential", "revoke", key.id, check=True)
    assert key.add(a_value()).rcode() == dns.rcode.REFUSED
    assert any(r["reason"] == "revoked" for r in listed(server.admin_json("refusals")))


def test_rotation_with_overlap_knows_both_keys_and_without_only_the_new_one(server, key):
    old = key.secret
    rotated = server.admin_json("credential", "rotate", key.id, "--tsig", "--overlap", "1h")
    assert rotated["secret"] != old and len(rotated["secret"]) == 44
    assert key.add(a_value()).rcode() == 0
    key.secret = rotated["secret"]
    assert key.add(a_value()).rcode() == 0
    last = server.admin_json("credential", "rotate", key.id, "--tsig")["secret"]
    assert tsig_error(server, key) == BADSIG
    key.secret = last
    assert key.add(a_value()).rcode() == 0


# ---- the message itself: RFC 2136 section 3 ----


def test_a_zone_that_is_not_exactly_ours_is_notauth_and_signed(server, key):
    for zone in ("org", "example.org", key.name, "www." + ZONE, "example.com"):
        up = key.update(zone)
        up.add("a." + zone, 60, "TXT", '"%s"' % a_value())
        assert key.send(up).rcode() == dns.rcode.NOTAUTH, zone


def test_the_zones_case_does_not_matter(server, key):
    value = a_value()
    up = key.update("AuTh.Example.ORG")
    up.add(key.name.upper(), 60, "TXT", '"%s"' % value)
    assert key.send(up).rcode() == 0
    assert values(server, key.name) == {value}


def test_an_unsigned_update_is_refused(server, key):
    up = Update(ZONE)
    up.add(key.name, 60, "TXT", '"%s"' % a_value())
    reply = dns.query.udp(up, server.dns_addr[0], port=server.dns_addr[1], timeout=5)
    assert reply.rcode() == dns.rcode.REFUSED and not reply.had_tsig
    up = Update("example.com")
    assert dns.query.udp(up, server.dns_addr[0], port=server.dns_addr[1], timeout=5).rcode() == dns.rcode.NOTAUTH


def rr(name, rtype, rclass, ttl, rdata=b""):
    return dns.name.from_text(name).to_wire() + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata)) + rdata


def txt(value):
    return bytes([len(value)]) + value.encode()


IN, CH, NONE, ANY = 1, 3, 254, 255
TXT, A, SOA, AXFR, TYPE_ANY = 16, 1, 6, 252, 255


def forms(name, value):
    """Messages that RFC 2136 wants refused for their form, and the RCODE of it: (prerequisites, updates, rcode)."""
    add = rr(name, TXT, IN, 60, txt(value))
    return {
        "prerequisite with a TTL": ([rr(name, TYPE_ANY, ANY, 1)], [add], "FORMERR"),
        "prerequisite of class ANY with data": ([rr(name, TXT, ANY, 0, txt(value))], [add], "FORMERR"),
        "prerequisite of class NONE with data": ([rr(name, TXT, NONE, 0, txt(value))], [add], "FORMERR"),
        "prerequisite of another class": ([rr(name, TXT, CH, 0, txt(value))], [add], "FORMERR"),
        "prerequisite outside": ([rr("example.com", TYPE_ANY, ANY, 0)], [add], "NOTZONE"),
        "addition outside": ([], [add, rr("a.example.com", TXT, IN, 60, txt(value))], "NOTZONE"),
        "removal outside": ([], [rr("example.com", TYPE_ANY, ANY, 0)], "NOTZONE"),
        "addition of ANY": ([], [rr(name, TYPE_ANY, IN, 60, txt(value))], "FORMERR"),
        "addition of AXFR": ([], [rr(name, AXFR, IN, 60, txt(value))], "FORMERR"),
        "update of another class": ([], [rr(name, TXT, CH, 60, txt(value))], "FORMERR"),
        "class ANY with a TTL": ([], [rr(name, TXT, ANY, 60)], "FORMERR"),
        "class ANY with data": ([], [rr(name, TXT, ANY, 0, txt(value))], "FORMERR"),
        "class ANY, a meta type": ([], [rr(name, AXFR, ANY, 0)], "FORMERR"),
        "class NONE with a TTL": ([], [rr(name, TXT, NONE, 60, txt(value))], "FORMERR"),
        "class NONE of ANY": ([], [rr(name, TYPE_ANY, NONE, 0, txt(value))], "FORMERR"),
        "data that are no strings": ([], [rr(name, TXT, IN, 60, b"\x05abc")], "FORMERR"),
        "no data": ([], [rr(name, TXT, IN, 60)], "FORMERR"),
        "a bad one behind a good one": ([], [add, rr(name, TXT, ANY, 60)], "FORMERR"),
        "an empty text": ([], [rr(name, TXT, IN, 60, b"\0")], "REFUSED"),
        "too many": ([], [rr(name, TXT, ANY, 0)] * 600, "REFUSED"),
        "nothing": ([], [], "NOERROR"),
        "several strings": ([], [rr(name, TXT, IN, 60, txt(value[:20]) + txt(value[20:]))], "NOERROR"),
    }


def raw_update(key, prerequisites, updates, zone=ZONE, ztype=SOA, zclass=IN, zones=1, tcp=True):
    body = (dns.name.from_text(zone).to_wire() + struct.pack("!HH", ztype, zclass)) * zones
    body += b"".join(prerequisites) + b"".join(updates)
    wire = os.urandom(2) + struct.pack("!5H", 5 << 11, zones, len(prerequisites), len(updates), 0) + body
    return exchange(key.server, Signed(key, wire), tcp)


@pytest.mark.parametrize("form", sorted(forms("x.", "v")))
def test_the_form_of_a_message_is_judged_before_anything_is_applied(server, key, form):
    value = a_value()
    prerequisites, updates, rcode = forms(key.name, value)[form]
    reply = raw_update(key, prerequisites, updates)
    assert (dns.rcode.to_text(reply.rcode), reply.error) == (rcode, 0) and reply.is_right
    assert values(server, key.name) == ({value} if form == "several strings" else set())


@pytest.mark.parametrize(
    "how, rcode",
    [({"ztype": A}, "FORMERR"), ({"zones": 0}, "FORMERR"), ({"zones": 2}, "FORMERR"), ({"zclass": CH}, "NOTAUTH")],
)
def test_the_zone_section_is_one_soa(key, how, rcode):
    reply = raw_update(key, [], [], **how)
    assert dns.rcode.to_text(reply.rcode) == rcode and reply.is_right


def test_prerequisites_are_checked_and_say_which_did_not_hold(server, key, make_name):
    value, empty, none = a_value(), make_name(), "nothing." + ZONE
    key.add(value)
    have, other = txt(value), txt(a_value())
    cases = [
        ([rr(key.name, TYPE_ANY, ANY, 0)], "NOERROR"),
        ([rr(none, TYPE_ANY, ANY, 0)], "NXDOMAIN"),
        ([rr(empty, TYPE_ANY, ANY, 0)], "NXDOMAIN"),
        ([rr(none, TYPE_ANY, NONE, 0)], "NOERROR"),
        ([rr(key.name, TYPE_ANY, NONE, 0)], "YXDOMAIN"),
        ([rr(ZONE, TYPE_ANY, NONE, 0)], "YXDOMAIN"),
        ([rr("www." + ZONE, TYPE_ANY, NONE, 0)], "YXDOMAIN"),
        ([rr(key.name, TXT, ANY, 0)], "NOERROR"),
        ([rr(empty, TXT, ANY, 0)], "NXRRSET"),
        ([rr(key.name, A, ANY, 0)], "NXRRSET"),
        ([rr(ZONE, SOA, ANY, 0)], "NOERROR"),
        ([rr("www." + ZONE, A, ANY, 0)], "NOERROR"),
        ([rr(empty, TXT, NONE, 0)], "NOERROR"),
        ([rr(key.name, TXT, NONE, 0)], "YXRRSET"),
        ([rr(key.name, TXT, IN, 0, have)], "NOERROR"),
        ([rr(key.name, TXT, IN, 0, have)] * 2, "NOERROR"),
        ([rr(key.name, TXT, IN, 0, other)], "NXRRSET"),
        ([rr(key.name, TXT, IN, 0, have), rr(key.name, TXT, IN, 0, other)], "NXRRSET"),
        ([rr("note." + ZONE, TXT, IN, 0, txt("static"))], "NOERROR"),
        ([rr(key.name, A, IN, 0, b"\x7f\0\0\1")], "REFUSED"),
    ]
    for prerequisites, rcode in cases:
        up = raw_update(key, prerequisites, [])
        assert dns.rcode.to_text(up.rcode) == rcode, prerequisites
    another = a_value()
    reply = raw_update(key, [rr(key.name, TXT, NONE, 0)], [rr(key.name, TXT, IN, 60, txt(another))])
    assert dns.rcode.to_text(reply.rcode) == "YXRRSET" and values(server, key.name) == {value}
    reply = raw_update(key, [rr(key.name, TXT, IN, 0, have)], [rr(key.name, TXT, IN, 60, txt(another))])
    assert reply.rcode == 0 and values(server, key.name) == {value, another}
    reply = raw_update(key, [rr(key.name, TXT, IN, 0, have)], [])
    assert dns.rcode.to_text(reply.rcode) == "NXRRSET", "there are two now"


# ---- signatures: RFC 8945 ----


class Signed:
    """A message signed by our own code, every part of which can be made wrong."""

    def __init__(self, key, wire, algorithm="hmac-sha256", name=None, at=None, fudge=300, mac_len=None, secret=None,
                 original_id=None, rclass=ANY, ttl=0, after=b"", copies=1, error=0, spoil=False):
        self.algorithm = dns.name.from_text(algorithm).to_wire()
        self.name = dns.name.from_text(name or key.id).to_wire()
        self.secret = base64.b64decode(secret or key.secret)
        self.digest = ALGORITHMS.get(algorithm, hashlib.sha256)
        self.at = int(time.time()) if at is None else at
        self.id = wire[:2] if original_id is None else struct.pack("!H", original_id)
        variables = self.variables(self.at, fudge, error)
        self.mac = hmac.new(self.secret, self.id + wire[2:] + variables, self.digest).digest()
        if spoil:
            self.mac = bytes([self.mac[0] ^ 1]) + self.mac[1:]
        if mac_len is not None:
            self.mac = (self.mac + b"x" * 64)[:mac_len]
        rdata = self.algorithm + struct.pack("!HIHH", self.at >> 32, self.at & 0xFFFFFFFF, fudge, len(self.mac))
        rdata += self.mac + self.id + struct.pack("!HH", error, 0)
        record = self.name + struct.pack("!HHIH", 250, rclass, ttl, len(rdata)) + rdata
        arcount = struct.unpack("!H", wire[10:12])[0] + copies + (1 if after else 0)
        self.wire = wire[:10] + struct.pack("!H", arcount) + wire[12:] + record * copies + after

    def variables(self, at, fudge, error, other=b""):
        return (self.name.lower() + struct.pack("!HI", ANY, 0) + self.algorithm.lower()
                + struct.pack("!HIHHH", at >> 32, at & 0xFFFFFFFF, fudge, error, len(other)) + other)


class Verified:
    """A reply and what its TSIG record says."""

    def __init__(self, sent, wire):
        self.wire = wire
        self.id, flags, qd, an, ns, ar = struct.unpack("!6H", wire[:12])
        self.rcode, self.opcode, self.counts = flags & 15, flags >> 11 & 15, (qd, an, ns, ar)
        self.error, self.mac, self.is_right, self.other, self.has_tsig = None, None, False, b"", False
        at = 12
        for _ in range(qd):
            at = self.skip(at) + 4
        for _ in range(an + ns + ar):
            start = at
            at = self.skip(at)
            rtype, _, _, rdlen = struct.unpack("!HHIH", wire[at:at + 10])
            at += 10 + rdlen
            if rtype == 250:
                self.read_tsig(sent, start, at - rdlen)
        assert at == len(wire)

    def skip(self, at):
        while self.wire[at]:
            if self.wire[at] >= 0xC0:
                return at + 2
            at += self.wire[at] + 1
        return at + 1

    def read_tsig(self, sent, start, at):
        self.has_tsig = True
        end = self.skip(at)
        high, low, self.fudge, mac_len = struct.unpack("!HIHH", self.wire[end:end + 10])
        self.time = high << 32 | low
        self.mac = self.wire[end + 10:end + 10 + mac_len]
        original, self.error, other_len = struct.unpack("!HHH", self.wire[end + 10 + mac_len:end + 16 + mac_len])
        self.other = self.wire[end + 16 + mac_len:]
        assert len(self.other) == other_len and original == self.id
        message = self.wire[:10] + struct.pack("!H", self.counts[3] - 1) + self.wire[12:start]
        digest = struct.pack("!H", len(sent.mac)) + sent.mac + message
        digest += sent.variables(self.time, self.fudge, self.error, self.other)
        self.is_right = self.mac == hmac.new(sent.secret, digest, sent.digest).digest()


def tcp_exchange(address, wire):
    with socket.create_connection(address, timeout=10) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        stream = s.makefile("rb")
        head = stream.read(2)
        assert len(head) == 2, "closed without a reply"
        return stream.read(struct.unpack("!H", head)[0])


def exchange(server, sent, tcp=False):
    if tcp:
        return Verified(sent, tcp_exchange(server.dns_addr, sent.wire))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(sent.wire, server.dns_addr)
        return Verified(sent, s.recv(65535))


def soa_query(name=ZONE, qtype=SOA, qid=0x1234, flags=0, extra=b"", extras=0):
    question = dns.name.from_text(name).to_wire() + struct.pack("!HH", qtype, IN)
    return struct.pack("!6H", qid, flags, 1, 0, 0, extras) + question + extra


def tsig_error(server, key, **kw):
    reply = exchange(server, Signed(key, soa_query(), **kw))
    assert reply.rcode == 9 and reply.counts[1:3] == (0, 0)
    return reply.error


@transports
@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sha384", "hmac-sha512"])
def test_signed_questions_are_answered_signed_whatever_the_answer(server, key, algorithm, tcp):
    key.add(a_value())
    questions = {
        (ZONE, SOA): 0,
        (key.name, TXT): 0,
        (key.name, A): 0,
        ("nothing." + ZONE, TXT): 3,
        ("_acme-challenge.example.com", SOA): 5,
        ("org", SOA): 5,
        (ZONE, AXFR): 5 if tcp else 1,
        (ZONE, 41): 1,
    }
    for (name, qtype), rcode in questions.items():
        reply = exchange(server, Signed(key, soa_query(name, qtype), algorithm), tcp)
        assert (reply.rcode, reply.error) == (rcode, 0) and reply.is_right, name


def test_the_answer_to_a_signed_question_has_what_the_unsigned_one_has(server, key):
    for edns in (False, True):
        extra = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0) if edns else b""
        reply = exchange(server, Signed(key, soa_query(extra=extra, extras=int(edns))))
        assert reply.counts == (1, 1, 0, 2 if edns else 1) and reply.is_right
    reply = exchange(server, Signed(key, soa_query("x." + ZONE)))
    assert reply.counts == (1, 0, 1, 1), "nsupdate finds the zone in the SOA of an NXDOMAIN"


def test_the_signature_counts_for_the_room_in_a_udp_answer(server, make_name):
    key = Key(server, make_name())
    for _ in range(7):
        key.add(a_value())
    bare = ask(server, key.name, edns=None)
    reply = exchange(server, Signed(key, soa_query(key.name, TXT)))
    assert len(reply.wire) <= 512 and reply.is_right
    assert not bare.flags & 0x0200 and reply.wire[2] & 0x02, "with the signature it does not fit: TC"
    assert exchange(server, Signed(key, soa_query(key.name, TXT)), tcp=True).counts[1] == 7


def test_the_key_may_have_the_zones_name_behind_it_and_any_case(server, key):
    for name in (key.id, key.id + "." + ZONE, key.id.upper() + ".AUTH.example.ORG"):
        reply = exchange(server, Signed(key, soa_query(), name=name))
        assert (reply.rcode, reply.error) == (0, 0) and reply.is_right


def test_a_forwarded_message_is_verified_with_its_original_id(server, key):
    sent = Signed(key, soa_query(qid=0x1111), original_id=0x2222)
    reply = exchange(server, sent)
    assert reply.rcode == 0 and reply.id == 0x1111 and reply.is_right


def test_unknown_keys_and_algorithms_are_badkey_unsigned(server, key):
    unknown = "11111111-2222-4333-8444-555555555555"
    bearer = server.admin_json("credential", "create", "--name", key.name)["credential"]
    for kw in ({"name": unknown}, {"name": "example"}, {"name": "."}, {"name": bearer}, {"algorithm": "hmac-md4"},
               {"algorithm": "gss-tsig"}, {"name": ".".join(["a" * 60] * 4)}):
        reply = exchange(server, Signed(key, soa_query(), **kw))
        assert (reply.rcode, reply.error, reply.mac) == (9, BADKEY, b""), kw


def test_old_algorithms_need_the_administrators_word(server, key, make_riposte):
    for algorithm in ("hmac-sha1", "hmac-sha224", "hmac-md5.sig-alg.reg.int"):
        assert tsig_error(server, key, algorithm=algorithm) == BADKEY
    lenient = make_riposte({"dns": {"tsig-legacy": "allow"}})
    lenient.admin("account", "create", "team", check=True)
    old = Key(lenient, lenient.admin_json("name", "create", "--account", "team")["name"])
    for algorithm in ALGORITHMS:
        reply = exchange(lenient, Signed(old, soa_query(), algorithm))
        assert (reply.rcode, reply.error) == (0, 0) and reply.is_right
    lenient.write_config({**lenient.config, "dns": {**lenient.config["dns"], "tsig-legacy": "refuse"}})
    lenient.admin("reload", check=True)
    assert tsig_error(lenient, old, algorithm="hmac-sha1") == BADKEY


def test_a_wrong_signature_is_badsig_unsigned(server, key):
    other = Key(server, key.name)
    for kw in ({"spoil": True}, {"secret": other.secret}):
        reply = exchange(server, Signed(key, soa_query(), **kw))
        assert (reply.rcode, reply.error, reply.mac) == (9, BADSIG, b"")
    sent = Signed(key, soa_query("www." + ZONE, A))
    sent.wire = sent.wire.replace(b"\3www", b"\3wwx")
    assert exchange(server, sent).error == BADSIG


def test_a_time_outside_the_fudge_is_badtime_signed_with_ours(server, key):
    now = int(time.time())
    for at in (now - 320, now + 320, 0, 2**48 - 1):
        reply = exchange(server, Signed(key, soa_query(), at=at))
        assert (reply.rcode, reply.error) == (9, BADTIME) and reply.is_right
        assert reply.time == at and abs(int.from_bytes(reply.other, "big") - now) < 10 and len(reply.other) == 6
    for at in (now - 280, now + 280):
        assert exchange(server, Signed(key, soa_query(), at=at)).rcode == 0


def test_refused_signatures_are_listed_with_their_reason(server, key):
    time.sleep(1.1)  # only some a second are
    tsig_error(server, key, spoil=True)
    tsig_error(server, key, at=1)
    tsig_error(server, key, name="nobody")
    label = server.admin_json("credential", "show", key.id)["label"] or key.id
    found = [r for r in listed(server.admin_json("refusals")) if r["door"] == "update" and r["reason"] == "unauthenticated"]
    details = str([r for r in found if label in str(r)])
    assert "BADSIG" in details and "BADTIME" in details and "BADKEY" in str(found)


def test_a_flood_of_wrong_signatures_does_not_reach_the_committer(server, key):
    before = len([r for r in listed(server.admin_json("refusals")) if r["reason"] == "unauthenticated"])
    sent = Signed(key, soa_query(), spoil=True)
    started = time.monotonic()
    for _ in range(300):
        assert exchange(server, sent).error == BADSIG
    seconds = time.monotonic() - started + 2
    after = len([r for r in listed(server.admin_json("refusals")) if r["reason"] == "unauthenticated"])
    assert after - before <= 10 * seconds
    assert key.add(a_value()).rcode() == 0


def test_a_wrong_signature_is_told_before_a_wrong_time(server, key):
    assert tsig_error(server, key, at=1, spoil=True) == BADSIG


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sha512"])
def test_truncated_signatures(server, key, algorithm):
    whole = ALGORITHMS[algorithm]().digest_size
    for mac_len in (0, 9, whole // 2 - 1, whole + 1):
        reply = exchange(server, Signed(key, soa_query(), algorithm, mac_len=mac_len))
        assert reply.rcode == 1 and not reply.has_tsig, mac_len
    for mac_len in (whole // 2, whole - 1):
        reply = exchange(server, Signed(key, soa_query(), algorithm, mac_len=mac_len))
        assert (reply.rcode, reply.error) == (9, BADTRUNC) and reply.is_right
    reply = exchange(server, Signed(key, soa_query(), algorithm, mac_len=whole // 2, spoil=True))
    assert reply.error == BADSIG


def test_tsig_is_the_last_record_and_the_only_one(server, key):
    a = b"\0" + struct.pack("!HHIH", A, IN, 0, 4) + b"\x7f\0\0\1"
    for kw in ({"copies": 2}, {"after": a}, {"rclass": IN}, {"ttl": 1}):
        reply = exchange(server, Signed(key, soa_query(), **kw))
        assert reply.rcode == 1 and not reply.has_tsig, kw
    sent = Signed(key, soa_query())
    misplaced = sent.wire[:6] + struct.pack("!HHH", 1, 0, 0) + sent.wire[12:]
    sent.wire = misplaced
    assert exchange(server, sent).rcode == 1


def test_pipelined_signed_questions_and_updates_are_all_answered(server, key):
    wires, sent = b"", {}
    for qid in range(20):
        if qid % 4:
            wire = soa_query(qid=qid)
        else:
            zone = dns.name.from_text(ZONE).to_wire() + struct.pack("!HH", SOA, IN)
            wire = struct.pack("!6H", qid, 5 << 11, 1, 0, 1, 0) + zone + rr(key.name, TXT, IN, 60, txt(a_value()))
        sent[qid] = Signed(key, wire)
        wires += struct.pack("!H", len(sent[qid].wire)) + sent[qid].wire
    with socket.create_connection(server.dns_addr, timeout=10) as s:
        s.sendall(wires)
        s.shutdown(socket.SHUT_WR)  # and what was taken is answered all the same
        stream = s.makefile("rb")
        seen = set()
        for _ in sent:
            wire = stream.read(struct.unpack("!H", stream.read(2))[0])
            reply = Verified(sent[int.from_bytes(wire[:2], "big")], wire)
            assert reply.is_right and reply.rcode == 0
            seen.add(reply.id)
        assert seen == set(sent) and stream.read() == b""
    assert len(values(server, key.name)) == 5


# ---- repetitions ----


@transports
def test_a_message_that_comes_again_is_answered_and_not_applied_again(server, key, tcp):
    value = a_value()
    zone = dns.name.from_text(ZONE).to_wire() + struct.pack("!HH", SOA, IN)
    wire = struct.pack("!6H", 77, 5 << 11, 1, 0, 1, 0) + zone + rr(key.name, TXT, IN, 60, txt(value))
    sent = Signed(key, wire)
    assert exchange(server, sent, tcp).rcode == 0 and values(server, key.name) == {value}
    server.admin("value", "remove", key.name, "--", value, check=True)
    serial = ask(server, ZONE, "SOA").answer[0][0].serial
    reply = exchange(server, sent, tcp)
    assert reply.rcode == 0 and reply.is_right
    assert values(server, key.name) == set() and ask(server, ZONE, "SOA").answer[0][0].serial == serial
    assert exchange(server, Signed(key, wire[:1] + b"\x4e" + wire[2:]), tcp).rcode == 0
    assert values(server, key.name) == {value}, "a new message is applied"


# ---- the store, stopping, keys at rest ----


def test_updates_survive_a_restart_and_keys_too(make_riposte):
    server = make_riposte(CONFIG)
    server.admin("account", "create", "team", check=True)
    key = Key(server, server.admin_json("name", "create", "--account", "team")["name"])
    value = a_value()
    key.add(value)
    server.restart()
    assert values(server, key.name) == {value}
    another = a_value()
    assert key.add(another).rcode() == 0
    assert values(server, key.name) == {value, another}


def test_the_key_file_is_private_and_not_in_the_database(make_riposte):
    server = make_riposte(CONFIG)
    server.admin("account", "create", "team", check=True)
    key = Key(server, server.admin_json("name", "create", "--account", "team")["name"])
    path = server.folder / "key"
    assert path.stat().st_mode & 0o777 == 0o600 and len(path.read_text().strip()) == 64
    sealing, secret = path.read_text().strip(), base64.b64decode(key.secret)
    server.admin("backup", str(server.folder / "copy.db"), check=True)
    server.stop()
    for file in server.folder.iterdir():
        if file != path:
            octets = file.read_bytes()
            for known in (secret, key.secret.encode(), sealing.encode(), bytes.fromhex(sealing)):
                assert known not in octets, file
    path.chmod(0o640)
    with pytest.raises(RuntimeError, match="chmod 600"):
        server.start()
    path.chmod(0o600)
    path.write_text("0" * 63 + "\n")
    with pytest.raises(RuntimeError, match="64 hexadecimal digits"):
        server.start()
    path.unlink()
    server.start()
    assert "tsig-keys-unreadable" in server.log_text()
    assert tsig_error(server, key) == BADKEY
    rotated = server.admin_json("credential", "rotate", key.id, "--tsig")
    key.secret = rotated["secret"]
    assert key.add(a_value()).rcode() == 0


def test_updates_under_way_are_answered_when_the_server_stops(make_riposte):
    server = make_riposte(CONFIG)
    server.admin("account", "create", "team", check=True)
    key = Key(server, server.admin_json("name", "create", "--account", "team")["name"])
    outcomes, stop = [], threading.Event()

    def load(tcp):
        while not stop.is_set():
            value = a_value()
            try:
                outcomes.append((value, key.add(value, tcp=tcp, timeout=1).rcode()))
            except Exception:  # refused, reset or silent: the server is gone
                return

    threads = [threading.Thread(target=load, args=(i % 2 == 0,)) for i in range(4)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=20) == 0
    stop.set()
    for t in threads:
        t.join()
    done = [value for value, rcode in outcomes if rcode == 0]
    assert done
    server.start()
    served = values(server, key.name)
    assert set(done[-20:]) <= served


# ---- many at once ----


def test_two_clients_with_one_key_that_remove_and_add_never_lose_each_others_values(server, key):
    errors = []

    def client(source, tcp):
        for _ in range(30):
            value = a_value()
            up = key.update()
            up.delete(key.name, "TXT")
            up.add(key.name, 120, "TXT", '"%s"' % value)
            if key.send(up, source=source, tcp=tcp).rcode() != 0:
                errors.append("update")
            if value not in values(server, key.name):
                errors.append("lost " + source)
            up = key.update()
            up.delete(key.name, "TXT", '"%s"' % value)
            if key.send(up, source=source, tcp=tcp).rcode() != 0:
                errors.append("clean-up")

    threads = [threading.Thread(target=client, args=("127.0.0.%d" % (21 + i), i % 2 == 1)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == [] and values(server, key.name) == set()


# ---- real clients ----


def run(*args, text=None):
    return subprocess.run(args, input=text, capture_output=True, text=True, timeout=60)


def key_file(server, key, folder):
    printed = server.admin("credential", "rotate", key.id, "--as", "rfc2136", check=True).stdout
    start = printed.index('key "')
    path = folder / "key.conf"
    path.write_text(printed[start:printed.index("};", start) + 2] + "\n")
    return path, printed


@pytest.mark.skipif(not shutil.which("nsupdate"), reason="no nsupdate")
@pytest.mark.parametrize("options", [[], ["-v"]], ids=["udp", "tcp"])
def test_nsupdate(server, key, tmp_path, options):
    path, _ = key_file(server, key, tmp_path)
    value = a_value()
    address = "server %s %d\n" % server.dns_addr

    def nsupdate(script):
        return run("nsupdate", "-k", str(path), *options, text=address + script + "send\n")

    # No zone is said: it asks for the SOA, signed, and takes the zone from the authority section.
    done = nsupdate('update add %s. 60 in txt "%s"\n' % (key.name, value))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert values(server, key.name) == {value}
    done = nsupdate('prereq nxrrset %s. txt\nupdate add %s. 60 in txt "%s"\n' % (key.name, key.name, a_value()))
    assert done.returncode != 0 and "YXRRSET" in done.stderr
    done = nsupdate("update delete %s. txt\n" % key.name)
    assert done.returncode == 0 and values(server, key.name) == set()
    done = nsupdate("update add other.%s. 60 in txt x\n" % ZONE)
    assert done.returncode != 0 and "REFUSED" in done.stderr
    done = nsupdate("zone example.org\nupdate add x.example.org. 60 in txt x\n")
    assert done.returncode != 0 and "NOTAUTH" in done.stderr


@pytest.mark.skipif(not shutil.which("knsupdate"), reason="no knsupdate")
@pytest.mark.parametrize("options", [[], ["-v"]], ids=["udp", "tcp"])
def test_knsupdate(server, key, tmp_path, options):
    rotated = server.admin_json("credential", "rotate", key.id, "--tsig")
    value = a_value()

    def knsupdate(script):
        return run("knsupdate", "-y", "hmac-sha256:%s:%s" % (key.id, rotated["secret"]), *options,
                   text="server %s %d\nzone %s.\n%ssend\nquit\n" % (*server.dns_addr, ZONE, script))

    done = knsupdate('add %s. 60 txt "%s"\n' % (key.name, value))
    assert done.returncode == 0, done.stdout + done.stderr
    assert values(server, key.name) == {value}
    done = knsupdate('del %s. txt "%s"\n' % (key.name, value))
    assert done.returncode == 0 and values(server, key.name) == set()
    done = knsupdate("add other.%s. 60 txt x\n" % ZONE)
    assert "REFUSED" in done.stdout + done.stderr


def test_what_the_command_line_prints_for_clients_works(server, key, tmp_path):
    path, printed = key_file(server, key, tmp_path)
    lines = dict(line.split("=", 1) for line in printed.splitlines() if line.startswith("RFC2136_"))
    certbot = dict(line.split(" = ") for line in printed.splitlines() if line.startswith("dns_rfc2136_"))
    assert lines["RFC2136_NAMESERVER"] == "'%s:%d'" % server.dns_addr
    assert certbot["dns_rfc2136_server"] == server.dns_addr[0]
    assert certbot["dns_rfc2136_port"] == str(server.dns_addr[1])
    assert certbot["dns_rfc2136_algorithm"] == "HMAC-SHA256"
    key.secret = certbot["dns_rfc2136_secret"]
    assert certbot["dns_rfc2136_name"] == key.id + "."
    assert lines["RFC2136_TSIG_SECRET"] == "'%s'" % key.secret
    assert key.add(a_value()).rcode() == 0
    wrong = server.admin("credential", "create", "--name", key.name, "--tsig", "--as", "lego")
    assert wrong.returncode == 2 and "rfc2136" in wrong.stderr


def test_a_bearer_secret_and_a_tsig_key_are_different_things(server, key):
    assert len(key.secret) == 44
    bearer = server.admin_json("credential", "rotate", key.id)
    assert len(bearer["secret"]) == 40
    kinds = sorted(s["kind"] for s in bearer["secrets"])
    assert kinds == ["sha256", "tsig"]
    assert key.add(a_value()).rcode() == 0, "rotating one kind leaves the other"


def test_metrics_count_signatures_and_updates(server, key):
    import requests

    def metric(name):
        text = requests.get(server.http_url + "/metrics", timeout=5).text
        return float(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])

    before = metric('riposte_dns_tsig_total{result="BADSIG"}'), metric('riposte_dns_updates_total{rcode="NOERROR"}')
    tsig_error(server, key, spoil=True)
    key.add(a_value())
    after = metric('riposte_dns_tsig_total{result="BADSIG"}'), metric('riposte_dns_updates_total{rcode="NOERROR"}')
    assert after == (before[0] + 1, before[1] + 1)
