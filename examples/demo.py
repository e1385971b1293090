"""What `make demo` shows: the pipeline of examples/planetary-api, run whole, and its verdict.

The application is full of holes on purpose, so the expected verdict is FAIL, reached with complete evidence. pip-audit
asks its online service where that answers; where it does not, hardgate's own advisory database stands in, filled from
the snapshot in a package on PyPI.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TARGET = HERE / "planetary-api"
HARDGATE = Path(sys.executable).with_name("hardgate")
LAB = HERE.parent / ".lab"
# A database of the demo's own: that of the user is left alone.
ENVIRONMENT = {**os.environ, "HARDGATE_ADVISORIES": str(LAB / "advisories")}
FAIL = 1


def main() -> int:
    """Run it; 0 when the verdict is the FAIL that this application deserves, else the exit code of hardgate."""
    sources = _sources()
    if not all(source["answers"] for source in sources):
        data = next(LAB.glob("lib/python3*/site-packages/cordon_scanner/intel/data"))
        print("No online service for vulnerability data answers here: filling the local database.", flush=True)
        filling = [HARDGATE, "advisories", "import", "--from", data, "--ecosystem", "PyPI"]
        code = subprocess.run(filling, env=ENVIRONMENT, check=False).returncode
        if code:
            return code
        sources = _sources()
    for source in sources:
        print(f"Vulnerability data of {source['action']}: {source['source']}", flush=True)
    return _verdict()


def _sources() -> list[dict[str, Any]]:
    """The vulnerability data that a run would use, and whether it answers."""
    status = [HARDGATE, "advisories", "status", "--path", TARGET, "--json"]
    done = subprocess.run(status, env=ENVIRONMENT, stdout=subprocess.PIPE, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)["sources"]
    return found


def _verdict() -> int:
    done = subprocess.run([HARDGATE, "run", TARGET], env=ENVIRONMENT, check=False)
    if done.returncode != FAIL:
        print(f"The demo expects FAIL (exit code {FAIL}); hardgate ended with {done.returncode}.", file=sys.stderr)
        return done.returncode or 4
    print("This is what the demo is to show: complete evidence, and a gate that stays shut (exit code 1).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
