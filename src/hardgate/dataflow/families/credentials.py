"""Secrets that are written in the code: keys, passwords, tokens, and addresses with a password in them."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow import web
from hardgate.dataflow.families import naming, places, written
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.keys import key_and_rule
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

_RULES = {
    written.KEY: ("python-hardcoded-secret-key",
        ("A secret key is written in the code{}. Whoever can read the code can sign or decrypt with it: "
        "read it from the environment or a secrets manager.")),
    written.PASSWORD: ("python-hardcoded-password",
        ("A password is written in the code{}. Whoever can read the code can log in with it: read it "
        "from the environment or a secrets manager.")),
    written.TOKEN: ("python-hardcoded-token",
        ("An access token is written in the code{}. Whoever can read the code can use it: revoke it, and "
        "read the new one from the environment or a secrets manager.")),
}  # fmt: skip
_CIPHER = (
    "python-hardcoded-cipher-key",
    (
        "The key that this call uses is written in the code. Whoever can read the code can decrypt and "
        "sign with it: read it from the environment or a secrets manager."
    ),
)
_LOGIN = (
    "python-hardcoded-connection-string",
    (
        "An address with a password in it is written in the code. Whoever can read the code can log in "
        "there: read it from the environment or a secrets manager."
    ),
)
# Descriptions of an interface, and words for people.
_SHOWN = re.compile(
    r"(?i)examples?$|^(json_)?schema(_extra)?$|openapi|^responses?$|(^|_)descriptions?$|(^"
    r"|_)(labels?|messages?|help_texts?|errors?|error_messages|translations?|widgets?|placeholders?"
    r"|strings|texts|docs?|sample\w*|fake\w*|mock\w*|fixtures?|kinds?|choices|columns?"
    r"|headers_names)$"
)
_FALLING_BACK = frozenset({
    "get", "getenv", "config", "env", "str", "setdefault", "pop", "bool", "putenv", "setenv", "secret", "get_secret",
    "get_setting", "get_env", "env_var", "environ", "setting", "get_config", "getvar", "fetch", "get_or_default",
    "read_env", "get_env_variable"
})  # fmt: skip


def _consts(value: Value) -> list[tuple[str, bool]]:
    return [(written.plain(one), isinstance(one, bytes)) for one in value.some if isinstance(one, str | bytes) and one]


def _skipped(call: Call, node: ast.AST) -> bool:
    frame = call.frame
    if places.in_tests(frame.module.path) or (frame.inside is not None and web.is_enum(frame.inside)):
        return True
    return any(_SHOWN.search(name) for name in places.keywords(places.around(frame, node)))


def _known(call: Call, value: Value, node: ast.AST | None) -> bool:
    """Whether each constant was reported where it is written, so that its use needs no second finding."""
    if node is not None and places.written_there(node):
        return False
    memory = call.frame.analysis.memory
    return all(("written", one) in memory for one in value.some if isinstance(one, str | bytes) and one)


def _stands_in(node: ast.AST, value: Value) -> bool:
    """Whether the code of the node has one of the constants in it; a default may not come this far."""
    return any(isinstance(one, ast.Constant) and one.value in value.some for one in ast.walk(node))


def _report(call: Call, value: Value, rule: tuple[str, str], name: str, node: ast.AST | None) -> None:
    where = node if node is not None and hasattr(node, "lineno") else call.node
    if (
        _known(call, value, node)
        or not (value.closed or value.text or _stands_in(where, value))
        or _skipped(call, where)
    ):
        return
    for one in value.some:
        call.frame.analysis.memory[("written", one)] = True
    shown = f" ({name})" if name and name.isidentifier() else ""
    call.frame.analysis.report(call.frame, where, rule[0], rule[1].format(shown))


def _judge(call: Call, name: str, value: Value, node: ast.AST | None = None) -> bool:
    """Report a constant under a name that says secret."""
    if not value.some or value.marks or _is_choice(call, value, node):
        return False
    kind = written.kind_of(name)
    if kind and any(written.is_secret(kind, name, text, binary=binary) for text, binary in _consts(value)):
        _report(call, value, _RULES[kind], name, node)
        return True
    return False


def _is_choice(call: Call, value: Value, node: ast.AST | None) -> bool:
    """Whether the value is a member of an enumeration, one of a few words to choose from: `secret=Level.HIGH`.

    Not the text of one (`Vault.DB.value`), not one with a digit, and not one whose name or class says secret.
    """
    if value.item(".value") is None or not all(written.is_worded(text) for text, _ in _consts(value)):
        return False
    where = node if node is not None else call.node
    where = where.args if isinstance(where, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) else where
    used = (one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in ast.walk(where))
    return not any(written.kind_of(name) for name in used)


def _form(call: Call, value: Value, node: ast.AST | None = None) -> bool:
    """Report what is a secret by its own form: an address with a password, a private key, a known token."""
    shape = value.text or ""
    if shape and written.holds_login(shape):
        _report(call, value, _LOGIN, "", node)
        return True
    for text, _ in _consts(value) if value.some else ():
        if "PRIVATE KEY-----" in text and written.PRIVATE.search(text):
            _report(call, value, _CIPHER, "", node)
            return True
        if len(text) > 15 and written.ISSUED.search(text):  # noqa: PLR2004 - shorter than any of them
            _report(call, value, _RULES[written.TOKEN], "", node)
            return True
        if not shape and written.holds_login(text):
            _report(call, value, _LOGIN, "", node)
            return True
    return False


def _value_node(call: Call) -> ast.AST | None:
    at = call.frame.at
    if "=name" in call.last or "=." in call.last or "=[]" in call.last:
        if isinstance(at, ast.Assign | ast.AnnAssign):
            return at.value
        return None
    return call.node if isinstance(call.node, ast.expr) else None


def _named(call: Call) -> None:
    """`PASSWORD = "..."`, `self.password = "..."`, `config["SECRET_KEY"] = "..."`, `{"password": "..."}`, a default."""
    name, value = call.args[0], call.args[1]
    if not name.known or not isinstance(name.const, str):
        return
    target, node = name.const, _value_node(call)
    if value.some or value.text is not None:
        kind = written.kind_of(target)
        interesting = (kind and value.some) or "://" in (value.text or "") or "=" in (value.text or "") or value.some
        if not interesting or (call.last & {"=name", "=.", "=[]"} and _replaced(call, target)):
            return
        if _judge(call, target, value, node) or _form(call, value, node):
            return
    if "=name" in call.last and isinstance(node, ast.Call) and written.kind_of(target):
        for default in places.default_values(call.frame, node):
            if _judge(call, target, default):
                return
    if value.items is not None and "=name" in call.last:
        _table(call, target, value)


def _replaced(call: Call, target: str) -> bool:
    if not written.kind_of(target):
        return False
    node = call.node
    return places.thrown_away(call.frame, target if "=name" in call.last else ast.unparse(node))


def _table(call: Call, name: str, value: Value) -> None:
    """`USERS = {"editor": "..."}`, `API_KEYS = ["...", "..."]`, `ADMINS = [("root", "...")]`."""
    kind = written.is_group(name)
    if not kind or (name.startswith("_") and name.endswith("__")):
        return
    if written.is_vocabulary(_listed(value)):
        return
    for key, one in value.items or ():
        held = one.item(1) if one.items is not None and one.kind == "tuple" else one
        if held is None or not held.known:
            continue
        text = written.plain(held.const)
        keyed = isinstance(key, str) and value.kind == "dict"
        if kind == "users" and not keyed and one.kind != "tuple":
            continue
        sure = written.looks_drawn(text) if kind == "users" else written.is_secret(kind, name, text)
        by_key = kind == written.TOKEN and keyed and isinstance(key, str) and written.looks_drawn(key)
        if sure or by_key:
            _report(call, held, _RULES[written.PASSWORD if kind == "users" else kind], name, _value_node(call))
            return


def _listed(value: Value) -> tuple[str, ...]:
    """The texts of a list or set; none when a name stands before one, or when one of them is no constant."""
    items = value.items or ()
    alone = tuple(written.plain(one.const) for key, one in items if one.known and not isinstance(key, str))
    return alone if len(alone) == len(items) else ()


def _returned(call: Call) -> None:
    name, value = call.args[0], call.args[1]
    if not value.some or not name.known or not isinstance(name.const, str):
        return
    first = naming.words(name.const)[:1]
    if not {"check", "verify", "is", "has", "validate", "hash", "mask"} & set(first):
        _judge(call, name.const, value, call.node)


def _any(call: Call) -> None:
    node = call.node
    if not isinstance(node, ast.Call):
        return
    nodes = {one.arg: one.value for one in node.keywords if one.arg}
    for keyword, value in call.kwargs.items():
        if value.some or value.text is not None:
            if value.some and _judge(call, keyword, value, nodes.get(keyword)):
                continue
            _form(call, value, nodes.get(keyword))
        if keyword in {"auth", "basic_auth", "http_auth"} and value.kind == "tuple":
            _pair(call, value, nodes.get(keyword))
    for number, value in enumerate(call.args):
        if value.some or value.text is not None:
            _form(call, value, node.args[number] if number < len(node.args) else None)
    _given(call, node)
    _fallback(call)


def _pair(call: Call, value: Value, node: ast.AST | None) -> None:
    """`auth=("user", "password")`."""
    second = value.item(1)
    if second is not None and any(written.is_filled(text) for text, _ in _consts(second)):
        inner = node.elts[1] if isinstance(node, ast.Tuple) and len(node.elts) == 2 else node  # noqa: PLR2004 (a number of parts)
        _report(call, second, _RULES[written.PASSWORD], "auth", inner)


def _given(call: Call, node: ast.Call) -> None:
    """A key, password or token at the place where a known function takes it."""
    value, rule = key_and_rule(call)
    if value is None or not value.some or value.marks:
        return
    if any(written.is_filled(text) and not text.isspace() for text, _ in _consts(value)):
        given = next(
            (one for one in (*node.args, *(held.value for held in node.keywords)) if _is(call, one, value)), None
        )
        _report(
            call,
            value,
            _CIPHER if rule == _CIPHER[0] else next(one for one in _RULES.values() if one[0] == rule),
            "",
            given,
        )


def _is(call: Call, node: ast.AST, value: Value) -> bool:
    """Whether the argument is where the value is written or named."""
    if isinstance(node, ast.Constant):
        return node.value in value.some
    return isinstance(node, ast.Name) and call.frame.look_up(node.id).some == value.some


def _fallback(call: Call) -> None:
    """`os.environ.get("SECRET_KEY", "...")`, `config("PASSWORD", default="...")`, `add_argument(...)`."""
    if (
        not call.args
        or call.receiver.marks
        or not call.last
        & (_FALLING_BACK | {"add_argument", "option", "getattr", "set", "define", "add_option", "add_setting"})
    ):
        return
    owner = call.last & {"getattr", "set", "setattr"} and len(call.args) > 2  # noqa: PLR2004 - the object, or a section
    for name in (call.args[1] if owner else call.args[0]).texts[:1]:
        default = call.arg(2 if owner else 1, "default", "fallback", "default_value")
        if "=" not in name and default is not None and written.kind_of(name.lstrip("-").rpartition(".")[2]):
            _judge(call, name.lstrip("-").rpartition(".")[2], default)


def _encoded(call: Call) -> None:
    """`b64encode(b"user:password")`: the header of basic authentication."""
    given = call.args[0] if call.args else None
    if given is not None and given.known and re.fullmatch(r"[\w.@-]+:[^\s/]{4,}", written.plain(given.const)):
        node = call.node.args[0] if isinstance(call.node, ast.Call) and call.node.args else None
        _report(call, given, _RULES[written.PASSWORD], "", node)


_REJECTED = frozenset({
    "password", "secret", "changeme", "change-me", "admin", "123456", "12345678", "qwerty", "letmein", "none",
    "null", "passw0rd", "password1", "password123"
})  # fmt: skip


def _compared(call: Call) -> None:
    """`form["password"] == "..."`: what is compared comes from outside, or from a parameter of such a name."""
    node = call.node
    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else list(getattr(node, "args", []))
    if len(sides) < 2 or len(call.args) < 2:  # noqa: PLR2004 (so many arguments)
        return
    for given, other, expression, literal in (
        (call.args[0], call.args[1], sides[0], sides[1]),
        (call.args[1], call.args[0], sides[1], sides[0]),
    ):
        values = [other] if other.known else [held for _, held in other.items or () if held.known]
        name = _subject(expression)
        if any(written.plain(held.const).lower() in _REJECTED for held in values):
            continue  # a list of passwords that nobody may choose
        if (
            not values
            or given.closed
            or (given.some and not given.marks)
            or (name and not given.marks and _configured(given))
        ):
            continue
        kind = written.kind_of(name)
        for value in values:
            text = written.plain(value.const)
            if kind and written.is_secret(kind, name, text):
                _report(call, value, _RULES[kind], name, literal)
                return


def _configured(value: Value) -> bool:
    return any(re.search(r"environ|settings|config", name) for name in value.names)


def _subject(node: ast.AST) -> str:
    """The name of what an expression is about: of `form.get("password").strip()` that is "password"."""
    while True:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return str(node.slice.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if (
                node.func.attr in {"get", "getlist", "pop", "get_argument", "getfirst"}
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                return str(node.args[0].value)
            node = node.func.value
        elif isinstance(node, ast.Call) and node.args:
            node = node.args[0]
        elif isinstance(node, ast.Attribute):
            return node.attr
        else:
            return node.id if isinstance(node, ast.Name) else ""


CHECKS: Checks = table(
    (_named, ("=name", "=.", "=[]", "={}", "=default")),
    (_returned, ("=return",)),
    (_any, ("",)),
    (_encoded, ("b64encode", "standard_b64encode")),
    (_compared, ("==", "compare_digest", "constant_time_compare")),
)
