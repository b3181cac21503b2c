"""The admin socket: its HTTP API with plain HTTP over the unix socket, and the command line that speaks it."""

import datetime
import http.client
import json
import os
import socket
import sqlite3
import threading
import uuid

import pytest

from dnshelp import a_value, ask, values

BUDGET = 3584


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=20):
        super().__init__("riposte", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def call(server, method, path, body=None, headers=None):
    connection = UnixConnection(server.config["admin"]["socket"])
    data = json.dumps(body) if isinstance(body, (dict, list)) else body
    connection.request(method, path, body=data, headers=headers or {})
    reply = connection.getresponse()
    out = Reply(reply.status, reply.headers, reply.read())
    connection.close()
    return out


def problem(reply, status, word):
    assert reply.status == status, reply.body
    assert reply.headers["Content-Type"] == "application/problem+json"
    p = reply.json()
    assert p["type"] == "/problems/" + word and p["status"] == status and p["title"] and p["detail"]
    assert p["instance"] == reply.headers["Riposte-Request"]
    return p


def word():
    return "x" + uuid.uuid4().hex[:10]


def is_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None


@pytest.fixture
def account(riposte):
    name = word()
    assert call(riposte, "PUT", "/v1/accounts/" + name, {"note": "for a test"}).status == 201
    return name


@pytest.fixture
def name(riposte, account):
    reply = call(riposte, "POST", "/v1/names", {"account": account, "label": word()})
    assert reply.status == 201
    return reply.json()["name"]


def make_credential(server, *names, **members):
    reply = call(server, "POST", "/v1/credentials", {"names": list(names), **members})
    assert reply.status == 201, reply.body
    return reply.json()


# ---- accounts


def test_put_makes_an_account_and_then_sets_it(riposte):
    path = "/v1/accounts/" + word()
    made = call(riposte, "PUT", path, {"note": "Ada", "limits": {"names": 3}})
    assert made.status == 201 and made.headers["Location"] == path
    account = made.json()
    assert is_time(account.pop("created"))
    assert account == {"account": path.split("/")[-1], "note": "Ada", "disabled": False, "limits": {"names": 3}, "names": 0,
                       "unclaimed": False, "deleted": None}
    again = call(riposte, "PUT", path, {"disabled": True})
    assert again.status == 200 and again.json()["disabled"] and again.json()["note"] == "Ada"
    assert call(riposte, "PATCH", path, {"limits": {"names": None}}).json()["limits"] == {"names": None}
    assert call(riposte, "GET", path).json()["limits"] == {"names": None}
    assert call(riposte, "PUT", path).status == 200


def test_a_deleted_account_is_shown_as_such(riposte, account):
    path = "/v1/accounts/" + account
    assert call(riposte, "DELETE", path).status == 204
    assert is_time(call(riposte, "GET", path).json()["deleted"])
    listed = {a["account"] for a in call(riposte, "GET", "/v1/accounts?limit=1000").json()["items"]}
    assert account not in listed
    listed = {a["account"] for a in call(riposte, "GET", "/v1/accounts?limit=1000&deleted=1").json()["items"]}
    assert account in listed
    problem(call(riposte, "DELETE", path), 404, "not-found")


def test_what_cannot_be_an_account_is_refused(riposte, account):
    problem(call(riposte, "PATCH", "/v1/accounts/nobody-here", {}), 404, "not-found")
    problem(call(riposte, "GET", "/v1/accounts/nobody-here"), 404, "not-found")
    problem(call(riposte, "PUT", "/v1/accounts/UPPER", {}), 400, "malformed")
    problem(call(riposte, "PUT", "/v1/accounts/nul%00nul", {}), 400, "malformed")
    problem(call(riposte, "PUT", "/v1/accounts/" + word(), {"limits": {"names": 0}}), 400, "malformed")
    refused = problem(call(riposte, "PUT", "/v1/accounts/" + account, {"nots": "x"}), 422, "unknown-field")
    assert '"nots"' in refused["detail"] and refused["hint"] == 'did you mean "note"?'
    assert '"limits.name"' in problem(
        call(riposte, "PUT", "/v1/accounts/" + account, {"limits": {"name": 1}}), 422, "unknown-field")["detail"]
    problem(call(riposte, "PUT", "/v1/accounts/" + account, "{"), 400, "malformed")
    problem(call(riposte, "PUT", "/v1/accounts/" + account, '{"note":"a","note":"b"}'), 400, "malformed")
    problem(call(riposte, "PUT", "/v1/accounts/" + account, "[]"), 400, "malformed")
    problem(call(riposte, "PUT", "/v1/accounts/" + account, "[" * 5000), 400, "malformed")
    problem(call(riposte, "PUT", "/v1/accounts/" + account, {"note": "x" * 1000}), 413, "too-large")


def test_a_body_that_is_too_large_is_refused_by_its_header(riposte):
    connection = UnixConnection(riposte.config["admin"]["socket"])
    connection.putrequest("PUT", "/v1/accounts/a")
    connection.putheader("Content-Length", str(2 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


# ---- lists


def test_lists_come_in_pages(make_riposte):
    server = make_riposte()
    for i in range(7):
        assert call(server, "PUT", "/v1/accounts/a%d" % i, {}).status == 201
    seen, after, pages = [], None, 0
    while pages == 0 or after is not None:
        page = call(server, "GET", "/v1/accounts?limit=3" + ("&after=" + after if after else "")).json()
        assert len(page["items"]) <= 3
        seen += [a["account"] for a in page["items"]]
        after, pages = page.get("next"), pages + 1
    assert seen == ["a%d" % i for i in range(7)] and pages == 3
    problem(call(server, "GET", "/v1/accounts?limit=x"), 400, "malformed")
    problem(call(server, "GET", "/v1/accounts?limit=0"), 400, "malformed")
    problem(call(server, "GET", "/v1/accounts?after=-1"), 400, "malformed")
    assert len(server.admin_json("account", "list")) == 7


def test_more_than_a_page_of_names_is_listed(make_riposte):
    server = make_riposte({"limits": {"names": 2000}})
    assert call(server, "PUT", "/v1/accounts/many", {}).status == 201
    connection = UnixConnection(server.config["admin"]["socket"])
    for i in range(1100):
        connection.request("POST", "/v1/names", body=json.dumps({"account": "many", "label": "n%d" % i}))
        reply = connection.getresponse()
        assert reply.status == 201, reply.read()
        reply.read()
    page = call(server, "GET", "/v1/names?limit=5000").json()
    assert len(page["items"]) == 1000 and page["next"] == "1000"
    assert len(call(server, "GET", "/v1/names").json()["items"]) == 100
    assert len(server.admin_json("name", "list")) == 1100


def test_names_are_filtered(make_riposte):
    server = make_riposte()
    for account in ("one", "two"):
        assert call(server, "PUT", "/v1/accounts/" + account, {}).status == 201
    for account, label, domains in (("one", "a", ["a.example.com"]), ("one", "b", ["*.Shop.example.com"]),
                                    ("two", "c", ["shop.example.com", "x.example.com"]), ("two", "d", [])):
        body = {"account": account, "label": label, "domains": domains}
        assert call(server, "POST", "/v1/names", body).status == 201

    def labels(query):
        return [n["label"] for n in call(server, "GET", "/v1/names?" + query).json()["items"]]

    assert labels("") == ["a", "b", "c", "d"]
    assert labels("account=two") == ["c", "d"]
    assert labels("domain=_acme-challenge.shop.example.com.") == ["b", "c"]
    assert labels("domain=shop.example.com&account=one") == ["b"]
    assert labels("domain=shop.example.com&limit=1") == ["b"]
    assert labels("domain=shop.example.com&limit=1&after=2") == ["c"]
    assert call(server, "DELETE", "/v1/names/d").status == 204
    assert labels("") == ["a", "b", "c"] and labels("retired=1") == ["a", "b", "c", "d"]
    problem(call(server, "GET", "/v1/names?account=nobody"), 404, "not-found")
    problem(call(server, "GET", "/v1/names?domain=a..b"), 400, "malformed")
    problem(call(server, "GET", "/v1/names?retired=perhaps"), 400, "malformed")


def test_a_name_is_idle_when_nobody_changes_it(make_riposte):
    server = make_riposte({"values": {"lifetime": "2s"}})
    account = server.register()
    call(server, "PUT", "/v1/accounts/one", {})
    unused = call(server, "POST", "/v1/names", {"account": "one", "label": "unused"}).json()["name"]
    assert server.update(account, a_value()).status_code == 200

    def idle(seconds):
        return {n["name"] for n in call(server, "GET", "/v1/names?idle=%d" % seconds).json()["items"]}

    assert idle(3600) == set()
    deadline = datetime.datetime.now() + datetime.timedelta(seconds=20)
    while unused not in idle(3):  # a real clock: this is the whole daemon
        assert datetime.datetime.now() < deadline
    # Its value has expired meanwhile; that it was used a moment ago still counts.
    assert server.update(account, a_value()).status_code == 200
    assert idle(3) == {unused}
    assert server.admin_json("name", "list", "--idle", "3s")[0]["name"] == unused
    problem(call(server, "GET", "/v1/names?idle=x"), 400, "malformed")
    problem(call(server, "GET", "/v1/names?idle=1&account=nobody"), 404, "not-found")


# ---- names


def test_a_name_is_made_with_location_and_shown_by_all_that_it_is_called(riposte, account):
    label = word()
    made = call(riposte, "POST", "/v1/names", {"account": account, "zone": riposte.zone, "label": label,
                                               "domains": ["*.%s.example.com" % label], "subtree": True})
    owner = label + "." + riposte.zone
    assert made.status == 201 and made.headers["Location"] == "/v1/names/" + owner
    shown = made.json()
    assert is_time(shown.pop("created"))
    assert shown == {"name": owner, "label": label, "account": account, "domains": [label + ".example.com"], "aliases": [],
                     "subtree": True, "retired": None, "values": 0, "octets": 0, "budget": BUDGET}
    for called in (owner, owner + ".", owner.upper(), label, label + ".example.com", "*.%s.example.com" % label,
                   "_acme-challenge.%s.example.com" % label):
        reply = call(riposte, "GET", "/v1/names/" + called)
        assert reply.status == 200 and reply.json()["name"] == owner, called
    assert ask(riposte, owner).rcode() == 0


def test_a_label_of_several_and_a_generated_one(riposte, account):
    deep = call(riposte, "POST", "/v1/names", {"account": account, "label": "a." + word()}).json()
    assert deep["label"].startswith("a.") and deep["name"] == deep["label"] + "." + riposte.zone
    generated = call(riposte, "POST", "/v1/names", {"account": account}).json()
    assert len(generated["label"]) >= 6


def test_what_cannot_be_a_name_is_refused(riposte, account, name):
    label = name.split(".")[0]
    problem(call(riposte, "POST", "/v1/names", {"account": account, "label": label}), 409, "label-taken")
    problem(call(riposte, "POST", "/v1/names", {"account": account, "label": "a b"}), 422, "bad-label")
    problem(call(riposte, "POST", "/v1/names", {"account": account, "zone": "example.net"}), 404, "not-found")
    problem(call(riposte, "POST", "/v1/names", {"label": "x"}), 400, "malformed")
    problem(call(riposte, "POST", "/v1/names", {"account": account, "label": 7}), 400, "malformed")
    problem(call(riposte, "POST", "/v1/names", {"account": account, "domains": ["a..b"]}), 400, "malformed")
    problem(call(riposte, "POST", "/v1/names", {"account": account, "domains": "a.example"}), 400, "malformed")
    hint = problem(call(riposte, "POST", "/v1/names", {"account": "nobody-here"}), 404, "not-found")["hint"]
    assert "riposte account create" in hint
    problem(call(riposte, "GET", "/v1/names/not-there"), 404, "not-found")
    problem(call(riposte, "GET", "/v1/names/%ff%00"), 400, "malformed")
    problem(call(riposte, "GET", "/v1/names/%ff"), 404, "not-found")


def test_a_name_is_changed(riposte, account, name):
    changed = call(riposte, "PATCH", "/v1/names/" + name, {"domains": {"add": ["b.example", "c.example"]}, "subtree": True})
    assert changed.status == 200
    assert changed.json()["domains"] == ["b.example", "c.example"] and changed.json()["subtree"]
    changed = call(riposte, "PATCH", "/v1/names/" + name, {"domains": {"remove": ["b.example"]}}).json()
    assert changed["domains"] == ["c.example"] and changed["subtree"]
    other = word()
    call(riposte, "PUT", "/v1/accounts/" + other, {})
    assert call(riposte, "PATCH", "/v1/names/" + name, {"account": other}).json()["account"] == other
    problem(call(riposte, "PATCH", "/v1/names/" + name, {"account": "nobody-here"}), 404, "not-found")
    problem(call(riposte, "PATCH", "/v1/names/" + name, {"domains": {"ad": []}}), 422, "unknown-field")
    problem(call(riposte, "PATCH", "/v1/names/" + name, {"domains": []}), 400, "malformed")
    problem(call(riposte, "PATCH", "/v1/names/" + name, {"label": "x"}), 422, "unknown-field")


def test_a_name_with_values_is_retired_by_force_only(riposte, account, name):
    assert call(riposte, "POST", "/v1/names/%s/values" % name, {"values": [{"value": a_value()}]}).status == 200
    problem(call(riposte, "DELETE", "/v1/names/" + name), 409, "name-in-use")
    assert call(riposte, "DELETE", "/v1/names/%s?force=1" % name).status == 204
    assert values(riposte, name) is None
    shown = call(riposte, "GET", "/v1/names/" + name).json()
    assert is_time(shown["retired"]) and shown["values"] == 0
    problem(call(riposte, "DELETE", "/v1/names/" + name), 404, "not-found")
    label = name.split(".")[0]
    problem(call(riposte, "POST", "/v1/names", {"account": account, "label": label}), 409, "label-retired")
    assert call(riposte, "POST", "/v1/names", {"account": account, "label": label, "revive": True}).status == 201
    assert values(riposte, name) == set()


# ---- values


def test_values_are_added_renewed_listed_and_removed(riposte, name):
    path = "/v1/names/%s/values" % name
    first, second = a_value(), a_value()
    added = call(riposte, "POST", path, {"values": [{"value": first}, {"value": second, "lifetime": "1h"}]}).json()
    assert (added["added"], added["renewed"], added["evicted"], added["evicted-young"]) == (2, 0, [], 0)
    assert added["values"] == [second, first]
    assert added["serial"] == ask(riposte, riposte.zone, "SOA").answer[0][0].serial and added["change"] > 0
    assert values(riposte, name) == {first, second}
    assert call(riposte, "POST", path, {"values": [{"value": first}]}).json()["renewed"] == 1
    listed = call(riposte, "GET", path).json()
    assert listed["name"] == name and listed["budget"] == BUDGET and listed["octets"] == 112
    assert [v["value"] for v in listed["items"]] == [first, second]  # the renewed one is the newest
    (claim,) = listed["items"][1]["claims"]
    assert is_time(claim.pop("added")) and is_time(claim.pop("expires"))
    assert claim == {"credential": None, "label": "administrator", "door": "admin", "from": "local", "pinned": False}
    removed = call(riposte, "DELETE", path, {"values": [first, a_value()]}).json()
    assert removed["removed"] == 1 and removed["serial"] > added["serial"]
    assert values(riposte, name) == {second}
    assert call(riposte, "DELETE", path + "?all=1").json()["removed"] == 1
    assert values(riposte, name) == set()
    assert call(riposte, "DELETE", path + "?all=1").json()["removed"] == 0


def test_pinned_text_is_kept_and_shown_whole(riposte, name):
    path = "/v1/names/%s/values" % name
    text = "v=spf1 \\ \"quoted\" grüße " + "x" * 400
    assert call(riposte, "POST", path, {"values": [{"value": text, "pinned": True}]}).status == 200
    (value,) = call(riposte, "GET", path).json()["items"]
    assert value["value"] == text and value["claims"][0]["pinned"] and value["claims"][0]["expires"] is None
    answer = ask(riposte, name, tcp=True).answer[0][0]
    assert b"".join(answer.strings) == text.encode() and len(answer.strings) == 2
    assert call(riposte, "DELETE", path, {"values": [text]}).json()["removed"] == 1


def test_values_are_added_all_or_none(riposte, name):
    path = "/v1/names/%s/values" % name
    bad = [{"value": a_value()}, {"value": "short"}]
    problem(call(riposte, "POST", path, {"values": bad}), 422, "not-a-challenge-value")
    assert values(riposte, name) == set()
    problem(call(riposte, "POST", path, {"values": [{"value": "x" * 9000, "pinned": True}]}), 422, "value-too-long")
    for body in ({}, {"values": []}, {"values": "x"}, {"values": ["x"]}, {"values": [{}]},
                 {"values": [{"value": a_value(), "lifetime": 60}]}, {"values": [{"value": a_value(), "lifetime": "60"}]},
                 {"values": [{"value": a_value(), "lifetime": "0s"}]}):
        problem(call(riposte, "POST", path, body), 400, "malformed")
    problem(call(riposte, "POST", path, {"values": [{"value": a_value(), "pin": True}]}), 422, "unknown-field")
    problem(call(riposte, "POST", "/v1/names/not-there/values", {"values": [{"value": a_value()}]}), 404, "not-found")
    problem(call(riposte, "DELETE", path, {}), 400, "malformed")
    problem(call(riposte, "DELETE", path + "?all=1", {"values": [a_value()]}), 400, "malformed")


def test_evictions_are_told(riposte, name):
    path = "/v1/names/%s/values" % name
    first = [a_value() for _ in range(64)]
    assert call(riposte, "POST", path, {"values": [{"value": v} for v in first]}).json()["added"] == 64
    reply = call(riposte, "POST", path, {"values": [{"value": a_value()} for _ in range(2)]})
    told = reply.json()
    assert (told["added"], told["evicted"], told["evicted-young"]) == (2, first[:2], 2)
    assert reply.headers["Riposte-Evicted"] == "young"
    assert len(values(riposte, name)) == 64


# ---- credentials


def test_a_credential_is_made_used_and_shown(riposte, name):
    made = make_credential(riposte, name, label="web1", networks=["127.0.0.0/8"])
    secret = made.pop("secret")
    assert len(secret) == 40 and is_time(made.pop("created"))
    (kept,) = made.pop("secrets")
    assert kept["kind"] == "sha256" and is_time(kept["starts"]) and kept["ends"] is None
    assert str(uuid.UUID(made["credential"])) == made["credential"]
    account = call(riposte, "GET", "/v1/names/" + name).json()["account"]
    assert {k: v for k, v in made.items() if k != "credential"} == {
        "label": "web1", "account": account, "names": [name], "actions": ["add", "remove", "read"], "kinds": ["challenge"],
        "networks": ["127.0.0.0/8"], "expires": None, "revoked": None, "last-used": None}
    value = a_value()
    used = {"username": made["credential"], "password": secret, "subdomain": name.split(".")[0]}
    assert riposte.update(used, value).status_code == 200
    for path in (made["credential"], made["credential"].upper(), "web1?name=" + name):
        shown = call(riposte, "GET", "/v1/credentials/" + path).json()
        assert shown["credential"] == made["credential"] and "secret" not in shown
        assert is_time(shown["last-used"]["time"])
        assert (shown["last-used"]["from"], shown["last-used"]["door"]) == ("127.0.0.1", "acme-dns")
    (claim,) = call(riposte, "GET", "/v1/names/%s/values" % name).json()["items"][0]["claims"]
    assert (claim["credential"], claim["label"], claim["from"], claim["door"]) == (
        made["credential"], "web1", "127.0.0.1", "acme-dns")


def test_the_location_of_a_credential_leads_to_it(riposte, name):
    reply = call(riposte, "POST", "/v1/credentials", {"names": [name], "actions": ["add"], "kinds": ["challenge", "pinned"],
                                                      "expires": "2099-01-01T01:00:00+01:00"})
    shown = call(riposte, "GET", reply.headers["Location"]).json()
    assert (shown["actions"], shown["kinds"], shown["label"]) == (["add"], ["challenge", "pinned"], "")
    assert shown["expires"] == "2099-01-01T00:00:00Z"


def test_what_cannot_be_a_credential_is_refused(riposte, account, name):
    def post(**members):
        return call(riposte, "POST", "/v1/credentials", {"names": [name], **members})

    problem(call(riposte, "POST", "/v1/credentials", {"label": "x"}), 400, "malformed")
    problem(post(names=["not-there"]), 404, "not-found")
    problem(post(actions=["fly"]), 400, "malformed")
    problem(post(actions=[]), 400, "malformed")
    problem(post(kinds=["dns"]), 400, "malformed")
    problem(post(label="a b"), 422, "bad-label")
    problem(post(expires="2001-01-01T00:00:00Z"), 400, "malformed")
    problem(post(expires="90d"), 400, "malformed")
    problem(post(tsigs=True), 422, "unknown-field")
    assert "/32" in problem(post(networks=["192.0.2.1"]), 422, "bad-network")["hint"]
    other = word()
    call(riposte, "PUT", "/v1/accounts/" + other, {})
    problem(post(account=other), 409, "conflict")
    assert post(account=account, label="same").status == 201
    problem(post(label="same"), 409, "conflict")
    problem(call(riposte, "GET", "/v1/credentials/" + str(uuid.uuid4())), 404, "not-found")
    problem(call(riposte, "GET", "/v1/credentials/same"), 404, "not-found")
    problem(call(riposte, "GET", "/v1/credentials/other?name=" + name), 404, "not-found")


def test_a_credential_is_changed(riposte, account, name):
    second = call(riposte, "POST", "/v1/names", {"account": account, "label": word()}).json()["name"]
    path = "/v1/credentials/" + make_credential(riposte, name, label="web")["credential"]
    changed = call(riposte, "PATCH", path, {"label": "web2", "actions": ["manage"], "networks": ["192.0.2.0/24"],
                                            "expires": "2099-01-01T00:00:00Z"})
    assert changed.status == 200 and "secret" not in changed.json()
    shown = call(riposte, "GET", path).json()
    assert (shown["label"], shown["actions"], shown["networks"], shown["expires"]) == (
        "web2", ["manage"], ["192.0.2.0/24"], "2099-01-01T00:00:00Z")
    shown = call(riposte, "PATCH", path, {"networks": [], "expires": None}).json()
    assert shown["networks"] == [] and shown["expires"] is None and shown["label"] == "web2"
    assert call(riposte, "PATCH", path, {"names": ["+" + second]}).json()["names"] == [name, second]
    assert call(riposte, "PATCH", path, {"names": ["-" + name]}).json()["names"] == [second]
    assert call(riposte, "PATCH", path, {"names": [name]}).json()["names"] == [name]
    problem(call(riposte, "PATCH", path, {"names": [name, "+" + second]}), 400, "malformed")
    problem(call(riposte, "PATCH", path, {"names": ["-" + name]}), 400, "malformed")
    problem(call(riposte, "PATCH", path, {"names": []}), 400, "malformed")


def test_credentials_are_filtered(riposte, account, name):
    used, unused = make_credential(riposte, name, label="used"), make_credential(riposte, name, label="unused")
    assert riposte.update({"username": used["credential"], "password": used["secret"], "subdomain": name.split(".")[0]},
                          a_value()).status_code == 200

    def labels(query):
        return [c["label"] for c in call(riposte, "GET", "/v1/credentials?name=%s&%s" % (name, query)).json()["items"]]

    assert labels("") == ["used", "unused"] and labels("unused=1") == ["unused"]
    assert labels("account=" + account) == ["used", "unused"]
    assert call(riposte, "DELETE", "/v1/credentials/" + unused["credential"]).status == 200
    assert labels("") == ["used"] and labels("revoked=1") == ["used", "unused"]
    problem(call(riposte, "GET", "/v1/credentials?name=not-there"), 404, "not-found")
    problem(call(riposte, "GET", "/v1/credentials?account=not-there"), 404, "not-found")


def test_rotation_overlaps_as_asked(riposte, name):
    made = make_credential(riposte, name)
    path = "/v1/credentials/%s/rotate" % made["credential"]

    def works(secret):
        tried = {"username": made["credential"], "password": secret, "subdomain": name.split(".")[0]}
        return riposte.update(tried, a_value()).status_code == 200

    second = call(riposte, "POST", path, {"overlap": "24h"}).json()
    assert works(made["secret"]) and works(second["secret"]) and len(second["secrets"]) == 2
    third = call(riposte, "POST", path).json()
    assert works(third["secret"]) and not works(second["secret"]) and not works(made["secret"])
    problem(call(riposte, "POST", path, {"overlap": "24"}), 400, "malformed")


def test_a_revocation_says_what_it_leaves(riposte, name):
    def with_values(label, n):
        made = make_credential(riposte, name, label=label)
        for _ in range(n):
            assert riposte.update({"username": made["credential"], "password": made["secret"],
                                   "subdomain": name.split(".")[0]}, a_value()).status_code == 200
        return made["credential"]

    stays, goes = with_values("stays", 2), with_values("goes", 3)
    def revoke(path):
        told = call(riposte, "DELETE", "/v1/credentials/" + path).json()
        used = told.pop("last-used")
        assert is_time(used.pop("time")) and used == {"from": "127.0.0.1", "door": "acme-dns"}
        return told

    assert revoke(stays) == {"credential": stays, "label": "stays", "live-values": 2, "removed": 0}
    assert revoke("goes?with-values=1&name=" + name) == {
        "credential": goes, "label": "goes", "live-values": 0, "removed": 3}
    assert len(values(riposte, name)) == 2
    assert is_time(call(riposte, "GET", "/v1/credentials/" + goes).json()["revoked"])
    problem(call(riposte, "PATCH", "/v1/credentials/" + goes, {"label": "x"}), 403, "revoked")


# ---- tokens


def test_a_token_registers_in_its_account_and_is_counted(riposte, account):
    import requests

    body = {"account": account, "count": 2, "expires": "2099-01-01T00:00:00Z", "networks": ["127.0.0.0/8"], "labels": "x-*"}
    made = call(riposte, "POST", "/v1/tokens", body)
    assert made.status == 201
    token = made.json()
    secret = token.pop("secret")
    path = "/v1/tokens/%d" % token["token"]
    assert secret.startswith("rpt_") and made.headers["Location"] == path
    assert call(riposte, "GET", path).json() == token
    assert is_time(token.pop("created"))
    assert token == {"token": token["token"], "account": account, "count": 2, "used": 0, "expires": "2099-01-01T00:00:00Z",
                     "networks": ["127.0.0.0/8"], "labels": "x-*", "revoked": None}
    registered = requests.post(riposte.http_url + "/r/%s/register" % secret, timeout=10)
    assert registered.status_code == 201, registered.text
    assert call(riposte, "GET", "/v1/names/" + registered.json()["fulldomain"]).json()["account"] == account
    assert call(riposte, "GET", path).json()["used"] == 1
    assert token["token"] in [t["token"] for t in call(riposte, "GET", "/v1/tokens?limit=1000").json()["items"]]
    assert call(riposte, "DELETE", path).status == 204
    assert is_time(call(riposte, "GET", path).json()["revoked"])
    assert requests.post(riposte.http_url + "/r/%s/register" % secret, timeout=10).status_code == 401


def test_what_cannot_be_a_token_is_refused(riposte, account):
    problem(call(riposte, "POST", "/v1/tokens", {}), 400, "malformed")
    problem(call(riposte, "POST", "/v1/tokens", {"account": "nobody-here"}), 404, "not-found")
    problem(call(riposte, "POST", "/v1/tokens", {"account": account, "count": 0}), 400, "malformed")
    problem(call(riposte, "POST", "/v1/tokens", {"account": account, "labels": "a b"}), 422, "bad-label")
    problem(call(riposte, "GET", "/v1/tokens/4000000"), 404, "not-found")
    problem(call(riposte, "GET", "/v1/tokens/rpt_abc"), 400, "malformed")
    problem(call(riposte, "DELETE", "/v1/tokens/4000000"), 404, "not-found")


# ---- the server


def test_the_server_describes_itself(make_riposte):
    server = make_riposte({"api": {"base-url": "https://acme.example.org"}})
    account = server.register()
    assert server.update(account, a_value()).status_code == 200
    seen = call(server, "GET", "/v1/server").json()
    serial = ask(server, server.zone, "SOA").answer[0][0].serial
    assert seen["zones"] == [{"origin": server.zone, "serial": serial, "names": 1, "values": 1}]
    assert seen["counts"] == {"accounts": 1, "names": 1, "tombstones": 0, "values": 1, "claims": 1, "pinned": 0,
                              "credentials": 1, "tokens": 0, "names-unclaimed": 1, "secrets-bcrypt": 0}
    store = seen["store"]
    assert store["path"] == server.config["store"]["path"] and store["ok"] and store["problem"] == ""
    assert store["octets"] > 0 and store["free-octets"] > 0 and store["last-backup"] is None
    assert store["changes"] > 0 and not store["registration-paused"]
    assert seen["base-url"] == "https://acme.example.org" and seen["registration"] == "anyone" and seen["version"]
    assert seen["dns"][0]["address"] == "%s:%d" % server.dns_addr
    shown = server.admin("status", check=True).stdout
    assert "zone      " + server.zone in shown and store["path"] + " ok" in shown


def test_the_base_url_is_that_of_the_first_listener_unless_it_is_said(riposte):
    assert call(riposte, "GET", "/v1/server").json()["base-url"] == riposte.http_url


@pytest.mark.parametrize(
    "method,path,body",
    [
        ("DELETE", "/v1/names/{name}/values", {"values": ["a", 5]}),
        ("DELETE", "/v1/names/{name}/values", {"values": [None]}),
        ("POST", "/v1/names/{name}/values", {"values": [{"value": "x" * 43}, 5]}),
        ("PATCH", "/v1/names/{name}", {"domains": {"add": ["a.example", 5]}}),
        ("PATCH", "/v1/names/{name}", {"domains": {"remove": ["a.example", {}]}}),
        ("POST", "/v1/names", {"account": "a", "domains": ["a.example", []]}),
        ("POST", "/v1/credentials", {"names": ["{name}", 5], "label": "x"}),
        ("PATCH", "/v1/credentials/{credential}", {"names": ["{name}", 5]}),
        ("PATCH", "/v1/credentials/{credential}", {"names": ["+{name}", None]}),
        ("PATCH", "/v1/credentials/{credential}", {"networks": ["192.0.2.0/24", 5]}),
        ("PATCH", "/v1/credentials/{credential}", {"actions": ["add", 5]}),
        ("PATCH", "/v1/credentials/{credential}", {"kinds": ["challenge", 5]}),
        ("POST", "/v1/tokens", {"account": "a", "networks": ["192.0.2.0/24", 5]}),
    ],
)
def test_a_list_that_is_right_at_first_only_is_malformed(riposte, method, path, body):
    account = riposte.register()
    name = account["fulldomain"]
    path = path.replace("{name}", name).replace("{credential}", account["username"])
    problem(call(riposte, method, path, json.dumps(body).replace("{name}", name)), 400, "malformed")


def test_a_backup_is_a_whole_store_and_leaves_nothing_beside_it(make_riposte):
    server = make_riposte()
    account = server.register()
    value = a_value()
    assert server.update(account, value).status_code == 200
    reply = call(server, "POST", "/v1/backup")
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["Riposte-Names"] == "1" and int(reply.headers["Riposte-Changes"]) >= 2
    copy = server.folder / "copy.db"
    copy.write_bytes(reply.body)
    with sqlite3.connect(copy) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM names").fetchone() == (1,)
    assert [f for f in os.listdir(server.folder) if f.startswith(".riposte-backup")] == []
    assert is_time(call(server, "GET", "/v1/server").json()["store"]["last-backup"])
    target = server.folder / "b.db"
    assert "verified" in server.admin("backup", str(target), check=True).stdout
    assert server.admin("backup", str(target)).returncode == 5
    restored = make_riposte({"store": {"path": str(target)}})
    assert values(restored, account["fulldomain"]) == {value}


def test_copies_that_a_killed_server_left_are_removed_at_the_next_start(make_riposte):
    server = make_riposte()
    left = [server.folder / name for name in (".riposte-backup-0123456789abcdef", ".riposte-backup-0123456789abcdef.x1Y2z3")]
    other = server.folder / "riposte-backup-mine"
    for path in (*left, other):
        path.write_text("half a copy")
    server.kill()
    server.start()
    assert [path for path in left if path.exists()] == []
    assert other.exists()
    assert call(server, "POST", "/v1/backup").status == 200


def test_a_reload_takes_effect_or_changes_nothing(make_riposte):
    server = make_riposte()
    assert call(server, "POST", "/v1/reload").json() == {"notes": ""}
    before = server.config_yaml
    server.config_path.write_text(before.replace("anyone", "none") + "nonsense: 1\n")
    reply = call(server, "POST", "/v1/reload")
    refused = reply.json()
    assert reply.status == 422 and refused["type"] == "/problems/malformed"
    assert "nonsense" in refused["detail"] and refused["detail"] in refused["errors"]
    assert call(server, "GET", "/v1/server").json()["registration"] == "anyone"
    server.config_path.write_text(before.replace("anyone", "none"))
    assert call(server, "POST", "/v1/reload").status == 200
    assert call(server, "GET", "/v1/server").json()["registration"] == "none"
    server.config["values"] = {"max-response": 1512}
    server.write_config(server.config)
    server.admin("reload", check=True)
    call(server, "PUT", "/v1/accounts/a", {})
    assert call(server, "POST", "/v1/names", {"account": "a"}).json()["budget"] == 1000


# ---- what happened


def test_refusals_are_listed_with_their_true_reason(make_riposte):
    server = make_riposte()
    account, other = server.register(), server.register()
    reply = server.update({**account, "subdomain": other["subdomain"]}, a_value())
    assert reply.status_code == 401
    for i in range(5):
        server.update({**account, "password": "A" * 40}, a_value())
    items = call(server, "GET", "/v1/refusals").json()["items"]
    assert [i["reason"] for i in items] == ["unauthenticated"] * 5 + ["name-not-in-scope"]
    assert items == sorted(items, key=lambda i: i["time"], reverse=True)
    request = reply.headers["Riposte-Request"]
    (one,) = call(server, "GET", "/v1/refusals?request=" + request).json()["items"]
    assert one["request"] == request and one["door"] == "acme-dns" and one["from"] == "127.0.0.1"
    assert one["account"] == call(server, "GET", "/v1/names/" + account["fulldomain"]).json()["account"]
    assert other["subdomain"] in one["detail"] + one["name"]
    mine = call(server, "GET", "/v1/refusals?account=" + one["account"]).json()["items"]
    assert request in [i["request"] for i in mine]
    assert call(server, "GET", "/v1/refusals?since=2099-01-01T00:00:00Z").json() == {"items": []}
    problem(call(server, "GET", "/v1/refusals?since=1h"), 400, "malformed")
    problem(call(server, "GET", "/v1/refusals?account=nobody"), 404, "not-found")
    seen, after = [], None
    while True:
        page = call(server, "GET", "/v1/refusals?limit=4" + ("&after=" + after if after else "")).json()
        seen += page["items"]
        after = page.get("next")
        if after is None:
            break
    assert seen == items
    assert "name-not-in-scope" in server.admin("refusals", "--request", request, check=True).stdout
    assert server.admin_json("refusals", "--request", request) == [one]


def test_a_refused_change_on_the_socket_is_listed_too(riposte, name):
    reply = call(riposte, "POST", "/v1/credentials", {"names": [name], "networks": ["x"]})
    (one,) = call(riposte, "GET", "/v1/refusals?request=" + reply.headers["Riposte-Request"]).json()["items"]
    assert (one["door"], one["from"], one["who"], one["reason"]) == ("admin", "local", "administrator", "bad-network")


def test_the_trace_merges_questions_and_changes(riposte):
    account = riposte.register()
    name, value = account["fulldomain"], a_value()
    assert riposte.update(account, value).status_code == 200
    ask(riposte, name)
    ask(riposte, name.upper(), "CAA", tcp=True, edns=None)
    riposte.admin("value", "remove", name, value, check=True)
    trace = call(riposte, "GET", "/v1/names/%s/trace" % name).json()
    assert trace["name"] == name
    times = [i["time"].rstrip("Z")[:19] for i in trace["items"]]
    assert times == sorted(times)
    changes = [i for i in trace["items"] if i["kind"] == "change"]
    assert [c["effects"] for c in changes] == [
        [{"what": "name-made"}, {"what": "credential-made"}], [{"what": "value-added", "value": value}],
        [{"what": "value-removed", "value": value}]]
    assert [(c["door"], c["label"], c["credential"]) for c in changes] == [
        ("acme-dns", "registration", None), ("acme-dns", "", account["username"]), ("admin", "administrator", None)]
    assert [c["change"] for c in changes] == sorted(c["change"] for c in changes)
    assert all(len(c["request"]) == 9 for c in changes)
    txt, caa = [i for i in trace["items"] if i["kind"] == "question"]
    assert (txt["type"], txt["rcode"], txt["records"], txt["transport"], txt["edns-size"]) == ("TXT", "NOERROR", 1, "udp", 1232)
    assert (txt["from"], txt["case-mixed"], txt["truncated"], txt["at"]) == ("127.0.0.1", False, False, 0)
    assert txt["serial"] > 0 and txt["port"] > 0 and len(txt["time"]) == 27
    assert (caa["type"], caa["records"], caa["transport"], caa["edns-size"]) == ("CAA", 0, "tcp", None)
    assert call(riposte, "GET", "/v1/names/%s/trace?since=2099-01-01T00:00:00Z" % name).json()["items"] == []
    shown = riposte.admin("trace", name, check=True).stdout
    assert "value-added" in shown and "TXT" in shown


def test_a_name_that_was_never_made_can_be_traced(riposte):
    never = word() + "." + riposte.zone
    ask(riposte, never)
    (question,) = call(riposte, "GET", "/v1/names/%s/trace" % never).json()["items"]
    assert question["rcode"] == "NXDOMAIN" and question["records"] == 0
    problem(call(riposte, "GET", "/v1/names/never.example.net/trace"), 404, "not-found")
    problem(call(riposte, "GET", "/v1/names/never/trace"), 404, "not-found")


# ---- the socket


def test_the_admin_paths_are_on_the_socket_only(riposte):
    import requests

    for method, path in (("POST", "/v1/reload"), ("POST", "/v1/backup")):
        assert requests.request(method, riposte.http_url + path, timeout=10).status_code == 404
    for method, path in (("GET", "/v1/server"), ("GET", "/v1/accounts"), ("PUT", "/v1/accounts/a")):
        assert requests.request(method, riposte.http_url + path, timeout=10).status_code == 401
    assert call(riposte, "POST", "/register").status == 404
    assert call(riposte, "GET", "/v1/nothing").status == 404
    wrong = call(riposte, "POST", "/v1/server")
    assert wrong.status == 405 and wrong.headers["Allow"] == "GET, OPTIONS"


def test_many_callers_at_once_are_all_answered(riposte, account):
    statuses = []

    def work(i):
        statuses.append(call(riposte, "GET", "/v1/names?account=" + account).status)
        statuses.append(call(riposte, "POST", "/v1/names", {"account": account, "label": "m%d-%s" % (i, word())}).status)
        statuses.append(call(riposte, "GET", "/v1/server").status)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(24)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert statuses.count(201) == 24 and set(statuses) <= {200, 201, 503}


# ---- the command line


def test_a_day_with_the_command_line(riposte):
    account, label = word(), word()
    owner = label + "." + riposte.zone
    riposte.admin("account", "create", account, "--note", "Ada, 4711", check=True)
    assert account in riposte.admin("account", "list", check=True).stdout
    made = riposte.admin("name", "create", "--account", account, "--label", label, "--domain", label + ".example.com", check=True)
    assert "_acme-challenge.%s.example.com. IN CNAME %s." % (label, owner) in made.stdout
    stored = json.loads(riposte.admin("credential", "create", "--name", label, "--label", "web1", "--as", "lego", check=True).stdout)
    entry = stored[label + ".example.com"]
    assert entry["fulldomain"] == owner and entry["subdomain"] == label and entry["server_url"] == riposte.http_url
    assert riposte.update(entry, a_value()).status_code == 200
    shown = riposte.admin("name", "show", label + ".example.com", check=True).stdout
    assert "values  1 (56 octets of 3584)" in shown and "web1" in shown and "127.0.0.1 (acme-dns)" in shown
    rotated = riposte.admin("credential", "rotate", "web1", "--name", label, "--as", "acme-dns", check=True)
    assert riposte.update(json.loads(rotated.stdout), a_value()).status_code == 200
    riposte.admin("credential", "set", "web1", "--name", label, "--names", "+" + owner, check=True)
    riposte.admin("account", "disable", account, check=True)
    assert riposte.update(json.loads(rotated.stdout), a_value()).status_code == 401
    riposte.admin("account", "enable", account, check=True)
    revoked = riposte.admin("credential", "revoke", "web1", "--name", label, "--with-values", check=True)
    assert "revoked web1" in revoked.stdout
    assert values(riposte, owner) == set()
    assert "REVOKED" in riposte.admin("credential", "show", entry["username"], check=True).stdout
    token = riposte.admin("token", "create", "--account", account, "--expires", "30d", check=True).stdout.strip()
    assert token.startswith("rpt_")
    riposte.admin("name", "delete", label, "--yes", check=True)
    assert "RETIRED" in riposte.admin("name", "show", owner, check=True).stdout
    riposte.admin("account", "delete", account, check=True)


@pytest.mark.parametrize(
    "words,status",
    [
        (["account", "show", "nobody-here"], 3),
        (["name", "show", "not-there"], 3),
        (["name", "create", "--account", "nobody-here"], 3),
        (["credential", "show", "web1"], 3),
        (["token", "show", "4000000"], 3),
        (["trace", "not-there"], 3),
        (["account", "create", "UPPER"], 4),
        (["name", "list", "--account", "nobody-here"], 3),
    ],
)
def test_what_is_refused_ends_with_the_right_status_and_a_reason(riposte, words, status):
    done = riposte.admin(*words)
    assert done.returncode == status and done.stdout == "" and done.stderr.startswith("riposte: ")
