"""Overrides: what one is bound to, whether it opens a gate, and where granted ones lie until a gate takes them.

An override opens one gate once, for one commit and its files in one folder, one pipeline, the same images, and exactly
the same findings that block and the same gaps. Everything here is pure: the store and the command line do the rest.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Sequence
from typing import Protocol

import msgspec

from hardgate import seals
from hardgate.ledger import canonical, tidy
from hardgate.model import Outcome, Run, Verdict
from hardgate.model import State as Found
from hardgate.permits import OverridePolicy, OverrideUse, Person

# https://github.com/opencontainers/image-spec/blob/main/media-types.md, and Docker's own three, still in use. One that
# was not pushed yet has no manifest: it is known by its configuration, whose digest engines call its id.
IMAGES = frozenset(
    {
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_SHOWN = 3  # ids that a refusal names


class State(enum.StrEnum):
    """How far an override came. An end time that has passed is no state: the gate looks at the clock."""

    REQUESTED = "requested"
    GRANTED = "granted"
    REVOKED = "revoked"
    USED = "used"


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an override is bound to. `images` are digests of image manifests; `findings` the ids of all that block.

    `gaps` are the gaps as texts: what was not looked at. All three are sorted and without doubles.
    """

    pipeline: str
    root: str
    commit: str
    tree: str
    images: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request, and once `granter` is set a grant. `run` is the run whose verdict it was asked for."""

    id: str
    scope: Scope
    run: str
    reason: str
    ticket: str
    requester: Person
    requested_at: str
    granter: Person | None = None
    granted_at: str = ""
    expires: str = ""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """An override as it lies somewhere. `fate` says what became of it, "" while it waits for its gate.

    `doubt`: why the place where it lies does not believe it, such as a ledger that knows of no such grant.
    """

    override: Override
    seal: str
    state: State
    fate: str = ""
    doubt: str = ""


class Backend(Protocol):
    """Where granted overrides lie, and where one gate alone gets each.

    The store is one: a row, whose state changes in a transaction that also writes the ledger. A parameter of the AWS
    SSM Parameter Store is to be the other: its value is the sealed override as JSON, its name ends in pipeline, commit
    and id. `near_overrides` is then GetParametersByPath, and `take_override` is DeleteParameter: whoever's call
    succeeds has it, and ParameterNotFound means that another had it first. What was read before is what was deleted,
    since no name is written twice (PutParameter with Overwrite=false). The value is gone when the gate opens, and the
    ledger of the store has the record of its use; a gate that dies in between has spent it, and opened nothing.
    """

    def near_overrides(self, scope: Scope) -> Sequence[Sealed]:
        """Every override that somebody can have meant for this gate: also those that will not open it."""

    def take_override(self, sealed: Sealed, run_id: str, by: Person, at: str) -> str:
        """Use it up. "" for the one caller that has it; for every other why not, as the end of a sentence."""


def scope_of(run: Run, verdict: Verdict) -> Scope:
    """What an override for this verdict must be bound to."""
    outputs = (output for receipt in run.receipts for output in receipt.outputs)
    images = {output.sha256 for output in outputs if output.media_type in IMAGES}
    blocking = {decision.finding for decision in verdict.decisions if decision.state is Found.BLOCKING}
    gaps = {f"{gap.reason} {gap.action} {gap.path} {gap.message}" for gap in verdict.gaps}
    scope = Scope(
        pipeline=run.pipeline,
        root=run.root,
        commit=run.commit,
        tree=run.tree,
        images=tuple(sorted(images)),
        findings=tuple(sorted(blocking)),
        gaps=tuple(sorted(gaps)),
    )
    return msgspec.convert(tidy(scope), Scope)


def raw(override: Override) -> bytes:
    """The bytes that a seal is over, and that are stored."""
    return canonical(override)


def not_to_be_asked(run: Run, verdict: Verdict, policy: OverridePolicy) -> str:
    """Why no override can be asked for here, "" when one can."""
    if not policy.max_hours:
        return "the policy allows no overrides (policy.overrides.max_hours is 0)"
    if verdict.outcome is Outcome.PASS:
        return "the verdict is PASS: there is nothing to override"
    if not run.commit:
        return "an override is bound to a commit, and this folder is no git repository"
    if verdict.outcome is Outcome.INCOMPLETE and not policy.incomplete:
        return "the verdict is INCOMPLETE, and the policy does not allow that to be overridden: mend the gaps"
    return ""


def not_to_be_granted(override: Override, granter: Person, hours: float, policy: OverridePolicy) -> str:
    """Why this person cannot grant an override for so many hours, "" when it is granted."""
    if policy.two_person and same_person(override.requester, granter):
        return f"{granter.name} asked for it, and the policy wants another person to grant it"
    if not 0 < hours <= policy.max_hours:
        return f"it would last {hours:g} hours, and the policy allows more than 0 and at most {policy.max_hours:g}"
    return ""


def same_person(one: Person, other: Person) -> bool:
    """Whether two names are one; upper and lower case are the same person."""
    return one.name.strip().casefold() == other.name.strip().casefold()


def granted(override: Override, granter: Person, at: str, hours: float) -> Override:
    """The override as this person grants it at the time `at`."""
    ends = datetime.datetime.fromisoformat(at) + datetime.timedelta(hours=hours)
    return msgspec.structs.replace(
        override, granter=granter, granted_at=at, expires=ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    )


def refusal(sealed: Sealed, scope: Scope, policy: OverridePolicy, *, now: str, key: str, variable: str) -> str:
    """Why an override does not open this gate, as the end of a sentence; "" when it does. `now` is ISO 8601 in UTC."""
    override = sealed.override
    maker = "where overrides are asked for and granted"
    if problem := seals.problem(raw(override), sealed.seal, key, variable=variable, maker=maker):
        return problem
    if sealed.fate or sealed.doubt:
        return sealed.fate or sealed.doubt
    if sealed.state is not State.GRANTED or override.granter is None:
        return f"is {sealed.state} and not granted"
    return foreign(override.scope, scope) or _outside(override, override.granter, policy, now)


def foreign(bound: Scope, scope: Scope) -> str:
    """What an override is bound to that this gate does not have, "" when it is all the same."""
    for word, mine, here in (
        ("pipeline", bound.pipeline, scope.pipeline),
        ("folder", bound.root, scope.root),
        ("commit", bound.commit[:12], scope.commit[:12]),
    ):
        if mine != here:
            return f"is for the {word} {mine}, and this one is {here or 'none'}"
    if bound.commit != scope.commit or bound.tree != scope.tree:
        return "is for other files than these, though of the same commit"
    if bound.images != scope.images:
        return f"is for {_ids(bound.images, 'no image')}, and this delivery has {_ids(scope.images, 'no image')}"
    return _other("finding that blocks", bound.findings, scope.findings) or _other("gap", bound.gaps, scope.gaps)


def _other(what: str, bound: Sequence[str], here: Sequence[str]) -> str:
    more, fewer = sorted({*here} - {*bound}), sorted({*bound} - {*here})
    if more:
        return f"does not cover each {what}: {_ids(more, '')}"
    return f"covers a {what} that is not there: {_ids(fewer, '')}" if fewer else ""


def _ids(names: Sequence[str], none: str) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) + rest) or none


def _outside(override: Override, granter: Person, policy: OverridePolicy, now: str) -> str:
    """What is against the policy of today: it may be stricter than that under which the override was granted."""
    if now >= override.expires:
        return f"ended at {override.expires}"
    if now < override.granted_at:
        return f"was granted at {override.granted_at}, which is not yet"
    if policy.two_person and same_person(override.requester, granter):
        return f"was asked for and granted by {granter.name} alone, and the policy wants two"
    begin, end = (datetime.datetime.fromisoformat(one) for one in (override.granted_at, override.expires))
    if end - begin > datetime.timedelta(hours=policy.max_hours):
        return f"was granted for longer than the {policy.max_hours:g} hours that the policy allows"
    if override.scope.gaps and not policy.incomplete:
        return "covers gaps, and the policy does not allow INCOMPLETE to be overridden"
    return ""


def use_of(override: Override, by: Person, at: str) -> OverrideUse:
    """What reports show of an override that was used."""
    return OverrideUse(
        id=override.id,
        reason=override.reason,
        ticket=override.ticket,
        requester=named(override.requester),
        granter=named(override.granter) if override.granter else "",
        granted_at=override.granted_at,
        expires=override.expires,
        used_by=named(by),
        used_at=at,
    )


def named(person: Person) -> str:
    """A person as people read it: the name, and who says so."""
    return f"{person.name or 'nobody known'} ({person.source})"
