"""plan.py: what a tree asks for, by the names of its files, and what a selection starts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate import plan
from hardgate.model import Action, Pipeline, Selection, Stage
from tests.builders import pipeline, policy


class Parts(msgspec.Struct, frozen=True):
    """Options of a scanner that has parts, as trivy's."""

    scanners: tuple[str, ...]


def action(scanner: str, *parts: str, name: str = "") -> Action:
    return Action(name=name or scanner, scanner=scanner, options=Parts(parts) if parts else None)


@pytest.mark.parametrize(
    ("path", "subjects"),
    [
        ("Dockerfile", {"dockerfile"}),
        ("deploy/Dockerfile.web", {"dockerfile"}),
        ("web.Dockerfile", {"dockerfile"}),
        ("web.dockerfile", {"dockerfile"}),
        ("Containerfile", {"dockerfile"}),
        ("li\nne/odd\nname.Dockerfile", {"dockerfile"}),
        ("Dockerfile.\nx", {"dockerfile"}),
        ("Dockerfile/readme", set()),
        ("Dockerfiles.md", set()),
        ("main.tf", {"terraform"}),
        ("infra/main.tf.json", {"terraform"}),
        ("main.tfvars", set()),
        ("requirements.txt", {"requirements"}),
        ("dev-requirements.txt", {"requirements"}),
        ("requirements/base.txt", {"requirements"}),
        ("Requirements-Dev.TXT", {"requirements"}),
        ("constraints.txt", set()),
        ("notes.txt", set()),
        ("uv.lock", {"lockfile"}),
        ("web/package-lock.json", {"lockfile"}),
        ("my-uv.lock", set()),
        ("app.py", set()),
        ("", set()),
    ],
)
def test_what_a_file_asks_for(path: str, subjects: set[str]) -> None:
    assert {need.subject for need in plan.requirements(pipeline(action("bandit")), [path])} == subjects


@pytest.mark.parametrize(
    ("path", "covering", "not_covering"),
    [
        (
            "Dockerfile",
            [action("hadolint"), action("trivy", "misconfig")],
            [action("trivy", "vuln"), action("checkov")],
        ),
        ("main.tf", [action("checkov")], [action("trivy", "misconfig"), action("bandit")]),
        (
            "requirements.txt",
            [action("pip-audit"), action("safety"), action("trivy", "secret", "vuln")],
            [action("trivy", "misconfig"), action("bandit"), action("cyclonedx")],
        ),
        ("uv.lock", [action("trivy", "vuln")], [action("pip-audit"), action("safety"), action("trivy", "license")]),
    ],
)
def test_who_covers_it(path: str, covering: list[Action], not_covering: list[Action]) -> None:
    for one in covering:
        named = msgspec.structs.replace(one, name="own-name")
        (need,) = plan.requirements(pipeline(*not_covering, named), [path])
        assert need.actions == ("own-name",)
    (need,) = plan.requirements(pipeline(*not_covering), [path])
    assert need.actions == ()
    assert need.scanners
    assert need.reason.endswith(f": {path}")


def test_a_written_reason_is_carried_along() -> None:
    rules = policy(exempt={"terraform": "generated"})
    needs = plan.requirements(pipeline(action("bandit"), rules=rules), ["main.tf", "Dockerfile"])
    assert {need.subject: need.exempt for need in needs} == {"terraform": "generated", "dockerfile": ""}


def test_an_empty_tree_asks_for_nothing() -> None:
    assert plan.requirements(pipeline(action("bandit")), []) == ()
    assert plan.advice(pipeline(action("bandit")), []) == ()


@pytest.mark.parametrize(
    ("paths", "actions", "missed"),
    [
        (["a.py"], [action("bandit"), action("gitleaks")], []),
        (["a.py"], [action("ruff"), action("trivy", "secret")], []),
        (["a.py"], [action("gitleaks")], ["Python code"]),
        (["a.txt"], [action("trivy", "vuln")], ["secrets"]),
        ([".github/workflows/ci.yml"], [action("gitleaks")], ["GitHub workflows"]),
        (["sub/.github/workflows/ci.yaml"], [action("gitleaks"), action("zizmor")], []),
        ([".github/workflows/deep/ci.yml"], [action("gitleaks")], []),
        (["template.yaml"], [action("gitleaks")], ["CloudFormation templates"]),
        (["cdk.out/shop.template.json"], [action("gitleaks"), action("cfn-lint")], []),
        (["settings.yaml"], [action("gitleaks")], []),
        (["a.py", ".github/workflows/ci.yml"], [], ["secrets", "Python code", "GitHub workflows"]),
    ],
)
def test_what_nobody_looks_at_is_pointed_out(paths: list[str], actions: list[Action], missed: list[str]) -> None:
    sentences = plan.advice(pipeline(*actions), paths)
    assert [sentence.removeprefix("No action looks at ").split(";")[0] for sentence in sentences] == missed


STAGES = Pipeline(
    name="p",
    stages=(
        Stage(name="first", actions=(action("gitleaks"),)),
        Stage(name="second", actions=(action("bandit"), action("ruff"))),
        Stage(name="bandit", actions=(action("trivy"),)),
    ),
    policy=policy(),
    digest="",
    definition="",
)


@pytest.mark.parametrize(
    ("selection", "started"),
    [
        (Selection(), {"first": ["gitleaks"], "second": ["bandit", "ruff"], "bandit": ["trivy"]}),
        (Selection(base="main"), {"first": ["gitleaks"], "second": ["bandit", "ruff"], "bandit": ["trivy"]}),
        (Selection(stages=("second",)), {"second": ["bandit", "ruff"]}),
        (Selection(actions=("bandit",)), {"second": ["bandit"]}),
        (Selection(actions=("trivy", "ruff")), {"second": ["ruff"], "bandit": ["trivy"]}),
        (Selection(stages=("first",), actions=("ruff",)), {"first": ["gitleaks"], "second": ["ruff"]}),
        (Selection(stages=("absent",)), {}),
    ],
)
def test_what_a_selection_starts(selection: Selection, started: dict[str, list[str]]) -> None:
    chosen = plan.selected(STAGES, selection)
    assert [(stage, [one.name for one in members]) for stage, members in chosen] == list(started.items())


@pytest.mark.parametrize(
    ("path", "glob", "out"),
    [
        ("tests/a.py", "tests", True),
        ("tests/a.py", "tests/", True),
        ("tests/deep/a.py", "tests/*", True),
        ("tests/deep/a.py", "tests/**", True),
        ("tests", "tests", True),
        ("mytests/a.py", "tests", False),
        ("tests.py", "tests", False),
        ("a.min.js", "*.min.js", True),
        ("deep/a.min.js", "*.min.js", True),
        ("Tests/a.py", "tests", False),
        ("a[1].py", "a[1].py", False),
        ("a1.py", "a[1].py", True),
        ("a.py", "/", False),
        ("a.py", "", False),
        ("li\nne.py", "li*", True),
    ],
)
def test_what_a_glob_leaves_out(path: str, glob: str, out: bool) -> None:
    assert plan.excluded(path, [glob]) is out
    assert plan.excluded(path, ["nothing", glob]) is out


@pytest.mark.parametrize(
    ("path", "folders", "inside"),
    [
        ("src/a.py", (), True),
        ("src/a.py", ("src",), True),
        ("src", ("src",), True),
        ("srcs/a.py", ("src",), False),
        ("src/a.py", ("src/a.py",), True),
        ("src/a.py", ("docs", "src"), True),
        ("src/a.py", (".",), True),
        ("src/a.py", ("src/a",), False),
    ],
)
def test_what_lies_within_a_folder(path: str, folders: tuple[str, ...], inside: bool) -> None:
    assert plan.within(path, folders) is inside


PARTS = st.lists(st.sampled_from(["a", "b", "tests", "x.tf", "Dockerfile"]), min_size=1, max_size=4).map("/".join)


@given(PARTS, PARTS)
def test_a_folder_that_is_left_out_is_left_out_whole(folder: str, inside: str) -> None:
    assert plan.excluded(f"{folder}/{inside}", [folder])
    assert plan.within(f"{folder}/{inside}", (folder,))


@given(st.lists(PARTS, max_size=6))
def test_a_requirement_names_a_file_that_is_there(paths: list[str]) -> None:
    for need in plan.requirements(pipeline(action("checkov")), paths):
        assert need.reason.rsplit(": ", 1)[1] in paths


def _staged(*names: str) -> Pipeline:
    """A pipeline of these stages, each with the actions that its words name."""
    stages = tuple(
        Stage(name=f"s{number}", actions=tuple(action(name) for name in words.split()))
        for number, words in enumerate(names)
    )
    return msgspec.structs.replace(STAGES, stages=stages)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        (("bandit gitleaks", "hadolint", "build", "scan-image"), []),
        (("bandit hadolint", "build", "sbom scan-image"), []),
        (("bandit", "build", "scan-image"), []),
        (
            ("gitleaks", "build", "scan-image", "hadolint"),
            ["scan-image looks at the image before hadolint looks at the Dockerfile: put the Dockerfile first."],
        ),
        (
            ("hadolint", "bandit", "build", "scan-image"),
            ["hadolint looks at the Dockerfile before bandit looks at the source: put the source first."],
        ),
        (
            ("build", "scan-image", "bandit"),
            ["scan-image looks at the image before bandit looks at the source: put the source first."],
        ),
        (("bandit", "build scan-image"), ["scan-image needs the image that build makes: put it into a later stage."]),
        (("sbom", "build"), ["sbom needs the image that build makes: put it into a later stage."]),
    ],
)
def test_what_is_looked_at_before_what_is_within_is_pointed_out(stages: tuple[str, ...], said: list[str]) -> None:
    assert list(plan.advice(_staged(*stages), [])) == said
