"""Aliases: `_acme-challenge.DOMAIN` itself, delegated to Riposte by NS, for clients that insist on that name."""

import itertools

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest
import requests
import yaml

from dnshelp import a_value, ask, values

ZONE = "auth.example.org"
NOERROR, NXDOMAIN, REFUSED, NOTAUTH = 0, 3, 5, 9
numbers = itertools.count()


@pytest.fixture(scope="module")
def server(riposte):
    riposte.admin("account", "create", "team", check=True)
    riposte.admin("account", "create", "others", check=True)
    return riposte


class Shop:
    """A name with an alias, and a credential with a secret and a TSIG key."""

    def __init__(self, server, subtree=False):
        self.server = server
        self.label = "shop%d" % next(numbers)
        self.name = self.label + "." + ZONE
        self.alias = "_acme-challenge." + self.label + ".example.com"
        server.admin("name", "create", "--account", "team", "--label", self.label, check=True)
        self.set("--alias", "+" + self.alias)
        if subtree:
            self.set("--subtree", "yes")
        self.holder = server.admin_json("credential", "create", "--name", self.name, "--label", "web1")
        self.key = server.admin_json("credential", "create", "--name", self.name, "--label", "tsig", "--tsig")

    def set(self, *options):
        return self.server.admin_json("name", "set", self.name, *options)

    def present(self, fqdn, value, action="present"):
        return requests.post(self.server.http_url + "/" + action, json={"fqdn": fqdn, "value": value},
                             auth=(self.holder["credential"], self.holder["secret"]), timeout=20)

    def tsig(self):
        return dns.tsig.Key(self.key["credential"] + ".", self.key["secret"], "hmac-sha256")

    def send(self, message):
        message.use_tsig(self.tsig())
        reply = dns.query.tcp(message, self.server.dns_addr[0], port=self.server.dns_addr[1], timeout=10)
        assert reply.had_tsig
        return reply

    def update(self, zone, owner, value, change="add"):
        message = dns.update.UpdateMessage(zone)
        owner = dns.name.from_text(owner)
        if change == "add":
            message.add(owner, 120, "TXT", '"%s"' % value)
        else:
            message.delete(owner, "TXT", '"%s"' % value)
        return self.send(message).rcode()


@pytest.fixture
def shop(server):
    return Shop(server)


def soa_of(answer, section="answer"):
    found = [rrset for rrset in getattr(answer, section) if rrset.rdtype == dns.rdatatype.SOA]
    assert len(found) == 1, answer
    return found[0]


def serial(server, zone):
    return soa_of(ask(server, zone, "SOA"))[0].serial


# ---- what DNS shows ----


def test_an_alias_is_a_zone_with_the_values_of_its_name(server, shop):
    value = a_value()
    assert shop.present(shop.name, value).status_code == 200
    answer = ask(server, shop.alias, "TXT")
    assert answer.rcode() == NOERROR and answer.flags & dns.flags.AA
    assert values(server, shop.alias) == values(server, shop.name) == {value}
    soa = soa_of(ask(server, shop.alias, "SOA"))
    assert soa.name == dns.name.from_text(shop.alias)
    assert soa[0].mname == soa_of(ask(server, ZONE, "SOA"))[0].mname
    ns = ask(server, shop.alias, "NS")
    assert [rd.target.to_text() for rd in ns.answer[0]] == ["ns1.%s." % ZONE]
    assert [(r.name.to_text(), r[0].to_text()) for r in ns.additional] == [("ns1.%s." % ZONE, "127.0.0.1")]
    assert ask(server, shop.alias.upper(), "TXT").question[0].name.to_text() == shop.alias.upper() + "."
    assert values(server, shop.alias.upper()) == {value}


@pytest.mark.parametrize("qtype", ["CAA", "A", "DS", "MX", "ANY"])
def test_an_alias_without_values_exists(server, shop, qtype):
    answer = ask(server, shop.alias, qtype)
    assert answer.rcode() == NOERROR and answer.flags & dns.flags.AA
    if qtype != "ANY":
        soa = soa_of(answer, "authority")
        assert soa.name == dns.name.from_text(shop.alias) and soa.ttl == 0 and not answer.answer


def test_what_is_not_there_is_denied_by_the_alias_itself(server, shop):
    for owner in ("_x." + shop.alias, "a.b." + shop.alias):
        answer = ask(server, owner)
        assert answer.rcode() == NXDOMAIN and answer.flags & dns.flags.AA
        assert soa_of(answer, "authority").name == dns.name.from_text(shop.alias)


def test_what_lies_around_an_alias_is_nobody_of_ours(server, shop):
    domain = shop.alias.split(".", 1)[1]
    for owner in (domain, "www." + domain, "_other." + domain, "com"):
        answer = ask(server, owner)
        assert answer.rcode() == REFUSED and not answer.flags & dns.flags.AA


def test_names_below_are_shown_below_the_alias(server, shop):
    below = "_ujmmovf2vn55tgye"  # as dns-account-01 has it
    deep = "d.e"
    for label in (below, deep):
        server.admin("name", "create", "--account", "team", "--label", label + "." + shop.label, check=True)
    value = a_value()
    server.admin("value", "add", below + "." + shop.name, value, check=True)
    assert values(server, below + "." + shop.alias) == {value}
    assert values(server, "d.e." + shop.alias) == set()
    assert values(server, "e." + shop.alias) == set()  # an empty non-terminal
    assert values(server, "f." + shop.alias) is None
    server.admin("--yes", "name", "delete", below + "." + shop.name, "--force", check=True)
    assert values(server, below + "." + shop.alias) is None


def test_each_alias_has_a_serial_of_its_own(server, shop):
    other = Shop(server)
    before = serial(server, shop.alias), serial(server, other.alias), serial(server, ZONE)
    assert shop.present(shop.alias, a_value()).status_code == 200
    after = serial(server, shop.alias), serial(server, other.alias), serial(server, ZONE)
    assert after[0] > before[0] and after[1] == before[1] and after[2] > before[2]
    denied = soa_of(ask(server, "_x." + shop.alias), "authority")[0].serial
    assert denied == after[0]


# ---- doors ----


@pytest.mark.parametrize("dot", ["", "."])
def test_httpreq_takes_the_alias(server, shop, dot):
    value = a_value()
    assert shop.present(shop.alias + dot, value).status_code == 200
    assert values(server, shop.alias) == {value}
    assert shop.present(shop.alias.upper() + dot, value, "cleanup").status_code == 200
    assert values(server, shop.alias) == values(server, shop.name) == set()


def test_another_accounts_credential_is_refused_at_the_alias(server, shop):
    other = Shop(server)
    reply = other.present(shop.alias, a_value())
    assert reply.status_code == 403 and reply.json()["type"] == "/problems/name-not-in-scope"
    assert other.update(shop.alias, shop.alias, a_value()) == REFUSED
    assert values(server, shop.alias) == set()


def test_an_update_has_the_alias_as_its_zone(server, shop):
    first, second = a_value(), a_value()
    assert shop.update(shop.alias, shop.alias, first) == NOERROR
    assert shop.update(shop.alias.upper(), shop.alias, second) == NOERROR
    assert values(server, shop.alias) == {first, second}
    assert shop.update(shop.alias, shop.alias, first, "delete") == NOERROR
    assert values(server, shop.name) == {second}


def test_an_update_of_another_zone_is_told_so(server, shop):
    domain = shop.alias.split(".", 1)[1]
    assert shop.update(domain, shop.alias, a_value()) == NOTAUTH
    assert shop.update("_x." + shop.alias, "_x." + shop.alias, a_value()) == NOTAUTH
    assert shop.update(ZONE, shop.alias, a_value()) == 10  # NOTZONE
    assert shop.update(shop.alias, shop.name, a_value()) == 10
    assert values(server, shop.alias) == set()


def test_prerequisites_see_the_alias(server, shop):
    value = a_value()
    message = dns.update.UpdateMessage(shop.alias)
    message.absent(dns.name.from_text(shop.alias), "TXT")
    message.present(dns.name.from_text(shop.alias), "NS")
    message.add(dns.name.from_text(shop.alias), 60, "TXT", '"%s"' % value)
    assert shop.send(message).rcode() == NOERROR
    assert values(server, shop.alias) == {value}
    message = dns.update.UpdateMessage(shop.alias)
    message.absent(dns.name.from_text(shop.alias), "TXT")
    message.add(dns.name.from_text(shop.alias), 60, "TXT", '"%s"' % a_value())
    assert shop.send(message).rcode() == 7  # YXRRSET


def test_a_client_finds_the_zone_by_signed_soa_questions(server, shop):
    """As certbot-dns-rfc2136: from the challenge name upwards, until an authority answers with a SOA."""
    question = dns.message.make_query(shop.alias, "SOA", use_edns=False)
    question.flags &= ~dns.flags.RD
    answer = shop.send(question)
    assert answer.rcode() == NOERROR and answer.flags & dns.flags.AA
    assert soa_of(answer).name == dns.name.from_text(shop.alias)


def test_a_subtree_takes_in_what_is_below_the_alias(server):
    shop = Shop(server)
    below = "_ujmmovf2vn55tgye"
    server.admin("name", "create", "--account", "team", "--label", below + "." + shop.label, check=True)
    assert shop.present(below + "." + shop.alias, a_value()).status_code == 403
    shop.set("--subtree", "yes")
    value, another = a_value(), a_value()
    assert shop.present(below + "." + shop.alias, value).status_code == 200
    assert shop.update(shop.alias, below + "." + shop.alias, another) == NOERROR
    assert values(server, below + "." + shop.alias) == {value, another}
    assert values(server, shop.alias) == set()


def test_v1_takes_the_alias_in_the_path(server, shop):
    value = a_value()
    auth = (shop.holder["credential"], shop.holder["secret"])
    base = server.http_url + "/v1/names/" + shop.alias
    assert requests.put("%s/values/%s" % (base, value), auth=auth, timeout=10).status_code == 201
    shown = requests.get(base, auth=auth, timeout=10).json()
    assert shown["name"] == shop.name and shown["aliases"] == [shop.alias] and shown["values"] == 1
    assert values(server, shop.alias) == {value}
    assert server.admin_json("value", "list", shop.alias)["values"] == [value]


def test_the_trace_of_a_name_shows_who_asked_at_its_alias(server, shop):
    ask(server, shop.alias.upper())
    ask(server, shop.name, "CAA")
    ask(server, "_x." + shop.alias)  # not there: of nobody but the alias
    for asked in (shop.name, shop.alias):
        items = server.admin_json("trace", asked)["items"]
        questions = [(i["type"], i.get("alias")) for i in items if i["kind"] == "question"]
        assert questions == [("TXT", shop.alias), ("CAA", None)]
    items = server.admin_json("trace", "_x." + shop.alias)["items"]
    assert [i["rcode"] for i in items if i["kind"] == "question"] == ["NXDOMAIN"]


# ---- who may, and what is refused ----


def test_holders_cannot_make_aliases(server, shop):
    reply = requests.patch(server.http_url + "/v1/names/" + shop.name, json={"aliases": {"add": ["_x.example.net"]}},
                           auth=(shop.holder["credential"], shop.holder["secret"]), timeout=10)
    assert reply.status_code == 403


@pytest.mark.parametrize("fqdn, status", [("shop.example.com", 4), ("_x." + ZONE, 5), ("_acme-challenge..example.com", 4)])
def test_what_cannot_be_an_alias_is_refused(server, shop, fqdn, status):
    done = server.admin("name", "set", shop.name, "--alias", "+" + fqdn)
    assert done.returncode == status and "cannot be an alias" in done.stderr
    assert shop.set("--subtree", "no")["aliases"] == [shop.alias]


def test_the_owner_of_a_taken_alias_is_named(server, shop):
    other = Shop(server)
    for fqdn in (shop.alias, "_x." + shop.alias):
        done = server.admin("name", "set", other.name, "--alias", "+" + fqdn)
        assert done.returncode == 5 and shop.name in done.stderr and "team" in done.stderr


def test_what_is_shown_says_how_to_delegate(server, shop):
    shown = server.admin("name", "show", shop.name, check=True).stdout
    assert shop.alias in shown and "NS" in shown
    journal = server.admin_json("journal", "--name", shop.name)
    text = str(journal)
    assert "alias-made" in text and shop.alias in text


# ---- how it lasts and ends ----


def test_aliases_survive_a_restart(make_riposte):
    server = make_riposte()
    server.admin("account", "create", "team", check=True)
    shop, gone = Shop(server), Shop(server)
    value = a_value()
    assert shop.present(shop.alias, value).status_code == 200
    gone.set("--alias", "-" + gone.alias)
    was = serial(server, shop.alias)
    server.restart()
    assert values(server, shop.alias) == {value}
    assert serial(server, shop.alias) == was  # nothing has changed
    assert ask(server, gone.alias).rcode() == REFUSED
    assert shop.present(shop.alias, a_value()).status_code == 200
    assert serial(server, shop.alias) > was
    server.kill()
    server.start()
    assert len(values(server, shop.alias)) == 2
    server.stop()
    checked = server.admin("check", "store", check=True)
    assert checked.returncode == 0, checked.stdout


def test_an_alias_that_is_ended_is_answered_no_more(server, shop):
    value = a_value()
    assert shop.present(shop.alias, value).status_code == 200
    assert shop.set("--alias", "-" + shop.alias)["aliases"] == []
    for owner in (shop.alias, "_x." + shop.alias):
        assert ask(server, owner).rcode() == REFUSED
    assert values(server, shop.name) == {value}  # which has not changed
    assert shop.present(shop.alias, a_value()).status_code == 403
    assert shop.update(shop.alias, shop.alias, a_value()) == NOTAUTH
    assert shop.set("--alias", "+" + shop.alias)["aliases"] == [shop.alias]
    assert values(server, shop.alias) == {value}


def test_a_removed_name_takes_its_aliases_along(server, shop):
    server.admin("--yes", "name", "delete", shop.name, check=True)
    assert ask(server, shop.alias).rcode() == REFUSED
    other = Shop(server)
    other.set("--alias", "+" + shop.alias)
    assert values(server, shop.alias) == set()


def test_a_configuration_with_a_zone_over_an_alias_is_refused(make_riposte):
    server = make_riposte()
    server.admin("account", "create", "team", check=True)
    shop = Shop(server)
    before = server.config
    zone = {"origin": shop.alias.split(".", 1)[1], "contact": "hostmaster@example.org",
            "name-servers": [{"name": "ns1." + ZONE}]}
    server.write_config({**before, "zones": before["zones"] + [zone]})
    done = server.admin("reload")
    assert done.returncode != 0 and shop.alias in done.stdout + done.stderr
    assert values(server, shop.alias) == set()
    assert ask(server, zone["origin"]).rcode() == REFUSED
    shop.set("--alias", "-" + shop.alias)
    server.admin("reload", check=True)
    assert ask(server, zone["origin"], "SOA").rcode() == NOERROR
    done = server.admin("name", "set", shop.name, "--alias", "+" + shop.alias)
    assert done.returncode == 5


def test_a_reload_brings_new_name_servers_to_the_aliases(make_riposte):
    server = make_riposte()
    server.admin("account", "create", "team", check=True)
    shop = Shop(server)
    was = serial(server, shop.alias)
    config = yaml.safe_load(server.config_yaml)
    config["zones"][0]["name-servers"].append({"name": "ns2." + ZONE, "addresses": ["127.0.0.9"]})
    server.write_config(config)
    server.admin("reload", check=True)
    ns = ask(server, shop.alias, "NS")
    assert sorted(rd.target.to_text() for rd in ns.answer[0]) == ["ns1.%s." % ZONE, "ns2.%s." % ZONE]
    assert serial(server, shop.alias) > was
