"""What a call of something from outside the project gives when no more is known of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import UNKNOWN, Value, accounted, join, made_safe

Result = Callable[[Call], Value]
_LONGEST = 150  # characters of a dotted name that is worth keeping
# They give what is stored under what they are given, and not the given itself.
_LOOK_UPS = frozenset({
    "filter", "filter_by", "find", "find_one", "first", "all", "one", "one_or_none", "query", "execute", "fetchone",
    "fetchall", "fetchmany", "scalar", "scalars", "exists", "get_or_404", "first_or_404", "get_object_or_404",
    "lookup", "get_list_or_404", "exclude", "order_by", "executemany", "raw", "search", "find_by", "get_by", "aget",
    "save", "commit", "run", "check_output", "Popen", "call", "urlopen", "request", "get_queryset", "objects",
    "select", "where",
})  # fmt: skip
# Functions of modules that are not here, whose names say the same: `find_order(number)`, `user_by_name(name)`.
_FINDING = re.compile(r"(find|look_?up|select)_\w+|\w+_by_(id|name|slug|key|email|token|number|code|uuid|pk)")
# What they give is an answer of another program, or of the server itself.
_ANSWERS = frozenset(
    {
        "check_call",
        "system",
        "popen",
        "getoutput",
        "getstatusoutput",
        "read_text",
        "read_bytes",
        "readlines",
        "remove",
        "unlink",
        "send_file",
        "connect",
    }
)


def plain(call: Call) -> Value:
    names = frozenset(f"{name}()" for name in call.names if len(name) < _LONGEST)
    if (call.last & _LOOK_UPS or any(map(_FINDING.fullmatch, call.last))) and not call.receiver.marks:
        return Value(names=names)
    marks = call.receiver.deep() | call.marks
    if not call.last & _ANSWERS:
        marks = marks.union(*(one.deep() for one in call.all()))
    return Value(marks=join([Value(marks=marks)]).marks, names=names)


def nothing_of(call: Call) -> Value:
    return Value(names=frozenset(f"{name}()" for name in call.names))


def same(call: Call) -> Value:
    return call.args[0] if call.args else (call.receiver if call.receiver is not UNKNOWN else UNKNOWN)


def safe(*families: str) -> Result:
    def handler(call: Call) -> Value:
        value = same(call)
        about: frozenset[tuple[str, str]] = frozenset()
        return made_safe(
            Value(
                marks=value.deep(),
                kind="text",
                names=frozenset(f"{one}()" for one in call.names),
                about=about,
                sure=accounted(value),
            ),
            families,
        )

    return handler


def each(names: Iterable[str], handler: Result) -> dict[str, Result]:
    return dict.fromkeys(names, handler)
