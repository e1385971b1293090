"""XML of strangers: nothing that it declares is followed, nothing is fetched, and its size has bounds."""

from __future__ import annotations

import pytest

from hardgate import xmlfile
from hardgate.errors import ReportError

LAUGHS = b"<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]><l>&b;</l>"


@pytest.mark.parametrize(
    "raw",
    [
        LAUGHS,
        b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/a.dtd'><a/>",
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>",
        b"<!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///etc/hostname'> %p;]><a/>",
        b"<!DOCTYPE a><a/>",
    ],
)
def test_a_declaration_is_refused(raw: bytes) -> None:
    with pytest.raises(ReportError, match="document type declaration"):
        xmlfile.read(raw, "some")


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"{}", b"<a>", b"<a></b>", b"<a/><b/>", b"<a/>x", b"<a>&nothing;</a>", b"\xff\xfe\x00",
     b"<a b='\x00'/>", b"<?xml version='1.0' encoding='no-such'?><a/>", b"<?xml version='1.0' encoding='utf-7'?><a/>"],
)  # fmt: skip
def test_what_is_no_whole_document_is_refused(raw: bytes) -> None:
    with pytest.raises(ReportError, match="is not whole XML"):
        xmlfile.read(raw, "some")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_it_is_read_in_its_own_encoding(encoding: str) -> None:
    raw = f"<?xml version='1.0' encoding='{encoding}'?><a b='ü'>é<c/></a>".encode(encoding)
    root = xmlfile.read(raw, "some")
    assert (root.tag, root.get("b"), root.text, [one.tag for one in root]) == ("a", "ü", "é", ["c"])


def test_its_depth_and_size_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReportError, match="more than 200 levels"):
        xmlfile.read(b"<a>" * 100_000, "some")
    monkeypatch.setattr(xmlfile, "LIMIT", 10)
    with pytest.raises(ReportError, match="11 bytes, and hardgate reads 10"):
        xmlfile.read(b"<a>aaaa</a>", "some")
    monkeypatch.setattr(xmlfile, "LIMIT", 1000)
    monkeypatch.setattr(xmlfile, "ELEMENTS", 3)
    with pytest.raises(ReportError, match="3 elements"):
        xmlfile.read(b"<a><b/><b/><b/></a>", "some")
