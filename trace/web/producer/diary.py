"""One thing done to a cycle: the entry's form, and what it is filled from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.models import Thing
from trace.schemas.cycles import EntrySchema, TreatmentSchema
from trace.services import plans
from trace.services.acts import growing
from trace.services.acts.growing import ALL_STEPS, TREATMENTS, input_of
from trace.services.batches import batch_of
from trace.services.catalogue import banned_among, proposals
from trace.services.diary import Input
from trace.services.records import LOCAL_ZONE
from trace.services.timelines import get_thing
from trace.services.vocabulary import STEP_LABELS
from trace.web.access import actor, needs
from trace.web.pages import day
from trace.web.producer.cycles import blueprint
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    common_choices,
    input_unit_options,
    plain,
    record,
)
from trace.web.producer.starting import entry_start, origin_of


@blueprint.route("/<int:thing_id>/diary/<step>", methods=["GET", "POST"])
@needs("record")
def entry(thing_id: int, step: str) -> ResponseReturnValue:
    """One thing done to the cycle."""
    thing = get_thing(actor(), thing_id, "cycle")
    if step not in ALL_STEPS:
        raise NotFound
    origin = origin_of(thing, step)
    schema = TreatmentSchema() if step in TREATMENTS else EntrySchema()
    form = RecordForm(schema, lambda: {**entry_start(thing, step), **origin.values()})
    form.begin_with(origin.photos)
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            inputs = [input_of(row) for row in clean["inputs"] or ()]
            events = growing.enter(actor(), thing, step, as_told(form, clean, draw))
            _save_preset(thing, step, clean)
            captured = record(form, events)
            origin.finish(captured)
            address = url_for("cycles.show", thing_id=thing.id)
            return form.done(address, _said(step, clean, inputs))
    today = clock.now().astimezone(LOCAL_ZONE).date()
    return form.page(
        "producer/cycles/entry.html",
        cycle=batch_of(actor(), thing),
        step=step,
        label=STEP_LABELS[step],
        treatment=step in TREATMENTS,
        input_units=input_unit_options(),
        proposals=proposals(actor(), thing.product.name if thing.product else "")
        if step in TREATMENTS
        else [],
        origin=origin,
        presets=plans.list_presets(
            actor(), step, product_id=thing.product_id, season=plans.season_of(today)
        ),
        seasons=season_options(),
        **common_choices(),
    )


def season_options() -> list[tuple[str, str]]:
    """The seasons a saved entry may be kept for."""
    return [
        ("", gettext("Mọi vụ")),
        ("spring", gettext("Vụ xuân (tháng 2–4)")),
        ("summer", gettext("Vụ hè (tháng 5–7)")),
        ("autumn", gettext("Vụ thu (tháng 8–10)")),
        ("winter", gettext("Vụ đông (tháng 11–1)")),
    ]


def _save_preset(thing: Thing, step: str, clean: Mapping[str, Any]) -> None:
    name = clean.get("preset_name")
    if name:
        plans.save_preset(
            actor(),
            name,
            step,
            plans.kept_of(clean, plain),
            product=thing.product,
            season=clean.get("preset_season") or "",
            at=clock.now(),
        )


def _said(step: str, clean: Mapping[str, Any], inputs: Sequence[Input]) -> str:
    """What the entry means for the harvest, said at once: arithmetic, nothing else."""
    said: str = gettext("Đã ghi. Vào sổ công khai trong giây lát.")
    days = [one.interval_days for one in inputs if one.interval_days is not None]
    if step == "spraying" and days:
        first = clean["when"].astimezone(LOCAL_ZONE).date() + timedelta(days=max(days))
        said += " " + gettext("Thu hoạch được từ %(day)s.", day=day(first))
    names = banned_among(actor(), [(one.name, one.active_ingredient) for one in inputs])
    if names:
        said += " " + gettext(
            "Danh mục ghi %(names)s là chất cấm: lô thu từ vụ này sẽ bị tạm giữ.",
            names=", ".join(names),
        )
    return said
