"""The inspected organisation's side: what an authority found there, and what it says to that.

1. It sees a case from the first thing recorded on site on: what was answered, found, sampled, and
   the conclusion; findings with the day by which they must be put right, those withdrawn too.
2. What it answers it signs as an event of its own, private: the public learns of no case by it.
3. It sees nobody's name of the office but those the office writes down itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Finding, FindingAnswer, Inspection
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.findings import answer_key, ended, things_named
from trace.services.inspections_events import Said, build
from trace.services.notifications import notify
from trace.services.records import JsonObject

LIST_LIMIT = 300


def select_cases(actor: Actor) -> Select[Inspection]:
    """The cases about this organisation that it may see, in no order."""
    actor.check("read")
    return select(Inspection).where(
        Inspection.organisation_id == actor.organisation.id,
        Inspection.state.in_(("begun", "concluded")),
    )


def cases(actor: Actor) -> list[Inspection]:
    """The same, the newest first, as many as a page shows."""
    query = select_cases(actor).order_by(Inspection.id.desc()).limit(LIST_LIMIT)
    return list(db.session.scalars(query))


def get_case(actor: Actor, inspection_id: int) -> Inspection:
    """One of them. Raises NotFound."""
    actor.check("read")
    row = db.session.get(Inspection, inspection_id) if inspection_id < 2**53 else None
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    if row.state not in ("begun", "concluded"):
        raise NotFound
    return row


def select_own_findings(actor: Actor) -> Select[Finding]:
    """The findings about this organisation, in no order."""
    actor.check("read")
    return select(Finding).where(Finding.organisation_id == actor.organisation.id)


def own_findings(actor: Actor) -> list[Finding]:
    """The same, open ones first, those due first in front, as many as a page shows."""
    order = (Finding.state != "open", Finding.due_on.is_(None), Finding.due_on, Finding.id.desc())
    query = select_own_findings(actor).order_by(*order).limit(LIST_LIMIT)
    return list(db.session.scalars(query))


def mark(actor: Actor) -> int:
    """How many findings are open; -1 where there are none, but something to read."""
    seen = select(Inspection.id).where(
        Inspection.organisation_id == actor.organisation.id,
        Inspection.state.in_(("begun", "concluded")),
    )
    count = (
        select(func.count())
        .select_from(Finding)
        .where(Finding.organisation_id == actor.organisation.id, Finding.state == "open")
    )
    row = db.session.execute(select(count.scalar_subquery(), seen.exists())).one()
    return row[0] or (-1 if row[1] else 0)


def get_own_finding(actor: Actor, finding_id: int) -> Finding:
    """One of them. Raises NotFound."""
    actor.check("read")
    row = db.session.get(Finding, finding_id) if finding_id < 2**53 else None
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def answer_event(row: Finding, words: str, said: Said) -> JsonObject:
    """The answer as the organisation signs it; all of it private."""
    case = row.inspection.code if row.inspection else row.code
    return build(
        said,
        {"case": case, "part": "answer"},
        row.organisation,
        things_named([row.id])[row.id],
        {"trace:finding": {"code": row.code, "words": words}},
    )


def note_answer(
    actor: Actor,
    row: Finding,
    words: str,
    event: JsonObject,
    photos: Sequence[str],
    *,
    at: datetime,
) -> None:
    """Keeps the answer for both sides and tells the authority. Raises FindingEnded."""
    actor.check("record")
    if row.state != "open":
        raise ended(row)
    db.session.add(
        FindingAnswer(
            finding_id=row.id,
            organisation_id=actor.organisation.id,
            words=words,
            photos=" ".join(photos),
            event_key=answer_key(str(event["eventID"])),
            created_by=actor.person.id if actor.person else None,
            created_at=at,
        )
    )
    db.session.flush()
    write_audit(actor, "finding.answer", f"finding:{row.code}", at=at)
    notify(
        row.authority,
        "finding-answered",
        {"by": actor.organisation.name},
        at=at,
        address=f"/inspection/findings/{row.id}",
    )


__all__ = [
    "answer_event",
    "cases",
    "get_case",
    "get_own_finding",
    "mark",
    "note_answer",
    "own_findings",
]
