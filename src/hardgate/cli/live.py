"""The live lines of a run: one per action, with its state, seconds and findings, on standard error."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from hardgate.model import Action, ActionState, Receipt
from hardgate.wording import cut

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live as RichLive

_LONGEST = 90  # characters of a gap's message in a live line
_MARKS = {ActionState.DONE: "done", ActionState.GAP: "gap", ActionState.NOTHING_TO_DO: "nothing to do"}
_STYLES = {ActionState.DONE: "green", ActionState.GAP: "yellow", ActionState.NOTHING_TO_DO: "dim"}


class Live:
    """Shows a run as it goes: a table that lives in a terminal, a line per ended action elsewhere, nothing if quiet."""

    def __init__(self, stream: TextIO, *, quiet: bool, pretty: bool) -> None:
        self.stream, self.quiet, self.pretty = stream, quiet, pretty
        self.rows: dict[str, tuple[str, Receipt | None, float]] = {}
        self.lock = threading.Lock()
        self.live: RichLive | None = None

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the last picture standing."""
        with self.lock:
            live, self.live = self.live, None
        if live:
            live.stop()

    def planned(self, stages: Sequence[tuple[str, tuple[Action, ...]]]) -> None:
        """Show every action that will run."""
        for stage, actions in stages:
            for action in actions:
                self.rows[action.name] = (stage, None, 0.0)
        if self.pretty and not self.quiet:
            from rich.console import Console  # noqa: PLC0415 (slow to import, only for terminals)
            from rich.live import Live as RichLive  # noqa: PLC0415 (loaded where it is needed)

            console = Console(file=self.stream)
            self.live = RichLive(get_renderable=self._picture, console=console, refresh_per_second=8)
            self.live.start()

    def started(self, action: Action) -> None:
        """An action's tool is starting."""
        with self.lock:
            stage, receipt, _ = self.rows[action.name]
            self.rows[action.name] = (stage, receipt, time.monotonic())

    def ended(self, receipt: Receipt) -> None:
        """An action has left its receipt."""
        with self.lock:
            self.rows[receipt.action] = (receipt.stage, receipt, 0.0)
        if not self.quiet and not self.pretty:
            self.stream.write(f"{receipt.stage} / {receipt.action}: {_told(receipt)}\n")
            self.stream.flush()

    def _picture(self) -> RenderableType:
        from rich.table import Table  # noqa: PLC0415 (loaded where it is needed)
        from rich.text import Text  # noqa: PLC0415 (loaded where it is needed)

        table = Table.grid(padding=(0, 2))
        with self.lock:
            rows = list(self.rows.items())
        for name, (stage, receipt, began) in rows:
            if receipt is not None:
                style, told = _STYLES[receipt.state], _told(receipt)
            elif began:
                style, told = "cyan", f"running {time.monotonic() - began:5.1f} s"
            else:
                style, told = "dim", "waiting"
            table.add_row(Text(f"  {stage}", "dim"), Text(name, "bold"), Text(told, style))
        return table


def _told(receipt: Receipt) -> str:
    """`done, 1.2 s, 3 findings` and the like."""
    if receipt.state is ActionState.NOTHING_TO_DO:
        return _MARKS[receipt.state]
    if receipt.state is ActionState.GAP and not receipt.findings:
        return f"gap: {cut(receipt.gaps[0].message, _LONGEST)}"
    how = "from cache" if receipt.cached_from else f"{receipt.seconds:.1f} s"
    number = len(receipt.findings)
    words = [_MARKS[receipt.state], how, f"{number} finding{'' if number == 1 else 's'}"]
    if receipt.gaps:
        words.append(f"{len(receipt.gaps)} gap{'' if len(receipt.gaps) == 1 else 's'}")
    return ", ".join(words)
