"""Annotations by GitHub workflow commands: `::error file=,line=,title=::message`, one a line.

The runner undoes %25, %0D, %0A in a message, and %3A, %2C too in a property (actions/runner, ActionCommand.cs). GitHub
keeps at most 10 errors, 10 warnings and 10 notices of a step (actions/toolkit, docs/problem-matchers.md): the worst
come first, and a notice says how many are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hardgate.model import Gap, Run, State, Verdict
from hardgate.proven import sourced
from hardgate.wording import (
    Judged,
    brief,
    count,
    cut,
    flow,
    headline,
    judge,
    on_partial_data,
    only,
    overridden,
    place,
    plain,
)

LIMIT = 10
_LONGEST_TITLE = 250  # a title of the checks API has at most 255 characters
_LONGEST_MESSAGE = 4000


def render(run: Run, verdict: Verdict) -> bytes:
    """What blocks as errors; gaps, then what informs, as warnings; the verdict and what was left out as a notice.

    When something was not looked at, one of the ten errors says so. Raises Error when the verdict says nothing about
    one of the findings.
    """
    judged = judge(run, verdict)
    blocking, informing = only(judged, State.BLOCKING), only(judged, State.INFORMING)
    incomplete = _incomplete(verdict)
    errors = [*incomplete, *(_finding("error", one) for one in blocking[:LIMIT])]
    warnings = [*map(_gap, verdict.gaps[:LIMIT]), *(_finding("warning", one) for one in informing[:LIMIT])]
    hidden = {
        "more error": len(incomplete) + len(blocking) - LIMIT,
        "more warning": len(verdict.gaps) + len(informing) - LIMIT,
    }
    lines = [*errors[:LIMIT], *warnings[:LIMIT], _notice(run, verdict, hidden)]
    return "\n".join(lines).encode() + b"\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _command(name: str, properties: Mapping[str, str], lines: Iterable[str]) -> str:
    named = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    message = cut("\n".join(brief(line, _LONGEST_MESSAGE) for line in lines if line), _LONGEST_MESSAGE)
    return f"::{name} {named}::{_data(message)}"


def _incomplete(verdict: Verdict) -> list[str]:
    if not verdict.gaps:
        return []
    text = f"{count(len(verdict.gaps), 'thing')} not looked at"
    return [_command("error", {"title": f"{verdict.outcome}: {text}"}, [gap.message for gap in verdict.gaps[:LIMIT]])]


def _place(judged: Judged) -> dict[str, str]:
    """Where GitHub shows the annotation; nowhere for what is in the history only."""
    where = judged.finding.location
    if where.commit or not where.path:
        return {}
    return {"file": plain(where.path), "line": str(where.line or ""), "endLine": str(where.end_line or "")}


def _finding(name: str, judged: Judged) -> str:
    finding, decision = judged
    title = cut(f"{finding.severity}: {flow(finding.scanner)} {flow(finding.rule)}", _LONGEST_TITLE)
    where = _place(judged)
    elsewhere = "" if where else f"In {place(finding.location)}."
    fix = f"Fix: {finding.fix}" if finding.fix else ""
    more = f"{decision.because} More: hardgate explain {finding.id}"
    return _command(name, {**where, "title": title}, [finding.message, *sourced(finding), elsewhere, fix, more])


def _gap(gap: Gap) -> str:
    title = f"not looked at: {flow(gap.action) or 'the whole run'}, {gap.reason}"
    return _command(
        "warning", {"file": plain(gap.path), "title": cut(title, _LONGEST_TITLE)}, [gap.message, gap.remedy]
    )


def _notice(run: Run, verdict: Verdict, hidden: Mapping[str, int]) -> str:
    left_out = " and ".join(count(number, noun) for noun, number in hidden.items() if number > 0)
    waived = only(judge(run, verdict), State.WAIVED)
    lines = [
        headline(verdict),
        overridden(verdict),
        f"{count(len(waived), 'finding')} waived." if waived else "",
        *(f"{one.finding.id} {one.decision.because}" for one in waived[:LIMIT]),
        *(f"{one.finding.id} is {said}" for one in waived[:LIMIT] for said in sourced(one.finding)),
        on_partial_data(run),
        f"{left_out} left out here: GitHub keeps {LIMIT} of each from a step." if left_out else "",
    ]
    return _command("notice", {"title": f"{verdict.outcome}: hardgate {flow(run.pipeline)}"}, lines)
