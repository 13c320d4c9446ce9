"""Fixed addresses that other software looks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import create_app
from tests.support.databases import release
from trace.config import BadSetting, Settings
from trace.services.platform import initialise, platform_organisation


def test_security_txt_names_the_contact_and_when_to_ask_again(
    settings: Settings, now: datetime
) -> None:
    app = create_app(replace(settings, security_contact="mailto:security@trace.example"))
    answer = app.test_client().get("/.well-known/security.txt")
    release(app)
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "Contact: mailto:security@trace.example",
        "Expires: 2027-05-21T00:00:00.000Z",
        "Preferred-Languages: vi, en",
        "Canonical: http://localhost/.well-known/security.txt",
    ]


def test_without_a_contact_nothing_is_promised(client: FlaskClient) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize("value", ["security@trace.example", "mailto:a b", "https://x\nExpires: 1"])
def test_a_contact_that_is_no_address_stops_the_start(value: str) -> None:
    with pytest.raises(BadSetting, match="TRACE_SECURITY_CONTACT"):
        Settings.from_env({"TRACE_SECURITY_CONTACT": value})


def test_the_servers_own_name_has_the_platforms_keys(app: Flask, now: datetime) -> None:
    with app.app_context():
        initialise(at=now)
        code = platform_organisation().code
        from trace.extensions import db

        db.session.commit()
    found = app.test_client().get("/.well-known/did.json")
    body, own = found.get_json(force=True), app.test_client().get(f"/o/{code}/did.json")
    assert found.content_type == "application/did+json"
    assert body["id"] == "did:web:trace.example"
    assert body["alsoKnownAs"] == [f"did:web:trace.example:o:{code}"]
    assert body["verificationMethod"] == own.get_json(force=True)["verificationMethod"]


def test_under_a_path_the_bare_name_is_not_ours(settings: Settings, now: datetime) -> None:
    app = create_app(replace(settings, id_base="https://trace.example/ns"))
    answer = app.test_client().get("/.well-known/did.json")
    release(app)
    assert answer.status_code == 404
