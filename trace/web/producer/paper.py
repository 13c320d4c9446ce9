"""Paper: a ruled page per planting with its code, typing such pages in, consent to be signed."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from markupsafe import Markup

from trace import clock
from trace.core.labels import qr_svg
from trace.schemas.paper import PAPER_STEPS, TREATMENTS, PaperSchema, oldest_first
from trace.services import choices, group, paper
from trace.services.batches import address_of, batch_of, organisation_address, place_address
from trace.services.households import get_household, list_households
from trace.services.records import Record
from trace.services.settings import current_settings
from trace.services.timelines import get_thing
from trace.services.vocabulary import STEP_LABELS
from trace.web.access import actor, needs
from trace.web.producer.group import planting_words
from trace.web.producer.recording import (
    RecordForm,
    household_options,
    input_unit_options,
    record,
)

blueprint = Blueprint("paper", __name__, url_prefix="/producer/paper")
LINES_AT_FIRST = 6


def qr(address: str, title: str) -> Markup:
    """The code of an address, to stand in a printed page."""
    svg = qr_svg(address, title=title)
    return Markup(svg[svg.index("<svg") :])  # noqa: S704 (drawn by us, its title escaped)


@blueprint.get("/")
def sheets() -> ResponseReturnValue:
    """A ruled page for each planting, to print; `?cycle=` picks one."""
    offered = group.list_plantings(actor(), at=clock.now())
    wanted = request.args.get("cycle", "")
    shown = [one for one in offered if not wanted or str(one.key) == wanted]
    if wanted and not shown:
        abort(404)
    codes = [
        (one, qr(paper.typing_address(get_thing(actor(), one.key, "cycle")), one.name))
        for one in shown
    ]
    return render_template(
        "producer/paper/sheets.html",
        sheets=codes,
        lines=range(paper.RULED_LINES),
        words=planting_words,
    )


@blueprint.route("/<code>", methods=["GET", "POST"])
@needs("record")
def type_in(code: str) -> ResponseReturnValue:
    """The page of one planting, typed in: several lines at once."""
    thing = paper.get_cycle(actor(), code)
    known = next(
        (one for one in group.list_plantings(actor(), at=clock.now()) if one.key == thing.id), None
    )
    household = known.household if known else None
    form = RecordForm(PaperSchema(), {"household": household.id if household else None})
    form.now = False
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            lines = oldest_first(clean["lines"])
            doer = choices.get_household(actor(), clean["household"])
            where = place_address(known.place) if known and known.place else ""
            base = Record(
                id_base=current_settings().id_base,
                event_id="",
                event_time=lines[0]["when"],
                place=where,
                location=where,
                performed_by=doer.code if doer else "",
                recorded_by=organisation_address(actor().organisation),
            )
            record(form, paper.typed_lines(base, address_of(thing), lines, draw))
            message = ngettext("Đã ghi %(num)s dòng.", "Đã ghi %(num)s dòng.", len(lines))
            return form.done(url_for("cycles.show", thing_id=thing.id), message)
    return form.page(
        "producer/paper/type.html",
        cycle=batch_of(actor(), thing),
        known=known,
        words=planting_words,
        households=household_options(),
        steps=[(step, STEP_LABELS[step]) for step in PAPER_STEPS],
        treatments=TREATMENTS,
        units=input_unit_options(),
        at_first=LINES_AT_FIRST,
    )


@blueprint.get("/consent")
def consents() -> ResponseReturnValue:
    """A sheet of consent for each household, to print and to sign; `?household=` picks one."""
    wanted = request.args.get("household", "")
    if wanted.isdecimal() and len(wanted) < 16:
        households = [get_household(actor(), int(wanted))]
    else:
        households = list_households(actor(), active=True)
    settings = current_settings()
    asking = settings.public_url.rstrip("/") + url_for("requests.ask")
    return render_template(
        "producer/paper/consents.html",
        households=households,
        plots=paper.plots_of(actor()),
        asking=asking,
        code=qr(asking, "QR"),
    )
