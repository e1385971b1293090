"""An environment for one step: up before its tests, its logs kept, and down again when the step ends, however it ends.

What kept it from coming up, what ended meanwhile, and what tried to leave, are on the step's receipt.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from hardgate import environments, tools
from hardgate.environments import Running, StartError
from hardgate.model import GapReason
from hardgate.services import ISOLATED, filled
from hardgate.step import Context

# Inside there is no proxy to be reached, and with one set a tool would not even ask its own loopback.
_DIRECT = {name: "" for name in tools.PASSED if name.lower().endswith("_proxy")}
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


def started(context: Context) -> Running:
    """The environment that the options of the step name, or the only one there is; up until the step ends.

    Raises GapError when it does not come up, or cannot be isolated as hardgate.yaml asks.
    """
    name = context.options.environment or next(iter(context.environments))
    scratch = context.scratch / "environment"
    scratch.mkdir()
    made = [one.reference for receipt in context.earlier.values() for one in receipt.outputs if one.reference]
    image = made[-1] if made else ""
    up = environments.up(context.environments[name], tree=context.checkout(), scratch=scratch, image=image)
    ended: list[Running] = []
    context.stack.callback(_away, context, ended)  # called last: when it is down
    try:
        running = context.stack.enter_context(up)
        ended.append(running)
    except StartError as error:
        _kept(context, error.logs)
        reason = GapReason.NOT_RUN if error.wall else GapReason.TOOL_FAILED
        raise context.missing(reason, f"{context.action.name}: {error}", error.hint) from error
    context.record.notes.append(f"environment {name} {running.isolation}")
    if image and running.definition.compose:
        context.record.notes.append(f"the compose file had {image} for ${{HARDGATE_IMAGE}}")
    context.stack.callback(_told, context, running)
    return running


def variables(running: Running) -> dict[str, str]:
    """What a test's command gets beside a tool's own variables."""
    return {**_DIRECT, **running.variables}


def origins(running: Running) -> frozenset[str]:
    """Where what is tested answers, as `HOST:PORT`. None where nothing else can answer: behind a wall."""
    if running.definition.isolation == ISOLATED:
        return frozenset()
    asked = urlsplit(running.address)
    own = f"{asked.hostname}:{asked.port or (443 if asked.scheme == 'https' else 80)}"
    ports = [port for name, port in running.places.items() if name.endswith("PORT")]
    return frozenset({own, *(f"{host}:{port}" for host in _LOOPBACK for port in ports)})


def text(context: Context, running: Running, given: str) -> str:
    """A text of the options with its places filled: those of services, and `${URL}`. GapError for one that is none."""
    places = {**running.places, "URL": running.address}
    try:
        return filled(given, places)
    except KeyError as error:
        message = f"{context.action.name}: ${{{error.args[0] or ''}}} in {given!r} is no place of this environment"
        raise context.missing(GapReason.INPUT_MISSING, message, f"It has: {', '.join(sorted(places))}.") from error


def _told(context: Context, running: Running) -> None:
    """Keep the logs, and say what happened to the environment while it was tested."""
    for name in running.gone():
        message = f"the service {name} of environment {running.definition.name} ended before its tests did"
        context.record.gaps.append(context.gap(GapReason.TOOL_FAILED, message, "See its log among the outputs."))
    left = running.attempts()
    if left:
        packets = "1 packet" if left == 1 else f"{left} packets"
        context.record.notes.append(f"{packets} wanted to leave the environment and found no route")
    _kept(context, running.logs())


def _away(context: Context, ended: list[Running]) -> None:
    for running in ended:
        if running.left:
            remedy = "Look what was left behind, and remove it by hand."
            context.record.gaps.append(context.gap(GapReason.TOOL_FAILED, running.left, remedy))


def _kept(context: Context, logs: dict[str, bytes]) -> None:
    for name, log in logs.items():
        context.keep(f"{name}.log", "text/plain", log)
