"""The bundled Semgrep rules: what each must find and leave alone, in both engines, started as hardgate starts them.

A comment above a line of tests/rules says what holds for it, in Semgrep's own words: `# ruleid: ID` when the rule must
report that line, `# ok: ID` when it must not. A line without a comment must not be reported by any rule.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hardgate.model import Finding, Kind, Report, Severity
from hardgate.scanners.semgrep import SEMGREP
from tests.scanners import real

FOLDER = Path(__file__).parent / "rules"
CASES = sorted(FOLDER.glob("*.py"))
# Dockerfiles, compose files, workflows, Terraform: their names and folders are part of what the rules look for.
TREE = sorted(path for path in (FOLDER / "tree").rglob("*") if path.is_file())
FAMILIES = ("python", "dockerfile", "compose", "github", "buildspec", "pipeline", "terraform")
EXAMPLE = real.ROOT / "examples" / "planetary-api"
RULES: list[dict[str, Any]] = json.loads((real.RULES / "semgrep.json").read_bytes())["rules"]
IDS = [rule["id"] for rule in RULES]
# Tests sign with keys of their own: these rules leave tests alone (`paths` in secrets.yaml).
NOT_IN_TESTS = {
    "python-hardcoded-secret-key", "python-hardcoded-cipher-key", "python-hardcoded-token", "python-hardcoded-password",
    "python-hardcoded-connection-string",
}  # fmt: skip
LEVELS = {"critical": "ERROR", "high": "ERROR", "medium": "WARNING", "low": "INFO"}

Place = tuple[str, str, int]  # rule, path, line


def marked(path: Path, word: str, name: str) -> Iterator[Place]:
    """The lines of a case for which a comment above them says `word`; `name` is the path they have in the scan."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if match := re.fullmatch(rf"\s*# {word}: ([\w, -]+)", line):
            yield from ((rule, name, number + 1) for rule in match[1].split(", "))


def named(path: Path) -> str:
    """The path that a case has in the scan."""
    return path.relative_to(FOLDER).as_posix()


def expected(word: str) -> set[Place]:
    return {place for path in (*CASES, *TREE) for place in marked(path, word, named(path))}


@pytest.fixture(scope="module", params=["semgrep", "opengrep"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def scanned(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One scan of all cases, of the example, and of the keys once more as part of a test suite."""
    root = tmp_path_factory.mktemp("tree")
    real.write(root, {named(path): path.read_bytes() for path in (*CASES, *TREE)})
    keys = (CASES[0].parent / "secrets_in_code.py").read_bytes()
    real.write(root, {"tests/keys.py": keys, "package/test_keys.py": keys})
    sources = sorted(EXAMPLE.rglob("*.py"))
    real.write(root, {f"example/{path.relative_to(EXAMPLE).as_posix()}": path.read_bytes() for path in sources})
    return real.scan(SEMGREP, root, tmp_path_factory.mktemp("scratch"), options={"engine": engine})


def of_cases(report: Report) -> set[Place]:
    found = real.found(report)
    names = {named(path) for path in (*CASES, *TREE)}
    return {(rule, path, line) for rule, path, line in found if line is not None and path in names}


@pytest.mark.real
def test_each_line_is_judged_as_its_comment_says(scanned: Report) -> None:
    found = of_cases(scanned)
    assert found - expected("ruleid") == set(), "reported, and must not be"
    assert expected("ruleid") - found == set(), "not reported, and must be"
    assert scanned.gaps == ()


@pytest.mark.real
def test_each_line_is_reported_once(scanned: Report) -> None:
    places = [(one.rule, one.location.path, one.location.line) for one in scanned.findings]
    assert len(places) == len(set(places))


@pytest.mark.real
def test_every_file_was_read(scanned: Report) -> None:
    seen = {path.removeprefix("./") for path in scanned.seen or ()}
    assert {named(path) for path in (*CASES, *TREE)} <= seen
    assert all(SEMGREP.selects(named(path)) for path in TREE)
    assert {f"example/{path.relative_to(EXAMPLE).as_posix()}" for path in EXAMPLE.rglob("*.py")} <= seen


@pytest.mark.real
@pytest.mark.parametrize("path", ["tests/keys.py", "package/test_keys.py"])
def test_keys_of_tests_are_left_alone(scanned: Report, path: str) -> None:
    rules = {rule for rule, where, _ in real.found(scanned) if where == path}
    assert not rules & NOT_IN_TESTS


@pytest.mark.real
def test_what_a_finding_says_comes_from_the_rule(scanned: Report) -> None:
    by_id = {rule["id"]: rule for rule in RULES}
    assert {one.rule for one in scanned.findings} == set(IDS)
    for one in scanned.findings:
        metadata = by_id[one.rule]["metadata"]
        assert one.severity == Severity(metadata["hardgate_severity"])
        assert one.fix == metadata["fix"].strip()
        assert one.cwe == tuple(name.split(":")[0] for name in metadata["cwe"])
        assert one.url == metadata["references"][0]


@pytest.mark.real
def test_no_value_of_a_key_is_quoted(scanned: Report) -> None:
    told = " ".join(f"{one.message} {one.fix}" for one in scanned.findings)
    for value in ("correct horse", "made up", "tulip", "k3Jq9ZxV7bTn2LwR8sYd", "4f9a8b7c"):
        assert value not in told


# The example: each pair of a hole and its safe twin that stands in Python code.


def entries(kind: str) -> list[dict[str, Any]]:
    truth = yaml.safe_load((EXAMPLE / "truth.yaml").read_bytes())["entries"]
    return [entry for entry in truth if entry["kind"] == kind and entry["file"].endswith(".py")]


def lines(entry: dict[str, Any]) -> range:
    """The lines of the function, or of the assignment, that an entry of truth.yaml names."""
    for node in ast.walk(ast.parse((EXAMPLE / entry["file"]).read_bytes())):
        name = node.name if isinstance(node, ast.FunctionDef) else None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        if name == entry["function"] and isinstance(node, ast.FunctionDef | ast.Assign):
            return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    raise AssertionError(f"{entry['id']}: {entry['file']} has no {entry['function']}")


def within(report: Report, entry: dict[str, Any]) -> list[Finding]:
    path, span = f"example/{entry['file']}", lines(entry)
    return [
        one for one in report.findings if one.location.path.removeprefix("./") == path and one.location.line in span
    ]


@pytest.mark.real
@pytest.mark.parametrize("entry", entries("vulnerable"), ids=lambda entry: entry["id"])
def test_holes_of_the_example_are_found(scanned: Report, entry: dict[str, Any]) -> None:
    names = {entry["cwe"], *entry.get("related", [])}
    assert any(names & set(one.cwe) for one in within(scanned, entry))


@pytest.mark.real
@pytest.mark.parametrize("entry", entries("safe"), ids=lambda entry: entry["id"])
def test_safe_twins_of_the_example_are_left_alone(scanned: Report, entry: dict[str, Any]) -> None:
    assert within(scanned, entry) == []


# What the rules say about themselves.


def test_ids_are_plain_and_unique() -> None:
    assert len(IDS) == len(set(IDS))
    assert all(re.fullmatch(rf"({'|'.join(FAMILIES)})(-[a-z]+)+", name) for name in IDS)


@pytest.mark.parametrize("name", IDS)
def test_each_rule_has_something_to_find_and_something_to_leave(name: str) -> None:
    assert [rule for rule, _, _ in expected("ruleid") if rule == name]
    assert [rule for rule, _, _ in expected("ok") if rule == name]


def test_comments_name_rules_that_exist() -> None:
    assert {rule for word in ("ruleid", "ok") for rule, _, _ in expected(word)} == set(IDS)
    assert not expected("ruleid") & expected("ok")


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_each_rule_explains_itself(rule: dict[str, Any]) -> None:
    metadata = rule["metadata"]
    assert all(re.fullmatch(r"CWE-\d+: \S.*", name) for name in metadata["cwe"])
    assert metadata["confidence"] in {"HIGH", "MEDIUM", "LOW"}
    assert metadata["kind"] in set(Kind)
    assert rule["severity"] == LEVELS[metadata["hardgate_severity"]]
    assert metadata["fix"].strip().endswith(".")
    assert all(url.startswith("https://") for url in metadata["references"])
    # A metavariable in a message would quote the code, which may be a secret.
    assert "$" not in rule["message"]


def test_the_page_lists_every_rule_as_it_is() -> None:
    page = (real.ROOT / "docs" / "rules" / "README.md").read_text()
    rows = re.findall(r"^\| \[`([a-z-]+)`\]\(\1\.md\) \| (\w+) \| ([^|]+) \|", page, flags=re.MULTILINE)
    assert sorted((name, severity, weakness.split(", ")) for name, severity, weakness in rows) == sorted(
        (rule["id"], rule["metadata"]["hardgate_severity"], [cwe.split(":")[0] for cwe in rule["metadata"]["cwe"]])
        for rule in RULES
    )
    assert f"\n{len(RULES)} rules " in page


def test_rules_over_request_data_share_sources_and_checks() -> None:
    shared = next(rule for rule in RULES if rule["id"] == "python-sql-injection")
    rules = [rule for rule in RULES if "flask.request" in str(rule.get("pattern-sources"))]
    assert len(rules) >= 10
    for rule in rules:
        assert rule["pattern-sources"] == shared["pattern-sources"]
        assert rule["options"] == shared["options"]
        assert rule["pattern-sanitizers"][:4] == shared["pattern-sanitizers"][:4]
