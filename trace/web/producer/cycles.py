"""Production cycles: the list, beginning one, its diary, its harvest."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.models import Thing
from trace.schemas.cycles import (
    CycleSchema,
    HarvestSchema,
    NoneUsedSchema,
)
from trace.services import holds
from trace.services.acts import growing
from trace.services.acts.growing import BEGINNINGS
from trace.services.batches import (
    address_of,
    batch_of,
    facts_of,
    list_thing_ids,
    read_batches,
)
from trace.services.cycles import Cycle, cycles_of, last_treatment, waiting_until
from trace.services.records import LOCAL_ZONE
from trace.services.timelines import Line, get_event, get_thing, timeline
from trace.services.vocabulary import (
    AREA_UNITS,
    DECLARATIONS,
    FIELD_STEPS,
    STEP_LABELS,
    step_label,
)
from trace.web.access import actor, needs
from trace.web.lists import Listing
from trace.web.pages import day
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    common_choices,
    product_options,
    record,
)
from trace.web.producer.starting import circumstance_values, entry_start, origin_of
from trace.web.producer.telling import area_words, place_word, tell

blueprint = Blueprint("cycles", __name__, url_prefix="/producer/cycles")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The organisation's cycles."""
    listing = Listing(
        list_thing_ids(actor(), "cycle"),
        load=lambda some: cycles_of(read_batches(actor(), some)),
        words=_words,
        filters={"state": lambda c: c.state},
    )
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
            captured = record(form, growing.begin(actor(), beginning, as_told(form, clean, draw)))
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
            record(form, growing.declare(actor(), thing, as_told(form, clean, draw)))
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
    step = growing.harvest_step(thing)
    eggs = step == "egg_collecting"
    origin = origin_of(thing, "harvesting")
    start = {**_harvest_start(thing, lines), **origin.values()}
    form = RecordForm(HarvestSchema(), start)
    form.begin_with(origin.photos)
    today = clock.now().astimezone(LOCAL_ZONE).date()
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            captured = record(form, growing.reap(actor(), thing, lines, as_told(form, clean, draw)))
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
