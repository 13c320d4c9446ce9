"""The delivery note as paper: in both languages, whoever prints it and whoever reads it.

The code on it is the link that answers the note, while nobody has; on everybody else's copy, and
once it is answered, the note's public address. Under it stand the number of the note and what the
code says, for whoever has to type it; each lot carries its GS1 element string.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from trace.core.gs1 import parse_identity
from trace.core.labels import label_payload, qr_svg
from trace.models import Handover, Organisation, Product
from trace.services.batches import short_name
from trace.services.handovers import shipments
from trace.services.note_labels import code_of
from trace.services.settings import current_settings
from trace.services.wards import ward_name
from trace.web.i18n import translations
from trace.web.producer.recording import show_amount

SIZES = ("a5", "a4")


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One line: what it is, its readable code, its GS1 element string ("" where it has none)."""

    product: Product | None
    kind: str
    name: str
    gs1: str
    amount: str


@dataclass(frozen=True, slots=True)
class NotePaper:
    """One delivery note. `answers` says whether its code is the link that answers it."""

    event_id: int
    number: str
    at: datetime
    giver: Organisation | None
    taker: Organisation | None
    lines: tuple[PaperLine, ...]
    address: str
    answers: bool
    code: Markup


def papers(handovers: Sequence[Handover], mine: int) -> list[NotePaper]:
    """The notes of these handovers as the organisation `mine` prints them."""
    found = []
    told = shipments(handovers)
    for handover, one in zip(handovers, told, strict=True):
        address, answers = code_of(handover, mine=handover.giver_id == mine)
        number = short_name(one.note) if one.note else ""
        svg = qr_svg(label_payload(address), title=number or address) if address else ""
        found.append(
            NotePaper(
                one.event_id,
                number,
                one.event_time,
                one.giver,
                one.taker,
                tuple(
                    PaperLine(
                        line.product,
                        line.kind,
                        short_name(line.identity),
                        _gs1(line.identity),
                        show_amount(line.amount),
                    )
                    for line in one.lines
                ),
                address.partition("://")[2],
                answers,
                # Drawn by us, its title escaped.
                Markup(svg[svg.index("<svg") :]) if svg else Markup(),  # noqa: S704
            )
        )
    return found


def _gs1(identity: str) -> str:
    """The element string of a GS1 key (General Specifications, section 4.14); ours are none."""
    found = parse_identity(identity, current_settings().id_base)
    if found is None or found.is_own:
        return ""
    parts = ((found.key, found.value), *found.qualifiers)
    return " ".join(f"({key}) {value}" for key, value in parts)


def both(text: str) -> Markup:
    """A word of the paper in Vietnamese and English, each marked as what it is."""
    english = translations("en").gettext(text)
    return Markup('<span lang="vi">{}</span> <span lang="en" class="quiet">/ {}</span>').format(
        escape(text), escape(english)
    )


def party_words(one: Organisation) -> str:
    """Where an organisation is, and its identifier: what a delivery note must say of a party."""
    ward = ward_name(one.ward_code) if one.ward_code else ""
    number = f"GLN {one.gln}" if one.gln else one.code
    return " · ".join(part for part in (one.address, ward, number) if part)
