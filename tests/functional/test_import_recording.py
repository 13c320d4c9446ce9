"""What becomes of a spreadsheet once it is to be recorded: all of it or nothing, one touch where
entries wait for a passkey, tried again after a failure, forgotten in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.functional.test_approvals import demand, enrol, log, options
from tests.functional.test_imports import accept, count, send, workbook
from tests.support.factories import make_actor
from tests.support.fields import Console, open_console
from tests.support.pages import Page, PageClient
from tests.support.passkeys import Phone
from trace.core.statements import ApprovalEntry
from trace.extensions import db
from trace.jobs.worker import ATTEMPTS, run_pending
from trace.models import Event, Household, ImportRow, Job, Key, Organisation
from trace.services import import_recording, imports
from trace.services.approvals import forget_expired
from trace.services.keys import recover_key, revoke_key, rotate_key


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


LOTS = (
    ("Ngày giờ", "Sản phẩm", "Số lượng", "Đơn vị", "Tên lô"),
    ("20/11/2026 07:30", "Cải ngọt", 480, "kg", "L1"),
    ("20/11/2026 08:30", "Cải ngọt", 2, "tạ", "L2"),
    ("20/11/2026 09:30", "Cải ngọt", 3, "tạ", "L3"),
)


def approve(console: Console, phone: Phone, page: Page) -> Page:
    """Follows a file's page to its approval and touches the phone; the file's page then."""
    waiting = console.pages.get(page.link("Xem và duyệt"))
    sent = console.pages.submit(waiting, {"assertion": phone.get(options(waiting))})
    with console.app.app_context():
        run_pending()
    return console.pages.get(sent.address)


def test_where_entries_wait_for_a_passkey_a_whole_sheet_waits_for_one_touch(
    console: Console,
) -> None:
    phone = Phone("chị Hoa")
    enrol(console.pages, phone)
    demand(console.pages)
    before = count(console, Event)
    waits = accept(console, send(console, "lots", workbook(*LOTS)), mode="all")
    assert "chờ duyệt bằng vân tay" in waits.text
    assert count(console, Event) == before
    waiting = console.pages.get(waits.link("Xem và duyệt"))
    console.pages.submit(waiting, {}, which="//main//form[contains(@action, 'discard')]")
    with console.app.app_context():
        run_pending()
    again = console.pages.get(waits.address)
    assert count(console, Event) == before
    done = approve(console, phone, accept(console, again, mode="all"))
    assert "Đã ghi 3 dòng" in done.text
    assert count(console, Event) == before + 3
    approvals = [one for one in log(console.app) if isinstance(one, ApprovalEntry)]
    assert [len(one.hashes) for one in approvals] == [3]
    undo = accept(console, console.pages.get(done.link("Huỷ lần nhập này")))
    assert count(console, Event) == before + 3
    after = approve(console, phone, undo)
    assert "Đã huỷ 3 dòng" in after.text
    assert count(console, Event) == before + 6
    console.pages.submit(console.pages.get("/producer/imports/new/lots"), {}, status=400)


def test_an_approval_awaited_in_vain_leaves_the_file_to_be_chosen_about_again(
    console: Console, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(console.pages, Phone("chị Hoa"))
    demand(console.pages)
    waits = accept(console, send(console, "lots", workbook(*LOTS)), mode="all")
    late = now + timedelta(hours=25)
    with time_machine.travel(late, tick=False), console.app.app_context():
        assert forget_expired(at=late) == 1
        db.session.commit()
        run_pending()
    page = console.pages.get(waits.address)
    assert "Chưa ghi gì từ tệp này" in page.text
    assert page.find("//form//input[@name='mode']")
    monkeypatch.setattr("trace.services.imports.MAX_APPROVED", 2)
    refused = console.pages.submit(page, {"mode": "all"}, status=409)
    assert "3" in refused.text


@pytest.mark.parametrize("mode", ["all", "valid"])
def test_a_recording_that_fails_leaves_nothing_and_is_begun_again_from_its_page(
    console: Console, now: datetime, mode: str
) -> None:
    before = count(console, Event)
    preview = send(console, "lots", workbook(*LOTS))
    with console.app.app_context():
        organisation = db.session.get_one(Organisation, console.organisation)
        keys = Key.organisation_id == organisation.id
        revoke_key(db.session.scalars(db.select(Key).where(keys)).one(), at=now)
        db.session.commit()
    stopped = accept(console, preview, mode=mode)
    assert "Chưa ghi gì từ tệp này" in stopped.text
    assert count(console, Event) == before
    with console.app.app_context():
        inspector = make_actor(now, "Sở Minh họa", "authority").organisation
        recover_key(db.session.get_one(Organisation, console.organisation), inspector, at=now)
        db.session.commit()
    done = accept(console, stopped, mode=mode)
    assert "Đã ghi 3 dòng" in done.text
    assert count(console, Event) == before + 3


def test_rows_signed_with_a_key_that_was_rotated_meanwhile_are_signed_anew(
    console: Console, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, whole = count(console, Event), import_recording.write_rows

    def rotating(*given: Any, **more: Any) -> bool:
        monkeypatch.setattr(import_recording, "write_rows", whole)
        rotate_key(db.session.get_one(Organisation, console.organisation), at=now)
        db.session.commit()
        return whole(*given, **more)

    monkeypatch.setattr(import_recording, "write_rows", rotating)
    done = accept(console, send(console, "lots", workbook(*LOTS)), mode="all")
    assert "Đã ghi 3 dòng" in done.text
    assert count(console, Event) == before + 3


def test_a_recording_that_breaks_again_and_again_ends_with_words_and_may_be_tried_again(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    preview = send(console, "lots", workbook(*LOTS))
    with monkeypatch.context() as patch:
        patch.setattr("trace.services.import_recording.sign_rows", broken)
        console.pages.submit(preview, {"mode": "all"})
        with console.app.app_context():
            db.session.query(Job).update({"attempts": ATTEMPTS - 1})
            db.session.commit()
        stopped = accept_nothing(console, preview)
    assert "Máy chủ gặp lỗi." in stopped.text
    assert "Đã ghi 3 dòng" in accept(console, stopped, mode="all").text


def accept_nothing(console: Console, page: Page) -> Page:
    """Lets the worker work, and looks again."""
    with console.app.app_context():
        run_pending()
    return console.pages.get(page.address)


def test_a_code_taken_between_check_and_recording_is_told_at_its_cell(
    console: Console, now: datetime
) -> None:
    data = workbook(("Mã hộ", "Tên hộ"), ("H20", "Một"), ("H21", "Hai"))
    preview = send(console, "households", data)
    with console.app.app_context():
        row = Household(organisation_id=console.organisation, code="H21", created_at=now)
        db.session.add(row)
        db.session.commit()
    again = accept(console, preview, mode="all")
    assert "Vừa có người dùng mất một mã" in again.text
    assert "A3" in again.text
    assert count(console, Household) == 2
    result = accept(console, again, mode="valid")
    assert "Đã ghi 1 dòng" in result.text
    assert "1 dòng chưa ghi" in result.text


def test_what_rows_said_is_forgotten_in_time_and_what_was_recorded_stays(
    console: Console, now: datetime
) -> None:
    done = accept(console, send(console, "households", workbook(("Mã hộ",), ("H70",))), mode="all")
    undecided = send(console, "households", workbook(("Mã hộ",), ("H71",)))
    with console.app.app_context():
        for days, gone in ((29, 0), (31, 2), (32, 0)):
            assert imports.forget_old(at=now + timedelta(days=days)) == gone
            db.session.commit()
        assert db.session.query(ImportRow).count() == 0
    assert "Đã ghi 1 dòng" in console.pages.get(done.address).text
    assert console.pages.client.get(undecided.address).status_code == 404
