"""How long 1,000 to 1,000,000 findings take from the bytes of a report to the bytes of ours, and how much memory.

    python -m bench.scale             # 1k, 10k and 100k findings, and a gate over stores with 1 and 100 runs
    python -m bench.scale --whole     # 1M findings and 1,000 runs too
    python -m bench.scale --profile 100000 [--kind sarif|trivy]    # where the time goes; nothing is written

A report of SARIF has 100 findings a file, and the file is there: a function of three lines for each finding, so that
identity reads code, scopes and line hashes. A report of Trivy has 1,000 vulnerabilities for each requirements file of
200 packages. Each case has a process of its own, that goes the whole way: parse, identity (settle), seal (the
receipt), merge (conclude), store (a receipt and the finished run, in SQLite with full sync), gate (the decision, its
record in the ledger with the digest of the evidence), report (json and sarif). Beside it, over the same file of SARIF,
`sarif summary` of sarif-tools reads and counts, and so does a process of ours that does no more than that.

The gates judge the newest run, of 1,000 findings, of a store with few runs and of one with many: store opened, run
read, verdict recorded. Time is wall time and CPU time (user and system) of processes; memory is their peak, resident.
Goals on two cores: 100,000 findings in 5 s and 400 MB, 1,000,000 in 60 s and 2 GB, a gate in 0.1 s whatever the
history. Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime
import functools
import gc
import hashlib
import os
import platform
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from bench import large, rules
from hardgate import gate, identity, receipts
from hardgate.cli import main as cli
from hardgate.model import ActionState, Finding, Kind, Policy, Receipt, Report, Run, RunState, Severity
from hardgate.reporters import json as json_report
from hardgate.reporters import sarif as sarif_report
from hardgate.scanners import sarif, trivy
from hardgate.store import Store

TARGET = rules.ROOT / "bench" / "results" / "scale.json"
PEER = "sarif-tools==3.0.5"
SIZES, MOST = (1_000, 10_000, 100_000), 1_000_000
HISTORY, LONG_HISTORY = 100, 1_000  # runs
OF_A_RUN = 1_000  # findings
ROUNDS = 5
GOALS = {100_000: (5.0, 400), 1_000_000: (60.0, 2_000)}  # findings: seconds, MB
GATE_GOAL = 0.1  # seconds
POLICY = Policy(block_at=dict.fromkeys(Kind, Severity.HIGH))
NOW = "2026-01-31T12:00:00Z"
_MB = 1_000_000


class Step(msgspec.Struct, kw_only=True):
    """One part of the way: seconds, and the peak memory of the process up to its end, in MB."""

    step: str
    wall: float
    cpu: float
    peak: int


class Case(msgspec.Struct, kw_only=True):
    """One process over one report of `size` bytes; `wall` and `cpu` seconds and `peak` MB are of the whole process."""

    who: str
    kind: str
    findings: int
    size: int
    wall: float
    cpu: float
    peak: int
    steps: tuple[Step, ...] = ()


class Gate(msgspec.Struct, kw_only=True):
    """A gate over the newest of `runs` stored runs, `findings` in all: medians in seconds, without Python's start."""

    runs: int
    findings: int
    wall: float
    cpu: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write bench/results/scale.json; the exit code as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole", action="store_true", help=f"{MOST:,} findings and {LONG_HISTORY:,} runs too")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="other sizes; nothing is written then")
    parser.add_argument("--profile", type=int, metavar="FINDINGS", help="run one case under cProfile")
    parser.add_argument("--kind", choices=("sarif", "trivy"), default="sarif")
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "KIND", "FOLDER"), help=argparse.SUPPRESS)
    wish = parser.parse_args(argv)
    if wish.child:
        sys.stdout.buffer.write(msgspec.json.encode(_CHILDREN[wish.child[0]](wish.child[1], Path(wish.child[2]))))
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        if wish.profile:
            _profile(wish.kind, Path(name), wish.profile)
            return 0
        own = tuple(wish.sizes) == SIZES
        cases = list(_cases(Path(name), (*wish.sizes, *((MOST,) if wish.whole else ()))))
        gates = list(_gates(Path(name), (1, HISTORY, *((LONG_HISTORY,) if wish.whole else ()))))
    missed = _missed(cases, gates)
    print("\n".join(missed or ["all goals are met"]))
    if own:
        _write(cases, gates)
    return 1 if missed else 0


# What is measured: each of these runs in a process of its own, or under the profiler


class _Watch:
    """Wall and CPU time of one step after another, and the peak of the memory so far."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def done(self, step: str) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.steps.append(Step(step=step, wall=wall - self._wall, cpu=cpu - self._cpu, peak=_peak()))
        self._wall, self._cpu = time.perf_counter(), time.process_time()


def _peak() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB)  # Linux counts in KiB


def _parsed(kind: str, folder: Path) -> Report:
    raw = (folder / "report.json").read_bytes()
    return sarif.parse(raw, "") if kind == "sarif" else trivy.TRIVY.parse(raw)


def whole_way(kind: str, folder: Path) -> list[Step]:
    """From the report to ours: what `hardgate run` does with what a scanner wrote."""
    gc.set_threshold(cli.GARBAGE)
    watch, tree = _Watch(), folder / "tree"
    report = _parsed(kind, folder)
    watch.done("parse")
    gaps, findings = report.gaps, list(report.findings)
    del report
    found = identity.settle(
        identity.drained(findings), action=kind, severities={},
        place=lambda path: path, lines=functools.partial(_lines, tree),
    )  # fmt: skip
    watch.done("identity")
    receipt = receipts.seal(_receipt(kind, found), "")
    watch.done("seal")
    merged = identity.conclude((receipt,))
    watch.done("merge")
    run = _run_of("scale", (receipt,), merged)
    with Store.open(folder / "store.db") as store:
        store.begin(msgspec.structs.replace(run, receipts=(), findings=()))
        store.add_receipt(run.id, receipt)
        store.finish(run)
        watch.done("store")
        verdict = gate.decide(run, POLICY, now=NOW)
        store.save_verdict(run.id, verdict, waivers=POLICY.waivers)
        watch.done("gate")
    if gaps or len(verdict.decisions) != len(found):
        raise SystemExit(f"{len(found)} findings with {len(gaps)} gaps became {len(verdict.decisions)} decisions")
    for name, parts in (("out.json", json_report.parts), ("out.sarif", sarif_report.parts)):
        with (folder / name).open("wb") as out:
            out.writelines(parts(run, verdict))
    watch.done("report")
    return watch.steps


def read_only(kind: str, folder: Path) -> dict[Severity, int]:
    """Read a report and count its findings: no more than what `sarif summary` does."""
    return Counter(one.severity for one in _parsed(kind, folder).findings)


def judge_newest(_kind: str, folder: Path) -> list[Step]:
    """What `hardgate gate` does with a stored run, once more for each round."""
    watch = _Watch()
    for _ in range(ROUNDS + 1):
        with Store.open(folder / "store.db") as store:
            run = store.latest(str(folder))
            if run is None:
                raise SystemExit(f"no run of {folder} is stored")
            verdict = gate.decide(run, POLICY, now=run.finished)
            store.save_verdict(run.id, verdict, waivers=POLICY.waivers)
        watch.done("gate")
    return watch.steps[1:]  # the first one imports what the others use


_CHILDREN: Mapping[str, Callable[[str, Path], object]] = {
    "whole": whole_way, "read": read_only, "gate": judge_newest, "make": lambda kind, folder: str(_made(kind, folder)),
}  # fmt: skip


def _made(kind: str, folder: Path) -> Path:
    """A folder is named by how many findings its report shall have."""
    return large.generate(kind, folder, int(folder.name))


def _lines(tree: Path, path: str) -> Sequence[str]:
    return (tree / path).read_text("utf-8").split("\n")


def _receipt(action: str, findings: tuple[Finding, ...]) -> Receipt:
    return Receipt(
        action=action, stage="scan", scanner=action, state=ActionState.DONE, commit="0" * 40, tree="0" * 64,
        pipeline_digest="0" * 64, started=NOW, findings=findings,
    )  # fmt: skip


def _run_of(name: str, receipts: tuple[Receipt, ...], findings: tuple[Finding, ...], root: str = "/scale") -> Run:
    return Run(
        id=name, pipeline="scale", pipeline_digest="0" * 64, definition="", root=root, commit="0" * 40,
        tree="0" * 64, started=NOW, finished=NOW, state=RunState.FINISHED,
        expected=tuple(one.action for one in receipts), receipts=receipts, findings=findings,
    )  # fmt: skip


# The measurement


def _cases(folder: Path, sizes: Sequence[int]) -> Iterator[Case]:
    peer = _peer(folder / "peer")
    for kind in ("sarif", "trivy"):
        for findings in sizes:
            place = folder / kind / str(findings)
            _child("make", kind, place)  # elsewhere: the memory of a process counts as that of those it starts
            yield _told(_measured("hardgate", kind, place, findings, _words("whole", kind, place)))
            if kind == "sarif":
                yield _told(_measured("hardgate, read", kind, place, findings, _words("read", kind, place)))
                words = [peer, "summary", str(place / "report.json")]
                yield _told(_measured("sarif-tools, summary", kind, place, findings, words))


def _words(what: str, kind: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "bench.scale", "--child", what, kind, str(folder)]


def _child(what: str, kind: str, folder: Path) -> bytes:
    return subprocess.run(_words(what, kind, folder), cwd=rules.ROOT, check=True, stdout=subprocess.PIPE).stdout


def _peer(place: Path) -> str:
    """sarif-tools in an environment of its own; the path of its command."""
    subprocess.run([str(rules.UV), "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
    install = [str(rules.UV), "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), PEER]
    subprocess.run(install, check=True)
    subprocess.run([str(place / "bin" / "sarif"), "--version"], check=True, capture_output=True)  # compiles it
    return str(place / "bin" / "sarif")


def _measured(who: str, kind: str, place: Path, findings: int, words: Sequence[str]) -> Case:
    """Start a process and wait for it; whoever writes JSON lists of steps has them in the case."""
    output = place / "output"
    began = time.monotonic()
    with output.open("wb") as out, subprocess.Popen(words, cwd=rules.ROOT, stdout=out) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    steps = msgspec.json.decode(output.read_bytes(), type=tuple[Step, ...]) if who == "hardgate" else ()
    return Case(
        who=who, kind=kind, findings=findings, size=(place / "report.json").stat().st_size, wall=wall,
        cpu=used.ru_utime + used.ru_stime, peak=round(used.ru_maxrss * 1024 / _MB), steps=steps,
    )  # fmt: skip


def _gates(folder: Path, histories: Sequence[int]) -> Iterator[Gate]:
    made = large.generate("sarif", folder / "history" / str(OF_A_RUN), OF_A_RUN).parent
    found = identity.settle(
        _parsed("sarif", made).findings, action="sarif", severities={},
        place=lambda path: path, lines=functools.partial(_lines, made / "tree"),
    )  # fmt: skip
    for runs in histories:
        place = folder / f"gate-{runs}"
        place.mkdir()
        with Store.open(place / "store.db") as store:
            for number in range(runs):
                name = hashlib.sha256(str(number).encode()).hexdigest()[:16]
                receipt = _receipt("sarif", found)
                run = _run_of(name, (receipt,), identity.conclude((receipt,)), str(place))
                store.save(run)
                store.save_verdict(run.id, gate.decide(run, POLICY, now=NOW), waivers=())
        steps = msgspec.json.decode(_child("gate", "sarif", place), type=tuple[Step, ...])
        wall, cpu = (statistics.median(getattr(one, what) for one in steps) for what in ("wall", "cpu"))
        result = Gate(runs=runs, findings=runs * OF_A_RUN, wall=wall, cpu=cpu)
        print(f"gate over {runs:,} runs, {result.findings:,} findings: {wall:.3f} s, CPU {cpu:.3f} s", flush=True)
        yield result


def _told(case: Case) -> Case:
    cost = f"{case.wall:7.2f} s  CPU {case.cpu:7.2f} s  {case.peak:5} MB"
    print(f"{case.kind:<5} {case.findings:>9,}  {case.who:<20} {cost}", flush=True)
    for one in case.steps:
        print(f"      {one.step:>9}: {one.wall:7.2f} s  CPU {one.cpu:7.2f} s  {one.peak:5} MB", flush=True)
    return case


def _missed(cases: Sequence[Case], gates: Sequence[Gate]) -> list[str]:
    """Print the ratios to sarif-tools; the goals that were missed, as sentences."""
    peers = {one.findings: one for one in cases if one.who.startswith("sarif-tools")}
    for one in cases:
        if one.kind == "sarif" and (peer := peers[one.findings]) is not one:
            ratio = f"CPU {one.cpu / peer.cpu:.2f}, wall {one.wall / peer.wall:.2f}, memory {one.peak / peer.peak:.2f}"
            print(f"{one.who} over {one.findings:,} findings, times that of sarif-tools: {ratio}")
    missed = []
    for one in (case for case in cases if case.who == "hardgate" and case.findings in GOALS):
        seconds, memory = GOALS[one.findings]
        if one.wall > seconds or one.peak > memory:
            goal = f"{one.wall:.2f} s and {one.peak} MB, and not {seconds:g} s and {memory} MB"
            missed.append(f"missed: {one.findings:,} findings of {one.kind} took {goal}")
    return missed + [f"missed: the gate over {one.runs:,} runs took {one.wall:.3f} s, and not {GATE_GOAL} s"
                     for one in gates if one.wall > GATE_GOAL]  # fmt: skip


def _profile(kind: str, folder: Path, findings: int) -> None:
    large.generate(kind, folder / kind, findings)
    profile = cProfile.Profile()
    steps = profile.runcall(whole_way, kind, folder / kind)
    print(*(f"{one.step}: {one.wall:.2f} s" for one in steps), sep=", ")
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


def _write(cases: Sequence[Case], gates: Sequence[Gate]) -> None:
    document = {
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "peer": PEER,
        "cases": cases,
        "gates": gates,
    }
    TARGET.write_bytes(
        msgspec.json.format(msgspec.json.encode(_rounded(msgspec.to_builtins(document))), indent=2) + b"\n"
    )


def _rounded(tree: object) -> object:
    if isinstance(tree, float):
        return round(tree, 3)
    if isinstance(tree, dict):
        return {key: _rounded(one) for key, one in tree.items()}
    return [_rounded(one) for one in tree] if isinstance(tree, list) else tree


if __name__ == "__main__":
    sys.exit(main())
