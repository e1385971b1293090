"""CycloneDX in XML (https://cyclonedx.org/docs/1.6/xml/) as what its JSON would say of the components.

A declaration of a document type is refused, and with it every entity: nothing grows, and nothing is fetched.
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

_NAMESPACE = "http://cyclonedx.org/schema/bom/"
_TEXTS = ("name", "group", "version", "purl")


def read(raw: bytes) -> dict[str, Any]:
    """`bomFormat`, `specVersion`, and `components` where the document has some, within one another as they are there.

    Raises ValueError for what is no XML, has a document type, or is no CycloneDX.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is no whole XML: {error}") from error
    return reader.document


def _refuse(*_declared: object) -> None:
    raise ValueError("it declares a document type, and such XML is not read")


class _Reader:
    """What the parser calls for each part of the document."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self._open: list[str] = []  # the elements around, without their namespace
        self._around: list[dict[str, Any]] = []  # the components around

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        space, _, tag = name.rpartition(" ")
        if not self._open:
            if tag != "bom" or not space.startswith(_NAMESPACE):
                raise ValueError(f"its first element is {tag} of {space or 'no namespace'}")
            self.document = {"bomFormat": "CycloneDX", "specVersion": space.removeprefix(_NAMESPACE)}
            self._around.append(self.document)
        parent = self._open[-1] if self._open else ""
        self._open.append(tag if space.startswith(_NAMESPACE) else "")
        if tag == "components" and parent in {"bom", "component"} and self._listed():
            self._around[-1].setdefault("components", [])
        elif tag == "component" and parent == "components" and self._listed():
            component: dict[str, Any] = {**({"type": attributes["type"]} if "type" in attributes else {})}
            self._around[-1]["components"].append(component)
            self._around.append(component)

    def end(self, _name: str) -> None:
        """An element ends."""
        tag = self._open.pop()
        if tag == "component" and self._open[-1] == "components" and self._listed():
            self._around.pop()
        elif tag in _TEXTS and self._of_component():
            self._around[-1][tag] = self._around[-1].get(tag, "").strip()

    def text(self, data: str) -> None:
        """A piece of the text of an element."""
        if self._open[-1] in _TEXTS and self._open[-2:-1] == ["component"] and self._listed():
            self._around[-1][self._open[-1]] = self._around[-1].get(self._open[-1], "") + data

    def _of_component(self) -> bool:
        return bool(self._open) and self._open[-1] == "component" and self._listed()

    def _listed(self) -> bool:
        """Whether all around are lists of components: `metadata` and a pedigree hold some that are not in the SBOM."""
        return set(self._open[1:]) <= {"components", "component", *_TEXTS}
