"""The FSMA spreadsheet as a file: XLSX and CSV, written row by row in bounded memory, and the job
that writes it.

A cell that begins like a formula is text in both (services.sheet_writing, and a leading apostrophe
in CSV). A file waits KEPT for whoever asked; it appears under its name only when it is whole.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from sqlalchemy import select

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Job, Thing
from trace.services.actors import Actor
from trace.services.batches import address_of
from trace.services.chain_papers import Around, around, note_look
from trace.services.files import files
from trace.services.fsma import rows
from trace.services.fsma_rules import COLUMNS
from trace.services.jobs import enqueue, get_job
from trace.services.settings import current_settings
from trace.services.sheet_writing import Book

KIND: Final = "fsma-sheet"
FOLDER: Final = "spreadsheets"
FORMATS: Final = ("xlsx", "csv")
MEDIA_TYPES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
KEPT: Final = timedelta(days=3)
TELL_EVERY: Final = 500  # rows
_FILE: Final = re.compile(r"[0-9a-f-]{36}")
# What a spreadsheet would run, or read as something else than was typed.
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
Step = Callable[[int], None]


class UnknownFormat(TraceError):
    code = "unknown-format"
    message = "The spreadsheet comes as xlsx or csv."


def ask(actor: Actor, thing_id: int, form: str, *, at: datetime) -> Job:
    """A job that writes the spreadsheet of a lot. Raises NotFound, UnknownFormat. An authority's
    look at goods is written down."""
    actor.check("read")
    if form not in FORMATS:
        raise UnknownFormat(path="format")
    found = around(actor, thing_id)
    note_look(actor, found.thing, "fsma", at=at)
    argument = {"thing": thing_id, "format": form, "role": actor.role}
    return enqueue(KIND, argument, at=at, actor=actor, total=len(found.order))


def list_files(actor: Actor, thing_id: int) -> Sequence[Job]:
    """The newest spreadsheets of a lot that this organisation asked for."""
    query = (
        select(Job)
        .where(Job.kind == KIND, Job.organisation_id == actor.organisation.id)
        .where(Job.argument.like(f'{{"thing":{thing_id},%'))
        .order_by(Job.id.desc())
        .limit(5)
    )
    return db.session.scalars(query).all()


def folder() -> Path:
    """Where a file is written, on the machine of the worker that does it."""
    return current_settings().instance / FOLDER


def fetch(actor: Actor, public_id: str, *, at: datetime) -> tuple[str, str]:
    """The name of the organisation's own finished file, and its format. Raises NotFound."""
    job = get_job(actor, public_id, KIND)
    form = next((one for one in FORMATS if f'"format":"{one}"' in job.argument), FORMATS[0])
    name = f"{FOLDER}/{job.public_id}.{form}"
    if job.state != "done" or is_over(job, at=at) or files().facts(name) is None:
        raise NotFound
    return name, form


def is_over(job: Job, *, at: datetime) -> bool:
    """Whether the file's time is up."""
    return job.finished_at is not None and at - job.finished_at > KEPT


def drop_old(now: datetime) -> int:
    """Removes files whose time is up and what killed workers left; returns how many."""
    dropped = 0
    for one in list(files().list(FOLDER)):
        if now - one.written > KEPT:
            files().remove(one.name)
            dropped += 1
    for path in folder().glob(".*"):
        try:
            old = now.timestamp() - path.stat().st_mtime > KEPT.total_seconds()
        except FileNotFoundError:  # another worker tidies too
            continue
        if old:
            path.unlink(missing_ok=True)
            dropped += 1
    return dropped


def write_file(
    actor: Actor, thing_id: int, form: str, public_id: str, *, at: datetime, step: Step
) -> dict[str, int | bool]:
    """Writes the file of a job; `step` hears how many events are in. Doing it again replaces it."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    if not _FILE.fullmatch(public_id):
        raise NotFound
    drop_old(at)
    found = around(actor, thing_id)
    part = target / f".{public_id}.part"
    try:
        count = WRITERS[form](found, part, step)
        size = part.stat().st_size
        files().put_file(f"{FOLDER}/{public_id}.{form}", part)
    finally:
        part.unlink(missing_ok=True)
    return {"rows": count, "bytes": size, "more": found.more}


def write_xlsx(found: Around, path: Path, step: Step) -> int:
    """The workbook: one sheet to sort and filter, one that says what it is."""
    book = Book(path, str(path.parent))
    sheet = book.sheet("Key data elements", COLUMNS, 18)
    count = 0
    for count, row in enumerate(_stepped(rows(found), step), 1):
        book.row(sheet, count, row)
    sheet.autofilter(0, 0, max(1, count), len(COLUMNS) - 1)
    about = book.sheet("About", ("What", ""), 60)
    book.rows(about, _about(found, count))
    book.close()
    return count


def write_csv(found: Around, path: Path, step: Step) -> int:
    """The same rows as CSV, UTF-8 with a mark for Excel."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in _stepped(rows(found), step):
            writer.writerow([cell(value) for value in row])
            count += 1
    return count


WRITERS: Final = {"xlsx": write_xlsx, "csv": write_csv}


def cell(value: object) -> str:
    """A value as a CSV holds it: days and numbers plain, text never a formula."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if text.startswith(_STARTS) else text


def _stepped(lines: Iterable[list[object]], step: Step) -> Iterable[list[object]]:
    for number, line in enumerate(lines, 1):
        yield line
        if number % TELL_EVERY == 0:
            step(number)


def _about(found: Around, count: int) -> list[tuple[str, object]]:
    thing: Thing = found.thing
    return [
        ("Lot", address_of(thing)),
        ("Rows", count),
        ("Events read", len(found.order)),
        ("Complete", "no: there is more than fits" if found.more else "yes"),
        ("For", found.actor.organisation.name),
        ("Rule", "21 CFR Part 1, Subpart S (FSMA 204), key data elements"),
        ("Empty cells", "not recorded by anybody, or not for this reader; nothing is filled in"),
        ("Proof", f"{address_of(thing)}?format=bundle"),
    ]
