"""What of a pipeline is weaker than it was: two Pipelines in, a finding for each weakening out.

Every field of Pipeline, Action and Policy is either compared here or named in NO_WEAKER with the reason. What cannot be
weighed (further arguments of a tool, another OSV service) counts as weaker: somebody has to look at it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import msgspec

from hardgate.model import Action, Finding, Kind, Location, Pipeline, Policy, Severity, Witness

SCANNER = "hardgate-policy"
_CONFIDENCES = ("low", "medium", "high")
_LEVELS = ("error", "warning")
_STEP = tuple[str, str, str]  # the rule, what it is about, the sentence

# Fields that cannot weaken the gate, and why.
NO_WEAKER: dict[str, str] = {
    "Pipeline.name": "a name",
    "Pipeline.digest": "follows from the rest",
    "Pipeline.definition": "the text of the rest",
    "Pipeline.reports": "where reports go",
    "Pipeline.hooks": "what a developer's own machine looks with; the gate judges by the stages",
    "Pipeline.max_file_size": "a file that is too large is a gap",
    "Action.name": "a name: actions are paired by it, or by their scanner",
    "Action.scanner": "an action with another scanner is another action",
    "Action.timeout": "a tool that is ended is a gap",
    "Action.version": "a tool of another version than the locked one is a gap",
    "Policy.waivers": "a waiver that a change adds is a request, and takes no effect",
}


def compare(base: Pipeline, head: Pipeline, line: Callable[[str], int]) -> tuple[Finding, ...]:
    """A finding for everything in which `head` is weaker than `base`, in a fixed order.

    `line` gives the line in hardgate.yaml for a top-level key, from 1.
    """
    steps = [*_pipeline(base, head), *_actions(base, head), *_policy(base.policy, head.policy)]
    return tuple(_finding(step, line) for step in steps)


def other_rules(action: str, path: str, digest: str, line: Callable[[str], int]) -> Finding:
    """The finding that a file of an action's own rules is not as on the base: `digest` is over it, "" when it is gone.

    What rules say cannot be weighed.
    """
    said = "is another than on the base" if digest else "is gone"
    step = "weakened-action-rules", f"{action} {path} {digest}", f"{action}: its file of rules `{path}` {said}."
    return _finding(step, line)


def outgrown(finding: Finding) -> Finding | None:
    """A weakening that only the base brought about, by growing stricter; None where its policy judges in any case.

    What it does not judge is what was scanned, by which action, and what had to be.
    """
    if finding.rule.startswith("weakened-policy") and finding.rule != "weakened-policy-exempt":
        return None
    message = f"{finding.message} The base has grown stricter in this since this change left it."
    witnesses = tuple(msgspec.structs.replace(one, message=message) for one in finding.witnesses)
    fix = "Bring the base into this change (merge it, or rebase), and run again."
    return msgspec.structs.replace(finding, message=message, fix=fix, witnesses=witnesses)


def _finding(step: _STEP, line: Callable[[str], int]) -> Finding:
    rule, subject, message = step
    name = hashlib.sha256("\0".join(("weakening/v1", rule, subject)).encode("utf-8", "surrogatepass")).hexdigest()
    own = {"weakened-exclude": "exclude", "weakened-environment": "environment"}
    key = "policy" if rule.startswith("weakened-policy") else own.get(rule, "stages")
    whole = f"{message} On the base it is stricter. The policy of the base judged this run."
    witness = Witness(scanner=SCANNER, action="", rule=rule, severity=Severity.HIGH, message=whole)
    return Finding(
        scanner=SCANNER,
        rule=rule,
        kind=Kind.MISCONFIGURATION,
        severity=Severity.HIGH,
        severity_from="adapter",
        message=whole,
        location=Location(path="hardgate.yaml", line=line(key)),
        cwe=("CWE-693",),
        fix="Take it back. If it is meant, have this finding's id waived on the base first, in a change of its own.",
        id=name[:16],
        fingerprints={"weakening/v1": name},
        witnesses=(witness,),
    )


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _added(old: Iterable[str], new: Iterable[str]) -> list[str]:
    known = set(old)
    return [one for one in new if one not in known]


def _pipeline(base: Pipeline, head: Pipeline) -> Iterator[_STEP]:
    for glob in _added(base.exclude, head.exclude):
        yield "weakened-exclude", glob, f"`exclude` now leaves out `{glob}` for every scanner."
    if base.osv_url != head.osv_url:
        said = f"`{head.osv_url}`" if head.osv_url else "its usual place"
        yield "weakened-advisories", f"osv_url {head.osv_url}", f"Vulnerability data now comes from {said}."
    for name, old in base.environments.items():
        new = head.environments.get(name)
        if new is not None and new.isolation != old.isolation and new.isolation == "none":
            yield "weakened-environment", f"{name} isolation", f"Tests in `{name}` may now reach the network."
        if new is None or msgspec.structs.replace(new, isolation=old.isolation) != old:
            # What answers the tests cannot be weighed: it may be another application.
            now = hashlib.sha256(msgspec.json.encode(new, order="deterministic")).hexdigest() if new else "gone"
            said = "is now another than on the base" if new else "is gone"
            yield "weakened-environment", f"{name} {now}", f"The environment `{name}` {said}."


def _actions(base: Pipeline, head: Pipeline) -> Iterator[_STEP]:
    """Each action of the base beside its namesake, else beside an action of its scanner that has no namesake."""
    named = {action.name: action for action in head.actions}
    known = {action.name for action in base.actions}
    spare = [action for action in head.actions if action.name not in known]
    for old in base.actions:
        new = named.get(old.name)
        if new is None or new.scanner != old.scanner:
            new = next((one for one in spare if one.scanner == old.scanner), None)
            spare = [one for one in spare if one is not new]
        if new is None:
            stage = next(stage.name for stage in base.stages if old in stage.actions)
            yield "weakened-action-removed", old.name, f"The action `{old.name}` of stage `{stage}` is gone."
        else:
            yield from _action(old, new)


def _action(old: Action, new: Action) -> Iterator[_STEP]:
    def step(what: str, sentence: str) -> _STEP:
        return f"weakened-action-{what}", f"{old.name} {sentence}", f"{new.name}: {sentence}"

    if old.blocking and not new.blocking:
        yield step("informs", "`blocking: false` lets its findings inform only.")
    if new.honour_config and not old.honour_config:
        yield step("config", "`honour_config: true` lets files of the repository configure it.")
    if lost := _lost(old.paths, new.paths):
        yield step("paths", f"it does not look at {lost} any more.")
    for glob in _added(old.exclude, new.exclude):
        yield step("exclude", f"it now leaves out `{glob}`.")
    if old.args != new.args:
        yield step("arguments", f"its further arguments are now {_quoted(new.args) or 'none'}.")
    for rule in sorted({*old.severity, *new.severity}):
        if _lowered(old.severity.get(rule), new.severity.get(rule)):
            now = new.severity.get(rule, "as its tool rates it")
            yield step("severity", f"`{rule}` is now {now}.")
    for key, sentence in _options(old.options, new.options):
        yield step("option", f"`{key}` {sentence}")


def _lost(old: Collection[str], new: Collection[str]) -> str:
    """What of the old paths the new ones do not cover; no paths at all are the whole tree."""
    wide = {path.rstrip("/") for path in new}
    if not new or "." in wide:
        return ""
    if not old:
        return "the whole tree"
    return _quoted(path for path in old if not any(path == one or path.startswith(f"{one}/") for one in wide))


def _lowered(old: Severity | None, new: Severity | None) -> bool:
    """Whether a rule may rate lower than before; without an entry it has its tool's word, which may be any."""
    if old is new or new is Severity.CRITICAL or old is Severity.INFO:
        return False
    return old is None or new is None or new.rank < old.rank


def _files(was: Collection[str], now: Collection[str]) -> str:
    """None listed: all are looked at."""
    gone = _added(now, was) or ([] if was else ["all files"])
    return f"has lost {_quoted(gone)}." if now and gone else ""


def _exits(was: Collection[int], now: Collection[int]) -> str:
    more = [str(one) for one in now if one not in was]
    return f"takes {_quoted(more)} for success too." if more else ""


def _command(_was: Collection[str], now: Collection[str]) -> str:
    """A word more can be one that leaves everything out."""
    return f"is now {_quoted(now)}."


def _registries(was: Collection[str], now: Collection[str]) -> str:
    """None listed: all are trusted."""
    more = not now or (was and _added(was, now))
    return f"trusts more: {_quoted(now) or 'all registries'}." if more else ""


def _setup(was: Collection[str], now: Collection[str]) -> str:
    """A folder that only prepares needs no tests."""
    more = _added(was, now)
    return f"now has {_quoted(more)}, where no test need be made." if more else ""


def _headers(_was: Collection[str], now: Collection[str]) -> str:
    """Their values may be secrets, and are not told."""
    return f"is now another: {_quoted(now) or 'none'}."


# The keys in which not every loss, or not only a loss, is weaker.
_OWN: dict[str, Callable[[Any, Any], str]] = {
    "files": _files,
    "exits": _exits,
    "folders": _files,
    "setup": _setup,
    "headers": _headers,
    "command": _command,
    "data": _command,  # a policy may judge more mildly with more of it
    "policy": _command,
    "trusted_registries": _registries,
}


def _options(old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """The scanner's own keys: a list that lost something, a switch that is off, anything else that differs."""
    before, after = (msgspec.structs.asdict(one) if one is not None else {} for one in (old, new))
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        if key in _OWN:
            if said := _OWN[key](was or (), now or ()):
                yield key, said
        elif isinstance(was, tuple | list | frozenset) and isinstance(now, tuple | list | frozenset):
            if gone := _added(now, was):
                yield key, f"has lost {_quoted(map(str, gone))}."
        elif isinstance(was, bool) and isinstance(now, bool):
            if was:
                yield key, "is off."
        else:
            yield key, f"is now `{now}`."


def _policy(old: Policy, new: Policy) -> Iterator[_STEP]:
    for kind in Kind:
        was, now = old.block_at[kind], new.block_at[kind]
        if was is not None and (now is None or now.rank > was.rank):
            word = now or "never"
            yield "weakened-policy-threshold", f"{kind} {word}", f"Findings of kind {kind} now block from `{word}` on."
    for name in _added(new.required, old.required):
        yield "weakened-policy-required", name, f"`{name}` is not under `policy.required` any more."
    for subject in _added(old.exempt, new.exempt):
        yield "weakened-policy-exempt", subject, f"`policy.exempt` now has `{subject}`."
    yield from _switches(old, new)


def _switches(old: Policy, new: Policy) -> Iterator[_STEP]:
    if _CONFIDENCES.index(new.block_confidence) > _CONFIDENCES.index(old.block_confidence):
        sentence = f"`policy.block_confidence` is now `{new.block_confidence}`."
        yield "weakened-policy-confidence", f"block_confidence {new.block_confidence}", sentence
    for key in ("honour_inline_suppressions", "tools_from_path"):
        if getattr(new, key) and not getattr(old, key):
            yield "weakened-policy-switch", key, f"`policy.{key}` is now true."
    if old.block_refuted and not new.block_refuted:
        yield "weakened-policy-switch", "block_refuted", "`policy.block_refuted` is now false."
    yield from _proofs(old, new)
    if old.overrides.two_person and not new.overrides.two_person:
        yield "weakened-policy-switch", "overrides.two_person", "`policy.overrides.two_person` is now false."
    if new.overrides.incomplete and not old.overrides.incomplete:
        yield "weakened-policy-switch", "overrides.incomplete", "`policy.overrides.incomplete` is now true."
    yield from _limits(old, new)


def _proofs(old: Policy, new: Policy) -> Iterator[_STEP]:
    """What of the source counts less: a higher threshold where None is none (`confirmed`), or that of `block_at`."""
    was, now = old.block_confirmed, new.block_confirmed
    if was is not None and (now is None or now.rank > was.rank):
        said = f"is now `{now}`." if now else "is gone."
        yield "weakened-policy-threshold", f"block_confirmed {now or 'gone'}", f"`policy.block_confirmed` {said}"
    was, now = old.block_not_imported, new.block_not_imported
    if now is not None and (was is None or now.rank > was.rank):
        sentence = f"`policy.block_not_imported` is now `{now}`."
        yield "weakened-policy-threshold", f"block_not_imported {now}", sentence


def _limits(old: Policy, new: Policy) -> Iterator[_STEP]:
    for key in ("max_advisory_age", "max_waiver_days", "max_waiver_matches"):
        if getattr(new, key) > getattr(old, key):
            yield (
                "weakened-policy-limit",
                f"{key} {getattr(new, key):g}",
                f"`policy.{key}` is now {getattr(new, key):g}.",
            )
    if new.overrides.max_hours > old.overrides.max_hours:
        sentence = f"`policy.overrides.max_hours` is now {new.overrides.max_hours:g}."
        yield "weakened-policy-limit", f"overrides.max_hours {new.overrides.max_hours:g}", sentence
    yield from _times(old, new)
    for key in ("unused_waivers", "broad_waivers"):
        if _LEVELS.index(getattr(new, key)) > _LEVELS.index(getattr(old, key)):
            yield "weakened-policy-limit", key, f"`policy.{key}` is now `{getattr(new, key)}`."


def _times(old: Policy, new: Policy) -> Iterator[_STEP]:
    """What is given more time before it blocks."""
    for severity, days in new.baseline_days.items():
        if days > old.baseline_days.get(severity, 0):
            sentence = f"`policy.baseline_days` now gives {severity} findings {days} days."
            yield "weakened-policy-limit", f"baseline_days {severity} {days}", sentence
    if old.urgent_epss is not None and (new.urgent_epss is None or new.urgent_epss > old.urgent_epss):
        now = "gone" if new.urgent_epss is None else f"{new.urgent_epss:g}"
        yield "weakened-policy-limit", f"urgent_epss {now}", f"`policy.urgent_epss` is now {now}."
    for origin, days in new.grace.items():
        if days > old.grace.get(origin, 0):
            yield (
                "weakened-policy-limit",
                f"grace {origin} {days}",
                f"`policy.grace` now gives what is {origin} {days} days.",
            )
