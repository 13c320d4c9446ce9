"""Undoing an import: events are declared void, unused catalogue rows removed, households put out of
use. What something was built on stays:

- an event whose lot or planting another event that stands speaks of (of the import itself: none),
  whose lot got a label, or whose shipment the other side answered
- a place or product that anything names
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import aliased

from trace.errors import Conflict
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
from trace.services import approvals
from trace.services.actors import Actor
from trace.services.approvals import ApprovalExpired
from trace.services.bulk import execute_many
from trace.services.capture import Sheaf
from trace.services.capture.prepare import urn_of
from trace.services.imports import UNDONE_KIND, note, rows_of, stop, take
from trace.services.records import declare_error
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.timelines import open_event

_OUTPUT = ROLES.index("output")
Made = dict[int, int]  # row of the sheet -> row made of it


class BuiltOnMeanwhile(Conflict):
    code = "built-on-meanwhile"
    message = "Somebody used what this file made at this very moment."
    next_step = "Try again."


def made_rows(row: Import, after: int, limit: int) -> Made:
    """The next rows of which something was made, in the sheet's order."""
    return {
        one.number: one.record_id
        for one in rows_of(row, "made", limit=limit, after=after)
        if one.record_id is not None
    }


# -- events ----------------------------------------------------------------------------------------


def sign_voids(sheaf: Sheaf, made: Made) -> set[int]:
    """Signs the voids of what these rows made; the numbers of those that stay."""
    ids = list(made.values())
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
    sheaf.add(
        [
            declare_error(
                open_event(one)[0],
                urn_of(one.statement_id),
                id_base=id_base,
                at=sheaf.at,
                reason="incorrect_data",
            )
            for one in (events[event_id] for event_id in ids)
            if one.id not in kept and one.statement_id not in voided
        ]
    )
    return {number for number, event_id in made.items() if event_id in kept}


def write_voids(actor: Actor, row: Import, sheaf: Sheaf, made: Made, kept: set[int]) -> bool:
    """Records the voids, or keeps them for their approval; False where another worker did. Raises
    BuiltOnMeanwhile and what `Sheaf.record` raises."""
    import_id = row.id
    if approvals.is_demanded(actor) and len(sheaf):
        if not take(import_id, "undoing", "waiting"):
            return False
        then = (UNDONE_KIND, {"import": row.public_id, "kept": sorted(kept)})
        key = f"import-undo:{row.public_id}"
        waiting = approvals.hold(actor, sheaf, idempotency_key=key, at=sheaf.at, then=then)
        mapping = {**orjson.loads(row.mapping), "approval": waiting.id}
        note(import_id, mapping=orjson.dumps(mapping).decode())
        return True
    if not take(import_id, "undoing", "undone"):
        return False
    if {number for number, one in made.items() if one in built_on(list(made.values()))} - kept:
        raise BuiltOnMeanwhile
    if len(sheaf):
        sheaf.record()
    _undone(import_id, made, kept, sheaf.at)
    return True


def settle(
    row: Import, events: Sequence[int], kept: Sequence[int], *, expired: bool, at: datetime
) -> None:
    """After the approval of the voids was given, refused or awaited in vain."""
    if row.state != "waiting":
        return
    if not events:
        stop(row.id, ApprovalExpired() if expired else None, state="done", done=row.good)
        return
    _undone(row.id, made_rows(row, 0, 0), set(kept), at)


def _undone(import_id: int, made: Made, kept: set[int], at: datetime) -> None:
    execute_many(
        "UPDATE import_rows SET state = ? WHERE import_id = ? AND number = ?",
        [("kept" if number in kept else "undone", import_id, number) for number in made],
    )
    note(import_id, state="undone", done=len(made) - len(kept), finished_at=at)


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


def undo_catalogue(row: Import, *, at: datetime) -> bool:
    """Takes the rows of a catalogue back; False where another worker did."""
    if not take(row.id, "undoing", "undone"):
        return False
    made = made_rows(row, 0, 0)
    used = _undo_masters(row.kind, sorted(made.values()))
    _undone(row.id, made, {number for number, one in made.items() if one in used}, at)
    return True


def _undo_masters(kind: str, ids: Sequence[int]) -> set[int]:
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
    """Those that a row of any table refers to; what goes with them is no use of them."""
    target: Any = model.__table__
    found: set[int] = set()
    for table in Model.metadata.tables.values():
        for column in table.columns:
            # What goes with a row (its codes) does not keep it.
            if any(
                key.column.table is target and key.ondelete != "CASCADE"
                for key in column.foreign_keys
            ):
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
