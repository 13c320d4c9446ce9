"""Requests that schemathesis makes from our own document: none breaks anything, and every answer is
one that the document foresees."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

from tests.support.api import Program, fresh_key
from tests.support.factories import make_actor
from trace.api.v1 import masters, product_links, registers

WHEN = "2026-11-20T07:30:00+07:00"
# Answers by hand: older than the way operations are declared, tested where they are.
BY_HAND = ("get_keys", "post_keys", "post_statements", "verify", "take_readings")
# Bodies that are files: sent below as they are.
FILES = {
    "add_photo": "/photos",
    "add_import": "/imports/places",
    "bring_catalogue": "/catalogues/input",
    "bring_readings": "/sensors/1/readings",
    "add_answer_paper": "/directives/1/answer/papers",
}
Asking = tuple[Program, Program]


@contextmanager
def quiet() -> Iterator[None]:
    """The package warns of formats it does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def known_of(farm: Program, desk: Program) -> dict[str, Any]:
    """Numbers of records that are there, by the names paths have for them."""

    def made(path: str, body: Any, name: str = "id", expect: int = 201) -> Any:
        return farm.post(path, body, expect=expect)[name]

    place, product = made("/places", masters.PLACE), made("/products", masters.PRODUCT)
    body = {"when": WHEN, "product": product, "place": place, "quantity": 50, "unit": "kg"}
    lot = farm.post("/batches", body)["events"][0]
    thing = lot["things"][0]["id"]
    sheet = {"product": product, "place": place, "day": "2026-11-20"}
    line = {"day": "2026-11-20", **registers.EXAMPLES["waste"]}
    stock = {"layout": "4x10", "count": 4}
    labels = farm.post("/stamps", {**stock, "product": product}, expect=202)
    farm.post("/crates", stock, expect=202)
    case = {"organisation": farm.get("/organisation")["code"], "planned_on": "2026-12-03"}
    return {
        "place_id": place,
        "code_id": made(f"/places/{place}/codes", masters.AREA_CODE),
        "product_id": product,
        "household_id": made("/households", masters.HOUSEHOLD),
        "certificate_id": made("/certificates", masters.CERTIFICATE),
        "thing_id": thing,
        "event_id": lot["id"],
        "kind": "places",
        "book": "waste",
        "line_id": made("/books/waste/lines", line),
        "sensor_id": made("/sensors", {"name": "Kho mát"}),
        "plan_id": made("/plans", _plan(farm, product, place)),
        "jotting_id": made("/jottings", {"when": WHEN, "sentence": "x"}),
        "preset_id": made("/presets", {"name": "x", "step": "irrigating"}),
        "sheet_id": made("/weighing-sheets", sheet),
        "range_id": farm.get("/stamps")["items"][0]["id"],
        "run": farm.get("/crates")["items"][0]["run"],
        "link_id": made(f"/products/{product}/links", product_links.SAID),
        "public_id": labels["id"],
        "inspection_id": desk.post("/desk/inspections", case)["id"],
    }


def _plan(farm: Program, product: int, place: int) -> dict[str, Any]:
    began = {"beginning": "sowing", "when": WHEN, "product": product, "place": place}
    cycle = farm.post("/cycles", began)["events"][0]["things"][0]["id"]
    return {"thing": cycle, "step": "spraying", "due": "2026-11-27"}


def drive(
    asking: Asking, document: dict[str, Any], examples: int, methods: str = "get post put delete"
) -> int:
    """Sends `examples` requests to each operation by these methods, those of an authority's desk as
    an authority; returns how many were sent."""
    farm, desk = asking
    known = known_of(farm, desk)
    sent = 0
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # an operation that is none fails here
        name = operation.definition.raw["operationId"]
        if operation.method not in methods or name in (*BY_HAND, *FILES):
            continue
        inspects = {"token": ["inspect"]} in operation.definition.raw["security"]
        sent += send_to(desk if inspects else farm, document, operation, examples, known)
    return sent


def send_to(
    farm: Program, document: dict[str, Any], operation: Any, examples: int, known: dict[str, Any]
) -> int:
    """Sends requests to one operation, half of them about records that are there."""
    told = operation.definition.raw
    sent = 0

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        case=st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        ),
        here=st.booleans(),
    )
    def send(case: Any, here: bool) -> None:
        nonlocal sent
        if here:
            for name in set(case.path_parameters or ()) & set(known):
                case.path_parameters[name] = known[name]
        answer = farm.ask(
            operation.method.upper(),
            case.formatted_path,
            headers=headers_of(case, here),
            query_string=_plain(case.query),
            **body_of(operation, case),
        )
        sent += 1
        check(document, told, answer)

    with quiet():
        send()
    return sent


def headers_of(case: Any, here: bool) -> dict[str, str]:
    """Headers as made; half the time those that let a request through."""
    headers = {
        name: str(value)
        for name, value in (case.headers or {}).items()
        if str(value).isprintable() and str(value).isascii()
    }
    if here and "If-Match" in headers:
        headers["If-Match"] = '"1"'
    if here and "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = fresh_key()
    return headers


def body_of(operation: Any, case: Any) -> dict[str, Any]:
    """The body as made, JSON or bytes; none where there is none."""
    if operation.method.upper() == "GET" or case.body is NOT_SET:
        return {}
    if isinstance(case.body, bytes):
        return {"data": case.body, "content_type": case.media_type}
    return {"json": case.body}


def _plain(query: Any) -> dict[str, str]:
    return {
        str(name): str(value).encode("utf-8", "replace").decode()
        for name, value in (query or {}).items()
    }


def check(document: dict[str, Any], told: dict[str, Any], answer: Any) -> None:
    """The answer is one of those told, of the type told, in the shape told."""
    status = str(answer.status_code)
    about = (told["operationId"], answer.request.path, status, answer.text[:300])
    assert answer.status_code < 500, about
    if answer.status_code == 405 or (status == "404" and status not in told["responses"]):
        return  # a path parameter that makes another path
    if status not in told["responses"]:
        assert status == "202", about  # approval by passkey
        return
    content = told["responses"][status].get("content", {})
    if answer.status_code == 204 or not content:
        return
    if "application/octet-stream" in content or "application/zip" in content:
        return
    assert answer.mimetype in content, about
    schema = {**content[answer.mimetype]["schema"], "components": document["components"]}
    errors = list(Draft202012Validator(schema).iter_errors(json.loads(answer.text)))
    assert errors == [], about


@pytest.fixture
def asking(app: Flask, client: FlaskClient, now: datetime) -> Asking:
    """A farm, and an authority whose area is everywhere."""
    with app.app_context():
        farm = Program(client, make_actor(now).organisation)
        office = make_actor(now, "Chi cục", kind="authority", status="confirmed").organisation
        return farm, Program(client, office)


def document_of(app: Flask) -> dict[str, Any]:
    with app.app_context():
        found: dict[str, Any] = json.loads(app.extensions["trace.openapi"]())
    return found


@pytest.mark.one_database("postgresql")
def test_no_request_made_from_the_document_breaks_anything(app: Flask, asking: Asking) -> None:
    assert drive(asking, document_of(app), 2, "post put") > 150


@pytest.mark.one_database("postgresql")
def test_no_file_breaks_anything(asking: Asking) -> None:
    farm = asking[0]
    assert farm.post("/sensors", {"name": "Kho mát"})["id"] == 1
    for path in FILES.values():
        for kind in ("image/png", "text/csv", "application/octet-stream", "text/html"):
            for data in (
                b"",
                b"\0",
                b"PK\x03\x04" + b"\0" * 99,
                b"\x89PNG\r\n\x1a\n",
                b"a;b\n\xff",
            ):
                headers = {"If-Match": '"1"'}
                answer = farm.ask("POST", path, data=data, content_type=kind, headers=headers)
                assert answer.status_code in (201, 202, 400, 404, 413, 415), answer.text


@pytest.mark.long
def test_many_requests_made_from_the_document_break_nothing(app: Flask, asking: Asking) -> None:
    assert drive(asking, document_of(app), 60) > 6000
