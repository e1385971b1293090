"""Initial vectors and nonces that are the same for every message."""

from __future__ import annotations

import ast

from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.lexical import last_name, words
from hardgate.dataflow.frame import Call, Frame
from hardgate.dataflow.values import Value

_AEADS = frozenset({"AESGCM", "AESCCM", "ChaCha20Poly1305", "AESOCB3", "AESGCMSIV", "XChaCha20Poly1305"})
_MODES = frozenset({"CBC", "CTR", "GCM", "CFB", "CFB8", "OFB", "XTS"})
_RANDOM = frozenset({"urandom", "token_bytes", "get_random_bytes", "randbytes", "random", "getrandbits", "token_hex"})
_DERIVED = frozenset({"md5", "sha1", "sha256", "sha512", "digest", "new", "blake2b", "sha224", "sha384"})


def _vector(call: Call) -> None:
    """`AES.new(key, AES.MODE_CBC, iv)`, `modes.CBC(iv)`, `AESGCM(key).encrypt(nonce, ...)`, and their kin."""
    names, position = call.names, None
    if "new" in call.last and any(name.startswith(("Crypto.Cipher.", "Cryptodome.Cipher.")) for name in names):
        position = 2
    elif any("modes." in name and name.rpartition(".")[2] in _MODES for name in names) or (
        "encrypt" in call.last
        and any(name.rpartition(".")[0].removesuffix("()").rpartition(".")[2] in _AEADS for name in names)
    ):
        position = 0
    elif ("ChaCha20" in call.last and any("algorithms." in name for name in names)) or (
        "encrypt" in call.last and any(name.startswith(("nacl.secret.", "nacl.public.Box")) for name in names)
    ):
        position = 1
    else:
        return
    keywords = ("iv", "IV", "nonce", "initialization_vector", "tweak")
    value, node = call.arg(position, *keywords), _node(call, position, keywords)
    if position == 2 and value is None:  # noqa: PLR2004 (a number that stands for itself)
        _counter(call)
        return
    key = _node(call, 0, ("key",)) if position == 2 else None  # noqa: PLR2004 (a number that stands for itself)
    if node is not None and key is not None and ast.unparse(key) == ast.unparse(node):
        call.report("python-fixed-initial-vector", "The key itself is the initial vector.")
    elif value is not None and any(name.startswith("random.") and "SystemRandom" not in name for name in value.names):
        call.report(
            "python-fixed-initial-vector",
            "The initial vector can be guessed: it comes from a generator that is not for security.",
        )
    elif value is not None and (_constant(value) or (node is not None and _unchanging(call.frame, node))):
        call.report("python-fixed-initial-vector", "The initial vector or nonce is the same for every message.")


def _node(call: Call, position: int, keywords: tuple[str, ...]) -> ast.expr | None:
    node = call.node
    if not isinstance(node, ast.Call):
        return None
    named = next((one.value for one in node.keywords if one.arg in keywords), None)
    return named or (node.args[position] if position < len(node.args) else None)


def _constant(value: Value) -> bool:
    return any(isinstance(one, str | bytes) and len(one) > 3 for one in value.some) or (  # noqa: PLR2004 - not a separator
        value.closed and any(isinstance(one, int) and one is not True and one is not False for one in value.some)
    )


def _counter(call: Call) -> None:
    """`Counter.new(128)`: every message begins to count at the same number."""
    node = _node(call, 9, ("counter",))
    made = node if isinstance(node, ast.Call) else None
    if isinstance(node, ast.Name):
        found = list(lexical.definitions(lexical.scope_of(call.frame, node), node.id))
        made = found[0] if len(found) == 1 and isinstance(found[0], ast.Call) else None
    if made is None or not ast.unparse(made.func).endswith("Counter.new"):
        return
    given = [one.value for one in made.keywords if one.arg in {"prefix", "initial_value", "suffix"}]
    if all(_unchanging(call.frame, one) for one in given):
        call.report("python-fixed-initial-vector", "The counter starts at the same number for every message.")


def _unchanging(frame: Frame, node: ast.expr, depth: int = 0) -> bool:  # noqa: PLR0911 - a line for each kind
    """Whether an expression gives the same bytes each time: written ones, part of a key, or random once for all."""
    if depth > 4:  # noqa: PLR2004 (a depth)
        return False
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes | int)
    if isinstance(node, ast.BinOp):
        return _unchanging(frame, node.left, depth + 1) and _unchanging(frame, node.right, depth + 1)
    if isinstance(node, ast.List | ast.Tuple):
        return bool(node.elts) and all(_unchanging(frame, one, depth + 1) for one in node.elts)
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Slice) and (_is_key(node.value) or _unchanging(frame, node.value, depth + 1))
    if isinstance(node, ast.Call):
        return _call(frame, node, depth)
    if isinstance(node, ast.Name):
        return _name(frame, node, depth)
    return isinstance(node, ast.Attribute) and _attribute(frame, node, depth)


def _is_key(node: ast.expr) -> bool:
    return "key" in words(last_name(node)) or "secret" in words(last_name(node))


def _call(frame: Frame, node: ast.Call, depth: int) -> bool:
    name = last_name(node.func)
    parts = [
        *node.args,
        *(
            [node.func.value]
            if isinstance(node.func, ast.Attribute)
            and name in {"encode", "ljust", "rjust", "zfill", "digest", "hexdigest"}
            else []
        ),
    ]
    if name in _DERIVED:
        return any(_is_key(inner) for one in parts for inner in ast.walk(one) if isinstance(inner, ast.expr)) or (
            bool(parts) and all(_unchanging(frame, one, depth + 1) for one in parts)
        )
    known = {
        "bytes",
        "bytearray",
        "fromhex",
        "unhexlify",
        "b64decode",
        "a2b_hex",
        "encode",
        "ljust",
        "rjust",
        "zfill",
        "to_bytes",
        "urlsafe_b64decode",
    }
    return name in known and bool(parts) and all(_unchanging(frame, one, depth + 1) for one in parts)


def _name(frame: Frame, node: ast.Name, depth: int) -> bool:
    scope = lexical.scope_of(frame, node)
    local = list(lexical.definitions(scope, node.id))
    if isinstance(scope, ast.Module) or local:
        return bool(local) and all(_unchanging(frame, one, depth + 1) for one in local)
    args = getattr(scope, "args", None)
    if args is not None and any(one.arg == node.id for one in ast.walk(args) if isinstance(one, ast.arg)):
        return False
    outer = list(lexical.definitions(frame.module.tree, node.id)) if not isinstance(scope, ast.Module) else []
    top = [
        one.value
        for one in frame.module.tree.body
        if isinstance(one, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in one.targets)
    ]
    # A random one that the module makes when it is loaded serves for all messages.
    return (
        bool(top) and len(top) == len(outer) and all(_random(one) or _unchanging(frame, one, depth + 1) for one in top)
    )


def _attribute(frame: Frame, node: ast.Attribute, depth: int) -> bool:
    owner = lexical.class_of(frame, node)
    if owner is None or not isinstance(node.value, ast.Name) or node.value.id not in {"self", "cls", owner.name}:
        return False
    scope = lexical.scope_of(frame, node)
    found = [*lexical.definitions(owner, ast.unparse(node)), *_plain(owner, node.attr)]
    if isinstance(scope, ast.FunctionDef) and scope.name != "__init__":
        inside = list(lexical.definitions(scope, ast.unparse(node)))
        changes = any(
            isinstance(one, ast.AugAssign) and ast.unparse(one.target) == ast.unparse(node) for one in ast.walk(owner)
        )
        if (
            not inside
            and not changes
            and found
            and all(_random(one) or _unchanging(frame, one, depth + 1) for one in found)
        ):
            return True
    return bool(found) and all(_unchanging(frame, one, depth + 1) for one in found)


def _plain(owner: ast.ClassDef, name: str) -> list[ast.expr]:
    return [
        one.value
        for one in owner.body
        if isinstance(one, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in one.targets)
    ]


def _random(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) in _RANDOM


CHECKS: Checks = table((_vector, ("new", "encrypt", "ChaCha20", *sorted(_MODES))))
