""" "My data": everything an organisation owns in one file, for nobody else."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import datetime, timedelta

import openpyxl
import pytest
from flask import Flask

from tests.support.farms import make_farm
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.core.epcis import check_event, parse_document
from trace.core.statements import open_statement
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Job, Place
from trace.services.exports import KEPT, KIND


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def collect(console: Console) -> str:
    """Presses the button and waits; the address of the file."""
    page = console.pages.get("/producer/my-data/")
    console.pages.submit(page, {})
    with console.app.app_context():
        run_pending()
        job = db.session.query(Job).filter(Job.kind == KIND).one()
        assert job.state == "done", job.result
    found = console.pages.get("/producer/my-data/").find("//main//td/a/@href")
    return str(found[0])


def test_the_file_holds_all_that_is_ones_own_and_nothing_of_others(
    console: Console, now: datetime
) -> None:
    lot = console.lot("480", lot="L2611")
    with console.app.app_context():
        db.session.get_one(Place, console.plot).name = '=HYPERLINK("x")'
        db.session.commit()
        make_farm(now, "HTX Demo Khác").register(kilos=5)
    page = console.pages.get(f"/producer/batches/{lot}/store")
    entries = {"step": "cooling", "celsius": "5", "photos": (io.BytesIO(a_photo()), "a.jpg")}
    console.pages.submit(page, entries)
    answer = console.pages.client.get(collect(console))
    assert answer.headers["Cache-Control"] == "no-store"
    data = answer.data
    answer.close()
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        names = set(file.namelist())
        book = openpyxl.load_workbook(io.BytesIO(file.read("du-lieu.xlsx")))
        events = file.read("events.jsonld")
        statements = [json.loads(line) for line in file.read("statements.jsonl").splitlines()]
        text = file.read("csv/places.csv").decode("utf-8-sig")
        assert "HTX Minh họa" in file.read("README.txt").decode()
        assert "HTX Demo Khác" not in text
        assert file.read("checkpoint.txt").startswith(b"trace.example/log")
    assert len([name for name in names if name.startswith("photos/")]) == 1
    assert len([name for name in names if name.startswith("bundles/")]) == 1
    document = parse_document(events)
    mine = console.events()
    told = [line for line in mine if line.issuer.id == console.organisation]
    assert len(document.events) == len(told) == len(statements)
    for event, line in zip(document.events, told, strict=True):
        check_event(event, now=now)
        assert event["eventID"] == line.document["eventID"]
    for one in statements:
        assert open_statement(one["sdjwt"]).withheld == ()
        assert json.loads(one["entry"])["h"]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert '\'=HYPERLINK("x")' in {row["name"] for row in rows}
    cells = [cell for row in book["places"].iter_rows() for cell in row]
    (guarded,) = [cell for cell in cells if str(cell.value).startswith("=HYPERLINK")]
    assert guarded.data_type != "f", "a text that looks like a formula is not one"


def test_the_file_is_for_owners_of_the_organisation_and_for_three_days(
    console: Console, now: datetime
) -> None:
    console.lot("1")
    address = collect(console)
    with console.app.app_context():
        job = db.session.query(Job).filter(Job.kind == KIND).one()
        job.finished_at = now - KEPT - timedelta(minutes=1)
        db.session.commit()
    assert console.pages.client.get(address).status_code == 404
    assert "đã hết hạn" in console.pages.get("/producer/my-data/").text
    with console.app.app_context():
        job = db.session.query(Job).filter(Job.kind == KIND).one()
        job.finished_at = now
        job.organisation_id = make_farm(now, "HTX Demo Khác").organisation.id
        db.session.commit()
    assert console.pages.client.get(address).status_code == 404
