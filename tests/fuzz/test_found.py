"""What fuzzing has found, each hole by itself: false passes first, then crashes and hangs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hardgate import git, locks, past, pins, strict
from hardgate.advisories import age, importing
from hardgate.cli import common
from hardgate.errors import ConfigError, ReportError, StoreError, ToolError
from hardgate.exceptions import vex
from hardgate.model import GapReason
from hardgate.scanners.bandit import BANDIT
from hardgate.scanners.hadolint import HADOLINT
from hardgate.scanners.sarif import SARIF
from hardgate.scanners.sarif import parse as parse_sarif
from hardgate.scanners.semgrep import SEMGREP
from hardgate.scanners.trivy import TRIVY
from hardgate.toolbox import manifest
from tests.fuzz import good
from tests.fuzz.targets import samples

DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
POLICY = common.parse_pipeline(good.PIPELINE, "hardgate.yaml").policy


def _trivy(name: str = "files-0.74.0.json") -> Any:
    # Schema 1 is a bare list.
    reports = [raw for raw in samples(TRIVY) if not raw.startswith(b"[")]
    found = [raw for raw in reports if json.loads(raw).get("Results")]
    return json.loads(next(raw for raw in found if b'"Secrets"' in raw) if name.startswith("files") else found[-1])


def _parsed(report: Any) -> tuple[int, set[str]]:
    read = TRIVY.parse(json.dumps(report).encode())
    return len(read.findings), {gap.message for gap in read.gaps}


class TestFalsePasses:
    def test_results_that_stand_twice(self) -> None:
        """msgspec takes the last: a second, empty list read as "nothing found"."""
        raw = samples(BANDIT)[0]
        assert BANDIT.parse(raw).findings
        again = raw.rstrip().removesuffix(b"}") + b', "results": []}'
        with pytest.raises(ReportError, match="the key 'results' stands twice"):
            BANDIT.parse(again)

    @pytest.mark.parametrize("scanner", [SARIF, BANDIT], ids=lambda one: one.name)
    def test_a_key_that_stands_twice_further_down(self, scanner: Any) -> None:
        raw = samples(scanner)[0].replace(b'"message":', b'"message": "", "message":', 1)
        raw = raw.replace(b'"test_id":', b'"test_id": "", "test_id":', 1) if scanner is BANDIT else raw
        with pytest.raises(ReportError, match="stands twice"):
            scanner.parse(raw)

    def test_a_statement_that_stands_twice_in_a_vex_document(self) -> None:
        raw = good.OPENVEX.replace(b'"status":', b'"status": "affected", "status":')
        with pytest.raises(ConfigError, match="the key 'status' stands twice"):
            vex.read(raw, "v.json", POLICY)

    def test_a_status_that_trivy_did_not_have_yet(self) -> None:
        report = _trivy()
        before, _ = _parsed(report)
        problems = [one for result in report["Results"] for one in result.get("Misconfigurations") or ()]
        problems[0]["Status"] = "FAILURE"
        assert _parsed(report)[0] == before

    @pytest.mark.parametrize("key", ["Misconfigurations", "Secrets", "Licenses"])
    def test_a_list_that_trivy_did_not_have_yet(self, key: str) -> None:
        report = _trivy()
        result = next(one for one in report["Results"] if one.get(key))
        result[f"New{key}"] = result.pop(key)
        _, gaps = _parsed(report)
        assert f"trivy's report on {result['Target']} has New{key}, which hardgate does not read." in gaps

    def test_all_results_under_another_key(self) -> None:
        report = _trivy()
        report["Findings"] = report.pop("Results")
        found, gaps = _parsed(report)
        assert not found
        assert any("has Findings" in gap for gap in gaps)

    def test_a_rating_of_our_own_that_is_no_word(self) -> None:
        report = json.loads(samples(SEMGREP)[0])
        report["results"][0]["extra"]["metadata"]["hardgate_severity"] = ["critical"]
        gaps = SEMGREP.parse(json.dumps(report).encode()).gaps
        assert GapReason.SEVERITY_UNKNOWN in {gap.reason for gap in gaps}


class TestLargeReports:
    """Above 8 MB not every object is looked at, but none that loses much."""

    LARGE = tuple({"id": number, "text": "x" * 400} for number in range(22_000))

    def test_the_large_value_first(self) -> None:
        raw = json.dumps({"version": "1", "results": self.LARGE}).encode()
        assert len(raw) > 8_000_000
        strict.once(raw)
        with pytest.raises(ValueError, match="'results' stands twice"):
            strict.once(raw.removesuffix(b"}") + b', "results": []}')

    def test_below_a_list(self) -> None:
        raw = json.dumps([{"version": "1", "results": self.LARGE}]).encode()
        strict.once(raw)
        with pytest.raises(ValueError, match="'results' stands twice"):
            strict.once(raw.removesuffix(b"}]") + b', "results": []}]')


class TestCrashes:
    @pytest.mark.parametrize("scanner", [BANDIT, SEMGREP, SARIF, TRIVY], ids=lambda one: one.name)
    def test_deep_nesting_is_no_whole_report(self, scanner: Any) -> None:
        with pytest.raises(ReportError, match="deep"):
            scanner.parse(DEEP)

    def test_deep_nesting_elsewhere(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="deep"):
            vex.read(DEEP, "v.json", POLICY)
        (tmp_path / "kev.json").write_bytes(DEEP)
        with pytest.raises(StoreError, match="deep"):
            importing.kev(tmp_path / "kev.json")
        (tmp_path / manifest.MANIFEST).write_bytes(DEEP)
        with pytest.raises(ToolError, match="recursion"):
            manifest.read_label(tmp_path)
        (tmp_path / "db").mkdir()
        (tmp_path / "db" / "metadata.json").write_bytes(DEEP)
        assert age.kept(tmp_path) == ""

    def test_a_result_that_is_repaired_and_nested_deeply(self) -> None:
        deep = json.loads("[" * 490 + "]" * 490)
        result = {"message": {"text": "x"}, "ruleIndex": "0", "properties": {"deep": deep}}
        log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [result, {"message": {}}]}]}
        read = parse_sarif(json.dumps(log).encode(), "")
        assert len(read.findings) + len(read.gaps) == 2

    def test_a_placeholder_of_thousands_of_digits(self) -> None:
        rule = {"id": "a", "messageStrings": {"b": {"text": "{" + "9" * 5000 + "} {0}"}}}
        run = {
            "tool": {"driver": {"name": "x", "rules": [rule]}},
            "results": [{"ruleId": "a", "message": {"id": "b", "arguments": ["told"]}}],
        }
        read = parse_sarif(json.dumps({"version": "2.1.0", "runs": [run]}).encode(), "")
        assert read.findings[0].message.endswith("} told")

    def test_half_a_character_in_yaml(self) -> None:
        for raw in (good.PIPELINE.replace(b"planetary-api", b'"\\ud83d"'), b'pipeline: {"\\udc00": 1}'):
            with pytest.raises(ConfigError, match=r"line 1: pipeline: .* is half of a character"):
                common.parse_pipeline(raw, "hardgate.yaml")

    def test_a_word_of_trivys_that_is_no_text(self) -> None:
        told = TRIVY.complaints(b'x\tERROR\t[\x84] no\tcould\tfile_path="main.tf"\n')
        assert [gap.path for gap in told] == ["main.tf"]

    def test_a_year_that_no_calendar_has(self) -> None:
        assert age.moment("3709551616 Jan 2 2:0 GMT") is None

    def test_hadolint_could_not_parse_and_says_nothing(self) -> None:
        report = json.loads(samples(HADOLINT)[0])
        report[0] |= {"code": "DL1000", "message": ""}
        assert HADOLINT.parse(json.dumps(report).encode()).gaps[0].reason is GapReason.FILE_UNREAD

    def test_a_commit_of_a_time_that_no_calendar_has(self, tmp_path: Path) -> None:
        """Whoever commits writes the time: the suppressions of the file were asked for their age, and the run died."""

        def said(*words: str, stdin: bytes = b"") -> str:
            argv = ("git", "-C", str(tmp_path), *words)
            return subprocess.run(argv, input=stdin, capture_output=True, check=True).stdout.decode().strip()

        (tmp_path / "a.py").write_text("eval(x)  # nosec\n")
        said("init", "--quiet")
        said("add", "a.py")
        who = "Ada Tester <ada@example.org> 99999999999999999 +0000"
        text = f"tree {said('write-tree')}\nauthor {who}\ncommitter {who}\n\nx\n"
        commit = said("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
        said("update-ref", "HEAD", commit)
        ours = git.borrow(tmp_path / ".git", tmp_path / "private")
        assert past.blame(ours, tmp_path, "a.py") == {1: ("Ada Tester", "")}


class TestHangs:
    """Each took minutes or all of the memory: time and memory grew with the square of the size, or with its power."""

    def test_blanks_without_end_in_requirements(self) -> None:
        found = pins.read(b"flask==0.12" + b" " * 300_000 + b"x\n" + b" " * 300_000 + b"# told\njinja2==2.4.1 # why\n")
        assert [pin.name for pin in found.pins] == ["jinja2"]

    def test_what_a_comment_is_in_requirements(self) -> None:
        found = pins.read(b"a==1 # b\nc==2#d\n\t# e\nf==3\t#g\n")
        assert [(pin.name, pin.version) for pin in found.pins] == [("a", "1"), ("f", "3")]

    def test_empty_lines_without_end_in_manifests(self) -> None:
        empty = b"\n" * 300_000
        assert not any(locks.declares(name, empty) for name in ("requirements.in", "setup.cfg", "Gemfile"))
        assert locks.declares("setup.cfg", empty + b"  install_requires =\n a\n")
        assert locks.declares("Gemfile", empty + b"\n  gem 'rails'\n")
        assert not locks.names_member(empty, "packages/x")
        assert locks.names_member(empty + b"  packages/x:\n", "packages/x")

    def test_a_key_of_a_hundred_thousand_parts(self) -> None:
        assert locks.declares("pyproject.toml", b"a" + b".a" * 100_000 + b" = 1\n")

    def test_aliases_that_repeat_without_end(self) -> None:
        repeated = b"exclude: &p [" + b",".join([b"a"] * 20_000) + b"]\n"
        actions = b"".join(b"      - bandit: {name: b%d, paths: *p}\n" % one for one in range(100))
        raw = b"pipeline: x\n" + repeated + b"stages:\n  - name: s\n    actions:\n" + actions
        with pytest.raises(ConfigError, match="with its aliases the file has more than 1,000,000 values"):
            common.parse_pipeline(raw, "hardgate.yaml")

    def test_a_git_file_that_names_no_path(self, tmp_path: Path) -> None:
        (tmp_path / ".git").write_bytes(b"gitdir: " + b"a/" * 100_000)
        with pytest.raises(ToolError, match=r"\.git has more than 65536 bytes"):
            git.around(tmp_path)

    def test_empty_lines_without_end_in_the_settings_of_git(self, tmp_path: Path) -> None:
        (tmp_path / "objects").mkdir()
        (tmp_path / "config").write_bytes(b"\n" * 300_000 + b"[extensions]\n  objectFormat = sha256\n")
        ours = git.borrow(tmp_path, tmp_path / "private")
        assert "objectFormat = sha256" in (ours / "config").read_text()
