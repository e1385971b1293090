"""One HTML file that needs nothing else: no server, no network, and no JavaScript to be read.

The script only filters, sorts and groups what the page already lists. A Content-Security-Policy lets this one style
sheet and this one script run, by their digests, and nothing else (W3C CSP Level 3, section 8.4): text from a hostile
repository is escaped, and would have no power if it were not.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources

from hardgate.model import ActionState, Finding, Gap, Receipt, Run, Severity, State, Verdict
from hardgate.proven import proved, used
from hardgate.remarks import left_out, next_steps, remarks
from hardgate.waiving import waiver_lines
from hardgate.wording import (
    Judged,
    commit_name,
    flow,
    headline,
    judge,
    package_name,
    place,
    plain,
    seconds,
    tally,
    web_link,
)

_CWE = re.compile(r"CWE-([0-9]+)")
_STATE_WORDS = {
    ActionState.DONE: "done",
    ActionState.GAP: '<strong class="reason">not complete</strong>',
    ActionState.NOTHING_TO_DO: '<span class="dim">nothing to do</span>',
}


def render(run: Run, verdict: Verdict) -> bytes:
    """The whole report as one page; raises Error when the verdict says nothing about one of the findings."""
    judged = judge(run, verdict)
    lines = [
        *_head(run, verdict),
        *_verdict(run, verdict),
        "<main>",
        *_gaps(verdict.gaps),
        *_counts(judged),
        *_findings(judged, verdict.gaps),
        *_actions(run.receipts),
        *_sentences("Left out on purpose, and notes", [*left_out(run), *remarks(run, verdict)]),
        *_next(run, verdict),
        "</main>",
        f"<footer>Written by hardgate {_e(run.hardgate_version)} from run {_e(run.id)}.</footer>",
        f"<script>{_asset('html_page.js')}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines).encode() + b"\n"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _e(text: str) -> str:
    """Text for an element or an attribute, with everything hidden made visible."""
    return html.escape(plain(text))


def _head(run: Run, verdict: Verdict) -> Iterator[str]:
    style, script = _asset("html_page.css"), _asset("html_page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy, quote=True)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{verdict.outcome}: {_e(run.pipeline)} - hardgate</title>"
    yield f"<style>{style}</style>"
    yield "</head>"


def _verdict(run: Run, verdict: Verdict) -> Iterator[str]:
    yield "<body>"
    yield '<a class="skip" href="#findings">Skip to the findings</a>'
    yield "<header>"
    yield '<div class="top"><span class="brand">hardgate</span>'
    yield '<button class="theme" id="theme" type="button" hidden>Light or dark</button></div>'
    yield f'<div class="panel verdict {verdict.outcome}"><span class="word">{verdict.outcome}</span>'
    yield f"<div><h1>{_e(run.pipeline)}</h1><p>{_e(headline(verdict))}</p></div></div>"
    yield '<dl class="meta">'
    for name, value in (
        ("Commit", commit_name(run)),
        ("Run", f"{run.id}, {run.state}"),
        ("Started", run.started),
        ("Judged", verdict.judged_at),
        ("Exit code", str(verdict.exit_code.value)),
    ):
        yield f"<div><dt>{name}</dt><dd>{_e(value)}</dd></div>"
    yield "</dl>"
    yield "</header>"


def _gaps(gaps: Sequence[Gap]) -> Iterator[str]:
    if not gaps:
        return
    yield f"<h2>What was not looked at ({len(gaps):,})</h2>"
    for gap in gaps:
        remedy = f"<p>What to do: {_e(flow(gap.remedy))}</p>" if gap.remedy else ""
        yield f'<div class="panel gap"><strong>{_e(gap.action) or "The whole run"}</strong> '
        yield f'<span class="reason">{gap.reason}</span><p>{_e(flow(gap.message))}</p>{remedy}</div>'


def _counts(judged: Sequence[Judged]) -> Iterator[str]:
    table = tally(judged)
    yield "<h2>Findings by severity</h2>"
    yield '<div class="panel scroll counts"><table><thead><tr><th scope="col">Severity</th>'
    yield "".join(f'<th scope="col" class="n">{state.capitalize()}</th>' for state in State)
    yield '<th scope="col" class="n">All</th></tr></thead><tbody>'
    for severity in Severity:
        badge = f'<span class="severity {severity}">{severity}</span>'
        yield f'<tr><th scope="row">{badge}</th>{_numbers(list(table[severity].values()))}</tr>'
    totals = [sum(table[severity][state] for severity in Severity) for state in State]
    yield f'<tr><th scope="row">All</th>{_numbers(totals)}</tr>'
    yield "</tbody></table></div>"


def _numbers(numbers: Sequence[int]) -> str:
    return "".join(f'<td class="n{"" if one else " zero"}">{one:,}</td>' for one in (*numbers, sum(numbers)))


def _findings(judged: Sequence[Judged], gaps: Sequence[Gap]) -> Iterator[str]:
    yield f'<h2 id="findings" tabindex="-1">Findings ({len(judged):,})</h2>'
    if not judged:
        but = " But not everything was looked at: see above." if gaps else ""
        yield f'<p class="panel empty">No scanner reported a finding.{but}</p>'
        return
    yield from _filters([one.finding for one in judged])
    yield f'<p class="count" id="count" role="status">{len(judged):,} findings, the worst first</p>'
    yield '<p class="panel empty" id="none" hidden>No finding fits these filters.</p>'
    yield '<div id="list"><ol class="findings">'
    for one in judged:
        yield from _finding(one)
    yield "</ol></div>"


def _filters(findings: Sequence[Finding]) -> Iterator[str]:
    tools = sorted({tool for finding in findings for tool in _tools(finding)})
    cwes = sorted({cwe for finding in findings for cwe in finding.cwe}, key=_cwe_order)
    without = [] if all(finding.cwe for finding in findings) else [("none", "no CWE")]
    yield '<form class="panel filters" id="filters" hidden>'
    yield '<div class="field"><label for="field-text">Search</label><input type="search" id="field-text" name="text" '
    yield 'autocomplete="off" placeholder="words, paths, ids"></div>'
    yield "<fieldset><legend>Severity</legend>"
    for severity in Severity:
        yield f'<label><input type="checkbox" name="severity" value="{severity}" checked>{severity}</label>'
    yield "</fieldset>"
    yield _select("State", "state", [("", "all"), *((state, state) for state in State)])
    yield _select("Tool", "tool", [("", "all"), *((tool, tool) for tool in map(plain, tools))])
    yield _select("CWE", "cwe", [("", "all"), *((cwe, cwe) for cwe in map(plain, cwes)), *without])
    yield _select("Sort by", "sort", [(name, name) for name in ("severity", "path", "tool", "rule")])
    groups = [("none", "nothing"), ("cwe", "CWE"), *((name, name) for name in ("severity", "state", "tool", "path"))]
    yield _select("Group by", "group", groups)
    yield '<button type="reset">Reset</button>'
    yield "</form>"


def _select(label: str, name: str, options: Iterable[tuple[str, str]]) -> str:
    choices = "".join(f'<option value="{_e(value)}">{_e(text)}</option>' for value, text in options)
    field = f'<label for="field-{name}">{label}</label><select id="field-{name}" name="{name}">{choices}</select>'
    return f'<div class="field">{field}</div>'


def _cwe_order(cwe: str) -> tuple[int, str]:
    match = _CWE.fullmatch(cwe)
    return (int(match[1]) if match else 0, cwe)


def _tools(finding: Finding) -> list[str]:
    return sorted({finding.scanner, *(witness.scanner for witness in finding.witnesses)})


def _finding(judged: Judged) -> Iterator[str]:
    finding, decision = judged
    data = {
        "severity": finding.severity,
        "state": decision.state,
        "tool": plain(finding.scanner),
        "tools": "\n".join(map(plain, _tools(finding))),
        "cwes": "\n".join(map(plain, finding.cwe)),
        "path": plain(finding.location.path),
        "rule": plain(finding.rule),
    }
    attributes = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in data.items())
    yield f'<li class="panel finding" id="f-{_e(finding.id)}" {attributes}><details><summary>'
    badge = '<strong class="confirmed">confirmed</strong> ' if finding.joined else ""
    yield f'<span class="severity {finding.severity}">{finding.severity}</span><span class="what">{badge}'
    yield f'<code class="where">{html.escape(place(finding.location))}</code> '
    yield f'<span class="dim">{_e(finding.scanner)} {_e(flow(finding.rule))}</span>'
    yield f'<span class="message">{_e(flow(finding.message))}</span></span>'
    yield f'<span class="state {decision.state}">{decision.state}</span></summary>'
    yield f'<dl class="facts">{"".join(_facts(judged))}</dl></details></li>'


def _facts(judged: Judged) -> Iterator[str]:
    finding, decision = judged
    link = web_link(finding.url)
    names = ", ".join([*map(_cwe_link, finding.cwe), *map(_e, finding.ids)])
    waiver = "\n".join(waiver_lines(finding))
    for name, value in (
        ("Fix", _e(flow(finding.fix))),
        ("Confirmed", _e(proved(finding))),
        ("Imported", _e(used(finding))),
        ("Because", _e(flow(decision.because))),
        ("Names", names),
        ("Package", _e(package_name(finding))),
        ("Commit", _e(finding.location.commit)),
        ("Lines", _lines(finding)),
        ("Confidence", _e(flow(finding.confidence))),
        ("Rated by", _e(finding.severity_from)),
        ("Seen by", _witnesses(finding)),
        ("Read on", f'<a href="{_e(link)}" rel="noreferrer">{_e(link)}</a>' if link else ""),
        ("Id", f"<code>{_e(finding.id)}</code>"),
        ("Waive", f"In hardgate.yaml:<pre>{html.escape(waiver)}</pre>" if decision.state is State.BLOCKING else ""),
    ):
        if value:
            yield f"<dt>{name}</dt><dd>{value}</dd>"


def _lines(finding: Finding) -> str:
    first, last = finding.location.line, finding.location.end_line
    return f"{first} to {last}" if first is not None and last is not None and last != first else ""


def _cwe_link(cwe: str) -> str:
    match = _CWE.fullmatch(cwe)
    if match is None:
        return _e(cwe)
    return f'<a href="https://cwe.mitre.org/data/definitions/{match[1]}.html" rel="noreferrer">{_e(cwe)}</a>'


def _witnesses(finding: Finding) -> str:
    if len(finding.witnesses) <= 1:  # the one tool's own words are on the page already
        return ""
    said = "".join(
        f"<li>{_e(one.scanner)} {_e(flow(one.rule))} ({one.severity}): {_e(flow(one.message))}</li>"
        for one in finding.witnesses
    )
    return f"<ul>{said}</ul>"


def _actions(receipts: Sequence[Receipt]) -> Iterator[str]:
    yield f"<h2>Actions ({len(receipts):,})</h2>"
    if not receipts:
        yield '<p class="panel empty">No action left a receipt.</p>'
        return
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Stage", "Action", "Tool", "State"))
    numbers = "".join(f'<th scope="col" class="n">{name}</th>' for name in ("Time", "Findings", "Gaps"))
    yield f'<div class="panel scroll"><table><thead><tr>{heads}{numbers}</tr></thead><tbody>'
    for receipt in receipts:
        yield _action(receipt)
    yield "</tbody></table></div>"


def _action(receipt: Receipt) -> str:
    tool = f"{receipt.tool.name} {receipt.tool.version}" if receipt.tool else ""
    more = [f"as in run {receipt.cached_from}"] if receipt.cached_from else []
    more += [] if receipt.blocking else ["informs only"]
    state = _STATE_WORDS[receipt.state] + (f' <span class="dim">{_e(", ".join(more))}</span>' if more else "")
    # "0 findings" of an action that did not complete would read as "nothing found".
    found = f"{len(receipt.findings):,}" if receipt.findings or receipt.state is ActionState.DONE else ""
    words = "".join(f"<td>{word}</td>" for word in (_e(receipt.stage), _e(receipt.action), _e(tool), state))
    figures = (seconds(receipt.seconds), found, f"{len(receipt.gaps):,}" if receipt.gaps else "")
    numbers = "".join(f'<td class="n">{figure}</td>' for figure in figures)
    return f"<tr>{words}{numbers}</tr>"


def _sentences(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        items = "".join(f"<li>{_e(sentence)}</li>" for sentence in sentences)
        yield f'<h2>{title}</h2><ul class="steps">{items}</ul>'


def _next(run: Run, verdict: Verdict) -> Iterator[str]:
    steps = next_steps(run, verdict)
    if steps:
        items = "".join(f"<li><code>{html.escape(step.do)}</code>: {html.escape(step.why)}</li>" for step in steps)
        yield f'<h2>What to do next</h2><ul class="steps">{items}</ul>'
