"""Flawfinder (https://dwheeler.com/flawfinder/) as a scanner of hardgate: calls in C and C++ that are easily misused."""

from __future__ import annotations

from typing import Annotated

import msgspec
from hardgate.adapter import OUTSIDE, Canary, Job, Scanner
from hardgate.model import Kind, Report
from hardgate.scanners import sarif

# What Flawfinder itself takes for C and C++ (`c_extensions` in flawfinder.py of 2.0.20), in lower case.
_ENDINGS = (".c", ".h", ".ec", ".ecp", ".pgc", ".cpp", ".cxx", ".cc", ".c++", ".pcc", ".pc", ".hpp", ".hh")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minlevel`: the least risk level that is reported, as the tool's own option."""

    minlevel: Annotated[int, msgspec.Meta(ge=0, le=5)] = 1


def _argv(job: Job) -> tuple[str, ...]:
    # Comments such as `/* Flawfinder: ignore */` count only where the policy says so.
    heed = () if job.honour_inline else ("--neverignore",)
    return (*job.command, "--sarif", f"--minlevel={job.options.minlevel}", *heed, *job.args, "--", *job.files)


def _parse(raw: bytes) -> Report:
    return sarif.parse(raw, "flawfinder")


FLAWFINDER = Scanner(
    name="flawfinder",
    kinds=frozenset({Kind.CODE}),
    options=Options,
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0}),
    canary=Canary(files={"bad.c": b"void f(void) { char b[4]; gets(b); }\n"}, rules=("FF1014",)),
    selects=lambda path: path.lower().endswith(_ENDINGS),
    tool=lambda _options: f"{OUTSIDE}flawfinder",
    # The canary goes along in every scan: a log without results does not say whether anything was looked at.
    planted=True,
    # It skips a file that is not UTF-8, and then ends with exit code 15: it is shown `?` for such bytes.
    utf8_only=True,
    seconds=0.5,
    memory=60_000_000,
)
