"""Input that is not as it should be, met by the real command line: each has one outcome, which says what to do next.

What needs another file system or a network of its own is done by root in a namespace of the command's alone (`unshare`)
and skipped for other users; rights that root has are taken from the command by `setpriv`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hardgate.model import ExitCode, GapReason
from tests.cli.conftest import HOLE, PIPELINE, commit, git, run
from tests.lab.command import EXECUTABLE, Result, hardgate

Make = Callable[..., Path]
SECRETS = PIPELINE.replace("ruff", "gitleaks")
# Root may read and write everything. Without these rights the modes of files count for it as for anyone.
MORTAL = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces and mounts")

pytestmark = pytest.mark.real


def through(prefix: tuple[str, ...], *words: str, env: Mapping[str, str | None] | None = None) -> Result:
    """Run `hardgate` with these words through another command; a variable that is None is taken out."""
    changed = {**os.environ, **(env or {})}
    environment = {name: value for name, value in changed.items() if value is not None}
    argv = [*prefix, str(EXECUTABLE), *words]
    done = subprocess.run(
        argv, env=environment, capture_output=True, timeout=300, check=False, stdin=subprocess.DEVNULL
    )
    return Result(ExitCode(done.returncode), done.stdout.decode(), done.stderr.decode())


def mortal(*words: str, env: Mapping[str, str | None] | None = None) -> Result:
    """`hardgate` as a user for whom the modes of files count."""
    return through(MORTAL if os.geteuid() == 0 else (), *words, env=env)


def reasons(result: Result) -> list[str]:
    return [gap["reason"] for gap in result.json["gaps"]]


def paths(result: Result) -> set[str]:
    return {one["location"]["path"] for one in result.json["findings"]}


# The folder


def test_a_folder_without_a_repository_is_scanned_whole(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    (root / "app.py").write_text(HOLE)
    (root / "hardgate.yaml").write_text(PIPELINE)
    result = run(root)
    assert result.code is ExitCode.FAIL
    assert paths(result) == {"app.py"}
    assert result.json["run"]["commit"] == ""
    assert "in scope: every file, since there is no git here" in result.json["notes"]


def test_a_folder_without_a_repository_has_no_history_to_look_through(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    (root / "app.py").write_text("print(1)\n")
    (root / "hardgate.yaml").write_text(SECRETS)
    result = run(root)
    assert result.code is ExitCode.INCOMPLETE
    assert reasons(result) == [GapReason.NOT_COVERED]
    assert "no git history" in result.json["gaps"][0]["message"]
    assert "history: false" in result.json["gaps"][0]["remedy"]
    (root / "hardgate.yaml").write_text(SECRETS.replace("[gitleaks]", "[{gitleaks: {history: false}}]"))
    assert run(root).code is ExitCode.PASS


def test_a_folder_that_does_not_exist_is_never_made(home: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "no" / "such")
    assert result.code is ExitCode.USAGE
    assert f"{tmp_path}/no/such does not exist" in result.stderr
    assert "Nothing was run" in result.stderr
    assert not (tmp_path / "no").exists()


def test_a_file_in_place_of_a_folder_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(HOLE)
    result = run(tmp_path / "file.py")
    assert result.code is ExitCode.USAGE
    assert "is no folder" in result.stderr
    assert "Nothing was run" in result.stderr


def test_an_empty_folder_has_no_pipeline(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / "empty")
    assert result.code is ExitCode.USAGE
    assert "there is no" in result.stderr
    assert "hardgate init" in result.stderr
    assert list((tmp_path / "empty").iterdir()) == []
    assert not (home / "store.db").exists()


def test_a_pipeline_above_is_named_and_not_taken(home: Path, repository: Make) -> None:
    root = repository({"deep/app.py": HOLE})
    result = run(root / "deep")
    assert result.code is ExitCode.USAGE
    assert f"There is one above: hardgate run {root}" in result.stderr


def test_a_folder_with_nothing_but_the_pipeline_is_incomplete(home: Path, repository: Make) -> None:
    result = run(repository({}))
    assert result.code is ExitCode.INCOMPLETE
    assert reasons(result) == [GapReason.NOTHING_IN_SCOPE]


# hardgate.yaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PIPELINE.replace("stages", "stage"), ["line 2", "stage", "unknown key"]),
        (PIPELINE.replace("[ruff]", "[rufff]"), ["line 4", "rufff", "unknown scanner"]),
        (PIPELINE + "policy: {block_at: hihg}\n", ["line 5", "block_at", "hihg"]),
        (PIPELINE + "  - name: scan\n    actions: [bandit]\n", ["line 5", "two stages", "'scan'"]),
        (PIPELINE.replace("    actions", "\tactions"), ["line 4", "not YAML"]),
        (PIPELINE + "exclude: '**'\n", ["line 5", "exclude"]),
        ("", ["empty"]),
        ("just words\n", ["mapping"]),
    ],
)
def test_a_malformed_pipeline_is_refused(text: str, told: list[str], home: Path, repository: Make) -> None:
    result = run(repository({"app.py": HOLE}, pipeline=text))
    assert result.code is ExitCode.USAGE
    for word in ("hardgate.yaml", "Nothing was run", *told):
        assert word in result.stderr
    assert result.stdout == ""
    assert not (home / "store.db").exists()


def test_another_configuration_file_must_exist(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE})
    result = run(root, "--config", str(tmp_path / "none.yaml"))
    assert result.code is ExitCode.USAGE
    assert f"there is no {tmp_path}/none.yaml" in result.stderr
    assert "Nothing was run" in result.stderr
    assert not (tmp_path / "none.yaml").exists()


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "link to nowhere", "link in a circle", "socket"])
def test_a_pipeline_that_is_no_file_is_refused_at_once(kind: str, home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    file = root / "hardgate.yaml"
    file.unlink()
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "link to nowhere":
            file.symlink_to("nowhere")
        case "link in a circle":
            file.symlink_to("hardgate.yaml")
        case _:
            with contextlib.chdir(root), socket.socket(socket.AF_UNIX) as server:
                server.bind(file.name)  # at most 107 bytes: unix(7)
    result = hardgate("run", str(root), timeout=30)
    assert result.code is ExitCode.USAGE, result.stderr
    assert "hardgate.yaml" in result.stderr
    assert "Nothing was run" in result.stderr


def test_a_pipeline_may_be_a_link_within_the_tree(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE, "ci/pipeline.yaml": PIPELINE})
    (root / "hardgate.yaml").unlink()
    (root / "hardgate.yaml").symlink_to("ci/pipeline.yaml")
    assert run(root).code is ExitCode.FAIL


# Files


def test_a_file_that_cannot_be_read_is_a_gap(home: Path, repository: Make) -> None:
    root = repository({"open.py": HOLE, "closed.py": HOLE, "folder/in.py": HOLE})
    (root / "closed.py").chmod(0)
    (root / "folder").chmod(0)
    result = mortal("run", str(root), "--json")
    (root / "folder").chmod(0o755)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert paths(result) == {"open.py"}
    unread = {gap["path"]: gap for gap in result.json["gaps"]}
    assert set(unread) >= {"closed.py"}
    assert any(path.startswith("folder/") for path in unread)
    assert unread["closed.py"]["reason"] == GapReason.FILE_UNREAD
    assert "could not be read: Permission denied" in unread["closed.py"]["message"]
    assert "Make it readable" in unread["closed.py"]["remedy"]


BLOB = bytes(range(256)) * 40


def test_binary_files_disturb_nobody(home: Path, repository: Make) -> None:
    files = {"image.png": BLOB, "data.bin": BLOB, "nothing": b"", "zeros": bytes(5000), "app.py": HOLE}
    result = run(repository(files, pipeline=PIPELINE.replace("ruff", "gitleaks, bandit, ruff")))
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == []
    assert paths(result) == {"app.py"}


@pytest.mark.parametrize("scanner", ["bandit", "ruff"])
def test_a_binary_file_with_the_name_of_a_source_is_a_gap(scanner: str, home: Path, repository: Make) -> None:
    root = repository({"blob.py": BLOB, "app.py": HOLE}, pipeline=PIPELINE.replace("ruff", scanner))
    result = run(root)
    assert result.code is ExitCode.INCOMPLETE
    assert paths(result) == {"app.py"}
    assert {(gap["reason"], gap["path"]) for gap in result.json["gaps"]} == {(GapReason.FILE_UNREAD, "blob.py")}


# As it is named, and as it is told.
NAMES: dict[str | bytes, str] = {
    "two words.py": "two words.py",
    "line\nbreak.py": "line\\nbreak.py",
    b"latin-\xe9.py": "latin-\\xe9.py",
    "-rf.py": "-rf.py",
    "--config=evil.py": "--config=evil.py",
    "\x1b[31mred\x07.py": "\\x1b[31mred\\x07.py",
    "naïve ☃.py": "naïve ☃.py",
    "$(touch sprung);`touch sprung`.py": "$(touch sprung);`touch sprung`.py",
    "quo'te\".py": "quo'te\".py",
    "back\\slash.py": "back\\slash.py",
    "tab\tin\rit.py": "tab\\tin\\rit.py",
    "wri\u202etten.py": "wri\\u202etten.py",
    "*?[a].py": "*?[a].py",
    "a/-b/ c/.d.py": "a/-b/ c/.d.py",
}


def _names(root: Path, content: str) -> None:
    """A file of this content under every odd name, committed."""
    for name in NAMES:
        raw = os.path.join(os.fsencode(root), os.fsencode(name))  # noqa: PTH118 (bytes, which Path does not take)
        os.makedirs(os.path.dirname(raw), exist_ok=True)  # noqa: PTH103, PTH120
        with open(raw, "w") as file:  # noqa: PTH123
            file.write(content)
    commit(root)


@pytest.mark.parametrize("scanner", ["ruff", "bandit"])
def test_odd_file_names(scanner: str, home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({}, pipeline=PIPELINE.replace("ruff", scanner))
    _names(root, HOLE)
    result = run(root)
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == []
    assert paths(result) == set(NAMES.values())
    text = hardgate("report", "text", "--path", str(root))
    assert all(char.isprintable() or char == "\n" for char in text.stdout)
    assert not list(tmp_path.rglob("sprung"))


def test_odd_names_of_files_that_a_scanner_cannot_read(home: Path, repository: Make) -> None:
    root = repository({}, pipeline=PIPELINE.replace("[ruff]", "[ruff, bandit]"))
    _names(root, "def broken(:\n")
    result = run(root)
    assert result.code is ExitCode.INCOMPLETE
    for scanner in ("ruff", "bandit"):
        gaps = [gap for gap in result.json["gaps"] if gap["action"] == scanner]
        assert {gap["path"] for gap in gaps} == set(NAMES.values())
        assert not [gap for gap in gaps if "hardgate-name" in gap["message"]]


def test_odd_names_of_dockerfiles_secrets_and_requirements(home: Path, repository: Make) -> None:
    root = repository({}, pipeline=PIPELINE.replace("[ruff]", "[hadolint, gitleaks, cyclonedx]"))
    key = "".join(("AK", "IA", "Z7Q4MXW2", "LKJ3HTRV"))  # made up; whole it would be a finding in this file
    odd = os.fsdecode(b"-a\n\xff\x1b[31m")
    for name, content in {
        f"{odd}/Dockerfile": "FROM scratch\nUSER root\n", f"{odd}.env": f"KEY={key}\n",
        f"requirements{odd}.txt": "flask==3.1.0\n", f"requirements{odd}2.txt": "flask>=3\n",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content)
    commit(root)
    result = run(root)
    told = "-a\\n\\xff\\x1b[31m"
    assert {f"{told}/Dockerfile", f"{told}.env"} <= paths(result), result.stdout
    assert "hardgate-name" not in json.dumps([result.json["findings"], result.json["gaps"]])
    assert "\x1b" not in result.stdout + result.stderr


def test_links(home: Path, repository: Make, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(HOLE)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "in.py").write_text(HOLE)
    root = repository({"app.py": "print(1)\n"})
    (root / "same.py").symlink_to("app.py")
    (root / "gone.py").symlink_to("no-such.py")
    (root / "loop.py").symlink_to("loop.py")
    (root / "self").symlink_to(".")
    commit(root)
    inside = run(root)
    assert inside.json["findings"] == []
    assert {gap["path"] for gap in inside.json["gaps"]} <= {"loop.py"}
    (root / "out.py").symlink_to(tmp_path / "outside.py")
    (root / "out").symlink_to("../folder")
    result = run(root)
    assert result.code is ExitCode.INCOMPLETE
    assert result.json["findings"] == []
    out = {gap["path"]: gap for gap in result.json["gaps"] if gap["path"] != "loop.py"}
    assert set(out) == {"out.py", "out"}
    for gap in out.values():
        assert gap["reason"] == GapReason.FILE_UNREAD
        assert "leads out of the tree; not followed" in gap["message"]
        assert "exclude" in gap["remedy"]


def test_a_file_of_200_mb(home: Path, repository: Make) -> None:
    size = 200_000_000
    root = repository({"app.py": "print(1)\n"}, pipeline=SECRETS.replace("[gitleaks]", "[ruff]"))
    with (root / "large.bin").open("wb") as file:
        file.truncate(size)  # a hole on the disk, zeros for who reads it
    result = run(root)
    assert result.code is ExitCode.INCOMPLETE
    [gap] = result.json["gaps"]
    assert (gap["reason"], gap["path"]) == (GapReason.FILE_UNREAD, "large.bin")
    assert "200,000,000 bytes, more than limits.file_size (50,000,000)" in gap["message"]
    assert "Raise limits.file_size in hardgate.yaml" in gap["remedy"]
    (root / "hardgate.yaml").write_text(PIPELINE + f"limits: {{file_size: {size}}}\n")
    raised = run(root)
    assert raised.code is ExitCode.PASS, raised.stdout
    (root / "hardgate.yaml").write_text(PIPELINE + "exclude: [large.bin]\n")
    excluded = run(root)
    assert excluded.code is ExitCode.PASS
    assert "1 files were left out by `exclude` in hardgate.yaml" in excluded.json["notes"]


def test_a_secret_at_the_end_of_a_large_file_is_found(home: Path, repository: Make) -> None:
    key = "".join(("AK", "IA", "Z7Q4MXW2", "LKJ3HTRV"))
    pipeline = SECRETS.replace("[gitleaks]", "[{gitleaks: {history: false}}]")
    root = repository({"dump.sql": "-- nothing here\n" * 500_000 + f"KEY={key}\n"}, pipeline=pipeline)
    result = run(root)
    assert result.code is ExitCode.FAIL, result.stdout
    assert [one["location"]["line"] for one in result.json["findings"]] == [500_001]


# What git says of the files


def test_an_ignore_of_everything_hides_nothing_that_git_tracks(home: Path, repository: Make) -> None:
    root = repository({"tracked.py": HOLE})
    (root / ".gitignore").write_text("**\n*\n")
    (root / "unknown.py").write_text(HOLE)
    result = run(root)
    assert result.code is ExitCode.FAIL
    assert paths(result) == {"tracked.py"}
    told = "in scope: files that git tracks or does not know yet; files that .gitignore names are not"
    assert told in result.json["notes"]
    (root / ".gitignore").unlink()
    assert paths(run(root)) == {"tracked.py", "unknown.py"}


def test_an_ignored_folder_is_not_scanned_and_the_receipt_counts_the_rest(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE, ".gitignore": "build/\n"})
    (root / "build").mkdir()
    (root / "build" / "made.py").write_text(HOLE)
    result = run(root)
    assert paths(result) == {"app.py"}
    assert result.json["receipts"][0]["scope"]["files"] == 1


def test_a_submodule_is_a_gap(home: Path, repository: Make) -> None:
    module = repository({"theirs.py": HOLE}, name="module")
    root = repository({"app.py": "print(1)\n"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), "lib")
    commit(root)
    result = run(root)
    assert result.code is ExitCode.INCOMPLETE
    [gap] = result.json["gaps"]
    assert gap["path"] == "lib/"
    assert "is a submodule and was not looked at" in gap["message"]
    assert "own repository" in gap["remedy"]
    (root / "hardgate.yaml").write_text(PIPELINE + "exclude: [lib]\n")
    assert run(root).code is ExitCode.PASS


def test_a_shallow_clone_has_half_a_history(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": "print(1)\n"}, pipeline=SECRETS)
    commit(root)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    result = run(tmp_path / "shallow")
    assert result.code is ExitCode.INCOMPLETE
    assert reasons(result) == [GapReason.NOT_COVERED]
    assert "shallow" in result.json["gaps"][0]["message"]
    assert "git fetch --unshallow" in result.json["gaps"][0]["remedy"]
    git(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
    assert run(tmp_path / "shallow").code is ExitCode.PASS


def test_a_detached_head_is_a_commit_like_any_other(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE}, pipeline=PIPELINE.replace("ruff", "ruff, gitleaks"))
    first = git(root, "rev-parse", "HEAD")
    commit(root)
    git(root, "checkout", "--quiet", "--detach", first)
    result = run(root)
    assert result.code is ExitCode.FAIL
    assert result.json["run"]["commit"] == first
    assert result.json["run"]["dirty"] is False
    assert result.json["gaps"] == []


def test_a_damaged_repository_is_no_plain_folder(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    (root / ".git" / "index").write_bytes(b"nonsense")
    result = run(root)
    assert result.code is ExitCode.INCOMPLETE
    assert result.stdout == ""
    assert "git ls-files failed" in result.stderr
    assert "git fsck" in result.stderr


# The machine


def _mounted(folder: Path, size: str, *, options: str = "") -> tuple[str, ...]:
    """A prefix: the command runs with a small file system at `folder`, which nobody else sees."""
    script = f'mount -t tmpfs -o size={size}{options} tmpfs "$0" && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, str(folder))


@needs_root
def test_no_space_for_the_private_copies(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE, "data.py": "x = 1\n" * 500_000})
    small = tmp_path / "small"
    small.mkdir()
    result = through(_mounted(small, "1m"), "run", str(root), "--json", env={"TMPDIR": str(small)})
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    [gap] = result.json["gaps"]
    assert gap["reason"] == GapReason.TOOL_FAILED
    assert "No space left on device" in gap["message"]
    assert "TMPDIR" in gap["remedy"]
    assert result.json["receipts"][0]["state"] == "gap"
    assert run(root).code is ExitCode.FAIL


@needs_root
@pytest.mark.parametrize("inodes", [2, 3, 8, 20, 40])
def test_no_space_for_anything(inodes: int, home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE})
    small = tmp_path / "small"
    small.mkdir()
    result = through(
        _mounted(small, "8k", options=f",nr_inodes={inodes}"), "run", str(root), env={"TMPDIR": str(small)}
    )
    assert result.code is ExitCode.INCOMPLETE
    assert "PASS" not in result.stdout
    assert "TMPDIR" in result.stderr
    assert "should not have happened" not in result.stderr


@needs_root
@pytest.mark.parametrize("size", ["4k", "64k", "600k"])
def test_no_space_for_the_store(size: str, home: Path, repository: Make, tmp_path: Path) -> None:
    """Whether it is full at once or only when findings are stored: never a verdict, never a traceback."""
    root = repository({f"{number}.py": HOLE * 20 for number in range(40)})
    full = tmp_path / "full"
    full.mkdir()
    env = {"HARDGATE_STORE": str(full / "store.db")}
    result = through(_mounted(full, size), "run", str(root), "--json", env=env)
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert result.stdout == ""
    assert "the disk is full" in result.stderr, result.stderr
    assert "Free some space" in result.stderr


@needs_root
def test_no_space_for_the_reports(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE})
    full = tmp_path / "full"
    full.mkdir()
    result = through(_mounted(full, "4k"), "run", str(root), "--report", f"html={full}/report.html")
    assert result.code is ExitCode.INCOMPLETE
    assert f"{full}/report.html was not written: No space left on device" in result.stderr
    assert "html" not in result.stdout
    assert hardgate("gate", str(root)).code is ExitCode.FAIL, "the run itself is stored"


@needs_root
def test_without_a_network_dependencies_are_a_gap(home: Path, repository: Make) -> None:
    pipeline = PIPELINE.replace("ruff", "pip-audit")
    root = repository({"requirements.txt": "jinja2==2.4.1\n"}, pipeline=pipeline)
    result = through(("unshare", "--net"), "run", str(root), "--json")
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert result.json["findings"] == []
    assert result.json["gaps"][0]["reason"] == GapReason.DATA_UNAVAILABLE
    assert "osv_url" in result.json["gaps"][0]["remedy"]


@needs_root
def test_without_a_network_scanners_of_files_work(home: Path, repository: Make) -> None:
    names = "gitleaks, bandit, ruff, hadolint, zizmor"
    root = repository(
        {"app.py": HOLE, "Dockerfile": "FROM scratch\nUSER root\n"}, pipeline=PIPELINE.replace("ruff", names)
    )
    result = through(("unshare", "--net"), "run", str(root), "--json")
    assert result.code is ExitCode.FAIL
    assert result.json["gaps"] == []


@needs_root
def test_without_home_the_password_database_says_where(repository: Make, tmp_path: Path, tools_folder: Path) -> None:
    root = repository({"app.py": HOLE})
    theirs = tmp_path / "theirs"
    (theirs / ".cache" / "hardgate").mkdir(parents=True)
    (theirs / ".cache" / "hardgate" / "tools").symlink_to(tools_folder)
    accounts = tmp_path / "passwd"
    accounts.write_text(f"root:x:0:0:root:{theirs}:/bin/sh\n")
    prefix = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', str(accounts))
    result = through(prefix, "run", str(root), "--json", env={"HOME": None, "HARDGATE_HOME": None})
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert (theirs / ".local" / "state" / "hardgate" / "store.db").is_file()


@needs_root
def test_without_home_and_account_hardgate_home_must_say(repository: Make, tools_folder: Path) -> None:
    root = repository({"app.py": HOLE})
    user = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--inh-caps=+dac_override,+dac_read_search",
            "--ambient-caps=+dac_override,+dac_read_search")  # fmt: skip
    gone = {"HOME": None, "HARDGATE_HOME": None}
    result = through(user, "run", str(root), "--json", env=gone)
    assert result.code is ExitCode.USAGE, result.stdout + result.stderr
    assert "HARDGATE_HOME" in result.stderr
    assert "Nothing was run" in result.stderr


def test_a_checkout_that_can_only_be_read(home: Path, repository: Make, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    root = repository({"app.py": HOLE, "sub/b.py": HOLE}, pipeline=PIPELINE.replace("ruff", "ruff, gitleaks"))
    for path in (*root.rglob("*"), root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    result = mortal("run", str(root), "--json", env={"TMPDIR": str(temporary)})
    for path in (root, *root.rglob("*")):
        path.chmod(0o755)
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["gaps"] == []
    assert paths(result) == {"app.py", "sub/b.py"}
    assert list(temporary.iterdir()) == [], "the private copies can be removed"


@needs_root
def test_a_checkout_on_a_disk_that_can_only_be_read(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE}, pipeline=PIPELINE + "reports: {html: report.html}\n")
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", script, str(root))
    result = through(prefix, "run", str(root))
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert f"{root}/report.html was not written: Read-only file system" in result.stderr
    (root / "hardgate.yaml").write_text(PIPELINE)
    assert through(prefix, "run", str(root), "--json").code is ExitCode.FAIL


def test_a_store_that_can_only_be_read(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    assert run(root).code is ExitCode.FAIL
    for path in home.glob("store.db*"):
        path.chmod(0o444)
    home.chmod(0o555)
    result = mortal("run", str(root))
    home.chmod(0o755)
    assert result.code is ExitCode.INCOMPLETE
    assert "store.db" in result.stderr
    assert "writable" in result.stderr


def test_two_runs_at_once_on_one_store(home: Path, repository: Make) -> None:
    roots = [repository({"app.py": HOLE}, name="one"), repository({"app.py": "print(1)\n"}, name="two")]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda number: run(roots[number % 2], "--no-cache"), range(6)))
    assert [result.code for result in results] == [ExitCode.FAIL, ExitCode.PASS] * 3
    rows: list[dict[str, Any]] = hardgate("runs", "--json").json
    assert {row["id"] for row in rows} == {result.json["run"]["id"] for result in results}
    assert {row["state"] for row in rows} == {"finished"}


# Standard output


@pytest.mark.parametrize("words", [("run", "--json"), ("run",), ("findings",), ("runs",), ("explain",)])
def test_a_reader_that_goes_away_gets_no_traceback(words: tuple[str, ...], home: Path, repository: Make) -> None:
    root = repository({f"{number}.py": HOLE * 30 for number in range(40)})
    first = run(root)
    where = {"run": [str(root)], "findings": ["--path", str(root)], "runs": []}
    more = where.get(words[0], [first.json["findings"][0]["id"], "--path", str(root)])
    argv = [str(EXECUTABLE), *words, *more]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == ExitCode.INCOMPLETE, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_closed_standard_output_is_no_verdict(home: Path, repository: Make) -> None:
    root = repository({"app.py": "print(1)\n"})
    for redirect in (">&-", ">&- 2>&-", "2>&-", "<&-"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" "$@" {redirect}', str(EXECUTABLE), "run", str(root)],
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        expected = ExitCode.INCOMPLETE if redirect.startswith(">&-") else ExitCode.PASS
        assert done.returncode == expected, (redirect, done.stdout, done.stderr)
        assert b"Traceback" not in done.stderr


def test_python_of_the_current_folder_is_not_ours(home: Path, repository: Make) -> None:
    """hardgate is started in a folder with modules named like those that it imports."""
    trap = "raise SystemExit('sprung')\n"
    root = repository({f"{name}.py": trap for name in ("json", "yaml", "msgspec", "rich", "hardgate", "sitecustomize")})
    result = hardgate("run", "--json", cwd=root)
    assert result.code is ExitCode.PASS, result.stdout + result.stderr
