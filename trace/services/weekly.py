"""The weekly word: what a week brought an organisation, counted from what is stored.

Rules.
1. A week is Monday to Sunday in Viet Nam. On Monday from MORNING on everybody is told of the week
   before, once; a worker that was away tells it when it is back.
2. Work counts in the week in which it was done, as far as it is recorded and not declared an error:
   what comes late from a phone still counts where it belongs.
3. What is nought is not said, and whoever had a week of noughts is told nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import (
    Application,
    Certificate,
    Event,
    Handover,
    Job,
    Organisation,
    PendingApproval,
    Request,
    Thing,
)
from trace.models.requests import CLOSED, SUBJECT_KINDS
from trace.services.actors import Actor
from trace.services.asked import Asked, asked_of
from trace.services.deadlines import LOCAL
from trace.services.handovers import count_incoming
from trace.services.jobs import argument_of, enqueue
from trace.services.notifications import notify
from trace.services.scans import ScanWeek, week_of

KIND: Final = "weekly"
MORNING: Final = time(6)
DAYS: Final = timedelta(days=7)
# Those whose goods people scan; authorities, certifiers and laboratories have desks of their own.
TOLD: Final = ("producer", "co-operative", "trader", "processor", "carrier", "retailer")

MANAGED: Final = ("application", "requests")  # a recorder may not open their pages


@dataclass(frozen=True, slots=True)
class Waits:
    """What waits now: `what` is approvals, certificates, application or requests."""

    what: str
    count: int
    address: str


@dataclass(frozen=True, slots=True)
class Week:
    """The figures of a week, and of now where the week is the present one or the last."""

    monday: date
    scans: ScanWeek
    entries: int
    lots: int
    asked: tuple[Asked, ...]

    @property
    def sunday(self) -> date:
        return self.monday + DAYS - timedelta(days=1)

    @property
    def empty(self) -> bool:
        """Whether nothing at all happened."""
        return not (self.scans.count or self.entries or self.lots or self.asked)


@dataclass(frozen=True, slots=True)
class Open:
    """What is open at this moment: delivery notes without an answer, and what waits."""

    sent: int
    arriving: int
    waits: tuple[Waits, ...]

    @property
    def empty(self) -> bool:
        return not (self.sent or self.arriving or self.waits)


def monday_of(at: datetime) -> date:
    """The Monday of the week in which a moment lies, in Viet Nam."""
    today = at.astimezone(LOCAL).date()
    return today - timedelta(days=today.weekday())


def bounds(monday: date) -> tuple[datetime, datetime]:
    """The first moment of a week, and the first after it."""
    start = datetime.combine(monday, time(), tzinfo=LOCAL)
    return start, start + DAYS


def figures(actor: Actor, monday: date) -> Week:
    """What the week brought. Raises NotAllowed."""
    actor.check("read")
    mine = actor.organisation.id
    since, until = bounds(monday)
    declared = aliased(Event)
    entries = select(func.count(Event.id)).where(
        Event.issuer_id == mine,
        Event.event_time >= since,
        Event.event_time < until,
        Event.corrects.is_(None),
        ~select(declared.id)
        .where(declared.corrects == Event.statement_id, declared.issuer_id == mine)
        .exists(),
    )
    lots = select(func.count(Thing.id)).where(
        Thing.owner_id == mine,
        Thing.kind == "lot",
        Thing.created_at >= since,
        Thing.created_at < until,
    )
    return Week(
        monday,
        week_of(mine, monday),
        db.session.scalar(entries) or 0,
        db.session.scalar(lots) or 0,
        tuple(asked_of(mine, since=since, until=until)),
    )


def open_now(actor: Actor, *, at: datetime) -> Open:
    """What is open now. Raises NotAllowed."""
    actor.check("read")
    mine = actor.organisation.id
    sent = select(func.count(Handover.event_id)).where(
        Handover.giver_id == mine,
        ~Handover.received,
        ~Handover.voided,
        Handover.taker_id.is_not(None),
        Handover.taker_id != mine,
        Handover.answered_by.is_(None),
    )
    return Open(db.session.scalar(sent) or 0, count_incoming(actor), tuple(_waits(actor, at)))


def _waits(actor: Actor, at: datetime) -> list[Waits]:
    """What this member can do something about."""
    mine = actor.organisation.id
    counts = (
        (
            "approvals",
            select(func.count(PendingApproval.id)).where(
                PendingApproval.organisation_id == mine, PendingApproval.expires_at > at
            ),
            "/producer/approvals/",
        ),
        (
            "certificates",
            select(func.count(Certificate.id)).where(
                Certificate.issuer_id == mine, Certificate.decision == "asked"
            ),
            "/producer/certifying/",
        ),
        (
            "application",
            select(func.count(Application.id)).where(
                Application.organisation_id == mine, Application.state == "asked"
            ),
            "/producer/application/",
        ),
        (
            "requests",
            select(func.count(Request.id)).where(
                Request.organisation_id == mine,
                Request.kind.in_(SUBJECT_KINDS),
                Request.state.not_in(CLOSED),
            ),
            "/producer/requests/",
        ),
    )
    found = [
        Waits(what, db.session.scalar(query) or 0, address)
        for what, query, address in counts
        if what not in MANAGED or actor.may("manage")
    ]
    return [one for one in found if one.count]


# -- telling ---------------------------------------------------------------------------------------


def ask(*, at: datetime) -> int:
    """Asks for the week before to be told, from Monday's MORNING on; how many jobs were asked for.
    The caller commits."""
    monday = monday_of(at)
    if at < datetime.combine(monday, MORNING, tzinfo=LOCAL):
        return 0
    argument = {"monday": (monday - DAYS).isoformat()}
    known = select(Job.id).where(Job.kind == KIND, Job.argument == argument_of(argument))
    if db.session.scalar(known.limit(1)) is not None:
        return 0
    enqueue(KIND, argument, at=at)
    return 1


def organisations() -> Sequence[int]:
    """Those that are told, by id."""
    query = select(Organisation.id).where(Organisation.kind.in_(TOLD)).order_by(Organisation.id)
    return db.session.scalars(query).all()


def tell(organisation_id: int, monday: date, *, at: datetime) -> int:
    """Tells one organisation's people of a week; how many. Twice tells once. The caller commits."""
    organisation = db.session.get_one(Organisation, organisation_id)
    actor = Actor(organisation, None, "owner")
    week, now = figures(actor, monday), open_now(actor, at=at)
    if week.empty and now.empty:
        return 0
    return notify(
        organisation,
        "weekly",
        {
            "scans": week.scans.count,
            "wards": week.scans.wards,
            "entries": week.entries,
            "lots": week.lots,
            "asked": len(week.asked),
            "sent": now.sent,
            "arriving": now.arriving,
            "waiting": sum(one.count for one in now.waits),
        },
        at=at,
        address=f"/producer/week/?monday={monday.isoformat()}",
        subject=f"week:{monday.isoformat()}",
    )
