"""Finding tools: verified before use, never another version, PATH only where it is allowed."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardgate.errors import ConfigError, ToolError
from hardgate.toolbox import State, Tool, Toolbox, default_folder, folder, lock, lock_path
from hardgate.toolbox.lock import Pinned
from tests.toolbox.workshop import Server, bandit, box_of, index_of, lock_of, python_tool, shell_tool


@pytest.fixture
def box(server: Server, tmp_path: Path) -> Toolbox:
    """A toolbox with one installed Python tool."""
    made = box_of(server, tmp_path / "tools", bandit(server))
    assert made.sync(["bandit"])[0].installed
    return made


def _module(home: Path) -> Path:
    (found,) = home.glob("env/lib/python*/site-packages/bandit_core.py")
    return found


def _overwrite(home: Path) -> None:
    path = _module(home)
    path.write_bytes(path.read_bytes().replace(b"bandit 1", b"BANDIT 1"))


def _truncate(home: Path) -> None:
    path = _module(home)
    path.write_bytes(path.read_bytes()[:-1])


def _shorten_manifest(home: Path) -> None:
    path = home / "manifest.json"
    path.write_bytes(path.read_bytes()[:-1])


def _empty(home: Path) -> None:
    shutil.rmtree(home / "env")
    (home / "bandit").unlink()


def _unlink_python(home: Path) -> None:
    (home / "env/bin/python").unlink()
    (home / "env/bin/python").symlink_to("/nowhere/python")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "changed, size kept": _overwrite,
    "truncated": _truncate,
    "removed": lambda home: _module(home).unlink(),
    "added": lambda home: (_module(home).parent / "sitecustomize.py").write_text("print('hijacked')"),
    "no longer executable": lambda home: (home / "bandit").chmod(0o644),
    "manifest truncated": _shorten_manifest,
    "manifest removed": lambda home: (home / "manifest.json").unlink(),
    "its Python is gone": _unlink_python,
    "everything removed": _empty,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_found_and_repaired(damage: Callable[[Path], object], box: Toolbox) -> None:
    whole = box.locate("bandit")
    damage(whole.home)
    for look in (box.verify, box.locate):
        with pytest.raises(ToolError, match="bandit is damaged") as caught:
            look("bandit")
        assert "hardgate tools sync bandit" in caught.value.hint
    assert [row.state for row in box.status()] == [State.DAMAGED]
    assert box.sync(["bandit"])[0].installed
    assert box.verify("bandit").version == whole.version
    assert list((box.folder / ".staging").iterdir()) == []


def test_a_change_that_hides_its_time_is_found_by_a_full_check_and_then_by_every_one(box: Toolbox) -> None:
    home = box.locate("bandit").home
    before = _module(home).stat()
    _overwrite(home)
    os.utime(_module(home), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert box.locate("bandit").home == home  # sizes and times cannot tell
    with pytest.raises(ToolError, match=r"bandit_core\.py"):
        box.verify("bandit")
    with pytest.raises(ToolError, match=r"bandit_core\.py"):
        box.locate("bandit")


def test_a_restored_copy_with_other_times_is_no_damage(box: Toolbox) -> None:
    tool = box.locate("bandit")
    for path in tool.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1_000_000_000, 1_000_000_000))
    before = (tool.home / "manifest.mtimes").read_bytes()
    assert box.locate("bandit") == tool
    assert (tool.home / "manifest.mtimes").read_bytes() != before  # the next check is a quick one again
    assert box.verify("bandit") == tool
    assert list(tool.home.parent.iterdir()) == [tool.home]


def test_the_digest_covers_every_file(server: Server, tmp_path: Path) -> None:
    digests = set()
    for place, before in (("a", ""), ("b", "x = 1")):
        made = box_of(server, tmp_path / place, bandit(server, before=before))
        made.sync(["bandit"])
        digests.add(made.locate("bandit").digest)
    assert len(digests) == 2


def test_a_missing_tool_names_the_command_that_installs_it(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"bandit 1\.0\.1 is not installed") as caught:
        box_of(server, tmp_path, bandit(server)).locate("bandit")
    assert caught.value.hint == "Install it: hardgate tools sync bandit"
    assert list(tmp_path.iterdir()) == []


def test_another_version_than_the_locked_one_is_refused_with_the_way_out(box: Toolbox) -> None:
    assert box.locate("bandit", version="1.0.1").version == "1.0.1"
    with pytest.raises(ToolError, match=r"bandit 9\.9\.9 is asked for, the lock file has 1\.0\.1") as caught:
        box.locate("bandit", version="9.9.9")
    assert "hardgate tools lock bandit==9.9.9" in caught.value.hint


def test_an_unknown_tool_is_refused(box: Toolbox) -> None:
    with pytest.raises(ConfigError, match="there is no tool 'bandti'"):
        box.locate("bandti")
    with pytest.raises(ConfigError, match="there is no tool 'bandti'"):
        box.sync(["bandti"])
    with pytest.raises(ToolError, match="ruff is not in the lock file"):
        box.locate("ruff")


def _with_path(server: Server, root: Path, path: str) -> Toolbox:
    return Toolbox(root / "tools", bandit(server), environ={**server.environ, "PATH": path})


def _put_on_path(root: Path, version: str) -> Path:
    place = root / "bin"
    place.mkdir()
    executable = place / "bandit"
    executable.write_bytes(shell_tool(version))
    executable.chmod(0o755)
    return executable


def test_path_is_used_only_where_it_is_allowed(server: Server, tmp_path: Path) -> None:
    executable = _put_on_path(tmp_path, "1.7.0")
    box = _with_path(server, tmp_path, str(executable.parent))
    with pytest.raises(ToolError, match="is not installed"):
        box.locate("bandit")
    found = box.locate("bandit", allow_path=True)
    assert found == Tool(
        command=(str(executable),), version="1.7.0", digest=found.digest, origin="path", home=executable.parent
    )
    assert box.locate("bandit", allow_path=True, version="1.7.0").origin == "path"
    with pytest.raises(ToolError, match=r"says that it is 1\.7\.0; bandit 1\.8\.0 is asked for"):
        box.locate("bandit", allow_path=True, version="1.8.0")


def test_the_installed_tool_goes_before_path_and_a_damaged_one_is_not_replaced_by_it(
    server: Server, tmp_path: Path
) -> None:
    executable = _put_on_path(tmp_path, "1.7.0")
    box = _with_path(server, tmp_path, f"{executable.parent}:/usr/bin:/bin")
    box.sync(["bandit"])
    assert box.locate("bandit", allow_path=True).origin == "toolbox"
    _truncate(box.locate("bandit").home)
    with pytest.raises(ToolError, match="is damaged"):
        box.locate("bandit", allow_path=True)


def test_relative_folders_of_path_are_not_looked_into(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable = _put_on_path(tmp_path, "1.7.0")
    monkeypatch.chdir(executable.parent)
    with pytest.raises(ToolError, match="is not installed"):
        _with_path(server, tmp_path, ".::bin").locate("bandit", allow_path=True)


def test_an_older_version_stays_until_it_is_pruned(server: Server, tmp_path: Path, box: Toolbox) -> None:
    newer = box_of(server, box.folder, bandit(server, "1.0.2"))
    newer.sync(["bandit"])
    assert (box.locate("bandit").version, newer.locate("bandit").version) == ("1.0.1", "1.0.2")
    assert [path.split("/")[1][:5] for path in newer.prune()] == ["1.0.1"]
    assert newer.locate("bandit").version == "1.0.2"
    with pytest.raises(ToolError, match="is not installed"):
        box.locate("bandit")


def test_leftovers_are_swept(server: Server, tmp_path: Path) -> None:
    left = tmp_path / ".staging" / "bandit-left"
    left.mkdir(parents=True)
    (left / "half").write_text("made")
    box_of(server, tmp_path, bandit(server)).sync(["bandit"])
    assert list((tmp_path / ".staging").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(server: Server) -> None:
    box = box_of(server, Path("/proc/hardgate"), bandit(server))
    with pytest.raises(ToolError, match="the folder for tools, /proc/hardgate, cannot be written"):
        box.sync(["bandit"])


def test_an_unsupported_platform_is_listed_and_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = box_of(server, tmp_path, bandit(server))
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert [(row.state, "riscv64" in row.message) for row in box.status()] == [(State.UNSUPPORTED, True)]
    with pytest.raises(ToolError, match="no tools are pinned for"):
        box.locate("bandit")


@contextlib.contextmanager
def opened() -> Iterator[list[str]]:
    """The files that are opened meanwhile: https://docs.python.org/3/library/audit_events.html."""
    found: list[str] = []
    looking = True

    def hook(event: str, given: tuple[object, ...]) -> None:
        if looking and event == "open":
            found.append(str(given[0]))

    sys.addaudithook(hook)  # for good: it looks no more afterwards
    try:
        yield found
    finally:
        looking = False


def test_looking_at_a_tool_reads_none_of_its_files(server: Server, tmp_path: Path) -> None:
    files = {f"data/{number}.txt": b"x" * 100 for number in range(2000)}
    package = server.put_wheel("bandit", "1.0.1", {**python_tool("1.0.1"), **files})
    box = box_of(server, tmp_path, lock_of(bandit=Pinned(version="1.0.1", channels=(index_of(package),))))
    assert box.sync(["bandit"])[0].installed
    with opened() as read:
        box.locate("bandit")
    assert 0 < len(read) < 20, "its manifest, and little else"
    assert not [path for path in read if "/data/" in path]


def test_where_tools_are_kept(tmp_path: Path) -> None:
    assert default_folder({"HARDGATE_HOME": "/srv/hg", "HOME": "/home/ada"}) == Path("/srv/hg/tools")
    assert default_folder({"XDG_CACHE_HOME": "/cache", "HOME": "/home/ada"}) == Path("/cache/hardgate/tools")
    assert default_folder({"XDG_CACHE_HOME": "odd", "HOME": "/home/ada"}) == Path("/home/ada/.cache/hardgate/tools")
    assert default_folder({}).name == "tools"
    assert default_folder({}).is_absolute()


def test_a_user_without_a_home_is_told_what_to_set() -> None:
    with pytest.raises(ToolError, match="no home folder") as caught:
        folder._home_of_user(4_000_000_000)
    assert "HARDGATE_HOME" in caught.value.hint


def test_which_lock_file_is_in_force() -> None:
    assert lock_path({}) == lock.PACKAGED
    assert lock_path({"HARDGATE_TOOLS_LOCK": "/srv/own.lock"}) == Path("/srv/own.lock")
