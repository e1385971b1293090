"""Semgrep, or its fork Opengrep: the bundled rules of hardgate, and packs of the Semgrep registry, over source code.

Report: https://semgrep.dev/docs/semgrep-appsec-platform/json-and-sarif (`--json`), as Semgrep 1.x and Opengrep 1.x
write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "semgrep"
_BUNDLED = "bundled"
_RULES = "semgrep.json"  # made of rules/semgrep/*.yaml by docs/generate.py
_AUTO = "auto"
_REGISTRY = ("p/", "r/")
# The files that the bundled rules have a say on: `languages` and `paths` of rules/semgrep/*.yaml name the same. Semgrep
# lists as scanned what a rule may look at, so a name too many here would be a gap.
_SELECTED = re.compile(
    r"""(.*/)?(
        [^/]*\.(py|pyi|tf|tfvars)
        | (Docker|Container)file(\.[^/]+)? | [^/]+\.([Dd]ocker|[Cc]ontainer)file
        | (docker-)?compose[^/]*\.ya?ml
        | [^/]*buildspec[^/]*\.ya?ml
        | \.github/workflows/[^/]+\.ya?ml
    )""",
    re.VERBOSE | re.DOTALL,
)
_SAID = 300  # characters of the tool's own words that a gap quotes

# Semgrep's rule levels, in its older and newer words, as its documentation sets them side by side
# (https://semgrep.dev/docs/writing-rules/rule-syntax): ERROR is high, WARNING is medium, INFO is low.
_SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "ERROR": Severity.HIGH,
    "HIGH": Severity.HIGH,
    "WARNING": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "INFO": Severity.LOW,
    "LOW": Severity.LOW,
    "INVENTORY": Severity.INFO,
    "EXPERIMENT": Severity.INFO,
}
# Hard-coded credentials and keys: what such a rule matched, and may quote in its message, is the secret.
_SECRETS = frozenset({"CWE-259", "CWE-321", "CWE-522", "CWE-798"})
_UNPARSED = frozenset({"PartialParsing", "Syntax error", "Lexical error", "Other syntax error", "AST builder error"})


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`engine`: "semgrep" or "opengrep". `config`: what to add to the bundled rules, which always run.

    "bundled" names those; "auto" and registry packs such as "p/flask" are fetched from semgrep.dev; anything else is a
    rule file or folder of the repository, relative to its root. "auto" is left out without the network; a pack that
    cannot be fetched is a gap.
    """

    engine: Literal["semgrep", "opengrep"] = "semgrep"
    config: tuple[str, ...] = (_BUNDLED,)

    @property
    def own_rules(self) -> tuple[str, ...]:
        """The rule files and folders of the repository."""
        return tuple(one for one in self.config if one not in {_BUNDLED, _AUTO} and not one.startswith(_REGISTRY))

    def __post_init__(self) -> None:
        for name in self.config:
            if not name or name.startswith(("/", "-", "~")) or ".." in name.split("/") or "://" in name:
                raise ValueError(
                    f"config: {name!r} is neither bundled, auto, a pack (p/name) nor a path inside the repository"
                )


class _Point(msgspec.Struct):
    line: int


class _Extra(msgspec.Struct):
    message: str
    severity: str
    metadata: dict[str, Any] = {}


class _Match(msgspec.Struct):
    check_id: str
    path: str
    start: _Point
    end: _Point
    extra: _Extra


class _Span(msgspec.Struct):
    start: _Point
    end: _Point


class _Error(msgspec.Struct):
    level: str
    type: str | list[Any]
    message: str = ""
    long_msg: str = ""
    path: str = ""
    rule_id: str = ""
    spans: list[_Span] | None = None

    @property
    def name(self) -> str:
        """The kind of error: a word, or a list that begins with it and goes on with the places."""
        return self.type if isinstance(self.type, str) else str(next(iter(self.type), "unknown error"))


class _Paths(msgspec.Struct):
    scanned: list[str]


class _Report(msgspec.Struct):
    # No defaults: `paths` says what was scanned, `errors` what was not.
    version: str
    results: list[_Match]
    errors: list[_Error]
    paths: _Paths


def _argv(job: Job) -> tuple[str, ...]:
    # --x-ignore-semgrepignore-files: without it a built-in list leaves out tests/, vendor/, node_modules/ and others.
    # --no-rewrite-rule-ids: the ids stay as the rules have them, without the folder that the rules lie in.
    configs = (word for value in _configs(job) for word in ("--config", value))
    inline = () if job.honour_inline else ("--disable-nosem",)
    own = () if job.honour_config else ("--x-ignore-semgrepignore-files",)
    return (
        *job.command, "scan", *configs, "--json", "--disable-version-check", *_metrics(job), "--no-git-ignore",
        "--no-rewrite-rule-ids", "--max-target-bytes", "0", "--timeout", "30", "--timeout-threshold", "0",
        *own, *inline, *job.args, ".",
    )  # fmt: skip


def _configs(job: Job) -> Iterable[str]:
    yield f"{job.rules}/{_RULES}"
    for value in dict.fromkeys(job.options.config):
        if value.startswith(_REGISTRY) or (value == _AUTO and job.online):
            yield value
        elif value not in {_BUNDLED, _AUTO}:
            yield f"{job.root}/{value}"


def _metrics(job: Job) -> tuple[str, ...]:
    """Semgrep refuses `--config auto` without metrics; Opengrep has none."""
    if job.options.engine == "opengrep":
        return ()
    return ("--metrics", "auto" if _AUTO in job.options.config and job.online else "off")


def _environment(job: Job) -> dict[str, str]:
    # Opengrep 1.30 ends with an exception when the folder of this variable does not exist.
    # OCaml's young heap (https://ocaml.org/manual/runtime.html), in words: 32 MB for each core, not 2. All cores
    # stop whenever one of these is full, which takes Semgrep 1.182 more than half of its processor time.
    return {"XDG_CONFIG_HOME": job.scratch, "OCAMLRUNPARAM": "s=4M"}


def _address(options: Any) -> str:
    return "https://semgrep.dev" if _AUTO in options.config else ""


def _parse(raw: bytes) -> Report:
    report = decode(raw, _Report, _TOOL)
    findings, gaps = [], [_gap(error) for error in report.errors]
    for match in report.results:
        severity, unknown = _severity(match)
        findings.append(_finding(match, severity))
        gaps += unknown
    if not report.paths.scanned:
        gaps.append(_NOTHING_SCANNED)
    unread = {error.path for error in report.errors}
    return Report(
        findings=tuple(findings),
        gaps=tuple(gaps),
        seen=frozenset(set(report.paths.scanned) - unread),
        version=report.version,
    )


_NOTHING_SCANNED = Gap(
    reason=GapReason.RULES_EMPTY,
    message="Semgrep scanned no file: it had no rule, or none for a language of this tree.",
    remedy="Install hardgate again if its rules are gone; check `config` of the action.",
)


def _severity(match: _Match) -> tuple[Severity, list[Gap]]:
    """What our own rules say of themselves, else the word of the rule's level."""
    own = match.extra.metadata.get("hardgate_severity")
    table = _SEVERITIES if own is None else {level.value: level for level in Severity}
    word = match.extra.severity if own is None else str(own)
    if word in table:
        return table[word], []
    rule = _rule(match)
    message = f"Semgrep's rule {rule} has the severity {word!r}, which hardgate does not know; it counts as high."
    remedy = f"Rate it in hardgate.yaml: severity: {{{rule}: medium}}"
    return Severity.HIGH, [
        Gap(reason=GapReason.SEVERITY_UNKNOWN, path=match.path, message=message, remedy=remedy),
    ]


def _rule(match: _Match) -> str:
    """The rule's id; for a bundled rule, which has no dots, without the folders that a plain run puts before it."""
    if "hardgate_severity" in match.extra.metadata:
        return match.check_id.rpartition(".")[2]
    return match.check_id


def _finding(match: _Match, severity: Severity) -> Finding:
    metadata = match.extra.metadata
    cwe = tuple(dict.fromkeys(re.findall(r"CWE-\d+", " ".join(_texts(metadata.get("cwe"))))))
    references = [*_texts(metadata.get("source")), *_texts(metadata.get("references"))]
    return Finding(
        scanner=_TOOL,
        rule=_rule(match),
        kind=_kind(metadata),
        severity=severity,
        message=_message(match, cwe),
        location=Location(path=match.path, line=match.start.line, end_line=match.end.line),
        confidence=" ".join(_texts(metadata.get("confidence"))).lower(),
        cwe=cwe,
        fix=" ".join(_texts(metadata.get("fix"))).strip(),
        url=next(iter(references), ""),
    )


def _texts(value: object) -> list[str]:
    """A metadata value that may be a text, a list of texts, or anything else that a rule's author wrote."""
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _kind(metadata: dict[str, Any]) -> Kind:
    """Our rules say it; the registry's rules for secrets have "secrets" among their technologies."""
    named = metadata.get("kind")
    if isinstance(named, str) and named in set(Kind):
        return Kind(named)
    return Kind.SECRET if "secrets" in _texts(metadata.get("technology")) else Kind.CODE


def _message(match: _Match, cwe: tuple[str, ...]) -> str:
    text = " ".join(match.extra.message.split())
    return re.sub(r"""(["'`]).*?\1""", "(left out)", text) if _SECRETS & set(cwe) else text


def _gap(error: _Error) -> Gap:
    if error.name in _UNPARSED and error.path:
        lines = ", ".join(_lines(span) for span in error.spans or ()) or "an unknown line"
        message = f"Semgrep could not parse {error.path} at {lines}; what stands there was not judged."
        remedy = "Mend the file, or exclude it."
        return Gap(reason=GapReason.FILE_UNREAD, path=error.path, message=message, remedy=remedy)
    said = " ".join((error.message or error.long_msg).split())[:_SAID]
    about = f" on {error.path}" if error.path else ""
    rule = f" in rule {error.rule_id}" if error.rule_id else ""
    return Gap(
        reason=GapReason.FILE_UNREAD if error.path else GapReason.RULES_EMPTY,
        path=error.path,
        message=f"Semgrep reports {error.name}{rule}{about}" + (f": {said}" if said else ""),
        remedy="Exclude the file, or take the rule out."
        if error.path
        else "See whether `config` of the action is right.",
    )


def _lines(span: _Span) -> str:
    if span.start.line == span.end.line:
        return f"line {span.start.line}"
    return f"lines {span.start.line} to {span.end.line}"


SEMGREP = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.CODE, Kind.SECRET, Kind.MISCONFIGURATION}),
    options=Options,
    argv=_argv,
    parse=_parse,
    # 7 is "no rules": its report says so in `errors`. 2 is a crash or a pack that could not be fetched.
    done_exits=frozenset({0, 7}),
    canary=Canary(
        files={"canary.py": b"import flask\n\n\ndef run():\n    return eval(flask.request.args['code'])\n"},
        rules=("python-code-injection",),
    ),
    selects=lambda path: _SELECTED.fullmatch(path) is not None,
    configs=lambda path: path.rpartition("/")[2] == ".semgrepignore",
    planted=True,
    # `pattern-regex` matches nothing in a file that is not UTF-8, and no engine says so (Semgrep 1.182, Opengrep 1.30).
    utf8_only=True,
    uses_rules=True,
    environment=_environment,
    address=_address,
    tool=lambda options: str(options.engine),
    seconds=6.0,
    memory=400_000_000,
)
