"""Texts within a limit, and ids that stay."""

from __future__ import annotations

import pytest

from hardgate.model import Kind
from hardgate.outward import elsewhere, short, uuid_of
from hardgate.wording import judge
from tests.reporters import sample_run


@pytest.mark.parametrize("limit", range(2, 40))
def test_a_cut_never_leaves_half_an_escape_or_half_a_character(limit: int) -> None:
    text = short("a\x1bb\u202ec\U0001f4a5\U000e0001d" * 5, limit)
    assert len(text.encode("utf-16-le")) // 2 <= limit
    for start in [at for at, char in enumerate(text) if char == "\\"]:
        assert text[start:].startswith(("\\x1b", "\\u202e", "\\U000e0001"))


def test_what_fits_is_not_marked_as_cut() -> None:
    assert short("exactly", 7) == "exactly"
    assert short("exactly 9", 8) == "exactly…"
    assert short(" \n ", 8) == "-"
    assert short(" " * 100 + "late", 8) == "-…"  # the start is all that is looked at


def test_a_name_gives_the_same_uuid_everywhere() -> None:
    assert uuid_of("planetary-api", "hg1-1") == "ad08c126-3fd1-5fa9-b0dd-e95cf882f4bc"
    assert uuid_of("a", "b") == uuid_of("a", "b") != uuid_of("ab") != uuid_of("a\ud800", "b")


def test_what_a_file_leaves_out_is_counted_by_kind() -> None:
    judged = judge(*sample_run.incomplete())
    said = elsewhere(judged, {Kind.CODE, Kind.MISCONFIGURATION, Kind.LICENCE})
    assert "secret, 2 findings: 2 blocking, 0 waived" in said
    assert "(blocked by aws-access-token, generic-api-key)" in said
    assert "dependency, 2 findings: 1 blocking, 1 waived" in said
    assert elsewhere(judged, set(Kind)) == ""
