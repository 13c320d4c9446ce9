"""Papers of goods for an authority: the spreadsheet of FSMA 204, the plots, the events, as far as
it reads them. Taking what is not its own is written down."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.schemas.papers import SheetForm
from trace.services import eudr, fsma_files
from trace.services.batches import identity_of, short_name
from trace.services.chain_papers import Around, around, note_look
from trace.services.epcis_papers import written
from trace.web import paper_words as words
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.sent_files import send_sheet, send_text

blueprint = Blueprint("goods_papers", __name__, url_prefix="/inspection/papers")


@blueprint.route("/<int:thing_id>", methods=["GET", "POST"])
def show(thing_id: int) -> ResponseReturnValue:
    """What can be taken of a lot."""
    now = clock.now()
    found = around(actor(), thing_id, down=False)
    form = Form(SheetForm())
    if form.sent:
        with form.attempt():
            which = form.load()["act"].partition("-")[2]
            fsma_files.ask(actor(), thing_id, which, at=now)
            message = gettext("Đang làm tệp. Xong thì tệp hiện ở đây.")
            return form.done(url_for(".show", thing_id=thing_id), message)
    plots = eudr.plots_of(found)
    files = [
        (job, *words.file_state(job, over=fsma_files.is_over(job, at=now)))
        for job in fsma_files.list_files(actor(), thing_id)
    ]
    return form.page(
        "inspection/papers/show.html",
        thing=found.thing,
        name=short_name(found.thing.identity),
        of=identity_of(found.thing).path.lstrip("/"),
        plots=plots,
        checks=[words.check_words(check) for check in plots.checks],
        files=files,
        busy=next((job for job, kind, _ in files if kind == "wait"), None),
    )


def _taken(thing_id: int, why: str, *, down: bool) -> Around:
    """What is around a thing, and a line in the audit log where it is not the authority's own."""
    found = around(actor(), thing_id, down=down)
    note_look(actor(), found.thing, why, at=clock.now())
    db.session.commit()
    return found


@blueprint.get("/<int:thing_id>/plots.geojson")
def plots(thing_id: int) -> ResponseReturnValue:
    """The plots as the EU asks for them."""
    found = eudr.plots_of(_taken(thing_id, "plots", down=False))
    return send_text(found.geojson, "application/geo+json", f"thua-{thing_id}.geojson")


@blueprint.get("/<int:thing_id>/events.jsonld")
def events(thing_id: int) -> ResponseReturnValue:
    """The events around the goods as one EPCIS document."""
    found = _taken(thing_id, "events", down=True)
    body = b"".join(written(found, at=clock.now()))
    return send_text(body, "application/ld+json", f"su-kien-{thing_id}.jsonld")


@blueprint.get("/files/<public_id>")
def download(public_id: str) -> ResponseReturnValue:
    """A finished spreadsheet."""
    return send_sheet(*fsma_files.fetch(actor(), public_id, at=clock.now()))
