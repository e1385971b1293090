"""Gitleaks: secrets in the files of the tree, and in every commit of its history.

Its rules are its own and those of rules/gitleaks.toml. Report: a bare list in the shape of its `--report-format json`
(8.x, https://github.com/gitleaks/gitleaks), which rules/gitleaks-report.tmpl writes with a digest for each secret. The
list that 7.x wrote (scan/leak.go of v7.6.1) is read too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "gitleaks"
_FOUND = 42  # our exit code for "secrets found": Gitleaks' own 1 also means that it failed
# What Gitleaks gives to git when it is told nothing (sources/git.go of 8.30); with --log-opts it gives only those. And
# a file that was moved out of an excluded folder shows its lines in the commit that moved it.
_WHOLE_HISTORY = "--full-history --all --diff-filter=tuxdb --no-renames"
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_PLAIN = re.compile(r"[\w./+@%=,-]", re.ASCII)

# A secret that opens an account, a repository, a package's next release or an encrypted line needs no second step.
_CRITICAL = re.compile(
    r"private-key|age-secret-key|pkcs12-file"
    r"|aws-|azure-|gcp-|alibaba-|digitalocean-|yandex-|cloudflare-|heroku-|flyio-|scalingo-"
    r"|github-|gitlab-(?!feature-flag|feed|incoming)|bitbucket-client-secret"
    r"|npm-|pypi-|rubygems-|clojars-|artifactory-|jfrog-"
    r"|vault-|hashicorp-tf-|pulumi-|doppler-|1password-|kubernetes-secret-yaml|openshift-"
)

# Files that Gitleaks leaves out by name, whatever its flags: the `paths` of the allowlist in its built-in
# configuration (8.30.1), to which an own configuration can add but from which it cannot take, and what its archive
# library (mholt/archives) takes for an archive by its ending.
_LEFT_OUT = re.compile(
    r"gitleaks\.toml|verification-metadata\.xml|Database.refactorlog"
    r"|(?i:\.(?:bmp|gif|jpe?g|png|svg|tiff?|eot|[ot]tf|woff2?)$)"
    r"|(?i:\.(?:docx?|xlsx?|pdf|bin|socket|vsidx|v2|suo|wsuo|.dll|pdb|exe|gltf|gem)$)"
    r"|(?i:\.(?:7z|br|bz2|bz|gz|lz|lz4|rar|sz|tar|tbr|tbz2|tgz|tlz4|tsz|txz|tzst|xz|zip|zipx|zst|zz|mz)(?:\.|$))"
    r"|go\.(?:mod|sum|work(?:\.sum)?)$|(?:^|/)vendor/modules\.txt$"
    r"|(?:^|/)vendor/(?:github\.com|golang\.org/x|google\.golang\.org|gopkg\.in|istio\.io|k8s\.io|sigs\.k8s\.io)(?:/|$)"
    r"|(?:^|/)(?:gradlew(?:\.bat)?|gradle\.lockfile|mvnw(?:\.cmd)?|\.mvn/wrapper/MavenWrapperDownloader\.java)$"
    r"|(?:^|/)(?:node_modules|bower_components)(?:/|$)|(?:^|/)vendor/(?:bundle|ruby)(?:/|$)|(?:^|/)javascript\.json$"
    r"|(?:^|/)(?:deno\.lock|npm-shrinkwrap\.json|package-lock\.json|pnpm-lock\.yaml|yarn\.lock)$"
    r"|(?:^|/)(?:angular|bootstrap|jquery(?:-?ui)?|plotly|swagger-?ui)[a-zA-Z0-9.-]*(?:\.min)?\.js(?:\.map)?$"
    r"|(?:^|/)(?:Pipfile|poetry)\.lock$|(?i:(?:^|/)(?:v?env|virtualenv)/lib(?:64)?(?:/|$))"
    r"|(?i:(?:^|/)(?:lib(?:64)?/python[23](?:\.\d{1,2})+|python/[23](?:\.\d{1,2})+/lib(?:64)?)(?:/|$))"
    r"|(?i:(?:^|/)[a-z0-9_.]+-[0-9.]+\.dist-info(?:/|$))"
)


# Paths of tests, manuals and examples: what stands there is for show. Issued by a vendor it is still a real key.
_FOR_SHOW = re.compile(
    r"(?i:(?:^|/)(?:tests?|testing|__tests__|specs?|fixtures?|testdata|test[-_]data|e2e|docs?|documentation|examples?"
    r"|samples?|demos?|tutorials?)/)"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$|_test\.go$|_spec\.rb$|\.(?:test|spec)\.[cm]?[jt]sx?$"
)
_MADE_BY_ANYONE = frozenset(
    {"generic-api-key", "private-key", "jwt", "jwt-base64", "curl-auth-user", "curl-auth-header"}
)

# The rules of rules/gitleaks.toml: severity and weakness (https://cwe.mitre.org). Whoever reads a password or a signing
# key can use it at once: high. A hash must be broken first, and a note may be about anything: medium.
_OWN = {
    "password-in-code": (Severity.HIGH, "CWE-259"),
    "passphrase-in-code": (Severity.HIGH, "CWE-259"),
    "password-as-argument": (Severity.HIGH, "CWE-259"),
    "password-in-configuration": (Severity.HIGH, "CWE-260"),
    "password-in-xml": (Severity.HIGH, "CWE-260"),
    "password-in-manifest": (Severity.HIGH, "CWE-260"),
    "terraform-variable-default": (Severity.HIGH, "CWE-260"),
    "secret-in-configuration": (Severity.HIGH, "CWE-260"),
    "password-in-environment": (Severity.HIGH, "CWE-526"),
    "password-on-command-line": (Severity.HIGH, "CWE-214"),
    "password-option": (Severity.HIGH, "CWE-214"),
    "password-in-notes": (Severity.MEDIUM, "CWE-256"),
    "signing-key-in-code": (Severity.HIGH, "CWE-321"),
    "jwt-signed-with-literal": (Severity.HIGH, "CWE-321"),
    "password-in-url": (Severity.HIGH, "CWE-522"),
    "password-in-connection-string": (Severity.HIGH, "CWE-260"),
    "password-in-go-dsn": (Severity.HIGH, "CWE-259"),
    "basic-authorization": (Severity.HIGH, "CWE-522"),
    "netrc-password": (Severity.HIGH, "CWE-256"),
    "pgpass-password": (Severity.HIGH, "CWE-256"),
    "package-registry-credentials": (Severity.CRITICAL, "CWE-256"),
    "docker-registry-credentials": (Severity.CRITICAL, "CWE-256"),
    "password-hash": (Severity.MEDIUM, "CWE-522"),
    "sql-account-password": (Severity.HIGH, "CWE-259"),
    "sql-dump-password": (Severity.HIGH, "CWE-312"),
    "private-key-putty": (Severity.CRITICAL, "CWE-321"),
    "private-key-ssh2": (Severity.CRITICAL, "CWE-321"),
}

# How a secret is made worthless, by its rule; the first that matches. The last is for all others.
_ROTATE = (
    (r"aws-", "Make a new access key in IAM, move its users over, then deactivate and delete this one"),
    (
        r"github-|gitlab-",
        "Delete the token in the settings of the account (developer settings, access tokens), make a new one",
    ),
    (
        r"npm-|pypi-|package-registry-|docker-registry-",
        "Revoke the token at the registry, look at what was published with it, make a new one",
    ),
    (
        r"private-key|age-secret|pkcs12",
        "Make a new key pair, put its public part where the old one is trusted, and revoke the old certificate",
    ),
    (r"jwt-signed|signing-key", "Set a new key; every token and session signed with the old one must end"),
    (r"jwt", "Let the issuer end the token, and its session"),
    (r"sql-dump|password-hash", "Have every user in it set a new password"),
    (
        r"password|passphrase|netrc|pgpass|sql-account|basic-|curl-auth-user",
        "Set a new password, here and wherever else the same one is used",
    ),
    (r"", "Revoke the secret where it was issued and make a new one"),
)


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`history`: look through all commits of the repository too, and not only through the files as they are now."""

    history: bool = True


class _Leak(msgspec.Struct, frozen=True):
    # Gitleaks' own JSON also holds the secret, the line and the author of the commit: none of them is kept.
    RuleID: str
    Description: str
    File: str
    StartLine: int
    EndLine: int
    Commit: str
    StartColumn: int = 0
    EndColumn: int = 0
    Date: str = ""
    Mark: str = ""  # SHA-256 of the secret: it tells identity.py what is the same, and goes no further


class _Seven(msgspec.Struct, frozen=True):
    # A leak as 7.x wrote it. `rule` is the rule's description: rules had no id.
    rule: str
    offender: str
    file: str
    commit: str
    line: int = msgspec.field(name="lineNumber")
    date: str = ""


class _Six(msgspec.Struct, frozen=True):
    rule: str
    offender: str


# What 7.x called the rules that are critical here (config/default.go of v7.6.1).
_CRITICAL_SEVEN = re.compile(r"AWS|Github|Heroku|Google \(GCP\)|Asymmetric Private Key|PyPI|npm", re.IGNORECASE)
_REDACTED = "REDACTED"
_NO_DATE = "0001-01-01"  # Go's zero time: a file that is in no commit


def _hidden(path: str) -> bool:
    """Whether Gitleaks passes `path` by because of its name: it must be shown to it under another one."""
    return bool(_LEFT_OUT.search(path))


def _split(job: Job) -> tuple[Job, ...]:
    tree = dataclasses.replace(job, mode="tree")
    if not (job.history and job.options.history):
        return (tree,)
    return (tree, dataclasses.replace(job, mode="history"))


def _argv(job: Job) -> tuple[str, ...]:
    history = job.mode == "history"
    target = ("git", job.history, f"--log-opts={_log_options(job.prefix)}") if history else ("dir", ".")
    inline = () if job.honour_inline else ("--ignore-gitleaks-allow",)
    return (
        *job.command, *target, "--report-format", "template", "--report-template", f"{job.rules}/gitleaks-report.tmpl",
        "--report-path", "-", "--exit-code", str(_FOUND), "--no-banner", "--no-color", "--log-level", "warn",
        *inline, *_configuration(job), *job.args,
    )  # fmt: skip


def _log_options(prefix: str) -> str:
    """What git shall show: everything, or everything below `prefix`.

    Gitleaks cuts the options at spaces and refuses quotes. So `?`, any one character, stands for every character of the
    folder's name that is special to either; git then wants a `*` at the end.
    """
    if not prefix:
        return _WHOLE_HISTORY
    mild = "".join(char if _PLAIN.match(char) else "?" for char in prefix)
    return f"{_WHOLE_HISTORY} -- {mild}{'*' if '?' in mild else ''}"


def _configuration(job: Job) -> tuple[str, ...]:
    """The repository's own configuration where it counts and is there, else hardgate's."""
    # With a configuration on the command line, Gitleaks does not look for .gitleaks.toml where it scans.
    ours = ("--config", f"{job.rules}/gitleaks.toml")
    if not job.honour_config:
        return (*ours, "--gitleaks-ignore-path", job.scratch)
    own = ("--config", f"{job.root}/.gitleaks.toml") if ".gitleaks.toml" in job.files else ours
    return (*own, "--gitleaks-ignore-path", job.root)


def _environment(job: Job) -> dict[str, str]:
    # A repository's .gitattributes can call every file binary, and git then shows none of its lines: git 2.43 and later
    # read that file in a bare repository too, unless they are told to read the attributes of the empty tree.
    return {"GIT_ATTR_SOURCE": _EMPTY_TREE} if job.mode == "history" else {}


def _parse(raw: bytes) -> Report:
    if b'"RuleID"' not in raw and b'"offender"' in raw:
        return Report(findings=tuple(map(_seven, refuse_empty(_sevens(raw), _TOOL))))
    leaks = refuse_empty(decode(raw, list[_Leak], _TOOL), _TOOL)
    return Report(findings=tuple(map(_finding, _distinct(leaks))))


def _sevens(raw: bytes) -> list[_Seven]:
    """The leaks of a report of 7.x; raises ReportError for one of before 6.1, which tells no lines."""
    try:
        return decode(raw, list[_Seven], _TOOL)
    except ReportError as error:
        decode(raw, list[_Six], _TOOL)
        hint = "hardgate reads the JSON of Gitleaks 7 and 8: run one of those."
        raise ReportError(f"gitleaks' report is none of 7.x or 8.x: {error}", hint=hint) from error


def _seven(leak: _Seven) -> Finding:
    critical = _CRITICAL_SEVEN.search(leak.rule)
    known = leak.offender != _REDACTED
    # In the form of 8.x, without a fraction and a zone: a commit is one and the same in both.
    date = "" if leak.date.startswith(_NO_DATE) else leak.date
    mark = hashlib.sha256(leak.offender.encode("utf-8", "replace")).hexdigest() if known else ""
    one = _Leak(leak.rule, leak.rule, leak.file, leak.line, leak.line, leak.commit, Date=date, Mark=mark)
    severity = Severity.CRITICAL if critical else Severity.HIGH
    return msgspec.structs.replace(_finding(one), severity=severity, message=f"{leak.rule} (a rule of gitleaks 7)")


def _distinct(leaks: list[_Leak]) -> list[_Leak]:
    """One leak for each stretch of text: rules that match the same words saw one secret, and the worst tells."""
    kept: list[_Leak] = []
    for leak in sorted(leaks, key=lambda one: (one.File, one.Commit, one.StartLine, one.StartColumn, one.RuleID)):
        if kept and _overlap(kept[-1], leak):
            kept[-1] = max(kept[-1], leak, key=_weight)
        else:
            kept.append(leak)
    return kept


def _overlap(one: _Leak, other: _Leak) -> bool:
    """Whether `other`, which starts later, starts before `one` ends. Without columns nothing can be said."""
    if (one.File, one.Commit) != (other.File, other.Commit) or not (one.EndColumn and other.StartColumn):
        return False
    return (other.StartLine, other.StartColumn) <= (one.EndLine, one.EndColumn)


def _weight(leak: _Leak) -> tuple[int, bool, str]:
    """Which rule tells most of a secret: the most severe, and rather a special one."""
    return (_severity(leak).rank, leak.RuleID != "generic-api-key", leak.RuleID)


def _severity(leak: _Leak) -> Severity:
    if _for_show(leak):
        return Severity.LOW
    if leak.RuleID in _OWN:
        return _OWN[leak.RuleID][0]
    return Severity.CRITICAL if _CRITICAL.match(leak.RuleID) else Severity.HIGH


def _for_show(leak: _Leak) -> bool:
    """Whether it is a secret that anyone can make, in a file that shows how things are used."""
    return (leak.RuleID in _OWN or leak.RuleID in _MADE_BY_ANYONE) and bool(_FOR_SHOW.search(leak.File))


def _finding(leak: _Leak) -> Finding:
    own = (_OWN[leak.RuleID][1],) if leak.RuleID in _OWN else ()
    rotate = next(words for pattern, words in _ROTATE if re.match(pattern, leak.RuleID))
    past = (
        "Only that helps: the old value stays readable in every clone"
        if leak.Commit
        else "Then take it out of the file: read secrets from the environment or a secret store"
    )
    about = "In a test, a manual or an example, so rated low: " if _for_show(leak) else ""
    return Finding(
        scanner=_TOOL,
        rule=leak.RuleID,
        kind=Kind.SECRET,
        severity=_severity(leak),
        severity_from="adapter",
        message=f"{about}{leak.Description}",
        location=Location(
            path=leak.File,
            line=leak.StartLine or None,
            end_line=leak.EndLine or None,
            commit=leak.Commit,
        ),
        cwe=(*own, "CWE-798"),
        fix=f"{rotate}. {past}.",
        fingerprints={"mark": leak.Mark, "date": leak.Date} if leak.Mark else {},
    )


def _complaints(stderr: bytes) -> tuple[Gap, ...]:
    """What Gitleaks could not read: it says so on its standard error only, and exits as if it had read it all."""
    lines = stderr.decode("utf-8", "replace").splitlines()
    said = (line.partition(" ERR ")[2].strip() or line.partition(" WRN skipping ")[2].strip() for line in lines)
    return tuple(
        Gap(
            reason=GapReason.FILE_UNREAD,
            message=f"Gitleaks did not read everything: {text}.",
            remedy="Is the repository whole? Try: git fsck",
        )
        for text in said
        if text and text != 'error="stderr is not empty"'  # said once more after git's own words
    )


def _configures(path: str) -> bool:
    return path in {".gitleaks.toml", ".gitleaksignore"}


# Made up, and written backwards so that no scanner takes hardgate's source for a leak: it has the form of an AWS
# access key id (20 characters, AKIA first) and belongs to nobody.
_MADE_UP = "VRTH3JKL2WXM4Q7ZAIKA"[::-1]

GITLEAKS = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.SECRET}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, _FOUND}),
    canary=Canary(files={"canary.env": f"AWS_ACCESS_KEY_ID={_MADE_UP}\n".encode()}, rules=("aws-access-token",)),
    selects=lambda _path: True,
    configs=_configures,
    hidden=_hidden,
    complaints=_complaints,
    split=_split,
    planted=True,
    uses_rules=True,
    environment=_environment,
    seconds=2.0,
    memory=150_000_000,
)
