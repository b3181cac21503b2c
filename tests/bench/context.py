"""What the parts of the bench share: programs, folders, stores, servers that run, and what was found."""

import pathlib
import shutil

import fill
import rounds
import servers

SERVER_CORE = {0}
LOAD_CORE = {1}
BOTH_CORES = SERVER_CORE | LOAD_CORE


def table(head, rows):
    """A table in Markdown, columns aligned so that it reads in a terminal too."""
    cells = [[str(c) for c in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def number(value, digits=0):
    return "{:,.{}f}".format(value, digits)


def spread_text(values, digits=2):
    """median [first quartile, third quartile]"""
    q = rounds.quartiles(values)
    return "-" if q is None else "%s [%s, %s]" % tuple(number(v, digits) for v in q)


class Context:
    def __init__(self, folder, tools, riposte, peers, n_rounds, seconds, quick):
        self.folder = pathlib.Path(folder)
        self.tools = pathlib.Path(tools)
        self.riposte = riposte
        self.peers = list(peers)
        self.n_rounds = n_rounds
        self.seconds = seconds
        self.quick = quick
        self.running = []
        self.made = {}
        self.tables = []  # (title, text)
        self.goals = []
        self.data = {}
        self.notes = []

    # ---- findings ----

    def say(self, text):
        print(text, flush=True)

    def note(self, text):
        self.notes.append(text)
        self.say("note: " + text)

    def show(self, title, head, rows):
        text = table(head, rows)
        self.tables.append((title, text))
        self.say("\n%s\n\n%s\n" % (title, text))

    def goal(self, what, must, got, reached):
        """got: text, None when nothing was measured. reached: True, False, or None when it cannot be told."""
        self.goals.append({"what": what, "must": must, "got": got or "not measured", "reached": got and reached})

    # ---- data ----

    def path(self, name):
        name = name.replace(", ", "-").replace(" ", "-")  # some peers read no quoted path
        at = self.folder / name
        n = 1
        while at.exists():
            n += 1
            at = self.folder / ("%s-%d" % (name, n))
        return at

    def zone(self, names):
        path = self.folder / ("zone-%d" % names)
        if path not in self.made:
            fill.write_zone(path, names)
            self.made[path] = True
        return path

    def accounts(self, count, start=0):
        path = self.folder / ("accounts-%d-%d" % (count, start))
        if path not in self.made:
            fill.write_accounts(path, count, start)
            self.made[path] = True
        return path

    def store(self, names, values=fill.VALUES, credentials=0):
        """A database with so many names, to be copied by each server that begins with it."""
        key = ("store", names, values, credentials)
        if key in self.made:
            return self.made[key]
        self.say("making a store of %s names, %d values each, %s credentials"
                 % (number(names), values, number(credentials)))
        server = self.run(servers.Riposte(self.path("maker"), self.riposte))
        self.stop(server, keep=True)
        path = server.folder / "riposte.db"
        fill.fill_store(path, names, values, credentials)
        good, said = server.check() if names <= 1000000 else (True, "")
        if not good:
            raise rounds.BenchError("the store that was made is not good: " + said[-400:])
        self.made[key] = path
        return path

    def forget_store(self, names, values, credentials):
        path = self.made.pop(("store", names, values, credentials), None)
        if path is not None:
            shutil.rmtree(path.parent)

    # ---- servers ----

    def run(self, server, cores=None, seconds=180):
        self.running.append(server)
        server.start(cores, seconds)
        return server

    def stop(self, server, keep=False):
        server.stop()
        if server in self.running:
            self.running.remove(server)
        if not keep:
            shutil.rmtree(server.folder, ignore_errors=True)

    def stop_all(self):
        for server in list(self.running):
            self.stop(server)

    def run_riposte(self, store, cores=SERVER_CORE, kind=servers.Riposte, preload=None, binary=None):
        server = kind(self.path(kind.name), binary or self.riposte, store)
        server.preload = preload
        return self.run(server, cores).wait_for_api()

    def run_echoes(self, kinds=(servers.Echo,), cores=SERVER_CORE):
        return [self.run(kind(self.path(kind.name), self.tools), cores) for kind in kinds]

    def run_peers(self, names, kinds=None, cores=SERVER_CORE):
        """Those that are installed and do start; of one that does not, the reason is noted."""
        started = []
        for kind in self.peers if kinds is None else kinds:
            try:
                started.append(self.run(kind(self.path(kind.name), self.zone(names)), cores))
            except RuntimeError as e:
                self.note(str(e))
        return started

    # ---- load ----

    def load(self, program, server, *options, cores=LOAD_CORE, **keywords):
        """Run a load generator on its core against a server, whose CPU time it reads."""
        command = [self.tools / program, "--port", server.port, "--pids", ",".join(map(str, server.pids())), *options]
        if program == "load_udp" and not server.answers_names:
            command.append("--echo")
        return rounds.tool(command, cores, **keywords)

    def in_turn(self, names, one, n_rounds=None, quiet_cpus=rounds.QUIET_CPUS):
        """n rounds in which one(name) measures each in turn, a round beginning with another one each time."""
        found = rounds.Rounds(names, quiet_cpus)
        for i in range(n_rounds or self.n_rounds):
            turned = names[i % len(names):] + names[:i % len(names)]
            for name in turned:
                rounds.wait_for_quiet()
                try:
                    found.add(name, one(name))
                except rounds.BenchError as e:
                    self.note("%s: %s" % (name, e))
                    found.add(name, None)
        return found

    def faults(self, found):
        """Wrong and lost answers, which no row may hide."""
        for name, measured in found.by.items():
            wrong = sum(m.get("wrong", 0) for m in measured if m)
            lost = sum(m.get("lost", 0) for m in measured if m)
            answered = sum(m.get("answered", 0) for m in measured if m)
            said = next((m["said"] for m in measured if m and m.get("said")), "")
            if wrong:
                self.note("%s gave %d wrong answers of %d (%s)" % (name, wrong, answered, said))
            if lost:
                self.note("%s lost %d questions of %d" % (name, lost, answered))

    def judge_noise(self, found, base, what=rounds.cpu_us, most=rounds.NOISY_SPREAD):
        """True when the base's own rounds are enough, quiet enough and close enough to each other to say anything."""
        wide = rounds.spread(found.values(base, what))
        quiet = sum(found.is_undisturbed(m) for m in found.by[base])
        bad, all_of_them = found.disturbed()
        self.note("%s's own rounds spread by %.0f %% (quartile to quartile); %d of all %d rounds were disturbed"
                  % (base, wide * 100, bad, all_of_them))
        if wide <= most and quiet >= rounds.LEAST_ROUNDS:
            return True
        self.note("too noisy to tell: it takes %d quiet rounds of %s and a spread of at most %.0f %%"
                  % (rounds.LEAST_ROUNDS, base, most * 100))
        return False
