"""The one way in: what is acknowledged is signed, logged, indexed and linked."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import scoped_session

from tests.support.factories import (
    event,
    make_actor,
    new_crate,
    new_lot,
    notice,
    packed,
    registered,
    transformed,
)
from trace.core.signing import PublicKey
from trace.core.statements import (
    kept_texts,
    open_statement,
    parse_entry,
    statement_hash,
    tags,
    use_identity,
    verify_signature,
)
from trace.core.statements.entries import EventEntry
from trace.errors import NotAllowed, Refused
from trace.models import (
    Alert,
    Audit,
    Event,
    EventThing,
    Holding,
    LogEntry,
    Organisation,
    Passport,
    Thing,
)
from trace.services.actors import Actor
from trace.services.capture import KeyReused, capture
from trace.services.capture.prepare import AlreadyRecorded
from trace.services.naming import issuer_of

Session = scoped_session[Any]


def stored(session: Session, event_id: int) -> tuple[Event, EventEntry]:
    row = session.get(Event, event_id)
    entry = session.scalar(select(LogEntry.entry).where(LogEntry.event_id == event_id))
    assert row is not None
    assert entry is not None
    parsed = parse_entry(entry.encode())
    assert isinstance(parsed, EventEntry)
    return row, parsed


def test_an_event_is_signed_by_its_organisation_and_its_entry_names_nothing(
    db_session: Session, now: datetime
) -> None:
    actor, lot = make_actor(now), new_lot()
    captured = capture(actor, [registered(lot)], at=now)
    db_session.commit()

    row, entry = stored(db_session, captured.events[0].event_id)
    issuer = issuer_of(actor.organisation.code)
    key = PublicKey.from_jwk(orjson.loads(row.key.jwk))
    verify_signature(row.jwt, key, issuer=issuer)
    assert entry.h == statement_hash(row.jwt)
    line = db_session.scalar(select(LogEntry.entry).where(LogEntry.event_id == row.id)) or ""
    assert lot.rpartition("/")[2] not in line
    assert actor.organisation.code not in line
    texts = [text or "" for text in kept_texts(row.disclosures)]
    opened = open_statement("~".join([row.jwt, *texts, ""]))
    assert opened.event["quantityList"] == registered(lot)["quantityList"]
    assert opened.event["eventID"] == captured.events[0].event_key


def test_every_chain_can_be_followed_from_zero_without_a_gap(
    db_session: Session, now: datetime
) -> None:
    actor, lot = make_actor(now), new_lot()
    for hour in range(3):
        observed = registered(lot, eventTime=f"2026-11-20T0{hour}:00:00.000Z")
        if hour:
            observed |= {"action": "OBSERVE"}
            del observed["ilmd"]
        capture(actor, [observed], at=now)
    db_session.commit()

    links = [
        set(parse_entry(entry.encode()).links)  # type: ignore[union-attr]  # all are event entries
        for entry in db_session.scalars(
            select(LogEntry.entry).where(LogEntry.event_id.is_not(None)).order_by(LogEntry.index)
        )
    ]
    thing = db_session.scalars(select(Thing).where(Thing.kind == "lot")).one()
    organisation = db_session.get(Organisation, actor.organisation.id, populate_existing=True)
    assert thing.salt is not None
    assert organisation is not None
    assert thing.head == organisation.use_head == 3
    lot_tags = tags(thing.salt, thing.identity, 0, 3)
    use = use_identity(issuer_of(organisation.code))
    use_tags = tags(organisation.use_salt, use, 0, 3)
    assert links == [{a, b} for a, b in zip(lot_tags, use_tags, strict=True)]


def test_a_repeated_idempotency_key_gives_the_first_answer_and_records_nothing(
    db_session: Session, now: datetime
) -> None:
    actor, lot = make_actor(now), new_lot()
    first = capture(actor, [registered(lot)], at=now, idempotency_key="phone-1")
    db_session.commit()
    again = capture(
        actor, [registered(lot)], at=now + timedelta(minutes=5), idempotency_key="phone-1"
    )
    db_session.commit()
    assert again.repeated
    assert again.events == first.events
    assert db_session.scalar(select(Event.id).order_by(Event.id.desc())) == first.events[0].event_id

    with pytest.raises(KeyReused):
        capture(actor, [registered(new_lot())], at=now, idempotency_key="phone-1")


def test_the_same_event_twice_is_a_conflict_that_names_it(
    db_session: Session, now: datetime
) -> None:
    actor, lot = make_actor(now), new_lot()
    capture(actor, [registered(lot)], at=now)
    db_session.commit()
    with pytest.raises(AlreadyRecorded) as refused:
        capture(actor, [registered(lot)], at=now)
    assert refused.value.status == 409
    assert refused.value.path == "/eventID"


def test_two_equal_true_sales_in_one_minute_both_count(db_session: Session, now: datetime) -> None:
    actor, lot = make_actor(now), new_lot()
    capture(actor, [registered(lot, 10)], at=now)
    for _ in range(2):
        sale = event(
            "ObjectEvent",
            eventID=f"urn:uuid:{uuid.uuid4()}",
            bizStep="retail_selling",
            disposition="retail_sold",
            quantityList=[{"epcClass": lot, "quantity": 2, "uom": "KGM"}],
        )
        capture(actor, [sale], at=now)
    db_session.commit()
    assert db_session.scalars(select(Holding.quantity)).one() == 6


def test_an_error_declaration_names_the_statement_it_is_about_and_takes_back_its_amounts(
    db_session: Session, now: datetime
) -> None:
    actor, lot = make_actor(now), new_lot()
    first = capture(actor, [registered(lot, 480)], at=now).events[0]
    db_session.commit()
    declared = registered(lot, 480) | {
        "eventID": first.event_key,
        "errorDeclaration": {
            "declarationTime": "2026-11-21T00:00:00.000Z",
            "reason": "incorrect_data",
        },
    }
    second = capture(actor, [declared], at=now).events[0]
    db_session.commit()
    row = db_session.get(Event, second.event_id)
    assert row is not None
    assert row.corrects == uuid.UUID(first.statement_id[9:]).bytes
    assert open_statement(row.jwt + "~").payload["credentialSubject"]["trace:corrects"] == (
        first.statement_id
    )
    assert db_session.scalars(select(Holding.quantity)).one() == 0


def test_another_organisation_cannot_correct_an_event_that_is_not_its_own(
    db_session: Session, now: datetime
) -> None:
    farmer, stranger, lot = make_actor(now), make_actor(now, "Khác Demo"), new_lot()
    first = capture(farmer, [registered(lot, 480)], at=now).events[0]
    declared = registered(lot, 480) | {
        "eventID": first.event_key,
        "errorDeclaration": {"declarationTime": "2026-11-21T00:00:00.000Z"},
    }
    second = capture(stranger, [declared], at=now).events[0]
    db_session.commit()
    row = db_session.get(Event, second.event_id)
    assert row is not None
    assert row.corrects is None
    holder = Holding.holder_id == farmer.organisation.id
    assert db_session.scalars(select(Holding.quantity).where(holder)).one() == 480


def test_more_out_than_in_is_recorded_and_shows_below_zero(
    db_session: Session, now: datetime
) -> None:
    actor, lot, out = make_actor(now), new_lot(), new_lot()
    capture(actor, [registered(lot, 100), transformed({lot: 150}, {out: 150})], at=now)
    db_session.commit()
    amounts = set(db_session.scalars(select(Holding.quantity)))
    assert amounts == {-50, 150}


def test_record_time_never_goes_back_even_when_the_clock_does(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    capture(actor, [registered(new_lot())], at=now - timedelta(hours=2))
    db_session.commit()
    times = [
        parse_entry(entry.encode()).t
        for entry in db_session.scalars(select(LogEntry.entry).order_by(LogEntry.index))
    ]
    assert times == sorted(times)
    assert times[-1] == now


def test_the_first_to_make_a_lot_is_its_creator_whatever_was_said_of_it_before(
    db_session: Session, now: datetime
) -> None:
    shop, farmer, lot = make_actor(now, "Cửa hàng Demo", "retailer"), make_actor(now), new_lot()
    received = registered(lot, 5, action="OBSERVE", bizStep="receiving")
    del received["ilmd"]
    capture(shop, [received], at=now)
    capture(farmer, [registered(lot, 480)], at=now)
    capture(shop, [registered(lot, 480, eventTime="2026-11-20T04:00:00.000Z")], at=now)
    db_session.commit()
    thing = db_session.scalars(select(Thing).where(Thing.kind == "lot")).one()
    assert thing.owner_id == farmer.organisation.id


def test_a_viewer_records_nothing(db_session: Session, now: datetime) -> None:
    owner = make_actor(now)
    viewer = Actor(owner.organisation, None, "viewer")
    with pytest.raises(NotAllowed):
        capture(viewer, [registered(new_lot())], at=now)


def test_every_error_of_every_event_is_reported_with_its_path(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    late = registered(new_lot(), eventTime="2027-01-01T00:00:00.000Z")
    negative = registered(new_lot(), -1)
    with pytest.raises(Refused) as refused:
        capture(actor, [registered(new_lot()), late, negative], at=now)
    paths = [error.path for error in refused.value.errors]
    assert any(path.startswith("/epcisBody/eventList/1/eventTime") for path in paths)
    assert any(path.startswith("/epcisBody/eventList/2/quantityList/0") for path in paths)
    db_session.rollback()
    assert db_session.scalar(select(Event.id)) is None


def test_a_capture_marks_the_passports_of_what_it_names_stale(
    db_session: Session, now: datetime
) -> None:
    actor, lot, other = make_actor(now), new_lot(), new_lot()
    capture(actor, [registered(lot), registered(other)], at=now)
    for thing in db_session.scalars(select(Thing.id).where(Thing.kind == "lot")):
        db_session.add(Passport(thing_id=thing, version=1, stale=False))
    db_session.commit()
    capture(actor, [transformed({lot: 1}, {new_lot(): 1})], at=now)
    db_session.commit()
    rows = db_session.execute(
        select(Thing.identity, Passport.stale).join(Passport, Passport.thing_id == Thing.id)
    )
    stale = {row.identity: row.stale for row in rows}
    assert stale == {lot: True, other: False}


def test_the_audit_row_says_who_recorded_how_much(db_session: Session, now: datetime) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot()), registered(new_lot())], at=now)
    db_session.commit()
    row = db_session.scalars(select(Audit).where(Audit.action == "capture")).one()
    assert row.organisation_id == actor.organisation.id
    assert orjson.loads(row.detail)["events"] == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_entries SET entry = 'x'",
        "DELETE FROM log_entries",
        "DELETE FROM events",
        "UPDATE events SET jwt = 'x'",
        "UPDATE events SET disclosures = '[\"x\"]'",
        "UPDATE event_keys SET event_id = 1",
        "DELETE FROM audit",
    ],
)
def test_the_database_itself_refuses_to_rewrite_history(
    db_session: Session, now: datetime, statement: str
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    db_session.commit()
    with pytest.raises(DBAPIError, match="append-only"):
        db_session.execute(text(statement))


def test_a_disclosure_may_be_nulled_by_erasure_and_nothing_else(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    db_session.commit()
    row = db_session.scalars(select(Event)).one()
    kept = orjson.loads(row.disclosures)
    kept[0] = None
    db_session.execute(
        text("UPDATE events SET disclosures = :d"), {"d": orjson.dumps(kept).decode()}
    )
    db_session.commit()
    assert orjson.loads(db_session.scalars(select(Event.disclosures)).one())[0] is None


def test_a_sale_leaves_what_is_left_on_sale_where_it_was(
    db_session: Session, now: datetime
) -> None:
    actor, lot = make_actor(now), new_lot()
    stall = {"id": new_lot().replace("/b/", "/l/")}
    offered = event(
        "ObjectEvent",
        bizStep="retail_selling",
        disposition="sellable_accessible",
        bizLocation=stall,
        quantityList=[{"epcClass": lot}],
    )
    sold = offered | {
        "disposition": "retail_sold",
        "quantityList": [{"epcClass": lot, "quantity": 2, "uom": "KGM"}],
    }
    capture(actor, [registered(lot, 10), offered, sold], at=now)
    db_session.commit()
    held = db_session.scalars(select(Holding)).all()
    assert [(row.quantity, row.unit, row.on_sale) for row in held] == [(Decimal(8), "KGM", True)]


def test_a_code_of_ours_that_is_mistyped_is_refused_where_it_stands(
    db_session: Session, now: datetime
) -> None:
    actor, lot = make_actor(now), new_lot()
    wrong = lot[:-1] + ("0" if lot[-1] != "0" else "1")
    with pytest.raises(Refused) as refused:
        capture(actor, [registered(wrong)], at=now)
    assert refused.value.errors[0].path == "/quantityList/0/epcClass"


def test_a_phone_number_in_a_note_is_refused_before_anything_is_signed(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    with pytest.raises(Refused) as refused:
        capture(actor, [registered(new_lot(), trace__note="gọi bác Tư 0912 345 678")], at=now)
    error = refused.value.errors[0]
    assert (error.code, error.path) == ("personal-number", "/trace:note")
    assert "345" not in error.detail


def test_what_lies_in_a_crate_goes_and_comes_with_it(db_session: Session, now: datetime) -> None:
    farmer, shop = make_actor(now), make_actor(now, "Cửa hàng Demo", "retailer")
    lot, crate, pallet = new_lot(), new_crate(), new_crate()
    on_pallet = event(
        "AggregationEvent", action="ADD", bizStep="packing", parentID=pallet, childEPCs=[crate]
    )
    gone = event("ObjectEvent", bizStep="shipping", epcList=[pallet])
    come = event("ObjectEvent", bizStep="receiving", epcList=[pallet])
    capture(farmer, [registered(lot, 100), packed(crate, {lot: 40}), on_pallet], at=now)
    capture(farmer, [gone], at=now)
    capture(shop, [come], at=now)
    db_session.commit()
    held = {row.holder_id: row.quantity for row in db_session.scalars(select(Holding))}
    assert held == {farmer.organisation.id: 60, shop.organisation.id: 40}


def test_a_mix_of_five_hundred_into_five_hundred_makes_a_thousand_rows_and_one_entry(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    inputs = {new_lot(): 1.0 for _ in range(500)}
    outputs = {new_lot(): 1.0 for _ in range(500)}
    lot = next(iter(inputs))
    capture(actor, [registered(lot, 1)], at=now)
    before = db_session.scalar(select(func.count()).select_from(EventThing)) or 0
    captured = capture(actor, [transformed(inputs, outputs)], at=now)
    db_session.commit()
    count = db_session.scalar(select(func.count()).select_from(EventThing))
    assert count == before + 1000
    _, entry = stored(db_session, captured.events[0].event_id)
    assert len(entry.links) == 1001  # every lot's chain, and the organisation's
    capture(actor, [notice("recall", lot, hazard="health")], at=now)
    db_session.commit()
    assert db_session.scalar(select(func.count()).select_from(Alert)) == 501
