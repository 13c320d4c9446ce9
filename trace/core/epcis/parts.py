"""The parts of an event: what is common to the event types, and how parts become JSON again."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from trace.core.epcis.strict_json import JsonObject, JsonValue
from trace.core.remembering import remembered

Number = int | float
Extensions = dict[str, JsonValue]


class Timestamp(datetime):
    """An aware moment that remembers the text it was read from."""

    __slots__ = ("_text",)
    _text: str

    @classmethod
    def read(cls, text: str) -> Self:
        """RFC 3339 text; more than six decimals are kept in the text only. Raises ValueError."""
        try:
            moment = cls.fromisoformat(text)
        except ValueError:
            moment = cls.fromisoformat(text.upper())  # "t" and "z" are allowed too
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        moment._text = text
        return moment

    @property
    def text(self) -> str:
        """As it was written; moments computed from others are written in full."""
        try:
            return self._text
        except AttributeError:
            return self.isoformat()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Timestamp.read, (self.text,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An amount of a class of things. `uom` is a UN/CEFACT code; absent means a count of pieces."""

    epc_class: str
    quantity: Number | None = None
    uom: str | None = None

    @property
    def amount(self) -> Decimal | None:
        return None if self.quantity is None else Decimal(repr(self.quantity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    id: str
    extensions: Extensions = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BizTransaction:
    biz_transaction: str
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    type: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    type: str
    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentDisposition:
    set: tuple[str, ...] | None = None
    unset: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDeclaration:
    declaration_time: Timestamp
    reason: str | None = None
    corrective_event_ids: tuple[str, ...] | None = None
    extensions: Extensions = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorMetadata:
    time: Timestamp | None = None
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    device_id: str | None = None
    device_metadata: str | None = None
    raw_data: str | None = None
    data_processing_method: str | None = None
    biz_rules: str | None = None
    extensions: Extensions = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorReport:
    """One measurement; the value keeps the unit it came in."""

    type: str
    exception: str | None = None
    device_id: str | None = None
    device_metadata: str | None = None
    raw_data: str | None = None
    data_processing_method: str | None = None
    biz_rules: str | None = None
    time: Timestamp | None = None
    microorganism: str | None = None
    chemical_substance: str | None = None
    coordinate_reference_system: str | None = None
    value: Number | None = None
    component: str | None = None
    string_value: str | None = None
    boolean_value: bool | None = None
    hex_binary_value: str | None = None
    uri_value: str | None = None
    min_value: Number | None = None
    max_value: Number | None = None
    mean_value: Number | None = None
    s_dev: Number | None = None
    perc_rank: Number | None = None
    perc_value: Number | None = None
    uom: str | None = None
    extensions: Extensions = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorElement:
    sensor_report: tuple[SensorReport, ...]
    sensor_metadata: SensorMetadata | None = None
    extensions: Extensions = field(default_factory=dict)


@remembered(8192)
def read_time(text: str) -> Timestamp:
    """Timestamp.read, remembered: the rules read an event's times, then its typed form does."""
    return Timestamp.read(text)


# Names whose JSON form is not simply the words run together.
_JSON_NAMES = {
    "context": "@context",
    "event_id": "eventID",
    "parent_id": "parentID",
    "device_id": "deviceID",
    "transformation_id": "transformationID",
    "corrective_event_ids": "correctiveEventIDs",
    "child_epcs": "childEPCs",
    "input_epc_list": "inputEPCList",
    "output_epc_list": "outputEPCList",
}


def json_name(attribute: str) -> str:
    """`event_time` -> `eventTime`: the member name of an attribute in the JSON binding."""
    first, *rest = attribute.split("_")
    return _JSON_NAMES.get(attribute) or first + "".join(word.capitalize() for word in rest)


_MEMBERS: dict[type, tuple[tuple[str, str], ...]] = {}


def members(part: type[Any]) -> tuple[tuple[str, str], ...]:
    """(attribute, JSON name) of a part, extensions aside."""
    if part not in _MEMBERS:
        _MEMBERS[part] = tuple(
            (spec.name, json_name(spec.name)) for spec in fields(part) if spec.name != "extensions"
        )
    return _MEMBERS[part]


def write(part: Any) -> JsonObject:
    """The JSON object of a part or an event; absent members are left out."""
    out: JsonObject = {}
    for attribute, name in members(type(part)):
        value = getattr(part, attribute)
        if value is None:
            continue
        if isinstance(value, str | int | float | dict | list):
            out[name] = value
        elif isinstance(value, Timestamp):
            out[name] = value.text
        elif isinstance(value, tuple):
            out[name] = [one if isinstance(one, str) else write(one) for one in value]
        else:
            out[name] = write(value)
    out.update(getattr(part, "extensions", {}))
    return out
