"""Where questions may come to, and what a configuration makes of the answers: wildcard addresses, IPv6, several
listeners, identity, sizes."""

import socket

import pytest

from conftest import free_port
from dnshelp import AA, CH, Client, NOERROR, REFUSED, TC, a_value, opt_record, option, query


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


def test_replies_leave_from_the_address_that_was_asked(make_riposte):
    """A connected socket takes datagrams from its peer only."""
    port = free_port()
    listen = ["0.0.0.0:%d" % port] + (["[::]:%d" % port] if has_ipv6() else [])
    server = make_riposte({"dns": {"listen": listen, "workers": 2}})
    for address in ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.255.0.9"] + (["::1"] if has_ipv6() else []):
        client = Client((address, port))
        for _ in range(10):
            assert client.udp(query(server.zone, "SOA")).an == 1
        assert client.tcp(query(server.zone, "SOA")).an == 1
        client.close()


@needs_ipv6
def test_several_addresses_of_both_families_answer_alike(make_riposte):
    ports = [free_port() for _ in range(3)]
    listen = ["127.0.0.1:%d" % ports[0], "127.0.0.2:%d" % ports[1], "[::1]:%d" % ports[2]]
    server = make_riposte({"dns": {"listen": listen}})
    account = server.register()
    value = a_value()
    for address, port in (("127.0.0.1", ports[0]), ("127.0.0.2", ports[1]), ("::1", ports[2])):
        client = Client((address, port))
        assert client.udp(query(account["fulldomain"])).is_nodata()
        client.close()
    assert server.update(account, value).status_code == 200
    for address, port in (("127.0.0.1", ports[0]), ("127.0.0.2", ports[1]), ("::1", ports[2])):
        client = Client((address, port))
        for tcp in (False, True):
            assert client.ask(query(account["fulldomain"]), tcp).texts() == [value.encode()]
        client.close()


@pytest.mark.parametrize("workers", [1, 4])
def test_every_worker_answers_with_what_was_acknowledged(make_riposte, workers):
    """SO_REUSEPORT spreads questions by their source port: none of them may be behind."""
    server = make_riposte({"dns": {"workers": workers}})
    account = server.register()
    clients = [Client(server.dns_addr) for _ in range(16)]
    for i in range(1, 31):
        value = a_value()
        assert server.update(account, value).status_code == 200
        for client in clients:
            reply = client.udp(query(account["fulldomain"], edns=1232))
            assert value.encode() in reply.texts() or (reply.has(TC) and i > 20)
    for client in clients:
        client.close()


def test_identity_is_told_when_configured(make_riposte):
    server = make_riposte({"dns": {"identity": "site-A.7"}})
    client = Client(server.dns_addr)
    for name in ("id.server", "hostname.bind", "ID.Server"):
        for qtype in ("TXT", "ANY"):
            for tcp in (False, True):
                reply = client.ask(query(name, qtype, CH, edns=1232), tcp)
                assert reply.rcode == NOERROR and reply.texts() == [b"site-A.7"]
                (rrset,) = reply.message.answer
                assert rrset.rdclass == CH and rrset.ttl == 0
        assert client.udp(query(name, "A", CH)).rcode == REFUSED
    for name in ("version.bind", "version.server"):
        assert client.udp(query(name, "TXT", CH)).rcode == REFUSED
    for asked in (option(3), option(3, b"ignored")):
        for name in (server.zone, "nothing." + server.zone, "example.com"):
            reply = client.udp(query(name, "SOA", edns=opt_record(options=asked)))
            assert bytes(reply.options[3].data) == b"site-A.7" and len(reply.options) <= 2
    assert 3 not in client.udp(query(server.zone, "SOA", edns=1232)).options, "only who asks is told"
    client.close()


@pytest.mark.parametrize("size,fits", [(512, 7), (1232, 20), (4096, 64)])
def test_the_udp_size_is_announced_and_kept(make_riposte, size, fits):
    server = make_riposte({"dns": {"udp-size": size}})
    account = server.register()
    client = Client(server.dns_addr, udp_size=size)
    values = [a_value() for _ in range(64)]
    for at in range(fits):
        assert server.update(account, values[at]).status_code == 200
    reply = client.udp(query(account["fulldomain"], edns=65535))
    assert reply.an == fits and reply.message.payload == size and not reply.has(TC)
    if fits < 64:
        assert server.update(account, values[-1]).status_code == 200
        assert client.udp(query(account["fulldomain"], edns=65535)).has(TC)
    client.close()


def test_glue_is_left_out_silently_when_it_does_not_fit(make_riposte):
    """RFC 2181 section 9: TC is for what is required."""
    from conftest import ZONE

    servers = [{"name": "%s%02d.%s" % ("n" * 40, i, ZONE), "addresses": ["203.0.113.%d" % i, "2001:db8::%x" % i]} for i in range(1, 7)]
    server = make_riposte({"zones": [{"origin": ZONE, "contact": "hostmaster@example.org", "name-servers": servers}]})
    client = Client(server.dns_addr)
    reply = client.udp(query(ZONE, "NS"))
    assert reply.an == 6 and not reply.has(TC) and reply.has(AA) and reply.ar == 0
    whole = client.udp(query(ZONE, "NS", edns=1232))
    assert whole.an == 6 and len(whole.additional) in (0, 12)
    assert len(client.tcp(query(ZONE, "NS")).additional) == 12
    client.close()
