"""Suspending an organisation and taking that back: said in the log and on every public page.

Rules.
1. The platform decides about everybody but itself; a supervisor of a confirmed authority about
   organisations in its area that are no authorities.
2. A suspension says why. Who is suspended may go on recording: what is recorded is then said to be
   by a suspended organisation. Its powers (notices of an authority, a laboratory's results, a
   certifier's answers) end while it lasts.
3. Reinstating puts back the status that stood before. An authority takes back what it, or an
   authority whose area lies in its own, decided; the platform everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select, true

from trace.core.folding import fold
from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Organisation, StandingDecision
from trace.services import freshness, log
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.competence import contains
from trace.services.jurisdictions import scope_of
from trace.services.notifications import notify
from trace.services.platform_statements import organisation_identity, say

PAGE: Final = 50


class AlreadySuspended(Conflict):
    code = "already-suspended"
    message = "%(name)s is suspended already."


class NotSuspended(Conflict):
    code = "not-suspended"
    message = "%(name)s is not suspended."


class ReasonMissing(TraceError):
    code = "reason-missing"
    message = "Say why: it is shown in public."


@dataclass(frozen=True, slots=True)
class Found:
    """A page of organisations, and how many there are."""

    rows: Sequence[Organisation]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def reachable(actor: Actor) -> ColumnElement[bool]:
    """The organisations this desk sees. Raises NotAllowed."""
    if actor.organisation.kind == "platform":
        actor.check("administer")
        return true()
    return scope_of(actor).organisations()


def find(actor: Actor, *, text: str = "", kind: str = "", status: str = "", page: int = 1) -> Found:
    """Organisations by words of their name or by code, a page at a time. Raises NotAllowed."""
    where = [reachable(actor), Organisation.kind != "platform"]
    for word in fold(text.replace("-", " ")).split()[:8]:
        pattern = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        code = Organisation.code == text.replace("-", "").replace(" ", "").upper()[:10]
        where.append(Organisation.folded.like(f"%{pattern}%", escape="\\") | code)
    if kind:
        where.append(Organisation.kind == kind)
    if status:
        where.append(Organisation.status == status)
    total = db.session.scalar(select(func.count(Organisation.id)).where(*where)) or 0
    rows = db.session.scalars(
        select(Organisation)
        .where(*where)
        .order_by(Organisation.name, Organisation.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    return Found(rows, total, page)


def get(actor: Actor, code: str) -> Organisation:
    """One of them. Raises NotAllowed, NotFound."""
    found = db.session.scalar(
        select(Organisation).where(
            Organisation.code == code, Organisation.kind != "platform", reachable(actor)
        )
    )
    if found is None:
        raise NotFound
    return found


def decisions_about(organisation: Organisation) -> Sequence[StandingDecision]:
    """What was decided about an organisation, the newest first."""
    query = select(StandingDecision).where(StandingDecision.organisation_id == organisation.id)
    return db.session.scalars(query.order_by(StandingDecision.id.desc())).all()


def suspension_of(organisation: Organisation) -> StandingDecision | None:
    """The suspension that stands, for public pages."""
    if organisation.status != "suspended":
        return None
    newest = next(iter(decisions_about(organisation)), None)
    return newest if newest is not None and newest.decision == "suspended" else None


def may_judge(actor: Actor, organisation: Organisation) -> bool:
    """Rule 1."""
    if actor.organisation.id == organisation.id or organisation.kind == "platform":
        return False
    if actor.organisation.kind == "platform":
        return actor.may("administer")
    if organisation.kind == "authority" or not actor.may("decide"):
        return False
    return scope_of(actor, "decide").covers(organisation.ward_code)


def suspend(
    actor: Actor, organisation: Organisation, reason: str, *, at: datetime
) -> StandingDecision:
    """Suspends, and says so. Raises NotAllowed, AlreadySuspended, ReasonMissing."""
    if not may_judge(actor, organisation):
        raise NotAllowed
    if organisation.status == "suspended":
        raise AlreadySuspended(name=organisation.name)
    if not reason:
        raise ReasonMissing(path="reason")
    return _decide(actor, organisation, "suspended", reason, at)


def reinstate(
    actor: Actor, organisation: Organisation, reason: str, *, at: datetime
) -> StandingDecision:
    """Takes a suspension back. Raises NotAllowed, NotSuspended."""
    if not may_judge(actor, organisation):
        raise NotAllowed
    standing = suspension_of(organisation)
    if organisation.status != "suspended":
        raise NotSuspended(name=organisation.name)
    own = actor.organisation
    if own.kind != "platform" and standing is not None:
        wider = contains(own.jurisdiction, standing.by.jurisdiction)
        if standing.by.kind == "platform" or not wider:
            raise NotAllowed
    return _decide(actor, organisation, "reinstated", reason, at)


def _decide(
    actor: Actor, organisation: Organisation, decision: str, reason: str, at: datetime
) -> StandingDecision:
    log.lock()  # captures take it before they write the organisation's row and mark its pages
    former = organisation.status
    if decision == "suspended":
        organisation.status = "suspended"
    else:
        standing = suspension_of(organisation)
        organisation.status = standing.was if standing is not None else "unconfirmed"
    write_audit(actor, f"organisation.{decision}", f"organisation:{organisation.code}", at=at)
    db.session.flush()
    freshness.organisation_changed(organisation, at=at)
    statement = say(
        [organisation_identity(organisation)],
        {"decision": decision, "reason": reason},
        by=actor.organisation,
        conforms=decision != "suspended",
        at=at,
    )
    made = StandingDecision(
        organisation_id=organisation.id,
        decision=decision,
        reason=reason,
        was=former,
        by_id=actor.organisation.id,
        person_id=actor.person.id if actor.person else None,
        at=at,
        statement=statement,
    )
    db.session.add(made)
    db.session.flush()
    context = {"by": actor.organisation.name, "reason": reason}
    notify(organisation, f"standing-{decision}", context, at=at, address="/producer/organisation/")
    return made
