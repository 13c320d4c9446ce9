"""The page of what is sent to other programs: seen, paused, sent again, put aside, ended."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from tests.support.webhooks import subscriber
from trace import clock
from trace.extensions import db
from trace.models import DeadLetter, Subscription
from trace.services import subscriptions
from trace.services.named_queries import create_query
from trace.services.tokens import create_token, revoke_token

INDEX = "/producer/subscriptions/"


@pytest.fixture
def member(app: Flask, pages: PageClient, now: datetime) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def subscribed(app: Flask, member: Member, dest: str, **members: object) -> str:
    """A subscription of the member's organisation, with a dead letter; its public id."""
    with app.app_context():
        query = create_query(member.actor, {"name": "Xuất kho", "query": {}}, at=clock.now())
        body = {"dest": dest, **(members or {"stream": True})}
        row = subscriptions.subscribe(member.actor, query, body, at=clock.now())
        row.attempts, row.failure = 3, "http-503"
        db.session.add(
            DeadLetter(
                subscription_id=row.id, first=0, end=1, reason="OSError", created_at=clock.now()
            )
        )
        db.session.commit()
        return row.public_id


def test_what_is_sent_is_seen_paused_sent_again_and_ended(
    app: Flask, pages: PageClient, member: Member
) -> None:
    assert "Chưa gửi sự kiện cho phần mềm nào" in pages.get(INDEX).text
    with subscriber() as receiver:
        public_id = subscribed(app, member, receiver.url)
    page = pages.get(INDEX)
    for words in (
        *("Xuất kho", "127.0.0.1", "ngay khi có", "chưa lần nào", "đã gửi 3 lần chưa được"),
        *("máy nhận trả lời mã lỗi 503", "không kết nối được với máy nhận"),
    ):
        assert words in page.text
    english = pages.get(page.link("English"))
    assert "3 attempts failed" in english.text
    pages.get(english.link("Tiếng Việt"))
    with app.app_context():
        letter = db.session.scalars(select(DeadLetter.id)).one()
    for act, told in (("pause", "Đã tạm ngừng gửi."), ("resume", "Đang gửi tiếp.")):
        question = pages.get(f"{INDEX}{public_id}/{act}")
        assert "Xuất kho → 127.0.0.1" in question.h1
        assert told in pages.submit(question, {}).text
    for act, told in (("replay", "Đang gửi lại."), ("put-aside", "Đã bỏ qua.")):
        assert told in pages.submit(pages.get(f"{INDEX}letters/{letter}/{act}"), {}).text
    assert "Chưa gửi được" not in pages.get(INDEX).text
    page = pages.submit(pages.get(f"{INDEX}{public_id}/remove"), {})
    assert "Đã thôi gửi." in page.text
    with app.app_context():
        assert db.session.scalars(select(Subscription)).all() == []


@pytest.mark.one_database
def test_a_schedule_is_told_in_words_and_other_acts_and_others_rows_are_not_found(
    app: Flask, pages: PageClient, member: Member
) -> None:
    schedule = {"hour": "5", "minute": "30", "timeZone": "Asia/Tokyo"}
    public_id = subscribed(app, member, "http://localhost:9/", schedule=schedule)
    assert "theo lịch: giờ 5, phút 30, múi giờ Asia/Tokyo" in pages.get(INDEX).text
    pages.client.get(f"{INDEX}{public_id}/pause")
    for path in (f"{public_id}/dance", "letters/1/dance", "letters/99/replay", "x/pause"):
        assert pages.client.get(INDEX + path).status_code == 404, path
    stranger = make_member(app)
    sign_in(app, pages.client, stranger)
    for path in (f"{public_id}/pause", "letters/1/replay"):
        assert pages.client.get(INDEX + path).status_code == 404, path
    recorder = make_member(app, role="recorder", inside=member.organisation_id)
    sign_in(app, pages.client, recorder)
    assert pages.client.get(INDEX).status_code == 403


def test_with_its_token_what_a_subscription_sends_comes_to_rest(
    app: Flask, member: Member, now: datetime
) -> None:
    with app.app_context():
        query = create_query(member.actor, {"name": "Xuất kho", "query": {}}, at=now)
        body = {"dest": "https://events.example.com/", "stream": True}
        made = [
            subscriptions.subscribe(member.actor, query, body, at=now, made_with=name)
            for name in ("bị lộ", "của nhà")
        ]
        token, _ = create_token(member.actor, "bị lộ", ["query"], at=now)
        revoke_token(member.actor, token, at=now)
        db.session.commit()
        assert [row.paused_at for row in made] == [now, None]
        subscriptions.resume(member.actor, made[0], at=now)
        assert made[0].paused_at is None
