"""The ledger, and overrides. The first record of the ledger is written by the store, behind the last migration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    """Add two tables; no row that is there is touched."""
    op.create_table(
        "ledger",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("previous", sa.Text, nullable=False, unique=True),
        *_text("kind"),
        sa.Column("subject", KEY, nullable=False),
        *_text("body"),
    )
    op.create_index("ix_ledger_kind", "ledger", ["kind", "subject", "seq"])
    op.create_table(
        "overrides",
        sa.Column("id", KEY, primary_key=True),
        *_text("pipeline"),
        sa.Column("root", KEY, nullable=False),
        *_text("commit_id", "state", "seal", "body"),
    )
    op.create_index("ix_overrides_commit", "overrides", ["commit_id"])
    op.create_index("ix_overrides_root", "overrides", ["root", "state"])
