"""riposte client and riposte hook on a host, against a real daemon: what is stored and never lost, what is said, and what ends with
which status. Whole certificates, and name servers that disagree, are in tests/e2e/test_hooks.py."""

import base64
import concurrent.futures
import hashlib
import http.server
import json
import resource
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from conftest import BINARY, ZONE, free_port
from dnshelp import a_value, values

ACCOUNT_MEMBERS = {"fulldomain", "subdomain", "username", "password", "server_url", "allowfrom"}


class Host:
    def __init__(self, folder, server):
        self.server, self.storage = server, folder / "client.json"
        # The daemon in the place of a resolver: it knows its own zone, and refuses all else.
        self.options = ["--storage", self.storage, "--resolver", "127.0.0.1:%d" % server.dns_addr[1]]

    def run(self, *args, env=None, options=True, **kw):
        """Without PATH and HOME, as a delayed job has them."""
        words = [BINARY, *map(str, args[:2]), *(map(str, self.options) if options else []), *map(str, args[2:])]
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, env=env or {}, cwd="/", **kw)

    def register(self, *domains, url=None, **kw):
        return self.run("client", "register", "--server", url or self.server.http_url, "--wait", "0s", *domains, **kw)

    def stored(self):
        return json.loads(self.storage.read_text())

    def hook(self, client, *args, env=None, **kw):
        return self.run("hook", client, *args, env=env, **kw)


@pytest.fixture
def host(riposte, tmp_path):
    return Host(tmp_path, riposte)


def names(server):
    return {n["name"] for n in server.admin_json("name", "list")}


# ---- register and list


def test_a_name_is_registered_stored_and_shown(host):
    done = host.register("shop.example.com")
    assert done.returncode == 0, done.stderr
    account = host.stored()["shop.example.com"]
    assert set(account) == ACCOUNT_MEMBERS
    assert account["server_url"] == host.server.http_url and account["fulldomain"] == account["subdomain"] + "." + ZONE
    assert stat.S_IMODE(host.storage.stat().st_mode) == 0o600
    assert "saved credential for shop.example.com in %s (mode 0600)" % host.storage in done.stdout
    assert "_acme-challenge.shop.example.com. IN CNAME %s." % account["fulldomain"] in done.stdout
    assert account["password"] not in done.stdout + done.stderr
    value = a_value()
    assert host.server.update(account, value).status_code == 200  # any acme-dns client goes on with it


def test_a_domain_gets_one_credential_however_it_is_written(host):
    done = host.register("Shop.example.com.", "*.shop.example.com", "_acme-challenge.shop.example.com")
    assert done.returncode == 0, done.stderr
    before = host.storage.read_text()
    assert list(host.stored()) == ["shop.example.com"]
    again = host.register("*.SHOP.example.com")
    assert again.returncode == 0 and "has a credential in" in again.stdout
    assert host.storage.read_text() == before


def test_the_server_is_said_once(host):
    assert host.run("client", "register", "--wait", "0s", "a.example.com").returncode == 2
    assert host.register("a.example.com").returncode == 0
    done = host.run("client", "register", "--wait", "0s", "b.example.com")
    assert done.returncode == 0, done.stderr
    assert host.stored()["b.example.com"]["server_url"] == host.server.http_url
    other = Host(host.storage.parent / "other", host.server)
    done = other.run("client", "register", "--wait", "0s", "c.example.com", env={"RIPOSTE_CLIENT_SERVER": host.server.http_url + "/"})
    assert done.returncode == 0 and list(other.stored()) == ["c.example.com"]


def test_the_list_has_no_secrets(host):
    host.register("a.example.com", "b.example.com")
    table, as_json = host.run("client", "list"), host.run("client", "list", "--json")
    for account in host.stored().values():
        assert account["fulldomain"] in table.stdout and account["password"] not in table.stdout + as_json.stdout
    assert [i["domain"] for i in json.loads(as_json.stdout)["items"]] == ["a.example.com", "b.example.com"]
    assert "DOMAIN" in table.stdout
    by_variable = host.run("client", "list", options=False, env={"RIPOSTE_CLIENT_STORAGE": str(host.storage)})
    assert by_variable.stdout == table.stdout


def test_networks_go_along(host):
    done = host.register("a.example.com", "--networks", "198.51.100.0/24,2001:db8::/32")
    assert done.returncode == 0 and host.stored()["a.example.com"]["allowfrom"] == ["198.51.100.0/24", "2001:db8::/32"]
    wrong = host.register("b.example.com", "--networks", "198.51.100.1")
    assert wrong.returncode == 2 and "198.51.100.1" in wrong.stderr and "ADDRESS/32" in wrong.stderr


@pytest.mark.parametrize("domain", ["", ".", "a..b", "-a.example.com", "a b.example.com", "x" * 64 + ".example.com", "a" * 300])
def test_what_is_no_domain_is_refused_and_nothing_is_made(host, domain):
    assert host.register("--", domain).returncode == 2
    assert not host.storage.exists()


def test_json_for_scripts(host):
    done = host.register("shop.example.com", "--json")
    account = host.stored()["shop.example.com"]
    assert json.loads(done.stdout) == {"items": [{
        "domain": "shop.example.com", "name": account["fulldomain"], "cname": "_acme-challenge.shop.example.com", "new": True,
        "pointed": False}]}


def test_a_cname_that_cannot_be_seen_ends_the_wait_with_7_and_nothing_is_lost(host):
    done = host.run("client", "register", "--server", host.server.http_url, "--wait", "1s", "shop.example.com")
    assert done.returncode == 7 and "riposte client test" in done.stderr
    assert "shop.example.com" in host.stored()


def test_a_token_is_needed_taken_from_a_file_and_not_kept(make_riposte, tmp_path):
    server = make_riposte({"registration": {"allow": "token"}})
    host = Host(tmp_path, server)
    refused = host.register("shop.example.com")
    assert refused.returncode == 4 and "riposte token create" in refused.stderr and "--token-file" in refused.stderr
    assert "riposte refusals --request" in refused.stderr and not host.storage.exists()
    server.admin("account", "create", "shop-team", check=True)
    token = server.admin_json("token", "create", "--account", "shop-team", "--count", "1")["secret"]
    path = tmp_path / "token"
    path.write_text(token + "\n")
    path.chmod(0o644)
    done = host.register("shop.example.com", "--token-file", path)
    assert done.returncode == 0, done.stderr
    assert "others can read the token" in done.stderr
    assert token not in host.storage.read_text() + done.stdout + done.stderr
    assert host.stored()["shop.example.com"]["server_url"] == server.http_url
    used_up = host.register("more.example.com", "--token-file", path)
    assert used_up.returncode == 4 and "no names left" in used_up.stderr and "more.example.com" not in host.stored()
    path.write_text("not a token at all\n")
    assert host.register("more.example.com", "--token-file", path).returncode == 1
    assert host.register("more.example.com", "--token-file", tmp_path / "nothing").returncode == 1


def test_what_was_registered_before_a_refusal_is_kept(make_riposte, tmp_path):
    server = make_riposte({"registration": {"allow": "token"}})
    host = Host(tmp_path, server)
    server.admin("account", "create", "shop-team", check=True)
    (tmp_path / "token").write_text(server.admin_json("token", "create", "--account", "shop-team", "--count", "1")["secret"])
    done = host.register("a.example.com", "b.example.com", "--token-file", tmp_path / "token")
    assert done.returncode == 4 and list(host.stored()) == ["a.example.com"]
    assert "_acme-challenge.a.example.com. IN CNAME" in done.stdout


def test_servers_that_are_closed_gone_or_none(make_riposte, tmp_path):
    closed = make_riposte({"registration": {"allow": "none"}})
    host = Host(tmp_path, closed)
    done = host.register("shop.example.com")
    assert done.returncode == 4 and "riposte name create" in done.stderr
    gone = host.register("shop.example.com", url="http://127.0.0.1:%d" % free_port())
    assert gone.returncode == 6 and "refuses the connection" in gone.stderr
    path = host.register("shop.example.com", url=closed.http_url + "/wrong")
    assert path.returncode == 4 and "has no /register" in path.stderr
    assert host.register("shop.example.com", url="ftp://127.0.0.1").returncode == 2
    assert host.register("shop.example.com", url="https://user:secret@127.0.0.1").returncode == 2
    plain = host.register("shop.example.com", url="http://192.0.2.1:8053")
    assert plain.returncode == 4 and "in the clear" in plain.stderr
    assert not host.storage.exists()


# ---- nothing is lost


def test_what_cannot_be_stored_is_not_registered(host, tmp_path):
    before = names(host.server)
    host.options[1] = tmp_path / "no" / "such" / "client.json"
    done = host.register("shop.example.com")
    assert done.returncode == 1 and "nothing was registered" in done.stderr
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"a.example.com": ')
    host.options[1] = damaged
    done = host.register("shop.example.com")
    assert done.returncode == 1 and "line 1" in done.stderr and damaged.read_text() == '{"a.example.com": '
    assert names(host.server) == before


def test_when_the_disk_fails_after_all_the_credential_is_shown(host):
    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = host.register("shop.example.com", preexec_fn=no_room)
    # Output goes to pipes, which have no such limit.
    assert done.returncode == 1 and "cannot write" in done.stderr
    shown = json.loads(done.stderr[done.stderr.index("{\n"):])
    assert host.server.update(shown["shop.example.com"], a_value()).status_code == 200
    assert not host.storage.exists() and [p.name for p in host.storage.parent.iterdir()] == ["client.json.lock"]


def test_many_runs_at_once_lose_nothing_and_register_a_domain_once(host):
    domains = ["d%d.example.com" % (i % 6) for i in range(18)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        done = list(pool.map(host.register, domains))
    assert [d.returncode for d in done] == [0] * len(domains), [d.stderr for d in done]
    assert sum("saved credential" in d.stdout for d in done) == 6
    assert set(host.stored()) == set(domains)
    for account in host.stored().values():
        assert host.server.update(account, a_value()).status_code == 200


# ---- test


def findings(done):
    (one,) = json.loads(done.stdout)["domains"]
    return {f["about"]: f for f in one["findings"]}


def test_a_credential_is_tried_out(host):
    host.register("shop.example.com")
    done = host.run("client", "test", "--json")
    found = findings(done)
    assert done.returncode == 0, done.stdout
    assert found["credential"]["level"] == "ok" and "lets it in from 127.0.0.1" in found["credential"]["detail"]
    assert found["cname"]["level"] == "note"  # the daemon is no resolver for example.com
    assert found["value"]["level"] == "ok" and "visible at the resolver" in found["value"]["detail"]
    assert values(host.server, host.stored()["shop.example.com"]["fulldomain"]) == set()
    assert host.run("client", "test", "other.example.com").returncode == 3
    assert "riposte client register" in host.run("client", "test", "other.example.com").stderr


def test_a_refused_network_is_explained_with_the_command_that_helps(host):
    host.register("shop.example.com", "--networks", "198.51.100.0/24")
    done = host.run("client", "test", "shop.example.com")
    assert done.returncode == 7
    assert "your address 127.0.0.1 is not in its networks 198.51.100.0/24" in done.stdout
    assert "an administrator can change it:  riposte credential set" in done.stdout and "127.0.0.1/32" in done.stdout
    account = host.stored()["shop.example.com"]
    refused = host.hook("exec", "present", account["fulldomain"], a_value())
    assert refused.returncode == 1
    assert "riposte credential set" in refused.stderr and "riposte refusals --request" in refused.stderr


def test_a_revoked_credential_and_one_for_another_name(host):
    host.register("a.example.com", "b.example.com")
    accounts = host.stored()
    accounts["a.example.com"]["fulldomain"] = accounts["b.example.com"]["fulldomain"]
    host.storage.write_text(json.dumps(accounts))
    found = findings(host.run("client", "test", "a.example.com", "--json"))
    assert found["credential"]["level"] == "fail" and "is not for" in found["credential"]["detail"]
    host.server.admin("credential", "revoke", accounts["b.example.com"]["username"], check=True)
    done = host.run("client", "test", "b.example.com", "--json")
    assert done.returncode == 7 and findings(done)["credential"]["level"] == "fail"


def test_without_anything_to_test(host):
    done = host.run("client", "test")
    assert done.returncode == 3 and "riposte client register" in done.stderr


def test_secrets_that_others_can_read_are_warned_of(host):
    host.register("shop.example.com")
    host.storage.chmod(0o640)
    assert "chmod 600" in host.run("client", "list").stderr
    assert "chmod 600" not in host.run("client", "list", "--quiet").stderr


# ---- hooks


def test_certbot_tells_its_two_hooks_apart_even_with_what_it_leaves_behind(host):
    host.register("shop.example.com")
    target = host.stored()["shop.example.com"]["fulldomain"]
    first, second = a_value(), a_value()
    env = {"CERTBOT_DOMAIN": "shop.example.com", "CERTBOT_VALIDATION": first, "CERTBOT_REMAINING_CHALLENGES": "0"}
    added = host.hook("certbot", env=env)
    assert added.returncode == 0 and first in added.stdout and values(host.server, target) == {first}
    # certbot leaves the output of the last clean-up in the environment of the next addition.
    stale = host.hook("certbot", env={**env, "CERTBOT_VALIDATION": second, "CERTBOT_AUTH_OUTPUT": added.stdout.strip()})
    assert stale.returncode == 0 and values(host.server, target) == {first, second}
    for value, output in [(second, stale.stdout.strip()), (first, "")]:
        done = host.hook("certbot", env={**env, "CERTBOT_VALIDATION": value, "CERTBOT_AUTH_OUTPUT": output})
        assert done.returncode == 0 and value not in values(host.server, target)
    assert host.hook("certbot", "auth", env={**env, "CERTBOT_AUTH_OUTPUT": ""}).returncode == 0
    assert values(host.server, target) == {first}
    assert host.hook("certbot", "cleanup", env=env).returncode == 0 and values(host.server, target) == set()


def test_certbot_called_wrongly_is_told_so(host):
    host.register("shop.example.com")
    env = {"CERTBOT_DOMAIN": "shop.example.com", "CERTBOT_VALIDATION": a_value()}
    assert "CERTBOT_DOMAIN" in host.hook("certbot").stderr
    http = host.hook("certbot", env={**env, "CERTBOT_TOKEN": "x"})
    assert http.returncode == 1 and "--preferred-challenges dns" in http.stderr
    assert host.hook("certbot", "both", env=env).returncode == 1


def test_dehydrated_with_a_hundred_domains_in_one_call(host):
    domains = ["d%d.example.com" % i for i in range(4)]
    host.register(*domains)
    # The same few again, as a certificate of a hundred names has them; tokens and values may begin with hyphens.
    triples = [(domains[i % 4], "--token", "-" + a_value()[1:]) for i in range(100)]
    words = [w for t in triples for w in t]
    done = host.hook("dehydrated", "deploy_challenge", *words)
    assert done.returncode == 0, done.stderr
    for i, domain in enumerate(domains):
        assert values(host.server, host.stored()[domain]["fulldomain"]) == {t[2] for t in triples[i::4]}
    assert host.hook("dehydrated", "clean_challenge", *words).returncode == 0
    for domain in domains:
        assert values(host.server, host.stored()[domain]["fulldomain"]) == set()


@pytest.mark.parametrize("verb", ["this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script",
                                  "startup_hook", "exit_hook", "deploy_cert", "unchanged_cert", "sync_cert", "generate_csr"])
def test_dehydrated_s_other_verbs_are_ignored_without_a_word(host, verb):
    done = host.hook("dehydrated", verb, "a", "--b", "c", "d")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_uacme_is_declined_what_is_not_dns_01(host):
    host.register("shop.example.com")
    target = host.stored()["shop.example.com"]["fulldomain"]
    value = "--" + a_value()[2:]
    for kind in ("http-01", "tls-alpn-01"):
        done = host.hook("uacme", "begin", kind, "shop.example.com", "token", value)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert host.hook("uacme", "begin", "dns-01", "shop.example.com", "token", value).returncode == 0
    assert values(host.server, target) == {value}
    assert host.hook("uacme", "failed", "dns-01", "shop.example.com", "token", value).returncode == 0
    assert values(host.server, target) == set()
    assert host.hook("uacme", "begin", "dns-01", "shop.example.com", value).returncode == 1
    assert host.hook("uacme", "end", "dns-01", "shop.example.com", "token", value).returncode == 1


def test_exec_in_both_modes_and_by_the_target_of_the_cname(host):
    host.register("shop.example.com")
    target = host.stored()["shop.example.com"]["fulldomain"]
    value, key_authorization = a_value(), "token.thumb-print"
    digest = base64.urlsafe_b64encode(hashlib.sha256(key_authorization.encode()).digest()).rstrip(b"=").decode()
    for domain in ("_acme-challenge.shop.example.com.", target + ".", "www.shop.example.com"):
        assert host.hook("exec", "present", domain, value).returncode == 0
        assert values(host.server, target) == {value}
        assert host.hook("exec", "cleanup", domain, value).returncode == 0
        assert values(host.server, target) == set()
    assert host.hook("exec", "present", "--", "shop.example.com", "--token", key_authorization).returncode == 0
    assert values(host.server, target) == {digest}
    assert host.hook("exec", "cleanup", "shop.example.com", "token", key_authorization).returncode == 0
    assert values(host.server, target) == set()


def test_without_dns_nobody_is_asked(host):
    host.register("shop.example.com")
    value = a_value()
    done = host.hook("exec", "--no-dns", "--timeout=20s", "present", "shop.example.com", value)
    assert done.returncode == 0 and done.stderr == "" and "nobody was asked" in done.stdout
    assert values(host.server, host.stored()["shop.example.com"]["fulldomain"]) == {value}


def test_what_a_hook_cannot_do_is_said_with_status_1(host):
    without_file = host.hook("exec", "present", "shop.example.com", a_value())
    assert without_file.returncode == 1 and "riposte client register" in without_file.stderr
    host.register("shop.example.com")
    unknown = host.hook("exec", "present", "other.example.org", a_value())
    assert unknown.returncode == 1 and "no credential for other.example.org" in unknown.stderr
    for value in ("short", "x" * 44, "x" * 42 + "="):
        wrong = host.hook("exec", "present", "shop.example.com", value)
        assert wrong.returncode == 1 and "no challenge value" in wrong.stderr
    assert host.hook("exec", "presents", "shop.example.com", a_value()).returncode == 1
    assert host.hook("exec", "--timeout", "soon", "present", "shop.example.com", a_value()).returncode == 2
    cleanup = host.hook("exec", "cleanup", "other.example.org", a_value())
    assert cleanup.returncode == 0 and "no credential" in cleanup.stderr  # the certificate is there: nothing fails for this


def test_a_server_that_starts_late_is_tried_again_and_one_that_hangs_is_not_waited_for_for_ever(make_riposte, tmp_path):
    server = make_riposte()
    host = Host(tmp_path, server)
    host.register("shop.example.com")
    target, value = host.stored()["shop.example.com"]["fulldomain"], a_value()
    server.stop()
    timer = threading.Timer(2, server.start)
    timer.start()
    done = host.hook("exec", "present", "shop.example.com", value)
    timer.join()
    assert done.returncode == 0, done.stderr
    assert values(server, target) == {value}
    with socket.socket() as silent:  # takes connections, and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begun = time.monotonic()
        done = host.hook("exec", "--server", "http://127.0.0.1:%d" % silent.getsockname()[1], "--timeout", "4s", "present",
                         "shop.example.com", a_value())
        assert done.returncode == 1 and "took too long" in done.stderr and 2 < time.monotonic() - begun < 7


# ---- a server that is acme-dns itself


class AcmeDns(http.server.BaseHTTPRequestHandler):
    """/register and /update, and nothing else."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
        if self.path == "/register":
            status, reply = 201, {"username": "u" * 8, "password": "p" * 40, "fulldomain": "x." + ZONE, "subdomain": "x", "allowfrom": []}
        elif self.path == "/update":
            self.server.updates.append((self.headers["X-Api-User"], self.headers["X-Api-Key"], body))
            status, reply = 200, {"txt": body["txt"]}
        else:
            status, reply = 404, None
        text = json.dumps(reply).encode() if reply else b"404 page not found\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def acmedns():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AcmeDns)
    server.updates = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_acme_dns_itself_is_spoken_to_as_its_clients_do(host, acmedns):
    url = "http://127.0.0.1:%d" % acmedns.server_port
    assert host.register("shop.example.com", url=url).returncode == 0
    value = a_value()
    # The name is not served by the daemon, so its own servers, which cannot be asked here, are not asked for a value.
    added = host.hook("exec", "--timeout", "3s", "present", "shop.example.com", value)
    assert added.returncode == 0, added.stderr
    assert acmedns.updates == [("u" * 8, "p" * 40, {"subdomain": "x", "txt": value})]
    cleaned = host.hook("exec", "cleanup", "shop.example.com", value)
    assert (cleaned.returncode, cleaned.stderr) == (0, "")
    found = findings(host.run("client", "test", "--json"))
    assert found["value"]["level"] == "note" and "no way to remove" in found["value"]["detail"]
    assert len(acmedns.updates) == 1  # so none was added


def test_a_listener_of_riposte_that_serves_acme_dns_alone(make_riposte, tmp_path):
    server = make_riposte()
    config = dict(server.config)
    server.stop()
    config["api"]["listen"][0]["serves"] = ["acme-dns", "health"]
    server.write_config(config)
    server.start()
    host = Host(tmp_path, server)
    assert host.register("shop.example.com").returncode == 0
    found = findings(host.run("client", "test", "--json"))
    assert found["credential"]["level"] == "note" and found["value"]["level"] == "ok"
    assert values(server, host.stored()["shop.example.com"]["fulldomain"]) == set()
