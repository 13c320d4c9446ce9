"""Labels of a lot or crate: the same one many times, or a number each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from trace.core.labels import Label
from trace.models import Job, LabelRange, Thing
from trace.services.actors import Actor
from trace.services.batches import (
    LotFacts,
    identity_of,
    item_of,
    organisation_address,
    product_of,
)
from trace.services.label_sheets import ask_for_sheet
from trace.services.labels import Sheet, crate_label, issue_labels, label_of
from trace.services.records import Draw, JsonObject, Record
from trace.services.settings import current_settings
from trace.services.stamps import binding_event
from trace.services.units import Stretch, issue


def label_for(
    actor: Actor, thing: Thing, facts: LotFacts, weight: str, *, gs1: bool = False
) -> Label:
    """What the label says; a crate's tells what lies in it, its weight unless one was typed."""
    if thing.kind != "logistic":
        return label_of(thing, facts, net_weight=weight, gs1=gs1)
    made = crate_label(actor, thing)
    return replace(made, weight=weight) if weight else made


def at_the_desk(actor: Actor, draw: Draw, at: datetime) -> Record:
    """Circumstances of an act at the desk: now, by this organisation."""
    return Record(
        id_base=current_settings().id_base,
        event_id=draw.event_id(),
        event_time=at,
        recorded_by=organisation_address(actor.organisation),
    )


def copies(actor: Actor, thing: Thing, sheet: Sheet, reason: str, *, at: datetime) -> Job:
    """The same label many times, drawn by a job."""
    job = ask_for_sheet(actor, sheet, at=at)
    issue_labels(actor, thing, sheet, at=at, reason=reason, job=job.public_id)
    return job


def number_labels(actor: Actor, thing: Thing, count: int, *, at: datetime) -> LabelRange:
    """New serials for a lot. Raises NotAllowed, and what `issue` raises."""
    return issue(
        actor,
        count,
        at=at,
        product=product_of(thing),
        lot=thing,
        lot_identity=identity_of(thing),
    )


def numbered(
    actor: Actor,
    thing: Thing,
    sheet: Sheet,
    roll: LabelRange,
    base: Record,
    reason: str,
) -> tuple[Job, list[JsonObject]]:
    """A sheet of the roll, and the event that binds its serials to the lot before anything is
    drawn. `base.event_time` is when."""
    at = base.event_time
    job = ask_for_sheet(actor, sheet, at=at)
    issue_labels(
        actor, thing, sheet, at=at, kind="new", reason=reason, job=job.public_id, bound=True
    )
    return job, [binding_event(base, item_of(thing), Stretch(roll, 1, roll.count))]
