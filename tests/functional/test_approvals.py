"""Custody “passkey”: enrolled on a phone, then nothing from the console is recorded without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.fields import Console, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import Page, PageClient
from tests.support.passkeys import Phone
from trace.core.signing import JsonObject
from trace.core.statements import ApprovalEntry, EventEntry, KeyEntry, parse_entry, parse_key_record
from trace.errors import NotFound
from trace.extensions import db
from trace.jobs.registry import load_handlers
from trace.jobs.worker import claim, publish, run
from trace.models import Audit, Event, Key, LogEntry, Organisation, PendingApproval
from trace.services import approvals
from trace.services.actors import Actor
from trace.services.keys import rotate_key
from trace.services.log import current_state
from trace.services.origins import new_origin

KEYS = "/producer/keys/"


def options(page: Page) -> JsonObject:
    (text,) = page.find("//main//input[@data-passkey]/@data-options")
    found: JsonObject = json.loads(text)
    return found


def enrol(pages: PageClient, phone: Phone) -> Page:
    first = pages.get(KEYS + "passkey")
    second = pages.submit(first, {"credential": phone.create(options(first))})
    return pages.submit(second, {"assertion": phone.get(options(second))})


def demand(pages: PageClient) -> None:
    pages.submit(pages.get(KEYS + "approval"), {})


def send_lot(console: Console, **more: str) -> Page:
    """Registers a lot; where that leads."""
    form = console.pages.get("/producer/batches/new")
    return console.pages.submit(form, {"product": str(console.greens), "quantity": "480", **more})


def log(app: Flask) -> list[Any]:
    with app.app_context():
        return [
            parse_entry(entry.encode())
            for entry in db.session.scalars(select(LogEntry.entry).order_by(LogEntry.index))
        ]


def recorded(app: Flask) -> int:
    with app.app_context():
        return len(db.session.scalars(select(Event.id)).all())


@pytest.fixture
def phone() -> Phone:
    return Phone("chị Hoa")


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


@pytest.fixture
def demanding(console: Console, phone: Phone) -> Console:
    """An organisation whose lines wait for the phone."""
    enrol(console.pages, phone)
    demand(console.pages)
    return console


def test_a_passkey_is_enrolled_with_proof_of_possession_in_the_log(
    app: Flask, console: Console, phone: Phone
) -> None:
    page = enrol(console.pages, phone)
    assert "Trên điện thoại của bạn" in page.text
    entry = [one for one in log(app) if isinstance(one, KeyEntry)][-1]
    record, _ = parse_key_record(entry.jws)
    assert (record.custody, record.rp_id, record.rp_origin) == (
        "passkey",
        "localhost",
        "http://localhost",
    )
    assert record.jwk == phone.public.jwk
    assert entry.assertion is not None
    with app.app_context():
        assert "key.add" in db.session.scalars(select(Audit.action)).all()


def test_the_did_document_names_the_passkey_and_lets_it_sign_nothing(
    app: Flask, console: Console, phone: Phone
) -> None:
    enrol(console.pages, phone)
    with app.app_context():
        code = db.session.get_one(Organisation, console.organisation).code
    body = app.test_client().get(f"/o/{code}/did.json").get_json()
    kinds = [method["publicKeyJwk"]["kty"] for method in body["verificationMethod"]]
    assert kinds == ["OKP", "EC"]
    assert not any("passkey" in kid for kid in body["assertionMethod"])


def test_a_device_that_does_not_check_its_user_is_refused(console: Console, phone: Phone) -> None:
    first = console.pages.get(KEYS + "passkey")
    unverified = phone.create(options(first), flags=0x41)
    console.pages.submit(first, {"credential": unverified}, status=400)


def test_answers_for_other_pages_other_challenges_and_rubbish_are_refused(
    app: Flask, console: Console, phone: Phone
) -> None:
    first = console.pages.get(KEYS + "passkey")
    asked = options(first)
    bad = [
        "",
        "{}",
        "[]",
        "null",
        '{"id":1}',
        phone.create({"challenge": "AAAA"}),
        Phone("x", rp_id="evil.example").create(asked),
        Phone("x", origin="https://evil.example").create(asked),
        phone.create(asked, algorithm=-257),
        phone.create(asked)[:-40] + '"}}',
    ]
    for answer in bad:
        console.pages.submit(first, {"credential": answer}, status=400)
    second = console.pages.submit(first, {"credential": phone.create(asked)})
    proof = options(second)
    for answer, status in (
        ("{}", 400),
        ("[]", 400),
        ("null", 400),
        (Phone("thief").get(proof), 400),
        (phone.get(proof, flags=0x01), 400),
        (phone.get({"challenge": "AAAA"}), 409),  # as if the keyring had moved meanwhile
    ):
        second = console.pages.submit(second, {"assertion": answer}, status=status)
    with app.app_context():
        assert "passkey" not in db.session.scalars(select(Key.custody)).all()
    console.pages.submit(second, {"assertion": phone.get(options(second))})
    with app.app_context():
        assert "passkey" in db.session.scalars(select(Key.custody)).all()


def test_an_enrolment_cannot_be_finished_for_somebody_else_or_much_later(
    console: Console, phone: Phone, now: datetime
) -> None:
    first = console.pages.get(KEYS + "passkey")
    second = console.pages.submit(first, {"credential": phone.create(options(first))})
    forged = {"made": second.form().fields["made"][:-2] + "xx", "assertion": "{}"}
    console.pages.submit(second, forged, status=400)
    with time_machine.travel(now + timedelta(minutes=11), tick=False):
        late = {"assertion": phone.get(options(second))}
        console.pages.submit(second, late, status=400)


def test_who_demands_no_approval_sees_nothing_of_it(app: Flask, console: Console) -> None:
    page = send_lot(console)
    assert "/batches/" in page.address
    assert recorded(app) == 1
    with app.app_context():
        assert db.session.scalars(select(PendingApproval)).all() == []
    assert "Duyệt trước khi ghi" not in console.pages.get(KEYS).text
    console.pages.submit(console.pages.get(KEYS + "approval"), {}, status=409)


def test_what_is_sent_waits_and_one_touch_records_it_with_its_approval(
    app: Flask, demanding: Console, phone: Phone
) -> None:
    page = send_lot(demanding)
    assert page.h1 == "Duyệt trước khi ghi"
    assert "480 kg" in page.text
    assert recorded(app) == 0
    waiting = demanding.pages.get("/producer/approvals/")
    assert len(waiting.find("//main//tbody/tr")) == 1
    done = demanding.pages.submit(page, {"assertion": phone.get(options(page))})
    assert "Đã duyệt và ghi" in done.text
    assert recorded(app) == 1
    entries = log(app)
    (approval,) = [n for n, one in enumerate(entries) if isinstance(one, ApprovalEntry)]
    (event,) = [one for one in entries if isinstance(one, EventEntry)]
    assert event.approval == approval
    assert entries[approval].hashes == (event.h,)
    assert entries[approval + 1] is event
    with app.app_context():
        assert db.session.scalars(select(PendingApproval)).all() == []


def test_several_statements_of_one_sending_take_one_approval(
    app: Flask, demanding: Console, phone: Phone
) -> None:
    page = send_lot(demanding)
    demanding.pages.submit(page, {"assertion": phone.get(options(page))})
    (line,) = demanding.events()
    fix = demanding.pages.get(f"/producer/events/{line.event_id}/correct")
    page = demanding.pages.submit(fix, {"things-0-quantity": "470"})
    assert page.h1 == "Duyệt trước khi ghi"
    demanding.pages.submit(page, {"assertion": phone.get(options(page))})
    entries = log(app)
    approvals = [one for one in entries if isinstance(one, ApprovalEntry)]
    assert [len(one.hashes) for one in approvals] == [1, 2]
    assert recorded(app) == 3


def test_foreign_and_replayed_assertions_record_nothing(
    app: Flask, demanding: Console, phone: Phone
) -> None:
    first = send_lot(demanding)
    used = phone.get(options(first))
    demanding.pages.submit(first, {"assertion": used})
    second = send_lot(demanding)
    for answer in (
        used,
        Phone("thief").get(options(second)),
        phone.get(options(second), flags=0x01),
        Phone("chị Hoa", origin="https://evil.example").get(options(second)),
        "",
        "{}",
    ):
        fresh = demanding.pages.get(second.address)
        demanding.pages.submit(fresh, {"assertion": answer}, status=400)
    assert recorded(app) == 1


def test_what_waits_can_be_dropped_and_expires(
    app: Flask, demanding: Console, phone: Phone, now: datetime
) -> None:
    page = send_lot(demanding)
    demanding.pages.submit(page, {}, which="//main//form[contains(@action, 'discard')]")
    late = send_lot(demanding)
    with time_machine.travel(now + timedelta(hours=25), tick=False):
        demanding.pages.get(late.address, status=409)
        with app.app_context():
            load_handlers()
            assert len(db.session.scalars(select(PendingApproval)).all()) == 1
            while job := claim("test"):
                run(job)
            assert db.session.scalars(select(PendingApproval)).all() == []
    assert recorded(app) == 0


def test_lines_signed_with_a_key_that_was_rotated_meanwhile_are_discarded_and_sent_anew(
    app: Flask, demanding: Console, phone: Phone, now: datetime
) -> None:
    page = send_lot(demanding)
    with app.app_context():
        rotate_key(db.session.get_one(Organisation, demanding.organisation), at=now)
        db.session.commit()
    told = demanding.pages.submit(page, {"assertion": phone.get(options(page))}, status=409)
    assert "không còn hiệu lực" in told.text
    assert "Hãy bỏ các dòng này" in told.text
    demanding.pages.submit(told, {}, which="//main//form[contains(@action, 'discard')]")
    again = send_lot(demanding)
    demanding.pages.submit(again, {"assertion": phone.get(options(again))})
    assert recorded(app) == 1


@pytest.mark.parametrize("second", ["approves", "discards"])
def test_of_two_who_decide_at_once_the_first_decides(
    app: Flask, demanding: Console, phone: Phone, now: datetime, second: str
) -> None:
    page = send_lot(demanding)
    answer = phone.get(options(page))
    with app.app_context():
        row = db.session.scalars(select(PendingApproval)).one()
        organisation = db.session.get_one(Organisation, row.organisation_id)
        owner = Actor(organisation, None, "owner")
        mine = approvals.get_waiting(owner, row.id, at=now)
        with app.app_context():
            theirs = approvals.get_waiting(owner, row.id, at=now)
            approvals.discard(owner, theirs, at=now)
            db.session.commit()
        decide: dict[str, Callable[[], object]] = {
            "approves": lambda: approvals.approve(owner, mine, answer, at=now),
            "discards": lambda: approvals.discard(owner, mine, at=now),
        }
        with pytest.raises(NotFound):
            decide[second]()
        db.session.rollback()
    assert recorded(app) == 0


def test_another_organisations_waiting_lines_are_not_found(
    app: Flask, demanding: Console, pages: PageClient
) -> None:
    page = send_lot(demanding)
    other = PageClient(app.test_client())
    sign_in(app, other.client, make_member(app, name="HTX Khác"))
    other.get(page.address, status=404)


def test_with_the_passkey_revoked_nothing_waits_any_more(
    app: Flask, demanding: Console, phone: Phone
) -> None:
    waiting = send_lot(demanding)
    asked = options(waiting)
    keys = demanding.pages.get(KEYS)
    demanding.pages.submit(demanding.pages.get(keys.link("Thu hồi khoá passkey-2")), {})
    demanding.pages.submit(waiting, {"assertion": phone.get(asked)}, status=400)
    assert recorded(app) == 0
    send_lot(demanding)
    assert recorded(app) == 1


def test_in_a_log_begun_anew_the_phone_enrols_again_and_approvals_count_from_its_start(
    app: Flask, demanding: Console, phone: Phone, now: datetime
) -> None:
    with app.app_context():
        publish("test")
        new_origin(at=now)
        db.session.commit()
    send_lot(demanding)  # the old log's passkey approves nothing here, so nothing waits
    enrol(demanding.pages, phone)
    page = send_lot(demanding)
    demanding.pages.submit(page, {"assertion": phone.get(options(page))})
    with app.app_context():
        start = current_state().start
    *_, approval, event = log(app)
    assert isinstance(approval, ApprovalEntry)
    assert event.approval == len(log(app)) - 2 - start
