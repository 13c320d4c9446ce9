"""What a thing of each kind costs inside the application, measured in a process of its own: what
one remembers of keys and settings is of one database. `_capacity_served.py` measures the same
database from outside.

Processor time is told apart: this process's (a web process or a worker, as the case may be), and
that of PostgreSQL's processes. With SQLite the database works in our own process, and the second
is nothing. PostgreSQL runs as in production (fsync, full page writes).

What holds a lock is told in processor time too, ours and the database's: elapsed time would measure
what else the machine does. What a disk adds is measured apart (`_capacity_floors.py`).
"""

from __future__ import annotations

import gc
import io
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from flask_migrate import upgrade
from PIL import Image
from sqlalchemy import event, func, select, text

from benchmarks import labels
from benchmarks.capture import document
from benchmarks.capture_http import _cpu
from benchmarks.growth import _see_pages, _stored
from benchmarks.scan_page import ROOT
from benchmarks.world import world_of
from tests.support.factories import make_actor
from tests.support.farms import make_farm, path_of
from tests.support.stamps import bind_stamps, make_stamps, stamp_page
from trace import clock
from trace.app import create_app
from trace.config import Settings
from trace.core.epcis import parse_document
from trace.extensions import db
from trace.jobs.registry import load_handlers
from trace.jobs.worker import run_pending
from trace.models import Job, LogEntry, LogTile, ScanCount, Thing
from trace.models.types import to_millis
from trace.services import attachments, scans, sequencer
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.demo.load import load_world
from trace.services.tokens import issue_token

BASE: Final = "https://trace.example"
EVENTS: Final = int(os.environ.get("BENCH_SMALL", "2500"))
SINGLES, DOCUMENTS, DOCUMENT = 60, 4, 200
PHOTOS, SCANS, STAMPS = 8, 2000, 400
# Indexes an event is looked for or put into in no order: on a large database each is a read of its
# own where it is not in memory. (table, first column)
RANDOM: Final = {
    ("events", "statement_id"),
    ("event_keys", "issuer_id"),
    ("things", "identity"),
    ("event_things", "thing_id"),
}


def database_cpu(postmaster: int) -> float:
    """Seconds of processor of a PostgreSQL server's processes, ended ones included; 0 without."""
    if not postmaster:
        return 0.0
    fields = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    spent = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    for found in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(found.read_text().rpartition(")")[2].split()[1])
            spent += _cpu(int(found.parent.name)) if parent == postmaster else 0.0
        except OSError:
            continue  # it has just ended; its time is with its parent's
    return spent


@dataclass(frozen=True, slots=True)
class Spent:
    """Of one act: seconds of our processor, of the database's, and elapsed."""

    own: float
    database: float
    elapsed: float


@dataclass(slots=True)
class Meter:
    """Measures acts on one database."""

    postmaster: int

    def __call__(self, act: Callable[[], object], count: float = 1) -> Spent:
        """One act that does `count` of what is asked for; of one."""
        gc.collect()
        base, own, start = database_cpu(self.postmaster), time.process_time(), time.perf_counter()
        act()
        took, spent = time.perf_counter() - start, time.process_time() - own
        return Spent(spent / count, (database_cpu(self.postmaster) - base) / count, took / count)


@dataclass(slots=True)
class Locks:
    """How long a capture holds the log's lock (on SQLite: the one writer's), and its commit; in
    processor seconds of this process and of the database's that works for it, and elapsed."""

    sqlite: bool
    backend: int = 0
    began: tuple[float, float] = (0.0, 0.0)
    committing: tuple[float, float] = (0.0, 0.0)
    held: list[float] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    held_elapsed: list[float] = field(default_factory=list)
    commits_elapsed: list[float] = field(default_factory=list)

    def watch(self) -> None:
        if not self.sqlite:  # one connection, as long as one transaction follows another
            self.backend = db.session.scalar(text("SELECT pg_backend_pid()")) or 0
            db.session.rollback()
        event.listen(db.engine, "before_cursor_execute", self._statement)
        event.listen(db.engine, "commit", self._commit)

    def _statement(self, _c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        words = statement.lstrip().upper()
        if self.began[1]:
            return
        if words.startswith("UPDATE LOG_STATE SET SIZE = SIZE") or (
            self.sqlite and words.startswith(("INSERT", "UPDATE", "DELETE"))
        ):
            self.began = self._now()

    def _commit(self, _connection: Any) -> None:
        self.committing = self._now()

    def _now(self) -> tuple[float, float]:
        """(processor seconds, elapsed)"""
        spent = time.process_time() + (_cpu(self.backend) if self.backend else 0.0)
        return spent, time.perf_counter()

    def forget(self) -> None:
        for some in (self.held, self.commits, self.held_elapsed, self.commits_elapsed):
            some.clear()

    def capture(self, actor: Actor, some: list[Any]) -> None:
        """Captures and commits; notes what that held."""
        self.began = (0.0, 0.0)
        capture(actor, some, at=clock.now())
        db.session.commit()
        end = self._now()
        self.held.append(self.committing[0] - self.began[0])
        self.commits.append(end[0] - self.committing[0])
        self.held_elapsed.append(self.committing[1] - self.began[1])
        self.commits_elapsed.append(end[1] - self.committing[1])
        # What follows is no capture.
        self.began = end


@dataclass(slots=True)
class Measured:
    """Of one database. Times in seconds of one thing, sizes in bytes of one thing."""

    spent: dict[str, Spent] = field(default_factory=dict)
    number: dict[str, float] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    long: str = ""
    token: str = ""
    tiles: list[str] = field(default_factory=list)
    lot: str = ""
    maker: str = ""


def measure(environment: Mapping[str, str], postmaster: int) -> Measured:
    """Fills an empty database and measures in it."""
    app = create_app(Settings.from_env(dict(environment)))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        load_handlers()
        told, meter = Measured(), Meter(postmaster)
        _world(told, meter)
        actor = make_actor(datetime.now(UTC), "HTX Đo")
        told.maker = actor.organisation.code
        _, told.token = issue_token(actor.organisation, "đo", ["capture", "query"], at=clock.now())
        db.session.commit()
        _captures(told, meter, actor)
        _scans(told, meter)
        _photos(told, meter, actor)
        _publishing(told, meter, actor)
        size = db.session.scalar(select(func.count()).select_from(LogEntry)) or 0
        told.tiles = ["/log/checkpoint", "/log/tile/0/000", "/log/tile/entries/000"]
        told.number["log entries"] = size
        _analyse()
        db.session.remove()
        db.engine.dispose()
    return told


# -- what a world weighs ---------------------------------------------------------------------------


def _world(told: Measured, meter: Meter) -> None:
    """The simulator's world, a farm with stamped packages and a lot of sixty records; what an event
    of it takes."""
    empty, written, made, before = _stored(), _written(), 0, _indexes()

    def load() -> None:
        nonlocal made
        made = load_world(world_of(EVENTS, id_base=BASE), batch=400)

    spent = meter(load)
    db.session.commit()
    # What captures ask for, as jobs: pages of what came of a thing, alerts to who follows it.
    told.number["jobs an event"] = _waiting() / made
    told.spent["followed"] = meter(run_pending, made)
    db.session.commit()
    told.number["events"] = made
    told.number["wal_event"] = (_written() - written) / made
    sequencer.publish(now=datetime.now(UTC))
    db.session.commit()
    told.number["stored_event_without_pages"] = (_stored() - empty) / made
    told.pages = ["/t" + path for path in _see_pages()]
    told.number["stored_event"] = (_stored() - empty) / made
    for name, size in _indexes().items():
        told.number[name] = (size - before[name]) / made
    told.spent["world event"] = Spent(spent.own / made, spent.database / made, spent.elapsed / made)
    entry = db.session.scalar(select(func.avg(func.length(LogEntry.entry)))) or 0
    tiles = db.session.scalar(select(func.sum(func.length(LogTile.nodes)))) or 0
    entries = db.session.scalar(select(func.count()).select_from(LogEntry)) or 1
    told.number["log_event"] = float(entry) + float(tiles) / entries
    farm = make_farm(datetime.now(UTC) - timedelta(days=30))
    lot = farm.reap(farm.sow(), kilos=480)
    roll = make_stamps(farm.actor, STAMPS)
    bind_stamps(farm, roll, 1, STAMPS, lot)
    sequencer.publish(now=datetime.now(UTC))
    db.session.commit()
    _analyse()
    told.long, told.lot = "/t" + path_of(lot), BASE + told.pages[0].removeprefix("/t")
    told.packages = [stamp_page(roll, number) for number in range(1, STAMPS + 1)]


def _analyse() -> None:
    """What the server's own housekeeping does within minutes on a database that lives."""
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def _written() -> float:
    """Bytes written so far: PostgreSQL's own log (WAL), or what this process gave to the disk."""
    if db.engine.dialect.name == "sqlite":
        lines = Path("/proc/self/io").read_text().splitlines()
        return float(dict(line.split(": ") for line in lines)["write_bytes"])
    found = db.session.scalar(text("SELECT pg_current_wal_insert_lsn() - '0/0'"))
    db.session.rollback()
    return float(found or 0)


def _indexes() -> dict[str, float]:
    """Bytes of rows, of all indexes, and of those that are hit in no order."""
    found = {"rows": 0.0, "indexes": 0.0, "index_event": 0.0}
    if db.engine.dialect.name == "sqlite":
        # An index of a table WITHOUT ROWID is the table itself: it counts with the rows.
        for name, kind, table, size in db.session.execute(
            text(
                "SELECT s.name, m.type, m.tbl_name, sum(s.pgsize) FROM dbstat AS s "
                "JOIN sqlite_master AS m ON m.name = s.name GROUP BY 1, 2, 3"
            )
        ):
            found["indexes" if kind == "index" else "rows"] += size
            first = ""
            if kind == "index":
                first = db.session.execute(text(f"PRAGMA index_info('{name}')")).first()[2]  # type: ignore[index]
            if (table, first) in RANDOM or (kind == "table" and table == "event_keys"):
                found["index_event"] += size
    else:
        for table, first, size in db.session.execute(
            text(
                "SELECT t.relname, a.attname, pg_relation_size(i.indexrelid) FROM pg_index AS i "
                "JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_attribute AS a "
                "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
                "JOIN pg_namespace AS n ON n.oid = t.relnamespace "
                "WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')"
            )
        ):
            found["indexes"] += size
            # A part of a partitioned table is named after it.
            if any(table.startswith(of) and first == column for of, column in RANDOM):
                found["index_event"] += size
        found["rows"] = float(_stored()) - found["indexes"]
    db.session.rollback()
    return found


# -- what is done to it ----------------------------------------------------------------------------


def _captures(told: Measured, meter: Meter, actor: Actor) -> None:
    """Entries of a phone one by one, documents, and the jobs that follow."""
    locks = Locks(db.engine.dialect.name == "sqlite")
    locks.watch()
    code = actor.organisation.code
    some = parse_document(document(SINGLES + 10, code)).events
    for one in some[:10]:
        locks.capture(actor, [one])
    run_pending()
    locks.forget()

    def all_of(documents: list[Any]) -> None:
        for one in documents:
            locks.capture(actor, one)

    singles = [[one] for one in some[10:]]
    told.spent["capture"] = meter(lambda: all_of(singles), SINGLES)
    told.number["lock"] = statistics.median(locks.held)
    told.number["commit"] = statistics.median(locks.commits)
    told.number["lock elapsed"] = statistics.median(locks.held_elapsed)
    told.number["commit elapsed"] = statistics.median(locks.commits_elapsed)
    large = [parse_document(document(DOCUMENT, code)).events for _ in range(DOCUMENTS + 1)]
    locks.capture(actor, large.pop())
    locks.forget()
    told.spent["told"] = meter(lambda: all_of(large), DOCUMENTS * DOCUMENT)
    held = statistics.median(locks.held)
    told.number["lock_event"] = max(0.0, (held - told.number["lock"]) / (DOCUMENT - 1))
    run_pending()


def _publishing(told: Measured, meter: Meter, actor: Actor) -> None:
    """A publication of one entry, and what a further entry adds."""

    def publish(entries: int) -> Spent:
        some = parse_document(document(entries, actor.organisation.code)).events
        capture(actor, some, at=clock.now())
        db.session.commit()

        def act() -> None:
            sequencer.publish(now=clock.now())
            db.session.commit()

        return meter(act)

    publish(1)
    one, many = (
        min((publish(entries) for _ in range(4)), key=lambda spent: spent.own + spent.database)
        for entries in (1, 1000)
    )
    told.spent["publication"] = one
    more = many.own + many.database - one.own - one.database
    told.number["publish_entry"] = max(0.0, more / 999)


def _scans(told: Measured, meter: Meter) -> None:
    """Scans stored as a worker stores what came from Redis: many at once, each of a visitor."""
    names = db.session.scalars(select(Thing.identity).where(Thing.kind == "lot")).all()
    random, at = Random(3), to_millis(clock.now())
    key = scans.day_key(scans.day_of(at))
    db.session.commit()

    def seen(number: int) -> scans.Seen:
        name = names[random.randrange(len(names))]
        mark = scans.mark_of(key, str(number), name)
        return scans.Seen((name,), None, at, mark, f"{random.randrange(400):05d}")

    some = [seen(number) for number in range(2 * SCANS)]
    before = _size("scans")

    def store(part: list[scans.Seen]) -> None:
        scans.store(part)
        db.session.commit()

    store(some[:SCANS])
    told.spent["scan stored"] = meter(lambda: store(some[SCANS:]), SCANS)
    rows = db.session.scalar(select(func.count()).select_from(ScanCount)) or 1
    told.number["counted_row"] = (_size("scans") - before) / rows
    db.session.rollback()


def _size(table: str) -> float:
    """Bytes of a table with its indexes and parts."""
    if db.engine.dialect.name == "sqlite":
        found = db.session.scalar(
            text(
                "SELECT sum(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name "
                "WHERE m.tbl_name = :table"
            ),
            {"table": table},
        )
    else:
        found = db.session.scalar(
            text(
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
                "WHERE relkind = 'r' AND relname ~ ('^' || :table || '(_[0-9].*|_first|_rest)?$')"
            ),
            {"table": table},
        )
    db.session.rollback()
    return float(found or 0)


def _photos(told: Measured, meter: Meter, actor: Actor) -> None:
    """Photos of eight megapixels as a phone sends them, kept small."""
    pictures = [_photo(number) for number in range(PHOTOS)]
    attachments.keep_photo(actor, io.BytesIO(_photo(99)), at=clock.now())
    db.session.commit()
    kept: list[int] = []

    def keep() -> None:
        for data in pictures:
            kept.append(attachments.keep_photo(actor, io.BytesIO(data), at=clock.now()).size)
            db.session.commit()

    told.spent["photo"] = meter(keep, PHOTOS)
    # The thumbnail beside it has about a tenth of it.
    told.number["photo"] = 1.1 * sum(kept) / len(kept)
    told.number["photo sent"] = sum(map(len, pictures)) / len(pictures)


def _photo(seed: int) -> bytes:
    """A field with structure of several sizes, 3,264 × 2,448."""
    whole = Image.new("RGB", (3264, 2448), (60 + seed % 40, 110, 50))
    for shrink, weight in ((64, 0.5), (16, 0.35), (4, 0.25)):
        noise = Image.effect_noise((3264 // shrink, 2448 // shrink), 60).resize(whole.size)
        coloured = Image.merge("RGB", (noise, noise, noise))
        whole = Image.blend(whole, coloured, weight)
    out = io.BytesIO()
    whole.save(out, "JPEG", quality=88)
    return out.getvalue()


def label_costs() -> tuple[float, float]:
    """(processor seconds, bytes) of one label of a sheet."""
    labels._sheet()
    start = time.process_time()
    size = labels._sheet()
    return (time.process_time() - start) / labels.COUNT, size / labels.COUNT


def _waiting() -> int:
    found = db.session.scalar(select(func.count()).where(Job.state == "queued")) or 0
    db.session.rollback()
    return int(found)
