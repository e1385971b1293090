"""What a look-up or a verification that succeeded tells of the data that it was given: it is known to us.

It says nothing of the characters in it: only that later code may believe it (the family "trust").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hardgate.dataflow.frame import VIEW, Frame
from hardgate.dataflow.values import made_safe

_TRUST = ("trust",)
_TELLS = re.compile(
    r"(a?authenticate|verify|check|validate|valid|allowed|permitted|can|has|is|exists?|a?get|find|first|one|one_or_none|lookup|load"
    r"|fetch|fetchone|fetchrow|scalar|confirm|compare|belongs|owned|owns|member|a?first|scalar_one_or_none|scalars|may|find_one)(_\w+)?",
    re.IGNORECASE,
)
# They find by what they were given, directly or before: `query.filter_by(name=name).first()`.
LOOKED_UP = frozenset(
    {"first", "one_or_none", "scalar", "scalar_one_or_none", "exists", "fetchone", "afirst", "aexists", "scalars"}
)
_RAISES = re.compile(
    r"\w+_or_404|get_object_or_404|one|scalar_one|aget_object_or_404|verify_\w+|authenticate|validate_\w+"
)


def succeeded(frame: Frame, call: ast.Call) -> None:
    """The call gave something true: what it was asked about is known."""
    if _TELLS.fullmatch(_last(call)):
        _known(frame, call)


def returned(frame: Frame, call: ast.Call) -> None:
    """The call came back: those that raise when nothing is found have found something."""
    last = _last(call)
    if _RAISES.fullmatch(last) or (last == "get" and _of_objects(call)):
        _known(frame, call)


def _of_objects(call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(owner, ast.Attribute) and owner.attr == "objects"


def _last(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _known(frame: Frame, call: ast.Call) -> None:
    for node in _asked(call):
        if isinstance(node, ast.Name):
            held = frame.variables.get(node.id)
            if held is not None and held.deep():
                frame.variables[node.id] = made_safe(held, _TRUST)
        elif isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
            value = frame.evaluate(node)
            if value.deep():
                frame.variables[VIEW + ast.unparse(node)] = made_safe(value, _TRUST)


def _asked(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of the call, and of the calls that it goes on from: `query.filter_by(name=name).first()`."""
    one: ast.expr = call
    while isinstance(one, ast.Call | ast.Attribute):
        if isinstance(one, ast.Call):
            for given in (*one.args, *(keyword.value for keyword in one.keywords)):
                # `User.name == name` in a filter
                yield from (given.left, *given.comparators) if isinstance(given, ast.Compare) else (given,)
            one = one.func
        else:
            one = one.value
