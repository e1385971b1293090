"""The gates of the bundled rules: a file passes with one of the words or one of the modules, and no other file does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.pages import families, generate

GATES = generate().rule_gates
WORDS = {"words": ["shutil", ".save(", r"(?<!\.)`eval(`", r"`debug`\s*=\s*True"]}
MODULES = {"imports": ["pickle", r"urllib\.request"]}


@pytest.mark.parametrize(
    ("gate", "text", "passes"),
    [
        (WORDS, "import os\nshutil.move(a, b)\n", True),
        (WORDS, "shutil", True),
        (WORDS, "x.save (y)\ns.h.u.t.i.l\n", False),
        (WORDS, "x.save(y)", True),
        (WORDS, "model.eval(x)", False),
        (WORDS, "model.eval(x)\nreturn eval(x)", True),
        (WORDS, "run(debug = True)", True),
        (WORDS, "run(Debug = True)", False),
        ({**WORDS, "anycase": True}, "run(Debug = True)", True),
        (WORDS, "", False),
        (MODULES, "import os, pickle\n", True),
        (MODULES, "x = 1\nif x:\n    from pickle import loads\n", True),
        (MODULES, "import pickle", True),
        (MODULES, "import pickles\nfrom app.pickle import x\npickle = 1\n", False),
        (MODULES, "import urllib.request as u\n", True),
        (MODULES, "# from pickle import loads\n", False),
        ({**WORDS, **MODULES}, "import pickle\n", True),
        ({**WORDS, **MODULES}, "import os\n", False),
    ],
)
def test_a_gate_matches_the_whole_file_or_nothing(gate: Mapping[str, Any], text: str, passes: bool) -> None:
    match = re.search(GATES.regex(gate), text)
    assert (match is not None) is passes
    assert match is None or match.span() == (0, len(text))


@pytest.mark.parametrize("gate", [{}, {"words": []}, {"words": ["a"], "module": ["b"]}])
def test_a_gate_that_says_nothing_or_something_else_is_refused(gate: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="a gate needs words or imports"):
        GATES.regex(gate)


def test_a_rule_without_a_gate_stays_as_it_is() -> None:
    rule = {"id": "plain", "pattern-either": [{"pattern": "f(...)"}, {"patterns": [{"pattern": "g(...)"}]}]}
    assert GATES.opened(rule) == rule


def test_a_gate_stands_before_what_the_rule_must_match() -> None:
    opened = GATES.opened({"id": "gated", "gate": MODULES, "pattern": "f(...)"})
    first, second = opened["patterns"]
    assert opened.keys() == {"id", "patterns"}
    assert first == {"pattern-regex": GATES.regex(MODULES)}
    assert second["pattern-either"][0] == {"patterns": [{"pattern": "f(...)"}]}


def test_no_gate_reaches_the_engines_unread() -> None:
    assert all(
        '"gate"' not in str(rule) and "'gate'" not in str(rule) for members in RULES.values() for rule in members
    )


RULES = families()
