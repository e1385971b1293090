"""Guessable secrets, written secrets, debug mode: each sample's lines that end in HIT are found, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardgate.dataflow.analysis import analyse
from hardgate.dataflow.families import checks, naming, written
from hardgate.dataflow.frame import Analysis
from hardgate.dataflow.project import parse

_SAMPLES = Path(__file__).parent / "named"
_OURS = re.compile(r"python-(insecure-random|hardcoded-.*|debug-mode|django-debug)")
_HIT = re.compile(r"# HIT ([\w -]+)$")


def _sections() -> Iterator[tuple[str, str]]:
    for path in sorted(_SAMPLES.glob("*.txt")):
        for part in re.split(r"(?m)^### ", path.read_text())[1:]:
            title, _, source = part.partition("\n")
            yield f"{path.stem}: {title}", source


def _analysed(source: str, path: str = "app.py") -> Analysis:
    return analyse([parse(path, source.encode())], checks())


def _rules(source: str, path: str = "app.py") -> set[str]:
    return {one.rule for one in _analysed(source, path).found.values() if _OURS.fullmatch(one.rule)}


@pytest.mark.parametrize(("title", "source"), list(_sections()), ids=[one for one, _ in _sections()])
def test_a_sample_has_the_findings_that_it_says(title: str, source: str) -> None:
    lines = source.split("\n")
    found = {
        (one.line, one.rule.removeprefix("python-"), lines[one.line - 1].strip())
        for one in _analysed(source).found.values()
        if _OURS.fullmatch(one.rule)
    }
    wanted = {
        (number, rule, line.strip())
        for number, line in enumerate(lines, 1)
        if (match := _HIT.search(line))
        for rule in match[1].split()
    }
    assert found == wanted, title


def test_no_message_holds_the_secret() -> None:
    source = (_SAMPLES / "credentials.txt").read_text().partition("\n")[2].partition("\n### ")[0]
    lines = source.split("\n")
    found = [one for one in _analysed(source).found.values() if "hardcoded" in one.rule]
    assert len(found) > 40
    for one in found:
        for text in re.findall(r'"([^"\s]{8,})"', lines[one.line - 1]):
            if re.search(r"\d", text):
                assert text not in one.message


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        ("sk_" + "live_", "4eC39HqLyjWDarjtT1zdp7dc"),
        ("AK" + "IA", "QWERTYUIOPASDFGH"),
        ("xo" + "xb-", "1234567890-abcdef"),
    ],
)
def test_the_token_of_a_known_service_needs_no_name(start: str, rest: str) -> None:
    assert _rules(f"configure('{start}{rest}')\n") == {"python-hardcoded-token"}


def test_a_private_key_needs_no_name() -> None:
    kind = "PRIVATE " + "KEY"
    source = f'x = """-----BEGIN {kind}-----\nMIIEpAIBAAKCAQEA1234567890abcdef\n-----END {kind}-----"""\n'
    assert _rules(source) == {"python-hardcoded-cipher-key"}


def test_a_function_of_ones_own_is_no_response() -> None:
    ours = parse("locking.py", b"def write(environ):\n    return sorted(environ)\n")
    user = parse("app.py", b"import os\nimport locking\nlocking.write(os.environ)\nresponse.write(os.environ)\n")
    found = [(one.path, one.line) for one in analyse([ours, user], checks()).found.values()]
    assert found == [("app.py", 4)]


@pytest.mark.parametrize("path", ["tests/test_app.py", "test_app.py", "conftest.py", "shop/tests/helpers.py"])
def test_secrets_of_tests_are_left_out(path: str) -> None:
    assert _rules('DB_PASSWORD = "Tansy*Rook*33"\n', path) == set()


def test_a_value_that_is_replaced_before_it_is_read_is_none() -> None:
    assert _rules('import os\npassword = "to-be-set-1"\npassword = os.environ["P"]\n') == set()
    assert _rules('import os\npassword = "Tansy-33"\nprint(password)\npassword = os.environ["P"]\n') != set()


@pytest.mark.parametrize("name", ["reset_token", "apiKey", "SESSION-ID", "otp", "login_code", "oauth_state"])
def test_names_that_say_secret(name: str) -> None:
    assert naming.is_secret(name)


@pytest.mark.parametrize(
    "name", ["token_expires_at", "max_tokens", "sort_key", "status_code", "random_state", "user_id"]
)
def test_names_that_do_not(name: str) -> None:
    assert not naming.is_secret(name)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("postgresql://app:Fennel77@10.3.0.12/app", True),
        ("amqp://guest:guest@localhost:5672//", False),
        ("redis://cache.example:6379/3", False),
        ("https://user:password@example.com/", False),
        ("host=db user=app password=Tr0ub4dor", True),
        ("postgresql://app:\0@db/app", False),
    ],
)
def test_addresses_with_a_password(text: str, holds: bool) -> None:
    assert written.holds_login(text) is holds
