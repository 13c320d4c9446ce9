"""Promises: two thousand beacons a second are absorbed on two cores (the sender has its share of
them), none of them lost at a clean stop; a page takes no longer for being counted; and copied codes
are told from honest ones (docs/explanation/copies.md).

Two workers as under `make run`. The floor is a bare Flask route under the same gunicorn that
answers the same requests. Every beacon is a visitor of its own, so that every one is stored; a
third of them are for single packages, which are judged at every storing.
"""

from __future__ import annotations

import base64
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from random import Random

from flask_migrate import upgrade
from sqlalchemy import func, select

from benchmarks import Figure, absolute, compare
from tests.support.farms import make_farm, path_of
from tests.support.gunicorn import Running, beacon, running, send
from tests.support.scanning import copied, honest
from tests.support.stamps import bind_stamps, make_stamps, stamp_page
from trace.app import create_app
from trace.config import Settings
from trace.extensions import db
from trace.models import ScanCount
from trace.services.copies_score import SAID, Sighting, judge_scans

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
BEACONS, ROUNDS, VIEWS = 6_000, 3, 1_500
HONEST, COPIED, SEED = 200_000, 10_000, 20_261_122
PHONE = {
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "vi-VN,vi;q=0.9",
    "User-Agent": "Mozilla/5.0 (Linux; Android 10; K) Chrome/157.0.0.0 Mobile Safari/537.36",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "empty",
}


def run() -> Iterable[Figure]:
    """Absorbing, losing nothing, latency, and what copies look like."""
    yield from _copies()
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-scans-"))
    try:
        environment = {
            "TRACE_INSTANCE": str(folder),
            "TRACE_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
            "TRACE_ID_BASE": "https://trace.example",
            "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
            "TRACE_SECRET_KEY": "only for a benchmark, thrown away with its folder",
            "TRACE_PROXIES": "1",
        }
        app = create_app(Settings.from_env(environment))
        with app.app_context():
            pages = _world()
        with (
            running("wsgi:app", environment) as ours,
            running("benchmarks._absorbing:app", {}) as bare,
        ):
            sent, best = 0, {ours.port: (0.0, 0.0), bare.port: (0.0, 0.0)}
            for number in range(ROUNDS):
                requests = _requests(pages, number * BEACONS)
                for served in (ours, bare):
                    best[served.port] = max(best[served.port], _absorb(served, requests))
                sent += BEACONS
            views = _views(ours, pages[0])
            ours.stop()
        rate, per_cpu = best[ours.port]
        yield absolute("beacons absorbed by two cores, sender included", rate, "1/s", ">=", 2000)
        yield compare("beacons per CPU second", per_cpu, "1/s", best[bare.port][1], ">=", 0.5)
        with app.app_context():
            stored = int(db.session.scalar(select(func.sum(ScanCount.count))) or 0)
        yield absolute("beacons lost at a clean stop", sent + VIEWS - stored, "beacons", "<=", 0)
        yield compare("a page's median latency while counted", views[0], "ms", views[1], "<=", 1.1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _world() -> list[str]:
    """A lot's page twice, then one of each of forty packages, and so on."""
    upgrade(directory=str(ROOT / "migrations"))
    farm = make_farm(START)
    lot = farm.register(480)
    roll = make_stamps(farm.actor, 1000)
    bind_stamps(farm, roll, 1, 1000, lot)
    page = "/t" + path_of(lot)
    packages = [stamp_page(roll, number) for number in range(1, 1001)]
    db.session.remove()
    db.engine.dispose()
    return [part for package in packages for part in (page, page, package)]


def _requests(pages: list[str], first: int) -> list[bytes]:
    return [beacon(pages[number % len(pages)], first + number) for number in range(BEACONS)]


def _absorb(served: Running, requests: list[bytes]) -> tuple[float, float]:
    """(answers a second of two cores, the sender's work on them included; answers a CPU second of
    the workers). CPU time: what else runs on the machine is no part of it."""
    before, start = served.cpu(), time.process_time()
    if send(served.port, requests, 16) != len(requests):
        raise RuntimeError("a beacon was not answered with 204")
    sender = time.process_time() - start
    time.sleep(1.5)  # what is stored afterwards belongs to the cost
    workers = max(served.cpu() - before, 0.01)
    return 2 * len(requests) / (workers + sender), len(requests) / workers


def _views(served: Running, page: str) -> tuple[float, float]:
    """Median milliseconds of a page with its beacon after it, and without; in turns."""
    took: dict[bool, list[float]] = {True: [], False: []}
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    for number in range(2 * VIEWS):
        counting = bool(number % 2)
        start = time.perf_counter()
        connection.request("GET", page, headers=PHONE)
        connection.getresponse().read()
        took[counting].append(1000 * (time.perf_counter() - start))
        if counting:
            address = f"192.{number // 256 % 64}.{number % 256}.1"
            connection.request(
                "POST",
                page,
                b"",
                headers={**PHONE, "Origin": "http://x", "X-Forwarded-For": address},
            )
            connection.getresponse().read()
    connection.close()
    return statistics.median(took[True]), statistics.median(took[False])


def _copies() -> Iterable[Figure]:
    """Of codes on two packages, and of honest packages (most of which nobody ever scans)."""
    random = Random(SEED)
    found = sum(_is_said(copied(random)) for _ in range(COPIED))
    wrong = sum(_is_said(honest(random)) for _ in range(HONEST))
    yield absolute("copied codes found in ten scans", 100 * found / COPIED, "%", ">=", 95)
    yield absolute("honest packages taken for copies", 100 * wrong / HONEST, "%", "<=", 0.1)


def _is_said(scans: list[Sighting]) -> bool:
    return any(judge_scans(scans[:count]).tenths >= SAID for count in range(2, len(scans) + 1))
