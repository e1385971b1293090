"""detect-secrets: a second witness beside Gitleaks, with patterns of its own.

Report: https://github.com/Yelp/detect-secrets (what `scan` writes is a baseline), read in the shape of 1.x.
"""

from __future__ import annotations

import re

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode
from hardgate.errors import ReportError
from hardgate.model import Finding, Kind, Location, Report, Severity

_TOOL = "detect-secrets"
# Measured on the sdists of Flask, Werkzeug, Jinja2, click, requests and Paramiko: these reported 66 strings,
# by their sorts digests, identifiers and keys of tests or manuals.
_DROWNING = ("Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector")
# Comments that excuse a line, and files that it passes by because of their names.
_EXCUSES = "detect_secrets.filters.allowlist.is_line_allowlisted"
_PASSED_BY = ("detect_secrets.filters.heuristic.is_lock_file", "detect_secrets.filters.heuristic.is_swagger_file")
# No flag brings these back (filters/heuristic.py, IGNORED_FILE_EXTENSIONS of 1.5.0).
_LEFT_OUT = re.compile(
    r"\.(?:7z|bin|bmp|bz2|class|css|dmg|doc|eot|exe|gif|gz|ico|iml|ipr|iws|jar|jpe?g|lock|map|mo|pdf|png|prefs|psd|rar"
    r"|realm|s7z|sum|svg|tar|tiff?|ttf|webp|woff|xlsx?|zip)$"
)

# It states no severity. A vendor's form leaves no doubt. An address with a password is often an example. "Secret
# Keyword" is any text beside a name that sounds like a secret, and "Private Key" the first line of one without its
# body: on bench/secrets-corpus a third of the former are wrong. Alone these two inform; with Gitleaks' finding on the
# same line they are its witness.
_SEVERITIES = {
    "Secret Keyword": Severity.LOW,
    "Private Key": Severity.MEDIUM,
    "Basic Auth Credentials": Severity.MEDIUM,
    "JSON Web Token": Severity.MEDIUM,
}
_CRITICAL = re.compile(r"AWS|Azure|GitHub|GitLab|IBM|NPM|PyPI|Artifactory|SoftLayer", re.IGNORECASE)
_FOR_SHOW = re.compile(r"(?i:(?:^|/)(?:tests?|testing|__tests__|specs?|fixtures?|testdata|docs?|examples?|samples?)/)")
_MADE_BY_ANYONE = frozenset(_SEVERITIES)


def _hidden(path: str) -> bool:
    """Whether detect-secrets passes `path` by because of its ending: it must be shown to it under another name."""
    return bool(_LEFT_OUT.search(path))


class _Plugin(msgspec.Struct):
    name: str


class _Secret(msgspec.Struct, frozen=True):
    type: str
    filename: str
    line_number: int
    hashed_secret: str  # an unsalted SHA-1, from which a weak password can be guessed: compared here, never kept


class _Baseline(msgspec.Struct):
    # No defaults: a report without one of these is not whole.
    version: str
    plugins_used: list[_Plugin]
    results: dict[str, list[_Secret]]
    generated_at: str  # the last key that it writes


def _argv(job: Job) -> tuple[str, ...]:
    disabled = (*_PASSED_BY, *(() if job.honour_inline else (_EXCUSES,)))
    return (
        *job.command, "scan", "--all-files", "--no-verify",
        *(word for name in _DROWNING for word in ("--disable-plugin", name)),
        *(word for name in disabled for word in ("--disable-filter", name)),
        *job.args, ".",
    )  # fmt: skip


def _parse(raw: bytes) -> Report:
    report = decode(raw, _Baseline, _TOOL)
    if not report.plugins_used:
        raise ReportError(f"{_TOOL} ran without any of its plugins", hint="See which `args` take them away.")
    secrets = (secret for group in report.results.values() for secret in _distinct(group))
    return Report(findings=tuple(map(_finding, secrets)), version=report.version)


def _distinct(group: list[_Secret]) -> list[_Secret]:
    """Two patterns that found the same text in the same line found one secret: the one that says more is kept."""
    best: dict[tuple[int, str], _Secret] = {}
    for secret in sorted(group, key=lambda one: (_severity(one).rank, one.type), reverse=True):
        best.setdefault((secret.line_number, secret.hashed_secret), secret)
    return list(best.values())


def _severity(secret: _Secret) -> Severity:
    if secret.type in _MADE_BY_ANYONE and _FOR_SHOW.search(secret.filename):
        return Severity.LOW
    known = _SEVERITIES.get(secret.type)
    return known or (Severity.CRITICAL if _CRITICAL.search(secret.type) else Severity.HIGH)


def _finding(secret: _Secret) -> Finding:
    return Finding(
        scanner=_TOOL,
        rule=secret.type,
        kind=Kind.SECRET,
        severity=_severity(secret),
        severity_from="adapter",
        message=f"This looks like a secret: {secret.type}",
        location=Location(path=secret.filename, line=secret.line_number, end_line=secret.line_number),
        cwe=("CWE-798",),
        fix="Revoke the secret where it was issued and make a new one. Then take it out of the file: "
        "read secrets from the environment or a secret store.",
    )


# Made up, and written backwards so that no scanner takes hardgate's source for a leak.
_MADE_UP = "VRTH3JKL2WXM4Q7ZAIKA"[::-1]

DETECT_SECRETS = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.SECRET}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=Canary(
        files={"canary.env": f"AWS_ACCESS_KEY_ID={_MADE_UP}\nDB_PASSWORD='{_MADE_UP[::-1]}'\n".encode()},
        rules=("AWS Access Key", "Secret Keyword"),
    ),
    selects=lambda _path: True,
    hidden=_hidden,
    planted=True,
    seconds=6.0,
    memory=150_000_000,
)
