"""A subscriber on this machine: takes what is posted and answers as it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass(slots=True)
class Subscriber:
    """`answers` are the statuses of the next answers; then 200. `most` events are taken at once,
    more are answered 413."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    most: int = 1_000_000
    came: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    def documents(self) -> list[dict[str, Any]]:
        """What was taken, in order."""
        return [json.loads(body) for status, _, body in self.came if status == 200]

    def events(self) -> list[dict[str, Any]]:
        """All events that were taken, in order."""
        return [
            event
            for document in self.documents()
            for event in document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        ]

    def is_signed(self, secret: str) -> bool:
        """Whether everything that came bears the signature of `secret`."""
        return bool(self.came) and all(
            headers.get("GS1-Signature")
            == base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
            for _, headers, body in self.came
        )


@contextmanager
def subscriber() -> Iterator[Subscriber]:
    """Runs one."""
    told = Subscriber()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = told.answers.pop(0) if told.answers else 200
            if status == 200 and _count(body) > told.most:
                status = 413
            told.came.append((status, dict(self.headers), body))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{told.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _count(body: bytes) -> int:
    if body.startswith(b"<"):
        return body.count(b"</eventTime>")
    found = json.loads(body).get("epcisBody", {}).get("queryResults", {}).get("resultsBody", {})
    return len(found.get("eventList", ()))
