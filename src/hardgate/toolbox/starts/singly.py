"""Starts Black on one file after the other, in one process: for several at once it would start another one for a lock.

Each file is a call of Black's own script with the same options, as if Black had been started for it alone. The exit
code is the worst of all: 123 (a file could not be read) over 1 (a file would change) over 0
(https://black.readthedocs.io/en/stable/usage_and_configuration/the_basics.html). What is no exit code of Black's ends
the process, and the files after it are not looked at: hardgate names its planted file last, and misses it then.
"""

from __future__ import annotations

import atexit
import gc
import runpy
import sys

_FILES = "--"  # what follows are files


def _run(script: str, words: list[str]) -> int:
    """The exit code of one call of the script; raises what it does not catch itself."""
    sys.argv[:] = [script, *words]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, int):
            return end.code
        raise
    return 0


if __name__ == "__main__":
    program, given = sys.argv[1], sys.argv[2:]
    head = given.index(_FILES) + 1 if _FILES in given else len(given)
    files = given[head:]
    atexit.register(gc.freeze)  # at its end nothing is searched for garbage
    sys.exit(max(_run(program, [*given[:head], name]) for name in files) if files else _run(program, given))
