"""Running the load generators, and making something of their numbers on a machine that is never quite quiet."""

import json
import pathlib
import statistics
import subprocess
import time

import servers

QUIET_CPUS = 0.15  # what else may run, in cores, before a round counts as disturbed
QUIET_DISK_CPUS = 0.4  # the same where the kernel's own threads write to the disk meanwhile
QUIET_WAIT_S = 1.0
NOISY_SPREAD = 0.15  # of echo's own rounds, quartile to quartile, relative to the median
NOISY_DISK_SPREAD = 0.30  # the same of updates a second, which the disk has a part in
LEAST_ROUNDS = 3


class BenchError(Exception):
    """A measurement that could not be made, with the reason."""


def busy_cpus(seconds=0.05):
    """How many cores are busy right now, all programs together."""

    def read():
        fields = [int(x) for x in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return sum(fields[:3]) + sum(fields[5:8])

    before, began = read(), time.monotonic()
    time.sleep(seconds)
    return (read() - before) / 100.0 / (time.monotonic() - began)


def wait_for_quiet():
    """Until nobody else uses the machine, but not for long: the round says itself whether it was disturbed."""
    end = time.monotonic() + QUIET_WAIT_S
    while busy_cpus() > QUIET_CPUS * 2 and time.monotonic() < end:
        time.sleep(0.1)


def tool_start(command, cores=None, env=None):
    return subprocess.Popen([str(x) for x in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, preexec_fn=servers.prepare_child(cores), env=env)


def tool_end(process, seconds=300):
    """What a tool found out: its line of JSON."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise BenchError("%s did not end" % process.args[0]) from None
    if process.returncode != 0:
        raise BenchError("%s: %s" % (pathlib.Path(process.args[0]).name, err.strip()[-400:]))
    found = json.loads(out)
    found["said"] = err.strip()[-400:]
    return found


def tool(command, cores=None, env=None, seconds=300):
    process = tool_start(command, cores, env)
    try:
        return tool_end(process, seconds)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def quartiles(values):
    """median, first and third quartile; None of nothing."""
    values = sorted(values)
    if not values:
        return None
    if len(values) == 1:
        return values[0], values[0], values[0]
    q = statistics.quantiles(values, n=4, method="inclusive")
    return statistics.median(values), q[0], q[2]


def spread(values):
    q = quartiles(values)
    return (q[2] - q[1]) / q[0] if q and q[0] else 0.0


class Rounds:
    """Rounds of several servers in turn: by[name] is a list of what the load generator said, None where it failed."""

    def __init__(self, names, quiet_cpus=QUIET_CPUS):
        self.by = {name: [] for name in names}
        self.quiet_cpus = quiet_cpus

    def add(self, name, found):
        self.by[name].append(found)

    def is_undisturbed(self, found):
        return found is not None and found["other_cpus"] <= self.quiet_cpus

    def quiet_pairs(self, name, base):
        both = zip(self.by[name], self.by[base])
        return [(a, b) for a, b in both if self.is_undisturbed(a) and self.is_undisturbed(b)]

    def is_quiet(self, name, base):
        """Whether enough of the rounds of two servers were undisturbed to compare them."""
        return len(self.quiet_pairs(name, base)) >= LEAST_ROUNDS

    def pairs(self, name, base):
        """The rounds of two servers that stand beside each other, undisturbed ones only if there are enough."""
        if self.is_quiet(name, base):
            return self.quiet_pairs(name, base)
        return [(a, b) for a, b in zip(self.by[name], self.by[base]) if a is not None and b is not None]

    def values(self, name, what):
        return [what(a) for a, _ in self.pairs(name, name)]

    def ratios(self, name, base, what):
        return [what(a) / what(b) for a, b in self.pairs(name, base) if what(b)]

    def disturbed(self):
        """How many of all rounds were."""
        every = [f for found in self.by.values() for f in found if f is not None]
        return sum(not self.is_undisturbed(f) for f in every), len(every)

    def dump(self):
        return self.by


def cpu_us(found):
    """CPU time a query."""
    return found["cpu_ns"] / 1000.0 / found["answered"] if found["answered"] else float("inf")


def user_us(found):
    ticks = found["user_ms"] + found["kernel_ms"]
    return cpu_us(found) * found["user_ms"] / ticks if ticks else 0.0


def qps(found):
    return found["answered"] / found["seconds"]


def done_ps(found):
    return found["done"] / found["seconds"]
