"""Labels of a lot or crate: on the screen, as pictures, as sheets to print."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.labels import LAYOUTS, label_payload, qr_png, qr_svg
from trace.extensions import db
from trace.schemas.labels import SheetSchema
from trace.services.batches import batch_of, facts_of, product_of
from trace.services.jobs import get_job
from trace.services.labels import (
    JOB_KIND,
    SHEET_AT_ONCE,
    Sheet,
    ask_for_sheet,
    draw_sheet,
    issue_labels,
    label_of,
    printed_address,
    sheet_path,
    weight_words,
)
from trace.services.timelines import get_thing, timeline
from trace.web.access import actor
from trace.web.forms import Form

blueprint = Blueprint("labels", __name__, url_prefix="/producer/labels")

KINDS = ("lot", "logistic")
# Codes of a private page: kept by the browser of whoever opened it, for a day.
KEEP = "private, max-age=86400"


def layout_words() -> list[tuple[str, str]]:
    """The stocks, by what people read on the packet."""
    found = []
    for name, layout in LAYOUTS.items():
        size = f"{layout.label_width:g} × {layout.label_height:g} mm".replace(".", ",")
        if layout.per_page == 1:
            words = gettext("Cuộn %(size)s (máy in nhiệt)", size=size)
        else:
            words = gettext("A4, %(count)s tem một tờ (%(size)s)", count=layout.per_page, size=size)
        found.append((name, words))
    return found


@blueprint.route("/<int:thing_id>", methods=["GET", "POST"])
def show(thing_id: int) -> ResponseReturnValue:
    """The label on the screen, and the form of a sheet."""
    thing = get_thing(actor(), thing_id, *KINDS)
    facts = facts_of(timeline(actor(), thing), thing)
    product = product_of(thing)
    weight = weight_words(product.net_weight if product else None)
    start = {"layout": "3x8", "count": LAYOUTS["3x8"].per_page, "weight": weight}
    form = Form(SheetSchema(), start)
    if form.sent:
        with form.attempt():
            clean = form.load()
            label = label_of(thing, facts, net_weight=clean["weight"])
            sheet = Sheet(label, clean["count"], clean["layout"], clean["skip"])
            if sheet.count > SHEET_AT_ONCE:
                job = ask_for_sheet(actor(), sheet, at=clock.now())
                issue_labels(actor(), thing, sheet, at=clock.now())
                return form.done(url_for("labels.progress", public_id=job.public_id))
            drawn = draw_sheet(sheet)
            issue_labels(actor(), thing, sheet, at=clock.now())
            db.session.commit()
            return _pdf(drawn, f"tem-{label.code}")
    return form.page(
        "producer/labels/show.html",
        batch=batch_of(actor(), thing),
        label=label_of(thing, facts, net_weight=form.value("weight")),
        layouts=layout_words(),
    )


def _pdf(data: bytes, name: str) -> Response:
    plain = "".join(c for c in name if c.isascii() and (c.isalnum() or c in ".-"))
    return Response(
        data,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{plain}.pdf"'},
    )


@blueprint.get("/<int:thing_id>.svg")
def svg(thing_id: int) -> ResponseReturnValue:
    """The code alone, scaling freely."""
    thing = get_thing(actor(), thing_id, *KINDS)
    address = printed_address(thing.identity)
    return Response(
        qr_svg(label_payload(address), title=address),
        content_type="image/svg+xml; charset=utf-8",
        headers={"Cache-Control": KEEP},
    )


@blueprint.get("/<int:thing_id>.png")
def png(thing_id: int) -> ResponseReturnValue:
    """The code alone as a picture, to be sent by chat."""
    thing = get_thing(actor(), thing_id, *KINDS)
    return Response(
        qr_png(label_payload(printed_address(thing.identity)), scale=12),
        content_type="image/png",
        headers={"Cache-Control": KEEP},
    )


@blueprint.get("/sheets/<public_id>")
def progress(public_id: str) -> ResponseReturnValue:
    """How far a large sheet is; the file once it is done."""
    job = get_job(actor(), public_id, JOB_KIND)
    asked = orjson.loads(job.argument)
    return render_template("producer/labels/progress.html", job=job, name=asked["label"]["name"])


@blueprint.get("/sheets/<public_id>.pdf")
def sheet(public_id: str) -> ResponseReturnValue:
    """The finished sheet."""
    path = sheet_path(actor(), public_id)
    return send_file(path, mimetype="application/pdf", download_name="tem.pdf", max_age=0)
