"""Figures: sums kept along the log, equal to a count of everything whatever happened meanwhile."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select, text

from tests.support.factories import event, make_actor, new_lot, notice, registered, transformed
from trace.extensions import db
from trace.jobs.figures import keep_up
from trace.models import (
    AreaSum,
    Event,
    EventThing,
    LogEntry,
    OrganisationSum,
    ScanCount,
    Thing,
)
from trace.models.figures import MEASURES
from trace.services import figures
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.wards import find_ward

START = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
WARDS = ("09784", "00004", "26737", None)
SEEDS = (1, 2, 3)


def test_sums_equal_a_full_recount_after_random_histories(db_session: Any) -> None:
    """Late and early records, corrections of either order, corrections twice, moves, steps of any
    size: after each burst the sums are what counting every event by itself gives."""
    for seed in SEEDS:
        dice = random.Random(seed)
        actors = [make_actor(START, f"HTX {seed}.{n}") for n in range(3)]
        for actor in actors:
            actor.organisation.ward_code = dice.choice(WARDS)
        now, made = START, list[tuple[Actor, dict[str, Any], str]]()
        for _ in range(4):
            for _ in range(8):
                now += timedelta(hours=dice.randrange(30))
                _one_record(dice, dice.choice(actors), made, now)
            if dice.random() < 0.7:
                dice.choice(actors).organisation.ward_code = dice.choice(WARDS)
            db.session.commit()
            while figures.fold(at=now, step=dice.choice((1, 3, 50))):
                db.session.commit()
            keep_up(at=now)
            _assert_equal_to_a_recount()
    kept = _sums()
    assert sum(count for (_, measure, _), count in kept[0].items() if measure == figures.LATE) > 0
    figures.begin_anew()
    keep_up(at=now)
    assert _sums() == kept


def _one_record(
    dice: random.Random, actor: Actor, made: list[tuple[Actor, dict[str, Any], str]], now: datetime
) -> None:
    when = now - timedelta(hours=dice.choice((0, 1, 20, 71, 73, 400)))
    said: dict[str, Any] = {
        "eventTime": when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    }
    kind = dice.randrange(6)
    if kind == 0 and made:
        _declare_wrong(*dice.choice(made), now)
        return
    lots = [new_lot() for _ in range(dice.randrange(1, 4))]
    if kind == 1:
        told = transformed({new_lot(): 5}, dict.fromkeys(lots, 2), **said)
    elif kind == 2:
        told = notice("recall", lots[0], **{"class": "quality"}) | said
    elif kind == 3:
        told = event("ObjectEvent", bizStep="storing", quantityList=[{"epcClass": lots[0]}], **said)
    else:
        told = registered(lots[0], **said)
    captured = capture(actor, [told], at=now)
    made.append((actor, told, captured.events[0].event_key))


def _declare_wrong(actor: Actor, told: dict[str, Any], key: str, now: datetime) -> None:
    declared = {
        **told,
        "eventID": key,
        "errorDeclaration": {
            "declarationTime": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "reason": "did_not_occur",
        },
    }
    known = db.session.scalar(
        select(Event.id)
        .where(Event.issuer_id == actor.organisation.id, Event.corrects.is_not(None))
        .where(Event.event_time == datetime.fromisoformat(told["eventTime"]))
    )
    if known is None:  # the same declaration twice is a repeat, which capture refuses
        capture(actor, [declared], at=now)


def _assert_equal_to_a_recount() -> None:
    organisations, areas = _recount()
    kept_organisations, kept_areas = _sums()
    assert kept_organisations == organisations
    assert kept_areas == areas
    assert figures.behind() == 0


def _sums() -> tuple[dict[Any, int], dict[Any, int]]:
    one = db.session.execute(
        select(
            OrganisationSum.organisation_id,
            OrganisationSum.measure,
            OrganisationSum.day,
            OrganisationSum.count,
        )
    )
    two = db.session.execute(select(AreaSum.area, AreaSum.measure, AreaSum.day, AreaSum.count))
    return (
        {tuple(row[:3]): row[3] for row in one if row[3]},
        {tuple(row[:3]): row[3] for row in two if row[3]},
    )


def _recount() -> tuple[dict[Any, int], dict[Any, int]]:
    """Every event opened by itself, from the log's own entries; nothing of services.figures."""
    withdrawn = {
        (row.issuer_id, bytes(row.corrects or b""))
        for row in db.session.scalars(select(Event).where(Event.corrects.is_not(None)))
    }
    organisations: Counter[Any] = Counter()
    areas: Counter[Any] = Counter()
    for row in db.session.scalars(select(Event).where(Event.corrects.is_(None))):
        if (row.issuer_id, bytes(row.statement_id)) in withdrawn:
            continue
        entry = db.session.scalar(select(LogEntry.entry).where(LogEntry.event_id == row.id))
        assert entry is not None
        recorded = datetime.fromisoformat(orjson.loads(entry)["t"])
        day = ((row.event_time + timedelta(hours=7)).date() - date(1970, 1, 1)).days
        lots = db.session.execute(
            select(EventThing.role, Thing.kind)
            .join(Thing, Thing.id == EventThing.thing_id)
            .where(EventThing.event_id == row.id, Thing.kind == "lot")
        ).all()
        counts = {
            "events": 1,
            "late": int(recorded - row.event_time > timedelta(days=3)),
            "lots": sum(role == 4 or (role == 0 and row.action == "ADD") for role, _ in lots),
            "recalls": int(row.notice == "recall"),
        }
        ward = find_ward(row.issuer.ward_code or "")
        for name, count in counts.items():
            if count:
                measure = MEASURES.index(name)
                organisations[row.issuer_id, measure, day] += count
                for area in ("", *((ward.province.code, ward.code) if ward else ())):
                    areas[area, measure, day] += count
    return dict(organisations), dict(areas)


@pytest.mark.one_database
def test_scans_of_days_that_are_not_over_are_summed_anew(db_session: Any) -> None:
    actor = make_actor(START)
    capture(actor, [registered(new_lot())], at=START)
    thing = db.session.scalars(select(Thing.id).where(Thing.kind == "lot")).one()
    today = date(2026, 11, 20)
    row = ScanCount(thing_id=thing, day=today, ward_code="09784", count=3)
    db.session.add_all([row, ScanCount(thing_id=thing, day=today, ward_code="01", count=2)])
    keep_up(at=START)
    row.count = 5
    keep_up(at=START + timedelta(hours=1))
    number = figures.day_number(START)
    scans = {area: n for (area, measure, day), n in _sums()[1].items() if measure == figures.SCANS}
    assert scans == {"": 7, "01": 7, "09784": 5}
    keep_up(at=START + timedelta(days=3))
    row.count = 50  # the day is closed
    keep_up(at=START + timedelta(days=3))
    assert _sums()[1]["", figures.SCANS, number] == 7


@pytest.mark.one_database("postgresql")
def test_two_workers_at_once_never_count_twice(app: Flask, now: datetime) -> None:
    """The second comes while the first has counted and not yet committed: it waits, and finds that
    nothing is left; the first row, sums of who moved and of scans too."""
    with app.app_context():
        actor = make_actor(START)
        actor.organisation.ward_code = "09784"
        capture(actor, [registered(new_lot())], at=START)
        thing = db.session.scalars(select(Thing.id).where(Thing.kind == "lot")).one()
        day = (START + timedelta(hours=7)).date()
        db.session.add(ScanCount(thing_id=thing, day=day, ward_code="09784", count=3))
        db.session.commit()
        _at_once(app, lambda: figures.fold(at=START))
        _at_once(app, lambda: figures.settle(at=START))
        assert _sums()[1]["", figures.SCANS, figures.day_number(START)] == 3
        capture(actor, [registered(new_lot())], at=START)
        actor.organisation.ward_code = "26737"
        db.session.commit()
        _at_once(app, lambda: figures.fold(at=START))
        _at_once(app, lambda: figures.settle(at=START))
        kept = _sums()
        assert kept[1].pop(("", figures.SCANS, figures.day_number(START))) == 3
        counts = {k: n for k, n in kept[1].items() if k[1] != figures.SCANS}
        assert (kept[0], counts) == _recount()


def _at_once(app: Flask, work: Callable[[], object]) -> None:
    failed: list[BaseException] = []

    def second() -> None:
        with app.app_context():
            try:
                work()
                db.session.commit()
            except BaseException as error:  # told by the test
                failed.append(error)

    work()  # and not committed
    thread = threading.Thread(target=second)
    thread.start()
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with db.engine.connect() as other:
        for _ in range(600):
            if other.execute(waiting).scalar_one() or not thread.is_alive():
                break
            other.rollback()
            thread.join(0.05)
    db.session.commit()
    thread.join(60)
    assert not failed, failed
