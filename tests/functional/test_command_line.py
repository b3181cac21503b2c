"""The command line as administrators meet it: what it prints, what it refuses and how, and its exit status."""

import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile
import uuid

import pytest

from conftest import BINARY, ZONE
from dnshelp import a_value, ask, values


def word():
    return "x" + uuid.uuid4().hex[:10]


def run(*args, **kw):
    return subprocess.run([BINARY, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **kw)


@pytest.fixture
def name(riposte):
    """A name of an account of its own, with a credential web1."""
    account, label = word(), word()
    riposte.admin("name", "create", "--account", account, "--create-account", "--label", label, check=True)
    riposte.admin("credential", "create", "--name", label, "--label", "web1", check=True)
    return label


# ---- finding the command, and help


def test_without_a_command_the_overview_is_an_error_and_with_help_it_is_not():
    without, asked = run(), run("--help")
    assert (without.returncode, without.stdout) == (2, "")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert without.stderr == asked.stdout == run("help").stdout
    assert run("--version").stdout.startswith("riposte ")


def commands():
    """Of all groups of the overview."""
    return [line[2:].split("  ")[0] for line in run("--help").stdout.splitlines() if line.startswith("  ")]


def test_the_overview_is_in_groups_and_has_nothing_twice():
    text = run("--help").stdout
    for title in ("Setting up", "Accounts, names and values", "Credentials and tokens", "Finding out", "Keeping the data"):
        assert "\n\n%s\n  " % title in text
    assert "\nMore\n" not in text  # each belongs to a group
    assert len(commands()) == len(set(commands())) > 30


@pytest.mark.parametrize("words", commands())
def test_every_command_explains_itself(words):
    done = run(*words.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("usage: riposte " + words)
    assert run("help", *words.split()).stdout == done.stdout
    shown = [line for line in done.stdout.splitlines()[1:] if "riposte " + words in line]
    assert shown or words.split()[0] in ("hook", "client"), "no example"  # those are shown in the pages of the clients
    # and refuses what it does not know, with the same usage
    wrong = run(*words.split(), "--no-such-option")
    assert wrong.returncode == 2 and wrong.stdout == ""
    assert wrong.stderr.startswith("riposte %s: no option --no-such-option" % words)
    assert wrong.stderr.splitlines()[-1].rstrip() == done.stdout.splitlines()[0]


def test_every_command_is_in_the_manual():
    manual = (pathlib.Path(__file__).resolve().parents[2] / "docs/man/riposte.8").read_text()
    missing = [words for words in commands() if ".It Ic %s" % words not in manual]
    assert missing == []


def test_the_first_word_alone_lists_the_second_ones():
    done = run("token")
    assert done.returncode == 2 and "\n  riposte token revoke ID\n" in done.stderr
    assert "\n  riposte token" in "\n" + run("token", "--help").stdout


def test_common_options_may_stand_anywhere_but_behind_two_hyphens(riposte):
    path = str(riposte.config_path)
    for args in (("-c", path, "--json", "account", "list"), ("account", "list", "--json", "--config", path),
                 ("account", "--config=" + path, "list", "--json")):
        done = run(*args)
        assert done.returncode == 0 and json.loads(done.stdout) is not None
    assert "unexpected argument" in run("-c", path, "account", "list", "--", "--json").stderr
    assert run("account", "list", "-c").returncode == 2


# ---- reaching the server


def test_a_configuration_that_is_not_there_is_said(tmp_path):
    done = run("-c", tmp_path / "riposte.yaml", "status")
    assert done.returncode == 1 and done.stdout == ""
    assert "riposte.yaml: cannot be read: No such file or directory" in done.stderr


def test_a_server_that_does_not_run_is_said(make_riposte):
    server = make_riposte(start=False)
    done = server.admin("status")
    assert done.returncode == 6 and "no server answers at " + server.config["admin"]["socket"] in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_who_may_not_use_the_socket_is_told_who_may(make_riposte):
    server = make_riposte()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="riposte-denied-"))
    try:
        folder.chmod(0o755)
        socket = folder / "admin.sock"
        config = folder / "riposte.yaml"
        binary = folder / "riposte"
        shutil.copy(BINARY, binary)
        server.config["admin"]["socket"] = str(socket)
        server.write_config(server.config)
        server.restart()
        config.write_text(server.config_yaml)
        user = pwd.getpwnam("nobody")
        done = subprocess.run([binary, "-c", config, "status"], capture_output=True, text=True, user=user.pw_uid,
                              group=user.pw_gid, extra_groups=[], timeout=60)
        assert done.returncode == 4
        assert done.stderr == ("riposte: no permission for the admin socket %s\n"
                               "  run this as root, or join the group that admin.group names\n" % socket)
    finally:
        server.stop()
        shutil.rmtree(folder)


def test_trouble_with_the_admin_socket_is_put_down_to_its_key(riposte, make_riposte):
    other = make_riposte(start=False)
    other.config["admin"]["socket"] = riposte.config["admin"]["socket"]
    other.write_config(other.config)
    done = run("serve", "-c", other.config_path)
    line = next(i for i, text in enumerate(other.config_yaml.splitlines(), 1) if "admin.sock" in text)
    assert done.returncode == 1
    assert "riposte.yaml:%d:" % line in done.stderr and ": admin.socket: cannot bind unix:" in done.stderr


# ---- accounts and names


def test_an_account_is_made_on_the_way_only_when_it_is_said(riposte):
    account = word()
    refused = riposte.admin("name", "create", "--account", account, "--domain", "shop.example.com")
    assert refused.returncode == 3 and account in refused.stderr
    assert riposte.admin("account", "show", account).returncode == 3
    args = ("name", "create", "--account", account, "--create-account")
    assert riposte.admin(*args, check=True).stdout.startswith("name    ")
    riposte.admin("account", "set", account, "--note", "kept", check=True)
    riposte.admin(*args, check=True)
    shown = riposte.admin("account", "show", account, check=True).stdout
    assert "names    2" in shown and "note     kept" in shown


def test_a_name_is_retired_only_when_somebody_says_yes(riposte, name):
    done = riposte.admin("name", "delete", name)
    assert done.returncode == 1 and done.stdout == ""
    assert "%s.%s" % (name, ZONE) in done.stderr and "--yes" in done.stderr
    assert riposte.admin("name", "delete", name, "--yes", check=True).stdout.startswith("retired %s.%s;" % (name, ZONE))
    assert "RETIRED" in riposte.admin("name", "show", "%s.%s" % (name, ZONE), check=True).stdout
    assert riposte.admin("name", "delete", "nowhere-at-all", "--yes").returncode == 3


@pytest.mark.parametrize("words", [["account", "set", "a"], ["name", "set", "a"], ["credential", "set", "a", "--name", "b"]])
def test_a_change_of_nothing_is_a_mistake(words):
    done = run(*words)
    assert done.returncode == 2 and "what is to change?" in done.stderr


# ---- credentials


def test_a_credential_without_a_label_is_called_by_the_beginning_of_its_id(riposte):
    account = riposte.register()
    assert riposte.update(account, a_value()).status_code == 200
    short = account["username"][:8]
    traced = riposte.admin("trace", account["fulldomain"], check=True).stdout
    (added,) = [line for line in traced.splitlines() if "value-added" in line]
    assert "acme-dns %s " % short in added
    assert " %s " % short in riposte.admin("value", "list", account["fulldomain"], check=True).stdout
    revoked = riposte.admin("credential", "revoke", account["username"], check=True).stdout
    assert revoked.startswith("revoked %s (%s)\nlast used: " % (short, account["username"]))
    assert " from 127.0.0.1 (acme-dns)\n" in revoked


def test_forms_for_clients(riposte, name):
    def create(form, *more):
        return riposte.admin("credential", "create", "--name", name, "--label", word(), "--as", form, *more)

    env = dict(line.split("=", 1) for line in create("env").stdout.splitlines())
    stored = {key: value.strip("'") for key, value in env.items()}
    assert stored["ACMEDNS_BASE_URL"] == riposte.http_url and stored["ACMEDNS_SUBDOMAIN"] == name
    entry = {"username": stored["ACMEDNS_USERNAME"], "password": stored["ACMEDNS_PASSWORD"], "subdomain": name}
    assert riposte.update(entry, a_value()).status_code == 200
    assert riposte.update(json.loads(create("acme-dns").stdout), a_value()).status_code == 200
    made = create("lego")
    assert riposte.update(json.loads(made.stdout)["YOUR.DOMAIN"], a_value()).status_code == 200
    assert "set api.base-url" in made.stderr, "loopback is of no use to other machines"
    assert create("lego", "--quiet").stderr == ""
    assert json.loads(create("cert-manager").stdout)["YOUR.DOMAIN"]["subdomain"] == name
    assert create("acme.sh").stdout.startswith("ACMEDNS_BASE_URL='")
    caddy = create("caddy").stdout.split()
    assert caddy[:3] == ["dns", "acmedns", "{"] and caddy[-1] == "}"
    entry = dict(zip(caddy[3:-1:2], caddy[4:-1:2]))
    assert entry["server_url"] == riposte.http_url and riposte.update(entry, a_value()).status_code == 200
    wrong = create("posh-acme")
    assert wrong.returncode == 2 and "not one of: lego, cert-manager, caddy, acme-dns, acme.sh, httpreq, rfc2136, env" in wrong.stderr
    assert create("env", "--json").returncode == 2


# ---- JSON


def test_everything_is_json_when_asked(riposte, name, tmp_path):
    value, account = a_value(), word()

    def as_json(*args):
        done = riposte.admin("--json", "--yes", *args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert as_json("status")["version"]
    assert as_json("check", "config")["ok"] is True
    assert as_json("check", "store")["ok"] is True
    assert as_json("reload") == {"notes": ""}
    assert as_json("account", "create", account)["account"] == account
    assert as_json("account", "set", account, "--note", "n")["note"] == "n"
    assert as_json("account", "disable", account)["disabled"] is True
    assert as_json("account", "enable", account)["disabled"] is False
    assert as_json("account", "show", account)["account"] == account
    assert account in [a["account"] for a in as_json("account", "list")]
    assert as_json("account", "delete", account) == {"done": True}
    assert as_json("name", "set", name, "--domain", "+%s.example.com" % name)["domains"] == ["%s.example.com" % name]
    assert as_json("name", "show", name)["label"] == name
    assert name in [n["label"] for n in as_json("name", "list")]
    assert as_json("value", "add", name, "--", value)["added"] == 1
    assert as_json("value", "list", name)["items"][0]["value"] == value
    assert as_json("trace", name)["items"]
    assert as_json("value", "remove", name, "--", value)["removed"] == 1
    assert as_json("credential", "list", "--name", name)[0]["label"] == "web1"
    assert as_json("credential", "show", "web1", "--name", name)["label"] == "web1"
    assert as_json("credential", "create", "--name", name, "--label", "web2")["secret"]
    assert as_json("credential", "create", "--name", name, "--label", "web3", "--as", "lego")
    assert as_json("credential", "set", "web2", "--name", name, "--networks", "192.0.2.0/24")["networks"] == ["192.0.2.0/24"]
    assert as_json("credential", "rotate", "web2", "--name", name)["secret"]
    assert as_json("credential", "revoke", "web2", "--name", name)["label"] == "web2"
    owner = as_json("name", "show", name)["account"]
    token = as_json("token", "create", "--account", owner)
    assert token["secret"].startswith("rpt_")
    assert as_json("token", "show", str(token["token"]))["account"] == owner
    assert token["token"] in [t["token"] for t in as_json("token", "list")]
    assert as_json("token", "revoke", str(token["token"]))
    assert isinstance(as_json("refusals"), list)
    backup = as_json("backup", str(tmp_path / "copy.db"))
    assert backup["octets"] == (tmp_path / "copy.db").stat().st_size and backup["names"] >= 1 and backup["changes"] > 1
    assert as_json("name", "delete", name) == {"done": True}
    made = run("init", "auth.example.net", "--address", "192.0.2.1", "--output", tmp_path / "made.yaml", "--json")
    assert json.loads(made.stdout) == {"file": str(tmp_path / "made.yaml"), "parent-records": [
        "auth.example.net.     86400 IN NS   ns1.auth.example.net.", "ns1.auth.example.net. 86400 IN A    192.0.2.1"]}


# ---- tables


def test_what_a_trace_says_stands_in_columns(riposte, name):
    value = a_value()
    riposte.admin("value", "add", name, "--", value, check=True)
    ask(riposte, "%s.%s" % (name, ZONE))
    ask(riposte, "%s.%s" % (name, ZONE), "CAA", tcp=True, edns=None)
    lines = riposte.admin("trace", name, check=True).stdout.splitlines()
    assert lines[0] == "%s.%s" % (name, ZONE)
    columns = [lines[1].index(word) for word in ("WHEN (UTC)", "FROM", "BY", "ASKED OR DONE", "TOLD")]
    for line in lines[2:]:
        assert all(column == 0 or line[column - 2 : column] == "  " for column in columns), line
    assert any("udp 1232  " in line and "TXT  " in line and "NOERROR, 1 record, serial " in line for line in lines)
    assert any("  tcp " in line and "NODATA, serial " in line for line in lines)
    assert any("value-added %s…%s" % (value[:4], value[-4:]) in line for line in lines)


def test_a_long_reason_is_shown_whole(riposte):
    account, other = riposte.register(), riposte.register()
    reply = riposte.update({**account, "subdomain": other["subdomain"]}, a_value())
    shown = riposte.admin("refusals", "--request", reply.headers["Riposte-Request"], check=True).stdout
    (one,) = riposte.admin_json("refusals", "--request", reply.headers["Riposte-Request"])
    assert one["detail"] in shown and len(one["detail"]) > 100
