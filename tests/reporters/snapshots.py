"""The whole outputs that the reporters are held to, and the command that writes them anew.

After a change that was meant, run `python -m tests.reporters.snapshots` in the repository and read the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hardgate.model import Run, Verdict
from hardgate.reporters import REPORTERS, text
from tests.reporters import sample_proved, sample_run

FOLDER = Path(__file__).parent / "expected"
CASES: dict[str, Callable[[], tuple[Run, Verdict]]] = {
    "incomplete": sample_run.incomplete,
    "failing": sample_run.failing,
    "overridden": sample_run.overridden,
    "clean": sample_run.clean,
    "nothing_ran": sample_run.nothing_ran,
    "proved": sample_proved.proved,
}
PLACES = {"html": "reports/hardgate.html", "sarif": "reports/hardgate.sarif"}


def _colour(run: Run, verdict: Verdict) -> bytes:
    return text.render_colour(run, verdict, places=PLACES, width=80)


def expected() -> dict[str, Callable[[], bytes]]:
    """The name of each snapshot, and how its bytes are made."""
    forms = {f"{reporter.name}{reporter.suffix}": reporter.render for reporter in REPORTERS}
    forms["text.ansi"] = _colour
    return {
        f"{case}.{form}": lambda make=make, render=render: render(*make())  # type: ignore[misc]
        for case, make in CASES.items()
        for form, render in forms.items()
        if case == "incomplete" or not form.startswith("html")
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, write in expected().items():
        (FOLDER / name).write_bytes(write())
