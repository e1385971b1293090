"""What `make demo` and `make demo-todo` show: the pipeline of an example, run whole, and its verdict.

    python examples/demo.py [planetary-api | todo]

planetary-api is full of holes on purpose, so the expected verdict is FAIL, reached with complete evidence. todo is
clean: PASS. pip-audit asks its online service where that answers; where it does not, hardgate's own advisory database
stands in, filled from the snapshot in a package on PyPI.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The exit code that each example deserves, and what that shows.
EXPECTED = {
    "planetary-api": (1, "complete evidence, and a gate that stays shut"),
    "todo": (0, "complete evidence, and a gate that opens"),
}
HARDGATE = Path(sys.executable).with_name("hardgate")
LAB = HERE.parent / ".lab"
# A database of the demo's own: that of the user is left alone.
ENVIRONMENT = {**os.environ, "HARDGATE_ADVISORIES": str(LAB / "advisories")}


def main() -> int:
    """Run it; 0 when the verdict is the one that this application deserves, else the exit code of hardgate."""
    name = (sys.argv[1:] or ["planetary-api"])[0]
    if name not in EXPECTED:
        print(f"There is no example {name!r}: {', '.join(EXPECTED)}", file=sys.stderr)
        return 2
    target = HERE / name
    sources = _sources(target)
    if not all(source["answers"] for source in sources):
        data = next(LAB.glob("lib/python3*/site-packages/cordon_scanner/intel/data"))
        print("No online service for vulnerability data answers here: filling the local database.", flush=True)
        filling = [HARDGATE, "advisories", "import", "--from", data, "--ecosystem", "PyPI"]
        code = subprocess.run(filling, env=ENVIRONMENT, check=False).returncode
        if code:
            return code
        sources = _sources(target)
    for source in sources:
        print(f"Vulnerability data of {source['action']}: {source['source']}", flush=True)
    return _verdict(target)


def _sources(target: Path) -> list[dict[str, Any]]:
    """The vulnerability data that a run would use, and whether it answers."""
    status = [HARDGATE, "advisories", "status", "--path", target, "--json"]
    done = subprocess.run(status, env=ENVIRONMENT, stdout=subprocess.PIPE, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)["sources"]
    return found


def _verdict(target: Path) -> int:
    wanted, shown = EXPECTED[target.name]
    done = subprocess.run([HARDGATE, "run", target], env=ENVIRONMENT, check=False)
    if done.returncode != wanted:
        print(f"The demo expects exit code {wanted}; hardgate ended with {done.returncode}.", file=sys.stderr)
        return done.returncode or 4
    print(f"This is what the demo is to show: {shown} (exit code {wanted}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
