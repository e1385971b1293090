"""Writes a lock file: asks the package index for releases of an age, and the vendors for their published checksums."""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.markers import Marker
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from hardgate import tools
from hardgate.errors import ConfigError, ToolError
from hardgate.toolbox import install, net
from hardgate.toolbox.lock import FORMAT, Asset, Channel, Index, Lock, Package, Pinned, Release, Wheel
from hardgate.toolbox.recipes import BY_NAME, NAMES, Recipe, Vendor

MIN_AGE = 7  # days
_OLDEST_PYTHON = "3.11"
_NEWEST_MINOR = 15  # wheels for Pythons up to 3.15 are listed; uv takes the one that fits
_TIMEOUT = 600.0
# The variables of PEP 508 in which our platforms differ.
_ENVIRONMENTS: tuple[dict[str, str], ...] = tuple(
    {
        "os_name": "posix",
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "platform_machine": machine,
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for system, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64"))
    for minor in range(11, _NEWEST_MINOR + 1)
)
_SUM = re.compile(r"^([0-9a-fA-F]{64})\s+\*?(\S+)$", re.MULTILINE)
_CPYTHON = re.compile(r"cp3(\d+)")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to lock: `version` is "" for the newest; `keep` leaves a tool that is locked at the version it has."""

    name: str
    version: str = ""
    keep: bool = False


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool was and is locked at, and what the person should know: one sentence each."""

    name: str
    before: str
    after: str
    notes: tuple[str, ...] = ()


class _Asker(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask: `cutoff` is the time after which releases are left out, None for no such limit."""

    folder: Path
    cutoff: datetime | None
    environ: Mapping[str, str]


def write(
    old: Lock | None, wanted: Sequence[Wanted], *, now: datetime, cutoff: datetime | None, environ: Mapping[str, str]
) -> tuple[Lock, tuple[Locked, ...]]:
    """The new lock, and what became of each wanted tool; tools of `old` that are not wanted stay as they are.

    Raises ToolError when a tool cannot be locked: then nothing is.
    """
    tools_now = dict(old.tools) if old else {}
    told: list[Locked] = []
    with tempfile.TemporaryDirectory(prefix="hardgate-lock-") as folder:
        asker = _Asker(folder=Path(folder), cutoff=cutoff, environ=environ)
        for one in wanted:
            before = tools_now.get(one.name)
            tools_now[one.name], notes = _lock_one(one, before, asker)
            after = tools_now[one.name].version
            told.append(Locked(name=one.name, before=before.version if before else "", after=after, notes=notes))
    lock = Lock(
        format=FORMAT,
        written=_iso(now),
        cutoff=_iso(cutoff) if cutoff else "",
        tools=dict(sorted(tools_now.items())),
    )
    return lock, tuple(told)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lock_one(wanted: Wanted, before: Pinned | None, asker: _Asker) -> tuple[Pinned, tuple[str, ...]]:
    if wanted.name not in BY_NAME:
        raise ConfigError(f"there is no tool {wanted.name!r} in the toolbox", hint=f"It has: {', '.join(NAMES)}")
    recipe = BY_NAME[wanted.name]
    same = before is not None and (wanted.keep or wanted.version == before.version)
    asked = before.version if before and same else wanted.version
    index = (_known_index(before) if same else None) or _ask_index(recipe, asked, asker)
    version = _tool_version(recipe, asked, index)
    channels: list[Channel] = [index] if index else []
    executables = before.executables if before and before.version == version else {}
    if recipe.vendor is None:
        return Pinned(version=version, channels=tuple(channels), executables=executables), ()
    release, notes = _ask_vendor(recipe, recipe.vendor, version, before, asker)
    if not recipe.vendor.member:
        executables = {name: asset.sha256 for name, asset in release.assets.items() if asset.sha256}
    return Pinned(version=version, channels=(release, *channels), executables=executables), notes


def _known_index(before: Pinned | None) -> Index | None:
    return next((one for one in before.channels if isinstance(one, Index)), None) if before else None


def _tool_version(recipe: Recipe, asked: str, index: Index | None) -> str:
    version = recipe.version_of(index.version) if index else asked
    if not version:
        packaged = f"{index.source} {index.version}" if index else recipe.package
        hint = f"Name the version: hardgate tools lock {recipe.name}==VERSION --lock FILE"
        raise ToolError(f"nobody wrote down which {recipe.name} is in {packaged}: nothing was locked", hint=hint)
    return version


def _ask_index(recipe: Recipe, version: str, asker: _Asker) -> Index | None:
    """The newest suitable release with all that it needs; None when only the vendor can have this version."""
    requirement = recipe.requirement(version)
    if not requirement:
        return None
    try:
        packages = _resolve(requirement, recipe.name, asker, recipe.python or _OLDEST_PYTHON)
    except ToolError:
        if recipe.official or not version:
            raise
        return None
    own = next(package for package in packages if package.name == recipe.package)
    return Index(source=own.name, version=own.version, official=recipe.official, packages=packages)


def _resolve(requirement: str, name: str, asker: _Asker, python: str) -> tuple[Package, ...]:
    asked, answer = asker.folder / f"{name}.in", asker.folder / f"pylock.{name}.toml"
    asked.write_text(requirement + "\n", encoding="utf-8")
    words = ["pip", "compile", str(asked), "--universal", "--python-version", python, "--only-binary", ":all:"]
    words += ["--format", "pylock.toml", "--output-file", str(answer), "--no-header", "--no-sources", "--quiet"]
    if asker.cutoff:
        words += ["--exclude-newer", _iso(asker.cutoff)]
    done = tools.run(
        (install.uv_executable(), *words),
        cwd=asker.folder,
        env=install.uv_environment(asker.environ, asker.folder, asker.folder / "uv-cache"),
        timeout=_TIMEOUT,
    )
    if done.exit_code != 0:
        limit = f" uploaded before {_iso(asker.cutoff)}" if asker.cutoff else ""
        said = done.stderr.decode(errors="replace").strip()
        hint = "Nothing was locked. Releases that are younger are taken with --min-age 0, if you must."
        raise ToolError(f"no release of {requirement}{limit} could be resolved: {said}", hint=hint)
    return _packages(tomllib.loads(answer.read_text(encoding="utf-8")), asker.cutoff)


def _packages(document: Mapping[str, Any], cutoff: datetime | None) -> tuple[Package, ...]:
    """The packages of a pylock.toml (https://packaging.python.org/en/latest/specifications/pylock-toml/)."""
    found = tuple(_package(entry) for entry in document["packages"] if _holds(str(entry.get("marker", ""))))
    late = [wheel.file for one in found for wheel in one.wheels if cutoff and wheel.uploaded > _iso(cutoff)]
    if late:
        raise ToolError(f"the package index handed out younger releases than asked for: {', '.join(late[:3])}")
    return found


def _holds(marker: str) -> bool:
    """Whether a marker holds on any of our platforms: what only Windows needs is left out."""
    return not marker or any(Marker(marker).evaluate(environment) for environment in _ENVIRONMENTS)


def _package(entry: Mapping[str, Any]) -> Package:
    name, version = str(entry["name"]), str(entry["version"])
    wheels = tuple(sorted((_wheel(one) for one in entry.get("wheels", ())), key=lambda wheel: wheel.file))
    usable = tuple(wheel for wheel in wheels if _is_ours(wheel.file))
    if not usable:
        raise ToolError(f"{name} {version} has no wheel for any platform that hardgate supports: nothing was locked")
    return Package(name=name, version=version, marker=str(entry.get("marker", "")), wheels=usable)


def _wheel(entry: Mapping[str, Any]) -> Wheel:
    uploaded = entry.get("upload-time")
    file = str(entry.get("name") or unquote(urlsplit(str(entry["url"])).path).rsplit("/", 1)[-1])
    return Wheel(
        file=file,
        sha256=str(entry["hashes"]["sha256"]),
        size=int(entry.get("size", 0)),
        uploaded=_iso(uploaded) if isinstance(uploaded, datetime) else "",
    )


def _is_ours(file: str) -> bool:
    """Whether a wheel fits one of our platforms and Pythons (https://packaging.python.org/specifications/…-tags/)."""
    try:
        return any(_fits(tag) for tag in parse_wheel_filename(file)[3])
    except InvalidWheelFilename:
        return False


def _fits(tag: Tag) -> bool:
    linux = tag.platform.startswith(("manylinux", "musllinux", "linux")) and tag.platform.endswith(
        ("x86_64", "aarch64")
    )
    macos = tag.platform.startswith("macosx") and tag.platform.endswith(("x86_64", "arm64", "universal2", "intel"))
    if not (linux or macos or tag.platform == "any"):
        return False
    exact = _CPYTHON.fullmatch(tag.interpreter)
    if not exact:
        return tag.interpreter.startswith("py3") and tag.abi == "none"
    minor, oldest = int(exact[1]), int(_OLDEST_PYTHON.split(".")[1])
    if tag.abi in {"abi3", "none"}:
        return minor <= _NEWEST_MINOR
    return oldest <= minor <= _NEWEST_MINOR and tag.abi == tag.interpreter


def _ask_vendor(
    recipe: Recipe, vendor: Vendor, version: str, before: Pinned | None, asker: _Asker
) -> tuple[Release, tuple[str, ...]]:
    """The vendor's release with its published checksums; those of the lock file when the vendor cannot be reached."""
    release = Release(
        address=vendor.address.format(version=version),
        member=vendor.member,
        assets={name: Asset(file=file.format(version=version)) for name, file in vendor.assets.items()},
    )
    known = _known_sums(before, release.address)
    try:
        published = _published(vendor, release.address, version, asker.cutoff)
    except net.UnreachableError as error:
        return _with_sums(release, known), _unproven(recipe, release, known, error)
    for file, old in known.items():
        if old and published.get(file, old) != old:
            message = f"{release.address}/{file} is published with sha256 {published[file]}, the lock file has {old}"
            raise ToolError(message, hint="Nothing was locked. A release that changes after its day is not to be used.")
    return _with_sums(release, known | published), ()


def _known_sums(before: Pinned | None, address: str) -> dict[str, str]:
    releases = [one for one in before.channels if isinstance(one, Release)] if before else []
    return {asset.file: asset.sha256 for one in releases if one.address == address for asset in one.assets.values()}


def _with_sums(release: Release, sums: Mapping[str, str]) -> Release:
    assets = {name: Asset(file=asset.file, sha256=sums.get(asset.file, "")) for name, asset in release.assets.items()}
    return msgspec.structs.replace(release, assets=assets)


def _unproven(recipe: Recipe, release: Release, known: Mapping[str, str], error: ToolError) -> tuple[str, ...]:
    missing = [asset.file for asset in release.assets.values() if not known.get(asset.file)]
    if not missing:
        return (
            f"{recipe.name}: the vendor's checksums are those of the lock file before, not asked for again: {error}",
        )
    return (f"{recipe.name}: {', '.join(missing)} stay without a sha256 and are never used: {error}",)


def _published(vendor: Vendor, address: str, version: str, cutoff: datetime | None) -> dict[str, str]:
    """SHA-256 by file name, as the vendor published it."""
    if vendor.record:
        return _from_record(*net.text(vendor.record.format(version=version)), cutoff=cutoff)
    said, modified = net.text(f"{address}/{vendor.checksums.format(version=version)}")
    _refuse_young(address, modified, cutoff)
    return {file.rsplit("/", 1)[-1]: digest.lower() for digest, file in _SUM.findall(said)}


def _from_record(said: str, _modified: str, *, cutoff: datetime | None) -> dict[str, str]:
    try:
        record = msgspec.json.decode(said, type=_Record)
    except msgspec.DecodeError as error:
        raise ToolError(f"the vendor's record of its release cannot be read: {error}") from error
    _refuse_young(record.html_url, record.published_at, cutoff)
    kind = "sha256:"
    digests = {one.name: one.digest or "" for one in record.assets}
    return {name: digest.removeprefix(kind) for name, digest in digests.items() if digest.startswith(kind)}


class _RecordedAsset(msgspec.Struct):
    name: str
    digest: str | None = None


class _Record(msgspec.Struct):
    html_url: str
    published_at: str
    assets: list[_RecordedAsset]


def _refuse_young(address: str, published: str, cutoff: datetime | None) -> None:
    if cutoff and published and datetime.fromisoformat(published) > cutoff:
        hint = "Nothing was locked. Wait, or take it all the same with --min-age 0."
        raise ToolError(f"{address} was published on {published[:10]}: that is too young", hint=hint)
