"""Starts detect-secrets without `requests`, with which it asks vendors about a secret: it is loaded when first used.

detect-secrets imports it in every plug-in, and a scan with `--no-verify` asks nobody: a quarter of the CPU time of a
scan of five files. Whatever is asked of the module loads it, as with LazyLoader of
https://docs.python.org/3.11/library/importlib.html#importlib.util.LazyLoader, which would load it at once here: the
plug-ins are searched for classes. A name of it that stands in an annotation, which nothing reads, is a word until the
module is there. The word can do nothing, so that another use of it is an error and no wrong answer.
"""

from __future__ import annotations

import atexit
import gc
import importlib.util
import runpy
import sys
import types

_LATE = "requests"
_ANNOTATIONS = ("Response",)


class _Word:
    """The name of a type, where no type is needed."""

    __slots__ = ()


class _Late(types.ModuleType):
    """A module that has not been run yet."""

    def __getattr__(self, name: str) -> object:
        self.__class__ = types.ModuleType  # type: ignore[assignment]  # from here on a module like any other
        if self.__spec__ is None or self.__spec__.loader is None:
            raise ImportError(f"{self.__name__} cannot be loaded")
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _postpone() -> None:
    spec = importlib.util.find_spec(_LATE)
    if spec is None:
        return  # the import says so
    module = importlib.util.module_from_spec(spec)
    for name in _ANNOTATIONS:
        setattr(module, name, _Word())
    module.__class__ = _Late
    sys.modules[_LATE] = module


if __name__ == "__main__":
    del sys.argv[0]
    _postpone()
    atexit.register(gc.freeze)  # at its end nothing is searched for garbage
    runpy.run_path(sys.argv[0], run_name="__main__")
