"""What every report says in the same words and the same order, whatever its format.

Text that came from a tool or from the scanned repository is hostile until it went through `plain` or `flow`: it may
hold terminal escapes, reversed writing, invisible characters, or bytes that are no UTF-8.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, assert_never

import msgspec

from hardgate.errors import Error
from hardgate.model import (
    Decision,
    Finding,
    Location,
    Outcome,
    Run,
    Severity,
    State,
    Verdict,
)

# Unicode's control, format, surrogate, line and paragraph separator characters (categories Cc, Cf, Cs, Zl, Zp), the
# blank letters that render as nothing, and the two noncharacters that XML 1.0 refuses (its section 2.2).
_UNSEEN = (
    "\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[\x00-\x1f{_UNSEEN}]")
_BEYOND_CONTROLS = re.compile(f"[{_UNSEEN}]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_WEB = re.compile(r"https?://[^\s\"'<>\\^`{|}]+", re.ASCII)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# How Python carries the bytes 0x80 to 0xFF of a file name that is no UTF-8 (PEP 383).
_CARRIED_BYTES = range(0xDC80, 0xDD00)
_CARRIED_FROM = 0xDC00
_MOST_SHOWN = 10_000
_PARTIAL = "local advisory database, partial"  # see advisories.database.use_of
_LINES = msgspec.json.Encoder()
_TWO_DIGITS, _FOUR_DIGITS = 0x100, 0x10000


class Judged(NamedTuple):
    """A finding with what the gate made of it."""

    finding: Finding
    decision: Decision


def _visible(char: str) -> str:
    code = ord(char)
    if code in _CARRIED_BYTES:
        code -= _CARRIED_FROM
    if code < _TWO_DIGITS:
        return _SHORT.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < _FOUR_DIGITS else f"\\U{code:08x}"


class _Shown(dict[int, str]):
    """Code point -> what is shown for it, filled as it is asked for: many times faster than a function per match."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        shown = _visible(char) if _HIDDEN.match(char) else char
        if len(self) < _MOST_SHOWN:
            self[code] = shown
        return shown


_SHOWN = _Shown()


def plain(text: str) -> str:
    """One line that shows every control, invisible or direction-changing character as an escape such as `\\x1b`."""
    if text.isascii() and text.isprintable():  # nearly all text, ten times faster than the search
        return text
    return text.translate(_SHOWN) if _HIDDEN.search(text) else text


def flow(text: str) -> str:
    """Running text on one line: line breaks and tabs become spaces, anything else hidden becomes visible."""
    if text.isascii() and text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
        return text  # nearly all text
    return plain(" ".join(text.split()))


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; what was cut is marked with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def brief(text: str, limit: int) -> str:
    """Running text in at most `limit` characters; a text of megabytes costs no more than a short one."""
    enough = text[: 4 * limit]
    return cut(flow(enough) + ("" if len(enough) == len(text) else "…"), limit)


def inert(line: str) -> str:
    """A line that a GitHub Actions log shows and does not obey.

    The runner reads `::command::` at the start of any line of output, spaces aside, and `##[command]` anywhere in it
    (actions/runner, ActionCommand.cs): a file name or message of a hostile repository must not reach it as such.
    """
    line = line.replace("##[", "##\\x5b")
    body = line.lstrip()
    return line.replace("::", ":\\x3a", 1) if body.startswith("::") else line


def web_link(url: str) -> str:
    """`url` when it is an ordinary http or https address, else ""."""
    return url if _WEB.fullmatch(url) else ""


def place(location: Location) -> str:
    """`path:line` as editors understand it, with the commit of a finding that is only in the history."""
    spot = plain(location.path) or "(no file)"
    if location.line is not None:
        spot += f":{location.line}"
    return f"{spot} in commit {plain(location.commit[:12])}" if location.commit else spot


def count(number: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def seconds(value: float) -> str:
    """A duration for people: `0.4 s`, `75.2 s`."""
    return f"{value:.1f} s"


def _rank(judged: Judged) -> tuple[bool, int, str, int, str, str, str]:
    finding = judged.finding
    where = finding.location
    return (
        not finding.joined,
        -finding.severity.rank,
        where.path,
        where.line or 0,
        finding.scanner,
        finding.rule,
        finding.id,
    )


class _Judgement:
    """A run and a verdict, the same as another one when both are the very same objects."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        self.run, self.verdict = run, verdict

    def __hash__(self) -> int:
        return hash((id(self.run), id(self.verdict)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Judgement) and self.run is other.run and self.verdict is other.verdict


def judge(run: Run, verdict: Verdict) -> tuple[Judged, ...]:
    """Every finding of the run with its decision: what a test confirmed, then the worst first, then by place.

    Raises Error when the verdict says nothing about a finding: a report would hide it.
    """
    return _judged(_Judgement(run, verdict))


@functools.lru_cache(maxsize=1)  # every report of a run asks, and sorting a million takes seconds
def _judged(one: _Judgement) -> tuple[Judged, ...]:
    run, verdict = one.run, one.verdict
    decisions = {decision.finding: decision for decision in verdict.decisions}
    undecided = [finding.id for finding in run.findings if finding.id not in decisions]
    if undecided:
        raise Error(
            f"The report was not written: the verdict says nothing about {count(len(undecided), 'finding')} of run "
            f"{run.id}, such as {undecided[0]!r}.",
            hint=f"Judge the run again: hardgate gate --run {run.id}",
        )
    return tuple(sorted((Judged(finding, decisions[finding.id]) for finding in run.findings), key=_rank))


def prints_in_order(finding: Finding) -> dict[str, str]:
    """The fingerprints of a finding with their names in alphabetical order."""
    prints = finding.fingerprints
    names = tuple(prints)
    ordered = in_order(names)
    return prints if names == ordered else {name: prints[name] for name in ordered}


@functools.lru_cache(maxsize=4096)
def in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names in alphabetical order: nearly all findings of a kind have the same ones."""
    return tuple(sorted(names))


def only(judged: Iterable[Judged], state: State) -> tuple[Judged, ...]:
    """Those in `state`, in the same order."""
    return tuple(one for one in judged if one.decision.state is state)


def tally(judged: Iterable[Judged]) -> dict[Severity, dict[State, int]]:
    """How many findings of each severity are in each state; every pair has a number."""
    table = {severity: dict.fromkeys(State, 0) for severity in Severity}
    for finding, decision in judged:
        table[finding.severity][decision.state] += 1
    return table


def also_seen_by(finding: Finding) -> tuple[str, ...]:
    """The other scanners that saw the same fact, by name."""
    return tuple(sorted({witness.scanner for witness in finding.witnesses} - {finding.scanner}))


def package_name(finding: Finding) -> str:
    """`flask 0.12 (PyPI)`, or "" for a finding that is about no package."""
    package = finding.package
    return flow(f"{package.name} {package.version} ({package.ecosystem})") if package else ""


def on_partial_data(run: Run) -> str:
    """Which actions used vulnerability data that leaves advisories out, as a sentence; "" when none did."""
    names = [plain(one.action) for one in run.receipts if one.data and one.data.source.startswith(_PARTIAL)]
    return f"{' and '.join(names)} used vulnerability data that is a part of its source only." if names else ""


def commit_name(run: Run) -> str:
    """The commit for people, and whether the tree is really that commit."""
    if not run.commit:
        return "no commit: this is not a git repository"
    short = plain(run.commit[:12])
    return f"{short} with uncommitted changes" if run.dirty else short


def headline(verdict: Verdict) -> str:
    """The verdict in one or two sentences: what blocks and what was not looked at, both whenever both are there."""
    if verdict.override:
        shut = headline(msgspec.structs.replace(verdict, override=None))
        return f"{shut} Override {plain(verdict.override.id)} opened it once."
    blocking = verdict.count(State.BLOCKING)
    block = f"{count(blocking, 'finding')} block{'s' if blocking == 1 else ''}"
    match verdict.outcome:
        case Outcome.PASS:
            return "Nothing blocks, and all that the policy requires was looked at."
        case Outcome.FAIL:
            return f"{block} this delivery."
        case Outcome.INCOMPLETE:
            gaps = len(verdict.gaps)
            unseen = f"{count(gaps, 'thing')} {'was' if gaps == 1 else 'were'} not looked at"
            if verdict.blocks:
                return f"{unseen}, and {block} this delivery whatever the rest would show."
            return f"{unseen}. Nothing else blocks, but this is no pass."
        case _:
            assert_never(verdict.outcome)


def overridden(verdict: Verdict) -> str:
    """The override that opened this gate, with all names, as sentences; "" when there was none."""
    if verdict.override is None:
        return ""
    one = msgspec.structs.asdict(verdict.override)
    return flow(
        "Override {id} ({ticket}) opened this gate once: {reason} Asked for by {requester}, granted by {granter} "
        "at {granted_at} until {expires}, used by {used_by} at {used_at}.".format(**one)
    )


def to_json(tree: object) -> bytes:
    """Indented JSON that is always valid UTF-8 and safe to print.

    A character that no terminal should get raw is written as a JSON escape. A half of a surrogate pair has no place in
    JSON (RFC 8259, section 8.2): it becomes visible text as in `plain`, so `b"\\xff"` in a file name reads `\\xff`.
    """
    return formatted(tree) + b"\n"


def formatted(tree: object) -> bytes:
    """The same without the line end behind it."""
    return _harmless(msgspec.json.format(_packed(tree), indent=2))


def in_lines(trees: Sequence[object], between: bytes) -> bytes:
    """Each of the trees as JSON on a line, as valid and as safe as `to_json` makes it, and `between` between them."""
    # Within JSON a line end is always written as an escape (RFC 8259, section 7).
    return _harmless(_packed(trees, _LINES.encode_lines))[:-1].replace(b"\n", between)


def _packed(tree: object, encode: Callable[[Any], bytes] = msgspec.json.encode) -> bytes:
    try:
        packed = encode(tree)
    except UnicodeEncodeError:
        packed = encode(_without_surrogates(msgspec.to_builtins(tree)))
    if b"#" in packed and b"##[" in packed:  # see inert; the search for one character is ten times faster
        packed = packed.replace(b"##[", b"#\\u0023[")
    return packed


def _harmless(text: bytes) -> bytes:
    if text.isascii() and b"\x7f" not in text:
        return text
    return _BEYOND_CONTROLS.sub(_json_escape, text.decode()).encode()


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _without_surrogates(tree: object) -> object:
    if isinstance(tree, str):
        return _LONE_SURROGATE.sub(lambda match: _visible(match.group()), tree)
    if isinstance(tree, dict):
        return {_without_surrogates(key): _without_surrogates(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_without_surrogates(item) for item in tree]
    return tree
