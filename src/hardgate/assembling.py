"""A Run out of receipts that other machines wrote, and what such a run has in common with one that is made here."""

from __future__ import annotations

import functools
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import hardgate
from hardgate import identity, plan, repository
from hardgate.errors import ToolError
from hardgate.model import Exceptions, Gap, GapReason, Pipeline, Run, RunState
from hardgate.wording import flow, plain

if TYPE_CHECKING:
    from hardgate import basis


def now() -> str:
    """The time as every record has it: ISO 8601 in UTC with seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id() -> str:
    """A run id that sorts by time: `20260131-120000-1f2e3d`."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder for one run, always removed."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="hardgate-", ignore_cleanup_errors=True)
    except OSError as error:
        hint = "Nothing was scanned. Free some space, or set TMPDIR to a folder that has it."
        raise ToolError(f"no temporary folder could be made: {error.strerror}", hint=hint) from error
    with folder as name:
        yield Path(name)


def read_tree(pipeline: Pipeline, root: Path, scratch: Path, leave: frozenset[str]) -> repository.Tree:
    """What is in scope below `root` by the pipeline's exclusions and limits; `scratch` need not exist."""
    exclude = functools.partial(plan.excluded, globs=pipeline.exclude)
    return repository.read(root, scratch, exclude=exclude, limit=pipeline.max_file_size, leave=leave)


def demanding(tree: repository.Tree, changed: frozenset[str] | None) -> list[str]:
    """The paths that demand something of the pipeline."""
    from hardgate import manifests  # noqa: PLC0415 (loaded where it is needed)

    idle = manifests.settled(tree)
    names = (entry.path for entry in tree.entries)
    return [name for name in names if name not in idle and (changed is None or name in changed)]


def readable(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    return tuple(msgspec.structs.replace(gap, path=plain(gap.path), message=flow(gap.message)) for gap in gaps)


def assemble(
    pipeline: Pipeline, root: Path, folder: Path, leave: frozenset[str], given: basis.Basis | None = None
) -> Run:
    """A Run out of receipts that other machines wrote into `folder`, for the commit that is checked out at `root`."""
    from hardgate import basis, receipts, sourced  # noqa: PLC0415 (a hook, which is waited for, does not assemble)

    with scratch() as private:
        tree = read_tree(pipeline, root, private / "git-view", leave)
        expected = tuple(action.name for action in pipeline.actions)
        judged_by = given or basis.Basis()
        own = basis.bound(judged_by.exceptions, pipeline.digest)
        also = "" if judged_by.exceptions.base else basis.bound(Exceptions(base="any"), pipeline.digest)
        good, refused = receipts.read(folder, commit=tree.commit, pipeline_digest=own, also=also, expected=expected)
        if good and good[0].tree != tree.digest:
            good, refused = (), (*refused, _other_tree(len(good)))
        code = sourced.read(tree, good)
        findings = (*identity.conclude(good, code), *judged_by.findings)
        begun = basis.complete(judged_by, tree, pipeline.policy)
        exceptions = basis.compared(judged_by, tree, begun, findings)
    names, read = [entry.path for entry in tree.entries], sourced.told(code)
    began = min((receipt.started for receipt in good), default=now())
    return Run(
        id=new_id(),
        pipeline=pipeline.name,
        pipeline_digest=pipeline.digest,
        definition=pipeline.definition,
        root=str(root),
        commit=tree.commit,
        tree=tree.digest,
        dirty=tree.dirty,
        started=began,
        finished=now(),
        state=RunState.FINISHED,
        expected=expected,
        requirements=plan.requirements(pipeline, demanding(tree, None)),
        receipts=good,
        findings=findings,
        gaps=(*readable(tree.gaps), *refused),
        notes=(*tree.notes, *plan.advice(pipeline, names), *basis.notes(exceptions), *basis.told(exceptions), *read),
        hardgate_version=hardgate.__version__,
        exceptions=exceptions,
        code=code,
    )


def _other_tree(number: int) -> Gap:
    message = f"the {number} receipts are of other files than those checked out here, though of the same commit"
    remedy = "Check out the commit alone on every machine, without changes and without new files, and run again."
    return Gap(reason=GapReason.RECEIPT_REFUSED, message=message, remedy=remedy)
