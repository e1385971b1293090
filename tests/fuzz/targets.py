"""TARGETS: every place where hardgate reads bytes that somebody else wrote, with its reader, good input and errors.

A reader takes any bytes. It may raise the errors that are documented for it, and nothing else; what it reads goes on to
where it is used, so that what breaks later breaks here. The readers of scanners' reports are made of SCANNERS and
DESCRIBED: a new adapter is here by itself.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardgate import contract, identity, mutated
from hardgate.adapter import Scanner
from hardgate.errors import Error, ReportError
from hardgate.model import Report
from hardgate.reporters.json import render_ingest
from hardgate.scanners import DESCRIBED, SCANNERS, sarif
from tests.fuzz import readers
from tests.fuzz.omits import OMITS

SAMPLES = Path(__file__).parents[1] / "scanners" / "samples"
STEERED = b"\0"  # the first byte of an input that is no report, but says how to spoil one


_BY_NAME = {one.name: one for one in (*SCANNERS, *DESCRIBED)}


@dataclass(frozen=True)
class Target:
    """`read` is given any bytes and may raise `errors`; `seeds` are good input."""

    name: str
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    errors: tuple[type[Exception], ...] = (Error,)


def feed(target: Target, raw: bytes) -> None:
    """Have a target read these bytes. Any error that is not documented for it comes out, and an empty one too."""
    try:
        target.read(raw)
    except target.errors as error:
        if not str(error):
            raise AssertionError(f"{target.name} refuses without a word") from error


def samples(scanner: Scanner) -> tuple[bytes, ...]:
    """All reports of the real tool that the adapter is held to."""
    paths = sorted(path for path in (SAMPLES / scanner.name).glob("*") if path.name != "SOURCES.toml")
    return tuple(path.read_bytes() for path in paths)


def steered(scanner: Scanner, seeds: Sequence[bytes], choices: bytes) -> None:
    """Change a real report in up to three ways, as `choices` say, and hold what is read to contract.hides.

    Only JSON and XML have such changes. What one change makes a gap of stays one whatever the others do.
    """
    rng = random.Random(choices)
    whole = raw = rng.choice(seeds)
    report, ways = _known(scanner.name, whole)
    done: list[str] = []
    for _ in range(rng.randint(1, 3)):
        if not ways:
            break
        way = rng.choice(ways)
        done.append(way.what)
        raw = way.make()
        if "stands twice" in way.what:
            break  # what is read for the next change has it once
        # A value that is made another twice may end as an empty list, which is no fault at all.
        ways = tuple(one for one in _ways(scanner.name, raw) if _place(one.what) not in map(_place, done))
    told = contract.hides(scanner, report, "; ".join(done), raw)
    assert not told, told


def _place(what: str) -> str:
    return what.partition(" ")[0].rstrip("X")


@functools.cache
def _known(name: str, whole: bytes) -> tuple[Report, tuple[mutated.Way, ...]]:
    """What a sample of a scanner is read as, and what can be done to it."""
    return _BY_NAME[name].parse(whole), _ways(name, whole)


def _ways(name: str, raw: bytes) -> tuple[mutated.Way, ...]:
    return tuple(one for one in mutated.ways(raw, kept=3) if one.lost.rstrip("X") not in OMITS.get(name, ()))


def _reader(scanner: Scanner, seeds: Sequence[bytes]) -> Callable[[bytes], object]:
    def read(raw: bytes) -> object:
        if raw.startswith(STEERED):
            steered(scanner, seeds, raw)
            return None
        report = scanner.parse(raw)
        # As `hardgate ingest` goes on with it.
        place = identity.relative
        found = identity.settle(
            report.findings, action=scanner.name, severities={}, place=lambda path: place(path, (), {}), lines=_no_lines
        )
        return render_ingest(found, report.gaps)

    return read


def _no_lines(_path: str) -> tuple[str, ...]:
    return ()


def _complaints(raw: bytes) -> object:
    """What tools say on their standard error, as each adapter reads it."""
    return [scanner.complaints(raw) for scanner in (*SCANNERS, *DESCRIBED)]


_SAID = (
    b"ERROR:pip_audit:x\nWARNING:pip_audit._service.osv: y\n12:00 ERR could not read\n12:00 WRN skipping file: z\n",
    b'x\tWARN\tVersion matching error\terr="v"\nx\tERROR\t[terraform] Failed\tfile_path="main.tf"\n',
)


def _scanners() -> list[Target]:
    every = [*SCANNERS, *DESCRIBED]
    found = []
    for scanner in every:
        seeds = samples(scanner)
        found.append(Target(scanner.name, _reader(scanner, seeds), (*seeds, STEERED), (ReportError,)))
    logs = samples(DESCRIBED[0])
    found.append(Target("sarif-ingested", lambda raw: sarif.parse(raw, "a tool"), logs, (ReportError,)))
    return [*found, Target("standard-error", _complaints, _SAID, ())]


def _others() -> list[Target]:
    return [Target(one.name, one.read, tuple(one.seeds), one.errors) for one in readers.READERS]


TARGETS: Mapping[str, Target] = {one.name: one for one in (*_scanners(), *_others())}
