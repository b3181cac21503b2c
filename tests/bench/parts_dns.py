"""The parts that ask questions: udp, workers, names, churn, tcp."""

import rounds
import servers
from context import BOTH_CORES, LOAD_CORE, number, spread_text

NAMES = 10000
MANY_NAMES = 1000000
UPDATES_PER_S = 200
CALM_RATE = 20000  # questions a second at which latency is measured
CALM = ("--rate", CALM_RATE, "--sockets", 2)
SPREAD = ("--sockets", 32, "--window", 4)  # as many outstanding as else, of so many clients that each worker has its part


def speed_rows(found, base):
    """A row for each server, best first."""
    rows = []
    for name in found.by:
        cpu = found.values(name, rounds.cpu_us)
        if not cpu:
            continue
        ratios = found.ratios(name, base, rounds.cpu_us)
        least = min(cpu) / min(found.values(base, rounds.cpu_us))
        rows.append((rounds.quartiles(ratios)[0] if ratios else 0, [
            name, spread_text(found.values(name, rounds.qps), 0), spread_text(cpu),
            number(rounds.quartiles(found.values(name, rounds.user_us))[0], 2),
            spread_text(found.ratios(name, base, rounds.qps)), spread_text(ratios), number(least, 2)]))
    return [row for _, row in sorted(rows, key=lambda r: r[0])]


def speed_head(base):
    return ["server", "queries/s", "CPU µs a query", "of it user", "queries/s of " + base, "CPU of " + base,
            "least CPU of " + base]


def judge(found, name, base, what, limit, can_tell, most=True):
    """True, False, or None when it cannot be told; and the ratio as text."""
    q = rounds.quartiles(found.ratios(name, base, what)) if name in found.by else None
    if q is None:
        return None, None
    reached = q[0] <= limit if most else q[0] >= limit
    return "%.2f [%.2f, %.2f]" % q, reached if can_tell and found.is_quiet(name, base) else None


def udp(c):
    """10,000 names: the most queries a second, and latency at an easy rate."""
    store = c.store(NAMES, credentials=NAMES)
    running = c.run_echoes((servers.Echo, servers.EchoProbe))
    running += [c.run_riposte(store), c.run_riposte(store, kind=servers.RiposteWildcard), *c.run_peers(NAMES)]
    by = {s.name: s for s in running}
    found = c.in_turn(list(by), lambda name: c.load("load_udp", by[name], "--seconds", c.seconds, "--names", NAMES))
    calm = c.in_turn(list(by), lambda name: c.load("load_udp", by[name], "--seconds", c.seconds * 2, "--names", NAMES,
                                                   *CALM), max(3, c.n_rounds // 4))
    c.stop_all()
    c.faults(found)
    can_tell = c.judge_noise(found, "echo")
    c.show("UDP, 10,000 names with two values, %d rounds of %s s: median [quartiles]" % (c.n_rounds, c.seconds),
           speed_head("echo"), speed_rows(found, "echo"))
    c.show("Latency at %s queries a second, µs" % number(CALM_RATE), ["server", "p50", "p99", "p99.9", "later than 5 ms"],
           [latency_row(calm, name) for name in calm.by if calm.values(name, rounds.qps)])
    c.data["udp"] = {"rounds": found.dump(), "calm": calm.dump()}
    got, reached = judge(found, "riposte", "echo", rounds.cpu_us, 1.10, can_tell)
    c.goal("UDP, 10,000 names: CPU a query, of echo", "at most 1.10", got, reached)
    got, reached = judge(found, "riposte, wildcard", "echo", rounds.cpu_us, 1.15, can_tell)
    c.goal("the same on a wildcard listener", "at most 1.15", got, reached)
    got, reached = judge(found, "riposte", "echo", rounds.qps, 0.92, can_tell, most=False)
    c.goal("UDP, 10,000 names: queries/s, of echo", "at least 0.92", got, reached)
    if "gdnsd" in by:
        got, reached = judge(found, "riposte", "gdnsd", rounds.cpu_us, 1.0, can_tell)
        c.goal("UDP, 10,000 names: CPU a query, of gdnsd", "below 1.00", got, reached)


def latency_row(found, name):
    return [name, *(spread_text(found.values(name, lambda m, k=k: m[k]), 0) for k in ("p50_us", "p99_us", "p999_us")),
            spread_text([m * 100 for m in found.values(name, lambda m: m["late"])], 3) + " %"]


def workers(c):
    """One worker and two, server and generator together on two cores: what a query costs, and who does the work."""
    store = c.store(NAMES, credentials=NAMES)
    running = c.run_echoes((servers.Echo, servers.EchoTwo), BOTH_CORES)
    running += [c.run_riposte(store, BOTH_CORES, kind) for kind in (servers.Riposte, servers.RiposteTwo)]
    if servers.Gdnsd in c.peers:
        running += c.run_peers(NAMES, (servers.Gdnsd, servers.GdnsdTwo), BOTH_CORES)
    by = {s.name: s for s in running}

    def one(name):
        before = by[name].threads_ns()
        found = c.load("load_udp", by[name], "--seconds", c.seconds, "--names", NAMES, *SPREAD, cores=BOTH_CORES)
        used = [ns - before.get(task, 0) for task, ns in by[name].threads_ns().items()]
        found["busiest"] = max(used) / max(1, sum(used))
        return found

    found = c.in_turn(list(by), one)
    c.stop_all()
    c.faults(found)
    can_tell = c.judge_noise(found, servers.EchoTwo.name)
    c.show("UDP, one worker and two, load on the same two cores, %d rounds of %s s" % (c.n_rounds, c.seconds),
           speed_head("echo"), speed_rows(found, "echo"))
    c.show("Of a server's CPU time, its busiest thread's", ["server", "share"],
           [[name, spread_text(found.values(name, lambda m: m["busiest"]))] for name in by])
    c.data["workers"] = {"rounds": found.dump()}
    got, reached = judge(found, servers.RiposteTwo.name, servers.EchoTwo.name, rounds.cpu_us, 1.10, can_tell)
    c.goal("UDP, 2 workers: CPU a query, of echo with 2", "at most 1.10", got, reached)


def names(c):
    """The same with 1,000,000 names; the same questions a server, so that the generator's caches do not differ."""
    few = c.run_riposte(c.store(NAMES, credentials=NAMES))
    many = c.run_riposte(c.store(MANY_NAMES, credentials=MANY_NAMES))
    few.name, many.name = "riposte, 10,000", "riposte, 1,000,000"
    running = [(s, NAMES) for s in c.run_echoes()] + [(few, NAMES), (many, MANY_NAMES)]
    running += [(s, MANY_NAMES) for s in c.run_peers(MANY_NAMES, c.peers[:1] if c.quick else None)]
    by = {s.name: (s, n) for s, n in running}
    found = c.in_turn(list(by), lambda name: c.load("load_udp", by[name][0], "--seconds", c.seconds, "--names",
                                                    by[name][1], "--questions", MANY_NAMES))
    c.stop_all()
    c.faults(found)
    can_tell = c.judge_noise(found, "echo")
    c.show("UDP, 1,000,000 names (peers too), %d rounds of %s s" % (c.n_rounds, c.seconds), speed_head("echo"),
           speed_rows(found, "echo"))
    c.data["names"] = {"rounds": found.dump()}
    got, reached = judge(found, many.name, few.name, rounds.cpu_us, 1.10, can_tell)
    c.goal("1,000,000 names: CPU a query, of 10,000 names", "at most 1.10", got, reached)
    got, reached = judge(found, many.name, few.name, rounds.qps, 0.90, can_tell, most=False)
    c.goal("1,000,000 names: queries/s, of 10,000 names", "at least 0.90", got, reached)


def churn(c):
    """The same while 200 updates a second are committed."""
    (echo,) = c.run_echoes()
    server = c.run_riposte(c.store(NAMES, credentials=NAMES))
    asked = NAMES - NAMES // 10  # updates go to the other names: their answers get a third value

    def one(name, *more):
        target = echo if name == "echo" else server
        if name != "riposte, updates":
            return c.load("load_udp", target, "--seconds", c.seconds, "--names", asked, *more)
        updates = rounds.tool_start([c.tools / "load_http", "--port", server.http, "--accounts",
                                     c.accounts(NAMES - asked, asked), "--rate", UPDATES_PER_S,
                                     "--clients", 8, "--seconds", c.seconds + 0.5, "--warm", 0.2], LOAD_CORE)
        try:
            found = c.load("load_udp", target, "--seconds", c.seconds, "--names", asked, *more)
        finally:
            committed = rounds.tool_end(updates)
        found["updates_per_s"] = rounds.done_ps(committed)
        found["other_cpus"] -= committed["own_cpus"]
        return found

    who = ["echo", "riposte", "riposte, updates"]
    full = c.in_turn(who, one)
    calm = c.in_turn(who, lambda name: one(name, *CALM))
    c.stop_all()
    c.faults(full)
    can_tell = c.judge_noise(full, "echo")
    reached_rate = rounds.quartiles(full.values(who[2], lambda m: m["updates_per_s"]))
    if reached_rate and reached_rate[0] < UPDATES_PER_S * 0.9:
        c.note("under full load only %.0f updates a second were committed" % reached_rate[0])
    c.show("UDP while %d updates a second are committed" % UPDATES_PER_S, speed_head("echo"), speed_rows(full, "echo"))
    c.show("Latency at %s queries a second meanwhile, µs" % number(CALM_RATE),
           ["server", "p50", "p99", "p99.9", "later than 5 ms"], [latency_row(calm, name) for name in who])
    c.data["churn"] = {"rounds": full.dump(), "calm": calm.dump()}
    got, reached = judge(full, who[2], "riposte", rounds.cpu_us, 1.10, can_tell)
    c.goal("with %d updates/s: CPU a query (updates included), of none" % UPDATES_PER_S, "at most 1.10", got, reached)
    got, reached = judge(full, who[2], "riposte", rounds.qps, 0.90, can_tell, most=False)
    c.goal("with %d updates/s: queries/s, of none" % UPDATES_PER_S, "at least 0.90", got, reached)
    late = rounds.quartiles(calm.values(who[2], lambda m: m["p999_us"]))
    of_echo = rounds.quartiles(calm.values("echo", lambda m: m["p999_us"]))
    both = late and of_echo
    c.goal("with %d updates/s: p99.9 at %s queries/s" % (UPDATES_PER_S, number(CALM_RATE)), "5 ms, or echo's",
           both and "%.1f ms (echo %.1f ms)" % (late[0] / 1000, of_echo[0] / 1000),
           both and (late[0] <= max(5000.0, of_echo[0] * 1.1) or (False if calm.is_quiet(who[2], "echo") else None)))


def tcp(c):
    """20 kept-open connections with 8 questions outstanding each; and one question a connection. Those are 8 at a time:
    more overflow the queue of new connections that some peers have, and then the retries are what is measured."""
    server = c.run_riposte(c.store(NAMES, credentials=NAMES))
    by = {s.name: s for s in [server, *c.run_peers(NAMES)]}
    base = "gdnsd" if "gdnsd" in by else "riposte"
    for title, key, more in (("20 kept-open connections", "tcp", []),
                             ("one query a connection", "tcp-once", ["--once", "--connections", 8])):
        found = c.in_turn(list(by), lambda name, more=more: c.load("load_tcp", by[name], "--seconds", c.seconds,
                                                                   "--names", NAMES, *more))
        c.faults(found)
        can_tell = c.judge_noise(found, base)
        c.show("TCP, %s, %d rounds of %s s" % (title, c.n_rounds, c.seconds), speed_head(base),
               speed_rows(found, base))
        c.data[key] = {"rounds": found.dump()}
        if base == "gdnsd":
            got, reached = judge(found, "riposte", base, rounds.qps, 1.0, can_tell, most=False)
            c.goal("TCP, %s: queries/s, of gdnsd" % title, "above 1.00", got, reached)
            got, reached = judge(found, "riposte", base, rounds.cpu_us, 1.0, can_tell)
            c.goal("TCP, %s: CPU a query, of gdnsd" % title, "below 1.00", got, reached)
    c.stop_all()
