"""Captures the samples of schemathesis: the pinned one against tests/lab/described_api.py on loopback.

`python -m tests.scanners.capture_schemathesis` writes tests/scanners/samples/schemathesis/. The address is set to a
fixed word; times are what the tool measured. Look at the difference afterwards.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.lab import described_api, tools

SAMPLES = Path(__file__).parent / "samples" / "schemathesis"
VERSION = "4.32.5"
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    # name: the document, and words beside it
    "found": ("whole.json", ()),
    "good": ("good.json", ()),
    "locked": ("locked.json", ()),
    "strange": ("strange.json", ()),
    "empty": ("empty.json", ()),
    "absent": ("absent.json", ()),
    "chosen": ("whole.json", ("--include-path", "/planets")),
    "limited": ("whole.json", ("--max-failures", "1")),
    "phases": ("good.json", ("--phases", "coverage")),
    "unchecked": ("good.json", ("--checks", "ignored_auth")),
}


def main() -> None:
    SAMPLES.mkdir(exist_ok=True)
    with described_api.serving() as base:
        for case, (document, more) in CASES.items():
            with tempfile.TemporaryDirectory() as folder:
                report = Path(folder) / "report.json"
                words = [*tools.command("schemathesis"), "run", f"{base}/{document}", "--report", "json"]
                words += ["--report-json-path", str(report), "--seed", "1", "--max-examples", "10"]
                words += ["--generation-database", "none", *more]
                subprocess.run(words, cwd=folder, check=False, capture_output=True)
                raw = report.read_bytes().replace(base.encode(), b"http://127.0.0.1:8080")
                raw = raw.replace(folder.encode(), b"/srv/tree")
                (SAMPLES / f"{case}-{VERSION}.json").write_bytes(raw)


if __name__ == "__main__":
    main()
