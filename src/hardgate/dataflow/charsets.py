"""Which characters a checked text may still hold, and which of them are dangerous for what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from re import _parser as parser  # type: ignore[attr-defined]  # the one that `re` itself uses

from hardgate.dataflow.patterns import groups, leading
from hardgate.dataflow.values import Mark

# What an attacker needs, for each family. A text that can hold none of these is harmless for it: an identifier, a
# number, a plain word. Each family's module says why.
DANGEROUS: dict[str, frozenset[str]] = {
    "sql": frozenset("'\"`; ()\\\n\t"),
    "command": frozenset(";&|$`<>() '\"\\\n*?~"),
    "code": frozenset("("),
    "ldap": frozenset("*()\\\0"),
    "xpath": frozenset("'\"[]()/"),
    "path": frozenset("/"),
    "ssrf": frozenset("./:@?#\\"),
    "xss": frozenset("<"),  # as text of a page; the next three are other places in it (markup.context)
    "xss-attr": frozenset("\"'"),
    "xss-word": frozenset(" \t\n\"'<>=`();:/\\"),
    "xss-url": frozenset(":"),
    "template": frozenset("{"),
    "redirect": frozenset("/\\"),
    "header": frozenset("\r\n"),
    "directive": frozenset("\r\n;,"),
    "trust": frozenset("aA0"),  # no shape of a text makes it true
    "xml": frozenset("<&"),
    "unpickle": frozenset("(.\n"),
    "log": frozenset("\r\n"),
}
FAMILIES = frozenset(DANGEROUS)
SHAPED = FAMILIES - {"trust"}  # what a check on the form of a text (a number, a word) makes it harmless for
_LINES = frozenset({"header", "log"})
_ALL = frozenset().union(*DANGEROUS.values()) | frozenset("aA0.-_%")
_TRAVERSAL = ".."


def harmless(mark: Mark, family: str) -> bool:
    """Whether data with this mark can no longer do harm of this family."""
    if family in mark.safe or DANGEROUS.get(family, frozenset("\0")) <= mark.gone:
        return True
    if family == "path":
        # Neither up nor to the root: "^/" says that it does not begin with a slash.
        return not mark.gone.isdisjoint({_TRAVERSAL, "../", "^.."}) and "^/" in mark.gone
    return family == "redirect" and {"^host", "^scheme"} <= mark.gone


def safe_with(allowed: Callable[[str], bool]) -> frozenset[str]:
    """The families for which a text of allowed characters is harmless."""
    return frozenset(family for family, needed in DANGEROUS.items() if not any(map(allowed, needed)))


def safe_after(pattern: str, *, whole: bool, start: bool = False) -> frozenset[str]:
    """The families for which a text that this regular expression matches is harmless.

    `whole`: it must match the whole text (`fullmatch`); `start`: it must match from the beginning (`match`).
    """
    try:
        tree = list(parser.parse(pattern))
    except (re.error, OverflowError, RecursionError):
        return frozenset()
    anchored = [str(one[1]) for one in tree if str(one[0]) == "AT"]
    begins = whole or start or "AT_BEGINNING" in anchored[:1] or "AT_BEGINNING_STRING" in anchored[:1]
    ends = whole or (bool(tree) and str(tree[-1][0]) == "AT" and str(tree[-1][1]) in {"AT_END", "AT_END_STRING"})
    if not begins:
        return frozenset()
    found = addressed(_literal_start(tree)) | leading(tree, lambda one, character: _token(*one, character), ends=ends)
    if not ends:
        return found
    allowed = {one for one in _ALL if _may(tree, one)}
    # `$` also matches before a newline at the end, which matters where lines do.
    loose = _LINES if not whole and str(tree[-1][1]) == "AT_END" else frozenset()
    return (FAMILIES if _finite(tree) else safe_with(allowed.__contains__) | found) - loose


def safe_groups(pattern: str) -> dict[str | int, frozenset[str]]:
    """For each group of a regular expression, by number and by name: the families for which its text is harmless."""
    try:
        parsed = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return {}
    found: dict[str | int, frozenset[str]] = {0: _safe_tree(list(parsed))}
    for number, tree in groups(parsed):
        found[number] = _safe_tree(list(tree))
    names = {name: found.get(number, frozenset()) for name, number in parsed.state.groupdict.items()}
    return {**found, **names}


def _safe_tree(tree: list[tuple[object, object]]) -> frozenset[str]:
    if _finite(tree):
        return FAMILIES
    shaped = leading(tree, lambda one, character: _token(*one, character), ends=True)
    return safe_with(lambda one: _may(tree, one)) | addressed(_literal_start(tree)) | shaped


def _finite(tree: Iterable[tuple[object, object]]) -> bool:
    """Whether it matches some words only, which stand in the code."""
    for kind, value in tree:
        if str(kind) == "BRANCH" and isinstance(value, tuple):
            if not all(_finite(one) for one in value[1]):
                return False
        elif str(kind) == "SUBPATTERN" and isinstance(value, tuple):
            if not _finite(value[-1]):
                return False
        elif str(kind) == "IN" and isinstance(value, list):
            # `d(e|k)` is parsed as `d[ek]`.
            if not all(str(one) == "LITERAL" for one, _ in value):
                return False
        elif str(kind) not in {"LITERAL", "AT"}:
            return False
    return True


def addressed(fixed: str) -> frozenset[str]:
    """The families for which an address that begins like this is harmless: the beginning says where it leads.

    "\1" stands for a part of it that is not known, and not from outside.
    """
    if _HOSTED.match(fixed) or _FIXED.match(fixed):
        return frozenset({"ssrf", "redirect", "xss-url"})
    if _LOCAL.match(fixed):
        return frozenset({"redirect", "xss-url"})
    return frozenset({"xss-url"}) if re.match(r"https?://|[/#?]", fixed) else frozenset()


_HOSTED = re.compile(r"(?i)[a-z\x01][a-z0-9+.\x01-]*://[^/?#\\]+[/?#]")  # a scheme, a host, and the end of the host
_FIXED = re.compile(r"\x01(?!:?//?$|:?//)[^/?#\\]*[/?#]")  # an address of ours, then a path
_LOCAL = re.compile(r"/[\w.~\x01-]|[\w.~\x01-]+[/?#]|[?#]|mailto:|tel:")  # a path or a query on this host


def _literal_start(tree: Iterable[tuple[object, object]]) -> str:
    text = ""
    for kind, value in tree:
        if str(kind) == "AT":
            continue
        if str(kind) != "LITERAL" or not isinstance(value, int):
            break
        text += chr(value)
    return text


def removed_by(pattern: str) -> tuple[frozenset[str], frozenset[str]]:
    """What `re.sub(pattern, "", x)` leaves harmless: the families, and the single characters that are gone."""
    try:
        tree = list(parser.parse(pattern))
    except (re.error, OverflowError, RecursionError):
        return frozenset(), frozenset()
    tree = _unwrapped(tree)
    if len(tree) != 1 or str(tree[0][0]) not in {"IN", "NOT_LITERAL", "LITERAL"}:
        return frozenset(), frozenset()
    gone = frozenset(one for one in _ALL if _may(tree, one))
    return safe_with(lambda one: one not in gone), gone


def _unwrapped(tree: list[tuple[object, object]]) -> list[tuple[object, object]]:
    while len(tree) == 1 and str(tree[0][0]) in {"MAX_REPEAT", "MIN_REPEAT", "SUBPATTERN", "POSSESSIVE_REPEAT"}:
        inner = tree[0][1]
        if isinstance(inner, tuple) and str(tree[0][0]) != "SUBPATTERN" and inner[0] > 1:
            return tree
        tree = list(inner[-1]) if isinstance(inner, tuple) else tree
    return tree


def _may(tree: Iterable[tuple[object, object]], character: str) -> bool:
    """Whether a text that these tokens match may hold the character."""
    return any(_token(str(kind), value, character) for kind, value in tree)


def _token(kind: str, value: object, character: str) -> bool:  # noqa: PLR0911 - one line for each kind of token
    code = ord(character)
    if kind == "LITERAL":
        return value == code
    if kind == "NOT_LITERAL":
        return value != code
    if kind == "ANY":
        return character != "\n"
    if kind == "IN" and isinstance(value, list):
        return _set(value, character)
    if kind == "BRANCH" and isinstance(value, tuple):
        return any(_may(one, character) for one in value[1])
    if kind == "AGAIN":
        return _may(value, character)  # type: ignore[arg-type]  # the test before has shown what it is
    if kind in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT", "SUBPATTERN", "ATOMIC_GROUP"}:
        return _may(value[-1] if isinstance(value, tuple) else value, character)  # type: ignore[arg-type]  # the test before has shown what it is
    return kind not in {"AT", "ASSERT", "ASSERT_NOT"}


def _set(tokens: list[tuple[object, object]], character: str) -> bool:
    negated = bool(tokens) and str(tokens[0][0]) == "NEGATE"
    inside = any(_member(str(kind), value, character) for kind, value in tokens if str(kind) != "NEGATE")
    return inside is not negated


def _member(kind: str, value: object, character: str) -> bool:
    code = ord(character)
    if kind == "LITERAL":
        return value == code
    if kind == "RANGE" and isinstance(value, tuple):
        return bool(value[0] <= code <= value[1])
    if kind == "CATEGORY":
        word = {
            "WORD": character.isalnum() or character == "_",
            "DIGIT": character.isdigit(),
            "SPACE": character.isspace(),
        }
        name = str(value).removeprefix("CATEGORY_")
        return not word.get(name.removeprefix("NOT_"), True) if name.startswith("NOT_") else word.get(name, True)
    return True
