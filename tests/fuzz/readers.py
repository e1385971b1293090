"""READERS: what is read beside the reports of scanners, with good input for each."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hardgate import asked, git, imagefile, imports, locks, past, pins, receipts, routes, templates, trivy_image
from hardgate.advisories import age, constraints, importing, matching, purl, records, sbom, severity, snapshot, versions
from hardgate.cli import cases, common
from hardgate.dataflow.analysis import analyse
from hardgate.dataflow.families import checks
from hardgate.dataflow.project import parse
from hardgate.errors import ConfigError, Error, ReportError, StoreError, ToolError
from hardgate.exceptions import baseline, inline, purls, vex, waivers
from hardgate.identity.linehash import LineHashes
from hardgate.identity.scopes import scopes
from hardgate.ledger import Entry, export_line, follow, next_line, read_export
from hardgate.model import ActionState, Receipt
from hardgate.permits import Person
from hardgate.rego import documents
from hardgate.steps import sbom as bom
from hardgate.toolbox import lock, manifest
from tests.fuzz import good, hooks

_PIPELINE = common.parse_pipeline(good.PIPELINE, "hardgate.yaml")
_TODAY = "2026-01-31"


class Reader(NamedTuple):
    """As targets.Target."""

    name: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    errors: tuple[type[Exception], ...] = (Error,)


@contextlib.contextmanager
def _file(name: str, raw: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        yield path


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _pipeline(raw: bytes) -> object:
    return common.parse_pipeline(raw, "hardgate.yaml")


def _cases(raw: bytes) -> object:
    source, file = cases.read(raw, "cases.yaml")
    return cases.check(source, file, _PIPELINE, today=_TODAY)


def _advisory(raw: bytes) -> object:
    """A record, and all that is made of it: its rating, a judgement, the words for Trivy."""
    record = records.read(raw, "a.json")
    severity.rate(record)
    for package in records.packages(record):
        if records.base(package.ecosystem) in versions.ECOSYSTEMS:
            matching.judge(record, package.ecosystem, "1.0")
    for one in record.affected or ():
        if one.package and one.package.ecosystem in {"PyPI", "npm", "Go", "Maven"}:
            constraints.texts(one, one.package.ecosystem)
    return record.title, record.ids


def _zipped(raw: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("PYSEC-2019-217.json", raw)
    return out.getvalue()


def _export(raw: bytes) -> object:
    with _file("PyPI/all.zip", raw) as path:
        return list(importing.records(importing.exports([path], ["PyPI"])))


def _kev(raw: bytes) -> object:
    with _file("kev.json", raw) as path:
        return importing.kev(path)


def _epss(raw: bytes) -> object:
    with _file("scores", raw) as path:
        return importing.epss(path)


def _snapshot(raw: bytes) -> object:
    """The rows of a snapshot whose digests fit, so that they are read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packed, meta = gzip.compress(raw), b'{"built_at": "2026-01-31"}'
        (folder / "advisories-pypi.json.gz").write_bytes(packed)
        (folder / snapshot.META).write_bytes(meta)
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        (folder / snapshot.DIGESTS).write_text(json.dumps(digests))
        return list(snapshot.Snapshot(folder, ["PyPI"]).records())


def _trivy_cache(raw: bytes) -> object:
    with _file("db/metadata.json", raw) as path:
        return age.moment(age.kept(path.parent.parent))


def _receipts(raw: bytes) -> object:
    with _file("bandit.receipt.json", raw) as path:
        good_ones, gaps = receipts.read(path.parent, commit="", pipeline_digest="x", expected=["bandit"])
    assert good_ones or gaps
    return good_ones


def _receipt() -> bytes:
    one = Receipt(
        action="bandit",
        stage="scan",
        scanner="bandit",
        state=ActionState.DONE,
        commit="",
        tree="",
        pipeline_digest="x",
        started="2026-01-31T12:00:00Z",
    )
    return msgspec.json.encode(receipts.seal(one), order="deterministic")


def _ledger() -> bytes:
    who = Person(name="Ada Tester", source="git")
    line = next_line(Entry(kind="verdict", subject="a run", at="2026-01-31T12:00:00Z", who=who), 1, "0" * 64)
    return export_line(line)


def _inline(raw: bytes) -> object:
    inline.suspected(raw)
    text = raw.decode("utf-8", "replace")
    return inline.keys(list(inline.find("a file", text)), text)


def _scopes(raw: bytes) -> object:
    lines = _text(raw).split("\n")
    hashes = LineHashes(lines[:2000])
    for number in range(1, min(len(lines), 20) + 1):
        hashes.of(number)
    for name in ("a.py", "a.tf", "a.yaml", "Dockerfile"):
        found = scopes(name, lines)
        assert found is None or len(found) == len(lines), name
    return lines


def _dataflow(raw: bytes) -> object:
    """As dataflow.report.scan does for one file."""
    try:
        module = parse("app/views.py", raw)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    limit = sys.getrecursionlimit()
    try:
        return analyse([module], checks()).found
    finally:
        sys.setrecursionlimit(limit)  # the analysis, a process of its own, raises it


def _routes(raw: bytes) -> object:
    """The route table of one file, and an endpoint that any source may have."""
    table = routes.read([("app.py", raw), ("shop/__init__.py", b"")])
    return [routes.match(table, end) for end in ("GET /a/{{b}}", f"GET /{_text(raw[:50])}")]


def _imports(raw: bytes) -> object:
    """As sourced.py does: a file of Python, another one, and both kinds of lock file."""
    graphs = {name: asked.read(name, raw) for name in ("poetry.lock", "uv.lock", "requirements.txt")}
    names = [*imports.above("jinja2", graphs["poetry.lock"]), "jinja2", "requests"]
    others = ("Dockerfile", "a.ipynb", "hardgate.yaml", "pyproject.toml", "Pipfile", "package.json", "setup.cfg")
    tree = imports.read([("app.py", raw)], [(name, raw) for name in others], dict.fromkeys(names, graphs))
    return [imports.use(name, tree, graphs) for name in names]


def _manifests(raw: bytes) -> object:
    return [locks.declares(name, raw) for name in good.MANIFESTS]


def _requirements(raw: bytes) -> object:
    """Every line that is not empty and no comment ends as a pin, a gap or an option."""
    return pins.prepare("requirements.txt", raw, {"base.txt"}), pins.prepare_list("requirements.txt", raw, set())


def _versions(raw: bytes) -> object:
    for ecosystem in versions.ECOSYSTEMS:
        parts = [_text(part) for part in raw.split(b" ")[:3]]
        with contextlib.suppress(versions.NotComparableError):
            values = [versions.parse(ecosystem, part) for part in parts]
            sorted(values)
    return raw


def _purl(raw: bytes) -> object:
    return purls.parse(_text(raw)), purl.read(_text(raw))


def _lock(raw: bytes) -> object:
    with _file("lock.json", raw) as path:
        return lock.read_lock(path)


def _manifest(raw: bytes) -> object:
    with _file(manifest.MANIFEST, raw) as path:
        manifest.read_label(path.parent)
        return manifest.read(path.parent)


def _git(raw: bytes) -> object:
    """A file .git, as a work tree of a submodule has it, and the settings of a git folder."""
    with _file(".git", raw) as path:
        git.around(path.parent)
    with _file("config", raw) as path:
        return git._settings(path.parent), git.names(raw)


def _lists(read: Callable[[bytes, str], Any]) -> Callable[[bytes], Any]:
    return lambda raw: read(raw, "a file")


_IMAGE = imagefile.make([{"a": b"1"}, {"b": b"2"}], name="a:1", run={"User": "app"}, history=["COPY a", "RUN b"])
_FACTS = imagefile.read(io.BytesIO(_IMAGE))
_LAYERS = [f"sha256:{layer}" for layer in _FACTS.layers]
_SEEN = {
    "ArtifactType": "container_image", "Results": [{"Class": "lang-pkgs", "Type": "pip", "Packages": [{"Name": "a"}]}],
    "Metadata": {"ImageID": f"sha256:{_FACTS.config}", "DiffIDs": _LAYERS, "OS": {"Family": "debian", "Name": "12"}},
}  # fmt: skip
_BOM = {
    "bomFormat": "CycloneDX", "specVersion": "1.7", "components": [{"type": "library", "name": "a", "version": "1"}],
    "metadata": {
        "component": {
            "type": "container", "name": "x",
            "properties": [{"name": "aquasecurity:trivy:DiffID", "value": layer} for layer in _LAYERS],
        }
    },
}  # fmt: skip


READERS: tuple[Reader, ...] = (
    Reader("image-archive", lambda raw: imagefile.read(io.BytesIO(raw)), [_IMAGE], (ReportError,)),
    Reader("image-seen", lambda raw: trivy_image.seen(raw, _FACTS), [json.dumps(_SEEN).encode()], (ReportError,)),
    Reader("image-bom", lambda raw: bom.read(raw, _FACTS), [json.dumps(_BOM).encode()], (ReportError,)),
    Reader(
        "rego-json",
        lambda raw: documents.documents("a.json", raw),
        (b'{"a": [1]}', b"[1, 2]"),
        (documents.UnreadError,),
    ),
    Reader(
        "rego-yaml",
        lambda raw: documents.documents("a.yaml", raw),
        (b"a: [1]\n---\n- b\n", b"a: &x [1]\nb: *x\n"),
        (documents.UnreadError,),
    ),
    Reader("hardgate-yaml", _pipeline, [good.PIPELINE], (ConfigError,)),
    Reader("policy-cases", _cases, [good.CASES], (ConfigError,)),
    Reader("waivers", _lists(waivers.read), [good.WAIVERS], (ConfigError,)),
    Reader("baseline", lambda raw: baseline.records(raw, "b.json", _PIPELINE.policy), [good.BASELINE], (ConfigError,)),
    Reader(
        "vex", lambda raw: vex.read(raw, "v.json", _PIPELINE.policy), [good.OPENVEX, good.CYCLONEDX_VEX], (ConfigError,)
    ),
    Reader("sbom", lambda raw: sbom.read(raw, "s.json"), [good.CYCLONEDX_VEX], (StoreError,)),
    Reader("osv-record", _advisory, [good.OSV], (StoreError,)),
    Reader("osv-export", _export, [_zipped(good.OSV)], (StoreError, ConfigError)),
    Reader("kev", _kev, [good.KEV], (StoreError,)),
    Reader("epss", _epss, [good.EPSS, gzip.compress(good.EPSS)], (StoreError,)),
    Reader("osv-snapshot", _snapshot, [good.ROWS], (StoreError,)),
    Reader("trivy-cache", _trivy_cache, [b'{"UpdatedAt": "2026-01-31T12:00:00Z"}'], ()),
    Reader("date", lambda raw: age.moment(_text(raw)), [b"2026-01-31", b"Sat, 31 Jan 2026 12:00:00 GMT"], ()),
    Reader("versions", _versions, [b"1.0rc1 1:2.0-1 v1.2.3-alpha.1+b", b"2!1.0.post1.dev2+l 1.x 0"], ()),
    Reader(
        "cvss",
        lambda raw: severity.cvss(_text(raw)),
        [b"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N", b"AV:N/AC:L/Au:N/C:P/I:P/A:P"],
        (),
    ),
    Reader(
        "purl",
        _purl,
        [b"pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=debian-12", b"pkg:npm/%40a/b@1.0"],
        (purl.PurlError,),
    ),
    Reader("requirements", _requirements, [good.REQUIREMENTS], ()),
    Reader("manifests", _manifests, list(good.MANIFESTS.values()), ()),
    Reader("pipenv", locks.pipenv_joined, [good.PIPENV], ()),
    Reader("workspace", lambda raw: locks.names_member(raw, "packages/x"), [good.LOCK], ()),
    Reader("template", lambda raw: templates.is_template("a.yaml", raw), [good.TEMPLATE], ()),
    Reader("inline", _inline, [good.SILENCED], ()),
    Reader("scopes", _scopes, [good.PYTHON, good.TERRAFORM, good.DOCKERFILE, good.WORKFLOW], ()),
    Reader("routes-source", _routes, [good.PYTHON, *good.FILES], ()),
    Reader("imports-source", _imports, [good.PYTHON, *good.LOCKS], ()),
    Reader("dataflow-source", _dataflow, [good.PYTHON, *good.FILES], ()),
    Reader("git-blame", past.blamed, [good.BLAME], ()),
    Reader("receipts", _receipts, [_receipt()], ()),
    Reader("ledger", lambda raw: follow(read_export(raw, "l.jsonl")), [_ledger()], (StoreError,)),
    Reader("tools-lock", _lock, [good.LOCK_OF_TOOLS], (ConfigError,)),
    Reader("tools-manifest", _manifest, [good.MANIFEST], (ToolError,)),
    Reader(
        "git-folder", _git, [b"gitdir: ../x/.git/modules/y\n", b"[extensions]\n\tobjectFormat = sha256\n"], (ToolError,)
    ),
    *(Reader(*one) for one in hooks.SOURCES),
)
