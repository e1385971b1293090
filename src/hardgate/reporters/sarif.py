"""SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html): one run for each tool.

The section numbers below are those of that document. GitHub's additions (`security-severity`, tags, categories) are on
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from hardgate import bulk
from hardgate.model import ActionState, Finding, Gap, Receipt, Run, Severity, State, Verdict
from hardgate.outward import MOST_RESULTS, MOST_RUNS, github_cut
from hardgate.sarif_result import LEVELS, ROOT, Maker, Result, artifact, taxon
from hardgate.wording import Judged, count, flow, judge, web_link

_Json = dict[str, object]

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

# GitHub reads a number: over 9.0 is critical, from 7.0 high, from 4.0 medium, below it low. No number means "note".
_SECURITY_SEVERITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
_RELEVANCE = {State.BLOCKING: 0, State.INFORMING: 1, State.WAIVED: 2}
_CWE = re.compile(r"CWE-([0-9]+)")
_SHARED_TEXTS = 5
_OWN_NAME = "hardgate"


@dataclass(slots=True)
class _Tool:
    """What one run of the file is about: a scanner with the version that ran."""

    scanner: str
    name: str
    version: str = ""
    receipts: list[Receipt] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def render(run: Run, verdict: Verdict) -> bytes:
    """The findings of every tool, those waived as suppressions, and every gap as a notification.

    Raises Error when the verdict says nothing about one of the findings.
    """
    return b"".join(parts(run, verdict))


def parts(run: Run, verdict: Verdict) -> Iterator[bytes]:
    """The same one after the other, for who writes it into a file; raises Error before the first."""
    return _document(run, verdict, _tools(run, verdict))


def render_github(run: Run, verdict: Verdict) -> bytes:
    """The same within the limits of GitHub's code scanning: what blocks comes first, and what is cut off is told.

    Raises Error when the verdict says nothing about one of the findings.
    """
    return b"".join(_document(run, verdict, _fitted(_tools(run, verdict), run)))


def _document(run: Run, verdict: Verdict, tools: Sequence[_Tool]) -> Iterator[bytes]:
    left_out = [sentence for tool in tools for sentence in tool.left_out]
    return bulk.parts(
        {
            "$schema": SCHEMA_URI,
            "version": "2.1.0",
            "runs": [_run(tool, run, _category(tool, tools)) for tool in tools],
            "properties": {
                "hardgate": {
                    "outcome": verdict.outcome,
                    "exitCode": verdict.exit_code.value,
                    "blocks": verdict.blocks,
                    **({"override": verdict.override} if verdict.override else {}),
                    "judgedAt": verdict.judged_at,
                    "pipeline": run.pipeline,
                    "run": run.id,
                    **({"leftOut": left_out} if left_out else {}),
                }
            },
        },
        [_results(tool) for tool in tools],
    )


def _tools(run: Run, verdict: Verdict) -> list[_Tool]:
    """Every receipt, finding and gap under exactly one tool, in the order of the receipts."""
    tools: dict[tuple[str, str, str], _Tool] = {}
    by_action: dict[str, _Tool] = {}
    by_scanner: dict[str, _Tool] = {}
    # A receipt without a tool (nothing to do, or not started) belongs to the run of its scanner's other receipts.
    known = {one.scanner: (one.tool.name, one.tool.version) for one in reversed(run.receipts) if one.tool}
    for receipt in run.receipts:
        used = (receipt.tool.name, receipt.tool.version) if receipt.tool else known.get(receipt.scanner)
        name, version = used or (receipt.scanner, "")
        tool = tools.setdefault((receipt.scanner, name, version), _Tool(receipt.scanner, name, version))
        tool.receipts.append(receipt)
        by_action[receipt.action] = tool
        by_scanner.setdefault(receipt.scanner, tool)
    for judged in judge(run, verdict):
        finding = judged.finding
        owner = by_action.get(finding.action)
        # What a tool that hardgate.yaml describes found is under the tool's own name.
        if owner is None or owner.scanner not in {finding.scanner, "sarif"}:
            owner = by_scanner.setdefault(finding.scanner, _Tool(finding.scanner, finding.scanner))
        owner.judged.append(judged)
    for gap in verdict.gaps:
        owner = by_action.get(gap.action) or by_scanner.setdefault("", _Tool("", _OWN_NAME, run.hardgate_version))
        owner.gaps.append(gap)
    return list({id(tool): tool for tool in (*tools.values(), *by_scanner.values())}.values())


def _fitted(tools: list[_Tool], run: Run) -> list[_Tool]:
    """What GitHub takes of it. The gaps of tools that are cut off go to the run of hardgate itself."""
    for tool in tools:
        tool.judged.sort(key=lambda one: _RELEVANCE[one.decision.state])  # stable: the worst stay first
        tool.left_out += github_cut(tool.name, len(tool.judged))
        del tool.judged[MOST_RESULTS:]
    if len(tools) <= MOST_RUNS:
        return tools
    own = next((tool for tool in tools if not tool.scanner), None) or _Tool("", _OWN_NAME, run.hardgate_version)
    others = [tool for tool in tools if tool is not own]
    kept = {id(tool) for tool in sorted(others, key=_weight, reverse=True)[: MOST_RUNS - 1]}
    for tool in others:
        if id(tool) not in kept:
            size = count(len(tool.judged), "finding")
            own.left_out.append(f"All of {tool.name}, {size}: GitHub takes {MOST_RUNS} tools a file.")
            own.gaps += tool.gaps
    return [*(tool for tool in others if id(tool) in kept), own]


def _weight(tool: _Tool) -> tuple[int, int, int]:
    blocking = sum(one.decision.state is State.BLOCKING for one in tool.judged)
    return blocking, len(tool.gaps), len(tool.judged)


def _category(tool: _Tool, tools: Sequence[_Tool]) -> str:
    """Which analysis this is a new run of: GitHub reads the id up to its last slash (3.17.3)."""
    twins = sum((other.scanner, other.name) == (tool.scanner, tool.name) for other in tools)
    name = f"{tool.name}@{tool.version}" if twins > 1 else tool.name
    return name if tool.scanner in {tool.name, ""} else f"{tool.scanner}/{name}"


def _run(tool: _Tool, run: Run, category: str) -> _Json:
    rules = _group(tool.judged)
    weaknesses = _weaknesses(tool)
    driver = _driver(tool, rules, weaknesses)
    entry: _Json = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "/".join(_quoted(part) for part in (_OWN_NAME, run.pipeline))
                              + f"/{quote(category, safe='/@')}/{_quoted(run.id)}"},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that was scanned."}}},
        "invocations": _invocations(tool),
        "results": bulk.HERE,
        "columnKind": "unicodeCodePoints",
        "properties": {"commit": run.commit, "dirty": run.dirty, "tree": run.tree},
    }  # fmt: skip
    if weaknesses:
        entry["taxonomies"] = [_taxonomy(weaknesses)]
    return entry


def _weaknesses(tool: _Tool) -> list[str]:
    return sorted({cwe for one in tool.judged for cwe in one.finding.cwe}, key=_cwe_order)


def _results(tool: _Tool) -> Iterator[Result]:
    """The results one by one: all at once they would take more memory than all the rest."""
    places = {rule: at for at, rule in enumerate(_group(tool.judged))}
    numbers = {cwe: at for at, cwe in enumerate(_weaknesses(tool))}
    return map(Maker(places, numbers).result, tool.judged)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _group(judged: Iterable[Judged]) -> dict[str, list[Finding]]:
    """The findings of each rule; rules in alphabetical order."""
    rules: dict[str, list[Finding]] = {}
    for one in judged:
        rules.setdefault(one.finding.rule, []).append(one.finding)
    return dict(sorted(rules.items()))


def _cwe_order(cwe: str) -> tuple[int, str]:
    match = _CWE.fullmatch(cwe)
    return (int(match[1]) if match else 0, cwe)


def _driver(tool: _Tool, rules: dict[str, list[Finding]], weaknesses: Sequence[str]) -> _Json:
    numbers = {cwe: at for at, cwe in enumerate(weaknesses)}
    entry: _Json = {
        "name": tool.name,
        "rules": [_rule(name, findings, numbers) for name, findings in rules.items()],
    }
    if tool.version:
        entry["version"] = tool.version
    if weaknesses:
        entry["supportedTaxonomies"] = [{"name": "CWE", "index": 0}]
    return entry


def _rule(name: str, findings: Sequence[Finding], numbers: dict[str, int]) -> _Json:
    """What all findings of a rule have in common; its severity is that of the worst (GitHub has one per rule)."""
    worst = max((finding.severity for finding in findings), key=lambda severity: severity.rank)
    first = findings[0]
    messages = {flow(finding.message) for finding in findings}
    about = messages.pop() if len(messages) == 1 else f"{flow(first.scanner)} {flow(name)}: {first.kind}"
    fixes = list(dict.fromkeys(flow(finding.fix) for finding in findings if finding.fix))[:_SHARED_TEXTS]
    link = next((url for finding in findings if (url := web_link(finding.url))), "")
    cwes = sorted({cwe for finding in findings for cwe in finding.cwe}, key=_cwe_order)
    entry: _Json = {
        "id": name,
        "shortDescription": {"text": about},
        "fullDescription": {"text": about},
        "help": {"text": "\n".join([about, *fixes, *([link] if link else [])])},
        "defaultConfiguration": {"level": LEVELS[worst]},
        "properties": _rule_properties(first, worst, cwes),
    }
    if link:
        entry["helpUri"] = link
    if cwes:
        entry["relationships"] = [{"target": taxon(cwe, numbers), "kinds": ["superset"]} for cwe in cwes]
    return entry


def _rule_properties(finding: Finding, worst: Severity, cwes: Sequence[str]) -> _Json:
    # GitHub shows at most ten tags of a rule.
    tags = ["security", finding.kind.value, *(f"external/cwe/{cwe.lower()}" for cwe in cwes)][:10]
    score = _SECURITY_SEVERITY.get(worst)
    return {"tags": tags, **({"security-severity": score} if score else {})}


def _taxonomy(weaknesses: Sequence[str]) -> _Json:
    return {
        "name": "CWE",
        "organization": "MITRE",
        "shortDescription": {"text": "The MITRE Common Weakness Enumeration"},
        "informationUri": "https://cwe.mitre.org/",
        "isComprehensive": False,
        "taxa": [_weakness(cwe) for cwe in weaknesses],
    }


def _weakness(cwe: str) -> _Json:
    match = _CWE.fullmatch(cwe)
    link = {"helpUri": f"https://cwe.mitre.org/data/definitions/{match[1]}.html"} if match else {}
    return {"id": cwe, **link}


def _invocations(tool: _Tool) -> list[_Json]:
    """One for each receipt; the first one tells what of the tool is left out of the file."""
    left_out = [{"level": "warning", "message": {"text": f"Not in this file: {one}"}} for one in tool.left_out]
    made = [_invocation(receipt, tool.gaps) for receipt in tool.receipts] or [_own_invocation(tool)]
    if left_out:
        made[0]["toolExecutionNotifications"] += left_out  # type: ignore[operator]  # a list, by _invocation
    return made


def _invocation(receipt: Receipt, gaps: Iterable[Gap]) -> _Json:
    own = [gap for gap in gaps if gap.action == receipt.action]
    notes = [_notification(gap) for gap in own]
    notes += [{"level": "note", "message": {"text": flow(note)}} for note in receipt.notes]
    if receipt.state is ActionState.NOTHING_TO_DO:
        notes.append({"level": "note", "message": {"text": f"{receipt.action}: no file of its kind, nothing to do."}})
    entry: _Json = {
        "executionSuccessful": receipt.state is not ActionState.GAP and not own,
        "startTimeUtc": receipt.started,
        "toolExecutionNotifications": notes,
        "properties": {
            "action": receipt.action,
            "stage": receipt.stage,
            "state": receipt.state,
            "seconds": receipt.seconds,
            **({"data": {"source": receipt.data.source, "date": receipt.data.date}} if receipt.data else {}),
            "cachedFrom": receipt.cached_from,
            "exitCodes": receipt.exit_codes,
            "rulesDigest": receipt.rules_digest,
            "receipt": receipt.digest,
        },
    }
    if len(receipt.exit_codes) == 1:
        entry["exitCode"] = receipt.exit_codes[0]
    return entry


def _own_invocation(tool: _Tool) -> _Json:
    """For what no receipt stands behind: gaps of the whole run, or findings whose action left none."""
    notes = [_notification(gap) for gap in tool.gaps]
    return {"executionSuccessful": not tool.gaps, "toolExecutionNotifications": notes}


def _notification(gap: Gap) -> _Json:
    entry: _Json = {
        "descriptor": {"id": gap.reason},
        "level": "error",
        "message": {"text": f"{gap.message} {gap.remedy}".strip()},
    }
    if gap.path:
        entry["locations"] = [{"physicalLocation": {"artifactLocation": artifact(gap.path)}}]
    return entry
