"""Another maker's client (npm: epcis2.js) captures here what it makes and checks by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.epcis_server import work
from tests.support.factories import make_actor, new_lot
from tests.support.server import LiveServer
from trace import clock
from trace.extensions import db
from trace.services.tokens import issue_token

NODE = Path(__file__).parent / "node"
ITEM = "https://id.gs1.org/01/09521321000018/21/EPCIS2JS1"
PARENT = "https://id.gs1.org/00/095213210000000018"

pytestmark = [
    pytest.mark.one_database,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
]


def events_of(client: FlaskClient, token: str, **query: str) -> list[dict[str, Any]]:
    answer = client.get(
        "/epcis/v2/events", query_string=query, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.json is not None
    found: list[dict[str, Any]] = answer.json["epcisBody"]["queryResults"]["resultsBody"][
        "eventList"
    ]
    return found


def test_what_another_client_captures_is_found_as_it_was_made(live_server: LiveServer) -> None:
    app = live_server.app
    with app.app_context():
        actor = make_actor(clock.now())
        _, token = issue_token(
            actor.organisation, "epcis2.js", ["capture", "query"], at=clock.now()
        )
        lot = new_lot()
        db.session.commit()
    stop = threading.Event()
    worker = threading.Thread(target=work, args=(app, stop), daemon=True)
    worker.start()
    try:
        ran = subprocess.run(
            ["node", "epcis2.mjs", f"{live_server.url}/epcis/v2", token, lot, ITEM, PARENT],
            cwd=NODE,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        stop.set()
        worker.join()
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["status"] == 202, told
    assert told["job"]["errors"] == []
    assert told["job"]["success"] is True
    sent = told["sent"]["epcisBody"]["eventList"]
    client = app.test_client()
    for query, place in (
        ({"MATCH_epcClass": lot}, 0),
        ({"EQ_bizStep": "sensor_reporting", "MATCH_epc": ITEM}, 1),
        ({"MATCH_parentID": PARENT}, 2),
    ):
        (found,) = events_of(client, token, **query)
        for name, value in sent[place].items():
            assert found[name] == value, name
