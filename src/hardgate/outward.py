"""What the formats of other systems share: texts within a limit, steady UUIDs, times, and what a file leaves out."""

from __future__ import annotations

import datetime
import functools
import re
import uuid
from collections.abc import Collection, Sequence
from urllib.parse import quote

from hardgate.model import Finding, Kind, Outcome, Run, State, Verdict
from hardgate.wording import Judged, count, flow, headline, overridden, plain

OWN_NAME = "hardgate"
# What GitHub's code scanning takes: more is refused with the whole file. Of the results it shows 5,000 of a run
# (https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit).
MOST_RESULTS = 25_000
MOST_SHOWN = 5_000
MOST_RUNS = 20
# What `plain` writes for a hidden character, begun and not ended.
_HALF_ESCAPE = re.compile(r"\\(?:x[0-9a-f]?|u[0-9a-f]{0,3}|U[0-9a-f]{0,7})?\Z")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_MOST_RULES = 20
# Any steady UUID would do: this one is made of the project's name (RFC 9562, section 5.5).
_SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "hardgate.invalid")


def short(text: str, limit: int, empty: str = "-") -> str:
    """Running text in at most `limit` UTF-16 units, which is how services in Java and .NET count characters.

    It is cut before the format escapes anything, and never within a visible escape such as `\\x1b`. What was cut is
    marked with an ellipsis; a text with nothing to see in it becomes `empty`.
    """
    if not text:  # as most cells of a table are
        return empty
    enough = text[: 4 * limit]
    shown = flow(enough) or empty
    if len(enough) == len(text) and _units(shown) <= limit:
        return shown
    start = shown.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    return _HALF_ESCAPE.sub("", start) + "…"


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def uuid_of(*parts: str) -> str:
    """The same UUID for the same parts, on any machine and at any time."""
    return str(uuid.uuid5(_SPACE, "\0".join(map(plain, parts))))


@functools.lru_cache(maxsize=4096)
def uri(path: str) -> str:
    """A path as a relative reference of RFC 3986: every byte that is no plain letter, digit or mark is encoded."""
    raw = path.encode("utf-8", "surrogateescape" if _only_carried_bytes(path) else "surrogatepass")
    return quote(raw, safe="/")


def _only_carried_bytes(path: str) -> bool:
    return not any("\ud800" <= char < "\udc80" or "\udcff" < char <= "\udfff" for char in path)


def milliseconds(moment: str) -> int:
    """ISO 8601 in UTC as milliseconds since 1970."""
    return round(datetime.datetime.fromisoformat(moment).timestamp() * 1000)


def finished(run: Run, verdict: Verdict) -> str:
    """When the run ended, or when it was judged if it did not come to its end."""
    return run.finished or verdict.judged_at


def advisory(finding: Finding) -> str:
    """The name that other databases know it by: its CVE if there is one, else the rule of the tool."""
    return next((one for one in finding.ids if _CVE.fullmatch(one)), finding.rule)


def is_cve(name: str) -> bool:
    """Whether `name` is the number of a CVE record."""
    return _CVE.fullmatch(name) is not None


def aliases(finding: Finding) -> tuple[str, ...]:
    """The other names of the same advisory, in order."""
    return tuple(dict.fromkeys(one for one in (*finding.ids, finding.rule) if one != advisory(finding)))


def verdict_line(verdict: Verdict) -> str:
    """`INCOMPLETE: 2 things were not looked at. ...`: the verdict by its name, and an override that opened it."""
    return f"{verdict.outcome.name}: {headline(verdict)} {overridden(verdict)}".rstrip()


def complete(verdict: Verdict) -> bool:
    """False when something was not looked at: then no format may read as clean."""
    return verdict.outcome is not Outcome.INCOMPLETE


def states(judged: Sequence[Judged]) -> str:
    """`3 findings: 1 blocking, 1 waived, 1 informing`."""
    numbers = {state: sum(one.decision.state is state for one in judged) for state in State}
    return f"{count(len(judged), 'finding')}: " + ", ".join(f"{number:,} {state}" for state, number in numbers.items())


def elsewhere(judged: Sequence[Judged], here: Collection[Kind]) -> str:
    """What a format for some kinds of findings has no place for: counted by kind, the rules that block by name.

    "" when every finding is of a kind in `here`.
    """
    told = []
    for kind in Kind:
        others = [one for one in judged if one.finding.kind is kind]
        if others and kind not in here:
            told.append(f"{kind}, {states(others)}{_blocking_rules(others)}")
    return f"Not in this file, which has no place for them: {'; '.join(told)}." if told else ""


def _blocking_rules(judged: Sequence[Judged]) -> str:
    rules = list(dict.fromkeys(flow(one.finding.rule) for one in judged if one.decision.state is State.BLOCKING))
    more = f" and {len(rules) - _MOST_RULES:,} more" if len(rules) > _MOST_RULES else ""
    return f" (blocked by {', '.join(rules[:_MOST_RULES])}{more})" if rules else ""


def github_cut(tool: str, number: int) -> list[str]:
    """What GitHub's limit of results leaves out of a tool with so many findings, as a sentence; else nothing."""
    more = number - MOST_RESULTS
    return [f"{count(more, 'finding')} of {tool}, the least: GitHub takes {MOST_RESULTS:,} a tool."] if more > 0 else []


def github_remarks(run: Run) -> list[str]:
    """What code scanning on GitHub will not show of this run, as sentences; nothing for a run of usual size."""
    numbers: dict[str, int] = {}
    for finding in run.findings:
        numbers[finding.scanner] = numbers.get(finding.scanner, 0) + 1
    cut = [sentence for tool, number in sorted(numbers.items()) for sentence in github_cut(plain(tool), number)]
    hidden = sorted(plain(tool) for tool, number in numbers.items() if number > MOST_SHOWN)
    shown = [f"GitHub shows the worst {MOST_SHOWN:,} findings of {' and '.join(hidden)}."] if hidden else []
    return [*(f"Not in SARIF for GitHub: {sentence}" for sentence in cut), *shown]
