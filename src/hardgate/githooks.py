"""The files by which git calls hardgate before a commit and before a push: written, removed, looked at.

A hook that is there already is never overwritten: it is refused, or kept beside ours and run first.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hardgate import git, tools
from hardgate.errors import ConfigError, ToolError

HOOKS = ("pre-commit", "pre-push")
KEPT = ".before-hardgate"  # the ending of a user's own hook that ours runs first
_MARK = "# hardgate hook 1: written by `hardgate hooks install`, removed by `hardgate hooks uninstall`."
_LONGEST = 1_000_000  # bytes of a hook that is looked at
_TIMEOUT = 20.0  # seconds

_SCRIPT = """\
#!/bin/sh
{mark}
hardgate={program}
[ -x "$hardgate" ] || hardgate=$(command -v hardgate) || {{
    echo "hardgate is not there any more, so nothing was looked at. Install it again, or remove $0" >&2
    exit 3
}}
before="$0{kept}"
"""
_COMMIT = """\
if [ -e "$before" ]; then
    "$before" "$@" || exit $?
fi
exec "$hardgate" hooks run pre-commit
"""
# Both read what git says on standard input. The dot keeps the line breaks at its end.
_PUSH = """\
pushed=$(cat; echo .)
pushed=${pushed%.}
if [ -e "$before" ]; then
    printf '%s' "$pushed" | "$before" "$@" || exit $?
fi
printf '%s' "$pushed" | "$hardgate" hooks run pre-push "$@"
"""
_BODIES = {"pre-commit": _COMMIT, "pre-push": _PUSH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook of a repository. `state`: "installed", "outdated" (ours, other words), "missing" or "another's".

    `before`: the user's own hook that ours runs first.
    """

    name: str
    file: Path
    state: str
    before: Path | None = None


def look(root: Path, environ: Mapping[str, str], program: Path | None = None) -> tuple[Hook, ...]:
    """How the hooks of the repository around `root` stand. Raises ConfigError outside git, or where the folder of hooks
    is shared with other repositories; ToolError where it cannot be read.
    """
    folder = _folder(root, environ)
    return tuple(_look(folder, name, program or own_program()) for name in HOOKS)


def install(root: Path, environ: Mapping[str, str], *, chain: bool, program: Path | None = None) -> tuple[Hook, ...]:
    """Write both hooks, or neither. Raises ConfigError for a hook of the user's own, unless `chain` keeps it."""
    program = program or own_program()
    before = look(root, environ, program)
    for hook in before:
        if hook.state != "another's":
            continue
        if not chain:
            hint = "Nothing was written. Keep it and have it run first: hardgate hooks install --chain"
            raise ConfigError(f"there is a {hook.name} hook already, and it is not hardgate's: {hook.file}", hint=hint)
        if os.path.lexists(_kept(hook.file)):
            hint = "Nothing was written. Remove one of the two."
            raise ConfigError(f"there are both {hook.file} and {_kept(hook.file)}", hint=hint)
    try:
        for hook in before:
            hook.file.parent.mkdir(parents=True, exist_ok=True)
            if hook.state == "another's":
                hook.file.rename(_kept(hook.file))
            _write(hook.file, script(hook.name, program))
    except OSError as error:
        raise _unwritten(error) from error
    return look(root, environ, program)


def uninstall(root: Path, environ: Mapping[str, str]) -> tuple[Hook, ...]:
    """Remove what is ours, and put the user's own hooks back. Returns the hooks that were removed."""
    ours = [hook for hook in look(root, environ) if hook.state in {"installed", "outdated"}]
    try:
        for hook in ours:
            hook.file.unlink()
            if hook.before:
                hook.before.rename(hook.file)
    except OSError as error:
        raise _unwritten(error) from error
    return tuple(ours)


def script(name: str, program: Path) -> str:
    """The hook as a shell script that starts `program`, or the hardgate on PATH where that is gone."""
    head = _SCRIPT.format(mark=_MARK, program=shlex.quote(str(program)), kept=KEPT)
    return head + _BODIES[name]


def own_program() -> Path:
    """The command `hardgate` of this installation; raises ToolError where there is none beside its Python."""
    program = Path(sys.executable).with_name("hardgate")
    if not os.access(program, os.X_OK):
        hint = "Install hardgate as a command: pipx install hardgate, or uv tool install hardgate."
        raise ToolError(f"there is no command hardgate beside {sys.executable}", hint=hint)
    return program


def _folder(root: Path, environ: Mapping[str, str]) -> Path:
    """Where git looks for the hooks: core.hooksPath, else those of the repository, which its work trees share.

    Unlike all else this asks git with the user's own settings: it is about them. Nothing that they name is started.
    """
    found = git.around(root)
    if found is None:
        raise ConfigError(f"{root} is in no git repository", hint="Nothing was done. Make one: git init")
    env = tools.environment(Path(environ.get("HOME", "/")))
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "XDG_CONFIG_HOME"):
        env.pop(name, None)
        env |= {name: environ[name]} if name in environ else {}
    words = ("rev-parse", "--path-format=absolute", "--git-common-dir", "--git-path", "hooks")
    done = tools.run(("git", *words), cwd=found[0], env=env, timeout=_TIMEOUT)
    lines = os.fsdecode(done.stdout).splitlines()
    if done.exit_code != 0 or len(lines) != 2:  # noqa: PLR2004 (what was asked for)
        said = done.stderr.decode("utf-8", "replace").strip()
        raise ToolError(f"git does not say where its hooks lie: {said}", hint="Nothing was done. Try: git status")
    common, folder = (Path(line) for line in lines)
    inside = any(folder.resolve().is_relative_to(place.resolve()) for place in (common, found[0]))
    if not inside:
        hint = (
            "Nothing was done: other repositories may use it. Call `hardgate hooks run pre-commit` and `hardgate hooks"
            " run pre-push` from there, or give this repository its own: git config core.hooksPath .githooks"
        )
        raise ConfigError(f"core.hooksPath is {folder}, outside of this repository", hint=hint)
    return folder


def _look(folder: Path, name: str, program: Path) -> Hook:
    file = folder / name
    before = _kept(file) if os.path.lexists(_kept(file)) else None
    try:
        if not os.path.lexists(file):
            return Hook(name=name, file=file, state="missing", before=before)
        regular = stat.S_ISREG(file.lstat().st_mode) and file.stat().st_size <= _LONGEST
        text = file.read_bytes().decode("utf-8", "replace") if regular else ""
    except OSError as error:
        hint = "Nothing was done. Make it readable for this user."
        raise ToolError(f"{file} could not be read: {error.strerror}", hint=hint) from error
    if _MARK not in text:
        return Hook(name=name, file=file, state="another's")
    same = text == script(name, program) and os.access(file, os.X_OK)
    return Hook(name=name, file=file, state="installed" if same else "outdated", before=before)


def _kept(file: Path) -> Path:
    return file.with_name(file.name + KEPT)


def _write(file: Path, text: str) -> None:
    half = file.with_name(f"{file.name}.part")
    half.write_text(text, encoding="utf-8")
    half.chmod(0o755)
    half.replace(file)


def _unwritten(error: OSError) -> ToolError:
    hint = "See what is there: hardgate hooks status"
    return ToolError(f"the hooks could not be changed: {error.filename}: {error.strerror}", hint=hint)
