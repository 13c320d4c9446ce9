"""Sheets of many labels, drawn in the background."""

from __future__ import annotations

import orjson
from sqlalchemy import update

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services.labels import JOB_KIND, draw_sheet, drop_old_sheets, sheet_folder, sheet_of


@handles(JOB_KIND)
def draw_label_sheet(job: Job) -> dict[str, int]:
    """Writes the PDF beside the job's name; drawing twice gives the same file."""
    sheet = sheet_of(orjson.loads(job.argument))
    public_id, job_id = job.public_id, job.id
    folder = sheet_folder()
    folder.mkdir(parents=True, exist_ok=True)
    drop_old_sheets(clock.now())
    data = draw_sheet(sheet)
    part = folder / f".{public_id}.part"
    part.write_bytes(data)
    part.replace(folder / f"{public_id}.pdf")
    db.session.execute(update(Job).where(Job.id == job_id).values(progress=sheet.count))
    db.session.commit()
    return {"labels": sheet.count, "bytes": len(data)}
