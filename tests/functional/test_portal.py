"""Handing passports in: queue, receipt, refusal, trying again; by folder and over HTTP."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, thing_id
from trace.config import BadSetting, Settings
from trace.errors import NotAllowed, NotFound
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import PortalDelivery
from trace.services import portal
from trace.services.actors import Actor
from trace.services.portal_adapters import Http, PortalUnreachable, read_answer
from trace.services.senders import signature

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SECRET = "shared with the portal, and long enough"


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


@pytest.fixture
def folder(app: Flask, farm: Farm, tmp_path: Path) -> Path:
    where = tmp_path / "portal"
    told = replace(app.extensions["trace.settings"], portal=str(where), portal_secret=SECRET)
    app.extensions["trace.settings"] = told
    return where


def handed(farm: Farm, lot: int, at: datetime = NOW) -> PortalDelivery:
    row = portal.hand_in(farm.actor, lot, at=at)
    db.session.commit()
    return row


def worked(row: PortalDelivery, after: timedelta = timedelta(0)) -> PortalDelivery:
    """The worker, so much later."""
    with time_machine.travel(NOW + after, tick=False):
        run_pending()
    db.session.refresh(row)
    return row


def test_a_passport_is_dropped_once_and_its_receipt_is_fetched(farm: Farm, folder: Path) -> None:
    lot = thing_id(farm.register())
    row = handed(farm, lot)
    assert handed(farm, lot, NOW + timedelta(minutes=1)).id == row.id  # the same paper
    assert worked(row).state == "sent"
    # A job that is run again after a crash begins no second round.
    assert portal.take(row.id, at=NOW) is None
    (dropped,) = (folder / "outbox").glob("*")
    told = json.loads(dropped.read_text())
    assert dropped.name == f"{row.public_id}.json"
    assert told["kind"] == "record"
    assert told["producer"]["name"] == farm.organisation.name
    assert worked(row, timedelta(minutes=5)).state == "sent"
    receipts = folder / "receipts"
    receipts.mkdir()
    answer = {"state": "accepted", "receipt": "CQG-2026-1"}
    (receipts / f"{row.public_id}.json").write_text(json.dumps(answer))
    assert worked(row, timedelta(hours=1)).state == "accepted"
    assert (row.receipt, row.due_at) == ("CQG-2026-1", None)
    with pytest.raises(portal.StillUnderWay):
        portal.send_again(farm.actor, row, at=NOW)
    # What changed of the goods makes another paper.
    farm.product.name = "Cải ngọt loại một"
    farm.wait(1).notify("advice", farm.told[0]["quantityList"][0]["epcClass"], reason="rửa kỹ")
    assert handed(farm, lot).id != row.id


def test_a_refusal_is_final_until_somebody_sends_again(farm: Farm, folder: Path) -> None:
    row = handed(farm, thing_id(farm.register()))
    worked(row)
    (folder / "receipts").mkdir()
    path = folder / "receipts" / f"{row.public_id}.json"
    path.write_text(json.dumps({"state": "refused", "reason": "thiếu \x00GTIN" + "x" * 999}))
    assert worked(row, timedelta(hours=1)).state == "refused"
    assert row.reason.startswith("thiếu GTIN")
    assert len(row.reason) == 300
    path.unlink()
    with pytest.raises(NotAllowed):
        portal.send_again(Actor(farm.organisation, None, "recorder"), row, at=NOW)
    portal.send_again(farm.actor, row, at=NOW)
    db.session.commit()
    assert worked(row, timedelta(hours=2)).state == "sent"


def test_what_cannot_be_reached_is_tried_again_later_and_given_up_at_last(
    farm: Farm, folder: Path
) -> None:
    folder.write_text("a file where a folder should be")
    row = handed(farm, thing_id(farm.register()))
    after = timedelta(0)
    pauses = []
    while worked(row, after).state == "queued":
        assert row.due_at is not None
        pauses.append(row.due_at - (NOW + after))
        after = row.due_at - NOW
    assert row.state == "failed"
    assert row.attempts == portal.MOST_ATTEMPTS == len(pauses) + 1
    assert pauses == sorted(pauses)
    assert timedelta(days=2) < after < timedelta(days=3)
    assert row.reason


def test_without_a_portal_nothing_is_queued_and_strangers_hand_nothing_in(
    farm: Farm, app: Flask
) -> None:
    lot = thing_id(farm.register())
    with pytest.raises(portal.PortalOff):
        portal.hand_in(farm.actor, lot, at=NOW)
    told = replace(app.extensions["trace.settings"], portal="/nowhere")
    app.extensions["trace.settings"] = told
    with pytest.raises(NotFound):
        portal.hand_in(make_farm(START, "Người lạ Demo").actor, lot, at=NOW)
    row = handed(farm, lot)
    with pytest.raises(NotFound):
        portal.get_delivery(make_farm(START, "Ai đó Demo").actor, row.public_id)
    for text in ("", "x", "\x00", "\ud800"):
        with pytest.raises(NotFound):
            portal.get_delivery(farm.actor, text)


# -- over HTTP -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Desk:
    """A portal that answers what it is told to; `seen` are the requests."""

    address: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def desk() -> Iterator[Desk]:
    found = Desk()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.seen.append((self.command, self.path, dict(self.headers), body))
            status, data = found.answers.pop(0)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer  # noqa: N815 (the library's names)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}/in"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.one_database
def test_over_http_a_document_is_signed_and_answers_are_read_strictly() -> None:
    with desk() as portal_desk:
        way = Http(portal_desk.address, SECRET)
        portal_desk.answers = [
            (200, b'{"state": "accepted", "receipt": "R1"}'),
            (202, b""),
            (404, b""),
            (422, b'{"state": "refused", "reason": "no GTIN"}'),
            (400, b"<html>"),
        ]
        assert way.send("k", b"{}").receipt == "R1"
        _, path, headers, body = portal_desk.seen[0]
        assert (path, body, headers["Idempotency-Key"]) == ("/in", b"{}", "k")
        made = signature(SECRET, headers["Trace-Timestamp"], b"{}")
        assert headers["Trace-Signature"] == made
        assert way.send("k", b"{}").state == "pending"
        assert way.ask("k").state == "pending"
        assert portal_desk.seen[2][:2] == ("GET", "/in/k")
        assert (way.ask("k").state, portal_desk.answers[0][0]) == ("refused", 400)
        assert way.send("k", b"{}").reason == "http-400"
        for status, body in (
            (500, b""),
            (429, b""),
            (302, b""),
            (200, b"[1]"),
            (200, b'{"state": "accepted"}'),
            (200, b'{"state": "accepted", "state": "refused"}'),
            (200, b"[" * 70_000),
        ):
            portal_desk.answers = [(status, body)]
            with pytest.raises(PortalUnreachable):
                way.send("k", b"{}")
    with pytest.raises(PortalUnreachable):
        way.send("k", b"{}")


@pytest.mark.one_database
@pytest.mark.parametrize(
    "said",
    [
        b"who are you?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_does_not_speak_http_is_unreachable(said: bytes) -> None:
    class Door(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(said)

    with socketserver.TCPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        way = Http(f"http://127.0.0.1:{server.server_address[1]}/in", SECRET)
        with pytest.raises(PortalUnreachable):
            way.send("k", b"")


@pytest.mark.one_database
def test_an_answer_with_odd_texts_is_kept_as_plain_text() -> None:
    told = read_answer(b'{"state":"refused","reason":"a\\u0000b\\u202ec"}')
    assert told.reason == "abc"
    with pytest.raises(PortalUnreachable):
        read_answer(b'{"state":"refused","reason":"\\ud800"}')


@pytest.mark.parametrize(
    ("name", "value", "more"),
    [
        ("TRACE_PORTAL", "portal", {}),
        ("TRACE_PORTAL", "ftp://portal.example", {}),
        ("TRACE_PORTAL_SECRET", "short", {"TRACE_PORTAL": "https://portal.example"}),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(
    name: str, value: str, more: dict[str, str], tmp_path: Path
) -> None:
    env = {"TRACE_INSTANCE": str(tmp_path), **more, name: value}
    with pytest.raises(BadSetting, match=name):
        Settings.from_env(env)
