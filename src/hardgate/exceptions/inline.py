"""The comments that silence a tool, found in the text of any file: which tool, which rules, which line.

One table, SILENCERS, has each tool's words with the page that defines them. What a comment silences exactly is the
tool's business; `covers` is narrower than that: the line itself, or the one after a comment that stands alone.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from hardgate.model import Finding, Suppression


@dataclass(frozen=True, slots=True)
class Silencer:
    """How one tool is silenced: `form` finds the comment, and the rules that it names follow, each matching `rule`.

    `above`: a comment that stands alone speaks of the line below it.
    """

    tool: str
    form: re.Pattern[str]
    rule: re.Pattern[str]
    above: bool = False


def _silencer(tool: str, form: str, rule: str, *, above: bool = False) -> Silencer:
    return Silencer(tool, re.compile(form, re.IGNORECASE), re.compile(rule, re.IGNORECASE), above)


_NONE = r"(?!)"  # this tool's comments name no rules
SILENCERS: tuple[Silencer, ...] = (
    # https://bandit.readthedocs.io/en/latest/config.html#suppressing-individual-lines
    _silencer("bandit", r"#\s*nosec\b:?", r"B\d{3}|[a-z]+_[a-z_]+"),
    # https://semgrep.dev/docs/ignoring-files-folders-code#ignore-code-through-nosemgrep
    _silencer("semgrep", r"\bnosem(?:grep)?\b:?", r"[a-z][a-z0-9._/-]*[.-][a-z0-9._/-]*", above=True),
    # https://docs.astral.sh/ruff/linter/#error-suppression
    _silencer("ruff", r"#\s*(?:ruff\s*:\s*|flake8\s*:\s*)?noqa\b:?", r"[A-Z]+[0-9]+"),
    # https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
    _silencer("checkov", r"(?:checkov|bridgecrew)\s*:\s*skip\s*=", r"[A-Z0-9]+_[A-Z0-9_]+"),
    # https://github.com/hadolint/hadolint#inline-ignores
    _silencer("hadolint", r"#\s*hadolint\s+(?:global\s+)?ignore\s*=", r"[A-Z]+\d+", above=True),
    # https://github.com/gitleaks/gitleaks#gitleaksallow
    _silencer("gitleaks", r"gitleaks:allow", _NONE),
    # https://trivy.dev/latest/docs/configuration/filtering/#by-inline-comments (and those of tfsec, aquasec)
    _silencer("trivy", r"(?:trivy|tfsec|aquasec)\s*:\s*ignore\s*:", r"[A-Z0-9*_-]+", above=True),
    # https://github.com/Yelp/detect-secrets#inline-allowlisting
    _silencer("detect-secrets", r"pragma\s*:\s*(?:allowlist|whitelist)\s+(?P<next>nextline\s+)?secret", _NONE),
    # https://docs.zizmor.sh/usage/#with-comments
    _silencer("zizmor", r"#\s*zizmor\s*:\s*ignore\[", r"[a-z][a-z0-9-]*"),
    # https://github.com/aws-cloudformation/cfn-lint#template-based-metadata (no comment: a key of the template)
    _silencer("cfn-lint", r"\bignore_checks[\"']?\s*:\s*\[?\s*", r"[EWI]\d*"),
)
_LONGEST = 2000  # characters of a line after the comment's word that are read for rules
# A quick look whether a file has any of them: most have none.
_ANY = re.compile(
    rb"nosec|nosem|noqa|skip\s*=|hadolint|gitleaks:allow|(?:trivy|tfsec|aquasec)\s*:\s*ignore|pragma\s*:|zizmor\s*:"
    rb"|ignore_checks",
    re.IGNORECASE,
)
_SECURITY = re.compile(r"S\d+", re.IGNORECASE)
_CLOSERS = ")]}"
_FOR_A_BLOCK = re.compile(r"^\s*(?:#|//|/\*|<!--|--|;|[)\]}])")
_ALONE = re.compile(r"^\s*(?:#|//|/\*|<!--|--|;)")


def suspected(raw: bytes) -> bool:
    """Whether it is worth reading a file line by line."""
    return b"\0" not in raw[:8000] and _ANY.search(raw) is not None


def find(path: str, text: str) -> Iterator[Suppression]:
    """Every comment that silences a tool, in the order of the lines.

    `noqa` counts where it names a rule of flake8-bandit (S...), or none: other rules are not about security.
    """
    for number, line in enumerate(text.split("\n"), 1):
        for silencer in SILENCERS:
            for match in silencer.form.finditer(line):
                rules = _rules(silencer, line[match.end() : match.end() + _LONGEST])
                if silencer.tool == "ruff" and rules and not (rules := _security(rules)):
                    continue
                above = bool(match.groupdict().get("next")) or (silencer.above and _ALONE.match(line) is not None)
                yield Suppression(tool=silencer.tool, path=path, line=number, rules=rules, above=above)


def _rules(silencer: Silencer, rest: str) -> tuple[str, ...]:
    """The rules that follow the comment's word, up to the first word that is none (a reason, another comment)."""
    words = (word for word in re.split(r"[,\s\]:]+", rest.lstrip(":")) if word)
    return tuple(itertools.takewhile(silencer.rule.fullmatch, words))


def _security(rules: Collection[str]) -> tuple[str, ...]:
    return tuple(rule for rule in rules if _SECURITY.fullmatch(rule))


def keys(found: Collection[Suppression], text: str) -> list[tuple[str, ...]]:
    """What makes each comment the same in another version of its file: tool, rules, the line's text, and its count.

    Lines above may come and go. The line itself may not change: it would silence other code. Nor may the heads of the
    blocks around a comment that speaks of its block, and not of its line: it would silence another block.
    """
    lines = text.split("\n")
    around = _heads(
        lines, {one.line for one in found if one.tool == "checkov" or _FOR_A_BLOCK.match(lines[one.line - 1])}
    )
    counted: Counter[tuple[str, ...]] = Counter()
    result = []
    for one in found:
        code = " ".join(lines[one.line - 1].split())
        below = " ".join(lines[one.line].split()) if one.above and one.line < len(lines) else ""
        key = (one.tool, *one.rules, *around.get(one.line, ()), code, below)
        result.append((*key, str(counted[key])))
        counted[key] += 1
    return result


def _heads(lines: Sequence[str], wanted: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The heads of the blocks around each wanted line, by its number: the lines before that stand further left.

    The last word is all that stands between the innermost head and the line: a block may hide another by its indent.
    """
    open_: list[tuple[int, int]] = []
    found = {}
    for number, line in enumerate(lines, 1) if wanted else ():
        code = line.strip()
        if not code:
            continue
        left, ends = len(line) - len(line.lstrip()), code[0] in _CLOSERS
        while open_ and (open_[-1][0] > left or (open_[-1][0] == left and not ends)):
            open_.pop()
        if number in wanted:
            inside = lines[open_[-1][1] : number - 1] if open_ else ()
            heads = (" ".join(lines[head - 1].split()) for _, head in open_)
            found[number] = (*heads, " ".join(" ".join(inside).split()))
        if not ends and not _ALONE.match(line):
            open_.append((left, number))
    return found


def covers(one: Suppression, finding: Finding) -> bool:
    """Whether a comment silences a finding: by its tool, on its line or the one above, for its rule.

    A finding that several tools saw is silenced for none of them: the others were not told to be silent.
    """
    scanners = {finding.scanner, *(witness.scanner for witness in finding.witnesses)}
    if scanners != {one.tool} or finding.location.commit or finding.location.line is None:
        return False
    first, last = finding.location.line, finding.location.end_line or finding.location.line
    near = one.line in range(first - one.above, last + 1)
    names = {name.casefold() for name in (finding.rule, *finding.ids)}
    ruled = not one.rules or any(_same(rule.casefold(), names) for rule in one.rules)
    return finding.location.path == one.path and near and ruled


def _same(rule: str, names: Collection[str]) -> bool:
    return rule in {"*", "all"} or any(name == rule or name.endswith(f".{rule}") for name in names)
