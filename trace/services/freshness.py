"""Pages that tell of an organisation, a product, a place or a certificate are built anew when that
changes.

The newest pages that name it are marked at once, in the same transaction; all of them, and what
lies downstream of them, by a job in parts: who changes the name of a large co-operative waits for
no walk over everything that it ever said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import ColumnElement

from trace.extensions import db
from trace.models import Certificate, Event, EventThing, Job, Organisation, Place, Product, Thing
from trace.services.descent import descendants
from trace.services.histories import contents
from trace.services.jobs import argument_of, enqueue
from trace.services.passports import mark_stale
from trace.services.sets import among
from trace.services.successors import named_beside

KIND: Final = "stale-pages"
AT_ONCE: Final = 1_000  # newest things, and newest events, in the request that changes something
SERIES: Final = timedelta(minutes=1)
PART: Final = 5_000  # things or events that the job reads at a time
# Events by place have no index of their own (it would cost every event); read in order they come
# quickly, and most are of other places.
PART_BY_PLACE: Final = 20_000


def organisation_changed(organisation: Organisation, *, at: datetime) -> None:
    """Its name, address, confirmation, certificates, the codes of its households: everything it
    made or spoke of, what those made whom it goes on for, and what those made whose certificates
    it confirmed."""
    newest = _newest_named(Event.issuer_id == organisation.id)
    for owner in (organisation.id, *sorted(named_beside(organisation.id))):
        newest += _newest_things(Thing.owner_id == owner)
    mark_stale(newest)
    enqueue(KIND, {"organisation": organisation.id}, at=at)


def household_registered(organisation: Organisation, *, at: datetime) -> None:
    """Pages that named its code before say it from now on. A job for a whole series of them, soon:
    a program registers hundreds one by one, and of most nothing was said yet."""
    of = {"organisation": organisation.id}
    waiting = select(Job.id).where(
        Job.state == "queued",
        Job.run_after > at + SERIES / 2,
        Job.kind == KIND,
        Job.argument == argument_of(of),
    )
    if db.session.scalar(waiting.limit(1)) is None:
        enqueue(KIND, of, at=at, due=at + SERIES)


def product_changed(product: Product, *, at: datetime) -> None:
    """Its names or picture: every lot and unit of it."""
    mark_stale(_newest_things(Thing.product_id == product.id))
    enqueue(KIND, {"product": product.id}, at=at)


def place_changed(place: Place, *, at: datetime) -> None:
    """Its name, or whether it is public: everything that was ever there."""
    mark_stale(_newest_named(Event.issuer_id == place.organisation_id, of=_at(place.identity)))
    enqueue(KIND, {"place": place.identity}, at=at)


def named_by(subject: str, key: int | str) -> Iterator[list[int]]:
    """The things whose pages tell of an "organisation" or "product" (its row) or a "place" (its
    identity), newest first, in parts."""
    if subject == "product":
        yield from _things(Thing.product_id == key)
    elif subject == "organisation":
        yield from _things(Thing.owner_id == key)
        yield from _said_by(int(key))
        for holder in sorted(named_beside(int(key)).union(_confirmed_by(int(key)))):
            yield from _things(Thing.owner_id == holder)
    elif subject == "place":
        yield from _named_at(str(key))
    else:
        raise ValueError(subject)


def mark_downstream(things: Collection[int]) -> int:
    """Marks stale what tells of these things from afar: what was made of them, what holds them, and
    what was made of the load of a box among them, however deep. Returns how many; the caller
    commits."""
    loads = contents(db.session.connection(), things)
    reached = descendants(dict.fromkeys((*things, *sorted(loads)), False))
    mark_stale(sorted(reached))
    return len(reached)


def _newest_things(which: ColumnElement[bool]) -> list[int]:
    return _ids(Thing.id, which, limit=AT_ONCE)


def _newest_named(
    which: ColumnElement[bool], *, of: ColumnElement[bool] | None = None
) -> list[int]:
    return _named(_ids(Event.id, which, limit=AT_ONCE), of)


def _things(which: ColumnElement[bool]) -> Iterator[list[int]]:
    below: int | None = None
    while found := _ids(Thing.id, which, limit=PART, below=below):
        yield found
        below = found[-1]


def _said_by(organisation: int) -> Iterator[list[int]]:
    below: int | None = None
    while found := _ids(Event.id, Event.issuer_id == organisation, limit=PART, below=below):
        yield _named(found)
        below = found[-1]


def _confirmed_by(certifier: int) -> list[int]:
    """The holders of the certificates that it confirmed."""
    query = select(Certificate.organisation_id).where(Certificate.confirmed_by_id == certifier)
    return list(db.session.scalars(query.distinct()))


def _named_at(identity: str) -> Iterator[list[int]]:
    top = db.session.scalar(select(func.max(Event.id))) or 0
    for below in range(top + 1, 0, -PART_BY_PLACE):
        span = Event.id.between(below - PART_BY_PLACE, below - 1)
        if found := _ids(Event.id, span & _at(identity), limit=PART_BY_PLACE):
            yield _named(found)


def _at(identity: str) -> ColumnElement[bool]:
    return or_(Event.read_point == identity, Event.biz_location == identity)


def _ids(
    key: InstrumentedAttribute[int],
    which: ColumnElement[bool],
    *,
    limit: int,
    below: int | None = None,
) -> list[int]:
    query = select(key).where(which).order_by(key.desc()).limit(limit)
    return list(db.session.scalars(query if below is None else query.where(key < below)))


def _named(events: Collection[int], of: ColumnElement[bool] | None = None) -> list[int]:
    query = select(EventThing.thing_id).where(among(EventThing.event_id, sorted(events))).distinct()
    if of is not None:
        query = query.join(Event, Event.id == EventThing.event_id).where(of)
    return list(db.session.scalars(query))
