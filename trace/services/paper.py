"""Pages for those who write on paper: a page per planting, a sheet of consent per household, and
what an evening's printing holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import or_, select

from trace.core.gs1 import Identity, canonical_uri, check_code
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Event, EventThing, LogEntry, Place, Thing
from trace.services.actors import Actor
from trace.services.diary import Input, diary_entry
from trace.services.records import LOCAL_ZONE, Draw, JsonObject, Record
from trace.services.settings import current_settings
from trace.services.timelines import Line, get_thing, read_events

# Lines of a hand-written page: as many as an A4 page holds in large handwriting.
RULED_LINES: Final = 14
EVENING_LIMIT: Final = 2000


def get_cycle(actor: Actor, code: str) -> Thing:
    """The cycle with this printed code that the organisation may see. Raises NotFound."""
    try:
        found = check_code(code)
    except TraceError:
        raise NotFound from None
    identity = canonical_uri(Identity("c", found), current_settings().id_base)
    thing_id = db.session.scalar(select(Thing.id).where(Thing.identity == identity))
    if thing_id is None:
        raise NotFound
    return get_thing(actor, thing_id, "cycle")


def typing_address(thing: Thing) -> str:
    """Where the code on a paper page leads whoever types it in."""
    code = thing.identity.rpartition("/")[2]
    return f"{current_settings().public_url.rstrip('/')}/producer/paper/{code}"


def typed_lines(
    record: Record, cycle: str, lines: Sequence[dict[str, Any]], draw: Draw
) -> list[JsonObject]:
    """One diary entry a line of the page, each at its own time."""
    found = []
    for line in lines:
        own = replace(
            record, event_id=draw.event_id(), event_time=line["when"], note=line.get("note") or ""
        )
        used = []
        if line.get("name"):
            used.append(
                Input(
                    line["name"],
                    line.get("amount"),
                    line.get("unit") or "kg",
                    interval_days=line.get("interval_days"),
                )
            )
        found.append(diary_entry(own, cycle, line["step"], inputs=used))
    return found


# -- an evening ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evening:
    """What was recorded on a day: lots that came into being, diary lines by whose they are, and
    what was shipped."""

    day: date
    lots: list[Thing]
    diary: dict[str, list[Line]]
    shipped: list[Line]

    @property
    def empty(self) -> bool:
        """Whether nothing was recorded."""
        return not (self.lots or self.diary or self.shipped)


def evening_of(actor: Actor, day: date) -> Evening:
    """What the organisation recorded on a local day, whenever it happened."""
    actor.check("read")
    start = datetime.combine(day, time(), LOCAL_ZONE).astimezone(UTC)
    end = start + timedelta(days=1)
    mine = actor.organisation.id
    # Events carry no column of record time; a day's events happened within the day before it or
    # are found by their entry's time below. Ids rise with time, so the newest are enough, of those
    # that are written on paper: a program may record thousands of others in a day.
    of_a_cycle = (
        select(EventThing.event_id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(EventThing.event_id == Event.id, Thing.kind == "cycle")
        .exists()
    )
    ids = db.session.scalars(
        select(Event.id)
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(
            Event.issuer_id == mine,
            Event.event_time > start - timedelta(days=60),
            or_(Event.biz_step == "shipping", of_a_cycle),
        )
        .order_by(Event.id.desc())
        .limit(EVENING_LIMIT)
    ).all()
    lines = [
        line
        for line in read_events(actor, ids)
        if line.stands and line.record_time is not None and start <= line.record_time < end
    ]
    lots = list(
        db.session.scalars(
            select(Thing)
            .where(
                Thing.kind.in_(("lot", "logistic")),
                Thing.owner_id == mine,
                Thing.created_at >= start,
                Thing.created_at < end,
            )
            .order_by(Thing.id)
        )
    )
    diary: dict[str, list[Line]] = {}
    shipped = []
    for line in sorted(lines, key=lambda line: (line.event_time, line.event_id)):
        if line.step == "shipping":
            shipped.append(line)
        elif any(named.thing.kind == "cycle" for named in line.things):
            diary.setdefault(str(line.document.get("trace:performedBy", "")), []).append(line)
    return Evening(day, lots, dict(sorted(diary.items())), shipped)


def plots_of(actor: Actor) -> dict[int, list[Place]]:
    """The places of each household, by the household's row."""
    actor.check("read")
    rows = db.session.scalars(
        select(Place)
        .where(Place.organisation_id == actor.organisation.id, Place.household_id.is_not(None))
        .order_by(Place.name)
    )
    found: dict[int, list[Place]] = {}
    for row in rows:
        found.setdefault(row.household_id or 0, []).append(row)
    return found
