"""The weekly word: counted from what is stored, told once on Monday, read again on its page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.factories import event, make_actor, new_lot, registered
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.jobs.worker import run_pending
from trace.models import (
    Certificate,
    Delivery,
    Handover,
    Key,
    Notification,
    Organisation,
    PendingApproval,
    Person,
    Request,
    ScanCount,
    Thing,
    Token,
)
from trace.services import notifications, reminders, weekly
from trace.services.capture import capture
from trace.services.deadlines import LOCAL

# Sunday 22 November 2026, ten in the morning in Hà Nội; its week began on the 16th.
SUNDAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 16)
WEEK = "/producer/week/"


@pytest.fixture
def member(app: Flask) -> Member:
    return make_member(app)


@pytest.fixture
def week(app: Flask, member: Member) -> Member:
    """A week with two lots, an entry declared an error, 84 scans, a note nobody answered and a
    question; and an entry of the week before."""
    with time_machine.travel(SUNDAY, tick=False), app.app_context():
        actor = member.actor
        lots = [new_lot(), new_lot()]
        wrong = event(
            "ObjectEvent",
            bizStep="storing",
            quantityList=[{"epcClass": lots[0]}],
            eventTime=day(20),
        )
        early = {**wrong, "eventTime": day(15)}
        made = capture(
            actor, [*(registered(lot, eventTime=day(20)) for lot in lots), wrong, early], at=SUNDAY
        )
        declared = {
            **wrong,
            "eventID": made.events[2].event_key,
            "errorDeclaration": {"declarationTime": day(21), "reason": "did_not_occur"},
            "trace:corrects": made.events[2].statement_id,
        }
        capture(actor, [declared], at=SUNDAY)
        other = make_actor(SUNDAY, "Cửa hàng", kind="retailer").organisation
        sent = Handover(event_id=made.events[0].event_id, received=False)
        sent.giver_id, sent.taker_id = member.organisation_id, other.id
        db.session.add(sent)
        thing = db.session.scalars(select(Thing.id).where(Thing.kind == "lot")).first()
        for ward, count in (("09784", 50), ("09787", 30), ("", 4)):
            db.session.add(
                ScanCount(thing_id=thing, day=date(2026, 11, 20), ward_code=ward, count=count)
            )
        db.session.add(asking("access", member.organisation_id, SUNDAY))
        db.session.add(asking("takedown", None, SUNDAY))
        db.session.commit()
        run_pending()
    return member


def day(number: int) -> str:
    return f"2026-11-{number}T03:00:00.000Z"


def asking(kind: str, organisation_id: int | None, at: datetime) -> Request:
    return Request(
        kind=kind,
        organisation_id=organisation_id,
        received_at=at,
        reply_by=at.date() + timedelta(days=2),
        finish_by=at.date() + timedelta(days=10),
    )


def told(app: Flask, kind: str) -> list[Notification]:
    with app.app_context():
        rows = db.session.scalars(select(Notification).where(Notification.kind == kind)).all()
        db.session.expunge_all()
        return list(rows)


def work(app: Flask, at: datetime) -> None:
    with time_machine.travel(at, tick=False), app.app_context():
        tidy(at=at)
        run_pending()


def test_on_monday_morning_the_week_is_told_once_in_each_ones_language(
    app: Flask, week: Member
) -> None:
    with app.app_context():
        person = db.session.get_one(Person, week.person_id)
        person.email, person.email_proven_at = "chu@htx.example", SUNDAY
        db.session.commit()
    monday = datetime(2026, 11, 23, 5, 59, tzinfo=LOCAL)
    work(app, monday)
    assert told(app, "weekly") == []
    work(app, monday + timedelta(minutes=1))
    work(app, monday + timedelta(hours=3))  # another worker, or the same one started anew
    (row,) = told(app, "weekly")
    assert row.address == "/producer/week/?monday=2026-11-16"
    with app.app_context():
        said = {locale: notifications.words_of(row, locale)[1] for locale in ("vi", "en")}
        channels = db.session.scalars(
            select(Delivery.channel).where(Delivery.notification_id == row.id)
        ).all()
    assert said["vi"] == (
        "Mã của HTX Minh họa được quét 84 lần. Người quét ở 2 phường, xã. Việc đã ghi: 2. "
        "Lô mới: 2. Người mua hỏi, báo: 1. Phiếu đã giao, bên nhận chưa trả lời: 1. "
        "Việc khác đang chờ bạn: 1."
    )
    assert "Scans of the codes of HTX Minh họa: 84." in said["en"]
    assert "waiting for you" not in said["en"]  # what is nought is not said
    assert channels == ["email"]


def test_the_page_shows_the_same_figures_and_the_weeks_before(
    app: Flask, pages: PageClient, week: Member
) -> None:
    with time_machine.travel(SUNDAY, tick=False):
        sign_in(app, pages.client, week)
        page = pages.get(WEEK)
        assert page.h1 == "Tuần này"
        assert "Quét 84 lần, 2 phường, xã" in page.text
        facts = dict(zip(page.texts("//dt"), page.texts("//dd"), strict=True))
        assert facts == {"Việc đã ghi, theo ngày làm": "2", "Lô mới làm": "2"}
        assert "Xem dữ liệu về tôi · 22/11/2026 · đã nhận" in page.text
        assert "Phiếu đã giao, bên nhận chưa trả lời: 1" in page.text
        before = pages.get(page.link("Tuần trước"))
        assert before.h1 == "Tuần 09/11/2026 – 15/11/2026"
        assert dict(zip(before.texts("//dt"), before.texts("//dd"), strict=True)) == {
            "Việc đã ghi, theo ngày làm": "1",
            "Lô mới làm": "0",
            "Lượt quét mã": "0",
        }
        assert "bên nhận chưa trả lời" not in before.text  # as it stood then, nobody knows
        assert "This week" in pages.get(f"{WEEK}?lang=en").text
        assert page.link("Yêu cầu về dữ liệu cá nhân: 1")
        recorder = make_member(app, role="recorder", inside=week.organisation_id)
        sign_in(app, pages.client, recorder)
        seen = pages.get(f"{WEEK}?lang=vi")
        assert "Yêu cầu về dữ liệu cá nhân" not in seen.text
        assert seen.find("//main//a[contains(@href, '/producer/requests/')]") == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    "asked",
    [
        "2027-01-01",
        "0001-01-01",
        "1999-12-31",
        "9999-12-31",
        "yesterday",
        "2026-13-40",
        "٢٠٢٦-١١-١٦",
    ],
)
def test_a_week_that_is_none_or_to_come_is_the_present_one(
    app: Flask, pages: PageClient, member: Member, asked: str
) -> None:
    with time_machine.travel(SUNDAY, tick=False):
        sign_in(app, pages.client, member)
        assert pages.get(f"{WEEK}?monday={asked}").h1 == "Tuần này"


@pytest.mark.one_database
def test_a_week_of_noughts_is_told_to_nobody_and_its_page_says_what_to_do(
    app: Flask, pages: PageClient, member: Member
) -> None:
    work(app, datetime(2026, 11, 23, 8, 0, tzinfo=LOCAL))
    assert told(app, "weekly") == []
    with time_machine.travel(SUNDAY, tick=False):
        sign_in(app, pages.client, member)
        assert "Tuần này chưa có gì" in pages.get(WEEK).text


@pytest.mark.one_database
def test_who_does_not_want_it_by_mail_still_finds_it_in_the_application(
    app: Flask, week: Member
) -> None:
    with app.app_context():
        person = db.session.get_one(Person, week.person_id)
        notifications.set_preferences(person, {("alert", "email")})
        db.session.commit()
    work(app, datetime(2026, 11, 24, 8, 0, tzinfo=LOCAL))
    assert len(told(app, "weekly")) == 1
    with app.app_context():
        assert db.session.scalars(select(Delivery).where(Delivery.channel == "email")).all() == []


@pytest.mark.parametrize(
    ("at", "monday"),
    [
        ("2026-11-22T16:59:59", "2026-11-16"),
        ("2026-11-22T17:00:00", "2026-11-23"),
        ("2026-12-31T12:00:00", "2026-12-28"),
    ],
)
def test_a_week_begins_at_midnight_in_viet_nam(at: str, monday: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert weekly.monday_of(moment) == date.fromisoformat(monday)
    since, until = weekly.bounds(date.fromisoformat(monday))
    assert since <= moment < until


# -- reminders -------------------------------------------------------------------------------------


def rows_to_remind(organisation_id: int, at: datetime) -> list[Any]:
    """One of each that is due, and one of each that is not."""
    today = at.astimezone(LOCAL).date()
    common = {"organisation_id": organisation_id, "created_at": at}
    certificates = [
        Certificate(
            standard="VietGAP",
            number=str(days),
            issuer_name="Demo",
            valid_from=today - timedelta(days=300),
            valid_until=today + timedelta(days=days),
            **common,
        )
        for days in (-1, 0, 30, 31)
    ]
    tokens = [
        Token(
            token_hash=bytes([days]),
            name=f"cân {days}",
            scopes="capture",
            expires_at=at + timedelta(days=days),
            **common,
        )
        for days in (7, 8)
    ]
    requests = [asking("access", organisation_id, at - timedelta(days=days)) for days in (0, 1, 3)]
    return [*certificates, *tokens, *requests]


def test_what_time_brings_is_told_once_and_late_is_told_apart(app: Flask, member: Member) -> None:
    desk = make_member(app, role="admin", kind="platform", name="Nền tảng", inside=1)
    with app.app_context():
        assert db.session.get_one(Organisation, 1).kind == "platform"
        db.session.add_all(rows_to_remind(member.organisation_id, SUNDAY))
        db.session.flush()
        first = reminders.remind(at=SUNDAY)
        assert reminders.remind(at=SUNDAY + timedelta(hours=1)) == 0
        rows = db.session.scalars(select(Notification).order_by(Notification.id)).all()
        mine = [one.word for one in rows if one.person_id == member.person_id]
        theirs = [one.word for one in rows if one.person_id == desk.person_id]
        assert first == len(rows)
        assert mine == ["certificate-ending"] * 2 + ["token-ending", "request-due", "request-late"]
        assert theirs == ["request-due", "request-late"]
        assert "VietGAP 0 của HTX Minh họa" in notifications.words_of(rows[0], "vi")[1]
        db.session.rollback()


@pytest.mark.one_database
def test_an_approval_that_is_about_to_expire_is_told_in_time(app: Flask, member: Member) -> None:
    with app.app_context():
        key = db.session.scalars(
            select(Key.id).where(Key.organisation_id == member.organisation_id)
        ).first()
        db.session.add_all(
            PendingApproval(
                organisation_id=member.organisation_id,
                key_id=key,
                body="{}",
                created_at=SUNDAY,
                expires_at=SUNDAY + timedelta(hours=hours),
            )
            for hours in (0, 3, 5)
        )
        db.session.flush()
        assert reminders.remind(at=SUNDAY) == 1
        (row,) = db.session.scalars(select(Notification))
        assert (row.word, row.address) == ("approval-ending", "/producer/approvals/")
        db.session.rollback()
