"""Sheets of many labels, drawn in the background.

A killed worker leaves a short lease: another draws the same labels again, to the same bytes, since
serials are rows and not drawn anew. The file appears under its name only when it is whole.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Final

import orjson
from sqlalchemy import update

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services.files import files
from trace.services.label_sheets import (
    FOLDER,
    JOB_KIND,
    Cancelled,
    drop_old_sheets,
    sheet_folder,
    sheet_of,
)
from trace.services.labels import (
    FORMATS,
    draw,
)

# How often the page learns how far it is, in seconds; a lease is a few of these.
TELL_EVERY: Final = 1.0
LEASE: Final = timedelta(seconds=20)


@handles(JOB_KIND, apart=True)
def draw_label_sheet(job: Job) -> dict[str, int]:
    """Writes the file named after the job; doing it twice gives the same. Raises a LabelError,
    Cancelled."""
    sheet = sheet_of(orjson.loads(job.argument))
    public_id, job_id, worker = job.public_id, job.id, job.leased_by
    folder = sheet_folder()
    folder.mkdir(parents=True, exist_ok=True)
    drop_old_sheets(clock.now())
    part = folder / f".{public_id}.part"
    stock = sheet.stock
    if sheet.format == "pdf" and sheet.count > stock.per_page:
        # What people look at while the rest is drawn.
        with part.open("wb") as first:
            page = replace(sheet, count=stock.per_page - sheet.skip % stock.per_page)
            for _ in draw(page, first):
                pass
        files().put_file(f"{FOLDER}/{public_id}-1.pdf", part)
    told = monotonic()
    try:
        with part.open("wb") as out:
            for done in draw(sheet, out):
                if monotonic() - told > TELL_EVERY:
                    _tell(job_id, worker, done)
                    told = monotonic()
            size = out.tell()
        _tell(job_id, worker, sheet.count)
        files().put_file(f"{FOLDER}/{public_id}.{FORMATS[sheet.format][0]}", part)
    finally:
        part.unlink(missing_ok=True)
    return {"labels": sheet.count, "bytes": size}


def _tell(job_id: int, worker: str | None, done: int) -> None:
    """Notes how far it is and keeps the lease. Raises Cancelled when the job is not ours any more:
    cancelled, or taken by another worker."""
    mine = db.session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "running", Job.leased_by == worker)
        .values(progress=done, lease_until=clock.now() + LEASE)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    if not mine.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        raise Cancelled
