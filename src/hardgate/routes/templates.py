"""Path templates of Flask, FastAPI and Django as parts, and whether a path fits them, in time linear in both.

A part is "=TEXT" for that text, or a sort of parameter. The source under scan is hostile, so that its own regular
expressions are never run: those that are not plain enough are refused.

Werkzeug's rules: https://werkzeug.palletsprojects.com/en/stable/routing/; Starlette's:
https://www.starlette.io/routing/#path-parameters; Django's: https://docs.djangoproject.com/en/stable/topics/http/urls/.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence

SEGMENT, WHOLE, INT, FLOAT, UUID, SLUG, WORD = "segment", "path", "int", "float", "uuid", "slug", "word"
DECIMAL, HEX = "decimal", "hex"  # a number that must have a point; a UUID that need not have its dashes
HOLE = "\ue000"  # what stands in a path for the value of a variable that is not known
MOST = 2_000  # characters of a path or template that are looked at
_DIGITS = frozenset(string.digits)
_WORD = frozenset(string.ascii_letters + string.digits + "_")
_SORTS: dict[str, Callable[[str], bool]] = {
    SEGMENT: lambda char: char != "/",
    WHOLE: lambda _char: True,
    INT: _DIGITS.__contains__,
    SLUG: (_WORD | {"-"}).__contains__,
    WORD: lambda char: char in _WORD or char.isalnum(),
}
_UUIDS = {
    UUID: re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    HEX: re.compile("[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}"),
}
_FLASK = {"": SEGMENT, "string": SEGMENT, "default": SEGMENT, "int": INT, "float": DECIMAL, "path": WHOLE, "uuid": UUID}
_STARLETTE = {"": SEGMENT, "str": SEGMENT, "int": INT, "float": FLOAT, "path": WHOLE, "uuid": HEX}
_DJANGO = {"": SEGMENT, "str": SEGMENT, "int": INT, "slug": SLUG, "uuid": UUID, "path": WHOLE}
_ANGLES = re.compile(r"<(?:([a-zA-Z_]\w*(?:\([^<>()]*\))?):)?[a-zA-Z_]\w*>")
_CURLY = re.compile(r"\{[a-zA-Z_]\w*(?::([a-zA-Z_]\w*))?\}")
# The groups that Django's regular expressions nearly always are made of.
_GROUP = re.compile(r"\((?:\?P<\w+>|\?:)?([^()]*)\)")
_GROUPS = {
    r"\d+": INT, "[0-9]+": INT, r"\d": INT, "[0-9]{4}": INT, r"\d{4}": INT, r"\w+": WORD, r"[\w-]+": SLUG,
    r"[-\w]+": SLUG, "[-a-zA-Z0-9_]+": SLUG, "[^/]+": SEGMENT, "[^/.]+": SEGMENT, ".+": WHOLE,
}  # fmt: skip
_PLAIN = re.compile(r"[\w/~%@=, -]*")


class TemplateError(Exception):
    """A template that is not understood; the text says which part of it."""


def flask(template: str) -> tuple[str, ...]:
    """The parts of a rule of Flask. Raises TemplateError for a converter that Werkzeug does not bring."""
    return tuple(_angles(template, _FLASK))


def django(template: str) -> tuple[str, ...]:
    """The parts of `path()`'s route. Raises TemplateError for a converter that Django does not bring."""
    return tuple(_angles(template, _DJANGO))


def starlette(template: str) -> tuple[str, ...]:
    """The parts of a path of FastAPI or Starlette. Raises TemplateError for a converter of somebody's own."""
    return tuple(_split(template, _CURLY, _STARLETTE, "{}"))


def expression(pattern: str) -> tuple[str, ...]:
    """The parts of a plain regular expression of `re_path()`. Raises TemplateError for any other."""
    text = pattern.removeprefix("^").removesuffix("$").removesuffix(r"\Z")
    found, end = list[str](), 0
    for match in _GROUP.finditer(text):
        sort = _GROUPS.get(match[1])
        if sort is None:
            raise TemplateError(f"the group {match[0]} of its regular expression")
        found += [*_literal(text[end : match.start()]), sort]
        end = match.end()
    found += _literal(text[end:])
    return tuple(found)


def ends(pattern: str) -> bool:
    """Whether a regular expression says where a path ends: without that it fits all that begin so."""
    return pattern.endswith(("$", r"\Z"))


def _literal(text: str) -> Iterator[str]:
    plain = text.replace(r"\.", "").replace(r"\-", "").replace(r"\/", "")
    if not _PLAIN.fullmatch(plain):
        raise TemplateError(f"{text!r} in its regular expression")
    if text:
        yield "=" + text.replace("\\", "")


def _angles(template: str, sorts: dict[str, str]) -> Iterator[str]:
    return _split(template, _ANGLES, sorts, "<>")


def _split(template: str, form: re.Pattern[str], sorts: dict[str, str], marks: str) -> Iterator[str]:
    if len(template) > MOST:
        raise TemplateError("a template of that length")
    end = 0
    for match in form.finditer(template):
        yield from _text(template[end : match.start()], marks)
        sort = sorts.get(match[1] or "")
        if sort is None:
            raise TemplateError(f"the converter of {match[0]}, which its framework does not bring")
        yield sort
        end = match.end()
    yield from _text(template[end:], marks)


def _text(text: str, marks: str) -> Iterator[str]:
    if any(mark in text for mark in marks):
        raise TemplateError(f"{text!r} of its template")
    if not text.isprintable():
        raise TemplateError(f"{text!r} of its template")
    if text:
        yield "=" + text


def fits(parts: Sequence[str], path: str, *, loose: bool = False) -> bool:
    """Whether a whole path fits. A hole in it stands for any parameter; `loose`: for a part of the text as well."""
    ends = {0}
    for part in parts:
        ends = _after_text(part[1:], path, ends, loose) if part[:1] == "=" else _after_parameter(part, path, ends)
    return len(path) in ends


def _after_text(text: str, path: str, starts: set[int], loose: bool) -> set[int]:
    for char in text:
        there = {at + 1 for at in starts if at < len(path) and path[at] == char}
        if loose and char != "/":
            there |= {end for at in starts if at < len(path) and path[at] == HOLE for end in (at, at + 1)}
        starts = there
    return starts


def _after_parameter(sort: str, path: str, starts: set[int]) -> set[int]:
    """Every end of a run of at least one character of the sort that begins at one of `starts`."""
    if sort in {FLOAT, DECIMAL}:
        return _after_number(path, starts, point=sort == DECIMAL)
    if sort in _UUIDS:
        ends = {one.end() for at in starts if (one := _UUIDS[sort].match(path, at))}
        return ends | _after_hole(path, starts)
    takes, found, open_ = _SORTS[sort], set[int](), False
    for at, char in enumerate(path):
        open_ = (open_ or at in starts) and (takes(char) or char == HOLE)
        if open_:
            found.add(at + 1)
    return found


def _after_hole(path: str, starts: set[int]) -> set[int]:
    return {at + 1 for at in starts if path[at : at + 1] == HOLE}


def _after_number(path: str, starts: set[int], *, point: bool) -> set[int]:
    """Every end of `1.5`, and of `1` where there need be no point."""
    found = _after_hole(path, starts)
    before = dot = behind = False
    for at, char in enumerate(path):
        digit = char in _DIGITS
        before, dot, behind = (before or at in starts) and digit, before and char == ".", (dot or behind) and digit
        if behind or (before and not point):
            found.add(at + 1)
    return found
