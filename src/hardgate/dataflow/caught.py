"""What the text of a caught exception may hold: many repeat the value that they are about."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from hardgate.dataflow.frame import Frame, Variables, merged
from hardgate.dataflow.project import Class
from hardgate.dataflow.values import UNKNOWN, Mark, Value, tainted

_ANY = frozenset({"Exception", "BaseException"})
# Their ValueError repeats the text that they cannot read; those of Decimal, UUID and json do not.
# https://docs.python.org/3/library/exceptions.html#ValueError, and the messages of CPython 3.11 to 3.13
_REPEATING = frozenset({"int", "float", "complex", "Fraction", "strptime", "fromisoformat", "ip_address", "ip_network"})
_MOST = 40  # expressions of a `try` that are looked at


def exception(frame: Frame, body: Sequence[ast.stmt], handler: ast.ExceptHandler, told: int) -> Value:
    """What `except ... as name` puts into the name; `told` is how many `raise` had been seen before the `try`."""
    kinds = _kinds(handler.type)
    marks: set[Mark] = set()
    for name, some in frame.analysis.raised[told:]:
        if name in kinds or kinds & _ANY:
            marks |= some
    variables: Variables = frame.variables
    frame.variables = merged([variables])
    for number, node in enumerate(_repeated(frame, body, kinds)):
        if number < _MOST:
            marks |= frame.evaluate(node).deep()
    frame.variables = variables
    return tainted(marks) if marks else UNKNOWN


def _kinds(node: ast.expr | None) -> frozenset[str]:
    if node is None:
        return _ANY
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return frozenset(ast.unparse(one).rpartition(".")[2] for one in parts)


def _repeated(frame: Frame, body: Sequence[ast.stmt], kinds: frozenset[str]) -> Iterator[ast.expr]:
    """The expressions whose values the exception's text repeats."""
    for one in (node for part in body for node in ast.walk(part)):
        if isinstance(one, ast.Call) and one.args and kinds & (_ANY | {"ValueError", "TypeError"}):
            last = ast.unparse(one.func).rpartition(".")[2]
            if last in _REPEATING or _is_enum(frame, one.func):
                yield one.args[0]
        elif (
            isinstance(one, ast.Subscript)
            and kinds & (_ANY | {"KeyError", "LookupError"})
            and isinstance(one.ctx, ast.Load)
            and not isinstance(one.slice, ast.Constant | ast.Slice)
        ):
            yield one.slice


def _is_enum(frame: Frame, node: ast.expr) -> bool:
    if not isinstance(node, ast.Name):
        return False
    found = frame.look_up(node.id).things
    return any(isinstance(one, Class) and one.derived("Enum", "StrEnum", "IntEnum") for one in found)
