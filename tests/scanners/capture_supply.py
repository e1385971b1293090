"""Captures the samples of pip-audit, safety, checkov, trivy, cyclonedx and sbom-audit from the real tools.

`python -m tests.scanners.capture_supply [TOOL...]` writes tests/scanners/samples/TOOL/CASE-VERSION.json, with the
command line of the adapter itself, unless a case says otherwise. Vulnerability data comes from the loopback services of
tests/lab. What differs from machine to machine or run to run (the scanned folder, times, the system's name) is set to a
fixed word. Afterwards look at the difference, and take the samples of an older version away or keep them on purpose;
put new files into the SOURCES.toml of their folder.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hardgate import tools
from hardgate.adapter import Job, Scanner
from hardgate.advisories.local import Local
from hardgate.scanners.checkov import CHECKOV
from hardgate.scanners.cyclonedx import CYCLONEDX
from hardgate.scanners.pip_audit import PIP_AUDIT
from hardgate.scanners.safety import SAFETY
from hardgate.scanners.sbom_audit import SBOM_AUDIT
from hardgate.scanners.trivy import TRIVY
from tests.lab import advisory_db, osv_server, safety_service, trivy_db
from tests.lab.tools import toolbox
from tests.scanners import real

SAMPLES = Path(__file__).parent / "samples"
FOLDER = b"/srv/tree"  # stands for the folder in which the capture ran
_FIXED = (
    (rb'("(?:timestamp|CreatedAt)": ?)"[^"]*"', rb'\1"2026-11-22T00:00:00Z"'),
    (rb'("(?:ReportID|os_type|os_release|os_description|python_version)": ?)"[^"]*"', rb'\1"-"'),
)

_DOCKERFILE = """\
FROM python:latest
#checkov:skip=CKV_DOCKER_2:the orchestrator asks the service itself
ADD . /app
RUN apt-get update && apt-get install -y sudo
EXPOSE 22
USER root
CMD ["python", "app.py"]
"""
_WORKFLOW = """\
name: build
on: push
permissions: write-all
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: echo "${{ github.event.head_commit.message }}"
"""
_TERRAFORM = """\
resource "aws_s3_bucket" "data" {
  bucket = "data"
  acl    = "public-read"
}

resource "aws_db_instance" "db" {
  #checkov:skip=CKV_AWS_16:test data only
  engine              = "mysql"
  instance_class      = "db.t3.micro"
  publicly_accessible = true
}
"""
_TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Bucket:
    Type: AWS::S3::Bucket
"""
_KEY = 'KEY = "AKIA' + 'QYLPMN5HFIQR7XYA"\n'
_PINS = "flask==0.12\njinja2==2.4.1\ncolorama==0.4.6\n"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One sample: what is scanned, and what differs from the adapter's own command line."""

    files: Mapping[str, str]
    argv: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    part: int = 0


CASES: Mapping[str, tuple[Scanner, Mapping[str, Case]]] = {
    "pip-audit": (
        PIP_AUDIT,
        {
            "vulnerable": Case(files={"requirements.txt": _PINS}),
            "clean": Case(files={"requirements.txt": "colorama==0.4.6\n"}),
            "malicious": Case(files={"requirements.txt": "ascii2text==1.0\n"}),
            "skipped": Case(files={"requirements.txt": "x @ https://files.example/x-1.0.tar.gz\ncolorama==0.4.6\n"}),
            "nothing": Case(files={"requirements.txt": "# nothing yet\n"}),
        },
    ),
    "safety": (
        SAFETY,
        {
            "check": Case(files={"requirements.txt": _PINS}),
            "check-clean": Case(files={"requirements.txt": "colorama==0.4.6\n"}),
            "check-nothing": Case(files={"requirements.txt": "# nothing yet\n"}),
            "scan": Case(
                files={"requirements.txt": _PINS, "api/dev-requirements.txt": "flask==0.12\n"},
                argv=("--disable-optional-telemetry", "scan", "--target", ".", "--output", "json"),
            ),
        },
    ),
    "checkov": (
        CHECKOV,
        {
            "list": Case(
                files={
                    "Dockerfile": _DOCKERFILE,
                    ".github/workflows/build.yml": _WORKFLOW,
                    "infra/main.tf": _TERRAFORM,
                    "infra/broken.tf": 'resource "aws_s3_bucket" "broken" {\n  bucket =\n',
                    "template.yaml": _TEMPLATE,
                }
            ),
            "object": Case(files={"Dockerfile": _DOCKERFILE}),
            "quiet": Case(files={"Dockerfile": _DOCKERFILE}, extra=("--quiet",)),
            "nothing": Case(files={"notes.md": "# Notes\n"}),
        },
    ),
    "trivy": (
        TRIVY,
        {
            "files": Case(
                files={
                    "Dockerfile": _DOCKERFILE,
                    "infra/main.tf": _TERRAFORM,
                    "tests/settings.py": _KEY,
                    "LICENSE": Path("/usr/share/common-licenses/GPL-3").read_text(),
                    "package-lock.json": '{"name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": {"":'
                    ' {"name": "a", "version": "1.0.0"}, "node_modules/lodash": {"version": "4.17.4",'
                    ' "license": "Own"}}}',
                }
            ),
            "clean": Case(files={"notes.md": "# Notes\n"}),
            "vulnerabilities": Case(
                files={"requirements.txt": _PINS, "requirements/dev.txt": "jinja2==2.4.1\n"}, part=1
            ),
        },
    ),
    "cyclonedx": (
        CYCLONEDX,
        {
            "pinned": Case(files={"requirements.txt": _PINS}),
            "unpinned": Case(files={"requirements.txt": "flask>=1\nclick\njinja2==2.4.1\n"}),
            "nothing": Case(files={"requirements.txt": "# nothing yet\n"}),
        },
    ),
    "sbom-audit": (
        SBOM_AUDIT,
        {
            "vulnerable": Case(files={"requirements.txt": _PINS}),
            "clean": Case(files={"requirements.txt": "colorama==0.4.6\n"}),
            "malicious": Case(files={"requirements.txt": "ascii2text==1.0\n"}),
            "exploited": Case(files={"requirements.txt": "langflow==1.2.0\n"}),
            "unpinned": Case(files={"requirements.txt": "flask>=1\njinja2==2.4.1\n"}),
        },
    ),
}


def capture(scanner: Scanner, case: Case, more: Mapping[str, Any], variables: Mapping[str, str]) -> bytes:
    """What the tool writes over the case's files, with nothing in it of this machine or this minute."""
    with tempfile.TemporaryDirectory() as name:
        root = real.write(Path(name) / "tree", case.files)
        whole = real.job(scanner, root, Path(name) / "scratch", **more)
        job: Job = scanner.split(whole)[case.part]
        argv = (*job.command, *case.argv) if case.argv else (*scanner.argv(job), *case.extra)
        env = {**tools.environment(Path(job.scratch), extra=scanner.environment(job)), **variables}
        done = tools.run(argv, cwd=root, env=env, timeout=180)
        if done.exit_code not in scanner.done_exits:
            raise RuntimeError(f"{argv} ended with {done.exit_code}: {done.stderr.decode()}")
        raw = Path(job.report).read_bytes() if scanner.reads_file and not case.argv else done.stdout
    raw = raw.replace(str(root).encode(), FOLDER)
    for pattern, word in _FIXED:
        raw = re.sub(pattern, word, raw)
    return raw


def main(wanted: list[str]) -> None:
    """Write the samples of the tools that are named, or of all."""
    data = osv_server.data_folder()
    with (
        tempfile.TemporaryDirectory() as cache,
        osv_server.serving(data) as osv,
        safety_service.serving(data) as safety,
        tempfile.TemporaryDirectory() as database,
        Local(Path(database)) as local,
    ):
        advisory_db.fill(Path(database))
        trivy_db.write(data, Path(cache))
        more: dict[str, dict[str, Any]] = {"pip-audit": {"osv_url": osv}, "trivy": {"options": {"cache_dir": cache}}}
        variables = {"safety": safety_service.environment(safety.address)}
        for tool, (scanner, cases) in CASES.items():
            for name, case in cases.items() if tool in wanted or not wanted else ():
                raw = capture(scanner, case, more.get(tool, {}), variables.get(tool, {}))
                raw = local.judge(raw) if scanner.judges else raw
                version = toolbox().locate(scanner.tool_name(scanner.options())).version
                target = SAMPLES / tool / f"{name}-{version}.json"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(raw)
                sys.stdout.write(f"{target.relative_to(SAMPLES)}: {len(raw)} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
