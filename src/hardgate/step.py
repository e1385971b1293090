"""The shape of a step: a value with one function, and all that this function is handed.

A scanner looks at the tree; a step does something (build, push, run a test) and says what came of it. Steps are never
cached. `perform(context)` returns a Result; what could not be done is a gap in it, or a GapError, ToolError or
StoreError, which end the step and leave its receipt in state GAP. What the context recorded until then is kept.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from hardgate import tools
from hardgate.errors import ToolError
from hardgate.model import Action, CanaryCheck, DataUse, Finding, Gap, GapReason, Output, Policy, Receipt, ToolUse
from hardgate.roles import Advisories, Memory, Tool
from hardgate.services import Environment
from hardgate.stepkeys import StepKeys
from hardgate.wording import flow

CLEANING = 120.0  # seconds that one command of the cleaning up may take
_SAID = 400  # characters of a failed command's last words that a gap quotes
_TEXT = "text/"  # media types in which secrets are masked


class GapError(Exception):
    """The step cannot go on; `gap` says what was not done and the way out."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(gap.message)
        self.gap = gap


class StoppedError(Exception):
    """The run is being ended (^C): nothing more is started, and no receipt is kept."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a step came to. `tool` and `data` as on a receipt; findings as adapters make them, not yet settled."""

    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    outputs: tuple[Output, ...] = ()
    notes: tuple[str, ...] = ()
    tool: ToolUse | None = None
    data: DataUse | None = None
    canary: CanaryCheck | None = None


def _no_tools(_options: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as a value. `options` is the struct of its own keys, `tools(options)` names what the toolbox shall have.

    `seconds` and `memory` (bytes) are first guesses for the scheduler until receipts know better.
    """

    name: str
    perform: Callable[[Context], Result]
    options: type[StepKeys] = StepKeys
    tools: Callable[[Any], tuple[str, ...]] = _no_tools
    seconds: float = 60.0
    memory: int = 300_000_000


def of(steps: Mapping[str, Step], action: Action) -> Step | None:
    """The step of an action; None for a scanner, also for one that has the name of a step: its keys tell."""
    step = steps.get(action.scanner)
    return step if step and isinstance(action.options, step.options) else None


@dataclass(slots=True, kw_only=True)
class Record:
    """What a step did until now, for its receipt, also when it breaks off."""

    argv: list[tuple[str, ...]] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    cpu_seconds: float = 0.0
    peak_memory: int = 0


@dataclass(slots=True, kw_only=True)
class Context:
    """All that a step is handed, and the only way by which it starts a process.

    `commit` ("" outside git) and `dirty` as in a Run; `earlier` the receipts of the stages before this one, of this run
    alone, by action, in the order of the pipeline. `checkout()` makes a private working copy of the whole tree, with
    its names, links and executable bits, and returns its folder: the step may write to it. `scratch` is an empty
    private folder, HOME of what is started; `cache` one that outlives the run, and `memory` what is remembered of it.
    `stack` is closed when the step ends, however it ends: put into it what must be undone (see `undo`). `clock()` is
    now in ISO 8601; `deadline` is in the seconds of time.monotonic(). `git` is the private git folder of the tree, None
    outside git; `environments` are those of hardgate.yaml; `marks` are variables of all that is started.
    """

    action: Action
    stage: str
    commit: str
    dirty: bool
    clock: Callable[[], str]
    policy: Policy
    earlier: Mapping[str, Receipt]
    scratch: Path
    cache: Path
    checkout: Callable[[], Path]
    find: Callable[..., Tool]
    memory: Memory
    blob: Callable[[str], bytes]
    advisories: Advisories | None
    deadline: float
    stopping: threading.Event
    environments: Mapping[str, Environment] = field(default_factory=dict)
    output_limit: int = tools.OUTPUT_LIMIT
    record: Record = field(default_factory=Record)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    git: Path | None = None
    hidden: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> Any:
        """The step's own keys."""
        return self.action.options

    def variable(self, name: str) -> str:
        """A variable of hardgate's own environment, "" when it is not set."""
        return os.environ.get(name, "")

    # What is started

    def start(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        passed: Sequence[str] = (),
        timeout: float | None = None,
        stdin: IO[bytes] | None = None,
    ) -> tools.Completed:
        """Run a command to its end, whatever its exit code, and record it, masked.

        Its environment is that of a tool, and `env`, and the variables `passed`, whose values are masked from now on.
        `timeout` (seconds) may be less than what is left for the step, never more. Raises GapError when it took too
        long or wrote too much, ToolError when it cannot be started, StoppedError when the run is being ended.
        """
        if self.stopping.is_set():
            raise StoppedError
        environment = tools.environment(self.scratch, extra={**(env or {}), **self.marks}, passed=passed)
        self.hide(*(environment[name] for name in passed if name in environment))
        left = max(0.0, self.deadline - time.monotonic())
        limit, told = (timeout, timeout) if timeout is not None and timeout < left else (left, self.action.timeout)
        done = tools.run(
            argv, cwd=cwd or self.scratch, env=environment, timeout=limit, output_limit=self.output_limit, stdin=stdin
        )
        if self.stopping.is_set():
            raise StoppedError
        self._recorded(argv, done)
        name = Path(argv[0]).name
        if done.timed_out or done.overflowed:
            self.log(done)
        if done.timed_out:
            remedy = f"Give it longer: {self.action.scanner}: {{timeout: {self.action.timeout * 2:.0f}}}."
            raise self.missing(GapReason.TIMEOUT, f"{name} was ended after {told:g} s", remedy)
        if done.overflowed:
            raise self.missing(GapReason.OUTPUT_LIMIT, f"{name} wrote more than hardgate reads, and was ended")
        return done

    def demand(self, argv: Sequence[str], **more: Any) -> tools.Completed:
        """As `start`, for a command that must end with exit code 0. Raises GapError with its last words."""
        done = self.start(argv, **more)
        if done.exit_code:
            raise self.failed(Path(argv[0]).name, done)
        return done

    def undo(self, argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        """Have a command run when the step ends, however it ends, also by ^C; the last that was asked for goes first.

        A failure of it is a gap: something may have been left running.
        """
        self.stack.callback(self._undone, tuple(argv), cwd or self.scratch, dict(env or {}))

    def _undone(self, argv: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> None:
        remedy = "Look what was left behind, and remove it by hand."
        try:
            environment = tools.environment(self.scratch, extra=env)
            done = tools.run(argv, cwd=cwd, env=environment, timeout=CLEANING, spared=True)
        except ToolError as error:
            message = f"{self.action.name} was not cleaned up: {self.mask(str(error))}"
            self.record.gaps.append(self.gap(GapReason.TOOL_FAILED, message, remedy))
            return
        self._recorded(argv, done)
        if done.exit_code:
            message = f"{self.action.name} was not cleaned up: {self._how(Path(argv[0]).name, done)}"
            self.record.gaps.append(self.gap(GapReason.TOOL_FAILED, message, remedy))

    def _recorded(self, argv: Sequence[str], done: tools.Completed) -> None:
        record = self.record
        words = tools.mask(argv, self.hidden)
        places = {**self.places, str(self.scratch): "$SCRATCH"}
        for place, word in sorted(places.items(), key=lambda one: -len(one[0])):
            words = tuple(text.replace(place, word) for text in words)
        record.argv.append(tuple(flow(word) for word in words))
        record.exits.append(done.exit_code)
        record.cpu_seconds += done.cpu_seconds
        record.peak_memory = max(record.peak_memory, done.peak_memory)

    # What is kept

    def hide(self, *values: str) -> None:
        """Mask these values from now on: on command lines, in texts that are kept, in gaps."""
        self.hidden.update(filter(None, values))

    def mask(self, text: str) -> str:
        """A text without the hidden values."""
        return tools.mask([text], self.hidden)[0]

    def keep(self, name: str, media_type: str, content: bytes) -> Output:
        """Keep a document with the evidence, and record it; `name` is made unique by the action's name and a number.

        Hidden values are masked in texts; what cannot be text must not hold any.
        """
        if media_type.startswith(_TEXT):
            content = _masked(content, self.hidden)
        whole, taken = f"{self.action.name}-{name}", {output.name for output in self.record.outputs}
        number = 1
        while whole in taken:
            number += 1
            whole = f"{self.action.name}-{number}-{name}"
        output = Output(name=whole, media_type=media_type, sha256=self.memory.put_blob(content), size=len(content))
        self.record.outputs.append(output)
        return output

    def log(self, done: tools.Completed, name: str = "log.txt") -> Output:
        """Keep what a command said: its standard output, then its standard error."""
        return self.keep(name, "text/plain", done.stdout + done.stderr)

    def tool(self, name: str) -> Tool:
        """A tool of the toolbox, or, with `path:` before it, of PATH. Raises GapError when it is not there."""
        try:
            return self.find(name, version=self.action.version, allow_path=self.policy.tools_from_path, check=True)
        except ToolError as error:
            raise self.missing(GapReason.TOOL_MISSING, str(error), error.hint) from error

    # What came before

    def made(self, media_types: frozenset[str], what: str, of: str = "") -> Output:
        """What an earlier action made, the newest of these media types; `of` names the action where there are several.

        Raises GapError when there is none, or several and none is named: then what this step is for cannot be done.
        """
        found = [
            (receipt, output)
            for name, receipt in self.earlier.items()
            for output in receipt.outputs
            if output.media_type in media_types and (not of or name == of)
        ]
        made: dict[str, dict[str, str]] = {}
        for receipt, output in found:
            made.setdefault(receipt.scanner, {})[output.sha256] = receipt.action
        # What one step built and the next pushed is one; of what two steps of a kind made, one would be passed by.
        if several := next((list(names.values()) for names in made.values() if len(names) > 1), []):
            message = f"{self.action.name} needs {what}, and {' and '.join(several)} made one each"
            raise self.missing(GapReason.INPUT_MISSING, message, f"Say which: {self.action.scanner}: {{of: ACTION}}.")
        if found:
            return found[-1][1]
        whose = of or "no earlier action"
        said = f"{whose} made none in this run" if of else f"{whose} of this run made one"
        remedy = "Run the whole pipeline, or see why the action that makes it left a gap."
        raise self.missing(GapReason.INPUT_MISSING, f"{self.action.name} needs {what}, and {said}", remedy)

    # What was not done

    def gap(self, reason: GapReason, message: str, remedy: str = "", path: str = "") -> Gap:
        """A gap of this action, hidden values masked."""
        return Gap(
            reason=reason, action=self.action.name, message=flow(self.mask(message)), remedy=flow(self.mask(remedy)),
            path=path,
        )  # fmt: skip

    def missing(self, reason: GapReason, message: str, remedy: str = "") -> GapError:
        """What to raise when the step cannot go on."""
        return GapError(self.gap(reason, message, remedy))

    def failed(self, name: str, done: tools.Completed, remedy: str = "") -> GapError:
        """What to raise for a command that ended badly: its exit code and its last words."""
        remedy = remedy or "Its whole log is kept with the receipt, where there is one; try the command by hand."
        return self.missing(GapReason.TOOL_FAILED, self._how(name, done), remedy)

    def _how(self, name: str, done: tools.Completed) -> str:
        how = f"signal {-done.exit_code}" if done.exit_code < 0 else f"exit code {done.exit_code}"
        text = self.mask((done.stderr.strip() or done.stdout)[-4 * _SAID :].decode("utf-8", "replace"))
        said = " ".join(text.split())[-_SAID:]
        return f"{name} ended with {how}{': ' if said else ''}{said}"


def _masked(content: bytes, hidden: set[str]) -> bytes:
    for value in sorted(hidden, key=len, reverse=True):
        content = content.replace(value.encode("utf-8", "surrogateescape"), b"***")
    return content
