"""Pages of spreadsheets: templates, upload, preview, choice, progress, result, undo."""

from __future__ import annotations

import io
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from trace import clock
from trace.errors import NotFound, TraceError
from trace.models import Import, ImportRow
from trace.schemas.import_columns import Kind
from trace.schemas.import_forms import ModeForm, NothingForm, UploadForm, columns_form
from trace.schemas.import_kinds import KINDS
from trace.schemas.import_templates import heading, template
from trace.services import imports
from trace.services.sheet_files import FILE_LIMIT, SheetEmpty, SheetTooLarge, address
from trace.services.sheet_writing import Book
from trace.web.access import actor, needs
from trace.web.forms import Form

blueprint = Blueprint("imports", __name__, url_prefix="/producer/imports")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 100  # rows with errors on the page; all of them are in the file
SAMPLE = 5


class FileMissing(TraceError):
    code = "file-missing"
    message = "Choose a file."


def kind_name(kind: Kind | str) -> str:
    """What a kind is called in the reader's language."""
    found = KINDS.get(kind) if isinstance(kind, str) else kind
    if found is None:
        return str(kind)
    return found.vi if _vietnamese() else found.en


def _vietnamese() -> bool:
    return str(get_locale() or "vi").startswith("vi")


def _kind(key: str) -> Kind:
    found = KINDS.get(key)
    if found is None:
        raise NotFound
    return found


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What can be imported, and what was."""
    return render_template(
        "producer/imports/index.html",
        kinds=[(key, kind_name(kind)) for key, kind in KINDS.items()],
        imports=imports.list_imports(actor()),
        kind_name=kind_name,
        state_of=state_of,
    )


def state_of(row: Import) -> tuple[str, str]:
    """(kind of tag, words) for how far an import is."""
    words: dict[str, tuple[str, str]] = {
        "checking": ("wait", gettext("đang xem")),
        "checked": ("warn", gettext("chờ bạn chọn")),
        "running": ("wait", gettext("đang ghi")),
        "waiting": ("warn", gettext("chờ duyệt bằng vân tay")),
        "done": ("ok", gettext("đã ghi")),
        "failed": ("stop", gettext("không đọc được")),
        "undoing": ("wait", gettext("đang huỷ")),
        "undone": ("neutral", gettext("đã huỷ")),
    }
    return words[row.state]


@blueprint.get("/template/<kind>.xlsx")
def blank(kind: str) -> ResponseReturnValue:
    """The workbook to fill in."""
    found = _kind(kind)
    data = template(actor(), found, "vi" if _vietnamese() else "en")
    return _xlsx(data, f"mau-{kind}")


def _xlsx(data: bytes, name: str) -> Response:
    return Response(
        data,
        content_type=XLSX,
        headers={
            "Content-Disposition": f'attachment; filename="{name}.xlsx"',
            "Cache-Control": "no-store",
        },
    )


@blueprint.route("/new/<kind>", methods=["GET", "POST"])
@needs("record")
def new(kind: str) -> ResponseReturnValue:
    """A file is sent; it is looked at before anything is recorded."""
    found = _kind(kind)
    form = Form(UploadForm())
    if form.sent:
        with form.attempt():
            file = request.files.get("file")
            if file is None or not file.filename:
                raise FileMissing(path="file")
            data = file.stream.read(FILE_LIMIT + 1)
            if len(data) > FILE_LIMIT:
                raise SheetTooLarge(path="file", got=">10", limit=FILE_LIMIT // 1_000_000)
            if not data:
                raise SheetEmpty(path="file")
            row = imports.receive_file(actor(), kind, file.filename, data, at=clock.now())
            return form.done(url_for("imports.show", public_id=row.public_id))
    return form.page("producer/imports/new.html", kind=kind, name=kind_name(found))


@blueprint.route("/<public_id>", methods=["GET", "POST"])
def show(public_id: str) -> ResponseReturnValue:
    """How far the file is: being looked at, waiting for a choice, being recorded, done, undone."""
    row = imports.get_import(actor(), public_id)
    before = imports.earlier(actor(), row) if row.state == "checked" else None
    form = Form(ModeForm(), {"mode": "valid" if row.bad else "all"})
    if form.sent:
        with form.attempt():
            clean = form.load()
            imports.start_once(actor(), row, clean["mode"], again=clean["again"], at=clock.now())
            return form.done(url_for("imports.show", public_id=public_id))
    if form.status != 200:
        row = imports.get_import(actor(), public_id)  # what was refused is forgotten
    mapping = orjson.loads(row.mapping)
    told = mapping.get("columns", {})
    kind = _kind(row.kind)
    aside = imports.is_aside(row)
    counts = imports.count_rows(row) if row.state not in ("checking", "failed") else {}
    return form.page(
        "producer/imports/show.html",
        row=row,
        name=kind_name(kind),
        counts=counts,
        before=before,
        busy=row.state in imports.BUSY and not aside,
        aside=aside,
        state=state_of(row),
        problems=[sentence(one) for one in _problems(row, mapping)],
        stopped=[sentence(one) for one in _stopped(row)],
        approval=mapping.get("approval"),
        notes=mapping if row.state == "checked" else {},
        looks_like=mapping.get("looks_like"),
        kind_name=kind_name,
        kept_days=imports.KEPT.days,
        wrong=[_wrong(one) for one in imports.rows_of(row, "refused", limit=SHOWN)],
        kept=[one.number for one in imports.rows_of(row, "kept", limit=SHOWN)],
        sample=_sample(row, told) if row.state == "checked" else [],
        columns=[
            (_name(kind, name), address(at, mapping.get("row", 1)), mapping["headings"][at])
            for name, at in sorted(told.items(), key=lambda item: item[1])
        ],
        unused=[
            text
            for at, text in enumerate(mapping.get("headings", []))
            if text and at not in told.values()
        ],
        events=kind.events,
        may_undo=imports.may_undo(row, at=clock.now()),
        undo_days=imports.UNDO_FOR.days,
    )


def _name(kind: Kind, name: str) -> str:
    column = kind.column(name)
    return column.vi if _vietnamese() else column.en


def sentence(error: dict[str, Any]) -> str:
    """A kept error in the reader's language."""
    message, step = error["message"], error.get("next")
    words = str(gettext(message))
    words = words % error["params"] if error["params"] else words
    return f"{words} {gettext(step)}" if step else words


def _problems(row: Import, mapping: dict[str, Any]) -> list[dict[str, Any]]:
    """Why the file cannot be read, or its columns are not recognised."""
    if row.state == "failed":
        return list(orjson.loads(row.error))
    return list(mapping.get("errors", []))


def _stopped(row: Import) -> list[dict[str, Any]]:
    """Why the last try to record or undo the file came to nothing."""
    return list(orjson.loads(row.error)) if row.error and row.state != "failed" else []


def _wrong(one: ImportRow) -> tuple[int, list[tuple[str, str, str]]]:
    """A refused row: its number, and (cell, what stands there, what is wrong) each."""
    cells = orjson.loads(one.cells)
    found = []
    for error in orjson.loads(one.errors):
        stands = next(
            (text for at, text in enumerate(cells) if address(at, one.number) == error["cell"]), ""
        )
        found.append((error["cell"], stands[:80], sentence(error)))
    return one.number, found


def _sample(row: Import, columns: dict[str, int]) -> list[tuple[int, list[str]]]:
    kept = sorted(columns.values())
    found = []
    for one in imports.rows_of(row, "ready", limit=SAMPLE):
        cells = orjson.loads(one.cells)
        found.append((one.number, [cells[at] if at < len(cells) else "" for at in kept]))
    return found


@blueprint.route("/<public_id>/columns", methods=["GET", "POST"])
@needs("record")
def columns(public_id: str) -> ResponseReturnValue:
    """Which column means what, chosen by hand."""
    row = imports.get_import(actor(), public_id)
    mapping = orjson.loads(row.mapping)
    headings = mapping.get("headings", [])
    if not headings:
        raise NotFound
    kind = _kind(row.kind)
    initial = {name: at + 1 for name, at in mapping.get("columns", {}).items()}
    form = Form(columns_form(kind, len(headings)), initial)
    if form.sent:
        with form.attempt():
            chosen = {name: at - 1 for name, at in form.load().items() if at is not None}
            imports.ask_again(actor(), row, chosen, at=clock.now())
            return form.done(url_for("imports.show", public_id=public_id))
    number = mapping.get("row", 1)
    return form.page(
        "producer/imports/columns.html",
        row=row,
        fields=[
            (column.name, heading(column, "vi" if _vietnamese() else "en"), column.required)
            for column in kind.columns
        ],
        options=[
            (at + 1, f"{address(at, number)} · {text or '–'}") for at, text in enumerate(headings)
        ],
    )


@blueprint.get("/<public_id>/refused.xlsx")
def refused(public_id: str) -> ResponseReturnValue:
    """The rows that were not taken, each with its reasons: to mend and send again."""
    row = imports.get_import(actor(), public_id)
    mapping = orjson.loads(row.mapping)
    headings = mapping.get("headings", [])
    out = io.BytesIO()
    book = Book(out)
    sheet = book.sheet(
        gettext("Dòng chưa ghi"), [*headings, gettext("Dòng cũ"), gettext("Lý do chưa ghi")]
    )
    for at, one in enumerate(imports.rows_of(row, "refused"), start=1):
        cells = orjson.loads(one.cells)
        book.row(sheet, at, cells)
        reasons = [f"{error['cell']}: {sentence(error)}" for error in orjson.loads(one.errors)]
        book.cell(sheet, at, len(headings), one.number)
        book.cell(sheet, at, len(headings) + 1, "\n".join(reasons), book.wrap)
    book.close()
    return _xlsx(out.getvalue(), f"dong-chua-ghi-{public_id[:8]}")


@blueprint.route("/<public_id>/undo", methods=["GET", "POST"])
@needs("record")
def undo(public_id: str) -> ResponseReturnValue:
    """What was recorded from the file is declared void; asked once."""
    row = imports.get_import(actor(), public_id)
    form = Form(NothingForm())
    if form.sent:
        with form.attempt():
            imports.ask_undo(actor(), row, at=clock.now())
            return form.done(url_for("imports.show", public_id=public_id))
    return form.page(
        "producer/imports/undo.html",
        row=row,
        counts=imports.count_rows(row),
        events=KINDS[row.kind].events,
    )
