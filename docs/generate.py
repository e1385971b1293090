"""Writes what the documentation and the package hold in a form that is made from the code.

    python docs/generate.py           # write what is not as it should be
    python docs/generate.py --check   # write nothing; exit code 1 when something is not as it should be

Made are the JSON Schema of hardgate.yaml for editors, the bundled Semgrep rules as the one file that the engines read,
a page for each rule and the table of all rules (rules_pages.py), the table of figures in README.md out of
bench/results/overhead.json, the tables of docs/explanation/detection.md out of bench/results/detection.json, that of
docs/explanation/identity.md out of bench/results/churn.json, that of docs/explanation/scale.md out of
bench/results/scale.json (scale_page.py), that of docs/how-to/hooks.md out of bench/results/hooks.json (hooks_page.py),
that of docs/how-to/designs.md out of bench/results/designs.json (designs_page.py),
and docs/reference/adapters.md (adapters_page.py). The same input always makes the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from hardgate import config
from hardgate.scanners import DESCRIBED, SCANNERS
from hardgate.steps import STEPS

# The page maker lies beside this file, which may have been started by its path or loaded by a test.
sys.path.insert(0, str(Path(__file__).resolve().parent))
import adapters_page
import designs_page
import hooks_page
import rule_gates
import rules_pages
import scale_page

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = Path("src/hardgate/schemas/hardgate-yaml.schema.json")
FAMILIES = Path("src/hardgate/rules/semgrep")
SHARED = "shared.yaml"
RULES = Path("src/hardgate/rules/semgrep.json")
README = Path("README.md")
FIGURES = Path("bench/results/overhead.json")
BEGIN, END = "<!-- bench:overhead -->", "<!-- /bench:overhead -->"
DETECTION = Path("docs/explanation/detection.md")
RATES = Path("bench/results/detection.json")
# Who is rated, in the words of bench/detection.py and in those of the page.
RATED = {
    "bandit": "bandit", "semgrep": "semgrep", "dataflow": "dataflow", "ruff": "ruff", "union": "any of them",
    "standing": "not refuted", "blocking": "what blocks",
}  # fmt: skip
IDENTITY = Path("docs/explanation/identity.md")
REPLAYED = Path("bench/results/churn.json")
# The ways to recognise a finding, in the words of bench/churn.py and in those of the page.
WAYS = {
    "line": "file, line, rule", "github": "file, rule, GitHub's line hash", "code": "rule, file, code, count",
    "ours": "hardgate",
}  # fmt: skip
PARTS = {"tuned": "tuned", "opened": "opened", "unseen": "unseen", "all": "all"}


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure: what was timed, its wall time, and the bound it must keep ("" where there is none)."""

    what: str
    seconds: float
    bound: str = ""


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bench/overhead.py measured: when (ISO 8601 date), on which machine, over which tree."""

    measured: str
    machine: str
    tree: str
    rows: tuple[Row, ...]


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one scanner judged a group of one part: counts of cases, and rates (None where there was no such case)."""

    part: str
    group: str
    scanner: str
    bad: int
    found: int
    good: int
    alarms: int
    tpr: float | None
    fpr: float | None
    j: float | None


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many holes of planetary-api a scanner found, and on how many safe twins it raised an alarm."""

    scanner: str
    found: int
    alarms: int


class Pairs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pairs of planetary-api that are Python, and the ids of the sides that were judged wrongly."""

    holes: int
    twins: int
    rows: tuple[Told, ...]
    missed: tuple[str, ...]
    reported: tuple[str, ...]
    blocked: tuple[str, ...]


class Goal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Youden's J of all scanners together must be over a part, and what it is."""

    part: str
    bound: float
    j: float
    met: bool


class Detection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bench/detection.py measured; `tools` are versions, `rules` and `corpus` SHA-256 digests."""

    measured: str
    tools: dict[str, str]
    rules: str
    corpus: str
    goal: Goal
    families: tuple[Rate, ...]
    weaknesses: tuple[Rate, ...]
    planetary: Pairs


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one way recognised findings: unchanged ones that read as new or as another; changed ones that read as old."""

    way: str
    new: int
    another: int
    old: int


class History(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One replayed history: counts of findings over all pairs of commits, by what git's diff says of their lines."""

    name: str
    scanner: str
    commits: int
    same: int
    changed: int
    unread: int
    ways: tuple[Way, ...]


class Churn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bench/churn.py measured, and when (ISO 8601 date)."""

    measured: str
    histories: tuple[History, ...]


def schema_bytes() -> bytes:
    """The JSON Schema of hardgate.yaml for the scanners that this hardgate has."""
    every = sorted((*SCANNERS, *DESCRIBED, *STEPS), key=lambda one: one.name)
    options: dict[str, type[msgspec.Struct]] = {one.name: one.options for one in every}
    document = msgspec.to_builtins(config.schema(options))
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def families(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rules of each family file in `folder`, in the order of their names; each is read after the shared anchors.

    Gates stand in them as `pattern-regex` (rule_gates.py). Raises ValueError for an id that is there twice.
    """
    shared = (folder / SHARED).read_text("utf-8")
    files = (path for path in sorted(folder.glob("*.yaml")) if path.name != SHARED)
    read = {path.stem: _safely(f"{shared}\n{path.read_text('utf-8')}")["rules"] for path in files}
    found = {name: [rule_gates.opened(rule) for rule in members] for name, members in read.items()}
    every = Counter(rule["id"] for members in found.values() for rule in members)
    twice = [one for one, times in every.items() if times > 1]
    if twice:
        raise ValueError(f"{folder} has more than one rule {', '.join(twice)}")
    return found


def _safely(text: str) -> Any:
    """What `yaml.safe_load` says, from libyaml: 4,000 lines of rules in a sixth of the time."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def rules_bytes(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """The rules as one JSON document, a line for each: the engines read that in half the time that YAML takes them."""
    lines = ",\n".join(json.dumps(rule, sort_keys=True) for members in found.values() for rule in members)
    return f'{{"rules": [\n{lines}\n]}}\n'.encode()


def read_figures(root: Path) -> Figures | None:
    """The figures that were measured last, None when nothing was measured yet."""
    path = root / FIGURES
    return msgspec.json.decode(path.read_bytes(), type=Figures) if path.is_file() else None


def table(figures: Figures) -> str:
    """The figures as a Markdown table, with the machine and the day they are from."""
    rows = [f"| {row.what} | {row.seconds:.2f} s | {row.bound or 'none'} |" for row in figures.rows]
    head = ["| what | wall time | bound |", "|---|---|---|"]
    origin = f"Measured on {figures.measured} over {figures.tree}, on {figures.machine}, by `make bench`."
    return "\n".join([*head, *rows, "", origin])


def readme_text(text: str, figures: Figures | None) -> str:
    """README.md with the table between its two markers; as it is when nothing was measured.

    Raises ValueError when the markers do not stand there exactly once, in their order.
    """
    return between(text, README, (BEGIN, END), None if figures is None else table(figures))


def between(text: str, page: Path, markers: tuple[str, str], content: str | None) -> str:
    """A page's text with this content between its two markers; as it is without content.

    Raises ValueError when the markers do not stand there exactly once, in their order.
    """
    begin, end = markers
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{page} must hold {begin} and then {end}, each once")
    if content is None:
        return text
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def detection_text(text: str, measured: Detection) -> str:
    """docs/explanation/detection.md with its tables between their markers. Raises ValueError as `between` does."""
    parts = {
        "all": _overall(measured),
        "unseen": _by_group(measured.families, "unseen", "family"),
        "opened": _by_group(measured.families, "opened", "family"),
        "tuned": _by_group(measured.families, "tuned", "family"),
        "weaknesses": _by_group(measured.weaknesses, "unseen", "weakness"),
        "planetary": _pairs(measured.planetary),
    }
    for name, content in parts.items():
        text = between(text, DETECTION, (f"<!-- detection:{name} -->", f"<!-- /detection:{name} -->"), content)
    return text


def _overall(measured: Detection) -> str:
    found = {(one.scanner, one.part): one for one in measured.families if one.group == "all"}
    head = [f"| | {' | '.join(PARTS.values())} |", "|---|" + "---|" * len(PARTS)]
    rows = [f"| {word} | {' | '.join(_rates(found[name, part]) for part in PARTS)} |" for name, word in RATED.items()]
    tools = ", ".join(f"{name} {version}" for name, version in sorted(measured.tools.items()))
    goal = measured.goal
    reached = f"it is {goal.j:.2f}, so the goal is {'met' if goal.met else 'missed'}"
    origin = f"Measured on {measured.measured} with {tools}."
    bound = f"J of all scanners together over the {PARTS[goal.part]} part must be {goal.bound} or more: {reached}."
    return "\n".join([*head, *rows, "", origin, bound])


def _by_group(rates: Sequence[Rate], part: str, what: str) -> str:
    found = {(one.group, one.scanner): one for one in rates if one.part == part}
    head = [f"| {what} | bad | good | {' | '.join(RATED.values())} |", "|---|---|---|" + "---|" * len(RATED)]
    rows = []
    for group in dict.fromkeys(name for name, _ in found):
        one = found[group, "union"]
        cells = " | ".join(_rates(found[group, name]) for name in RATED)
        rows.append(f"| {group.replace('_', ' ')} | {one.bad} | {one.good} | {cells} |")
    return "\n".join([*head, *rows])


def _rates(one: Rate) -> str:
    return " / ".join("-" if rate is None else f"{rate:z.2f}" for rate in (one.tpr, one.fpr, one.j))


def _pairs(pairs: Pairs) -> str:
    head = [f"| | of {pairs.holes} holes found | of {pairs.twins} safe twins reported |", "|---|---|---|"]
    rows = [f"| {RATED[one.scanner]} | {one.found} | {one.alarms} |" for one in pairs.rows]
    missed = ", ".join(f"`{one}`" for one in pairs.missed) or "none"
    blocked = ", ".join(f"`{one}`" for one in pairs.blocked) or "none"
    return "\n".join([*head, *rows, "", f"Holes that nobody found: {missed}. Safe twins that would block: {blocked}."])


def churn_table(measured: Churn) -> str:
    """A row for each history and way; the share is that of the unchanged findings that read as new."""
    head = ["| history | compared by | unchanged, read as new | taken for another | changed, read as old |"]
    rows = [*head, "|---|---|---|---|---|"]
    for one in measured.histories:
        named = f"{one.name}: {one.commits} commits, {one.scanner}, {one.same:,} unchanged, {one.changed:,} changed"
        for way in one.ways:
            share = f"{way.new:,} ({way.new / max(one.same, 1):.2%})"
            cells = (named, WAYS[way.way], share, f"{way.another:,}", f"{way.old:,}")
            rows.append(f"| {' | '.join(cells)} |")
            named = ""
    totals = {way: sum(one.new for found in measured.histories for one in found.ways if one.way == way) for way in WAYS}
    told = "; ".join(f"{WAYS[way]}: {count:,}" for way, count in totals.items())
    return "\n".join([*rows, "", f"Measured on {measured.measured}. Read as new in all histories together: {told}."])


def made(root: Path) -> Mapping[Path, bytes]:
    """Every generated file below `root`, with the bytes that it should have."""
    readme = readme_text((root / README).read_text("utf-8"), read_figures(root))
    measured = msgspec.json.decode((root / RATES).read_bytes(), type=Detection)
    detection = detection_text((root / DETECTION).read_text("utf-8"), measured)
    churn = msgspec.json.decode((root / REPLAYED).read_bytes(), type=Churn)
    markers = ("<!-- bench:churn -->", "<!-- /bench:churn -->")
    identity = between((root / IDENTITY).read_text("utf-8"), IDENTITY, markers, churn_table(churn))
    rules, index = families(root / FAMILIES), rules_pages.INDEX
    listed = between((root / index).read_text("utf-8"), index, rules_pages.MARKERS, rules_pages.table(rules))
    return {
        SCHEMA: schema_bytes(),
        RULES: rules_bytes(rules),
        README: readme.encode(),
        DETECTION: detection.encode(),
        IDENTITY: identity.encode(),
        scale_page.PAGE: between(
            (root / scale_page.PAGE).read_text("utf-8"), scale_page.PAGE, scale_page.MARKERS, scale_page.table(root)
        ).encode(),
        designs_page.PAGE: between(
            (root / designs_page.PAGE).read_text("utf-8"),
            designs_page.PAGE,
            designs_page.MARKERS,
            designs_page.table(root),
        ).encode(),
        hooks_page.PAGE: between(
            (root / hooks_page.PAGE).read_text("utf-8"), hooks_page.PAGE, hooks_page.MARKERS, hooks_page.table(root)
        ).encode(),
        adapters_page.PAGE: adapters_page.page(root),
        index: listed.encode(),
        **rules_pages.pages(root, rules),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write, or with --check compare; returns 0 when all is as it should be."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is not as it should be")
    check = parser.parse_args(argv).check
    stale = [
        (path, content)
        for path, content in made(ROOT).items()
        if not (ROOT / path).is_file() or (ROOT / path).read_bytes() != content
    ]
    for path, content in stale:
        if not check:
            (ROOT / path).write_bytes(content)
        sys.stdout.write(f"{path} {'is not as it should be: make docs' if check else 'was written'}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
