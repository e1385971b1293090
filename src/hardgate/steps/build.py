"""The step `build`: an image from a Dockerfile and the files that were scanned, known from here on by its digest.

Secrets of the build reach the engine through BuildKit's `--secret` alone; the finished image is searched for their
values, so that a Dockerfile that copies one into a layer is found out.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hardgate import containers, git, layers
from hardgate.containers import Engine, Image
from hardgate.model import Finding, GapReason, Kind, Location, Severity
from hardgate.step import Context, Result, Step
from hardgate.stepkeys import StepKeys

_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)")]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$(?!\n)")]
# A repository's name without tag and digest: https://github.com/distribution/reference
_PART = "[a-z0-9]+([._-]+[a-z0-9]+)*"
_Image = Annotated[str, msgspec.Meta(pattern=rf"^([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/)?{_PART}(/{_PART})*$(?!\n)")]
_Path = Annotated[str, msgspec.Meta(pattern=r"^(?!/)(?!(.*/)?\.\.(/|$))[^\x00-\x1f]+$(?!\n)")]
_LABELS = "org.opencontainers.image."  # https://github.com/opencontainers/image-spec/blob/main/annotations.md
_SECRET_NAME = re.compile(
    r"(?i)(^|[_-])(pass(word|wd|phrase)?|pwd|secret|token|credentials?|(api|access|private|secret)_?key)([_-]|$)"
)
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20}|\bgithub_pat_|\bglpat-|\bxox[abps]-|\beyJ[\w-]+\.eyJ"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s@]+@"
)
_SEARCHABLE = 8  # bytes: what is shorter stands in any image by chance
_OWN_BUILDKIT = 23  # the first Docker client that has BuildKit in a plugin (buildx) and no longer in itself


class Options(StepKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`image`: its name, without a tag, which is the commit. `dockerfile` and `context` are paths of the repository.

    `build_args` are ARGs of the Dockerfile; `secrets` maps the id of a `RUN --mount=type=secret,id=…` to the variable
    that holds it. `pull`: ask the registry for a newer base image; `cache`: layers of earlier builds may be used.
    """

    image: _Image
    engine: Literal["", "docker", "podman", "buildah"] = ""
    dockerfile: _Path = ""
    context: _Path = "."
    target: str = ""
    platform: str = ""
    build_args: dict[_Name, str] = msgspec.field(default_factory=dict)
    secrets: dict[_Id, _Name] = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    pull: bool = False
    cache: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for a build argument that looks like a secret: everybody who has the image can read it."""
        for name, value in self.build_args.items():
            if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
                raise ValueError(
                    f"`build_args` has {name}, which looks like a secret: build arguments stay in the image's history. "
                    f"Use `secrets: {{{name.lower()}: {name}}}` and RUN --mount=type=secret,id={name.lower()}"
                )
        for label in (f"{_LABELS}revision", f"{_LABELS}created"):
            if label in self.labels:
                raise ValueError(f"`labels` has {label}, which hardgate sets from the commit")


def _perform(context: Context) -> Result:
    options: Options = context.options
    if not context.commit:
        message = f"{context.action.name} names the image after the commit, and there is none"
        raise context.missing(GapReason.INPUT_MISSING, message, "Build in a git clone with at least one commit.")
    absent = [name for name in options.secrets.values() if not context.variable(name)]
    if absent:
        message = f"{context.action.name} needs {' and '.join(absent)}, which the environment does not have"
        raise context.missing(GapReason.INPUT_MISSING, message, "Set it where hardgate runs.")
    for variable in options.secrets.values():  # an engine's log has each line of a secret by itself
        context.hide(*(line for line in context.variable(variable).splitlines() if len(line) >= _SEARCHABLE))
    engine = containers.engine(context, options.engine)
    tree = context.checkout()
    if context.record.gaps:
        message = f"{context.action.name} built nothing: its files are not all as they were scanned"
        raise context.missing(GapReason.INPUT_MISSING, message, "Run again when nothing writes to the tree.")
    folder, dockerfile = _inputs(context, tree)
    moment = _moment(context)
    _date(folder, moment)
    image = _built(context, engine, (folder, dockerfile), moment)
    leaks = _leaks(context, engine, image) if options.secrets else ()
    revision = image.labels[f"{_LABELS}revision"]
    told = f"{options.image}:{revision} is {image.id}: {len(image.layers)} layers, {image.size:,} bytes"
    dirty = ("the tree differs from its commit, and so does the image: its revision ends in -dirty",)
    return Result(
        tool=engine.use,
        findings=leaks,
        outputs=(containers.built(options.image, image),),
        notes=(told, *(dirty if context.dirty else ())),
    )


def _inputs(context: Context, tree: Path) -> tuple[Path, Path]:
    """The folder that is sent to the engine and the Dockerfile, in the working copy. Raises GapError."""
    options: Options = context.options
    folder = tree / options.context
    dockerfile = tree / options.dockerfile if options.dockerfile else folder / "Dockerfile"
    for path, what in ((folder, folder.is_dir()), (dockerfile, dockerfile.is_file())):
        if not what:
            message = f"{context.action.name} needs {path.relative_to(tree)}, and the repository has no such path"
            remedy = "Mend `context` or `dockerfile`; what .gitignore names is not there either."
            raise context.missing(GapReason.INPUT_MISSING, message, remedy)
    return folder, dockerfile


def _moment(context: Context) -> int:
    """When the commit was made, in seconds: every build of a commit has the same SOURCE_DATE_EPOCH."""
    # https://reproducible-builds.org/specs/source-date-epoch/
    if context.git is None:
        raise context.missing(GapReason.INPUT_MISSING, "there is no git folder to read the commit's date from")
    return int(git.ask(context.git, "show", "--no-patch", "--format=%ct", context.commit).decode())


def _date(folder: Path, moment: int) -> None:
    """Date all files from the commit: a layer holds their dates, so that a later checkout made other digests."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (moment, moment), follow_symlinks=False)


def _built(context: Context, engine: Engine, inputs: tuple[Path, Path], moment: int) -> Image:
    """Build, and ask the engine what came of it. Raises GapError."""
    options: Options = context.options
    noted = context.scratch / "image-id"
    revision = f"{context.commit}{'-dirty' if context.dirty else ''}"
    labels = {
        **_source(context), **options.labels, f"{_LABELS}revision": revision,
        f"{_LABELS}created": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    words = ["build", f"--file={inputs[1]}", f"--iidfile={noted}", f"--tag={options.image}:{revision}"]
    words += [f"--label={name}={value}" for name, value in sorted(labels.items())]
    words += [f"--build-arg={name}={value}" for name, value in options.build_args.items()]
    words += [f"--secret=id={name},env={variable}" for name, variable in options.secrets.items()]
    flags = {"--pull": options.pull, "--no-cache": not options.cache}
    words += [flag for flag, wanted in flags.items() if wanted]
    words += [
        f"--{key}={value}" for key, value in (("target", options.target), ("platform", options.platform)) if value
    ]
    kind = _builder(context, engine, moment)
    containers.end_with(context)
    done = engine.start(
        context, *words, *kind[0], str(inputs[0]), env=kind[1], passed=tuple(options.secrets.values())
    )  # fmt: skip
    context.log(done)
    if done.exit_code:
        raise context.failed(f"{engine.name} build", done, "Read its log, which is kept with the receipt.")
    image = engine.image(context, noted.read_text().strip()) if noted.is_file() else None
    if image is None or image.labels.get(f"{_LABELS}revision") != revision:
        message = f"{engine.name} build ended with exit code 0, and the engine does not have the image"
        raise context.missing(GapReason.REPORT_UNREADABLE, message, "Does its builder load what it builds?")
    return image


def _builder(context: Context, engine: Engine, moment: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """The words and variables by which the engine builds. Raises GapError for secrets that it could not take."""
    options: Options = context.options
    # The builder of the engine itself: another one would keep the image to itself.
    env = {"SOURCE_DATE_EPOCH": str(moment), "BUILDX_BUILDER": "default", "DOCKER_BUILDKIT": "1"}
    if config := context.variable("DOCKER_CONFIG"):  # logins for base images, and plugins
        env["DOCKER_CONFIG"] = config
    if not engine.server:
        return (f"--timestamp={moment}",), env
    if engine.major < _OWN_BUILDKIT or engine.start(context, "buildx", "version", env=env).exit_code == 0:
        return ("--progress=plain",), env
    if options.secrets:
        message = "docker cannot hand secrets to a build without BuildKit, and its plugin buildx is not there"
        raise context.missing(GapReason.TOOL_MISSING, message, "Install docker-buildx (docker-buildx-plugin).")
    context.record.notes.append("built by Docker's older builder: its plugin buildx is not there")
    return (), {**env, "DOCKER_BUILDKIT": "0"}


def _source(context: Context) -> dict[str, str]:
    """Where the source lies, as GitHub Actions tells it."""
    if context.variable("GITHUB_ACTIONS") != "true":
        return {}
    return {f"{_LABELS}source": f"{context.variable('GITHUB_SERVER_URL')}/{context.variable('GITHUB_REPOSITORY')}"}


def _leaks(context: Context, engine: Engine, image: Image) -> tuple[Finding, ...]:
    """A finding for every secret of the build whose value is in the finished image. Raises GapError, ReportError."""
    options: Options = context.options
    archive = context.scratch / "image.tar"
    done = engine.save(context, image, archive)
    if done.exit_code:
        raise context.failed(engine.name, done, "The image was built, and not searched for its secrets.")
    values = {name: context.variable(variable).strip().encode() for name, variable in options.secrets.items()}
    for name in [name for name, value in values.items() if len(value) < _SEARCHABLE]:
        message = f"the secret `{name}` is too short to be searched for in the image: it may be in a layer"
        context.record.gaps.append(context.gap(GapReason.NOT_COVERED, message, "Use a longer one."))
        del values[name]
    found = layers.holding(archive, values)
    archive.unlink()
    where = options.dockerfile or f"{options.context}/Dockerfile".removeprefix("./")
    return tuple(
        Finding(
            scanner="build", rule="secret-in-image", kind=Kind.SECRET, severity=Severity.CRITICAL,
            severity_from="adapter", message=f"The build secret `{name}` is in the image: in {', '.join(places)}.",
            location=Location(path=where), cwe=("CWE-538",),
            fix="Use it within the RUN that mounts it, write it to no file, and change the secret.",
        )
        for name, places in found.items()
    )  # fmt: skip


BUILD = Step(name="build", options=Options, perform=_perform, seconds=60.0, memory=500_000_000)
