"""What a step starts ends with hardgate, also when hardgate is killed and can do nothing any more."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hardgate import tools
from hardgate.environments.running import KEEPER, alone
from hardgate.environments.swept import sweep
from hardgate.environments.task import STEP, Task


@contextlib.contextmanager
def minded(scratch: Path) -> Iterator[dict[str, str]]:
    """The variables of all that a step starts: by them it is found and ended with the `with`, also what left its group.

    A server that stays behind would answer the next test. Where hardgate itself is killed, a keeper hears of it and
    does the same. Nobody waits for the keeper to be there: what it is told waits in its pipe, and so does the end.
    Raises ToolError.
    """
    mark = secrets.token_hex(8)
    keeper = tools.Service(KEEPER, cwd=scratch, env=alone(scratch), told=True, spared=True)
    try:
        keeper.tell(msgspec.json.encode(Task(mark=mark, variable=STEP)).decode())
        yield {STEP: mark}
    finally:
        keeper.stop()
        sweep(f"{STEP}={mark}", set())
