"""The real Trivy over archives of images, offline, with a small advisory database: what it finds, and what is a gap."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import referencing

from hardgate import imagefile
from hardgate.model import ActionState, GapReason, Receipt
from hardgate.store import Store
from tests.advisories.conftest import fill, record

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests" / "schemas"
SITE = "usr/lib/python3/site-packages"
KEY = "AKIA" + "QYLPMN5HFIQR7XYA"
DEBIAN = {
    "etc/os-release": b'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n', "etc/debian_version": b"12.1\n",
    "var/lib/dpkg/status": b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\n"
    b"Version: 3.0.11-1~deb12u1\nDescription: x\n\n",
}  # fmt: skip
JESSIE = {"etc/os-release": b'NAME="Debian"\nVERSION_ID="8"\nID=debian\n', "etc/debian_version": b"8.11\n"}
ODD = {"etc/os-release": b'NAME="Odd Linux"\nVERSION_ID="3"\nID=oddlinux\n'}
JINJA = {f"{SITE}/Jinja2-2.4.1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 2.4.1\n"}
LEFT = {"node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.0.0", "license": "MIT"}'}
APP = {"app/settings.py": f'KEY = "{KEY}"\n'.encode(), **JINJA}
RUN = {"Env": [f"AWS_KEY={KEY}"], "User": "root"}
HISTORY = ("ADD rootfs /", "COPY . /app", "RUN rm /app/settings.py", "USER root")
KNOWN = [record("PYSEC-2019-217", "PyPI", "jinja2", [{"introduced": "0"}], aliases=["CVE-2019-10906"])]


def archive(folder: Path, name: str, *layers: Mapping[str, bytes], **more: Any) -> str:
    """An image in a file, as the words `NAME=FILE=DIGEST`."""
    raw = imagefile.make(layers, name=f"{name}:1", run=more.pop("run", {"User": "app"}), **more)
    (folder / f"{name}.tar").write_bytes(raw)
    return f"{name}={folder / name}.tar={imagefile.read(io.BytesIO(raw)).config}"


@pytest.fixture
def home(tmp_path: Path, tools_folder: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "tools").symlink_to(tools_folder)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "app.py").write_text("")
    return folder


def doing(home: Path, what: str, images: Sequence[str], **keys: Any) -> list[Receipt]:
    words = [sys.executable, "-m", "tests.lab.image_scan", str(home), str(home.parent / "tree"), what]
    done = subprocess.run([*words, json.dumps(keys), *images], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=list[Receipt])


def told(receipt: Receipt) -> set[tuple[str, str, str]]:
    return {(one.kind, one.rule, one.location.path) for one in receipt.findings}


def reasons(receipt: Receipt) -> list[GapReason]:
    return [gap.reason for gap in receipt.gaps]


def test_layers_configuration_and_packages_are_looked_at_and_a_new_build_is_the_same(
    home: Path, tmp_path: Path
) -> None:
    fill(home / "advisories", KNOWN, ecosystems=["PyPI"], date="2999-01-01T00:00:00Z")
    gone = {"app/.wh.settings.py": b""}
    first = archive(tmp_path, "planets", DEBIAN, APP, gone, run=RUN, history=HISTORY)
    [one] = doing(home, "scan-image", [first])
    assert told(one) == {
        ("secret", "aws-access-key-id", "planets"),
        ("secret", "aws-access-key-id", "planets:/app/settings.py"),
        ("misconfiguration", "DS-0002", "planets"),
        ("misconfiguration", "DS-0026", "planets"),
        ("dependency", "CVE-2019-10906", f"planets:/{SITE}/Jinja2-2.4.1.dist-info/METADATA"),
    }
    assert {finding.scanner for finding in one.findings} == {"scan-image"}
    assert KEY not in repr(one)
    assert one.tool is not None
    assert one.tool.name == "trivy"
    assert one.canary is not None
    assert one.canary.rules == ("aws-access-key-id", "DS-0002", "CVE-2019-10906")
    # Debian's packages are in no database of ours.
    assert [(gap.reason, gap.action) for gap in one.gaps] == [(GapReason.NOT_COVERED, "planets")]
    assert "debian 12" in one.gaps[0].message
    # Another base, another order of layers, one more: the same image to whoever reads the findings.
    base = {**DEBIAN, "etc/motd": b"welcome"}
    other = archive(tmp_path, "planets", base, {"usr/share/x": b"x"}, JINJA, APP, gone, run=RUN, history=HISTORY)
    [again] = doing(home, "scan-image", [other], system_exempt="Debian's tracker is watched by the platform team")
    assert first.rpartition("=")[2] != other.rpartition("=")[2]
    assert (again.state, again.gaps) == (ActionState.DONE, ())
    assert any("platform team" in note for note in again.notes)
    assert again.canary is not None
    assert (one.canary.how, again.canary.how, again.canary.rules) == ("this run", "earlier today", one.canary.rules)
    assert ids(again) == ids(one)
    assert all(finding.fingerprints.get("image/v1") for finding in again.findings if finding.package)


def ids(receipt: Receipt) -> dict[str, dict[str, str]]:
    return {finding.id: finding.fingerprints for finding in receipt.findings}


def test_what_there_is_no_data_for_is_a_gap(home: Path, tmp_path: Path) -> None:
    bare = archive(tmp_path, "bare", {"app/tool": b"\x7fELF"})
    [one] = doing(home, "scan-image", [bare])
    assert reasons(one) == [GapReason.DATA_UNAVAILABLE, GapReason.NOT_COVERED]
    assert "no operating system was recognised" in one.gaps[1].message
    # An ecosystem that the database does not have, and one of its advisories missing: the known-bad image tells.
    fill(home / "advisories", [record("PYSEC-1", "PyPI", "x", [{"introduced": "0"}])], ecosystems=["PyPI"])
    web = archive(tmp_path, "web", {**DEBIAN, **JESSIE}, LEFT)
    odd = archive(tmp_path, "odd", {name: DEBIAN[name] for name in DEBIAN if "dpkg" in name} | ODD)
    two, three = doing(home, "scan-image", [web, odd])
    assert reasons(two) == [
        GapReason.DATA_UNAVAILABLE, GapReason.NOT_COVERED, GapReason.CANARY_MISSED, GapReason.DATA_STALE,
    ]  # fmt: skip
    assert "no advisories of npm: 1 packages" in two.gaps[0].message
    assert "debian 8.11" in two.gaps[1].message
    assert "CVE-2019-10906" in two.gaps[2].message
    assert ("misconfiguration", "end-of-life-system", "web") in told(two)
    assert [gap.message for gap in three.gaps if gap.reason is GapReason.NOT_COVERED] == [
        "odd: the packages of its system were not judged: no operating system was recognised in it",
        'trivy: Unsupported os family="none"',
    ]


def test_a_package_whose_file_cannot_be_read_is_a_gap(home: Path, tmp_path: Path) -> None:
    """Trivy lists the other packages, ends with 0, and says nothing."""
    fill(home / "advisories", KNOWN, ecosystems=["PyPI", "npm"], date="2999-01-01T00:00:00Z")
    broken = {"node_modules/x/package.json": b"{", f"{SITE}/y.dist-info/METADATA": b"Name: y\n", "app/z.egg": b"PK\x03"}
    image = archive(tmp_path, "web", DEBIAN, LEFT, broken)
    why = {"node_modules/*": "a test of its own", "*.egg": "not this", f"{SITE}/*": "no release"}
    [one] = doing(home, "scan-image", [image], system_exempt="watched", unread_exempt=why)
    [gap] = one.gaps
    assert gap.reason is GapReason.FILE_UNREAD
    assert 'could not read "unable to open `.egg` archive' in gap.message
    assert sum("unread_exempt" in note for note in one.notes) == 2
    [two] = doing(home, "sbom", [image])
    assert reasons(two) == [GapReason.FILE_UNREAD] * 3
    assert "node_modules/x/package.json" in two.gaps[0].message + two.gaps[1].message + two.gaps[2].message


def test_an_archive_that_is_another_or_not_whole_is_a_gap(home: Path, tmp_path: Path) -> None:
    name, file, _ = archive(tmp_path, "planets", DEBIAN).split("=")
    Path(f"{file}.cut").write_bytes(Path(file).read_bytes()[:9000])
    Path(f"{file}.text").write_text("no archive")
    images = [f"{name}={file}={'0' * 64}", f"cut={file}.cut={'0' * 64}", f"text={file}.text={'0' * 64}"]
    other, *broken = doing(home, "scan-image", images)
    assert (reasons(other), other.findings) == ([GapReason.INPUT_MISSING], ())
    assert "another image" in other.gaps[0].message
    for receipt in broken:
        assert (reasons(receipt), receipt.argv) == ([GapReason.REPORT_UNREADABLE], ())


def test_the_bill_of_materials_is_whole_and_kept(home: Path, tmp_path: Path) -> None:
    images = [archive(tmp_path, "planets", DEBIAN, JINJA), archive(tmp_path, "bare", {"app/tool": b"\x7fELF"})]
    one, empty = doing(home, "sbom", images)
    assert (one.state, one.notes[0].split(",")[0]) == (ActionState.DONE, "2 packages of planets")
    [output] = one.outputs
    assert (output.name, output.media_type) == (
        "planets-image.cdx.json", "application/vnd.cyclonedx+json; version=1.7",
    )  # fmt: skip
    assert reasons(empty) == [GapReason.NOT_COVERED]
    document = kept(home, output.sha256)
    assert document["metadata"]["component"]["name"] == "planets"
    assert {part["purl"].partition("@")[0] for part in document["components"] if "purl" in part} == {
        "pkg:deb/debian/openssl", "pkg:pypi/jinja2",
    }  # fmt: skip
    assert list(validator().iter_errors(document)) == []


def kept(home: Path, sha256: str) -> Any:
    with Store.open(home / "store.db") as store:
        return json.loads(store.blob(sha256))


def validator() -> jsonschema.Draft7Validator:
    whole = json.loads((SCHEMAS / "cyclonedx-1.7.json").read_bytes())
    base = whole["$id"].rpartition("/")[0]
    names = {
        "spdx.SNAPSHOT.schema.json": "cyclonedx-spdx.json", "jsf-0.82.SNAPSHOT.schema.json": "cyclonedx-jsf-0.82.json",
        "cryptography-defs.SNAPSHOT.schema.json": "cyclonedx-cryptography.json",
    }  # fmt: skip
    parts = [
        (f"{base}/{name}", referencing.Resource.from_contents(json.loads((SCHEMAS / file).read_bytes())))
        for name, file in names.items()
    ]
    return jsonschema.Draft7Validator(whole, registry=referencing.Registry().with_resources(parts))
