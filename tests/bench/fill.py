"""The names that everything here is measured with, as a store of Riposte and as a zone file for its peers.

Name i is made from i alone, as in questions.c. A store is filled from behind: the server makes its schema at a first
start, then rows are written as after N changes whose journal has been pruned, which `riposte check store` accepts."""

import base64
import hashlib
import sqlite3
import struct
import time

ZONE = "acme.example.org"
VALUES = 2
MASK = (1 << 64) - 1
CLAIM_ORDER_SHIFT = 16  # src/core/effect.h
EFFECT_FORMAT = 1
EFFECT_CLAIM_ADDED = 1
ADDR_V4 = 4  # src/base/addr.h
DOOR_ACMEDNS = 1
SECRET_SHA256 = 1
ACTIONS = 1 | 2 | 4  # add, remove, read
KINDS = 1  # challenge values
LIFETIME_S = 30 * 24 * 3600  # so that nothing expires while something is measured
CACHE_KIB = 4 << 20


def mix64(x):
    """splitmix64, as in measure.c."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def label(i):
    a, b = mix64(2 * i), mix64(2 * i + 1)
    return "%08x-%04x-%04x-%04x-%012x" % (a >> 32, a >> 16 & 0xFFFF, a & 0xFFFF, b >> 48, b & 0xFFFFFFFFFFFF)


def text(what, i, octets=32):
    """Base64url of a hash: 43 characters of 32 octets, 40 of 30."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"%s %d" % (what, i)).digest()[:octets]).rstrip(b"=").decode()


def value(i):
    return text(b"value", i)


def key(i):
    return text(b"key", i, 30)


def uuid(i):
    return hashlib.sha256(b"credential %d" % i).digest()[:16]


def uuid_text(i):
    h = uuid(i).hex()
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def wire(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def fill_store(path, names, values=VALUES, credentials=0):
    """Put names, each with so many values, and credentials, one for each of the first names, into a store that the
    server has made and left. Claims are the administrator's where there are no credentials."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=DELETE")
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=-%d" % CACHE_KIB)
    now = int(time.time())
    zone = db.execute("SELECT id FROM zones WHERE removed = 0").fetchone()[0]
    seq = db.execute("SELECT seq FROM meta").fetchone()[0] + 1  # of the first name's change
    tail = wire(ZONE)

    def name_rows():
        for i in range(names):
            owner = bytes([36]) + label(i).encode() + tail
            yield i + 1, 1, zone, owner, owner, now, 0, 0

    def claim_rows():
        """A name's claims: the effects that add them, as src/core/effect_codec.c encodes them."""
        address = bytes([ADDR_V4, 127, 0, 0, 1])
        for i in range(names if values > 0 else 0):
            who = i + 1 if i < credentials else 0
            held = struct.pack(">I", values)
            for k in range(values):
                place = (seq + i) << CLAIM_ORDER_SHIFT | k
                data = value(values * i + k).encode()
                held += struct.pack(">HIIIQqq", EFFECT_CLAIM_ADDED, i + 1, who, k, place, now, now + LIFETIME_S)
                held += address + struct.pack(">BBHB", DOOR_ACMEDNS, 0, len(data) + 1, len(data)) + data
            yield i + 1, EFFECT_FORMAT, held

    def secret_rows():
        for i in range(credentials):
            yield i + 1, i + 1, SECRET_SHA256, hashlib.sha256(key(i).encode()).digest(), now, 0, 0

    def many(table, columns, rows):
        marks = ", ".join("?" for _ in columns.split(","))
        db.executemany("INSERT INTO %s (%s) VALUES (%s)" % (table, columns, marks), rows)

    db.execute("BEGIN")
    many("accounts", "id, name, note, created_s, deleted_s, names_max, disabled, unclaimed",
         [(1, "bench", "", now, 0, 100000000, 0, 0)])
    many("names", "id, account, zone, owner, folded, created_s, retired_s, subtree", name_rows())
    many("credentials", "id, uuid, account, label, actions, kinds, networks, allowfrom, networks_invalid, created_s, "
         "expires_s, revoked_s",
         ((i + 1, uuid(i), 1, "", ACTIONS, KINDS, "", "", 0, now, 0, 0) for i in range(credentials)))
    many("credential_names", "credential, place, name", ((i + 1, 0, i + 1) for i in range(credentials)))
    many("secrets", "id, credential, kind, data, starts_s, ends_s, ended", secret_rows())
    many("claims", "name, format, held", claim_rows())
    db.execute("DELETE FROM journal")
    db.execute("UPDATE meta SET seq = ?, time_s = ?", (seq + names, now))
    db.execute("COMMIT")
    db.close()


def write_accounts(path, count, start=0):
    """What load_http reads: user, key and subdomain of so many credentials."""
    with open(path, "w") as f:
        for i in range(start, start + count):
            f.write("%s %s %s\n" % (uuid_text(i), key(i), label(i)))


def write_zone(path, names):
    """The same names and values as a zone file."""
    with open(path, "w") as f:
        f.write("$ORIGIN %s.\n$TTL 60\n" % ZONE)
        f.write("@ 60 IN SOA ns1 hostmaster.example.org. 1 3600 600 86400 300\n@ 60 IN NS ns1\n")
        f.write("ns1 60 IN A 127.0.0.1\n")
        for i in range(names):
            name = label(i)
            for k in range(VALUES):
                f.write('%s 0 IN TXT "%s"\n' % (name, value(VALUES * i + k)))
