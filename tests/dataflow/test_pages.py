"""Pages, templates, sessions and cookies: each sample's lines that end in HIT are found, and no others.

A file's name is the rule's, and a framework's; what stands before its first sample is the beginning of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardgate.dataflow.analysis import analyse
from hardgate.dataflow.families import checks, cookies, pages, trust
from hardgate.dataflow.markup import context
from hardgate.dataflow.project import parse

_SAMPLES = Path(__file__).parent / "pages"
_MIXED = {*pages.RULES, *cookies.RULES, *trust.RULES}


def _sections() -> Iterator[tuple[str, str, str]]:
    for path in sorted(_SAMPLES.glob("*.txt")):
        start, *parts = re.split(r"(?m)^### ", path.read_text())
        for part in parts:
            title, _, source = part.partition("\n")
            yield path.stem.partition(".")[0], title, start + source


@pytest.mark.parametrize(("rule", "title", "source"), list(_sections()))
def test_a_sample_has_the_findings_that_it_says(rule: str, title: str, source: str) -> None:
    analysis = analyse([parse("app.py", source.encode())], checks())
    lines = source.split("\n")
    rules = _MIXED if rule == "mixed" else {rule}
    found = {lines[one.line - 1].strip() for one in analysis.found.values() if one.rule in rules}
    assert found == {line.strip() for line in lines if line.endswith("# HIT")}, title


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ("", "text"),
        ("<p>", "text"),
        ("<a title='x'>", "text"),
        ("a < b and ", "text"),
        ("<!-- ", "text"),
        ('<a title="', "quoted"),
        ("<a class=x title='", "quoted"),
        ('<a href="', "url"),
        ("<a href='/search?q=", "quoted"),
        ("<form action=' ", "url"),
        ('<img src="', "url"),
        ("<img src=", "word"),
        ("<img alt=a", "word"),
        ('<a onclick="', "word"),
        ('<p style="color:', "word"),
        ("<script>let a = ", "word"),
        ("<script>1</script><p>", "text"),
        ("<style>p {", "word"),
        ("<", "text"),
        ("<h", "word"),
        ('<a title="a>b" href="', "url"),
    ],
)
def test_the_place_in_a_page_is_told_by_what_stands_before(before: str, place: str) -> None:
    assert context(before) == place
