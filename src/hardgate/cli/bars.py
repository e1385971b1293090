"""The progress of `hardgate tools sync`: one bar a tool in a terminal, one line a tool elsewhere, on standard error."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from hardgate.toolbox import Step

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_ENDS = {Step.READY, Step.FAILED}
_MEGABYTE = 1_000_000


class Bars:
    """A `toolbox.Progress` that draws; called by several threads."""

    def __init__(self, stream: TextIO, *, pretty: bool, quiet: bool) -> None:
        self.stream, self.pretty, self.quiet = stream, pretty, quiet
        self.lock = threading.Lock()
        self.began: dict[str, float] = {}
        self.tasks: dict[str, TaskID] = {}
        self.progress: Progress | None = None

    def __enter__(self) -> Bars:
        if self.pretty and not self.quiet:
            from rich import progress  # noqa: PLC0415 (slow to import, only for terminals)
            from rich.console import Console  # noqa: PLC0415 (loaded where it is needed)

            self.progress = progress.Progress(
                progress.TextColumn("{task.fields[tool]:<12}"),
                progress.BarColumn(30),
                progress.TextColumn("{task.description}"),
                progress.TimeElapsedColumn(),
                console=Console(file=self.stream),
            )
            self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.progress:
            self.progress.stop()

    def __call__(self, tool: str, step: Step, done: int, total: int) -> None:
        """Take note of what is being done for a tool."""
        with self.lock:
            first = tool not in self.began
            self.began.setdefault(tool, time.monotonic())
            if self.progress:
                self._draw(self.progress, tool, step, done, total)
            elif not self.quiet and (step in _ENDS or (first and step is Step.WAITING)):
                seconds = time.monotonic() - self.began[tool]
                print(f"{tool:<12} {step} ({seconds:.1f} s)", file=self.stream, flush=True)

    def _draw(self, progress: Progress, tool: str, step: Step, done: int, total: int) -> None:
        if tool not in self.tasks:
            self.tasks[tool] = progress.add_task("", tool=tool, total=None)
        # A bar moves by bytes where they can be counted (vendor's files); uv does not tell, so its bar just pulses.
        counted = total if done else None
        size = f" {total / _MEGABYTE:.1f} MB" if total else ""
        if step in _ENDS:
            counted, done = 1, int(step is Step.READY)
        progress.update(self.tasks[tool], description=f"{step}{size}", completed=done, total=counted)
        if step in _ENDS:
            progress.stop_task(self.tasks[tool])
