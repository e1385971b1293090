"""The examples as the designs have them, whole and with real containers: seconds for each stage, verdict, digests.

    python -m bench.designs             # prints the table; writes bench/results/designs.json
    python -m bench.designs --only todo

planetary-api is built, pushed, scanned by three actions in parallel (one of which attacks it in containers, with
MariaDB), judged, and tested: FAIL. todo goes from the inside out, and its image is pushed: PASS. Both run their
delivery.yaml, in a git repository of their own, on the engine and the registry of tests/lab/containers.

The seconds are wall time of one run from empty caches, with the scanners installed and the advisories of the demo's
snapshot. The exit code is 0; 1 when a verdict is not the one that its example deserves; 3 when something was not looked
at.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.detection import HARDGATE, ROOT
from tests.lab import npm_tools
from tests.lab.containers import lab as labs

TARGET = ROOT / "bench" / "results" / "designs.json"
EXAMPLES = {"planetary-api": "FAIL", "todo": "PASS"}
_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
_IMAGES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)

Report = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(EXAMPLES), help="just this one; nothing is written then")
    wish = parser.parse_args(argv)
    rows = []
    with labs.start() as lab, tempfile.TemporaryDirectory(prefix="bench-") as name:
        advisories = filled(Path(name) / "advisories")
        for example in [wish.only] if wish.only else EXAMPLES:
            report = delivered(lab, example, Path(name) / example, advisories)
            rows.append(row(example, report))
            print("\n".join(told(rows[-1], report)), flush=True)
    if not wish.only:
        document = {
            "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
            "designs": rows,
        }
        TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    if any(one["outcome"] == "INCOMPLETE" for one in rows):
        return 3
    return int(any(one["outcome"] != EXAMPLES[one["example"]] for one in rows))


def filled(folder: Path) -> Path:
    """A local advisory database, filled from the snapshot of the demo."""
    data = next((ROOT / ".lab").glob("lib/python3*/site-packages/cordon_scanner/intel/data"))
    words = [str(HARDGATE), "advisories", "import", "--from", str(data), "--ecosystem", "PyPI"]
    subprocess.run(words, env={**os.environ, "HARDGATE_ADVISORIES": str(folder)}, check=True, capture_output=True)
    return folder


def delivered(lab: labs.Lab, example: str, folder: Path, advisories: Path) -> Report:
    """The JSON report of an example's delivery.yaml, run whole inside of the lab. `folder` is made.

    `advisories` is the local database. Raises RuntimeError when hardgate ended without a report.
    """
    tree = folder / "tree"
    copy(ROOT / "examples" / example, tree)
    variables = {
        **os.environ, **lab.environment, "ECR_PASSWORD": lab.password, "HARDGATE_STORE": str(folder / "store.db"),
        "HARDGATE_ADVISORIES": str(advisories),
        "PATH": os.pathsep.join((str(folder / "bin"), str(HARDGATE.parent), lab.environment["PATH"])),
    }  # fmt: skip
    (folder / "bin").mkdir()
    (folder / "bin" / "newman").symlink_to(npm_tools.newman()[-1])
    hardgate = (str(HARDGATE), "run", "--config", "delivery.yaml", "--json", "--no-cache", "--no-install")
    # The folder that a command begins in cannot be named in there.
    words = lab.inside("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(tree), *hardgate)
    done = subprocess.run(words, env=variables, capture_output=True, check=False)
    try:
        report: Report = msgspec.json.decode(done.stdout)
    except msgspec.DecodeError as error:
        raise RuntimeError(f"hardgate ended with {done.returncode}: {done.stderr.decode()}") from error
    return report


def copy(example: Path, tree: Path, definition: str = "") -> None:
    """The files of an example that git knows, as a git repository of one commit; with this hardgate.yaml, if any."""
    rows = subprocess.run(["git", "ls-files", "-z", "."], cwd=example, check=True, capture_output=True).stdout
    for path in filter(None, rows.decode().split("\0")):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes((example / path).read_bytes())
        (tree / path).chmod((example / path).stat().st_mode)
    if definition:
        (tree / "hardgate.yaml").write_text(definition)
    for words in (("init", "--quiet"), ("add", "--all"), (*_AUTHOR, "commit", "--quiet", "--message=bench")):
        subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True)


def row(example: str, report: Report) -> dict[str, Any]:
    """The figures of one example: seconds of each stage and action, what blocks, and the images by their digests."""
    return {
        "example": example,
        "outcome": report["verdict"]["outcome"],
        "blocking": report["verdict"]["counts"]["blocking"],
        "confirmed": sum(one["confirmed"] for one in report["findings"]),
        "seconds": round(_between(report["run"]["started"], report["run"]["finished"]), 1),
        "stages": list(_stages(report)),
        "pushed": [
            output["reference"]
            for receipt in report["receipts"]
            for output in receipt["outputs"]
            if output["media_type"] in _IMAGES
        ],
    }


def _stages(report: Report) -> Iterator[dict[str, Any]]:
    """A stage takes until the next one begins: its actions run in parallel, and are not all of it.

    The seconds of a scanner are those of its tool, those of a step are all of it: its working copy, the start and the
    end of its environment, and its commands.
    """
    receipts = report["receipts"]
    names = list(dict.fromkeys(one["stage"] for one in receipts))
    begins = [min(one["started"] for one in receipts if one["stage"] == name) for name in names]
    for name, begin, end in zip(names, begins, (*begins[1:], report["run"]["finished"]), strict=True):
        actions = {one["action"]: round(one["seconds"], 1) for one in receipts if one["stage"] == name}
        yield {"stage": name, "seconds": round(_between(begin, end), 1), "actions": actions}


def _between(start: str, end: str) -> float:
    first, last = (datetime.datetime.fromisoformat(text) for text in (start, end))
    return (last - first).total_seconds()


def told(one: Mapping[str, Any], report: Report) -> Iterator[str]:
    """The row as lines, and every gap."""
    yield (
        f"{one['example']}: {one['outcome']} after {one['seconds']:.0f} s, {one['blocking']} block, "
        f"{one['confirmed']} confirmed"
    )
    for stage in one["stages"]:
        actions = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stage["actions"].items())
        yield f"  {stage['stage']:<12} {stage['seconds']:6.1f} s   {actions}"
    yield from (f"  pushed {reference}" for reference in one["pushed"])
    yield from (f"  gap: {gap['action']}: {gap['message']}" for gap in report["gaps"])


if __name__ == "__main__":
    sys.exit(main())
