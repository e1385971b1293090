"""Writes what the documentation and the package hold in a form that is made from the code.

    python docs/generate.py           # write what is not as it should be
    python docs/generate.py --check   # write nothing; exit code 1 when something is not as it should be

Made are the JSON Schema of hardgate.yaml for editors, the bundled Semgrep rules as the one file that the engines read,
and the table of figures in README.md out of bench/results/overhead.json. The same input always makes the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from hardgate import config
from hardgate.scanners import SCANNERS

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = Path("src/hardgate/schemas/hardgate-yaml.schema.json")
FAMILIES = Path("src/hardgate/rules/semgrep")
SHARED = "shared.yaml"
RULES = Path("src/hardgate/rules/semgrep.json")
README = Path("README.md")
FIGURES = Path("bench/results/overhead.json")
BEGIN, END = "<!-- bench:overhead -->", "<!-- /bench:overhead -->"


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure: what was timed, its wall time, and the bound it must keep ("" where there is none)."""

    what: str
    seconds: float
    bound: str = ""


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bench/overhead.py measured: when (ISO 8601 date), on which machine, over which tree."""

    measured: str
    machine: str
    tree: str
    rows: tuple[Row, ...]


def schema_bytes() -> bytes:
    """The JSON Schema of hardgate.yaml for the scanners that this hardgate has."""
    options = {scanner.name: scanner.options for scanner in sorted(SCANNERS, key=lambda one: one.name)}
    document = msgspec.to_builtins(config.schema(options))
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def rules(folder: Path) -> list[dict[str, Any]]:
    """All rules of the family files in `folder`, in the order of their names; each is read after the shared anchors.

    Raises ValueError for an id that is there twice.
    """
    shared = (folder / SHARED).read_text("utf-8")
    texts = (path.read_text("utf-8") for path in sorted(folder.glob("*.yaml")) if path.name != SHARED)
    found = [rule for text in texts for rule in yaml.safe_load(f"{shared}\n{text}")["rules"]]
    twice = [one for one, times in Counter(rule["id"] for rule in found).items() if times > 1]
    if twice:
        raise ValueError(f"{folder} has more than one rule {', '.join(twice)}")
    return found


def rules_bytes(folder: Path) -> bytes:
    """The rules as one JSON document, a line for each: the engines read that in half the time that YAML takes them."""
    lines = ",\n".join(json.dumps(rule, sort_keys=True) for rule in rules(folder))
    return f'{{"rules": [\n{lines}\n]}}\n'.encode()


def read_figures(root: Path) -> Figures | None:
    """The figures that were measured last, None when nothing was measured yet."""
    path = root / FIGURES
    return msgspec.json.decode(path.read_bytes(), type=Figures) if path.is_file() else None


def table(figures: Figures) -> str:
    """The figures as a Markdown table, with the machine and the day they are from."""
    rows = [f"| {row.what} | {row.seconds:.2f} s | {row.bound or 'none'} |" for row in figures.rows]
    head = ["| what | wall time | bound |", "|---|---|---|"]
    origin = f"Measured on {figures.measured} over {figures.tree}, on {figures.machine}, by `make bench`."
    return "\n".join([*head, *rows, "", origin])


def readme_text(text: str, figures: Figures | None) -> str:
    """README.md with the table between its two markers; as it is when nothing was measured.

    Raises ValueError when the markers do not stand there exactly once, in their order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{README} must hold {BEGIN} and then {END}, each once")
    if figures is None:
        return text
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table(figures)}\n{END}{rest.split(END)[1]}"


def made(root: Path) -> Mapping[Path, bytes]:
    """Every generated file below `root`, with the bytes that it should have."""
    readme = readme_text((root / README).read_text("utf-8"), read_figures(root))
    return {SCHEMA: schema_bytes(), RULES: rules_bytes(root / FAMILIES), README: readme.encode()}


def main(argv: Sequence[str] | None = None) -> int:
    """Write, or with --check compare; returns 0 when all is as it should be."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is not as it should be")
    check = parser.parse_args(argv).check
    stale = [
        (path, content)
        for path, content in made(ROOT).items()
        if not (ROOT / path).is_file() or (ROOT / path).read_bytes() != content
    ]
    for path, content in stale:
        if not check:
            (ROOT / path).write_bytes(content)
        sys.stdout.write(f"{path} {'is not as it should be: make docs' if check else 'was written'}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
