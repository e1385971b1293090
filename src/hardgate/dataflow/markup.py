"""Text on its way into a page: which part of the page a value lands in, and what escaping is enough there.

Contexts and the escaping each needs: OWASP Cross Site Scripting Prevention Cheat Sheet,
https://cheatsheetseries.owasp.org/cheatsheets/Cross_Site_Scripting_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import dataclasses
import re

from hardgate.dataflow import charsets
from hardgate.dataflow.values import Mark, Value, made_safe, mapped

MARKUP = "<markup>"  # name of a text that escapes what is put into it (markupsafe); lost when it becomes part of a text
ESCAPED = ("xss", "xss-attr", "xml")
ANYWHERE = ("xss", "xss-attr", "xss-word", "xss-url", "xml")
_NEEDED = {"quoted": ("xss-attr",), "url": ("xss-attr", "xss-url"), "word": ("xss-word",)}
_ADDRESSES = frozenset({"href", "src", "action", "formaction", "data", "poster", "xlink:href", "background"})
_TAG = re.compile(r"<[a-z/!?][^<>]*\Z|<[a-z][^<]*\Z", re.IGNORECASE)
_OPENING = re.compile(r"""=\s*(["'])[^"']*\Z""")
_ATTRIBUTE = re.compile(r"""([\w:.@-]+)\s*=\s*(?:"([^"]*)(")?|'([^']*)(')?|([^\s"'>]*))""")


def context(before: str) -> str:
    """Where in a page the text goes on after this: "text", "quoted" (attribute), "url" (its beginning) or "word".

    "word" are the places where escaping HTML does not help: a script, a style, an attribute without quotes.
    """
    lowered = before.lower()
    for element in ("script", "style"):
        start = lowered.rfind(f"<{element}")
        if start >= 0 and ">" in lowered[start:] and f"</{element}" not in lowered[start:]:
            return "word"
    tag = _TAG.search(before)
    return _within(tag[0]) if tag is not None else "text"


def _within(tag: str) -> str:
    if re.match(r"<[!?/]", tag):
        return "text"
    place, name, value, open_quote = 0, "", "", False
    bare = False
    for one in _ATTRIBUTE.finditer(tag):
        quoted, single = one[2] is not None, one[4] is not None
        open_quote = (quoted and one[3] is None) or (single and one[5] is None)
        bare = not quoted and not single and one.end() == len(tag)
        name, value, place = one[1].lower(), one[2] or one[4] or one[6] or "", one.end()
        if open_quote or bare:
            break
    if bare:
        return "word"
    if not open_quote:
        # Past a `>` the tag has ended; a name of a tag or of an attribute is a word.
        return "text" if ">" in tag[place:] else "word"
    if name.startswith("on") or name == "style":
        return "word"
    return "url" if name in _ADDRESSES and not value.strip() else "quoted"


def placed(piece: Value, before: str) -> Value:
    """The piece where it follows this text: what was escaped, but not for this place, can do harm again."""
    if "<" not in before or not any("xss" in mark.safe or "<" in mark.gone for mark in piece.deep()):
        return piece
    place = context(before)
    needed = _NEEDED.get(place)
    if needed is None:
        return piece
    opening = _OPENING.search(before)

    def change(mark: Mark) -> Mark:
        if place == "word" and "<" in mark.gone and not before.endswith("="):
            return mark  # JSON in a script, with its brackets replaced
        missing = [family for family in needed if not charsets.harmless(mark, family)]
        if missing == ["xss-attr"] and opening is not None and opening[1] in mark.gone:
            return mark
        return dataclasses.replace(mark, safe=mark.safe - {"xss"}, gone=mark.gone - {"<"}) if missing else mark

    return mapped(piece, change)


def escaped(value: Value) -> Value:
    """The value as markupsafe puts it into a text: escaped, unless it is markup itself."""
    return value if MARKUP in value.names else made_safe(value, ESCAPED)


def undone(value: Value, families: tuple[str, ...]) -> Value:
    """The value after an escaping was taken back."""
    return mapped(value, lambda mark: dataclasses.replace(mark, safe=mark.safe - frozenset(families)))


def as_markup(value: Value, name: str = "markupsafe.Markup()") -> Value:
    """The same text as markup."""
    return value.but(names=value.names | {MARKUP, name}, kind="text")
