"""The audit log read: searched by who, what, about what and when; paged by key, newest first.

The platform reads all of it, an authority's supervisors the lines of their own office. Lines hold
no personal data but who did it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import select

from trace.core.folding import fold
from trace.extensions import db
from trace.models import Audit, Organisation, Person
from trace.services.actors import Actor
from trace.services.deadlines import LOCAL
from trace.services.jurisdictions import scope_of
from trace.services.sets import among

PAGE: Final = 50
EXPORT: Final = 20_000
NAMED: Final = 200  # organisations that a name may mean


@dataclass(frozen=True, slots=True)
class Line:
    """One line, with the names of who did it."""

    row: Audit
    organisation: str
    person: str


def search(
    actor: Actor, wanted: Mapping[str, Any], *, before: int | None = None, limit: int = PAGE
) -> tuple[list[Line], int | None]:
    """Lines that fit, the newest first, and the key of the next page (None: no more). `wanted`:
    who (name or code of an organisation, or `person:7`), action (its beginning), subject (exact),
    since, until (dates). Raises NotAllowed."""
    query = _query(actor, wanted)
    if before is not None:
        query = query.where(Audit.id < before)
    rows = db.session.execute(query.order_by(Audit.id.desc()).limit(limit + 1)).all()
    found = [Line(row, organisation or "", person or "") for row, organisation, person in rows]
    more = found[limit - 1].row.id if len(found) > limit else None
    return found[:limit], more


def export(actor: Actor, wanted: Mapping[str, Any]) -> Iterator[Line]:
    """The same, up to EXPORT lines."""
    before: int | None = None
    left = EXPORT
    while left > 0:
        lines, before = search(actor, wanted, before=before, limit=min(1000, left))
        yield from lines
        left -= len(lines)
        if before is None:
            return


def _query(actor: Actor, wanted: Mapping[str, Any]) -> Any:
    query: Any = (
        select(Audit, Organisation.name, Person.name)
        .outerjoin(Organisation, Organisation.id == Audit.organisation_id)
        .outerjoin(Person, Person.id == Audit.person_id)
    )
    if actor.organisation.kind == "platform":
        actor.check("administer")
    else:
        actor.check("decide")
        scope_of(actor)
        query = query.where(Audit.organisation_id == actor.organisation.id)
    who = str(wanted.get("who") or "").strip()
    if who.startswith("person:") and who[7:15].isdecimal():
        query = query.where(Audit.person_id == int(who[7:15]))
    elif who:
        query = query.where(among(Audit.organisation_id, _organisations(who)))
    action = str(wanted.get("action") or "").strip()
    if action:
        query = query.where(Audit.action >= action, Audit.action < action + "\U0010ffff")
    subject = str(wanted.get("subject") or "").strip()
    if subject:
        query = query.where(among(Audit.subject, subjects(subject)))
    since, until = wanted.get("since"), wanted.get("until")
    if since is not None:
        query = query.where(Audit.at >= _start(since))
    if until is not None:
        query = query.where(Audit.at < _start(until + timedelta(days=1)))
    return query


# What a bare code may be of.
KINDS: Final = ("organisation", "product", "place", "household", "lot", "cycle", "unit", "prefix")


def subjects(text: str) -> list[str]:
    """A subject as it stands in the log, or a bare code of any kind."""
    if ":" in text:
        return [text[:500]]
    code = text.replace("-", "").replace(" ", "").upper()
    return [text[:500], *(f"{kind}:{code}" for kind in KINDS)]


def _organisations(who: str) -> list[int]:
    code = who.replace("-", "").replace(" ", "").upper()[:10]
    query = select(Organisation.id).where(Organisation.code == code)
    found = list(db.session.scalars(query))
    if found:
        return found
    query = select(Organisation.id).limit(NAMED)
    for word in fold(who).split()[:8]:
        pattern = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(Organisation.folded.like(f"%{pattern}%", escape="\\"))
    return list(db.session.scalars(query))


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=LOCAL)
