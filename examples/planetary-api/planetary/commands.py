"""`flask db_create`, `flask db_drop` and `flask db_seed`; each may be run again without harm."""

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import create_engine

from planetary import seeds
from planetary.models import db


def register(app: Flask) -> None:
    """Give an application its commands."""
    for command in (db_create, db_drop, db_seed):
        app.cli.add_command(command)


@click.command("db_create")
@with_appcontext
def db_create() -> None:
    """Create the tables that do not exist."""
    db.create_all()
    if not _is_sqlite():
        _create_local_copy(_local_file())
    click.echo("Database created!")


@click.command("db_drop")
@with_appcontext
def db_drop() -> None:
    """Drop the tables, with everything in them."""
    db.drop_all()
    if not _is_sqlite():
        _local_file().unlink(missing_ok=True)
    click.echo("Database dropped!")


@click.command("db_seed")
@with_appcontext
def db_seed() -> None:
    """Add the planets and users that are not there."""
    fresh = seeds.sow()
    click.echo("Database seeded!")
    for email, password in fresh:
        click.echo(f"Safe account {email} has the password {password} (shown this once).")


def _is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def _local_file() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "planets.db"


def _create_local_copy(file: Path) -> None:
    """Create empty tables in a SQLite file, so that /dbsize/planets.db answers beside a MySQL server too."""
    engine = create_engine(f"sqlite:///{file}")
    db.metadata.create_all(engine)
    engine.dispose()
