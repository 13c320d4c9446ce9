"""What every record has in common, and the parts events are built from. Pure: no clock, no
database.

A record is one EPCIS 2.0 event (sometimes several that belong together), made as the JSON-LD object
that is signed. When, where, who did it and who wrote it down come as a `Record`; what happened is
the builder's own argument. Addresses are those printed (`{id_base}/…`). The eventID is an argument:
a form sent twice must give the same bytes (see `Draw`).
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from trace.core.gs1 import new_code, new_serial
from trace.services.vocabulary import Amount, context, step

JsonObject = dict[str, Any]

# Vietnam has one zone and no summer time; other offsets come only from machines.
LOCAL_ZONE: Final = timezone(timedelta(hours=7))
LOCAL_OFFSET: Final = "+07:00"
# A second declaration replaces these; the signature adds `trace:members` itself.
_NOT_REPEATED: Final = ("recordTime", "errorDeclaration", "trace:corrects", "trace:members")


@dataclass(frozen=True, slots=True)
class Record:
    """When (aware), where and who: what any record says beside what happened.

    `place` and `location` are printed addresses: where it happened, and where the things are from
    then on. `performed_by` is a member household's code, `recorded_by` the organisation's address.
    """

    id_base: str
    event_id: str
    event_time: datetime
    place: str = ""
    location: str = ""
    performed_by: str = ""
    recorded_by: str = ""
    note: str = ""
    attachments: tuple[JsonObject, ...] = ()

    def another(self, event_id: str) -> Record:
        """The same circumstances for a further event; photos stay with the first."""
        return replace(self, event_id=event_id, attachments=())


@dataclass(frozen=True, slots=True)
class Item:
    """A thing of an event: its printed address, how much of it, and whether it is one object.

    Lots, products and cycles are classes and go into quantity lists; logistic units are single
    objects and go into EPC lists, without a quantity.
    """

    uri: str
    amount: Amount | None = None
    single: bool = False


@dataclass(frozen=True, slots=True)
class LotFacts:
    """What is known of a new lot at its birth: instance/lot master data (EPCIS `ilmd`)."""

    lot_number: str = ""
    product: str = ""  # address of the product
    product_name: str = ""
    variety: str = ""
    harvest: tuple[date, date] | None = None
    use_by: date | None = None
    best_before: date | None = None
    more: Mapping[str, Any] | None = None

    def ilmd(self) -> JsonObject:
        """The members, only those that are known."""
        first, last = self.harvest or (None, None)
        members: JsonObject = {
            "cbvmda:lotNumber": self.lot_number,
            "trace:product": self.product,
            "trace:productName": self.product_name,
            "trace:variety": self.variety,
            "cbvmda:harvestStartDate": first.isoformat() if first else "",
            "cbvmda:harvestEndDate": last.isoformat() if last else "",
            "cbvmda:itemExpirationDate": self.use_by.isoformat() if self.use_by else "",
            "cbvmda:bestBeforeDate": self.best_before.isoformat() if self.best_before else "",
            **(self.more or {}),
        }
        return {name: value for name, value in members.items() if value not in ("", None, {})}


class Draw:
    """Codes and event ids drawn from a form's key: the same form draws the same again.

    So a form that is sent twice asks for the same events, byte by byte, and the second sending is
    recognised as a repeat. The secret keeps others from choosing our codes.
    """

    def __init__(self, secret: str, organisation: str, form_key: str) -> None:
        self._key = hmac.digest(secret.encode(), f"{organisation}\n{form_key}".encode(), "sha256")
        self._count = 0

    def randbytes(self, length: int) -> bytes:
        """The next `length` bytes."""
        found = b""
        while len(found) < length:
            self._count += 1
            found += hmac.digest(self._key, self._count.to_bytes(8, "big"), hashlib.sha256)
        return found[:length]

    def event_id(self) -> str:
        """A random UUID (version 4) as a URN."""
        return f"urn:uuid:{uuid.UUID(bytes=self.randbytes(16), version=4)}"

    def code(self) -> str:
        """One of our own codes (formats §1)."""
        return new_code(self.randbytes)

    def serial(self) -> str:
        """A unit's serial."""
        return new_serial(self.randbytes)


def number(value: Decimal) -> int | float:
    """A JSON number: whole where it is whole, otherwise the nearest double."""
    return int(value) if value == value.to_integral_value() else float(value)


def local_time(moment: datetime) -> str:
    """`2026-11-22T07:10:00+07:00`; milliseconds only where there are any. Raises ValueError for a
    naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.astimezone(LOCAL_ZONE).isoformat(timespec=precision)


def quantity(item: Item) -> JsonObject:
    """A quantity element (EPCIS 2.0, section 7.3.3.3): absent unit counts, absent number is
    unknown."""
    element: JsonObject = {"epcClass": item.uri}
    if item.amount is not None:
        element["quantity"] = number(item.amount.quantity)
        if item.amount.uom:
            element["uom"] = item.amount.uom
    return element


def listed(items: Sequence[Item], epcs: str, quantities: str) -> JsonObject:
    """The items as the two lists an event keeps them in; an empty list is left out."""
    found: JsonObject = {}
    single = [item.uri for item in items if item.single]
    classes = [quantity(item) for item in items if not item.single]
    if single:
        found[epcs] = single
    if classes:
        found[quantities] = classes
    return found


def event(
    record: Record,
    kind: str,
    biz_step: str,
    *,
    action: str = "",
    disposition: str = "",
    parts: Mapping[str, Any] | None = None,
) -> JsonObject:
    """An event of the five types with what every record says; `parts` are its own members."""
    found: JsonObject = {
        "@context": context(record.id_base),
        "type": kind,
        "eventID": record.event_id,
        "eventTime": local_time(record.event_time),
        "eventTimeZoneOffset": LOCAL_OFFSET,
    }
    if action:
        found["action"] = action
    found["bizStep"] = step(biz_step)
    if disposition:
        found["disposition"] = disposition
    if record.place:
        found["readPoint"] = {"id": record.place}
    if record.location:
        found["bizLocation"] = {"id": record.location}
    found.update(parts or {})
    own = {
        "trace:performedBy": record.performed_by,
        "trace:recordedBy": record.recorded_by,
        "trace:note": record.note,
        "trace:attachments": list(record.attachments),
    }
    found.update({name: value for name, value in own.items() if value})
    return found


def observed(
    record: Record,
    biz_step: str,
    items: Sequence[Item],
    *,
    action: str = "OBSERVE",
    disposition: str = "",
    parts: Mapping[str, Any] | None = None,
) -> JsonObject:
    """An ObjectEvent about the items: ADD makes them, OBSERVE sees them, DELETE ends them."""
    return event(
        record,
        "ObjectEvent",
        biz_step,
        action=action,
        disposition=disposition,
        parts={**listed(items, "epcList", "quantityList"), **(parts or {})},
    )


def aggregated(
    record: Record,
    biz_step: str,
    parent: str,
    items: Sequence[Item],
    *,
    action: str,
    disposition: str = "",
) -> JsonObject:
    """An AggregationEvent: the items are put into the parent (ADD) or taken out (DELETE)."""
    return event(
        record,
        "AggregationEvent",
        biz_step,
        action=action,
        disposition=disposition,
        parts={"parentID": parent, **listed(items, "childEPCs", "childQuantityList")},
    )


def transformed(
    record: Record,
    biz_step: str,
    inputs: Sequence[Item],
    outputs: Sequence[Item],
    *,
    ilmd: Mapping[str, Any] | None = None,
    disposition: str = "",
    parts: Mapping[str, Any] | None = None,
) -> JsonObject:
    """A TransformationEvent: inputs are used up, in whole or in part, and outputs appear."""
    members: JsonObject = {
        **listed(inputs, "inputEPCList", "inputQuantityList"),
        **listed(outputs, "outputEPCList", "outputQuantityList"),
        **(parts or {}),
    }
    if ilmd:
        members["ilmd"] = dict(ilmd)
    return event(record, "TransformationEvent", biz_step, disposition=disposition, parts=members)


def declare_error(
    original: JsonObject,
    statement_id: str,
    *,
    id_base: str,
    at: datetime,
    reason: str,
    corrective: Sequence[str] = (),
) -> JsonObject:
    """The original event, declared to be in error. Without corrective events it is void."""
    declaration: JsonObject = {"declarationTime": local_time(at), "reason": reason}
    if corrective:
        declaration["correctiveEventIDs"] = list(corrective)
    kept = {name: value for name, value in original.items() if name not in _NOT_REPEATED}
    return {
        **kept,
        "@context": original.get("@context", context(id_base)),
        "errorDeclaration": declaration,
        "trace:corrects": statement_id,
    }
