"""What `make demo` shows: the pipeline of examples/planetary-api, run whole, and its verdict.

The application is full of holes on purpose, so the expected verdict is FAIL, reached with complete evidence. pip-audit
asks its online service where that answers; where it does not, this script starts a loopback OSV server over an
advisory snapshot from a package on PyPI, and says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE / "planetary-api"
HARDGATE = Path(sys.executable).with_name("hardgate")
LAB = HERE.parent / ".lab"
FAIL = 1


def main() -> int:
    """Run it; 0 when the verdict is the FAIL that this application deserves, else the exit code of hardgate."""
    online = subprocess.run([HARDGATE, "advisories", "status", "--path", TARGET, "--json"], capture_output=True, check=False)
    if online.returncode == 0:
        print("Vulnerability data: pip-audit's online service answers, and is used.", flush=True)
        return _verdict([])
    data = next(LAB.glob("lib/python3*/site-packages/cordon_scanner/intel/data"))
    command = [sys.executable, "-m", "tests.lab.osv_server", "--data", data, "--port", "0"]
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().strip() if server.stdout else ""
            if not url.startswith("http://127.0.0.1:"):
                print("The loopback OSV server did not start: no vulnerability data, so no demo.", file=sys.stderr)
                return 3
            print("Vulnerability data: pip-audit's online service does not answer here. A loopback server answers instead,")
            print("from the OSV snapshot in the package cordon-scanner 0.6.0 (high, critical and unscored records only).", flush=True)
            return _verdict(["--osv-url", url])
        finally:
            server.terminate()


def _verdict(more: list[str]) -> int:
    done = subprocess.run([HARDGATE, "run", TARGET, *more], env=os.environ, check=False)
    if done.returncode != FAIL:
        print(f"The demo expects FAIL (exit code {FAIL}); hardgate ended with {done.returncode}.", file=sys.stderr)
        return done.returncode or 4
    print("This is what the demo is to show: complete evidence, and a gate that stays shut (exit code 1).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
