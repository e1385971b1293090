"""Merged findings that are a receipt's are stored once. Runs that are there keep theirs twice, as they were stored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add two columns that are empty in every row that is there; the evidence of those runs stays as it is."""
    op.add_column("runs", sa.Column("merged", sa.Text))
    op.add_column("findings", sa.Column("absorbed", sa.Integer))
