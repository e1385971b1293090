"""Good input for the readers that have no samples of their own, as it is written in the documents of each format."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]

OPENVEX = json.dumps(
    {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex/1",
        "author": "Ada Tester",
        "timestamp": "2026-01-31T12:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2019-10906", "aliases": ["GHSA-462w-v97r-4m45"]},
                "products": [{"@id": "pkg:pypi/planetary", "subcomponents": [{"@id": "pkg:pypi/jinja2@2.4.1"}]}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
                "impact_statement": "the sandbox is not used",
            }
        ],
    }
).encode()
CYCLONEDX_VEX = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"timestamp": "2026-01-31T12:00:00Z", "authors": [{"name": "Ada Tester"}]},
        "components": [
            {"type": "library", "name": "jinja2", "version": "2.4.1", "bom-ref": "j", "purl": "pkg:pypi/jinja2@2.4.1"}
        ],
        "vulnerabilities": [
            {
                "id": "CVE-2019-10906",
                "references": [{"id": "GHSA-462w-v97r-4m45"}],
                "analysis": {
                    "state": "not_affected",
                    "justification": "code_not_reachable",
                    "lastUpdated": "2026-01-31T12:00:00Z",
                },
                "affects": [{"ref": "j"}, {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#j"}],
            }
        ],
    }
).encode()
WAIVERS = b"""\
waivers:
  - rule: B608
    path: "src/**"
    reason: &why the query has no outside value
    owner: Ada Tester
    until: "2026-12-31"
  - {id: 0123456789abcdef, reason: *why, owner: Ada Tester, until: 2026-12-31}
  - {rule: CVE-2019-10906, purl: "pkg:pypi/jinja2@2.4.1", reason: no sandbox, owner: Ada Tester, until: 2026-12-31}
"""
BASELINE = json.dumps(
    {
        "schema": 1,
        "owner": "Ada Tester",
        "findings": [
            {"id": "0123456789abcdef", "severity": "high", "since": "2026-01-31", "rule": "B608", "path": "app.py"}
        ],
    }
).encode()
PIPELINE = b"""\
pipeline: planetary-api
stages:
  - name: scan
    actions:
      - bandit
      - semgrep: {config: [bundled], severity: {python-sql-injection: high}}
      - trivy: {name: images, paths: [deploy], exclude: ["**/tests/**"], timeout: 60}
policy:
  required: [bandit]
  block_at: {default: high, code: medium}
  max_advisory_age: 7d
  overrides: {max_hours: 24}
  waivers:
    - {rule: B101, path: "tests/**", reason: tests assert, owner: Ada Tester, until: 2026-12-31}
reports: {sarif: hardgate.sarif}
"""
CASES = b"""\
cases:
  - name: a hole blocks
    expect: FAIL
    on: 2026-01-31
    findings: [{severity: high, rule: B608, path: app.py, line: 3, expect: blocking}]
  - name: nothing is fine
    expect: PASS
    files: [app.py]
  - {name: a tool is missing, expect: INCOMPLETE, gaps: [tool-missing, {reason: file-unread, action: bandit}]}
"""
OSV = json.dumps(
    {
        "schema_version": "1.6.0",
        "id": "PYSEC-2019-217",
        "modified": "2026-01-31T12:00:00Z",
        "aliases": ["CVE-2019-10906", "GHSA-462w-v97r-4m45"],
        "summary": "Sandbox escape",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "jinja2"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10.1"}]}],
                "versions": ["2.4.1", "2.10"],
                "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-693"]},
            },
            {
                "package": {"ecosystem": "npm", "name": "x"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0-rc.1"}]}],
            },
            {
                "package": {"ecosystem": "Maven", "name": "g:a"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"limit": "2"}]}],
            },
            {"package": {"ecosystem": "Debian:12", "name": "x"}, "versions": ["1:2.0-1+deb12u1"]},
        ],
        "references": [{"type": "ADVISORY", "url": "https://example.org/1"}],
    }
).encode()
EPSS = (
    b"#model_version:v2026.06.15,score_date:2026-09-26T12:00:22Z\ncve,epss,percentile\nCVE-2026-1234,0.03351,0.88243\n"
)
KEV = json.dumps(
    {
        "title": "CISA Catalog of Known Exploited Vulnerabilities",
        "dateReleased": "2026-01-31T12:00:00.0000Z",
        "vulnerabilities": [{"cveID": "CVE-2019-10906", "vendorProject": "Pallets"}],
    }
).encode()
ROWS = json.dumps(
    [
        {
            "id": "PYSEC-2019-217",
            "name": "jinja2",
            "malicious": False,
            "summary": "x",
            "aliases": ["CVE-2019-10906"],
            "severity": "high",
            "introduced": "0",
            "fixed": "2.10.1",
        },
        {"id": "PYSEC-2019-217", "name": "jinja2", "malicious": False, "introduced": "2.11", "last_affected": "2.12"},
    ]
).encode()
REQUIREMENTS = b"""\
# comment
--index-url https://user:word@example.org/simple
-r base.txt
flask==0.12  # pinned
requests[security]>=2.0,<3 ; python_version < "3.12" \\
    --hash=sha256:00
git+https://example.org/x.git@main#egg=x
./local ${HOME}
-e .
"""
MANIFESTS = {
    "pyproject.toml": b'[project]\nname = "x"\ndependencies = ["flask"]\n[tool.poetry.dependencies]\npython = "3"\n',
    "package.json": b'{"name": "x", "dependencies": {"a": "^1"}, "workspaces": ["packages/*"]}',
    "Cargo.toml": b'[package]\nname = "x"\n[target.x.dependencies]\na = "1"\n',
    "composer.json": b'{"require": {"php": ">=8", "a/b": "1"}}',
    "Pipfile": b'[packages]\nflask = "*"\n',
    "setup.py": b"setup(install_requires=['a'])\n",
    "setup.cfg": b"[options]\ninstall_requires =\n  a\n",
    "Gemfile": b"gem 'rails'\n",
    "build.gradle": b"dependencies { implementation 'a:b:1' }\n",
    "go.sum": b"a v1 h1:x=\n",
}
PIPENV = b'{"_meta": {}, "default": {"flask": {"version": "==0.12"}}, "develop": {"pytest": {"version": "==7"}}}'
LOCK = b'version = 1\n[[package]]\nname = "x"\nsource = { editable = "packages/x" }\n'
SILENCED = b"""\
import subprocess  # nosec B404
eval(x)  # nosemgrep: python.lang.eval -- reason
# hadolint ignore=DL3002,DL3003
assert x  # noqa: S101, E501
    #checkov:skip=CKV_AWS_20: it is public
key = "x"  # gitleaks:allow
# pragma: allowlist nextline secret
Metadata: {cfn-lint: {config: {ignore_checks: [W2501]}}}
run: x  # zizmor: ignore[unpinned-uses]
#trivy:ignore:AVD-AWS-0001
"""
TEMPLATE = b'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  A:\n    Type: AWS::S3::Bucket\n'
TERRAFORM = b'resource "aws_s3_bucket" "b" {\n  x = <<EOT\n}\nEOT\n  /* } */ versioning { enabled = true }\n}\n'
DOCKERFILE = b"FROM python:3.12 AS build\nRUN a \\\n  && b\nFROM build\nUSER 1000\n"
WORKFLOW = b"""\
on: push
jobs:
  test:
    steps:
      - name: x
        run: |
          a: b
      - uses: a/b@v1
---
kind: Pod
"""
PYTHON = b"""\
import flask, subprocess, sqlite3
from dataclasses import dataclass

app = flask.Flask(__name__)

@dataclass
class Order:
    name: str = ""
    def total(self, *args, **kwargs):
        return [x for x in args if (y := x)] + [*kwargs]

@app.route("/<name>")
async def shown(name):
    try:
        with sqlite3.connect("x") as db:
            db.execute(f"select * from t where n = '{name!r:>{10}}'" % {"a": flask.request.args["b"]})
    except (ValueError, KeyError) as error:
        raise RuntimeError from error
    match name:
        case {"a": [first, *rest], **more} if first:
            return subprocess.run(first, shell=True)
        case Order(name=x) | [x]:
            return eval(x)
    while True:
        name, (a, *b) = lambda z=name: z, (1, 2)
        yield name.format(**globals()) if a else "%s" % name
        del a[0:1:2]
    return flask.redirect(next(iter({**{}, "k": {name}})))
"""
BLAME = b"""\
1ce236f0afa85659317a24d89af185de0063887b 1 1 1
author Ada Tester
author-mail <ada@example.org>
author-time 1769860800
author-tz +0000
summary x
filename a.py
\teval(x)  # nosec
"""
MANIFEST = json.dumps({
    "tool": "bandit", "version": "1.9.4", "channel": "PyPI", "python": "3.11", "command": "bin/bandit",
    "files": [["bin/bandit", 3, "00", True]], "links": {"lib64": "lib"},
}).encode()  # fmt: skip
LOCK_OF_TOOLS = (ROOT / "src" / "hardgate" / "tools.lock").read_bytes()
FILES = [path.read_bytes() for path in sorted((ROOT / "tests" / "rules").glob("*.py"))[:40]]

LOCKS = (
    b'[[package]]\nname = "flask"\n[package.dependencies]\njinja2 = {version = ">=3"}\n[[package]]\nname = "jinja2"\n',
    b'[[package]]\nname = "flask"\nsource = {virtual = "."}\ndependencies = [{ name = "jinja2" }]\n',
    b"flask==3.1.0\n    # via -r requirements.in\njinja2==3.1.6\n    # via\n    #   flask\n",
)
