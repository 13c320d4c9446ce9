"""The EPCIS query language as a typed tree (EPCIS 2.0 §8.2.7.1; the standard's query-schema.json).

A query is a list of conditions, all of which must hold, an order, and a limit. One condition is one
parameter: a field of the event, a test, and the values of which one must pass ("OR inside a
parameter, AND across"). `query_parsing` reads parameters into it, `query_matching` says whether an
event answers it; a database may narrow the events down first, but that judgement stands.

A parameter that is not understood is refused and never ignored: the answer would look
narrower than it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from trace.core.epcis.errors import EpcisError
from trace.errors import Refused

Test = Literal["in", "gt", "ge", "lt", "le", "exists", "within", "has"]
Where = Literal[
    "event",
    "ilmd",
    "errorDeclaration",
    "sensorElement",
    "sensorMetadata",
    "sensorReport",
    "readPoint",
    "bizLocation",
]
Kind = Literal[
    "eventType",
    "eventTime",
    "recordTime",
    "action",
    "bizStep",
    "disposition",
    "persistentDisposition",  # argument: set | unset
    "place",  # argument: readPoint | bizLocation
    "transformationID",
    "thing",  # argument: a key of THINGS
    "quantity",  # argument: unit, "" for any
    "eventID",
    "errorDeclaration",
    "errorTime",
    "errorReason",
    "correctiveEventID",
    "sensorElementList",
    "sensorTime",  # argument: time | startTime | endTime
    "sensorWord",  # type
    "sensorUri",  # argument: the attribute
    "sensorText",
    "sensorBoolean",
    "sensorNumber",  # argument: the attribute; unit "" for any
    "bizTransaction",  # argument: address of the type
    "source",
    "destination",
    "extension",  # argument: normalised name
    "attribute",  # of the master data of what a field names: argument "field\nattribute"
]

# What each MATCH_ parameter looks at: members holding instances, or lists of quantity elements.
THINGS: dict[str, tuple[bool, tuple[str, ...]]] = {
    "epc": (False, ("epcList", "childEPCs")),
    "parentID": (False, ("parentID",)),
    "inputEPC": (False, ("inputEPCList",)),
    "outputEPC": (False, ("outputEPCList",)),
    "anyEPC": (False, ("epcList", "childEPCs", "parentID", "inputEPCList", "outputEPCList")),
    "epcClass": (True, ("quantityList", "childQuantityList")),
    "inputEPCClass": (True, ("inputQuantityList",)),
    "outputEPCClass": (True, ("outputQuantityList",)),
    "anyEPCClass": (
        True,
        ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"),
    ),
}
# The standard's fields that name things there is master data of (§8.2.7.1, HASATTR_ and EQ_ATTR_).
MASTER_FIELDS = ("bizLocation", "readPoint", "source", "destination", "epcClass")
# What `/epcs/{epc}/events` looks at: everything an event names.
ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Pattern:
    """An EPC pattern such as urn:epc:idpat:sgtin:893601234.5678.*: canonical addresses that begin
    with one of `starts` and then, where `inside` is given, hold it."""

    text: str
    starts: tuple[str, ...]
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Literally:
    """A value for a field of any type: as it was written, and what else it may be."""

    text: str
    number: Decimal | None = None
    moment: datetime | None = None


Value = str | bool | Decimal | datetime | Pattern | Literally


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter. `name` is it as it was given, for messages; `unit` a UN/ECE code."""

    name: str
    kind: Kind
    test: Test
    values: tuple[Value, ...] = ()
    argument: str = ""
    unit: str = ""
    where: Where = "event"
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What results are sorted by: eventTime, recordTime, or an extension's normalised name."""

    by: str
    descending: bool = True
    where: Where = "event"

    @property
    def by_extension(self) -> bool:
        return self.by not in ("eventTime", "recordTime")


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. `event_count_limit` keeps the first N, `max_event_count` refuses more."""

    conditions: tuple[Condition, ...] = ()
    order: Order | None = None
    event_count_limit: int | None = None
    max_event_count: int | None = None

    def of(self, kind: Kind, *tests: Test) -> list[Condition]:
        """The conditions on one kind of field (with one of these tests, where given)."""
        return [c for c in self.conditions if c.kind == kind and (not tests or c.test in tests)]

    def along_with(self, *conditions: Condition) -> Query:
        """The same, narrowed further."""
        return Query(
            (*self.conditions, *conditions),
            self.order,
            self.event_count_limit,
            self.max_event_count,
        )


class QueryParameterError(EpcisError):
    """A parameter that is unknown, or whose value does not fit."""

    code: ClassVar[str] = "query-parameter"
    message: ClassVar[str] = "The query parameter %(name)s is not understood: %(reason)s."
    exception: ClassVar[str] = "QueryParameterException"


class QueryRefused(Refused):
    """Several parameters are wrong."""

    code = "query-parameters"
    exception: ClassVar[str] = "QueryParameterException"


class QueryTooComplex(EpcisError):
    code: ClassVar[str] = "query-too-complex"
    status: ClassVar[int] = 413
    message: ClassVar[str] = "This query asks for more work than one answer may take: %(reason)s."
    next_step: ClassVar[str] = "Narrow it by eventTime, by what it matches or by business step."
    exception: ClassVar[str] = "QueryTooComplexException"


class QueryTooLarge(EpcisError):
    code: ClassVar[str] = "query-too-large"
    status: ClassVar[int] = 413
    message: ClassVar[str] = "More than %(limit)d events answer this query."
    exception: ClassVar[str] = "QueryTooLargeException"
