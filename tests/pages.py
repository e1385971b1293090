"""The pages of the documentation, and how their sections, words and blocks are found: for test_docs and its twin."""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from hardgate import config
from hardgate.cli import common

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "hardgate"
FOLDERS = ("bench", "docs", "examples", "tests")
PAGES = tuple(
    sorted(
        path
        for path in (*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md")))
        if not {"samples", "expected", "node_modules"} & set(path.parts)
    )
)
NAMED_PAGES = [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in PAGES]


class Block(NamedTuple):
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@functools.cache
def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(page: Path) -> Iterator[Block]:
    fence = re.compile(
        r"^(?P<indent> *)(?P<marks>`{3,})(?P<language>[\w+-]*)\n(?P<text>.*?)^\1(?P=marks)$", re.M | re.S
    )
    text = page.read_text("utf-8")
    for match in fence.finditer(text):
        indent = match["indent"]
        body = "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        yield Block(page, text[: match.start()].count("\n") + 1, match["language"], body)


def all_blocks(language: str) -> list[Any]:
    found = (block for page in PAGES for block in blocks(page) if block.language == language)
    return [pytest.param(block, id=str(block)) for block in found]


@functools.cache
def sections(text: str) -> dict[str, str]:
    """The text below each heading up to the next one of the same or a higher level, by heading without code marks."""
    found: dict[str, str] = {}
    bare = re.sub(r"^```.*?^```", lambda match: match[0].replace("\n#", "\n "), text, flags=re.M | re.S)
    heads = list(re.finditer(r"^(#+) (.+)$", bare, re.M))
    for number, head in enumerate(heads):
        end = next((one.start() for one in heads[number + 1 :] if len(one[1]) <= len(head[1])), len(bare))
        found[head[2].replace("`", "").strip()] = bare[head.end() : end]
    return found


def mentions(text: str, word: str) -> bool:
    """Whether `word` stands in the text as code, whole: `--run` is not mentioned by `--run-id`."""
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code) for code in re.findall(r"`([^`\n]+)`", text))


def parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"hardgate {command}", allow_abbrev=False, exit_on_error=False)
    importlib.import_module(f"hardgate.cli.{command}").add(parser)
    return parser


@functools.cache
def schema() -> dict[str, Any]:
    return config.schema(common.OPTIONS)


@functools.cache
def families() -> dict[str, list[dict[str, Any]]]:
    """The bundled rules of each family, read once: nobody may change them."""
    found: dict[str, list[dict[str, Any]]] = generate().families(ROOT / generate().FAMILIES)
    return found


@functools.cache
def generate() -> ModuleType:
    """docs/generate.py, which writes what is made from the code."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # msgspec looks the names of annotations up there
    spec.loader.exec_module(module)
    return module
