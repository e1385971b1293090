"""A scanner whose files are told by their contents: what is in scope, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardgate.errors import ToolError
from hardgate.repository import Entry
from hardgate.scanners.cfn_lint import CFN_LINT
from hardgate.scanners.hadolint import HADOLINT
from hardgate.staging import recognised

TOPIC = b"Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n"


def _entry(path: str) -> Entry:
    return Entry(path=path, private=path, size=1, digest="0")


@pytest.mark.parametrize(
    ("path", "content", "wanted"),
    [
        ("stack.yaml", TOPIC, True),
        ("settings.yaml", b"name: x\n", False),
        ("template.yaml", b"name: x\n", True),
        (".cfnlintrc.yaml", b"regions: [eu-west-1]\n", True),  # a configuration, which is told whatever is in it
    ],
)
def test_by_content(path: str, content: bytes, wanted: bool, tmp_path: Path) -> None:
    (tmp_path / path).write_bytes(content)
    assert recognised(CFN_LINT, lambda: tmp_path, _entry(path)) is wanted


def test_a_file_that_was_gone_is_kept(tmp_path: Path) -> None:
    assert recognised(CFN_LINT, lambda: tmp_path, _entry("gone.yaml"))


def test_no_copy_is_made_for_a_scanner_that_goes_by_names() -> None:
    def staged() -> Path:
        raise ToolError("nobody should ask")

    assert recognised(HADOLINT, staged, _entry("Dockerfile"))
