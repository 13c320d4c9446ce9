"""Our interface for programs: the organisation's records, and what every operation promises."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import Program
from tests.support.factories import make_actor
from trace.api.v1 import masters


@pytest.fixture
def farm(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now).organisation)


@pytest.fixture
def stranger(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now, "HTX Khác").organisation)


NOUNS: dict[str, Any] = {
    "places": masters.PLACE,
    "products": masters.PRODUCT,
    "households": masters.HOUSEHOLD,
    "certificates": masters.CERTIFICATE,
}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_record_is_made_read_changed_and_nobody_elses(
    farm: Program, stranger: Program, noun: str
) -> None:
    made = farm.ask("POST", f"/{noun}", json=NOUNS[noun], expect=201)
    assert made.json is not None
    where = made.headers["Location"]
    assert where == f"/api/v1/{noun}/{made.json['id']}"
    assert made.headers["ETag"] == '"1"'
    shown = farm.ask("GET", where, expect=200)
    assert shown.json == made.json
    assert farm.get(f"/{noun}") == {"items": [made.json], "next": None}
    name = "standard" if noun == "certificates" else "name"
    changed = farm.put(where, {**NOUNS[noun], name: "Tên khác"}, version=1)
    assert (changed[name], changed["version"]) == ("Tên khác", 2)
    # What stood before does not come back by somebody who saw the first version.
    late = farm.refused("PUT", where, 412, json=NOUNS[noun], headers={"If-Match": '"1"'})
    assert late["code"] == "if-match-failed"
    assert "next_step" in late
    blind = farm.refused("PUT", where, 428, json=NOUNS[noun])
    assert blind["code"] == "if-match-missing"
    assert stranger.refused("GET", where, 404)["code"] == "not-found"
    headers = {"If-Match": '"2"'}
    assert stranger.refused("PUT", where, 404, json=NOUNS[noun], headers=headers)
    assert stranger.get(f"/{noun}")["items"] == []
