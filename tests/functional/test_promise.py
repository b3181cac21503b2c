"""The promise of a reply: who has the 200 finds the value in DNS, at once, from every worker, over UDP and TCP.

Thousands of times, each with a question that leaves the moment the reply is there."""

import http.client
import itertools
import json
import socket
import struct
import threading

import pytest

from dnshelp import a_value

ROUNDS = 1500
CLIENTS = 2
TXT, IN, OPT = 16, 1, 41


def question(number, name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (struct.pack(">6H", number & 0xFFFF, 0, 1, 0, 0, 1) + labels + b"\0" + struct.pack(">2H", TXT, IN)
            + b"\0" + struct.pack(">2HIH", OPT, 4096, 0, 0))


class Udp:
    """Several sockets, so that both workers (SO_REUSEPORT) are asked."""

    def __init__(self, server):
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
        for s in self.sockets:
            s.settimeout(10)
            s.connect(server.dns_addr)
        self.turns = itertools.cycle(self.sockets)

    def ask(self, query):
        s = next(self.turns)
        s.send(query)
        return s.recv(65535)

    def close(self):
        for s in self.sockets:
            s.close()


class Tcp:
    def __init__(self, server):
        self.socket = socket.create_connection(server.dns_addr, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def ask(self, query):
        self.socket.sendall(struct.pack(">H", len(query)) + query)
        return self.stream.read(struct.unpack(">H", self.stream.read(2))[0])

    def close(self):
        self.stream.close()
        self.socket.close()


class Client:
    """A keep-alive HTTP connection and a DNS client, both of one host."""

    def __init__(self, server, transport):
        self.http = http.client.HTTPConnection(*server.http_addr, timeout=20)
        self.dns = transport(server)
        self.register()

    def post(self, path, body, headers):
        self.http.request("POST", path, body, headers)
        reply = self.http.getresponse()
        text = reply.read()
        assert reply.status in (200, 201), text
        return text

    def register(self):
        self.account = json.loads(self.post("/register", None, {}))

    def update(self, value):
        self.post("/update", json.dumps({"subdomain": self.account["subdomain"], "txt": value}),
                  {"X-Api-User": self.account["username"], "X-Api-Key": self.account["password"]})

    def is_served(self, number, value):
        answer = self.dns.ask(question(number, self.account["fulldomain"]))
        assert not answer[2] & 0x02, "truncated: the test must leave room"
        return value.encode() in answer

    def close(self):
        self.http.close()
        self.dns.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from conftest import Riposte

    made = Riposte(tmp_path_factory.mktemp("promise"), {
        "registration": {"rate": "0/s"}, "limits": {"changes": "0/s"}, "log": {"level": "warning"},
        "dns": {"workers": 2}, "values": {"max-response": 1024},
    })
    made.start()
    yield made
    made.stop()


def count_stale(server, transport, rounds, register_every):
    """What CLIENTS hosts see, each rounds times."""
    stale, errors = [], []

    def run():
        client = Client(server, transport)
        try:
            for i in range(rounds):
                if register_every and i % register_every == 0:
                    client.register()
                value = a_value()
                client.update(value)
                if not client.is_served(i, value):
                    stale.append(value)
        except Exception as e:  # told by the main thread
            errors.append(e)
        finally:
            client.close()

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    return len(stale)


@pytest.mark.parametrize("transport", [Udp, Tcp])
@pytest.mark.parametrize("register_every", [0, 3], ids=["one name", "while the table grows"])
def test_no_answer_is_older_than_the_reply(server, transport, register_every):
    assert count_stale(server, transport, ROUNDS, register_every) == 0


def test_an_answer_from_before_the_reply_is_told_from_one_after_it(server):
    """The control: were publication late, the test above would see it."""
    client = Client(server, Udp)
    for i in range(50):
        value = a_value()
        assert not client.is_served(i, value)
        client.update(value)
        assert client.is_served(i, value)
    client.close()
