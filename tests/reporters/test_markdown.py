"""The job summary, read back through a Markdown renderer (markdown-it-py, CommonMark with GitHub's tables)."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec
import pytest
from markdown_it import MarkdownIt

from hardgate.model import Gap, GapReason, Location
from hardgate.reporters import markdown
from tests.reporters import sample_many, sample_run

_OURS = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "strong", "a", "code", "ul", "li"}


class _Page(HTMLParser):
    """Tags, links and the text of every row's cells of the rendered page."""

    def __init__(self, source: bytes) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source.decode()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_hostile_text_stays_text() -> None:
    page = _Page(markdown.render(*sample_run.incomplete()))
    assert page.tags <= _OURS
    assert page.links == [
        "https://avd.aquasec.com/nvd/cve-2023-30861",
        "https://bandit.readthedocs.io/en/1.9.4/plugins/b608_hardcoded_sql_expressions.html",
    ]
    [row] = [row for row in page.rows if any("evil|rule`" in cell for cell in row)]
    assert row[3].startswith("</script><script>document.title='owned'</script> ]]> <!-- | `code` **bold** [link](java")
    assert "@octocat #1 https://evil.example/x %0A::add-mask::x" in row[3]
    assert "&lt; $x$ \\ end" in row[3]


def test_every_row_has_as_many_cells_as_its_table() -> None:
    page = _Page(markdown.render(*sample_run.incomplete()))
    assert {len(row) for row in page.rows} == {4, 5, 6}
    assert sum(len(row) == 6 for row in page.rows) == 1 + 5 + 1 + 8


def test_nobody_is_mentioned() -> None:
    assert b"@octocat" not in markdown.render(*sample_run.incomplete())


def test_ten_thousand_findings_stay_under_a_mebibyte_and_the_rest_is_counted() -> None:
    run, verdict = sample_many.many(10_000)
    out = markdown.render(run, verdict)
    assert len(out) < markdown.LIMIT
    page = _Page(out)
    shown = sum(row[0].strip() in {"critical", "high"} and len(row) == 6 for row in page.rows)
    assert shown > 3_000
    assert f"**{4_000 - shown:,} more are left out here" in out.decode()
    assert "### Actions (3)" in out.decode()
    assert "### What to do next" in out.decode()


@pytest.mark.parametrize("letter", ["x", "|", "検", "\x1b"])
def test_no_flood_reaches_the_limit(letter: str) -> None:
    run, verdict = sample_many.many(1_000)
    flood = letter * 3_000
    findings = tuple(
        msgspec.structs.replace(one, message=flood, fix=flood, rule=flood, location=Location(path=flood))
        for one in run.findings
    )
    gap = Gap(reason=GapReason.FILE_UNREAD, message=flood, path=flood, remedy=flood)
    out = markdown.render(
        msgspec.structs.replace(run, findings=findings, notes=(flood,) * 2_000),
        msgspec.structs.replace(verdict, gaps=(gap,) * 2_000, warnings=(flood,) * 2_000),
    )
    assert len(out) < markdown.LIMIT
    assert out.count(b" more are left out here") >= 2
