"""Held goods that moved all the same: which they were, and telling the authorities.

The truth is recorded (services.holds, rule 4). Goods that go back to their maker are where they
belong and nobody is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Alert, Event, EventThing, Handover, Holding, Organisation, Thing
from trace.services.batches import short_name
from trace.services.competence import authorities_for
from trace.services.holds import EPC, LEAVING
from trace.services.notifications import notify_each
from trace.services.sets import among
from trace.services.vocabulary import Amount, bare_step

# Of one lot, the newest movements an inspector reads at once.
SHOWN = 100
# The ends a held lot may come to (services.storage).
ENDING = ("destroying", "decommissioning")


@dataclass(frozen=True, slots=True)
class Movement:
    """Goods of one lot that left a holder: by whose word, when, how much, to whom if they said."""

    event_id: int
    at: datetime
    biz_step: str
    issuer: Organisation
    taker: Organisation | None
    amount: Amount | None

    @property
    def leaves(self) -> bool:
        """Whether the goods went on to others; otherwise they came to an end."""
        return bare_step(self.biz_step) in LEAVING


def tell(event_ids: Sequence[int], *, at: datetime) -> int:
    """Tells the authorities in whose area the makers are; returns how many people. Doing it twice
    tells once."""
    if not event_ids:
        return 0
    source, issuer = aliased(Thing), aliased(Organisation)
    rows = db.session.execute(
        select(EventThing.event_id, Alert.event_id.label("hold"), source, issuer.name)
        .join(Alert, Alert.thing_id == EventThing.thing_id)
        .join(source, source.id == Alert.source_id)
        .join(Event, Event.id == EventThing.event_id)
        .join(issuer, issuer.id == Event.issuer_id)
        .outerjoin(Handover, Handover.event_id == EventThing.event_id)
        .where(
            among(EventThing.event_id, sorted(set(event_ids))),
            EventThing.role == EPC,
            Alert.kind == "hold",
            Alert.mixed.is_(False),
            func.coalesce(Handover.taker_id, 0) != func.coalesce(source.owner_id, -1),
        )
        .order_by(EventThing.event_id, Alert.event_id)
    ).all()
    count = 0
    for event_id, hold, thing, by in rows:
        owner = thing.owner
        context = {
            "by": by,
            "what": short_name(thing.identity),
            "name": owner.name if owner is not None else "?",
        }
        address = f"/inspection/holds/{hold}"
        told = dict.fromkeys(
            authorities_for(owner.ward_code if owner is not None else None), (context, address)
        )
        count += notify_each(told, "held-moved", at=at, subject=f"moved:{event_id}:{hold}")
    return count


def movements(thing_id: int) -> list[Movement]:
    """How the goods of a lot left whoever had them, newest first; what was declared in error is
    not among them. The caller has checked who reads."""
    declared, taker = aliased(Event), aliased(Organisation)
    rows = db.session.execute(
        select(Event, EventThing.quantity, EventThing.unit, Organisation, taker)
        .join(EventThing, EventThing.event_id == Event.id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(Handover, Handover.event_id == Event.id)
        .outerjoin(taker, taker.id == Handover.taker_id)
        .where(
            EventThing.thing_id == thing_id,
            EventThing.role == EPC,
            or_(*(Event.biz_step.endswith(word) for word in (*sorted(LEAVING), *ENDING))),
            Event.corrects.is_(None),
            ~select(declared.id)
            .where(declared.corrects == Event.statement_id, declared.issuer_id == Event.issuer_id)
            .exists(),
        )
        .order_by(Event.event_time.desc(), Event.id.desc())
        .limit(SHOWN)
    ).all()
    return [
        Movement(
            event.id,
            event.event_time,
            event.biz_step or "",
            issuer,
            to,
            None if quantity is None else Amount(quantity, unit or ""),
        )
        for event, quantity, unit, issuer, to in rows
    ]


def owner_holds(thing: Thing) -> list[Amount]:
    """What the maker says to have of it still: nothing where all was destroyed or has left."""
    rows = db.session.execute(
        select(Holding.quantity, Holding.unit)
        .where(Holding.thing_id == thing.id, Holding.holder_id == thing.owner_id)
        .order_by(Holding.unit)
    )
    return [Amount(quantity, unit) for quantity, unit in rows if quantity > 0]
