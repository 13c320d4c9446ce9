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
from trace.api.v1 import masters

WHEN = "2026-11-20T07:30:00+07:00"
# Answers by hand: older than the way operations are declared, tested where they are.
BY_HAND = ("get_keys", "post_keys", "post_statements", "verify", "take_readings")
# Bodies that are files: sent below as they are.
FILES = {"add_photo": "/photos", "add_import": "/imports/places"}


@contextmanager
def quiet() -> Iterator[None]:
    """The package warns of formats it does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def known_of(farm: Program) -> dict[str, Any]:
    """Numbers of records that are there, by the names paths have for them."""
    place = farm.post("/places", masters.PLACE)["id"]
    code = farm.post(f"/places/{place}/codes", masters.AREA_CODE)["id"]
    body = {"when": WHEN, "product_name": "Cải", "quantity": 50, "unit": "kg"}
    made = farm.post("/batches", body)["events"][0]
    return {
        "place_id": place,
        "code_id": code,
        "product_id": farm.post("/products", masters.PRODUCT)["id"],
        "household_id": farm.post("/households", masters.HOUSEHOLD)["id"],
        "certificate_id": farm.post("/certificates", masters.CERTIFICATE)["id"],
        "thing_id": made["things"][0]["id"],
        "event_id": made["id"],
        "kind": "places",
    }


def drive(
    farm: Program, document: dict[str, Any], examples: int, methods: str = "get post put delete"
) -> int:
    """Sends `examples` requests to each operation by these methods; returns how many were sent."""
    known = known_of(farm)
    sent = 0
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # an operation that is none fails here
        name = operation.definition.raw["operationId"]
        if operation.method not in methods or name in (*BY_HAND, *FILES):
            continue
        sent += send_to(farm, document, operation, examples, known)
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
def farm(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now).organisation)


def document_of(app: Flask) -> dict[str, Any]:
    with app.app_context():
        found: dict[str, Any] = json.loads(app.extensions["trace.openapi"]())
    return found


@pytest.mark.one_database("postgresql")
def test_no_request_made_from_the_document_breaks_anything(app: Flask, farm: Program) -> None:
    assert drive(farm, document_of(app), 2, "post put") > 60


@pytest.mark.one_database("postgresql")
def test_no_file_breaks_anything(farm: Program) -> None:
    for path in FILES.values():
        for kind in ("image/png", "text/csv", "application/octet-stream", "text/html"):
            for data in (
                b"",
                b"\0",
                b"PK\x03\x04" + b"\0" * 99,
                b"\x89PNG\r\n\x1a\n",
                b"a;b\n\xff",
            ):
                answer = farm.ask("POST", path, data=data, content_type=kind)
                assert answer.status_code in (202, 400, 413, 415), answer.text


@pytest.mark.long
def test_many_requests_made_from_the_document_break_nothing(app: Flask, farm: Program) -> None:
    assert drive(farm, document_of(app), 60) > 2000
