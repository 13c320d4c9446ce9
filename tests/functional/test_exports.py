""" "My data": everything an organisation owns in one file, for nobody else."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal

import openpyxl
import pytest
import time_machine
from flask import Flask

from tests.support.farms import make_farm
from tests.support.fields import Console, open_console
from tests.support.kept import photo_file
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.core.epcis import check_event, parse_document
from trace.core.statements import open_statement
from trace.extensions import Model, db
from trace.jobs.tidying import tidy
from trace.jobs.worker import run_pending
from trace.models import (
    Attachment,
    BookLine,
    Job,
    Jotting,
    Place,
    Plan,
    WeighingLine,
    WeighingSheet,
)
from trace.services import export_collecting, exports
from trace.services.export_tables import ELSEWHERE, LEFT_OUT, OWN, TITLES, shown_columns
from trace.services.exports import KEPT, KIND
from trace.services.files import FilesAway


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


def test_while_photos_cannot_be_reached_nothing_is_handed_out_without_them(
    console: Console, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = console.pages.get(f"/producer/batches/{console.lot('480')}/store")
    entries = {"step": "cooling", "celsius": "5", "photos": (io.BytesIO(a_photo()), "a.jpg")}
    console.pages.submit(page, entries)

    def away(_digest: str) -> bytes:
        raise FilesAway

    with monkeypatch.context() as patch, console.app.app_context():
        patch.setattr(export_collecting, "read_kept", away)
        console.pages.submit(console.pages.get("/producer/my-data/"), {})
        run_pending()
        assert db.session.query(Job.state).filter(Job.kind == KIND).one().state == "queued"
    with time_machine.travel(now + timedelta(minutes=10), tick=False):
        with console.app.app_context():
            run_pending()
        address = console.pages.get("/producer/my-data/").find("//main//td/a/@href")[0]
        answer = console.pages.client.get(str(address))
    data = answer.data
    answer.close()
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert [name for name in file.namelist() if name.startswith("photos/")]


def test_working_papers_are_in_it_and_what_could_not_be_is_told(
    console: Console, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_collecting, "BUNDLES", 1)
    console.lot("1")
    lot = console.lot("480", lot="L2611")
    page = console.pages.get(f"/producer/batches/{lot}/store")
    entries = {"step": "cooling", "celsius": "5", "photos": (io.BytesIO(a_photo()), "a.jpg")}
    console.pages.submit(page, entries)
    with console.app.app_context():
        other = make_farm(now, "HTX Demo Khác").organisation.id
        for organisation, words in ((console.organisation, "của ta"), (other, "của người")):
            given = {"organisation_id": organisation, "created_at": now}
            db.session.add(BookLine(book="waste", day=now.date(), item=words, **given))
            db.session.add(Plan(thing_id=lot, step="spraying", due=now.date(), note=words, **given))
            db.session.add(Jotting(at=now, sentence=words, **given))
            sheet = WeighingSheet(product_id=console.greens, day=now.date(), **given)
            db.session.add(sheet)
            db.session.flush()
            line = {"sheet_id": sheet.id, "household_id": console.household}
            db.session.add(WeighingLine(kilograms=Decimal("12.5"), typed=words, **line))
        db.session.commit()
        photo_file(db.session.scalars(db.select(Attachment.digest)).one()).unlink()
    address = collect(console)
    assert "thiếu 2 thứ" in console.pages.get("/producer/my-data/").text
    answer = console.pages.client.get(address)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as file:

        def told(name: str) -> list[dict[str, str]]:
            text = file.read(name).decode("utf-8-sig")
            return list(csv.DictReader(io.StringIO(text)))

        for table, column in (
            ("book_lines", "item"),
            ("plans", "note"),
            ("jottings", "sentence"),
            ("weighing_lines", "typed"),
        ):
            assert [row[column] for row in told(f"csv/{table}.csv")] == ["của ta"], table
        book = openpyxl.load_workbook(io.BytesIO(file.read("du-lieu.xlsx")))
        contents = [list(row) for row in book["Mục lục"].iter_rows(values_only=True)]
        assert ["plans", "Việc dự định", "Plans", 1] in contents
        assert "export.ask" in {row["action"] for row in told("csv/audit.csv")}
        assert told("csv/weighing_lines.csv")[0]["household"] == "H12"
        reasons = {row["code"] for row in told("not-included.csv")}
        assert reasons == {"older-lot", "not-found"}
        assert "not-included.csv" in file.read("README.txt").decode()
    answer.close()


def test_every_table_is_exported_or_left_out_with_a_reason() -> None:
    left_out = [name for tables in LEFT_OUT.values() for name in tables]
    listed = [*OWN, *ELSEWHERE, *left_out]
    assert len(listed) == len(set(listed))
    unknown = set(Model.metadata.tables) - set(listed)
    assert unknown == set(), f"say in trace/services/export_tables.py what becomes of {unknown}"
    assert set(listed) - set(Model.metadata.tables) == set()
    assert set(TITLES) == set(OWN)


def test_no_secret_is_in_a_table_that_is_exported() -> None:
    words = re.compile("hash|secret|salt|sealed|password|token|credential|private")
    shown = {
        f"{name}.{column.name}"
        for name in OWN
        for column in shown_columns(Model.metadata.tables[name])
    }
    assert {name for name in shown if words.search(name.partition(".")[2])} == set()


def test_old_files_and_what_killed_workers_left_are_tidied_away(
    console: Console, now: datetime
) -> None:
    with console.app.app_context():
        folder = exports.folder()
        folder.mkdir(parents=True)
        fresh, old, part = (folder / name for name in ("a.zip", "b.zip", ".c.part"))
        work = folder / ".work-d"
        work.mkdir()
        (work / "book.xlsx").write_bytes(b"x")
        for path in (fresh, old, part):
            path.write_bytes(b"x")
        before = (now - KEPT - timedelta(minutes=1)).timestamp()
        for path in (old, part, work):
            os.utime(path, (before, before))
        os.utime(fresh, (now.timestamp(), now.timestamp()))
        assert tidy(at=now)["exports"] == 3
        assert [path.name for path in folder.iterdir()] == ["a.zip"]


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
