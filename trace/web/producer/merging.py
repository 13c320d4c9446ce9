"""Dồn lô: what a stall pours together becomes the stall's lot of the day, in three taps.

Every lot poured in stays a possible source, goods without a code too. Poured again on the same day
at the same stall, the same lot goes on: it has the same label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace.schemas.batches import MergeSchema
from trace.services import choices
from trace.services.acts import pouring
from trace.services.batches import Batch, list_things
from trace.services.timelines import get_event
from trace.services.vocabulary import Amount
from trace.web.access import actor, needs
from trace.web.producer.recording import (
    RecordForm,
    as_told,
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
LOOKED_AT = 500  # newest lots


def add_merging(blueprint: Blueprint) -> None:
    """Puts this page under the blueprint of processing."""
    blueprint.add_url_rule("/merge", view_func=merge, methods=["GET", "POST"])


@needs("record")
def merge() -> ResponseReturnValue:
    """Which lots, how much it weighs, at which stall: all filled in beforehand."""
    held = [
        batch
        for batch in list_things(actor(), "lot", held_only=True, limit=LOOKED_AT)
        if _left(batch)
    ]
    product = _product(held)
    offered = [one for one in held if _same(one, product)][:OFFERED]
    stalls = place_options(*SELLING_PLACES)
    form = RecordForm(MergeSchema(), _start(offered, product, stalls))
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            rows = [row for row in clean["lots"] or () if row["take"] and row.get("thing")]
            events = pouring.pour(actor(), rows, as_told(form, clean, draw))
            captured = record(form, events)
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
