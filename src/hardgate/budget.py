"""How much may run at once: the memory that is there, shared out among the tools."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Of the memory that is free when a stage starts, what its tools may be expected to use together.
MEMORY_SHARE = 0.8


class Budget:
    """Memory that the running tools are expected to use; one larger than all of it runs alone."""

    def __init__(self, total: int) -> None:
        self.total, self.used = total, 0
        self.changed = threading.Condition()

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        amount = min(amount, self.total)
        with self.changed:
            self.changed.wait_for(lambda: self.used + amount <= self.total)
            self.used += amount
        try:
            yield
        finally:
            with self.changed:
                self.used -= amount
                self.changed.notify_all()


def free_memory() -> int:
    """Bytes of memory that new processes can use: MemAvailable where Linux tells, else 4 GiB."""
    try:
        words = Path("/proc/meminfo").read_text().split()
        return int(words[words.index("MemAvailable:") + 1]) * 1024
    except (OSError, ValueError):
        return 4 * 1024**3
