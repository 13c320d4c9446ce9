"""A co-operative's evening: one job of many households, recorded by one press."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from trace import clock
from trace.core.folding import fold
from trace.errors import NotFound
from trace.schemas.group import GroupSchema, GroupSowingSchema, GroupTreatmentSchema
from trace.services import choices, group
from trace.services.acts import together
from trace.services.acts.together import STARTS, TREATMENTS, WORK, chosen_of, shares_of
from trace.services.diary import Input
from trace.services.records import LOCAL_ZONE
from trace.services.vocabulary import AREA_NAMES, STEP_LABELS, step_label
from trace.web.access import actor, needs
from trace.web.pages import day, number
from trace.web.producer.recording import (
    Options,
    RecordForm,
    as_told,
    input_unit_options,
    product_options,
    record,
)
from trace.web.producer.starting import UNITS_OF_STEP

blueprint = Blueprint("group", __name__, url_prefix="/producer/group")

STEPS = (*WORK, *STARTS)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Which job; and what else an evening at the co-operative needs."""
    return render_template(
        "producer/group/index.html",
        steps=[(step, STEP_LABELS[step]) for step in STEPS],
        plantings=len(group.list_plantings(actor(), at=clock.now())),
        plots=len(group.list_plots(actor())),
        households=len(choices.households(actor())),
    )


@blueprint.route("/<step>", methods=["GET", "POST"])
@needs("record")
def entry(step: str) -> ResponseReturnValue:
    """The households' plantings, all ticked; what was used, once."""
    if step in STARTS:
        return _sow(step)
    if step not in WORK:
        raise NotFound
    offered = group.list_plantings(actor(), at=clock.now())
    shown = _shown(offered)
    schema = GroupTreatmentSchema() if step in TREATMENTS else GroupSchema()
    start: dict[str, object] = {
        "chosen": " ".join(str(one.key) for one in shown),
        "inputs-0-unit": UNITS_OF_STEP.get(step, "kg"),
        "inputs-0-per": "sao",
    }
    form = RecordForm(schema, start)
    given: dict[int, list[Input]] = {}
    if form.sent and form.more_rows and request.form["more"] == "preview":
        with form.attempt():
            clean = form.load()
            given = shares_of(clean, chosen_of(clean["chosen"], offered))
    elif form.sent and not form.more_rows:
        with form.attempt():
            told = as_told(form, form.load(), form.draw())
            record(form, together.enter(actor(), step, told, at=clock.now()))
            return form.done(url_for("tonight.show"), _done(len(told["chosen"])))
    return _page(form, "producer/group/entry.html", step, shown, offered, given)


def _sow(step: str) -> ResponseReturnValue:
    offered = group.list_plots(actor())
    shown = _shown(offered)
    # A plot on which something grows may be sown again, but nobody does so by default.
    taken = {
        one.place.id
        for one in group.list_plantings(actor(), at=clock.now())
        if one.place is not None
    }
    free = [one for one in shown if one.key not in taken]
    form = RecordForm(GroupSowingSchema(), {"chosen": " ".join(str(one.key) for one in free)})
    if form.sent and not form.more_rows:
        with form.attempt():
            told = as_told(form, form.load(), form.draw())
            record(form, together.sow(actor(), step, told))
            return form.done(url_for("tonight.show"), _done(len(told["chosen"])))
    return _page(form, "producer/group/sow.html", step, shown, offered, {})


def _done(count: int) -> str:
    return str(
        ngettext(
            "Đã ghi cho %(num)s vụ. Vào sổ công khai trong giây lát.",
            "Đã ghi cho %(num)s vụ. Vào sổ công khai trong giây lát.",
            count,
        )
    )


def _shown(offered: Sequence[group.Planting]) -> list[group.Planting]:
    """Those that the filters in the address leave: by hamlet, by crop, by words."""
    hamlet, crop = request.args.get("hamlet", ""), request.args.get("crop", "")
    text = fold(request.args.get("q", "")[:100])
    return [
        one
        for one in offered
        if (not hamlet or one.hamlet == hamlet)
        and (not crop or one.name == crop)
        and (not text or text in fold(f"{one.who} {one.name} {one.place and one.place.name}"))
    ]


def per_options() -> Options:
    """What an amount is for."""
    words: Options = [
        (key, gettext("mỗi %(area)s", area=gettext(AREA_NAMES[key]))) for key in group.PER[:3]
    ]
    return [
        *words,
        ("household", gettext("mỗi hộ")),
        ("total", gettext("tất cả, chia theo diện tích")),
    ]


def planting_words(one: group.Planting, *, steps: bool = True) -> str:
    """ "Cải ngọt · Vườn B2 · 720 m² · phun 20/11"."""
    parts = [one.name]
    if one.place and one.place.name != one.name:
        parts.append(one.place.name)
    parts.append(f"{number(one.area)} m²" if one.area else gettext("chưa có diện tích"))
    if steps and one.last_step and one.last_time:
        parts.append(
            f"{gettext(step_label(one.last_step))} {day(one.last_time.astimezone(LOCAL_ZONE))}"
        )
    return " · ".join(part for part in parts if part)


def _page(
    form: RecordForm,
    template: str,
    step: str,
    shown: Sequence[group.Planting],
    offered: Sequence[group.Planting],
    given: dict[int, list[Input]],
) -> ResponseReturnValue:
    return form.page(
        template,
        step=step,
        label=STEP_LABELS[step],
        shown=shown,
        hidden=len(offered) - len(shown),
        hamlets=sorted({one.hamlet for one in offered if one.hamlet}),
        crops=sorted({one.name for one in offered if one.name}),
        given=given,
        totals=group.totals(given),
        words=planting_words,
        input_units=input_unit_options(),
        per=per_options(),
        products=product_options(),
        number=number,
        treatment=step in TREATMENTS,
        ticked=set(form.all("chosen")),
    )
