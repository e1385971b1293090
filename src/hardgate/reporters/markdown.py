"""GitHub-flavoured Markdown for a job summary (`$GITHUB_STEP_SUMMARY`), a pull request or a wiki.

GitHub takes at most 1 MiB of summary from one step and shows none of it when there is more, so the report stays under:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from hardgate.model import ActionState, Gap, Outcome, Receipt, Run, Severity, State, Verdict
from hardgate.proven import sourced
from hardgate.remarks import left_out, next_steps, remarks
from hardgate.wording import (
    Judged,
    also_seen_by,
    brief,
    commit_name,
    count,
    headline,
    judge,
    only,
    package_name,
    place,
    seconds,
    tally,
    web_link,
)

_T = TypeVar("_T")

LIMIT = 1024 * 1024
# What follows the longest list (gaps, actions, notes) is cut as well, and this much is kept free for it.
_RESERVED = 256 * 1024
_LONGEST_CELL = 400
_MARKS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCOMPLETE: "⚠️"}
_ACTIVE = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>|~#!$&"} | {"@": "@<!-- -->"})
# A colon is left alone where it can start neither an emoji's name nor an address.
_COLON = re.compile(r":(?![\s\d]|$)")
_LIST_MARK = re.compile(r"^([-+]|\d+[.)])")


def render(run: Run, verdict: Verdict) -> bytes:
    """The verdict, the counts, what blocks, what is waived, the gaps and the actions; always under 1 MiB.

    Raises Error when the verdict says nothing about one of the findings.
    """
    judged = judge(run, verdict)
    page = _Page()
    page.add(_head(run, verdict), LIMIT)
    page.add(_counts(judged), LIMIT)
    page.table("What was not looked at", _GAP_HEADS, verdict.gaps, _gap, LIMIT // 4)
    page.table("What blocks", _FINDING_HEADS, only(judged, State.BLOCKING), _blocking, LIMIT - _RESERVED)
    page.table("Waived", _WAIVED_HEADS, only(judged, State.WAIVED), _waived, LIMIT - _RESERVED // 2)
    page.table("Actions", _ACTION_HEADS, run.receipts, _action, LIMIT - _RESERVED // 4)
    page.list("Left out on purpose, and notes", [*left_out(run), *remarks(run, verdict)], LIMIT - _RESERVED // 8)
    page.add(_next(run, verdict), LIMIT)
    return page.bytes()


_GAP_HEADS = ("action", "reason", "what", "what to do")
_FINDING_HEADS = ("severity", "where", "rule", "what", "fix", "id")
_WAIVED_HEADS = ("severity", "where", "rule", "because", "id")
_ACTION_HEADS = ("stage", "action", "state", "time", "findings", "gaps")


class _Page:
    """Lines with their size in bytes, so that a list can stop before the page grows too long."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0

    def _put(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line.encode()) + 1

    def add(self, lines: Iterable[str], limit: int) -> int:
        """Put lines as long as the page stays under `limit` bytes; returns how many were put. Makes no line in vain."""
        number = 0
        for line in lines:
            if self._size + len(line.encode()) + 1 > limit:
                break
            self._put(line)
            number += 1
        return number

    def table(
        self, title: str, heads: Sequence[str], rows: Sequence[_T], row: Callable[[_T], Sequence[str]], limit: int
    ) -> None:
        """A section with a table, or nothing when there are no rows."""
        if not rows:
            return
        for line in (f"### {title} ({len(rows):,})", "", _row(heads), _row(["---"] * len(heads))):
            self._put(line)
        self._end(len(rows) - self.add((_row(row(one)) for one in rows), limit))

    def list(self, title: str, sentences: Sequence[str], limit: int) -> None:
        """A section with a list, or nothing when there are no sentences."""
        if not sentences:
            return
        self._put(f"### {title}\n")
        self._end(len(sentences) - self.add((f"- {_text(sentence)}" for sentence in sentences), limit))

    def _end(self, missing: int) -> None:
        if missing:
            self._put(
                f"\n**{missing:,} more are left out here to stay under 1 MiB; the HTML and JSON reports list all.**"
            )
        self._put("")

    def bytes(self) -> bytes:
        return "\n".join(self._lines).encode() + b"\n"


def _text(text: str) -> str:
    """Text that Markdown, HTML and GitHub's mentions leave as it is."""
    escaped = _COLON.sub("\\\\:", brief(text, _LONGEST_CELL).translate(_ACTIVE))
    return _LIST_MARK.sub(r"\\\1", escaped).replace("www.", "www<!-- -->.")


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(run: Run, verdict: Verdict) -> Iterator[str]:
    yield f"## {_MARKS[verdict.outcome]} {verdict.outcome}: {_text(run.pipeline)}"
    yield ""
    yield f"{headline(verdict)}"
    yield ""
    yield f"Commit {_text(commit_name(run))}, run {_text(run.id)}, judged {_text(verdict.judged_at)}."
    yield ""


def _counts(judged: Sequence[Judged]) -> Iterator[str]:
    table = tally(judged)
    yield _row(["findings", *State, "all"])
    yield _row(["---", *["---:"] * (len(State) + 1)])
    for severity in Severity:
        numbers = table[severity].values()
        yield _row([severity, *(f"{number:,}" for number in numbers), f"{sum(numbers):,}"])
    totals = [sum(table[severity][state] for severity in Severity) for state in State]
    yield _row(["**all**", *(f"**{number:,}**" for number in (*totals, len(judged)))])
    yield ""


def _gap(gap: Gap) -> Sequence[str]:
    return (_text(gap.action) or "the whole run", gap.reason, _text(gap.message), _text(gap.remedy))


def _blocking(judged: Judged) -> Sequence[str]:
    finding = judged.finding
    message = _text(finding.message)
    package = package_name(finding)
    seen = ", ".join(also_seen_by(finding))
    message += f" In {_text(package)}." if package else ""
    message += "".join(f" {_text(one)}." for one in sourced(finding))
    message += f" Also seen by {_text(seen)}." if seen else ""
    names = " ".join((*finding.cwe, *finding.ids))
    return (finding.severity, _text(place(finding.location)), f"{_rule(judged)} {_text(names)}".strip(), message,
            _text(finding.fix), _text(finding.id))  # fmt: skip


def _rule(judged: Judged) -> str:
    finding = judged.finding
    name = f"{_text(finding.scanner)} {_text(finding.rule)}"
    link = web_link(finding.url)
    return f"[{name}](<{link}>)" if link and "|" not in link else name


def _waived(judged: Judged) -> Sequence[str]:
    finding, decision = judged
    rule = " ".join([_rule(judged), *map(_text, sourced(finding))])
    return (finding.severity, _code(place(finding.location)), rule, _text(decision.because), _text(finding.id))


def _action(receipt: Receipt) -> Sequence[str]:
    states = {ActionState.DONE: "done", ActionState.GAP: "**not complete**", ActionState.NOTHING_TO_DO: "nothing to do"}
    state = states[receipt.state]
    state += f", as in run {_text(receipt.cached_from)}" if receipt.cached_from else ""
    state += "" if receipt.blocking else ", informs only"
    unknown = receipt.state is not ActionState.DONE and not receipt.findings
    found = "" if unknown else f"{len(receipt.findings):,}"
    gaps = count(len(receipt.gaps), "gap") if receipt.gaps else ""
    return (_text(receipt.stage), _text(receipt.action), state, seconds(receipt.seconds), found, gaps)


def _next(run: Run, verdict: Verdict) -> Iterator[str]:
    steps = next_steps(run, verdict)
    if steps:
        yield "### What to do next"
        yield ""
    for step in steps:
        yield f"- {_code(step.do)}: {_text(step.why)}"
