"""What several commands share: where things lie, how a pipeline is loaded, how results are printed."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hardgate import config, identity, plan, yamlfile
from hardgate.cli.plugins import Late, Options, Scanners
from hardgate.errors import ConfigError, StoreError, ToolError
from hardgate.model import Action, Gap, Pipeline, Run, RunState, Verdict
from hardgate.scanners import DESCRIBED, SCANNERS
from hardgate.wording import flow, plain

if TYPE_CHECKING:
    from hardgate.reporters import Reporter
    from hardgate.step import Step
    from hardgate.store import Store
    from hardgate.toolbox import Toolbox

CONFIG = "hardgate.yaml"
OWN = {scanner.name: scanner for scanner in SCANNERS}
BY_NAME = Scanners(OWN | {scanner.name: scanner for scanner in DESCRIBED})
EXEMPTABLE = tuple(subject.name for subject in plan.SUBJECTS)


def _steps() -> dict[str, Step]:
    from hardgate.steps import STEPS  # noqa: PLC0415 (a hook, which is waited for, seldom needs them)

    return {one.name: one for one in STEPS}


def _reporters() -> dict[str, Reporter]:
    from hardgate.reporters import BY_NAME as REPORTER_BY_NAME  # noqa: PLC0415 (as above)

    return REPORTER_BY_NAME


STEP_BY_NAME: Mapping[str, Step] = Late(_steps)
OPTIONS = Options(BY_NAME, Late(lambda: {name: one.options for name, one in STEP_BY_NAME.items()}), clear=OWN)
FORMATS: Collection[str] = Late(_reporters)


def state_folder() -> Path:
    """Where the store and the default reports lie; raises ConfigError when there is no home at all."""
    if own := os.environ.get("HARDGATE_HOME"):
        return Path(own).absolute()
    xdg = Path(os.environ.get("XDG_STATE_HOME", ""))
    if xdg.is_absolute():  # the specification has relative ones ignored
        return xdg / "hardgate"
    try:
        return Path.home() / ".local" / "state" / "hardgate"
    except RuntimeError as error:
        hint = "Nothing was run. Set HARDGATE_HOME to a folder that hardgate may write to."
        raise ConfigError("this user has no home folder to keep runs and tools in", hint=hint) from error


def open_store() -> Store:
    """The store: HARDGATE_STORE (a path or a database URL), else store.db in the state folder."""
    from hardgate.store import Store  # noqa: PLC0415 (SQLAlchemy is slow to import)

    return Store.open(os.environ.get("HARDGATE_STORE") or state_folder() / "store.db")


def open_toolbox() -> Toolbox:
    """The toolbox of this user with the lock file in force."""
    from hardgate import toolbox  # noqa: PLC0415 (loaded where it is needed)

    return toolbox.open_default(os.environ)


def install_missing(
    toolbox: Toolbox, pipeline: Pipeline, chosen: Sequence[Action], has_work: Callable[[Action], bool], *, quiet: bool
) -> None:
    """Install what the chosen actions need and is not there yet; nothing for those that have nothing to look at.

    What fails is told here, and is a gap later.
    """
    needed: dict[str, list[Action]] = {}
    for action in chosen:
        if not action.version:
            for name in tools_of(action):
                needed.setdefault(name, []).append(action)
    absent = toolbox.absent(sorted(needed), allow_path=pipeline.policy.tools_from_path)
    missing = [name for name in absent if any(map(has_work, needed[name]))]
    if not missing:
        return
    from hardgate.cli.bars import Bars  # noqa: PLC0415 (loaded where it is needed)

    try:
        with Bars(sys.stderr, pretty=colour(sys.stderr), quiet=quiet) as bars:
            done = toolbox.sync(missing, bars)
    except ToolError as error:  # not even the folder for them can be made
        print(f"{', '.join(missing)} not installed: {plain(str(error))}", file=sys.stderr)
        return
    for one in done:
        if one.error:
            print(f"{one.name} {one.version} was not installed: {plain(one.error)}", file=sys.stderr)


def tools_of(action: Action) -> tuple[str, ...]:
    """The names of the tools that an action starts, as the toolbox has them."""
    from hardgate import step  # noqa: PLC0415 (loaded where it is needed)

    if doing := step.of(STEP_BY_NAME, action):
        return doing.tools(action.options)
    return (BY_NAME[action.scanner].tool_name(action.options),)


def root_of(path: str) -> Path:
    """The folder to scan; raises ConfigError when it is none (it is never made)."""
    root = Path(path)
    if not root.is_dir():
        what = "is no folder" if root.exists() else "does not exist"
        raise ConfigError(f"{plain(path)} {what}", hint="Nothing was run. Name the folder that has hardgate.yaml.")
    return root.resolve()


def load_pipeline(root: Path, file: str | None = None) -> Pipeline:
    """The pipeline of a folder; raises ConfigError when there is no hardgate.yaml or it cannot be understood."""
    path = Path(file) if file else root / CONFIG
    try:
        raw = _read(path)
    except FileNotFoundError as error:
        above = next((folder for folder in root.parents if (folder / CONFIG).is_file()), None)
        hint = f"There is one above: hardgate run {above}" if above and not file else "Write one: hardgate init"
        raise ConfigError(f"there is no {plain(str(path))}", hint=f"Nothing was run. {hint}") from error
    except OSError as error:
        raise ConfigError(f"{plain(str(path))} could not be read: {error.strerror}", hint="Nothing was run.") from error
    return parse_pipeline(raw, plain(str(path)))


def _read(path: Path) -> bytes:
    """The bytes of a regular file, at most one more than config reads: a pipe keeps us waiting, a device never ends."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return file.read(yamlfile.MAX_BYTES + 1)


def parse_pipeline(raw: bytes, name: str) -> Pipeline:
    """Read hardgate.yaml with the scanners and formats that this hardgate has."""
    return config.load(raw, options=OPTIONS, formats=FORMATS, subjects=EXEMPTABLE, name=name)


def pipeline_of(run: Run) -> Pipeline:
    """The pipeline that a stored run was made by."""
    return parse_pipeline(run.definition.encode("utf-8", "surrogateescape"), f"the {CONFIG} of run {run.id}")


def add_path(parser: argparse.ArgumentParser) -> None:
    """The PATH argument: the folder that has hardgate.yaml."""
    parser.add_argument("path", metavar="PATH", nargs="?", default=".", help="the folder to scan (default: this one)")


def add_run(parser: argparse.ArgumentParser) -> None:
    """The options that choose a stored run."""
    parser.add_argument("--run", metavar="ID", help="the run, or the beginning of its id (default: the newest here)")
    parser.add_argument("--path", metavar="PATH", default=".", help="the scanned folder (default: this one)")


def stored_run(store: Store, run_id: str | None, path: str) -> Run:
    """The run that was asked for, or the newest of the folder, whatever its state: never an older, better one."""
    if run_id:
        return _with_findings(store.run(run_id))
    root = root_of(path)
    rows = store.runs(root=str(root), limit=1)
    if not rows:
        raise ConfigError(f"there is no stored run of {plain(str(root))}", hint="Make one: hardgate run")
    return _with_findings(store.run(rows[0].id))


def _with_findings(run: Run) -> Run:
    """A run that did not come to its end has no merged findings yet: those of its receipts so far."""
    if run.state is RunState.FINISHED:
        return run
    return msgspec.structs.replace(run, findings=identity.conclude(run.receipts, run.code))


def verdict_of(store: Store, run: Run) -> Verdict:
    """The stored verdict of a run, else a new one by its own hardgate.yaml, as of its end."""
    from hardgate import assembling, gate  # noqa: PLC0415 (as slow to import as all else: help does not wait for it)
    from hardgate.cli.judged import policy_of  # noqa: PLC0415 (loaded where it is needed)

    return store.verdict(run.id) or gate.decide(run, policy_of(run), now=run.finished or assembling.now())


def write_file(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all, its content in parts or at once; raises StoreError that names it."""
    half = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            file.writelines((content,) if isinstance(content, bytes) else content)
        half.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink()
        hint = "The run itself is stored; write the report elsewhere: hardgate report --help"
        raise StoreError(f"{plain(str(path))} was not written: {error.strerror}", hint=hint) from error


def print_bytes(content: bytes) -> None:
    """Write to standard output as it is; a closed or full one is an error, not silence."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise  # `| head` has what it wanted
    except OSError as error:
        hint = "What was done is stored. Print it again: hardgate report --help"
        raise StoreError(f"standard output could not be written: {error.strerror}", hint=hint) from error


def print_json(value: Any) -> None:
    """Print a value as JSON, the only thing on standard output."""
    print_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def colour(stream: Any) -> bool:
    """Whether a stream is a terminal that may be coloured: see https://no-color.org."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def gap_lines(gaps: Iterable[Gap]) -> list[str]:
    """Gaps as lines for a terminal."""
    return [f"  {flow(gap.message)}" + (f"\n    {flow(gap.remedy)}" if gap.remedy else "") for gap in gaps]
