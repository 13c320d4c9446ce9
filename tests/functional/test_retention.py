"""How long rows stay, and the parts of tables made ahead and emptied on PostgreSQL."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import scoped_session

from tests.support.factories import new_lot, registered
from tests.support.farms import Farm, make_farm, thing_id
from trace.extensions import Model, db
from trace.jobs.tidying import tidy
from trace.models import Counter, EventThing, IdempotencyKey, Job, ScanCount, ScanVisit
from trace.services import partitions, retention
from trace.services.audit import write_audit
from trace.services.capture import capture
from trace.services.jobs import enqueue

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")
Session = scoped_session[Any]


@pytest.fixture
def farm(db_session: Session) -> Farm:
    return make_farm(NOW - timedelta(days=14))


def ended(farm: Farm, days: int, kind: str, own: bool, state: str = "done") -> None:
    job = enqueue(
        kind, {"n": days}, at=NOW - timedelta(days=days), actor=farm.actor if own else None
    )
    job.state = state


def test_finished_jobs_go_when_their_time_is_over_and_waiting_ones_never(farm: Farm) -> None:
    db.session.execute(text("DELETE FROM jobs"))
    ended(farm, 29, "stale-descendants", own=False)
    ended(farm, 31, "stale-descendants", own=False)
    ended(farm, 89, "my-data", own=True)
    ended(farm, 91, "my-data", own=True, state="failed")
    ended(farm, 399, "weekly", own=False)
    ended(farm, 401, "weekly", own=False)
    ended(farm, 500, "my-data", own=True, state="queued")
    ended(farm, 500, "my-data", own=True, state="running")
    db.session.commit()
    counts = {rule.table: count for rule, count in retention.waiting(at=NOW)}
    assert counts["jobs"] == 3
    assert retention.forget(at=NOW) == 3
    db.session.commit()
    kept = db.session.scalars(select(Job.argument).order_by(Job.id)).all()
    assert kept == ['{"n":29}', '{"n":89}', '{"n":399}', '{"n":500}', '{"n":500}']
    assert retention.forget(at=NOW) == 0


def test_what_served_a_purpose_goes_some_at_a_time(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    mine = farm.actor.organisation.id
    for number in range(3):
        old = {"organisation_id": mine, "key": f"k{number}", "request_hash": b"", "response": ""}
        db.session.add(IdempotencyKey(**old, created_at=NOW - timedelta(days=401)))
        db.session.add(Counter(key=bytes([number]), count=1, ends_at=NOW))
    fresh = {"organisation_id": mine, "key": "new", "request_hash": b"", "response": ""}
    db.session.add(IdempotencyKey(**fresh, created_at=NOW - timedelta(days=399)))
    db.session.add(Counter(key=b"new", count=1, ends_at=NOW + timedelta(seconds=1)))
    db.session.commit()
    assert [retention.forget(at=NOW) for _ in range(3)] == [4, 2, 0]
    assert db.session.scalars(select(IdempotencyKey.key)).all() == ["new"]
    assert [bytes(key) for key in db.session.scalars(select(Counter.key))] == [b"new"]


def test_days_of_old_scans_become_their_month_and_no_sum_changes(farm: Farm) -> None:
    lot = thing_id(farm.register(10))
    other = thing_id(farm.register(10))
    days = [date(2025, 9, 1), date(2025, 9, 2), date(2025, 9, 30), date(2025, 10, 4)]
    for place, day in enumerate(days):
        for thing in (lot, other):
            for ward in ("", "00001"):
                count = 10**place
                db.session.add(ScanCount(thing_id=thing, day=day, ward_code=ward, count=count))
    db.session.add(ScanCount(thing_id=lot, day=date(2026, 11, 20), ward_code="", count=7))
    db.session.commit()
    before = db.session.scalar(select(func.sum(ScanCount.count)))
    assert retention.fold_scans(at=NOW) == 8  # the second and the last day of September
    assert retention.fold_scans(at=NOW) == 0  # October is not thirteen months ago
    db.session.commit()
    rows = db.session.execute(
        select(ScanCount.day, ScanCount.count)
        .where(ScanCount.thing_id == lot, ScanCount.ward_code == "")
        .order_by(ScanCount.day)
    ).all()
    assert [tuple(row) for row in rows] == [
        (date(2025, 9, 1), 111),
        (date(2025, 10, 4), 1000),
        (date(2026, 11, 20), 7),
    ]
    assert db.session.scalar(select(func.sum(ScanCount.count))) == before


@pytest.mark.one_database("postgresql")
def test_two_workers_that_fold_the_same_month_at_once_change_no_sum(app: Flask, farm: Farm) -> None:
    lot = thing_id(farm.register(10))
    for day in (1, 2, 30):
        one = ScanCount(thing_id=lot, day=date(2025, 9, day), ward_code="", count=10)
        db.session.add(one)
    db.session.commit()
    folded: list[int] = []

    def second() -> None:
        with app.app_context():
            folded.append(retention.fold_scans(at=NOW))
            db.session.commit()

    other = threading.Thread(target=second)
    assert retention.fold_scans(at=NOW) == 2
    other.start()
    try:
        wait_for_a_lock(app)
    finally:
        db.session.commit()
        other.join(timeout=30)
    assert folded == [0]
    rows = db.session.execute(select(ScanCount.day, ScanCount.count)).all()
    assert [tuple(row) for row in rows] == [(date(2025, 9, 1), 30)]


def wait_for_a_lock(app: Flask) -> None:
    """Until somebody waits for what the test holds."""
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    end = time.monotonic() + 30
    with app.app_context(), db.engine.connect() as connection:
        while not connection.execute(waits).scalar_one():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_no_rule_touches_what_is_signed_logged_or_audited(farm: Farm) -> None:
    for_ever = {"events", "event_things", "event_keys", "audit", "things", "keys", "statements"}
    for_ever |= {name for name in Model.metadata.tables if name.startswith("log_")}
    named = {rule.table for rule in retention.RULES}
    assert named.isdisjoint(for_ever)
    assert named <= set(Model.metadata.tables)
    told = {name for tables, _, _ in retention.ELSEWHERE for name in tables.split(", ")}
    assert told <= set(Model.metadata.tables)
    before = {table: count_of(table) for table in sorted(for_ever & set(Model.metadata.tables))}
    tidy(at=NOW + timedelta(days=5000))
    after = {table: count_of(table) for table in before}
    after["audit"], after["log_entries"] = before["audit"], before["log_entries"]  # they may grow
    after["log_state"] = before["log_state"]
    assert after == before


def test_the_page_on_what_grows_names_every_rule_and_every_partitioned_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "explanation" / "sharding.md").read_text()
    named = {rule.table for rule in retention.RULES} | {one.table for one in partitions.PARTED}
    assert [table for table in sorted(named) if f"`{table}`" not in page] == []


def count_of(table: str) -> int:
    return int(db.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def test_the_command_tells_and_takes_away(app: Flask, farm: Farm) -> None:
    ended(farm, 31, "stale-descendants", own=False)
    db.session.commit()
    run = app.test_cli_runner().invoke
    assert "(1 are over)" in run(args=["trace", "retention"]).output
    done = run(args=["trace", "retention", "--run"]).output
    assert "1 rows are gone" in done


# -- parts (PostgreSQL) ----------------------------------------------------------------------------

POSTGRESQL = pytest.mark.one_database("postgresql")


def parts(table: str) -> list[str]:
    db.session.rollback()
    return partitions._names(table)


@pytest.fixture
def parted(db_session: Session) -> Any:
    """Parts made in a test go with it."""
    before = {one.table: set(parts(one.table)) for one in partitions.PARTED}
    yield
    db.session.rollback()
    with db.engine.begin() as connection:
        for table, names in before.items():
            for name in set(partitions._names(table)) - names:
                connection.exec_driver_sql(f"DROP TABLE parts.{name}")


@POSTGRESQL
@pytest.mark.usefixtures("parted")
def test_parts_are_made_ahead_once_and_rows_find_theirs(farm: Farm) -> None:
    db.session.commit()  # who is writing things is not waited for
    far = datetime(2033, 5, 1, tzinfo=UTC)  # no other test's worker made parts for then
    assert partitions.make_ahead(at=far) > 0
    assert partitions.make_ahead(at=far) == 0
    later = far + timedelta(days=70)
    assert partitions.make_ahead(at=later) > 0
    lot = thing_id(farm.register(10))
    day = (later + timedelta(days=3)).date()
    db.session.add(ScanCount(thing_id=lot, day=day, ward_code="", count=1))
    db.session.add(ScanVisit(mark=b"x" * 16, day=day))
    db.session.commit()
    held = db.session.execute(
        text(
            "SELECT tableoid::regclass::text FROM scans UNION ALL "
            "SELECT tableoid::regclass::text FROM scan_visits"
        )
    ).scalars()
    assert list(held) == [f"parts.scans_{day:%Y%m}", f"parts.scan_visits_{day:%Y%m%d}"]


@POSTGRESQL
@pytest.mark.usefixtures("parted")
def test_what_came_before_there_was_room_moves_into_its_part(farm: Farm) -> None:
    lot = thing_id(farm.register(10))
    far = date(2031, 5, 6)
    db.session.add(ScanCount(thing_id=lot, day=far, ward_code="", count=4))
    db.session.execute(text("SELECT setval('audit_id_seq', 70000000)"))
    write_audit(farm.actor, "test", "x", at=NOW)
    db.session.commit()
    assert partitions.make_ahead(at=datetime(2031, 5, 1, tzinfo=UTC)) > 0
    db.session.rollback()
    row = db.session.execute(
        text("SELECT tableoid::regclass::text, count FROM scans WHERE day = :day"), {"day": far}
    ).one()
    assert tuple(row) == ("parts.scans_203105", 4)
    assert db.session.scalar(text("SELECT count(*) FROM parts.audit_n7")) == 1
    # The guard stands on every part, the one that rows were moved out of too.
    for part in ("audit", "parts.audit_n7"):
        with pytest.raises(Exception, match="append-only"):
            db.session.execute(text(f"DELETE FROM {part}"))
        db.session.rollback()
    assert count_of("audit") > 0


@POSTGRESQL
@pytest.mark.usefixtures("parted")
def test_the_visitors_of_a_day_go_with_its_part(db_session: Session) -> None:
    # The migration made the first part by the database's own clock.
    today = db.session.execute(text("SELECT now()")).scalar_one()
    partitions.make_ahead(at=today)
    day = today.date() + timedelta(days=2)
    for number in range(5):
        db.session.add(ScanVisit(mark=bytes([number]) * 16, day=day))
    db.session.commit()
    name = f"scan_visits_{day:%Y%m%d}"
    assert name in parts("scan_visits")
    assert partitions.empty_before("scan_visits", day) >= 0
    assert name in parts("scan_visits")
    assert partitions.empty_before("scan_visits", day + timedelta(days=1)) >= 1
    assert name not in parts("scan_visits")
    assert db.session.scalar(select(func.count()).select_from(ScanVisit)) == 0


@POSTGRESQL
@pytest.mark.usefixtures("parted")
def test_questions_look_only_at_the_parts_that_can_answer(farm: Farm) -> None:
    today = db.session.execute(text("SELECT now()")).scalar_one()
    partitions.make_ahead(at=today)
    month = (today.replace(day=1) + timedelta(days=62)).replace(day=1)
    capture(farm.actor, [registered(new_lot())], at=NOW)
    db.session.commit()
    number = db.session.scalar(select(func.max(EventThing.event_id)))
    assert looked_at(f"SELECT * FROM event_things WHERE event_id = {number}") == {
        "event_things_first"
    }
    asked = f"SELECT sum(count) FROM scans WHERE day = '{month:%Y-%m}-09'"
    assert looked_at(asked) == {f"scans_{month:%Y%m}"}
    assert looked_at("SELECT * FROM audit WHERE id = 3") == {"audit_first"}
    millis = int(month.replace(day=5).timestamp() * 1000)
    assert looked_at(f"SELECT * FROM sensor_readings WHERE time = {millis}") == {
        f"sensor_readings_{month:%Y%m}"
    }


def looked_at(query: str) -> set[str]:
    """The tables that a plan reads."""
    plan = db.session.execute(text(f"EXPLAIN (FORMAT JSON) {query}")).scalar_one()
    found: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        found.update({node["Relation Name"]} if "Relation Name" in node else ())
        for below in node.get("Plans", ()):
            walk(below)

    walk(plan[0]["Plan"])
    return found
