"""Promises, from ten thousand events to ten million: capture costs at most 1.5 times as much, the
scan page and the chain query of the same chain at most 1.2 times; and an event takes at most 4 kB,
with everything that is stored because of it, all tables and indexes.

The small database is a world of the simulator, written by the application; the large one is that
world and so many copies of it under other numbers, signed texts included (`_growing.py`).
BENCH_EVENTS says how many events the large one has, `1000000` or `300000,10000000`: 1,000,000 where
nothing is said; ten million take about 40 GB and an hour on each database. BENCH_DATABASES says
which databases, `sqlite,postgresql` where nothing is said. Floor: the same in the small database,
in the same run, in turns with ours.

*Capture*: documents of 200 events from bytes to commit, four in five about new goods, the others
about lots anywhere in the database. *Scan page*: as a client sees it, one lot again and again, and
another lot each time that no process remembers. *Chain*: what an authority's chain page reads, of a
lot that both databases have. Elapsed times, the median. *Stored*: what the database grew by while
the application wrote the small world; what it comes to with the page of every lot is printed. The
figures of a whole run are written to docs/reports/growth.md, each database's as soon as it is done.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from random import Random

from flask_migrate import upgrade
from sqlalchemy import select, text

from benchmarks import Figure, absolute, compare
from benchmarks._growing import MOST, grow_postgresql, grow_sqlite
from benchmarks._growth_job import captured, chain_read, open_database
from benchmarks._parts import put_part
from benchmarks.page_size import BASE, Side, _environment, _served
from benchmarks.scan_page import ROOT
from benchmarks.world import world_of
from tests.support.factories import make_actor
from tests.support.farms import thing_id
from tests.support.postgresql import NoPostgresql, running_server
from trace.app import create_app
from trace.config import Settings
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Thing
from trace.services import sequencer
from trace.services.chains_walk import walk
from trace.services.demo.load import load_world
from trace.services.passports import passport_of

WHOLE = 10_300
SMALL = int(os.environ.get("BENCH_SMALL", WHOLE))  # less only to try the program
REPORT = ROOT / "docs" / "reports" / "growth.md"
HEAD = """# Growth

What a record of ten million events costs, by one of ten thousand.
"""
SIZES = [int(size) for size in os.environ.get("BENCH_EVENTS", "1000000").split(",")]
DATABASES = os.environ.get("BENCH_DATABASES", "sqlite,postgresql").split(",")
DOCUMENT = 200
CAPTURES, WARM, ANY, CHAINS = 25, 400, 200, 25
CAPTURE_TIMES, PAGE_TIMES, CHAIN_TIMES, MOST_BYTES = 1.5, 1.2, 1.2, 4000
SAMPLE = 60  # lots among which the one with the longest chain is looked for


@dataclass(frozen=True, slots=True)
class Told:
    """What the small database holds: its events, bytes an event (without and with every lot's
    page), the lots' paths, the one whose chain is read, who records, and who reads chains."""

    events: int
    stored: float
    with_pages: float
    lots: list[str]
    chain: str
    maker: str
    authority: str


def run() -> Iterable[Figure]:
    """The figures on each database, at each size; written down where the small world was whole."""
    for name, measure in (("SQLite", _on_sqlite), ("PostgreSQL", _on_postgresql)):
        if name.lower() not in DATABASES:
            continue
        figures = []
        for figure in _measure(measure):
            figures.append(figure)
            yield figure
        if figures and SMALL == WHOLE:
            put_part(REPORT, HEAD, name.lower(), _report(name, figures))


def _report(database: str, figures: Sequence[Figure]) -> str:
    """One database's part."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    lines = [
        f"## {database}",
        "",
        (
            f"Written by `python -m benchmarks growth` on {datetime.now(UTC):%Y-%m-%d},"
            f" on {os.cpu_count()} processors and {pages / 2**30:.0f} GB of memory; load (1, 5,"
            f" 15 minutes) at the end: {load}. Floor: the same with about {SMALL:,} events."
        ),
        "",
        "| what | value | floor | ratio | promised | kept |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in figures:
        floor = "" if one.floor is None else f"{one.floor:.3g} {one.unit}"
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        value = f"{one.value:,.0f}" if one.value >= 1000 else f"{one.value:.3g}"
        kept = "yes" if one.met else "no"
        lines.append(
            f"| {one.name} | {value} {one.unit} | {floor} | {ratio} | {one.goal} | {kept} |"
        )
    return "\n".join(lines) + "\n"


def _measure(measure: Callable[[Path, int], Iterable[Figure]]) -> Iterable[Figure]:
    for size in SIZES:
        folder = Path(tempfile.mkdtemp(prefix="trace-bench-growth-"))
        try:
            yield from measure(folder, size)
        except NoPostgresql as missing:
            print(f"not measured on PostgreSQL: {missing}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _copies(told: Told, size: int) -> int:
    return min(MOST, max(1, round(size / told.events) - 1))


def _on_sqlite(folder: Path, size: int) -> Iterable[Figure]:
    small, large = folder / "small.db", folder / "large.db"
    told = _told(folder, f"sqlite:///{small}")
    with sqlite3.connect(small) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    shutil.copyfile(small, large)
    start = time.perf_counter()
    grow_sqlite(large, _copies(told, size), whole=True)
    _say("SQLite", told, size, time.perf_counter() - start, large.stat().st_size)
    urls = [f"sqlite:///{path}" for path in (small, large)]
    yield from _figures("SQLite", folder, urls, told, size)


def _on_postgresql(folder: Path, size: int) -> Iterable[Figure]:
    with running_server() as server:
        urls = [server.create_database("small"), server.url("large")]
        told = _told(folder, urls[0])
        with server.connect("postgres", user="postgres") as connection:
            connection.execute("CREATE DATABASE large OWNER trace TEMPLATE small")
        start = time.perf_counter()
        with server.connect("large", user="postgres") as connection:
            grow_postgresql(connection, _copies(told, size), whole=True)
            took = time.perf_counter() - start
            row = connection.execute("SELECT pg_database_size('large')").fetchone()
            _say("PostgreSQL", told, size, took, int(row[0]) if row else 0)
        with server.connect("small", user="postgres") as connection:
            connection.execute("ANALYZE")
        yield from _figures("PostgreSQL", folder, urls, told, size)


def _say(database: str, told: Told, size: int, seconds: float, stored: int) -> None:
    events = told.events * (_copies(told, size) + 1)
    print(
        f"{database}: {events:,} events in {stored / 1e9:.1f} GB ({stored / events:.0f} bytes an"
        f" event), grown in {seconds:.0f} s; with every lot's page {told.with_pages:.0f} bytes",
        flush=True,
    )


def _told(folder: Path, url: str) -> Told:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_write, folder, url).result()


def _write(folder: Path, url: str) -> Told:
    """A world; who records and who reads; every lot's page seen once."""
    shutil.rmtree(folder / "instance", ignore_errors=True)
    app = create_app(Settings.from_env(_environment(folder, url)))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        empty = _stored()
        events = load_world(world_of(SMALL, id_base=BASE), batch=400)
        sequencer.publish(now=datetime.now(UTC))
        db.session.commit()
        stored = (_stored() - empty) / events
        now = datetime.now(UTC)
        maker = make_actor(now, "HTX Đo").organisation
        authority = make_actor(now, "Chi cục Đo", "authority", "confirmed").organisation
        db.session.commit()
        lots = _see_pages()
        with_pages = (_stored() - empty) / events
        told = Told(events, stored, with_pages, lots, _longest(lots), maker.code, authority.code)
        db.session.remove()
        db.engine.dispose()
    return told


def _see_pages() -> list[str]:
    """Makes every lot's page; the paths of those with a GTIN: a copy's address has letters more,
    which only they may have."""
    rows = db.session.execute(select(Thing.id, Thing.identity).where(Thing.kind == "lot")).all()
    lots = []
    for thing, name in rows:
        passport_of(thing, at=datetime.now(UTC))
        identity = parse_identity(name, BASE)
        if identity is not None and identity.key == "01":
            lots.append(identity.path)
    db.session.commit()
    return lots


def _longest(lots: Sequence[str]) -> str:
    """Of some of the lots the one whose chain names most things."""
    some = lots[:: max(1, len(lots) // SAMPLE)]
    return max(some, key=lambda path: len(walk((thing_id(BASE + path),)).things))


def _stored() -> int:
    """Bytes of the whole database."""
    db.session.commit()
    if db.engine.dialect.name == "sqlite":
        pages = db.session.scalar(text("PRAGMA page_count")) or 0
        free = db.session.scalar(text("PRAGMA freelist_count")) or 0
        each = db.session.scalar(text("PRAGMA page_size")) or 0
        found = (pages - free) * each
    else:
        found = db.session.scalar(text("SELECT pg_database_size(current_database())")) or 0
    db.session.rollback()
    return int(found)


@dataclass(frozen=True, slots=True)
class Place:
    """One of the two databases: its pages served, and a process that captures and reads chains."""

    side: Side
    process: ProcessPoolExecutor
    lots: list[str]

    def capture(self) -> float:
        lots = [BASE + path for path in self.lots]
        return self.process.submit(captured, DOCUMENT, lots).result()

    def chain(self, path: str) -> float:
        return self.process.submit(chain_read, path, datetime.now(UTC)).result()[0]


@contextmanager
def _place(
    environment: Mapping[str, str], folder: Path, url: str, lots: list[str], told: Told
) -> Iterator[Place]:
    pages = ["/t" + path for path in lots]
    with (
        _served(folder, url, pages, lambda: None) as side,
        ProcessPoolExecutor(1, get_context("spawn")) as process,
    ):
        process.submit(open_database, environment, told.maker, told.authority).result()
        yield Place(side, process, lots)


def _figures(
    database: str, folder: Path, urls: Sequence[str], told: Told, size: int
) -> Iterable[Figure]:
    copies = _copies(told, size)
    events = told.events * (copies + 1)
    random = Random(5)
    elsewhere = [f"{path}x{random.randint(1, copies)}" for path in told.lots]
    with ExitStack() as stack:
        places = [
            stack.enter_context(_place(_environment(folder, url), folder, url, lots, told))
            for url, lots in zip(urls, (told.lots, elsewhere), strict=True)
        ]
        middle = _measured(places, told)
    for what, times in (
        ("capture of 200 events", CAPTURE_TIMES),
        ("scan page, warm", PAGE_TIMES),
        ("scan page, not in memory", PAGE_TIMES),
        ("chain query", CHAIN_TIMES),
    ):
        ours, floor = middle[what, 1], middle[what, 0]
        yield compare(f"{what}, {events:,} events, {database}", ours, "ms", floor, "<=", times)
    yield absolute(f"stored per event, {database}", told.stored, "bytes", "<=", MOST_BYTES)


def _measured(places: Sequence[Place], told: Told) -> dict[tuple[str, int], float]:
    """Median milliseconds of each by (what, which database), in turns."""
    took: dict[tuple[str, int], list[float]] = {}
    for place in places:  # opens, compiles and remembers what stays
        place.chain(told.chain)
        place.side.milliseconds(place.side.lots[0])
    # Captures last: they change what is known of the lots whose pages are asked for.
    for number in range(max(WARM, ANY)):
        for which, place in enumerate(places):
            lots = place.side.lots
            if number < WARM:
                found = place.side.milliseconds(lots[0])
                took.setdefault(("scan page, warm", which), []).append(found)
            if number < min(ANY, len(lots) - 1):
                found = place.side.milliseconds(lots[number + 1])
                took.setdefault(("scan page, not in memory", which), []).append(found)
    for _ in range(CHAINS):
        for which, place in enumerate(places):
            found = place.chain(told.chain) * 1e3
            took.setdefault(("chain query", which), []).append(found)
    for place in places:
        place.capture()
    for _ in range(CAPTURES):
        for which, place in enumerate(places):
            took.setdefault(("capture of 200 events", which), []).append(place.capture() * 1e3)
    return {key: statistics.median(some) for key, some in took.items()}
