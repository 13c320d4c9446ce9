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
    open: bool = False  # more of it is to come: what is missing is no difference yet

    @property
    def missing(self) -> Decimal | None:
        """Sent less received, in the note's unit; None where it cannot be compared or is nought."""
        if self.open:
            return None
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


def ship(
    record: Record, items: Sequence[Item], parties: Parties, *, market: str = ""
) -> JsonObject:
    """The giver's side; `market` is where the goods will be sold in the end, "" untold."""
    parts = {**parties.parts(), **({"trace:market": market} if market else {})}
    return observed(record, "shipping", items, disposition="in_transit", parts=parts)


def give_back(record: Record, items: Sequence[Item], parties: Parties, reason: str) -> JsonObject:
    """Goods go back to who gave them: a handover of its own, with its own note, and why."""
    return observed(
        record,
        "shipping",
        items,
        disposition="returned",
        parts={**parties.parts(), "trace:difference": {"reason": reason}},
    )


def receive(
    record: Record,
    lines: Sequence[Line],
    parties: Parties,
    *,
    new_event_id: Callable[[], str],
    answer: str = "",
) -> list[JsonObject]:
    """The taker's side: one event for what came as sent, one for each line that differs.

    `answer` says how the note is answered (`trace:answer`): "part" leaves it open."""
    return _taken(record, "receiving", lines, parties, new_event_id, answer)


def received_by_link(
    record: Record, lines: Sequence[Line], parties: Parties, *, new_event_id: Callable[[], str]
) -> list[JsonObject]:
    """The giver's word that someone without an account took the goods: it makes nobody a holder."""
    return _taken(record, "answered_by_link", lines, parties, new_event_id, "by-link")


def _taken(
    record: Record,
    step: str,
    lines: Sequence[Line],
    parties: Parties,
    new_event_id: Callable[[], str],
    answer: str,
) -> list[JsonObject]:
    said = {**parties.parts(), **({"trace:answer": answer} if answer else {})}
    events: list[JsonObject] = []
    same = [line.item for line in lines if line.missing is None and not line.reason]
    if same:
        events.append(observed(record, step, same, disposition="in_progress", parts=said))
    for line in lines:
        if line.missing is None and not line.reason:
            continue
        difference: JsonObject = {"reason": line.reason} if line.reason else {}
        if line.missing is not None and line.sent is not None:
            # Below zero: less came than was sent.
            difference["quantity"] = number(-line.missing)
            if line.sent.uom:
                difference["uom"] = line.sent.uom
        frame = record.another(new_event_id()) if events else record
        events.append(
            observed(
                frame,
                step,
                [line.item],
                disposition="mismatch_quantity" if line.missing is not None else "damaged",
                parts={**said, "trace:difference": difference},
            )
        )
    return events


def refuse(record: Record, items: Sequence[Item], parties: Parties, reason: str) -> JsonObject:
    """The goods were not taken: they stay with the giver. Signed by who refuses."""
    return observed(
        record,
        "refusing",
        items,
        parts={
            **parties.parts(),
            "trace:answer": "refused",
            "trace:difference": {"reason": reason},
        },
    )


def refused_by_link(
    record: Record, items: Sequence[Item], parties: Parties, reason: str
) -> JsonObject:
    """The giver's word that someone without an account refused the goods."""
    return observed(
        record,
        "answered_by_link",
        items,
        parts={
            **parties.parts(),
            "trace:answer": "refused",
            "trace:difference": {"reason": reason},
        },
    )


def take_back(record: Record, items: Sequence[Item], parties: Parties) -> JsonObject:
    """The giver says that refused goods are in his hands again (CBV 2.0: void_shipping)."""
    return observed(
        record,
        "void_shipping",
        items,
        disposition="in_progress",
        parts={**parties.parts(), "trace:answer": "back"},
    )


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
