"""Migrated databases for tests: made once per worker, clean again before every test.

SQLite: the migrated file is copied. PostgreSQL: the tables a test filled are truncated by their
owner, so append-only triggers stay on while the test runs. Rows that migrations themselves wrote
are put back.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from flask import Flask
from flask_migrate import upgrade
from psycopg import sql

from tests.support.postgresql import Server
from trace.extensions import db

MIGRATED_BY = "alembic_version"


class Database(Protocol):
    """One kind of database, migrated, ready to be handed to a test."""

    name: str

    def fresh(self) -> str:
        """Empties the database and returns its address."""
        ...


def migrate(app: Flask) -> None:
    """Brings the application's database to the newest schema, by the migrations alone."""
    with app.app_context():
        upgrade()
    release(app)


def release(app: Flask) -> None:
    """Gives back every connection the application holds."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


class SqliteDatabase:
    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        self._live = folder / "test.db"

    @property
    def template_url(self) -> str:
        return f"sqlite:///{self._template}"

    def fresh(self) -> str:
        for leftover in self._live.parent.glob(self._live.name + "*"):
            leftover.unlink()
        shutil.copyfile(self._template, self._live)
        return f"sqlite:///{self._live}"


class PostgresqlDatabase:
    name = "postgresql"

    def __init__(self, server: Server, database: str) -> None:
        self.template_url = server.url(database)
        self._connection = server.connect(database)
        self._tables: list[str] = []
        self._first_rows: dict[str, bytes] = {}

    def learn(self) -> None:
        """Notes, once, the tables and what the migrations left in them."""
        rows = self._connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        self._tables = [name for (name,) in rows if name != MIGRATED_BY]
        for table in self._filled():
            with self._connection.cursor() as cursor, cursor.copy(_copy(table, "TO STDOUT")) as out:
                self._first_rows[table] = b"".join(bytes(part) for part in out)

    def _filled(self) -> list[str]:
        if not self._tables:
            return []
        probes = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})").format(
                sql.Literal(table), sql.Identifier(table)
            )
            for table in self._tables
        ]
        return [name for (name,) in self._connection.execute(sql.SQL(" UNION ALL ").join(probes))]

    def fresh(self) -> str:
        filled = self._filled()
        if filled:
            names = sql.SQL(", ").join(map(sql.Identifier, filled))
            statement = sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names)
            self._connection.execute(statement)
            for table, rows in self._first_rows.items():
                self._restore(table, rows)
        return self.template_url

    def _restore(self, table: str, rows: bytes) -> None:
        with self._connection.cursor() as cursor, cursor.copy(_copy(table, "FROM STDIN")) as into:
            into.write(rows)

    def close(self) -> None:
        self._connection.close()


def _copy(table: str, direction: str) -> sql.Composed:
    return sql.SQL("COPY {} " + direction).format(sql.Identifier(table))


@contextmanager
def postgresql_database(server: Server, name: str = "trace_test") -> Iterator[PostgresqlDatabase]:
    """An empty database on the server; migrate it, then let it `learn()`."""
    server.create_database(name)
    database = PostgresqlDatabase(server, name)
    try:
        yield database
    finally:
        database.close()
