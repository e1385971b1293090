"""`hardgate run` and the commands that read what it stored, as a user starts them, with a real scanner."""

from __future__ import annotations

import datetime
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from hardgate.model import ExitCode, GapReason
from hardgate.scanners import SCANNERS
from tests.cli.conftest import HOLE, PIPELINE, commit, run
from tests.lab.command import EXECUTABLE, hardgate
from tests.lab.tools import command

Make = Callable[..., Path]
SCHEMAS = Path(__file__).parents[2] / "src" / "hardgate" / "schemas"
TWO = PIPELINE.replace("[ruff]", "[ruff, bandit]")

pytestmark = pytest.mark.real


def test_a_clean_tree_passes(home: Path, repository: Make) -> None:
    result = run(repository({"app.py": "print('hello')\n"}))
    assert result.code is ExitCode.PASS, result.stdout + result.stderr
    assert result.json["verdict"]["outcome"] == "PASS"
    assert result.json["findings"] == []


def test_a_hole_fails_and_the_json_is_what_the_schema_says(home: Path, repository: Make) -> None:
    result = run(repository({"app.py": HOLE}))
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    schema = json.loads((SCHEMAS / "report-1.schema.json").read_bytes())
    jsonschema.validate(result.json, schema)
    [finding] = [one for one in result.json["findings"] if one["rule"] == "S602"]
    assert finding["location"] == {"path": "app.py", "line": 3, "end_line": 3, "commit": ""}
    assert finding["severity"] == "high"
    assert finding["state"] == "blocking"
    assert "CWE-78" in finding["cwe"]


def test_the_gate_says_the_same_byte_for_byte(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    first = run(root)
    (root / "hardgate.yaml").unlink()
    again = hardgate("gate", str(root), "--json")
    by_id = hardgate("gate", "--run", first.json["run"]["id"], "--json", cwd=home)
    assert again.stdout == first.stdout == by_id.stdout
    assert again.code is first.code is by_id.code is ExitCode.FAIL


def test_results_do_not_depend_on_the_current_directory(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE, "deep/er/app.py": HOLE})
    here = hardgate("run", "--json", "--no-cache", cwd=root).json
    there = hardgate("run", "../..", "--json", "--no-cache", cwd=root / "deep" / "er").json
    outside = hardgate("run", str(root), "--json", "--no-cache", cwd=tmp_path).json
    assert here["findings"] == there["findings"] == outside["findings"]
    assert {one["location"]["path"] for one in here["findings"]} == {"app.py", "deep/er/app.py"}


def test_the_second_run_starts_nothing(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    first = run(root)
    second = run(root)
    third = run(root, "--no-cache")
    assert second.json["findings"] == first.json["findings"]
    assert second.json["receipts"][0]["cached_from"] == first.json["run"]["id"]
    assert third.json["receipts"][0]["cached_from"] == ""
    (root / "app.py").write_text(HOLE + "# changed\n")
    assert run(root).json["receipts"][0]["cached_from"] == ""


def _counting(folder: Path, names: list[str]) -> tuple[Path, Path]:
    """A folder for PATH whose scanners note each start in a file before they become the real ones."""
    log = folder / "starts"
    (folder / "bin").mkdir()
    for name in names:
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\necho "{name} $1" >> {log}\nexec {" ".join(command(name))} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder / "bin", log


def test_a_run_of_one_scanner_starts_one_scanner(tmp_path: Path, repository: Make, tools_folder: Path) -> None:
    root = repository({"app.py": HOLE}, pipeline=TWO + "policy: {tools_from_path: true}\n")
    folder, log = _counting(tmp_path, ["ruff", "bandit"])
    more = {"PATH": f"{folder}:/usr/bin:/bin", "HARDGATE_HOME": str(tmp_path / "own")}
    result = run(root, "--action", "ruff", **more)
    assert result.code is ExitCode.INCOMPLETE
    assert {line.split()[0] for line in log.read_text().splitlines()} == {"ruff"}
    assert [gap["action"] for gap in result.json["gaps"]] == ["bandit"]
    assert result.json["gaps"][0]["reason"] == GapReason.NOT_RUN


@pytest.mark.parametrize("words", [["--action", "ruf"], ["--stage", "scna"]])
def test_what_does_not_exist_cannot_be_run(home: Path, repository: Make, words: list[str]) -> None:
    result = run(repository({"app.py": HOLE}), *words)
    assert result.code is ExitCode.USAGE
    assert words[1] in result.stderr
    assert result.stdout == ""


def test_only_changed(home: Path, repository: Make) -> None:
    root = repository({"old.py": HOLE})
    base = commit(root)
    (root / "new.py").write_text(HOLE)
    result = run(root, "--only-changed", "--base", base)
    assert result.code is ExitCode.FAIL
    assert {one["location"]["path"] for one in result.json["findings"]} == {"new.py"}


def test_a_part_of_the_files_refutes_nothing(home: Path, repository: Make) -> None:
    both = "pipeline: small\nstages:\n  - name: scan\n    actions: [ruff, dataflow]\npolicy:\n  block_at: low\n"
    harmless = 'import sqlite3\n\nsqlite3.connect("x").execute("SELECT a FROM " + "t")\n'
    root = repository({"old.py": "x = 1\n", "new.py": harmless}, pipeline=both)
    (root / "old.py").write_text("x = 2\n")
    whole = run(root)
    assert [one["refuted"] for one in whole.json["findings"]] == ["dataflow"]
    (root / "new.py").write_text(harmless + "y = 1\n")
    part = run(root, "--only-changed", "--base", "main")
    assert [one["refuted"] for one in part.json["findings"]] == [""]


def test_an_empty_change_and_a_base_that_does_not_exist_never_pass(home: Path, repository: Make) -> None:
    root = repository({"old.py": "print(1)\n"})
    empty = run(root, "--only-changed", "--base", "main")
    assert empty.code is ExitCode.INCOMPLETE
    assert empty.json["gaps"][0]["reason"] == GapReason.NOTHING_IN_SCOPE
    for words in (["--only-changed", "--base", "mian"], ["--only-changed"], ["--base", "mian"]):
        assert run(root, *words).code is ExitCode.USAGE


def test_receipts_travel(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE}, pipeline=TWO)
    folder = tmp_path / "receipts"
    for name in ("ruff", "bandit"):
        done = hardgate("run", str(root), "--action", name, "--receipts", str(folder))
        assert done.code is ExitCode.PASS, done.stderr
    verdict = hardgate("gate", str(root), "--receipts", str(folder), "--json")
    assert verdict.code is ExitCode.FAIL, verdict.stdout + verdict.stderr
    file = folder / "ruff.receipt.json"
    whole = file.read_text()
    file.write_text(whole.replace('"high"', '"low"'))
    altered = hardgate("gate", str(root), "--receipts", str(folder), "--json")
    assert altered.code is ExitCode.INCOMPLETE
    assert {gap["reason"] for gap in altered.json["gaps"]} == {GapReason.RECEIPT_REFUSED, GapReason.NOT_RUN}
    file.unlink()
    assert hardgate("gate", str(root), "--receipts", str(folder)).code is ExitCode.INCOMPLETE
    file.write_text(whole)
    commit(root)
    assert hardgate("gate", str(root), "--receipts", str(folder)).code is ExitCode.INCOMPLETE


def test_an_unfinished_action_makes_the_recording_job_fail(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE})
    words = ("run", str(root), "--action", "ruff", "--receipts", str(tmp_path / "receipts"))
    result = hardgate(*words, "--no-install", env={"HARDGATE_HOME": str(tmp_path / "empty")})
    assert result.code is ExitCode.INCOMPLETE
    assert "hardgate tools sync ruff" in result.stderr


def test_reports_are_written_where_they_were_asked_for(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": HOLE}, pipeline=PIPELINE + "reports: {junit: out/junit.xml}\n")
    result = run(root, "--report", f"sarif={tmp_path}/a b/out.sarif", "--report", f"html={tmp_path}/out.html")
    assert result.code is ExitCode.FAIL
    assert json.loads((tmp_path / "a b" / "out.sarif").read_bytes())["version"] == "2.1.0"
    assert (root / "out" / "junit.xml").read_bytes().startswith(b"<?xml")
    assert b"S602" in (tmp_path / "out.html").read_bytes()
    second = run(root)
    assert second.json["run"]["tree"] == result.json["run"]["tree"], "hardgate's own report is no content of the tree"


def test_a_report_that_cannot_be_written_is_an_error(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"app.py": "print(1)\n"})
    (tmp_path / "file").write_text("in the way")
    result = run(root, "--report", f"html={tmp_path}/file/report.html")
    assert result.code is ExitCode.INCOMPLETE
    assert "was not written" in result.stderr
    for bad in ("html", "htm=x", "html="):
        assert run(root, "--report", bad).code is ExitCode.USAGE


def test_a_full_standard_output_is_an_error(home: Path, repository: Make) -> None:
    root = repository({"app.py": "print(1)\n"})
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([EXECUTABLE, "run", root, "--json"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == ExitCode.INCOMPLETE


def test_the_list_commands(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    report = run(root).json
    listed = hardgate("findings", "--path", str(root), "--severity", "high", "--scanner", "ruff", "--json").json
    assert [one["rule"] for one in listed] == ["S602"]
    assert hardgate("findings", "--path", str(root), "--state", "waived", "--json").json == []
    assert hardgate("findings", "--path", str(root), "--severity", "hihg").code is ExitCode.USAGE
    [row] = hardgate("runs", "--path", str(root), "--json").json
    assert row["id"] == report["run"]["id"]
    assert row["outcome"] == "FAIL"
    page = hardgate("explain", listed[0]["id"][:8], "--path", str(root)).stdout
    for expected in ("shell=True", "code/v1", "blocking", "how to waive", "until:"):
        assert expected in page
    assert hardgate("explain", "ffff", "--path", str(root)).code is ExitCode.USAGE
    markdown = hardgate("report", "markdown", "--path", str(root))
    assert "S602" in markdown.stdout


def test_a_waiver_opens_the_gate_and_stays_visible(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    waivers = "policy:\n  waivers:\n    - {rule: S602, path: app.py, reason: shown, owner: ada, until: 2999-01-01}\n"
    waivers = waivers.replace("2999-01-01", str(datetime.datetime.now(datetime.UTC).date()))
    (root / "hardgate.yaml").write_text(PIPELINE + waivers)
    result = run(root)
    assert result.code is ExitCode.PASS, result.stdout
    assert result.json["verdict"]["counts"]["waived"] == 1
    (root / "hardgate.yaml").write_text(PIPELINE + re.sub("until: [0-9]+", "until: 2020", waivers))
    assert run(root).code is ExitCode.FAIL


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_can_be_resumed(how: signal.Signals, tmp_path: Path, repository: Make) -> None:
    """The second stage waits on a pipe until the run is ended; resumed, the first stage does not start again."""
    pipeline = PIPELINE + "  - name: late\n    actions: [bandit]\npolicy: {tools_from_path: true}\n"
    root = repository({"app.py": HOLE}, pipeline=pipeline)
    folder, log = _counting(tmp_path, ["ruff", "bandit"])
    real, gate = (folder / "bandit").read_text(), tmp_path / "gate"
    os.mkfifo(gate)
    probe = f'case "$*" in *--version*) exec {" ".join(command("bandit"))} "$@";; esac'
    (folder / "bandit").write_text(f"#!/bin/sh\n{probe}\necho here > {gate}\nexec sleep 600\n")
    environment = {**os.environ, "PATH": f"{folder}:/usr/bin:/bin", "HARDGATE_HOME": str(tmp_path / "own")}
    with subprocess.Popen([EXECUTABLE, "run", root, "--quiet"], env=environment, stderr=subprocess.PIPE) as process:
        assert gate.read_text() == "here\n"
        process.send_signal(how)
        code = process.wait(30)
    assert code == (-signal.SIGKILL if how is signal.SIGKILL else ExitCode.INTERRUPTED)
    [row] = hardgate("runs", "--json", env=environment).json
    assert row["state"] == "interrupted"
    assert hardgate("gate", str(root), env=environment).code is ExitCode.INCOMPLETE
    (folder / "bandit").write_text(real)
    before = log.read_text().count("ruff check")
    result = hardgate("run", str(root), "--resume", "--json", env=environment)
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    assert result.json["run"]["id"] == row["id"]
    assert log.read_text().count("ruff check") == before == 1
    assert hardgate("run", str(root), "--resume", env=environment).code is ExitCode.USAGE


def test_help_and_version_import_nothing_heavy() -> None:
    program = (
        "import sys; from hardgate.cli.main import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "print(*(name for name in ('sqlalchemy', 'yaml', 'msgspec', 'rich', 'alembic') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["hardgate 0.1.0", ""]


def test_quiet_and_colour(home: Path, repository: Make) -> None:
    root = repository({"app.py": HOLE})
    quiet = hardgate("run", str(root), "--quiet")
    assert quiet.stderr == ""
    assert len(quiet.stdout.splitlines()) == 1
    assert "FAIL" in quiet.stdout
    assert "\x1b" not in hardgate("run", str(root)).stdout


def test_every_scanner_can_be_named_in_ingest_and_others_cannot(tmp_path: Path) -> None:
    junk = tmp_path / "junk.json"
    junk.write_text("{}")
    for scanner in SCANNERS:
        result = hardgate("ingest", scanner.name, str(junk), "--json")
        assert result.code is ExitCode.INCOMPLETE, scanner.name
        assert result.json["findings"] == []
        assert len(result.json["gaps"]) == 1
    assert hardgate("ingest", "nessus", str(junk)).code is ExitCode.USAGE
    assert hardgate("ingest", "bandit", str(tmp_path / "none"), "--json").code is ExitCode.INCOMPLETE
