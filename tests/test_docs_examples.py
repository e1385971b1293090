"""What the documentation shows is so: links lead somewhere, examples load, commands exist, tables are up to date."""

from __future__ import annotations

import functools
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

from hardgate.cli import common
from hardgate.cli import main as cli_main
from hardgate.scanners import SCANNERS
from tests.pages import DOCS, NAMED_PAGES, ROOT, Block, all_blocks, generate, parser, read, schema

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
        "terraform",
        "pipx",
        "psql",
        "tar",
        "./deploy.sh",
    }
)

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
    """In that of the documentation, or in that of its own folder, which then is in the first."""
    index = read("docs/README.md")
    missing = []
    for path in DOCS.rglob("*.md"):
        own = path.parent / "README.md"
        in_own = path != own and own.is_file() and f"({path.name})" in own.read_text("utf-8")
        if path != DOCS / "README.md" and f"({path.relative_to(DOCS).as_posix()})" not in index and not in_own:
            missing.append(path.relative_to(DOCS).as_posix())
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


@pytest.mark.parametrize("block", all_blocks("yaml"))
def test_yaml_blocks_are_what_they_seem(block: Block) -> None:
    # BaseLoader: `on:` is a word and no truth value.
    data = yaml.load(block.text, Loader=yaml.BaseLoader)
    if isinstance(data, dict) and "jobs" in data:
        _validator_of_workflows().validate(yaml.safe_load(block.text.replace("\non:", '\n"on":')))
        for step in (step for job in data["jobs"].values() for step in job["steps"]):
            if step.get("run", "").startswith("hardgate "):
                _understood(shlex.split(step["run"])[1:])
        return
    text = _whole(block.text)
    pipeline = common.parse_pipeline(text.encode(), str(block))
    assert pipeline.actions
    _validator().validate(yaml.safe_load(_dates_as_text(text)))


@functools.cache
def _validator_of_workflows() -> jsonschema.Draft7Validator:
    """SchemaStore's schema of GitHub workflows, as check-jsonschema carries it (it has no types)."""
    schemas = importlib.import_module("check_jsonschema.builtin_schemas")
    return jsonschema.Draft7Validator(schemas.get_builtin_schema("vendor.github-workflows"))


def _dates_as_text(text: str) -> str:
    return re.sub(r"(?m): (\d{4}-\d\d-\d\d)$", r": '\1'", text)


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(msgspec.to_builtins(schema()))


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
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))


@pytest.mark.parametrize("block", all_blocks("console"))
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
        _, rest = parser(words[0]).parse_known_args(words[1:])
    except SystemExit:
        pytest.fail(f"hardgate {' '.join(words)} is not understood")
    assert rest == [] or words[-1] == "--help"


def test_the_readme_shows_the_two_commands() -> None:
    text = read("README.md")
    assert re.search(r"^\$? ?make demo\b", text, re.M)
    assert re.search(r"^\$? ?make test\b", text, re.M)


@pytest.mark.parametrize("page", NAMED_PAGES)
def test_tests_that_a_page_cites_exist(page: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text("utf-8")):
        assert (ROOT / file).is_file(), f"{page.name} cites {file}"
        if name:
            assert re.search(rf"^def {name}\(", (ROOT / file).read_text("utf-8"), re.M), f"{page.name} cites {name}"


# What is generated


def test_generated_files_are_what_the_code_would_write() -> None:
    for path, content in generate().made(ROOT).items():
        assert (ROOT / path).read_bytes() == content, f"{path} is not as it should be: make docs"


def test_the_schema_is_a_schema_and_refuses_what_the_loader_refuses() -> None:
    schema = msgspec.json.decode(generate().schema_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {"pipeline": "p", "stages": [{"name": "s", "actions": ["bandit"]}]}
    jsonschema.validate(good, schema)
    for bad in ({**good, "polcy": {}}, {**good, "stages": [{"name": "s", "actions": ["bandid"]}]}, {"pipeline": "p"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_figures_become_a_table_between_the_markers_and_nothing_else_changes() -> None:
    made = generate()
    figures = made.Figures(
        measured="2026-01-31",
        machine="2 cores",
        tree="a tree",
        rows=(made.Row(what="bare", seconds=1.234), made.Row(what="ours", seconds=2.0, bound="1.86 s")),
    )
    before = f"head\n{made.BEGIN}\nold\n{made.END}\ntail\n"
    after = made.readme_text(before, figures)
    assert after.startswith("head\n")
    assert after.endswith("\ntail\n")
    assert "| bare | 1.23 s | none |" in after
    assert "| ours | 2.00 s | 1.86 s |" in after
    assert "old" not in after
    assert made.readme_text(after, figures) == after
    assert made.readme_text(before, None) == before
    with pytest.raises(ValueError, match="each once"):
        made.readme_text("no markers", figures)
