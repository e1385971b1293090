"""The unit tests of a policy: a YAML file of cases, each a small run in short form and the answer that it must get."""

from __future__ import annotations

import datetime
import hashlib
from typing import Annotated, Any

import msgspec

from hardgate import gate, plan
from hardgate.exceptions import applying
from hardgate.model import (
    ActionState,
    Finding,
    Gap,
    GapReason,
    Kind,
    Location,
    Outcome,
    Pipeline,
    Receipt,
    Run,
    RunState,
    Severity,
    State,
    Use,
    Verdict,
    Witness,
)
from hardgate.proofs import Imported
from hardgate.yamlfile import Path, Source, convert, known

Text = Annotated[str, msgspec.Meta(min_length=1)]
Date = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]


class _Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    severity: Severity
    kind: Kind = Kind.CODE
    rule: Text = "a-rule"
    path: Text = "a-file"
    line: int | None = None
    id: str = ""
    ids: tuple[Text, ...] = ()
    confidence: str = ""
    refuted: str = ""
    confirmed: bool = False
    imported: Imported | None = None
    actions: tuple[Text, ...] = ()
    expect: State | None = None


class _Gap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: GapReason
    action: str = ""


class _Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Text
    expect: Outcome
    on: Date = ""
    findings: tuple[_Finding, ...] = ()
    gaps: tuple[GapReason | _Gap, ...] = ()
    missing: tuple[Text, ...] = ()
    files: tuple[Text, ...] = ()


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of cases; `config` is the hardgate.yaml whose policy is tested, relative to the file."""

    cases: Annotated[tuple[_Case, ...], msgspec.Meta(min_length=1)]
    config: Text = "hardgate.yaml"


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """What a case got that it did not expect, and the line of the file that says what it expects."""

    line: int
    case: str
    message: str


def read(raw: bytes, name: str) -> tuple[Source, File]:
    """The cases of a file. Raises ConfigError with line and key for anything that is not understood."""
    source = Source(raw, name)
    file: File = convert(source, source.data(), File, ())
    names = [case.name for case in file.cases]
    for number, case in enumerate(file.cases):
        if case.name in names[:number]:
            source.refuse(("cases", number, "name"), f"there is a case {case.name!r} already")
        _dated(source, number, case)
    return source, file


def _dated(source: Source, number: int, case: _Case) -> None:
    try:
        datetime.date.fromisoformat(case.on or "2026-01-01")
    except ValueError as error:
        source.refuse(("cases", number, "on"), f"{case.on!r} is not a date: {error}")


def check(source: Source, file: File, pipeline: Pipeline, *, today: str) -> list[Miss]:
    """Judge every case, and say what is not as it expects. `today` (ISO 8601 date) is for cases that name no day.

    Raises ConfigError for a case that names an action which the pipeline does not have.
    """
    misses = []
    for number, case in enumerate(file.cases):
        run = _run(source, number, case, pipeline)
        verdict = gate.decide(run, pipeline.policy, now=f"{case.on or today}T12:00:00Z")
        misses += _misses(source, number, case, run, verdict)
    return misses


def _misses(source: Source, number: int, case: _Case, run: Run, verdict: Verdict) -> list[Miss]:
    misses = []
    if verdict.outcome is not case.expect:
        gaps = "".join(f"; not looked at: {gap.message}" for gap in verdict.gaps)
        message = f"expected {case.expect}, and it is {verdict.outcome}{gaps}"
        misses.append(Miss(line=source.line(("cases", number, "expect")), case=case.name, message=message))
    for index, (wanted, decision) in enumerate(zip(case.findings, verdict.decisions, strict=True)):
        if wanted.expect is not None and wanted.expect is not decision.state:
            told = f"finding {index + 1} ({run.findings[index].rule}): expected {wanted.expect}, and it is"
            message = f"{told} {decision.state}: {decision.because}"
            line = source.line(("cases", number, "findings", index, "expect"))
            misses.append(Miss(line=line, case=case.name, message=message))
    return misses


def _run(source: Source, number: int, case: _Case, pipeline: Pipeline) -> Run:
    """A whole run of the pipeline, as far as the case says no other."""
    at: Path = ("cases", number)
    names = [action.name for action in pipeline.actions]
    for index, name in enumerate(case.missing):
        known(source, (*at, "missing", index), name, names, "action")
    gaps = [_gap(source, (*at, "gaps", index), one, names) for index, one in enumerate(case.gaps)]
    found = [_found(source, (*at, "findings", index), one, pipeline) for index, one in enumerate(case.findings)]
    receipts = [
        Receipt(
            action=action.name,
            stage=stage.name,
            scanner=action.scanner,
            state=ActionState.GAP if (own := tuple(gap for gap in gaps if gap.action == action.name)) else
            ActionState.DONE,
            commit="",
            tree="",
            pipeline_digest=pipeline.digest,
            started="",
            blocking=action.blocking,
            gaps=own,
        )
        for stage in pipeline.stages
        for action in stage.actions
        if action.name not in case.missing
    ]  # fmt: skip
    return Run(
        id=case.name,
        pipeline=pipeline.name,
        pipeline_digest=pipeline.digest,
        definition=pipeline.definition,
        root="",
        commit="",
        tree="",
        started="",
        state=RunState.FINISHED,
        expected=tuple(names),
        requirements=plan.requirements(pipeline, list(case.files)),
        receipts=tuple(receipts),
        findings=tuple(found),
        gaps=tuple(gap for gap in gaps if not gap.action),
    )


def _gap(source: Source, at: Path, one: GapReason | _Gap, names: list[str]) -> Gap:
    short = one if isinstance(one, _Gap) else _Gap(reason=one)
    if short.action:
        known(source, (*at, "action"), short.action, names, "action")
    return Gap(reason=short.reason, action=short.action, message=f"{short.reason}, as the case says")


def _found(source: Source, at: Path, one: _Finding, pipeline: Pipeline) -> Finding:
    """A finding as the gate gets it; without `actions` the first action of the pipeline saw it."""
    scanners = {action.name: action.scanner for action in pipeline.actions}
    for index, name in enumerate(one.actions):
        known(source, (*at, "actions", index), name, scanners, "action")
    actions = one.actions or (pipeline.actions[0].name,)
    words: dict[str, Any] = {"rule": one.rule, "severity": one.severity, "message": "as the case says"}
    name = one.id or hashlib.sha256(repr((at, one)).encode()).hexdigest()[: applying.SHORT_ID]
    found = Finding(
        scanner=scanners[actions[0]],
        kind=one.kind,
        location=Location(path=one.path, line=one.line),
        ids=one.ids,
        confidence=one.confidence,
        refuted=one.refuted,
        use=Use(imported=one.imported, because="as the case says") if one.imported else None,
        action=actions[0],
        id=name,
        fingerprints={"case/v1": name},
        witnesses=tuple(Witness(scanner=scanners[action], action=action, **words) for action in actions),
        **words,
    )
    return msgspec.structs.replace(found, joined=(found,)) if one.confirmed else found
