"""A process that writes to a store, for tests that need real ones: python -m tests.store.worker TARGET NAME TASK."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable

from hardgate.store import Store
from tests.store import values

FINDINGS = 150
ACTIONS = ("bandit", "semgrep", "gitleaks")


def findings(action: str) -> tuple[values.Finding, ...]:
    """What `action` finds in every run of a worker."""
    return tuple(values.finding(number, scanner=action) for number in range(FINDINGS))


def one_run(store: Store, name: str) -> None:
    """A whole run, the way the engine stores it."""
    begun = values.run(name)
    store.begin(begun)
    receipts = tuple(values.receipt(action, findings(action)) for action in ACTIONS)
    for receipt in receipts:
        store.add_receipt(name, receipt)
        store.remember(f"key of {receipt.action}", receipt)
        store.put_blob(name.encode() * 1000)
    ended = values.ended(begun, *receipts)
    store.finish(ended)
    store.save_verdict(name, values.verdict(ended))


def forever(store: Store, name: str) -> None:
    """Runs until somebody kills us."""
    for number in itertools.count():
        one_run(store, f"{name}-{number}")


def several(store: Store, name: str) -> None:
    """Five runs."""
    for number in range(5):
        one_run(store, f"{name}-{number}")


def hold(store: Store, name: str) -> None:
    """Half a run, and then nothing until somebody ends us."""
    store.begin(values.run(name))
    store.add_receipt(name, values.receipt("bandit", findings("bandit")))
    print("begun", flush=True)
    time.sleep(600)


def take(store: Store, name: str) -> None:
    """Resume a run that others want too, and hold it for a moment."""
    store.resume(name)
    print("resumed", flush=True)
    time.sleep(1)


TASKS: dict[str, Callable[[Store, str], None]] = {
    "forever": forever,
    "several": several,
    "hold": hold,
    "take": take,
}


def main() -> None:
    """Open the store, say so, do the task."""
    target, name, task = sys.argv[1:]
    with Store.open(target) as store:
        print("open", flush=True)
        TASKS[task](store, name)


if __name__ == "__main__":
    main()
