"""The wall around an environment: namespaces with a loopback device and nothing else, made by util-linux.

A process in there has no route, sees no process of the outside, and has no capability by which to leave: see
unshare(1), nsenter(1), setpriv(1) and network_namespaces(7). All three commands belong to every Debian and Ubuntu.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_NEEDED = ("unshare", "nsenter", "setpriv", "mount", "env")
_COUNTERS = ("OutNoRoutes", "Ip6OutNoRoutes")  # RFC 4293: packets thrown away because no route was found
REMEDY = (
    "Run hardgate where namespaces are allowed: as root, or with user namespaces (Ubuntu 24.04: sysctl "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container: --security-opt seccomp=unconfined). Or say in "
    "hardgate.yaml that the tests may reach the outside: environment: {NAME: {isolation: none}}; the receipt tells it."
)


def lacking() -> str:
    """What the system lacks for a wall, "" when nothing: then only trying tells."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    return f"{', '.join(missing)} cannot be found" if missing else ""


def ways() -> tuple[bool, ...]:
    """With a user namespace, which takes every right over the outside away; for root also without, where it is off."""
    return (True, False) if os.geteuid() == 0 else (True,)


def around(command: tuple[str, ...], *, user: bool, net: bool = True) -> tuple[str, ...]:
    """The words that start `command` as the first process behind a new wall; without `net` in the network it is in."""
    own = (*(("--user", "--map-current-user") if user else ()), *(("--net",) if net else ()))
    more = ("--pid", "--mount", "--ipc", "--fork", "--kill-child=SIGKILL", "--mount-proc")
    return ("unshare", *own, *more, *command)


def inside(pid: int, folder: Path, command: tuple[str, ...], *, user: bool) -> tuple[str, ...]:
    """The words that start `command` in `folder` behind the wall that process `pid` (of `around`) made."""
    enter = ("nsenter", f"--target={pid}", *(("--user", "--preserve-credentials") if user else ()))
    enter = (*enter, "--net", "--mount", "--ipc", f"--pid=/proc/{pid}/ns/pid_for_children")
    # Who is no root loses all rights over the namespaces at `exec`; root has to give them up.
    every = ("--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all") if os.geteuid() == 0 else ()
    return (*enter, "--", "setpriv", "--no-new-privs", *every, "--", "env", f"--chdir={folder}", "--", *command)


def sockets() -> tuple[str, ...]:
    """The paths of all sockets that something listens at here: those of an engine, a resolver, an agent."""
    try:
        rows = Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines()[1:]
    except OSError:
        return ()
    found = (row.split(maxsplit=7)[7:] for row in rows)
    return tuple(sorted({path for one in found for path in one if path.startswith("/")}))


def attempts(pid: int) -> int:
    """How many packets wanted to leave behind the wall of `pid`, and found no route."""
    total = 0
    for name in ("snmp", "snmp6"):
        rows = [line.split() for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()]
        if name == "snmp6":
            total += sum(int(row[1]) for row in rows if row[0] == _COUNTERS[1])
        else:
            names, values = (row for row in rows if row[0] == "Ip:")
            total += int(values[names.index(_COUNTERS[0])])
    return total
