"""Spreadsheets of FSMA 204, written in the background with progress."""

from __future__ import annotations

from datetime import timedelta

import orjson
from sqlalchemy import update

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job, Organisation, Person
from trace.services.actors import Actor
from trace.services.fsma_files import KIND, write_file

LEASE = timedelta(seconds=120)


@handles(KIND, apart=True)
def write_fsma_sheet(job: Job) -> dict[str, int | bool]:
    """Writes the file beside the job's name; a job run again writes it anew."""
    organisation = db.session.get(Organisation, job.organisation_id)
    if organisation is None:
        raise NotFound
    person = db.session.get(Person, job.person_id) if job.person_id else None
    argument = orjson.loads(job.argument)
    job_id, public_id, total = job.id, job.public_id, job.total

    def step(rows: int) -> None:
        # In a transaction of its own: the session goes on reading. Rows run ahead of events; the
        # bar must not.
        with db.engine.begin() as connection:
            connection.execute(
                update(Job)
                .where(Job.id == job_id)
                .values(progress=min(rows, total), lease_until=clock.now() + LEASE)
            )

    told = write_file(
        Actor(organisation, person, argument["role"]),
        argument["thing"],
        argument["format"],
        public_id,
        at=clock.now(),
        step=step,
    )
    db.session.commit()
    return told
