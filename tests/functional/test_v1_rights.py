"""Who may do what through /v1: action x scope x whose claim x network, with the expected result in every cell.

A cell is what the server answers to a credential that has this one action. `ok` is any 2xx; else the status and the word
of the refusal. What a change did or did not do is looked at in DNS."""

import pytest
from conftest import Riposte
from dnshelp import a_value, values
from test_admin import call as local
from v1help import V1, word

ACTIONS = ("add", "remove", "read", "manage", "administer")

ACTION, NAME, YOURS, MISSING, NETWORK = (
    "403 action-not-in-scope", "403 name-not-in-scope", "403 not-your-value", "404 not-found", "403 network")

# operation, name, whose claim -> add, remove, read, manage, administer
TABLE = [
    # The name is in the scope.
    ("add", "in", "nobody", "ok", ACTION, ACTION, ACTION, "ok"),
    ("add", "in", "own", "ok", ACTION, ACTION, ACTION, "ok"),
    ("add", "in", "other", "ok", ACTION, ACTION, ACTION, "ok"),
    ("pin", "in", "nobody", "403 kind-not-in-scope", ACTION, ACTION, ACTION, "ok"),
    ("remove", "in", "nobody", ACTION, "ok", ACTION, "ok", "ok"),
    ("remove", "in", "own", ACTION, "ok", ACTION, "ok", "ok"),
    ("remove", "in", "other", ACTION, YOURS, ACTION, "ok", "ok"),
    ("remove", "in", "both", ACTION, "ok", ACTION, "ok", "ok"),
    ("remove", "in", "pinned", ACTION, YOURS, ACTION, "ok", "ok"),
    ("remove mine", "in", "both", ACTION, "ok", ACTION, "ok", "ok"),
    ("remove all", "in", "both", ACTION, "ok", ACTION, "ok", "ok"),
    ("read values", "in", "other", ACTION, ACTION, "ok", "ok", "ok"),
    ("read name", "in", "nobody", ACTION, ACTION, "ok", "ok", "ok"),
    ("list names", "in", "nobody", ACTION, ACTION, "ok", "ok", "ok"),
    ("trace", "in", "nobody", ACTION, ACTION, "ok", "ok", "ok"),
    ("journal", "in", "nobody", ACTION, ACTION, "ok", "ok", "ok"),
    ("set name", "in", "nobody", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("delete name", "in", "nobody", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("make name", "in", "nobody", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("make credential", "in", "nobody", ACTION, ACTION, ACTION, "ok", ACTION),  # administer: on the admin socket only
    ("show credential", "in", "other", MISSING, MISSING, MISSING, "ok", "ok"),
    ("set credential", "in", "other", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("rotate credential", "in", "other", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("revoke credential", "in", "other", ACTION, ACTION, ACTION, "ok", "ok"),
    ("revoke adder", "in", "other", ACTION, ACTION, ACTION, ACTION, "ok"),
    # It is not.
    ("add", "out", "nobody", NAME, NAME, NAME, NAME, "ok"),
    ("add", "out", "other", NAME, NAME, NAME, NAME, "ok"),
    ("remove", "out", "nobody", NAME, NAME, NAME, NAME, "ok"),
    ("remove", "out", "other", NAME, NAME, NAME, NAME, "ok"),
    ("remove all", "out", "other", NAME, NAME, NAME, NAME, "ok"),
    ("read values", "out", "other", ACTION, ACTION, MISSING, MISSING, "ok"),
    ("read name", "out", "nobody", ACTION, ACTION, MISSING, MISSING, "ok"),
    ("trace", "out", "nobody", ACTION, ACTION, MISSING, MISSING, "ok"),
    ("journal", "out", "nobody", ACTION, ACTION, MISSING, MISSING, "ok"),
    ("set name", "out", "nobody", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("delete name", "out", "nobody", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("make credential", "out", "nobody", ACTION, ACTION, ACTION, NAME, ACTION),
    ("show credential", "out", "other", MISSING, MISSING, MISSING, MISSING, "ok"),
    ("set credential", "out", "other", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("rotate credential", "out", "other", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("revoke credential", "out", "other", ACTION, ACTION, ACTION, MISSING, "ok"),
    # About no name.
    ("self", "-", "-", "ok", "ok", "ok", "ok", "ok"),
    ("show itself", "-", "-", "ok", "ok", "ok", "ok", "ok"),
    ("rotate itself", "-", "-", "ok", "ok", "ok", "ok", "ok"),
    ("list credentials", "-", "-", "ok", "ok", "ok", "ok", "ok"),
    ("refusals", "-", "-", "ok", "ok", "ok", "ok", "ok"),
    ("server", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("list accounts", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("show account", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("put account", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("set account", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("delete account", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("list tokens", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("show token", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("make token", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
    ("revoke token", "-", "-", ACTION, ACTION, ACTION, ACTION, "ok"),
]

# What is served afterwards of a value, where it was done: whose claim it was decides.
LEFT = {"remove mine": {"both": True}, "remove": {"both": {"remove": True}}, "remove all": {"both": {"remove": True}}}


class World:
    def __init__(self, folder):
        self.server = Riposte(folder, {"limits": {"changes": "1000/s"}}).start()
        self.v1 = V1(self.server)
        for account in ("team", "others"):
            assert local(self.server, "PUT", "/v1/accounts/" + account, {}).status == 201
        token = local(self.server, "POST", "/v1/tokens", {"account": "team"})
        self.token = token.json()["token"]

    def name(self, account):
        made = local(self.server, "POST", "/v1/names", {"account": account, "label": word()})
        assert made.status == 201, made.body
        return made.json()["name"]

    def credential(self, name, **members):
        made = local(self.server, "POST", "/v1/credentials", {"names": [name], **members})
        assert made.status == 201, made.body
        return made.json()

    def put(self, name, value, who, **body):
        assert self.v1.call("PUT", "/v1/names/%s/values/%s" % (name, value), who, body or None).status_code in (200, 201)


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("rights"))
    yield world
    world.server.stop()


class Cell:
    """One credential with one action, a name in its scope and one outside, and somebody else at each."""

    def __init__(self, w, action, scope, owner, network):
        self.w, self.action = w, action
        self.own_name, self.foreign = w.name("team"), w.name("others")
        self.name = self.foreign if scope == "out" else self.own_name
        self.me = w.credential(self.own_name, actions=["add"])
        # With no more power than the one who is asked about, so that only the scope is in question.
        self.other = w.credential(self.name, actions=[action] if action != "administer" else ["read"])
        self.adder = w.credential(self.name, actions=["add", "read"], kinds=["challenge", "pinned"])
        self.value = a_value()
        if owner in ("own", "both"):
            w.put(self.name, self.value, self.me)
        if owner in ("other", "both"):
            w.put(self.name, self.value, self.adder)
        if owner == "pinned":
            w.put(self.name, self.value, self.adder, pinned=True)
        self.was_there = owner in ("own", "other", "both", "pinned")
        change = {"actions": [action]}
        if network == "outside":
            change["networks"] = ["192.0.2.0/24", "2001:db8::/32"]
        assert local(w.server, "PATCH", "/v1/credentials/" + self.me["credential"], change).status == 200

    def request(self, operation):
        name, other, me = "/v1/names/" + self.name, "/v1/credentials/" + self.other["credential"], "/v1/credentials/" + self.me["credential"]
        actions = [self.action]
        return {
            "add": ("PUT", name + "/values/" + self.value, None),
            "pin": ("PUT", name + "/values/" + self.value, {"pinned": True}),
            "remove": ("DELETE", name + "/values/" + self.value, None),
            "remove mine": ("DELETE", name + "/values?mine=1", None),
            "remove all": ("DELETE", name + "/values?all=1", None),
            "read values": ("GET", name + "/values", None),
            "read name": ("GET", name, None),
            "list names": ("GET", "/v1/names", None),
            "trace": ("GET", name + "/trace", None),
            "journal": ("GET", "/v1/journal?name=" + self.name, None),
            "set name": ("PATCH", name, {"domains": {"add": [word() + ".example.com"]}}),
            "delete name": ("DELETE", name, None),
            "make name": ("POST", "/v1/names", {"account": "team"}),
            "make credential": ("POST", "/v1/credentials", {"names": [self.name], "actions": actions}),
            "show credential": ("GET", other, None),
            "set credential": ("PATCH", other, {"label": word()}),
            "rotate credential": ("POST", other + "/rotate", None),
            "revoke credential": ("DELETE", other, None),
            "revoke adder": ("DELETE", "/v1/credentials/" + self.adder["credential"], None),
            "self": ("GET", "/v1/self", None),
            "show itself": ("GET", me, None),
            "rotate itself": ("POST", me + "/rotate", None),
            "list credentials": ("GET", "/v1/credentials", None),
            "refusals": ("GET", "/v1/refusals", None),
            "server": ("GET", "/v1/server", None),
            "list accounts": ("GET", "/v1/accounts", None),
            "show account": ("GET", "/v1/accounts/team", None),
            "put account": ("PUT", "/v1/accounts/" + word(), {}),
            "set account": ("PATCH", "/v1/accounts/team", {"note": word()}),
            "delete account": ("DELETE", "/v1/accounts/" + self.empty_account(), None) if operation == "delete account" else None,
            "list tokens": ("GET", "/v1/tokens", None),
            "show token": ("GET", "/v1/tokens/%d" % self.w.token, None),
            "make token": ("POST", "/v1/tokens", {"account": "team"}),
            "revoke token": ("DELETE", "/v1/tokens/%d" % self.w.token, None),
        }[operation]

    def empty_account(self):
        name = word()
        assert local(self.w.server, "PUT", "/v1/accounts/" + name, {}).status == 201
        return name


def outcome(reply):
    return "ok" if reply.ok else "%d %s" % (reply.status_code, reply.json()["type"].split("/")[-1])


def is_served_after(cell, operation, owner, done):
    if not done or operation not in ("add", "pin", "remove", "remove mine", "remove all"):
        return cell.was_there
    if operation in ("add", "pin"):
        return True
    left = LEFT.get(operation, {}).get(owner, False)
    return left.get(cell.action, False) if isinstance(left, dict) else left


@pytest.mark.parametrize("row", TABLE, ids=lambda r: "%s-%s-%s" % r[:3])
def test_rights(w, row):
    operation, scope, owner, *expected = row
    for action, cell_expected in zip(ACTIONS, expected):
        for network in ("inside", "outside"):
            cell = Cell(w, action, scope, owner, network)
            want = cell_expected
            if network == "outside" and operation != "self":
                want = NETWORK
            method, path, body = cell.request(operation)
            reply = w.v1.call(method, path, cell.me, body)
            assert outcome(reply) == want, (action, network, reply.text)
            if network == "outside" and operation == "self":
                assert reply.json()["refused"] == "network"
            if not reply.ok and reply.status_code == 403:
                assert reply.headers["Riposte-Refused"] == want.split()[1]
            if operation != "delete name" or not reply.ok:
                there = cell.value in values(w.server, cell.name)
                assert there == is_served_after(cell, operation, owner, reply.ok), (action, network)
