"""The farm's books: private lines, stock, and the diary to print and to take away."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Event, EventThing, Thing
from trace.schemas.books import SCHEMAS
from trace.services import choices
from trace.services.batches import batch_of
from trace.services.books import (
    LINE_LIMIT,
    add_line,
    get_line,
    list_lines,
    stock_of,
    strike,
)
from trace.services.catalogue import catalogue
from trace.services.cycles import own_cycles
from trace.services.records import LOCAL_ZONE
from trace.services.sets import among
from trace.services.timelines import get_thing, read_events, timeline
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import csv_response
from trace.web.pages import day
from trace.web.producer.book_words import book_names, column_names, kind_options, line_words
from trace.web.producer.diary_papers import FORMATS, diary_file, private_tables
from trace.web.producer.diary_tables import SELLING, Table, diary_tables
from trace.web.producer.recording import input_unit_options, place_options
from trace.web.producer.telling import Told, tell

blueprint = Blueprint("books", __name__, url_prefix="/producer/books")

CYCLES_OFFERED = 12
CYCLES_PRINTED = 60
SALES_PRINTED = 500
TAKEN = ("csv", *FORMATS)


def _name(book: str) -> str:
    names = book_names()
    if book not in names:
        raise NotFound
    return names[book][0]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Every book there is, signed and private."""
    cycles = own_cycles(actor(), limit=CYCLES_OFFERED)
    return render_template("producer/books/index.html", books=book_names(), cycles=cycles)


@blueprint.get("/<book>")
def show(book: str) -> ResponseReturnValue:
    """A private book; `?format=csv` takes it away."""
    name = _name(book)
    rows = list_lines(actor(), book)
    if request.args.get("format") == "csv":
        head = [gettext("Ngày"), gettext("Mục"), gettext("Nội dung"), gettext("Gạch bỏ")]
        lines = (
            [
                row.day,
                row.item,
                "; ".join(f"{term}: {text}" for term, text in line_words(row)),
                row.struck_at is not None,
            ]
            for row in rows
        )
        return csv_response(f"so-{book}", head, lines)
    return render_template(
        "producer/books/show.html",
        book=book,
        name=name,
        rows=rows[:500],
        more=max(0, len(rows) - 500),
        limit=LINE_LIMIT,
        line_words=line_words,
    )


@blueprint.route("/<book>/new", methods=["GET", "POST"])
@needs("record")
def new(book: str) -> ResponseReturnValue:
    """One line more."""
    name = _name(book)
    today = clock.now().astimezone(LOCAL_ZONE).date()
    form = Form(SCHEMAS[book](), {"day": today, "unit": "kg"})
    form.outbox = True
    if form.sent:
        with form.attempt():
            clean = form.load()
            choices.get_place(actor(), clean.get("place"))
            add_line(actor(), book, clean, at=clock.now())
            return form.done(url_for("books.show", book=book), gettext("Đã ghi vào sổ riêng."))
    return form.page(
        "producer/books/new.html",
        book=book,
        name=name,
        fields=set(SCHEMAS[book]().fields),
        columns=column_names(),
        kinds=kind_options(),
        units=input_unit_options(),
        places=place_options(),
        known=[one.name for one in catalogue(actor(), "input")][:300],
        crops=[one.name for one in catalogue(actor(), "crop")][:300],
    )


@blueprint.route("/lines/<int:line_id>/strike", methods=["GET", "POST"])
@needs("record")
def strike_line(line_id: int) -> ResponseReturnValue:
    """A wrong line is struck through; asks once."""
    row = get_line(actor(), line_id)
    form = Form()
    back = url_for("books.show", book=row.book)
    if form.sent:
        with form.attempt():
            strike(actor(), row, at=clock.now())
            return form.done(back, gettext("Đã gạch bỏ dòng này; dòng vẫn còn trong sổ."))
    return form.page(
        "producer/books/strike.html",
        row=row,
        words=line_words(row),
        act=gettext("Gạch bỏ"),
        cancel=back,
        danger=True,
    )


@blueprint.get("/stock")
def stock() -> ResponseReturnValue:
    """What should be on the shelf: counted, bought, used, left, and what is past its date."""
    items = stock_of(actor())
    today = clock.now().astimezone(LOCAL_ZONE).date()
    if request.args.get("format") == "csv":
        head = ["Tên", "Đơn vị", "Kiểm kê", "Ngày kiểm kê", "Đã mua", "Đã dùng", "Còn", "Hạn dùng"]
        lines = (
            [
                one.name,
                one.unit,
                one.counted,
                one.counted_on,
                one.bought,
                one.used,
                one.left,
                one.expiry,
            ]
            for one in items
        )
        return csv_response("ton-kho", [gettext(word) for word in head], lines)
    return render_template("producer/books/stock.html", items=items, today=today)


@blueprint.get("/diary/<int:thing_id>")
def diary(thing_id: int) -> ResponseReturnValue:
    """The diary of one cycle, to print; `?format=csv` takes it away."""
    told, name = _of_cycle(thing_id)
    return _diary(told, name, f"nhat-ky-{thing_id}")


def _of_cycle(thing_id: int) -> tuple[list[Told], str]:
    thing = get_thing(actor(), thing_id, "cycle")
    return [*_sales([thing]), *tell(timeline(actor(), thing))], batch_of(actor(), thing).name


def diary_of(thing_id: int, form: str) -> Response:
    """The diary of one cycle with all private books, as xlsx or pdf. Raises NotFound."""
    told, name = _of_cycle(thing_id)
    return diary_file(form, [*diary_tables(told), *private_tables()], name, f"nhat-ky-{thing_id}")


@blueprint.get("/season")
def season() -> ResponseReturnValue:
    """The diary of all cycles between two days."""
    today = clock.now().astimezone(LOCAL_ZONE).date()
    since = _asked("from") or today - timedelta(days=120)
    until = _asked("to") or today
    told: dict[int, Told] = {}
    cycles = own_cycles(actor(), limit=CYCLES_PRINTED)
    things = [get_thing(actor(), cycle.batch.thing_id, "cycle") for cycle in cycles]
    every = [one for thing in things for one in tell(timeline(actor(), thing))]
    for one in (*_sales(things), *every):
        if since <= one.line.event_time.astimezone(LOCAL_ZONE).date() <= until:
            told[one.line.event_id] = one
    ordered = sorted(told.values(), key=lambda one: one.line.event_time, reverse=True)
    span = f"{day(since)} – {day(until)}"
    return _diary(ordered, span, "nhat-ky-mua", since=since, until=until)


def _sales(cycles: list[Thing]) -> list[Told]:
    """Where the lots harvested from these cycles went: the sale belongs to the crop's diary."""
    lots = {
        named.thing.id: named.thing
        for cycle in cycles
        for line in timeline(actor(), cycle)
        for named in line.named("output")
        if line.stands and named.thing.kind == "lot"
    }
    ids = db.session.scalars(
        select(Event.id)
        .join(EventThing, EventThing.event_id == Event.id)
        .where(
            Event.issuer_id == actor().organisation.id,
            Event.biz_step.in_(SELLING),
            among(EventThing.thing_id, sorted(lots)),
        )
        .distinct()
        .order_by(Event.id.desc())
        .limit(SALES_PRINTED)
    )
    lines = [line for line in read_events(actor(), set(ids)) if not line.declares_error]
    voided = select(Event.corrects).where(Event.issuer_id == actor().organisation.id)
    gone = {
        f"urn:uuid:{UUID(bytes=bytes(one))}"
        for one in db.session.scalars(voided)
        if one is not None
    }
    standing = [line for line in lines if line.statement_id not in gone]
    return tell(sorted(standing, key=lambda line: line.event_time, reverse=True))


def _asked(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _diary(told: list[Told], title: str, file: str, **span: date) -> Response | str:
    tables = diary_tables(told)
    form = request.args.get("format")
    if form == "csv":
        return csv_response(file, [gettext("Sổ"), gettext("Nội dung")], _flat(tables))
    if form in FORMATS:
        books = [*tables, *private_tables(span.get("since"), span.get("until"))]
        return diary_file(form, books, title, file)
    asked = {}
    if span:
        asked = {"from": span["since"].isoformat(), "to": span["until"].isoformat()}
    return render_template(
        "producer/books/diary.html",
        tables=tables,
        subject=title,
        span=span,
        taken={one: f"{request.path}?{urlencode({**asked, 'format': one})}" for one in TAKEN},
    )


def _flat(tables: list[Table]) -> list[list[object]]:
    """All books in one file: the name of the book before the cells of each row."""
    found: list[list[object]] = []
    for table in tables:
        found.append([table.title, *table.head])
        found += [[table.title, *row] for row in table.rows]
    return found
