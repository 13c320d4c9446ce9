"""Capture jobs: EPCIS documents accepted over the interface, recorded here."""

from __future__ import annotations

import zlib
from typing import Any

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job, Organisation, Person
from trace.services import epcis_captures as captures
from trace.services.actors import Actor


@handles(captures.KIND)
def run_epcis_capture(job: Job) -> dict[str, Any]:
    """Captures the job's document; run again after a crash it records nothing twice."""
    organisation = db.session.get(Organisation, job.organisation_id)
    if organisation is None or job.payload is None:
        raise NotFound
    person = db.session.get(Person, job.person_id) if job.person_id else None
    actor = Actor(organisation, person, "token")
    document = captures.document_of(job, zlib.decompress(job.payload))
    if not captures.goes_on(job):
        result = captures.record_all(job, actor, document, at=clock.now())
        db.session.commit()
        return result
    result = {"captured": 0, "errors": []}
    while job.progress < len(document.events):
        result = captures.record_piece(job, actor, document, at=clock.now())
        db.session.commit()
    return result
