"""What an organisation keeps for itself, by a program: books, catalogues, crates, notes, codes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import Program
from tests.support.factories import make_actor
from tests.support.photos import a_photo
from trace.api.v1 import masters, registers
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Attachment
from trace.models.books import BOOKS
from trace.services.weights import WEIGHABLE

WHEN = "2026-11-20T07:30:00+07:00"


@pytest.fixture
def farm(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now).organisation)


@pytest.fixture
def stranger(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now, "HTX Khác").organisation)


def test_private_books_are_written_struck_through_and_summed_up(
    farm: Program, stranger: Program
) -> None:
    place = farm.post("/places", masters.PLACE)["id"]
    for book in BOOKS:
        body = {"day": "2026-11-20", **registers.EXAMPLES[book]}
        if "place" in body:
            body["place"] = place
        made = farm.post(f"/books/{book}/lines", body)
        assert farm.get(f"/books/{book}/lines")["items"] == [made]
        assert stranger.get(f"/books/{book}/lines")["items"] == []
    (bought,) = farm.get("/books/purchase/lines")["items"]
    assert bought["content"] == {"seller": "Đại lý Demo"}
    (shelf,) = farm.get("/stock")["items"]
    assert (shelf["bought"], shelf["counted"], shelf["left"]) == (0, 1.5, 1.5)
    strike = f"/books/lines/{bought['id']}/strike"
    assert stranger.refused("POST", strike, 404)
    assert farm.post(strike, None, expect=200)["struck_at"] is not None
    assert farm.refused("POST", strike, 409)["code"] == "line-struck"
    assert farm.refused("GET", "/books/other/lines", 404)
    bad = farm.refused("POST", "/books/land/lines", 400, json={"day": "2026-11-20", "place": 99999})
    assert {one["path"] for one in bad["errors"]} == {"/work"}


def test_catalogues_and_weighed_units_are_the_organisations_own(
    farm: Program, stranger: Program
) -> None:
    lines = "name,interval_days\nThuốc Của Nhà,7\n".encode()
    brought = farm.ask("POST", "/catalogues/input", data=lines, content_type="text/csv", expect=201)
    assert brought.json == {"lines": 1}
    (own,) = farm.get("/catalogues/input")["items"]
    assert (own["name"], own["intervals"], own["own"]) == ("Thuốc Của Nhà", {"": 7}, True)
    assert all(not one["own"] for one in stranger.get("/catalogues/input")["items"])
    wrong = b"name,interval_days\nX,seven\n"
    told = farm.refused("POST", "/catalogues/input", 400, data=wrong, content_type="text/csv")
    assert told["errors"]
    assert farm.refused("GET", "/catalogues/other", 404)
    product = farm.post("/products", masters.PRODUCT)["id"]
    at = f"/products/{product}/weights"
    body = {"unit": WEIGHABLE[0], "kilograms": 0.4, "weighed_on": "2026-11-20"}
    assert farm.post(at, body) == body
    assert farm.get(at) == {"items": [body]}
    assert stranger.refused("GET", at, 404)


def test_crates_are_printed_ahead_and_their_codes_found(
    app: Flask, farm: Program, stranger: Program
) -> None:
    sheet = {"layout": "roll-100x150", "format": "pdf"}
    job = farm.post("/crates", {**sheet, "count": 3}, expect=202)
    with app.app_context():
        run_pending()
    assert farm.get(f"/labels/{job['id']}")["state"] == "done"
    (run,) = farm.get("/crates")["items"]
    shown = farm.get(f"/crates/{run['run']}")
    assert [one["number"] for one in shown["labels"]] == [1, 2, 3]
    code = shown["labels"][0]["address"]
    found = farm.get("/codes", query_string={"text": code})
    assert (found["kind"], found["id"]) == ("crate", None)
    again = f"/crates/{run['run']}/again"
    farm.post(again, {**sheet, "first": 3, "last": 2, "reason": "nhòe"}, expect=202)
    over = farm.refused("POST", again, 400, json={**sheet, "first": 1, "last": 4})
    assert over["errors"][0]["path"] == "/last"
    assert stranger.refused("GET", f"/crates/{run['run']}", 404)
    assert farm.get("/organisation/prefix")["prefix"] is None
    made = farm.post("/organisation/prefix", {"prefix": "893850000", "extension": 1})
    assert (made["prefix"], made["extension"], made["issued"]) == ("893850000", 1, 0)
    assert farm.get("/codes", expect=400, query_string={"text": "gì đó"})["code"] == "not-our-code"


def test_a_note_is_printed_and_its_link_made_anew_by_its_giver(
    farm: Program, stranger: Program
) -> None:
    lot = farm.post("/batches", {"when": WHEN, "product_name": "Cải", "quantity": 5})["events"][0]
    lots = [{"thing": lot["things"][0]["id"], "quantity": 2, "unit": "kg"}]
    buyer = stranger.get("/organisation")["code"]
    sent = farm.post("/handovers", {"when": WHEN, "taker": buyer, "lots": lots})["events"][0]["id"]
    for kind, start in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        drawn = farm.ask("POST", f"/handovers/{sent}/paper", json={"format": kind}, expect=200)
        assert drawn.data.startswith(start)
    first = farm.post(f"/handovers/{sent}/link", None)["address"]
    second = farm.post(f"/handovers/{sent}/link", None)["address"]
    assert first != second
    path = {one: "/g/" + one.partition("/g/")[2] for one in (first, second)}
    assert farm.client.get(path[first]).status_code == 404
    assert farm.client.get(path[second]).status_code == 200
    assert stranger.refused("POST", f"/handovers/{sent}/link", 404)
    note = farm.get(f"/handovers/{sent}")["note"]
    assert farm.get("/codes", query_string={"text": note})["id"] == sent
    assert stranger.get("/codes", query_string={"text": note})["kind"] == "note"


def test_saved_entries_jottings_and_a_loggers_file(farm: Program, stranger: Program) -> None:
    saved: dict[str, Any] = {
        "name": "Phun sâu tơ",
        "step": "spraying",
        "season": "winter",
        "inputs": [{"name": "Thuốc Demo", "amount": 2.5, "unit": "lít", "interval_days": 7}],
    }
    made = farm.post("/presets", saved)
    assert made["content"]["inputs-0-amount"] == "2,5"
    assert farm.get("/presets")["items"] == [made]
    assert farm.refused("POST", "/presets", 409, json=saved)["code"] == "preset-exists"
    event = farm.post("/batches", {"when": WHEN, "product_name": "Cải", "quantity": 5})["events"][0]
    jotting = farm.post("/jottings", {"when": WHEN, "sentence": "sâu nhiều"})["id"]
    told = f"/jottings/{jotting}/told"
    assert stranger.refused("POST", told, 404, json={"event": event["id"]})
    farm.post(told, {"event": event["id"]}, expect=200)
    assert farm.get("/jottings")["items"] == []
    sensor = farm.post("/sensors", {"name": "Kho mát"})["id"]
    lines = b"time,temperature\n2026-11-20T07:10:00+07:00,4.2\n"
    at = f"/sensors/{sensor}/readings"
    for kept, known in ((1, 0), (0, 1)):
        taken = farm.ask("POST", at, data=lines, content_type="text/csv", expect=200)
        assert taken.json == {"kept": kept, "known": known}
    assert stranger.refused("POST", at, 404, data=lines, content_type="text/csv")


def test_photos_for_one_authority_stay_private(app: Flask, farm: Program) -> None:
    for query, public in (("?private=true", False), ("", True)):
        data = a_photo()
        kept = farm.ask("POST", f"/photos{query}", data=data, content_type="image/jpeg")
        assert kept.status_code == 201, kept.text
        assert kept.json is not None
        with app.app_context():
            assert db.session.get_one(Attachment, kept.json["digest"]).public is public
