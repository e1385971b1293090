"""Where the samples come from is written down for each of them, and the page that tells it is made of that."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hardgate.adapter import Scanner
from hardgate.scanners import DESCRIBED, SCANNERS
from tests.pages import ROOT, generate

PAGE = generate().adapters_page
SOURCES = PAGE.every(ROOT)
ENTRY = '[[sample]]\nfile = "a.json"\ntool = "a 1"\n'


def test_every_file_has_one_entry_and_every_entry_a_file() -> None:
    assert PAGE.unlisted(ROOT, SOURCES) == []
    folders = {path.name for path in (ROOT / PAGE.SAMPLES).iterdir() if path.is_dir()}
    assert folders == set(SOURCES), "a folder without a scanner, or a scanner without a folder"


@pytest.mark.parametrize("scanner", [*SCANNERS, *DESCRIBED], ids=lambda scanner: scanner.name)
def test_every_scanner_says_what_it_reads_and_was_held_to(scanner: Scanner) -> None:
    sources = SOURCES[scanner.name]
    assert sources.reads
    assert all(sources.reads)
    assert sources.sample
    page = (ROOT / "docs" / "scanners" / f"{scanner.name}.md").read_text("utf-8")
    assert "(../reference/adapters.md)" in page, "the page does not say which versions are read"
    for one in sources.sample:
        words = one.captured.split()
        assert not words or (words[:2] == ["python", "-m"] and importlib.util.find_spec(words[2])), one.captured


def test_the_files_are_counted_and_every_published_one_is_linked() -> None:
    text = PAGE.page(ROOT).decode()
    assert f"{sum(len(one.sample) for one in SOURCES.values())} samples of {len(SOURCES)} adapters." in text
    assert all(one.published in text for sources in SOURCES.values() for one in sources.sample)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'reads = ["1"]\n{ENTRY}', "either `captured` or `published`"),
        (f'reads = ["1"]\n{ENTRY}captured = "x"\npublished = "https://a"\n', "either `captured` or `published`"),
        (f'reads = ["1"]\n{ENTRY}published = "a.html"\n', "must be an https address"),
        (f'reads = ["1"]\n{ENTRY}captured = "x"\nchanged = "cut"\n', "change the capture instead"),
        (f'reads = ["1"]\n{ENTRY}captured = "x"\nsource = "y"\n', "unknown field `source`"),
        ('reads = ["1"]\n[[sample]]\nfile = "a"\ntool = ""\ncaptured = "x"\n', "needs `file` and `tool`"),
        (ENTRY + 'captured = "x"\n', "missing required field `reads`"),
        ("reads = [", "SOURCES.toml: "),
    ],
)
def test_an_unclear_entry_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / PAGE.NAME).write_text(text)
    with pytest.raises(ValueError, match=r"SOURCES\.toml") as error:
        PAGE.read(tmp_path / PAGE.NAME)
    assert told in str(error.value)


def test_a_forgotten_file_and_a_forgotten_entry_are_named(tmp_path: Path) -> None:
    folder = tmp_path / PAGE.SAMPLES / "bandit"
    folder.mkdir(parents=True)
    (folder / PAGE.NAME).write_text(f'reads = ["1"]\n{ENTRY}captured = "x"\n')
    (folder / "b.json").write_text("{}")
    assert PAGE.unlisted(tmp_path, {"bandit": PAGE.read(folder / PAGE.NAME)}) == ["bandit/a.json", "bandit/b.json"]
