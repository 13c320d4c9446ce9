"""The weighing sheet at the co-operative's scale, and the lot it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask import Blueprint, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import ValidationError

from trace import clock
from trace.errors import Refused, TraceError
from trace.extensions import db
from trace.models import WeighingSheet
from trace.schemas.cycles import LotSchema
from trace.schemas.weighing import SheetSchema, parse_column, parse_weight
from trace.services import weighing
from trace.services.acts import weighed
from trace.services.group import list_plantings
from trace.services.records import LOCAL_ZONE
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import Listing, csv_response
from trace.web.pages import day, number
from trace.web.problems import translated
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    common_choices,
    place_options,
    product_options,
    record,
)

blueprint = Blueprint("weighing", __name__, url_prefix="/producer/weighing")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The sheets, newest first; `?format=csv` for a spreadsheet."""
    listing = Listing(
        weighing.list_sheets(actor()),
        words=lambda one: (one[0].product.name, day(one[0].day)),
        filters={"state": lambda one: "lot" if one[0].thing_id else "open"},
    )
    if listing.wants_csv:
        head = [gettext("Ngày"), gettext("Sản phẩm"), "kg", gettext("Số hộ"), gettext("Thành lô")]
        return listing.csv(
            "phieu-can",
            head,
            lambda one: [
                one[0].day,
                one[0].product.name,
                one[1].kilograms,
                one[1].households,
                one[0].thing_id is not None,
            ],
        )
    return render_template("producer/weighing/index.html", listing=listing, number=number, day=day)


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A sheet more: of what, when, where."""
    form = Form(SheetSchema(), {"day": clock.now().astimezone(LOCAL_ZONE).date()})
    if form.sent:
        with form.attempt():
            sheet = weighing.open_sheet(actor(), form.load(), at=clock.now())
            return form.done(url_for("weighing.show", sheet_id=sheet.id))
    return form.page(
        "producer/weighing/new.html", products=product_options(), places=place_options()
    )


@blueprint.route("/<int:sheet_id>", methods=["GET", "POST"])
def show(sheet_id: int) -> ResponseReturnValue:
    """The sheet: a box a household, the running total, a column to paste."""
    sheet = weighing.get_sheet(actor(), sheet_id)
    households = weighing.households_of(actor(), sheet)
    lines = weighing.lines_of(sheet)
    if request.args.get("format") == "csv":
        return _csv(sheet)
    form = Form(None, {f"kg-{key}": row.typed for key, row in lines.items()})
    if form.sent:
        with form.attempt():
            typed = _changed()
            if request.form.get("paste", "").strip():
                by_code = {one.code: one.id for one in households}
                pasted = parse_column(request.form["paste"], list(by_code))
                typed |= {by_code[code]: text for code, text in pasted.items()}
            lines = weighing.write_weights(actor(), sheet, _weights(typed))
            then = "weighing.make" if "finish" in request.form else "weighing.show"
            return form.done(url_for(then, sheet_id=sheet.id), gettext("Đã lưu phiếu cân."))
    return form.page(
        "producer/weighing/show.html",
        sheet=sheet,
        households=households,
        lines=lines,
        total=weighing.total_of(lines),
        number=number,
    )


def _csv(sheet: WeighingSheet) -> ResponseReturnValue:
    rows = weighing.lines_of(sheet)
    head = [gettext("Mã hộ"), gettext("Tên hộ"), "kg", gettext("Gõ là")]
    return csv_response(
        f"phieu-can-{sheet.day.isoformat()}",
        head,
        (
            [one.code, one.name, rows[one.id].kilograms, rows[one.id].typed]
            for one in weighing.households_of(actor(), sheet)
            if one.id in rows
        ),
    )


def _changed() -> dict[int, str]:
    """The boxes whose text is another than the page showed: `kg-7` beside `was-7`."""
    found = {}
    for name, text in request.form.items():
        part, _, key = name.partition("-")
        if part != "kg" or not key.isdecimal() or len(key) > 15:
            continue
        if text.strip() != request.form.get(f"was-{key}", "").strip():
            found[int(key)] = text
    return found


def _weights(typed: Mapping[int, str]) -> dict[int, tuple[Decimal | None, str]]:
    """Kilograms of each box. Raises Refused with an error for each that is no weight."""
    clean: dict[int, tuple[Decimal | None, str]] = {}
    errors: list[TraceError] = []
    for key, text in typed.items():
        try:
            clean[key] = (parse_weight(text), text.strip())
        except ValidationError as error:
            found = [one for one in error.messages if isinstance(one, TraceError)]
            errors += [one.at(f"kg-{key}") for one in found]
    if errors:
        raise Refused(errors)
    return clean


@blueprint.post("/<int:sheet_id>/lines")
@needs("record")
def save(sheet_id: int) -> ResponseReturnValue:
    """What was typed so far, kept while typing: good lines are written, bad ones answered.

    Says `{"saved": [household], "wrong": {household: sentence}, "total": "1.234,5", "count": 12}`.
    """
    sheet = weighing.get_sheet(actor(), sheet_id)
    clean: dict[int, tuple[Decimal | None, str]] = {}
    wrong: dict[int, str] = {}
    for key, text in _changed().items():
        try:
            clean |= _weights({key: text})
        except Refused as refused:
            wrong[key] = " ".join(translated(error) for error in refused.errors)
    lines = weighing.write_weights(actor(), sheet, clean)
    total = weighing.total_of(lines)
    db.session.commit()
    return jsonify(
        saved=sorted(clean),
        wrong=wrong,
        total=number(total.kilograms),
        count=total.households,
    )


@blueprint.route("/<int:sheet_id>/lot", methods=["GET", "POST"])
@needs("record")
def make(sheet_id: int) -> ResponseReturnValue:
    """One lot of all that was weighed: asked once, because it is signed."""
    sheet = weighing.get_sheet(actor(), sheet_id)
    weighing.check_open(sheet)
    lines = weighing.lines_of(sheet)
    total = weighing.total_of(lines)
    plantings, missing = weighing.origins(sheet, lines, list_plantings(actor(), at=clock.now()))
    start = {
        "quantity": total.kilograms,
        "place": sheet.place_id,
        "first_day": sheet.day,
        "last_day": sheet.day,
    }
    form = RecordForm(LotSchema(), start)
    form.outbox = False
    if form.sent:
        with form.attempt():
            told = as_told(form, form.load(), form.draw())
            captured = record(form, weighed.make_lot(actor(), sheet, told, at=clock.now()))
            made = weighed.close_sheet(actor(), sheet, captured)
            address = url_for("batches.show", thing_id=made.id)
            return form.done(address, gettext("Đã thành một lô. In nhãn được ngay."))
    return form.page(
        "producer/weighing/make.html",
        sheet=sheet,
        total=total,
        plantings=plantings,
        missing=missing,
        number=number,
        **common_choices(),
    )


@blueprint.route("/<int:sheet_id>/drop", methods=["GET", "POST"])
@needs("record")
def drop(sheet_id: int) -> ResponseReturnValue:
    """Takes a sheet away, after asking once."""
    sheet = weighing.get_sheet(actor(), sheet_id)
    form = Form()
    if form.sent:
        with form.attempt():
            weighing.drop_sheet(actor(), sheet, at=clock.now())
            return form.done(url_for("weighing.index"), gettext("Đã bỏ phiếu cân."))
    return form.page(
        "producer/weighing/drop.html",
        sheet=sheet,
        act=gettext("Bỏ phiếu cân này"),
        cancel=url_for("weighing.show", sheet_id=sheet.id),
        danger=True,
    )
