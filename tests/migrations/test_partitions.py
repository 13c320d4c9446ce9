"""Partitioning takes no row away, neither going up nor down, and guards and keys come along."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy.exc import DBAPIError

from tests.conftest import DATABASES, create_app, settings_for
from tests.support.databases import release
from tests.support.postgresql import Server
from trace.extensions import db
from trace.services import partitions

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ROWS = {
    "audit": "(id, at, action, subject, detail) VALUES (1, 5, 'a', 'b', '{}'), "
    "(23000000, 6, 'a', 'b', '{}')",
    "scan_visits": "(mark, day) VALUES ('\\x01', '2026-01-01'), ('\\x02', '2026-11-22')",
    "event_things": "(event_id, role, thing_id, visibility) VALUES (1, 0, 1, 0), "
    "(40000000, 1, 1, 0)",
    "scans": "(thing_id, day, ward_code, count) VALUES (1, '2025-01-01', '', 4), "
    "(1, '2026-11-22', '01', 5)",
    "sensor_readings": "(sensor_id, measure, time, value) VALUES (1, 't', 5, 6), "
    "(1, 't', 1900000000000, 7)",
}
KEYS = (
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('p', 'f') "
    "AND connamespace = 'public'::regnamespace AND conname NOT LIKE '%%scan_visits' "
    "AND conparentid = 0 ORDER BY 1, 2"
)
INDEXES = (
    "SELECT indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes "
    # These two the same migration makes anew, with one column more.
    "WHERE schemaname = 'public' AND indexname NOT IN ('pk_scan_visits', 'ix_events_corrects') "
    "ORDER BY 1"
)


@pytest.fixture
def app(postgresql_server: Server, tmp_path: Path) -> Iterator[Flask]:
    if "postgresql" not in DATABASES:
        pytest.skip("SQLite keeps plain tables")
    url = postgresql_server.create_database(f"parts_{uuid.uuid4().hex}")
    made = create_app(settings_for(tmp_path / "instance", url))
    yield made
    release(made)


def ask(query: str) -> list[Any]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def held() -> dict[str, list[Any]]:
    return {table: sorted(map(repr, ask(f"SELECT * FROM {table}"))) for table in ROWS}


def test_rows_keys_and_guards_survive_becoming_parts_and_plain_again(
    app: Flask, postgresql_server: Server
) -> None:
    with app.app_context():
        upgrade(revision="0005")
        database = db.engine.url.database
        assert database is not None
        with postgresql_server.connect(database, user="postgres") as owner:
            # Rows without what they refer to: that is not what is looked at here.
            owner.execute("SET session_replication_role = replica")
            for table, rows in ROWS.items():
                owner.execute(f"INSERT INTO {table} {rows}")
        before, keys, indexes = held(), ask(KEYS), ask(INDEXES)
        assert all(len(rows) == 2 for rows in before.values())
        # References are checked again on the way; these lead nowhere.
        with db.engine.begin() as connection:
            for name, definition in ask(KEYS):
                if "FOREIGN KEY" in definition and name.startswith(
                    tuple(f"fk_{table}_" for table in ROWS)
                ):
                    table = next(one for one in ROWS if name.startswith(f"fk_{one}_"))
                    connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        kept_keys = ask(KEYS)
        assert len(kept_keys) < len(keys)

        upgrade(revision="0006")
        assert held() == before
        assert set(kept_keys) <= set(ask(KEYS))
        assert set(indexes) <= set(ask(INDEXES))
        assert partitions.make_ahead(at=NOW) > 0
        refuse_changes()
        with db.engine.begin() as connection:  # numbers go on where they were
            connection.exec_driver_sql("SELECT setval('audit_id_seq', 23000000)")
            connection.exec_driver_sql(
                "INSERT INTO audit (at, action, subject, detail) VALUES (7, 'c', 'd', '{}')"
            )
        assert ask("SELECT max(id) FROM audit") == [(23_000_001,)]
        before = held()

        downgrade(revision="0005")
        assert held() == before
        assert ask(KEYS) == kept_keys
        assert ask(INDEXES) == indexes
        refuse_changes()


def refuse_changes() -> None:
    for change in ("UPDATE audit SET at = 1", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
            connection.exec_driver_sql(change)
