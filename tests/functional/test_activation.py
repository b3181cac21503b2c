"""Sockets passed by a service manager, as in sd_listen_fds(3): the test binds them and hands them over."""

import os
import pathlib
import re
import socket
import subprocess
import sys

import pytest
import requests

from conftest import BINARY, ZONE, free_port
from dnshelp import Client, a_value, query, values


def bound(kind, address, backlog=64):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    s = socket.socket(family, kind)
    if kind == socket.SOCK_STREAM:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    else:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(address)
    if kind == socket.SOCK_STREAM:
        s.listen(backlog)
    return s


def udp(address):
    return bound(socket.SOCK_DGRAM, address)


def tcp(address):
    return bound(socket.SOCK_STREAM, address)


# Puts the sockets on 3, 4, … and says whose they are, as a service manager does between fork and exec.
LAUNCH = """
import os, sys
fds = [int(n) for n in sys.argv[1].split(",")]
high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ["LISTEN_PID"] = sys.argv[2] if sys.argv[2] != "self" else str(os.getpid())
os.environ["LISTEN_FDS"] = sys.argv[3] if sys.argv[3] != "all" else str(len(fds))
os.execv(sys.argv[4], sys.argv[4:])
"""


def launch(server, sockets, names=None, listen_pid="self", listen_fds="all", output=None):
    fds = [s.fileno() if hasattr(s, "fileno") else s for s in sockets]
    env = {k: v for k, v in os.environ.items() if not k.startswith("LISTEN_")}
    if names is not None:
        env["LISTEN_FDNAMES"] = ":".join(names)
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, ",".join(map(str, fds)), listen_pid, listen_fds, BINARY, "serve", "-c", str(server.config_path)],
        pass_fds=fds, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, text=True)


def start(server, sockets, names=None, **more):
    with open(server.log_path, "ab") as log:
        server.process = launch(server, sockets, names, output=log, **more)
    server.wait_ready()
    return server


def fails(server, sockets, names=None, **more):
    process = launch(server, sockets, names, output=subprocess.PIPE, **more)
    out, err = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    return out + err


def test_sockets_for_dns_and_the_api_are_taken_over(make_riposte):
    server = make_riposte(start=False)
    sockets = [udp(server.dns_addr), tcp(server.dns_addr), tcp(server.http_addr)]
    # What comes before it runs waits in the sockets, and is answered.
    early = Client(server.dns_addr)
    early.socket.send(query(ZONE, "SOA", qid=1))
    start(server, sockets, ["riposte-dns", "riposte-dns", "riposte-api"])
    assert early.socket.recv(4096)[:2] == b"\0\1"
    assert early.tcp(query(ZONE, "SOA")).an == 1
    account = server.register()
    value = a_value()
    assert server.update(account, value).status_code == 200
    assert values(server, account["fulldomain"]) == {value}
    said = server.admin("status", check=True).stdout
    assert re.search(r"%s:%d udp\+tcp ok .*1 worker\b.*from systemd" % server.dns_addr, said), said
    server.stop()
    # They are the manager's: still open, and the next start goes on with them.
    early.socket.send(query(ZONE, "SOA", qid=2))
    start(server, sockets, ["riposte-dns", "riposte-dns", "riposte-api"])
    assert early.socket.recv(4096)[:2] == b"\0\2"
    assert values(server, account["fulldomain"]) == {value}
    server.stop()
    for s in sockets + [early]:
        s.close()


def test_names_are_not_needed(make_riposte):
    """Streams on the port of a datagram socket are for DNS, the others for the API."""
    server = make_riposte(start=False)
    sockets = [tcp(server.http_addr), tcp(server.dns_addr), udp(server.dns_addr)]
    start(server, sockets)
    client = Client(server.dns_addr)
    assert client.udp(query(ZONE, "SOA")).an == 1 and client.tcp(query(ZONE, "SOA")).an == 1
    assert requests.get(server.http_url + "/live", timeout=10).status_code == 200
    server.stop()
    for s in sockets + [client]:
        s.close()


def threads(server, name):
    tasks = pathlib.Path("/proc/%d/task" % server.process.pid).iterdir()
    return [t for t in tasks if (t / "comm").read_text().strip() == name]


def test_one_worker_for_each_datagram_socket(make_riposte):
    server = make_riposte({"dns": {"workers": 1}}, start=False)
    sockets = [udp(server.dns_addr) for _ in range(3)] + [tcp(server.dns_addr)]
    start(server, sockets, ["riposte-dns"] * 4)
    assert len(threads(server, "dns-udp")) == 3
    clients = [Client(server.dns_addr) for _ in range(24)]
    for client in clients:
        assert client.udp(query(ZONE, "SOA")).an == 1
    said = server.admin("status", check=True).stdout
    assert "3 workers" in said and said.count("udp+tcp") == 1
    server.stop()
    for s in sockets + clients:
        s.close()


def test_dns_alone_may_be_passed_and_the_api_is_bound(make_riposte):
    server = make_riposte(start=False)
    sockets = [udp(server.dns_addr), tcp(server.dns_addr)]
    start(server, sockets, ["riposte-dns", "riposte-dns"])
    assert server.register()["fulldomain"]
    server.stop()
    for s in sockets:
        s.close()


def test_the_api_alone_may_be_passed_and_dns_is_bound(make_riposte):
    server = make_riposte(start=False)
    sockets = [tcp(server.http_addr)]
    start(server, sockets, ["riposte-api"])
    account = server.register()
    assert values(server, account["fulldomain"]) == set()
    server.stop()
    sockets[0].close()


def test_a_unix_socket_for_the_api(make_riposte, tmp_path):
    path = str(tmp_path / "api.sock")
    server = make_riposte({"api": {"listen": [{"address": "unix:" + path}]}}, start=False)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    s.listen()
    start(server, [s], ["riposte-api"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as c:
        c.connect(path)
        c.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert c.recv(100).startswith(b"HTTP/1.1 200 ")
    server.stop()
    assert os.path.exists(path), "the manager's file"
    s.close()


def test_sockets_of_another_process_are_left_alone(make_riposte):
    """LISTEN_PID names somebody else: inherited by mistake."""
    server = make_riposte(start=False)
    with open(os.devnull) as harmless:
        start(server, [harmless], ["riposte-dns"], listen_pid="1")
    assert Client(server.dns_addr).udp(query(ZONE, "SOA")).an == 1
    server.stop()


# ---- what does not match is an error that says the line to add ----

def test_a_missing_address_is_told_with_the_lines_to_add(make_riposte):
    server = make_riposte(start=False)
    second = free_port()
    server.config["dns"]["listen"].append("127.0.0.1:%d" % second)
    server.write_config(server.config)
    sockets = [udp(server.dns_addr), tcp(server.dns_addr)]
    said = fails(server, sockets, ["riposte-dns", "riposte-dns"])
    assert re.search(r"^%s:\d+:\d+: dns\.listen" % re.escape(str(server.config_path)), said, re.M), said
    assert "names 127.0.0.1:%d, systemd passed %s:%d only" % (second, *server.dns_addr) in said
    assert "ListenDatagram=127.0.0.1:%d and ListenStream=127.0.0.1:%d" % (second, second) in said
    for s in sockets:
        s.close()


@pytest.mark.parametrize("make,has,directive", [(udp, "UDP", "ListenStream"), (tcp, "TCP", "ListenDatagram")], ids=["udp-only", "tcp-only"])
def test_half_of_an_address_is_told_with_the_line_to_add(make_riposte, make, has, directive):
    server = make_riposte(start=False)
    s = make(server.dns_addr)
    said = fails(server, [s], ["riposte-dns"])
    assert "for %s only" % has in said and "add %s=%s:%d to riposte-dns.socket" % (directive, *server.dns_addr) in said, said
    s.close()


def test_an_address_that_nobody_named_is_told(make_riposte):
    server = make_riposte(start=False)
    extra = ("127.0.0.1", free_port())
    sockets = [udp(server.dns_addr), tcp(server.dns_addr), udp(extra)]
    said = fails(server, sockets, ["riposte-dns"] * 3)
    assert "systemd passed %s:%d, which dns.listen does not name" % extra in said
    assert 'add "%s:%d" there, or remove ListenDatagram=%s:%d' % (*extra, *extra) in said
    for s in sockets:
        s.close()


def test_a_stream_that_the_api_does_not_name_is_told(make_riposte):
    server = make_riposte(start=False)
    extra = ("127.0.0.1", free_port())
    sockets = [udp(server.dns_addr), tcp(server.dns_addr), tcp(extra)]
    said = fails(server, sockets, ["riposte-dns", "riposte-dns", "riposte-api"])
    assert "%s:%d" % extra in said and "api.listen" in said, said
    for s in sockets:
        s.close()


@pytest.mark.parametrize("listen_fds", ["x", "-1", "3x", "", "999999999999999999999"])
def test_variables_that_cannot_be_read_are_an_error(make_riposte, listen_fds):
    server = make_riposte(start=False)
    s = udp(server.dns_addr)
    assert "LISTEN_FDS" in fails(server, [s], ["riposte-dns"], listen_fds=listen_fds)
    s.close()


def test_a_descriptor_that_is_no_socket_is_an_error(make_riposte):
    server = make_riposte(start=False)
    with open(os.devnull) as no_socket:
        said = fails(server, [no_socket], ["riposte-dns"])
    assert "descriptor 3" in said and "not a socket" in said, said


def test_passed_sockets_do_not_leak_into_children_and_variables_are_gone(make_riposte):
    server = make_riposte(start=False)
    sockets = [udp(server.dns_addr), tcp(server.dns_addr), tcp(server.http_addr)]
    start(server, sockets, ["riposte-dns", "riposte-dns", "riposte-api"])
    for fd in (3, 4, 5):
        info = pathlib.Path("/proc/%d/fdinfo/%d" % (server.process.pid, fd)).read_text()
        flags = int(re.search(r"^flags:\s*(\d+)", info, re.M).group(1), 8)
        assert flags & 0o2000000, "close-on-exec"
    server.stop()
    for s in sockets:
        s.close()
