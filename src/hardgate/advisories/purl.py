"""Package URLs (https://github.com/package-url/purl-spec) as OSV's packages.

OSV's page on ecosystems says which type belongs to which: https://ossf.github.io/osv-schema/#affectedpackage-field.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import msgspec

from hardgate.advisories.records import Package

_ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm", "maven": "Maven", "golang": "Go", "deb": "Debian"}
_JOINED_BY = {"Maven": ":", "npm": "/", "Go": "/"}


class PurlError(ValueError):
    """Not a package URL that names one release of a package that can be judged; the text says why."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One release of a package, as OSV names it, and the purl that it comes from."""

    purl: str
    package: Package
    version: str


def read(purl: str) -> Release:
    """The release that a purl names; raises PurlError."""
    scheme, _, rest = purl.partition(":")
    if scheme.lower() != "pkg" or not rest:
        raise PurlError("it is no package URL, which begins with pkg:")
    rest = rest.partition("#")[0].lstrip("/")
    rest, _, query = rest.partition("?")
    path, _, version = rest.rpartition("@") if "@" in rest.rpartition("/")[2] else (rest, "", "")
    kind, _, name = path.partition("/")
    ecosystem = _ECOSYSTEMS.get(kind.lower())
    if ecosystem is None:
        raise PurlError(f"packages of type {kind[:40] or 'nothing'} cannot be judged here")
    parts = [unquote(part) for part in name.split("/") if part]
    if not parts:
        raise PurlError("it names no package")
    if not version:
        raise PurlError("it names no version")
    qualifiers = dict(parse_qsl(query))
    if ecosystem == "Debian":
        return _debian(purl, parts, unquote(version), qualifiers)
    if ecosystem == "Maven" and len(parts) < 2:  # noqa: PLR2004 (a number of parts)
        raise PurlError("it names no group, which Maven needs")
    return Release(
        purl=purl,
        package=Package(ecosystem, _JOINED_BY.get(ecosystem, "/").join(parts)),
        version=unquote(version),
    )


def _debian(purl: str, parts: list[str], version: str, qualifiers: dict[str, str]) -> Release:
    """Debian's advisories are of source packages and one release: both stand in the qualifiers."""
    if parts[0].lower() != "debian":
        raise PurlError(f"packages of {parts[0][:40]} cannot be judged here")
    release = qualifiers.get("distro", "").removeprefix("debian-").partition(".")[0]
    if not release.isdigit():
        raise PurlError("it does not say of which release of Debian it is (?distro=debian-12)")
    if (epoch := qualifiers.get("epoch", "")) and ":" not in version:
        version = f"{epoch}:{version}"
    source, _, other = qualifiers.get("upstream", "").partition("@")
    return Release(purl=purl, package=Package(f"Debian:{release}", source or parts[-1]), version=other or version)
