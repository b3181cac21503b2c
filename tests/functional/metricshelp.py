"""A strict reader of the Prometheus text format 0.0.4: what it accepts, every scraper accepts."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(r"^(?P<name>%s)(?:\{(?P<labels>%s(?:,%s)*)\})? (?P<value>-?[0-9.eE+-]+|[+-]Inf|NaN)$" % (NAME, LABEL, LABEL))
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Metrics:
    def __init__(self, text):
        assert text.endswith("\n"), "the last line ends with a line feed"
        self.kinds = {}
        self.samples = {}
        helped = set()
        current = None
        for line in text.split("\n")[:-1]:
            if line.startswith("# HELP "):
                name, _, text_ = line[7:].partition(" ")
                assert re.fullmatch(NAME, name) and name not in helped and text_, line
                assert "\\" not in text_.replace("\\\\", "").replace("\\n", ""), line
                helped.add(name)
                current = name
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name == current and name not in self.kinds and kind in SUFFIXES, line
                self.kinds[name] = kind
            else:
                match = SAMPLE.match(line)
                assert match, line
                assert current in self.kinds, "a sample without TYPE: " + line
                assert match["name"] in [current + s for s in SUFFIXES[self.kinds[current]]], "not with its own: " + line
                labels = tuple(re.findall(LABEL, match["labels"] or ""))
                assert len({k for k, _ in labels}) == len(labels), line
                key = (match["name"], tuple(sorted(labels)))
                assert key not in self.samples, "twice: " + line
                self.samples[key] = float(match["value"])
        assert helped == set(self.kinds)
        for name, kind in self.kinds.items():
            if kind == "counter":
                assert name.endswith("_total"), name
            if kind == "histogram":
                self.check_histogram(name)

    def check_histogram(self, name):
        series = {}
        for (sample, labels), value in self.samples.items():
            if sample == name + "_bucket":
                rest = tuple(l for l in labels if l[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"].replace("+Inf", "inf")), value))
        assert series, name
        for rest, buckets in series.items():
            buckets.sort()
            assert buckets[-1][0] == float("inf"), name
            assert [v for _, v in buckets] == sorted(v for _, v in buckets), name
            assert self.samples[(name + "_count", rest)] == buckets[-1][1]
            assert (name + "_sum", rest) in self.samples

    def value(self, name, **labels):
        """The sum of all samples of a name that have these labels."""
        found = [v for (n, have), v in self.samples.items() if n == name and set(labels.items()) <= set(have)]
        assert found or name in self.kinds, name
        return sum(found)
