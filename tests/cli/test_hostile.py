"""A hostile repository: it cannot switch a scanner off, run its code on our side, or speak to the terminal.

The real command line with the real scanners. Each test has a control which shows that the trap is one.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.model import ExitCode, GapReason
from hardgate.scanners import SCANNERS
from tests.cli.conftest import HOLE, Files, run
from tests.lab import osv_server, safety_service
from tests.lab.command import EXECUTABLE, Result, hardgate
from tests.lab.tools import command

Make = Callable[..., Path]
BY_NAME = {scanner.name: scanner for scanner in SCANNERS}
EXEMPT = dict.fromkeys(("dockerfile", "terraform", "requirements"), "a test")
OPTIONS: dict[str, dict[str, object]] = {"trivy": {"scanners": ["misconfig", "secret"]}}

pytestmark = pytest.mark.real


def pipeline(*names: str, keys: dict[str, object] | None = None, **policy: object) -> str:
    """hardgate.yaml (as JSON, which YAML includes) with one stage of these scanners, each with `keys`."""
    actions = [{name: {**OPTIONS.get(name, {}), **(keys or {})}} for name in names]
    stages = [{"name": "scan", "actions": actions}]
    return json.dumps({"pipeline": "hostile", "stages": stages, "policy": {"exempt": EXEMPT, **policy}})


def bad(name: str) -> Files:
    """Files in which the scanner finds something: those of its own canary."""
    options = msgspec.convert(OPTIONS.get(name, {}), BY_NAME[name].options)
    return dict(BY_NAME[name].bait(options).files)


def seen(result: Result) -> set[tuple[str, str, int | None]]:
    """What was found: rule, path and line."""
    found = {(one["rule"], one["location"]["path"], one["location"]["line"]) for one in result.json["findings"]}
    # The same secret in the history has a commit of its own in each repository.
    return {one for one in found if one[1] != "hardgate.yaml"}


# Configuration files


@dataclass(frozen=True)
class Mute:
    """What a repository writes to silence one scanner: files that are told, and files that nobody obeys anyway."""

    configs: Files
    others: Files = field(default_factory=dict)


_ALL = "**\n*\n"
MUTES = {
    "bandit": Mute(
        {".bandit": "[bandit]\nskips: B307\nexclude: /\n", "sub/.bandit": "[bandit]\nskips: B307\n"},
        {"pyproject.toml": "[tool.bandit]\nskips = ['B307']\nexclude_dirs = ['.']\n", "bandit.yaml": "skips: [B307]\n"},
    ),
    "ruff": Mute(
        {
            "ruff.toml": "exclude = ['*']\n[lint]\nignore = ['S']\n[lint.per-file-ignores]\n'*' = ['S']\n",
            "sub/.ruff.toml": "exclude = ['*']\n",
            "pyproject.toml": "[tool.ruff]\nexclude = ['*']\n[tool.ruff.lint.per-file-ignores]\n'*' = ['S']\n",
        },
        {".ignore": _ALL},
    ),
    "semgrep": Mute({".semgrepignore": _ALL}, {".ignore": _ALL, ".semgrep.yml": "rules: []\n"}),
    "gitleaks": Mute(
        {
            ".gitleaks.toml": "[allowlist]\npaths = ['.*']\nregexes = ['.*']\n",
            ".gitleaksignore": "canary.env:aws-access-token:1\n",
        },
        {".gitattributes": "* binary\n", "sub/.gitleaks.toml": "[allowlist]\npaths = ['.*']\n"},
    ),
    "hadolint": Mute(
        {".hadolint.yaml": "ignored: [DL3002]\n", ".hadolint.yml": "ignored: [DL3002]\noverride: {info: [DL3002]}\n"},
    ),
    "checkov": Mute(
        {
            ".checkov.yaml": "skip-check: [CKV_DOCKER_7, CKV_AWS_20]\nskip-path: ['.*']\n",
            ".checkov.baseline": json.dumps({"failed_checks": [{"file": "/main.tf", "findings": [
                {"resource": "aws_s3_bucket.canary", "check_ids": ["CKV_AWS_20"]}]}]}),
        },
        {".checkov/config.yaml": "skip-check: [CKV_DOCKER_7]\n"},
    ),
    "trivy": Mute(
        {
            ".trivyignore": "DS-0002\nAVD-DS-0002\nDS002\naws-access-key-id\n*\n",
            ".trivyignore.yaml": "misconfigurations: [{id: DS-0002}]\nsecrets: [{id: aws-access-key-id}]\n",
            "trivy.yaml": "scan: {skip-files: ['**'], skip-dirs: ['**']}\nseverity: [UNKNOWN]\n",
            "trivy-secret.yaml": "disable-rules: [aws-access-key-id]\nallow-rules: [{id: all, path: '.*'}]\n",
        },
        {".dockerignore": _ALL},
    ),
    "cfn-lint": Mute(
        {
            ".cfnlintrc": "ignore_checks: [E, W]\nignore_templates: ['**/*']\nappend_rules: [rules]\n",
            ".cfnlintrc.yml": "ignore_checks: [E, W]\n",
        },
        {"sub/.cfnlintrc": "ignore_checks: [E, W]\n"},
    ),
    "zizmor": Mute(
        {
            "zizmor.yml": "rules: {template-injection: {disable: true}}\n",
            ".github/zizmor.yml": "rules: {template-injection: {disable: true}}\n",
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTES)
def test_a_configuration_in_the_repository_is_told_and_not_obeyed(name: str, home: Path, repository: Make) -> None:
    mute, declared = MUTES[name], pipeline(name)
    plainly = run(repository(bad(name), pipeline=declared, name="plain"))
    silenced = run(repository({**bad(name), **mute.configs, **mute.others}, pipeline=declared, name="silenced"))
    assert seen(plainly), plainly.stdout
    assert seen(plainly) <= seen(silenced), silenced.stdout
    assert plainly.json["gaps"] == silenced.json["gaps"] == []
    assert silenced.code is plainly.code
    [receipt] = silenced.json["receipts"]
    assert sorted(receipt["scope"]["configs"]) == sorted(mute.configs)
    assert receipt["scope"]["honoured"] is False


HONOURED: dict[str, tuple[Files, Files]] = {
    "bandit": ({"app.py": HOLE}, {".bandit": "[bandit]\nskips: B404,B602\n"}),
    "ruff": ({"app.py": HOLE}, {"ruff.toml": "[lint.per-file-ignores]\n'app.py' = ['S602']\n"}),
    "hadolint": ({"Dockerfile": "FROM python\nUSER 1000\n"}, {".hadolint.yaml": "ignored: [DL3006]\n"}),
    "zizmor": (
        {".github/workflows/a.yml": "on: push\npermissions: {}\njobs: {a: {runs-on: x, steps: [{uses: a/b@main}]}}\n"},
        {"zizmor.yml": "rules: {unpinned-uses: {disable: true}}\n"},
    ),
}


@pytest.mark.parametrize("name", HONOURED)
def test_a_configuration_counts_when_the_pipeline_says_so(name: str, home: Path, repository: Make) -> None:
    files, configs = HONOURED[name]
    refused = run(repository({**files, **configs}, pipeline=pipeline(name), name="refused"))
    allowed = pipeline(name, keys={"honour_config": True})
    obeyed = run(repository({**files, **configs}, pipeline=allowed, name="obeyed"))
    assert seen(refused), refused.stdout
    assert seen(obeyed) < seen(refused)
    [receipt] = obeyed.json["receipts"]
    assert receipt["scope"]["configs"] == list(configs)
    assert receipt["scope"]["honoured"] is True
    page = hardgate("report", "text", "--path", str(home.parent / "obeyed"))
    assert "obeyed, because hardgate.yaml says so" in " ".join(page.stdout.split())


@pytest.mark.parametrize("name", ["bandit", "ruff", "gitleaks", "hadolint"])
def test_an_honoured_configuration_that_switches_a_scanner_off_is_a_gap(
    name: str, home: Path, repository: Make
) -> None:
    """The canary is scanned under the same configuration: what hides everything hides it too."""
    files = {**bad(name), **MUTES[name].configs}
    result = run(repository(files, pipeline=pipeline(name, keys={"honour_config": True})))
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert result.json["gaps"], result.stdout


def test_a_policy_file_of_safety_is_told_and_not_obeyed(tmp_path: Path, repository: Make) -> None:
    policy = "security: {ignore-cvss-severity-below: 10, ignore-unpinned-requirements: true, continue-on-error: true}\n"
    files = {**bad("safety"), ".safety-policy.yml": policy, ".safety-project.ini": "[project]\nid = theirs\n"}
    root = repository(files, pipeline=pipeline("safety", tools_from_path=True))
    with safety_service.serving(osv_server.data_folder()) as service:
        lines = [f"export {name}='{value}'" for name, value in safety_service.environment(service.address).items()]
        wrapper = tmp_path / "bin" / "safety"
        wrapper.parent.mkdir()
        wrapper.write_text("\n".join(["#!/bin/sh", *lines, f'exec {" ".join(command("safety"))} "$@"', ""]))
        wrapper.chmod(0o755)
        more = {"PATH": f"{wrapper.parent}:/usr/bin:/bin", "SAFETY_API_KEY": safety_service.KEY}
        result = run(root, HARDGATE_HOME=str(tmp_path / "own"), **more)
    assert result.json["findings"], result.stdout + result.stderr
    assert result.json["receipts"][0]["scope"]["configs"] == [".safety-policy.yml", ".safety-project.ini"]
    assert result.json["receipts"][0]["scope"]["honoured"] is False


# Comments


_BUCKET = 'resource "aws_s3_bucket" "b" {\n  %s\n  bucket = "b"\n  acl    = "public-read"\n}\n'
_KEY = bytes(bad("gitleaks")["canary.env"]).decode().strip()  # type: ignore[arg-type]
_WORKFLOW = bytes(bad("zizmor")[".github/workflows/canary.yml"]).decode()  # type: ignore[arg-type]
# The files, and the words in them that silence the scanner.
MARKS: dict[str, tuple[Files, tuple[str, ...]]] = {
    "bandit": ({"a.py": "eval(input())  # nosec\nexec(input())  # nosec B102\n"}, ("nosec",)),
    "ruff": (
        {
            "a.py": "eval(input())  # noqa: S307\nexec(input())  # noqa\n",
            "b.py": "# ruff: noqa\neval(input())\n",
            "c.py": "# flake8: noqa: S307\neval(input())\n",
            "d.py": "# ruff: disable[S307]\neval(input())\n# ruff: enable[S307]\n",
        },
        ("noqa", "disable"),
    ),
    "semgrep": (
        {"a.py": "import flask\n\n\ndef run():\n    return eval(flask.request.args['code'])  # nosemgrep\n"},
        ("nosemgrep",),
    ),
    "gitleaks": ({"a.env": f"{_KEY} # gitleaks:allow\n"}, ("gitleaks:allow",)),
    "hadolint": (
        {
            "Dockerfile": "FROM scratch\n# hadolint ignore=DL3002\nUSER root\n",
            "other.dockerfile": "# hadolint global ignore=DL3002\nFROM scratch\nUSER root\n",
        },
        ("hadolint",),
    ),
    "checkov": (
        {
            "a.tf": _BUCKET % "#checkov:skip=CKV_AWS_20:it is public",
            "b.tf": _BUCKET % "#bridgecrew:skip=CKV_AWS_20:it is public",
            "Dockerfile": "#checkov:skip=CKV_DOCKER_7:any will do\nFROM python:latest\n",
        },
        ("checkov:skip", "bridgecrew:skip"),
    ),
    "trivy": (
        {
            "a.tf": "#trivy:ignore:*\n" + _BUCKET % "",
            "b.tf": "#tfsec:ignore:*\n" + _BUCKET % "",
        },
        ("trivy:ignore", "tfsec:ignore"),
    ),
    "cfn-lint": (
        {
            "a.yaml": "Metadata: {cfn-lint: {config: {ignore_checks: [E]}}}\n"
            "Resources: {Topic: {Type: 'AWS::SNS::Topc'}}\n",
            "b.json": '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Nam": 1},\n'
            '"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3002"]}}}}}}\n',
        },
        ("cfn-lint",),
    ),
    "zizmor": (
        {".github/workflows/a.yml": _WORKFLOW.rstrip("\n") + " # zizmor: ignore[template-injection]\n"},
        ("zizmor: ignore",),
    ),
}


def _without_marks(name: str) -> Files:
    files, marks = MARKS[name]
    words = re.compile("|".join(map(re.escape, marks)))
    return {path: words.sub("a word", str(text)) for path, text in files.items()}


@pytest.mark.parametrize("name", MARKS)
def test_a_comment_silences_nothing(name: str, home: Path, repository: Make) -> None:
    loud = run(repository(_without_marks(name), pipeline=pipeline(name), name="loud"))
    quiet = run(repository(MARKS[name][0], pipeline=pipeline(name), name="quiet"))
    assert seen(loud), loud.stdout
    # checkov tells a skipped check of a Dockerfile at the comment, and a failed one at its instruction.
    told = slice(2 if name == "checkov" else 3)
    assert {one[told] for one in seen(quiet)} == {one[told] for one in seen(loud)}
    assert loud.json["gaps"] == quiet.json["gaps"] == []


@pytest.mark.parametrize("name", sorted(set(MARKS) - {"checkov", "semgrep"}))
def test_a_comment_counts_when_the_policy_says_so(name: str, home: Path, repository: Make) -> None:
    """Also the control of the test above: the words are those that the scanner obeys."""
    honoured = pipeline(name, honour_inline_suppressions=True)
    loud = run(repository(_without_marks(name), pipeline=honoured, name="loud"))
    quiet = run(repository(MARKS[name][0], pipeline=honoured, name="quiet"))
    for path in MARKS[name][0]:
        before = {one for one in seen(loud) if one[1] == path}
        assert {one for one in seen(quiet) if one[1] == path} < before, path


def test_a_byte_that_is_no_text_hides_no_file(home: Path, repository: Make) -> None:
    """Semgrep's `pattern-regex` sees nothing in a file that is not UTF-8, lists it as scanned, and says nothing."""
    files: Files = {
        "Dockerfile": b"# caf\xe9\nFROM example.org/python:3.12\nUSER root\n",
        "app.py": b"# -*- coding: latin-1 -*-\n# caf\xe9\nimport hashlib\n\nDIGEST = hashlib.new('md5', b'password')\n",
    }
    result = run(repository(files, pipeline=pipeline("semgrep")))
    assert {path for _, path, _ in seen(result)} == set(files), result.stdout
    assert result.json["gaps"] == []


# Code and settings that must not run


MODULES = (
    "ast", "json", "typing", "re", "os", "sitecustomize", "usercustomize", "conftest", "bandit", "semgrep", "checkov",
    "pip_audit", "cyclonedx_py", "yaml", "certifi", "requests",
)  # fmt: skip
PROGRAMS = ("git", "python", "python3", "sh", "env", "shellcheck", "ruff", "bandit", "gitleaks", "terraform", "helm")


class _Tempting(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    do_HEAD = do_POST = do_GET  # noqa: N815 (the names that http.server asks for)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def tempting() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody should ask: its address, and what was asked."""
    asked: list[str] = []
    handler = type("Handler", (_Tempting,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def _armed(trap: Path, address: str) -> Files:
    """A repository in which everything that could be taken for code or settings notes its start in `trap`."""
    note = f"open({str(trap)!r} + '/' + __name__, 'w').close()\n"  # imports nothing: the traps shadow each other
    shell = f'#!/bin/sh\ntouch "{trap}/$(basename "$0")"\nexit 1\n'
    files: dict[str, str | bytes] = {f"{name}.py": note for name in (*MODULES, "setup")}
    files |= {f"{name}/__init__.py": note for name in ("checks", "checkov_checks")}
    files |= dict.fromkeys(PROGRAMS, shell) | {f"bin/{name}": shell for name in PROGRAMS}
    files |= {
        "app.py": HOLE,
        "checks/evil.py": note,
        "pyvenv.cfg": f"home = {trap}\n",
        "evil.pth": f"import sys; open({str(trap)!r} + '/pth', 'w').close()\n",
        "requirements.txt": f"--index-url {address}/simple\n-e .\n./sub\nflask==3.1.0\ngit+{address}/x.git#egg=x\n",
        "requirements/dev.txt": f"--extra-index-url {address}/simple\n--find-links {address}\n-r ../requirements.txt\n",
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n",
        "pip.conf": f"[global]\nindex-url = {address}/simple\n",
        "uv.toml": f"index-url = '{address}/simple'\n",
        ".npmrc": f"registry={address}\n",
        ".bandit": "[bandit]\nskips: B602\n",
        ".checkov.yaml": "external-checks-dir: [checks]\n",
        ".semgrep.yml": "rules: [{id: evil, languages: [python], message: evil, severity: ERROR, pattern: $X}]\n",
        "trivy.yaml": f"misconfiguration: {{checks-bundle-repository: {address}/x}}\ndb: {{repository: [{address}]}}\n",
        "main.tf": f'module "m" {{\n  source = "{address}/module.zip"\n}}\n'
        'resource "null_resource" "n" {\n  provisioner "local-exec" {\n'
        f'    command = "touch {trap}/terraform"\n  }}\n}}\n'
        f'data "external" "e" {{\n  program = ["touch", "{trap}/external"]\n}}\n',
        "Dockerfile": f"FROM python:3.12\nRUN touch {trap}/docker\nADD {address}/x /x\n",
        ".github/workflows/ci.yml": "on: push\njobs: {j: {runs-on: x, steps: [{uses: ./checks}]}}\n",
        ".gitattributes": "* filter=evil diff=evil\n",
        ".envrc": f"touch {trap}/envrc\n",
        "Makefile": f"all:\n\ttouch {trap}/make\n",
        "package.json": json.dumps({"scripts": {"preinstall": f"touch {trap}/npm"}}),
    }
    return files


def _arm_git(root: Path, trap: Path) -> None:
    """Settings, hooks and filters in the repository's own git folder, after its commit was made."""
    spring = root / ".git" / "spring.sh"
    spring.write_text(f"#!/bin/sh\ntouch {trap}/git-$$\nexit 1\n")
    spring.chmod(0o755)
    for hook in ("post-index-change", "post-checkout", "pre-commit", "fsmonitor-watchman"):
        (root / ".git" / "hooks" / hook).write_bytes(spring.read_bytes())
        (root / ".git" / "hooks" / hook).chmod(0o755)
    (root / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {spring}\n")
    (root / ".git" / "config").write_text(
        f"[core]\n\tfsmonitor = {spring}\n\thooksPath = {root}/.git/hooks\n"
        f"\tpager = {spring}\n\tsshCommand = {spring}\n"
        f"[include]\n\tpath = {root}/.git/more\n[diff]\n\texternal = {spring}\n"
        f'[diff "evil"]\n\ttextconv = {spring}\n\tcommand = {spring}\n'
        f'[filter "evil"]\n\tclean = {spring}\n\tsmudge = {spring}\n\tprocess = {spring}\n\trequired = true\n'
        f"[alias]\n\tls-files = !{spring}\n\tlog = !{spring}\n"
    )
    (root / "app.py").write_text(HOLE + "# changed since the commit\n")


ARMED = ("bandit", "ruff", "gitleaks", "semgrep", "hadolint", "checkov", "trivy", "zizmor", "pip-audit", "cyclonedx")


@pytest.mark.parametrize("names", [ARMED[:5], ARMED[5:]], ids=" ".join)
def test_nothing_of_the_repository_runs(
    names: tuple[str, ...], home: Path, repository: Make, tmp_path: Path, tempting: tuple[str, list[str]]
) -> None:
    address, asked = tempting
    trap = tmp_path / "trap"
    trap.mkdir()
    root = repository(_armed(trap, address), pipeline=pipeline(*names))
    for path in (*root.glob("bin/*"), *(root / name for name in PROGRAMS)):
        path.chmod(0o755)
    _arm_git(root, trap)
    here = ":.:bin:/usr/local/bin:/usr/bin:/bin"
    with osv_server.serving(osv_server.data_folder()) as osv:
        result = hardgate("run", "--json", "--osv-url", osv, cwd=root, env={"PATH": here})
    assert sorted(path.name for path in trap.iterdir()) == []
    assert asked == []
    receipts: dict[str, Any] = {one["action"]: one for one in result.json["receipts"]}
    assert all(receipts[name]["exit_codes"] for name in names), result.stdout
    assert "app.py" in {one["location"]["path"] for one in result.json["findings"]} or "checkov" in names


def test_the_traps_are_real(repository: Make, tmp_path: Path, tools_folder: Path) -> None:
    """The same files, met by tools that were started bare in the repository."""
    trap = tmp_path / "trap"
    trap.mkdir()
    root = repository(_armed(trap, "http://127.0.0.1:9"))
    _arm_git(root, trap)
    quiet: dict[str, Any] = {"cwd": root, "capture_output": True, "stdin": subprocess.DEVNULL}
    subprocess.run([sys.executable, "-c", "import bandit"], check=False, **quiet)
    subprocess.run(["git", "status"], check=False, **quiet)
    (root / "only").mkdir()
    (root / "Dockerfile").rename(root / "only" / "Dockerfile")
    (root / "checks").rename(root / "only" / "checks")
    (root / ".checkov.yaml").rename(root / "only" / ".checkov.yaml")
    subprocess.run(
        [*command("checkov"), "-d", ".", "--framework", "dockerfile", "--skip-download"],
        check=False,
        **{**quiet, "cwd": root / "only"},
    )
    sprung = {path.name for path in trap.iterdir()}
    assert sprung & set(MODULES), sprung
    assert any(name.startswith("git-") for name in sprung), sprung
    assert "evil" in sprung, "checkov imports what its configuration file in the repository names"


def test_a_tool_of_the_repository_is_never_taken_from_path(repository: Make, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    root = repository(_armed(trap, "http://127.0.0.1:9"), pipeline=pipeline("ruff", tools_from_path=True))
    (root / "ruff").chmod(0o755)
    (root / "bin" / "ruff").chmod(0o755)
    more = {"PATH": ":.:bin:/usr/bin:/bin", "HARDGATE_HOME": str(tmp_path / "own")}
    result = hardgate("run", "--no-install", "--json", cwd=root, env=more)
    assert result.code is ExitCode.INCOMPLETE
    assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.TOOL_MISSING]
    assert list(trap.iterdir()) == []


def test_semgrep_takes_no_rules_of_the_repository_by_itself(home: Path, repository: Make) -> None:
    files = {**bad("semgrep"), ".semgrep.yml": "rules: [{id: evil, languages: [python], message: evil, "
             "severity: ERROR, pattern: $X}]\n", ".semgrep/evil.yml": "rules: nonsense\n"}  # fmt: skip
    result = run(repository(files, pipeline=pipeline("semgrep")))
    assert {one["rule"] for one in result.json["findings"]} == {"python-code-injection"}
    assert result.json["gaps"] == []


# Paths out of the tree


@pytest.mark.parametrize("path", ["../..", "/etc", "a/../../b"])
@pytest.mark.parametrize("where", ["paths", "reports", "config of semgrep"])
def test_hardgate_yaml_names_no_path_out_of_the_tree(where: str, path: str, home: Path, repository: Make) -> None:
    match where:
        case "paths":
            declared = pipeline("ruff", keys={"paths": [path]})
        case "reports":
            declared = json.dumps({**json.loads(pipeline("ruff")), "reports": {"html": f"{path}/report.html"}})
        case _:
            declared = pipeline("semgrep", keys={"config": [path]})
    result = run(repository({"app.py": HOLE}, pipeline=declared))
    assert result.code is ExitCode.USAGE, result.stdout + result.stderr
    assert path in result.stderr
    assert "hardgate.yaml" in result.stderr
    assert "Nothing was run" in result.stderr
    assert result.stdout == ""


# What is printed


ESCAPE, BELL, CSI, OVERRIDE = "\x1b[2J\x1b]0;owned\x07", "\x07", "\x9b31m", "\u202e"
FORBIDDEN = ("\x1b", "\x07", "\x9b", "\u202e", "\r", "\x08", "\x00")


def _harmless(result: Result) -> None:
    for text in (result.stdout, result.stderr):
        assert not [char for char in FORBIDDEN if char in text], text


def test_nothing_in_a_repository_speaks_to_the_terminal(home: Path, repository: Make, tmp_path: Path) -> None:
    evil = f"evil{ESCAPE}{CSI}{OVERRIDE}"
    files = {
        f"{evil}.py": HOLE,
        f"{evil}/Dockerfile": f"FROM scratch\nUSER root\nFROM {evil}\nRUN '{evil}\n",
        "names.py": f"d = {{}}\nd['password{evil}'] = 'hunter22'\nd['a\\x1b[31m_token'] = 'hunter23'\n",
        f"{evil}/broken.py": f"def {evil}(:\n",
        f"requirements-{evil}.txt": f"flask>=1.0 {evil}\n{evil}\n",
        f"{evil}/.bandit": "[bandit]\n",
    }
    root = repository(files, pipeline=pipeline("ruff", "bandit", "hadolint", "cyclonedx"))
    (root / f"{evil}.link").symlink_to("/etc/passwd")
    first = hardgate("run", str(root))
    words = [("gate", str(root)), ("findings", "--path", str(root)), ("runs",), ("gate", str(root), "--json")]
    words += [
        ("report", name, "--path", str(root)) for name in ("text", "markdown", "json", "sarif", "junit", "github")
    ]
    report = hardgate("gate", str(root), "--json").json
    words += [("explain", one["id"], "--path", str(root)) for one in report["findings"][:8]]
    assert first.code is ExitCode.INCOMPLETE
    assert "\\x1b[2J" in first.stdout
    for result in (first, *(hardgate(*line) for line in words)):
        _harmless(result)
    recorded = hardgate("run", str(root), "--receipts", str(tmp_path / "receipts"))
    _harmless(recorded)
    assert "\\x1b[2J" in recorded.stderr
    _a_terminal_gets_only_our_own_escapes(root)


def _a_terminal_gets_only_our_own_escapes(root: Path) -> None:
    """The live table is only drawn in a terminal: `script` makes one."""
    argv = ["script", "--quiet", "--return", "--command", f"{EXECUTABLE} run {root}", os.devnull]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    done = subprocess.run(argv, capture_output=True, check=False, env=environment, stdin=subprocess.DEVNULL)
    said = done.stdout.decode()
    assert done.returncode == ExitCode.INCOMPLETE, said
    assert "\x1b[" in said, "it is coloured"
    for theirs in ("\x1b[2J", "\x1b]0;", "\x07", "\x9b", "\u202e"):
        assert theirs not in said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pipeline": "a\x1b[2J"}, "pipeline"),
        ({"\x1b[2J": 1}, "\\x1b[2J"),
        ({"stages": [{"name": "scan", "actions": [{"ruff": {"paths": ["\x1b[2J"]}}]}]}, "\\x1b[2J"),
        ({"stages": [{"name": "scan", "actions": ["\x1b[2J"]}]}, "\\x1b[2J"),
        ({"reports": {"html": "\x1b[2J/../../x"}}, "\\x1b[2J"),
    ],
)
def test_errors_about_hardgate_yaml_are_harmless(
    change: dict[str, object], told: str, home: Path, repository: Make
) -> None:
    declared = json.dumps({**json.loads(pipeline("ruff")), **change})
    result = hardgate("run", str(repository({"app.py": HOLE}, pipeline=declared)))
    assert result.code is ExitCode.USAGE
    assert told in result.stderr
    _harmless(result)


def test_ingested_reports_are_harmless(tmp_path: Path) -> None:
    issue = {
        "filename": f"a{ESCAPE}.py", "test_id": f"B{ESCAPE}", "issue_severity": ESCAPE, "issue_confidence": ESCAPE,
        "issue_text": f"text{ESCAPE}{OVERRIDE}", "line_number": 1, "more_info": f"https://x/{ESCAPE}",
    }  # fmt: skip
    unread = {"filename": f"b{ESCAPE}.py", "reason": f"because{ESCAPE}"}
    report = tmp_path / f"report{ESCAPE.replace('/', '')}.json"
    report.write_text(json.dumps({"results": [issue], "errors": [unread], "metrics": {"_totals": {}}}))
    for words in (("bandit", str(report)), ("bandit", str(report), "--json"), ("bandit", f"{report}x"), (ESCAPE, "x")):
        result = hardgate("ingest", *words)
        assert result.code in {ExitCode.INCOMPLETE, ExitCode.USAGE}
        _harmless(result)
