"""The client's address behind proxies, and the warning about one that was forgotten."""

import pytest
from rawhttp import exchange, request

VALUE = "v" * 43


def update(server, account, *headers):
    body = ('{"subdomain":"%s","txt":"%s"}' % (account["subdomain"], VALUE)).encode()
    credential = ("X-Api-User: " + account["username"], "X-Api-Key: " + account["password"])
    return exchange(server.http_addr, request("POST", "/update", credential + headers, body))


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    from conftest import Riposte

    server = Riposte(
        tmp_path_factory.mktemp("proxy"), {"api": {"trusted-proxies": ["127.0.0.0/8", "10.0.0.0/8"]}}
    ).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def account(behind):
    return behind.register(allowfrom=["198.51.100.0/24"])


@pytest.mark.parametrize(
    "headers,status",
    [
        (("X-Forwarded-For: 198.51.100.7",), 200),
        (("x-forwarded-for: 198.51.100.7, 10.1.2.3",), 200),
        (("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 198.51.100.7"), 200),
        (("X-Forwarded-For: 192.0.2.1, 198.51.100.7:4711",), 200),
        (("X-Forwarded-For: 198.51.100.7, 192.0.2.1",), 401),  # what the client itself claims does not count
        (("X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 192.0.2.1"), 401),
        (("X-Forwarded-For: 198.51.100.7, unknown",), 401),
        (("X-Forwarded-For: ",), 401),
        ((), 401),
    ],
)
def test_the_right_most_untrusted_address_counts(behind, account, headers, status):
    reply = update(behind, account, *headers)
    assert reply.status == status
    if status == 401:
        assert reply.header("Riposte-Refused") == "network"


def test_an_untrusted_peer_is_the_client_whatever_it_claims(riposte):
    account = riposte.register(allowfrom=["198.51.100.0/24"])
    assert update(riposte, account, "X-Forwarded-For: 198.51.100.7").status == 401
    account = riposte.register(allowfrom=["127.0.0.0/8"])
    assert update(riposte, account, "X-Forwarded-For: 198.51.100.7").status == 200


def test_a_forgotten_proxy_is_warned_about_once(make_riposte):
    server = make_riposte()
    for _ in range(5):
        exchange(server.http_addr, request("GET", "/health", ("X-Forwarded-For: 198.51.100.7",)))
    text = (
        "1 request came through 127.0.0.1 with X-Forwarded-For, but 127.0.0.1/32 is not in api.trusted-proxies: networks "
        "of credentials are compared with 127.0.0.1, and registration by network is refused for them"
    )
    assert server.log_text().count(text) == 1


def test_trusted_proxies_are_reloaded(make_riposte):
    server = make_riposte()
    account = server.register(allowfrom=["198.51.100.0/24"])
    assert update(server, account, "X-Forwarded-For: 198.51.100.7").status == 401
    server.config["api"]["trusted-proxies"] = ["127.0.0.1/32"]
    server.write_config(server.config)
    server.admin("reload", check=True)
    assert update(server, account, "X-Forwarded-For: 198.51.100.7").status == 200
