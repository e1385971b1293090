"""Which cookies identify somebody, and which attributes the code around gives to a cookie in a jar."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from hardgate.dataflow.frame import Call, Frame
from hardgate.dataflow.values import HOLE, Const, Value

# Names that say that a cookie, or the value in it, identifies somebody or opens something.
_IDENTIFIES = re.compile(
    r"sess(?!ag)|(?<![a-z])sid(?![a-z])|auth(?!or)|token|jwt|(?<![a-z])(access|refresh|identity|user|uid|account|ticket|sso|"
    r"bearer|device|otp|mfa|2fa|pin|secret|admin|member|customer|principal|grant|pass|impersonat\w*)(?![a-z])"
    r"|remember|log(ge)?d?_?in|sign(ed)?_?in|credential|api_?key|password|user_?(id|name)|account_?(id|no)|customer_?(id|no)"
    r"|keep_?me|stay_?logged",
    re.IGNORECASE,
)
_FOR_SCRIPTS = re.compile(r"csrf|xsrf", re.IGNORECASE)
_HARMLESS = re.compile(
    r"(?<![a-z])(theme|lang|language|locale|timezone|tz|colou?r|consent|banner|dark|sidebar|currency|flash|layout|density|"
    r"seen|dismissed|notice|tour|font|view|sort|tracking|analytics|utm|_ga|display|preference|prefs?|country|units?|"
    r"messages|newsletter|greeting|experiment|variant|last_page|cookies?_accepted)(?![a-z])",
    re.IGNORECASE,
)
# Where the value comes from tells it too: a random secret, a signed token.
_SECRET = re.compile(
    r"token_(urlsafe|hex|bytes)|jwt|(?<![a-z])sess(ion)?_?(id|key|token)|access_?token|refresh_?token|auth_?token"
    r"|id_?token|(?<![a-z])token(?![a-z])|create_?session|new_?session|open_?session|start_?session|session_?for"
    r"|credential|api_?key|password",
    re.IGNORECASE,
)


def kind_of(name: str, value: str) -> str:
    """ "identity", "token for scripts" (that they send back against forged requests), or "" for any other cookie."""
    if _FOR_SCRIPTS.search(name):
        return "token for scripts"
    if _HARMLESS.search(name) and not re.search(r"sess|token|jwt|auth(?!or)", name, re.IGNORECASE):
        return ""
    if _IDENTIFIES.search(name):
        return "identity"
    return "identity" if _SECRET.search(value) and not _FOR_SCRIPTS.search(value) else ""


def said(value: Value | None) -> str:
    """The text of a value as far as it is known, else where it comes from."""
    if value is None:
        return ""
    texts = value.texts or ((value.text,) if value.text and value.text.strip(HOLE) else ())
    return " ".join(texts or sorted(value.names)).replace(HOLE, " ").strip()


def is_jar(owner: Value, node: ast.expr) -> bool:
    """Whether the thing is a jar of cookies that a server sends."""
    if any(name.endswith("SimpleCookie()") for name in owner.names):
        return True
    written = ast.unparse(node)
    if not written.endswith((".cookies", "response_cookies")) or re.search(
        r"client|browser|session|jar|request", written
    ):
        return False
    return "resp" in written or any("Response" in name or "response" in name for name in owner.names)


def body_around(frame: Frame) -> list[ast.stmt]:
    """The statements of the function that is being run, or of the module."""
    if frame.function is not None and isinstance(frame.function.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return frame.function.node.body
    return frame.module.tree.body


def _nodes(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    for one in body:
        yield from ast.walk(one)


def assigned_to(frame: Frame, node: ast.AST) -> str:
    """The variable that the value of this expression is put into; "" for none."""
    for one in _nodes(body_around(frame)):
        if isinstance(one, ast.Assign) and one.value is node:
            return ast.unparse(one.targets[0])
    return ""


def attributes(frame: Frame, jar: str, key: str) -> dict[str, Const] | None:
    """The attributes that the function gives to the cookie `jar[key]`; None when somebody else may give them.

    An attribute whose value is not plain counts as on.
    """
    told: dict[str, Const] = {}
    whole = f"{jar}[{key}]"
    nodes = list(_nodes(body_around(frame)))
    holders = {whole, *_aliases(nodes, whole, jar)}
    loops = {one.target.id: one.iter for one in nodes if isinstance(one, ast.For) and isinstance(one.target, ast.Name)}
    for one in nodes:
        if isinstance(one, ast.Assign):
            for target in one.targets:
                if isinstance(target, ast.Subscript) and ast.unparse(target.value) in holders:
                    told |= {name: _plain(one.value) for name in _keys(target.slice, loops)}
                elif isinstance(target, ast.Attribute) and ast.unparse(target.value) in holders:
                    told[target.attr] = _plain(one.value)
        elif isinstance(one, ast.Call):
            given = _given(one, holders, {jar, whole})
            if given is None:
                return None
            told |= given
    return {name.lower(): value for name, value in told.items()}


def _aliases(nodes: Iterable[ast.AST], whole: str, jar: str) -> Iterator[str]:
    for one in nodes:
        if isinstance(one, ast.Assign) and ast.unparse(one.value) == whole and isinstance(one.targets[0], ast.Name):
            yield one.targets[0].id
        elif isinstance(one, ast.For) and ast.unparse(one.iter) in {f"{jar}.values()", jar}:
            yield ast.unparse(one.target)
            yield f"{jar}[{ast.unparse(one.target)}]"
        elif (
            isinstance(one, ast.For) and ast.unparse(one.iter) == f"{jar}.items()" and isinstance(one.target, ast.Tuple)
        ):
            yield ast.unparse(one.target.elts[-1])


def _keys(node: ast.expr, loops: dict[str, ast.expr]) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    source = loops.get(node.id) if isinstance(node, ast.Name) else None
    if isinstance(source, ast.Tuple | ast.List | ast.Set):
        return [str(one.value) for one in source.elts if isinstance(one, ast.Constant)]
    return ["secure", "httponly"]


def _given(call: ast.Call, holders: set[str], passed: set[str]) -> dict[str, Const] | None:
    """What a call gives to the cookie; None when the cookie is handed to something that may give it anything."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "update" and ast.unparse(call.func.value) in holders:
        found: dict[str, Const] = {one.arg: _plain(one.value) for one in call.keywords if one.arg}
        for one in call.args:
            if not isinstance(one, ast.Dict) or None in one.keys:
                return None
            found |= {
                ast.unparse(key).strip("'\""): _plain(value)
                for key, value in zip(one.keys, one.values, strict=True)
                if key
            }
        return None if any(one.arg is None for one in call.keywords) else found
    if any(ast.unparse(one) in passed | holders for one in call.args) and not (
        isinstance(call.func, ast.Name) and call.func.id in {"str", "len", "print", "list", "dict"}
    ):
        return None
    return {}


def _plain(node: ast.expr) -> Const:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | bool | None):
        return node.value
    return True


_DEVELOPER = re.compile(r"(?<![a-z])(dev|devel|develop|development|test|tests|testing|local|debug|conftest)(?![a-z])")


def for_developers(call: Call) -> bool:
    """Whether file, class, function or condition around say that this is not for the server that users reach."""
    frame = call.frame
    function = frame.function.name if frame.function is not None else ""
    owner = frame.inside.name if frame.inside is not None else ""
    places = [frame.module.path, _parted(owner), _parted(function)]
    if any(_DEVELOPER.search(one.lower()) for one in places):
        return True
    line = getattr(call.node, "lineno", 0)
    return any(
        isinstance(one, ast.If)
        and any(part.lineno <= line <= (part.end_lineno or line) for part in one.body)
        and _DEVELOPER.search(_parted(ast.unparse(one.test)).lower())
        and not re.match(r"not\b", ast.unparse(one.test))
        for one in _nodes(body_around(frame))
    )


def _parted(name: str) -> str:
    """The words of `DevConfig`, each by itself."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
