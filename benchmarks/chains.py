"""Promise: the page of a chain of 500 stations, each drawn one by one, is made within 500 ms on
both databases: reading, folding, layout, picture and list.

Floor: a bare recursive query that finds the same things down of the planting, nothing else, in the
same database and run. Elapsed times, the best of several rounds, ours and the floor in turns.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from benchmarks import Figure, wall_seconds
from tests.conftest import settings_for
from tests.support.farms import Farm, id_base, item, make_farm, new, thing_id, uri_of
from tests.support.members import make_member, sign_in
from tests.support.postgresql import running_server
from trace.app import create_app
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Organisation
from trace.services.actors import Actor
from trace.services.chains import Narrowing, find_subject, read_chain
from trace.services.records import transformed
from trace.services.shipments import Line, Parties, receive, ship

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
LOTS, KITCHENS, SHOPS, EACH = 40, 3, 84, 4
STATIONS = 500
BARE = """
WITH RECURSIVE down(id) AS (
  SELECT CAST(:start AS BIGINT)
  UNION
  SELECT there.thing_id FROM down
  JOIN event_things here ON here.thing_id = down.id AND here.role IN (2, 3)
  JOIN event_things there ON there.event_id = here.event_id
   AND (here.role = 3 AND there.role = 4 OR here.role = 2 AND there.role = 1)
) SELECT count(*) FROM down
"""


def run() -> Iterable[Figure]:
    """The page on SQLite and on PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-chains-"))
    try:
        for name, url in _databases(folder):
            yield from _measured(name, create_app(settings_for(folder / name, url)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _databases(folder: Path) -> Iterator[tuple[str, str]]:
    yield "SQLite", f"sqlite:///{folder / 'bench.db'}"
    with running_server() as server:
        yield "PostgreSQL", server.create_database("bench")


def _check_size(cycle: str, actor: Actor) -> None:
    identity = parse_identity(cycle, id_base())
    if identity is None:
        raise AssertionError("no identity")
    chain = read_chain(actor, find_subject(identity), Narrowing(), at=START)
    if chain.more or len(chain.graph.stations) < STATIONS:
        raise AssertionError(f"{len(chain.graph.stations)} stations")


def _world() -> str:
    """A planting, 40 lots, three kitchens, three mixes, 84 shops with four deliveries each."""
    farm = make_farm(START)
    kitchens = [make_farm(START, f"Bếp Minh họa {n}", kind="processor") for n in range(KITCHENS)]
    shops = [make_farm(START, f"Cửa hàng số {n}", kind="retailer") for n in range(SHOPS)]
    cycle = farm.sow()
    lots = [farm.reap(cycle, kilos=100) for _ in range(LOTS)]
    for n, kitchen in enumerate(kitchens):
        _hand_over(farm, kitchen, lots[n::KITCHENS], 100)
    mixes = []
    for n, kitchen in enumerate(kitchens):
        mixes.append(new("b"))
        inputs = [item(lot, 100) for lot in lots[n::KITCHENS]]
        kitchen.tell(
            transformed(kitchen.record(), "mixing", inputs, [item(mixes[-1], 1300)], ilmd={})
        )
    for place in range(EACH):
        # The last deliveries go round again: a shop gets lots of several kitchens.
        for n, shop in enumerate(shops):
            which = (n + place) % KITCHENS
            lot = mixes[which]
            if place == EACH - 1:
                lot = new("b")
                kitchen = kitchens[which]
                kitchen.tell(
                    transformed(
                        kitchen.record(), "splitting", [item(mixes[which], 3)], [item(lot, 3)],
                        ilmd={},
                    )
                )  # fmt: skip
            _hand_over(kitchens[which], shop, [lot], 3)
    return cycle


def _hand_over(giver: Farm, taker: Farm, things: list[str], kilos: float) -> None:
    parties = Parties(
        giver=uri_of(giver.organisation), taker=uri_of(taker.organisation), note=new("n")
    )
    items = [item(thing, kilos) for thing in things]
    giver.tell(ship(giver.record(), items, parties))
    taker.at = max(taker.at, giver.at)
    lines = [Line(one, one.amount) for one in items]
    taker.tell(*receive(taker.record(), lines, parties, new_event_id=lambda: uuid.uuid4().urn))


def _measured(name: str, app: Flask) -> Iterable[Figure]:
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        cycle = _world()
        start = thing_id(cycle)
        member = make_member(app, role="inspector", kind="authority", name="Chi cục Minh họa")
        row = db.session.get_one(Organisation, member.organisation_id)
        row.status, row.jurisdiction = "confirmed", "*"
        db.session.commit()
        _check_size(cycle, Actor(row, None, "inspector"))
        of = cycle.removeprefix(id_base() + "/")
    client = app.test_client()
    sign_in(app, client, member)
    address = f"/inspection/chain/?of={of}&open=all"

    def page() -> None:
        if client.get(address).status_code != 200:
            raise AssertionError("no page")

    with app.app_context():
        connection = db.engine.connect()

        def bare() -> None:
            connection.execute(text(BARE), {"start": start}).scalar_one()

        page()
        ours, floor = wall_seconds(page, bare, rounds=7)
        connection.close()
        db.session.remove()
        db.engine.dispose()
    yield Figure(
        f"chain of {STATIONS} stations, its page, {name}",
        ours * 1e3,
        "ms",
        floor * 1e3,
        ours / floor,
        "<= 500 ms",
        ours <= 0.5,
    )
