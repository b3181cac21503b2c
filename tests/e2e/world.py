"""A small internet on loopback, made of Debian's real programs, in a network namespace of its own:

    127.0.0.2:53    nsd, for the root, org, com, example.org (holds the delegation) and example.com (holds the CNAMEs)
    127.0.0.10:53   riposte, for auth.example.org
    127.0.0.53:53   unbound, the certificate authority's resolver; it starts at the root
    127.0.0.1:14000 pebble, the certificate authority
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import requests
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("RIPOSTE", str(ROOT / "build" / "release" / "riposte"))
ZONE = "auth.example.org"
PARENT_ADDR, RIPOSTE_ADDR, RESOLVER_ADDR = "127.0.0.2", "127.0.0.10", "127.0.0.53"
ACME_PORT = 14000
API_URL = "http://127.0.0.10:8053"


def wait_for(what, ready, seconds=20, process=None):
    """Ask ready() until it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise RuntimeError("%s ended with %d" % (what, process.returncode))
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("%s is not ready after %d s" % (what, seconds))


def accepts_tcp(host, port):
    with socket.create_connection((host, port), timeout=1):
        return True


class Program:
    """A program that runs in the foreground, with its output in a file."""

    def __init__(self, folder, name, args, env=None, ready=None):
        self.name = name
        self.log_path = folder / (name + ".log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(a) for a in args], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})}
            )
        if ready is not None:
            try:
                wait_for(name, ready, process=self.process)
            except RuntimeError as e:
                self.stop()
                raise RuntimeError("%s:\n%s" % (e, self.log_text()[-4000:])) from None

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Parent:
    """nsd with the zones above us: it holds only the delegations and the CNAMEs."""

    def __init__(self, folder, addr=PARENT_ADDR, name_servers=(RIPOSTE_ADDR,)):
        self.folder = folder / "nsd"
        self.folder.mkdir()
        self.addr = addr
        self.name_servers = name_servers
        self.cnames = {}
        self.delegated = set()
        self.program = None
        self.write()

    def zone(self, origin, records):
        head = "$ORIGIN %s\n$TTL 300\n@ SOA ns.parent.test. hostmaster.parent.test. %d 7200 3600 1209600 5\n@ NS ns.parent.test.\n"
        return head % (origin, int(time.time())) + "".join(r + "\n" for r in records)

    def write(self):
        ns = "ns.parent.test. A " + self.addr
        zones = {
            ".": ["org. NS ns.parent.test.", "com. NS ns.parent.test.", "test. NS ns.parent.test.", ns],
            "test.": ["parent NS ns.parent.test.", ns],
            "parent.test.": ["ns A " + self.addr],
            "org.": ["example NS ns.parent.test."],
            "com.": ["example NS ns.parent.test."],
            "example.org.": [
                '@ CAA 0 issue "pebble.test"',
                "@ MX 10 mail",
                "@ A " + self.addr,
                "mail A " + self.addr,
                *["auth NS ns%d.auth\nns%d.auth A %s" % (i, i, a) for i, a in enumerate(self.name_servers, 1)],
            ],
            "example.com.": [
                *["%s CNAME %s." % (name, target) for name, target in sorted(self.cnames.items())],
                *["%s NS ns%d.%s." % (name, i, ZONE) for name in sorted(self.delegated)
                  for i in range(1, len(self.name_servers) + 1)],
            ],
        }
        lines = [
            "server:",
            "  ip-address: %s@53" % self.addr,
            "  username: \"\"",
            "  chroot: \"\"",
            '  zonesdir: "%s"' % self.folder,
            '  pidfile: "%s/pid"' % self.folder,
            "  database: \"\"",
            '  xfrdfile: "%s/xfrd"' % self.folder,
            '  zonelistfile: "%s/zonelist"' % self.folder,
            "  xfrdir: \"%s\"" % self.folder,
            "  server-count: 1",
            "remote-control:",
            "  control-enable: no",
        ]
        for i, (origin, records) in enumerate(zones.items()):
            (self.folder / ("zone%d" % i)).write_text(self.zone(origin, records))
            lines += ["zone:", "  name: " + origin, '  zonefile: "zone%d"' % i]
        (self.folder / "nsd.conf").write_text("\n".join(lines) + "\n")

    def start(self):
        self.program = Program(
            self.folder,
            "nsd",
            ["/usr/sbin/nsd", "-d", "-c", self.folder / "nsd.conf"],
            ready=lambda: accepts_tcp(self.addr, 53),
        )

    def point(self, pairs):
        """Add CNAMEs to example.com: {"_acme-challenge.shop": "LABEL.auth.example.org"}; nsd reads its zones again."""
        self.cnames.update(pairs)
        self.stop()
        self.write()
        self.start()

    def delegate(self, *names):
        """Delegate names of example.com to our name servers: "_acme-challenge.shop"."""
        self.delegated.update(names)
        self.point({})

    def stop(self):
        if self.program is not None:
            self.program.stop()
            self.program = None


RESOLVERS = {
    # Let's Encrypt's own settings, as published for unboundtest, and stricter ones.
    "caps-1232": {"edns-buffer-size": "1232", "use-caps-for-id": "yes", "qname-minimisation": "no"},
    "caps-512": {"edns-buffer-size": "512", "use-caps-for-id": "yes", "qname-minimisation": "no"},
    "strict-minimisation": {
        "edns-buffer-size": "1232",
        "use-caps-for-id": "yes",
        "qname-minimisation": "yes",
        "qname-minimisation-strict": "yes",
        "harden-below-nxdomain": "yes",
    },
    # A resolver that keeps what it heard, as public ones and other authorities do.
    "caching": {
        "edns-buffer-size": "1232",
        "use-caps-for-id": "yes",
        "cache-max-ttl": "86400",
        "cache-max-negative-ttl": "3600",
    },
}


class Resolver:
    def __init__(self, folder, kind="caps-1232"):
        folder = folder / ("unbound-" + kind)
        folder.mkdir(exist_ok=True)
        (folder / "root.hints").write_text(". 3600 NS ns.parent.test.\nns.parent.test. 3600 A %s\n" % PARENT_ADDR)
        settings = {
            "interface": "%s@53" % RESOLVER_ADDR,
            "access-control": "127.0.0.0/8 allow",
            "do-not-query-localhost": "no",
            "do-ip6": "no",
            "do-daemonize": "no",
            "use-syslog": "no",
            "log-servfail": "yes",
            "log-replies": "yes",
            "log-queries": "yes",
            "verbosity": "1",
            "username": '""',
            "chroot": '""',
            "directory": '"%s"' % folder,
            "pidfile": '"%s/pid"' % folder,
            "root-hints": '"%s/root.hints"' % folder,
            "module-config": '"iterator"',
            "harden-glue": "yes",
            "cache-max-ttl": "0",
            "cache-max-negative-ttl": "0",
            "local-zone": '"test." nodefault',
            "num-threads": "1",
            "outgoing-interface": "127.0.0.53",
            **RESOLVERS[kind],
        }
        conf = "server:\n" + "".join("  %s: %s\n" % kv for kv in settings.items())
        conf += "remote-control:\n  control-enable: no\n"
        (folder / "unbound.conf").write_text(conf)
        self.program = Program(
            folder,
            "unbound",
            ["/usr/sbin/unbound", "-d", "-c", folder / "unbound.conf"],
            ready=lambda: accepts_tcp(RESOLVER_ADDR, 53),
        )

    def log_text(self):
        return self.program.log_text()

    def stop(self):
        self.program.stop()


class Authority:
    """pebble, asking our resolver; nothing is always valid, and no nonce is refused on purpose."""

    def __init__(self, folder):
        self.folder = folder / "pebble"
        self.folder.mkdir(exist_ok=True)
        self.ca_file = self.folder / "ca.pem"
        self.make_certificate()
        (self.folder / "config.json").write_text(
            json.dumps(
                {
                    "pebble": {
                        "listenAddress": "127.0.0.1:%d" % ACME_PORT,
                        "managementListenAddress": "127.0.0.1:15000",
                        "certificate": str(self.folder / "cert.pem"),
                        "privateKey": str(self.folder / "key.pem"),
                        "httpPort": 5002,
                        "tlsPort": 5001,
                        "ocspResponderURL": "",
                        "externalAccountBindingRequired": False,
                    }
                }
            )
        )
        self.directory = "https://127.0.0.1:%d/dir" % ACME_PORT
        # Some clients trust only the system's authorities; in our mount namespace those are ours.
        subprocess.run(["mount", "--bind", str(self.ca_file), "/etc/ssl/certs/ca-certificates.crt"], check=True)
        self.program = Program(
            self.folder,
            "pebble",
            # Not -dnsserver: that asks without EDNS, over UDP only, and takes a truncated answer for an empty one. The
            # system's resolver is ours, and is asked as a real authority asks: EDNS, and TCP when truncated.
            ["/usr/bin/pebble", "-config", self.folder / "config.json"],
            env={
                "PEBBLE_VA_NOSLEEP": "1",
                "PEBBLE_WFE_NONCEREJECT": "0",
                "PEBBLE_AUTHZREUSE": "0",
                "GODEBUG": "netdns=go",
            },
            ready=lambda: accepts_tcp("127.0.0.1", ACME_PORT),
        )

    def make_certificate(self):
        """An authority of our own for pebble's HTTPS, and a certificate for 127.0.0.1."""
        f = self.folder
        openssl = lambda *args: subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *ec, "-keyout", f / "ca.key", "-out", self.ca_file, "-days", 30, "-subj", "/CN=e2e",
                "-addext", "basicConstraints=critical,CA:TRUE")
        openssl("req", *ec, "-keyout", f / "key.pem", "-out", f / "cert.csr", "-subj", "/CN=localhost")
        (f / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("x509", "-req", "-in", f / "cert.csr", "-CA", self.ca_file, "-CAkey", f / "ca.key", "-CAcreateserial",
                "-out", f / "cert.pem", "-days", 30, "-extfile", f / "ext")

    def stop(self):
        self.program.stop()
        subprocess.run(["umount", "/etc/ssl/certs/ca-certificates.crt"], check=False)


class Server:
    """riposte itself, as its users run it."""

    def __init__(self, folder, config=None):
        self.folder = folder / "riposte"
        self.folder.mkdir(exist_ok=True)
        self.config_path = self.folder / "riposte.yaml"
        self.config = {
            "zones": [
                {
                    "origin": ZONE,
                    "contact": "hostmaster@example.org",
                    "name-servers": [{"name": "ns1." + ZONE, "addresses": [RIPOSTE_ADDR]}],
                }
            ],
            "dns": {"listen": [RIPOSTE_ADDR + ":53"]},
            "api": {"listen": [{"address": "127.0.0.10:8053"}]},
            "registration": {"allow": "anyone", "rate": "0/s"},
            "store": {"path": str(self.folder / "riposte.db")},
            "admin": {"socket": str(self.folder / "admin.sock")},
            "user": "",
            "log": {"level": "info", "format": "text"},
            **(config or {}),
        }
        self.config_path.write_text(yaml.safe_dump(self.config, sort_keys=False))
        self.program = None
        self.start()

    def start(self):
        self.program = Program(
            self.folder,
            "riposte",
            [BINARY, "serve", "-c", self.config_path],
            ready=lambda: requests.get(API_URL + "/health", timeout=2).status_code == 200,
        )

    def log_text(self):
        return self.program.log_text()

    def admin(self, *args):
        done = subprocess.run(
            [BINARY, *args, "-c", str(self.config_path)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def register(self):
        reply = requests.post(API_URL + "/register", timeout=10)
        assert reply.status_code == 201, reply.text
        return reply.json()

    def stop(self):
        assert self.program.stop() == 0, self.log_text()[-4000:]


class SystemResolver:
    """lego finds the addresses of name servers with the system's resolver; in our mount namespace that is ours."""

    def __init__(self, folder):
        path = folder / "resolv.conf"
        path.write_text("nameserver %s\n" % RESOLVER_ADDR)
        subprocess.run(["mount", "--bind", str(path), "/etc/resolv.conf"], check=True)

    def stop(self):
        subprocess.run(["umount", "/etc/resolv.conf"], check=False)


class World:
    def __init__(self, folder, resolver="caps-1232", config=None):
        self.folder = pathlib.Path(folder)
        self.parts = []
        try:
            self.parts.append(SystemResolver(self.folder))
            self.parent = Parent(self.folder)
            self.parent.start()
            self.parts.append(self.parent)
            self.riposte = Server(self.folder, config)
            self.parts.append(self.riposte)
            self.resolver = Resolver(self.folder, resolver)
            self.parts.append(self.resolver)
            self.authority = Authority(self.folder)
            self.parts.append(self.authority)
        except BaseException:
            self.stop()
            raise

    def use_resolver(self, kind):
        """Another resolver at the same address; the authority asks it from now on."""
        self.resolver.stop()
        self.parts.remove(self.resolver)
        self.resolver = Resolver(self.folder, kind)
        self.parts.append(self.resolver)

    def stop(self):
        for part in reversed(self.parts):
            part.stop()
        self.parts.clear()

    def run(self, args, env=None, seconds=120, cwd=None, user=None):
        """Run a client in this world, with an environment that holds nothing else."""
        done = subprocess.run(
            [str(a) for a in args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            cwd=cwd,
            user=user,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **(env or {})},
        )
        return done

    def explain(self):
        """What a person would look at when a certificate fails."""
        return "\n".join(
            "--- %s\n%s" % (name, text[-3000:])
            for name, text in [
                ("riposte", self.riposte.log_text()),
                ("unbound", self.resolver.log_text()),
                ("pebble", self.authority.program.log_text()),
            ]
        )


def need_namespace():
    if os.environ.get("RIPOSTE_E2E_NAMESPACE") != "1":
        raise RuntimeError("run these tests with tests/e2e/run: they need a network namespace of their own")
    for tool in ("nsd", "unbound", "pebble", "lego", "certbot", "uacme", "dehydrated"):
        if shutil.which(tool, path="/usr/sbin:/usr/bin") is None:
            raise RuntimeError("%s is not installed: scripts/dependencies test" % tool)
