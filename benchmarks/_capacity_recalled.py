"""What a recall costs for each thing it reaches, in a process and a database of its own: the world
of `benchmarks.recall`, a fifth of its size."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from benchmarks import recall
from benchmarks._capacity_measure import Meter, Spent
from benchmarks.capture import bench
from trace import clock
from trace.extensions import db
from trace.models import Alert, RecallNotice
from trace.services.recalls import signing

SMALLER = {
    "LOTS": 100,
    "MADE": 400,
    "CRATES": 3_600,
    "UNITS": 15_900,
    "EVENTS": 40_000,
    "OTHER_THINGS": 8_000,
    "SHOPS": 20,
}
REACHED = SMALLER["LOTS"] + SMALLER["MADE"] + SMALLER["CRATES"] + SMALLER["UNITS"]


def warned(folder: Path, url: str, postmaster: int) -> Spent:
    """Seconds of one descendant, from the signature until its page warns. Raises AssertionError
    where one is not warned."""
    for name, value in SMALLER.items():  # this process measures nothing else
        setattr(recall, name, value)
    recall.DOWNSTREAM = REACHED
    with bench(folder, "recalled", url) as made:
        world = recall.build(made)
        case = recall.draft(world)

        def sign() -> None:
            signing.sign(world.owner, case, REACHED + 1, version=case.version, at=clock.now())
            db.session.commit()

        spent = Meter(postmaster)(sign, REACHED)
        given = select(RecallNotice.event_id).where(RecallNotice.recall_id == case.id)
        found = db.session.scalar(select(func.count()).where(Alert.event_id.in_(given)))
        if found != REACHED + 1:
            raise AssertionError(f"{found} of {REACHED + 1} are warned")
    return spent
