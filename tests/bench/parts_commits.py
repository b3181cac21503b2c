"""Whether anything makes commits stall: checkpoints, the folding of the journal, the expiry of values. Some minutes of
constant load at half of what the server can do with values that expire after seconds; latencies of each minute."""

import rounds
import servers
from context import number
from parts_write import CLIENTS, NAMES, http

LIFETIME_S = 10
SECONDS, QUICK_SECONDS = 600, 10
MINUTE_S, QUICK_MINUTE_S = 60, 5
CAPACITY_S = 5
SHARE = 0.5


class RiposteShort(servers.Riposte):
    """Whose values end soon, so that some expire in every batch."""

    name = "riposte, short lives"
    more = "values: {lifetime: %ds, grace: 1s}\n" % LIFETIME_S


def log_octets(server):
    """Of the write-ahead log's file: what keeps growing is a log that is never moved into the database."""
    at = server.folder / "riposte.db-wal"
    return at.stat().st_size if at.exists() else 0


def commits(c):
    minute_s = QUICK_MINUTE_S if c.quick else MINUTE_S
    server = c.run_riposte(c.store(NAMES, credentials=NAMES), cores=None, kind=RiposteShort)
    accounts = c.accounts(NAMES)
    rounds.wait_for_quiet()
    http(c, server, accounts, CLIENTS, "--seconds", LIFETIME_S + 2)  # from then on as many expire as come
    capacity = rounds.done_ps(http(c, server, accounts, CLIENTS, "--seconds", CAPACITY_S))
    rate = max(1, int(capacity * SHARE))
    rows, found = [], []
    for minute in range((QUICK_SECONDS if c.quick else SECONDS) // minute_s):
        m = http(c, server, accounts, CLIENTS, "--seconds", minute_s, "--rate", rate)
        m["log_octets"] = log_octets(server)
        found.append(m)
        rows.append([minute + 1, number(rounds.done_ps(m)), *(number(m[k] / 1000, 2) for k in (
            "p50_us", "p99_us", "p999_us", "most_us")), number(m["log_octets"] / (1 << 20), 1),
            number(m["other_cpus"], 2)])
    gauges = server.metrics()
    good, said = server.check()
    c.stop_all()
    bad = sum(m["refused"] + m["broken"] for m in found)
    if bad or not good:
        c.note("commits: %d updates refused or broken off; the store: %s" % (bad, said[-400:].strip()))
    c.show("Constant load, %s updates/s from %d clients to %s names, values that live %d s, each line %d s; ms"
           % (number(rate), CLIENTS, number(NAMES), LIFETIME_S, minute_s),
           ["part", "updates/s", "p50", "p99", "p99.9", "most", "MiB of log", "other CPUs"], rows)
    moved = {k: gauges.get("riposte_%s_seconds_%s" % k, 0) for k in (
        ("checkpoint", "count"), ("checkpoint", "sum"), ("fold", "count"), ("fold", "sum"))}
    c.note("meanwhile %d checkpoints of %.1f ms and %d foldings of %.1f ms on average"
           % (moved["checkpoint", "count"], 1000 * moved["checkpoint", "sum"] / max(1, moved["checkpoint", "count"]),
              moved["fold", "count"], 1000 * moved["fold", "sum"] / max(1, moved["fold", "count"])))
    c.data["commits"] = {"rate": rate, "capacity": capacity, "minutes": found}
    worst = max(found, key=lambda m: m["p999_us"])
    c.goal("constant load of %d s: 99.9 %% of updates in each part are answered within" % (minute_s * len(found)),
           "shown, none refused", "%s ms, the slowest of all %s ms" % (
               number(worst["p999_us"] / 1000, 1), number(max(m["most_us"] for m in found) / 1000, 1)), not bad and good)
