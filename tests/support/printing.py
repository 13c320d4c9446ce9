"""A sheet of labels with a serial each, asked for and drawn, as one act that may be killed."""

from __future__ import annotations

from datetime import timedelta

import orjson
from sqlalchemy import func, select, update

from trace import clock
from trace.extensions import db
from trace.jobs.registry import load_handlers
from trace.jobs.worker import claim, run
from trace.models import Job, LabelRange, Unit
from trace.services.actors import Actor
from trace.services.label_sheets import JOB_KIND, ask_for_sheet, sheet_folder, sheet_of
from trace.services.labels import Sheet, draw_sheet, issue_labels, stamp_label
from trace.services.units import issue

COUNT = 45  # two pages, so that the first is a file of its own before the rest


def run_jobs() -> None:
    load_handlers()
    while (job := claim("printing")) is not None:
        run(job)


def asked(actor: Actor) -> Job:
    """What a person asks for in one press; the caller commits."""
    at = clock.now()
    roll = issue(actor, COUNT, at=at)
    sheet = Sheet(stamp_label(roll), COUNT, "4x10", range_id=roll.id, numbered=True)
    job = ask_for_sheet(actor, sheet, at=at)
    issue_labels(actor, None, sheet, at=at, kind="new", job=job.public_id)
    return job


def asked_and_drawn(actor: Actor) -> None:
    """What a person asks for in one press, and what a worker makes of it."""
    asked(actor)
    db.session.commit()
    run_jobs()


def check_whole(*, finished: bool) -> int:
    """How many sheets there are. Every serial was issued once and whole rolls of them; a file under
    its own name is the whole sheet, byte by byte. With `finished` every sheet has its file, and
    nothing else lies about. Raises RuntimeError."""
    serials = db.session.scalars(select(Unit.serial)).all()
    rolls = db.session.execute(
        select(LabelRange.id, func.count(Unit.serial), func.min(Unit.number), func.max(Unit.number))
        .join(Unit, Unit.range_id == LabelRange.id)
        .group_by(LabelRange.id)
    ).all()
    if len(set(serials)) != len(serials) or {row[1:] for row in rolls} - {(COUNT, 1, COUNT)}:
        raise RuntimeError(f"serials lost or doubled: {rolls}")
    jobs = db.session.scalars(select(Job).where(Job.kind == JOB_KIND).order_by(Job.id)).all()
    if len(jobs) != len(rolls):
        raise RuntimeError(f"{len(jobs)} sheets of {len(rolls)} rolls")
    folder = sheet_folder()
    for job in jobs:
        file = folder / f"{job.public_id}.pdf"
        if finished and not (job.state == "done" and file.is_file()):
            raise RuntimeError(f"a sheet was not finished: {job.state}")
    newest = folder / f"{jobs[-1].public_id}.pdf" if jobs else folder
    if newest.is_file():  # the others were looked at before
        again = draw_sheet(sheet_of(orjson.loads(jobs[-1].argument)))
        if newest.read_bytes() != again:
            raise RuntimeError("a finished sheet is not whole")
    left = [path.name for path in folder.glob(".*")] if folder.is_dir() else []
    if finished and left:
        raise RuntimeError(f"left over: {left}")
    return len(jobs)


def take_over() -> None:
    """The dead worker's lease has run out: another one takes its job."""
    past = clock.now() - timedelta(seconds=1)
    db.session.execute(update(Job).where(Job.state == "running").values(lease_until=past))
    db.session.commit()
    run_jobs()
