"""The nouns of hardgate as frozen values.

Times are ISO 8601 in UTC (`2026-01-31T12:00:00Z`), durations seconds, sizes bytes, paths relative to the scanned root
with `/`, digests SHA-256 in lower-case hexadecimal.

What a run has hundreds of thousands of can refer to nothing that refers back to it: `gc=False` keeps Python's collector
from walking all of them again and again, which took longer than the work itself.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hardgate.allowances import Document, Exceptions, Request, Suppression, Waiver
from hardgate.permits import OverridePolicy, OverrideUse
from hardgate.proofs import Code, Proof, Use
from hardgate.services import Environment
from hardgate.terms import ActionState, ExitCode, GapReason, Kind, Outcome, RunState, Severity, State

# The words are a part of the nouns: who imports these, imports those.
__all__ = [
    "ActionState", "Code", "Document", "Exceptions", "ExitCode", "GapReason", "Kind", "Outcome", "OverrideUse", "Proof",
    "Request", "RunState", "Severity", "State", "Suppression", "Use", "Waiver",
]  # fmt: skip


class Location(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a finding is: `line` from 1, None for the whole file; `commit` if it is in the history, not the tree.

    What was seen of a running application has its endpoint for a `path`: `GET /planets`.
    """

    path: str
    line: int | None = None
    end_line: int | None = None
    commit: str = ""


class Package(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The dependency that a finding is about. `fixed` lists versions that no longer have the problem."""

    ecosystem: str
    name: str
    version: str
    purl: str = ""
    fixed: tuple[str, ...] = ()


class Witness(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One tool's own words about a finding: kept when several tools saw the same fact."""

    scanner: str
    action: str
    rule: str
    severity: Severity
    message: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One problem. An adapter fills in what its tool told; identity.py adds id, fingerprints, action and witnesses.

    `severity_from`: "tool", "adapter" (the tool has no word; docs/scanners says how it is rated) or "hardgate.yaml".
    `refuted`: the scanner that followed all that arrives at the place, and found nothing harmful in it. `joined`: the
    findings that a dynamic test and the code behind its endpoint made one, the leading one first; `proof` says so, or
    why a dynamic finding stands alone. `use`: whether the application imports `package`.
    """

    scanner: str
    rule: str
    kind: Kind
    severity: Severity
    message: str
    location: Location
    severity_from: str = "tool"
    confidence: str = ""
    cwe: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    fix: str = ""
    url: str = ""
    package: Package | None = None
    action: str = ""
    id: str = ""
    fingerprints: dict[str, str] = {}
    witnesses: tuple[Witness, ...] = ()
    refuted: str = ""
    joined: tuple[Finding, ...] = ()
    proof: Proof | None = None
    use: Use | None = None

    @property
    def confirmed(self) -> bool:
        """Whether a dynamic test showed what static tools report in the code behind its endpoint."""
        return bool(self.joined)


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What was not looked at, and the way out. `action` is empty for a gap of the whole run."""

    reason: GapReason
    message: str
    path: str = ""
    action: str = ""
    remedy: str = ""


# Without what is as always, so that the seals of receipts that know no `reference` still fit.
class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something an action made: a document that is kept with the evidence, such as an SBOM, or an image.

    An image is not kept: it has a `reference`, by which an engine or a registry knows it, with its digest and never by
    a tag alone; `sha256` is that of its manifest, `size` 0 where it is not known.
    """

    name: str
    media_type: str
    sha256: str
    size: int
    reference: str = ""


class Refutation(msgspec.Struct, frozen=True, kw_only=True):
    """A place, lines `line` to `end_line`, where a tool followed all that arrives: nothing for `rule` to report."""

    rule: str
    path: str
    line: int
    end_line: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter read out of a report. `seen` are the paths that the tool says it read, None if it tells none.

    `data` is the vulnerability data that it says it used.
    """

    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    seen: frozenset[str] | None = None
    version: str = ""
    refuted: tuple[Refutation, ...] = ()
    data: DataUse | None = None


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """Which tool an action ran. `origin`: "toolbox", "path" or "hardgate"; `digest`: that of what was installed."""

    name: str
    version: str
    digest: str
    origin: str


class DataUse(msgspec.Struct, frozen=True, kw_only=True):
    """Which vulnerability data a tool used: the address or name of its source, and its date ("" if it tells none)."""

    source: str
    date: str = ""


class CanaryCheck(msgspec.Struct, frozen=True, kw_only=True):
    """When the known-bad input of a scanner was last found by it. `how`: "this run" or "earlier today"."""

    checked_at: str
    how: str
    rules: tuple[str, ...]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What an action had to look at; `seen`: how many the tool says it read; `configs`, obeyed only if `honoured`."""

    files: int
    digest: str
    seen: int | None = None
    excluded: int = 0
    configs: tuple[str, ...] = ()
    honoured: bool = False


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What one action left behind: the evidence that the gate reads. `digest` seals the rest; `argv` is masked.

    `scanner` names what ran, a scanner or a step. `seconds` are those of a scanner's tool, and all of a step, with the
    environment that it starts. `cpu_seconds` and `peak_memory` (bytes) count the tool's children; `cached_from` names
    the run that was used again.
    """

    action: str
    stage: str
    scanner: str
    state: ActionState
    commit: str
    tree: str
    pipeline_digest: str
    started: str
    blocking: bool = True
    tool: ToolUse | None = None
    rules_digest: str = ""
    data: DataUse | None = None
    argv: tuple[tuple[str, ...], ...] = ()
    exit_codes: tuple[int, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    scope: Scope | None = None
    canary: CanaryCheck | None = None
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    refuted: tuple[Refutation, ...] = ()
    outputs: tuple[Output, ...] = ()
    cached_from: str = ""
    hardgate_version: str = ""
    digest: str = ""


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """What must have reported: one of `scanners`, which `actions` can, unless the policy's `exempt` says why not."""

    subject: str
    scanners: tuple[str, ...]
    reason: str
    actions: tuple[str, ...] = ()
    exempt: str = ""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was limited to. All empty: the whole pipeline over the whole tree."""

    stages: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    base: str = ""

    @property
    def partial(self) -> bool:
        """True when some actions of the pipeline were left out on purpose."""
        return bool(self.stages or self.actions)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """All receipts of one execution for one commit: the evidence. `findings` are theirs, one fact made one.

    `commit` has 40 digits, or is "" outside git; `dirty`: the tree differs from it; `tree` is the digest of all files
    in scope; `definition` is the text of hardgate.yaml; `expected` names every action, also those left out on purpose;
    `code` is what was read of the source to bring findings together.
    """

    id: str
    pipeline: str
    pipeline_digest: str
    definition: str
    root: str
    commit: str
    tree: str
    started: str
    finished: str = ""
    dirty: bool = False
    state: RunState = RunState.RUNNING
    selection: Selection = Selection()
    expected: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    hardgate_version: str = ""
    exceptions: Exceptions = Exceptions()
    code: Code = Code()


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What must have run, what blocks, what informs, and the waivers. `block_at` has every Kind; None: it informs.

    `exempt` maps a subject of plan.py (such as "terraform") to the written reason for not covering it. Findings of a
    lower confidence than `block_confidence` (low, medium, high) inform; what states none is taken at its word.
    With `block_refuted` a finding blocks although another scanner has refuted it. A confirmed issue blocks from
    `block_confirmed` on, whatever its kind; a package that the application does not import only from
    `block_not_imported` on, where that is higher than `block_at`. None: as `block_at` says.
    Vulnerability data that is older than `max_advisory_age` (days) is a gap.
    A waiver ends at most `max_waiver_days` after the judgement, and matches at most `max_waiver_matches` findings;
    `unused_waivers` and `broad_waivers` say whether the rest is an "error" (a gap) or a "warning". `baseline_days`: how
    long a baseline covers a finding of each severity; none where it is not named. `grace`: days for what is
    "preexisting" or "disclosed" (see allowances). From an EPSS probability of `urgent_epss` (0 to 1) on neither of them
    covers a vulnerable package, nor one whose probability is not known; None: EPSS does not matter.
    """

    block_at: dict[Kind, Severity | None]
    required: tuple[str, ...] = ()
    exempt: dict[str, str] = {}
    waivers: tuple[Waiver, ...] = ()
    block_confidence: str = "low"
    block_refuted: bool = False
    block_confirmed: Severity | None = None
    block_not_imported: Severity | None = None
    max_advisory_age: float = 7.0
    honour_inline_suppressions: bool = False
    tools_from_path: bool = False
    overrides: OverridePolicy = OverridePolicy()
    max_waiver_days: int = 90
    max_waiver_matches: int = 50
    unused_waivers: str = "warning"
    broad_waivers: str = "error"
    baseline_days: dict[Severity, int] = {}
    grace: dict[str, int] = {}
    urgent_epss: float | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a pipeline does: a scanner over `paths` without `exclude` (globs), or a step; at most `timeout` s.

    `scanner` names the scanner or the step. `severity` maps a rule to the severity that replaces the tool's; `options`
    are the own keys of the scanner or step.
    """

    name: str
    scanner: str
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    timeout: float = 600.0
    blocking: bool = True
    version: str = ""
    honour_config: bool = False
    severity: dict[str, Severity] = {}
    options: Any = None


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A name and its actions, which run in parallel; stages run in order."""

    name: str
    actions: tuple[Action, ...]


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What git's hooks look with before a commit and before a push; no `pre_push`: the quick ones of the pipeline."""

    pre_commit: tuple[str, ...] = ("gitleaks", "detect-secrets", "ruff", "black", "flake8")
    pre_push: tuple[str, ...] = ()


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """The declaration. `digest` is that of the bytes of hardgate.yaml; `reports` maps a format to a file."""

    name: str
    stages: tuple[Stage, ...]
    policy: Policy
    digest: str
    definition: str
    exclude: tuple[str, ...] = ()
    reports: dict[str, str] = {}
    osv_url: str = ""
    max_file_size: int = 50_000_000
    environments: dict[str, Environment] = {}
    hooks: Hooks = Hooks()

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions, in the order of the stages."""
        return tuple(action for stage in self.stages for action in stage.actions)


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the gate made of one finding, and the rule of the policy that said so, as a sentence.

    `waiver` is the record that waives it, whatever sort it is; None unless the state is WAIVED.
    """

    finding: str
    state: State
    because: str
    waiver: Waiver | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the gate over one run. Every finding has exactly one decision.

    `override`: what opened this gate once, although the outcome says that it is shut; set by who asked the gate.
    """

    outcome: Outcome
    judged_at: str
    decisions: tuple[Decision, ...] = ()
    gaps: tuple[Gap, ...] = ()
    warnings: tuple[str, ...] = ()
    blocks: bool = False
    override: OverrideUse | None = None

    @property
    def exit_code(self) -> ExitCode:
        """INCOMPLETE outranks FAIL: what was not looked at may be worse than what was. An override opens either."""
        return ExitCode.PASS if self.override else ExitCode[self.outcome.name]

    def count(self, state: State) -> int:
        """How many findings are in `state`."""
        return sum(decision.state is state for decision in self.decisions)
