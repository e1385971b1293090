"""Findings, receipts and runs for the tests of the pure modules: short to write, whole to look at."""

from __future__ import annotations

from typing import Any

from hardgate.model import (
    Action,
    ActionState,
    Finding,
    Kind,
    Location,
    Package,
    Pipeline,
    Policy,
    Receipt,
    Run,
    RunState,
    Scope,
    Severity,
    Stage,
    Waiver,
    Witness,
)

COMMIT = "c" * 40
TREE = "e" * 64
DIGEST = "d" * 64
NOW = "2026-01-31T12:00:00Z"
BLOCK_AT: dict[Kind, Severity | None] = {
    Kind.SECRET: Severity.INFO,
    Kind.DEPENDENCY: Severity.HIGH,
    Kind.CODE: Severity.HIGH,
    Kind.MISCONFIGURATION: Severity.MEDIUM,
    Kind.LICENCE: None,
    Kind.DYNAMIC: Severity.HIGH,
}


def finding(
    rule: str = "B608",
    path: str = "app.py",
    line: int | None = 3,
    *,
    scanner: str = "bandit",
    severity: Severity = Severity.HIGH,
    kind: Kind = Kind.CODE,
    commit: str = "",
    **more: Any,
) -> Finding:
    """A finding as an adapter makes it."""
    more = {"message": f"{scanner} says {rule}", **more}
    where = Location(path=path, line=line, end_line=line, commit=commit)
    return Finding(scanner=scanner, rule=rule, kind=kind, severity=severity, location=where, **more)


def dependency(rule: str, *ids: str, name: str = "flask", version: str = "1.0", **more: Any) -> Finding:
    """A vulnerable package of requirements.txt."""
    package = Package(ecosystem="PyPI", name=name, version=version, purl=more.pop("purl", f"pkg:pypi/{name}@{version}"))
    more = {"path": "requirements.txt", "line": None, "scanner": "pip-audit", "kind": Kind.DEPENDENCY, **more}
    return finding(rule, ids=ids, package=package, **more)


def settled(number: int = 1, *, actions: tuple[str, ...] = ("bandit",), **more: Any) -> Finding:
    """A finding as the gate gets it: with an id and the actions that saw it."""
    one = {"scanner": "bandit", "rule": f"B{number}", "severity": Severity.HIGH, "message": "bad", **more}
    witnesses = tuple(
        Witness(scanner=one["scanner"], action=action, rule=one["rule"], severity=one["severity"], message="bad")
        for action in actions
    )
    name = f"{number:016x}"
    return Finding(
        **{
            "kind": Kind.CODE, "location": Location(path="src/app.py", line=number), "action": actions[0], "id": name,
            "fingerprints": {"code/v1": name * 4}, "witnesses": witnesses, **one,
        }
    )  # fmt: skip


def receipt(action: str = "bandit", state: ActionState = ActionState.DONE, **more: Any) -> Receipt:
    """A receipt of an action named like its scanner, which looked at one file if it is done."""
    base: dict[str, Any] = {
        "action": action, "stage": "scan", "scanner": action, "state": state, "commit": COMMIT, "tree": TREE,
        "pipeline_digest": DIGEST, "started": NOW,
        "scope": Scope(files=1, digest=TREE) if state is ActionState.DONE else None,
    }  # fmt: skip
    return Receipt(**{**base, **more})


def run(*receipts: Receipt, findings: tuple[Finding, ...] = (), **more: Any) -> Run:
    """A finished run that expected just these receipts."""
    base: dict[str, Any] = {
        "id": "20260131-120000-abcdef", "pipeline": "small", "pipeline_digest": DIGEST, "definition": "", "root": "/x",
        "commit": COMMIT, "tree": TREE, "started": NOW, "finished": NOW, "state": RunState.FINISHED,
        "expected": tuple(one.action for one in receipts), "receipts": receipts, "findings": findings,
    }  # fmt: skip
    return Run(**{**base, **more})


def policy(**more: Any) -> Policy:
    """A policy that blocks from high up, from medium for misconfiguration, never for licences."""
    return Policy(**{"block_at": BLOCK_AT, "max_waiver_days": 366, **more})


def waiver(**more: Any) -> Waiver:
    """A waiver that has not ended."""
    return Waiver(**{"reason": "not reachable", "owner": "Ada", "until": "2026-12-31", **more})


def pipeline(*actions: Action, rules: Policy | None = None, exclude: tuple[str, ...] = ()) -> Pipeline:
    """A pipeline of one stage."""
    stage = Stage(name="scan", actions=actions)
    return Pipeline(
        name="small", stages=(stage,), policy=rules or policy(), digest=DIGEST, definition="", exclude=exclude
    )
