"""A Docker engine and registries of a test run: in namespaces of their own, started once and always ended.

What the lab is made of runs in mount, network, process and IPC namespaces of its own: another engine of this machine,
its images and its rules of iptables are not seen and not touched. The kernel ends all of it with the process that
started it, however that ends. There is no route out of it unless it is started with `online`.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.containers.inside import CLOSED, HOST, REGISTRIES, USER

PROGRAMS = ("dockerd", "docker-registry", "containerd", "runc", "iptables", "unshare", "nsenter", "openssl", "mariadbd")
ROOT = Path(__file__).parents[3]
PREFIX = "hardgate-lab-"
_PATIENCE = 120.0  # seconds until everything must be up
_CGROUPS = Path("/sys/fs/cgroup")
_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
_ADMIN = 21  # CAP_SYS_ADMIN, capabilities(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A running lab. `folder` holds the engine's socket, the registries' certificates and the logs.

    `pid` is the first process of its namespaces. The registries are at `trusted`, `untrusted` (signed by nobody whom
    the engine knows), `readonly` (whoever logs in may pull) and `closed` (nothing listens there), all under ECR's kind
    of name; they take `user` with `password`.
    """

    folder: Path
    pid: int
    password: str
    user: str = USER
    trusted: str = HOST
    untrusted: str = f"{HOST}:{REGISTRIES['untrusted']}"
    readonly: str = f"{HOST}:{REGISTRIES['readonly']}"
    closed: str = f"{HOST}:{CLOSED}"

    @property
    def address(self) -> str:
        """What DOCKER_HOST says: the socket can be reached from inside and outside of the namespaces."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a docker client finds this engine, with Debian's client first on PATH.

        Logins are kept in the lab's folder: the user's own are not seen and not changed.
        """
        return {
            "DOCKER_HOST": self.address,
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "PATH": f"{_PATH}:{os.environ.get('PATH', os.defpath)}",
        }

    def inside(self, *words: str) -> tuple[str, ...]:
        """The command that runs `words` inside the lab: its ports and registries, no other network, ended with it."""
        enter = ("nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--ipc")
        return (*enter, f"--wd={Path.cwd()}", "--", *words)

    def run(
        self, *words: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside the lab to its end, with the lab's variables and `env`; it may fail."""
        return subprocess.run(
            self.inside(*words),
            input=stdin,
            capture_output=True,
            text=True,
            env={"HOME": str(self.folder), **self.environment, **(env or {})},
            check=False,
        )

    def docker(self, *words: str, stdin: str = "") -> str:
        """What docker says to these words, for the making and checking of things. Raises RuntimeError when it fails."""
        done = self.run("docker", *words, stdin=stdin)
        if done.returncode:
            raise RuntimeError(f"docker {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout.strip()


def obstacle() -> str:
    """Why no engine can run here, "" when one can."""
    if sys.platform != "linux":
        return f"containers are run on Linux only, and this is {sys.platform}"
    if not _may_administer():
        return "an engine needs root with CAP_SYS_ADMIN (namespaces, mounts), and the tests were started without"
    missing = [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]
    return f"{', '.join(missing)} not installed: run `make system`" if missing else ""


def _may_administer() -> bool:
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
    return os.geteuid() == 0 and bool(effective >> _ADMIN & 1)


@contextmanager
def start(*, online: bool = False) -> Iterator[Lab]:
    """A lab for as long as the `with` lasts. Raises RuntimeError, with the logs, when it cannot be started.

    `online`: there is a route out, through slirp4netns (for pip, say); not into this machine.
    """
    if reason := obstacle():
        raise RuntimeError(reason)
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    password = secrets.token_urlsafe(24)
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with _namespaces(folder, lock.fileno()) as process:
                lab = Lab(folder=folder, pid=_first_of(process), password=password)
                with _route_out(lab) if online else nullcontext():
                    _tell(process, password)
                    _await(lab, process)
                    yield lab
    finally:
        _remove(folder)


def sweep() -> None:
    """Remove what labs left behind whose test run was killed: their processes are gone, their folders are not."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: somebody's lab
            _remove(folder)


@contextmanager
def _namespaces(folder: Path, lock: int) -> Iterator[subprocess.Popen[str]]:
    words = [
        "unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", "--propagation",
        "private", sys.executable, "-m", "tests.lab.containers.inside", str(folder),
    ]  # fmt: skip
    with (folder / "inside.log").open("ab") as log:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={"PATH": _PATH, "HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            pass_fds=(lock,),  # who finds it unlocked knows that nothing of the lab is left
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (it takes no lock: safe beside threads)
        )
    try:
        yield process
    finally:
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.close()  # process 1 ends, and the kernel everything with it before this wait is over
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """A test run that is killed leaves nothing: prctl(2), PR_SET_PDEATHSIG; `unshare --kill-child` does the rest."""
    _LIBC.prctl(1, signal.SIGKILL)


def _first_of(process: subprocess.Popen[str]) -> int:
    """The process that `unshare` forked, by its number out here."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.01)
    raise RuntimeError("unshare made no namespaces")


@contextmanager
def _route_out(lab: Lab) -> Iterator[None]:
    with (lab.folder / "slirp4netns.log").open("ab") as log:
        process = subprocess.Popen(
            ["slirp4netns", "--configure", "--mtu=1400", "--disable-host-loopback", str(lab.pid), "tap0"],
            env={"PATH": _PATH},
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (it takes no lock: safe beside threads)
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _tell(process: subprocess.Popen[str], password: str) -> None:
    if process.stdin is None:
        raise RuntimeError("unshare was started without a pipe")
    process.stdin.write(f"{password}\n")
    process.stdin.flush()


def _await(lab: Lab, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if (lab.folder / "ready").exists():
            return
        time.sleep(0.05)
    raise RuntimeError(f"the lab did not start:\n{_logs(lab.folder)}")


def _logs(folder: Path) -> str:
    """The last lines of what its processes said."""
    return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in sorted(folder.glob("*.log")))


def _remove(folder: Path) -> None:
    """The folder, and the control groups that the engine made under its name."""
    for group in sorted(_CGROUPS.glob(f"**/{folder.name}"), key=lambda path: -len(path.parts)):
        for below in sorted((one for one in group.rglob("*") if one.is_dir()), key=lambda path: -len(path.parts)):
            below.rmdir()
        group.rmdir()
    shutil.rmtree(folder)
