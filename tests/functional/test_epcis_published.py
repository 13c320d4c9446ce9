"""Every published document, sent over HTTP: taken, or refused at the places that the rules name.

The documents are those of the standard's working group. Where they are not at hand the same ground
is covered by tests/functional/test_epcis_captures.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.contract import test_epcis_documents as in_json
from tests.contract import test_epcis_xml as in_xml
from tests.support.factories import make_actor
from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.services.tokens import issue_token

FILES = [in_json.FOLDER / name for name in in_json.DOCUMENTS]
FILES += [in_xml.FOLDER / name for name in in_xml.DOCUMENTS]
REFUSED = {**in_json.REFUSED, **in_xml.REFUSED}


@pytest.mark.own_application
@pytest.mark.one_database
@pytest.mark.skipif(not FILES, reason="the published documents are not beside this project")
def test_every_published_document_is_recorded_or_refused_as_the_rules_say(
    app: Flask, client: FlaskClient
) -> None:
    assert len(FILES) >= 40
    told = {path.name: sent(app, client, path) for path in FILES}
    assert told == {path.name: REFUSED.get(path.name, []) for path in FILES}


def sent(app: Flask, client: FlaskClient, path: Path) -> list[tuple[str, str]]:
    """What was refused of a document, by an organisation of its own: other documents tell some of
    the same events."""
    with app.app_context():
        _, token = issue_token(
            make_actor(clock.now(), path.name[:60]).organisation,
            "máy",
            ["capture", "query"],
            at=clock.now(),
        )
        db.session.commit()
    headers = {"Authorization": f"Bearer {token}", "GS1-Capture-Error-Behaviour": "proceed"}
    kind = "application/xml" if path.suffix == ".xml" else "application/ld+json"
    answer = client.post(
        "/epcis/v2/capture", data=path.read_bytes(), content_type=kind, headers=headers
    )
    if answer.status_code == 400:
        assert answer.json is not None
        errors = answer.json.get("errors", [answer.json])
        return [(error.get("path", ""), error["code"]) for error in errors]
    assert answer.status_code == 202, answer.text
    with app.app_context():
        worker.run_pending()
    job = client.get(answer.headers["Location"], headers=headers).json
    assert job is not None
    assert job["running"] is False
    return [(error["path"], error["code"]) for error in job["errors"]]
