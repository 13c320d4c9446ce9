"""Promises: a batch's page costs at most 1.2 times as much in a database of ten million events as
in one of ten thousand; the first view after a change takes at most 50 ms for a history of 200
events.

The small database is a world of the simulator, written by the application; the large one is that
world and so many copies of it under other numbers (`_growing.py`). BENCH_EVENTS says how many
events the large one has: 300,000 where nothing is said, 10000000 for the promise (about twenty
minutes and 20 GB on each database). BENCH_DATABASES says which databases, `sqlite,postgresql` where
nothing is said; BENCH_FOLDER names a folder where SQLite's two are kept for a further run. Floor:
the same in the small database, in turns with ours.

Three pages. *Warm*: one lot again and again, from memory. *Any*: another lot each time, which no
process remembers: its row, its document, the drawing. *Changed*: a history of 200 events whose
record has just changed, read and judged anew. Milliseconds as a client sees them, the median.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from random import Random

from flask_migrate import upgrade
from sqlalchemy import select

from benchmarks import Figure, absolute, compare
from benchmarks._growing import MOST, grow_postgresql, grow_sqlite
from benchmarks.scan_page import PHONE, ROOT
from benchmarks.world import world_of
from tests.support.farms import Farm, make_farm, path_of, thing_id
from tests.support.gunicorn import running
from tests.support.postgresql import NoPostgresql, running_server
from tests.support.stamps import bind_stamps, make_stamps
from trace.app import create_app
from trace.config import Settings
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Thing
from trace.services import sequencer
from trace.services.demo.load import load_world
from trace.services.diary import diary_entry
from trace.services.passports import passport_of

BASE = "https://trace.example"
SMALL, LARGE = 10_300, int(os.environ.get("BENCH_EVENTS", "300000"))
DATABASES = os.environ.get("BENCH_DATABASES", "sqlite,postgresql").split(",")
LINES = 200
WARM, ANY, CHANGED = 600, 250, 11
START = datetime.now(UTC) - timedelta(days=60)
MOST_TIMES, MOST_MS = 1.2, 50


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two databases being served."""

    connection: HTTPConnection
    lots: list[str]
    change: Callable[[], None]

    def milliseconds(self, path: str) -> float:
        """Of one view."""
        # A kept connection is closed after two quiet seconds: every request has its own.
        self.connection.close()
        self.connection.connect()
        start = time.perf_counter()
        self.connection.request("GET", path, headers=PHONE)
        answer = self.connection.getresponse()
        answer.read()
        took = 1000 * (time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return took


def run() -> Iterable[Figure]:
    """The three pages on each database."""
    kept = os.environ.get("BENCH_FOLDER", "")
    folder = Path(kept or tempfile.mkdtemp(prefix="trace-bench-size-"))
    folder.mkdir(exist_ok=True)
    try:
        if "sqlite" in DATABASES:
            yield from _on_sqlite(folder)
        if "postgresql" in DATABASES:
            try:
                yield from _on_postgresql(folder)
            except NoPostgresql as missing:
                print(f"not measured on PostgreSQL: {missing}")
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def _on_sqlite(folder: Path) -> Iterable[Figure]:
    small, large = folder / "small.db", folder / "large.db"
    notes = folder / "told.json"  # written last: a folder that has it is whole
    if notes.exists():
        told = _Told(**json.loads(notes.read_text()))
    else:
        told = _told(folder, f"sqlite:///{small}")
        with sqlite3.connect(small) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        shutil.copyfile(small, large)
        grow_sqlite(large, told.copies)
        notes.write_text(json.dumps(asdict(told)))

    def changing(path: Path) -> Callable[[], None]:
        def change() -> None:
            with sqlite3.connect(path, timeout=30) as connection:
                connection.execute(
                    "UPDATE passports SET stale = 1 WHERE thing_id = ?", (told.long_id,)
                )
            connection.close()

        return change

    with (
        _served(folder, f"sqlite:///{small}", told.lots, changing(small)) as one,
        _served(folder, f"sqlite:///{large}", told.any_lots(), changing(large)) as other,
    ):
        yield from _figures("SQLite", one, other, told)


def _on_postgresql(folder: Path) -> Iterable[Figure]:
    with running_server() as server:
        url = server.create_database("small")
        told = _told(folder, url)
        with server.connect("postgres", user="postgres") as connection:
            connection.execute("CREATE DATABASE large OWNER trace TEMPLATE small")
        with server.connect("large", user="postgres") as connection:
            grow_postgresql(connection, told.copies)
        with server.connect("small", user="postgres") as connection:
            connection.execute("ANALYZE")

        def changing(name: str) -> Callable[[], None]:
            def change() -> None:
                with server.connect(name) as connection:
                    connection.execute(
                        "UPDATE passports SET stale = true WHERE thing_id = %s", (told.long_id,)
                    )

            return change

        with (
            _served(folder, url, told.lots, changing("small")) as one,
            _served(folder, server.url("large"), told.any_lots(), changing("large")) as other,
        ):
            yield from _figures("PostgreSQL", one, other, told)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was written: how many events, the lots' pages, the one with a long history."""

    events: int
    lots: list[str]
    long: str
    long_id: int

    @property
    def copies(self) -> int:
        return min(MOST, max(1, round(LARGE / self.events) - 1))

    def any_lots(self) -> list[str]:
        """The same lots, each under the number of some copy."""
        random = Random(5)
        return [f"{path}x{random.randint(1, self.copies)}" for path in self.lots]


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        "TRACE_INSTANCE": str(folder / "instance"),
        "TRACE_DATABASE_URL": url,
        "TRACE_ID_BASE": BASE,
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "TRACE_SECRET_KEY": "only for a benchmark, thrown away with its folder",
    }


def _told(folder: Path, url: str) -> _Told:
    """The small database, written by a process of its own: what one remembers of keys is of one
    database."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_write, folder, url).result()


def _write(folder: Path, url: str) -> _Told:
    """A world, one long history, a roll of stamps; every lot's page seen once."""
    shutil.rmtree(folder / "instance", ignore_errors=True)
    app = create_app(Settings.from_env(_environment(folder, url)))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        events = load_world(world_of(SMALL, id_base=BASE), batch=400)
        long = _long_history()
        sequencer.publish(now=datetime.now(UTC))
        db.session.commit()
        found = db.session.execute(select(Thing.id, Thing.identity).where(Thing.kind == "lot"))
        lots = []
        for thing, text in found.all():
            passport_of(thing, at=datetime.now(UTC))
            identity = parse_identity(text, BASE)
            # A copy's address has letters more: only a GTIN's lots may have them.
            if identity is not None and identity.key == "01":
                lots.append("/t" + identity.path)
        told = _Told(events + LINES, lots, "/t" + path_of(long), thing_id(long))
        db.session.remove()
        db.engine.dispose()
    return told


def _long_history() -> str:
    farm: Farm = make_farm(START)
    cycle = farm.sow()
    notes = (farm.record(note=f"Luống {n}") for n in range(LINES - 2))
    farm.tell(*(diary_entry(note, cycle, "irrigating") for note in notes))
    farm.wait(20)
    lot = farm.reap(cycle, kilos=480)
    bind_stamps(farm, make_stamps(farm.actor, 100), 1, 100, lot)
    db.session.commit()
    return lot


@contextmanager
def _served(folder: Path, url: str, lots: list[str], change: Callable[[], None]) -> Iterator[Side]:
    with running("wsgi:app", _environment(folder, url), workers=1, threads=2) as served:
        connection = HTTPConnection("127.0.0.1", served.port, timeout=120)
        yield Side(connection, lots, change)
        connection.close()


def _figures(database: str, small: Side, large: Side, told: _Told) -> Iterable[Figure]:
    events = told.events * (told.copies + 1)
    took: dict[tuple[str, int], list[float]] = {}
    for path in (told.lots[0], told.lots[0], told.long):
        for side in (small, large):
            side.milliseconds(path)
    for number in range(max(WARM, ANY, CHANGED)):
        for which, side in enumerate((small, large)):
            if number < WARM:
                took.setdefault(("warm", which), []).append(side.milliseconds(told.lots[0]))
            if number < min(ANY, len(side.lots) - 1):
                took.setdefault(("any", which), []).append(side.milliseconds(side.lots[number + 1]))
            if number < CHANGED:
                side.change()
                took.setdefault(("changed", which), []).append(side.milliseconds(told.long))
    middle = {key: statistics.median(some) for key, some in took.items()}
    named = {"warm": "warm", "any": "not in memory", "changed": "changed, 200 events"}
    for key, words in named.items():
        yield compare(
            f"page, {words}, {events:,} events, {database}",
            middle[key, 1],
            "ms",
            middle[key, 0],
            "<=",
            MOST_TIMES,
        )
    yield absolute(
        f"first view after a change, 200 events, {database}",
        middle["changed", 1],
        "ms",
        "<=",
        MOST_MS,
    )
