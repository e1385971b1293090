"""What the two pages about extending hardgate show is what works: the code is that of the example, the rest is run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.model import ExitCode
from tests.cli.conftest import HOLE, home, repository, run
from tests.lab.command import hardgate
from tests.pages import DOCS, ROOT, blocks, read

__all__ = ["home", "repository"]  # fixtures

Make = Callable[..., Path]
SCANNER, GATE = DOCS / "adding-a-scanner.md", DOCS / "adding-a-gate.md"
EXAMPLE = ROOT / "examples" / "hardgate-flawfinder"


def shown(page: Path, language: str, word: str) -> str:
    """The one block of a page in this language that has `word`."""
    [found] = [block.text for block in blocks(page) if block.language == language and word in block.text]
    return found


def test_the_page_about_scanners_shows_the_example_as_it_is() -> None:
    whole = "\n".join(path.read_text("utf-8") for path in EXAMPLE.rglob("*") if path.suffix in {".py", ".toml"})
    texts = [block.text for block in blocks(SCANNER) if block.language in {"python", "toml"}]
    assert len(texts) >= 6
    assert [text for text in texts if text not in whole] == []


@pytest.mark.parametrize("page", [SCANNER, GATE], ids=lambda page: page.stem)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`((?:src|tests|docs|examples)/[\w./-]+)`", page.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_each_page_is_in_the_index() -> None:
    assert {f"({page.name})" in read("docs/README.md") for page in (SCANNER, GATE)} == {True}


def test_the_cases_hold_for_the_policy_above_them(tmp_path: Path) -> None:
    (tmp_path / "hardgate.yaml").write_text(shown(GATE, "yaml", "block_confidence"))
    (tmp_path / "policy-cases.yaml").write_text(shown(GATE, "", "cases:"))
    result = hardgate("policy", "test", "policy-cases.yaml", cwd=tmp_path)
    assert result.code is ExitCode.PASS, result.stdout + result.stderr
    assert "3 cases: 3 as expected" in result.stdout


@pytest.mark.real
def test_the_check_of_ones_own_blocks_and_passes(home: Path, repository: Make, tmp_path: Path) -> None:
    script = tmp_path / "house_rules.py"
    script.write_text(shown(GATE, "python", "no-drop"))
    pipeline = shown(GATE, "yaml", "house-rules").replace("/opt/gates/house_rules.py", str(script))
    bad = run(repository({"m/1.sql": "SELECT 1;\ndrop table users;\n"}, pipeline=pipeline, name="bad"))
    assert bad.code is ExitCode.FAIL, bad.stdout + bad.stderr
    [one] = bad.json["findings"]
    assert (one["rule"], one["severity"], one["location"]["path"], one["location"]["line"]) == (
        "no-drop", "high", "m/1.sql", 2,
    )  # fmt: skip
    good = run(repository({"m/1.sql": "SELECT 1;\n"}, pipeline=pipeline, name="good"))
    assert (good.code, good.json["gaps"]) == (ExitCode.PASS, []), good.stdout + good.stderr


@pytest.mark.real
def test_the_program_behind_the_gate_shuts_and_never_opens(home: Path, repository: Make, tmp_path: Path) -> None:
    program = tmp_path / "gate.py"
    program.write_text(shown(GATE, "python", "cached_from"))

    def asked(report: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, str(program)], input=report, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    clean = repository({"a.py": "x = 1\n"}, name="clean")
    first, again = run(clean), run(clean)
    assert (first.code, again.code) == (ExitCode.PASS, ExitCode.PASS), first.stdout + first.stderr
    assert asked(first.stdout) == (0, "\n")
    code, told = asked(again.stdout)
    assert (code, told.startswith("ruff: used again from ")) == (1, True)
    assert asked(run(repository({"a.py": HOLE}, name="hole")).stdout)[0] == ExitCode.FAIL
    assert asked(json.dumps(first.json | {"schema": 2}))[0] == 1
    assert asked(json.dumps({key: value for key, value in first.json.items() if key != "receipts"}))[0] == 1
