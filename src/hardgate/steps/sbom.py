"""The step `sbom`: the bill of materials of the image that an earlier action built, in CycloneDX, kept as evidence.

It lists what Trivy recognises in the image. What it holds is checked before it is kept: every layer of this image was
read, every package has a name and a version.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from hardgate import saving, trivy_image
from hardgate.adapter import decode
from hardgate.errors import ReportError
from hardgate.imagefile import Facts
from hardgate.model import Gap, GapReason, ToolUse
from hardgate.saving import Saved
from hardgate.step import Context, Result, Step
from hardgate.stepkeys import StepKeys

_TOOL = trivy_image.TOOL
VERSIONS = ("1.5", "1.6", "1.7")
_PREFIX = "aquasecurity:trivy:"


class Options(StepKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`of` names the action that built the image, where there are several; `engine` as for `build`.

    `unread_exempt`: paths of the image, or globs, and why packages that Trivy cannot read there need not be listed.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"version"})
    of: str = ""
    engine: Literal["", "docker", "podman", "buildah"] = ""
    unread_exempt: dict[str, str] = msgspec.field(default_factory=dict)


class _Property(msgspec.Struct):
    name: str
    value: str = ""


class _Component(msgspec.Struct):
    type: str
    name: str
    version: str = ""
    purl: str = ""
    properties: list[_Property] = []


class _Metadata(msgspec.Struct):
    component: _Component


class _Document(msgspec.Struct, rename="camel"):
    # Without `components` nothing was looked at: Trivy writes an empty list for an image without packages.
    bom_format: str
    spec_version: str
    metadata: _Metadata
    components: list[_Component]


def _perform(context: Context) -> Result:
    return describe(context, saving.save(context, context.options.of, context.options.engine))


def describe(context: Context, saved: Saved) -> Result:
    """The document of a saved image, kept with the evidence. Raises GapError when there is none that is whole."""
    tool = context.tool(_TOOL)
    done = trivy_image.document(context, tool.command, saved.file)
    raw = done.stdout.replace(saved.file.name.encode(), saved.name.encode())
    try:
        version, packages = read(raw, saved.facts)
    except ReportError as error:
        raise context.missing(GapReason.REPORT_UNREADABLE, str(error), error.hint) from error
    context.keep("image.cdx.json", f"application/vnd.cyclonedx+json; version={version}", raw)
    unread = trivy_image.unread(context, saved.name, done.stderr, context.options.unread_exempt)
    return Result(
        gaps=(*unread, *(() if packages else (_empty(context, saved),))),
        notes=(f"{packages} packages of {saved.name}, sha256:{saved.image.sha256}",),
        tool=ToolUse(name=_TOOL, version=tool.version, digest=tool.digest, origin=tool.origin),
    )


def read(raw: bytes, facts: Facts) -> tuple[str, int]:
    """The version of CycloneDX that a document is in, and how many packages it lists.

    Raises ReportError unless it is a whole document of this image.
    """
    document = decode(raw, _Document, _TOOL)
    if document.bom_format != "CycloneDX" or document.spec_version not in VERSIONS:
        what = f"{document.bom_format} {document.spec_version}"
        raise ReportError(f"this is {what}, and CycloneDX {', '.join(VERSIONS)} are read")
    told = document.metadata.component.properties
    layers = {one.value.removeprefix("sha256:") for one in told if one.name == f"{_PREFIX}DiffID"}
    if layers != set(facts.layers):
        raise ReportError("the bill of materials is not of the layers of this image")
    packages = [one for one in document.components if one.purl]
    if nameless := [
        one.name for one in document.components if one.type == "library" and not (one.name and one.version)
    ]:
        raise ReportError(f"the bill of materials lists {nameless[0]!r} without a name or a version")
    return document.spec_version, len(packages)


def _empty(context: Context, saved: Saved) -> Gap:
    message = f"no package was recognised in {saved.name}: its bill of materials is empty"
    remedy = "A program that was linked or copied into it by hand is not seen: list it elsewhere, or leave out `sbom`."
    return context.gap(GapReason.NOT_COVERED, message, remedy)


SBOM = Step(
    name="sbom", options=Options, perform=_perform, tools=lambda _options: (_TOOL,), seconds=5.0, memory=400_000_000
)
