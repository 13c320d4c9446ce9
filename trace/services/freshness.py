"""Pages that tell of an organisation, a product, a place or a certificate are built anew when that
changes. What is named directly is marked at once, in the same transaction; what lies downstream of
it by a job, as after a capture."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.sql import Select

from trace.extensions import db
from trace.models import Event, EventThing, Organisation, Place, Product, Thing
from trace.services.descent import descendants
from trace.services.histories import contents
from trace.services.jobs import enqueue
from trace.services.passports import mark_stale

# A job's argument stays readable; a larger organisation takes several jobs.
JOB_SIZE = 5000


def organisation_changed(organisation: Organisation, *, at: datetime) -> None:
    """Its name, address, confirmation, certificates: everything it made or spoke of."""
    spoke_of = (
        select(EventThing.thing_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(Event.issuer_id == organisation.id)
    )
    _mark(
        select(Thing.id).where(or_(Thing.owner_id == organisation.id, Thing.id.in_(spoke_of))), at
    )


def product_changed(product: Product, *, at: datetime) -> None:
    """Its names or picture: every lot and unit of it."""
    _mark(select(Thing.id).where(Thing.product_id == product.id), at)


def place_changed(place: Place, *, at: datetime) -> None:
    """Its name, or whether it is public: everything that was ever there."""
    _mark(
        select(EventThing.thing_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(or_(Event.read_point == place.identity, Event.biz_location == place.identity))
        .distinct(),
        at,
    )


def mark_downstream(things: Collection[int]) -> int:
    """Marks stale what tells of these things from afar: what was made of them, what holds them, and
    what was made of the load of a box among them, however deep. Returns how many; the caller
    commits."""
    loads = contents(db.session.connection(), things)
    reached = descendants(dict.fromkeys((*things, *sorted(loads)), False))
    mark_stale(sorted(reached))
    return len(reached)


def _mark(things: Select[int], at: datetime) -> None:
    named = sorted(set(db.session.scalars(things)))
    if not named:
        return
    mark_stale(named)
    for start in range(0, len(named), JOB_SIZE):
        enqueue("stale-descendants", {"things": named[start : start + JOB_SIZE]}, at=at)
