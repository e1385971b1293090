"""One step from its context to its receipt: what it did, what it kept, and what it could not do.

Whatever the step ran into is on the receipt, and what it must undo is undone before the receipt is written.
"""

from __future__ import annotations

import dataclasses
import functools
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from hardgate import environments, identity, repository, scan
from hardgate.action import Scene, blank
from hardgate.errors import ConfigError, StoreError, ToolError
from hardgate.model import Action, ActionState, Gap, GapReason, Receipt
from hardgate.step import Context, GapError, Result, Step, StoppedError
from hardgate.wording import flow, plain


class Workshop:
    """The working copies of one run: the tree is read once, without the exclusions of hardgate.yaml, for all steps."""

    def __init__(self, tree: repository.Tree, scratch: Path, leave: frozenset[str]) -> None:
        self._known, self._scratch, self._leave = tree, scratch, leave
        self._lock = threading.Lock()
        self._tree: repository.Tree | None = None

    def copy(self, into: Path) -> tuple[Gap, ...]:
        """Make a working copy at `into`; the gaps are what of the tree is not in it, or differs from what was scanned.

        Raises ToolError when it cannot be written.
        """
        with self._lock:
            if self._tree is None:
                self._tree = repository.read(
                    self._known.root, self._scratch, exclude=lambda _path: False, limit=2**62, leave=self._leave
                )
        into.mkdir(parents=True)
        told = frozenset(self._known.gaps)
        gaps = [gap for gap in self._tree.gaps if gap not in told]
        return (*gaps, *self._moved(), *repository.checkout(self._tree, into))

    def _moved(self) -> list[Gap]:
        """A gap for each file that is not as the scanners saw it."""
        mine = {entry.path: entry.digest for entry in self._tree.entries} if self._tree else {}
        moved = [entry.path for entry in self._known.entries if mine.get(entry.path) != entry.digest]
        remedy = "Run again when nothing writes to the tree."
        message = "changed after the run began: the scanners and the steps saw different content"
        return [
            Gap(reason=GapReason.FILE_UNREAD, path=plain(path), message=f"{plain(path)} {message}", remedy=remedy)
            for path in moved
        ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all steps of a run share beside the scene."""

    workshop: Workshop
    blob: Callable[[str], bytes]
    stopping: threading.Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A step to be done, and the receipts of the stages before its own, by action, in the order of the pipeline."""

    step: Step
    stage: str
    action: Action
    earlier: Mapping[str, Receipt]


def perform(scene: Scene, bench: Bench, task: Task) -> Receipt | None:
    """Do a step; its receipt, or None when the run is being ended. What went wrong is on the receipt, not raised.

    Its seconds are those of the whole step: the working copy, the environment's start and end, and each command.
    """
    action, began = task.action, time.monotonic()
    receipt = blank(scene, task.stage, action, ActionState.DONE)
    work = scene.scratch / f"step-{secrets.token_hex(4)}"
    try:
        (work / "home" / ".config").mkdir(parents=True)
        context = _context(scene, bench, task, work)
        result = _result(context, task.step)
        if result is None:
            return None
        whole = _receipt(receipt, context, _settled(context, result, work / "tree"))
        return msgspec.structs.replace(whole, seconds=round(time.monotonic() - began, 3))
    except OSError as error:
        remedy = "Free some space, or set TMPDIR to a folder that has it."
        gap = Gap(
            reason=GapReason.TOOL_FAILED, action=action.name, remedy=remedy,
            message=flow(f"{action.name} could not be done: {error.strerror or error}"),
        )  # fmt: skip
        return msgspec.structs.replace(receipt, state=ActionState.GAP, gaps=(gap,))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _context(scene: Scene, bench: Bench, task: Task, work: Path) -> Context:
    context = Context(
        action=task.action,
        stage=task.stage,
        commit=scene.tree.commit,
        dirty=scene.tree.dirty,
        clock=scene.clock,
        policy=scene.policy,
        earlier=task.earlier,
        scratch=work / "home",
        cache=scene.cache / task.action.scanner,
        checkout=lambda: work,  # replaced below: it needs the context
        find=scene.locate,
        memory=scene.memory,
        blob=bench.blob,
        advisories=scene.advisories,
        deadline=time.monotonic() + task.action.timeout,
        stopping=bench.stopping,
        environments=scene.environments,
        output_limit=scene.output_limit,
        git=scene.tree.git,
        places={str(work / "tree"): "$TREE"},
    )
    context.checkout = functools.partial(_checkout, context, bench.workshop, work / "tree")
    return context


def _checkout(context: Context, workshop: Workshop, into: Path) -> Path:
    if not into.exists():
        mine = context.action.name
        context.record.gaps += [msgspec.structs.replace(gap, action=mine) for gap in workshop.copy(into)]
    return into


def _result(context: Context, step: Step) -> Result | None:
    """What the step came to, everything undone; None when the run is being ended."""
    result: Result | None = Result()
    with context.stack:
        try:
            context.marks = context.stack.enter_context(environments.minded(context.scratch))
            result = step.perform(context)
        except StoppedError:
            result = None
        except GapError as error:
            context.record.gaps.append(error.gap)
        except (ToolError, StoreError, ConfigError) as error:
            message = f"{context.action.name} was not done: {error}"
            context.record.gaps.append(context.gap(GapReason.TOOL_FAILED, message, error.hint))
    return result


def _settled(context: Context, result: Result, tree: Path) -> Result:
    """The findings with their ids, hidden values masked."""
    masked = [
        msgspec.structs.replace(one, message=context.mask(one.message), fix=context.mask(one.fix))
        for one in result.findings
    ]
    found = identity.settle(
        masked,
        action=context.action.name,
        severities=context.action.severity,
        place=lambda path: identity.relative(path, (str(tree),), {}),
        lines=functools.partial(_lines, tree),
        key=scan.identity_key(),
    )
    return msgspec.structs.replace(result, findings=found)


def _lines(tree: Path, path: str) -> Sequence[str]:
    """The lines of a file of the working copy; none where there is no such file, as for an endpoint."""
    file = tree / path
    try:
        if not path or not file.is_file() or file.stat().st_size > scan.LINES_UP_TO:
            return ()
        return file.read_text("utf-8", "replace").split("\n")
    except (OSError, ValueError):  # what is no path may be longer than a path can be
        return ()


def _receipt(receipt: Receipt, context: Context, result: Result) -> Receipt:
    record = context.record
    gaps = (*record.gaps, *result.gaps)
    extra = tuple(one for one in result.outputs if one not in record.outputs)
    return msgspec.structs.replace(
        receipt,
        state=ActionState.GAP if gaps else ActionState.DONE,
        tool=result.tool,
        data=result.data,
        argv=tuple(record.argv),
        exit_codes=tuple(record.exits),
        cpu_seconds=round(record.cpu_seconds, 3),
        peak_memory=record.peak_memory,
        canary=result.canary,
        findings=result.findings,
        gaps=tuple(msgspec.structs.replace(gap, action=context.action.name) for gap in gaps),
        notes=tuple(context.mask(note) for note in (*record.notes, *result.notes)),
        outputs=(*record.outputs, *extra),
    )
