"""Production cycles: the list, beginning one, its diary, its harvest."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Product, Thing
from trace.schemas.cycles import (
    CycleSchema,
    HarvestSchema,
    NoneUsedSchema,
)
from trace.services import choices, holds
from trace.services.batches import (
    address_of,
    batch_of,
    facts_of,
    new_cycle_address,
    product_address,
)
from trace.services.cycles import Cycle, last_treatment, list_cycles, waiting_until
from trace.services.diary import CycleFacts, declare_none, start_cycle
from trace.services.harvests import harvest
from trace.services.records import LOCAL_ZONE
from trace.services.timelines import Line, get_event, get_thing, timeline
from trace.services.vocabulary import (
    AREA_UNITS,
    DECLARATIONS,
    FIELD_STEPS,
    START_STEPS,
    STEP_LABELS,
    step_label,
)
from trace.web.access import actor, needs
from trace.web.lists import Listing
from trace.web.pages import day
from trace.web.producer.recording import (
    RecordForm,
    circumstances,
    common_choices,
    lot_amount,
    new_lot,
    product_options,
    record,
)
from trace.web.producer.starting import circumstance_values, entry_start, origin_of
from trace.web.producer.telling import area_words, place_word, tell

blueprint = Blueprint("cycles", __name__, url_prefix="/producer/cycles")

BEGINNINGS = {"sowing": "crop", "transplanting": "crop", "flock": "flock", "pond": "pond"}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The organisation's cycles."""
    listing = Listing(list_cycles(actor()), words=_words, filters={"state": lambda c: c.state})
    if listing.wants_csv:
        head = ["Mã", "Sản phẩm", "Nơi", "Bắt đầu", "Việc gần nhất", "Ngày", "Số lần ghi"]
        return listing.csv("vu-trong", [gettext(word) for word in head], _csv_line)
    return render_template("producer/cycles/index.html", listing=listing, step_label=step_label)


def _words(cycle: Cycle) -> tuple[str, ...]:
    product = cycle.batch.product
    return (
        cycle.batch.name,
        cycle.batch.name.replace("-", ""),
        product.name if product else "",
        cycle.place.name if cycle.place else "",
    )


def _csv_line(cycle: Cycle) -> list[object]:
    product = cycle.batch.product
    return [
        cycle.batch.name,
        product.name if product else "",
        cycle.place.name if cycle.place else "",
        cycle.begun,
        gettext(step_label(cycle.last_step)),
        cycle.last_time,
        cycle.events,
    ]


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """Asks first what begins."""
    return render_template("producer/cycles/choose.html")


@blueprint.route("/new/<beginning>", methods=["GET", "POST"])
@needs("record")
def begin(beginning: str) -> ResponseReturnValue:
    """A planting, a flock or a pond begins."""
    kind = BEGINNINGS.get(beginning)
    if kind is None:
        raise NotFound
    form = RecordForm(CycleSchema(), {"unit": "con" if kind != "crop" else "kg", "area_unit": "m2"})
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            product = choices.get_product(actor(), clean["product"])
            step = beginning if beginning in START_STEPS["crop"] else START_STEPS[kind][0]
            area = clean.get("area")
            facts = CycleFacts(
                product=product_address(product) if product else "",
                product_name=clean["product_name"] or (product.name if product else ""),
                variety=clean["variety"],
                area=(area, clean.get("area_unit") or "m2") if area else None,
                seed_source=clean["seed_source"],
            )
            base = circumstances(form, clean, draw)
            cycle = new_cycle_address(draw)
            event = start_cycle(base, cycle, step, facts, amount=lot_amount(clean))
            captured = record(form, [event])
            address = url_for("cycles.show", thing_id=_first_thing(captured.events[0].event_id))
            return form.done(address, gettext("Đã ghi. Vào sổ công khai trong giây lát."))
    return form.page(
        "producer/cycles/begin.html",
        kind=kind,
        beginning=beginning,
        products=product_options(),
        areas=[(key, gettext(name)) for key, name in AREA_UNITS.items()],
        **common_choices(),
    )


def _first_thing(event_id: int) -> int:
    """The thing that an event just captured begins."""
    return get_event(actor(), event_id).things[0].thing.id


def kind_of(lines: list[Line]) -> str:
    """`crop`, `flock` or `pond`: from how it began; a pond is a flock that swims."""
    begun = {line.step for line in lines}
    return "flock" if "commissioning" in begun else "crop"


@blueprint.get("/<int:thing_id>")
def show(thing_id: int) -> ResponseReturnValue:
    """A cycle with its diary."""
    thing = get_thing(actor(), thing_id, "cycle")
    lines = timeline(actor(), thing)
    kind = kind_of(lines)
    begun = next((line for line in reversed(lines) if line.document.get("action") == "ADD"), None)
    today = clock.now().astimezone(LOCAL_ZONE).date()
    return render_template(
        "producer/cycles/show.html",
        cycle=batch_of(actor(), thing),
        told=tell(lines, thing),
        begun=begun,
        ilmd=(begun.document.get("ilmd") or {}) if begun else {},
        steps=[(step, STEP_LABELS[step]) for step in FIELD_STEPS[kind]],
        waiting=waiting_until(lines, today),
        address=address_of(thing),
        area_words=area_words,
        place=place_word(begun) if begun else "",
    )


@blueprint.route("/<int:thing_id>/none", methods=["GET", "POST"])
@needs("record")
def none_used(thing_id: int) -> ResponseReturnValue:
    """ "Khai: không dùng": silence is not a declaration, this is one."""
    thing = get_thing(actor(), thing_id, "cycle")
    form = RecordForm(NoneUsedSchema(), lambda: entry_start(thing, "field_observation"))
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            record(form, [declare_none(base, address_of(thing), clean["kinds"])])
            address = url_for("cycles.show", thing_id=thing.id)
            return form.done(address, gettext("Đã ghi. Vào sổ công khai trong giây lát."))
    return form.page(
        "producer/cycles/none.html",
        cycle=batch_of(actor(), thing),
        kinds=[(key, gettext(name)) for key, name in DECLARATIONS.items()],
        **common_choices(),
    )


@blueprint.route("/<int:thing_id>/harvest", methods=["GET", "POST"])
@needs("record")
def take(thing_id: int) -> ResponseReturnValue:
    """A harvest: from the cycle to a new lot."""
    thing = get_thing(actor(), thing_id, "cycle")
    lines = timeline(actor(), thing)
    eggs = thing.product is not None and thing.product.category == "egg"
    step = "egg_collecting" if eggs else "harvesting"
    origin = origin_of(thing, "harvesting")
    start = {**_harvest_start(thing, lines), **origin.values()}
    form = RecordForm(HarvestSchema(), start)
    form.begin_with(origin.photos)
    today = clock.now().astimezone(LOCAL_ZONE).date()
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            clean["product_name"] = clean["product_name"] or facts_of(lines, thing).name
            clean["first_day"] = clean["first_day"] or clean["when"].astimezone(LOCAL_ZONE).date()
            base = circumstances(form, clean, draw)
            lot, facts = new_lot(clean, _product(clean["product"], thing), draw)
            event = harvest(base, [address_of(thing)], lot, facts, biz_step=step)
            captured = record(form, [event])
            origin.finish(captured)
            made = get_event(actor(), captured.events[0].event_id).named("output")[0].thing
            address = url_for("batches.show", thing_id=made.id)
            return form.done(address, _harvested(made))
    return form.page(
        "producer/cycles/harvest.html",
        cycle=batch_of(actor(), thing),
        step=step,
        label=step_label(step),
        waiting=waiting_until(lines, today),
        sprayed=_interval_words(lines, today, eggs=eggs),
        products=product_options(),
        day=day,
        **common_choices(),
    )


def _interval_words(lines: list[Line], today: date, *, eggs: bool) -> str:
    """The arithmetic before a harvest: days since the last spraying, or since a flock's medicine,
    against the label's."""
    kept = last_treatment(lines, eggs=eggs)
    if kept is None:
        return ""
    sprayed, treatment = kept
    days = (today - sprayed).days
    if eggs:
        return str(
            gettext(
                "Dùng %(name)s ngày %(day)s, đến nay %(days)s ngày (nhãn yêu cầu %(required)s).",
                name=treatment.name,
                day=day(sprayed),
                days=days,
                required=treatment.interval_days,
            )
        )
    if treatment.interval_days is None:
        return str(
            gettext(
                "Phun %(name)s ngày %(day)s, cách %(days)s ngày; chưa khai số ngày nhãn yêu cầu.",
                name=treatment.name,
                day=day(sprayed),
                days=days,
            )
        )
    return str(
        gettext(
            "Phun %(name)s ngày %(day)s, đến nay %(days)s ngày (nhãn yêu cầu %(required)s).",
            name=treatment.name,
            day=day(sprayed),
            days=days,
            required=treatment.interval_days,
        )
    )


def _harvested(lot: Thing) -> str:
    if holds.held([lot.id]):
        return str(
            gettext(
                "Đã ghi thu hoạch. Lô bị tạm giữ: chưa in tem, chưa giao được, chờ kết quả kiểm "
                "nghiệm của lô này."
            )
        )
    return str(gettext("Đã ghi thu hoạch. In nhãn được ngay."))


def _harvest_start(thing: Thing, lines: list[Line]) -> dict[str, object]:
    facts = facts_of(lines, thing)
    product = thing.product
    unit = {"KGM": "kg", "H87": "qua", "": "goi"}.get(product.unit if product else "KGM", "kg")
    mine = product is not None and product.organisation_id == actor().organisation.id
    like = next((line for line in lines if line.mine and line.stands), None)
    return {
        "product": product.id if product is not None and mine else None,
        "variety": facts.variety,
        "unit": unit,
        **circumstance_values(like),
    }


def _product(chosen: int | None, thing: Thing) -> Product | None:
    """The product chosen, or the cycle's own."""
    found = choices.get_product(actor(), chosen)
    if found is None and thing.product_id is not None:
        found = db.session.get(Product, thing.product_id)
    return found
