"""Reads the labelled cases of bench/corpus and counts which of them a report names. It starts nothing.

A file holds the cases of one family. A case begins with a line such as

    # case: sql_injection-03 | bad | CWE-89 | f-string through a helper

and runs to the next one or to the end of the file. `bad` is a hole; `good` is safe code that looks like it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Finding = dict[str, Any]
Fair = Mapping[str, frozenset[str]]
Seen = dict[str, dict[str, set[str]]]

UNION = "union"  # reported by any scanner
STANDING = "standing"  # reported by a finding that no other scanner refutes
BLOCKING = "blocking"  # reported by a finding that keeps the gate shut
ALL = "all"
_START = re.compile(r"# case:")
_CASE = re.compile(r"# case: ([a-z_]+)-(\d\d+) \| (bad|good) \| (CWE-\d+) \| (\S.*)")


@dataclasses.dataclass(frozen=True)
class Case:
    """One labelled piece of code: lines `first` to `last` (from 1, both within) of the file `path` of its part."""

    id: str
    family: str
    number: int
    part: str
    bad: bool
    cwe: str
    note: str
    path: str
    first: int
    last: int


@dataclasses.dataclass(frozen=True)
class Score:
    """How one scanner judged a group of cases: `found` of the `bad` ones, `alarms` on the `good` ones."""

    bad: int
    good: int
    found: int
    alarms: int

    @property
    def tpr(self) -> float | None:
        """The true positive rate, 0 to 1; None in a group without a hole."""
        return self.found / self.bad if self.bad else None

    @property
    def fpr(self) -> float | None:
        """The false positive rate, 0 to 1; None in a group without safe code."""
        return self.alarms / self.good if self.good else None

    @property
    def j(self) -> float | None:
        """Youden's J, true minus false positive rate, -1 to 1: 0 is what guessing earns (Youden 1950).

        https://en.wikipedia.org/wiki/Youden%27s_J_statistic
        """
        return self.tpr - self.fpr if self.tpr is not None and self.fpr is not None else None


def read_families(path: Path) -> Fair:
    """families.yaml: for each family the words ("CWE-89") under which a tool may report it."""
    listed: dict[str, list[int]] = yaml.safe_load(path.read_bytes())
    return {family: frozenset(f"CWE-{number}" for number in numbers) for family, numbers in listed.items()}


def read_part(folder: Path) -> list[Case]:
    """The cases of every file of a part, which has the name of the folder.

    Raises ValueError with file and line for a case line that cannot be read or that stands in another family's file.
    """
    return [case for path in sorted(folder.glob("*.py")) for case in cases_of(path.read_text("utf-8"), path)]


def cases_of(text: str, path: Path) -> list[Case]:
    """The cases of one file's text. Raises ValueError as `read_part` does, and for a file without a case."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines, start=1) if _START.match(line)]
    if not starts:
        raise ValueError(f"{path} holds no case: a case begins with a line `# case: ...`")
    ends = [*(start - 1 for start in starts[1:]), len(lines)]
    return [_case(lines[first - 1], path, first, last) for first, last in zip(starts, ends, strict=True)]


def _case(line: str, path: Path, first: int, last: int) -> Case:
    match = _CASE.fullmatch(line)
    if match is None or match[1] != path.stem:
        raise ValueError(f"{path}:{first}: not `# case: {path.stem}-01 | bad or good | CWE-1 | note` but {line!r}")
    return Case(
        id=f"{match[1]}-{match[2]}",
        family=match[1],
        number=int(match[2]),
        part=path.parent.name,
        bad=match[3] == "bad",
        cwe=match[4],
        note=match[5],
        path=path.name,
        first=first,
        last=last,
    )


def faults(cases: Sequence[Case], fair: Fair) -> list[str]:
    """What is wrong with a corpus: families that are missing or unknown, ids used twice, weaknesses nobody may name."""
    found = [f"{part}/{family}.py is missing" for part, family in _absent(cases, fair)]
    ids = [case.id for case in cases]
    found += sorted({f"{one} is the id of more than one case" for one in ids if ids.count(one) > 1})
    for case in cases:
        if case.family not in fair:
            found.append(f"{case.part}/{case.path}: families.yaml does not know {case.family}")
        elif case.cwe not in fair[case.family]:
            found.append(f"{case.part}/{case.path}:{case.first}: families.yaml does not allow {case.cwe}")
    return found


def _absent(cases: Sequence[Case], fair: Fair) -> list[tuple[str, str]]:
    there = {(case.part, case.family) for case in cases}
    parts = sorted({case.part for case in cases})
    return [(part, family) for part in parts for family in fair if (part, family) not in there]


def witnesses(cases: Iterable[Case], findings: Sequence[Finding], fair: Fair) -> Seen:
    """For each case who reported it: scanner -> its rules. `union`, `standing` and `blocking` are there like scanners.

    `findings` are those of the JSON report of one part. One counts for a case when its first line is one of the case's
    and one of its weaknesses is fair for the family. Who merely agrees with a finding (a witness) counts as well.
    """
    seen: Seen = {}
    for case in cases:
        found: dict[str, set[str]] = {}
        for one in findings:
            if _about(one, case, fair[case.family]):
                for witness in one["witnesses"]:
                    rules = {f"{witness['scanner']} {witness['rule']}"}
                    found.setdefault(witness["scanner"], set()).update(rules)
                    found.setdefault(UNION, set()).update(rules)
                    if not one["refuted"]:
                        found.setdefault(STANDING, set()).update(rules)
                    if one["state"] == BLOCKING:
                        found.setdefault(BLOCKING, set()).update(rules)
        seen[case.id] = found
    return seen


def _about(finding: Finding, case: Case, fair: frozenset[str]) -> bool:
    path, line = finding["location"]["path"], finding["location"]["line"]
    inside = path.rpartition("/")[2] == case.path and line is not None and case.first <= line <= case.last
    return inside and not fair.isdisjoint(finding["cwe"])


def score(cases: Iterable[Case], seen: Seen, name: str) -> Score:
    """Count one scanner's hits over these cases."""
    told = [(case.bad, name in seen[case.id]) for case in cases]
    return Score(
        bad=sum(bad for bad, _ in told),
        good=sum(not bad for bad, _ in told),
        found=sum(bad and hit for bad, hit in told),
        alarms=sum(hit and not bad for bad, hit in told),
    )


def grouped(cases: Sequence[Case], key: str) -> dict[str, list[Case]]:
    """The cases by an attribute (`family` or `cwe`), in their order, and under `all` the whole."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(getattr(case, key), []).append(case)
    return {**groups, ALL: list(cases)}
