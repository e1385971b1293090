"""Look at a repository and write a commented hardgate.yaml that fits it.

An existing hardgate.yaml is never overwritten without --force.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hardgate import plan, repository, templates
from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.model import ExitCode

_PYTHON = re.compile(r".+\.pyi?")
_WORKFLOW = re.compile(r"(.*/)?(\.github/workflows/[^/]+\.ya?ml|action\.ya?ml)")
_POSTMAN = re.compile(r".*postman_collection\.json|.*\.postman\.json")


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate init`."""
    common.add_path(parser)
    parser.add_argument("--force", action="store_true", help="overwrite an existing hardgate.yaml")
    parser.add_argument("--print", action="store_true", dest="show", help="print it instead of writing it")


def main(args: argparse.Namespace) -> int:
    """Write hardgate.yaml and say what was found."""
    root = common.root_of(args.path)
    target = root / common.CONFIG
    if target.exists() and not args.force and not args.show:
        raise ConfigError(f"{target} is there already", hint="Nothing was written. Look at --print, or use --force.")
    paths, history = _look(root)
    content = compose(root.name, paths, history=history)
    common.parse_pipeline(content.encode(), common.CONFIG)
    if args.show:
        common.print_bytes(content.encode())
        return ExitCode.PASS
    common.write_file(target, content.encode())
    print(f"{target} was written, for:")
    for what, example in _found(paths):
        print(f"  {what:<22} {example}")
    print("Next: hardgate run")
    return ExitCode.PASS


def _look(root: Path) -> tuple[tuple[str, ...], bool]:
    """The paths in scope, and whether there is a history to look through."""
    with tempfile.TemporaryDirectory(prefix="hardgate-") as scratch:
        tree = repository.read(root, Path(scratch), exclude=lambda _path: False, limit=2**62, leave=frozenset())
    return tuple(entry.path for entry in tree.entries), tree.git is not None


def _found(paths: Sequence[str]) -> list[tuple[str, str]]:
    """What the repository holds, each with the first example, for the person who typed `init`."""
    sorts: list[tuple[str, Callable[[str], bool]]] = [
        ("Python code", lambda path: bool(_PYTHON.fullmatch(path))),
        *((subject.what, subject.found) for subject in plan.SUBJECTS),
        ("GitHub workflows", lambda path: bool(_WORKFLOW.fullmatch(path))),
        ("CloudFormation", templates.is_named),
        ("policies in Rego", plan.is_policy),
        ("Postman collections", lambda path: bool(_POSTMAN.fullmatch(path))),
    ]
    rows = [(what, next((path for path in paths if test(path)), "")) for what, test in sorts]
    return [(what, example) for what, example in rows if example] or [("no code yet", "only secrets are looked for")]


def compose(name: str, paths: Sequence[str], *, history: bool) -> str:
    """The text of a hardgate.yaml for a repository with these files."""
    has = {subject.name: any(subject.found(path) for path in paths) for subject in (*plan.SUBJECTS, *plan.ADVISED)}
    stacks, python = has["cloudformation"], any(_PYTHON.fullmatch(path) for path in paths)
    workflows = any(_WORKFLOW.fullmatch(path) for path in paths)
    pipeline = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "pipeline"
    gitleaks = "gitleaks" if history else "gitleaks: {history: false}   # no git here: only the files"
    parts = [word for word, wanted in (("misconfig", True), ("secret", True), ("vuln", has["lockfile"])) if wanted]
    scans = [
        (python, "bandit", "Python code"),
        (python, "semgrep: {config: [bundled, auto]}", "our rules; Semgrep's own too where the network is there"),
        (python, "dataflow", "what request data reaches, through functions and files"),
        (python, "ruff", "bandit's rules again, in milliseconds: the second witness"),
        (has["requirements"], "pip-audit", "known vulnerabilities of pinned requirements"),
        (has["requirements"], "cyclonedx", "an SBOM, kept with the evidence"),
        (has["dockerfile"], "hadolint: {trusted_registries: [docker.io]}", "Dockerfiles, and whence their images"),
        (has["terraform"] or has["dockerfile"] or workflows or stacks, "checkov", "Terraform, Dockerfiles, workflows"),
        (stacks, "cfn-lint", "CloudFormation against the schemas of AWS"),
        (workflows, "zizmor", "GitHub workflows"),
        (has["rego"], _opa(paths), "your policies; name the plans or manifests: inputs"),
        (
            has["dockerfile"] or has["terraform"] or has["lockfile"],
            f"trivy: {{scanners: [{', '.join(parts)}]}}",
            "files",
        ),
    ]
    chosen = [f"      - {entry:<44} # {why}" for wanted, entry, why in scans if wanted]
    second = (
        ["  - name: scan                 # actions of one stage run in parallel", "    actions:", *chosen]
        if chosen
        else []
    )
    lines = [
        "# The pipeline of this repository. Every key: docs/reference/hardgate-yaml.md of hardgate.",
        f"pipeline: {pipeline}",
        "stages:",
        "  - name: secrets",
        f"    actions:{os.linesep}      - {gitleaks}".replace(os.linesep, "\n"),
        *second,
        "policy:",
        "  # From which severity a finding blocks. Secrets and critical dependencies always block.",
        "  # By kind: block_at: {default: high, code: critical, licence: never}",
        "  block_at: high",
        *(_IMAGE if has["dockerfile"] else ()),
        *(_postman() if any(_POSTMAN.fullmatch(path) for path in paths) else []),
        "# exclude: [vendor]            # what no scanner shall look at; it is counted in every report",
    ]
    return "\n".join(lines) + "\n"


def _opa(paths: Sequence[str]) -> str:
    """The entry of opa for the folders in which the policies lie, the outermost of them."""
    folders = sorted({path.rpartition("/")[0] or "." for path in paths if plan.is_policy(path)})
    outer = [one for one in folders if not any(one != up and plan.within(one, (up,)) for up in folders)]
    return f"opa: {{policy: {json.dumps(outer)}, all_namespaces: true}}"


_IMAGE = (
    "# A Dockerfile is here. To look at what it makes too, add stages after these, each with the engine at hand:",
    "#   - {name: image, actions: [{build: {image: NAME}}]}",
    "#   - {name: look, actions: [sbom, scan-image]}",
)


def _postman() -> list[str]:
    return [
        "# A Postman collection is here. Its requests are no part of this gate until you describe the command that",
        "# starts the application and runs Newman: `newman: {command: [...]}`.",
    ]
