"""identity.py: paths, ids that stay, one fact from several tools, and text that means harm."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import identity
from hardgate.identity.naming import identifying
from hardgate.model import Finding, Kind, Severity
from tests.builders import dependency, finding

APP = ["import os", "", "query = 'SELECT ' + name", "run(query)", "query = 'SELECT ' + name", ""]
REQUIREMENTS = [
    "# pins",
    "Flask_SQLAlchemy==2.0",
    "flask == 1.0  # old",
    "zope.interface[test]>=5; python_version>'3'",
    "-e .",
]
HOSTILE = "a\x1b[31m\r\nb\u202e\u200b\x00\udce9"


def settle(
    *findings: Finding,
    files: Mapping[str, Sequence[str]] | None = None,
    action: str = "",
    severities: dict[str, Severity] | None = None,
) -> tuple[Finding, ...]:
    texts = {"app.py": APP, "requirements.txt": REQUIREMENTS} if files is None else files
    name = action or (findings[0].scanner if findings else "none")
    return identity.settle(
        findings,
        action=name,
        severities=severities or {},
        place=lambda path: path,
        lines=lambda path: texts.get(path, ()),
    )


def ids(findings: Sequence[Finding]) -> list[str]:
    return [one.id for one in findings]


# Paths


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a.py", "a.py"),
        ("./a.py", "a.py"),
        ("././/./a.py", "a.py"),
        (".//a.py", "a.py"),
        ("/tmp/view/a.py", "a.py"),
        ("/tmp/view//a.py", "a.py"),
        ("/tmp/view/./a.py", "a.py"),
        ("/private/tmp/view/src/a.py", "src/a.py"),
        ("/tmp/view", ""),
        ("/tmp/viewer/a.py", "/tmp/viewer/a.py"),
        ("/etc/passwd", "/etc/passwd"),
        ("src/hardgate-name-3.py", "src/-odd.py"),
        ("/tmp/view/hardgate-inert--.bandit", ".bandit"),
        (".hidden/a", ".hidden/a"),
        ("..a/b", "..a/b"),
    ],
)
def test_paths_are_relative_to_the_tree(written: str, expected: str) -> None:
    names = {"src/hardgate-name-3.py": "src/-odd.py", "hardgate-inert--.bandit": ".bandit"}
    assert identity.relative(written, ("/tmp/view", "/private/tmp/view"), names) == expected


def test_a_root_may_end_with_a_slash_or_be_absent() -> None:
    assert identity.relative("/tmp/view/a.py", ("", "/tmp/view/"), {}) == "a.py"
    assert identity.relative("/a.py", ("/",), {}) == "a.py"
    assert identity.relative("a.py", (), {}) == "a.py"


# What is added to a finding


def test_a_finding_gets_an_id_an_action_and_a_witness() -> None:
    (one,) = settle(finding(), action="bandit-fast")
    assert one.action == "bandit-fast"
    assert list(one.fingerprints) == ["code/v1", "line/v1", "place/v1", "scope/v1"]
    assert one.id == one.fingerprints["code/v1"][:16]
    (witness,) = one.witnesses
    assert (witness.scanner, witness.action, witness.rule) == ("bandit", "bandit-fast", "B608")
    assert (witness.severity, witness.message) == (Severity.HIGH, "bandit says B608")


def test_ids_are_the_same_for_ever() -> None:
    """Version 1 of each: waivers in other people's repositories hold these very words."""
    found = settle(
        finding(),
        finding("aws-key", "app.py", 1, scanner="gitleaks", kind=Kind.SECRET),
        finding("aws-key", "app.py", 1, scanner="gitleaks", kind=Kind.SECRET, commit="c" * 40),
        dependency("PYSEC-2023-62", "CVE-2023-30861"),
        action="a",
    )
    assert {next(iter(one.fingerprints)): one.id for one in found if not one.location.commit} == EXPECTED_IDS


EXPECTED_IDS = {
    "code/v1": "b11f141daf1643f5",
    "secret/v1": "2fc4db3208bc84c5",
    "dependency/v1": "3cc92a96708c82d6",
}


@pytest.mark.parametrize("name", ["B608", "CVE-2020-1"])
def test_the_severity_map_goes_by_rule_or_advisory(name: str) -> None:
    (one,) = settle(finding(ids=("GHSA-1", "CVE-2020-1")), severities={name: Severity.LOW})
    assert (one.severity, one.severity_from, one.witnesses[0].severity) == (Severity.LOW, "hardgate.yaml", Severity.LOW)


def test_a_map_of_other_rules_changes_nothing() -> None:
    (one,) = settle(finding(severity_from="adapter"), severities={"B101": Severity.LOW})
    assert (one.severity, one.severity_from) == (Severity.HIGH, "adapter")


@pytest.mark.parametrize(
    ("name", "line"),
    [("flask", 3), ("Flask", 3), ("flask-sqlalchemy", 2), ("zope-interface", 4), ("ZOPE_Interface", 4), ("pins", None)],
)
def test_a_package_is_found_in_its_file(name: str, line: int | None) -> None:
    (one,) = settle(dependency("CVE-1", name=name))
    assert (one.location.line, one.location.end_line) == (line, line)


def test_a_line_that_the_tool_named_stays() -> None:
    assert settle(dependency("CVE-1", line=9))[0].location.line == 9


# Ids that stay


def shifted(by: int) -> dict[str, Sequence[str]]:
    return {"app.py": [*["# above"] * by, *APP]}


@given(st.integers(0, 50))
def test_lines_above_do_not_change_an_id(by: int) -> None:
    before = settle(finding(line=3), finding(line=5), finding("B307", line=4), files=shifted(0))
    moved = [finding(line=3 + by), finding(line=5 + by), finding("B307", line=4 + by)]
    assert ids(before) == ids(settle(*moved, files=shifted(by)))


@pytest.mark.parametrize(
    "line", ["  query = 'SELECT ' + name", "query  =\t'SELECT '  + name  ", "\tquery = 'SELECT ' + name\r"]
)
def test_white_space_does_not_change_an_id(line: str) -> None:
    assert ids(settle(finding(), files={"app.py": ["", "", line]})) == ids(settle(finding()))


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "B102"},
        {"path": "other.py"},
        {"line": 4},
    ],
)
def test_what_makes_another_finding(other: dict[str, Any]) -> None:
    files = {"app.py": APP, "other.py": APP}
    assert ids(settle(finding(**other), files=files)) != ids(settle(finding(), files=files))


def test_message_severity_and_fix_make_no_other_finding() -> None:
    changed = finding(message="in other words", severity=Severity.LOW, fix="do so", cwe=("CWE-1",), url="https://x")
    assert ids(settle(changed)) == ids(settle(finding()))


def test_the_same_line_twice_is_two_findings_in_their_order() -> None:
    first, second = settle(finding(line=3), finding(line=5))
    assert first.id != second.id
    assert ids(settle(finding(line=5), finding(line=3))) == [first.id, second.id]
    assert ids(settle(finding(line=3))) == [first.id]


def test_a_line_that_is_not_there_is_no_error() -> None:
    found = settle(finding(line=99), finding("B2", line=None), finding("B3", "gone.py", 1), finding("B4", line=0))
    assert len(set(ids(found))) == 4


def test_the_value_of_a_secret_is_nowhere_in_its_id() -> None:
    before, after = ({"app.py": [f"key = '{value}'"]} for value in ("hunter2", "correct horse"))
    secret = finding("generic", line=1, kind=Kind.SECRET, scanner="gitleaks")
    assert ids(settle(secret, files=before)) == ids(settle(secret, files=after))


def test_a_secret_in_another_commit_is_another_secret() -> None:
    here, there = (finding("k", line=1, kind=Kind.SECRET, commit=commit) for commit in ("", "c" * 40))
    assert len(set(ids(settle(here, there)))) == 2


@pytest.mark.parametrize(
    ("purl", "same"),
    [
        ("pkg:pypi/flask@2.0", True),
        ("pkg:pypi/flask@2.0?repository_url=https://u@host/x", True),
        ("pkg:pypi/flask", True),
        ("pkg:pypi/flask-login@1.0", False),
    ],
)
def test_an_upgrade_that_does_not_mend_it_keeps_the_id(purl: str, same: bool) -> None:
    before, after = settle(dependency("CVE-1")), settle(dependency("CVE-1", version="2.0", purl=purl))
    assert (ids(before) == ids(after)) is same


def test_packages_of_one_scope_are_different_packages() -> None:
    found = settle(*(dependency("CVE-1", purl=f"pkg:npm/@scope/{name}@1.0", name=name) for name in ("a", "b")))
    assert len({one.fingerprints["dependency/v1"] for one in found}) == 2
    keys = [identifying(one, "") for one in found]
    assert keys[0] != keys[1]


def test_a_dependency_is_known_by_its_cve() -> None:
    by_pip_audit = dependency("PYSEC-2023-62", "GHSA-m2qf-hxjv-5gpq", "CVE-2023-30861")
    by_trivy = dependency("CVE-2023-30861", scanner="trivy")
    assert ids(settle(by_pip_audit)) == ids(settle(by_trivy))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("PYSEC-1", "CVE-2", "CVE-1", "GHSA-1"), "CVE-1"),
        (("PYSEC-1", "GHSA-2"), "GHSA-2"),
        (("SNYK-1", "OSV-1"), "OSV-1"),
        (("SAFETY-1", "other"), "SAFETY-1"),
    ],
)
def test_the_one_name_of_an_advisory(names: tuple[str, ...], expected: str) -> None:
    assert identity.advisory(finding(names[0], ids=names[1:])) == expected


# One fact from several tools


def both(*settled: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return identity.merge(one for group in settled for one in group)


def test_bandit_and_ruff_are_twins() -> None:
    bandit = settle(finding(severity=Severity.MEDIUM, cwe=("CWE-89",), fix=""))
    ruff = settle(
        finding("S608", scanner="ruff", severity=Severity.HIGH, cwe=("CWE-89", "CWE-20"), fix="bind it", url="u")
    )
    (one,) = both(bandit, ruff)
    assert (one.scanner, one.severity) == ("ruff", Severity.HIGH)
    assert [witness.scanner for witness in one.witnesses] == ["ruff", "bandit"]
    assert (one.cwe, one.fix, one.url) == (("CWE-89", "CWE-20"), "bind it", "u")
    assert one.fingerprints["code/v1"] == ruff[0].fingerprints["code/v1"]
    assert one.fingerprints["bandit/code/v1"] == bandit[0].fingerprints["code/v1"]
    assert both(ruff, bandit) == (one,)


@pytest.mark.parametrize(
    "other",
    [
        finding("S608", scanner="semgrep"),
        finding("S609", scanner="ruff"),
        finding("S608", scanner="ruff", line=4),
        finding("S608", "other.py", scanner="ruff"),
        finding("python.sqli", scanner="semgrep"),
        finding("B608X", scanner="ruff"),
    ],
)
def test_who_are_no_twins(other: Finding) -> None:
    assert len(both(settle(finding()), settle(other))) == 2


def test_what_one_tool_reports_twice_in_a_line_stays_two() -> None:
    twice = settle(finding(message="first"), finding(message="second"))
    assert len(both(twice)) == 2
    ruff = settle(finding("S608", scanner="ruff", message="a"), finding("S608", scanner="ruff", message="b"))
    merged = both(twice, ruff)
    assert [len(one.witnesses) for one in merged] == [2, 2]
    assert [len(one.witnesses) for one in both(twice, ruff[:1])] == [2, 1]


def test_two_actions_with_one_scanner_report_the_same_once() -> None:
    (one,) = both(settle(finding(), action="fast"), settle(finding(), action="slow"))
    assert [witness.action for witness in one.witnesses] == ["fast", "slow"]
    other = finding("python.sqli", scanner="semgrep")
    assert len(both(settle(other, action="fast"), settle(other, action="slow"))) == 2


def test_one_advisory_of_one_package_is_one_finding() -> None:
    pip_audit = settle(dependency("PYSEC-2023-62", "CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq", severity=Severity.MEDIUM))
    trivy = settle(dependency("CVE-2023-30861", name="Flask", scanner="trivy", severity=Severity.CRITICAL))
    (one,) = both(pip_audit, trivy)
    assert (one.scanner, one.severity) == ("trivy", Severity.CRITICAL)
    assert set(one.ids) == {"CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq"}


@pytest.mark.parametrize(
    "other",
    [
        dependency("CVE-2", scanner="trivy"),
        dependency("CVE-1", scanner="trivy", version="2.0"),
        dependency("CVE-1", scanner="trivy", name="jinja2"),
        dependency("CVE-1", scanner="trivy", path="other/requirements.txt"),
    ],
)
def test_what_is_another_dependency(other: Finding) -> None:
    assert len(both(settle(dependency("PYSEC-1", "CVE-1")), settle(other))) == 2


@pytest.mark.parametrize("names", [("zope.interface", "zope-interface"), ("Flask_Login", "flask-login")])
def test_a_package_has_one_name_however_it_is_written(names: tuple[str, str]) -> None:
    """PEP 503: runs of dots, dashes and underscores are one dash."""
    found = (settle(dependency("CVE-1", name=name, scanner=scanner)) for name, scanner in zip(names, "ab", strict=True))
    assert len(both(*found)) == 1


def secret(scanner: str, rule: str, line: int | None = 1, **more: Any) -> Finding:
    return finding(rule, scanner=scanner, line=line, kind=Kind.SECRET, **more)


def test_two_tools_saw_one_secret() -> None:
    (one,) = both(settle(secret("gitleaks", "aws-key")), settle(secret("trivy", "AWS001", severity=Severity.CRITICAL)))
    assert {witness.rule for witness in one.witnesses} == {"aws-key", "AWS001"}
    assert one.severity is Severity.CRITICAL


def test_two_secrets_in_a_line_stay_two() -> None:
    assert len(both(settle(secret("gitleaks", "aws-key"), secret("gitleaks", "github-token")))) == 2


@pytest.mark.parametrize(
    "other", [secret("trivy", "x", 2), secret("trivy", "x", None), secret("trivy", "x", commit="c" * 40),
              secret("trivy", "x", path="b.py"), finding("x", scanner="trivy", line=1)],
)  # fmt: skip
def test_what_is_another_secret(other: Finding) -> None:
    assert len(both(settle(secret("gitleaks", "aws-key")), settle(other))) == 2


def marked(value: str, commit: str = "", date: str = "", **more: Any) -> Finding:
    """A secret with the mark of its value, as the adapter of gitleaks gives it."""
    return secret("gitleaks", "k", commit=commit, fingerprints={"mark": value, "date": date}, **more)


def test_a_value_in_the_tree_and_in_the_history_is_one_finding() -> None:
    old, new = marked("v", "b" * 40, "2025", path="old.py"), marked("v", "a" * 40, "2026")
    (one,) = settle(marked("v", severity=Severity.LOW), new, old)
    assert (one.location.commit, one.severity) == ("", Severity.HIGH)
    assert one.message.endswith(f"It is in the history too, since commit {'b' * 12}.")
    assert one.id == settle(secret("gitleaks", "k"))[0].id


def test_a_value_of_the_history_alone_is_told_at_the_oldest_commit() -> None:
    found = [marked("v", "a" * 40, "2026"), marked("v", "b" * 40, "2025", path="old.py"), marked("w", "c" * 40, "2024")]
    other, one = sorted(settle(*found), key=lambda one: one.location.path)
    assert (one.location.path, one.location.commit) == ("old.py", "b" * 40)
    assert f"stays in the history: commit {'b' * 12} and 1 more." in one.message
    assert f"commit {'c' * 12}." in other.message


def test_nothing_that_tells_of_a_value_is_kept() -> None:
    for one in settle(marked("d1ge5t"), marked("d1ge5t", "a" * 40), marked("0th3r", "a" * 40)):
        assert set(one.fingerprints) == {"secret/v1"}
        assert b"d1ge5t" not in msgspec.json.encode(one)
        assert b"0th3r" not in msgspec.json.encode(one)


def test_without_marks_every_secret_of_the_history_stays() -> None:
    assert len(settle(secret("a", "k"), secret("a", "k", commit="c" * 40), secret("a", "k", commit="d" * 40))) == 3


def test_secrets_without_a_line_are_not_thrown_together() -> None:
    assert len(both(settle(secret("gitleaks", "a", None)), settle(secret("trivy", "b", None)))) == 2


def test_the_worst_comes_first() -> None:
    found = settle(
        finding("B1", "b.py", severity=Severity.LOW),
        finding("B2", "a.py", severity=Severity.LOW),
        finding("B3", "z.py", severity=Severity.CRITICAL),
        finding("B4", "a.py", 1, severity=Severity.LOW),
    )
    assert [one.rule for one in both(found)] == ["B3", "B4", "B2", "B1"]


# Hostile text


def test_text_of_a_tool_is_made_harmless() -> None:
    (one,) = settle(finding(f"B{HOSTILE}", f"src/{HOSTILE}.py", message=HOSTILE, fix=HOSTILE))
    for text in (one.rule, one.location.path, one.message, one.fix, one.witnesses[0].message, one.witnesses[0].rule):
        assert text.isprintable()
        assert "\\x1b[31m" in text
    assert one.location.path == "src/a\\x1b[31m\\r\\nb\\u202e\\u200b\\x00\\xe9.py"
    assert msgspec.json.encode(one)


def test_a_file_with_an_odd_name_has_ids_that_stay() -> None:
    """The code of the line is looked up by the file's real name, before that is made harmless."""
    files = {HOSTILE: APP}
    shifted = {HOSTILE: ["# above", *APP]}
    above = finding("B608", HOSTILE, 1)
    before = settle(finding(path=HOSTILE), files=files)
    assert ids(before) == ids(settle(above, finding(path=HOSTILE, line=4), files=shifted))[1:]


def test_a_lone_surrogate_anywhere_is_no_error() -> None:
    odd = dependency("\ud800", name="\udfff", purl="pkg:\ud9ff/x@1")
    assert len(settle(odd)) == 1


# For all findings


RULES = st.sampled_from(["B101", "S101", "B608", "S608", "x"])
SCANNERS = st.sampled_from(["bandit", "ruff", "semgrep"])
CODE = st.builds(
    finding, RULES, st.sampled_from(["app.py", "b.py"]), st.sampled_from([None, 1, 3, 5]), scanner=SCANNERS,
    severity=st.sampled_from(Severity), message=st.sampled_from(["m", "n"]),
)  # fmt: skip
SECRETS = st.builds(secret, SCANNERS, RULES, st.sampled_from([None, 1, 2]), commit=st.sampled_from(["", "c"]))
PACKAGES = st.builds(
    dependency, st.sampled_from(["CVE-1", "PYSEC-1"]), st.sampled_from(["CVE-1", "CVE-2"]), scanner=SCANNERS,
    version=st.sampled_from(["1", "2"]), severity=st.sampled_from(Severity),
)  # fmt: skip
ALL = st.lists(CODE | SECRETS | PACKAGES, max_size=14)


def by_scanner(findings: Sequence[Finding]) -> list[tuple[Finding, ...]]:
    names = sorted({one.scanner for one in findings})
    return [settle(*(one for one in findings if one.scanner == name)) for name in names]


@given(ALL)
def test_no_two_findings_of_an_action_share_an_id(findings: list[Finding]) -> None:
    for group in by_scanner(findings):
        assert len(set(ids(group))) == len(group)


@given(ALL)
def test_merging_loses_no_witness_and_no_severity(findings: list[Finding]) -> None:
    groups = by_scanner(findings)
    merged = both(*groups)
    assert Counter(w for one in merged for w in one.witnesses) == Counter(
        w for g in groups for o in g for w in o.witnesses
    )
    for one in merged:
        assert one.severity.rank == max(witness.severity.rank for witness in one.witnesses)
        assert len({witness.action for witness in one.witnesses}) == len(one.witnesses)
    known = {value for one in merged for value in one.fingerprints.values()}
    assert {value for group in groups for one in group for value in one.fingerprints.values()} == known


@given(ALL, st.randoms(use_true_random=False))
def test_the_order_in_which_actions_ended_does_not_matter(findings: list[Finding], shuffle: random.Random) -> None:
    groups = by_scanner(findings)
    expected = both(*groups)
    shuffle.shuffle(groups)
    assert both(*groups) == expected


@given(ALL, st.randoms(use_true_random=False))
def test_the_order_of_a_report_does_not_matter(findings: list[Finding], shuffle: random.Random) -> None:
    before = [ids(group) for group in by_scanner(findings)]
    shuffle.shuffle(findings)
    assert [ids(group) for group in by_scanner(findings)] == before
