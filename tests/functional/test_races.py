"""Every race that the formats warn of, run as a race: two processes on PostgreSQL.

One process stops right before it takes the log lock (or keeps a checkpoint); meanwhile the other
side has its whole turn; then the first goes on. SQLite lets one writer in at a time, so that there
is nothing to race for; many processes at once on both databases are in test_log_processes.

* a key revoked between signing and locking (formats, section 3: "checked once more"), and an
  organisation that closes between them; a key rotated there, whose successor signs instead
* a recall while a child is made: alerts are inherited under the lock (section 3)
* a recall's closure from a snapshot, completed under the lock from newer events (section 8)
* the same eventID twice at once (section 2: unique)
* the same idempotency key twice at once (section 2: the first answer)
* two jobs that find the same lot overdrawn (formats, section 7: one hold)
* stamps bound to a lot while they are put into a crate, or while the lot is recalled; nobody waits
  for a binding that waits for the log
* amounts taken from one lot at once (section 8: conditional update)
* both sides of a delivery note at once, and two answers to one (services.handovers)
* something made of a thing while another event tells of it (its page is built anew)
* two sequencers, one of them slow or killed (section 4: one, by lease)
* a file of rows recorded while the key is revoked, and by two workers at once (all or nothing)
* a log begun anew while something is recorded (sections 3 and 4: a position has one origin)
* a page opened for the first time while an event of it is recorded or erased
* an erasure or a suspension while goods are recorded whose pages it marks
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from tests.conftest import DATABASES
from tests.functional.test_log_processes import check_whole
from tests.support import sheets
from tests.support.databases import PostgresqlDatabase
from tests.support.factories import (
    amount,
    event,
    handed,
    make_actor,
    new_crate,
    new_lot,
    notice,
    registered,
    transformed,
)
from tests.support.stage import Stage, staged, whole
from tests.support.stamps import make_stamps, stamp_path, stretch_of
from trace import clock
from trace.core.epcis import JsonObject
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import (
    Event,
    Handover,
    Holding,
    Import,
    Job,
    Key,
    LogEntry,
    LogState,
    Thing,
)
from trace.services import closing, origins
from trace.services.audits import Summary, audit
from trace.services.capture import capture
from trace.services.keys import revoke_key, rotate_key
from trace.services.log import current_state
from trace.services.records import Item, Record, declare_error
from trace.services.settings import current_settings
from trace.services.stamps import binding_event

NOTE = "urn:uuid:00000000-0000-4000-8000-000000000001"
pytestmark = pytest.mark.skipif(
    "postgresql" not in DATABASES, reason="PostgreSQL is left out by TRACE_TEST_DATABASES"
)


@pytest.fixture
def stage(postgresql: PostgresqlDatabase, tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path / "instance", postgresql.fresh()) as made:
        yield made


def test_a_key_revoked_between_signing_and_locking_signs_nothing(stage: Stage) -> None:
    other = stage.other("register", "lock", lot=new_lot())
    key = db.session.scalars(
        select(Key).where(Key.organisation_id == stage.actor.organisation.id)
    ).one()
    revoke_key(key, at=clock.now())
    db.session.commit()
    assert other.go_on() == "refused no-key"
    assert db.session.scalar(select(func.count()).select_from(Event)) == 1
    whole()


def test_a_key_rotated_between_signing_and_locking_is_succeeded_by_the_new_one(
    stage: Stage,
) -> None:
    other = stage.other("register", "lock", lot=new_lot(), key="once")
    rotate_key(stage.actor.organisation, at=clock.now())
    db.session.commit()
    assert other.go_on().startswith("done")
    last = select(Event).order_by(Event.id.desc()).limit(1)
    assert db.session.scalars(last).one().key.kid.endswith("#key-2")
    assert db.session.scalar(select(func.count()).select_from(Event)) == 2
    whole()


def test_what_an_organisation_sends_while_it_closes_is_in_the_log_or_refused(stage: Stage) -> None:
    asked = closing.ask(stage.actor, "", at=clock.now() - closing.WAIT)
    db.session.commit()
    before = db.session.scalar(select(func.count()).select_from(Event)) or 0
    other = stage.other("register", "lock", lot=new_lot())
    assert closing.end(asked.id, at=clock.now()) == "closed"
    db.session.commit()
    assert other.go_on() == "refused no-key"
    # Its last word and nothing after it.
    assert db.session.scalar(select(func.count()).select_from(Event)) == before + 1
    whole()


def test_a_child_made_while_its_parent_is_recalled_inherits_the_alert(stage: Stage) -> None:
    child = new_lot()
    other = stage.other("mix", "lock", lot=stage.lot, child=child)
    # The recall cannot see the child: it is not committed yet.
    capture(stage.actor, [recall(stage.lot)], at=clock.now())
    db.session.commit()
    assert stage.alerts() == {stage.lot}
    assert other.go_on().startswith("done")
    assert stage.alerts() == {stage.lot, child}
    whole()


def test_a_recall_reaches_what_came_after_its_snapshot(stage: Stage) -> None:
    child, grandchild = new_lot(), new_lot()
    other = stage.other("recall", "lock", lot=stage.lot)
    for source, made in ((stage.lot, child), (child, grandchild)):
        capture(stage.actor, [transformed({source: 1}, {made: 1})], at=clock.now())
        db.session.commit()
    assert stage.alerts() == set()
    assert other.go_on().startswith("done")
    assert stage.alerts() == {stage.lot, child, grandchild}
    whole()


def test_of_one_event_id_sent_twice_at_once_one_is_recorded(stage: Stage) -> None:
    members = {"eventID": "urn:uuid:6f3b1d3e-4f0a-4b7e-9a56-0d1f6f9c2b11"}
    first = stage.other("register", "lock", lot=new_lot(), members=members)
    second = stage.other("register", "none", lot=new_lot(), members=members)
    stage.waits_for_a_lock()
    assert first.go_on().startswith("done")
    assert second.says().startswith("refused ")
    assert db.session.scalar(select(func.count()).select_from(Event)) == 2
    whole()


def test_an_idempotency_key_sent_twice_at_once_has_one_answer(stage: Stage) -> None:
    given: dict[str, Any] = {"lot": new_lot(), "key": "once", "members": {"eventID": "urn:x:1"}}
    first = stage.other("register", "lock", **given)
    second = stage.other("register", "none", **given)
    stage.waits_for_a_lock()
    answer = first.go_on()
    assert answer.startswith("done")
    again = second.says()
    assert again == answer.replace('"repeated":false', '"repeated":true')
    whole()


def test_amounts_taken_from_one_lot_at_once_are_all_taken(stage: Stage) -> None:
    first = stage.other("mix", "lock", lot=stage.lot, child=new_lot(), kg=30)
    second = stage.other("mix", "none", lot=stage.lot, child=new_lot(), kg=45)
    stage.waits_for_a_lock()
    assert first.go_on().startswith("done")
    assert second.says().startswith("done")
    held = db.session.scalars(
        select(Holding.quantity)
        .join(Thing, Thing.id == Holding.thing_id)
        .where(Thing.identity == stage.lot)
    ).one()
    assert held == Decimal(25)
    whole()


def test_a_shipment_and_its_receipt_recorded_at_once_find_each_other(stage: Stage) -> None:
    shop = make_actor(clock.now(), "Cửa hàng", kind="retailer")
    received = handed("receiving", stage.lot, stage.actor, shop, NOTE)
    other = stage.other("say", "lock", shop.organisation.code, said=received)
    # Neither sees the other's: it is not committed yet.
    shipped = handed("shipping", stage.lot, stage.actor, shop, NOTE)
    captured = capture(stage.actor, [shipped], at=clock.now())
    db.session.commit()
    assert other.go_on().startswith("done")
    shipment = db.session.get_one(Handover, captured.events[0].event_id)
    assert shipment.state == "accepted"
    assert shipment.answered_by is not None
    assert db.session.get_one(Handover, shipment.answered_by).answered_by == shipment.event_id
    whole()


def test_of_two_answers_given_at_once_both_are_heard(stage: Stage) -> None:
    shop = make_actor(clock.now(), "Cửa hàng", kind="retailer")
    shipped = handed("shipping", stage.lot, stage.actor, shop, NOTE)
    captured = capture(stage.actor, [shipped], at=clock.now())
    db.session.commit()
    less: dict[str, Any] = {"reason": "dập", "quantity": -5, "uom": "KGM"}
    taken = handed("receiving", stage.lot, stage.actor, shop, NOTE, 60, trace__difference=less)
    told: dict[str, Any] = {"trace__answer": "refused", "trace__difference": {"reason": "héo"}}
    refused = handed("trace:refusing", stage.lot, stage.actor, shop, NOTE, 35, **told)
    first = stage.other("say", "locked", shop.organisation.code, said=taken)
    second = stage.other("say", "none", shop.organisation.code, said=refused)
    stage.waits_for_a_lock()
    assert first.go_on().startswith("done")
    assert second.says().startswith("done")
    shipment = db.session.get_one(Handover, captured.events[0].event_id, populate_existing=True)
    assert shipment.state == "rest-refused"
    whole()


def test_what_is_made_of_a_thing_while_more_is_told_of_it_is_read_anew(stage: Stage) -> None:
    stored = event("ObjectEvent", bizStep="storing", quantityList=[amount(stage.lot, None)])
    other = stage.other("say", "lock", said=stored)
    capture(stage.actor, [transformed({stage.lot: 1}, {new_lot(): 1})], at=clock.now())
    # What this asks for is done, and pages are built, before the other's word is there.
    db.session.execute(update(Job).values(state="done"))
    db.session.commit()
    assert other.go_on().startswith("done")
    query = select(Job.argument).where(Job.kind == "stale-descendants", Job.state == "queued")
    lot = db.session.scalars(select(Thing.id).where(Thing.identity == stage.lot)).one()
    assert db.session.scalars(query).all() == [f'{{"things":[{lot}]}}']
    whole()


def test_two_jobs_about_one_overdrawn_lot_hold_it_once(stage: Stage) -> None:
    capture(stage.actor, [transformed({stage.lot: 150}, {new_lot(): 150})], at=clock.now())
    db.session.commit()
    thing = db.session.scalars(select(Thing.id).where(Thing.identity == stage.lot)).one()
    db.session.rollback()
    first = stage.other("review", "lock", thing=thing)
    second = stage.other("review", "none", thing=thing)
    assert second.says() == 'done {"notices":1}'
    assert first.go_on() == 'done {"notices":0}'
    held = select(func.count()).select_from(Event).where(Event.notice == "hold")
    assert db.session.scalar(held) == 1
    whole()


@pytest.mark.parametrize(
    ("before", "late", "meanwhile", "after"),
    [
        ([], "binding", "packing", ["recall"]),
        ([], "packing", "binding", ["recall"]),
        (["packing"], "recall", "binding", []),
    ],
)
def test_stamps_bound_while_others_speak_of_them_are_recalled_with_their_lot(
    stage: Stage, before: list[str], late: str, meanwhile: str, after: list[str]
) -> None:
    roll, crate, base = make_stamps(stage.actor, 1), new_crate(), current_settings().id_base
    unit = base + stamp_path(roll, 1)
    record = Record(base, "urn:x:binding", clock.now())
    told: dict[str, JsonObject] = {
        "binding": binding_event(record, Item(stage.lot), stretch_of(roll, 1, 1)),
        "packing": event(
            "AggregationEvent", action="ADD", bizStep="packing", parentID=crate, childEPCs=[unit]
        ),
        "recall": recall(stage.lot),
    }

    def tell(names: list[str]) -> None:
        for name in names:
            capture(stage.actor, [told[name]], at=clock.now())
        db.session.commit()

    tell(before)
    other = stage.other("tell", "lock", event=told[late])
    tell([meanwhile])
    assert other.go_on().startswith("done")
    tell(after)
    named = db.session.scalars(select(Thing.identity).where(Thing.kind == "unit")).one()
    assert stage.alerts() == {stage.lot, named, crate}
    db.session.rollback()
    publish("stage")
    check_whole()


@pytest.mark.parametrize("freeing", [False, True])
def test_nobody_waits_for_stamps_that_wait_for_the_log(stage: Stage, freeing: bool) -> None:
    roll, crate, base = make_stamps(stage.actor, 1), new_crate(), current_settings().id_base
    record = Record(base, "urn:x:binding", clock.now())
    binding = binding_event(record, Item(stage.lot), stretch_of(roll, 1, 1))
    stamped = event(
        "AggregationEvent",
        action="ADD",
        bizStep="packing",
        parentID=crate,
        childEPCs=[base + stamp_path(roll, 1)],
    )
    capture(stage.actor, [stamped], at=clock.now())
    late = binding
    if freeing:
        (bound,) = capture(stage.actor, [binding], at=clock.now()).events
        late = declare_error(
            binding, bound.statement_id, id_base=base, at=clock.now(), reason="incorrect_data"
        )
    db.session.commit()
    other = stage.other("tell", "lock", event=late)
    db.session.execute(text("SET LOCAL lock_timeout = '5s'"))  # it would wait for ever
    stored = event("ObjectEvent", bizStep="storing", quantityList=[amount(stage.lot, 100)])
    moved = event("ObjectEvent", bizStep="storing", epcList=[crate, *stamped["childEPCs"]])
    capture(stage.actor, [stored, moved], at=clock.now())
    db.session.commit()
    assert other.go_on().startswith("done")
    named = db.session.scalars(select(Thing).where(Thing.kind == "unit")).one()
    lot = db.session.scalars(select(Thing).where(Thing.identity == stage.lot)).one()
    assert named.lot_id == (None if freeing else lot.id)
    assert lot.labelled_at is not None
    db.session.rollback()
    whole()


def test_a_file_whose_key_is_revoked_while_it_is_recorded_leaves_nothing(stage: Stage) -> None:
    file = sheets.begun(stage.actor, 7)
    other = stage.other("import", "lock", file=file)
    key = db.session.scalars(
        select(Key).where(Key.organisation_id == stage.actor.organisation.id)
    ).one()
    revoke_key(key, at=clock.now())
    db.session.commit()
    assert other.go_on() == 'done ["checked",0,0]'
    row = db.session.scalars(select(Import)).one()
    assert '"no-key"' in row.error
    assert db.session.scalar(select(func.count()).select_from(Event)) == 1
    whole()


def test_a_file_that_two_workers_record_at_once_is_recorded_once(stage: Stage) -> None:
    file = sheets.begun(stage.actor, 7)
    first = stage.other("import", "lock", file=file)
    second = stage.other("import", "none", file=file)
    stage.waits_for_a_lock()
    assert first.go_on() == second.says() == 'done ["done",7,0]'
    assert db.session.scalar(select(func.count()).select_from(Event)) == 8
    whole()


@pytest.mark.parametrize("killed", [False, True])
def test_of_two_sequencers_one_publishes_whichever_is_slow_or_dies(
    stage: Stage, *, killed: bool
) -> None:
    capture(stage.actor, [registered(new_lot())], at=clock.now())
    db.session.commit()
    slow = stage.other("publish", "keep")
    if killed:
        slow.end()
        publish("stage")
    else:
        # Its lease has run out meanwhile: another worker publishes as well.
        other = stage.other("publish", "none")
        stage.waits_for_a_lock()
        size = current_state().size
        db.session.rollback()
        assert slow.go_on() == f"done {size}"
        assert other.says() in ("refused log-forked", "done null")
    whole()


def test_what_waits_while_the_log_is_begun_anew_is_in_the_new_one(stage: Stage) -> None:
    made = origins.new_origin(at=clock.now())
    db.session.flush()
    other = stage.other("register", "none", lot=new_lot())
    stage.waits_for_a_lock()
    db.session.commit()
    assert other.says().startswith("done"), "the log lock leads to the newest origin"
    newest = db.session.get(LogState, made.number)
    assert newest is not None
    last = db.session.scalars(
        select(LogEntry.index).where(LogEntry.event_id.is_not(None)).order_by(LogEntry.index.desc())
    ).first()
    assert last is not None
    assert newest.start < last < newest.size
    db.session.rollback()
    publish("last")
    assert list(audit(Summary(), now=clock.now())) == []


def recall(lot: str) -> Any:
    return notice("recall", lot, hazard="health")
