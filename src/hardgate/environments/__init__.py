"""Starts what is to be tested, waits until it is ready, and takes it down again, whatever happens.

`up` is a `with`: at its end, after an exception, after ^C and when hardgate itself is killed, nothing of the
environment is left. A keeper (see keeper.py) hears the end of hardgate by a pipe that closes.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from hardgate.environments import compose, plain
from hardgate.environments.minder import minded
from hardgate.environments.running import Running, StartError
from hardgate.services import Environment

__all__ = ["Running", "StartError", "minded", "up"]


def up(environment: Environment, *, tree: Path, scratch: Path, image: str = "") -> AbstractContextManager[Running]:
    """Start what `environment` names, over `tree`, a private copy that services may write to; `scratch` is empty.

    `image` is what a compose file finds as `${HARDGATE_IMAGE}`.
    Entering it raises StartError, a ToolError, when it does not come up or cannot be isolated as hardgate.yaml asks.
    """
    if environment.compose:
        return compose.started(environment, tree=tree, scratch=scratch, image=image)
    return plain.started(environment, tree=tree, scratch=scratch)
