"""TCP as RFC 7766 and RFC 9210 want it: pipelining, any cut of the stream, half-close, limits, idle connections."""

import socket
import struct
import time

import pytest
import requests

from dnshelp import Client, NOERROR, a_value, check_always, frame, is_closed, query, read_frame


def pipelined(world, n):
    names = [world.holding[7], world.zone, "nothing." + world.zone, world.holding[64], "example.com", "alias1." + world.zone]
    return [query(names[i % len(names)], "TXT", edns=1232 if i % 2 else None, qid=i) for i in range(n)]


def test_many_queries_in_one_segment_are_all_answered_in_order(world, client):
    sent = pipelined(world, 300)
    with client.connect() as s:
        s.sendall(b"".join(frame(q) for q in sent))
        for q in sent:
            check_always(q, read_frame(s), tcp=True)


def test_the_stream_may_be_cut_anywhere(world, client):
    sent = pipelined(world, 6)
    stream = b"".join(frame(q) for q in sent)
    for step in (1, 2, 3, 7, 64):
        with client.connect() as s:
            for at in range(0, len(stream), step):
                s.send(stream[at:at + step])
            for q in sent:
                check_always(q, read_frame(s), tcp=True)


def test_a_query_sent_octet_by_octet(world, client):
    sent = query(world.holding[7])
    with client.connect() as s:
        for octet in frame(sent):
            s.send(bytes([octet]))
            time.sleep(0.001)
        assert check_always(sent, read_frame(s), tcp=True).an == 7


def test_a_connection_stays_for_many_queries(world, client):
    with client.connect() as s:
        for i in range(500):
            sent = query(world.zone, "SOA", qid=i)
            s.sendall(frame(sent))
            assert check_always(sent, read_frame(s), tcp=True).an == 1


def test_length_and_message_arrive_in_one_segment(world, client):
    """RFC 7766 section 8: some clients fail otherwise."""
    sent = query(world.holding[7])
    with client.connect() as s:
        s.sendall(frame(sent))
        got = s.recv(65535)
        assert len(got) > 2 and struct.unpack("!H", got[:2])[0] == len(got) - 2


def test_answers_to_one_segment_come_together(world, client):
    """All that one read brought is answered with one write."""
    sent = [query(world.zone, "SOA", qid=i) for i in range(5)]
    with client.connect() as s:
        s.sendall(b"".join(frame(q) for q in sent))
        got = s.recv(65535)
        n = 0
        while got:
            length = struct.unpack("!H", got[:2])[0]
            check_always(sent[n], got[2:2 + length], tcp=True)
            got, n = got[2 + length:], n + 1
        assert n == 5


def test_a_client_that_closes_its_half_still_gets_its_answers(world, client):
    sent = pipelined(world, 50)
    with client.connect() as s:
        s.sendall(b"".join(frame(q) for q in sent))
        s.shutdown(socket.SHUT_WR)
        for q in sent:
            check_always(q, read_frame(s), tcp=True)
        assert is_closed(s)


@pytest.mark.parametrize("length", [0, 1, 11])
def test_a_length_below_a_header_ends_the_connection(world, client, length):
    before = query(world.zone, "SOA")
    with client.connect() as s:
        s.sendall(frame(before) + struct.pack("!H", length) + b"\0" * length + frame(query(world.zone)))
        check_always(before, read_frame(s), tcp=True)
        assert is_closed(s)


def test_a_client_that_resets_or_never_reads_harms_nobody(world, client):
    big = frame(query("big." + world.zone))
    stuck = client.connect()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.setblocking(False)
    try:
        for _ in range(2000):
            stuck.send(big)
    except BlockingIOError:
        pass
    for _ in range(20):
        s = client.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(big * 20)
        s.close()
        assert client.tcp(query(world.zone, "SOA")).an == 1
    stuck.close()


def test_large_answers_are_pipelined_whole(world, client):
    sent = [query("big." + world.zone, qid=i) for i in range(40)]
    with client.connect() as s:
        s.sendall(b"".join(frame(q) for q in sent))
        for q in sent:
            assert check_always(q, read_frame(s), tcp=True).rcode == NOERROR


def metric(server, name):
    text = requests.get(server.http_url + "/metrics", timeout=10).text
    (line,) = [l for l in text.splitlines() if l.startswith(name + " ")]
    return float(line.split()[1])


def test_idle_connections_are_closed_and_busy_ones_are_not(make_riposte):
    server = make_riposte({"dns": {"tcp-idle": "1s"}})
    client = Client(server.dns_addr)
    sent = query(server.zone, "SOA")
    silent, dripping, half, busy = (client.connect() for _ in range(4))
    half.sendall(frame(sent)[:10])
    started = time.monotonic()
    closed = {}
    octets = iter(frame(sent) * 100)
    while time.monotonic() - started < 1.8:
        busy.sendall(frame(sent))
        check_always(sent, read_frame(busy), tcp=True)
        if dripping is not None and "dripping" not in closed:
            try:
                # never a whole query: octets of an incomplete one do not count
                if time.monotonic() - started < 0.9:
                    dripping.send(bytes([next(octets)]))
            except OSError:
                closed["dripping"] = time.monotonic() - started
        time.sleep(0.1)
    for s in (silent, half, dripping):
        assert is_closed(s, within=1)
    busy.sendall(frame(sent))
    check_always(sent, read_frame(busy), tcp=True)
    assert metric(server, "riposte_dns_tcp_timeouts_total") == 3
    assert metric(server, "riposte_dns_tcp_open") == 1
    busy.close()
    client.close()


def test_one_client_gets_a_quarter_of_the_connections(make_riposte):
    server = make_riposte({"dns": {"tcp-connections": 8}})
    client = Client(server.dns_addr)
    sent = query(server.zone, "SOA")
    mine = [client.connect() for _ in range(2)]
    for s in mine:
        s.sendall(frame(sent))
        check_always(sent, read_frame(s), tcp=True)
    third = client.connect()
    assert is_closed(third)
    assert metric(server, "riposte_dns_tcp_refused_total") == 1

    # Other networks have their own share; with all eight in use the longest idle one makes room.
    others = []
    for i in range(2, 6):
        for _ in range(2):
            s = socket.socket()
            s.settimeout(5)
            s.bind(("127.0.0.%d" % i, 0))
            s.connect(server.dns_addr)
            s.sendall(frame(sent))
            check_always(sent, read_frame(s), tcp=True)
            others.append(s)
    assert all(is_closed(s) for s in mine)
    assert metric(server, "riposte_dns_tcp_open") == 8
    for s in others:
        s.sendall(frame(sent))
        check_always(sent, read_frame(s), tcp=True)
    others.pop().close()
    time.sleep(0.1)
    assert client.tcp(sent).an == 1, "a place that was given back is free"
    for s in mine + others + [third]:
        s.close()
    client.close()


def test_values_up_to_the_largest_response_are_served_over_tcp(make_riposte):
    """max-response 64000 leaves 63488 octets: 1133 challenge values, and the 1134th evicts one."""
    server = make_riposte({"values": {"max-response": 64000}})
    account = server.register()
    client = Client(server.dns_addr)
    values = [a_value() for _ in range(1134)]
    for at in range(0, len(values), 64):
        server.admin("value", "add", account["fulldomain"], "--", *values[at:at + 64], check=True)
    reply = client.tcp(query(account["fulldomain"], edns=4096))
    assert reply.an == 1133 and set(reply.texts()) <= {v.encode() for v in values} and values[-1].encode() in reply.texts()
    assert len(reply.wire) > 63000
    assert client.udp(query(account["fulldomain"], edns=4096)).an == 0
    client.close()
