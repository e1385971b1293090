"""SOURCES: what the hooks read, each by its name, its reader, good input and the errors that it may raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hardgate import staged, styles
from hardgate.errors import ConfigError, ReportError

_Source = tuple[str, Callable[[bytes], object], Sequence[bytes], tuple[type[Exception], ...]]

_DIFF = (
    b"--- a.py\t2026-11-22 19:25:31.506301+00:00\n+++ a.py\t2026-11-22 19:25:31.778039+00:00\n@@ -7,3 +7,3 @@\n"
    b" import os\n-x  =  1\n+x = 1\n"
)
_BLACK = b'[tool.black]\nline-length = 100\ntarget-version = ["py311"]\nextend-exclude = "^/gen/"\n'
_FLAKE8 = b"[flake8]\nmax-line-length = 88\nignore = E203,\n  W503\nper-file-ignores =\n  a/*: F401\nexclude = b\n"
_LINE = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n".encode()


def _black(raw: bytes) -> object:
    return styles.left_out(styles.black_options(raw), "gen/a.py")


def _flake8(raw: bytes) -> object:
    return [styles.left_out(styles.flake8_options({name: raw}), "b/a.py") for name in styles.FLAKE8_FILES]


def _pushes(raw: bytes) -> object:
    return staged.pushes(raw.decode("utf-8", "surrogateescape"))


SOURCES: tuple[_Source, ...] = (
    ("black", styles.BLACK.parse, [_DIFF], (ReportError,)),
    ("black-said", styles.BLACK.complaints, [b"error: cannot format a.py: Cannot parse: 1:4: def (:\n"], ()),
    ("black-settings", _black, [_BLACK], (ConfigError,)),
    ("flake8", styles.FLAKE8.parse, [b"a.py:1:6: E999 SyntaxError: invalid syntax\n"], (ReportError,)),
    ("flake8-settings", _flake8, [_FLAKE8], (ConfigError,)),
    ("pushes", _pushes, [_LINE], (ConfigError,)),
)
