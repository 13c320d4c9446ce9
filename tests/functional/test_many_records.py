"""Pages of an organisation whose programs record thousands of events beside what people write."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import text

from tests.support.farms import item, make_farm, new
from trace.extensions import db
from trace.services import evenings, weekly
from trace.services.diary import diary_entry
from trace.services.harvests import register_lot
from trace.services.records import LOCAL_ZONE
from trace.services.sets import is_sqlite

pytestmark = pytest.mark.usefixtures("db_session")


def test_an_evening_holds_what_was_written_by_hand_however_much_programs_record_after_it(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm = make_farm(now - timedelta(hours=12))
    cycle = farm.sow()
    farm.water(cycle)
    farm.tell(*(register_lot(farm.record(), item(new("b"), 5), farm.facts()) for _ in range(4)))
    day = (now - timedelta(hours=12)).astimezone(LOCAL_ZONE).date()
    days = [evenings.evening_of(farm.actor, day + timedelta(days=at)) for at in (0, 1)]
    lines = [line for one in days for lines in one.diary.values() for line in lines]
    assert [line.step for line in lines] == ["sowing", "irrigating"]


def morning(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(LOCAL_ZONE) - timedelta(days=2), time(6), LOCAL_ZONE)


def test_a_long_evening_comes_in_parts_that_together_hold_every_line_once(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evenings, "PART", 3)
    farm = make_farm(morning(now))
    farm.register()
    cycle = farm.sow()
    for _ in range(6):
        farm.water(cycle)
    asked = (1, 2, 3, 9)
    parts = [evenings.evening_of(farm.actor, morning(now).date(), part) for part in asked]
    assert [one.part for one in parts] == [1, 2, 3, 3]
    assert {one.parts for one in parts} == {3}
    assert [(len(one.lots), one.lots_made) for one in parts] == [(1, 1), (0, 1), (0, 1), (0, 1)]
    steps = [line.step for one in parts[:3] for found in one.diary.values() for line in found]
    assert sorted(steps) == ["irrigating"] * 6 + ["sowing"]


def test_what_was_declared_an_error_is_not_printed_but_what_stands_instead_is(
    now: datetime,
) -> None:
    farm = make_farm(morning(now))
    cycle = farm.sow()
    wrong = farm.water(cycle)
    farm.correct(wrong, farm.told[-1], diary_entry(farm.record(), cycle, "weeding"))
    found = evenings.evening_of(farm.actor, morning(now).date())
    assert [line.step for lines in found.diary.values() for line in lines] == ["sowing", "weeding"]


def test_an_evening_is_found_however_much_was_recorded_since(now: datetime) -> None:
    farm = make_farm(morning(now) - timedelta(days=400))
    cycle = farm.sow()
    farm.wait(200).water(cycle)
    farm.wait(200).water(cycle)
    day = (morning(now) - timedelta(days=400)).date()
    found = evenings.evening_of(farm.actor, day)
    assert [line.step for lines in found.diary.values() for line in lines] == ["sowing"]
    assert evenings.evening_of(farm.actor, day + timedelta(days=1)).empty


def test_a_weeks_entries_are_counted_without_reading_all_of_them_for_each_of_them(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm = make_farm(now)
    farm.register()
    wrong = register_lot(farm.record(), item(new("b"), 5), farm.facts())
    farm.correct(farm.tell(wrong), wrong)
    asked: list[str] = []
    if is_sqlite():
        plain = db.session.scalar

        def explained(query: object) -> object:
            compiled = query.compile(db.engine, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
            plan = db.session.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))
            asked.extend(row.detail for row in plan)
            return plain(query)  # type: ignore[call-overload]

        monkeypatch.setattr(db.session, "scalar", explained)
    monday: date = weekly.monday_of(farm.at)
    assert weekly.figures(farm.actor, monday).entries == 1
    if is_sqlite():
        (found,) = [one for one in asked if "ix_events_corrects" in one]
        assert "corrects=? AND issuer_id=?" in found
