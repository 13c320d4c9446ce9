"""Papers of a lot and of the organisation: passport, spreadsheets, plots, credentials, portal."""

from __future__ import annotations

import io
from datetime import date, timedelta
from itertools import islice
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.models import Thing
from trace.schemas.import_forms import NothingForm
from trace.schemas.papers import PaperForm
from trace.services import eudr, fsma_files, portal, untp
from trace.services.batches import batch_of, short_name
from trace.services.chain_papers import around
from trace.services.dpp import passport_paper
from trace.services.epcis_papers import written
from trace.services.labels import printed_address
from trace.services.one_up_one_down import Span, steps
from trace.services.records import LOCAL_ZONE
from trace.services.sheet_writing import Book
from trace.services.timelines import get_thing
from trace.web import paper_words as words
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import csv_response
from trace.web.sent_files import send_sheet, send_text

blueprint = Blueprint("papers", __name__, url_prefix="/producer/papers")

GOODS = ("lot", "unit", "logistic")
SHOWN = 40  # lines of one step up, one step down on a page; the file has them all
DAYS = 90
EARLIEST = date(2000, 1, 1)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """One step up, one step down of the whole organisation, and what went to the portal."""
    span = _span()
    form = request.args.get("format")
    if form in ("csv", "xlsx"):
        return _steps_file(span, form, "truoc-sau")
    before = request.args.get("before", "")
    rows = portal.list_deliveries(
        actor(), before=int(before) if before.isdecimal() and len(before) < 18 else None, limit=31
    )
    asked = {"from": str(span.since), "to": str(span.until)}
    return render_template(
        "producer/papers/index.html",
        span=span,
        taken={
            one: f"{request.path}?{urlencode({**asked, 'format': one})}" for one in ("csv", "xlsx")
        },
        deliveries=[(row, *words.delivery_state(row)) for row in rows[:30]],
        reason_of=words.delivery_reason,
        older=rows[29].id if len(rows) > 30 else None,
        portal_on=portal.current_adapter() is not None,
        short_name=short_name,
    )


def _span() -> Span:
    today = clock.now().astimezone(LOCAL_ZONE).date()
    since = _day("from") or today - timedelta(days=DAYS)
    return Span(max(since, EARLIEST), min(_day("to") or today, today))


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _steps_file(span: Span, form: str, name: str) -> Response:
    rows = (words.step_row(step.row()) for step in steps(actor(), span))
    if form == "csv":
        return csv_response(name, words.step_heads(), rows)
    file = io.BytesIO()
    book = Book(file)
    sheet = book.sheet(gettext("Trước một bước, sau một bước"), words.step_heads())
    book.rows(sheet, rows)
    book.close()
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return Response(file.getvalue(), content_type=fsma_files.MEDIA_TYPES["xlsx"], headers=headers)


@blueprint.route("/lots/<int:thing_id>", methods=["GET", "POST"])
def lot(thing_id: int) -> ResponseReturnValue:
    """Every paper of a lot: what is there, what is missing, what can be taken away."""
    thing = get_thing(actor(), thing_id, *GOODS)
    form = Form(PaperForm())
    if form.sent:
        with form.attempt():
            return form.done(url_for(".lot", thing_id=thing.id), _act(thing, form.load()["act"]))
    db.session.rollback()  # what follows reads in transactions of its own
    thing = get_thing(actor(), thing_id, *GOODS)
    now = clock.now()
    paper = passport_paper(thing.id, at=now)
    plots = eudr.plots_of(around(actor(), thing.id, down=False))
    files = [
        (job, *words.file_state(job, over=fsma_files.is_over(job, at=now)))
        for job in fsma_files.list_files(actor(), thing.id)
    ]
    credentials = untp.list_credentials(actor(), thing.id)
    states = untp.states(credentials)
    return form.page(
        "producer/papers/lot.html",
        thing=thing,
        name=short_name(thing.identity),
        batch=batch_of(actor(), thing),
        title=words.title_of(paper),
        rules=words.rules_of(paper),
        public=f"{printed_address(thing.identity)}?view=passport",
        plots=plots,
        checks=[(check, words.check_words(check)) for check in plots.checks],
        files=files,
        busy=next((job for job, kind, _ in files if kind == "wait"), None),
        steps=list(islice(steps(actor(), Span(thing_id=thing.id)), SHOWN)),
        credentials=[
            (row, words.credential_kind(row.kind), *words.credential_state(states[row.id]))
            for row in credentials
        ],
        deliveries=[
            (row, *words.delivery_state(row))
            for row in portal.list_deliveries(actor(), thing_id=thing.id, limit=10)
        ],
        portal_on=portal.current_adapter() is not None,
        may_manage=actor().may("manage"),
    )


def _act(thing: Thing, act: str) -> str:
    now = clock.now()
    what, _, which = act.partition("-")
    if what == "fsma":
        fsma_files.ask(actor(), thing.id, which, at=now)
        return str(gettext("Đang làm tệp. Xong thì tệp hiện ở đây."))
    if what == "credential":
        untp.issue(actor(), thing.id, which, at=now)
        return str(gettext("Đã ký và cấp. Chứng chỉ trước cùng loại của lô này hết giá trị."))
    portal.hand_in(actor(), thing.id, at=now)
    return str(gettext("Đã xếp hàng gửi lên cổng. Biên nhận hiện ở đây khi cổng trả lời."))


@blueprint.get("/lots/<int:thing_id>/plots.geojson")
def plots(thing_id: int) -> ResponseReturnValue:
    """The plots as the EU asks for them."""
    thing = get_thing(actor(), thing_id, *GOODS)
    found = eudr.plots_of(around(actor(), thing.id, down=False))
    return send_text(found.geojson, "application/geo+json", f"thua-{thing.id}.geojson")


@blueprint.get("/lots/<int:thing_id>/events.jsonld")
def events(thing_id: int) -> ResponseReturnValue:
    """The events around the lot as one EPCIS document."""
    thing = get_thing(actor(), thing_id, *GOODS)
    found = around(actor(), thing.id)
    body = b"".join(written(found, at=clock.now()))
    return send_text(body, "application/ld+json", f"su-kien-{thing.id}.jsonld")


@blueprint.get("/lots/<int:thing_id>/steps.csv")
def lot_steps(thing_id: int) -> ResponseReturnValue:
    """One step up, one step down of one lot."""
    thing = get_thing(actor(), thing_id, *GOODS)
    return _steps_file(Span(thing_id=thing.id), "csv", f"truoc-sau-{thing.id}")


@blueprint.get("/files/<public_id>")
def download(public_id: str) -> ResponseReturnValue:
    """A finished spreadsheet."""
    return send_sheet(*fsma_files.fetch(actor(), public_id, at=clock.now()))


@blueprint.route("/credentials/<public_id>/revoke", methods=["GET", "POST"])
@needs("manage")
def revoke(public_id: str) -> ResponseReturnValue:
    """Ends a credential; asks once."""
    row = untp.get_own(actor(), public_id)
    back = url_for(".lot", thing_id=row.thing_id)
    form = Form(NothingForm())
    if form.sent:
        with form.attempt():
            untp.revoke(actor(), row, at=clock.now())
            return form.done(back, gettext("Đã thu lại. Ai tra danh sách đều thấy ngay."))
    return form.page(
        "producer/papers/revoke.html",
        row=row,
        kind=words.credential_kind(row.kind),
        name=short_name(row.thing.identity),
        act=gettext("Thu lại"),
        cancel=back,
        danger=True,
    )


@blueprint.route("/deliveries/<public_id>", methods=["GET", "POST"])
def delivery(public_id: str) -> ResponseReturnValue:
    """One passport on its way to the portal; `?format=json` is what was sent."""
    row = portal.get_delivery(actor(), public_id)
    if request.args.get("format") == "json":
        return send_text(portal.document_of(row), "application/json", f"ho-chieu-{row.id}.json")
    form = Form(NothingForm())
    if form.sent:
        with form.attempt():
            portal.send_again(actor(), row, at=clock.now())
            return form.done(url_for(".delivery", public_id=row.public_id), gettext("Sẽ gửi lại."))
    kind, text = words.delivery_state(row)
    return form.page(
        "producer/papers/delivery.html",
        row=row,
        kind=kind,
        text=text,
        name=short_name(row.thing.identity),
        reason=words.delivery_reason(row),
        again=bool(row.document) and row.state in portal.GIVEN_UP and actor().may("manage"),
    )
