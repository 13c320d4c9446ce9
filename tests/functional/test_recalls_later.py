"""Who gets recalled goods after the recall was signed, or while its holders are being read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests.support.farms import Farm, item, make_farm, new
from tests.support.members import make_member
from tests.support.recalls import (
    PROVINCE,
    Exercise,
    case_of,
    choose,
    classify,
    client_of,
    exercise,
    received,
    sign_it,
    supervisor,
)
from trace import clock
from trace.extensions import db
from trace.jobs.worker import LEASE, run_pending
from trace.models import Job, Notification, Recall, RecallHolder
from trace.services.actors import Actor
from trace.services.recalls.signing import FOLLOW
from trace.services.records import transformed


@pytest.fixture
def small(app: Flask, now: datetime) -> Exercise:
    with app.app_context():
        world = exercise(now, lots=2, processors=1, shops=2)
        db.session.expunge_all()
        return world


@pytest.fixture
def case(app: Flask, now: datetime, small: Exercise) -> int:
    """A recall of the first lot, just signed; nobody is told yet."""
    pages = client_of(app, supervisor(app, PROVINCE), now)
    made = case_of(choose(pages, small.lots[0]))
    classify(pages, made)
    sign_it(pages, made)
    return made


def test_who_is_only_given_recalled_goods_later_is_listed_and_told(
    app: Flask, now: datetime, small: Exercise, case: int
) -> None:
    with app.app_context():
        run_pending()
        assert followings() == 1  # to tell of the notice itself asks for no second look
        followed = db.session.get_one(Recall, case).followed_at
        kitchen, shop = a_kitchen(app, now), keeper(small)
        kitchen.tell(*received(kitchen, small.made[0], shop, 10))
        run_pending()
        row = db.session.scalars(
            select(RecallHolder).where(RecallHolder.organisation_id == kitchen.organisation.id)
        ).one()
        assert row.told_at is not None
        assert told_to(kitchen) == ["alert-recall"]
        # How long it took until the first were told stays as it was.
        assert db.session.get_one(Recall, case).followed_at == followed


@pytest.mark.usefixtures("case")
def test_what_comes_while_holders_are_being_read_is_read_once_more(
    app: Flask, now: datetime, small: Exercise
) -> None:
    with app.app_context():
        # Somebody else is about it, and has read who holds what; what it read is not written yet.
        reading = {"state": "running", "leased_by": "another", "lease_until": clock.now() + LEASE}
        db.session.execute(update(Job).where(Job.kind == FOLLOW).values(reading))
        db.session.commit()
        kitchen, shop = a_kitchen(app, now), keeper(small)
        pack, dish = small.made[0], new("b")
        kitchen.tell(
            *received(kitchen, pack, shop, 10),
            transformed(kitchen.record(), "processing", [item(pack, 10)], [item(dish, 9)]),
        )
        run_pending()
        assert followings() == 2
        assert "alert-recall" in told_to(kitchen)


def a_kitchen(app: Flask, now: datetime) -> Farm:
    """A processor with an owner to be told."""
    kitchen = make_farm(now - timedelta(hours=5), "Bếp Minh họa", kind="processor")
    db.session.commit()
    make_member(app, inside=kitchen.organisation.id)
    return kitchen


def keeper(world: Exercise) -> Farm:
    """A shop that has some, as this session reads it."""
    shop = world.keepers[0]
    shop.actor = Actor(db.session.merge(shop.organisation), None, "owner")
    return shop


def followings() -> int:
    query = select(func.count()).select_from(Job).where(Job.kind == FOLLOW)
    return db.session.scalar(query) or 0


def told_to(who: Farm) -> list[str]:
    mine = Notification.organisation_id == who.organisation.id
    return list(db.session.scalars(select(Notification.word).where(mine)))
