"""Scanners of other packages: a real one, built and installed with uv beside hardgate, and those that cannot be used.

The package is examples/hardgate-flawfinder, which starts Flawfinder. The environment that it is installed into sees
hardgate and its dependencies in that of the tests: nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from hardgate.model import ExitCode
from tests.cli.conftest import HOLE as SHELL_HOLE
from tests.cli.conftest import run
from tests.lab.command import Result, hardgate
from tests.pages import ROOT

Make = Callable[..., Path]
PACKAGE = ROOT / "examples" / "hardgate-flawfinder"
HOLE = "#include <string.h>\nvoid f(char *a) { char b[4]; strcpy(b, a); /* Flawfinder: ignore */ }\n"
CLEAN = "int one(void) { return 1; }\n"
PIPELINE = "pipeline: small\nstages:\n  - name: scan\n    actions: [flawfinder]\npolicy:\n  required: [flawfinder]\n"

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with hardgate, Flawfinder and the package, which uv built and installed."""
    folder = tmp_path_factory.mktemp("outside")
    environment = folder / "venv"
    uv_words = [uv.find_uv_bin(), "--quiet", "--offline", "--no-config", "--cache-dir", str(folder / "cache")]
    subprocess.run([*uv_words, "venv", "--python", sys.executable, str(environment)], check=True)
    found = environment / "bin" / "python"
    site = subprocess.check_output([str(found), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    ours = sysconfig.get_path("purelib")
    (Path(os.fsdecode(site).strip()) / "hardgate.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    subprocess.run([*uv_words, "pip", "install", "--no-deps", "--python", str(found), str(PACKAGE)], check=True)
    # Flawfinder lies where `pip install hardgate-flawfinder` puts it: beside the Python that runs hardgate.
    (found.parent / "flawfinder").symlink_to(Path(sys.executable).with_name("flawfinder"))
    return found


def outside(python: Path, *words: str) -> Result:
    """Run hardgate in that environment, as its console script would."""
    start = "import sys; from hardgate.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [str(python), "-I", "-c", start, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return Result(code=ExitCode(done.returncode), stdout=done.stdout, stderr=done.stderr)


# The package


def test_the_example_keeps_the_contract_in_its_own_tests(python: Path) -> None:
    words = ["-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(PACKAGE), str(PACKAGE / "tests")]
    done = subprocess.run([str(python), *words], capture_output=True, text=True, check=False, cwd=PACKAGE)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_scanner_of_another_package_runs_and_says_where_its_adapter_is_from(
    home: Path, repository: Make, python: Path
) -> None:
    result = outside(python, "run", str(repository({"src/a.c": HOLE}, pipeline=PIPELINE)), "--json")
    assert result.code is ExitCode.FAIL, result.stdout + result.stderr
    worst = [one for one in result.json["findings"] if one["severity"] == "high"]
    assert [(one["scanner"], one["rule"], one["location"]["path"]) for one in worst] == [
        ("flawfinder", "FF1001", "src/a.c")
    ]
    [receipt] = result.json["receipts"]
    assert (receipt["tool"]["name"], receipt["tool"]["version"], receipt["tool"]["origin"]) == (
        "flawfinder", "2.0.20", "path",
    )  # fmt: skip
    assert receipt["canary"]["rules"] == ["FF1014"]
    assert "its adapter is hardgate-flawfinder 0.1.0, SHA-256 " in receipt["notes"][0]


def test_clean_code_passes_and_only_the_policy_lets_a_comment_silence(
    home: Path, repository: Make, python: Path
) -> None:
    clean = outside(python, "run", str(repository({"a.c": CLEAN}, pipeline=PIPELINE)), "--json")
    assert (clean.code, clean.json["gaps"]) == (ExitCode.PASS, []), clean.stdout + clean.stderr
    heeding = PIPELINE + "  honour_inline_suppressions: true\n"
    told = outside(python, "run", str(repository({"a.c": HOLE}, pipeline=heeding, name="heeding")), "--json")
    assert (told.code, told.json["findings"]) == (ExitCode.PASS, []), told.stdout + told.stderr


def test_what_the_tool_would_pass_by_is_looked_at(home: Path, repository: Make, python: Path) -> None:
    """Flawfinder skips a file that is not UTF-8, and one with a control character in its name."""
    files = {"latin.c": HOLE.encode() + b"/* caf\xe9 */\n", "b\tb.c": HOLE}
    result = outside(python, "run", str(repository(files, pipeline=PIPELINE)), "--json")
    assert result.json["gaps"] == [], result.stdout + result.stderr
    assert len([one for one in result.json["findings"] if one["rule"] == "FF1001"]) == 2


def test_its_options_are_checked_like_those_of_ours(home: Path, repository: Make, python: Path) -> None:
    wrong = PIPELINE.replace("[flawfinder]", "[flawfinder: {minlevel: 9}]", 1)
    result = outside(python, "run", str(repository({"a.c": CLEAN}, pipeline=wrong)))
    assert result.code is ExitCode.USAGE
    assert "hardgate.yaml: line 4: stages[0].actions[0].flawfinder.minlevel" in result.stderr


def test_doctor_and_ingest_know_it(home: Path, python: Path) -> None:
    result = outside(python, "doctor", "flawfinder")
    assert result.code is ExitCode.PASS, result.stdout + result.stderr
    assert "flawfinder finds its canary; its adapter is hardgate-flawfinder 0.1.0, SHA-256 " in result.stdout
    read = outside(python, "ingest", "flawfinder", str(PACKAGE / "samples" / "found-2.0.20.sarif"), "--json")
    assert (read.code, len(read.json["findings"])) == (ExitCode.PASS, 2)


def test_where_the_package_is_not_installed_its_scanner_is_unknown(home: Path, repository: Make, python: Path) -> None:
    root = repository({"a.c": CLEAN}, pipeline=PIPELINE)
    assert outside(python, "run", str(root)).code is ExitCode.PASS
    for result in (run(root), hardgate("gate", str(root))):
        assert result.code is ExitCode.USAGE
        assert "unknown scanner or step 'flawfinder'" in result.stderr


# Packages whose adapter cannot be used: folders on the path of Python with what an installer leaves there.


def install(folder: Path, code: str, *, name: str = "acme", entry: str = "lint", version: str = "1.2") -> str:
    """Lay out a package with one module; the folder for PYTHONPATH."""
    module = name.replace("-", "_")
    described = folder / f"{module}-{version}.dist-info"
    described.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(code)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (described / "entry_points.txt").write_text(f"[hardgate.scanners]\n{entry} = {module}:SCANNER\n")
    return str(folder)


HEAD = """
from dataclasses import replace
from hardgate.adapter import Canary, NoOptions
from hardgate.scanners.ruff import RUFF
"""
# Ruff by another name: its tool is in the toolbox.
GOOD = HEAD + "SCANNER = replace(RUFF, name='lint', tool=lambda _options: 'ruff')\n"
LINT = "pipeline: small\nstages:\n  - name: scan\n    actions: [lint]\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module\n", "could not be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        ("SCANNER =\n", "could not be imported: SyntaxError"),
        ("raise SystemExit(0)\n", "could not be imported: SystemExit: 0"),
        ("raise RuntimeError('no licence')\n", "could not be imported: RuntimeError: no licence"),
        ("OTHER = 1\n", "could not be imported: AttributeError"),
        ("SCANNER = {'name': 'lint'}\n", "it is dict, and not a hardgate.adapter.Scanner"),
        (HEAD + "SCANNER = RUFF\n", "its name is 'ruff', and that of the entry point 'lint'"),
        (GOOD.replace("lambda _options: 'ruff'", "'ruff'"), "tool is wrong: it must be a function, or None"),
        (GOOD.replace("lambda _options: 'ruff'", "None"), "hardgate does not install lint"),
        (GOOD.replace("name='lint'", "name='lint', done_exits={0}"), "done_exits is wrong"),
        (GOOD.replace("name='lint'", "name='lint', canary=Canary(files={})"), "canary is wrong"),
        (GOOD.replace("name='lint'", "name='lint', origin='ruff'"), "origin is wrong"),
    ],
)
def test_one_that_cannot_be_used_is_an_error_that_names_its_package(
    home: Path, repository: Make, tmp_path: Path, code: str, words: str
) -> None:
    root = repository({"a.py": SHELL_HOLE}, pipeline=LINT)
    result = run(root, PYTHONPATH=install(tmp_path / "site", code))
    assert result.code is ExitCode.USAGE, result.stdout + result.stderr
    assert result.stderr.startswith("hardgate: the scanner 'lint' of acme 1.2 cannot be used: ")
    assert words in result.stderr
    assert "Nothing was run." in result.stderr
    checked = hardgate("doctor", "lint", env={"PYTHONPATH": str(tmp_path / "site")})
    assert checked.code is ExitCode.INCOMPLETE
    assert words in checked.stdout


@pytest.mark.parametrize("word", ["argv", "parse", "selects"])
def test_one_that_ends_the_program_while_it_works_is_no_pass(
    home: Path, repository: Make, tmp_path: Path, word: str
) -> None:
    code = GOOD.replace("name='lint'", f"name='lint', {word}=lambda _given: __import__('sys').exit(0)")
    result = run(repository({"a.py": "x = 1\n"}, pipeline=LINT), PYTHONPATH=install(tmp_path / "site", code))
    assert result.code is ExitCode.INCOMPLETE, result.stdout + result.stderr
    assert "no verdict was reached: RuntimeError: something ended the program with 0" in result.stderr


def test_a_name_that_two_packages_bring_is_an_error(home: Path, repository: Make, tmp_path: Path) -> None:
    install(tmp_path / "site", GOOD)
    path = install(tmp_path / "site", GOOD, name="zeta", version="3")
    result = run(repository({"a.py": SHELL_HOLE}, pipeline=LINT), PYTHONPATH=path)
    assert result.code is ExitCode.USAGE
    assert "the scanner 'lint' is brought by several packages: acme 1.2 and zeta 3" in result.stderr


def test_one_that_nobody_names_is_not_imported(home: Path, repository: Make, tmp_path: Path) -> None:
    path = install(tmp_path / "site", "raise SystemExit(0)\n")
    assert run(repository({"a.py": SHELL_HOLE}), PYTHONPATH=path).code is ExitCode.FAIL


def test_none_takes_the_place_of_a_scanner_of_ours(home: Path, repository: Make, tmp_path: Path) -> None:
    path = install(tmp_path / "site", "raise SystemExit(0)\n", entry="ruff")
    result = run(repository({"a.py": SHELL_HOLE}), PYTHONPATH=path)
    assert result.code is ExitCode.FAIL
    assert [one["tool"]["origin"] for one in result.json["receipts"]] == ["toolbox"]
    assert not any("adapter" in note for one in result.json["receipts"] for note in one["notes"])


def test_a_result_is_used_again_by_the_same_adapter_only(home: Path, repository: Make, tmp_path: Path) -> None:
    root = repository({"a.py": SHELL_HOLE}, pipeline=LINT)
    site = tmp_path / "site"

    def receipt(code: str, version: str) -> dict[str, object]:
        shutil.rmtree(site, ignore_errors=True)
        result = run(root, PYTHONPATH=install(site, code, version=version))
        assert result.code is ExitCode.FAIL, result.stdout + result.stderr
        one: dict[str, object] = result.json["receipts"][0]
        return one

    first, again = receipt(GOOD, "1.2"), receipt(GOOD, "1.2")
    assert (first["cached_from"], bool(again["cached_from"])) == ("", True)
    assert again["notes"] == first["notes"]
    assert receipt(GOOD, "1.3")["cached_from"] == ""
    assert receipt(GOOD + "# changed, and the version not\n", "1.3")["cached_from"] == ""
