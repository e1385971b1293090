"""The step `run`: a command of the user's, such as functional tests.

Its exit code tells what came of it: 0, all is well; one of `fails`, what it tests has failed (a finding); any other,
the command itself broke (a gap). A command that ends with 0 because it did nothing is told by `expect`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from hardgate import tools
from hardgate.adapter import OUTSIDE
from hardgate.model import Finding, GapReason, Kind, Location, Severity, ToolUse
from hardgate.step import Context, Result, Step
from hardgate.stepkeys import StepKeys

_Word = Annotated[str, msgspec.Meta(min_length=1)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)")]


class Options(StepKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`command`: its words; it runs in a working copy of the tree, without a shell. `fails`: exit codes by which it
    says that what it tests failed. `expect`: a regular expression that must match in its output. `env` are variables
    for it, `secrets` names of variables that are handed through and masked.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"args"})
    command: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]
    fails: tuple[Annotated[int, msgspec.Meta(ge=1, le=255)], ...] = (1,)
    expect: str = ""
    env: dict[_Name, str] = msgspec.field(default_factory=dict)
    secrets: tuple[_Name, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError, which config tells with file and line, for an `expect` that cannot be understood."""
        try:
            re.compile(self.expect)
        except re.error as error:
            raise ValueError(f"`expect` is no regular expression: {error}") from error


def _perform(context: Context) -> Result:
    options: Options = context.options
    absent = [name for name in options.secrets if not context.variable(name)]
    if absent:
        message = f"{context.action.name} needs {' and '.join(absent)}, which the environment does not have"
        raise context.missing(GapReason.INPUT_MISSING, message, "Set it where hardgate runs.")
    tree = context.checkout()
    command, use = _command(context, tree, options.command[0])
    done = context.start(
        (*command, *options.command[1:], *context.action.args), cwd=tree, passed=options.secrets,
        env={"HARDGATE_COMMIT": context.commit, **options.env},
    )  # fmt: skip
    context.log(done)
    return msgspec.structs.replace(_judged(context, options, done), tool=use)


def _command(context: Context, tree: Path, first: str) -> tuple[tuple[str, ...], ToolUse | None]:
    """What is started: a path such as `./tests/run` is the working copy's own, a bare name is looked for on PATH."""
    if "/" in first and not first.startswith("/"):
        return (str(tree / first),), None
    found = context.tool(f"{OUTSIDE}{first}")
    return found.command, ToolUse(name=first, version="", digest=found.digest, origin=found.origin)


def _judged(context: Context, options: Options, done: tools.Completed) -> Result:
    name = context.action.name
    if done.exit_code in options.fails:
        message = f"{name} failed: `{options.command[0]}` ended with exit code {done.exit_code}."
        finding = Finding(
            scanner="run", rule=f"failed-{name}", kind=Kind.DYNAMIC, severity=Severity.HIGH, severity_from="adapter",
            message=message, location=Location(path="hardgate.yaml"), fix="Read its log, which is kept as evidence.",
        )  # fmt: skip
        return Result(findings=(finding,))
    if done.exit_code:
        remedy = f"If this code says that a test failed: run: {{fails: [{done.exit_code}]}}."
        raise context.failed(options.command[0], done, remedy if done.exit_code > 0 else "")
    said = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    if not re.search(options.expect, said):
        message = f"{options.command[0]} ended with exit code 0, and did not say what is expected: {options.expect}"
        raise context.missing(GapReason.NOT_COVERED, message, "See its log: did it find anything to do?")
    return Result()


RUN = Step(name="run", options=Options, perform=_perform)
