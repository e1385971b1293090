"""No bytes make a reader crash, hang or come out clean: the same few thousand inputs each time, and all found before.

`make fuzz` looks for new ones, for as long as one likes.
"""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardgate.scanners import DESCRIBED, SCANNERS
from tests.fuzz import nasty
from tests.fuzz.targets import TARGETS, Target, feed, samples, steered

CRASHES = Path(__file__).parent / "crashes"
FOUND = sorted(path for path in CRASHES.glob("*/*") if path.is_file())
PATIENCE = 120  # seconds: far more than any input takes, and far less than one that hangs
WITH_SAMPLES = [one for one in (*SCANNERS, *DESCRIBED) if samples(one)]


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    """End what hangs: the tests would never come back."""

    def late(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"it did not end within {PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_good_input_is_read(target: Target) -> None:
    """A seed that is refused would leave all of its reader untried."""
    assert target.seeds
    for seed in target.seeds:
        target.read(seed)


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_spoilt_and_hostile_input(target: Target) -> None:
    @given(st.integers(min_value=0))
    @settings(max_examples=40)
    def spoilt(number: int) -> None:
        rng = random.Random(number)
        feed(target, nasty.spoilt(rng.choice(target.seeds), rng.choice(target.seeds), rng))

    spoilt()
    rng = random.Random(target.name)
    for load in rng.sample(nasty.LOADS, 6):
        feed(target, load)
    for _ in range(4):
        feed(target, nasty.loaded(rng.choice(target.seeds), rng))


@pytest.mark.parametrize("scanner", WITH_SAMPLES, ids=lambda one: one.name)
def test_several_changes_at_once_are_not_passed_over(scanner: object) -> None:
    """contract.broken makes each change alone, here are up to three."""
    one = next(known for known in WITH_SAMPLES if known is scanner)
    seeds = samples(one)

    @given(st.binary(min_size=4, max_size=4))
    @settings(max_examples=15)
    def changed(choices: bytes) -> None:
        steered(one, seeds, choices)

    changed()


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_before(path: Path) -> None:
    feed(TARGETS[path.parent.name], path.read_bytes())


def test_every_place_that_reads_foreign_json_is_a_target_or_ours() -> None:
    """A new module that decodes something says here what feeds it, or that its bytes are hardgate's own."""
    source = Path(__file__).parents[2] / "src" / "hardgate"
    reading = re.compile(
        r"json\.(?:decode|Decoder)\(|json\.loads\(|tomllib\.loads\(|yaml\.compose\(|ast\.parse\(|strict\.decode\("
    )
    modules = {
        path.relative_to(source).with_suffix("").as_posix()
        for path in source.rglob("*.py")
        if path.parent.name != "scanners" and reading.search(path.read_text())
    }
    assert modules - FED - OURS == set()
    assert (FED | OURS) - modules == set()


# Modules outside scanners/ that decode, by the target that feeds them.
FED = frozenset({
    "asked", "import_reading", "import_texts", "routes/modules",
    "adapter", "advisories/age", "advisories/importing", "advisories/records", "advisories/sbom", "advisories/snapshot",
    "dataflow/project", "exceptions/baseline", "exceptions/vex", "identity/scopes", "imagefile", "ledger", "locks",
    "receipts", "rego/documents", "sarif_log", "strict", "styles", "toolbox/lock", "toolbox/manifest",
    "trivy_report", "yamlfile",
})  # fmt: skip
# Those that decode what hardgate itself wrote or bundles, questions to its own loopback service, or a tool's answer
# while a lock file is made by hand.
OURS = frozenset({
    "advisories/database", "advisories/serving", "advisories/trivydb", "advisories/writing",
    "dataflow/configured", "dataflow/declared", "dataflow/report", "environments/keeper", "hooking", "mutated",
    "rego/library",
    "store/ledgering", "store/overriding", "store/records", "toolbox/locking",
})  # fmt: skip
