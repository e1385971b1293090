"""The step `schemathesis`: an API held to its own OpenAPI document, in an environment that hardgate starts.

Schemathesis makes requests up, valid ones and others, from a fixed seed: the same application gets the same ones. The
same word with `command` is the scanner that reads what somebody else's command wrote: see scanners/schemathesis.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from hardgate import described, tested
from hardgate.errors import ReportError
from hardgate.model import GapReason, ToolUse
from hardgate.scanners.schemathesis import SCHEMATHESIS as ADAPTER
from hardgate.scanners.schemathesis import option, told_exit
from hardgate.step import Context, Result, Step
from hardgate.stepkeys import StepKeys
from hardgate.tools import Completed

_Word = Annotated[str, msgspec.Meta(min_length=1)]
_FLAGS = ("--report", "json", "--generation-database", "none", "--no-color", "--continue-on-failure")
# What is tested, and where its report goes.
_OURS = frozenset({
    "--url", "-u", "--origin", "--proxy", "--report", "--report-json-path", "--report-dir", "--baseline",
    "--baseline-update", "--baseline-prune", "--generation-database", "--seed", "--max-examples", "-n",
})  # fmt: skip


class Options(StepKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`document`: the OpenAPI document, a path in the tree, or with `${URL}` in it an address of the application.

    `environment` names one of hardgate.yaml. `seed` is what requests are made from, `max_examples` how many an
    operation gets at most in each phase; `headers` go with every request; `request_timeout`: seconds for each answer.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"args", "version"})
    described: ClassVar[tuple[str, type[msgspec.Struct]] | None] = ("command", described.Options)
    document: _Word = "${URL}/openapi.json"
    environment: str = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32)] = 1
    max_examples: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 50
    headers: dict[_Word, str] = msgspec.field(default_factory=dict)
    request_timeout: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0


def _perform(context: Context) -> Result:
    options: Options = context.options
    if taken := sorted({one for word in context.action.args if (one := option(word)) in _OURS}):
        message = f"{context.action.name}: `args` has {', '.join(taken)}, which hardgate sets: nothing was tested"
        raise context.missing(GapReason.INPUT_MISSING, message, "Take it out of `args`; there are keys for most.")
    tree = context.checkout()
    tool = context.tool("schemathesis")
    running = tested.started(context)
    document = tested.text(context, running, options.document)
    if "://" not in document and not (tree / document).is_file():
        message = f"{context.action.name}: there is no OpenAPI document {document}"
        raise context.missing(
            GapReason.INPUT_MISSING, message, "Name a file of the repository, or an address with ${URL}."
        )
    report = context.scratch / "schemathesis.json"
    words = [
        *tool.command,
        "--config-file",
        str(_config(context)),
        "run",
        document,
        *_FLAGS,
        "--report-json-path",
        str(report),
        "--url",
        running.address,
    ]
    words += ["--seed", str(options.seed), "--max-examples", str(options.max_examples)]
    words += ["--request-timeout", f"{options.request_timeout:g}"]
    for name, value in options.headers.items():
        context.hide(value)
        words += ["--header", f"{name}: {value}"]
    folder = context.scratch / "schemathesis"
    folder.mkdir()
    if "://" not in document:
        words[words.index("run") + 1] = str(tree / document)
    done = context.start(running.words((*words, *context.action.args), folder), env=tested.variables(running))
    raw = _report(context, report, done.exit_code)
    if raw is None:
        context.log(done)
        raise context.failed("schemathesis", done)
    context.record.notes.append(f"seed {options.seed}, at most {options.max_examples} examples")
    use = ToolUse(name="schemathesis", version=tool.version, digest=tool.digest, origin=tool.origin)
    try:
        read = ADAPTER.parse(raw)
        _ended(context, raw, done)
    except ReportError as error:
        raise context.missing(GapReason.REPORT_UNREADABLE, str(error), error.hint) from error
    context.keep("report.json", "application/json", context.mask(raw.decode("utf-8", "replace")).encode())
    return Result(findings=read.findings, gaps=read.gaps, tool=use)


def _config(context: Context) -> Path:
    """An empty configuration: without one it is looked for in all folders above, and may leave operations out."""
    file = context.scratch / "schemathesis.toml"
    file.write_text("")
    return file


def _ended(context: Context, raw: bytes, done: Completed) -> None:
    """A gap, and its log, where it ended in another way than its report says: it may have been ended meanwhile."""
    if told_exit(raw) != done.exit_code:
        context.log(done)
        context.record.gaps.append(context.failed("schemathesis", done).gap)


def _report(context: Context, file: Path, code: int) -> bytes | None:
    """The report, None where there is none that counts. What says that a run failed may say so of a whole one."""
    if not file.is_file() or code < 0:
        return None
    if file.stat().st_size > context.output_limit:
        message = f"schemathesis's report is larger than {context.output_limit:,} bytes"
        raise context.missing(GapReason.OUTPUT_LIMIT, message, "Test fewer operations in one action.")
    return file.read_bytes()


SCHEMATHESIS = Step(name="schemathesis", options=Options, perform=_perform, tools=lambda _options: ("schemathesis",))
