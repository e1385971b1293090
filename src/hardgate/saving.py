"""An image that an earlier action made, taken out of the engine as an archive, by its digest."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from hardgate import containers, imagefile
from hardgate.errors import ReportError
from hardgate.model import GapReason, Output
from hardgate.override import IMAGES
from hardgate.step import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """An image as a file. `name` is its own without registry, tag and digest: what paths in it are told by."""

    file: Path
    name: str
    image: Output
    facts: imagefile.Facts


def save(context: Context, of: str, wanted: str) -> Saved:
    """The image that the action `of` made, or the newest of this run, out of the engine `wanted`.

    Raises GapError when it cannot be had whole, ReportError when the engine speaks in riddles.
    """
    image = context.made(IMAGES, "an image", of=of)
    engine = containers.engine(context, wanted)
    known = engine.image(context, image.reference)
    if known is None:
        message = f"{engine.name} does not have the image {image.reference} any more"
        raise context.missing(GapReason.INPUT_MISSING, message, "Build it in the same run, with the same engine.")
    file = context.scratch / f"image-{secrets.token_hex(8)}.tar"  # no file in the image has this name
    context.places[file.name] = "$IMAGE"
    done = engine.save(context, known, file)
    if done.exit_code:
        raise context.failed(
            f"{engine.name} save", done, "See whether there is room for the image where hardgate runs."
        )
    # Podman and buildah write the configuration anew, and its digest with it; the layers stay what they are.
    return opened(context, file, image, known.digest, layers=() if engine.server else known.layers)


def opened(context: Context, file: Path, image: Output, name: str, *, layers: tuple[str, ...] = ()) -> Saved:
    """The archive `file`, which must hold the image that the engine knows by the digest `name`, or has these `layers`.

    Raises GapError.
    """
    try:
        with file.open("rb") as source:
            facts = imagefile.read(source)
    except (ReportError, OSError) as error:
        raise context.missing(GapReason.REPORT_UNREADABLE, f"the saved image cannot be read: {error}") from error
    same = tuple(one.removeprefix("sha256:") for one in layers) == facts.layers
    if name not in facts.names and not same:
        message = f"the engine saved another image than {image.reference}: sha256:{facts.config}"
        raise context.missing(GapReason.INPUT_MISSING, message, "Build it again, when nothing else writes its name.")
    return Saved(file=file, name=image.name, image=image, facts=facts)
