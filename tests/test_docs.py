"""The documentation and the code say the same: every name in the code has its place in a page, and shown things work.

The lists come from the code itself: the argument parsers, the schema of hardgate.yaml, the enums, the syntax trees.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jsonschema
import msgspec
import pytest
import yaml

from hardgate import config, plan, tools
from hardgate.cli import common
from hardgate.cli import main as cli_main
from hardgate.model import ExitCode, GapReason, Kind, Severity
from hardgate.reporters import REPORTERS
from hardgate.scanners import SCANNERS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "hardgate"
PAGES = tuple(
    sorted(
        path
        for path in ROOT.rglob("*.md")
        if not {"samples", "expected", "node_modules"} & set(path.parts)
        and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    )
)
NAMED_PAGES = [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in PAGES]
# What a `console` block may start beside hardgate and make: programs that a reader has, and a script of the reader's.
OTHER_COMMANDS = frozenset(
    {
        "apt-get",
        "cat",
        "cd",
        "cp",
        "createdb",
        "export",
        "git",
        "ls",
        "mkdir",
        "openssl",
        "pip",
        "pipx",
        "psql",
        "tar",
        "./deploy.sh",
    }
)
# Read by the standard library or by another tool on our behalf, so no line of ours names them.
INDIRECT = frozenset({"HOME", "TMPDIR", "COLUMNS"})


class Block(NamedTuple):
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _blocks(page: Path) -> Iterator[Block]:
    fence = re.compile(
        r"^(?P<indent> *)(?P<marks>`{3,})(?P<language>[\w+-]*)\n(?P<text>.*?)^\1(?P=marks)$", re.M | re.S
    )
    text = page.read_text("utf-8")
    for match in fence.finditer(text):
        indent = match["indent"]
        body = "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        yield Block(page, text[: match.start()].count("\n") + 1, match["language"], body)


def _all_blocks(language: str) -> list[Any]:
    found = (block for page in PAGES for block in _blocks(page) if block.language == language)
    return [pytest.param(block, id=str(block)) for block in found]


def _sections(text: str) -> dict[str, str]:
    """The text below each heading up to the next one of the same or a higher level, by heading without code marks."""
    found: dict[str, str] = {}
    bare = re.sub(r"^```.*?^```", lambda match: match[0].replace("\n#", "\n "), text, flags=re.M | re.S)
    heads = list(re.finditer(r"^(#+) (.+)$", bare, re.M))
    for number, head in enumerate(heads):
        end = next((one.start() for one in heads[number + 1 :] if len(one[1]) <= len(head[1])), len(bare))
        found[head[2].replace("`", "").strip()] = bare[head.end() : end]
    return found


def _mentions(text: str, word: str) -> bool:
    """Whether `word` stands in the text as code, whole: `--run` is not mentioned by `--run-id`."""
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code) for code in re.findall(r"`([^`\n]+)`", text))


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"hardgate {command}", allow_abbrev=False, exit_on_error=False)
    importlib.import_module(f"hardgate.cli.{command}").add(parser)
    return parser


def _below(parser: argparse.ArgumentParser, title: str) -> Iterator[tuple[str, argparse.Action]]:
    """Every option and argument, with the title of the section that it belongs in; subcommands have their own."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from _below(sub, f"{title} {name}")
        elif not isinstance(action, argparse._HelpAction):
            yield title, action


def _every_option() -> list[Any]:
    found = [one for command in cli_main.COMMANDS for one in _below(_parser(command), f"hardgate {command}")]
    return [
        pytest.param(title, action, id=f"{title} {action.option_strings or action.dest}") for title, action in found
    ]


# The command line


@pytest.mark.parametrize("command", cli_main.COMMANDS)
def test_each_command_has_its_section_and_its_summary(command: str) -> None:
    sections = _sections(_read("docs/reference/cli.md"))
    assert f"hardgate {command}" in sections
    assert len(sections[f"hardgate {command}"].split()) > 20


@pytest.mark.parametrize(("title", "action"), _every_option())
def test_each_option_stands_in_the_section_of_its_command(title: str, action: argparse.Action) -> None:
    section = _sections(_read("docs/reference/cli.md"))[title]
    names = action.option_strings or [str(action.metavar or action.dest)]
    assert all(_mentions(section, name) for name in names), (
        f"{title}: {names} is not described in docs/reference/cli.md"
    )
    for choice in action.choices or ():
        assert _mentions(section, str(choice)), f"{title}: the choice {choice} is not described"


def test_no_section_describes_a_command_or_an_option_that_is_not_there() -> None:
    text = _read("docs/reference/cli.md")
    known = {
        word for command in cli_main.COMMANDS for _, one in _below(_parser(command), "") for word in one.option_strings
    }
    known |= {"--help", "-h", "--version"}
    written = {
        word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)
    }
    assert written - known == set()
    commands = {title.split()[1] for title in _sections(text) if title.startswith("hardgate ")}
    assert commands == set(cli_main.COMMANDS)


# hardgate.yaml


@functools.cache
def _schema() -> dict[str, Any]:
    return config.schema(common.OPTIONS)


def _properties(part: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """The dotted name of every key below a part of the schema; `[]` stands for the items of a list."""
    definitions = _schema()["$defs"]
    while "$ref" in part:
        part = definitions[part["$ref"].rsplit("/", 1)[1]]
    for name, inner in part.get("properties", {}).items():
        yield f"{prefix}{name}"
        if name != "actions":
            yield from _properties(inner, f"{prefix}{name}.")
    if "items" in part:
        yield from _properties(part["items"], prefix.removesuffix(".") + "[].")


def _keys_of_file() -> list[str]:
    return sorted(set(_properties(_schema(), "")))


def _own_keys() -> list[str]:
    found = {f"{one.name}.{key}" for one in SCANNERS for key in one.options.__struct_fields__}
    return sorted(found)


@pytest.mark.parametrize("key", _keys_of_file())
def test_each_setting_has_its_row(key: str) -> None:
    assert f"\n| `{key}` |" in _read("docs/reference/hardgate-yaml.md")


@pytest.mark.parametrize("key", _own_keys())
def test_each_setting_of_a_scanner_has_its_row_and_is_on_its_page(key: str) -> None:
    assert f"\n| `{key}` |" in _read("docs/reference/hardgate-yaml.md")
    scanner, _, own = key.partition(".")
    page = DOCS / "scanners" / f"{scanner}.md"
    assert _mentions(page.read_text("utf-8"), own), f"{page.relative_to(ROOT)} does not describe `{own}`"


@pytest.mark.parametrize("key", config._Common.__struct_fields__)
def test_each_key_of_every_action_has_its_row(key: str) -> None:
    assert f"\n| `{key}` |" in _sections(_read("docs/reference/hardgate-yaml.md"))["Keys of every action"]


def test_no_row_describes_a_setting_that_is_not_there() -> None:
    text = _read("docs/reference/hardgate-yaml.md")
    rows = set(re.findall(r"^\| `([\w.\[\]-]+)` \|", text, re.M))
    subjects = {subject.name for subject in plan.SUBJECTS}
    assert rows == {*_keys_of_file(), *_own_keys(), *config._Common.__struct_fields__, *subjects}


@pytest.mark.parametrize("word", [*Severity, *Kind, config.NEVER, "default"])
def test_each_word_of_a_threshold_is_named(word: str) -> None:
    text = _sections(_read("docs/reference/hardgate-yaml.md"))["What blocks"]
    assert re.search(rf"\b{word}\b", text)


@pytest.mark.parametrize("subject", plan.SUBJECTS, ids=lambda one: one.name)
def test_each_subject_says_who_looks_at_it(subject: plan.Subject) -> None:
    row = re.search(rf"^\| `{subject.name}` \|.*$", _read("docs/reference/hardgate-yaml.md"), re.M)
    assert row is not None
    for capability in subject.any_of:
        assert capability.split(":")[-1] in row[0]


@pytest.mark.parametrize("reporter", REPORTERS, ids=lambda one: one.name)
def test_each_report_format_has_its_section(reporter: Any) -> None:
    assert re.search(rf"^#+ .*\b{reporter.name}\b", _read("docs/reference/reports.md"), re.M | re.I)
    assert re.search(rf"\b{reporter.name}\b", _sections(_read("docs/reference/hardgate-yaml.md"))["Reports"])


# Gaps, exit codes, environment, scanners


@pytest.mark.parametrize("reason", GapReason)
def test_each_gap_says_what_it_means_and_what_mends_it(reason: GapReason) -> None:
    section = _sections(_read("docs/reference/gaps.md"))[reason.value]
    paragraphs = [part for part in section.split("\n\n") if part.strip()]
    assert len(paragraphs) >= 2


def test_no_section_describes_a_gap_that_is_not_there() -> None:
    text = _read("docs/reference/gaps.md")
    assert set(re.findall(r"^## (.+)$", text, re.M)) == {reason.value for reason in GapReason}


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", _read("docs/reference/exit-codes.md"), re.M)
    assert rows == [(str(code.value), code.name) for code in ExitCode]
    readme = _sections(_read("README.md"))["Exit codes"]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", readme, re.M)] == [code.value for code in ExitCode]


def _strings_of(module: Path) -> dict[str, str]:
    """The module-level names that are bound to a text."""
    return {
        target.id: node.value.value
        for node in ast.parse(module.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _asked(module: Path) -> Iterator[ast.expr]:
    """The expressions by which a module asks an environment for a variable."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Subscript) and _is_environment(node.value):
            yield node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            getter = node.func.attr in {"get", "pop", "setdefault"} and _is_environment(node.func.value)
            if node.args and (getter or node.func.attr == "getenv"):
                yield node.args[0]


def _is_environment(node: ast.expr) -> bool:
    return ast.unparse(node).endswith("environ")


def _variables() -> set[str]:
    """Every environment variable that the code reads, by any of the ways in which it does."""
    found = set(tools.PASSED) | {name for one in SCANNERS for name in (*one.secrets, *one.needs)}
    constants = {name: value for module in SOURCE.rglob("*.py") for name, value in _strings_of(module).items()}
    for module in SOURCE.rglob("*.py"):
        for asked in _asked(module):
            if isinstance(asked, ast.Constant):
                found.add(str(asked.value))
            elif isinstance(asked, ast.Name | ast.Attribute):
                name = asked.id if isinstance(asked, ast.Name) else asked.attr
                if name in constants:
                    found.add(constants[name])
        words = re.findall(r"\b(?:HARDGATE|XDG|GITHUB|UV)_[A-Z][A-Z_]*[A-Z]\b", module.read_text("utf-8"))
        found |= set(words) - {"HARDGATE_RECEIPT"}
    return found | INDIRECT


@pytest.mark.parametrize("variable", sorted(_variables()))
def test_each_environment_variable_is_described(variable: str) -> None:
    assert _mentions(_read("docs/reference/environment.md"), variable)


def test_no_environment_variable_is_described_that_nobody_reads() -> None:
    first = re.findall(r"^\| `([A-Z_]+)` \|", _read("docs/reference/environment.md"), re.M)
    assert set(first) - _variables() == set()


def test_the_variables_that_the_scan_must_find_are_found() -> None:
    assert {"HARDGATE_HOME", "HARDGATE_STORE", "HARDGATE_RECEIPT_KEY", "HARDGATE_DEBUG", "NO_COLOR"} <= _variables()


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda one: one.name)
def test_each_scanner_has_its_page_and_is_listed(scanner: Any) -> None:
    page = DOCS / "scanners" / f"{scanner.name}.md"
    assert page.is_file()
    assert f"(scanners/{scanner.name}.md)" in _read("docs/README.md")
    assert scanner.name in _sections(_read("README.md"))["What it scans"]


# What pages show


def _anchors(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them from its headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "")).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", NAMED_PAGES)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^( *)```.*?^\1```", "", page.read_text("utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]+`", "", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{page.name} links to {target}, and there is no such file"
        if anchor and there.suffix == ".md":
            assert anchor in _anchors(there), f"{page.name} links to {target}, and there is no such heading"


def test_every_page_is_in_the_index() -> None:
    index = _read("docs/README.md")
    missing = [
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if path.name != "README.md" and f"({path.relative_to(DOCS).as_posix()})" not in index
    ]
    assert missing == []


def _whole(text: str) -> str:
    """A piece of hardgate.yaml with the needed keys that it leaves out."""
    every = "stages:\n  - name: every-scanner\n    actions: [" + ", ".join(one.name for one in SCANNERS) + "]\n"
    if text.lstrip().startswith("- "):
        text = "stages:\n  - name: shown\n    actions:\n" + "".join(f"      {line}\n" for line in text.splitlines())
    elif re.match(rf"({'|'.join(one.name for one in SCANNERS)}):", text):
        return _whole("- " + "".join(f"  {line}\n" for line in text.splitlines())[2:])
    head = "" if re.search(r"^pipeline:", text, re.M) else "pipeline: shown\n"
    return head + ("" if re.search(r"^stages:", text, re.M) else every) + text


@pytest.mark.parametrize("block", _all_blocks("yaml"))
def test_yaml_blocks_are_what_they_seem(block: Block) -> None:
    # BaseLoader: `on:` is a word and no truth value.
    data = yaml.load(block.text, Loader=yaml.BaseLoader)
    if isinstance(data, dict) and "jobs" in data:
        jsonschema.validate(yaml.safe_load(block.text.replace("\non:", '\n"on":')), _schema_of_workflows())
        return
    text = _whole(block.text)
    pipeline = common.parse_pipeline(text.encode(), str(block))
    assert pipeline.actions
    jsonschema.validate(yaml.safe_load(_dates_as_text(text)), _builtins(_schema()))


def _schema_of_workflows() -> Any:
    """SchemaStore's schema of GitHub workflows, as check-jsonschema carries it (it has no types)."""
    return importlib.import_module("check_jsonschema.builtin_schemas").get_builtin_schema("vendor.github-workflows")


def _dates_as_text(text: str) -> str:
    return re.sub(r"(?m): (\d{4}-\d\d-\d\d)$", r": '\1'", text)


def _builtins(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _commands(block: Block) -> Iterator[list[str]]:
    """The words of every command that a console block shows: lines that begin with `$ `, and their continuations."""
    for line in re.findall(r"^\$ (.+(?:(?<=\\)\n.+)*)", block.text, re.M):
        lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word in {"&&", "||", "|", ";"}:
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words = words[1:]
                yield words
                words = []
            elif word in {">", ">>"}:
                words.append(">")
            else:
                words.append(word)


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", _read("Makefile"), re.M))


@pytest.mark.parametrize("block", _all_blocks("console"))
def test_console_blocks_show_commands_that_exist(block: Block) -> None:
    commands = [_bare(words) for words in _commands(block) if words]
    assert commands, "a console block shows a command: a line that begins with `$ `"
    for words in commands:
        if words[0] == "make":
            assert set(words[1:]) <= _targets()
        elif words[0] == "hardgate":
            _understood(words[1:])
        else:
            assert words[0] in OTHER_COMMANDS, f"{words[0]} is neither ours nor among the usual programs"


def _bare(words: list[str]) -> list[str]:
    """A command without where its output goes, and without what starts it."""
    words = words[: words.index(">")] if ">" in words else words
    return words[words.index("hardgate") :] if words[0] == "uvx" and "hardgate" in words else words


def _understood(words: list[str]) -> None:
    if words in (["--version"], ["--help"]):
        return
    assert words[0] in cli_main.COMMANDS
    try:
        _, rest = _parser(words[0]).parse_known_args(words[1:])
    except SystemExit:
        pytest.fail(f"hardgate {' '.join(words)} is not understood")
    assert rest == [] or words[-1] == "--help"


def test_the_readme_shows_the_two_commands() -> None:
    text = _read("README.md")
    assert re.search(r"^\$? ?make demo\b", text, re.M)
    assert re.search(r"^\$? ?make test\b", text, re.M)


@pytest.mark.parametrize("page", NAMED_PAGES)
def test_tests_that_a_page_cites_exist(page: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text("utf-8")):
        assert (ROOT / file).is_file(), f"{page.name} cites {file}"
        if name:
            assert re.search(rf"^def {name}\(", (ROOT / file).read_text("utf-8"), re.M), f"{page.name} cites {name}"


# What is generated


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_what_the_code_would_write() -> None:
    for path, content in _generate().made(ROOT).items():
        assert (ROOT / path).read_bytes() == content, f"{path} is not as it should be: make docs"


def test_the_schema_is_a_schema_and_refuses_what_the_loader_refuses() -> None:
    schema = msgspec.json.decode(_generate().schema_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {"pipeline": "p", "stages": [{"name": "s", "actions": ["bandit"]}]}
    jsonschema.validate(good, schema)
    for bad in ({**good, "polcy": {}}, {**good, "stages": [{"name": "s", "actions": ["bandid"]}]}, {"pipeline": "p"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_figures_become_a_table_between_the_markers_and_nothing_else_changes() -> None:
    generate = _generate()
    figures = generate.Figures(
        measured="2026-01-31",
        machine="2 cores",
        tree="a tree",
        rows=(generate.Row(what="bare", seconds=1.234), generate.Row(what="ours", seconds=2.0, bound="1.86 s")),
    )
    before = f"head\n{generate.BEGIN}\nold\n{generate.END}\ntail\n"
    after = generate.readme_text(before, figures)
    assert after.startswith("head\n")
    assert after.endswith("\ntail\n")
    assert "| bare | 1.23 s | none |" in after
    assert "| ours | 2.00 s | 1.86 s |" in after
    assert "old" not in after
    assert generate.readme_text(after, figures) == after
    assert generate.readme_text(before, None) == before
    with pytest.raises(ValueError, match="each once"):
        generate.readme_text("no markers", figures)
