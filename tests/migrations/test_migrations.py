"""The schema goes up and down on both databases and is the one the models describe."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from tests.conftest import DATABASES, create_app, settings_for
from tests.support.databases import release
from tests.support.postgresql import Server
from trace.extensions import db

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.fixture(params=DATABASES)
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The application over a database of its own without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        url = server.create_database(f"empty_{uuid.uuid4().hex}")
    app = create_app(settings_for(tmp_path / "instance", url))
    yield app
    release(app)


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


def test_migrations_are_one_line_of_numbered_words() -> None:
    files = sorted(path.stem for path in (MIGRATIONS / "versions").glob("*.py"))
    assert files
    for number, name in enumerate(files, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+", name)
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert [script.revision for script in scripts.walk_revisions()][::-1] == [
        name[:4] for name in files
    ]
