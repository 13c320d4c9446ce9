"""What is said in a case, as signed events: an authority's, private until the case is concluded.

1. Everything is an ObjectEvent (`inspecting`, a sample taken `sampling`) about the things the case
   is about, or about the organisation where there are none. The office signs, whoever typed.
2. All members but those that are always in the clear are withheld from the public, the things with
   them (`visibility`): the event joins no public page, and the log shows what it shows of any other
   entry.
3. The conclusion alone is public: of which day, how it ended, how many findings of each severity.
   Beside the goods it is about, whom it concerns is withheld: who trades with whom is nobody's
   business.
4. Where whoever wrote it stood (`trace:position`) is never public.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from trace.errors import Refused, TraceError
from trace.extensions import db
from trace.models import Event, InspectionEvent, Organisation, Thing
from trace.services.actors import Actor
from trace.services.batches import item_of, organisation_address
from trace.services.capture import CapturedEvent, capture
from trace.services.records import Draw, Item, JsonObject, Record, observed
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.timelines import open_event

CASE: Final = "trace:inspection"
INSPECTED: Final = "trace:inspected"
POSITION: Final = "trace:position"
# The fields of our forms that a refused member came from.
_FIELDS: Final = {
    "trace:note": "note",
    "trace:finding": "words",
    "trace:checkList": "note",
    "trace:sample": "seal",
    "trace:results": "findings-0-substance",
}


@dataclass(frozen=True, slots=True)
class Said:
    """The circumstances of one saying: when it happened, the draw of the form, photos, a remark,
    and where whoever wrote it stood (latitude, longitude)."""

    when: datetime
    draw: Draw
    note: str = ""
    photos: tuple[JsonObject, ...] = ()
    position: tuple[float, float] | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Of:
    """Of which case, finding or sample something was said: their rows."""

    inspection: int | None
    finding: int | None = None
    sample: int | None = None


def office(actor: Actor) -> Actor:
    """The office signs what its people write."""
    return Actor(actor.organisation, actor.person, "admin")


def build(
    said: Said,
    case: Mapping[str, Any],
    concerned: Organisation,
    things: Sequence[Thing],
    parts: Mapping[str, Any],
    *,
    step: str = "inspecting",
) -> JsonObject:
    """The event of one saying."""
    record = Record(
        id_base=current_settings().id_base,
        event_id=said.draw.event_id(),
        event_time=said.when,
        place=said.place,
        note=said.note,
        attachments=said.photos,
    )
    about = organisation_address(concerned)
    items = [item_of(thing) for thing in things] or [Item(about, single=True)]
    told: JsonObject = {CASE: dict(case), INSPECTED: about, **parts}
    if said.position is not None:
        told[POSITION] = {"latitude": said.position[0], "longitude": said.position[1]}
    return observed(record, step, items, parts=told)


def sign(
    actor: Actor,
    event: JsonObject,
    part: str,
    *,
    at: datetime,
    of: Of,
    along: Sequence[JsonObject] = (),
) -> CapturedEvent:
    """Captures an event as the authority and notes whose it is; events `along` go before it in one
    act (an error declared). What of it is public: `visibility.private_members`."""
    try:
        captured = capture(office(actor), [*along, event], at=at)
    except Refused as refused:
        raise Refused([_named(error) for error in refused.errors]) from None
    made = captured.events[-1]
    note_event(made.event_id, part, actor, of, at=at)
    return made


def note_event(event_id: int, part: str, actor: Actor, of: Of, *, at: datetime) -> None:
    """The row that finds an event of a case."""
    db.session.add(
        InspectionEvent(
            inspection_id=of.inspection,
            finding_id=of.finding,
            sample_id=of.sample,
            event_id=event_id,
            part=part,
            person_id=actor.person.id if actor.person else None,
            at=at,
        )
    )
    db.session.flush()


def _named(error: TraceError) -> TraceError:
    """The error at the field of the form that it came from."""
    member = next((name for name in _FIELDS if name in error.path), "")
    error.path = _FIELDS.get(member, error.path)
    return error


@dataclass(frozen=True, slots=True)
class Told:
    """One thing said in a case, opened whole."""

    row: InspectionEvent
    event: Event
    document: JsonObject
    issuer: Organisation

    @property
    def part(self) -> str:
        return self.row.part

    @property
    def photos(self) -> list[str]:
        """Digests of what was attached, those of single questions too."""
        attached = self.document.get("trace:attachments") or ()
        found = [str(one.get("digest", "")) for one in attached if isinstance(one, dict)]
        return [one for one in dict.fromkeys(found) if one]

    @property
    def stands(self) -> bool:
        return self.row.part != "declared"

    @property
    def position(self) -> tuple[float, float] | None:
        """Where whoever wrote it stood."""
        where = self.document.get(POSITION)
        if not isinstance(where, dict):
            return None
        return float(where["latitude"]), float(where["longitude"])


def told_of(
    *,
    inspection_id: int | None = None,
    finding_ids: Collection[int] = (),
    sample_ids: Collection[int] = (),
) -> list[Told]:
    """What was said of a case, or of findings, or of samples, in order. One query."""
    query = (
        select(InspectionEvent, Event, Organisation)
        .join(Event, Event.id == InspectionEvent.event_id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .order_by(InspectionEvent.id)
    )
    if inspection_id is not None:
        query = query.where(InspectionEvent.inspection_id == inspection_id)
    if finding_ids:
        query = query.where(among(InspectionEvent.finding_id, sorted(finding_ids)))
    if sample_ids:
        query = query.where(among(InspectionEvent.sample_id, sorted(sample_ids)))
    found = []
    for row, event, issuer in db.session.execute(query):
        document, _ = open_event(event)
        found.append(Told(row, event, document, issuer))
    return found
