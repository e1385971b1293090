"""Where in the code a value stands: what is around it, and whether it is used before something else replaces it."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from hardgate.dataflow.families import lexical
from hardgate.dataflow.frame import Frame
from hardgate.dataflow.values import Value

_TEST = re.compile(r"(^|/)(tests?|testing|fixtures)/|(^|/)(test_[^/]*|[^/]*_test|conftest|tests)\.py$")
_FOR_DEVELOPMENT = re.compile(
    r"(?i)(^|_|\b|(?<=[a-z]))(dev|devel|development|local|localhost|test|tests|testing|debug"
    r"|debugging|demo|laptop|staging_debug|is_dev|develop)(?=$|_|\b|[A-Z])"
)
_LIVE = re.compile(r"(?i)(prod|production|live|deployed|heroku)")


def in_tests(path: str) -> bool:
    """Whether the file is one of tests: what stands there opens no door of what is deployed."""
    return _TEST.search(path) is not None


def for_development(name: str) -> bool:
    """Whether a name says that something is for development or tests only."""
    return _FOR_DEVELOPMENT.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) is not None


def around(frame: Frame, node: ast.AST) -> list[ast.AST]:
    """What the node stands in, from the file down to the node itself; empty when it is not of this file."""
    chain = [node, *(outer for _, outer in lexical.up(frame, node))]
    tree = frame.module.tree
    return [one for one in reversed(chain) if one is tree or hasattr(one, "lineno")] if chain[-1] is tree else []


def keywords(chain: list[ast.AST]) -> Iterator[str]:
    """The names of arguments, keys and variables that the innermost node of the chain is part of, outermost first."""
    for outer, inner in zip(chain, [*chain[1:], None], strict=True):
        if isinstance(outer, ast.keyword) and outer.arg:
            yield outer.arg
        elif isinstance(outer, ast.Dict):
            yield from (
                key.value
                for key, value in zip(outer.keys, outer.values, strict=True)
                if value is inner and isinstance(key, ast.Constant) and isinstance(key.value, str)
            )
        elif isinstance(outer, ast.Assign):
            yield from (one.id for one in outer.targets if isinstance(one, ast.Name))
        elif isinstance(outer, ast.AnnAssign) and isinstance(outer.target, ast.Name):
            yield outer.target.id
        elif isinstance(outer, ast.ClassDef):
            yield outer.name


def conditions(chain: list[ast.AST]) -> Iterator[tuple[ast.expr, bool]]:
    """The conditions under which the innermost node of the chain is reached, and whether each has to be true."""
    for outer, inner in itertools.pairwise(chain):
        if isinstance(outer, ast.If | ast.IfExp) and inner is not outer.test:
            body = outer.body if isinstance(outer.body, list) else [outer.body]
            yield outer.test, any(one is inner for one in body)
        elif isinstance(outer, ast.BoolOp) and isinstance(outer.op, ast.And) and inner is not outer.values[0]:
            yield outer.values[0], True


def only_in_development(frame: Frame, node: ast.AST) -> bool:
    """Whether the code is reached only in development: `if app.debug:`, `if not PRODUCTION:`."""
    chain = around(frame, node)
    for test, wanted in conditions(chain):
        text = ast.unparse(test)
        if "__name__" in text:
            continue
        value = frame.evaluate(test)
        if value.closed and value.some and all(value.some):
            continue
        if for_development(text) and wanted is not _negated(test):
            return True
        if _LIVE.search(text) and wanted is _negated(test):
            return True
    return False


def _negated(test: ast.expr) -> bool:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return not _negated(test.operand)
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotEq | ast.IsNot | ast.NotIn)


def thrown_away(frame: Frame, target: str) -> bool:
    """Whether the statement that runs now puts something into `target` that is replaced before anybody reads it."""
    at = frame.at
    chain = around(frame, at) if at is not None else []
    if at is None or len(chain) < 2:  # noqa: PLR2004 - the file and the statement
        return False
    for body in _bodies(chain[-2]):
        position = next((number for number, one in enumerate(body) if one is at), None)
        if position is not None:
            return _replaced(body[position + 1 :], target)
    return False


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if isinstance(body, list):
            yield body


def _replaced(following: list[ast.stmt], target: str) -> bool:
    root = re.split(r"[.\[]", target)[0]
    for one in following:
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        if any(ast.unparse(held) == target for held in targets):
            value = one.value if isinstance(one, ast.Assign | ast.AnnAssign) else None
            return value is not None and not _mentions(value, target)
        if _mentions(one, target) or (root != target and _passed(one, root)):
            return False
    return False


def _mentions(node: ast.AST, target: str) -> bool:
    kinds = (ast.Name, ast.Attribute, ast.Subscript)
    return any(isinstance(one, kinds) and ast.unparse(one) == target for one in ast.walk(node))


def _passed(node: ast.AST, root: str) -> bool:
    """Whether the object as a whole goes somewhere, or one of its methods is called."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            parts = [*one.args, *(held.value for held in one.keywords)]
            if isinstance(one.func, ast.Attribute) and isinstance(one.func.value, ast.Name):
                parts.append(one.func.value)
            if any(isinstance(held, ast.Name) and held.id == root for held in parts):
                return True
        elif isinstance(one, ast.Return) and isinstance(one.value, ast.Name) and one.value.id == root:
            return True
    return False


def written_there(node: ast.AST | None) -> bool:
    """Whether the expression is itself what was written, and not a name for something that is written elsewhere."""
    return not isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def default_values(frame: Frame, node: ast.AST | None) -> list[Value]:
    """What `field(default=..)`, `Field(default_factory=..)`, `CharField(default=..)` and their kin put in."""
    from hardgate.dataflow.calls import called  # noqa: PLC0415 - calls needs the families' frame first
    from hardgate.dataflow.frame import Call  # noqa: PLC0415 (loaded where it is needed)
    from hardgate.dataflow.values import UNKNOWN  # noqa: PLC0415 (loaded where it is needed)

    if not isinstance(node, ast.Call):
        return []
    found: list[Value] = []
    for one in node.keywords:
        if one.arg not in {
            "default",
            "default_factory",
            "factory",
            "server_default",
            "insert_default",
            "load_default",
            "missing",
        }:
            continue
        value = frame.evaluate(one.value)
        callable_ = value.things or (value.names and isinstance(one.value, ast.Name | ast.Attribute))
        if callable_:
            last = frozenset(name.rpartition(".")[2] for name in value.names)
            found.append(called(Call(frame, one.value, value.names, last, UNKNOWN, [], {}), value))
        else:
            found.append(value)
    last_name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if last_name in {"Field", "Option", "Argument", "Factory"} and node.args:
        found.append(frame.evaluate(node.args[0]))
    return found
