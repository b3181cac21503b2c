"""DNS UPDATE by real clients: an unchanged lego with its provider rfc2136, which deletes the whole set before it adds, and
nsupdate as acme.sh calls it, which deletes the whole set when it cleans up. certbot-dns-rfc2136 needs the challenge name
itself to be in the zone, so it is not among them."""

import concurrent.futures
import itertools
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import dns.message
import dns.query
import pytest

import clients
from world import RIPOSTE_ADDR, ZONE

numbers = itertools.count()

HOOK = """#!/bin/sh
# As acme.sh's dns_nsupdate: one value is added, the whole set is removed.
if [ -n "$CERTBOT_AUTH_OUTPUT" ]; then what="delete $NAME. txt"; else what="add $NAME. 60 in txt \\"$CERTBOT_VALIDATION\\""; fi
nsupdate -k "$KEY" $OPTIONS <<EOF || exit 1
server %s 53
update $what
send
EOF
echo done
"""


class Shop:
    """A domain whose challenge name points at a name of ours, and TSIG keys for its machines."""

    def __init__(self, world, machines=1):
        self.label = "tsig%d" % next(numbers)
        self.domain = self.label + ".example.com"
        self.name = self.label + "." + ZONE
        if "shop-team" not in world.riposte.admin("account", "list"):
            world.riposte.admin("account", "create", "shop-team")
        world.riposte.admin("name", "create", "--account", "shop-team", "--label", self.label)
        world.parent.point({"_acme-challenge." + self.label: self.name})
        self.printed = [
            world.riposte.admin("credential", "create", "--name", self.name, "--label", "web%d" % i, "--as", "rfc2136")
            for i in range(machines)
        ]

    def environment(self, machine=0):
        """What `--as rfc2136` says for lego, as a shell would read it."""
        lines = [line for line in self.printed[machine].splitlines() if line.startswith("RFC2136_")]
        return dict(shlex.split(line)[0].split("=", 1) for line in lines)

    def key_file(self, folder, machine=0):
        text = self.printed[machine]
        path = folder / "key.conf"
        path.write_text(text[text.index('key "'):text.index("};") + 3])
        return path

    def values(self):
        answer = dns.query.tcp(dns.message.make_query(self.name, "TXT"), RIPOSTE_ADDR, timeout=5)
        return {b"".join(rd.strings).decode() for rrset in answer.answer for rd in rrset}


def authority_of(world, folder):
    """A copy that every user can read."""
    return shutil.copy(world.authority.ca_file, folder / "ca.pem")


def lego(world, folder, shop, machine=0, user=None):
    folder.mkdir(parents=True, exist_ok=True)
    command = clients.lego_command(world, folder, [shop.domain, "*." + shop.domain])
    return world.run(
        [arg if arg != "exec" else "rfc2136" for arg in command],
        {
            **shop.environment(machine),
            "RFC2136_POLLING_INTERVAL": "1",
            "RFC2136_PROPAGATION_TIMEOUT": "20",
            "RFC2136_SEQUENCE_INTERVAL": "1",
            "LEGO_CA_CERTIFICATES": str(authority_of(world, folder)),
        },
        user=user,
    )


def check(world, folder, shop, done):
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    made = clients.names_of(folder / ("lego/certificates/%s.crt" % shop.domain))
    assert made == sorted([shop.domain, "*." + shop.domain])


def test_lego_gets_apex_and_wildcard_and_cleans_up(world, tmp_path):
    shop = Shop(world)
    check(world, tmp_path, shop, lego(world, tmp_path, shop))
    assert shop.values() == set()


def test_hosts_with_keys_of_their_own_renew_the_same_wildcard_at_once(world, tmp_path):
    hosts = 4
    shop = Shop(world, hosts)
    with concurrent.futures.ThreadPoolExecutor(hosts) as pool:
        for i, done in enumerate(pool.map(lambda i: lego(world, tmp_path / str(i), shop, i), range(hosts))):
            check(world, tmp_path / str(i), shop, done)
    assert shop.values() == set()


def certbot_with_nsupdate(world, folder, shop, options="", user=None):
    hook = folder / "hook"
    hook.write_text(HOOK % RIPOSTE_ADDR)
    hook.chmod(0o755)
    key = folder / "key.conf"
    return world.run(
        [
            "/usr/bin/certbot", "certonly", "--manual", "--preferred-challenges", "dns", "--non-interactive", "--agree-tos",
            "--force-renewal", "-m", "admin@example.com", "--server", world.authority.directory, "--config-dir", folder / "config",
            "--work-dir", folder / "work", "--logs-dir", folder / "logs", "--manual-auth-hook", hook,
            "--manual-cleanup-hook", hook, "-d", shop.domain, "-d", "*." + shop.domain,
        ],
        {
            "KEY": str(key if key.exists() else shop.key_file(folder)),
            "NAME": shop.name,
            "OPTIONS": options,
            "REQUESTS_CA_BUNDLE": str(authority_of(world, folder)),
        },
        user=user,
    )


def names_of_certbot(folder, shop):
    return clients.names_of(folder / ("config/live/%s/fullchain.pem" % shop.domain))


@pytest.mark.parametrize("options", ["", "-v"], ids=["udp", "tcp"])
def test_nsupdate_in_the_manner_of_acme_sh(world, tmp_path, options):
    shop = Shop(world)
    done = certbot_with_nsupdate(world, tmp_path, shop, options)
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    assert names_of_certbot(tmp_path, shop) == sorted([shop.domain, "*." + shop.domain])
    assert shop.values() == set()


class Hosts:
    """Users whose packets to the server have an address of their own, as hosts have."""

    FIRST_UID = 52001

    def __init__(self, n):
        self.uids = range(self.FIRST_UID, self.FIRST_UID + n)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hosts", dir="/tmp"))
        self.folder.chmod(0o755)
        self.ip("rule", "add", "pref", "100", "lookup", "local")
        self.ip("rule", "del", "pref", "0")
        for i, uid in enumerate(self.uids):
            self.ip("rule", "add", "pref", "50", "uidrange", "%d-%d" % (uid, uid), "lookup", str(200 + i))
            self.ip("route", "add", "local", RIPOSTE_ADDR, "dev", "lo", "src", "127.1.%d.1" % i, "table", str(200 + i))
            home = self.home(i)
            home.mkdir()
            os.chown(home, uid, uid)

    @staticmethod
    def ip(*args):
        subprocess.run(["ip", *args], check=True)

    def home(self, i):
        return self.folder / str(i)

    def close(self):
        for i, uid in enumerate(self.uids):
            self.ip("rule", "del", "uidrange", "%d-%d" % (uid, uid))
            self.ip("route", "flush", "table", str(200 + i))
        self.ip("rule", "add", "pref", "0", "lookup", "local")
        self.ip("rule", "del", "pref", "100")
        shutil.rmtree(self.folder)


@pytest.fixture
def hosts():
    with open("/proc/self/uid_map", encoding="ascii") as mapping:
        if int(mapping.read().split()[2]) < 60000:
            pytest.skip("needs root: other users are what tells the hosts apart")
    made = Hosts(4)
    yield made
    made.close()


def test_four_hosts_with_one_key_at_once(world, hosts):
    """lego deletes the whole set before it adds, acme.sh when it is done; neither may take what another host has just added."""
    shop = Shop(world)
    for i, uid in enumerate(hosts.uids):
        os.chown(shop.key_file(hosts.home(i)), uid, uid)

    def one(i):
        client = lego if i % 2 == 0 else certbot_with_nsupdate
        return client(world, hosts.home(i), shop, user=hosts.uids[i])

    for _ in range(3 if os.environ.get("RIPOSTE_LONG") == "1" else 1):
        with concurrent.futures.ThreadPoolExecutor(len(hosts.uids)) as pool:
            for i, done in enumerate(pool.map(one, range(len(hosts.uids)))):
                assert done.returncode == 0, "host %d\n%s\n%s" % (i, done.stdout[-3000:], world.explain())
        assert shop.values() == set()
    assert "127.1.2.1" in world.riposte.admin("journal", "--name", shop.name), "each host has an address of its own"
