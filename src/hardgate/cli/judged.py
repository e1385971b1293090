"""What a run is judged by, for the commands that run or judge: hardgate.yaml, the files of exceptions, and the base."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import os
import posixpath
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hardgate import basis, git, past
from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.exceptions import documents, waivers, weakening
from hardgate.model import Document, Exceptions, Finding, Pipeline, Policy, Run
from hardgate.scanners.semgrep import Options as SemgrepOptions
from hardgate.wording import plain
from hardgate.yamlfile import Source

if TYPE_CHECKING:
    from hardgate.store import Store

_LARGEST = 50_000_000  # bytes of a file of exceptions: a baseline of 100,000 findings has about 20 MB
# Where CI systems name the branch that a change is for; empty or unset where there is no such change.
_BRANCHES = (
    "GITHUB_BASE_REF",  # https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",  # https://docs.gitlab.com/ci/variables/predefined_variables/
    "BITBUCKET_PR_DESTINATION_BRANCH",  # https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
    "CHANGE_TARGET",  # https://www.jenkins.io/doc/book/pipeline/multibranch/
    "SYSTEM_PULLREQUEST_TARGETBRANCH",  # https://learn.microsoft.com/azure/devops/pipelines/build/variables
    "CODEBUILD_WEBHOOK_BASE_REF",  # https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
)


def add_base(parser: argparse.ArgumentParser) -> None:
    """--base and --no-base."""
    parser.add_argument("--base", metavar="REF", help="the commit, branch or tag that this change is for")
    parser.add_argument("--no-base", action="store_true", help="do not take the base from the variables of a CI system")


def base_names(args: argparse.Namespace) -> tuple[str, ...]:
    """The names to try for the base, () when there is none; raises ConfigError for an empty --base."""
    if args.base is not None and args.no_base:
        raise ConfigError("--base and --no-base contradict each other", hint="Nothing was run. Give one of them.")
    if args.base == "":
        raise ConfigError("--base is empty", hint="Nothing was run. Is the variable that holds it set?")
    if args.base:
        return (str(args.base),)
    named = () if args.no_base else (os.environ.get(name, "") for name in _BRANCHES)
    branch = next(filter(None, named), "").removeprefix("refs/heads/")
    # A CI system checks out one commit: the branch is known as that of the remote. In full, since a tag comes first.
    return (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}") if branch else ()


def policy_of(run: Run) -> Policy:
    """The policy that judges a run, whole: hardgate.yaml of the run or of its base, and all files of exceptions."""
    if run.exceptions.definition:
        name = f"the {common.CONFIG} of the base of run {run.id}"
        policy = common.parse_pipeline(run.exceptions.definition.encode("utf-8", "surrogateescape"), name).policy
    else:
        policy = documents.without_its_own(common.pipeline_of(run).policy, run.exceptions)
    return documents.in_force(policy, run.exceptions)


def read(args: argparse.Namespace, root: Path, pipeline: Pipeline, now: str) -> basis.Basis:
    """What this run will be judged by. Raises ConfigError, before anything runs, for exceptions that are not understood
    or last too long, and for a base that cannot be read."""
    own = _from_tree(root)
    names = base_names(args)
    if not names:
        given = documents.evidence(own)
        policy = documents.in_force(pipeline.policy, given)
        waivers.check(policy.waivers, policy.max_waiver_days, now)
        return basis.Basis(exceptions=given)
    with tempfile.TemporaryDirectory(prefix="hardgate-") as scratch:
        base = past.base(root, Path(scratch) / "git", names)
        return _from_base(base, root, pipeline, _config(args, root, base.prefix), own)


def beside(found: basis.Basis, store: Store, pipeline: str, root: Path) -> basis.Basis:
    """The same with the stored run of the base, where there is a base and a whole run of it."""
    if not found.exceptions.base:
        return found
    given, around = found.exceptions, git.around(root)
    prefix = root.relative_to(around[0]).as_posix() if around else ""
    folder = "" if prefix in {"", "."} else f"{prefix}/"
    before = store.run_of_commit(pipeline, given.base, definition=given.definition, folder=folder)
    return dataclasses.replace(found, before=before, first_seen=functools.partial(store.first_seen, pipeline))


class _Config(NamedTuple):
    """hardgate.yaml as it was named, and its path in the work tree: "" when it is not in there."""

    file: Path
    path: str


def _config(args: argparse.Namespace, root: Path, prefix: str) -> _Config:
    """Where hardgate.yaml lies; a change can have made all that is in the work tree, also above the scanned folder.

    By its name, not by what a link leads to: a change can have made that link.
    """
    file = Path(args.config) if args.config else root / common.CONFIG
    work = root.parents[prefix.count("/") - 1] if prefix else root
    named = Path(os.path.abspath(file))  # noqa: PTH100 (Path.resolve would follow the links)
    folder = next((folder for folder in reversed(named.parents) if folder.resolve() == work), None)
    if folder is not None:
        return _Config(file, named.relative_to(folder).as_posix())
    real = file.resolve()
    return _Config(file, real.relative_to(work).as_posix() if real.is_relative_to(work) else "")


class _There(NamedTuple):
    """hardgate.yaml of one commit: its text, and what it says."""

    text: str
    pipeline: Pipeline


def _from_base(
    base: past.Base, root: Path, pipeline: Pipeline, config: _Config, own: Sequence[Document]
) -> basis.Basis:
    there = _pipeline_at(base, base.commit, config.path)
    kept = _documents_at(base)
    if not config.path:  # it is not from the work tree: no change can have made it
        there = _There(pipeline.definition, pipeline)
    given = documents.evidence(kept, there.text if there else "", base.commit, base.name)
    ours = there.pipeline.policy if there else documents.without_its_own(pipeline.policy, given)
    policy = documents.in_force(ours, given)
    head = documents.in_force(pipeline.policy, Exceptions(documents=tuple(own)))
    requests = documents.asked_for(head.waivers, policy.waivers)
    found = _weaker(base, there, pipeline, config) if there and config.path else ()
    found = (*found, *_other_rules(base, root, there.pipeline if there else pipeline))
    return basis.Basis(exceptions=msgspec.structs.replace(given, requests=requests), policy=policy, findings=found)


def _pipeline_at(base: past.Base, commit: str, config: str) -> _There | None:
    raw = past.file(base.git, commit, config) if config else None
    if raw is None:
        return None
    name = f"{config} of the base {plain(base.name)} ({commit[:12]})"
    return _There(raw.decode("utf-8-sig", "surrogateescape"), common.parse_pipeline(raw, name))


def _weaker(base: past.Base, there: _There, pipeline: Pipeline, config: _Config) -> tuple[Finding, ...]:
    """In what hardgate.yaml is weaker than on the base.

    What only the base made stricter since the change left it is no deed of this change: it is left out where the policy
    of the base judges all the same, and told where it was not looked so well as the base demands.
    """
    source = Source(config.file.read_bytes(), config.path)
    found = weakening.compare(there.pipeline, pipeline, lambda key: source.line((key,)))
    if not found or not base.fork or base.fork == base.commit:
        return found
    try:
        began = _pipeline_at(base, base.fork, config.path)
    except ConfigError:  # it is long ago, and its words are not understood any more
        return found
    if began is None:
        return found
    since = {one.id for one in weakening.compare(began.pipeline, pipeline, lambda _key: 1)}
    told = (one if one.id in since else weakening.outgrown(one) for one in found)
    return tuple(one for one in told if one is not None)


def _other_rules(base: past.Base, root: Path, there: Pipeline) -> Iterator[Finding]:
    """A finding for each of the repository's own rule files that the change alters or takes away."""
    for action in there.actions:
        for name in action.options.own_rules if isinstance(action.options, SemgrepOptions) else ():
            place = f"{base.prefix}{posixpath.normpath(name)}"
            rows = git.names(git.ask(base.git, "ls-tree", "-r", "-z", "--name-only", base.commit, "--", place))
            for path in (row.removeprefix(base.prefix) for row in rows):
                was, now = past.file(base.git, base.commit, base.prefix + path), root / path
                regular = now.is_file() and not now.is_symlink()
                digest = hashlib.sha256(_content(now)).hexdigest() if regular else ""
                if was is not None and digest != hashlib.sha256(was).hexdigest():
                    yield weakening.other_rules(action.name, plain(path), digest, lambda _key: 1)


def _from_tree(root: Path) -> tuple[Document, ...]:
    folder = root / documents.FOLDER
    paths = [folder, *(path for path in folder.glob("*") if path.is_dir())] if folder.is_dir() else []
    names = sorted(file.relative_to(root).as_posix() for one in paths for file in one.iterdir())
    return _kept(names, lambda name: _content(root / name))


def _documents_at(base: past.Base) -> tuple[Document, ...]:
    folder = base.prefix + documents.FOLDER
    names = past.files(base.git, base.commit, folder)
    inner = [file for name in names for file in past.files(base.git, base.commit, name)]
    paths = sorted({name.removeprefix(base.prefix) for name in (*names, *inner)})
    return _kept(paths, lambda name: past.file(base.git, base.commit, base.prefix + name))


def _kept(names: Sequence[str], read: Callable[[str], bytes | None]) -> tuple[Document, ...]:
    """The files of exceptions among the names, read."""
    found = ((name, read(name)) for name in names if documents.reader(name))
    return tuple(documents.document(name, raw) for name, raw in found if raw is not None)


def _content(path: Path) -> bytes:
    """The bytes of a regular file, not through a link; raises ConfigError when it is none, or too large."""
    hint = "Nothing was run. Exceptions are in regular files below .hardgate."
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{plain(str(path))} is no regular file", hint=hint)
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{plain(str(path))} could not be read: {error.strerror}", hint=hint) from error
    if len(raw) > _LARGEST:
        raise ConfigError(f"{plain(str(path))} has more than {_LARGEST} bytes", hint=hint)
    return raw
