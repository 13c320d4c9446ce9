"""What a co-operative, a stall, a laboratory and a certifier do by programs, as in the console."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import Program
from tests.support.factories import make_actor
from trace.api.v1 import devices, masters, product_links

WHEN = "2026-11-20T07:30:00+07:00"


@pytest.fixture
def farm(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now).organisation)


@pytest.fixture
def stranger(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now, "HTX Khác").organisation)


def thing_in(recorded: Any, *roles: str) -> Any:
    """The id of the first thing in one of these roles."""
    told = [one for event in recorded["events"] for one in event["things"]]
    return next(one["id"] for one in told if one["role"] in roles)


def test_an_evening_at_the_co_operative(farm: Program, stranger: Program) -> None:
    product = farm.post("/products", masters.PRODUCT)["id"]
    members = [farm.post("/households", {"code": f"H{n}"})["id"] for n in (1, 2)]
    plots = [
        farm.post("/places", {**masters.PLACE, "name": f"Thửa {n}", "household": member})["id"]
        for n, member in enumerate(members)
    ]
    sown = farm.post(
        "/cycles/together/sowing",
        {
            "step": "sowing",
            "when": "2026-10-01T06:00:00+07:00",
            "chosen": plots,
            "product": product,
        },
    )
    cycles = [event["things"][0]["id"] for event in sown["events"]]
    assert len(cycles) == 2
    spray = {
        "step": "spraying",
        "when": "2026-11-10T06:00:00+07:00",
        "chosen": cycles,
        "inputs": [{"name": "Thuốc Demo", "amount": 30, "unit": "ml", "per": "household"}],
    }
    assert len(farm.post("/cycles/together", spray)["events"]) == 2
    told = farm.refused("POST", "/cycles/together", 400, json={**spray, "chosen": [9999]})
    assert told["path"] == "/chosen"
    assert farm.refused("POST", "/cycles/together", 400, json={**spray, "inputs": []})
    plan = {"thing": cycles[0], "step": "harvesting", "due": "2026-12-01", "note": ""}
    made = farm.post("/plans", plan)
    assert farm.put(f"/plans/{made['id']}", {**plan, "note": "sớm"}, 1)["note"] == "sớm"
    assert stranger.refused("GET", f"/plans/{made['id']}", 404)
    assert stranger.refused("POST", "/plans", 400, json=plan)["path"] == "/thing"
    jotting = farm.post("/jottings", {"when": WHEN, "sentence": "sâu ở góc"})
    assert farm.get("/jottings")["items"] == [jotting]
    farm.ask("DELETE", f"/jottings/{jotting['id']}", expect=204)
    assert farm.get("/jottings")["items"] == farm.get("/presets")["items"] == []
    sheet = farm.post("/weighing-sheets", {"product": product, "day": "2026-11-20"})["id"]
    at = f"/weighing-sheets/{sheet}"
    lines = [{"household": one, "kilograms": 12.5} for one in members]
    assert farm.post(f"{at}/lines", {"lines": lines}, 200)["kilograms"] == 25
    less = farm.post(f"{at}/lines", {"lines": [{"household": members[1]}]}, 200)
    assert [one["household"] for one in less["lines"]] == members[:1]
    assert stranger.refused("GET", at, 404)
    lot = thing_in(farm.post(f"{at}/lot", {"when": WHEN}), "output")
    assert farm.get(at)["thing"] == lot
    assert farm.get(f"/batches/{lot}")["held"] == [{"quantity": 12.5, "uom": "KGM"}]
    assert farm.refused("POST", f"{at}/lot", 409, json={"when": WHEN})["code"] == "sheet-closed"
    event = farm.get(f"/batches/{lot}/events")["items"][0]["id"]
    assert farm.refused("POST", f"/plans/{made['id']}/done", 404, json={"event": 99_999})
    reaped = farm.post(f"/cycles/{cycles[0]}/none-used", {"when": WHEN, "kinds": ["pesticide"]})
    done = farm.post(f"/plans/{made['id']}/done", {"event": reaped["events"][0]["id"]}, 200)
    assert done["event"] == reaped["events"][0]["id"] != event
    assert farm.get("/plans")["items"] == []


def test_a_stall_pours_binds_stamps_sends_sensors_and_takes_papers(
    farm: Program, stranger: Program
) -> None:
    product = farm.post("/products", masters.PRODUCT)["id"]
    stall = farm.post("/places", {**masters.PLACE, "kind": "stall"})["id"]
    body = {"when": WHEN, "product": product, "quantity": 50, "unit": "kg"}
    lot = thing_in(farm.post("/batches", body), "epc")
    pour = {
        "when": WHEN,
        "place": stall,
        "product": product,
        "quantity": 30,
        "lots": [{"thing": lot, "quantity": 20, "unit": "kg"}],
        "uncoded": True,
        "uncoded_quantity": 10,
    }
    first, again = (thing_in(farm.post("/batches/pouring", pour), "output") for _ in range(2))
    assert first == again
    assert farm.refused(
        "POST", "/batches/pouring", 400, json={**pour, "lots": [], "uncoded": False}
    )
    printed = farm.post("/stamps", {"layout": "4x10", "count": 40, "product": product}, 202)
    assert printed["state"] == "queued"
    (roll,) = farm.get("/stamps")["items"]
    stamps = [f"{roll['code']}#{number}" for number in (1, 12)]
    bound = {"when": WHEN, "lot": lot, "first": stamps[0], "last": stamps[1]}
    event = farm.post("/stamps/binding", bound)["events"][0]["id"]
    told = farm.get(f"/stamps/{roll['id']}")
    assert told["bindings"] == [{"first": 1, "last": 12, "thing": lot, "event": event}]
    assert farm.refused("POST", "/stamps/binding", 409, json=bound)
    void = {"first": 31, "last": 40, "reason": "ướt"}
    assert farm.post(f"/stamps/{roll['id']}/void", void, 200) == {"voided": 10}
    beyond = farm.refused("POST", f"/stamps/{roll['id']}/void", 400, json={**void, "last": 41})
    assert beyond["errors"][0]["path"] == "/last"
    assert stranger.refused("GET", f"/stamps/{roll['id']}", 404)

    sensor = farm.post("/sensors", {**devices.SENSOR, "place": None})
    at = f"/sensors/{sensor['id']}"
    assert sensor["limits"] == [{"measure": "temperature", "low": 2, "high": 8}]
    gone = farm.post(f"{at}/journey", {"since": WHEN, "goods": [lot]})
    assert gone["journey"]["goods"] == [lot]
    token = farm.post(f"{at}/token", None, 200)["token"]
    reading = {"time": "2026-11-20T07:40:00+07:00", "measure": "temperature", "value": 4.5}
    sent = farm.client.post(
        "/api/v1/sensors/readings",
        json={"readings": [reading]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert sent.json == {"kept": 1, "known": 0}
    (read,) = farm.get(f"{at}/readings?days=31")["items"]
    assert (read["value"], read["uom"]) == (4.5, "CEL")
    end = {"until": "2026-11-20T09:00:00+07:00"}
    assert farm.post(f"{at}/journey/end", end, 200)["journey"] is None
    assert stranger.refused("GET", at, 404)

    links = f"/products/{product}/links"
    link = farm.post(links, product_links.SAID)
    changed = farm.put(f"{links}/{link['id']}", {**product_links.SAID, "title": "Món"}, 1)
    assert [changed["title"], changed["languages"]] == ["Món", ["vi"]]
    restored = farm.post(f"{links}/{link['id']}/versions/1/restore", None, 200)
    assert restored["title"] == product_links.SAID["title"]
    farm.ask("DELETE", f"{links}/{link['id']}", expect=204)
    assert farm.get(f"{links}/{link['id']}")["why_not"] == "removed"
    assert farm.get(f"{links}/{link['id']}/versions")["items"][-1]["number"] == 1
    assert stranger.refused("GET", links, 404)

    for path, kind in {
        "passport": "application/json",
        "plots": "application/geo+json",
        "epcis": "application/ld+json",
    }.items():
        paper = farm.ask("GET", f"/batches/{lot}/{path}", expect=200)
        assert paper.content_type == kind
        assert stranger.refused("GET", f"/batches/{lot}/{path}", 404)
    asked = farm.post(f"/batches/{lot}/fsma", {"format": "csv"}, 202)
    assert farm.get(f"/fsma/{asked['id']}")["state"] == "queued"
    assert farm.get("/steps?since=2026-11-01")["items"][0]["direction"]
    assert farm.refused("GET", "/steps?since=x", 400)["code"] == "bad-parameter"


def test_a_laboratory_signs_and_a_certifier_answers(
    app: Flask, client: FlaskClient, now: datetime, farm: Program
) -> None:
    with app.app_context():
        laboratory = Program(client, make_actor(now, "Phòng Thử Demo", "laboratory").organisation)
        body = make_actor(now, "Tổ Chức Demo", "certifier").organisation
        certifier, issuer = Program(client, body), body.id
    made = farm.post("/batches", {"when": WHEN, "product_name": "Cải", "quantity": 5})
    lot = made["events"][0]["things"][0]
    found = {"substance": "Cypermethrin", "value": 0.02, "unit": "mg/kg", "limit": 0.7}
    result = {"when": WHEN, "lot": lot["code"], "sampled": "2026-11-19", "findings": [found]}
    laboratory.post("/results", result)
    (told,) = laboratory.get("/results")["items"]
    assert (told["address"], told["passes"]) == (lot["address"], True)
    assert farm.refused("POST", "/results", 404, json=result)
    assert farm.refused("GET", "/certifying", 403)
    asked = {**masters.CERTIFICATE, "issuer_id": issuer, "issuer_name": ""}
    mine = farm.post("/certificates", asked)
    for waiting in certifier.get("/certifying")["items"]:
        at = f"/certifying/{waiting['id']}"
        version = certifier.get(at)["version"]
        late = {"If-Match": f'"{version + 1}"'}
        yes = {"decision": "confirmed"}
        certifier.refused("PUT", f"{at}/decision", 412, json=yes, headers=late)
        assert certifier.put(f"{at}/decision", yes, version)["decision"] == "confirmed"
    assert farm.get(f"/certificates/{mine['id']}")["decision"] == "confirmed"
    assert farm.get("/directives") == {"items": [], "next": None}
    assert farm.refused("GET", "/directives/1", 404)
