"""How the tests are dealt out to the workers of pytest-xdist: file by file, and what takes longest first.

A file is dealt out whole, so that what its tests share (a browser, a service, a run that several look at) is made once
and not once in every worker. What needs the engine is one group over all files. The files that take longest come first:
whatever is left at the end is small, and no worker waits long for another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped] # it brings no types

ENGINE = "@containers"
# Seconds of what takes longest, as measured on two cores: a file that is not named counts by its tests. Where these are
# no longer right, the tests take longer and nothing else happens.
SECONDS = {
    ENGINE: 300,
    "tests/test_faults.py": 250,
    "tests/cli/test_hostile.py": 90,
    "tests/scanners/test_contract.py": 58,
    "tests/examples/test_planetary_api_collection.py": 50,
    "tests/toolbox/test_toolbox_locking.py": 45,
    "tests/cli/test_bad_input.py": 42,
    "tests/store/test_overrides.py": 38,
    "tests/scanners/test_trivy.py": 34,
    "tests/cli/test_run.py": 32,
    "tests/reporters/test_html.py": 31,
    "tests/scanners/test_semgrep.py": 28,
    "tests/test_rules.py": 27,
    "tests/advisories/test_trivy_runs.py": 27,
    "tests/fuzz/test_fuzz.py": 24,
    "tests/steps/test_newman.py": 22,
    "tests/examples/test_todo.py": 21,
    "tests/advisories/test_sbom_audit_runs.py": 21,
    "tests/cli/test_plugins.py": 20,
    "tests/scanners/test_grype_osv.py": 20,
    "tests/test_secrets_once.py": 20,
    "tests/advisories/test_cli_advisories.py": 20,
    "tests/scanners/test_snyk.py": 19,
    "tests/identity/test_explain_two.py": 18,
    "tests/examples/test_planetary_api_holes.py": 18,
    "tests/steps/test_scan_image.py": 17,
    "tests/scanners/test_dependency_check.py": 16,
    "tests/scanners/test_described.py": 16,
    "tests/store/test_ledger.py": 15,
    "tests/test_config.py": 14,
    "tests/cli/test_base.py": 14,
    "tests/examples/test_planetary_api.py": 13,
    "tests/cli/test_hooks.py": 12,
    "tests/reporters/test_reporters.py": 11,
    "tests/scanners/test_checkov.py": 11,
    "tests/identity/test_fingerprints.py": 11,
    "tests/test_repository.py": 11,
    "tests/scanners/test_cfn_lint.py": 11,
    "tests/cli/test_rego.py": 11,
    "tests/advisories/test_rating.py": 11,
    "tests/test_architecture.py": 10,
    "tests/cli/test_self_scan.py": 10,
    "tests/cli/test_run_step.py": 10,
    "tests/cli/test_pre_commit.py": 9,
    "tests/steps/test_schemathesis.py": 9,
    "tests/identity/test_pairing.py": 8,
    "tests/cli/test_baseline.py": 8,
}
_QUICK = 0.05  # seconds of a test in a file that is not named


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # see above
    """`--dist loadgroup`, with a file as a group where a test names none."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False  # by the number of tests: ours are in order, see `longest_first`
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The group of a test: its file, or the engine's."""
    return ENGINE if nodeid.endswith(ENGINE) else nodeid.partition("::")[0]


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order in which their groups are to be dealt out; within a group nothing moves."""
    found = list(items)
    number = Counter(group(item.nodeid) for item in found)
    seconds = {name: SECONDS.get(name, _QUICK * tests) for name, tests in number.items()}
    return sorted(found, key=lambda item: -seconds[group(item.nodeid)])
