"""How a verdict is settled: an override is used if one fits, the verdict is stored, and the ledger has its record."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec

from hardgate import override
from hardgate.cli import who
from hardgate.ledger import Line
from hardgate.model import Outcome, Policy, Run, Verdict
from hardgate.override import Backend
from hardgate.permits import OverridePolicy, Person
from hardgate.receipts import KEY_VARIABLE
from hardgate.wording import plain

if TYPE_CHECKING:
    from hardgate.store import Store


def settle(store: Store, run: Run, verdict: Verdict, policy: Policy, *, use: bool = True) -> tuple[Verdict, Line]:
    """The verdict as this gate answers, stored and recorded; `use` False leaves every override alone."""
    from hardgate import assembling  # noqa: PLC0415 (slow to import: help does not wait for it)

    person = who.asking()
    if use and verdict.outcome is not Outcome.PASS:
        verdict = opened(store, run, verdict, policy.overrides, by=person, now=assembling.now())
    return verdict, store.save_verdict(run.id, verdict, by=person, waivers=policy.waivers)


def opened(backend: Backend, run: Run, verdict: Verdict, policy: OverridePolicy, *, by: Person, now: str) -> Verdict:
    """The verdict with the override that this gate has used up, or with a warning for each that did not open it."""
    scope, key = override.scope_of(run, verdict), os.environ.get(KEY_VARIABLE, "")
    shut: list[str] = []
    for sealed in backend.near_overrides(scope):
        why = override.refusal(sealed, scope, policy, now=now, key=key, variable=KEY_VARIABLE)
        # The answer of the one that hands it out is the only one that counts: others may be asking at this moment.
        why = why or backend.take_override(sealed, run.id, by, now)
        if not why:
            return msgspec.structs.replace(verdict, override=override.use_of(sealed.override, by, now))
        shut.append(f"Override {sealed.override.id} opens nothing here: it {plain(why)}.")
    return msgspec.structs.replace(verdict, warnings=(*verdict.warnings, *shut))


def tell(line: Line, *, quiet: bool) -> None:
    """Say on standard error where the ledger stands: who keeps the log of the job, keeps the head elsewhere."""
    if quiet:
        return
    record = line.record
    print(f"Ledger: record {record.seq}, {line.digest}. Check it later: hardgate audit verify --head", file=sys.stderr)
