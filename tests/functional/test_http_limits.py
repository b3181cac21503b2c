"""What the HTTP server bounds: bodies, headers, time, connections; and what it refuses to guess."""

import socket
import threading
import time

import pytest
import requests
from conftest import Riposte
from rawhttp import Reply, exchange, read_all, read_reply, request

START = b"POST /register HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def busy_riposte(tmp_path_factory):
    """A server that registers without limit."""
    server = Riposte(tmp_path_factory.mktemp("riposte"), {"registration": {"rate": "0/s"}})
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("length,status", [(4096, 201), (4097, 413), (100000, 413), (900000, 413)])
def test_bodies_are_bounded(riposte, length, status):
    reply = exchange(riposte.http_addr, request("POST", "/register", (), b"{}".ljust(length)))
    assert reply.status == status
    if status == 413:
        assert reply.body == b'{"error": "request_too_large"}'
        assert reply.header("Vary") == "Origin"


def test_the_bound_is_configured_and_reloaded(make_riposte):
    server = make_riposte({"api": {"max-body": "8KiB"}})
    assert exchange(server.http_addr, request("POST", "/register", (), b"{}".ljust(8192))).status == 201
    server.config["api"]["max-body"] = "4KiB"
    server.write_config(server.config)
    server.admin("reload", check=True)
    assert exchange(server.http_addr, request("POST", "/register", (), b"{}".ljust(8192))).status == 413


def test_headers_are_bounded(riposte):
    assert exchange(riposte.http_addr, request("GET", "/health", ("X-Long: " + "a" * 20000,))).status == 431


@pytest.mark.parametrize(
    "raw",
    [
        START + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        START + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        START + b"Content-Length : 2\r\n\r\n{}",
        START + b"Content-Length: -2\r\n\r\n{}",
        START + b"Transfer-Encoding: gzip\r\n\r\n",
        START + b"Host: y\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X-Api-User: a\r\nx-api-user: b\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X-Api-Key: a\r\nx-api-key: b\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X: a\x01b\r\nContent-Length: 2\r\n\r\n{}",
        START + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        START + b"Content-Length:\r\n\t2\r\n\r\n{}",
        START + b"Content-Length: 2\r\n \r\n\r\n{}",
        START + b"X: a\r\n b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X-Forwarded-For: 192.0.2.1\r\n ,192.0.2.2\r\nContent-Length: 2\r\n\r\n{}",
        START + b"Content-Length: 2\x0040\r\n\r\n{}",
        START + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X: a\x00\r\nContent-Length: 2\r\n\r\n{}",
        START + b": y\r\nContent-Length: 2\r\n\r\n{}",
        START + b":\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register HTTP/1.1\r\n: y\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register HTTP/1.1\r\n Host: x\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register\x00/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register?a\x00b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST  /register  HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register?a\tb HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"{}POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_ambiguous_requests_are_refused_and_the_connection_closed(riposte, raw):
    hidden = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(riposte.http_addr, timeout=5) as s:
        s.sendall(raw + hidden)
        received = read_all(s)  # ends, because the server closes
    assert Reply(received).status == 400
    assert b"HTTP/1.1 200" not in received


@pytest.mark.parametrize(
    "raw",
    [
        START + b"Content-Length: 2\r\n\r\n{}",
        START + b"Content-Length: 002\r\n\r\n{}",
        START + b"X:\r\nContent-Length: \t 2\r\n\r\n{}",
        START + b"Content-Length:2\r\nX:\r\n\r\n{}",
        START.replace(b"\r", b"") + b"Content-Length: 2\nX: y\n\n{}",
        START + b"A: b\nContent-Length: 2\r\n\n{}",
        START + b"".join(b"X-%d: %s\r\n" % (i, b"y" * (i * 7)) for i in range(40)) + b"Content-Length: 2\r\n\r\n{}",
        START + b"Cookie: a=b; c=d\r\nX: " + b"y" * 9000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register?a=b&c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST http://x/register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /register HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 65536])
def test_what_is_not_ambiguous_is_served_in_whatever_pieces_it_comes(busy_riposte, raw, piece):
    with socket.create_connection(busy_riposte.http_addr, timeout=5) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):  # the second one begins in a buffer that was used
            for i in range(0, len(raw), piece):
                s.sendall(raw[i : i + piece])
            assert read_reply(s).status == 201


def test_a_target_that_is_no_path_is_not_found(riposte):
    assert exchange(riposte.http_addr, request("GET", "health")).status == 404


def test_chunked_bodies_are_read(riposte):
    raw = START + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n5\r\n\": 1}\r\n0\r\n\r\n"
    assert exchange(riposte.http_addr, raw).status == 201


@pytest.mark.parametrize("body", [b"2\r\n{}\r\n0\r\n\r\n", b"2\n{}\n0\n\n", b"2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
                                  b"2\r\n{}\r\n0\r\nX: y\r\n: z\r\n"])
def test_nothing_behind_a_chunked_body_is_a_request(riposte, body):
    hidden = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(riposte.http_addr, timeout=5) as s:
        s.sendall(START + b"Transfer-Encoding: chunked\r\n\r\n" + body + hidden)
        received = read_all(s)  # ends, because the server closes
    assert Reply(received).status == 201 and Reply(received).header("Connection") == "close"
    assert b"HTTP/1.1 200" not in received


@pytest.mark.parametrize("text", [b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 200,
                                  START + b"Content-Length: 4000\r\n\r\n" + b" " * 200])
def test_a_request_that_drips_is_ended(make_riposte, text):
    server = make_riposte({"api": {"request-timeout": "1s"}})
    started = time.monotonic()
    with socket.create_connection(server.http_addr, timeout=0.05) as s:
        try:
            for byte in text:
                s.sendall(bytes([byte]))
                try:
                    if s.recv(1) == b"":
                        break
                except TimeoutError:
                    pass
        except ConnectionError:
            pass
    assert 0.8 < time.monotonic() - started < 4


def test_a_reader_that_is_slow_harms_nobody(riposte):
    slow = [socket.create_connection(riposte.http_addr) for _ in range(20)]
    for s in slow:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    assert requests.get(riposte.http_url + "/health", timeout=5).status_code == 200
    for s in slow:
        s.close()


def test_one_client_gets_a_quarter_of_the_connections(make_riposte):
    server = make_riposte({"api": {"connections": 40}})
    held = []
    served = 0
    for _ in range(20):
        s = socket.create_connection(server.http_addr, timeout=5)
        held.append(s)
        try:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            served += read_reply(s).status == 200
        except ConnectionError:
            pass
    assert served == 10
    for s in held:
        s.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if requests.get(server.http_url + "/health", timeout=5).status_code == 200:
                break
        except requests.ConnectionError:
            time.sleep(0.05)
    assert 'riposte_http_connections_refused_total{limit="client"}' in requests.get(server.http_url + "/metrics").text


@pytest.mark.parametrize("clients", [128, 256])
def test_keep_alive_clients_at_multiples_of_128(make_riposte, clients):
    """Exactly so many connections, each always waiting for a reply. That the library's own epoll loop, which stalls then,
    is not used is held by tests/unit/api/test_server.c, where all of them are ready on one thread at once."""
    server = make_riposte({"api": {"connections": 4096}, "limits": {"changes": "0/s"}, "registration": {"rate": "0/s"}})
    account = server.register()
    body = ('{"subdomain":"%s","txt":"%s"}' % (account["subdomain"], "v" * 43)).encode()
    raw = (
        "POST /update HTTP/1.1\r\nHost: x\r\nX-Api-User: %s\r\nX-Api-Key: %s\r\nContent-Length: %d\r\n\r\n"
        % (account["username"], account["password"], len(body))
    ).encode() + body
    sockets = [socket.create_connection(server.http_addr, timeout=20) for _ in range(clients)]
    longest = 0
    for _ in range(10):
        started = time.monotonic()
        for s in sockets:
            s.sendall(raw)
        for s in sockets:
            assert read_reply(s).status == 200
        longest = max(longest, time.monotonic() - started)
    for s in sockets:
        s.close()
    assert longest < 5


def test_stopping_answers_what_was_asked(make_riposte):
    server = make_riposte({"api": {"connections": 4096}, "registration": {"rate": "0/s"}})
    replies = []

    def register():
        try:
            replies.append(exchange(server.http_addr, request("POST", "/register", (), b"{}")).status)
        except ConnectionError:
            replies.append(None)  # not accepted any more

    threads = [threading.Thread(target=register) for _ in range(50)]
    for t in threads:
        t.start()
    server.stop()
    for t in threads:
        t.join()
    assert set(replies) <= {201, 503, 0, None}


@pytest.mark.parametrize("sent", [START, START + b"Content-Length: 10\r\n\r\n{}",
                                  START + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", b""])
def test_stopping_waits_for_no_request_that_has_not_come(make_riposte, sent):
    server = make_riposte()
    with socket.create_connection(server.http_addr, timeout=5) as s:
        s.sendall(sent)
        time.sleep(0.2)  # so that the server has read it
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 2
