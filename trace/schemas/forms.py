"""What people type into forms, made into clean values; every refusal names its field.

Fields accept what people write in Vietnam: day before month, comma or point before decimals,
`dd/mm/yyyy hh:mm` or what a phone's own picker sends. Times are local (UTC+7). A number that could
mean two things ("1.250": twelve hundred and fifty, or one and a quarter?) is asked about, not
guessed. Rows are sent as `inputs-0-name`, `inputs-0-amount`, …; a row in which nothing was typed is
dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from trace import clock
from trace.core.gs1 import Gs1Error, check_lot
from trace.errors import Refused, TraceError
from trace.services.records import LOCAL_ZONE

JsonObject = dict[str, Any]

ROW: Final = re.compile(r"^([a-z_]+)-(\d{1,3})-([a-z_]+)$")
ROW_LIMIT: Final = 200
NUMBER_LIMIT: Final = Decimal(1_000_000_000)
_DAY: Final = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$")
_ISO_DAY: Final = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_TIME: Final = re.compile(r"^(\d{1,2})[:hg](\d{2})(?::\d{2}(?:\.\d+)?)?$")
_GROUPED: Final = re.compile(r"^\d{1,3}(\.\d{3})+(,\d+)?$")
_AMBIGUOUS: Final = re.compile(r"^[1-9]\d{0,2}[.,]\d{3}$")
_PLAIN: Final = re.compile(r"^\d+([.,]\d+)?$")


class FieldError(TraceError):
    """Base of what is wrong with one field of a form."""

    code = "field"


class Missing(FieldError):
    code = "missing"
    message = "Please fill this in."


class TooLong(FieldError):
    code = "too-long"
    message = "This has %(length)d characters; at most %(limit)d fit."


class BadText(FieldError):
    code = "bad-text"
    message = "This contains a character that cannot be printed."


class NotANumber(FieldError):
    code = "not-a-number"
    message = "“%(text)s” is not a number. Write for example 12 or 12,5."


class UnclearNumber(FieldError):
    code = "unclear-number"
    message = "Does “%(text)s” mean %(whole)s or %(part)s? Please write it that way."


class Negative(FieldError):
    code = "negative-quantity"
    message = "A quantity cannot be below zero."


class Nought(FieldError):
    code = "zero-quantity"
    message = "A quantity must be above zero."


class NumberTooLarge(FieldError):
    code = "number-too-large"
    message = "This number is larger than any harvest; please check it."


class NotADate(FieldError):
    code = "not-a-date"
    message = "“%(text)s” is not a date. Write day/month/year, for example 22/11/2026."


class NotATime(FieldError):
    code = "not-a-time"
    message = "“%(text)s” is not a time. Write for example 22/11/2026 07:30."


class FutureTime(FieldError):
    code = "future-time"
    message = "%(text)s is still to come; only what has happened is recorded."


class NotOffered(FieldError):
    code = "not-offered"
    message = "“%(text)s” is not one of the choices."


class WrongOrder(FieldError):
    code = "wrong-order"
    message = "The last day comes before the first."


def refuse(error: TraceError) -> ValidationError:
    """The error in the wrapping that the schema library carries to the form."""
    return ValidationError([error])


def parse_number(text: str) -> Decimal:
    """A number as written here. Raises NotANumber, UnclearNumber, Negative, NumberTooLarge."""
    plain = text.replace(" ", "").replace("\u00a0", "").replace("−", "-")
    if plain.startswith("-") and _PLAIN.match(plain[1:]):
        raise Negative
    plain = plain.removeprefix("+")
    if _AMBIGUOUS.match(plain):
        whole = plain.replace(".", "").replace(",", "")
        part = plain.replace(".", ",").rstrip("0")
        raise UnclearNumber(text=text, whole=whole, part=part + "0" if part.endswith(",") else part)
    if _GROUPED.match(plain):
        plain = plain.replace(".", "")
    if not _PLAIN.match(plain):
        raise NotANumber(text=text[:40])
    try:
        found = Decimal(plain.replace(",", "."))
    except InvalidOperation:
        raise NotANumber(text=text[:40]) from None
    if found > NUMBER_LIMIT:
        raise NumberTooLarge
    return found


def parse_day(text: str) -> date:
    """`22/11/2026` or `2026-11-22`. Raises NotADate."""
    if found := _DAY.match(text):
        day, month, year = map(int, found.groups())
    elif found := _ISO_DAY.match(text):
        year, month, day = map(int, found.groups())
    else:
        raise NotADate(text=text[:40])
    try:
        return date(year, month, day)
    except ValueError:
        raise NotADate(text=text[:40]) from None


def parse_moment(text: str) -> datetime:
    """A local time as typed or picked, as an aware UTC datetime. Raises NotATime, NotADate."""
    day_text, _, time_text = text.replace("T", " ").strip().partition(" ")
    day = parse_day(day_text)
    hour, minute = 0, 0
    if time_text:
        found = _TIME.match(time_text.strip())
        if found is None:
            raise NotATime(text=text[:40])
        hour, minute = int(found[1]), int(found[2])
    try:
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=LOCAL_ZONE)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotATime(text=text[:40]) from None


def show_moment(moment: datetime) -> str:
    """The local time as a form shows it: `2026-11-22T07:30`, what a phone's picker takes."""
    return moment.astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M")


class Text(fields.Field[str]):
    """One line (or several) of text: trimmed, composed (NFC), without control characters."""

    def __init__(self, limit: int = 200, *, lines: bool = False, **options: Any) -> None:
        super().__init__(**_options(options, ""))
        self.limit, self.lines = limit, lines

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str:
        text = unicodedata.normalize("NFC", str(value)).strip()
        if self.lines:
            text = text.replace("\r\n", "\n")
        if not text and self.required:
            raise refuse(Missing())
        if len(text) > self.limit:
            raise refuse(TooLong(length=len(text), limit=self.limit))
        if any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in text):
            raise refuse(BadText())
        return text


class Number(fields.Field[Decimal | None]):
    """A number above zero; None where nothing was typed."""

    def __init__(self, *, signed: bool = False, zero: bool = False, **options: Any) -> None:
        super().__init__(**_options(options, None))
        self.signed, self.zero = signed, zero

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> Decimal | None:
        text = str(value).strip()
        if not text:
            if self.required:
                raise refuse(Missing())
            return None
        below = self.signed and text[0] in "-−"
        try:
            found = parse_number(text[1:] if below else text)
        except FieldError as error:
            raise refuse(error) from None
        if found == 0 and not (self.zero or self.signed):
            raise refuse(Nought())
        return -found if below else found


class Whole(Number):
    """A whole number, such as days."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> Any:
        found = super()._deserialize(value, attr, data)
        if found is not None and found != found.to_integral_value():
            raise refuse(NotANumber(text=str(value)[:40]))
        return None if found is None else int(found)


class Day(fields.Field[date | None]):
    """A day; None where nothing was typed. `past` refuses days still to come."""

    def __init__(self, *, past: bool = False, **options: Any) -> None:
        super().__init__(**_options(options, None))
        self.past = past

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> date | None:
        text = str(value).strip()
        if not text:
            if self.required:
                raise refuse(Missing())
            return None
        try:
            found = parse_day(text)
        except FieldError as error:
            raise refuse(error) from None
        if self.past and found > clock.now().astimezone(LOCAL_ZONE).date():
            raise refuse(FutureTime(text=found.strftime("%d/%m/%Y")))
        return found


class Moment(fields.Field[datetime]):
    """When something happened: local time typed or picked, never still to come."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_options({"required": True, **options}, None))

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> Any:
        text = str(value).strip()
        if not text:
            if self.required:
                raise refuse(Missing())
            return None
        try:
            found = parse_moment(text)
        except FieldError as error:
            raise refuse(error) from None
        if found > clock.now():
            shown = found.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
            raise refuse(FutureTime(text=shown))
        return found


class Choice(fields.Field[str]):
    """One of the offered values; `options` may be given later by the view (None: any text)."""

    def __init__(self, choices: Iterable[str] | None = None, **options: Any) -> None:
        super().__init__(**_options(options, ""))
        self.choices = None if choices is None else frozenset(choices)

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str:
        text = str(value).strip()
        if not text:
            if self.required:
                raise refuse(Missing())
            return ""
        if self.choices is not None and text not in self.choices:
            raise refuse(NotOffered(text=text[:40]))
        return text


class Reference(fields.Field[int | None]):
    """The number of a row the view offered; whether it may be used is the service's to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_options(options, None))

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> int | None:
        text = str(value).strip()
        if not text:
            if self.required:
                raise refuse(Missing())
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise refuse(NotOffered(text=text[:40]))
        return int(text)


class LotName(Text):
    """A lot name as we print it; a wrong one is answered with a proposal."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str:
        text = super()._deserialize(value, attr, data).upper()
        try:
            return check_lot(text) if text else ""
        except Gs1Error as error:
            raise refuse(error) from None


def _options(options: JsonObject, empty: Any) -> JsonObject:
    if not options.get("required"):
        options.setdefault("load_default", empty)
    options.setdefault("error_messages", {"required": [Missing()], "null": [Missing()]})
    return options


class FormSchema(Schema):
    """A form: fields it does not know (buttons, tokens) are none of its business."""

    class Meta:
        unknown = EXCLUDE


def nested(form: Mapping[str, list[str]], lists: Iterable[str] = ()) -> JsonObject:
    """The form's fields with rows gathered into lists; members of `lists` keep all their values.

    Rows keep the number they were sent with under `row`, so that an error can name its field.
    """
    many = frozenset(lists)
    found: JsonObject = {}
    rows: dict[str, dict[int, JsonObject]] = {}
    for name, values in form.items():
        row = ROW.match(name)
        if row is None:
            found[name] = values if name in many else values[-1]
        elif int(row[2]) < ROW_LIMIT:
            rows.setdefault(row[1], {}).setdefault(int(row[2]), {})[row[3]] = values[-1]
    for name, numbered in rows.items():
        found[name] = [
            {**numbered[number], "row": str(number)}
            for number in sorted(numbered)
            if any(value.strip() for value in numbered[number].values())
        ]
    return found


def load(
    schema: FormSchema, form: Mapping[str, list[str]], lists: Iterable[str] = ()
) -> JsonObject:
    """The clean values of a form. Raises Refused; each error's path is the name of its field."""
    data = nested(form, lists)
    try:
        loaded: JsonObject = schema.load(data)
    except ValidationError as error:
        messages = error.messages if isinstance(error.messages, dict) else {"": error.messages}
        raise Refused(list(_flat(messages, data))) from None
    return loaded


def _flat(messages: Mapping[Any, Any], data: JsonObject, path: str = "") -> Iterable[TraceError]:
    for name, found in messages.items():
        if isinstance(found, dict):
            for key, inner in found.items():
                rows = data.get(name)
                number = (
                    rows[key]["row"] if isinstance(rows, list) and isinstance(key, int) else key
                )
                yield from _flat(inner, {}, f"{name}-{number}-")
            continue
        for one in found:
            error = one if isinstance(one, TraceError) else FieldError()
            # Errors of `required` are made once per field: a copy, so that paths do not mix.
            copy = type(error)(path=f"{path}{name}", **error.params)
            yield copy
