"""Where the log stood at a moment, and which rows of events that means: entries are in order of
record time, and rows of events are numbered nearly in that order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, select

from trace.extensions import db
from trace.models import LogEntry

# From the moment a capture calls its own to the numbering of its rows, amply.
LONGEST_CAPTURE: Final = timedelta(hours=1)
EVEN_TRIES: Final = 3  # what was recorded evenly is found by then
NEAR: Final = 512  # entries of the log more or less cost nothing beside another look-up


def first_index_at(moment: datetime, *, near: int = 0) -> int:
    """The place of the first entry recorded at or after `moment`, the log's size where there is
    none yet; or a place at most `near` before it. Looks first where it were if times grew evenly,
    then halves what is left."""
    newest = db.session.execute(_NEWEST).one_or_none()
    oldest = db.session.execute(_FROM, {"index": 0}).one_or_none()
    if newest is None or oldest is None:
        return 0
    first, last = _time_of(oldest), _time_of(newest)
    # Entries below low lie before the moment, those from high on do not.
    low, high = 0, int(newest.place) + 1
    if last < moment:
        return high
    tries = 0
    while high - low > near:
        steps = [(low + high) // 2]
        if tries < EVEN_TRIES and first < moment < last:
            guess = low + int((moment - first) / (last - first) * (high - low))
            steps = [guess - NEAR // 2, guess + NEAR // 2]
        tries += 1
        for step in steps:
            if low == high:
                break
            middle = min(max(step, low), high - 1)
            row = db.session.execute(_FROM, {"index": middle}).one_or_none()
            told = last if row is None else _time_of(row)
            if told >= moment:
                high, last = middle, told
            else:
                low, first = middle + 1, told
    return low


def _time_of(row: Any) -> datetime:
    return datetime.fromisoformat(orjson.loads(row.entry)["t"])


def id_before(index: int) -> int | None:
    """A row up to which no event stands in the log behind `index`: two captures at once may number
    their rows in one order and enter them in the other, but not an hour apart."""
    row = db.session.execute(_FROM, {"index": index}).one_or_none()
    if row is None or row.place != index:
        return None
    return row_before(_time_of(row))


def row_before(moment: datetime) -> int | None:
    """A row up to which every event was recorded before `moment`, though not the last such row;
    None where nothing can be said. Raises OverflowError at the beginning of time."""
    index = first_index_at(moment - LONGEST_CAPTURE, near=NEAR)
    row = db.session.execute(_EVENT_BEFORE, {"index": index}).one_or_none()
    return None if row is None else int(row.event_id)


def row_after(moment: datetime) -> int | None:
    """A row from which on every event was recorded after `moment`, though not the first such row;
    None where there is none yet."""
    index = first_index_at(moment + LONGEST_CAPTURE)
    row = db.session.execute(_EVENT_FROM, {"index": index}).one_or_none()
    return None if row is None else int(row.event_id)


def log_size() -> int:
    """One more than the place of the newest entry."""
    newest = db.session.execute(_NEWEST).one_or_none()
    return 0 if newest is None else int(newest.place) + 1


_PLACE: Final = select(LogEntry.index.label("place"), LogEntry.entry).limit(1)
_NEWEST: Final = _PLACE.order_by(LogEntry.index.desc())
_FROM: Final = _PLACE.where(LogEntry.index >= bindparam("index")).order_by(LogEntry.index)
_EVENT: Final = select(LogEntry.event_id).where(LogEntry.event_id.is_not(None)).limit(1)
_EVENT_BEFORE: Final = _EVENT.where(LogEntry.index < bindparam("index")).order_by(
    LogEntry.index.desc()
)
_EVENT_FROM: Final = _EVENT.where(LogEntry.index >= bindparam("index")).order_by(LogEntry.index)
