"""The delivery note on narrow paper: receipt printers and label rolls, as a file or a picture."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.core.labels import Label, label_png, short_domain
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Handover
from trace.schemas.labels import NotePaperSchema
from trace.services.audit import write_audit
from trace.services.batches import short_name
from trace.services.fonts import sheet_fonts
from trace.services.handovers import get_handover, shipments
from trace.services.labels import FORMATS, NOTE_STOCKS, amount_words, draw_sheet, note_sheet
from trace.services.records import LOCAL_ZONE
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.producer.labels import blueprint, file_answer, format_words, layout_words
from trace.web.producer.note_paper import code_of

MOST_LINES = 40


def note_label(handover: Handover) -> Label:
    """What stands on the note: from whom, to whom, when, which lots and how much; its code is the
    link that answers it while nobody has, on its writer's copy. Raises NotFound without a note."""
    address, _ = code_of(handover, mine=handover.giver_id == actor().organisation.id)
    if not handover.note or not address:
        raise NotFound
    (shipment,) = shipments([handover])
    moment = shipment.event_time.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
    lines = []
    for line in shipment.lines[:MOST_LINES]:
        crate = "Thùng" if line.kind == "logistic" else ""
        name = line.product.name if line.product else crate
        words = (name, short_name(line.identity), amount_words(line.amount))
        lines.append(" · ".join(word for word in words if word))
    left = len(shipment.lines) - MOST_LINES
    told = (
        f"Từ: {shipment.giver.name}" if shipment.giver else "",
        f"Đến: {shipment.taker.name}" if shipment.taker else "",
        moment,
        *lines,
        f"và {left} dòng nữa" if left > 0 else "",
    )
    return Label(
        address,
        short_name(handover.note),
        "Phiếu giao hàng",
        short_domain(address),
        dates=tuple(text for text in told if text),
    )


@blueprint.route("/notes/<int:event_id>", methods=["GET", "POST"])
def note(event_id: int) -> ResponseReturnValue:
    """A delivery note for a receipt printer or a roll."""
    handover = get_handover(actor(), event_id)
    label = note_label(handover)
    form = Form(NotePaperSchema(), {"layout": "receipt-80", "format": "pdf"})
    if form.sent:
        with form.attempt():
            clean = form.load()
            sheet = note_sheet(label, clean["layout"], clean["format"])
            subject = handover.note or ""
            write_audit(actor(), "note.print", subject, at=clock.now(), layout=sheet.layout)
            if sheet.format == "png":
                drawn, suffix, kind = (
                    label_png(label, sheet.stock, sheet_fonts()),
                    "png",
                    "image/png",
                )
            else:
                drawn, (suffix, kind) = draw_sheet(sheet), FORMATS[sheet.format]
            db.session.commit()
            return file_answer(drawn, f"phieu-{label.code}", suffix, kind)
    return form.page(
        "producer/labels/note.html",
        label=label,
        event_id=event_id,
        back_to=url_for("shipments.show", event_id=event_id),
        layouts=[one for one in layout_words() if one[0] in NOTE_STOCKS],
        formats=format_words(),
    )
