"""What git's hooks do: look at what is staged or pushed, judge it as the gate would, and say why it is refused."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hardgate import assembling, gate, hooking, identity, plan, repository, staged, styles
from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.exceptions import documents
from hardgate.model import (
    ActionState,
    ExitCode,
    Finding,
    Outcome,
    Pipeline,
    Policy,
    Receipt,
    Run,
    RunState,
    Selection,
    State,
    Verdict,
)
from hardgate.wording import count, flow, place, plain

# What holds where a repository has no hardgate.yaml: the defaults of its keys.
_DEFAULT = b"pipeline: hooks\nstages: [{name: secrets, actions: [gitleaks]}]\n"
_FILES = (common.CONFIG, documents.FOLDER, styles.BLACK_FILE, *styles.FLAKE8_FILES)
_USUAL_PUSH = ("gitleaks", "detect-secrets", "ruff")
_SKIP = {"pre-commit": "git commit --no-verify", "pre-push": "git push --no-verify"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One look of a hook: the private git folder, the place of its checks, and what the repository says of them.

    `commit` is the pushed commit, "" for the index. `policy` is the one that judges.
    """

    ours: Path
    commit: str
    place: hooking.Place
    settings: Mapping[str, bytes]
    run: Run
    policy: Policy


def look(args: argparse.Namespace) -> int:
    """Look, tell, and return the exit code by which git goes on or not."""
    began = time.monotonic()
    # Git starts its hooks at the top of the work tree; with GIT_DIR there need be no .git there.
    root = Path.cwd() if os.environ.get("GIT_DIR") else staged.top(Path.cwd())
    with assembling.scratch() as scratch:
        ours = staged.borrow(root, scratch / "git", os.environ)
        if args.hook == "pre-push":
            return _pushed(args, root, ours, scratch, began)
        case = _case(args, root, ours, scratch, "")
        rows = staged.index_changes(ours)
        receipts, tree = _looked(case, rows, _names(case.place.pipeline, "pre-commit"))
        about = f"{count(len(rows), 'staged file')}{_left(tree)}"
        return _told(args.hook, _judged(case, tree, receipts), receipts, about, began)


def _case(args: argparse.Namespace, root: Path, ours: Path, scratch: Path, commit: str) -> _Case:
    settings = staged.kept(ours, commit, _FILES)
    where = f"{common.CONFIG} of commit {commit[:12]}" if commit else f"the staged {common.CONFIG}"
    pipeline = common.parse_pipeline(settings.get(common.CONFIG, _DEFAULT), where)
    kept = [documents.document(name, raw) for name, raw in sorted(settings.items()) if documents.reader(name)]
    exceptions = documents.evidence(kept)
    # What a policy requires of a whole run, a hook does not do.
    policy = msgspec.structs.replace(documents.in_force(pipeline.policy, exceptions), required=())
    lookup = hooking.Place(
        pipeline=pipeline, policy=policy, scanners=common.OWN, locate=common.open_toolbox().locate, scratch=scratch,
        memory=scratch / "memory" if args.no_cache else common.state_folder() / "cache" / "hooks",
        code=hooking.code_stamp(),
    )  # fmt: skip
    blank = Run(
        id=assembling.new_id(), pipeline=pipeline.name, pipeline_digest=pipeline.digest,
        definition=pipeline.definition, root=str(root), commit=commit or staged.head(ours), tree="",
        started=assembling.now(), state=RunState.FINISHED, selection=Selection(base="hook"), exceptions=exceptions,
    )  # fmt: skip
    return _Case(ours=ours, commit=commit, place=lookup, settings=settings, run=blank, policy=policy)


def _names(pipeline: Pipeline, hook: str) -> tuple[str, ...]:
    """The checks of a hook, by hardgate.yaml or by default."""
    if hook == "pre-commit":
        return pipeline.hooks.pre_commit
    quick = [one.scanner for one in pipeline.actions if one.scanner in styles.SECURITY]
    return pipeline.hooks.pre_push or tuple(dict.fromkeys((*_USUAL_PUSH, *quick)))


def _looked(case: _Case, rows: Sequence[staged.Row], names: Sequence[str]) -> tuple[list[Receipt], repository.Tree]:
    """The receipts of the checks over these files, and the files, with the gaps of what could not be laid out."""
    lookup = case.place
    what = staged.lay_out(
        case.ours, rows, lookup.scratch / f"tree-{case.commit}", root=Path(case.run.root),
        exclude=lambda path: plan.excluded(path, lookup.pipeline.exclude), limit=lookup.pipeline.max_file_size,
    )  # fmt: skip
    chosen = hooking.actions_of(names, lookup, case.settings)
    return hooking.look(lookup, what, chosen) if what.tree.entries else [], what.tree


def _left(tree: repository.Tree) -> str:
    return f" ({tree.excluded} left out by `exclude`)" if tree.excluded else ""


def _judged(
    case: _Case, tree: repository.Tree, receipts: Sequence[Receipt]
) -> tuple[Run, Verdict, tuple[Finding, ...]]:
    """The run of a hook, the gate's verdict, and what the style checks complain of: the gate does not judge that."""
    style = [one for one in receipts if one.scanner in styles.STYLES]
    security = [one for one in receipts if one.scanner not in styles.STYLES]
    gaps = (*assembling.readable(tree.gaps), *(gap for one in style for gap in one.gaps))
    run = msgspec.structs.replace(
        case.run, receipts=tuple(security), expected=tuple(one.action for one in security), gaps=gaps,
        findings=tuple(identity.conclude(security)), finished=assembling.now(),
    )  # fmt: skip
    idle = all(one.state is ActionState.NOTHING_TO_DO for one in security) and not gaps
    # Nothing of their kind is there: that is no gap in a hook, as it would be of a whole run.
    verdict = (
        Verdict(outcome=Outcome.PASS, judged_at=run.finished)
        if idle
        else gate.decide(run, case.policy, now=run.finished)
    )
    return run, verdict, tuple(finding for one in style for finding in one.findings)


def _pushed(args: argparse.Namespace, root: Path, ours: Path, scratch: Path, began: float) -> int:
    """Every pushed commit: the history that the remote has not, and the files in which each tip differs."""
    given, remote = _given(args)
    tips, span = staged.pushed(ours, given, remote)
    if not tips:
        print("hardgate: nothing is pushed that could be looked at", file=sys.stderr)
        return ExitCode.PASS
    code: int = ExitCode.PASS
    for number, push in enumerate({one.new: one for one in tips}.values()):
        case = _case(args, root, ours, scratch, push.new)
        rows = staged.commit_changes(ours, push.old, push.new)
        receipts, tree = _looked(case, rows, _names(case.place.pipeline, "pre-push"))
        if number == 0 and span.commits:
            receipts = [*receipts, hooking.look_back(case.place, ours, span, push.new)]
        files = f"{count(len(rows), 'file')}{_left(tree)}"
        about = f"{plain(push.name)}: {count(span.commits, 'commit')} and {files}"
        code = max(code, _told(args.hook, _judged(case, tree, receipts), receipts, about, began))
    return code


def _given(args: argparse.Namespace) -> tuple[list[staged.Push], str]:
    """What is pushed and where to: from git's words on standard input, or from pre-commit's variables.

    See https://pre-commit.com/#pre-commit-during-push. pre-commit tells of one ref only.
    """
    lines = "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    if lines.strip() or not os.environ.get("PRE_COMMIT"):
        return staged.pushes(lines), args.remote
    old, new = (os.environ.get(f"PRE_COMMIT_{end}_REF", "") for end in ("FROM", "TO"))
    new = new or os.environ.get("PRE_COMMIT_LOCAL_BRANCH", "")
    if not new or new.startswith("-"):
        hint = "Nothing was looked at. Is the hook installed for it? pre-commit install --hook-type pre-push"
        raise ConfigError("pre-commit does not say what is pushed", hint=hint)
    return [staged.Push(new, new, old)], os.environ.get("PRE_COMMIT_REMOTE_NAME", "")


def _told(
    hook: str,
    judged: tuple[Run, Verdict, tuple[Finding, ...]],
    receipts: Sequence[Receipt],
    about: str,
    began: float,
) -> int:
    run, verdict, complaints = judged
    lines = list(_lines(run, verdict, complaints))
    code = verdict.exit_code if verdict.outcome is not Outcome.PASS else ExitCode.FAIL if complaints else ExitCode.PASS
    if code is not ExitCode.PASS:
        why = "style" if verdict.outcome is Outcome.PASS else str(verdict.outcome)
        lines.append(f"hardgate refuses this {hook.removeprefix('pre-')} ({why}).")
        lines.append(f"  `{_SKIP[hook]}` gets past this hook, and not past the pipeline.")
    used = [one.action for one in receipts if one.state is not ActionState.NOTHING_TO_DO]
    idle = [one.action for one in receipts if one.state is ActionState.NOTHING_TO_DO]
    skipped = f"; nothing for {', '.join(idle)}" if idle else ""
    looked = f"looked at by {', '.join(used)}" if used else "nothing to look at"
    lines.append(f"hardgate: {about}, {looked}{skipped} ({time.monotonic() - began:.1f} s)")
    print("\n".join(lines), file=sys.stderr)
    return code


def _lines(run: Run, verdict: Verdict, complaints: Sequence[Finding]) -> Iterator[str]:
    blocking = {one.finding for one in verdict.decisions if one.state is State.BLOCKING}
    for finding in run.findings:
        if finding.id in blocking:
            seen = ", ".join(f"{one.scanner} {plain(one.rule)}" for one in finding.witnesses)
            yield f"{place(finding.location)}: {finding.severity}: {flow(finding.message)} [{seen}]"
            if finding.fix:
                yield f"    {flow(finding.fix)}"
    for one in complaints:
        yield f"{place(one.location)}: style: {flow(one.message)} [{one.scanner} {plain(one.rule)}]"
    if complaints:
        yield "    Style is no security finding. Mend it, or leave the check out of `hooks:` in hardgate.yaml."
    if verdict.gaps:
        yield f"not looked at, so nothing is known of it ({len(verdict.gaps)}):"
        yield from common.gap_lines(verdict.gaps)
    if waived := sum(one.state is State.WAIVED for one in verdict.decisions):
        yield f"{count(waived, 'finding')} waived, in writing"
    if informing := sum(one.state is State.INFORMING for one in verdict.decisions):
        yield f"{count(informing, 'finding')} below the policy's threshold: see hardgate run"


# For the commands beside it


def _of_folder(root: Path) -> Pipeline:
    """The pipeline that the work tree has now, or the default."""
    top = staged.top(root)
    return common.load_pipeline(top) if (top / common.CONFIG).is_file() else common.parse_pipeline(_DEFAULT, "default")


def tools_of(root: Path) -> list[str]:
    """The tools that both hooks start."""
    pipeline = _of_folder(root)
    return list(dict.fromkeys((*_names(pipeline, "pre-commit"), *_names(pipeline, "pre-push"), "gitleaks")))


def page(root: Path) -> Iterator[str]:
    """What the hooks look with, and whether it is there."""
    pipeline = _of_folder(root)
    yield f"pre-commit looks with {', '.join(_names(pipeline, 'pre-commit'))}"
    yield f"pre-push   looks with {', '.join(_names(pipeline, 'pre-push'))}, and with gitleaks at each pushed commit"
    if missing := common.open_toolbox().absent(tools_of(root)):
        yield f"not installed: {', '.join(missing)}. Install: hardgate tools sync {' '.join(missing)}"
