"""Findings of other tools, rated by what the local database knows of their advisories: alone, and in whole runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hardgate import rated
from hardgate.advisories.database import Database, read_meta
from hardgate.advisories.local import Local
from hardgate.advisories.rating import EXPLOITED, rate
from hardgate.model import ExitCode, Finding, GapReason, Severity
from tests.advisories.conftest import fill, record
from tests.advisories.test_cli_advisories import OFFLINE, ran
from tests.builders import dependency, finding
from tests.lab.command import hardgate

OPEN = [{"introduced": "0"}]
V3 = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N"  # 4.2
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"  # 9.3
V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"  # 7.5


def scored(kind: str, vector: str) -> list[dict[str, str]]:
    return [{"type": kind, "score": vector}]


RECORDS = [
    record("PYSEC-2019-217", "PyPI", "jinja2", OPEN, aliases=["CVE-2019-10906"], summary="sandbox escape"),
    record("GHSA-1", "PyPI", "jinja2", OPEN, aliases=["CVE-2019-10906"], severity=scored("CVSS_V3", V3)),
    record("PYSEC-4", "PyPI", "jinja2", OPEN, aliases=["CVE-2026-4"], severity=scored("CVSS_V4", V4)),
    record("PYSEC-2", "PyPI", "jinja2", OPEN, severity=scored("CVSS_V2", V2)),
    record("PYSEC-5", "PyPI", "jinja2", OPEN, database_specific={"severity": "LOW"}),
    record("PYSEC-6", "PyPI", "jinja2", OPEN),
    record("GHSA-7", "PyPI", "flask", OPEN, severity=scored("CVSS_V4", V4)),
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(fill(tmp_path / "db", RECORDS, kev=["CVE-2026-4"])) as opened:
        yield opened


def test_the_likelihood_is_told_by_any_of_the_names(tmp_path: Path) -> None:
    scores = {"CVE-2019-10906": 0.03351, "CVE-2026-4": 1.0, "CVE-2026-9": 0.5}
    with Database.open(fill(tmp_path / "db", RECORDS, kev=["CVE-2026-4"], epss=scores)) as opened:
        assert one(opened, guessed("PYSEC-2019-217"))[1] == f"advisories; CVSS 3.1 4.2 {V3}; EPSS 0.03351"
        assert one(opened, guessed("PYSEC-4"))[1] == f"advisories; CVSS 4.0 9.3 {V4}; exploited (CISA); EPSS 1.00000"
        assert one(opened, guessed("PYSEC-6"))[1] == "adapter"
        # Of an advisory that the database does not have the name is enough.
        assert rated.epss(one(opened, guessed("CVE-2026-9"))[1]) == 0.5
        # It is no severity.
        assert one(opened, guessed("CVE-2026-9", severity=Severity.LOW))[0] is Severity.LOW
        # And it stays with the data that it is no part of.
        fill(tmp_path / "db", RECORDS)
    with Database.open(tmp_path / "db") as opened:
        assert opened.epss == scores
        assert opened.meta.epss is not None
        assert (opened.meta.epss.count, opened.meta.epss.model) == (3, "v1")


def guessed(rule: str, *ids: str, name: str = "Jinja2", **more: Any) -> Finding:
    return dependency(rule, *ids, name=name, version="2.4.1", **{"severity_from": "adapter", **more})


def one(database: Database, finding: Finding, *, lower: bool = True) -> tuple[Severity, str]:
    (result,), _known = rate(database, [finding], lower=lower)
    return result.severity, result.severity_from


# Alone


@pytest.mark.parametrize(
    ("rule", "ids", "severity", "said"),
    [
        ("PYSEC-2019-217", (), Severity.MEDIUM, f"advisories; CVSS 3.1 4.2 {V3}"),  # by another record of the same CVE
        ("GHSA-1", (), Severity.MEDIUM, f"advisories; CVSS 3.1 4.2 {V3}"),
        ("65581", ("65581", "CVE-2019-10906"), Severity.MEDIUM, f"advisories; CVSS 3.1 4.2 {V3}"),
        ("PYSEC-4", (), Severity.CRITICAL, f"advisories; CVSS 4.0 9.3 {V4}; exploited (CISA)"),
        ("PYSEC-2", (), Severity.HIGH, f"advisories; CVSS 2.0 7.5 {V2}"),
        ("PYSEC-5", (), Severity.LOW, "advisories; low in its database"),
        ("PYSEC-6", (), Severity.HIGH, "adapter"),  # nobody rated it
        ("GHSA-7", (), Severity.HIGH, "adapter"),  # an advisory of another package
        ("GHSA-none", (), Severity.HIGH, "adapter"),
    ],
)
def test_what_an_adapter_supposed_becomes_what_is_known(
    database: Database, rule: str, ids: tuple[str, ...], severity: Severity, said: str
) -> None:
    assert one(database, guessed(rule, *ids)) == (severity, said)


def test_what_a_tool_states_is_raised_and_never_lowered(database: Database) -> None:
    low, high = guessed("PYSEC-4", severity_from="tool", severity=Severity.LOW), guessed("GHSA-1", severity_from="tool")
    assert one(database, low) == (Severity.CRITICAL, f"advisories; CVSS 4.0 9.3 {V4}; exploited (CISA)")
    assert one(database, high) == (Severity.HIGH, f"tool; CVSS 3.1 4.2 {V3}")
    malware = guessed("MAL-1", "MAL-1", "GHSA-1", severity=Severity.CRITICAL)
    assert one(database, malware) == (Severity.CRITICAL, f"adapter; CVSS 3.1 4.2 {V3}")


def test_data_that_is_too_old_lowers_nothing(database: Database) -> None:
    assert one(database, guessed("GHSA-1"), lower=False) == (Severity.HIGH, f"adapter; CVSS 3.1 4.2 {V3}")
    assert one(database, guessed("PYSEC-4"), lower=False)[0] is Severity.CRITICAL


def test_what_cisa_lists_is_said_once_also_of_packages_that_are_not_here(database: Database) -> None:
    elsewhere = guessed("CVE-2026-4", name="unknown", message="bad")
    (first,), known = rate(database, [elsewhere], lower=True)
    (again,), _ = rate(database, [first], lower=True)
    assert (first.message, first.severity_from, known) == (f"bad. {EXPLOITED}", "adapter; exploited (CISA)", 1)
    assert again == first


def test_findings_without_a_package_stay_as_they_are(database: Database) -> None:
    code, packaged = finding("CVE-2026-4"), guessed("PYSEC-6")
    assert rate(database, [code, packaged], lower=True) == ((code, packaged), 0)


def test_the_words_are_read_as_they_were_written() -> None:
    said = rated.told("tool", [rated.scored(rated.Cvss("3.1", 10.0, V3)), "", rated.EXPLOITED])
    assert said == f"tool; CVSS 3.1 10.0 {V3}; exploited (CISA)"
    assert (rated.source(said), rated.cvss(said), rated.exploited(said)) == ("tool", ("3.1", 10.0, V3), True)
    assert rated.by("hardgate.yaml", said) == f"hardgate.yaml; CVSS 3.1 10.0 {V3}; exploited (CISA)"
    assert rated.brief(said) == "CVSS 3.1 10.0, exploited (CISA)"
    assert (rated.cvss("tool"), rated.exploited("tool"), rated.brief("tool")) == (None, False, "")


# In whole runs


REQUIREMENTS = "# pins\njinja2==2.4.1\n"
PIPELINE = "pipeline: small\nstages:\n  - name: scan\n    actions: [{actions}]\npolicy: {{max_advisory_age: {age}}}\n"


@pytest.fixture
def home(tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HARDGATE_HOME with the installed tools and a database of the records above, and no network."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "tools").symlink_to(tools_folder)
    fill(folder / "advisories", RECORDS, kev=["CVE-2026-4"])
    for name, value in {"HARDGATE_HOME": str(folder), **OFFLINE}.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with requirements and a pipeline of these actions."""

    def make(actions: str, age: str = "9999d") -> Path:
        root = tmp_path / "tree"
        root.mkdir(exist_ok=True)
        (root / "requirements.txt").write_text(REQUIREMENTS)
        (root / "hardgate.yaml").write_text(PIPELINE.format(actions=actions, age=age))
        return root

    return make


@pytest.mark.real
def test_in_a_run_and_in_every_report(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    root = tree("pip-audit")
    sarif, html = tmp_path / "out.sarif", tmp_path / "out.html"
    result = ran(root, "--report", f"sarif={sarif}", "--report", f"html={html}")
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    schema = Path(rated.__file__).parent / "schemas" / "report-1.schema.json"
    Draft202012Validator(json.loads(schema.read_bytes())).validate(result.json)
    found = {item["rule"]: (item["severity"], item["severity_from"]) for item in result.json["findings"]}
    cvss4 = f"advisories; CVSS 4.0 9.3 {V4}; exploited (CISA)"
    assert found["PYSEC-4"] == ("critical", cvss4)
    assert found["PYSEC-2019-217"] == ("medium", f"advisories; CVSS 3.1 4.2 {V3}")
    assert found["PYSEC-6"] == ("high", "adapter")
    [receipt] = result.json["receipts"]
    assert "the local advisory database of 2026-11-01T00:00:00Z rates 4 of 5 findings" in receipt["notes"]
    worst = next(item for item in result.json["findings"] if item["rule"] == "PYSEC-4")
    assert worst["message"].endswith(EXPLOITED)
    [properties] = [
        one["properties"]["hardgate"]
        for run in json.loads(sarif.read_bytes())["runs"]
        for one in run["results"]
        if one["ruleId"] == "PYSEC-4"
    ]
    assert properties["cvss"] == {"version": "4.0", "score": 9.3, "vector": V4}
    assert (properties["exploited"], properties["severityFrom"]) == (True, "advisories")
    assert cvss4 in html.read_text()
    text = hardgate("report", "text", "--path", str(root)).stdout
    assert "why  CVSS 4.0 9.3, exploited (CISA)" in text
    assert EXPLOITED in text
    page = hardgate("explain", worst["id"], "--path", str(root)).stdout
    assert "rated by the local advisory database" in page
    assert V4 in page


@pytest.mark.real
def test_the_user_has_the_last_word_and_what_is_known_stays(home: Path, tree: Callable[..., Path]) -> None:
    result = ran(tree("{pip-audit: {severity: {PYSEC-4: low}}}"))
    [mine] = [one for one in result.json["findings"] if one["rule"] == "PYSEC-4"]
    assert (mine["severity"], mine["severity_from"]) == (
        "low", f"hardgate.yaml; CVSS 4.0 9.3 {V4}; exploited (CISA)"
    )  # fmt: skip


@pytest.mark.real
def test_another_database_rates_anew_and_an_old_one_lowers_nothing(
    home: Path, tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree("pip-audit")
    first, second = ran(root), ran(root)
    assert second.json["receipts"][0]["cached_from"] == first.json["run"]["id"]
    raws = [{**raw, "severity": scored("CVSS_V4", V4)} for raw in RECORDS]
    third = ran(root, HARDGATE_ADVISORIES=str(fill(tmp_path / "other", raws)))
    assert {one["severity"] for one in third.json["findings"]} == {"critical"}
    old = ran(tree("pip-audit", age="1d"), HARDGATE_ADVISORIES=str(fill(tmp_path / "old", RECORDS, date="2026-01-01")))
    assert {gap["reason"] for gap in old.json["gaps"]} == {GapReason.DATA_STALE}
    assert {one["severity"] for one in old.json["findings"]} == {"critical", "high"}
    assert any("it lowered no severity" in note for note in old.json["receipts"][0]["notes"])


@pytest.mark.real
def test_what_a_service_names_is_rated_by_the_local_database_all_the_same(
    home: Path, tree: Callable[..., Path], tmp_path: Path
) -> None:
    bare = [record("PYSEC-4", "PyPI", "jinja2", OPEN), record("PYSEC-2019-217", "PyPI", "jinja2", OPEN)]
    direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with Local(fill(tmp_path / "service", bare)) as service:
        root, address = tree("pip-audit"), service.address()
        rated_, alone = (
            ran(root, "--osv-url", address, **direct, **more)
            for more in ({}, {"HARDGATE_ADVISORIES": str(tmp_path / "none")})
        )
    assert {one["severity_from"] for one in alone.json["findings"]} == {"adapter"}
    assert {one["rule"]: one["severity"] for one in rated_.json["findings"]} == {
        "PYSEC-4": "critical", "PYSEC-2019-217": "medium"
    }  # fmt: skip
    assert rated_.json["receipts"][0]["data"]["source"] == address


@pytest.mark.real
def test_a_damaged_database_rates_nothing_and_is_a_gap(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    for what in ("meta", "shards"):
        folder = fill(tmp_path / what, RECORDS)
        for path in [folder / "meta.json"] if what == "meta" else (folder / read_meta(folder).data).glob("???"):
            path.write_bytes(path.read_bytes()[:-9])
        with Local(home / "advisories") as service:
            words = ("--osv-url", service.address())
            result = ran(tree("pip-audit"), *words, **direct, HARDGATE_ADVISORIES=str(folder))
        assert [gap["reason"] for gap in result.json["gaps"]] == [GapReason.DATA_UNAVAILABLE], what
        assert "no severity was taken from the local advisory database" in result.json["gaps"][0]["message"]
        assert {one["severity_from"] for one in result.json["findings"]} == {"adapter"}


@pytest.mark.real
def test_a_partial_database_is_told_in_every_report(home: Path, tree: Callable[..., Path], tmp_path: Path) -> None:
    """What the tests write does not say that it is all of OSV: that is partial."""
    assert read_meta(home / "advisories").partial
    formats = {name: tmp_path / f"out.{name}" for name in ("sarif", "html", "markdown", "junit", "github", "text")}
    words = [word for name, path in formats.items() for word in ("--report", f"{name}={path}")]
    result = ran(tree("pip-audit"), *words)
    assert result.json["gaps"] == []
    [receipt] = result.json["receipts"]
    assert receipt["data"]["source"].startswith("local advisory database, partial: a test")
    said = "that database is partial, and what it lacks is not found: it has what the test wrote"
    assert said in receipt["notes"]
    for name in ("sarif", "html", "markdown", "text"):
        assert said in " ".join(formats[name].read_text().split()), name
    for name in ("junit", "github"):
        assert "partial" in formats[name].read_text().replace("a part of its source only", "partial"), name
