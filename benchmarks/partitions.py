"""What partitioning costs on PostgreSQL: the index of events (`event_things`) as one plain table,
as it is after the migration, and in eight parts. Written to docs/reports/partitions.md.

Raw statements, no product in between: batches of 2,000 events that name two things each are added
by COPY, then events of one thing are looked up as every chain query does.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask_migrate import upgrade

from benchmarks import Figure, compare
from tests.conftest import create_app, settings_for
from tests.support.databases import release
from tests.support.postgresql import Server, running_server
from trace.extensions import db

EVENTS: Final = int(os.environ.get("TRACE_BENCH_EVENTS", "200000"))
THINGS: Final = EVENTS // 8
BATCH: Final = 2000
ROUNDS: Final = 24
LOOKUPS: Final = 1500
SHAPES: Final = {"plain": 0, "as migrated": 1, "eight parts": 8}
REPORT: Final = Path(__file__).parents[1] / "docs" / "reports" / "partitions.md"


def run() -> list[Figure]:
    """Three databases, the same rows in each; rounds go through all of them in turn."""
    with running_server() as server:
        opened = {name: _filled(server, name, parts) for name, parts in SHAPES.items()}
        added: dict[str, list[float]] = {name: [] for name in SHAPES}
        found: dict[str, list[float]] = {name: [] for name in SHAPES}
        for number in range(ROUNDS):
            for name, connection in opened.items():
                added[name].append(_add(connection, EVENTS + number * BATCH))
        rand = random.Random(7)
        for _ in range(LOOKUPS):
            thing = rand.randint(1, THINGS)
            for name, connection in opened.items():
                found[name].append(_ask(connection, thing))
        for connection in opened.values():
            connection.close()
    medians = {
        name: (statistics.median(added[name]), statistics.median(found[name])) for name in SHAPES
    }
    figures = []
    for name in list(SHAPES)[1:]:
        for place, what, unit in ((0, "add 2,000 events", "ms"), (1, "events of a thing", "ms")):
            value, floor = medians[name][place] * 1000, medians["plain"][place] * 1000
            label = f"index of events, {name}: {what}"
            figures.append(compare(label, value, unit, floor, "<=", 1.25))
    _write(medians)
    return figures


def _filled(server: Server, name: str, parts: int) -> Any:
    database = name.replace(" ", "_")
    url = server.create_database(database)
    app = create_app(settings_for(Path(f"{server.socket_folder}-{database}"), url))
    with app.app_context():
        upgrade()
        if parts != 1:
            _reshape(parts)
    release(app)
    connection = server.connect(database, user="postgres")
    # The rows that others refer to are not what is measured: they are left out, with the checks.
    for column in ("event_id", "thing_id"):
        connection.execute(f"ALTER TABLE event_things DROP CONSTRAINT fk_event_things_{column}")
    for start in range(0, EVENTS, BATCH):
        _add(connection, start)
    connection.execute("VACUUM ANALYZE event_things")
    return connection


def _reshape(parts: int) -> None:
    with db.engine.begin() as connection:
        run = connection.exec_driver_sql
        run("CREATE TABLE other (LIKE event_things INCLUDING ALL)")
        run("DROP TABLE event_things CASCADE")
        if not parts:
            run("ALTER TABLE other RENAME TO event_things")
        else:
            run(
                "CREATE TABLE event_things (LIKE other INCLUDING ALL) PARTITION BY RANGE (event_id)"
            )
            step = (EVENTS + ROUNDS * BATCH) // parts + 1
            for number in range(parts):
                run(
                    f"CREATE TABLE parts.e{number} PARTITION OF event_things "
                    f"FOR VALUES FROM ({number * step}) TO ({(number + 1) * step})"
                )
        for column, named in (("event_id", "events"), ("thing_id", "things")):
            run(
                f"ALTER TABLE event_things ADD CONSTRAINT fk_event_things_{column} "
                f"FOREIGN KEY ({column}) REFERENCES {named} (id)"
            )


def _add(connection: Any, start: int) -> float:
    rand = random.Random(start)
    rows = [
        (start + one, role, rand.randint(1, THINGS) * 2 + role)
        for one in range(BATCH)
        for role in (0, 1)
    ]
    begun = time.perf_counter()
    with connection.transaction(), connection.cursor() as cursor:
        columns = "(event_id, role, thing_id, visibility)"
        with cursor.copy(f"COPY event_things {columns} FROM STDIN") as copy:
            for row in rows:
                copy.write_row((*row, 0))
    return time.perf_counter() - begun


def _ask(connection: Any, thing: int) -> float:
    begun = time.perf_counter()
    connection.execute(
        "SELECT event_id, role FROM event_things WHERE thing_id = %s ORDER BY event_id",
        (thing * 2,),
    ).fetchall()
    return time.perf_counter() - begun


def _write(medians: dict[str, tuple[float, float]]) -> None:
    plain = medians["plain"]
    made = (
        f"Made by `python -m benchmarks partitions` on {datetime.now(UTC):%Y-%m-%d}: "
        f"{EVENTS:,} events that name {2 * EVENTS:,} things, PostgreSQL, {platform.machine()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end. Medians of {ROUNDS} "
        f"batches of {BATCH:,} events by COPY and of {LOOKUPS:,} look-ups of a thing's events; "
        "every round goes through the three tables in turn, so that they share the load."
    )
    lines = [
        "# What partitioning the index of events costs",
        "",
        made,
        "",
        "| table | add a batch, ms | of plain | look-up, ms | of plain |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (add, ask) in medians.items():
        lines.append(
            f"| {name} | {add * 1000:.1f} | {add / plain[0]:.2f} "
            f"| {ask * 1000:.3f} | {ask / plain[1]:.2f} |"
        )
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join([*lines, ""]))
