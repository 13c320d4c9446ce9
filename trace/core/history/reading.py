"""From an event as it is disclosed to the parts of a fact: one reading for pages and verifiers.

Shapes are those of EPCIS 2.0 and of our own members (docs/reference/vocabulary.md). What is not
declared, withheld or of another shape is left out: history is told from what is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from trace.core.history.facts import Fact, Treatment, Use
from trace.core.remembering import remembered

LOCAL_OFFSET: Final = 420  # minutes: Viet Nam's, where an event gives none that can be read

Json = Mapping[str, Any]


def bare_step(biz_step: object) -> str:
    """The word alone, whichever way the step is written: short form, full address or bare."""
    return _bare(biz_step) if isinstance(biz_step, str) else ""


@remembered(256)  # there are some sixty steps
def _bare(text: str) -> str:
    for mark in ("/voc/", "trace:", "BizStep-"):
        _, found, rest = text.rpartition(mark)
        if found:
            return rest
    return text


def treatments_of(event: Json) -> tuple[Treatment, ...]:
    """What was used, and the days its label asks (`trace:inputs`)."""
    inputs = event.get("trace:inputs")
    return tuple(
        Treatment(str(one.get("name", "")), _days(one.get("intervalDays")))
        for one in (inputs if isinstance(inputs, list) else [])
        if isinstance(one, dict)
    )


def _days(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return int(value)


def declared_none_of(event: Json) -> frozenset[str]:
    """What the farmer said was not used (`trace:declaredNone`)."""
    return frozenset(_texts(event.get("trace:declaredNone")))


def beyond_limits(event: Json) -> bool:
    """Whether a series of readings lay outside its limits for a time (`trace:measured`), or a
    sensor said so itself (`exception`, EPCIS 2.0, section 7.3.7)."""
    told = event.get("trace:measured")
    if any(
        isinstance(one, dict) and _positive(one.get("minutesOutside"))
        for one in (told if isinstance(told, list) else [])
    ):
        return True
    elements = event.get("sensorElementList")
    return any(
        isinstance(report, dict) and report.get("exception") == "ALARM_CONDITION"
        for element in (elements if isinstance(elements, list) else [])
        if isinstance(element, dict) and isinstance(element.get("sensorReport"), list)
        for report in element["sensorReport"]
    )


def _positive(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and value > 0


def quantity_of(element: Json) -> tuple[Decimal | None, str]:
    """(quantity, unit) of an element of a quantity list; None where it gives no amount."""
    value, unit = element.get("quantity"), element.get("uom")
    amount = None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = None
    if amount is not None and not amount.is_finite():
        amount = None
    return amount, unit if isinstance(unit, str) else ""


def minutes_of(offset: object) -> int:
    """`+07:00` is 420 minutes."""
    text = offset if isinstance(offset, str) else ""
    hours, _, minutes = text[1:].partition(":")
    if text[:1] not in ("+", "-") or not (_is_short_number(hours) and _is_short_number(minutes)):
        return LOCAL_OFFSET
    found = int(hours) * 60 + int(minutes)
    return -found if text[0] == "-" else found


def _is_short_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) == 2


def fact_of(
    event: Json,
    *,
    statement: str,
    issuer: str,
    event_time: datetime,
    uses: Sequence[Use],
    index: int | None = None,
    record_time: datetime | None = None,
    withheld: Collection[str] = (),
) -> Fact:
    """The fact of a disclosed event. Parties of handovers are not read: they need a register."""
    declaration = event.get("errorDeclaration")
    correctives = declaration.get("correctiveEventIDs") if isinstance(declaration, dict) else ()
    notice = event.get("trace:notice")
    corrects, action = event.get("trace:corrects"), event.get("action")
    return Fact(
        statement=statement,
        issuer=issuer,
        type=str(event.get("type", "")),
        event_time=event_time,
        uses=tuple(uses),
        step=bare_step(event.get("bizStep")),
        action=action if isinstance(action, str) else None,
        index=index,
        record_time=record_time,
        offset=minutes_of(event.get("eventTimeZoneOffset")),
        event_id=str(event.get("eventID", "")),
        declares_error=declaration is not None,
        corrects=corrects if isinstance(corrects, str) else None,
        corrective=tuple(_texts(correctives)),
        notice=str(notice.get("kind")) if isinstance(notice, dict) else None,
        ends=ends_of(notice),
        treatments=treatments_of(event),
        declared_none=declared_none_of(event),
        beyond_limits=beyond_limits(event),
        members=frozenset(event),
        withheld=frozenset(withheld),
    )


def ends_of(notice: object) -> frozenset[str]:
    """The notices that a release names as ended."""
    return frozenset(_texts(notice.get("ends"))) if isinstance(notice, dict) else frozenset()


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
