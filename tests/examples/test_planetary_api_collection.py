"""The Postman collection of examples/planetary-api, sent by the real Newman to the application on two databases.

What it must find comes from truth.yaml: a hole without a request, or a request without a hole, fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from hardgate.model import GapReason, Report
from hardgate.scanners.newman import NEWMAN
from tests.examples import original
from tests.examples.attempts import (
    ATTEMPTS,
    COLLECTION,
    ENTRIES,
    SET_UP,
    TRIED,
    check,
    endpoint,
    requests,
    script,
    untyped,
)
from tests.lab import mariadb, planetary



# --- the collection against truth.yaml and the routes ----------------------------------------------------------------


def test_each_side_has_one_request_and_each_request_one_side() -> None:
    names = [one["name"] for above, one in requests("Security") if above[1] != SET_UP]
    assert len(names) == len(set(names)) == len(TRIED)
    assert set(names) == set(TRIED)
    assert sum(entry["dynamic"] is not None for entry in ENTRIES) == len(TRIED), "a request is named twice"


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_is_made_at_its_endpoint_and_its_test_names_the_weakness(name: str) -> None:
    one, entry = ATTEMPTS[name], TRIED[name]
    (test,) = re.findall(r'pm\.test\("([^"]+)"', script(one))
    weakness = re.match(r"(CWE-[1-9]\d*): \S", test)
    assert weakness is not None, test
    assert weakness[1] in {entry["cwe"], *entry.get("related", [])}
    assert entry["endpoint"] is None or endpoint(one) == untyped(entry["endpoint"])
    assert "/" not in name


def test_what_sets_the_attempts_up_throws_and_tests_nothing() -> None:
    for above, one in requests("Security"):
        if above[1] == SET_UP:
            assert "throw new Error(" in script(one), one["name"]
            assert "pm.test(" not in script(one), one["name"]


def test_basic_and_negative_come_to_every_route_and_judge_every_answer(api: FlaskClient) -> None:
    routes = {
        f"{method} {untyped(rule.rule)}"
        for rule in api.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    sent = {endpoint(one) for _, one in requests("Basic", "Negative")}
    assert sent - routes == {"GET /no/such/address"}
    assert routes - sent == set()
    assert all("pm.test(" in script(one) for _, one in requests("Basic", "Negative"))


def test_no_secret_of_the_application_stands_in_the_collection() -> None:
    written = "".join(path.read_text() for path in sorted((planetary.HOME / "postman").iterdir()))
    source = "".join((planetary.HOME / name).read_text() for name in ("planetary/settings.py", "tools/monitor.py"))
    secrets = re.findall(r'^[A-Z_]+ = "([^"]+)"', source, re.MULTILINE)
    assert len(secrets) == 3
    assert not [word for word in (*secrets, "P@ssw0rd", "Comet1786") if word in written]


def test_payloads_aim_at_the_machine_itself() -> None:
    text = planetary.COLLECTION.read_text().replace(COLLECTION["info"]["schema"], "")
    assert set(re.findall(r"https?://[^\s\"']+", text)) == set()
    for path in (planetary.HOME / "postman").glob("*.postman_environment.json"):
        values = {one["key"]: one["value"] for one in json.loads(path.read_bytes())["values"]}
        assert values.keys() == {"base", "twin", "inside"}
        assert values["inside"] == "http://127.0.0.1:5000"


# --- the real Newman -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["SQLite", "MariaDB"])
def database(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    if request.param == "SQLite":
        yield {}
        return
    with mariadb.server() as server:
        yield server.database()


def test_each_hole_is_caught_each_twin_withstands_and_the_rest_passes(
    database: Mapping[str, str], tmp_path: Path
) -> None:
    theirs = tmp_path / "original.json"
    theirs.write_text(json.dumps(original.COLLECTION))
    with planetary.serving(tmp_path, database) as addresses:
        planetary.asked(addresses, tmp_path / "report.json")
        where = urlsplit(addresses["base"])
        at = {"host": str(where.hostname), "port": str(where.port)}
        planetary.asked(at, tmp_path / "theirs.json", collection=theirs)
    check((tmp_path / "report.json").read_bytes())
    assert NEWMAN.parse((tmp_path / "theirs.json").read_bytes()) == Report()


def test_an_attempt_that_could_not_be_set_up_is_no_pass(tmp_path: Path) -> None:
    """Without tables nobody can be registered: what was not shown is told as not shown."""
    with planetary.serving(tmp_path, {}, seeded=False) as addresses:
        quick = {**addresses, "base": addresses["twin"]}  # the debugger's pages take their time
        planetary.asked(quick, tmp_path / "report.json", "--folder", SET_UP, "--folder", "Passwords")
    report: Report = NEWMAN.parse((tmp_path / "report.json").read_bytes())
    broken = {gap.message.split("'")[1] for gap in report.gaps if gap.reason is GapReason.TOOL_FAILED}
    assert {"register a victim", "log the victim in", "find a password in the table"} <= broken
    assert not [one for one in report.findings if "find a password in the table" in one.rule]
