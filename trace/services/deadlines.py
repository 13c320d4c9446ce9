"""When a request of a person must be answered and finished, counted as the law counts.

Rules (Law 91/2025/QH15; Decree 356/2025/ND-CP, in force since 2026-01-01; Civil Code
91/2015/QH13, Article 147: the day of the event itself is not counted).
1. Reply within 2 working days: neither weekly days off nor public holidays count.
2. Withdrawal of consent, restriction, objection: done within 15 days, 20 where somebody else who
   processes the data must act too; one extension of at most 15 days.
3. Access and correction: 10 days. Erasure: 20 days. Where sources differ, the shorter is kept:
   whoever finishes earlier is never late. One extension each, no longer than the first time.
4. A report of an abusive photo or text has no period in that law; what we promise is the reply of
   rule 1 and a decision within 5 days.
5. A recall of unsafe food is decided within 24 hours of its being determined (Circular
   17/2021/TT-BNNPTNT): hours of the clock, nights and holidays count.
Days of rules 2 and 3 are calendar days; a last day on a holiday is not moved, for the same reason.
A lawyer must confirm the periods (docs/explanation/personal-data.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Final

from trace.models.requests import REPORT

LOCAL: Final = timezone(timedelta(hours=7))
HOLIDAYS: Final = Path(__file__).parents[1] / "data" / "holidays.tsv"
REPLY_WORKING_DAYS: Final = 2
RECALL_HOURS: Final = 24
SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Period:
    """Days to finish, days where a processor is involved, and days of the one extension."""

    days: int
    with_processor: int
    extension: int


PERIODS: Final[Mapping[str, Period]] = {
    "access": Period(10, 10, 10),
    "correction": Period(10, 10, 10),
    "objection": Period(15, 20, 15),
    "restriction": Period(15, 20, 15),
    "withdrawal": Period(15, 20, 15),
    "erasure": Period(20, 20, 15),
    REPORT: Period(5, 5, 5),
}


@cache
def holidays() -> Mapping[date, str]:
    """Public holidays by day, from trace/data/holidays.tsv."""
    found = {}
    for line in HOLIDAYS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "date\t")):
            day, name, _ = line.split("\t")
            found[date.fromisoformat(day)] = name
    return found


@cache
def last_known_year() -> int:
    """The last year whose Tet and other moving days are in the table."""
    return max(holidays()).year


def is_working_day(day: date) -> bool:
    """Monday to Friday, and no public holiday. After the table only the fixed days are known."""
    if day.weekday() >= SATURDAY or day in holidays():
        return False
    return day.year <= last_known_year() or (day.month, day.day) not in _FIXED


_FIXED: Final = frozenset({(1, 1), (4, 30), (5, 1), (9, 2)})


def local_day(moment: datetime) -> date:
    """The day in Viet Nam."""
    return moment.astimezone(LOCAL).date()


def add_working_days(day: date, count: int) -> date:
    """The `count`-th working day after `day`, which itself is not counted."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def reply_by(received: datetime) -> date:
    """The last day for the first answer (rule 1)."""
    return add_working_days(local_day(received), REPLY_WORKING_DAYS)


def finish_by(kind: str, received: datetime, *, processor: bool, extended: bool = False) -> date:
    """The last day to finish (rules 2 to 4)."""
    period = PERIODS[kind]
    days = period.with_processor if processor else period.days
    return local_day(received) + timedelta(days=days + (period.extension if extended else 0))
