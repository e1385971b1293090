"""JSON in whatever encoding a tool wrote it, as the UTF-8 that it should be (RFC 8259, section 8.1)."""

from __future__ import annotations

import codecs

from hardgate.errors import ReportError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CARRIED = range(0xDC80, 0xDD00)  # bytes that are no UTF-8, as PEP 383 carries them


def utf8(raw: bytes) -> bytes:
    """The bytes of a SARIF log without a mark, of UTF-16, UTF-32, or with single bytes of Windows-1252, as UTF-8.

    Raises ReportError for what is none of these.
    """
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "") or _unmarked(raw[:4])
    try:
        if encoding:
            return raw.decode(encoding).encode()
        raw.decode()
    except UnicodeDecodeError as error:
        if encoding:
            raise ReportError(f"the SARIF log ({len(raw)} bytes) is not whole: it is no {encoding}: {error}") from error
        return raw.decode("utf-8", "surrogateescape").translate({code: _western(code) for code in _CARRIED}).encode()
    except UnicodeEncodeError as error:
        raise ReportError(f"the SARIF log ({len(raw)} bytes) is no text: {error}") from error
    return raw


def _western(code: int) -> str:
    byte = bytes([code - 0xDC00])
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:
        return byte.decode("latin-1")


def _unmarked(start: bytes) -> str:
    """The encoding of JSON without a mark: its first two characters are ASCII (RFC 4627, section 3)."""
    zeros = [byte == 0 for byte in start]
    names = {
        "utf-32-be": [True, True, True, False],
        "utf-32-le": [False, True, True, True],
        "utf-16-be": [True, False, True, False],
        "utf-16-le": [False, True, False, True],
    }
    return next((name for name, pattern in names.items() if pattern == zeros), "")
