"""What stands in a Rego module, from the syntax tree that OPA's own parser makes of it.

The tree is that of the built-in `rego.parse_module`
(https://www.openpolicyagent.org/docs/policy-reference/builtins/rego).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from hardgate.rego.library import Engine, RegoError

# What would let a policy reach out of the evaluation: the network, the environment, and schemas by address, which may
# be one of the network or of a file.
FORBIDDEN = frozenset({"http.send", "json.match_schema", "json.verify_schema", "net.lookup_ip_addr", "opa.runtime"})
# As conftest knows them: https://github.com/open-policy-agent/conftest/blob/master/policy/engine.go
_JUDGING = re.compile(r"(deny|violation|warn)(_[a-zA-Z0-9]+)*")
_TEST = re.compile(r"test_.+")
_HEAD = re.compile(r"(?:default\s+)?([A-Za-z_][A-Za-z0-9_]*)")

Path = tuple[str | int, ...]


class PolicyError(Exception):
    """Why a policy cannot be taken, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One policy file.

    `rules` are the names of its judging rules, each with whether it is a set of messages (`deny contains ...`); `count`
    tells how many definitions each has. `reads` are the places of `input` that its rules, tests aside, look at: () for
    the input as a whole. `notes` are the annotations of rules ("" for those of the package).
    """

    file: str
    package: tuple[str, ...]
    rules: dict[str, bool]
    count: dict[str, int]
    tests: tuple[str, ...]
    reads: frozenset[Path]
    notes: dict[str, dict[str, Any]]

    @property
    def name(self) -> str:
        """The package as conftest writes a namespace."""
        return ".".join(self.package)


def read(engine: Engine, file: str, text: str) -> Module:
    """The module; raises PolicyError for one that does not parse or uses what is forbidden."""
    try:
        tree = engine.value("rego.parse_module(input.file, input.text)", json.dumps({"file": file, "text": text}))
    except RegoError as error:
        raise PolicyError(_told(str(error))) from error
    if not isinstance(tree, dict):
        raise PolicyError("it holds no package")
    used = sorted({name for path in _refs(tree) if (name := _dotted(path)) in FORBIDDEN})
    if used:
        raise PolicyError(f"it uses {', '.join(used)}, by which a policy could reach the network or the machine")
    rules = [rule for rule in tree.get("rules") or [] if not rule.get("default")]
    named = [(_name(rule), rule) for rule in rules]
    judging = [(name, rule) for name, rule in named if _JUDGING.fullmatch(name)]
    return Module(
        file=file,
        package=tuple(str(part["value"]) for part in tree["package"]["path"][1:]),
        rules={name: _is_set(rule) for name, rule in judging},
        count={name: sum(one == name for one, _ in judging) for name, _ in judging},
        tests=tuple(dict.fromkeys(name for name, _ in named if _TEST.fullmatch(name))),
        reads=frozenset(_reads(tree, [rule for name, rule in named if not _TEST.fullmatch(name)])),
        notes=_annotations(tree, text),
    )


def _told(said: str) -> str:
    """The parser's first complaint, with a word where it is about the syntax of OPA before 1.0."""
    first = next((line.strip() for line in said.splitlines() if "rego_parse_error" in line), said.splitlines()[0])
    old = "keyword is required" in said
    hint = " (that is the syntax of OPA before 1.0: rewrite it with `opa fmt --write --v0-v1`)" if old else ""
    return f"{first}{hint}"


def _name(rule: dict[str, Any]) -> str:
    head = rule["head"]
    parts = head.get("ref") or []
    return str(parts[0]["value"]) if parts else str(head.get("name", ""))


def _is_set(rule: dict[str, Any]) -> bool:
    head = rule["head"]
    return "key" in head and "value" not in head and len(head.get("ref") or [None]) == 1


def _refs(node: Any, *, targets: bool = True) -> Iterator[list[dict[str, Any]]]:
    """Every reference in a part of the tree; without `targets` those that `with` replaces are left out."""
    if isinstance(node, list):
        for one in node:
            yield from _refs(one, targets=targets)
    elif isinstance(node, dict):
        if node.get("type") == "ref" and isinstance(node.get("value"), list):
            yield node["value"]
        elif node.get("type") == "var":
            yield [node]
        for key, value in node.items():
            if key != "target" or targets:
                yield from _refs(value[1:] if node.get("type") == "ref" and key == "value" else value, targets=targets)


def _dotted(ref: list[dict[str, Any]]) -> str:
    return ".".join(str(part.get("value")) for part in ref if part.get("type") in {"var", "string"})


def _reads(tree: dict[str, Any], rules: list[dict[str, Any]]) -> Iterator[Path]:
    imported = [one["path"] for one in tree.get("imports") or []]
    for ref in _refs([*imported, *rules], targets=False):
        if ref and ref[0] == {"type": "var", "value": "input"}:
            yield _ground(ref[1:])


def _ground(parts: list[dict[str, Any]]) -> Path:
    found: list[str | int] = []
    for part in parts:
        if part["type"] == "string":
            found.append(str(part["value"]))
        elif part["type"] == "number" and isinstance(part["value"], int):
            found.append(part["value"])
        else:
            break
    return tuple(found)


def there(path: Path, document: Any) -> bool:
    """Whether a document has this place; as a whole it is looked at when there is anything in it."""
    if not path:
        return document not in ({}, [], None)
    for part in path:
        inside = part in document if isinstance(document, dict) else _index(document, part)
        if not inside:
            return False
        document = document[part]
    return True


def _index(document: Any, part: str | int) -> bool:
    return isinstance(document, list) and isinstance(part, int) and 0 <= part < len(document)


def _annotations(tree: dict[str, Any], text: str) -> dict[str, dict[str, Any]]:
    """The annotations (https://www.openpolicyagent.org/docs/policy-language#metadata) by the rule that follows them."""
    lines = text.splitlines()
    comments = {
        one["Location"]["row"]: base64.b64decode(one["Text"]).decode("utf-8", "replace")
        for one in tree.get("comments") or []
    }
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(comments):
        if comments[row].strip() != "METADATA":
            continue
        end = row + 1
        while end in comments:
            end += 1
        after = next((line.strip() for line in lines[end - 1 :] if line.strip()), "")
        head = _HEAD.match(after)
        name = "" if after.startswith("package") else head[1] if head else ""
        note = _note("\n".join(comments[at] for at in range(row + 1, end)))
        if after and note:
            found[name] = note
    return found


def _note(text: str) -> dict[str, Any]:
    try:
        note = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}  # OPA's parser has refused it already, where it is an annotation at all
    return note if isinstance(note, dict) else {}
