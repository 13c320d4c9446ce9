"""What forms of records ask for: times, amounts, lot names, rows.

Times are local (UTC+7), typed as `dd/mm/yyyy hh:mm` or picked. Rows are sent as `inputs-0-name`,
`inputs-0-amount`, …; a row in which nothing was typed is dropped, and an error in a row names the
row's own field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError, missing, pre_load

from trace import clock
from trace.core.gs1 import Gs1Error, check_lot
from trace.errors import Refused, TraceError
from trace.schemas.base import Day, FormSchema, Number, Text, load, parse_number, refuse
from trace.services.records import LOCAL_ZONE
from trace.services.refusals import FutureTime, NothingChosen
from trace.services.vocabulary import UNITS_BY_KEY, Amount, amount

ROW: Final = re.compile(r"^([a-z_]+)-(\d{1,3})-([a-z_]+)$")
ROW_LIMIT: Final = 200
PREFILLED: Final = frozenset({"unit", "thing", "time"})
QUANTITY_LIMIT: Final = Decimal(1_000_000_000)
_DAY: Final = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$|^(\d{4})-(\d{2})-(\d{2})$")
_TIME: Final = re.compile(r"^(\d{1,2})[:hg](\d{2})(?::\d{2}(?:\.\d+)?)?$")
_BELOW: Final = re.compile(r"^[-−]\s*\d")


class NotATime(TraceError):
    code = "not-a-time"
    message = "“%(text)s” is not a time. Write for example 22/11/2026 07:30."


class NegativeQuantity(TraceError):
    code = "negative-quantity"
    message = "A quantity cannot be below zero."


class ZeroQuantity(TraceError):
    code = "zero-quantity"
    message = "A quantity must be above zero."


class QuantityTooLarge(TraceError):
    code = "quantity-too-large"
    message = "This is more than any harvest; please check it."


class TooManyRows(TraceError):
    code = "too-many-rows"
    message = "At most %(limit)d lines fit into one form."


class WrongOrder(TraceError):
    code = "wrong-order"
    message = "The last day comes before the first."


def parse_moment(text: str) -> datetime:
    """A local time as typed or picked, as an aware UTC datetime. Raises NotATime."""
    day_text, _, time_text = text.replace("T", " ").strip().partition(" ")
    found = _DAY.match(day_text)
    time = _TIME.match(time_text.strip() or "0:00")
    if found is None or time is None:
        raise NotATime(text=text[:40])
    parts = [int(part) for part in found.groups() if part is not None]
    year, month, day = parts if found[4] else parts[::-1]
    try:
        local = datetime(year, month, day, int(time[1]), int(time[2]), tzinfo=LOCAL_ZONE)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotATime(text=text[:40]) from None


def local_moment(moment: datetime) -> datetime:
    """The moment by the local clock, to the minute, without its zone: for a form's box."""
    return moment.astimezone(LOCAL_ZONE).replace(tzinfo=None, second=0, microsecond=0)


def check_quantity(text: str) -> Decimal:
    """A quantity at or above zero. Raises NegativeQuantity, QuantityTooLarge; what is no number, or
    could be two, is refused as any number is (ValidationError)."""
    if _BELOW.match(text):
        raise NegativeQuantity
    found = parse_number(text)
    if found > QUANTITY_LIMIT:
        raise QuantityTooLarge
    return found


class Moment(Text):
    """When something happened: local time typed or picked, never still to come."""

    def __init__(self, **options: Any) -> None:
        super().__init__(40, **{"required": True, **options})

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Any:
        try:
            found = parse_moment(typed)
        except NotATime as error:
            refuse(error)
        if found > clock.now():
            shown = found.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
            refuse(FutureTime(text=shown))
        return found


class PastDay(Day):
    """A day that is not still to come."""

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> date:
        found = super().read(typed, attr, data)
        if found > clock.now().astimezone(LOCAL_ZONE).date():
            refuse(FutureTime(text=found.strftime("%d/%m/%Y")))
        return found


class Quantity(Number):
    """A quantity as people type it; `zero` allows nought."""

    def __init__(self, *, zero: bool = False, **options: Any) -> None:
        self.zero = zero
        super().__init__(**options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Decimal:
        try:
            found = check_quantity(typed)
        except TraceError as error:
            refuse(error)
        if found == 0 and not self.zero:
            refuse(ZeroQuantity())
        return found


class Temperature(Number):
    """Degrees Celsius, also below zero."""

    def __init__(self, **options: Any) -> None:
        super().__init__(least=-80, most=120, decimals=2, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Decimal:
        plain = typed.replace("−", "-").removesuffix("°C").strip()
        found: Decimal = super().read(plain, attr, data)
        return found


class LotName(Text):
    """A lot name as we print it; a wrong one is answered with a proposal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(60, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        try:
            return check_lot(super().read(typed, attr, data).upper())
        except Gs1Error as error:
            error.path = ""
            refuse(error)


class Reference(Number):
    """The number of a row that was offered; whether it may be used is the service's to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(least=1, most=2**53, decimals=0, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Any:
        return int(super().read(typed, attr, data))


class Rows(Text):
    """Several lines of a form, each read by a schema of its own."""

    def __init__(self, schema: type[FormSchema], **options: Any) -> None:
        self.rows = schema()
        super().__init__(1, **options)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        given = value if isinstance(value, dict) else {}
        if not given and self.required:
            raise ValidationError([NothingChosen()])
        if len(given) > ROW_LIMIT:
            raise ValidationError([TooManyRows(limit=ROW_LIMIT)])
        clean, errors = [], []
        for number, row in sorted(given.items()):
            try:
                clean.append({**load(self.rows, row), "row": number})
            except Refused as refused:
                errors += [error.at(f"{attr}-{number}-") for error in refused.errors]
        if errors:
            raise ValidationError(errors)
        return clean


class RecordSchema(FormSchema):
    """Base of the forms that record something: rows are gathered before the fields are read.

    `prefilled` are the boxes of a row that the page filled: alone they are no row."""

    prefilled: frozenset[str] = PREFILLED

    @pre_load
    def gather(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """`inputs-0-name` becomes {"inputs": {0: {"name": …}}}; empty rows are dropped."""
        found: dict[str, Any] = {}
        rows: dict[str, dict[int, dict[str, Any]]] = {}
        for name, value in data.items():
            row = ROW.match(name)
            if row is None:
                found[name] = value
            else:
                rows.setdefault(row[1], {}).setdefault(int(row[2]), {})[row[3]] = value
        for name, numbered in rows.items():
            # A unit or a time alone was not typed: the page put it there.
            found[name] = {
                number: row
                for number, row in numbered.items()
                if any(
                    str(value).strip() for key, value in row.items() if key not in self.prefilled
                )
            }
        return found

    @staticmethod
    def amount_of(clean: Mapping[str, Any], name: str = "quantity") -> Amount | None:
        """The amount of the fields `quantity` and `unit`, None where none was typed."""
        number = clean.get(name)
        if number is None or number is missing:
            return None
        return amount(number, clean.get("unit") or "kg")


UNIT_KEYS: Final = tuple(UNITS_BY_KEY)


class CircumstancesSchema(RecordSchema):
    """What every record may say: when, where, which household did it, a note."""

    when = Moment()
    place = Reference()
    household = Reference()
    note = Text(1000, lines=True)
