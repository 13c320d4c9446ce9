"""What a board shows of an authority's area: sums, their trend, coverage, what waits.

Rules.
1. A period is a number of whole days that ends today; its trend is against as many days before.
2. Counts of records come from `area_sums` (services.figures): a few hundred rows whatever was
   recorded. The board says up to when they are counted.
3. What another part of the desk counts (recalls, findings, citizens' reports) it tells itself, by
   `figures(scope, since, until)`.
4. A place belongs to one area only: a ward inside a province that is listed as well is not added
   twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Integer, cast, func, select

from trace.extensions import db
from trace.models import AreaSum, FiguresState, Organisation, OrganisationSum
from trace.models.figures import MEASURES
from trace.services.citizen_reports import figures as report_figures
from trace.services.competence import EVERYWHERE
from trace.services.deadlines import LOCAL
from trace.services.figures import EPOCH, day_number
from trace.services.findings_figures import figures as finding_figures
from trace.services.jurisdictions import Scope
from trace.services.recalls.figures import figures as recall_figures
from trace.services.same import is_root, root_of
from trace.services.sets import among
from trace.services.wards import Province, Ward, find_ward, provinces, wards_in

SPANS: Final = (7, 30, 90)
# Who records goods; authorities, laboratories and certifiers are counted apart.
RECORDING: Final = ("producer", "co-operative", "trader", "processor", "carrier", "retailer")
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Period:
    """Days [first, last], as figures number them."""

    first: int
    last: int

    @property
    def days(self) -> int:
        return self.last - self.first + 1

    @property
    def before(self) -> Period:
        """As many days before."""
        return Period(self.first - self.days, self.first - 1)

    @property
    def since(self) -> datetime:
        """The first moment."""
        return _moment(self.first)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return _moment(self.last + 1)

    @property
    def dates(self) -> tuple[date, date]:
        return EPOCH + timedelta(days=self.first), EPOCH + timedelta(days=self.last)


def _moment(day: int) -> datetime:
    there = EPOCH + timedelta(days=day)
    return datetime(there.year, there.month, there.day, tzinfo=LOCAL)


def last_days(days: int, *, at: datetime) -> Period:
    """The period of so many days that ends today."""
    today = day_number(at)
    return Period(today - days + 1, today)


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure of a period, the one before, and each day's."""

    now: int
    before: int
    days: tuple[int, ...]

    @property
    def change(self) -> int | None:
        """Per cent more (below nought: less) than before; None where there was nothing."""
        return None if self.before <= 0 else round((self.now - self.before) * 100 / self.before)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Organisations by kind and status; wards, and those with nobody who records."""

    kinds: Mapping[str, Mapping[str, int]]
    wards: int
    empty: tuple[Ward, ...]
    active: int  # of those that record, how many did in the period

    @property
    def total(self) -> int:
        return sum(sum(states.values()) for states in self.kinds.values())

    def of(self, status: str) -> int:
        """How many organisations stand so."""
        return sum(states.get(status, 0) for states in self.kinds.values())


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the map, with what was counted there."""

    code: str
    name: str
    lon: float
    lat: float
    scans: int
    events: int


def area_codes(scope: Scope) -> list[str]:
    """The areas whose sums make up the scope's (rule 4)."""
    if EVERYWHERE in scope.areas:
        return [""]
    found = {code for code in scope.areas if len(code) == 2}
    wards = (find_ward(code) for code in scope.areas if len(code) > 2)
    return sorted(found | {w.code for w in wards if w is not None and w.province.code not in found})


def trends(scope: Scope, period: Period) -> dict[str, Trend]:
    """Every measure of the period and of the one before."""
    first = period.before.first
    rows = db.session.execute(
        select(AreaSum.measure, AreaSum.day, cast(func.sum(AreaSum.count), Integer))
        .where(
            among(AreaSum.area, area_codes(scope)),
            AreaSum.measure.in_(range(len(MEASURES))),
            AreaSum.day >= first,
            AreaSum.day <= period.last,
        )
        .group_by(AreaSum.measure, AreaSum.day)
    )
    counts = {name: [0] * (2 * period.days) for name in MEASURES}
    for measure, day, count in rows:
        counts[MEASURES[measure]][day - first] = count
    return {
        name: Trend(sum(days[period.days :]), sum(days[: period.days]), tuple(days[period.days :]))
        for name, days in counts.items()
    }


def coverage(scope: Scope, period: Period) -> Coverage:
    """Who is registered in the area, and where nobody is."""
    rows = db.session.execute(
        select(Organisation.ward_code, Organisation.kind, Organisation.status, func.count())
        .where(
            scope.organisations(),
            Organisation.closed_at.is_(None),
            Organisation.kind != "platform",
            is_root("organisation", Organisation.id),
        )
        .group_by(Organisation.ward_code, Organisation.kind, Organisation.status)
    )
    kinds: dict[str, dict[str, int]] = {}
    covered: set[str] = set()
    for ward, kind, status, count in rows:
        states = kinds.setdefault(kind, {})
        states[status] = states.get(status, 0) + count
        if kind in RECORDING and ward:
            covered.add(ward)
    here = _wards(scope)
    empty = tuple(find_ward(code) for code in sorted(here - covered))
    return Coverage(kinds, len(here), tuple(w for w in empty if w), _active(scope, period))


def _active(scope: Scope, period: Period) -> int:
    recorded = (
        select(OrganisationSum.organisation_id)
        .where(
            OrganisationSum.organisation_id == Organisation.id,
            OrganisationSum.measure == 0,
            OrganisationSum.day >= period.first,
            OrganisationSum.day <= period.last,
            OrganisationSum.count > 0,
        )
        .exists()
    )
    query = select(func.count(root_of("organisation", Organisation.id).distinct())).where(
        scope.organisations(), Organisation.kind.in_(RECORDING), recorded
    )
    return db.session.scalar(query) or 0


def _wards(scope: Scope) -> frozenset[str]:
    if EVERYWHERE in scope.areas:
        return wards_in([province.code for province in provinces()])
    return scope.wards()


def spots(scope: Scope, period: Period) -> list[Spot]:
    """Provinces for the nation, wards for everybody else, with their scans and events."""
    places: Sequence[Province | Ward]
    if EVERYWHERE in scope.areas:
        places = provinces()
    else:
        places = [w for w in map(find_ward, sorted(scope.wards())) if w is not None]
    rows = db.session.execute(
        select(AreaSum.area, AreaSum.measure, cast(func.sum(AreaSum.count), Integer))
        .where(
            among(AreaSum.area, [place.code for place in places]),
            AreaSum.measure.in_((MEASURES.index("events"), MEASURES.index("scans"))),
            AreaSum.day >= period.first,
            AreaSum.day <= period.last,
        )
        .group_by(AreaSum.area, AreaSum.measure)
    )
    counts = {(area, MEASURES[measure]): count for area, measure, count in rows}
    return [
        Spot(
            place.code,
            place.name if isinstance(place, Province) else place.short_name,
            place.lon,
            place.lat,
            counts.get((place.code, "scans"), 0),
            counts.get((place.code, "events"), 0),
        )
        for place in places
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """An organisation and how much it counts of a measure in a period."""

    organisation: Organisation
    count: int


def organisations_behind(
    scope: Scope, measure: str, period: Period, *, page: int = 1
) -> tuple[list[Row], int]:
    """Whose records a figure is made of, the most first: a page of them, and how many there are."""
    number = MEASURES.index(measure)
    total = func.sum(OrganisationSum.count)
    root = root_of("organisation", OrganisationSum.organisation_id)
    summed = (
        select(root.label("organisation_id"), cast(total, Integer).label("total"))
        .join(Organisation, Organisation.id == OrganisationSum.organisation_id)
        .where(
            scope.organisations(),
            OrganisationSum.measure == number,
            OrganisationSum.day >= period.first,
            OrganisationSum.day <= period.last,
        )
        .group_by(root)
        .having(total > 0)
        .subquery()
    )
    found = db.session.scalar(select(func.count()).select_from(summed)) or 0
    rows = db.session.execute(
        select(Organisation, summed.c.total)
        .join(summed, summed.c.organisation_id == Organisation.id)
        .order_by(summed.c.total.desc(), Organisation.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return [Row(organisation, count) for organisation, count in rows], found


def counted_until() -> datetime | None:
    """When the sums were brought up to date, None before the first time."""
    return db.session.scalar(select(FiguresState.at))


# -- what other parts of the desk count ------------------------------------------------------------

# name -> what tells it, for an area and a time
PARTS: Final[Mapping[str, Callable[[Scope, datetime, datetime], Any]]] = {
    "recalls": recall_figures,
    "findings": finding_figures,
    "reports": report_figures,
}


def part(name: str, scope: Scope, period: Period) -> Any:
    """The figures of another part of the desk."""
    return PARTS[name](scope, period.since, period.until)


def numbers(found: Any) -> dict[str, float | int]:
    """The numbers that another part's figures hold, by their names there, in its order."""
    names = [*getattr(found, "__dataclass_fields__", ()), *_properties(type(found))]
    values = {name: getattr(found, name) for name in names}
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    }


def _properties(kind: type) -> list[str]:
    return [name for name, value in vars(kind).items() if isinstance(value, property)]
