"""The delivery note on narrow paper, and what its code says: whoever prints it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from trace.core.labels import Label, label_png, short_domain
from trace.errors import NotFound
from trace.models import Handover, NoteLink
from trace.services.actors import Actor
from trace.services.answers import find_link
from trace.services.audit import write_audit
from trace.services.batches import short_name
from trace.services.fonts import sheet_fonts
from trace.services.handovers import shipments
from trace.services.labels import FORMATS, amount_words, draw_sheet, note_sheet, printed_address
from trace.services.records import LOCAL_ZONE
from trace.services.settings import current_settings

MOST_LINES: Final = 40


def link_address(link: NoteLink) -> str:
    """What the code on the paper says while it answers."""
    return f"{current_settings().public_url}/g/{link.secret}"


def code_of(handover: Handover, *, mine: bool) -> tuple[str, bool]:
    """(what the note's code says, whether that answers the note); "" for a note without a code."""
    link = find_link(handover.event_id) if mine and not handover.received else None
    open_ = handover.answered_by is None and not handover.voided
    if link is not None and link.answered_at is None and open_:
        return link_address(link), True
    return (printed_address(handover.note) if handover.note else ""), False


def note_label(actor: Actor, handover: Handover) -> Label:
    """What stands on the note: from whom, to whom, when, which lots and how much; its code is the
    link that answers it while nobody has, on its writer's copy. Raises NotFound without a note."""
    address, _ = code_of(handover, mine=handover.giver_id == actor.organisation.id)
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


def draw_note(
    actor: Actor, handover: Handover, layout: str, form: str, *, at: datetime
) -> tuple[bytes, str, str]:
    """(the drawn note, its file's ending, its media type). Raises NotFound without a note, and what
    `note_sheet` raises."""
    label = note_label(actor, handover)
    sheet = note_sheet(label, layout, form)
    write_audit(actor, "note.print", handover.note or "", at=at, layout=sheet.layout)
    if sheet.format == "png":
        return label_png(label, sheet.stock, sheet_fonts()), "png", "image/png"
    return draw_sheet(sheet), *FORMATS[sheet.format]
