"""JSON bodies made from the schemas of forms: what a form's boxes take as typed, JSON takes typed.

`json_body(PlaceForm, "Place")` is the same schema with a stricter door. Numbers are numbers, yes
and no are true and false, days are `2026-11-20`, times carry their offset (RFC 3339), rows are
lists of objects, null is the same as absent. A member nobody reads is refused. After the door the
form's own fields and rules decide, so that nothing holds in one place and not in the other. Paths
of errors are JSON Pointers (RFC 6901).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, missing

from trace import clock
from trace.errors import TraceError
from trace.schemas.base import (
    Choice,
    Day,
    FormSchema,
    NotADate,
    NotAnInstant,
    Number,
    Several,
    Text,
    WardCode,
    Whole,
    YesNo,
    refuse,
)
from trace.schemas.certificates import Ticked
from trace.schemas.group import References
from trace.schemas.places import ShapeText
from trace.schemas.records import Moment, Reference, Rows
from trace.services.records import LOCAL_ZONE
from trace.services.refusals import FutureTime

PHOTO_LIMIT: Final = 10
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})"
)
_NAMES: Final = {bool: "true or false", int: "a number", float: "a number", str: "a text"}


class WrongType(TraceError):
    code = "wrong-json-type"
    message = "This must be %(expected)s, not %(got)s."


class UnknownMember(TraceError):
    code = "unknown-field"
    message = "Nothing called “%(name)s” is read here."


class TooManyValues(TraceError):
    code = "too-many-values"
    message = "At most %(limit)d are taken here."


class Instant(Moment):
    """When something happened: RFC 3339 with an offset, never still to come."""

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Any:
        if not _INSTANT.fullmatch(typed):
            refuse(NotAnInstant(value=typed[:40]))
        try:
            found = datetime.fromisoformat(typed.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            refuse(NotAnInstant(value=typed[:40]))
        if not 1900 <= found.year <= 2200:
            refuse(NotAnInstant(value=typed[:40]))
        if found > clock.now():
            shown = found.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
            refuse(FutureTime(text=shown))
        return found


class Digests(fields.Field[Any]):
    """Digests of photos sent before, as `POST /photos` told them."""

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> tuple[str, ...]:
        return tuple(() if value is missing or value is None else value)


class JsonBody(Schema):
    """What a body is, beside the form it is made from."""

    class Meta:
        unknown = RAISE  # what the document says; the door finds them all before

    given_when_absent: Mapping[str, Any] = {}

    def load(self, data: Any, **_: Any) -> Any:
        """Clean data, as the form's schema gives it. Raises ValidationError holding errors of ours,
        those of the door with JSON Pointers."""
        if not isinstance(data, dict):
            raise ValidationError([WrongType(expected="an object", got=named(data))])
        errors: list[TraceError] = []
        told = boxed(self, {**self.given_when_absent, **data}, "", errors)
        if errors:
            raise ValidationError(errors)
        return super().load(told, unknown=EXCLUDE)


def json_body(
    form: type[FormSchema],
    name: str,
    *,
    without: Sequence[str] = (),
    photos: bool = False,
    defaults: Mapping[str, Any] | None = None,
) -> JsonBody:
    """The body that says what `form` asks for. `defaults` are taken for members that are absent."""
    members: dict[str, Any] = dict(_replaced(form, name))
    if photos:
        members["photos"] = Digests()
    members["given_when_absent"] = dict(defaults or {})
    made: type[JsonBody] = type(name, (JsonBody, form), {**members, "__doc__": form.__doc__})
    for gone in without:
        made._declared_fields.pop(gone, None)
    return made()


def _replaced(form: type[Schema], name: str) -> dict[str, Any]:
    """Fields that read JSON's own way."""
    found: dict[str, Any] = {}
    for attr, field in form._declared_fields.items():
        if isinstance(field, Moment):
            found[attr] = Instant(required=field.required)
        elif isinstance(field, Rows):
            rows = type(field.rows)
            row_name = f"{name}{attr.title().replace('_', '')}Row"
            members = {**_replaced(rows, row_name), "Meta": JsonBody.Meta}
            row = type(row_name, (rows,), {**members, "__doc__": rows.__doc__})
            found[attr] = Rows(row, required=field.required)
    return found


def boxed(
    schema: Schema, data: Mapping[str, Any], at: str, errors: list[TraceError]
) -> dict[str, Any]:
    """The members as the form's boxes would have them; what is of the wrong type is added to
    `errors` with its JSON Pointer."""
    known = {field.data_key or attr: field for attr, field in schema.fields.items()}
    found: dict[str, Any] = {}
    for name, value in data.items():
        here = f"{at}/{name.replace('~', '~0').replace('/', '~1')[:60]}"
        field = known.get(name)
        if field is None:
            errors.append(UnknownMember(path=here, name=name[:60]))
        elif value is not None:
            try:
                found[name] = _box(field, value, here, errors)
            except TraceError as error:
                errors.append(error.at(here))
            except ValidationError as error:
                errors += [one.at(here) for one in error.messages_dict["_schema"]]
    return found


def _box(field: fields.Field[Any], value: Any, here: str, errors: list[TraceError]) -> Any:
    if isinstance(field, Rows):
        return _rows(field, value, here, errors)
    if isinstance(field, YesNo):
        return "yes" if _of(value, bool) else ""
    if isinstance(field, Several | Ticked | References | Digests):
        return _list(field, value, here, errors)
    if isinstance(field, Whole | Reference):
        return str(_of(value, int))
    if isinstance(field, Number):
        return _decimal(_of(value, float))
    if isinstance(field, ShapeText) and isinstance(value, dict):
        return orjson.dumps(value).decode()
    text = _of(value, str)
    if isinstance(field, Day) and not _ISO_DAY.fullmatch(text):
        raise NotADate(value=text[:40])
    return text


def _of(value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        expected = "a whole number" if kind is int else _NAMES[kind]
        raise WrongType(expected=expected, got=named(value))
    return value


def named(value: Any) -> str:
    """What a JSON value is called."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return "null" if value is None else _NAMES[type(value)]


def _decimal(value: float) -> str:
    """A number in digits; never with three decimals, which a form would ask about."""
    text = f"{Decimal(repr(value)):f}"
    return f"{text}0" if len(text.rpartition(".")[2]) == 3 and "." in text else text


def _rows(field: Rows, value: Any, here: str, errors: list[TraceError]) -> dict[int, Any]:
    if not isinstance(value, list):
        raise WrongType(expected="a list", got=named(value))
    found = {}
    for number, row in enumerate(value[:1000]):
        if isinstance(row, dict):
            found[number] = boxed(field.rows, row, f"{here}/{number}", errors)
        else:
            errors.append(WrongType(path=f"{here}/{number}", expected="an object", got=named(row)))
    return found


def _list(field: fields.Field[Any], value: Any, here: str, errors: list[TraceError]) -> list[str]:
    if not isinstance(value, list):
        raise WrongType(expected="a list", got=named(value))
    if isinstance(field, Digests) and len(value) > PHOTO_LIMIT:
        raise TooManyValues(limit=PHOTO_LIMIT)
    if len(value) > 1000:
        raise TooManyValues(limit=1000)
    kind = str if isinstance(field, Several | Digests) else int
    found = []
    for number, one in enumerate(value):
        try:
            found.append(str(_of(one, kind)))
        except WrongType as error:
            errors.append(error.at(f"{here}/{number}"))
    return found


def pointer(path: str) -> str:
    """A form's path (`lots-0-quantity`) as a JSON Pointer (`/lots/0/quantity`)."""
    return path if not path or path.startswith("/") else "/" + path.replace("-", "/")


def property_of(field: fields.Field[Any]) -> dict[str, Any]:
    """A field as a property of JSON Schema; {} for one that is not a form's."""
    known = _property(field)
    if known and not field.required and isinstance(known.get("type"), str):
        known["type"] = [known["type"], "null"]
        if "enum" in known:
            known["enum"] = [*known["enum"], None]
    return known


def _property(field: fields.Field[Any]) -> dict[str, Any]:  # noqa: C901, PLR0912  # a line a kind
    if isinstance(field, YesNo):
        return {"type": "boolean"}
    if isinstance(field, Several):
        return {"type": "array", "items": {"type": "string", "enum": list(field.offered)}}
    if isinstance(field, Ticked | References):
        return {"type": "array", "items": {"type": "integer", "minimum": 1}}
    if isinstance(field, Digests):
        return {"type": "array", "items": {"type": "string"}, "maxItems": PHOTO_LIMIT}
    if isinstance(field, Number):
        found: dict[str, Any] = {"type": "integer" if _is_whole(field) else "number"}
        for name, bound in (("minimum", field.least), ("maximum", field.most)):
            if bound is not None:
                found[name] = float(bound) if isinstance(bound, Decimal) else bound
        return found
    if isinstance(field, Instant):
        return {"type": "string", "format": "date-time"}
    if isinstance(field, Day):
        return {"type": "string", "format": "date"}
    if isinstance(field, ShapeText):
        return {"type": ["string", "object", "null"], "description": "GeoJSON, KML or corners."}
    if isinstance(field, Choice):
        return {"type": "string", "enum": sorted(field.offered)}
    if isinstance(field, Text):
        return {"type": "string", "maxLength": field.limit}
    if isinstance(field, WardCode):
        return {"type": "string", "description": "Its five digits, or a name only one has."}
    return {}


def _is_whole(field: fields.Field[Any]) -> bool:
    return isinstance(field, Whole | Reference)
