"""Everything an organisation owns in one file: "my data".

A zip of a workbook and the same tables as CSV, its events as one EPCIS 2.0 document, its statements
with every disclosure beside their log entries, the log's checkpoint, proof bundles of its newest
lots, its photos and papers, and what could not be included with the reason. The file waits KEPT for
its members who manage, then it is removed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Event, Job
from trace.services import export_collecting
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.files import files
from trace.services.jobs import enqueue, get_job
from trace.services.settings import current_settings

KIND: Final = "my-data"
KEPT: Final = timedelta(days=3)
LEFTOVER: Final = timedelta(days=1)  # of a worker that was killed: no collection takes as long
_FILE: Final = re.compile(r"[0-9a-f-]{36}")


def ask(actor: Actor, *, at: datetime) -> Job:
    """A job that collects the data; the one that is under way where there is one."""
    actor.check("export")
    going = db.session.scalar(
        select(Job).where(
            Job.kind == KIND,
            Job.organisation_id == actor.organisation.id,
            Job.state.in_(("queued", "running")),
        )
    )
    if going is not None:
        return going
    total = db.session.scalar(
        select(func.count()).select_from(Event).where(Event.issuer_id == actor.organisation.id)
    )
    job = enqueue(KIND, {}, at=at, actor=actor, total=total or 0)
    write_audit(actor, "export.ask", f"export:{job.public_id}", at=at)
    return job


def list_exports(actor: Actor) -> Sequence[Job]:
    """The newest collections of the organisation."""
    actor.check("export")
    query = select(Job).where(Job.kind == KIND, Job.organisation_id == actor.organisation.id)
    return db.session.scalars(query.order_by(Job.id.desc()).limit(10)).all()


def folder() -> Path:
    """Where a file is put together, on the machine of the worker that does it."""
    return current_settings().instance / "exports"


def find_file(public_id: str) -> str | None:
    """The name of the file while it waits."""
    name = f"exports/{public_id}.zip"
    return name if _FILE.fullmatch(public_id) and files().facts(name) else None


def fetch(actor: Actor, public_id: str, *, at: datetime) -> str:
    """The name of the organisation's own file, and a line in the audit log. Raises NotFound."""
    actor.check("export")
    job = get_job(actor, public_id, KIND)
    name = find_file(job.public_id)
    if job.state != "done" or name is None or is_over(job, at=at):
        raise NotFound
    write_audit(actor, "export.fetch", f"export:{public_id}", at=at)
    return name


def is_over(job: Job, *, at: datetime) -> bool:
    """Whether the file's time is up."""
    return job.finished_at is not None and at - job.finished_at > KEPT


def drop_old(now: datetime) -> int:
    """Removes files older than KEPT, and what killed workers have left; returns how many."""
    dropped = 0
    for one in list(files().list("exports")):
        if now - one.written > KEPT:
            files().remove(one.name)
            dropped += 1
    for path in folder().glob(".*"):
        try:
            age = now.timestamp() - path.stat().st_mtime
        except FileNotFoundError:  # another worker tidies too
            continue
        if age > LEFTOVER.total_seconds():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            dropped += 1
    return dropped


def collect(
    actor: Actor, public_id: str, *, at: datetime, step: Callable[[int], None]
) -> dict[str, int]:
    """Writes the file; `step` hears how many events are in and commits. Doing it again replaces the
    file."""
    folder().mkdir(parents=True, exist_ok=True)
    part, told = export_collecting.collect(actor, public_id, folder(), at=at, step=step)
    files().put_file(f"exports/{public_id}.zip", part)
    return told
