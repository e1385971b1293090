"""What is written in the code, and what is drawn: through the functions that decode, draw, shuffle and set."""

from __future__ import annotations

import ast
import base64
import binascii
from collections.abc import Callable, Mapping

from hardgate.dataflow.assigning import assign, changed, element
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, nothing_of, plain
from hardgate.dataflow.values import UNKNOWN, Const, Value, constant


# https://docs.python.org/3/library/base64.html and binascii.html
def _bytes(call: Call) -> Value:
    value = call.args[0] if call.args else constant(b"")
    if value.known and isinstance(value.const, str):
        return constant(value.const.encode("utf-8", "replace"))
    inside = value.rest.names if value.rest is not None else frozenset()
    return value.but(kind="bytes", names=value.names | inside)


def _drawn(call: Call) -> Value:
    """One of the items, or a list of some: of a text they are characters."""
    value = plain(call)
    given = call.args[0] if call.args else UNKNOWN
    if given.kind != "text" and not any(name.startswith("string.") for name in given.names):
        return value
    one = value.but(kind="text")
    return one if "choice" in call.last else Value(rest=one, kind="list", names=value.names, marks=value.marks)


def _shuffled(call: Call) -> Value:
    """The list that is shuffled in place: its items are in a drawn order."""
    if isinstance(call.node, ast.Call) and call.node.args and call.args:
        value = element(call.args[0])
        drawn = value.but(names=value.names | {"random.shuffle()"}, some=frozenset(), closed=False, text=None)
        changed(call.frame, call.node.args[0], Value(rest=drawn, kind="list", marks=call.args[0].marks))
    return constant(None)


def _set(call: Call) -> Value:
    """`setattr(owner, "name", value)`."""
    if len(call.args) == 3 and call.args[1].known and isinstance(call.node, ast.Call):  # noqa: PLR2004 (so many arguments)
        target = ast.Attribute(value=call.node.args[0], attr=str(call.args[1].const), ctx=ast.Store())
        assign(call.frame, ast.copy_location(target, call.node), call.args[2])
    return constant(None)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "b64decode": base64.b64decode, "urlsafe_b64decode": base64.urlsafe_b64decode,
    "standard_b64decode": base64.b64decode,
    "b32decode": base64.b32decode, "b16decode": base64.b16decode, "unhexlify": binascii.unhexlify,
    "fromhex": binascii.unhexlify, "a2b_hex": binascii.unhexlify, "a2b_base64": binascii.a2b_base64,
}  # fmt: skip


def decoded_constant(call: Call) -> Value | None:
    """What a written text becomes when it is decoded; None for what is not written, or is no such code."""
    value = call.args[0] if call.args else UNKNOWN
    decoder = next((_DECODERS[last] for last in call.last if last in _DECODERS), None)
    if value.known and isinstance(value.const, str | bytes) and decoder is not None:
        content = value.const.encode() if isinstance(value.const, str) else value.const
        try:
            return constant(decoder(content))
        except ValueError:
            return None
    return None


def converted(call: Call) -> frozenset[Const]:
    """What `bool` and `int` make of the constants among what is converted: defaults of the environment."""
    if len(call.args) != 1 or not call.last & {"bool", "int"}:
        return frozenset()
    some = call.args[0].some
    if "bool" in call.last:
        return frozenset(bool(one) for one in some)
    whole = [one for one in some if isinstance(one, int) or (isinstance(one, str) and one.isdecimal())]
    return frozenset(int(one) for one in whole)


# https://docs.python.org/3/library/random.html
ORIGINS: Mapping[str, Result] = {
    **each(("bytes", "bytearray"), _bytes),
    **each(("random.choice", "random.choices", "random.sample"), _drawn),
    "random.shuffle": _shuffled,
    "setattr": _set,
    "itertools.count": nothing_of,
}
