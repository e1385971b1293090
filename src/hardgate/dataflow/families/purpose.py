"""What a hash is made for, as the code around it tells: a password, a signature, or the name of a cache entry."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.lexical import identifiers, last_name, words
from hardgate.dataflow.frame import Frame

PASSWORDS = frozenset({"password", "passwords", "passwd", "passphrase", "pwd", "passcode", "pw", "passwort", "pass"})
# A name with one of these beside "password" is not the password itself.
_ABOUT = frozenset({"hash", "hashed", "token", "reset", "changed", "id", "field", "policy", "length", "expires", "url"})
SECRETS = frozenset(
    {"pin", "secret", "credential", "credentials", "otp", "cvv", "salt", "apikey", "pepper", "mnemonic"}
)
SECURITY = PASSWORDS | SECRETS | frozenset({
    "token", "tokens", "signature", "signatures", "sign", "signed", "sig", "mac", "hmac", "auth", "authenticate",
    "authentication",
    "authorization", "authenticated", "session", "sessions", "login", "signin", "logon", "verify", "verified",
    "verification", "verifies", "reset", "csrf", "xsrf", "nonce", "remember", "license", "licence", "activation",
    "activate", "confirm", "confirmation",
    "invite", "invitation", "unsubscribe", "webhook", "integrity", "trusted", "certificate", "cert", "tamper",
    "door", "voucher", "coupon", "seal", "authentic", "access", "unlock", "crypt", "encrypt", "encryption", "ticket",
    "magic", "hook", "gateway",
    "signer", "permission", "admin", "publisher", "published", "install", "firmware", "update", "release", "download",
    "plugin", "package", "wheel",
})  # fmt: skip
HARMLESS = frozenset({
    "cache", "cached", "caches", "caching", "etag", "etags", "bucket", "buckets", "shard", "shards", "sharding",
    "slot", "slots", "partition", "partitions",
    "colour", "color", "colours", "colors", "avatar", "gravatar", "identicon", "memo", "memoise", "memoize",
    "memoised", "memoized", "dedup", "dedupe",
    "deduplicate", "deduplication", "duplicate", "duplicates", "dup", "seen", "variant", "experiment", "asset",
    "assets", "static", "stamp",
    "thumbnail", "thumbnails", "thumb", "blob", "git", "ring", "sample", "sampling", "rollout", "percent",
    "percentage", "changed", "unchanged", "modified",
    "stale", "lookup", "placeholder", "cohort", "filename", "anchor", "slug", "debug", "correlation", "hue", "jitter",
    "splay", "hashring",
    "replica", "conditional", "vary", "revision", "bloom", "fragment", "sprite", "bundle", "stylesheet", "tile",
    "worker", "idempotency", "uuid",
    "pwned", "breach", "breached", "leaked", "hibp", "histogram", "spread", "fold", "balance", "balancer", "route",
    "routing", "row", "vnode",
    "similar", "similarity", "near", "advisory", "lock", "group", "experiments", "feature", "ab", "queue",
    "telemetry", "metric", "metrics", "mtime",
    "content", "chunk", "chunks", "manifest", "bust", "buster", "busting", "cachebuster", "cdn", "node", "nodes",
    "shape", "palette", "seed", "version", "weak", "cachekey", "websocket", "handshake", "fingerprint", "thumbprint",
    "short", "shortener", "alias",
})  # fmt: skip
# They say little, and no more than that it is a name.
_MILD = frozenset(
    {
        "last",
        "previous",
        "prev",
        "old",
        "latest",
        "snapshot",
        "rebuild",
        "id",
        "ids",
        "name",
        "path",
        "folder",
        "directory",
        "label",
    }
)
# In `cache_key` and `sort_key` the key is no secret.
_PLAIN_KEYS = HARMLESS | frozenset({
    "sort", "hash", "dict", "lookup", "primary", "foreign", "object", "s3", "storage", "unique", "row", "map",
    "group", "public", "natural",
    "config", "item", "entry", "redis", "query", "request", "key", "keys", "session", "args", "kwargs", "func",
    "make", "get", "build", "file", "websocket", "ws",
})  # fmt: skip
_REFUSALS = frozenset(
    {"forbidden", "unauthorized", "unauthorised", "denied", "suspicious", "abort", "deny", "reject", "refuse"}
)
_ALONG = frozenset({
    "hexdigest", "digest", "encode", "decode", "upper", "lower", "hex", "finalize", "strip", "copy", "intdigest",
    "rstrip", "replace", "format",
})  # fmt: skip
_ENCODERS = frozenset({
    "b64encode", "urlsafe_b64encode", "hexlify", "str", "bytes", "standard_b64encode", "b32encode", "encode",
    "a2b_hex", "b16encode", "to_hex", "force_str", "text_type", "ensure_text",
})  # fmt: skip
_NUMBERS = frozenset({"int", "from_bytes", "unpack", "crc32", "Random", "float", "unpack_from", "divmod", "chr"})
_STRONG = frozenset({
    "hashpw", "hash_secret", "pbkdf2_hmac", "scrypt", "PBKDF2", "PBKDF2HMAC", "generate_password_hash",
    "make_password", "kdf", "derive", "PasswordHasher",
    "hash_secret_raw", "set_password", "argon2id", "checkpw",
})  # fmt: skip
_STEPS = 400
_WORDS = 60  # characters: a longer text is prose, and no name


@dataclass(slots=True)
class Evidence:
    """What shows in the code around a hash: words of what goes in, of what it becomes (nearest first), and its use.

    `gate`: what it is compared with decides who may go on. `index`: it is a key or a small number.
    """

    inputs: list[frozenset[str]] = field(default_factory=list)
    outputs: list[frozenset[str]] = field(default_factory=list)
    near: list[frozenset[str]] = field(default_factory=list)
    gate: bool = False
    index: bool = False
    stretched: bool = False
    seen: set[int] = field(default_factory=set)

    def password(self) -> bool:
        """Whether a password goes in."""
        return any(one & PASSWORDS and not one & _ABOUT for one in self.inputs)

    def secret(self) -> bool:
        """Whether a secret of the application goes in: a salt, a PIN, a signing key."""
        return any(one & SECRETS for one in self.inputs) or any(
            one & {"key", "keys"} and len(one) > 1 and not one & _PLAIN_KEYS for one in self.inputs
        )

    def verdict(self, found: list[frozenset[str]]) -> bool | None:
        """True for security, False for a harmless use, by the nearest name that says either."""
        for one in found:
            if one & HARMLESS and not one & PASSWORDS:
                return False
            if one & SECURITY:
                return True
            if one & _MILD:
                return False
        return None


def evidence(frame: Frame, node: ast.AST) -> Evidence:
    """What the code around a hash function's call tells of its purpose."""
    memory, key = frame.analysis.memory, ("evidence", node)
    known = memory.get(key)
    if not isinstance(known, Evidence):
        known = Evidence()
        for value in _arguments(node):
            _inputs(frame, value, known)
        _climb(frame, node, known, 0)
        memory[key] = known
    return known


def _arguments(node: ast.AST) -> list[ast.expr]:
    return (
        [*node.args, *(one.value for one in node.keywords if one.arg != "usedforsecurity")]
        if isinstance(node, ast.Call)
        else []
    )


def _inputs(frame: Frame, node: ast.expr, found: Evidence) -> None:
    for one in lexical.resolved(frame, node):
        found.inputs += [words(text) for text in identifiers(one) if len(text) < _WORDS]


def _climb(frame: Frame, node: ast.AST, found: Evidence, depth: int) -> None:
    """Follow what becomes of the value of this expression."""
    if id(node) in found.seen or len(found.seen) > _STEPS:
        return
    found.seen.add(id(node))
    for child, parent in lexical.up(frame, node):
        if isinstance(parent, ast.stmt):
            _statement(frame, child, parent, found, depth)
            return
        if isinstance(parent, ast.Attribute):
            if parent.attr not in _ALONG and not _absorbed(frame, parent, found):
                return
        elif isinstance(parent, ast.Lambda):
            _named_function(frame, parent, found, depth)
            return
        else:
            _expression(frame, child, parent, found, depth)


def _absorbed(frame: Frame, node: ast.Attribute, found: Evidence) -> bool:
    """`state.update(x)`: x goes in, and the value goes nowhere."""
    call = lexical.index(frame).parents.get(id(node))
    if isinstance(call, ast.Call) and call.func is node:
        if node.attr == "update":
            for one in _arguments(call):
                _inputs(frame, one, found)
            return False
        found.outputs.append(words(node.attr))
    return True


def _expression(frame: Frame, child: ast.AST, parent: ast.AST, found: Evidence, depth: int) -> None:
    if isinstance(parent, ast.keyword) and parent.arg:
        found.outputs.append(words(parent.arg))
    elif isinstance(parent, ast.Call) and child is not parent.func:
        _argument(parent, found)
    elif isinstance(parent, ast.Dict):
        keys = [
            key for key, value in zip(parent.keys, parent.values, strict=True) if value is child and key is not None
        ]
        found.outputs += [words(text) for key in keys for text in identifiers(key)]
        found.index = found.index or child in parent.keys
    elif isinstance(parent, ast.Compare):
        others = [one for one in (parent.left, *parent.comparators) if one is not child]
        found.outputs += [words(text) for one in others for text in identifiers(one)]
        found.index = found.index or isinstance(parent.ops[0], ast.In | ast.NotIn)
    elif isinstance(parent, ast.Subscript):
        found.index = found.index or child is parent.slice or not isinstance(parent.slice, ast.Slice)
        found.outputs += [words(text) for text in identifiers(parent.value)] if child is parent.slice else []
    elif isinstance(parent, ast.BinOp):
        other = parent.right if child is parent.left else parent.left
        found.index = found.index or (isinstance(parent.op, ast.Mod | ast.Div | ast.BitAnd) and child is parent.left)
        found.outputs += [words(one.value) for one in ast.walk(other) if _is_text(one)]  # type: ignore[attr-defined]  # _is_text has shown that it has one
    elif isinstance(parent, ast.JoinedStr):
        found.outputs += [words(one.value) for one in parent.values if _is_text(one)]  # type: ignore[attr-defined]  # _is_text has shown that it has one
    elif isinstance(parent, ast.NamedExpr):
        _followed(frame, parent.target, found, depth)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _argument(call: ast.Call, found: Evidence) -> None:
    """The value is an argument: what is called says what it becomes."""
    name = last_name(call.func)
    if name in _NUMBERS:
        found.index = True
    elif name in _STRONG:
        found.stretched = True
    elif name not in _ENCODERS | _ALONG:
        found.outputs.append(frozenset().union(*(words(one) for one in identifiers(call.func))))
        others = [one for one in call.args if isinstance(one, ast.Constant | ast.Attribute | ast.Subscript | ast.Call)]
        found.outputs += (
            [words(text) for one in others for text in identifiers(one) if len(text) < _WORDS]
            if name == "compare_digest"
            else []
        )


def _statement(frame: Frame, child: ast.AST, parent: ast.stmt, found: Evidence, depth: int) -> None:
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.AugAssign):
        for target in parent.targets if isinstance(parent, ast.Assign) else [parent.target]:
            _followed(frame, target, found, depth)
    elif isinstance(parent, ast.If | ast.While | ast.Assert) and child is parent.test:
        found.gate = found.gate or _refuses(parent, child)
    elif isinstance(parent, ast.Return):
        _named_function(frame, parent, found, depth)
    if not isinstance(parent, ast.Return):
        _around(frame, parent, found)


def _around(frame: Frame, node: ast.AST, found: Evidence) -> None:
    scope = lexical.scope_of(frame, node)
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) and words(scope.name) not in found.near:
        found.near.append(words(scope.name))


def _refuses(node: ast.If | ast.While | ast.Assert, test: ast.AST) -> bool:
    """Whether a test lets only some go on: the wrong ones get an error."""
    if isinstance(node, ast.Assert):
        return True
    inside = [one for statement in (*node.body, *node.orelse) for one in ast.walk(statement)]
    refused = any(
        (isinstance(one, ast.Constant) and one.value in (401, 403))
        or (isinstance(one, ast.Name | ast.Attribute) and not words(last_name(one)).isdisjoint(_REFUSALS))
        for one in inside
    )
    members = any(isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.In | ast.NotIn) for one in ast.walk(test))
    return refused or (not members and any(isinstance(one, ast.Raise) for one in inside))


def _followed(frame: Frame, target: ast.expr, found: Evidence, depth: int) -> None:
    """A variable was set to the value: its name, and where it is read."""
    if isinstance(target, ast.Subscript):
        found.outputs += [words(text) for text in identifiers(target)]
        return
    found.outputs.append(words(last_name(target)))
    if isinstance(target, ast.Name):
        for one in lexical.uses(lexical.scope_of(frame, target), target.id):
            _climb(frame, one, found, depth)
    elif isinstance(target, ast.Attribute) and (owner := lexical.class_of(frame, target)) is not None:
        for node in ast.walk(owner):
            if isinstance(node, ast.Attribute) and node.attr == target.attr and isinstance(node.ctx, ast.Load):
                _climb(frame, node, found, depth)


def _named_function(frame: Frame, node: ast.AST, found: Evidence, depth: int) -> None:
    """The value is what a function gives back: its name, its class's, and what its callers do with it."""
    scope = lexical.scope_of(frame, node)
    owner = lexical.class_of(frame, scope)
    if owner is not None:
        found.near.append(words(owner.name))
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    found.outputs.append(words(scope.name))
    if (
        isinstance(node, ast.Return)
        and node.value is not None
        and id(node.value) in found.seen
        and not lexical.callers(frame, scope.name)
    ):
        found.index = True  # the hash object itself, for somebody else: `digest_method=`
        return
    if depth >= 2:  # noqa: PLR2004 - calls of calls
        return
    for module, call in lexical.callers(frame, scope.name)[:12]:
        there = frame if module is frame.module else Frame(frame.analysis, module, module.names, {})
        for one in _arguments(call):
            _inputs(there, one, found)
        _climb(there, call, found, depth + 1)
