"""The archive of a container image: what `docker save` and `podman save` write, read as far as its digests; and made.

Two forms are read, and Docker 25 writes both in one: an OCI image layout
(https://github.com/opencontainers/image-spec/blob/main/image-layout.md) and Docker's own, with a `manifest.json`
(https://github.com/moby/docker-image-spec). What is made has both.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping, Sequence
from typing import IO, Any

import msgspec

from hardgate.errors import ReportError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LIMIT = 64 * 1024 * 1024  # bytes of a document in the archive; a manifest has a few thousand
_MEMBERS = 1_000_000  # entries of an archive: an image has at most 127 layers, each in a few
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_HINT = "Save the image again: docker save."


class _Saved(msgspec.Struct, rename="pascal"):
    config: str
    layers: list[str]


class _Described(msgspec.Struct):
    digest: str


class _Index(msgspec.Struct):
    manifests: list[_Described]


class _Rootfs(msgspec.Struct):
    diff_ids: list[str]


class _Config(msgspec.Struct):
    rootfs: _Rootfs
    os: str = ""
    architecture: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says it holds. `config` is the digest of the image's configuration: its id in older engines.

    `manifests` are the digests of the manifests or indexes that its index names; `layers` those of the unpacked layers,
    the lowest first. All in hexadecimal.
    """

    config: str
    manifests: frozenset[str]
    layers: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """All digests that an engine may know the image by."""
        return self.manifests | {self.config}


def read(file: IO[bytes]) -> Facts:
    """The facts of the one image in an archive; raises ReportError for anything else."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            return _read(archive)
    except (tarfile.TarError, EOFError, OverflowError) as error:
        raise ReportError(f"this is no archive of an image: {error}", hint=_HINT) from error


def _read(archive: tarfile.TarFile) -> Facts:
    documents: dict[str, tarfile.TarInfo] = {}
    for number, member in enumerate(archive):
        if number > _MEMBERS:
            raise ReportError("the archive of the image has too many entries", hint=_HINT)
        if member.isreg() and member.size <= _LIMIT:
            documents[member.name.removeprefix("./")] = member
    saved = _decoded(archive, documents, "manifest.json", list[_Saved])
    if len(saved) != 1:
        raise ReportError(f"the archive holds {len(saved)} images, and one is asked for", hint=_HINT)
    content = _content(archive, documents, saved[0].config)
    config = _value(content, _Config, saved[0].config)
    index = _decoded(archive, documents, "index.json", _Index) if "index.json" in documents else _Index(manifests=[])
    layers = tuple(_hexadecimal(one) for one in config.rootfs.diff_ids)
    if len(layers) != len(saved[0].layers) or not layers:
        raise ReportError(f"the image names {len(layers)} layers and has {len(saved[0].layers)}", hint=_HINT)
    return Facts(
        config=hashlib.sha256(content).hexdigest(),
        manifests=frozenset(_hexadecimal(one.digest) for one in index.manifests),
        layers=layers,
    )


def _content(archive: tarfile.TarFile, documents: Mapping[str, tarfile.TarInfo], name: str) -> bytes:
    member = documents.get(name)
    source = archive.extractfile(member) if member else None
    if source is None:
        raise ReportError(f"the archive of the image has no {name[:100]}", hint=_HINT)
    return source.read(_LIMIT)


def _decoded(archive: tarfile.TarFile, documents: Mapping[str, tarfile.TarInfo], name: str, kind: type[Any]) -> Any:
    return _value(_content(archive, documents, name), kind, name)


def _value(content: bytes, kind: type[Any], name: str) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"{name[:100]} of the image's archive cannot be read: {error}", hint=_HINT) from error


def _hexadecimal(digest: str) -> str:
    found = _DIGEST.fullmatch(digest)
    if found is None:
        raise ReportError(f"the archive of the image has a digest that is none: {digest[:100]!r}", hint=_HINT)
    return found[1]


def make(
    layers: Sequence[Mapping[str, bytes]], *, name: str, run: Mapping[str, Any], history: Sequence[str] = ()
) -> bytes:
    """The archive of an image with these layers (files by path), the lowest first; the same input gives the same bytes.

    `run` is the part of its configuration that says how it is run (`Env`, `User`); `history` are lines of a Dockerfile,
    those past the layers without one.
    """
    packed = [_tar(files) for files in layers]
    lines = [{"created_by": line, "empty_layer": number >= len(packed)} for number, line in enumerate(history)]
    config = msgspec.json.encode(
        {
            "architecture": "amd64", "os": "linux", "created": "2026-01-31T12:00:00Z", "config": run, "history": lines,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}" for layer in packed]},
        }
    )  # fmt: skip
    parts = [_entry("application/vnd.oci.image.layer.v1.tar", layer) for layer in packed]
    top = _entry("application/vnd.oci.image.config.v1+json", config)
    manifest = msgspec.json.encode({"schemaVersion": 2, "mediaType": MANIFEST, "config": top, "layers": parts})
    saved = {"Config": _blob(config), "RepoTags": [name], "Layers": [_blob(layer) for layer in packed]}
    return _tar(
        {
            **{_blob(part): part for part in (*packed, config, manifest)},
            "index.json": msgspec.json.encode({"schemaVersion": 2, "manifests": [_entry(MANIFEST, manifest)]}),
            "manifest.json": msgspec.json.encode([saved]),
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        }
    )


def _tar(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _blob(content: bytes) -> str:
    return f"blobs/sha256/{_digest(content)}"


def _entry(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": f"sha256:{_digest(content)}", "size": len(content)}
