"""cyclonedx: its documents are whole, valid and the same each time."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT7

from hardgate.errors import ReportError
from hardgate.model import GapReason, Report
from hardgate.sboms import prepare
from hardgate.scanners.cyclonedx import CYCLONEDX
from tests.lab.tools import tool
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples" / "cyclonedx"


def test_samples() -> None:
    assert CYCLONEDX.parse((SAMPLES / "pinned-7.5.0.json").read_bytes()) == Report(version="7.5.0")
    assert CYCLONEDX.parse((SAMPLES / "unpinned-7.5.0.json").read_bytes()) == Report(version="7.5.0")


def test_a_document_that_lists_nothing_is_a_gap() -> None:
    (gap,) = CYCLONEDX.parse((SAMPLES / "nothing-7.5.0.json").read_bytes()).gaps
    assert gap.reason is GapReason.FILE_UNREAD


@pytest.mark.parametrize(
    "changes",
    [
        {"bomFormat": "SPDX"},
        {"specVersion": "2.0"},
        {"components": [{"name": ""}]},
        {"components": [{}]},
        {"version": ""},
    ],
)
def test_another_document_is_refused(changes: dict[str, object]) -> None:
    document = json.loads((SAMPLES / "pinned-7.5.0.json").read_bytes())
    with pytest.raises(ReportError):
        CYCLONEDX.parse(json.dumps(document | changes).encode())


@pytest.mark.real
def test_the_document_is_the_same_each_time_and_names_each_line(tmp_path: Path) -> None:
    text = "-r base.txt\nflask>=1\n./local\njinja2==2.4.1 ; python_version < '3'\n"
    files = {"api/requirements.txt": text, "api/requirements-base.txt": "click==8.1.8\n"}
    documents = []
    for name in ("one", "two"):
        root = real.write(tmp_path / name, files)
        parts = CYCLONEDX.split(real.job(CYCLONEDX, root, tmp_path / f"scratch-{name}"))
        (part,) = (part for part in parts if part.subject == "api/requirements.txt")
        prepared = prepare(part, text.encode())
        (root / part.subject).write_bytes(prepared.content)
        documents.append(real.start(CYCLONEDX, part).stdout)
    assert documents[0] == documents[1]
    listed = msgspec.json.decode(documents[0])["components"]
    assert {(one["name"], one.get("version"), one["bom-ref"]) for one in listed} == {
        ("flask", None, "requirements-L2"),
        ("jinja2", "2.4.1", "requirements-L4"),
    }
    assert [gap.message.partition(":")[0] for gap in prepared.gaps] == [
        "api/requirements.txt line 3",
        "api/requirements.txt line 1",
    ]


@pytest.mark.real
def test_a_missing_file_is_an_error_of_the_tool(tmp_path: Path) -> None:
    root = real.write(tmp_path / "tree", {"requirements.txt": "flask==1.0\n"})
    (part,) = CYCLONEDX.split(real.job(CYCLONEDX, root, tmp_path / "scratch"))
    (root / "requirements.txt").unlink()
    assert real.start(CYCLONEDX, part).exit_code not in CYCLONEDX.done_exits


def _schema() -> jsonschema.Draft7Validator:
    """The validator of CycloneDX 1.6; the schemas come with the tool's own library."""
    folder = next(tool("cyclonedx").parent.glob("env/lib/python3*/site-packages/cyclonedx/schema/_res"))
    # The document's schema names its neighbours by their file names.
    files = {f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82")}
    schemas = {name: json.loads((folder / name).read_bytes()) for name in files}
    pairs = [(f"http://cyclonedx.org/schema/{name}", DRAFT7.create_resource(found)) for name, found in schemas.items()]
    return jsonschema.Draft7Validator(
        schemas["bom-1.6.SNAPSHOT.schema.json"], registry=Registry().with_resources(pairs)
    )


@pytest.mark.real
def test_the_samples_are_valid_against_the_schema() -> None:
    validator = _schema()
    for path in SAMPLES.glob("*.json"):
        document = json.loads(path.read_bytes())
        assert list(validator.iter_errors(document)) == []
        assert list(validator.iter_errors(document | {"bomFormat": "SPDX"})) != []
