"""Releases judged: purls, one fact of several advisories, what cannot be judged, SBOMs; and the OSV API over them."""

from __future__ import annotations

import email.utils
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hardgate.advisories import sbom
from hardgate.advisories.database import Database, read_meta
from hardgate.advisories.local import Local
from hardgate.advisories.lookup import look_up
from hardgate.advisories.purl import PurlError, read
from hardgate.errors import StoreError
from hardgate.model import Severity
from tests.advisories.conftest import fill, record

OLD = [{"introduced": "0"}, {"fixed": "2.0.0"}]
ODD = [{"introduced": "0"}, {"fixed": "2.0-NA"}]
RATED = {"severity": "CRITICAL", "cwe_ids": ["CWE-94"]}
RECORDS = [
    record("PYSEC-1", "PyPI", "jinja2", OLD, aliases=["CVE-2026-1"], summary="one"),
    record("GHSA-1", "PyPI", "jinja2", OLD, aliases=["CVE-2026-1"], database_specific=RATED),
    record("GHSA-2", "PyPI", "jinja2", [{"introduced": "0"}, {"last_affected": "1.5"}], details="two\nlines"),
    record("MAL-2026-9", "npm", "@scope/left", [{"introduced": "0"}]),
    record("GHSA-3", "Maven", "org.x:core", OLD, aliases=["CVE-2026-3"], database_specific={"severity": "LOW"}),
    record("GO-1", "Go", "github.com/BurntSushi/toml", OLD),
    record("DSA-1", "Debian:12", "openssl", [{"introduced": "0"}, {"fixed": "3.0.2-1"}], upstream=["CVE-2026-4"]),
    record("PYSEC-2", "PyPI", "torch", ODD),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "advisories", RECORDS, kev=["CVE-2026-1"])


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    with Database.open(folder) as opened:
        yield opened


@pytest.mark.parametrize(
    ("purl", "ecosystem", "name", "version"),
    [
        ("pkg:pypi/Jinja2@2.4.1", "PyPI", "Jinja2", "2.4.1"),
        ("pkg:npm/%40scope/left@1.0.0", "npm", "@scope/left", "1.0.0"),
        ("pkg:npm/lodash@4.17.0?vcs_url=a%40b", "npm", "lodash", "4.17.0"),
        ("pkg:npm/@scope/left@1.0.0#lib", "npm", "@scope/left", "1.0.0"),
        ("pkg:maven/org.x/core@1.0?type=jar", "Maven", "org.x:core", "1.0"),
        ("pkg:golang/github.com/x/gin@v2.6.0%2Bincompatible", "Go", "github.com/x/gin", "v2.6.0+incompatible"),
        ("pkg:golang/stdlib@1.20.3", "Go", "stdlib", "1.20.3"),
        ("pkg:deb/debian/libssl3@3.0-1?distro=debian-12&upstream=openssl", "Debian:12", "openssl", "3.0-1"),
        ("pkg:deb/debian/x@2.0?distro=debian-11.3&epoch=1", "Debian:11", "x", "1:2.0"),
    ],
)  # fmt: skip
def test_purls(purl: str, ecosystem: str, name: str, version: str) -> None:
    found = read(purl)
    assert (found.package.ecosystem, found.package.name, found.version) == (ecosystem, name, version)


@pytest.mark.parametrize(
    "purl",
    ["", "jinja2==2", "pkg:pypi", "pkg:pypi/@1", "pkg:pypi/jinja2", "pkg:npm/@scope/left", "pkg:cargo/x@1",
     "pkg:maven/core@1", "pkg:deb/ubuntu/x@1?distro=ubuntu-22.04", "pkg:deb/debian/x@1",
     "pkg:deb/debian/x@1?distro=sid", "pkg:generic/x@1"],
)  # fmt: skip
def test_what_names_no_release_is_not_judged(database: Database, purl: str) -> None:
    with pytest.raises(PurlError):
        read(purl)
    answer = look_up(database, [purl])
    assert (answer.judged, answer.hits, len(answer.unjudged)) == (0, (), 1)


def test_several_advisories_of_one_fact_are_one(database: Database) -> None:
    answer = look_up(database, ["pkg:pypi/Jinja2@1.0", "pkg:pypi/Jinja2@1.0"])
    assert (answer.judged, answer.unjudged) == (1, ())
    first, second = answer.hits
    assert first.id == "CVE-2026-1"
    assert first.ids == ("CVE-2026-1", "GHSA-1", "PYSEC-1")
    assert set(first.advisories) == {"GHSA-1", "PYSEC-1"}
    assert (first.rating.severity, first.rating.source) == (Severity.CRITICAL, "database"), "a rating beats none"
    assert (first.kev, first.fixed, first.cwe) == (True, ("2.0.0",), ("CWE-94",))
    assert (second.id, second.kev, second.fixed, second.summary) == ("GHSA-2", False, (), "two lines")
    assert (second.rating.severity, second.rating.known) == (Severity.HIGH, False)
    assert look_up(database, ["pkg:pypi/jinja2@2.0"]).hits == ()


def test_each_ecosystem(database: Database) -> None:
    purls = [
        "pkg:npm/%40scope/left@3.0.0", "pkg:maven/org.x/core@1.0", "pkg:golang/github.com/burntsushi/toml@v1.0.0",
        "pkg:deb/debian/libssl3@3.0.1-1?distro=debian-12&upstream=openssl",
    ]  # fmt: skip
    found = look_up(database, purls)
    assert {hit.id: hit.rating.severity for hit in found.hits} == {
        "MAL-2026-9": "critical", "CVE-2026-3": "low", "GO-1": "high", "CVE-2026-4": "high"
    }  # fmt: skip
    assert [hit.malicious for hit in found.hits] == [True, False, False, False]
    clean = ["pkg:maven/org.x/core@2.0", "pkg:golang/github.com/burntsushi/toml@v2.0.0", "pkg:npm/other@1.0.0",
             "pkg:deb/debian/libssl3@3.0.2-1?distro=debian-12&upstream=openssl"]  # fmt: skip
    assert look_up(database, clean).judged == 4
    assert look_up(database, clean).hits == ()


def test_what_cannot_be_judged_is_listed(database: Database) -> None:
    answer = look_up(database, ["pkg:pypi/torch@3.0", "pkg:pypi/jinja2@latest", "pkg:npm/left@^1.0"])
    assert answer.judged == 0
    assert [one.advisory for one in answer.unjudged] == ["PYSEC-2", "", ""]
    assert "2.0-NA" in answer.unjudged[0].reason


def test_an_ecosystem_that_was_not_imported_is_not_judged(tmp_path: Path) -> None:
    with Database.open(fill(tmp_path / "db", RECORDS[:2], ecosystems=["PyPI"])) as opened:
        [one] = look_up(opened, ["pkg:npm/other@1.0.0"]).unjudged
    assert "no advisories of npm" in one.reason


# SBOMs


def bom(tmp_path: Path, components: Any, **more: Any) -> Path:
    path = tmp_path / "bom.json"
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    path.write_text(json.dumps({**document, **more}))
    return path


def test_components_within_components_and_those_without_a_purl(tmp_path: Path) -> None:
    inner = {"type": "library", "name": "b", "purl": "pkg:pypi/b@1"}
    tree = {"type": "library", "name": "a", "purl": "pkg:pypi/a@1", "components": [inner, inner]}
    loose = {"type": "library", "group": "g", "name": "c", "version": "2"}
    listed = [{"type": "file", "name": "f"}, {"type": "application", "name": "package-lock.json"}]
    assert sbom.purls(bom(tmp_path, [tree, loose, *listed])) == (("pkg:pypi/a@1", "pkg:pypi/b@1"), ("g/c@2",))


@pytest.mark.parametrize(
    "more", [{"specVersion": "1.2"}, {"bomFormat": "SPDX"}, {"components": None}, {"components": [{}]}]
)
def test_another_document_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match=r"bom\.json"):
        sbom.purls(bom(tmp_path, **{"components": [], **more}))


# The OSV API


def ask(address: str, body: Any = None, method: str | None = None) -> tuple[int, Any, Any]:
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=raw, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null"), error.headers


def question(name: str, version: str, ecosystem: str = "PyPI") -> dict[str, Any]:
    return {"package": {"name": name, "ecosystem": ecosystem}, "version": version}


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    with Local(folder) as local:
        yield local.address()


def test_queries(address: str) -> None:
    status, found, _ = ask(f"{address}/v1/query", question("Jinja2", "1.0"))
    assert status == 200
    assert [one["id"] for one in found["vulns"]] == ["GHSA-1", "GHSA-2", "PYSEC-1"]
    assert found["vulns"][2]["affected"][0]["package"] == {"ecosystem": "PyPI", "name": "jinja2"}
    by_purl = ask(f"{address}/v1/query", {"package": {"purl": "pkg:pypi/jinja2@1.0"}})
    versioned = ask(f"{address}/v1/query", {"package": {"purl": "pkg:pypi/jinja2"}, "version": "1.0"})
    assert by_purl[1] == versioned[1] == found
    assert ask(f"{address}/v1/query", question("jinja2", "2.0"))[:2] == (200, {})
    queries = [question("jinja2", "1.0"), question("jinja2", "2.0"), question("@scope/left", "1.0.0", "npm")]
    _, batch, _ = ask(f"{address}/v1/querybatch", {"queries": queries})
    assert [[one["id"] for one in each.get("vulns", [])] for each in batch["results"]] == [
        ["GHSA-1", "GHSA-2", "PYSEC-1"], [], ["MAL-2026-9"]
    ]  # fmt: skip
    assert ask(f"{address}/v1/vulns/GHSA-3")[1]["aliases"] == ["CVE-2026-3"]
    assert ask(f"{address}/v1/vulns/GHSA-99")[0] == 404


def test_what_it_cannot_judge_is_never_an_empty_answer(address: str) -> None:
    unasked: list[Any] = [
        question("jinja2", "latest"), question("serde", "1.0.0", "crates.io"), question("jinja2", ""),
        {"commit": "abc"}, {"version": "1"}, {"package": {"purl": "pkg:pypi/jinja2"}}, [], b"{",
        b"\xff", b"[" * 100_000,
    ]  # fmt: skip
    for body in unasked:
        status, answer, _ = ask(f"{address}/v1/query", body)
        assert (status, answer["code"]) == (400, 3), body
    status, found, _ = ask(f"{address}/v1/query", question("torch", "3.0"))
    assert [one["id"] for one in found["vulns"]] == ["PYSEC-2"], "what may cover it is handed out"
    assert found["vulns"][0]["summary"].startswith("NOT JUDGED")


def test_only_who_knows_the_path_is_answered(address: str) -> None:
    bare = address.rpartition("/")[0]
    assert len(address.rpartition("/")[2]) > 20
    assert ask(f"{bare}/v1/query", question("jinja2", "1.0"))[0] == 400
    assert ask(f"{bare}/v1/vulns/GHSA-3")[0] == 404
    assert ask(f"{bare}/", method="HEAD")[0] == 404


def test_the_date_of_the_data(address: str, folder: Path) -> None:
    status, _, headers = ask(f"{address}/", method="HEAD")
    assert status == 200
    assert email.utils.parsedate_to_datetime(headers["Last-Modified"]) == datetime(2026, 11, 1, tzinfo=UTC)
    assert ask(f"{address}/")[1]["digest"] == read_meta(folder).digest


def test_damaged_data_is_an_error_of_the_service(address: str, folder: Path) -> None:
    for shard in (folder / read_meta(folder).data).glob("???"):
        shard.write_bytes(b"")
    assert ask(f"{address}/v1/query", question("jinja2", "1.0"))[0] == 500
    assert ask(f"{address}/v1/vulns/GHSA-3")[0] == 500


def test_a_database_of_the_run_is_served_once_and_let_go(folder: Path) -> None:
    with Local(folder) as local:
        assert local.address() == local.address()
        used = local.use()
        assert used is not None
        assert used.date == "2026-11-01T00:00:00Z"
        gone = local.address()
    with pytest.raises(urllib.error.URLError):
        ask(f"{gone}/")
    with Local(folder / "none") as none:
        assert none.use() is None
        with pytest.raises(StoreError):
            none.address()
