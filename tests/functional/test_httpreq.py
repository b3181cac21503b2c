"""The httpreq door as lego, Traefik and acme.sh's acmeproxy use it: what they send, and what DNS says afterwards."""

import base64
import concurrent.futures
import hashlib
import itertools
import json
import re
import subprocess

import pytest
import requests

from dnshelp import a_value, values
from metricshelp import Metrics

numbers = itertools.count()


class Name:
    """A name with a domain, and credentials for it."""

    def __init__(self, server, labels=("web1",)):
        self.server = server
        self.label = "shop%d" % next(numbers)
        self.domain = self.label + ".example.com"
        self.fulldomain = self.label + ".auth.example.org"
        server.admin("account", "create", "team")
        server.admin("name", "create", "--account", "team", "--label", self.label, "--domain", self.domain, check=True)
        self.holders = [self.credential(label) for label in labels]

    def credential(self, label, *more):
        made = self.server.admin(
            "credential", "create", "--name", self.fulldomain, "--label", label, "--as", "acme-dns", *more, check=True
        )
        return json.loads(made.stdout)

    def values(self):
        return values(self.server, self.fulldomain)


@pytest.fixture
def name(riposte):
    return Name(riposte)


def post(server, action, holder, body, base="", **kw):
    return requests.post(
        server.http_url + base + "/" + action,
        json=body,
        auth=holder and (holder["username"], holder["password"]),
        headers={"Accept": "application/json"},
        timeout=20,
        **kw,
    )


def default(name, value, fqdn=None):
    return {"fqdn": fqdn or name.fulldomain + ".", "value": value}


def raw(domain, key_auth):
    return {"domain": domain, "token": key_auth.split(".")[0], "keyAuth": key_auth}


def digest(key_auth):
    return base64.urlsafe_b64encode(hashlib.sha256(key_auth.encode()).digest()).rstrip(b"=").decode()


def assert_problem(reply, status, word):
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = reply.json()
    assert body["type"] == "/problems/" + word and body["status"] == status and body["title"]
    assert body["instance"] == reply.headers["Riposte-Request"]
    return body


@pytest.mark.parametrize("base", ["", "/", "/r/anything"])
def test_present_and_cleanup(riposte, name, base):
    value = a_value()
    reply = post(riposte, "present", name.holders[0], default(name, value), base)
    assert reply.status_code == 200 and reply.json() == default(name, value)
    assert name.values() == {value}
    reply = post(riposte, "cleanup", name.holders[0], default(name, value), base)
    assert reply.status_code == 200 and reply.json() == default(name, value)
    assert name.values() == set()


def test_a_200_means_that_dns_answers_so(riposte, name):
    for _ in range(50):
        value = a_value()
        assert post(riposte, "present", name.holders[0], default(name, value)).status_code == 200
        assert name.values() == {value}
        assert post(riposte, "cleanup", name.holders[0], default(name, value)).status_code == 200
        assert name.values() == set()


def test_cleanup_of_what_is_gone(riposte, name):
    for _ in range(2):
        assert post(riposte, "cleanup", name.holders[0], default(name, a_value())).status_code == 200


def test_raw_mode(riposte, name):
    key_auth = a_value() + "." + a_value()
    for domain in (name.domain, name.domain.upper(), "*." + name.domain):
        reply = post(riposte, "present", name.holders[0], raw(domain, key_auth))
        assert reply.status_code == 200 and reply.json() == {"domain": domain, "value": digest(key_auth)}
        assert name.values() == {digest(key_auth)}
        assert post(riposte, "cleanup", name.holders[0], raw(domain, key_auth)).status_code == 200
        assert name.values() == set()


def test_apex_and_wildcard_hold_two_values(riposte, name):
    keys = [a_value() + "." + a_value() for _ in range(2)]
    for key in keys:
        assert post(riposte, "present", name.holders[0], raw(name.domain, key)).status_code == 200
    assert name.values() == {digest(k) for k in keys}


def test_the_name_before_its_cname(riposte, name):
    """Old legos, those told to follow no CNAME, and acme.sh send the challenge's own name."""
    value = a_value()
    fqdn = "_acme-challenge." + name.domain
    for spelling in (fqdn + ".", fqdn, fqdn.upper()):
        assert post(riposte, "present", name.holders[0], default(name, value, spelling)).json()["value"] == value
    assert name.values() == {value}


@pytest.mark.parametrize("fqdn", ["{d}.", "_acme-challenge.www.{d}.", "auth.example.org.", "other.auth.example.org.", ""])
def test_other_names_are_refused(riposte, name, fqdn):
    reply = post(riposte, "present", name.holders[0], {"fqdn": fqdn.format(d=name.domain), "value": a_value()})
    body = assert_problem(reply, 403, "name-not-in-scope")
    assert reply.headers["Riposte-Refused"] == "name-not-in-scope"
    assert name.fulldomain in body["detail"]


def test_a_hint_that_works(riposte, name):
    """What a refusal proposes can be run as it stands."""
    domain = "new-" + name.domain
    body = default(name, a_value(), "_acme-challenge." + domain + ".")
    refused = assert_problem(post(riposte, "present", name.holders[0], body), 403, "name-not-in-scope")
    command = refused["hint"].split(" ")
    assert command[0] == "riposte"
    riposte.admin(*command[1:], check=True)
    assert post(riposte, "present", name.holders[0], body).status_code == 200


def test_acme_sh(riposte, name):
    """dns_acmeproxy looks for the value in double quotes, and not at the status; it gives no content type but JSON's."""
    value = a_value()
    credentials = base64.b64encode(("%(username)s:%(password)s" % name.holders[0]).encode()).decode()
    for action in ("present", "cleanup"):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "-X", "POST", "-H", "Authorization: Basic " + credentials,
             "-H", "Accept: application/json", "-H", "Content-Type: application/json",
             "--data", '{"fqdn": "_acme-challenge.%s.", "value": "%s"}' % (name.domain, value),
             riposte.http_url + "/" + action],
            capture_output=True, text=True, timeout=20, check=True,
        )
        assert re.search('"%s"' % re.escape(value), done.stdout)
        assert name.values() == ({value} if action == "present" else set())
    for fqdn, key in (("_acme-challenge.other.example.com.", name.holders[0]), (name.fulldomain, None)):
        refused = post(riposte, "present", key, {"fqdn": fqdn, "value": value})
        assert '"%s"' % value not in refused.text and refused.status_code >= 400


def test_wrong_credentials_all_get_the_same_reply(riposte, name):
    holder = name.holders[0]
    wrong = [
        None,
        {"username": holder["username"], "password": holder["password"][:-1] + ("A" if holder["password"][-1] != "A" else "B")},
        {"username": "8e57f2b0-1111-4222-8333-444455556666", "password": holder["password"]},
        {"username": holder["username"], "password": "short"},
        {"username": "joe", "password": holder["password"]},
        {"username": holder["password"], "password": holder["username"]},
    ]
    told = set()
    for one in wrong:
        reply = post(riposte, "present", one, default(name, a_value()))
        body = assert_problem(reply, 401, "unauthenticated")
        assert reply.headers["WWW-Authenticate"] == 'Basic realm="riposte"'
        assert "Riposte-Refused" not in reply.headers
        del body["instance"]
        told.add(json.dumps(body))
    assert len(told) == 1
    listed = riposte.admin_json("refusals")
    seen = [r for r in listed if r["door"] == "httpreq" and r["reason"] == "unauthenticated"]
    details = " ".join(r["detail"] for r in seen)
    for word in ("no Authorization", "wrong secret for web1", "there is no credential", "5 characters instead of 40", "no UUID"):
        assert word in details
    assert holder["password"] not in details


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"fqdn":"a."}', '{"fqdn":1,"value":"x"}', '{"domain":"shop.example.com"}'])
def test_bodies_that_cannot_be_read(riposte, name, body):
    holder = name.holders[0]
    reply = requests.post(riposte.http_url + "/present", data=body, auth=(holder["username"], holder["password"]), timeout=10)
    assert_problem(reply, 400, "malformed")


def test_what_is_no_challenge_value(riposte, name):
    assert_problem(post(riposte, "present", name.holders[0], default(name, "hello")), 422, "not-a-challenge-value")
    assert name.values() == set()


def test_revoked_networks_and_actions(riposte, name):
    body = default(name, a_value())
    reader = name.credential("reader", "--actions", "read")
    reply = post(riposte, "present", reader, body)
    assert assert_problem(reply, 403, "action-not-in-scope")["hint"]
    far = name.credential("far", "--networks", "192.0.2.0/24")
    assert "127.0.0.1" in assert_problem(post(riposte, "present", far, body), 403, "network")["detail"]
    riposte.admin("credential", "revoke", far["username"], "--yes", check=True)
    reply = post(riposte, "present", far, body)
    assert_problem(reply, 403, "revoked")
    assert reply.headers["Riposte-Refused"] == "revoked"
    assert name.values() == set()


def test_each_credential_ends_only_its_own(riposte):
    name = Name(riposte, ["web1", "web2"])
    one, two = name.holders
    boss = name.credential("boss", "--actions", "add,remove,manage")
    body = default(name, a_value())
    assert post(riposte, "present", one, body).status_code == 200
    refused = assert_problem(post(riposte, "cleanup", two, body), 403, "not-your-value")
    assert "web1" in refused["detail"]
    assert name.values() == {body["value"]}
    assert post(riposte, "present", two, body).status_code == 200  # hosts with one ACME account have the same digest
    assert post(riposte, "cleanup", one, body).status_code == 200
    assert name.values() == {body["value"]}
    assert post(riposte, "cleanup", boss, body).status_code == 200
    assert name.values() == set()


def test_two_doors_and_one_credential(riposte, name):
    """What came through one door can be ended through the other."""
    holder, value = name.holders[0], a_value()
    assert riposte.update(holder, value).status_code == 200
    assert post(riposte, "cleanup", holder, default(name, value)).status_code == 200
    assert name.values() == set()
    assert post(riposte, "present", holder, default(name, value)).status_code == 200
    reply = requests.post(
        riposte.http_url + "/delete", json={"subdomain": holder["subdomain"], "txt": value},
        headers={"X-Api-User": holder["username"], "X-Api-Key": holder["password"]}, timeout=10,
    )
    assert reply.status_code == 200 and reply.text == '{"txt": "%s"}' % value
    assert name.values() == set()


def test_many_machines_at_once(riposte):
    """Each presents two values, sees them, and cleans them up; nothing of anybody is lost, and nothing stays."""
    name = Name(riposte, ["web%d" % i for i in range(16)])

    def renew(holder):
        for _ in range(4):
            mine = [default(name, a_value()) for _ in range(2)]
            for body in mine:
                assert post(riposte, "present", holder, body).status_code == 200
            assert {b["value"] for b in mine} <= name.values()
            for body in mine:
                assert post(riposte, "cleanup", holder, body).status_code == 200
            assert not {b["value"] for b in mine} & name.values()

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(renew, name.holders))
    assert name.values() == set()


def test_the_account_of_an_acme_dns_client_works_as_it_is(riposte):
    account = riposte.register()
    value = a_value()
    body = {"fqdn": account["fulldomain"] + ".", "value": value}
    assert post(riposte, "present", account, body).status_code == 200
    assert values(riposte, account["fulldomain"]) == {value}
    assert post(riposte, "cleanup", account, body).status_code == 200
    assert values(riposte, account["fulldomain"]) == set()


def test_the_settings_that_are_printed_are_the_ones_that_work(riposte, name):
    """--as httpreq, taken by a shell as a user's would be."""
    made = riposte.admin("credential", "create", "--name", name.fulldomain, "--label", "printed", "--as", "httpreq", check=True)
    script = made.stdout + 'printf "%s\\n" "$HTTPREQ_ENDPOINT" "$HTTPREQ_USERNAME" "$HTTPREQ_PASSWORD"'
    shell = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
    endpoint, username, password = shell.stdout.split("\n")[:3]
    assert endpoint == riposte.http_url
    body = default(name, a_value())
    assert requests.post(endpoint + "/present", json=body, auth=(username, password), timeout=10).status_code == 200
    assert name.values() == {body["value"]}


def test_other_methods_and_paths(riposte, name):
    assert requests.get(riposte.http_url + "/present", timeout=10).headers["Allow"] == "OPTIONS, POST"
    reply = post(riposte, "Cleanup/", name.holders[0], default(name, a_value()), allow_redirects=False)
    assert reply.status_code == 307 and reply.headers["Location"] == "/cleanup"
    assert post(riposte, "Cleanup/", name.holders[0], default(name, a_value())).status_code == 200  # the client follows
    reply = requests.options(
        riposte.http_url + "/present",
        headers={"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}, timeout=10,
    )
    assert reply.status_code == 204 and "Access-Control-Allow-Origin" not in reply.headers


def test_not_where_it_is_not_served(make_riposte):
    server = make_riposte()
    assert "httpreq" in server.admin("status", check=True).stdout
    config = server.config
    server.stop()
    config["api"]["listen"][0]["serves"] = ["acme-dns", "health"]
    server.write_config(config)
    server.start()
    assert "httpreq" not in server.admin("status", check=True).stdout
    name = Name(server)
    assert post(server, "present", name.holders[0], default(name, a_value())).status_code == 404
    assert server.update(name.holders[0], a_value()).status_code == 200


def test_counted_and_journalled(make_riposte):
    server = make_riposte()
    name = Name(server)
    body = default(name, a_value())
    assert post(server, "present", name.holders[0], body).status_code == 200
    assert post(server, "cleanup", name.holders[0], body).status_code == 200
    assert post(server, "present", None, body).status_code == 401
    metrics = Metrics(requests.get(server.http_url + "/metrics", timeout=10).text)
    assert metrics.value("riposte_http_requests_total", route="httpreq", code="200") == 2
    assert metrics.value("riposte_http_requests_total", route="httpreq", code="401") == 1
    assert "httpreq" in server.admin("credential", "show", name.holders[0]["username"], check=True).stdout


def test_values_survive_a_restart(make_riposte):
    server = make_riposte()
    name = Name(server)
    kept, gone = default(name, a_value()), default(name, a_value())
    for body in (kept, gone):
        assert post(server, "present", name.holders[0], body).status_code == 200
    assert post(server, "cleanup", name.holders[0], gone).status_code == 200
    server.kill()
    server.start()
    assert name.values() == {kept["value"]}
