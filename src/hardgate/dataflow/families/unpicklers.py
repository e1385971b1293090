"""Which classes an unpickler of the project lets through: a few by name, or all but some."""

from __future__ import annotations

import ast

from hardgate.dataflow.families import lexical
from hardgate.dataflow.frame import Frame
from hardgate.dataflow.project import Class, Function

# Modules of which any name is enough to run code.
_DANGEROUS = frozenset(
    {
        "builtins",
        "__builtin__",
        "os",
        "posix",
        "nt",
        "subprocess",
        "sys",
        "importlib",
        "shutil",
        "operator",
        "functools",
        "types",
        "pickle",
    }
)


def allows_little(frame: Frame, owner: Class) -> bool:
    """Whether `find_class` gives only what a list, or a comparison, lets through, and raises for all else."""
    found = owner.find("find_class")
    functions = [one for one in found.things if isinstance(one, Function)] if found is not None else []
    persistent = owner.find("persistent_load") is not None and not functions
    return bool(functions) and not persistent and all(_strict(frame, one) for one in functions)


def _strict(frame: Frame, function: Function) -> bool:
    node = function.node
    if isinstance(node, ast.Lambda):
        return False
    there = Frame(frame.analysis, function.module, function.module.names, {})
    names = [one.arg for one in function.parameters][1:]
    returns = [one for one in ast.walk(node) if isinstance(one, ast.Return) and one.value is not None]
    return all(_bounded(there, one, names) for one in returns)


def _bounded(frame: Frame, node: ast.Return, names: list[str]) -> bool:
    """Whether this class is one of a list: it stands there itself, or a test before it has let only some through."""
    value = node.value
    if value is None or isinstance(value, ast.Name | ast.Constant):
        return True
    opened = any(
        isinstance(one, ast.Call)
        and lexical.last_name(one.func)
        in {"find_class", "getattr", "import_module", "__import__", "import_string", "locate", "eval"}
        for one in ast.walk(value)
    )
    if not opened:
        return True  # out of a table of the project's own
    for child, parent in lexical.up(frame, node):
        if (
            isinstance(parent, ast.If)
            and isinstance(child, ast.stmt)
            and _lets_few(frame, parent.test, names, child in parent.body)
        ):
            return True
        if isinstance(parent, ast.FunctionDef):
            break
    return any(
        isinstance(one, ast.If)
        and one.body
        and isinstance(one.body[-1], ast.Raise)
        and _lets_few(frame, one.test, names, False)
        for one in lexical.before(frame, node)
    )


def _lets_few(frame: Frame, test: ast.expr, names: list[str], truth: bool) -> bool:  # noqa: PLR0911 - a line for each kind of test
    """Whether a test with this outcome says which class it is, or which harmless module it is of."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _lets_few(frame, test.operand, names, not truth)
    if isinstance(test, ast.BoolOp):
        both = isinstance(test.op, ast.And) is truth
        return (any if both else all)(_lets_few(frame, one, names, truth) for one in test.values)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    positive = isinstance(test.ops[0], ast.In | ast.Eq) is truth and isinstance(
        test.ops[0], ast.In | ast.NotIn | ast.Eq | ast.NotEq
    )
    if not positive:
        return False
    asked = {one.id for one in ast.walk(test.left) if isinstance(one, ast.Name)}
    if names[1:2] and names[1] in asked:
        return not _listed(frame, test.comparators[0]) & {
            "eval",
            "exec",
            "getattr",
            "__import__",
            "system",
            "Popen",
            "open",
            "compile",
        }
    if isinstance(test.left, ast.Name) and test.left.id not in names:
        return True  # a name put together from both
    # Of the module alone: any of its names can be asked for.
    return bool(names and names[0] in asked) and not _listed(frame, test.comparators[0]) & _DANGEROUS


def _listed(frame: Frame, node: ast.expr) -> set[str]:
    value = frame.evaluate(node)
    held = [value, *(one for _, one in value.items or ())]
    texts = {text for one in held for text in one.texts} | {
        str(key) for key, _ in value.items or () if value.kind == "dict"
    }
    return (
        texts
        | {part for text in texts for part in text.split(".")}
        | {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    )
