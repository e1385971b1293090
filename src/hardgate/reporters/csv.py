"""Comma-separated values (RFC 4180) for spreadsheets: the verdict, every gap and every finding, one on a line.

A spreadsheet takes a cell that begins with one of a few characters for a formula and calculates it: such a cell gets an
apostrophe before it (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from hardgate.model import Gap, Run, Verdict
from hardgate.outward import short, states, verdict_line
from hardgate.proven import proved, used
from hardgate.wording import Judged, also_seen_by, judge, plain, web_link

COLUMNS = (
    "type", "state", "severity", "kind", "scanner", "rule", "path", "line", "message", "because", "package",
    "version", "fixed", "ids", "cwe", "fix", "url", "confidence", "refuted", "confirmed", "imported", "seen_by",
    "commit", "action", "id",
)  # fmt: skip
_CELL = 32_000  # Excel takes 32,767 characters in a cell and drops the rest
# The plain ones, and the full-width ones that spreadsheets in East Asia read alike.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 (that they look alike is the point)


def render(run: Run, verdict: Verdict) -> bytes:
    """A header, a line for the verdict, one for each gap, and one for each finding, the worst first.

    All cells are quoted. Raises Error when the verdict says nothing about one of the findings.
    """
    judged = judge(run, verdict)
    out = io.StringIO()
    # RFC 4180 ends lines with CR LF; every reader takes LF, and no other report has a CR.
    writer = csv.DictWriter(out, COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    for row in (_verdict(run, verdict, judged), *map(_gap, verdict.gaps), *map(_finding, judged)):
        writer.writerow({name: _safe(value) for name, value in row.items()})
    return out.getvalue().encode()


def _safe(value: str) -> str:
    shown = short(value, _CELL, empty="")
    return f"'{shown}" if value.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown


def _list(values: Iterable[str]) -> str:
    return " ".join(values)


def _verdict(run: Run, verdict: Verdict, judged: tuple[Judged, ...]) -> dict[str, str]:
    message = f"{verdict_line(verdict)} {states(judged)}, {len(verdict.gaps):,} gaps."
    return {"type": "verdict", "state": verdict.outcome, "message": message, "commit": run.commit, "id": run.id}


def _gap(gap: Gap) -> dict[str, str]:
    return {
        "type": "gap",
        "state": "not looked at",
        "rule": gap.reason,
        "path": plain(gap.path),
        "message": gap.message,
        "fix": gap.remedy,
        "action": gap.action,
    }


def _finding(judged: Judged) -> dict[str, str]:
    finding, decision = judged
    where, package = finding.location, finding.package
    return {
        "type": "finding",
        "state": decision.state,
        "severity": finding.severity,
        "kind": finding.kind,
        "scanner": finding.scanner,
        "rule": finding.rule,
        "path": plain(where.path),
        "line": "" if where.line is None else str(where.line),
        "message": finding.message,
        "because": decision.because,
        "package": package.purl or package.name if package else "",
        "version": package.version if package else "",
        "fixed": _list(package.fixed) if package else "",
        "ids": _list(finding.ids),
        "cwe": _list(finding.cwe),
        "fix": finding.fix,
        "url": web_link(finding.url),
        "confidence": finding.confidence,
        "refuted": finding.refuted,
        "confirmed": proved(finding),
        "imported": used(finding),
        "seen_by": _list(also_seen_by(finding)),
        "commit": where.commit,
        "action": finding.action,
        "id": finding.id,
    }
