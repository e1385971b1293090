"""Write the store that each later release must be able to open: python -m tests.store.capture_sample.

Run it once, right before a release; the file hardgate-VERSION.db is never written again after that.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from hardgate import __version__
from hardgate.model import (
    ActionState,
    CanaryCheck,
    DataUse,
    Gap,
    GapReason,
    Kind,
    Location,
    Output,
    Package,
    Receipt,
    Run,
    RunState,
    Scope,
    Selection,
    Severity,
)
from hardgate.store import Store
from tests.store import values

HERE = Path(__file__).parent
SBOM = b'{"bomFormat": "CycloneDX"}'

CHECK = CanaryCheck(checked_at="2026-01-31T11:00:00Z", how="earlier today", rules=("B608", "B105"))


def receipt() -> Receipt:
    """A receipt with every field filled."""
    vulnerable = msgspec.structs.replace(
        values.finding(2, severity=Severity.CRITICAL, scanner="pip-audit"),
        kind=Kind.DEPENDENCY,
        ids=("CVE-2018-18074", "GHSA-x84v-xcm2-53pg"),
        package=Package(
            ecosystem="PyPI", name="requests", version="2.19.1", purl="pkg:pypi/requests@2.19.1", fixed=("2.20.0",)
        ),
        location=Location(path="requirements.txt", line=3, end_line=3, commit="b" * 40),
        fix="Upgrade requests to 2.20.0.",
        url="https://osv.dev/vulnerability/GHSA-x84v-xcm2-53pg",
        confidence="high",
        severity_from="adapter",
    )
    return msgspec.structs.replace(
        values.receipt("pip-audit", (vulnerable, values.finding(1, scanner="pip-audit", path="src/\udcff.py"))),
        rules_digest="f" * 64,
        data=DataUse(source="https://osv.dev", date="2026-01-30T00:00:00Z"),
        cpu_seconds=0.75,
        scope=Scope(files=3, digest="9" * 64, seen=2, excluded=1, configs=("setup.cfg",), honoured=True),
        canary=CHECK,
        gaps=(
            Gap(reason=GapReason.FILE_UNREAD, message="One file.", path="a.txt", action="pip-audit", remedy="Fix it."),
        ),
        notes=("One note.",),
        outputs=(Output(name="sbom.json", media_type="application/json", sha256="1" * 64, size=len(SBOM)),),
        hardgate_version="0.1.0",
        digest="2" * 64,
        blocking=False,
    )


def finished() -> Run:
    """A run with every field filled."""
    return msgspec.structs.replace(
        values.ended(values.run("20260131-finished"), receipt(), values.receipt("bandit", (values.finding(4),))),
        dirty=True,
        selection=Selection(stages=("scan",), actions=("bandit",), base="main"),
        notes=("A note.",),
        hardgate_version="0.1.0",
    )


def interrupted() -> Run:
    """A run that was stopped after its first action, which found nothing it could stand for."""
    return msgspec.structs.replace(
        values.run("20260131-interrupted"),
        state=RunState.INTERRUPTED,
        receipts=(values.receipt("semgrep", (values.finding(5, scanner="semgrep"),), ActionState.GAP),),
    )


def fill(store: Store) -> None:
    """Put one of everything into the store."""
    done = finished()
    store.save(done)
    store.save_verdict(done.id, values.verdict(done))
    store.save(interrupted())
    store.remember("a key", receipt())
    store.remember_canary("a key", CHECK)
    store.put_blob(SBOM)


def main() -> None:
    """Refuse to write over a sample, since releases depend on it."""
    target = HERE / f"hardgate-{__version__}.db"
    if target.exists():
        sys.exit(f"{target} is there. Delete it first if {__version__} was never released.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        with Store.open(path) as store:
            fill(store)
        with closing(sqlite3.connect(path)) as connection:
            # The machine that this ran on is no part of the sample.
            connection.execute("UPDATE runs SET machine = 'host/boot/pid:[1]', process = 1, process_started = '1'")
            connection.execute("UPDATE runs SET claimed = '2026-01-31T12:00:00Z'")
            connection.commit()
            connection.execute("VACUUM INTO ?", (str(target),))


if __name__ == "__main__":
    main()
