"""A run with confirmed issues, and packages that are imported, are not, or may be: concluded and judged for real."""

from __future__ import annotations

from typing import Any

from hardgate import gate, identity, routes
from hardgate.model import Code, Finding, Kind, Location, Run, Severity, Use, Verdict
from hardgate.proofs import Imported
from tests.builders import NOW, dependency, policy, receipt, run, settled, waiver

_APP = b'from flask import Flask\napp = Flask(__name__)\n\n\n@app.get("/<name>")\ndef hello(name):\n    return name\n'


def _uses() -> dict[str, Use]:
    return {
        "pypi/jinja2": Use(imported=Imported.YES, because="app.py line 1 imports jinja2", path="app.py", line=1),
        "pypi/flask": Use(imported=Imported.NO, because="no Python file of the tree imports flask"),
        "pypi/urllib3": Use(
            imported=Imported.UNKNOWN, because="app.py line 9 imports what only the running code knows"
        ),
    }


def proved() -> tuple[Run, Verdict]:
    """A confirmed issue of every decision, a dynamic finding alone, three packages; concluded and judged for real."""
    sql, script = ("CWE-89",), ("CWE-79",)
    dynamic: dict[str, Any] = {"scanner": "newman", "actions": ("newman",), "kind": Kind.DYNAMIC}
    packages = [
        settled(number, rule=f"CVE-2026-{number}", package=dependency("x", name=name).package, kind=Kind.DEPENDENCY)
        for number, name in ((11, "jinja2"), (12, "Flask"), (13, "urllib3"))
    ]
    worst = settled(21, kind=Kind.MISCONFIGURATION, severity=Severity.CRITICAL)
    found: tuple[Finding, ...] = (
        settled(1, location=Location(path="app.py", line=7), cwe=sql, message="<b>|`x` joins SQL"),
        settled(2, location=Location(path="GET /{{name}}"), cwe=sql, **dynamic),
        settled(3, location=Location(path="app.py", line=6), cwe=script),
        settled(4, location=Location(path="GET /ada"), cwe=script, **dynamic),
        settled(5, location=Location(path="GET /a/b"), cwe=sql, **dynamic),
        worst, *packages,
    )  # fmt: skip
    code = Code(routes=routes.read([("app.py", _APP)]), uses=_uses())
    receipts = [
        receipt(name, findings=tuple(one for one in found if one.action == name)) for name in ("bandit", "newman")
    ]
    one = run(*receipts, findings=identity.conclude(receipts, code), code=code, hardgate_version="0.1.0")
    waived = tuple(waiver(id=found[number].id, source="hardgate.yaml line 9") for number in (2, 3, 7))
    rules = policy(waivers=waived, block_not_imported=Severity.CRITICAL)
    return one, gate.decide(one, rules, now=NOW)
