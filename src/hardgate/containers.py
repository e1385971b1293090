"""Container engines: which one is there, how it is asked, and what it says of an image."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hardgate import tools
from hardgate.adapter import OUTSIDE, decode
from hardgate.model import GapReason, Output, ToolUse
from hardgate.step import Context, GapError

ENGINES = ("docker", "podman", "buildah")
# How an image is known before it is pushed: by the digest of its configuration, which engines call its id.
# https://github.com/opencontainers/image-spec/blob/main/media-types.md, and Docker's own of that.
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
# Where the engine is: https://docs.docker.com/reference/cli/docker/#environment-variables, and podman's own.
_WHERE = (
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION",
    "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "XDG_RUNTIME_DIR",
)  # fmt: skip
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _Descriptor(msgspec.Struct):
    """What an engine that keeps images as registries do says of the manifest (Docker from 27, containerd store)."""

    media_type: str = msgspec.field(name="mediaType")
    digest: str


class _Settings(msgspec.Struct, rename="pascal"):
    labels: dict[str, str] | None = None


class _Layers(msgspec.Struct, rename="pascal"):
    layers: tuple[str, ...] = ()


class _Inspected(msgspec.Struct, rename="pascal"):
    """The keys of `docker image inspect` that are read; podman writes the same, the id without `sha256:`."""

    id: str
    size: int
    config: _Settings
    root_fs: _Layers = msgspec.field(name="RootFS")
    repo_digests: tuple[str, ...] | None = None
    descriptor: _Descriptor | None = None
    manifest_type: str = ""


class _Built(msgspec.Struct):
    """The configuration of an image as buildah writes it: https://github.com/opencontainers/image-spec, config.md."""

    config: _Labelled
    rootfs: _Differences


class _Labelled(msgspec.Struct, rename="pascal"):
    labels: dict[str, str] | None = None


class _Differences(msgspec.Struct):
    diff_ids: tuple[str, ...]


class _Part(msgspec.Struct):
    size: int


class _Manifest(msgspec.Struct, rename="camel"):
    layers: tuple[_Part, ...]
    media_type: str = DOCKER_MANIFEST


class _Buildah(msgspec.Struct):
    """The keys of `buildah inspect --type=image` that are read; the manifest is JSON within the JSON."""

    id: str = msgspec.field(name="FromImageID")
    manifest: str = msgspec.field(name="Manifest")
    built: _Built = msgspec.field(name="OCIv1")


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image in an engine. `digest` is its id in 64 digits, `media_type` what that is the digest of; size in bytes.

    `layers` are the digests of the uncompressed layers, the base first; `manifest` is the media type of the manifest
    that it is pushed with.
    """

    digest: str
    media_type: str
    size: int
    labels: dict[str, str]
    layers: tuple[str, ...]
    manifest: str

    @property
    def id(self) -> str:
        """By what every engine knows it, whatever tags do."""
        return f"sha256:{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine that answers. `environment` says where it is, `use` is what a receipt says of it."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    use: ToolUse
    major: int

    def start(
        self, context: Context, *words: str, env: Mapping[str, str] | None = None, **more: Any
    ) -> tools.Completed:
        """Run one command of the engine, whatever its exit code: see Context.start."""
        return context.start((*self.command, *words), env={**self.environment, **(env or {})}, **more)

    @property
    def server(self) -> bool:
        """Whether a server keeps the images, which may go on after a command was ended."""
        return self.name == "docker"

    def image(self, context: Context, reference: str) -> Image | None:
        """What the engine says of an image, None when it has none of that name. Raises ReportError, GapError."""
        words = ("inspect", "--type=image") if self.name == "buildah" else ("image", "inspect")
        done = self.start(context, *words, reference)
        if done.exit_code:
            return None
        if self.name == "buildah":
            return _of_buildah(decode(done.stdout, _Buildah, self.name))
        [found] = decode(done.stdout, tuple[_Inspected], self.name)
        return self._image(found)

    def save(self, context: Context, image: Image, file: Path) -> tools.Completed:
        """Write an image into an archive as `docker save` does, whatever its exit code."""
        if self.name == "buildah":
            return self.start(context, "push", "--quiet", image.id, f"docker-archive:{file}")
        return self.start(context, "save", f"--output={file}", image.id)

    def _image(self, found: _Inspected) -> Image:
        digest = found.id.removeprefix("sha256:")
        own = DOCKER_CONFIG if self.name == "docker" else OCI_CONFIG
        there = found.descriptor
        manifest = there.media_type if there else found.manifest_type or DOCKER_MANIFEST
        return Image(
            digest=digest,
            media_type=manifest if there and there.digest == f"sha256:{digest}" else own,
            size=found.size,
            labels=found.config.labels or {},
            layers=found.root_fs.layers,
            manifest=manifest,
        )


def _of_buildah(found: _Buildah) -> Image:
    manifest = decode(found.manifest.encode(), _Manifest, "buildah")
    return Image(
        digest=found.id,
        media_type=OCI_CONFIG,
        size=sum(layer.size for layer in manifest.layers),
        labels=found.built.config.labels or {},
        layers=found.built.rootfs.diff_ids,
        manifest=manifest.media_type,
    )


def engine(context: Context, wanted: str) -> Engine:
    """The engine that is `wanted`, else the first that is on PATH; raises GapError unless it answers."""
    name, found = _found(context, (wanted,) if wanted else ENGINES)
    environment = {one: value for one in _WHERE if (value := context.variable(one))}
    remedy = (
        f"Start the engine, or say where it is (DOCKER_HOST), or name another with `engine`; "
        f"see whether `{name} version` answers."
    )
    done = context.start((*found.command, "version"), env=environment)
    said = done.stdout.decode("utf-8", "replace")
    version = re.search(r"Version:\s*((\d+)\S*)", said)  # of the client: all three tell it first
    if done.exit_code or version is None:
        raise context.failed(name, done, remedy)
    # The command `docker` of some systems is podman (the package podman-docker).
    name = "podman" if "Podman Engine" in said else name
    use = ToolUse(name=name, version=version[1], digest=found.digest, origin=found.origin)
    return Engine(name=name, command=found.command, environment=environment, use=use, major=int(version[2]))


def _found(context: Context, names: Sequence[str]) -> tuple[str, Any]:
    for name in names:
        try:
            return name, context.tool(f"{OUTSIDE}{name}")
        except GapError as error:
            if error.gap.reason is not GapReason.TOOL_MISSING:
                raise
    which = " or ".join(names)
    remedy = "Install Docker, podman or buildah where hardgate runs, or name another with `engine`."
    raise context.missing(GapReason.TOOL_MISSING, f"no container engine is here: {which} is not on PATH", remedy)


def end_with(context: Context) -> None:
    """Have what an engine without a server left running be ended when the step ends, also by ^C or its timeout.

    Podman's containers are no children of the command that was ended. They have files of the step's private folder
    mounted (proc_pid_mountinfo(5)), which nobody else has.
    """
    context.stack.callback(_end_those_with, "/".join(("", *context.scratch.parts[-3:], "")))


def _end_those_with(place: str) -> None:
    for mounts in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if place in mounts.read_text("utf-8", "replace"):
                os.kill(int(mounts.parent.name), signal.SIGKILL)


def digest_in(text: bytes, after: str) -> str:
    """The 64 digits of the digest that follows a word in what an engine said, "" when there is none."""
    found = re.search(rf"{re.escape(after)}\s*({_DIGEST.pattern})".encode(), text)
    return found[1].decode().removeprefix("sha256:") if found else ""


def bare(repository: str) -> str:
    """The name of a repository without its registry: what it is called wherever it is."""
    host, _, rest = repository.partition("/")
    return rest if rest and (set(host) & {".", ":"} or host == "localhost") else repository


def built(repository: str, image: Image) -> Output:
    """An image that is in an engine and in no registry yet, as an output of the action that made it."""
    return Output(
        name=bare(repository), media_type=image.media_type, sha256=image.digest, size=image.size, reference=image.id
    )
