"""Recalls reach every descendant, whatever the order in which things became known."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import (
    make_actor,
    new_crate,
    new_lot,
    notice,
    packed,
    registered,
    transformed,
)
from trace.extensions import db
from trace.models import Alert, Event, Organisation, Thing
from trace.services.actors import Actor
from trace.services.capture import capture

Session = scoped_session[Any]


def standing(session: Session) -> dict[str, tuple[str, bool, bool]]:
    """Alerts by identity: kind, mixed, lifted."""
    rows = session.execute(
        select(Thing.identity, Alert.kind, Alert.mixed, Alert.lifted_by).join(
            Alert, Alert.thing_id == Thing.id
        )
    )
    return {identity: (kind, mixed, lifted is not None) for identity, kind, mixed, lifted in rows}


def test_a_recall_reaches_children_of_children_and_the_crates_they_lie_in(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    lot, child, grandchild, crate, other = (
        new_lot(),
        new_lot(),
        new_lot(),
        new_crate(),
        new_lot(),
    )
    capture(
        actor,
        [
            registered(lot),
            registered(other),
            transformed({lot: 10}, {child: 10}),
            transformed({child: 5, other: 5}, {grandchild: 10}),
            packed(crate, {grandchild: 10}),
        ],
        at=now,
    )
    capture(actor, [notice("recall", lot, hazard="health")], at=now)
    db_session.commit()
    assert standing(db_session) == {
        lot: ("recall", False, False),
        child: ("recall", False, False),
        grandchild: ("recall", True, False),
        crate: ("recall", True, False),
    }


def test_what_is_made_from_a_recalled_lot_later_inherits_the_alert(
    db_session: Session, now: datetime
) -> None:
    actor, lot, child, last = make_actor(now), new_lot(), new_lot(), new_lot()
    capture(actor, [registered(lot)], at=now)
    capture(actor, [notice("hold", lot)], at=now)
    # The later step becomes known first: truth may arrive out of order.
    capture(actor, [transformed({child: 10}, {last: 10})], at=now)
    capture(actor, [transformed({lot: 10}, {child: 10})], at=now)
    db_session.commit()
    assert set(standing(db_session)) == {lot, child, last}


def test_a_void_does_not_lift_what_was_inherited_through_the_voided_event(
    db_session: Session, now: datetime
) -> None:
    actor, lot, child = make_actor(now), new_lot(), new_lot()
    mixing = transformed({lot: 10}, {child: 10})
    captured = capture(actor, [registered(lot), mixing], at=now)
    void = mixing | {
        "eventID": captured.events[1].event_key,
        "errorDeclaration": {"declarationTime": "2026-11-21T00:00:00.000Z"},
    }
    capture(actor, [void], at=now)
    capture(actor, [notice("recall", lot, hazard="health")], at=now)
    db_session.commit()
    assert standing(db_session)[child] == ("recall", False, False)


@pytest.mark.parametrize(
    ("kind", "status", "reaches"),
    [
        ("authority", "confirmed", True),
        ("authority", "unconfirmed", False),
        ("trader", "confirmed", False),
    ],
)
def test_only_the_creator_or_a_confirmed_authority_may_warn_on_a_page(
    db_session: Session, now: datetime, kind: str, status: str, reaches: bool
) -> None:
    farmer, other = make_actor(now), make_actor(now, "Khác Demo", kind, status)
    lot = new_lot()
    capture(farmer, [registered(lot)], at=now)
    capture(other, [notice("recall", lot, hazard="health")], at=now)
    db_session.commit()
    assert (lot in standing(db_session)) is reaches


def test_a_release_ends_the_notice_it_names_if_its_issuer_may(
    db_session: Session, now: datetime
) -> None:
    farmer = make_actor(now)
    stranger = make_actor(now, "Khác Demo", "trader")
    authority = make_actor(now, "Chi cục Demo", "authority", "confirmed")
    lot, child = new_lot(), new_lot()
    capture(farmer, [registered(lot), transformed({lot: 1}, {child: 1})], at=now)
    hold = capture(authority, [notice("hold", lot)], at=now).events[0].statement_id
    for who, lifted in ((stranger, False), (farmer, False), (authority, True)):
        capture(who, [notice("release", lot, ends=[hold])], at=now)
        db_session.commit()
        assert {state[2] for state in standing(db_session).values()} == {lifted}


def test_a_recall_and_a_mixing_at_the_same_moment_do_not_miss_each_other(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        actor = make_actor(now)
        lot = new_lot()
        capture(actor, [registered(lot)], at=now)
        db.session.commit()
        organisation_id = actor.organisation.id
    children: list[str] = []
    failures: list[BaseException] = []
    barrier = threading.Barrier(5)

    def mix(count: int) -> None:
        with app.app_context():
            organisation = db.session.get(Organisation, organisation_id)
            assert organisation is not None
            me = Actor(organisation, None, "owner")
            barrier.wait()
            for _ in range(count):
                child = new_lot()
                capture(me, [transformed({lot: 1}, {child: 1})], at=now)
                db.session.commit()
                children.append(child)

    def recall() -> None:
        with app.app_context():
            organisation = db.session.get(Organisation, organisation_id)
            assert organisation is not None
            barrier.wait()
            capture(Actor(organisation, None, "owner"), [notice("recall", lot)], at=now)
            db.session.commit()

    def guarded(work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(mix, 6)) for _ in range(4)]
    threads.append(threading.Thread(target=guarded, args=(recall,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with app.app_context():
        assert set(standing(db.session)) == {lot, *children}
        assert len(children) == 24
        assert db.session.scalar(select(db.func.count()).select_from(Event)) == 26
