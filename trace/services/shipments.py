"""Events of a handover: what the giver says and what the taker says. Pure builders.

Source and destination name the parties and the places (CBV 2.0, section 7.4); the delivery note is
a business transaction of type desadv. Each side speaks for itself: one side alone is a one-sided
handover, which blocks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trace.services.records import Item, JsonObject, LotFacts, Record, number, observed
from trace.services.vocabulary import Amount


@dataclass(frozen=True, slots=True)
class Parties:
    """Who gives to whom, from where to where, under which note: printed addresses, "" unknown."""

    giver: str = ""
    taker: str = ""
    from_place: str = ""
    to_place: str = ""
    note: str = ""

    def parts(self) -> JsonObject:
        """The members of an event."""
        found: JsonObject = {}
        if self.note:
            found["bizTransactionList"] = [{"type": "desadv", "bizTransaction": self.note}]
        sources = _ends("source", self.giver, self.from_place)
        destinations = _ends("destination", self.taker, self.to_place)
        if sources:
            found["sourceList"] = sources
        if destinations:
            found["destinationList"] = destinations
        return found


def _ends(member: str, party: str, place: str) -> list[JsonObject]:
    ends = [{"type": "owning_party", member: party}] if party else []
    if place:
        ends.append({"type": "location", member: place})
    return ends


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what came: what the note says, and what was counted."""

    item: Item  # with the amount that came
    sent: Amount | None = None
    reason: str = ""

    @property
    def missing(self) -> Decimal | None:
        """Sent less received, in the note's unit; None where it cannot be compared or is nought."""
        got = self.item.amount
        if self.sent is None or got is None or self.sent.uom != got.uom:
            return None
        return (self.sent.quantity - got.quantity) or None


@dataclass(frozen=True, slots=True)
class External:
    """Goods that came without a code: what the taker says of their origin."""

    supplier: str = ""
    place: str = ""
    date: date | None = None
    code: str = ""

    def to_json(self) -> JsonObject:
        """The member `trace:externalSource`; what is not known is absent."""
        day = self.date.isoformat() if self.date else ""
        found = {"supplier": self.supplier, "place": self.place, "date": day, "code": self.code}
        return {name: value for name, value in found.items() if value}


def ship(record: Record, items: Sequence[Item], parties: Parties) -> JsonObject:
    """The giver's side."""
    return observed(record, "shipping", items, disposition="in_transit", parts=parties.parts())


def receive(
    record: Record, lines: Sequence[Line], parties: Parties, *, new_event_id: Callable[[], str]
) -> list[JsonObject]:
    """The taker's side: one event for what came as sent, one for each line that differs."""
    events: list[JsonObject] = []
    same = [line.item for line in lines if line.missing is None and not line.reason]
    if same:
        events.append(
            observed(record, "receiving", same, disposition="in_progress", parts=parties.parts())
        )
    for line in lines:
        if line.missing is None and not line.reason:
            continue
        difference: JsonObject = {"reason": line.reason} if line.reason else {}
        if line.missing is not None and line.sent is not None:
            # Below zero: more came than was sent.
            difference["quantity"] = number(-line.missing)
            if line.sent.uom:
                difference["uom"] = line.sent.uom
        frame = record.another(new_event_id()) if events else record
        events.append(
            observed(
                frame,
                "receiving",
                [line.item],
                disposition="mismatch_quantity" if line.missing is not None else "damaged",
                parts={**parties.parts(), "trace:difference": difference},
            )
        )
    return events


def receive_unrecorded(
    record: Record, lot: Item, facts: LotFacts, source: External, parties: Parties
) -> JsonObject:
    """Goods without a code become a lot of the taker, marked as of declared origin only."""
    return observed(
        record,
        "receiving",
        [lot],
        action="ADD",
        disposition="in_progress",
        parts={
            "ilmd": facts.ilmd(),
            **parties.parts(),
            "trace:externalSource": source.to_json(),
        },
    )
