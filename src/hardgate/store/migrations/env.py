"""Alembic runs this for every migration: on the connection, and inside the transaction, that the store holds."""

from alembic import context

from hardgate.store.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite can: the store begins its transactions itself
)
with context.begin_transaction():
    context.run_migrations()
