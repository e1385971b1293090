"""`python -m tests.fuzz [TARGET...] --seconds N`: each target under atheris, one after another.

What is found is made smaller and kept in tests/fuzz/crashes/TARGET/, where test_fuzz.py feeds it again for ever.
The exit code is 1 when anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fuzz import nasty
from tests.fuzz.targets import TARGETS, Target, feed

CRASHES = Path(__file__).parent / "crashes"
TIMEOUT = 25  # seconds for one input, on a machine that has other work too
RESIDENT = 2048  # MB
LONGEST = 60_000  # bytes of one input
_SHRINKING = 20.0  # seconds for one crash
_DONE = re.compile(rb"Done (\d+) runs|#(\d+)\s")
_COVERAGE = re.compile(rb"cov: (\d+)")


def main() -> int:
    """Fuzz what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", metavar="TARGET", nargs="*", help=f"of: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}")
    found = [_fuzz(TARGETS[name], chosen.seconds) for name in chosen.targets or TARGETS]
    print(f"{len(found)} targets, {sum(found)} of them with something found")
    return int(any(found))


def _fuzz(target: Target, seconds: int) -> bool:
    """Fuzz one target; whether anything was found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus, artefacts = folder / "corpus", folder / "found"
        for one in (corpus, artefacts):
            one.mkdir()
        for seed in (*target.seeds, *nasty.PIECES):
            (corpus / _digest(seed)).write_bytes(seed[:LONGEST])
        (folder / "words").write_text("".join(f'"{_escaped(word)}"\n' for word in nasty.words(target.seeds)))
        flags = (
            f"-max_total_time={seconds}", f"-timeout={TIMEOUT}", f"-rss_limit_mb={RESIDENT}", f"-max_len={LONGEST}",
            f"-dict={folder / 'words'}", f"-artifact_prefix={artefacts}/", str(corpus),
        )  # fmt: skip
        argv = (sys.executable, "-W", "ignore", "-m", "tests.fuzz.child", target.name, *flags)
        done = subprocess.run(argv, capture_output=True, check=False)
        kept = [_keep(target, path) for path in sorted(artefacts.iterdir())]
    counts = [int(one or other) for one, other in _DONE.findall(done.stderr)]
    coverage = max(map(int, _COVERAGE.findall(done.stderr)), default=0)
    print(
        f"{target.name:<20} {max(counts, default=0):>9,} runs  cov {coverage:>5}  {'; '.join(kept) or 'nothing'}",
        flush=True,
    )
    if done.returncode and not kept:
        print(done.stderr[-3000:].decode("utf-8", "replace"), flush=True)
    return bool(kept or done.returncode)


def _keep(target: Target, path: Path) -> str:
    """Keep what was found, made smaller where it is no matter of time or memory; what to tell of it."""
    raw, what = path.read_bytes(), path.name.partition("-")[0]
    if what == "crash":
        raw = shrunk(raw, lambda one: _fails(target, one))
    place = CRASHES / target.name / _digest(raw)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(raw)
    return f"{what}: {place.relative_to(CRASHES)} {_fails(target, raw) if what == 'crash' else ''}"


def _fails(target: Target, raw: bytes) -> str:
    """The kind of error that comes out, and where it was raised; "" when none."""
    try:
        feed(target, raw)
    except Exception as error:  # noqa: BLE001 (any error that is not documented is what is looked for)
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        return f"{type(error).__name__} {where}"
    return ""


def shrunk(raw: bytes, fails: Callable[[bytes], str]) -> bytes:
    """A smaller input that fails in the same way: ever smaller pieces are left out, for some seconds."""
    wanted, end, size = fails(raw), time.monotonic() + _SHRINKING, len(raw) // 2
    while wanted and size and time.monotonic() < end:
        start, smaller = 0, False
        while start < len(raw) and time.monotonic() < end:
            shorter = raw[:start] + raw[start + size :]
            if fails(shorter) == wanted:
                raw, smaller = shorter, True
            else:
                start += size
        size = size if smaller else size // 2
    return raw


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]


def _escaped(word: bytes) -> str:
    """A word of a dictionary: https://llvm.org/docs/LibFuzzer.html#dictionaries."""
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
