"""Whatever is asked, however it is written: an answer, never a failure."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import scoped_session

from tests.support.factories import amount, event, make_actor, new_lot, notice, registered
from tests.support.members import make_member, sign_in
from trace.api.v1.sensors import NotAReading, _reading
from trace.core.epcis import JsonObject
from trace.errors import Refused
from trace.extensions import db
from trace.services import passports
from trace.services.capture import capture
from trace.services.settings import current_settings
from trace.services.tokens import issue_token

Session = scoped_session[Any]
TEXTS = (
    "\0",
    "²",
    "'\"><script>",
    "..",
    "../../etc/passwd",
    "\r\nX-Evil: 1",
    "a" * 2000,
    "%s%n{7}",
    "0001-01-01",
    "9999-12-31",
)
NUMBERS = ("0", "9" * 30, str(2**63), str(2**31))
# What views read from the query, and more than they read.
QUERY = (
    *("page", "q", "next", "code", "lang", "view", "format", "linkType", "thing", "lot", "index"),
    *("day", "from", "to", "since", "until", "month"),
)


def addresses(app: Flask) -> list[str]:
    """Every address one may GET, with hostile words in all its places."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        pattern = str(rule)
        if not rule.arguments:
            found.append(pattern)
            continue
        for value in (*TEXTS, *NUMBERS):
            written = quote(value, safe="")
            found.append(re.sub("<[^>]+>", written, pattern))
    return found


# Each page meets a third of the values in every run, and the other two in the drills.
THIRDS = pytest.mark.parametrize(
    "third", [0, *(pytest.param(rest, marks=pytest.mark.long) for rest in (1, 2))]
)


# PostgreSQL refuses more than SQLite does: what it takes, both take.
@pytest.mark.one_database("postgresql")
@THIRDS
def test_no_address_fails_whatever_stands_in_it(
    app: Flask, client: FlaskClient, third: int
) -> None:
    sign_in(app, client, make_member(app))
    failed = [
        (address, response.status_code)
        for address in addresses(app)[third::3]
        if (response := client.get(address)).status_code >= 500
    ]
    assert failed == []


@pytest.mark.one_database("postgresql")
@THIRDS
def test_no_parameter_fails_whatever_it_holds(app: Flask, client: FlaskClient, third: int) -> None:
    sign_in(app, client, make_member(app))
    with app.app_context():
        actor = make_actor(datetime.fromisoformat("2026-11-22T03:00:00+00:00"))
        lot = new_lot()
        capture(actor, [registered(lot)], at=datetime.fromisoformat("2026-11-22T03:00:00+00:00"))
        db.session.commit()
    pages = [str(rule) for rule in app.url_map.iter_rules() if not rule.arguments]
    pages.append("/t" + lot.removeprefix("https://trace.example"))
    for place, page in enumerate(pages):
        for value in (*TEXTS, *NUMBERS, "-1", "1.5", "٣")[(place + third) % 3 :: 3]:
            query = "&".join(f"{name}={quote(value, safe='')}" for name in QUERY)
            response = client.get(f"{page}?{query}")
            assert response.status_code < 500, (page, value)
            assert "X-Evil" not in response.headers


@pytest.mark.parametrize("value", ["\0", "²", "9" * 30, "<script>", "a" * 70_000, "\ud83d"])
def test_no_form_fails_whatever_is_typed(app: Flask, client: FlaskClient, value: str) -> None:
    sign_in(app, client, make_member(app))
    names = (
        *("name", "login", "password", "organisation", "kind", "ward_code", "code", "gtin"),
        *("phone", "email", "locale", "present", "quantity", "lot", "date", "gln", "days"),
        *("form_version", "version", "thing", "scopes", "note", "area", "latitude", "longitude"),
    )
    typed = dict.fromkeys(names, value.encode("utf-8", "surrogatepass"))
    app.config["WTF_CSRF_ENABLED"] = False
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.arguments:
            assert client.post(str(rule), data=typed).status_code < 500, str(rule)


@pytest.mark.parametrize("bad", ["\0", "a\0b"])
def test_a_zero_byte_is_refused_wherever_an_event_holds_one(
    db_session: Session, now: datetime, bad: str
) -> None:
    actor, lot = make_actor(now), new_lot()
    for hostile in (
        notice("hold", lot, hazard=bad),
        registered(lot, trace__note=bad),
        registered(lot, readPoint={"id": f"urn:x:{bad}"}),
        registered(lot, eventID=f"urn:x:{bad}"),
        registered(lot, bizStep=f"urn:x:{bad}"),
        event("ObjectEvent", action="ADD", bizStep="commissioning", epcList=[f"urn:x:{bad}"]),
        event("ObjectEvent", bizStep="storing", quantityList=[amount(lot, 1) | {"uom": bad}]),
        registered(lot) | {f"trace:{bad}": 1},
    ):
        with pytest.raises(Refused):
            capture(actor, [hostile], at=now)


def test_an_event_with_a_zero_byte_is_told_where(app: Flask, client: FlaskClient) -> None:
    at = datetime.fromisoformat("2026-11-22T03:00:00+00:00")
    with app.app_context():
        actor = make_actor(at)
        _, token = issue_token(actor.organisation, "x", ["capture"], at=at)
        body: JsonObject = registered(new_lot(), trace__note="a\0b")
        db.session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.post("/epcis/v2/events", json=body, headers=headers)
    assert answer.status_code == 400
    assert [error["path"] for error in answer.get_json()["errors"]] == ["/trace:note"]


def test_no_date_of_a_lot_makes_its_pages_fail(
    app: Flask, client: FlaskClient, db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    days = ("9999-12-31", "9999-12-31T23:59:59-14:00", "0001-01-01", "2026-13-45", ["x"], 5)
    for day in days:
        members = ("itemExpirationDate", "bestBeforeDate", "harvestStartDate", "harvestEndDate")
        lot = new_lot()
        ilmd = {f"cbvmda:{name}": day for name in members}
        capture(actor, [registered(lot, ilmd=ilmd, trace__harvestDate="9999-12-31")], at=now)
        db.session.commit()
        path = "/t" + lot.removeprefix(current_settings().id_base)
        for query in ("", "?format=json", "?format=passport", "?view=passport", "?view=proof"):
            assert client.get(path + query).status_code < 500, (day, query)


def test_a_page_that_could_not_be_built_makes_nobody_wait(
    app: Flask, client: FlaskClient, db_session: Session, now: datetime, monkeypatch: Any
) -> None:
    lot = new_lot()
    capture(make_actor(now), [registered(lot)], at=now)
    db.session.commit()
    path = "/t" + lot.removeprefix(current_settings().id_base)
    with monkeypatch.context() as broken:
        broken.setattr(passports, "build_document", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            client.get(path)
    began = time.monotonic()
    assert client.get(path).status_code == 200
    assert time.monotonic() - began < passports.CLAIM.total_seconds() / 2


@pytest.mark.one_database
@pytest.mark.parametrize("measure", [None, 5, [], {}, "x"])
def test_a_reading_of_no_measure_is_refused(measure: Any) -> None:
    with pytest.raises(NotAReading):
        _reading({"time": "2026-11-22T03:00:00Z", "measure": measure, "value": 4}, "")
