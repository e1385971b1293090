"""The report for a terminal: the verdict, what blocks, what was not looked at, what to do next.

`render` is plain and `render_colour` the same text with ANSI colours (ECMA-48 SGR). Nothing that came from a tool or
from the repository reaches the terminal unfiltered: see hardgate.wording.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from hardgate import rated
from hardgate.model import ActionState, Gap, Outcome, Receipt, Run, RunState, Severity, State, Verdict
from hardgate.outward import github_remarks
from hardgate.proven import sourced
from hardgate.remarks import left_out, next_steps, remarks
from hardgate.wording import (
    Judged,
    also_seen_by,
    brief,
    commit_name,
    count,
    cut,
    flow,
    headline,
    inert,
    judge,
    only,
    package_name,
    place,
    plain,
    seconds,
    tally,
)

WIDTH = 100
SHOWN = 20
WAIVED_SHOWN = 10
_GAPS_SHOWN = 30
_NOTES_SHOWN = 30
_LONGEST_MESSAGE = 600
_LONGEST_PLACE = 300
_NARROWEST = 40
_PREFIX = "      "

_Paint = Callable[[str, str], str]
_Lines = Iterator[str]

_SGR = {
    "PASS": "1;30;42",
    "FAIL": "1;97;41",
    "INCOMPLETE": "1;30;43",
    "critical": "1;35",
    "high": "1;31",
    "medium": "33",
    "low": "36",
    "info": "34",
    "title": "1",
    "place": "1",
    "dim": "2",
    "good": "32",
    "bad": "1;33",
    "do": "1;36",
}
_STATE_WORDS = {
    ActionState.DONE: ("done", "good"),
    ActionState.GAP: ("not complete", "bad"),
    ActionState.NOTHING_TO_DO: ("nothing to do", "dim"),
}


def render(run: Run, verdict: Verdict, *, places: Mapping[str, str] | None = None, width: int = WIDTH) -> bytes:
    """The report without colour. `places` maps the name of a report to the file that holds it; `width` is in columns.

    Raises Error when the verdict says nothing about one of the findings.
    """
    return _render(run, verdict, places or {}, max(width, _NARROWEST), lambda _style, text: text)


def render_colour(run: Run, verdict: Verdict, *, places: Mapping[str, str] | None = None, width: int = WIDTH) -> bytes:
    """The same report with ANSI colours."""
    return _render(run, verdict, places or {}, max(width, _NARROWEST), _ansi)


def _ansi(style: str, text: str) -> str:
    return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if text else text


def _render(run: Run, verdict: Verdict, places: Mapping[str, str], width: int, paint: _Paint) -> bytes:
    lines = "\n".join(inert(line.rstrip()) for line in _report(run, verdict, places, width, paint))
    return f"{lines}\n".encode()


def _report(run: Run, verdict: Verdict, places: Mapping[str, str], width: int, paint: _Paint) -> _Lines:
    judged = judge(run, verdict)
    yield from _head(run, verdict, judged, width, paint)
    yield from _actions(run.receipts, width, paint)
    yield from _blocking(only(judged, State.BLOCKING), width, paint)
    yield from _waived(only(judged, State.WAIVED), width, paint)
    yield from _gaps(verdict.gaps, width, paint)
    yield from _left_out(run, verdict, width, paint)
    yield from _counts(judged, width, paint)
    yield from _files(places, width, paint)
    yield from _next(run, verdict, width, paint)


def _head(run: Run, verdict: Verdict, judged: Sequence[Judged], width: int, paint: _Paint) -> _Lines:
    badge = f" {verdict.outcome} "
    first, *rest = textwrap.wrap(headline(verdict), width - len(badge) - 2)
    yield f"{paint(verdict.outcome, badge)}  {paint('title', first)}"
    for line in rest:
        yield f"{' ' * len(badge)}  {paint('title', line)}"
    yield ""
    states = {state: verdict.count(state) for state in State}
    parts = " + ".join(f"{number:,} {state}" for state, number in states.items())
    for name, value in (
        ("pipeline", flow(run.pipeline)),
        ("commit", commit_name(run)),
        ("run", f"{plain(run.id)}, started {plain(run.started)}{_ending(run)}"),
        ("judged", plain(verdict.judged_at)),
        ("findings", f"{len(judged):,} = {parts}"),
    ):
        yield f" {paint('dim', name.ljust(9))} {value}"


def _ending(run: Run) -> str:
    return f", {run.state}" if run.state is not RunState.FINISHED else ""


def _title(text: str, width: int, paint: _Paint) -> _Lines:
    yield ""
    yield f"{paint('title', text)} {paint('dim', '─' * max(width - len(text) - 1, 0))}"


def _actions(receipts: Sequence[Receipt], width: int, paint: _Paint) -> _Lines:
    yield from _title("Actions", width, paint)
    if not receipts:
        yield " No action left a receipt."
        return
    stages = max(map(_columns, (plain(one.stage) for one in receipts)))
    names = max(map(_columns, (plain(one.action) for one in receipts)))
    last = None
    for one in receipts:
        stage = "" if one.stage == last else plain(one.stage)
        last = one.stage
        yield f" {paint('dim', _pad(stage, stages))}  {_pad(plain(one.action), names)}  {_action(one, paint)}"


def _action(receipt: Receipt, paint: _Paint) -> str:
    word, style = _STATE_WORDS[receipt.state]
    more = [count(len(receipt.gaps), "gap")] if receipt.gaps else []
    more += [f"as in run {plain(receipt.cached_from)}"] if receipt.cached_from else []
    more += [] if receipt.blocking else ["informs only"]
    if receipt.state is ActionState.NOTHING_TO_DO:
        return paint(style, word)
    number = len(receipt.findings)
    found = f"{number:>6,} finding{'s' if number != 1 else ' '}"
    if receipt.state is ActionState.GAP and not number:
        found = " " * len(found)  # "0 findings" would read as "nothing found"
    return f"{paint(style, word.ljust(13))} {seconds(receipt.seconds):>8} {found}  {paint('dim', ', '.join(more))}"


def _blocking(judged: Sequence[Judged], width: int, paint: _Paint) -> _Lines:
    if not judged:
        return
    yield from _title(f"What blocks ({len(judged):,})", width, paint)
    groups = Counter((one.finding.confirmed, one.finding.severity) for one in judged)
    last = None
    for one in judged[:SHOWN]:
        confirmed, severity = group = (one.finding.confirmed, one.finding.severity)
        if group != last:
            yield from ([] if last is None else [""])
            title = f"CONFIRMED {severity.upper()}" if confirmed else severity.upper()
            yield f" {paint(severity, title)} {paint('dim', f'{groups[group]:,}')}"
            last = group
        yield ""
        yield from _finding(one, width, paint)
    if len(judged) > SHOWN:
        yield ""
        yield f" and {len(judged) - SHOWN:,} more: {paint('do', 'hardgate findings --state blocking')}"


def _finding(judged: Judged, width: int, paint: _Paint) -> _Lines:
    finding = judged.finding
    rule = f"{flow(finding.scanner)} {flow(finding.rule)}"
    yield from _where(judged, rule, width, paint)
    yield from _wrapped(_PREFIX, brief(finding.message, _LONGEST_MESSAGE), width)
    package = package_name(finding)
    if package:
        yield from _wrapped(f"{_PREFIX}in   ", package, width)
    if known := rated.brief(finding.severity_from):
        yield from _wrapped(f"{_PREFIX}why  ", known, width)
    for said in sourced(finding):
        yield from _wrapped(f"{_PREFIX}seen ", brief(said, _LONGEST_MESSAGE), width)
    if finding.fix:
        yield from _wrapped(f"{_PREFIX}fix  ", brief(finding.fix, _LONGEST_MESSAGE), width)
    seen = also_seen_by(finding)
    more = [plain(finding.id), *map(flow, finding.cwe), *map(flow, finding.ids)]
    more += [f"also seen by {', '.join(map(flow, seen))}"] if seen else []
    for line in _wrapped(f"{_PREFIX}id   ", "  ".join(more), width):
        yield paint("dim", line)


def _where(judged: Judged, rule: str, width: int, paint: _Paint) -> _Lines:
    """The place and the rule on one line, or on two where they are too long for it."""
    spot = _middle(place(judged.finding.location), _LONGEST_PLACE)
    rule = cut(rule, width - len(_PREFIX))
    if _columns(spot) + _columns(rule) + len(_PREFIX) <= width:
        yield f"   {paint('place', spot)}  {paint('dim', rule)}"
    else:
        yield f"   {paint('place', spot)}"
        yield f"{_PREFIX}{paint('dim', rule)}"


def _waived(judged: Sequence[Judged], width: int, paint: _Paint) -> _Lines:
    if not judged:
        return
    yield from _title(f"Waived ({len(judged):,})", width, paint)
    for one in judged[:WAIVED_SHOWN]:
        finding, decision = one
        rule = f"{finding.severity}, {flow(finding.scanner)} {flow(finding.rule)}"
        yield from _where(one, rule, width, paint)
        yield from _wrapped(_PREFIX, brief(decision.because, _LONGEST_MESSAGE), width)
        for said in sourced(finding):
            yield from _wrapped(f"{_PREFIX}seen ", brief(said, _LONGEST_MESSAGE), width)
        yield paint("dim", f"{_PREFIX}id   {plain(finding.id)}")
    if len(judged) > WAIVED_SHOWN:
        yield f" and {len(judged) - WAIVED_SHOWN:,} more: {paint('do', 'hardgate findings --state waived')}"


def _gaps(gaps: Sequence[Gap], width: int, paint: _Paint) -> _Lines:
    if not gaps:
        return
    yield from _title(f"What was not looked at ({len(gaps):,})", width, paint)
    for gap in gaps[:_GAPS_SHOWN]:
        yield f"   {paint('bad', plain(gap.action) or 'the whole run')}  {paint('dim', gap.reason)}"
        yield from _wrapped(_PREFIX, brief(gap.message, _LONGEST_MESSAGE), width)
        if gap.remedy:
            yield from _wrapped(f"{_PREFIX}do   ", brief(gap.remedy, _LONGEST_MESSAGE), width)
    if len(gaps) > _GAPS_SHOWN:
        yield f" and {len(gaps) - _GAPS_SHOWN:,} more: {paint('do', 'hardgate report json')} lists all under gaps"


def _left_out(run: Run, verdict: Verdict, width: int, paint: _Paint) -> _Lines:
    sentences = (*left_out(run), *remarks(run, verdict), *github_remarks(run))
    if not sentences:
        return
    yield from _title("Left out on purpose, and notes", width, paint)
    for sentence in sentences[:_NOTES_SHOWN]:
        yield from _wrapped(" - ", cut(sentence, _LONGEST_MESSAGE), width)
    if len(sentences) > _NOTES_SHOWN:
        yield f" and {len(sentences) - _NOTES_SHOWN:,} more: {paint('do', 'hardgate report html --output FILE')}"


def _counts(judged: Sequence[Judged], width: int, paint: _Paint) -> _Lines:
    if not judged:
        return
    yield from _title("All findings", width, paint)
    table = tally(judged)
    heads = [paint(severity, f"{severity:>9}") for severity in Severity]
    yield f" {' ' * 9}{''.join(heads)}{'all':>9}"
    for state in State:
        yield _row(state, [table[severity][state] for severity in Severity])
    yield _row("all", [sum(table[severity].values()) for severity in Severity])


def _row(name: str, numbers: Sequence[int]) -> str:
    return f" {name:<9}" + "".join(f"{number or '-':>9}" for number in (*numbers, sum(numbers)))


def _files(places: Mapping[str, str], width: int, paint: _Paint) -> _Lines:
    if not places:
        return
    yield from _title("Reports", width, paint)
    column = max(map(len, places))
    for name, file in places.items():
        yield f" {name.ljust(column)}  {plain(file)}"


def _next(run: Run, verdict: Verdict, width: int, paint: _Paint) -> _Lines:
    steps = next_steps(run, verdict)
    if steps:
        yield from _title("What to do next", width, paint)
        column = max(len(step.do) for step in steps)
        for step in steps:
            yield f" {paint('do', step.do.ljust(column))}  {step.why}"
    yield ""
    style = "good" if verdict.outcome is Outcome.PASS else "bad"
    opened = ", overridden once" if verdict.override else ""
    yield f"{paint(style, verdict.outcome)}{opened}, exit code {verdict.exit_code.value}"


def _wrapped(prefix: str, text: str, width: int) -> list[str]:
    """`text` behind `prefix`, its further lines under its first."""
    return textwrap.wrap(
        text, width, initial_indent=prefix, subsequent_indent=" " * len(prefix), break_on_hyphens=False
    )


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes (Unicode Standard Annex 11: wide letters take two)."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - _columns(text))


def _middle(text: str, limit: int) -> str:
    """A path in at most `limit` characters: its beginning and its end say most."""
    half = limit // 2
    return text if len(text) <= limit else f"{text[:half]}…{text[half - limit + 1 :]}"


__all__ = ["SHOWN", "WIDTH", "render", "render_colour"]
