"""What authorities and those they concern ask by programs: warnings, cases, findings, chains."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import Program
from tests.support.factories import make_actor
from tests.support.farms import make_farm
from tests.support.recalls import case_of, choose, classify, client_of, sign_it, supervisor
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Organisation


@pytest.fixture
def world(app: Flask, client: FlaskClient, now: datetime) -> dict[str, Any]:
    """A farm, a shop that has some of its lot, an authority that recalled it, and a stranger."""
    with app.app_context():
        at = now - timedelta(days=3)
        farm, shop = make_farm(at, "HTX Gốc"), make_farm(at, "Quầy Cuối")
        lot = farm.register(100)
        farm.send(lot, shop, 40)
        shop.take(lot, farm, 40)
        told = farm.organisation, shop.organisation
        programs = [Program(client, one) for one in told]
        stranger = Program(client, make_actor(at, "HTX Khác").organisation)
    officer = supervisor(app, "*")
    pages = client_of(app, officer, now)
    case = case_of(choose(pages, lot))
    classify(pages, case)
    sign_it(pages, case)
    with app.app_context():
        run_pending()
        authority = db.session.get_one(Organisation, officer.organisation_id)
        desk = Program(client, authority)
    farm_program, shop_program = programs
    return {
        "farm": farm_program,
        "shop": shop_program,
        "desk": desk,
        "stranger": stranger,
        "case": case,
        "lot": lot,
    }


def test_a_warning_is_answered_and_the_authority_sees_how_the_case_stands(
    world: dict[str, Any],
) -> None:
    shop, desk, case = world["shop"], world["desk"], world["case"]
    (warning,) = shop.get("/warnings")["items"]
    assert warning["recall"]["id"] == case
    (due,) = warning["due"]
    assert (due["uom"], due["had"], due["left"]) == ("KGM", 40, 40)
    address = f"/warnings/{warning['id']}/answers"
    line = {"fate": "held", "uom": "KGM", "quantity": 25}
    left = shop.post(address, {"lines": [line], "note": "để riêng"})
    assert left["due"][0]["left"] == 15
    told = shop.refused("POST", address, 400, json={"lines": [{**line, "quantity": 99}]})
    assert told["path"] == "/lines/0/quantity"
    board = desk.get(f"/desk/recalls/{case}")["board"]
    assert {"uom": "KGM", "quantity": 25} in board["accounted"]
    assert [one["id"] for one in desk.get("/desk/recalls")["items"]] == [case]
    packet = desk.ask("GET", f"/desk/recalls/{case}/packet", expect=200)
    assert packet.json is not None
    assert packet.json["tables"]
    assert world["stranger"].refused("GET", f"/warnings/{warning['id']}", 404)
    # A company's token may not inspect, and no company reads what a case knows of others.
    assert shop.refused("GET", f"/desk/recalls/{case}", 403)["code"] == "wrong-scope"


def test_an_authority_reads_chains_and_audits_within_its_reach(
    world: dict[str, Any],
) -> None:
    desk, farm = world["desk"], world["farm"]
    chain = desk.get("/desk/chain", query_string={"of": world["lot"]})
    assert {one["holder"]["name"] for one in chain["stations"] if one["holder"]} >= {"HTX Gốc"}
    assert chain["events"]
    (lot,) = farm.get("/batches?kind=lot")["items"]
    assert lot["alert"] == "recall"
    audit = desk.get(f"/desk/audits/{lot['id']}")
    assert audit["counts"]["events"] >= 3
    for of in ("", "không có", "7K3QMP2XV4", "x" * 200, "/b/7K3QMP2XV5"):
        answer = desk.ask("GET", "/desk/chain", query_string={"of": of})
        assert answer.status_code in (400, 404), (of, answer.text)
    assert desk.get("/desk/inspections")["items"] == desk.get("/desk/findings")["items"] == []
    assert farm.get("/inspections")["items"] == farm.get("/findings")["items"] == []
    assert farm.get("/reports") == {"items": [], "next": None}
    assert desk.refused("GET", "/desk/findings/1", 404)["code"] == "not-found"
    assert farm.refused("GET", "/reports/1", 404)["code"] == "not-found"
