"""Damaged documents of both forms: read, judged, sent over HTTP. Nothing fails, nothing hangs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.factories import make_actor
from tests.support.mutations import Outcome, damage, examine_json, report
from tests.unit.epcis.test_xml_fuzz import examine as examine_xml
from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.services.tokens import issue_token

REPORT = Path(__file__).parents[2] / "docs" / "reports" / "epcis-mutations.md"
MANY = 200_000
EXAMINE = {"JSON": examine_json, "XML": examine_xml}
MEDIA = {"JSON": "application/ld+json", "XML": "application/xml"}


@pytest.mark.parametrize("form", EXAMINE)
def test_damaged_documents_are_refused_by_name_or_kept(form: str) -> None:
    outcome = damage(form, 2026, 400, EXAMINE[form])
    assert min(outcome.counts[one] for one in ("refused", "taken", "kept")) > 0


@pytest.mark.long
def test_many_damaged_documents_of_both_forms_break_nothing() -> None:
    found = [damage(form, 7, MANY, examine) for form, examine in EXAMINE.items()]
    assert all(one.total == MANY and min(one.counts.values()) > 0 for one in found)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(report(found, datetime.now(UTC)), encoding="utf-8")


class Door:
    """The interface's two ways in, with a token."""

    def __init__(self, app: Flask, client: FlaskClient, form: str) -> None:
        with app.app_context():
            organisation = make_actor(clock.now()).organisation
            _, token = issue_token(organisation, "máy", ["capture", "query"], at=clock.now())
            db.session.commit()
        self.app, self.client, self.sent = app, client, 0
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA[form]}

    def send(self, data: bytes) -> str:
        """Sends a document both ways; how it was answered."""
        self.sent += 1
        statuses = []
        for path in ("capture", "events"):
            answer = self.client.post(f"/epcis/v2/{path}", data=data, headers=self.headers)
            assert answer.status_code < 500, answer.text
            assert answer.status_code < 300 or answer.mimetype == "application/problem+json"
            statuses.append(answer.status_code)
        if self.sent % 100 == 0:
            self.work()
        return "refused" if min(statuses) >= 400 else "taken"

    def work(self) -> None:
        """Runs the jobs that wait: none fails but for what is wrong with its document."""
        with self.app.app_context():
            worker.run_pending()
        listed = self.client.get("/epcis/v2/capture?perPage=1000", headers=self.headers).json
        assert listed is not None
        assert all(one["running"] is False for one in listed)
        assert all(error["status"] < 500 for one in listed for error in one["errors"])


@pytest.mark.own_application
@pytest.mark.one_database
@pytest.mark.parametrize("form", EXAMINE)
def test_damaged_documents_sent_over_http_get_an_answer(
    app: Flask, client: FlaskClient, form: str
) -> None:
    _over_http(app, client, form, 60)


@pytest.mark.long
@pytest.mark.own_application
@pytest.mark.one_database
@pytest.mark.parametrize("form", EXAMINE)
def test_many_damaged_documents_sent_over_http_get_an_answer(
    app: Flask, client: FlaskClient, form: str
) -> None:
    _over_http(app, client, form, 5_000)


def _over_http(app: Flask, client: FlaskClient, form: str, count: int) -> None:
    door = Door(app, client, form)
    outcome: Outcome = damage(form, 11, count, door.send)
    door.work()
    assert outcome.counts["taken"] > 0
