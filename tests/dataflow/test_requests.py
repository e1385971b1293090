"""Paths, addresses and headers from outside: each sample's lines that end in HIT are found, and no others.

A file's name is the rule's; what stands before its first sample is the beginning of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardgate.dataflow.analysis import analyse
from hardgate.dataflow.families import checks
from hardgate.dataflow.project import parse

_SAMPLES = Path(__file__).parent / "requests"


def _sections() -> Iterator[tuple[str, str, str]]:
    for path in sorted(_SAMPLES.glob("*.txt")):
        start, *parts = re.split(r"(?m)^### ", path.read_text())
        for part in parts:
            title, _, source = part.partition("\n")
            yield path.stem, title, start + source


@pytest.mark.parametrize(("rule", "title", "source"), list(_sections()))
def test_a_sample_has_the_findings_that_it_says(rule: str, title: str, source: str) -> None:
    analysis = analyse([parse("app.py", source.encode())], checks())
    lines = source.split("\n")
    found = {lines[one.line - 1].strip() for one in analysis.found.values() if one.rule == rule}
    assert found == {line.strip() for line in lines if line.endswith("# HIT")}, title
