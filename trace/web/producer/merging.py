"""Dồn lô: what a stall pours together becomes the stall's lot of the day, in three taps.

Every lot poured in stays a possible source, goods without a code too. Poured again on the same day
at the same stall, the same lot goes on: it has the same label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from trace import clock
from trace.core.epcis.vocabulary import own_word
from trace.extensions import db
from trace.models import Event, EventThing, Place, Product, Thing
from trace.models.events import ROLES
from trace.schemas.batches import MergeSchema
from trace.services import choices
from trace.services.acts import lot_amount
from trace.services.batches import (
    Batch,
    address_of,
    get_things,
    item_of,
    list_things,
    new_lot_address,
    organisation_address,
    product_address,
)
from trace.services.inheriting import facts_of_sources, inherit
from trace.services.processing import Output, process
from trace.services.records import (
    LOCAL_ZONE,
    Draw,
    Item,
    JsonObject,
    LotFacts,
    Record,
)
from trace.services.refusals import NothingChosen
from trace.services.shipments import External, Parties, receive_unrecorded
from trace.services.storage import put_on_sale
from trace.services.timelines import get_event
from trace.services.vocabulary import Amount, amount
from trace.web.access import actor, needs
from trace.web.producer.recording import (
    RecordForm,
    circumstances,
    common_choices,
    place_options,
    plain,
    product_options,
    record,
    show_amounts,
    unit_key,
)

SELLING_PLACES = ("stall", "shop", "market")
# A stall pours together what it bought these days; older lots are added through processing.
OFFERED = 12


def add_merging(blueprint: Blueprint) -> None:
    """Puts this page under the blueprint of processing."""
    blueprint.add_url_rule("/merge", view_func=merge, methods=["GET", "POST"])


@needs("record")
def merge() -> ResponseReturnValue:
    """Which lots, how much it weighs, at which stall: all filled in beforehand."""
    held = [batch for batch in list_things(actor(), "lot", held_only=True) if _left(batch)]
    product = _product(held)
    offered = [one for one in held if _same(one, product)][:OFFERED]
    stalls = place_options(*SELLING_PLACES)
    form = RecordForm(MergeSchema(), _start(offered, product, stalls))
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            captured = record(form, _events(form, clean, draw))
            made = [get_event(actor(), one.event_id) for one in captured.events]
            lot = next(line for line in made if line.step == "mixing").named("output")[0].thing
            said = gettext("Đã dồn. Lô này có thể chứa hàng của mọi nguồn đã chọn.")
            return form.done(url_for("batches.show", thing_id=lot.id), said)
    return form.page(
        "producer/batches/merge.html",
        offered=offered,
        product=product,
        others=_others(held, product),
        products=product_options(),
        stalls=stalls,
        show_amounts=show_amounts,
        **{k: v for k, v in common_choices().items() if k != "show_amounts"},
    )


def _left(batch: Batch) -> Amount | None:
    """How much of it is left, the weight before a count."""
    found = sorted(
        (one for one in batch.held if one.quantity > 0), key=lambda one: one.uom != "KGM"
    )
    return found[0] if found else None


def _same(batch: Batch, product: tuple[int, str] | None) -> bool:
    """The same goods under whoever's catalogue: by name where the product is somebody else's."""
    if batch.product is None or product is None:
        return batch.product is None and product is None
    return batch.product.id == product[0] or batch.product.name == product[1]


def _product(held: Sequence[Batch]) -> tuple[int, str] | None:
    """What is poured together: as asked for by the link, otherwise the newest lot's."""
    asked = request.args.get("of", "")
    named = [one.product for one in held if one.product is not None]
    found = next((one for one in named if str(one.id) == asked), named[0] if named else None)
    return None if found is None else (found.id, found.name)


def _others(held: Sequence[Batch], product: tuple[int, str] | None) -> list[tuple[int, str]]:
    found = {one.product.name: one.product.id for one in held if one.product is not None}
    return [(row, name) for name, row in found.items() if product is None or name != product[1]]


def _start(
    offered: Sequence[Batch], product: tuple[int, str] | None, stalls: Sequence[tuple[Any, str]]
) -> dict[str, object]:
    found: dict[str, object] = {"unit": "kg"}
    weights = [left for left in map(_left, offered) if left is not None]
    for number, batch in enumerate(offered):
        left = _left(batch)
        found[f"lots-{number}-thing"] = batch.thing_id
        found[f"lots-{number}-take"] = "yes"
        if left is not None:
            found[f"lots-{number}-quantity"] = plain(left.quantity)
            found[f"lots-{number}-unit"] = unit_key(left.uom)
    units = {left.uom for left in weights}
    if len(units) == 1:
        found["quantity"] = plain(sum(left.quantity for left in weights))
        found["unit"] = unit_key(units.pop())
    mine = {one.name: one.id for one in choices.products(actor())}
    if product is not None and product[1] in mine:
        found["product"] = mine[product[1]]
    elif product is not None:
        found["product_name"] = product[1]
    if len(stalls) == 1:
        found["place"] = stalls[0][0]
    return found


def _events(form: RecordForm, clean: Mapping[str, Any], draw: Draw) -> list[JsonObject]:
    rows = [row for row in clean["lots"] or () if row["take"] and row.get("thing")]
    if not rows and not clean["uncoded"]:
        raise NothingChosen(path="lots-0-take")
    base = circumstances(form, clean, draw)
    things = get_things(actor(), [row["thing"] for row in rows], "lot")
    inputs = [item_of(things[row["thing"]], lot_amount(row)) for row in rows]
    product = choices.get_product(actor(), clean["product"])
    facts = LotFacts(
        product=product_address(product) if product else "",
        product_name=clean["product_name"] or (product.name if product else ""),
    )
    before: list[JsonObject] = []
    if clean["uncoded"]:
        source, event = _uncoded(base.another(draw.event_id()), clean, facts, draw)
        inputs.append(source)
        before.append(event)
    address = _lot_of_the_day(base, product, clean) or new_lot_address(product, "", draw)
    # With goods whose days nobody knows, the earliest day that is known still holds.
    known = inherit("mixing", facts, facts_of_sources(actor(), list(things.values())))
    if clean["uncoded"]:
        known = replace(known, harvest=None)
    made = Item(address, amount(clean["quantity"], clean["unit"]))
    mixed = process(base, "mixing", inputs, [Output(made, known)], new_event_id=draw.event_id)
    on_sale = [put_on_sale(base.another(draw.event_id()), [Item(address)])] if base.location else []
    return [*before, *mixed, *on_sale]


def _uncoded(
    base: Record, clean: Mapping[str, Any], facts: LotFacts, draw: Draw
) -> tuple[Item, JsonObject]:
    """Goods that came without a code: a lot of their own, of declared origin only."""
    weighed = None
    if clean["uncoded_quantity"] is not None:
        weighed = amount(clean["uncoded_quantity"], clean["uncoded_unit"])
    lot = Item(new_lot_address(None, "", draw), weighed)
    source = External(supplier=clean["supplier"])
    parties = Parties(taker=organisation_address(actor().organisation), to_place=base.place)
    return lot, receive_unrecorded(base, lot, facts, source, parties)


def _lot_of_the_day(base: Record, product: Product | None, clean: Mapping[str, Any]) -> str | None:
    """The lot this stall has poured together today already, of the same product."""
    place: Place | None = choices.get_place(actor(), clean["place"])
    begun = _midnight(base.event_time)
    query = (
        select(Thing)
        .join(EventThing, EventThing.thing_id == Thing.id)
        .join(Event, Event.id == EventThing.event_id)
        .where(
            Event.issuer_id == actor().organisation.id,
            Event.biz_step == own_word("mixing"),
            Event.corrects.is_(None),
            Event.event_time >= begun,
            Event.biz_location == (place.identity if place else None),
            EventThing.role == ROLES.index("output"),
            Thing.owner_id == actor().organisation.id,
            Thing.product_id == (product.id if product else None),
        )
        .order_by(Event.id.desc())
    )
    if product is None:  # without a product, only a name tells goods apart: always a new lot
        return None
    found = db.session.scalars(query.limit(1)).first()
    return None if found is None else address_of(found)


def _midnight(moment: datetime) -> datetime:
    local = moment.astimezone(LOCAL_ZONE)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(clock.now().tzinfo)
