"""What a run leaves behind: runs, receipts, findings, verdicts, and the documents kept with them.

A migration is frozen once released: it names its own columns and imports nothing of hardgate.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _key(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, KEY, nullable=False) for name in names]


def _seq() -> sa.Column[int]:
    return sa.Column("seq", NUMBER, primary_key=True, autoincrement=True)


def upgrade() -> None:
    """Make the five tables in an empty database."""
    _runs()
    _receipts()
    _findings()
    op.create_table(
        "verdicts",
        sa.Column("run", NUMBER, sa.ForeignKey("runs.seq"), primary_key=True, autoincrement=False),
        *_text("judged_at", "outcome"),
        sa.Column("blocking", sa.Integer, nullable=False),
        sa.Column("gaps", sa.Integer, nullable=False),
        *_text("body"),
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        _seq(),
        sa.Column("id", KEY, nullable=False, unique=True),
        *_text("pipeline", "pipeline_digest"),
        *_key("root"),
        *_text("commit_id", "tree"),
        *_key("started", "finished"),
        *_text("state", "machine"),
        sa.Column("process", NUMBER, nullable=False),
        *_text("process_started", "claimed"),
        sa.Column("counts", sa.Text),
        *_text("body"),
    )
    op.create_index("ix_runs_latest", "runs", ["root", "state", "finished", "seq"])
    op.create_index("ix_runs_root", "runs", ["root", "seq"])
    op.create_index("ix_runs_state", "runs", ["state"])


def _receipts() -> None:
    op.create_table(
        "receipts",
        _seq(),
        sa.Column("run", NUMBER, sa.ForeignKey("runs.seq"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        *_text("action", "scanner", "state"),
        *_key("root"),
        sa.Column("timed", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("peak_memory", NUMBER, nullable=False),
        *_text("sha256", "body"),
        sa.UniqueConstraint("run", "action", name="uq_receipts_run_action"),
    )


def _findings() -> None:
    op.create_table(
        "findings",
        _seq(),
        sa.Column("run", NUMBER, sa.ForeignKey("runs.seq"), nullable=False),
        sa.Column("receipt", NUMBER, sa.ForeignKey("receipts.seq")),
        sa.Column("position", sa.Integer, nullable=False),
        *_key("id"),
        *_text("severity", "kind", "scanners", "body"),
    )
    op.create_index("ix_findings_run", "findings", ["run", "receipt", "position"])
    op.create_index("ix_findings_receipt", "findings", ["receipt"])
    op.create_index("ix_findings_id", "findings", ["id"])
