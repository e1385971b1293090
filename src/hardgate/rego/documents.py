"""Inputs and data: JSON and YAML files as JSON texts, read so that nothing in them can hide.

A key that stands twice is refused: which of the two counts depends on who reads. A file of several YAML documents, and
a list at the top, are as many inputs, as conftest has it
(https://github.com/open-policy-agent/conftest/blob/master/policy/engine.go).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import yaml

MAX_NODES = 300_000  # values of one YAML document with its aliases written out
_TAGS = "tag:yaml.org,2002:"
_JSON = (".json",)


class UnreadError(Exception):
    """Why a file cannot be read, as a phrase that follows its name."""


def documents(name: str, raw: bytes, *, apart: bool = True) -> list[Any]:
    """The documents that a file holds, at least one; `apart`: each member of a list is one. Raises UnreadError."""
    try:
        text = raw.decode("utf-8-sig")
        read = _json(text) if name.lower().endswith(_JSON) else _yaml(text)
    except UnicodeDecodeError as error:
        raise UnreadError(f"is not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise UnreadError("is nested too deeply") from error
    found = [one for each in read for one in (each if apart and isinstance(each, list) else [each])]
    if not found:
        raise UnreadError("holds no document")
    return found


def encoded(value: Any) -> str:
    """The value as the engine takes it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _json(text: str) -> list[Any]:
    try:
        return [json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)]
    except json.JSONDecodeError as error:
        raise UnreadError(f"is not JSON: line {error.lineno}: {error.msg}") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise UnreadError(f"is not JSON that can be read: {error}") from error


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UnreadError(f"has the key {key[:80]!r} twice in one object")
        found[key] = value
    return found


def _no_number(word: str) -> NoReturn:
    raise UnreadError(f"holds {word}, which is no JSON")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise UnreadError(f"holds {word[:40]}, which is too large a number")
    return number


def _yaml(text: str) -> list[Any]:
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise UnreadError(f"is not YAML: {where}{getattr(error, 'problem', None) or error}") from error
    budget = [MAX_NODES]
    found = [_plain(node, budget, frozenset()) for node in nodes if node is not None]
    # `---` alone is no document.
    return [one for one in found if one is not None]


def _plain(node: yaml.Node, budget: list[int], above: frozenset[int]) -> Any:
    """A node as JSON has it, aliases written out."""
    budget[0] -= 1
    if budget[0] < 0:
        raise UnreadError(f"has more than {MAX_NODES:,} values with its aliases written out")
    if id(node) in above:
        raise UnreadError(f"has an alias to itself, line {node.start_mark.line + 1}")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    above = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, budget, above) for one in node.value]
    return _mapping(node, budget, above)


def _mapping(node: yaml.Node, budget: list[int], above: frozenset[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise UnreadError(f"has a key that is no text, line {key.start_mark.line + 1}")
        plain = _plain(value, budget, above)
        if key.tag == f"{_TAGS}merge":
            for one in reversed(plain if isinstance(plain, list) else [plain]):
                merged |= one if isinstance(one, Mapping) else {}
            continue
        if key.value in found:
            raise UnreadError(f"has the key {key.value[:80]!r} twice, line {key.start_mark.line + 1}")
        found[key.value] = plain
    return merged | found


def _scalar(node: yaml.ScalarNode) -> Any:
    """YAML 1.1's words, as Kubernetes reads them; dates, tags and all else stay text."""
    kind, text = node.tag.removeprefix(_TAGS), node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"yes", "true", "on"}
    if kind == "int" and re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,300})", text):
        return int(text)
    if kind in {"int", "float"}:
        return _number(text, kind)
    return text


def _number(text: str, kind: str) -> Any:
    try:
        number = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise UnreadError(f"has a number that cannot be read: {text[:40]!r}") from error
    if kind == "float" and isinstance(number, float) and not math.isfinite(number):
        raise UnreadError(f"holds {text[:40]!r}, which JSON cannot say")
    return number
