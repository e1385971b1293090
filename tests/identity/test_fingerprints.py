"""The fingerprints beside the id: what each survives, what it does not, and that none tells a secret."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import msgspec
import pytest

from hardgate import algorithms, identity
from hardgate.errors import ConfigError
from hardgate.exceptions.applying import matches
from hardgate.identity.linehash import LineHashes
from hardgate.model import ExitCode, Finding, Kind, Package
from tests.builders import dependency, finding, waiver
from tests.lab.command import hardgate
from tests.scanners import inputs, real

KEY = b"k" * 32
CODE = [
    "def first(db, name):",
    '    return db.execute("SELECT 1 " + name)',
    "",
    "",
    "class Planets:",
    "    def second(self, db, name):",
    '        return db.execute("SELECT 1 " + name)',
    "",
]


def settle(*findings: Finding, lines: list[str] = CODE, key: bytes = b"", original: list[str] | None = None) -> Finding:
    return identity.settle(
        findings, action="bandit", severities={}, place=lambda path: path, lines=lambda _path: lines, key=key,
        original=(lambda _path: original) if original is not None else None,
    )[-1]  # fmt: skip


def same(one: Finding, other: Finding) -> set[str]:
    """The algorithms by which two findings are the same."""
    return {name for name, value in one.fingerprints.items() if other.fingerprints.get(name) == value}


def at(line: int, path: str = "app.py") -> Finding:
    return finding(path=path, line=line)


def test_nothing_changed() -> None:
    assert same(settle(at(7)), settle(at(7))) == {"code/v1", "place/v1", "scope/v1", "line/v1"}


def test_the_same_line_elsewhere_above_leaves_the_place() -> None:
    """The count of `code/v1` moves on with every equal line above; a place counts within its function alone."""
    before = settle(at(5), lines=CODE[2:])
    after = settle(at(2), at(7))
    assert same(before, after) == {"place/v1", "scope/v1", "line/v1"}


def test_a_line_that_is_rewritten_leaves_the_scope() -> None:
    rewritten = [*CODE[:6], "        return db.run('SELECT 1 ' + name)", ""]
    assert same(settle(at(7)), settle(at(7), lines=rewritten)) == {"scope/v1"}


def test_a_file_that_is_renamed_leaves_all_but_the_id() -> None:
    assert same(settle(at(7)), settle(at(7, path="lib/new.py"))) == {"place/v1", "scope/v1", "line/v1"}


def test_a_function_that_is_renamed_leaves_the_code() -> None:
    renamed = [line.replace("second", "third") for line in CODE]
    assert same(settle(at(7)), settle(at(7), lines=renamed)) == {"code/v1", "line/v1"}


def test_lines_that_follow_change_only_githubs_hash() -> None:
    followed = [*CODE[:7], "        # more", ""]
    assert same(settle(at(7)), settle(at(7), lines=followed)) == {"code/v1", "place/v1", "scope/v1"}


def test_github_is_told_the_file_as_it_is_and_the_id_what_the_tool_saw() -> None:
    """Marks by which a file silences a tool are broken in the copy that the tool is shown."""
    shown, real_one = ["x = 1  # trivy_ignore:a"], ["x = 1  # trivy:ignore:a"]
    both = settle(at(1), lines=shown, original=real_one)
    assert both.fingerprints["line/v1"] == LineHashes(real_one).of(1)
    assert both.id == settle(at(1), lines=shown).id


def test_without_the_file_there_is_the_id_alone() -> None:
    assert list(settle(at(7), lines=[]).fingerprints) == ["code/v1"]
    assert list(settle(finding(line=None)).fingerprints) == ["code/v1"]


# Waivers


def test_a_waiver_names_one_finding_by_its_ids_and_never_by_what_several_share() -> None:
    one = settle(at(7))
    for name, value in one.fingerprints.items():
        for word in (value, value[:16]):
            assert matches(waiver(id=word), one) is (name == "code/v1")


# Dependencies


def test_an_advisory_has_the_id_that_each_of_its_names_would_give_it() -> None:
    """A tool learns the CVE of what it knew as a GHSA: the waiver by the old id still matches."""
    before = settle(dependency("GHSA-m2qf-hxjv-5gpq"))
    after = settle(dependency("PYSEC-2023-62", "CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq"))
    assert before.id != after.id
    assert after.fingerprints["dependency/GHSA-m2qf-hxjv-5gpq/v1"] == before.fingerprints["dependency/v1"]
    assert matches(waiver(id=before.id), after)
    assert not matches(waiver(id=before.id), settle(dependency("CVE-2023-30861")))


def installed(version: str, image: str, path: str = "", purl: str = "pkg:deb/debian/openssl") -> Finding:
    package = Package(ecosystem="debian", name="openssl", version=version, purl=f"{purl}@{version}?distro={image}")
    one = dependency("CVE-2024-1", path=path or f"{image} (debian {version})")
    return msgspec.structs.replace(one, package=package)


def test_a_package_of_an_image_is_the_same_in_the_next_build() -> None:
    old, new = installed("3.0.11", "app@sha256:aa"), installed("3.0.13", "registry/app:2")
    assert same(settle(old, lines=[]), settle(new, lines=[])) == {"image/v1"}
    path = "usr/lib/python3/site-packages/flask-{}.dist-info/METADATA"
    old, new = (installed(one, "", path.format(one), "pkg:pypi/flask") for one in ("1.0", "1.1"))
    assert same(settle(old, lines=[]), settle(new, lines=[])) == {"image/v1"}
    assert "image/v1" not in settle(dependency("CVE-2024-1")).fingerprints


# Secrets


def secret(value: str, path: str = "a.env", commit: str = "") -> Finding:
    mark = hashlib.sha256(value.encode()).hexdigest()
    return finding(
        "k", path, 1, scanner="gitleaks", kind=Kind.SECRET, commit=commit, fingerprints={"mark": mark, "date": ""}
    )


def test_a_value_is_known_by_a_keyed_hash() -> None:
    one = settle(secret("tulip"), key=KEY)
    (name,) = set(one.fingerprints) - {"secret/v1"}
    assert algorithms.algorithm(name) == "secret/v2"
    assert name in same(one, settle(secret("tulip", commit="c" * 40), key=KEY))
    assert same(one, settle(secret("other"), key=KEY)) == {"secret/v1"}
    assert name not in same(one, settle(secret("tulip", path="b.env"), key=KEY))
    assert same(one, settle(secret("tulip"), key=b"l" * 32)) == {"secret/v1"}


@pytest.mark.parametrize("key", [b"", KEY])
def test_nothing_that_can_be_tried_without_the_key_is_kept(key: bytes) -> None:
    """Not the line's hash either: with the rest of the line known it could be tried, and has 64 bits for it."""
    lines = ["password = 'tulip'"]
    one = settle(secret("tulip"), lines=lines, key=key)
    assert not {"line/v1", "place/v1", "scope/v1", "code/v1"} & set(one.fingerprints)
    text = msgspec.json.encode(one).decode()
    for guess in ("tulip", lines[0]):
        for word in (guess, hashlib.sha256(guess.encode()).hexdigest()):
            for name in ("md5", "sha1", "sha256"):
                assert hashlib.new(name, word.encode()).hexdigest()[:16] not in text


def test_a_key_that_could_be_guessed_is_refused() -> None:
    assert identity.key_of("") == b""
    assert identity.key_of("k" * 32) == KEY
    with pytest.raises(ConfigError, match="has 31 characters, and needs 32 or more"):
        identity.key_of("k" * 31)


@pytest.mark.real
def test_a_run_with_a_key_knows_a_secret_again_where_its_rule_has_changed(
    tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, root = tmp_path / "home", tmp_path / "r"
    home.mkdir()
    (home / "tools").symlink_to(tools_folder)
    monkeypatch.setenv("HARDGATE_HOME", str(home))
    real.write(root, {"a.env": "DB_PASSWORD=mango.tree.42\n", "hardgate.yaml": _PIPELINE})
    inputs.git(root, "init", "-q", "-b", "main")
    refused = hardgate("run", str(root), env={"HARDGATE_IDENTITY_KEY": "short"})
    assert (refused.code, "needs 32 or more" in refused.stderr) == (2, True)
    plain = hardgate("run", str(root), "--json").json["findings"][0]
    keyed = hardgate("run", str(root), "--json", env={"HARDGATE_IDENTITY_KEY": "k" * 32}).json["findings"][0]
    assert (list(plain["fingerprints"]), plain["id"]) == (["secret/v1"], keyed["id"])
    assert [algorithms.algorithm(name) for name in keyed["fingerprints"]] == ["secret/v2", "secret/v1"]
    stored = b"".join(path.read_bytes() for path in home.glob("*.db*"))
    assert b"mango.tree" not in stored
    assert hashlib.sha256(b"mango.tree.42").hexdigest().encode() not in stored


def test_a_waiver_does_not_cover_the_value_that_replaces_the_waived_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARDGATE_STORE", str(tmp_path / "store.db"))
    key = {"HARDGATE_IDENTITY_KEY": "k" * 32}
    root = real.write(tmp_path / "tree", {"a.env": "DB_PASSWORD=mango.tree.42\n", "hardgate.yaml": _PIPELINE})
    inputs.git(root, "init", "-q", "-b", "main")
    (found,) = hardgate("run", str(root), "--json", env=key).json["findings"]
    shown = hardgate("explain", found["id"], cwd=root, env=key).stdout
    end = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=9)).date().isoformat()
    lines = shown[shown.index("  policy:") :].splitlines()[:7]
    waiver = "\n".join(line.removeprefix("  ") for line in lines).replace("YYYY-MM-DD", end)
    assert "      value: " in waiver
    (root / "hardgate.yaml").write_text(f"{_PIPELINE}{waiver}\n")
    assert hardgate("run", str(root), env=key).code == ExitCode.PASS
    (root / "a.env").write_text("DB_PASSWORD=olive.tree.77\n")
    replaced = hardgate("run", str(root), "--json", env=key)
    assert (replaced.code, replaced.json["findings"][0]["id"]) == (ExitCode.FAIL, found["id"])
    assert "covers it not" in replaced.json["verdict"]["warnings"][0]


_PIPELINE = "pipeline: p\nstages: [{name: s, actions: [gitleaks]}]\n"


# Names


@pytest.mark.parametrize(
    ("name", "algorithm", "about"),
    [
        ("code/v1", "code/v1", ""),
        ("ruff/code/v1", "code/v1", ""),
        ("my-action/dependency/GHSA-1-2/v1", "dependency/v1", "GHSA-1-2"),
        ("secret/1f2e3d4c/v2", "secret/v2", "1f2e3d4c"),
        ("hardgate/v1", "hardgate/v1", ""),
    ],
)
def test_the_parts_of_a_name(name: str, algorithm: str, about: str) -> None:
    assert (algorithms.algorithm(name), algorithms.about(name)) == (algorithm, about)


def test_every_algorithm_says_what_it_is_made_of() -> None:
    assert all(algorithms.made_of(f"a/{one.name}") == one.made_of for one in algorithms.ALGORITHMS)
    assert algorithms.made_of("code/v9") == "its parts"
