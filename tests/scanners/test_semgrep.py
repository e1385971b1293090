"""Semgrep and Opengrep: their samples, and the ways in which they look clean without having looked."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.model import GapReason, Kind, Severity
from hardgate.scanners.semgrep import SEMGREP
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples" / "semgrep"
ENGINES = pytest.mark.parametrize("engine", ["semgrep", "opengrep"])
FILES = pytest.mark.parametrize("file", ["report-1.182.0.json", "opengrep-1.30.0.json"])

EXPECTED = {
    ("python-code-injection", "web/views.py", 10),
    ("python-command-injection", "web/views.py", 11),
    ("python-code-injection", "web/tests/test_views.py", 3),
    ("python-code-injection", "web/node_modules/odd.py", 3),
}


def report(**changes: Any) -> bytes:
    whole = {"version": "1.0.0", "results": [], "errors": [], "paths": {"scanned": ["a.py"]}}
    return msgspec.json.encode(whole | changes)


def match(*, severity: str = "ERROR", message: str = "m", **metadata: Any) -> dict[str, Any]:
    return {
        "check_id": "folder.python.some-rule", "path": "a.py", "start": {"line": 3}, "end": {"line": 4},
        "extra": {"message": message, "severity": severity, "metadata": metadata},
    }  # fmt: skip


@FILES
def test_samples(file: str) -> None:
    read = SEMGREP.parse((SAMPLES / file).read_bytes())
    assert real.found(read) == EXPECTED
    assert len(read.findings) == len(EXPECTED)
    assert {(one.severity, one.cwe, one.confidence) for one in read.findings if one.location.line == 11} == {
        (Severity.CRITICAL, ("CWE-78",), "high")
    }
    assert all(one.fix and one.url.startswith("https://") for one in read.findings)
    (gap,) = read.gaps
    assert (gap.reason, gap.path) == (GapReason.FILE_UNREAD, "web/broken.py")
    assert "lines 4 to 7" in gap.message
    assert read.seen == frozenset(
        {"web/views.py", "web/clean.py", "web/tests/test_views.py", "web/node_modules/odd.py"}
    )


@FILES
def test_no_code_stays(file: str) -> None:
    assert b"request.args" not in msgspec.json.encode(SEMGREP.parse((SAMPLES / file).read_bytes()))


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("CRITICAL", "critical"),
        ("ERROR", "high"),
        ("HIGH", "high"),
        ("WARNING", "medium"),
        ("MEDIUM", "medium"),
        ("INFO", "low"),
        ("LOW", "low"),
        ("EXPERIMENT", "info"),
    ],
)
def test_severities(word: str, severity: str) -> None:
    read = SEMGREP.parse(report(results=[match(severity=word)]))
    assert [one.severity.value for one in read.findings] == [severity]
    assert read.gaps == ()


@pytest.mark.parametrize("changes", [{"severity": "GRAVE"}, {"hardgate_severity": "grave"}])
def test_a_severity_it_does_not_know_is_high_and_a_gap(changes: dict[str, str]) -> None:
    read = SEMGREP.parse(report(results=[match(**changes)]))
    assert read.findings[0].severity is Severity.HIGH
    assert read.gaps[0].reason is GapReason.SEVERITY_UNKNOWN


def test_what_the_rules_of_others_say() -> None:
    metadata: dict[str, Any] = {
        "cwe": "CWE-798: Use of Hard-coded Credentials", "technology": ["secrets", "aws"],
        "references": ["https://example.org/a"], "confidence": "LOW",
    }  # fmt: skip
    (one,) = SEMGREP.parse(report(results=[match(message='the key "hunter2" is here', **metadata)])).findings
    assert (one.rule, one.kind, one.cwe) == ("folder.python.some-rule", Kind.SECRET, ("CWE-798",))
    assert one.message == "the key (left out) is here"
    assert one.url == "https://example.org/a"


def test_a_bundled_rule_loses_the_folder_before_its_id() -> None:
    (one,) = SEMGREP.parse(report(results=[match(hardgate_severity="low", kind="misconfiguration")])).findings
    assert (one.rule, one.severity, one.kind) == ("some-rule", Severity.LOW, Kind.MISCONFIGURATION)


def test_no_rules_is_a_gap() -> None:
    assert [gap.reason for gap in SEMGREP.parse(report(paths={"scanned": []})).gaps] == [GapReason.RULES_EMPTY]


def test_errors_are_gaps() -> None:
    errors = [
        {"level": "warn", "type": "Timeout", "rule_id": "r", "path": "a.py", "message": "Timeout when running r"},
        {"level": "error", "type": "Rule parse error", "rule_id": "x", "message": "Rule parse error in rule x"},
        {"level": "info", "type": ["MissingPlugin", []], "long_msg": "no such language"},
    ]
    read = SEMGREP.parse(report(errors=errors))
    assert [(gap.reason, gap.path) for gap in read.gaps] == [
        (GapReason.FILE_UNREAD, "a.py"),
        (GapReason.RULES_EMPTY, ""),
        (GapReason.RULES_EMPTY, ""),
    ]
    assert "rule r on a.py" in read.gaps[0].message
    assert "no such language" in read.gaps[2].message
    assert read.seen == frozenset()


@pytest.mark.parametrize("name", ["/etc/rules", "../rules", "a/../../b", "https://example.org/r", "-x", "", "~/rules"])
def test_rules_from_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="config"):
        msgspec.convert({"config": ["bundled", name]}, SEMGREP.options)


def _configs(tmp_path: Path, **more: Any) -> tuple[list[str], tuple[str, ...]]:
    argv = SEMGREP.argv(real.job(SEMGREP, tmp_path, tmp_path, **more))
    return [value for word, value in itertools.pairwise(argv) if word == "--config"], argv


def test_which_rules_run(tmp_path: Path) -> None:
    bundled = f"{real.RULES}/semgrep.json"
    options = {"config": ["auto", "p/flask", "own/rules.yml"]}
    offline, argv = _configs(tmp_path, options=options)
    assert offline == [bundled, "p/flask", f"{tmp_path}/own/rules.yml"]
    assert argv[argv.index("--metrics") + 1] == "off"
    online, argv = _configs(tmp_path, options=options, online=True)
    assert online == [bundled, "auto", "p/flask", f"{tmp_path}/own/rules.yml"]
    assert argv[argv.index("--metrics") + 1] == "auto"


def test_opengrep_has_no_metrics(tmp_path: Path) -> None:
    assert "--metrics" not in _configs(tmp_path, options={"engine": "opengrep", "config": ["auto"]}, online=True)[1]


def test_who_is_asked_for_the_network() -> None:
    assert SEMGREP.address(msgspec.convert({"config": ["bundled"]}, SEMGREP.options)) == ""
    assert SEMGREP.address(msgspec.convert({"config": ["auto"]}, SEMGREP.options)) == "https://semgrep.dev"


@pytest.mark.real
@ENGINES
def test_a_hostile_repository_cannot_switch_it_off(tmp_path: Path, engine: str) -> None:
    tree = real.write(tmp_path / "tree", inputs.FLASK)
    real.write(tree, {".semgrepignore": "*\n", "web/.semgrepignore": "*.py\n", ".gitignore": "*\n"})
    real.write(tree, {".semgrep.yml": "rules: []\n", "web/views_test.py": inputs.FLASK["web/tests/test_views.py"]})
    read = real.scan(SEMGREP, tree, tmp_path / "scratch", options={"engine": engine})
    assert real.found(read) == EXPECTED | {("python-code-injection", "web/views_test.py", 3)}
    assert [gap.path for gap in read.gaps] == ["web/broken.py"]
    selected = {path for path in (*inputs.FLASK, "web/views_test.py") if SEMGREP.selects(path)}
    assert read.seen == frozenset(selected - {"web/broken.py"})


@pytest.mark.real
@ENGINES
def test_no_rules_never_looks_clean(tmp_path: Path, engine: str) -> None:
    tree = real.write(tmp_path / "tree", inputs.FLASK)
    real.write(tmp_path, {"none/readme.txt": "", "zero/semgrep.json": '{"rules": []}'})
    for folder in ("none", "zero"):
        part = real.job(
            SEMGREP, tree, tmp_path / "scratch", rules=str(tmp_path / folder), options={"engine": engine}
        )  # fmt: skip
        done = real.start(SEMGREP, part)
        assert done.exit_code in SEMGREP.done_exits, done.stderr.decode()
        read = SEMGREP.parse(done.stdout)
        assert {gap.reason for gap in read.gaps} == {GapReason.RULES_EMPTY}
        assert read.seen == frozenset()


@pytest.mark.real
def test_a_broken_rule_is_a_failure(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.FLASK)
    rule = '{"id": "x", "languages": ["python"], "severity": "ERROR", "message": "x", "pattern": "eval("}'
    real.write(tmp_path, {"rules/semgrep.json": f'{{"rules": [{rule}]}}'})
    part = real.job(SEMGREP, tree, tmp_path / "scratch", rules=str(tmp_path / "rules"), options={"engine": "opengrep"})
    assert real.start(SEMGREP, part).exit_code == 2
    assert 2 not in SEMGREP.done_exits


SELECTED = (
    "a.py", "a.pyi", "main.tf", "x/prod.tfvars", "Dockerfile", "web/Dockerfile.prod", "web.Dockerfile", "a.dockerfile",
    "Containerfile", "Containerfile.x", "a.containerfile", "compose.yml", "x/compose.dev.yaml", "docker-compose.yaml",
    "docker-compose.override.yml", ".github/workflows/ci.yml", "x/.github/workflows/ci.yaml", "buildspec.yml",
    "x/deploy-buildspec.yaml",
)  # fmt: skip
PASSED_BY = (
    "a.js",
    "main.tf.json",
    "values.yaml",
    "DOCKERFILE",
    ".github/dependabot.yml",
    "Dockerfilex",
    "decompose.py.txt",
)


@pytest.mark.real
@ENGINES
def test_it_is_shown_just_the_files_that_it_lists_as_scanned(engine: str, tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", dict.fromkeys((*SELECTED, *PASSED_BY), ""))
    assert {name for name in (*SELECTED, *PASSED_BY) if SEMGREP.selects(name)} == set(SELECTED)
    read = real.scan(SEMGREP, root, tmp_path / "scratch", options={"engine": engine})
    assert {name.removeprefix("./") for name in read.seen or ()} == set(SELECTED)
