"""Put the result of a run into docs/performance.md, between two marks."""

BEGIN = "<!-- the last run: written by scripts/bench --record -->"
END = "<!-- end of the last run -->"
WORDS = {True: "reached", False: "**not reached**", None: "cannot tell"}


def machine_line(found):
    m = found["machine"]
    return ("%s; %s, %d cores, %d GiB, Linux %s, %s. Rounds: %d of %s s%s."
            % (found["time"][:10], m["cpu"], m["cores"], m["memory_gib"], m["kernel"], m["system"], found["rounds"],
               found["seconds"], ", quick" if found["quick"] else ""))


def markdown(found):
    lines = [BEGIN, "", machine_line(found), "",
             "Versions: " + ", ".join("%s %s" % v for v in found["versions"].items()) + ".", ""]
    if found["not_installed"]:
        lines += ["Not measured, because not installed: " + ", ".join(found["not_installed"]) + ".", ""]
    if found["failed"]:
        lines += ["Could not be measured: " + ", ".join(found["failed"]) + ".", ""]
    lines += ["| what | must | median [quartiles] | |", "|---|---|---|---|"]
    lines += ["| %s | %s | %s | %s |" % (g["what"], g["must"], g["got"], WORDS[g["reached"]]) for g in found["goals"]]
    for t in found["tables"]:
        lines += ["", "**%s**" % t["title"], "", t["text"]]
    if found["notes"]:
        lines += ["", "What the run itself noted:", ""]
        lines += ["- " + " ".join(note.split()) for note in found["notes"]]
    return "\n".join([*lines, "", END])


def record(path, found):
    """Replace what stands between the marks."""
    text = path.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError("%s lacks the two marks" % path)
    before, rest = text.split(BEGIN)
    path.write_text(before + markdown(found) + rest.split(END)[1])
