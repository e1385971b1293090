"""Which function, class or block a line is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate.identity.scopes import python, scopes

PYTHON = """\
import os
@cached(
    size=3)
def outer(a):
    def inner():
        return "it\\'s \\d \\{"
    if a:
        class Deep:
            x = 1
            async def go(self):
                match a:
                    case 1:
                        def late(): pass
                try:
                    pass
                except OSError:
                    def rescue():
                        pass
    return inner
x = lambda: 0
"""


def test_python_by_its_syntax_tree() -> None:
    assert python(PYTHON.split("\n")) == [
        "", "outer", "outer", "outer", "outer.inner", "outer.inner", "outer", "outer.Deep", "outer.Deep",
        "outer.Deep.go", "outer.Deep.go", "outer.Deep.go", "outer.Deep.go.late", "outer.Deep.go", "outer.Deep.go",
        "outer.Deep.go", "outer.Deep.go.rescue", "outer.Deep.go.rescue", "outer", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        r"x = '\d'",
        r"x = f'\{1}'",
        "x = f'\\N{EM DASH} {1}'",
        r"x = '\\'",
        r"x = '\\\''",
        "x = 'a\\\nb'",
        "x = 1 + \\\n  2",
    ],
)
def test_escapes_are_neither_warned_of_nor_in_the_way(text: str) -> None:
    assert python(f"{text}\ndef f():\n    pass".split("\n")) is not None


@pytest.mark.parametrize(
    "text",
    ["def f(:", "\0", "(" * 50_000, "-" * 100_000 + "1", "a" + ".b" * 100_000, "x = " + "[" * 3000 + "]" * 3000,
     "if a:\n" * 5, "f(" * 30_000 + ")" * 30_000, "1" + "+1" * 200_000],
)  # fmt: skip
def test_what_cannot_be_parsed_has_no_scopes_and_breaks_nothing(text: str) -> None:
    assert python(text.split("\n")) in (None, [""] * len(text.split("\n")))


TERRAFORM = """\
# resource "no" "no" {
resource "aws_s3_bucket" "logs" {
  bucket = "a{b" # {
  versioning {
    enabled = true
  }
  policy = <<-EOT
    { {
  EOT
  tags = {
    Name = "x"
  }
}
/* locals {
*/
locals { a = 1 }
variable "x" {}
"""


def test_hcl_by_its_blocks() -> None:
    logs = "resource.aws_s3_bucket.logs"
    assert scopes("deploy/main.tf", TERRAFORM.split("\n")) == [
        "", logs, logs, f"{logs}/versioning", f"{logs}/versioning", f"{logs}/versioning", logs, logs, logs, logs, logs,
        logs, logs, "", "", "locals", "variable.x", "",
    ]  # fmt: skip


DOCKERFILE = """\
# syntax
ARG V=1
FROM --platform=linux/amd64 python:3 AS Build
RUN a && \\
    # why
    b \\
    && c

FROM scratch
COPY . .
"""


def test_dockerfiles_by_stage_and_instruction() -> None:
    expected = [
        "", ".ARG", "build.FROM", "build.RUN", "build.RUN", "build.RUN", "build.RUN", "build.RUN", "1.FROM", "1.COPY",
        "1.COPY",
    ]  # fmt: skip
    for path in ("Dockerfile", "a/Dockerfile.prod", "web.dockerfile", "Containerfile"):
        assert scopes(path, DOCKERFILE.split("\n")) == expected
    assert scopes("dockerfiles.txt", ["FROM a"]) is None


YAML = """\
on: push
jobs:
  test:
    steps:
      - uses: actions/checkout@v4  # why
        with:
          token: x
      - name: "Run it"
        run: |
          not: a key
          - nor: an item
        shell: bash
    list:
    - 1
    - a: {b: c}
"https://x": 1
"""


def test_yaml_by_its_keys() -> None:
    steps = "jobs.test.steps"
    assert scopes("a.yml", YAML.split("\n")) == [
        "on", "jobs", "jobs.test", steps, f"{steps}.-actions/checkout.uses", f"{steps}.-actions/checkout.with",
        f"{steps}.-actions/checkout.with.token", f"{steps}.-Run it.name", f"{steps}.-Run it.run",
        f"{steps}.-Run it.run", f"{steps}.-Run it.run", f"{steps}.-Run it.shell", "jobs.test.list",
        "jobs.test.list.-", "jobs.test.list.-.a", "https://x", "https://x",
    ]  # fmt: skip


def test_documents_of_kubernetes_are_called_by_kind_and_name() -> None:
    text = (
        "---\nkind: Pod\nmetadata:\n  name: a\nspec:\n  x: 1\n---\nspec:\n  x: 2\n---\nkind: Job\nmetadata:\n  name: b"
    )
    assert scopes("k.yaml", text.split("\n")) == [
        "Pod/a", "Pod/a.kind", "Pod/a.metadata", "Pod/a.metadata.name", "Pod/a.spec", "Pod/a.spec.x", "", "spec",
        "spec.x", "Job/b", "Job/b.kind", "Job/b.metadata", "Job/b.metadata.name",
    ]  # fmt: skip


@given(
    st.sampled_from(["a.py", "a.tf", "a.yaml", "Dockerfile"]),
    st.lists(st.text(st.sampled_from('ab:-#"{}\\/*< \t|>FROM\0\udc80'), max_size=40), max_size=12),
)
def test_every_line_of_any_file_has_a_scope_or_the_file_has_none(path: str, lines: list[str]) -> None:
    found = scopes(path, lines)
    assert found is None or len(found) == len(lines)


@pytest.mark.parametrize("path", ["a.tf", "a.yaml", "Dockerfile"])
@pytest.mark.parametrize("piece", ["a ", '\\"', "/*", "- ", ": ", "a: ", '"', "<<", "{", "|"])
def test_a_hostile_line_takes_no_time(path: str, piece: str) -> None:
    """Half a megabyte in one line: what looked at all of it in a square would not come back."""
    assert scopes(path, [piece * 250_000, "x"]) is not None
