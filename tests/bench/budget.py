#!/usr/bin/python3
"""Hold the instructions that an answer takes against tests/bench/budget.txt.

tests/bench/budget.py ANSWER_BENCH            fails when a kind of answer takes more than its budget allows
tests/bench/budget.py ANSWER_BENCH --renew    writes what is counted now into budget.txt, to be committed with its reason

Instructions are counted by callgrind over the path from parsing a query to the finished reply, without sockets and
the kernel. They are the same in every run, unlike times, so a few per cent more are a fact. Figures are those of
Debian 12's compiler and the release build.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUDGET = pathlib.Path(__file__).with_name("budget.txt")
QUERIES = 20000
TOLERANCE = 0.03  # what another compiler or a harmless change may cost
HEAD = """\
# Instructions a query may take, by kind of answer: see tests/bench/budget.py. A figure is changed on purpose only:
#   scripts/test budget                                                      builds, counts and compares
#   tests/bench/budget.py build/budget/tests/bench/answer_bench --renew      writes what is counted; say in the commit why
"""


def read_budget():
    lines = (line.split() for line in BUDGET.read_text(encoding="ascii").splitlines() if not line.startswith("#"))
    return {line[0]: int(line[1]) for line in lines if line}


def count(bench, kind):
    with tempfile.NamedTemporaryFile(prefix="riposte-budget-") as out:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=answer_all*", "--callgrind-out-file=" + out.name,
             bench, kind, str(QUERIES)], capture_output=True, text=True, timeout=300, check=False)
    match = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode != 0 or match is None or int(match[1]) == 0:
        sys.exit("budget: callgrind of \"%s %s\" failed:\n%s" % (bench, kind, done.stderr[-2000:]))
    return round(int(match[1]) / QUERIES)


def judge(kind, budget, counted):
    """True when it is within; says how it stands."""
    share = 100 * (counted - budget) / budget
    if counted > budget * (1 + TOLERANCE):
        print("%-12s %5d instructions a query, %.1f %% more than the %d of its budget" % (kind, counted, share, budget))
        return False
    much_less = counted < budget * (1 - TOLERANCE)
    print("%-12s %5d of %d (%+.1f %%)%s" % (kind, counted, budget, share, ": lower the budget" if much_less else ""))
    return True


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--renew"]):
        sys.exit(__doc__)
    if shutil.which("valgrind") is None:
        print("budget: valgrind is not installed (scripts/dependencies test), nothing was counted")
        return
    budget = read_budget()
    counted = {kind: count(sys.argv[1], kind) for kind in budget}
    if sys.argv[2:] == ["--renew"]:
        BUDGET.write_text(HEAD + "".join("%s %d\n" % item for item in counted.items()), encoding="ascii")
    elif not all([judge(kind, budget[kind], counted[kind]) for kind in budget]):
        sys.exit("More instructions than tests/bench/budget.txt allows. Find what the change added with\n"
                 "  valgrind --tool=callgrind --dump-instr=yes --toggle-collect='answer_all*' %s mix %d\n"
                 "  callgrind_annotate --auto=yes callgrind.out.*\n"
                 "or, if it is worth that much, raise the budget in the same commit and say why:\n"
                 "  tests/bench/budget.py %s --renew" % (sys.argv[1], QUERIES, sys.argv[1]))


main()
