"""The delivery note on narrow paper: receipt printers and label rolls, as a file or a picture."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.extensions import db
from trace.schemas.labels import NotePaperSchema
from trace.services.handovers import get_handover
from trace.services.labels import NOTE_STOCKS
from trace.services.note_labels import draw_note, note_label
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.producer.labels import blueprint, file_answer, format_words, layout_words


@blueprint.route("/notes/<int:event_id>", methods=["GET", "POST"])
def note(event_id: int) -> ResponseReturnValue:
    """A delivery note for a receipt printer or a roll."""
    handover = get_handover(actor(), event_id)
    label = note_label(actor(), handover)
    form = Form(NotePaperSchema(), {"layout": "receipt-80", "format": "pdf"})
    if form.sent:
        with form.attempt():
            clean = form.load()
            drawn, suffix, kind = draw_note(
                actor(), handover, clean["layout"], clean["format"], at=clock.now()
            )
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
