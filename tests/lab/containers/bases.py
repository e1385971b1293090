"""The base images of the lab, under the names that users write in their Dockerfiles and compose files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from tests.lab.containers import rootfs

HERE = Path(__file__).parent
WHEELS = HERE / "wheels"  # what `make wheels` downloaded for the examples' images
_PATH = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# There is no route out of the lab: pip finds the wheels in the image.
_PIP = (
    "[global]\nno-index = true\nfind-links = /opt/wheels\nroot-user-action = ignore\ndisable-pip-version-check = true\n"
)


class Base(NamedTuple):
    """A base image: `write` gives its root file system, `changes` are the instructions of a Dockerfile for the rest."""

    name: str
    changes: Sequence[str]
    write: Callable[[IO[bytes]], None]


def _python(stream: IO[bytes]) -> None:
    image = rootfs.Image(stream)
    rootfs.debian(image, {"ca-certificates", "netbase", "passwd", *rootfs.python_needs()})
    rootfs.python(image)
    image.text("etc/pip.conf", _PIP)
    image.folder("opt/wheels")
    for wheel in sorted(WHEELS.glob("*.whl")):
        image.copy(wheel, f"opt/wheels/{wheel.name}")
    image.close()


def _mariadb(stream: IO[bytes]) -> None:
    image = rootfs.Image(stream)
    rootfs.debian(image, {"mariadb-client", "mariadb-server-core", "passwd"})
    for name in ("mariadb-start", "mariadb-healthy"):
        image.copy(HERE / f"{name}.sh", f"usr/local/bin/{name}")
    image.close()


def _tiny(stream: IO[bytes]) -> None:
    image = rootfs.Image(stream)
    rootfs.debian(image, {"coreutils", "dash"}, essential=False)
    image.close()


TINY = "lab/tiny:1"  # a shell and the commands of every day: for tests that need no more, quick to push and to save
BASES = (
    Base(TINY, (f"ENV {_PATH}", 'CMD ["sh"]'), _tiny),
    Base("python:3.12-slim", (f"ENV {_PATH} LANG=C.UTF-8", 'CMD ["python3"]'), _python),
    Base(
        "mariadb:10.11",
        (
            f"ENV {_PATH}",
            "EXPOSE 3306",
            'ENTRYPOINT ["mariadb-start"]',
            'HEALTHCHECK --interval=1s --retries=60 CMD ["mariadb-healthy"]',
        ),
        _mariadb,
    ),
)
# Whatever its name says, this is the Python that the first of them has.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
