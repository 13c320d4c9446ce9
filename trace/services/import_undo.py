"""Undoing an import: events are declared void, unused catalogue rows removed, households put out of
use. What something was built on stays:

- an event whose lot or planting another event that stands speaks of (of the import itself: none),
  whose lot got a label, or whose shipment the other side answered
- a place or product that anything names
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import aliased

from trace.extensions import Model, db
from trace.models import (
    Event,
    EventThing,
    Handover,
    Holding,
    Household,
    Import,
    Place,
    Product,
    Thing,
)
from trace.models.events import ROLES
from trace.services.actors import Actor
from trace.services.bulk import execute_many
from trace.services.capture import capture
from trace.services.capture.prepare import urn_of
from trace.services.imports import MASTERS, count_rows, rows_of
from trace.services.records import declare_error
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.timelines import open_event

WINDOW = 300
_OUTPUT = ROLES.index("output")


def undo_rows(
    actor: Actor, row: Import, *, at: datetime, beat: Callable[[], None]
) -> dict[str, int]:
    """Undoes every row that was made, in windows; commits each."""
    after = 0
    while window := rows_of(row, "made", limit=WINDOW, after=after):
        after = window[-1].number
        made = {one.number: one.record_id for one in window if one.record_id is not None}
        if row.kind in MASTERS:
            kept = _undo_masters(row.kind, made)
        else:
            kept = _undo_events(actor, row, made, at=at)
        _mark(row.id, made, kept)
        beat()
        db.session.commit()
    counts = count_rows(row)
    row.state, row.finished_at = "undone", at
    db.session.commit()
    return {"undone": counts.get("undone", 0), "kept": counts.get("kept", 0)}


def _mark(import_id: int, made: dict[int, int], kept: Collection[int]) -> None:
    execute_many(
        "UPDATE import_rows SET state = ? WHERE import_id = ? AND number = ?",
        [
            ("kept" if record in kept else "undone", import_id, number)
            for number, record in made.items()
        ],
    )
    db.session.execute(
        update(Import).where(Import.id == import_id).values(done=Import.done + len(made))
    )


# -- events ----------------------------------------------------------------------------------------


def _undo_events(actor: Actor, row: Import, made: dict[int, int], *, at: datetime) -> set[int]:
    numbers, public_id = sorted(made), row.public_id
    ids = [made[number] for number in numbers]
    kept = built_on(ids)
    events = {one.id: one for one in db.session.scalars(select(Event).where(among(Event.id, ids)))}
    voided = set(
        db.session.scalars(
            select(Event.corrects).where(
                Event.corrects.in_([one.statement_id for one in events.values()])
            )
        )
    )
    id_base = current_settings().id_base
    declared = [
        declare_error(
            open_event(one)[0],
            urn_of(one.statement_id),
            id_base=id_base,
            at=at,
            reason="incorrect_data",
        )
        for one in (events[event_id] for event_id in ids)
        if one.id not in kept and one.statement_id not in voided
    ]
    if declared:
        key = f"import-undo:{public_id}:{numbers[0]}:{numbers[-1]}"
        capture(actor, declared, at=at, idempotency_key=key)
    return kept


def built_on(ids: Sequence[int]) -> set[int]:
    """Those of these events on which something stands: see the module's text."""
    makes, other = aliased(EventThing), aliased(EventThing)
    maker, follower, voids = aliased(Event), aliased(Event), aliased(Event)
    stands = ~select(voids.id).where(voids.corrects == follower.statement_id).exists()
    made_here = or_(makes.role == _OUTPUT, maker.action == "ADD")
    followed = (
        select(makes.event_id)
        .join(maker, maker.id == makes.event_id)
        .join(other, other.thing_id == makes.thing_id)
        .join(follower, follower.id == other.event_id)
        .where(
            among(makes.event_id, ids),
            made_here,
            other.event_id != makes.event_id,
            follower.corrects.is_(None),
            stands,
        )
    )
    labelled = (
        select(makes.event_id)
        .join(maker, maker.id == makes.event_id)
        .join(Thing, Thing.id == makes.thing_id)
        .where(among(makes.event_id, ids), made_here, Thing.labelled_at.is_not(None))
    )
    answered = select(Handover.event_id).where(
        among(Handover.event_id, ids), Handover.answered_by.is_not(None)
    )
    return {
        found for query in (followed, labelled, answered) for found in db.session.scalars(query)
    }


# -- catalogues ------------------------------------------------------------------------------------


def _undo_masters(kind: str, made: dict[int, int]) -> set[int]:
    ids = sorted(made.values())
    if kind == "households":
        db.session.execute(
            update(Household)
            .where(among(Household.id, ids))
            .values(active=False, version=Household.version + 1)
        )
        return set()
    model: type[Place] | type[Product] = Place if kind == "places" else Product
    used = _used(model, ids)
    if model is Place:
        used |= _places_named(ids)
    db.session.execute(delete(model).where(among(model.id, sorted(set(ids) - used))))
    return used


def _used(model: type[Model], ids: Sequence[int]) -> set[int]:
    """Those that a row of any table refers to."""
    target: Any = model.__table__
    found: set[int] = set()
    for table in Model.metadata.tables.values():
        for column in table.columns:
            if any(key.column.table is target for key in column.foreign_keys):
                found |= set(
                    db.session.scalars(select(column).where(among(column, ids)).distinct())
                )
    return found


def _places_named(ids: Sequence[int]) -> set[int]:
    named = or_(
        select(Event.id).where(Event.read_point == Place.identity).exists(),
        select(Event.id).where(Event.biz_location == Place.identity).exists(),
        select(Holding.thing_id).where(Holding.place == Place.identity).exists(),
    )
    return set(db.session.scalars(select(Place.id).where(among(Place.id, ids), named)))
