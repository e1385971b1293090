"""Captures the samples of gitleaks, bandit, ruff, semgrep, hadolint, zizmor, cfn-lint, and SARIF logs, from real tools.

    python -m tests.scanners.capture_code [NAME ...]

Each tool is started with its adapter's own command line, in the folder of the input, so that all paths are relative.
What differs from run to run or machine to machine (times, the folder in Ruff's absolute paths) is set to a fixed word.
Afterwards look at the difference, and put new files into the SOURCES.toml of their folder.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hardgate import tools
from hardgate.adapter import Scanner
from hardgate.scanners.bandit import BANDIT
from hardgate.scanners.cfn_lint import CFN_LINT
from hardgate.scanners.dataflow import DATAFLOW
from hardgate.scanners.detect_secrets import DETECT_SECRETS
from hardgate.scanners.gitleaks import GITLEAKS
from hardgate.scanners.hadolint import HADOLINT
from hardgate.scanners.ruff import RUFF
from hardgate.scanners.semgrep import SEMGREP
from hardgate.scanners.zizmor import ZIZMOR
from tests.lab.tools import tool
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples"
FOLDER = "/srv/tree"  # stands for the folder in which the capture ran


def keep(name: str, file: str, raw: bytes, root: Path) -> None:
    """Write one sample, with nothing in it of this machine or this minute."""
    text = raw.decode().replace(str(root.resolve()), FOLDER).replace(str(root), FOLDER)
    text = re.sub(r'("(?:generated_at|endTimeUtc)": ?)"[^"]*"', r'\1"2026-11-22T00:00:00Z"', text)
    target = SAMPLES / name / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    sys.stdout.write(f"{target.relative_to(SAMPLES)}: {len(text)} characters\n")


def adapter(scanner: Scanner, file: str, root: Path, scratch: Path, **more: object) -> None:
    """One sample by the adapter's own command line."""
    done = real.start(scanner, real.job(scanner, root, scratch, **more))
    if done.exit_code not in scanner.done_exits:
        raise SystemExit(f"{scanner.name} ended with {done.exit_code}: {done.stderr.decode()}")
    keep(scanner.name, file, done.stdout, root)


def plainly(name: str, folder: str, file: str, words: tuple[str, ...], root: Path) -> None:
    """One sample by a command line of its own: SARIF."""
    argv = (str(tool(name)), *words)
    done = tools.run(argv, cwd=root, env=tools.environment(root.parent / "home"), timeout=180)
    keep(folder, file, done.stdout, root)


def other(release: str, folder: str, file: str, words: tuple[str, ...], root: Path) -> None:
    """One sample of another release than the pinned one, fetched by uv."""
    name = re.split(r"[\[=]", release)[0]
    argv = (sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", release, name, *words)
    done = tools.run(argv, cwd=root, env=os.environ, timeout=300)
    keep(folder, file, done.stdout, root)


def gitleaks(root: Path, scratch: Path) -> None:
    real.write(root, inputs.SECRETS)
    adapter(GITLEAKS, "tree-8.30.1.json", root, scratch, mode="tree")
    bare = inputs.repository(scratch / "repository")
    adapter(GITLEAKS, "history-8.30.1.json", root, scratch, mode="history", history=str(bare))
    words = ("dir", ".", "--redact", "--no-banner", "--report-format", "json", "--report-path", "-")
    plainly("gitleaks", "gitleaks", "plain-8.30.1.json", words, root)
    words = ("dir", ".", "--redact", "--no-banner", "--report-format", "sarif", "--report-path", "-")
    plainly("gitleaks", "sarif", "gitleaks-8.30.1.sarif", words, root)


def detect_secrets(root: Path, scratch: Path) -> None:
    real.write(root, inputs.SECRETS)
    adapter(DETECT_SECRETS, "report-1.5.0.json", root, scratch)
    (root / "src/allowed.py").unlink()
    plainly("detect-secrets", "detect-secrets", "plain-1.5.0.json", ("scan", "--all-files", "--no-verify", "."), root)
    clean = real.write(scratch / "clean", {"README.md": "Nothing to see here.\n"})
    adapter(DETECT_SECRETS, "nothing-1.5.0.json", clean, scratch)


def bandit(root: Path, scratch: Path) -> None:
    real.write(root, inputs.PYTHON)
    adapter(BANDIT, "report-1.9.4.json", root, scratch)
    other("bandit==1.7.9", "bandit", "report-1.7.9.json", ("-r", "-q", "-f", "json", "."), root)
    words = ("-r", "-q", "-f", "sarif", "--ignore-nosec", ".")
    other("bandit[sarif]==1.9.4", "sarif", "bandit-1.9.4.sarif", words, root)


def ruff(root: Path, scratch: Path) -> None:
    real.write(root, inputs.PYTHON | inputs.NOTEBOOK)
    adapter(RUFF, "report-0.17.5.json", root, scratch)
    words = ("check", "--isolated", "--select", "S,E902", "--no-cache", "--output-format", "json", ".")
    other("ruff==0.9.10", "ruff", "report-0.9.10.json", words, root)
    words = ("check", "--isolated", "--select", "S,E902", "--no-cache", "--output-format", "sarif", ".")
    plainly("ruff", "sarif", "ruff-0.17.5.sarif", words, root)


def hadolint(root: Path, scratch: Path) -> None:
    real.write(root, inputs.DOCKERFILES)
    adapter(HADOLINT, "report-2.15.1.json", root, scratch, options={"trusted_registries": ["docker.io"]})
    plainly("hadolint", "sarif", "hadolint-2.15.1.sarif", ("--format", "sarif", "app/Dockerfile"), root)


def zizmor(root: Path, scratch: Path) -> None:
    real.write(root, inputs.WORKFLOWS)
    adapter(ZIZMOR, "report-1.32.0.json", root, scratch)
    words = ("--offline", "--no-config", "--format", "json", "./.github/workflows/ci.yml")
    other("zizmor==1.5.2", "zizmor", "report-1.5.2.json", words, root)
    words = ("--offline", "--no-config", "--format", "sarif", "./.github/workflows/ci.yml")
    plainly("zizmor", "sarif", "zizmor-1.32.0.sarif", words, root)


def cfn_lint(root: Path, scratch: Path) -> None:
    real.write(root, inputs.TEMPLATES)
    adapter(CFN_LINT, "report-1.58.0.json", root, scratch, options={"informational": True})
    words = (
        "--format",
        "json",
        "--regions",
        "us-east-1",
        "--mandatory-checks",
        "E",
        "W",
        "--",
        "stacks/broken.yaml",
        "stacks/database.yaml",
    )
    other("cfn-lint==0.87.11", "cfn-lint", "report-0.87.11.json", words, root)


def semgrep(root: Path, scratch: Path) -> None:
    real.write(root, inputs.FLASK)
    adapter(SEMGREP, "report-1.182.0.json", root, scratch)
    adapter(SEMGREP, "opengrep-1.30.0.json", root, scratch, options={"engine": "opengrep"})
    quiet = ("--metrics", "off", "--disable-version-check", "--no-rewrite-rule-ids")
    words = ("scan", "--sarif", *quiet, "--config", f"{real.RULES}/semgrep.json", ".")
    plainly("semgrep", "sarif", "semgrep-1.182.0.sarif", words, root)


def dataflow(root: Path, scratch: Path) -> None:
    real.write(root, {**inputs.FLASK, **inputs.FLOW})
    adapter(DATAFLOW, "report-1.json", root, scratch)


CAPTURES: dict[str, Callable[[Path, Path], None]] = {
    "gitleaks": gitleaks, "detect-secrets": detect_secrets,
    "bandit": bandit, "ruff": ruff, "hadolint": hadolint, "zizmor": zizmor, "semgrep": semgrep, "dataflow": dataflow,
    "cfn-lint": cfn_lint,
}  # fmt: skip


def main() -> None:
    for name in sys.argv[1:] or CAPTURES:
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            for part in ("tree", "scratch", "home"):
                (work / part).mkdir()
            CAPTURES[name](work / "tree", work / "scratch")


if __name__ == "__main__":
    main()
