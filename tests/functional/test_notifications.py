"""One model of notifications: shown in the application, sent by what each person wants, retried."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Delivery, Notification, Organisation, Person
from trace.services import deliveries, notifications, organisations, senders
from trace.services.notification_words import PARTS, WORDS, NoSuchWord, say
from trace.services.senders import Message, NotSent

CONTEXT = {"by": "HTX Hai", "what": "480 kg cải ngọt", "count": "2"}


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def member(app: Flask, now: time_machine.Traveller) -> Member:
    """An owner with a proven address and number."""
    made = make_member(app)
    with app.app_context():
        person = db.session.get_one(Person, made.person_id)
        person.email = "chu@htx.example"
        person.email_proven_at = person.phone_proven_at = FIXED_NOW
        db.session.commit()
    return made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """What left, in place of leaving."""
    found: list[Message] = []
    monkeypatch.setattr(senders, "send", found.append)
    return found


def tell(app: Flask, member: Member, word: str = "alert-recall", address: str = "") -> None:
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        notifications.notify(organisation, word, CONTEXT, at=FIXED_NOW, address=address)
        db.session.commit()


def work(app: Flask) -> None:
    with app.app_context():
        run_pending()


def test_the_owner_sees_what_is_new_and_opening_it_leads_to_the_page(
    app: Flask, pages: PageClient, member: Member
) -> None:
    tell(app, member, "handover-waiting", "/producer/shipments/")
    sign_in(app, pages.client, member)
    page = pages.get("/account/notifications/")
    assert "HTX Hai giao hàng cho HTX Minh họa: 480 kg cải ngọt." in page.text
    assert "1 thông báo mới" in page.text
    followed = pages.submit(page, {}, which="//main//ul//form")
    assert followed.address.endswith("/producer/shipments/")
    assert "thông báo mới" not in followed.text
    assert "Goods are waiting for you" in pages.get("/account/notifications/?lang=en").text


def test_it_leaves_by_the_channels_that_are_wanted(
    app: Flask, pages: PageClient, member: Member, sent: list[Message]
) -> None:
    tell(app, member, "alert-recall", "/producer/batches/")
    work(app)
    assert sorted(one.channel for one in sent) == ["email", "sms"]
    mail = next(one for one in sent if one.channel == "email")
    assert mail.to == "chu@htx.example"
    assert mail.subject == "Trace: Hàng bạn giữ bị thu hồi"
    assert "http://localhost/producer/batches/" in mail.text
    work(app)
    assert len(sent) == 2  # nothing twice

    sign_in(app, pages.client, member)
    form = pages.get("/account/notifications/preferences").form()
    data = {**form.fields, "alert": ["sms"]}
    assert pages.client.post(form.action, data=data).status_code == 303
    tell(app, member)
    work(app)
    assert [one.channel for one in sent[2:]] == ["sms"]


@pytest.mark.one_database
def test_an_e_mail_can_be_stopped_by_its_own_link_and_by_nothing_else(
    app: Flask, pages: PageClient, member: Member, sent: list[Message]
) -> None:
    tell(app, member, "key-added")
    work(app)
    (mail,) = sent
    assert mail.unsubscribe in mail.text
    path = mail.unsubscribe.removeprefix("http://localhost")
    page = pages.get(path)  # looking stops nothing: mail programs open links by themselves
    assert page.h1 == "Thôi nhận thư?"
    forged = path.replace(".key.", ".alert.")
    assert pages.client.post(forged).status_code == 404
    assert pages.client.post(path).status_code == 200  # RFC 8058: one press, no sign-in
    tell(app, member, "key-added")
    tell(app, member, "alert-recall")
    work(app)
    assert [one.channel for one in sent[1:]] == ["email", "sms"]


def test_what_cannot_be_sent_is_tried_again_and_given_up_in_the_end(
    app: Flask, member: Member, now: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def failing(message: Message) -> None:
        tried.append(message.id)
        raise NotSent(channel="email", reason="ConnectionRefusedError")

    monkeypatch.setattr(senders, "send", failing)
    tell(app, member, "key-added")
    for _ in range(40):
        work(app)
        now.shift(timedelta(minutes=15))
    assert len(tried) == deliveries.ATTEMPTS
    assert len(set(tried)) == 1  # the same id: a gateway can tell a repeat
    with app.app_context():
        (row,) = db.session.scalars(select(Delivery))
        assert (row.state, row.reason) == ("failed", "ConnectionRefusedError")


def test_a_contact_that_was_never_proven_gets_nothing(
    app: Flask, member: Member, sent: list[Message]
) -> None:
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        person.email_proven_at = person.phone_proven_at = None
        db.session.commit()
    tell(app, member)
    work(app)
    assert sent == []
    with app.app_context():
        states = {(row.channel, row.state) for row in db.session.scalars(select(Delivery))}
    assert {("email", "dropped"), ("sms", "dropped")} <= states


@pytest.mark.one_database
def test_who_does_what_it_is_about_is_not_told_and_viewers_are_not_bothered(
    app: Flask, member: Member
) -> None:
    make_member(app, role="viewer", inside=member.organisation_id)
    second = make_member(app, role="recorder", inside=member.organisation_id)
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        person = db.session.get_one(Person, member.person_id)
        count = notifications.notify(organisation, "alert-hold", CONTEXT, at=FIXED_NOW, but=person)
        db.session.commit()
        told = db.session.scalars(select(Notification.person_id)).all()
    assert (count, list(told)) == (1, [second.person_id])


def test_what_runs_twice_is_told_once_and_to_each_organisation_apart(
    app: Flask, member: Member, sent: list[Message]
) -> None:
    second = make_member(app, inside=member.organisation_id)
    other = make_member(app, name="HTX Hai")
    with app.app_context():
        both = [db.session.get_one(Organisation, one.organisation_id) for one in (member, other)]
        told = dict.fromkeys(both, (CONTEXT, "/producer/batches/"))
        counts = [
            notifications.notify_each(told, "alert-recall", at=FIXED_NOW, subject="notice:7")
            for _ in range(2)
        ]
        db.session.commit()
        rows = db.session.scalars(select(Notification)).all()
        assert counts == [3, 0]
        assert {(row.person_id, row.organisation_id) for row in rows} == {
            (one.person_id, one.organisation_id) for one in (member, second, other)
        }
        assert "HTX Hai" in notifications.words_of(rows[-1], "vi")[1]
        # Without a subject it is another message; `once` waits until the last one was read.
        notifications.notify(both[1], "approval-waiting", at=FIXED_NOW, once=True)
        assert notifications.notify(both[1], "approval-waiting", at=FIXED_NOW, once=True) == 0
        person = db.session.get_one(Person, other.person_id)
        notifications.mark_read(person, at=FIXED_NOW)
        assert notifications.notify(both[1], "approval-waiting", at=FIXED_NOW, once=True) == 1
        db.session.commit()
    work(app)
    assert sorted(one.channel for one in sent) == ["email", "sms"]  # the others proved nothing


@pytest.mark.one_database
def test_the_list_is_searched_filtered_and_taken_away_and_what_is_old_is_dropped(
    app: Flask, pages: PageClient, member: Member
) -> None:
    tell(app, member, "alert-recall")
    tell(app, member, "handover-waiting")
    sign_in(app, pages.client, member)
    path = "/account/notifications/"
    headings = "//main//ul[@class='cards']//strong"
    assert pages.get(f"{path}?kind=alert").texts(headings) == ["Hàng bạn giữ bị thu hồi"]
    assert pages.get(f"{path}?q=cho+nhan").texts(headings) == ["Có hàng chờ bạn nhận"]
    assert "Không có dòng nào khớp" in pages.get(f"{path}?new=no").text
    table = pages.client.get(f"{path}?format=csv").get_data(as_text=True)
    assert "Hàng bạn giữ bị thu hồi" in table
    with app.app_context():
        assert notifications.forget_old(at=FIXED_NOW + notifications.KEPT) == 0
        later = FIXED_NOW + notifications.KEPT + timedelta(seconds=1)
        assert notifications.forget_old(at=later) == 2
        db.session.commit()
    assert "Chưa có thông báo nào" in pages.get(path).text


@pytest.mark.one_database
def test_who_acts_for_several_organisations_is_led_to_the_page_as_the_right_one(
    app: Flask, pages: PageClient, member: Member, sent: list[Message]
) -> None:
    other = make_member(app, name="HTX Hai")
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        organisation = db.session.get_one(Organisation, other.organisation_id)
        organisations.add_member(organisation, person, "owner", at=FIXED_NOW)
        notifications.notify(
            organisation, "key-added", CONTEXT, at=FIXED_NOW, address="/producer/keys/"
        )
        db.session.commit()
    work(app)
    assert "http://localhost/account/notifications/\n" in sent[0].text
    sign_in(app, pages.client, member)
    page = pages.get("/account/notifications/")
    assert "HTX Hai" in page.text
    followed = pages.submit(page, {}, which="//main//ul//form")
    assert followed.address.endswith("/producer/keys/")
    assert "HTX Hai" in followed.text


@pytest.mark.one_database
def test_nobody_opens_anothers_notification(app: Flask, pages: PageClient, member: Member) -> None:
    tell(app, member)
    sign_in(app, pages.client, member)
    form = pages.get("/account/notifications/").form("//main//ul//form")
    sign_in(app, pages.client, make_member(app))
    token = pages.get("/producer/today").form("//header//form").fields["csrf_token"]
    answer = pages.client.post(form.action, data={"csrf_token": token})
    assert answer.status_code == 404


@pytest.mark.one_database
@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_is_said_in_both_languages(app: Flask, word: str) -> None:
    names = set(re.findall(r"%\((\w+)\)s", " ".join(WORDS[word])))
    names |= {"organisation", *(name for name, _ in PARTS.get(word, ()))}
    context = {name: f"<{name}>" for name in names}
    with app.app_context():
        vietnamese, english = say(word, context, "vi"), say(word, context, "en")
    assert all((*vietnamese, *english))
    assert vietnamese[0] != english[0]
    for name, value in context.items():
        assert (value in vietnamese[1]) == (value in english[1]), name


@pytest.mark.one_database
def test_a_word_that_is_unknown_or_short_of_its_context_is_a_fault_found_at_once(
    app: Flask, member: Member
) -> None:
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        for word, context in (("no-such", {}), ("alert-recall", {"by": "x"})):
            with pytest.raises(NoSuchWord):
                notifications.notify(organisation, word, context, at=FIXED_NOW)


@pytest.mark.one_database
def test_what_fills_a_sentence_is_shown_as_text(
    app: Flask, pages: PageClient, member: Member
) -> None:
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        told = {"by": "<b>HTX</b> %s %(x)s", "what": "100%", "count": "1"}
        notifications.notify(organisation, "alert-hold", told, at=FIXED_NOW)
        db.session.commit()
        (row,) = db.session.scalars(select(Notification))
        assert json.loads(row.context)["what"] == "100%"
    sign_in(app, pages.client, member)
    assert "<b>HTX</b> %s %(x)s tạm giữ 100%. Lô, kiện" in pages.get("/account/notifications/").text
