"""What tests of texts show: patterns, prefixes, tests of each character."""

from __future__ import annotations

import ast

from hardgate.dataflow import charsets, guards
from hardgate.dataflow.assigning import element
from hardgate.dataflow.frame import Frame
from hardgate.dataflow.values import UNKNOWN, Value, made_safe, without

# isdigit and friends: every character is one that an identifier or a number may have.
PLAIN = frozenset({"isdigit", "isdecimal", "isnumeric", "isalnum", "isalpha", "isidentifier"})
MATCHERS = {"fullmatch": (True, True), "match": (False, True), "search": (False, False)}  # whole, from the start


def starts(frame: Frame, test: ast.Call, subject: ast.expr, last: str, truth: bool) -> None:
    wanted = frame.evaluate(test.args[0]) if test.args else UNKNOWN
    value = frame.evaluate(subject)
    if not value.marks or last != "startswith" or not truth:
        return
    texts = [
        text
        for one in ([value for _, value in wanted.items or ()] or [wanted])
        for text in (one.texts or ((one.fixed,) if one.fixed else ()))
    ]
    for_address = [charsets.addressed(text) for text in texts]
    if wanted.named("flask.request.host_url", "flask.request.url_root"):
        guards.safe(frame, subject, ("redirect",))  # they end in a slash
    if texts and all(for_address):
        guards.safe(frame, subject, frozenset.intersection(*for_address))
    node = test.args[0] if test.args else None
    if node is not None and _ends_in_separator(node, wanted) and "resolved" in value.kind:
        guards.safe(frame, subject, ("path",))


def _ends_in_separator(node: ast.expr, wanted: Value) -> bool:
    if any(text.endswith("/") for text in wanted.texts) or (wanted.text or "").endswith("/"):
        return True
    return isinstance(node, ast.BinOp) and ast.unparse(node.right) in {"os.sep", "os.path.sep", "sep"}


def quantified(frame: Frame, test: ast.Call, truth: bool) -> bool:
    """`all(c in ALLOWED for c in x)`, `any(c in x for c in ";|&")`."""
    comprehension = test.args[0]
    name = test.func.id if isinstance(test.func, ast.Name) else ""
    if not isinstance(comprehension, ast.GeneratorExp | ast.ListComp) or len(comprehension.generators) != 1:
        return True
    loop = comprehension.generators[0]
    subject = frame.evaluate(loop.iter)
    if (name == "all") is truth and subject.deep():
        _each(frame, comprehension.elt, loop, subject, truth)
    if name == "all" and truth and subject.marks and isinstance(comprehension.elt, ast.Compare | ast.Call | ast.BoolOp):
        allowed = _characters(frame, comprehension.elt)
        if allowed is not None:
            guards.safe(frame, loop.iter, charsets.safe_with(allowed.__contains__))
    elif name == "any" and not truth and isinstance(comprehension.elt, ast.Compare):
        whole = frame.evaluate(comprehension.elt.comparators[0])
        characters = [one for text in subject.texts for one in text] + [
            t for _, one in subject.items or () for t in one.texts
        ]
        if isinstance(comprehension.elt.ops[0], ast.In) and whole.marks and characters:
            guards.told(frame, comprehension.elt.comparators[0], whole, lambda held: without(held, characters), ())
    return True


def _each(frame: Frame, test: ast.expr, loop: ast.comprehension, subject: Value, truth: bool) -> None:
    """A test that each item passed, or none: what it shows of one holds for all."""
    target = loop.target
    if not isinstance(target, ast.Name) or loop.ifs:
        return
    refused = "".join(one for one in "\r\n" if _refused(test, target.id, one, truth))
    if refused:
        guards.told(frame, loop.iter, subject, lambda held: without(held, refused), ())
        return
    before, frame.variables = frame.variables, dict(frame.variables)
    frame.variables[target.id] = element(subject)
    possible = guards.refine(frame, test, truth)
    after = frame.variables.get(target.id, UNKNOWN)
    if subject.named("socket.getaddrinfo()"):  # it gives one at least
        before = {name: frame.variables.get(name, held) for name, held in before.items()}
    frame.variables = before
    if possible and not subject.texts and subject.kind != "text":
        families = frozenset.intersection(charsets.FAMILIES, *(one.safe for one in after.deep()))
        known = frozenset.intersection(*(one.safe for one in subject.deep()))
        if families - known:
            guards.safe(frame, loop.iter, families)


def _refused(test: ast.expr, name: str, character: str, truth: bool) -> bool:
    """Whether a test such as `ord(c) < 32` or `c.isprintable()` would have found this character."""
    match test:
        case ast.UnaryOp(op=ast.Not()):
            return _refused(test.operand, name, character, not truth)
        case ast.BoolOp():
            together = [_refused(one, name, character, truth) for one in test.values]
            return any(together) if isinstance(test.op, ast.And) is truth else all(together)
        case ast.Call(func=ast.Attribute(attr="isprintable", value=ast.Name(id=found))):
            return found == name and truth
        case ast.Compare(left=left, ops=[operator], comparators=[ast.Constant(value=limit)]):
            if ast.unparse(left) == f"ord({name})" and isinstance(limit, int):
                code: int | str = ord(character)
            elif ast.unparse(left) == name and isinstance(limit, str):
                code = character
            else:
                return False
            return _holds(operator, code, limit) is not truth
    return False


def _holds(operator: ast.cmpop, one: int | str, two: int | str) -> bool | None:
    less, same = one < two, one == two  # type: ignore[operator]  # both are texts here
    outcomes = {"Lt": less, "LtE": less or same, "Gt": not less and not same, "GtE": not less, "Eq": same}
    return outcomes.get(type(operator).__name__)


def _characters(frame: Frame, test: ast.expr) -> str | None:
    """The characters that a condition on one character lets through; None when that is not known."""
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr in PLAIN:
        return "a0A"
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.In):
        allowed = frame.evaluate(test.comparators[0])
        members = "".join(text for _, one in allowed.items or () for text in one.texts)
        return members or ("".join(allowed.texts) if allowed.closed else None) or ("a" if _letters(allowed) else None)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        parts = [_characters(frame, one) for one in test.values]
        return "".join(part for part in parts if part) if all(part is not None for part in parts) else None
    return None


def _letters(value: Value) -> bool:
    return bool(value.names) and all(name.startswith("string.") and name != "string.printable" for name in value.names)


def matched(frame: Frame, test: ast.Call, callee: Value, truth: bool) -> None:
    last = next((name.rpartition(".")[2] for name in callee.names if name.rpartition(".")[2] in MATCHERS), "")
    last = last or (test.func.attr if isinstance(test.func, ast.Attribute) else "")
    if last not in MATCHERS or not test.args:
        return
    compiled = frame.evaluate(test.func.value) if isinstance(test.func, ast.Attribute) else UNKNOWN
    pattern = compiled.item("pattern") if compiled.item("pattern") is not None else frame.evaluate(test.args[0])
    subject = test.args[0] if compiled.item("pattern") is not None else (test.args[1] if len(test.args) > 1 else None)
    if pattern is None or subject is None or not pattern.closed or not pattern.texts:
        return
    whole, start = MATCHERS[last]
    if truth:
        families = frozenset.intersection(
            *(charsets.safe_after(one, whole=whole, start=start) for one in pattern.texts)
        )
        if families:
            guards.safe(frame, subject, families)
    elif last == "search":
        families, gone = charsets.removed_by(pattern.texts[0])
        value = frame.evaluate(subject)
        if value.marks:
            guards.told(frame, subject, value, lambda held: without(made_safe(held, families), gone), families)
