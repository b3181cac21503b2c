"""Questions to the daemon, for tests."""

import base64
import os
import socket
import struct

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype


def a_value():
    """A challenge value like any other: base64url of 32 octets."""
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


def ask(server, name, qtype="TXT", tcp=False, edns=1232, want_dnssec=False, timeout=5, **kw):
    query = dns.message.make_query(name, qtype, use_edns=edns is not None and 0, payload=edns or 0,
                                   want_dnssec=want_dnssec, **kw)
    query.flags &= ~dns.flags.RD
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, server.dns_addr[0], port=server.dns_addr[1], timeout=timeout)


def values(server, name):
    """The set of values that is served, over TCP so that all of them come; None: the name does not exist."""
    answer = ask(server, name, tcp=True)
    if answer.rcode() == 3:
        return None
    assert answer.rcode() == 0, answer
    return {b"".join(rd.strings).decode() for rrset in answer.answer for rd in rrset}


# ---- messages octet by octet, for what a library would not send or would not show ----

QR, AA, TC, RD = 0x8000, 0x0400, 0x0200, 0x0100
RA, Z, AD, CD = 0x0080, 0x0040, 0x0020, 0x0010
DO, CO = 0x8000, 0x4000  # of EDNS
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH, BADVERS = 0, 1, 2, 3, 4, 5, 9, 16
IN, CH, HS, NONE, ANY = 1, 3, 4, 254, 255


def wire_name(name):
    """Uncompressed, the case kept; octets are taken as they are."""
    return name if isinstance(name, bytes) else dns.name.from_text(name).to_wire()


def option(code, data=b""):
    return struct.pack("!HH", code, len(data)) + data


def opt_record(size=1232, version=0, flags=0, options=b"", owner=b"\0", length=None, extended_rcode=0):
    return owner + struct.pack("!HHBBHH", 41, size, extended_rcode, version, flags,
                               len(options) if length is None else length) + options


def record(name=b"\0", rtype=16, rclass=IN, ttl=0, rdata=b""):
    return wire_name(name) + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata)) + rdata


def question(name, qtype="TXT", qclass=IN):
    return wire_name(name) + struct.pack("!HH", dns.rdatatype.RdataType.make(qtype), qclass)


def message(body=b"", flags=0, opcode=0, rcode=0, counts=(1, 0, 0, 0), qid=None):
    qid = int.from_bytes(os.urandom(2), "big") if qid is None else qid
    return struct.pack("!HH4H", qid, flags | opcode << 11 | rcode, *counts) + body


def query(name, qtype="TXT", qclass=IN, flags=0, edns=None, **header):
    """edns: the OPT record (opt_record()), or the size to announce in an ordinary one."""
    if isinstance(edns, int):
        edns = opt_record(edns)
    return message(question(name, qtype, qclass) + (edns or b""), flags=flags,
                   counts=(1, 0, 0, 1 if edns else 0), **header)


class Reply:
    """One response, parsed strictly: no octet left over, nothing but what the counts say."""

    def __init__(self, wire):
        assert len(wire) >= 12, wire
        self.wire = wire
        self.id, self.flags, self.qd, self.an, self.ns, self.ar = struct.unpack("!6H", wire[:12])
        self.opcode = self.flags >> 11 & 15
        if len(wire) > 12:
            self.message = dns.message.from_wire(wire)  # raises for what is left over
        else:  # where it raises for opcodes that it does not know
            assert (self.qd, self.an, self.ns, self.ar) == (0, 0, 0, 0)
            self.message = dns.message.Message(self.id)
            self.message.flags = self.flags
        self.rcode = int(self.message.rcode())
        at = 12
        for _ in range(self.qd):
            while wire[at]:
                assert wire[at] < 64
                at += wire[at] + 1
            at += 5
        self.question = wire[12:at]
        self.answer = [(rrset, rd) for rrset in self.message.answer for rd in rrset]
        self.authority = [(rrset, rd) for rrset in self.message.authority for rd in rrset]
        self.additional = [(rrset, rd) for rrset in self.message.additional for rd in rrset]
        self.edns = self.message.edns >= 0
        self.options = {int(o.otype): o for o in self.message.options}
        assert (self.an, self.ns) == (len(self.answer), len(self.authority)), "a record is there twice"

    def has(self, flag):
        return self.flags & flag != 0

    @property
    def ede(self):
        return int(self.options[15].code) if 15 in self.options else None

    @property
    def soa(self):
        """(owner, TTL, data) of the one SOA record in the authority section."""
        (one,) = self.authority
        assert one[1].rdtype == dns.rdatatype.SOA
        return one[0].name, one[0].ttl, one[1]

    def texts(self):
        return [b"".join(rd.strings) for _, rd in self.answer if rd.rdtype == dns.rdatatype.TXT]

    def is_nodata(self):
        return self.rcode == NOERROR and self.an == 0 and self.ns == 1 and self.soa is not None

    def is_nxdomain(self):
        return self.rcode == NXDOMAIN and self.an == 0 and self.ns == 1 and self.soa is not None


def announced_size(wire):
    """What an ordinary query (one question, at most the OPT record behind it) announces; 512 without EDNS."""
    at = 12
    while at < len(wire) and wire[at]:
        at += wire[at] + 1
    at += 5
    if wire[4:12] == b"\0\1\0\0\0\0\0\1" and wire[at:at + 3] == b"\0\0\x29":
        return max(512, int.from_bytes(wire[at + 3:at + 5], "big"))
    return 512


def check_always(sent, wire, tcp, udp_size=1232):
    """What is true of every response, whatever was asked (DESIGN "DNS rules"); gives it parsed."""
    reply = Reply(wire)
    sent_flags = int.from_bytes(sent[2:4], "big")
    assert wire[:2] == sent[:2]
    assert reply.has(QR) and reply.opcode == sent_flags >> 11 & 15
    assert not reply.has(RA) and not reply.has(Z) and not reply.has(AD)
    if reply.rcode == NOTIMP:
        assert len(wire) == 12 and reply.flags & 0x07f0 == 0, "NOTIMP is a bare header"
    else:
        assert reply.has(RD) == (sent_flags & RD != 0) and reply.has(CD) == (sent_flags & CD != 0)
    assert reply.question in (b"", sent[12:12 + len(reply.question)]), "the question comes back octet for octet"
    if reply.rcode not in (NOERROR, NXDOMAIN):
        assert not reply.has(AA) and (reply.an, reply.ns) == (0, 0)
        assert not [rd for rrset, rd in reply.additional]
    if tcp:
        assert not reply.has(TC)
    else:
        assert len(wire) <= min(announced_size(sent), max(udp_size, 512))
    if reply.has(TC):
        assert not reply.answer and not reply.authority and not reply.additional, "nothing of a truncated answer"
    if reply.edns:
        assert reply.message.edns == 0 and reply.message.payload == udp_size
        assert reply.message.ednsflags & 0x7fff == 0, "all flags of EDNS but DO are zero"
    for rrset in reply.message.answer + reply.message.authority + reply.message.additional:
        assert rrset.rdclass in (IN, CH)
    return reply


class Client:
    """Sends octets to the daemon and checks what is true of every response. One socket for all questions."""

    def __init__(self, address, udp_size=1232, timeout=5):
        self.address = address
        self.udp_size = udp_size
        self.timeout = timeout
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.family = family
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)

    def close(self):
        self.socket.close()

    def udp(self, wire):
        self.socket.send(wire)
        return check_always(wire, self.socket.recv(65535), False, self.udp_size)

    def udp_silence(self, wire, then):
        """wire is not answered: the next response is that to `then`. One worker answers in order."""
        self.socket.send(wire)
        return self.udp(then)

    def connect(self):
        s = socket.socket(self.family, socket.SOCK_STREAM)
        s.settimeout(self.timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.connect(self.address)
        return s

    def tcp(self, wire):
        with self.connect() as s:
            s.sendall(frame(wire))
            return check_always(wire, read_frame(s), True, self.udp_size)

    def ask(self, wire, tcp=False):
        return self.tcp(wire) if tcp else self.udp(wire)


def frame(wire):
    return struct.pack("!H", len(wire)) + wire


def read_exactly(s, n):
    got = b""
    while len(got) < n:
        more = s.recv(n - len(got))
        if not more:
            raise EOFError(got)
        got += more
    return got


def read_frame(s):
    return read_exactly(s, int.from_bytes(read_exactly(s, 2), "big"))


def is_closed(s, within=5):
    """The peer closes the connection within so many seconds, without another octet."""
    s.settimeout(within)
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
