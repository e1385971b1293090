"""What holds for every scanner of SCANNERS: nothing but a whole report is read, and the known-bad input is found."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hardgate import contract, tools
from hardgate.adapter import Job, Scanner
from hardgate.advisories.local import Local
from hardgate.scanners import SCANNERS
from tests.fuzz.omits import OMITS
from tests.lab import npm_registry, osv_server, safety_service, snyk_service, trivy_db
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples"
DOCS = real.ROOT / "docs" / "scanners"
NAMES = {scanner.name: scanner for scanner in SCANNERS}
FILES = [
    pytest.param(scanner, path, id=f"{scanner.name}/{path.name}")
    for scanner in SCANNERS
    for path in sorted((SAMPLES / scanner.name).glob("*"))
    if path.name != "SOURCES.toml"
]


def test_names_are_unique() -> None:
    assert len(NAMES) == len(SCANNERS)


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda scanner: scanner.name)
def test_has_samples_and_a_page(scanner: Scanner) -> None:
    files = [path for path in (SAMPLES / scanner.name).glob("*") if path.name != "SOURCES.toml"]
    assert files, f"no sample of {scanner.name} in {SAMPLES}"
    assert (DOCS / f"{scanner.name}.md").is_file(), f"no page of {scanner.name} in {DOCS}"


@pytest.mark.parametrize(("scanner", "path"), FILES)
def test_a_whole_report_is_read_and_nothing_else(scanner: Scanner, path: Path) -> None:
    """Every truncation, every tail and every junk is refused: hardgate.contract says what else is held."""
    assert contract.broken(scanner, {path.name: path.read_bytes()}, OMITS.get(scanner.name, ())) == []


@contextlib.contextmanager
def _osv() -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    with osv_server.serving(osv_server.data_folder()) as address:
        yield {"osv_url": address}, {}


@contextlib.contextmanager
def _safety() -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    with safety_service.serving(osv_server.data_folder()) as server:
        yield {}, dict(safety_service.environment(server.address))


@contextlib.contextmanager
def _snyk() -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    with snyk_service.serving(osv_server.data_folder()) as server:
        yield {}, dict(snyk_service.environment(server.address))


@contextlib.contextmanager
def _trivy() -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    with tempfile.TemporaryDirectory() as cache:
        trivy_db.write(osv_server.data_folder(), Path(cache))
        yield {"options": {"cache_dir": cache}}, {}


@contextlib.contextmanager
def _npm() -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    with npm_registry.serving() as address:
        yield {"options": {"registry": address}}, {}


@contextlib.contextmanager
def _alone() -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    yield {}, {}


# What a tool needs beside its input: fields of the job, and variables.
SURROUNDINGS: dict[str, Callable[[], contextlib.AbstractContextManager[tuple[dict[str, Any], dict[str, str]]]]] = {
    "npm-audit": _npm,
    "pip-audit": _osv,
    "safety": _safety,
    "snyk": _snyk,
    "trivy": _trivy,
}


@pytest.mark.real
@pytest.mark.parametrize("scanner", real.HERE, ids=lambda scanner: scanner.name)
def test_the_canary_is_found_by_the_real_tool(scanner: Scanner, tmp_path: Path, python_folder: Path) -> None:
    words, raw = set[str](), b""
    with SURROUNDINGS.get(scanner.name, _alone)() as (more, variables), Local(python_folder) as local:
        root = tmp_path / "tree"
        real.write(root / real.MARK if scanner.planted else root, scanner.canary.files)
        for part in scanner.split(real.job(scanner, root, tmp_path / "scratch", **more)):
            found = _start(scanner, part, variables)
            found = local.judge(found) if scanner.judges else found
            raw += found
            words |= {word for finding in scanner.parse(found).findings for word in (finding.rule, *finding.ids)}
    assert set(scanner.canary.rules) <= words
    assert all(word in raw for word in scanner.canary.outputs)
    assert scanner.canary.rules or scanner.canary.outputs


def _start(scanner: Scanner, part: Job, variables: dict[str, str]) -> bytes:
    env = {**tools.environment(Path(part.scratch), extra=scanner.environment(part)), **variables}
    done = tools.run(scanner.argv(part), cwd=Path(part.root), env=env, timeout=300)
    assert done.exit_code in scanner.done_exits, done.stderr.decode()
    return Path(part.report).read_bytes() if scanner.reads_file else done.stdout
