"""Black and Flake8 as a commit hook runs them: format and style, which the gate does not judge.

They are values of an adapter's shape, so that they start and fail like every other tool, and are not in SCANNERS: what
they complain of is no security finding. Their settings are read out of the repository's files as data and handed over
on the command line: a configuration of Flake8 may name code that Flake8 would load
(https://flake8.pycqa.org/en/latest/user/configuration.html#using-local-plugins).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from hardgate.adapter import Canary, Job, Scanner, brief
from hardgate.errors import ConfigError, ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

# The files that hold their settings, those of Flake8 in the order in which it looks
# (https://github.com/PyCQA/flake8/blob/main/src/flake8/options/config.py).
BLACK_FILE = "pyproject.toml"
FLAKE8_FILES = ("setup.cfg", "tox.ini", ".flake8")
_NOTHING = "/dev/null"
_LAST = 400  # characters of what Black said last
_REFORMAT = "would-reformat"
_UNREAD = ("E902", "E999")  # a file that is not there, and one that is no Python: never left out
# The head of a file's diff, and of its first hunk the lines that stay as they are.
_DIFF = re.compile(
    r"^--- (?P<path>[^\t\n]+)\t[^\n]*\n\+\+\+ (?P=path)\t[^\n]*\n@@ -(?P<line>\d{1,9})[^\n]*\n(?P<same>(?: [^\n]*\n)*)",
    re.MULTILINE,
)
_COMPLAINT = re.compile(r"^(?P<path>.+?):(?P<row>\d{1,9}):(?P<column>\d{1,9}): (?P<code>[A-Z]+[0-9]+) (?P<text>.*)$")
_FAILED = re.compile(r"^error: cannot (?:format|parse)(?: for target version[^:]*)?:? ?(?P<text>.*)$", re.MULTILINE)


class BlackOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[tool.black]` may set (https://black.readthedocs.io/en/stable/usage_and_configuration/the_basics.html).

    `left_out` are the regular expressions of its three kinds of `exclude`, which apply to `/path`.
    """

    words: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Flake8Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[flake8]` may set; `left_out` are the globs of `exclude` and `extend-exclude`."""

    words: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


_BLACK_FLAGS = ("skip-string-normalization", "skip-magic-trailing-comma", "preview", "unstable")
_BLACK_WORDS = ("line-length", "required-version")
# Keys that do not change what `--check` says of a file that is named to it.
_BLACK_OTHER = frozenset(
    {"include", "exclude", "extend-exclude", "force-exclude", "target-version", "workers", "fast", "safe", "color",
     "verbose", "quiet", "diff", "check", "enable-unstable-feature", "python-cell-magics", "no-cache", "ipynb", "pyi"}
)  # fmt: skip
_FLAKE8_WORDS = (
    "max-line-length", "max-doc-length", "max-complexity", "indent-size", "hang-closing", "select", "extend-select",
    "ignore", "extend-ignore", "per-file-ignores", "builtins", "doctests",
)  # fmt: skip
_FLAKE8_LISTS = frozenset({"select", "extend-select", "ignore", "extend-ignore", "per-file-ignores", "builtins"})
_IGNORES = frozenset({"ignore", "extend-ignore"})
_FLAKE8_FLAGS = frozenset({"hang-closing", "doctests"})


def black_options(raw: bytes | None) -> BlackOptions:
    """The settings in pyproject.toml. Raises ConfigError for a file or a value that is not understood."""
    if raw is None:
        return BlackOptions()
    import tomllib  # noqa: PLC0415 (every command imports this module, and few need that)

    try:
        table = tomllib.loads(raw.decode()).get("tool", {}).get("black", {})
        given = {str(key).replace("_", "-").removeprefix("--"): value for key, value in table.items()}
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"{BLACK_FILE} is no TOML: {error}", hint="Nothing was looked at. Mend it.") from error
    for key in given:
        if key not in {*_BLACK_FLAGS, *_BLACK_WORDS, *_BLACK_OTHER}:
            raise ConfigError(f"{BLACK_FILE}: [tool.black] has a key that hardgate does not know: {key}", hint=_LEAVE)
    words = [f"--{key}" for key in _BLACK_FLAGS if given.get(key) is True]
    words += [f"--{key}={given[key]}" for key in _BLACK_WORDS if key in given]
    for key, flag in (("target-version", "--target-version"), ("enable-unstable-feature", "--enable-unstable-feature")):
        values = given.get(key, [])
        if not isinstance(values, str | list):
            raise ConfigError(f"{BLACK_FILE}: [tool.black] {key} must be a list of words", hint=_LEAVE)
        words += [f"{flag}={one}" for one in ((values,) if isinstance(values, str) else values)]
    left = tuple(str(given[key]) for key in ("exclude", "extend-exclude", "force-exclude") if given.get(key))
    for pattern in left:
        try:
            re.compile(pattern, re.VERBOSE)
        except re.error as error:
            raise ConfigError(f"{BLACK_FILE}: {pattern!r} is no regular expression: {error}", hint=_LEAVE) from error
    return BlackOptions(words=tuple(words), left_out=left)


_LEAVE = "Nothing was looked at. Mend it, or leave the check out of `hooks:` in hardgate.yaml."


def flake8_options(files: Mapping[str, bytes]) -> Flake8Options:
    """The settings in the first of the files that has a section for Flake8. Raises ConfigError for bad ones."""
    if not files:
        return Flake8Options()
    import configparser  # noqa: PLC0415 (every command imports this module, and few need that)

    for name in FLAKE8_FILES:
        if name not in files:
            continue
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(files[name].decode())
        except (ValueError, configparser.Error) as error:
            raise ConfigError(f"{name} could not be read: {brief(str(error))}", hint=_LEAVE) from error
        if parser.has_section("flake8"):
            return _flake8({key.replace("_", "-"): value for key, value in parser.items("flake8")})
        if parser.has_section("flake8:local-plugins"):
            break
    return Flake8Options()


def _flake8(given: Mapping[str, str]) -> Flake8Options:
    """Plug-ins are not installed here, so what configures them has nothing to change."""
    words = []
    for key in _FLAKE8_WORDS:
        if key not in given:
            continue
        if key in _FLAKE8_FLAGS:
            words += [f"--{key}"] if given[key].strip().lower() in {"1", "true", "yes", "on"} else []
            continue
        value = re.sub(r"#.*$", "", given[key], flags=re.MULTILINE) if key in _FLAKE8_LISTS else given[key]
        parts = [part for part in re.split(r"[,\s]+", value) if part and not (key in _IGNORES and part in _UNREAD)]
        glue = " " if key == "per-file-ignores" else ","
        words.append(f"--{key}={glue.join(parts)}")
    globs = ",".join(given.get(key, "") for key in ("exclude", "extend-exclude"))
    return Flake8Options(words=tuple(words), left_out=tuple(part for part in re.split(r"[,\s]+", globs) if part))


def left_out(options: Any, path: str) -> bool:
    """Whether the repository's own settings leave a path out of a style check."""
    if isinstance(options, BlackOptions):
        return any(re.search(pattern, f"/{path}", re.VERBOSE) for pattern in options.left_out)
    if not isinstance(options, Flake8Options):
        return False
    parts = path.split("/")
    above = ["/".join(parts[: place + 1]) for place in range(len(parts))]
    globs = [glob.removeprefix("./").rstrip("/") for glob in options.left_out]
    return any(fnmatch.fnmatchcase(word, glob) for glob in globs for word in (*parts, *above))


def _black_argv(job: Job) -> tuple[str, ...]:
    # --fast: what Black would write is not written, so its second look at that changes nothing. --no-cache: its home is
    # new each time, and it would make a file of its grammar there that nobody reads.
    return (
        *job.command, "--config", _NOTHING, "--check", "--diff", "--fast", "--no-cache", "--no-color", "--workers", "1",
        *job.options.words, *job.args, "--", *job.files,
    )  # fmt: skip


def _black_parse(raw: bytes) -> Report:
    """The diff that Black would apply: one complaint a file. Never empty, for the planted file is badly formatted."""
    found = list(_DIFF.finditer(raw.decode("utf-8", "replace")))
    if not found:
        raise ReportError(f"black's diff ({len(raw)} bytes) names no file: {brief(raw.decode('utf-8', 'replace'))!r}")
    firsts: dict[str, int] = {}
    for one in found:
        firsts.setdefault(one["path"], int(one["line"]) + one["same"].count("\n"))
    places = (Location(path=path, line=line) for path, line in firsts.items())
    return Report(findings=tuple(_complaint(_BLACK, place) for place in places))


def _black_complaints(stderr: bytes) -> tuple[Gap, ...]:
    """What Black could not read. Its last line counts those files too: words of a new form are not passed over."""
    said = stderr.decode("utf-8", "replace")
    texts = [brief(one["text"]) for one in _FAILED.finditer(said)]
    if not texts and "fail" in said:
        texts = [brief(said[-_LAST:])]
    remedy = "Mend the file: Black reads what Python reads."
    return tuple(
        Gap(reason=GapReason.FILE_UNREAD, message=f"Black could not read: {text}", remedy=remedy) for text in texts
    )


def _flake8_argv(job: Job) -> tuple[str, ...]:
    return (
        *job.command, "--isolated", "--jobs=1", "--color=never", "--format=default", "--exclude=", *job.options.words,
        f"--extend-select={','.join(_UNREAD)}", *job.args, "--", *job.files,
    )  # fmt: skip


def _flake8_parse(raw: bytes) -> Report:
    """One complaint a line: `path:row:column: code text`. Never empty, for the planted file is no Python."""
    found = []
    for line in raw.decode("utf-8", "replace").splitlines():
        match = _COMPLAINT.match(line)
        if match is None:
            raise ReportError(f"flake8 wrote a line that is no complaint of its form: {brief(line)!r}")
        said = _Said("flake8", match["code"], match["text"])
        found.append(_complaint(said, Location(path=match["path"].removeprefix("./"), line=max(int(match["row"]), 1))))
    if not found:
        raise ReportError("flake8 wrote nothing: that is what a run over no file writes too")
    return Report(findings=tuple(found))


class _Said(NamedTuple):
    """What a tool complains of, wherever it is."""

    tool: str
    rule: str
    message: str
    fix: str = ""


_BLACK = _Said("black", _REFORMAT, "is not as Black would write it", "Let Black write it: black FILE")


def _complaint(said: _Said, location: Location) -> Finding:
    return Finding(
        scanner=said.tool,
        rule=said.rule,
        kind=Kind.CODE,
        severity=Severity.INFO,
        severity_from="adapter",
        message=said.message,
        location=location,
        fix=said.fix,
    )


def _selects(path: str) -> bool:
    return path.endswith((".py", ".pyi"))


BLACK = Scanner(
    name="black",
    kinds=frozenset({Kind.CODE}),
    options=BlackOptions,
    argv=_black_argv,
    parse=_black_parse,
    # Not 0: the planted file is badly formatted. 123: a file could not be read, and its complaint says which.
    done_exits=frozenset({1, 123}),
    canary=Canary(files={"canary.py": b"x  =  1\n"}, rules=(_REFORMAT,)),
    complaints=_black_complaints,
    selects=_selects,
    planted=True,
    seconds=0.4,
    memory=60_000_000,
)
FLAKE8 = Scanner(
    name="flake8",
    kinds=frozenset({Kind.CODE}),
    options=Flake8Options,
    argv=_flake8_argv,
    parse=_flake8_parse,
    done_exits=frozenset({1}),
    canary=Canary(files={"canary.py": b"def (:\n"}, rules=("E999",)),
    selects=_selects,
    planted=True,
    seconds=0.2,
    memory=60_000_000,
)
STYLES = {one.name: one for one in (BLACK, FLAKE8)}
# What a hook can look with: each judges a file by itself, at once and without data from elsewhere.
SECURITY = ("gitleaks", "detect-secrets", "ruff", "bandit", "hadolint", "zizmor")
CHECKS = (*SECURITY, *STYLES)
