"""What is erased or taken down leaves the copies that were made of the public record, too; and who
is told when what left for other machines did not arrive."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, thing_id
from tests.support.members import make_member
from trace.core.signing import loads_strict, parse_compact
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.jobs.worker import run_pending
from trace.models import Credential, Event, Link, LinkVersion, Notification, PortalDelivery
from trace.services import (
    erasures,
    links,
    portal,
    public_copies,
    sensors,
    subjects,
    takedowns,
    untp,
)
from trace.services.actors import Actor
from trace.services.notification_words import WORDS, say
from trace.services.notification_words_machines import MACHINE_WORDS
from trace.services.platform import platform_organisation
from trace.services.portal_adapters import Answer
from trace.services.untp_status import decode

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SECRET = "Canary tên người trong lời ghi"
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(app: Flask, db_session: scoped_session[Any], tmp_path: Path) -> Farm:
    told = replace(app.extensions["trace.settings"], portal=str(tmp_path / "portal"))
    app.extensions["trace.settings"] = told
    farm = make_farm(START)
    make_member(app, inside=farm.organisation.id)
    return farm


def queued(farm: Farm, lot: int, at: datetime = NOW) -> PortalDelivery:
    row = portal.hand_in(farm.actor, lot, at=at)
    db.session.commit()
    return row


def issued(farm: Farm, lot: int, kind: str = "passport") -> Credential:
    row = untp.issue(farm.actor, lot, kind, at=NOW)
    db.session.commit()
    return row


def erased(statement: str) -> None:
    platform = Actor(platform_organisation(), None, "admin")
    erasures.erase(platform, statement, ["trace:note"], reason="yêu cầu", at=NOW)


def taken_down(statement: str) -> None:
    platform = Actor(platform_organisation(), None, "admin")
    takedowns.take_down_text(platform, statement, "trace:note", reason="insult", at=NOW)


@pytest.mark.parametrize("act", [erased, taken_down], ids=["erasure", "takedown"])
def test_credentials_and_deliveries_forget_what_the_record_forgets_downstream_as_well(
    farm: Farm, client: FlaskClient, act: Callable[[str], None]
) -> None:
    cycle = farm.sow(note=SECRET)
    statement = db.session.scalars(select(Event).order_by(Event.id.desc())).first()
    assert statement is not None
    urn = takedowns.statement_of(statement)
    lot = thing_id(farm.wait(12).reap(cycle))
    other = thing_id(farm.register())
    events, passport = issued(farm, lot, "events"), issued(farm, lot)
    stays = issued(farm, other)
    waits, kept = queued(farm, lot), queued(farm, other)
    digest = waits.digest
    act(urn)
    db.session.commit()
    db.session.expire_all()
    for one in (events, passport):
        assert (one.jwt, one.revoked_at) == ("", NOW)
        for form in ("", "?format=json"):
            assert client.get(f"/credentials/{one.public_id}{form}").status_code == 410
    listed = untp.status_list(0, "revocation", at=NOW)
    told = loads_strict(parse_compact(listed, typ=untp.TYP).payload)
    assert decode(told["credentialSubject"]["encodedList"]) == {
        events.status_index,
        passport.status_index,
    }
    assert (waits.state, waits.document, waits.reason) == ("failed", b"", public_copies.WITHDRAWN)
    assert waits.digest != digest, "who knows the rest of the paper could test guesses"
    with pytest.raises(public_copies.CopyDropped):
        portal.send_again(farm.actor, waits, at=NOW)
    # What others made is left alone, and the maker hands out what the record says now.
    assert stays.jwt
    assert kept.document
    assert issued(farm, lot).jwt
    assert queued(farm, lot, NOW + timedelta(minutes=1)).document


def test_a_delivery_keeps_its_document_until_the_receipt_and_no_longer_than_ninety_days(
    farm: Farm,
) -> None:
    lots = [thing_id(farm.register()) for _ in range(2)]
    taken, refused = (queued(farm, lot) for lot in lots)
    for row, answer in (
        (taken, Answer("accepted", "CQG-1")),
        (refused, Answer("refused", reason="thiếu GTIN")),
    ):
        due = portal.take(row.id, at=NOW)
        assert due is not None
        assert zlib.decompress(row.document) == due.document
        portal.note(due, portal.Outcome(answer, answer.reason), at=NOW)
    db.session.commit()
    assert (taken.document, taken.receipt) == (b"", "CQG-1")
    with pytest.raises(public_copies.CopyDropped):
        portal.document_of(taken)
    assert refused.document
    tidy(at=NOW + public_copies.KEPT)
    db.session.refresh(refused)
    assert refused.document
    assert tidy(at=NOW + public_copies.KEPT + timedelta(minutes=1))["deliveries"] == 1
    db.session.refresh(refused)
    assert refused.document == b""
    # The same paper may be handed in anew: it is made again from the record.
    assert queued(farm, lots[1]).id == refused.id
    assert (refused.state, bool(refused.document)) == ("queued", True)


def words() -> list[str]:
    db.session.commit()
    return list(db.session.scalars(select(Notification.word).order_by(Notification.id)))


def test_owners_hear_of_what_the_portal_refused_or_never_took(farm: Farm) -> None:
    refused, lost = (queued(farm, thing_id(farm.register())) for _ in range(2))
    due = portal.take(refused.id, at=NOW)
    assert due is not None
    portal.note(due, portal.Outcome(Answer("refused", reason="thiếu GTIN")), at=NOW)
    lost.attempts = portal.MOST_ATTEMPTS - 1
    due = portal.take(lost.id, at=NOW)
    assert due is not None
    portal.note(due, portal.Outcome(None, "timeout"), at=NOW)
    assert words() == ["portal-refused", "portal-failed"]
    row = db.session.scalars(select(Notification)).first()
    assert row is not None
    assert row.address == f"/producer/papers/deliveries/{refused.public_id}"


def test_owners_hear_once_of_a_link_that_stopped_opening(farm: Farm) -> None:
    farm.organisation.status = "confirmed"
    values = {"link_type": "pip", "title": "Trang", "languages": "vi", "media_type": "text/html"}
    href = "https://shop.example.org/"
    link = links.add_link(farm.actor, farm.product, {**values, "href": href}, at=NOW)
    db.session.commit()

    def found(state: str, after: timedelta) -> list[str]:
        links.write_checks({link.id: (href, state, "http-404")}, at=NOW + after)
        return words()

    day = timedelta(days=1)
    assert found("failing", timedelta(0)) == [], "a server that was down for an hour alarms nobody"
    assert found("failing", day) == found("failing", 2 * day) == ["link-broken"]
    assert found("reached", 3 * day) == found("failing", 4 * day) == ["link-broken"]
    assert found("refused", 5 * day) == ["link-broken"] * 2
    told = db.session.scalars(select(Notification)).first()
    assert told is not None
    assert told.address == f"/producer/products/{farm.product.id}/links/{link.id}"
    assert db.session.get_one(Link, link.id).check == "refused"


@pytest.mark.one_database
def test_every_word_of_machines_is_said_in_both_languages(app: Flask) -> None:
    context = {"what": "x", "organisation": "y", "reason": "z"}
    with app.app_context():
        for word in MACHINE_WORDS:
            assert WORDS[word][0] == "key"
            assert say(word, context, "vi") != say(word, context, "en")


def test_the_worker_passes_over_what_was_withdrawn_meanwhile(farm: Farm) -> None:
    row = queued(farm, thing_id(farm.register()))
    public_copies.forget_copies([row.thing_id], at=NOW)
    db.session.commit()
    with time_machine.travel(NOW, tick=False):
        run_pending()
    db.session.refresh(row)
    assert row.state == "failed"


def test_a_number_typed_into_a_link_or_a_loggers_name_is_found_and_emptied(farm: Farm) -> None:
    number = "0912345678"
    platform = Actor(platform_organisation(), None, "admin")
    values = {"link_type": "pip", "languages": "vi", "media_type": "text/html"}
    values |= {"href": "https://shop.example.org/", "title": f"Gọi bà Canary {number}"}
    link = links.add_link(farm.actor, farm.product, values, at=NOW)
    version = link.version
    links.change_link(farm.actor, link, {**values, "title": "Gọi"}, version=version, at=NOW)
    sensor = sensors.add_sensor(farm.actor, {"name": f"Máy của {number}", "limits": {}}, at=NOW)
    db.session.commit()
    found = [
        one.key
        for one in subjects.held_about(platform, number)
        if one.key.partition(":")[0] in ("link", "sensor")
    ]
    assert found == [f"link:{link.id}", f"sensor:{sensor.id}"]
    for key in found:
        subjects.erase_record(platform, key, at=NOW)
    db.session.commit()
    assert not {one.key for one in subjects.held_about(platform, number)} & set(found)
    kept = "".join(db.session.scalars(select(LinkVersion.content)))
    assert number not in kept
    assert "Canary" not in kept
    assert (link.state, link.title, number in sensor.name) == ("removed", "", False)
