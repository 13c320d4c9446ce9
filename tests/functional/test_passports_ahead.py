"""What shoppers look at these days is built anew before they ask; the rest when there is time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.functional.test_passports import START, TODAY
from tests.support.farms import Farm, item, make_farm, new, thing_id
from trace import clock
from trace.extensions import db
from trace.models import Passport, ScanCount
from trace.services import passports_ahead
from trace.services.harvests import register_lot
from trace.services.passports import mark_stale, passport_of
from trace.services.passports_ahead import Ahead

Session = scoped_session[Any]
DAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: TODAY)


@pytest.fixture
def lots(db_session: Session) -> list[int]:
    """Four lots that were looked at once, and are stale."""
    farm: Farm = make_farm(START)
    made = [new("b") for _ in range(4)]
    for lot in made:
        farm.tell(register_lot(farm.record(), item(lot, 10), farm.facts()))
    found = [thing_id(lot) for lot in made]
    for thing in found:
        passport_of(thing, at=TODAY)
    mark_stale(found)
    db.session.commit()
    return found


def scanned(*things: int, day: date = DAY) -> None:
    db.session.add_all(
        ScanCount(thing_id=thing, day=day, ward_code="", count=1) for thing in things
    )
    db.session.commit()


def stale() -> set[int]:
    db.session.rollback()
    return set(db.session.scalars(select(Passport.thing_id).where(Passport.stale)))


@pytest.fixture
def no_spare_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passports_ahead, "SPARE", -1.0)


@pytest.mark.usefixtures("no_spare_time")
def test_what_was_scanned_today_or_yesterday_is_built_before_anything_else(lots: list[int]) -> None:
    scanned(lots[0])
    scanned(lots[2], day=DAY - timedelta(days=1))
    scanned(lots[3], day=DAY - timedelta(days=2))
    assert Ahead().turn(at=TODAY) == 2
    assert stale() == {lots[1], lots[3]}
    rows = db.session.execute(select(Passport.thing_id, Passport.version))
    versions = {row.thing_id: row.version for row in rows}
    assert [versions[lot] for lot in lots] == [2, 1, 2, 1]


def test_the_rest_is_built_when_there_is_time(
    lots: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BUDGET", "SPARE"):
        monkeypatch.setattr(passports_ahead, name, 60.0)
    scanned(lots[3])
    assert Ahead().turn(at=TODAY) == 4
    assert stale() == set()


@pytest.mark.usefixtures("no_spare_time")
def test_thousands_that_nobody_asks_for_do_not_stand_in_the_way(
    lots: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passports_ahead, "WINDOW", 1)
    scanned(lots[3])
    ahead = Ahead()
    assert [ahead.turn(at=TODAY) for _ in lots] == [0, 0, 0, 1]
    mark_stale(lots)
    db.session.commit()
    assert sum(ahead.turn(at=TODAY) for _ in range(6)) == 1  # from the first again


def test_a_turn_ends_when_its_time_is_over_and_the_next_goes_on(
    lots: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passports_ahead, "BUDGET", 0.0)
    scanned(*lots)
    ahead = Ahead()
    assert [ahead.turn(at=TODAY) for _ in range(5)] == [1, 1, 1, 1, 0]
    assert stale() == set()


def test_one_that_cannot_be_built_does_not_keep_the_others(
    lots: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(thing: int, **when: Any) -> Any:
        if thing == lots[1]:
            raise ZeroDivisionError
        return passport_of(thing, **when)

    monkeypatch.setattr(passports_ahead, "passport_of", build)
    scanned(*lots)
    ahead = Ahead()
    with pytest.raises(ZeroDivisionError):
        ahead.turn(at=TODAY)
    assert ahead.turn(at=TODAY) == 2
    assert ahead.turn(at=TODAY) == 0  # it is not tried again and again
    assert stale() == {lots[1]}
