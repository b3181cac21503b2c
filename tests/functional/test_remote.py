"""The command line over a URL: the same commands, as far as a credential's rights go."""

import json
import os
import signal
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conftest import BINARY, ZONE, free_port
from dnshelp import a_value, ask, values


def word():
    return "x" + uuid.uuid4().hex[:10]


def run(*args, env=None, **kw):
    """Without a configuration, and with nothing in the environment but what is said."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RIPOSTE_") and not k.lower().endswith("_proxy")}
    return subprocess.run([BINARY, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env={**clean, **(env or {})}, **kw)


class Remote:
    """A credential in a file, and commands with it."""

    def __init__(self, server, path, *args):
        self.url, self.path = server.http_url, path
        made = server.admin("--json", "credential", "create", *args, check=True).stdout
        self.credential = json.loads(made)
        path.write_text(made)
        path.chmod(0o600)

    def run(self, *args, **kw):
        return run("--url", self.url, "--token-file", self.path, *args, **kw)

    def json(self, *args):
        done = self.run("--json", *args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def name(riposte):
    label = word()
    riposte.admin("name", "create", "--account", "team", "--create-account", "--label", label, "--domain", label + ".example.com",
                  check=True)
    return label


@pytest.fixture
def administrator(riposte, name, tmp_path):
    return Remote(riposte, tmp_path / "admin", "--name", name, "--actions", "add,remove,read,manage,administer")


@pytest.fixture
def holder(riposte, name, tmp_path):
    return Remote(riposte, tmp_path / "holder", "--name", name, "--label", "web1")


# ---- rights


def test_an_administrator_does_everything_from_elsewhere(riposte, name, administrator):
    status = administrator.run("status")
    assert status.returncode == 0 and status.stdout.startswith("riposte ") and ZONE in status.stdout
    account, label, value = word(), word(), a_value()
    assert administrator.run("account", "create", account).returncode == 0
    assert administrator.json("account", "show", account)["account"] == account
    assert administrator.run("name", "create", "--account", account, "--label", label).returncode == 0
    assert administrator.run("value", "add", label, "--lifetime", "1h", "--", value).returncode == 0
    assert values(riposte, "%s.%s" % (label, ZONE)) == {value}
    assert value in administrator.json("value", "list", label)["values"]
    assert "no credentials" in administrator.run("name", "show", label).stdout
    assert administrator.run("value", "pin", label, "a text").returncode == 0
    assert administrator.run("value", "unpin", label, "a text").returncode == 0
    made = administrator.run("credential", "create", "--name", label, "--label", "web1", "--as", "lego")
    (entry,) = json.loads(made.stdout).values()
    assert entry["server_url"] == riposte.http_url and entry["subdomain"] == label
    assert administrator.run("credential", "revoke", "web1", "--name", label).returncode == 0
    token = administrator.json("token", "create", "--account", account)
    assert administrator.run("token", "revoke", str(token["token"])).returncode == 0
    assert value[:4] in administrator.run("journal", "--name", label).stdout
    assert "value-added" in administrator.run("trace", label).stdout
    assert administrator.run("refusals").returncode == 0
    assert administrator.run("name", "delete", label, "--force", "--yes").returncode == 0
    assert administrator.run("name", "delete", "nowhere", "--yes").returncode == 3


def test_a_holder_does_what_is_in_scope_and_is_told_why_not(riposte, name, holder):
    value = a_value()
    assert holder.run("value", "add", name + ".example.com", "--", value).returncode == 0
    assert values(riposte, "%s.%s" % (name, ZONE)) == {value}
    assert holder.run("value", "remove", name, "--", value).returncode == 0
    assert name in holder.run("name", "list").stdout
    assert "value-added" in holder.run("journal").stdout
    for args, words in ((("value", "pin", name, "x"), "may not change pinned values"),
                        (("account", "list"), "does not have the action"),
                        (("name", "create", "--account", "team"), "does not have the action"),
                        (("status",), "does not have the action")):
        done = holder.run(*args)
        assert done.returncode == 4 and done.stdout == "", (args, done)
        assert words in done.stderr
        request = done.stderr.splitlines()[-1].split("riposte refusals --request ")[1]
        assert riposte.admin_json("refusals", "--request", request)[0]["detail"] in done.stderr
    other = word()
    riposte.admin("name", "create", "--account", "team", "--label", other, check=True)
    done = holder.run("name", "show", other)
    assert done.returncode == 3 and "what is out of a credential's scope looks to it like what is not there" in done.stderr


def test_a_holder_with_the_kind_pins_and_persists(riposte, name, tmp_path):
    pinner = Remote(riposte, tmp_path / "pinner", "--name", name, "--kinds", "challenge,pinned")
    assert pinner.credential["kinds"] == ["challenge", "pinned"]
    uri = "https://ca.example/acct/1"
    done = pinner.run("value", "persist", name, "--issuer", "ca.example", "--account-uri", uri)
    assert done.returncode == 0 and done.stderr == ""
    record = "ca.example; accounturi=" + uri
    assert values(riposte, "%s.%s" % (name, ZONE)) == {record}
    assert pinner.run("value", "unpin", name, record).returncode == 0
    assert values(riposte, "%s.%s" % (name, ZONE)) == set()


def test_a_manager_makes_credentials_in_each_form(riposte, name, tmp_path):
    manager = Remote(riposte, tmp_path / "manager", "--name", name, "--actions", "add,remove,read,manage")
    for form in ("lego", "acme-dns", "env", "httpreq", "caddy", "rfc2136"):
        done = manager.run("credential", "create", "--name", name, "--label", word(), "--as", form)
        assert done.returncode == 0, (form, done.stderr)
        assert riposte.http_url in done.stdout or form in ("acme-dns", "rfc2136")


def test_it_rotates_itself(riposte, name, holder):
    done = holder.run("--json", "credential", "rotate", holder.credential["credential"])
    assert done.returncode == 0
    old = holder.run("name", "list")
    assert old.returncode == 4 and "this is not its secret" in old.stderr
    holder.path.write_text(done.stdout)
    assert holder.run("name", "list").returncode == 0


def test_a_wrong_secret_and_a_wrong_network(riposte, name, holder):
    holder.path.write_text("%s.%s" % (uuid.uuid4(), holder.credential["secret"]))
    done = holder.run("value", "list", name)
    assert done.returncode == 4 and "there is no such credential" in done.stderr
    assert holder.credential["secret"] not in done.stderr
    holder.path.write_text("%(credential)s.%(secret)s\n" % holder.credential)
    riposte.admin("credential", "set", holder.credential["credential"], "--networks", "192.0.2.0/24", check=True)
    done = holder.run("value", "list", name)
    assert done.returncode == 4 and "192.0.2.0/24" in done.stderr and "127.0.0.1" in done.stderr


def test_what_is_for_the_servers_own_machine_says_so(administrator, tmp_path):
    for args in (("reload",), ("backup", tmp_path / "copy.db")):
        done = administrator.run(*args)
        assert done.returncode == 2 and "%s goes over the admin socket only" % args[0] in done.stderr
    assert not list(tmp_path.glob("copy.db*"))


# ---- where the server is


def test_the_environment_says_where_and_the_command_line_goes_before_it(riposte, name, holder, make_riposte, tmp_path):
    env = {"RIPOSTE_URL": holder.url + "/", "RIPOSTE_TOKEN_FILE": str(holder.path)}
    assert name in run("name", "list", env=env).stdout
    elsewhere = {"RIPOSTE_URL": "http://127.0.0.1:1", "RIPOSTE_TOKEN_FILE": "/nonexistent"}
    assert run("name", "list", env=elsewhere).returncode == 2
    assert run("--url=" + holder.url, "--token-file=%s" % holder.path, "name", "list", env=elsewhere).returncode == 0
    # a configuration that is named is a place too
    assert riposte.admin("name", "list", env={**os.environ, **elsewhere}).returncode == 0
    assert riposte.admin("name", "list", "--url", holder.url, "--token-file", str(holder.path)).returncode == 0
    # empty is as if it were not there
    done = run("name", "list", "-c", riposte.config_path, env={"RIPOSTE_URL": ""})
    assert done.returncode == 0


def test_a_secret_is_never_an_argument():
    for option in ("--token", "--secret", "--password"):
        assert "no option " + option in run("status", option, "x").stderr


@pytest.mark.parametrize("args, says", [
    (["--url", "http://127.0.0.1:1"], "with which credential? --token-file FILE"),
    (["--token-file", "x"], "--url or RIPOSTE_URL is needed"),
    (["--url", "auth.example.org", "--token-file", "x"], "--url: \"auth.example.org\" is not a URL"),
    (["--url", "http://me:secret@127.0.0.1", "--token-file", "x"], "--url: a URL has no user, password or fragment here"),
    (["--url", "http://127.0.0.1:1", "--token-file", "/nonexistent/token"], "cannot open the token file /nonexistent/token"),
    (["--url"], "--url needs a URL"),
])
def test_what_is_missing_or_wrong_is_said(args, says):
    done = run("status", *args)
    assert done.returncode == 2 and says in done.stderr, done.stderr


def test_a_token_file_that_others_may_read_is_refused(name, holder):
    holder.path.chmod(0o644)
    done = holder.run("value", "list", name)
    assert done.returncode == 2 and "others may read the token file" in done.stderr and "chmod 600" in done.stderr
    holder.path.chmod(0o640)
    assert holder.run("value", "list", name).returncode == 0


def test_a_token_may_come_from_a_pipe(riposte, name, holder):
    done = subprocess.run(["bash", "-c", '"$0" --url "$1" --token-file <(printf %s "$2") value list "$3"', BINARY, holder.url,
                           "%(credential)s.%(secret)s" % holder.credential, name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


# ---- trouble on the way


def test_a_server_that_is_not_there(holder):
    done = run("status", "--url", "http://127.0.0.1:%d" % free_port(), "--token-file", holder.path)
    assert done.returncode == 6 and "127.0.0.1 refuses the connection" in done.stderr
    done = run("status", "--url", "https://nobody.invalid", "--token-file", holder.path)
    assert done.returncode == 6 and "nobody.invalid has no address" in done.stderr


def test_a_secret_does_not_go_over_a_network_in_the_clear(holder):
    done = run("status", "--url", "http://192.0.2.1", "--token-file", holder.path)
    assert done.returncode == 2 and "192.0.2.1 in the clear" in done.stderr and "https://" in done.stderr


class Strange(BaseHTTPRequestHandler):
    answers = {}

    def do_GET(self):
        status, headers, body = self.answers[self.path]
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def strange():
    """Something at a URL that is not riposte."""
    server = HTTPServer(("127.0.0.1", 0), Strange)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield "http://127.0.0.1:%d" % server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_not_riposte_is_recognised(strange, holder):
    Strange.answers = {
        "/a/v1/server": (404, {}, b"<html>\x1b[31mnot here\x07"),
        "/b/v1/server": (301, {"Location": "https://auth.example.org/b/v1/server"}, b""),
        "/c/v1/server": (200, {}, b"welcome"),
        "/d/v1/server": (502, {"Content-Type": "application/json"}, b"{}"),
    }
    done = run("status", "--url", strange + "/a", "--token-file", holder.path)
    assert done.returncode == 1 and "answered 404: <html>?[31mnot here?" in done.stderr and "is the URL right" in done.stderr
    done = run("status", "--url", strange + "/b", "--token-file", holder.path)
    assert done.returncode == 1 and "leads to https://auth.example.org/b/v1/server" in done.stderr
    assert "name the right place with --url" in done.stderr
    assert run("status", "--url", strange + "/c", "--token-file", holder.path).returncode == 1
    assert run("status", "--url", strange + "/d", "--token-file", holder.path).returncode == 6, "a proxy whose server is away"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate of one's own for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder


def test_certificates_are_checked_and_an_authority_can_be_named(make_riposte, authority, tmp_path):
    port = free_port()
    server = make_riposte({"api": {"listen": [{"address": "127.0.0.1:%d" % port, "serves": ["v1"], "tls": "files",
                                               "certificate": str(authority / "cert.pem"), "key": str(authority / "key.pem")}]}})
    server.admin("name", "create", "--account", "team", "--create-account", "--label", "shop", check=True)
    remote = Remote(server, tmp_path / "token", "--name", "shop")
    remote.url = "https://localhost:%d" % port
    done = remote.run("name", "list")
    assert done.returncode == 1 and "TLS with localhost failed: " in done.stderr and "--ca-file FILE" in done.stderr
    assert "shop" in remote.run("name", "list", "--ca-file", authority / "cert.pem").stdout
    assert "shop" in remote.run("name", "list", env={"RIPOSTE_CA_FILE": str(authority / "cert.pem")}).stdout
    remote.url = "https://127.0.0.1:%d" % port
    done = remote.run("name", "list", "--ca-file", authority / "cert.pem")
    assert done.returncode == 1 and "TLS with 127.0.0.1 failed: " in done.stderr, "the certificate is of another name"
    done = remote.run("name", "list", "--ca-file", "/nonexistent")
    assert done.returncode == 1 and "/nonexistent" in done.stderr


def test_a_path_in_front_of_v1_is_kept(strange, holder):
    """As behind a proxy."""
    Strange.answers = {"/acme/v1/accounts/a%2Fb": (200, {}, b'{"account": "a/b"}')}
    for url in (strange + "/acme", strange + "/acme/"):
        done = run("--json", "account", "show", "a/b", "--url", url, "--token-file", holder.path)
        assert done.returncode == 0 and json.loads(done.stdout) == {"account": "a/b"}


# ---- journal


def test_the_journal_is_asked_by_what_it_is_about(riposte, name):
    value = a_value()
    riposte.admin("value", "add", name, "--", value, check=True)
    entries = riposte.admin_json("journal", "--name", name)
    assert [e["effects"][-1 if i else 0]["what"] for i, e in enumerate(entries)][0] == "name-made"
    last = entries[-1]
    assert any(f["what"] == "value-added" and f["value"] == value for f in last["effects"])
    shown = riposte.admin("journal", "--name", name, check=True).stdout.splitlines()
    assert shown[0].split() == ["CHANGE", "WHEN", "(UTC)", "DOOR", "FROM", "BY", "REQUEST", "WHAT"]
    (line,) = [x for x in shown if "value-added" in x]
    assert line.startswith(str(last["change"])) and "value-added %s…%s at %s.%s" % (value[:4], value[-4:], name, ZONE) in line
    assert "administrator" in line and last["request"] in line
    assert riposte.admin_json("journal", "--request", last["request"]) == [last]
    assert riposte.admin_json("journal", "--since", str(last["change"] - 1))[0] == last
    assert riposte.admin_json("journal", "--since", "1h", "--name", name) == entries
    assert riposte.admin_json("journal", "--since", "2100-01-01") == []
    assert "nothing was changed in that time" in riposte.admin("journal", "--since", "2100-01-01").stdout
    assert riposte.admin_json("journal", "--account", "team")
    assert riposte.admin("journal", "--name", "nowhere").returncode == 3
    assert riposte.admin("journal", "--since", "yesterday").returncode == 2
    made = riposte.admin_json("credential", "create", "--name", name, "--label", "web1")
    (entry,) = [e for e in riposte.admin_json("journal", "--name", name) if e["effects"][0]["what"] == "credential-made"]
    assert entry["effects"][0]["credential"] == made["credential"]
    assert riposte.admin("journal", "--credential", made["credential"]).returncode == 0


def test_a_long_journal_comes_in_pages(make_riposte):
    server = make_riposte()
    server.admin("name", "create", "--account", "team", "--create-account", "--label", "shop", check=True)
    account = server.register()
    for i in range(520):  # more than a page
        assert server.update(account, a_value()).status_code == 200
    entries = server.admin_json("journal", "--since", "0")
    assert [e["change"] for e in entries] == sorted({e["change"] for e in entries}) and len(entries) > 520
    lines = server.admin("journal", "--since", "0", check=True).stdout.splitlines()
    assert lines[0].startswith("CHANGE") and not any(line.startswith("CHANGE") for line in lines[1:])
    assert {int(line.split()[0]) for line in lines[1:]} == {e["change"] for e in entries}


class Followed:
    """A command with --follow, and the lines that it prints as they come."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.lines, self.changed = [], threading.Condition()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait(self, text, seconds=20):
        with self.changed:
            assert self.changed.wait_for(lambda: any(text in line for line in self.lines), seconds), self.lines
            return [line for line in self.lines if text in line]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def follow(riposte):
    started = []

    def start(*args):
        started.append(Followed([BINARY, "-c", str(riposte.config_path), *args, "--follow"]))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_the_journal_is_followed(riposte, name, follow):
    seen, as_json = follow("journal", "--name", name), follow("--json", "journal", "--name", name)
    seen.wait("name-made")
    as_json.wait("name-made")
    value = a_value()
    riposte.admin("value", "add", name, "--", value, check=True)
    seen.wait("value-added %s…" % value[:4])
    (line,) = as_json.wait(value)
    assert json.loads(line)["effects"]
    riposte.admin("value", "remove", name, "--", value, check=True)
    seen.wait("value-removed")
    assert sum(line.startswith("CHANGE") for line in seen.lines) == 1
    changes = [line for line in seen.lines if "value-" in line]
    assert len(changes) == 2


def test_the_journal_is_followed_from_elsewhere(riposte, name, holder):
    one = Followed([BINARY, "--url", holder.url, "--token-file", str(holder.path), "journal", "--follow"])
    try:
        value = a_value()
        time.sleep(0.5)
        assert holder.run("value", "add", name, "--", value).returncode == 0
        one.wait("value-added %s…" % value[:4])
    finally:
        one.stop()


def test_refusals_and_questions_are_followed(riposte, name, follow):
    refused, traced = follow("refusals"), follow("trace", name)
    traced.wait("WHEN (UTC)")
    account = riposte.register()
    for _ in range(3):
        reply = riposte.update({**account, "subdomain": name}, a_value())
        assert reply.status_code == 401
        refused.wait(reply.headers["Riposte-Request"])
    assert len([line for line in refused.lines if account["username"][:8] in line]) == 3, "each is shown once"
    before = len(traced.lines)
    ask(riposte, "%s.%s" % (name, ZONE))
    traced.wait("NODATA")
    time.sleep(2.5)
    assert len(traced.lines) == before + 1, "each is shown once"


def test_following_ends_when_the_server_does(make_riposte):
    server = make_riposte()
    one = Followed([BINARY, "-c", str(server.config_path), "refusals", "--follow"])
    time.sleep(0.5)
    server.stop()
    assert one.process.wait(20) == 6
    one.reader.join()
    assert "no server answers" in one.process.stderr.read()
    one.process.stdout.close()
    one.process.stderr.close()
