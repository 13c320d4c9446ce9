"""When a subscription by schedule is due (EPCIS 2.0 §8.2.5.3 QuerySchedule, query-schedule.json).

Rules.
1. A field is a list, parted by commas, of numbers `5` and ranges `[1-5]` within its bounds;
   `dayOfWeek` counts from 1, Monday. Beyond the standard's grammar, as its own example has it and
   users of cron write: `0/30` (from 0, every 30), `[0-30]/10`, `1-5` without brackets, `*` (all).
2. A moment fits when every given field does. A field left out fits always where a finer one is
   given; below the finest given it fits its first value only: {"hour":"1","minute":"5"} is once a
   day at 1:05:00, {"second":"0/30"} twice a minute.
3. Fields are wall-clock times of a time zone. A moment that the zone leaves out when its clocks go
   forward does not happen; one it has twice happens once, the first time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import ClassVar, Final

from trace.core.epcis.errors import EpcisError
from trace.errors import Refused, TraceError

# The finest first; each with its first and last value.
FIELDS: Final[dict[str, tuple[int, int]]] = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "dayOfMonth": (1, 31),
    "dayOfWeek": (1, 7),
    "month": (1, 12),
}
# The days fields stand side by side: neither is finer than the other.
_RANK: Final = {"second": 0, "minute": 1, "hour": 2, "dayOfMonth": 3, "dayOfWeek": 3, "month": 4}
LONGEST: Final = 500  # characters of a field
# The calendar's weekdays and leap years come round in 28 years, or 40 across 2100.
HORIZON: Final = timedelta(days=41 * 366)
_ELEMENT: Final = re.compile(
    r"(?:\*|(?P<one>\d{1,2})|\[?(?P<from>\d{1,2})-(?P<to>\d{1,2})\]?)(?:/(?P<step>\d{1,2}))?"
)


class ScheduleRefused(Refused):
    code = "schedule-refused"
    exception = "SubscriptionControlsException"


class ScheduleError(EpcisError):
    code: ClassVar[str] = "schedule"
    message: ClassVar[str] = "The schedule's %(name)s is not understood: %(reason)s."
    exception: ClassVar[str] = "SubscriptionControlsException"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values of each field that fit, in order; a day must fit both of its fields."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    weekdays: frozenset[int]
    months: frozenset[int]

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """The first moment after `moment` that fits, in UTC; None where none ever does."""
        local = moment.astimezone(zone)
        for day in self._days_from(local.date()):
            for hour, minute, second in self._times(local if day == local.date() else None):
                due = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
                found = due.astimezone(UTC)
                if found > moment and found.astimezone(zone).replace(tzinfo=None) == due.replace(
                    tzinfo=None
                ):
                    return found
        return None

    def _days_from(self, start: date) -> Iterator[date]:
        for number in range(HORIZON.days):
            try:
                day = start + timedelta(days=number)
            except OverflowError:
                return
            if (
                day.month in self.months
                and day.day in self.days
                and day.isoweekday() in self.weekdays
            ):
                yield day

    def _times(self, local: datetime | None) -> Iterator[tuple[int, int, int]]:
        """The day's times; from an hour before `local` on, for clocks that go back."""
        first = -1 if local is None else local.hour - 1
        for hour in self.hours:
            if hour < first:
                continue
            for minute in self.minutes:
                for second in self.seconds:
                    yield hour, minute, second


def parse_schedule(fields: Mapping[str, object], path: str = "/schedule") -> Schedule:
    """The schedule that the fields give. Raises ScheduleRefused, an error for each wrong field."""
    errors: list[TraceError] = []
    values: dict[str, tuple[int, ...]] = {}
    for name, text in fields.items():
        try:
            values[name] = _values(name, text)
        except ScheduleError as error:
            errors.append(error.at(f"{path}/{name[:100]}"))
    if not fields:
        errors.append(ScheduleError(path=path, name="fields", reason="none is given"))
    if errors:
        raise ScheduleRefused(errors)
    finest = min(_RANK[name] for name in values)
    found = {}
    for name, (low, high) in FIELDS.items():
        left_out = (low,) if _RANK[name] < finest else tuple(range(low, high + 1))
        found[name] = values.get(name, left_out)
    made = Schedule(
        seconds=found["second"],
        minutes=found["minute"],
        hours=found["hour"],
        days=frozenset(found["dayOfMonth"]),
        weekdays=frozenset(range(1, 8) if finest > 3 else found["dayOfWeek"]),
        months=frozenset(found["month"]),
    )
    if made.next_after(datetime(2000, 1, 1, tzinfo=UTC), UTC) is None:
        never = ScheduleError(path=path, name="dayOfMonth", reason="no such day ever comes")
        raise ScheduleRefused([never])
    return made


def _values(name: str, text: object) -> tuple[int, ...]:
    if name not in FIELDS:
        raise ScheduleError(name=name[:100], reason="it is not known")
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise ScheduleError(name=name, reason="a text such as 5 or [1-5] is expected")
    low, high = FIELDS[name]
    found: set[int] = set()
    for element in text.replace(" ", "").split(","):
        read = _ELEMENT.fullmatch(element) if element.isascii() else None
        if read is None:
            raise ScheduleError(name=name, reason="a text such as 5 or [1-5] is expected")
        step = int(read["step"] or 1)
        if read["one"]:
            start, end = int(read["one"]), high if read["step"] else int(read["one"])
        else:
            start, end = int(read["from"] or low), int(read["to"] or high)
        if not low <= start <= end <= high or step < 1:
            raise ScheduleError(name=name, reason=f"values go from {low} to {high}")
        found.update(range(start, end + 1, step))
    return tuple(sorted(found))
