"""Scanners whose command hardgate.yaml names: any tool that writes SARIF, the synthesis of a CDK app, test runners.

hardgate knows how to read their reports, and nothing of the command but its words and exit codes.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from hardgate.adapter import OUTSIDE, Canary, Job, Scanner
from hardgate.model import Kind, Report

_Word = Annotated[str, msgspec.Meta(min_length=1)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`command`: its words; `{report}` in one is where it shall write, else its standard output is read; `{root}` is
    the private copy of the tree, which is also the working folder. `exits`: those after which the report counts.
    `files` are globs of what it needs: without any in scope there is nothing to do.
    """

    command: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]
    exits: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)] = (0, 1)
    files: tuple[_Word, ...] = ()


def scanner(name: str, kinds: frozenset[Kind], parse: Callable[[bytes], Report]) -> Scanner:
    """The scanner `name` of hardgate.yaml, whose reports `parse` reads."""
    return Scanner(
        name=name,
        kinds=kinds,
        options=Options,
        argv=argv,
        parse=parse,
        done_exits=frozenset({0, 1}),
        # Its report tells what was tried; a known-bad input of ours would be one test more of somebody's application.
        canary=Canary(files={}),
        selects=functools.partial(selects, ()),
        tool=tool,
        fit=functools.partial(_fit, name, kinds, parse),
        reusable=False,
    )


def _fit(name: str, kinds: frozenset[Kind], parse: Callable[[bytes], Report], options: Options) -> Scanner:
    return dataclasses.replace(
        scanner(name, kinds, parse),
        done_exits=frozenset(options.exits),
        reads_file=reads_file(options.command),
        selects=functools.partial(selects, options.files),
    )


def reads_file(command: tuple[str, ...]) -> bool:
    """Whether the command is told where to write."""
    return any("{report}" in word for word in command)


def tool(options: Any) -> str:
    """What is started: the first word of the command."""
    return f"{OUTSIDE}{options.command[0]}"


def argv(job: Job) -> tuple[str, ...]:
    """The command line, with the places in it filled in."""
    words = (word.replace("{report}", job.report).replace("{root}", job.root) for word in job.options.command[1:])
    return (*job.command, *words, *job.args)


def selects(files: tuple[str, ...], path: str) -> bool:
    """Whether a path, or its last part, fits one of the globs; every path where there is none."""
    name = path.rpartition("/")[2]
    return not files or any(fnmatch.fnmatchcase(path, glob) or fnmatch.fnmatchcase(name, glob) for glob in files)
