"""What others do with one's goods is told: handovers, notices, holds, results; once, to whom it
concerns, however many lots it reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as listening
from sqlalchemy import insert, select, update

from tests.support.factories import (
    event,
    handed,
    make_actor,
    new_crate,
    new_lot,
    notice,
    packed,
    registered,
)
from tests.support.farms import make_farm
from tests.support.members import make_member
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Alert, Event, Holding, Job, Notification, Organisation, Person, Thing
from trace.services import news_telling
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.laboratory import Finding, result_event
from trace.services.notifications import words_of

Told = list[tuple[str, str, str]]


@pytest.fixture
def people(app: Flask, now: datetime) -> Callable[..., Actor]:
    """Makes an organisation with one owner, inside the application's context."""

    def make(name: str, kind: str = "co-operative", role: str = "owner") -> Actor:
        return make_member(app, name=name, kind=kind, role=role).actor

    return make


@pytest.fixture
def world(app: Flask) -> Any:
    with app.app_context():
        yield
        db.session.rollback()


def told(word: str = "") -> Told:
    """(organisation, word, address) of everything told, as far as the words begin so."""
    rows = db.session.scalars(select(Notification).order_by(Notification.id))
    return [
        (one.organisation.name if one.organisation else "", one.word, one.address)
        for one in rows
        if one.word.startswith(word)
    ]


def sentence(word: str) -> str:
    row = db.session.scalars(select(Notification).where(Notification.word == word)).one()
    return words_of(row, "vi")[1]


def shipping(lot: str, giver: Actor, taker: Actor, note: str, kilos: float = 100) -> Any:
    return handed("shipping", lot, giver, taker, note, kilos, disposition="in_transit")


def receiving(lot: str, giver: Actor, taker: Actor, note: str, **more: Any) -> Any:
    return handed("receiving", lot, giver, taker, note, more.pop("kilos", 100), **more)


def note(number: int) -> str:
    return f"urn:uuid:00000000-0000-4000-8000-{number:012d}"


def test_each_side_of_a_handover_hears_what_the_other_said(
    world: None, people: Callable[..., Actor], now: datetime
) -> None:
    giver, taker = people("HTX Một"), people("Cửa hàng", "retailer")
    lots = [new_lot() for _ in range(3)]
    capture(giver, [registered(lot) for lot in lots], at=now)
    capture(giver, [shipping(lots[0], giver, taker, note(1))], at=now)
    run_pending()
    (row,) = db.session.scalars(select(Notification)).all()
    assert (row.word, row.organisation_id) == ("handover-waiting", taker.organisation.id)
    assert row.address == f"/producer/shipments/{db.session.scalars(select(Event.id)).all()[-1]}"
    assert "HTX Một giao hàng cho Cửa hàng: " in sentence("handover-waiting")
    assert sentence("handover-waiting").endswith(" 100 kg.")
    # Two notes in one document are one word; a repeated job tells nothing twice.
    capture(
        giver, [shipping(lot, giver, taker, note(2 + n)) for n, lot in enumerate(lots[1:])], at=now
    )
    run_pending()
    db.session.execute(update(Job).where(Job.kind == "tell").values(state="queued"))
    db.session.commit()
    run_pending()
    assert [word for _, word, _ in told()] == ["handover-waiting", "handover-several"]
    assert "theo 2 phiếu" in sentence("handover-several")

    capture(taker, [receiving(lots[0], giver, taker, note(1))], at=now)
    short = {"trace:difference": {"reason": "dập", "quantity": -5, "uom": "KGM"}}
    capture(taker, [receiving(lots[1], giver, taker, note(2), kilos=95, **short)], at=now)
    refusing = {"trace:answer": "refused", "trace:difference": {"reason": "héo"}}
    capture(
        taker,
        [handed("trace:refusing", lots[2], giver, taker, note(3), 100, **refusing)],
        at=now,
    )
    run_pending()
    answers = [(name, word) for name, word, _ in told()][2:]
    assert answers == [
        ("HTX Một", "handover-accepted"),
        ("HTX Một", "handover-differs"),
        ("HTX Một", "handover-refused"),
    ]
    assert "Cửa hàng từ chối hàng HTX Một giao" in sentence("handover-refused")


def test_goods_that_come_back_and_a_cancelled_note_are_told_as_such(
    world: None, people: Callable[..., Actor], now: datetime
) -> None:
    farm, shop = people("HTX Một"), people("Cửa hàng", "retailer")
    lot = new_lot()
    capture(farm, [registered(lot)], at=now)
    back = handed("shipping", lot, shop, farm, note(1), 40, disposition="returned")
    captured = capture(shop, [back], at=now)
    run_pending()
    assert [(name, word) for name, word, _ in told()] == [("HTX Một", "handover-returned")]
    declared = {
        **back,
        "errorDeclaration": {
            "declarationTime": "2026-11-20T03:00:00.000Z",
            "reason": "did_not_occur",
        },
        "eventID": captured.events[0].event_key,
        "trace:corrects": captured.events[0].statement_id,
    }
    capture(shop, [declared], at=now)
    run_pending()
    assert told()[-1][:2] == ("HTX Một", "handover-cancelled")


def test_a_recall_tells_every_organisation_once_however_many_lots_it_reached(
    world: None, people: Callable[..., Actor], now: datetime
) -> None:
    """Twelve hundred descendants at one shop: one row, and as few statements as for two."""
    farm, packer, stranger = people("HTX Một"), people("Xưởng", "processor"), people("Người dưng")
    lots = [new_lot() for _ in range(2)]
    capture(farm, [registered(one) for one in lots], at=now)
    capture(stranger, [registered(new_lot())], at=now)
    capture(farm, [notice("recall", lots[0], hazard="health")], at=now)
    recall = db.session.scalars(select(Event.id).where(Event.notice == "recall")).one()
    source = db.session.scalars(select(Alert.thing_id)).one()
    _spread(recall, source, packer, 1200, now)
    statements: list[str] = []
    listening.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert news_telling.tell([recall], at=now) == 1  # the farm gave the notice itself
    assert len(statements) < 20
    assert told() == [("Xưởng", "alert-recall", "/producer/batches/?state=alert")]
    assert "đang giữ có liên quan: 1200." in sentence("alert-recall")
    assert news_telling.tell([recall], at=now) == 0
    db.session.commit()
    # Who gets such goods later learns of it as well, from the capture that brings them.
    shop = people("Cửa hàng", "retailer")
    capture(farm, [shipping(lots[0], farm, shop, note(9))], at=now)
    capture(shop, [receiving(lots[0], farm, shop, note(9))], at=now)
    run_pending()
    assert ("Cửa hàng", "alert-recall") in [(name, word) for name, word, _ in told("alert")]
    assert len(told("alert")) == 2

    ends = db.session.scalars(select(Event).where(Event.id == recall)).one()
    capture(farm, [notice("release", lots[0], ends=[_urn(ends)])], at=now)
    run_pending()
    assert sorted(name for name, _, _ in told("alert-release")) == ["Cửa hàng", "Xưởng"]


def test_who_is_given_warned_goods_later_is_told_once_in_a_box_as_well(
    world: None, people: Callable[..., Actor], now: datetime
) -> None:
    farm, shop, stall = people("HTX Một"), people("Cửa hàng", "retailer"), people("Sạp")
    lot, boxed, crate = new_lot(), new_lot(), new_crate()
    capture(farm, [registered(lot), registered(boxed)], at=now)
    capture(farm, [event("ObjectEvent", action="ADD", epcList=[crate])], at=now)
    capture(farm, [notice("hold", lot, boxed, hazard="health")], at=now)
    run_pending()
    assert told("alert") == []
    capture(shop, [receiving(lot, farm, shop, note(1), kilos=40)], at=now)
    run_pending()
    page = f"/b/{lot[-10:]}"
    assert told("alert") == [("Cửa hàng", "alert-hold", page)]
    capture(shop, [receiving(lot, farm, shop, note(2), kilos=60)], at=now)
    run_pending()
    assert len(told("alert")) == 1
    # Nobody who was never given the crate is believed about what lies in it; it was sold with it.
    capture(shop, [packed(crate, {boxed: 5})], at=now)
    taken = receiving(boxed, shop, stall, note(3))
    del taken["quantityList"]
    capture(stall, [taken | {"epcList": [crate]}], at=now)
    named = select(Thing.identity).join(Alert, Alert.thing_id == Thing.id)
    assert crate not in db.session.scalars(named).all()
    run_pending()
    assert told("alert")[1:] == [("Sạp", "alert-hold", f"/b/{boxed[-10:]}")]


def _urn(row: Event) -> str:
    from uuid import UUID

    return f"urn:uuid:{UUID(bytes=bytes(row.statement_id))}"


def _spread(recall: int, source: int, holder: Actor, count: int, at: datetime) -> None:
    """What a recall with many descendants leaves: things, their alerts, who holds them."""
    rows = [
        {
            "identity": address,
            "kind": "lot",
            "owner_id": holder.organisation.id,
            "head": 0,
            "created_at": at,
        }
        for address in (new_lot() for _ in range(count))
    ]
    ids = db.session.scalars(insert(Thing).returning(Thing.id), rows).all()
    common = {
        "event_id": recall,
        "source_id": source,
        "kind": "recall",
        "hazard": "",
        "mixed": True,
    }
    db.session.execute(insert(Alert), [{"thing_id": one, **common} for one in ids])
    held = {"holder_id": holder.organisation.id, "unit": "KGM", "quantity": 1}
    db.session.execute(insert(Holding), [{"thing_id": one, **held} for one in ids])
    db.session.commit()


@pytest.mark.one_database
def test_a_hold_by_our_rules_is_told_to_its_maker_and_to_the_authority_and_so_is_the_result(
    app: Flask, now: datetime
) -> None:
    office = make_member(app, name="Chi cục", kind="authority", role="supervisor")
    with app.app_context():
        authority = db.session.get_one(Organisation, office.organisation_id)
        authority.status, authority.jurisdiction = "confirmed", "*"
        farm = make_farm(now - timedelta(days=20))
        owner = make_member(app, inside=farm.organisation.id)
        cycle = farm.sow()
        farm.spray(cycle, interval=7)
        lot = farm.wait(3).reap(cycle)
        run_pending()
        assert sorted((name, word) for name, word, _ in told()) == sorted(
            [(farm.organisation.name, "alert-hold"), ("Chi cục", "hold-waiting")]
        )
        hold = db.session.scalars(select(Event.id).where(Event.notice == "hold")).one()
        assert ("Chi cục", "hold-waiting", f"/inspection/holds/{hold}") in told()

        laboratory = make_actor(now, "Phòng Demo", kind="laboratory", status="confirmed")
        found = [Finding("Abamectin", "not-detected")]
        capture(laboratory, [result_event(farm.record(), lot, found, now.date())], at=now)
        run_pending()
        assert sorted(name for name, word, _ in told("result")) == sorted(
            [farm.organisation.name, "Chi cục"]
        )
        assert (
            "Phòng Demo đã ký kết quả"
            in words_of(
                db.session.scalars(
                    select(Notification).order_by(Notification.id.desc()).limit(1)
                ).one(),
                "vi",
            )[1]
        )
        assert db.session.get_one(Person, owner.person_id).active
