"""Captures the sample of opa from the real engine: python -m tests.scanners.capture_rego

The input is examples/terraform-plan, with the canary planted as in every scan.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from hardgate.policies import Options
from hardgate.scanners.opa import OPA
from tests.scanners import real

EXAMPLE = real.ROOT / "examples" / "terraform-plan"
SAMPLES = Path(__file__).parent / "samples"
OPTIONS = {"policy": ["policy"], "data": ["data"], "inputs": ["tfplan.json"]}


def main() -> None:
    scanner = OPA.fitted(Options(policy=("policy",), data=("data",), inputs=("tfplan.json",)))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "tree"
        shutil.copytree(EXAMPLE, root)
        real.plant(scanner, root)
        done = real.start(scanner, real.job(scanner, root, Path(folder) / "scratch", options=OPTIONS))
    if done.exit_code not in scanner.done_exits:
        raise SystemExit(done.stderr.decode())
    target = SAMPLES / "opa" / "report-1.20.2.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(done.stdout)
    sys.stdout.write(f"{target.relative_to(SAMPLES)}: {len(done.stdout)} bytes\n")


if __name__ == "__main__":
    main()
