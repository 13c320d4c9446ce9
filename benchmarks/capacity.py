"""Promise: an operator can say beforehand what a city and a country need, which part breaks first
at ten, a hundred and a thousand times a city's load, and what to add; and the program that says so
is held against real runs.

1. *Unit costs* are measured on SQLite and on PostgreSQL (`_capacity_measure`, `_capacity_served`,
   `_capacity_recalled`), with floors of the machine in the same run (`_capacity_floors`).
2. *Ten years* of a city and of a country are simulated day by day (`_capacity_demand`).
3. *Parts* are loaded with it (`_capacity_model`): what is used most, what is needed.
4. *Held against*: gunicorn with one and two workers, whose saturation is predicted a moment before
   it is measured; and what `benchmarks growth` wrote about its large run (`_capacity_growth`).

Everything is written to docs/reports/capacity.md; the page for operators is
docs/explanation/capacity.md. Takes some ten minutes on a busy machine. BENCH_DATABASES says which
databases, `sqlite,postgresql` where nothing is said; BENCH_SMALL how many events the small world
has. The report is written where both were measured.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from benchmarks import Figure, absolute
from benchmarks._capacity_floors import Floors, floors
from benchmarks._capacity_growth import read_run
from benchmarks._capacity_measure import BASE, Measured, Spent, label_costs, measure
from benchmarks._capacity_model import Cost, UnitCosts
from benchmarks._capacity_recalled import warned
from benchmarks._capacity_report import GROWTH, REPORT, Told, written
from benchmarks._capacity_served import Round, request_costs, saturated
from tests.crash.server import Postgresql
from tests.support.postgresql import NoPostgresql

DATABASES = os.environ.get("BENCH_DATABASES", "sqlite,postgresql").split(",")
# A publication waits for the disk three times: the checkpoint's file, its folder, the commit.
WAITS_OF_A_PUBLICATION = 3
MOST_WRONG = 0.35
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Where:
    """A database to measure: its settings, its address, the server's process (0: none)."""

    environment: Mapping[str, str]
    url: str
    postmaster: int


Opened = Callable[[Path], AbstractContextManager[Where]]


def run() -> Iterable[Figure]:
    """How far the predictions were from what came; the rest is in the report."""
    start = datetime.now(UTC)
    load = os.getloadavg()
    bare = floors()
    label = label_costs()
    found: dict[str, Told] = {}
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        if name.lower() not in DATABASES:
            continue
        try:
            with tempfile.TemporaryDirectory(prefix="trace-bench-capacity-") as folder:
                found[name] = _measured(Path(folder), opened, bare, label)
        except NoPostgresql as missing:
            print(f"not measured on PostgreSQL: {missing}")
    if len(found) == 2:
        text = written(found, bare, start=start, load=load, first=date(start.year + 1, 1, 1))
        REPORT.write_text(text)
    for name, told in found.items():
        for workers in (1, 2):
            rounds = [one for one in told.rounds if one.workers == workers]
            yield absolute(
                f"capacity: {workers} workers saturated, prediction off by ({name})",
                100 * abs(_off(rounds)),
                "%",
                "<=",
                100 * MOST_WRONG,
            )
        stored = read_run(GROWTH).find("stored per event", name)
        if stored is not None:
            off = told.measured.number["stored_event_without_pages"] / stored.value - 1
            yield absolute(
                f"capacity: bytes an event, prediction off by ({name})",
                100 * abs(off),
                "%",
                "<=",
                10,
            )


def _off(rounds: list[Round]) -> float:
    """Of all rounds together: what was said against what came."""
    return sum(one.predicted for one in rounds) / sum(one.measured for one in rounds) - 1


def _measured(folder: Path, opened: Opened, bare: Floors, label: tuple[float, float]) -> Told:
    """Everything about one database."""
    with opened(folder) as where:
        _say(f"inside, {where.url[:10]}…")
        told = _apart(measure, dict(where.environment), where.postmaster)
        _say("requests")
        asked = request_costs(where.environment, where.url, where.postmaster, told)
        _say("a saturated server")
        rounds = saturated(where.environment, folder, told, asked, bare.processors)
    with opened(folder / "recalled") as where:
        _say("a recall")
        recalled = _apart(warned, folder, where.url, where.postmaster)
    costs = unit_costs(told, asked, recalled, bare, label)
    return Told(told, asked, recalled, rounds, costs)


def unit_costs(
    told: Measured,
    asked: Mapping[str, Cost],
    recalled: Spent,
    bare: Floors,
    label: tuple[float, float],
) -> UnitCosts:
    """What the model takes, out of what was measured. What waits for a disk waits as long as the
    bare disk took; what holds a lock holds it for its processor time."""

    def both(name: str) -> float:
        return told.spent[name].own + told.spent[name].database

    def job(name: str) -> Cost:
        return Cost(worker=told.spent[name].own, database=told.spent[name].database)

    photo = told.spent["photo"]
    each = {
        **asked,
        "told": job("told"),
        "followed": job("followed"),
        "photos": Cost(web=photo.own, database=photo.database),
        "labels": Cost(worker=label[0]),
    }
    number = told.number
    return UnitCosts(
        each=each,
        lock=number["lock"],
        lock_event=number["lock_event"],
        commit=number["commit"] + bare.commit,
        publish=both("publication") + WAITS_OF_A_PUBLICATION * bare.commit,
        publish_entry=number["publish_entry"],
        count_scan=both("scan stored"),
        warn=recalled.own + recalled.database,
        stored_event=number["stored_event"],
        index_event=number["index_event"],
        log_event=number["log_event"],
        wal_event=number["wal_event"],
        counted_row=number["counted_row"],
        photo=number["photo"],
        label=label[1],
    )


def _apart(act: Callable[..., T], *given: object) -> T:
    """Done in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(act, *given).result()


def _say(what: str) -> None:
    print(f"capacity: {what}", file=sys.stderr, flush=True)


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        "TRACE_INSTANCE": str(folder / "instance"),
        "TRACE_DATABASE_URL": url,
        "TRACE_ID_BASE": BASE,
        "TRACE_PROXIES": "1",
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "TRACE_SECRET_KEY": "only for a benchmark, thrown away with its folder",
    }


@contextmanager
def _sqlite(folder: Path) -> Iterator[Where]:
    shutil.rmtree(folder / "instance", ignore_errors=True)
    folder.mkdir(exist_ok=True)
    url = f"sqlite:///{folder / 'capacity.db'}"
    yield Where(_environment(folder, url), url, 0)


@contextmanager
def _postgresql(folder: Path) -> Iterator[Where]:
    """As in production: what a commit waits for is waited for. Raises NoPostgresql."""
    folder.mkdir(exist_ok=True)
    with Postgresql() as server:
        lines = (server.folder / "data" / "postmaster.pid").read_text().splitlines()
        yield Where(_environment(folder, server.url), server.url, int(lines[0]))
