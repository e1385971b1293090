"""Each real scanner broken in each way that was seen to read as "nothing found": the answer is INCOMPLETE every time.

The tools of the toolbox are put on PATH behind a small shell script that breaks them, and the real command line is run.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from hardgate import tools
from hardgate.adapter import Scanner
from hardgate.advisories.database import WHOLE
from hardgate.advisories.writing import Origin, write
from hardgate.model import ExitCode, GapReason
from hardgate.toolbox import outside, own
from hardgate.toolbox.recipes import RECIPES, Recipe
from tests.lab import npm_registry, osv_server, safety_service, snyk_service
from tests.lab.command import Result, hardgate
from tests.lab.tools import command
from tests.scanners import real

# What the wrapper does with the real command line, "$@" after REAL. $0 keeps its version for the probe.
FAULTS = {
    "killed at once": "REAL >/dev/null 2>&1 & kill -KILL $$",
    "killed midway": "REAL | head -c 40; kill -KILL $$",
    "dead without a word": "exit 0",
    "truncated": 'REAL > "$TMPDIR/whole"; code=$?\n'
    'for word in "$@"; do case "$word" in */report) cp "$word" "$TMPDIR/whole"; out=$word;; esac; done\n'
    'half=$(($(wc -c < "$TMPDIR/whole") / 2)); head -c "$half" "$TMPDIR/whole" > "${out:-/dev/stdout}"; exit $code',
    "target missing": 'mkdir "$TMPDIR/nowhere"; cd "$TMPDIR/nowhere"; REAL',
    "hanging": "sleep 600",
    "talking without end": "yes '[{\"a\": 1},'",
}
# Words that take a tool's rules away: with them it runs well and finds nothing.
NO_RULES = {
    "dataflow": ["--rules", "none.json"],
    "gitleaks": ["--enable-rule", "jwt"],
    "detect-secrets": ["--disable-plugin", "AWSKeyDetector"],
    "bandit": ["--tests", "B101"],
    "semgrep": ["--exclude-rule", "python-code-injection", "--severity", "INFO"],
    "ruff": ["--ignore", "S"],
    "checkov": ["--check", "CKV_AWS_999"],
    "hadolint": ["--ignore", "DL3002"],
    "trivy": ["--severity", "UNKNOWN"],
    "opa": ["--proof", "main"],
    "cfn-lint": ["--ignore-templates", "hardgate-canary-*/*"],
    "zizmor": ["--min-severity", "high", "--min-confidence", "high", "--persona", "regular", "--min-severity", "high"],
}
EXECUTABLES = {"opa": "hardgate-opa", "cyclonedx": "cyclonedx-py", "sbom-audit": "cyclonedx-py", "npm-audit": "npm"}
OPTIONS: dict[str, dict[str, object]] = {
    "trivy": {"scanners": ["misconfig", "secret"]},
    "gitleaks": {"history": False},
    "opa": {"policy": ["canary.rego"], "inputs": ["canary.json"], "namespaces": ["hardgate_canary"]},
}
NAMES = [scanner.name for scanner in real.HERE]
BY_NAME = {scanner.name: scanner for scanner in real.HERE}

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Services:
    """Addresses of the loopback services that stand for the vendors', and the local advisory database."""

    osv: str
    safety: str
    snyk: str
    npm: str
    database: Path


@pytest.fixture(scope="module")
def services(python_folder: Path) -> Iterator[Services]:
    with _serving(osv_server.data_folder(), python_folder) as both:
        yield both


@contextmanager
def _serving(folder: Path, database: Path) -> Iterator[Services]:
    with (
        osv_server.serving(folder) as osv,
        safety_service.serving(folder) as safety,
        snyk_service.serving(folder) as snyk,
        npm_registry.serving() as npm,
    ):
        yield Services(osv, safety.address, snyk.address, npm, database)


def _empty_bundle(folder: Path) -> Path:
    """The advisory bundle with every record taken out."""
    folder.mkdir()
    none = gzip.compress(b"[]")
    (folder / osv_server.RECORDS).write_bytes(none)
    (folder / "advisories-meta.json").write_bytes((osv_server.data_folder() / "advisories-meta.json").read_bytes())
    digests = {osv_server.RECORDS: hashlib.sha256(none).hexdigest()}
    (folder / "advisories-digests.json").write_bytes(msgspec.json.encode(digests))
    return folder


def _repository(folder: Path, scanner: Scanner, *, args: list[str] | None = None, **more: object) -> Path:
    """A folder with what the scanner looks at (the content of its own canary), and a pipeline of that scanner alone."""
    root = folder / "repository"
    options = OPTIONS.get(scanner.name, {})
    typed = msgspec.convert(options, scanner.options)
    for name, content in scanner.bait(typed).files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    keys = {**options, **more, **({"args": args} if args else {})}
    pipeline = {
        "pipeline": "faults",
        "stages": [{"name": "scan", "actions": [{scanner.name: keys}]}],
        # The canary of one scanner is the business of others too, and those do not run here.
        "policy": {
            "tools_from_path": True,
            "max_advisory_age": "9999d",  # the lab's snapshot
            "exempt": dict.fromkeys(("dockerfile", "terraform", "requirements", "lockfile"), "a test"),
        },
    }
    (root / "hardgate.yaml").write_bytes(msgspec.json.encode(pipeline))
    if "none.json" in (args or []):
        (root / "none.json").write_text('{"rules": []}')
    return root


@functools.cache
def _version(tool: str) -> bytes:
    """What the real tool answers to the question for its version. Asked once: some need seconds for it."""
    if own.is_own(tool):
        return b""
    recipe = next((one for one in RECIPES if one.name == tool), Recipe(name=tool, package=""))
    with tempfile.TemporaryDirectory() as scratch:
        environment = tools.environment(Path(scratch), extra=recipe.probe_environment)
        done = tools.run((*command(tool), *recipe.probe), cwd=Path(scratch), env=environment, timeout=60)
    assert done.exit_code == 0, done.stderr
    return done.stdout + done.stderr


def _wrap(folder: Path, scanner: Scanner, fault: str, variables: dict[str, str]) -> Path:
    """A folder for PATH with the scanner's real tool behind a script that breaks it; its version still answers."""
    real = " ".join(map(shlex.quote, command(scanner.tool_name(scanner.options())))) + ' "$@"'
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    path = folder / "bin" / EXECUTABLES.get(scanner.name, scanner.name)
    path.parent.mkdir()
    (path.parent / "version").write_bytes(_version(scanner.tool_name(scanner.options())))
    said = f'case "$*" in --version|version|-V) exec cat {shlex.quote(str(path.parent / "version"))};; esac'
    script = "\n".join(["#!/bin/sh", *lines, said, fault.replace("REAL", real)])
    path.write_text(script + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path.parent


def _run(folder: Path, scanner: Scanner, root: Path, fault: str, services: Services) -> Result:
    variables = dict(safety_service.environment(services.safety)) if scanner.name == "safety" else {}
    variables |= {"npm_config_registry": services.npm} if scanner.name == "npm-audit" else {}
    wrapped = _wrap(folder, scanner, fault, variables)
    environment = {
        "PATH": f"{wrapped}:/usr/bin:/bin",
        **(
            _in_place(folder, f"own.command = lambda name: ({str(wrapped / scanner.name)!r},)") if _own(scanner) else {}
        ),
        "HARDGATE_HOME": str(folder / "home"),
        **({"SAFETY_API_KEY": safety_service.KEY} if scanner.name == "safety" else {}),
        **(snyk_service.environment(services.snyk) if scanner.name == "snyk" else {}),
        **({"HARDGATE_ADVISORIES": str(services.database)} if scanner.judges else {}),
    }
    return hardgate("run", str(root), "--json", "--osv-url", services.osv, env=environment)


def _own(scanner: Scanner) -> bool:
    return own.is_own(scanner.tool_name(scanner.options()))


def _in_place(folder: Path, change: str) -> dict[str, str]:
    """What makes the installed command start something else instead of a part of hardgate, which is never on PATH."""
    place = folder / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(f"from hardgate.toolbox import own\n\n{change}\n")
    return {"PYTHONPATH": str(place)}


@pytest.mark.parametrize("name", NAMES)
def test_control(name: str, tmp_path: Path, services: Services) -> None:
    """The script alone breaks nothing: what follows is due to the faults."""
    root = _repository(tmp_path, BY_NAME[name])
    result = _run(tmp_path, BY_NAME[name], root, "exec REAL", services)
    assert result.code in {ExitCode.PASS, ExitCode.FAIL}, result.stdout + result.stderr
    assert result.json["gaps"] == []
    assert result.json["receipts"][0]["tool"]["origin"] == ("hardgate" if _own(BY_NAME[name]) else "path")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_scanner_is_incomplete(fault: str, name: str, tmp_path: Path, services: Services) -> None:
    timeout = 2 if fault == "hanging" else 300
    root = _repository(tmp_path, BY_NAME[name], timeout=timeout)
    result = _run(tmp_path, BY_NAME[name], root, FAULTS[fault], services)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert [gap for gap in result.json["gaps"] if gap["action"] == name]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_scanner_is_incomplete(name: str, tmp_path: Path) -> None:
    root = _repository(tmp_path, BY_NAME[name])
    environment = {
        "PATH": "/usr/bin:/bin",
        "HARDGATE_HOME": str(tmp_path / "home"),
        "SAFETY_API_KEY": "-",
        "SNYK_TOKEN": "-",
    }
    if outside.is_outside(BY_NAME[name].tool_name(BY_NAME[name].options())):
        # The system has it: a PATH with git and nothing else has not.
        (tmp_path / "few").mkdir()
        (tmp_path / "few" / "git").symlink_to(shutil.which("git") or "git")
        environment["PATH"] = str(tmp_path / "few")
    if _own(BY_NAME[name]):
        environment |= _in_place(tmp_path, f"own._MODULES[{name!r}] = 'hardgate.no_such_module'")
    result = hardgate("run", str(root), "--no-install", "--json", env=environment)
    assert result.code is ExitCode.INCOMPLETE
    reasons = [gap["reason"] for gap in result.json["gaps"] if gap["action"] == name]
    assert reasons == [GapReason.TOOL_MISSING]


@pytest.mark.parametrize("name", NO_RULES)
def test_a_scanner_without_its_rules_is_incomplete(name: str, tmp_path: Path, services: Services) -> None:
    root = _repository(tmp_path, BY_NAME[name], args=NO_RULES[name])
    result = _run(tmp_path, BY_NAME[name], root, "exec REAL", services)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["pip-audit", "safety", "sbom-audit"])
def test_a_scanner_without_its_data_is_incomplete(name: str, tmp_path: Path) -> None:
    """The rules of these are advisories: an empty database answers every question with "nothing known"."""
    root = _repository(tmp_path, BY_NAME[name])
    empty = _empty_bundle(tmp_path / "empty")
    write(tmp_path / "none", Origin(source="none", coverage=WHOLE, ecosystems=("PyPI",), date="2026-11-01"), (), None)
    with _serving(empty, tmp_path / "none") as services:
        result = _run(tmp_path, BY_NAME[name], root, "exec REAL", services)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_look_at_is_incomplete(name: str, tmp_path: Path) -> None:
    root = _repository(tmp_path, BY_NAME[name])
    for path in root.iterdir():
        if path.name != "hardgate.yaml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (root / "hardgate.yaml").write_text(
        (root / "hardgate.yaml").read_text().replace('"stages"', '"exclude": ["hardgate.yaml"], "stages"')
    )
    result = hardgate("run", str(root), "--json", env={"HARDGATE_HOME": str(tmp_path / "home"), "SAFETY_API_KEY": "-"})
    assert result.code is ExitCode.INCOMPLETE
    assert result.json["gaps"][0]["reason"] == GapReason.NOTHING_IN_SCOPE
    # Nothing was installed for it: that takes longer than many a scan.
    assert not list((tmp_path / "home").rglob(EXECUTABLES.get(name, name)))


@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_does_not_exist_is_refused(name: str, tmp_path: Path) -> None:
    root = _repository(tmp_path, BY_NAME[name], paths=["no/such/folder"])
    result = hardgate("run", str(root), "--json", env={"HARDGATE_HOME": str(tmp_path / "home")})
    assert result.code is ExitCode.USAGE
    assert "no/such/folder" in result.stderr
    assert result.stdout == ""
    assert not (root / "no").exists()
