"""Gates of the bundled rules: words without which a rule has nothing to look for in a file.

The engines try a `pattern-regex` that a rule must match before they parse a file, and leave the rule out where it does
not match. They try it for each rule and each file, with PCRE without its compiler, so that its form decides what the
pack costs: `.*?word` takes some 40 ns for each character of a file, what is made here 2 to 5. It skips to a letter that
seldom occurs and is part of a word, looks around it, and goes on; the possessive groups leave it no way back.

A rule, or a list of `patterns`, names its gate as `gate: {words: [...], imports: [...], anycase: true}`. A file passes
with one of the words or with an import of one of the modules.

- A word is plain text, or text between backticks with a regular expression before or after it: (?<!\\.)`eval(`. What
  stands before must have a fixed length.
- A module counts where its name, from the top on, stands in a line that begins with `import` or `from`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

# The characters of Python code, from the most frequent to the least, as counted in Django, Flask, FastAPI and Werkzeug.
_FREQUENT = " etasonri\nldpcuf_.hm\":,gy()b='vw][xNkTA-IRSE/PO>qDC#F*0MULj|}{1HWz2GBV34<@KJ5\\Y+!8~;697Q%?X&$Z^"
_WORD = re.compile(r"(?P<before>[^`]*)`(?P<text>[^`]+)`(?P<after>.*)")
# Semgrep sorts what a file must have: plain words go before regular expressions, and to look for one takes it 12 ns for
# each character. A choice with an expression in it stays behind the gate. This one is tried once, and matches nothing.
_NEVER = {"pattern-regex": r"\A(?!)"}
_IMPORTED = r"[ \t]*+(?:from|import)\b"


def regex(gate: Mapping[str, Any]) -> str:
    """The `pattern-regex` of a gate: it matches the whole of a file that passes, and nothing in any other.

    Raises ValueError for a gate that has other keys, or neither words nor modules.
    """
    unknown = gate.keys() - {"words", "imports", "anycase"}
    ways = [_words(gate["words"])] if gate.get("words") else []
    ways += [_imports(gate["imports"])] if gate.get("imports") else []
    if unknown or not ways:
        raise ValueError(f"a gate needs words or imports, and may say anycase: {dict(gate)}")
    return f"(?{'i' if gate.get('anycase') else ''}s)\\A(?:{'|'.join(ways)}).*+"


def _words(words: Sequence[str]) -> str:
    parts = [_split(word) for word in words]
    keys = _keys([text for _, text, _ in parts])
    around: dict[str, list[str]] = {key: [] for key in keys}
    for before, text, after in parts:
        key = next(one for one in keys if one in text)
        at = text.index(key) + 1
        around[key].append(f"(?<={before}{re.escape(text[:at])}){re.escape(text[at:])}{after}")
    some = "".join(re.escape(key) for key in keys)
    passed = "|".join(f"{re.escape(key)}(?!{'|'.join(seen)})" for key, seen in around.items())
    return f"(?:[^{some}]++|{passed})*+[{some}]"


def _split(word: str) -> tuple[str, str, str]:
    match = _WORD.fullmatch(word)
    return (match["before"], match["text"], match["after"]) if match else ("", word, "")


def _keys(texts: Sequence[str]) -> list[str]:
    """Characters of which each text has one: always the one that is in most of the rest for how often it occurs."""
    keys: list[str] = []
    rest = set(texts)
    while rest:
        least = {one: sum(one in text for text in rest) / _share(one) for one in sorted(set("".join(rest)))}
        keys.append(max(least, key=lambda one: least[one]))
        rest = {text for text in rest if keys[-1] not in text}
    return keys


def _share(character: str) -> float:
    """How often a character occurs, in no unit: each is rarer than the one before by about a thirteenth."""
    place = _FREQUENT.find(character)
    return math.exp(-(place if place >= 0 else len(_FREQUENT)) / 13)


def _imports(modules: Sequence[str]) -> str:
    named = rf"{_IMPORTED}[^\n]*(?<![.\w])(?:{'|'.join(modules)})\b"
    return rf"(?:(?!{named})[^\n]*+\n)*+{named}"


def opened(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with its gates in the words of Semgrep; a rule without any as it is.

    A gate of the rule itself goes before all else that it must match. In a taint rule that is its sources, which the
    engines try first; where these have a gate already, which several rules share, it is what each sink must match.
    """
    plain = {key: _opened(value) for key, value in rule.items() if key != "gate"}
    if "gate" not in rule:
        return plain
    gate = {"pattern-regex": regex(rule["gate"])}
    if "pattern-sinks" in plain:
        return {**plain, **_tainted(gate, plain)}
    key = next(name for name in ("patterns", "pattern-either", "pattern") if name in plain)
    formula = plain.pop(key)
    return {**plain, "patterns": _behind([gate], formula if key == "patterns" else [{key: formula}])}


def _tainted(gate: Mapping[str, str], rule: Mapping[str, Any]) -> dict[str, Any]:
    sources, sinks = rule["pattern-sources"], rule["pattern-sinks"]
    if any(_NEVER in source.get("patterns", [{}])[-1].get("pattern-either", ()) for source in sources):
        return {"pattern-sinks": [{**sink, "patterns": _behind([gate], sink["patterns"])} for sink in sinks]}
    plain = [source for source in sources if source.keys() <= {"pattern", "patterns", "pattern-either"}]
    others = [source for source in sources if source not in plain]
    gated = [{**source, "patterns": _behind([gate], source["patterns"])} for source in others]
    return {
        "pattern-sources": [{"patterns": [gate, {"pattern-either": [*plain, _NEVER]}]}, *gated],
        "pattern-sinks": [*sinks, _NEVER],
    }


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _opened(one) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    gates = [{"pattern-regex": regex(one["gate"])} for one in value if isinstance(one, dict) and "gate" in one]
    others = [_opened(one) for one in value if not (isinstance(one, dict) and "gate" in one)]
    return _behind(gates, others) if gates else others


def _behind(gates: Sequence[Any], formula: Sequence[Any]) -> list[Any]:
    return [*gates, {"pattern-either": [{"patterns": list(formula)}, _NEVER]}]
