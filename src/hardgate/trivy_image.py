"""Trivy over the archive of an image: its command lines, the proof that it looked, and the known-bad image.

https://trivy.dev/docs/latest/guide/target/container_image/
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hardgate import imagefile, tools
from hardgate.adapter import decode
from hardgate.errors import ReportError
from hardgate.imagefile import Facts
from hardgate.model import Gap, GapReason
from hardgate.step import Context
from hardgate.trivy_said import passed_by

TOOL = "trivy"
CANARY = "canary.tar"
_RULES = Path(__file__).parent / "rules"
_QUIET = ("--no-progress", "--skip-version-check", "--disable-telemetry", "--timeout", "24h")
_OFFLINE = ("--offline-scan", "--skip-db-update", "--skip-java-db-update")
# Of the image itself: files in it that configure something were looked at in the tree.
_CONTENTS = (
    "--scanners", "secret", "--image-config-scanners", "misconfig,secret", "--skip-check-update",
    "--secret-config", str(_RULES / "trivy-secret.conf"), *_OFFLINE,
)  # fmt: skip
# Trivy passes a package by whose file it cannot read, and says so in its words for developers only.
_TOLD = ("--debug",)
_VULNERABLE = ("--scanners", "vuln", "--skip-vex-repo-update", *_TOLD)


# What the two sorts of start are told, by which their proofs are remembered.
WORDS = (_CONTENTS, _VULNERABLE)


class _System(msgspec.Struct, rename="pascal"):
    family: str = ""
    name: str = ""
    ended: bool = msgspec.field(default=False, name="EOSL")


class _Metadata(msgspec.Struct, rename="pascal"):
    system: _System | None = msgspec.field(default=None, name="OS")
    image: str = msgspec.field(default="", name="ImageID")
    layers: list[str] = msgspec.field(default_factory=list, name="DiffIDs")


class _Listed(msgspec.Struct, rename="pascal"):
    name: str = ""


class _Result(msgspec.Struct, rename="pascal"):
    type: str = ""
    kind: str = msgspec.field(default="", name="Class")
    packages: list[_Listed] | None = None


class _Document(msgspec.Struct, rename="pascal"):
    artifact_type: str
    metadata: _Metadata
    results: list[_Result] | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What Trivy says it looked at. `system` is such as `debian 12.1`, "" when it recognised none.

    `ended`: nobody mends that release any more. `installed` counts the packages of the system; `kinds` are Trivy's
    words for the sorts of other packages, with how many there are of each.
    """

    system: str
    ended: bool
    installed: int
    kinds: dict[str, int]


def contents(context: Context, command: Sequence[str], file: Path) -> tools.Completed:
    """Secrets in layers and configuration, misconfiguration, and the list of packages. Raises GapError."""
    return _start(context, command, file, ("--format", "json", *_CONTENTS), context.scratch / "trivy")


def vulnerable(
    context: Context, command: Sequence[str], file: Path, database: Path, *, online: bool
) -> tools.Completed:
    """Known vulnerabilities of the packages, by the database in Trivy's cache folder `database`. Raises GapError."""
    words = ("--format", "json", *_VULNERABLE, *(() if online else _OFFLINE))
    return _start(context, command, file, words, database)


def document(context: Context, command: Sequence[str], file: Path) -> tools.Completed:
    """The bill of materials in CycloneDX. Raises GapError."""
    return _start(context, command, file, ("--format", "cyclonedx", *_OFFLINE, *_TOLD), context.scratch / "trivy")


def _start(context: Context, command: Sequence[str], file: Path, words: Sequence[str], cache: Path) -> tools.Completed:
    # Without these Trivy looks for its configuration in the working folder; its cache of scans would be shared.
    empty = str(_RULES / "trivy.conf")
    own = ("--config", empty, "--ignorefile", empty, "--cache-dir", str(cache), "--cache-backend", "memory")
    context.places |= {str(_RULES): "$RULES", str(cache): "$CACHE"}
    return context.demand((*command, "image", *words, *_QUIET, *own, "--input", file.name), cwd=file.parent)


def seen(raw: bytes, facts: Facts) -> Seen:
    """What a report says it looked at; raises ReportError unless that is every layer of this image, in order."""
    report = decode(raw, _Document, TOOL)
    layers = tuple(one.removeprefix("sha256:") for one in report.metadata.layers)
    if report.artifact_type != "container_image" or layers != facts.layers:
        raise ReportError(
            f"trivy's report is of {len(layers)} layers, which are not the {len(facts.layers)} of the image"
        )
    if report.metadata.image.removeprefix("sha256:") != facts.config:
        raise ReportError("trivy's report is of another image than it was given")
    system = report.metadata.system or _System()
    known = system.family not in {"", "none"}
    results = report.results or []
    return Seen(
        system=f"{system.family} {system.name}".strip() if known else "",
        ended=system.ended,
        installed=sum(len(one.packages or ()) for one in results if one.kind == "os-pkgs"),
        kinds={one.type: len(one.packages or ()) for one in results if one.kind == "lang-pkgs" and one.packages},
    )


def unread(context: Context, name: str, stderr: bytes, exempt: Mapping[str, str]) -> list[Gap]:
    """A gap for each file of the image `name` that Trivy passed by; a note where `exempt`, reasons by globs, has it."""
    remedy = "Mend or remove it in the image, or say why not: {unread_exempt: {PATH: ...}}."
    gaps = []
    if len(stderr) >= tools.STDERR_LIMIT:
        message = f"{name}: trivy said more than hardgate keeps: whether it read every package is not known"
        gaps.append(context.gap(GapReason.NOT_COVERED, message, "Look at fewer packages in one image."))
    for path in passed_by(stderr):
        message = f"{name}: trivy could not read {path}: the package that it tells of was not judged"
        reason = next((why for glob, why in exempt.items() if fnmatch.fnmatchcase(path.lstrip("/"), glob)), "")
        if reason:
            context.record.notes.append(f"{message} (unread_exempt: {reason})")
        else:
            gaps.append(context.gap(GapReason.FILE_UNREAD, message, remedy))
    return gaps


def bait(folder: Path) -> tuple[Path, Facts]:
    """The known-bad image as a file in `folder`, and its facts.

    Its secret stands in a file that a later layer removes, and in a variable; its user is root; a package of Python has
    known vulnerabilities. The key is no one's, written backwards so that no scanner takes this file for a leak.
    """
    key = b"AYX7RQIFH5NMPLYQAIKA"[::-1]
    raw = imagefile.make(
        [
            {"app/settings.py": b'KEY = "' + key + b'"\n'},
            {"app/.wh.settings.py": b"", "usr/lib/python3/site-packages/Jinja2-2.4.1.dist-info/METADATA": _JINJA},
        ],
        name="hardgate/canary:1",
        run={"Env": [f"KEY={key.decode()}"], "User": "root"},
        history=("COPY . /app", "RUN rm /app/settings.py", "USER root"),
    )
    file = folder / CANARY
    file.write_bytes(raw)
    with file.open("rb") as source:
        return file, imagefile.read(source)


_JINJA = b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 2.4.1\n"
# What must be found in it: by the rule, and the end of the path.
IN_CONTENTS: tuple[tuple[str, str], ...] = (
    ("aws-access-key-id", "settings.py"), ("aws-access-key-id", CANARY), ("DS-0002", CANARY),
)  # fmt: skip
IN_PACKAGES: tuple[tuple[str, str], ...] = (("CVE-2019-10906", "METADATA"),)


def missed(findings: Sequence[Any], wanted: Sequence[tuple[str, str]]) -> list[str]:
    """The rules of `wanted` that no finding has at its place."""
    found = {(word, one.location.path) for one in findings for word in (one.rule, *one.ids)}
    return [rule for rule, end in wanted if not any(rule == word and path.endswith(end) for word, path in found)]
