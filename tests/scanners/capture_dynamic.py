"""Captures the samples of newman and junit: Newman against tests/lab/planets.py on loopback, and test runners.

`python -m tests.scanners.capture_dynamic [TOOL...]` writes tests/scanners/samples/TOOL/. The address and the folders of
the machine are set to fixed words; ids and times are what the tools made up. Look at the difference afterwards.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.lab import npm_tools, planets, postman

SAMPLES = Path(__file__).parent / "samples"
ADDRESS = "http://127.0.0.1:8080"  # stands for that of the application
# Of the version before: what is there at all, and what its runtime tells in another way.
BEFORE = ("found", "clean", "unreachable", "bail", "asked-more")
TO_JUNIT = ("found", "thrown", "unreachable", "empty")


def start(words: tuple[str, ...], folder: Path) -> None:
    """Run a tool, whatever it ends with: several end with 1 when a test fails."""
    subprocess.run(words, cwd=folder, check=False, capture_output=True)


def run(case: str, version: str, base: str, folder: Path) -> dict[str, bytes]:
    """Newman's reports of one case, by their formats."""
    collection, more = postman.CASES[case]
    (folder / "collection.json").write_text(json.dumps(collection))
    words = ("run", "collection.json", "--reporters", "json,junit", "--env-var", f"base={base}", *more)
    out = ("--reporter-json-export", "out.json", "--reporter-junit-export", "out.xml")
    start((*npm_tools.newman(version), *words, *out), folder)
    return {form: _fixed((folder / f"out.{form}").read_bytes(), base) for form in ("json", "xml")}


def _fixed(raw: bytes, base: str) -> bytes:
    port = base.rpartition(":")[2]
    raw = raw.replace(base.encode(), ADDRESS.encode()).replace(f'"{port}"'.encode(), b'"8080"')
    return raw.replace(str(npm_tools.FOLDER).encode(), b"/srv/npm")


def _cases(names: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str, dict[str, bytes]]]:
    with planets.serving() as base:
        for version, cases in names.items():
            for case in cases:
                with tempfile.TemporaryDirectory() as folder:
                    yield case, version, run(case, version, base, Path(folder))


def newman() -> None:
    for case, version, reports in _cases({"6.2.2": tuple(postman.CASES), "5.3.2": BEFORE}):
        (SAMPLES / "newman" / f"{case}-{version}.json").write_bytes(reports["json"])


PYTEST = """\
import pytest

@pytest.fixture
def broken():
    raise OSError("no database")

def test_refuses_a_quote():  # what it compares is a secret
    assert "not-a-token-but-looks-like-one" == ""

def test_takes_a_password():
    pass

@pytest.mark.skip(reason="slow")
def test_is_quick():
    pass

def test_lists_all(broken):
    pass
"""
NODE = """\
const { describe, it } = require("node:test");
const assert = require("node:assert");
describe("login", () => {
  it("refuses a quote [CWE-89]", () => assert.equal("not-a-token-but-looks-like-one", ""));
  it("takes a password", () => {});
  it.skip("is quick", () => {});
  describe("of an administrator", () => { it("asks twice", () => {}); it("logs it", () => {}); });
});
"""


def _runner(file: str, text: str, words: tuple[str, ...], out: str) -> None:
    """What a test runner writes to `out.xml`, or to its standard output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / file).write_text(text)
        done = subprocess.run(words, cwd=folder, check=False, capture_output=True)
        report = folder / "out.xml"
        raw = report.read_bytes() if report.exists() else done.stdout
        (SAMPLES / "junit" / out).write_bytes(raw.replace(name.encode(), b"/srv/tree"))


def junit() -> None:
    for case, version, reports in _cases({"6.2.2": TO_JUNIT}):
        (SAMPLES / "junit" / f"newman-{case}-{version}.xml").write_bytes(reports["xml"])
    pytest = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=out.xml")
    _runner("test_login.py", PYTEST, pytest, "pytest-9.xml")
    _runner("test_login.py", PYTEST, (*pytest, "-o", "junit_family=xunit1"), "pytest-9-xunit1.xml")
    _runner("test_login.py", "", pytest, "pytest-9-empty.xml")
    _runner("test_login.py", "import nothing_of_that_name", pytest, "pytest-9-broken.xml")
    _runner("login.test.js", NODE, ("node", "--test", "--test-reporter=junit"), "node-20.xml")


CAPTURES: dict[str, Callable[[], None]] = {"newman": newman, "junit": junit}


def main() -> None:
    for name in sys.argv[1:] or CAPTURES:
        CAPTURES[name]()


if __name__ == "__main__":
    main()
