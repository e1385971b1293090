"""examples/planetary-api as two processes on loopback: `app.py` with its debugger, `serve.py` without one.

`asked` runs the real Newman over the example's collection against them. The addresses are all of loopback, and so is
what the payloads aim at.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.lab import npm_tools
from tests.lab.loopback import free_port
from tests.lab.postgresql import die_with_parent

HOME = Path(__file__).parents[2] / "examples" / "planetary-api"
COLLECTION = HOME / "postman" / "planetary-api.postman_collection.json"
SECONDS = 60  # for a server to answer; it takes one
_ANSWERS = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def serving(folder: Path, database: Mapping[str, str], *, seeded: bool = True) -> Iterator[Mapping[str, str]]:
    """The variables of the collection's environment, while both servers run over one database.

    `folder` gets the data, the mails and the logs; `database` is what the DB_ variables are, and empty for SQLite.
    Raises RuntimeError with the log of a server that ended, or did not answer in time.
    """
    ports = {"app.py": free_port(), "serve.py": free_port()}
    base, twin = (f"http://127.0.0.1:{port}" for port in ports.values())
    environment = _environment(folder, database) | {"FETCH_ALLOWED_URLS": f"{base}/planetary"}
    for command in ("db_create", "db_seed")[: 2 if seeded else 0]:
        words = (sys.executable, "-m", "flask", "--app", "app", command)
        subprocess.run(words, cwd=HOME, env=environment, check=True, capture_output=True)
    with contextlib.ExitStack() as stack:
        for script, port in ports.items():
            log = folder / f"{script}.log"
            server = stack.enter_context(_started(script, environment | {"PORT": str(port)}, log))
            _await(f"http://127.0.0.1:{port}/planetary", server, log)
        yield {"base": base, "twin": twin, "inside": base}


def command(variables: Mapping[str, str], report: Path, *words: str, collection: Path = COLLECTION) -> tuple[str, ...]:
    """The words that have Newman send the collection and write its JSON to `report`; `words` are added to them."""
    given = [word for key, value in variables.items() for word in ("--env-var", f"{key}={value}")]
    out = ("--reporters", "json", "--reporter-json-export", str(report), "--suppress-exit-code")
    return (*npm_tools.newman(), "run", str(collection), *given, *out, *words)


def asked(variables: Mapping[str, str], report: Path, *words: str, collection: Path = COLLECTION) -> None:
    """Run that command to its end. Raises CalledProcessError when it fails, which a failed test does not make it."""
    newman = command(variables, report, *words, collection=collection)
    subprocess.run(newman, check=True, capture_output=True, cwd=report.parent)


def _environment(folder: Path, database: Mapping[str, str]) -> dict[str, str]:
    own = {"PLANETARY_DATA": str(folder / "data"), "PLANETARY_OUTBOX": str(folder / "outbox"), "HOST": "127.0.0.1"}
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **own, **database}


@contextlib.contextmanager
def _started(script: str, environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, script],
            cwd=HOME,
            env=environment,
            stdout=out,
            stderr=out,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (it takes no lock: safe beside threads)
        )
    try:
        yield server
    finally:
        server.kill()
        server.wait()


def _await(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            _ANSWERS.open(address, timeout=SECONDS).close()
        except urllib.error.URLError:
            time.sleep(0.1)  # not listening yet
        else:
            return
    raise RuntimeError(f"{address} does not answer:\n{log.read_text()}")
