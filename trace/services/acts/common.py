"""What all acts share: circumstances, amounts, new lots, and the way in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from trace.core.gs1 import canonical_uri, parse_identity
from trace.errors import Refused
from trace.extensions import db
from trace.models import PendingApproval, Product, Thing
from trace.services import approvals, choices, holds
from trace.services.actors import Actor
from trace.services.batches import (
    get_things,
    item_of,
    new_lot_address,
    organisation_address,
    place_address,
    product_address,
    short_name,
)
from trace.services.capture import Captured, capture
from trace.services.records import Draw, Item, JsonObject, LotFacts, Record
from trace.services.refusals import FieldMissing
from trace.services.settings import current_settings
from trace.services.vocabulary import Amount, amount, bare_step
from trace.services.weights import weigh

GOODS = ("lot", "logistic")


@dataclass(frozen=True, slots=True)
class Told:
    """What was sent, read by its schema; the draw its codes and event ids come from (the same key
    draws the same again); and references of photos that arrived before."""

    clean: Mapping[str, Any]
    draw: Draw
    photos: tuple[JsonObject, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.clean[name]


def circumstances(actor: Actor, told: Told) -> Record:
    """When, where, who: the record's common part. Raises NotOffered for foreign references."""
    clean = told.clean
    place = choices.get_place(actor, clean.get("place"))
    household = choices.get_household(actor, clean.get("household"))
    address = place_address(place) if place else ""
    return Record(
        id_base=current_settings().id_base,
        event_id=told.draw.event_id(),
        event_time=clean["when"],
        place=address,
        location=address,
        performed_by=household.code if household else "",
        recorded_by=organisation_address(actor.organisation),
        note=clean.get("note", ""),
        attachments=told.photos,
    )


def submit(
    actor: Actor, events: Sequence[JsonObject], *, key: str, at: datetime
) -> Captured | PendingApproval:
    """Captures the events; where the organisation demands approval by passkey they are kept aside
    instead. Raises BatchHeld for held goods that would leave."""
    check_may_leave(events)
    if approvals.is_demanded(actor):
        return approvals.hold(actor, events, idempotency_key=key, at=at)
    return capture(actor, events, at=at, idempotency_key=key)


def check_may_leave(events: Sequence[JsonObject]) -> None:
    """Held goods do not leave by our doors, nor go on sale; back to their maker they do. Raises
    BatchHeld. What is corrected or was received is the truth and passes."""
    id_base = current_settings().id_base
    for event in events:
        leaves = bare_step(event.get("bizStep")) == "shipping" or (
            bare_step(event.get("bizStep")) == "retail_selling"
            and event.get("disposition") == "sellable_accessible"
        )
        if not leaves or "errorDeclaration" in event:
            continue
        uris = [
            *(event.get("epcList") or ()),
            *(one["epcClass"] for one in event.get("quantityList") or ()),
        ]
        identities = {
            canonical_uri(found, id_base)
            for found in (parse_identity(str(uri), id_base) for uri in uris)
            if found is not None
        }
        takers = {str(end.get("destination")) for end in event.get("destinationList") or ()}
        things = db.session.scalars(select(Thing).where(Thing.identity.in_(sorted(identities))))
        holds.check_free(
            (thing, short_name(thing.identity))
            for thing in things
            if thing.owner is None or organisation_address(thing.owner) not in takers
        )


def new_lot(clean: Mapping[str, Any], product: Product | None, draw: Draw) -> tuple[Item, LotFacts]:
    """The lot an act makes: its address and amount, and what is known of it. Raises LotExists."""
    address = new_lot_address(product, clean.get("lot", ""), draw)
    first: date | None = clean.get("first_day") or clean.get("last_day")
    last: date | None = clean.get("last_day") or first
    weighed, typed = weigh(product, clean["quantity"], clean["unit"])
    facts = LotFacts(
        lot_number=clean.get("lot", ""),
        product=product_address(product) if product else "",
        product_name=clean.get("product_name") or (product.name if product else ""),
        variety=clean.get("variety", ""),
        harvest=(first, last) if first and last else None,
        use_by=clean.get("use_by"),
        best_before=clean.get("best_before"),
        more={"trace:typed": typed.to_json()} if typed is not None else None,
    )
    return Item(address, weighed), facts


def lot_amount(clean: Mapping[str, Any]) -> Amount | None:
    """What `quantity` and `unit` say, None where no number was given."""
    if clean.get("quantity") is None:
        return None
    return amount(clean["quantity"], clean.get("unit") or "kg")


def items_of_rows(actor: Actor, rows: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The lots of several lines as an event names them, each with its amount, and crates as they
    are. Raises NotFound for what is not theirs, Refused for a lot without an amount."""
    things = get_things(actor, [row["thing"] for row in rows], *GOODS)
    found, missing = [], []
    for row in rows:
        thing = things[row["thing"]]
        much = lot_amount(row) if thing.kind == "lot" else None
        if thing.kind == "lot" and much is None:
            missing.append(FieldMissing(path=f"lots-{row['row']}-quantity"))
        found.append(item_of(thing, much))
    if missing:
        raise Refused(missing)
    return found
