"""The public test suites for authoritative servers find nothing that one server can avoid. They insist on port 53 and public
addresses, so this builds a second small internet with addresses that look public; they exist in the namespace only."""

import json
import os
import subprocess

import pytest
import requests

import world

PARENT, NS1, NS2 = "198.41.0.4", "45.90.10.53", "45.90.11.53"

pytestmark = pytest.mark.skipif(os.environ.get("RIPOSTE_LONG") != "1", reason="part of scripts/test --long")

# What no server of DNS can mend: reverse zones of the addresses, a signed parent, a second address family.
UNAVOIDABLE = {
    "NAMESERVER_IP_WITHOUT_REVERSE", "NEITHER_DNSKEY_NOR_DS", "NOT_SIGNED", "NO_IPV6_NS_CHILD", "NO_IPV6_NS_DEL",
}


@pytest.fixture(scope="module")
def zone(tmp_path_factory):
    """A delegated zone with a name that holds 12 values; gives the folder and the name."""
    world.need_namespace()
    folder = tmp_path_factory.mktemp("suites")
    for addr in (PARENT, NS1, NS2):
        subprocess.run(["ip", "addr", "add", addr + "/32", "dev", "lo"], check=True)
    parent = world.Parent(folder, addr=PARENT, name_servers=(NS1, NS2))
    parent.start()
    config = {
        "zones": [
            {
                "origin": world.ZONE,
                "contact": "hostmaster@example.org",
                "name-servers": [
                    {"name": "ns1." + world.ZONE, "addresses": [NS1]},
                    {"name": "ns2." + world.ZONE, "addresses": [NS2]},
                ],
                "records": ["@ 300 IN A " + NS1, "@ IN MX 0 .", '@ IN TXT "v=spf1 -all"'],
            }
        ],
        "dns": {"listen": [NS1 + ":53", NS2 + ":53"]},
    }
    server = world.Server(folder, config)
    account = server.register()
    for i in range(12):
        requests.post(
            world.API_URL + "/update",
            json={"subdomain": account["subdomain"], "txt": ("value%02d" % i).ljust(43, "_")},
            headers={"X-Api-User": account["username"], "X-Api-Key": account["password"]},
            timeout=10,
        ).raise_for_status()
    yield folder, account["fulldomain"]
    server.stop()
    parent.stop()
    for addr in (PARENT, NS1, NS2):
        subprocess.run(["ip", "addr", "del", addr + "/32", "dev", "lo"], check=True)


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_zonemaster_finds_nothing_avoidable(zone):
    folder, _ = zone
    (folder / "hints").write_text(". 3600000 NS ns.parent.test.\nns.parent.test. 3600000 A %s\n" % PARENT)
    report = run("zonemaster-cli", "--hints", folder / "hints", "--no-ipv6", "--raw", "--level=NOTICE", world.ZONE)
    findings = [line.split() for line in report.splitlines() if line.strip()]
    assert findings, "Zonemaster looked at nothing"
    avoidable = [f for f in findings if len(f) > 2 and f[2] not in UNAVOIDABLE]
    assert not avoidable, report


def test_dnsviz_finds_nothing(zone):
    folder, name = zone
    missing = "missing." + world.ZONE
    run("dnsviz", "probe", "-A", "-E", "-d", "0", "-x", "%s+:ns1.%s=%s,ns2.%s=%s" % (world.ZONE, world.ZONE, NS1, world.ZONE, NS2),
        "-R", "SOA,NS,A,AAAA,TXT,CAA,DNSKEY", "-o", folder / "probe.json", world.ZONE, name, missing)
    everything = json.loads(run("dnsviz", "grok", "-P", "-r", folder / "probe.json") or "{}")
    assert world.ZONE + "." in everything and name + "." in everything, "dnsviz looked at nothing"
    trouble = run("dnsviz", "grok", "-P", "-l", "warning", "-r", folder / "probe.json").strip()
    assert trouble in ("", "{}"), trouble
