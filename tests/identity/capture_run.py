"""A small repository, and the run of it that a release stored: python -m tests.identity.capture_run TARGET.

`run-0.1.0.json` was stored by the first release, whose findings have one fingerprint each. It is never written again:
what it names must stay known by those names.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec

from hardgate.model import Run
from hardgate.store import Store
from tests.lab.command import hardgate
from tests.scanners import inputs, real

HERE = Path(__file__).parent
APP = """\
import pickle
import subprocess


def find(db, name):
    return db.execute("SELECT * FROM planets WHERE name = '%s'" % name)


def remove(db, name):
    return db.execute("DELETE FROM planets WHERE name = '%s'" % name)


class Backup:
    def restore(self, raw):
        return pickle.loads(raw)

    def run(self, command):
        subprocess.call(command, shell=True)


def again(command):
    subprocess.call(command, shell=True)
"""
FILES: dict[str, str | bytes] = {
    "planets/app.py": APP,
    "planets/jobs.py": "import pickle\n\n\ndef load(raw):\n    return pickle.loads(raw)\n",
    "Dockerfile": (
        "FROM python:latest AS build\nRUN cd /x && sudo make\nFROM python:3.12\nRUN sudo make install\nUSER root\n"
    ),
    "deploy/db.env": "POSTGRES_PASSWORD=mango.tree.42\n",
    "hardgate.yaml": (
        "pipeline: planets\nstages:\n  - name: scan\n    actions: [gitleaks, bandit, ruff, hadolint]\n"
        "policy: {block_at: high}\n"
    ),
}


def commit(root: Path, message: str) -> None:
    """Commit everything as it lies there."""
    if not (root / ".git").exists():
        inputs.git(root, "init", "-q", "-b", "main")
    inputs.git(root, "add", "--all")
    inputs.git(root, "commit", "-qm", message)


def run(root: Path, home: Path) -> Run:
    """What `hardgate run` stores of the repository at `root`; `home` holds the store."""
    result = hardgate("run", str(root), "--json", "--no-cache", env={"HARDGATE_STORE": str(home / "store.db")})
    with Store.open(home / "store.db") as store:
        found = store.latest(str(root))
    if found is None:
        raise RuntimeError(result.stdout + result.stderr)
    return found


def main(target: Path) -> None:
    """Make the repository, run, and write the run without what is this machine's."""
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "planets"), Path(folder, "home")
        home.mkdir()
        real.write(root, FILES)
        commit(root, "first")
        found = run(root, home)
        receipts = tuple(msgspec.structs.replace(one, argv=()) for one in found.receipts)
        stored = msgspec.structs.replace(found, root="/srv/planets", receipts=receipts)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(stored), indent=1) + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
