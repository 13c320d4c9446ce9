"""The pages of papers in the console: what a lot has, what is missing, and files that open."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from flask import Flask

from tests.support.fields import Console, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Organisation, Thing
from trace.services.batches import identity_of

HERE = "/producer/papers/"


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def test_a_lot_has_its_papers_and_each_opens(console: Console, app: Flask) -> None:
    pages = console.pages
    lot = console.lot(product=console.herbs)
    send = pages.get(f"/producer/shipments/new?thing={lot}")
    pages.submit(send, {"lots-0-quantity": "12"})
    page = pages.get(pages.get(f"/producer/batches/{lot}").link("Giấy tờ của lô"))
    assert "Hồ sơ truy xuất" in page.texts("//h2")
    assert "Mã GTIN: chưa có (chưa bắt buộc)" in page.text
    assert "không có nơi trồng nào được khai" in page.text
    assert "chưa nối với cổng quốc gia" in page.text
    told = json.loads(pages.client.get(page.link("Tải sự kiện (EPCIS)")).data)
    assert [one["bizStep"] for one in told["epcisBody"]["eventList"]] == [
        "creating_class_instance",
        "shipping",
    ]
    page = pages.submit(page, {"act": "fsma-xlsx"})
    assert "đang làm" in page.text
    with app.app_context():
        run_pending()
    page = pages.get(f"{HERE}lots/{lot}")
    assert "sẵn sàng, 1 dòng" in page.text
    file = page.find("//section[@aria-labelledby='fsma']//li/a")[0].get("href")
    answer = pages.client.get(file, buffered=True)
    assert openpyxl.load_workbook(io.BytesIO(answer.data)).sheetnames[0] == "Key data elements"
    steps = pages.client.get(page.link("Tải bảng tính (CSV)")).get_data(as_text=True)
    assert len(list(csv.reader(io.StringIO(steps)))) == 2
    english = pages.get(f"{HERE}lots/{lot}?lang=en")
    assert "GTIN: not there (not yet required)" in english.text


def test_credentials_are_issued_shown_and_taken_back_on_the_page(console: Console) -> None:
    pages = console.pages
    lot = console.lot()
    page = pages.get(f"{HERE}lots/{lot}")
    page = pages.submit(page, {"act": "credential-passport"})
    assert "còn giá trị" in page.text
    credential = page.find("//section[@aria-labelledby='credentials']//li/a")[0].get("href")
    assert pages.client.get(credential).content_type == "application/vc+jwt"
    confirm = pages.get(page.find("//section[@aria-labelledby='credentials']//li/a")[1].get("href"))
    page = pages.submit(confirm, {})
    assert "đã thu lại" in page.text
    refused = pages.submit(page, {"act": "\x00"}, status=400)
    assert refused.find("//*[@role='alert']")


def test_a_passport_is_handed_in_and_its_state_is_told(
    console: Console, app: Flask, tmp_path: Path
) -> None:
    told = replace(app.extensions["trace.settings"], portal=str(tmp_path / "portal"))
    app.extensions["trace.settings"] = told
    pages = console.pages
    lot = console.lot()
    page = pages.submit(pages.get(f"{HERE}lots/{lot}"), {"act": "portal"})
    assert "chờ gửi" in page.text
    with app.app_context():
        run_pending()
    page = pages.get(HERE)
    assert "đã gửi, chờ biên nhận" in page.text
    page = pages.get(page.find("//td/a")[0].get("href"))
    sent = json.loads(pages.client.get(page.link("Xem tệp đã gửi")).data)
    assert sent["kind"] == "passport"
    assert not page.find("//main//form")  # nothing to send again while it is on its way


def test_the_organisations_own_record_of_partners_comes_as_a_file_of_a_span(
    console: Console,
) -> None:
    pages = console.pages
    lot = console.lot()
    pages.submit(pages.get(f"/producer/shipments/new?thing={lot}"), {"lots-0-quantity": "12"})
    page = pages.get(f"{HERE}?from=2026-11-01&to=2026-11-30")
    answer = pages.client.get(page.link("Tải sổ (Excel)"))
    (sheet,) = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert sheet.max_row == 2
    for query in ("?from=x&to=", "?from=0001-01-01&to=9999-12-31&before=9", "?before=%00"):
        pages.get(HERE + query)
    assert pages.client.get(f"{HERE}?from=0001-01-01&to=9999-12-31&format=csv").status_code == 200


def test_papers_of_others_are_not_found(console: Console, app: Flask) -> None:
    lot = console.lot()
    client = app.test_client()
    sign_in(app, client, make_member(app, name="HTX khác"))
    for path in (
        f"lots/{lot}",
        f"lots/{lot}/plots.geojson",
        f"lots/{lot}/events.jsonld",
        f"lots/{lot}/steps.csv",
        "lots/999999999999999999",
        "files/x",
        "deliveries/%00",
        "credentials/x/revoke",
    ):
        assert client.get(HERE + path).status_code == 404, path


def test_an_authority_takes_papers_of_what_it_reaches_and_others_open_no_such_page(
    console: Console, app: Flask
) -> None:
    lot = console.lot()
    pages = console.pages
    desk = f"/inspection/papers/{lot}"
    assert pages.client.get(desk).status_code == 403
    member = make_member(app, role="inspector", kind="authority", name="Chi cục Minh họa")
    with app.app_context():
        office = db.session.get_one(Organisation, member.organisation_id)
        office.status, office.jurisdiction = "confirmed", "*"
        db.session.commit()
    sign_in(app, pages.client, member)
    chain = pages.get(f"/inspection/chain/?of={path_of_thing(app, lot)}")
    page = pages.submit(pages.get(chain.link("FSMA, EUDR, EPCIS")), {"act": "fsma-csv"})
    with app.app_context():
        run_pending()
    file = pages.get(desk).find("//section[@aria-labelledby='fsma']//li/a")[0].get("href")
    assert pages.client.get(file, buffered=True).status_code == 200
    told = json.loads(pages.client.get(page.link("Tải sự kiện (EPCIS)")).data)
    assert len(told["epcisBody"]["eventList"]) == 1
    assert pages.client.get("/inspection/papers/999999").status_code == 404


def path_of_thing(app: Flask, lot: int) -> str:
    with app.app_context():
        return identity_of(db.session.get_one(Thing, lot)).path.lstrip("/")
