"""The tasks, in an SQLite file: every statement is constant."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

MOST = 1000  # tasks
LONGEST = 200  # characters of a title

_TABLE = """
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
)
"""


class Task(NamedTuple):
    """One thing to do."""

    id: int
    title: str
    done: bool


class TitleError(ValueError):
    """What was given is no title."""


class Tasks:
    """The tasks in `file`, which is made when it is not there."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._open() as database:
            database.execute(_TABLE)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file)) as database:
            with database:
                yield database

    def all(self) -> list[Task]:
        """Every task, the oldest first."""
        with self._open() as database:
            rows = database.execute("SELECT id, title, done FROM tasks ORDER BY id")
            return [_task(row) for row in rows]

    def count(self) -> int:
        """How many there are."""
        with self._open() as database:
            row = database.execute("SELECT COUNT(*) FROM tasks").fetchone()
            return int(row[0])

    def add(self, title: object) -> Task:
        """Add a task; raises TitleError for what is no title."""
        if not isinstance(title, str) or not title.strip():
            raise TitleError("`title` must be a text")
        if len(title.strip()) > LONGEST:
            raise TitleError(f"`title` has more than {LONGEST} characters")
        with self._open() as database:
            row = database.execute(
                "INSERT INTO tasks (title) VALUES (?) RETURNING id, title, done",
                (title.strip(),),
            ).fetchone()
            return _task(row)

    def mark(self, number: int, *, done: bool) -> Task | None:
        """Say whether a task is done; None when there is no such task."""
        with self._open() as database:
            row = database.execute(
                "UPDATE tasks SET done = ? WHERE id = ? RETURNING id, title, done",
                (done, number),
            ).fetchone()
            return _task(row) if row else None

    def remove(self, number: int) -> bool:
        """Remove a task; whether it was there."""
        with self._open() as database:
            found = database.execute("DELETE FROM tasks WHERE id = ?", (number,))
            return found.rowcount == 1


def _task(row: tuple[int, str, int]) -> Task:
    return Task(id=row[0], title=row[1], done=bool(row[2]))
