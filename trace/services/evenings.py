"""What an evening's printing holds: what an organisation recorded on a day, in parts that a page
can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import Select, func, or_, select

from trace.extensions import db
from trace.models import Event, EventKey, EventThing, LogEntry, Thing
from trace.services.actors import Actor
from trace.services.capture.prepare import event_key_digest
from trace.services.log_times import first_index_at, row_after, row_before
from trace.services.records import LOCAL_ZONE
from trace.services.sets import among
from trace.services.timelines import Line, read_events

PART: Final = 300  # lines of a part: some twenty sheets of paper
LOTS: Final = 40
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Evening:
    """One part of what was recorded on a day and stands: diary lines by whose they are, and what
    was shipped; in the first part also the first lots, of `lots_made` altogether."""

    day: date
    part: int  # from 1
    parts: int
    lots: list[Thing]
    lots_made: int
    diary: dict[str, list[Line]]
    shipped: list[Line]

    @property
    def empty(self) -> bool:
        """Whether nothing was recorded."""
        return not (self.lots_made or self.diary or self.shipped)


def evening_of(actor: Actor, day: date, part: int = 1) -> Evening:
    """What the organisation recorded on a local day, whenever it happened, in the order it was
    recorded: the first PART lines, the next, and so on (the last part where there are fewer). What
    was declared an error counts in its part and is not shown: parts stay what they are, whatever is
    corrected between two that are printed."""
    actor.check("read")
    start = datetime.combine(day, time(), LOCAL_ZONE).astimezone(UTC)
    mine = actor.organisation.id
    ids = db.session.scalars(_written(mine, start, start + DAY)).all()
    parts = max(1, -(-len(ids) // PART))
    part = min(max(part, 1), parts)
    diary: dict[str, list[Line]] = {}
    shipped = []
    lines = _standing(mine, read_events(actor, ids[(part - 1) * PART : part * PART]))
    for line in sorted(lines, key=lambda line: (line.event_time, line.event_id)):
        if line.step == "shipping":
            shipped.append(line)
        else:
            diary.setdefault(str(line.document.get("trace:performedBy", "")), []).append(line)
    made = select(Thing).where(
        Thing.kind.in_(("lot", "logistic")),
        Thing.owner_id == mine,
        Thing.created_at >= start,
        Thing.created_at < start + DAY,
    )
    return Evening(
        day,
        part,
        parts,
        list(db.session.scalars(made.order_by(Thing.id).limit(LOTS))) if part == 1 else [],
        db.session.scalar(select(func.count()).select_from(made.subquery())) or 0,
        dict(sorted(diary.items())),
        shipped,
    )


def _standing(mine: int, lines: Sequence[Line]) -> list[Line]:
    """Those of its own lines that the organisation did not declare to be in error, whichever of the
    two came first; nor the declarations."""
    keys = [event_key_digest(str(line.document.get("eventID", ""))) for line in lines]
    declared = set(
        db.session.scalars(
            select(EventKey.event_key).where(
                EventKey.issuer_id == mine,
                EventKey.error_declaration.is_(True),
                among(EventKey.event_key, sorted(set(keys))),
            )
        )
    )
    found = zip(keys, lines, strict=True)
    return [line for key, line in found if key not in declared and line.stands]


def _written(mine: int, start: datetime, end: datetime) -> Select[int]:
    """The rows of what was recorded between two moments and is written on paper (a program may
    record thousands of other events in a day)."""
    of_a_cycle = (
        select(EventThing.event_id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(EventThing.event_id == Event.id, Thing.kind == "cycle")
        .exists()
    )
    # Where the log stood tells who was recorded that day; the rows' numbers only who may have been.
    after, before = row_before(start), row_after(end)
    return (
        select(Event.id)
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(
            Event.issuer_id == mine,
            *([] if after is None else [Event.id > after]),
            *([] if before is None else [Event.id < before]),
            LogEntry.index >= first_index_at(start),
            LogEntry.index < first_index_at(end),
            or_(Event.biz_step == "shipping", of_a_cycle),
        )
        .order_by(Event.id)
    )
