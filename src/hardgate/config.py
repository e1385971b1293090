"""hardgate.yaml: bytes in, a Pipeline out, or an error that names the file, the line and the key.

`yamlfile` says what YAML is accepted. `schema` is made of the `_File` struct below.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

import msgspec

from hardgate import surroundings
from hardgate.exceptions import baseline
from hardgate.exceptions.waivers import WaiverKeys, waiver
from hardgate.model import Action, Kind, Pipeline, Policy, Severity, Stage
from hardgate.permits import OverridePolicy
from hardgate.stepkeys import described, meant, taken
from hardgate.surroundings import EnvironmentKeys, EnvironmentName
from hardgate.yamlfile import Path, Source, convert, inside, known

NEVER = "never"
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


class _Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    block_at: str | dict[str, str] = "high"
    required: tuple[Text, ...] = ()
    exempt: dict[str, Text] = {}
    waivers: tuple[WaiverKeys, ...] = ()
    block_confidence: Literal["low", "medium", "high"] = "low"
    block_refuted: bool = False
    block_confirmed: Severity | None = None
    block_not_imported: Severity | None = None
    max_advisory_age: _Days = 7.0
    honour_inline_suppressions: bool = False
    tools_from_path: bool = False
    overrides: OverridePolicy = OverridePolicy()
    max_waiver_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 90
    max_waiver_matches: Annotated[int, msgspec.Meta(ge=1)] = 50
    unused_waivers: Literal["error", "warning"] = "warning"
    broad_waivers: Literal["error", "warning"] = "error"
    baseline_days: dict[Severity, Annotated[int, msgspec.Meta(ge=0, le=366)]] = {}
    grace: dict[Literal["preexisting", "disclosed"], Annotated[int, msgspec.Meta(ge=0, le=366)]] = {}
    urgent_epss: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


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
    environment: dict[EnvironmentName, EnvironmentKeys] = {}


def load(
    raw: bytes,
    *,
    options: Mapping[str, type[msgspec.Struct]],
    formats: Collection[str] = (),
    subjects: Collection[str] = (),
    name: str = "hardgate.yaml",
) -> Pipeline:
    """Read hardgate.yaml.

    `options` maps each known scanner and step to the struct of its own keys, `formats` are the known report formats,
    `subjects` those of plan.py. Raises ConfigError for anything that is not understood; nothing is defaulted away.
    """
    source = Source(raw, name)
    data = source.data()
    if not isinstance(data, dict):
        source.refuse((), "the file must be a mapping that begins with `pipeline: NAME`")
    environments = surroundings.read(source, data.get("environment") or {})
    file: _File = convert(source, data, _File, ())
    stages = _stages(source, file, options)
    _surrounded(source, stages, environments)
    policy = _policy(source, file.policy, stages, subjects)
    for format_, path in file.reports.items():
        known(source, ("reports", format_), format_, formats, "report format")
        inside(source, ("reports", format_), path)
    return Pipeline(
        name=file.pipeline,
        stages=stages,
        policy=policy,
        digest=hashlib.sha256(raw).hexdigest(),
        definition=source.text,
        environments=environments,
        exclude=file.exclude,
        reports=file.reports,
        osv_url=file.advisories.osv_url,
        max_file_size=file.limits.file_size,
    )


def _stages(source: Source, file: _File, options: Mapping[str, type[msgspec.Struct]]) -> tuple[Stage, ...]:
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


def _action(source: Source, item: str | dict[str, Any], at: Path, options: Mapping[str, Any]) -> Action:
    if isinstance(item, str):
        item = {item: {}}
    if len(item) != 1:
        source.refuse(at, "an action is the name of a scanner or step, or one such name with its keys below it")
    scanner, keys = next(iter(item.items()))
    known(source, (*at, scanner), scanner, options, "scanner or step")
    keys = {} if keys is None else keys
    if not isinstance(keys, dict):
        source.refuse((*at, scanner), "the keys of a scanner or step must be a mapping")
    struct = meant(options[scanner], keys)
    ours = set(_Common.__struct_fields__)
    theirs = set(struct.__struct_fields__)
    obeyed = taken(struct) or ours
    for key in keys:
        if key in ours - obeyed - theirs:
            source.refuse((*at, scanner, key), f"{scanner} is a step, and `{key}` means nothing to it")
        known(source, (*at, scanner, key), key, ours | theirs, "key")
    common: _Common = convert(source, {k: v for k, v in keys.items() if k in ours}, _Common, (*at, scanner))
    own = convert(source, {k: v for k, v in keys.items() if k not in ours}, struct, (*at, scanner))
    paths = tuple(inside(source, (*at, scanner, "paths", i), path) for i, path in enumerate(common.paths))
    same = {key: getattr(common, key) for key in _Common.__struct_fields__ if key not in {"name", "paths"}}
    return Action(name=common.name or scanner, scanner=scanner, paths=paths, options=own, **same)


def _surrounded(source: Source, stages: tuple[Stage, ...], environments: Collection[str]) -> None:
    """Refuse an action that needs an environment which is not there, or which it does not name among several."""
    for i, stage in enumerate(stages):
        for j, action in enumerate(stage.actions):
            name = getattr(action.options, "environment", None)
            at: Path = ("stages", i, "actions", j, action.scanner, "environment")
            if name == "" and len(environments) != 1:
                have = f"which one of: {', '.join(environments)}" if environments else "and none is defined"
                source.refuse(at, f"{action.name} needs an `environment`, {have}")
            elif name:
                known(source, at, name, environments, "environment")


def _policy(source: Source, policy: _Policy, stages: tuple[Stage, ...], subjects: Collection[str]) -> Policy:
    words = {word for stage in stages for action in stage.actions for word in (action.name, action.scanner)}
    for i, name in enumerate(policy.required):
        if name not in words:
            source.refuse(("policy", "required", i), f"no action of this pipeline is or runs {name!r}")
    for subject in policy.exempt:
        known(source, ("policy", "exempt", subject), subject, subjects, "subject")
    read: dict[str, Any] = msgspec.structs.asdict(policy)
    read["max_advisory_age"] = float(str(policy.max_advisory_age).removesuffix("d"))
    read["baseline_days"] = baseline.DAYS | policy.baseline_days
    read["block_at"] = _thresholds(source, policy.block_at)
    read["waivers"] = tuple(
        waiver(source, ("policy", "waivers", i), keys, "hardgate.yaml") for i, keys in enumerate(policy.waivers)
    )
    return Policy(**read)


def _thresholds(source: Source, given: str | dict[str, str]) -> dict[Kind, Severity | None]:
    """One threshold per kind. Secrets block at any severity, and critical dependencies always: see gate.py."""
    table = {"default": given} if isinstance(given, str) else given
    for key, word in table.items():
        at: Path = ("policy", "block_at") if isinstance(given, str) else ("policy", "block_at", key)
        known(source, at, key, {"default", *Kind}, "kind of finding")
        known(source, at, word, {NEVER, *Severity}, "severity")
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
        obeyed = taken(struct) or shared
        if other := described(struct):
            obeyed = shared
            fields = msgspec.json.schema(other[1])["$defs"][other[1].__name__]["properties"] | fields
        keys = {key: part for key, part in shared.items() if key in obeyed} | fields
        bodies[scanner] = {"type": ["object", "null"], "properties": keys, "additionalProperties": False}
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
