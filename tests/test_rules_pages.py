"""The pages of the bundled rules: every rule has one, and its examples are what the page says they are."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from hardgate.model import Report
from hardgate.scanners.semgrep import SEMGREP
from tests.pages import DOCS, ROOT, families, generate, sections
from tests.scanners import real

PAGES = generate().rules_pages
FAMILIES: Mapping[str, list[dict[str, Any]]] = families()
NOTES = PAGES.notes(ROOT / PAGES.NOTES, FAMILIES)
IDS = [rule["id"] for rule in json.loads((real.RULES / "semgrep.json").read_bytes())["rules"]]
SIDES = ("unsafe", "safe")
HEADINGS = ("What it sees", "Why it is bad", "Unsafe", "Safe", "How to fix", "What it cannot see")
NOTE = {"sees": "S.", "why": "W.", "unsafe": "U\n", "safe": "S\n", "blind": "B."}


def path_of(name: str) -> str:
    """Where a rule's example lies in the tree: in a folder of its own."""
    return f"{name}/{PAGES.example_file(name, NOTES[name])}"


def scan(side: str, factory: pytest.TempPathFactory) -> Report:
    """One scan of all examples of a side; every one must have been read."""
    files = {path_of(name): getattr(note, side) for name, note in NOTES.items()}
    root = real.write(factory.mktemp(side), files)
    report = real.scan(SEMGREP, root, factory.mktemp("scratch"))
    assert {path.removeprefix("./") for path in report.seen or ()} >= set(files)
    assert report.gaps == ()
    return report


def reported(report: Report) -> dict[str, set[str]]:
    """Which rules report the examples of each rule."""
    found: dict[str, set[str]] = {name: set() for name in NOTES}
    for rule, path, _ in real.found(report):
        found[path.split("/")[0]].add(rule)
    return found


@pytest.fixture(scope="module")
def unsafe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    return reported(scan("unsafe", tmp_path_factory))


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    return reported(scan("safe", tmp_path_factory))


@pytest.mark.real
def test_unsafe_examples_are_reported_by_their_own_rule(unsafe: dict[str, set[str]]) -> None:
    assert [name for name, rules in unsafe.items() if name not in rules] == []


@pytest.mark.real
def test_safe_examples_are_reported_by_no_rule_at_all(safe: dict[str, set[str]]) -> None:
    assert {name: rules for name, rules in safe.items() if rules} == {}


# A folder of pages in which nothing is missing, and nothing is left over.


def test_each_rule_has_its_notes_and_its_page_and_no_other_page_is_there() -> None:
    assert set(NOTES) == set(IDS)
    assert {path.stem for path in (DOCS / "rules").glob("*.md")} - {"README"} == set(IDS)


@pytest.mark.parametrize("name", IDS)
def test_each_page_has_its_sections(name: str) -> None:
    found = sections((DOCS / "rules" / f"{name}.md").read_text("utf-8"))
    assert all(len(found[heading].split()) >= 3 for heading in HEADINGS)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("side", SIDES)
def test_examples_are_sound_in_their_language(name: str, side: str) -> None:
    text, path = getattr(NOTES[name], side), path_of(name)
    assert SEMGREP.selects(path)
    assert NOTES[name].unsafe != NOTES[name].safe
    if path.endswith(".py"):
        ast.parse(text)
    elif path.endswith((".yml", ".yaml")):
        assert isinstance(yaml.safe_load(text), dict)
    else:
        assert path.endswith((".tf", "Dockerfile"))


# What is refused.


def notes(folder: Path, **families: dict[str, Any]) -> Path:
    for family, content in families.items():
        (folder / f"{family}.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_notes_on_every_rule_are_read(tmp_path: Path) -> None:
    folder = notes(tmp_path, one={"python-one": NOTE}, two={"python-two": {**NOTE, "file": "settings.py"}})
    found = PAGES.notes(folder, {"one": [{"id": "python-one"}], "two": [{"id": "python-two"}]})
    assert [PAGES.example_file(name, note) for name, note in found.items()] == ["app.py", "settings.py"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"one": ["python-one", "python-new"]}, r"one\.yaml has no notes on python-new"),
        ({"one": ["python-one"], "two": ["python-two"]}, r"two\.yaml has no notes on python-two"),
        ({"one": []}, r"one\.yaml has notes on python-one, which is no rule of its family"),
        ({}, r"one\.yaml has notes on python-one, which is no rule of its family"),
        ({"one": [], "two": ["python-one"]}, r"one\.yaml has notes on python-one"),
    ],
)
def test_a_rule_without_notes_and_notes_without_a_rule_are_refused(
    tmp_path: Path, rules: dict[str, list[str]], message: str
) -> None:
    families = {family: [{"id": name} for name in names] for family, names in rules.items()}
    with pytest.raises(ValueError, match=message):
        PAGES.notes(notes(tmp_path, one={"python-one": NOTE}), families)


@pytest.mark.parametrize("note", [{**NOTE, "fix": "F."}, {key: NOTE[key] for key in NOTE if key != "blind"}])
def test_notes_with_a_part_too_many_or_too_few_are_refused(tmp_path: Path, note: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        PAGES.notes(notes(tmp_path, one={"python-one": note}), {"one": [{"id": "python-one"}]})
