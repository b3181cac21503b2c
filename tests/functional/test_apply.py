"""riposte apply and POST /v1/apply: accounts, names and credentials as a file says."""

import json
import socket
import stat
import subprocess
import threading
import time

import pytest
import requests
import yaml

from conftest import BINARY, ROOT
from dnshelp import a_value, values
from test_admin import call, problem
from v1help import authorization

ZONE = "auth.example.org"

SHOP = """\
accounts:
  - account: shop-team
    note: Web shop
    limits: {names: 50}
    disabled: no
    names:
      - label: shop
        domains: [shop.example.com, "*.pay.example.com"]
      - name: stage.shop.auth.example.org
        subtree: yes
    credentials:
      - label: web1
        names: [shop]
      - label: web2
        names: [shop, stage.shop]
        actions: [add, remove]
        networks: ["127.0.0.0/8"]
        expires: 2099-01-31
"""


@pytest.fixture
def server(make_riposte):
    return make_riposte()


@pytest.fixture
def root(server):
    assert call(server, "PUT", "/v1/accounts/ops", {}).status == 201
    assert call(server, "POST", "/v1/names", {"account": "ops", "label": "ops"}).status == 201
    made = call(server, "POST", "/v1/credentials", {"names": ["ops"], "label": "root", "actions": ["administer"]})
    return made.json()


def write(server, text, name="accounts.yaml"):
    path = server.folder / name
    path.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    return str(path)


def apply(server, text, *options, status=0):
    """With --json and --yes: the reply."""
    done = server.admin("--json", "--yes", "apply", write(server, text), *options)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


def position(server):
    return len(
        call(server, "GET", "/v1/journal?limit=1000").json()["items"])


# ---- the command


def test_a_file_is_applied_and_applying_it_again_finds_nothing_to_do(server):
    path = write(server, SHOP)
    secrets = server.folder / "secrets.json"
    done = server.admin("--yes", "apply", path, "--secrets", str(secrets), check=True)
    out = done.stdout
    assert "+ account shop-team" in out and "+ name shop.auth.example.org" in out and "+ credential web2" in out
    assert "5 to make, 0 to change, 0 to retire or revoke; 0 as the file says already" in out
    assert "_acme-challenge.shop.example.com. IN CNAME shop.auth.example.org." in out
    assert "_acme-challenge.pay.example.com. IN CNAME shop.auth.example.org." in out
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    made = {one["label"]: one for one in json.loads(secrets.read_text())}
    assert set(made) == {"web1", "web2"} and made["web2"]["names"] == ["shop." + ZONE, "stage.shop." + ZONE]
    assert made["web1"]["secret"] not in out + done.stderr
    value = a_value()
    reply = requests.put(server.http_url + "/v1/names/shop.example.com/values/" + value, timeout=10,
                         headers={"Authorization": authorization(made["web1"])})
    assert reply.status_code == 201, reply.text
    assert values(server, "shop." + ZONE) == {value}
    before = position(server)
    again = server.admin("--yes", "apply", path, check=True)
    assert again.stdout == "nothing to do: 5 as the file says\n"
    assert position(server) == before
    assert values(server, "shop." + ZONE) == {value}


def test_all_of_it_is_one_change(server):
    before = position(server)
    assert apply(server, SHOP)["change"] is not None
    assert position(server) == before + 1
    kinds = {e["what"] for e in call(server, "GET", "/v1/journal?limit=1000").json()["items"][-1]["effects"]}
    assert {"account-made", "name-made", "credential-made", "secret-added"} <= kinds


def test_a_plan_changes_nothing_and_is_what_is_done(server):
    path = write(server, SHOP)
    before = position(server)
    plan = server.admin_json("apply", path, "--plan")
    assert position(server) == before and plan["change"] is None and plan["secrets"] == []
    assert all(step.get("credential") is None for step in plan["steps"])
    done = apply(server, SHOP)
    assert done["plan"] == plan["plan"]

    def without_ids(steps):
        return [{k: v for k, v in step.items() if k != "credential"} for step in steps]

    assert without_ids(done["steps"]) == without_ids(plan["steps"])
    people = server.admin("apply", write(server, SHOP.replace("Web shop", "Shop")), "--plan", check=True).stdout
    assert "  ~ account shop-team\n      note         Web shop  ->  Shop\n" in people
    assert "0 to make, 1 to change, 0 to retire or revoke; 4 as the file says already" in people


def test_differences_are_shown_and_done_and_secrets_stay(server):
    first = apply(server, SHOP)
    text = SHOP.replace("shop.example.com, ", "").replace("127.0.0.0/8", "192.0.2.0/24").replace("2099-01-31", "never")
    second = apply(server, text)
    assert [(s["action"], s["what"]) for s in second["steps"]] == [("change", "name"), ("change", "credential")]
    assert second["secrets"] == []
    web2 = next(s for s in second["steps"] if s["what"] == "credential")
    assert {"member": "networks", "from": "127.0.0.0/8", "to": "192.0.2.0/24"} in web2["changes"]
    assert web2["credential"] == next(s["credential"] for s in first["secrets"] if s["label"] == "web2")
    shown = call(server, "GET", "/v1/credentials/" + web2["credential"]).json()
    assert shown["networks"] == ["192.0.2.0/24"] and shown["expires"] is None and shown["actions"] == ["add", "remove"]
    assert call(server, "GET", "/v1/names/shop." + ZONE).json()["domains"] == ["pay.example.com"]


def test_without_a_place_for_secrets_nothing_is_done(server):
    path = write(server, SHOP)
    done = server.admin("--yes", "apply", path)
    assert done.returncode == 2 and "--secrets" in done.stderr and "nothing was done" in done.stderr
    taken = server.folder / "taken"
    taken.write_text("dear")
    done = server.admin("--yes", "apply", path, "--secrets", str(taken))
    assert done.returncode == 1 and "nothing was done" in done.stderr and taken.read_text() == "dear"
    done = server.admin("--yes", "apply", path, "--secrets", str(server.folder / "no" / "folder"))
    assert done.returncode == 1 and "nothing was done" in done.stderr
    fresh = server.folder / "fresh"
    done = server.admin("apply", path, "--secrets", str(fresh))  # nobody is there to say yes
    assert done.returncode == 1 and "--yes" in done.stderr and not fresh.exists()
    bad = write(server, SHOP.replace("label: shop\n", "label: taken\n").replace("[shop", "[taken").replace("names: [taken, ", "names: ["))
    assert server.admin("account", "create", "mallory").returncode == 0
    assert server.admin("name", "create", "--account", "mallory", "--label", "taken").returncode == 0
    done = server.admin("--yes", "apply", bad, "--secrets", str(fresh))
    assert done.returncode == 5 and not fresh.exists()
    assert call(server, "GET", "/v1/accounts/shop-team").status == 404


def test_the_standard_input_and_empty_files(server):
    done = subprocess.run([BINARY, "-c", str(server.config_path), "--yes", "--json", "apply", "-"], input=SHOP,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and len(json.loads(done.stdout)["secrets"]) == 2
    done = subprocess.run([BINARY, "-c", str(server.config_path), "apply", "-"], input="accounts: []\n",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == "nothing to do: 0 as the file says\n"


def test_the_sample_applies(server):
    path = str(ROOT / "etc" / "accounts.yaml.example")
    done = server.admin("--yes", "--json", "apply", path, check=True)
    secrets = json.loads(done.stdout)["secrets"]
    assert {s["label"] for s in secrets if s["tsig"]} == {"router"}
    assert {s["label"] for s in secrets} == {"web1", "web2", "router", "policy", "lb1", "lb2"}
    assert "nothing to do" in server.admin("apply", path, "--prune", check=True).stdout


# ---- all or nothing


def test_a_refusal_in_the_last_row_leaves_nothing_and_names_its_line(server):
    assert server.admin("account", "create", "mallory").returncode == 0
    assert server.admin("name", "create", "--account", "mallory", "--label", "taken").returncode == 0
    text = SHOP + "  - account: zzz\n    names:\n      - label: fine\n      - label: taken\n"
    stderr = apply(server, text, status=5)
    line = text.splitlines().index("      - label: taken") + 1
    assert "accounts.yaml:%d:9: accounts[1].names[1]: taken.auth.example.org is not free" % line in stderr
    assert call(server, "GET", "/v1/accounts/shop-team").status == 404
    assert server.admin("name", "delete", "taken", "--yes").returncode == 0
    stderr = apply(server, text, status=5)
    assert "was removed on" in stderr and "--revive" in stderr


def test_kill_right_after_the_reply_loses_nothing(server):
    many = {"accounts": [{"account": "a%d" % i, "names": [{"label": "n%d" % i, "domains": ["d%d.example.com" % i]}],
                          "credentials": [{"label": "web1"}]} for i in range(200)]}

    done = call(server, "POST", "/v1/apply", many)
    server.kill()
    assert done.status == 200 and len(done.json()["secrets"]) == 200
    server.start()
    assert call(server, "POST", "/v1/apply?plan=1", many).json()["steps"] == []
    one = done.json()["secrets"][137]
    value = a_value()
    reply = requests.put(server.http_url + "/v1/names/d137.example.com/values/" + value, timeout=10,
                         headers={"Authorization": authorization(one)})
    assert reply.status_code == 201, reply.text
    assert server.admin("check", "store").returncode == 0


def test_two_hundred_accounts_at_once_beside_others_changes(server):
    many = {"accounts": [{"account": "a%d" % i, "names": [{"label": "n%d" % i}], "credentials": [{"label": "web1"}]}
                         for i in range(200)]}
    account = server.register()
    stop, bad = threading.Event(), []

    def updates():
        while not stop.is_set():
            if server.update(account, a_value()).status_code != 200:
                bad.append(1)

    thread = threading.Thread(target=updates)
    thread.start()
    try:
        first = apply(server, many)
        second = apply(server, many)
    finally:
        stop.set()
        thread.join()
    assert len(first["secrets"]) == 200 and len({s["secret"] for s in first["secrets"]}) == 200
    assert second["steps"] == [] and second["unchanged"] == 600 and not bad


def test_two_at_once_do_not_both_make_it(server):
    body = {"accounts": [{"account": "team", "names": [{"label": "one"}], "credentials": [{"label": "web1"}]}]}
    plan = call(server, "POST", "/v1/apply?plan=1", body).json()["plan"]
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(call(server, "POST", "/v1/apply?expect=" + plan, body)))
               for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(r.status for r in replies) == [200] + [409] * 7
    assert len(call(server, "GET", "/v1/credentials?name=one").json()["items"]) == 1
    assert "look at the plan again" in next(r for r in replies if r.status == 409).json()["hint"]


# ---- pruning


def test_prune_ends_what_the_listed_accounts_have_beside_the_file(server):
    apply(server, SHOP)
    assert server.admin("account", "create", "others").returncode == 0
    assert server.admin("name", "create", "--account", "others", "--label", "theirs").returncode == 0
    less = {"accounts": [{"account": "shop-team", "names": [{"label": "shop"}], "credentials": [{"label": "web1"}]}]}
    assert apply(server, less)["steps"] == []
    done = apply(server, less, "--prune")
    assert [(s["action"], s["what"]) for s in done["steps"]] == [("retire", "name"), ("revoke", "credential")]
    assert call(server, "GET", "/v1/names/stage.shop").status == 404
    assert call(server, "GET", "/v1/names/theirs").status == 200
    assert [c["label"] for c in call(server, "GET", "/v1/credentials?account=shop-team").json()["items"]] == ["web1"]


def test_prune_refuses_names_with_live_values_unless_forced(server):
    secrets = {s["label"]: s for s in apply(server, SHOP)["secrets"]}
    value = a_value()
    reply = requests.put(server.http_url + "/v1/names/shop.example.com/values/" + value, timeout=10,
                         headers={"Authorization": authorization(secrets["web1"])})
    assert reply.status_code == 201
    nothing = {"accounts": [{"account": "shop-team"}]}
    stderr = apply(server, nothing, "--prune", status=5)
    assert "shop.auth.example.org is not in the file and has 1 live value\n" in stderr and "--force" in stderr
    assert values(server, "shop." + ZONE) == {value}
    done = apply(server, nothing, "--prune", "--force")
    assert [s["values"] for s in done["steps"] if s["action"] == "retire"] == [1, 0]
    assert values(server, "shop." + ZONE) is None  # NXDOMAIN: it is retired
    assert server.admin("apply", write(server, nothing), "--force").returncode == 2


# ---- files that are wrong


def errors_of(server, text):
    path = write(server, text)
    done = server.admin("--yes", "--json", "apply", path)
    assert done.returncode == 1 and "nothing was done" in done.stderr, done.stdout + done.stderr
    return [line.replace(path + ":", "") for line in done.stderr.splitlines() if line.startswith(path)]


def test_all_that_is_wrong_is_said_at_once_with_line_and_column(server):
    text = """\
acounts: []
accounts:
  - acount: shop-team
    note:
    disabled: perhaps
    limits: {name: 50}
    names:
      - label: [shop]
        domains: shop.example.com
        subtre: no
      - just-a-text
    credentials:
      - names: [shop]
        actions: [add, delete]
        networks: ["10/8", "192.0.2.0/33"]
        expires: 90d
        label: web1
        label: web2
      - {}
  - account: other
    limits: {names: many}
    disabled: {no: yes}
"""
    assert errors_of(server, text) == [
        '1:1: unknown key "acounts"; did you mean "accounts"?',
        '3:5: accounts[0]: "account" is missing',
        '3:5: accounts[0]: unknown key "acount"; did you mean "account"?',
        "4:10: accounts[0].note: says nothing; leave the key out, or say it",
        '5:15: accounts[0].disabled: "perhaps" is not yes or no',
        '6:14: accounts[0].limits: unknown key "name"; did you mean "names"?',
        "8:16: accounts[0].names[0].label: a text is wanted here, not a list",
        "9:18: accounts[0].names[0].domains: a list is wanted here, such as [one, two]",
        '10:9: accounts[0].names[0]: unknown key "subtre"; did you mean "subtree"?',
        '11:9: accounts[0].names[1]: keys are wanted here, such as "label:"',
        '14:24: accounts[0].credentials[0].actions[1]: "delete" is not one of add, remove, read, manage, administer',
        '15:20: accounts[0].credentials[0].networks[0]: "10/8" is not a network: 192.0.2.0/24 or 2001:db8::/32, one '
        "address is ADDRESS/32 or ADDRESS/128",
        '15:28: accounts[0].credentials[0].networks[1]: "192.0.2.0/33" is not a network: 192.0.2.0/24 or 2001:db8::/32, one '
        "address is ADDRESS/32 or ADDRESS/128",
        '16:18: accounts[0].credentials[0].expires: "90d" is not a date such as 2027-01-31, a time such as '
        "2027-01-31T12:00:00Z, or never",
        "18:9: accounts[0].credentials[0].label: this key is here a second time",
        '19:9: accounts[0].credentials[1]: "label" is missing',
        '21:21: accounts[1].limits.names: "many" is not a number from 1 on, or default',
        "22:15: accounts[1].disabled: yes or no is wanted here, not a mapping",
    ]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    "%s: &%s [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]\n" % ((k, k) + (j,) * 9) for j, k in zip("abcdefgh", "bcdefghi"))

HOSTILE = {
    "anchors": (BOMB + "accounts: *i\n", "anchors"),
    "an alias": ("accounts: *x\n", "aliases"),
    "a tag": ("accounts: !!python/object:os.system []\n", "tags"),
    "two documents": ("accounts: []\n---\naccounts: []\n", "2:1: a second document"),
    "deep": ("accounts: " + "[" * 5000 + "]" * 5000 + "\n", "nested deeper"),
    "unclosed": ('accounts: ["a\n', "this quote is never closed"),
    "tab": ("accounts:\n\t- account: a\n", "2:1: YAML"),
    "a list": ("- account: a\n", "1:1: keys are wanted here"),
    "a text": ("accounts\n", "1:1: keys are wanted here"),
    "nothing": ("", "the file is empty"),
    "a comment": ("# nothing\n", "the file is empty"),
    "no accounts": ("{}\n", '"accounts" is missing'),
    "a list as key": ("accounts:\n  - ? [a]\n    : b\n", "a list stands where a key is wanted"),
    "NUL": ('accounts:\n  - account: "a\\0b"\n', "2:14: accounts[0].account: a NUL"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_refused_in_words(riposte, what):
    text, expected = HOSTILE[what]
    errors = errors_of(riposte, text)
    assert any(expected in e for e in errors), errors
    assert len(errors) < 600


def test_files_that_cannot_be_read_are_refused(server):
    path = server.folder / "bytes.yaml"
    path.write_bytes(b"accounts:\n  - account: \xff\xfe\n")
    done = server.admin("apply", str(path))
    assert done.returncode == 1 and "bytes.yaml:2:" in done.stderr
    path.write_bytes(b"# " + b"x" * (1 << 20) + b"\naccounts: []\n")
    done = server.admin("apply", str(path))
    assert done.returncode == 1 and "larger than 1048576 octets" in done.stderr
    done = server.admin("apply", str(server.folder / "missing.yaml"))
    assert done.returncode == 1 and "missing.yaml: No such file or directory" in done.stderr
    done = server.admin("apply", str(server.folder))
    assert done.returncode == 1 and "Is a directory" in done.stderr
    assert server.admin("apply").returncode == 2


# ---- over HTTP


def test_the_command_applies_to_a_server_at_a_url(server, root):
    token = server.folder / "token"
    token.write_text("%s.%s\n" % (root["credential"], root["secret"]))
    token.chmod(0o600)
    there = ("--url", server.http_url, "--token-file", str(token))
    path = write(server, {"accounts": [{"account": "a%d" % i, "note": "n" * 100, "names": [{"label": "n%d" % i}]} for i in range(100)]})
    done = server.admin(*there, "--yes", "apply", path, check=True)
    assert "done: 200 made" in done.stdout
    assert "nothing to do: 200" in server.admin(*there, "apply", path, check=True).stdout
    path = write(server, {"accounts": [{"account": "a1", "names": [{"label": "n2"}]}]})
    done = server.admin(*there, "--yes", "apply", path)
    assert done.returncode == 5 and path + ":4:5: accounts[0].names[0]: n2.auth.example.org is not free" in done.stderr


def post(server, who, body, query="", **kw):
    headers = {"Authorization": authorization(who)} if who else {}
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return requests.post(server.http_url + "/v1/apply" + query, data=data, headers=headers, timeout=30, **kw)


ONE = {"accounts": [{"account": "team", "names": [{"label": "one"}], "credentials": [{"label": "web1"}]}]}


def test_http_takes_a_large_body_from_an_administrator_only(server, root):
    note = "n" * 200
    many = {"accounts": [{"account": "a%d" % i, "note": note, "names": [{"label": "n%d" % i}]} for i in range(1000)]}
    assert len(json.dumps(many)) > 200000
    plain = call(server, "POST", "/v1/credentials", {"names": ["ops"], "label": "plain"}).json()
    for who, status in ((None, 401), ({**root, "secret": "A" * 40}, 401), (plain, 403)):
        reply = post(server, who, many)
        assert reply.status_code == status, reply.text
    reply = post(server, plain, b"{" * 100000)  # not even read
    assert reply.status_code == 403
    reply = post(server, root, many)
    assert reply.status_code == 200 and len(reply.json()["steps"]) == 2000
    assert post(server, root, many).json()["steps"] == []
    reply = post(server, root, b" " * ((1 << 20) + 1))
    assert reply.status_code == 413
    large_elsewhere = requests.post(server.http_url + "/v1/names", data=b" " * 5000, timeout=10,
                                    headers={"Authorization": authorization(root)})
    assert large_elsewhere.status_code == 413


BODIES = [
    ([], 400, "malformed", ""),
    ({}, 400, "malformed", "accounts is needed"),
    ({"accounts": {}}, 400, "malformed", "accounts: a list is wanted"),
    ({"accounts": [7]}, 400, "malformed", "accounts[0]: an object is wanted"),
    ({"accounts": [{}]}, 400, "malformed", "accounts[0].account is needed"),
    ({"accounts": [{"account": "a", "nmes": []}]}, 422, "unknown-field", "accounts[0].nmes"),
    ({"accounts": [{"account": "a", "names": [{"label": 7}]}]}, 400, "malformed", "accounts[0].names[0].label: a text"),
    ({"accounts": [{"account": "a", "names": [{"label": "b", "value": "x"}]}]}, 422, "unknown-field",
     "accounts[0].names[0].value"),
    ({"accounts": [{"account": "a", "limits": {"names": 0}}]}, 400, "malformed", "accounts[0].limits.names"),
    ({"accounts": [{"account": "a", "credentials": [{"label": "w", "networks": ["x"]}]}]}, 422, "bad-network",
     "accounts[0].credentials[0].networks"),
    ({"accounts": [{"account": "a", "credentials": [{"label": "w", "expires": "90d"}]}]}, 400, "malformed",
     "accounts[0].credentials[0].expires"),
    ({"accounts": [{"account": "a"}] * 1001}, 413, "too-large", "1001"),
    ({"accounts": [{"account": "a", "names": [{}] * 5001}]}, 413, "too-large", "accounts[0].names"),
    ({"accounts": [{"account": "a", "names": [{"label": "b"}] * 2500}, {"account": "b", "names": [{"label": "c"}] * 2501}]},
     413, "too-large", "5001 names"),
    ({"accounts": [{"account": "A"}]}, 400, "malformed", "accounts[0].account: "),
    ({"accounts": [{"account": "a"}, {"account": "a"}]}, 409, "conflict", "accounts[1].account: "),
    ({"accounts": [{"account": "a", "names": [{"label": "x y"}]}]}, 422, "bad-label", "accounts[0].names[0]: "),
]


@pytest.mark.parametrize("body,status,reason,detail", BODIES)
def test_bodies_that_are_wrong_are_refused_with_their_path(riposte, body, status, reason, detail):
    before = position(riposte)
    p = problem(call(riposte, "POST", "/v1/apply", body), status, reason)
    assert detail in p["detail"]
    assert position(riposte) == before


def test_http_plans_applies_and_knows_who_asks(server, root):
    plan = post(server, root, ONE, "?plan=1").json()
    assert plan["change"] is None and len(plan["steps"]) == 3
    reply = post(server, root, ONE, "?expect=" + plan["plan"])
    assert reply.status_code == 200 and reply.headers["Cache-Control"] == "no-store"
    assert len(reply.json()["secrets"]) == 1
    entry = call(server, "GET", "/v1/journal?limit=1000").json()["items"][-1]
    assert entry["credential"] == root["credential"] and entry["door"] == "v1"
    administrator = {"accounts": [{"account": "team", "names": [{"label": "one"}],
                                   "credentials": [{"label": "boss", "actions": ["administer"]}]}]}
    assert post(server, root, administrator).status_code == 403
    assert post(server, root, {"accounts": [{"account": "ops", "names": [{"label": "ops"}]}]}, "?prune=1").status_code == 409
    assert call(server, "POST", "/v1/apply", administrator).status == 200


def test_too_many_large_bodies_at_a_time_are_told_to_come_again(server, root):
    held = []
    try:
        for _ in range(20):  # more than there is room for: a request of ours may be in the way of one of them
            s = socket.create_connection(server.http_addr, timeout=10)
            s.sendall(b"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b" " * 60000)
            held.append(s)
        deadline = time.monotonic() + 20
        reply = post(server, root, json.dumps(ONE) + " " * 8000)
        while reply.status_code != 503 and time.monotonic() < deadline:
            reply = post(server, root, json.dumps(ONE) + " " * 8000)
        assert reply.status_code == 503 and reply.headers["Retry-After"]
        assert post(server, root, ONE).status_code == 200  # a small one fits
        assert call(server, "POST", "/v1/apply", json.dumps(ONE) + " " * 8000).status == 200
    finally:
        for s in held:
            s.close()
    deadline = time.monotonic() + 20
    while reply.status_code != 200 and time.monotonic() < deadline:
        reply = post(server, root, json.dumps(ONE) + " " * 8000)
    assert reply.status_code == 200
