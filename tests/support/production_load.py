"""Phones and machines that use a whole production site at once, and what they met."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.production import HOST, Client, Site, address


def event() -> bytes:
    """A capture document of one event."""
    happened = (datetime.now(UTC) - timedelta(minutes=5)).isoformat(timespec="milliseconds")
    one = {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "eventTime": happened,
        "eventTimeZoneOffset": "+07:00",
        "epcList": ["https://id.gs1.org/00/095201234567891235"],
    }
    return json.dumps(
        {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": happened,
            "epcisBody": {"eventList": [one]},
        }
    ).encode()


def capture_headers(site: Site) -> dict[str, str]:
    token = site.demo["token"]
    return {"Content-Type": "application/ld+json", "Authorization": f"Bearer {token}"}


@dataclass
class Load:
    """Phones and machines, each in a thread, until told to stop."""

    site: Site
    pages: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    scans: list[float] = field(default_factory=list)
    captures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        for number in range(6):
            self._start(self._phone, number)
        for number in range(2):
            self._start(self._machine, number)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def _start(self, work: object, number: int) -> None:
        def run() -> None:
            try:
                work(number)  # type: ignore[operator]  # one of the two below
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(f"{getattr(work, '__name__', '')}: {error!r}")

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def _phone(self, number: int) -> None:
        turn = 0
        while not self.stop.is_set():
            turn += 1
            with closing(Client(self.site, address(2000 + 100 * number + turn % 100))) as client:
                self._scan(client)
            self.stop.wait(0.05)

    def _scan(self, client: Client) -> None:
        for page in self.pages[:4]:
            start = time.perf_counter()
            answer = client.ask(page, headers={"Accept": "text/html"})
            self.scans.append(1000 * (time.perf_counter() - start))
            self._expect(answer.status == 200, f"GET {page} {answer.status}")
            seen = client.ask(
                page, "POST", b"", {"Origin": f"https://{HOST}", "Sec-Fetch-Site": "same-origin"}
            )
            self._expect(seen.status == 204, f"POST {page} {seen.status}")
        about = client.ask("/about")
        self._expect(about.status == 200, f"GET /about {about.status}")

    def _machine(self, number: int) -> None:
        turn = 0
        while not self.stop.is_set():
            turn += 1
            with closing(Client(self.site, address(4000 + 100 * number + turn % 100))) as client:
                headers = capture_headers(self.site)
                answer = client.ask("/epcis/v2/capture", "POST", event(), headers)
                # 429: too many wait for the worker already; nothing was acknowledged.
                words = f"capture {answer.status} {answer.body[:200]!r}"
                self._expect(answer.status in (202, 429), words)
                if answer.status == 202:
                    self.captures.append(answer.headers.get("Location", ""))
            self.stop.wait(0.4)  # a token may ask 600 times a minute

    def _expect(self, holds: bool, words: str) -> None:
        if not holds:
            self.wrong.append(words)
