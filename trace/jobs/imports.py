"""Work on spreadsheets: checking, recording, undoing. Each may be killed and run again."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select, update

from trace import clock
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Import, Job, Organisation, Person
from trace.schemas.import_checking import check_file
from trace.services import imports
from trace.services.actors import Actor
from trace.services.import_undo import undo_rows

# As long as a worker may take for one window of rows.
LEASE = timedelta(seconds=120)


def _opened(job: Job) -> tuple[Actor, Import, dict[str, Any]]:
    argument = orjson.loads(job.argument)
    organisation = db.session.get(Organisation, job.organisation_id)
    row = db.session.scalar(select(Import).where(Import.public_id == argument["import"]))
    if organisation is None or row is None or row.organisation_id != organisation.id:
        raise NotFound
    person = db.session.get(Person, job.person_id) if job.person_id else None
    return Actor(organisation, person, "recorder"), row, argument


def _beat(job: Job) -> Callable[[], None]:
    """Holds the lease of a job that lasts, in the transaction of the step it has done."""
    job_id = job.id

    def beat() -> None:
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=clock.now() + LEASE)
            .execution_options(synchronize_session=False)
        )

    return beat


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Lets the cycle collector rest: a file's rows are bounded, live to the end, hold no cycles."""
    resting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if resting:
            gc.enable()


@handles(imports.CHECK_KIND)
def check_import(job: Job) -> dict[str, int]:
    """Reads the file and stores what each row says and what is wrong with it."""
    actor, row, _ = _opened(job)
    beat, row_id = _beat(job), row.id
    if row.state != "checking":
        return {"rows": row.rows}
    chosen = orjson.loads(row.mapping).get("chosen")
    try:
        with _collector_resting():
            found = check_file(actor, row.kind, imports.source_of(row), chosen)
            imports.store_check(row, found.mapping(), found.rows, found.total, beat)
    except TraceError as error:
        db.session.rollback()
        imports.fail(row_id, error)
        db.session.commit()
        return {"rows": 0}
    return {"rows": found.total}


@handles(imports.RUN_KIND)
def run_import(job: Job) -> dict[str, int]:
    """Records the rows; where it was all or none and one is refused, voids what was recorded."""
    actor, row, _ = _opened(job)
    beat, row_id = _beat(job), row.id
    if row.state != "running":
        return {"made": 0, "refused": 0}
    try:
        with _collector_resting():
            return imports.record_rows(actor, row, at=clock.now(), beat=beat)
    except TraceError as error:
        db.session.rollback()
        if row.mode == "all":
            undo_rows(actor, row, at=clock.now(), beat=beat)
        imports.fail(row_id, error)
        db.session.commit()
        return {"made": 0, "refused": row.rows}


@handles(imports.UNDO_KIND)
def undo_import(job: Job) -> dict[str, int]:
    """Undoes what was recorded and not built on."""
    actor, row, argument = _opened(job)
    if row.state != "undoing":
        return {"undone": 0, "kept": 0}
    at = datetime.fromisoformat(argument["at"])
    return undo_rows(actor, row, at=at, beat=_beat(job))
