"""Registration with rules: what a token allows, what quotas and rates stop through every door, that a retired name stays
retired through every door, and that names nobody ever used go."""

import sqlite3
import time

import dns.name
import dns.query
import dns.rcode
import dns.update
import pytest
import requests

import dnshelp
from conftest import ZONE
from test_admin import word
from test_doors import ADD, REMOVE, Holder, http_outcome, refusal_of

VALUE = "A" * 43


def register(server, token=None, **kw):
    path = "/r/%s/register" % token if token else "/register"
    return requests.post(server.http_url + path, timeout=10, **kw)


def make_token(server, *args):
    account = word()
    server.admin("account", "create", account, check=True)
    return account, server.admin_json("token", "create", "--account", account, *args)["secret"]


def told(server, reply):
    """The word of the refusal, for the client and in the records."""
    reason = refusal_of(server, reply.headers["Riposte-Request"])
    return reply.status_code, reply.json()["error"], reason


# ---- labels


@pytest.mark.parametrize("pattern,begin,length", [("web-*", "web-", 12), ("n??", "n", 3), ("*.team1", "", 14), ("X-*-y", "x-", 12)])
def test_a_token_with_a_pattern_makes_names_like_it(riposte, pattern, begin, length):
    account, token = make_token(riposte, "--labels", pattern)
    reply = register(riposte, token)
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert made["subdomain"].startswith(begin) and len(made["subdomain"]) == length
    assert made["fulldomain"] == "%s.%s" % (made["subdomain"], ZONE)
    assert riposte.update(made, VALUE).status_code == 200
    assert dnshelp.values(riposte, made["fulldomain"]) == {VALUE}
    assert riposte.admin_json("name", "show", made["fulldomain"])["account"] == account


def test_without_a_pattern_the_label_is_a_uuid_as_in_acme_dns(riposte):
    _, token = make_token(riposte)
    assert len(register(riposte, token).json()["subdomain"]) == 36


def test_a_pattern_that_is_used_up_is_told(riposte):
    label = word()
    _, token = make_token(riposte, "--labels", label)
    assert register(riposte, token).json()["subdomain"] == label
    assert told(riposte, register(riposte, token)) == (403, "no_free_label", "label-taken")
    riposte.admin("--yes", "name", "delete", label, check=True)
    assert told(riposte, register(riposte, token)) == (403, "no_free_label", "label-taken")


@pytest.mark.parametrize("pattern", ["a b", "*" * 8, "a..b", "*.*.*.*.*", "-%"])
def test_what_is_no_pattern_makes_no_token(riposte, pattern):
    riposte.admin("account", "create", "patterns")
    assert riposte.admin("token", "create", "--account", "patterns", "--labels", pattern).returncode in (2, 4, 5)


# ---- count, expiry, networks


def test_a_token_ends_with_its_count_and_refused_ones_do_not_count(riposte):
    account, token = make_token(riposte, "--count", "2")
    assert [register(riposte, token).status_code for _ in range(2)] == [201, 201]
    assert told(riposte, register(riposte, token)) == (403, "quota_exceeded", "quota")
    assert [t["used"] for t in riposte.admin_json("token", "list") if t["account"] == account] == [2]


def test_a_token_ends_at_its_time_and_its_names_go_on(riposte):
    account = word()
    riposte.admin("account", "create", account, check=True)
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    token = riposte.admin_json("token", "create", "--account", account, "--expires", ends)["secret"]
    made = register(riposte, token).json()
    time.sleep(2.2)
    assert told(riposte, register(riposte, token)) == (403, "registration_token_expired", "expired")
    reply = requests.post(
        riposte.http_url + "/r/%s/update" % token,
        json={"subdomain": made["subdomain"], "txt": VALUE},
        headers={"X-Api-User": made["username"], "X-Api-Key": made["password"]},
        timeout=10,
    )
    assert reply.status_code == 200


def test_a_token_is_for_its_networks(riposte):
    _, token = make_token(riposte, "--networks", "192.0.2.0/24")
    assert told(riposte, register(riposte, token)) == (403, "registering_from_ip_not_allowed", "network")
    _, token = make_token(riposte, "--networks", "192.0.2.0/24,127.0.0.0/8")
    assert register(riposte, token).status_code == 201


# ---- closed


@pytest.mark.parametrize("path", ["/register", "/r/rpt_%s/register" % ("x" * 40), "/r/nonsense/register"])
def test_closed_registration_is_acme_dnss_404_and_recorded(make_riposte, path):
    server = make_riposte({"registration": {"allow": "none"}})
    reply = requests.post(server.http_url + path, json={}, timeout=10)
    assert (reply.status_code, reply.text) == (404, "404 page not found\n")
    assert "Riposte-Refused" not in reply.headers
    assert requests.post(server.http_url + "/elsewhere", json={}, timeout=10).status_code == 404
    (record,) = server.admin_json("refusals")
    assert record["reason"] == "registration-closed" and record["door"] == "acme-dns"
    assert "registration.allow is none" in record["detail"] and "riposte name create" in record["detail"]


# ---- quotas


def test_the_quota_of_names_counts_whoever_makes_them(make_riposte):
    server = make_riposte({"limits": {"names": 2}, "registration": {"allow": "token"}})
    account, token = make_token(server)
    owner = server.admin_json("name", "create", "--account", account, "--label", "one")
    assert register(server, token).status_code == 201
    assert told(server, register(server, token)) == (403, "quota_exceeded", "quota")
    assert server.admin("name", "create", "--account", account).returncode == 4
    admin = server.admin_json("credential", "create", "--name", "one", "--label", "boss", "--actions", "administer")
    reply = requests.post(
        server.http_url + "/v1/names",
        json={"account": account},
        headers={"Authorization": "Bearer %s.%s" % (admin["credential"], admin["secret"])},
        timeout=10,
    )
    assert reply.json()["type"] == "/problems/quota", reply.text
    server.admin("--yes", "name", "delete", owner["name"], check=True)
    assert register(server, token).status_code == 201
    server.admin("account", "set", account, "--names", "3", check=True)
    assert server.admin("name", "create", "--account", account).returncode == 0


def test_one_name_is_said_in_the_singular(make_riposte):
    server = make_riposte({"limits": {"names": 1, "names-unclaimed": 1}})
    account, token = make_token(server)
    assert register(server, token).status_code == register(server).status_code == 201
    for reply in (register(server, token), register(server)):
        assert reply.json()["error"] == "quota_exceeded"
    details = [r["detail"] for r in server.admin_json("refusals")]
    assert len(details) == 2 and not any("1 names" in d for d in details), details
    refused = server.admin("account", "delete", account)
    assert refused.returncode == 5 and "still has 1 name" in refused.stderr and "1 names" not in refused.stderr


def test_the_quota_of_unclaimed_names_is_for_those_without_a_token(make_riposte):
    server = make_riposte({"limits": {"names-unclaimed": 2}})
    _, token = make_token(server)
    made = [register(server).json() for _ in range(2)]
    assert told(server, register(server)) == (403, "quota_exceeded", "quota")
    assert register(server, token).status_code == 201
    server.admin("--yes", "name", "delete", made[0]["fulldomain"], check=True)
    assert register(server).status_code == 201


# ---- the rate of changes


def change(door, who, name, value):
    """None, or the word of the refusal; two doors have an answer of their own for this one."""
    if door in ("httpreq", "v1"):
        return ADD[door](who, name, value)
    if door == "acme-dns":
        reply = requests.post(
            who.server.http_url + "/update",
            json={"subdomain": name.split(".")[0], "txt": value},
            headers={"X-Api-User": who.id, "X-Api-Key": who.secret},
            timeout=20,
        )
        assert reply.ok or (reply.status_code, reply.json()) == (429, {"error": "rate_limit_exceeded"})
        return http_outcome(who.server, reply)
    message = dns.update.UpdateMessage(ZONE)
    message.use_tsig(who.tsig)
    message.add(dns.name.from_text(name), 60, "TXT", '"%s"' % value)
    send = dns.query.tcp if "tcp" in door else dns.query.udp
    reply = send(message, who.server.dns_addr[0], port=who.server.dns_addr[1], timeout=20)
    if reply.rcode() == dns.rcode.NOERROR:
        return None
    assert reply.rcode() == dns.rcode.SERVFAIL  # so that the client tries again
    return [r for r in who.server.admin_json("refusals") if who.label in r["who"]][0]["reason"]


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    from conftest import Riposte

    server = Riposte(tmp_path_factory.mktemp("slow"), {"limits": {"changes": "1/h"}}).start()
    yield server
    server.stop()


def names_of(server, n):
    account = word()
    server.admin("account", "create", account, check=True)
    return [server.admin_json("name", "create", "--account", account)["name"] for _ in range(n)]


@pytest.mark.parametrize("door", ADD)
def test_the_rate_of_changes_holds_at_every_door_for_its_account_only(slow, door):
    (name,) = names_of(slow, 1)
    (other,) = names_of(slow, 1)
    who, else_where = Holder(slow, name), Holder(slow, other)
    fast = requests.Session()
    fast.headers["Authorization"] = "Bearer %s.%s" % (who.id, who.secret)
    for _ in range(1000):
        reply = fast.put("%s/v1/names/%s/values/%s" % (slow.http_url, name, VALUE), timeout=20)
        if not reply.ok:
            break
    assert change(door, who, name, "B" * 43) == "rate"
    assert dnshelp.values(slow, name) == {VALUE}
    assert change(door, else_where, other, "B" * 43) is None


# ---- tombstones


@pytest.mark.parametrize("door", ADD)
def test_a_retired_name_is_gone_at_every_door(riposte, door):
    kept, gone = names_of(riposte, 2)
    who = Holder(riposte, gone)
    keeper = Holder(riposte, kept)
    assert ADD[door](who, gone, VALUE) is None
    riposte.admin("--yes", "name", "delete", gone, "--force", check=True)
    assert ADD[door](who, gone, VALUE) == "name-not-in-scope"
    assert REMOVE[door](who, gone, VALUE) == "name-not-in-scope"
    assert ADD[door](keeper, gone, VALUE) == "name-not-in-scope"
    assert dnshelp.values(riposte, gone) is None  # NXDOMAIN
    assert ADD[door](keeper, kept, VALUE) is None
    details = [r["detail"] for r in riposte.admin_json("refusals") if r["name"].startswith(gone.split(".")[0])]
    assert any("may change no name any more" in d for d in details), details


def test_a_retired_name_is_made_again_by_an_administrator_who_says_so_only(riposte):
    (gone,) = names_of(riposte, 1)
    label = gone.split(".")[0]
    riposte.admin("--yes", "name", "delete", gone, check=True)
    account, token = make_token(riposte, "--labels", label)
    assert told(riposte, register(riposte, token)) == (403, "no_free_label", "label-taken")
    assert riposte.admin("name", "create", "--account", account, "--label", label).returncode == 5
    assert riposte.admin("name", "create", "--account", account, "--label", label, "--revive").returncode == 0


# ---- names that nobody used


def age_all(server, days):
    """As if everything had been registered so long ago: the store and its journal."""
    server.stop()
    with sqlite3.connect(server.folder / "riposte.db") as db:
        db.execute("UPDATE names SET created_s = created_s - ?", (days * 86400,))


def wait_for_pruning(server, names):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        retired = {n["name"] for n in server.admin_json("name", "list", "--retired") if n["retired"]}
        if retired >= names:
            return retired
        time.sleep(0.1)
    raise AssertionError(server.log_text()[-3000:])


def test_names_that_were_never_used_are_retired_and_logged(make_riposte):
    server = make_riposte({"registration": {"prune-unused": "90d"}})
    unused = [server.register()["fulldomain"] for _ in range(3)]
    used = server.register()
    assert server.update(used, VALUE).status_code == 200
    requests.post(
        server.http_url + "/delete",
        json={"subdomain": used["subdomain"], "txt": VALUE},
        headers={"X-Api-User": used["username"], "X-Api-Key": used["password"]},
        timeout=10,
    )
    _, token = make_token(server)
    with_token = register(server, token).json()
    server.kill()  # what was used is known after a crash too
    server.start()
    age_all(server, 91)
    server.start()
    young = server.register()
    assert wait_for_pruning(server, set(unused)) == set(unused)
    for account in (used, with_token, young):
        assert server.update(account, VALUE).status_code == 200
    assert dnshelp.values(server, unused[0]) is None
    assert '"event":"names-pruned","count":3' in server.log_text()
    entry = [e for e in server.admin_json("journal") if e["effects"][0]["what"] == "name-retired"][0]
    assert entry["door"] == "server" and len([e for e in entry["effects"] if e["what"] == "name-retired"]) == 3


def test_nothing_is_pruned_by_default(make_riposte):
    server = make_riposte()
    account = server.register()
    age_all(server, 4000)
    server.start()
    time.sleep(3)
    assert server.admin_json("name", "list", "--idle", "90d")[0]["name"] == account["fulldomain"]
    assert server.update(account, VALUE).status_code == 200


@pytest.mark.parametrize("text", ["1h", "23h", "-1d", "forever"])
def test_too_short_a_time_is_refused(make_riposte, text):
    server = make_riposte({"registration": {"prune-unused": text}}, start=False)
    checked = server.admin("check", "config")
    assert checked.returncode == 1 and "registration.prune-unused" in checked.stderr + checked.stdout
