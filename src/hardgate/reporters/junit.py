"""JUnit XML, as Jenkins, GitLab and most CI servers read it: one test suite for each action.

What blocks is a failure, what was not looked at is an error, what is waived is skipped, and what only informs passes
with its text as output. The shape is that of the Jenkins schema (tests/schemas/jenkins-junit.xsd).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from hardgate.model import ActionState, Gap, GapReason, Receipt, Run, State, Verdict
from hardgate.proven import proved, used
from hardgate.wording import Judged, cut, flow, judge, overridden, package_name, place, plain

_OWN_SUITE = "hardgate"
_LONGEST_NAME = 400


@dataclass(slots=True)
class _Suite:
    name: str
    receipt: Receipt | None = None
    gaps: list[Gap] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    note: str = ""

    def count(self, state: State) -> int:
        return sum(one.decision.state is state for one in self.judged)

    @property
    def idle(self) -> bool:
        return self.receipt is not None and self.receipt.state is ActionState.NOTHING_TO_DO

    @property
    def empty(self) -> bool:
        return not self.gaps and not self.judged and not self.note

    @property
    def skipped(self) -> int:
        return self.count(State.WAIVED) + (self.empty and self.idle)

    @property
    def tests(self) -> int:
        return len(self.gaps) + len(self.judged) + self.empty + bool(self.note)

    @property
    def seconds(self) -> float:
        return self.receipt.seconds if self.receipt else 0.0


def render(run: Run, verdict: Verdict) -> bytes:
    """A suite for each action, and one named hardgate for the gaps of the whole run.

    An action without findings and gaps has one test case that passed, or one that was skipped if there was nothing to
    do: no suite is empty. Raises Error when the verdict says nothing about one of the findings.
    """
    suites = _suites(run, verdict)
    totals = {
        "name": flow(run.pipeline),
        "tests": sum(suite.tests for suite in suites),
        "failures": sum(suite.count(State.BLOCKING) for suite in suites),
        "errors": sum(len(suite.gaps) for suite in suites),
        "time": f"{sum(suite.seconds for suite in suites):.3f}",
    }
    body = "\n".join(_suite(suite, number) for number, suite in enumerate(suites))
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{_open("testsuites", totals)}\n{body}\n</testsuites>\n'
    return text.encode()


def _suites(run: Run, verdict: Verdict) -> list[_Suite]:
    suites = {receipt.action: _Suite(receipt.action, receipt) for receipt in run.receipts}
    for gap in verdict.gaps:
        name = gap.action or _OWN_SUITE
        suites.setdefault(name, _Suite(name)).gaps.append(gap)
    for suite in suites.values():
        if suite.receipt and suite.receipt.state is ActionState.GAP and not suite.gaps:
            suite.gaps.append(_unexplained(suite.receipt))
    for judged in judge(run, verdict):
        name = judged.finding.action or judged.finding.scanner
        suites.setdefault(name, _Suite(name)).judged.append(judged)
    if verdict.override:
        suites.setdefault(_OWN_SUITE, _Suite(_OWN_SUITE)).note = overridden(verdict)
    return list(suites.values())


def _unexplained(receipt: Receipt) -> Gap:
    """For an action that did not complete and left no gap: it must not read as a test that passed."""
    message = f"{receipt.action} did not complete, and its receipt does not say why."
    return Gap(reason=GapReason.TOOL_FAILED, message=message, action=receipt.action, remedy="Run it again.")


def _open(tag: str, attributes: Mapping[str, object]) -> str:
    """A start tag; control characters and those that XML cannot hold are visible escapes (XML 1.0, section 2.2)."""
    pairs = "".join(f' {name}="{html.escape(plain(str(value)))}"' for name, value in attributes.items())
    return f"<{tag}{pairs}>"


def _element(tag: str, attributes: Mapping[str, object], lines: Iterable[str] = ()) -> str:
    text = html.escape("\n".join(plain(line) for line in lines), quote=False)
    return f"{_open(tag, attributes)}{text}</{tag}>"


def _suite(suite: _Suite, number: int) -> str:
    attributes: dict[str, object] = {
        "name": suite.name,
        "tests": suite.tests,
        "failures": suite.count(State.BLOCKING),
        "errors": len(suite.gaps),
        "skipped": suite.skipped,
        "time": f"{suite.seconds:.3f}",
        "id": number,
    }
    if suite.receipt:
        attributes |= {"timestamp": suite.receipt.started.removesuffix("Z"), "package": suite.receipt.stage}
    cases = [*(_gap(suite, gap) for gap in suite.gaps), *(_finding(suite, one) for one in suite.judged)]
    if suite.note:
        cases.append(_case(suite, "override", _element("system-out", {}, [suite.note])))
    lines = [_open("testsuite", attributes), *_properties(suite.receipt), *(cases or [_nothing(suite)])]
    return "\n".join([*lines, "</testsuite>"])


def _properties(receipt: Receipt | None) -> list[str]:
    if receipt is None:
        return []
    tool, data = receipt.tool, receipt.data
    pairs = {
        "scanner": receipt.scanner,
        "tool": f"{tool.name} {tool.version}" if tool else "",
        "data": flow(", of ".join(filter(None, (data.source, data.date)))) if data else "",
        "state": receipt.state,
        "cached_from": receipt.cached_from,
    }
    return [
        "<properties>",
        *(_element("property", {"name": name, "value": value}) for name, value in pairs.items()),
        "</properties>",
    ]


def _case(suite: _Suite, name: str, inside: str = "") -> str:
    attributes = {"classname": suite.name, "name": cut(name, _LONGEST_NAME), "time": "0.000"}
    return f"{_open('testcase', attributes)}{inside}</testcase>"


def _nothing(suite: _Suite) -> str:
    if suite.idle:
        return _case(suite, "nothing to do", _element("skipped", {}, ["No file of its kind."]))
    return _case(suite, "looked and found nothing")


def _gap(suite: _Suite, gap: Gap) -> str:
    message = flow(gap.message)
    lines = [message, *([f"What to do: {flow(gap.remedy)}"] if gap.remedy else [])]
    name = f"not looked at: {gap.reason} {plain(gap.path)}".strip()
    return _case(suite, name, _element("error", {"type": gap.reason, "message": message}, lines))


def _finding(suite: _Suite, judged: Judged) -> str:
    finding = judged.finding
    name = f"{finding.severity}: {flow(finding.rule)} {place(finding.location)}"
    return _case(suite, name, _outcome(judged, _lines(judged)))


def _outcome(judged: Judged, lines: list[str]) -> str:
    finding, decision = judged
    match decision.state:
        case State.BLOCKING:
            return _element("failure", {"type": finding.severity, "message": flow(finding.message)}, lines)
        case State.WAIVED:
            return _element("skipped", {}, lines)
        case State.INFORMING:
            return _element("system-out", {}, lines)
        case _:
            assert_never(decision.state)


def _lines(judged: Judged) -> list[str]:
    finding, decision = judged
    named = {
        "Where": place(finding.location),
        "Found by": f"{finding.scanner} {finding.rule}",
        "Package": package_name(finding),
        "Names": " ".join((*finding.cwe, *finding.ids)),
        "Fix": flow(finding.fix),
        "Confirmed": proved(finding),
        "Imported": used(finding),
        "Because": flow(decision.because),
        "Id": finding.id,
    }
    return [flow(finding.message), *(f"{name}: {value}" for name, value in named.items() if value)]
