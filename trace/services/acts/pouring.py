"""What a stall pours together becomes the stall's lot of the day.

Every lot poured in stays a possible source, goods without a code too. Poured again on the same day
at the same stall, the same lot goes on: it has the same label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from trace.core.epcis.vocabulary import own_word
from trace.extensions import db
from trace.models import Event, EventThing, Place, Product, Thing
from trace.models.events import ROLES
from trace.services import choices
from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances, lot_amount
from trace.services.batches import (
    address_of,
    get_things,
    item_of,
    new_lot_address,
    organisation_address,
    product_address,
)
from trace.services.inheriting import facts_of_sources, inherit
from trace.services.processing import Output, process
from trace.services.records import LOCAL_ZONE, Item, JsonObject, LotFacts, Record
from trace.services.refusals import NothingChosen
from trace.services.shipments import External, Parties, receive_unrecorded
from trace.services.storage import put_on_sale
from trace.services.vocabulary import amount


def pour(actor: Actor, rows: Sequence[Mapping[str, Any]], told: Told) -> list[JsonObject]:
    """The lots of `rows`, and goods without a code where `uncoded` says so, become one lot that is
    on sale where they were poured. Raises NothingChosen, NotFound, NotOffered."""
    if not rows and not told["uncoded"]:
        raise NothingChosen(path="lots-0-take")
    base, draw = circumstances(actor, told), told.draw
    things = get_things(actor, [row["thing"] for row in rows], "lot")
    inputs = [item_of(things[row["thing"]], lot_amount(row)) for row in rows]
    product = choices.get_product(actor, told["product"])
    facts = LotFacts(
        product=product_address(product) if product else "",
        product_name=told["product_name"] or (product.name if product else ""),
    )
    before: list[JsonObject] = []
    if told["uncoded"]:
        source, event = _uncoded(actor, base.another(draw.event_id()), told, facts)
        inputs.append(source)
        before.append(event)
    place = choices.get_place(actor, told["place"])
    address = _lot_of_the_day(actor, base, product, place) or new_lot_address(product, "", draw)
    # With goods whose days nobody knows, the earliest day that is known still holds.
    known = inherit("mixing", facts, facts_of_sources(actor, list(things.values())))
    if told["uncoded"]:
        known = replace(known, harvest=None)
    made = Item(address, amount(told["quantity"], told["unit"]))
    mixed = process(base, "mixing", inputs, [Output(made, known)], new_event_id=draw.event_id)
    on_sale = [put_on_sale(base.another(draw.event_id()), [Item(address)])] if base.location else []
    return [*before, *mixed, *on_sale]


def _uncoded(actor: Actor, base: Record, told: Told, facts: LotFacts) -> tuple[Item, JsonObject]:
    """Goods that came without a code: a lot of their own, of declared origin only."""
    weighed = None
    if told["uncoded_quantity"] is not None:
        weighed = amount(told["uncoded_quantity"], told["uncoded_unit"])
    lot = Item(new_lot_address(None, "", told.draw), weighed)
    source = External(supplier=told["supplier"])
    parties = Parties(taker=organisation_address(actor.organisation), to_place=base.place)
    return lot, receive_unrecorded(base, lot, facts, source, parties)


def _lot_of_the_day(
    actor: Actor, base: Record, product: Product | None, place: Place | None
) -> str | None:
    """The lot this stall has poured together today already, of the same product."""
    if product is None:  # without a product, only a name tells goods apart: always a new lot
        return None
    query = (
        select(Thing)
        .join(EventThing, EventThing.thing_id == Thing.id)
        .join(Event, Event.id == EventThing.event_id)
        .where(
            Event.issuer_id == actor.organisation.id,
            Event.biz_step == own_word("mixing"),
            Event.corrects.is_(None),
            Event.event_time >= _midnight(base.event_time),
            Event.biz_location == (place.identity if place else None),
            EventThing.role == ROLES.index("output"),
            Thing.owner_id == actor.organisation.id,
            Thing.product_id == product.id,
        )
        .order_by(Event.id.desc())
    )
    found = db.session.scalars(query.limit(1)).first()
    return None if found is None else address_of(found)


def _midnight(moment: datetime) -> datetime:
    local = moment.astimezone(LOCAL_ZONE)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
