"""Whether a signature over data was checked, and a wrong one refused, before something is done with the data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.lexical import last_name
from hardgate.dataflow.frame import Call, Frame
from hardgate.dataflow.project import Bound, Function
from hardgate.dataflow.values import Value

_COMPARING = frozenset({"compare_digest", "constant_time_compare", "constant_time_bytes_eq"})
_RAISING = frozenset(
    {"verify", "unsign", "verify_signature", "unsign_object"}
)  # of cryptography, PyNaCl, itsdangerous, hmac
_KEYED = re.compile(
    r"\bhmac\.(new|digest)\b|\bHMAC\b|blake2[bs]\(.*key=|salted_hmac|\.sign\(|\.signature\(|\bcmac\b|get_signature|verify"
)


def verified(call: Call, data: ast.expr | None = None) -> bool:
    """Whether every way to the call goes through such a check on what the call is given."""
    node = call.node
    if data is None:
        data = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if data is None or not hasattr(node, "lineno"):
        return False
    about = _subjects(call.frame, data)
    if any(_refuses(call.frame, one, about) for one in lexical.before(call.frame, node)):
        return True
    if _inside(call.frame, node, about):
        return True
    return _decorated(call.frame, node)


def _subjects(frame: Frame, node: ast.expr) -> set[str]:
    """Names and attributes that the data is made of, and that are made of the same: `payload`, `request.body`."""
    found: set[str] = set()
    for part in lexical.resolved(frame, node):
        for one in ast.walk(part):
            if isinstance(one, ast.Name | ast.Attribute):
                found.add(ast.unparse(one))
    return {
        one
        for one in found
        if one not in {"request", "self", "hmac", "hashlib", "base64", "pickle", "json", "io", "io.BytesIO"}
        and not one.startswith(("base64.", "hmac.", "hashlib.", "io."))
    }


def _refuses(frame: Frame, node: ast.stmt, about: set[str]) -> bool:
    """`if not compare_digest(...): abort(403)`, `key.verify(signature, payload)`, `check_signature(request)`."""
    if isinstance(node, ast.If) and lexical.leaves(node.body):
        return _checks(frame, node.test, about)
    if isinstance(node, ast.Try):
        return any(_refuses(frame, one, about) for one in node.body) and all(
            lexical.leaves(one.body) for one in node.handlers
        )
    value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    value = value.value if isinstance(value, ast.Await) else value
    if not isinstance(value, ast.Call):
        return False
    if last_name(value.func) in _RAISING and not _functions(frame, value):
        return bool(_texts(frame, value) & about)
    return any(_raises(one) for one in _functions(frame, value)) and bool(
        _texts(frame, value) & about or _request(value)
    )


def _inside(frame: Frame, node: ast.AST, about: set[str]) -> bool:
    """`if compare_digest(...): load(payload)`."""
    for child, parent in lexical.up(frame, node):
        if (
            isinstance(parent, ast.If)
            and child in parent.body
            and not isinstance(parent.test, ast.UnaryOp)
            and _checks(frame, parent.test, about)
        ):
            return True
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
    return False


def _checks(frame: Frame, test: ast.expr, about: set[str]) -> bool:
    """Whether the condition compares a keyed hash of the data, or calls a function that does."""
    texts = _texts(frame, test)
    for one in ast.walk(test):
        if not isinstance(one, ast.Call):
            continue
        if last_name(one.func) in _COMPARING and texts & about and _keyed(frame, test):
            return True
        inner = _functions(frame, one)
        if any(_compares(function) for function in inner) and (_texts(frame, one) & about or _request(one)):
            return True
        if not inner and last_name(one.func) in _RAISING and texts & about:
            return True
    return isinstance(test, ast.Compare) and bool(texts & about) and _keyed(frame, test)


def _texts(frame: Frame, node: ast.expr) -> set[str]:
    return {
        ast.unparse(one)
        for part in lexical.resolved(frame, node)
        for one in ast.walk(part)
        if isinstance(one, ast.Name | ast.Attribute)
    }


def _keyed(frame: Frame, node: ast.expr) -> bool:
    if any(_KEYED.search(ast.unparse(one)) for one in lexical.resolved(frame, node)):
        return True
    return any(
        _KEYED.search(ast.unparse(one.node))
        for part in lexical.resolved(frame, node)
        for inner in ast.walk(part)
        if isinstance(inner, ast.Call)
        for one in _functions(frame, inner)
    )


def _request(call: ast.Call) -> bool:
    return not call.args or any(isinstance(one, ast.Name) and one.id in {"request", "req"} for one in call.args)


def _functions(frame: Frame, call: ast.Call) -> list[Function]:
    """The functions of the project that this calls."""
    if isinstance(call.func, ast.Name):
        return list(_of(frame.look_up(call.func.id)))
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return list(_of(frame.evaluate(call.func)))
    return []


def _of(value: Value) -> Iterator[Function]:
    for one in value.things:
        if isinstance(one, Function):
            yield one
        elif isinstance(one, Bound):
            yield from _of(one.function)


def _compares(function: Function) -> bool:
    names = {last_name(one.func) for one in ast.walk(function.node) if isinstance(one, ast.Call)}
    return bool(names & (_COMPARING | _RAISING))


def _raises(function: Function) -> bool:
    leaving = any(
        isinstance(one, ast.Raise) or (isinstance(one, ast.Call) and last_name(one.func) == "abort")
        for one in ast.walk(function.node)
    )
    return _compares(function) and leaving


def _decorated(frame: Frame, node: ast.AST) -> bool:
    """Whether the view, or its class, has a decorator of the project that checks a signature and turns others away."""
    scope = lexical.scope_of(frame, node)
    lists = list(getattr(scope, "decorator_list", []))
    owner = lexical.class_of(frame, scope)
    lists += owner.decorator_list if owner is not None else []
    for decorator in lists:
        for one in ast.walk(decorator):
            if isinstance(one, ast.Name):
                for function in _of(frame.module.names.get(one.id) or Value()):
                    if _compares(function) and any(
                        isinstance(inner, ast.If) and lexical.leaves(inner.body) for inner in ast.walk(function.node)
                    ):
                        return True
    return False
