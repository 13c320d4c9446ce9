"""Bulk writes at the driver's speed: rows as tuples, values as the database keeps them.

SQLAlchemy's executemany spends more on each row than SQLite does. Values are given ready: moments
in milliseconds, quantities in millionths (models.types.to_millis, to_micro).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import text

from trace.extensions import db
from trace.services.sets import is_sqlite

Row = tuple[Any, ...]

# Below this many rows one prepared INSERT costs less than opening a COPY.
COPY_FROM = 32


@lru_cache(maxsize=64)
def _insert_sql(table: str, columns: tuple[str, ...], tail: str, mark: str) -> str:
    marks = ", ".join([mark] * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {tail}"  # noqa: S608 (names are ours)


def insert_rows(
    table: str, columns: tuple[str, ...], rows: Sequence[Row], on_conflict: str = ""
) -> int:
    """Inserts rows in the session's transaction and returns how many went in.

    `on_conflict` is the clause, if any; where it updates, no two rows may be of one key.
    """
    if not rows:
        return 0
    if not is_sqlite() and len(rows) >= COPY_FROM:
        if on_conflict:
            return _insert_columns(table, columns, rows, on_conflict)
        _copy(table, columns, rows)
        return len(rows)
    return execute_many(_insert_sql(table, columns, on_conflict, "?"), rows)


def execute_many(statement: str, rows: Sequence[Row]) -> int:
    """Runs one statement, its parameters written `?`, for every row; the number of rows hit."""
    if not rows:
        return 0
    if not is_sqlite():
        statement = statement.replace("?", "%s")
    return db.session.connection().exec_driver_sql(statement, list(rows)).rowcount


def allocate_ids(table: str, count: int) -> range | list[int]:
    """Row ids for `count` new rows, ascending.

    On SQLite the caller's transaction must hold the write lock: nobody else can then take them.
    """
    if is_sqlite():
        last = db.session.scalar(text(f"SELECT max(id) FROM {table}")) or 0  # noqa: S608 (ours)
        return range(last + 1, last + 1 + count)
    rows = db.session.execute(
        text(f"SELECT nextval('{table}_id_seq') FROM generate_series(1, :count)"),  # noqa: S608
        {"count": count},
    )
    return sorted(row[0] for row in rows)


def _insert_columns(
    table: str, columns: tuple[str, ...], rows: Sequence[Row], on_conflict: str
) -> int:
    """PostgreSQL: one statement for all rows, each column an array; COPY knows no conflicts. Rows
    go in, and are locked, in the order given."""
    of = db.metadata.tables[table].columns
    dialect = db.engine.dialect
    arrays = ", ".join(f"%s::{of[name].type.compile(dialect)}[]" for name in columns)
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) {on_conflict}"  # noqa: S608 (names are ours)
    )
    values = tuple(list(column) for column in zip(*rows, strict=True))
    return db.session.connection().exec_driver_sql(statement, values).rowcount


def _copy(table: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    raw = db.session.connection().connection.driver_connection
    if raw is None:
        raise RuntimeError("the session has lost its connection")
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as to,
    ):
        for row in rows:
            to.write_row(row)
