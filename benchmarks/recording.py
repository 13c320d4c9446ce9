"""Promise: statement, log entry, tile and store of events already checked, in batches of 256, at no
less than 25 % of the rate of bare Ed25519 signatures (the aim is 35 %), by CPU time of one core.

Ours is what capture does from its second step on and what the sequencer does after it: build and
sign the statements; write events, things, holdings and every index row; give indexes and tags;
commit; make tiles, sign the checkpoint, keep it in its file; commit. SQLite with synchronous=FULL;
where PostgreSQL is installed, there as well, its server process's CPU time counted with ours.

Floor, in the same run and in turns: one bare signature per event over 1,600 bytes.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time

from sqlalchemy import text

from benchmarks import Figure, compare
from benchmarks.capture import Bench, bench, document
from tests.support.postgresql import NoPostgresql, running_server
from trace import clock
from trace.core.epcis import parse_document
from trace.core.signing import PrivateKey
from trace.extensions import db
from trace.services import sequencer
from trace.services.capture.prepare import Prepared, prepare, sign
from trace.services.capture.store import store
from trace.services.keys import signing_key

BATCH = 256
BATCHES = 12
GOAL = 0.25


def checked(made: Bench) -> list[Prepared]:
    """A batch of events as capture has them after its first step."""
    parsed = parse_document(document(BATCH, made.actor.organisation.code))
    return prepare(made.actor, parsed.events, at=clock.now())


def record(made: Bench, events: list[Prepared]) -> None:
    """The events signed, stored, in the log, and published."""
    key = signing_key(made.actor.organisation)
    now = clock.now()
    store(made.actor, sign(made.actor, events, key, at=now), key, at=now)
    db.session.commit()
    sequencer.publish(now=now)
    db.session.commit()


def measure(made: Bench, server_seconds: Callable[[], float]) -> tuple[float, float]:
    """(ours, floor) in CPU seconds for a batch, the least of several taken in turns."""
    key, message = PrivateKey.generate(), os.urandom(1600)
    record(made, checked(made))  # compiles and opens everything
    ours = floor = float("inf")
    for _ in range(BATCHES):
        events = checked(made)
        gc.collect()
        start = process_time() + server_seconds()
        record(made, events)
        ours = min(ours, process_time() + server_seconds() - start)
        start = process_time()
        for _ in range(BATCH):
            key.sign(message)
        floor = min(floor, process_time() - start)
    return ours, floor


def backend_seconds() -> float:
    """CPU seconds so far of the PostgreSQL process that serves this session (Linux)."""
    pid = db.session.scalar(text("SELECT pg_backend_pid()"))
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def figure(database: str, ours: float, floor: float) -> Figure:
    return compare(
        f"statement, entry, tile and store, {database}",
        BATCH / ours,
        "events/s of a core",
        BATCH / floor,
        ">=",
        GOAL,
    )


def run() -> Iterable[Figure]:
    """Measures in databases that are removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-recording-"))
    try:
        with bench(folder, "sqlite") as made:
            yield figure("SQLite", *measure(made, lambda: 0.0))
        try:
            with running_server() as server:
                server.create_database("bench")
                with bench(folder, "postgresql", server.url("bench")) as made:
                    yield figure("PostgreSQL", *measure(made, backend_seconds))
        except NoPostgresql as missing:
            print(f"not measured on PostgreSQL: {missing}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
