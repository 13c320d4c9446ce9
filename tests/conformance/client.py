"""Plain HTTP to one EPCIS server, and what every test does with it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

Json = Any
JSON = "application/json"
PATIENCE = 30.0  # seconds that a capture job or a subscriber is waited for


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of headers are lower case."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body, read; fails the test where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"{self} is no JSON") from None

    @property
    def events(self) -> list[Json]:
        """The events of an EPCISQueryDocument."""
        assert self.status == 200, self
        found = self.json
        assert found["type"] == "EPCISQueryDocument", self
        listed = found["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert isinstance(listed, list), self
        return listed

    @property
    def next(self) -> str | None:
        """Where the Link with rel=next leads."""
        for part in self.headers.get("link", "").split(","):
            target, _, about = part.partition(";")
            if "next" in about and target.strip().startswith("<"):
                return target.strip()[1:-1]
        return None

    def __str__(self) -> str:
        return f"{self.method} {self.url} -> {self.status} {self.body[:600]!r}"


@dataclass(slots=True)
class Server:
    """One server, as one of its users sees it. `base` has no slash at its end."""

    base: str
    headers: dict[str, str] = field(default_factory=dict)
    _open: http.client.HTTPConnection | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Json = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Sends one request. `body` is sent as JSON unless it is bytes; a header of None is left
        out. A path is below the base, or as a Location or Link gave it."""
        url = self.address(path)
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query, doseq=True, quote_via=quote)
        sent = {"Accept": JSON, **self.headers}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = JSON
        for name, value in (headers or {}).items():
            if value is None:
                sent.pop(name, None)
            else:
                sent[name] = value
        status, got, content = self._exchange(method, url, data, sent)
        return Answer(method, url, status, got, content)

    def address(self, path: str) -> str:
        """Absolute, whatever form a server gave: a whole URL, an absolute path, or below base."""
        if path.startswith(("http://", "https://")):
            return path
        inner = urlsplit(self.base).path
        if inner and path.startswith(f"{inner}/"):
            return urljoin(self.base, path)
        return f"{self.base}/{path.lstrip('/')}"

    def _exchange(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else (http.client.HTTPConnection)
        )
        connection = kind(parts.netloc, timeout=PATIENCE)
        try:
            connection.request(method, target, data, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
            got: dict[str, str] = {}
            for name, value in answer.getheaders():
                known = got.get(name.lower())
                got[name.lower()] = value if known is None else f"{known}, {value}"
            return answer.status, got, content
        finally:
            connection.close()

    # -- what many tests do ----------------------------------------------------------------------

    def capture(self, body: Json, *, behaviour: str | None = None, **headers: str) -> Json:
        """Captures a document and waits for its job; the job's last state."""
        more = {"GS1-Capture-Error-Behaviour": behaviour} if behaviour else {}
        answer = self.call("POST", "/capture", body=body, headers={**headers, **more})
        assert answer.status == 202, answer
        return self.ended(answer.headers["location"])

    def ended(self, location: str) -> Json:
        """The job at `location` once it no longer runs."""
        for _ in waiting():
            job = self.call("GET", location)
            assert job.status == 200, job
            if not job.json["running"]:
                return job.json
        raise AssertionError(f"the capture job {location} still runs after {PATIENCE} s")

    def find(self, **query: Any) -> list[Json]:
        """All events that answer a query, over all its pages."""
        answer = self.call("GET", "/events", query=query)
        found = answer.events
        while answer.next is not None:
            answer = self.call("GET", answer.next)
            found += answer.events
        return found


def waiting(patience: float = PATIENCE) -> Iterator[None]:
    """Goes round until patience ends: soon again at first, then slower."""
    until, pause = time.monotonic() + patience, 0.01
    while time.monotonic() < until:
        yield
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def segment(text: str) -> str:
    """A text as one step of a path."""
    return quote(text, safe="")


def check_problem(answer: Answer, status: int, *types: str) -> None:
    """A refusal as the standard wants it: the status, and a problem of one of these types."""
    assert answer.status == status, answer
    assert answer.headers.get("content-type", "").startswith("application/problem+json"), answer
    told = answer.json
    assert isinstance(told.get("title"), str), answer
    assert told["title"], answer
    kinds = {f"epcisException:{kind}" for kind in types}
    assert not kinds or told.get("type") in kinds, answer
