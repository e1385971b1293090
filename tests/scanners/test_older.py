"""Reports of older releases: what they say is read as what today's say, and what cannot be read is refused by name."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hardgate import purls
from hardgate.advisories import sbom
from hardgate.errors import ReportError, StoreError
from hardgate.identity.naming import unversioned
from hardgate.model import Finding, GapReason, Severity
from hardgate.scanners.bandit import BANDIT
from hardgate.scanners.checkov import CHECKOV
from hardgate.scanners.cyclonedx import CYCLONEDX
from hardgate.scanners.detect_secrets import DETECT_SECRETS
from hardgate.scanners.gitleaks import GITLEAKS
from hardgate.scanners.hadolint import HADOLINT
from hardgate.scanners.pip_audit import PIP_AUDIT
from hardgate.scanners.ruff import RUFF
from hardgate.scanners.safety import SAFETY
from hardgate.scanners.semgrep import SEMGREP
from hardgate.scanners.trivy import TRIVY
from hardgate.scanners.zizmor import ZIZMOR
from tests.lab.command import hardgate
from tests.scanners import inputs

SAMPLES = Path(__file__).parent / "samples"
BOMS = Path(__file__).parents[1] / "advisories" / "samples"
TRIO = ("pkg:pypi/colorama@0.4.6", "pkg:pypi/flask@0.12", "pkg:pypi/jinja2@2.4.1")


def raw(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def altered(name: str, change: Any) -> bytes:
    """A sample with its document changed by `change`."""
    document = msgspec.json.decode(raw(name))
    change(document)
    return msgspec.json.encode(document)


def told(one: Finding) -> tuple[object, ...]:
    return one.rule, one.severity.value, one.location.line, one.cwe, one.confidence, one.message


# Gitleaks 7


def test_gitleaks_7_is_read_and_its_secret_is_the_one_that_8_finds() -> None:
    (key,) = GITLEAKS.parse(raw("gitleaks/published-7.json")).findings
    assert (key.rule, key.severity, key.location.line, key.location.commit) == (
        "AWS Access Key", Severity.CRITICAL, 5, ""
    )  # fmt: skip
    assert key.location.path == "../test_data/test_repos/test_dir_1/server.test.py"
    assert b"AKIA" not in msgspec.json.encode(key)
    leak = {"rule": "AWS Access Key", "file": "src/settings.py", "lineNumber": 2, "commit": "", "line": "x"}
    seven = GITLEAKS.parse(msgspec.json.encode([leak | {"offender": inputs.AWS_KEY}])).findings[0]
    assert seven.fingerprints["mark"] == hashlib.sha256(inputs.AWS_KEY.encode()).hexdigest()
    eight = GITLEAKS.parse(raw("gitleaks/tree-8.30.1.json")).findings
    assert seven.fingerprints["mark"] in {one.fingerprints["mark"] for one in eight}


def test_gitleaks_7_names_the_commit_and_hides_what_it_redacted() -> None:
    found = GITLEAKS.parse(raw("gitleaks/published-6.json")).findings
    assert [(one.location.path, one.location.line, one.location.commit[:7]) for one in found] == [
        ("secrets.md", 6, "deea550"), ("secrets.md", 5, "17471a5"), ("secrets.md", 3, "b10b3e2")
    ]  # fmt: skip
    hidden = altered("gitleaks/published-6.json", lambda leaks: [one.update(offender="REDACTED") for one in leaks])
    assert [one.fingerprints for one in GITLEAKS.parse(hidden).findings] == [{}, {}, {}]


def test_gitleaks_6_without_lines_is_refused_by_name() -> None:
    old = altered("gitleaks/published-6.json", lambda leaks: [one.pop("lineNumber") for one in leaks])
    with pytest.raises(ReportError, match=r"none of 7\.x or 8\.x: .*lineNumber") as error:
        GITLEAKS.parse(old)
    assert "run one of those" in error.value.hint


# Trivy


def test_trivy_schema_1_and_both_ages_of_2() -> None:
    (first,) = TRIVY.parse(raw("trivy/published-schema-1.json")).findings
    assert (first.rule, first.severity, first.cwe) == ("CVE-2019-1551", Severity.MEDIUM, ("CWE-200",))
    assert first.package is not None
    assert (first.package.ecosystem, first.package.purl, first.package.fixed) == ("alpine", "", ("1.1.1d-r2",))
    (old,) = TRIVY.parse(raw("trivy/published-schema-2-old.json")).findings
    (new,) = TRIVY.parse(raw("trivy/published-schema-2-new.json")).findings
    assert old.package is not None
    assert new.package is not None
    # The older one writes no package URL: that which is made of its words is the same, and so is the finding.
    assert old.package.purl == new.package.purl == "pkg:pypi/werkzeug@0.11"
    assert (old.location.line, new.location.line) == (None, 6)


@pytest.mark.parametrize(
    ("ecosystem", "name", "purl"),
    [
        ("npm", "@types/node", "pkg:npm/%40types/node@1"),
        ("Maven", "org.apache:log4j", "pkg:maven/org.apache/log4j@1"),
        ("PyPI", "Ruamel_yaml", "pkg:pypi/ruamel-yaml@1"),
        ("Go", "github.com/a/b", "pkg:golang/github.com/a/b@1"),
        ("alpine", "openssl", ""),
    ],
)
def test_a_package_url_is_made_as_trivy_makes_it(ecosystem: str, name: str, purl: str) -> None:
    assert purls.of(ecosystem, name, "1") == purl
    assert unversioned(purl) == purl.removesuffix("@1")


def test_checks_that_an_exception_silenced_are_a_gap_and_no_clean_report() -> None:
    report = TRIVY.parse(raw("trivy/published-exceptions.json"))
    (gap,) = report.gaps
    assert (gap.reason, gap.path) == (GapReason.NOT_COVERED, "Dockerfile")
    assert "24 checks" in gap.message
    with pytest.raises(ReportError, match="schema 3; hardgate reads 1 and 2"):
        TRIVY.parse(altered("trivy/published-exceptions.json", lambda document: document.update(SchemaVersion=3)))


# Bandit


@pytest.mark.parametrize(("version", "findings"), [("1.7.9", 13), ("1.9.4", 13)])
def test_bandits_sarif_says_what_its_json_says(version: str, findings: int) -> None:
    report = BANDIT.parse(raw(f"bandit/report-{version}.sarif"))
    assert len(report.findings) == findings
    assert {(gap.reason, gap.path) for gap in report.gaps} == {
        (GapReason.FILE_UNREAD, "shop/broken.py"), (GapReason.FILE_UNREAD, "shop/latin.py")
    }  # fmt: skip
    assert report.seen == frozenset({"shop/app.py", "shop/clean.py", "shop/tests/test_app.py"})
    assert b"tulip" not in msgspec.json.encode(report)
    # Of the JSON that release 1.9.4 wrote with hidden folders: all that is not in one.
    whole = [one for one in BANDIT.parse(raw("bandit/report-1.9.4.json")).findings if ".tox" not in one.location.path]
    if version == "1.9.4":
        assert {told(one) for one in report.findings} == {told(one) for one in whole}


def test_ingest_takes_bandits_sarif_as_bandits(tmp_path: Path) -> None:
    log, report = tmp_path / "bandit.sarif", tmp_path / "bandit.json"
    log.write_bytes(raw("bandit/report-1.9.4.sarif"))
    report.write_bytes(raw("bandit/report-1.9.4.json"))
    found = [hardgate("ingest", "bandit", str(path), "--json").json["findings"] for path in (log, report)]
    told = [
        {(one["id"], one["rule"], one["severity"], one["confidence"], one["fix"]) for one in findings
         if ".tox" not in one["location"]["path"]}
        for findings in found
    ]  # fmt: skip
    assert told[0] == told[1]
    assert len(told[0]) == 13
    # Another tool's log is still read, as that of any tool.
    log.write_bytes((SAMPLES / "sarif" / "ruff-0.17.5.sarif").read_bytes())
    assert hardgate("ingest", "bandit", str(log), "--json").json["findings"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda log: log["runs"][0]["tool"]["driver"].update(name="Ruff"),
            "one whole run of Bandit's; .*: Ruff",
        ),
        (lambda log: log["runs"].append(log["runs"][0]), "not one whole run"),
        (lambda log: log["runs"][0].pop("properties"), "properties"),
        (lambda log: log["runs"][0]["properties"].pop("metrics"), "metrics"),
        (lambda log: log["runs"][0]["results"][0].pop("properties"), "not as Bandit writes it"),
        (lambda log: log["runs"][0]["results"][0].pop("locations"), "not as Bandit writes it"),
        (lambda log: log["runs"][0]["invocations"][0].update(executionSuccessful=False), "that it failed"),
    ],
)
def test_bandits_sarif_in_parts_is_refused(change: Any, match: str) -> None:
    with pytest.raises(ReportError, match=match):
        BANDIT.parse(altered("bandit/report-1.9.4.sarif", change))


def test_bandit_1_8_reads_as_1_7() -> None:
    newer, older = (BANDIT.parse(raw(f"bandit/report-{version}.json")) for version in ("1.8.6", "1.7.9"))
    assert {told(one) for one in newer.findings} == {told(one) for one in older.findings}
    assert newer.seen == older.seen


# Vulnerabilities of Python packages


def test_pip_audit_1_and_2_0() -> None:
    old = PIP_AUDIT.parse(raw("pip-audit/vulnerable-1.1.2.json"))
    new = PIP_AUDIT.parse(raw("pip-audit/vulnerable-2.0.0.json"))
    assert (len(old.findings), len(new.findings)) == (16, 10)
    assert {one.rule for one in new.findings} < {one.rule for one in old.findings}
    assert {one.package.purl for one in old.findings if one.package} == set(TRIO[1:])
    assert old.gaps == new.gaps == ()
    skipped = b'[{"name": "x", "skip_reason": "not on PyPI"}]'
    assert [gap.reason for gap in PIP_AUDIT.parse(skipped).gaps] == [GapReason.DATA_UNAVAILABLE]


def test_safety_1_and_2() -> None:
    (old,) = SAFETY.parse(raw("safety/check-1.10.3.json")).findings
    report = SAFETY.parse(raw("safety/check-2.3.5.json"))
    (new,) = report.findings
    assert report.version == "2.3.5"
    assert (
        (old.rule, old.severity, old.severity_from)
        == (new.rule, new.severity, "tool")
        == ("00001", Severity.HIGH, "tool")
    )
    assert old.package is not None
    assert old.package.purl == "pkg:pypi/jinja2@2.4.1"
    assert (old.ids, new.ids) == (("00001",), ("00001", "CVE-2019-10906"))
    assert "(affected: <2.10.1)" in old.message


@pytest.mark.parametrize("text", [b'[["jinja2", "<2.10.1"]]', b'[["jinja2", "<2", "2.4.1", null, "1"]]', b"[[]]"])
def test_a_list_that_safety_1_never_wrote_is_refused(text: bytes) -> None:
    with pytest.raises(ReportError, match="safety's report"):
        SAFETY.parse(text)


def test_safety_1_before_it_told_severities_counts_as_high() -> None:
    (one,) = SAFETY.parse(b'[["jinja2", "<2.10.1", "2.4.1", "A sandbox escape.", "00001"]]').findings
    assert (one.severity, one.severity_from) == (Severity.HIGH, "adapter")


# Files


def test_other_older_releases() -> None:
    lines = {(one.rule, one.location.line) for one in RUFF.parse(raw("ruff/report-0.1.15.json")).findings}
    assert {("S105", 5), ("S608", 10), ("S602", 11), ("S324", 13), ("S301", 14)} <= lines
    unread = {gap.path.removeprefix("/srv/tree/shop/") for gap in RUFF.parse(raw("ruff/report-0.1.15.json")).gaps}
    assert unread == {"broken.py", "latin.py"}
    docker = {(one.rule, one.severity.value) for one in HADOLINT.parse(raw("hadolint/report-2.12.0.json")).findings}
    assert {("DL3002", "high"), ("DL3006", "medium")} <= docker
    secrets = DETECT_SECRETS.parse(raw("detect-secrets/plain-1.4.0.json"))
    now = DETECT_SECRETS.parse(raw("detect-secrets/plain-1.5.0.json"))
    assert (secrets.version, {told(one) for one in secrets.findings}) == ("1.4.0", {told(one) for one in now.findings})
    flows = {(one.rule, one.location.line) for one in ZIZMOR.parse(raw("zizmor/report-1.0.0.json")).findings}
    assert flows == {("artipacked", 7), ("dangerous-triggers", 2), ("template-injection", 8)}
    checks = CHECKOV.parse(raw("checkov/object-2.5.20.json"))
    assert checks.version == "2.5.20"
    assert {("CKV_DOCKER_1", 5), ("CKV_DOCKER_7", 1)} <= {(one.rule, one.location.line) for one in checks.findings}


@pytest.mark.parametrize("version", ["1.20.0", "1.60.0"])
def test_older_semgrep(version: str) -> None:
    report = SEMGREP.parse(raw(f"semgrep/report-{version}.json"))
    assert [(one.rule, one.location.path, one.location.line, one.cwe) for one in report.findings] == [
        ("eval-found", "web/views.py", 10, ("CWE-95",))
    ]
    assert report.seen == frozenset({"web/clean.py", "web/views.py"})
    assert [gap.path for gap in report.gaps] == ["web/broken.py"]


# SBOMs


@pytest.mark.parametrize("version", ["1.3", "1.4", "1.5", "1.6"])
@pytest.mark.parametrize("form", ["json", "xml"])
def test_cyclonedx_of_every_version(version: str, form: str) -> None:
    assert sbom.purls(BOMS / f"cyclonedx-{version}.{form}") == (TRIO, ())


@pytest.mark.parametrize("version", ["1.3", "1.4", "1.5"])
def test_the_cyclonedx_adapter_reads_them_and_names_the_maker(version: str) -> None:
    report = CYCLONEDX.parse(raw(f"cyclonedx/pinned-{version}-7.5.0.json"))
    assert (report.version, report.gaps) == ("7.5.0", ())


def test_cyclonedx_of_another_version_is_refused_by_name() -> None:
    later = altered("cyclonedx/pinned-1.3-7.5.0.json", lambda document: document.update(specVersion="2.0"))
    with pytest.raises(ReportError, match=r"CycloneDX 2\.0, and CycloneDX 1\.3, 1\.4, 1\.5, 1\.6 are read"):
        CYCLONEDX.parse(later)
    text = (BOMS / "cyclonedx-1.6.xml").read_bytes()
    with pytest.raises(StoreError, match=r"CycloneDX 1\.2, and"):
        sbom.read(text.replace(b"bom/1.6", b"bom/1.2"), "bom.xml")


_HEAD = '<bom xmlns="http://cyclonedx.org/schema/bom/1.6">'


def test_components_in_xml_within_others_and_those_that_are_not_listed() -> None:
    text = f"""\ufeff<?xml version="1.0"?>{_HEAD}
      <metadata><component type="application"><name>own</name><purl>pkg:pypi/own@1</purl></component></metadata>
      <components>
        <component type="library"><name>a</name><purl> pkg:npm/%40a/b@1 </purl>
          <pedigree><ancestors><component type="library"><name>z</name><purl>pkg:npm/z@1</purl></component></ancestors>
          </pedigree>
          <components><component type="library"><name>b</name><version>2</version></component></components>
        </component>
        <component type="library"><name>c</name><purl>pkg:npm/c@1</purl><licenses><license><name>MIT</name></license>
        </licenses></component>
      </components></bom>"""
    assert sbom.read(text.encode(), "bom.xml") == (("pkg:npm/%40a/b@1", "pkg:npm/c@1"), ("b@2",))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (f'<!DOCTYPE bom [<!ENTITY x SYSTEM "file:///etc/passwd">]>{_HEAD}<components/></bom>', "document type"),
        (f"{_HEAD}<components/>", "no XML that can be read"),
        (f"{_HEAD}</bom>", "missing required field `components`"),
        (f"{_HEAD}<components><component><name>a</name></component></components></bom>", "`type`"),
        ("<bom><components/></bom>", "of no namespace"),
        ("<html><body>502 Bad Gateway</body></html>", "first element is html"),
    ],
)
def test_xml_that_is_no_sbom_is_refused(text: str, match: str) -> None:
    with pytest.raises(StoreError, match=match):
        sbom.read(text.encode(), "bom.xml")


def test_every_cut_of_an_sbom_in_xml_is_refused() -> None:
    text = (BOMS / "cyclonedx-1.3.xml").read_bytes().rstrip()
    for length in range(0, len(text), 7):
        with pytest.raises(StoreError):
            sbom.read(text[:length], "bom.xml")
