"""Pages of an organisation whose programs record thousands of events beside what people write."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.support.farms import item, make_farm, new
from trace.extensions import db
from trace.services import paper, weekly
from trace.services.harvests import register_lot
from trace.services.records import LOCAL_ZONE
from trace.services.sets import is_sqlite

pytestmark = pytest.mark.usefixtures("db_session")


def test_an_evening_holds_what_was_written_by_hand_however_much_programs_record_after_it(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "EVENING_LIMIT", 3)
    farm = make_farm(now - timedelta(hours=12))
    cycle = farm.sow()
    farm.water(cycle)
    farm.tell(*(register_lot(farm.record(), item(new("b"), 5), farm.facts()) for _ in range(4)))
    day = (now - timedelta(hours=12)).astimezone(LOCAL_ZONE).date()
    evenings = [paper.evening_of(farm.actor, day + timedelta(days=at)) for at in (0, 1)]
    lines = [line for one in evenings for lines in one.diary.values() for line in lines]
    assert [line.step for line in lines] == ["sowing", "irrigating"]


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
