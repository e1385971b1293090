"""The methods of texts, lists and dictionaries."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from hardgate.dataflow import servers, texts
from hardgate.dataflow.assigning import appended, changed, element
from hardgate.dataflow.charsets import SHAPED
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, nothing_of, plain
from hardgate.dataflow.markup import MARKUP, as_markup, escaped
from hardgate.dataflow.project import Instance
from hardgate.dataflow.values import (
    UNKNOWN,
    Value,
    accounted,
    constant,
    container,
    join,
    made_safe,
    with_item,
    with_rest,
    without,
)


def _receiver(call: Call) -> Value:
    value = call.receiver
    if value.known and isinstance(value.const, str) and not call.args:
        return constant(_CASES.get(min(call.last), str)(value.const))
    names = frozenset(f"{name}.{last}()" for name in value.names for last in call.last)
    case = _CASES.get(min(call.last))
    some = frozenset(case(one) for one in value.texts) if case is not None and not call.args else frozenset()
    marks = value.marks
    if call.args and call.last & {"strip", "lstrip"}:
        stripped = {f"^{one}" for text in call.args[0].texts for one in text if one in "/\\"}
        marks = without(value, stripped).marks
        if "rooted" in value.kind and "^/" in stripped:
            marks = made_safe(value, ("path",)).marks  # below "/" nothing leads out of what it is joined to
    return Value(
        marks=marks,
        some=some,
        names=names,
        about=value.about,
        kind=value.kind,
        text=value.text and (value.prefix + "\0"),
    )


_CASES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "casefold": str.casefold,
    "title": str.title,
}


def _encoded(call: Call) -> Value:
    value = call.receiver
    if value.known and isinstance(value.const, str) and "encode" in call.last:
        return constant(value.const.encode("utf-8", "replace"))
    if value.known and isinstance(value.const, bytes) and "decode" in call.last:
        return constant(value.const.decode("utf-8", "replace"))
    if any(_TOKENS.search(name) for name in value.names | call.names) and call.args:
        return nothing_of(call)  # jwt.decode and the like check a signature
    return (
        value.but(kind="bytes" if "encode" in call.last else "text", test=None) if value is not UNKNOWN else plain(call)
    )


_TOKENS = re.compile(r"(^|\.)(jwt|jose|JsonWebToken)\b|Serializer\(\)|Signer\(\)|Fernet\(\)")


def _part(call: Call) -> Value:
    value = call.receiver
    about = frozenset((name, "part") for name, _ in value.about)
    made = Value(marks=value.marks, about=about, sure=value.sure)
    if value.known and isinstance(value.const, str) and call.last & {"split", "splitlines"} and not call.star:
        separator = call.args[0].texts[0] if call.args and call.args[0].texts else None
        pieces = value.const.splitlines() if "splitlines" in call.last else value.const.split(separator or None)
        return container("list", [(number, constant(one)) for number, one in enumerate(pieces)])
    if "splitlines" in call.last:
        made = without(made, "\r\n")
    separators = [text for one in call.args[:1] for text in one.texts if len(text) == 1]
    if call.last & {"split", "rsplit"} and len(call.args) == 1 and separators:
        made = without(made, separators)
    elif call.last & {"split", "rsplit"} and not call.args and not call.kwargs:
        made = without(made, " \t\r\n")
    return Value(rest=made, kind="list", marks=made.marks)


def _replaced(call: Call) -> Value:
    value = call.receiver
    if not value.marks or len(call.args) < 2:  # noqa: PLR2004 (so many arguments)
        return _receiver(call)
    old, new = call.args[0], call.args[1]
    kept = Value(marks=value.marks | new.deep(), about=frozenset(), kind=value.kind, sure=value.sure and new.sure)
    if (
        old.known
        and isinstance(old.const, str)
        and new.known
        and isinstance(new.const, str)
        and old.const not in new.const
    ):
        return without(kept, [old.const] if len(old.const) == 1 or old.const == ".." else [])
    return kept


def _joined(call: Call) -> Value:
    parts = call.args[0] if call.args else UNKNOWN
    if MARKUP in call.receiver.names:
        return as_markup(texts.joined([call.receiver, escaped(Value(marks=parts.deep()))]))
    if call.receiver.kind not in {"text", "bytes"} and not call.receiver.texts:
        return plain(call)
    if parts.items is not None and parts.rest is None and parts.kind != "dict":
        pieces: list[Value] = []
        for number, (_, one) in enumerate(parts.items):
            pieces += [call.receiver, one] if number else [one]
        return texts.joined(pieces)
    inside = element(parts)
    sure = accounted(inside) and call.receiver.sure
    return Value(marks=inside.deep() | call.receiver.deep(), kind="text", names=inside.names, sure=sure)


def _formatted(call: Call) -> Value:
    if MARKUP in call.receiver.names:
        spread = escaped(call.spread) if call.spread is not None else None
        kwargs = {key: escaped(one) for key, one in call.kwargs.items()}
        return as_markup(texts.formatted(call.receiver, [escaped(one) for one in call.args], kwargs, spread))
    if call.last & {"format_map"} and call.args:
        given = call.args[0]
        return texts.formatted(call.receiver, [], {str(key): one for key, one in given.items or ()}, given)
    if call.receiver.kind not in {"text", ""} or (
        call.receiver.names and not call.receiver.marks and call.receiver.text is None
    ):
        return plain(call)
    return call.frame.built(call.node, texts.formatted(call.receiver, call.args, call.kwargs, call.spread))


_CLASS = re.compile(r"(^|\.)[A-Z]\w*[a-z]\w*$")


def _got(call: Call) -> Value:
    """`mapping.get(key, default)`, also of what a request holds."""
    owner, key = call.receiver, call.arg(0, "key")
    default = call.arg(1, "default")
    if owner is UNKNOWN and not call.names:
        return Value() if default is None else default.but(closed=False)
    if (
        key is not None
        and default is not None
        and not owner.marks
        and (key.things or any(map(_CLASS.search, key.names)))
    ):
        return Value(
            names=frozenset(f"{name}.get()" for name in owner.names)
        )  # `session.get(Model, key)` of SQLAlchemy
    wanted = call.arg(None, "type") or (call.arg(2) if owner.marks else None)
    if wanted is not None and wanted.names & {"int", "float", "bool", "uuid.UUID"}:
        return made_safe(Value(kind="number", marks=owner.marks), SHAPED)
    if owner.items is not None or owner.rest is not None:
        return _held(owner, key, default)
    names = frozenset(f"{name}.{last}()" for name in owner.names for last in call.last)
    if key is not None:
        names |= frozenset(
            f"{name}[{text}]" for name in owner.names if name.endswith(("environ", "META")) for text in key.texts
        )
    marks = servers.marks(owner, key)
    marks |= default.deep() if default is not None else frozenset()
    some = default.some if default is not None else frozenset()
    sure = owner.sure and (default is None or accounted(default))
    rest = Value(marks=marks, sure=sure) if call.last & {"getlist", "get_all", "getall"} else None
    about = frozenset((name, "part") for name, _ in owner.about)
    return Value(marks=marks, names=names, some=some, rest=rest, kind="list" if rest else "", about=about, sure=sure)


def _held(owner: Value, key: Value | None, default: Value | None) -> Value:
    """What a container of which something is known gives for a key."""
    held = [owner.item(one) for one in key.some] if key is not None and key.closed else []
    if held and all(one is not None for one in held):
        return join([one for one in held if one is not None])
    of_session = any(one.endswith(".session") for one in owner.names)
    if held and not any(held) and owner.rest is None and not owner.marks and of_session:
        return Value(names=frozenset(f"{name}.get()" for name in owner.names))  # what else a session holds is ours
    elsewhere = key is not None and key.closed and owner.rest is not None and not any(held)
    found = [owner.rest if elsewhere and owner.rest is not None else owner.every()]
    found.append(default if default is not None else constant(None))
    return join(found).but(marks=join([*found, Value(marks=owner.marks)]).marks)


def _views(call: Call) -> Value:
    owner = call.receiver
    last = min(call.last)
    keys = join([constant(key) for key, _ in owner.items]) if owner.items else Value(marks=owner.marks, sure=owner.sure)
    values = (
        owner.every()
        if owner.items is not None or owner.rest is not None
        else Value(marks=owner.marks, sure=owner.sure)
    )
    if "keys" in last:
        return Value(rest=keys, kind="list", marks=frozenset())
    if "items" in last or last == "lists":
        pairs = [
            (number, container("tuple", [(0, constant(key)), (1, one)]))
            for number, (key, one) in enumerate(owner.items or ())
        ]
        rest = container("tuple", [(0, Value(marks=owner.marks)), (1, owner.rest or Value(marks=owner.marks))])
        return container("list", pairs, rest if owner.rest is not None or not pairs else None)
    return Value(rest=values, kind="list", marks=owner.marks)


def fields_of(value: Value) -> Value | None:
    """The fields of an object of the project as a dictionary: what model_dump, asdict and vars give."""
    objects = [one for one in value.things if isinstance(one, Instance)]
    return join([container("dict", list(one.names.items())) for one in objects]) if objects else None


def table(call: Call) -> Value:
    """`str.maketrans(...)`: of one dictionary, or of two or three texts of which the first and third are changed."""
    if len(call.args) == 1:
        return call.args[0]
    changed_ones = "".join(text for position in (0, 2) for text in (call.arg(position) or UNKNOWN).texts)
    return container("dict", [(one, UNKNOWN) for one in changed_ones])


def _translated(call: Call) -> Value:
    """`text.translate(table)`: characters that the table changes are gone."""
    table = call.arg(0, "table")
    kept = Value(marks=call.receiver.marks, kind="text", sure=call.receiver.sure)
    keys = [key for key, _ in table.items or ()] if table is not None else []
    return without(kept, {chr(key) if isinstance(key, int) else str(key) for key in keys})


def _copied(call: Call) -> Value:
    fields = fields_of(call.receiver)
    if fields is not None:
        return fields
    return call.receiver if call.receiver is not UNKNOWN else plain(call)


def _put(call: Call) -> Value:
    """`append`, `add`, `extend`, `update`, `write` and their kin: they change what they are called on."""
    value = call.receiver
    for one in call.args[:2]:
        if call.last & {"extend", "update"} and one.items is not None:
            for key, held in one.items:
                value = with_item(value, constant(key), held) if "update" in call.last else appended(value, held)
            value = with_rest(value, one.rest) if one.rest is not None else value
        elif call.last & {"extend", "update"}:
            open_ = value.but(marks=value.marks | one.marks, doubtful=True)
            value = open_ if one.rest is None else with_rest(value, one.rest)
        else:
            value = appended(value, one)
    for key, held in call.kwargs.items():
        value = with_item(value, constant(key), held)
    if call.spread is not None:
        value = value.but(marks=value.marks | call.spread.deep(), doubtful=True)
    if isinstance(call.node, ast.Call) and isinstance(call.node.func, ast.Attribute) and not call.receiver.things:
        if call.last & {"write", "writelines"} or (
            call.receiver.names
            and call.receiver.items is None
            and not any(one.endswith("().headers") for one in call.receiver.names)
        ):
            value = call.receiver.but(
                marks=join([Value(marks=call.receiver.marks.union(*(one.deep() for one in call.args)))]).marks
            )
        changed(call.frame, call.node.func.value, value)
    return Value(names=frozenset(f"{name}()" for name in call.names))


def _default(call: Call) -> Value:
    found = _got(call)
    if isinstance(call.node, ast.Call) and isinstance(call.node.func, ast.Attribute) and len(call.args) > 1:
        changed(call.frame, call.node.func.value, with_item(call.receiver, call.args[0], call.args[1]))
    return found


METHODS: dict[str, Result] = {
    **each((
        "lower", "upper", "strip", "lstrip", "rstrip", "title", "capitalize", "casefold", "swapcase", "expandtabs",
        "ljust", "rjust", "center", "zfill", "removeprefix", "removesuffix", "normalize", "as_posix", "expanduser",
        "absolute"
    ), _receiver),
    **each(("encode", "decode"), _encoded),
    **each(("split", "rsplit", "partition", "rpartition", "splitlines"), _part),
    "replace": _replaced, "join": _joined,
    **each(("format", "format_map"), _formatted),
    **each(("get", "getlist", "get_all", "getall", "getfirst", "pop"), _got),
    "setdefault": _default,
    **each(("items", "values", "keys", "lists", "iteritems"), _views),
    **each(("copy", "to_dict", "dict", "model_dump", "_asdict", "getvalue", "__copy__"), _copied),
    "translate": _translated, "maketrans": table,
    **each(("append", "add", "extend", "update", "insert", "appendleft", "write", "writelines"), _put),
    **each((
        "isdigit", "isalnum", "isalpha", "isdecimal", "isidentifier", "startswith", "endswith", "exists", "is_file",
        "is_dir", "count", "find", "index"
    ), lambda call: Value(test=call.node if isinstance(call.node, ast.expr) else None)),
    **each(("hexdigest", "digest"), nothing_of),
}  # fmt: skip
