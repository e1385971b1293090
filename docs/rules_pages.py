"""Makes docs/rules: a page for each bundled Semgrep rule, out of the rule and of its notes, and the table of all rules.

The notes are written by hand, by rule id: docs/rules/notes/<family>.yaml for each family of src/hardgate/rules/semgrep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

Rule = Mapping[str, Any]

FOLDER = Path("docs/rules")
NOTES = FOLDER / "notes"
INDEX = FOLDER / "README.md"
MARKERS = ("<!-- rules -->", "<!-- /rules -->")
# What an example is called where a note does not say, by the first word of the rule's id.
FILES = {
    "python": "app.py",
    "dockerfile": "Dockerfile",
    "compose": "docker-compose.yml",
    "buildspec": "buildspec.yml",
    "terraform": "main.tf",
}
LANGUAGES = {"python": "Python", "terraform": "Terraform"}
# `yml` and not `yaml` where the file is no hardgate.yaml and no workflow: the tests of the documentation load those.
FENCES = {".py": "python", ".tf": "hcl", "": "dockerfile"}


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person wrote about a rule: Markdown, two examples in the rule's language, and the examples' file name."""

    sees: str
    why: str
    unsafe: str
    safe: str
    blind: str
    file: str = ""


def notes(folder: Path, families: Mapping[str, Sequence[Rule]]) -> dict[str, Note]:
    """The notes on every rule of these families, by rule id.

    Raises ValueError for a rule without notes, for notes without a rule, and for notes in the file of another family;
    msgspec.ValidationError for notes that lack a part or have one too many.
    """
    found: dict[str, Note] = {}
    for family in sorted({*families, *(path.stem for path in folder.glob("*.yaml"))}):
        path = folder / f"{family}.yaml"
        data = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
        here = msgspec.convert(data, dict[str, Note])
        ids = {str(rule["id"]) for rule in families.get(family, ())}
        if ids - set(here):
            raise ValueError(f"{path} has no notes on {', '.join(sorted(ids - set(here)))}: write them there")
        if set(here) - ids:
            raise ValueError(
                f"{path} has notes on {', '.join(sorted(set(here) - ids))}, which is no rule of its family"
            )
        found |= here
    return found


def example_file(rule: str, note: Note) -> str:
    """The path of a rule's examples, as it would be in a repository. Raises KeyError when nothing says it."""
    return note.file or FILES[rule.split("-", maxsplit=1)[0]]


def pages(root: Path, families: Mapping[str, Sequence[Rule]]) -> dict[Path, bytes]:
    """The page of every rule, by its path below `root`. Raises as `notes` does."""
    written = notes(root / NOTES, families)
    return {
        FOLDER / f"{rule['id']}.md": _page(rule, family, written[rule["id"]]).encode()
        for family, rules in families.items()
        for rule in rules
    }


def table(families: Mapping[str, Sequence[Rule]]) -> str:
    """All rules as a Markdown table, a row for each, and how many there are."""
    rules = [rule for members in families.values() for rule in members]
    head = [
        f"{len(rules)} rules in {len(families)} families.",
        "",
        "| Rule | Severity | Weakness | Confidence |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *(_row(rule) for rule in rules)])


def _row(rule: Rule) -> str:
    facts = rule["metadata"]
    weaknesses = ", ".join(name.split(":")[0] for name in facts["cwe"])
    cells = (f"[`{rule['id']}`]({rule['id']}.md)", facts["hardgate_severity"], weaknesses, facts["confidence"].lower())
    return f"| {' | '.join(cells)} |"


def _page(rule: Rule, family: str, note: Note) -> str:
    name = example_file(rule["id"], note)
    parts = [
        f"# {rule['id']}",
        f"<!-- Made by `make docs` from the rule and from notes/{family}.yaml: change those. -->",
        rule["message"].strip(),
        _facts(rule, family),
        f"## What it sees\n\n{_sees(rule, note)}",
        f"## Why it is bad\n\n{note.why.strip()}",
        f"## Unsafe\n\n{_code(name, note.unsafe)}",
        f"## Safe\n\n{_code(name, note.safe)}",
        f"## How to fix\n\n{rule['metadata']['fix'].strip()}",
        f"## What it cannot see\n\n{note.blind.strip()}",
        f"## Read more\n\n{_links(rule['metadata']['references'])}",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(rule: Rule, family: str) -> str:
    facts, paths = rule["metadata"], rule.get("paths", {})
    looks = _names(paths["include"]) if "include" in paths else ", ".join(LANGUAGES[one] for one in rule["languages"])
    rows = [
        ("Severity", facts["hardgate_severity"]),
        ("Confidence", facts["confidence"].lower()),
        ("Kind", "secret, which blocks in any case" if facts["kind"] == "secret" else facts["kind"]),
        ("Weakness", "; ".join(_weakness(name) for name in facts["cwe"])),
        ("Looks at", looks),
        *([("Leaves out", _names(paths["exclude"]))] if "exclude" in paths else []),
        ("Rule", f"[{family}.yaml](../../src/hardgate/rules/semgrep/{family}.yaml)"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows)])


def _sees(rule: Rule, note: Note) -> str:
    """The words of the note; for a rule over request data also where it says what those are."""
    if "flask.request" not in json.dumps(rule.get("pattern-sources", [])):
        return note.sees.strip()
    more = (
        "[Where request data starts, and what ends it](README.md#what-the-rules-over-request-data-follow), is the same"
    )
    return f"{note.sees.strip()}\n\n{more} for all rules of this kind. They follow it within one file."


def _weakness(name: str) -> str:
    number, _, title = name.partition(": ")
    return f"[{number}](https://cwe.mitre.org/data/definitions/{number.removeprefix('CWE-')}.html) {title}"


def _names(patterns: Sequence[str]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns)


def _code(name: str, text: str) -> str:
    workflow = "yaml" if ".github/" in name else "yml"
    return f"`{name}`:\n\n```{FENCES.get(Path(name).suffix, workflow)}\n{text.rstrip()}\n```"


def _links(addresses: Sequence[str]) -> str:
    return "\n".join(f"- <{address}>" for address in addresses)
