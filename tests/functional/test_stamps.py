"""Labels with a serial each, and blank stamps: issued, bound, printed again, voided, scanned."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

import orjson
import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.support.fields import Console, add_partner, errors, open_console
from tests.support.pages import PageClient
from tests.support.photos import photo_of_codes
from tests.support.printers import images_of_tspl, images_of_zpl
from tests.support.stamps import hold
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Audit, LabelBinding, LabelPrint, LabelRange, Thing, Unit
from trace.web.access import COOKIE

ROLL = {"layout": "roll-58x40"}


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def rows(app: Flask, *columns: Any) -> list[Any]:
    with app.app_context():
        return list(db.session.execute(select(*columns)).all())


def printed(console: Console, lot: int, count: int, **more: str) -> str:
    """Prints one code each for a lot; the address of the job's page."""
    page = console.pages.get(f"/producer/labels/{lot}")
    told = {"what": "unit", "count": str(count), "layout": "3x8", **more}
    return console.pages.submit(page, told).address


def stamps(console: Console, count: int = 12, **more: str) -> int:
    """Prints a roll of blank stamps; its row id."""
    page = console.pages.get("/producer/stamps/new")
    console.pages.submit(page, {"count": str(count), **more})
    with console.app.app_context():
        found = db.session.scalar(select(func.max(LabelRange.id)))
        assert found is not None
        return int(found)


def stamp(console: Console, roll: int, number: int) -> tuple[str, str]:
    """(path as printed, serial) of one stamp."""
    with console.app.app_context():
        row = db.session.execute(
            select(Unit.key, Unit.serial).where(Unit.range_id == roll, Unit.number == number)
        ).one()
        key, serial = row
        return (f"/{key}/21/{serial}" if key.startswith("01") else f"/{key}/{serial}"), serial


def drawn(console: Console, address: str) -> bytes:
    """The finished file of a job."""
    with console.app.app_context():
        run_pending()
    page = console.pages.get(address)
    link = page.find("//a[contains(@href, '/sheets/') and contains(@class, 'button')]")[0]
    answer = console.pages.client.get(link.get("href"))
    assert answer.status_code == 200
    data = answer.get_data()
    answer.close()
    return data


def read(image: Image.Image) -> str:
    (found,) = zxingcpp.read_barcodes(image.convert("L"))
    return found.text


# -- one code each for a lot -----------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
def test_each_package_gets_a_code_of_its_own_that_answers_with_the_lot(
    console: Console, named: bool
) -> None:
    lot = console.lot("10", console.greens if named else console.herbs)
    address = printed(console, lot, 30)
    units = rows(console.app, Unit.serial, Unit.lot_id, Unit.key)
    assert len({serial for serial, _, _ in units}) == 30
    assert {len(serial) for serial, _, _ in units} == {16}
    assert {lot_id for _, lot_id, _ in units} == {lot}
    assert drawn(console, address).startswith(b"%PDF-")
    roll = rows(console.app, LabelRange.id)[0][0]
    path, serial = stamp(console, roll, 7)
    page = console.pages.get(f"/t{path}")
    assert "Tem riêng của một gói" in page.text
    assert "Gắn tem riêng cho từng gói" in page.text
    shown = f"{serial[:4]}-{serial[4:8]}-{serial[8:12]}-{serial[12:]}"
    assert shown in page.text or serial in page.text
    sent = console.pages.client.get(path.replace("/b/", "/B/"))
    assert sent.status_code == 307


def test_no_serial_stands_in_the_public_record_of_the_lot(console: Console) -> None:
    lot = console.lot("10")
    printed(console, lot, 5)
    serials = [row[0] for row in rows(console.app, Unit.serial)]
    with console.app.app_context():
        identity = db.session.get_one(Thing, lot).identity
    path = "/t" + identity.removeprefix("https://id.gs1.org")
    for address in (path, f"{path}?format=json", f"{path}?format=bundle", f"{path}?view=proof"):
        body = console.pages.client.get(address).get_data(as_text=True)
        assert not [serial for serial in serials if serial in body], address
    (event,) = [line for line in console.events() if "trace:units" in line.document]
    assert not [serial for serial in serials if serial in orjson.dumps(event.document).decode()]
    assert event.document["trace:units"]["count"] == 5


def test_a_printing_is_noted_and_copies_new_serials_and_reprints_are_told_apart(
    console: Console,
) -> None:
    lot = console.lot("10")
    printed(console, lot, 5)
    roll = rows(console.app, LabelRange.id)[0][0]
    before = rows(console.app, Unit.serial)
    page = console.pages.get(f"/producer/stamps/{roll}/again")
    console.pages.submit(page, {"first": "2", "last": "3", "reason": "kẹt giấy"})
    assert rows(console.app, Unit.serial) == before
    form = console.pages.get(f"/producer/labels/{lot}").form().filled({"count": "4"})
    assert console.pages.client.post(f"/producer/labels/{lot}", data=form).status_code == 200
    noted = rows(
        console.app, LabelPrint.kind, LabelPrint.count, LabelPrint.first, LabelPrint.reason
    )
    assert noted == [("new", 5, 1, ""), ("again", 2, 2, "kẹt giấy"), ("copies", 4, None, "")]
    audits = [row[0] for row in rows(console.app, Audit.action) if row[0] == "label.print"]
    assert len(audits) == 3
    shown = console.pages.get(f"/producer/stamps/{roll}").text
    assert "In lại số cũ 2–3" in shown
    assert "kẹt giấy" in shown


def test_a_reprint_without_a_reason_is_refused_and_nothing_is_noted(console: Console) -> None:
    roll = stamps(console, 5)
    page = console.pages.get(f"/producer/stamps/{roll}/again")
    refused = console.pages.submit(page, {"first": "1", "last": "9"}, status=400)
    assert "reason" in errors(refused)
    assert len(rows(console.app, LabelPrint.id)) == 1
    refused = console.pages.submit(page, {"first": "1", "last": "9", "reason": "x"}, status=400)
    assert "last" in errors(refused)


# -- blank stamps ----------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["address", "serial", "number"])
def test_a_stretch_is_bound_by_its_first_and_last_however_they_are_read(
    console: Console, typed: str
) -> None:
    lot = console.lot("10")
    roll = stamps(console, 12)
    code = rows(console.app, LabelRange.code)[0][0]
    ends = []
    for number in (9, 3):  # in the wrong order too
        path, serial = stamp(console, roll, number)
        ends.append(
            {
                "address": f"HTTP://LOCALHOST{path.upper()}",
                "serial": f"{serial[:4]}-{serial[4:8]}-{serial[8:12]}-{serial[12:]}".lower(),
                "number": f"{code}#{number}",
            }[typed]
        )
    path, _ = stamp(console, roll, 5)
    assert "Tem đã in, chưa gắn với lô hàng" in console.pages.get(f"/t{path}").text
    form = console.pages.get("/producer/stamps/bind")
    done = console.pages.submit(form, {"first": ends[0], "last": ends[1], "lot": str(lot)})
    assert "Đã gắn 7 tem, số 3 đến 9" in done.text
    bound = rows(console.app, Unit.number, Unit.lot_id)
    assert {number for number, to in bound if to == lot} == set(range(3, 10))
    page = console.pages.get(f"/t{path}")
    assert "Cải ngọt" in page.text
    outside, _ = stamp(console, roll, 10)
    text = console.pages.get(f"/t{outside}").text
    assert "chưa gắn với lô hàng" in text
    assert "Cải ngọt" not in text


def test_what_cannot_be_bound_is_told_beside_its_field(console: Console) -> None:
    lot, other = console.lot("10"), console.lot("10", console.herbs)
    roll = stamps(console, 6, product=str(console.greens))
    second = stamps(console, 2)
    one, two = stamp(console, roll, 1)[1], stamp(console, roll, 2)[1]
    form = console.pages.get("/producer/stamps/bind")

    def told(field: str, **entries: str) -> None:
        page = console.pages.submit(form, entries, status=400)
        assert field in errors(page), errors(page)

    told("first", first="0000000000000000", lot=str(lot))
    told("first", first="không phải mã", lot=str(lot))
    told("last", first=one, last=stamp(console, second, 1)[1], lot=str(lot))
    told("lot", first=one, last=two, lot=str(other))
    console.pages.submit(form, {"first": one, "last": two, "lot": str(lot)})
    again = console.pages.get("/producer/stamps/bind")
    page = console.pages.submit(again, {"first": two, "lot": str(lot)}, status=409)
    assert "first" in errors(page)
    assert len(rows(console.app, LabelBinding.id)) == 1


def test_a_stamp_of_another_organisation_is_not_ours_to_bind(console: Console, app: Flask) -> None:
    lot = console.lot("10")
    partner = add_partner(app)
    roll = stamps(console, 2)
    serial = stamp(console, roll, 1)[1]
    with app.app_context():
        db.session.get_one(LabelRange, roll).organisation_id = partner
        db.session.commit()
    form = console.pages.get("/producer/stamps/bind")
    page = console.pages.submit(form, {"first": serial, "lot": str(lot)}, status=400)
    assert "first" in errors(page)
    assert console.pages.client.get(f"/producer/stamps/{roll}").status_code == 404


def test_unused_stamps_are_voided_and_bound_ones_stay(console: Console) -> None:
    lot = console.lot("10")
    roll = stamps(console, 4)
    serial = stamp(console, roll, 1)[1]
    console.pages.submit(
        console.pages.get("/producer/stamps/bind"), {"first": serial, "lot": str(lot)}
    )
    page = console.pages.get(f"/producer/stamps/{roll}/void")
    done = console.pages.submit(page, {"first": "1", "last": "3", "reason": "mất một xấp"})
    assert "Đã hủy 2 tem chưa dùng" in done.text
    voided, _ = stamp(console, roll, 2)
    page = console.pages.get(f"/t{voided}", status=410)
    assert page.h1 == "Tem đã hủy"
    assert "Cải ngọt" not in page.text
    assert console.pages.get(f"/t{stamp(console, roll, 1)[0]}").h1 == "Cải ngọt"
    form = console.pages.get("/producer/stamps/bind")
    dead = stamp(console, roll, 3)[1]
    page = console.pages.submit(form, {"first": dead, "lot": str(lot)}, status=409)
    assert "first" in errors(page)


def outbox_of(console: Console, entries: dict[str, str]) -> dict[str, Any]:
    """What a phone's outbox would send: the form as it was filled, with its one-time key."""
    return console.pages.get("/producer/stamps/bind").form().filled(entries)


def sent_by(console: Console, phone: FlaskClient, entry: dict[str, Any]) -> TestResponse:
    """An entry sent from a phone, with the token of that phone."""
    token = phone.get("/producer/outbox/token").get_json()["csrf_token"]
    return phone.post(
        "/producer/stamps/bind",
        data={**entry, "csrf_token": token},
        headers={"Accept": "application/json"},
    )


def second_phone(console: Console) -> FlaskClient:
    """Another phone of the same person."""
    phone = console.app.test_client()
    cookie = console.pages.client.get_cookie(COOKIE)
    assert cookie is not None
    phone.set_cookie(COOKIE, cookie.value)
    return phone


def test_the_same_outbox_sent_by_two_phones_binds_once(console: Console) -> None:
    lot = console.lot("10")
    roll = stamps(console, 3)
    entry = outbox_of(console, {"first": stamp(console, roll, 1)[1], "lot": str(lot)})
    answers = [
        sent_by(console, phone, entry).get_json()
        for phone in (console.pages.client, second_phone(console), console.pages.client)
    ]
    assert [told["state"] for told in answers] == ["sent"] * 3
    assert [told["again"] for told in answers] == [False, True, True]
    assert {told["location"] for told in answers} == {f"/producer/stamps/{roll}"}
    assert len(rows(console.app, LabelBinding.id)) == 1


def test_of_two_phones_whose_ranges_overlap_the_first_wins_and_the_other_is_told_how_to_mend(
    console: Console,
) -> None:
    one, two = console.lot("10", lot="L1"), console.lot("10", lot="L2")
    roll = stamps(console, 12)
    serials = {number: stamp(console, roll, number)[1] for number in (1, 5, 6, 8, 12)}
    # Both were written in the field, before either was sent.
    first = outbox_of(console, {"first": serials[1], "last": serials[8], "lot": str(one)})
    second = outbox_of(console, {"first": serials[5], "last": serials[12], "lot": str(two)})
    phone = second_phone(console)
    assert sent_by(console, console.pages.client, first).status_code == 200
    refused = sent_by(console, phone, second)
    assert refused.status_code == 409
    (error,) = refused.get_json()["errors"]
    assert (error["path"], error["code"]) == ("first", "labels-bound")
    assert "số 5–8" in error["sentence"]
    assert "lô L1" in error["sentence"]
    assert "còn trống: số 9–12" in error["sentence"]
    # Mended as told, and sent with the key of the same entry: nothing of it was kept before.
    mended = {**second, "first": stamp(console, roll, 9)[1]}
    assert sent_by(console, phone, mended).status_code == 200
    bound = dict(rows(console.app, Unit.number, Unit.lot_id))
    assert [bound[number] for number in (1, 8, 9, 12)] == [one, one, two, two]
    # A third phone had scanned the same stamps onto the same batch: nothing is left to do.
    third = outbox_of(console, {"first": serials[5], "last": serials[6], "lot": str(one)})
    refused = sent_by(console, phone, third)
    assert refused.get_json()["errors"][0]["code"] == "labels-all-bound"


def test_photos_of_the_first_and_the_last_stamp_bind_them(console: Console) -> None:
    lot = console.lot("10")
    roll = stamps(console, 4)
    entry = outbox_of(console, {"lot": str(lot)})
    for field, number in (("first_photo", 2), ("last_photo", 4)):
        image = photo_of_codes(f"HTTP://LOCALHOST{stamp(console, roll, number)[0].upper()}")
        entry[field] = (io.BytesIO(image), "0.jpg")
    done = console.pages.client.post(
        "/producer/stamps/bind", data=entry, headers={"Accept": "application/json"}
    )
    assert done.get_json()["state"] == "sent"
    bound = {number for number, to in rows(console.app, Unit.number, Unit.lot_id) if to == lot}
    assert bound == {2, 3, 4}


# -- what is held is not labelled ------------------------------------------------------------------


def test_a_held_lot_gets_no_label_and_no_stamp(console: Console, app: Flask) -> None:
    lot = console.lot("10")
    roll = stamps(console, 2)
    hold(app, lot)
    page = console.pages.get(f"/producer/labels/{lot}")
    assert "Chưa in được nhãn" in page.text
    for what in ("same", "unit"):
        refused = console.pages.submit(page, {"what": what, "count": "3"}, status=409)
        assert "đang bị giữ" in refused.text or "is held" in refused.text or errors(refused)
    form = console.pages.get("/producer/stamps/bind")
    told = {"first": stamp(console, roll, 1)[1], "lot": str(lot)}
    console.pages.submit(form, told, status=409)
    assert rows(console.app, LabelBinding.id) == []
    assert [kind for (kind,) in rows(console.app, LabelPrint.kind)] == ["new"]


# -- printers --------------------------------------------------------------------------------------


def test_zpl_and_tspl_and_pictures_carry_the_codes_that_were_issued(console: Console) -> None:
    lot = console.lot("10", use_by="2026-11-26")
    found: dict[str, list[str]] = {}
    for kind in ("zpl", "tspl", "png"):
        data = drawn(console, printed(console, lot, 4, format=kind, **ROLL))
        images: list[Image.Image]
        if kind == "png":
            with zipfile.ZipFile(io.BytesIO(data)) as bundle:
                images = [Image.open(io.BytesIO(bundle.read(n))) for n in bundle.namelist()]
        else:
            images = images_of_zpl(data) if kind == "zpl" else images_of_tspl(data)
        found[kind] = [read(image) for image in images]
    with console.app.app_context():
        for place, kind in enumerate(("zpl", "tspl", "png")):
            roll = db.session.scalars(select(LabelRange.id).order_by(LabelRange.id)).all()[place]
            serials = db.session.scalars(
                select(Unit.serial).where(Unit.range_id == roll).order_by(Unit.number)
            ).all()
            assert [text.rpartition("/")[2] for text in found[kind]] == list(serials)
            assert all(text.startswith("HTTP://LOCALHOST/01/") for text in found[kind])


def test_stock_that_does_not_suit_is_told_beside_its_field(console: Console) -> None:
    lot = console.lot("10")
    page = console.pages.get(f"/producer/labels/{lot}")
    refused = console.pages.submit(page, {"format": "zpl", "layout": "3x8"}, status=400)
    assert "format" in errors(refused)
    small = {"layout": "custom", "width": "20", "height": "15"}
    refused = console.pages.submit(page, small, status=400)
    assert "layout" in errors(refused)
    refused = console.pages.submit(page, {"layout": "custom", "width": "50"}, status=400)
    assert "height" in errors(refused)
    over = {"layout": "custom", "width": "80", "height": "40", "columns": "3", "rows": "2"}
    assert console.pages.submit(page, over, status=400).response.status_code == 400
    fits = {"layout": "custom", "width": "60", "height": "40", "columns": "3", "rows": "7"}
    form = page.form().filled({**fits, "count": "3"})
    answer = console.pages.client.post(f"/producer/labels/{lot}", data=form)
    assert answer.mimetype == "application/pdf"


def test_a_cancelled_drawing_leaves_no_file_and_can_be_drawn_again(console: Console) -> None:
    roll = stamps(console, 50)
    job = rows(console.app, LabelPrint.job)[0][0]
    page = console.pages.get(f"/producer/labels/sheets/{job}")
    done = console.pages.submit(page, {}, status=200)
    assert "Đã dừng vẽ tem" in done.text
    with console.app.app_context():
        run_pending()
    assert console.pages.client.get(f"/producer/labels/sheets/{job}.pdf").status_code == 404
    again = console.pages.get(f"/producer/stamps/{roll}/again")
    told = {"first": "1", "last": "50", "reason": "đã dừng lần trước"}
    address = console.pages.submit(again, told).address
    assert drawn(console, address).startswith(b"%PDF-")
