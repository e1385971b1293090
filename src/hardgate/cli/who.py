"""Who is asking, as far as that can be known: what each source proves is told in docs/explanation/ledger.md."""

from __future__ import annotations

import os
import platform
import pwd
import tempfile
from pathlib import Path

from hardgate import tools
from hardgate.errors import ConfigError, ToolError
from hardgate.permits import Person
from hardgate.wording import plain

_TIMEOUT = 10.0  # seconds


def asking(by: str | None = None) -> Person:
    """Who runs this command: `--by`, else who started the CI job, else git's user.email, else the system's user.

    Raises ConfigError for an empty name.
    """
    account = f"{_system_user()}@{platform.node()}"
    if by is not None and not by.strip():
        raise ConfigError("--by is empty", hint="Name the person, or leave --by out.")
    name, source = (by.strip(), "--by") if by is not None else _known()
    return Person(name=plain(name), source=source, account=plain(account))


def _known() -> tuple[str, str]:
    """A name and where it is from. A variable counts only where its CI service says that it runs this job."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and (name := os.environ.get("GITHUB_ACTOR", "")):
        return name, "GITHUB_ACTOR"
    if os.environ.get("GITLAB_CI") == "true" and (name := os.environ.get("GITLAB_USER_LOGIN", "")):
        return name, "GITLAB_USER_LOGIN"
    if os.environ.get("CODEBUILD_BUILD_ID") and (name := os.environ.get("CODEBUILD_INITIATOR", "")):
        return name, "CODEBUILD_INITIATOR"
    if name := _git_user():
        return name, "git config"
    return _system_user(), "system user"


def _git_user() -> str:
    """user.email of this user's own git configuration; a repository's is not asked, since it is under scan."""
    try:
        home = Path.home()
    except RuntimeError:
        return ""
    for file in (home / ".gitconfig", home / ".config" / "git" / "config"):
        if not file.is_file():
            continue
        argv = ("git", "config", "--file", str(file), "--get", "user.email")
        try:
            with tempfile.TemporaryDirectory(prefix="hardgate-") as folder:
                env = tools.environment(Path(folder))
                done = tools.run(argv, cwd=Path(folder), env=env, timeout=_TIMEOUT)
        except (ToolError, OSError):
            return ""  # then the system's user is named, with that as the source
        if done.exit_code == 0 and (name := done.stdout.decode("utf-8", "replace").strip()):
            return name
    return ""


def _system_user() -> str:
    """The name of the account that this process runs as, or its number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
