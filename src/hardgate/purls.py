"""Package URLs of packages that a report names by ecosystem, name and release only.

https://github.com/package-url/purl-spec, PURL-TYPES.
"""

from __future__ import annotations

from urllib.parse import quote

# By the names that OSV gives to ecosystems (https://ossf.github.io/osv-schema/#defined-ecosystems).
_TYPES = {
    "PyPI": "pypi", "npm": "npm", "Go": "golang", "Maven": "maven", "RubyGems": "gem", "Packagist": "composer",
    "crates.io": "cargo", "NuGet": "nuget", "Pub": "pub", "Hex": "hex",
}  # fmt: skip


def of(ecosystem: str, name: str, version: str) -> str:
    """The package URL of a release of a package; "" for an ecosystem that is none of these."""
    if ecosystem not in _TYPES:
        return ""
    plain = name.lower().replace("_", "-") if ecosystem == "PyPI" else name
    plain = plain.replace(":", "/") if ecosystem == "Maven" else plain
    release = f"@{quote(version)}" if version else ""
    return f"pkg:{_TYPES[ecosystem]}/{quote(plain, safe='/.-_~')}{release}"
