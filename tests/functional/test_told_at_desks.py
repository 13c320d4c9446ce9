"""What is done at a desk is told to those it concerns, in the same transaction: keys, approvals,
certificates, files of registration, requests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.factories import new_lot, registered
from tests.support.members import Member, make_member
from trace.extensions import db
from trace.models import Notification, Organisation, Person
from trace.services import applications, approvals, certificates, certifying, custody, requests
from trace.services.records import Draw

pytestmark = pytest.mark.one_database
SECRET = "only for tests"


@pytest.fixture
def member(app: Flask, now: datetime) -> Member:
    return make_member(app)


def name(member: Member) -> str:
    return f"Người {member.login}"


class Heard:
    """What was told since it was asked for last: (person, word, address)."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> list[tuple[str, str, str]]:
        rows = db.session.execute(
            select(Notification.id, Person.name, Notification.word, Notification.address)
            .join(Person, Person.id == Notification.person_id)
            .where(Notification.id > self.last)
            .order_by(Notification.id)
        ).all()
        self.last = max([self.last, *(row.id for row in rows)])
        return [(row.name, row.word, row.address) for row in rows]


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_the_other_owners_learn_of_keys_and_of_what_waits_for_a_passkey(
    app: Flask, member: Member, heard: Heard, now: datetime
) -> None:
    other = make_member(app, inside=member.organisation_id)
    with app.app_context():
        made = custody.rotate(member.actor, at=now)
        assert heard() == [(name(other), "key-rotated", "/producer/keys/")]
        custody.rotate(member.actor, at=now)
        assert heard() == [(name(other), "key-rotated", "/producer/keys/")]
        for number in range(2):
            lot = registered(new_lot())
            approvals.hold(member.actor, [lot], idempotency_key=f"k{number}", at=now)
        assert heard() == [(name(other), "approval-waiting", "/producer/approvals/")]
        valid = custody.valid_keys(member.organisation_id, "server")
        assert made.id not in {one.id for one in valid}
        custody.revoke(member.actor, valid[0], at=now)
        assert heard() == [(name(other), "key-revoked", "/producer/keys/")]
        db.session.rollback()


def test_certifier_and_holder_hear_of_one_another(
    app: Flask, member: Member, heard: Heard, now: datetime
) -> None:
    certifier = make_member(app, kind="certifier", name="Trung tâm Demo")
    said: dict[str, Any] = {
        "standard": "VietGAP",
        "number": "VG-1",
        "issuer_id": certifier.organisation_id,
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2027, 12, 31),
    }
    with app.app_context():
        row = certificates.register_certificate(member.actor, said, at=now)
        path = f"/producer/certifying/{row.id}"
        assert heard() == [(name(certifier), "certificate-asked", path)]
        for decision in ("confirmed", "suspended", "resumed", "withdrawn"):
            certifying.decide(
                certifier.actor,
                row,
                {"decision": decision, "day": now.date(), "reason": "vì sao"},
                version=row.version,
                draw=Draw(SECRET, "x", decision),
                at=now,
            )
            db.session.flush()
            path = f"/producer/certificates/{row.id}"
            assert heard() == [(name(member), f"certificate-{decision}", path)]
        db.session.rollback()


def test_a_file_that_waits_is_told_to_the_platform_and_to_the_authority_of_the_place(
    app: Flask, member: Member, heard: Heard, now: datetime
) -> None:
    with app.app_context():
        platform = db.session.scalars(
            select(Organisation.id).where(Organisation.kind == "platform")
        ).one()
    desk = make_member(app, role="admin", inside=platform)
    near = make_member(app, kind="authority", role="supervisor", name="Gần")
    far = make_member(app, kind="authority", role="supervisor", name="Xa")
    with app.app_context():
        for one, area in ((near, "*"), (far, "79")):
            office = db.session.get_one(Organisation, one.organisation_id)
            office.status, office.jurisdiction = "confirmed", area
        db.session.flush()
        file = applications.open_application(member.actor, at=now)
        waits = [
            (name(desk), "application-waiting", f"/admin/applications/{file.id}"),
            (name(near), "application-waiting", f"/inspection/applications/{file.id}"),
        ]
        assert heard() == waits
        applications.decide(near.actor, file, "asked", "Thiếu giấy", version=file.version, at=now)
        db.session.flush()
        applications.answer(member.actor, file, "Đây", version=file.version, at=now)
        asked = (name(member), "application-asked", "/producer/application/")
        assert heard() == [asked, *waits]

        request, _ = requests.submit("access", {"words": "x"}, at=now, once="once")
        requests.assign(desk.actor, request, member.actor.organisation, at=now)
        assert heard() == [
            (name(desk), "request-waiting", f"/admin/requests/{request.id}"),
            (name(member), "request-assigned", f"/producer/requests/{request.id}"),
        ]
        db.session.rollback()
