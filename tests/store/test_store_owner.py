"""Which process a run belongs to: real processes, and what is left of them."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys

import msgspec
import pytest

from hardgate.store.owner import Owner, gone, now, this_process

NOW = now()


def test_this_process_is_there() -> None:
    assert not gone(this_process(), NOW)


def test_another_process_is_there_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = _owner(child.pid)
    assert not gone(owner, NOW)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert gone(owner, NOW), "dead, and not yet waited for by its parent"
    child.communicate()
    assert gone(owner, NOW)


def test_a_process_number_that_is_used_again_is_another_process() -> None:
    ours = this_process()
    assert gone(msgspec.structs.replace(ours, started=str(int(ours.started) - 1)), NOW)


def test_processes_of_an_earlier_boot_are_gone() -> None:
    host, _, namespace = this_process().machine.rsplit("/", 2)
    earlier = f"{host}/00000000-0000-0000-0000-000000000000/{namespace}"
    assert gone(msgspec.structs.replace(this_process(), machine=earlier), NOW)


@pytest.mark.parametrize("machine", ["elsewhere/boot/pid:[1]", "a/b/c/", "//", ""])
def test_what_cannot_be_seen_is_believed_for_a_day(machine: str) -> None:
    owner = Owner(f"//{machine}", 1, "1")
    assert not gone(owner, NOW)
    assert not gone(owner, _ago(hours=23, minutes=59))
    assert gone(owner, _ago(hours=24, minutes=1))


def test_another_container_on_this_host_cannot_be_seen() -> None:
    host, boot, _ = this_process().machine.rsplit("/", 2)
    inside = Owner(f"{host}/{boot}/pid:[1]", 1, "1")
    assert not gone(inside, NOW)
    assert gone(inside, _ago(hours=25))


def _owner(process: int) -> Owner:
    """What that process would say of itself."""
    script = f"from hardgate.store import owner; print(owner._start({process}))"
    started = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return Owner(this_process().machine, process, started.strip())


def _ago(**much: int) -> str:
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(**much)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")
