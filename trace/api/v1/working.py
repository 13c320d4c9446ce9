"""Work ahead and work told at once: plans, jottings, saved entries, a job of many plantings, the
weighing sheet and the lot it becomes, what a stall pours together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.api.v1.nouns import Noun, Rows, declare, listing
from trace.api.v1.recording import recording, told_of
from trace.errors import NotFound
from trace.models import Jotting, Plan, Preset, Thing, WeighingLine, WeighingSheet
from trace.schemas.api import registers, work
from trace.services import choices, plans, weighing
from trace.services.actors import Actor
from trace.services.acts import Told, pouring, together, weighed
from trace.services.capture import Captured
from trace.services.choices import NotOffered
from trace.services.records import JsonObject
from trace.services.timelines import get_event, get_thing

WHEN: Final = "2026-11-20T07:30:00+07:00"
AT: Final = "2026-11-20T00:30:00Z"

# -- plans -----------------------------------------------------------------------------------------

PLAN: Final = {"thing": 12, "step": "spraying", "due": "2026-11-27", "note": "sâu tơ"}


def _cycle(actor: Actor, number: int) -> Thing:
    """A cycle the organisation may see. Raises NotOffered."""
    try:
        return get_thing(actor, number, "cycle")
    except NotFound:
        raise NotOffered(path="/thing") from None


def _make_plan(actor: Actor, clean: dict[str, Any], *, at: Any) -> Plan:
    return plans.make_plan(actor, _cycle(actor, clean["thing"]), clean, at=at)


def _change_plan(actor: Actor, row: Plan, clean: dict[str, Any], *, version: int, at: Any) -> None:
    del at  # a plan keeps no history
    if clean["thing"] != row.thing_id:
        raise NotOffered(path="/thing")
    plans.change_plan(actor, row, clean, version=version)


declare(
    Noun(
        "plan",
        "plans",
        Plan,
        work.PlanOut(),
        add=work.PLAN,
        change=work.PLAN,
        get=plans.get_plan,
        register=_make_plan,
        update=_change_plan,
        remove=plans.drop_plan,
        standing=lambda: (Plan.event_id.is_(None), Plan.dropped_at.is_(None)),
        example=PLAN,
        answer={**PLAN, "id": 7, "version": 1, "created_at": AT, "event": None, "dropped_at": None},
    )
)


@operation(
    "POST",
    "/plans/<int:plan_id>/done",
    tag="plans",
    summary="The job was recorded as this event",
    scope="capture",
    body=work.DONE,
    out=work.PlanOut(),
    example={"event": 41},
    answer={**PLAN, "id": 7, "version": 2, "created_at": AT, "event": 41, "dropped_at": None},
)
def finish_plan(actor: Actor, plan_id: int, clean: dict[str, Any]) -> Plan:
    plan, line = plans.get_plan(actor, plan_id), get_event(actor, clean["event"])
    if not line.mine or plan.thing_id not in {named.thing.id for named in line.things}:
        raise NotOffered(path="/event")
    plans.finish_plan(actor, plan, line.event_id)
    return plan


# -- jottings and saved entries --------------------------------------------------------------------


def _jotting(row: Jotting) -> dict[str, Any]:
    told = {"id": row.id, "at": row.at, "thing": row.thing_id, "sentence": row.sentence}
    return {**told, "photos": plans.photos_of(row)}


def _preset(row: Preset) -> dict[str, Any]:
    told = {"id": row.id, "name": row.name, "step": row.step, "season": row.season}
    return {**told, "product": row.product_id, "content": plans.content_of(row)}


def _jottings(actor: Actor) -> Select[Any]:
    actor.check("read")
    return select(Jotting).where(
        Jotting.organisation_id == actor.organisation.id,
        Jotting.event_id.is_(None),
        Jotting.dropped_at.is_(None),
    )


def _presets(actor: Actor) -> Select[Any]:
    actor.check("read")
    return select(Preset).where(Preset.organisation_id == actor.organisation.id)


PRESET: Final = {
    "id": 2,
    "name": "Phun sâu tơ",
    "step": "spraying",
    "product": 3,
    "season": "",
    "content": {"inputs-0-name": "Thuốc Demo 1.8EC", "inputs-0-unit": "ml"},
}
JOTTING: Final = {"id": 4, "at": AT, "thing": 12, "sentence": "sâu nhiều ở góc ao", "photos": []}
listing(
    "list_jottings",
    "/jottings",
    work.JottingOut(),
    Rows(_jottings, Jotting.id, _jotting, newest=False),
    tag="plans",
    summary="Photos and sentences from the field that wait to be told in full",
    answer=JOTTING,
)
listing(
    "list_presets",
    "/presets",
    work.PresetOut(),
    Rows(_presets, Preset.id, _preset, newest=False),
    tag="plans",
    summary="Entries saved to be used again",
    answer=PRESET,
)


@operation(
    "POST",
    "/jottings",
    tag="plans",
    summary="A photo and a sentence now; the details later",
    scope="capture",
    body=work.JOTTING,
    out=work.JottingOut(),
    status=201,
    example={"when": WHEN, "thing": 12, "sentence": "sâu nhiều ở góc ao"},
    answer=JOTTING,
)
def add_jotting(actor: Actor, clean: dict[str, Any]) -> dict[str, Any]:
    photos = told_of(actor, clean).photos
    if not clean["sentence"] and not photos:
        raise NotOffered(path="/sentence")
    thing = _cycle(actor, clean["thing"]) if clean["thing"] else None
    return _jotting(plans.jot(actor, {**clean, "thing": thing}, photos, at=clock.now()))


@operation(
    "POST",
    "/jottings/<int:jotting_id>/told",
    tag="plans",
    summary="It was told in full as this event",
    scope="capture",
    body=registers.TOLD,
    out=work.JottingOut(),
    example={"event": 41},
    answer=JOTTING,
)
def tell_jotting(actor: Actor, jotting_id: int, clean: dict[str, Any]) -> dict[str, Any]:
    row, line = plans.get_jotting(actor, jotting_id), get_event(actor, clean["event"])
    if not line.mine:
        raise NotOffered(path="/event")
    plans.finish_jotting(actor, row, line.event_id)
    return _jotting(row)


@operation(
    "DELETE",
    "/jottings/<int:jotting_id>",
    tag="plans",
    summary="It will not be told in full",
    scope="capture",
    status=204,
)
def drop_jotting(actor: Actor, jotting_id: int) -> Answer:
    plans.drop_jotting(actor, plans.get_jotting(actor, jotting_id), at=clock.now())
    return Answer(None, status=204)


@operation(
    "POST",
    "/presets",
    tag="plans",
    summary="Save an entry under a name, to be used again in the console's forms",
    scope="capture",
    body=registers.PRESET,
    out=work.PresetOut(),
    status=201,
    example={
        "name": "Phun sâu tơ",
        "step": "spraying",
        "product": 3,
        "inputs": [{"name": "Thuốc Demo 1.8EC", "amount": 30, "unit": "ml", "interval_days": 7}],
    },
    answer=PRESET,
)
def save_preset(actor: Actor, clean: dict[str, Any]) -> dict[str, Any]:
    choices.get_place(actor, clean["place"])
    choices.get_household(actor, clean["household"])
    product = choices.get_product(actor, clean["product"])
    kept = plans.kept_of(clean, lambda amount: f"{amount.normalize():f}".replace(".", ","))
    name, step, season = clean["name"], clean["step"], clean["season"] or ""
    now = clock.now()
    return _preset(
        plans.save_preset(actor, name, step, kept, product=product, season=season, at=now)
    )


@operation(
    "DELETE",
    "/presets/<int:preset_id>",
    tag="plans",
    summary="Forget a saved entry",
    scope="capture",
    status=204,
)
def drop_preset(actor: Actor, preset_id: int) -> Answer:
    plans.drop_preset(actor, plans.get_preset(actor, preset_id), at=clock.now())
    return Answer(None, status=204)


# -- many plantings at once ------------------------------------------------------------------------


def _enter(actor: Actor, told: Told) -> list[JsonObject]:
    return together.enter(actor, told["step"], told, at=clock.now())


def _sow(actor: Actor, told: Told) -> list[JsonObject]:
    return together.sow(actor, told["step"], told)


def _pour(actor: Actor, told: Told) -> list[JsonObject]:
    return pouring.pour(actor, told["lots"] or (), told)


recording(
    "add_entries",
    "/cycles/together",
    work.TOGETHER,
    _enter,
    tag="cycles",
    summary="One job of many plantings: what was used is told once, each gets its share",
    example={
        "step": "spraying",
        "when": WHEN,
        "chosen": [12, 13],
        "inputs": [{"name": "Thuốc Demo 1.8EC", "amount": 30, "unit": "ml", "per": "household"}],
    },
    description="`chosen` are cycles of this season; all are recorded or none. `per` says what an"
    " amount is for: an area (`sao`, `sao-trung-bo`, `ha`), each `household`, or the `total`.",
)
recording(
    "sow_together",
    "/cycles/together/sowing",
    work.SOW_TOGETHER,
    _sow,
    tag="cycles",
    summary="The same crop begins on many plots",
    example={"step": "sowing", "when": WHEN, "chosen": [7, 8], "product": 3},
    description="`chosen` are places of the kinds plot, greenhouse, pond and barn.",
)
recording(
    "pour_together",
    "/batches/pouring",
    work.POUR,
    _pour,
    tag="batches",
    summary="What a stall pours together becomes its lot of the day",
    example={
        "when": WHEN,
        "place": 7,
        "product": 3,
        "quantity": 30,
        "unit": "kg",
        "lots": [{"thing": 12, "quantity": 20, "unit": "kg"}],
        "uncoded": True,
        "uncoded_quantity": 10,
        "supplier": "Hộ demo",
    },
    description="Poured again on the same day at the same place, the same lot goes on.",
)

# -- weighing sheets -------------------------------------------------------------------------------

WEIGHING: Final = {
    "id": 5,
    "product": 3,
    "place": 7,
    "day": "2026-11-20",
    "thing": None,
    "kilograms": 25.5,
    "lines": [{"household": 7, "code": "H07", "kilograms": 25.5, "typed": "25.5"}],
    "created_at": AT,
}


def _sheet(sheet: WeighingSheet) -> dict[str, Any]:
    return _weighed([sheet])[0]


def _weighed(sheets: Sequence[WeighingSheet]) -> list[dict[str, Any]]:
    lines = weighing.lines_of_each(sheets)
    return [_summed(sheet, lines[sheet.id]) for sheet in sheets]


def _summed(sheet: WeighingSheet, lines: dict[int, WeighingLine]) -> dict[str, Any]:
    return {
        "id": sheet.id,
        "product": sheet.product_id,
        "place": sheet.place_id,
        "day": sheet.day,
        "thing": sheet.thing_id,
        "kilograms": weighing.total_of(lines).kilograms,
        "lines": [
            {
                "household": key,
                "code": row.household.code,
                "kilograms": row.kilograms,
                "typed": row.typed,
            }
            for key, row in sorted(lines.items())
        ],
        "created_at": sheet.created_at,
    }


def _sheets(actor: Actor) -> Select[Any]:
    actor.check("read")
    mine = WeighingSheet.organisation_id == actor.organisation.id
    return select(WeighingSheet).where(mine, WeighingSheet.dropped_at.is_(None))


listing(
    "list_weighing_sheets",
    "/weighing-sheets",
    work.WeighingOut(),
    Rows(_sheets, WeighingSheet.id, many=_weighed),
    tag="weighing",
    summary="Weighing sheets, newest first",
    answer=WEIGHING,
)


@operation(
    "POST",
    "/weighing-sheets",
    tag="weighing",
    summary="A new sheet: of what, when, where",
    scope="capture",
    body=work.SHEET,
    out=work.WeighingOut(),
    status=201,
    example={"product": 3, "place": 7, "day": "2026-11-20"},
    answer={**WEIGHING, "kilograms": 0, "lines": []},
)
def add_weighing_sheet(actor: Actor, clean: dict[str, Any]) -> dict[str, Any]:
    return _sheet(weighing.open_sheet(actor, clean, at=clock.now()))


@operation(
    "GET",
    "/weighing-sheets/<int:sheet_id>",
    tag="weighing",
    summary="One sheet with what each household brought",
    scope="query",
    out=work.WeighingOut(),
    answer=WEIGHING,
)
def show_weighing_sheet(actor: Actor, sheet_id: int) -> dict[str, Any]:
    return _sheet(weighing.get_sheet(actor, sheet_id))


@operation(
    "POST",
    "/weighing-sheets/<int:sheet_id>/lines",
    tag="weighing",
    summary="What some households brought; a line without kilograms is taken away",
    scope="capture",
    body=work.WEIGHTS,
    out=work.WeighingOut(),
    example={"lines": [{"household": 7, "kilograms": 25.5}]},
    answer=WEIGHING,
)
def write_weights(actor: Actor, sheet_id: int, clean: dict[str, Any]) -> dict[str, Any]:
    sheet = weighing.get_sheet(actor, sheet_id)
    known = {one.id for one in weighing.households_of(actor, sheet)}
    weights = {}
    for row in clean["lines"]:
        if row["household"] not in known:
            raise NotOffered(path=f"/lines/{row['row']}/household")
        much = row["kilograms"] or None
        weights[row["household"]] = (much, "" if much is None else f"{much:f}")
    weighing.write_weights(actor, sheet, weights)
    return _sheet(sheet)


@operation(
    "DELETE",
    "/weighing-sheets/<int:sheet_id>",
    tag="weighing",
    summary="Take away a sheet that became no lot",
    scope="capture",
    status=204,
)
def drop_weighing_sheet(actor: Actor, sheet_id: int) -> Answer:
    weighing.drop_sheet(actor, weighing.get_sheet(actor, sheet_id), at=clock.now())
    return Answer(None, status=204)


def _make_lot(actor: Actor, told: Told, sheet_id: int) -> list[JsonObject]:
    return weighed.make_lot(actor, weighing.get_sheet(actor, sheet_id), told, at=clock.now())


def _close(actor: Actor, done: Captured, sheet_id: int) -> None:
    weighed.close_sheet(actor, weighing.get_sheet(actor, sheet_id), done)


recording(
    "make_weighed_lot",
    "/weighing-sheets/<int:sheet_id>/lot",
    work.WEIGHED_LOT,
    _make_lot,
    then=_close,
    tag="weighing",
    summary="One lot of all that was weighed, from the plantings of those who brought some",
    example={"when": WHEN, "place": 7, "lot": "L2611"},
)
