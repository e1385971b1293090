"""Hadolint: Dockerfiles, and with ShellCheck's rules the shell lines in them.

Report: https://github.com/hadolint/hadolint (`--format json`, a bare list), read in the shape of 2.x.
"""

from __future__ import annotations

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "hadolint"

# Hadolint's levels grade style, not risk: "MAINTAINER is deprecated" is an error. So its words count one step lower
# here than they sound, and what a rule means for security is said rule by rule below.
_LEVELS = {"error": Severity.MEDIUM, "warning": Severity.LOW, "info": Severity.INFO, "style": Severity.INFO}

# Rules that bear on security, or sound as if they did: severity, CWE, what to do. The comments say whose judgement.
_RATED: dict[str, tuple[Severity, str, str]] = {
    # Trivy's DS-0002 (HIGH): who breaks out of the process is root.
    "DL3002": (Severity.HIGH, "CWE-250", "End the Dockerfile with a USER that is not root."),
    # Trivy's DS-0010 rates sudo CRITICAL; in a build step it is a wrong tool more than a hole.
    "DL3004": (Severity.MEDIUM, "CWE-250", "Run the step as root before USER, or use gosu in the entry point."),
    # Trivy's DS-0001 (MEDIUM): what is built today is not what is built tomorrow.
    "DL3006": (Severity.MEDIUM, "CWE-1357", "Name a version, better a digest: FROM image:1.2.3@sha256:..."),
    "DL3007": (Severity.MEDIUM, "CWE-1357", "Name a version, better a digest: FROM image:1.2.3@sha256:..."),
    # Ours: hardgate.yaml says which registries are trusted, so another one is a breach of the user's own rule.
    "DL3026": (Severity.HIGH, "CWE-829", "Take the image from a trusted registry, or add the registry to the list."),
    # Ours: MAINTAINER is out of fashion, and that is all.
    "DL4000": (Severity.INFO, "", "Use LABEL org.opencontainers.image.authors instead."),
    # Ours: a failed download in a pipe goes unnoticed, and the image is built without what it should hold.
    "DL4006": (Severity.LOW, "CWE-390", 'Add SHELL ["/bin/bash", "-o", "pipefail", "-c"] before the RUN.'),
}

# A Dockerfile (DL1000) or a shell line (SC1072, SC1073) that could not be parsed: its other rules were not applied.
_UNPARSED = frozenset({"DL1000", "SC1072", "SC1073"})


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`trusted_registries`: an image from any other registry is a finding (DL3026); empty: all are allowed."""

    trusted_registries: tuple[str, ...] = ()


class _Failure(msgspec.Struct):
    file: str
    line: int
    code: str
    level: str
    message: str


def _argv(job: Job) -> tuple[str, ...]:
    trusted = (word for registry in job.options.trusted_registries for word in ("--trusted-registry", registry))
    inline = () if job.honour_inline else ("--disable-ignore-pragma",)
    files = (f"./{path}" for path in job.files)
    return (*job.command, "--format", "json", "--no-color", *inline, *trusted, *job.args, "--", *files)


def _parse(raw: bytes) -> Report:
    failures = refuse_empty(decode(raw, list[_Failure], _TOOL), _TOOL)
    found = [one for one in failures if one.code not in _UNPARSED]
    return Report(
        findings=tuple(map(_finding, found)),
        gaps=(
            *(_unread(one) for one in failures if one.code in _UNPARSED),
            *(gap for one in found for gap in _unrated(one)),
        ),
    )


def _unread(one: _Failure) -> Gap:
    first = one.message.partition("\n")[0]
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=one.file,
        message=f"Hadolint could not parse {one.file}, line {one.line} ({one.code}: {first}).",
        remedy="Mend the line, or exclude the file.",
    )


def _unrated(one: _Failure) -> tuple[Gap, ...]:
    if one.code in _RATED or one.level in _LEVELS:
        return ()
    message = f"Hadolint rates {one.code} {one.level!r}, which hardgate does not know; it counts as high."
    remedy = f"Rate it in hardgate.yaml: severity: {{{one.code}: low}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, path=one.file, message=message, remedy=remedy),)


def _finding(one: _Failure) -> Finding:
    rated = _RATED.get(one.code)
    return Finding(
        scanner=_TOOL,
        rule=one.code,
        kind=Kind.MISCONFIGURATION,
        severity=rated[0] if rated else _LEVELS.get(one.level, Severity.HIGH),
        severity_from="adapter" if rated else "tool",
        message=one.message,
        location=Location(path=one.file, line=one.line or None, end_line=one.line or None),
        cwe=(rated[1],) if rated and rated[1] else (),
        fix=rated[2] if rated else "",
        url=_page(one.code),
    )


def _page(code: str) -> str:
    if code.startswith("SC"):
        return f"https://www.shellcheck.net/wiki/{code}"
    return f"https://github.com/hadolint/hadolint/wiki/{code}"


def _selects(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name in {"dockerfile", "containerfile"} or name.startswith(("dockerfile.", "containerfile.")) or (
        name.endswith((".dockerfile", ".containerfile"))
    )  # fmt: skip


HADOLINT = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    canary=Canary(files={"Dockerfile": b"FROM scratch\nUSER root\n"}, rules=("DL3002",)),
    selects=_selects,
    configs=lambda path: path in {".hadolint.yaml", ".hadolint.yml"},
    planted=True,
    seconds=0.3,
    memory=120_000_000,
)
