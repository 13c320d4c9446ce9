"""Events of imported rows: what one row says, as one EPCIS event. Pure builders.

A row's event gets its eventID and codes from the import and the row's number, so that a row worked
on twice asks for the same event, byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from trace.core.gs1 import Identity, local_uri
from trace.services.diary import CycleFacts, Input, diary_entry, start_cycle
from trace.services.harvests import harvest, register_lot
from trace.services.records import LOCAL_ZONE, Draw, Item, JsonObject, LotFacts, Record
from trace.services.shipments import Parties, ship
from trace.services.vocabulary import Amount, amount
from trace.services.weights import weigh_by

Clean = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """What all rows of an import share: addresses, secret, and of the products the GTINs and what
    one bó, thùng, … of each weighs."""

    id_base: str
    secret: str
    organisation: str  # code
    recorded_by: str  # the organisation's address
    public_id: str
    gtins: Mapping[int, str | None]
    weights: Mapping[int, Mapping[str, Decimal]]

    def draw(self, number: int) -> Draw:
        """Codes and ids of one row."""
        return Draw(self.secret, self.organisation, f"import:{self.public_id}:{number}")


def event_of(kind: str, frame: Frame, number: int, clean: Clean) -> JsonObject:
    """The event of a row; `kind` as schemas.imports has it."""
    draw = frame.draw(number)
    place = _uri(clean, "place")
    record = Record(
        id_base=frame.id_base,
        event_id=draw.event_id(),
        event_time=datetime.fromisoformat(clean["when"]),
        place=place,
        location=place,
        performed_by=_uri(clean, "household"),
        recorded_by=frame.recorded_by,
        note=clean.get("note") or "",
    )
    return _BUILDERS[kind](frame, record, draw, clean)


def _uri(clean: Clean, name: str) -> str:
    found = clean.get(name)
    return str(found.get("uri", "")) if found else ""


def _amount(clean: Clean) -> Amount | None:
    told = clean.get("quantity")
    return None if told is None else amount(Decimal(told), clean.get("unit") or "kg")


def _day(clean: Clean, name: str) -> date | None:
    return date.fromisoformat(clean[name]) if clean.get(name) else None


def _cycle(frame: Frame, record: Record, draw: Draw, clean: Clean) -> JsonObject:
    product = clean["product"]
    area = clean.get("area")
    facts = CycleFacts(
        product=product.get("uri", ""),
        product_name=product["name"],
        variety=clean.get("variety") or "",
        area=(Decimal(area), clean.get("area_unit") or "m2") if area else None,
        seed_source=clean.get("seed_source") or "",
    )
    address = local_uri(Identity("c", draw.code()), frame.id_base)
    step = clean.get("step") or "sowing"
    return start_cycle(record, address, step, facts, amount=_amount(clean))


def _lot(
    frame: Frame, record: Record, draw: Draw, clean: Clean, product: Mapping[str, Any]
) -> tuple[Item, LotFacts]:
    first, last = _day(clean, "first_day"), _day(clean, "last_day")
    weighed, typed = _amount(clean), None
    each = frame.weights.get(product.get("id") or 0, {}).get(clean.get("unit") or "kg")
    if each is not None and clean.get("quantity") is not None:
        weighed, typed = weigh_by(each, Decimal(clean["quantity"]), clean["unit"])
    facts = LotFacts(
        lot_number=clean.get("lot") or "",
        product=product.get("uri", ""),
        product_name=product.get("name", ""),
        variety=clean.get("variety") or "",
        harvest=(first, last or first) if first else None,
        use_by=_day(clean, "use_by"),
        best_before=_day(clean, "best_before"),
        more={"trace:typed": typed.to_json()} if typed is not None else None,
    )
    gtin = frame.gtins.get(product.get("id") or 0)
    if gtin:
        identity = Identity("01", gtin, (("10", clean.get("lot") or draw.code()),))
    else:
        identity = Identity("b", draw.code())
    return Item(local_uri(identity, frame.id_base), weighed), facts


def _register(frame: Frame, record: Record, draw: Draw, clean: Clean) -> JsonObject:
    return register_lot(record, *_lot(frame, record, draw, clean, clean["product"]))


def _harvest(frame: Frame, record: Record, draw: Draw, clean: Clean) -> JsonObject:
    cycle = clean["cycle"]
    product = clean.get("product") or cycle.get("gives") or {}
    day = record.event_time.astimezone(LOCAL_ZONE).date().isoformat()
    told = {**clean, "first_day": clean.get("first_day") or day}
    lot, facts = _lot(frame, record, draw, told, product)
    return harvest(record, [cycle["uri"]], lot, facts)


def _diary(frame: Frame, record: Record, draw: Draw, clean: Clean) -> JsonObject:
    inputs = []
    if clean.get("name"):
        used = clean.get("amount")
        interval = clean.get("interval_days")
        inputs.append(
            Input(
                clean["name"],
                None if used is None else Decimal(used),
                clean.get("unit") or "",
                clean.get("active_ingredient") or "",
                interval,
                clean.get("reason") or "",
                clean.get("method") or "",
                clean.get("equipment") or "",
            )
        )
    return diary_entry(record, clean["cycle"]["uri"], clean["step"], inputs=inputs)


def _shipment(frame: Frame, record: Record, draw: Draw, clean: Clean) -> JsonObject:
    note = local_uri(Identity("n", draw.code()), frame.id_base)
    parties = Parties(
        giver=frame.recorded_by,
        taker=clean.get("taker") or "",
        from_place=record.place,
        note=note,
    )
    return ship(record, [Item(clean["lot"]["uri"], _amount(clean))], parties)


_BUILDERS: Final[dict[str, Callable[[Frame, Record, Draw, Clean], JsonObject]]] = {
    "cycles": _cycle,
    "lots": _register,
    "diary": _diary,
    "harvests": _harvest,
    "shipments": _shipment,
}
