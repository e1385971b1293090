"""Requirements files as pip reads them: what is pinned, and what no tool can judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import pins
from hardgate.model import GapReason


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("requirements.txt", True),
        ("api/requirements-dev.txt", True),
        ("dev-requirements.txt", True),
        ("requirements/base.txt", True),
        ("Requirements.TXT", True),
        ("constraints.txt", False),
        ("requirements/constraints.txt", False),
        ("requirements.in", False),
        ("docs/notes.txt", False),
    ],
)
def test_requirements_files_by_name(path: str, expected: bool) -> None:
    assert pins.is_requirements(path) is expected


def read(text: str) -> list[tuple[str, str, int]]:
    return [(pin.name, pin.version, pin.line) for pin in pins.read(text.encode()).pins]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flask==1.0\n", [("flask", "1.0", 1)]),
        ("# a comment\n\nFlask [async] == 1.0  # why\n", [("Flask", "1.0", 3)]),
        ("a===1.0; python_version < '3'\n", [("a", "1.0", 1)]),
        ("a==1.0 --hash=sha256:aa \\\n  --hash=sha256:bb\nb==2\n", [("a", "1.0", 1), ("b", "2", 3)]),
        ("a==1.0,>=0.9\n", [("a", "1.0", 1)]),
        ("\ufeffa==1.0\n", [("a", "1.0", 1)]),
        ("a==1.0\r\nb==2.0", [("a", "1.0", 1), ("b", "2.0", 2)]),
        ("--index-url https://pypi.example\n-f ./wheels\n--require-hashes\n", []),
        ("-c constraints.txt\n", []),
    ],
)
def test_pins(text: str, expected: list[tuple[str, str, int]]) -> None:
    found = pins.read(text.encode())
    assert read(text) == expected
    assert found.unjudged == ()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("flask", "not pinned"),
        ("flask>=1", "not pinned"),
        ("flask==1.*", "not pinned"),
        ("flask==not-a-version", "no requirement"),
        ("flask @ https://files.example/flask.whl", "names no release"),
        ("https://files.example/flask.whl", "an address or a path"),
        ("git+https://git.example/flask", "an address or a path"),
        ("./vendored/flask", "an address or a path"),
        ("-e .", "names no release"),
        ("--editable=./src", "names no release"),
        ("${PACKAGE}==1.0", "environment variable"),
        ("--some-new-option x", "names no release"),
        ('-r "unclosed', "cannot be read"),
    ],
)
def test_lines_that_cannot_be_judged_are_gaps_with_their_line(line: str, why: str) -> None:
    prepared = pins.prepare("api/requirements.txt", f"a==1\n{line}\n".encode(), ())
    assert prepared.content == b"a==1\n"
    (gap,) = prepared.gaps
    assert gap.reason is GapReason.NOT_COVERED
    assert gap.path == "api/requirements.txt"
    assert "line 2" in gap.message
    assert why in gap.message


@pytest.mark.parametrize("line", ["-r base.txt", "-rbase.txt", "--requirement base.txt", "--requirement=./base.txt"])
def test_an_include_is_a_gap_unless_it_is_in_scope(line: str) -> None:
    content = f"a==1\n{line}\n".encode()
    assert pins.prepare("api/requirements.txt", content, {"api/base.txt"}).gaps == ()
    (gap,) = pins.prepare("api/requirements.txt", content, {"base.txt"}).gaps
    assert "line 2" in gap.message
    assert "base.txt" in gap.message


def test_two_versions_of_a_package_are_both_kept() -> None:
    text = b"Jinja2==2.4.1 ; python_version < '3'\njinja2==3.1.6 ; python_version >= '3'\njinja2==2.4.1\n"
    prepared = pins.prepare("requirements.txt", text, ())
    assert prepared.content == b"jinja2==2.4.1\nJinja2==3.1.6\n"
    assert prepared.gaps == ()


def test_what_is_left_keeps_its_line() -> None:
    text = b"# pinned by hand\nflask>=1\n\njinja2==2.4.1 \\\n  --hash=sha256:aa\nclick==8.1.8\n"
    assert pins.prepare("requirements.txt", text, ()).content == b"\n\n\njinja2==2.4.1\n\nclick==8.1.8\n"


def test_messages_hold_no_password_of_an_address() -> None:
    (gap,) = pins.prepare("requirements.txt", b"git+https://ada:hunter2@git.example/x.git\n", ()).gaps
    assert "hunter2" not in gap.message
    assert "git.example" in gap.message


def test_a_file_that_is_no_text_is_one_gap() -> None:
    prepared = pins.prepare("requirements.txt", b"a==1\n\xff\xfe\n", ())
    assert prepared.content == b""
    (gap,) = prepared.gaps
    assert (gap.reason, gap.path) == (GapReason.FILE_UNREAD, "requirements.txt")
    assert pins.prepare_list("requirements.txt", b"\xff", ()).gaps[0].reason is GapReason.FILE_UNREAD


def test_the_list_keeps_line_numbers_and_drops_includes() -> None:
    text = b"-r base.txt\nflask>=1\n./local\n\njinja2==2.4.1\n"
    prepared = pins.prepare_list("requirements.txt", text, {"base.txt"})
    assert prepared.content == b"\nflask>=1\n\n\njinja2==2.4.1\n"
    (gap,) = prepared.gaps
    assert "./local" in gap.message
    assert pins.prepare_list("requirements.txt", b"-r base.txt\n", {"base.txt"}) == pins.Prepared(content=b"")


@given(st.text(alphabet="abc=><~!.,;#-re[]()\\ \n\t\"'@:/$1290{}*", max_size=80))
def test_every_line_is_a_pin_a_gap_or_nothing(text: str) -> None:
    found = pins.read(text.encode())
    prepared = pins.prepare("requirements.txt", text.encode(), ())
    assert len(prepared.gaps) == len(found.unjudged) + len(found.includes)
    assert pins.read(prepared.content).unjudged == ()
    assert {pin.version for pin in pins.read(prepared.content).pins} == {pin.version for pin in found.pins}
