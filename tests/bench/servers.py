"""The servers that are measured: how each is given the names, started, watched and stopped."""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import time

import fill

STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1
ASK_SECONDS = 0.002


def free_port():
    """A port that is free for UDP and TCP on 127.0.0.1, right now."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM
        ) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def question(name):
    """A TXT question without EDNS."""
    return struct.pack(">6H", 4242, 0, 1, 0, 0, 0) + fill.wire(name) + struct.pack(">2H", 16, 1)


def is_answered(port, name):
    """Whether the server has the name: an answer of its own, within two milliseconds. One that still loads has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(ASK_SECONDS)
        try:
            s.connect(("127.0.0.1", port))
            s.send(question(name))
            got = s.recv(4096)
        except OSError:
            return False
    return len(got) > 12 and got[2] & 0x84 == 0x84 and got[3] & 0x0F == 0  # QR, AA, NOERROR


def children(pid):
    """The process and all below it."""
    found = [pid]
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            for child in pathlib.Path("/proc/%d/task/%s/children" % (pid, task)).read_text().split():
                found += children(int(child))
    except OSError:
        pass
    return found


def prepare_child(cores):
    """Between fork and exec: on these cores only, and gone when the bench is gone, however it ended."""
    libc = ctypes.CDLL(None)

    def run():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if cores:
            os.sched_setaffinity(0, cores)

    return run


class Server:
    """One running server. Subclasses say which program it is and write its files."""

    name = None
    program = None  # to be found on the path
    package = None
    answers_names = True

    def __init__(self, folder, port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.port = port or free_port()
        self.process = None
        self.start_s = None

    @classmethod
    def is_there(cls):
        return cls.program is None or shutil.which(cls.program, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is not None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self, cores=None, seconds=120, name=None):
        """Run it until it answers for a name; start_s says how long that took."""
        began = time.monotonic()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                env={**os.environ, **self.environment()}, start_new_session=True, preexec_fn=prepare_child(cores))
        name = name or "%s.%s" % (fill.label(0), fill.ZONE)
        while not self.is_up(name):
            if self.process.poll() is not None or time.monotonic() - began > seconds:
                said = self.log_end()
                self.stop()
                raise RuntimeError("%s does not start: %s" % (self.name, said))
            time.sleep(0.002)
        self.start_s = time.monotonic() - began
        return self

    def is_up(self, name):
        return is_answered(self.port, name)

    def log_end(self):
        return (self.folder / "log").read_text(errors="replace")[-600:].strip() or "it said nothing"

    def pids(self):
        return children(self.process.pid)

    def stop(self):
        if self.process is None:
            return
        for how, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            try:
                os.killpg(self.process.pid, how)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(timeout=seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None

    # ---- what it uses ----

    def memory(self):
        """Octets of the process tree, shared ones divided (PSS)."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def memory_most(self):
        """The most that the main process ever had, VmHWM."""
        for line in pathlib.Path("/proc/%d/status" % self.process.pid).read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def wakeups(self):
        """How often its threads have waited so far: each wait ends with a wake-up."""
        total = 0
        for pid in self.pids():
            for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
                try:
                    text = (task / "status").read_text()
                except OSError:
                    continue
                total += sum(int(line.split()[1]) for line in text.splitlines()
                             if line.startswith("voluntary_ctxt_switches:"))
        return total

    def threads_ns(self):
        """How long each of its threads has been on a core."""
        found = {}
        for pid in self.pids():
            for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
                try:
                    found[int(task.name)] = int((task / "schedstat").read_text().split()[0])
                except OSError:
                    continue  # it has ended
        return found

    def written(self):
        """Octets that it has sent towards the disk."""
        for line in pathlib.Path("/proc/%d/io" % self.process.pid).read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
        return 0


class Echo(Server):
    name = "echo"
    mode = ()
    answers_names = False

    def __init__(self, folder, tools):
        super().__init__(folder)
        self.tools = tools

    def command(self):
        return [str(self.tools / "echo_udp"), "--port", str(self.port), *self.mode]

    def is_up(self, name):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.02)
            try:
                s.connect(("127.0.0.1", self.port))
                s.send(b"x")
                return s.recv(16) == b"x"
            except OSError:
                return False


class EchoProbe(Echo):
    name = "echo, PROBE"
    mode = ("--probe",)


class EchoTwo(Echo):
    name = "echo, 2 workers"
    mode = ("--workers", "2")


CONFIG = """zones:
  - origin: {zone}
    contact: hostmaster@example.org
    name-servers: [{{name: ns1.{zone}, addresses: ["127.0.0.1"]}}]
dns:
  listen: ["{address}:{port}"]
  workers: {workers}
api:
  listen: [{{address: "127.0.0.1:{http}"}}]
limits: {{changes: 0/s, names: 100000000, names-unclaimed: 100000000}}
store: {{path: {folder}/riposte.db}}
admin: {{socket: {folder}/admin.sock}}
user: ""
log: {{level: warning}}
"""


class Riposte(Server):
    name = "riposte"
    address = "127.0.0.1"
    workers = 1
    more = ""  # of the configuration

    def __init__(self, folder, binary, store=None):
        """store: a database to begin with, which is copied; None: an empty one."""
        super().__init__(folder)
        self.binary = binary
        self.http = free_port()
        self.preload = None
        self.has_names = store is not None
        if store is not None:
            shutil.copyfile(store, self.folder / "riposte.db")
        (self.folder / "riposte.yaml").write_text(CONFIG.format(
            zone=fill.ZONE, address=self.address, port=self.port, workers=self.workers, http=self.http,
            folder=self.folder) + self.more)

    def command(self):
        return [str(self.binary), "serve", "-c", str(self.folder / "riposte.yaml")]

    def start(self, cores=None, seconds=120, name=None):
        return super().start(cores, seconds, name or (None if self.has_names else "ns1." + fill.ZONE))

    def wait_for_api(self):
        """DNS answers first."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
                if s.connect_ex(("127.0.0.1", self.http)) == 0:
                    return self
            time.sleep(0.01)
        raise RuntimeError("%s does not open its API: %s" % (self.name, self.log_end()))

    def environment(self):
        return self.preload or {}

    def admin_json(self, *args):
        """What a command of the server's own command line says."""
        done = subprocess.run([str(self.binary), "-c", str(self.folder / "riposte.yaml"), "--json", *args],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError("%s %s: %s" % (self.name, " ".join(args), done.stderr.strip()[-400:]))
        return json.loads(done.stdout)

    def metrics(self):
        """Each sample of /metrics, by its name and labels."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(10)
            s.connect(str(self.folder / "admin.sock"))
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode().partition("\r\n\r\n")[2]
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("riposte_"))
        return {name: float(value) for name, value in lines}

    def wait_until_folded(self, seconds=60):
        """Until the tables have all but a few hundred of the journal's changes."""
        end = time.monotonic() + seconds
        while self.metrics()["riposte_store_unfolded"] >= 512:
            if time.monotonic() > end:
                raise RuntimeError("%s does not fold: %s" % (self.name, self.log_end()))
            time.sleep(0.05)

    def check(self):
        """What `riposte check store` says; it must be content with a store that was filled from behind."""
        done = subprocess.run([str(self.binary), "-c", str(self.folder / "riposte.yaml"), "check", "store"],
                              capture_output=True, text=True, timeout=600, check=False)
        return done.returncode == 0, done.stdout + done.stderr


class RiposteTwo(Riposte):
    name = "riposte, 2 workers"
    workers = 2


class RiposteWildcard(Riposte):
    name = "riposte, wildcard"
    address = "0.0.0.0"


class Peer(Server):
    """A server that reads a zone file."""

    def __init__(self, folder, zone):
        super().__init__(folder)
        self.zone = zone
        self.write()

    def write(self):
        raise NotImplementedError


class Gdnsd(Peer):
    name, program, package = "gdnsd", "gdnsd", "gdnsd"
    workers = 1

    def write(self):
        for part in ("zones", "run", "state"):
            (self.folder / part).mkdir()
        (self.folder / "zones" / fill.ZONE).symlink_to(self.zone)
        (self.folder / "config").write_text(
            "options => {\n listen => 127.0.0.1:%d,\n udp_threads => %d,\n tcp_threads => 1,\n run_dir => %s/run,\n"
            " state_dir => %s/state,\n}\n" % (self.port, self.workers, self.folder, self.folder))

    def command(self):
        return ["/usr/sbin/gdnsd", "-c", str(self.folder), "start"]


class GdnsdTwo(Gdnsd):
    name = "gdnsd, 2 workers"
    workers = 2


class Nsd(Peer):
    name, program, package = "nsd", "nsd", "nsd"

    def write(self):
        (self.folder / "nsd.conf").write_text(
            'server:\n server-count: 1\n ip-address: 127.0.0.1@%d\n username: ""\n chroot: ""\n database: ""\n'
            ' zonesdir: "%s"\n pidfile: "%s/pid"\n xfrdfile: "%s/xfrd"\n zonelistfile: "%s/list"\n xfrdir: "%s"\n'
            ' verbosity: 0\n rrl-ratelimit: 0\n rrl-whitelist-ratelimit: 0\n tcp-count: 1000\n'
            'remote-control:\n control-enable: no\nzone:\n name: %s\n zonefile: "%s"\n'
            % (self.port, self.folder, self.folder, self.folder, self.folder, self.folder, fill.ZONE, self.zone))

    def command(self):
        return ["/usr/sbin/nsd", "-d", "-c", str(self.folder / "nsd.conf")]


class Knot(Peer):
    name, program, package = "knot", "knotd", "knot"
    journal = "none"
    more = ""

    def write(self):
        (self.folder / "knot.conf").write_text(
            "server:\n  rundir: %s\n  listen: 127.0.0.1@%d\n  udp-workers: 1\n  tcp-workers: 1\n"
            "  background-workers: 1\n  tcp-max-clients: 1000\nlog:\n  - target: stderr\n    any: error\n"
            "database:\n  storage: %s\n%stemplate:\n  - id: default\n    storage: %s\n    journal-content: %s\n"
            "    semantic-checks: off\nzone:\n  - domain: %s\n    file: %s\n%s"
            % (self.folder, self.port, self.folder, self.keys(), self.folder, self.journal, fill.ZONE, self.zone,
               self.more))

    def keys(self):
        return ""

    def command(self):
        return ["/usr/sbin/knotd", "-c", str(self.folder / "knot.conf")]


UPDATE_KEY = ("bench-update", "cml2ZXIgZGFuY2luZyB1cHN0cmVhbSBhdCBub29uISE=")


class KnotUpdates(Knot):
    """With a journal, and a key that may update."""

    journal = "changes"
    more = "    acl: bench\n    zonefile-sync: -1\n"

    def keys(self):
        return ("key:\n  - id: %s\n    algorithm: hmac-sha256\n    secret: %s\n"
                "acl:\n  - id: bench\n    key: %s\n    action: update\n" % (*UPDATE_KEY, UPDATE_KEY[0]))


class Named(Peer):
    name, program, package = "named", "named", "bind9"
    cores = "1"
    update = ""

    def write(self):
        (self.folder / "named.conf").write_text(
            'options {\n directory "%s";\n listen-on port %d { 127.0.0.1; };\n listen-on-v6 { none; };\n'
            ' recursion no;\n querylog no;\n pid-file none;\n session-keyfile none;\n dnssec-validation no;\n notify no;\n'
            ' allow-transfer { none; };\n tcp-clients 1000;\n tcp-listen-queue 100;\n minimal-responses yes;\n};\ncontrols { };\n'
            'logging { category default { null; }; };\n%szone "%s" {\n type primary;\n file "%s";\n%s};\n'
            % (self.folder, self.port, self.keys(), fill.ZONE, self.zone, self.update))

    def keys(self):
        return ""

    def command(self):
        return ["/usr/sbin/named", "-g", "-c", str(self.folder / "named.conf"), "-n", self.cores]


class NamedUpdates(Named):
    """With a key that may update, and a zone file of its own, beside which it writes its journal."""

    cores = "2"
    update = ' allow-update { key "%s"; };\n' % UPDATE_KEY[0]

    def write(self):
        own = self.folder / "zone"
        shutil.copyfile(self.zone, own)
        self.zone = own
        super().write()

    def keys(self):
        return 'key "%s" { algorithm hmac-sha256; secret "%s"; };\n' % UPDATE_KEY


PEERS = (Gdnsd, Nsd, Knot, Named)
