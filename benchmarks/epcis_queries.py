"""Promise: `MATCH_anyEPCClass` with `GE_eventTime` over 1,000,000 events, a page of 30, takes at
most 10 ms in the database, and page 1,000 at most 1.5 times what page 1 does, on both databases.

The million are an organisation's own events and, one in ten, what another said of the same goods;
25 classes of things, each named by 40,000 events. Measured is the whole way from the query to the
rows of one page, with everything that decides what the caller may see: elapsed time, the least of
some rounds, the two pages in turns. Statements are opened and judged after that, thirty of them on
any page. Floor: the thirty rows of the same page by their primary keys, nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import text

from benchmarks import Figure, wall_seconds
from benchmarks.capture import bench
from tests.support.factories import make_actor
from tests.support.postgresql import running_server
from trace.core.epcis.query import Query
from trace.core.epcis.query_parsing import parse_query
from trace.extensions import db
from trace.models import Key
from trace.models.types import to_millis
from trace.services.actors import Actor
from trace.services.epcis_queries_walk import Position, Walk, candidates
from trace.services.settings import current_settings

EVENTS = 1_000_000
CLASSES = 25
PAGE, DEEP = 30, 1_000
# Behind what making the database puts into the log, and without a gap: as records come.
START = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
ROUNDS = 15
LIMIT_MS, FLAT = 10.0, 1.5
CHUNK = 100_000
NUMBERS = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT {a} UNION ALL SELECT n + 1 FROM s WHERE n < {b})",
    "postgresql": "WITH s AS (SELECT generate_series({a}, {b}) AS n)",
}
# Each event is recorded a second after the one before, as it happens.
ENTRY = {
    "sqlite": (
        'printf(\'{{"v":1,"type":"event","t":"%s"}}\','
        " strftime('%Y-%m-%dT%H:%M:%fZ', {at} + n, 'unixepoch'))"
    ),
    "postgresql": (
        '\'{{"v":1,"type":"event","t":"\' || to_char(to_timestamp({at} + n) AT TIME ZONE \'UTC\','
        ' \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\') || \'"}}\''
    ),
}
# What a statement weighs in its row, though nothing reads it here.
WEIGHT = "x" * 600


def fill(actor: Actor, other: Actor) -> None:
    """A million rows as capture writes them, second by second, set-based."""
    dialect = db.engine.dialect.name
    moment = to_millis(START)
    key = db.session.query(Key.id).filter_by(organisation_id=actor.organisation.id).scalar()
    for number in range(CLASSES):
        db.session.execute(
            text(
                "INSERT INTO things (id, identity, kind, owner_id, head, created_at)"
                " VALUES (:id, :identity, 'lot', :owner, 0, :at)"
            ),
            {
                "id": 1000 + number,
                "identity": lot(number),
                "owner": actor.organisation.id,
                "at": moment,
            },
        )
    statement_id = (
        "CAST(printf('%016d', n) AS BLOB)"
        if dialect == "sqlite"
        else "convert_to(lpad(CAST(n AS text), 16, '0'), 'UTF8')"
    )
    ours, theirs = actor.organisation.id, other.organisation.id
    for begin in range(0, EVENTS, CHUNK):
        series = NUMBERS[dialect].format(a=begin + 1, b=begin + CHUNK)
        inserts = [
            (
                "INSERT INTO events (id, statement_id, issuer_id, key_id, type, action, event_time,"
                f" biz_step, jwt, disclosures, private) {series} SELECT 1000 + n, {statement_id},"
                f" CASE WHEN n % 10 = 0 THEN {theirs} ELSE {ours} END, {key}, 0, 'OBSERVE',"
                f" {moment} + 1000 * CAST(n AS BIGINT), 'storing', '{WEIGHT}', '[]', '[]' FROM s"
            ),
            (
                f"INSERT INTO event_things (event_id, role, thing_id, visibility) {series}"
                f" SELECT 1000 + n, 0, 1000 + (n / 10 + n) % {CLASSES}, 0 FROM s"
            ),
            (
                f"INSERT INTO log_entries (idx, entry, event_id) {series}"
                f" SELECT 1000 + n, {ENTRY[dialect].format(at=moment // 1000)}, 1000 + n FROM s"
            ),
        ]
        for insert in inserts:
            db.session.execute(text(insert.replace(":", "\\:")))
        db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def lot(number: int) -> str:
    """The address of one class of goods."""
    return f"https://id.gs1.org/01/08936012345674/10/LOT{number:04d}"


def page_at(actor: Actor, query: Query, after: Position | None) -> list[Position]:
    """The rows of one page and one more, as a request finds them."""
    return list(islice(candidates(actor, query, Walk("id"), after, PAGE + 1), PAGE + 1))


def bare(ids: list[int]) -> None:
    """The same rows by primary key."""
    listed = ",".join(map(str, ids))
    db.session.execute(
        text(f"SELECT id, issuer_id, event_time FROM events WHERE id IN ({listed})")
    ).all()


def measure(folder: Path, name: str, database_url: str = "") -> Iterable[Figure]:
    """One database."""
    with bench(folder, name, database_url):
        actor, other = make_actor(START), make_actor(START, "Bên kia Demo", kind="trader")
        fill(actor, other)
        actor.check("read")
        query = parse_query(
            {
                "MATCH_anyEPCClass": [lot(7)],
                "GE_eventTime": (START + timedelta(seconds=EVENTS // 5)).isoformat(),
            },
            id_base=current_settings().id_base,
        )
        walked = list(islice(candidates(actor, query, Walk("id"), None, 500), PAGE * DEEP + 1))
        if len(walked) <= PAGE * DEEP:
            raise AssertionError(f"only {len(walked)} events answer")
        deep = walked[PAGE * (DEEP - 1) - 1]
        if page_at(actor, query, deep)[:PAGE] != walked[PAGE * (DEEP - 1) : PAGE * DEEP]:
            raise AssertionError("the deep page is another one")
        first, last, floor = wall_seconds(
            lambda: page_at(actor, query, None),
            lambda: page_at(actor, query, deep),
            lambda: bare([at.event_id for at in walked[:PAGE]]),
            rounds=ROUNDS,
        )
        for title, taken in (("page 1", first), (f"page {DEEP:,}", last)):
            yield Figure(
                f"EPCIS query over {EVENTS:,} events, {title} ({name})",
                taken * 1e3,
                "ms",
                floor * 1e3,
                taken / floor,
                f"<= {LIMIT_MS:g} ms",
                taken * 1e3 <= LIMIT_MS,
            )
        ratio = last / first
        yield Figure(
            f"EPCIS query, page {DEEP:,} to page 1 ({name})",
            ratio,
            "x",
            None,
            None,
            f"<= {FLAT:g}",
            ratio <= FLAT,
        )


def run() -> Iterable[Figure]:
    """Both databases."""
    with tempfile.TemporaryDirectory(prefix="trace-bench-") as folder:
        yield from measure(Path(folder), "SQLite")
        with running_server() as server:
            yield from measure(Path(folder), "PostgreSQL", server.create_database("bench"))
