"""Honest worlds for audits: the simulator without the two turns that break a rule on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select

from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import EventThing, Thing
from trace.models.events import ROLES
from trace.services.demo.load import load_world
from trace.services.demo.world import World, _Chain, world_days

# Harvested before the label allows; and the same with the hold that follows.
DISHONEST = frozenset({"early", "hold"})


@dataclass(slots=True)
class HonestWorld(World):
    """Everything else stays: late records, corrections, voids, damage, one-sided handovers,
    recalls, breaks of the cold chain."""

    def _shown(self) -> list[_Chain]:
        return [_honest(chain) for chain in World._shown(self)]

    def _further(self) -> Iterator[_Chain]:
        return map(_honest, World._further(self))


def _honest(chain: _Chain) -> _Chain:
    return replace(chain, flags=chain.flags - DISHONEST)


def load_honest_world(chains: int, *, last: date, id_base: str, seed: int = 7) -> int:
    """Loads so many chains that end before `last`, and publishes the log; the number of events.
    Large worlds are captured in large pieces: their record times are a little later."""
    start = last - timedelta(days=world_days(chains) + 1)
    count = load_world(HonestWorld(seed, start, id_base, chains), batch=500 if chains > 999 else 1)
    publish("test")
    return count


def ends() -> list[int]:
    """The lots that nothing was made of: where chains end."""
    used = select(EventThing.thing_id).where(EventThing.role == ROLES.index("input"))
    query = select(Thing.id).where(Thing.kind == "lot", Thing.id.not_in(used)).order_by(Thing.id)
    return list(db.session.scalars(query))
