"""What tests of paths and addresses show: folders, hosts, signatures."""

from __future__ import annotations

import ast

from hardgate.dataflow import charsets, guards
from hardgate.dataflow.frame import Frame
from hardgate.dataflow.values import UNKNOWN, Value, made_safe, without

_HOST = frozenset({"ssrf", "redirect"})
_CHARACTERS = frozenset({"c", "ch", "char", "character", "letter", "x", "one", "symbol"})


def attribute(frame: Frame, test: ast.Attribute, truth: bool) -> None:
    """`if parts.netloc`, `if address.is_private`."""
    owner = frame.evaluate(test.value)
    if test.attr in {"netloc", "hostname", "scheme"} and not truth:
        absent(frame, test)
    elif test.attr == ("is_global" if truth else "is_private") and owner.named("ipaddress.ip_address()"):
        for name, _ in owner.about:
            frame.variables[name] = made_safe(frame.variables.get(name, UNKNOWN), ("ssrf",))
        guards.safe(frame, test.value, ("ssrf",))


def absent(frame: Frame, node: ast.expr) -> None:
    """An address has no host, or no scheme."""
    value = frame.evaluate(node)
    for name, aspect in value.about:
        if aspect in {"host", "scheme"} and name in frame.variables:
            frame.variables[name] = without(frame.variables[name], [f"^{aspect}"])


def method(frame: Frame, test: ast.Call, function: ast.Attribute, truth: bool) -> bool:
    """What methods of paths and texts tell; False when it is none of them."""
    if function.attr == "is_relative_to":
        if truth:
            inside(frame, function.value)
        return True
    if function.attr == "isprintable":
        if truth:
            _gone(frame, function.value, "\r", "\n")
        return True
    if function.attr == "is_absolute":
        if not truth:
            _gone(frame, function.value, "^/")
        return True
    if function.attr == "endswith" and truth:
        _ends(frame, test, function.value)
    elif function.attr == "startswith" and not truth:
        _not_starting(frame, test, function.value)
    return False


def inside(frame: Frame, node: ast.expr) -> None:
    """A path was found to be below a folder, which shows something only of one that has no `..` any more."""
    value = frame.evaluate(node)
    if "resolved" in value.kind:
        guards.safe(frame, node, ("path",))


def _gone(frame: Frame, node: ast.expr, *tokens: str) -> None:
    value = frame.evaluate(node)
    if value.deep():
        guards.told(frame, node, value, lambda held: without(held, tokens), ())


def _texts(frame: Frame, test: ast.Call) -> list[str]:
    wanted = frame.evaluate(test.args[0]) if test.args else UNKNOWN
    values = [one for _, one in wanted.items or ()] if wanted.items is not None else [wanted]
    return [text for one in values for text in one.texts] if all(one.texts for one in values) else []


def _ends(frame: Frame, test: ast.Call, subject: ast.expr) -> None:
    """`hostname.endswith(".example.com")`: with the dot it is a name below ours."""
    value = frame.evaluate(subject)
    wanted = _texts(frame, test)
    if wanted and all(one.startswith(".") and one.count(".") > 1 for one in wanted):
        for name, aspect in value.about:
            if aspect == "host" and name in frame.variables:
                frame.variables[name] = made_safe(frame.variables[name], _HOST)


def _not_starting(frame: Frame, test: ast.Call, subject: ast.expr) -> None:
    value = frame.evaluate(subject)
    wanted = _texts(frame, test)
    if "/" in wanted and value.marks:
        _gone(frame, subject, *(f"^{one}" for one in wanted if one in {"/", "\\"}))
    if ".." in wanted or "../" in wanted:
        if "resolved" in value.kind and isinstance(subject, ast.Name) and subject.id in frame.variables:
            # Of the name that was resolved only: what it was made of may go up later on.
            frame.variables[subject.id] = without(
                frame.variables[subject.id], ["^..", *({"^/"} if "/" in wanted else ())]
            )
        for name, aspect in value.about:
            if aspect == "path" and name in frame.variables:
                frame.variables[name] = made_safe(frame.variables[name], ("path",))
        if value.kind == "relative":
            guards.safe(frame, subject, ("path",))


def function(frame: Frame, test: ast.Call, names: frozenset[str], truth: bool) -> bool:
    """What functions of libraries tell; False when it is none of them."""
    if names & {"os.path.isabs", "posixpath.isabs"} and test.args:
        if not truth:
            _gone(frame, test.args[0], "^/")
        return True
    if names & {"hmac.compare_digest", "secrets.compare_digest", "django.utils.crypto.constant_time_compare"}:
        if truth:
            for one in test.args:
                signed(frame, frame.evaluate(one))
        return True
    return False


def signed(frame: Frame, value: Value) -> None:
    """A signature was found to be ours: what it was made of had been given out by us."""
    for name, aspect in value.about:
        if aspect == "signed" and name in frame.variables:
            frame.variables[name] = made_safe(frame.variables[name], charsets.FAMILIES)


def equal(frame: Frame, side: ast.expr, value: Value, other: Value) -> None:
    """`value == other`: as harmless as the other, also where the two are only parts of something."""
    signed(frame, value)
    if (
        other.known
        and other.const == 1
        and isinstance(side, ast.Call)
        and side.args
        and ast.unparse(side.func) == "len"
    ):
        one_line(frame, side.args[0])
    if other.known and other.const in {"", None}:
        absent(frame, side)
    if isinstance(side, ast.Attribute) and side.attr == "parent" and not other.marks:
        inside(frame, side.value)
    if isinstance(side, ast.Call) and side.args and not other.marks and ast.unparse(side.func).endswith("path.dirname"):
        inside(frame, side.args[0])
    if value.marks and other.marks:
        families = frozenset.intersection(*(one.safe for one in other.deep()))
        if families:
            guards.told(frame, side, value, lambda held: made_safe(held, families), families)


def one_line(frame: Frame, node: ast.expr) -> None:
    """`len(text.splitlines()) == 1`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "splitlines":
        _gone(frame, node.func.value, "\r", "\n")


def more(frame: Frame, operator: ast.cmpop, left: ast.expr, right: ast.expr, truth: bool) -> None:
    """`len(text.splitlines()) > 1`, where that is `truth`."""
    limit = right.value if isinstance(right, ast.Constant) and isinstance(right.value, int) else None
    few = (isinstance(operator, ast.Gt) and limit == 1) or (isinstance(operator, ast.GtE) and limit == 2)  # noqa: PLR2004 (a number that stands for itself)
    if not truth and few and isinstance(left, ast.Call) and left.args and ast.unparse(left.func) == "len":
        one_line(frame, left.args[0])


def member(frame: Frame, left: ast.expr, right: ast.expr, truth: bool) -> None:
    """`folder in path.parents`, `".." in path.parts`."""
    if truth and isinstance(right, ast.Attribute) and right.attr == "parents":
        inside(frame, right.value)
        return
    needle, stack = frame.evaluate(left), frame.evaluate(right)
    if needle.marks and stack.known and isinstance(stack.const, str) and isinstance(left, ast.Name):
        if truth:  # a part of a constant has its characters only
            guards.safe(frame, left, charsets.safe_with(stack.const.__contains__))
        elif left.id in _CHARACTERS:
            _gone(frame, left, *stack.const)
    if truth or needle.texts != ("..",):
        return
    whole: ast.expr | None = None
    if isinstance(right, ast.Attribute) and right.attr == "parts":
        whole = right.value
    elif (
        isinstance(right, ast.Call) and isinstance(right.func, ast.Attribute) and right.func.attr in {"split", "rsplit"}
    ):
        whole = right.func.value
    if isinstance(whole, ast.Call) and whole.args and ast.unparse(whole.func).rpartition(".")[2].endswith("Path"):
        _gone(frame, whole.args[0], "..")
    elif whole is not None:
        _gone(frame, whole, "..")
