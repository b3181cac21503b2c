"""Two zones with everything that questions may meet; read by all test_dns*.py, changed by none of them."""

from conftest import ZONE, Riposte
from dnshelp import Client, a_value

OTHER = "acme.example.net"
COUNTS = (1, 7, 8, 20, 21, 64)
LABEL_63 = "a" * 63
# As many one-octet labels as fit in front of the zone: 18 octets of its own, 255 in all.
MANY_LABELS = ".".join("abcdefghijklmnopqrstuvwxyz"[i % 26] for i in range((255 - len(ZONE) - 2) // 2))
BIG_TXTS = 224  # 12 + 256 octets each, 60,000 at most in one set
MIXED_CASE = "v=DKIM1; p=AbCdEFgHiJkLmNoPqRsTuVwXyZ"

STATIC = [
    "@ 300 IN A 203.0.113.10",
    "@ 300 IN AAAA 2001:db8::10",
    "@ 600 IN MX 10 mail.example.org.",
    '@ 600 IN TXT "v=spf1 -ALL" "Second STRING"',
    "www 300 IN A 203.0.113.11",
    "www 300 IN A 203.0.113.12",
    "www 300 IN AAAA 2001:db8::11",
    'dkim 60 IN TXT "%s"' % MIXED_CASE,
    "_sip._tcp 60 IN SRV 10 20 5060 www",
    # Type 64 is SVCB: priority 1, target ".", alpn "h2"
    "svc 60 IN TYPE64 \\# 10 00010000010003026832",
    "alias1 60 IN CNAME alias2",
    "alias2 120 IN CNAME www",
    "outside 60 IN CNAME www.example.com.",
    "other 60 IN CNAME www.%s." % OTHER,
    "dangling 60 IN CNAME nothing-here",
    "empty 60 IN CNAME y.deep",
    "loop1 60 IN CNAME loop2",
    "loop2 60 IN CNAME loop1",
    "itself 60 IN CNAME itself",
    "w.x.y.deep 60 IN A 203.0.113.13",
    "%s 60 IN A 203.0.113.14" % LABEL_63,
    "%s 60 IN A 203.0.113.15" % MANY_LABELS,
    "odd\\046dot\\000\\255 60 IN A 203.0.113.16",
] + ['big 60 IN TXT "%s"' % ("%03d" % i + "x" * 252) for i in range(BIG_TXTS - 1)]

CONFIG = {
    "zones": [
        {
            "origin": ZONE,
            "contact": "host.master@example.org",
            "name-servers": [
                {"name": "ns1." + ZONE, "addresses": ["203.0.113.10", "2001:db8::10"]},
                {"name": "ns2." + ZONE, "addresses": ["203.0.113.20"]},
                {"name": "ns.example.com"},
            ],
            "records": STATIC,
            "caa": ['0 issue "letsencrypt.org; validationmethods=dns-01"', '0 iodef "mailto:Sec@example.org"'],
        },
        {
            "origin": OTHER,
            "contact": "hostmaster@example.org",
            "name-servers": [{"name": "ns1." + ZONE}],
            "records": ["www 60 IN A 203.0.113.30"],
            "challenge-caa": "deny",
            "negative-ttl": "10m",
            "soa-minimum": "300s",
        },
    ],
    "values": {"ttl": "1s"},
}


class World:
    def __init__(self, folder):
        self.server = Riposte(folder, CONFIG)
        self.server.start()
        self.client = Client(self.server.dns_addr)
        self.zone = ZONE
        self.other = OTHER
        self.valueless = self.server.register()["fulldomain"]
        self.values = {}  # of each name, in the order in which they were added
        self.holding = {}  # the name that holds so many
        for n in COUNTS:
            account = self.server.register()
            name = account["fulldomain"]
            self.holding[n] = name
            self.values[name] = [a_value() for _ in range(n)]
            for value in self.values[name]:
                assert self.server.update(account, value).status_code == 200
        self.server.admin("account", "create", "tests", check=True)
        self.denied = self.create("denied", "--zone", OTHER)
        self.add(self.denied, a_value())
        self.deep = self.create("leaf.of.a.branch")
        self.add(self.deep, a_value())
        self.retired = self.create("retired")
        self.retired_deep = self.create("below.retired-branch")
        for name in (self.retired, self.retired_deep):
            self.server.admin("name", "delete", name, "--yes", check=True)

    def create(self, label, *more):
        made = self.server.admin_json("name", "create", "--account", "tests", "--label", label, *more)
        return made["name"]

    def add(self, name, *texts):
        self.server.admin("value", "add", name, "--", *texts, check=True)
        self.values.setdefault(name, []).extend(texts)

    def stop(self):
        self.client.close()
        self.server.stop()
