"""The step `push`: the image that an earlier step built, into a registry, and proof that the registry has it.

What is pushed is the image of that digest, not what a tag names by now. The registry is asked afterwards what it has
under the tag; the receipt carries the digest of its manifest, by which everything after names the image.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hardgate import containers, tools
from hardgate.adapter import OUTSIDE
from hardgate.containers import Engine, Image
from hardgate.model import GapReason, Output
from hardgate.override import IMAGES
from hardgate.step import Context, GapError, Result, Step
from hardgate.stepkeys import StepKeys

_Word = Annotated[str, msgspec.Meta(min_length=1)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)")]
# With the host of a registry before it: https://github.com/distribution/reference
_Repository = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$(?!\n)")
]
_LOGINS = "auth.json"
# What engines and registries say, and what to do about it.
_REMEDIES = (
    (
        r"no basic auth|unauthorized|denied|forbidden|401|403|authentication required",
        "Log in: `user` with `password` or `password_command`. Is the repository there, and may this user push to it?",
    ),
    (
        r"x509|certificate|tls:",
        "Have the engine trust who signed the registry's certificate: /etc/docker/certs.d/HOST/ca.crt where it runs.",
    ),
    (
        r"connection refused|no such host|i/o timeout|network is unreachable|context deadline|server misbehaving",
        "See whether the registry is up, and whether `to` names it right; the engine must reach it, not hardgate.",
    ),
    (r"immutable", "The registry has this tag already, with other content, and its tags cannot be changed."),
)


class Options(StepKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`to`: the registry's repository, without a tag. `of`: the action that built the image, where there are several.

    `password` names the variable with the registry's password, `password_command` is what prints it instead; `secrets`
    are variables that this command is handed, `env` others. `latest`: that tag too. `dirty`: also from a tree that
    differs from its commit.
    """

    to: _Repository
    of: str = ""
    engine: Literal["", "docker", "podman", "buildah"] = ""
    user: str = ""
    password: _Name | None = None
    password_command: tuple[_Word, ...] = ()
    secrets: tuple[_Name, ...] = ()
    env: dict[_Name, str] = msgspec.field(default_factory=dict)
    latest: bool = False
    dirty: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for half of a login, and for two."""
        given = bool(self.password) + bool(self.password_command)
        if given > 1:
            raise ValueError("`password` and `password_command` are two ways to one password: leave one out")
        if bool(given) != bool(self.user):
            raise ValueError("`user` and a password belong together: `password` or `password_command`")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registry:
    """The registry as the engine is to ask it: with the login of this step alone, `host` being its name."""

    context: Context
    engine: Engine
    config: Path

    def ask(self, *words: str) -> tools.Completed:
        return self.engine.start(self.context, *words, env=self.variables)

    @property
    def variables(self) -> dict[str, str]:
        """Where Docker and podman look for a login, in this order, and nowhere else."""
        return {"DOCKER_CONFIG": str(self.config), "REGISTRY_AUTH_FILE": str(self.config / _LOGINS)}

    def demand(self, what: str, *words: str) -> tools.Completed:
        """As `ask`; raises GapError, which says what could not be done and what to do about it."""
        done = self.ask(*words)
        if done.exit_code:
            self.context.log(done)
            raise _refused(self.context, what, done)
        return done


def _perform(context: Context) -> Result:
    options: Options = context.options
    name = context.action.name
    if context.dirty and not options.dirty:
        message = f"{name} pushed nothing: the tree differs from its commit, and so would the image"
        raise context.missing(GapReason.INPUT_MISSING, message, "Commit first, or say push: {dirty: true}.")
    wanted = context.made(IMAGES, "an image", of=options.of)
    engine = containers.engine(context, options.engine)
    image = engine.image(context, wanted.reference)
    # What an earlier push made is known by its manifest, and to the engine under the name that has its digest.
    same = image is not None and (image.digest == wanted.sha256 or wanted.media_type not in containers.CONFIGS)
    if image is None or not same:
        message = f"{name} pushed nothing: {engine.name} no longer has the image {wanted.reference}"
        raise context.missing(GapReason.INPUT_MISSING, message, "Build and push in one run, with the same engine.")
    registry = _Registry(context=context, engine=engine, config=_private(context))
    _login(registry)
    tag = f"{context.commit}{'-dirty' if context.dirty else ''}"
    output = _pushed(registry, image, tag)
    if options.latest:
        latest = _pushed(registry, image, "latest")
        if latest.sha256 != output.sha256:
            message = f"{options.to} has other manifests under {tag} and latest: {output.sha256}, {latest.sha256}"
            raise context.missing(GapReason.REPORT_UNREADABLE, message, "Look who else pushes to it.")
    return Result(
        tool=engine.use, outputs=(output,), notes=(f"{tag}{' and latest' * options.latest} of {output.reference}",)
    )


def _private(context: Context) -> Path:
    """A folder for the login, which is gone when the step ends, however it ends."""
    folder = Path(tempfile.mkdtemp(prefix="registry-", dir=context.scratch))
    context.stack.callback(shutil.rmtree, folder)
    (folder / _LOGINS).write_text("{}")  # podman takes a file that is not there for an error
    return folder


def _login(registry: _Registry) -> None:
    """Log in, where a user is named. Raises GapError, with the registry's own words."""
    context, options = registry.context, registry.context.options
    if not options.user:
        return
    password = _password(context)
    context.hide(password)
    host = options.to.partition("/")[0]
    with tempfile.TemporaryFile(dir=context.scratch) as stdin:  # it has no name, and nobody else can open it
        stdin.write(password.encode())
        stdin.seek(0)
        words = ("login", f"--username={options.user}", "--password-stdin", host)
        done = registry.engine.start(context, *words, env=registry.variables, stdin=stdin)
    if done.exit_code:
        raise _refused(context, f"the login at {host} was refused", done)


def _password(context: Context) -> str:
    """The password, from its variable or from what a command prints. Raises GapError when there is none."""
    options: Options = context.options
    if options.password:
        password = context.variable(options.password)
        if not password:
            message = f"{context.action.name} needs {options.password}, which the environment does not have"
            raise context.missing(GapReason.INPUT_MISSING, message, "Set it where hardgate runs.")
        return password
    first, *rest = options.password_command
    found = context.tool(f"{OUTSIDE}{first}")
    done = context.start((*found.command, *rest), env=options.env, passed=options.secrets)
    if done.exit_code:
        raise context.failed(first, done, "Try the command by hand: it must print the registry's password.")
    password = done.stdout.decode("utf-8", "replace").strip()
    if not password:
        message = f"{first} ended with exit code 0, and printed no password"
        raise context.missing(GapReason.INPUT_MISSING, message, "Try the command by hand.")
    return password


def _pushed(registry: _Registry, image: Image, tag: str) -> Output:
    """Push the image under a tag, and prove that the registry has it there. Raises GapError."""
    context, engine = registry.context, registry.engine
    to = context.options.to
    named = f"{to}:{tag}"
    registry.demand(f"{image.id} could not be named {named}", "tag", image.id, named)
    told = _push(registry, named)
    # By its tag: Docker does not ask for a digest that it knows.
    asked = _pull(registry, named)
    # The others tell no digest here: they are asked for the manifest by the digest that they pushed.
    digest = containers.digest_in(asked.stdout, "Digest:") if engine.server else told
    if not digest or digest != told:
        message = f"{named} has the manifest {digest or 'of no digest'}, and {told or 'none that was told'} was pushed"
        raise context.missing(GapReason.REPORT_UNREADABLE, message, _RACE)
    reference = f"{to}@sha256:{digest}"
    if not engine.server:
        _pull(registry, reference)
    for name in (reference, named):
        there = engine.image(context, name)
        if there is None or there.digest != image.digest:
            message = f"{name} is not the image that was built: {there.id if there else 'unknown'}, not {image.id}"
            raise context.missing(GapReason.REPORT_UNREADABLE, message, _RACE)
    return Output(name=containers.bare(to), media_type=image.manifest, sha256=digest, size=0, reference=reference)


def _pull(registry: _Registry, named: str) -> tools.Completed:
    """Ask the registry for an image. Raises GapError."""
    always = ("--policy=always",) if registry.engine.name == "buildah" else ()  # as the other two do
    return registry.demand(f"the registry does not hand out {named}", "pull", *always, named)


def _push(registry: _Registry, named: str) -> str:
    """Push what a name names now; the digest of the manifest, as the engine tells it. Raises GapError."""
    context, what = registry.context, f"the push of {named} was refused"
    if not registry.engine.server:
        noted = registry.config / "digest"
        context.log(registry.demand(what, "push", f"--digestfile={noted}", named))
        return noted.read_text().strip().removeprefix("sha256:") if noted.is_file() else ""
    done = registry.demand(what, "push", named)
    context.log(done)
    return containers.digest_in(done.stdout, "digest:")


_RACE = "Somebody else pushes to this tag, or moves it in this engine: run again, alone, and mistrust the tag."


def _refused(context: Context, what: str, done: tools.Completed) -> GapError:
    """What to raise when the registry, or the way to it, said no."""
    said = (done.stderr + done.stdout).decode("utf-8", "replace")
    remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, said, re.IGNORECASE)), "")
    error = context.failed(context.options.engine or "the engine", done, remedy)
    gap = msgspec.structs.replace(error.gap, message=f"{what}: {error.gap.message}")
    return GapError(gap)


PUSH = Step(name="push", options=Options, perform=_perform, seconds=30.0)
