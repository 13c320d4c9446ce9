"""Into crates and pallets, many alike at once, and out again. Pages of the blueprint of processing.

Crates are new ones, one whose label is scanned, or all from the first to the last label of a run
printed ahead. Each is an event of its own: a crate's page tells what is in this crate.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Thing
from trace.schemas.batches import PackSchema, UnpackSchema
from trace.schemas.records import CircumstancesSchema
from trace.services.acts import goods
from trace.services.batches import batch_of, find_things
from trace.services.crates import (
    loads_of,
)
from trace.services.timelines import get_event, get_thing
from trace.web.access import actor, needs
from trace.web.producer.batches import start_rows
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    batch_options,
    common_choices,
    record,
    show_amount,
)
from trace.web.producer.scanning import ScanForm

# Decimal digits that surely fit a row id: 64 bits.
LONGEST_ID = 18
KINDS = ("lot", "logistic")


def add_packing(blueprint: Blueprint) -> None:
    """Adds the pages to the blueprint of processing."""
    options: dict[str, Any] = {"methods": ["GET", "POST"]}
    blueprint.add_url_rule("/pack", "crate", needs("record")(crate), **options)
    blueprint.add_url_rule("/<int:thing_id>/unpack", "out", needs("record")(out), **options)


def asked_things() -> list[Thing]:
    """The lots a link named (`?thing=1&thing=2`) that the organisation made or has."""
    asked = request.args.getlist("thing")
    numbers = [int(text) for text in asked if text.isdecimal() and len(text) <= LONGEST_ID]
    known = find_things(actor(), numbers[:50], *KINDS)
    return [known[number] for number in dict.fromkeys(numbers) if number in known]


def crate() -> ResponseReturnValue:
    """Into a crate or pallet, or into many that are filled alike."""
    start = {**start_rows(asked_things()), "crates": 1, "parent": request.args.get("crate", "")}
    form = ScanForm(PackSchema(), ("parent", "last"), start)
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            found, run = goods.fill(actor(), as_told(form, clean, draw), at=clock.now())
            captured = record(form, found)
            if run:
                address = url_for("crates.show", run=run)
            elif len(found) > 1:
                address = url_for("batches.index")
            else:
                event = get_event(actor(), captured.events[0].event_id)
                made = event.named("parent")[0].thing
                address = url_for("batches.show", thing_id=made.id)
            text = gettext("Đã xếp vào thùng. In nhãn cho thùng được ngay.")
            if len(found) > 1:
                text = gettext(
                    "Đã xếp vào %(count)s thùng. In nhãn cho các thùng được ngay.",
                    count=len(found),
                )
            return form.done(address, text)
    return form.page(
        "producer/batches/pack.html",
        lots=batch_options(crates=True),
        **common_choices(),
    )


def out(thing_id: int) -> ResponseReturnValue:
    """Out of a crate or pallet again: all of it, or what is ticked."""
    thing = get_thing(actor(), thing_id, "logistic")
    inside = loads_of(actor(), [thing.id])[thing.id]
    held = {"things": " ".join(str(one.thing.id) for one in inside)}
    form = RecordForm(UnpackSchema() if inside else CircumstancesSchema(), held)
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            taken = [one for one in inside if one.thing.id in clean["things"]]
            record(form, goods.empty(actor(), thing, taken, as_told(form, clean, draw)))
            address = url_for("batches.show", thing_id=thing.id)
            whole = len(taken) == len(inside)
            text = gettext("Đã dỡ hết hàng ra.") if whole else gettext("Đã dỡ một phần hàng ra.")
            return form.done(address, text)
    return form.page(
        "producer/batches/unpack.html",
        batch=batch_of(actor(), thing),
        inside=[
            (one.thing.id, content_words(one.thing, show_amount(one.amount))) for one in inside
        ],
        **common_choices(),
    )


def content_words(thing: Thing, amount: str) -> str:
    """ "Cải ngọt · L2611 · 12 kg": one thing in a crate."""
    batch = batch_of(actor(), thing)
    named = gettext("Thùng, kiện") if thing.kind == "logistic" else ""
    parts = [batch.product.name if batch.product else named, batch.name, amount]
    return " · ".join(part for part in parts if part)
