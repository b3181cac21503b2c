"""An unchanged lego with its provider httpreq: certificates for apex and wildcard, and nothing is left behind."""

import concurrent.futures
import itertools
import json

import dns.message
import dns.query
import dns.rcode
import pytest

import clients
from world import API_URL, RIPOSTE_ADDR, ZONE

numbers = itertools.count()


class Shop:
    """A domain whose challenge name points at a name of ours, and a credential for each of its machines."""

    def __init__(self, world, machines=1, tell_domain=True):
        self.world = world
        self.label = "req%d" % next(numbers)
        self.domain = self.label + ".example.com"
        self.name = self.label + "." + ZONE
        if "shop-team" not in world.riposte.admin("account", "list"):
            world.riposte.admin("account", "create", "shop-team")
        domain = ["--domain", self.domain] if tell_domain else []
        world.riposte.admin("name", "create", "--account", "shop-team", "--label", self.label, *domain)
        world.parent.point({"_acme-challenge." + self.label: self.name})
        self.accounts = [
            json.loads(
                world.riposte.admin("credential", "create", "--name", self.name, "--label", "web%d" % i, "--as", "acme-dns")
            )
            for i in range(machines)
        ]

    def values(self):
        query = dns.message.make_query(self.name, "TXT")
        answer = dns.query.tcp(query, RIPOSTE_ADDR, timeout=5)
        assert answer.rcode() == dns.rcode.NOERROR
        return {b"".join(rd.strings).decode() for rrset in answer.answer for rd in rrset}

    def issue(self, folder, account, **kw):
        return clients.lego_httpreq(self.world, folder, [self.domain, "*." + self.domain], account, **kw)

    def check(self, folder, done):
        assert done.returncode == 0, done.stdout[-3000:] + self.world.explain()
        made = clients.names_of(folder / "lego/certificates" / (self.domain + ".crt"))
        assert made == sorted([self.domain, "*." + self.domain])


@pytest.mark.parametrize("mode", [None, "RAW"], ids=["default", "raw"])
def test_apex_and_wildcard_and_nothing_stays(world, tmp_path, mode):
    shop = Shop(world)
    shop.check(tmp_path, shop.issue(tmp_path, shop.accounts[0], mode=mode))
    assert shop.values() == set()


@pytest.mark.parametrize("base", [API_URL + "/", API_URL + "/r/rpt_expired"])
def test_a_base_url_with_a_path_or_a_final_slash(world, tmp_path, base):
    shop = Shop(world)
    shop.check(tmp_path, shop.issue(tmp_path, shop.accounts[0], base=base))
    assert shop.values() == set()


def test_a_lego_that_follows_no_cname(world, tmp_path):
    """It names _acme-challenge.DOMAIN itself, and would look for the value there: its own check is off. The name must have the
    domain; the refusal says what to do, and then it works."""
    shop = Shop(world, tell_domain=False)
    (tmp_path / "password").write_text(shop.accounts[0]["password"])
    settings = {
        "env": {
            "LEGO_DISABLE_CNAME_SUPPORT": "true",
            "HTTPREQ_PASSWORD": "",
            "HTTPREQ_PASSWORD_FILE": str(tmp_path / "password"),
        },
        "options": ["--dns.disable-cp"],
    }
    done = shop.issue(tmp_path / "refused", shop.accounts[0], **settings)
    assert done.returncode != 0 and "the request is for _acme-challenge." + shop.domain in done.stdout
    hint = "name set %s --domain +%s" % (shop.name, shop.domain)
    assert "riposte " + hint in done.stdout
    world.riposte.admin(*hint.split(" "))
    shop.check(tmp_path, shop.issue(tmp_path, shop.accounts[0], **settings))
    assert shop.values() == set()


@pytest.mark.parametrize("mode", [None, "RAW"], ids=["default", "raw"])
def test_two_machines_at_once_with_a_credential_each(world, tmp_path, mode):
    shop = Shop(world, machines=2)
    for turn in range(3):
        folders = [tmp_path / ("turn%d-host%d" % (turn, i)) for i in range(2)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda i: shop.issue(folders[i], shop.accounts[i], mode=mode), range(2)))
        for i in range(2):
            shop.check(folders[i], done[i])
        assert shop.values() == set()


def test_a_refusal_is_shown_to_the_user(world, tmp_path):
    shop, other = Shop(world), Shop(world)
    done = shop.issue(tmp_path / "scope", other.accounts[0])
    assert done.returncode != 0
    assert "name-not-in-scope" in done.stdout and "web0 may change " + other.name in done.stdout
    done = shop.issue(tmp_path / "secret", {**shop.accounts[0], "password": other.accounts[0]["password"]})
    assert done.returncode != 0 and "unauthenticated" in done.stdout
    assert shop.values() == set() and other.values() == set()
