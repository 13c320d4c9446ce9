"""Jobs ahead, jottings, saved entries: what waits on the page of the day."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.models import Plan, Thing
from trace.schemas.plans import PLANNED_STEPS, JottingSchema, PlanSchema, TellSchema
from trace.schemas.records import local_moment
from trace.services import plans
from trace.services.batches import short_name
from trace.services.choices import NotOffered
from trace.services.cycles import own_cycles
from trace.services.records import LOCAL_ZONE
from trace.services.refusals import NothingChosen
from trace.services.timelines import get_thing
from trace.services.vocabulary import STEP_LABELS, step_label
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.producer.diary import season_options
from trace.web.producer.recording import Options, RecordForm
from trace.web.producer.telling import thing_href

blueprint = Blueprint("plans", __name__, url_prefix="/producer/plans")

CYCLES_OFFERED = 300


def cycle_options() -> Options:
    """The organisation's cycles: product, place, code; the newest first."""
    found: Options = []
    for cycle in own_cycles(actor(), limit=CYCLES_OFFERED):
        parts = (
            cycle.batch.product.name if cycle.batch.product else "",
            cycle.place.name if cycle.place else "",
            cycle.batch.name,
        )
        found.append((cycle.batch.thing_id, " · ".join(part for part in parts if part)))
    return found


def step_options() -> Options:
    """The jobs that can be planned."""
    return [(step, gettext(STEP_LABELS[step])) for step in PLANNED_STEPS]


def do_href(plan: Plan) -> str:
    """Where the planned job is recorded."""
    if plan.step == "harvesting":
        return url_for("cycles.take", thing_id=plan.thing_id, plan=plan.id)
    return url_for("cycles.entry", thing_id=plan.thing_id, step=plan.step, plan=plan.id)


def _cycle(number: int | None) -> Thing | None:
    """A cycle of the organisation's own, None for no choice. Raises NotOffered."""
    if number is None:
        return None
    try:
        return get_thing(actor(), number, "cycle")
    except NotFound:
        raise NotOffered(path="thing") from None


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Everything that is still to be done, and the saved entries."""
    today = clock.now().astimezone(LOCAL_ZONE).date()
    return render_template(
        "producer/plans/index.html",
        due=plans.list_plans(actor(), today=today),
        jottings=plans.list_jottings(actor()),
        presets=plans.list_presets(actor()),
        seasons=dict(season_options()),
        do_href=do_href,
        step_label=step_label,
        short_name=short_name,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A job for a day ahead."""
    asked = request.args.get("thing", type=int)
    today = clock.now().astimezone(LOCAL_ZONE).date()
    start = {"thing": asked, "due": today, "step": request.args.get("step", "")}
    form = Form(PlanSchema(), start)
    form.outbox = True
    if form.sent:
        with form.attempt():
            clean = form.load()
            thing = _cycle(clean["thing"])
            if thing is None:
                raise NothingChosen(path="thing")
            plans.make_plan(actor(), thing, clean, at=clock.now())
            return form.done(url_for("today.show"), gettext("Đã thêm vào việc cần làm."))
    return form.page(
        "producer/plans/form.html", plan=None, cycles=cycle_options(), steps=step_options()
    )


@blueprint.route("/<int:plan_id>", methods=["GET", "POST"])
@needs("record")
def edit(plan_id: int) -> ResponseReturnValue:
    """Another day, another word; or dropped."""
    plan = plans.get_plan(actor(), plan_id)
    start = {"thing": plan.thing_id, "due": plan.due, "step": plan.step, "note": plan.note}
    form = Form(PlanSchema(), start, version=plan.version)
    if form.sent:
        with form.attempt():
            if "drop" in request.form:
                plans.drop_plan(actor(), plan, at=clock.now())
                return form.done(url_for("today.show"), gettext("Đã bỏ việc này."))
            plans.change_plan(actor(), plan, form.load(), version=form.version)
            return form.done(url_for("today.show"), gettext("Đã lưu."))
    return form.page(
        "producer/plans/form.html",
        plan=plan,
        do=do_href(plan),
        cycles=[(value, text) for value, text in cycle_options() if value == plan.thing_id],
        steps=step_options(),
    )


@blueprint.route("/jottings/new", methods=["GET", "POST"])
@needs("record")
def jot() -> ResponseReturnValue:
    """A photo and a sentence now; the details later."""
    form = RecordForm(JottingSchema(), {"thing": request.args.get("thing", type=int)})
    form.now = True
    if form.sent:
        with form.attempt():
            clean = form.load()
            if not clean["sentence"] and not form.photos:
                raise NothingChosen(path="sentence")
            clean["thing"] = _cycle(clean["thing"])
            plans.jot(actor(), clean, form.photos, at=clock.now())
            return form.done(url_for("today.show"), gettext("Đã giữ. Ghi đủ lúc nào rảnh."))
    return form.page("producer/plans/jot.html", cycles=cycle_options())


@blueprint.route("/jottings/<int:jotting_id>", methods=["GET", "POST"])
@needs("record")
def tell(jotting_id: int) -> ResponseReturnValue:
    """What the jotting was about: leads to the entry, filled with its time, words and photos."""
    row = plans.get_jotting(actor(), jotting_id)
    form = Form(TellSchema(), {"thing": row.thing_id, "step": "field_observation"})
    if form.sent:
        with form.attempt():
            if "drop" in request.form:
                plans.drop_jotting(actor(), row, at=clock.now())
                return form.done(url_for("today.show"), gettext("Đã bỏ ảnh và lời ghi này."))
            clean = form.load()
            thing = _cycle(clean["thing"])
            if thing is None:
                raise NothingChosen(path="thing")
            endpoint = "cycles.take" if clean["step"] == "harvesting" else "cycles.entry"
            told = {} if endpoint == "cycles.take" else {"step": clean["step"]}
            return redirect(url_for(endpoint, thing_id=thing.id, jotting=row.id, **told), 303)
    return form.page(
        "producer/plans/tell.html",
        row=row,
        local=local_moment(row.at),
        photos=plans.photos_of(row),
        cycles=cycle_options(),
        steps=step_options(),
        thing_href=thing_href,
    )


@blueprint.route("/presets/<int:preset_id>/drop", methods=["GET", "POST"])
@needs("record")
def drop_preset(preset_id: int) -> ResponseReturnValue:
    """Forgets a saved entry; asks once."""
    row = plans.get_preset(actor(), preset_id)
    form = Form()
    if form.sent:
        with form.attempt():
            plans.drop_preset(actor(), row, at=clock.now())
            return form.done(url_for("plans.index"), gettext("Đã bỏ mẫu."))
    return form.page(
        "producer/plans/drop_preset.html",
        row=row,
        act=gettext("Bỏ mẫu này"),
        cancel=url_for("plans.index"),
        danger=True,
    )
