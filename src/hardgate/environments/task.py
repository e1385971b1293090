"""What a keeper is told when it starts, and the mark by which it knows the processes that it keeps."""

from __future__ import annotations

import msgspec

MARK = "HARDGATE_ENVIRONMENT"
STEP = "HARDGATE_STEP"  # the same of what a step itself starts


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`walled`: it runs in namespaces of its own, and makes them ready; `hidden` are paths to hide there.

    `mark` is what processes are known by, in their variable `variable`; `down` a command that takes away what is no
    process, such as containers.
    """

    mark: str
    variable: str = MARK
    walled: bool = False
    hidden: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
