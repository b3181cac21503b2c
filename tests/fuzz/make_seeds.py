#!/usr/bin/python3
"""Write the seed corpora of the fuzz targets: tests/fuzz/seeds/NAME/*. Run it after changing a format."""
import pathlib
import struct

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"
ZONE = "auth.example.org"
UUID = "8e5700ea-a4bf-41c7-8a77-e990661dcc6a"
TXT, A, NS, SOA, CAA, IXFR, AXFR, ANY = 16, 1, 2, 6, 257, 251, 252, 255
IN, CH, CLASS_ANY = 1, 3, 255


def wire(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def opt(options=b"", size=1232, ttl=0, owner=b"\0"):
    return owner + struct.pack("!HHIH", 41, size, ttl, len(options)) + options


def option(code, payload=b""):
    return struct.pack("!HH", code, len(payload)) + payload


def query(name, qtype=TXT, qclass=IN, flags=0x0100, additional=(), authority=(), qdcount=1):
    header = struct.pack("!HHHHHH", 0x1234, flags, qdcount, 0, len(authority), len(additional))
    question = (wire(name) + struct.pack("!HH", qtype, qclass)) * qdcount
    return header + question + b"".join(authority) + b"".join(additional)


QUERIES = {
    "txt": query(f"{UUID}.{ZONE}"),
    "txt-edns": query(f"{UUID}.{ZONE}", additional=[opt()]),
    "txt-mixed-case": query(f"{UUID}.AuTh.eXaMpLe.OrG", additional=[opt(ttl=0x8000)]),
    "options": query(ZONE, SOA, additional=[opt(option(3) + option(10, b"12345678") + option(8, b"\0\1\0\0"))]),
    "version-1": query(ZONE, SOA, additional=[opt(ttl=1 << 16)]),
    "two-opt": query(ZONE, SOA, additional=[opt(), opt()]),
    "opt-owner": query(ZONE, SOA, additional=[opt(owner=b"\1x\0")]),
    "opt-second": query(ZONE, SOA, additional=[b"\xc0\x0c" + struct.pack("!HHIH", A, IN, 0, 4) + b"\x7f\0\0\1", opt()]),
    "chain": query(f"two.{ZONE}", additional=[opt()]),
    "chain-long": query(f"chain-0.{ZONE}"),
    "chain-full": query(f"to-full.{ZONE}", additional=[opt()]),
    "loop": query(f"loop-a.{ZONE}"),
    "ns": query(ZONE, NS),
    "caa": query(f"idle.{ZONE}", CAA),
    "any": query(ZONE, ANY, CLASS_ANY),
    "nxdomain": query(f"nothing.{ZONE}", additional=[opt()]),
    "second": query("to-second-nothing." + ZONE, A),
    "foreign": query("www.example.com", A, additional=[opt(option(3))]),
    "root": query("", NS),
    "chaos": query("id.server", TXT, CH),
    "axfr": query(ZONE, AXFR),
    "ixfr": query(ZONE, IXFR, authority=[b"\xc0\x0c" + struct.pack("!HHIH", SOA, IN, 0, 22) + b"\0\0" + b"\0" * 20]),
    "update": query(ZONE, SOA, flags=0x2800),
    "no-question": query(ZONE, qdcount=0, additional=[opt(option(10, b"12345678"))]),
    "two-questions": query(ZONE, qdcount=2),
}

NAMES = {
    "decode": b"\0\0" + wire(f"{UUID}.{ZONE}"),
    "decode-pointer": b"\0\x13" + wire(ZONE)[:-1] + b"\0" + b"\1a\xc0\2",
    "decode-root": b"\0\0\0",
    "decode-63": b"\0\0" + wire("a" * 63 + ".b"),
    "text": b"_acme-challenge.www.example.com.",
    "text-escapes": b"a\\.b\\000\\255.example",
    "text-root": b".",
}


def effects(*rows):
    return b"\1" + struct.pack("!I", len(rows)) + b"".join(struct.pack("!H", kind) + row for kind, row in rows)


def text(value):
    return struct.pack("!I", len(value)) + value.encode()


def claim(value):
    rdata = bytes([len(value)]) + value.encode()
    network = b"\4" + bytes([192, 0, 2, 1])
    return struct.pack("!IIIQqq", 1, 2, 0, 1 << 16, 1700000000, 0) + network + b"\1\0" + struct.pack("!H", len(rdata)) + rdata


def owner(name):
    return bytes([len(wire(name))]) + wire(name)


def name_row(domains):
    row = struct.pack("!III", 1, 1, 1) + owner(f"{UUID}.{ZONE}") + struct.pack("!qq", 1700000000, 0) + b"\0"
    return row + struct.pack("!I", len(domains)) + b"".join(text(domain) for domain in domains)


def account_row():
    return struct.pack("!I", 1) + text("infra") + text("") + struct.pack("!qqI", 1700000000, 0, 0) + b"\0\0"


EFFECTS = {
    "none": effects(),
    "claim": effects((1, claim("A" * 43))),
    "claims": effects((1, claim("A" * 43)), (4, claim("B" * 43)), (72, struct.pack("!II", 1, 1700000000))),
    "name": effects((10, name_row(["shop.example.com", "example.com"]))),
    "account": effects((20, account_row())),
    "grant": effects((40, struct.pack("!II", 1, 2))),
}

ALLOWFROM = {
    "open": b"[]",
    "null": b"null",
    "list": b'["192.0.2.0/24", "[2001:db8::]/32"]',
    "escapes": b'["10.0.0.5", "\\u0031.0.0.0\\/8"]',
    "cut": b'["10.0.0.0/8"',
}

def update(conditions=(), updates=(), additional=(), outcome=0):
    """As fuzz_update takes it: the sections alone, behind what the sink is to say."""
    head = bytes([outcome, len(conditions), len(updates), len(additional)])
    return head + b"".join(conditions) + b"".join(updates) + b"".join(additional)


def record(name, qclass, ttl=0, value=None, qtype=TXT):
    rdata = b"" if value is None else bytes([len(value)]) + value.encode()
    return wire(name)[:-1] + b"\xc0\x0c" + struct.pack("!HHIH", qtype, qclass, ttl, len(rdata)) + rdata


CLASS_NONE = 254
UPDATES = {
    "add": update(updates=[record("idle", IN, 60, "A" * 43)]),
    "remove": update(updates=[record("idle", CLASS_NONE, 0, "A" * 43)], outcome=1),
    "lego": update(updates=[record("idle", CLASS_ANY), record("idle", IN, 120, "A" * 43)]),
    "name": update(updates=[record("idle", CLASS_ANY, qtype=ANY)], outcome=2),
    "conditions": update([record("idle", CLASS_ANY), record("x", CLASS_NONE, qtype=ANY), record("y", IN, 0, "v")],
                         [record("idle", IN, 60, "A" * 43)], outcome=0x85),
    "edns": update(updates=[record("idle", IN, 60, "B" * 43)], additional=[opt()]),
    "outside": update(updates=[wire("example.com") + struct.pack("!HHIH", TXT, IN, 60, 2) + b"\1x"]),
    "none": update(),
}

def lookup(flags=0x8400, answer=(), authority=(), additional=()):
    """A reply as fuzz_lookup takes it."""
    name = wire(f"_acme-challenge.{ZONE}")
    header = struct.pack("!HHHHHH", 0x1234, flags, 1, len(answer), len(authority), len(additional))
    return header + name + struct.pack("!HH", TXT, IN) + b"".join(answer) + b"".join(authority) + b"".join(additional)


def answered(qtype, rdata, ttl=300, owner=b"\xc0\x0c"):
    return owner + struct.pack("!HHIH", qtype, IN, ttl, len(rdata)) + rdata


LOOKUPS = {
    "txt": lookup(answer=[answered(TXT, b"\1x"), answered(TXT, b"\2ab\1c")]),
    "cname": lookup(answer=[answered(5, b"\4shop\xc0\x1c")]),
    "referral": lookup(0x8000, authority=[answered(NS, b"\2ns\xc0\x1c", owner=b"\xc0\x1c")], additional=[answered(A, b"\xc0\0\2\1"), opt()]),
    "soa": lookup(0x8403, authority=[answered(SOA, b"\2ns\xc0\x1c\1h\xc0\x1c" + b"\0\0\0\1" * 5, owner=b"\xc0\x1c")]),
    "caa": lookup(answer=[answered(CAA, b"\0\5issueletsencrypt.org; accounturi=x; validationmethods=dns-01"),
                          answered(CAA, b"\x80\6future")]),
    "truncated": lookup(0x8600),
    "badvers": lookup(additional=[opt(ttl=1 << 24)]),
}

ACMEDNS = {
    "empty": b"",
    "null": b"null\n",
    "register": b'{"allowfrom":["192.0.2.0/24","[2001:db8::]/32"]}',
    "register-old": b'{"AllowFrom":["192.0.2.1/32"]}',
    "register-null": b'{"allowfrom":null,"username":null}',
    "register-bare-address": b'{"allowfrom":["192.0.2.1"]}',
    "register-mistyped": b'{"txt":1,"allowfrom":"192.0.2.1/32"}',
    "update": b'{"subdomain":"%s","txt":"%s"}' % (UUID.encode(), b"v" * 43),
    "update-old": b'{"SubDomain":"%s","Txt":"%s"} }' % (UUID.encode(), b"v" * 43),
    "update-twice": b'{"txt":"x","subdomain":5,"subdomain":"a","txt":"\\u0041\\ud83d\\ude00\\ud800"}',
    "update-username": b'{"subdomain":"a","username":"{%s}","txt":"\xff\xc3\xa9"}' % UUID.encode(),
    "update-no-uuid": b'{"subdomain":"a","username":"me","txt":"b"}',
    "nested": b'{"a":[1,-2.5e+1,{"b":[true,false,null,""]}],"c":{}}',
    "list": b'["a"]',
    "cut": b'{"subdomain":"a","txt":"b',
}

ROUTES = {
    "register": b"POST /register",
    "register-doubled": b"POST //register",
    "register-slash": b"POST /Register/",
    "token": b"POST /r/rpt_0123/update",
    "token-dots": b"POST /r/../R/a%2Fb/./UPDATE//",
    "absolute": b"POST http://host:80/update",
    "asterisk": b"OPTIONS *",
    "health": b"GET /health",
    "other": b"PUT /update",
    "escaped": b"POST /upd%61te",
    "name": b"GET /v1/names/%2A.example.com/values",
    "rotate": b"POST /v1/credentials/web1/rotate",
    "deep": b"GET " + b"/a" * 20,
    "no-path": b"GET health",
}

FORWARDED = {
    "one": b"203.0.113.7",
    "proxies": b"203.0.113.7, 192.0.2.9,2001:db8::1",
    "lines": b"203.0.113.7\n192.0.2.9\n192.0.2.10",
    "ports": b"203.0.113.7:4711, [2001:db8::5]:443",
    "v6": b"[2a00::1], 192.0.2.3",
    "mapped": b"::ffff:203.0.113.7",
    "unknown": b"203.0.113.7, unknown",
    "empty": b"",
    "commas": b",, ,",
}

PERSIST = {
    "open": b"authority.example; accounturi=https://ca.example/acct/123; policy=wildcard; persistUntil=1721952000",
    "hashed": b"authority.example; accounturi=https://ca.example/account-hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
    "spelling": b"  ca.example  ;\tACCOUNTURI = a:b ; pOlIcY=other;foo=;persistUntil=9223372036854775807 ",
    "twice": b"ca.example;ACCOUNTURI=a:b;accounturi=c:d",
    "semicolon": b"ca.example;accounturi=a:b;",
    "no-account": b"ca.example;policy=wildcard",
    "blank": b"ca.example;accounturi=a:b;policy=wild card",
    "until": b"ca.example;accounturi=a:b;persistUntil=-1",
    "many": b"ca.example;a=;b=;c=;d=;e=;f=;g=;h=;i=;j=;k=;l=;m=;n=;o=;p=;accounturi=a:b",
    "empty": b"",
}

CORPORA = {
    "query": QUERIES,
    "name": NAMES,
    "effects": EFFECTS,
    "acmedns": ACMEDNS,
    "router": ROUTES,
    "forwarded": FORWARDED,
    "allowfrom": ALLOWFROM,
    "update": UPDATES,
    "persist": PERSIST,
    "lookup": LOOKUPS,
}

for target, seeds in CORPORA.items():
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for seed, octets in seeds.items():
        (folder / seed).write_bytes(octets)
