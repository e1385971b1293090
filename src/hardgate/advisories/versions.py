"""The versions of each ecosystem as values that compare as that ecosystem says.

PyPI: PEP 440. npm and Go: Semantic Versioning 2.0.0. Maven: https://maven.apache.org/pom.html#version-order-specification.
Debian: https://www.debian.org/doc/debian-policy/ch-controlfields.html#version. The libraries are imported when the
first version is compared: they cost a third of a second.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from hardgate.advisories.records import base

# What SemVer 2.0.0 allows, and two liberties that OSV's records and Go take: a `v`, and missing last numbers.
_SEMVER = re.compile(
    r"[vV]?(?P<core>\d+(?:\.\d+){0,2})(?P<pre>-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
# "release" is the same as nothing; the library knows only "ga" and "final" as such.
_MAVEN_RELEASE = re.compile(r"(?i)(?<=[.-])release(?=[.-]|$)")
_MAVEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+~-]*", re.ASCII)
_LONGEST = 300  # characters: no release has more, and parsing must stay cheap


class NotComparableError(ValueError):
    """A version that its ecosystem's rules cannot order, or an ecosystem whose rules are not known here."""


def normal(ecosystem: str, name: str) -> str:
    """A package's name in the one form that the database files it under."""
    kind = base(ecosystem)
    if kind == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()  # PEP 503
    # A purl has Go's modules and Debian's packages in small letters (purl-spec, types golang and deb).
    return name.lower() if kind in {"Go", "Debian"} else name


def comparable(ecosystem: str) -> bool:
    """Whether the versions of an ecosystem can be compared here."""
    return base(ecosystem) in _PARSERS


def parse(ecosystem: str, text: str) -> Any:
    """A version as a value that orders; only values of one ecosystem compare. Raises NotComparableError."""
    parser = _PARSERS.get(base(ecosystem))
    if parser is None:
        raise NotComparableError(f"versions of {ecosystem} cannot be compared here")
    if not text or len(text) > _LONGEST:
        raise NotComparableError(f"{text[:40]!r} is no version of {base(ecosystem)}")
    return parser(text)


def public(ecosystem: str, text: str) -> str:
    """The release that a version is a build of: PEP 440 has `2.0+cu118` as a build of 2.0, with the same holes."""
    return text.partition("+")[0] if base(ecosystem) == "PyPI" else text


@functools.lru_cache(maxsize=65_536)
def _pypi(text: str) -> Any:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 (loaded where it is needed)

    try:
        return Version(text)
    except InvalidVersion as error:
        raise NotComparableError(f"{text!r} is no version by PEP 440") from error


@functools.lru_cache(maxsize=65_536)
def _semver(text: str) -> Any:
    from univers.versions import SemverVersion  # noqa: PLC0415 (loaded where it is needed)

    match = _SEMVER.fullmatch(text)
    if match is None:
        raise NotComparableError(f"{text!r} is no semantic version")
    # Without its build metadata, which does not count (SemVer 10) and which the library counts.
    return _built(SemverVersion, match["core"] + (match["pre"] or "")).value


@functools.lru_cache(maxsize=65_536)
def _maven(text: str) -> Any:
    from univers.versions import MavenVersion  # noqa: PLC0415 (loaded where it is needed)

    if not _MAVEN.fullmatch(text):
        raise NotComparableError(f"{text!r} is no version of Maven")
    return _built(MavenVersion, _MAVEN_RELEASE.sub("ga", text)).value


@functools.lru_cache(maxsize=65_536)
def _debian(text: str) -> Any:
    from univers.versions import DebianVersion  # noqa: PLC0415 (loaded where it is needed)

    return _built(DebianVersion, text).value


def _built(kind: Callable[[str], Any], text: str) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise NotComparableError(f"{text!r} cannot be compared: {error}") from error


_PARSERS: dict[str, Callable[[str], Any]] = {
    "PyPI": _pypi, "npm": _semver, "Go": _semver, "Maven": _maven, "Debian": _debian,
}  # fmt: skip
ECOSYSTEMS = tuple(_PARSERS)
