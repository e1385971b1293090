"""detect-secrets: its samples, and the ways in which it looks clean without having looked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hardgate.errors import ReportError
from hardgate.model import Kind, Severity
from hardgate.scanners.detect_secrets import DETECT_SECRETS
from tests.scanners import inputs, real

SAMPLES = Path(__file__).parent / "samples" / "detect-secrets"


def baseline(*secrets: dict[str, object], plugins: int = 1) -> bytes:
    whole = {
        "version": "1.5.0",
        "plugins_used": [{"name": "AWSKeyDetector"}] * plugins,
        "results": {"f": list(secrets)},
        "generated_at": "2026-01-01T00:00:00Z",
    }
    return msgspec.json.encode(whole)


def secret(kind: str, *, path: str = "f", line: int = 1, digest: str = "d1") -> dict[str, object]:
    return {"type": kind, "filename": path, "line_number": line, "hashed_secret": digest, "is_verified": False}


def test_sample() -> None:
    report = DETECT_SECRETS.parse((SAMPLES / "report-1.5.0.json").read_bytes())
    assert real.found(report) == {
        ("AWS Access Key", "src/settings.py", 2),
        ("AWS Access Key", "src/allowed.py", 1),
        ("Secret Keyword", "a folder/client.ini", 2),
        ("Private Key", "deploy/id_rsa", 1),
    }
    assert {one.rule: one.severity for one in report.findings} == {
        "AWS Access Key": Severity.CRITICAL,
        "Secret Keyword": Severity.LOW,
        "Private Key": Severity.MEDIUM,
    }
    assert {(one.kind, one.severity_from, one.cwe) for one in report.findings} == {
        (Kind.SECRET, "adapter", ("CWE-798",))
    }
    assert (report.gaps, report.seen, report.version) == ((), None, "1.5.0")


def test_the_report_of_a_clean_tree_is_whole() -> None:
    """Its canary tells whether anything was looked at."""
    assert DETECT_SECRETS.parse((SAMPLES / "nothing-1.5.0.json").read_bytes()).findings == ()


@pytest.mark.parametrize("name", ["report-1.5.0.json", "plain-1.5.0.json"])
def test_no_hash_of_a_secret_stays(name: str) -> None:
    raw = (SAMPLES / name).read_bytes()
    kept = msgspec.json.encode(DETECT_SECRETS.parse(raw))
    digests = {one["hashed_secret"] for group in msgspec.json.decode(raw)["results"].values() for one in group}
    assert digests
    assert not any(digest.encode() in kept for digest in digests)


def test_a_scan_without_plugins_is_refused() -> None:
    with pytest.raises(ReportError, match="plugins"):
        DETECT_SECRETS.parse(baseline(plugins=0))


def test_two_patterns_for_one_text_are_one_finding() -> None:
    same = (secret("Secret Keyword"), secret("GitHub Token"), secret("Secret Keyword", digest="d2"))
    report = DETECT_SECRETS.parse(baseline(*same, secret("Secret Keyword", line=2)))
    assert sorted((one.rule, one.location.line) for one in report.findings) == [
        ("GitHub Token", 1),
        ("Secret Keyword", 1),
        ("Secret Keyword", 2),
    ]


@pytest.mark.parametrize(
    ("kind", "path", "severity"),
    [
        ("GitHub Token", "app.py", Severity.CRITICAL),
        ("Slack Token", "app.py", Severity.HIGH),
        ("a kind of tomorrow", "app.py", Severity.HIGH),
        ("Basic Auth Credentials", "app.py", Severity.MEDIUM),
        ("Basic Auth Credentials", "docs/app.rst", Severity.LOW),
        ("Private Key", "tests/key.pem", Severity.LOW),
        ("GitHub Token", "tests/app.py", Severity.CRITICAL),
    ],
)
def test_ratings(kind: str, path: str, severity: Severity) -> None:
    assert DETECT_SECRETS.parse(baseline(secret(kind, path=path))).findings[0].severity is severity


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, int | None]]:
    """One scan of what it would pass by: a comment that excuses, names of lock files, a baseline of the repository."""
    line = f'KEY = "{inputs.AWS_KEY}"\n'
    excused = f"{line.strip()}  # pragma: allowlist secret\n# pragma: allowlist nextline secret\n{line}"
    tree = real.write(
        tmp_path_factory.mktemp("tree"),
        {
            "excused.py": excused.replace("KEY", "FIRST", 1).replace(inputs.AWS_KEY, inputs.AWS_KEY[:-1] + "W", 1),
            "poetry.lock": line,
            "package-lock.json": line,
            "api/swagger.py": line,
            "logo.svg": line,
            "node_modules/x.js": line,
            ".hidden/x.py": line,
            "odd name.txt": line,
            ".secrets.baseline": (SAMPLES / "plain-1.5.0.json").read_bytes(),
            "digest.py": 'ETAG = "4654c340b67c01ffff3195f80135f3b9"\nDNS = "8.8.8.8"\n',
        },
    )
    return real.found(real.scan(DETECT_SECRETS, tree, tmp_path_factory.mktemp("scratch")))


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("excused.py", 1),
        ("excused.py", 3),
        ("package-lock.json", 1),
        ("api/swagger.py", 1),
        ("node_modules/x.js", 1),
        (".hidden/x.py", 1),
        ("odd name.txt", 1),
    ],
)
def test_nothing_is_passed_by(scanned: set[tuple[str, str, int | None]], path: str, line: int) -> None:
    assert ("AWS Access Key", path, line) in scanned


@pytest.mark.real
@pytest.mark.parametrize("path", ["poetry.lock", "logo.svg"])
def test_endings_that_it_passes_by_are_hidden_from_it(scanned: set[tuple[str, str, int | None]], path: str) -> None:
    """The engine shows it such a file under another name."""
    assert [one for one in scanned if one[1] == path] == []
    assert DETECT_SECRETS.hidden(path)


@pytest.mark.parametrize("path", ["app.py", ".env", "package-lock.json", "locks.txt", "map"])
def test_other_names_are_not_hidden(path: str) -> None:
    assert not DETECT_SECRETS.hidden(path)


@pytest.mark.real
def test_digests_and_addresses_of_machines_are_left_alone(scanned: set[tuple[str, str, int | None]]) -> None:
    assert [one for one in scanned if one[1] == "digest.py"] == []


@pytest.mark.real
def test_a_comment_excuses_where_the_policy_says_so(tmp_path: Path) -> None:
    tree = real.write(tmp_path / "tree", {"a.py": f'KEY = "{inputs.AWS_KEY}"  # pragma: allowlist secret\n'})
    assert real.scan(DETECT_SECRETS, tree, tmp_path / "scratch", honour_inline=True).findings == ()


@pytest.mark.real
def test_a_target_that_is_not_there_reads_as_clean_and_has_no_canary(tmp_path: Path) -> None:
    """It exits 0 with a whole report that is empty."""
    (tmp_path / "tree").mkdir()
    done = real.start(DETECT_SECRETS, real.job(DETECT_SECRETS, tmp_path / "tree", tmp_path / "scratch"))
    assert done.exit_code == 0
    assert DETECT_SECRETS.parse(done.stdout).findings == ()
