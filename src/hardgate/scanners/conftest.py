"""conftest: a repository's Rego policies over whatever conftest has a parser for.

Report: https://github.com/open-policy-agent/conftest/blob/master/output/result.go (`--output json`), as 0.2x to 0.6x
write it; the first versions wrote their keys with capitals. Exit codes: 0, and 1 after failures and after errors, which
write nothing to standard output (https://www.conftest.dev/options/).
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import msgspec

from hardgate import policies
from hardgate.adapter import OUTSIDE, Job, Scanner, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity
from hardgate.policies import CANARY, PLANTED, PROOF, SEVERITIES, Options

_TOOL = "conftest"


class _Place(msgspec.Struct):
    file: str = ""
    line: int | str | None = None


class _Result(msgspec.Struct):
    msg: str
    metadata: dict[str, Any] = {}
    loc: _Place | None = None


_Results = list[_Result | str] | None


class _Check(msgspec.Struct):
    # A check that does not say how many rules were kept may have had none.
    filename: str
    successes: int | list[Any] | None
    namespace: str = ""
    skipped: _Results = None
    warnings: _Results = None
    failures: _Results = None
    exceptions: _Results = None

    @property
    def asked(self) -> bool:
        """Whether any rule was asked: nothing at all is what a namespace without rules gives."""
        return bool(self.successes or self.warnings or self.failures or self.exceptions)


def _split(job: Job) -> tuple[Job, ...]:
    """One start for each namespace: of several it could not be told that one of them has no rule."""
    spaces = ("",) if job.options.all_namespaces else job.options.namespaces or (policies.MAIN,)
    return tuple(dataclasses.replace(job, mode=space) for space in spaces)


def _argv(job: Job) -> tuple[str, ...]:
    options = job.options
    planted, _ = policies.planted(job.files)
    spaces = ("--namespace", job.mode, "--namespace", PROOF) if job.mode else ("--all-namespaces",)
    return (
        *job.command, "test", "--output", "json", "--no-color",
        *(word for one in (*options.policy, planted) if one for word in ("--policy", one)),
        *(word for one in options.data for word in ("--data", one)),
        *spaces, *job.args, "--", *(path for path in job.files if not path.endswith(".rego")),
    )  # fmt: skip


def _parse(raw: bytes) -> Report:
    rows = refuse_empty(decode(raw, list[dict[str, Any]], _TOOL), _TOOL)
    try:
        checks = [msgspec.convert({key.lower(): value for key, value in row.items()}, _Check) for row in rows]
    except msgspec.ValidationError as error:
        raise ReportError(f"conftest's report is not whole: {error}") from error
    # What the canary's policy says of other files says nothing about theirs.
    real = [one for one in checks if one.namespace != PROOF or one.filename.startswith(PLANTED)]
    findings, gaps = list[Finding](), list[Gap]()
    for one in real:
        for rule, results in (("deny", one.failures), ("warn", one.warnings), ("exception", one.exceptions)):
            for result in results or ():
                finding, unknown = _finding(one, rule, result if isinstance(result, _Result) else _Result(msg=result))
                findings.append(finding)
                gaps += unknown
        gaps += [_skipped(one, result) for result in one.skipped or ()]
    return Report(findings=tuple(findings), gaps=(*gaps, *_unasked(real)), seen=frozenset(one.filename for one in real))


def _unasked(checks: list[_Check]) -> list[Gap]:
    asked = {one.filename for one in checks if one.asked}
    idle = dict.fromkeys(one.filename for one in checks if one.filename not in asked)
    return [
        Gap(
            reason=GapReason.RULES_EMPTY,
            path=name,
            message=f"conftest asked no rule about {name or 'its standard input'}: the namespaces have none.",
            remedy="Name the namespaces that have deny, violation or warn rules, or set `all_namespaces: true`.",
        )
        for name in idle
    ]


def _skipped(one: _Check, result: _Result | str) -> Gap:
    said = result.msg if isinstance(result, _Result) else result
    message = f"conftest skipped a rule for {one.filename}: {said}"
    return Gap(reason=GapReason.NOT_COVERED, path=one.filename, message=message, remedy="Mend or remove that rule.")


def _finding(one: _Check, word: str, result: _Result) -> tuple[Finding, list[Gap]]:
    rule = _rule(one, word, result)
    told = result.metadata.get("severity")
    stated = told.strip().lower() if isinstance(told, str) else ""
    default = Severity.LOW if word == "warn" else Severity.HIGH
    gaps = []
    if stated and stated not in SEVERITIES:
        message = f"{rule} has the severity {stated!r}, which hardgate does not know; it counts as high."
        remedy = f"Write critical, high, medium, low or info in the policy, or rate it: severity: {{{rule}: low}}"
        gaps.append(Gap(reason=GapReason.SEVERITY_UNKNOWN, path=one.filename, message=message, remedy=remedy))
    line = result.loc.line if result.loc else None
    finding = Finding(
        scanner=_TOOL,
        rule=rule,
        kind=Kind.MISCONFIGURATION,
        severity=SEVERITIES.get(stated, Severity.HIGH) if stated else default,
        severity_from="tool" if stated else "adapter",
        message=_message(word, result),
        location=Location(
            path=(result.loc.file if result.loc else "") or one.filename,
            line=int(line) if line is not None and str(line).isdecimal() and int(line) else None,
        ),
    )
    return finding, gaps


def _rule(one: _Check, word: str, result: _Result) -> str:
    """The rule's whole name where conftest tells the query (later versions), else its sort and namespace."""
    query = result.metadata.get("query")
    if isinstance(query, str) and query.startswith("data."):
        return query.removeprefix("data.")
    return f"{one.namespace}.{word}" if one.namespace else word


def _message(word: str, result: _Result) -> str:
    if word == "exception":
        return f"An `exception` rule silences what was to be denied here: {result.msg or 'it does not say which'}"
    return result.msg.strip() or "The rule gives no message."


def _fit(options: Options) -> Scanner:
    return dataclasses.replace(
        CONFTEST,
        selects=functools.partial(policies.selects, options),
        configs=functools.partial(policies.configs, options),
    )


CONFTEST = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    canary=CANARY,
    split=_split,
    selects=functools.partial(policies.selects, Options()),
    configs=functools.partial(policies.configs, Options()),
    # Its own conftest.toml is neither selected nor obeyed: it is not in the private copy.
    obeys=True,
    planted=True,
    # A policy may read the clock.
    reusable=False,
    tool=lambda _options: f"{OUTSIDE}{_TOOL}",
    fit=_fit,
    seconds=1.0,
    memory=150_000_000,
)
