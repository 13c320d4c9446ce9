"""What takes a while: sheets of labels, spreadsheets of many rows, everything in one file."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response, request
from marshmallow import Schema, fields
from sqlalchemy import Select, select

from trace import clock
from trace.api.v1.door import Answer, NotJsonType, operation
from trace.api.v1.nouns import Rows as ListRows
from trace.api.v1.nouns import listing
from trace.api.v1.recording import recorded, request_key
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Import, ImportRow, Job
from trace.schemas.api.answers import Moment
from trace.schemas.api.bodies import json_body
from trace.schemas.base import FormSchema, Text, Whole
from trace.schemas.import_forms import ModeForm
from trace.schemas.import_kinds import KINDS
from trace.schemas.kept_files import send_kept
from trace.schemas.labels import SheetSchema, sheet_from
from trace.schemas.records import RecordSchema, Rows
from trace.services import exports, imports
from trace.services.actors import Actor
from trace.services.acts import GOODS, printing
from trace.services.batches import read_facts
from trace.services.choices import NotOffered
from trace.services.jobs import get_job
from trace.services.label_sheets import JOB_KIND, cancel_sheet, sheet_name
from trace.services.labels import FORMATS, Sheet, check_sheet
from trace.services.records import Draw
from trace.services.settings import current_settings
from trace.services.sheet_files import FILE_LIMIT, SheetEmpty, SheetTooLarge
from trace.services.stamps import check_not_held
from trace.services.timelines import get_thing

PUBLIC_ID: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class JobOut(Schema):
    """Work under way: `state` is queued, running, done or failed; `address` is where it is asked
    about again, `file` where its file is."""

    id = fields.String(required=True)
    address = fields.String(required=True)
    state = fields.String(required=True)
    done = fields.Integer(required=True)
    total = fields.Integer(required=True)
    created_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)
    file = fields.String(required=True, allow_none=True)


JOB: Final = {
    "id": PUBLIC_ID,
    "address": f"/api/v1/labels/{PUBLIC_ID}",
    "state": "done",
    "done": 240,
    "total": 240,
    "created_at": "2026-11-20T00:30:00Z",
    "finished_at": "2026-11-20T00:30:09Z",
    "file": f"/api/v1/labels/{PUBLIC_ID}/file",
}


def job_out(job: Job, of: str) -> dict[str, Any]:
    """A job as answers tell it; `of` is the path under which its file lies."""
    return {
        "id": job.public_id,
        "address": f"/api/v1/{of}/{job.public_id}",
        "state": job.state,
        "done": job.progress,
        "total": job.total,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "file": f"/api/v1/{of}/{job.public_id}/file" if job.state == "done" else None,
    }


# -- labels ----------------------------------------------------------------------------------------


@operation(
    "POST",
    "/batches/<int:thing_id>/labels",
    tag="labels",
    summary="A sheet of labels of a lot or crate: one code for all, or a number each",
    scope="capture",
    body=json_body(SheetSchema, "LabelSheet"),
    out=JobOut(),
    status=202,
    example={"layout": "3x8", "format": "pdf", "what": "same", "count": 240},
    answer={**JOB, "state": "queued", "done": 0, "finished_at": None, "file": None},
)
def print_labels(actor: Actor, thing_id: int, clean: dict[str, Any]) -> Answer:
    actor.check("record")
    thing, now = get_thing(actor, thing_id, *GOODS), clock.now()
    check_not_held(thing)
    (facts,) = read_facts(actor, [thing]).values()
    label = printing.label_for(actor, thing, facts, clean["weight"], gs1=bool(clean["gs1"]))

    def sheet(roll: int = 0) -> Sheet:
        return sheet_from(clean, label, clean["count"], range_id=roll)

    check_sheet(sheet())
    units = thing.kind == "lot" and thing.owner_id == actor.organisation.id
    if clean["what"] != "unit" or not units:
        job = printing.copies(actor, thing, sheet(), clean["reason"], at=now)
        return Answer(job_out(job, "labels"), location=f"/api/v1/labels/{job.public_id}")
    draw = Draw(current_settings().secret_key, actor.organisation.code, f"api:{request_key()}")
    base = printing.at_the_desk(actor, draw, now)
    roll = printing.number_labels(actor, thing, clean["count"], at=now)
    job, events = printing.numbered(actor, thing, sheet(roll.id), roll, base, clean["reason"])
    recorded(actor, events)
    return Answer(job_out(job, "labels"), location=f"/api/v1/labels/{job.public_id}")


@operation(
    "GET",
    "/labels/<public_id>",
    tag="labels",
    summary="How far a sheet is",
    scope="query",
    out=JobOut(),
    answer=JOB,
)
def show_labels(actor: Actor, public_id: str) -> dict[str, Any]:
    return job_out(get_job(actor, public_id, JOB_KIND), "labels")


@operation(
    "GET",
    "/labels/<public_id>/file",
    tag="labels",
    summary="The finished sheet",
    scope="query",
    media="application/octet-stream",
)
def fetch_labels(actor: Actor, public_id: str) -> Response:
    name = sheet_name(actor, public_id)
    ending, kind = next(one for one in FORMATS.values() if name.endswith(f".{one[0]}"))
    return send_kept(name, kind, f"labels.{ending}")


@operation(
    "POST",
    "/labels/<public_id>/cancel",
    tag="labels",
    summary="Stop the drawing; serials that were issued stay issued",
    scope="capture",
    out=JobOut(),
    answer={**JOB, "state": "failed", "file": None},
)
def cancel_labels(actor: Actor, public_id: str) -> dict[str, Any]:
    cancel_sheet(actor, public_id, at=clock.now())
    db.session.expire_all()
    return job_out(get_job(actor, public_id, JOB_KIND), "labels")


# -- imports ---------------------------------------------------------------------------------------


class ImportOut(Schema):
    """A spreadsheet: `state` is checking, checked, running, waiting, done, failed, undoing or
    undone. `errors` says why the file as a whole could not be taken, or (import-aside) why nothing
    goes on."""

    id = fields.String(required=True, attribute="public_id")
    kind = fields.String(required=True)
    filename = fields.String(required=True)
    state = fields.String(required=True)
    mode = fields.String(required=True)
    rows = fields.Integer(required=True)
    good = fields.Integer(required=True)
    bad = fields.Integer(required=True)
    done = fields.Integer(required=True)
    created_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)
    errors = fields.List(fields.Dict(), required=True)


class ImportRowOut(Schema):
    """A row: what stands in it, what is wrong with it, what came of it."""

    number = fields.Integer(required=True)
    state = fields.String(required=True)
    cells = fields.List(fields.String(), required=True)
    errors = fields.List(fields.Dict(), required=True)
    record_id = fields.Integer(required=True, allow_none=True)


IMPORT: Final = {
    "id": PUBLIC_ID,
    "kind": "places",
    "filename": "ruong.xlsx",
    "state": "checked",
    "mode": "",
    "rows": 120,
    "good": 119,
    "bad": 1,
    "done": 120,
    "created_at": "2026-11-20T00:30:00Z",
    "finished_at": None,
    "errors": [],
}


def _import(row: Import) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ImportOut().fields if name not in ("id", "errors")}
    errors = orjson.loads(row.error) if row.error else orjson.loads(row.mapping).get("errors", [])
    if imports.is_aside(row):
        errors = [imports.error_json("", imports.ImportAside())]
    return {**told, "public_id": row.public_id, "errors": errors}


@operation(
    "POST",
    "/imports/<kind>",
    tag="imports",
    summary="A spreadsheet (XLSX or CSV) of one kind; it is looked at first",
    scope="capture",
    takes=XLSX,
    out=ImportOut(),
    status=202,
    answer={**IMPORT, "state": "checking", "rows": 0, "good": 0, "bad": 0, "done": 0},
    description="Kinds: " + ", ".join(KINDS) + ". Nothing is recorded until it is started.",
)
def add_import(actor: Actor, kind: str) -> Answer:
    if kind not in KINDS:
        raise NotFound
    if request.mimetype not in (XLSX, "text/csv", "application/octet-stream"):
        raise NotJsonType(expected=f"{XLSX} or text/csv")
    data = request.get_data()
    if len(data) > FILE_LIMIT:
        raise SheetTooLarge(got=">10", limit=FILE_LIMIT // 1_000_000)
    if not data:
        raise SheetEmpty
    name = f"{kind}.csv" if request.mimetype == "text/csv" else f"{kind}.xlsx"
    row = imports.receive_file(actor, kind, name, data, at=clock.now())
    return Answer(_import(row), location=f"/api/v1/imports/{row.public_id}")


def _imports(actor: Actor) -> Select[Any]:
    actor.check("read")
    return select(Import).where(Import.organisation_id == actor.organisation.id)


listing(
    "list_imports",
    "/imports",
    ImportOut(),
    ListRows(_imports, Import.id, _import),
    tag="imports",
    summary="Spreadsheets that were sent, newest first",
    answer=IMPORT,
)


@operation(
    "GET",
    "/imports/<public_id>",
    tag="imports",
    summary="How far a spreadsheet is",
    scope="query",
    out=ImportOut(),
    answer=IMPORT,
)
def show_import(actor: Actor, public_id: str) -> dict[str, Any]:
    return _import(imports.get_import(actor, public_id))


def _row(row: ImportRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": row.state,
        "cells": orjson.loads(row.cells),
        "errors": orjson.loads(row.errors) if row.errors else [],
        "record_id": row.record_id,
    }


def _rows(actor: Actor, public_id: str, state: str | None) -> Select[Any]:
    query = select(ImportRow).where(ImportRow.import_id == imports.get_import(actor, public_id).id)
    return query.where(ImportRow.state == state) if state else query


listing(
    "list_import_rows",
    "/imports/<public_id>/rows",
    ImportRowOut(),
    ListRows(_rows, ImportRow.number, _row, newest=False),
    tag="imports",
    summary="Its rows, with what is wrong in each",
    query={
        "state": {
            "type": "string",
            "enum": ["ready", "refused", "made", "kept", "undone"],
            "description": "Only these.",
        },
    },
    answer={
        "number": 7,
        "state": "refused",
        "cells": ["Thửa 3", "ba sào"],
        "errors": [{"cell": "B7", "code": "not-a-number"}],
        "record_id": None,
    },
)


class ChosenColumn(FormSchema):
    """A field and the column (from 1) that gives it."""

    name = Text(40, required=True)
    column = Whole(least=1, most=1000, required=True)


class ChosenColumns(RecordSchema):
    """Which column means what; what is not named is not read."""

    columns = Rows(ChosenColumn, required=True)


@operation(
    "POST",
    "/imports/<public_id>/columns",
    tag="imports",
    summary="Say which column means what; the file is looked at again",
    scope="capture",
    body=json_body(ChosenColumns, "ImportColumns"),
    out=ImportOut(),
    status=202,
    example={"columns": [{"name": "code", "column": 1}, {"name": "name", "column": 2}]},
    answer={**IMPORT, "state": "checking", "done": 0},
)
def choose_columns(actor: Actor, public_id: str, clean: dict[str, Any]) -> dict[str, Any]:
    row = imports.get_import(actor, public_id)
    known = {column.name for column in KINDS[row.kind].columns}
    headings = orjson.loads(row.mapping).get("headings", [])
    chosen = {}
    for one in clean["columns"]:
        if one["name"] not in known:
            raise NotOffered(path=f"/columns/{one['row']}/name")
        if one["column"] > len(headings):
            raise NotOffered(path=f"/columns/{one['row']}/column")
        chosen[one["name"]] = one["column"] - 1
    imports.ask_again(actor, row, chosen, at=clock.now())
    return _import(row)


@operation(
    "POST",
    "/imports/<public_id>/start",
    tag="imports",
    summary="Record its rows: all of them or none, or the good ones",
    scope="capture",
    body=json_body(ModeForm, "ImportMode"),
    out=ImportOut(),
    status=202,
    example={"mode": "valid"},
    answer={**IMPORT, "state": "running", "mode": "valid"},
)
def start_import(actor: Actor, public_id: str, clean: dict[str, Any]) -> dict[str, Any]:
    row = imports.get_import(actor, public_id)
    imports.start_once(actor, row, clean["mode"], again=clean["again"], at=clock.now())
    db.session.refresh(row)
    return _import(row)


@operation(
    "POST",
    "/imports/<public_id>/undo",
    tag="imports",
    summary="Declare void what was recorded from it",
    scope="capture",
    out=ImportOut(),
    status=202,
    answer={**IMPORT, "state": "undoing", "mode": "valid"},
)
def undo_import(actor: Actor, public_id: str) -> dict[str, Any]:
    row = imports.get_import(actor, public_id)
    imports.ask_undo(actor, row, at=clock.now())
    db.session.refresh(row)
    return _import(row)


# -- exports ---------------------------------------------------------------------------------------


@operation(
    "POST",
    "/exports",
    tag="exports",
    summary="Collect everything the organisation owns",
    scope="export",
    out=JobOut(),
    status=202,
    answer={**JOB, "state": "queued", "done": 0, "finished_at": None, "file": None},
)
def ask_export(actor: Actor) -> Answer:
    job = exports.ask(actor, at=clock.now())
    return Answer(job_out(job, "exports"), location=f"/api/v1/exports/{job.public_id}")


def _exports(actor: Actor) -> Select[Any]:
    actor.check("export")
    mine = Job.organisation_id == actor.organisation.id
    return select(Job).where(mine, Job.kind == exports.KIND)


def _export(job: Job) -> dict[str, Any]:
    return job_out(job, "exports")


listing(
    "list_exports",
    "/exports",
    JobOut(),
    ListRows(_exports, Job.id, _export),
    tag="exports",
    summary="Collections that were asked for, newest first",
    scope="export",
    answer={**JOB, "file": f"/api/v1/exports/{PUBLIC_ID}/file"},
)


@operation(
    "GET",
    "/exports/<public_id>",
    tag="exports",
    summary="How far a collection is",
    scope="export",
    out=JobOut(),
    answer={**JOB, "file": f"/api/v1/exports/{PUBLIC_ID}/file"},
)
def show_export(actor: Actor, public_id: str) -> dict[str, Any]:
    actor.check("export")
    return job_out(get_job(actor, public_id, exports.KIND), "exports")


@operation(
    "GET",
    "/exports/<public_id>/file",
    tag="exports",
    summary="The file, while it waits",
    scope="export",
    media="application/zip",
)
def fetch_export(actor: Actor, public_id: str) -> Response:
    name = exports.fetch(actor, public_id, at=clock.now())
    return send_kept(name, "application/zip", "my-data.zip")
