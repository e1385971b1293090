"""An image that an earlier action made, taken out of the engine as an archive, by its digest."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from hardgate import imagefile
from hardgate.adapter import OUTSIDE
from hardgate.errors import ReportError
from hardgate.model import GapReason, Output
from hardgate.override import IMAGES
from hardgate.step import Context, GapError
from hardgate.wording import flow

ENGINES = ("docker", "podman")
# What says where the engine is, and who asks it.
# https://docs.docker.com/reference/cli/docker/#environment-variables, podman(1)
_VARIABLES = (
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "CONTAINER_HOST",
    "XDG_RUNTIME_DIR",
)  # fmt: skip
_ID = re.compile(rb"(?:sha256:)?([0-9a-f]{64})\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """An image as a file. `name` is its own without registry, tag and digest: what paths in it are told by."""

    file: Path
    name: str
    image: Output
    facts: imagefile.Facts


def save(context: Context, of: str) -> Saved:
    """The image that the action `of` made, or the newest of this run. Raises GapError when it cannot be had whole."""
    image = context.made(IMAGES, "an image", of=of)
    command = engine(context)
    env = variables(context)
    known = context.start((*command, "image", "inspect", "--format", "{{.Id}}", image.reference), env=env)
    found = _ID.fullmatch(known.stdout)
    if known.exit_code or found is None:
        remedy = "Build it in the same run, on the same machine; see whether the engine runs."
        said = flow(context.mask(known.stderr[-400:].decode("utf-8", "replace")))
        raise context.missing(
            GapReason.INPUT_MISSING, f"the engine does not have the image {image.reference}: {said}", remedy
        )
    name = found[1].decode()
    file = context.scratch / f"image-{secrets.token_hex(8)}.tar"  # no file in the image has this name
    context.places[file.name] = "$IMAGE"
    context.demand((*command, "save", "--output", str(file), f"sha256:{name}"), env=env)
    return opened(context, file, image, name)


def opened(context: Context, file: Path, image: Output, name: str) -> Saved:
    """The archive `file`, which must hold the image that the engine knows by the digest `name`. Raises GapError."""
    try:
        with file.open("rb") as source:
            facts = imagefile.read(source)
    except (ReportError, OSError) as error:
        raise context.missing(GapReason.REPORT_UNREADABLE, f"the saved image cannot be read: {error}") from error
    if name not in facts.names:
        message = f"the engine saved another image than {image.reference}: sha256:{facts.config}"
        raise context.missing(GapReason.INPUT_MISSING, message, "Build it again, when nothing else writes its name.")
    return Saved(file=file, name=bare(image.name), image=image, facts=facts)


def bare(name: str) -> str:
    """The name of an image without registry, tag and digest: `host:5000/team/planets:1` is `team/planets`.

    https://github.com/distribution/reference (normalize.go): the first part is a host if it has a dot or a colon.
    """
    path = name.partition("@")[0]
    first, _, rest = path.partition("/")
    if rest and (set(first) & {".", ":"} or first == "localhost"):
        path = rest
    return re.sub(r":[^/:]*$", "", path)


def engine(context: Context) -> tuple[str, ...]:
    """The command of the first engine that is on PATH. Raises GapError when there is none."""
    for name in ENGINES:
        try:
            return context.tool(f"{OUTSIDE}{name}").command
        except GapError:
            continue
    message = f"{context.action.name} needs a container engine: none of {', '.join(ENGINES)} is on PATH"
    raise context.missing(GapReason.TOOL_MISSING, message, "Install one, and see that its daemon runs.")


def variables(context: Context) -> dict[str, str]:
    """The variables by which the engine's command finds its engine."""
    return {name: value for name in _VARIABLES if (value := context.variable(name))}
