"""The lab itself: a real engine and registries that behave as ECR does, that meet nobody, and that always end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.containers import lab as labs
from tests.lab.containers.bases import PYTHON, TINY
from tests.lab.containers.lab import Lab
from tests.lab.waiting import eventually

ROOT = Path(__file__).parents[3]
DOCKERFILE = """\
FROM python:3.12-slim
RUN useradd --system --no-create-home app && pip install --no-cache-dir flask gunicorn
USER app
CMD ["python", "-c", "import flask"]
"""


def test_the_engine_runs_wherever_it_can() -> None:
    """A lab that is skipped in silence proves nothing: with root and CAP_SYS_ADMIN there is no excuse."""
    if sys.platform == "linux" and labs._may_administer():
        assert labs.obstacle() == ""
    else:
        assert "root with CAP_SYS_ADMIN" in labs.obstacle() or "Linux only" in labs.obstacle()


def test_where_none_can_run_a_test_is_skipped_and_says_why() -> None:
    if labs.obstacle():
        pytest.skip("this is such a machine")
    words = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-m", "pytest", "-rs", "-k", "ecr", __file__]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout
    assert "no container engine can run here: an engine needs root with CAP_SYS_ADMIN" in " ".join(done.stdout.split())


def test_one_worker_has_all_that_need_the_engine(lab: Lab, request: pytest.FixtureRequest) -> None:
    grouped = request.config.getoption("loadgroup", default=False)
    assert request.node.nodeid.endswith("@containers") == bool(grouped)


def test_base_images_are_what_their_names_say(lab: Lab) -> None:
    modules = "import bz2, ctypes, lzma, readline, sqlite3, ssl, sys, venv"
    program = f"{modules}; print(f'{{sys.version_info.major}}.{{sys.version_info.minor}}', sys.prefix)"
    run = ("run", "--rm", "--network", "none", "python:3.12-slim")
    assert lab.docker(*run, "python", "-c", program) == f"{PYTHON} /usr/local"
    said = lab.docker(
        *run, "sh", "-c", "dpkg-query --show libc6 libssl3 && . /etc/os-release && echo $ID && pip --version"
    )
    assert "libc6" in said
    assert "\ndebian\n" in said
    assert "/usr/local/lib/python" in said


def test_a_dockerfile_as_users_write_it_is_built_without_a_route_out(lab: Lab) -> None:
    lab.docker("build", "--tag", "lab/flask:1", "-", stdin=DOCKERFILE)
    assert lab.docker("run", "--rm", "lab/flask:1") == ""
    # Neither the lab nor a container in it gets anywhere: there is no interface that leads out.
    assert lab.run("ip", "route", "show", "default").stdout == ""
    reach = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=3)"
    there = lab.run("docker", "run", "--rm", "python:3.12-slim", "python", "-c", reach)
    assert there.returncode != 0
    assert "Error" in there.stderr


def test_a_registry_as_ecr_is(lab: Lab) -> None:
    """No push and no pull without login, TLS that is checked, and a digest that names what was pushed."""
    lab.docker("tag", TINY, f"{lab.trusted}/lab:1")
    refused = lab.run("docker", "push", f"{lab.trusted}/lab:1")
    assert (refused.returncode, "no basic auth credentials" in refused.stderr) == (1, True)
    wrong = lab.run("docker", "login", "--username", lab.user, "--password-stdin", lab.trusted, stdin="wrong")
    assert (wrong.returncode, "401 Unauthorized" in wrong.stderr) == (1, True)
    lab.docker("login", "--username", lab.user, "--password-stdin", lab.trusted, stdin=lab.password)
    try:
        digest = lab.docker("push", f"{lab.trusted}/lab:1").partition("digest: ")[2].split()[0]
        named = f"{lab.trusted}/lab@{digest}"
        lab.docker("rmi", f"{lab.trusted}/lab:1")
        lab.docker("pull", named)
        assert json.loads(lab.docker("image", "inspect", named))[0]["RepoDigests"].count(named) == 1
    finally:
        lab.docker("logout", lab.trusted)
    # By its tag: a digest that the engine knows is not asked for.
    refused = lab.run("docker", "pull", f"{lab.trusted}/lab:1")
    assert (refused.returncode, "no basic auth credentials" in refused.stderr) == (1, True), refused.stderr
    for registry, complaint in ((lab.untrusted, "unknown authority"), (lab.closed, "connection refused")):
        failed = lab.run("docker", "pull", f"{registry}/lab:1")
        assert (failed.returncode, complaint in failed.stderr) == (1, True), failed.stderr


def test_mariadb_starts_with_the_variables_of_the_official_image(lab: Lab) -> None:
    """The password is one that a careless script would break on."""
    password = "it's \\ secret"
    variables = ("--env", "MARIADB_DATABASE=app", "--env", "MYSQL_USER=app", "--env", f"MYSQL_PASSWORD={password}")
    name = lab.docker("run", "--detach", *variables, "mariadb:10.11")
    try:
        health = ("inspect", "--format", "{{.State.Health.Status}}", name)
        assert eventually(lambda: lab.docker(*health) == "healthy"), lab.docker("logs", name)
        ask = ("mariadb", "--no-defaults", "--host=127.0.0.1", "--user=app", f"--password={password}", "app")
        said = lab.docker("exec", name, *ask, "--skip-column-names", "--execute", "SELECT DATABASE(), VERSION()")
        assert said.startswith("app\t10.11")
    finally:
        lab.docker("rm", "--force", name)


def test_what_is_run_inside_sees_the_ports_of_containers(lab: Lab) -> None:
    serve = ("python", "-m", "http.server", "8000")
    name = lab.docker("run", "--detach", "--publish", "127.0.0.1:18000:8000", "python:3.12-slim", *serve)
    try:
        ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:18000/etc/debian_version').status)"
        assert eventually(lambda: lab.run(sys.executable, "-c", ask).stdout == "200\n")
        outside = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
        assert "Connection refused" in outside.stderr
    finally:
        lab.docker("rm", "--force", name)


def test_two_side_by_side_and_nothing_left_of_a_killed_one(lab: Lab, tmp_path: Path) -> None:
    """Kill the run of a second lab while a container runs in it: its processes, folder and control groups go."""
    command = "docker run --detach --rm python:3.12-slim sleep 600 >/dev/null; docker images -q | wc -l; sleep 600"
    words = [sys.executable, "-m", "tests.lab.containers", "sh", "-c", command]
    before = lab.docker("images", "--quiet").split()
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, env=_environment(tmp_path)) as run:
        assert run.stdout is not None
        assert run.stdout.readline().strip() == b"3"  # its own images, and none of those built in the other
        (folder,) = tmp_path.glob(f"{labs.PREFIX}*")
        assert _processes(folder.name)
        run.send_signal(signal.SIGKILL)
    assert eventually(lambda: not _processes(folder.name))
    assert lab.docker("images", "--quiet").split() == before
    sweep = "from tests.lab.containers import lab; lab.sweep()"
    assert eventually(lambda: not (_swept(sweep, tmp_path) or folder.exists()))
    assert list(Path("/sys/fs/cgroup").glob(f"*/{folder.name}")) == []


def test_a_lab_that_cannot_start_says_why(tmp_path: Path) -> None:
    if labs.obstacle():
        return
    broken = (
        "import tests.lab.containers.lab as one\none._PATH, one.obstacle = '/nowhere', lambda: ''\n"
        "with one.start(): pass"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken],
        cwd=ROOT,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "unshare" in done.stderr
    assert list(tmp_path.glob(f"{labs.PREFIX}*")) == []


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def _swept(program: str, folder: Path) -> int:
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=_environment(folder), check=False).returncode


def _processes(name: str) -> list[str]:
    """The processes of this machine that have the name of a lab's folder in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:  # it has ended
            continue
        if name in words:
            found.append(words.replace("\0", " "))
    return found
