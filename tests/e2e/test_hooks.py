"""The hooks of riposte itself, called by the real clients: from `riposte client register` to a certificate for apex and wildcard,
with nothing left behind; and what happens when something is wrong: the authority is not asked."""

import itertools
import json
import pathlib
import re
import subprocess
import threading
import time

import dns.message
import dns.query
import dns.rcode
import pytest

import clients
from fakedns import FakeDns, NAME_SERVERS
from world import API_URL, BINARY, RIPOSTE_ADDR, wait_for

numbers = itertools.count()
WRAPPER = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "hook.in"
VALUE = "ztdiDI9fNbZrVl3gXw1h-8kTUoxMn6EVPRbqw0i5R1E"

# What each client leaves its certificate as.
CERTIFICATE = {
    "certbot": "config/live/{d}/fullchain.pem",
    "dehydrated": "dehydrated/certs/shop/fullchain.pem",
    "dehydrated-chain": "dehydrated/certs/shop/fullchain.pem",
    "uacme": "uacme/{d}/cert.pem",
    "lego": "lego/certificates/{d}.crt",
    "lego-raw": "lego/certificates/{d}.crt",
}


class Host:
    """A machine that gets certificates: its file of credentials, and its clients."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.storage = folder / "client.json"
        self.env = {"RIPOSTE_CLIENT_STORAGE": str(self.storage), "LEGO_CA_CERTIFICATES": str(world.authority.ca_file),
                    "REQUESTS_CA_BUNDLE": str(world.authority.ca_file), "CURL_CA_BUNDLE": str(world.authority.ca_file)}

    def riposte(self, *args, seconds=90, env=None):
        """With no PATH, HOME or terminal, as a delayed job has none."""
        return subprocess.run([BINARY, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                              env={**self.env, **(env or {})}, cwd="/")

    def register(self, domain, *args):
        return self.riposte("client", "register", domain, "--server", API_URL, *args)

    def account(self, domain):
        return json.loads(self.storage.read_text())[domain]

    def wrapper(self, client):
        """As installed, but for the path of the program."""
        path = self.folder / ("hook-" + client)
        text = WRAPPER.read_text().replace("@BINDIR@/riposte", str(BINARY)).replace("@HOOK_CLIENT@", client)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def hooked(self, client, domains):
        return getattr(self, client.split("-")[0])(domains, client)

    def certbot_command(self, verb="certonly"):
        hook = "%s hook certbot" % BINARY
        return ["/usr/bin/certbot", verb, "--non-interactive", "--agree-tos", "-m", "admin@example.com", "--server",
                self.world.authority.directory, "--config-dir", self.folder / "config", "--work-dir", self.folder / "work",
                "--logs-dir", self.folder / "logs", "--manual-auth-hook", hook, "--manual-cleanup-hook", hook,
                *(["--manual", "--preferred-challenges", "dns"] if verb == "certonly" else ["--force-renewal", "--no-random-sleep-on-renew"])]

    def certbot(self, domains, _=None):
        return self.world.run([*self.certbot_command(), *[arg for d in domains for arg in ("-d", d)]], self.env)

    def dehydrated(self, domains, client):
        base = self.folder / "dehydrated"
        base.mkdir()
        (base / "config").write_text(
            'CA="%s"\nCHALLENGETYPE="dns-01"\nHOOK="%s"\nHOOK_CHAIN="%s"\nBASEDIR="%s"\nKEY_ALGO=prime256v1\n'
            % (self.world.authority.directory, self.wrapper("dehydrated"), "yes" if client.endswith("chain") else "no", base)
        )
        (base / "domains.txt").write_text(" ".join(domains) + " > shop\n")
        made = self.world.run(["/usr/bin/dehydrated", "--config", base / "config", "--register", "--accept-terms"], self.env)
        assert made.returncode == 0, made.stdout
        return self.world.run(["/usr/bin/dehydrated", "--config", base / "config", "--cron"], self.env)

    def uacme(self, domains, _):
        common = ["/usr/bin/uacme", "-v", "-v", "-a", self.world.authority.directory, "-c", self.folder / "uacme"]
        made = self.world.run([*common, "-y", "new", "admin@example.com"], self.env)
        assert made.returncode == 0, made.stdout
        return self.world.run([*common, "-h", self.wrapper("uacme"), "issue", *domains], self.env)

    def lego(self, domains, client):
        env = {**self.env, "EXEC_PATH": str(self.wrapper("exec")), "EXEC_POLLING_INTERVAL": "1", "EXEC_PROPAGATION_TIMEOUT": "20",
               "EXEC_SEQUENCE_INTERVAL": "1", **({"EXEC_MODE": "RAW"} if client.endswith("raw") else {})}
        return self.world.run(clients.lego_command(self.world, self.folder, domains), env)


@pytest.fixture
def host(world, tmp_path):
    return Host(world, tmp_path)


def a_label():
    return "hook%d" % next(numbers)


def point(world, label, target):
    world.parent.point({"_acme-challenge." + label: target})


def values(name):
    answer = dns.query.tcp(dns.message.make_query(name, "TXT"), RIPOSTE_ADDR, timeout=5)
    assert answer.rcode() == dns.rcode.NOERROR
    return {b"".join(rd.strings).decode() for rrset in answer.answer for rd in rrset}


def a_domain(host):
    """Registered by the host, and pointed at its name."""
    label = a_label()
    domain = label + ".example.com"
    done = host.register(domain, "--wait", "0s")
    assert done.returncode == 0, done.stdout + done.stderr
    point(host.world, label, host.account(domain)["fulldomain"])
    return domain


# ---- register


def test_a_host_registers_waits_for_its_cname_and_is_told_when_it_is_there(world, host):
    label = a_label()
    domain = label + ".example.com"

    def create_cname():
        wait_for("the credential", host.storage.exists)
        time.sleep(1)
        point(world, label, host.account(domain)["fulldomain"])

    dns_team = threading.Thread(target=create_cname)
    dns_team.start()
    done = host.register(domain, "--wait", "30s", "--networks", "127.0.0.0/8")
    dns_team.join()
    assert done.returncode == 0, done.stdout + done.stderr
    account = host.account(domain)
    assert account["allowfrom"] == ["127.0.0.0/8"] and account["server_url"] == API_URL
    assert host.storage.stat().st_mode & 0o777 == 0o600
    assert "_acme-challenge.%s. IN CNAME %s." % (domain, account["fulldomain"]) in done.stdout
    assert "is there: seen at the server of example.com" in done.stdout
    again = host.register("*." + domain)
    assert again.returncode == 0 and "has a credential in %s already" % host.storage in again.stdout
    assert host.account(domain) == account


def test_the_progress_counts_the_servers_of_the_domain(world, host):
    with FakeDns() as fake:
        options = ["--resolver", fake.resolver, "--wait", "20s"]
        done = {}
        thread = threading.Thread(target=lambda: done.update(run=host.register("shop.two.test", *options)))
        thread.start()
        wait_for("the credential", host.storage.exists)
        target = host.account("shop.two.test")["fulldomain"]
        wait_for("a look", lambda: fake.asked(NAME_SERVERS[0]) and fake.asked(NAME_SERVERS[1]))
        fake.records[NAME_SERVERS[0]] = {("_acme-challenge.shop.two.test.", "CNAME"): target + "."}
        fake.forget()
        wait_for("another look", lambda: fake.asked(NAME_SERVERS[1]))
        time.sleep(0.5)
        fake.records[NAME_SERVERS[1]] = {("_acme-challenge.shop.two.test.", "CNAME"): target + "."}
        thread.join()
        assert done["run"].returncode == 0, done["run"].stderr
        assert "seen at 0 of 2 servers of two.test" in done["run"].stderr
        assert "seen at 1 of 2 servers of two.test" in done["run"].stderr
        assert "seen at all 2 servers of two.test" in done["run"].stdout


# ---- certificates


@pytest.mark.parametrize("client", sorted(CERTIFICATE))
def test_a_certificate_and_nothing_is_left_behind(world, host, client):
    domain = a_domain(host)
    done = host.hooked(client, [domain, "*." + domain])
    assert done.returncode == 0, done.stdout[-4000:] + world.explain()
    made = clients.names_of(host.folder / CERTIFICATE[client].format(d=domain))
    assert made == sorted([domain, "*." + domain])
    assert values(host.account(domain)["fulldomain"]) == set()


def test_certbot_renews_several_certificates_in_one_run(world, host):
    """certbot keeps CERTBOT_AUTH_OUTPUT of the last clean-up in its environment: the next addition must not take itself for one."""
    domains = [a_domain(host) for _ in range(3)]
    for domain in domains:
        done = host.certbot([domain])
        assert done.returncode == 0, done.stdout[-4000:]
    done = world.run(host.certbot_command("renew"), host.env)
    assert done.returncode == 0, done.stdout[-4000:] + world.explain()
    for domain in domains:
        assert (host.folder / "config" / "archive" / domain / "fullchain2.pem").exists()
        assert values(host.account(domain)["fulldomain"]) == set()


def test_a_domain_below_one_with_a_credential_uses_that(world, host):
    domain = a_domain(host)
    point(world, "www." + domain.split(".")[0], host.account(domain)["fulldomain"])
    done = host.certbot(["www." + domain])
    assert done.returncode == 0, done.stdout[-4000:] + world.explain()


# ---- something is wrong


@pytest.mark.parametrize("client", ["dehydrated", "dehydrated-chain", "uacme", "lego"])
def test_without_the_cname_the_authority_is_not_asked(world, host, client):
    label = a_label()
    domain = label + ".example.com"
    assert host.register(domain, "--wait", "0s").returncode == 0
    before = world.authority.program.log_text().count("Pulled a task")
    done = host.hooked(client, [domain])
    after = world.authority.program.log_text().count("Pulled a task")
    assert done.returncode != 0 and after == before, done.stdout
    target = host.account(domain)["fulldomain"]
    assert "_acme-challenge.%s has no CNAME to %s (ns.parent.test answers: there is no such name)" % (domain, target) in done.stdout
    assert "_acme-challenge.%s. IN CNAME %s." % (domain, target) in done.stdout
    assert "see it:  dig +norec @ns.parent.test _acme-challenge.%s ANY" % domain in done.stdout
    assert values(target) == set()


def hook_exec(host, domain, *options, verb="present", env=None):
    return host.riposte("hook", "exec", *options, verb, "_acme-challenge.%s." % domain, VALUE, env=env)


def test_what_stands_in_the_place_of_the_cname_is_said(world, host):
    with FakeDns() as fake:
        host.register("shop.two.test", "--wait", "0s")
        target = host.account("shop.two.test")["fulldomain"]
        name = "_acme-challenge.shop.two.test."
        rows = [
            ({(name, "TXT"): '"oldvalue"'}, 'TXT "oldvalue", TTL 3600)', "a TXT record stands where the CNAME must be"),
            ({(name, "CNAME"): "other.auth.example.org."}, "CNAME other.auth.example.org, TTL 3600)", "change it to:  " + name),
            ({(name, "CNAME"): target + ".two.test."}, "CNAME %s.two.test, TTL" % target, "the final dot is missing"),
            ({(name, "A"): "192.0.2.1"}, "no CNAME, but there is something of another type", "if it is another record"),
            ("REFUSED", "answers: REFUSED)", "does not answer for it"),
            ("SERVFAIL", "answers: SERVFAIL)", "does not answer for it"),
        ]
        for records, says, fix in rows:
            for server in NAME_SERVERS:
                fake.records[server] = records
            done = hook_exec(host, "shop.two.test", "--resolver", fake.resolver)
            assert done.returncode == 1, records
            assert says in done.stderr and fix in done.stderr and "see it:  dig +norec @ns" in done.stderr, done.stderr
            assert VALUE in done.stdout and "was not added" in done.stdout
            assert values(target) == set()


def test_a_challenge_name_that_is_delegated_needs_no_cname(world, host):
    """Through an alias the responder serves _acme-challenge.DOMAIN itself."""
    with FakeDns() as fake:
        host.register("delegated.two.test", "--wait", "0s")
        challenge = "_acme-challenge.delegated.two.test"
        target = host.account("delegated.two.test")["fulldomain"]
        world.riposte.admin("name", "set", target, "--alias", "+" + challenge)
        fake.delegated = challenge + "."
        done = hook_exec(host, "delegated.two.test", "--resolver", fake.resolver)
        assert done.returncode == 0, done.stderr
        assert "added value %s at %s; visible at 1 of 1 name servers" % (VALUE, challenge) in done.stdout
        assert values(challenge) == values(target) == {VALUE}
        test = host.riposte("client", "test", "--resolver", fake.resolver)
        assert test.returncode == 0 and "is a zone of its own, and needs no CNAME" in test.stdout, test.stdout


def test_one_server_that_is_behind_is_waited_for_and_named(world, host):
    with FakeDns() as fake:
        host.register("shop.two.test", "--wait", "0s")
        target = host.account("shop.two.test")["fulldomain"]
        fake.records[NAME_SERVERS[0]] = {("_acme-challenge.shop.two.test.", "CNAME"): target + "."}
        begun = time.monotonic()
        done = hook_exec(host, "shop.two.test", "--resolver", fake.resolver, "--timeout", "4s")
        assert done.returncode == 1 and 2 < time.monotonic() - begun < 6
        assert "(ns2.two.test answers: there is no such name)" in done.stderr

        def create():
            time.sleep(1)
            fake.records[NAME_SERVERS[1]] = fake.records[NAME_SERVERS[0]]

        thread = threading.Thread(target=create)
        thread.start()
        done = hook_exec(host, "shop.two.test", "--resolver", fake.resolver, "--timeout", "20s")
        thread.join()
        assert done.returncode == 0, done.stderr
        assert values(target) == {VALUE}
        assert hook_exec(host, "shop.two.test", verb="cleanup").returncode == 0
        assert values(target) == set()


def test_a_name_server_that_has_not_got_the_value_stops_the_client(world, host):
    """As a secondary that is behind: the fake one answers for our zone, too, and has no values."""
    with FakeDns() as fake:
        host.register("shop.two.test", "--wait", "0s")
        target = host.account("shop.two.test")["fulldomain"]
        for server in NAME_SERVERS:
            fake.records[server] = {("_acme-challenge.shop.two.test.", "CNAME"): target + "."}
        fake.own_zone = NAME_SERVERS[1]
        done = hook_exec(host, "shop.two.test", "--resolver", fake.resolver, "--timeout", "4s")
        assert done.returncode == 1
        assert "not all its name servers answer with it (1 of 2)" in done.stderr, done.stderr
        assert "see it:  dig +norec @ns2.two.test %s TXT" % target in done.stderr
        assert values(target) == set()  # taken back


def test_a_machine_that_may_ask_nobody_goes_on_and_says_so(world, host):
    """No question leaves it: the server's reply to the change means that the value is served."""
    host.register("shop.nowhere.test", "--wait", "0s")
    begun = time.monotonic()
    done = hook_exec(host, "shop.nowhere.test", "--resolver", "127.0.0.66", "--timeout", "15s")
    assert done.returncode == 0 and time.monotonic() - begun < 15, done.stderr
    assert "cannot be told from here" in done.stderr
    assert "nobody could be asked" in done.stdout
    assert values(host.account("shop.nowhere.test")["fulldomain"]) == {VALUE}


def test_a_server_that_is_not_there_is_said_in_time(world, host):
    domain = a_domain(host)
    begun = time.monotonic()
    done = hook_exec(host, domain, "--server", "http://127.0.0.99:8053", "--timeout", "5s")
    assert done.returncode == 1 and time.monotonic() - begun < 7
    assert "was not added" in done.stderr and "127.0.0.99" in done.stderr


# ---- client test


def findings(done):
    return [(f["level"], f["about"], f["detail"]) for f in json.loads(done.stdout)["domains"][0]["findings"]]


def test_client_test_walks_the_whole_way_and_takes_its_value_back(world, host):
    domain = a_domain(host)
    done = host.riposte("client", "test", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = findings(done)
    assert [(level, about) for level, about, _ in found] == [("ok", "credential"), ("ok", "cname"), ("ok", "value")]
    assert values(host.account(domain)["fulldomain"]) == set()
    people = host.riposte("client", "test", domain)
    assert people.returncode == 0 and people.stdout.startswith(domain + "\n  ok    ")
    assert re.search(r"a value that was added is visible at the server of auth.example.org after \d", people.stdout)


def test_client_test_explains_a_refused_network(world, host):
    label = a_label()
    domain = label + ".example.com"
    host.register(domain, "--wait", "0s", "--networks", "198.51.100.0/24")
    point(world, label, host.account(domain)["fulldomain"])
    done = host.riposte("client", "test", domain)
    assert done.returncode == 7
    assert re.search(r"FAIL  the server knows this credential \(.*account .*\) but refuses it: your address 127\.0\.0\.\d+ is not in its "
                     r"networks 198\.51\.100\.0/24", done.stdout), done.stdout
    change = re.search(r"an administrator can change it:  riposte (credential set .*)", done.stdout).group(1)
    world.riposte.admin(*change.split())
    assert host.riposte("client", "test", domain).returncode == 0


def test_client_test_finds_a_missing_cname_and_a_wrong_secret(world, host):
    label = a_label()
    domain = label + ".example.com"
    host.register(domain, "--wait", "0s")
    done = host.riposte("client", "test", domain, "--json")
    assert done.returncode == 7
    assert [(level, about) for level, about, _ in findings(done)] == [("ok", "credential"), ("fail", "cname"), ("ok", "value")]
    (failure,) = [f for f in json.loads(done.stdout)["domains"][0]["findings"] if f["level"] == "fail"]
    assert failure["dig"].startswith("dig +norec @ns.parent.test _acme-challenge.") and "IN CNAME" in failure["fix"]
    accounts = json.loads(host.storage.read_text())
    accounts[domain]["password"] = "x" * 40
    host.storage.write_text(json.dumps(accounts))
    done = host.riposte("client", "test", domain, "--json")
    assert done.returncode == 7
    assert [(level, about) for level, about, _ in findings(done)] == [("fail", "credential"), ("fail", "cname")]
