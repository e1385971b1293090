"""A package index and a vendor of our own on loopback, and the small tools that they hand out.

The tools are stand-ins (scripts that say their version); everything else is real: uv, HTTP, wheels, archives, hashes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from hardgate.toolbox import Lock, Toolbox
from hardgate.toolbox.lock import Asset, Index, Package, Pinned, Release, Wheel, this_platform

LONG_AGO = "2026-01-01T00:00:00.000000Z"


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def wheel(name: str, version: str, files: Mapping[str, bytes], needs: tuple[str, ...] = ()) -> bytes:
    """A wheel; a path below `scripts/` is put on the environment's PATH, as executable."""
    label = f"{name.replace('-', '_')}-{version}"
    required = "".join(f"Requires-Dist: {need}\n" for need in needs)
    inside = {path.replace("scripts/", f"{label}.data/scripts/", 1): content for path, content in files.items()}
    inside[f"{label}.dist-info/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}".encode()
    )
    inside[f"{label}.dist-info/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = "".join(f"{path},{_record(content)},{len(content)}\n" for path, content in inside.items())
    inside[f"{label}.dist-info/RECORD"] = f"{record}{label}.dist-info/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in inside.items():
            entry = zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _record(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def archive(member: str, content: bytes) -> bytes:
    """A .tar.gz with one executable, beside a file that would land elsewhere if all of it were unpacked."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, inside in ((member, content), ("../escaped", b"never to be unpacked")):
            entry = tarfile.TarInfo(path)
            entry.size = len(inside)
            tar.addfile(entry, io.BytesIO(inside))
    return packed.getvalue()


def shell_tool(version: str) -> bytes:
    """An executable that says its version."""
    return f"#!/bin/sh\necho 'tool {version}'\n".encode()


def python_tool(version: str, *, before: str = "") -> dict[str, bytes]:
    """The files of a Python tool `bandit` with a script and a module; `before` are lines that run first."""
    script = b"#!python\nfrom bandit_core import said\nprint(said)\n"
    return {"scripts/bandit": script, "bandit_core.py": f"{before}\nsaid = 'bandit {version}'\n".encode()}


@dataclass
class Shelf:
    """What the server hands out: bytes by path; `uploaded` by file name; `stall` holds back every wheel until set."""

    files: dict[str, bytes] = field(default_factory=dict)
    uploaded: dict[str, str] = field(default_factory=dict)
    modified: str = "Thu, 01 Jan 2026 00:00:00 GMT"
    asked: list[str] = field(default_factory=list)
    stall: threading.Event | None = None
    stalled: threading.Event = field(default_factory=threading.Event)

    def index(self, project: str) -> bytes:
        """The project's page (https://packaging.python.org/en/latest/specifications/simple-repository-api/)."""
        prefix = project.replace("-", "_") + "-"
        names = [path.rsplit("/", 1)[-1] for path in self.files if path.startswith(f"/wheels/{prefix}")]
        files = [
            {
                "filename": name,
                "url": f"/wheels/{name}",
                "hashes": {"sha256": sha256(self.files[f"/wheels/{name}"])},
                "size": len(self.files[f"/wheels/{name}"]),
                "upload-time": self.uploaded.get(name, LONG_AGO),
                "requires-python": ">=3.8",
            }
            for name in names
        ]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files, "versions": []}).encode()


class _Handler(BaseHTTPRequestHandler):
    shelf: ClassVar[Shelf]

    def do_HEAD(self) -> None:
        self._answer(whole=False)

    def do_GET(self) -> None:
        self._answer(whole=True)

    def _answer(self, *, whole: bool) -> None:
        shelf = self.shelf
        shelf.asked.append(self.path)
        kind = "application/octet-stream"
        if self.path.startswith("/simple/"):
            content: bytes | None = shelf.index(self.path.split("/")[2])
            kind = "application/vnd.pypi.simple.v1+json"
        else:
            content = shelf.files.get(self.path)
        if shelf.stall and self.path.startswith("/wheels/"):
            shelf.stalled.set()
            shelf.stall.wait(60)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", shelf.modified)
        self.end_headers()
        if whole:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        pass


class Server:
    """Serves a shelf on loopback."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        handler = type("Handler", (_Handler,), {"shelf": self.shelf})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """Stop serving, and let go of whoever waits."""
        if self.shelf.stall:
            self.shelf.stall.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def put_wheel(self, name: str, version: str, files: Mapping[str, bytes], needs: tuple[str, ...] = ()) -> Package:
        """Put a wheel on the shelf; returns the lock entry that names it."""
        content = wheel(name, version, files, needs)
        file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        self.shelf.files[f"/wheels/{file}"] = content
        entry = Wheel(file=file, sha256=sha256(content), size=len(content), uploaded="2026-01-01T00:00:00Z")
        return Package(name=name, version=version, wheels=(entry,))

    def put_release(self, path: str, content: bytes) -> None:
        """Put a vendor's file on the shelf."""
        self.shelf.files[path] = content

    @property
    def environ(self) -> dict[str, str]:
        """The variables that make uv ask this server."""
        return {"UV_DEFAULT_INDEX": f"{self.address}/simple", "UV_HTTP_RETRIES": "0", "PATH": "/usr/bin:/bin"}


def index_of(package: Package, *more: Package, official: bool = True) -> Index:
    """A channel of one wheel and what it needs."""
    return Index(source=package.name, version=package.version, official=official, packages=(package, *more))


def release_of(server: Server, folder: str, file: str, digest: str, member: str = "") -> Release:
    """A channel of one file of a vendor."""
    asset = Asset(file=file, sha256=digest)
    return Release(address=f"{server.address}/{folder}", member=member, assets={this_platform(): asset})


def lock_of(**tools: Pinned) -> Lock:
    """A lock file with these tools."""
    return Lock(
        format=1, written="2026-01-31T12:00:00Z", tools={name.replace("_", "-"): one for name, one in tools.items()}
    )


def tree(folder: Path) -> list[str]:
    """What lies in a folder, as paths relative to it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def box_of(server: Server, folder: Path, lock: Lock) -> Toolbox:
    """A toolbox that asks the loopback index."""
    return Toolbox(folder, lock, environ=server.environ)


def bandit(server: Server, version: str = "1.0.1", before: str = "") -> Lock:
    """A lock file with one small Python tool on the index."""
    package = server.put_wheel("bandit", version, python_tool(version, before=before))
    return lock_of(bandit=Pinned(version=version, channels=(index_of(package),)))
