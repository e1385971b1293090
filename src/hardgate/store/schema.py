"""The tables of the store and the list of its revisions.

Each record is kept whole as JSON in `body`; the other columns are copies of what is searched or sorted by. The
migrations in `migrations/versions` lead to the same tables step by step: a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every revision that this release can read, oldest first; the last one is what it writes."""
HEAD = REVISIONS[-1]
WITH_LEDGER = "0003"
"""The first revision that has a ledger."""
VERSION_TABLE = "hardgate_version"
"""Not Alembic's default name: the database of another program that uses Alembic is never taken for a store."""

# Compared byte by byte on every server, whatever its locale: prefixes and ISO times must sort alike everywhere.
Key = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite numbers rows by itself only in a column declared INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

version = Table(
    VERSION_TABLE,
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)

runs = Table(
    "runs",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("id", Key, nullable=False, unique=True),
    Column("pipeline", Text, nullable=False),
    Column("pipeline_digest", Text, nullable=False),
    Column("root", Key, nullable=False),
    Column("commit_id", Text, nullable=False),
    Column("tree", Text, nullable=False),
    Column("started", Key, nullable=False),
    Column("finished", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("process", Number, nullable=False),
    Column("process_started", Text, nullable=False),
    Column("claimed", Text, nullable=False),
    Column("counts", Text),
    Column("body", Text, nullable=False),
    Column("merged", Text),
)
RUN = tuple(column for column in runs.c if column is not runs.c.merged)
"""The columns of a run that are short: all but the list of its merged findings."""
Index("ix_runs_latest", runs.c.root, runs.c.state, runs.c.finished, runs.c.seq)
Index("ix_runs_root", runs.c.root, runs.c.seq)
Index("ix_runs_state", runs.c.state)

receipts = Table(
    "receipts",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("run", Number, ForeignKey("runs.seq"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("scanner", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("root", Key, nullable=False),
    Column("timed", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("peak_memory", Number, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("run", "action", name="uq_receipts_run_action"),
)
_TIMED = text("timed = 1")
_timing = Index("ix_receipts_timing", receipts.c.root, receipts.c.scanner, receipts.c.seq, sqlite_where=_TIMED)


def for_postgresql() -> None:
    """Say the same of the index for PostgreSQL; only then, as it loads that dialect, which takes 100 ms."""
    _timing.dialect_options["postgresql"]["where"] = _TIMED


# A merged finding that is one of a receipt's, as most are, is stored once: `runs.merged` lists the rows of the merged
# ones in their order, as JSON. `receipt` is empty for the others; `absorbed` is 1 for what of a receipt is not among
# them. Runs of revision 0003 and before have no list: all rows of their merged findings are without a receipt.
findings = Table(
    "findings",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("run", Number, ForeignKey("runs.seq"), nullable=False),
    Column("receipt", Number, ForeignKey("receipts.seq")),
    Column("position", Integer, nullable=False),
    Column("id", Key, nullable=False),
    Column("severity", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scanners", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("absorbed", Integer),
)
Index("ix_findings_run", findings.c.run, findings.c.receipt, findings.c.position)
Index("ix_findings_receipt", findings.c.receipt)
Index("ix_findings_id", findings.c.id)

verdicts = Table(
    "verdicts",
    metadata,
    Column("run", Number, ForeignKey("runs.seq"), primary_key=True, autoincrement=False),
    Column("judged_at", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("blocking", Integer, nullable=False),
    Column("gaps", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", Number, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# `age` grows with every entry that is remembered: the smallest is the oldest.
cache = Table(
    "cache",
    metadata,
    Column("key", Text, primary_key=True),
    Column("age", Number, nullable=False),
    Column("size", Number, nullable=False),
    Column("body", Text, nullable=False),
)
Index("ix_cache_age", cache.c.age)

canaries = Table(
    "canaries",
    metadata,
    Column("key", Text, primary_key=True),
    Column("age", Number, nullable=False),
    Column("size", Number, nullable=False),
    Column("body", Text, nullable=False),
)
Index("ix_canaries_age", canaries.c.age)

# Rows are only ever added. `previous` is unique: of two records behind the same one, one is refused.
ledger = Table(
    "ledger",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("previous", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("subject", Key, nullable=False),
    Column("body", Text, nullable=False),
)
Index("ix_ledger_kind", ledger.c.kind, ledger.c.subject, ledger.c.seq)

overrides = Table(
    "overrides",
    metadata,
    Column("id", Key, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("root", Key, nullable=False),
    Column("commit_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("seal", Text, nullable=False),
    Column("body", Text, nullable=False),
)
Index("ix_overrides_commit", overrides.c.commit_id)
Index("ix_overrides_root", overrides.c.root, overrides.c.state)
