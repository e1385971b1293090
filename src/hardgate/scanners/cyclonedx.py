"""cyclonedx: the bill of materials of a requirements file, made by cyclonedx-bom and kept with the evidence.

The document is CycloneDX 1.6 in JSON: https://cyclonedx.org/docs/1.6/json/. It judges nothing: no findings. One of 1.3,
1.4 or 1.5 that was made elsewhere is read too.
"""

from __future__ import annotations

import msgspec

from hardgate import pins, sboms
from hardgate.adapter import Canary, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import Gap, GapReason, Report

_TOOL = sboms.MAKER


_VERSIONS = ("1.3", "1.4", "1.5", "1.6")


class _Named(msgspec.Struct):
    name: str
    version: str = ""


class _Tools(msgspec.Struct):
    components: list[_Named] = []


class _Metadata(msgspec.Struct):
    # A list up to 1.4; in 1.5 an object came, and the list stayed allowed.
    tools: _Tools | list[_Named] | None = None


class _Document(msgspec.Struct, rename="camel"):
    # `components` is not there at all when the tool found no requirement.
    bom_format: str
    spec_version: str
    version: int
    metadata: _Metadata
    components: list[_Named] = []


def _parse(raw: bytes) -> Report:
    document = decode(raw, _Document, _TOOL)
    if document.bom_format != "CycloneDX" or document.spec_version not in _VERSIONS:
        what = f"{document.bom_format} {document.spec_version}"
        raise ReportError(f"this is {what}, and CycloneDX {', '.join(_VERSIONS)} are read")
    if any(not component.name for component in document.components):
        raise ReportError("the CycloneDX document has a component without a name")
    tools = document.metadata.tools
    made_by = tools.components if isinstance(tools, _Tools) else tools or []
    version = next((tool.version for tool in made_by if tool.name == "cyclonedx-py"), "")
    return Report(gaps=() if document.components else (_EMPTY,), version=version)


_EMPTY = Gap(
    reason=GapReason.FILE_UNREAD,
    message="The CycloneDX document lists no component: no requirement was read out of the file.",
    remedy="Check that the file holds requirements as pip reads them, or take it out of the scope.",
)


CYCLONEDX = Scanner(
    name=_TOOL,
    kinds=frozenset(),
    argv=sboms.argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=Canary(
        files={"requirements.txt": b"jinja2==2.4.1\n"},
        outputs=(b'"pkg:pypi/jinja2@2.4.1"', b'"specVersion": "1.6"'),
    ),
    selects=pins.is_requirements,
    split=sboms.split,
    prepare=sboms.prepare,
    makes=sboms.MEDIA_TYPE,
    seconds=1.0,
    memory=60_000_000,
)
