"""Tools that hardgate starts in a way of its own: stand-ins from a loopback index, and the real ones."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from hardgate.errors import ToolError
from hardgate.toolbox import Toolbox, open_default, starts
from hardgate.toolbox.lock import Pinned
from tests.toolbox.workshop import Server, box_of, index_of, lock_of

# As detect-secrets does: a plug-in has the module in an annotation, and is searched for classes.
PLUGIN = "import requests\n\n\ndef ask() -> requests.Response:\n    return requests.get()\n"
SCRIPT = """\
#!python
import inspect, sys
import plugin
[one for one in vars(plugin).values() if inspect.isclass(one)]
if "scan" in sys.argv: import looker
if "judge" in sys.argv: isinstance(1, plugin.ask.__annotations__["return"])
said = plugin.ask() if "ask" in sys.argv else ""
print("1.5.0", sys.argv[1:], "requests.parts" in sys.modules, said)
"""
REQUESTS = "from requests import parts\nclass Response: pass\ndef get(): return parts.WORD\n"
FILES = {
    "plugin.py": PLUGIN, "looker.py": "", "requests/__init__.py": REQUESTS, "requests/parts.py": "WORD = 'asked'\n",
    "scripts/detect-secrets": SCRIPT,
}  # fmt: skip
BLACK = """\
#!python
import sys
print("26.1.0", sys.argv[1:])
name = sys.argv[-1]
if name == "crash.py": raise ValueError("no exit code of its own")
sys.exit({"bad.py": 1, "usage.py": 2, "unreadable.py": 123, "words.py": "no number"}.get(name, 0))
"""


def installed(server: Server, folder: Path, name: str, version: str, files: Mapping[str, str]) -> Toolbox:
    package = server.put_wheel(name, version, {path: text.encode() for path, text in files.items()})
    box = box_of(server, folder, lock_of(**{name: Pinned(version=version, channels=(index_of(package),))}))
    box.sync([name])
    return box


def start(box: Toolbox, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*box.locate(name).command, *words], check=False, capture_output=True, text=True)


def test_a_module_is_loaded_when_it_is_first_used(server: Server, tmp_path: Path) -> None:
    box = installed(server, tmp_path, "detect-secrets", "1.5.0", FILES)
    assert start(box, "detect-secrets", "look", ".").stdout == "1.5.0 ['look', '.'] False \n"
    assert start(box, "detect-secrets", "ask").stdout == "1.5.0 ['ask'] True asked\n"
    judged = start(box, "detect-secrets", "judge")  # the word for a type is none: an error, and no wrong answer
    assert (judged.returncode, "TypeError" in judged.stderr) == (1, True)


def test_what_a_look_loads_is_compiled_when_the_tool_is_installed(server: Server, tmp_path: Path) -> None:
    installed(server, tmp_path, "detect-secrets", "1.5.0", FILES)
    compiled = {path.name.split(".")[0] for path in tmp_path.rglob("site-packages/**/*.pyc")}
    assert compiled == {"plugin", "looker"}


def test_a_module_that_is_not_there_is_missed_as_ever(server: Server, tmp_path: Path) -> None:
    without = {name: text for name, text in FILES.items() if not name.startswith("requests/")}
    box = installed(server, tmp_path, "detect-secrets", "1.5.0", without)
    with pytest.raises(ToolError, match="is not installed"):
        box.locate("detect-secrets")
    [refused] = box.sync(["detect-secrets"])
    assert "ModuleNotFoundError: No module named 'requests'" in refused.error


def test_files_are_handed_over_one_by_one_and_the_worst_exit_code_tells(server: Server, tmp_path: Path) -> None:
    box = installed(server, tmp_path, "black", "26.1.0", {"scripts/black": BLACK})
    done = start(box, "black", "--check", "--", "a.py", "bad.py", "unreadable.py", "usage.py", "b.py")
    said = [f"26.1.0 ['--check', '--', '{name}.py']" for name in ("a", "bad", "unreadable", "usage", "b")]
    assert (done.stdout.splitlines(), done.returncode) == (said, 123)
    assert start(box, "black", "--", "a.py", "bad.py").returncode == 1
    assert start(box, "black", "--", "a.py").returncode == 0
    whole = start(box, "black", "--version")
    assert (whole.stdout, whole.returncode) == ("26.1.0 ['--version']\n", 0)


@pytest.mark.parametrize(("name", "said"), [("crash.py", "ValueError"), ("words.py", "no number")])
def test_what_ends_the_process_leaves_the_planted_file_unread(
    server: Server, tmp_path: Path, name: str, said: str
) -> None:
    box = installed(server, tmp_path, "black", "26.1.0", {"scripts/black": BLACK})
    done = start(box, "black", "--", "bad.py", name, "planted.py")
    assert said in done.stderr
    assert "planted.py" not in done.stdout
    assert done.returncode == 1


def test_the_start_is_sealed_and_another_one_is_another_installation(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = installed(server, tmp_path, "black", "26.1.0", {"scripts/black": BLACK})
    home = box.locate("black").home
    assert (home / starts.FILE).read_bytes() == starts.content("singly")
    monkeypatch.setattr(starts, "content", lambda _name: b"another")
    assert box.absent(["black"]) == ("black",)
    monkeypatch.undo()
    (home / starts.FILE).write_text("raise SystemExit(0)\n")
    with pytest.raises(ToolError, match=r"black is damaged: .*start\.py"):
        box.locate("black")


# The real ones


def _said(words: list[str], root: Path) -> tuple[str, str, int]:
    done = subprocess.run(words, cwd=root, check=False, capture_output=True, text=True, env={"HOME": str(root)})
    return done.stdout, done.stderr, done.returncode


@pytest.mark.real
def test_the_real_tools_say_the_same_and_load_less(tools_folder: Path, tmp_path: Path) -> None:
    box = open_default({"HARDGATE_HOME": str(tools_folder.parent), "PATH": os.defpath})
    (tmp_path / "a.py").write_text(f'x  =  1\npassword = "{"9xK2-qq7w"}"\n')
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "c.py").write_text("def (:\n")
    black = ["--config", "/dev/null", "--check", "--diff", "--fast", "--no-cache", "--"]
    secrets = ["-c", "1", "scan", "--all-files", "--no-verify", "a.py", "b.py"]
    for name, words, files, unloaded in (
        ("black", black, ["a.py", "b.py", "c.py"], "multiprocessing"),
        ("detect-secrets", secrets, [], "urllib3"),
    ):
        home = box.locate(name).home
        python = [str(home / "env/bin/python"), "-I", "-B", "-X", "utf8"]
        script, ours = str(home / "env/bin" / name), str(home / starts.FILE)
        out, err, code = _said([*python, "-X", "importtime", ours, script, *words, *files], tmp_path)
        assert unloaded not in err
        plain = [_said([*python, script, *words, *one], tmp_path) for one in ([[file] for file in files] or [[]])]
        assert _undated(out) == _undated("".join(one[0] for one in plain))
        assert code == max(one[2] for one in plain) == (123 if name == "black" else 0)
        assert "a.py" in out


def _undated(text: str) -> list[str]:
    """Without the lines that hold a time: those of the new file in a diff, and that of a JSON report."""
    return [line for line in text.splitlines() if not line.startswith(("+++ ", '  "generated_at"'))]
