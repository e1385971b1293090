"""The rules of a namespace asked about one input, with the semantics of conftest, and without its silent passes.

conftest takes for a success what is no set of messages, a rule that is undefined, and a message that is neither text
nor an object with `msg` (https://github.com/open-policy-agent/conftest/blob/master/policy/engine.go). Here these are
gaps, or findings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hardgate.rego.library import Engine, RegoError
from hardgate.rego.modules import Module

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_ADDRESS_KEYS = ("address", "resource", "resource_address")
_ID_KEYS = ("id", "rule_id", "short_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """The modules of one package. `rules` are its judging rules, each with whether it is a set of messages."""

    name: str
    reference: str
    rules: Mapping[str, bool]
    notes: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Answer:
    """What one namespace says of one input: `found` as the report has them, `broken` as sentences."""

    found: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def namespaces(modules: Iterable[Module]) -> dict[str, Namespace]:
    """The packages of some modules by name, those without a judging rule among them."""
    together: dict[str, list[Module]] = {}
    for module in modules:
        together.setdefault(module.name, []).append(module)
    return {name: _namespace(name, parts) for name, parts in together.items()}


def _namespace(name: str, parts: list[Module]) -> Namespace:
    rules: dict[str, bool] = {}
    times: dict[str, int] = {}
    notes: dict[str, Mapping[str, Any]] = {}
    for module in parts:
        for rule, is_set in module.rules.items():
            rules[rule] = rules.get(rule, True) and is_set
            times[rule] = times.get(rule, 0) + module.count[rule]
        notes |= module.notes
    # Of several definitions with one name nobody can tell which one a message came from; the annotation of scope
    # `document` is about all of them.
    told = {rule: note for rule, note in notes.items() if times.get(rule, 1) == 1 or note.get("scope") == "document"}
    return Namespace(name=name, reference=reference(parts[0].package), rules=rules, notes=told)


def reference(package: Iterable[str]) -> str:
    """A package as a reference that any name may be part of: `data["a"]["b-c"]`."""
    return "data" + "".join(f"[{json.dumps(part)}]" for part in package)


def judge(engine: Engine, namespace: Namespace, given: str) -> Answer:
    """Ask all rules of a namespace about the input `given` (JSON)."""
    answer = Answer()
    values = _values(engine, namespace, given, answer)
    excepted = set(_texts(values.pop("exception", [])))
    for rule, value in values.items():
        if not isinstance(value, list):
            # An object may be all undefined parts: what it means is not known.
            answer.broken.append(f"{rule} is no set of messages (write `{rule} contains message if ...`)")
            continue
        short = rule.partition("_")[2]
        for one in value:
            answer.found.append(_found(namespace, rule, one, excepted=bool({rule, short} & excepted)))
    return answer


def _values(engine: Engine, namespace: Namespace, given: str, answer: Answer) -> dict[str, Any]:
    """The value of each rule: all in one evaluation, and one by one where that fails, to name what is broken."""
    wanted = [*namespace.rules, "exception"]
    parts = (f"{json.dumps(rule)}: {_query(namespace, rule)}" for rule in wanted)
    try:
        asked = engine.value("{" + ", ".join(parts) + "}", given)
    except RegoError as error:
        if error.code != "eval_error":
            raise
        asked = {rule: _alone(engine, namespace, rule, given, answer) for rule in wanted}
    values = {}
    for rule, rows in asked.items():
        if rows:
            values[rule] = rows[0]
        elif rule != "exception" and rows is not None and not namespace.rules[rule]:
            answer.broken.append(f"{rule} is undefined: it is no set of messages, and nobody can tell what that means")
    return values


def _query(namespace: Namespace, rule: str) -> str:
    return f"[value | value := {namespace.reference}[{json.dumps(rule)}]]"


def _alone(engine: Engine, namespace: Namespace, rule: str, given: str, answer: Answer) -> list[Any] | None:
    try:
        rows = engine.value(_query(namespace, rule), given)
    except RegoError as error:
        answer.broken.append(f"{rule} could not be evaluated: {error}")
        return None
    return rows if isinstance(rows, list) else []


def _found(namespace: Namespace, rule: str, one: Any, *, excepted: bool) -> dict[str, Any]:
    """One message as the report has it, with what the object or the rule's annotation tells beside."""
    told = one if isinstance(one, dict) else {}
    more = told.get("metadata") if isinstance(told.get("metadata"), dict) else {}
    note = namespace.notes.get(rule, namespace.notes.get("", {}))
    custom = note.get("custom") if isinstance(note.get("custom"), dict) else {}
    places = [place for place in (told, more, custom) if isinstance(place, dict)]
    message = one if isinstance(one, str) else told.get("msg")
    title = note.get("title")
    return {
        "namespace": namespace.name,
        "rule": rule,
        "id": next((text for text in _under(places, _ID_KEYS) if _ID.fullmatch(text)), ""),
        "message": message if isinstance(message, str) and message.strip() else title or "The rule gives no message.",
        "severity": next((str(place["severity"]).strip() for place in places if "severity" in place), None),
        "address": next(_under(places[:-1], _ADDRESS_KEYS), ""),
        "url": next(_under(places, ("url", "details_url")), ""),
        "excepted": excepted,
    }


def _under(places: Iterable[Mapping[str, Any]], keys: Iterable[str]) -> Iterator[str]:
    """The texts under any of these keys, in the order of the places."""
    for place in places:
        for key in keys:
            value = place.get(key)
            if isinstance(value, str) and value.strip():
                yield value.strip()


def _texts(value: Any) -> Iterator[str]:
    """What `exception[_][_]` gives: the names in any of its members."""
    members = value if isinstance(value, list) else value.values() if isinstance(value, dict) else []
    for member in members:
        inner = member if isinstance(member, list) else member.values() if isinstance(member, dict) else []
        yield from (one for one in inner if isinstance(one, str))
