"""XML of foreign tools as values, read so that a document can neither reach out nor blow up.

A document type is refused, and with it all entities of a document's own: nothing is fetched (CWE-611) and nothing
multiplies (CWE-776). Depth and number of elements are bounded. What expat itself refuses, such as a document that is
cut off or goes on after its end, is refused here too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from hardgate.errors import ReportError

DEPTH = 100  # elements within each other; reports of tools have ten or so
ELEMENTS = 5_000_000  # in one document


@dataclass(slots=True)
class Element:
    """One element: its name without and its namespace ("" for none), its own text, and what is in it, in order."""

    name: str
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Element]:
        """The children with this name."""
        return (child for child in self.children if child.name == name)

    def every(self, name: str) -> Iterator[Element]:
        """This element and all below it with this name, as they stand in the document."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            if one.name == name:
                yield one
            waiting += reversed(one.children)

    def first(self, name: str) -> Element | None:
        """The first child with this name, None when there is none."""
        return next(self.all(name), None)

    def said(self, name: str) -> str | None:
        """The text of the first child with this name, without white space around it; None when there is no child."""
        found = self.first(name)
        return None if found is None else found.text.strip()


class _Refused(Exception):  # noqa: N818 (it never leaves this module)
    """What this module itself does not allow."""


class _Builder:
    """What expat tells, made into elements."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[tuple[Element, list[str]]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; `name` is its namespace and its name, with a space between."""
        self._count += 1
        if len(self._open) >= DEPTH:
            raise _Refused(f"more than {DEPTH} elements within each other")
        if self._count > ELEMENTS:
            raise _Refused(f"more than {ELEMENTS:,} elements")
        namespace, _, local = name.rpartition(" ")
        element = Element(local, namespace, attributes)
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def end(self, _name: str) -> None:
        """The innermost element ends."""
        element, texts = self._open.pop()
        element.text = "".join(texts)

    def text(self, text: str) -> None:
        """Text in the innermost element."""
        self._open[-1][1].append(text)


def _no_document_type(*_told: object) -> None:
    raise _Refused("it declares a document type (DOCTYPE), which may define entities")


def parse(raw: bytes, tool: str) -> Element:
    """The root element of a whole document; raises ReportError, which says where it stops making sense.

    The encoding is the one that the document declares or its byte order mark tells; UTF-8 without either.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    builder = _Builder()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_document_type
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError) as error:
        # ValueError and LookupError: an encoding that expat does not know, and Python not either.
        where = "" if isinstance(error, expat.ExpatError) else f": line {parser.CurrentLineNumber}"
        raise ReportError(f"{tool}'s report ({len(raw)} bytes) is no XML that can be read: {error}{where}") from error
    if builder.root is None:
        raise ReportError(f"{tool}'s report ({len(raw)} bytes) has no element")
    return builder.root
