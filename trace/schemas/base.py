"""What request schemas are made of: fields whose refusals are errors with codes and paths.

A schema is read by `load`, which raises `trace.errors.Refused` holding one error per field; its
path is the field's name. Texts are stripped and put into Unicode's composed form (NFC), so that
the same word typed on two phones is the same word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, Never

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing

from trace.core.folding import fold
from trace.errors import Refused, TraceError
from trace.services.refusals import FieldMissing
from trace.services.wards import find_ward, match_wards

WARD_CHOICES: Final = 8
_SPACES: Final = str.maketrans("", "", " \u00a0\u202f")


class TextTooLong(TraceError):
    code = "text-too-long"
    message = "This has %(got)d characters; at most %(limit)d are kept."


class ControlCharacter(TraceError):
    code = "control-character"
    message = "This contains a character that cannot be shown."


class NotANumber(TraceError):
    code = "not-a-number"
    message = "“%(value)s” is not a number. Use digits, with a comma or a dot before the decimals."


class AmbiguousNumber(TraceError):
    code = "ambiguous-number"
    message = "“%(value)s” can be read in two ways. Write %(whole)s or %(decimal)s."


class NumberTooSmall(TraceError):
    code = "number-too-small"
    message = "This must be at least %(limit)s."


class NumberTooLarge(TraceError):
    code = "number-too-large"
    message = "This must be at most %(limit)s."


class TooManyDecimals(TraceError):
    code = "too-many-decimals"
    message = "At most %(limit)d decimals are kept."


class NotADate(TraceError):
    code = "not-a-date"
    message = "“%(value)s” is not a date. Write day/month/year, such as 20/11/2026."


class NotAnInstant(TraceError):
    code = "not-an-instant"
    message = "“%(value)s” is not a time with its offset, such as 2026-11-20T07:30:00+07:00."


class NotAChoice(TraceError):
    code = "not-a-choice"
    message = "Choose one of those offered."


class UnknownWard(TraceError):
    code = "unknown-ward"
    message = "No ward or commune is called “%(value)s”. Check the name, or type the old one."


class AmbiguousWard(TraceError):
    code = "ambiguous-ward"
    message = "Several wards fit “%(value)s”. Choose one below."

    def __init__(self, *, choices: list[tuple[str, str]], path: str = "", **params: object) -> None:
        self.choices = choices
        super().__init__(path=path, **params)


class NearWard(AmbiguousWard):
    code = "near-ward"
    message = "No ward or commune is called “%(value)s”. The nearest names are below; choose one."


def refuse(error: TraceError) -> Never:
    """Raises an error of ours through marshmallow."""
    raise ValidationError([error])


class FormSchema(Schema):
    """Base of what forms send: unknown names are ignored, empty boxes are empty values."""

    class Meta:
        unknown = EXCLUDE


def load(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """Clean data by the schema. Raises Refused with one error per wrong field, in the schema's
    order."""
    try:
        clean = schema.load(data)
    except ValidationError as error:
        raise Refused(_flat(error.messages_dict, schema)) from None
    return dict(clean)


def _flat(messages: Mapping[str, Any], schema: Schema) -> list[TraceError]:
    order = {name: place for place, name in enumerate(schema.fields)}
    found = []
    for name in sorted(messages, key=lambda key: order.get(key, len(order))):
        for message in messages[name]:
            error = message if isinstance(message, TraceError) else FieldMissing()
            error.path = error.path or name
            found.append(error)
    return found


class _Box(fields.Field[Any]):
    """A box of a form: an absent or empty one takes `load_default`, or is refused when required."""

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        if isinstance(value, list):
            value = value[0] if value else ""
        typed = "" if value is missing or value is None else str(value)
        typed = unicodedata.normalize("NFC", typed).strip()
        if not typed:
            if self.required:
                refuse(FieldMissing())
            default = self.load_default
            return None if default is missing else default
        return self.read(typed, attr or "", data or {})

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Any:
        """The value of a box that is not empty."""
        raise NotImplementedError


class Text(_Box):
    """Words on one line; `limit` characters at most. Empty reads ""."""

    def __init__(self, limit: int, *, lines: bool = False, **options: Any) -> None:
        self.limit = limit
        self.lines = lines
        options.setdefault("load_default", "" if not options.get("required") else missing)
        super().__init__(**options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        kept = typed.replace("\r\n", "\n") if self.lines else " ".join(typed.split())
        allowed = "\n" if self.lines else ""
        if any(unicodedata.category(c) in ("Cc", "Cs", "Cn") and c not in allowed for c in kept):
            refuse(ControlCharacter())
        if len(kept) > self.limit:
            refuse(TextTooLong(got=len(kept), limit=self.limit))
        return kept


class Choice(_Box):
    """One of the offered values."""

    def __init__(self, values: Iterable[str], **options: Any) -> None:
        self.offered = frozenset(values)
        super().__init__(**options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        if typed not in self.offered:
            refuse(NotAChoice())
        return typed


class Several(fields.Field[Any]):
    """Some of the offered values, in their order; none is refused when required."""

    def __init__(self, values: Sequence[str], **options: Any) -> None:
        self.offered = tuple(values)
        super().__init__(**options)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        given = [] if value is missing or value is None else value
        chosen = [given] if isinstance(given, str) else list(given)
        if not set(chosen) <= set(self.offered):
            refuse(NotAChoice())
        if not chosen and self.required:
            refuse(NotAChoice())
        return tuple(one for one in self.offered if one in chosen)


class YesNo(fields.Field[Any]):
    """A check box: there or not."""

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> bool:
        return value is not missing and value not in (None, "", False)


class Number(_Box):
    """A Decimal as people write it (parse_number). `decimals` is how many are kept; `grouped` is
    off where a dot can only part decimals (degrees)."""

    def __init__(
        self,
        *,
        least: Decimal | int | None = None,
        most: Decimal | int | None = None,
        decimals: int = 6,
        grouped: bool = True,
        **options: Any,
    ) -> None:
        self.least, self.most, self.decimals, self.grouped = least, most, decimals, grouped
        super().__init__(**options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Any:
        value = parse_number(typed, grouped=self.grouped)
        if self.least is not None and value < self.least:
            refuse(NumberTooSmall(limit=self.least))
        if self.most is not None and value > self.most:
            refuse(NumberTooLarge(limit=self.most))
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self.decimals:
            refuse(TooManyDecimals(limit=self.decimals))
        return value


class Whole(Number):
    """A whole number."""

    def __init__(
        self, *, least: int | None = None, most: int | None = None, **options: Any
    ) -> None:
        super().__init__(least=least, most=most, decimals=0, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> int:
        return int(super().read(typed, attr, data))


_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,15}([.,][0-9]{1,12})?")
_GROUPED: Final = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+(?:,[0-9]+)?|(?:,[0-9]{3})+(?:\.[0-9]+)?)"
)


def _clear(plain: str) -> str:
    """A number with a decimal part that can only be one: 1.500 as 1,5 and 1.234 as 1,2340."""
    short = plain.replace(".", ",").rstrip("0").rstrip(",")
    return f"{short}0" if _GROUPED.fullmatch(short) and not short.isdigit() else short


def parse_number(typed: str, *, grouped: bool = True) -> Decimal:
    """The number people meant: 1234,5 and 1234.5, and with groups 1.234,5 and 1,234.5.

    "1.500" is fifteen hundred to one reader and one and a half to another: it is refused, not
    guessed. Raises ValidationError holding NotANumber or AmbiguousNumber."""
    plain = typed.translate(_SPACES)
    if not grouped or _PLAIN.fullmatch(plain):
        if not _PLAIN.fullmatch(plain):
            refuse(NotANumber(value=typed[:40]))
        if grouped and _GROUPED.fullmatch(plain):
            whole = plain.replace(",", "").replace(".", "")
            refuse(AmbiguousNumber(value=typed[:40], whole=whole, decimal=_clear(plain)))
        return Decimal(plain.replace(",", "."))
    if len(plain) > 30 or not _GROUPED.fullmatch(plain):
        refuse(NotANumber(value=typed[:40]))
    decimal = "," if plain.rfind(",") > plain.rfind(".") else "."
    if plain.count(decimal) > 1:  # groups only, no decimals
        return Decimal(plain.replace(decimal, ""))
    other = "." if decimal == "," else ","
    return Decimal(plain.replace(other, "").replace(decimal, "."))


class Day(_Box):
    """A date: as date boxes send it (2026-11-20) or as people write it (20/11/2026)."""

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> date:
        try:
            if "/" in typed:
                day, month, year = (int(part) for part in typed.split("/"))
                found = date(year, month, day)
            else:
                found = date.fromisoformat(typed)
        except (ValueError, OverflowError):  # a year of twenty digits
            refuse(NotADate(value=typed[:40]))
        if not 1900 <= found.year <= 2200:
            refuse(NotADate(value=typed[:40]))
        return found


class WardCode(_Box):
    """A ward's five-digit code, read from the code, from what the search box offers ("Xã Đan
    Phượng, Hà Nội"), or from a name only one ward has; else the choices are handed back."""

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        chosen = data.get(f"{attr}_choice", "")
        if isinstance(chosen, str) and find_ward(chosen):
            return chosen
        if find_ward(typed):
            return typed
        matches = match_wards(typed)
        if not matches:
            refuse(UnknownWard(value=typed[:60]))
        choices = [(one.ward.code, one.words) for one in matches[:WARD_CHOICES]]
        if matches[0].guessed:
            refuse(NearWard(value=typed[:60], choices=choices))
        found, wanted = [one.ward for one in matches], fold(typed)
        for exact in (
            [one for one in found if wanted == fold(one.full_name)],
            [one for one in found if wanted in (fold(one.short_name), fold(one.name))],
            found,
        ):
            if len(exact) == 1:
                return exact[0].code
        refuse(AmbiguousWard(value=typed[:60], choices=choices))
