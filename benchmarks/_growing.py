"""A large database out of a small one: every history of it again and again under other numbers.

The rows are those the application wrote, with their numbers moved on and what must be unique made
so; set-based, a few hundred thousand rows a second. What a copy has not: master data of its own,
and, unless `whole` is asked for, the signed texts of its events but notices (no page asks by it,
and ten million take forty gigabytes). The log goes on where the copies end, as do row numbers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psycopg

# Of each table: what differs in copy n (0 in the original); the other columns are as they were.
# E, T and L stand for how far the numbers of events, things and log entries are moved on.
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "events": {
        "id": "t.id + n * E",
        "statement_id": "STATEMENT",
        # A notice's own words stand on the pages of what it warns of.
        "jwt": "CASE WHEN t.notice IS NULL THEN '' ELSE t.jwt END",
        "disclosures": "'[]'",
    },
    "things": {
        "id": "t.id + n * T",
        "identity": "t.identity || 'x' || n",
        "lot_id": "t.lot_id + n * T",
    },
    "event_things": {"event_id": "t.event_id + n * E", "thing_id": "t.thing_id + n * T"},
    "event_keys": {
        "event_id": "t.event_id + n * E",
        "event_key": "n || '-' || substr(t.event_key, 1, 17)",
    },
    # What a copy says stays as it is: there is nothing to rebuild it from.
    "passports": {
        "thing_id": "t.thing_id + n * T",
        "stale": "false",
        "valid_until": "NULL",
        "building_until": "NULL",
    },
    "alerts": {
        "thing_id": "t.thing_id + n * T",
        "event_id": "t.event_id + n * E",
        "source_id": "t.source_id + n * T",
        "lifted_by": "t.lifted_by + n * E",
    },
    "holdings": {"thing_id": "t.thing_id + n * T"},
    "log_entries": {"idx": "t.idx + n * L", "event_id": "t.event_id + n * E"},
    "units": {
        "serial": "substr('0000' || n, -4) || substr(t.serial, 5)",
        "number": "t.number + n * 100000",
        "lot_id": "t.lot_id + n * T",
    },
}
SIGNED: Final = ("jwt", "disclosures")
STEPS: Final = {"E": ("events", "id"), "T": ("things", "id"), "L": ("log_entries", "idx")}
GOES_ON: Final = "UPDATE log_state SET size = (SELECT max(idx) + 1 FROM log_entries)"
MOST: Final = 999  # a copied package's serial has twenty characters at most


def grow_sqlite(path: Path, copies: int, *, whole: bool = False) -> None:
    """Adds so many copies of everything to the database in a file."""
    with sqlite3.connect(path) as connection:
        # Nothing here has to survive a crash, and rows that refer to one another come table by
        # table.
        connection.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-262144; "
            "PRAGMA foreign_keys=OFF"
        )
        steps = {
            letter: int(connection.execute(f"SELECT max({column}) + 1 FROM {table}").fetchone()[0])
            for letter, (table, column) in STEPS.items()
        }
        for table, differs in TABLES.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            text = _insert(table, columns, _kept(differs, whole=whole), steps).replace(
                "STATEMENT", "CAST(printf('%06x%010x', n, t.id) AS BLOB)"
            )
            connection.execute(text, {"copies": copies})
            connection.commit()
        connection.execute(GOES_ON)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def grow_postgresql(
    connection: psycopg.Connection[Any], copies: int, *, whole: bool = False
) -> None:
    """The same in the database of a superuser's connection."""
    # No triggers and no checks of references: rows come table by table.
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    steps = {}
    for letter, (table, column) in STEPS.items():
        rows = connection.execute(f"SELECT max({column}) + 1 FROM {table}").fetchall()
        steps[letter] = int(rows[0][0])
    for table, differs in TABLES.items():
        rows = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped ORDER BY attnum",
            (table,),
        ).fetchall()
        text = _insert(table, [row[0] for row in rows], _kept(differs, whole=whole), steps)
        text = text.replace(
            "STATEMENT",
            "convert_to(lpad(to_hex(n), 6, '0') || lpad(to_hex(t.id), 10, '0'), 'UTF8')",
        ).replace("substr('0000' || n, -4)", "lpad(n::text, 4, '0')")
        connection.execute(text.replace(":copies", str(int(copies))))
    connection.execute(GOES_ON)
    for table in ("events", "things"):
        connection.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
    connection.execute("ANALYZE")


def _kept(differs: Mapping[str, str], *, whole: bool) -> Mapping[str, str]:
    """What differs in a copy: with `whole`, its signed texts do not."""
    return {name: how for name, how in differs.items() if not (whole and name in SIGNED)}


def _insert(
    table: str, columns: list[str], differs: Mapping[str, str], steps: Mapping[str, int]
) -> str:
    values = []
    for column in columns:
        value = differs.get(column, f't."{column}"')
        for letter, step in steps.items():
            value = value.replace(f"n * {letter}", f"n * {step}")
        values.append(value)
    named = ", ".join(f'"{column}"' for column in columns)
    return (
        "WITH RECURSIVE copies(n) AS "
        "(SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < :copies) "
        f"INSERT INTO {table} ({named}) SELECT {', '.join(values)} "
        f"FROM copies CROSS JOIN {table} t"
    )
