"""Captures the samples of npm-audit from the real npm, against tests/lab/npm_registry.py on loopback.

`python -m tests.scanners.capture_npm` writes tests/scanners/samples/npm-audit/CASE-VERSION.json. npm 6 is fetched with
`npm exec`, so that needs npm's own registry; the other cases need nothing.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hardgate.scanners.npm_audit import NPM_AUDIT
from tests.lab import npm_registry
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "npm-audit"
SIX = "6.14.18"
_WANTED = {"lodash": "4.17.4", "mkdirp": "0.5.1"}
_HEAD: dict[str, Any] = {"name": "shop", "version": "1.0.0", "requires": True}
MINIMIST = {"version": "1.2.0", "dev": True}
V3 = _HEAD | {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "shop", "version": "1.0.0", "dependencies": _WANTED},
        "node_modules/lodash": {"version": "4.17.4"},
        "node_modules/mkdirp": {"version": "0.5.1", "dev": True, "dependencies": {"minimist": "1.2.0"}},
        "node_modules/minimist": MINIMIST,
    },
}
V1 = _HEAD | {
    "lockfileVersion": 1,
    "dependencies": {
        "lodash": {"version": "4.17.4"},
        "mkdirp": {"version": "0.5.1", "dev": True, "requires": {"minimist": "1.2.0"}},
        "minimist": MINIMIST,
    },
}
V2 = V3 | {"lockfileVersion": 2, "dependencies": V1["dependencies"]}
WORKSPACES = _HEAD | {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "shop", "workspaces": ["packages/*"]},
        "node_modules/till": {"resolved": "packages/till", "link": True},
        "packages/till": {"name": "till", "version": "1.0.0", "dependencies": {"lodash": "4.17.4"}},
        "node_modules/lodash": {"version": "4.17.4"},
    },
}
CLEAN = _HEAD | {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "shop", "dependencies": {"mkdirp": "0.5.1"}},
        "node_modules/mkdirp": {"version": "0.5.1"},
    },
}
LOCKS = {"lock-1": V1, "lock-2": V2, "lock-3": V3, "workspaces": WORKSPACES, "clean": CLEAN}


def audit(lock: dict[str, Any], registry: str, folder: Path) -> bytes:
    """What the adapter's own command line prints for a lock file."""
    root = real.write(folder / "tree", {"package-lock.json": json.dumps(lock)})
    [part] = NPM_AUDIT.split(real.job(NPM_AUDIT, root, folder / "scratch", options={"registry": registry}))
    done = real.start(NPM_AUDIT, part)
    assert done.exit_code in NPM_AUDIT.done_exits, done.stderr
    return done.stdout


def six(registry: str, folder: Path) -> bytes:
    """What npm 6 prints."""
    real.write(folder, {"package-lock.json": json.dumps(V1), "package.json": json.dumps({"dependencies": _WANTED})})
    words = ["npm", "exec", "--yes", "--package", f"npm@{SIX}", "--", "npm", "audit", "--json", "--registry", registry]
    return subprocess.run(words, cwd=folder, check=False, capture_output=True).stdout


def main() -> None:
    now = subprocess.run(["npm", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    with npm_registry.serving() as registry:
        for name, lock in LOCKS.items():
            with tempfile.TemporaryDirectory() as folder:
                (SAMPLES / f"{name}-{now}.json").write_bytes(audit(lock, registry, Path(folder)))
        with tempfile.TemporaryDirectory() as folder:
            (SAMPLES / f"report-{SIX}.json").write_bytes(six(registry, Path(folder)))


if __name__ == "__main__":
    main()
