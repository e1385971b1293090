"""What a change is compared with: the run of its base, and since when a finding is known."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from hardgate.model import Run, RunState
from hardgate.store import schema
from hardgate.store.reading import load_run
from hardgate.store.records import escape, unescape

_AT_ONCE = 500  # ids in one question: SQLite takes 32,766 and PostgreSQL 65,535 parameters
_NEWEST = 20  # runs of one commit that are looked at


def run_of_commit(
    connection: Connection, pipeline: str, commit: str, *, definition: str = "", folder: str = ""
) -> Run | None:
    """The newest whole run of a pipeline over a commit as it is, None when there is none.

    Of the same folder of the work tree (`services/api/`) with the same hardgate.yaml, "" for any: two folders of one
    repository may have findings with the same ids.
    """
    runs = schema.runs
    query = select(*schema.RUN).where(
        runs.c.commit_id == escape(commit),
        runs.c.pipeline == escape(pipeline),
        runs.c.state == RunState.FINISHED.value,
    )
    for row in connection.execute(query.order_by(runs.c.seq.desc()).limit(_NEWEST)).all():
        run = load_run(connection, row)
        same = definition in {"", run.definition} and f"{run.root}/".endswith(f"/{folder}")
        if same and not run.dirty and not run.selection.partial and not run.selection.base:
            return run
    return None


def first_seen(connection: Connection, pipeline: str, ids: Sequence[str]) -> dict[str, str]:
    """When the first run of a pipeline that has each finding was started (ISO 8601); no key for one that none has."""
    runs, findings = schema.runs, schema.findings
    seen: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        part = [escape(name) for name in ids[start : start + _AT_ONCE]]
        query = (
            select(findings.c.id, func.min(runs.c.started))
            .join(runs, runs.c.seq == findings.c.run)
            .where(findings.c.id.in_(part), runs.c.pipeline == escape(pipeline))
            .group_by(findings.c.id)
        )
        seen.update({unescape(name): unescape(when) for name, when in connection.execute(query)})
    return seen
