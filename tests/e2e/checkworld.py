"""An internet for `riposte check`, where everything can be made wrong on purpose. Its addresses look public (RFC 5737), since a check on
behalf of others asks no private ones; they are put on the namespace's loopback interface:

    198.51.100.2, .3    nsd, twice, for the root, org, com, example.org and example.com; each may have records of its own
    198.51.100.10       riposte, for auth.example.org
    198.51.100.11, .12  whatever a test puts there
    198.51.100.53, .54  unbound; the second one validates

The root, org and example.org are signed; com and example.com are not."""

import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.rcode
import requests
import yaml

from world import BINARY, Program, accepts_tcp

PARENTS = ("198.51.100.2", "198.51.100.3")
OWN, SPARE, SPARE_2 = "198.51.100.10", "198.51.100.11", "198.51.100.12"
RESOLVER, VALIDATOR = "198.51.100.53", "198.51.100.54"
ZONE = "auth.example.org"
API = "http://127.0.0.1:18053"
SIGNED = (".", "org.", "example.org.")


def add_addresses():
    for address in (*PARENTS, OWN, SPARE, SPARE_2, RESOLVER, VALIDATOR):
        subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=False, capture_output=True)


class Zones:
    """The zones of one parent server: {origin: [records]}, the default ones and what a test changes."""

    def __init__(self):
        ns = ["parent.test. NS ns1.parent.test.", "parent.test. NS ns2.parent.test.",
              "ns1.parent.test. A " + PARENTS[0], "ns2.parent.test. A " + PARENTS[1]]
        self.records = {
            ".": ["org. NS ns1.parent.test.", "org. NS ns2.parent.test.", "com. NS ns1.parent.test.", "com. NS ns2.parent.test.",
                  "test. NS ns1.parent.test.", "test. NS ns2.parent.test.", *ns[2:]],
            "test.": ns,
            "parent.test.": ns[2:],
            "org.": ["example.org. NS ns1.parent.test.", "example.org. NS ns2.parent.test."],
            "com.": ["example.com. NS ns1.parent.test.", "example.com. NS ns2.parent.test."],
            "example.org.": ["auth.example.org. NS ns1.auth.example.org.", "ns1.auth.example.org. A " + OWN],
            "example.com.": [],
        }

    def add(self, origin, *records):
        self.records[origin] += records

    def replace(self, origin, old, *new):
        assert any(old in r for r in self.records[origin])
        self.records[origin] = [r for r in self.records[origin] if old not in r] + list(new)


class Keys:
    def __init__(self, folder):
        self.folder = folder
        self.names = {}
        for origin in SIGNED:
            done = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", origin], cwd=folder, check=True, capture_output=True, text=True)
            self.names[origin] = done.stdout.strip()

    def ds(self, origin, broken=False):
        fields = (self.folder / (self.names[origin] + ".ds")).read_text().split()
        if broken:
            fields[-1] = "0" * len(fields[-1])
        return " ".join(fields)

    def sign(self, origin, path):
        subprocess.run(["ldns-signzone", "-o", origin, "-f", str(path) + ".signed", str(path), str(self.folder / self.names[origin])],
                       check=True, capture_output=True)
        return str(path) + ".signed"


class Nsd:
    def __init__(self, folder, addr, keys):
        self.folder, self.addr, self.keys = folder / ("nsd-" + addr), addr, keys
        self.folder.mkdir()
        self.program = None

    def start(self, zones, broken_dnssec):
        lines = ["server:", "  ip-address: %s@53" % self.addr, '  username: ""', '  chroot: ""', '  zonesdir: "%s"' % self.folder,
                 '  pidfile: "%s/pid"' % self.folder, '  database: ""', '  xfrdfile: "%s/xfrd"' % self.folder,
                 '  zonelistfile: "%s/zonelist"' % self.folder, '  xfrdir: "%s"' % self.folder, "  server-count: 1",
                 "remote-control:", "  control-enable: no"]
        for i, (origin, records) in enumerate(zones.records.items()):
            path = self.folder / ("zone%d" % i)
            records = list(records)
            if origin == ".":
                records.append(self.keys.ds("org."))
            if origin == "org.":
                records.append(self.keys.ds("example.org.", broken_dnssec))
            head = "$ORIGIN %s\n$TTL 300\n@ SOA ns1.parent.test. hostmaster.parent.test. %d 7200 3600 1209600 5\n@ NS ns1.parent.test.\n@ NS ns2.parent.test.\n"
            path.write_text(head % (origin, int(time.time())) + "".join(r + "\n" for r in records))
            path = self.keys.sign(origin, path) if origin in SIGNED else path
            lines += ["zone:", "  name: " + origin, '  zonefile: "%s"' % path]
        (self.folder / "nsd.conf").write_text("\n".join(lines) + "\n")
        self.program = Program(self.folder, "nsd", ["/usr/sbin/nsd", "-d", "-c", self.folder / "nsd.conf"], ready=lambda: accepts_tcp(self.addr, 53))

    def stop(self):
        if self.program is not None:
            self.program.stop()
            self.program = None


class Unbound:
    """Without a cache, so that the next test starts anew."""

    def __init__(self, folder, addr, anchor=None):
        folder = folder / ("unbound-" + addr)
        folder.mkdir(exist_ok=True)
        (folder / "root.hints").write_text(". 3600 NS ns1.parent.test.\nns1.parent.test. 3600 A %s\n" % PARENTS[0])
        settings = {
            "interface": addr + "@53", "access-control": "0.0.0.0/0 allow", "do-not-query-localhost": "no", "do-ip6": "no",
            "do-daemonize": "no", "use-syslog": "no", "username": '""', "chroot": '""', "directory": '"%s"' % folder,
            "pidfile": '"%s/pid"' % folder, "root-hints": '"%s/root.hints"' % folder, "cache-max-ttl": "0", "cache-max-negative-ttl": "0",
            "local-zone": '"test." nodefault', "num-threads": "1", "outgoing-interface": addr, "use-caps-for-id": "yes",
            "infra-host-ttl": "0", "module-config": '"validator iterator"' if anchor else '"iterator"',
        }
        if anchor:
            settings["trust-anchor"] = '"%s"' % anchor
        (folder / "unbound.conf").write_text("server:\n" + "".join("  %s: %s\n" % kv for kv in settings.items()) + "remote-control:\n  control-enable: no\n")
        self.program = Program(folder, "unbound", ["/usr/sbin/unbound", "-d", "-c", folder / "unbound.conf"], ready=lambda: accepts_tcp(addr, 53))

    def stop(self):
        self.program.stop()


class Answerer:
    """A name server in a few lines, over UDP and, if wanted, TCP: answer(query) gives a message, or None for silence."""

    def __init__(self, addr, answer, tcp=True):
        self.answer = answer
        self.peers = set()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((addr, 53))
        self.sockets = [self.udp]
        threading.Thread(target=self.serve_udp, daemon=True).start()
        if tcp:
            self.tcp = socket.create_server((addr, 53))
            self.sockets.append(self.tcp)
            threading.Thread(target=self.serve_tcp, daemon=True).start()

    def serve_udp(self):
        while True:
            try:
                data, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            reply = self.answer(dns.message.from_wire(data)) if data else None
            if reply is not None:
                self.peers.add(peer[0])
                self.udp.sendto(reply.to_wire(), peer)

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection:
                size = int.from_bytes(connection.recv(2), "big")
                reply = self.answer(dns.message.from_wire(connection.recv(size)))
                if reply is not None:
                    wire = reply.to_wire()
                    connection.sendall(len(wire).to_bytes(2, "big") + wire)

    def stop(self):
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


def relay_to(address):
    """Everything as another server says it."""
    return lambda query: dns.query.udp(query, address, timeout=2)


class CheckWorld:
    def __init__(self, folder):
        add_addresses()
        self.folder = pathlib.Path(folder)
        self.parts = []
        try:
            self.keys = Keys(self.folder)
            self.nsd = [Nsd(self.folder, addr, self.keys) for addr in PARENTS]
            self.parts += self.nsd
            self.resolvers = []
            self.reset()
            self.config_path = self.folder / "riposte.yaml"
            self.write_config(self.config_path)
            self.riposte = self.start_riposte()
            self.parts.append(self.riposte)
        except BaseException:
            self.stop()
            raise

    # ---- the parents ----

    def reset(self):
        self.zones = [Zones(), Zones()]
        self.broken_dnssec = False
        self.apply()
        self.forget()  # what they heard of a server that a test put somewhere

    def forget(self):
        """The resolvers begin anew: Unbound keeps some things for a second whatever it is told, such as validated keys."""
        for resolver in self.resolvers:
            resolver.stop()
        self.resolvers = [Unbound(self.folder, RESOLVER), Unbound(self.folder, VALIDATOR, self.keys.ds("."))]

    def apply(self):
        """Both parents serve self.zones from now on."""
        for server in self.nsd:
            server.stop()
        for server, zones in zip(self.nsd, self.zones):
            server.start(zones, self.broken_dnssec)

    def add(self, origin, *records):
        for zones in self.zones:
            zones.add(origin, *records)

    def replace(self, origin, old, *new):
        for zones in self.zones:
            zones.replace(origin, old, *new)

    # ---- riposte ----

    def write_config(self, path, name_servers=None, resolvers=(RESOLVER,), zones=(ZONE,), **more):
        config = {
            "zones": [{"origin": z, "contact": "hostmaster@example.org",
                       "name-servers": name_servers or [{"name": "ns1." + z, "addresses": [OWN]}]} for z in zones],
            "dns": {"listen": [OWN + ":53"]},
            "api": {"listen": [{"address": API.removeprefix("http://")}]},
            "store": {"path": str(self.folder / "store" / "riposte.db")},
            "admin": {"socket": str(self.folder / "admin.sock")},
            "user": "",
            "log": {"format": "text"},
            "check": {"resolvers": list(resolvers)},
            **more,
        }
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return path

    def start_riposte(self):
        return Program(self.folder, "riposte", [BINARY, "serve", "-c", self.config_path],
                       ready=lambda: requests.get(API + "/health", timeout=2).status_code == 200)

    def run(self, *args, config=None, seconds=90):
        return subprocess.run([BINARY, *args, "-c", str(config or self.config_path)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=seconds, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})

    def admin(self, *args):
        done = self.run("--json", *args)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def stop(self):
        for part in [*reversed(self.parts), *self.resolvers]:
            part.stop()
        self.parts.clear()
