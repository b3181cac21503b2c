"""The commands that need no server: riposte init, riposte check config, and what the configuration looks like to them."""

import json
import os
import pathlib
import stat
import subprocess

import pytest
import yaml

from conftest import BINARY, ROOT

ZONE = """zones:
  - origin: auth.example.org
    contact: hostmaster@example.org
    name-servers:
      - name: ns1.auth.example.org
        addresses: ["203.0.113.10"]
"""


def riposte(*args, env=None, cwd=None):
    return subprocess.run(
        [BINARY, *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **(env or {})},
        cwd=cwd,
    )


def check(tmp_path, text, *args, env=None):
    path = tmp_path / "riposte.yaml"
    path.write_text(text)
    return path, riposte("check", "config", "-c", path, *args, env=env)


# ---- check config


def test_a_good_file_is_summed_up_in_one_line(tmp_path):
    path, done = check(tmp_path, ZONE)
    assert done.returncode == 0
    assert done.stdout == "%s: good: zone auth.example.org; 2 addresses for DNS, 1 for the API\n" % path
    assert done.stderr == ""


def test_quiet_says_nothing_about_a_good_file(tmp_path):
    _, done = check(tmp_path, ZONE, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_sample_is_good():
    done = riposte("check", "config", "-c", ROOT / "etc" / "riposte.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_errors_are_shown_at_once_in_the_order_of_the_file(tmp_path):
    text = ZONE.replace("contact:", "contacts:") + (
        '    records: ["@ 300 IN A 203.0.113.10", "www 300 IN A 1.2.3.400"]\n'
        "values:\n"
        "  lifetime: 24\n"
        "registration:\n"
        "  allow: true\n"
    )
    path, done = check(tmp_path, text)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        '%s:2:5: zones[0].contact: missing; write for example contact: hostmaster@example.org' % path,
        '%s:3:5: zones[0]: unknown key "contacts"; did you mean "contact"?' % path,
        '%s:7:42: zones[0].records[1]: "www 300 IN A 1.2.3.400": not an IPv4 address' % path,
        '%s:9:13: values.lifetime: "24": a time needs a unit: 24h, 30m, 45s' % path,
        '%s:11:10: registration.allow: "true" is not one of: none, token, networks, anyone' % path,
        "5 errors",
    ]


def test_one_error_is_one_error(tmp_path):
    _, done = check(tmp_path, ZONE + "trace: x\n")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 error"


def test_a_yaml_error_has_its_place_and_a_hint(tmp_path):
    path, done = check(tmp_path, ZONE + "dns:\n  listen: [::1]:53\n")
    assert done.returncode == 1
    assert done.stdout.startswith("%s:8:12: YAML: " % path)
    assert 'addresses are always quoted: "[::1]:53"' in done.stdout


def test_the_way_out_of_plain_http_is_said_twice(tmp_path):
    _, done = check(tmp_path, ZONE + 'api: {listen: [{address: "0.0.0.0:80"}]}\n')
    assert done.returncode == 1
    assert "tls: files" in done.stdout and "plaintext: allow" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 error"


def test_addresses_of_other_machines_are_a_note(tmp_path):
    path, done = check(tmp_path, ZONE + 'dns:\n  listen: ["127.0.0.1:53", "203.0.113.10:53"]\n')
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == (
        "%s:8:28: note: dns.listen[1]: 203.0.113.10:53 is no address of this machine at present" % path
    )


def test_json_has_errors_as_a_list(tmp_path):
    path, done = check(tmp_path, ZONE + "trace: x\nuser: $\n", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert [line.split(": ")[0] for line in found["errors"]] == ["%s:7:8" % path, "%s:8:7" % path]
    assert found["notes"] == []


def test_the_environment_is_used_and_missed(tmp_path):
    text = ZONE.replace("auth.example.org", "${RIPOSTE_TEST_ZONE}")
    _, done = check(tmp_path, text, env={"RIPOSTE_TEST_ZONE": "a.example"})
    assert done.returncode == 0, done.stdout
    assert "zone a.example;" in done.stdout
    path, done = check(tmp_path, text)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        "%s:2:13: zones[0].origin: ${RIPOSTE_TEST_ZONE} is not set; set it in the environment, "
        "or write ${RIPOSTE_TEST_ZONE:-text}" % path
    )


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_file_that_cannot_be_read(tmp_path, what):
    path = tmp_path if what == "folder" else tmp_path / "nothing.yaml"
    done = riposte("check", "config", "-c", path)
    assert done.returncode == 1
    assert done.stdout.startswith("%s: cannot be read: " % path)


def test_a_hostile_file_is_refused_quickly(tmp_path):
    deep = "a: " + "[" * 500000
    laughs = "a0: &a0 [x]\n" + "".join("a%d: &a%d [%s]\n" % (i, i, ", ".join(["*a%d" % (i - 1)] * 9)) for i in range(1, 20))
    many = "".join("k%d: 1\n" % i for i in range(60000))
    for text in (deep, laughs, many, "\x00" * 1000, "{" * 1000, "- " * 10000, '"' * 9999):
        _, done = check(tmp_path, text)
        assert done.returncode == 1
        assert "error" in done.stdout


# ---- init


def init(tmp_path, *args):
    path = tmp_path / "etc" / "riposte.yaml"
    return path, riposte("init", *args, "--output", path)


def test_init_writes_a_file_that_is_good_and_says_what_is_next(tmp_path):
    path, done = init(
        tmp_path, "auth.example.org", "--address", "203.0.113.10", "--address", "2001:db8::10", "--contact", "me@example.net"
    )
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    lines = done.stdout.splitlines()
    assert lines[0].startswith("wrote %s (mode 0640" % path)
    assert "put these records into example.org, at whoever serves it:" in done.stdout
    assert "   auth.example.org.     86400 IN NS   ns1.auth.example.org." in lines
    assert "   ns1.auth.example.org. 86400 IN A    203.0.113.10" in lines
    assert "   ns1.auth.example.org. 86400 IN AAAA 2001:db8::10" in lines

    written = yaml.safe_load(path.read_text())
    assert written["zones"] == [
        {
            "origin": "auth.example.org",
            "contact": "me@example.net",
            "name-servers": [{"name": "ns1.auth.example.org", "addresses": ["203.0.113.10", "2001:db8::10"]}],
            "records": [],
            "caa": [],
            "challenge-caa": "none",
            "negative-ttl": "0s",
            "soa-minimum": "300s",
        }
    ]
    assert written["dns"]["listen"] == ["0.0.0.0:53", "[::]:53"]  # not addresses of this machine
    assert riposte("check", "config", "-c", path).returncode == 0


def test_init_listens_on_this_machines_own_addresses(tmp_path):
    path, done = init(tmp_path, "auth.example.org", "--address", "127.0.0.1")
    assert done.returncode == 0
    assert yaml.safe_load(path.read_text())["dns"]["listen"] == ["127.0.0.1:53"]


def test_init_without_contact_takes_the_parents_hostmaster(tmp_path):
    path, done = init(tmp_path, "a.b.example.org", "--address", "127.0.0.1")
    assert done.returncode == 0
    assert yaml.safe_load(path.read_text())["zones"][0]["contact"] == "hostmaster@b.example.org"


def test_init_writes_the_sample_itself(tmp_path):
    path, done = init(tmp_path, "auth.example.org", "--address", "203.0.113.10", "--address", "2001:db8::10")
    assert done.returncode == 0
    assert path.read_text() == (ROOT / "etc" / "riposte.yaml").read_text()


def test_init_never_overwrites(tmp_path):
    path, done = init(tmp_path, "auth.example.org", "--address", "127.0.0.1")
    assert done.returncode == 0
    path.write_text("mine\n")
    _, done = init(tmp_path, "auth.example.org", "--address", "127.0.0.1")
    assert done.returncode == 5
    assert "is there already" in done.stderr
    assert path.read_text() == "mine\n"


def test_init_makes_one_folder_and_not_more(tmp_path):
    done = riposte("init", "auth.example.org", "--address", "127.0.0.1", "--output", tmp_path / "a" / "b" / "r.yaml")
    assert done.returncode == 1
    assert not (tmp_path / "a").exists()


def test_init_to_standard_output(tmp_path):
    done = riposte("init", "auth.example.org", "--address", "127.0.0.1", "--output", "-", cwd=tmp_path)
    assert done.returncode == 0
    assert yaml.safe_load(done.stdout)["zones"][0]["origin"] == "auth.example.org"
    assert "Next:" in done.stderr
    assert "3. riposte check zone" in done.stderr
    assert list(pathlib.Path(tmp_path).iterdir()) == []


@pytest.mark.parametrize(
    "args, says",
    [
        ([], "the ORIGIN is missing"),
        (["auth.example.org"], "--address is missing"),
        (["auth.example.org", "--address"], "--address needs a value"),
        (["auth.example.org", "--address", "localhost"], 'not an IPv4 or IPv6 address: "localhost"'),
        (["auth.example.org", "--address", "::1", "--address", "0::1"], 'this address is there twice: "0::1"'),
        (["auth.example.org", "b", "--address", "::1"], 'unexpected argument "b"'),
        (["auth.example.org", "--adress", "::1"], "no option --adress; did you mean --address?"),
        ([".", "--address", "::1"], "the root cannot be a zone of this server"),
        (["a..b", "--address", "::1"], "not a domain name"),
        (["a.b", "--address", "::1", "--contact", "nobody"], "a mail address is wanted"),
    ],
)
def test_init_explains_wrong_usage(tmp_path, args, says):
    path = tmp_path / "riposte.yaml"
    done = riposte("init", "--output", path, *args)
    assert done.returncode == 2
    assert says in done.stderr
    assert not path.exists()
