"""What the files of a saved image hold: its configuration, its manifest and every layer, searched for values."""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from hardgate.errors import ReportError

_CHUNK = 1 << 20  # bytes
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def holding(archive: Path, values: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """The names of those `values` that stand in an image that `docker save` or `podman save` wrote, and where.

    Looked for is a value as it is, and as the configuration's JSON has it, where some characters are written in others.
    Raises ReportError when it is no whole archive, or one of its layers is compressed in a way that is not read here.
    """
    forms = {name: _forms(value) for name, value in values.items()}
    found: dict[str, list[str]] = {}
    members = 0
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                members += 1
                for name in _names_in(_plain(content, member.name), forms):
                    found.setdefault(name, []).append(_called(member.name))
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ReportError(f"the saved image cannot be read: {error}", hint="Save it again.") from error
    if not members:
        raise ReportError("the saved image holds no files: it was not searched")
    return {name: tuple(places) for name, places in found.items()}


def _forms(value: bytes) -> frozenset[bytes]:
    """A value as it is, as JSON has it, and as Go's encoding/json writes it, by which engines do."""
    try:
        written = json.dumps(value.decode(), ensure_ascii=False)[1:-1]
    except UnicodeDecodeError:
        return frozenset({value})
    escaped = written.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
    return frozenset({value, written.encode(), escaped.encode()})


def _called(path: str) -> str:
    """A member of the archive as a message names it: digests cut, as engines show them."""
    return re.sub(r"[0-9a-f]{64}", lambda digest: digest[0][:12], path)


def _plain(content: IO[bytes], name: str) -> Iterator[bytes]:
    """The content in pieces, decompressed where it is compressed with gzip."""
    first = content.read(len(_ZSTD))
    if first.startswith(_ZSTD):
        raise ReportError(
            f"{name} is compressed with zstd, which is not searched", hint="Build without compression=zstd."
        )
    content.seek(0)
    # All members of a gzip file, with their checksums: some builders write a layer in many.
    source = gzip.GzipFile(fileobj=content) if first.startswith(_GZIP) else content
    while piece := source.read(_CHUNK):
        yield piece


def _names_in(pieces: Iterator[bytes], values: Mapping[str, frozenset[bytes]]) -> set[str]:
    """The names of the values that stand in the pieces, also across their borders."""
    longest = max((len(form) for forms in values.values() for form in forms), default=1)
    found: set[str] = set()
    rest = b""
    for piece in pieces:
        window = rest + piece
        found |= {name for name, forms in values.items() if any(form in window for form in forms)}
        rest = window[-longest:]
    return found
