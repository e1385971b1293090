"""Rules of other tools that stand for one of the bundled rules: the same weakness, told by how the code looks.

Bandit's numbers (https://bandit.readthedocs.io/en/latest/plugins/) are Ruff's too. Only such rules are listed as are
wrong just when nothing harmful reaches the place.
"""

from __future__ import annotations

_NUMBERS = {
    "102": "python-code-injection",  # exec
    "307": "python-code-injection",  # eval
    "301": "python-unsafe-deserialisation",  # pickle
    "302": "python-unsafe-deserialisation",  # marshal
    "308": "python-cross-site-scripting",  # mark_safe
    "703": "python-cross-site-scripting",
    "704": "python-cross-site-scripting",  # Markup
    "602": "python-command-injection",  # shell=True
    "603": "python-command-injection",  # a process without a shell
    "604": "python-command-injection",
    "605": "python-command-injection",  # os.system and its kin
    "606": "python-command-injection",
    "608": "python-sql-injection",  # a statement put together
    "610": "python-sql-injection",  # extra()
    "611": "python-sql-injection",  # RawSQL
}
_OURS = frozenset({"semgrep", "dataflow"})


def is_bundled(scanner: str, rule: str) -> bool:
    """Whether it is a bundled rule for Python, which semgrep and dataflow report under one name."""
    return scanner in _OURS and rule.startswith("python-")


def bundled(scanner: str, rule: str) -> str:
    """The bundled rule that this rule stands for; "" for none."""
    if is_bundled(scanner, rule):
        return rule
    return _NUMBERS.get(rule[1:], "") if scanner in {"bandit", "ruff"} and rule[:1] in {"B", "S"} else ""
