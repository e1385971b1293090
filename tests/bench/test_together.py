"""bench/together.py: what counts as caught, and one real run of scanners, the served example and Newman."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import detection, holes, together
from bench.detection import IncompleteError

SIDES = {one["id"]: one for one in holes.sides()}
LOGIN = SIDES["sqli-login-vulnerable"]


def finding(**more: Any) -> dict[str, Any]:
    """A finding of the JSON report, with the keys that are read."""
    base = {
        "scanner": "bandit", "rule": "B608", "kind": "code", "cwe": ["CWE-89"], "ids": [], "parts": [], "proof": None,
        "state": "blocking", "confirmed": False, "location": {"path": LOGIN["file"], "line": holes._lines(LOGIN)[0]},
        "witnesses": [{"scanner": "bandit"}],
    }  # fmt: skip
    return {**base, **more}


def shown(test: str = LOGIN["dynamic"], **more: Any) -> dict[str, Any]:
    rule = f"Security/SQL injection/{test}/CWE-89: answers 401"
    place = {"path": "POST /login", "line": None}
    return finding(
        scanner="newman", rule=rule, kind="dynamic", location=place, witnesses=[{"scanner": "newman"}], **more
    )


def test_a_side_is_caught_by_a_finding_in_its_code_or_a_failed_test_of_its_request() -> None:
    static, dynamic = finding(), shown()
    joined = finding(confirmed=True, parts=[finding(), shown()])
    elsewhere, other = finding(location={"path": "app.py", "line": 1}), shown("log in with SQL, safe twin")
    for given, caught in (
        ([static], (True, False, True)),
        ([dynamic], (False, True, True)),
        ([joined], (True, True, True)),
        ([elsewhere, other], (False, False, False)),
    ):
        row = together.row(LOGIN, given)
        assert (row["static"], row["dynamic"], row["together"]) == caught
    assert together.row(LOGIN, [joined])["confirmed"] is True
    assert together.row(SIDES["sqli-login-safe"], [other])["blocked"] is True


def test_a_run_with_gaps_is_not_counted() -> None:
    gap = {"reason": "timeout", "action": "newman", "path": "", "message": "it took too long"}
    report = {"receipts": [{"scanner": "newman"}], "gaps": [gap], "findings": []}
    with pytest.raises(IncompleteError, match="it took too long"):
        together.judged(3, msgspec.json.encode(report), b"", ["newman"])
    with pytest.raises(IncompleteError, match="bandit left no receipt"):
        together.judged(0, msgspec.json.encode({**report, "gaps": []}), b"", ["bandit"])
    with pytest.raises(IncompleteError, match="no report"):
        together.judged(2, b"", b"hardgate: no such file", [])


@pytest.mark.real
def test_scanners_and_newman_together(tools_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDGATE_HOME", str(tools_folder.parent))
    result = together.measured(together.scan(("bandit", "dataflow"), exclude=("Dockerfile*", "requirements*")))
    assert result["shown_over_http"] == result["caught"]["dynamic"] == 17
    assert (result["blocked"], result["reported"]["together"]) == ([], 0)
    rows = {one["pair"]: one for one in result["rows"] if one["kind"] == "vulnerable"}
    confirmed = {
        "sqli-login", "sqli-get-planet", "sqli-get-planet-sqlmap", "command-injection-dbsize",
        "path-traversal-read-log", "ssrf-fetch", "xss-planetary", "weak-hash-reset", "deserialisation-pickle",
        "deserialisation-yaml",
    }  # fmt: skip
    assert {pair for pair, one in rows.items() if one["confirmed"]} == confirmed
    # Scanners without rules for passwords, images and packages: what they miss and a test shows is caught together.
    assert rows["plaintext-passwords"]["scanners"] == ["newman"]
    assert not rows["image-root"]["together"]
    places = {one["place"].partition(":")[0] for one in result["issues"]}
    assert places == {"planetary/vulnerable.py"}
    assert all(one["because"].startswith("a test alone shows it: ") for one in result["alone"])
    assert "sqli-login" in together.text(result)


def test_the_documentation_has_the_figures_of_the_last_measurement() -> None:
    kept = msgspec.json.decode(together.TARGET.read_bytes())
    page = (detection.ROOT / "docs" / "explanation" / "confirmed.md").read_text("utf-8")
    caught, said = kept["caught"], kept["reported"]
    for row in (
        f"| holes caught, of {kept['holes']} | {caught['static']} | {caught['dynamic']} | {caught['together']} |",
        f"| safe twins reported, of {kept['twins']} | {said['static']} | {said['dynamic']} | {said['together']} |",
        f"{kept['confirmed']} of the {kept['shown_over_http']} holes that HTTP can show are confirmed issues",
    ):
        assert row in page
    assert (kept["missed"], kept["blocked"]) == ([], [])
