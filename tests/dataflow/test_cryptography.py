"""Weak hashes and ciphers, parsers and unpicklers: each sample's lines that end in HIT are found, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardgate.dataflow.analysis import analyse
from hardgate.dataflow.families import checks
from hardgate.dataflow.project import parse

_SAMPLES = Path(__file__).parent / "samples"
_OURS = re.compile(
    r"python-(weak-.*|ecb-mode|fixed-initial-vector|short-key|old-tls|tls-verification-disabled|xml-.*|unsafe-.*|pickle-for-strangers)"
)
_HIT = re.compile(r"#.*\bHIT ([\w-]+)")


def _sections() -> Iterator[tuple[str, str]]:
    for path in sorted(_SAMPLES.glob("*.txt")):
        for part in re.split(r"(?m)^### ", path.read_text())[1:]:
            title, _, source = part.partition("\n")
            yield f"{path.stem}: {title}", source


@pytest.mark.parametrize(("title", "source"), list(_sections()), ids=[one for one, _ in _sections()])
def test_a_sample_has_the_findings_that_it_says(title: str, source: str) -> None:
    analysis = analyse([parse("app.py", source.encode())], checks())
    found = {(one.line, one.rule) for one in analysis.found.values() if _OURS.fullmatch(one.rule)}
    wanted = {(number, match[1]) for number, line in enumerate(source.split("\n"), 1) if (match := _HIT.search(line))}
    lines = source.split("\n")
    assert {(line, rule, lines[line - 1].strip()) for line, rule in found} == {
        (line, rule, lines[line - 1].strip()) for line, rule in wanted
    }, title
