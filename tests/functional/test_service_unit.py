"""The daemon under what riposte.service allows it: the system calls, the address families, its own user and one capability.

No service manager is needed: the test reads the unit and puts the same bounds around the daemon."""

import ctypes
import os
import pathlib
import pwd
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

import pytest

from conftest import BINARY, ROOT, Riposte
from dnshelp import a_value, values

UNIT = (ROOT / "etc" / "systemd" / "riposte.service").read_text()
NUMBERS = {"AF_UNIX": socket.AF_UNIX, "AF_INET": socket.AF_INET, "AF_INET6": socket.AF_INET6, "AF_NETLINK": 16}

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user"),
    pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, to know the groups of system calls"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls are taken from this machine's headers"),
]


def settings(key):
    return re.findall(r"^%s=(.*)$" % key, UNIT, re.M)


def expand(word):
    """The system calls of a word in SystemCallFilter=, which may be a group of groups."""
    if not word.startswith("@"):
        return {word}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
    words = [line.strip() for line in listed.splitlines()[1:]]
    return set().union(*(expand(w) for w in words if w and not w.startswith("#")))


def allowed_calls():
    """As systemd.exec(5): @default always; the first line makes a list of what is allowed, later ones add or take away."""
    allowed = expand("@default")
    for line in settings("SystemCallFilter"):
        calls = set().union(*(expand(word) for word in line.lstrip("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def call_numbers():
    defined = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], capture_output=True,
                             text=True, check=True).stdout
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", defined)}


LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM, as SystemCallErrorNumber= says
REFUSE_FAMILY = 0x00050000 | 97  # EAFNOSUPPORT


def bounds():
    """A seccomp program for the two settings."""
    numbers = call_numbers()
    families = [NUMBERS[word] for word in settings("RestrictAddressFamilies")[0].split()]
    program = [(LOAD, 0, 0, 0)]  # the number of the call
    check = [(LOAD, 0, 0, 16)]  # its first argument
    for family in families:
        check += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    check.append((RETURN, 0, 0, REFUSE_FAMILY))
    program += [(EQUAL, 0, len(check), numbers["socket"])] + check
    for number in sorted(numbers[name] for name in allowed_calls() if name in numbers):
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    program.append((RETURN, 0, 0, REFUSE))
    return b"".join(struct.pack("HBBI", *step) for step in program)


# Runs as the service's user already; from here on nothing can be won back.
LAUNCH = """
import ctypes, os, sys
program = ctypes.create_string_buffer(bytes.fromhex(sys.argv[1]))
class Filter(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
f = Filter((len(program) - 1) // 8, ctypes.addressof(program))
os.umask(int(sys.argv[2], 8))
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(f), 0, 0) != 0:
    sys.exit("no seccomp here: %d" % ctypes.get_errno())
os.execv(sys.argv[3], sys.argv[3:])
"""


class Bounded(Riposte):
    def start(self, env=None):
        user = pwd.getpwnam("nobody")
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid)
        (capability,) = settings("AmbientCapabilities")
        drop = "-all,+" + capability.removeprefix("CAP_").lower()
        # LeakSanitizer, when built in, would trace the process: no service may do that.
        env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--reuid", "nobody", "--regid", str(user.pw_gid), "--clear-groups", "--inh-caps=" + drop,
                 "--ambient-caps=" + drop, "--bounding-set=" + drop, sys.executable, "-c", LAUNCH, bounds().hex(),
                 settings("UMask")[0], str(self.binary), "serve", "-c", str(self.config_path)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env)
        self.wait_ready()
        return self


@pytest.fixture
def bounded():
    # pytest's own folder is root's alone.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="riposte-unit-"))
    folder.chmod(0o755)
    server = Bounded(folder, {"admin": {"group": "nogroup"}})
    server.binary = folder / "riposte"
    shutil.copy(BINARY, server.binary)
    yield server
    if server.process is not None:
        server.process.kill()
        server.process.wait()
    shutil.rmtree(folder)


def privileged_port():
    for port in range(1023, 512, -1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port below 1024")


def test_the_service_works_within_the_bounds_of_its_unit(bounded):
    bounded.dns_addr = ("127.0.0.1", privileged_port())
    bounded.config["dns"]["listen"] = ["%s:%d" % bounded.dns_addr]
    bounded.write_config(bounded.config)
    bounded.start()
    account = bounded.register()
    value = a_value()
    assert bounded.update(account, value).status_code == 200
    assert values(bounded, account["fulldomain"]) == {value}
    bounded.admin("backup", str(bounded.folder / "copy.db"), check=True)
    bounded.admin("reload", check=True)
    assert (bounded.folder / "admin.sock").stat().st_mode & 0o777 == 0o660, "the group of admin.group may use it"
    bounded.restart()
    assert values(bounded, account["fulldomain"]) == {value}
    bounded.stop()


def test_the_capability_is_given_up(bounded):
    bounded.start()
    status = pathlib.Path("/proc/%d/status" % bounded.process.pid).read_text()
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert re.search(r"^%s:\t0+$" % kind, status, re.M), status
    bounded.stop()
