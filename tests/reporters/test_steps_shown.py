"""Steps in the reports: what was made is told with its digest, and a step reads like any other action."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from hardgate import reporters
from hardgate.gate import decide
from hardgate.model import ActionState, Gap, GapReason, Output, ToolUse
from tests.builders import NOW, policy, receipt, run

SCHEMA = Path(reporters.__file__).parents[1] / "schemas" / "report-1.schema.json"
DIGEST = "8" * 64
IMAGE = Output(
    name="planets", media_type="application/vnd.oci.image.config.v1+json", sha256=DIGEST, size=1024,
    reference=f"sha256:{DIGEST}",
)  # fmt: skip
LOG = Output(name="build-log.txt", media_type="text/plain", sha256="7" * 64, size=10)
BUILD = receipt(
    "build", stage="image", scope=None, outputs=(LOG, IMAGE), notes=(f"planets:1 is sha256:{DIGEST}",),
    tool=ToolUse(name="docker", version="28.2.2", digest="e" * 64, origin="path"),
)  # fmt: skip
MISSING = Gap(reason=GapReason.INPUT_MISSING, action="push", message="push needs an image, and build made none")
PUSH = receipt("push", ActionState.GAP, stage="push", gaps=(MISSING,))
RUN = run(receipt("bandit"), BUILD, PUSH)
VERDICT = decide(RUN, policy(), now=NOW)


def rendered(name: str) -> str:
    made = reporters.BY_NAME[name].render(RUN, VERDICT)
    return (made if isinstance(made, bytes) else b"".join(made)).decode()


def test_the_json_report_has_the_image_and_keeps_to_its_schema() -> None:
    report = json.loads(rendered("json"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(report)
    log, image = report["receipts"][1]["outputs"]
    assert image["reference"] == f"sha256:{DIGEST}"
    assert "reference" not in log  # as before there were images: the seals of older receipts still fit
    assert [gap["reason"] for gap in report["gaps"]] == ["input-missing"]


@pytest.mark.parametrize("name", ["text", "markdown", "html", "junit", "sarif", "github"])
def test_what_was_made_and_what_was_not_done_is_told(name: str) -> None:
    shown = " ".join(rendered(name).split())
    assert "push needs an image, and build made none" in shown
    if name in {"text", "markdown", "html"}:
        assert f"sha256:{DIGEST}" in shown.replace("<wbr>", "")
