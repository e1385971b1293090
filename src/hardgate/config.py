"""hardgate.yaml: bytes in, a Pipeline out, or an error that names the file, the line and the key.

Only what YAML and JSON share is accepted: mappings with text keys, lists, text, numbers, true, false and null. Dates
stay text, `yes` and `on` stay text, a key that stands twice is refused. `schema` is made of the `_File` struct below.
"""

from __future__ import annotations

import datetime
import hashlib
import posixpath
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, NoReturn

import msgspec
import yaml

from hardgate.errors import ConfigError
from hardgate.model import Action, Kind, Pipeline, Policy, Severity, Stage, Waiver
from hardgate.wording import cut, plain

MAX_BYTES = 1_000_000
NEVER = "never"
_LONGEST = 1000  # characters of an error message: a key may be as long as the file
_YAML = "tag:yaml.org,2002:"
_LINE = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # the line breaks of YAML 1.1
# `$` alone would also match before a line break at the end.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$(?!\n)")]
Text = Annotated[str, msgspec.Meta(min_length=1)]

# Days, with or without their letter: 7, 1.5, 30d.
_Days = Annotated[float, msgspec.Meta(ge=0)] | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}(\.[0-9]+)?d$(?!\n)")]


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that every action takes beside those of its scanner."""

    name: Name | None = None
    paths: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()
    args: tuple[str, ...] = ()
    timeout: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 600.0
    blocking: bool = True
    version: str = ""
    honour_config: bool = False
    severity: dict[str, Severity] = {}


class _Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    actions: Annotated[list[str | dict[str, Any]], msgspec.Meta(min_length=1)]


class _Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Text
    owner: Text
    until: Text
    id: str = ""
    rule: str = ""
    path: str = ""
    ticket: str = ""


class _Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    block_at: str | dict[str, str] = "high"
    required: tuple[Text, ...] = ()
    exempt: dict[str, Text] = {}
    waivers: tuple[_Waiver, ...] = ()
    block_confidence: Literal["low", "medium", "high"] = "low"
    block_refuted: bool = False
    max_advisory_age: _Days = 7.0
    honour_inline_suppressions: bool = False
    tools_from_path: bool = False


class _Advisories(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    osv_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s]+)?$(?!\n)")] = ""


class _Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    file_size: Annotated[int, msgspec.Meta(gt=0)] = 50_000_000


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pipeline: Name
    stages: Annotated[list[_Stage], msgspec.Meta(min_length=1)]
    policy: _Policy = _Policy()
    exclude: tuple[Text, ...] = ()
    reports: dict[str, Text] = {}
    advisories: _Advisories = _Advisories()
    limits: _Limits = _Limits()


Path = tuple[str | int, ...]


class _Source:
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
            if key.value in result:
                self.refuse(path, f"the key {key.value!r} stands twice (again in line {key.start_mark.line + 1})")
            result[key.value] = self._value(value, (*path, key.value), above, done)
        return result

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind, text = node.tag.removeprefix(_YAML), str(node.value)
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


def _dotted(path: Path) -> str:
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(words).lstrip(".")


def _msgspec_path(text: str) -> Path:
    """`$.stages[0].name` as ("stages", 0, "name"); it ends where msgspec does not name the key (`[...]`)."""
    found = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", text.split("[...]", maxsplit=1)[0])
    return tuple(int(number) if number else name for name, number in found)


def _convert(source: _Source, data: Any, kind: type[Any], at: Path) -> Any:
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


def load(
    raw: bytes,
    *,
    options: Mapping[str, type[msgspec.Struct]],
    formats: Collection[str] = (),
    subjects: Collection[str] = (),
    name: str = "hardgate.yaml",
) -> Pipeline:
    """Read hardgate.yaml.

    `options` maps each known scanner to the struct of its own keys, `formats` are the known report formats, `subjects`
    those of plan.py. Raises ConfigError for anything that is not understood; nothing is defaulted away.
    """
    source = _Source(raw, name)
    data = source.data()
    if not isinstance(data, dict):
        source.refuse((), "the file must be a mapping that begins with `pipeline: NAME`")
    file: _File = _convert(source, data, _File, ())
    stages = _stages(source, file, options)
    policy = _policy(source, file.policy, stages, subjects)
    for format_, path in file.reports.items():
        _known(source, ("reports", format_), format_, formats, "report format")
        _inside(source, ("reports", format_), path)
    return Pipeline(
        name=file.pipeline,
        stages=stages,
        policy=policy,
        digest=hashlib.sha256(raw).hexdigest(),
        definition=source.text,
        exclude=file.exclude,
        reports=file.reports,
        osv_url=file.advisories.osv_url,
        max_file_size=file.limits.file_size,
    )


def _known(source: _Source, path: Path, word: str, words: Collection[str], what: str) -> None:
    if word not in words:
        source.refuse(path, f"unknown {what} {word!r}; known: {', '.join(sorted(words))}")


def _inside(source: _Source, at: Path, path: str) -> str:
    """`path` without needless parts, so that it compares with the paths of a tree."""
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        source.refuse(at, f"{path!r} leads out of the scanned tree")
    return posixpath.normpath(path)


def _stages(source: _Source, file: _File, options: Mapping[str, type[msgspec.Struct]]) -> tuple[Stage, ...]:
    stages, names, actions = [], set[str](), set[str]()
    for i, stage in enumerate(file.stages):
        if stage.name in names:
            source.refuse(("stages", i, "name"), f"there are two stages named {stage.name!r}")
        names.add(stage.name)
        read = []
        for j, item in enumerate(stage.actions):
            at: Path = ("stages", i, "actions", j)
            action = _action(source, item, at, options)
            if action.name in actions:
                source.refuse(at, f"there are two actions named {action.name!r}; give one a `name:` of its own")
            actions.add(action.name)
            read.append(action)
        stages.append(Stage(name=stage.name, actions=tuple(read)))
    return tuple(stages)


def _action(source: _Source, item: str | dict[str, Any], at: Path, options: Mapping[str, Any]) -> Action:
    if isinstance(item, str):
        item = {item: {}}
    if len(item) != 1:
        source.refuse(at, "an action is a scanner's name, or one such name with its keys below it")
    scanner, keys = next(iter(item.items()))
    _known(source, (*at, scanner), scanner, options, "scanner")
    keys = {} if keys is None else keys
    if not isinstance(keys, dict):
        source.refuse((*at, scanner), "the keys of a scanner must be a mapping")
    ours = set(_Common.__struct_fields__)
    theirs = set(options[scanner].__struct_fields__)
    for key in keys:
        _known(source, (*at, scanner, key), key, ours | theirs, "key")
    common: _Common = _convert(source, {k: v for k, v in keys.items() if k in ours}, _Common, (*at, scanner))
    own = _convert(source, {k: v for k, v in keys.items() if k not in ours}, options[scanner], (*at, scanner))
    paths = tuple(_inside(source, (*at, scanner, "paths", i), path) for i, path in enumerate(common.paths))
    same = {key: getattr(common, key) for key in _Common.__struct_fields__ if key not in {"name", "paths"}}
    return Action(name=common.name or scanner, scanner=scanner, paths=paths, options=own, **same)


def _policy(source: _Source, policy: _Policy, stages: tuple[Stage, ...], subjects: Collection[str]) -> Policy:
    words = {word for stage in stages for action in stage.actions for word in (action.name, action.scanner)}
    for i, name in enumerate(policy.required):
        if name not in words:
            source.refuse(("policy", "required", i), f"no action of this pipeline is or runs {name!r}")
    for subject in policy.exempt:
        _known(source, ("policy", "exempt", subject), subject, subjects, "subject")
    read: dict[str, Any] = msgspec.structs.asdict(policy)
    read["max_advisory_age"] = float(str(policy.max_advisory_age).removesuffix("d"))
    read["block_at"] = _thresholds(source, policy.block_at)
    read["waivers"] = tuple(_waiver(source, i, waiver) for i, waiver in enumerate(policy.waivers))
    return Policy(**read)


def _thresholds(source: _Source, given: str | dict[str, str]) -> dict[Kind, Severity | None]:
    """One threshold per kind. Secrets block at any severity, and critical dependencies always: see gate.py."""
    table = {"default": given} if isinstance(given, str) else given
    for key, word in table.items():
        at: Path = ("policy", "block_at") if isinstance(given, str) else ("policy", "block_at", key)
        _known(source, at, key, {"default", *Kind}, "kind of finding")
        _known(source, at, word, {NEVER, *Severity}, "severity")
        if key == Kind.SECRET and word != Severity.INFO:
            source.refuse(at, "secrets block at any severity; waive single ones under policy.waivers")
        if key == Kind.DEPENDENCY and word == NEVER:
            source.refuse(at, "critical dependencies always block; waive single ones under policy.waivers")
    default = table.get("default", Severity.HIGH)
    usual = {kind: table.get(kind, default) for kind in Kind}
    usual[Kind.SECRET] = Severity.INFO
    if usual[Kind.DEPENDENCY] == NEVER:
        usual[Kind.DEPENDENCY] = Severity.CRITICAL
    return {kind: None if word == NEVER else Severity(word) for kind, word in usual.items()}


def _waiver(source: _Source, i: int, waiver: _Waiver) -> Waiver:
    at: Path = ("policy", "waivers", i)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", waiver.until):
        source.refuse((*at, "until"), f"{waiver.until!r} is not a date; write it as 2026-12-31")
    try:
        datetime.date.fromisoformat(waiver.until)
    except ValueError as error:
        source.refuse((*at, "until"), f"{waiver.until!r} is not a date: {error}")
    if not waiver.id and not (waiver.rule and waiver.path):
        source.refuse(at, "a waiver names an `id`, or a `rule` and a `path`")
    return Waiver(**{field: getattr(waiver, field) for field in _Waiver.__struct_fields__})


def schema(options: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of hardgate.yaml for editors; `options` as for `load`."""
    whole = msgspec.json.schema(_File)
    components = whole.setdefault("$defs", {})
    common = msgspec.json.schema(_Common)
    shared = common["$defs"][_Common.__name__]["properties"]
    components |= {name: part for name, part in common["$defs"].items() if name != _Common.__name__}
    bodies = {}
    for scanner, struct in options.items():
        own = msgspec.json.schema(struct)
        components |= {name: part for name, part in own["$defs"].items() if name != struct.__name__}
        fields = own["$defs"][struct.__name__]["properties"]
        bodies[scanner] = {"type": ["object", "null"], "properties": shared | fields, "additionalProperties": False}
    action = {
        "anyOf": [
            {"enum": sorted(options)},
            {
                "type": "object",
                "properties": bodies,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }
    components["_Stage"]["properties"]["actions"]["items"] = action
    threshold = {"enum": [NEVER, *Severity]}
    kinds: dict[str, dict[str, Any]] = dict.fromkeys(("default", *Kind), threshold)
    kinds |= {Kind.SECRET: {"const": Severity.INFO}, Kind.DEPENDENCY: {"enum": list(Severity)}}
    by_kind = {"type": "object", "properties": kinds, "additionalProperties": False}
    components["_Policy"]["properties"]["block_at"] = {"anyOf": [threshold, by_kind], "default": "high"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "hardgate.yaml", **whole}
