"""Sums of what was recorded, kept up to date along the log.

Rules.
1. What stands is counted: a statement that its issuer declared to be in error counts no more, nor
   does the declaration. It counts on the day on which it happened, in Viet Nam, whenever it came.
2. Measures: `events`; `late`, those recorded more than three days after they happened; `lots`, lots
   said to have been made (one statement about two lots counts two); `recalls`, notices of recall;
   `scans`, of codes, where they were scanned.
3. Each counts for its issuer, and for the ward, the province and the country in which the issuer
   sits now: who moves takes its past along.
4. `fold` goes on from where it stopped, in the order of the log. What it counts and how far it came
   are written in one transaction, and two workers never count the same: it may be killed anywhere.
5. Scans are sums already: the days that are not over are summed anew each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, cast, delete, func, or_, select, update
from sqlalchemy.orm import aliased

from trace.core.epcis.parts import read_time
from trace.core.history import LATE_AFTER
from trace.extensions import db
from trace.models import (
    AreaSum,
    CountedOrganisation,
    Event,
    EventThing,
    FiguresState,
    LogEntry,
    LogState,
    Organisation,
    OrganisationSum,
    ScanCount,
    Thing,
)
from trace.models.events import ROLES
from trace.models.figures import MEASURES
from trace.models.types import to_millis
from trace.services.bulk import insert_rows
from trace.services.deadlines import LOCAL
from trace.services.sets import among
from trace.services.wards import find_ward, provinces, wards_in

EVENTS, LATE, LOTS, RECALLS, SCANS = range(len(MEASURES))
STEP: Final = 5_000  # log entries in one transaction: a tenth of a second
EPOCH: Final = date(1970, 1, 1)
# Where an entry's record time stands in its text (formats, section 3).
_TIME_AT: Final = len('{"v":1,"type":"event","t":"')
_TIME_LENGTH: Final = len("2026-11-22T03:00:01.123Z")
_SCANS_LATE: Final = timedelta(hours=6)  # a buffer of scans may be written a little after midnight
_EPC, _OUTPUT = ROLES.index("epc"), ROLES.index("output")
_ADD_ORGANISATION: Final = (
    "ON CONFLICT (organisation_id, measure, day)"
    " DO UPDATE SET count = organisation_sums.count + excluded.count"
)
_ADD_AREA: Final = (
    "ON CONFLICT (area, measure, day) DO UPDATE SET count = area_sums.count + excluded.count"
)
Sums = Counter[tuple[int, int, int]]  # (organisation, measure, day)


def day_number(moment: datetime) -> int:
    """The day in Viet Nam on which a moment lies, as figures number days."""
    return (moment.astimezone(LOCAL).date() - EPOCH).days


def day_of(number: int) -> date:
    """The date of a numbered day."""
    return EPOCH + timedelta(days=number)


def areas_of(ward_code: str | None) -> tuple[str, ...]:
    """Everything, and the province and the ward where the ward is known."""
    ward = find_ward(ward_code) if ward_code else None
    return ("",) if ward is None else ("", ward.province.code, ward.code)


def fold(*, at: datetime, step: int = STEP) -> int:
    """Counts the next entries of the log, at most `step`; how many. The caller commits.

    Nothing is counted where another worker was quicker."""
    state = db.session.get(FiguresState, 1, populate_existing=True)
    if state is None:
        first = ("id", "folded", "at", "scans_day")
        insert_rows("figures_state", first, [(1, 0, to_millis(at), 0)], "ON CONFLICT DO NOTHING")
    start = 0 if state is None else state.folded
    size = db.session.scalar(select(func.max(LogState.size))) or 0
    end = min(size, start + step)
    if end > start:
        taken = db.session.execute(
            update(FiguresState)
            .where(FiguresState.id == 1, FiguresState.folded == start)
            .values(folded=end, at=at)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount == 0:  # type: ignore[attr-defined]  # a cursor's result
            return 0
        _add(_counted(start, end))
    return end - start


def settle(*, at: datetime) -> None:
    """Moves the sums of who moved, and sums the scans of days that are not over, one worker at a
    time: what is read after the row is taken, another worker's sums are in. The caller commits."""
    db.session.execute(
        update(FiguresState)
        .where(FiguresState.id == 1)
        .values(at=FiguresState.at)
        .execution_options(synchronize_session=False)
    )
    _move()
    _sum_scans(at)


def behind() -> int:
    """How many entries of the log are not counted yet."""
    size = db.session.scalar(select(func.max(LogState.size))) or 0
    return size - (db.session.scalar(select(FiguresState.folded)) or 0)


def begin_anew() -> None:
    """Forgets all sums, to be counted from the first entry on. The caller commits."""
    for table in (OrganisationSum, AreaSum, CountedOrganisation, FiguresState):
        db.session.execute(delete(table))


# -- counting --------------------------------------------------------------------------------------


def _counted(start: int, end: int) -> Sums:
    """What the entries at places [start, end) add, and take away."""
    declared = aliased(Event)
    entry = func.substr(LogEntry.entry, _TIME_AT + 1, _TIME_LENGTH)
    here = LogEntry.index.between(start, end - 1)
    standing = (
        select(Event.id, Event.issuer_id, Event.event_time, Event.notice, entry)
        .join(Event, Event.id == LogEntry.event_id)
        .where(here, Event.corrects.is_(None), ~_declared_before(declared, LogEntry.index))
    )
    sums: Sums = Counter()
    _count(sums, db.session.execute(standing).all(), 1)
    # What is declared in error here and was counted before.
    told, told_entry, first = aliased(Event), aliased(LogEntry), aliased(Event)
    wrong = (
        select(told.id, told.issuer_id, told.event_time, told.notice)
        .add_columns(func.substr(told_entry.entry, _TIME_AT + 1, _TIME_LENGTH))
        .select_from(LogEntry)
        .join(Event, Event.id == LogEntry.event_id)
        .join(told, (told.statement_id == Event.corrects) & (told.issuer_id == Event.issuer_id))
        .join(told_entry, told_entry.event_id == told.id)
        .where(
            here,
            told.corrects.is_(None),
            told_entry.index < LogEntry.index,
            ~_declared_before(first, LogEntry.index, told),
        )
    )
    _count(sums, db.session.execute(wrong).all(), -1)
    return sums


def _declared_before(first: Any, place: Any, told: Any = Event) -> Any:
    """Whether the issuer had declared a statement to be in error before a place in the log."""
    entry = aliased(LogEntry)
    return (
        select(first.id)
        .join(entry, entry.event_id == first.id)
        .where(
            first.corrects == told.statement_id,
            first.issuer_id == told.issuer_id,
            entry.index < place,
        )
        .exists()
    )


def _count(sums: Sums, rows: Sequence[Any], sign: int) -> None:
    for _, issuer, moment, notice, recorded in rows:
        day = day_number(moment)
        sums[issuer, EVENTS, day] += sign
        if read_time(recorded) - moment > LATE_AFTER:
            sums[issuer, LATE, day] += sign
        if notice == "recall":
            sums[issuer, RECALLS, day] += sign
    if not rows:
        return
    made = (
        select(Event.issuer_id, Event.event_time, func.count(EventThing.thing_id))
        .join(EventThing, EventThing.event_id == Event.id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(
            among(Event.id, [row[0] for row in rows]),
            Thing.kind == "lot",
            or_(
                EventThing.role == _OUTPUT,
                (EventThing.role == _EPC) & (Event.action == "ADD"),
            ),
        )
        .group_by(Event.id, Event.issuer_id, Event.event_time)
    )
    for issuer, moment, lots in db.session.execute(made):
        sums[issuer, LOTS, day_number(moment)] += sign * lots


def _add(sums: Sums) -> None:
    sums = Counter({key: count for key, count in sums.items() if count})
    if not sums:
        return
    wards = _wards_of({organisation for organisation, _, _ in sums})
    insert_rows(
        "organisation_sums",
        ("organisation_id", "measure", "day", "count"),
        sorted((*key, count) for key, count in sums.items()),
        _ADD_ORGANISATION,
    )
    areas: Counter[tuple[str, int, int]] = Counter()
    for (organisation, measure, day), count in sums.items():
        for area in areas_of(wards[organisation]):
            areas[area, measure, day] += count
    _add_areas(areas)


def _add_areas(areas: Counter[tuple[str, int, int]]) -> None:
    rows = sorted((*key, count) for key, count in areas.items() if count)
    insert_rows("area_sums", ("area", "measure", "day", "count"), rows, _ADD_AREA)


def _wards_of(organisations: Collection[int]) -> dict[int, str]:
    """The wards under which organisations are counted; those counted first under theirs of now."""
    known = select(CountedOrganisation.organisation_id, CountedOrganisation.ward_code).where(
        among(CountedOrganisation.organisation_id, sorted(organisations))
    )
    found = {row[0]: row[1] for row in db.session.execute(known)}
    first = select(Organisation.id, func.coalesce(Organisation.ward_code, "")).where(
        among(Organisation.id, sorted(set(organisations) - set(found)))
    )
    new = {row[0]: row[1] for row in db.session.execute(first)}
    insert_rows("counted_organisations", ("organisation_id", "ward_code"), sorted(new.items()))
    return found | new


def _move() -> None:
    """Rule 3: the sums of who moved go along."""
    now = func.coalesce(Organisation.ward_code, "")
    moved = db.session.execute(
        select(CountedOrganisation, now)
        .join(Organisation, Organisation.id == CountedOrganisation.organisation_id)
        .where(now != CountedOrganisation.ward_code)
        .execution_options(populate_existing=True)
    ).all()
    for counted, ward in moved:
        sums = db.session.execute(
            select(OrganisationSum.measure, OrganisationSum.day, OrganisationSum.count).where(
                OrganisationSum.organisation_id == counted.organisation_id
            )
        ).all()
        areas: Counter[tuple[str, int, int]] = Counter()
        for measure, day, count in sums:
            for area in areas_of(counted.ward_code):
                areas[area, measure, day] -= count
            for area in areas_of(ward):
                areas[area, measure, day] += count
        counted.ward_code = ward
        db.session.flush()
        _add_areas(areas)


def _sum_scans(at: datetime) -> None:
    """Rule 5."""
    state = db.session.get(FiguresState, 1, populate_existing=True)
    if state is None:
        return
    since = state.scans_day
    rows = db.session.execute(
        select(ScanCount.day, ScanCount.ward_code, cast(func.sum(ScanCount.count), BigInteger))
        .where(ScanCount.day >= day_of(since))
        .group_by(ScanCount.day, ScanCount.ward_code)
    ).all()
    areas: Counter[tuple[str, int, int]] = Counter()
    for day, place, count in rows:
        for area in _scanned_areas(place):
            areas[area, SCANS, (day - EPOCH).days] += count
    db.session.execute(
        delete(AreaSum).where(
            among(AreaSum.area, _all_areas()), AreaSum.measure == SCANS, AreaSum.day >= since
        )
    )
    _add_areas(areas)
    state.scans_day = max(since, day_number(at - _SCANS_LATE))


@cache
def _all_areas() -> list[str]:
    codes = [province.code for province in provinces()]
    return ["", *codes, *sorted(wards_in(codes))]


def _scanned_areas(place: str) -> Iterable[str]:
    """A scan's place is a ward, a province or nothing (models.scans)."""
    if any(place == province.code for province in provinces()):
        return ("", place)
    return areas_of(place)


__all__ = [
    "EVENTS",
    "LATE",
    "LOTS",
    "MEASURES",
    "RECALLS",
    "SCANS",
    "areas_of",
    "begin_anew",
    "behind",
    "day_number",
    "day_of",
    "fold",
    "settle",
]
