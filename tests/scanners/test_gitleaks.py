"""Gitleaks: its samples, and the ways in which it looks clean without having looked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import GapReason, Kind, Severity
from hardgate.scanners.gitleaks import GITLEAKS
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples" / "gitleaks"


def leak(rule: str) -> bytes:
    one = {"RuleID": rule, "Description": "d", "File": "f", "StartLine": 0, "EndLine": 0, "Commit": "", "Secret": "x"}
    return msgspec.json.encode([one])


def test_tree_sample() -> None:
    report = GITLEAKS.parse((SAMPLES / "tree-8.30.1.json").read_bytes())
    assert real.found(report) == {
        ("aws-access-token", "src/settings.py", 2),
        ("aws-access-token", "src/allowed.py", 1),
        ("secret-in-configuration", "a folder/client.ini", 2),
        ("private-key", "deploy/id_rsa", 1),
    }
    assert {one.rule: one.severity for one in report.findings} == {
        "aws-access-token": Severity.CRITICAL,
        "secret-in-configuration": Severity.HIGH,
        "private-key": Severity.CRITICAL,
    }
    assert {(one.kind, one.severity_from) for one in report.findings} == {(Kind.SECRET, "adapter")}
    assert {one.rule: one.cwe for one in report.findings} == {
        "aws-access-token": ("CWE-798",),
        "secret-in-configuration": ("CWE-260", "CWE-798"),
        "private-key": ("CWE-798",),
    }
    assert report.gaps == ()
    assert report.seen is None


def test_history_sample_names_the_commit() -> None:
    report = GITLEAKS.parse((SAMPLES / "history-8.30.1.json").read_bytes())
    assert real.found(report) == {("aws-access-token", "a folder/old.py", 1), ("aws-access-token", "other/old.py", 1)}
    assert {len(one.location.commit) for one in report.findings} == {40}
    assert all("every clone" in one.fix for one in report.findings)
    assert len({one.fingerprints["mark"] for one in report.findings}) == 1


def test_the_plain_report_of_a_stranger_is_read_too() -> None:
    report = GITLEAKS.parse((SAMPLES / "plain-8.30.1.json").read_bytes())
    assert ("private-key", "deploy/id_rsa", 1) in real.found(report)
    assert {len(one.fingerprints) for one in report.findings} == {0}


def test_rules_that_match_the_same_words_are_one_finding() -> None:
    def one(rule: str, start: int, end: int, line: int = 1) -> dict[str, object]:
        whole = {"Description": "d", "File": "f", "StartLine": line, "EndLine": line, "Commit": ""}
        return {**whole, "RuleID": rule, "StartColumn": start, "EndColumn": end}

    leaks = [
        one("generic-api-key", 1, 30),
        one("github-pat", 10, 25),
        one("jwt", 31, 60),
        one("password-in-url", 1, 9, 2),
    ]
    report = GITLEAKS.parse(msgspec.json.encode(leaks))
    assert sorted(finding.rule for finding in report.findings) == ["github-pat", "jwt", "password-in-url"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("aws-access-token", "access key in IAM"),
        ("github-pat", "settings of the account"),
        ("private-key", "new key pair"),
        ("password-in-url", "Set a new password"),
        ("jwt-signed-with-literal", "every token"),
        ("slack-webhook-url", "where it was issued"),
    ],
)
def test_how_to_rotate(rule: str, words: str) -> None:
    assert words in GITLEAKS.parse(leak(rule)).findings[0].fix


def test_no_secret_stays() -> None:
    raw = leak("generic-api-key").replace(b'"x"', b'"hunter2-secret"')
    assert b"hunter2" not in msgspec.json.encode(GITLEAKS.parse(raw))


def test_a_finding_about_the_whole_file_has_no_line() -> None:
    (one,) = GITLEAKS.parse(leak("pkcs12-file")).findings
    assert (one.location.line, one.location.end_line, one.severity) == (None, None, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ("github-pat", Severity.CRITICAL),
        ("gitlab-feed-token", Severity.HIGH),
        ("pypi-upload-token", Severity.CRITICAL),
        ("slack-webhook-url", Severity.HIGH),
        ("a-rule-of-our-own", Severity.HIGH),
    ],
)
def test_ratings(rule: str, severity: Severity) -> None:
    assert GITLEAKS.parse(leak(rule)).findings[0].severity is severity


def test_the_report_of_a_clean_tree_is_refused() -> None:
    with pytest.raises(ReportError, match="empty list"):
        GITLEAKS.parse(b"[]\n")


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("package-lock.json", True),
        ("web/node_modules/x/index.js", True),
        ("docs/picture.svg", True),
        ("x/secrets.gitleaks.toml", True),
        ("go.mod", True),
        ("settings.env.gz", True),
        ("poetry.lock", True),
        ("requirements.txt", False),
        ("src/app.py", False),
        ("src/vendor/util.py", False),
        ("targets.json", False),
    ],
)
def test_names_that_it_passes_by(path: str, hidden: bool) -> None:
    assert GITLEAKS.hidden(path) is hidden
    assert GITLEAKS.selects(path)


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("", "--full-history --all --diff-filter=tuxdb --no-renames"),
        ("examples/api/", "--full-history --all --diff-filter=tuxdb --no-renames -- examples/api/"),
        ("a b's [x]/", "--full-history --all --diff-filter=tuxdb --no-renames -- a?b?s??x?/*"),
        (":(exclude)x/", "--full-history --all --diff-filter=tuxdb --no-renames -- ??exclude?x/*"),
    ],
)
def test_what_git_is_asked_for(tmp_path: Path, prefix: str, words: str) -> None:
    part = real.job(GITLEAKS, tmp_path, tmp_path, mode="history", history="/h", prefix=prefix)
    assert f"--log-opts={words}" in GITLEAKS.argv(part)


def test_two_starts_only_with_a_history(tmp_path: Path) -> None:
    whole = real.job(GITLEAKS, tmp_path, tmp_path, history="/h")
    assert [part.mode for part in GITLEAKS.split(whole)] == ["tree", "history"]
    assert [part.mode for part in GITLEAKS.split(real.job(GITLEAKS, tmp_path, tmp_path))] == ["tree"]
    without = real.job(GITLEAKS, tmp_path, tmp_path, history="/h", options={"history": False})
    assert [part.mode for part in GITLEAKS.split(without)] == ["tree"]


@pytest.mark.real
def test_a_hostile_repository_cannot_switch_it_off(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.SECRETS)
    real.write(tree, {".gitleaks.toml": '[extend]\nuseDefault = true\n[allowlist]\npaths = [".*"]\n'})
    report = real.scan(GITLEAKS, tree, tmp_path / "scratch", mode="tree")
    assert ("aws-access-token", "src/allowed.py", 1) in real.found(report)
    assert len(report.findings) == 4


@pytest.mark.real
def test_inline_allowance_counts_when_the_user_says_so(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.SECRETS)
    report = real.scan(GITLEAKS, tree, tmp_path / "scratch", mode="tree", honour_inline=True)
    assert "src/allowed.py" not in {one.location.path for one in report.findings}


@pytest.mark.real
def test_its_own_configuration_counts_when_the_user_says_so(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", inputs.SECRETS)
    real.write(tree, {".gitleaks.toml": "[extend]\nuseDefault = true\n[allowlist]\npaths = ['src/']\n"})
    report = real.scan(GITLEAKS, tree, tmp_path / "scratch", mode="tree", honour_config=True)
    assert {one.location.path for one in report.findings} == {"a folder/client.ini", "deploy/id_rsa"}


@pytest.mark.real
def test_names_that_it_passes_by_are_really_those(tmp_path: Path) -> None:
    names = [
        "package-lock.json",
        "node_modules/a/b.js",
        "p.svg",
        "gitleaks.toml",
        "go.sum",
        "a.env.gz",
        "x.js",
        "p.lock",
    ]
    line = f'key = "{inputs.AWS_KEY}"\n'
    tree = real.write(tmp_path / "tree", dict.fromkeys(names, line))
    report = real.scan(GITLEAKS, tree, tmp_path / "scratch", mode="tree")
    assert {one.location.path for one in report.findings} == {name for name in names if not GITLEAKS.hidden(name)}


def _history(tmp_path: Path) -> Path:
    """The bare repository of the samples with the canary's commit, the oldest of all."""
    bare = inputs.repository(tmp_path / "repository")
    loose = real.write(tmp_path / "loose", {"a folder/" + real.MARK: GITLEAKS.canary.files["canary.env"]})
    old = {"GIT_INDEX_FILE": str(tmp_path / "index"), "GIT_AUTHOR_DATE": "@1 +0000", "GIT_COMMITTER_DATE": "@1 +0000"}

    def git(*words: str) -> str:
        argv = ("git", f"--git-dir={bare}", f"--work-tree={loose}", "-c", "user.name=t", "-c", "user.email=t@x", *words)
        return subprocess.run(argv, env=os.environ | old, check=True, capture_output=True, text=True).stdout.strip()

    git("add", "a folder")
    commit = git("commit-tree", git("write-tree"), "-m", "planted")
    git("update-ref", "refs/heads/hardgate-canary", commit)
    return bare


@pytest.mark.real
def test_history_below_a_folder(tmp_path: Path) -> None:
    part = real.job(
        GITLEAKS, tmp_path, tmp_path / "scratch",
        mode="history", history=str(_history(tmp_path)), prefix="a folder/",
    )  # fmt: skip
    report = real.judged(GITLEAKS, real.start(GITLEAKS, part))
    assert real.found(report) == {("aws-access-token", "a folder/old.py", 1)}


@pytest.mark.real
def test_history_that_git_cannot_read_to_its_end(tmp_path: Path) -> None:
    """Gitleaks exits 0 with `[]` here: only standard error, and the oldest commit that is missing, tell."""
    bare = _history(tmp_path)
    subprocess.run(["git", f"--git-dir={bare}", "repack", "-qad"], check=True, capture_output=True)
    key = f'KEY = "{inputs.AWS_KEY}"\n'.encode()
    blob = subprocess.run(["git", "hash-object", "--stdin"], input=key, check=True, capture_output=True)
    _break(bare, blob.stdout.decode().strip())
    part = real.job(GITLEAKS, tmp_path, tmp_path / "scratch", mode="history", history=str(bare))
    done = real.start(GITLEAKS, part)
    assert (done.exit_code, done.stdout.strip()) == (0, b"[\n]")
    with pytest.raises(ReportError):
        GITLEAKS.parse(done.stdout)
    (gap,) = GITLEAKS.complaints(done.stderr)
    assert gap.reason is GapReason.FILE_UNREAD
    assert "fatal" in gap.message


def _break(bare: Path, blob: str) -> None:
    """Unpack all objects of a repository and take one away."""
    for pack in list((bare / "objects/pack").glob("*.pack")):
        moved = pack.rename(bare / "moved.pack")
        for leaf in (bare / "objects/pack").iterdir():
            leaf.unlink()
        with moved.open("rb") as stdin:
            subprocess.run(["git", f"--git-dir={bare}", "unpack-objects", "-q"], stdin=stdin, check=True)
    (bare / "objects" / blob[:2] / blob[2:]).unlink()


@pytest.mark.real
@pytest.mark.parametrize("mode", ["tree", "history"])
def test_a_target_that_is_not_there(tmp_path: Path, mode: str) -> None:
    """Gitleaks logs an error, writes `[]` and exits 0."""
    (tmp_path / "tree").mkdir()
    part = real.job(GITLEAKS, tmp_path / "tree", tmp_path / "s", mode=mode, history=str(tmp_path / "none"))
    done = real.start(GITLEAKS, part)
    with pytest.raises(ReportError):
        GITLEAKS.parse(done.stdout)


def test_complaints_are_gaps_and_a_count_of_leaks_is_none() -> None:
    said = (
        b"3:23AM WRN leaks found: 5\n3:23AM ERR [git] fatal: bad object\n3:23AM WRN skipping file: permission denied\n"
    )
    messages = [gap.message for gap in GITLEAKS.complaints(said)]
    assert len(messages) == 2
    assert "bad object" in messages[0]
    assert "permission denied" in messages[1]
