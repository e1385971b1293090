"""Saved images, searched: whatever way a layer is written in, and never half of one."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from hardgate import layers
from hardgate.errors import ReportError

VALUE = b"correct-horse-battery"
VALUES = {"pip": VALUE, "npm": b"nowhere-to-be-found"}
DIGEST = "ab" * 32


def saved(folder: Path, members: Mapping[str, bytes]) -> Path:
    path = folder / "image.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    "content",
    [
        VALUE,
        b"x" * (layers._CHUNK - 5) + VALUE + b"y" * 10,  # across the border of two pieces
        gzip.compress(b"x" * 3_000_000 + VALUE),
        gzip.compress(b"first member") + gzip.compress(VALUE),
    ],
    ids=["plain", "border", "gzip", "members"],
)
def test_a_value_is_found_in_the_layer_that_holds_it(tmp_path: Path, content: bytes) -> None:
    image = saved(tmp_path, {f"blobs/sha256/{DIGEST}": content, "manifest.json": b"[]"})
    assert layers.holding(image, VALUES) == {"pip": (f"blobs/sha256/{DIGEST[:12]}",)}
    assert layers.holding(image, {"npm": VALUES["npm"]}) == {}


def test_a_value_is_found_in_the_configuration_however_json_writes_it(tmp_path: Path) -> None:
    """Engines write `&`, `<` and `>` as Go does; a RUN or an ENV with the secret stands in the configuration."""
    value = 'p&ss<w"rd>\\12'
    go = json.dumps({"Env": [f"X={value}"]}).replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
    assert value not in go
    for text in (go, json.dumps([value])):
        image = saved(tmp_path, {"config.json": text.encode()})
        assert layers.holding(image, {"pip": value.encode()}) == {"pip": ("config.json",)}
    assert layers.holding(image, {"pip": b"\xff\xfe-no-text"}) == {}


@pytest.mark.parametrize(
    "raw",
    [
        {"layer": b"\x28\xb5\x2f\xfd" + VALUE},
        {"layer": gzip.compress(VALUE * 99)[:-9]},
        {"layer": b"\x1f\x8bno gzip at all"},
        {},
    ],
    ids=["zstd", "cut", "no-gzip", "empty"],
)
def test_what_cannot_be_searched_is_an_error(tmp_path: Path, raw: dict[str, bytes]) -> None:
    with pytest.raises(ReportError):
        layers.holding(saved(tmp_path, raw), VALUES)


def test_an_archive_that_is_cut_is_an_error(tmp_path: Path) -> None:
    image = saved(tmp_path, {"layer.tar": VALUE * 9999})
    image.write_bytes(image.read_bytes()[:100_000])
    with pytest.raises(ReportError):
        layers.holding(image, VALUES)
