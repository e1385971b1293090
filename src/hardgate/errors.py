"""Every error that hardgate raises on purpose: what was not done, and what to do next.

`str(error)` is one or more whole sentences for the person at the terminal. `Error.hint` is the next step.
"""

from __future__ import annotations


class Error(Exception):
    """Something was not done. `hint` says what to do next; it may be empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(Error):
    """hardgate.yaml or the command line asks for something that cannot be: exit code 2, nothing was run."""


class ToolError(Error):
    """A tool could not be found, installed, started or understood: always a gap, never "nothing found"."""


class ReportError(ToolError):
    """What a tool wrote is not a whole report of its kind."""


class StoreError(Error):
    """The store could not be read or written; what was stored before is untouched."""


class CloudError(Error):
    """A cloud service refused or could not be reached."""
