"""DNS UPDATE by real clients: an unchanged lego with its provider rfc2136, which deletes the whole set before it adds, and
nsupdate as acme.sh calls it, which deletes the whole set when it cleans up. certbot-dns-rfc2136 needs the challenge name
itself to be in the zone, so it is not among them."""

import concurrent.futures
import itertools
import shlex

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


def lego(world, folder, shop, machine=0):
    folder.mkdir(parents=True, exist_ok=True)
    command = clients.lego_command(world, folder, [shop.domain, "*." + shop.domain])
    return world.run(
        [arg if arg != "exec" else "rfc2136" for arg in command],
        {
            **shop.environment(machine),
            "RFC2136_POLLING_INTERVAL": "1",
            "RFC2136_PROPAGATION_TIMEOUT": "20",
            "RFC2136_SEQUENCE_INTERVAL": "1",
            "LEGO_CA_CERTIFICATES": str(world.authority.ca_file),
        },
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


@pytest.mark.parametrize("options", ["", "-v"], ids=["udp", "tcp"])
def test_nsupdate_in_the_manner_of_acme_sh(world, tmp_path, options):
    shop = Shop(world)
    hook = tmp_path / "hook"
    hook.write_text(HOOK % RIPOSTE_ADDR)
    hook.chmod(0o755)
    done = world.run(
        [
            "/usr/bin/certbot", "certonly", "--manual", "--preferred-challenges", "dns", "--non-interactive", "--agree-tos",
            "-m", "admin@example.com", "--server", world.authority.directory, "--config-dir", tmp_path / "config",
            "--work-dir", tmp_path / "work", "--logs-dir", tmp_path / "logs", "--manual-auth-hook", hook,
            "--manual-cleanup-hook", hook, "-d", shop.domain, "-d", "*." + shop.domain,
        ],
        {
            "KEY": str(shop.key_file(tmp_path)),
            "NAME": shop.name,
            "OPTIONS": options,
            "REQUESTS_CA_BUNDLE": str(world.authority.ca_file),
        },
    )
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    made = clients.names_of(tmp_path / ("config/live/%s/fullchain.pem" % shop.domain))
    assert made == sorted([shop.domain, "*." + shop.domain])
    assert shop.values() == set()
