""" "In tối nay": one page with all that an evening's entry is printed for."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from trace import clock
from trace.extensions import db
from trace.models import Handover
from trace.services.batches import batches_of, read_facts
from trace.services.choices import households
from trace.services.evenings import evening_of
from trace.services.labels import label_of
from trace.services.records import LOCAL_ZONE
from trace.services.sets import among
from trace.web.access import actor
from trace.web.producer.note_paper import NotePaper, both, papers, party_words
from trace.web.producer.telling import tell

blueprint = Blueprint("tonight", __name__, url_prefix="/producer/tonight")
DIGITS = 6
EARLIEST = date(2000, 1, 1)  # nothing was recorded before


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """Labels, diary pages and delivery notes of a day; `?day=` for another, `?part=` for what one
    page does not hold."""
    today = clock.now().astimezone(LOCAL_ZONE).date()
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = today
    asked = request.args.get("part", "1")
    part = int(asked) if asked.isdecimal() and len(asked) < DIGITS else 1
    evening = evening_of(actor(), max(EARLIEST, min(day, today)), part)
    facts = read_facts(actor(), evening.lots)
    labels = [
        (batch, label_of(thing, facts[thing.id]))
        for batch, thing in zip(batches_of(actor(), evening.lots), evening.lots, strict=True)
    ]
    known = {one.code: one.name for one in households(actor())}
    return render_template(
        "producer/tonight.html",
        evening=evening,
        today=today,
        before=evening.day - timedelta(days=1),
        after=evening.day + timedelta(days=1),
        labels=labels,
        more_labels=evening.lots_made - len(labels) if labels else 0,
        diary=[(code, known.get(code, ""), tell(lines)) for code, lines in evening.diary.items()],
        notes=_notes([line.event_id for line in evening.shipped]),
        N_=both,
        party_words=party_words,
    )


def _notes(event_ids: list[int]) -> list[NotePaper]:
    """The day's delivery notes, as they were written."""
    rows = db.session.scalars(select(Handover).where(among(Handover.event_id, event_ids)))
    found = {row.event_id: row for row in rows}
    return papers([found[one] for one in event_ids if one in found], actor().organisation.id)
