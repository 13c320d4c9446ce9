"""Whether an event answers a query (EPCIS 2.0 §8.2.7.1): the one judgement, wherever it is asked.

What a query reads is the event as its reader may see it: members that are withheld are not there,
so no question can be asked about them. Rules:
1. All conditions hold; of a condition's values one is enough; of a field that stands in an event
   several times (quantities, sensor reports, parties) one is enough.
2. An event without the field does not answer a condition on it.
3. MATCH_ looks at the lists its name tells, at instances or at classes; WD_ takes parts of a place
   for the place.
4. Amounts and measurements with a unit compare in the unit asked, where both are known units of
   one kind; a standard deviation has no zero point to shift.
5. An extension's value compares as a number, a moment or text, whichever both sides can be.
6. HASATTR_ and EQ_ATTR_ ask about the master data of what a field names, never about the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.parts import Timestamp
from trace.core.epcis.query import ANYTHING, THINGS, Condition, Literally, Pattern, Query, Value
from trace.core.epcis.query_names import (
    full_name,
    is_like,
    known_prefixes,
    levels_of,
    member_name,
    same_thing,
    word_address,
)
from trace.core.epcis.query_units import convert
from trace.core.epcis.strict_json import JsonObject, JsonValue
from trace.core.epcis.vocabulary import WordList

Prefixes = tuple[tuple[str, str], ...]
# Attributes of master data: names as of `attribute_name`, each with its values.
Attributes = Mapping[str, tuple[str | float, ...]]
Master = Callable[[str], Attributes]
MAX_NESTING: Final = 64


def no_master_data(uri: str) -> Attributes:
    """Of nothing."""
    return {}


class Subject:
    """One event as its reader may see it, with the record time from the log; `master` gives the
    attributes that the reader may know of what has a canonical address."""

    __slots__ = ("_prefixes", "event", "id_base", "master", "record_time")

    def __init__(
        self,
        event: JsonObject,
        *,
        id_base: str,
        record_time: datetime | None = None,
        master: Master = no_master_data,
    ) -> None:
        self.event = event
        self.master = master
        self.id_base = id_base
        self.record_time = record_time
        self._prefixes: Prefixes | None = None

    @property
    def prefixes(self) -> Prefixes:
        """What the event's own context declares, and the standard's."""
        if self._prefixes is None:
            self._prefixes = known_prefixes(self.id_base, self.event.get("@context"))
        return self._prefixes

    def word(self, text: Any, listed: WordList) -> str:
        """The address of one of its words."""
        return word_address(str(text), listed, self.prefixes)


def matches(query: Query, subject: Subject) -> bool:
    """Whether the event answers all of the query's conditions."""
    return all(holds(condition, subject) for condition in query.conditions)


def holds(condition: Condition, subject: Subject) -> bool:
    """Whether one condition holds."""
    return _KINDS[condition.kind](condition, subject)


# -- kinds of fields -----------------------------------------------------------------------------


def _type(condition: Condition, subject: Subject) -> bool:
    kind = str(subject.event.get("type"))
    return kind in condition.values or full_name(kind, subject.prefixes) in condition.values


def _event_time(condition: Condition, subject: Subject) -> bool:
    return _time_is(condition, subject.event.get("eventTime"))


def _record_time(condition: Condition, subject: Subject) -> bool:
    moment = subject.record_time
    return moment is not None and _compared(condition.test, moment, condition.values[0])


def _action(condition: Condition, subject: Subject) -> bool:
    return subject.event.get("action") in condition.values


def _word(name: str, listed: WordList) -> Callable[[Condition, Subject], bool]:
    def test(condition: Condition, subject: Subject) -> bool:
        text = subject.event.get(name)
        return text is not None and subject.word(text, listed) in condition.values

    return test


def _persistent(condition: Condition, subject: Subject) -> bool:
    told = _object(subject.event.get("persistentDisposition")).get(condition.argument)
    return any(subject.word(one, words.DISPOSITIONS) in condition.values for one in _list(told))


def _place(condition: Condition, subject: Subject) -> bool:
    uri = _object(subject.event.get(condition.argument)).get("id")
    if not isinstance(uri, str):
        return False
    if condition.test == "within":
        return any(level in condition.values for level in levels_of(uri, subject.id_base))
    return same_thing(uri, subject.id_base) in condition.values


def _transformation(condition: Condition, subject: Subject) -> bool:
    return subject.event.get("transformationID") in condition.values


def things_of(subject: Subject, argument: str) -> Iterator[str]:
    """The canonical addresses in the lists that a MATCH_ parameter looks at."""
    if argument == ANYTHING:
        yield from things_of(subject, "anyEPC")
        yield from things_of(subject, "anyEPCClass")
        return
    classes, members = THINGS[argument]
    for member in members:
        for one in _list(subject.event.get(member)):
            uri = _object(one).get("epcClass") if classes else one
            if isinstance(uri, str):
                yield same_thing(uri, subject.id_base)


def _thing(condition: Condition, subject: Subject) -> bool:
    plain = {value for value in condition.values if isinstance(value, str)}
    patterns = [value for value in condition.values if isinstance(value, Pattern)]
    return any(
        uri in plain or any(is_like(pattern, uri) for pattern in patterns)
        for uri in things_of(subject, condition.argument)
    )


def _quantity(condition: Condition, subject: Subject) -> bool:
    for member in THINGS["anyEPCClass"][1]:
        for one in _list(subject.event.get(member)):
            element = _object(one)
            if "quantity" in element and _amount_is(
                condition, element["quantity"], element.get("uom", "")
            ):
                return True
    return False


def _event_id(condition: Condition, subject: Subject) -> bool:
    return subject.event.get("eventID") in condition.values


def _declares_error(condition: Condition, subject: Subject) -> bool:
    return "errorDeclaration" in subject.event


def _error(subject: Subject) -> JsonObject:
    return _object(subject.event.get("errorDeclaration"))


def _error_time(condition: Condition, subject: Subject) -> bool:
    return _time_is(condition, _error(subject).get("declarationTime"))


def _error_reason(condition: Condition, subject: Subject) -> bool:
    text = _error(subject).get("reason")
    return text is not None and subject.word(text, words.ERROR_REASONS) in condition.values


def _corrective(condition: Condition, subject: Subject) -> bool:
    return any(one in condition.values for one in _list(_error(subject).get("correctiveEventIDs")))


def _has_sensors(condition: Condition, subject: Subject) -> bool:
    return bool(_list(subject.event.get("sensorElementList")))


def _sensor_parts(subject: Subject) -> Iterator[JsonObject]:
    """Every sensor's metadata and reports."""
    for element in _list(subject.event.get("sensorElementList")):
        yield _object(_object(element).get("sensorMetadata"))
        for report in _list(_object(element).get("sensorReport")):
            yield _object(report)


def _sensor_time(condition: Condition, subject: Subject) -> bool:
    name = condition.argument
    return any(_time_is(condition, part.get(name)) for part in _sensor_parts(subject))


def _sensor_word(condition: Condition, subject: Subject) -> bool:
    listed = words.MEASUREMENT_TYPES
    return any(
        "type" in part and subject.word(part["type"], listed) in condition.values
        for part in _sensor_parts(subject)
    )


def _sensor_uri(condition: Condition, subject: Subject) -> bool:
    name = condition.argument
    return any(
        isinstance(part.get(name), str)
        and same_thing(full_name(part[name], subject.prefixes), subject.id_base) in condition.values
        for part in _sensor_parts(subject)
    )


def _sensor_text(condition: Condition, subject: Subject) -> bool:
    name = condition.argument
    if name == "hexBinaryValue":
        told = (str(part.get(name, "")).upper() for part in _sensor_parts(subject) if name in part)
        return any(one in condition.values for one in told)
    return any(part.get(name) in condition.values for part in _sensor_parts(subject))


def _sensor_boolean(condition: Condition, subject: Subject) -> bool:
    return any(part.get("booleanValue") is condition.values[0] for part in _sensor_parts(subject))


def _sensor_number(condition: Condition, subject: Subject) -> bool:
    name = condition.argument
    for part in _sensor_parts(subject):
        if name in part and _amount_is(
            condition, part[name], part.get("uom", ""), difference=name == "sDev"
        ):
            return True
    return False


def _party(member: str, name: str, listed: WordList) -> Callable[[Condition, Subject], bool]:
    def test(condition: Condition, subject: Subject) -> bool:
        for one in _list(subject.event.get(member)):
            element = _object(one)
            kind, uri = element.get("type"), element.get(name)
            if (
                isinstance(kind, str)
                and isinstance(uri, str)
                and subject.word(kind, listed) == condition.argument
                and same_thing(uri, subject.id_base) in condition.values
            ):
                return True
        return False

    return test


# -- extensions ----------------------------------------------------------------------------------


def extension_values(
    condition_argument: str, where: str, inner: bool, subject: Subject
) -> list[Any]:
    """What an extension's members of that name hold; `inner` looks below the first level."""
    found: list[Any] = []
    for around in _places(where, subject.event):
        for name, value in around.items():
            if where != "ilmd" and ":" not in name:
                continue  # a standard member, not an extension
            if inner:
                _below(value, condition_argument, subject.prefixes, found, MAX_NESTING)
            elif member_name(name, subject.prefixes) == condition_argument:
                found += value if isinstance(value, list) else [value]
    return found


def _below(value: JsonValue, wanted: str, prefixes: Prefixes, found: list[Any], depth: int) -> None:
    if depth == 0:
        return
    if isinstance(value, list):
        for one in value:
            _below(one, wanted, prefixes, found, depth - 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            if member_name(name, prefixes) == wanted:
                found += one if isinstance(one, list) else [one]
            _below(one, wanted, prefixes, found, depth - 1)


def _places(where: str, event: JsonObject) -> Iterator[JsonObject]:
    if where == "event":
        yield event
    elif where in ("ilmd", "errorDeclaration", "readPoint", "bizLocation"):
        yield _object(event.get(where))
    else:
        for one in _list(event.get("sensorElementList")):
            element = _object(one)
            if where == "sensorElement":
                yield element
            elif where == "sensorMetadata":
                yield _object(element.get("sensorMetadata"))
            else:
                yield from (_object(report) for report in _list(element.get("sensorReport")))


def _extension(condition: Condition, subject: Subject) -> bool:
    values = extension_values(condition.argument, condition.where, condition.inner, subject)
    if condition.test == "exists":
        return bool(values)
    return any(_value_is(condition, value) for value in values)


def _attribute(condition: Condition, subject: Subject) -> bool:
    """An attribute of the master data of what a field names."""
    field, _, attribute = condition.argument.partition("\n")
    for uri in set(_named(field, subject)):
        told = subject.master(uri)
        if condition.test == "has":
            if not told.keys().isdisjoint(condition.values):
                return True
        elif any(_value_is(condition, one) for one in told.get(attribute, ())):
            return True
    return False


def _named(field: str, subject: Subject) -> Iterator[str]:
    """The canonical addresses in a field: a standard one of MASTER_FIELDS, or an extension."""
    if field in ("readPoint", "bizLocation"):
        found = [_object(subject.event.get(field)).get("id")]
    elif field in ("source", "destination"):
        found = [_object(one).get(field) for one in _list(subject.event.get(f"{field}List"))]
    elif field == "epcClass":
        yield from things_of(subject, "anyEPCClass")
        return
    else:
        values = extension_values(field, "event", False, subject)
        found = [one.get("id", one.get("@id")) if isinstance(one, dict) else one for one in values]
    for one in found:
        if isinstance(one, str):
            yield same_thing(full_name(one, subject.prefixes), subject.id_base)


def _value_is(condition: Condition, value: Any) -> bool:
    if isinstance(value, dict):
        value = next((value[key] for key in ("@value", "@id", "id") if key in value), None)
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str | int | float):
        return False
    return any(
        _literal_is(condition.test, value, wanted)
        for wanted in condition.values
        if isinstance(wanted, Literally)
    )


def _literal_is(test: str, value: str | float, wanted: Literally) -> bool:
    if test == "in" and str(value) == wanted.text:
        return True
    if wanted.number is not None:
        number = number_of(value)
        return number is not None and _compared(test, number, wanted.number)
    if wanted.moment is not None and isinstance(value, str):
        moment = moment_of(value)
        return moment is not None and _compared(test, moment, wanted.moment)
    return False


def number_of(value: str | float) -> Decimal | None:
    """A finite number, however written; None for anything else."""
    if isinstance(value, int) and value.bit_length() > 200:
        return None
    text = value if isinstance(value, str) else repr(value)
    if len(text) > 40:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 400 else None


def moment_of(text: str) -> datetime | None:
    """A date and time with its zone, or a date: its first moment in UTC; None for anything else."""
    if len(text) == 10:
        text += "T00:00:00Z"
    if "T" not in text.upper() or len(text) > 60:
        return None
    try:
        moment = Timestamp.read(text)
        moment.timestamp()  # year 1 with an offset east of Greenwich lies before time
    except (ValueError, OverflowError):
        return None
    return moment


# -- comparing -----------------------------------------------------------------------------------


def _compared(test: str, value: Any, wanted: Any) -> bool:
    result: bool
    if test == "in":
        result = value == wanted
    elif test == "gt":
        result = value > wanted
    elif test == "ge":
        result = value >= wanted
    elif test == "lt":
        result = value < wanted
    else:
        result = value <= wanted
    return result


def _time_is(condition: Condition, text: Any) -> bool:
    moment = moment_of(text) if isinstance(text, str) else None
    return moment is not None and _compared(condition.test, moment, condition.values[0])


def _amount_is(condition: Condition, value: Any, unit: Any, *, difference: bool = False) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    told = number_of(value)
    number: Decimal | Fraction | None = told
    if told is not None and condition.unit and unit != condition.unit:
        number = convert(told, str(unit), condition.unit, difference=difference)
    if number is None:
        return False
    return any(_number_is(condition.test, number, wanted) for wanted in condition.values)


def _number_is(test: str, number: Decimal | Fraction, wanted: Value) -> bool:
    if isinstance(number, Fraction) and isinstance(wanted, Decimal):
        return _compared(test, number, Fraction(wanted))
    return _compared(test, number, wanted)


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


_KINDS: Final[dict[str, Callable[[Condition, Subject], bool]]] = {
    "eventType": _type,
    "eventTime": _event_time,
    "recordTime": _record_time,
    "action": _action,
    "bizStep": _word("bizStep", words.BIZ_STEPS),
    "disposition": _word("disposition", words.DISPOSITIONS),
    "persistentDisposition": _persistent,
    "place": _place,
    "transformationID": _transformation,
    "thing": _thing,
    "quantity": _quantity,
    "eventID": _event_id,
    "errorDeclaration": _declares_error,
    "errorTime": _error_time,
    "errorReason": _error_reason,
    "correctiveEventID": _corrective,
    "sensorElementList": _has_sensors,
    "sensorTime": _sensor_time,
    "sensorWord": _sensor_word,
    "sensorUri": _sensor_uri,
    "sensorText": _sensor_text,
    "sensorBoolean": _sensor_boolean,
    "sensorNumber": _sensor_number,
    "bizTransaction": _party("bizTransactionList", "bizTransaction", words.BIZ_TRANSACTION_TYPES),
    "source": _party("sourceList", "source", words.SOURCE_DESTINATION_TYPES),
    "destination": _party("destinationList", "destination", words.SOURCE_DESTINATION_TYPES),
    "extension": _extension,
    "attribute": _attribute,
}
