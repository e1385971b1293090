"""What holds for every scanner whose command hardgate.yaml names: nothing but a whole report is read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate import contract
from hardgate.adapter import OUTSIDE, Job, Scanner
from hardgate.scanners import DESCRIBED
from tests.fuzz.omits import OMITS
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples"
# sarif has no name of its own for what it reads: tests/scanners/test_sarif.py.
OTHERS = [scanner for scanner in DESCRIBED if scanner.name != "sarif"]
FILES = [
    pytest.param(scanner, path, id=f"{scanner.name}/{path.name}")
    for scanner in OTHERS
    for path in sorted((SAMPLES / scanner.name).glob("*"))
    # Half a CSV file looks whole: cdk-nag's always carries a gap that says so (tests/scanners/test_cdk_nag.py).
    if path.name != "SOURCES.toml" and path.suffix != ".csv"
]
# Those of tests: a CDK app is synthesised whole, and has no files to name.
OF_TESTS = [scanner for scanner in OTHERS if "files" in scanner.options.__struct_fields__]


@pytest.mark.parametrize(("scanner", "path"), FILES)
def test_a_whole_report_is_read_and_nothing_else(scanner: Scanner, path: Path) -> None:
    assert contract.misread(scanner, {path.name: path.read_bytes()}, OMITS.get(scanner.name, ())) == []


def test_those_of_tests_are_known() -> None:
    assert {scanner.name for scanner in OF_TESTS} == {"newman", "schemathesis", "junit", "zap"}


@pytest.mark.parametrize("scanner", OTHERS, ids=lambda scanner: scanner.name)
def test_it_has_samples_and_a_page(scanner: Scanner) -> None:
    assert any(param.values[0] is scanner for param in FILES)
    assert (real.ROOT / "docs" / "scanners" / f"{scanner.name}.md").is_file()


@pytest.mark.parametrize("scanner", OF_TESTS, ids=lambda scanner: scanner.name)
def test_its_command_is_started_as_hardgate_yaml_names_it(scanner: Scanner) -> None:
    words = {"command": ["tests", "--in", "{root}", "--out={report}"], "exits": [0, 3], "files": ["*.json"]}
    options = msgspec.convert(words, scanner.options)
    fitted = scanner.fitted(options)
    job = Job(command=("/bin/tests",), root="/tree", files=(), report="/report", scratch="", rules="", options=options)
    assert fitted.argv(job) == ("/bin/tests", "--in", "/tree", "--out=/report")
    assert (fitted.name, fitted.reads_file, fitted.reusable) == (scanner.name, True, False)
    assert fitted.done_exits == {0, 3}
    assert scanner.tool_name(options) == f"{OUTSIDE}tests"
    assert [fitted.selects(path) for path in ("a.json", "b/a.json", "a.py")] == [True, True, False]
