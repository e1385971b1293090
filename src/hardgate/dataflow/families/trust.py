"""Data from outside that goes into the session, which the rest of the code believes."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.families.common import Checks, harmful, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Mark, Value

RULE = "python-trust-boundary"
_STORED = "Data from outside goes into the session, where the rest of the code believes it."
_NAMED = "Data from outside chooses the name of an entry of the session."
# flask.session, request.session of Django and Starlette, also under an entry: session["basket"].append(...)
_SESSION = re.compile(
    r"(flask|quart|sanic_session)\.session(\[\]|\.get\(\)|\.setdefault\(\))*"
    r"|(flask|quart|django|starlette|web|fastapi)\.(request|Request\(\))\.session(\[\]|\.get\(\)|\.setdefault\(\))*"
    r"|(fastapi|starlette\.requests)\.Request\(\)\.session(\[\])*"
    r"|aiohttp_session\.(get|new)_session\(\)(\[\])*|bottle\.request\.session(\[\])*"
)
# A number can only be a claim under some names: whose it is, what it costs, what is allowed.
_CLAIMS = re.compile(
    r"account|user|uid|owner|customer|tenant|member|client|role|admin|staff|level|permission|scope|grant|price|cost|amount"
    r"|discount|credit|balance|total|limit|quota|rebate|fee|salary|organi[sz]ation|company|team|group|auth|verified|plan|tier|id$",
    re.IGNORECASE,
)


def _is_session(value: Value) -> bool:
    return any(_SESSION.fullmatch(name) for name in value.names)


def _in_session(call: Call) -> bool:
    """Whether it is the session, or a table in it: `session["basket"]["price"] = ...`."""
    if _is_session(call.receiver):
        return True
    node: ast.AST | None = call.node
    if isinstance(node, ast.Call):
        node = node.func.value if isinstance(node.func, ast.Attribute) else None
    elif isinstance(node, ast.Subscript):
        node = node.value
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name | ast.Attribute) and _is_session(call.frame.evaluate(node))


def _tell(call: Call, mark: Mark, message: str) -> None:
    call.report(
        RULE, f"{message} The data comes from the request ({mark.source}, {mark.path}:{mark.line}).", mark.source
    )


def _put(call: Call, key: Value | None, value: Value | None) -> None:
    marks = harmful(key, "trust")
    if marks:
        _tell(call, marks[0], _NAMED)
        return
    words = " ".join(key.texts or ((key.text,) if key.text else ())) if key is not None else ""
    marks = _claims(words, value)
    if marks:
        _tell(call, marks[0], _STORED)


def _claims(words: str, value: Value | None) -> list[Mark]:
    """The marks of what would be believed: texts, and numbers under a name that says what they claim."""
    if value is None:
        return []
    if value.kind == "number" and not _CLAIMS.search(words):
        return []
    found = harmful(value, "trust", deep=False)
    for key, one in value.items or ():
        found += _claims(str(key) if isinstance(key, str) else words, one)
    return found + (_claims(words, value.rest) if value.rest is not None else [])


def _item(call: Call) -> None:
    if any(one.deep() for one in call.args) and _in_session(call) and not _kept(call):
        _put(call, call.args[0], call.args[1])


def _kept(call: Call) -> bool:
    """`session["visits"] = session.get("visits", 0) + 1`: what was in it has been told of where it went in."""
    statement = call.frame.at
    given = getattr(statement, "value", None)
    if not isinstance(given, ast.expr) or not isinstance(call.node, ast.Subscript):
        return False
    owner = ast.unparse(call.node.value)
    parts = [one for one in ast.walk(given) if isinstance(one, ast.Subscript | ast.Attribute)]
    function = call.frame.function
    if function is None or not any(ast.unparse(one.value) == owner for one in parts):
        return False
    first, last = function.node.lineno, function.node.end_lineno or function.node.lineno
    marks = call.args[1].deep() | call.args[0].deep()
    return not any(mark.path == call.frame.module.path and first <= mark.line <= last for mark in marks)


def _method(call: Call) -> None:
    """`session.setdefault(key, value)`, `session["basket"].append(value)`."""
    if not call.args or not any(one.deep() for one in call.args) or not _in_session(call):
        return
    if call.last & {"setdefault", "__setitem__", "set"} and len(call.args) > 1:
        _put(call, call.args[0], call.args[1])
    elif call.last & {"append", "add", "extend", "insert"}:
        _put(call, None, call.args[-1])


def _update(call: Call) -> None:
    if not any(one.deep() for one in call.all()) or not _in_session(call):
        return
    for one in (*call.args[:1], *([call.spread] if call.spread is not None else [])):
        marks = harmful(one, "trust", deep=False)
        if marks:
            _tell(call, marks[0], _NAMED)
            return
        for key, value in one.items or ():
            _put(call, Value(text=str(key)), value)
        _put(call, None, one.rest)
    for key, value in call.kwargs.items():
        _put(call, Value(text=key), value)


RULES = (RULE,)
CHECKS: Checks = table(
    (_item, ("=[]",)),
    (_method, ("setdefault", "__setitem__", "set", "append", "add", "extend", "insert")),
    (_update, ("update",)),
)
