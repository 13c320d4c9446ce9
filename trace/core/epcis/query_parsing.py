"""Query parameters into a query: from an address's query string, or from a JSON object.

Rules (EPCIS 2.0 §8.2.7.1, §12; the standard's openapi.yaml and query-schema.json):
1. In an address a list is delimited by `|`; a list given twice is one list. In JSON a list is an
   array; a single value is taken for a list of one.
2. Every spelling the standard has published is read: GE_errorDeclarationTime and
   GE_errorDeclaration_Time, EQATTR_ and EQ_ATTR_, words bare, by prefix, as addresses and as URNs.
3. EXISTS_ needs no value; `false` and 0 take it back.
4. A prefix must be known: the standard's, ours, declared by `@context` or by GS1-Extensions.
5. HASATTR_ and EQ_ATTR_ ask about master data; a bare attribute's name is CBV's (cbvmda:).
6. What is not understood is refused, every parameter that is wrong with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.query import (
    MASTER_FIELDS,
    THINGS,
    Condition,
    Kind,
    Order,
    Query,
    QueryParameterError,
    QueryRefused,
    QueryTooComplex,
    Test,
    Value,
    Where,
)
from trace.core.epcis.query_names import attribute_name, known_prefixes, member_name
from trace.core.epcis.query_values import (
    Asked,
    Wrong,
    is_address,
    is_wanted,
    name_is_known,
    read_actions,
    read_hex,
    read_literals,
    read_moment,
    read_number,
    read_numbers,
    read_texts,
    read_things,
    read_truth,
    read_types,
    read_uris,
    word_reader,
)
from trace.core.epcis.strict_json import JsonValue
from trace.core.epcis.vocabulary import WordList

MAX_PARAMETERS: Final = 100
MAX_VALUES: Final = 1000  # of one parameter
MAX_TEXT: Final = 4000
MAX_COUNT: Final = 2**31 - 1
_CONTROL: Final = re.compile("[\0\ud800-\udfff]")


def parse_arguments(
    pairs: Iterable[tuple[str, str]],
    *,
    id_base: str,
    extensions: Mapping[str, str] | None = None,
) -> Query:
    """The query that the (name, value) pairs of an address ask, paging left out by the caller.

    `extensions` are the prefixes of the GS1-Extensions header. Raises QueryParameterError,
    QueryRefused with several of them, or QueryTooComplex.
    """
    given: dict[str, list[Any]] = {}
    repeated = set()
    for name, text in pairs:
        if name in given:
            repeated.add(name)
        # A free text may hold the delimiter; a list of the standard's cannot.
        given.setdefault(name, []).extend(text.split("|") if text else [])
    return _parse(given, repeated, known_prefixes(id_base, None, extensions), id_base)


def parse_query(
    value: JsonValue, *, id_base: str, extensions: Mapping[str, str] | None = None
) -> Query:
    """The query a JSON object asks (query-schema.json), as a named query's `query` member holds it.
    Raises what parse_arguments does."""
    if not isinstance(value, dict):
        raise QueryParameterError(path="", name="query", reason="an object is expected")
    context = value.get("@context")
    given = {
        name: list(asked) if isinstance(asked, list) else [] if asked is None else [asked]
        for name, asked in value.items()
        if name != "@context"
    }
    return _parse(given, set(), known_prefixes(id_base, context, extensions), id_base)


def parse_extensions(header: str) -> dict[str, str]:
    """The prefixes of a GS1-Extensions header: `prefix=namespace`, separated by commas. Raises
    QueryParameterError."""
    found = {}
    for part in header.split(",") if header.strip() else ():
        prefix, equals, namespace = (text.strip() for text in part.partition("="))
        if not equals or not re.fullmatch(r"[A-Za-z_][\w.-]*", prefix) or not is_address(namespace):
            raise QueryParameterError(
                path="GS1-Extensions", name="GS1-Extensions", reason="prefix=namespace is expected"
            )
        found[prefix] = namespace
    return found


def _parse(
    given: Mapping[str, Sequence[Any]],
    repeated: Iterable[str],
    prefixes: tuple[tuple[str, str], ...],
    id_base: str,
) -> Query:
    if len(given) > MAX_PARAMETERS:
        raise QueryTooComplex(reason=f"more than {MAX_PARAMETERS} parameters")
    conditions: list[Condition] = []
    options: dict[str, Any] = {}
    wrong: list[QueryParameterError] = []
    for name, values in given.items():
        shown = _CONTROL.sub("\ufffd", name[:200])
        try:
            _check(name, values)
            asked = Asked(name, list(values), prefixes, id_base)
            if name in _OPTIONS:
                if name in repeated:
                    raise Wrong("it is given twice")
                options[name] = _OPTIONS[name](asked)
                continue
            conditions += _conditions(asked)
        except Wrong as error:
            wrong.append(QueryParameterError(path=shown, name=shown, reason=str(error)))
    if options.get("eventCountLimit") and options.get("maxEventCount"):
        reason = "eventCountLimit and maxEventCount exclude one another"
        wrong.append(QueryParameterError(path="maxEventCount", name="maxEventCount", reason=reason))
    if wrong:
        raise wrong[0] if len(wrong) == 1 else QueryRefused(wrong)
    order = options.get("orderBy")
    if order is not None:
        order = Order(order.by, options.get("orderDirection", "DESC") == "DESC", order.where)
    return Query(
        tuple(conditions), order, options.get("eventCountLimit"), options.get("maxEventCount")
    )


def _check(name: str, values: Sequence[Any]) -> None:
    if len(values) > MAX_VALUES:
        raise QueryTooComplex(path=name[:100], reason=f"more than {MAX_VALUES} values")
    for text in (name, *(value for value in values if isinstance(value, str))):
        if _CONTROL.search(text):
            raise Wrong("it holds a character that no text has")
        if len(text) > MAX_TEXT:
            raise Wrong("it is too long")


def _conditions(asked: Asked) -> list[Condition]:
    fixed = FIXED.get(asked.name)
    if fixed is not None:
        return fixed.read(asked)
    for pattern, read in _PATTERNS:
        found = pattern.fullmatch(asked.name)
        if found is not None:
            return read(asked, found)
    raise Wrong("it is not known here")


# -- parameters with fixed names -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """A parameter of a fixed name: the field it looks at, the test, how its values are read."""

    kind: Kind
    test: Test
    values: Callable[[Asked], tuple[Value, ...]] | None = None  # None: it needs no value
    argument: str = field(default="")

    def read(self, asked: Asked) -> list[Condition]:
        if self.values is None:
            wanted = is_wanted(asked)
            return [Condition(asked.name, self.kind, self.test)] if wanted else []
        return [Condition(asked.name, self.kind, self.test, self.values(asked), self.argument)]


def _between(kind: Kind, *names: str, argument: str = "") -> dict[str, Fixed]:
    tests: tuple[tuple[str, Test], ...] = (("GE", "ge"), ("LT", "lt"))
    return {
        f"{start}_{name}": Fixed(kind, test, read_moment, argument)
        for name in names
        for start, test in tests
    }


_ORDERED: Final[tuple[tuple[str, Test], ...]] = (
    ("GT", "gt"),
    ("GE", "ge"),
    ("LT", "lt"),
    ("LE", "le"),
)

_LOCATIONS: Final = ("readPoint", "bizLocation")

FIXED: Final[dict[str, Fixed]] = {
    "eventType": Fixed("eventType", "in", read_types),
    **_between("eventTime", "eventTime"),
    **_between("recordTime", "recordTime"),
    "EQ_action": Fixed("action", "in", read_actions),
    "EQ_bizStep": Fixed("bizStep", "in", word_reader(words.BIZ_STEPS)),
    "EQ_disposition": Fixed("disposition", "in", word_reader(words.DISPOSITIONS)),
    **{
        f"EQ_persistentDisposition_{part}": Fixed(
            "persistentDisposition", "in", word_reader(words.DISPOSITIONS), part
        )
        for part in ("set", "unset")
    },
    **{
        f"EQ_{name}": Fixed("place", "in", read_uris, name) for name in ("readPoint", "bizLocation")
    },
    **{
        f"WD_{name}": Fixed("place", "within", read_uris, name)
        for name in ("readPoint", "bizLocation")
    },
    "EQ_transformationID": Fixed("transformationID", "in", read_texts),
    **{f"MATCH_{name}": Fixed("thing", "in", read_things, name) for name in THINGS},
    "EQ_quantity": Fixed("quantity", "in", read_numbers),
    **{f"{start}_quantity": Fixed("quantity", test, read_number) for start, test in _ORDERED},
    "EQ_eventID": Fixed("eventID", "in", read_texts),
    "EXISTS_errorDeclaration": Fixed("errorDeclaration", "exists"),
    **_between("errorTime", "errorDeclarationTime", "errorDeclaration_Time"),
    "EQ_errorReason": Fixed("errorReason", "in", word_reader(words.ERROR_REASONS)),
    "EQ_correctiveEventID": Fixed("correctiveEventID", "in", read_texts),
    "EXISTS_sensorElementList": Fixed("sensorElementList", "exists"),
    **_between("sensorTime", "time", argument="time"),
    **_between("sensorTime", "startTime", argument="startTime"),
    **_between("sensorTime", "endTime", argument="endTime"),
    "EQ_type": Fixed("sensorWord", "in", word_reader(words.MEASUREMENT_TYPES)),
    **{
        f"EQ_{name}": Fixed("sensorUri", "in", read_uris, name)
        for name in (
            *("deviceID", "dataProcessingMethod", "microorganism", "chemicalSubstance"),
            *("bizRules", "uriValue"),
        )
    },
    "EQ_stringValue": Fixed("sensorText", "in", read_texts, "stringValue"),
    "EQ_hexBinaryValue": Fixed("sensorText", "in", read_hex, "hexBinaryValue"),
    "EQ_booleanValue": Fixed("sensorBoolean", "in", read_truth),
    "EQ_percRank": Fixed("sensorNumber", "in", read_numbers, "percRank"),
    **{
        f"{start}_percRank": Fixed("sensorNumber", test, read_number, "percRank")
        for start, test in _ORDERED
    },
}


# -- parameters with a part that varies ----------------------------------------------------------

_TESTS: Final[dict[str, Test]] = {"EQ": "in", "EXISTS": "exists", **dict(_ORDERED)}
_PLACES: Final[dict[str, Where]] = {
    "ILMD_": "ilmd",
    "ERROR_DECLARATION_": "errorDeclaration",
    "SENSORELEMENT_": "sensorElement",
    "SENSORMETADATA_": "sensorMetadata",
    "SENSORREPORT_": "sensorReport",
    "readPoint_": "readPoint",
    "bizLocation_": "bizLocation",
    "": "event",
}


def _party(asked: Asked, found: re.Match[str]) -> list[Condition]:
    kind, listed = _PARTIES[found[1]]
    (address,) = word_reader(listed)(Asked(asked.name, [found[2]], asked.prefixes, asked.id_base))
    return [Condition(asked.name, kind, "in", read_uris(asked), str(address))]


_PARTIES: Final[dict[str, tuple[Kind, WordList]]] = {
    "bizTransaction": ("bizTransaction", words.BIZ_TRANSACTION_TYPES),
    "source": ("source", words.SOURCE_DESTINATION_TYPES),
    "destination": ("destination", words.SOURCE_DESTINATION_TYPES),
}


def _amount(asked: Asked, found: re.Match[str]) -> list[Condition]:
    test = _TESTS[found[1]]
    values = read_numbers(asked) if test == "in" else read_number(asked)
    kind: Kind = "quantity" if found[2] == "quantity" else "sensorNumber"
    argument = "" if kind == "quantity" else found[2]
    return [Condition(asked.name, kind, test, values, argument, unit=found[3])]


def _extension_name(asked: Asked, text: str) -> str:
    name_is_known(asked, text)
    return member_name(text, asked.prefixes)


def _extension(asked: Asked, found: re.Match[str]) -> list[Condition]:
    test, name = _TESTS[found[1]], _extension_name(asked, found[4])
    values: tuple[Value, ...] = ()
    if test != "exists":
        values = read_literals(asked, test)
    elif not is_wanted(asked):
        return []
    where = _PLACES[found[3] or ""]
    return [
        Condition(asked.name, "extension", test, values, name, where=where, inner=bool(found[2]))
    ]


def _field(asked: Asked, text: str) -> str:
    """A field that names things with master data: one of the standard's, or an extension's."""
    return text if text in MASTER_FIELDS else _extension_name(asked, text)


def _has_attribute(asked: Asked, found: re.Match[str]) -> list[Condition]:
    name = _field(asked, found[1])
    values = sorted({attribute_name(text, asked.prefixes) for text in asked.texts()})
    return [Condition(asked.name, "attribute", "has", tuple(values), f"{name}\n")]


def _is_attribute(asked: Asked, found: re.Match[str]) -> list[Condition]:
    """The last underscore before which the name is known divides the two names."""
    text = found[1]
    at = text.rfind("_")
    while at > 0:
        field_name, attribute = text[:at], text[at + 1 :]
        if attribute and (":" in field_name or field_name in MASTER_FIELDS):
            name = _field(asked, field_name)
            wanted = attribute_name(attribute, asked.prefixes)
            values = read_literals(asked, "in")
            return [Condition(asked.name, "attribute", "in", values, f"{name}\n{wanted}")]
        at = text.rfind("_", 0, at)
    raise Wrong("a field's and an attribute's name are expected")


_Read = Callable[[Asked, re.Match[str]], list[Condition]]
_NUMBERS: Final = "quantity|value|minValue|maxValue|meanValue|sDev|percValue"
_PATTERNS: Final[tuple[tuple[re.Pattern[str], _Read], ...]] = (
    (re.compile(r"EQ_(bizTransaction|source|destination)_(.+)"), _party),
    (re.compile(rf"(EQ|GT|GE|LT|LE)_({_NUMBERS})_([A-Z0-9]{{2,4}})"), _amount),
    (re.compile(r"HASATTR_(.+)"), _has_attribute),
    (re.compile(r"EQ_?ATTR_(.+_.+)"), _is_attribute),
    (
        re.compile(
            r"(EQ|GT|GE|LT|LE|EXISTS)_(INNER_)?"
            r"(ILMD_|ERROR_DECLARATION_|SENSORELEMENT_|SENSORMETADATA_|SENSORREPORT_|readPoint_|"
            r"bizLocation_)?(.+:.+)"
        ),
        _extension,
    ),
)


# -- options -------------------------------------------------------------------------------------


def _order_by(asked: Asked) -> Order:
    text = asked.one()
    if text in ("eventTime", "recordTime"):
        return Order(text)
    if not isinstance(text, str) or ":" not in text:
        raise Wrong("eventTime, recordTime or the name of an extension is expected")
    where: Where = "ilmd" if text.startswith("ILMD_") else "event"
    return Order(_extension_name(asked, text.removeprefix("ILMD_")), where=where)


def _direction(asked: Asked) -> str:
    text = asked.one()
    if text not in ("ASC", "DESC"):
        raise Wrong("ASC or DESC is expected")
    return str(text)


def _count(asked: Asked) -> int:
    value = asked.one()
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(min(value, MAX_COUNT + 1)) if value > 0 else ""
    text = value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,10}", text):
        raise Wrong("a whole number from 1 on is expected")
    if not 1 <= int(text) <= MAX_COUNT:
        raise Wrong("a whole number from 1 on is expected")
    return int(text)


_OPTIONS: Final[dict[str, Callable[[Asked], Any]]] = {
    "orderBy": _order_by,
    "orderDirection": _direction,
    "eventCountLimit": _count,
    "maxEventCount": _count,
}
