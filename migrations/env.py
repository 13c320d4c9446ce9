"""Alembic's entry: runs our migrations on the database of the current application."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection

database = current_app.extensions["migrate"].db


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
        # One transaction for all: a failed upgrade leaves the schema as it was (PostgreSQL;
        # SQLite commits each statement that defines something).
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def pragma(connection: Connection, value: str) -> None:
    """SQLite changes a table by making it anew: rows that refer to it would forbid dropping the old
    one, or go with it. Outside any transaction, where alone this has an effect."""
    if connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys={value}")
        cursor.close()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with database.engine.connect() as connection:
        pragma(connection, "OFF")
        try:
            migrate(connection)
            connection.commit()
        finally:
            connection.rollback()
            pragma(connection, "ON")
