"""Two runs compared: what stays the same finding, what does not, and runs that an older release stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import git, identity
from hardgate.errors import ToolError
from hardgate.exceptions.applying import matches
from hardgate.model import Finding, Kind, Run
from tests.builders import dependency, finding, waiver
from tests.identity import capture_run
from tests.scanners import real

STORED = Path(__file__).parent / "run-0.1.0.json"


def settle(files: Mapping[str, str], *findings: Finding, key: bytes = b"") -> tuple[Finding, ...]:
    return identity.merge(
        identity.settle(
            findings, action="a", severities={}, place=lambda path: path, key=key,
            lines=lambda path: files.get(path, "").split("\n") if path in files else (),
        )
    )  # fmt: skip


def bys(pairing: identity.Pairing) -> dict[tuple[int | None, int | None], str]:
    """Lines of the older and the newer run, and by which algorithm they are one."""
    return {(one.older.location.line, one.newer.location.line): one.by for one in pairing.same}


def on(text: str, what: str = "eval(", path: str = "a.py") -> list[Finding]:
    """A finding on each line that has `what`."""
    return [finding("E", path, number) for number, line in enumerate(text.split("\n"), 1) if what in line]


def compared(before: str, after: str, path: str = "a.py") -> identity.Pairing:
    old, new = settle({"a.py": before}, *on(before)), settle({path: after}, *on(after, path=path))
    return identity.pair(old, new, {"a.py": path} if path != "a.py" else {})


TWO = "def f(x):\n    eval(x)\n    y = 1\n    eval(y)\n"


def test_nothing_changed() -> None:
    assert bys(compared(TWO, TWO)) == {(2, 2): "place/v1", (4, 4): "place/v1"}


def test_a_line_that_is_inserted_before_its_like_is_the_new_one() -> None:
    """A count over the file takes the first for the old one; the place does not."""
    after = "def g(x):\n    eval(x)\n\n\n" + TWO
    pairing = compared(TWO, after)
    assert bys(pairing) == {(2, 6): "place/v1", (4, 8): "place/v1"}
    assert [one.location.line for one in pairing.new] == [2]


def test_a_line_that_is_rewritten_keeps_its_place_in_the_function_and_says_so() -> None:
    pairing = compared(TWO, TWO.replace("eval(y)", "eval(y, {})"))
    assert bys(pairing) == {(2, 2): "place/v1", (4, 4): "scope/v1"}
    assert [one.rewritten for one in pairing.same] == [False, True]


def test_a_function_that_is_renamed_keeps_its_lines() -> None:
    assert bys(compared(TWO, TWO.replace("def f", "def h"))) == {(2, 2): "code/v1", (4, 4): "code/v1"}


def test_a_file_that_is_renamed_keeps_its_findings() -> None:
    pairing = compared(TWO, "import os\n" + TWO, "lib/b.py")
    assert set(bys(pairing).values()) == {"place/v1"}
    assert (pairing.gone, pairing.new) == ((), ())


def test_a_copy_in_another_file_is_new() -> None:
    old = settle({"a.py": TWO}, *on(TWO))
    new = settle({"a.py": TWO, "b.py": TWO}, *on(TWO), *on(TWO, path="b.py"))
    assert {one.location.path for one in identity.pair(old, new, {}).new} == {"b.py"}


def test_what_was_mended_is_gone() -> None:
    pairing = compared(TWO, TWO.replace("eval(y)", "pass"))
    assert [one.location.line for one in pairing.gone] == [4]
    assert pairing.new == ()


def test_another_rule_in_the_same_line_is_new() -> None:
    old, new = settle({"a.py": TWO}, finding("E", "a.py", 2)), settle({"a.py": TWO}, finding("F", "a.py", 2))
    assert identity.pair(old, new, {}) == identity.Pairing(gone=old, new=new)


def test_a_witness_that_leads_now_is_the_same_finding() -> None:
    one = finding("B608", "a.py", 2, scanner="bandit")
    twin = finding("S608", "a.py", 2, scanner="ruff")

    def both(*found: Finding) -> tuple[Finding, ...]:
        return identity.merge(
            made for each in found for made in identity.settle(
                [each], action=each.scanner, severities={}, place=str, lines=lambda _path: TWO.split("\n")
            )
        )  # fmt: skip

    (old,), (new,) = both(one, twin), both(twin)
    assert old.id != new.id
    assert identity.pair([old], [new], {}).same[0].by == "place/v1"


# Dependencies and secrets


def test_a_dependency_is_the_same_by_any_name_of_its_advisory_and_after_an_upgrade() -> None:
    old = settle({}, dependency("GHSA-1"), dependency("CVE-2"))
    new = settle({}, dependency("CVE-1", "GHSA-1", version="2.0"), dependency("CVE-3"))
    pairing = identity.pair(old, new, {})
    assert [(one.older.rule, one.newer.rule) for one in pairing.same] == [("GHSA-1", "CVE-1")]
    moved = settle({}, dependency("CVE-1", "GHSA-1", path="req/main.txt"))
    assert len(identity.pair(old, moved, {"requirements.txt": "req/main.txt"}).same) == 1
    assert identity.pair(old, moved, {}).same == ()


def secret(value: str, rule: str = "k", path: str = "a.env") -> Finding:
    mark = hashlib.sha256(value.encode()).hexdigest()
    return finding(rule, path, 1, scanner="gitleaks", kind=Kind.SECRET, fingerprints={"mark": mark, "date": ""})


@pytest.mark.parametrize(
    ("keys", "value", "rule", "by"),
    [
        ((b"k" * 32, b"k" * 32), "one", "other-rule", "secret/v2"),
        ((b"k" * 32, b"k" * 32), "two", "k", None),  # another value is another secret
        ((b"k" * 32, b"l" * 32), "two", "k", "secret/v1"),  # another key: nobody knows
        ((b"", b"k" * 32), "two", "k", "secret/v1"),
        ((b"", b""), "two", "other-rule", None),
    ],
)
def test_secrets(keys: tuple[bytes, bytes], value: str, rule: str, by: str | None) -> None:
    old, new = settle({}, secret("one"), key=keys[0]), settle({}, secret(value, rule), key=keys[1])
    assert [one.by for one in identity.pair(old, new, {}).same] == ([by] if by else [])


# Any two runs

LINES = st.sampled_from(["def f():", "def g():", "    eval(x)", "    eval(y)", "    pass", "eval(z)"])
FILE = st.lists(LINES, max_size=12).map("\n".join)


@given(FILE, FILE)
def test_every_finding_is_paired_once_or_told_as_gone_or_new(before: str, after: str) -> None:
    old, new = settle({"a.py": before}, *on(before)), settle({"a.py": after}, *on(after))
    pairing = identity.pair(old, new, {})
    assert sorted(one.id for one in (*(two.older for two in pairing.same), *pairing.gone)) == sorted(a.id for a in old)
    assert sorted(one.id for one in (*(two.newer for two in pairing.same), *pairing.new)) == sorted(a.id for a in new)


@given(FILE)
def test_a_run_is_the_same_as_itself(text: str) -> None:
    found = settle({"a.py": text}, *on(text))
    assert [(one.older, one.newer) for one in identity.pair(found, found, {}).same] == [(one, one) for one in found]


# A run that was stored by the first release, and the same repository today


@pytest.fixture
def stored() -> Run:
    return msgspec.json.decode(STORED.read_bytes(), type=Run)


def today(tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch, changes: Mapping[str, str]) -> Run:
    """The repository of the stored run with one more commit: files to move, and their new names."""
    home, root = tmp_path / "home", tmp_path / "planets"
    home.mkdir(parents=True)
    (home / "tools").symlink_to(tools_folder)
    monkeypatch.setenv("HARDGATE_HOME", str(home))
    real.write(root, capture_run.FILES)
    capture_run.commit(root, "first")
    for old, new in changes.items():
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)
    if changes:
        capture_run.commit(root, "second")
    return capture_run.run(root, home)


def ids(run: Sequence[Finding]) -> set[str]:
    return {one.id for one in run}


@pytest.mark.real
def test_no_id_of_a_stored_run_is_lost(
    stored: Run, tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = today(tmp_path, tools_folder, monkeypatch, {})
    assert run.commit == stored.commit
    pairing = identity.pair(stored.findings, run.findings, {})
    assert (pairing.gone, pairing.new, len(pairing.same)) == ((), (), len(stored.findings))
    assert {one.by for one in pairing.same} == {"code/v1", "secret/v1"}  # what the older release knew
    for one in pairing.same:
        for name in {one.older.id, *one.older.fingerprints.values()}:
            assert matches(waiver(id=name), one.newer)
            assert [matches(waiver(id=name), other) for other in run.findings].count(True) == 1
    written = [name for one in stored.findings for name in (one.id, *one.fingerprints.values())]
    moved = identity.translate(written, pairing)
    assert set(moved) == set(written)
    assert set(moved.values()) == ids(run.findings)


@pytest.mark.real
def test_a_moved_file_keeps_its_findings_through_git(
    stored: Run, tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = today(tmp_path / "before", tools_folder, monkeypatch, {})
    moved = {"planets/app.py": "src/planets/app.py", "Dockerfile": "docker/Dockerfile", "deploy/db.env": "db.env"}
    after = today(tmp_path / "after", tools_folder, monkeypatch, moved)
    root = tmp_path / "after/planets"
    private = git.borrow(root / ".git", tmp_path / "private")
    renames = git.renames(private, before.commit, after.commit)
    assert renames == moved
    pairing = identity.pair(before.findings, after.findings, renames)
    assert (pairing.gone, pairing.new) == ((), ())
    assert {one.by for one in pairing.same} == {"place/v1", "secret/v1"}
    assert ids(stored.findings) == ids(before.findings)
    for one in identity.inherit(pairing):
        assert any(matches(waiver(id=name), one) for name in ids(stored.findings))
    assert git.renames(private, before.commit, after.commit, "planets/") == {}


def test_renames_are_of_any_name(tmp_path: Path) -> None:
    root = tmp_path / "r"
    odd = "a\n\tb \u00e9.py"
    real.write(root, {"x/" + odd: TWO * 9, "y.py": "1\n" * 9})
    capture_run.commit(root, "first")
    (root / "x" / odd).rename(root / "x" / "-new.py")
    capture_run.commit(root, "second")
    private = git.borrow(root / ".git", tmp_path / "private")
    assert git.renames(private, "HEAD~1", "HEAD") == {f"x/{odd}": "x/-new.py"}
    assert git.renames(private, "HEAD~1", "HEAD", "x/") == {odd: "-new.py"}
    with pytest.raises(ToolError, match="git diff failed"):
        git.renames(private, "--output=/tmp/x", "HEAD")
