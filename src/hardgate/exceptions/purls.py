"""Package URLs, as far as two of them must be compared: https://github.com/package-url/purl-spec."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from hardgate.model import Package

_FORM = re.compile(r"pkg:/*(?P<type>[A-Za-z][A-Za-z0-9.+-]*)/(?P<name>[^@?#\s]+)(?:@(?P<version>[^?#\s]+))?")
# The types whose names have no case; in pypi `_` is `-` too (purl-spec, types/pypi-definition.json).
_NO_CASE = frozenset({"pypi", "github", "bitbucket", "composer", "deb", "npm"})
_TYPES = {"PyPI": "pypi", "npm": "npm", "Go": "golang", "Maven": "maven", "RubyGems": "gem", "crates.io": "cargo",
          "NuGet": "nuget", "Packagist": "composer"}  # fmt: skip


class Purl(NamedTuple):
    """What of a package URL is compared: qualifiers and subpath are not."""

    type: str
    name: str
    version: str


def parse(text: str) -> Purl | None:
    """The parts of a package URL, None when it is none."""
    whole = text.partition("#")[0].partition("?")[0]
    # npm scopes may be written `@scope/name` although the at sign should be encoded.
    match = _FORM.fullmatch(re.sub(r"/@", "/%40", whole, count=1))
    if match is None:
        return None
    kind, name = match["type"].lower(), unquote(match["name"]).strip("/")
    name = name.lower() if kind in _NO_CASE else name
    return Purl(kind, name.replace("_", "-") if kind == "pypi" else name, unquote(match["version"] or ""))


def of(package: Package) -> Purl | None:
    """The parts of a package's URL, made of its ecosystem and name where no tool told it."""
    if package.purl:
        return parse(package.purl)
    kind = _TYPES.get(package.ecosystem)
    name = package.name.replace(":", "/") if kind == "maven" else package.name
    return parse(f"pkg:{kind}/{name}@{package.version}") if kind else None


def covers(text: str, package: Package | None) -> bool:
    """Whether a package URL names this package: without a version it names all of them."""
    wanted, found = parse(text), of(package) if package else None
    if wanted is None or found is None:
        return False
    return wanted[:2] == found[:2] and wanted.version in {"", found.version}
