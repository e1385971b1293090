"""What later runs use again: results by content, checked canaries, and a quick way to the timings of the past."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add two tables and an index; no row that is there is touched."""
    for name in ("cache", "canaries"):
        op.create_table(
            name,
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("age", NUMBER, nullable=False),
            sa.Column("size", NUMBER, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
        )
        op.create_index(f"ix_{name}_age", name, ["age"])
    timed = sa.text("timed = 1")
    op.create_index(
        "ix_receipts_timing", "receipts", ["root", "scanner", "seq"], sqlite_where=timed, postgresql_where=timed
    )
