"""What Trivy says on its standard error only: files that it could not read, versions that it could not compare."""

from __future__ import annotations

import re

from hardgate.adapter import brief
from hardgate.model import Gap, GapReason

_UNREAD = re.compile(rb'\tERROR\t\[(?P<part>[^\]]+)\] [^\t]*\t.*?file_path="(?P<path>(?:[^"\\]|\\.)+)"')
_UNCOMPARED = re.compile(rb'\tWARN\t[^\n]*Version matching error[^\n]*err="((?:[^"\\\n]|\\.)+)"')
_NO_DATABASE = (b"cannot be specified on the first run", b"failed to download vulnerability DB", b"DB error")


# What an analysis of an image passes by in silence (pkg/fanal/analyzer/analyzer.go): only `--debug` tells of it.
_PASSED_BY = re.compile(rb"\tDEBUG\t(?:\[[^\]]*\] )?(?:Analysis|Walk) error\t[^\n]*")
_WHERE = re.compile(rb'file_path="((?:[^"\\]|\\.)+)"|failed to parse ([^\s:"]+): ')


def passed_by(stderr: bytes) -> tuple[str, ...]:
    """The files of an image in which a package should stand, and that Trivy could not read, each once.

    Where it does not name the file, its own words about it.
    """
    lines = _PASSED_BY.findall(stderr)
    found = [(line, _WHERE.search(line)) for line in lines]
    names = (
        _text(place[1] or place[2]) if place else brief(_text(line.partition(b"err=")[2])) for line, place in found
    )
    return tuple(dict.fromkeys(names))


def complaints(stderr: bytes) -> tuple[Gap, ...]:
    """What Trivy says on its standard error only: files that it could not parse (it ends with 0), and a missing DB."""
    found = [line for line in map(_UNREAD.search, stderr.splitlines()) if line]
    # A file is named once for each reading.
    unread = dict.fromkeys((_text(line["part"]), _text(line["path"])) for line in found)
    gaps = [_unread(part, path) for part, path in unread]
    gaps += [_not_compared(text) for text in dict.fromkeys(_UNCOMPARED.findall(stderr))]
    if any(words in stderr for words in _NO_DATABASE):
        gaps.append(_WITHOUT_DATABASE)
    return tuple(gaps)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _not_compared(text: bytes) -> Gap:
    return Gap(
        reason=GapReason.NOT_COVERED,
        message=f"trivy could not compare a version with an advisory: {brief(_text(text))}.",
        remedy="Look for that version in the lock files, and name the release as its ecosystem writes releases.",
    )


def _unread(part: str, path: str) -> Gap:
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=path,
        message=f"trivy's {part} could not read the file: it was not judged.",
        remedy="Mend its syntax, or leave it out with trivy: {exclude: [...]}.",
    )


_WITHOUT_DATABASE = Gap(
    reason=GapReason.DATA_UNAVAILABLE,
    message="trivy has no vulnerability database and could not download one: no dependency was judged by it.",
    remedy="Import advisories (hardgate advisories import), name a folder that has Trivy's database "
    "(trivy: {cache_dir: DIR}), or leave vulnerabilities to others: trivy: {scanners: [misconfig, secret, license]}.",
)
