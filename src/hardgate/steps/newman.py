"""The step `newman`: the tests of a Postman collection, against an environment that hardgate starts.

All requests are sent, whatever fails: Newman's exit code decides nothing, its report does. The same word with `command`
is the scanner that reads what somebody else's command wrote: see scanners/newman.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec

from hardgate import described, newman_pages, tested
from hardgate.adapter import OUTSIDE, brief, decode
from hardgate.environments import Running
from hardgate.errors import ReportError
from hardgate.model import GapReason, Severity, ToolUse
from hardgate.newman_report import Wanted
from hardgate.scanners import newman as adapter
from hardgate.step import Context, Result, Step
from hardgate.stepkeys import StepKeys

_Word = Annotated[str, msgspec.Meta(min_length=1)]
_FLAGS = ("--reporters", "json", "--suppress-exit-code", "--no-insecure-file-read", "--color", "off")
_ADD = "Put it into the repository, or mend the path."


class Options(StepKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`collection` and `environment_file` are paths in the tree; `environment` names one of hardgate.yaml.

    `folders`: those to be run, in their order, all when none is named; `setup` are run before them, and need no tests.
    A failed test in a folder of `security` is a weakness; elsewhere it is a failed test, of `test_severity`.
    `variables` go to the collection, with `${URL}` for the address of what is tested. `request_timeout`: seconds for
    each answer.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"args"})
    described: ClassVar[tuple[str, type[msgspec.Struct]] | None] = ("command", described.Options)
    collection: _Word
    environment: str = ""
    environment_file: str = ""
    folders: tuple[_Word, ...] = ()
    setup: tuple[_Word, ...] = ()
    security: tuple[_Word, ...] = ("Security",)
    test_severity: Severity = Severity.HIGH
    variables: dict[_Word, str] = msgspec.field(default_factory=lambda: {"base": "${URL}", "baseUrl": "${URL}"})
    request_timeout: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0


class _Entry(msgspec.Struct):
    name: str = ""
    item: list[_Entry] | None = None


class _Collection(msgspec.Struct):
    item: list[_Entry]


class _Value(msgspec.Struct):
    value: Any = None
    type: str = ""


class _Values(msgspec.Struct):
    values: list[_Value] = []


class _Package(msgspec.Struct):
    version: str


def _perform(context: Context) -> Result:
    options: Options = context.options
    tree = context.checkout()
    known = _names(_read(context, tree, options.collection, _Collection).item)
    wanted = _wanted(context, known)
    if options.environment_file:
        values = _read(context, tree, options.environment_file, _Values).values
        context.hide(*(str(one.value) for one in values if one.type == "secret" and one.value))
    tool = context.tool(f"{OUTSIDE}newman")
    running = tested.started(context)
    wanted = msgspec.structs.replace(wanted, origins=tested.origins(running))
    raw = _run(context, running, tree, tool.command, wanted)
    use = ToolUse(name="newman", version=tool.version or _version(tool.command), digest=tool.digest, origin=tool.origin)
    try:
        report = adapter.read(raw, wanted)
        context.keep("junit.xml", "text/xml", newman_pages.junit(raw, context.action.name))
        context.keep("report.html", "text/html", newman_pages.page(raw, context.action.name))
    except ReportError as error:
        raise context.missing(GapReason.REPORT_UNREADABLE, str(error), error.hint) from error
    return Result(findings=report.findings, gaps=report.gaps, tool=use)


def _version(command: tuple[str, ...]) -> str:
    """The version of an installation by npm, whose start script lies in the package; "" for any other."""
    try:
        package = Path(command[0]).resolve().parents[1] / "package.json"
        return decode(package.read_bytes(), _Package, "npm").version
    except (OSError, IndexError, ReportError):
        return ""


def _read(context: Context, tree: Path, name: str, kind: type[Any]) -> Any:
    """A file of the collection's; GapError when it is not there or is none."""
    file = tree / name
    if not file.resolve().is_relative_to(tree.resolve()) or not file.is_file():
        raise context.missing(GapReason.INPUT_MISSING, f"{context.action.name}: there is no file {name}", _ADD)
    try:
        return decode(file.read_bytes(), kind, "Postman")
    except ReportError as error:
        message = f"{name} is not what Postman exports: {brief(str(error))}"
        raise context.missing(GapReason.INPUT_MISSING, message, "Export it again, as collection format 2.1.") from error


def _names(entries: list[_Entry]) -> set[str]:
    """The names of all folders, which Newman can be told to run."""
    return {name for one in entries if one.item is not None for name in (one.name, *_names(one.item))}


def _wanted(context: Context, known: set[str]) -> Wanted:
    """What is asked of Newman: the folders that there are. It would not start with one that is not there: a gap."""
    options: Options = context.options
    for name in dict.fromkeys((*options.setup, *options.folders)):
        if name not in known:
            message = f"{options.collection} has no folder {name!r}: nothing of it was tried"
            remedy = f"It has: {', '.join(sorted(known)) or 'none'}."
            context.record.gaps.append(context.gap(GapReason.NOT_COVERED, message, remedy))
    folders = tuple(name for name in options.folders if name in known)
    if options.folders and not folders:
        raise context.missing(GapReason.NOT_COVERED, f"{context.action.name} has none of its folders: nothing was run")
    setup = tuple(name for name in options.setup if name in known)
    return Wanted(folders=folders, setup=setup, security=options.security, severity=options.test_severity)


def _run(context: Context, running: Running, tree: Path, command: tuple[str, ...], wanted: Wanted) -> bytes:
    """Newman's report of all that is wanted, from behind the wall of the environment."""
    options: Options = context.options
    report = context.scratch / "newman.json"
    words = [*command, "run", str(tree / options.collection), *_FLAGS, "--reporter-json-export", str(report)]
    words += ["--working-dir", str(tree), "--timeout-request", f"{options.request_timeout * 1000:.0f}"]
    for folder in dict.fromkeys((*wanted.setup, *wanted.folders) if wanted.folders else ()):
        words += ["--folder", folder]
    if options.environment_file:
        words += ["--environment", str(tree / options.environment_file)]
    for name, text in options.variables.items():
        words += ["--env-var", f"{name}={tested.text(context, running, text)}"]
    words += context.action.args
    done = context.start(running.words(tuple(words), tree), env=tested.variables(running))
    if not report.is_file():
        context.log(done)
        raise (
            context.failed("newman", done)
            if done.exit_code
            else context.missing(
                GapReason.REPORT_UNREADABLE, "newman wrote no report", "See its log among the outputs."
            )
        )
    if done.exit_code:  # failed tests do not make one, as Newman was told: it broke, and may have written before that
        context.log(done)
        context.record.gaps.append(context.failed("newman", done).gap)
    if report.stat().st_size > context.output_limit:
        message = f"newman's report is larger than {context.output_limit:,} bytes"
        raise context.missing(GapReason.OUTPUT_LIMIT, message, "Run fewer folders in one action.")
    return report.read_bytes()


NEWMAN = Step(name="newman", options=Options, perform=_perform)
