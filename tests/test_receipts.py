"""receipts.py: what travels is believed only when nothing about it was changed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import receipts
from hardgate.errors import StoreError
from hardgate.model import (
    ActionState,
    CanaryCheck,
    DataUse,
    Gap,
    GapReason,
    Output,
    Receipt,
    Scope,
    Severity,
    ToolUse,
)
from tests.builders import COMMIT, DIGEST, dependency, receipt, settled

EXPECTED = ("bandit", "ruff", "trivy")
WHOLE = receipt(
    tool=ToolUse(name="bandit", version="1.9.4", digest="a" * 64, origin="toolbox"),
    rules_digest="b" * 64,
    data=DataUse(source="https://osv.dev", date="2026-01-30"),
    argv=(("bandit", "-r", "$TREE"), ("bandit", "--again")),
    exit_codes=(1, 0),
    seconds=1.25,
    cpu_seconds=0.1,
    peak_memory=50_000_000,
    scope=Scope(files=3, digest="f" * 64, seen=3, excluded=1, configs=(".bandit",)),
    canary=CanaryCheck(checked_at="2026-01-31T11:00:00Z", how="earlier today", rules=("B101",)),
    findings=(settled(1), settled(2, severity=Severity.LOW), dependency("CVE-1", fingerprints={"a": "1", "b": "2"})),
    gaps=(Gap(reason=GapReason.FILE_UNREAD, message="x", path="x", action="bandit"),),
    notes=("a note",),
    outputs=(Output(name="sbom.json", media_type="application/json", sha256="0" * 64, size=4),),
    cached_from="20260130-120000-aaaaaa",
    hardgate_version="0.1.0",
)


def hand_in(folder: Path, *made: Receipt, key: str = "") -> None:
    for number, one in enumerate(made):
        receipts.write(folder / str(number), receipts.seal(one, key), {})


def read(folder: Path, **other: Any) -> tuple[tuple[Receipt, ...], list[str]]:
    """The receipts that are believed, and what is wrong with the others."""
    asked = {"commit": COMMIT, "pipeline_digest": DIGEST, "expected": EXPECTED, **other}
    good, gaps = receipts.read(folder, **asked)
    for gap in gaps:
        assert gap.reason is GapReason.RECEIPT_REFUSED
        assert gap.message.isprintable()
        assert gap.remedy
    return good, [gap.message for gap in gaps]


def path_of(folder: Path, action: str = "bandit") -> Path:
    (path,) = folder.rglob(f"{action}{receipts.SUFFIX}")
    return path


def test_a_receipt_comes_back_as_it_was(tmp_path: Path) -> None:
    hand_in(tmp_path, WHOLE, receipt("ruff", ActionState.NOTHING_TO_DO))
    good, problems = read(tmp_path)
    assert problems == []
    assert [msgspec.structs.replace(one, digest="") for one in good] == [
        WHOLE,
        receipt("ruff", ActionState.NOTHING_TO_DO),
    ]


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) == ((), [])


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="there is no folder"):
            read(folder)
    assert not (tmp_path / "absent").exists()


def test_documents_lie_beside_their_receipt(tmp_path: Path) -> None:
    path = receipts.write(tmp_path / "deep" / "er", receipts.seal(WHOLE), {"sbom.json": b"{}\n"})
    assert path == tmp_path / "deep" / "er" / "bandit.receipt.json"
    assert (path.parent / "sbom.json").read_bytes() == b"{}\n"
    assert sorted(one.name for one in path.parent.iterdir()) == ["bandit.receipt.json", "sbom.json"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"bandit\.receipt\.json was not written: (File exists|Not a directory)"):
        receipts.write(tmp_path / "file", receipts.seal(WHOLE), {})


# What was altered


def _other(value: object) -> object:  # noqa: PLR0911 (a table)
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case "gap" | "done" | "nothing-to-do":
            return "done" if value == "gap" else "gap"
        case str():
            return value + "x"
        case list():
            return value[:-1] if value else ["x"]
        case None:
            return 7
    return None


def _leaves(tree: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in a receipt, lists and mappings themselves included."""
    if path:
        yield path
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from _leaves(value, (*path, number))


def _altered(raw: bytes, path: tuple[str | int, ...]) -> bytes:
    tree = msgspec.json.decode(raw)
    place = tree
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = _other(place[path[-1]])
    return msgspec.json.encode(tree)


SEALED = msgspec.json.encode(receipts.seal(WHOLE))
EVERYTHING = list(_leaves(msgspec.json.decode(SEALED)))


@pytest.mark.parametrize("key", ["", "a key"])
def test_every_single_value_is_under_the_seal(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(receipts.KEY_VARIABLE, key)
    raw = msgspec.json.encode(receipts.seal(WHOLE, key))
    place = tmp_path / f"bandit{receipts.SUFFIX}"
    believed = []
    for path in EVERYTHING:
        place.write_bytes(_altered(raw, path))
        if read(tmp_path)[0]:
            believed.append(path)
    assert len(EVERYTHING) > 100
    assert believed == []


def test_a_finding_that_was_taken_out_is_missed(tmp_path: Path) -> None:
    place = tmp_path / f"bandit{receipts.SUFFIX}"
    place.write_bytes(_altered(SEALED, ("findings",)))
    assert read(tmp_path) == ((), ["bandit.receipt.json was altered after it was sealed"])


def test_another_layout_of_the_same_values_is_no_change(tmp_path: Path) -> None:
    (tmp_path / f"bandit{receipts.SUFFIX}").write_bytes(msgspec.json.format(SEALED, indent=4))
    good, problems = read(tmp_path)
    assert (len(good), problems) == (1, [])


@pytest.mark.parametrize("end", [*range(0, len(SEALED), 97), len(SEALED) - 1])
def test_every_truncation_is_refused(end: int, tmp_path: Path) -> None:
    (tmp_path / f"bandit{receipts.SUFFIX}").write_bytes(SEALED[:end])
    good, (problem,) = read(tmp_path)
    assert good == ()
    assert problem.startswith("bandit.receipt.json is no whole receipt: ")


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"null", b"junk", b"\xff\xfe", b'{"action": "\xff"}', b'{"x": ' + b"[" * 200_000, b"\0" * 1000,
     SEALED.replace(b'"state":"done"', b'"state":"fine"'), SEALED.replace(b'"commit"', b'"komit"'), SEALED + b"{}"],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_receipt_is_refused(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / f"bandit{receipts.SUFFIX}").write_bytes(raw)
    good, (problem,) = read(tmp_path)
    assert good == ()
    assert problem.startswith("bandit.receipt.json is no whole receipt: ")


@pytest.mark.parametrize("digest", ["", "é", "sha256:", "\x1b[2J", "hmac-sha256:é", "x" * 100_000])
def test_a_seal_that_is_none_is_refused(digest: str, tmp_path: Path) -> None:
    receipts.write(tmp_path, msgspec.structs.replace(WHOLE, digest=digest), {})
    good, problems = read(tmp_path)
    assert (good, len(problems)) == ((), 1)


@given(st.binary(max_size=200) | st.integers(0, len(SEALED)).map(lambda at: SEALED[:at] + b"0" + SEALED[at + 1 :]))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"bandit{receipts.SUFFIX}").write_bytes(raw)
        good, problems = read(Path(folder))
    assert len(good) + len(problems) == 1
    assert all(msgspec.structs.replace(one, digest="") == WHOLE for one in good)


# To what it belongs


@pytest.mark.parametrize(
    ("changed", "asked", "problem"),
    [
        ({"commit": "b" * 40}, {}, "is of commit bbbbbbbbbbbb, and the gate judges cccccccccccc"),
        ({"commit": ""}, {}, "is of commit none, and the gate judges cccccccccccc"),
        ({}, {"commit": ""}, "is of commit cccccccccccc, and the gate judges none"),
        ({"commit": COMMIT[:39]}, {}, "is of commit cccccccccccc, and the gate judges cccccccccccc"),
        (
            {"pipeline_digest": "0" * 64},
            {},
            "was made under another hardgate.yaml than the one that the gate judges by, or without its base",
        ),
        ({}, {"expected": ("ruff",)}, "is of an action, bandit, that the pipeline does not have"),
    ],
)
def test_what_belongs_elsewhere_is_refused(
    changed: dict[str, Any], asked: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    hand_in(tmp_path, msgspec.structs.replace(WHOLE, **changed))
    assert read(tmp_path, **asked) == ((), [f"bandit.receipt.json {problem}"])


def test_the_same_action_twice_counts_as_none(tmp_path: Path) -> None:
    """Which of the two would be right? The one that found something, or the one that did not."""
    hand_in(tmp_path, WHOLE, msgspec.structs.replace(WHOLE, findings=()), receipt("ruff"))
    good, problems = read(tmp_path)
    assert [one.action for one in good] == ["ruff"]
    told = "bandit.receipt.json is a second receipt of bandit beside bandit.receipt.json; neither counts"
    assert problems == [told]


@pytest.mark.parametrize("times", [2, 3, 4])
def test_copies_of_a_receipt_count_as_none(times: int, tmp_path: Path) -> None:
    hand_in(tmp_path, *[WHOLE] * times)
    good, problems = read(tmp_path)
    assert (good, len(problems)) == ((), times - 1)


def test_a_bad_copy_beside_a_good_one_is_told(tmp_path: Path) -> None:
    hand_in(tmp_path, WHOLE)
    (tmp_path / f"copy{receipts.SUFFIX}").write_bytes(SEALED[:50])
    good, problems = read(tmp_path)
    assert (len(good), len(problems)) == (1, 1)


def test_receipts_of_different_trees_count_as_none(tmp_path: Path) -> None:
    hand_in(tmp_path, WHOLE, msgspec.structs.replace(receipt("ruff"), tree="0" * 64))
    good, (problem,) = read(tmp_path)
    assert good == ()
    assert problem == "2 receipts are of different trees of the same commit"


# With a key


@pytest.mark.parametrize(
    ("sealed_with", "gate_has", "problem"),
    [
        ("", "", ""),
        ("a key", "a key", ""),
        ("a key", "", "is sealed with a key, and the gate has none: set HARDGATE_RECEIPT_KEY"),
        ("", "a key", "is sealed without a key, and the gate has one: set HARDGATE_RECEIPT_KEY where the action runs"),
        ("a key", "another", "was altered after it was sealed, or sealed with another key"),
        ("schlüssel", "schlüssel", ""),
    ],
)
def test_the_key_of_action_and_gate(
    sealed_with: str, gate_has: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if gate_has:
        monkeypatch.setenv(receipts.KEY_VARIABLE, gate_has)
    hand_in(tmp_path, WHOLE, key=sealed_with)
    good, problems = read(tmp_path)
    assert len(good) == (0 if problem else 1)
    assert problems == ([f"bandit.receipt.json {problem}"] if problem else [])


def test_a_seal_of_ones_own_does_not_do_where_there_is_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no key can still compute a plain seal over what they changed."""
    monkeypatch.setenv(receipts.KEY_VARIABLE, "a key")
    plain = receipts.seal(msgspec.structs.replace(WHOLE, findings=()))
    forged = msgspec.structs.replace(plain, digest=plain.digest.replace("sha256:", "hmac-sha256:"))
    for number, one in enumerate((plain, forged)):
        receipts.write(tmp_path / str(number), one, {})
    good, problems = read(tmp_path)
    assert (good, len(problems)) == ((), 2)


def test_the_seal_says_how_it_was_made_and_holds_no_key() -> None:
    assert receipts.seal(WHOLE).digest.startswith("sha256:")
    keyed = receipts.seal(WHOLE, "a key").digest
    assert keyed.startswith("hmac-sha256:")
    assert "a key" not in keyed
    assert receipts.seal(receipts.seal(WHOLE)) == receipts.seal(WHOLE)


# A hostile folder


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / f"folder{receipts.SUFFIX}").mkdir()
    os.mkfifo(tmp_path / f"pipe{receipts.SUFFIX}")
    (tmp_path / f"dangling{receipts.SUFFIX}").symlink_to("/nowhere")
    (tmp_path / f"device{receipts.SUFFIX}").symlink_to("/dev/zero")
    good, problems = read(tmp_path)
    assert good == ()
    assert sorted(problem.split(".")[0] for problem in problems) == ["dangling", "device", "folder", "pipe"]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    place = tmp_path / f"large{receipts.SUFFIX}"
    place.touch()
    os.truncate(place, receipts._LIMIT + 1)
    assert len(read(tmp_path)[1]) == 1


def test_odd_names_of_files_and_actions_are_shown_harmless(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\x1b[2J\xff\n" + receipts.SUFFIX.encode())).write_bytes(b"")
    (tmp_path / f"a{receipts.SUFFIX}").write_bytes(
        msgspec.json.encode(receipts.seal(msgspec.structs.replace(WHOLE, action="\x1b[2J\n")))
    )
    good, problems = read(tmp_path)
    assert good == ()
    assert [problem.split(" is ")[0] for problem in problems] == ["\\x1b[2J\\xff\\n.receipt.json", "a.receipt.json"]
    assert msgspec.json.encode(problems)


def test_other_files_are_passed_by(tmp_path: Path) -> None:
    hand_in(tmp_path, WHOLE)
    for name in ("sbom.json", "bandit.receipt.part", "receipt.json", "notes"):
        (tmp_path / name).write_text("x")
    good, problems = read(tmp_path)
    assert (len(good), problems) == (1, [])
