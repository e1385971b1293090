"""opa by the real command line: the worked example, the base's policies in a change, and what ends in no verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hardgate.model import ExitCode, GapReason
from tests.cli.conftest import commit, git, run
from tests.lab.command import Result, hardgate
from tests.scanners.real import ROOT

Make = Callable[..., Path]
KEYS = {"inputs": ["plan.json"], "data": ["data"]}
PIPELINE = json.dumps({"pipeline": "rego", "stages": [{"name": "plan", "actions": [{"opa": KEYS}]}]})
POLICY = 'package main\n\ndeny contains "too many" if input.count > data.most\n'
FILES = {"policy/main.rego": POLICY, "data/most.json": '{"most": 3}', "plan.json": '{"count": 5}'}

pytestmark = pytest.mark.real


def reasons(result: Result) -> list[str]:
    return [one["reason"] for one in result.json["gaps"]]


def rules(result: Result) -> list[str]:
    return [one["rule"] for one in result.json["findings"] if one["scanner"] == "opa"]


def test_the_worked_example(home: Path, tmp_path: Path) -> None:
    """A real plan, judged by the policies of examples/terraform-plan: every hole of its main.tf is found."""
    root = shutil.copytree(ROOT / "examples" / "terraform-plan", tmp_path / "terraform-plan")
    result = run(root)
    assert result.code is ExitCode.FAIL, result.stdout
    blocking = {one["message"] for one in result.json["findings"] if one["state"] == "blocking"}
    assert blocking == {
        "aws_security_group.open lets the whole internet in",
        "aws_vpc_security_group_ingress_rule.world lets the whole internet in",
        "aws_s3_bucket_acl.plain makes a bucket public",
        "aws_s3_bucket_public_access_block.plain leaves block_public_policy off",
        "aws_db_instance.clear does not encrypt what it keeps",
        "aws_iam_policy.wide allows s3:*",
    }
    assert {one["location"]["path"] for one in result.json["findings"]} == {"tfplan.json"}
    assert len({one["id"] for one in result.json["findings"]}) == len(result.json["findings"]) == 12
    (receipt,) = result.json["receipts"]
    assert receipt["tool"]["version"] == "1.20.2"
    assert receipt["canary"]["rules"] == ["hardgate_canary.deny"]
    assert result.json["gaps"] == []


def test_a_change_is_judged_by_the_policies_of_its_base(home: Path, repository: Make) -> None:
    root = repository(FILES, pipeline=PIPELINE)
    git(root, "checkout", "--quiet", "-b", "change")
    (root / "policy/main.rego").write_text(POLICY.replace("input.count", "input.total"))
    (root / "policy/mild.rego").write_text('package main\n\nexception contains [""] if true\n')
    (root / "data/most.json").write_text('{"most": 9}')
    (root / "data/more.json").unlink(missing_ok=True)
    commit(root)
    mild = run(root)
    assert (rules(mild), reasons(mild)) == ([], ["not-covered"])  # the control: no rule looks at anything in it
    result = run(root, "--base", "main")
    assert (result.code, rules(result), reasons(result)) == (ExitCode.FAIL, ["main.deny"], [])
    # And what a change takes away is judged by all the same.
    shutil.rmtree(root / "policy")
    commit(root)
    assert rules(run(root, "--base", "main")) == ["main.deny"]
    assert GapReason.RULES_EMPTY in reasons(run(root))


def test_other_folders_in_hardgate_yaml_are_a_finding(home: Path, repository: Make) -> None:
    root = repository(FILES, pipeline=PIPELINE)
    git(root, "checkout", "--quiet", "-b", "change")
    other = PIPELINE.replace('"data": ["data"]', '"data": ["data", "mild"]')
    (root / "hardgate.yaml").write_text(other)
    commit(root)
    result = run(root, "--base", "main")
    assert "weakened-action-option" in {one["rule"] for one in result.json["findings"]}


def test_policies_without_an_input_are_incomplete(home: Path, repository: Make) -> None:
    """Also where git ignores the plan: it is out of scope then, and nobody would notice."""
    files = {**FILES, ".gitignore": "plan.json\n"}
    result = run(repository(files, pipeline=PIPELINE))
    assert result.code is ExitCode.INCOMPLETE
    assert reasons(result) == [GapReason.NOTHING_IN_SCOPE]


def test_a_policy_that_does_not_end_is_incomplete(home: Path, repository: Make) -> None:
    endless = (
        POLICY
        + "\nmany := numbers.range(1, 1000000)\n\nwarn contains a if { some a in many; some b in many; a == -b }\n"
    )
    keys = {**KEYS, "timeout": 2}
    pipeline = PIPELINE.replace(json.dumps(KEYS), json.dumps(keys))
    result = run(repository({**FILES, "policy/main.rego": endless}, pipeline=pipeline))
    assert result.code is ExitCode.INCOMPLETE
    assert GapReason.TIMEOUT in reasons(result)


@pytest.mark.parametrize("folder", ["/etc", "../policy", "a/../../policy"])
def test_a_policy_outside_the_tree_is_refused(home: Path, repository: Make, folder: str) -> None:
    pipeline = PIPELINE.replace('"data": ["data"]', json.dumps({"policy": [folder]})[1:-1])
    result = run(repository(FILES, pipeline=pipeline))
    assert (result.code, result.stdout) == (ExitCode.USAGE, "")
    assert "policy" in result.stderr


def test_init_proposes_the_policies_that_are_there(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "fresh"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "policy/deep").mkdir()
    (root / "policy/deep/more.rego").write_text("package deep\n")
    shown = hardgate("init", str(root), "--print").stdout
    assert '- opa: {policy: ["policy"], all_namespaces: true}' in shown
    # And where a pipeline leaves them out, that is told.
    (root / "hardgate.yaml").write_text("pipeline: p\nstages: [{name: s, actions: [gitleaks: {history: false}]}]\n")
    assert "No action looks at policies in Rego; opa or conftest would." in run(root).json["notes"]
