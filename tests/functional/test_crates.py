"""Crates: labels printed ahead, SSCCs of a company prefix, packing alike and unpacking in part."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import scoped_session
from werkzeug.test import TestResponse

from tests.support.farms import item, make_farm, thing_id
from tests.support.fields import Console, add_partner, errors, open_console
from tests.support.pages import Page, PageClient
from tests.support.photos import photo_of_codes
from tests.support.printers import images_of_tspl, images_of_zpl
from tests.support.stamps import hold
from trace.core.gs1 import check_digit
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import (
    CompanyPrefix,
    CrateLabel,
    Event,
    Holding,
    LabelPrint,
    Organisation,
    Thing,
    Unit,
)
from trace.services.actors import Actor
from trace.services.batches import short_name
from trace.services.crates import new_crates
from trace.services.labels import crate_label
from trace.services.processing import pack

PREFIX = "8936012"


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def register(
    console: Console, prefix: str = PREFIX, extension: str = "3", status: int = 200
) -> Page:
    form = console.pages.get("/producer/crates/prefix")
    return console.pages.submit(form, {"prefix": prefix, "extension": extension}, status=status)


def ahead(console: Console, count: int, **more: str) -> int:
    """Prints labels ahead of packing; the run."""
    form = console.pages.get("/producer/crates/new")
    console.pages.submit(form, {"count": str(count), **more})
    with console.app.app_context():
        return int(db.session.scalar(select(func.max(CrateLabel.run))) or 0)


def codes(console: Console, run: int) -> list[str]:
    """The canonical identities of a run."""
    with console.app.app_context():
        return list(
            db.session.scalars(
                select(CrateLabel.identity).where(CrateLabel.run == run).order_by(CrateLabel.number)
            )
        )


def packed(console: Console, entries: dict[str, str], lot: int, status: int = 200) -> Page:
    form = console.pages.get(f"/producer/batches/pack?thing={lot}")
    return console.pages.submit(form, {"lots-0-quantity": "12", **entries}, status=status)


def held(console: Console, lot: int) -> float:
    with console.app.app_context():
        return float(
            db.session.scalar(select(Holding.quantity).where(Holding.thing_id == lot)) or 0
        )


# -- numbers ---------------------------------------------------------------------------------------


def test_serial_numbers_of_a_prefix_rise_and_are_never_given_twice(console: Console) -> None:
    register(console)
    lot = console.lot("480")
    # Another system of the organisation used number 1 already.
    body = f"3{PREFIX}000000001"
    packed(console, {"parent": f"{body}{check_digit(body)}"}, lot)
    first = codes(console, ahead(console, 3))
    packed(console, {}, lot)
    second = codes(console, ahead(console, 2))
    with console.app.app_context():
        known = set(db.session.scalars(select(Thing.identity).where(Thing.kind == "logistic")))
    numbers = [one.rpartition("/")[2] for one in [*first, *second]]
    assert all(one.startswith(f"3{PREFIX}") and len(one) == 18 for one in numbers)
    assert all(int(one[-1]) == check_digit(one[:-1]) for one in numbers)
    assert [int(one[8:17]) for one in numbers] == [0, 2, 3, 5, 6]
    assert len(known | set(first) | set(second)) == 7


def test_desks_that_print_at_once_never_get_the_same_number(console: Console) -> None:
    register(console)

    def desk(_: int) -> list[str]:
        with console.app.app_context():
            organisation = db.session.get_one(Organisation, console.organisation)
            actor = Actor(organisation, None, "owner")
            found = [one.value for _ in range(5) for one in new_crates(actor, 7)]
            db.session.commit()
            return found

    with ThreadPoolExecutor(4) as desks:
        numbers = [number for found in desks.map(desk, range(4)) for number in found]
    assert len(set(numbers)) == len(numbers) == 140
    assert sorted(int(one[8:17]) for one in numbers) == list(range(140))


@pytest.mark.parametrize(
    ("prefix", "extension", "field"),
    [
        ("893", "0", "prefix"),
        ("893601234567890", "0", "prefix"),
        ("89360-12x", "0", "prefix"),
        ("2000123", "0", "prefix"),
        ("", "0", "prefix"),
        (PREFIX, "10", "extension"),
    ],
)
def test_what_is_no_company_prefix_is_told_beside_its_field(
    console: Console, prefix: str, extension: str, field: str
) -> None:
    page = register(console, prefix, extension, 400)
    assert field in errors(page)
    with console.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(CompanyPrefix)) == 0


def test_disputed_digits_give_no_numbers_and_those_in_use_stay(
    console: Console, now: datetime
) -> None:
    partner = add_partner(console.app)
    with console.app.app_context():
        db.session.add(
            CompanyPrefix(
                prefix="89360", organisation_id=partner, extension=0, issued=0, created_at=now
            )
        )
        db.session.commit()
    assert "Tổ chức khác cũng khai" in register(console, PREFIX, "0").text
    run = ahead(console, 1)
    assert all("/h/" in one for one in codes(console, run))
    register(console, "8937001", "0")
    register(console, "8937002", "4")  # nothing was given out yet: a typing mistake is mended
    ahead(console, 1)
    page = console.pages.get("/producer/crates/prefix")
    assert "8937002" in page.text
    assert page.find("//input[@name='prefix']") == []


def test_without_a_prefix_crates_get_codes_of_ours(console: Console) -> None:
    run = ahead(console, 4)
    assert all("/h/" in one for one in codes(console, run))
    assert len(set(codes(console, run))) == 4


# -- labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["zpl", "tspl"])
def test_a_run_is_printed_with_its_code_and_its_serial_as_bars(console: Console, kind: str) -> None:
    register(console)
    run = ahead(console, 3, format=kind, text="Cải ngọt, thùng 12 kg")
    with console.app.app_context():
        job = db.session.scalar(select(LabelPrint.job).where(LabelPrint.run == run))
        run_pending()
    page = console.pages.get(f"/producer/labels/sheets/{job}")
    link = page.find("//a[contains(@href, '/sheets/') and contains(@class, 'button')]")[0]
    answer = console.pages.client.get(link.get("href"))
    images = (images_of_zpl if kind == "zpl" else images_of_tspl)(answer.get_data())
    answer.close()
    found = []
    for image in images:
        read = {one.format.name: one.text for one in zxingcpp.read_barcodes(image.convert("L"))}
        assert read["QRCode"].rpartition("/")[2] == read["Code128"].removeprefix("(00)")
        found.append(read["Code128"].removeprefix("(00)"))
    assert found == [one.rpartition("/")[2] for one in codes(console, run)]


def test_a_run_printed_again_asks_why_and_says_what_was_packed(console: Console) -> None:
    lot = console.lot("480", lot="L2611")
    page = packed(console, {"crates": "3"}, lot)
    assert "Đã xếp vào 3 thùng" in page.text
    form = console.pages.get(page.address + "/again")
    assert form.find("//input[@name='reason']") == []  # nothing was printed yet
    sheet = console.pages.submit(form, {})
    assert "Cải ngọt" in sheet.text
    form = console.pages.get(page.address + "/again")
    refused = console.pages.submit(form, {"last": "9"}, status=400)
    assert set(errors(refused)) == {"reason"}
    refused = console.pages.submit(form, {"last": "9", "reason": "rách"}, status=400)
    assert set(errors(refused)) == {"last"}


def test_crates_with_held_goods_get_no_labels(console: Console) -> None:
    lot = console.lot("480")
    page = packed(console, {"crates": "2"}, lot)
    hold(console.app, lot)
    form = console.pages.get(page.address + "/again")
    refused = console.pages.submit(form, {}, status=409)
    assert "giữ" in " ".join(errors(refused).values())
    with console.app.app_context():
        assert db.session.scalar(select(func.count(LabelPrint.id))) == 0


# -- packing ---------------------------------------------------------------------------------------


def test_crates_filled_alike_are_packed_from_the_first_label_to_the_last(console: Console) -> None:
    lot = console.lot("480")
    run = ahead(console, 5)
    listed = codes(console, run)
    ends = {"parent": listed[3], "last": listed[1].rpartition("/")[2].lower()}  # in either order
    packed(console, ends, lot)
    with console.app.app_context():
        made = db.session.scalars(select(Thing.identity).where(Thing.kind == "logistic")).all()
        steps = db.session.scalars(select(Event.biz_step)).all()
    assert set(made) == set(listed[1:4])
    assert steps.count("packing") == 3
    shown = console.pages.get(f"/producer/crates/{run}").text
    assert shown.count("đã đóng thùng") == 3 + 1  # three rows, and the line above them


def test_what_cannot_be_packed_is_told_beside_its_field(console: Console) -> None:
    lot = console.lot("480")
    one, two = (codes(console, ahead(console, 2)) for _ in range(2))

    def told(field: str, entries: dict[str, str]) -> None:
        page = packed(console, entries, lot, 400)
        assert field in errors(page), errors(page)

    told("parent", {"parent": "không phải mã"})
    told("parent", {"parent": "389360120000000140"})  # check digit
    told("last", {"parent": one[0], "last": two[0]})
    told("last", {"parent": one[0], "last": "HTTP://LOCALHOST/H/0000000000"})
    told("crates", {"crates": "201"})
    told("crates", {"crates": "0"})
    told("lots-0-quantity", {"lots-0-quantity": ""})
    assert console.things("logistic") == []
    with console.app.app_context():
        assert db.session.scalar(select(func.count(CrateLabel.id))) == 4


def test_a_photo_of_the_label_fills_an_empty_box_and_a_bad_one_says_what_to_do(
    console: Console,
) -> None:
    lot = console.lot("480")
    (code,) = codes(console, ahead(console, 1))
    path = code.removeprefix("https://trace.example")
    form = console.pages.get(f"/producer/batches/pack?thing={lot}")

    def send(image: bytes) -> TestResponse:
        entries = {**form.form().filled({"lots-0-quantity": "12"})}
        entries["parent_photo"] = (io.BytesIO(image), "tem.png")
        return console.pages.client.post(
            "/producer/batches/pack",
            data=entries,
            content_type="multipart/form-data",
            follow_redirects=True,
        )

    blank = io.BytesIO()
    Image.new("L", (300, 300), 255).save(blank, "PNG")
    answer = send(blank.getvalue())
    assert answer.status_code == 400
    assert "Không thấy mã nào" in answer.text
    answer = send(photo_of_codes(f"HTTP://LOCALHOST{path.upper()}", "HTTP://LOCALHOST/H/2"))
    assert answer.status_code == 400
    assert "một tem" in answer.text
    assert console.things("logistic") == []
    assert send(photo_of_codes(f"HTTP://LOCALHOST{path.upper()}")).status_code == 200
    with console.app.app_context():
        assert db.session.scalar(select(Thing.identity).where(Thing.kind == "logistic")) == code


def test_unpacking_takes_what_is_ticked_and_only_what_is_left_moves_with_the_crate(
    console: Console,
) -> None:
    lots = [console.lot("100"), console.lot("50", console.herbs)]
    form = console.pages.get(f"/producer/batches/pack?thing={lots[0]}&thing={lots[1]}")
    told = {"lots-0-quantity": "12", "lots-1-quantity": "5"}
    console.pages.submit(form, told)
    (crate,) = console.things("logistic")
    form = console.pages.get(f"/producer/batches/{crate}/unpack")
    assert "12 kg" in form.text
    assert "5 kg" in form.text
    refused = console.pages.submit(form, {"things": []}, status=400)
    assert "things" in errors(refused)
    done = console.pages.submit(form, {"things": [str(lots[1])]})
    assert "một phần" in done.text
    form = console.pages.get(f"/producer/batches/{crate}/unpack")
    assert "5 kg" not in form.text
    ship = console.pages.get(f"/producer/shipments/new?thing={crate}")
    console.pages.submit(ship, {})
    assert (held(console, lots[0]), held(console, lots[1])) == (88.0, 50.0)


def test_crates_go_onto_a_pallet_as_they_are(console: Console) -> None:
    lot = console.lot("480")
    packed(console, {"crates": "2"}, lot)
    boxes = console.things("logistic")
    form = console.pages.get(f"/producer/batches/pack?thing={boxes[0]}&thing={boxes[1]}")
    console.pages.submit(form, {})
    (pallet,) = set(console.things("logistic")) - set(boxes)
    page = console.pages.get(f"/producer/batches/{pallet}/unpack")
    assert page.text.count("Thùng, kiện") >= 2


# -- the delivery note on narrow paper -------------------------------------------------------------


@pytest.mark.parametrize("stock", ["receipt-58", "receipt-80", "roll-100x150"])
def test_a_delivery_note_is_printed_on_narrow_paper_and_its_code_answers_it(
    console: Console, stock: str
) -> None:
    lots = [console.lot(str(40 + number)) for number in range(6)]
    things = "&".join(f"thing={lot}" for lot in lots)
    page = console.pages.submit(console.pages.get(f"/producer/shipments/new?{things}"), {})
    event = page.address.rpartition("/")[2]
    form = console.pages.get(f"/producer/labels/notes/{event}")
    assert "Phiếu giao hàng" in form.text
    for kind, reader in (("zpl", images_of_zpl), ("tspl", images_of_tspl)):
        entries = form.form().filled({"layout": stock, "format": kind})
        answer = console.pages.client.post(f"/producer/labels/notes/{event}", data=entries)
        assert answer.status_code == 200
        (image,) = reader(answer.get_data())
        (found,) = zxingcpp.read_barcodes(image.convert("L"))
        assert "/g/" in found.text
        answers = console.app.test_client().get("/g/" + found.text.rpartition("/")[2])
        assert answers.status_code == 200
    entries = form.form().filled({"layout": stock, "format": "png"})
    answer = console.pages.client.post(f"/producer/labels/notes/{event}", data=entries)
    assert answer.mimetype == "image/png"
    entries = form.form().filled({"layout": stock, "format": "pdf"})
    answer = console.pages.client.post(f"/producer/labels/notes/{event}", data=entries)
    assert answer.data.startswith(b"%PDF-")
    entries = form.form().filled({"layout": "3x8"})
    assert console.pages.client.post(form.address, data=entries).status_code == 400


def test_a_note_of_others_is_not_ours_to_print(console: Console, app: Flask) -> None:
    assert console.pages.client.get("/producer/labels/notes/999").status_code == 404


# -- a label before the console's camera -----------------------------------------------------------


def test_the_consoles_camera_opens_what_a_label_is_on_or_the_form_that_puts_it_on(
    console: Console,
) -> None:
    lot = console.lot("480")
    first, second = codes(console, ahead(console, 2))
    packed(console, {"parent": first}, lot)
    (crate,) = console.things("logistic")
    console.pages.submit(console.pages.get("/producer/stamps/new"), {"count": "2"})
    with console.app.app_context():
        rows = db.session.execute(select(Unit.key, Unit.serial).order_by(Unit.number)).all()
    stamps = [f"http://localhost/{key}/{serial}".upper() for key, serial in rows]
    bind = console.pages.get("/producer/stamps/bind")
    console.pages.submit(bind, {"first": stamps[0], "lot": str(lot)})

    def opened(text: str) -> str:
        return console.pages.get("/producer/scan/?" + urlencode({"code": text})).address

    assert opened(first).endswith(f"/producer/batches/{crate}")
    assert "/producer/batches/pack?crate=" in opened(second)
    assert opened(stamps[0]).endswith(f"/producer/batches/{lot}")
    assert opened(rows[0].serial.lower()).endswith(f"/producer/batches/{lot}")
    form = console.pages.get("/producer/scan/?" + urlencode({"code": stamps[1]}))
    assert form.find("//input[@name='first']")[0].get("value") == stamps[1]


@pytest.mark.parametrize(
    ("private", "shown"),
    [
        ([], True),
        (["childQuantityList"], False),
        (["childQuantityList/0"], False),
        (["parentID"], False),
    ],
)
def test_a_crates_label_tells_strangers_nothing_its_packing_keeps_from_them(
    db_session: scoped_session[Any], now: datetime, private: list[str], shown: bool
) -> None:
    farm = make_farm(now - timedelta(days=2))
    lot, crate = farm.register(), farm.box(farm.register(), kilos=30)
    farm.tell(pack(farm.record(), crate, [item(lot, 12)]), private=private)
    label = crate_label(farm.actor, db.session.get_one(Thing, thing_id(crate)))
    words = " ".join((label.name, label.weight, *label.dates))
    assert (short_name(lot) in words, "42 kg" in words) == (shown, shown)
    assert ("12 kg" in words) == shown
    assert "30 kg" in words, "what is public of it stays on the label"
