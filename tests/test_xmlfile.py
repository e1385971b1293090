"""XML from elsewhere: read as it is meant, and refused where it could reach out, blow up, or is not whole."""

from __future__ import annotations

import contextlib
import http.server
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import xmlfile
from hardgate.errors import ReportError

SMALL = '<a xmlns="urn:x" xmlns:y="urn:y" k="v">one<b> two </b><y:b>ü</y:b><c/>three</a>'


def check(root: xmlfile.Element) -> None:
    assert (root.name, root.namespace, root.attributes, root.text) == ("a", "urn:x", {"k": "v"}, "onethree")
    names = [(child.name, child.namespace) for child in root.children]
    assert names == [("b", "urn:x"), ("b", "urn:y"), ("c", "urn:x")]
    assert [child.text for child in root.all("b")] == [" two ", "ü"]
    assert (root.said("b"), root.said("c"), root.said("d"), root.first("d")) == ("two", "", None, None)


@pytest.mark.parametrize(
    "raw",
    [
        SMALL.encode(),
        b"\xef\xbb\xbf" + SMALL.encode(),
        SMALL.encode("utf-16"),
        SMALL.encode("utf-16-be").join([b"\xfe\xff", b""]),
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{SMALL}'.encode("latin-1"),
        f'<?xml version="1.0" encoding="windows-1252"?>{SMALL}'.encode("cp1252"),
        f"<?xml version='1.0'?>\n<!-- a -- comment -->{SMALL}\n".replace(" -- ", " ").encode(),
    ],
)
def test_encodings(raw: bytes) -> None:
    check(xmlfile.parse(raw, "tool"))


def test_texts_of_every_sort() -> None:
    root = xmlfile.parse(b"<a>&lt;&#228;&amp;<![CDATA[<b>]]><?go now?></a>", "tool")
    assert (root.text, root.children) == ("<ä&<b>", [])


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
REFUSED = {
    "billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l11;</a>'.encode(),
    "quadratic": b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 50_000 + b'">]><a>' + b"&x;" * 50_000 + b"</a>",
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/hostname">%x;]><a/>',
    "external document type": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
    "harmless document type": b"<!DOCTYPE a><a/>",
    "unknown entity": b"<a>&nbsp;</a>",
    "deep": b"<a>" * 200_000 + b"</a>" * 200_000,
    "unknown encoding": b'<?xml version="1.0" encoding="x-none"?><a/>',
    "an encoding of several bytes": b'<?xml version="1.0" encoding="shift_jis"?><a/>',
    "wrong encoding": b'<?xml version="1.0" encoding="UTF-8"?><a>\xe4</a>',
    "half a character": SMALL.encode("utf-16")[:-1],
    "cut": SMALL.encode()[:-1],
    "nothing": b"",
    "white space": b" \n",
    "two documents": b"<a/><a/>",
    "text behind it": b"<a/>Traceback",
    "JSON": b"{}",
    "null byte": b"<a>\0</a>",
    "prefix without a namespace": b"<x:a/>",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    with pytest.raises(ReportError, match=r"tool's report \(\d+ bytes\)"):
        xmlfile.parse(REFUSED[name], "tool")


def test_the_reason_names_the_line() -> None:
    with pytest.raises(ReportError, match=r"DOCTYPE.*line 2"):
        xmlfile.parse(b"\n<!DOCTYPE a><a/>", "tool")
    with pytest.raises(ReportError, match="mismatched tag: line 3"):
        xmlfile.parse(b"<a>\n<b>\n</a>", "tool")


def test_nothing_is_fetched() -> None:
    """A real server beside the document: it is never asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        for text in (
            f'<!DOCTYPE a SYSTEM "{address}/a.dtd"><a/>',
            f'<!DOCTYPE a [<!ENTITY x SYSTEM "{address}/x">]><a>&x;</a>',
        ):
            with pytest.raises(ReportError):
                xmlfile.parse(text.encode(), "tool")
        schema = f'<a xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="urn:x {address}/x.xsd"/>'
        assert xmlfile.parse(schema.encode(), "tool").name == "a"
        server.shutdown()
    assert asked == []


def test_the_bounds_themselves_are_allowed() -> None:
    depth = xmlfile.DEPTH
    root = xmlfile.parse(b"<a>" * depth + b"</a>" * depth, "tool")
    for _ in range(depth - 1):
        (root,) = root.children
    assert root.children == []
    with pytest.raises(ReportError, match="within each other"):
        xmlfile.parse(b"<a>" * (depth + 1) + b"</a>" * (depth + 1), "tool")


def test_too_many_elements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlfile, "ELEMENTS", 1_000)
    assert len(xmlfile.parse(b"<a>" + b"<b/>" * 999 + b"</a>", "tool").children) == 999
    with pytest.raises(ReportError, match="more than 1,000 elements"):
        xmlfile.parse(b"<a>" + b"<b/>" * 1_000 + b"</a>", "tool")


@given(st.binary(max_size=200) | st.text(alphabet="<>/ab&;#x\"'= !?[]-", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(ReportError):
        assert xmlfile.parse(raw, "tool").name


@pytest.mark.parametrize("length", range(len(SMALL.encode())))
def test_every_beginning_is_refused(length: int) -> None:
    with pytest.raises(ReportError):
        xmlfile.parse(SMALL.encode()[:length], "tool")


def test_a_report_with_an_external_entity_as_one_was_made_for_a_reader_of_such_reports(tmp_path: Path) -> None:
    """The head of the file by which Jenkins' plugin for Dependency-Check tests the same.

    https://github.com/jenkinsci/dependency-check-plugin (dependency-check-report-external-entities.xml)
    """
    secret = tmp_path / "secret"
    secret.write_text("not for reports")
    raw = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE analysis [\n  <!ELEMENT analysis ANY >\n'
        f'  <!ENTITY cve SYSTEM "{secret.as_uri()}" >\n]>\n<analysis><name>&cve;</name></analysis>'
    )
    with pytest.raises(ReportError) as caught:
        xmlfile.parse(raw.encode(), "dependency-check")
    assert "not for reports" not in str(caught.value)
