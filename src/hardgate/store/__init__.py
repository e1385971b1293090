"""The only place that talks to a database: runs, receipts, findings and verdicts, and what later runs use again.

SQLite in a file by default, PostgreSQL by address. See docs/reference/store.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

from hardgate.errors import StoreError
from hardgate.ledger import Entry, Line
from hardgate.model import CanaryCheck, Finding, Kind, Receipt, Run, RunState, Severity, State, Verdict, Waiver
from hardgate.override import Override, Scope, Sealed
from hardgate.permits import NOBODY, Person
from hardgate.store import auditing, comparing, ledgering, overriding, reading, recording, reuse, schema
from hardgate.store.auditing import Audit
from hardgate.store.database import Database
from hardgate.store.opening import open_database
from hardgate.store.owner import now
from hardgate.store.reading import RunRow

__all__ = ["RunRow", "Store"]


class Store:
    """An open store; close it, or use it in a `with`. Threads may share it; processes open their own.

    Every method raises StoreError when the database refuses; then nothing of that call was stored.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[str, dict[str, recording.Written]] = {}  # by run and action

    @classmethod
    def open(cls, target: str | Path, *, wait: float = 30.0) -> Store:
        """Open the store at a path, `sqlite:///path` or `postgresql+psycopg://…`; make it or bring it up to date.

        `wait` is how many seconds an SQLite writer waits for another. Raises StoreError when the store cannot be
        opened, is newer than this release, or is no store; it is unchanged then.
        """
        return cls(open_database(target, wait))

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def where(self) -> str:
        """The path or the address of the store, without a password: for messages."""
        return self._database.where

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    # Recording a run

    def begin(self, run: Run) -> None:
        """Store `run` as running in this process. Raises StoreError when its id is taken."""
        with self._database.write(f"Run {run.id} was not begun") as connection:
            recording.insert_run(connection, msgspec.structs.replace(run, state=RunState.RUNNING))

    def add_receipt(self, run_id: str, receipt: Receipt) -> None:
        """Add one receipt with its findings to a run of this process; see `add_receipts`."""
        self.add_receipts(run_id, (receipt,))

    def add_receipts(self, run_id: str, receipts: Iterable[Receipt]) -> None:
        """Add receipts in one transaction: all or none.

        A receipt with a gap is replaced by a later one of the same action. Raises StoreError when an action that is
        done reports twice, or the run has finished or belongs to another process.
        """
        with self._database.write(f"No receipt was added to run {run_id}") as connection:
            written = recording.insert_receipts(connection, run_id, receipts)
        self._written.setdefault(run_id, {}).update(written)

    def withdraw(self, run_id: str, actions: Collection[str]) -> None:
        """Take receipts out of a resumed run: what they tell of is done again. Raises StoreError as `add_receipts`."""
        if not actions:
            return
        with self._database.write(f"No receipt was taken out of run {run_id}") as connection:
            recording.withdraw(connection, run_id, actions)

    def finish(self, run: Run) -> None:
        """Store the whole of `run` as it ended: `self.run(run.id)` is then equal to it.

        A run that still says RUNNING becomes FINISHED, now if it tells no time. Raises StoreError as `add_receipts`.
        """
        with self._database.write(f"The end of run {run.id} was not stored") as connection:
            recording.update_run(connection, _ended(run), self._written.get(run.id, {}))
        self._written.pop(run.id, None)

    def save(self, run: Run) -> None:
        """Store a run that was not begun here, such as one put together from receipts of other machines."""
        with self._database.write(f"Run {run.id} was not stored") as connection:
            recording.insert_run(connection, _ended(run))

    def interrupt(self, run_id: str) -> None:
        """Mark a run as interrupted. Raises StoreError when it has finished or another process works on it."""
        with self._database.write(f"Run {run_id} was not marked as interrupted") as connection:
            recording.mark_interrupted(connection, run_id)

    def resume(self, run_id: str) -> Run:
        """Make an interrupted run one of this process, and return it with the receipts that it has.

        Raises StoreError when it has finished or its process still works on it: of two that try, one succeeds.
        """
        with self._database.write(f"Run {run_id} was not resumed") as connection:
            return reading.load_run(connection, recording.claim_run(connection, run_id))

    def save_verdict(
        self, run_id: str, verdict: Verdict, *, by: Person = NOBODY, waivers: Iterable[Waiver] | None = None
    ) -> Line:
        """Keep the newest verdict of a run, and record it in the ledger: its record is returned.

        `waivers` are those of the policy: what changed about them since the last run is recorded before it.
        """
        with self._database.write(f"The verdict of run {run_id} was not stored") as connection:
            digest = recording.store_verdict(connection, run_id, verdict)
            return ledgering.record_verdict(connection, run_id, verdict, digest, by=by, waivers=waivers)

    # The ledger; see docs/explanation/ledger.md

    def record(self, entry: Entry) -> Line:
        """Add a record of something that is not in the store itself, such as an approval or a deployment."""
        with self._database.write(f"Nothing was recorded about {entry.subject}") as connection:
            return ledgering.append(connection, entry)

    def ledger(self) -> tuple[Line, ...]:
        """All records in their order. Raises StoreError when one cannot even be read; `audit` says which ones."""
        with self._database.read("The ledger was not read") as connection:
            found, problems = ledgering.lines(connection)
        if problems:
            raise StoreError(f"The ledger was not read: {problems[0].message}", hint="See: hardgate audit verify")
        return tuple(found)

    def audit(self, *, evidence: bool = False) -> Audit:
        """Follow the ledger, and compare it with the store; `evidence` reads every run too, which takes long."""
        with self._database.read("The ledger was not verified") as connection:
            return auditing.audit(connection, evidence=evidence)

    # Overrides: this store is an override.Backend

    def add_override(self, override: Override, seal: str) -> Line:
        """Store a request for an override, and record it."""
        with self._database.write("The override was not requested") as connection:
            return overriding.add(connection, override, seal)

    def grant_override(self, known: Sealed, override: Override, seal: str) -> Line:
        """Make the request `known` the grant `override`. Raises StoreError when it has changed meanwhile."""
        with self._database.write(f"The override {known.override.id} was not granted") as connection:
            return overriding.grant(connection, known, override, seal)

    def revoke_override(self, known: Sealed, by: Person, at: str, why: str) -> Line:
        """Take an override back. Raises StoreError when it was used or has changed meanwhile."""
        with self._database.write(f"The override {known.override.id} was not revoked") as connection:
            return overriding.revoke(connection, known, by, at, why)

    def take_override(self, sealed: Sealed, run_id: str, by: Person, at: str) -> str:
        """Use up an override for a run: "" for the one caller that has it, else why not."""
        with self._database.write(f"The override {sealed.override.id} was not used") as connection:
            return overriding.take(connection, sealed, run_id, by, at)

    def near_overrides(self, scope: Scope) -> Sequence[Sealed]:
        """Those of this commit, and those that wait for a gate of this pipeline in this folder."""
        with self._database.read("The overrides were not read") as connection:
            return overriding.near(connection, scope)

    def override(self, name: str) -> Sealed:
        """The override whose id is, or begins with, `name`. Raises StoreError when there is none, or several."""
        with self._database.read(f"The override {name} was not read") as connection:
            return overriding.find(connection, name)

    def overrides(self, root: str | None = None) -> list[Sealed]:
        """All overrides, or those of one folder; newest first."""
        with self._database.read("The overrides were not listed") as connection:
            return overriding.listed(connection, root)

    # Asking for runs and findings. A run whose process died reads as INTERRUPTED.

    def run(self, run_id: str) -> Run:
        """The run whose id is, or begins with, `run_id`. Raises StoreError when there is none, or several."""
        with self._database.read(f"Run {run_id} was not read") as connection:
            return reading.load_run(connection, reading.find_run(connection, run_id))

    def latest(self, root: str) -> Run | None:
        """The run of this root that finished last."""
        with self._database.read("The latest run was not read") as connection:
            row = reading.latest_finished(connection, root)
            return None if row is None else reading.load_run(connection, row)

    def resumable(self, root: str, pipeline_digest: str, tree: str) -> Run | None:
        """The newest interrupted run with the same definition over the same files, with its receipts."""
        with self._database.read("No interrupted run was looked for") as connection:
            row = reading.newest_interrupted(connection, root, pipeline_digest, tree)
            return None if row is None else reading.load_run(connection, row)

    def runs(self, *, root: str | None = None, state: RunState | None = None, limit: int = 50) -> list[RunRow]:
        """The newest runs first, without their receipts and findings."""
        with self._database.read("The runs were not listed") as connection:
            return reading.list_runs(connection, root=root, state=state, limit=limit)

    def verdict(self, run_id: str) -> Verdict | None:
        """The verdict of a run (an id or the beginning of one), None when it has not been judged."""
        with self._database.read(f"The verdict of run {run_id} was not read") as connection:
            return reading.load_verdict(connection, reading.find_run(connection, run_id))

    def run_of_commit(self, pipeline: str, commit: str, *, definition: str = "", folder: str = "") -> Run | None:
        """The newest whole run of a pipeline over a commit, with that hardgate.yaml and of that folder where given."""
        with self._database.read(f"No run of {commit} was looked for") as connection:
            return comparing.run_of_commit(connection, pipeline, commit, definition=definition, folder=folder)

    def first_seen(self, pipeline: str, ids: Sequence[str]) -> dict[str, str]:
        """When the first run of a pipeline that has each finding was started, by id."""
        with self._database.read("It was not looked up since when findings are known") as connection:
            return comparing.first_seen(connection, pipeline, ids)

    def findings(
        self,
        run_id: str,
        *,
        severities: Collection[Severity] = (),
        kinds: Collection[Kind] = (),
        scanner: str = "",
        states: Collection[State] = (),
    ) -> list[Finding]:
        """The findings of a run (an id or the beginning of one) that pass every filter; an empty filter passes all.

        They are the merged ones of a finished run, and else those of the receipts so far. `scanner` passes what that
        scanner saw, alone or with others. Raises StoreError when `states` is asked of a run without a verdict.
        """
        with self._database.read(f"The findings of run {run_id} were not listed") as connection:
            row = reading.find_run(connection, run_id)
            return reading.list_findings(
                connection, row, severities=severities, kinds=kinds, scanner=scanner, states=states
            )

    def find_finding(self, root: str | None, finding_id: str, *, limit: int = 100) -> list[tuple[str, Finding]]:
        """(run id, finding) for findings whose id is, or begins with, `finding_id`; the newest run first.

        `root` None looks in all repositories. An empty list means that no run has such a finding.
        """
        with self._database.read("The finding was not looked for") as connection:
            return reading.search_finding(connection, root, finding_id, limit)

    # What later runs use again

    def cached(self, key: str) -> Receipt | None:
        """The receipt remembered under `key`."""
        with self._database.read("The results of earlier runs were not read") as connection:
            return reuse.recall(connection, schema.cache, key, Receipt)

    def remember(self, key: str, receipt: Receipt) -> None:
        """Keep a receipt for later runs. The newest 1000, up to 200 MB, are kept."""
        with self._database.write("A result was not remembered") as connection:
            reuse.remember(connection, schema.cache, key, receipt)

    def canary(self, key: str) -> CanaryCheck | None:
        """The check remembered under `key`."""
        with self._database.read("The checks of canaries were not read") as connection:
            return reuse.recall(connection, schema.canaries, key, CanaryCheck)

    def remember_canary(self, key: str, check: CanaryCheck) -> None:
        """Keep the check of a canary for later runs."""
        with self._database.write("The check of a canary was not remembered") as connection:
            reuse.remember(connection, schema.canaries, key, check)

    def timing(self, scanner: str, root: str) -> tuple[float, int] | None:
        """(mean seconds, highest peak memory in bytes) of the last five times that `scanner` ran over `root`.

        Results from the cache and failures do not count. None when it never ran there.
        """
        with self._database.read("The timings of earlier runs were not read") as connection:
            return reuse.past_timing(connection, scanner, root)

    def put_blob(self, data: bytes) -> str:
        """Keep a document, such as an SBOM, once; its SHA-256."""
        with self._database.write("A document was not stored") as connection:
            return reuse.store_blob(connection, data)

    def blob(self, sha256: str) -> bytes:
        """The document of that digest. Raises StoreError when it is not there, or is not what was stored."""
        with self._database.read(f"The document {sha256} was not read") as connection:
            return reuse.load_blob(connection, sha256)


def _ended(run: Run) -> Run:
    if run.state is not RunState.RUNNING:
        return run
    return msgspec.structs.replace(run, state=RunState.FINISHED, finished=run.finished or now())
