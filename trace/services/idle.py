"""Which organisations nobody uses any more: when somebody was last seen in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, or_, select

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Closing, Membership, Organisation, Person, Token
from trace.services.actors import Actor

UNUSED: Final = timedelta(days=365)
# Their powers are not theirs to give up.
STAYING_KINDS: Final = ("authority", "platform")


@dataclass(frozen=True, slots=True)
class Idle:
    """An organisation, when somebody was last seen in it, and whether it is `unused`, `waiting` for
    its end, or `closed`."""

    organisation: Organisation
    seen_at: datetime
    state: str


def list_idle(actor: Actor, *, at: datetime) -> list[Idle]:
    """Organisations nobody has used for UNUSED, and all that are closing; the longest unused
    first. Raises NotAllowed."""
    actor.check("administer")
    seen = _last_seen().subquery()
    rows = db.session.execute(
        select(Organisation, seen.c.seen, Closing)
        .outerjoin(seen, seen.c.organisation_id == Organisation.id)
        .outerjoin(
            Closing,
            (Closing.organisation_id == Organisation.id) & (Closing.state == "waiting"),
        )
        .where(Organisation.closed_at.is_(None), Organisation.kind.not_in(STAYING_KINDS))
    ).all()
    found = [
        Idle(organisation, _moment(last, organisation), "waiting" if row else "unused")
        for organisation, last, row in rows
    ]
    busy = set(
        db.session.scalars(
            select(Token.organisation_id).where(Token.last_used_at > at - UNUSED).distinct()
        )
    )
    idle = [
        one
        for one in found
        if one.state == "waiting"
        or (at - one.seen_at >= UNUSED and one.organisation.id not in busy)
    ]
    return sorted(idle, key=lambda one: (one.seen_at, one.organisation.id))


def get_organisation(actor: Actor, code: str) -> Organisation:
    """An organisation by its code, for the desk. Raises NotAllowed, NotFound."""
    actor.check("administer")
    found = db.session.scalar(select(Organisation).where(Organisation.code == code))
    if found is None or found.kind in STAYING_KINDS:
        raise NotFound
    return found


def last_seen(organisation: Organisation) -> datetime:
    """When a member was last signed in or a script last at work, or else when it was made."""
    row = db.session.execute(
        _last_seen().where(Membership.organisation_id == organisation.id)
    ).first()
    script = db.session.scalar(
        select(func.max(Token.last_used_at)).where(Token.organisation_id == organisation.id)
    )
    return max(_moment(row.seen if row else None, organisation), _moment(script, organisation))


def _last_seen() -> Any:
    """By organisation: when one of its members was last seen, by a sign-in or a script."""
    seen = func.max(func.coalesce(Person.seen_at, Person.created_at))
    return (
        select(Membership.organisation_id, seen.label("seen"))
        .join(Person, Person.id == Membership.person_id)
        .where(or_(Person.active, Person.seen_at.is_not(None)))
        .group_by(Membership.organisation_id)
    )


def _moment(last: object, organisation: Organisation) -> datetime:
    found = last if isinstance(last, datetime) else None
    return max(found, organisation.created_at) if found else organisation.created_at
