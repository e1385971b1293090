"""What the families' checks have in common."""

from __future__ import annotations

from collections.abc import Iterable

from hardgate.dataflow.charsets import harmless
from hardgate.dataflow.frame import Call, Check
from hardgate.dataflow.values import Mark, Value, accounted

Checks = dict[str, tuple[Check, ...]]


def harmful(value: Value | None, family: str, *, deep: bool = True) -> list[Mark]:
    """The marks of data from outside that can still do harm of this family, the first to come in first."""
    if value is None:
        return []
    marks = value.deep() if deep else value.marks
    return sorted(
        (mark for mark in marks if not harmless(mark, family)), key=lambda one: (one.path, one.line, one.source)
    )


def refuse(call: Call, value: Value | None, family: str, rule: str, message: str, *, deep: bool = True) -> bool:
    """Report when data from outside that can do harm of this family is in the value."""
    marks = harmful(value, family, deep=deep)
    if value is not None:
        outcome = "harmful" if marks else "harmless" if accounted(value) else "open"
        call.frame.analysis.judge(call.frame, call.node, rule, outcome)
    if marks:
        first = marks[0]
        call.report(
            rule,
            f"{message} The data comes from the request ({first.source}, {first.path}:{first.line}).",
            first.source,
        )
    return bool(marks)


def table(*rows: tuple[Check, Iterable[str]]) -> Checks:
    """CHECKS from pairs of a check and the names that it asks for."""
    found: dict[str, tuple[Check, ...]] = {}
    for check, names in rows:
        for name in names:
            found[name] = (*found.get(name, ()), check)
    return found
