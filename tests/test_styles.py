"""Black and Flake8 as the hooks start them: the repository's settings as words, their output as complaints."""

from __future__ import annotations

import pytest

from hardgate.errors import ConfigError, ReportError
from hardgate.styles import BLACK, FLAKE8, black_options, flake8_options, left_out

DIFF = b"""\
--- a.py\t2026-11-22 19:25:31.506301+00:00
+++ a.py\t2026-11-22 19:25:31.778039+00:00
@@ -7 +7 @@
-x  =  1
+x = 1
--- b c.py\t2026-11-22 19:25:31.506301+00:00
+++ b c.py\t2026-11-22 19:25:31.778039+00:00
@@ -1,3 +1,3 @@
--- no header\t of a file
+++ no header\t of another
"""


def test_the_settings_of_black() -> None:
    table = """
[tool.black]
line-length = 100
target_version = ["py311", "py312"]
skip-string-normalization = true
preview = false
extend-exclude = '''
^/gen/  # made by a program
'''
"""
    options = black_options(table.encode())
    assert options.words == (
        "--skip-string-normalization", "--line-length=100", "--target-version=py311", "--target-version=py312",
    )  # fmt: skip
    assert [left_out(options, path) for path in ("gen/a.py", "src/gen/a.py")] == [True, False]
    assert black_options(None).words == black_options(b"[project]\n").words == ()


@pytest.mark.parametrize(
    "text",
    [
        "[tool.black",
        "[tool]\nblack = 1",
        "[tool.black]\nlenght = 1",
        "[tool.black]\nexclude = '('",
        "[tool.black]\ntarget-version = 311",
        "\xff",
    ],
)
def test_settings_of_black_that_are_not_understood_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        black_options(text.encode("latin-1"))


def test_the_settings_of_flake8_and_no_code_of_the_repository() -> None:
    text = """
[flake8]
max_line_length = 100
ignore = E203, W503,  # black
    E999
per-file-ignores =
    tests/*: S101
    __init__.py: F401
exclude = build,docs/conf.py
[flake8:local-plugins]
extension = X = evil:run
"""
    options = flake8_options({"setup.cfg": b"[metadata]\nname = x\n", "tox.ini": text.encode(), ".flake8": b"junk"})
    assert options.words == (
        "--max-line-length=100", "--ignore=E203,W503", "--per-file-ignores=tests/*: S101 __init__.py: F401",
    )  # fmt: skip
    paths = ("build/a.py", "src/build/a.py", "docs/conf.py", "docs/other.py")
    assert [left_out(options, path) for path in paths] == [True, True, True, False]
    assert flake8_options({"setup.cfg": b"[flake8:local-plugins]\nx = y\n", ".flake8": text.encode()}).words == ()
    with pytest.raises(ConfigError, match=r"\.flake8 could not be read"):
        flake8_options({".flake8": b"junk"})


def test_a_diff_of_black_is_one_complaint_a_file() -> None:
    found = BLACK.parse(DIFF).findings
    assert [(one.location.path, one.location.line) for one in found] == [("a.py", 7), ("b c.py", 1)]


def test_complaints_of_flake8() -> None:
    found = FLAKE8.parse(b"./a.py:1:2: E203 whitespace before ':'\nb c.py:9:1: C901 'f' is too complex (12)\n").findings
    assert [(one.rule, one.location.path, one.location.line) for one in found] == [
        ("E203", "a.py", 1),
        ("C901", "b c.py", 9),
    ]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"Traceback (most recent call last):\n", DIFF[:60]])
def test_what_is_no_report_is_refused(raw: bytes) -> None:
    for tool in (BLACK, FLAKE8):
        with pytest.raises(ReportError):
            tool.parse(raw)


def test_a_file_that_black_could_not_read_is_a_gap_whatever_the_words() -> None:
    said = (
        b"would reformat a.py\nerror: cannot format b.py: Cannot parse: 1:4: def (:\n\n1 file would fail to reformat.\n"
    )
    assert [gap.message for gap in BLACK.complaints(said)] == ["Black could not read: b.py: Cannot parse: 1:4: def (:"]
    assert len(BLACK.complaints(b"oh: b.py\n1 file would fail to reformat.\n")) == 1
    assert not BLACK.complaints(b"would reformat a.py\n1 file would be reformatted.\n")
