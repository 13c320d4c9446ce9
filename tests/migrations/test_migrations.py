"""The schema goes up and down on both databases and is the one the models describe."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import (
    Boolean,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError

from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Job
from trace.services.freshness import KIND

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_every_migration_can_be_undone_and_done_again(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade()
        first = tables()
        downgrade(revision="base")
        assert tables() == set()
        upgrade()
        assert tables() == first == set(db.metadata.tables)


def test_the_migrated_schema_is_the_one_the_models_describe(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, db.metadata) == []


def test_undoing_leaves_no_trigger_and_no_function_behind(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade()
        downgrade(revision="base")
        left = {
            "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')",
            "postgresql": "SELECT proname FROM pg_proc p JOIN pg_namespace n"
            " ON n.oid = p.pronamespace WHERE n.nspname = 'public'",
        }[db.engine.dialect.name]
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql(left).fetchall() == []


def test_an_index_whose_building_was_cut_short_is_built_again(
    empty_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_handovers_answered')"
    )
    with empty_app.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("SQLite builds no index beside writers")
        upgrade(revision="0006")
        with db.engine.connect() as writer:
            writer.execute(text("UPDATE handovers SET answered_by = NULL"))
            db.engine.pool.dispose()  # what is opened from now on waits as upgrade.md says
            monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=300ms")
            with pytest.raises(OperationalError, match="lock timeout"):
                upgrade()
        assert all_of(whole) == [(False,)]
        upgrade()
        assert all_of(whole) == [(True,)]


def test_migrations_are_one_line_of_numbered_words() -> None:
    files = sorted(path.stem for path in (MIGRATIONS / "versions").glob("*.py"))
    assert files
    for number, name in enumerate(files, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+", name)
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert [script.revision for script in scripts.walk_revisions()][::-1] == [
        name[:4] for name in files
    ]


def put(table: str, **values: object) -> None:
    """A row with something in every column that must hold something."""
    reflected = Table(table, MetaData(), autoload_with=db.engine)
    something = ((Boolean, True), (Integer, 1), (LargeBinary, b"x"), (String, "x"))
    made = {
        column.name: next(value for kind, value in something if isinstance(column.type, kind))
        for column in reflected.columns
        if not column.nullable and column.name not in values
    }
    with db.engine.begin() as connection:
        connection.execute(reflected.insert().values({**made, **values}))


def all_of(query: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_rows_survive_going_up_and_down_and_codes_of_places_move(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade(revision="0002")
        put("organisations", id=1, code="OOOOOOOOOO")
        put("places", id=7, code="AAAAAAAAAA", identity="a", planting_area_code="VN-01 or.0001")
        put("places", id=8, code="BBBBBBBBBB", identity="b", planting_area_code="")
        upgrade()
        codes = "SELECT place_id, kind, code, folded, state FROM area_codes"
        assert all_of(codes) == [(7, "planting", "VN-01 or.0001", "VN01OR0001", "active")]
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE area_codes SET code = 'VN-02'"))
        downgrade(revision="0002")
        kept = "SELECT id, organisation_id, planting_area_code FROM places ORDER BY id"
        assert all_of(kept) == [(7, 1, "VN-02"), (8, 1, "")]
        assert all_of("SELECT id FROM organisations") == [(1,)]


def test_holders_of_a_certifier_that_nobody_confirmed_are_built_anew_an_hour_later(
    empty_app: Flask,
) -> None:
    with empty_app.app_context():
        upgrade(revision="0007")
        for row, status in ((1, "confirmed"), (2, "unconfirmed"), (3, "suspended"), (4, "x")):
            put("organisations", id=row, code=f"O{row}", status=status)
        for row, by in ((1, 1), (2, 2), (3, 3), (4, 2), (5, None)):
            days = {"valid_from": date(2026, 1, 1), "valid_until": date(2026, 12, 31)}
            put(
                "certificates",
                id=row,
                organisation_id=1 if by == 3 else 4,
                confirmed_by_id=by,
                **days,
            )
        upgrade()
        found = db.session.scalars(select(Job).order_by(Job.id)).all()
        assert [(one.kind, one.argument) for one in found] == [
            (KIND, '{"organisation": 2}'),
            (KIND, '{"organisation": 3}'),
        ]
        assert {one.run_after - one.created_at for one in found} == {timedelta(hours=1)}
        assert run_pending() == 0
        put("things", id=9, owner_id=4)
        db.session.execute(update(Job).values(run_after=Job.created_at))
        db.session.commit()
        assert run_pending() == 2
        assert all_of("SELECT state, result FROM jobs ORDER BY id") == [
            ("done", '{"things":1}'),
            ("done", '{"things":0}'),
        ]
