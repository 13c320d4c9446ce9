"""The Python client against the running application, over a real connection."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from trace_client import Changed, Client, NotReached, Refused, TooMany

from tests.support.factories import make_actor
from tests.support.server import LiveServer
from trace.api.v1 import masters
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Organisation
from trace.services.tokens import issue_token

WHEN = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


def client_of(server: LiveServer, now: datetime, name: str = "HTX Demo") -> Client:
    with server.app.app_context():
        organisation = make_actor(now, name).organisation
        _, token = issue_token(organisation, "thử", ["query", "capture"], at=now)
        db.session.commit()
    return Client(server.url, token, wait=lambda _: None)


def test_a_program_keeps_records_and_tells_a_lot_to_its_buyer(
    live_server: LiveServer, now: datetime
) -> None:
    farm, shop = client_of(live_server, now), client_of(live_server, now, "Cửa hàng")
    plot = farm.add("places", masters.PLACE)
    assert farm.one("places", plot["id"]) == plot
    body = {**masters.PLACE, "name": "Thửa 4"}
    assert farm.change("places", plot["id"], body, version=1)["version"] == 2
    with pytest.raises(Changed) as late:
        farm.change("places", plot["id"], body, version=1)
    assert (late.value.status, late.value.code) == (412, "if-match-failed")
    for number in range(5):
        farm.add("households", {"code": f"H{number}"})
    assert [one["code"] for one in farm.all("households", limit=2)] == [
        "H0",
        "H1",
        "H2",
        "H3",
        "H4",
    ]
    begun = farm.begin_cycle("sowing", when=datetime(2026, 9, 1, tzinfo=UTC), product_name="Cải")
    cycle = begun.thing("epc").id
    farm.add_entry(cycle, "irrigating", when=WHEN)
    reaped = farm.harvest(
        cycle, Decimal("480.5"), when=WHEN, place=plot["id"], use_by=date(2026, 11, 30)
    )
    lot = reaped.thing("output")
    assert (lot.kind, lot.quantity) == ("lot", 480.5)
    crate = farm.pack([(lot.id, 12, "kg")], when=WHEN).thing("parent")
    farm.store(lot.id, when=WHEN, celsius=4.5)
    code = shop.get("/organisation")["code"]
    sent = farm.send([(lot.id, 100, "kg"), (crate.id, None, "")], when=WHEN, taker=code)
    (waiting,) = shop.all("handovers", view="incoming")
    assert waiting["id"] == sent.events[0].id
    shop.receive_by_note(waiting["note"], when=WHEN)
    assert {one["id"] for one in shop.all("batches", held="true")} == {lot.id}
    with pytest.raises(Refused) as refused:
        farm.register_batch(-1, when=WHEN, product_name="x")
    assert [(one.code, one.path) for one in refused.value.errors] == [
        ("negative-quantity", "/quantity")
    ]


@pytest.mark.one_database
def test_a_key_of_ones_own_makes_a_program_that_was_killed_safe_to_start_anew(
    live_server: LiveServer, now: datetime
) -> None:
    farm = client_of(live_server, now)
    first, again = (
        farm.register_batch(5, when=WHEN, product_name="Cải", key="phieu-can-0001")
        for _ in range(2)
    )
    assert first == again
    assert len(list(farm.all("batches"))) == 1
    farm.void(first.events[0].id)
    with pytest.raises(Refused) as other:
        farm.register_batch(6, when=WHEN, product_name="Cải", key="phieu-can-0001")
    assert other.value.code == "idempotency-key-reused"
    with pytest.raises(ValueError, match="offset"):
        farm.register_batch(5, when=datetime(2026, 11, 20), product_name="x")  # noqa: DTZ001


@contextmanager
def bad_line(target: str, faults: list[Any]) -> Iterator[tuple[str, list[str]]]:
    """A proxy that loses answers: each fault is a status to answer itself, or "lost": the request
    is carried out and its answer thrown away. Yields its address and the keys it saw."""
    import http.client

    host = target.removeprefix("http://")
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            fault = faults.pop(0) if faults else None
            if isinstance(fault, int):
                self.send_response(fault)
                self.send_header("Retry-After", "3")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            line = http.client.HTTPConnection(host)
            sent = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
            line.request("POST", self.path, data, {**sent, "Idempotency-Key": keys[-1]})
            got = line.getresponse()
            body = got.read()
            line.close()
            if fault == "lost":
                self.close_connection = True
                return
            self.send_response(got.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", keys
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.one_database
def test_lost_answers_and_busy_servers_are_tried_again_and_nothing_is_done_twice(
    live_server: LiveServer, now: datetime
) -> None:
    token = client_of(live_server, now).transport.token
    waited: list[float] = []
    with bad_line(live_server.url, ["lost", 503, "lost"]) as (address, keys):
        farm = Client(address, token, wait=waited.append)
        farm.add("households", {"code": "H1"})
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert waited[1] == 3.0
    straight = Client(live_server.url, token)
    assert len(list(straight.all("households"))) == 1
    with bad_line(live_server.url, [503, 503]) as (address, _), pytest.raises(Refused):
        Client(address, token, tries=2, wait=waited.append).add("households", {"code": "H2"})
    with pytest.raises(NotReached):
        Client(address, token, tries=2, wait=waited.append).add("households", {"code": "H2"})
    with live_server.app.app_context():
        assert db.session.get(Organisation, 1) is not None


def blocks(name: str) -> str:
    """The Python of a page of the documentation, in its order."""
    text = (Path(__file__).parents[2] / "docs" / "how-to" / name).read_text()
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


@pytest.mark.one_database
def test_what_the_how_to_tells_a_programmer_does_what_it_says_twice_over(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server.app.app_context():
        organisation = make_actor(datetime.now(UTC) - timedelta(days=60)).organisation
        scopes = ["query", "capture", "manage"]
        _, token = issue_token(organisation, "thử", scopes, at=datetime.now(UTC))
        db.session.commit()
    monkeypatch.setenv("TRACE_SERVER", live_server.url)
    monkeypatch.setenv("TRACE_TOKEN", token)
    told: list[dict[str, Any]] = []

    def work(_client: Client, _seconds: float) -> None:
        with live_server.app.app_context():
            run_pending()

    monkeypatch.setattr(Client, "pause", work)  # the worker, while the client waits
    for _ in range(2):  # a program that is started again records nothing twice
        found: dict[str, Any] = {}
        exec(compile(blocks("programs.md"), "programs.md", "exec"), found)
        told.append(found)
    first, again = told
    assert first["lots"] == again["lots"]
    assert first["note"]["note"]
    farm = first["trace"]
    assert len(list(farm.all("batches", kind="lot"))) == 2
    assert len(list(farm.all("households"))) == 2


def test_a_client_that_asks_too_often_waits_as_long_as_it_is_told_whatever_it_asks() -> None:
    answers = [(429, "7"), (200, ""), (429, "2"), (429, "2"), (204, "")]
    waited: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, pause = answers.pop(0)
            self.send_response(status)
            if pause:
                self.send_header("Retry-After", pause)
            self.send_header("RateLimit", '"token";r=12;t=41')
            body = b"{}" if status == 200 else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_DELETE = do_any  # noqa: N815  # names of the standard library

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        farm = Client(f"http://127.0.0.1:{server.server_port}", "trace_x", wait=waited.append)
        farm.change("places", 7, {"name": "x"}, version=1)
        assert (waited, farm.left) == ([7.0], 12)
        farm.remove("places", 7)
        assert waited == [7.0, 2.0, 2.0]
        answers += [(429, "9")] * 5
        with pytest.raises(TooMany) as told:
            farm.remove("places", 7)
        assert told.value.retry_after == 9.0
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
