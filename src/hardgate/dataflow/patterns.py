"""Regular expressions for addresses: whether what they match can lead to another host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

_Token = tuple[str, object]
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_OTHERS = "/?#@\\: \t"  # characters that end a host name, or what is before it
_SHORTEST = 4  # characters of a fixed end such as ".com"


def leading(tree: Iterable[tuple[object, object]], may: Callable[[_Token, str], bool], *, ends: bool) -> frozenset[str]:
    """The families for which an address that begins as these tokens of `re` say is harmless.

    `may` tells whether a token can hold a character, `ends` whether nothing follows what is matched.
    """
    tokens = [one for one in _flat(tree) if one[0] != "AT"]
    if _local(tokens, may):
        return frozenset({"redirect"})
    rest = _behind_scheme(tokens)
    if rest is None:
        return frozenset({"ssrf"}) if ends and _host(tokens, may, ends=True) else frozenset()
    return frozenset({"ssrf", "redirect"}) if _host(rest, may, ends=ends) else frozenset()


def groups(tree: Iterable[tuple[object, object]]) -> Iterator[tuple[int, Iterable[tuple[object, object]]]]:
    """The groups of a regular expression with their numbers."""
    for kind, value in tree:
        word = str(kind)
        if word == "SUBPATTERN" and isinstance(value, tuple):
            if isinstance(value[0], int):
                yield value[0], value[-1]
            yield from groups(value[-1])
        elif word in _REPEATS | {"ATOMIC_GROUP"} and isinstance(value, tuple):
            yield from groups(value[-1])
        elif word == "BRANCH" and isinstance(value, tuple):
            for one in value[1]:
                yield from groups(one)


def _flat(tree: Iterable[tuple[object, object]]) -> Iterator[_Token]:
    for kind, value in tree:
        word = str(kind)
        if word in {"SUBPATTERN", "ATOMIC_GROUP"} and isinstance(value, tuple):
            yield from _flat(value[-1])
        elif word in _REPEATS and isinstance(value, tuple) and value[0] >= 1:
            yield from _flat(value[-1])  # once for sure, then perhaps again
            if value[1] != 1:
                yield ("AGAIN", list(value[-1]))
        elif word in _REPEATS and isinstance(value, tuple):
            yield ("AGAIN", list(value[-1]))
        else:
            yield (word, value)


def _literal(token: _Token) -> str:
    return chr(token[1]) if token[0] == "LITERAL" and isinstance(token[1], int) else ""


def _local(tokens: list[_Token], may: Callable[[_Token, str], bool]) -> bool:
    """One slash, then something that is sure to be there and is no second one."""
    if len(tokens) < 2 or _literal(tokens[0]) != "/":  # noqa: PLR2004 (a number of parts)
        return False
    following = tokens[1]
    if following[0] == "ASSERT_NOT" and isinstance(following[1], tuple):
        refused = [("AGAIN", list(following[1][-1]))]
        return all(any(may(one, character) for one in refused) for character in "/\\")
    if following[0] == "AGAIN":
        # It may be missing: then what follows it must not be a slash either.
        return not any(may(one, character) for one in tokens[1:] for character in "/\\\t")
    return not any(may(following, character) for character in "/\\\t\n")


def _behind_scheme(tokens: list[_Token]) -> list[_Token] | None:
    """The tokens behind `http://`, `https?://`; None when there is no such beginning."""
    text = "".join(_literal(one) or "?" for one in tokens[:9])
    for start in ("https://", "http://", "http?://", "wss://", "ws://"):
        if text.startswith(start) and (start != "http?://" or tokens[4][0] == "AGAIN"):
            return tokens[len(start) :]
    return None


def _host(tokens: list[_Token], may: Callable[[_Token, str], bool], *, ends: bool) -> bool:
    """Whether the host's end is written in the pattern, and nothing before it can end the host early."""
    fixed = ""
    for token in tokens:
        character = _literal(token)
        if (character and character in "/?#") or _end(token):
            return "." in fixed and len(fixed) >= _SHORTEST
        if character:
            fixed += character
        elif token[0] == "AGAIN" and fixed.endswith(tuple("abcdefghijklmnopqrstuvwxyz")) and not _among(token, may):
            continue  # a port, or nothing
        elif any(may(token, one) for one in _OTHERS):
            return False
        else:
            fixed = ""
    return ends and "." in fixed and len(fixed) >= _SHORTEST


def _end(token: _Token) -> bool:
    """Whether it is `(/|$)` or `[/?#]`: what ends a host."""
    kind, value = token
    if kind == "IN" and isinstance(value, list):
        return all(_literal((str(one), code)) in set("/?#") for one, code in value)
    if kind == "BRANCH" and isinstance(value, tuple):
        firsts: list[tuple[object, object]] = [next(iter(one), ("", "")) for one in value[1]]
        return all(
            _literal((str(one), code)) in set("/?#") or (str(one) == "AT" and "END" in str(code))
            for one, code in firsts
        )
    return False


def _among(token: _Token, may: Callable[[_Token, str], bool]) -> bool:
    return not may(token, ":") or may(token, "a")
