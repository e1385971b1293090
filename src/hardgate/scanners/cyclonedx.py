"""cyclonedx: the bill of materials of a requirements file, made by cyclonedx-bom and kept with the evidence.

The document is CycloneDX 1.6 in JSON: https://cyclonedx.org/docs/1.6/json/. It judges nothing: no findings.
"""

from __future__ import annotations

import dataclasses

import msgspec

from hardgate import pins
from hardgate.adapter import Canary, Job, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import Gap, GapReason, Report

_TOOL = "cyclonedx"
_SPECIFICATION = "1.6"


class _Named(msgspec.Struct):
    name: str
    version: str = ""


class _Tools(msgspec.Struct):
    components: list[_Named] = []


class _Metadata(msgspec.Struct):
    tools: _Tools | None = None


class _Document(msgspec.Struct, rename="camel"):
    # `components` is not there at all when the tool found no requirement.
    bom_format: str
    spec_version: str
    version: int
    metadata: _Metadata
    components: list[_Named] = []


def _split(job: Job) -> tuple[Job, ...]:
    return tuple(dataclasses.replace(job, subject=path) for path in job.files)


def prepare(job: Job, content: bytes) -> pins.Prepared:
    """The requirements file `job.subject` without includes and lines that name nothing, with a gap for what is lost.

    cyclonedx-py 7.5 follows includes, which lists a package in several documents and gives it a random bom-ref; it
    drops a line that it cannot read without a word and exits 0.
    """
    return pins.prepare_list(job.subject, content, frozenset(job.files))


def _argv(job: Job) -> tuple[str, ...]:
    # The schema check of the tool itself takes seconds; our tests hold its output against the schema instead.
    form = ("--spec-version", _SPECIFICATION, "--output-format", "JSON", "--output-reproducible", "--no-validate")
    return (*job.command, "requirements", *form, *job.args, f"./{job.subject}")


def _parse(raw: bytes) -> Report:
    document = decode(raw, _Document, _TOOL)
    if document.bom_format != "CycloneDX" or not document.spec_version.startswith("1."):
        raise ReportError(f"this is {document.bom_format} {document.spec_version}, not a CycloneDX 1.x document")
    if any(not component.name for component in document.components):
        raise ReportError("the CycloneDX document has a component without a name")
    made_by = document.metadata.tools.components if document.metadata.tools else []
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
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=Canary(
        files={"requirements.txt": b"jinja2==2.4.1\n"},
        outputs=(b'"pkg:pypi/jinja2@2.4.1"', b'"specVersion": "1.6"'),
    ),
    selects=pins.is_requirements,
    split=_split,
    prepare=prepare,
    makes="application/vnd.cyclonedx+json; version=1.6",
    seconds=1.0,
    memory=60_000_000,
)
