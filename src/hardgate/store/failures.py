"""What a database says when it fails, told as a StoreError: what was not done, why, and what to do next."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hardgate.errors import StoreError

_UNTOUCHED = "What was stored before is untouched."
_SPACE = f"Free some space there and run the command again. {_UNTOUCHED}"
_WRITABLE = (
    "Make the file and its folder writable for this user, or name another store. "
    "To read a store on a read-only disk, copy it to a folder that can be written. "
    f"{_UNTOUCHED}"
)
DAMAGED = "Keep the file, restore the store from a backup, or name another store."

# By the start of the name of SQLite's result code: https://www.sqlite.org/rescode.html
_SQLITE = (
    ("SQLITE_FULL", "the disk is full", _SPACE),
    ("SQLITE_IOERR", "the disk refused to read or write", f"Look for a full or failing disk or a quota. {_UNTOUCHED}"),
    ("SQLITE_READONLY", "it can only be read", _WRITABLE),
    ("SQLITE_PERM", "it can only be read", _WRITABLE),
    ("SQLITE_CANTOPEN", "the file or one beside it cannot be opened or made", _WRITABLE),
    ("SQLITE_BUSY", "another process is still writing to it", "Wait for the other run to end, and try again."),
    ("SQLITE_NOTADB", "the file is no SQLite database", DAMAGED),
    ("SQLITE_CORRUPT", "the file is damaged", DAMAGED),
    ("SQLITE_TOOBIG", "a value is larger than SQLite can hold", "Leave large outputs out of the pipeline."),
)
# By SQLSTATE: https://www.postgresql.org/docs/15/errcodes-appendix.html
_POSTGRESQL = (
    ("53100", "the disk of the server is full", f"Free some space on the server and try again. {_UNTOUCHED}"),
    ("3F000", "the schema of its search path is missing or closed to the role", "Make it, and GRANT USAGE on it."),
    ("25006", "the database can only be read", "Name the primary server, or a role that may write."),
    ("42501", "the role may not do this", "Grant the role CREATE and USAGE on its schema, or name another role."),
    (
        "42P07",
        "it holds a table of another program with a name that the store needs",
        "Give hardgate its own database.",
    ),
)
_IN_THE_WAY = ("a file lies where a folder of its path should be", "Name another store.")
_SYSTEM = {
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.ENOSPC: ("the disk is full", _SPACE),
    errno.EDQUOT: ("the disk quota is used up", _SPACE),
    errno.EROFS: ("the disk can only be read", _WRITABLE),
    errno.EACCES: ("this user may not write there", _WRITABLE),
    errno.EPERM: ("this user may not write there", _WRITABLE),
}
_REACHABLE = "Check the address of the server, that it runs, and the name and password of the role."


@contextmanager
def explained(where: str, undone: str) -> Iterator[None]:
    """Turn what a database or the disk raises inside into StoreError.

    `where` is the store for people, without a password; `undone` is the start of a sentence: "The run was not stored".
    """
    try:
        yield
    except DBAPIError as error:
        raise _told(where, undone, error.orig) from error
    except PoolTimeout as error:
        raise StoreError(f"{undone} in {where}: all connections are in use.", hint="Try again.") from error
    except sqlite3.Error as error:
        raise _told(where, undone, error) from error
    except OSError as error:
        why, hint = _SYSTEM.get(error.errno or 0, (error.strerror or str(error), _WRITABLE))
        raise StoreError(f"{undone} in {where}: {why}.", hint=hint) from error


def _told(where: str, undone: str, error: BaseException | None) -> StoreError:
    code = str(getattr(error, "sqlite_errorname", "") or getattr(error, "sqlstate", "") or "")
    words = " ".join(str(error).partition("\nLINE ")[0].split()).rstrip(".")  # without the statement
    for start, why, hint in _SQLITE + _POSTGRESQL:
        if code.startswith(start):
            return StoreError(f"{undone} in {where}: {why} ({words}).", hint=hint)
    return StoreError(f"{undone} in {where}: {words}.", hint="" if isinstance(error, sqlite3.Error) else _REACHABLE)
