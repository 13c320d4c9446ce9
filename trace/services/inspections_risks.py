"""Whom to inspect first: reasons counted from what is stored, weighed by the authority that asks.

1. Each reason (FACTORS) is a share from 0 to 1000 with the plain figure and its evidence. A job
   counts them, an organisation at a time; what changed by a case is counted again at once.
2. Points of a reason are its share times its weight; weights are a rule of the authority
   (`jurisdictions.rule_of`). Nothing is a verdict: the list says where to look, and why.
3. Lateness alone weighs little: clerks type in offices, and markets trade at night.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import case, delete, func, insert, select

from trace.core.history.findings import LATE_AFTER
from trace.extensions import db
from trace.models import (
    Alert,
    Certificate,
    Copy,
    Event,
    EventThing,
    Finding,
    Inspection,
    Job,
    LogEntry,
    Organisation,
    Place,
    Report,
    Risk,
    Thing,
)
from trace.models.events import ROLES
from trace.services.actors import Actor
from trace.services.batches import short_name
from trace.services.deadlines import local_day
from trace.services.jobs import enqueue
from trace.services.jurisdictions import rule_of, scope_of
from trace.services.sets import among

KIND: Final = "inspection-risks"
RULE: Final = "inspection-weights"
FACTORS: Final = (
    *("findings", "holds", "reports", "copies", "over-claim", "certificates", "late", "idle"),
    "unconfirmed",
)
WEIGHTS: Final[dict[str, int]] = {
    "findings": 30,
    "holds": 25,
    "reports": 25,
    "copies": 15,
    "over-claim": 20,
    "certificates": 10,
    "late": 5,
    "idle": 10,
    "unconfirmed": 5,
}
MOST_WEIGHT: Final = 100
WATCHED: Final = ("producer", "co-operative", "trader", "processor", "carrier", "retailer")
QUEUE_LIMIT: Final = 50
CHUNK: Final = 200
EVERY: Final = timedelta(hours=6)
EVIDENCE: Final = 5
# The newest records of an organisation by which its lateness is told, and how few tell nothing.
LATE_OF: Final = 300
LATE_LEAST: Final = 10
# More than any vegetable field yields in a year, all crops together, in kilograms a square metre.
CEILING: Final = Decimal(12)
# After two years without a visit it cannot get worse; what expired longer ago is history.
IDLE_DAYS: Final = 730
EXPIRED_DAYS: Final = 730
FULL: Final = 1000

Shares = dict[int, tuple[int, int, list[str]]]  # organisation -> share, figure, evidence


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of one organisation, with its points for this authority."""

    factor: str
    points: int
    figure: int
    evidence: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Ranked:
    """An organisation of the queue. `planned` is the case that waits for it already."""

    organisation: Organisation
    points: int
    reasons: tuple[Reason, ...]
    planned: Inspection | None


# -- the queue -------------------------------------------------------------------------------------


def weights_of(authority: Organisation) -> dict[str, int]:
    """The weight of each reason for this authority, 0 to MOST_WEIGHT."""
    told = rule_of(authority, RULE, WEIGHTS)
    found = {}
    for factor in FACTORS:
        value = told.get(factor, WEIGHTS[factor])
        found[factor] = value if isinstance(value, int) and 0 <= value <= MOST_WEIGHT else 0
    return found


def points_of(authority: Organisation, organisation_ids: Collection[int]) -> dict[int, int]:
    """The points of these organisations as this authority weighs them; none has none. One query."""
    rows = db.session.execute(
        select(Risk.organisation_id, _points(weights_of(authority)))
        .where(among(Risk.organisation_id, sorted(organisation_ids)))
        .group_by(Risk.organisation_id)
    )
    return {one: round(points / FULL) for one, points in rows}


def _points(weights: Mapping[str, int]) -> Any:
    weighed = case(*((Risk.factor == name, weight) for name, weight in weights.items()), else_=0)
    return func.sum(Risk.share * weighed)


def queue(actor: Actor, *, kind: str = "", limit: int = QUEUE_LIMIT) -> list[Ranked]:
    """The organisations of the area with the most points, each with its reasons; of equal ones
    first where this authority's next finding falls due."""
    scope = scope_of(actor)
    weights = weights_of(scope.authority)
    points = _points(weights)
    due = (
        select(func.min(Finding.due_on))
        .where(
            Finding.organisation_id == Risk.organisation_id,
            Finding.authority_id == scope.authority.id,
            Finding.state == "open",
        )
        .scalar_subquery()
    )
    query = (
        select(Risk.organisation_id, points)
        .join(Organisation, Organisation.id == Risk.organisation_id)
        .where(
            scope.organisations(), Organisation.closed_at.is_(None), Organisation.kind.in_(WATCHED)
        )
        .group_by(Risk.organisation_id)
        .having(points > 0)
        .order_by(points.desc(), due.is_(None), due, Risk.organisation_id)
        .limit(limit)
    )
    if kind in WATCHED:
        query = query.where(Organisation.kind == kind)
    ids = [row[0] for row in db.session.execute(query)]
    reasons: dict[int, list[Reason]] = {one: [] for one in ids}
    for row in db.session.scalars(select(Risk).where(among(Risk.organisation_id, sorted(ids)))):
        told = round(row.share * weights.get(row.factor, 0) / FULL)
        if told:
            evidence = tuple(orjson.loads(row.evidence))
            reasons[row.organisation_id].append(
                Reason(row.factor, told, row.figure, evidence, row.at)
            )
    organisations = {
        one.id: one
        for one in db.session.scalars(
            select(Organisation).where(among(Organisation.id, sorted(ids)))
        )
    }
    planned = _planned(scope.authority.id, ids)
    return [
        Ranked(
            organisations[one],
            sum(reason.points for reason in reasons[one]),
            tuple(sorted(reasons[one], key=lambda reason: -reason.points)),
            planned.get(one),
        )
        for one in ids
    ]


def _planned(authority_id: int, ids: Collection[int]) -> dict[int, Inspection]:
    rows = db.session.scalars(
        select(Inspection)
        .where(
            Inspection.authority_id == authority_id,
            Inspection.state.in_(("planned", "begun")),
            among(Inspection.organisation_id, sorted(ids)),
        )
        .order_by(Inspection.id)
    )
    return {row.organisation_id: row for row in rows}


# -- counting --------------------------------------------------------------------------------------


def ask(at: datetime, organisation_ids: Sequence[int] = ()) -> int:
    """Asks for a count: of these, or of everybody. In the caller's transaction."""
    enqueue(KIND, {"organisations": list(organisation_ids)}, at=at)
    return 1


def ask_when_due(*, at: datetime) -> int:
    """Asks for everybody's count where the last one is older than EVERY; 1 if it did."""
    waiting = select(Job.id).where(Job.kind == KIND, Job.finished_at.is_(None)).limit(1)
    if db.session.scalar(waiting) is not None:
        return 0
    oldest, anybody = db.session.execute(
        select(
            select(func.min(Risk.at)).scalar_subquery(),
            select(Organisation.id)
            .where(Organisation.kind.in_(WATCHED))
            .limit(1)
            .scalar_subquery(),
        )
    ).one()
    if anybody is None or (oldest is not None and at - oldest < EVERY):
        return 0
    return ask(at)


def chunks(asked: Sequence[int]) -> Iterator[list[int]]:
    """The organisations to count, some at a time."""
    if asked:
        yield list(asked)[:CHUNK]
        return
    last = 0
    while True:
        some = list(
            db.session.scalars(
                select(Organisation.id)
                .where(Organisation.id > last, Organisation.kind.in_(WATCHED))
                .order_by(Organisation.id)
                .limit(CHUNK)
            )
        )
        if not some:
            return
        yield some
        last = some[-1]


def count(organisation_ids: Collection[int], *, at: datetime) -> int:
    """Counts the reasons of these organisations anew; how many rows there are. The caller commits.
    A fixed number of questions, and one more for each organisation (its newest records)."""
    ids = sorted(set(organisation_ids))
    told: dict[str, Shares] = {
        "findings": _findings(ids),
        "holds": _holds(ids),
        "reports": _reports(ids),
        "copies": _copies(ids),
        "over-claim": _over_claims(ids, at),
        "certificates": _certificates(ids, at),
        "late": _late(ids),
        "idle": _idle(ids, at),
        "unconfirmed": _unconfirmed(ids),
    }
    rows = [
        {
            "organisation_id": organisation,
            "factor": factor,
            "share": min(FULL, share),
            "figure": figure,
            "evidence": orjson.dumps(evidence[:EVIDENCE]).decode(),
            "at": at,
        }
        for factor, shares in told.items()
        for organisation, (share, figure, evidence) in shares.items()
        if share > 0
    ]
    db.session.execute(delete(Risk).where(among(Risk.organisation_id, ids)))
    if rows:
        db.session.execute(insert(Risk), rows)
    return len(rows)


def _gathered(rows: Iterable[Any], each: int, most: Mapping[str, int] | None = None) -> Shares:
    """Rows (organisation, evidence, weight's name) into shares: each row weighs `each`, or what
    `most` says of its name."""
    found: Shares = {}
    for organisation, evidence, name in rows:
        share, figure, told = found.get(organisation, (0, 0, []))
        weight = (most or {}).get(name, each)
        found[organisation] = (share + weight, figure + 1, [*told, str(evidence)])
    return found


def _findings(ids: Sequence[int]) -> Shares:
    rows = db.session.execute(
        select(Finding.organisation_id, Finding.id, Finding.severity)
        .where(among(Finding.organisation_id, ids), Finding.state == "open")
        .order_by(Finding.id.desc())
    )
    return _gathered(rows, 250, {"minor": 250, "major": 500, "critical": FULL})


def _holds(ids: Sequence[int]) -> Shares:
    rows = db.session.execute(
        select(Thing.owner_id, Thing.identity, Alert.kind)
        .join(Alert, (Alert.thing_id == Thing.id) & (Alert.source_id == Thing.id))
        .where(
            among(Thing.owner_id, ids),
            Alert.lifted_by.is_(None),
            Alert.kind.in_(("hold", "recall")),
        )
        .order_by(Alert.event_id.desc())
        .limit(CHUNK * 20)
    )
    told = ((owner, short_name(identity), kind) for owner, identity, kind in rows)
    return _gathered(told, 400, {"recall": 700})


def _reports(ids: Sequence[int]) -> Shares:
    rows = db.session.execute(
        select(Report.maker_id, Report.id, case((Report.urgent, "urgent"), else_=""))
        .where(
            among(Report.maker_id, ids),
            Report.state != "closed",
            Report.held.is_(False),
            Report.merged_into_id.is_(None),
        )
        .order_by(Report.id.desc())
        .limit(CHUNK * 20)
    )
    return _gathered(rows, 300, {"urgent": FULL})


def _copies(ids: Sequence[int]) -> Shares:
    rows = db.session.execute(
        select(Thing.owner_id, Copy.key, Copy.state)
        .join(Thing, Thing.id == Copy.lot_id)
        .where(among(Thing.owner_id, ids), Copy.state != "cleared")
        .order_by(Copy.score.desc())
        .limit(CHUNK * 20)
    )
    told = ((owner, key.rpartition("/")[2], state) for owner, key, state in rows)
    return _gathered(told, 250, {"confirmed": 500})


def _over_claims(ids: Sequence[int], at: datetime) -> Shares:
    """Kilograms of a year's harvests against the ground there is."""
    grounds = db.session.execute(
        select(Place.organisation_id, func.sum(func.coalesce(Place.area_m2, 0)))
        .where(among(Place.organisation_id, ids), Place.kind.in_(("plot", "greenhouse")))
        .group_by(Place.organisation_id)
    )
    area = {row[0]: row[1] for row in grounds}
    found: Shares = {}
    grounded = sorted(one for one, square in area.items() if square)
    if not grounded:
        return found
    harvested = db.session.execute(
        select(Event.issuer_id, func.sum(EventThing.quantity))
        .join(EventThing, EventThing.event_id == Event.id)
        .where(
            among(Event.issuer_id, grounded),
            Event.event_time >= at - timedelta(days=365),
            Event.biz_step.like("%harvesting"),
            EventThing.role == ROLES.index("output"),
            EventThing.unit == "KGM",
        )
        .group_by(Event.issuer_id)
    )
    for organisation, kilograms in harvested:
        most = Decimal(str(area[organisation])) * CEILING
        got = Decimal(str(kilograms or 0))
        if most and got > most:
            share = int((got / most - 1) * FULL)
            percent = int(got * 100 / most)
            evidence = [f"{got:.0f} kg", f"{area[organisation]:.0f} m²"]
            found[organisation] = (min(FULL, share), percent, evidence)
    return found


def _certificates(ids: Sequence[int], at: datetime) -> Shares:
    """Certificates that ended, without another of the same standard in force."""
    today = local_day(at)
    rows = db.session.execute(
        select(
            Certificate.organisation_id,
            Certificate.standard,
            Certificate.number,
            Certificate.valid_until,
            Certificate.withdrawn_on,
        )
        .where(among(Certificate.organisation_id, ids), Certificate.decision != "rejected")
        .order_by(Certificate.valid_until.desc())
    ).all()
    standing = {
        (row.organisation_id, row.standard)
        for row in rows
        if row.valid_until >= today and row.withdrawn_on is None
    }
    ended = [
        (row.organisation_id, f"{row.standard} {row.number}", "")
        for row in rows
        if (row.organisation_id, row.standard) not in standing
        and (row.withdrawn_on or row.valid_until) >= today - timedelta(days=EXPIRED_DAYS)
    ]
    return _gathered(ended, 500)


def _late(ids: Sequence[int]) -> Shares:
    found: Shares = {}
    for organisation in ids:
        rows = db.session.execute(
            select(Event.event_time, LogEntry.entry)
            .join(LogEntry, LogEntry.event_id == Event.id)
            .where(Event.issuer_id == organisation)
            .order_by(Event.id.desc())
            .limit(LATE_OF)
        ).all()
        if len(rows) < LATE_LEAST:
            continue
        late = sum(_recorded(entry) - happened > LATE_AFTER for happened, entry in rows)
        percent = late * 100 // len(rows)
        if percent:
            found[organisation] = (percent * 10, percent, [f"{late}/{len(rows)}"])
    return found


def _recorded(entry: str) -> datetime:
    return datetime.fromisoformat(orjson.loads(entry)["t"])


def _idle(ids: Sequence[int], at: datetime) -> Shares:
    """Days since the last inspection that was concluded; since the registration where none was."""
    last = (
        select(Inspection.organisation_id, func.max(Inspection.concluded_at).label("at"))
        .where(Inspection.state == "concluded")
        .group_by(Inspection.organisation_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Organisation.id, Organisation.created_at, last.c.at)
        .outerjoin(last, last.c.organisation_id == Organisation.id)
        .where(among(Organisation.id, ids))
    )
    found: Shares = {}
    for organisation, created, seen in rows:
        days = max(0, (at - (seen or created)).days)
        never = seen is None
        # Never looked at counts for a year more: nobody knows the place at all.
        share = min(FULL, (days + (365 if never else 0)) * FULL // IDLE_DAYS)
        found[organisation] = (share, days, ["never"] if never else [])
    return found


def _unconfirmed(ids: Sequence[int]) -> Shares:
    rows = db.session.scalars(
        select(Organisation.id).where(
            among(Organisation.id, ids), Organisation.status != "confirmed"
        )
    )
    return {organisation: (FULL, 1, []) for organisation in rows}
