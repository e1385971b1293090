"""The documentation and the code say the same: every name in the code has its place in a page, and no other name has.

The lists come from the code itself: the argument parsers, the schema of hardgate.yaml, the enums, the syntax trees.
"""

from __future__ import annotations

import argparse
import ast
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from hardgate import config, plan, tools
from hardgate.adapter import Scanner
from hardgate.cli import main as cli_main
from hardgate.model import ExitCode, GapReason, Kind, Severity
from hardgate.reporters import REPORTERS
from hardgate.scanners import DESCRIBED, SCANNERS
from hardgate.step import Step
from hardgate.steps import STEPS
from hardgate.toolbox import install
from tests.pages import DOCS, ROOT, SOURCE, mentions, parser, read, schema, sections

# Read by the standard library or by another tool on our behalf, so no line of ours names them.
INDIRECT = frozenset({"HOME", "TMPDIR", "COLUMNS"})


def _below(parser: argparse.ArgumentParser, title: str) -> Iterator[tuple[str, argparse.Action]]:
    """Every option and argument, with the title of the section that it belongs in; subcommands have their own."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from _below(sub, f"{title} {name}")
        elif not isinstance(action, argparse._HelpAction):
            yield title, action


def _every_option() -> list[Any]:
    found = [one for command in cli_main.COMMANDS for one in _below(parser(command), f"hardgate {command}")]
    return [
        pytest.param(title, action, id=f"{title} {action.option_strings or action.dest}") for title, action in found
    ]


# The command line


@pytest.mark.parametrize("command", cli_main.COMMANDS)
def test_each_command_has_its_section_and_its_summary(command: str) -> None:
    found = sections(read("docs/reference/cli.md"))
    assert f"hardgate {command}" in found
    assert len(found[f"hardgate {command}"].split()) > 20


@pytest.mark.parametrize(("title", "action"), _every_option())
def test_each_option_stands_in_the_section_of_its_command(title: str, action: argparse.Action) -> None:
    section = sections(read("docs/reference/cli.md"))[title]
    names = action.option_strings or [str(action.metavar or action.dest)]
    assert all(mentions(section, name) for name in names), f"{title}: {names} is not described in docs/reference/cli.md"
    for choice in action.choices or ():
        assert mentions(section, str(choice)), f"{title}: the choice {choice} is not described"


def test_no_section_describes_a_command_or_an_option_that_is_not_there() -> None:
    text = read("docs/reference/cli.md")
    known = {
        word for command in cli_main.COMMANDS for _, one in _below(parser(command), "") for word in one.option_strings
    }
    known |= {"--help", "-h", "--version"}
    written = {
        word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)
    }
    assert written - known == set()
    commands = {title.split()[1] for title in sections(text) if title.startswith("hardgate ")}
    assert commands == set(cli_main.COMMANDS)


# hardgate.yaml


def _properties(part: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """The dotted name of every key below a part of the schema; `[]` stands for the items of a list or a mapping."""
    definitions = schema()["$defs"]
    while "$ref" in part:
        part = definitions[part["$ref"].rsplit("/", 1)[1]]
    for name, inner in part.get("properties", {}).items():
        yield f"{prefix}{name}"
        if name != "actions":
            yield from _properties(inner, f"{prefix}{name}.")
    for items in (part.get("items"), part.get("additionalProperties")):
        if isinstance(items, dict):
            yield from _properties(items, prefix.removesuffix(".") + "[].")


def _keys_of_file() -> list[str]:
    return sorted(set(_properties(schema(), "")))


def _own_keys() -> list[str]:
    every: tuple[Scanner | Step, ...] = (*SCANNERS, *DESCRIBED, *STEPS)
    found = {f"{one.name}.{key}" for one in every for key in one.options.__struct_fields__}
    return sorted(found)


@pytest.mark.parametrize("key", _keys_of_file())
def test_each_setting_has_its_row(key: str) -> None:
    assert f"\n| `{key}` |" in read("docs/reference/hardgate-yaml.md")


@pytest.mark.parametrize("key", _own_keys())
def test_each_setting_of_a_scanner_has_its_row_and_is_on_its_page(key: str) -> None:
    assert f"\n| `{key}` |" in read("docs/reference/hardgate-yaml.md")
    scanner, _, own = key.partition(".")
    page = DOCS / ("steps" if scanner in {step.name for step in STEPS} else "scanners") / f"{scanner}.md"
    assert mentions(page.read_text("utf-8"), own), f"{page.relative_to(ROOT)} does not describe `{own}`"


@pytest.mark.parametrize("key", config._Common.__struct_fields__)
def test_each_key_of_every_action_has_its_row(key: str) -> None:
    assert f"\n| `{key}` |" in sections(read("docs/reference/hardgate-yaml.md"))["Keys of every action"]


def test_no_row_describes_a_setting_that_is_not_there() -> None:
    text = read("docs/reference/hardgate-yaml.md")
    rows = set(re.findall(r"^\| `([\w.\[\]-]+)` \|", text, re.M))
    subjects = {subject.name for subject in plan.SUBJECTS}
    assert rows == {*_keys_of_file(), *_own_keys(), *config._Common.__struct_fields__, *subjects}


@pytest.mark.parametrize("word", [*Severity, *Kind, config.NEVER, "default"])
def test_each_word_of_a_threshold_is_named(word: str) -> None:
    text = sections(read("docs/reference/hardgate-yaml.md"))["What blocks"]
    assert re.search(rf"\b{word}\b", text)


@pytest.mark.parametrize("subject", plan.SUBJECTS, ids=lambda one: one.name)
def test_each_subject_says_who_looks_at_it(subject: plan.Subject) -> None:
    row = re.search(rf"^\| `{subject.name}` \|.*$", read("docs/reference/hardgate-yaml.md"), re.M)
    assert row is not None
    for capability in subject.any_of:
        assert capability.split(":")[-1] in row[0]


@pytest.mark.parametrize("reporter", REPORTERS, ids=lambda one: one.name)
def test_each_report_format_has_its_section(reporter: Any) -> None:
    assert re.search(rf"^#+ .*\b{reporter.name}\b", read("docs/reference/reports.md"), re.M | re.I)
    assert re.search(rf"\b{reporter.name}\b", sections(read("docs/reference/hardgate-yaml.md"))["Reports"])


# Gaps, exit codes, environment, scanners


@pytest.mark.parametrize("reason", GapReason)
def test_each_gap_says_what_it_means_and_what_mends_it(reason: GapReason) -> None:
    section = sections(read("docs/reference/gaps.md"))[reason.value]
    paragraphs = [part for part in section.split("\n\n") if part.strip()]
    assert len(paragraphs) >= 2


def test_no_section_describes_a_gap_that_is_not_there() -> None:
    text = read("docs/reference/gaps.md")
    assert set(re.findall(r"^## (.+)$", text, re.M)) == {reason.value for reason in GapReason}


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", read("docs/reference/exit-codes.md"), re.M)
    assert rows == [(str(code.value), code.name) for code in ExitCode]
    readme = sections(read("README.md"))["Exit codes"]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", readme, re.M)] == [code.value for code in ExitCode]


def _strings_of(module: ast.Module) -> dict[str, str]:
    """The module-level names that are bound to a text."""
    return {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _asked(module: ast.Module) -> Iterator[ast.expr]:
    """The expressions by which a module asks an environment for a variable."""
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) and _is_environment(node.value):
            yield node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            getter = node.func.attr in {"get", "pop", "setdefault"} and _is_environment(node.func.value)
            if node.args and (getter or node.func.attr in {"getenv", "variable"}):
                yield node.args[0]


def _is_environment(node: ast.expr) -> bool:
    """Whether an expression is a name, or an attribute of anything, that ends in "environ"."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.endswith("environ")


@functools.cache
def _variables() -> set[str]:
    """Every environment variable that the code reads, by any of the ways in which it does."""
    found = {*tools.PASSED, *install._PASSED} | {name for one in SCANNERS for name in (*one.secrets, *one.needs)}
    texts = [module.read_text("utf-8") for module in SOURCE.rglob("*.py")]
    modules = [ast.parse(text) for text in texts]
    constants = {name: value for module in modules for name, value in _strings_of(module).items()}
    for text, module in zip(texts, modules, strict=True):
        for asked in _asked(module):
            if isinstance(asked, ast.Constant):
                found.add(str(asked.value))
            elif isinstance(asked, ast.Name | ast.Attribute):
                name = asked.id if isinstance(asked, ast.Name) else asked.attr
                if name in constants:
                    found.add(constants[name])
        words = re.findall(r"\b(?:HARDGATE|XDG|GITHUB)_[A-Z][A-Z_]*[A-Z]\b", text)
        found |= set(words) - {"HARDGATE_RECEIPT"}
    return found | INDIRECT


@pytest.mark.parametrize("variable", sorted(_variables()))
def test_each_environment_variable_is_described(variable: str) -> None:
    assert mentions(read("docs/reference/environment.md"), variable)


def test_no_environment_variable_is_described_that_nobody_reads() -> None:
    first = re.findall(r"^\| `([A-Z_]+)` \|", read("docs/reference/environment.md"), re.M)
    assert set(first) - _variables() == set()


def test_the_variables_that_the_scan_must_find_are_found() -> None:
    assert {"HARDGATE_HOME", "HARDGATE_STORE", "HARDGATE_RECEIPT_KEY", "HARDGATE_DEBUG", "NO_COLOR"} <= _variables()


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda one: one.name)
def test_each_scanner_has_its_page_and_is_listed(scanner: Any) -> None:
    page = DOCS / "scanners" / f"{scanner.name}.md"
    assert page.is_file()
    assert f"(scanners/{scanner.name}.md)" in read("docs/README.md")
    assert scanner.name in sections(read("README.md"))["What it scans"]


@pytest.mark.parametrize("step", STEPS, ids=lambda one: one.name)
def test_each_step_has_its_page_and_is_listed(step: Step) -> None:
    text = (DOCS / "steps" / f"{step.name}.md").read_text("utf-8")
    assert f"({step.name}.md)" in read("docs/steps/README.md")
    assert {"How it is run", "What comes of it", "What it cannot see"} <= set(sections(text))
    for key in step.options.takes:
        assert mentions(text, key), f"docs/steps/{step.name}.md does not say that it takes `{key}`"
