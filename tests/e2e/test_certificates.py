"""Real clients get real certificates, apex and wildcard, from a real authority, through one CNAME."""

import itertools

import pytest

import clients
from world import RESOLVERS

numbers = itertools.count()


def a_domain(world):
    """A domain of example.com whose challenge name points at a name that was just registered."""
    account = world.riposte.register()
    label = "shop%d" % next(numbers)
    world.parent.point({"_acme-challenge." + label: account["fulldomain"]})
    return label + ".example.com", account


CERTIFICATE = {
    "lego": "lego/certificates/{d}.crt",
    "certbot": "config/live/{d}/fullchain.pem",
    "uacme": "uacme/{d}/cert.pem",
    "dehydrated": "dehydrated/certs/shop/fullchain.pem",
}


def issue(world, tmp_path, client, resolver=None, **kw):
    domain, account = a_domain(world)
    done = getattr(clients, client)(world, tmp_path, [domain, "*." + domain], {domain: account}, **kw)
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
    made = clients.names_of(tmp_path / CERTIFICATE[client].format(d=domain))
    assert made == sorted([domain, "*." + domain])


@pytest.mark.parametrize("client", sorted(CERTIFICATE))
def test_apex_and_wildcard_in_one_certificate(world, tmp_path, client):
    issue(world, tmp_path, client)


@pytest.mark.parametrize("generation", [1, 2])
def test_both_generations_of_goacmedns(world, tmp_path, generation):
    issue(world, tmp_path, "lego", generation=generation)


def test_a_base_url_with_a_path_or_a_final_slash(world, tmp_path):
    for i, base in enumerate(["http://127.0.0.10:8053/", "http://127.0.0.10:8053/r/rpt_expired"]):
        issue(world, tmp_path / str(i), "lego", base=base)


@pytest.fixture
def resolver(world, request):
    world.use_resolver(request.param)
    yield request.param
    world.use_resolver("caps-1232")


@pytest.mark.parametrize("resolver", sorted(RESOLVERS), indirect=True)
@pytest.mark.parametrize("client", ["lego", "certbot"])
def test_every_kind_of_resolver(world, tmp_path, client, resolver):
    issue(world, tmp_path, client)


@pytest.mark.parametrize("resolver", ["caching", "strict-minimisation"], indirect=True)
def test_an_early_question_leaves_no_trace_in_a_cache(world, tmp_path, resolver):
    """The cache is asked for everything before the value is there, as monitoring and impatient clients do."""
    domain, account = a_domain(world)
    challenge = "_acme-challenge." + domain
    for qtype in ("TXT", "CAA", "A", "NS", "SOA"):
        for name in (challenge, account["fulldomain"], domain):
            world.run(["dig", "@127.0.0.53", "+tries=1", qtype, name])
    done = clients.certbot(world, tmp_path, [domain, "*." + domain], {domain: account})
    assert done.returncode == 0, done.stdout[-3000:] + world.explain()
