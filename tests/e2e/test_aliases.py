"""Clients that insist on `_acme-challenge.DOMAIN` itself, which the domain's own zone delegates to Riposte by NS instead of
pointing a CNAME there: certbot with its plugin dns-rfc2136, dehydrated with its ddns-tsig hook, and lego, which follows
whatever it finds."""

import itertools
import re

import dns.message
import dns.query
import pytest

import clients
from world import RIPOSTE_ADDR, ZONE

numbers = itertools.count()


class Shop:
    """A domain whose challenge name is an alias of a name of ours, and TSIG keys for its machines."""

    def __init__(self, world, machines=1):
        self.label = "alias%d" % next(numbers)
        self.domain = self.label + ".example.com"
        self.alias = "_acme-challenge." + self.domain
        self.name = self.label + "." + ZONE
        if "alias-team" not in world.riposte.admin("account", "list"):
            world.riposte.admin("account", "create", "alias-team")
        world.riposte.admin("name", "create", "--account", "alias-team", "--label", self.label)
        world.riposte.admin("name", "set", self.name, "--alias", "+" + self.alias)
        world.parent.delegate("_acme-challenge." + self.label)
        self.keys = [self.key(world, "web%d" % i) for i in range(machines)]

    def key(self, world, label):
        printed = world.riposte.admin("credential", "create", "--name", self.name, "--label", label, "--as", "rfc2136")
        name = re.search(r'key "([^"]+)"', printed).group(1)
        return name, re.search(r'secret "([^"]+)"', printed).group(1)

    def values(self):
        answer = dns.query.tcp(dns.message.make_query(self.alias, "TXT"), RIPOSTE_ADDR, timeout=5)
        assert answer.rcode() == 0
        return {b"".join(rd.strings).decode() for rrset in answer.answer if rrset.rdtype == 16 for rd in rrset}


@pytest.fixture
def shop(world):
    return Shop(world)


def certbot(world, folder, shop, *command):
    """An unchanged certbot-dns-rfc2136 2.1, which asks for SOA under TSIG over TCP to find the zone."""
    ini = folder / "rfc2136.ini"
    ini.write_text(
        "dns_rfc2136_server = %s\ndns_rfc2136_port = 53\ndns_rfc2136_name = %s\ndns_rfc2136_secret = %s\n"
        "dns_rfc2136_algorithm = HMAC-SHA256\n" % (RIPOSTE_ADDR, *shop.keys[0])
    )
    ini.chmod(0o600)
    return world.run(
        [
            "/usr/bin/certbot", *command, "--non-interactive", "--config-dir", folder / "config",
            "--work-dir", folder / "work", "--logs-dir", folder / "logs",
        ],
        {"REQUESTS_CA_BUNDLE": str(world.authority.ca_file)},
    )


def test_certbot_rfc2136_gets_and_renews_apex_and_wildcard(world, tmp_path, shop):
    done = certbot(
        world, tmp_path, shop, "certonly", "--dns-rfc2136", "--dns-rfc2136-credentials", tmp_path / "rfc2136.ini",
        "--dns-rfc2136-propagation-seconds", "0", "--agree-tos", "-m", "admin@example.com", "--server",
        world.authority.directory, "-d", shop.domain, "-d", "*." + shop.domain,
    )
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    chain = tmp_path / ("config/live/%s/fullchain.pem" % shop.domain)
    assert clients.names_of(chain) == sorted([shop.domain, "*." + shop.domain])
    assert shop.values() == set()
    first = chain.read_bytes()
    done = certbot(world, tmp_path, shop, "renew", "--force-renewal", "--no-random-sleep-on-renew")
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    assert chain.read_bytes() != first
    assert shop.values() == set()


def test_dehydrated_with_its_ddns_hook(world, tmp_path, shop):
    """It takes the whole name for the zone, and then each name above, until an update is accepted."""
    base = tmp_path / "dehydrated"
    base.mkdir()
    (base / "hook.conf").write_text(
        "[DEFAULT]\nname_server_ip = %s\nwait = 5\nTTL = 60\nkey_name = %s\nkey_secret = %s\nkey_algorithm = hmac-sha256\n"
        % (RIPOSTE_ADDR, *shop.keys[0])
    )
    hook = base / "hook"
    hook.write_text(
        '#!/bin/sh\nexec /usr/bin/python3 /usr/share/dehydrated-hook-ddns-tsig/dehydrated-hook-ddns-tsig.py --config "%s" "$@"\n'
        % (base / "hook.conf")
    )
    hook.chmod(0o755)
    (base / "config").write_text(
        'CA="%s"\nCHALLENGETYPE="dns-01"\nHOOK="%s"\nBASEDIR="%s"\nKEY_ALGO=prime256v1\n'
        % (world.authority.directory, hook, base)
    )
    (base / "domains.txt").write_text("%s *.%s > shop\n" % (shop.domain, shop.domain))
    env = {"CURL_CA_BUNDLE": str(world.authority.ca_file)}
    for step in (["--register", "--accept-terms"], ["--cron"]):
        done = world.run(["/usr/bin/dehydrated", "--config", base / "config", *step], env)
        assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    assert clients.names_of(base / "certs/shop/cert.pem") == sorted([shop.domain, "*." + shop.domain])
    assert shop.values() == set()


def test_lego_follows_the_delegation(world, tmp_path, shop):
    command = clients.lego_command(world, tmp_path, [shop.domain, "*." + shop.domain])
    name, secret = shop.keys[0]
    done = world.run(
        [arg if arg != "exec" else "rfc2136" for arg in command],
        {
            "RFC2136_NAMESERVER": RIPOSTE_ADDR + ":53",
            "RFC2136_TSIG_KEY": name,
            "RFC2136_TSIG_SECRET": secret,
            "RFC2136_TSIG_ALGORITHM": "hmac-sha256.",
            "RFC2136_POLLING_INTERVAL": "1",
            "RFC2136_PROPAGATION_TIMEOUT": "20",
            "RFC2136_SEQUENCE_INTERVAL": "1",
            "LEGO_CA_CERTIFICATES": str(world.authority.ca_file),
        },
    )
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    made = clients.names_of(tmp_path / ("lego/certificates/%s.crt" % shop.domain))
    assert made == sorted([shop.domain, "*." + shop.domain])
    assert shop.values() == set()


@pytest.mark.parametrize("kind", ["strict-minimisation", "caching"])
def test_resolvers_of_other_habits_find_the_alias(world, tmp_path, kind):
    shop = Shop(world)
    world.use_resolver(kind)
    try:
        done = certbot(
            world, tmp_path, shop, "certonly", "--dns-rfc2136", "--dns-rfc2136-credentials", tmp_path / "rfc2136.ini",
            "--dns-rfc2136-propagation-seconds", "0", "--agree-tos", "-m", "admin@example.com", "--server",
            world.authority.directory, "-d", shop.domain, "-d", "*." + shop.domain,
        )
    finally:
        world.use_resolver("caps-1232")
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
