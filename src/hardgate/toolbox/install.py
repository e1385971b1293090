"""Installs one tool into a folder that nobody looks at yet, proves that it starts, and seals it."""

from __future__ import annotations

import functools
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

import uv
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from hardgate import tools
from hardgate.errors import ToolError
from hardgate.toolbox import manifest, net, own, starts
from hardgate.toolbox.lock import Index, Package, Pinned, Release, requirements, this_platform
from hardgate.toolbox.recipes import Recipe, version_in
from hardgate.toolbox.steps import Progress, Site, Step

_MINUTES = 60.0
_UV_TIMEOUT = 20 * _MINUTES
_PROBE_TIMEOUT = 5 * _MINUTES
# Where uv finds its packages and how it proves who it is: https://docs.astral.sh/uv/reference/environment/. Variables
# that would weaken what is checked (UV_NO_VERIFY_HASHES and the like) are not among them.
_PASSED = (
    "NETRC", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_HTTP_RETRIES",
    "UV_HTTP_TIMEOUT", "UV_INDEX", "UV_INDEX_STRATEGY", "UV_INDEX_URL", "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS",
    "UV_NO_CONFIG", "UV_NO_INDEX", "UV_OFFLINE", "UV_SYSTEM_CERTS",
)  # fmt: skip
_ENVIRONMENT = "env"
_OLDEST_PYTHON = "3.11"
_STRICT = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-progress", "--no-compile-bytecode")
_LAUNCHER = """\
#!/bin/sh
# Starts {name} from the environment beside this file, deaf to the Python settings of whoever calls.
here=${{0%/*}}
unset PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONWARNINGS
export PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 PYTHONSAFEPATH=1 PYTHONUTF8=1
exec "$here/env/bin/python" -I -B -X utf8 {scripts} "$@"
"""


def install(recipe: Recipe, pinned: Pinned, site: Site, progress: Progress) -> str:
    """Install from the first channel that can be reached; returns what was passed over and why, "" for nothing.

    Raises ToolError when no channel works, or when an artefact is not the one that the lock file names.
    """
    missed: list[str] = []
    for channel in pinned.channels:
        shutil.rmtree(site.home, ignore_errors=True)
        site.home.mkdir(parents=True)
        try:
            if isinstance(channel, Release):
                _from_release(recipe, channel, site, progress)
            else:
                _from_index(recipe, channel, site, progress)
        except net.UnreachableError as error:
            missed.append(str(error))
            continue
        _finish(recipe, pinned, channel.title, site, progress)
        return "; ".join(missed)
    hint = "Nothing was installed. Let this machine reach a package index or the vendor, then: hardgate tools sync"
    raise ToolError(
        f"{recipe.name} {pinned.version} could not be had: {'; '.join(missed)}", hint=f"{hint} {recipe.name}"
    )


def _from_release(recipe: Recipe, channel: Release, site: Site, progress: Progress) -> None:
    asset = channel.assets.get(this_platform())
    if asset is None:
        raise net.UnreachableError(f"the vendor has no {recipe.name} for {this_platform()}")
    if not asset.sha256:
        # An artefact that nothing vouches for is not even downloaded.
        raise net.UnreachableError(f"the lock file has no sha256 for the vendor's {asset.file}")
    target = site.stage / asset.file
    address = f"{channel.address}/{asset.file}"
    found = net.download(address, target, lambda done, total: progress(recipe.name, Step.DOWNLOADING, done, total))
    if found != asset.sha256:
        message = f"{address} has sha256 {found}, the lock file says {asset.sha256}: refused"
        raise ToolError(message, hint="Nothing was installed. Compare with the vendor's published checksum.")
    executable = site.home / recipe.name
    if channel.member:
        _extract(target, channel.member, executable)
    else:
        target.rename(executable)
    executable.chmod(0o755)


def _extract(archive: Path, member: str, target: Path) -> None:
    """Take one regular file out of an archive and leave the rest."""
    try:
        with tarfile.open(archive) as tar:
            source = tar.extractfile(member)
            if source is None:
                raise ToolError(f"{member} in {archive.name} is no file")
            with source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
    except (KeyError, tarfile.TarError, EOFError) as error:
        raise ToolError(f"{archive.name} holds no {member}: {error}") from error


def _from_index(recipe: Recipe, channel: Index, site: Site, progress: Progress) -> None:
    size = sum(_size(package) for package in channel.packages)
    progress(recipe.name, Step.DOWNLOADING, 0, size)
    listed = site.stage / "requirements.txt"
    listed.write_text(requirements(channel.packages), encoding="utf-8")
    environment = site.home / _ENVIRONMENT
    if recipe.module:
        # Wheels are unpacked beside each other: nothing of them is ever run by a Python.
        there = ("--target", str(environment), "--python-version", recipe.python or _OLDEST_PYTHON)
        _uv(site, "pip", "install", *there, "--python", str(site.python), "--requirement", str(listed), *_STRICT)
        _take_executable(recipe, channel, site)
        return
    _uv(site, "venv", "--relocatable", "--no-project", "--python", str(site.python), str(environment))
    _uv(
        site,
        *("pip", "install", "--python", str(environment / "bin" / "python"), "--requirement", str(listed)),
        *_STRICT,
    )
    if recipe.executable:
        _take_executable(recipe, channel, site)
    else:
        _write_launcher(recipe, site.home)


def _take_executable(recipe: Recipe, channel: Index, site: Site) -> None:
    """Keep the executable alone."""
    environment = site.home / _ENVIRONMENT
    found = list(environment.glob(recipe.executable))
    if len(found) != 1:
        raise ToolError(f"{channel.title} holds no {recipe.executable}")
    found[0].rename(site.home / recipe.name)
    (site.home / recipe.name).chmod(0o755)
    shutil.rmtree(environment)


def _size(package: Package) -> int:
    """The bytes to download: those of the first wheel that fits here."""
    fitting = _tags()
    return next((wheel.size for wheel in package.wheels if parse_wheel_filename(wheel.file)[3] & fitting), 0)


def prepare() -> None:
    """Find out, in one thread, what installations in several will ask of this Python."""
    uv_executable()
    _tags()


@functools.cache
def _tags() -> frozenset[object]:
    return frozenset(sys_tags())


def _write_launcher(recipe: Recipe, home: Path) -> None:
    if not (home / _ENVIRONMENT / "bin" / recipe.script).is_file():
        raise ToolError(f"the package of {recipe.name} holds no script {recipe.script}")
    if recipe.start:
        (home / starts.FILE).write_bytes(starts.content(recipe.start))
    launcher = home / recipe.name
    scripts = " ".join(f'"$here/{one}"' for one in _scripts(recipe))
    launcher.write_text(_LAUNCHER.format(name=recipe.name, scripts=scripts), encoding="utf-8")
    launcher.chmod(0o755)


def _scripts(recipe: Recipe) -> tuple[str, ...]:
    """What Python runs, relative to the tool's folder: the tool's script, or the start that is told of it."""
    return (*((starts.FILE,) if recipe.start else ()), f"{_ENVIRONMENT}/bin/{recipe.script}")


def uv_environment(environ: Mapping[str, str], home: Path, cache: Path) -> dict[str, str]:
    """The environment of uv: this user's package index and credentials, our cache, no download of a Python."""
    credentials = {name: value for name, value in environ.items() if name.startswith("UV_INDEX_")}
    passed = {name: environ[name] for name in _PASSED if name in environ}
    own = {name: environ[name] for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS") if name in environ}
    if "HOME" in own:
        own.setdefault("XDG_CONFIG_HOME", str(Path(own["HOME"]) / ".config"))
    fixed = {"UV_CACHE_DIR": str(cache), "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    return tools.environment(home, extra=credentials | passed | own | fixed)


@functools.cache
def uv_executable() -> str:
    """The uv that hardgate depends on; raises ToolError when it is gone.

    Ask for it once before threads do: uv looks into sysconfig, which in Python 3.11 shows a second thread a table that
    the first has only begun to fill.
    """
    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise ToolError("uv, which installs the tools, is missing", hint="Install hardgate again.") from error


def _uv(site: Site, *words: str) -> None:
    done = tools.run(
        (uv_executable(), *words, "--quiet"),
        cwd=site.stage,
        env=uv_environment(site.environ, site.stage, site.cache),
        timeout=_UV_TIMEOUT,
    )
    if done.exit_code != 0:
        raise uv_failed(done)


def uv_failed(done: tools.Completed) -> ToolError:
    """What uv said, as an error; UnreachableError when it could not reach its package index."""
    said = done.stderr.decode(errors="replace").strip()
    if done.timed_out:
        said = f"uv was ended after {done.seconds:.0f} s. {said}"
    hint = "Nothing was installed. hardgate asks the package index that UV_DEFAULT_INDEX or uv.toml names, else PyPI."
    away = (
        *("error sending request", "Failed to fetch", "Network connectivity is disabled", "was not found in the"),
        *("there is no version of", "has no wheels with a matching"),
    )
    unreachable = any(words in said for words in away) and "Hash mismatch" not in said
    kind = net.UnreachableError if unreachable else ToolError
    return kind(f"uv could not get it: {said or f'exit code {done.exit_code}'}", hint=hint)


def _finish(recipe: Recipe, pinned: Pinned, title: str, site: Site, progress: Progress) -> None:
    command = recipe.name
    expected = pinned.executables.get(this_platform(), "")
    if expected and (found := manifest.sha256(site.home / command)) != expected:
        message = f"the {recipe.name} from {title} has sha256 {found}, the vendor's has {expected}: refused"
        raise ToolError(message, hint="Nothing was installed. Do not use this package.")
    if recipe.unpacks:
        progress(recipe.name, Step.UNPACKING, 0, 0)
        command = _unpack(recipe, site)
    progress(recipe.name, Step.STARTING, 0, 0)
    said = probe(recipe, site.home / command, site.stage)
    if said != pinned.version:
        message = f"the {recipe.name} from {title} says that it is {said or 'nothing'}, not {pinned.version}: refused"
        raise ToolError(message, hint="Nothing was installed. Lock it again: hardgate tools lock --upgrade")
    if recipe.warm:
        _warm(recipe, site.home / command, site.stage / "warm")
    progress(recipe.name, Step.SEALING, 0, 0)
    python = f"{site.python}" if recipe.script else ""
    manifest.seal(site.home, tool=recipe.name, version=pinned.version, channel=title, python=python, command=command)


def _unpack(recipe: Recipe, site: Site) -> str:
    """Let a self-unpacking executable (Nuitka's onefile mode) do so once, here, and keep only what came out."""
    nest = site.stage / "unpacked"
    _start(recipe, site.home / recipe.name, nest, recipe.probe)
    found = [path for path in nest.rglob(f"{recipe.name}.bin") if path.is_file()]
    if len(found) != 1:
        raise ToolError(f"{recipe.name} did not unpack itself: {len(found)} executables came out")
    (site.home / recipe.name).unlink()
    found[0].parent.rename(site.home / recipe.name)
    return f"{recipe.name}/{recipe.name}.bin"


def probe(recipe: Recipe, executable: Path, scratch: Path) -> str:
    """The version that an executable says it is; raises ToolError when it does not start.

    For a Python tool this is also what compiles it: the modules that it needs to start, and no others.
    """
    said = _start(recipe, executable, scratch / "probe", recipe.probe)
    return version_in(said)


def _warm(recipe: Recipe, executable: Path, nest: Path) -> None:
    """Let a Python tool look at a file once, so that what it loads only then is compiled too."""
    nest.mkdir()
    (nest / "file.txt").write_text("# nothing\n", encoding="utf-8")
    _start(recipe, executable, nest, recipe.warm)


def _start(recipe: Recipe, executable: Path, nest: Path, words: tuple[str, ...]) -> str:
    """What the tool says to these words in the folder `nest`; raises ToolError when it does not end well."""
    # Opengrep does not start where the folder that XDG_CONFIG_HOME names does not exist.
    (nest / ".config").mkdir(parents=True, exist_ok=True)
    first: tuple[str, ...] = (str(executable),)
    if recipe.module and executable.name == recipe.name:  # what lies on PATH has another name, and starts by itself
        first = (*own.module_command(recipe.module), *first)
    environment = executable.parent / _ENVIRONMENT / "bin"
    if recipe.script and environment.is_dir():
        # The launcher forbids to write bytecode; this once it shall be written.
        scripts = (str(executable.parent / one) for one in _scripts(recipe))
        first = (str(environment / "python"), "-I", "-X", "utf8", *scripts)
    done = tools.run(
        (*first, *words),
        cwd=nest,
        env=tools.environment(nest, extra=recipe.probe_environment),
        timeout=_PROBE_TIMEOUT,
    )
    if done.exit_code != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-500:]
        raise ToolError(f"{recipe.name} does not start here (exit code {done.exit_code}): {said}")
    return (done.stdout + b"\n" + done.stderr).decode(errors="replace")
