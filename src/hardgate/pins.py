"""Reads requirements files: which releases they pin, and what in them names no release.

The format is pip's: https://pip.pypa.io/en/stable/reference/requirements-file-format/. A line that pins one release
(`name==version`) can be looked up in vulnerability data. Every other line that would install something is a gap, as no
tool can say whether what will be installed is vulnerable.
"""

from __future__ import annotations

import codecs
import itertools
import posixpath
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from hardgate.model import Gap, GapReason

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# Options that change where packages come from or how they are installed, and name no package themselves.
_HARMLESS = frozenset(
    (
        *("-i", "--index-url", "--pypi-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--trusted-host"),
        *("--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--pre", "--use-feature"),
    )
)
_INCLUDES = ("-r", "--requirement")
_CONSTRAINTS = ("-c", "--constraint")
_COMMENT = re.compile(r"(?<!\S)#.*$")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMED, _NAMELESS = "named", "nameless"
_UNPINNED = "is not pinned to one release"
_SHOWN = 80  # characters of a line that a message quotes
_PIN_REMEDY = "Pin it to one release with == (pip-compile or uv pip compile does that for the whole file)."


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One release that a requirements file asks for; `name` is as written, `line` counts from 1."""

    name: str
    version: str
    line: int


class Unjudged(msgspec.Struct, frozen=True, kw_only=True):
    """A line that would install something of which the release is not known, and why; `named` when it has a name."""

    line: int
    text: str
    why: str
    named: bool


class Requirements(msgspec.Struct, frozen=True, kw_only=True):
    """What a requirements file says. `includes` are the files it names with -r, as written, with their lines."""

    pins: tuple[Pin, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    includes: tuple[tuple[str, int], ...] = ()


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A requirements file made ready for a tool that reads only exact pins.

    `content` replaces the file for the tool, b"" when there is nothing that it could judge; lines keep their place.
    `gaps` are the lines left out.
    """

    content: bytes
    gaps: tuple[Gap, ...] = ()


def is_requirements(path: str) -> bool:
    """Whether `path` is a requirements file by its name.

    `requirements*.txt`, `*requirements.txt` and `requirements/*.txt`. Constraints files install nothing and are none.
    """
    folder, name = posixpath.split(path.lower())
    if not name.endswith(".txt") or name.startswith("constraints"):
        return False
    return (
        name.startswith("requirements") or name.endswith("requirements.txt") or folder.split("/")[-1] == "requirements"
    )


def read(content: bytes) -> Requirements:
    """Read a requirements file; raises UnicodeDecodeError when it is not text."""
    pins: list[Pin] = []
    unjudged: list[Unjudged] = []
    includes: list[tuple[str, int]] = []
    for number, line in _logical_lines(_text(content)):
        match _statement(line, number):
            case "":
                continue
            case Pin() as pin:
                pins.append(pin)
            case ("include", target):
                includes.append((target, number))
            case (named, why):
                unjudged.append(Unjudged(line=number, text=line, why=why, named=named == _NAMED))
    return Requirements(pins=tuple(pins), unjudged=tuple(unjudged), includes=tuple(includes))


def prepare(path: str, content: bytes, in_scope: Collection[str]) -> Prepared:
    """Keep only the exact pins of the requirements file `path`; everything else becomes a gap that names its line.

    Environment markers are dropped on purpose: pip-audit 2.10 silently leaves out what does not apply to the Python
    that it runs on itself. Includes are dropped too: pip-audit ignores them, and an included file in scope is read in
    its own right; one that is not in scope is a gap.
    """
    try:
        found = read(content)
    except UnicodeDecodeError as error:
        return Prepared(content=b"", gaps=(_not_text(path, error),))
    gaps = [_gap(path, line.line, f"{_shown(line.text)} {line.why}, so it was not judged") for line in found.unjudged]
    gaps += _absent(path, found, in_scope)
    return Prepared(content=_exact_file(found.pins), gaps=tuple(gaps))


def prepare_list(path: str, content: bytes, in_scope: Collection[str]) -> Prepared:
    """The requirements file `path` for a tool that lists what is required, with or without a release.

    Lines with -r are emptied: an included file in scope is listed in its own right, and one that is not is a gap, as is
    a line without a name, which no list can hold.
    """
    try:
        found = read(content)
    except UnicodeDecodeError as error:
        return Prepared(content=b"", gaps=(_not_text(path, error),))
    nameless = [line for line in found.unjudged if not line.named]
    gaps = [_gap(path, line.line, f"{_shown(line.text)} {line.why}, so it is not listed") for line in nameless]
    gaps += _absent(path, found, in_scope)
    dropped = {line for _, line in found.includes} | {line.line for line in nameless}
    kept = {number: line for number, line in _logical_lines(_text(content)) if number not in dropped}
    return Prepared(content=_rows(kept) if _lists(found) else b"", gaps=tuple(gaps))


def _lists(found: Requirements) -> bool:
    """Whether any line names a package."""
    return bool(found.pins) or any(line.named for line in found.unjudged)


def _absent(path: str, found: Requirements, in_scope: Collection[str]) -> list[Gap]:
    missing = ((target, line) for target, line in found.includes if _beside(path, target) not in in_scope)
    return [_gap(path, line, f"includes {target}, {_NOT_IN_SCOPE}", _INCLUDE_REMEDY) for target, line in missing]


_NOT_IN_SCOPE = "which is not among the files in scope, so it was not judged"
_INCLUDE_REMEDY = "Give it a name like requirements-base.txt, or take it into the scope, so that it is read as well."


def _beside(path: str, target: str) -> str:
    """The path, relative to the root, of a file that `path` names relative to itself."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _text(content: bytes) -> str:
    """Decode as pip does: by byte order mark, else UTF-8."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode()


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, continuations joined and comments cut off; a comment ends a continuation."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), start=1):
        start = start if parts else number
        comment = line.lstrip().startswith("#")
        parts.append(" " + line if comment else line.rstrip("\\") if line.endswith("\\") else line)
        if line.endswith("\\") and not comment:
            continue
        yield start, _COMMENT.sub("", "".join(parts)).strip()
        parts = []
    if parts:
        yield start, _COMMENT.sub("", "".join(parts)).strip()


def _statement(line: str, number: int) -> Pin | tuple[str, str] | str:
    """What one line means: a pinned requirement, ("include", file), (_NAMED or _NAMELESS, why), "" for nothing."""
    # Here and not above: a run of which everything is known reads no requirement, and needs not wait for this.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 (loaded where it is needed)

    if not line:
        return ""
    if line.startswith("-"):
        return _option(line)
    if "${" in line:
        return _NAMELESS, "depends on an environment variable"
    words = itertools.takewhile(lambda word: not word.startswith("-"), line.split())
    try:
        requirement = Requirement(" ".join(words))
    except InvalidRequirement:
        return _NAMELESS, "is an address or a path, or no requirement"
    if requirement.url:
        return _NAMED, "is installed from an address and names no release"
    version = _exact(requirement)
    return Pin(name=requirement.name, version=version, line=number) if version else (_NAMED, _UNPINNED)


def _option(line: str) -> tuple[str, str] | str:
    try:
        words = shlex.split(line)
    except ValueError:
        return _NAMELESS, "cannot be read"
    option, _, value = words[0].partition("=")
    rest = [value] if value else words[1:]
    for known in (*_INCLUDES, *_CONSTRAINTS):
        glued = not known.startswith("--") and option.startswith(known) and len(option) > len(known)
        if option == known or glued:
            target = words[0][len(known) :] if glued else " ".join(rest)
            return ("include", target) if known in _INCLUDES else ""
    if option in _HARMLESS or option[:2] in ("-i", "-f"):
        return ""
    return _NAMELESS, "is installed from a folder or an address and names no release"


def _exact(requirement: Requirement) -> str:
    """The one version that the requirement allows, "" when it is not pinned or its version is none of PEP 440's."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 (loaded where it is needed)

    for specifier in requirement.specifier:
        if specifier.operator in ("==", "===") and not specifier.version.endswith(".*"):
            try:
                return str(Version(specifier.version))
            except InvalidVersion:
                return ""
    return ""


def _exact_file(pins: Iterable[Pin]) -> bytes:
    """Each pin on its line. A second version of the same name is written in other letter case.

    Lock files name two versions of a package under different markers. pip-audit 2.10 refuses that for one spelling of
    a name, and judges both when the spellings differ. Should a release refuse them, it fails, which is a gap.
    """
    from packaging.utils import canonicalize_name  # noqa: PLC0415 (loaded where it is needed)

    versions: dict[str, list[str]] = {}
    rows: dict[int, str] = {}
    for pin in pins:
        name = canonicalize_name(pin.name)
        known = versions.setdefault(name, [])
        if pin.version not in known:
            rows[pin.line] = f"{_spelling(name, len(known))}=={pin.version}"
            known.append(pin.version)
    return _rows(rows)


def _rows(rows: Mapping[int, str]) -> bytes:
    """A file with the given lines at their numbers and empty ones between them."""
    return "".join(rows.get(number, "") + "\n" for number in range(1, max(rows, default=0) + 1)).encode()


def _spelling(name: str, number: int) -> str:
    """The name with the letters upper-cased whose bit is set in `number`: 0 leaves it as it is."""
    letters = [index for index, char in enumerate(name) if char.isalpha()]
    upper = {index for bit, index in enumerate(letters) if number >> bit & 1}
    return "".join(char.upper() if index in upper else char for index, char in enumerate(name))


def _gap(path: str, line: int, what: str, remedy: str = _PIN_REMEDY) -> Gap:
    return Gap(reason=GapReason.NOT_COVERED, path=path, message=f"{path} line {line}: {what}.", remedy=remedy)


def _not_text(path: str, error: UnicodeDecodeError) -> Gap:
    message = f"{path} is not text at byte {error.start} ({error.reason}), so no requirement in it was judged."
    return Gap(reason=GapReason.FILE_UNREAD, path=path, message=message, remedy="Save the file as UTF-8.")


def _shown(text: str) -> str:
    """A line for a message: without credentials in addresses or hashes, and short."""
    text = re.sub(r"://[^/@\s]+@", "://***@", text)
    text = re.sub(r"\s+--hash[= ]\S+", "", text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
