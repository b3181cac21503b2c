"""A real daemon on free loopback ports for each test module, and what tests ask of it.

RIPOSTE names the binary (default: build/release/riposte below the project's root)."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest
import requests
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("RIPOSTE", str(ROOT / "build" / "release" / "riposte"))
ZONE = "auth.example.org"
START_SECONDS = 20

given_ports = set()


def free_port():
    """A port that is free for UDP and TCP on 127.0.0.1, right now, and that no call before gave: it may not be in use yet."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM
        ) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            if port in given_ports:
                continue
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            given_ports.add(port)
            return port
    raise RuntimeError("no free port")


def merge(base, over):
    """Mappings are merged, everything else is replaced."""
    out = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


class Riposte:
    def __init__(self, folder, config=None):
        self.folder = pathlib.Path(folder)
        self.dns_addr = ("127.0.0.1", free_port())
        self.http_addr = ("127.0.0.1", free_port())
        self.http_url = "http://%s:%d" % self.http_addr
        self.zone = ZONE
        self.config_path = self.folder / "riposte.yaml"
        self.log_path = self.folder / "log"
        self.config = merge(
            {
                "zones": [
                    {
                        "origin": ZONE,
                        "contact": "hostmaster@example.org",
                        "name-servers": [{"name": "ns1." + ZONE, "addresses": ["127.0.0.1"]}],
                    }
                ],
                "dns": {"listen": ["%s:%d" % self.dns_addr], "workers": 1},
                "api": {"listen": [{"address": "%s:%d" % self.http_addr}]},
                "registration": {"allow": "anyone"},
                "store": {"path": str(self.folder / "riposte.db")},
                "admin": {"socket": str(self.folder / "admin.sock")},
                "user": "",
                "log": {"level": "debug"},
            },
            config or {},
        )
        self.process = None
        self.write_config(self.config)

    @property
    def config_yaml(self):
        return self.config_path.read_text()

    def write_config(self, config):
        self.config = config
        self.config_path.write_text(yaml.safe_dump(config, sort_keys=False))

    def start(self, env=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "-c", str(self.config_path)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
            )
        self.wait_ready()
        return self

    def wait_ready(self):
        deadline = time.monotonic() + START_SECONDS
        socket_path = self.config["admin"]["socket"]
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("the daemon ended with %d:\n%s" % (self.process.returncode, self.log_text()))
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                try:
                    s.connect(socket_path)
                    return
                except OSError:
                    time.sleep(0.02)
        raise RuntimeError("the daemon is not ready after %d s:\n%s" % (START_SECONDS, self.log_text()))

    def stop(self, expect=0):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the daemon did not stop within 20 s:\n" + self.log_text()[-4000:])
        finally:
            self.process = None
        if expect is not None:
            assert status == expect, "ended with %d:\n%s" % (status, self.log_text()[-8000:])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def admin(self, *args, check=False, **kw):
        """Run the command line against this daemon."""
        done = subprocess.run(
            [BINARY, "-c", str(self.config_path), *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            **kw,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def admin_json(self, *args):
        return json.loads(self.admin("--json", *args, check=True).stdout)

    def register(self, **body):
        """POST /register; gives the reply of acme-dns's contract."""
        reply = requests.post(self.http_url + "/register", json=body or None, timeout=10)
        assert reply.status_code == 201, reply.text
        return reply.json()

    def update(self, account, txt, **headers):
        return requests.post(
            self.http_url + "/update",
            json={"subdomain": account["subdomain"], "txt": txt},
            headers={"X-Api-User": account["username"], "X-Api-Key": account["password"], **headers},
            timeout=20,
        )


@pytest.fixture(scope="module")
def riposte(tmp_path_factory):
    server = Riposte(tmp_path_factory.mktemp("riposte"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def make_riposte(tmp_path_factory):
    """make_riposte({...}) starts one more daemon with that configuration merged over the defaults; start=False only
    writes the file."""
    made = []

    def make(config=None, start=True):
        server = Riposte(tmp_path_factory.mktemp("riposte"), config)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        server.stop(expect=None)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The two zones of dnsworld.py on one daemon, for all tests that only ask."""
    from dnsworld import World

    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def client(world):
    return world.client
