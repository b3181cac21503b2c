"""All doors produce the same requests: who may change a value is the same through each of them, said with the same word;
and what many credentials do to one name through all of them at once is exactly what was acknowledged.

tests/functional/test_v1_rights.py has the operations that only /v1 knows."""

import random
import threading
import time

import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest
import requests
from conftest import ZONE, Riposte
from dnshelp import a_value, values
from test_admin import call as local
from test_admin import word

ACTIONS = ("add", "remove", "read", "manage")
CONFIG = {"limits": {"changes": "0/s"}, "registration": {"allow": "none"}}

ACTION, NAME, YOURS, NETWORK = "action-not-in-scope", "name-not-in-scope", "not-your-value", "network"


class Holder:
    """A credential that has a secret and a TSIG key."""

    def __init__(self, server, name, actions=("add", "remove", "read"), label=None):
        self.label = label or word()
        body = {"names": [name], "actions": list(actions), "label": self.label}
        made = local(server, "POST", "/v1/credentials", body)
        assert made.status == 201, made.body
        self.server, self.name, self.id, self.secret = server, name, made.json()["credential"], made.json()["secret"]
        rotated = local(server, "POST", "/v1/credentials/%s/rotate" % self.id, {"tsig": True})
        assert rotated.status == 200, rotated.body
        self.tsig = dns.tsig.Key(self.id + ".", rotated.json()["secret"], "hmac-sha256")

    def set(self, **members):
        assert local(self.server, "PATCH", "/v1/credentials/" + self.id, members).status == 200


# ---- one value through each door: None when it is done, else the word of the refusal ----


def refusal_of(server, request_id):
    found = server.admin_json("refusals", "--request", request_id)
    assert len(found) == 1, found
    return found[0]["reason"]


def http_outcome(server, reply):
    if reply.ok:
        return None
    reason = refusal_of(server, reply.headers["Riposte-Request"])
    assert reply.headers.get("Riposte-Refused") == reason
    return reason


def acmedns(path):
    def change(who, name, value):
        reply = requests.post(
            who.server.http_url + path,
            json={"subdomain": name.split(".")[0], "txt": value},
            headers={"X-Api-User": who.id, "X-Api-Key": who.secret},
            timeout=20,
        )
        assert reply.ok or (reply.status_code, reply.text) == (401, '{"error": "forbidden"}')
        return http_outcome(who.server, reply)

    return change


def httpreq(path):
    def change(who, name, value):
        reply = requests.post(
            who.server.http_url + path, json={"fqdn": name + ".", "value": value}, auth=(who.id, who.secret), timeout=20
        )
        return http_outcome(who.server, reply)

    return change


def v1(method):
    def change(who, name, value):
        reply = requests.request(
            method,
            "%s/v1/names/%s/values/%s" % (who.server.http_url, name, value),
            headers={"Authorization": "Bearer %s.%s" % (who.id, who.secret)},
            timeout=20,
        )
        outcome = http_outcome(who.server, reply)
        assert outcome is None or reply.json()["type"] == "/problems/" + outcome
        return outcome

    return change


def update(kind, tcp=False):
    def change(who, name, value):
        message = dns.update.UpdateMessage(ZONE)
        message.use_tsig(who.tsig)
        owner = dns.name.from_text(name)
        if kind == "add":
            message.add(owner, 60, "TXT", '"%s"' % value)
        elif kind == "delete":
            message.delete(owner, "TXT", '"%s"' % value)
        else:
            message.delete(owner, "TXT")
        send = dns.query.tcp if tcp else dns.query.udp
        addr = who.server.dns_addr
        reply = send(message, addr[0], port=addr[1], timeout=20)
        assert reply.had_tsig
        if reply.rcode() == dns.rcode.NOERROR:
            return None
        assert reply.rcode() == dns.rcode.REFUSED
        mine = [r for r in who.server.admin_json("refusals") if who.label in r["who"]]
        return max(mine, key=lambda r: r["time"])["reason"]

    return change


ADD = {
    "acme-dns": acmedns("/update"),
    "httpreq": httpreq("/present"),
    "v1": v1("PUT"),
    "update": update("add"),
    "update over tcp": update("add", tcp=True),
}
REMOVE = {
    "acme-dns": acmedns("/delete"),
    "httpreq": httpreq("/cleanup"),
    "v1": v1("DELETE"),
    "update": update("delete"),
    "update over tcp": update("delete", tcp=True),
}

# operation, the name, whose claim is there -> with the action add, remove, read, manage; through every door.
TABLE = [
    ("add", "in", "nobody", None, ACTION, ACTION, ACTION),
    ("add", "in", "own", None, ACTION, ACTION, ACTION),
    ("add", "in", "other", None, ACTION, ACTION, ACTION),
    ("add", "out", "nobody", NAME, NAME, NAME, NAME),
    ("add", "out", "other", NAME, NAME, NAME, NAME),
    ("remove", "in", "nobody", ACTION, None, ACTION, None),
    ("remove", "in", "own", ACTION, None, ACTION, None),
    ("remove", "in", "other", ACTION, YOURS, ACTION, None),
    ("remove", "in", "both", ACTION, None, ACTION, None),
    ("remove", "out", "nobody", NAME, NAME, NAME, NAME),
    ("remove", "out", "other", NAME, NAME, NAME, NAME),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Riposte(tmp_path_factory.mktemp("doors"), CONFIG).start()
    for account in ("team", "others"):
        made.admin("account", "create", account, check=True)
    yield made
    made.stop()


def make_name(server, account):
    return server.admin_json("name", "create", "--account", account, "--label", word())["name"]


def holders_of(owner):
    return {"nobody": (), "own": ("me",), "other": ("other",), "both": ("me", "other")}[owner]


def left_after(operation, owner, action):
    """Whether the value is served after it was done."""
    if operation == "add":
        return True
    return owner == "both" and action != "manage"  # manage ends everybody's


@pytest.mark.parametrize("door", ADD)
@pytest.mark.parametrize("row", TABLE, ids=lambda r: "%s-%s-%s" % r[:3])
def test_rights_are_the_same_through_every_door(server, door, row):
    operation, scope, owner, *expected = row
    own, foreign = make_name(server, "team"), make_name(server, "others")
    name = own if scope == "in" else foreign
    me, other = Holder(server, own), Holder(server, name)
    change = (ADD if operation == "add" else REMOVE)[door]
    for action, want in zip(ACTIONS, expected):
        for networks in ([], ["192.0.2.0/24", "2001:db8::/32"]):
            value = a_value()
            me.set(actions=["add"], networks=[])
            for who in holders_of(owner):
                assert ADD["v1"]({"me": me, "other": other}[who], name, value) is None
            me.set(actions=[action], networks=networks)
            told = change(me, name, value)
            assert told == (NETWORK if networks else want), (action, networks)
            there = left_after(operation, owner, action) if told is None else owner != "nobody"
            assert (value in values(server, name)) == there, (action, networks)


# ---- many at once ----

HOSTS = 16
POOL = 40  # values that all of them use; fewer than fit, so that nothing is evicted
SECONDS = 4


class Host(threading.Thread):
    """Adds and removes at random through a random door, and keeps what was acknowledged."""

    def __init__(self, holder, pool, seed, until):
        super().__init__()
        self.holder, self.pool, self.until, self.random = holder, pool, until, random.Random(seed)
        self.claims, self.done, self.failure = set(), 0, None

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.step()
        except Exception as e:  # noqa: BLE001 -- shown by the test
            self.failure = e

    def step(self):
        value = self.random.choice(self.pool)
        kind = self.random.random()
        if kind < 0.55:
            assert self.random.choice(list(ADD.values()))(self.holder, self.holder.name, value) is None
            self.claims.add(value)
        elif kind < 0.97:
            outcome = self.random.choice(list(REMOVE.values()))(self.holder, self.holder.name, value)
            assert outcome is None if value in self.claims else outcome in (None, YOURS), outcome
            self.claims.discard(value)
        else:  # the same client network: all of its own
            assert update("delete set")(self.holder, self.holder.name, None) is None
            self.claims.clear()
        self.done += 1


def test_what_many_do_at_once_is_what_was_acknowledged(server):
    name = make_name(server, "team")
    holders = [Holder(server, name, label="host%d" % i) for i in range(HOSTS)]
    pool = [a_value() for _ in range(POOL)]
    until = time.monotonic() + SECONDS
    hosts = [Host(holder, pool, i, until) for i, holder in enumerate(holders)]
    for host in hosts:
        host.start()
    for host in hosts:
        host.join()
    assert [h.failure for h in hosts if h.failure] == []
    assert all(h.done > 0 for h in hosts)
    expected = set().union(*(h.claims for h in hosts))
    assert values(server, name) == expected, "after %d changes" % sum(h.done for h in hosts)
    for host in hosts:  # and each holds its own, no more and no less
        held = local(server, "GET", "/v1/names/%s/values" % name).json()["items"]
        mine = {v["value"] for v in held for c in v["claims"] if c["credential"] == host.holder.id}
        assert mine == host.claims
    server.kill()
    server.start()
    assert values(server, name) == expected, "after a crash"
