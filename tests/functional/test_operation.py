"""The daemon as an operator meets it: starting, stopping, reloading, logs, health, metrics, privileges, and what it costs
when nothing happens."""

import concurrent.futures
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

import pytest
import requests

from conftest import BINARY, ZONE, Riposte, free_port, merge
from dnshelp import CH, Client, NXDOMAIN, REFUSED, a_value, ask, frame, opt_record, option, query, read_frame, values
from metricshelp import Metrics


def metrics(server):
    reply = requests.get(server.http_url + "/metrics", timeout=10)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return Metrics(reply.text)


def serial(server, zone=None):
    return ask(server, zone or server.zone, "SOA").answer[0][0].serial


def try_to_start(config_path, env=None, timeout=30):
    """A start that is meant to fail: (status, what it said)."""
    done = subprocess.run([BINARY, "serve", "-c", str(config_path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, **(env or {})})
    return done.returncode, done.stderr


def wait_until(true, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


# ---- stopping ----

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_and_everything_acknowledged_is_there(make_riposte, number):
    server = make_riposte()
    accounts = [server.register() for _ in range(4)]
    acknowledged = {a["fulldomain"]: [] for a in accounts}
    unknown = {a["fulldomain"]: set() for a in accounts}
    stop = threading.Event()

    def hammer(account):
        while not stop.is_set():
            value = a_value()
            try:
                reply = server.update(account, value)
            except requests.RequestException:
                unknown[account["fulldomain"]].add(value)
                return
            if reply.status_code == 200:
                acknowledged[account["fulldomain"]].append(value)
            else:
                assert reply.status_code == 503, reply.text  # refused: never applied later

    with concurrent.futures.ThreadPoolExecutor(len(accounts)) as pool:
        running = [pool.submit(hammer, a) for a in accounts]
        time.sleep(0.4)
        server.process.send_signal(number)
        status = server.process.wait(timeout=20)
        stop.set()
        for r in running:
            r.result(timeout=60)
    assert status == 0, server.log_text()
    assert not os.path.exists(server.config["admin"]["socket"])
    server.start()
    assert sum(len(v) for v in acknowledged.values()) > 4
    for name, posted in acknowledged.items():
        served = values(server, name)
        assert set(posted[-60:]) <= served
        assert served <= set(posted) | unknown[name], "what was refused was applied"


def test_questions_that_were_received_are_answered_before_it_ends(make_riposte):
    server = make_riposte()
    client = Client(server.dns_addr)
    with client.connect() as s:
        sent = query(server.zone, "SOA")
        s.sendall(frame(sent))
        read_frame(s)
        s.sendall(frame(sent) * 100)
        for i in range(200):
            client.socket.send(query(server.zone, "SOA", qid=i))
        server.stop()
        for _ in range(100):
            read_frame(s)
        assert s.recv(1) == b""
    got = {int.from_bytes(client.socket.recv(4096)[:2], "big") for _ in range(200)}
    assert got == set(range(200))
    client.close()


def test_it_stops_within_seconds_with_connections_open(make_riposte):
    server = make_riposte()
    client = Client(server.dns_addr)
    idle = [client.connect() for _ in range(5)]
    slow = socket.create_connection(server.http_addr)
    slow.sendall(b"POST /update HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 10
    for s in idle + [slow]:
        s.close()
    client.close()


# ---- reloading ----

def with_zone(config, records=(), more_zones=(), **first):
    zone = dict(config["zones"][0], **first)
    zone["records"] = list(records)
    return dict(config, zones=[zone] + list(more_zones))


NEW_ZONE = {"origin": "new.example.net", "contact": "hostmaster@example.org", "name-servers": [{"name": "ns1." + ZONE}],
            "records": ["www A 203.0.113.9"]}


@pytest.fixture
def reloaded(make_riposte):
    """A server and a function that reloads it with a changed configuration."""
    server = make_riposte()
    first = server.config

    def reload(config, check=True):
        server.write_config(config)
        return server.admin("reload", check=check)

    return server, first, reload


def test_reload_adds_a_static_record_and_a_zone(reloaded):
    server, first, reload = reloaded
    account = server.register()
    value = a_value()
    assert server.update(account, value).status_code == 200
    before = serial(server)
    assert ask(server, "www." + ZONE, "A").rcode() == NXDOMAIN
    assert ask(server, "www.new.example.net", "A").rcode() == REFUSED
    reload(with_zone(first, ["www 60 A 203.0.113.8"], [NEW_ZONE]))
    # It was there when the command ended.
    assert ask(server, "www." + ZONE, "A").answer[0][0].address == "203.0.113.8"
    assert ask(server, "www.new.example.net", "A").answer[0][0].address == "203.0.113.9"
    assert serial(server) > before and serial(server, "new.example.net") > 0
    assert values(server, account["fulldomain"]) == {value}
    assert server.update(account, a_value()).status_code == 200

    now = serial(server)
    reload(server.config)
    assert serial(server) == now, "reloading the same changes nothing"
    server.restart()
    assert serial(server) == now and ask(server, "www." + ZONE, "A").answer

    reload(with_zone(first, [], []))
    assert ask(server, "www." + ZONE, "A").rcode() == NXDOMAIN
    assert ask(server, "www.new.example.net", "A").rcode() == REFUSED
    assert serial(server) > now
    reload(with_zone(first, [], [NEW_ZONE]))
    assert ask(server, "www.new.example.net", "A").answer, "a zone may come back"


def test_sighup_reloads_too(reloaded):
    server, first, _ = reloaded
    server.write_config(with_zone(first, ["www 60 A 203.0.113.8"]))
    server.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: ask(server, "www." + ZONE, "A").answer)
    assert wait_until(lambda: '"event":"reloaded"' in server.log_text())
    server.config_path.write_text("zones: [\n")
    server.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: '"event":"reload-failed"' in server.log_text())
    assert str(server.config_path) in server.log_text().split('"reload-failed"')[1]
    assert ask(server, "www." + ZONE, "A").answer and server.process.poll() is None


def test_a_bad_file_changes_nothing_and_every_error_is_shown_with_its_place(reloaded):
    server, first, reload = reloaded
    before = serial(server)
    bad = merge(with_zone(first, ["www 60 A 203.0.113.8", "bad 60 A 1.2.3.400"]), {"values": {"lifetime": "24"}, "log": {"level": "loud"}})
    done = reload(bad, check=False)
    assert done.returncode != 0
    said = done.stderr + done.stdout
    lines = server.config_path.read_text().splitlines()
    for word in ("1.2.3.400", "'24'", "loud"):
        (at,) = [i + 1 for i, line in enumerate(lines) if word in line]
        assert re.search(r"^%s:%d:\d+: " % (re.escape(str(server.config_path)), at), said, re.M), (word, said)
    assert serial(server) == before and ask(server, "www." + ZONE, "A").rcode() == NXDOMAIN
    account = server.register()
    assert server.update(account, a_value()).status_code == 200


def test_a_static_record_does_not_take_the_place_of_a_name(reloaded):
    server, first, reload = reloaded
    account = server.register()
    value = a_value()
    assert server.update(account, value).status_code == 200
    before = serial(server)
    label = account["subdomain"]
    for record in ("%s 60 A 203.0.113.8" % label, "a.%s 60 A 203.0.113.8" % label, '%s 60 TXT "mine now"' % label.upper()):
        done = reload(with_zone(first, ["www 60 A 203.0.113.8", record]), check=False)
        assert done.returncode != 0
        assert label in done.stderr and "name delete" in done.stderr, done.stderr
        assert serial(server) == before and values(server, account["fulldomain"]) == {value}
        assert ask(server, "www." + ZONE, "A").rcode() == NXDOMAIN, "all or nothing"
    server.admin("name", "delete", account["fulldomain"], "--force", "--yes", check=True)
    reload(server.config)
    assert ask(server, account["fulldomain"], "TXT").answer[0][0].strings == (b"mine now",)


def test_settings_of_dns_apply_on_reload_and_what_needs_a_restart_is_said(reloaded):
    server, first, reload = reloaded
    account = server.register()
    values_ = [a_value() for _ in range(8)]
    for value in values_:
        assert server.update(account, value).status_code == 200
    client = Client(server.dns_addr)
    done = reload(merge(first, {"dns": {"udp-size": 512, "identity": "after"}}))
    assert "restart" not in done.stdout
    small = Client(server.dns_addr, udp_size=512)
    assert wait_until(lambda: small.socket.send(query(account["fulldomain"], edns=4096)) and small.socket.recv(4096)[2] & 2, 2)
    assert small.udp(query("id.server", "TXT", CH)).texts() == [b"after"]
    done = reload(merge(with_zone(first, (), (), **{"negative-ttl": "7s"}), {"values": {"ttl": "5s"}}))
    assert client.udp(query("nothing." + ZONE)).soa[1] == 7
    assert client.udp(query(account["fulldomain"], edns=1232)).message.answer[0].ttl == 5, "also at names that were there"
    done = reload(merge(first, {"dns": {"listen": ["127.0.0.1:%d" % free_port()]}}))
    assert "restart" in done.stdout and "dns.listen" in done.stdout, done.stdout
    assert reload(server.config).stdout == done.stdout, "as long as it is so"
    assert "restart" not in reload(first).stdout
    assert client.udp(query(ZONE, "SOA")).an == 1
    client.close()
    small.close()


def test_many_reloads_and_updates_at_once(reloaded):
    server, first, reload = reloaded
    account = server.register()
    failed = []

    def update():
        for _ in range(30):
            value = a_value()
            if server.update(account, value).status_code != 200 or value not in values(server, account["fulldomain"]):
                failed.append(value)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        running = [pool.submit(update) for _ in range(2)]
        for i in range(10):
            reload(with_zone(first, ["www 60 A 203.0.113.%d" % i]))
            assert ask(server, "www." + ZONE, "A").answer[0][0].address == "203.0.113.%d" % i
        for r in running:
            r.result(timeout=60)
    assert not failed


# ---- errors at start ----

def test_a_port_in_use_names_who_holds_it(make_riposte):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        server = make_riposte(start=False)
        with socket.socket(socket.AF_INET, kind) as holder:
            holder.bind(server.dns_addr)
            if kind == socket.SOCK_STREAM:
                holder.listen()
            status, said = try_to_start(server.config_path)
        proto = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
        comm = pathlib.Path("/proc/self/comm").read_text().strip()
        assert status != 0
        assert "cannot bind %s %s:%d: address already in use" % (proto, *server.dns_addr) in said
        assert re.search(r"^%s:\d+:\d+: dns\.listen: " % re.escape(str(server.config_path)), said, re.M), said
        assert "%s:%d is held by %s" % (*server.dns_addr, comm) in said, said
        assert "not started" in said


def test_a_port_of_the_api_in_use_names_who_holds_it(make_riposte):
    port = free_port()
    server = make_riposte({"api": {"listen": [{"address": "0.0.0.0:%d" % port, "plaintext": "allow"}]}}, start=False)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.53", port))
        holder.listen()
        status, said = try_to_start(server.config_path)
    comm = pathlib.Path("/proc/self/comm").read_text().strip()
    assert status != 0
    assert "cannot bind TCP 0.0.0.0:%d: address already in use" % port in said
    assert "127.0.0.53:%d is held by %s, and 0.0.0.0 includes it" % (port, comm) in said, said
    assert re.search(r'listen: \[\{ address: "[^"]+:%d" \}' % port, said) or "none but loopback" in said, said


def test_a_wildcard_address_says_whose_single_address_is_in_the_way(make_riposte):
    port = free_port()
    server = make_riposte({"dns": {"listen": ["0.0.0.0:%d" % port]}}, start=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.53", port))
        status, said = try_to_start(server.config_path)
    assert status != 0
    assert "127.0.0.53:%d is held by" % port in said and "0.0.0.0 includes it" in said, said
    assert "own addresses instead" in said


def test_all_addresses_that_cannot_be_bound_are_told_at_once(make_riposte):
    server = make_riposte(start=False)
    second = free_port()
    server.write_config(merge(server.config, {"dns": {"listen": ["%s:%d" % server.dns_addr, "127.0.0.1:%d" % second]}}))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b, socket.socket() as c:
        a.bind(server.dns_addr)
        b.bind(("127.0.0.1", second))
        c.bind(server.http_addr)
        c.listen()
        status, said = try_to_start(server.config_path)
    assert status != 0
    for port in (server.dns_addr[1], second, server.http_addr[1]):
        assert "127.0.0.1:%d: address already in use" % port in said, said


def test_all_errors_of_the_configuration_at_once_in_order(make_riposte):
    server = make_riposte(start=False)
    config = merge(server.config, {"values": {"lifetime": "24", "max-response": 100}, "registration": {"allow": "true"}, "nonsense": {"a": 1}})
    config["zones"][0]["name-server"] = list(config["zones"][0]["name-servers"][:0])
    server.write_config(config)
    status, said = try_to_start(server.config_path)
    assert status != 0
    places = [int(l) for l in re.findall(r"^%s:(\d+):\d+: " % re.escape(str(server.config_path)), said, re.M)]
    assert places == sorted(places) and len(places) >= 5
    assert 'did you mean "name-servers"?' in said and "nonsense" in said and "max-response" in said
    assert "none, token, networks, anyone" in said and "a time needs a unit" in said
    assert "not started" in said


def test_a_second_server_on_the_same_store_does_not_start(make_riposte):
    server = make_riposte()
    second = make_riposte({"store": server.config["store"]}, start=False)
    status, said = try_to_start(second.config_path)
    assert status != 0 and server.config["store"]["path"] in said, said
    assert server.register()["fulldomain"]


def test_a_second_server_on_the_same_admin_socket_does_not_start(make_riposte):
    server = make_riposte()
    second = make_riposte({"admin": server.config["admin"]}, start=False)
    status, said = try_to_start(second.config_path)
    assert status != 0 and server.config["admin"]["socket"] in said, said
    assert server.admin("status").returncode == 0


def test_a_socket_left_by_a_killed_server_is_no_obstacle(make_riposte):
    server = make_riposte()
    server.kill()
    assert os.path.exists(server.config["admin"]["socket"])
    server.start()
    assert server.admin("status").returncode == 0


def test_a_store_that_is_no_store_is_refused_and_left_alone(make_riposte):
    server = make_riposte(start=False)
    path = pathlib.Path(server.config["store"]["path"])
    path.write_bytes(b"this is not a database\n" * 1000)
    before = path.read_bytes()
    status, said = try_to_start(server.config_path)
    assert status != 0 and str(path) in said and "not started" in said, said
    assert path.read_bytes() == before


def test_a_missing_configuration_is_said(tmp_path):
    status, said = try_to_start(tmp_path / "none.yaml")
    assert status != 0 and "none.yaml" in said and len(said.splitlines()) <= 4


# ---- logs ----

def test_json_log_lines_are_json_with_time_level_and_event(make_riposte):
    server = make_riposte({"log": {"format": "json"}})
    account = server.register()
    server.update(account, a_value())
    server.update({**account, "password": "y" * 40}, a_value())
    server.stop()
    lines = server.log_text().splitlines()
    assert lines
    events = []
    for line in lines:
        one = json.loads(line)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"])
        assert one["level"] in ("error", "warning", "info", "debug")
        assert re.fullmatch(r"[a-z][a-z0-9-]*", one["event"]), one
        events.append(one["event"])
    assert {"listening", "ready", "stopping", "stopped"} <= set(events)


def test_text_log_lines(make_riposte):
    server = make_riposte({"log": {"format": "text", "level": "info"}})
    server.stop()
    for line in server.log_text().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (error|warning|info) [a-z][a-z0-9-]*( |$)", line), line


def test_the_level_of_the_log_changes_on_reload(reloaded):
    server, first, reload = reloaded
    reload(merge(first, {"log": {"level": "error"}}))
    size = len(server.log_text())
    server.register()
    server.stop()
    assert len(server.log_text()) == size


def test_no_secret_in_any_log_line_or_metric(make_riposte):
    """At level debug, with every kind of request that carries one, right and wrong."""
    server = make_riposte()
    account = server.register()
    secrets = [account["password"]]
    value = a_value()
    assert server.update(account, value).status_code == 200
    wrong = "wrong" + "z" * 35
    secrets.append(wrong)
    assert server.update({**account, "password": wrong}, a_value()).status_code == 401
    assert server.update({**account, "password": "$2a$10$" + "q" * 53}, a_value()).status_code == 401
    secrets.append("q" * 53)
    requests.post(server.http_url + "/update", data=b"{" + account["password"].encode() + b"\r\n\0", headers={
        "X-Api-User": account["username"], "X-Api-Key": account["password"], "Authorization": "Basic c2VjcmV0OnNlY3JldA=="}, timeout=10)
    secrets.append("c2VjcmV0OnNlY3JldA")
    # the credential in the wrong places
    requests.post(server.http_url + "/update?key=" + account["password"], timeout=10)
    requests.get(server.http_url + "/" + account["password"], headers={"X-Forwarded-For": account["password"]}, timeout=10)
    server.admin("account", "create", "team", check=True)
    made = server.admin("token", "create", "--account", "team", check=True)
    token = re.search(r"[A-Za-z0-9_-]{24,}", made.stdout).group(0)
    secrets.append(token.split("_", 1)[-1][-20:])
    assert requests.post(server.http_url + "/r/%s/register" % token, timeout=10).status_code == 201
    requests.post(server.http_url + "/r/%sx/register" % token[:-1], timeout=10)
    secrets.append(token[:-1][-20:])
    created = json.loads(server.admin("credential", "create", "--name", account["fulldomain"], "--label", "web1", "--as", "acme-dns", check=True).stdout)
    secrets.append(created["password"])
    assert server.update({**account, **created}, a_value()).status_code == 200
    rotated = server.admin("credential", "rotate", created["username"], "--as", "acme-dns", check=True).stdout
    secrets.append(json.loads(rotated)["password"])
    text = requests.get(server.http_url + "/metrics", timeout=10).text
    text += server.admin("refusals", check=True).stdout + server.admin("status", check=True).stdout
    server.stop()
    log = server.log_text()
    for secret in secrets:
        assert secret not in log and secret not in text, secret
    for known in (account["fulldomain"], account["username"], value, "127.0.0.1:%d" % server.http_addr[1]):
        assert known not in text.split("# ")[1], "labels of metrics are few and fixed"


# ---- health and metrics ----

def test_live_and_health(riposte):
    for path in ("/live", "/health"):
        reply = requests.get(riposte.http_url + path, timeout=10)
        assert reply.status_code == 200 and reply.content == b""


def test_an_address_serves_what_it_is_told_to(make_riposte):
    port = free_port()
    server = make_riposte(start=False)
    server.write_config(merge(server.config, {"api": {"listen": [
        {"address": "%s:%d" % server.http_addr, "serves": ["acme-dns"]}, {"address": "127.0.0.1:%d" % port, "serves": ["metrics"]}]}}))
    server.start()
    assert requests.get(server.http_url + "/metrics", timeout=10).status_code == 404
    assert requests.get(server.http_url + "/live", timeout=10).status_code == 404
    assert requests.get(server.http_url + "/health", timeout=10).status_code == 200, "it is part of the acme-dns API"
    assert requests.get("http://127.0.0.1:%d/metrics" % port, timeout=10).status_code == 200
    assert requests.post("http://127.0.0.1:%d/register" % port, timeout=10).status_code == 404


def test_counters_move_with_what_is_asked(riposte):
    client = Client(riposte.dns_addr)
    account = riposte.register()
    before = metrics(riposte)
    for _ in range(5):
        client.udp(query(account["fulldomain"], "TXT"))
        client.udp(query("nothing." + ZONE, "CAA"))
    for _ in range(3):
        client.tcp(query(ZONE, "SOA"))
    client.udp(query("example.com", "A"))
    client.udp(query(ZONE, "SOA", opcode=4))
    client.udp_silence(query(ZONE, "SOA", flags=0x8000), then=query(ZONE, "SOA", edns=opt_record(version=1)))
    riposte.update(account, a_value())
    after = metrics(riposte)

    def moved(name, **labels):
        return after.value(name, **labels) - before.value(name, **labels)

    queries, responses = "riposte_dns_queries_total", "riposte_dns_responses_total"
    assert moved(queries, transport="udp", type="TXT") == 5
    assert moved(queries, transport="udp", type="CAA") == 5
    assert moved(queries, transport="udp", type="A") == 1
    assert moved(queries, transport="tcp", type="SOA") == 3
    assert moved(responses, transport="udp", rcode="NOERROR") == 5
    assert moved(responses, transport="udp", rcode="NXDOMAIN") == 5
    assert moved(responses, transport="udp", rcode="REFUSED") == 1
    assert moved(responses, transport="udp", rcode="NOTIMP") == 1
    assert moved(responses, transport="udp", rcode="BADVERS") == 1
    assert moved(responses, transport="tcp", rcode="NOERROR") == 3
    assert moved("riposte_dns_dropped_total") == 1
    assert moved("riposte_dns_tcp_connections_total") == 3
    assert moved("riposte_http_requests_total", route="update", code="200") == 1
    assert moved("riposte_changes_total", outcome="done") == 1
    assert moved("riposte_values") == 1
    client.close()


def test_the_metrics_that_operators_watch_are_there(riposte):
    riposte.register()
    have = metrics(riposte)
    for name in ("riposte_build_info", "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes",
                 "riposte_dns_truncated_total", "riposte_dns_tcp_open", "riposte_names", "riposte_store_ok", "riposte_http_requests_total"):
        assert name in have.kinds, name
    assert have.value("riposte_store_ok") == 1 and have.value("riposte_build_info") == 1
    assert abs(have.value("process_start_time_seconds") - time.time()) < 600


def test_status_tells_what_runs(riposte):
    done = riposte.admin("status", check=True)
    assert re.search(r"^riposte \d+\.\d+\.\d+, up \d+ s", done.stdout)
    assert "zone      %s  serial %d" % (ZONE, serial(riposte)) in done.stdout
    assert "%s:%d udp+tcp ok" % riposte.dns_addr in done.stdout
    assert "%s:%d http ok" % riposte.http_addr in done.stdout
    assert riposte.config["store"]["path"] in done.stdout
    server = riposte.admin_json("status")
    assert server["zones"][0]["origin"].rstrip(".") == ZONE


# ---- the service manager's notifications: sd_notify(3) ----

@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_the_service_manager_is_told(make_riposte, tmp_path, abstract):
    server = make_riposte(start=False)
    path = "\0riposte-test-%d" % os.getpid() if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(20)
        server.start(env={"NOTIFY_SOCKET": path.replace("\0", "@")})
        assert s.recv(4096).decode().split("\n")[0] == "READY=1"
        assert server.update(server.register(), a_value()).status_code == 200, "ready means that it answers"
        server.process.send_signal(signal.SIGHUP)
        told = dict(line.split("=", 1) for line in s.recv(4096).decode().splitlines())
        assert told["RELOADING"] == "1"
        assert abs(int(told["MONOTONIC_USEC"]) / 1e6 - time.clock_gettime(time.CLOCK_MONOTONIC)) < 5
        assert s.recv(4096).decode().split("\n")[0] == "READY=1"
        server.stop()
        assert s.recv(4096).decode().split("\n")[0] == "STOPPING=1"


def test_a_failed_start_is_never_ready(make_riposte, tmp_path):
    server = make_riposte(start=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        s.bind(str(tmp_path / "notify"))
        s.setblocking(False)
        holder.bind(server.dns_addr)
        status, _ = try_to_start(server.config_path, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert status != 0
        with pytest.raises(BlockingIOError):
            while True:
                assert b"READY" not in s.recv(4096)


# ---- privileges and files ----

def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines() if ":\t" in line)


@pytest.fixture
def open_folder():
    """A folder that other users can look into, which pytest's own are not."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="riposte-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_started_by_root_it_becomes_its_user_and_keeps_no_capability(open_folder):
    user = pwd.getpwnam("nobody")
    server = Riposte(open_folder, {"user": "nobody", "store": {"path": str(open_folder / "lib" / "riposte.db")},
                                   "admin": {"socket": str(open_folder / "run" / "admin.sock")}})
    server.config_path.chmod(0o644)
    server.start()
    try:
        for task in pathlib.Path("/proc/%d/task" % server.process.pid).iterdir():
            status = status_of(int(task.name))
            assert set(status["Uid"].split()) == {str(user.pw_uid)}
            assert set(status["Gid"].split()) == {str(user.pw_gid)}
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(status[kind], 16) == 0, kind
            assert status["NoNewPrivs"].strip() == "1"
            assert "0" not in status["Groups"].split()
        account = server.register()
        value = a_value()
        assert server.update(account, value).status_code == 200
        assert values(server, account["fulldomain"]) == {value}
        assert server.admin("status").returncode == 0, "root may use the admin socket"
        for path in (open_folder / "lib").iterdir():
            assert path.stat().st_uid == user.pw_uid and stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE((open_folder / "lib").stat().st_mode) == 0o700
        server.write_config(with_zone(server.config, ["www 60 A 203.0.113.8"]))
        server.config_path.chmod(0o644)
        server.admin("reload", check=True)
        server.restart()
        assert values(server, account["fulldomain"]) == {value}
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unknown_user_is_an_error_that_says_what_to_do(make_riposte):
    server = make_riposte({"user": "no-such-user-here"}, start=False)
    status, said = try_to_start(server.config_path)
    assert status != 0 and "no-such-user-here" in said and "adduser" in said


def test_files_of_the_store_are_for_the_server_alone(make_riposte):
    """Whatever the umask: secrets are hashed there, but names and addresses are nobody's business."""
    before = os.umask(0)
    try:
        server = make_riposte()
    finally:
        os.umask(before)
    assert server.update(server.register(), a_value()).status_code == 200
    made = [p for p in server.folder.iterdir() if p.name.startswith("riposte.db")]
    assert len(made) >= 1
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(os.stat(server.config["admin"]["socket"]).st_mode) in (0o600, 0o660)


# ---- what it costs ----

def switches(pid):
    return sum(int(status_of(int(task.name))["voluntary_ctxt_switches"]) for task in pathlib.Path("/proc/%d/task" % pid).iterdir())


def test_an_idle_server_sleeps(make_riposte):
    server = make_riposte({"dns": {"workers": 4}})
    assert server.update(server.register(), a_value()).status_code == 200
    time.sleep(1)
    before = switches(server.process.pid)
    time.sleep(3)
    woken = switches(server.process.pid) - before
    assert woken <= 15, "woken %d times in 3 s" % woken


def resident(pid):
    return int(status_of(pid)["VmRSS"].split()[0])


def ask_many(client, n, make):
    """With 16 on the way, as several resolvers would."""
    window = 16
    for i in range(n):
        client.socket.send(make(i))
        if i >= window - 1:
            client.socket.recv(4096)
    for _ in range(min(window - 1, n)):
        client.socket.recv(4096)


def test_memory_does_not_grow_with_questions(make_riposte):
    server = make_riposte()
    account = server.register()
    for _ in range(64):
        assert server.update(account, a_value()).status_code == 200
    client = Client(server.dns_addr)
    asked = [query(account["fulldomain"], edns=1232), query(account["fulldomain"], "CAA"), query("example.com", "A"),
             query(account["fulldomain"], edns=opt_record(options=option(3))), query("x", opcode=4), query("version.bind", "TXT", CH)]

    def make(i):
        return query("n%d.%s" % (i, ZONE), "A") if i % 2 else asked[i // 2 % len(asked)]

    def over_tcp(n):
        sent = frame(asked[0])
        for _ in range(n // 100):
            with client.connect() as s:
                s.sendall(sent * 100)
                for _ in range(100):
                    read_frame(s)

    ask_many(client, 3000, make)
    over_tcp(1000)
    before = resident(server.process.pid)
    ask_many(client, 20000, make)
    over_tcp(2000)
    grown = resident(server.process.pid) - before
    assert grown < 1024, "%d KiB more after 22,000 questions" % grown
    client.close()


# ---- a disk that fails ----

@pytest.fixture
def small_disk(open_folder):
    """A file system of 2 MiB, to be filled."""
    path = open_folder / "disk"
    path.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(path)], capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_dns_goes_on_from_memory_when_the_disk_is_full(make_riposte, small_disk):
    """Contract 2.3 point 4: never NXDOMAIN and never 401 because of the disk."""
    server = make_riposte({"store": {"path": str(small_disk / "riposte.db")}, "api": {"commit-timeout": "1s"}, "limits": {"free-space": "0"}})
    account = server.register()
    kept = [a_value() for _ in range(3)]
    for value in kept:
        assert server.update(account, value).status_code == 200
    empty = server.register()
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass
    failed = None
    for _ in range(300):  # until the room inside of the database's own files is used up
        value = a_value()
        reply = server.update(account, value)
        if reply.status_code != 200:
            failed = reply
            break
        kept.append(value)
    assert failed is not None and failed.status_code == 503 and failed.json() == {"error": "db_error"}
    assert values(server, account["fulldomain"]) == set(kept[-64:])
    assert values(server, empty["fulldomain"]) == set()
    assert requests.post(server.http_url + "/register", timeout=20).status_code == 503
    assert requests.get(server.http_url + "/health", timeout=10).status_code == 503
    assert requests.get(server.http_url + "/live", timeout=10).status_code == 200
    assert metrics(server).value("riposte_store_ok") == 0
    assert server.update({**account, "password": "w" * 40}, a_value()).status_code in (401, 503)
    status = server.admin("status")
    assert status.returncode == 0 and "FAILS" in status.stdout

    filler.unlink()
    after = a_value()
    assert wait_until(lambda: server.update(account, after).status_code == 200, 20)
    assert after in values(server, account["fulldomain"])
    assert value not in values(server, account["fulldomain"]), "what was refused is not applied later"
    assert wait_until(lambda: requests.get(server.http_url + "/health", timeout=10).status_code == 200)
    server.restart()
    assert values(server, account["fulldomain"]) == set((kept + [after])[-64:])
