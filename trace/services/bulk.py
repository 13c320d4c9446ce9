"""Bulk writes at the driver's speed: rows as tuples, values as the database keeps them.

SQLAlchemy's executemany spends more on each row than SQLite does. Values are given ready: moments
in milliseconds, quantities in millionths (models.types.to_millis, to_micro).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

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
) -> None:
    """Inserts all rows in the session's transaction. `on_conflict` is the clause, if any."""
    if not rows:
        return
    if not is_sqlite() and not on_conflict and len(rows) >= COPY_FROM:
        _copy(table, columns, rows)
        return
    execute_many(_insert_sql(table, columns, on_conflict, "?"), rows)


def execute_many(statement: str, rows: Sequence[Row]) -> None:
    """Runs one statement, its parameters written `?`, for every row."""
    if not rows:
        return
    if not is_sqlite():
        statement = statement.replace("?", "%s")
    db.session.connection().exec_driver_sql(statement, list(rows))


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
