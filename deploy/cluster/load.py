"""Load that counts what it was promised: captures that are repeated until they are acknowledged,
and scans at a fixed rate whether earlier ones were answered or not.

A capture has an eventID and an idempotency key of its own, or is one of the events of a document.
Whatever comes back but 201 (202 for a document), or nothing, it is sent again as it was: that is
what a gateway does. Its organisation sends no more than its share in a second, and nothing new
while it repeats. A scan is asked once; anything but 200 or a redirect within `PATIENCE`, or nobody
free to ask, is an error.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]  # ships no stubs

from deploy.cluster.world import storing

PATIENCE = 10.0  # seconds for a page
LONG = 25.0  # seconds for an answer to a capture
RECORDERS = 40
WARMERS = 8
READERS = 400  # scans under way at most
RECENT = 0.02  # scans of lots that are being recorded upon, of all scans
ID_BASE = "https://trace.example"
AS_OF = "Trang này theo sổ lúc".encode()


@dataclass(slots=True)
class Told:
    """What was seen. Moments are seconds of the monotonic clock."""

    began: float = 0.0
    ended: float = 0.0
    acknowledged: dict[str, float] = field(default_factory=dict)  # eventID -> when
    capture_seconds: list[float] = field(default_factory=list)
    capture_troubles: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0  # captures still repeated at the end
    scans: int = 0
    scan_seconds: list[float] = field(default_factory=list)
    scan_errors: Counter[str] = field(default_factory=Counter)
    error_moments: list[float] = field(default_factory=list)
    as_of: int = 0  # pages that said that they were not of now

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    def longest_gap(self) -> tuple[float, float]:
        """(the longest silence between acknowledgements, when it began)."""
        moments = [self.began, *sorted(self.acknowledged.values()), self.ended]
        return max((after - before, before) for before, after in pairwise(moments))

    @property
    def error_rate(self) -> float:
        return sum(self.scan_errors.values()) / max(1, self.scans)


class Connection:
    """One kept-alive connection; opened when needed."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """(status, body). Raises OSError, ValueError; a connection that was closed meanwhile is
        opened anew once."""
        if self._reader is not None and self._writer is not None:
            try:
                self._writer.write(request)
                return await self._answer(self._reader)
            except (OSError, asyncio.IncompleteReadError):
                self.close()
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(request)
        return await self._answer(self._reader)

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head[9:12])
        length = 0
        for line in head.split("\r\n"):
            if line.startswith("content-length:"):
                length = int(line[15:])
        body = await reader.readexactly(length) if length and status != 304 else b""
        if "connection: close" in head:
            self.close()
        return status, body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


class Load:
    """One run against one address."""

    def __init__(
        self, web: str, world: dict[str, Any], *, captures: int, scans: int, events: int = 1
    ) -> None:
        parts = urlsplit(web)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._world, self._captures, self._scans = world, captures, scans
        self._events = events  # of a document; 1: each by itself
        self._random = random.Random(8)  # noqa: S311 (which page is scanned is no secret)
        # As many pages as scans a second: each is seen again before it is forgotten.
        self._pages = world["scanned"][: max(20, scans)]
        self.told = Told()
        self._over = False
        self._free: list[Connection] = []
        self._under_way = 0

    async def run(self, seconds: float, meanwhile: Callable[[], None] | None = None) -> Told:
        """Loads for so long; `meanwhile` runs beside it in a thread, and all goes on until it is
        done. Pages were seen before: each process of the web server has made them."""
        await asyncio.gather(*(self._warm(number) for number in range(WARMERS)))
        self.told.began = time.monotonic()
        recorders = [asyncio.create_task(self._record(number)) for number in range(RECORDERS)]
        reading = asyncio.create_task(self._read())
        beside = asyncio.create_task(asyncio.to_thread(meanwhile)) if meanwhile else None
        await asyncio.sleep(seconds)
        if beside is not None:
            await beside
        self._over = True
        await asyncio.gather(*recorders, reading)
        while self._under_way:
            await asyncio.sleep(0.05)
        self.told.ended = time.monotonic()
        return self.told

    async def _warm(self, number: int) -> None:
        connection = Connection(self._host, self._port)
        for path in self._pages[number::WARMERS] * 4:
            with suppress(OSError, ValueError, asyncio.IncompleteReadError):
                await connection.ask(_page(path))
        connection.close()

    # -- captures ----------------------------------------------------------------------------------

    async def _record(self, number: int) -> None:
        connection = Connection(self._host, self._port)
        organisation = number % len(self._world["tokens"])
        tokens = self._world["tokens"][organisation]
        lots = self._world["moving"][organisation]["lots"]
        each = RECORDERS * self._events / max(1, self._captures)
        due = time.monotonic() + self._random.random() * each
        turn = 0
        while not self._over and self._captures:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + each, time.monotonic() - each)
            turn += 1
            ids = [f"urn:uuid:{uuid.uuid4()}" for _ in range(self._events)]
            told = [storing(self._random.choice(lots), one, ID_BASE) for one in ids]
            path = "/epcis/v2/events" if self._events == 1 else "/epcis/v2/capture"
            body = json.dumps(told[0] if self._events == 1 else _document(told))
            token = tokens[(number // len(self._world["tokens"]) + turn * 10) % len(tokens)]
            request = (
                f"POST {path} HTTP/1.1\r\nHost: trace\r\n"
                "Content-Type: application/json\r\n"
                f"Authorization: Bearer {token}\r\nIdempotency-Key: {ids[0]}\r\n"
                f"GS1-EPCIS-Version: 2.0.0\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
            await self._until_acknowledged(connection, request, ids)
        connection.close()

    async def _until_acknowledged(
        self, connection: Connection, request: bytes, ids: list[str]
    ) -> None:
        began = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(LONG):
                    status, _ = await connection.ask(request)
            except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
                connection.close()
                status, trouble = 0, type(error).__name__
            else:
                trouble = str(status)
            now = time.monotonic()
            if status in (201, 202):
                self.told.acknowledged.update(dict.fromkeys(ids, now))
                self.told.capture_seconds.append(now - began)
                return
            self.told.capture_troubles[trouble] += 1
            if self._over and now - began > LONG:
                self.told.unanswered += 1
                return
            await asyncio.sleep(0.5)

    # -- scans -------------------------------------------------------------------------------------

    async def _read(self) -> None:
        due = time.monotonic()
        recent = [path for one in self._world["moving"] for path in one["paths"]]
        while not self._over and self._scans:
            due += 1 / self._scans
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            pages = recent if self._random.random() < RECENT else self._pages
            self.told.scans += 1
            if self._under_way >= READERS:
                self._fail("nobody free to ask")
                continue
            self._under_way += 1
            _task = asyncio.create_task(self._scan(self._random.choice(pages)))
            _task.add_done_callback(lambda done: None if done.cancelled() else done.exception())

    async def _scan(self, path: str) -> None:
        connection = self._free.pop() if self._free else Connection(self._host, self._port)
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await connection.ask(_page(path))
        except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
            connection.close()
            self._fail(type(error).__name__)
        else:
            self.told.scan_seconds.append(time.monotonic() - began)
            if status == 200:
                self.told.as_of += is_as_of(body)
            else:
                self._fail(str(status))
        finally:
            self._under_way -= 1
            with suppress(IndexError):
                self._free.append(connection)

    def _fail(self, why: str) -> None:
        self.told.scan_errors[why] += 1
        self.told.error_moments.append(time.monotonic() - self.told.began)


def _document(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@context": events[0]["@context"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": events[0]["eventTime"],
        "epcisBody": {
            "eventList": [
                {name: value for name, value in one.items() if name != "@context"} for one in events
            ]
        },
    }


def _page(path: str) -> bytes:
    """As phones ask for it: in brotli."""
    return (
        f"GET /t{path} HTTP/1.1\r\nHost: trace\r\nAccept-Language: vi\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n\r\n"
    ).encode()


@lru_cache(maxsize=1024)
def is_as_of(body: bytes) -> bool:
    """Whether the page in brotli says that it is not of now."""
    return AS_OF in brotli.decompress(body)


def run(
    web: str,
    world: dict[str, Any],
    *,
    captures: int,
    scans: int,
    seconds: float,
    events: int = 1,
    meanwhile: Callable[[], None] | None = None,
) -> Told:
    """Loads for so many seconds, and until `meanwhile` is done."""
    load = Load(web, world, captures=captures, scans=scans, events=events)
    return asyncio.run(load.run(seconds, meanwhile))


def percentile(values: list[float], share: float) -> float:
    """In milliseconds; 0 of nothing."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
