"""Labels of a lot or crate: on the screen, as pictures, as sheets and rolls to print."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.labels import LAYOUTS, Label, label_payload, qr_png, qr_svg
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Thing
from trace.schemas.kept_files import send_kept
from trace.schemas.labels import CUSTOM, SheetSchema, sheet_from
from trace.services.acts import printing
from trace.services.batches import (
    LotFacts,
    batch_of,
    product_of,
    read_facts,
)
from trace.services.jobs import get_job
from trace.services.label_sheets import (
    JOB_KIND,
    cancel_sheet,
    first_page_name,
    sheet_name,
)
from trace.services.labels import (
    FORMATS,
    SHEET_AT_ONCE,
    Sheet,
    check_sheet,
    draw_sheet,
    issue_labels,
    printed_address,
    prints_of,
    weight_words,
)
from trace.services.records import Draw, Record
from trace.services.settings import current_settings
from trace.services.stamps import check_not_held, is_held, list_rolls
from trace.services.timelines import get_thing
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.producer.recording import record

blueprint = Blueprint("labels", __name__, url_prefix="/producer/labels")

KINDS = ("lot", "logistic")
# The bars of an SSCC are 100 mm wide.
CRATE_STOCK = "roll-100x150"
# Codes of a private page: kept by the browser of whoever opened it, for a day.
KEEP = "private, max-age=86400"


def layout_words() -> list[tuple[str, str]]:
    """The stocks, by what people read on the packet."""
    found = []
    for name, layout in LAYOUTS.items():
        size = f"{layout.label_width:g} × {layout.label_height:g} mm".replace(".", ",")
        if layout.continuous:
            paper = gettext("58 mm") if name.endswith("58") else gettext("80 mm")
            words = gettext("Giấy hóa đơn %(paper)s", paper=paper)
        elif layout.per_page == 1 and layout.page_width < 200:
            words = gettext("Cuộn %(size)s (máy in nhiệt)", size=size)
        else:
            words = gettext("A4, %(count)s tem một tờ (%(size)s)", count=layout.per_page, size=size)
        found.append((name, words))
    return [*found, (CUSTOM, gettext("Khổ khác, tự đo bằng thước"))]


def format_words() -> list[tuple[str, str]]:
    """The files, by what people print them with."""
    return [
        ("pdf", gettext("PDF: máy in văn phòng, máy in tem có trình điều khiển")),
        ("zpl", gettext("ZPL: máy in tem hiểu ZPL II")),
        ("tspl", gettext("TSPL: máy in tem hiểu TSPL")),
        ("png", gettext("Ảnh PNG: điện thoại, máy in hóa đơn")),
    ]


def stock_choices() -> dict[str, object]:
    """What the fields of a stock need."""
    return {"layouts": layout_words(), "formats": format_words()}


@blueprint.route("/<int:thing_id>", methods=["GET", "POST"])
def show(thing_id: int) -> ResponseReturnValue:
    """The label on the screen, and the form of a sheet."""
    thing = get_thing(actor(), thing_id, *KINDS)
    (facts,) = read_facts(actor(), [thing]).values()
    product = product_of(thing)
    weight = weight_words(product.net_weight if product else None)
    stock, count = ("3x8", LAYOUTS["3x8"].per_page) if thing.kind == "lot" else (CRATE_STOCK, 1)
    start = {"layout": stock, "count": count, "weight": weight, "what": "same"}
    form = Form(SheetSchema(), {**start, "format": "pdf"})
    units = thing.kind == "lot" and thing.owner_id == actor().organisation.id
    if form.sent:
        with form.attempt():
            clean = form.load()
            check_not_held(thing)
            label = _label(thing, facts, clean["weight"], gs1=bool(clean["gs1"]))
            sheet = sheet_from(clean, label, clean["count"])
            check_sheet(sheet)
            if clean["what"] == "unit" and units:
                return _units(form, thing, clean, label)
            return _copies(form, thing, sheet, clean["reason"])
    return form.page(
        "producer/labels/show.html",
        batch=batch_of(actor(), thing),
        label=_label(thing, facts, form.value("weight")),
        held=is_held(thing),
        units=units and actor().may("record"),
        prints=prints_of(actor(), thing=thing),
        rolls=list_rolls(actor(), lot=thing) if units else [],
        **stock_choices(),
    )


def _label(thing: Thing, facts: LotFacts, weight: str, *, gs1: bool = False) -> Label:
    """What the label says."""
    return printing.label_for(actor(), thing, facts, weight, gs1=gs1)


def _copies(form: Form, thing: Thing, sheet: Sheet, reason: str) -> ResponseReturnValue:
    """The same label many times: at once where it is quick, otherwise a job."""
    now = clock.now()
    if sheet.count > SHEET_AT_ONCE:
        job = printing.copies(actor(), thing, sheet, reason, at=now)
        return form.done(url_for("labels.progress", public_id=job.public_id))
    drawn = draw_sheet(sheet)
    issue_labels(actor(), thing, sheet, at=now, reason=reason)
    db.session.commit()
    suffix, kind = FORMATS[sheet.format]
    return file_answer(drawn, f"tem-{sheet.label.code}", suffix, kind)


def _units(form: Form, thing: Thing, clean: Mapping[str, Any], label: Label) -> ResponseReturnValue:
    """A serial for each label, bound to the lot by a signed event before anything is drawn."""
    now = clock.now()
    roll = printing.number_labels(actor(), thing, clean["count"], at=now)
    sheet = sheet_from(clean, label, roll.count, range_id=roll.id)
    base = here(form, now)
    job, events = printing.numbered(actor(), thing, sheet, roll, base, clean["reason"])
    record(form, events)
    return form.done(url_for("labels.progress", public_id=job.public_id))


def here(form: Form, at: datetime) -> Record:
    """Circumstances of an act at the desk: now, by this organisation."""
    draw = Draw(current_settings().secret_key, actor().organisation.code, form.key)
    return printing.at_the_desk(actor(), draw, at)


def file_answer(data: bytes, name: str, suffix: str, kind: str) -> Response:
    """A file to print; a PDF opens, the others are kept."""
    plain = "".join(c for c in name if c.isascii() and (c.isalnum() or c in ".-"))
    shown = "inline" if suffix == "pdf" else "attachment"
    return Response(
        data,
        content_type=kind,
        headers={"Content-Disposition": f'{shown}; filename="{plain}.{suffix}"'},
    )


@blueprint.get("/<int:thing_id>.svg")
def svg(thing_id: int) -> ResponseReturnValue:
    """The code alone, scaling freely."""
    thing = get_thing(actor(), thing_id, *KINDS)
    address = printed_address(thing.identity)
    return Response(
        qr_svg(label_payload(address, own_letters=True), title=address),
        content_type="image/svg+xml; charset=utf-8",
        headers={"Cache-Control": KEEP},
    )


@blueprint.get("/<int:thing_id>.png")
def png(thing_id: int) -> ResponseReturnValue:
    """The code alone as a picture, to be sent by chat."""
    thing = get_thing(actor(), thing_id, *KINDS)
    return Response(
        qr_png(label_payload(printed_address(thing.identity), own_letters=True), scale=12),
        content_type="image/png",
        headers={"Cache-Control": KEEP},
    )


@blueprint.get("/sheets/<public_id>")
def progress(public_id: str) -> ResponseReturnValue:
    """How far a large sheet is; the file once it is done."""
    job = get_job(actor(), public_id, JOB_KIND)
    asked = orjson.loads(job.argument)
    result = orjson.loads(job.result) if job.result else {}
    return render_template(
        "producer/labels/progress.html",
        form=Form(),
        job=job,
        asked=asked,
        name=asked["label"]["name"],
        cancelled=result.get("error") == "job-cancelled",
        first=asked.get("format", "pdf") == "pdf" and _has_first(public_id),
    )


def _has_first(public_id: str) -> bool:
    try:
        first_page_name(actor(), public_id)
    except NotFound:
        return False
    return True


@blueprint.post("/sheets/<public_id>/cancel")
@needs("record")
def cancel(public_id: str) -> ResponseReturnValue:
    """Stops the drawing. Serials that were issued stay issued and can be printed again."""
    cancel_sheet(actor(), public_id, at=clock.now())
    return Form().done(url_for("labels.progress", public_id=public_id))


@blueprint.get("/sheets/<public_id>/first.pdf")
def first_page(public_id: str) -> ResponseReturnValue:
    """The first page, while the rest is being drawn."""
    name = first_page_name(actor(), public_id)
    return send_kept(name, "application/pdf", "tem-1.pdf")


@blueprint.get("/sheets/<public_id>.pdf", defaults={"suffix": "pdf"})
@blueprint.get("/sheets/<public_id>.<any(zpl, prn, zip):suffix>")
def sheet(public_id: str, suffix: str) -> ResponseReturnValue:
    """The finished file."""
    name = sheet_name(actor(), public_id)
    ending, kind = next(one for one in FORMATS.values() if name.endswith(f".{one[0]}"))
    return send_kept(name, kind, f"tem.{ending}")
