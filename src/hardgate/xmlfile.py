"""Reports in XML, read without anything that XML can be made to do: no DTD, no entities, nothing fetched.

What is not declared cannot be expanded, so a document that declares anything is refused:
https://docs.python.org/3.11/library/xml.html#xml-vulnerabilities
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from hardgate.errors import ReportError

LIMIT = 200_000_000  # bytes of a report
DEPTH = 200  # elements within each other
ELEMENTS = 3_000_000  # each takes some hundred bytes of memory


def read(raw: bytes, tool: str) -> Element:
    """The root of `tool`'s report; names keep their prefix, as they are written. Raises ReportError."""
    if len(raw) > LIMIT:
        raise ReportError(f"{tool}'s report has {len(raw):,} bytes, and hardgate reads {LIMIT:,}", hint="Split it.")
    builder = _Builder(tool)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ReportError(f"{tool}'s report ({len(raw)} bytes) is not whole XML: {error}") from error
    return builder.tree.close()


class _Builder:
    """Makes elements within the bounds."""

    def __init__(self, tool: str) -> None:
        self.tree = TreeBuilder()
        self._tool, self._depth, self._count = tool, 0, 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > DEPTH or self._count > ELEMENTS:
            raise ReportError(f"{self._tool}'s report has more than {DEPTH} levels or {ELEMENTS:,} elements")
        self.tree.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self.tree.end(tag)

    def refuse(self, *_: object) -> None:
        raise ReportError(
            f"{self._tool}'s report has a document type declaration, and hardgate follows none",
            hint="No tool that hardgate knows writes one: see where the report comes from.",
        )
