"""How long a commit waits for the pre-commit hook, beside the same tools started bare.

    python -m bench.hooks [--rounds N]

Five files of examples/planetary-api are changed and staged in each round, so that nothing is known of them. The same
five checks look at them: once from a shell script that starts the tools all at once, with the same command lines, and
once by `hardgate hooks run pre-commit`; then by the hook again, with one of the five changed, and with none. Of all
rounds the quickest of each counts: what else the machine does only ever adds. The goal: under 1 s.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hardgate import toolbox, tools
from hardgate.adapter import Job
from hardgate.cli.common import OWN
from hardgate.model import Hooks
from hardgate.styles import STYLES

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "planetary-api"
HARDGATE = Path(sys.executable).with_name("hardgate")
FILES = ("app.py", "planetary/mail.py", "planetary/commands.py", "Dockerfile", "README.md")
SECONDS = 1.0
WHAT = {
    "bare": "the five tools bare, all started at once by a shell script",
    "new": "the hook: five files changed",
    "one": "the hook again: one of the five changed since",
    "same": "the hook again: nothing changed since",
}
_Times = dict[str, list[tuple[float, float]]]  # wall time and CPU time, seconds


def main() -> int:
    """Measure, print, and write bench/results/hooks.json; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        times = _measure(Path(name), rounds)
    quickest = {key: (min(wall for wall, _ in one), min(cpu for _, cpu in one)) for key, one in times.items()}
    for key, what in WHAT.items():
        (wall, cpu), median = quickest[key], statistics.median(wall for wall, _ in times[key])
        ratio = wall / quickest["bare"][0]
        print(f"{what:<60} {wall:6.2f} s   CPU {cpu:.2f} s   ratio {ratio:.2f}   median {median:.2f} s")
    _write(quickest, rounds)
    return 0 if all(quickest[key][0] <= SECONDS for key in ("new", "one", "same")) else 1


def _measure(folder: Path, rounds: int) -> _Times:
    environment = {**os.environ, "XDG_STATE_HOME": f"{folder}/state"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as for a user: what was compiled once is used again
    tree = folder / "work"
    for file in FILES:
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(EXAMPLE / file, tree / file)
    _git(tree, "init", "--quiet")
    script = _script(folder, tree)
    hook = [str(HARDGATE), "hooks", "run", "pre-commit"]
    times: _Times = {key: [] for key in WHAT}
    for number in range(rounds + 1):
        _change(tree, FILES, number)
        steps = [("bare", ["/bin/sh", str(script)]), ("new", hook), ("same", hook)]
        for key, command in steps if number % 2 else [steps[1], steps[2], steps[0]]:
            times[key].append(_timed(command, tree, environment))
        _change(tree, FILES[:1], number + 1000)
        times["one"].append(_timed(hook, tree, environment))
    return {key: values[1:] for key, values in times.items()}  # without the first: bytecode and page cache


def _change(tree: Path, files: tuple[str, ...], number: int) -> None:
    for file in files:
        with (tree / file).open("a") as text:
            text.write(f"# change {number}\n")
    _git(tree, "add", "--all")


def _timed(command: list[str], tree: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=tree, env=dict(environment), capture_output=True, check=False)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in {0, 1}:  # what the tools find in the example is another matter
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stdout.decode()}{done.stderr.decode()}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _git(tree: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True)


def _script(folder: Path, tree: Path) -> Path:
    """The shell script: the command line of every check in the background, then `wait`."""
    box = toolbox.open_default(os.environ)
    lines = ["#!/bin/sh", f"cd {shlex.quote(str(tree))}"]
    for name in Hooks().pre_commit:
        scanner = STYLES.get(name) or OWN[name]
        home = folder / f"home-{name}"
        home.mkdir()
        job = Job(
            command=box.locate(name).command,
            root=str(tree),
            files=tuple(file for file in FILES if scanner.selects(file)),
            report="",
            scratch=str(home),
            rules=str(ROOT / "src" / "hardgate" / "rules"),
            options=scanner.options(),
            mode="tree",
        )
        env = " ".join(f"{key}={shlex.quote(value)}" for key, value in tools.environment(home).items())
        out = shlex.quote(str(home / "out"))
        lines.append(f"env -i {env} {shlex.join(scanner.argv(job))} >{out} 2>&1 &")
    path = folder / "bare.sh"
    path.write_text("\n".join([*lines, "wait", ""]))
    return path


def _write(quickest: Mapping[str, tuple[float, float]], rounds: int) -> None:
    rows = [
        {
            "what": what,
            "seconds": round(quickest[key][0], 2),
            "cpu": round(quickest[key][1], 2),
            "bound": "" if key == "bare" else f"{SECONDS:.2f} s",
            "ratio": round(quickest[key][0] / quickest["bare"][0], 2),
        }
        for key, what in WHAT.items()
    ]
    result = {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "tree": f"five files of examples/planetary-api ({', '.join(FILES)})",
        "rounds": rounds,
        "load": f"The machine did other work too: its load was {os.getloadavg()[1]:.1f} over five minutes.",
        "rows": rows,
    }
    target = ROOT / "bench" / "results" / "hooks.json"
    target.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
