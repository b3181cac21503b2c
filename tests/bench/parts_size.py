"""The parts about size and quiet: memory, start, idle, instructions."""

import re
import subprocess
import time

import rounds
import servers
from context import number

NAMES = 10000
MANY_NAMES = 1000000
HUGE_NAMES = 10000000
QUERIES = 50000
MIB = 1 << 20
KINDS = ("mix", "txt", "nodata", "nxdomain")


def size_of(c, names, values, credentials):
    store = c.store(names, values, credentials)
    server = c.run(servers.Riposte(c.path("riposte"), c.riposte, store))
    time.sleep(0.5)
    octets = server.memory()
    c.stop(server)
    c.forget_store(names, values, credentials)
    return octets


def memory(c):
    """Octets a name: the difference of two sizes, so that what every server has is left out."""
    low, high = (50000, 250000) if c.quick else (100000, 1100000)
    sizes = {}
    for what, values, with_credential in (("idle name", 0, False), ("name with two values", 2, False),
                                          ("idle name with a credential", 0, True)):
        a = size_of(c, low, values, low if with_credential else 0)
        b = size_of(c, high, values, high if with_credential else 0)
        sizes[what] = (b - a) / (high - low)
    sizes["credential"] = sizes["idle name with a credential"] - sizes["idle name"]
    must = {"idle name": 96, "name with two values": 260, "credential": 80}
    c.show("Memory after a start from a store, between %s and %s names" % (number(low), number(high)),
           ["what", "octets each"], [[what, number(octets)] for what, octets in sizes.items()])
    c.data["memory"] = {"low": low, "high": high, "octets": sizes}
    for what, limit in must.items():
        c.goal("memory of one %s" % what, "at most %d octets" % limit, number(sizes[what]), sizes[what] <= limit)


def start_once(c, make):
    """A start with files that are in the page cache; gives seconds, memory and the most memory."""
    server = make()
    c.running.append(server)
    others = rounds.busy_cpus()
    server.start(None, 600)
    found = {"seconds": server.start_s, "other_cpus": others, "octets": server.memory(), "most_octets": server.memory_most()}
    c.stop(server)
    return found


def start(c, huge=False):
    """From exec to the first answer; and what a name costs the peers in memory."""
    repeat = 1 if c.quick else 3
    found, rows = {}, []

    def add(name, make, names):
        runs = []
        try:
            for _ in range(repeat if names <= MANY_NAMES else 1):
                runs.append(start_once(c, make))
        except RuntimeError as e:
            c.note(str(e))
        if not runs:
            return
        q = rounds.quartiles([r["seconds"] for r in runs])
        found[name + ", %s" % number(names)] = runs
        rows.append([name, number(names), "%.2f [%.2f, %.2f]" % q, number(runs[0]["octets"] / MIB),
                     number(runs[0]["most_octets"] / MIB)])

    def riposte(store):
        return lambda: servers.Riposte(c.path("riposte"), c.riposte, store)

    title = "riposte, two values, a credential each"
    for names in (NAMES, MANY_NAMES):
        add(title, riposte(c.store(names, credentials=names)), names)
        for kind in c.peers:
            add(kind.name, lambda kind=kind, names=names: kind(c.path(kind.name), c.zone(names)), names)
    if huge:
        for name, credentials in (("riposte, idle", 0), ("riposte, idle, a credential each", HUGE_NAMES)):
            store = c.store(HUGE_NAMES, 0, credentials)
            add(name, riposte(store), HUGE_NAMES)
            c.forget_store(HUGE_NAMES, 0, credentials)
    c.show("Start until the first answer (files in the page cache)",
           ["server", "names", "s", "MiB then", "MiB at most (main process)"], rows)
    peers_memory(c, found)
    c.data["start"] = found
    judge_start(c, found, title)


def peers_memory(c, found):
    rows = []
    for name in sorted({key.rsplit(", ", 1)[0] for key in found}):
        few, many = found.get("%s, %s" % (name, number(NAMES))), found.get("%s, %s" % (name, number(MANY_NAMES)))
        if few and many:
            rows.append([name, number((many[0]["octets"] - few[0]["octets"]) / (MANY_NAMES - NAMES))])
    c.show("Memory a name with two values, between 10,000 and 1,000,000", ["server", "octets"], rows)


def judge_start(c, found, title):
    runs = found.get("%s, %s" % (title, number(MANY_NAMES)))
    if runs:
        q = rounds.quartiles([r["seconds"] for r in runs])
        c.goal("start with 1,000,000 names", "under 3 s", "%.2f s [%.2f, %.2f]" % q, q[0] < 3 or unless_busy(runs))
    for name, seconds, gib in (("riposte, idle", 15, 1), ("riposte, idle, a credential each", 30, 2)):
        runs = found.get("%s, %s" % (name, number(HUGE_NAMES)))
        if runs:
            most = runs[0]["most_octets"] / (1 << 30)
            c.goal("start with 10,000,000 names (%s)" % name, "under %d s and %d GiB" % (seconds, gib),
                   "%.1f s, %.2f GiB" % (runs[0]["seconds"], most),
                   (runs[0]["seconds"] < seconds or unless_busy(runs)) and most < gib)


def unless_busy(runs):
    """What a start that took too long says: nothing (None) when others used the machine just before it."""
    return None if any(r["other_cpus"] > rounds.QUIET_DISK_CPUS for r in runs) else False


def idle(c):
    """Wake-ups a second when nobody asks."""
    seconds = 5 if c.quick else 20
    running = [c.run_riposte(c.store(NAMES, credentials=NAMES)), *c.run_peers(NAMES)]
    time.sleep(3)
    before = {s.name: s.wakeups() for s in running}
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    woke = {s.name: (s.wakeups() - before[s.name]) / took for s in running}
    c.stop_all()
    c.show("Wake-ups a second of an idle server, over %d s" % seconds, ["server", "a second"],
           [[name, number(v, 2)] for name, v in woke.items()])
    c.data["idle"] = woke
    c.goal("wake-ups a second when idle", "at most 1", number(woke["riposte"], 2), woke["riposte"] <= 1.0)


def instructions(c):
    """Instructions a query of our own code, without the kernel's: exact, whatever the machine does meanwhile."""
    found = {}
    for kind in KINDS:
        out = c.path("callgrind-" + kind)
        command = ["valgrind", "--tool=callgrind", "--toggle-collect=answer_all*", "--callgrind-out-file=%s" % out,
                   str(c.tools / "answer_bench"), kind, str(QUERIES)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        except FileNotFoundError:
            c.note("valgrind is not installed: no instructions were counted")
            return
        match = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
        if done.returncode != 0 or match is None:
            raise rounds.BenchError("callgrind: " + done.stderr.strip()[-400:])
        found[kind] = int(match.group(1)) / QUERIES
    c.show("Instructions a query (callgrind, %s queries)" % number(QUERIES), ["kind", "instructions"],
           [[kind, number(n)] for kind, n in found.items()])
    c.data["instructions"] = found
    c.goal("instructions a query, this mix", "at most 700", number(found["mix"]), found["mix"] <= 700)
