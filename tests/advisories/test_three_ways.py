"""The same releases judged by pip-audit, by Trivy and by our own look-up: three ways to one answer.

pip-audit asks our loopback service, Trivy has the database that is made of ours. What is compared are facts: all names
of an advisory, joined where they are names of the same. Each way has its own reading of versions: pip-audit 2.10 takes
the service's word, Trivy compares by aquasecurity/go-pep440-version, we by `packaging`. They
agree on every release below; the one thing that differs is how they tell what nobody can judge.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from hardgate.advisories import trivydb
from hardgate.advisories.database import Database
from hardgate.advisories.local import Local
from hardgate.advisories.lookup import LookUp, look_up
from hardgate.model import Finding, GapReason, Report
from hardgate.scanners import pip_audit, trivy
from hardgate.scanners.pip_audit import PIP_AUDIT
from hardgate.scanners.trivy import TRIVY
from hardgate.trivy_said import complaints
from tests.scanners import real

pytestmark = pytest.mark.real

# Old pins of examples/planetary-api; releases before, at and after a fix; pre-releases, post-releases and development
# releases; builds; epochs; names in other spellings; malware; and clean ones.
RELEASES = (
    "certifi==2022.9.24", "Flask==0.12.2", "Jinja2==2.10", "PyJWT==1.7.1", "PyMySQL==0.9.3", "PyYAML==5.1",
    "requests==2.19.1", "SQLAlchemy==1.2.17", "urllib3==1.23", "Werkzeug==0.14.1", "flask==3.1.3", "blinker==1.9.0",
    "jinja2==2.4.1", "jinja2==3.1.6", "django==1.11.29", "django==2.2rc1", "django==3.0a1", "django==4.2",
    "django==5.0.dev1", "pillow==6.2.0", "pillow==9.0.0.post1", "numpy==1.16.0", "tensorflow==2.4.0rc1",
    "tensorflow==2.12.0", "torch==1.13.0+cu117", "cryptography==3.3", "aiohttp==3.8.0b0", "lxml==4.6.2",
    "pyyaml==5.4b1", "PyYAML==5.4", "ascii2text==1.0.0", "python_jwt==3.3.3", "langchain==0.0.195.post1",
    "zope.interface==5.0", "Products.CMFCore==2.4.0", "waitress==1.4.2", "pytz==1!2020.1", "six==1.16.0",
    "gunicorn==19.9.0", "twisted==20.3.0rc1", "setuptools==65.5.0", "httpx==0.23.0", "click==8.5.1",
)  # fmt: skip

Facts = dict[str, set[frozenset[str]]]
# Releases and advisories of which nobody can say whether they cover them.
Open = set[tuple[str, str]]


def named(pin: str) -> str:
    """A release in one spelling: `jinja2==2.10`."""
    name, _, version = pin.partition("==")
    return f"{name.lower().replace('_', '-').replace('.', '-')}=={version}"


def joined(names: Iterable[Iterable[str]]) -> set[frozenset[str]]:
    """Names that overlap are one fact."""
    facts: list[set[str]] = []
    for one in map(set, names):
        near = [fact for fact in facts if fact & one]
        facts = [*(fact for fact in facts if not fact & one), one.union(*near)]
    return {frozenset(fact) for fact in facts}


def facts(findings: Iterable[Finding]) -> Facts:
    by_release: dict[str, list[tuple[str, ...]]] = {}
    for one in findings:
        assert one.package is not None
        by_release.setdefault(named(f"{one.package.name}=={one.package.version}"), []).append(one.ids)
    return {release: joined(names) for release, names in by_release.items()}


def requirements() -> dict[str, str]:
    """As many requirements files as there are releases of one package."""
    rows: list[dict[str, str]] = []
    for pin in RELEASES:
        name = named(pin).partition("==")[0]
        row = next((row for row in rows if name not in row), None)
        if row is None:
            rows.append(row := {})
        row[name] = pin
    return {f"requirements-{number}.txt": "\n".join(row.values()) + "\n" for number, row in enumerate(rows)}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return requirements()


@pytest.fixture(scope="module")
def answer(python_folder: Path) -> LookUp:
    pins = [named(pin).partition("==") for pin in RELEASES]
    with Database.open(python_folder) as database:
        return look_up(database, [f"pkg:pypi/{name}@{version}" for name, _, version in pins])


@pytest.fixture(scope="module")
def ours(answer: LookUp) -> Facts:
    by_release: dict[str, list[tuple[str, ...]]] = {}
    for hit in answer.hits:
        by_release.setdefault(f"{hit.name}=={hit.version}", []).append(hit.ids)
    return {release: joined(names) for release, names in by_release.items()}


@pytest.fixture(scope="module")
def open_(answer: LookUp, python_folder: Path) -> Open:
    with Database.open(python_folder) as database:
        records = {one.advisory: database.by_id(one.advisory) for one in answer.unjudged}
    release = {one.advisory: one.purl.removeprefix("pkg:pypi/").replace("@", "==") for one in answer.unjudged}
    return {(release[name], trivydb.named(record)) for name, record in records.items() if record}


@pytest.fixture(scope="module")
def by_pip_audit(python_folder: Path, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("pip-audit")
    root = real.write(folder / "tree", files)
    found: list[Finding] = []
    with Local(python_folder) as local:
        job = real.job(PIP_AUDIT, root, folder / "scratch", osv_url=local.address())
        for part in PIP_AUDIT.split(job):
            ready = pip_audit.prepare(part, (root / part.subject).read_bytes())
            assert ready.gaps == ()
            (root / part.subject).write_bytes(ready.content)
            done = real.start(PIP_AUDIT, part)
            assert done.exit_code in PIP_AUDIT.done_exits, done.stderr.decode()
            report = PIP_AUDIT.parse(done.stdout)
            assert report.gaps == ()
            found += report.findings
    return facts(found)


@pytest.fixture(scope="module")
def trivy_report(python_folder: Path, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("trivy")
    root = real.write(folder / "tree", files)
    with Database.open(python_folder) as database:
        trivydb.write(database, folder / "cache")
    job = real.job(TRIVY, root, folder / "scratch", options={"scanners": ["vuln"]}, cache=str(folder / "cache"))
    (part,) = TRIVY.split(job)
    for path in TRIVY.rewrites(part):
        ready = trivy.prepare(dataclasses.replace(part, subject=path), (root / path).read_bytes())
        (root / path).write_bytes(ready.content)
    done = real.start(TRIVY, part)
    assert done.exit_code == 0, done.stderr.decode()
    report = TRIVY.parse(done.stdout)
    assert complaints(done.stderr) == ()
    return report


def differences(one: Facts, other: Facts) -> Iterator[tuple[str, str]]:
    for release in sorted({*one, *other}):
        mine, others = one.get(release, set()), other.get(release, set())
        for fact in mine ^ others:
            # One tool may know more names of a fact than another: what counts is that they name it.
            if not any(fact & known for known in (others if fact in mine else mine)):
                yield release, min(fact)


def test_the_list_is_worth_asking(ours: Facts) -> None:
    assert len(RELEASES) >= 25
    asked = {named(pin) for pin in RELEASES}
    assert len(asked) == len(RELEASES)
    assert sum(map(len, ours.values())) > 100
    assert {"flask==3.1.3", "blinker==1.9.0", "six==1.16.0", "click==8.5.1"} <= asked - ours.keys()


def test_pip_audit_says_what_we_say(ours: Facts, open_: Open, by_pip_audit: Facts) -> None:
    """The OSV API has no word for "not judged": our service hands such an advisory out, and it becomes a finding."""
    assert set(differences(ours, by_pip_audit)) == open_


def test_trivy_says_what_we_say(ours: Facts, trivy_report: Report) -> None:
    assert list(differences(ours, facts(trivy_report.findings))) == []


def test_what_cannot_be_judged_is_a_gap_through_trivy_too(open_: Open, trivy_report: Report) -> None:
    told = [re.search(r"not judged: (\S+) (\S+): (\S+) ", gap.message) for gap in trivy_report.gaps]
    assert {gap.reason for gap in trivy_report.gaps} == {GapReason.NOT_COVERED}
    assert {(f"{one[1]}=={one[2]}", one[3]) for one in told if one} == open_
    assert len(told) == len(open_) > 0
