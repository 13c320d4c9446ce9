"""Migrated databases for tests: made once per worker, clean again before every test.

SQLite: the migrated file is copied. PostgreSQL: the tables a test filled are emptied by a
connection of its own, so append-only triggers stay on while the test runs. Rows that migrations
themselves wrote are put back.
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
SMALL = 1 << 20  # bytes of a table: what is larger is truncated


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
        self._connection = server.connect(database, user="postgres")
        # Rows of a test go in any order, those that must never be deleted among them; only for this
        # connection.
        self._connection.execute("SET session_replication_role = replica")
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

    def _filled(self) -> dict[str, int]:
        """The tables that hold rows, each with its size in bytes."""
        if not self._tables:
            return {}
        probes = [
            sql.SQL("SELECT {}, pg_relation_size({}) WHERE EXISTS (SELECT 1 FROM {})").format(
                sql.Literal(table), sql.Literal(table), sql.Identifier(table)
            )
            for table in self._tables
        ]
        return dict(self._connection.execute(sql.SQL(" UNION ALL ").join(probes)).fetchall())

    def fresh(self) -> str:
        filled = self._filled()
        if filled:
            # To truncate rewrites the files of all tables that refer to one another; a few rows
            # are deleted in a fraction of that time.
            if max(filled.values()) > SMALL:
                names = sql.SQL(", ").join(map(sql.Identifier, filled))
                self._connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
            else:
                deletes = [
                    sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in filled
                ]
                self._connection.execute(sql.SQL("; ").join(deletes))
            self._connection.execute(
                "SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences "
                "WHERE schemaname = 'public' AND last_value IS NOT NULL"
            )
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
