"""/v1 over HTTP with credentials. Each exchange is held against docs/openapi.yaml, and at the end everything that is
documented must have been seen. Who may do what is in test_v1_rights.py; what /v1 shares with the admin socket, in
test_admin.py."""

import datetime
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest
import requests
from conftest import BINARY, ROOT, Riposte
from dnshelp import a_value, ask, values
from test_admin import call as local
from v1help import V1, authorization, word


def quote(text):
    return requests.utils.quote(text, safe="")


class World:
    """A server with two accounts: team has the names one and two, others has foreign."""

    def __init__(self, folder):
        self.server = Riposte(folder, {"api": {"connections": 4000}, "check": {"resolvers": ["127.0.0.1:1"]}}).start()
        self.v1 = V1(self.server)
        for account in ("team", "others"):
            assert local(self.server, "PUT", "/v1/accounts/" + account, {}).status == 201
        self.one = self.name("team", "one", ["shop.example.com"])
        self.two = self.name("team", "two")
        self.foreign = self.name("others", "foreign", ["foreign.example.com"])
        self.web1 = self.credential([self.one], label="web1")
        self.web2 = self.credential([self.one], label="web2")
        self.manager = self.credential(
            [self.one, self.two], label="manager", actions=["add", "remove", "read", "manage"], kinds=["challenge", "pinned"])
        self.stranger = self.credential([self.foreign], label="stranger")
        self.root = self.credential([self.one], label="root", actions=["administer"])

    def name(self, account, label, domains=()):
        made = local(self.server, "POST", "/v1/names", {"account": account, "label": label, "domains": list(domains)})
        assert made.status == 201, made.body
        return made.json()["name"]

    def credential(self, names, **members):
        made = local(self.server, "POST", "/v1/credentials", {"names": names, **members})
        assert made.status == 201, made.body
        return made.json()


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("v1"))
    yield world
    world.server.stop()


# ---- who am I


def test_self_says_who_i_am(w):
    for scheme in ("bearer", "basic"):
        me = w.v1.get("/v1/self", w.web1, scheme=scheme)
        assert me == {"credential": w.web1["credential"], "label": "web1", "account": "team", "names": [w.one],
                      "actions": ["add", "remove", "read"], "kinds": ["challenge"], "networks": [], "expires": None,
                      "address": "127.0.0.1"}


def test_self_says_also_why_a_change_would_be_refused(w):
    elsewhere = w.credential([w.one], networks=["192.0.2.0/24"])
    me = w.v1.get("/v1/self", elsewhere)
    assert me["refused"] == "network" and "127.0.0.1" in me["detail"] and me["hint"]
    p = w.v1.problem(403, "network", "GET", "/v1/names", elsewhere)
    assert p["detail"] == me["detail"] and p["hint"] == me["hint"]
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    short = w.credential([w.one], expires=soon)
    deadline = time.monotonic() + 10
    while "refused" not in w.v1.get("/v1/self", short):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert w.v1.get("/v1/self", short)["refused"] == "expired"
    w.v1.problem(403, "expired", "GET", "/v1/credentials/" + short["credential"], short)
    assert local(w.server, "DELETE", "/v1/credentials/" + short["credential"]).status == 200
    reply = w.v1.call("GET", "/v1/self", short)
    assert reply.status_code == 403 and reply.headers["Riposte-Refused"] == "revoked"


def test_self_on_the_admin_socket_is_the_administrator(w):
    me = local(w.server, "GET", "/v1/self").json()
    assert me["credential"] is None and me["label"] == "administrator" and "administer" in me["actions"]


# ---- authentication

GARBAGE = ["", "Bearer", "Bearer x", "Bearer .", "Basic", "Basic !!!!", "Basic eDp5", "Digest a=b", "Bearer a.b.c", "Basic "]


def test_what_is_no_credential_is_401_with_challenges_and_says_no_more(w):
    right = w.web1
    wrong = [authorization({**right, "secret": "A" * 40}), authorization({**right, "secret": right["secret"][:-1]}),
             authorization({**right, "credential": "00000000-0000-4000-8000-000000000000"}),
             authorization({**right, "secret": right["secret"] + "\xe9"}).encode("latin-1"),
             authorization({"credential": right["credential"], "secret": w.web2["secret"]})]
    bodies = set()
    for text in GARBAGE + wrong + [None]:
        reply = w.v1.call("GET", "/v1/self", headers={} if text is None else {"Authorization": text})
        assert reply.status_code == 401, text
        assert "Bearer" in reply.headers["WWW-Authenticate"] and "Basic" in reply.headers["WWW-Authenticate"]
        assert "Riposte-Refused" not in reply.headers
        p = reply.json()
        p.pop("instance")
        bodies.add(json.dumps(p, sort_keys=True))
    assert len(bodies) == 1  # the same whatever is wrong
    told = local(w.server, "GET", "/v1/refusals?limit=50").json()["items"]
    assert any("39 characters instead of 40" in r["detail"] and r["who"] == right["credential"] for r in told)
    assert any(r["detail"] == "wrong secret for web1" for r in told)


def test_without_a_credential_nothing_can_be_asked_or_changed(w):
    fill = {"{account}": "team", "{name}": w.one, "{text}": a_value(), "{credential}": w.web1["credential"], "{token}": "1"}
    before = local(w.server, "GET", "/v1/server").json()["store"]["changes"]
    for method, template, statuses in w.v1.description.operations():
        if "401" not in statuses:
            continue
        path = template
        for part, text in fill.items():
            path = path.replace(part, text)
        for body in (None, "{", "{}"):
            assert w.v1.call(method, path, data=body).status_code == 401
            assert w.v1.call(method, path, {**w.web1, "secret": "A" * 40}, data=body).status_code == 401
    assert local(w.server, "GET", "/v1/server").json()["store"]["changes"] == before


def test_a_credential_that_may_not_be_used_may_do_nothing(w):
    """Every operation, with a credential whose network is elsewhere."""
    elsewhere = w.credential([w.one], networks=["192.0.2.0/24"], actions=["add", "remove", "read", "manage", "administer"])
    fill = {"{account}": "team", "{name}": w.one, "{text}": a_value(), "{credential}": w.web1["credential"], "{token}": "1"}
    bodies = {"/v1/names": {"account": "team"}, "/v1/credentials": {"names": [w.one]}, "/v1/tokens": {"account": "team"},
              "/v1/names/{name}/values": {"values": [{"value": a_value()}]}}
    for method, template, statuses in w.v1.description.operations():
        if "403" not in statuses or template == "/v1/self":
            continue
        path = template
        for part, text in fill.items():
            path = path.replace(part, text)
        body = bodies.get(template) if method == "POST" else None
        if (method, template) == ("DELETE", "/v1/names/{name}/values"):
            path += "?all=1"
        p = w.v1.problem(403, "network", method, path, elsewhere, body)
        assert "127.0.0.1" in p["detail"]
        if method != "GET":
            w.v1.problem(403, "network", method, path, elsewhere, data="{")


def test_failing_authentications_are_limited_and_right_ones_are_not(make_riposte):
    server = make_riposte()
    v1 = V1(server)
    account = server.register()
    right = {"credential": account["username"], "secret": account["password"]}
    wrong = authorization({**right, "secret": "A" * 40})
    connection = http.client.HTTPConnection(*server.http_addr, timeout=20)
    seen = set()
    for _ in range(4000):
        connection.request("GET", "/v1/self", headers={"Authorization": wrong})
        reply = connection.getresponse()
        reply.read()
        seen.add(reply.status)
        if reply.status == 429:
            break
    assert seen == {401, 429}
    for _ in range(500):  # ten a second are let through again
        reply = v1.call("GET", "/v1/self", {**right, "secret": "A" * 40})
        if reply.status_code == 429:
            break
    assert reply.status_code == 429 and int(reply.headers["Retry-After"]) >= 1
    assert reply.headers["RateLimit"] == '"failures";r=0;t=' + reply.headers["Retry-After"]
    assert v1.get("/v1/self", right)["credential"] == right["credential"]
    reasons = {r["reason"] for r in local(server, "GET", "/v1/refusals?limit=1000").json()["items"]}
    assert reasons == {"unauthenticated", "rate"}


def test_too_many_changes_are_429(make_riposte):
    server = make_riposte({"limits": {"changes": "1/m"}})
    v1 = V1(server)
    account = server.register()
    who = {"credential": account["username"], "secret": account["password"]}
    path = "/v1/names/%s/values/%s" % (account["fulldomain"], a_value())
    connection = http.client.HTTPConnection(*server.http_addr, timeout=20)
    for _ in range(1100):
        connection.request("PUT", path, headers={"Authorization": authorization(who)})
        reply = connection.getresponse()
        reply.read()
        if reply.status == 429:
            break
    reply = v1.call("PUT", path, who)
    assert reply.status_code == 429 and reply.headers["Riposte-Refused"] == "rate"
    assert reply.headers["RateLimit"].startswith('"changes";r=0;t=')
    assert v1.get("/v1/names/%s/values" % account["fulldomain"], who)  # looking is no change


# ---- values


def test_put_is_idempotent_and_served_when_it_is_answered(w):
    value = a_value()
    path = "/v1/names/%s/values/%s" % (w.one, value)
    made = w.v1.call("PUT", path, w.web1)
    assert made.status_code == 201 and value in values(w.server, w.one)
    assert made.json()["added"] == 1 and made.json()["values"][0] == value and made.json()["evicted"] == []
    assert made.json()["serial"] == ask(w.server, w.server.zone, "SOA").answer[0][0].serial
    again = w.v1.call("PUT", path, w.web1, {"lifetime": "1h"})
    assert again.status_code == 200 and again.json()["renewed"] == 1
    (item,) = [i for i in w.v1.get("/v1/names/%s/values" % w.one, w.web1)["items"] if i["value"] == value]
    assert item["claims"][0]["label"] == "web1" and item["claims"][0]["door"] == "v1"
    assert w.v1.call("DELETE", path, w.web1).status_code == 204
    assert value not in values(w.server, w.one)
    assert w.v1.call("DELETE", path, w.web1).status_code == 204  # also when it is gone


def test_several_values_are_all_added_or_none(w):
    path = "/v1/names/%s/values" % w.two
    good = [a_value(), a_value()]
    w.v1.problem(422, "not-a-challenge-value", "POST", path, w.manager, {"values": [{"value": v} for v in good + ["no"]]})
    assert values(w.server, w.two) == set()
    done = w.v1.call("POST", path, w.manager, {"values": [{"value": v} for v in good]}).json()
    assert done["added"] == 2 and set(done["values"]) == set(good) == values(w.server, w.two)
    done = w.v1.call("DELETE", path, w.manager, {"values": [good[0], a_value()]}).json()
    assert done["removed"] == 1 and done["values"] == [good[1]]
    assert w.v1.call("DELETE", path + "?all=1", w.manager).json()["values"] == []


def test_mine_are_only_mine_also_for_who_manages(w):
    path = "/v1/names/%s/values" % w.one
    mine, shared, others = a_value(), a_value(), a_value()
    for who, value in ((w.manager, mine), (w.manager, shared), (w.web1, shared), (w.web1, others)):
        assert w.v1.call("PUT", path + "/" + value, who).status_code in (200, 201)
    assert local(w.server, "POST", path, {"values": [{"value": others}]}).status == 200
    done = w.v1.call("DELETE", path + "?mine=1", w.manager).json()
    assert done["removed"] == 2 and set(done["values"]) == {shared, others}
    assert local(w.server, "DELETE", path + "?mine=1").json()["removed"] == 1  # on the socket: the administrators' own
    assert values(w.server, w.one) == {shared, others}
    assert w.v1.call("DELETE", path + "?mine=1", w.web1).json()["values"] == []
    w.v1.problem(400, "malformed", "DELETE", path + "?mine=1", w.web1, {"values": [mine]})


def test_what_is_evicted_is_named(w):
    name = w.name("team", word())
    who = w.credential([name])
    path = "/v1/names/%s/values" % name
    first = [a_value() for _ in range(64)]
    for part in (first[:32], first[32:]):
        assert w.v1.call("POST", path, who, {"values": [{"value": v} for v in part]}).status_code == 200
    reply = w.v1.call("PUT", path + "/" + a_value(), who)
    assert reply.json()["evicted"] == [first[0]] and reply.headers["Riposte-Evicted"] == "young"


def test_any_text_can_be_pinned_and_is_found_in_a_path(w):
    text = "issuer.example; a/b=c ? d%e # caf\u00e9"
    path = "/v1/names/%s/values/%s" % (w.one, quote(text))
    w.v1.problem(403, "kind-not-in-scope", "PUT", path, w.web1, {"pinned": True})
    assert w.v1.call("PUT", path, w.manager, {"pinned": True}).status_code == 201
    assert w.v1.get("/v1/names/%s/values" % w.one, w.web1)["values"] == [text]
    w.v1.problem(403, "not-your-value", "DELETE", path, w.web1)
    assert w.v1.call("DELETE", path, w.manager).status_code == 204


def test_a_name_can_be_said_by_its_domain(w):
    value = a_value()
    assert w.v1.call("PUT", "/v1/names/_acme-challenge.shop.example.com/values/" + value, w.web1).status_code == 201
    assert w.v1.get("/v1/names/shop.example.com", w.web1)["name"] == w.one
    assert w.v1.call("DELETE", "/v1/names/%2A.shop.example.com/values/" + value, w.web1).status_code == 204
    # A domain of somebody else's name is as good as none.
    w.v1.problem(404, "not-found", "GET", "/v1/names/foreign.example.com", w.web1)


# ---- what a holder sees


def test_a_holder_sees_its_scope_and_nothing_else(w):
    assert [n["name"] for n in w.v1.get("/v1/names", w.web1)["items"]] == [w.one]
    assert [n["name"] for n in w.v1.get("/v1/names?limit=1", w.manager)["items"]] == [w.one]
    page = w.v1.get("/v1/names?limit=1", w.manager)
    assert [n["name"] for n in w.v1.get("/v1/names?limit=1&after=" + page["next"], w.manager)["items"]] == [w.two]
    assert w.v1.get("/v1/names?domain=foreign.example.com", w.web1)["items"] == []
    idle = w.credential([w.name("team", word())])
    assert [n["name"] for n in w.v1.get("/v1/names?idle=0", idle)["items"]] in ([], idle["names"])
    assert w.v1.get("/v1/names?idle=3600", idle)["items"] == []
    assert len(w.v1.get("/v1/names?account=team&domain=shop.example.com", w.web1)["items"]) == 1
    for path in ("/v1/names/" + w.foreign, "/v1/names/%s/values" % w.foreign, "/v1/names/%s/trace" % w.two,
                 "/v1/names?account=others", "/v1/credentials?account=others", "/v1/credentials?name=" + w.foreign,
                 "/v1/credentials/" + w.web2["credential"], "/v1/credentials/" + w.stranger["credential"],
                 "/v1/journal?name=" + w.two, "/v1/journal?account=others",
                 "/v1/journal?credential=" + w.web2["credential"], "/v1/refusals?account=others"):
        there = w.v1.problem(404, "not-found", "GET", path, w.web1)["detail"]
        for name in (w.foreign, w.two):
            path = path.replace(name, "nothing.auth.example.org")
        missing = w.v1.problem(404, "not-found", "GET", path.replace("others", "nobody").replace(
            w.web2["credential"], "00000000-0000-4000-8000-000000000000").replace(
            w.stranger["credential"], "00000000-0000-4000-8000-000000000000"), w.web1)["detail"]
        # The same but for what was asked.
        assert there.replace(w.foreign, "X").replace(w.two, "X")[:20] == missing.replace("nothing.auth.example.org", "X")[:20]


def test_with_manage_the_credentials_of_its_names_are_seen_and_no_other_names_of_theirs(w):
    assert [c["label"] for c in w.v1.get("/v1/credentials", w.web1)["items"]] == ["web1"]
    both = w.credential([w.one, w.two], label=word())
    only_one = w.credential([w.one], label=word(), actions=["read", "manage"])
    seen = {c["credential"]: c for c in w.v1.get("/v1/credentials?limit=1000", only_one)["items"]}
    assert seen[both["credential"]]["names"] == [w.one]
    assert w.stranger["credential"] not in seen and w.web1["credential"] in seen
    assert all(set(c["names"]) <= {w.one} for c in seen.values())
    assert w.v1.get("/v1/credentials/%s" % both["credential"], only_one)["names"] == [w.one]
    # What reaches further than it does itself, it cannot revoke.
    p = w.v1.problem(403, "name-not-in-scope", "DELETE", "/v1/credentials/" + both["credential"], only_one)
    assert w.two not in json.dumps(p)


def test_administer_sees_all(w):
    assert {w.one, w.two, w.foreign} <= {n["name"] for n in w.v1.get("/v1/names", w.root)["items"]}
    server = w.v1.get("/v1/server", w.root)
    assert server["ready"] and server["zones"][0]["origin"] == w.server.zone
    assert {"team", "others"} <= {a["account"] for a in w.v1.get("/v1/accounts", w.root)["items"]}
    assert w.v1.get("/v1/names/foreign.example.com", w.root)["name"] == w.foreign


# ---- manage stays inside


def utc(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_manage_gives_what_it_has_and_no_more(w):
    limited = w.credential([w.one, w.two], label=word(), actions=["add", "read", "manage"], networks=["127.0.0.0/8"],
                           expires=utc(3600))
    made = w.v1.call("POST", "/v1/credentials", limited, {"names": [w.one], "actions": ["add"]})
    assert made.status_code == 201 and made.headers["Location"] == "/v1/credentials/" + made.json()["credential"]
    made = made.json()
    assert made["networks"] == ["127.0.0.0/8"] and made["expires"] == limited["expires"] and made["account"] == "team"
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.one, a_value()), made).status_code == 201
    narrower = {"names": [w.two], "actions": ["read", "manage"], "networks": ["127.0.0.1/32"], "expires": utc(60)}
    assert w.v1.call("POST", "/v1/credentials", limited, narrower).status_code == 201
    for change, why in (({"names": [w.foreign]}, "name-not-in-scope"), ({"names": [w.one, w.foreign]}, "name-not-in-scope"),
                        ({"actions": None}, "action-not-in-scope"), ({"actions": ["remove"]}, "action-not-in-scope"),
                        ({"actions": ["administer"]}, "action-not-in-scope"), ({"networks": []}, "network"),
                        ({"networks": ["0.0.0.0/0"]}, "network"), ({"networks": ["127.0.0.0/7"]}, "network"),
                        ({"networks": ["127.0.0.1/32", "::1/128"]}, "network"), ({"expires": None}, "expired"),
                        ({"expires": utc(7200)}, "expired")):
        body = {**narrower, **change}
        if change == {"actions": None}:
            del body["actions"]  # add, remove and read: one too many
        w.v1.problem(403, why, "POST", "/v1/credentials", limited, body)


def test_manage_revokes_what_it_could_have_made(w):
    value = a_value()
    leaked = w.credential([w.one], label=word())
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.one, value), leaked).status_code == 201
    gone = w.v1.call("DELETE", "/v1/credentials/%s?with-values=1" % leaked["credential"], w.manager).json()
    assert gone["removed"] == 1 and gone["live-values"] == 0 and value not in values(w.server, w.one)
    w.v1.problem(403, "revoked", "GET", "/v1/names", leaked)
    w.v1.problem(403, "action-not-in-scope", "DELETE", "/v1/credentials/" + w.root["credential"], w.manager)
    w.v1.problem(404, "not-found", "DELETE", "/v1/credentials/" + w.stranger["credential"], w.manager)
    w.v1.problem(403, "action-not-in-scope", "DELETE", "/v1/credentials/" + w.web2["credential"], w.web1)
    labelled = word()
    w.credential([w.two], label=labelled)
    assert w.v1.call("DELETE", "/v1/credentials/%s?name=%s" % (labelled, w.two), w.manager).status_code == 200


def test_values_at_names_out_of_reach_stay_when_a_credential_is_revoked_with_values(w):
    """A credential held values at a name that has left its scope since."""
    third = w.name("team", word())
    moved, value = w.credential([w.one, third], label=word()), a_value()
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (third, value), moved).status_code == 201
    assert local(w.server, "PATCH", "/v1/credentials/" + moved["credential"], {"names": ["-" + third]}).status == 200
    done = w.v1.call("DELETE", "/v1/credentials/%s?with-values=1" % moved["credential"], w.manager).json()
    assert done["removed"] == 0 and values(w.server, third) == {value}


def test_a_holder_rotates_itself_and_nobody_else(w):
    own = w.credential([w.one], label=word())
    path = "/v1/credentials/%s/rotate" % own["credential"]
    rotated = w.v1.call("POST", path, own, {"overlap": "1h"}).json()
    assert rotated["secret"] != own["secret"] and len(rotated["secrets"]) == 2
    for secret in (own["secret"], rotated["secret"]):
        assert w.v1.get("/v1/self", {**own, "secret": secret})
    last = w.v1.call("POST", path, rotated).json()
    assert w.v1.call("GET", "/v1/self", rotated).status_code == 401 and w.v1.get("/v1/self", last)
    for who in (w.web1, w.manager):
        w.v1.problem(403, "action-not-in-scope", "POST", path, who)
    assert w.v1.call("POST", path, w.root).status_code == 200


def test_last_use_is_shown(w):
    who = w.credential([w.one], label=word())
    assert who["last-used"] is None
    assert w.v1.get("/v1/self", who)
    used = w.v1.get("/v1/credentials/" + who["credential"], w.manager)["last-used"]
    assert used["door"] == "v1" and used["from"] == "127.0.0.1"


# ---- the whole server, with administer


def test_accounts_names_and_tokens_are_administered(w):
    account = word()
    path = "/v1/accounts/" + account
    made = w.v1.call("PUT", path, w.root, {"note": "made through /v1", "limits": {"names": 5}})
    assert made.status_code == 201 and made.headers["Location"] == path
    assert w.v1.call("PUT", path, w.root, {}).status_code == 200
    assert w.v1.call("PATCH", path, w.root, {"limits": {"names": None}}).json()["limits"] == {"names": None}
    assert w.v1.get(path, w.root)["note"] == "made through /v1"
    name = w.v1.call("POST", "/v1/names", w.root, {"account": account, "label": word(), "domains": ["a.example"]})
    assert name.status_code == 201
    where = name.headers["Location"]
    assert w.v1.call("PATCH", where, w.root, {"domains": {"add": ["b.example"], "remove": ["a.example"]}}).json()["domains"] == ["b.example"]
    assert w.v1.call("PUT", where + "/values/" + a_value(), w.root).status_code == 201
    w.v1.problem(409, "name-in-use", "DELETE", where, w.root)
    w.v1.problem(409, "conflict", "DELETE", path, w.root)
    assert w.v1.call("DELETE", where + "?force=1", w.root).status_code == 204
    w.v1.problem(409, "label-retired", "POST", "/v1/names", w.root, {"account": "team", "label": name.json()["label"]})
    w.v1.problem(409, "label-taken", "POST", "/v1/names", w.root, {"account": account, "label": "one"})
    token = w.v1.call("POST", "/v1/tokens", w.root, {"account": account, "count": 2, "networks": ["127.0.0.0/8"]}).json()
    assert token["secret"].startswith("rpt_")
    assert token["token"] in [t["token"] for t in w.v1.get("/v1/tokens?limit=1000", w.root)["items"]]
    assert w.v1.get("/v1/tokens/%d" % token["token"], w.root)["count"] == 2
    assert w.v1.call("DELETE", "/v1/tokens/%d" % token["token"], w.root).status_code == 204
    assert w.v1.call("DELETE", path, w.root).status_code == 204


def test_administer_is_not_given_through_v1(w):
    p = w.v1.problem(403, "action-not-in-scope", "POST", "/v1/credentials", w.root, {"names": [w.one], "actions": ["administer"]})
    assert "admin socket" in p["detail"]
    w.v1.problem(403, "action-not-in-scope", "PATCH", "/v1/credentials/" + w.web1["credential"], w.root, {"actions": ["administer"]})
    made = w.v1.call("POST", "/v1/credentials", w.root, {"names": [w.foreign], "account": "others", "label": word()})
    assert made.status_code == 201
    where = made.headers["Location"]
    assert w.v1.call("PATCH", where, w.root, {"networks": ["127.0.0.1/32"]}).json()["networks"] == ["127.0.0.1/32"]
    w.v1.problem(409, "conflict", "PATCH", where, w.root, {"names": [w.one]})
    assert w.v1.call("DELETE", where, w.root).status_code == 200


def test_the_configuration_and_backups_stay_on_the_machine(w):
    for path in ("/v1/reload", "/v1/backup"):
        reply = requests.post(w.server.http_url + path, headers={"Authorization": authorization(w.root)}, timeout=10)
        assert reply.status_code == 404 and reply.json()["type"] == "/problems/not-found"


# ---- trace, journal, refusals


def test_a_holder_traces_its_name(w):
    value = a_value()
    since = utc(-5)
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.one, value), w.web1).status_code == 201
    ask(w.server, w.one)
    items = w.v1.get("/v1/names/%s/trace?since=%s" % (w.one, since), w.web1)["items"]
    change = [i for i in items if i["kind"] == "change" and i["effects"][0].get("value") == value][0]
    assert change["credential"] == w.web1["credential"] and change["door"] == "v1"
    assert items[-1]["kind"] == "question" and items[-1]["from"] == "127.0.0.1"


def journal(w, who, query=""):
    return w.v1.get("/v1/journal?limit=1000" + query, who)


def test_the_journal_shows_each_what_is_its(w):
    start = journal(w, w.root)["position"]
    value, foreign = a_value(), a_value()
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.one, value), w.web1).status_code == 201
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.foreign, foreign), w.stranger).status_code == 201
    own = w.credential([w.one, w.two], label=word(), actions=["read"])
    after = "&after=%d" % start
    everything = journal(w, w.root, after)
    assert [e["effects"][0]["what"] for e in everything["items"]] == ["value-added", "value-added", "credential-made"]
    assert everything["position"] == everything["items"][-1]["change"] and "next" not in everything
    (first, second) = journal(w, w.web1, after)["items"]
    assert first["credential"] == w.web1["credential"] and first["account"] == "team" and first["label"] == "web1"
    assert first["effects"][0] == {"what": "value-added", "value": value, "name": w.one, "holder": w.web1["credential"]}
    assert second["label"] == "administrator" and second["effects"][0]["credential"] == own["credential"]
    assert foreign not in json.dumps(journal(w, w.web1)) and w.foreign not in json.dumps(journal(w, w.web1))
    assert [e["effects"][0]["value"] for e in journal(w, w.stranger, after)["items"]] == [foreign]
    assert len(journal(w, w.root, after + "&name=" + w.one)["items"]) == 2
    assert len(journal(w, w.root, after + "&account=others")["items"]) == 1
    assert len(journal(w, w.root, after + "&credential=" + own["credential"])["items"]) == 1
    assert len(journal(w, w.root, after + "&request=" + first["request"])["items"]) == 1
    assert journal(w, w.root, "&since=%d" % everything["position"])["items"] == []
    assert len(journal(w, w.root, "&since=" + utc(3600))["items"]) == 0
    # Page by page it is the same.
    pages, at = [], start
    while True:
        page = w.v1.get("/v1/journal?limit=1&after=%s" % at, w.root)
        pages += page["items"]
        if "next" not in page:
            break
        at = page["next"]
    assert pages == everything["items"]
    secret = w.v1.call("POST", "/v1/credentials/%s/rotate" % w.web2["credential"], w.web2).json()["secret"]
    w.web2["secret"] = secret
    last = journal(w, w.web2)["items"][-1]
    assert {e["what"] for e in last["effects"]} == {"secret-added", "secret-ended"}
    assert secret not in json.dumps(journal(w, w.root))


def test_waiting_for_the_journal_ends_with_the_change(w):
    position = journal(w, w.web1)["position"]
    path = "/v1/journal?after=%d&wait=20s" % position
    got = {}

    def follow():
        began = time.monotonic()
        got["page"] = w.v1.get(path, w.web1)
        got["seconds"] = time.monotonic() - began

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(0.5)
    # What is not for it does not wake it.
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.foreign, a_value()), w.stranger).status_code == 201
    time.sleep(1.2)
    assert thread.is_alive()
    value = a_value()
    assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.one, value), w.web2).status_code == 201
    thread.join(20)
    (entry,) = got["page"]["items"]
    assert entry["effects"][0]["value"] == value and 1 < got["seconds"] < 10
    began = time.monotonic()
    page = w.v1.get("/v1/journal?after=%d&wait=1s" % got["page"]["position"], w.web1)
    assert page["items"] == [] and 0.9 < time.monotonic() - began < 6
    for wait in ("x", "61s", "-1s", "1"):
        w.v1.problem(400, "malformed", "GET", "/v1/journal?wait=" + wait, w.web1)


def test_who_is_revoked_while_waiting_sees_no_more(w):
    follower = w.credential([w.one], label=word())
    position = journal(w, follower)["position"]
    replies = []
    thread = threading.Thread(
        target=lambda: replies.append(w.v1.call("GET", "/v1/journal?after=%d&wait=20s" % position, follower)))
    thread.start()
    time.sleep(0.3)
    assert local(w.server, "DELETE", "/v1/credentials/" + follower["credential"]).status == 200
    thread.join(20)
    assert replies[0].status_code == 403 and replies[0].headers["Riposte-Refused"] == "revoked"


def test_hundreds_may_wait_and_others_are_served_meanwhile(w):
    position = journal(w, w.root)["position"]
    request = ("GET /v1/journal?after=%d&wait=60s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
               % (position, authorization(w.root))).encode()
    waiting = []
    try:
        deadline = time.monotonic() + 60
        reply = None
        while reply is None or reply.status_code != 503 or reply.json()["type"] != "/problems/full" or "wait" not in reply.json()["detail"]:
            assert time.monotonic() < deadline
            for _ in range(8):  # as many as may be on the way to the queue at a time
                s = socket.create_connection(w.server.http_addr, timeout=30)
                s.sendall(request)
                waiting.append(s)
            time.sleep(0.05)
            reply = None
            if len(waiting) >= 256:
                reply = w.v1.call("GET", "/v1/journal?after=%d&wait=1s" % position, w.web1)
        assert reply.headers["Retry-After"]
        began = time.monotonic()
        assert w.v1.get("/v1/names/%s/trace" % w.one, w.web1) and w.v1.get("/v1/server", w.root)
        assert time.monotonic() - began < 5
    finally:
        # A change frees them all.
        assert w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.one, a_value()), w.web1).status_code in (200, 201)
        for s in waiting:
            assert s.recv(100).startswith(b"HTTP/1.1 ")
            s.close()


def test_a_server_that_stops_does_not_wait_for_those_who_wait(make_riposte):
    server = make_riposte()
    account = server.register()
    who = {"credential": account["username"], "secret": account["password"]}
    position = requests.get(server.http_url + "/v1/journal", headers={"Authorization": authorization(who)}, timeout=10).json()["position"]
    replies = []
    thread = threading.Thread(target=lambda: replies.append(
        requests.get(server.http_url + "/v1/journal?after=%d&wait=60s" % position, headers={"Authorization": authorization(who)}, timeout=30)))
    thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 8
    thread.join(10)
    assert replies[0].status_code == 200 and replies[0].json()["items"] == []


def test_a_holder_sees_its_own_refusals(w):
    who, other = w.credential([w.one], label=word()), w.credential([w.one], label=word())
    asked = w.v1.problem(403, "name-not-in-scope", "PUT", "/v1/names/%s/values/%s" % (w.foreign, a_value()), who)
    unreadable = w.v1.problem(400, "malformed", "PUT", "/v1/names/%s/values/%s" % (w.one, a_value()), who, data="{")
    items = w.v1.get("/v1/refusals", who)["items"]
    assert [(i["reason"], i["request"], i["door"]) for i in items] == [
        ("malformed", unreadable["instance"], "v1"), ("name-not-in-scope", asked["instance"], "v1")]
    assert w.v1.get("/v1/refusals", other)["items"] == []
    assert asked["instance"] in [i["request"] for i in w.v1.get("/v1/refusals?limit=1000", w.root)["items"]]
    assert len(w.v1.get("/v1/refusals?limit=1&request=" + asked["instance"], w.root)["items"]) == 1
    page = w.v1.get("/v1/refusals?limit=1", who)
    assert w.v1.get("/v1/refusals?limit=1&after=" + page["next"], who)["items"][0]["request"] == asked["instance"]
    read = w.v1.problem(403, "action-not-in-scope", "GET", "/v1/accounts", who)
    assert w.v1.get("/v1/refusals?request=" + read["instance"], who)["items"][0]["reason"] == "action-not-in-scope"


# ---- problems


def test_a_refusal_names_the_thing_the_reason_and_the_way_out(w):
    reply = w.v1.call("PUT", "/v1/names/%s/values/%s" % (w.foreign, a_value()), w.web2)
    p = reply.json()
    assert p.pop("instance") == reply.headers["Riposte-Request"] and reply.headers["Riposte-Refused"] == "name-not-in-scope"
    assert p == {"type": "/problems/name-not-in-scope", "title": "This credential may not change that name", "status": 403,
                 "detail": "web2 may change %s; the request is for %s" % (w.one, w.foreign),
                 "hint": "riposte credential set %s --names +%s" % (w.web2["credential"], w.foreign)}


def test_every_problem_is_explained(w):
    words = w.v1.description.spec["components"]["schemas"]["Reason"]["enum"]
    source = (ROOT / "src" / "core" / "refusal.c").read_text()
    for reason in words:
        assert '{"%s", ' % reason in source
        reply = w.v1.call("GET", "/problems/" + reason)
        assert reply.status_code == 200 and reply.text.startswith(reason + " (") and len(reply.text) > 80
    assert source.count("    [REFUSAL_") == len(words) + 1  # none
    for reason in ("none", "nothing", "%00"):
        assert w.v1.call("GET", "/problems/" + reason).status_code == 404


def test_paths_and_methods_that_are_not_there(w):
    reply = requests.get(w.server.http_url + "/v1/nothing", timeout=10)
    assert reply.status_code == 404 and reply.json()["type"] == "/problems/not-found"
    reply = requests.post(w.server.http_url + "/v1/self", timeout=10)
    assert reply.status_code == 405 and reply.headers["Allow"] == "GET, OPTIONS"
    assert reply.headers["Content-Type"] == "application/problem+json" and reply.json()["type"] == "about:blank"


def test_each_operation_refuses_what_it_cannot_read(w):
    """400, 404, 413 and 422 of every operation that documents them, as an administrator. 409 and what else takes a story
    is in the tests above."""
    fill = {"{account}": "team", "{name}": w.one, "{text}": a_value(), "{credential}": w.web1["credential"], "{token}": "1"}
    nobody = {"{account}": "nobody-here", "{name}": "nothing.example.net", "{text}": a_value(),
              "{credential}": "00000000-0000-4000-8000-000000000000", "{token}": "4000000"}
    good = {("POST", "/v1/names/{name}/values"): {"values": [{"value": a_value()}]},
            ("DELETE", "/v1/names/{name}/values"): {"values": [a_value()]}}
    missing = {"/v1/names": {"account": "nobody-here"}, "/v1/credentials": {"names": ["nothing.auth.example.org"]},
               "/v1/tokens": {"account": "nobody-here"}, "/v1/checks": {"domain": "nothing.example.net"},
               "/v1/apply": {"accounts": [{"account": "new", "names": [{"label": "a", "zone": "example.net"}]}]}}

    def path_of(template, parts):
        for part, text in parts.items():
            template = template.replace(part, text)
        return template

    for method, template, statuses in w.v1.description.operations():
        operation = w.v1.description.spec["paths"][template][method.lower()]
        path = path_of(template, fill)
        if "400" in statuses:
            broken = path_of(template, {part: "a%00b" for part in fill})
            if method == "GET" and broken == template:
                reply = w.v1.call(method, path + "?limit=0", w.root)
            elif broken == template:
                reply = w.v1.call(method, path, w.root, data="{")
            else:
                reply = w.v1.call(method, broken, w.root, good.get((method, template)))
            assert reply.status_code == 400, (method, template, reply.text)
        if "requestBody" in operation:
            assert w.v1.call(method, path, w.root, data="[]").status_code == 400
            assert w.v1.call(method, path, w.root, {"nonsense": 1}).status_code == 422
            large = 413 if template != "/v1/apply" else 400  # which has a bound of its own
            assert w.v1.call(method, path, w.root, data="x" * 5000).status_code == large
            assert w.v1.call(method, path, w.root, data="x" * (2 << 20)).status_code == 413
        if "404" in statuses and template != "/problems/{code}":
            gone = path_of(template, nobody)
            body = good.get((method, template))
            if gone == template and method == "POST":
                body = missing[template]
            elif gone == template:
                gone += "?account=nobody-here"
            reply = w.v1.call(method, gone, w.root, body)
            assert reply.status_code == 404, (method, template, reply.text)


def test_a_domain_of_two_names_is_a_conflict(w):
    domain = word() + ".example.com"
    for label in (word(), word()):
        w.name("team", label, [domain])
    value = {"values": [{"value": a_value()}]}
    for method, path, body in (("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("GET", "/values", None),
                               ("POST", "/values", value), ("DELETE", "/values", {"values": [a_value()]}),
                               ("PUT", "/values/" + a_value(), None), ("DELETE", "/values/" + a_value(), None),
                               ("GET", "/trace", None)):
        p = w.v1.problem(409, "conflict", method, "/v1/names/%s%s" % (domain, path), w.root, body)
        assert "2 names" in p["detail"]
    w.v1.problem(409, "conflict", "GET", "/v1/journal?name=" + domain, w.root)
    label = word()
    assert w.v1.call("POST", "/v1/credentials", w.root, {"names": [w.one], "label": label}).status_code == 201
    w.v1.problem(409, "conflict", "POST", "/v1/credentials", w.root, {"names": [w.one], "label": label})


# ---- the guide


def test_the_examples_of_the_guide_run_as_they_stand(make_riposte, tmp_path):
    server = make_riposte()
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / "api.md").read_text(), re.M | re.S)
    assert len(blocks) > 10
    tool = 'riposte() { "%s" -c "%s" "$@"; }\n' % (BINARY, server.config_path)
    script = "set -euo pipefail\n" + tool + "\n".join("%s\necho" % block for block in blocks)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env={**os.environ, "URL": server.http_url},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert done.stderr == ""
    assert '"label":"web1"' in done.stdout and '"evicted":[]' in done.stdout and "GET /v1/self lists them" in done.stdout
    assert values(server, "shop." + server.zone) == set()


# ---- declared accounts; what they do is in test_apply.py


def test_declared_accounts_are_applied_and_planned(w):
    label = word()
    rights = {"actions": ["add", "remove"], "kinds": ["challenge"], "networks": ["192.0.2.0/24"], "expires": None, "tsig": True}
    body = {"accounts": [{
        "account": label, "note": "declared", "disabled": False, "limits": {"names": 3},
        "names": [{"label": label, "zone": "auth.example.org", "domains": [label + ".example.com"], "subtree": True},
                  {"name": "stage.%s.auth.example.org" % label}],
        "credentials": [{"label": "web1", "names": [label]}, {"label": "web2", "names": ["stage." + label], **rights}]}]}
    plan = w.v1.call("POST", "/v1/apply?plan=1", w.root, body).json()
    assert len(plan["steps"]) == 5 and plan["change"] is None
    reply = w.v1.call("POST", "/v1/apply?expect=" + plan["plan"], w.root, body)
    assert reply.status_code == 200 and len(reply.json()["secrets"]) == 2
    assert w.v1.call("POST", "/v1/apply", w.root, body).json()["steps"] == []
    less = {"accounts": [{"account": label, "names": [{"label": label}], "credentials": []}]}
    done = w.v1.call("POST", "/v1/apply?prune=1&force=0", w.root, less).json()
    assert [step["action"] for step in done["steps"]] == ["retire", "revoke", "revoke"]
    w.v1.problem(409, "label-retired", "POST", "/v1/apply", w.root, body)
    w.v1.problem(409, "conflict", "POST", "/v1/apply?expect=0", w.root, less)
    w.v1.problem(404, "not-found", "POST", "/v1/apply", w.root,
                 {"accounts": [{"account": label, "names": [{"label": "a", "zone": "example.net"}]}]})
    w.v1.problem(403, "action-not-in-scope", "POST", "/v1/apply", w.manager, body)
    w.v1.problem(401, "unauthenticated", "POST", "/v1/apply", None, body)
    w.v1.problem(400, "malformed", "POST", "/v1/apply", w.root, data="{")
    w.v1.problem(400, "malformed", "POST", "/v1/apply?plan=perhaps", w.root, body)
    w.v1.problem(422, "unknown-field", "POST", "/v1/apply", w.root, {"acounts": []})
    w.v1.problem(413, "too-large", "POST", "/v1/apply", w.root, data=" " * ((1 << 20) + 1))


# ---- checks; what they find is in tests/e2e/test_checks.py


def test_a_domain_in_scope_is_checked(w):
    """There is no resolver where the configuration says, so everything else is a failure that names it."""
    for who in (w.web1, w.manager):
        reply = w.v1.call("POST", "/v1/checks", who, {"domain": "*.Shop.Example.COM.", "ca": "zerossl"})
        assert reply.status_code == 200, reply.text
        check = reply.json()
        assert check["domain"] == "*.shop.example.com" and check["name"] == w.one and check["ok"] is False
        assert [f["about"] for f in check["findings"] if f["level"] == "fail"] == ["cname", "caa"]
        assert "127.0.0.1:1 refused" in check["findings"][0]["detail"]


def test_checks_are_refused(w):
    w.v1.problem(404, "not-found", "POST", "/v1/checks", w.web1, {"domain": "foreign.example.com"})
    w.v1.problem(404, "not-found", "POST", "/v1/checks", w.web1, {"domain": "one"})
    w.v1.problem(401, "unauthenticated", "POST", "/v1/checks", None, {"domain": "shop.example.com"})
    adder = w.credential([w.one], actions=["add"])
    w.v1.problem(403, "action-not-in-scope", "POST", "/v1/checks", adder, {"domain": "shop.example.com"})
    for body in ({}, {"domain": "a b"}, {"domain": 5}, {"domain": "shop.example.com", "ca": "nobody"}):
        w.v1.problem(400, "malformed", "POST", "/v1/checks", w.web1, body)
    w.v1.problem(400, "malformed", "POST", "/v1/checks", w.web1, data="{")
    w.v1.problem(422, "unknown-field", "POST", "/v1/checks", w.web1, {"domain": "shop.example.com", "cA": "x"})
    w.v1.problem(413, "too-large", "POST", "/v1/checks", w.web1, data=" " * 5000)


# ---- the description itself


def test_the_description_is_handed_out(w):
    reply = w.v1.call("GET", "/v1/openapi.yaml")
    assert reply.content == (ROOT / "docs" / "openapi.yaml").read_bytes()
    assert reply.headers["Content-Type"] == "application/yaml"


def test_the_description_names_all_paths_of_the_server(w):
    rows = re.findall(r'\{"([A-Z]+)", "([^"]+)", V1,', (ROOT / "src" / "api" / "admin.c").read_text())
    assert set(rows) == {(method, template) for method, template, _ in w.v1.description.operations()}


def test_v1_is_only_where_it_is_served(make_riposte):
    server = make_riposte({"api": {"listen": []}}, start=False)
    server.config["api"]["listen"] = [{"address": "%s:%d" % server.http_addr, "serves": ["acme-dns", "health"]}]
    server.write_config(server.config)
    server.start()
    for path in ("/v1/self", "/v1/openapi.yaml", "/problems/quota"):
        assert requests.get(server.http_url + path, timeout=10).status_code == 404


def test_everything_that_is_documented_was_seen(w, request):
    """The last one in this file; alone it would have nothing to look at."""
    if len(request.session.items) < 2 or not {"test_self_says_who_i_am", "test_a_domain_of_two_names_is_a_conflict"} <= {
            i.originalname for i in request.session.items}:
        pytest.skip("needs the whole file")
    documented = {(method, template, key) for method, template, keys in w.v1.description.operations()
                  for key in keys if key != "default"}
    assert documented - w.v1.seen == set()
    assert ("GET", "/v1/journal", "default") in w.v1.seen  # 503; 429 is seen on servers of their own
