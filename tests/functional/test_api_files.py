"""What takes a while, asked for by programs: sheets of labels, spreadsheets, everything in one
file."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.functional.test_approvals import demand, enrol
from tests.support.api import Program
from tests.support.factories import make_actor
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.passkeys import Phone
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Organisation

WHEN = "2026-11-20T07:30:00+07:00"
HOUSEHOLDS = "Mã hộ;Tên hộ;Điện thoại;Thôn, xóm\nH01;Hộ một;;\nH02;Hộ hai;;\nH 0 3!;Hộ ba;;\n"


@pytest.fixture
def farm(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now).organisation)


@pytest.fixture
def stranger(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now, "HTX Khác").organisation)


def work(app: Flask) -> None:
    with app.app_context():
        run_pending()


def test_labels_are_drawn_and_fetched(app: Flask, farm: Program, stranger: Program) -> None:
    body = {"when": WHEN, "product_name": "Cải ngọt", "quantity": 480, "unit": "kg"}
    lot = farm.post("/batches", body)["events"][0]["things"][0]["id"]
    sheet = {"layout": "3x8", "format": "pdf", "count": 24}
    same = farm.post(f"/batches/{lot}/labels", sheet, expect=202)
    each = farm.post(f"/batches/{lot}/labels", {**sheet, "what": "unit", "count": 3}, expect=202)
    assert farm.refused("GET", f"/labels/{same['id']}/file", 404)
    work(app)
    for asked in (same, each):
        done = farm.get(f"/labels/{asked['id']}")
        assert (done["state"], done["done"]) == ("done", done["total"])
        file = farm.ask("GET", done["file"], expect=200)
        assert file.data.startswith(b"%PDF")
        assert stranger.refused("GET", f"/labels/{asked['id']}", 404)
    # The numbers were bound by a signed event before anything was drawn.
    assert len(farm.get(f"/batches/{lot}/events")["items"]) == 2
    wrong = farm.refused("POST", f"/batches/{lot}/labels", 400, json={"layout": "9x9", "count": 0})
    assert [one["path"] for one in wrong["errors"]] == ["/layout", "/count"]


def test_a_spreadsheet_is_looked_at_then_recorded_and_undone(
    app: Flask, farm: Program, stranger: Program
) -> None:
    sent = farm.ask(
        "POST", "/imports/households", data=HOUSEHOLDS.encode(), content_type="text/csv", expect=202
    )
    where = sent.headers["Location"]
    work(app)
    seen = farm.get(where)
    assert (seen["state"], seen["rows"], seen["good"], seen["bad"]) == ("checked", 3, 2, 1)
    other = [{"name": "code", "column": 1}, {"name": "phone", "column": 3}]
    wrong = {"columns": [{"name": "x", "column": 1}]}
    told = farm.refused("POST", f"{where}/columns", 400, json=wrong)
    assert told["path"] == "/columns/0/name"
    for columns in (other, [other[0], {"name": "name", "column": 2}]):
        farm.post(f"{where}/columns", {"columns": columns}, expect=202)
        work(app)
    assert farm.get(where)["good"] == 2
    (refused,) = farm.get(f"{where}/rows?state=refused")["items"]
    assert refused["errors"][0]["code"] == "household-code-text"
    assert farm.refused("POST", f"{where}/start", 409, json={"mode": "all"})
    farm.post(f"{where}/start", {"mode": "valid"}, expect=202)
    work(app)
    assert farm.get(where)["state"] == "done"
    assert [one["code"] for one in farm.get("/households")["items"]] == ["H01", "H02"]
    assert stranger.refused("GET", where, 404)
    assert farm.get("/imports")["items"][0]["id"] == seen["id"]
    farm.post(f"{where}/undo", None, expect=202)
    work(app)
    assert farm.get(where)["state"] == "undone"
    assert (
        farm.ask("POST", "/imports/nothing", data=b"x", content_type="text/csv").status_code == 404
    )


@pytest.mark.one_database
def test_everything_is_taken_away_in_one_file(app: Flask, farm: Program, stranger: Program) -> None:
    farm.post("/households", {"code": "H01"})
    asked = farm.post("/exports", None, expect=202)
    work(app)
    done = farm.get(f"/exports/{asked['id']}")
    file = farm.ask("GET", done["file"], expect=200)
    assert zipfile.ZipFile(io.BytesIO(file.data)).testzip() is None
    assert stranger.refused("GET", done["file"], 404)


def test_what_a_program_records_waits_where_a_passkey_must_approve(
    app: Flask, client: FlaskClient, pages: PageClient, now: datetime
) -> None:
    member = make_member(app)
    sign_in(app, pages.client, member, at=now)
    enrol(pages, Phone("điện thoại thử"))
    demand(pages)
    with app.app_context():
        farm = Program(client, db.session.get_one(Organisation, member.organisation_id))
    body = {"when": WHEN, "product_name": "Cải ngọt", "quantity": 480, "unit": "kg"}
    told = farm.post("/batches", body, expect=202)
    assert told["events"] == []
    assert told["waiting"]
    assert farm.get("/batches")["items"] == []
