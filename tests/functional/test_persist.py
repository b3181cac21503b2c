"""Pinned values, records of dns-persist-01, and the label of dns-account-01, as an administrator makes them."""

import datetime
import json
import re
import subprocess
import uuid

import pytest

from conftest import BINARY, ZONE
from dnshelp import a_value, values

URL = "https://acme-v02.api.letsencrypt.org/acme/acct/1234"
EXAMPLE = "https://ca.example/acct/123"  # of the draft
THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def run(*args):
    return subprocess.run([BINARY, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def in_days(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%d")


@pytest.fixture
def name(riposte):
    """A name at which one domain is pointed, named as the label is."""
    label = "x" + uuid.uuid4().hex[:10]
    riposte.admin("name", "create", "--account", "team", "--create-account", "--label", label, "--domain", label + ".example.com",
                  check=True)
    return label


def served(riposte, name):
    return list(values(riposte, "%s.%s" % (name, ZONE)))


# ---- pinning


def test_a_pinned_text_is_served_until_it_is_unpinned(riposte, name):
    text = "any text at all, " + "x" * 300  # more than one character-string
    done = riposte.admin("value", "pin", name, text)
    assert done.returncode == 0 and re.fullmatch(r"pinned; serial \d+\n", done.stdout)
    assert served(riposte, name) == [text]
    (item,) = riposte.admin_json("value", "list", name)["items"]
    assert item["claims"][0]["pinned"] is True and item["claims"][0]["expires"] is None
    shown = riposte.admin("value", "list", name, check=True).stdout
    assert "pinned" in shown and text in shown
    assert text in riposte.admin("name", "show", name, check=True).stdout
    again = riposte.admin("value", "pin", name, text)
    assert again.returncode == 0 and again.stdout.startswith("was there, and is pinned")
    done = riposte.admin("value", "unpin", name, text)
    assert done.returncode == 0 and done.stdout.startswith("removed; serial ")
    assert served(riposte, name) == []


def test_only_what_is_pinned_is_unpinned(riposte, name):
    value = a_value()
    riposte.admin("value", "add", name, "--", value, check=True)
    done = riposte.admin("value", "unpin", name, "--", value)
    assert done.returncode == 3 and "that text is not pinned at " + name in done.stderr
    assert served(riposte, name) == [value]
    assert riposte.admin("value", "unpin", name, "never there").returncode == 3


def test_a_pinned_value_may_be_a_challenge_and_takes_half_of_the_room_at_most(riposte, name):
    value = a_value()
    riposte.admin("value", "pin", name, "--", value, check=True)
    assert served(riposte, name) == [value]
    done = riposte.admin("value", "pin", name, "x" * 1790)
    assert done.returncode == 4 and "may be pinned" in done.stderr
    assert riposte.admin("value", "pin", "nowhere", "x").returncode == 3


# ---- dns-persist-01


def test_a_record_is_built_pinned_and_pointed_at(riposte, name):
    until = in_days(200)
    done = riposte.admin("value", "persist", name, "--issuer", "letsencrypt.org", "--account-uri", URL, "--until", until)
    at = int(datetime.datetime.fromisoformat(until + "T00:00:00+00:00").timestamp())
    record = "letsencrypt.org; accounturi=%s; persistUntil=%d" % (URL, at)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines() == [
        "pinned  " + record,
        "CNAME   _validation-persist.%s.example.com. IN CNAME %s.%s." % (name, name, ZONE)]
    assert served(riposte, name) == [record]
    assert riposte.admin_json("value", "list", name)["items"][0]["claims"][0]["pinned"] is True


def test_a_wildcard_without_an_end(riposte, name):
    done = riposte.admin("value", "persist", name + ".example.com", "--issuer", "letsencrypt.org", "--account-uri", URL, "--wildcard")
    assert done.returncode == 0
    assert served(riposte, name) == ["letsencrypt.org; accounturi=%s; policy=wildcard" % URL]


@pytest.mark.parametrize("domain, digest", [("example.com", "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"),
                                            ("*", "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug")])
def test_the_hashed_form_has_the_digest_of_the_draft(riposte, name, domain, digest):
    done = riposte.admin("value", "persist", name, "--issuer", "ca.example", "--account-uri", EXAMPLE, "--thumbprint", THUMBPRINT,
                         "--hash-prefix", "https://ca.example/hash/", "--domain", domain)
    assert done.returncode == 0, done.stderr
    assert served(riposte, name) == ["ca.example; accounturi=https://ca.example/hash/sha-256/" + digest]


def test_the_hash_is_of_the_one_domain_of_the_name(riposte, name):
    args = ("value", "persist", name, "--issuer", "ca.example", "--account-uri", EXAMPLE, "--thumbprint", THUMBPRINT,
            "--hash-prefix", "https://ca.example/hash/")
    riposte.admin(*args, check=True)
    riposte.admin(*args, "--domain", name + ".example.com", check=True)
    assert len(served(riposte, name)) == 1  # twice the same
    riposte.admin("name", "set", name, "--domain", "+other.example.com", check=True)
    done = riposte.admin(*args)
    assert done.returncode == 2 and "the name has none or several: which? --domain D" in done.stderr


@pytest.mark.parametrize("args, says", [
    (["--issuer", "letsencrypt.org"], "--issuer and --account-uri are needed"),
    (["--account-uri", URL], "--issuer and --account-uri are needed"),
    (["--issuer", "LetsEncrypt.org", "--account-uri", URL], "issuer: "),
    (["--issuer", "letsencrypt.org.", "--account-uri", URL], "issuer: "),
    (["--issuer", "letsencrypt.org", "--account-uri", "no uri"], "accounturi: "),
    (["--issuer", "letsencrypt.org", "--account-uri", URL + ";x"], "accounturi: "),
    (["--issuer", "letsencrypt.org", "--account-uri", "https://x/" + "x" * 2000], "longer than 1024"),
    (["--issuer", "letsencrypt.org", "--account-uri", URL, "--until", "2020-01-01"], "--until 2020-01-01 is in the past"),
    (["--issuer", "letsencrypt.org", "--account-uri", URL, "--until", "soon"], "a time is 90d"),
    (["--issuer", "letsencrypt.org", "--account-uri", URL, "--thumbprint", THUMBPRINT], "needs both"),
    (["--issuer", "letsencrypt.org", "--account-uri", URL, "--domain", "example.com"], "--domain is for the hash"),
    (["--issuer", "letsencrypt.org", "--account-uri", URL, "--thumbprint", "short", "--hash-prefix", "https://x/"], "thumbprint"),
])
def test_what_no_authority_would_take_is_refused(riposte, name, args, says):
    done = riposte.admin("value", "persist", name, *args)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert served(riposte, name) == []


def test_a_record_that_is_about_to_lapse_is_told_and_marked(riposte, name):
    soon = in_days(10)
    done = riposte.admin("value", "persist", name, "--issuer", "letsencrypt.org", "--account-uri", URL, "--until", soon)
    assert done.returncode == 0 and "WARNING: letsencrypt.org takes this record until %s only, " % soon in done.stderr
    for words in (("value", "list"), ("name", "show")):
        assert "WARNING: letsencrypt.org takes this record until " + soon in riposte.admin(*words, name, check=True).stdout
    # one that has ended may be pinned only as a text
    done = riposte.admin("value", "pin", name, "ca.example; accounturi=%s; persistUntil=1500000000" % URL)
    assert done.returncode == 0 and "takes this record no more since 2017-07-14" in done.stderr
    assert "takes this record no more since 2017-07-14" in riposte.admin("value", "list", name, check=True).stdout


def test_the_status_names_records_that_are_about_to_lapse(make_riposte):
    server = make_riposte()
    server.admin("name", "create", "--account", "team", "--create-account", "--label", "shop", check=True)
    persist = ("value", "persist", "shop", "--account-uri", URL, "--issuer")
    server.admin(*persist, "stands.example", "--until", in_days(40), check=True)
    server.admin(*persist, "for-ever.example", check=True)
    assert server.admin_json("status")["lapsing"] == []
    assert "WARNING" not in server.admin("status", check=True).stdout
    server.admin(*persist, "soon.example", "--until", in_days(5), check=True)
    server.admin("value", "pin", "shop", "ended.example; accounturi=%s; persistUntil=1500000000" % URL, check=True)
    server.admin("value", "pin", "shop", "no record at all; persistUntil=1500000000", check=True)
    lapsing = server.admin_json("status")["lapsing"]
    assert [(one["name"], one["issuer"]) for one in lapsing] == [("shop." + ZONE, "soon.example"), ("shop." + ZONE, "ended.example")]
    assert lapsing[0]["until"] == in_days(5) + "T00:00:00Z" and lapsing[1]["until"] == "2017-07-14T02:40:00Z"
    status = server.admin("status", check=True).stdout
    assert "WARNING   the dns-persist record at shop.%s for soon.example lapses in 4 d: riposte value list shop.%s" % (ZONE, ZONE) in status
    assert "for ended.example lapsed " in status
    for i in range(25):  # some of them, when they are many
        server.admin("name", "create", "--account", "team", "--label", "n%d" % i, check=True)
        server.admin("value", "pin", "n%d" % i, "ended.example; accounturi=%s; persistUntil=1500000000" % URL, check=True)
    assert len(server.admin_json("status")["lapsing"]) == 20


def test_an_older_record_of_the_same_account_is_named(riposte, name):
    args = ("value", "persist", name, "--issuer", "letsencrypt.org", "--account-uri", URL, "--until")
    riposte.admin(*args, in_days(100), check=True)
    (older,) = served(riposte, name)
    done = riposte.admin(*args, in_days(400), check=True)
    (note,) = done.stderr.splitlines()
    assert note == "note: an older record of that account stays until: riposte value unpin %s.%s '%s'" % (name, ZONE, older)
    riposte.admin("value", "unpin", name, older, check=True)
    assert len(served(riposte, name)) == 1


def test_a_name_of_several_domains_permits_the_account_for_all(riposte, name):
    riposte.admin("name", "set", name, "--domain", "+two.%s.example.com" % name, check=True)
    done = riposte.admin("value", "persist", name, "--issuer", "letsencrypt.org", "--account-uri", URL)
    assert "for each of the 2 domains" in done.stderr
    assert done.stdout.count("IN CNAME") == 2


# ---- dns-account-01


def test_the_label_of_an_account_needs_no_server():
    url = "https://example.com/acme/acct/ExampleAccount"  # of the draft
    done = run("value", "account-label", url)
    assert done.returncode == 0
    assert done.stdout == "label   _ujmmovf2vn55tgye\nCNAME   _ujmmovf2vn55tgye._acme-challenge.YOUR.DOMAIN. IN CNAME NAME.\n"
    assert run("--quiet", "value", "account-label", url).stdout == "_ujmmovf2vn55tgye\n"
    assert json.loads(run("--json", "value", "account-label", url).stdout) == {
        "label": "_ujmmovf2vn55tgye", "prefix": "_ujmmovf2vn55tgye._acme-challenge"}
    for wrong in ("http://example.com/acct", "ExampleAccount", "", "https://example.com/a b"):
        done = run("value", "account-label", wrong)
        assert done.returncode == 2 and "accepted: " in done.stderr
