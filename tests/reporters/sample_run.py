"""Runs and verdicts made by hand for the reporters: every noun, every state, and text that means harm.

No tool wrote these findings. They stand for what adapters and the gate hand over; what real tools write is tested
where it is read, in tests/scanners.
"""

from __future__ import annotations

import msgspec

from hardgate.model import (
    ActionState,
    CanaryCheck,
    DataUse,
    Decision,
    Finding,
    Gap,
    GapReason,
    Kind,
    Location,
    Outcome,
    Output,
    OverrideUse,
    Package,
    Receipt,
    Requirement,
    Run,
    RunState,
    Scope,
    Selection,
    Severity,
    State,
    ToolUse,
    Verdict,
    Witness,
)

COMMIT = "3f2c1a9e4b7d5860c1f2a3b4c5d6e7f8091a2b3c"
OLD_COMMIT = "0badc0de00000000000000000000000000000001"
TREE = "a" * 64
DEFINITION_DIGEST = "b" * 64
STARTED = "2026-01-31T12:00:00Z"

HOSTILE_PATH = "src/\x1b[2J\x1b]0;owned\x07\u202egnp.<img src=x onerror=alert(1)>|`a`\n::error::fake.py"
HOSTILE_MESSAGE = (
    "</script><script>document.title='owned'</script> ]]> <!-- | `code` **bold** [link](javascript:alert(1)) "
    "@octocat #1 https://evil.example/x %0A::add-mask::x ##[add-mask]y\r\n::stop-commands::z \x9b31m \u200b \x00 "
    "&lt; $x$ \\ end"
)
NO_UTF8_PATH = "data/caf\udce9 menu.py"


def finding(number: int, **fields: object) -> Finding:
    digest = f"{number:016x}"
    base: dict[str, object] = {
        "id": f"hg1-{digest}",
        "fingerprints": {"hardgate/v1": digest * 2},
        "kind": Kind.CODE,
    }
    return msgspec.convert(base | fields, Finding, from_attributes=True, strict=False)


def _findings() -> tuple[Finding, ...]:
    return (
        finding(
            1,
            scanner="gitleaks",
            action="gitleaks",
            rule="aws-access-token",
            kind=Kind.SECRET,
            severity=Severity.CRITICAL,
            severity_from="adapter",
            message="An AWS access key stands in the source.",
            location=Location(path="config/settings.py", line=14, end_line=14),
            cwe=("CWE-798",),
            fix="Revoke the key in AWS first, then take it out of the file and read it from the environment.",
        ),
        finding(
            2,
            scanner="gitleaks",
            action="gitleaks",
            rule="generic-api-key",
            kind=Kind.SECRET,
            severity=Severity.HIGH,
            severity_from="adapter",
            message="A key was committed once and is still in the history.",
            location=Location(path="deploy/old.env", line=3, commit=OLD_COMMIT),
            cwe=("CWE-798",),
            fix="Revoke the key: taking it out of the newest commit does not take it back.",
        ),
        finding(
            3,
            scanner="bandit",
            action="bandit",
            rule="B608",
            severity=Severity.HIGH,
            confidence="medium",
            message="Possible SQL injection vector through string-based query construction.",
            location=Location(path="app/views.py", line=42, end_line=45),
            cwe=("CWE-89",),
            url="https://bandit.readthedocs.io/en/1.9.4/plugins/b608_hardcoded_sql_expressions.html",
            fix="Pass the values as parameters of the query.",
            witnesses=(
                Witness(
                    scanner="bandit",
                    action="bandit",
                    rule="B608",
                    severity=Severity.MEDIUM,
                    message="Possible SQL injection vector through string-based query construction.",
                ),
                Witness(
                    scanner="semgrep",
                    action="semgrep",
                    rule="hardgate.python.sql-injection",
                    severity=Severity.HIGH,
                    message="User input reaches a query that is put together as text.",
                ),
            ),
        ),
        finding(
            4,
            scanner="trivy",
            action="trivy",
            rule="CVE-2023-30861",
            kind=Kind.DEPENDENCY,
            severity=Severity.CRITICAL,
            severity_from="tool; CVSS 3.1 7.5 CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N; exploited (CISA)",
            message="flask 0.12 sends one client's session cookie to another through a caching proxy.",
            location=Location(path="requirements.txt", line=3),
            cwe=("CWE-539", "CWE-488"),
            ids=("CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq", "PYSEC-2023-62"),
            url="https://avd.aquasec.com/nvd/cve-2023-30861",
            fix="Upgrade flask to 2.2.5 or 2.3.2.",
            package=Package(
                ecosystem="PyPI", name="flask", version="0.12", purl="pkg:pypi/flask@0.12", fixed=("2.2.5", "2.3.2")
            ),
        ),
        finding(
            5,
            scanner="trivy",
            action="trivy",
            rule="CVE-2019-1010083",
            kind=Kind.DEPENDENCY,
            severity=Severity.HIGH,
            message="flask 0.12 can be made to use much memory by JSON in an unusual encoding.",
            location=Location(path="requirements.txt", line=3),
            cwe=("CWE-400",),
            ids=("CVE-2019-1010083",),
            fix="Upgrade flask to 1.0.",
            package=Package(ecosystem="PyPI", name="flask", version="0.12", fixed=("1.0",)),
        ),
        finding(
            6,
            scanner="bandit",
            action="bandit",
            rule="B324",
            severity=Severity.MEDIUM,
            message="Use of weak MD5 hash for security.\nConsider usedforsecurity=False.",
            location=Location(path="app/models.py", line=88),
            cwe=("CWE-327",),
        ),
        finding(
            7,
            scanner="zizmor",
            action="zizmor",
            rule="artipacked",
            kind=Kind.MISCONFIGURATION,
            severity=Severity.LOW,
            message="The checkout keeps its credentials for the steps that follow.",
            location=Location(path=".github/workflows/ci.yml", line=12, end_line=14),
            cwe=("CWE-noinfo",),
        ),
        finding(
            8,
            scanner="trivy",
            action="trivy",
            rule="MIT",
            kind=Kind.LICENCE,
            severity=Severity.INFO,
            message="click is under the MIT licence.",
            location=Location(path=""),
        ),
        finding(
            9,
            scanner="semgrep",
            action="semgrep",
            rule="evil|rule`::]]>",
            severity=Severity.HIGH,
            message=HOSTILE_MESSAGE,
            location=Location(path=HOSTILE_PATH, line=1),
            cwe=("CWE-79",),
            url="javascript:alert(1)",
            fix="Do not <b>trust</b> it | ever.\x1b[0m",
        ),
        finding(
            10,
            scanner="semgrep",
            action="semgrep",
            rule="hardgate.python.weak-random",
            severity=Severity.MEDIUM,
            message="The name of this file is no UTF-8, and half a character follows: \ud83d.",
            location=Location(path=NO_UTF8_PATH, line=7),
        ),
    )


_BECAUSE = {
    State.BLOCKING: "policy: block_at: {severity} {kind} findings block from high up.",
    State.INFORMING: "policy: block_at: {severity} {kind} findings only inform.",
    State.WAIVED: "Waived by Ada Lovelace until 2026-03-01: the proxy in front limits the size of a request (SEC-12).",
}


def decision(finding: Finding, waived: frozenset[str]) -> Decision:
    blocks = finding.severity in (Severity.CRITICAL, Severity.HIGH)
    state = State.BLOCKING if blocks else State.INFORMING
    state = State.WAIVED if finding.id in waived else state
    because = _BECAUSE[state].format(severity=finding.severity, kind=finding.kind)
    return Decision(finding=finding.id, state=state, because=because)


def receipt(action: str, findings: tuple[Finding, ...], **fields: object) -> Receipt:
    base: dict[str, object] = {
        "action": action,
        "stage": "scan",
        "scanner": action,
        "state": ActionState.DONE,
        "commit": COMMIT,
        "tree": TREE,
        "pipeline_digest": DEFINITION_DIGEST,
        "started": STARTED,
        "findings": tuple(finding for finding in findings if finding.action == action),
        "tool": ToolUse(name=action, version="1.2.3", digest="c" * 64, origin="toolbox"),
        "exit_codes": (0,),
        "argv": ((action, "--json", "."),),
        "hardgate_version": "0.1.0",
        "digest": "sha256:" + "d" * 64,
    }
    return msgspec.convert(base | fields, Receipt, from_attributes=True, strict=False)


_UNREAD = Gap(
    reason=GapReason.FILE_UNREAD,
    message=f"semgrep could not read {HOSTILE_PATH}.",
    path=HOSTILE_PATH,
    action="semgrep",
    remedy="Mend the syntax error in line 1, or leave the file out with exclude in hardgate.yaml.",
)
_NO_DATA = Gap(
    reason=GapReason.DATA_UNAVAILABLE,
    message="pip-audit could not reach its vulnerability service: no package was checked.",
    action="pip-audit",
    remedy="Give the run a network, or set osv_url in hardgate.yaml.",
)
_NOT_COVERED = Gap(
    reason=GapReason.NOT_COVERED,
    message="infra/main.tf is Terraform, and no checkov or trivy action covers it.",
    path="infra/main.tf",
    remedy="Add checkov to a stage, or write down under policy: exempt: terraform: why not.",
)


def _receipts(findings: tuple[Finding, ...]) -> tuple[Receipt, ...]:
    return (
        receipt(
            "gitleaks",
            findings,
            stage="secrets",
            seconds=1.234,
            cpu_seconds=1.9,
            peak_memory=88_000_000,
            exit_codes=(42, 0),
            argv=(("gitleaks", "dir", "."), ("gitleaks", "git", "history")),
            rules_digest="e" * 64,
            scope=Scope(
                files=41, digest="f" * 64, seen=41, excluded=3, configs=(".gitleaks.toml", "sub/.gitleaks.toml")
            ),
            canary=CanaryCheck(checked_at=STARTED, how="this run", rules=("aws-access-token",)),
        ),
        receipt(
            "bandit",
            findings,
            seconds=0.8,
            exit_codes=(1,),
            cached_from="run-0001",
            scope=Scope(files=20, digest="f" * 64, configs=(".bandit",), honoured=True),
        ),
        receipt("semgrep", findings, seconds=12.04, state=ActionState.GAP, gaps=(_UNREAD,)),
        receipt(
            "pip-audit",
            findings,
            seconds=2.0,
            state=ActionState.GAP,
            exit_codes=(1,),
            gaps=(_NO_DATA,),
            data=DataUse(source="https://pypi.org"),
        ),
        receipt("hadolint", findings, state=ActionState.NOTHING_TO_DO, tool=None, exit_codes=(), argv=()),
        receipt(
            "trivy",
            findings,
            seconds=3.5,
            tool=ToolUse(name="trivy", version="0.76.0", digest="c" * 64, origin="path"),
            data=DataUse(
                source="local advisory database, partial: OSV snapshot, sha256:" + "c" * 64, date="2026-01-30T06:00:00Z"
            ),
            notes=("The licence scan reads lock files only.",),
        ),
        receipt("zizmor", findings, seconds=0.2, blocking=False, exit_codes=(14,)),
        receipt(
            "cyclonedx",
            findings,
            stage="sbom",
            seconds=0.9,
            outputs=(Output(name="bom.json", media_type="application/vnd.cyclonedx+json", sha256="9" * 64, size=2048),),
        ),
    )


def run_of(findings: tuple[Finding, ...], receipts: tuple[Receipt, ...], **fields: object) -> Run:
    base: dict[str, object] = {
        "id": "run-0002",
        "pipeline": "planetary-api",
        "pipeline_digest": DEFINITION_DIGEST,
        "definition": "pipeline: planetary-api\n",
        "root": "/home/ada/planetary-api",
        "commit": COMMIT,
        "tree": TREE,
        "started": STARTED,
        "finished": "2026-01-31T12:00:14Z",
        "state": RunState.FINISHED,
        "hardgate_version": "0.1.0",
        "findings": findings,
        "receipts": receipts,
    }
    return msgspec.convert(base | fields, Run, from_attributes=True, strict=False)


def incomplete() -> tuple[Run, Verdict]:
    """Everything at once: blocking, waived and informing findings, gaps of actions and of the run, hostile text."""
    findings = _findings()
    receipts = _receipts(findings)
    run = run_of(
        findings,
        receipts,
        dirty=True,
        selection=Selection(stages=("secrets", "scan", "sbom"), base="origin/main"),
        expected=(*(one.action for one in receipts), "checkov"),
        requirements=(
            Requirement(
                subject="python", scanners=("bandit", "semgrep"), reason="app/views.py is Python.", actions=("bandit",)
            ),
            Requirement(
                subject="dockerfile", scanners=("hadolint",), reason="Dockerfile is there.", exempt="Built elsewhere."
            ),
        ),
        gaps=(_NOT_COVERED,),
        notes=("3 files are ignored by git and were looked at all the same.",),
    )
    verdict = Verdict(
        outcome=Outcome.INCOMPLETE,
        judged_at="2026-01-31T12:00:15Z",
        decisions=tuple(decision(finding, frozenset({findings[4].id})) for finding in findings),
        gaps=(_NOT_COVERED, _UNREAD, _NO_DATA),
        warnings=("A waiver for B101 in tests/** matched nothing.",),
        blocks=True,
    )
    return run, verdict


def failing() -> tuple[Run, Verdict]:
    """Blocking findings and no gap."""
    findings = tuple(one for one in _findings() if one.scanner in {"gitleaks", "bandit", "trivy"})
    receipts = tuple(one for one in _receipts(findings) if one.scanner in {"gitleaks", "bandit", "trivy"})
    verdict = Verdict(
        outcome=Outcome.FAIL,
        judged_at="2026-01-31T12:00:15Z",
        decisions=tuple(decision(finding, frozenset()) for finding in findings),
        blocks=True,
    )
    return run_of(findings, receipts), verdict


def overridden() -> tuple[Run, Verdict]:
    """The same, opened once by an override; its words are hostile too."""
    run, verdict = failing()
    used = OverrideUse(
        id="ov-20260131-120000-aaaaaa",
        reason="The fix breaks payments | <b>shipped</b> ::error::x \x1b[2J; mended on Monday.",
        ticket="SEC-12",
        requester="ada (GITHUB_ACTOR)",
        granter="grace (GITHUB_ACTOR)",
        granted_at="2026-01-31T11:00:00Z",
        expires="2026-01-31T23:00:00Z",
        used_by="runner (system user)",
        used_at="2026-01-31T12:00:15Z",
    )
    return run, msgspec.structs.replace(verdict, override=used)


def clean() -> tuple[Run, Verdict]:
    """Two actions looked and found nothing."""
    receipts = (receipt("bandit", (), seconds=0.5), receipt("gitleaks", (), stage="secrets", seconds=1.0))
    return run_of((), receipts), Verdict(outcome=Outcome.PASS, judged_at="2026-01-31T12:00:15Z")


def nothing_ran() -> tuple[Run, Verdict]:
    """An interrupted run outside git: gaps and nothing else."""
    gap = Gap(reason=GapReason.NOT_RUN, message="bandit was not run: the run was interrupted.", action="bandit",
              remedy="Continue with hardgate run --resume.")  # fmt: skip
    run = run_of((), (), commit="", state=RunState.INTERRUPTED, finished="")
    return run, Verdict(outcome=Outcome.INCOMPLETE, judged_at="2026-01-31T12:00:15Z", gaps=(gap,))
