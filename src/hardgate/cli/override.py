"""Ship a risk once, by name: ask for an override, have another person grant it, take it back, list them.

An override opens one gate, once, for one commit with exactly the findings that block now; the verdict stays FAIL in the
evidence. The next `hardgate run` or `hardgate gate` of that commit uses it up. All of this is in the ledger.
"""

from __future__ import annotations

import argparse
import os
import secrets
from typing import TYPE_CHECKING, NoReturn

import msgspec

from hardgate import override, seals
from hardgate.cli import common, who
from hardgate.cli.judged import policy_of
from hardgate.errors import ConfigError
from hardgate.ledger import tidy
from hardgate.model import ExitCode
from hardgate.override import Override, Sealed, State
from hardgate.permits import Person
from hardgate.receipts import KEY_VARIABLE
from hardgate.wording import count, flow, plain

if TYPE_CHECKING:
    from hardgate.store import Store

_NOTHING = "Nothing was done."


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `hardgate override`."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="request | grant | revoke | list")
    request = commands.add_parser("request", help="ask for one", allow_abbrev=False)
    common.add_run(request)
    request.add_argument("--reason", required=True, metavar="TEXT", help="why this is shipped although it blocks")
    request.add_argument("--ticket", required=True, metavar="ID", help="where it is followed up")
    grant = commands.add_parser("grant", help="grant one that was asked for", allow_abbrev=False)
    grant.add_argument("id", metavar="ID", help="the override, or the beginning of its id")
    grant.add_argument("--hours", type=float, metavar="N", help="how long it lasts (default: the policy's maximum)")
    revoke = commands.add_parser("revoke", help="take one back that was not used", allow_abbrev=False)
    revoke.add_argument("id", metavar="ID", help="the override, or the beginning of its id")
    revoke.add_argument("--reason", required=True, metavar="TEXT", help="why it is taken back")
    for each in (request, grant, revoke):
        each.add_argument("--by", metavar="NAME", help="who you are (default: what the CI service, git or system says)")
    lists = commands.add_parser("list", help="list them, the newest first", allow_abbrev=False)
    lists.add_argument("--path", metavar="PATH", help="only those of this folder")
    lists.add_argument("--json", action="store_true", help="as JSON")


def main(args: argparse.Namespace) -> int:
    """Do what was asked; exit code 0 when it was done."""
    with common.open_store() as store:
        {"request": _request, "grant": _grant, "revoke": _revoke, "list": _list}[args.command](args, store)
    return ExitCode.PASS


def _refuse(why: str) -> NoReturn:
    raise ConfigError(why, hint=_NOTHING)


def _seal(one: Override) -> str:
    return seals.make(override.raw(one), os.environ.get(KEY_VARIABLE, ""))


def _request(args: argparse.Namespace, store: Store) -> None:
    from hardgate import assembling  # noqa: PLC0415 (slow to import: help does not wait for it)

    if not args.reason.strip() or not args.ticket.strip():
        _refuse("--reason and --ticket need words")
    run = common.stored_run(store, args.run, args.path)
    verdict = common.verdict_of(store, run)
    if why := override.not_to_be_asked(run, verdict, policy_of(run).overrides):
        _refuse(f"no override was asked for: {why}")
    now, requester = assembling.now(), who.asking(args.by)
    scope = override.scope_of(run, verdict)
    one = Override(
        id=f"ov-{assembling.new_id()}{secrets.token_hex(2)}",
        scope=scope,
        run=run.id,
        reason=flow(args.reason),
        ticket=flow(args.ticket),
        requester=requester,
        requested_at=now,
    )
    one = msgspec.convert(tidy(one), Override)
    store.add_override(one, _seal(one))
    print(f"{one.id} was asked for by {override.named(requester)}.")
    print(f"  It is for commit {scope.commit[:12]}: {_extent(one)}.")
    print(f"  Now somebody who may: hardgate override grant {one.id}")


def _extent(one: Override) -> str:
    scope = one.scope
    images = f", {count(len(scope.images), 'image')}" if scope.images else ""
    return f"{count(len(scope.findings), 'finding')} that block, {count(len(scope.gaps), 'gap')}{images}"


def _grant(args: argparse.Namespace, store: Store) -> None:
    from hardgate import assembling  # noqa: PLC0415 (loaded where it is needed)

    known = store.override(args.id)
    one, granter = known.override, who.asking(args.by)
    policy = policy_of(store.run(one.run)).overrides
    hours = policy.max_hours if args.hours is None else args.hours
    if why := override.not_to_be_granted(one, granter, hours, policy):
        _refuse(f"{one.id} was not granted: {why}")
    _believed(known)
    made = override.granted(one, granter, assembling.now(), hours)
    store.grant_override(known, made, _seal(made))
    print(f"{one.id} was granted by {override.named(granter)} until {made.expires}: {_extent(made)}.")
    print(f"  The next gate over commit {made.scope.commit[:12]} with exactly these uses it up.")


def _believed(known: Sealed) -> None:
    """Refuse to grant what was altered after it was asked for."""
    key, maker = os.environ.get(KEY_VARIABLE, ""), "where it was asked for"
    raw = override.raw(known.override)
    why = seals.problem(raw, known.seal, key, variable=KEY_VARIABLE, maker=maker, asker="this command")
    if why:
        _refuse(f"{known.override.id} was not granted: it {why}")


def _revoke(args: argparse.Namespace, store: Store) -> None:
    from hardgate import assembling  # noqa: PLC0415 (loaded where it is needed)

    if not args.reason.strip():
        _refuse("--reason needs words")
    known, person = store.override(args.id), who.asking(args.by)
    store.revoke_override(known, person, assembling.now(), flow(args.reason))
    print(f"{known.override.id} was revoked by {override.named(person)}.")


def _list(args: argparse.Namespace, store: Store) -> None:
    from hardgate import assembling  # noqa: PLC0415 (loaded where it is needed)

    found = store.overrides(str(common.root_of(args.path)) if args.path else None)
    now = assembling.now()
    if args.json:
        common.print_json([_entry(one, now) for one in found])
        return
    if not found:
        print("No override was ever asked for.")
    for sealed in found:
        one = sealed.override
        print(f"{one.id}  {_state(sealed, now):<9}  {one.scope.pipeline}  {one.scope.commit[:12]}  {_extent(one)}")
        print(f"  {one.ticket}: {one.reason}")
        print(f"  {_people(one)}")
        if told := sealed.fate or sealed.doubt:
            print(f"  It {plain(told)}.")


def _state(sealed: Sealed, now: str) -> str:
    if sealed.doubt:
        return "doubtful"
    over = sealed.state is State.GRANTED and not sealed.fate and now >= sealed.override.expires
    return "expired" if over else sealed.state


def _people(one: Override) -> str:
    asked = f"asked for by {_known(one.requester)} at {one.requested_at}"
    if one.granter is None:
        return asked
    return f"{asked}, granted by {_known(one.granter)} at {one.granted_at} until {one.expires}"


def _known(person: Person) -> str:
    return f"{override.named(person)} as {person.account}"


def _entry(sealed: Sealed, now: str) -> dict[str, object]:
    entry: dict[str, object] = msgspec.to_builtins(sealed)
    return entry | {"state": _state(sealed, now)}
