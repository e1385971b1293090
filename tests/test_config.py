"""hardgate.yaml: what is refused, with file, line and key, and what the JSON Schema for editors says of the same."""

from __future__ import annotations

import hashlib
import time
from typing import Annotated, Any, Literal

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hardgate import config
from hardgate.adapter import NoOptions
from hardgate.cli import common
from hardgate.errors import ConfigError
from hardgate.model import Kind, Pipeline, Severity
from hardgate.wording import plain


class Trivy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options with a choice, as scanners have them."""

    scanners: Annotated[tuple[Literal["vuln", "secret"], ...], msgspec.Meta(min_length=1)] = ("vuln",)
    history: bool = True
    depth: int | None = None


OPTIONS: dict[str, type[msgspec.Struct]] = {"bandit": NoOptions, "ruff": NoOptions, "trivy": Trivy}
FORMATS = ("json", "sarif")
SUBJECTS = ("terraform", "dockerfile")

SMALL = """\
pipeline: small
stages:
  - name: scan
    actions: [bandit]
"""
WHOLE = """\
# Every key that there is.
pipeline: whole
exclude: [tests/fixtures, "*.min.js"]
stages:
  - name: secrets
    actions: [trivy]
  - name: scan
    actions:
      - bandit
      - ruff:
      - trivy:
          name: images
          paths: [deploy/, ./src/./web, .]
          exclude: ["*.tmp"]
          args: [--quiet, ""]
          timeout: 12.5
          blocking: false
          version: 0.76.0
          honour_config: true
          severity: {CVE-2020-1: low, 608: critical}
          scanners: [vuln, secret]
          history: false
          depth: 3
policy:
  block_at: {default: medium, licence: never, code: critical, dependency: low}
  required: [images, bandit]
  exempt: {terraform: it is generated and scanned where it is written}
  waivers:
    - {id: 0123456789abcdef, reason: not reachable, owner: Ada, until: 2026-12-31, ticket: SEC-1}
    - {rule: B101, path: "tests/*", reason: asserts, owner: Ada, until: "2027-01-31"}
  honour_inline_suppressions: true
  tools_from_path: true
  block_confidence: medium
reports: {sarif: out/report.sarif}
advisories: {osv_url: "http://127.0.0.1:8000"}
limits: {file_size: 1_000}
"""


def load(text: str | bytes) -> Pipeline:
    raw = text if isinstance(text, bytes) else text.encode()
    return config.load(raw, options=OPTIONS, formats=FORMATS, subjects=SUBJECTS, name="hardgate.yaml")


def refused(text: str | bytes) -> str:
    """The error's message; every one names the file, fits into a line, and says that nothing was run."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    message = str(caught.value)
    assert message.startswith("hardgate.yaml: ")
    assert message == plain(message)
    assert len(message) <= 1000
    assert "Nothing was run." in caught.value.hint
    return message.removeprefix("hardgate.yaml: ")


def actions(text: str) -> str:
    """The small file with the lines `text` below `actions:`."""
    return SMALL.replace(" [bandit]\n", "\n" + "".join(f"      {line}\n" for line in text.splitlines()))


# What is read


def test_ten_lines_are_enough() -> None:
    pipeline = load(SMALL)
    (action,) = pipeline.actions
    assert (pipeline.name, action.name, action.scanner, action.timeout) == ("small", "bandit", "bandit", 600.0)
    assert action.blocking
    assert action.options == NoOptions()
    assert pipeline.digest == hashlib.sha256(SMALL.encode()).hexdigest()
    assert pipeline.definition == SMALL
    assert not pipeline.policy.honour_inline_suppressions
    assert not pipeline.policy.tools_from_path
    assert (pipeline.policy.waivers, pipeline.policy.required) == ((), ())


def test_everything_can_be_said() -> None:
    pipeline = load(WHOLE)
    images = pipeline.actions[3]
    assert [stage.name for stage in pipeline.stages] == ["secrets", "scan"]
    assert [action.name for action in pipeline.actions] == ["trivy", "bandit", "ruff", "images"]
    assert (images.scanner, images.timeout, images.blocking, images.version) == ("trivy", 12.5, False, "0.76.0")
    assert (images.exclude, images.args, images.honour_config) == (("*.tmp",), ("--quiet", ""), True)
    assert images.severity == {"CVE-2020-1": Severity.LOW, "608": Severity.CRITICAL}
    assert images.options == Trivy(scanners=("vuln", "secret"), history=False, depth=3)
    assert pipeline.policy.required == ("images", "bandit")
    assert pipeline.policy.exempt["terraform"].startswith("it is generated")
    assert [(waiver.id, waiver.rule, waiver.until) for waiver in pipeline.policy.waivers] == [
        ("0123456789abcdef", "", "2026-12-31"),
        ("", "B101", "2027-01-31"),
    ]
    assert pipeline.policy.waivers[0].ticket == "SEC-1"
    assert pipeline.policy.honour_inline_suppressions
    assert pipeline.policy.tools_from_path
    assert pipeline.policy.block_confidence == "medium"
    assert pipeline.reports == {"sarif": "out/report.sarif"}
    assert (pipeline.osv_url, pipeline.max_file_size) == ("http://127.0.0.1:8000", 1000)
    assert pipeline.exclude == ("tests/fixtures", "*.min.js")


def test_paths_are_written_as_a_tree_writes_them() -> None:
    assert load(WHOLE).actions[3].paths == ("deploy", "src/web", ".")


def test_the_stored_definition_reads_the_same_again() -> None:
    """`hardgate gate` judges a stored run by the text that is stored with it."""
    for raw in (WHOLE.encode(), b"\xef\xbb\xbf" + WHOLE.encode(), WHOLE.replace("\n", "\r\n").encode()):
        first = load(raw)
        again = load(first.definition)
        assert msgspec.structs.replace(again, digest="", definition="") == msgspec.structs.replace(
            first, digest="", definition=""
        )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "high",
            {"secret": "info", "dependency": "high", "code": "high", "misconfiguration": "high", "licence": "high"},
        ),
        (
            "never",
            {"secret": "info", "dependency": "critical", "code": None, "misconfiguration": None, "licence": None},
        ),
        (
            "{default: never, code: low}",
            {"secret": "info", "dependency": "critical", "code": "low", "misconfiguration": None, "licence": None},
        ),
        (
            "{licence: never, dependency: medium, secret: info}",
            {"secret": "info", "dependency": "medium", "code": "high", "misconfiguration": "high", "licence": None},
        ),
        ("{}", {"secret": "info", "dependency": "high", "code": "high", "misconfiguration": "high", "licence": "high"}),
    ],
)
def test_from_which_severity_each_kind_blocks(given: str, expected: dict[str, str | None]) -> None:
    # `dynamic` goes by the default here, as `misconfiguration` does: no row names either of them alone.
    dynamic = "high" if expected["misconfiguration"] else None
    assert load(f"{SMALL}policy: {{block_at: {given}}}\n").policy.block_at == {**expected, "dynamic": dynamic}


# Words that YAML 1.1 takes for something else


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "Yes", "OFF"])
def test_only_true_and_false_are_truth(word: str) -> None:
    assert "stages[0].actions[0].bandit.blocking: expected `bool`, got `str`" in refused(
        actions(f"- bandit: {{blocking: {word}}}")
    )
    assert load(f"{SMALL}exclude: [{word}]\n").exclude == (word,)


@pytest.mark.parametrize("word", ["2026-12-31", "12:30:45", "1.10", "0x1F", "1e3", "null", "~", "1_0.5"])
def test_what_is_not_text_stays_what_was_written(word: str) -> None:
    text = f"{SMALL}exclude: [{word}]\n"
    if word in {"2026-12-31", "12:30:45", "0x1F", "1e3", "1_0.5"}:
        assert load(text).exclude == (word,)
    else:
        assert "exclude[0]: expected `str`" in refused(text)


def test_a_leading_zero_makes_no_octal_number() -> None:
    assert load(actions("- bandit: {timeout: 010}")).actions[0].timeout == 10


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "9" * 400, "9" * 400 + ".0", "0", "-1", "86401",
                                    ".inf", ".nan", "1:30", "0b11", "0x10", "'10'"])  # fmt: skip
def test_a_timeout_is_a_number_within_a_day(number: str) -> None:
    assert refused(actions(f"- bandit: {{timeout: {number}}}")).startswith(
        "line 5: stages[0].actions[0].bandit.timeout: expected "
    )


def test_a_file_size_is_a_number() -> None:
    for number in ("0", "-5", "1.5", "yes", "9" * 30):
        assert "limits.file_size: expected `int`" in refused(f"{SMALL}limits: {{file_size: {number}}}\n")


def test_anchors_and_aliases_mean_what_they_stand_for() -> None:
    text = actions("- bandit: &same {timeout: 5, paths: [src]}\n- ruff: *same")
    assert [(action.timeout, action.paths) for action in load(text).actions] == [(5, ("src",)), (5, ("src",))]


def test_a_merge_key_is_an_unknown_key() -> None:
    text = actions("- bandit: &same {timeout: 5}\n- ruff:\n    <<: *same")
    assert refused(text) == (
        "line 7: stages[0].actions[1].ruff.<<: unknown key '<<'; known: args, blocking, exclude, honour_config, name,"
        " paths, severity, timeout, version"
    )


def test_a_value_within_itself_is_refused() -> None:
    assert "contains itself" in refused("pipeline: a\nstages: &loop [*loop]\n")
    assert "contains itself" in refused("&top\npipeline: a\nstages: *top\n")


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    bomb = "".join(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    began = time.monotonic()
    for key in ("stages", "exclude", "limits"):
        message = refused(f"pipeline: a\n{key}:\n  - &a0 [x]\n{bomb}")
        assert message
    assert "unknown key 'x'" in refused(actions("- bandit: {x: &b [1]}"))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("depth", [150, 300, 350, 400, 450, 50_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_deep_nesting_is_refused(depth: int, left: str, right: str) -> None:
    assert refused(f"pipeline: a\nstages: {left * depth}{right * depth}\n" if right else left * depth + "x")


def test_what_is_too_large_is_not_read() -> None:
    assert refused(b"#" * 1_000_001) == "the file has 1000001 bytes; at most 1000000 are read"
    assert load(SMALL + "#" * (1_000_000 - len(SMALL))).name == "small"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"\xff\xfe\x00", "the file is not UTF-8 text (byte 0)"),
        (SMALL.encode("utf-16"), "the file is not UTF-8 text (byte 0)"),
        (b"pipeline: \xc3\x28\n", "the file is not UTF-8 text (byte 10)"),
        (b"pipeline: a\nstages: \x00\n", "line 2: this is not YAML: the character U+0000 may not stand in it"),
        (b"a: 1\r\nb: \x1b[2J\n", "line 2: this is not YAML: the character U+001B may not stand in it"),
        (b"pipeline: [a\n", "line 2: this is not YAML: while parsing a flow sequence expected ',' or ']'"),
        (b"pipeline: a\n\tstages: x\n", "line 2: this is not YAML: while scanning for the next token found character"),
        (b"pipeline: a\n stages: x\n", "line 2: this is not YAML: mapping values are not allowed here"),
        (b"pipeline: *nobody\n", "line 1: this is not YAML: found undefined alias 'nobody'"),
        (b"--- {a: 1}\n--- {b: 2}\n", "line 2: this is not YAML: expected a single document in the stream but found"),
        (b"just words\n", "line 1: the file must be a mapping that begins with `pipeline: NAME`"),
        (b"[pipeline]\n", "line 1: the file must be a mapping that begins with `pipeline: NAME`"),
        (b"? [a]\n: b\n", "line 1: line 1 has a key that is not text"),
        (b"{{a: 1}: 2}\n", "line 1: line 1 has a key that is not text"),
    ],
)
def test_what_is_no_such_file_is_refused(text: bytes, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system [echo]", "!!python/name:os.system x", "!!binary aGk=", "!!set {a, b}",
     "!!omap [a: 1]", "!own x", "!own:str x", "!own:null x", "!!map x", "=", "!!python/tuple [a]", "!other {a: 1}"],
)  # fmt: skip
def test_a_tag_means_nothing_here(value: str) -> None:
    assert "is not supported here" in refused(f"{SMALL}exclude:\n  - {value}\n")


def test_a_byte_order_mark_and_other_line_ends_are_fine() -> None:
    assert load(b"\xef\xbb\xbf" + SMALL.encode()).name == "small"
    assert load(SMALL.replace("\n", "\r\n")).name == "small"


def test_nothing_in_the_file_reaches_a_terminal_as_it_is() -> None:
    for key in ("\\e[2J", "a\\nb", "\\u202e", "x` - at `$.y"):
        assert "unknown key" in refused(f'{SMALL}"{key}": 1\n')
    assert "unknown scanner" in refused(actions('- "\\e[2J"'))


# Keys that are not known, wrong types, names that stand twice


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{SMALL}polcy: {{}}\n",
            "line 5: polcy: unknown key; known here: pipeline, stages, policy, exclude, reports,",
        ),
        (f"{SMALL}policy:\n  blockat: high\n", "line 6: policy.blockat: unknown key; known here: block_at, required,"),
        (f"{SMALL}limits:\n  filesize: 1\n", "line 6: limits.filesize: unknown key; known here: file_size"),
        (f"{SMALL}advisories:\n  url: x\n", "line 6: advisories.url: unknown key; known here: osv_url"),
        (SMALL + "    needs: x\n", "line 5: stages[0].needs: unknown key; known here: name, actions"),
        (
            f"{SMALL}policy:\n  waivers:\n    - reason: r\n      ownr: o\n",
            "line 8: policy.waivers[0].ownr: unknown key; known here: reason, owner, until, id, rule, path, t",
        ),
        (
            actions("- bandit:\n    timeot: 5"),
            "line 6: stages[0].actions[0].bandit.timeot: unknown key 'timeot'; known: args,",
        ),
        (
            actions("- bandit:\n    scanners: [vuln]"),
            "line 6: stages[0].actions[0].bandit.scanners: unknown key 'scanners'",
        ),
        (
            f"{SMALL}policy: {{exempt: {{terrafrom: x}}}}\n",
            "line 5: policy.exempt.terrafrom: unknown subject 'terrafrom'",
        ),
        (
            f"{SMALL}reports: {{sariff: x}}\n",
            "line 5: reports.sariff: unknown report format 'sariff'; known: json, sarif",
        ),
        (f"{SMALL}policy: {{block_at: hihg}}\n", "line 5: policy.block_at: unknown severity 'hihg'; known: critical,"),
        (
            f"{SMALL}policy:\n  block_at:\n    sast: high\n",
            "line 7: policy.block_at.sast: unknown kind of finding 'sast'; known: code, default,",
        ),
        (f"{SMALL}policy: {{block_at: {{code: HIGH}}}}\n", "line 5: policy.block_at.code: unknown severity 'HIGH'"),
        (
            actions("- bandit:\n    severity: {B101: urgent}"),
            "line 6: stages[0].actions[0].bandit.severity: invalid enum value 'urgent'",
        ),
        (
            actions("- bnadit"),
            "line 5: stages[0].actions[0].bnadit: unknown scanner or step 'bnadit'; known: bandit, ruff, trivy",
        ),
        (actions("- bandit\n- nope: {}"), "line 6: stages[0].actions[1].nope: unknown scanner or step 'nope'"),
        (actions("- trivy:\n    scanners: [vulns]"), "line 6: stages[0].actions[0].trivy.scanners[0]: invalid enum"),
        (
            actions("- trivy:\n    scanners: []"),
            "line 6: stages[0].actions[0].trivy.scanners: expected `array` of length",
        ),
    ],
)
def test_a_misspelt_word_is_refused_where_it_stands(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pipeline: a\n", "line 1: object missing required field `stages`"),
        (SMALL.replace("pipeline: small\n", ""), "line 1: object missing required field `pipeline`"),
        ("pipeline: a\nstages: []\n", "line 2: stages: expected `array` of length >= 1"),
        ("pipeline: a\nstages: {}\n", "line 2: stages: expected `array`, got `object`"),
        ("pipeline: a\nstages:\n  - actions: [bandit]\n", "line 3: stages[0]: object missing required field `name`"),
        (
            "pipeline: a\nstages:\n  - name: s\n    actions: []\n",
            "line 4: stages[0].actions: expected `array` of length",
        ),
        (SMALL.replace("small", "''"), "line 1: pipeline: expected `str` matching regex"),
        (SMALL.replace("small", "a/b"), "line 1: pipeline: expected `str` matching regex"),
        (SMALL.replace("small", '"a\\n"'), "line 1: pipeline: expected `str` matching regex"),
        (SMALL.replace("small", "../up"), "line 1: pipeline: expected `str` matching regex"),
        (SMALL.replace("small", "12"), "line 1: pipeline: expected `str`, got `int`"),
        (SMALL.replace("small", "[a]"), "line 1: pipeline: expected `str`, got `array`"),
        (f"{SMALL}policy:\n", "line 5: policy: expected `object`, got `null`"),
        (f"{SMALL}policy: strict\n", "line 5: policy: expected `object`, got `str`"),
        (f"{SMALL}policy: {{block_at: [high]}}\n", "line 5: policy.block_at: expected `str | object`, got `array`"),
        (f"{SMALL}policy: {{block_at: null}}\n", "line 5: policy.block_at: expected `str | object`, got `null`"),
        (f"{SMALL}policy: {{required: bandit}}\n", "line 5: policy.required: expected `array`, got `str`"),
        (f"{SMALL}policy: {{exempt: [terraform]}}\n", "line 5: policy.exempt: expected `object`, got `array`"),
        (f"{SMALL}policy: {{exempt: {{terraform: ''}}}}\n", "line 5: policy.exempt: expected `str` of length >= 1"),
        (f"{SMALL}exclude: tests\n", "line 5: exclude: expected `array`, got `str`"),
        (f"{SMALL}exclude: ['']\n", "line 5: exclude[0]: expected `str` of length >= 1"),
        (f"{SMALL}reports: [sarif]\n", "line 5: reports: expected `object`, got `array`"),
        (f"{SMALL}advisories: {{osv_url: file:///etc}}\n", "line 5: advisories.osv_url: expected `str` matching regex"),
        (actions("- 5"), "line 5: stages[0].actions[0]: expected `str | object`, got `int`"),
        (actions("- [bandit]"), "line 5: stages[0].actions[0]: expected `str | object`, got `array`"),
        (
            actions("- {}"),
            "line 5: stages[0].actions[0]: an action is the name of a scanner or step, or one such name with its keys",
        ),
        (
            actions("- bandit: {}\n  ruff: {}"),
            "line 5: stages[0].actions[0]: an action is the name of a scanner or step, or one such",
        ),
        (
            actions("- bandit: fast"),
            "line 5: stages[0].actions[0].bandit: the keys of a scanner or step must be a mapping",
        ),
        (
            actions("- bandit: []"),
            "line 5: stages[0].actions[0].bandit: the keys of a scanner or step must be a mapping",
        ),
        (
            actions("- bandit: {blocking: 1}"),
            "line 5: stages[0].actions[0].bandit.blocking: expected `bool`, got `int`",
        ),
        (
            actions("- bandit: {timeout: fast}"),
            "line 5: stages[0].actions[0].bandit.timeout: expected `float`, got `str`",
        ),
        (
            actions("- bandit: {version: 1.9}"),
            "line 5: stages[0].actions[0].bandit.version: expected `str`, got `float`",
        ),
        (actions("- bandit: {paths: src}"), "line 5: stages[0].actions[0].bandit.paths: expected `array`, got `str`"),
        (
            actions("- trivy: {history: 'yes'}"),
            "line 5: stages[0].actions[0].trivy.history: expected `bool`, got `str`",
        ),
    ],
)
def test_a_wrong_type_is_refused_where_it_stands(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{SMALL}pipeline: again\n", "line 1: the key 'pipeline' stands twice (again in line 5)"),
        (
            actions("- bandit: {timeout: 1, timeout: 2}"),
            "line 5: stages[0].actions[0].bandit: the key 'timeout' stands",
        ),
        (
            f"{SMALL}policy: {{block_at: {{code: low, code: high}}}}\n",
            "line 5: policy.block_at: the key 'code' stands twice",
        ),
        (
            actions("- bandit\n- bandit"),
            "line 6: stages[0].actions[1]: there are two actions named 'bandit'; give one a",
        ),
        (
            actions("- bandit\n- ruff: {name: bandit}"),
            "line 6: stages[0].actions[1]: there are two actions named 'bandit'",
        ),
        (
            f"{SMALL}  - name: later\n    actions: [ruff, bandit]\n",
            "line 6: stages[1].actions[1]: there are two actions named 'bandit'",
        ),
        (f"{SMALL}  - name: scan\n    actions: [ruff]\n", "line 5: stages[1].name: there are two stages named 'scan'"),
    ],
)
def test_what_stands_twice_is_refused(text: str, message: str) -> None:
    assert refused(text).startswith(message)


def test_two_actions_of_one_scanner_have_names_of_their_own() -> None:
    text = actions("- bandit\n- bandit: {name: bandit-again}")
    assert [action.name for action in load(text).actions] == ["bandit", "bandit-again"]


@pytest.mark.parametrize(
    "until",
    ["2026-13-01", "2026-02-30", "0000-01-01", "tomorrow", "31.12.2026", "2026-1-1", "20261231", "2026-12-31T00:00:00Z",
     "2026-W01-1", "'2026-12-31 '", "12026-12-31", "٢٠٢٦-12-31", "2026"],
)  # fmt: skip
def test_a_bad_date_is_refused(until: str) -> None:
    text = f"{SMALL}policy:\n  waivers:\n    - {{rule: B1, path: a, reason: r, owner: o, until: {until}}}\n"
    assert refused(text).startswith("line 7: policy.waivers[0].until: ")


@pytest.mark.parametrize(
    ("waiver", "message"),
    [
        ("{id: 0123456789abcdef, reason: r, owner: o}", "policy.waivers[0]: object missing required field `until`"),
        (
            "{id: 0123456789abcdef, reason: r, until: 2026-12-31}",
            "policy.waivers[0]: object missing required field `owner`",
        ),
        (
            "{id: 0123456789abcdef, reason: '', owner: o, until: 2026-12-31}",
            "policy.waivers[0].reason: expected `str` of length >= 1",
        ),
        (
            "{reason: r, owner: o, until: 2026-12-31}",
            "policy.waivers[0]: a waiver names an `id`, or a `rule` and a `path`",
        ),
        (
            "{rule: B1, reason: r, owner: o, until: 2026-12-31}",
            "policy.waivers[0]: a waiver names an `id`, or a `rule`",
        ),
        ("{path: a, reason: r, owner: o, until: 2026-12-31}", "policy.waivers[0]: a waiver names an `id`, or a `rule`"),
    ],
)
def test_a_waiver_says_what_why_who_and_until_when(waiver: str, message: str) -> None:
    assert refused(f"{SMALL}policy:\n  waivers:\n    - {waiver}\n").startswith(f"line 7: {message}")


@pytest.mark.parametrize("severity", ["never", "critical", "high", "medium", "low"])
def test_secrets_cannot_be_told_not_to_block(severity: str) -> None:
    message = refused(f"{SMALL}policy: {{block_at: {{secret: {severity}}}}}\n")
    assert message.startswith("line 5: policy.block_at.secret: secrets block at any severity")


def test_critical_dependencies_cannot_be_told_not_to_block() -> None:
    message = refused(f"{SMALL}policy: {{block_at: {{dependency: never}}}}\n")
    assert message.startswith("line 5: policy.block_at.dependency: critical dependencies always block")


def test_what_is_required_must_be_an_action() -> None:
    message = refused(f"{SMALL}policy: {{required: [bandit, ruff]}}\n")
    assert message == "line 5: policy.required[1]: no action of this pipeline is or runs 'ruff'"


PATHS_OUT = ["/etc", "..", "../up", "src/../../up", "a/..", '"a\\0b"']


@pytest.mark.parametrize("path", PATHS_OUT)
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    message = refused(actions(f"- bandit:\n    paths: [src, {path}]"))
    assert message.startswith("line 6: stages[0].actions[0].bandit.paths[1]: ")
    assert message.endswith("leads out of the scanned tree")


@pytest.mark.parametrize("path", PATHS_OUT)
def test_a_report_that_leads_out_is_refused(path: str) -> None:
    """The file belongs to the repository; only the command line names places elsewhere."""
    assert "leads out of the scanned tree" in refused(f"{SMALL}reports: {{sarif: {path}}}\n")


# Anything at all


def settled(raw: bytes) -> None:
    """A pipeline of just these bytes, or an error that a terminal can show."""
    try:
        pipeline = load(raw)
    except ConfigError as error:
        message = str(error)
    else:
        assert pipeline.digest == hashlib.sha256(raw).hexdigest()
        return
    assert message == plain(message)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_pipeline_or_an_error(raw: bytes) -> None:
    settled(raw)


WORDS = [
    *("pipeline", "stages", "name", "actions", "bandit", "trivy", "policy", "block_at", "waivers", "until", "timeout"),
    *(
        "required",
        "exempt",
        "reports",
        "sarif",
        "high",
        "never",
        "code",
        "secret",
        "2026-12-31",
        "<<",
        "&a",
        "*a",
        "!x",
    ),
    *("scanners", "limits", "file_size", "- ", ": ", "\n", "\n  ", "[", "]", "{", "}", "'", '"', "#", "|", ">", "? "),
    *("~", "12", "1e999", "\t", "\r", "%YAML 1.1\n", "---\n", "...\n", "\x85", "\u2028", "\ufeff", "😀"),
]


@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
def test_any_yaml_is_a_pipeline_or_an_error(text: str) -> None:
    settled(text.encode())


@given(st.integers(0, len(WHOLE)), st.integers(0, 60), st.sampled_from(["", *WORDS]))
def test_a_damaged_file_is_a_pipeline_or_an_error(start: int, length: int, instead: str) -> None:
    settled((WHOLE[:start] + instead + WHOLE[start + length :]).encode())


KEYS = st.sampled_from(
    [*(word for word in WORDS if word.isidentifier()), "severity", "owner", "reason", "id", "history"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
TREES = st.recursive(
    LEAVES, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(KEYS, deeper, max_size=4), max_leaves=8
)


def _plausible(tree: dict[str, Any]) -> str:
    whole = {"pipeline": "a", "stages": [{"name": "s", "actions": ["bandit", {"trivy": {}}]}], **tree}
    return yaml.safe_dump(whole, allow_unicode=True)


@given(st.dictionaries(KEYS, TREES, max_size=4))
@settings(max_examples=40)
def test_any_structure_is_a_pipeline_or_an_error(tree: dict[str, Any]) -> None:
    settled(_plausible(tree).encode())


# The JSON Schema

SCHEMA = msgspec.json.decode(msgspec.json.encode(config.schema(OPTIONS)))
VALIDATOR = Draft202012Validator(SCHEMA)


def _data(text: str) -> Any:
    """A file as an editor sees it: JSON has text for dates, and for every key."""
    return msgspec.to_builtins(yaml.safe_load(text), str_keys=True)


def _accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(_data(text)))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", [SMALL, WHOLE])
def test_the_schema_accepts_what_load_accepts(text: str) -> None:
    assert load(text)
    assert list(VALIDATOR.iter_errors(_data(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{SMALL}polcy: {{}}\n",
        f"{SMALL}policy: {{blockat: high}}\n",
        f"{SMALL}policy: {{block_at: hihg}}\n",
        f"{SMALL}policy: {{block_at: {{sast: high}}}}\n",
        f"{SMALL}policy: {{block_at: {{secret: never}}}}\n",
        f"{SMALL}policy: {{block_at: {{dependency: never}}}}\n",
        f"{SMALL}policy: {{waivers: [{{id: x, reason: r, owner: o}}]}}\n",
        f"{SMALL}limits: {{filesize: 1}}\n",
        SMALL + "    needs: x\n",
        "pipeline: a\n",
        "pipeline: a\nstages: []\n",
        actions("- bnadit"),
        actions("- {}"),
        actions("- bandit: {timeot: 5}"),
        actions("- bandit: {scanners: [vuln]}"),
        actions("- bandit: {timeout: 0}"),
        actions("- trivy: {scanners: [vulns]}"),
        actions("- bandit: {}\n  ruff: {}"),
    ],
)
def test_the_schema_refuses_what_load_refuses(text: str) -> None:
    assert refused(text)
    assert not _accepts(text)


@given(st.dictionaries(KEYS, TREES, max_size=3))
@settings(max_examples=40)
def test_what_load_accepts_the_schema_accepts(tree: dict[str, Any]) -> None:
    text = _plausible(tree)
    try:
        load(text)
    except ConfigError:
        return
    assert list(VALIDATOR.iter_errors(_data(text))) == []


def test_the_thresholds_of_the_schema_are_all_kinds() -> None:
    table = SCHEMA["$defs"]["_Policy"]["properties"]["block_at"]["anyOf"][1]
    assert set(table["properties"]) == {"default", *Kind}


def test_no_scanner_of_ours_has_the_name_of_a_step() -> None:
    """The keys of one are looked up without asking the steps: cli/common.py says which these are."""
    assert not common.OWN.keys() & common.STEP_BY_NAME.keys()
