"""A farm's programs tell a whole season over HTTP: what they record is what the console records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import Program, codes
from tests.support.factories import make_actor
from trace.api.v1 import masters
from trace.extensions import db
from trace.models import Event

WHEN = "2026-11-20T07:30:00+07:00"


@pytest.fixture
def farm(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now).organisation)


@pytest.fixture
def shop(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now, "Cửa hàng Demo", "retailer").organisation)


def named(recorded: Any, role: str) -> Any:
    """The first thing in a role of what was recorded last."""
    return next(one for one in recorded["events"][-1]["things"] if one["role"] == role)


def amounts(batch: Any) -> list[tuple[float, str]]:
    return [(one["quantity"], one["uom"]) for one in batch["held"]]


def test_a_season_from_sowing_to_the_shop(app: Flask, farm: Program, shop: Program) -> None:
    plot = farm.post("/places", masters.PLACE)["id"]
    product = farm.post("/products", masters.PRODUCT)["id"]
    household = farm.post("/households", masters.HOUSEHOLD)["id"]
    begun = farm.post(
        "/cycles",
        {
            "beginning": "sowing",
            "when": "2026-10-01T06:00:00+07:00",
            "place": plot,
            "product": product,
            "household": household,
            "area": 1440,
            "area_unit": "m2",
        },
    )
    cycle = named(begun, "epc")["id"]
    farm.post(
        f"/cycles/{cycle}/entries",
        {
            "step": "spraying",
            "when": "2026-11-10T06:00:00+07:00",
            "inputs": [{"name": "Thuốc Demo", "amount": 30.5, "unit": "ml", "interval_days": 7}],
        },
    )
    farm.post(f"/cycles/{cycle}/none-used", {"when": WHEN, "kinds": ["fertiliser"]})
    shown = farm.get(f"/cycles/{cycle}")
    assert (shown["events"], shown["may_harvest_from"]) == (3, None)
    diary = farm.get(f"/cycles/{cycle}/events")["items"]
    assert [one["step"] for one in diary] == ["field_observation", "spraying", "sowing"]
    assert diary[1]["document"]["trace:inputs"][0]["amount"] == 30.5
    reaped = farm.post(f"/cycles/{cycle}/harvests", {"when": WHEN, "quantity": 480, "unit": "kg"})
    lot = named(reaped, "output")["id"]
    batch = farm.get(f"/batches/{lot}")
    assert amounts(batch) == [(480, "KGM")]
    assert batch["harvested_from"] == "2026-11-20"
    split = farm.post(
        "/batches/processing",
        {
            "when": WHEN,
            "step": "splitting",
            "lots": [{"thing": lot, "quantity": 100, "unit": "kg"}],
            "outputs": [{"product": product, "quantity": 100, "unit": "kg"}],
        },
    )
    part = named(split, "output")["id"]
    packed = farm.post(
        "/batches/packing",
        {"when": WHEN, "crates": 1, "lots": [{"thing": part, "quantity": 12, "unit": "kg"}]},
    )
    crate = named(packed, "parent")["id"]
    assert [one["id"] for one in farm.get(f"/batches/{crate}")["inside"]] == [part]
    farm.post(f"/batches/{crate}/unpacking", {"when": WHEN, "things": [part]})
    assert farm.get(f"/batches/{crate}")["inside"] == []
    farm.post(f"/batches/{part}/storage", {"when": WHEN, "step": "cooling", "celsius": 4.25})
    farm.post(
        f"/batches/{part}/end",
        {"when": WHEN, "end": "compost", "quantity": 1, "unit": "kg", "note": "dập nát"},
    )
    code = shop.get("/organisation")["code"]
    sent = farm.post(
        "/handovers",
        {"when": WHEN, "taker": code, "lots": [{"thing": lot, "quantity": 80, "unit": "kg"}]},
    )
    (waiting,) = shop.get("/handovers")["items"]
    assert waiting["id"] == sent["events"][0]["id"]
    assert shop.get(f"/notes/{waiting['note']}")["lines"] == waiting["lines"]
    shop.post(f"/handovers/{waiting['id']}/receipt", {"when": WHEN, "answer": "all"})
    assert amounts(shop.get(f"/batches/{lot}")) == [(80, "KGM")]
    assert [one["id"] for one in shop.get("/batches?held=true")["items"]] == [lot]
    again = shop.refused(
        "POST", f"/handovers/{waiting['id']}/receipt", 409, json={"when": WHEN, "answer": "all"}
    )
    assert again["code"] == "already-answered"
    # Nothing came by another door: every event here was captured and signed.
    with app.app_context():
        assert db.session.query(Event).filter(Event.notice.is_(None)).count() == 11


def test_rules_hold_for_programs_as_for_people(farm: Program) -> None:
    body = {"beginning": "sowing", "when": "2026-10-01T06:00:00+07:00", "product_name": "Cải"}
    cycle = named(farm.post("/cycles", body), "epc")["id"]
    inputs = [{"name": "Thuốc Demo", "interval_days": 7}]
    farm.post(f"/cycles/{cycle}/entries", {"step": "spraying", "when": WHEN, "inputs": inputs})
    assert farm.get(f"/cycles/{cycle}")["may_harvest_from"] == "2026-11-27"
    late = {"when": "2026-11-21T06:00:00+07:00", "quantity": 50, "unit": "kg"}
    lot = named(farm.post(f"/cycles/{cycle}/harvests", late), "output")["id"]
    assert farm.get(f"/batches/{lot}")["alert"] == "hold"
    row = {"thing": lot, "quantity": 1, "unit": "kg"}
    sent = farm.refused("POST", "/handovers", 409, json={"when": late["when"], "lots": [row]})
    assert sent["code"] == "batch-held"
    ended = {"when": late["when"], "end": "compost", "quantity": 1, "note": "thử"}
    told = farm.refused("POST", f"/batches/{lot}/end", 400, json=ended)
    assert codes(told) == {"/witness": "field-missing", "/photos": "field-missing"}
    bare = {"step": "spraying", "when": WHEN}
    told = farm.refused("POST", f"/cycles/{cycle}/entries", 400, json=bare)
    assert codes(told) == {"/inputs": "nothing-chosen"}


def test_an_event_is_corrected_and_voided_and_the_first_stays(farm: Program) -> None:
    body = {"when": WHEN, "product_name": "Cải ngọt", "quantity": 480, "unit": "kg"}
    made = farm.post("/batches", body)
    lot, event = made["events"][0]["things"][0]["id"], made["events"][0]["id"]
    fixed = farm.post(
        f"/events/{event}/correction",
        {"when": WHEN, "things": [{"quantity": 478, "unit": "kg"}]},
    )
    assert amounts(farm.get(f"/batches/{lot}")) == [(478, "KGM")]
    first = farm.get(f"/events/{event}")
    assert first["stands"] is False
    assert first["replaced_by"] == [fixed["events"][0]["id"]]
    twice = farm.refused("POST", f"/events/{event}/void", 409, json={"reason": "did_not_occur"})
    assert twice["code"] == "already-corrected"
    farm.post(f"/events/{first['replaced_by'][0]}/void", {"reason": "did_not_occur"})
    assert amounts(farm.get(f"/batches/{lot}")) in ([], [(0, "KGM")])


BODIES: dict[str, tuple[Any, dict[str, str]]] = {
    "nothing": ({}, {"/when": "field-missing", "/quantity": "field-missing"}),
    "text for a number": ({"quantity": "12"}, {"/quantity": "wrong-json-type"}),
    "yes for a number": ({"quantity": True}, {"/quantity": "wrong-json-type"}),
    "local time": ({"when": "20/11/2026 07:30", "quantity": 1}, {"/when": "not-an-instant"}),
    "to come": ({"when": "2027-01-01T00:00:00Z", "quantity": 1}, {"/when": "future-time"}),
    "below nought": ({"when": WHEN, "quantity": -1}, {"/quantity": "negative-quantity"}),
    "too much": ({"when": WHEN, "quantity": 1e300}, {"/quantity": "not-a-number"}),
    "nobody reads it": ({"qty": 1}, {"/qty": "unknown-field"}),
    "a NUL": (
        {"when": WHEN, "quantity": 1, "product_name": "a\0b"},
        {"/product_name": "control-character"},
    ),
    "a list": ([1], {"": "wrong-json-type"}),
    "rows of nothing": ({"photos": 3}, {"/photos": "wrong-json-type"}),
}


@pytest.mark.one_database
def test_every_wrong_member_is_named_with_its_pointer(farm: Program) -> None:
    for about, (body, expected) in BODIES.items():
        told = farm.refused("POST", "/batches", 400, json=body)
        assert expected.items() <= codes(told).items(), (about, told)
    rows = {"when": WHEN, "crates": 1, "lots": [{"thing": 1, "quantity": "x"}, 7]}
    told = farm.refused("POST", "/batches/packing", 400, json=rows)
    assert codes(told) == {"/lots/0/quantity": "wrong-json-type", "/lots/1": "wrong-json-type"}


def test_the_goods_of_others_are_nowhere(farm: Program, shop: Program) -> None:
    made = farm.post("/batches", {"when": WHEN, "product_name": "Cải", "quantity": 5})
    lot, event = made["events"][0]["things"][0]["id"], made["events"][0]["id"]
    row = {"thing": lot, "quantity": 1, "unit": "kg"}
    for method, path, body in (
        ("GET", f"/batches/{lot}", None),
        ("GET", f"/batches/{lot}/events", None),
        ("GET", f"/events/{event}", None),
        ("GET", f"/handovers/{event}", None),
        ("POST", f"/events/{event}/void", {"reason": "did_not_occur"}),
        ("POST", f"/batches/{lot}/storage", {"when": WHEN, "celsius": 4}),
        ("POST", "/batches/packing", {"when": WHEN, "lots": [row]}),
        ("POST", "/handovers", {"when": WHEN, "lots": [row]}),
    ):
        shop.refused(method, path, 404, json=body)
    place = farm.post("/places", masters.PLACE)["id"]
    body = {"when": WHEN, "product_name": "Cải", "quantity": 5, "place": place}
    told = shop.refused("POST", "/batches", 400, json=body)
    assert (told["code"], told["path"]) == ("not-offered", "/place")
