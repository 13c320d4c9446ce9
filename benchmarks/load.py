"""A market's morning: many phones at once, and a recall in the middle of it.

A phone scans a label: it opens the printed address (307), the page behind it (200, or 304 where it
was here before), and tells that the page was seen. Which label follows Zipf's law over the lots and
packages of a world: a few are scanned all the time, most hardly ever. Half way the most scanned lot
is recalled; from then on every page of it must warn.

Clients in processes of their own over kept connections, as many as keep the server busy; the server
is gunicorn as `make run` starts it. Floor: a bare Flask application that answers the same phones
with a fixed page, its clients in turns with ours. Milliseconds are those of the page; clients and
server share the machine, in both alike.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from random import Random

from flask_migrate import upgrade
from sqlalchemy import func, select

from benchmarks import Figure, absolute, compare
from benchmarks.scan_page import ROOT, SERVERS_OWN
from benchmarks.world import world_of
from tests.support.farms import Farm, make_farm, path_of
from tests.support.gunicorn import Running, running
from tests.support.stamps import bind_stamps, make_stamps, stamp_page
from trace.app import create_app
from trace.config import Settings
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import ScanCount, Thing
from trace.services import sequencer
from trace.services.demo.load import load_world

EVENTS = 1_500
PACKAGES = 200
CLIENTS = 4
PHONES = 1_200  # of one client in one round
WARM_UP = 400
ROUNDS = 2
AGAIN = 0.3  # of phones were here before
SKEW = 1.1
BASE = "https://trace.example"
START = datetime.now(UTC) - timedelta(days=30)
WARNED = b'class="al stop'


@dataclass(slots=True)
class Told:
    """What one client saw: milliseconds of pages by kind, and of the recalled lot's page when it
    was asked for and whether it warned."""

    pages: list[float] = field(default_factory=list)
    unchanged: list[float] = field(default_factory=list)
    watched: list[tuple[float, bool]] = field(default_factory=list)
    beacons: int = 0
    seconds: float = 0.0


class Phone:
    """A browser's part: raw requests over one kept connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """(status, head, body)."""
        self._socket.sendall(request)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            part = self._socket.recv(65536)
            if not part:
                raise ConnectionError
            got += part
        head, body = got[:end], got[end + 4 :]
        status = int(head[9:12])
        at = head.lower().find(b"content-length: ")
        length = int(head[at + 16 :].split(b"\r", 1)[0]) if at >= 0 and status != 304 else 0
        while len(body) < length:
            body += self._socket.recv(65536)
        return status, head, body

    def close(self) -> None:
        self._socket.close()


COMMON = (
    "Host: trace.example\r\nUser-Agent: Mozilla/5.0 (Linux; Android 10; K) Chrome/157.0.0.0 Mobile "
    "Safari/537.36\r\nAccept: text/html\r\nAccept-Language: vi-VN,vi;q=0.9\r\n"
)


def client(port: int, pages: Sequence[str], phones: int, seed: int, watched: str) -> Told:
    """One client's phones, one after another. Uncompressed for the page that is watched."""
    random, told = Random(seed), Told()
    weights = list(accumulate(1 / (rank + 1) ** SKEW for rank in range(len(pages))))
    known: dict[str, bytes] = {}
    phone = Phone(port)
    begin = time.perf_counter()
    for number in range(phones):
        page = random.choices(pages, cum_weights=weights)[0]
        address = IPv4Address(0x0B000000 + seed * 100_000 + number)
        own = f"{COMMON}X-Forwarded-For: {address}\r\n"
        status, _, _ = phone.ask(f"GET {page.removeprefix('/t')} HTTP/1.1\r\n{own}\r\n".encode())
        _expect(status, 307, page)
        etag = known.get(page) if random.random() < AGAIN else None
        more = f"If-None-Match: {etag.decode()}\r\n" if etag else ""
        more += "" if page == watched else "Accept-Encoding: gzip, deflate, br\r\n"
        start = time.perf_counter()
        status, head, body = phone.ask(f"GET {page} HTTP/1.1\r\n{own}{more}\r\n".encode())
        took = 1000 * (time.perf_counter() - start)
        if status == 304:
            told.unchanged.append(took)
        else:
            _expect(status, 200, page)
            told.pages.append(took)
            known[page] = head.split(b"ETag: ", 1)[1].split(b"\r", 1)[0]
            if page == watched:
                told.watched.append((time.time() - took / 1000, WARNED in body))
        status, _, _ = phone.ask(
            f"POST {page} HTTP/1.1\r\n{own}Content-Length: 0\r\nOrigin: http://trace.example\r\n"
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\n"
            "\r\n".encode()
        )
        _expect(status, 204, page)
        told.beacons += 1
    told.seconds = time.perf_counter() - begin
    phone.close()
    return told


def _expect(status: int, right: int, page: str) -> None:
    if status != right:
        raise RuntimeError(f"{page} answered {status} instead of {right}")


def run() -> Iterable[Figure]:
    """Phones a second, the pages' percentiles, the recall, and what was counted."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-load-"))
    environment = {
        "TRACE_INSTANCE": str(folder),
        "TRACE_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
        "TRACE_ID_BASE": BASE,
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "TRACE_SECRET_KEY": "only for a benchmark, thrown away with its folder",
        "TRACE_PROXIES": "1",
    }
    try:
        app = create_app(Settings.from_env(environment))
        with (
            app.app_context(),
            ProcessPoolExecutor(CLIENTS, get_context("spawn")) as processes,
            running("wsgi:app", environment) as ours,
        ):
            farm, pages = _world(environment)
            answer = _answer(folder, ours, pages[0])
            with running("benchmarks._bare_mix:app", {"BENCH_ANSWER": answer}) as bare:
                _open_all(processes, ours, pages)
                sent = _morning(processes, ours, pages, WARM_UP, 0)[0].beacons * CLIENTS
                _morning(processes, bare, pages, WARM_UP, 0)
                mine: list[Told] = []
                floor: list[Told] = []
                recalled = 0.0
                for number in range(1, ROUNDS + 1):
                    floor += _morning(processes, bare, pages, PHONES, number * CLIENTS)
                    if number == ROUNDS:
                        recalled = time.time() + 0.4 * mine[0].seconds
                    some, at = _recalled_morning(processes, ours, pages, number, farm, recalled)
                    mine += some
                    recalled = at
            sent += sum(told.beacons for told in mine)
            ours.stop()
            counted = int(db.session.scalar(select(func.sum(ScanCount.count))) or 0)
            db.session.remove()
            db.engine.dispose()
        yield from _figures(mine, floor)
        late = [seen for told in mine for seen in told.watched if seen[0] > recalled]
        if not late:
            raise RuntimeError("nobody asked for the recalled lot after its recall")
        yield absolute(
            "load: pages without their warning after a recall",
            sum(not warned for _, warned in late),
            f"of {len(late)} pages",
            "<=",
            0,
        )
        yield absolute("load: beacons lost", sent - counted, f"of {sent}", "<=", 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _figures(mine: Sequence[Told], floor: Sequence[Told]) -> Iterable[Figure]:
    rates = [
        sum(told.beacons for told in some) / (sum(told.seconds for told in some) / CLIENTS)
        for some in (mine, floor)
    ]
    yield compare("load: phones a second", rates[0], "1/s", rates[1], ">=", 0.6)
    for words, kind in (("page", "pages"), ("304", "unchanged")):
        one, other = (
            statistics.quantiles([ms for told in some for ms in getattr(told, kind)], n=100)
            for some in (mine, floor)
        )
        for percent in (50, 95, 99):
            yield compare(
                f"load: {words}, p{percent}", one[percent - 1], "ms", other[percent - 1], "<=", 1.5
            )


def _world(environment: dict[str, str]) -> tuple[Farm, list[str]]:
    """Lots and packages of a world, the farm's own lot first: the most scanned."""
    upgrade(directory=str(ROOT / "migrations"))
    load_world(world_of(EVENTS, id_base=BASE), batch=400)
    farm = make_farm(START)
    lot = farm.reap(farm.sow(), kilos=480)
    roll = make_stamps(farm.actor, PACKAGES)
    bind_stamps(farm, roll, 1, PACKAGES, lot)
    sequencer.publish(now=datetime.now(UTC))
    db.session.commit()
    found = db.session.scalars(select(Thing.identity).where(Thing.kind == "lot")).all()
    identities = [parse_identity(text, BASE) for text in found]
    pages = {"/t" + one.path for one in identities if one} - {"/t" + path_of(lot)}
    pages |= {stamp_page(roll, number) for number in range(1, PACKAGES + 1)}
    rest = sorted(pages)
    Random(7).shuffle(rest)
    farm.told.append({"lot": lot})
    return farm, ["/t" + path_of(lot), *rest]


def _answer(folder: Path, ours: Running, page: str) -> str:
    """What the floor answers with: the most scanned page as it is before its recall."""
    phone = Phone(ours.port)
    asked = f"GET {page} HTTP/1.1\r\n{COMMON}Accept-Encoding: gzip, deflate, br\r\n"
    parts = []
    _, head, body = phone.ask(f"{asked}\r\n".encode())
    etag = head.split(b"ETag: ", 1)[1].split(b"\r", 1)[0].decode()
    _, known, _ = phone.ask(f"{asked}If-None-Match: {etag}\r\n\r\n".encode())
    _, way, _ = phone.ask(f"GET {page.removeprefix('/t')} HTTP/1.1\r\n{COMMON}\r\n".encode())
    phone.close()
    for one in (head, known, way):
        lines = [line.split(": ", 1) for line in one.decode().split("\r\n")[1:]]
        parts.append([pair for pair in lines if pair[0].lower() not in SERVERS_OWN])
    given = folder / "answer.json"
    told = dict(zip(("headers", "known", "way"), parts, strict=True))
    given.write_text(json.dumps({**told, "body": base64.b64encode(body).decode()}))
    return str(given)


def opened(port: int, pages: Sequence[str], seed: int) -> None:
    """Every page once over one connection, in an order of its own."""
    phone = Phone(port)
    for page in Random(seed).sample(pages, len(pages)):
        asked = f"GET {page} HTTP/1.1\r\n{COMMON}Accept-Encoding: gzip, deflate, br\r\n\r\n"
        _expect(phone.ask(asked.encode())[0], 200, page)
    phone.close()


def _open_all(processes: ProcessPoolExecutor, served: Running, pages: Sequence[str]) -> None:
    """Every page is in the memory of every worker before anything is measured: many connections
    at once are shared out among the workers."""
    for turn in range(3):
        asked = [
            processes.submit(opened, served.port, pages, 10 * turn + one) for one in range(CLIENTS)
        ]
        for one in asked:
            one.result()


def _morning(
    processes: ProcessPoolExecutor, served: Running, pages: list[str], phones: int, first: int
) -> list[Told]:
    asked = [
        processes.submit(client, served.port, pages, phones, first + number, "")
        for number in range(CLIENTS)
    ]
    return [one.result() for one in asked]


def _recalled_morning(
    processes: ProcessPoolExecutor,
    served: Running,
    pages: list[str],
    number: int,
    farm: Farm,
    when: float,
) -> tuple[list[Told], float]:
    """A round of ours; where a moment is given, the recall falls then. Gives when it stood."""
    asked = [
        processes.submit(client, served.port, pages, PHONES, number * CLIENTS + one, pages[0])
        for one in range(CLIENTS)
    ]
    stood = 0.0
    if when:
        time.sleep(max(0.0, when - time.time()))
        farm.at = datetime.now(UTC)
        farm.notify("recall", farm.told[-1]["lot"], hazard="health", reason="Mẫu vượt mức cho phép")
        stood = time.time()
    return [one.result() for one in asked], stood
