"""Moving from acme-dns: its database and configuration in, and its clients go on with what they have.

Databases are made as acme-dns makes them; the hash is the one that Go's bcrypt gives for the same secret."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
import warnings

import pytest
import yaml

import dnshelp
from conftest import BINARY, ROOT, ZONE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import crypt

SCHEMA = """
CREATE TABLE IF NOT EXISTS acmedns(Name TEXT, Value TEXT);
CREATE TABLE IF NOT EXISTS records(
    Username TEXT UNIQUE NOT NULL PRIMARY KEY,
    Password TEXT UNIQUE NOT NULL,
    Subdomain TEXT UNIQUE NOT NULL,
    AllowFrom TEXT
);
CREATE TABLE IF NOT EXISTS txt(Subdomain TEXT NOT NULL, Value TEXT NOT NULL DEFAULT '', LastUpdate INT);
INSERT INTO acmedns (Name, Value) VALUES ('db_version', '1');
"""
VALUE = "A" * 43


class AcmeDns:
    """A database of acme-dns with accounts that registered there."""

    def __init__(self, folder, cost=10):
        self.path = folder / "acme-dns.db"
        self.cost = cost
        self.db = sqlite3.connect(self.path)
        self.db.executescript(SCHEMA)

    def register(self, allowfrom="[]", values=("", "")):
        account = {
            "username": str(uuid.uuid4()),
            "password": (uuid.uuid4().hex + uuid.uuid4().hex)[:40],
            "subdomain": str(uuid.uuid4()),
        }
        hashed = crypt.crypt(account["password"], "$2a$%02d$" % self.cost + "abcdefghijklmnopqrstuu")
        # The driver of acme-dns binds octets: the storage class is BLOB in a column of type TEXT.
        self.db.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?)",
            (account["username"], hashed.encode(), account["subdomain"], allowfrom),
        )
        for when, value in enumerate(values):
            self.db.execute("INSERT INTO txt VALUES (?, ?, ?)", (account["subdomain"], value, when))
        self.db.commit()
        return account

    def octets(self):
        return self.path.read_bytes()


@pytest.fixture
def acme_dns(tmp_path):
    return AcmeDns(tmp_path)


@pytest.fixture
def server(make_riposte):
    return make_riposte(start=False)


def import_into(server, acme_dns, *args, **kw):
    return server.admin("import", "acme-dns", "--db", str(acme_dns.path), *args, **kw)


def timed_update(server, account, value):
    before = time.monotonic()
    reply = server.update(account, value)
    return reply, time.monotonic() - before


def txt_values(server, subdomain):
    return sorted(dnshelp.values(server, "%s.%s" % (subdomain, ZONE)))


def metric(server, name):
    import requests

    for line in requests.get(server.http_url + "/metrics", timeout=10).text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError("no metric " + name)


def test_clients_go_on_with_their_credentials_and_the_second_time_is_fast(tmp_path, server):
    acme_dns = AcmeDns(tmp_path, cost=12)
    account = acme_dns.register()
    other = acme_dns.register()
    done = import_into(server, acme_dns)
    assert done.returncode == 0, done.stderr
    assert "zone     auth.example.org: 2 accounts, 0 with allowfrom" in done.stdout
    assert "values   0 taken; 4 slots are empty" in done.stdout
    server.start()
    assert metric(server, "riposte_secrets_bcrypt") == 2
    assert "imported  2 secrets from acme-dns not used yet" in server.admin("status").stdout
    reply, slow = timed_update(server, account, VALUE)
    assert (reply.status_code, reply.json()) == (200, {"txt": VALUE})
    reply, fast = timed_update(server, account, "B" * 43)
    assert reply.status_code == 200
    assert fast < slow / 2, (fast, slow)
    assert txt_values(server, account["subdomain"]) == [VALUE, "B" * 43]
    assert metric(server, "riposte_secrets_bcrypt") == 1
    assert "imported  1 secret from acme-dns not used yet" in server.admin("status").stdout
    unused = server.admin("credential", "list", "--unused").stdout
    assert other["username"][:8] in unused and account["username"][:8] not in unused
    server.restart()
    reply, fast = timed_update(server, account, VALUE)
    assert reply.status_code == 200 and fast < slow / 2


def test_a_wrong_password_is_refused_and_the_right_one_still_works(server, acme_dns):
    account = acme_dns.register()
    assert import_into(server, acme_dns).returncode == 0
    server.start()
    reply = server.update({**account, "password": "x" * 40}, VALUE)
    assert (reply.status_code, reply.text) == (401, '{"error": "forbidden"}')
    assert server.update(account, VALUE).status_code == 200


def test_live_values_are_served(server, acme_dns):
    account = acme_dns.register(values=("B" * 43, VALUE))
    done = import_into(server, acme_dns)
    assert "values   2 taken" in done.stdout
    server.start()
    assert txt_values(server, account["subdomain"]) == [VALUE, "B" * 43]


def test_networks_hold_and_unreadable_ones_deny(server, acme_dns):
    here = acme_dns.register('["127.0.0.0/8"]')
    elsewhere = acme_dns.register('["192.0.2.0/24"]')
    broken = acme_dns.register('["127.0.0.1"]')
    done = import_into(server, acme_dns)
    assert "3 accounts, 3 with allowfrom" in done.stdout
    assert "denied   1 account" in done.stdout
    fix = "riposte credential set %s --networks 127.0.0.1/32" % broken["username"]
    assert fix in done.stdout
    server.start()
    assert server.update(here, VALUE).status_code == 200
    assert server.update(elsewhere, VALUE).status_code == 401
    assert server.update(broken, VALUE).status_code == 401
    server.admin(*fix.split()[1:], check=True)
    assert server.update(broken, VALUE).status_code == 200


def test_importing_again_changes_nothing(server, acme_dns):
    account = acme_dns.register()
    before = acme_dns.octets()
    assert import_into(server, acme_dns).returncode == 0
    server.start()
    assert server.update(account, VALUE).status_code == 200
    changes = server.admin_json("status")["store"]["changes"]
    server.stop()
    done = import_into(server, acme_dns)
    assert (done.returncode, done.stdout) == (0, "nothing to do: 1 account present, 0 changed\n")
    server.start()
    assert server.admin_json("status")["store"]["changes"] == changes
    assert txt_values(server, account["subdomain"]) == [VALUE]
    assert acme_dns.octets() == before


def test_a_dry_run_says_the_same_and_writes_nothing(server, acme_dns):
    acme_dns.register('["10.0.0.0/8"]', (VALUE, ""))
    dry = import_into(server, acme_dns, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "nothing was written" in dry.stdout
    assert not pathlib.Path(server.config["store"]["path"]).exists()
    real = import_into(server, acme_dns)
    assert dry.stdout.splitlines()[:-1] == real.stdout.splitlines()[:-1]
    report = json.loads(server.admin("--json", "import", "acme-dns", "--db", str(acme_dns.path)).stdout)
    assert (report["present"], report["imported"], report["dry-run"]) == (1, 0, False)


def test_a_running_server_is_not_disturbed(server, acme_dns):
    acme_dns.register()
    server.start()
    done = import_into(server, acme_dns)
    assert done.returncode == 5
    assert "in use" in done.stderr and "Stop that one first" in done.stderr
    dry = import_into(server, acme_dns, "--dry-run")
    assert dry.returncode == 0 and "1 account" in dry.stdout
    assert server.admin_json("account", "list") == []


def test_one_account_for_all(server, acme_dns):
    accounts = [acme_dns.register() for _ in range(3)]
    assert import_into(server, acme_dns, "--account", "legacy").returncode == 0
    server.start()
    assert [a["account"] for a in server.admin_json("account", "list")] == ["legacy"]
    assert all(server.update(a, VALUE).status_code == 200 for a in accounts)


@pytest.mark.parametrize(
    "args, status, words",
    [
        ([], 2, "--db is needed"),
        (["--db", "postgres://nobody@127.0.0.1:1/none"], 1, "PostgreSQL: "),
        (["--db", "/nonexistent/acme-dns.db"], 1, "no such file"),
        (["--db", __file__], 1, "not a database"),
        (["--db", "{db}", "--zone", "example.com"], 3, 'no zone "example.com"'),
        (["--db", "{db}", "--account", "No Account"], 3, "cannot be the name of an account"),
        (["--db", "{db}", "--config", "/nonexistent"], 1, "cannot read /nonexistent"),
    ],
)
def test_what_is_wrong_is_said(server, acme_dns, args, status, words):
    env = {**os.environ, "RIPOSTE_LIBEXEC": str(ROOT / "scripts")}
    done = server.admin("import", "acme-dns", *[a.format(db=acme_dns.path) for a in args], env=env)
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr


# ---- the configuration ----

CONFIG = """
[general]
listen = "127.0.0.1:53"
protocol = "both"
domain = "auth.example.org"
nsname = "auth.example.org"
nsadmin = "first\\\\.last.example.org"
records = [
    "auth.example.org. A 198.51.100.1",
    "auth.example.org. AAAA 2001:db8::1",
    "auth.example.org. NS auth.example.org.",
    'auth.example.org. CAA 0 issue "letsencrypt.org"',
    "www.auth.example.org 60 IN CNAME host.example.net",
    'text.auth.example.org. TXT "pay $5"',
    "*.auth.example.org. A 192.0.2.1",
    "elsewhere.example. A 192.0.2.1",
]
debug = false
surprise = 1
[database]
engine = "sqlite3"
connection = "/var/lib/acme-dns/acme-dns.db"
[api]
ip = "127.0.0.1"
port = "8080"
DISABLE_registration = true
tls = "none"
corsorigins = ["https://tools.example.org"]
use_header = true
header_name = "X-Forwarded-For"
[logconfig]
loglevel = "warning"
logtype = "file"
logfile = "/var/log/acme-dns.log"
logformat = "json"
"""


def convert(folder, config, expect=0):
    path = folder / "config.cfg"
    path.write_text(config)
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "acme-dns-config"), str(path)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout, done.stderr


def check(folder, text):
    path = folder / "riposte.yaml"
    path.write_text(text)
    done = subprocess.run([BINARY, "check", "config", "-c", str(path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr + text
    return yaml.safe_load(text)


def test_the_configuration_becomes_an_equivalent_one(tmp_path):
    text, report = convert(tmp_path, CONFIG)
    config = check(tmp_path, text)
    zone = config["zones"][0]
    assert zone["origin"] == "auth.example.org"
    assert zone["contact"] == "first.last@example.org"
    assert zone["name-servers"] == [{"name": "auth.example.org", "addresses": ["198.51.100.1", "2001:db8::1"]}]
    assert zone["records"] == [
        "www.auth.example.org. 60 IN CNAME host.example.net.",
        'text.auth.example.org. IN TXT "pay $$5"',
    ]
    assert zone["caa"] == ['0 issue "letsencrypt.org"']
    assert config["dns"]["listen"] == ["127.0.0.1:53"]
    assert config["api"]["listen"] == [{"address": "127.0.0.1:8080", "serves": ["acme-dns", "health"], "tls": "none"}]
    assert config["api"]["cors-origins"] == ["https://tools.example.org"]
    assert config["registration"]["allow"] == "none"
    assert config["log"] == {"level": "warning", "format": "json"}
    for words in (
        "carried: domain, nsname, records, nsadmin, listen, protocol, tls, ip, port, corsorigins, disable_registration",
        "*.auth.example.org. A 192.0.2.1",
        "elsewhere.example. A 192.0.2.1",
        "not carried: logconfig.logfile",
        "not carried: general.surprise (not known as a key of acme-dns)",
    ):
        assert words in report
    line = int(report.split("trusted-proxies, line ")[1].split(";")[0])
    assert text.splitlines()[line - 1].strip() == "trusted-proxies: []"


MINIMAL = '[general]\ndomain = "a.example"\nnsname = "ns.example.net"\n'


@pytest.mark.parametrize(
    "config, path, wanted",
    [
        (MINIMAL, ["dns", "listen"], ["0.0.0.0:53", "[::]:53"]),
        (MINIMAL + 'protocol = "both6"', ["dns", "listen"], ["[::]:53"]),
        (MINIMAL + 'listen = ":5353"\nprotocol = "udp4"', ["dns", "listen"], ["0.0.0.0:5353"]),
        (MINIMAL + 'listen = "[::1]:53"', ["dns", "listen"], ["[::1]:53"]),
        (MINIMAL, ["api", "cors-origins"], ["*"]),
        (MINIMAL, ["registration", "allow"], "anyone"),
        (MINIMAL, ["zones", 0, "contact"], "hostmaster@a.example"),
        (MINIMAL + '[api]\nip = "0.0.0.0"\nport = "80"', ["api", "listen", 0, "plaintext"], "allow"),
        (MINIMAL + '[api]\nip = "::1"\nport = "80"', ["api", "listen", 0, "address"], "[::1]:80"),
        (
            MINIMAL + '[api]\ntls = "cert"\ntls_cert_privkey = "/k.pem"\ntls_cert_fullchain = "/c.pem"',
            ["api", "listen", 0, "certificate"],
            "/c.pem",
        ),
        (MINIMAL + '[api]\ntls = "letsencrypt"', ["api", "listen", 1, "tls"], "files"),
    ],
)
def test_each_key_means_what_it_meant(tmp_path, config, path, wanted):
    found = check(tmp_path, convert(tmp_path, config)[0])
    for step in path:
        found = found[step]
    assert found == wanted


@pytest.mark.parametrize("config", ["[general]\n", "no toml [", '[general]\ndomain = "a.example"\n'])
def test_a_configuration_that_cannot_be_converted_is_told(tmp_path, config):
    text, report = convert(tmp_path, config, expect=1)
    assert text == "" and report.count("\n") == 1


@pytest.fixture
def converter(tmp_path):
    """The converter, with the test's own store behind what it writes."""
    folder = tmp_path / "libexec"
    folder.mkdir()
    (folder / "acme-dns-config").write_text(
        "import subprocess, sys\n"
        "done = subprocess.run([sys.executable, %r, *sys.argv[1:]])\n"
        "print('store: {path: %s}')\nprint('user: \"\"')\nsys.exit(done.returncode)\n"
        % (str(ROOT / "scripts" / "acme-dns-config"), tmp_path / "store" / "riposte.db")
    )
    # What is written at last must come last: the child's output is not buffered by us.
    (folder / "acme-dns-config").write_text(
        (folder / "acme-dns-config").read_text().replace("print('store", "sys.stdout.flush()\nprint('store", 1)
    )
    return {**os.environ, "RIPOSTE_LIBEXEC": str(folder)}


def run_import(env, config, *args):
    return subprocess.run(
        [BINARY, "-c", str(config), "import", "acme-dns", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
    )


def test_import_writes_the_configuration_when_there_is_none(tmp_path, acme_dns, converter):
    old, new = tmp_path / "config.cfg", tmp_path / "riposte.yaml"
    old.write_text(CONFIG)
    acme_dns.register()
    args = ["--db", acme_dns.path, "--config", old]
    dry = run_import(converter, new, *args, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "config   carried: domain" in dry.stdout
    assert not new.exists() and not (tmp_path / "store").exists()
    done = run_import(converter, new, *args)
    assert done.returncode == 0, done.stderr
    assert "wrote %s" % new in done.stdout
    assert yaml.safe_load(new.read_text())["zones"][0]["origin"] == "auth.example.org"
    assert (tmp_path / "store" / "riposte.db").exists()
    # The second time it is used, not written.
    text = new.read_text()
    again = run_import(converter, new, *args)
    assert again.returncode == 0
    assert "nothing to do: 1 account present" in again.stdout
    assert "is there already and is used as it is" in again.stdout
    assert new.read_text() == text


def test_a_configuration_that_needs_a_hand_stops_the_import(tmp_path, acme_dns, converter):
    old, new = tmp_path / "config.cfg", tmp_path / "riposte.yaml"
    old.write_text('[general]\ndomain = "auth.example.org"\nnsname = "ns1.auth.example.org"\n')
    done = run_import(converter, new, "--db", acme_dns.path, "--config", old)
    assert done.returncode == 1
    assert "not a configuration yet" in done.stderr and "addresses" in done.stderr
    assert not new.exists() and not (tmp_path / "store").exists()


# ---- from PostgreSQL ----

POSTGRES_SCHEMA = """
CREATE TABLE acmedns(Name TEXT, Value TEXT);
CREATE TABLE records(Username TEXT UNIQUE NOT NULL PRIMARY KEY, Password TEXT UNIQUE NOT NULL, Subdomain TEXT UNIQUE NOT NULL,
                     AllowFrom TEXT);
CREATE TABLE txt(rowid SERIAL, Subdomain TEXT NOT NULL, Value TEXT NOT NULL DEFAULT '', LastUpdate INT);
INSERT INTO acmedns (Name, Value) VALUES ('db_version', '1');
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A cluster of its own, on a socket in a folder; its URL."""
    binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("PostgreSQL is not installed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path is short
    as_user = {"user": "postgres", "cwd": "/tmp"} if os.getuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres")

    def run(program, *args):
        subprocess.run([str(binaries[-1] / program), *args], check=True, timeout=60, stdout=subprocess.DEVNULL, **as_user)

    run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "acmedns", "--no-sync")
    run("pg_ctl", "-D", str(folder / "data"), "-w", "-l", str(folder / "log"),
        "-o", "-c listen_addresses= -c fsync=off -k %s" % folder, "start")
    yield "postgresql://acmedns@/postgres?host=%s" % folder
    run("pg_ctl", "-D", str(folder / "data"), "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_accounts_and_values_come_from_postgresql_too(server, acme_dns, postgres):
    import psycopg2

    one = acme_dns.register('["127.0.0.0/8"]', ["A" * 43, "B" * 43])
    two = acme_dns.register("[]", ["", ""])
    with psycopg2.connect(postgres) as db, db.cursor() as cursor:
        cursor.execute(POSTGRES_SCHEMA)
        for row in acme_dns.db.execute("SELECT Username, CAST(Password AS TEXT), Subdomain, AllowFrom FROM records"):
            cursor.execute("INSERT INTO records VALUES (%s, %s, %s, %s)", row)
        for row in acme_dns.db.execute("SELECT Subdomain, Value, LastUpdate FROM txt"):
            cursor.execute("INSERT INTO txt (Subdomain, Value, LastUpdate) VALUES (%s, %s, %s)", row)
    env = {**os.environ, "RIPOSTE_LIBEXEC": str(ROOT / "scripts")}
    done = server.admin("import", "acme-dns", "--db", postgres, env=env, check=True)
    assert "2 accounts, 1 with allowfrom" in done.stdout and "2 taken" in done.stdout and "note" not in done.stderr
    assert "nothing" in server.admin("import", "acme-dns", "--db", postgres, env=env, check=True).stdout
    shown = server.admin("import", "acme-dns", "--db", postgres.replace("acmedns@", "acmedns:secret@"), env=env, check=True)
    assert "PGPASSWORD" in shown.stderr
    server.start()
    assert dnshelp.values(server, one["subdomain"] + "." + ZONE) == {"A" * 43, "B" * 43}
    for account in (one, two):
        assert server.update(account, VALUE).status_code == 200
    assert not list(pathlib.Path("/tmp").glob("riposte-import-*"))
