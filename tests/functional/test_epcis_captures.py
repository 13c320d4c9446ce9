"""Capture over HTTP: what a job tells while and after it runs, its list, limits and refusals."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.factories import make_actor, new_lot, registered
from trace.core.epcis import event_context
from trace.extensions import db
from trace.jobs import worker
from trace.models import Event, Job
from trace.services import epcis_captures
from trace.services.actors import Actor
from trace.services.tokens import issue_token

CAPTURE = "/epcis/v2/capture"


@pytest.fixture
def token(app: Flask, now: datetime) -> str:
    with app.app_context():
        _, text = issue_token(make_actor(now).organisation, "thử", ["capture", "query"], at=now)
        db.session.commit()
        return text


def plain(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name != "@context"}


def document(*events: Any, **members: Any) -> bytes:
    return orjson.dumps(
        {
            "@context": event_context("https://trace.example"),
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-20T05:00:00.000Z",
            "epcisBody": {"eventList": list(events)},
            **members,
        }
    )


def post(client: FlaskClient, token: str, body: bytes, **more: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    more.setdefault("content_type", "application/json")
    return client.post(more.pop("path", CAPTURE), data=body, headers=headers, **more)


def get(client: FlaskClient, token: str, path: str, **headers: str) -> TestResponse:
    return client.get(path, headers={"Authorization": f"Bearer {token}", **headers})


def events_of(app: Flask, good: int, bad: int) -> list[dict[str, Any]]:
    with app.app_context():
        return [
            *(plain(registered(new_lot())) for _ in range(good)),
            *(plain(registered(new_lot(), -3)) for _ in range(bad)),
        ]


def test_a_job_says_running_until_it_has_run_and_then_how_it_ended(
    app: Flask, client: FlaskClient, token: str
) -> None:
    answer = post(client, token, document(*events_of(app, 1, 0)))
    assert answer.status_code == 202
    assert answer.headers["GS1-EPCIS-Capture-Limit"] == "10000"
    job = get(client, token, answer.headers["Location"]).json
    assert job is not None
    assert (job["running"], job["success"], job["errors"]) == (True, True, [])
    assert "finishedAt" not in job
    with app.app_context():
        worker.run_pending()
    job = get(client, token, answer.headers["Location"]).json
    assert job is not None
    assert (job["running"], job["success"], job["captureErrorBehaviour"]) == (
        False,
        True,
        "rollback",
    )
    assert job["finishedAt"] >= job["createdAt"]


@pytest.mark.parametrize("behaviour", ["rollback", "proceed"])
def test_a_document_without_events_is_taken_and_nothing_is_recorded(
    app: Flask, client: FlaskClient, token: str, behaviour: str
) -> None:
    headers = {"GS1-Capture-Error-Behaviour": behaviour}
    answer = post(client, token, document(), headers=headers)
    with app.app_context():
        worker.run_pending()
    job = get(client, token, answer.headers["Location"]).json
    assert job is not None
    assert (job["running"], job["success"], job["errors"]) == (False, True, [])


@pytest.mark.parametrize(
    ("behaviour", "kept", "told"), [("rollback", 0, {1, 3}), ("proceed", 3, {1, 3, 4})]
)
def test_every_error_is_told_with_its_path_and_what_it_took_with_it(
    app: Flask, client: FlaskClient, token: str, behaviour: str, kept: int, told: set[int]
) -> None:
    good, bad = events_of(app, 3, 0), events_of(app, 0, 2)
    # 0 good, 1 below zero, 2 good, 3 below zero, 4 the same as 0 again, 5 good
    mixed = [good[0], bad[0], good[1], bad[1], good[0], good[2]]
    answer = post(
        client, token, document(*mixed), headers={"GS1-Capture-Error-Behaviour": behaviour}
    )
    with app.app_context():
        worker.run_pending()
        assert db.session.query(Event).count() == kept
    job = get(client, token, answer.headers["Location"]).json
    assert job is not None
    assert (job["running"], job["success"]) == (False, False)
    assert {int(error["path"].split("/")[3]) for error in job["errors"]} == told
    for error in job["errors"]:
        assert error["type"] == (
            "epcisException:ResourceAlreadyExistsException"
            if error["status"] == 409
            else "epcisException:ValidationException"
        )
        assert error["title"]
        assert error["detail"]


def test_a_job_that_goes_on_tells_errors_meanwhile_and_goes_on_after_a_crash(
    app: Flask, client: FlaskClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies between the first and the second piece; what is recorded is not again."""
    monkeypatch.setattr(epcis_captures, "PIECE", 2)
    mixed = [*events_of(app, 1, 1), *events_of(app, 2, 1)]
    answer = post(
        client, token, document(*mixed), headers={"GS1-Capture-Error-Behaviour": "proceed"}
    )
    pieces: list[int] = []
    some = epcis_captures._record_some

    def dies(actor: Actor, events: Any, *rest: Any, **more: Any) -> int:
        pieces.append(len(events))
        if len(pieces) == 3:  # the whole, the good ones of it, and then the next piece
            raise KeyboardInterrupt
        return some(actor, events, *rest, **more)

    monkeypatch.setattr(epcis_captures, "_record_some", dies)
    with app.app_context(), pytest.raises(KeyboardInterrupt):
        worker.run_pending()
    job = get(client, token, answer.headers["Location"]).json
    assert job is not None
    assert (job["running"], job["success"], len(job["errors"])) == (True, False, 1)
    monkeypatch.setattr(epcis_captures, "_record_some", some)
    with app.app_context():
        db.session.query(Job).filter_by(public_id=job["captureID"]).update({"lease_until": None})
        db.session.query(Job).filter_by(public_id=job["captureID"]).update({"state": "queued"})
        db.session.commit()
        worker.run_pending()
        assert db.session.query(Event).count() == 3
    job = get(client, token, answer.headers["Location"]).json
    assert job is not None
    assert (job["running"], job["success"]) == (False, False)
    assert [error["path"].split("/")[3] for error in job["errors"]] == ["1", "4"]


def test_ones_own_jobs_are_listed_the_newest_first_page_by_page(
    app: Flask, client: FlaskClient, token: str, now: datetime
) -> None:
    with app.app_context():
        _, other = issue_token(make_actor(now).organisation, "khác", ["capture"], at=now)
        db.session.commit()
    sent = [
        post(client, token, document(one)).headers["Location"].rpartition("/")[2]
        for one in events_of(app, 5, 0)
    ]
    foreign = post(client, other, document(*events_of(app, 1, 0)))
    found, path = [], f"{CAPTURE}?perPage=2"
    pages = 0
    while path:
        answer = get(client, token, path)
        assert answer.json is not None
        found += [job["captureID"] for job in answer.json]
        pages += 1
        link = answer.headers.get("Link", "")
        assert bool(link) == ("GS1-Next-Page-Token-Expires" in answer.headers)
        path = link.partition(">")[0].lstrip("<")
        if pages == 1:
            stolen = get(client, other, path)
            assert stolen.status_code == 400
            assert stolen.json is not None
            assert stolen.json["type"] == "epcisException:QueryParameterException"
    assert (found, pages) == (sent[::-1], 3)
    assert get(client, token, foreign.headers["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("body", "more", "status", "kind"),
    [
        (b"{", {}, 400, "ValidationException"),
        (b"", {}, 400, "ValidationException"),
        (b"[" * 100_000, {}, 400, "ValidationException"),
        (b'{"type":"EPCISDocument","a":"\\ud800"}', {}, 400, "ValidationException"),
        (b'{"type":"EPCISDocument","a":1e999}', {}, 400, "ValidationException"),
        (b'{"type":"Thing"}', {}, 400, "ValidationException"),
        (b"a;b", {"content_type": "text/csv"}, 415, "UnsupportedMediaTypeException"),
        (
            b"{}",
            {"headers": {"GS1-Capture-Error-Behaviour": "all"}},
            400,
            "ValidationException",
        ),
        (b"x" * 20_000, {}, 413, "CaptureLimitExceededException"),
        (b"{}", {"path": "/epcis/v2/events"}, 400, "ValidationException"),
        (document(), {"path": "/epcis/v2/events"}, 400, "ValidationException"),
    ],
)
def test_what_cannot_be_taken_is_refused_at_once_with_the_standards_word(
    app: Flask,
    client: FlaskClient,
    token: str,
    body: bytes,
    more: dict[str, Any],
    status: int,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if status == 413:
        monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10_000)
    answer = post(client, token, body, **dict(more))
    assert answer.status_code == status, answer.text
    assert answer.json is not None
    assert answer.json["type"] == f"epcisException:{kind}"
    assert answer.content_type == "application/problem+json"


def test_too_many_events_are_refused_with_the_limit(
    app: Flask, client: FlaskClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epcis_captures, "MOST_EVENTS", 2)
    answer = post(client, token, document(*events_of(app, 3, 0)))
    assert answer.status_code == 413
    assert answer.json is not None
    assert answer.json["type"] == "epcisException:CaptureLimitExceededException"
    assert "2 events" in answer.json["detail"]


def test_a_single_event_is_answered_with_its_address_and_a_repeat_is_a_conflict(
    app: Flask, client: FlaskClient, token: str
) -> None:
    with app.app_context():
        made = registered(new_lot())
    first = post(client, token, orjson.dumps(made), path="/epcis/v2/events")
    assert first.status_code == 201
    assert first.json is not None
    address = f"/epcis/v2/events/{quote(first.json['eventID'], safe='')}"
    assert first.headers["Location"] == address
    assert get(client, token, address).status_code == 200
    again = post(client, token, orjson.dumps(made), path="/epcis/v2/events")
    assert again.status_code == 409
    assert again.json is not None
    assert again.json["type"] == "epcisException:ResourceAlreadyExistsException"
    assert again.json["path"] == "/eventID"
    keyed = [
        post(
            client,
            token,
            orjson.dumps(registered_again),
            path="/epcis/v2/events",
            headers={"Idempotency-Key": "k1"},
        ).status_code
        for registered_again in [made | {"eventID": "urn:uuid:1"}] * 2
    ]
    assert keyed == [201, 201]


def test_options_tell_the_methods_and_the_limits(client: FlaskClient, token: str) -> None:
    answer = client.options(CAPTURE, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "GET", "POST"}
    assert answer.headers["GS1-Capture-Error-Behaviour"] == "all"
    assert answer.headers["GS1-EPCIS-Capture-File-Size-Limit"] == str(20 * 1024 * 1024)
    assert answer.headers["GS1-EPCIS-Version"] == "2.0.0"
    for path in ("nothing", "%00", "%ff", "x" * 300):
        missing = get(client, token, f"{CAPTURE}/{path}")
        assert missing.status_code in (400, 404), path
