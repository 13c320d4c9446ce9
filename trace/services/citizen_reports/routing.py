"""Which authority answers for a report, by when, and who stands above it (rules 2 and 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from trace.models import Organisation, Report
from trace.models.authorities import SECTORS
from trace.models.reports import URGENT
from trace.services.competence import areas, authorities_for
from trace.services.deadlines import LOCAL, add_working_days, local_day
from trace.services.jurisdictions import level_of, rule_of, sectors_of

ROUTING: Final = "report-routing"
DEADLINES: Final = "report-deadlines"
# Problem -> sector. ".processed": of goods that left the farm as something else (Law on food safety
# 55/2010/QH12, Articles 62 to 64: health, agriculture, industry and trade).
DEFAULT_ROUTING: Final[Mapping[str, str]] = {
    "illness": "health",
    "spoiled": "agriculture",
    "foreign": "agriculture",
    "spoiled.processed": "trade",
    "foreign.processed": "trade",
    "label": "trade",
    "code": "trade",
    "measure": "trade",
    "other": "agriculture",
}
# Working days, but for `urgent_look_hours`: an illness does not wait for Monday.
DEFAULT_DEADLINES: Final[Mapping[str, int]] = {
    "look_days": 2,
    "answer_days": 7,
    "urgent_look_hours": 24,
    "urgent_answer_days": 3,
}
MOST: Final[Mapping[str, int]] = {
    "look_days": 10,
    "answer_days": 60,
    "urgent_look_hours": 72,
    "urgent_answer_days": 15,
}
_WIDTH: Final = {"ward": 0, "province": 1, "nation": 2}


@dataclass(frozen=True, slots=True)
class Route:
    """Who gets a report, as which sector's matter; nobody where no authority covers the ward."""

    authority: Organisation | None
    sector: str


def narrowest_first(ward_code: str | None) -> list[Organisation]:
    """The working authorities that cover a ward, the narrowest first."""
    found = [one for one in authorities_for(ward_code) if one.closed_at is None]
    return sorted(found, key=width)


def width(authority: Organisation) -> tuple[int, int, int]:
    """Sorts wards before provinces before the nation."""
    area = authority.jurisdiction
    return _WIDTH[level_of(area)], len(areas(area)), authority.id


def sector_for(table: Mapping[str, Any], problem: str, category: str) -> str:
    """The sector of a problem with goods of a category, by a routing table."""
    named = table.get(f"{problem}.processed") if category == "processed" else None
    sector = named or table.get(problem)
    return sector if sector in SECTORS else DEFAULT_ROUTING[problem]


def route(ward_code: str | None, problem: str, category: str = "") -> Route:
    """Who gets a report about goods bought in a ward."""
    there = narrowest_first(ward_code)
    if not there:
        return Route(None, sector_for(DEFAULT_ROUTING, problem, category))
    sector = sector_for(rule_of(there[0], ROUTING, DEFAULT_ROUTING), problem, category)
    fitting = [one for one in there if sector in sectors_of(one)]
    return Route((fitting or there)[0], sector)


def above(authority: Organisation, ward_code: str | None, sector: str) -> Organisation | None:
    """The next wider authority for the ward and sector; None at the top."""
    wider = [
        one
        for one in narrowest_first(ward_code)
        if width(one)[0] > width(authority)[0] and one.id != authority.id
    ]
    fitting = [one for one in wider if sector in sectors_of(one)]
    return next(iter(fitting or wider), None)


def days_of(authority: Organisation | None) -> dict[str, int]:
    """The periods an authority works by."""
    if authority is None:
        return dict(DEFAULT_DEADLINES)
    found = rule_of(authority, DEADLINES, DEFAULT_DEADLINES)
    return {
        name: min(max(1, int(found[name])), MOST[name]) if _is_number(found[name]) else default
        for name, default in DEFAULT_DEADLINES.items()
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def deadlines_for(
    authority: Organisation | None, problem: str, *, at: datetime
) -> tuple[datetime, datetime]:
    """(by when somebody looks into it, by when it is answered), counted from `at`."""
    days = days_of(authority)
    if problem in URGENT:
        look = at + timedelta(hours=days["urgent_look_hours"])
        return look, max(look, _end_of(at, days["urgent_answer_days"]))
    look = _end_of(at, days["look_days"])
    return look, max(look, _end_of(at, days["answer_days"]))


def _end_of(at: datetime, working_days: int) -> datetime:
    """The last second in Viet Nam of the working day that many after `at`'s."""
    last = add_working_days(local_day(at), working_days)
    return datetime.combine(last, time(23, 59, 59), LOCAL)


def table_of(authority: Organisation) -> dict[str, str]:
    """The routing table as it stands for an authority: problem -> sector."""
    table = rule_of(authority, ROUTING, DEFAULT_ROUTING)
    return {
        name: table[name] if table.get(name) in SECTORS else default
        for name, default in DEFAULT_ROUTING.items()
    }


def next_authorities(report: Report, present: Organisation) -> list[Organisation]:
    """Where a report may sensibly go: those that cover its ward, and its maker's."""
    wards = {report.ward_code, report.maker.ward_code if report.maker else None}
    found = {one.id: one for ward in wards for one in narrowest_first(ward)}
    found.pop(present.id, None)
    return sorted(found.values(), key=width)[:50]
