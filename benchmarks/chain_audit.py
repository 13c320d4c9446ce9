"""Promise: one press on a chain of 200 events takes at most 300 ms beyond bare signature checks, on
both databases.

The chain is what one usually is, grown: plantings with their diaries, harvests, a mix, crates, legs
and sales. The floor, in the same run: bare Ed25519 checks of the same 200 signatures with keys that
are open already. Elapsed time, the least of some rounds, taken in turns; nothing is kept from one
round to the next but what a running server keeps.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from sqlalchemy import select

from benchmarks import Figure, wall_seconds
from benchmarks.capture import bench
from tests.support.factories import make_actor
from tests.support.farms import Farm, make_farm, thing_id
from tests.support.postgresql import running_server
from trace.core.signing import PublicKey, unb64url
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Event, Key
from trace.services import chain_audit
from trace.services.actors import Actor

START = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
EVENTS = 200
CYCLES = 6
ROUNDS = 7
LIMIT_MS = 300.0


def grown() -> tuple[int, Actor]:
    """The row of the lot at the end of the chain, and who looks."""
    farm = make_farm(START)
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    inspector = make_actor(START, "Chi cục Demo", "authority", "confirmed", "inspector")
    lots = []
    told = CYCLES * 3 + 4
    diary = (EVENTS - told) // CYCLES
    for number in range(CYCLES):
        cycle = farm.sow()
        _diary(farm, cycle, diary + (number < (EVENTS - told) % CYCLES))
        farm.wait(1).spray(cycle, 7)
        lots.append(farm.wait(9).reap(cycle, kilos=100))
    mixed = farm.mix(lots, 590)
    crate = farm.box(mixed, kilos=590)
    farm.send(crate, shop)
    shop.at = farm.at + timedelta(hours=3)
    shop.take(crate, farm)
    publish("bench")
    return thing_id(mixed), inspector


def _diary(farm: Farm, cycle: str, times: int) -> None:
    for _ in range(times):
        farm.wait(0.5).water(cycle)


def bare(rows: list[tuple[PublicKey, bytes, bytes]]) -> None:
    """The signatures alone."""
    for key, signature, signed in rows:
        key.verify(signature, signed)


def _signatures(thing: int) -> list[tuple[PublicKey, bytes, bytes]]:
    chain = chain_audit.read_chain(thing)
    ids = [row.id for row in chain.rows]
    keys = {
        row.id: PublicKey.from_jwk(orjson.loads(row.jwk)) for row in db.session.scalars(select(Key))
    }
    found = []
    for row in db.session.scalars(select(Event).where(Event.id.in_(ids))):
        signed, _, signature = row.jwt.rpartition(".")
        found.append((keys[row.key_id], unb64url(signature), signed.encode()))
    return found


def measure(folder: Path, name: str, database_url: str = "") -> Iterable[Figure]:
    """One database."""
    with bench(folder, name, database_url):
        thing, inspector = grown()
        checks = _signatures(thing)

        def press() -> None:
            db.session.expire_all()
            found = chain_audit.audit_chain(inspector, thing, at=datetime.now(UTC))
            if found.counts["signed"] < EVENTS or found.of("high"):
                raise AssertionError(found.findings)
            db.session.rollback()

        press()
        whole, floor = wall_seconds(press, lambda: bare(checks), rounds=ROUNDS)
        beyond = (whole - floor) * 1e3 * EVENTS / len(checks)
        yield Figure(
            f"audit of a {EVENTS}-event chain beyond signatures ({name})",
            beyond,
            "ms",
            floor * 1e3,
            whole / floor,
            f"<= {LIMIT_MS:g} ms",
            beyond <= LIMIT_MS,
        )


def run() -> Iterable[Figure]:
    """Both databases."""
    with tempfile.TemporaryDirectory(prefix="trace-bench-") as folder:
        yield from measure(Path(folder), "SQLite")
        with running_server() as server:
            yield from measure(Path(folder), "PostgreSQL", server.create_database("bench"))
