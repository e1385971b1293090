"""CycloneDX in XML (https://cyclonedx.org/docs/1.6/xml/) as what its JSON would say of the components."""

from __future__ import annotations

from typing import Any

from hardgate import xmlfile
from hardgate.xmlfile import Element

_NAMESPACE = "http://cyclonedx.org/schema/bom/"
_TEXTS = ("name", "group", "version", "purl")


def read(raw: bytes) -> dict[str, Any]:
    """`bomFormat`, `specVersion`, and `components` where the document has some, within one another as they are there.

    Raises ReportError for what is no whole XML or has a document type, and ValueError for what is no CycloneDX.
    """
    root = xmlfile.parse(raw, "cyclonedx")
    if root.name != "bom" or not root.namespace.startswith(_NAMESPACE):
        raise ValueError(f"its first element is {root.name} of {root.namespace or 'no namespace'}")
    return {"bomFormat": "CycloneDX", "specVersion": root.namespace.removeprefix(_NAMESPACE), **_listed(root)}


def _listed(parent: Element) -> dict[str, list[dict[str, Any]]]:
    """Its list of components. `metadata` and a pedigree hold some that are not in the SBOM."""
    lists = [one for one in parent.all("components") if one.namespace == parent.namespace]
    if not lists:
        return {}
    return {"components": [_component(one) for listed in lists for one in listed.all("component")]}


def _component(one: Element) -> dict[str, Any]:
    kind = {"type": one.attributes["type"]} if "type" in one.attributes else {}
    texts = {child.name: child.text.strip() for child in one.children if child.name in _TEXTS}
    return {**kind, **texts, **_listed(one)}
