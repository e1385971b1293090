"""How much hardgate adds to the scanners it starts, and how fast a run is when nothing has changed.

    python -m bench.overhead [--rounds N]

Both sides scan the same copy of examples/planetary-api with the same tools and the same command lines: once from a
shell script that starts them all at once, once by `hardgate run --no-cache`. The rounds alternate, so that a busy
machine slows both; the medians are compared. The goal: at most 1.10 times the scanners' own time plus 0.5 s, and under
1 s for a run of which everything is known. On both sides pip-audit asks a loopback service over a local advisory
database, and Trivy has the database that was made of the same data.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from hardgate import action, config, repository, roles, toolbox, tools
from hardgate.adapter import Job, Scanner
from hardgate.advisories.local import Local
from hardgate.cli.common import OPTIONS
from hardgate.model import Action, CanaryCheck, Policy
from hardgate.scanners import SCANNERS

ROOT = Path(__file__).resolve().parent.parent
HARDGATE = Path(sys.executable).with_name("hardgate")
BY_NAME = {scanner.name: scanner for scanner in SCANNERS}
FAIL = 1  # what planetary-api deserves
FACTOR, ALLOWANCE = 1.10, 0.5


def main() -> int:
    """Measure, print, and write bench/results/overhead.json; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        environment = {**os.environ, "HARDGATE_STORE": f"{name}/store.db", "HARDGATE_ADVISORIES": f"{name}/advisories"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as for a user: what was compiled once is used again
        with _advisories(environment) as osv_url:
            bare, ours, cached = _measure(folder, environment, osv_url, rounds)
    bound = FACTOR * bare + ALLOWANCE
    print(f"scanners bare, all at once   {bare:7.2f} s")
    print(f"hardgate run --no-cache      {ours:7.2f} s   bound {bound:.2f} s   ratio {ours / bare:.2f}")
    print(f"hardgate run, nothing new    {cached:7.2f} s   bound 1.00 s")
    _write(bare, ours, cached, bound)
    return 0 if ours <= bound and cached <= 1.0 else 1


def _measure(folder: Path, environment: Mapping[str, str], osv_url: str, rounds: int) -> tuple[float, float, float]:
    tree = folder / "planetary-api"
    shutil.copytree(ROOT / "examples" / "planetary-api", tree, ignore=shutil.ignore_patterns("instance", "outbox"))
    _git(tree, "init", "--quiet")
    _git(tree, "add", "--all")
    _git(tree, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "--message=bench")
    run = [str(HARDGATE), "run", str(tree), "--osv-url", osv_url, "--quiet"]
    script = _script(folder, tree, osv_url)
    _timed([*run, "--no-cache"], environment, {FAIL})  # canaries, bytecode and page cache
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(_timed(["/bin/sh", str(script)], environment, {0}))
        ours.append(_timed([*run, "--no-cache"], environment, {FAIL}))
    cached = [_timed(run, environment, {FAIL}) for _ in range(rounds + 1)][1:]
    return statistics.median(bare), statistics.median(ours), statistics.median(cached)


def _timed(command: list[str], environment: Mapping[str, str], codes: set[int]) -> float:
    began = time.monotonic()
    done = subprocess.run(command, env=dict(environment), capture_output=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stdout.decode()}{done.stderr.decode()}")
    return time.monotonic() - began


def _git(tree: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True)


def _script(folder: Path, tree: Path, osv_url: str) -> Path:
    """The shell script: every command line of the pipeline in the background, then `wait`."""
    pipeline = config.load((tree / "hardgate.yaml").read_bytes(), options=OPTIONS)
    box = toolbox.open_default(os.environ)
    lines = ["#!/bin/sh", f"cd {shlex.quote(str(tree))}"]
    with Local(folder / "advisories") as local:
        trivy = local.trivy(folder / "trivy", {"PyPI"})
    for number, one in enumerate(pipeline.actions):
        scanner = BY_NAME[one.scanner]
        command = box.locate(scanner.tool_name(one.options)).command
        job = _job(tree, one, command, osv_url, trivy)
        for part_number, line in enumerate(_commands(folder / f"home-{number}", scanner, job)):
            lines.append(f"{line} >{shlex.quote(str(folder / f'out-{number}-{part_number}'))} 2>&1 &")
    path = folder / "bare.sh"
    path.write_text("\n".join([*lines, "wait", ""]))
    return path


def _job(tree: Path, one: Action, command: tuple[str, ...], osv_url: str, trivy: Path) -> Job:
    scanner = BY_NAME[one.scanner]
    names = [path.relative_to(tree).as_posix() for path in sorted(tree.rglob("*")) if path.is_file()]
    files = tuple(name for name in names if not name.startswith(".git/") and scanner.selects(name))
    history = str(tree / ".git") if getattr(one.options, "history", False) else ""
    return action.job_of(_scene(tree, osv_url, trivy), scanner, one, command, tree, files=files, history=history)


def _commands(home: Path, scanner: Scanner, job: Job) -> Iterator[str]:
    (home / ".config").mkdir(parents=True)
    for part in scanner.split(job):
        start = dataclasses.replace(part, scratch=str(home), report=str(home / "report"))
        env = tools.environment(home, extra=scanner.environment(start))
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in env.items())
        yield f"env -i {words} {shlex.join(scanner.argv(start))}"


def _scene(tree: Path, osv_url: str, trivy: Path) -> action.Scene:
    """Only what a command line depends on; nothing else of it is asked."""
    unused = _Unused()
    return action.Scene(
        tree=repository.Tree(root=tree, entries=(), digest=""),
        staged=lambda: tree,
        scratch=tree,
        rules=ROOT / "src" / "hardgate" / "rules",
        policy=Policy(block_at={}),
        exclude=(),
        pipeline_digest="",
        osv_url=osv_url,
        trivy=trivy,
        cache=tree,
        changed=None,
        locate=unused,
        memory=unused,
        clock=str,
        version="",
    )


class _Unused:
    """Stands where a command line needs nothing; being asked is a fault of this script."""

    def __call__(self, *_words: object, **_more: object) -> roles.Tool:
        raise AssertionError("not to be asked")

    def canary(self, key: str) -> CanaryCheck | None:
        raise AssertionError(key)

    def remember_canary(self, key: str, check: CanaryCheck) -> None:
        raise AssertionError(key, check)

    def put_blob(self, data: bytes) -> str:
        raise AssertionError(len(data))


@contextlib.contextmanager
def _advisories(environment: Mapping[str, str]) -> Iterator[str]:
    """The address of the local database's service, in a process of its own, so that it is on neither side."""
    data = next((ROOT / ".lab").glob("lib/python3*/site-packages/cordon_scanner/intel/data"))
    words = [str(HARDGATE), "advisories"]
    subprocess.run([*words, "import", "--from", str(data), "--ecosystem", "PyPI"], env=environment, check=True)
    with subprocess.Popen([*words, "serve"], env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield next(re.findall(r"http://\S+", line)[0] for line in server.stdout or () if "http://" in line)
        finally:
            server.terminate()


def _write(bare: float, ours: float, cached: float, bound: float) -> None:
    rows = [
        {"what": "the scanners bare, all started at once by a shell script", "seconds": round(bare, 2)},
        {"what": "`hardgate run --no-cache`", "seconds": round(ours, 2), "bound": f"{bound:.2f} s"},
        {"what": "`hardgate run` again, nothing changed", "seconds": round(cached, 2), "bound": "1.00 s"},
    ]
    result = {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "tree": "examples/planetary-api",
        "rows": rows,
    }
    target = ROOT / "bench" / "results" / "overhead.json"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
