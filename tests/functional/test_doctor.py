"""An installation examined by `trace doctor`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from trace import clock
from trace.config import Settings
from trace.extensions import db
from trace.jobs import worker
from trace.models import LogState, Organisation, Pulse
from trace.services import backups, heartbeats, keys, platform

SECRET = "Kj3-secret-of-production-9xQ-with-many-letters"


@pytest.fixture
def production(app: Flask, tmp_path: Path) -> Flask:
    """An installation in which all is well."""
    keys.forget_opened()
    settings: Settings = replace(
        app.extensions["trace.settings"],
        environment="production",
        public_url="https://trace.example",
        secret_key=SECRET,
        mail="smtp://mail.example",
        sms="https://sms.example",
        sms_secret=SECRET,
        security_contact="mailto:security@trace.example",
        log_mirrors=("/srv/log",),
    )
    app.extensions["trace.settings"] = settings
    settings.instance.chmod(0o700)
    with app.app_context():
        platform.initialise(at=clock.now())
        db.session.commit()
        worker.publish("tests")
        backups.backup(tmp_path / "backup", at=clock.now())
        if db.engine.url.database and settings.database_url.startswith("sqlite"):
            Path(db.engine.url.database).chmod(0o600)
        heartbeats.Heart(settings.instance, "tests").beat(at=clock.now())
    return app


def examined(app: Flask, status: int) -> dict[str, dict[str, str]]:
    """What `trace doctor --json` finds amiss, by part, of which each mends by words."""
    keys.forget_opened()
    answer = app.test_cli_runner().invoke(args=["trace", "doctor", "--json"])
    assert answer.exit_code == status, answer.output
    found = [json.loads(line) for line in answer.output.splitlines()]
    amiss = {one["part"]: one for one in found if one["state"] != "ok"}
    # How much room this machine has is no matter of ours.
    amiss.pop("disk", None)
    assert [one for one in amiss.values() if not one["mend"]] == []
    return amiss


def test_where_all_is_well_nothing_is_to_mend(production: Flask) -> None:
    assert examined(production, 0) == {}
    told = production.test_cli_runner().invoke(args=["trace", "doctor"]).output
    assert "ok       log: trace.example/log" in told
    assert "0 faults" in told


def test_a_machine_without_a_worker_of_its_own_asks_for_signs_of_others(
    production: Flask,
) -> None:
    settings: Settings = production.extensions["trace.settings"]
    for sign in (settings.instance / "workers").iterdir():
        sign.unlink()
    assert examined(production, 0) == {}
    with production.app_context():
        db.session.execute(
            update(Pulse).values(at=clock.now() - heartbeats.ALIVE - timedelta(seconds=1))
        )
        db.session.commit()
    assert list(examined(production, 1)) == ["worker"]


def test_each_fault_is_found_and_the_others_are_looked_for_all_the_same(
    production: Flask,
) -> None:
    settings: Settings = production.extensions["trace.settings"]
    with production.app_context():
        platform_row = db.session.query(Organisation).first()
        assert platform_row is not None
        platform_row.demonstration = True
        state = db.session.query(LogState).one()
        state.last_time = clock.now() + timedelta(hours=2)
        db.session.execute(text("UPDATE pulses SET at = 0"))
        db.session.commit()
    (settings.instance / "keys" / "root.sealed").chmod(0o644)
    for sign in (settings.instance / "workers").iterdir():
        sign.unlink()
    (settings.instance / backups.LAST).write_text('{"made": "2020-01-01T00:00:00Z", "entries": 2}')
    production.extensions["trace.settings"] = replace(
        settings,
        public_url="http://trace.example",
        secret_key="ab" * 20,
        mail="",
        log_mirrors=(),
        security_contact="",
    )
    amiss = examined(production, 1)
    assert {part: one["state"] for part, one in amiss.items()} == {
        "address": "fault",
        "messages": "warning",
        "mirrors": "warning",
        "contact": "warning",
        "secrets": "fault",
        "permissions": "fault",
        "clock": "fault",
        "worker": "fault",
        "backup": "warning",
        "demo": "fault",
    }
    assert "root.sealed" in amiss["permissions"]["mend"]
    assert "7200 s ahead" in amiss["clock"]["text"] or "7199 s" in amiss["clock"]["text"]
    assert "ab" * 20 not in json.dumps(amiss)


def test_a_forked_log_missing_keys_and_an_old_schema_are_faults_with_their_next_step(
    production: Flask,
) -> None:
    settings: Settings = production.extensions["trace.settings"]
    (settings.instance / "keys" / "root.sealed").unlink()
    with production.app_context():
        held = settings.instance / "log" / "checkpoint"
        held.write_text(held.read_text().replace("\n2\n", "\n9\n"))
        revision = db.session.scalar(db.text("SELECT version_num FROM alembic_version"))
        db.session.execute(db.text("UPDATE alembic_version SET version_num = '0001'"))
        db.session.commit()
    try:
        amiss: dict[str, Any] = examined(production, 1)
    finally:
        with production.app_context():
            db.session.execute(
                db.text("UPDATE alembic_version SET version_num = :was"), {"was": revision}
            )
            db.session.commit()
    assert {part: one["state"] for part, one in amiss.items()} == {
        "database": "fault",
        "log": "fault",
        "keys": "fault",
    }
    assert amiss["database"]["mend"] == "Run: flask --app wsgi db upgrade"
    assert "fork the log" in amiss["log"]["mend"]
    assert "backup of keys" in amiss["keys"]["mend"]


@pytest.mark.one_database("postgresql")
def test_an_index_whose_building_was_cut_short_is_named(production: Flask) -> None:
    with production.app_context(), db.engine.connect() as found:
        connection = found.execution_options(isolation_level="AUTOCOMMIT")
        try:
            with pytest.raises(IntegrityError):  # the log has two entries
                connection.execute(
                    text("CREATE UNIQUE INDEX CONCURRENTLY ix_tests ON log_entries ((1))")
                )
            amiss = examined(production, 0)
        finally:
            connection.execute(text("DROP INDEX IF EXISTS ix_tests"))
    assert list(amiss) == ["database"]
    assert "ix_tests is broken" in amiss["database"]["text"]
    assert "REINDEX INDEX CONCURRENTLY ix_tests" in amiss["database"]["mend"]


@pytest.mark.one_database
@pytest.mark.own_application
def test_without_a_database_every_part_still_answers(tmp_path: Path, settings: Settings) -> None:
    from tests.conftest import create_app

    gone = create_app(
        replace(
            settings,
            database_url="postgresql+psycopg://trace@/none?host=/nowhere",
            instance=tmp_path / "gone",
        )
    )
    amiss = examined(gone, 1)
    assert {"database", "log", "keys", "demo", "worker"} <= set(amiss)
    assert "TRACE_DATABASE_URL" in amiss["database"]["mend"]
