"""Messages that nobody should send: a clean FORMERR when there is a header to answer, silence when there is none, and a
server that goes on."""

import random

import pytest

from dnshelp import (
    FORMERR, IN, NOERROR, QR, REFUSED, Reply, frame, message, opt_record, option, query, question, read_frame, record,
)

TRANSPORTS = pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])


def probe(world):
    return query(world.zone, "SOA")


# ---- silence ----

@pytest.mark.parametrize("length", range(12))
def test_a_datagram_without_a_header_gets_no_reply(world, client, length):
    reply = client.udp_silence(query(world.zone, "SOA")[:length], then=probe(world))
    assert reply.an == 1


@pytest.mark.parametrize("opcode", [0, 1, 4, 5, 15])
def test_a_response_gets_no_response(world, client, opcode):
    """Two servers that answered each other's answers would never stop."""
    for sent in (query(world.zone, "SOA", flags=QR, opcode=opcode), message(flags=QR, opcode=opcode, counts=(0, 0, 0, 0)),
                 query(world.zone, "SOA", flags=QR, opcode=opcode, rcode=1)):
        reply = client.udp_silence(sent, then=probe(world))
        assert reply.an == 1


def test_our_own_responses_sent_back_get_no_response(world, client):
    for sent in (query(world.holding[7]), query("example.com"), message(counts=(0, 0, 0, 0)), query(world.zone, opcode=9)):
        assert client.udp_silence(client.udp(sent).wire, then=probe(world)).an == 1


def test_a_response_over_tcp_gets_no_response_and_the_connection_stays(world, client):
    with client.connect() as s:
        s.sendall(frame(query(world.zone, "SOA", flags=QR)) + frame(query(world.zone, "SOA", qid=77)))
        assert read_frame(s)[:2] == b"\0\x4d"


# ---- counts ----

ONE = question("example.com", "A")
A = record("example.com", 1, IN, 0, b"\1\2\3\4")
COUNTS = {
    "no-question": (b"", (0, 0, 0, 0)),
    "no-question-but-opt": (opt_record(), (0, 0, 0, 1)),
    "no-question-but-one-behind": (ONE, (0, 0, 0, 0)),
    "two-questions": (ONE + ONE, (2, 0, 0, 0)),
    "two-questions-and-opt": (ONE + ONE + opt_record(), (2, 0, 0, 1)),
    "two-questions-one-there": (ONE, (2, 0, 0, 0)),
    "65535-questions": (ONE, (65535, 0, 0, 0)),
    "answer": (ONE + A, (1, 1, 0, 0)),
    "answer-and-opt": (ONE + A + opt_record(), (1, 1, 0, 1)),
    "authority": (ONE + A, (1, 0, 1, 0)),
    "answer-counted-but-missing": (ONE, (1, 1, 0, 0)),
    "additional-counted-but-missing": (ONE, (1, 0, 0, 1)),
    "65535-of-all": (ONE, (65535, 65535, 65535, 65535)),
    "opt-in-the-answer-section": (ONE + opt_record(), (1, 1, 0, 0)),
    "opt-in-the-authority-section": (ONE + opt_record(), (1, 0, 1, 0)),
}


@TRANSPORTS
@pytest.mark.parametrize("body,counts", COUNTS.values(), ids=COUNTS)
def test_other_counts_than_one_question_are_formerr(client, body, counts, tcp):
    reply = client.ask(message(body, counts=counts), tcp)
    assert reply.rcode == FORMERR
    whole_opt = counts[3] == 1 and body.endswith(opt_record()) and counts[0] + counts[1] <= 2
    assert reply.edns == whole_opt, "an error carries an OPT record when the query was read up to its own"


def test_ixfr_alone_may_have_an_authority_record(world, client):
    soa = record(world.zone, 6, IN, 0, b"\0\0" + b"\0" * 20)
    assert client.udp(message(question(world.zone, "IXFR") + soa, counts=(1, 0, 1, 0))).rcode == REFUSED
    assert client.udp(message(question(world.zone, "IXFR") + soa * 2, counts=(1, 0, 2, 0))).rcode == FORMERR
    assert client.udp(message(question(world.zone, "SOA") + soa, counts=(1, 0, 1, 0))).rcode == FORMERR


def test_octets_behind_the_message_are_tolerated(world, client):
    for more in (b"\0", b"x", b"\0" * 100, opt_record(), b"\xff" * 500):
        for tcp in (False, True):
            reply = client.ask(query(world.holding[7]) + more, tcp)
            assert reply.rcode == NOERROR and reply.an == 7 and not reply.edns
            reply = client.ask(query(world.holding[7], edns=1232) + more, tcp)
            assert reply.rcode == NOERROR and reply.an == 7 and reply.edns


# ---- names ----

TAIL = b"\0\x10\0\1"
NAMES = {
    "label-type-01": b"\x41" + b"a" * 65 + b"\0",
    "label-type-10": b"\x81" + b"a" * 20 + b"\0",
    "bit-string-label": b"\x41\x08\xff\0",
    "label-of-64": b"\x40" + b"a" * 64 + b"\0",
    "pointer-to-itself": b"\xc0\x0c",
    "pointer-forward": b"\xc0\x0e\1a\0",
    "pointer-into-the-header": b"\xc0\x00",
    "pointer-behind-a-label": b"\1a\xc0\x0c",
    "pointer-loop": b"\1a\xc0\x10\xc0\x0e",
    "pointer-far-away": b"\xff\xff",
    "half-a-pointer": b"\xc0",
    "256-octets": b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\x3f" + b"c" * 63 + b"\x3e" + b"d" * 62 + b"\0",
    "256-octets-of-one-octet-labels": b"\1a" * 127 + b"\1b\0",
    "300-octets": b"\1a" * 150 + b"\0",
    "label-past-the-end": b"\x3fabc",
    "label-past-the-end-after-others": b"\1a\1b\x3f",
}


@TRANSPORTS
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_malformed_names_are_formerr(client, name, tcp):
    for tail in (TAIL, TAIL + opt_record(), b""):
        reply = client.ask(message(name + tail, counts=(1, 0, 0, 1 if len(tail) > 4 else 0)), tcp)
        assert reply.rcode == FORMERR and reply.qd == 0


@TRANSPORTS
def test_a_query_cut_anywhere_is_formerr(world, client, tcp):
    whole = query(world.holding[7], edns=opt_record(options=option(100, b"abcd")))
    for length in range(12, len(whole)):
        reply = client.ask(whole[:length], tcp)
        assert reply.rcode == FORMERR, length
        parsed = length >= 12 + len(question(world.holding[7]))
        assert reply.qd == (1 if parsed else 0)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_malformed_names_of_records_are_formerr_or_skipped(world, client, name):
    """Of an additional record only its end matters, so a pointer there may lead anywhere."""
    sent = message(question(world.zone, "SOA") + name + b"\0\1\0\1\0\0\0\0\0\4\1\2\3\4", counts=(1, 0, 0, 1))
    for tcp in (False, True):
        assert client.ask(sent, tcp).rcode in (FORMERR, NOERROR)


def test_datagrams_up_to_4096_octets_are_read_and_longer_ones_are_formerr(world, client):
    for total, rcode in ((4095, NOERROR), (4096, NOERROR), (4097, FORMERR), (9000, FORMERR), (60000, FORMERR)):
        sent = query(world.zone, "SOA", edns=opt_record())
        pad = total - len(sent) - 4
        sent = query(world.zone, "SOA", edns=opt_record(options=option(65001, b"x" * pad)))
        assert len(sent) == total
        assert client.udp(sent).rcode == rcode
        assert client.tcp(sent).rcode == NOERROR


# ---- at random ----

def mutate(rng, wire):
    out = bytearray(wire)
    for _ in range(rng.randint(1, 6)):
        kind = rng.randrange(5)
        at = rng.randrange(len(out)) if out else 0
        if kind == 0 and out:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and out:
            out[at] = rng.choice((0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff))
        elif kind == 2:
            out[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 8)))
        elif kind == 3 and out:
            del out[at:at + rng.randint(1, 8)]
        else:
            del out[rng.randint(0, len(out)):]
    return bytes(out)


def test_random_damage_never_gets_a_bad_reply(world, client):
    """Whatever comes back holds to the rules; and the server is there afterwards."""
    rng = random.Random(8906)
    seeds = [
        query(world.holding[7], edns=opt_record(options=option(3) + option(100, b"x"))),
        query(world.holding[64], "ANY"), query("nothing." + world.zone, "CAA", edns=512),
        query("alias1." + world.zone, "A"), query("version.bind", "TXT", 3),
        message(question(world.zone, "IXFR") + record(world.zone, 6, IN, 0, b"\0\0" + b"\0" * 20), counts=(1, 0, 1, 0)),
        message(question(world.zone, "SOA") + record(b"\1x\0", 1, IN, 0, b"1234") + opt_record(), counts=(1, 0, 0, 2)),
    ]
    marker = query(world.zone, "SOA", qid=0)
    for _ in range(3000):
        sent = mutate(rng, rng.choice(seeds))
        if len(sent) >= 2 and sent[:2] == b"\0\0":
            continue  # the marker's
        client.socket.send(sent)
        client.socket.send(marker)
        wire = client.socket.recv(65535)
        if wire[:2] == b"\0\0":
            assert len(sent) < 12 or sent[2] & 0x80, sent.hex()  # only these are met with silence
            continue
        check_sizes(sent, wire)
        assert client.socket.recv(65535)[:2] == b"\0\0"
    assert world.server.process.poll() is None


def check_sizes(sent, wire):
    """check_always() finds the announced size in ordinary queries only; these are anything but."""
    reply = Reply(wire)
    assert wire[:2] == sent[:2] and reply.has(QR) and len(wire) <= 1232
    assert reply.opcode == sent[2] >> 3 & 15
    assert reply.question in (b"", sent[12:12 + len(reply.question)])


def test_noise_over_tcp_never_stops_the_server(world, client):
    rng = random.Random(7766)
    for _ in range(100):
        with client.connect() as s:
            try:
                s.sendall(bytes(rng.randrange(256) for _ in range(rng.randint(0, 300))))
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert client.tcp(probe(world)).an == 1
