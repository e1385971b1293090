"""Excerpts of requests and answers: one short line, and nothing in it that may be a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate.excerpts import LONGEST, excerpt


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"message": "well", "access_token": "abc"}', '{"message": "well", "access_token": ***}'),
        ('{"Password": "it\\"s", "name": "ada"}', '{"Password": ***, "name": "ada"}'),
        ("password=hunter2&name=ada", "password=***&name=ada"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("sent with bearer abc.def", "sent with ***"),
        ("session = 'a b'; path=/", "session = ***; path=/"),
        (f"key {'ELPMAXE7NNDOFSOIAIKA'[::-1]} here", "key *** here"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl", "***"),
        ("root:x:0:0:root:/root:/bin/bash", "root:x:0:0:root:/root:/bin/bash"),
        ("<p>Hello <script>alert(1)</script></p>", "<p>Hello <script>alert(1)</script></p>"),
        ("a\n  b\tc", "a b c"),
    ],
)  # fmt: skip
def test_what_may_be_a_secret_is_hidden_and_what_proves_a_hole_is_not(text: str, shown: str) -> None:
    assert excerpt(text) == shown


@given(st.text(alphabet="abcdef0123456789+/_-.", min_size=24, max_size=80), st.text(max_size=400))
def test_no_run_that_may_be_a_key_is_shown(key: str, before: str) -> None:
    shown = excerpt(f"{before} a{key.replace('.', 'b')}z")
    assert key.replace(".", "b")[:21] not in shown
    assert len(shown) <= LONGEST


def test_a_key_is_not_halved_by_the_end_of_the_excerpt() -> None:
    assert "0123456789" not in excerpt("word " * 47 + "0123456789abcdef0123456789abcdef")
