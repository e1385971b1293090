"""A YAML file of ours as plain values, or an error that names the file, the line and the key.

Only what YAML and JSON share is accepted: mappings with text keys, lists, text, numbers, true, false and null. Dates
stay text, `yes` and `on` stay text, a key that stands twice is refused.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import Any, NoReturn

import msgspec
import yaml

from hardgate.errors import ConfigError
from hardgate.wording import cut, plain

MAX_BYTES = 1_000_000
_MOST = 1_000_000  # values, with those that aliases repeat: a file of that size without aliases has fewer
_LONGEST = 1000  # characters of an error message: a key may be as long as the file
_YAML = "tag:yaml.org,2002:"
_HALF = re.compile("[\ud800-\udfff]")
_LINE = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # the line breaks of YAML 1.1

Path = tuple[str | int, ...]


class Source:
    """The text of one file, and where each of its keys stands."""

    def __init__(self, raw: bytes, name: str) -> None:
        self.name = name
        self.root: yaml.Node | None = None
        if len(raw) > MAX_BYTES:
            self.refuse((), f"the file has {len(raw)} bytes; at most {MAX_BYTES} are read")
        try:
            self.text = raw.decode("utf-8-sig")
            self.root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except UnicodeDecodeError as error:
            self.refuse((), f"the file is not UTF-8 text (byte {error.start})")
        except RecursionError:
            self.refuse((), "the file is nested too deeply")
        except yaml.YAMLError as error:
            hint = "Nothing was run. Mend the line; indent with spaces, two per level."
            raise ConfigError(plain(f"{name}: {self._malformed(error)}"), hint=hint) from error

    def _malformed(self, error: yaml.YAMLError) -> str:
        """What PyYAML says, with the line, for which its reader and its parser have different words."""
        if isinstance(error, yaml.reader.ReaderError):
            line = len(_LINE.findall(self.text[: error.position])) + 1
            code = f"U+{ord(self.text[error.position]):04X}"
            return f"line {line}: this is not YAML: the character {code} may not stand in it"
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
            problem = " ".join(filter(None, (error.context, error.problem)))
            return f"line {error.problem_mark.line + 1}: this is not YAML: {problem}"
        return f"this is not YAML: {error}"

    def refuse(self, path: Path, message: str) -> NoReturn:
        """Raise the ConfigError that names the line and the key at `path`."""
        key = _dotted(path)
        where = f"line {self.line(path)}: " if self.root is not None else ""
        whole = f"{self.name}: {where}{key + ': ' if key else ''}{message}"
        raise ConfigError(plain(cut(whole, _LONGEST)), hint="Nothing was run.")

    def line(self, path: Path) -> int:
        """The line of a key, or of the nearest key above it that the file has."""
        node, found = self.root, 0
        for part in path:
            if isinstance(node, yaml.MappingNode):
                pairs = [(k, v) for k, v in node.value if k.value == part]
                if not pairs:
                    break
                found, node = pairs[0][0].start_mark.line, pairs[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                found = node.start_mark.line
            else:
                break
        return found + 1

    def data(self) -> Any:
        """The file as plain values; raises ConfigError for what YAML has and JSON has not."""
        if self.root is None:
            self.refuse((), "the file is empty")
        try:
            if _size(self.root, {}) > _MOST:
                self.refuse((), f"with its aliases the file has more than {_MOST:,} values")
            return self._value(self.root, (), frozenset(), {})
        except RecursionError:
            self.refuse((), "the file is nested too deeply")

    def _value(self, node: yaml.Node, path: Path, above: frozenset[int], done: dict[int, Any]) -> Any:
        if id(node) in above:
            self.refuse(path, "this value contains itself (a cycle of YAML aliases)")
        if id(node) in done:
            return done[id(node)]
        inner = above | {id(node)}
        if isinstance(node, yaml.CollectionNode) and node.tag not in {f"{_YAML}map", f"{_YAML}seq"}:
            self.refuse(path, f"the YAML tag {node.tag} is not supported here")
        if isinstance(node, yaml.MappingNode):
            value: Any = self._mapping(node, path, inner, done)
        elif isinstance(node, yaml.SequenceNode):
            value = [self._value(item, (*path, i), inner, done) for i, item in enumerate(node.value)]
        else:
            value = self._scalar(node, path)
        done[id(node)] = value
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path, above: frozenset[int], done: dict[int, Any]) -> Any:
        result: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(path, f"line {key.start_mark.line + 1} has a key that is not text")
            self._whole(path, str(key.value))
            if key.value in result:
                self.refuse(path, f"the key {key.value!r} stands twice (again in line {key.start_mark.line + 1})")
            result[key.value] = self._value(value, (*path, key.value), above, done)
        return result

    def _whole(self, path: Path, text: str) -> None:
        """Refuse an escape of half a character, such as "\\ud83d": it can stand in no file and no report."""
        if found := _HALF.search(text):
            self.refuse(path, f"\\u{ord(found[0]):04x} is half of a character")

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind, text = node.tag.removeprefix(_YAML), str(node.value)
        self._whole(path, text)
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if kind == "int" and re.fullmatch(r"[+-]?[0-9]{1,18}", text.replace("_", "")):
            return int(text.replace("_", ""))
        if kind == "float" and re.fullmatch(r"[+-]?[0-9]+\.[0-9]+", text):
            return float(text)
        if kind in {"str", "bool", "int", "float", "timestamp"}:
            return text
        return self.refuse(path, f"the YAML tag {node.tag} is not supported here")


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, where each alias stands for all that it repeats; a cycle adds nothing here."""
    if id(node) not in known:
        known[id(node)] = 0
        inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        below = inner if isinstance(node, yaml.CollectionNode) else ()
        known[id(node)] = 1 + sum(_size(one, known) for one in below)
    return known[id(node)]


def _dotted(path: Path) -> str:
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(words).lstrip(".")


def _msgspec_path(text: str) -> Path:
    """`$.stages[0].name` as ("stages", 0, "name"); it ends where msgspec does not name the key (`[...]`)."""
    found = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", text.split("[...]", maxsplit=1)[0])
    return tuple(int(number) if number else name for name, number in found)


def convert(source: Source, data: Any, kind: type[Any], at: Path) -> Any:
    """`data`, found at `at` of the file, as a value of this kind; ConfigError with line and key when it is none."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        path = (*at, *_msgspec_path(where.rstrip("`")))
        unknown = re.search(r"unknown field `(.+)`", message, re.DOTALL)
        if unknown:
            source.refuse((*path, unknown[1]), f"unknown key; known here: {_keys(kind, path[len(at) :])}")
        source.refuse(path, message[0].lower() + message[1:])


def _keys(kind: type[Any], path: Path) -> str:
    """The keys that may stand at `path` of `kind`, for the error message."""
    info: Any = msgspec.inspect.type_info(kind)
    for part in path:
        if isinstance(info, msgspec.inspect.StructType) and isinstance(part, str):
            info = next((field.type for field in info.fields if field.encode_name == part), None)
        elif isinstance(info, msgspec.inspect.CollectionType | msgspec.inspect.VarTupleType):
            info = info.item_type
    fields = info.fields if isinstance(info, msgspec.inspect.StructType) else ()
    return ", ".join(field.encode_name for field in fields)


def known(source: Source, path: Path, word: str, words: Collection[str], what: str) -> None:
    """Refuse a word that is none of those known."""
    if word not in words:
        source.refuse(path, f"unknown {what} {word!r}; known: {', '.join(sorted(words))}")


def inside(source: Source, at: Path, path: str) -> str:
    """`path` without needless parts, so that it compares with the paths of a tree; refuses one that leads out of it."""
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        source.refuse(at, f"{path!r} leads out of the scanned tree")
    return posixpath.normpath(path)
