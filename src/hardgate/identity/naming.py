"""The fingerprints of one finding: each made of what does not change while the problem is the same.

An id (code, secret, dependency) holds the path, and its digest has 64 digits. The others are compared between runs by
pairing.py, together with the path that git says the file had then; they leave the path out and have 32 digits.
"""

from __future__ import annotations

import functools
import hmac
import posixpath
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from hardgate.errors import ConfigError
from hardgate.identity.linehash import LineHashes
from hardgate.identity.scopes import scopes
from hardgate.model import Finding, Kind

ID_LENGTH = 16
KEY_VARIABLE = "HARDGATE_IDENTITY_KEY"
_KEY_LENGTH = 32  # characters that a key must have at least
_SHORT = 32
# CVE first: the one name that all databases share.
_ADVISORIES = ("CVE-", "GHSA-", "PYSEC-", "OSV-", "SNYK-")
# Package URLs of what the system of an image installs: https://github.com/package-url/purl-spec (PURL-TYPES).
_OF_A_SYSTEM = ("pkg:apk/", "pkg:deb/", "pkg:rpm/", "pkg:alpm/", "pkg:oci/", "pkg:docker/")
_INSTALLED = re.compile(r"(^|/)(site-packages|dist-packages|node_modules|gems)/")
_DASHES, _VERSION, _BEYOND = re.compile("[-_.]+"), re.compile("@[^@/]*$"), re.compile("[?#]")
# What a tool names an image's system packages by: `python:3.4-alpine (alpine 3.9.2)`.
_IMAGE = re.compile(r".+ \((\S+) [^)]*\)")


def key_of(words: str) -> bytes:
    """The key for the hashes of secrets, b"" for none given. Raises ConfigError for one that could be guessed."""
    if words and len(words) < _KEY_LENGTH:
        hint = f"Nothing was run. Make one: openssl rand -hex 32. Without {KEY_VARIABLE} no value is hashed at all."
        raise ConfigError(f"{KEY_VARIABLE} has {len(words)} characters, and needs {_KEY_LENGTH} or more", hint=hint)
    return words.encode("utf-8", "surrogateescape")


def key_name(key: bytes) -> str:
    """8 digits by which a key is told from another; "" for no key."""
    return hmac.digest(key, b"hardgate: the name of this key", "sha256").hex()[:8] if key else ""


class Text:
    """One file as far as fingerprints need it; hashes and scopes are made once, when the first finding asks.

    `lines` are as the scanner saw them (the ids are made of these), `original` as they are in the repository;
    `counted` says how often a fingerprint that leaves the path out was made in this file.
    """

    def __init__(self, path: str, lines: Sequence[str], original: Sequence[str]) -> None:
        self._path, self._lines, self._original = path, lines, original
        self._hashes: LineHashes | None = None
        self._asked: Iterable[int] = ()
        self._scopes: list[str] | None = None
        self._read = False
        self.counted: dict[str, int] = {}

    def code(self, line: int | None) -> str:
        """The code of a line as the scanner saw it, "" for a line that is not there."""
        return self._lines[line - 1] if line and line <= len(self._lines) else ""

    def expect(self, lines: Iterable[int]) -> None:
        """These lines will be asked for: their hashes are made together."""
        self._asked = lines

    def hash(self, line: int | None) -> str:
        """GitHub's hash of a line, "" for a line that is not there."""
        if not line or line < 1 or not self._original:
            return ""
        if self._hashes is None:
            self._hashes = LineHashes(self._original)
            self._hashes.make(self._asked)
        return self._hashes.of(line)

    def scope(self, line: int | None) -> str | None:
        """The scope of a line, None where the file has none that we can read."""
        if not self._read:
            self._scopes = scopes(self._path, self._original)
            self._read = True
        return self._scopes[line - 1] if self._scopes is not None and line and 1 <= line <= len(self._scopes) else None


class Namer:
    """Makes the fingerprints of the findings of one action, in reading order: the counts depend on it.

    `key` makes the hashes of secrets, b"" for none of them.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key, self._key_name = key, key_name(key)
        # By the first fingerprint of its kind, which the finding holds anyway: a million keys of their own are a lot.
        self._counted: dict[str, int] = {}
        self._aliased: dict[str, int] = {}

    def fingerprints(self, finding: Finding, text: Text) -> dict[str, str]:
        """The first one is the finding's id. `finding` still has the mark of a secret's value, where there is one."""
        line = finding.location.line
        code = " ".join(text.code(line).split())
        parts = identifying(finding, code)
        prints = {parts[0]: _counting("\0".join(parts), self._counted)}
        if finding.package:
            prints |= self._of_package(finding, parts)
        elif finding.kind is Kind.SECRET:
            # Nothing that is made of the line: whoever knows the rest of it could try passwords.
            return prints | self._of_value(finding)
        if not finding.location.commit and (hashed := text.hash(line)):
            prints["line/v1"] = hashed
        if code and not finding.package:
            self._of_place(finding, text, code, prints)
        return prints

    def _of_package(self, finding: Finding, parts: tuple[str, ...]) -> dict[str, str]:
        """One for each other name of the advisory: what it would be called if only that were known."""
        name, purl, first, path = parts
        prints = {}
        for alias in aliases(finding):
            if alias != first:
                prints[_alias_name(alias)] = _counting(f"{name}\0{purl}\0{alias}\0{path}", self._aliased)
        if place := _in_image(finding):
            prints["image/v1"] = _counting(f"image/v1\0{purl}\0{first}\0{place}", self._counted)[:_SHORT]
        return prints

    def _of_value(self, finding: Finding) -> dict[str, str]:
        """HMAC-SHA-256 (RFC 2104): without the key no password can be tried against it, however short."""
        mark = finding.fingerprints.get("mark", "")
        if not (mark and self._key):
            return {}
        value = f"secret/v2\0{mark}\0{finding.location.path}"
        name = _digest(f"{value}\x000")
        count = self._counted[name] = self._counted.get(name, -1) + 1
        counted = f"{value}\0{count}".encode("utf-8", "surrogatepass")
        return {f"secret/{self._key_name}/v2": hmac.digest(self._key, counted, "sha256").hex()[:_SHORT]}

    def _of_place(self, finding: Finding, text: Text, code: str, prints: dict[str, str]) -> None:
        rule, scope = finding.rule, text.scope(finding.location.line)
        prints["place/v1"] = _counting(f"place/v1\0{rule}\0{scope or ''}\0{code}", text.counted)[:_SHORT]
        if scope is not None:
            prints["scope/v1"] = _counting(f"scope/v1\0{rule}\0{scope}", text.counted)[:_SHORT]


def _counting(parts: str, counted: dict[str, int]) -> str:
    """The digest of the parts, with a NUL between them, and of how often the same parts came before."""
    first = _digest(f"{parts}\x000")
    count = counted[first] = counted.get(first, -1) + 1
    return _digest(f"{parts}\0{count}") if count else first


def identifying(finding: Finding, code: str) -> tuple[str, ...]:
    """What the id of a finding is made of, beside a count; the algorithm comes first.

    `code` is that of its line, with all white space folded to single spaces.
    """
    where = finding.location
    if finding.package:
        purl = unversioned(finding.package.purl) or f"{finding.package.ecosystem}/{finding.package.name}"
        return ("dependency/v1", purl, advisory(finding), where.path)
    if finding.kind is Kind.SECRET:
        return ("secret/v1", finding.rule, where.path, where.commit)
    return ("code/v1", finding.rule, where.path, code)


def unversioned(purl: str) -> str:
    """A package URL up to its version: https://github.com/package-url/purl-spec. A scope may be written with an @."""
    return _VERSION.sub("", _BEYOND.split(purl, maxsplit=1)[0])


def advisory(finding: Finding) -> str:
    """The one name of an advisory: its CVE if it has one, else the first of the known kinds, else the rule."""
    return next(iter(aliases(finding)), finding.rule)


def aliases(finding: Finding) -> tuple[str, ...]:
    """All names that an advisory has in the known databases, those that most databases share first."""
    return _known_names(finding.ids, finding.rule)


@functools.lru_cache(maxsize=4096)  # each finding asks several times, and so do others of the same advisory
def _known_names(ids: tuple[str, ...], rule: str) -> tuple[str, ...]:
    names = sorted(name for name in {*ids, rule} if name.startswith(_ADVISORIES))
    return tuple(name for prefix in _ADVISORIES for name in names if name.startswith(prefix))


@functools.lru_cache(maxsize=4096)
def _alias_name(alias: str) -> str:
    return f"dependency/{alias}/v1"


def pypi_name(name: str) -> str:
    """A package's name as PEP 503 compares names."""
    return _DASHES.sub("-", name).lower()


def _in_image(finding: Finding) -> str:
    """Where an installed package lies in an image, without what a new build changes; "" for one of a tree's manifests.

    Neither the image's name, tag and digest nor a layer are in it; of the system its name without its release.
    """
    package, path = finding.package, finding.location.path
    if package is None:
        return ""
    if package.purl.startswith(_OF_A_SYSTEM):
        system = _IMAGE.fullmatch(path)
        return system[1] if system else posixpath.dirname(path) or "system"
    if _INSTALLED.search(path):
        return path.replace(package.version, "") if package.version else path
    return ""


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
