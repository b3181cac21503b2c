"""The reason this project exists: eight hosts with eight ACME accounts renew apex and wildcard at the same moment through one
name, round after round, and none may fail. The reference, with its two values a name, gets two of eight through."""

import concurrent.futures
import json
import os

import pytest

import clients

HOSTS = 8
ROUNDS = 10 if os.environ.get("RIPOSTE_LONG") == "1" else 3


def renew_together(world, folder, domain, accounts):
    def one(i):
        host = folder / ("host%d" % i)
        return clients.lego(world, host, [domain, "*." + domain], {domain: accounts[i]})

    with concurrent.futures.ThreadPoolExecutor(HOSTS) as pool:
        return list(pool.map(one, range(HOSTS)))


def check_rounds(world, tmp_path, domain, accounts):
    failed = []
    for r in range(ROUNDS):
        for i, done in enumerate(renew_together(world, tmp_path / ("round%d" % r), domain, accounts)):
            if done.returncode != 0:
                failed.append("round %d, host %d:\n%s" % (r, i, done.stdout[-1500:]))
    assert not failed, "%d of %d failed\n%s\n%s" % (len(failed), ROUNDS * HOSTS, "\n".join(failed[:3]), world.explain())


def test_eight_hosts_with_one_credential(world, tmp_path):
    account = world.riposte.register()
    world.parent.point({"_acme-challenge.cluster1": account["fulldomain"]})
    check_rounds(world, tmp_path, "cluster1.example.com", [account] * HOSTS)


def test_eight_hosts_with_a_credential_each(world, tmp_path):
    first = world.riposte.register()
    world.parent.point({"_acme-challenge.cluster2": first["fulldomain"]})
    accounts = []
    for i in range(HOSTS):
        made = world.riposte.admin(
            "credential", "create", "--name", first["fulldomain"], "--label", "web%d" % i, "--as", "acme-dns"
        )
        account = json.loads(made)
        assert account["subdomain"] == first["subdomain"] and account["username"] != first["username"]
        accounts.append(account)
    check_rounds(world, tmp_path, "cluster2.example.com", accounts)


@pytest.mark.parametrize("kind", ["caps-512"])
def test_eight_hosts_when_the_resolver_takes_512_octets(world, tmp_path, kind):
    """From the eighth value on the resolver has to come back over TCP."""
    account = world.riposte.register()
    world.parent.point({"_acme-challenge.cluster3": account["fulldomain"]})
    world.use_resolver(kind)
    try:
        for i, done in enumerate(renew_together(world, tmp_path, "cluster3.example.com", [account] * HOSTS)):
            assert done.returncode == 0, "host %d:\n%s%s" % (i, done.stdout[-1500:], world.explain())
    finally:
        world.use_resolver("caps-1232")
