"""Gitleaks: secrets in the files of the tree, and in every commit of its history.

Report: https://github.com/gitleaks/gitleaks (`--report-format json`, a bare list), read in the shape of 8.x.
"""

from __future__ import annotations

import dataclasses
import re

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "gitleaks"
_FOUND = 42  # our exit code for "secrets found": Gitleaks' own 1 also means that it failed
# What Gitleaks gives to git when it is told nothing (sources/git.go of 8.30); with --log-opts it gives only those.
_WHOLE_HISTORY = "--full-history --all --diff-filter=tuxdb"
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


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`history`: look through all commits of the repository too, and not only through the files as they are now."""

    history: bool = True


class _Leak(msgspec.Struct):
    # The report also holds the secret, the line and the author of the commit: none of them is kept.
    RuleID: str
    Description: str
    File: str
    StartLine: int
    EndLine: int
    Commit: str


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
        *job.command, *target, "--report-format", "json", "--report-path", "-", "--exit-code", str(_FOUND),
        "--redact=100", "--no-banner", "--no-color", "--log-level", "warn", *inline, *_configuration(job), *job.args,
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
    """The repository's own configuration where it counts, else a folder that has none."""
    if not job.honour_config:
        return ("--gitleaks-ignore-path", job.scratch)
    own = ("--config", f"{job.root}/.gitleaks.toml") if ".gitleaks.toml" in job.files else ()
    return (*own, "--gitleaks-ignore-path", job.root)


def _environment(job: Job) -> dict[str, str]:
    # A repository's .gitattributes can call every file binary, and git then shows none of its lines: git 2.43 and later
    # read that file in a bare repository too, unless they are told to read the attributes of the empty tree.
    quiet = {"GIT_ATTR_SOURCE": _EMPTY_TREE} if job.mode == "history" else {}
    if job.honour_config:
        return quiet
    # With a configuration of ours, Gitleaks does not look for .gitleaks.toml where it scans.
    return {**quiet, "GITLEAKS_CONFIG_TOML": "[extend]\nuseDefault = true\n"}


def _parse(raw: bytes) -> Report:
    leaks = refuse_empty(decode(raw, list[_Leak], _TOOL), _TOOL)
    return Report(findings=tuple(map(_finding, leaks)))


def _finding(leak: _Leak) -> Finding:
    critical = _CRITICAL.match(leak.RuleID)
    past = "It stays readable in the history: " if leak.Commit else "Then take it out of the file: "
    return Finding(
        scanner=_TOOL,
        rule=leak.RuleID,
        kind=Kind.SECRET,
        severity=Severity.CRITICAL if critical else Severity.HIGH,
        severity_from="adapter",
        message=leak.Description,
        location=Location(
            path=leak.File,
            line=leak.StartLine or None,
            end_line=leak.EndLine or None,
            commit=leak.Commit,
        ),
        cwe=("CWE-798",),
        fix=f"Revoke the secret where it was issued and make a new one. {past}"
        "read secrets from the environment or a secret store.",
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


# Made up, and put together here so that no scanner takes hardgate's source for a leak: it has the form of an AWS
# access key id (20 characters, AKIA first) and belongs to nobody.
_MADE_UP = "".join(("AK", "IA", "Z7Q4MXW2", "LKJ3HTRV"))

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
    environment=_environment,
    seconds=2.0,
    memory=150_000_000,
)
