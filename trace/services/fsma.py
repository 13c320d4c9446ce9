"""The sortable spreadsheet of FSMA 204 for any lot, both directions: one row for every lot that a
critical tracking event names (21 CFR 1.1325-1.1350; columns: services.fsma_rules).

What nobody recorded is an empty cell, and the last column names it: nothing is filled in. Which
events a reader gets is decided in services.chain_papers. Goods moved in a crate are told lot by
lot, as they lay in it then. The source of a lot code is where the lot was made, as the event that
made it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from trace.models.events import ROLES, TYPES
from trace.services.batches import address_of, short_name
from trace.services.chain_papers import AT_ONCE, Around, documents, open_some
from trace.services.chains_walk import KEPT_FROM, Told, Use, Walked
from trace.services.fsma_rules import (
    COLUMNS,
    HARVEST,
    PACK,
    RECEIVE,
    SHIP,
    not_recorded,
    tracking_event,
)
from trace.services.paper_names import Names, ends, place_of
from trace.services.passports_dates import iso_date
from trace.services.records import LOCAL_ZONE, JsonObject
from trace.services.sets import batched
from trace.services.vocabulary import uom_name

LOTS: Final = frozenset({"lot", "unit"})
DIRECTIONS: Final = {"up": "upstream", "here": "this lot", "down": "downstream"}
MOST_NESTED: Final = 4  # lots in crates on pallets in containers
Row = list[object]


@dataclass(frozen=True, slots=True)
class Made:
    """How a lot came to be, as the event that made it says."""

    source: str
    field_name: str
    harvest: str
    harvester: str
    variety: str


@dataclass(slots=True)
class _Lots:
    """What was learned of lots on the way; events come in the order they happened."""

    made: dict[int, Made] = field(default_factory=dict)
    cooled: dict[int, tuple[str, date]] = field(default_factory=dict)
    next_recipient: dict[int, str] = field(default_factory=dict)


def rows(found: Around) -> Iterator[Row]:
    """The rows in the order things happened, each as long as COLUMNS."""
    authority = found.actor.organisation.kind == "authority"
    names = Names(found.actor.organisation.id, everything=authority)
    names.learn_products({one.product_id for one in found.walked.things.values() if one.product_id})
    lots = _Lots()
    _learn_recipients(found, names, lots)
    for some in batched(documents(found), AT_ONCE):
        names.learn((document for _, document in some), {told.issuer for told, _ in some})
        for told, document in some:
            yield from _rows(found, told, document, names, lots)


def _learn_recipients(found: Around, names: Names, lots: _Lots) -> None:
    """Where each lot went first."""
    first: dict[int, int] = {}
    for event_id in found.order:
        told = found.walked.events[event_id]
        if told.step == "shipping":
            for use in told.uses:
                for lot, _, _ in _lots_in(found.walked, use, told, 0):
                    first.setdefault(lot, event_id)
    for some in batched(sorted(set(first.values())), AT_ONCE):
        opened = open_some(found, some)
        names.learn(opened.values(), ())
        for lot, event_id in first.items():
            if event_id in opened:
                lots.next_recipient[lot] = _end(
                    opened[event_id], "destination", names, whole=event_id in found.whole
                )


def _rows(
    found: Around, told: Told, document: JsonObject, names: Names, lots: _Lots
) -> Iterator[Row]:
    ilmd = document.get("ilmd")
    facts: JsonObject = ilmd if isinstance(ilmd, dict) else {}
    whole = told.id in found.whole
    _learn_making(told, document, facts, names, lots, whole=whole)
    harvest = facts.get("cbvmda:harvestStartDate") or facts.get("trace:harvestDate")
    kind = tracking_event(TYPES[told.type], told.step, told.action, harvested=harvest is not None)
    if kind is None:
        return
    common = _common(kind, told, document, names, whole=whole)
    for use in _uses(kind, told):
        for lot, quantity, unit in _lots_in(found.walked, use, told, 0):
            row = _of_lot(found, lot, facts, names, lots) | common
            row |= {
                "Direction": DIRECTIONS[found.side(lot)],
                "Role in the event": _role(use),
                "Quantity": quantity,
                "Unit of measure": _unit(unit) if quantity is not None else "",
            }
            if kind == PACK and row["Role in the event"] == "input":
                row["Role in the event"] = "packed"
            row["Elements not recorded"] = "; ".join(not_recorded(kind, row))
            yield [row.get(name) for name in COLUMNS]


def _uses(kind: str, told: Told) -> list[Use]:
    if kind == HARVEST:
        return told.named(*(ROLES.index(role) for role in ("epc", "output")))
    if kind == PACK and TYPES[told.type] == "AggregationEvent":
        return told.named(ROLES.index("child"))
    return told.named(*(ROLES.index(role) for role in ("epc", "child", "input", "output")))


def _role(use: Use) -> str:
    role = ROLES[use.role]
    return {"epc": "", "child": "packed"}.get(role, role)


def _lots_in(walked: Walked, use: Use, told: Told, depth: int) -> Iterator[tuple[int, Any, str]]:
    """The lots that a use means: itself, or what lay in the crate then."""
    facts = walked.things[use.thing]
    if facts.kind in LOTS:
        kept = use.unit == KEPT_FROM
        yield facts.lot_id or facts.id, None if kept else use.quantity, "" if kept else use.unit
        return
    if facts.kind != "logistic" or depth >= MOST_NESTED:
        return
    for stay in walked.stays(use.thing):
        if stay.holds(told.at):
            inner = Use(use.role, stay.content, stay.quantity, stay.unit, use.visibility)
            yield from _lots_in(walked, inner, told, depth + 1)


def _common(
    kind: str, told: Told, document: JsonObject, names: Names, *, whole: bool
) -> dict[str, object]:
    """What all rows of an event have."""
    issuer = names.issuer(told.issuer)
    day = told.at.astimezone(LOCAL_ZONE).date()
    where = names.describe_place(place_of(document), whole=whole)
    papers = [one for one in _listed(document.get("bizTransactionList")) if isinstance(one, dict)]
    row: dict[str, object] = {
        "Critical tracking event": kind,
        "Date": day,
        "Location description": where,
        "Reference document type": "; ".join(_bare(one.get("type")) for one in papers),
        "Reference document number": "; ".join(
            str(one.get("bizTransaction", "")).rpartition("/")[2] for one in papers
        ),
        "Stated by": names.describe_organisation(issuer, whole=whole) if issuer else "",
        "Statement": f"urn:uuid:{UUID(bytes=told.statement)}",
    }
    if kind == SHIP:
        row["Next recipient location"] = _end(document, "destination", names, whole=whole)
    if kind == RECEIVE:
        row["Previous source location"] = _end(document, "source", names, whole=whole) or _external(
            document
        )
    return row


def _of_lot(
    found: Around, lot: int, facts: JsonObject, names: Names, lots: _Lots
) -> dict[str, object]:
    """What a row says of its lot."""
    thing = found.walked.things.get(lot)
    if thing is None:
        return {}
    product = names.product(thing.product_id)
    made = lots.made.get(lot)
    cooled = lots.cooled.get(lot)
    variety = (made.variety if made else "") or str(facts.get("trace:variety", ""))
    described = [product.name if product else str(facts.get("trace:productName", ""))]
    if product is not None and product.net_weight is not None:
        described.append(f"{product.net_weight.normalize():f} kg")
    return {
        "Traceability lot code": address_of(thing.identity),
        "Lot number on the label": short_name(thing.identity),
        "Commodity": (product.name_en or product.name) if product else "",
        "Variety": variety,
        "Product description": ", ".join(one for one in described if one),
        "Growing area name": made.field_name if made else "",
        "Harvest date": (iso_date(made.harvest) or made.harvest) if made else "",
        "Harvester name and phone": made.harvester if made else "",
        "Cooling location": cooled[0] if cooled else "",
        "Cooling date": cooled[1] if cooled else "",
        "Traceability lot code source": made.source if made else "",
        "Next recipient location": lots.next_recipient.get(lot, ""),
    }


def _learn_making(
    told: Told,
    document: JsonObject,
    facts: JsonObject,
    names: Names,
    lots: _Lots,
    *,
    whole: bool,
) -> None:
    """Remembers where lots were made and cooled, and what they keep of what they were made of."""
    outputs = told.named(ROLES.index("output"))
    if told.action == "ADD" and TYPES[told.type] == "ObjectEvent":
        outputs = [*outputs, *told.named(ROLES.index("epc"))]
    where = place_of(document)
    day = told.at.astimezone(LOCAL_ZONE).date()
    if told.step == "cooling":
        for use in told.named(ROLES.index("epc")):
            lots.cooled[use.thing] = (names.describe_place(where, whole=whole), day)
    if not outputs:
        return
    gathered = told.step in ("harvesting", "egg_collecting")
    stated = facts.get("cbvmda:harvestStartDate") or facts.get("trace:harvestDate")
    issuer = names.issuer(told.issuer)
    inputs = [
        lots.made[use.thing] for use in told.named(ROLES.index("input")) if use.thing in lots.made
    ]
    only = inputs[0] if len(set(inputs)) == 1 else None
    row = names.place(where, whole=whole)
    grown = gathered and row is not None
    made = Made(
        source=names.describe_place(where, whole=whole)
        or (names.describe_organisation(issuer, whole=whole) if issuer else ""),
        field_name=row.name if grown and row is not None else only.field_name if only else "",
        harvest=str(stated or (day.isoformat() if gathered else only.harvest if only else "")),
        harvester=names.describe_organisation(issuer, whole=whole)
        if gathered and issuer
        else only.harvester
        if only
        else "",
        variety=str(facts.get("trace:variety") or (only.variety if only else "")),
    )
    for use in outputs:
        lots.made.setdefault(use.thing, made)


def _end(document: JsonObject, member: str, names: Names, *, whole: bool) -> str:
    """A side of a handover: its place, else the party."""
    places = ends(document, "location", member)
    told = [
        names.describe_party(one, whole=whole) for one in ends(document, "owning_party", member)
    ]
    told += [names.describe_place(one, whole=whole) for one in places]
    return "; ".join(one for one in told if one)


def _external(document: JsonObject) -> str:
    """The supplier of goods that came without a code, as the taker says."""
    told = document.get("trace:externalSource")
    if not isinstance(told, dict):
        return ""
    return ", ".join(str(told[name]) for name in ("supplier", "place") if told.get(name))


def _unit(code: str) -> str:
    return {"KGM": "kg", "GRM": "g", "TNE": "t"}.get(code, uom_name(code) or "trade item")


def _bare(word: object) -> str:
    return str(word or "").rpartition(":")[2].rpartition("-")[2]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
