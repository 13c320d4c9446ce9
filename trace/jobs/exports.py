""" "My data", collected in the background."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job, Organisation, Person
from trace.services.actors import Actor
from trace.services.exports import KIND, collect

LEASE = timedelta(seconds=120)


@handles(KIND, apart=True)
def collect_my_data(job: Job) -> dict[str, int]:
    """Writes the file beside the job's name; a job run again writes it anew."""
    organisation = db.session.get(Organisation, job.organisation_id)
    if organisation is None:
        raise NotFound
    person = db.session.get(Person, job.person_id) if job.person_id else None
    job_id, public_id = job.id, job.public_id

    def step(events: int) -> None:
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(progress=events, lease_until=clock.now() + LEASE)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()

    told = collect(Actor(organisation, person, "owner"), public_id, at=clock.now(), step=step)
    db.session.commit()
    return told
