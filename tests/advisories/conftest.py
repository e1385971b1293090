"""Small databases made of records that a test writes, and the one of the lab's snapshot for Python's packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate.advisories.database import Database
from hardgate.advisories.records import Record, read
from hardgate.advisories.writing import Epss, Kev, Origin, write

ALL = ("PyPI", "npm", "Maven", "Go", "Debian")


def record(
    id_: str, ecosystem: str, name: str, events: Sequence[Mapping[str, Any]] = (), **more: Any
) -> dict[str, Any]:
    """An OSV record of one package as JSON would have it; `versions` goes to the package, the rest to the record."""
    affected: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}}
    if events:
        affected["ranges"] = [{"type": "ECOSYSTEM", "events": list(events)}]
    if "versions" in more:
        affected["versions"] = more.pop("versions")
    return {"id": id_, "modified": "2026-11-01T00:00:00Z", "affected": [affected], **more}


def typed(raw: Mapping[str, Any]) -> Record:
    return read(msgspec.json.encode(raw), "a test")


def fill(
    folder: Path,
    raws: Iterable[Mapping[str, Any]],
    *,
    kev: Sequence[str] = (),
    epss: Mapping[str, float] | None = None,
    ecosystems: Sequence[str] = ALL,
    date: str = "2026-11-01T00:00:00Z",
) -> Path:
    """Make a database of these records in `folder`."""
    origin = Origin(source="a test", coverage="what the test wrote", ecosystems=tuple(ecosystems), date=date)
    listed = Kev(source="a test", date="2026-11-01", ids=tuple(kev)) if kev else None
    scores = Epss(source="a test", date="2026-11-01", model="v1", scores=dict(epss)) if epss else None
    write(folder, origin, map(typed, raws), listed, scores)
    return folder


@pytest.fixture
def python_database(python_folder: Path) -> Iterator[Database]:
    with Database.open(python_folder) as database:
        yield database
