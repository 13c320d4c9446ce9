"""Subscriptions: a real receiver is told what is new, once it can be told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from lxml import etree
from sqlalchemy import delete, select

from tests.support.factories import new_lot, registered
from tests.support.members import make_member
from tests.support.subscribing import ADDED, QUERIES, World, make, receiver, time, world
from tests.support.webhooks import Subscriber
from trace import clock
from trace.core.epcis.xml import parse_xml
from trace.extensions import db
from trace.jobs.subscriptions import deliver_until
from trace.models import NamedQuery, Notification, Subscription
from trace.services import subscriptions, subscriptions_sending
from trace.services.capture import capture

__all__ = ["make", "receiver", "time", "world"]


def lots_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["quantityList"][0]["epcClass"] for event in events]


def format_of(form: str) -> dict[str, Any]:
    return {"GS1-EPC-Format": form}


# -- streams ---------------------------------------------------------------------------------------


def test_a_stream_tells_what_is_new_in_order_signed_and_nothing_twice(
    world: World, receiver: Subscriber, make: Callable[[], World]
) -> None:
    world.record()
    address = world.subscribe(receiver.url, signatureToken="bí mật của kho")
    assert world.deliver() == 0
    stranger = make()
    lots = world.record(3)
    stranger.record()
    assert world.deliver() == 1
    assert lots_of(receiver.events()) == lots
    lots += world.record(2)
    assert (world.deliver(), world.deliver()) == (1, 0)
    assert lots_of(receiver.events()) == lots
    assert receiver.is_signed("bí mật của kho")
    results = receiver.documents()[0]["epcisBody"]["queryResults"]
    told = world.call("GET", address).json
    assert told is not None
    assert results["subscriptionID"] == told["subscriptionID"]
    assert results["queryName"] == "added"
    assert told["lastNotifiedAt"] == "2026-11-22T03:00:00.000Z"
    assert "signatureToken" not in told
    with world.app.app_context():
        assert "bí mật".encode() not in (world.row().secret or b"")


def test_what_was_recorded_from_a_moment_on_comes_first(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.record(2)
    time.shift(timedelta(hours=1))
    later = world.record(2)
    world.subscribe(receiver.url, initialRecordTime="2026-11-22T10:30:00+07:00")
    world.deliver()
    assert lots_of(receiver.events()) == later


def test_a_moment_to_come_is_waited_for(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.subscribe(receiver.url, initialRecordTime="2026-11-22T05:00:00Z")
    world.record()
    assert world.deliver() == 0
    time.shift(timedelta(hours=2))
    lots = world.record()
    world.deliver()
    assert lots_of(receiver.events()) == lots


def test_a_receiver_that_takes_less_at_once_gets_less_and_one_event_too_large_is_put_by(
    world: World, receiver: Subscriber
) -> None:
    receiver.most = 2
    world.subscribe(receiver.url)
    lots = world.record(7)
    world.deliver()
    assert lots_of(receiver.events()) == lots
    assert [status for status, _, _ in receiver.came].count(413) == 2  # 7, 3, and then 1
    receiver.most = 0
    world.record()
    world.deliver()
    with world.app.app_context():
        (letter,) = subscriptions.list_dead_letters(world.actor())
        assert letter.reason == "http-413"
    receiver.most = 2
    lots = world.record()
    world.deliver()
    assert lots_of(receiver.events())[-1:] == lots


def in_xml(words: str) -> dict[str, Any]:
    """Headers of who asks for XML, with the words of the vocabulary in one form."""
    return {"Accept": "application/xml", "GS1-CBV-XML-Format": words}


def test_messages_are_xml_for_who_asked_for_xml_signed_and_in_the_words_asked_for(
    world: World, receiver: Subscriber
) -> None:
    world.call("POST", QUERIES, {"name": "added", "query": ADDED})
    body = {"dest": receiver.url, "stream": True, "signatureToken": "kho"}
    for words in ("Always_URN", "Always_Web_URI"):
        answer = world.call(
            "POST",
            f"{QUERIES}/added/subscriptions",
            body,
            **in_xml(words),
        )
        assert (answer.status_code, answer.mimetype) == (201, "application/xml")
        assert b"kho" not in answer.data
    lots = world.record(2)
    assert world.deliver() == 2
    kinds = {headers["Content-Type"] for _, headers, _ in receiver.came}
    assert kinds == {"application/xml; charset=utf-8"}
    assert receiver.is_signed("kho")
    told = [parse_xml(message) for _, _, message in receiver.came]
    assert [lots_of(one.events) for one in told] == [lots, lots]
    assert {(one.type, one.query_name) for one in told} == {("EPCISQueryDocument", "added")}
    assert len({one.subscription_id for one in told}) == 2
    # Either subscription is delivered by itself, in any order.
    assert sorted(b"cbv:bizstep:" in message for _, _, message in receiver.came) == [False, True]
    with world.app.app_context():
        kept = db.session.scalars(select(NamedQuery)).one()
        kept.query = '{"EQ_abandoned": ["x"]}'
        db.session.commit()
    world.record()
    world.deliver()
    root = etree.fromstring(receiver.came[-1][2])
    assert root.tag == "{urn:epcglobal:epcis:xsd:2}EPCISException"
    wrong = world.call(
        "POST",
        f"{QUERIES}/added/subscriptions",
        body,
        **in_xml("Sideways"),
    )
    assert (wrong.status_code, wrong.mimetype) == (400, "application/problem+xml")


def told_owners() -> list[str]:
    return list(db.session.scalars(select(Notification.word)))


def test_what_is_not_taken_is_sent_again_later_and_later_and_then_put_by_and_replayed(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    make_member(world.app, inside=world.organisation)
    world.subscribe(receiver.url)
    lots = world.record(2)
    receiver.answers = [500] * subscriptions_sending.ATTEMPTS
    pauses = []
    for _ in range(subscriptions_sending.ATTEMPTS):
        before = len(receiver.came)
        world.deliver()
        assert len(receiver.came) == before + 1
        with world.app.app_context():
            pauses.append((world.row().due_at - clock.now()).total_seconds())
            assert world.row().failure == "http-500"
        time.shift(timedelta(seconds=pauses[-1] - 1))
        assert world.deliver() == 0
        time.shift(timedelta(seconds=1))
    assert pauses[:3] == [10, 20, 40]
    assert max(pauses) == 6 * 3600
    # Each attempt told the same stretch: a receiver can know it again.
    assert len({headers["Trace-Delivery"] for _, headers, _ in receiver.came}) == 1
    later = world.record()
    world.deliver()
    assert lots_of(receiver.events()) == later
    with world.app.app_context():
        (letter,) = subscriptions.list_dead_letters(world.actor())
        assert letter.reason == "http-500"
        assert told_owners() == ["subscription-unsent"]
        subscriptions.replay(world.actor("owner"), letter, at=clock.now())
        db.session.commit()
    receiver.answers = [503]
    world.deliver()
    with world.app.app_context():
        (letter,) = subscriptions.list_dead_letters(world.actor())
        assert (letter.replay_at, letter.reason, letter.attempts) == (None, "http-503", 1)
        subscriptions.replay(world.actor("owner"), letter, at=clock.now())
        db.session.commit()
    assert world.deliver() == 1
    assert lots_of(receiver.events()) == [*later, *lots]
    with world.app.app_context():
        assert subscriptions.list_dead_letters(world.actor()) == []


def test_a_redirect_is_not_followed_and_gone_ends_the_sending(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    make_member(world.app, inside=world.organisation)
    world.subscribe(receiver.url)
    world.record()
    receiver.answers = [302, 410]
    world.deliver()
    time.shift(timedelta(minutes=1))
    world.deliver()
    time.shift(timedelta(days=1))
    world.deliver()
    assert [status for status, _, _ in receiver.came] == [302, 410]
    with world.app.app_context():
        row = world.row()
        assert row.paused_at is not None
        assert row.failure == "http-410"
        assert told_owners() == ["subscription-resting"]
        subscriptions.resume(world.actor("owner"), row, at=clock.now())
        db.session.commit()
    world.deliver()
    assert len(receiver.events()) == 1


def test_a_worker_that_dies_between_sending_and_noting_sends_again(
    world: World,
    receiver: Subscriber,
    time: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.subscribe(receiver.url)
    lots = world.record()
    settle = subscriptions_sending.settle

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subscriptions_sending, "settle", dies)
    with pytest.raises(KeyboardInterrupt):
        world.deliver()
    monkeypatch.setattr(subscriptions_sending, "settle", settle)
    assert world.deliver() == 0  # another holds it, as far as one can know
    time.shift(subscriptions_sending.LEASE + timedelta(seconds=1))
    world.deliver()
    assert lots_of(receiver.events()) == lots * 2
    assert len({headers["Trace-Delivery"] for _, headers, _ in receiver.came}) == 1


def test_one_that_cannot_be_written_to_waits_by_itself_and_a_deleted_one_is_passed_over(
    world: World,
    receiver: Subscriber,
    time: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, gone, _ = (world.subscribe(receiver.url).rpartition("/")[2] for _ in range(3))
    claim, body_of = subscriptions_sending.claim, subscriptions_sending.body_of

    def claim_and_delete(at: datetime) -> list[int]:
        claimed = claim(at)
        db.session.execute(delete(Subscription).where(Subscription.public_id == gone))
        return claimed

    def body_of_some(row: Subscription, *given: Any) -> bytes:
        if row.public_id == bad:
            raise ZeroDivisionError
        return body_of(row, *given)

    monkeypatch.setattr(subscriptions_sending, "claim", claim_and_delete)
    monkeypatch.setattr(subscriptions_sending, "body_of", body_of_some)
    lots = world.record()
    assert world.deliver() == 1
    assert lots_of(receiver.events()) == lots
    with world.app.app_context():
        row = subscriptions.find_subscription(world.actor(), bad)
        assert (row.failure, row.attempts, row.lease_until) == ("no-message", 1, None)
        assert row.due_at == clock.now() + subscriptions_sending.PAUSE
    monkeypatch.setattr(subscriptions_sending, "body_of", body_of)
    assert world.deliver() == 0
    time.shift(subscriptions_sending.PAUSE)
    assert world.deliver() == 1
    assert lots_of(receiver.events()) == lots * 2


def test_what_a_clock_years_ahead_put_off_or_held_is_sent_at_once(
    world: World, receiver: Subscriber
) -> None:
    world.subscribe(receiver.url)
    lots = []
    for wrong in ("due_at", "lease_until"):
        lots += world.record()
        with world.app.app_context():
            row = world.row()
            setattr(row, wrong, clock.now() + subscriptions_sending.UNBELIEVABLE)
            db.session.commit()
            assert world.deliver() == 0
            setattr(row, wrong, clock.now() + timedelta(days=400))
            db.session.commit()
        assert world.deliver() == 1
        assert lots_of(receiver.events()) == lots


def test_a_closed_organisation_and_a_paused_subscription_are_told_nothing(
    world: World, receiver: Subscriber
) -> None:
    world.subscribe(receiver.url)
    world.record()
    with world.app.app_context():
        world.actor().organisation.closed_at = clock.now()
        db.session.commit()
    assert world.deliver() == 0
    with world.app.app_context():
        world.actor().organisation.closed_at = None
        subscriptions.pause(world.actor("owner"), world.row(), at=clock.now())
        db.session.commit()
    assert world.deliver() == 0
    assert receiver.came == []


def test_a_query_that_is_no_longer_understood_is_told_as_a_problem_and_nothing_is_lost(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.subscribe(receiver.url)
    lots = world.record()
    with world.app.app_context():
        kept, world.row().query.query = world.row().query.query, '{"EQ_gone": ["x"]}'
        db.session.commit()
    world.deliver()
    (problem,) = receiver.documents()
    assert problem["type"] == "epcisException:QueryParameterException"
    with world.app.app_context():
        world.row().query.query = kept
        db.session.commit()
    time.shift(timedelta(minutes=1))
    world.deliver()
    assert (
        lots_of(receiver.documents()[1]["epcisBody"]["queryResults"]["resultsBody"]["eventList"])
        == lots
    )


def test_addresses_are_written_as_the_subscriber_asked(world: World, receiver: Subscriber) -> None:
    world.call("POST", QUERIES, {"name": "added", "query": ADDED})
    for form in ("Always_EPC_URN", "Always_GS1_Digital_Link"):
        answer = world.call(
            "POST",
            f"{QUERIES}/added/subscriptions",
            {"dest": receiver.url, "stream": True},
            **format_of(form),
        )
        assert answer.json is not None
        assert answer.json["epcFormat"] == form
    urn = "urn:epc:id:sgtin:8931234.012345.1"
    with world.app.app_context():
        made = {**registered(new_lot()), "epcList": [urn]}
        del made["quantityList"]
        capture(world.actor(), [made], at=clock.now())
        db.session.commit()
    world.deliver()
    told = {event["epcList"][0].partition(":")[0] for event in receiver.events()}
    assert told == {"urn", "https"}
    wrong = world.call(
        "POST",
        f"{QUERIES}/added/subscriptions",
        {"dest": receiver.url, "stream": True},
        **format_of("Sideways"),
    )
    assert wrong.status_code == 400


def test_the_workers_thread_tells_subscribers(world: World, receiver: Subscriber) -> None:
    world.subscribe(receiver.url)
    lots = world.record()
    stop = threading.Event()
    teller = threading.Thread(target=deliver_until, args=(world.app, stop), daemon=True)
    teller.start()
    for _ in range(1000):
        if receiver.events() or stop.wait(0.01):
            break
    stop.set()
    teller.join()
    assert lots_of(receiver.events()) == lots


# -- schedules -------------------------------------------------------------------------------------


def test_a_schedule_tells_at_its_time_and_says_so_when_there_is_nothing(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    daily = {"hour": "17", "minute": "30"}
    address = world.subscribe(receiver.url, schedule=daily, reportIfEmpty=True)
    lots = world.record(2)
    assert world.deliver() == 0
    time.move_to(datetime.fromisoformat("2026-11-22T17:30:00+07:00"))
    assert (world.deliver(), world.deliver()) == (1, 0)
    assert lots_of(receiver.events()) == lots
    time.shift(timedelta(days=1))
    assert (world.deliver(), world.deliver()) == (1, 0)
    assert lots_of(receiver.events()) == lots
    told = world.call("GET", address).json
    assert told is not None
    assert (told["schedule"], told["reportIfEmpty"]) == (daily, True)
    assert "stream" not in told


def test_a_schedule_has_the_time_zone_it_names_and_sends_in_batches(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    receiver.most = 2
    world.subscribe(receiver.url, schedule={"hour": "8", "timeZone": "Europe/Berlin"})
    lots = world.record(5)
    time.move_to(datetime.fromisoformat("2026-11-22T07:59:59+01:00"))
    assert world.deliver() == 0
    time.move_to(datetime.fromisoformat("2026-11-22T08:00:00+01:00"))
    world.deliver()
    assert lots_of(receiver.events()) == lots
