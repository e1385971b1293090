"""The components of a CycloneDX SBOM (https://cyclonedx.org/docs/1.6/json/), by the purls that they are judged by.

The same is read of its XML (https://cyclonedx.org/docs/1.6/xml/), without entities and without the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from hardgate import strict
from hardgate.advisories import sbom_xml
from hardgate.errors import ReportError, StoreError

VERSIONS = ("1.3", "1.4", "1.5", "1.6", "1.7")
_LIMIT = 500_000_000  # bytes
_DEPTH = 50  # components within components
_HINT = "Nothing was looked up. Hand in a CycloneDX SBOM as JSON or XML, such as hardgate's own."


class _Component(msgspec.Struct):
    type: str
    name: str
    group: str = ""
    version: str = ""
    purl: str = ""
    components: list[_Component] = []


class _Document(msgspec.Struct, rename="camel"):
    # Without defaults: another document is refused, and one without `components` has not been looked at.
    bom_format: str
    spec_version: str
    components: list[_Component]


def purls(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What `read` says of the document in a file; raises StoreError also when that cannot be read."""
    try:
        with path.open("rb") as source:
            raw = source.read(_LIMIT + 1)
    except OSError as error:
        raise StoreError(f"{path} could not be read: {error.strerror}", hint=_HINT) from error
    return read(raw, str(path))


def read(raw: bytes, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The purls of all components, each once, and the names of those that have none.

    Files, and applications without a version (so tools list the lock file that they read), are no packages and are
    in neither. Raises StoreError, which names `path`, for anything but a CycloneDX document of 1.3 to 1.7.
    """
    try:
        if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            document = msgspec.convert(sbom_xml.read(raw), _Document)
        else:
            document = strict.decode(raw, _Document)
    except (ReportError, ValueError) as error:
        raise StoreError(f"{path} is no CycloneDX SBOM: {error}", hint=_HINT) from error
    if document.bom_format != "CycloneDX" or document.spec_version not in VERSIONS:
        what = f"{document.bom_format} {document.spec_version}"
        raise StoreError(f"{path} is {what}, and CycloneDX {', '.join(VERSIONS)} are read", hint=_HINT)
    found = tuple(_all(document.components, path, 0))
    nameless = tuple(_name(one) for one in found if not one.purl and _is_package(one))
    return tuple(dict.fromkeys(one.purl for one in found if one.purl)), tuple(dict.fromkeys(nameless))


def _all(components: list[_Component], path: str, depth: int) -> Iterator[_Component]:
    if depth > _DEPTH:
        raise StoreError(f"{path} has components within components, {_DEPTH} deep", hint=_HINT)
    for one in components:
        yield one
        yield from _all(one.components, path, depth + 1)


def _is_package(one: _Component) -> bool:
    return one.type != "file" and not (one.type == "application" and not one.version)


def _name(one: _Component) -> str:
    return "/".join(filter(None, (one.group, one.name))) + (f"@{one.version}" if one.version else "")
