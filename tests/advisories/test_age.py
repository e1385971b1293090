"""`policy.max_advisory_age`: how it is written, and what is refused."""

from __future__ import annotations

import pytest

from hardgate.cli.common import parse_pipeline
from hardgate.errors import ConfigError

PIPELINE = "pipeline: x\nstages:\n  - name: s\n    actions: [ruff]\n"


@pytest.mark.parametrize(
    ("written", "days"), [("7", 7.0), ("7d", 7.0), ("1.5", 1.5), ("0.5d", 0.5), ("0", 0.0), ("3650d", 3650.0)]
)
def test_days_with_and_without_their_letter(written: str, days: float) -> None:
    pipeline = parse_pipeline(f"{PIPELINE}policy: {{max_advisory_age: {written}}}\n".encode(), "hardgate.yaml")
    assert pipeline.policy.max_advisory_age == days


def test_a_week_is_the_default() -> None:
    assert parse_pipeline(PIPELINE.encode(), "hardgate.yaml").policy.max_advisory_age == 7


@pytest.mark.parametrize("written", ["-1", "-1d", "1w", "d", "a while", "true", "[7]", "'7'", "1e9d", "~"])
def test_what_is_no_number_of_days_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match=r"line 5: policy\.max_advisory_age"):
        parse_pipeline(f"{PIPELINE}policy: {{max_advisory_age: {written}}}\n".encode(), "hardgate.yaml")
