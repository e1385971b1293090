"""Whether data came from outside: in a request, from another server, or by way of a file that it was written to."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.common import harmful, refuse
from hardgate.dataflow.families.lexical import last_name
from hardgate.dataflow.frame import Call, Frame, Stopped
from hardgate.dataflow.values import Value

# What other servers answer, and what comes over a connection.
_REMOTE = re.compile(
    r"^(requests|httpx|niquests)\.(\w+\(\)\.)*(get|post|put|request|patch)\(\)\.(content|text|raw|json|read|iter_content)|^urllib\.request\.urlopen\(\)|^urllib\.urlopen\(\)"
    r"|^socket\.(socket|create_connection)\(\)\.(recv|recvfrom|makefile|accept\(\)\[?)|^urllib3\.PoolManager\(\)\.request\(\)\.data|^imaplib\.|^poplib\.|^ftplib\."
)
_CREATING = frozenset({"open", "fdopen", "NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile"})


def from_outside(  # noqa: PLR0917 - as `refuse`, and the position
    call: Call, value: Value | None, position: int | None, family: str, rule: str, message: str
) -> bool:
    """Report when the value, or what was written to the file that it names, is data from outside that can do harm."""
    if value is not None and call.last & _OPENING:
        value = _without_names(value)
    if refuse(call, value, family, rule, message):
        return True
    if value is not None and any(_REMOTE.search(name) for name in value.names):
        call.report(rule, f"{message} The data comes from another server.")
        return True
    node = call.node
    if position is not None and isinstance(node, ast.Call) and position < len(node.args):
        for one in _written(call.frame, node.args[position]):
            if harmful(one, family):
                call.report(rule, f"{message} The file was written with data of the request.")
                return True
    return False


# They take the name of a file as well: one that stays in its folder chooses among the application's own files.
_OPENING = frozenset({"load", "open", "parse", "iterparse", "read_pickle", "load_model", "Shelf", "DbfilenameShelf"})


def _without_names(value: Value) -> Value:
    """The value without the marks of a file's name that was made safe; a file's content is safe as code, and stays."""
    kept = frozenset(one for one in value.marks if "path" not in one.safe or "code" in one.safe)
    return value if kept == value.marks else value.but(marks=kept)


def _written(frame: Frame, node: ast.expr) -> list[Value]:
    """What the same function wrote to the file that this expression names: a path, or an open file."""
    scope = lexical.scope_of(frame, node)
    names = {name for part in lexical.resolved(frame, node, 1) for name in _places(part)}
    files = set(names)
    for one in ast.walk(scope):
        if (
            isinstance(one, ast.withitem)
            and isinstance(one.optional_vars, ast.Name)
            and _opens(one.context_expr, names)
        ):
            files.add(one.optional_vars.id)
        elif isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and _opens(one.value, names):
            files.add(one.targets[0].id)
        elif (
            isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Tuple)
            and "mkstemp" in ast.unparse(one.value)
        ):
            pair = {part.id for part in one.targets[0].elts if isinstance(part, ast.Name)}
            files |= pair if pair & names else set()
    parts = [part for one in ast.walk(scope) if isinstance(one, ast.Call) for part in _put(one, files, names)]
    key = ("written", id(scope))
    if key in frame.analysis.memory:
        return []  # what is written is itself read from such a file
    frame.analysis.memory[key] = True
    try:
        return [found for part in parts if (found := _value(frame, part)) is not None]
    finally:
        del frame.analysis.memory[key]


def _places(node: ast.expr) -> set[str]:
    """The variables and the written paths in an expression that names a file; not what is called."""
    called = {id(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and id(one) not in called}
    return names | {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and "/" in one.value
    }


def _value(frame: Frame, node: ast.expr) -> Value | None:
    try:
        return frame.evaluate(node)
    except Stopped:
        return None


def _opens(node: ast.expr, names: set[str]) -> bool:
    if not isinstance(node, ast.Call) or last_name(node.func) not in _CREATING:
        return False
    return bool(_places(node) & names)


def _put(call: ast.Call, files: set[str], paths: set[str]) -> list[ast.expr]:
    """The expressions whose data this call writes to one of the files."""
    name = last_name(call.func)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if name == "write" and len(call.args) == 2 and _about(call.args[0], files):  # noqa: PLR2004 - os.write(handle, data)
        return call.args[1:]
    if name in {"write", "writelines", "write_bytes", "write_text"} and owner is not None and _about(owner, files):
        return call.args[:1]
    if name == "save" and owner is not None and call.args and _about(call.args[0], paths | files):
        return [owner]
    if name in {"copyfileobj", "copy", "move"} and len(call.args) > 1 and _about(call.args[1], files):
        return call.args[:1]
    return []


def _about(node: ast.expr, names: set[str]) -> bool:
    return any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(node))
