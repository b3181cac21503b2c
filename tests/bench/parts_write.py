"""The parts that change something: updates, single, stale, tsig."""

import fill
import rounds
import servers
from context import number, spread_text

NAMES = 10000
CLIENTS = 64
GROUP = 64
WARM_S = 0.2  # load_http's own
SLOW_US = 5000
ACMEDNS_PER_S = 20  # the most that was measured of acme-dns on this kind of machine; Debian has no package of it
STALE_UPDATES = 100000
SINGLE_RATE = 20
LASTING = 20  # rounds long


def http(c, server, accounts, clients, *more):
    """Updates over HTTP; both cores are everybody's here. What the server puts off is waited for, and counted."""
    before = server.written()
    folding = server.metrics()["riposte_fold_seconds_sum"]
    found = rounds.tool([c.tools / "load_http", "--port", server.http, "--accounts", accounts, "--clients", clients,
                         "--pids", server.process.pid, *more])
    during = server.metrics()["riposte_fold_seconds_sum"]
    server.wait_until_folded()
    found["folding"] = [during - folding, server.metrics()["riposte_fold_seconds_sum"] - during]  # seconds: beside it, behind it
    found["written"] = server.written() - before  # those of warming up too
    found["sent"] = found["done"] * (1 + WARM_S / found["seconds"])
    return found


def control(c, *more, slow=None):
    return rounds.tool([c.tools / "disk_control", more[0], c.folder, *more[1:]], env=slow)


def refusals(c, found):
    for name, measured in found.by.items():
        bad = sum(m.get("refused", 0) + m.get("broken", 0) + m.get("unechoed", 0) for m in measured if m)
        if bad:
            c.note("%s: %d updates were refused, broken off or answered without their value" % (name, bad))


def each_update(found, name):
    """The server's CPU time and the KiB that it writes for an update, and how long folding took; a control has none."""
    if not all("sent" in m for m in found.values(name, dict)):
        return "-", "-", "-", "-"
    folding = [number(rounds.quartiles(found.values(name, lambda m, i=i: m["folding"][i] * 1e6 / max(1, m["sent"])))[0], 1)
               for i in range(2)]
    return (spread_text(found.values(name, lambda m: m["cpu_ns"] / 1000 / max(1, m["done"])), 1),
            spread_text(found.values(name, lambda m: m["written"] / 1024 / max(1, m["sent"])), 1), *folding)


def update_rows(found, base, who):
    rows = []
    for name in who:
        if not found.values(name, rounds.done_ps):
            continue
        rows.append([name, spread_text(found.values(name, rounds.done_ps), 0),
                     spread_text(found.ratios(name, base, rounds.done_ps)),
                     spread_text(found.values(name, lambda m: m["p50_us"] / 1000)),
                     spread_text(found.values(name, lambda m: m["p99_us"] / 1000)),
                     *each_update(found, name)])
    return rows


HEAD = ["what", "updates/s", "of the first", "p50 ms", "p99 ms", "server's CPU µs an update", "KiB written an update",
        "folding µs an update, beside", "behind"]


def updates(c):
    """Durable updates a second over HTTP, beside SQLite alone on the same disk; then on a disk that is slow."""
    seconds = c.seconds * 2
    store = c.store(NAMES, credentials=NAMES)
    server = c.run_riposte(store, cores=None)
    cases = {
        "64 clients, a name each": (c.accounts(CLIENTS), CLIENTS),
        "64 clients, 10,000 names": (c.accounts(NAMES), CLIENTS),
        "64 clients, one name": (c.accounts(1, NAMES // 2), CLIENTS),
        "1 client": (c.accounts(CLIENTS), 1),
    }
    base = "SQLite alone, %d a commit" % GROUP
    in_turn = "SQLite alone, %d neighbours a commit" % GROUP
    who = [base, in_turn, *cases]

    def one(name, seconds=seconds):
        if name in (base, in_turn):
            return control(c, "sqlite" if name == base else "turn", seconds, GROUP, NAMES)
        return http(c, server, *cases[name], "--seconds", seconds)

    found = c.in_turn(who, one, max(3, c.n_rounds // 2), rounds.QUIET_DISK_CPUS)
    lasting = c.in_turn([base, *list(cases)[:3]], lambda name: one(name, c.seconds * LASTING), 1, rounds.QUIET_DISK_CPUS)
    good, said = server.check()
    c.stop_all()
    if not good:
        c.note("after the updates the store is not good: " + said[-400:])
    refusals(c, found)
    can_tell = c.judge_noise(found, base, rounds.done_ps, rounds.NOISY_DISK_SPREAD)
    c.show("Durable updates over HTTP (acme-dns dialect), rounds of %s s" % seconds, HEAD,
           update_rows(found, base, who))
    c.show("The same for %s s on end, once: folding cannot be put off so long" % (c.seconds * LASTING), HEAD,
           update_rows(lasting, base, [base, *list(cases)[:3]]))
    c.data["updates"] = {"rounds": found.dump(), "lasting": lasting.dump()}
    for name in list(cases)[:3]:
        q = rounds.quartiles(found.ratios(name, base, rounds.done_ps))
        rate = rounds.quartiles(found.values(name, rounds.done_ps))
        quiet = found.is_quiet(name, base)
        c.goal("updates/s, %s: of SQLite alone in groups of 64" % name, "at least 0.50", q and "%.2f [%.2f, %.2f]" % q,
               q and q[0] >= 0.5 if can_tell and quiet else None)
        c.goal("updates/s, %s: of the %d that acme-dns did at most" % (name, ACMEDNS_PER_S), "1,000 times",
               rate and "%s times" % number(rate[0] / ACMEDNS_PER_S), rate and (rate[0] >= 1000 * ACMEDNS_PER_S or (False if quiet else None)))
    updates_slow(c, store)


def updates_slow(c, store):
    slow = {"LD_PRELOAD": str(c.tools / "slow_sync.so"), "SLOW_SYNC_US": str(SLOW_US)}
    server = c.run_riposte(store, cores=None, preload=slow)
    base = "SQLite alone, 1 a commit"
    cases = {"64 clients, a name each": 64, "8 clients, a name each": 8, "1 client": 1}
    accounts = c.accounts(CLIENTS)

    def one(name):
        if name == base:
            return control(c, "sqlite", c.seconds * 2, 1, NAMES, slow=slow)
        return http(c, server, accounts, cases[name], "--seconds", c.seconds * 2)

    found = c.in_turn([base, *cases], one, max(3, c.n_rounds // 3), rounds.QUIET_DISK_CPUS)
    c.stop_all()
    refusals(c, found)
    can_tell = c.judge_noise(found, base, rounds.done_ps, rounds.NOISY_DISK_SPREAD)
    can_tell = can_tell and found.is_quiet("64 clients, a name each", base)
    c.show("The same with %d ms added to each sync" % (SLOW_US // 1000), HEAD, update_rows(found, base, [base, *cases]))
    c.data["updates-slow"] = {"rounds": found.dump()}
    q = rounds.quartiles(found.ratios("64 clients, a name each", base, rounds.done_ps))
    c.goal("updates/s, sync of 5 ms, 64 clients: of one commit at a time", "at least 40 times",
           q and "%.0f times [%.0f, %.0f]" % q, q and q[0] >= 40 if can_tell else None)


def single(c):
    """The time of a lone update on an idle server, beside a sync of as many octets as it writes."""
    server = c.run_riposte(c.store(NAMES, credentials=NAMES), cores=None)
    accounts = c.accounts(CLIENTS)
    http(c, server, accounts, 1, "--rate", SINGLE_RATE, "--seconds", 1)
    before = server.written()
    first = http(c, server, accounts, 1, "--rate", SINGLE_RATE, "--seconds", 2)
    octets = max(4096, min(1 << 20, (server.written() - before) // max(1, first["done"])))
    who = ["one sync of %s octets" % number(octets), "SQLite alone, one commit after the other", "a lone update"]

    def one(name):
        if name == who[0]:
            return control(c, "sync", max(2.0, c.seconds * 2), octets, 1000 // SINGLE_RATE)
        if name == who[1]:
            return control(c, "sqlite", c.seconds, 1, NAMES)
        return http(c, server, accounts, 1, "--rate", SINGLE_RATE, "--seconds", max(2.0, c.seconds * 2))

    found = c.in_turn(who, one, max(3, c.n_rounds // 2), rounds.QUIET_DISK_CPUS)
    c.stop_all()
    refusals(c, found)
    can_tell = c.judge_noise(found, who[0], lambda m: m["p50_us"], rounds.NOISY_DISK_SPREAD)
    can_tell = can_tell and found.is_quiet(who[2], who[0])
    c.show("A lone update on an idle server (%d a second), µs" % SINGLE_RATE, ["what", "p50", "p99"],
           [[name, *(spread_text(found.values(name, lambda m, k=k: m[k]), 0) for k in ("p50_us", "p99_us"))]
            for name in who])
    c.data["single"] = {"octets": octets, "rounds": found.dump()}
    both = found.pairs(who[2], who[0])
    q = rounds.quartiles([a["p50_us"] - b["p50_us"] for a, b in both])
    c.goal("a lone update, p50, beyond one sync", "less than 1 ms",
           q and "%.2f ms [%.2f, %.2f]" % tuple(v / 1000 for v in q), q and q[0] < 1000 if can_tell else None)


def stale(c):
    """From the acknowledgement of an update to the first answer with it; and a server with a fault, as the control."""
    count = STALE_UPDATES // 10 if c.quick else STALE_UPDATES
    store = c.store(NAMES, credentials=NAMES)
    rows, found = [], {}
    for name, binary, updates_n in (("riposte", None, count), ("control: published late", c.tools / "riposte_late", 2000)):
        server = c.run_riposte(store, cores=None, binary=binary)
        m = http(c, server, c.accounts(NAMES), 8, "--ask", server.port, "--count", updates_n)
        c.stop_all()
        found[name] = m
        rows.append([name, number(m["done"]), number(m["asked"]), number(m["stale"]), number(m["truncated"]),
                     number(m["ask_p50_us"])])
        if m["refused"] or m["broken"]:
            c.note("%s: %d updates refused, %d broken off" % (name, m["refused"], m["broken"]))
    c.show("Asked the moment an update is acknowledged, 8 clients", ["server", "updates", "asked", "stale", "truncated",
                                                                     "p50 of the question, µs"], rows)
    c.data["stale"] = found
    seen = found["control: published late"]["stale"] > 0
    if not seen:
        c.note("the control was not found out: the test for stale answers proves nothing")
    mine = found["riposte"]
    c.goal("stale answers after an acknowledgement", "0 of %s, and the control fails" % number(STALE_UPDATES),
           "%d of %s; control %s of %s" % (mine["stale"], number(mine["asked"]),
                                           number(found["control: published late"]["stale"]),
                                           number(found["control: published late"]["asked"])),
           (mine["stale"] == 0 and mine["truncated"] == 0 and seen) if mine["asked"] >= STALE_UPDATES else
           (None if mine["stale"] == 0 and seen else False))


def write_keys(c, server):
    """What load_update reads, 64 names: a credential with a TSIG key each, or the one key that a peer has."""
    path = c.path("keys-" + server.name)
    with open(path, "w") as f:
        for i in range(CLIENTS):
            name = "%s.%s" % (fill.label(i), fill.ZONE)
            who, secret = servers.UPDATE_KEY
            if server.name == "riposte":
                made = server.admin_json("credential", "create", "--name", name, "--tsig")
                who, secret = made["credential"], made["secret"]
            f.write("%s %s %s\n" % (name, who, secret))
    return path


def tsig(c):
    """DNS UPDATE with TSIG, durable: each message replaces the TXT of a name. Riposte, knot and named, on both cores."""
    kinds = [k for k in (servers.KnotUpdates, servers.NamedUpdates) if k.name in {p.name for p in c.peers}]
    running = [c.run_riposte(c.store(NAMES, credentials=NAMES), cores=None)]
    running += c.run_peers(NAMES, kinds, cores=None)
    keys = {s.name: write_keys(c, s) for s in running}
    by = {"%s, %d client%s" % (s.name, n, "s" if n > 1 else ""): (s, n) for n in (1, CLIENTS) for s in running}

    def one(name):
        server, clients = by[name]
        return rounds.tool([c.tools / "load_update", "--port", server.port, "--keys", keys[server.name], "--clients",
                            clients, "--seconds", c.seconds * 2, "--pids", ",".join(map(str, server.pids()))])

    found = c.in_turn(list(by), one, max(3, c.n_rounds // 2), rounds.QUIET_DISK_CPUS)
    c.stop_all()
    for name, measured in found.by.items():
        bad = sum(m["refused"] + m["lost"] + m["unsigned"] for m in measured if m)
        if bad:
            c.note("%s: %d updates were refused, lost or answered without a signature" % (name, bad))
    rows = []
    for name in by:
        base = "riposte, " + name.split(", ")[1]
        if found.values(name, rounds.done_ps):
            rows.append([name, spread_text(found.values(name, rounds.done_ps), 0),
                         spread_text(found.ratios(name, base, rounds.done_ps)),
                         *(spread_text(found.values(name, lambda m, k=k: m[k] / 1000)) for k in ("p50_us", "p99_us"))])
    c.show("DNS UPDATE with TSIG, rounds of %s s" % (c.seconds * 2), ["server", "updates/s", "of riposte", "p50 ms",
                                                                      "p99 ms"], rows)
    c.data["tsig"] = {"rounds": found.dump()}
    for peer, clients in (("named", "1 client"), ("knot", "%d clients" % CLIENTS)):
        name, other = "riposte, " + clients, "%s, %s" % (peer, clients)
        if other in by:
            can_tell = c.judge_noise(found, other, rounds.done_ps, rounds.NOISY_DISK_SPREAD)
            q = rounds.quartiles(found.ratios(name, other, rounds.done_ps))
            c.goal("DNS UPDATE, %s: updates/s, of %s" % (clients, peer), "above 1.00", q and "%.2f [%.2f, %.2f]" % q,
                   q and q[0] > 1 if can_tell and found.is_quiet(name, other) else None)
