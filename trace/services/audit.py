"""Who changed what, written in the transaction of the change; read by owners and inspectors."""

from __future__ import annotations

from datetime import datetime

import orjson

from trace.extensions import db
from trace.models import Audit, Organisation, Person
from trace.services.actors import Actor


def write_audit(
    actor: Actor | None,
    action: str,
    subject: str,
    *,
    at: datetime,
    organisation: Organisation | None = None,
    person: Person | None = None,
    **detail: object,
) -> None:
    """One line: `action` is a verb with a noun ("household.change"), `subject` names the record
    by its public code or number. `detail` must hold no personal data: names of changed fields,
    not their values."""
    acting_for = organisation or (actor.organisation if actor else None)
    acting = person or (actor.person if actor else None)
    db.session.add(
        Audit(
            at=at,
            organisation_id=acting_for.id if acting_for else None,
            person_id=acting.id if acting else None,
            action=action,
            subject=subject,
            detail=orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode(),
        )
    )


def apply(record: object, values: dict[str, object]) -> list[str]:
    """Sets what differs; returns the names of the fields that changed."""
    changed = []
    for name, value in values.items():
        if getattr(record, name) != value:
            setattr(record, name, value)
            changed.append(name)
    return changed
