"""Which process a run belongs to, and whether that process is still there.

A process is known by its machine, its number and its start time: numbers are used again, the three together are not.
"""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

import msgspec

OUT_OF_SIGHT = datetime.timedelta(hours=24)
"""How long a run of a machine that we cannot look into counts as running."""
_DEAD = frozenset("ZXx")  # proc(5): zombie and dead


class Owner(msgspec.Struct, frozen=True):
    """`machine` is "host/boot/process namespace"; `started` is in clock ticks since boot, "" where nothing tells."""

    machine: str
    process: int
    started: str


def now() -> str:
    """The time as the model writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def this_process() -> Owner:
    """The owner of the runs that this process begins."""
    return Owner(_machine(), os.getpid(), _start(os.getpid()) or "")


def gone(owner: Owner, claimed: str) -> bool:
    """True when the process that claimed a run at the time `claimed` no longer works on it."""
    here = _machine()
    if owner.machine == here:
        return _gone_here(owner)
    if _rebooted(owner.machine, here):
        return True
    since = datetime.datetime.fromisoformat(claimed)
    return datetime.datetime.now(datetime.UTC) - since > OUT_OF_SIGHT


def _gone_here(owner: Owner) -> bool:
    started = _start(owner.process)
    if started is not None:
        return started != owner.started
    if os.name != "posix":
        return False  # os.kill would end the process on Windows: better to believe it alive
    try:
        os.kill(owner.process, 0)  # no /proc, or one that hides the processes of others
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _start(os.getpid()) is not None  # there is a /proc, and it says zombie


def _rebooted(then: str, here: str) -> bool:
    """The same host under another boot: what ran before is gone. Unknown parts prove nothing."""
    host, boot, _ = then.rsplit("/", 2)
    our_host, our_boot, _ = here.rsplit("/", 2)
    return host == our_host and boot != our_boot and "" not in (boot, our_boot)


def _machine() -> str:
    boot = _read(Path("/proc/sys/kernel/random/boot_id"))
    # Containers on one host see different processes under the same number.
    namespace = Path("/proc/self/ns/pid")
    try:
        inside = namespace.readlink().name
    except OSError:
        inside = ""
    return f"{platform.node()}/{boot}/{inside}"


def _start(process: int) -> str | None:
    """Field 22 of /proc/PID/stat (proc(5)); None when there is no such living process, or no /proc.

    The name of the program is in brackets and may itself hold brackets and spaces: count from the last one.
    """
    fields = _read(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    if not fields or fields[0] in _DEAD:
        return None
    return fields[19]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
