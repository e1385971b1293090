"""One start of a tool: its command line, its process, and its report's bytes or the gap in their place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hardgate import tools
from hardgate.action import MissingError, Prepared, Scene, kept_date
from hardgate.adapter import Canary, Job, Scanner
from hardgate.model import Action, DataUse, Finding, Gap, GapReason, Kind, Output, Refutation
from hardgate.wording import flow, plain

ANSWER = 400  # characters of a failed tool's last words that a gap quotes


class Sum(msgspec.Struct, kw_only=True):
    """What the starts of one action added up to."""

    findings: list[Finding] = []
    gaps: list[Gap] = []
    notes: list[str] = []
    refuted: list[Refutation] = []
    outputs: list[Output] = []
    argv: list[tuple[str, ...]] = []
    exits: list[int] = []
    seen: set[str] | None = None
    version: str = ""
    data: DataUse | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0


def told(scene: Scene, ready: Prepared, total: Sum) -> DataUse | None:
    """The data that the tool says it used, or has downloaded; None where it says nothing of it."""
    if total.data is None and ready.online and ready.scanner.ecosystem and ready.data:
        return msgspec.structs.replace(ready.data, date=kept_date(scene, ready.scanner, ready.action))
    return total.data


def plant(view: Path, mark: str, canary: Canary) -> tuple[str, ...]:
    for name, content in canary.files.items():
        target = view / mark / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tuple(f"{mark}/{name}" for name in canary.files)


def spell_out(view: Path) -> None:
    """Put `?` for each byte that is no UTF-8, for a tool that would not see the rest: places stay right."""
    for file in (path for path in view.rglob("*") if path.is_file()):
        content = file.read_bytes()
        try:
            content.decode()
        except UnicodeDecodeError:
            text = content.decode("utf-8", "surrogateescape").encode("utf-8", "replace")
            file.unlink()  # a link to the shared copy: the other actions keep the file as it is
            file.write_bytes(text)


def defuse(view: Path, silencers: Sequence[bytes]) -> None:
    """Break the marks by which a file silences the tool, where no flag does: same length, so that places stay right."""
    for file in (path for path in view.rglob("*") if path.is_file()):
        content = file.read_bytes()
        if any(mark in content for mark in silencers):
            for mark in silencers:
                content = content.replace(mark, mark.replace(b":", b"_"))
            file.unlink()  # a link to the shared copy: the other actions keep the file as it is
            file.write_bytes(content)


def start(scene: Scene, scanner: Scanner, action: Action, part: Job, total: Sum | None) -> bytes:
    """Run the tool once and return its report's bytes; raises MissingError for anything but a whole run."""
    argv = scanner.argv(part)
    (Path(part.scratch) / ".config").mkdir(exist_ok=True)  # opengrep does not start without it
    env = tools.environment(
        Path(part.scratch), extra={**scanner.environment(part), **_direct(scene)}, passed=scanner.secrets
    )
    hidden = [env[name] for name in scanner.secrets if name in env]
    done = tools.run(argv, cwd=Path(part.root), env=env, timeout=action.timeout, output_limit=scene.output_limit)
    if total is not None:
        total.argv.append(_recorded(argv, part, hidden, scene.served))
        total.exits.append(done.exit_code)
        total.seconds += done.seconds
        total.cpu_seconds += done.cpu_seconds
        total.peak_memory = max(total.peak_memory, done.peak_memory)
        total.gaps += [msgspec.structs.replace(gap, action=action.name) for gap in scanner.complaints(done.stderr)]
    _whole(scanner, action, done, hidden)
    if not scanner.reads_file:
        if not done.stdout.strip():
            said = _last_words(scanner, done, hidden)
            raise missing(GapReason.REPORT_UNREADABLE, f"{scanner.name} wrote no report{said}", "Run it again.")
        return done.stdout
    report = Path(part.report)
    if not report.is_file():
        raise missing(GapReason.REPORT_UNREADABLE, f"{scanner.name} wrote no report", "Run it again.")
    if report.stat().st_size > scene.output_limit:
        raise missing(
            GapReason.OUTPUT_LIMIT, f"{scanner.name}'s report is larger than {scene.output_limit:,} bytes", ""
        )
    return report.read_bytes()


def judged(scene: Scene, scanner: Scanner, raw: bytes) -> bytes:
    """The report to be read: what the tool wrote, or what the local advisory database says of the SBOM that it wrote.

    Raises StoreError when that database is damaged or the document is no SBOM.
    """
    return scene.advisories.judge(raw) if scanner.judges and scene.advisories else raw


def _direct(scene: Scene) -> dict[str, str]:
    """The variables that keep questions to our own loopback service from being sent to a proxy."""
    if not scene.served:
        return {}
    return {name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1"))) for name in ("NO_PROXY", "no_proxy")}


def _recorded(argv: Sequence[str], part: Job, hidden: Sequence[str], served: str) -> tuple[str, ...]:
    """The command line as it goes on the record: secrets masked, private folders by what they hold."""
    places = {part.scratch: "$SCRATCH", part.root: "$TREE", part.history: "$HISTORY", part.rules: "$RULES"}
    places[served] = "$ADVISORIES"
    words = tools.mask(argv, hidden)
    for place, word in sorted(places.items(), key=lambda one: -len(one[0])):
        words = tuple(text.replace(place, word) for text in words) if place else words
    return tuple(plain(word) for word in words)


def missing(reason: GapReason, message: str, remedy: str) -> MissingError:
    return MissingError(Gap(reason=reason, message=flow(message), remedy=remedy))


def _whole(scanner: Scanner, action: Action, done: tools.Completed, hidden: Sequence[str]) -> None:
    """Raise MissingError unless the process came to a good end."""
    name = scanner.name
    if done.overflowed:
        raise missing(
            GapReason.OUTPUT_LIMIT, f"{name} wrote more than hardgate reads, and was ended", "Narrow `paths`."
        )
    if done.timed_out:
        remedy = f"Give it longer: {name}: {{timeout: {action.timeout * 2:.0f}}}."
        raise missing(GapReason.TIMEOUT, f"{name} was ended after its timeout of {action.timeout:g} s", remedy)
    if done.exit_code not in scanner.done_exits:
        how = f"signal {-done.exit_code}" if done.exit_code < 0 else f"exit code {done.exit_code}"
        message = f"{name} ended with {how}{_last_words(scanner, done, hidden)}"
        remedy = "Try its command by hand." if scanner.fit else f"See whether the tool works: hardgate doctor {name}"
        raise missing(GapReason.TOOL_FAILED, message, remedy)


def _last_words(scanner: Scanner, done: tools.Completed, hidden: Sequence[str]) -> str:
    """The end of what a failed tool said, secrets masked, as `: words`; "" when it said nothing."""
    # What a scanner of secrets was about to report may hold one.
    shown = b"" if Kind.SECRET in scanner.kinds else done.stdout[-4 * ANSWER :]
    text = (done.stderr or shown).decode("utf-8", "replace")
    said = " ".join(tools.mask([text], hidden)[0].split())[-ANSWER:]
    return f": {said}" if said else ""
