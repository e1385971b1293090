"""Which scanners must report on a tree, decided from the names of its own files.

A pipeline says what it runs; the tree says what must be looked at. What a table row below asks for and no action can
give is a gap, unless the policy exempts the subject in writing (`policy.exempt`).
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from hardgate import locks, templates
from hardgate.model import Action, Pipeline, Requirement, Selection
from hardgate.pins import is_requirements
from hardgate.wording import plain


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a tree may hold. `any_of` are the capabilities of which one must report: see `capabilities`.

    Without any, nothing here can report on it: each file of it is a gap, unless `missing(path, names)` is "": then
    another file of the tree stands for it. Else it says what is wrong, and the way out.
    """

    name: str
    found: Callable[[str], bool]
    any_of: tuple[str, ...]
    what: str
    missing: Callable[[str, Collection[str]], str] | None = None


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def is_dockerfile(path: str) -> bool:
    """Dockerfile, Containerfile, Dockerfile.web, web.Dockerfile: the names that hadolint and Docker users know."""
    names = r"(Docker|Container)file(\..+)?|.+\.([Dd]ocker|[Cc]ontainer)file"
    return bool(re.fullmatch(names, _last(path), re.DOTALL))


def is_policy(path: str) -> bool:
    """A policy in Rego, and not the test of one."""
    return path.endswith(".rego") and not path.endswith("_test.rego")


SUBJECTS = (
    Subject("dockerfile", is_dockerfile, ("hadolint", "trivy:misconfig"), "a Dockerfile"),
    Subject("terraform", lambda path: path.endswith((".tf", ".tf.json")), ("checkov",), "Terraform"),
    Subject(
        "requirements",
        is_requirements,
        ("pip-audit", "safety", "trivy:vuln", "sbom-audit", "grype", "osv-scanner"),
        "a requirements file",
    ),
    Subject(
        "lockfile",
        lambda path: bool(locks.ecosystem(path)) and not is_requirements(path),
        ("trivy:vuln",),
        "a lock file of dependencies",
    ),
    Subject("manifest", locks.is_manifest, (), "a manifest of dependencies", locks.unlocked),
)
# What a team would miss without noticing: no gap, but a warning on the verdict.
ADVISED = (
    Subject("secrets", lambda _path: True, ("gitleaks", "detect-secrets", "trivy:secret"), "secrets"),
    Subject("python", lambda path: path.endswith(".py"), ("bandit", "semgrep", "ruff"), "Python code"),
    Subject(
        "workflows",
        lambda path: bool(re.fullmatch(r"(.*/)?\.github/workflows/[^/]+\.ya?ml", path)),
        ("zizmor", "checkov"),
        "GitHub workflows",
    ),
    Subject("rego", is_policy, ("opa", "conftest"), "policies in Rego"),
    Subject(
        "cloudformation", templates.is_named, ("cfn-lint", "checkov", "trivy:misconfig"), "CloudFormation templates"
    ),
)


def capabilities(action: Action) -> frozenset[str]:
    """What an action can report on: its scanner's name, or `scanner:part` where its options choose among parts."""
    parts = getattr(action.options, "scanners", None)
    if parts is None:
        return frozenset({action.scanner})
    return frozenset(f"{action.scanner}:{part}" for part in parts)


def requirements(pipeline: Pipeline, paths: Iterable[str]) -> tuple[Requirement, ...]:
    """What must report on a tree with these `paths` (relative, after the exclusions of the pipeline).

    Files of a subject that the same actions look at make one requirement, with the first of them as its example: an
    action that is limited to a folder covers nothing outside it.
    """
    names = tuple(paths)
    return tuple(need for subject in SUBJECTS for need in _requirements(pipeline, subject, names))


def _requirements(pipeline: Pipeline, subject: Subject, paths: tuple[str, ...]) -> Iterable[Requirement]:
    if subject.missing is not None:
        return [need for path in filter(subject.found, paths) for need in _unlocked(pipeline, subject, path, paths)]
    wanted = frozenset(subject.any_of)
    able = [action for action in pipeline.actions if wanted & capabilities(action)]
    examples: dict[tuple[str, ...], str] = {}
    for path in filter(subject.found, paths):
        looking = (one.name for one in able if within(path, one.paths) and not excluded(path, one.exclude))
        examples.setdefault(tuple(looking), path)
    return [
        Requirement(
            subject=subject.name,
            scanners=subject.any_of,
            reason=f"the tree has {subject.what}: {plain(example)}",
            actions=actions,
            exempt=pipeline.policy.exempt.get(subject.name, ""),
        )
        for actions, example in examples.items()
    ]


def _unlocked(pipeline: Pipeline, subject: Subject, path: str, paths: tuple[str, ...]) -> Iterable[Requirement]:
    way = subject.missing(path, frozenset(paths)) if subject.missing else ""
    if way:
        reason = f"{plain(path)} {way}"
        exempt = pipeline.policy.exempt.get(subject.name, "")
        yield Requirement(subject=subject.name, scanners=(), reason=reason, actions=(), exempt=exempt)


def advice(pipeline: Pipeline, paths: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each sort of file that no action of the pipeline looks at, though nothing demands it."""
    names = tuple(paths)
    have = frozenset[str]().union(*(capabilities(action) for action in pipeline.actions))
    unseen = (
        f"No action looks at {subject.what}; {' or '.join(subject.any_of)} would."
        for subject in ADVISED
        if not have & frozenset(subject.any_of) and any(subject.found(name) for name in names)
    )
    return (*unseen, *_inside_out(pipeline))


def _inside_out(pipeline: Pipeline) -> tuple[str, ...]:
    """A sentence wherever a pipeline looks at something before what is within it: source, Dockerfile, image.

    What is wrong within is wrong in all that is made of it, and cheaper to see.
    """
    rows = (("the source", _SOURCE), ("the Dockerfile", _DOCKERFILE), ("the image", _IMAGE))
    first = [(what, _first(pipeline, able)) for what, able in rows]
    found = [(what, *place) for what, place in first if place is not None]
    said = [
        f"{outer} looks at {what} before {inner} looks at {within}: put {within} first."
        for (within, late, inner), (what, early, outer) in itertools.pairwise(found)
        if early < late
    ]
    made = _first(pipeline, frozenset({"build"}))
    needs = _first(pipeline, _IMAGE | {"sbom"})
    if needs is not None and made is not None and needs[0] <= made[0]:
        said.append(f"{needs[1]} needs the image that {made[1]} makes: put it into a later stage.")
    return tuple(said)


_SOURCE = frozenset({"bandit", "semgrep", "dataflow", "ruff", "pip-audit", "safety", "npm-audit", "trivy:vuln"})
_DOCKERFILE = frozenset({"hadolint"})
_IMAGE = frozenset({"scan-image"})


def _first(pipeline: Pipeline, able: frozenset[str]) -> tuple[int, str] | None:
    """The first stage that has an action with one of these capabilities, as its number, and that action's name."""
    for number, stage in enumerate(pipeline.stages):
        for action in stage.actions:
            if able & capabilities(action):
                return number, action.name
    return None


def selected(pipeline: Pipeline, selection: Selection) -> tuple[tuple[str, tuple[Action, ...]], ...]:
    """The stages and actions that a run with this selection starts, in order; stages without any are left out."""
    chosen = []
    for stage in pipeline.stages:
        actions = tuple(action for action in stage.actions if _wanted(stage.name, action, selection))
        if actions:
            chosen.append((stage.name, actions))
    return tuple(chosen)


def _wanted(stage: str, action: Action, selection: Selection) -> bool:
    if not selection.partial:
        return True
    return stage in selection.stages or action.name in selection.actions


def excluded(path: str, globs: Iterable[str]) -> bool:
    """Whether a glob leaves `path` out. `*` also crosses `/`; a glob that names a folder leaves out all below it."""
    return any(fnmatch.fnmatchcase(path, glob) or path.startswith(glob.rstrip("/") + "/") for glob in globs)


def within(path: str, folders: tuple[str, ...]) -> bool:
    """Whether `path` is one of `folders` or below one; no folders means the whole tree."""
    return not folders or any(path == folder or path.startswith(folder + "/") or folder == "." for folder in folders)
