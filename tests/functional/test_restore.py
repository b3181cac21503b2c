"""riposte restore: a backup goes in the place of the store, and what was taken away since stays away unless told.

Each test has a server that lived on after its backup; what the restored one does is asked of the daemon itself."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import dns.message
import dns.query
import pytest
import requests

import dnshelp
from conftest import BINARY, ZONE

VALUE = "A" * 43
HAS_YOUNG = "SELECT count(*) FROM names WHERE instr(hex(folded), '%s')" % b"young".hex().upper()


def a_value(letter):
    return letter * 43


def serial(server):
    reply = dns.query.udp(dns.message.make_query(ZONE, "SOA"), server.dns_addr[0], port=server.dns_addr[1], timeout=5)
    return reply.answer[0][0].serial


def store_path(server):
    return server.folder / "riposte.db"


def store_row(path, sql):
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        return db.execute(sql).fetchone()


def kept_stores(server):
    return sorted(f for f in os.listdir(server.folder) if f.startswith("riposte.db.before-restore-"))


def leftovers(server):
    return [f for f in os.listdir(server.folder) if ".restoring" in f or ".looking" in f]


def snapshot(server):
    """What restoring must not touch when it does nothing. An empty log is there whenever somebody reads."""
    files = {f: (server.folder / f).read_bytes() for f in os.listdir(server.folder) if f.startswith("riposte.db")}
    return {f: octets for f, octets in files.items() if octets and not f.endswith("-shm")}


class World:
    """A server, its backup, and what happened after it."""

    def __init__(self, make_riposte):
        self.server = server = make_riposte()
        self.backup = server.folder / "backup.db"
        admin = lambda *args: server.admin(*args, check=True)
        admin("account", "create", "team")
        for label in ("kept", "gone", "pinned"):
            admin("name", "create", "--account", "team", "--label", label)
        self.kept = self.credential("kept", "web1")
        self.revoked = self.credential("kept", "router")
        self.rotated = self.credential("kept", "nas")
        self.orphan = self.credential("gone", "old")
        self.token = server.admin_json("token", "create", "--account", "team", "--count", "5")["secret"]
        self.other_token = server.admin_json("token", "create", "--account", "team")
        admin("account", "create", "leaver")
        admin("value", "pin", "pinned", "authority; accounturi=https://a.example/1")
        assert self.post(self.kept, VALUE).status_code == 200
        admin("backup", str(self.backup))
        self.backup_serial = serial(server)
        self.backup_seq = store_row(self.backup, "SELECT max(seq) FROM journal")[0]

    def live_on(self):
        server = self.server
        admin = lambda *args: server.admin(*args, check=True)
        admin("credential", "revoke", "router", "--name", "kept")
        fresh = server.admin_json("credential", "rotate", "nas", "--name", "kept")
        self.replacement = {**self.rotated, "secret": fresh["secret"]}
        admin("--yes", "name", "delete", "gone")
        self.registered = requests.post(server.http_url + "/r/%s/register" % self.token, timeout=10)
        assert self.registered.status_code == 201
        admin("token", "revoke", str(self.other_token["token"]))
        admin("account", "delete", "leaver")
        admin("value", "unpin", "pinned", "authority; accounturi=https://a.example/1")
        admin("name", "create", "--account", "team", "--label", "young")
        self.young = self.credential("young", "new")
        admin("account", "create", "later")
        admin("name", "create", "--account", "later", "--label", "stranger")
        for letter in "BCD":
            assert self.post(self.kept, a_value(letter)).status_code == 200
        self.serial = serial(server)
        return self

    def credential(self, name, label):
        made = self.server.admin_json("credential", "create", "--name", name, "--label", label)
        return {"id": made["credential"], "secret": made["secret"], "subdomain": name, "label": label}

    def post(self, credential, value):
        return requests.post(
            self.server.http_url + "/update",
            json={"subdomain": credential["subdomain"], "txt": value},
            headers={"X-Api-User": credential["id"], "X-Api-Key": credential["secret"]},
            timeout=10,
        )

    def restore(self, *args, **kw):
        return self.server.admin("restore", str(self.backup), *args, **kw)


@pytest.fixture
def world(make_riposte):
    return World(make_riposte)


def test_what_was_taken_away_stays_away_and_the_rest_is_as_it_was(world):
    server = world.live_on().server
    server.stop()
    last = store_row(store_path(server), "SELECT seq, hex(store_id) FROM meta")
    done = world.restore("--keep-revocations")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "what was revoked, retired or replaced since stays so" in done.stdout
    assert "Changes go on from %d" % (last[0] + 1) in done.stdout
    assert done.stderr == ""
    server.start()
    assert world.post(world.kept, a_value("K")).status_code == 200
    assert world.post(world.revoked, VALUE).status_code == 401
    assert world.post(world.rotated, VALUE).status_code == 401
    assert world.post(world.replacement, VALUE).status_code == 200
    assert world.post(world.orphan, VALUE).status_code == 401
    assert world.post(world.young, VALUE).status_code == 401
    refusals = {r["reason"] for r in server.admin_json("refusals")}
    assert "revoked" in refusals, refusals
    assert requests.post(server.http_url + "/r/%s/register" % world.other_token["secret"], timeout=10).status_code == 401
    assert dnshelp.values(server, "pinned." + ZONE) == set()
    # A label that somebody's CNAME may point at is not given out again, nor to another account.
    assert server.admin("name", "create", "--account", "team", "--label", "gone").returncode == 5
    taken = server.admin("name", "create", "--account", "team", "--label", "stranger")
    assert taken.returncode == 5 and "administrator" in taken.stderr
    assert server.admin("name", "create", "--account", "team", "--label", "young").returncode == 5
    assert "leaver" not in server.admin("account", "list").stdout
    token = [t for t in server.admin_json("token", "list") if t["count"] == 5][0]
    assert token["used"] == 1
    assert serial(server) > world.serial
    assert "good" in server.admin("check", "store", check=True).stdout
    after = store_row(store_path(server), "SELECT seq, hex(store_id) FROM meta")
    assert after[0] > last[0] and after[1] != last[1]


def test_exactly_brings_everything_back_but_serials_and_positions_go_on(world):
    server = world.live_on().server
    server.stop()
    last = store_row(store_path(server), "SELECT seq FROM meta")[0]
    done = world.restore("--exactly")
    assert done.returncode == 0, done.stdout + done.stderr
    server.start()
    for credential in (world.kept, world.revoked, world.rotated, world.orphan):
        assert world.post(credential, VALUE).status_code == 200, credential
    assert world.post(world.replacement, VALUE).status_code == 401
    assert requests.post(server.http_url + "/r/%s/register" % world.other_token["secret"], timeout=10).status_code == 201
    assert len(dnshelp.values(server, "pinned." + ZONE)) == 1
    assert server.admin("name", "create", "--account", "team", "--label", "stranger").returncode == 0
    assert serial(server) > world.serial
    assert store_row(store_path(server), "SELECT min(seq) FROM journal WHERE seq > %d" % world.backup_seq)[0] == last + 1
    assert "good" in server.admin("check", "store", check=True).stdout


def test_the_journal_says_that_a_backup_was_restored(world):
    server = world.live_on().server
    server.stop()
    assert world.restore("--keep-revocations").returncode == 0
    server.start()
    entry = [e for e in server.admin_json("journal") if e["effects"][0]["what"] == "restored"][0]
    assert entry["effects"][0]["backup-change"] == world.backup_seq
    assert entry["door"] == "admin" and entry["label"] == "administrator"
    what = {e["what"] for e in entry["effects"]}
    assert {"credential-revoked", "secret-ended", "secret-added", "name-retired", "name-made", "token-revoked"} <= what


def test_without_a_choice_nothing_is_done_and_everything_is_said(world):
    server = world.live_on().server
    server.stop()
    before = snapshot(server)
    done = world.restore()
    assert done.returncode == 5
    assert "this backup ends at change %d (" % world.backup_seq in done.stdout
    assert "REVIVE   1 revoked credential: router (%s)" % world.revoked["id"][:8] in done.stdout
    assert "REVIVE   1 retired name: gone." + ZONE in done.stdout
    assert "REVIVE   1 replaced secret: nas" in done.stdout
    assert "REVIVE   1 removed pinned value:" in done.stdout
    assert "lose     1 account, 3 names, 2 credentials, 1 newer secret" in done.stdout, done.stdout
    assert "choose: --keep-revocations (recommended) or --exactly" in done.stderr
    assert snapshot(server) == before and leftovers(server) == [] and kept_stores(server) == []
    said = json.loads(world.server.admin("--json", "restore", str(world.backup)).stdout)
    assert said["restored"] is False and said["backup"]["change"] == world.backup_seq
    assert {"kind": "name", "what": "young." + ZONE} in said["lose"]
    assert {"kind": "credential", "what": "router (%s)" % world.revoked["id"][:8]} in said["revive"]


def test_the_list_shows_each_also_while_the_server_serves(world):
    server = world.live_on().server
    shown = world.restore("--list")
    assert shown.returncode == 0, shown.stderr
    lines = [line.split(None, 1) for line in shown.stdout.splitlines()[1:]]
    assert ["lose", "name young." + ZONE] in lines
    assert ["REVIVE", "retired name gone." + ZONE] in lines
    assert leftovers(server) == []
    assert world.post(world.kept, a_value("L")).status_code == 200


def test_a_served_store_is_not_replaced(world):
    server = world.live_on().server
    for args in ((), ("--exactly",), ("--keep-revocations",)):
        done = world.restore(*args)
        assert done.returncode == 5
        assert "is in use" in done.stderr and "--list" in done.stderr
    assert world.post(world.young, a_value("E")).status_code == 200
    server.restart()
    assert world.post(world.young, a_value("F")).status_code == 200


def test_a_backup_that_loses_nothing_needs_no_choice(world):
    server = world.server
    server.stop()
    done = world.restore()
    assert done.returncode == 0, done.stderr
    assert "loses and revives nothing" in done.stdout
    server.start()
    assert world.post(world.kept, a_value("M")).status_code == 200


def test_the_store_of_before_is_kept_and_is_the_way_back(world):
    server = world.live_on().server
    server.stop()
    assert world.restore("--exactly").returncode == 0
    (kept,) = kept_stores(server)
    assert oct(os.stat(server.folder / kept).st_mode & 0o777) == "0o600"
    assert oct(os.stat(store_path(server)).st_mode & 0o777) == "0o600"
    time.sleep(1.1)  # the next one is named by the second
    back = server.admin("restore", str(server.folder / kept), "--exactly")
    assert back.returncode == 0, back.stderr
    server.start()
    assert world.post(world.young, VALUE).status_code == 200
    assert world.post(world.revoked, VALUE).status_code == 401
    assert serial(server) > world.serial
    assert "good" in server.admin("check", "store", check=True).stdout


def test_a_killed_servers_log_goes_with_its_store(world):
    server = world.live_on().server
    server.kill()
    assert (server.folder / "riposte.db-wal").stat().st_size > 0
    assert world.restore("--exactly").returncode == 0
    assert not (server.folder / "riposte.db-wal").exists() and not (server.folder / "riposte.db-shm").exists()
    (kept,) = kept_stores(server)
    assert store_row(server.folder / kept, HAS_YOUNG) == (1,)
    server.start()
    assert world.post(world.young, VALUE).status_code == 401
    assert world.post(world.revoked, VALUE).status_code == 200


def test_without_a_present_store_it_is_restored_with_a_warning(world):
    server = world.live_on().server
    server.kill()
    store_path(server).unlink()  # the log of the lost one is still there
    done = world.restore("--keep-revocations")
    assert done.returncode == 0, done.stderr
    assert "there is no store at" in done.stdout
    assert "could not be kept" in done.stderr
    server.start()
    assert world.post(world.revoked, VALUE).status_code == 200
    assert world.post(world.young, VALUE).status_code == 401


@pytest.mark.parametrize("damage", ["garbage", "torn", "newer"])
def test_a_present_store_that_cannot_be_read_is_said_and_kept(world, damage):
    server = world.live_on().server
    server.stop()
    path = store_path(server)
    if damage == "garbage":
        path.write_bytes(os.urandom(20000))
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:8192])
    else:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version=99")
    for option in (["--keep-revocations"], []):
        refused = world.restore(*option)
        assert refused.returncode == 5 and "cannot be read" in refused.stderr and "--exactly" in refused.stderr
        assert kept_stores(server) == []
    done = world.restore("--exactly")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the present store cannot be read" in done.stdout and "could not be kept" in done.stderr
    assert len(kept_stores(server)) >= 1
    server.start()
    assert world.post(world.kept, VALUE).status_code == 200
    assert serial(server) > world.backup_serial


@pytest.mark.parametrize("damage", ["garbage", "torn", "fold", "newer", "empty", "log"])
def test_a_backup_that_is_not_sound_changes_nothing(world, damage):
    server = world.live_on().server
    server.stop()
    if damage == "garbage":
        world.backup.write_bytes(os.urandom(20000))
    elif damage == "torn":
        world.backup.write_bytes(world.backup.read_bytes()[:-8192])
    elif damage == "empty":
        world.backup.write_bytes(b"")
    elif damage == "log":
        (server.folder / "backup.db-wal").write_bytes(b"x")
    else:
        with sqlite3.connect(world.backup) as db:
            db.execute("UPDATE credentials SET revoked_s = 5 WHERE id = 1" if damage == "fold" else "PRAGMA user_version=99")
    before = snapshot(server)
    done = world.restore("--exactly")
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("riposte restore: ")
    assert snapshot(server) == before and leftovers(server) == []
    server.start()
    assert world.post(world.young, VALUE).status_code == 200


def test_the_store_itself_is_no_backup(world):
    server = world.server
    server.stop()
    done = server.admin("restore", str(store_path(server)), "--exactly")
    assert done.returncode == 1 and "is the store itself" in done.stderr


def test_a_missing_backup_and_two_choices_are_refused(world):
    assert world.server.admin("restore", str(world.server.folder / "none.db")).returncode == 3
    assert world.restore("--exactly", "--list").returncode == 2
    assert world.server.admin("restore").returncode == 2


def test_tsig_keys_of_another_key_file_are_said(world):
    server = world.server
    server.admin("credential", "create", "--name", "kept", "--label", "dns", "--tsig", check=True)
    backup = server.folder / "second.db"
    server.admin("backup", str(backup), check=True)
    server.stop()
    (server.folder / "key").rename(server.folder / "key.then")
    done = server.admin("restore", str(backup), "--exactly")
    assert done.returncode == 0
    assert "1 TSIG key cannot be opened with %s, which cannot be found" % (server.folder / "key") in done.stderr
    assert not (server.folder / "key").exists()
    (server.folder / "key.then").rename(server.folder / "key")
    time.sleep(1.1)
    assert "TSIG" not in server.admin("restore", str(backup), "--exactly").stderr


# A call and how many of it are passed over between two kills.
STEPS = [("link", 1), ("rename", 1), ("unlink", 3), ("fsync", 1), ("fdatasync", 1), ("ftruncate", 1), ("pwrite64", 17)]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("step,stride", STEPS)
def test_killed_at_any_step_there_is_one_whole_store(world, step, stride):
    """At one call after the other that changes a file: what is there afterwards is the old or the new store."""
    server = world.live_on().server
    server.kill()  # so that the log is part of it
    original = {f: (server.folder / f).read_bytes() for f in os.listdir(server.folder) if f.startswith("riposte.db")}
    command = [BINARY, "-c", str(server.config_path), "restore", str(world.backup), "--exactly"]
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    outcomes = []
    for n in range(1, 1000, stride):
        for f in os.listdir(server.folder):
            if f.startswith("riposte.db"):
                (server.folder / f).unlink()
        for f, octets in original.items():
            (server.folder / f).write_bytes(octets)
        kill = "inject=%s:signal=SIGKILL:when=%d" % (step, n)
        done = subprocess.run(
            ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + step, "-e", kill, *command],
            capture_output=True,
            env=env,
            timeout=60,
        )
        assert store_path(server).exists()
        whole = server.admin("check", "store")
        assert whole.returncode == 0, (step, n, whole.stderr)
        young = store_row(store_path(server), HAS_YOUNG)[0]
        outcomes.append("old" if young else "new")
        if not young:
            assert len(kept_stores(server)) == 1
        if done.returncode == 0:
            break
    assert done.returncode == 0, "there are more steps than were tried"
    assert outcomes[0] == "old" and outcomes[-1] == "new", outcomes
    assert outcomes == sorted(outcomes, reverse=True)
    # What a killed one left does not keep the next one from working.
    server.start()
    assert world.post(world.kept, VALUE).status_code == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a small file system")
def test_on_a_full_disk_the_store_stays_as_it_is(world, tmp_path):
    server = world.live_on().server
    server.stop()
    small = tmp_path / "small"
    small.mkdir()
    size = store_path(server).stat().st_size
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % (size * 3), "tmpfs", str(small)], capture_output=True)
    if mount.returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        shutil.copy(store_path(server), small / "riposte.db")
        server.config["store"]["path"] = str(small / "riposte.db")
        server.write_config(server.config)
        failed = 0
        for room in range(0, size * 2, 32768):
            free = os.statvfs(small)
            spare = free.f_bavail * free.f_frsize - room
            if spare > 0:
                (small / "ballast").write_bytes(b"x" * spare)
            before = (small / "riposte.db").read_bytes()
            done = server.admin("restore", str(world.backup), "--exactly")
            if done.returncode == 0:
                break
            failed += 1
            assert (small / "riposte.db").read_bytes() == before
            assert sorted(f for f in os.listdir(small) if "restoring" in f or "before-restore" in f) == []
            assert server.admin("check", "store").returncode == 0 or spare > 0
            (small / "ballast").unlink(missing_ok=True)
        (small / "ballast").unlink(missing_ok=True)
        assert failed > 0
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_root_restores_as_the_services_user(world, tmp_path):
    server = world.live_on().server
    server.stop()
    os.chmod(world.backup, 0o600)
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == 0 and parent != parent.parent and "pytest" in str(parent):
            os.chmod(parent, 0o755)
    os.chmod(tmp_path, 0o755)
    shutil.chown(folder, "nobody")
    config = {**server.config, "user": "nobody", "store": {"path": str(folder / "riposte.db")}}
    server.write_config(config)
    done = world.restore()
    assert done.returncode == 0, done.stderr
    import pwd

    assert {os.stat(folder / f).st_uid for f in os.listdir(folder)} == {pwd.getpwnam("nobody").pw_uid}
    assert oct(os.stat(folder / "riposte.db").st_mode & 0o777) == "0o600"
