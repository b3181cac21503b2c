"""What happens to values: the FIFO, its budget, fairness, expiry, revocation; through the acme-dns door and the command line."""

import concurrent.futures
import http.client
import json
import time

import requests

from dnshelp import a_value, ask, values

BUDGET = 64


def post_update(server, account, txt, source=None):
    connection = http.client.HTTPConnection(*server.http_addr, timeout=20, source_address=source and (source, 0))
    connection.request(
        "POST", "/update", body=json.dumps({"subdomain": account["subdomain"], "txt": txt}),
        headers={"X-Api-User": account["username"], "X-Api-Key": account["password"]},
    )
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, body


def credentials(server, name, labels):
    """One more credential for each label, as the acme-dns client stores it."""
    return [
        json.loads(server.admin("credential", "create", "--name", name, "--label", label, "--as", "acme-dns", check=True).stdout)
        for label in labels
    ]


def test_a_value_is_served_when_the_reply_arrives(riposte):
    account = riposte.register()
    for _ in range(200):
        value = a_value()
        assert riposte.update(account, value).status_code == 200
        assert value in values(riposte, account["fulldomain"])


def test_the_same_value_posted_twice_is_one_value(riposte):
    account = riposte.register()
    value = a_value()
    for _ in range(3):
        assert riposte.update(account, value).json() == {"txt": value}
    assert values(riposte, account["fulldomain"]) == {value}


def test_sixty_four_values_are_kept_and_the_oldest_goes_first(riposte):
    account = riposte.register()
    posted = [a_value() for _ in range(BUDGET + 6)]
    for value in posted:
        assert riposte.update(account, value).status_code == 200
    assert values(riposte, account["fulldomain"]) == set(posted[6:])


def test_sixty_four_posted_at_once_are_all_served(riposte):
    account = riposte.register()
    posted = [a_value() for _ in range(BUDGET)]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert set(pool.map(lambda v: riposte.update(account, v).status_code, posted)) == {200}
    assert values(riposte, account["fulldomain"]) == set(posted)


def test_stale_values_of_many_holders_give_way_to_a_new_one(make_riposte):
    """A name full of stale values of 31 holders; one holder adds 20; all 20 are served."""
    server = make_riposte({"values": {"grace": "1s"}})
    account = server.register()
    holders = credentials(server, account["fulldomain"], ["old%d" % i for i in range(31)])
    for holder in holders + holders:
        assert server.update(holder, a_value()).status_code == 200
    time.sleep(2.5)  # until they are older than the grace; a real clock: this is the whole daemon
    fresh = [a_value() for _ in range(20)]
    for value in fresh:
        assert server.update(account, value).status_code == 200
    served = values(server, account["fulldomain"])
    assert set(fresh) <= served and len(served) == BUDGET


def test_a_noisy_host_behind_a_shared_credential_evicts_only_its_own(make_riposte):
    """40 hosts behind one credential, told apart by their networks; one of them is noisy."""
    server = make_riposte()
    account = server.register()
    quiet = {}
    for i in range(1, 40):
        quiet[i] = a_value()
        assert post_update(server, account, quiet[i], source="127.0.1.%d" % i)[0] == 200
    for _ in range(100):
        last = a_value()
        assert post_update(server, account, last, source="127.0.2.1")[0] == 200
    served = values(server, account["fulldomain"])
    assert set(quiet.values()) <= served and last in served
    assert len(served) == BUDGET


def test_values_expire_and_the_name_stays(make_riposte):
    server = make_riposte({"values": {"lifetime": "2s"}})
    account = server.register()
    assert server.update(account, a_value()).status_code == 200
    assert len(values(server, account["fulldomain"])) == 1
    deadline = time.monotonic() + 15
    while values(server, account["fulldomain"]) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert values(server, account["fulldomain"]) == set()
    answer = ask(server, account["fulldomain"])
    assert answer.rcode() == 0 and [r.rdtype for r in answer.authority] == [6]


def test_an_acknowledged_revocation_stops_the_very_next_change(riposte):
    account = riposte.register()
    for i in range(20):
        (one,) = credentials(riposte, account["fulldomain"], ["leaked%d" % i])
        assert riposte.update(one, a_value()).status_code == 200
        riposte.admin("credential", "revoke", one["username"], "--yes", check=True)
        refused = riposte.update(one, a_value())
        assert refused.status_code == 401 and refused.json() == {"error": "forbidden"}
        assert refused.headers["Riposte-Refused"] == "revoked"


def test_a_retired_name_is_denied_and_not_given_again(riposte):
    account = riposte.register()
    assert riposte.update(account, a_value()).status_code == 200
    refused = riposte.admin("name", "delete", account["fulldomain"], "--yes")
    assert refused.returncode != 0 and "value" in refused.stdout + refused.stderr
    riposte.admin("value", "remove", account["fulldomain"], "--", *values(riposte, account["fulldomain"]), check=True)
    riposte.admin("name", "delete", account["fulldomain"], "--yes", check=True)
    assert values(riposte, account["fulldomain"]) is None
    again = riposte.admin("name", "create", "--account", "somebody", "--label", account["subdomain"])
    assert again.returncode in (3, 4, 5)


def test_everything_survives_a_restart(make_riposte):
    server = make_riposte()
    account = server.register(allowfrom=["127.0.0.0/8"])
    value = a_value()
    assert server.update(account, value).status_code == 200
    serial = ask(server, server.zone, "SOA").answer[0][0].serial
    server.restart()
    assert values(server, account["fulldomain"]) == {value}
    assert ask(server, server.zone, "SOA").answer[0][0].serial == serial
    assert server.update(account, a_value()).status_code == 200
    assert ask(server, server.zone, "SOA").answer[0][0].serial > serial


def test_nothing_acknowledged_is_lost_when_killed_under_load(make_riposte):
    server = make_riposte()
    accounts = [server.register() for _ in range(8)]
    acknowledged = {a["fulldomain"]: [] for a in accounts}

    def hammer(account):
        while True:
            value = a_value()
            try:
                if server.update(account, value).status_code == 200:
                    acknowledged[account["fulldomain"]].append(value)
            except requests.RequestException:
                return

    for round_ms in (300, 50, 500, 120):
        with concurrent.futures.ThreadPoolExecutor(len(accounts)) as pool:
            running = [pool.submit(hammer, a) for a in accounts]
            time.sleep(round_ms / 1000)
            server.kill()
            for r in running:
                r.result(timeout=60)
        server.start()
        for name, posted in acknowledged.items():
            # At most one that was in flight is there beyond the acknowledged ones, and it may have evicted the oldest.
            assert set(posted[-(BUDGET - 8):]) <= values(server, name)
    checked = server.admin("check", "store")
    assert checked.returncode == 0, checked.stdout + checked.stderr
