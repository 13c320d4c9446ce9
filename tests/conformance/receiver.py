"""A subscriber: takes what a server posts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.conformance.client import PATIENCE, Json, waiting


@dataclass(slots=True)
class Call:
    """One POST: what came and what it was answered. Names of headers are lower case."""

    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def events(self) -> list[Json]:
        listed = self.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert isinstance(listed, list)
        return listed


@dataclass(slots=True)
class Receiver:
    """More than `most` events at once are answered 413."""

    url: str = ""
    most: int = 10**9
    calls: list[Call] = field(default_factory=list)

    def events(self) -> list[Json]:
        """All that were taken, in order."""
        return [event for call in self.calls if call.status == 200 for event in call.events]

    def wait_for_events(self, count: int) -> list[Json]:
        """So many events, once they have come."""
        for _ in waiting():
            if len(self.events()) >= count:
                return self.events()
        raise AssertionError(f"{len(self.events())} of {count} events came in {PATIENCE} s")

    def wait_for_calls(self, count: int) -> list[Call]:
        """So many calls, once they have come."""
        for _ in waiting():
            if len(self.calls) >= count:
                return self.calls
        raise AssertionError(f"{len(self.calls)} of {count} calls came in {PATIENCE} s")


@contextmanager
def receiving(host: str, *, everywhere: bool) -> Iterator[Receiver]:
    """Runs one that is reached as `host`."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call({n.lower(): v for n, v in self.headers.items()}, body, 200)
            try:
                if len(call.events) > receiver.most:
                    call.status = 413
            except (ValueError, KeyError, TypeError, AssertionError):
                call.status = 400
            receiver.calls.append(call)
            self.send_response(call.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("0.0.0.0" if everywhere else "127.0.0.1", 0), Handler)
    receiver.url = f"http://{host}:{server.server_port}/events"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
