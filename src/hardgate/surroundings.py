"""What hardgate.yaml says under `environment:`, as values; refused with line and key where it cannot be started."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

import msgspec

from hardgate.services import DEFAULT_ADDRESS, ISOLATED, PLACE, Environment, Service
from hardgate.yamlfile import Path, Source, convert, inside

EnvironmentName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,30}$(?!\n)")]
_Variable = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$(?!\n)")]
_Word = Annotated[str, msgspec.Meta(min_length=1)]
_Words = Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class ServiceKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a service in hardgate.yaml."""

    command: _Words
    ready: _Word | _Words
    variables: dict[_Variable, str] = {}
    folder: _Word = "."
    timeout: _Seconds = 60.0


class EnvironmentKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an environment in hardgate.yaml: `services`, or `compose` with `service` and `port`."""

    services: dict[EnvironmentName, ServiceKeys] = {}
    compose: str = ""
    service: str = ""
    port: _Port | None = None
    ready: str = ""
    address: _Word = DEFAULT_ADDRESS
    timeout: _Seconds = 120.0
    isolation: Literal["network", "none"] = "network"


def read(source: Source, given: Any) -> dict[str, Environment]:
    """The environments of hardgate.yaml, `given` as plain values; ConfigError for one that cannot be started so."""
    known = {}
    for name, values in _mapping(source, ("environment",), given).items():
        at: Path = ("environment", name)
        convert(source, name, EnvironmentName, at)
        services = _mapping(source, (*at, "services"), values.get("services", {})) if isinstance(values, dict) else {}
        for service, its in services.items():
            # One by one: of a mapping msgspec does not tell which of its keys is wrong.
            convert(source, service, EnvironmentName, (*at, "services", service))
            convert(source, its, ServiceKeys, (*at, "services", service))
        keys = convert(source, values, EnvironmentKeys, at)
        if bool(keys.services) == bool(keys.compose) and (keys.services or keys.address == DEFAULT_ADDRESS):
            source.refuse(at, "an environment has either `services` or `compose`, or the `address` of what is deployed")
        make = _plain if keys.services else _composed if keys.compose else _deployed
        known[name] = make(source, at, name, keys)
    return known


def _deployed(source: Source, at: Path, name: str, keys: EnvironmentKeys) -> Environment:
    """Something that runs already: hardgate starts nothing, and can isolate nothing."""
    if keys.isolation == ISOLATED:
        source.refuse(at, "what is deployed elsewhere cannot be isolated: say `isolation: none`")
    for key in ("service", "port", "ready"):
        if getattr(keys, key):
            source.refuse((*at, key), f"`{key}` means nothing for what is deployed: it has an `address`")
    _places(source, (*at, "address"), keys.address, ())
    return Environment(name=name, asked="", address=keys.address, isolation=keys.isolation)


def _mapping(source: Source, at: Path, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        source.refuse(at, "this must be a mapping of names to definitions")
    return given


def _composed(source: Source, at: Path, name: str, keys: EnvironmentKeys) -> Environment:
    if not keys.service or keys.port is None:
        source.refuse(at, "a compose file needs `service` and `port`: which of its services tests ask, and where")
    for key in ("ready", "address"):
        _places(source, (*at, key), getattr(keys, key), {"PORT"})
    return Environment(
        name=name,
        asked=keys.service,
        address=keys.address,
        isolation=keys.isolation,
        compose=inside(source, (*at, "compose"), keys.compose),
        port=keys.port,
        ready=keys.ready,
        timeout=keys.timeout,
    )


def _plain(source: Source, at: Path, name: str, keys: EnvironmentKeys) -> Environment:
    for key in ("port", "ready"):
        if getattr(keys, key):
            source.refuse(
                (*at, key), f"`{key}` belongs to a compose file; a service has a port, and `ready`, of its own"
            )
    asked = keys.service or list(keys.services)[-1]
    if asked not in keys.services:
        source.refuse((*at, "service"), f"unknown service {asked!r}; known: {', '.join(keys.services)}")
    known = {"PORT", "STATE", "TREE", *(f"{one}.PORT" for one in keys.services)}
    _places(source, (*at, "address"), keys.address, known)
    services = []
    for word, one in keys.services.items():
        here: Path = (*at, "services", word)
        for key, texts in _texts(one).items():
            for text in texts:
                _places(source, (*here, key), text, known)
        folder = inside(source, (*here, "folder"), one.folder)
        services.append(Service(name=word, **(msgspec.structs.asdict(one) | {"folder": folder})))
    return Environment(name=name, asked=asked, address=keys.address, isolation=keys.isolation, services=tuple(services))


def _texts(one: ServiceKeys) -> dict[str, tuple[str, ...]]:
    ready = (one.ready,) if isinstance(one.ready, str) else one.ready
    return {"command": one.command, "ready": ready, "variables": tuple(one.variables.values())}


def _places(source: Source, at: Path, text: str, known: Collection[str]) -> None:
    """Refuse a text with a place that nothing fills."""
    for found in PLACE.finditer(text):
        if found[1] is None and not found[2]:
            source.refuse(at, f"a single $ in {text!r}: write $$ for a dollar, ${{NAME}} for a place")
        if found[1] is not None and found[1] not in known:
            source.refuse(at, f"unknown place ${{{found[1]}}}; known: {', '.join(sorted(known))}")
