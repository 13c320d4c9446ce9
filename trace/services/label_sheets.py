"""Sheets of labels as jobs: asked for, watched, cancelled, fetched. The worker draws them
(`trace.jobs.sheets`); a file lives until it is a day old."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import update

from trace.core.labels import Label
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Job
from trace.services.actors import Actor
from trace.services.files import files
from trace.services.jobs import enqueue, get_job
from trace.services.labels import FORMATS, Sheet
from trace.services.settings import current_settings

JOB_KIND: Final = "label-sheet"
FOLDER: Final = "sheets"
KEPT: Final = timedelta(days=1)
_FILE: Final = re.compile(r"[0-9a-f-]{36}")


class Cancelled(TraceError):
    code = "job-cancelled"
    message = "The drawing was cancelled."


def ask_for_sheet(actor: Actor, sheet: Sheet, *, at: datetime) -> Job:
    """A job that draws the sheet; its page is where the file will be."""
    actor.check("read")
    argument = {**asdict(sheet), "label": asdict(sheet.label)}
    return enqueue(JOB_KIND, argument, at=at, actor=actor, total=sheet.count)


def cancel_sheet(actor: Actor, public_id: str, *, at: datetime) -> None:
    """Stops the job; what was drawn is thrown away. Nothing for one that has ended."""
    actor.check("record")
    job = get_job(actor, public_id, JOB_KIND)
    db.session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state.in_(("queued", "running")))
        .values(state="failed", result='{"error":"job-cancelled"}', finished_at=at)
        .execution_options(synchronize_session=False)
    )


def sheet_of(argument: dict[str, object]) -> Sheet:
    """The sheet a job was asked for."""
    told = dict(argument)
    label = dict(told.pop("label"))  # type: ignore[call-overload]  # written by ask_for_sheet
    label["dates"] = tuple(label["dates"])
    told["custom"] = tuple(told.get("custom", ()))  # type: ignore[arg-type]  # a list, in JSON
    return Sheet(label=Label(**label), **told)  # type: ignore[arg-type]  # written by ask_for_sheet


def sheet_folder() -> Path:
    """Where a sheet is drawn, on the machine of the worker that does it."""
    return current_settings().instance / FOLDER


def sheet_name(actor: Actor, public_id: str) -> str:
    """The name of the finished file of the organisation's own job. Raises NotFound."""
    job = get_job(actor, public_id, JOB_KIND)
    kind = orjson.loads(job.argument).get("format", "pdf")
    name = f"{FOLDER}/{job.public_id}.{FORMATS[kind][0]}"
    if job.state != "done" or not _FILE.fullmatch(public_id) or files().facts(name) is None:
        raise NotFound
    return name


def first_page_name(actor: Actor, public_id: str) -> str:
    """The name of the first page of a PDF still being drawn. Raises NotFound."""
    job = get_job(actor, public_id, JOB_KIND)
    name = f"{FOLDER}/{job.public_id}-1.pdf"
    if not _FILE.fullmatch(public_id) or files().facts(name) is None:
        raise NotFound
    return name


def drop_old_sheets(now: datetime) -> int:
    """Removes files older than KEPT; returns how many."""
    dropped = 0
    for one in list(files().list(FOLDER)):
        if now - one.written > KEPT:
            files().remove(one.name)
            dropped += 1
    for path in sheet_folder().glob(".*"):
        if now.timestamp() - path.stat().st_mtime > KEPT.total_seconds():
            path.unlink(missing_ok=True)
            dropped += 1
    return dropped
