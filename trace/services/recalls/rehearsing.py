"""Which organisations agreed to take part in rehearsals."""

from __future__ import annotations

from datetime import datetime

from trace.extensions import db
from trace.models import RehearsalConsent
from trace.services.actors import Actor
from trace.services.audit import write_audit


def agree(actor: Actor, taking_part: bool, *, at: datetime) -> None:
    """The organisation takes part in rehearsals from now on, or no more."""
    actor.check("manage")
    row = db.session.get(RehearsalConsent, actor.organisation.id)
    if taking_part and row is None:
        person = actor.person.id if actor.person else None
        db.session.add(
            RehearsalConsent(organisation_id=actor.organisation.id, person_id=person, agreed_at=at)
        )
    elif not taking_part and row is not None:
        db.session.delete(row)
    write_audit(actor, "rehearsal.consent", actor.organisation.code, at=at, agreed=taking_part)


def takes_part(organisation_id: int) -> bool:
    """Whether the organisation agreed to rehearsals."""
    return db.session.get(RehearsalConsent, organisation_id) is not None
