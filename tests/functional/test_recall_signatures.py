"""What is signed is what was read, and two signatures are two people's, to sign and to end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.members import Member
from tests.support.pages import PageClient
from tests.support.recalls import (
    DESK,
    PROVINCE,
    Exercise,
    case_of,
    choose,
    classify,
    client_of,
    exercise,
    refused_by,
    sign_it,
    supervisor,
    warned,
)
from trace.extensions import db
from trace.models import Event, Person, Recall
from trace.services.recalls.two_people import mailbox


@pytest.fixture
def city(app: Flask, now: datetime) -> Member:
    return supervisor(app, PROVINCE)


@pytest.fixture
def small(app: Flask, now: datetime) -> Exercise:
    with app.app_context():
        world = exercise(now, lots=2, processors=1, shops=2)
        db.session.expunge_all()
        return world


def colleague(app: Flask, city: Member, now: datetime) -> tuple[Member, PageClient]:
    other = supervisor(app, PROVINCE, inside=city.organisation_id)
    return other, client_of(app, other, now)


def notices(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).where(Event.notice == "recall")) or 0


def test_what_changed_while_its_signer_read_is_read_before_anything_is_signed(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    pages = client_of(app, city, now)
    _, other = colleague(app, city, now)
    case = case_of(choose(pages, small.lots[0]))
    classify(pages, case)
    read = pages.get(f"{DESK}{case}/sign")
    writing = pages.get(f"{DESK}{case}/reason")
    classify(other, case, reason="Có thuỷ tinh", instructions="Trả về nơi giao")

    answer = refused_by(pages, read, {"act": "sign"})
    assert answer.response.status_code == 409
    for words in ("Dư lượng vượt giới hạn", "Có thuỷ tinh", "Trả về nơi giao"):
        assert words in answer.text
    # Who edits at once is shown both, and keeps what was typed.
    kept = refused_by(pages, writing, {"reason": "Có cát", "hazard": "quality"})
    assert kept.response.status_code == 409
    assert "Có thuỷ tinh" in kept.text
    # Without saying what was read nobody signs.
    form = read.form("//main//form").filled({"act": "sign"})
    for version in ("", "mới nhất", "9" * 5000):
        sent = pages.client.post(f"{DESK}{case}/sign", data={**form, "version": version})
        assert sent.status_code == 409, version
    assert notices(app) == 0
    assert "đang thực hiện" in pages.submit(answer, {"act": "sign"}).text
    assert notices(app) == 1


def test_the_second_signs_what_the_second_read(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    pages = client_of(app, city, now)
    _, other = colleague(app, city, now)
    case = case_of(choose(pages, small.lots[0]))
    classify(pages, case, grade="1")
    sign_it(pages, case)
    read = other.get(f"{DESK}{case}/second")
    pages.submit(pages.get(f"{DESK}{case}/second"), {"act": "back"})
    classify(pages, case, grade="1", reason="Có thuỷ tinh")
    sign_it(pages, case)
    answer = refused_by(other, read, {"act": "sign"})
    assert answer.response.status_code == 409
    assert "Có thuỷ tinh" in answer.text
    assert warned(app) == 0
    assert "đang thực hiện" in other.submit(answer, {"act": "sign"}).text


@pytest.mark.parametrize(("page", "state"), [("withdraw", "withdrawn"), ("close", "closed")])
def test_what_took_two_to_sign_takes_two_other_mailboxes_to_end(
    app: Flask, city: Member, now: datetime, small: Exercise, page: str, state: str
) -> None:
    pages = client_of(app, city, now)
    second, other = colleague(app, city, now)
    case = case_of(choose(pages, small.lots[0]))
    classify(pages, case, grade="1")
    sign_it(pages, case)
    emails(app, {city: "minh.hoa+truc@gmail.com", second: "minhhoa@googlemail.com"})
    refused = refused_by(other, other.get(f"{DESK}{case}/second"), {"act": "sign"})
    assert "cùng một người" in refused.text
    assert warned(app) == 0
    emails(app, {second: "khac@vi-du.example"})
    other.submit(other.get(f"{DESK}{case}/second"), {"act": "sign"})
    reached = warned(app)
    assert reached == 2

    unread = other.get(f"{DESK}{case}/{page}")
    asked = pages.submit(pages.get(f"{DESK}{case}/{page}"), {"reason": "Mẫu bị lẫn"})
    assert "chờ chữ ký thứ hai" in asked.text
    assert "khác" in refused_by(pages, pages.get(f"{DESK}{case}/{page}"), {"act": "second"}).text
    # Who had the page open before is shown what the first said, and loses nothing typed.
    again = other.client.post(
        f"{DESK}{case}/{page}", data=unread.form("//main//form").filled({"reason": "Nhầm lô"})
    )
    assert again.status_code == 409
    assert "Nhầm lô" in again.text
    assert "Mẫu bị lẫn" in again.text
    assert warned(app) == reached
    # Taken back, everything is as before; too late, nothing is ended.
    pages.submit(pages.get(f"{DESK}{case}/{page}"), {"act": "back"})
    assert "Mẫu bị lẫn" not in pages.get(f"{DESK}{case}").text
    pages.submit(pages.get(f"{DESK}{case}/{page}"), {"reason": "Mẫu bị lẫn"})
    late = other.get(f"{DESK}{case}/{page}")
    with app.app_context():
        db.session.get_one(Recall, case).end_until = now - timedelta(minutes=1)
        db.session.commit()
    refused_by(other, late, {"act": "second"})
    assert warned(app) == reached
    pages.submit(pages.get(f"{DESK}{case}/{page}"), {"reason": "Mẫu bị lẫn"})
    ended = other.submit(other.get(f"{DESK}{case}/{page}"), {"act": "second"})
    assert "Mẫu bị lẫn" in ended.text
    assert warned(app) == 0
    with app.app_context():
        recall = db.session.get_one(Recall, case)
        assert (recall.state, recall.end_first, recall.ended_by) == (
            state,
            city.person_id,
            second.person_id,
        )


def emails(app: Flask, told: dict[Member, str]) -> None:
    with app.app_context():
        for member, address in told.items():
            db.session.get_one(Person, member.person_id).email = address
        db.session.commit()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("an@vi-du.example", "an+kho@vi-du.example", True),
        ("A.N@GMail.com", "an@googlemail.com", True),
        ("a.n@vi-du.example", "an@vi-du.example", False),
        ("an@vi-du.example", "an@khac.example", False),
    ],
)
def test_addresses_are_the_mailbox_they_come_to(one: str, other: str, same: bool) -> None:
    assert (mailbox(one) == mailbox(other)) is same
