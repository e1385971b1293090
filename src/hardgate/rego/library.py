"""The door to OPA's engine: a shared library with OPA's Go packages behind a handful of C functions.

The library is that of https://github.com/phi1010/opa-golib-python-bindings (go/bridge.go there). It evaluates with
strict built-in errors, so that a function that fails is an error and no undefined value.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import re
from pathlib import Path
from typing import Any

_BUILT_WITH = re.compile(rb"dep\tgithub\.com/open-policy-agent/opa\tv(\d+\.\d+\.\d+)")


class LibraryError(Exception):
    """The library is not there, or is not the one that is known here."""


class RegoError(Exception):
    """What the engine says of a policy, of data or of an evaluation; `code` is its word for the sort of error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def version(library: Path) -> str:
    """The version of OPA that the library was built with, as Go's linker noted it; raises LibraryError."""
    try:
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = _BUILT_WITH.search(content)
            if found is not None:
                return found[1].decode()
    except (OSError, ValueError) as error:
        raise LibraryError(f"{library} cannot be read: {error}") from error
    raise LibraryError(f"{library} does not say which OPA is in it")


class Engine:
    """One set of policies and data. Every method raises RegoError for what the engine does not take."""

    def __init__(self, library: Path) -> None:
        try:
            self._functions = _load(library)
        except (OSError, AttributeError) as error:
            raise LibraryError(f"{library} cannot be loaded: {error}") from error
        self._handle = self._functions.OpaNew()

    def policy(self, name: str, text: str) -> None:
        """Add one Rego module."""
        self._ask(self._functions.OpaAddPolicy, _text(name), _text(text))

    def data(self, raw: str) -> None:
        """Merge a JSON object into `data`; two values for one key are an error."""
        self._ask(self._functions.OpaAddData, b"", _text(raw))

    def value(self, query: str, given: str = "") -> Any:
        """The value of the query's one expression for the input `given` (JSON, "" for none); None when undefined."""
        answer = self._ask(self._functions.OpaEvalQuery, _text(query), _text(given), 0, 0)
        rows = answer.get("result") or []
        return rows[0]["expressions"][0]["value"] if rows else None

    def _ask(self, function: Any, *words: Any) -> dict[str, Any]:
        pointer = function(self._handle, *words)
        if not pointer:
            raise RegoError("internal", "the engine gave no answer")
        try:
            answer: dict[str, Any] = json.loads(ctypes.string_at(pointer))
        finally:
            self._functions.OpaFreeString(pointer)
        error = answer.get("error")
        if error is not None:
            raise RegoError(str(error.get("code", "")), str(error.get("message", "")))
        return answer


def _load(library: Path) -> ctypes.CDLL:
    loaded = ctypes.CDLL(str(library))
    handle, text, flag = ctypes.c_uint64, ctypes.c_char_p, ctypes.c_int
    loaded.OpaNew.restype, loaded.OpaNew.argtypes = handle, []
    loaded.OpaFreeString.restype, loaded.OpaFreeString.argtypes = None, [ctypes.c_void_p]
    for name, words in (
        ("OpaAddPolicy", [handle, text, text]),
        ("OpaAddData", [handle, text, text]),
        ("OpaEvalQuery", [handle, text, text, flag, flag]),
    ):
        function = getattr(loaded, name)
        # The answer is freed by hand: ctypes would keep the copy of a char* and forget the address.
        function.restype, function.argtypes = ctypes.c_void_p, words
    return loaded


def _text(value: str) -> bytes:
    """As the library takes it: it would stop at a NUL, and read what comes before as the whole."""
    try:
        raw = value.encode()
    except UnicodeEncodeError as error:
        raise RegoError("invalid_argument", "it has half of a surrogate pair, which is no text") from error
    if b"\0" in raw:
        raise RegoError("invalid_argument", "it has a NUL character")
    return raw
